//! Airflow and MLflow: simulated servers behind real HTTP, through kill -9. The real ones: real.rs.

use std::sync::{Arc, Mutex};

use serde_json::{Value, json};

use super::harness::{Folder, Program, Received, Server, answer, bellbuoy, ok, wait_for};

/// Run id, state and end.
type Runs = Arc<Mutex<Vec<(String, &'static str, String)>>>;

/// An Airflow 3 with one DAG that asks for a token.
fn airflow(runs: &Runs) -> Server {
    let runs = runs.clone();
    Server::start(move |request| {
        let path = request.path.split('?').next().unwrap_or("").to_string();
        let json = |value: Value| ok("application/json", &value.to_string());
        if path.ends_with("/auth/token") {
            let good = request.json() == json!({"username": "bell", "password": "geheim"});
            let body = if good { json!({"access_token": "t0ken"}) } else { json!({"detail": "Invalid credentials"}) };
            return answer(if good { 201 } else { 401 }, &[("content-type", "application/json")], body.to_string().as_bytes());
        }
        let open = path.ends_with("/version") || path.ends_with("/monitor/health");
        if !open && request.headers.get("authorization").map(String::as_str) != Some("Bearer t0ken") {
            return answer(401, &[("content-type", "application/json")], b"{\"detail\": \"Not authenticated\"}");
        }
        match path.strip_prefix("/base/api/v2") {
            Some("/version") => json(json!({"version": "3.3.2"})),
            Some("/monitor/health") => json(json!({"scheduler": {"status": "healthy"}})),
            Some("/importErrors") => json(json!({"import_errors": [], "total_entries": 2})),
            Some("/pools") => json(json!({"pools": [], "total_entries": 0})),
            Some("/dags") => json(json!({"dags": [{"dag_id": "train", "is_paused": false}], "total_entries": 1})),
            Some("/dags/~/dagRuns") => {
                let from = request.path.split("end_date_gte=").nth(1).and_then(|rest| rest.split('&').next()).unwrap_or("").to_string();
                let runs = runs.lock().expect("runs");
                // All times have milliseconds, so texts compare as times do.
                let rows: Vec<Value> = runs.iter().filter(|run| run.2 >= from).map(run_row).collect();
                json(json!({"total_entries": rows.len(), "dag_runs": rows}))
            }
            Some("/dags/~/dagRuns/~/taskInstances") => json(json!({"task_instances": [], "total_entries": 0})),
            Some(path) if path.ends_with("/xcomEntries/rmse") => json(json!({"key": "rmse", "value": 48.25})),
            _ => answer(404, &[("content-type", "application/json")], b"{\"detail\": \"not found\"}"),
        }
    })
}

fn run_row((id, state, end): &(String, &'static str, String)) -> Value {
    json!({"dag_id": "train", "dag_run_id": id, "state": state, "start_date": end, "end_date": end, "run_after": end})
}

fn later(milliseconds: i64) -> String {
    let now = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).expect("after 1970").as_millis() as i64;
    let text = bellbuoy_vocabulary::Timestamp(now + milliseconds).rfc3339();
    // `...:05Z` at a whole second.
    if text.contains('.') { text } else { text.replace('Z', ".000Z") }
}

fn config(server: &Server) -> String {
    format!(
        "airflow:\n- url: http://{}/base/\n  instance: prod\n  basic_auth: {{username: bell, password: geheim}}\n  interval: 1s\n  dags: [train]\n  xcoms:\n  - {{dag: train, task: fit, key: rmse, metric: bike_rmse}}\n",
        server.address
    )
}

fn value(program: &Program, expr: &str) -> Option<String> {
    program.query(expr).first().map(|(_, value)| value.clone())
}

#[test]
fn a_run_is_counted_once_through_kill_9() {
    let runs: Runs = Arc::default();
    runs.lock().expect("runs").push(("old".into(), "success", later(-3_600_000)));
    let server = airflow(&runs);
    let folder = Folder::new(&[("bellbuoy.yml", &config(&server))]);
    let program = Program::up(&folder);
    wait_for("the first poll", || (value(&program, "up{job=\"airflow\",instance=\"prod\"}")? == "1").then_some(()));
    assert_eq!(value(&program, "airflow_import_errors").as_deref(), Some("2"));
    // Of history: a gauge, and no count.
    wait_for("the XCom of the last run", || (value(&program, "bike_rmse")? == "48.25").then_some(()));
    assert_eq!(value(&program, "airflow_dag_runs_total"), None);
    runs.lock().expect("runs").push(("new".into(), "failed", later(1)));
    let count = |program: &Program| value(program, "airflow_dag_runs_total{dag_id=\"train\",state=\"failed\"}");
    wait_for("the new run", || (count(&program)? == "1").then_some(()));
    program.kill();
    runs.lock().expect("runs").push(("while it was down".into(), "failed", later(1)));
    let program = Program::up(&folder);
    wait_for("both runs", || (count(&program)? == "2").then_some(()));
    let polls = server.received().len();
    wait_for("two more polls", || (server.received().len() > polls + 12).then_some(()));
    assert_eq!(count(&program).as_deref(), Some("2"));
    // A token is reused: one for each start of the program.
    assert_eq!(server.received().iter().filter(|one| one.path.ends_with("/auth/token")).count(), 2);
    let told = [program.get("/metrics").1, program.get("/status").1, program.get("/api/v1/status/config").1].concat();
    assert!(!told.contains("geheim") && !told.contains("t0ken"));
    assert_eq!(program.stop(), Some(0));
}

#[test]
fn an_exporter_on_a_port_of_its_own() {
    let runs: Runs = Arc::default();
    let server = airflow(&runs);
    let folder = Folder::new(&[("bellbuoy.yml", &config(&server))]);
    let start = || {
        let mut command = bellbuoy();
        command.arg("airflow-exporter").arg(folder.config()).arg("--data").arg(folder.data()).args(["--listen", "127.0.0.1:0"]);
        Program::start(command, "listening on http://")
    };
    let page = |program: &Program, line: &str| wait_for(line, || program.get("/metrics").1.lines().any(|one| one == line).then_some(()));
    let program = start();
    page(&program, "airflow_exporter_up 1");
    runs.lock().expect("runs").push(("new".into(), "success", later(1)));
    page(&program, "airflow_dag_runs_total{dag_id=\"train\",state=\"success\"} 1");
    page(&program, "bike_rmse 48.25");
    let health: Value = serde_json::from_str(&program.get("/health").1).expect("JSON");
    assert_eq!((health["status"].as_str(), health["servers"][0]["airflow"].as_str()), (Some("ok"), Some("up")));
    program.kill();
    let program = start();
    page(&program, "airflow_exporter_up 1");
    page(&program, "airflow_dag_runs_total{dag_id=\"train\",state=\"success\"} 1");
    drop(server);
    page(&program, "airflow_exporter_up 0");
    let health: Value = serde_json::from_str(&program.get("/health").1).expect("JSON");
    assert_eq!(health["status"], "degraded");
}

#[test]
fn a_promotion_in_mlflow_is_told() {
    let champion = Arc::new(Mutex::new("2"));
    let shown = champion.clone();
    let mlflow = Server::start(move |request: &Received| {
        let version = *shown.lock().expect("version");
        let models = json!({"registered_models": [{"name": "bike", "aliases": [{"alias": "champion", "version": version}]}]});
        match request.path.split('?').next().unwrap_or("") {
            "/health" => ok("text/plain", "OK"),
            "/version" => ok("text/html", "3.17.2"),
            "/api/2.0/mlflow/registered-models/search" => ok("application/json", &models.to_string()),
            "/api/2.0/mlflow/model-versions/get" => ok("application/json", r#"{"model_version": {"run_id": "r1"}}"#),
            _ => ok("application/json", r#"{"run": {"data": {"metrics": [{"key": "r2", "value": 0.78}]}}}"#),
        }
    });
    let hook = Server::start(|_| ok("text/plain", ""));
    let routes = format!(
        "route: {{receiver: hook, group_wait: 0s, group_by: ['...']}}\nreceivers:\n- name: hook\n  webhook_configs: [{{url: 'http://{}/'}}]\n",
        hook.address
    );
    let config = format!("mlflow:\n- {{url: 'http://{}', instance: m, interval: 1s}}\n", mlflow.address);
    let folder = Folder::new(&[("bellbuoy.yml", &config), ("alertmanager.yml", &routes)]);
    let program = Program::up(&folder);
    wait_for("the alias", || (value(&program, "mlflow_model_alias_version{model=\"bike\",alias=\"champion\"}")? == "2").then_some(()));
    let sources = || serde_json::from_str::<Value>(&program.get("/api/bellbuoy/sources").1).expect("JSON")["sources"].clone();
    wait_for("the registry", || (sources()[0]["models"][0]["aliases"]["champion"]["metrics"]["r2"] == 0.78).then_some(()));
    let one = &sources()[0];
    assert_eq!((&one["kind"], &one["instance"], &one["up"], &one["problems"]), (&json!("mlflow"), &json!("m"), &json!(true), &json!([])));
    wait_for("the metric", || (value(&program, "mlflow_model_version_metric{metric=\"r2\"}")? == "0.78").then_some(()));
    assert!(hook.received().is_empty(), "the first contact is no change");
    *champion.lock().expect("version") = "3";
    let message = wait_for("a message", || hook.received().first().map(Received::json));
    let alert = &message["alerts"][0];
    assert_eq!((alert["labels"]["event"].as_str(), alert["labels"]["model"].as_str()), (Some("champion-promotion"), Some("bike")));
    assert_eq!(alert["annotations"]["summary"], "champion of bike is version 3, was 2");
    program.wait_delivered(1);
    program.kill();
    let program = Program::up(&folder);
    wait_for("the alias again", || (value(&program, "mlflow_model_alias_version")? == "3").then_some(()));
    assert_eq!(hook.received().len(), 1);
    assert_eq!(program.stop(), Some(0));
}

/// As the exporter that it replaces is started: by its environment, without a file.
#[test]
fn an_exporter_by_its_environment() {
    let runs: Runs = Arc::default();
    let server = airflow(&runs);
    let folder = Folder::new(&[]);
    let mut command = bellbuoy();
    command.arg("airflow-exporter").arg("--data").arg(folder.data()).args(["--listen", "127.0.0.1:0"]);
    command
        .env("AIRFLOW_BASE_URL", format!("http://{}/base", server.address))
        .env("AIRFLOW_USERNAME", "bell")
        .env("AIRFLOW_PASSWORD", "geheim");
    let program = Program::start(command, "listening on http://");
    wait_for("a poll", || program.get("/metrics").1.contains("airflow_exporter_up 1").then_some(()));
}
