//! Alertmanager's API v2 under `/api/v2`, for amtool, Grafana, and everything that posts alerts.
//!
//! In:    alerts and silences from outside. Out: what the router knows, in Alertmanager's JSON.
//! Holds: same requests, same answers as Alertmanager 0.33, its refusals included; a difference is written in
//!        docs/guides/alertmanager-clients.md.
//! Read:  this file, then posted.rs (what is accepted), wanted.rs (filters), silences.rs, guard.rs (limits, headers).

mod guard;
mod posted;
mod quick;
mod silences;
mod wanted;

use std::collections::HashMap;
use std::sync::Arc;

use axum::body::Bytes;
use axum::extract::State;
use axum::http::{Method, StatusCode, Uri};
use axum::middleware::from_fn_with_state;
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use axum::{Json, Router};
use bellbuoy_router::{AlertState, AlertView, alert_order, labels_order};
use bellbuoy_vocabulary::Timestamp;
use serde_json::{Value, json};

use self::wanted::{Labelled, Wanted};
use super::params::Params;
use crate::app::App;
use crate::clock;
use crate::wire::labels_json;

/// The Alertmanager whose API this is.
const ALERTMANAGER_VERSION: &str = "0.33.0";

pub fn routes(app: Arc<App>) -> Router<Arc<App>> {
    let guard = guard::Guard::new(&app.options.alertmanager);
    Router::new()
        .route("/status", get(status).fallback(not_allowed))
        .route("/receivers", get(receivers).fallback(not_allowed))
        .route("/alerts", get(alerts).post(post_alerts).fallback(not_allowed))
        .route("/alerts/groups", get(groups).fallback(not_allowed))
        .route("/silences", get(silences::list).post(silences::post).fallback(not_allowed))
        .route("/silence/{id}", get(silences::one).delete(silences::delete).fallback(not_allowed))
        .fallback(not_found)
        .layer(from_fn_with_state(Arc::new(guard), guard::watch))
}

type Answer = Result<Response, Refusal>;

/// Alertmanager answers its own refusals with a plain JSON text, and those of its framework with a code and a message.
#[derive(Debug, PartialEq)]
pub enum Refusal {
    Plain(StatusCode, String),
    Coded(StatusCode, u16, String),
}

impl IntoResponse for Refusal {
    fn into_response(self) -> Response {
        match self {
            Refusal::Plain(status, message) => (status, Json(Value::from(message))).into_response(),
            Refusal::Coded(status, code, message) => (status, Json(json!({"code": code, "message": message}))).into_response(),
        }
    }
}

fn bad(message: impl Into<String>) -> Refusal {
    Refusal::Plain(StatusCode::BAD_REQUEST, message.into())
}

async fn not_found(uri: Uri) -> Refusal {
    // Nested routers see the path without the prefix.
    Refusal::Coded(StatusCode::NOT_FOUND, 404, format!("path /api/v2{} was not found", uri.path()))
}

async fn not_allowed(method: Method) -> Refusal {
    Refusal::Coded(StatusCode::METHOD_NOT_ALLOWED, 405, format!("method {method} is not allowed"))
}

/// A time as Alertmanager's API writes it: always with three digits of milliseconds.
fn stamp(at: Timestamp) -> String {
    let text = at.rfc3339();
    let Some(text) = text.strip_suffix('Z') else { return text };
    match text.split_once('.') {
        Some((seconds, fraction)) => format!("{seconds}.{fraction:0<3}Z"),
        None => format!("{text}.000Z"),
    }
}

async fn status(State(app): State<Arc<App>>) -> Answer {
    Ok(Json(json!({
        "cluster": {"status": "disabled", "peers": []},
        "config": {"original": app.path.settings().alertmanager_text},
        "uptime": stamp(app.started_at),
        "versionInfo": {"version": ALERTMANAGER_VERSION, "revision": concat!("bellbuoy ", env!("CARGO_PKG_VERSION")),
            "branch": "HEAD", "buildUser": "", "buildDate": "", "goVersion": ""},
    }))
    .into_response())
}

