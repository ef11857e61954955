//! The commands that are functions of their files.

use std::process::Output;

use serde_json::Value;

use super::harness::{Folder, Program, Server, alertmanager, answer, bellbuoy, prometheus, wait_for};

fn run(arguments: &[&str]) -> Output {
    bellbuoy().args(arguments).output().expect("the program starts")
}

fn stdout(output: &Output) -> String {
    String::from_utf8_lossy(&output.stdout).into_owned()
}

#[test]
fn check_reports_every_problem_with_file_line_and_way_out() {
    let folder = Folder::new(&[
        (
            "prometheus.yml",
            "global:\n  scrape_intervall: 5s\nrule_files: [rules.yml]\nscrape_configs:\n- job_name: a\n  static_configs:\n  - targets: ['${NOWHERE_HOST}:80']\n",
        ),
        ("rules.yml", "groups:\n- name: g\n  rules:\n  - alert: A\n    expr: sum(rate(x[5m])\n"),
        ("alertmanager.yml", "route:\n  receiver: pager\nreceivers:\n- name: pagerduty\n"),
    ]);
    let dir = folder.config().display().to_string();
    let output = run(&["check", &dir, "--format", "json"]);
    assert_eq!(output.status.code(), Some(1));
    let findings: Value = serde_json::from_str(&stdout(&output)).expect("JSON");
    let findings = findings["findings"].as_array().expect("a list");
    let has = |file: &str, line: u64, words: &str| {
        findings.iter().any(|finding| {
            finding["file"].as_str().is_some_and(|name| name.ends_with(file))
                && finding["line"] == line
                && format!("{} {}", finding["message"], finding["fix"]).contains(words)
        })
    };
    assert!(has("prometheus.yml", 2, "scrape_interval"), "{findings:?}");
    assert!(has("prometheus.yml", 7, "NOWHERE_HOST"), "{findings:?}");
    assert!(has("rules.yml", 5, "unclosed"), "{findings:?}");
    assert!(has("alertmanager.yml", 2, "pagerduty"), "{findings:?}");

    let output = run(&["up", &dir, "--listen", "127.0.0.1:0", "--data", &folder.data().display().to_string()]);
    assert_eq!(output.status.code(), Some(2), "a folder with errors does not start");
    assert!(String::from_utf8_lossy(&output.stderr).contains("NOWHERE_HOST"));
}

#[test]
fn check_finds_the_rule_that_can_never_fire_and_mends_it() {
    let folder = Folder::new(&[(
        "rules.yml",
        "groups:\n- name: g\n  rules:\n  - alert: HighPredictionErrorRate\n    expr: sum(rate(prediction_errors_total[5m])) by (error_type) / (sum(rate(predictions_total[5m])) + 0.001) > 0.05\n    for: 5m\n",
    )]);
    let dir = folder.config().display().to_string();
    let output = run(&["check", &dir, "--format", "json"]);
    let findings: Value = serde_json::from_str(&stdout(&output)).expect("JSON");
    let finding =
        findings["findings"].as_array().expect("a list").iter().find(|one| one["code"] == "matching-never").expect("found").clone();
    assert!(
        finding["line"] == 5 && finding["column"] == 66 && finding["file"].as_str().is_some_and(|file| file.ends_with("rules.yml")),
        "{finding}"
    );
    assert!(finding["fix"].as_str().is_some_and(|fix| fix.contains("on () group_left ()")), "{finding}");
    let output = run(&["check", &dir]);
    assert!(stdout(&output).contains("[matching-never]"), "{}", stdout(&output));
}

