//! The real Airflow, 2 or 3, with the bike-traffic stack and its DAGs, and the real MLflow. `.ci/servers` starts them; `BELLBUOY_AIRFLOW` and `BELLBUOY_MLFLOW`
//! name the folders it was given. What is counted must be what Airflow's own database says.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::process::Command;

use serde_json::{Value, json};

use super::harness::{Folder, PATIENCE, Program, Server, answer, escape, free_port, http, peer, peers, wait_for};

const JSON: (&str, &str) = ("content-type", "application/json");

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..")
}

/// A server that `.ci/servers` has started.
struct Real {
    said: BTreeMap<String, String>,
}

impl Real {
    fn of(variable: &str) -> Option<Real> {
        let folder = std::env::var(variable).ok().filter(|folder| !folder.is_empty());
        let Some(text) = folder.and_then(|folder| std::fs::read_to_string(Path::new(&folder).join("env")).ok()) else {
            println!("skipped: {variable} names no folder of a server that .ci/servers has started");
            return None;
        };
        let said = text.lines().filter_map(|line| line.split_once('=')).map(|(name, value)| (name.to_string(), value.to_string()));
        Some(Real { said: said.collect() })
    }

    fn get(&self, name: &str) -> &str {
        self.said.get(name).map_or("", String::as_str)
    }

    fn address(&self) -> &str {
        let url = if self.get("AIRFLOW_URL").is_empty() { self.get("MLFLOW_URL") } else { self.get("AIRFLOW_URL") };
        url.trim_start_matches("http://")
    }

    fn is_v2(&self) -> bool {
        self.get("AIRFLOW_MAJOR") == "3"
    }

    fn part(&self, what: &str, part: &str) {
        let status = Command::new("bash")
            .arg(root().join(".ci/servers"))
            .args(["part", self.get("AIRFLOW_DIR"), what, part])
            .status()
            .expect("bash");
        assert!(status.success(), "{what} {part}");
    }

    /// Airflow's API as its administrator.
    fn ask(&self, method: &str, path: &str, body: &Value) -> Value {
        let (user, password) = (self.get("AIRFLOW_USER"), self.get("AIRFLOW_PASSWORD"));
        let (authorization, root) = if self.is_v2() {
            let login = json!({"username": user, "password": password}).to_string();
            let (_, token) = http(self.address(), "POST", "/auth/token", &[JSON], login.as_bytes());
            let token: Value = serde_json::from_str(&token).expect("a token");
            (format!("Bearer {}", token["access_token"].as_str().expect("a token")), "/api/v2")
        } else {
            assert_eq!((user, password), ("admin", "admin"));
            ("Basic YWRtaW46YWRtaW4=".to_string(), "/api/v1")
        };
        let headers = [JSON, ("authorization", authorization.as_str())];
        let (status, answer) = http(self.address(), method, &format!("{root}{path}"), &headers, body.to_string().as_bytes());
        assert!(status < 300, "{path}: {status} {answer}");
        serde_json::from_str(&answer).expect("JSON")
    }

    fn trigger(&self, dag: &str, run: &str, conf: Value) {
        let mut body = json!({"dag_run_id": run, "conf": conf});
        if self.is_v2() {
            body["logical_date"] = Value::Null;
        }
        self.ask("POST", &format!("/dags/{dag}/dagRuns"), &body);
    }

    /// Rows of Airflow's own database: texts, and a number in the last column.
    fn rows(&self, sql: &str) -> BTreeMap<Vec<String>, f64> {
        let flags = rusqlite::OpenFlags::SQLITE_OPEN_READ_ONLY;
        let database = rusqlite::Connection::open_with_flags(self.get("AIRFLOW_DATABASE"), flags).expect("Airflow's database");
        database.busy_timeout(PATIENCE).expect("a time");
        let mut statement = database.prepare(sql).expect("SQL");
        let columns = statement.column_count();
        let rows = statement.query_map([], |row| {
            let texts: Result<Vec<String>, _> = (0..columns - 1).map(|column| row.get(column)).collect();
            Ok((texts?, row.get::<_, f64>(columns - 1)?))
        });
        rows.expect("rows").map(|row| row.expect("a row")).collect()
    }

