//! The endpoints, through the router, without a socket. Trained on ten days: the numbers do not matter here.

use axum::Router;
use axum::body::{Body, to_bytes};
use axum::http::{Request, StatusCode};
use serde_json::{Value, json};
use tower::ServiceExt;

use super::*;
use crate::replay::Replay;
use crate::routes::{router, serve};

fn service() -> Service {
    Service::start(DemoSettings { trained_through_day: 10, ..DemoSettings::default() }).expect("trained")
}

async fn send(app: &Router, method: &str, path: &str, headers: &[(&str, &str)], body: impl Into<Body>) -> (StatusCode, Value) {
    let mut request = Request::builder().method(method).uri(path);
    for (name, value) in headers {
        request = request.header(*name, *value);
    }
    let response = app.clone().oneshot(request.body(body.into()).expect("a good request")).await.expect("infallible");
    let status = response.status();
    let bytes = to_bytes(response.into_body(), usize::MAX).await.expect("a whole body");
    let text = String::from_utf8(bytes.to_vec()).expect("UTF-8");
    (status, serde_json::from_str(&text).unwrap_or(Value::String(text)))
}

async fn post(app: &Router, path: &str, body: Value) -> (StatusCode, Value) {
    send(app, "POST", path, &[], body.to_string()).await
}

fn features() -> Value {
    let hour = Replay::may_to_december(Dataset::bikeshare()).next().expect("an hour");
    serde_json::to_value(hour.features).expect("features are JSON")
}

async fn token_of(app: &Router) -> String {
    let form = [("content-type", "application/x-www-form-urlencoded")];
    let (status, body) = send(app, "POST", "/token", &form, "username=admin&password=admin").await;
    assert_eq!((status, &body["token_type"]), (StatusCode::OK, &json!("bearer")));
    body["access_token"].as_str().expect("a token").to_owned()
}

#[tokio::test]
async fn predicts_one_and_many() {
    let app = router(service());
    let (status, one) = post(&app, "/predict", json!({"id": "a", "features": features()})).await;
    assert_eq!((status, &one["model_version"], &one["predictions"][0]["id"]), (StatusCode::OK, &json!(1), &json!("a")));
    let (status, two) = post(&app, "/predict", json!({"rows": [{"features": features()}, {"id": "b", "features": features()}]})).await;
    assert_eq!(status, StatusCode::OK);
    assert_eq!(two["predictions"][1]["prediction"], one["predictions"][0]["prediction"]);
    assert!(two["predictions"][0]["id"].is_null() && two["challenger_version"].is_null());
    let (_, metrics) = send(&app, "GET", "/metrics", &[], "").await;
    let metrics = metrics.as_str().expect("text");
    assert!(metrics.contains("\npredictions_total 3\n") && metrics.contains("\nprediction_latency_seconds_count 2\n"), "{metrics}");
    assert!(metrics.contains("api_requests_total{endpoint=\"/predict\",method=\"POST\",status=\"200\"} 2\n"), "{metrics}");
}