async fn receivers(State(app): State<Arc<App>>, params: Params) -> Answer {
    let wanted = Labelled::read(&params, &app)?;
    let mut out = Vec::new();
    for receiver in app.path.settings().receivers.iter().filter(|receiver| wanted.takes(&receiver.name)) {
        out.push(json!({"name": receiver.name, "labels": receiver.labels}));
    }
    Ok(Json(out).into_response())
}

async fn alerts(State(app): State<Arc<App>>, params: Params) -> Answer {
    let wanted = Wanted::read(&params, &app)?;
    let mut views = app.path.alerts_view(clock::now());
    views.retain(|view| wanted.takes(view) && wanted.takes_any_receiver(&view.receivers));
    views.sort_by_key(|view| view.alert.fingerprint());
    Ok(Json(views.iter().map(|view| gettable(view, &view.receivers, &[])).collect::<Vec<_>>()).into_response())
}

async fn groups(State(app): State<Arc<App>>, params: Params) -> Answer {
    let wanted = Wanted::read(&params, &app)?;
    let mut groups = app.path.groups_view(clock::now());
    groups.retain(|group| wanted.takes_receiver(&group.receiver));
    // The receivers of an alert are those of the groups that are asked for, muted ones too.
    let mut receivers: HashMap<u64, Vec<String>> = HashMap::new();
    for group in &mut groups {
        group.alerts.retain(|view| wanted.takes(view));
        for view in &group.alerts {
            receivers.entry(view.alert.fingerprint()).or_default().push(group.receiver.clone());
        }
    }
    receivers.values_mut().for_each(|names| names.sort());
    groups.sort_by(|a, b| labels_order(&a.labels, &b.labels).then_with(|| a.receiver.cmp(&b.receiver)));
    let mut out = Vec::new();
    for group in &mut groups {
        if group.alerts.is_empty() || (!wanted.muted && !group.muted_by.is_empty()) {
            continue;
        }
        group.alerts.sort_by(|a, b| alert_order(&a.alert.labels, &b.alert.labels));
        let names = |view: &AlertView| receivers.get(&view.alert.fingerprint()).map_or(&[][..], Vec::as_slice);
        let alerts: Vec<Value> = group.alerts.iter().map(|view| gettable(view, names(view), &group.muted_by)).collect();
        out.push(json!({"labels": labels_json(&group.labels), "receiver": {"name": group.receiver}, "alerts": alerts}));
    }
    Ok(Json(out).into_response())
}

fn gettable(view: &AlertView, receivers: &[String], muted_by: &[String]) -> Value {
    let alert = &view.alert;
    let state = match view.state {
        _ if !muted_by.is_empty() => AlertState::Suppressed,
        state => state,
    };
    let mut out = json!({
        "labels": labels_json(&alert.labels), "annotations": labels_json(&alert.annotations),
        "startsAt": stamp(alert.starts_at), "endsAt": stamp(alert.ends_at), "updatedAt": stamp(alert.updated_at),
        "fingerprint": format!("{:016x}", alert.fingerprint()),
        "receivers": receivers.iter().map(|name| json!({"name": name})).collect::<Vec<_>>(),
        "status": {"state": state.word(), "inhibitedBy": view.inhibited_by, "silencedBy": view.silenced_by, "mutedBy": muted_by},
    });
    if !alert.generator_url.is_empty() {
        out["generatorURL"] = Value::from(alert.generator_url.as_str());
    }
    out
}

async fn post_alerts(State(app): State<Arc<App>>, body: Bytes) -> Answer {
    let (alerts, problems) = posted::alerts(&body, clock::now())?;
    app.path.telemetry.alerts_refused.add(problems.len() as u64);
    // As Alertmanager: the valid alerts are taken, then the request is refused for the others.
    tokio::task::block_in_place(|| app.path.post_alerts(alerts, clock::now()))
        .map_err(|error| Refusal::Plain(StatusCode::INTERNAL_SERVER_ERROR, error))?;
    if problems.is_empty() { Ok(StatusCode::OK.into_response()) } else { Err(bad(problems.join("\n"))) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_have_three_digits() {
        let check = |ms: i64, expected: &str| assert_eq!(stamp(Timestamp(ms)), expected);
        check(0, "1970-01-01T00:00:00.000Z");
        check(1_120, "1970-01-01T00:00:01.120Z");
        check(1_999, "1970-01-01T00:00:01.999Z");
    }
}
