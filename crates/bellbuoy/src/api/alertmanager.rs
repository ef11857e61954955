//! Alertmanager's API v2 under `/api/v2`, for amtool, Grafana, and everything that posts alerts.
//!
//! In:    alerts from outside. Out: what the router knows, in Alertmanager's JSON.

use std::collections::BTreeSet;
use std::sync::Arc;

use axum::body::Bytes;
use axum::extract::{Path as UrlPath, State};
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use axum::{Json, Router};
use bellbuoy_router::{AlertState, AlertView};
use bellbuoy_vocabulary::{AnchoredRegex, Labels, Matcher, Timestamp};
use serde_json::{Value, json};

use super::params::Params;
use crate::app::App;
use crate::clock;
use crate::config;
use crate::path::PostedAlert;
use crate::silences::{PostedSilence, Silence, SilenceError, matcher_of};
use crate::wire::labels_json;

/// The Alertmanager whose API this is.
const ALERTMANAGER_VERSION: &str = "0.33.0";
/// Most alerts in one request; Prometheus sends at most 256 at a time.
const ALERTS_MAX: usize = 100_000;

pub fn routes() -> Router<Arc<App>> {
    Router::new()
        .route("/status", get(status))
        .route("/receivers", get(receivers))
        .route("/alerts", get(alerts).post(post_alerts))
        .route("/alerts/groups", get(groups))
        .route("/silences", get(silences).post(post_silence))
        .route("/silence/{id}", get(silence).delete(delete_silence))
}

type Answer = Result<Response, Refusal>;

/// Alertmanager answers errors with a plain JSON string.
pub struct Refusal(StatusCode, String);

impl IntoResponse for Refusal {
    fn into_response(self) -> Response {
        (self.0, Json(Value::from(self.1))).into_response()
    }
}

fn bad(message: impl Into<String>) -> Refusal {
    Refusal(StatusCode::BAD_REQUEST, message.into())
}

async fn status(State(app): State<Arc<App>>) -> Answer {
    Ok(Json(json!({
        "cluster": {"name": "", "status": "disabled", "peers": []},
        "config": {"original": app.path.settings().alertmanager_text},
        "uptime": app.started_at.rfc3339(),
        "versionInfo": {"version": ALERTMANAGER_VERSION, "revision": concat!("bellbuoy ", env!("CARGO_PKG_VERSION")),
            "branch": "HEAD", "buildUser": "", "buildDate": "", "goVersion": ""},
    }))
    .into_response())
}

async fn receivers(State(app): State<Arc<App>>) -> Answer {
    let names: Vec<Value> = app.path.settings().receivers.iter().map(|receiver| json!({"name": receiver.name})).collect();
    Ok(Json(names).into_response())
}

async fn silences(State(app): State<Arc<App>>, params: Params) -> Answer {
    let mut filters = Vec::new();
    for text in params.all("filter") {
        filters.extend(config::parse_matchers(text).map_err(bad)?);
    }
    let now = clock::now();
    let mut found = app.path.silences();
    // A filter asks for silences with a matcher of the same name that accepts the same value.
    found.retain(|silence| {
        filters.iter().all(|filter| silence.matchers.iter().any(|matcher| matcher.name == filter.name && filter.matches(&matcher.value)))
            && params.get(silence.state(now)) != Some("false")
    });
    let order = |silence: &Silence| match silence.state(now) {
        "active" => (0, silence.ends_at.0),
        "pending" => (1, silence.starts_at.0),
        _ => (2, -silence.ends_at.0),
    };
    found.sort_by_key(order);
    Ok(Json(found.iter().map(|silence| shown(silence, now)).collect::<Vec<_>>()).into_response())
}

fn shown(silence: &Silence, now: Timestamp) -> Value {
    let mut out = silence.to_json();
    out["status"] = json!({"state": silence.state(now)});
    out
}

async fn silence(State(app): State<Arc<App>>, UrlPath(id): UrlPath<String>) -> Answer {
    match app.path.silences().iter().find(|silence| silence.id == id) {
        Some(silence) => Ok(Json(shown(silence, clock::now())).into_response()),
        None => Err(Refusal(StatusCode::NOT_FOUND, format!("silence {id} not found"))),
    }
}

