//! The endpoints, through the router, without a socket. Trained on ten days: the numbers do not matter here.

use axum::body::{Body, to_bytes};
use axum::http::{Request, StatusCode};
use serde_json::{Value, json};
use tower::ServiceExt;

use super::*;
use crate::replay::Replay;

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
    let cases = [
        ("", "invalid_input", "EOF"),
        ("{}", "invalid_input", "`features`"),
        ("[1, 2", "invalid_input", "line 1"),
        (&with("weathersit", json!("hail")), "invalid_input", "hail"),
        (&with("hr", json!(24)), "invalid_input", "hr is 24; it must be 0 to 23"),
        (&with("hr", json!(-1)), "invalid_input", "-1"),
        (&with("temp", json!(31.5)), "invalid_input", "scaled"),
        (&with("temp", json!(null)), "invalid_input", "null"),
        (&with("bikers", json!(1)), "invalid_input", "unknown field `bikers`"),
        (&json!({"features": features(), "rows": [{"features": features()}]}).to_string(), "invalid_input", "`rows`"),
        (&json!({"rows": vec![json!({"features": features()}); 5001]}).to_string(), "too_large", "5001 rows"),
        (&" ".repeat(api::BODY_BYTES_MAX + 1), "too_large", "larger than"),
    ];
    for (body, kind, message) in &cases {
        let (status, answer) = send(&app, "POST", "/predict", &[], (*body).to_owned()).await;
        assert!(status.is_client_error(), "{status} {answer}");
        assert_eq!(answer["error"]["kind"], *kind, "{answer}");
        assert!(answer["error"]["message"].as_str().is_some_and(|text| text.contains(message)), "no {message:?} in {answer}");
    }
    let (_, metrics) = send(&app, "GET", "/metrics", &[], "").await;
    let metrics = metrics.as_str().expect("text");
    assert!(metrics.contains("prediction_errors_total{error_type=\"invalid_input\"} 10\n"), "{metrics}");
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
    assert_eq!((status, &other["error"]["kind"]), (StatusCode::CONFLICT, &json!("other_challenger")));
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
        assert_eq!((status, &answer["error"]["kind"]), (StatusCode::UNPROCESSABLE_ENTITY, &json!("no_rows")));
    }
    assert_eq!(post(&app, "/train", json!({"to_day": 12, "window": 3})).await.1["error"]["kind"], "invalid_input");
    // Day 15 is a hold-out day: there is nothing to train on.
    let (status, answer) = post(&app, "/train", json!({"from_day": 15, "to_day": 15})).await;
    assert_eq!((status, &answer["error"]["kind"]), (StatusCode::INTERNAL_SERVER_ERROR, &json!("model")));
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
    assert_eq!((status, &answer["error"]["kind"]), (StatusCode::CONFLICT, &json!("training_under_way")));
    assert_eq!(send(&app, "GET", "/monitor", &[], "").await.1["training"], true);
    drop(permit);
    assert_eq!(post(&app, "/train", json!({"up_to": 12})).await.0, StatusCode::OK);
}

#[tokio::test]
async fn evaluates_and_finds_drift() {
    let app = router(service());
    let (status, scores) = post(&app, "/evaluate", json!({"from_day": 11, "to_day": 20, "hold_out": true})).await;
    assert_eq!((status, &scores["rows"], &scores["challenger"]), (StatusCode::OK, &json!(48), &Value::Null), "{scores}");
    assert_eq!(post(&app, "/evaluate", json!({"from_day": 11, "to_day": 11, "hold_out": true})).await.1["error"]["kind"], "no_rows");

    assert_eq!(send(&app, "POST", "/drift", &[], "").await.1["error"]["kind"], "invalid_input");
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
        assert_eq!((status, &answer["error"]["kind"]), (StatusCode::UNAUTHORIZED, &json!("token")));
    }
    let bearer = format!("Bearer {}", token_of(&app).await);
    let headers = [("authorization", bearer.as_str())];
    assert_eq!(send(&app, "POST", "/metrics/drift", &headers, scores.to_string()).await.0, StatusCode::OK);
    assert_eq!(send(&app, "GET", "/metrics/drift", &headers, "").await.1["overall_drift_score"], 0.35);
    let (_, metrics) = send(&app, "GET", "/metrics", &[], "").await;
    let metrics = metrics.as_str().expect("text");
    assert!(metrics.contains("\ndata_drift_score 0.35\n") && metrics.contains("feature_drift{feature=\"month\"} 0.45\n"), "{metrics}");

    for bad in [json!({"overall_drift_score": 1.5}), json!({"overall_drift_score": 0.5, "timestamp": "yesterday"}), json!({})] {
        assert_eq!(send(&app, "POST", "/metrics/drift", &headers, bad.to_string()).await.0, StatusCode::UNPROCESSABLE_ENTITY);
    }
}

#[tokio::test]
async fn wrong_passwords_get_no_token() {
    let app = router(service());
    let form = [("content-type", "application/x-www-form-urlencoded")];
    for body in ["username=admin&password=wrong", "username=root&password=admin", "username=&password="] {
        let (status, answer) = send(&app, "POST", "/token", &form, body).await;
        assert_eq!((status, &answer["error"]["kind"]), (StatusCode::UNAUTHORIZED, &json!("credentials")));
    }
    assert_eq!(send(&app, "POST", "/token", &form, "username=admin").await.0, StatusCode::UNPROCESSABLE_ENTITY);
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