#[test]
fn drift_and_evaluate_print_the_contract() {
    let column = |shift: f64| -> String {
        let mut text = String::from("x,c\n");
        for n in 0..200 {
            text.push_str(&format!("{},{}\n", f64::from(n) * 0.37 + shift, ["a", "b", "c"][n as usize % 3]));
        }
        text
    };
    let folder = Folder::new(&[
        ("r.csv", &column(0.0)),
        ("same.csv", &column(0.0)),
        ("moved.csv", &column(40.0)),
        ("p.csv", "p,t\n1,1\n2,2\n3,4\n"),
    ]);
    let file = |name: &str| folder.config().join(name).display().to_string();
    let output = run(&["drift", "--reference", &file("r.csv"), "--current", &file("moved.csv"), "--format", "json"]);
    assert_eq!(output.status.code(), Some(1));
    let report: Value = serde_json::from_str(&stdout(&output)).expect("JSON");
    assert_eq!((report["columns"]["x"]["test"].as_str(), report["columns"]["x"]["drifted"].as_bool()), (Some("ks"), Some(true)));
    assert_eq!(report["columns"]["c"]["test"], "chisquare");
    assert_eq!(
        (report["drifted_columns"].as_u64(), report["drift_share"].as_f64(), report["dataset_drift"].as_bool()),
        (Some(1), Some(0.5), Some(true))
    );
    // Our own preset: the corrected p-value is the score, and the effect stands beside it.
    let ours = |current: &str| {
        let output = run(&["drift", "--reference", &file("r.csv"), "--current", &file(current), "--preset", "default", "--format", "json"]);
        (output.status.code(), serde_json::from_str::<Value>(&stdout(&output)).expect("JSON"))
    };
    let (code, report) = ours("moved.csv");
    assert_eq!((code, report["drifted_columns"].as_u64()), (Some(1), Some(1)), "{report}");
    let x = &report["columns"]["x"];
    assert!(x["score"].as_f64() < x["threshold"].as_f64() && x["effect"].as_f64() >= x["effect_threshold"].as_f64(), "{x}");
    assert_eq!(ours("same.csv").0, Some(0));
    let output = run(&["drift", "--reference", &file("r.csv"), "--current", &file("same.csv"), "--columns", "x", "--test", "wasserstein"]);
    assert_eq!(output.status.code(), Some(0), "{}", stdout(&output));
    assert_eq!(run(&["drift", "--reference", &file("r.csv"), "--current", &file("gone.csv")]).status.code(), Some(2));

    let output = run(&["evaluate", "--predictions", &file("p.csv"), "--prediction", "p", "--target", "t", "--format", "json"]);
    let score: Value = serde_json::from_str(&stdout(&output)).expect("JSON");
    assert!((score["rmse"].as_f64().expect("a number") - (1.0f64 / 3.0).sqrt()).abs() < 1e-12, "{score}");
    let output = run(&["evaluate", "--predictions", &file("p.csv"), "--prediction", "nope", "--target", "t"]);
    assert_eq!(output.status.code(), Some(2));
    assert!(String::from_utf8_lossy(&output.stderr).contains("p, t"), "it names the columns that are there");
}

#[test]
fn alerts_and_notifications_are_shown() {
    let target = Server::page(|| "load 7\n".to_string());
    let hook = Server::start(|_| answer(400, &[], b"never"));
    let folder = Folder::new(&[
        ("prometheus.yml", &prometheus(&[target.address], &["rules.yml"])),
        ("rules.yml", "groups:\n- name: g\n  rules:\n  - alert: LoadHigh\n    expr: load > 5\n"),
        ("alertmanager.yml", &alertmanager(&format!("http://{}/hook", hook.address))),
    ]);
    let program = Program::up(&folder);
    let url = format!("http://{}", program.address);
    let shown = wait_for("firing", || Some(run(&["alerts", "--url", &url])).filter(|output| output.status.code() == Some(1)));
    assert!(stdout(&shown).contains("firing") && stdout(&shown).contains("LoadHigh"), "{}", stdout(&shown));
    let shown = wait_for("given up", || Some(run(&["notifications", "--url", &url])).filter(|output| output.status.code() == Some(1)));
    assert!(stdout(&shown).contains("failed") && stdout(&shown).contains("hook/webhook/0"), "{}", stdout(&shown));
    assert_eq!(run(&["alerts", "--url", "http://127.0.0.1:1"]).status.code(), Some(2));
}

#[test]
fn query_and_test_answer_on_standard_output() {
    let folder = Folder::new(&[
        ("prometheus.yml", "scrape_configs: []\n"),
        ("a.test", "load 5m\n  x 1 2 3\n\neval instant at 10m x\n  x 3\n\neval instant at 10m x + 1\n  {} 5\n"),
    ]);
    let program = Program::up(&folder);
    let url = format!("http://{}", program.address);
    let output = run(&["query", "1 + 1", "--url", &url, "--time", "0"]);
    assert_eq!((output.status.code(), stdout(&output).as_str()), (Some(0), "2 @[0]\n"));
    assert_eq!(run(&["query", "sum(", "--url", &url]).status.code(), Some(2));
    let output = run(&["test", "--promql", &folder.config().join("a.test").display().to_string(), "--format", "json"]);
    assert_eq!(output.status.code(), Some(1), "one of the two is wrong");
    let report: Value = serde_json::from_str(&stdout(&output)).expect("JSON");
    assert_eq!((report["passed"].as_u64(), report["total"].as_u64()), (Some(1), Some(2)), "{report}");
}