async fn delete_silence(State(app): State<Arc<App>>, UrlPath(id): UrlPath<String>) -> Answer {
    tokio::task::block_in_place(|| app.path.expire_silence(&id, clock::now())).map_err(refusal)?;
    Ok(StatusCode::OK.into_response())
}

async fn post_silence(State(app): State<Arc<App>>, body: Bytes) -> Answer {
    let value: Value = serde_json::from_slice(&body).map_err(|error| bad(format!("the body is not JSON: {error}")))?;
    let text = |name: &str| value.get(name).and_then(Value::as_str).unwrap_or("").to_string();
    let time =
        |name: &str| Timestamp::parse_rfc3339(&text(name)).ok_or_else(|| bad(format!("{name} is not an RFC 3339 time: {:?}", text(name))));
    let matchers = value.get("matchers").and_then(Value::as_array).ok_or_else(|| bad("matchers is not a list"))?;
    let posted = PostedSilence {
        id: Some(text("id")).filter(|id| !id.is_empty()),
        matchers: matchers.iter().map(matcher_of).collect::<Result<_, _>>().map_err(bad)?,
        starts_at: time("startsAt")?,
        ends_at: time("endsAt")?,
        created_by: text("createdBy"),
        comment: text("comment"),
    };
    let id = tokio::task::block_in_place(|| app.path.post_silence(posted, clock::uuid(), clock::now())).map_err(refusal)?;
    Ok(Json(json!({"silenceID": id})).into_response())
}

fn refusal(error: SilenceError) -> Refusal {
    let status = if matches!(error, SilenceError::NotFound(_)) { StatusCode::NOT_FOUND } else { StatusCode::BAD_REQUEST };
    Refusal(status, error.to_string())
}

/// Which alerts a request asks for: `filter` matchers, states, receiver.
struct Wanted {
    matchers: Vec<Matcher>,
    active: bool,
    silenced: bool,
    inhibited: bool,
    unprocessed: bool,
    receiver: Option<AnchoredRegex>,
}

impl Wanted {
    fn read(params: &Params) -> Result<Wanted, Refusal> {
        let mut matchers = Vec::new();
        for text in params.all("filter") {
            matchers.extend(config::parse_matchers(text).map_err(bad)?);
        }
        let flag = |name: &str| match params.get(name) {
            None | Some("true") => Ok(true),
            Some("false") => Ok(false),
            Some(other) => Err(bad(format!("parameter {name}: {other:?} is neither true nor false"))),
        };
        let receiver = params
            .get("receiver")
            .map(AnchoredRegex::new)
            .transpose()
            .map_err(|error| bad(format!("failed to parse receiver param: {error}")))?;
        // No group is muted in what is shown here, so `muted` changes nothing; a value that is none is still an error.
        flag("muted")?;
        Ok(Wanted {
            matchers,
            active: flag("active")?,
            silenced: flag("silenced")?,
            inhibited: flag("inhibited")?,
            unprocessed: flag("unprocessed")?,
            receiver,
        })
    }

    fn takes(&self, view: &AlertView) -> bool {
        (self.active || view.state != AlertState::Active)
            && (self.unprocessed || view.state != AlertState::Unprocessed)
            && (self.silenced || view.silenced_by.is_empty())
            && (self.inhibited || view.inhibited_by.is_empty())
            && self.matchers.iter().all(|matcher| matcher.matches_labels(&view.alert.labels))
    }

    fn takes_receiver(&self, name: &str) -> bool {
        self.receiver.as_ref().is_none_or(|regex| regex.is_match(name))
    }
}

async fn alerts(State(app): State<Arc<App>>, params: Params) -> Answer {
    let wanted = Wanted::read(&params)?;
    let now = clock::now();
    let mut views = app.path.alerts_view(now);
    views
        .retain(|view| !view.alert.resolved_at(now) && wanted.takes(view) && view.receivers.iter().any(|name| wanted.takes_receiver(name)));
    views.sort_by_key(|view| view.alert.fingerprint());
    Ok(Json(views.iter().map(gettable).collect::<Vec<_>>()).into_response())
}