#[tokio::test]
async fn bad_predictions_are_typed_and_counted() {
    let app = router(service());
    let with = |field: &str, value: Value| {
        let mut features = features();
        features[field] = value;
        json!({"features": features}).to_string()
    };
    let flat = |field: &str| {
        let mut features = features();
        features.as_object_mut().expect("an object").remove(field);
        features.to_string()
    };
    let place = |field: &str| json!(["body", "features", field]);
    let cases = [
        (String::new(), json!(["body"]), "missing", "Field required"),
        ("[1, 2".to_owned(), json!(["body"]), "json_invalid", "line 1"),
        ("7".to_owned(), json!(["body"]), "model_attributes_type", "dictionary"),
        ("{}".to_owned(), json!(["body", "season"]), "missing", "Field required"),
        // As FastAPI answers to a row in the body itself.
        (flat("temp"), json!(["body", "temp"]), "missing", "Field required"),
        (with("weathersit", json!("hail")), place("weathersit"), "literal_error", "'heavy rain/snow'"),
        (with("hr", json!(24)), place("hr"), "less_than_equal", "23"),
        (with("hr", json!(-1)), place("hr"), "greater_than_equal", "0"),
        (with("hr", json!(1.5)), place("hr"), "int_from_float", "fractional"),
        (with("hr", json!("10")), place("hr"), "int_type", "integer"),
        (with("temp", json!(31.5)), place("temp"), "less_than_equal", "scaled"),
        (with("temp", json!(null)), place("temp"), "none_not_allowed", "null"),
        (with("temp", json!("warm")), place("temp"), "float_type", "number"),
        (with("bikers", json!(1)), place("bikers"), "extra_forbidden", "not permitted"),
        (json!({"features": 1}).to_string(), json!(["body", "features"]), "model_attributes_type", "dictionary"),
        (json!({"id": "x".repeat(300), "features": features()}).to_string(), json!(["body", "id"]), "string_too_long", "256"),
        (
            json!({"features": features(), "rows": [{"features": features()}]}).to_string(),
            json!(["body", "features"]),
            "extra_forbidden",
            "",
        ),
        (json!({"rows": []}).to_string(), json!(["body", "rows"]), "too_short", "at least 1"),
        (json!({"rows": [{"features": features()}, 3]}).to_string(), json!(["body", "rows", 1]), "model_attributes_type", ""),
    ];
    let count = cases.len();
    for (body, loc, kind, message) in cases {
        let (status, answer) = send(&app, "POST", "/predict", &[], body).await;
        assert_eq!((status, &answer["kind"]), (StatusCode::UNPROCESSABLE_ENTITY, &json!("invalid_input")), "{answer}");
        let problem = &answer["detail"][0];
        assert_eq!((&problem["loc"], &problem["type"]), (&loc, &json!(kind)), "{answer}");
        assert!(problem["msg"].as_str().is_some_and(|text| text.contains(message)), "no {message:?} in {answer}");
    }
    // All of them at once.
    let (_, answer) = send(&app, "POST", "/predict", &[], "{\"hr\": 99, \"holyday\": 1}").await;
    assert_eq!(answer["detail"].as_array().map(Vec::len), Some(12), "{answer}");
    for body in [json!({"rows": vec![json!({"features": features()}); 5001]}).to_string(), " ".repeat(api::BODY_BYTES_MAX + 1)] {
        let (status, answer) = send(&app, "POST", "/predict", &[], body).await;
        assert_eq!((status, &answer["kind"]), (StatusCode::PAYLOAD_TOO_LARGE, &json!("too_large")), "{answer}");
    }
    let (_, metrics) = send(&app, "GET", "/metrics", &[], "").await;
    let metrics = metrics.as_str().expect("text");
    assert!(metrics.contains(&format!("prediction_errors_total{{error_type=\"invalid_input\"}} {}\n", count + 1)), "{metrics}");
    assert!(metrics.contains("prediction_errors_total{error_type=\"model\"} 0\n"), "{metrics}");
    assert!(metrics.contains("\npredictions_total 0\n"), "{metrics}");
}

#[tokio::test]
async fn a_challenger_is_trained_shadowed_and_promoted() {
    let app = router(service());
    assert_eq!(post(&app, "/promote", json!({})).await.0, StatusCode::CONFLICT);
    let (status, trained) = post(&app, "/train", json!({"up_to": 20})).await;
    assert_eq!(status, StatusCode::OK, "{trained}");
    assert_eq!((&trained["challenger"]["version"], &trained["challenger"]["to_day"]), (&json!(2), &json!(20)));
    assert!(trained["current"]["challenger"]["rmse"].is_number() && trained["baseline"]["champion"]["r2"].is_number(), "{trained}");

    let (_, shadowed) = post(&app, "/predict", json!({"features": features()})).await;
    assert_eq!((&shadowed["model_version"], &shadowed["challenger_version"]), (&json!(1), &json!(2)));
    assert_ne!(shadowed["predictions"][0]["challenger"], shadowed["predictions"][0]["prediction"]);

    let (status, other) = post(&app, "/promote", json!({"version": 7})).await;
    assert_eq!((status, &other["kind"]), (StatusCode::CONFLICT, &json!("other_challenger")));
    let (status, promoted) = post(&app, "/promote", json!({"version": 2})).await;
    assert_eq!((status, &promoted["champion"]["version"], &promoted["previous"]["version"]), (StatusCode::OK, &json!(2), &json!(1)));
    let (_, after) = post(&app, "/predict", json!({"features": features()})).await;
    assert_eq!(after["predictions"][0]["prediction"], shadowed["predictions"][0]["challenger"]);
    assert!(after["challenger_version"].is_null());
    assert_eq!(send(&app, "GET", "/health", &[], "").await.1, json!({"status": "ok", "model_version": 2}));
    let (_, metrics) = send(&app, "GET", "/metrics", &[], "").await;
    let metrics = metrics.as_str().expect("text");
    assert!(metrics.contains("training_runs_total{status=\"success\"} 2\n"), "{metrics}");
    let r2 = trained["current"]["challenger"]["r2"].as_f64().expect("a number");
    assert!(metrics.contains(&format!("model_r2_score{{model_type=\"champion\"}} {r2}\n")), "{metrics}");
    assert!(!metrics.contains("model_type=\"challenger\""), "{metrics}");
}