    fn runs(&self, like: &str) -> BTreeMap<Vec<String>, f64> {
        self.rows(&format!(
            "SELECT dag_id, state, count(*) FROM dag_run WHERE run_id LIKE '{like}' AND state IN ('success', 'failed') GROUP BY 1, 2"
        ))
    }

    fn attempts(&self, like: &str) -> BTreeMap<Vec<String>, f64> {
        let columns = "dag_id, task_id, run_id, replace(state, 'up_for_retry', 'failed') AS state, end_date";
        self.rows(&format!(
            "SELECT dag_id, task_id, state, count(*) FROM (SELECT {columns} FROM task_instance UNION ALL SELECT {columns} FROM task_instance_history)
             WHERE run_id LIKE '{like}' AND end_date IS NOT NULL AND state IN ('success', 'failed', 'skipped', 'upstream_failed') GROUP BY 1, 2, 3"
        ))
    }
}

/// Slow on a busy machine; nothing here takes this long.
fn patiently<T>(what: &str, mut ask: impl FnMut() -> Option<T>) -> T {
    let started = std::time::Instant::now();
    // Nobody sends: receiving with a limit is a wait that the next question ends.
    let (_keep, pause) = std::sync::mpsc::channel::<()>();
    loop {
        if let Some(found) = ask() {
            return found;
        }
        assert!(started.elapsed() < PATIENCE * 6, "not seen: {what}");
        let _ = pause.recv_timeout(std::time::Duration::from_millis(100));
    }
}

fn value(program: &Program, expr: &str) -> Option<String> {
    program.query(expr).first().map(|(_, value)| value.clone())
}

/// A metric's values by some of its labels.
fn counted(program: &Program, metric: &str, labels: &[&str]) -> BTreeMap<Vec<String>, f64> {
    let data = program.data(&format!("/api/v1/query?query={}", escape(metric)));
    let found = data["result"].as_array().into_iter().flatten().map(|one| {
        let names = labels.iter().map(|label| one["metric"][*label].as_str().unwrap_or("").to_string()).collect();
        (names, one["value"][1].as_str().and_then(|text| text.parse().ok()).unwrap_or(f64::NAN))
    });
    found.collect()
}

/// The stack as it is, with this Airflow, this channel, ports that are free, and a second instead of minutes.
fn stack(real: &Real, channel: &Server) -> (Folder, String) {
    let port = free_port();
    let folder = Folder::new(&[("discord_webhook_url", &format!("http://{}/hook", channel.address))]);
    for name in ["prometheus.yml", "alerts.yml", "alertmanager.yml", "bellbuoy.yml", "reference.csv"] {
        let text = std::fs::read_to_string(root().join("stacks/bike-traffic").join(name)).expect("a file of the stack");
        let text = text
            .replace("${AIRFLOW_BASE_URL:-}", real.get("AIRFLOW_URL"))
            .replace("${AIRFLOW_USERNAME:-admin}", real.get("AIRFLOW_VIEWER"))
            .replace("${AIRFLOW_PASSWORD:-admin}", real.get("AIRFLOW_VIEWER_PASSWORD"))
            .replace("${MLFLOW_URL:-}", "${NO_SUCH_MLFLOW:-}")
            .replace("interval: 60s", "interval: 1s")
            .replace("scrape_interval: 30s", "scrape_interval: 1s\n    scrape_timeout: 1s")
            .replace("127.0.0.1:9101", &format!("127.0.0.1:{port}"))
            .replace("localhost:9101", &format!("127.0.0.1:{port}"));
        folder.write(name, &text);
    }
    (folder, format!("127.0.0.1:{port}"))
}

