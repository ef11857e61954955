//! Grafana's alert rules through the whole program: the rules of a model's stack, scraped, evaluated, told, over kill -9.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};

use serde_json::Value;

use super::harness::{Folder, Program, Server, alertmanager, answer, prometheus, text, wait_explained, wait_for};

const DATASOURCES: &str = "apiVersion: 1\ndatasources:\n- {name: Prometheus, type: prometheus, uid: prom, jsonData: {timeInterval: 1s}}\n";

/// Performance with a recovery threshold, drifted features as a share, and the age of the last ingestion.
const RULES: &str = r#"
apiVersion: 1
groups:
- name: model
  folder: Bike traffic
  interval: 1s
  rules:
  - uid: r2-low
    title: R2 low
    condition: C
    labels: {severity: critical}
    annotations: {summary: 'R2 of {{ $labels.model }} is {{ printf "%.2f" $values.B.Value }}'}
    data:
    - refId: A
      datasourceUid: prom
      relativeTimeRange: {from: 20, to: 0}
      model: {expr: model_r2_score, range: true, intervalMs: 1000}
    - refId: B
      datasourceUid: __expr__
      model: {type: reduce, expression: A, reducer: last}
    - refId: C
      datasourceUid: __expr__
      model:
        type: threshold
        expression: B
        conditions: [{evaluator: {type: lt, params: [0.6]}, unloadEvaluator: {type: gt, params: [0.8]}}]
  - uid: drift-share
    title: Half of the features drift
    condition: D
    data:
    - refId: A
      datasourceUid: prom
      relativeTimeRange: {from: 60, to: 0}
      model: {expr: sum by (model) (feature_drift), instant: true}
    - refId: B
      datasourceUid: prom
      relativeTimeRange: {from: 60, to: 0}
      model: {expr: count by (model) (feature_drift), instant: true}
    - refId: D
      datasourceUid: __expr__
      model: {type: math, expression: '$A / $B >= 0.5'}
  - uid: share
    title: drift share
    record: {metric: bike_drift_share, from: S}
    labels: {source: grafana}
    data:
    - refId: A
      datasourceUid: prom
      relativeTimeRange: {from: 60, to: 0}
      model: {expr: avg by (model) (feature_drift), instant: true}
    - refId: S
      datasourceUid: __expr__
      model: {type: math, expression: $A * 100}
"#;

/// Hundredths, so that a test can change them while the program runs.
struct Model {
    r2: AtomicUsize,
    silent: AtomicBool,
}

fn model(r2: usize) -> (Arc<Model>, Server) {
    let model = Arc::new(Model { r2: AtomicUsize::new(r2), silent: AtomicBool::new(false) });
    let shown = model.clone();
    let page = Server::page(move || {
        if shown.silent.load(Ordering::Relaxed) {
            return "other 1\n".to_string();
        }
        let r2 = shown.r2.load(Ordering::Relaxed) as f64 / 100.0;
        format!(
            "model_r2_score{{model=\"bike\"}} {r2}\nfeature_drift{{model=\"bike\",feature=\"temp\"}} 1\nfeature_drift{{model=\"bike\",feature=\"hum\"}} 0\n"
        )
    });
    (model, page)
}

fn folder(target: &Server, hook: &Server) -> Folder {
    Folder::new(&[
        ("prometheus.yml", &prometheus(&[target.address], &[])),
        ("datasources.yml", DATASOURCES),
        ("grafana-rules.yml", RULES),
        ("alertmanager.yml", &alertmanager(&format!("http://{}/hook", hook.address))),
    ])
}

/// Name and status of every alert in every message, in the order of their arrival.
fn told(hook: &Server, name: &str) -> Vec<String> {
    let mut out = Vec::new();
    for one in hook.received() {
        for alert in one.json()["alerts"].as_array().cloned().unwrap_or_default() {
            if alert["labels"]["alertname"] == name {
                out.push(text(&alert["status"]));
            }
        }
    }
    out
}

fn rule(program: &Program, name: &str) -> Value {
    let data = program.data("/api/v1/rules");
    let groups = data["groups"].as_array().expect("groups");
    let rules = groups.iter().flat_map(|group| group["rules"].as_array().expect("rules"));
    rules.into_iter().find(|rule| rule["name"] == name).cloned().unwrap_or_else(|| panic!("{name} in {data}"))
}