#[tokio::test]
async fn days_outside_the_year_and_failed_trainings() {
    let app = router(service());
    for body in [json!({"from_day": 20, "up_to": 10}), json!({"up_to": 366}), json!({"from_day": 0, "up_to": 10})] {
        let (status, answer) = post(&app, "/train", body).await;
        assert_eq!((status, &answer["kind"]), (StatusCode::UNPROCESSABLE_ENTITY, &json!("invalid_input")));
    }
    assert_eq!(post(&app, "/train", json!({"to_day": 12, "window": 3})).await.1["kind"], "invalid_input");
    // Day 15 is a hold-out day: there is nothing to train on.
    let (status, answer) = post(&app, "/train", json!({"from_day": 15, "to_day": 15})).await;
    assert_eq!((status, &answer["kind"]), (StatusCode::INTERNAL_SERVER_ERROR, &json!("model")));
    let (_, metrics) = send(&app, "GET", "/metrics", &[], "").await;
    let metrics = metrics.as_str().expect("text");
    assert!(metrics.contains("training_runs_total{status=\"failure\"} 1\n"), "{metrics}");
    assert!(metrics.contains("fastapi_errors_total{method=\"POST\",endpoint=\"/train\"} 1\n"), "{metrics}");
}

#[tokio::test]
async fn one_training_at_a_time() {
    let service = service();
    let app = router(service.clone());
    let permit = service.0.training.clone().try_lock_owned().expect("free");
    let (status, answer) = post(&app, "/train", json!({"up_to": 12})).await;
    assert_eq!((status, &answer["kind"]), (StatusCode::CONFLICT, &json!("training_under_way")));
    assert_eq!(send(&app, "GET", "/monitor", &[], "").await.1["training"], true);
    drop(permit);
    assert_eq!(post(&app, "/train", json!({"up_to": 12})).await.0, StatusCode::OK);
}

#[tokio::test]
async fn evaluates_and_finds_drift() {
    let app = router(service());
    let (status, scores) = post(&app, "/evaluate", json!({"from_day": 11, "to_day": 20, "hold_out": true})).await;
    assert_eq!((status, &scores["rows"], &scores["challenger"]), (StatusCode::OK, &json!(48), &Value::Null), "{scores}");
    assert_eq!(post(&app, "/evaluate", json!({"from_day": 11, "to_day": 11, "hold_out": true})).await.1["kind"], "no_rows");

    assert_eq!(send(&app, "POST", "/drift", &[], "").await.1["kind"], "too_few_rows");
    let (status, summer) = post(&app, "/drift", json!({"from_day": 190, "to_day": 210})).await;
    assert_eq!((status, &summer["detected"]), (StatusCode::OK, &json!(true)), "{summer}");
    let many = json!({"rows": vec![json!({"features": features()}); 400]});
    assert_eq!(post(&app, "/predict", many).await.0, StatusCode::OK);
    assert_eq!(send(&app, "POST", "/drift", &[], "").await.1["current_rows"], WINDOW_ROWS);

    let (_, monitor) = send(&app, "GET", "/monitor", &[], "").await;
    assert_eq!((&monitor["recent_rows"], &monitor["last_evaluation"]["rows"]), (&json!(WINDOW_ROWS), &json!(48)));
    let (_, metrics) = send(&app, "GET", "/metrics", &[], "").await;
    let metrics = metrics.as_str().expect("text");
    for name in ["drift_detected 1.0\n", "feature_drift{feature=\"temp\"}", "model_r2_score{model_type=\"champion\"}"] {
        assert!(metrics.contains(name), "no {name} in {metrics}");
    }
}