async fn groups(State(app): State<Arc<App>>, params: Params) -> Answer {
    let wanted = Wanted::read(&params)?;
    let now = clock::now();
    let mut out = Vec::new();
    for group in app.path.groups_view(now) {
        if !wanted.takes_receiver(&group.receiver) {
            continue;
        }
        let alerts: Vec<Value> =
            group.alerts.iter().filter(|view| !view.alert.resolved_at(now) && wanted.takes(view)).map(gettable).collect();
        if !alerts.is_empty() {
            out.push(json!({"labels": labels_json(&group.labels), "receiver": {"name": group.receiver}, "alerts": alerts}));
        }
    }
    Ok(Json(out).into_response())
}

fn gettable(view: &AlertView) -> Value {
    let alert = &view.alert;
    let receivers: BTreeSet<&str> = view.receivers.iter().map(String::as_str).collect();
    json!({
        "labels": labels_json(&alert.labels), "annotations": labels_json(&alert.annotations),
        "startsAt": alert.starts_at.rfc3339(), "endsAt": alert.ends_at.rfc3339(), "updatedAt": alert.updated_at.rfc3339(),
        "generatorURL": alert.generator_url, "fingerprint": format!("{:016x}", alert.fingerprint()),
        "receivers": receivers.iter().map(|name| json!({"name": name})).collect::<Vec<_>>(),
        "status": {
            "state": match view.state { AlertState::Active => "active", AlertState::Suppressed => "suppressed", AlertState::Unprocessed => "unprocessed" },
            "inhibitedBy": view.inhibited_by, "silencedBy": view.silenced_by, "mutedBy": [],
        },
    })
}

async fn post_alerts(State(app): State<Arc<App>>, body: Bytes) -> Answer {
    let value: Value = serde_json::from_slice(&body).map_err(|error| bad(format!("the body is not JSON: {error}")))?;
    let list = value.as_array().ok_or_else(|| bad("the body is not a list of alerts"))?;
    if list.len() > ALERTS_MAX {
        return Err(bad(format!("more than {ALERTS_MAX} alerts in one request")));
    }
    let mut alerts = Vec::with_capacity(list.len());
    let mut problems = Vec::new();
    for (index, value) in list.iter().enumerate() {
        match posted(value) {
            Ok(alert) => alerts.push(alert),
            Err(problem) => problems.push(format!("alert {index}: {problem}")),
        }
    }
    // As Alertmanager: the valid alerts are taken, then the request is refused for the others.
    tokio::task::block_in_place(|| app.path.post_alerts(alerts, clock::now()))
        .map_err(|error| Refusal(StatusCode::INTERNAL_SERVER_ERROR, error))?;
    if problems.is_empty() { Ok(StatusCode::OK.into_response()) } else { Err(bad(problems.join("; "))) }
}

fn posted(value: &Value) -> Result<PostedAlert, String> {
    let labels = texts(value, "labels")?.unwrap_or_default();
    if labels.is_empty() {
        return Err("at least one label pair required".into());
    }
    if let Some((name, _)) = labels.iter().find(|(name, _)| name.is_empty()) {
        return Err(format!("invalid label name {name:?}"));
    }
    let time = |name: &str| match value.get(name).and_then(Value::as_str) {
        None | Some("" | "0001-01-01T00:00:00Z" | "0001-01-01T00:00:00.000Z") => Ok(None),
        Some(text) => Timestamp::parse_rfc3339(text).map(Some).ok_or_else(|| format!("{name} is not an RFC 3339 time: {text:?}")),
    };
    let (starts_at, ends_at) = (time("startsAt")?, time("endsAt")?);
    if let (Some(start), Some(end)) = (starts_at, ends_at)
        && end < start
    {
        return Err("start time must be before end time".into());
    }
    Ok(PostedAlert {
        labels,
        annotations: texts(value, "annotations")?.unwrap_or_default(),
        starts_at,
        ends_at,
        generator_url: value.get("generatorURL").and_then(Value::as_str).unwrap_or("").to_string(),
    })
}

fn texts(value: &Value, field: &str) -> Result<Option<Labels>, String> {
    let Some(object) = value.get(field).filter(|value| !value.is_null()) else { return Ok(None) };
    let object = object.as_object().ok_or_else(|| format!("{field} is not an object"))?;
    let mut pairs = Vec::with_capacity(object.len());
    for (name, value) in object {
        pairs.push((name.as_str(), value.as_str().ok_or_else(|| format!("{field}.{name} is not a text"))?));
    }
    Ok(Some(Labels::from_pairs(pairs)))
}
