//! By the answers of a real MLflow 3.17.2.

use bellbuoy_vocabulary::{Millis, Timestamp};
use expect_test::expect;
use serde_json::{Value, json};

use super::*;
use crate::call::{Answer, Call};
use crate::family::series;

const NOW: Timestamp = Timestamp(1_795_230_400_000);

fn file(name: &str) -> Vec<u8> {
    let path = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("src/mlflow/fixtures").join(name);
    std::fs::read(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

/// The recorded server; `models` replaces its list.
fn answer(call: &Call, models: &Value) -> Answer {
    let (status, body) = match call.endpoint {
        "health" => (200, file("health.txt")),
        "version" => (200, file("version.txt")),
        "registered-models/search" => (200, models.to_string().into_bytes()),
        "model-versions/get" => (200, file("model_version_get.json")),
        "metrics/get-history" => (200, file("metric_history.json")),
        _ if call.path.ends_with("=none") => (404, file("run_get_404.json")),
        _ => (200, file("run_get_champion.json")),
    };
    Answer { status, body, ..Answer::default() }
}

fn poll(mlflow: &mut Mlflow, now: Timestamp, mut answer: impl FnMut(&Call) -> Result<Answer, String>) -> Vec<String> {
    let mut calls = Vec::new();
    mlflow.begin(now);
    while let Some(call) = mlflow.next(now) {
        calls.push(call.path.clone());
        let answer = answer(&call);
        mlflow.answer(answer, now);
    }
    calls
}

fn shown(mlflow: &Mlflow) -> String {
    let all = series(&mlflow.families(), &[]);
    let own = |name: &str| name.starts_with("mlflow_exporter");
    all.iter().filter(|(labels, _)| !own(labels.name())).map(|(labels, value)| format!("{labels} {value}\n")).collect()
}

fn recorded() -> Value {
    serde_json::from_slice(&file("registered_models_search.json")).expect("JSON")
}

#[test]
fn a_server_as_metrics() {
    let (mut mlflow, _) = Mlflow::new(MlflowSettings::default(), None);
    let calls = poll(&mut mlflow, NOW, |call| Ok(answer(call, &recorded())));
    assert_eq!(mlflow.problems(), [""; 0]);
    expect![[r#"
        /health
        /version
        /api/2.0/mlflow/registered-models/search?max_results=100
        /api/2.0/mlflow/model-versions/get?name=bike-traffic-rf&version=2
        /api/2.0/mlflow/runs/get?run_id=0c81b84f4df243428d0155b295d386a1
        /api/2.0/mlflow/runs/get?run_id=afab1e99cd5044adb8eefcd5891c7200"#]]
    .assert_eq(&calls.join("\n"));
    expect![[r#"
        mlflow_up 1
        mlflow_api_up 1
        mlflow_info{version="3.17.2"} 1
        mlflow_registered_models 2
        mlflow_model_latest_version{model="bike-traffic-rf"} 3
        mlflow_model_alias_version{alias="challenger", model="bike-traffic-rf"} 3
        mlflow_model_alias_version{alias="champion", model="bike-traffic-rf"} 2
        mlflow_model_alias_info{alias="challenger", model="bike-traffic-rf", run_id="afab1e99cd5044adb8eefcd5891c7200", version="3"} 1
        mlflow_model_alias_info{alias="champion", model="bike-traffic-rf", run_id="0c81b84f4df243428d0155b295d386a1", version="2"} 1
        mlflow_model_version_metric{alias="challenger", metric="mae", model="bike-traffic-rf"} 31.65
        mlflow_model_version_metric{alias="challenger", metric="r2", model="bike-traffic-rf"} 0.78
        mlflow_model_version_metric{alias="challenger", metric="rmse", model="bike-traffic-rf"} 52.75
        mlflow_model_version_metric{alias="champion", metric="mae", model="bike-traffic-rf"} 31.65
        mlflow_model_version_metric{alias="champion", metric="r2", model="bike-traffic-rf"} 0.78
        mlflow_model_version_metric{alias="champion", metric="rmse", model="bike-traffic-rf"} 52.75
    "#]]
    .assert_eq(&shown(&mlflow));
    assert_eq!(mlflow.changes(), []);
    // All is known: one call for each run.
    assert_eq!(poll(&mut mlflow, NOW, |call| Ok(answer(call, &recorded()))).len(), 5);
}

/// Step by step, asked for once, and again when another value was logged.
#[test]
fn a_history_by_step() {
    let pattern = bellbuoy_vocabulary::AnchoredRegex::new("r2").expect("a pattern");
    let (mut mlflow, _) = Mlflow::new(MlflowSettings { history: vec![pattern], ..MlflowSettings::default() }, None);
    let models = recorded();
    let mut first = true;
    let mut histories = Vec::new();
    for minute in 0..3 {
        let calls = poll(&mut mlflow, NOW + Millis::from_minutes(minute), |call| {
            let mut answer = answer(call, &models);
            if call.endpoint == "runs/get" && minute == 2 {
                let text = String::from_utf8(answer.body).expect("text");
                answer.body = text.replace("\"step\": ", "\"step\": 7").into_bytes();
            }
            Ok(answer)
        });
        histories.push(calls.iter().filter(|path| path.contains("get-history")).count());
        if std::mem::take(&mut first) {
            let shown = shown(&mlflow);
            let lines: Vec<&str> = shown.lines().filter(|line| line.contains("_step")).collect();
            expect![[r#"
                mlflow_model_version_metric_step{alias="challenger", metric="r2", model="bike-traffic-rf", step="0"} 0.74
                mlflow_model_version_metric_step{alias="challenger", metric="r2", model="bike-traffic-rf", step="1"} 0.76
                mlflow_model_version_metric_step{alias="challenger", metric="r2", model="bike-traffic-rf", step="2"} 0.78
                mlflow_model_version_metric_step{alias="champion", metric="r2", model="bike-traffic-rf", step="0"} 0.74
                mlflow_model_version_metric_step{alias="champion", metric="r2", model="bike-traffic-rf", step="1"} 0.76
                mlflow_model_version_metric_step{alias="champion", metric="r2", model="bike-traffic-rf", step="2"} 0.78"#]]
            .assert_eq(&lines.join("\n"));
        }
    }
    expect!["[2, 0, 2]"].assert_eq(&format!("{histories:?}"));
}

#[test]
fn a_long_history_is_thinned() {
    let points: Vec<Value> = (0..1000).map(|step| json!({"key": "loss", "value": step, "step": step, "timestamp": step})).collect();
    let thin = super::wire::history(json!({"metrics": points}).to_string().as_bytes()).expect("a history");
    assert_eq!((thin.len(), thin[0], thin[49]), (50, (0, 0.0), (999, 999.0)));
    let odd = br#"{"metrics": [{"value": "NaN", "step": 1}, {"value": 2.0, "step": 2, "timestamp": 9}, {"value": 1.0, "step": 2, "timestamp": 8}]}"#;
    assert_eq!(super::wire::history(odd), Ok(vec![(2, 2.0)]));
    assert_eq!(super::wire::history(b"{}"), Ok(vec![]));
}

#[test]
fn a_promotion_is_told_once() {
    let (mut mlflow, _) = Mlflow::new(MlflowSettings::default(), None);
    poll(&mut mlflow, NOW, |call| Ok(answer(call, &recorded())));
    let mut models = recorded();
    models["registered_models"][0]["aliases"] = json!([{"alias": "champion", "version": "3"}]);
    let told = |mlflow: &Mlflow| {
        let lines = mlflow.changes().iter().map(|one| format!("{} {} {:?} {:?} {}", one.model, one.alias, one.from, one.to, one.key));
        lines.collect::<Vec<_>>().join("\n")
    };
    // It stops before it could write it down: the same again, with the same keys.
    let before = mlflow.kept();
    poll(&mut mlflow, NOW, |call| Ok(answer(call, &models)));
    let first = told(&mlflow);
    expect![[r#"
        bike-traffic-rf champion Some(2) Some(3) mlflow/bike-traffic-rf/champion/1
        bike-traffic-rf challenger Some(3) None mlflow/bike-traffic-rf/challenger/1"#]]
    .assert_eq(&first);
    let (mut mlflow, _) = Mlflow::new(MlflowSettings::default(), before);
    poll(&mut mlflow, NOW, |call| Ok(answer(call, &models)));
    assert_eq!(told(&mlflow), first);
    let (mut mlflow, _) = Mlflow::new(MlflowSettings::default(), mlflow.kept());
    poll(&mut mlflow, NOW, |call| Ok(answer(call, &models)));
    assert_eq!(told(&mlflow), "");
    assert!(
        shown(&mlflow).contains(r#"mlflow_model_alias_changed_timestamp_seconds{alias="champion", model="bike-traffic-rf"} 1795230400"#),
        "{}",
        shown(&mlflow)
    );
    // Half a list says nothing of the other half.
    let page = serde_json::from_slice::<Value>(&file("registered_models_search_page1.json")).expect("JSON");
    let half = |call: &Call| match call.path.contains("page_token") {
        true => Err("connection reset".into()),
        false => Ok(answer(call, &page)),
    };
    poll(&mut mlflow, NOW, half);
    assert_eq!((told(&mlflow).as_str(), mlflow.is_up()), ("", false));
    assert_eq!(mlflow.problems(), ["registered-models/search: connection reset"]);
}

/// Health is green and the API refuses: its own state, and nothing is told of models.
#[test]
fn an_api_that_refuses() {
    let (mut mlflow, _) = Mlflow::new(MlflowSettings::default(), None);
    poll(&mut mlflow, NOW, |call| match call.endpoint {
        "health" | "version" => Ok(answer(call, &json!({}))),
        _ => {
            Ok(Answer { status: 403, body: b"Invalid Host header - possible DNS rebinding attack detected".to_vec(), ..Answer::default() })
        }
    });
    assert_eq!(
        mlflow.problems(),
        ["registered-models/search: HTTP status 403: Invalid Host header - possible DNS rebinding attack detected"]
    );
    expect![[r#"
        mlflow_up 1
        mlflow_api_up 0
        mlflow_info{version="3.17.2"} 1
    "#]]
    .assert_eq(&shown(&mlflow));
    poll(&mut mlflow, NOW, |_| Err("connection refused".into()));
    expect![[r#"
        mlflow_up 0
        mlflow_api_up 0
    "#]]
    .assert_eq(&shown(&mlflow));
}

#[test]
fn oddities() {
    assert_eq!(wire::models(b"{}"), Ok(wire::Models::default()));
    let body = br#"{"run": {"data": {"metrics": [{"key": "b", "value": "NaN"}, {"key": "a", "value": 1.5}, {"key": "c", "value": 1.7976931348623157e308}]}}}"#;
    let metric = wire::Metric { name: "a".into(), value: 1.5, mark: (0, 0) };
    assert_eq!(wire::metrics(body), Ok((vec![metric], 2)));
    assert_eq!(wire::metrics(br#"{"run": {}}"#), Ok((vec![], 0)));
    assert_eq!(wire::message(&file("run_get_404.json")), "Run with id=00000000000000000000000000000000 not found");
    assert_eq!(wire::message(&file("not_found_path.txt")), "");
}