#[tokio::test]
async fn drift_scores_need_a_token() {
    let app = router(service());
    let scores = json!({
        "overall_drift_score": 0.35,
        "feature_drift_scores": {"year": 0.05, "month": 0.45, "hour": 0.30},
        "timestamp": "2026-01-13T10:00:00Z"
    });
    for headers in [&[][..], &[("authorization", "Bearer x")], &[("authorization", "Basic YTpi")]] {
        let (status, answer) = send(&app, "POST", "/metrics/drift", headers, scores.to_string()).await;
        assert_eq!((status, &answer["kind"]), (StatusCode::UNAUTHORIZED, &json!("token")));
    }
    let bearer = format!("Bearer {}", token_of(&app).await);
    let headers = [("authorization", bearer.as_str())];
    assert_eq!(send(&app, "POST", "/metrics/drift", &headers, scores.to_string()).await.0, StatusCode::OK);
    assert_eq!(send(&app, "GET", "/metrics/drift", &headers, "").await.1["overall_drift_score"], 0.35);
    let (_, metrics) = send(&app, "GET", "/metrics", &[], "").await;
    let metrics = metrics.as_str().expect("text");
    assert!(metrics.contains("\ndata_drift_score 0.35\n") && metrics.contains("feature_drift{feature=\"month\"} 0.45\n"), "{metrics}");

    for (bad, loc) in [
        (json!({"overall_drift_score": 1.5}), json!(["body", "overall_drift_score"])),
        (json!({"overall_drift_score": 0.5, "timestamp": "yesterday"}), json!(["body", "timestamp"])),
        (json!({"overall_drift_score": 0.5, "feature_drift_scores": {"month": -1}}), json!(["body", "feature_drift_scores", "month"])),
        (json!({}), json!(["body", "overall_drift_score"])),
    ] {
        let (status, answer) = send(&app, "POST", "/metrics/drift", &headers, bad.to_string()).await;
        assert_eq!((status, &answer["detail"][0]["loc"]), (StatusCode::UNPROCESSABLE_ENTITY, &loc), "{answer}");
    }
}

#[tokio::test]
async fn tokens_end() {
    let settings = DemoSettings { trained_through_day: 3, token_lifetime_s: 0, ..DemoSettings::default() };
    let app = router(Service::start(settings).expect("trained"));
    let bearer = format!("Bearer {}", token_of(&app).await);
    let (status, answer) = send(&app, "GET", "/metrics/drift", &[("authorization", bearer.as_str())], "").await;
    assert_eq!((status, &answer["kind"]), (StatusCode::UNAUTHORIZED, &json!("token")));
    assert!(answer["detail"].as_str().is_some_and(|text| text.contains("ended")), "{answer}");
}

#[tokio::test]
async fn rows_are_compared_with_a_reference_file() {
    let dir = folder("monitor");
    std::fs::write(dir.join("sample.csv"), "temp;hr;note\n0.1;1;a\n0.2;2;b\n0.3;3;a\n").expect("written");
    let app = router(
        Service::start(DemoSettings { trained_through_day: 3, data: Some(dir.clone()), ..DemoSettings::default() }).expect("trained"),
    );
    let rows = |from, to| -> Vec<Value> { Dataset::bikeshare().days(from, to).iter().map(|row| json!(row.features)).collect() };
    let asked = |path: &str, rows: Vec<Value>| json!({"reference_path": path, "current_data": rows, "output_html": "drift_report.html"});
    let (status, summer) = post(&app, "/monitor", asked("reference.csv", rows(190, 205))).await;
    let summary = &summer["drift_summary"];
    assert_eq!((status, &summer["status"], &summary["drift_detected"]), (StatusCode::OK, &json!("success"), &json!(true)), "{summer}");
    assert_eq!((&summary["total_features"], &summary["current_size"]), (&json!(11), &json!(384)), "{summer}");
    assert_eq!((&summary["features"]["temp"]["drifted"], &summary["features"]["hr"]["drifted"]), (&json!(true), &json!(false)), "{summer}");
    let (_, same) = post(&app, "/monitor", asked("reference.csv", rows(1, 120))).await;
    assert_eq!((&same["drift_summary"]["drift_share"], &same["drift_summary"]["drift_detected"]), (&json!(0.0), &json!(false)), "{same}");
    let (status, sample) = post(&app, "/monitor", asked("sample.csv", rows(1, 4))).await;
    assert_eq!((status, &sample["drift_summary"]["total_features"]), (StatusCode::OK, &json!(2)), "{sample}");
    assert_eq!(send(&app, "GET", "/monitor", &[], "").await.1["last_monitor"], sample);
    let (_, metrics) = send(&app, "GET", "/metrics", &[], "").await;
    assert!(metrics.as_str().is_some_and(|text| text.contains("drift_share ") && text.contains("drifted_features_count ")), "{metrics}");
    for (body, field, kind) in [
        (asked("../secret.csv", rows(1, 1)), "reference_path", "path_type"),
        (asked("gs://bucket/reference.csv", rows(1, 1)), "reference_path", "path_type"),
        (asked("none.csv", rows(1, 1)), "reference_path", "path_not_file"),
        (asked("sample.csv", vec![json!({"other": 1})]), "current_data", "value_error"),
        (asked("sample.csv", vec![]), "current_data", "too_short"),
        (json!({"current_data": [{}]}), "reference_path", "missing"),
        (json!({"reference_path": "sample.csv"}), "current_data", "missing"),
    ] {
        let (status, answer) = post(&app, "/monitor", body).await;
        assert_eq!(status, StatusCode::UNPROCESSABLE_ENTITY, "{answer}");
        assert_eq!((&answer["detail"][0]["loc"], &answer["detail"][0]["type"]), (&json!(["body", field]), &json!(kind)), "{answer}");
    }
    std::fs::remove_dir_all(dir).expect("removed");
}

