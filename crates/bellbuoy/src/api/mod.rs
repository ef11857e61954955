//! show: the one port. Prometheus' API under `/api/v1`, remote write, OTLP and the Pushgateway's protocol, Alertmanager's under `/api/v2`, models, events, inbox, `/metrics`, the pages.
//!
//! In:    HTTP requests. Out: JSON, text, HTML.
//! Never: decides anything; each handler asks the path or the app.
//! Read:  prometheus.rs, alertmanager.rs, models.rs, events.rs, inbox.rs, intake.rs, pushed.rs, metrics.rs, page.rs, pages.rs; bellbuoy/ for what pages ask,
//!        same_origin.rs for who may change something.

mod alertmanager;
mod answer;
pub(crate) mod bellbuoy;
mod decisions;
mod events;
mod exemplars;
mod explain;
mod inbox;
mod intake;
mod metrics;
mod models;
mod notifications;
mod page;
mod pages;
mod params;
mod parse;
mod prometheus;
mod pushed;
mod receivers;
mod reports;
mod same_origin;
mod status;
mod targets;
mod values;

use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::extract::{DefaultBodyLimit, MatchedPath, Request, State};
use axum::http::StatusCode;
use axum::middleware::{Next, from_fn_with_state};
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post, put};

use crate::app::App;

pub use models::{LabelRow, PredictionRow};
pub use prometheus::PROMETHEUS_VERSION;

/// Bodies of requests above this many bytes are refused.
const BODY_BYTES_MAX: usize = 32 << 20;
/// How long an answer waits for the check of a new configuration.
const CHECK_PATIENCE: Duration = Duration::from_secs(5);

pub fn router(app: Arc<App>) -> Router {
    let prefix = app.route_prefix();
    let routes = routes(app);
    // Without the prefix everything is there too: probes and scripts on the same machine need not know of it.
    if prefix.is_empty() { routes } else { Router::new().nest(&prefix, routes.clone()).merge(routes) }
}

/// What a Pushgateway serves, for a port of its own.
pub fn pushgateway(app: Arc<App>) -> Router {
    pushes()
        .route("/metrics", get(pushed::page))
        .route("/-/healthy", get(healthy).head(healthy))
        .route("/-/ready", get(ready).head(ready))
        .layer(DefaultBodyLimit::max(BODY_BYTES_MAX))
        .layer(from_fn_with_state(app.clone(), same_origin::guard))
        .layer(from_fn_with_state(app.clone(), count))
        .with_state(app)
}

fn pushes() -> Router<Arc<App>> {
    Router::new()
        .route("/metrics/job/{*rest}", put(pushed::push).post(pushed::push).delete(pushed::push))
        .route("/metrics/job@base64/{*rest}", put(pushed::push).post(pushed::push).delete(pushed::push))
        .route("/api/v1/metrics", get(pushed::list))
}

fn routes(app: Arc<App>) -> Router {
    Router::new()
        .route("/status", get(page::status))
        .route("/style.css", get(page::style))
        .route("/inbox", get(inbox::page).post(inbox::receive))
        .route("/inbox/{*path}", post(inbox::receive).patch(inbox::add_picture))
        .route("/api/bellbuoy/findings", get(findings))
        .nest("/api/bellbuoy", bellbuoy::routes())
        .route("/api/bellbuoy/inbox", get(inbox::list))
        .route("/api/bellbuoy/inbox/{id}/picture", get(inbox::picture))
        .route("/api/bellbuoy/notifications", get(inbox::notifications))
        .route("/api/bellbuoy/sources", get(servers))
        .route("/api/bellbuoy/audit", get(decisions::audit))
        .route("/api/bellbuoy/explain", get(explain::explain).post(explain::explain))
        .route("/metrics", get(metrics::metrics))
        .merge(pushes())
        .route("/pushgateway/metrics", get(pushed::page))
        .route("/api/v1/write", post(intake::write))
        .route("/api/v1/otlp/v1/metrics", post(intake::otlp))
        .route("/-/healthy", get(healthy).head(healthy))
        .route("/-/ready", get(ready).head(ready))
        .route("/-/reload", post(reload).put(reload))
        .route("/api/v1/events", get(events::list).post(events::post))
        .route("/api/v1/notifications", get(notifications::list))
        .route("/api/v1/receivers/{name}/test", post(receivers::test))
        .merge(pages::routes())
        .nest("/api/v1/models", models::routes())
        .nest("/api/v1", prometheus::routes())
        .nest("/api/v2", alertmanager::routes(app.clone()))
        .layer(DefaultBodyLimit::max(BODY_BYTES_MAX))
        .layer(from_fn_with_state(app.clone(), same_origin::guard))
        .layer(from_fn_with_state(app.clone(), count))
        .with_state(app)
}

/// What `bellbuoy check --format json` prints, of the settings in force. A check that still runs is waited for a little.
async fn findings(State(app): State<Arc<App>>) -> axum::Json<serde_json::Value> {
    let checked = app.checker.settled(CHECK_PATIENCE).await;
    let mut answer = crate::findings::json(&checked.findings);
    answer["running"] = checked.running.into();
    answer["problem"] = checked.problem.into();
    axum::Json(answer)
}

/// Airflow and MLflow: whether they are up, what is wrong, what is registered.
async fn servers(State(app): State<Arc<App>>) -> axum::Json<serde_json::Value> {
    let servers = app.servers.lock().unwrap_or_else(|poisoned| poisoned.into_inner());
    axum::Json(serde_json::json!({"sources": servers.values().collect::<Vec<_>>()}))
}

async fn healthy() -> &'static str {
    "bellbuoy is Healthy.\n"
}

async fn ready(State(app): State<Arc<App>>) -> Response {
    if app.is_ready() {
        "bellbuoy is Ready.\n".into_response()
    } else {
        (StatusCode::SERVICE_UNAVAILABLE, "bellbuoy is not ready yet.\n").into_response()
    }
}

async fn reload(State(app): State<Arc<App>>) -> Response {
    match tokio::task::block_in_place(|| app.reload()) {
        Ok(()) => StatusCode::OK.into_response(),
        Err(problems) => (StatusCode::INTERNAL_SERVER_ERROR, format!("failed to reload config: {problems}\n")).into_response(),
    }
}

/// Counts each answer by handler and code, as `prometheus_http_requests_total` does.
async fn count(State(app): State<Arc<App>>, matched: Option<MatchedPath>, request: Request, next: Next) -> Response {
    let handler = matched.map_or_else(|| "other".to_string(), |path| path.as_str().to_string());
    let response = next.run(request).await;
    app.path.telemetry.http_requests.add(&[&handler, response.status().as_str()], 1);
    response
}
