//! What is counted of a request, whichever way it ends.

use std::convert::Infallible;
use std::panic::AssertUnwindSafe;
use std::task::{Context, Poll, Waker};

use axum::body::Body;
use axum::http::{Request, Response, StatusCode};
use axum::routing::{get, post};
use axum::{Router, extract::Path};
use tower::{Layer, Service, ServiceExt, service_fn};

use crate::{Format, Instrument};

fn request(method: &str, path: &str) -> Request<Body> {
    Request::builder().method(method).uri(path).body(Body::empty()).expect("a good request")
}

async fn send(app: &Router, method: &str, path: &str) -> StatusCode {
    app.clone().oneshot(request(method, path)).await.expect("infallible").status()
}

fn app(instrument: &Instrument) -> Router {
    Router::new()
        .route("/items/{id}", get(|Path(id): Path<u32>| async move { id.to_string() }))
        .route("/fail", post(|| async { StatusCode::BAD_GATEWAY }))
        .route("/metrics", instrument.metrics_route())
        .layer(instrument.layer())
}

fn has(instrument: &Instrument, line: &str) {
    let text = instrument.render(Format::Text);
    assert!(text.lines().any(|have| have == line), "no {line:?} in\n{text}");
}

#[tokio::test]
async fn counted_by_route_pattern_method_and_status() {
    let instrument = Instrument::new();
    let app = app(&instrument);
    assert_eq!(send(&app, "GET", "/items/1").await, 200);
    assert_eq!(send(&app, "GET", "/items/2").await, 200);
    assert_eq!(send(&app, "GET", "/items/x").await, 400);
    assert_eq!(send(&app, "POST", "/fail").await, 502);
    for line in [
        "fastapi_requests_total{method=\"GET\",endpoint=\"/items/{id}\",status=\"200\"} 2",
        "fastapi_requests_total{method=\"GET\",endpoint=\"/items/{id}\",status=\"400\"} 1",
        "api_requests_total{endpoint=\"/fail\",method=\"POST\",status=\"502\"} 1",
        "fastapi_errors_total{method=\"POST\",endpoint=\"/fail\"} 1",
        "fastapi_errors_total{method=\"GET\",endpoint=\"/items/{id}\"} 0",
        "fastapi_request_duration_seconds_count{method=\"GET\",endpoint=\"/items/{id}\"} 3",
        "fastapi_requests_in_progress{method=\"GET\",endpoint=\"/items/{id}\"} 0",
    ] {
        has(&instrument, line);
    }
}

#[tokio::test]
async fn strange_methods_and_addresses_make_one_series() {
    let instrument = Instrument::new();
    let app = app(&instrument);
    for n in 0..50 {
        assert_eq!(send(&app, &format!("M{n}"), &format!("/nowhere/{n}")).await, 404);
    }
    has(&instrument, "api_requests_total{endpoint=\"unmatched\",method=\"other\",status=\"404\"} 50");
}

/// A router of one's own may know no patterns: then the bound holds the series down, and says so.
#[tokio::test]
async fn paths_beyond_the_bound_fold() {
    let instrument = Instrument::new();
    let layer = instrument.layer_with(|uri, _| Some(uri.path().to_owned().into()));
    let service = layer.layer(service_fn(|_: Request<Body>| async { Ok::<_, Infallible>(Response::new(())) }));
    for n in 0..310 {
        service.clone().oneshot(request("GET", &format!("/{n}"))).await.expect("infallible");
    }
    has(&instrument, "fastapi_requests_total{method=\"GET\",endpoint=\"/299\",status=\"200\"} 1");
    has(&instrument, "fastapi_requests_total{method=\"GET\",endpoint=\"other\",status=\"200\"} 10");
    has(&instrument, "instrument_label_sets_dropped_total{metric=\"fastapi_requests_total\"} 10");
}

