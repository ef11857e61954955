//! explain, fire and backtest as a user runs them: over files and a data folder, and against a running program. Proofs of fire in the real
//! Prometheus are in fire_proofs.rs.

use std::process::Output;

use serde_json::Value;

use super::harness::{Folder, Program, Server, bellbuoy, prometheus, wait_for};

const RULES: &str = r#"groups:
- name: g
  interval: 1s
  rules:
  - record: job:errors:rate1m
    expr: sum by (job) (rate(errors_total[1m]))
  - alert: ManyErrors
    expr: job:errors:rate1m > 5
    for: 2m
    labels: {severity: page}
    annotations: {summary: 'job {{ $labels.job }} has {{ $value | humanize }} errors a second'}
  - alert: NeverTrue
    expr: score < 0.65 and score > 0.7
  - alert: Hot
    expr: temperature > 30
"#;
const ROUTES: &str = "route:\n  receiver: team\n  group_wait: 0s\nreceivers:\n- name: team\n  discord_configs:\n  - webhook_url_file: not-here\n    title: '{{ .CommonLabels.alertname }}'\n    message: '{{ .CommonAnnotations.summary }}'\n";

fn run(arguments: &[&str]) -> Output {
    bellbuoy().args(arguments).output().expect("the program starts")
}

fn stdout(output: &Output) -> String {
    String::from_utf8_lossy(&output.stdout).into_owned()
}

fn folder() -> Folder {
    Folder::new(&[("prometheus.yml", "rule_files: [rules.yml]\n"), ("rules.yml", RULES), ("alertmanager.yml", ROUTES)])
}

#[test]
fn fire_shows_series_times_and_messages() {
    let folder = folder();
    let dir = folder.config().display().to_string();
    let output = run(&["fire", "ManyErrors", &dir]);
    let text = stdout(&output);
    assert_eq!(output.status.code(), Some(0), "{text}{}", String::from_utf8_lossy(&output.stderr));
    for words in [
        "errors_total{",
        "through the recording rules job:errors:rate1m",
        "2m  firing",
        "team/discord is told (first notification)",
        "│ job app has ",
    ] {
        assert!(text.contains(words), "{words}: {text}");
    }
    let output = run(&["fire", "NeverTrue", &dir]);
    assert_eq!(output.status.code(), Some(1));
    assert!(stdout(&output).contains("can never fire"), "{}", stdout(&output));
    let output = run(&["fire", "ManyErors", &dir]);
    assert_eq!(output.status.code(), Some(2));
    assert!(String::from_utf8_lossy(&output.stderr).contains("did you mean \"ManyErrors\"?"));
    let output = run(&["fire", "--all", &dir, "--format", "json"]);
    let found: Value = serde_json::from_slice(&output.stdout).expect("JSON");
    assert_eq!((found["fired"].as_u64(), found["total"].as_u64()), (Some(2), Some(3)), "{found}");
    assert_eq!(output.status.code(), Some(1), "one can not fire");
}

#[test]
fn explain_and_backtest_look_at_what_was_stored() {
    let page = Server::page(|| "temperature{room=\"a\"} 35\ntemperature{room=\"b\"} 20\n".to_string());
    let folder = Folder::new(&[
        ("prometheus.yml", &prometheus(&[page.address], &["rules.yml"])),
        ("rules.yml", RULES),
        ("alertmanager.yml", &ROUTES.replace("_file: not-here", ": 'http://127.0.0.1:1/hook'")),
    ]);
    let program = Program::up(&folder);
    wait_for("the alert", || program.alert_states().iter().any(|(name, state)| name == "Hot" && state == "firing").then_some(()));
    let found = program.data("/api/bellbuoy/explain?alert=Hot&room=a");
    assert_eq!(found["state"], "firing", "{found}");
    assert_eq!(found["instances"][0]["labels"]["room"], "a");
    assert_eq!(found["instances"][0]["receivers"][0], "team");
    let (status, body) = program.get("/api/bellbuoy/explain?alert=Hott");
    assert!(status == 404 && body.contains("did you mean"), "{status} {body}");
    let (status, body) = program.get("/api/bellbuoy/explain?expr=sum(");
    assert!(status == 400, "{status} {body}");
    let empty = program.data("/api/bellbuoy/explain?expr=temperature%7Broom%3D%22c%22%7D");
    assert_eq!(empty["state"], "empty");
    assert!(empty["verdict"].as_str().is_some_and(|words| words.contains("no series of temperature has room=\"c\"")), "{empty}");
    // The same from the folder, while the program runs: nothing of it is changed.
    let (dir, data) = (folder.config().display().to_string(), folder.data().display().to_string());
    let output = run(&["explain", "Hot", "--data", &data, "--config", &dir, "--format", "json"]);
    let offline: Value = serde_json::from_slice(&output.stdout).unwrap_or_else(|_| panic!("{}", String::from_utf8_lossy(&output.stderr)));
    assert_eq!(offline["state"], "firing", "{offline}");
    let output = run(&["backtest", &dir, "--data", &data, "--alert", "Hot", "--sweep", "threshold=10..50/10", "--format", "json"]);
    let swept: Value = serde_json::from_slice(&output.stdout).unwrap_or_else(|_| panic!("{}", String::from_utf8_lossy(&output.stderr)));
    let fired: Vec<u64> =
        swept["values"].as_array().expect("values").iter().filter_map(|value| value["figures"]["fired"].as_u64()).collect();
    assert_eq!(fired, [2, 1, 1, 0, 0], "both rooms above 10, one above 20 and 30, none above 40: {swept}");
}
