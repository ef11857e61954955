//! A tower layer that counts and times HTTP requests.

use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Instant;

use axum::extract::MatchedPath;
use axum::http::{Method, Request, Response};
use tower_layer::Layer;
use tower_service::Service;

use crate::instrument::Families;

/// `Instrument::layer()`.
#[derive(Clone)]
pub struct RequestLayer(Arc<Families>);

/// A service whose requests are counted.
///
/// A request is counted when the head of its answer is there; one that the client abandons before is not.
#[derive(Clone)]
pub struct Counted<S> {
    inner: S,
    families: Arc<Families>,
}

impl RequestLayer {
    pub(crate) fn new(families: Arc<Families>) -> RequestLayer {
        RequestLayer(families)
    }
}

impl<S> Layer<S> for RequestLayer {
    type Service = Counted<S>;

    fn layer(&self, inner: S) -> Counted<S> {
        Counted { inner, families: self.0.clone() }
    }
}

impl<S, In, Out> Service<Request<In>> for Counted<S>
where
    S: Service<Request<In>, Response = Response<Out>>,
    S::Future: Send + 'static,
{
    type Response = S::Response;
    type Error = S::Error;
    type Future = Pin<Box<dyn Future<Output = Result<S::Response, S::Error>> + Send>>;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), S::Error>> {
        self.inner.poll_ready(cx)
    }

    fn call(&mut self, request: Request<In>) -> Self::Future {
        let start = Instant::now();
        let method = method_label(request.method());
        let endpoint = match request.extensions().get::<MatchedPath>() {
            Some(path) => path.as_str().to_owned(),
            // Not the path as sent: every wrong address would make a series.
            None => "unmatched".to_owned(),
        };
        // Exists with 0 from the first request, so that the first 5xx is an increase.
        let errors = self.families.errors.with([method, &endpoint]);
        let families = self.families.clone();
        let answer = self.inner.call(request);
        Box::pin(async move {
            let answer = answer.await;
            let code = answer.as_ref().map_or(500, |response| response.status().as_u16());
            let status = code.to_string();
            families.api_requests.with([&endpoint, method, &status]).increment();
            families.requests.with([method, &endpoint, &status]).increment();
            families.request_duration.with([method, &endpoint]).observe(start.elapsed().as_secs_f64());
            if code >= 500 {
                errors.increment();
            }
            answer
        })
    }
}

/// HTTP allows any word as a method; only the known ones become label values.
fn method_label(method: &Method) -> &'static str {
    match method.as_str() {
        "GET" => "GET",
        "POST" => "POST",
        "PUT" => "PUT",
        "PATCH" => "PATCH",
        "DELETE" => "DELETE",
        "HEAD" => "HEAD",
        "OPTIONS" => "OPTIONS",
        _ => "other",
    }
}

#[cfg(test)]
mod tests {
    use crate::Instrument;
    use axum::body::Body;
    use axum::http::{Request, StatusCode};
    use axum::routing::{get, post};
    use axum::{Router, extract::Path};
    use tower::ServiceExt;

    async fn send(app: &Router, method: &str, path: &str) -> StatusCode {
        let request = Request::builder().method(method).uri(path).body(Body::empty()).expect("a good request");
        app.clone().oneshot(request).await.expect("infallible").status()
    }

    fn app(instrument: &Instrument) -> Router {
        Router::new()
            .route("/items/{id}", get(|Path(id): Path<u32>| async move { id.to_string() }))
            .route("/fail", post(|| async { StatusCode::BAD_GATEWAY }))
            .layer(instrument.layer())
    }

    fn has(text: &str, line: &str) {
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
        let text = instrument.render();
        has(&text, "fastapi_requests_total{method=\"GET\",endpoint=\"/items/{id}\",status=\"200\"} 2");
        has(&text, "fastapi_requests_total{method=\"GET\",endpoint=\"/items/{id}\",status=\"400\"} 1");
        has(&text, "api_requests_total{endpoint=\"/fail\",method=\"POST\",status=\"502\"} 1");
        has(&text, "fastapi_errors_total{method=\"POST\",endpoint=\"/fail\"} 1");
        has(&text, "fastapi_errors_total{method=\"GET\",endpoint=\"/items/{id}\"} 0");
        has(&text, "fastapi_request_duration_seconds_count{method=\"GET\",endpoint=\"/items/{id}\"} 3");
    }

    #[tokio::test]
    async fn strange_methods_and_addresses_make_one_series() {
        let instrument = Instrument::new();
        let app = app(&instrument);
        for n in 0..50 {
            assert_eq!(send(&app, &format!("M{n}"), &format!("/nowhere/{n}")).await, 404);
        }
        has(&instrument.render(), "api_requests_total{endpoint=\"unmatched\",method=\"other\",status=\"404\"} 50");
    }
}