#[tokio::test]
async fn a_service_that_fails_is_counted_as_500() {
    let instrument = Instrument::new();
    let layer = instrument.layer_with(|_, _| Some("/a".into()));
    let service = layer.layer(service_fn(|_: Request<Body>| async { Err::<Response<()>, _>("no connection") }));
    assert_eq!(service.oneshot(request("GET", "/a")).await.err(), Some("no connection"));
    has(&instrument, "fastapi_requests_total{method=\"GET\",endpoint=\"/a\",status=\"500\"} 1");
    has(&instrument, "fastapi_errors_total{method=\"GET\",endpoint=\"/a\"} 1");
}

/// A client that hung up was not counted at all once, and had it been, the gauge would have stayed up.
#[test]
fn a_request_that_is_dropped_is_counted_as_499() {
    let instrument = Instrument::new();
    let layer = instrument.layer_with(|_, _| Some("/slow".into()));
    let mut service = layer.layer(service_fn(|_: Request<Body>| std::future::pending::<Result<Response<()>, Infallible>>()));
    let mut answer = Box::pin(service.call(request("GET", "/slow")));
    assert!(answer.as_mut().poll(&mut Context::from_waker(Waker::noop())).is_pending());
    has(&instrument, "fastapi_requests_in_progress{method=\"GET\",endpoint=\"/slow\"} 1");
    drop(answer);
    has(&instrument, "fastapi_requests_in_progress{method=\"GET\",endpoint=\"/slow\"} 0");
    has(&instrument, "fastapi_requests_total{method=\"GET\",endpoint=\"/slow\",status=\"499\"} 1");
    has(&instrument, "fastapi_request_duration_seconds_count{method=\"GET\",endpoint=\"/slow\"} 1");
    has(&instrument, "fastapi_errors_total{method=\"GET\",endpoint=\"/slow\"} 0");
}

#[test]
fn a_panic_is_counted_as_500_even_when_it_is_caught() {
    let instrument = Instrument::new();
    let layer = instrument.layer_with(|uri, _| Some(uri.path().to_owned().into()));
    let mut service = layer.layer(service_fn(|request: Request<Body>| {
        assert!(request.uri().path() != "/at-once", "a handler that panics before its first await");
        async { if true { panic!("a handler that panics") } else { Ok::<_, Infallible>(Response::new(())) } }
    }));
    let at_once = std::panic::catch_unwind(AssertUnwindSafe(|| drop(service.call(request("GET", "/at-once")))));
    assert!(at_once.is_err());
    let mut answer = Box::pin(service.call(request("GET", "/later")));
    let poll = || matches!(answer.as_mut().poll(&mut Context::from_waker(Waker::noop())), Poll::Ready(_));
    assert!(std::panic::catch_unwind(AssertUnwindSafe(poll)).is_err());
    drop(answer);
    for path in ["/at-once", "/later"] {
        has(&instrument, &format!("fastapi_requests_total{{method=\"GET\",endpoint=\"{path}\",status=\"500\"}} 1"));
        has(&instrument, &format!("fastapi_errors_total{{method=\"GET\",endpoint=\"{path}\"}} 1"));
        has(&instrument, &format!("fastapi_requests_in_progress{{method=\"GET\",endpoint=\"{path}\"}} 0"));
    }
}

#[tokio::test]
async fn the_route_negotiates() {
    let app = app(&Instrument::new());
    for (accept, content_type, end) in [
        ("*/*", "text/plain; version=0.0.4; charset=utf-8", "in_progress{method=\"GET\",endpoint=\"/metrics\"} 1\n"),
        ("application/openmetrics-text;version=1.0.0", "application/openmetrics-text; version=1.0.0; charset=utf-8", "# EOF\n"),
    ] {
        let mut request = request("GET", "/metrics");
        request.headers_mut().insert("accept", accept.parse().expect("a good header"));
        let answer = app.clone().oneshot(request).await.expect("infallible");
        assert_eq!(answer.headers()["content-type"], content_type);
        let body = axum::body::to_bytes(answer.into_body(), usize::MAX).await.expect("a body");
        let text = String::from_utf8(body.to_vec()).expect("UTF-8");
        assert!(text.contains(end), "{text}");
    }
}