/// Runs that succeed, fail, are tried again, cleared; a retraining that is forced and its message; the scheduler killed, the server gone, bellbuoy
/// killed, tokens that expire. In the end all counts are those of Airflow's database.
#[test]
fn the_real_airflow_agrees() {
    let Some(real) = Real::of("BELLBUOY_AIRFLOW") else { return };
    let channel = Server::start(|_| answer(204, &[], b""));
    let (folder, page) = stack(&real, &channel);
    let up = || Program::up_with(&folder, &["--listen", real.get("AIRFLOW_TELLS")]);
    let program = up();
    patiently("the first poll", || (value(&program, "airflow_exporter_up")? == "1").then_some(()));
    wait_for("the DAGs", || (value(&program, "airflow_dags")? == "3").then_some(()));
    let stamp = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).expect("after 1970").as_millis();
    let (id, like) = (|name: &str| format!("it-{stamp}-{name}"), format!("it-{stamp}-%"));
    let ended = |count: usize| {
        patiently(&format!("{count} runs to end"), || (real.runs(&like).values().sum::<f64>() == count as f64).then_some(()));
    };

    real.trigger("daily_fetch_bike_data", &id("fails"), json!({"fail": true}));
    real.trigger("daily_fetch_bike_data", &id("good"), json!({"records": 7, "records_fetched": 14}));
    real.trigger("daily_prediction", &id("again"), json!({"fail_tries": 1, "rmse": 44.5}));
    // The test plan of the stack: a retraining although nothing asks for it, and its message.
    real.trigger("monitor_and_fine_tune", &id("tune"), json!({"force_fine_tune": true, "test_mode": true}));
    real.trigger("monitor_and_fine_tune", &id("tune-fails"), json!({"force_fine_tune": true, "fail": "fine_tune_model"}));
    ended(5);
    let said = |run: &str| {
        let bodies = channel.received().into_iter().map(|one| one.body);
        bodies.filter(|body| body.contains(&id(run))).collect::<Vec<_>>()
    };
    let message = patiently("the message of the retraining", || said("tune\"").first().cloned());
    println!("{message}");
    assert!(message.contains("DEPLOYED to production"), "{message}");
    let message = patiently("the message of the failure", || said("tune-fails").first().cloned());
    assert!(message.contains("Training Pipeline Failed") && message.contains("asked to fail"), "{message}");

    for (expr, expected) in [
        ("bike_records_ingested_total", "7"),
        ("bike_api_records_fetched_total", "14"),
        ("bike_deduplication_ratio", "0.5"),
        ("bike_predictions_generated_total", "96"),
        ("bike_prediction_rmse", "44.5"),
        ("bike_prediction_mae", "31.5"),
        ("bike_prediction_r2", "0.8125"),
        ("bike_prediction_api_duration_seconds", "0.25"),
        ("bike_drift_detected{job=\"airflow-metrics\"}", "0"),
        ("bike_drift_share{job=\"airflow-metrics\"}", "0.125"),
        ("bike_drifted_features_count{job=\"airflow-metrics\"}", "2"),
        ("bike_model_r2_production{job=\"airflow-metrics\"}", "0.78125"),
        ("bike_model_rmse_production{job=\"airflow-metrics\"}", "52.75"),
        ("bike_model_improvement_delta", "0.0625"),
        ("bike_model_r2_champion_baseline", "0.75"),
        ("bike_model_r2_champion_current", "0.78125"),
        ("bike_model_r2_challenger_baseline", "0.71875"),
        ("bike_model_r2_challenger_current", "0.84375"),
        ("bike_model_deployments_total{decision=\"deploy\"}", "1"),
        ("bike_training_runs_total{status=\"success\"}", "1"),
        ("bike_training_runs_total{status=\"failed\"}", "1"),
        ("bike_training_duration_seconds_count{status=\"success\"}", "1"),
        ("count(bike_ingestion_duration_seconds_count)", "2"),
        ("airflow_scheduler_healthy", "1"),
        ("airflow_metadatabase_healthy", "1"),
    ] {
        let seen = || value(&program, expr);
        super::harness::wait_explained(expr, &|| format!("{:?}", seen()), || (seen()? == expected).then_some(()));
    }

    // The scheduler is killed, and a run waits for the next one.
    real.part("kill", "scheduler");
    real.trigger("daily_prediction", &id("waits"), json!({}));
    patiently("the scheduler to be missed", || (value(&program, "airflow_scheduler_healthy")? == "0").then_some(()));
    real.part("start", "scheduler");
    ended(6);
    patiently("the scheduler", || (value(&program, "airflow_scheduler_healthy")? == "1").then_some(()));

    // The server is gone for a while, and bellbuoy is killed.
    real.part("kill", real.get("AIRFLOW_FRONT"));
    patiently("a poll that fails", || (value(&program, "airflow_exporter_up")? == "0").then_some(()));
    assert_eq!(value(&program, "airflow_dag_runs_total{dag_id=\"daily_fetch_bike_data\",state=\"failed\"}").as_deref(), Some("1"));
    let calls = "sum(airflow_exporter_api_requests_total{endpoint=\"token\"})";
    let tokens: f64 = value(&program, calls).and_then(|text| text.parse().ok()).unwrap_or(0.0);
    assert!(!real.is_v2() || tokens > 1.0, "tokens live ten seconds here");
    program.kill();
    real.part("start", real.get("AIRFLOW_FRONT"));
    let health = if real.is_v2() { "/execution/health" } else { "/health" };
    patiently("the server", || {
        std::net::TcpStream::connect(real.address()).ok()?;
        (http(real.address(), "GET", health, &[], b"").0 == 200).then_some(())
    });
    real.trigger("daily_fetch_bike_data", &id("unseen"), json!({"records": 3}));
    ended(7);
    let program = up();
    patiently("what ended meanwhile", || (value(&program, "bike_records_ingested_total")? == "10").then_some(()));

    // A cleared run ends again: another end, and other tries.
    let runs = real.runs(&like);
    let cleared = real.ask("POST", &format!("/dags/daily_fetch_bike_data/dagRuns/{}/clear", id("good")), &json!({"dry_run": false}));
    assert!(cleared.is_object());
    let (fetched, labels) = (vec!["daily_fetch_bike_data".to_string(), "success".into()], ["dag_id", "state"]);
    let mut expected = runs.clone();
    *expected.entry(fetched).or_default() += 1.0;
    patiently("the cleared run to end again", || {
        (counted(&program, "airflow_dag_runs_total", &labels) == expected && real.runs(&like) == runs).then_some(())
    });
    let tries = ["dag_id", "task_id", "state"];
    patiently("all tries", || (counted(&program, "airflow_task_attempts_total", &tries) == real.attempts(&like)).then_some(()));
    let all = real.attempts(&like);
    println!("{} kinds of tries, {} in all; runs {expected:?}", all.len(), all.values().sum::<f64>());
    lint(&page);
    assert_eq!(program.stop(), Some(0));
}

