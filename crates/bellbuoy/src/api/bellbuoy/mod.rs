//! `/api/bellbuoy`: what the pages of `ui/` ask beside Prometheus' and Alertmanager's APIs. docs/formats/pages-api.md is the contract.
//!
//! In:    requests. Out: JSON in Prometheus' envelope, times as RFC 3339, what is unknown with its reason.
//! Never: decides, waits for the disk under a lock of a stage, or shows a secret.

mod dashboards;

use std::sync::Arc;

use axum::Router;
use axum::routing::get;
use bellbuoy_vocabulary::Timestamp;
use serde_json::{Value, json};

use crate::app::App;

pub use self::dashboards::is_loopback;

pub fn routes() -> Router<Arc<App>> {
    Router::new().route("/dashboards", get(dashboards::list)).route("/dashboards/{uid}", get(dashboards::show).put(dashboards::write))
}

/// `null` when there is none.
fn time(at: impl Into<Option<Timestamp>>) -> Value {
    json!(at.into().map(Timestamp::rfc3339))
}