#[tokio::test]
async fn both_models_on_both_test_sets() {
    let app = router(service());
    let (status, alone) = send(&app, "POST", "/evaluate", &[], "").await;
    assert_eq!((status, &alone["current"]["champion"]["rows"]), (StatusCode::OK, &json!(47)), "{alone}");
    assert!(alone["baseline"]["challenger"].is_null(), "{alone}");
    let (_, trained) = post(&app, "/train", json!({"up_to": 30})).await;
    let (_, both) = post(&app, "/evaluate", json!({})).await;
    for set in ["baseline", "current"] {
        assert_eq!((&both[set]["champion"], &both[set]["challenger"]), (&trained[set]["champion"], &trained[set]["challenger"]), "{both}");
    }
    assert_eq!(post(&app, "/evaluate", json!({"up_to": 3})).await.1["kind"], "no_rows");
}

/// A folder of one's own, empty.
fn folder(name: &str) -> std::path::PathBuf {
    let dir = std::env::temp_dir().join(format!("bellbuoy-demo-{name}-{}", std::process::id()));
    let _ = std::fs::remove_dir_all(&dir);
    std::fs::create_dir_all(&dir).expect("a folder");
    dir
}

/// Version 1, then 2 is trained and promoted, then 3 is its challenger; and what one row gets from the champion of each start.
#[tokio::test]
async fn models_survive_a_restart_and_damage() {
    let dir = folder("models");
    let start =
        || Service::start(DemoSettings { trained_through_day: 3, data: Some(dir.clone()), ..DemoSettings::default() }).expect("started");
    let file = |version: u32| dir.join(format!("models/v{version:04}.model"));
    let app = router(start());
    let (_, first) = post(&app, "/predict", features()).await;
    assert_eq!(post(&app, "/train", json!({"up_to": 12})).await.0, StatusCode::OK);
    assert_eq!(post(&app, "/promote", json!({})).await.0, StatusCode::OK);
    assert_eq!(post(&app, "/train", json!({"up_to": 14})).await.0, StatusCode::OK);
    let (_, before) = post(&app, "/predict", features()).await;
    assert_eq!((&before["model_version"], &before["challenger_version"]), (&json!(2), &json!(3)));

    let again = start();
    assert!(again.problems().is_empty(), "{:?}", again.problems());
    let (_, after) = post(&router(again), "/predict", features()).await;
    assert_eq!(after, before);

    // A flipped byte in the champion, half of the challenger: the champion before serves.
    let mut bytes = std::fs::read(file(2)).expect("there");
    let middle = bytes.len() / 2;
    bytes[middle] ^= 1;
    std::fs::write(file(2), bytes).expect("written");
    let bytes = std::fs::read(file(3)).expect("there");
    std::fs::write(file(3), &bytes[..bytes.len() / 2]).expect("written");
    let damaged = start();
    let said = damaged.problems().join("\n");
    for words in ["v0002.model: its checksum or length", "set aside as", "v0003.model.damaged", "model version 1 is the champion"] {
        assert!(said.contains(words), "no {words:?} in {said}");
    }
    assert!(file(2).with_extension("model.damaged").exists());
    let app = router(damaged);
    let (_, fallen_back) = post(&app, "/predict", features()).await;
    assert_eq!((&fallen_back["model_version"], &fallen_back["predictions"]), (&json!(1), &first["predictions"]));
    assert!(send(&app, "GET", "/monitor", &[], "").await.1["problems"][0].is_string());
    // The numbers of damaged versions are never given again.
    assert_eq!(post(&app, "/train", json!({"up_to": 12})).await.1["challenger"]["version"], 4);

    // Nobody knows who serves: the newest that is whole.
    std::fs::write(dir.join("models/roles.json"), "{").expect("written");
    let newest = start();
    assert_eq!(post(&router(newest), "/predict", features()).await.1["model_version"], 4);
    // Nothing is left: a first one is trained, and says so.
    for version in [1, 4] {
        std::fs::write(file(version), "not a model").expect("written");
    }
    let anew = start();
    assert!(anew.problems().join("\n").contains("no good model is left"), "{:?}", anew.problems());
    let (_, anew) = post(&router(anew), "/predict", features()).await;
    assert_eq!((&anew["model_version"], &anew["predictions"]), (&json!(5), &first["predictions"]));
    std::fs::remove_dir_all(dir).expect("removed");
}