/// What promtool says of the page; one name is older than its rules.
fn lint(page: &str) {
    let Some(dir) = peers() else { return };
    let (_, body) = http(page, "GET", "/metrics", &[], b"");
    let text: Vec<&str> = body.lines().filter(|line| !line.contains("bike_drifted_features_count")).collect();
    promtool(&dir, &text.join("\n"));
}

fn promtool(dir: &Path, text: &str) {
    let mut child = Command::new(peer(dir, &["promtool"]))
        .args(["check", "metrics"])
        .stdin(std::process::Stdio::piped())
        .stdout(std::process::Stdio::piped())
        .stderr(std::process::Stdio::piped())
        .spawn()
        .expect("promtool");
    std::io::Write::write_all(child.stdin.as_mut().expect("piped"), format!("{text}\n").as_bytes()).expect("written");
    let output = child.wait_with_output().expect("promtool");
    let said = [output.stdout, output.stderr].concat();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&said));
}

/// A model with three versions; its champion is promoted, taken away, and a run gets another value.
#[test]
fn the_real_mlflow_agrees() {
    let Some(real) = Real::of("BELLBUOY_MLFLOW") else { return };
    let call = |method: &str, path: &str, body: Value| -> Value {
        let (status, answer) = http(real.address(), method, &format!("/api/2.0/mlflow/{path}"), &[JSON], body.to_string().as_bytes());
        assert_eq!(status, 200, "{path}: {answer}");
        serde_json::from_str(&answer).expect("JSON")
    };
    let now = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).expect("after 1970").as_millis() as u64;
    let model = format!("bike {now}");
    let experiment = call("POST", "experiments/create", json!({"name": model}))["experiment_id"].clone();
    call("POST", "registered-models/create", json!({"name": model}));
    let mut runs = Vec::new();
    for (index, r2) in [json!(0.5), json!(0.75), json!("NaN")].into_iter().enumerate() {
        let run = call("POST", "runs/create", json!({"experiment_id": experiment, "start_time": now}))["run"]["info"].clone();
        let id = run["run_id"].as_str().expect("an id").to_string();
        for step in 0..3u64 {
            let loss = json!({"key": "loss", "value": 8.0 / (step + 1) as f64, "timestamp": now + 1000 * step, "step": step});
            call("POST", "runs/log-batch", json!({"run_id": id, "metrics": [loss]}));
        }
        call("POST", "runs/log-batch", json!({"run_id": id, "metrics": [{"key": "r2", "value": r2, "timestamp": now, "step": 0}]}));
        let version = call(
            "POST",
            "model-versions/create",
            json!({"name": model, "source": format!("{}/model", run["artifact_uri"].as_str().unwrap_or("")), "run_id": id}),
        );
        assert_eq!(version["model_version"]["version"].as_str(), Some((index + 1).to_string().as_str()));
        runs.push(id);
    }
    let alias =
        |alias: &str, version: &str| call("POST", "registered-models/alias", json!({"name": model, "alias": alias, "version": version}));
    alias("champion", "1");
    alias("challenger", "3");

    let hook = Server::start(|_| answer(200, &[], b""));
    let routes = format!(
        "route: {{receiver: hook, group_wait: 0s, group_by: ['...']}}\nreceivers:\n- name: hook\n  webhook_configs: [{{url: 'http://{}/'}}]\n",
        hook.address
    );
    let config =
        format!("mlflow:\n- {{url: '{}', instance: m, interval: 1s, models: ['{model}'], history: [loss]}}\n", real.get("MLFLOW_URL"));
    let folder = Folder::new(&[("bellbuoy.yml", &config), ("alertmanager.yml", &routes)]);
    let program = Program::up(&folder);
    let is = |expr: &str, expected: &str| patiently(expr, || (value(&program, expr)? == expected).then_some(()));
    is("mlflow_api_up", "1");
    is("mlflow_model_latest_version", "3");
    is("mlflow_model_alias_version{alias=\"champion\"}", "1");
    is("mlflow_model_version_metric{alias=\"champion\",metric=\"r2\"}", "0.5");
    is("mlflow_model_version_metric{alias=\"challenger\",metric=\"loss\"}", &(8.0f64 / 3.0).to_string());
    assert_eq!(value(&program, "mlflow_model_version_metric{alias=\"challenger\",metric=\"r2\"}"), None, "NaN is no value");
    is("count(mlflow_model_version_metric_step{alias=\"champion\",metric=\"loss\"})", "3");
    is("mlflow_model_version_metric_step{alias=\"champion\",step=\"1\"}", "4");
    assert!(hook.received().is_empty(), "the first contact is no change");

    alias("champion", "2");
    is("mlflow_model_alias_version{alias=\"champion\"}", "2");
    is("mlflow_model_version_metric{alias=\"champion\",metric=\"r2\"}", "0.75");
    let message = patiently("a message", || hook.received().first().map(super::harness::Received::json));
    assert_eq!(message["alerts"][0]["annotations"]["summary"], format!("champion of {model} is version 2, was 1"));
    call("DELETE", "registered-models/alias", json!({"name": model, "alias": "challenger"}));
    patiently("no challenger", || value(&program, "mlflow_model_alias_version{alias=\"challenger\"}").is_none().then_some(()));
    patiently("its message", || hook.received().get(1).map(|one| assert!(one.body.contains("no challenger any more"))));
    let version = program.query("mlflow_info");
    println!("{version:?}");
    assert_eq!(program.stop(), Some(0));
}
