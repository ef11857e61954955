//! The real peers beside bellbuoy: the same folder on Prometheus + Alertmanager gives the same alerts; promtool and amtool are its clients.

use std::cell::RefCell;
use std::collections::BTreeSet;
use std::fmt::Write as _;
use std::path::Path;
use std::process::Command;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

use bellbuoy::demo_stack::scaled;
use serde_json::Value;

use super::harness::{Folder, Program, Server, answer, escape, free_port, http, peer, peers, prometheus, text, wait_explained, wait_for};

mod acceptance;
mod acceptance_api;
mod amtool;
mod api_v2;
mod differential;
mod matchers;
mod messages;
mod posts;
mod random;
mod senders;
mod soundness;
mod stage;

fn stack(name: &str) -> String {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../stacks/bike-traffic").join(name);
    std::fs::read_to_string(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

/// A service in trouble or in health: every family that the stack's rules ask for.
fn service_page(trouble: bool, step: u64) -> String {
    let mut out = String::new();
    let bad = u64::from(trouble);
    let _ = writeln!(out, "fastapi_requests_total{{method=\"POST\",endpoint=\"/predict\",status=\"200\"}} {}", step * 100);
    let _ = writeln!(out, "fastapi_requests_total{{method=\"POST\",endpoint=\"/predict\",status=\"500\"}} {}", step * 10 * bad);
    let _ = writeln!(out, "fastapi_errors_total{{method=\"POST\",endpoint=\"/predict\"}} {}", step * 10 * bad);
    for (le, share) in [("1", 10), ("10", 10 + 90 * bad), ("+Inf", 100)] {
        let count = if trouble { step * share } else { step * 100 };
        let _ = writeln!(out, "prediction_latency_seconds_bucket{{le=\"{le}\"}} {count}");
    }
    let (r2, rmse, drift) = if trouble { (0.6, 80.5, 0.75) } else { (0.9, 30.0, 0.1) };
    let _ = writeln!(out, "bike_model_r2_production {r2}\nbike_model_rmse_production {rmse}\nbike_drift_share {drift}");
    let _ = writeln!(out, "bike_records_ingested_total {}", if trouble { 5 } else { step * 1000 });
    let _ = writeln!(out, "training_runs_total{{status=\"failure\"}} {}", if trouble { step } else { 0 });
    out
}

/// Label sets and states of Prometheus' alerts, and of Alertmanager's.
fn alerts(prometheus: &str, alertmanager: &str) -> (BTreeSet<String>, BTreeSet<String>) {
    let get = |address: &str, path: &str| serde_json::from_str::<Value>(&http(address, "GET", path, &[], b"").1).unwrap_or(Value::Null);
    let states = get(prometheus, "/api/v1/alerts")["data"]["alerts"]
        .as_array()
        .map(|list| list.iter().map(|one| format!("{} {}", sorted(&one["labels"]), text(&one["state"]))).collect())
        .unwrap_or_default();
    let told = get(alertmanager, "/api/v2/alerts")
        .as_array()
        .map(|list| {
            list.iter()
                .map(|one| {
                    format!("{} {} {}", sorted(&one["labels"]), text(&one["status"]["state"]), sorted_annotations(&one["annotations"]))
                })
                .collect()
        })
        .unwrap_or_default();
    (states, told)
}

fn sorted(labels: &Value) -> String {
    let set: BTreeSet<String> = labels.as_object().into_iter().flatten().map(|(name, value)| format!("{name}={}", text(value))).collect();
    set.into_iter().collect::<Vec<_>>().join(",")
}

/// Annotations without digits: the two sides evaluate at slightly different times, so values in texts may differ.
fn sorted_annotations(annotations: &Value) -> String {
    sorted(annotations).chars().filter(|c| !c.is_ascii_digit() && *c != '.').collect()
}

#[test]
fn the_stack_gives_the_same_alerts_as_prometheus_and_alertmanager() {
    let Some(dir) = peers() else { return };
    let trouble = Arc::new(AtomicBool::new(true));
    let step = Arc::new(AtomicU64::new(0));
    let (flag, count) = (trouble.clone(), step.clone());
    let service = Server::page(move || service_page(flag.load(Ordering::Relaxed), count.fetch_add(1, Ordering::Relaxed)));
    let flag = trouble.clone();
    let airflow = Server::start(move |_| {
        if flag.load(Ordering::Relaxed) { answer(500, &[], b"") } else { answer(200, &[("content-type", "text/plain")], b"x 1\n") }
    });
    let itself = Server::page(|| "x 1\n".to_string());
    let hooks = [Server::start(|_| answer(204, &[], b"")), Server::start(|_| answer(204, &[], b""))];
    let am_port = free_port();

    // Not the rules about the monitoring: the watchdog fires before Prometheus knows where its Alertmanager is, and is sent again a minute later.
    let config = scaled(&stack("prometheus.yml"))
        .replace("  - self_rules.yml\n", "")
        .replace("scrape_interval: 50ms", "scrape_interval: 1s")
        .replace("scrape_interval: 33ms", "scrape_interval: 1s")
        .replace("scrape_interval: 100ms", "scrape_interval: 1s")
        .replace("evaluation_interval: 50ms", "evaluation_interval: 1s")
        .replace("localhost:8000", &service.address.to_string())
        .replace("localhost:9101", &airflow.address.to_string())
        .replace("localhost:9090", &itself.address.to_string())
        .replace("localhost:9093", &format!("127.0.0.1:{am_port}"));
    let (rules, routes) = (scaled(&stack("alerts.yml")), scaled(&stack("alertmanager.yml")));
    let folders: Vec<Folder> = hooks
        .iter()
        .map(|hook| {
            let url = format!("http://{}/hook", hook.address);
            Folder::new(&[
                ("prometheus.yml", &config),
                ("alerts.yml", &rules),
                ("alertmanager.yml", &routes),
                ("discord_webhook_url", &url),
            ])
        })
        .collect();

    let ours = Program::up(&folders[0]);
    let mut command = Command::new(peer(&dir, &["alertmanager", "prometheus-alertmanager"]));
    // Alertmanager looks for `webhook_url_file` in the folder where it was started.
    command.current_dir(folders[1].config()).arg("--config.file=alertmanager.yml");
    command.arg(format!("--storage.path={}", folders[1].root().join("am").display()));
    command.args([&format!("--web.listen-address=127.0.0.1:{am_port}"), "--cluster.listen-address="]);
    let _alertmanager = Program::start(command, "msg=\"Listening on\" address=");
    let port = free_port();
    let mut command = Command::new(peer(&dir, &["prometheus"]));
    command.arg(format!("--config.file={}", folders[1].config().join("prometheus.yml").display()));
    command.arg(format!("--storage.tsdb.path={}", folders[1].data().display()));
    command.arg(format!("--web.listen-address=127.0.0.1:{port}"));
    let _prometheus = Program::start(command, "Server is ready to receive web requests");
    let (prometheus, alertmanager) = (format!("127.0.0.1:{port}"), format!("127.0.0.1:{am_port}"));

    let last = RefCell::new(String::new());
    wait_explained("the same alerts in trouble", &|| last.borrow().clone(), || {
        let (our, their) = (alerts(&ours.address, &ours.address), alerts(&prometheus, &alertmanager));
        *last.borrow_mut() = format!("ours {our:#?}\ntheirs {their:#?}");
        let firing = our.0.iter().filter(|one| one.ends_with("firing")).count();
        (our == their && firing >= 7 && !our.0.iter().any(|one| one.ends_with("pending"))).then_some(())
    });
    for name in [
        "ServiceDown",
        "APIErrorRateHigh",
        "ModelPerformanceCritical",
        "ModelRMSEHigh",
        "CriticalDriftWithDecliningPerformance",
        "HighDriftDetected",
        "TrainingFailure",
    ] {
        assert!(last.borrow().contains(&format!("alertname={name}")), "{name}: {}", last.borrow());
    }
    wait_for("both told Discord", || hooks.iter().all(|hook| !hook.received().is_empty()).then_some(()));
    // The same group is told in the same words.
    let told = |hook: &Server| -> BTreeSet<String> { hook.received().iter().map(|one| text(&one.json()["embeds"][0]["title"])).collect() };
    wait_for("the same titles", || (told(&hooks[0]) == told(&hooks[1])).then_some(()));

    trouble.store(false, Ordering::Relaxed);
    wait_explained("the same alerts in health", &|| last.borrow().clone(), || {
        let (our, their) = (alerts(&ours.address, &ours.address), alerts(&prometheus, &alertmanager));
        *last.borrow_mut() = format!("ours {our:#?}\ntheirs {their:#?}");
        (our == their && our.0.iter().all(|one| !one.contains("alertname=Model"))).then_some(())
    });
}

#[test]
fn promtool_and_amtool_are_clients() {
    let Some(dir) = peers() else { return };
    let target = Server::page(|| "# TYPE load gauge\nload{cpu=\"0\"} 7\n".to_string());
    let folder = Folder::new(&[
        ("prometheus.yml", &prometheus(&[target.address], &[])),
        ("alertmanager.yml", "route: {receiver: none}\nreceivers: [{name: none}]\n"),
    ]);
    let program = Program::up(&folder);
    wait_for("a sample", || (!program.query("load").is_empty()).then_some(()));
    let url = format!("http://{}", program.address);
    let run = |name: &str, arguments: &[&str]| {
        let output = Command::new(peer(&dir, &[name])).args(arguments).output().expect("it starts");
        let (out, err) = (String::from_utf8_lossy(&output.stdout).into_owned(), String::from_utf8_lossy(&output.stderr).into_owned());
        assert!(output.status.success(), "{name} {arguments:?}: {out}{err}");
        out
    };
    assert!(run("promtool", &["query", "instant", &url, "load + 1"]).contains("=> 8"));
    assert!(run("promtool", &["query", "range", &url, "load", "--step=1s"]).contains("7 @["));
    assert!(run("promtool", &["query", "series", "--match=load", &url]).contains("cpu=\"0\""));
    assert_eq!(run("promtool", &["query", "labels", &url, "cpu"]).trim(), "0");
    run("promtool", &["check", "healthy", &format!("--url={url}")]);
    run("promtool", &["check", "ready", &format!("--url={url}")]);

    let am = format!("--alertmanager.url={url}");
    run("amtool", &["alert", "add", "Manual", "team=ml", "--annotation=summary=by hand", &am]);
    let shown = run("amtool", &["alert", "query", "team=ml", "-o", "json", &am]);
    let shown: Value = serde_json::from_str(&shown).expect("JSON");
    assert_eq!(shown[0]["labels"]["alertname"], "Manual");
    assert_eq!(run("amtool", &["alert", "query", "team=other", "-o", "json", &am]).trim(), "[]");
    assert!(run("amtool", &["config", "show", &am]).contains("receiver: none"));

    let id = run("amtool", &["silence", "add", "team=ml", "--comment=maintenance", "--author=me", "--duration=1h", &am]).trim().to_string();
    assert!(run("amtool", &["silence", "query", &am]).contains("maintenance"));
    let (_, alerts) = program.get("/api/v2/alerts");
    let alerts: Value = serde_json::from_str(&alerts).expect("JSON");
    assert_eq!(
        (text(&alerts[0]["status"]["state"]), &alerts[0]["status"]["silencedBy"][0]),
        ("suppressed".into(), &Value::from(id.clone()))
    );
    assert_eq!(run("amtool", &["alert", "query", "team=ml", "-o", "json", &am]).trim(), "[]", "silenced alerts are not shown by default");
    run("amtool", &["silence", "update", &id, "--comment=longer", "--duration=2h", &am]);
    assert!(run("amtool", &["silence", "query", &am]).contains("longer"));
    run("amtool", &["silence", "expire", &id, &am]);
    assert!(!run("amtool", &["silence", "query", &am]).contains(&id[..8]));
    assert!(run("amtool", &["silence", "query", "--expired", &am]).contains(&id[..8]));

    let (status, metrics) = program.get("/metrics");
    assert_eq!(status, 200);
    let mut check = Command::new(peer(&dir, &["promtool"]));
    let mut child =
        check.args(["check", "metrics"]).stdin(std::process::Stdio::piped()).stderr(std::process::Stdio::piped()).spawn().expect("starts");
    std::io::Write::write_all(&mut child.stdin.take().expect("piped"), metrics.as_bytes()).expect("written");
    let output = child.wait_with_output().expect("ends");
    let words = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(!words.contains("error while linting"), "our own /metrics is good text: {words}");
}

#[test]
fn queries_answer_as_prometheus_does() {
    let Some(dir) = peers() else { return };
    let step = Arc::new(AtomicU64::new(0));
    let target = Server::page(move || {
        let n = step.load(Ordering::Relaxed);
        let mut out = String::from("# TYPE requests_total counter\n");
        for code in ["200", "404", "500"] {
            let _ = writeln!(out, "requests_total{{code=\"{code}\"}} {}", n + code.len() as u64);
        }
        out + "nan NaN\ninf +Inf\n"
    });
    let config = prometheus(&[target.address], &[]);
    let folders = [Folder::new(&[("prometheus.yml", &config)]), Folder::new(&[("prometheus.yml", &config)])];
    let ours = Program::up(&folders[0]);
    let port = free_port();
    let mut command = Command::new(peer(&dir, &["prometheus"]));
    command.arg(format!("--config.file={}", folders[1].config().join("prometheus.yml").display()));
    command.arg(format!("--storage.tsdb.path={}", folders[1].data().display()));
    command.arg(format!("--web.listen-address=127.0.0.1:{port}"));
    let _prometheus = Program::start(command, "Server is ready to receive web requests");
    let theirs = format!("127.0.0.1:{port}");
    let ask = |address: &str, path: &str| serde_json::from_str::<Value>(&http(address, "GET", path, &[], b"").1).expect("JSON");
    let result = |answer: &Value| -> BTreeSet<String> {
        answer["data"]["result"]
            .as_array()
            .into_iter()
            .flatten()
            .map(|one| format!("{} {}", sorted(&one["metric"]), one["value"][1]))
            .collect()
    };
    wait_for("both have scraped", || {
        [&ours.address, &theirs]
            .iter()
            .all(|address| ask(address, "/api/v1/query?query=up")["data"]["result"][0]["value"][1] == "1")
            .then_some(())
    });
    for query in [
        "requests_total",
        "sum(requests_total)",
        "topk(1, requests_total)",
        "requests_total{code=~\"4..|5..\"} * 2",
        "nan",
        "inf",
        "count by (job) ({__name__!=\"\"})",
        "label_replace(requests_total, \"x\", \"$1\", \"code\", \"(.).*\")",
        "absent(nothing{a=\"b\"})",
        "vector(1) or up",
        "1 / 0",
        "vector(1e21)",
        "vector(0.0000001)",
    ] {
        let path = format!("/api/v1/query?query={}", escape(query));
        let (our, their) = (ask(&ours.address, &path), ask(&theirs, &path));
        assert_eq!(result(&our), result(&their), "{query}");
        assert_eq!(our["data"]["resultType"], their["data"]["resultType"], "{query}");
    }
    // Some of our errors stand at the operator where Prometheus names the whole expression; these say the same in the same place.
    for bad in ["sum(", "rate(requests_total)", "a b", "{}", "1 > 2", "abs(\"a\")", "foo(up)", "absent(up[5m])", "topk(up)", "1 +", "*"] {
        let path = format!("/api/v1/query?query={}", escape(bad));
        let (our, their) = (ask(&ours.address, &path), ask(&theirs, &path));
        assert_eq!((&our["status"], &our["errorType"]), (&their["status"], &their["errorType"]), "{bad}: {our} {their}");
        assert_eq!(our["error"], their["error"], "{bad}");
    }
    for path in ["/api/v1/labels", "/api/v1/label/code/values", "/api/v1/label/__name__/values"] {
        assert_eq!(ask(&ours.address, path)["data"], ask(&theirs, path)["data"], "{path}");
    }
}