/// bellbuoy is away: predictions are answered as ever, get an id, and what could not be logged is counted.
#[tokio::test]
async fn predictions_do_not_depend_on_their_log() {
    let url = {
        let listener = std::net::TcpListener::bind("127.0.0.1:0").expect("a free port");
        format!("http://{}", listener.local_addr().expect("bound"))
    };
    let log = PredictionLog { url: bellbuoy_vocabulary::Secret::new(url), model: "bike-traffic".to_owned(), token: None };
    let service = Service::start(DemoSettings { trained_through_day: 3, log: Some(log), ..DemoSettings::default() }).expect("trained");
    let app = router(service.clone());
    let (status, answer) = post(&app, "/predict", features()).await;
    assert_eq!(status, StatusCode::OK);
    assert_eq!(answer["predictions"][0]["id"].as_str().map(str::len), Some(32), "{answer}");
    let (_, metrics) = send(&app, "GET", "/metrics", &[], "").await;
    let line = "prediction_log_rows_offered_total{model=\"bike-traffic\",kind=\"prediction\"} 1\n";
    assert!(metrics.as_str().is_some_and(|text| text.contains(line)), "{metrics}");
}

#[tokio::test]
async fn wrong_passwords_get_no_token() {
    let app = router(service());
    let form = [("content-type", "application/x-www-form-urlencoded")];
    for body in ["username=admin&password=wrong", "username=root&password=admin", "username=&password="] {
        let (status, answer) = send(&app, "POST", "/token", &form, body).await;
        assert_eq!((status, &answer["kind"]), (StatusCode::UNAUTHORIZED, &json!("credentials")));
        assert_eq!(answer["detail"], "username or password is wrong");
    }
    let (status, answer) = send(&app, "POST", "/token", &form, "username=admin").await;
    assert_eq!((status, &answer["detail"][0]["loc"]), (StatusCode::UNPROCESSABLE_ENTITY, &json!(["body", "password"])));
    for (grant, expected) in [("password", StatusCode::OK), ("client_credentials", StatusCode::UNPROCESSABLE_ENTITY)] {
        let body = format!("grant_type={grant}&username=admin&password=admin&scope=");
        assert_eq!(send(&app, "POST", "/token", &form, body).await.0, expected, "{grant}");
    }
    assert_eq!(send(&app, "POST", "/token", &[], "{}").await.0, StatusCode::UNPROCESSABLE_ENTITY);
}

#[tokio::test]
async fn serves_on_a_socket_until_shut_down() {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.expect("a free port");
    let address = listener.local_addr().expect("bound");
    let (stop, stopped) = tokio::sync::oneshot::channel::<()>();
    let settings = DemoSettings { trained_through_day: 5, ..DemoSettings::default() };
    let server = tokio::spawn(serve(listener, settings, async { stopped.await.unwrap_or(()) }));
    let mut socket = tokio::net::TcpStream::connect(address).await.expect("listening");
    use tokio::io::{AsyncReadExt, AsyncWriteExt};
    socket.write_all(b"GET /health HTTP/1.1\r\nhost: a\r\nconnection: close\r\n\r\n").await.expect("sent");
    let mut answer = String::new();
    socket.read_to_string(&mut answer).await.expect("read");
    assert!(answer.starts_with("HTTP/1.1 200") && answer.ends_with(r#"{"status":"ok","model_version":1}"#), "{answer}");
    stop.send(()).expect("still serving");
    server.await.expect("no panic").expect("a clean end");
}