#[test]
fn a_models_rules_fire_are_told_and_survive_kill_9() {
    let (model, target) = model(50);
    let hook = Server::start(|_| answer(200, &[], b""));
    let folder = folder(&target, &hook);
    let program = Program::up(&folder);
    let seen = || format!("{:?}", hook.received().iter().map(|one| one.json()).collect::<Vec<_>>());
    wait_explained("both alerts", &seen, || {
        (!told(&hook, "R2 low").is_empty() && !told(&hook, "Half of the features drift").is_empty()).then_some(())
    });
    let first = hook.received().iter().map(|one| one.json()).find(|json| json["commonLabels"]["alertname"] == "R2 low").expect("R2 low");
    let alert = &first["alerts"][0];
    assert_eq!(alert["annotations"]["summary"], "R2 of bike is 0.50");
    assert_eq!(alert["labels"]["grafana_folder"], "Bike traffic");
    assert_eq!(alert["labels"]["severity"], "critical");
    let private = |part: &Value| part.as_object().expect("a map").keys().filter(|name| name.starts_with("__")).cloned().collect::<Vec<_>>();
    assert_eq!((private(&alert["labels"]), private(&alert["annotations"])), (vec![], vec![]), "Grafana's own names stay inside");
    let shown = rule(&program, "R2 low");
    assert_eq!(
        (shown["state"].as_str(), shown["query"].as_str(), shown["health"].as_str()),
        (Some("firing"), Some("model_r2_score"), Some("ok"))
    );
    assert_eq!(rule(&program, "drift share")["type"], "recording");
    // Why it fired, from the query to the delivery; and why it did not for a model that nobody has.
    let why = wait_for("the delivery is known", || {
        Some(program.data("/api/bellbuoy/explain?alert=R2%20low")).filter(|why| why["delivered"] == true)
    });
    let steps: Vec<String> = why["steps"].as_array().expect("steps").iter().map(|step| text(&step["title"])).collect();
    assert_eq!(steps[..3], ["A: model_r2_score", "B: last of A", "C: B < 0.6, until > 0.8"], "{why}");
    assert_eq!((text(&why["state"]), text(&why["instances"][0]["receivers"][0])), ("firing".into(), "hook".into()), "{why}");
    let other = program.data("/api/bellbuoy/explain?alert=R2%20low&model=taxi");
    assert_eq!(other["state"], "inactive", "{other}");
    wait_for("the recorded share", || {
        let values = program.query("bike_drift_share{source=\"grafana\",model=\"bike\"}");
        values.first().is_some_and(|(_, value)| value == "50").then_some(())
    });

    // Between the two thresholds: a new alert would not fire, the one that fires goes on, over kill -9 too.
    model.r2.store(70, Ordering::Relaxed);
    wait_for("70 is seen", || program.query("model_r2_score").iter().any(|(_, value)| value == "0.7").then_some(()));
    for _ in 0..2 {
        let before = rule(&program, "R2 low")["lastEvaluation"].clone();
        wait_for("an evaluation", || (rule(&program, "R2 low")["lastEvaluation"] != before).then_some(()));
    }
    assert_eq!(rule(&program, "R2 low")["state"], "firing");
    program.kill();
    let program = Program::up(&folder);
    wait_for("an evaluation after the restart", || {
        let shown = rule(&program, "R2 low");
        (shown["health"] == "ok" && shown["state"] == "firing" && shown["lastEvaluation"] != "0001-01-01T00:00:00Z").then_some(())
    });
    assert_eq!(told(&hook, "R2 low"), ["firing"], "neither repeated nor resolved by the restart");
    model.r2.store(90, Ordering::Relaxed);
    wait_explained("the resolved message", &seen, || (told(&hook, "R2 low") == ["firing", "resolved"]).then_some(()));
    assert_eq!(program.stop(), Some(0));
}

#[test]
fn no_data_is_told_and_not_taken_for_all_is_well() {
    let (model, target) = model(90);
    let hook = Server::start(|_| answer(200, &[], b""));
    let folder = folder(&target, &hook);
    let program = Program::up(&folder);
    wait_for("the rule is fine", || (rule(&program, "R2 low")["health"] == "ok").then_some(()));
    model.silent.store(true, Ordering::Relaxed);
    wait_for("no data is told", || (!told(&hook, "DatasourceNoData").is_empty()).then_some(()));
    let messages: Vec<Value> = hook.received().iter().map(|one| one.json()).collect();
    let alert = messages
        .iter()
        .flat_map(|message| message["alerts"].as_array().expect("alerts"))
        .find(|alert| alert["labels"]["alertname"] == "DatasourceNoData")
        .expect("the alert");
    assert_eq!(alert["labels"]["datasource_uid"], "prom");
    assert!(["R2 low", "Half of the features drift"].contains(&text(&alert["labels"]["rulename"]).as_str()), "{alert}");
    wait_for("the pages say so", || (rule(&program, "R2 low")["health"] == "nodata").then_some(()));
}

#[test]
fn check_names_the_place_of_what_it_refuses() {
    let broken = RULES.replace("reducer: last", "reducer: latest").replace("$A / $B >= 0.5", "$A / $X >= 0.5");
    let folder = Folder::new(&[("datasources.yml", DATASOURCES), ("grafana-rules.yml", &broken)]);
    let output = super::harness::bellbuoy().arg("check").arg(folder.config()).output().expect("the program runs");
    let shown = String::from_utf8_lossy(&output.stdout).into_owned() + &String::from_utf8_lossy(&output.stderr);
    assert_ne!(output.status.code(), Some(0), "{shown}");
    assert!(shown.contains("grafana-rules.yml:20:53: unknown reducer \"latest\""), "{shown}");
    assert!(shown.contains("grafana-rules.yml:39:14: \"X\" is not a refId of this rule"), "{shown}");
}
