//! `/api/v2/silences` and `/api/v2/silence/ID`.

use std::sync::Arc;

use axum::Json;
use axum::body::Bytes;
use axum::extract::{Path as UrlPath, State};
use axum::http::StatusCode;
use axum::response::IntoResponse;
use bellbuoy_vocabulary::{Matcher, Timestamp};
use serde_json::{Value, json};

use super::super::params::Params;
use super::{Answer, Refusal, bad, posted, stamp, wanted};
use crate::app::App;
use crate::clock;
use crate::silences::{Silence, SilenceError};

pub async fn list(State(app): State<Arc<App>>, params: Params) -> Answer {
    let filters = wanted::matchers(&params, "filter").map_err(bad)?;
    let now = clock::now();
    let mut found = app.path.silences();
    found.retain(|silence| silence.matcher_sets.iter().any(|set| has_all(set, &filters)) && wanted::flag(&params, silence.state(now)));
    // What changes next comes first; of the ended ones the newest.
    let order = |silence: &Silence| match silence.state(now) {
        "active" => (0, silence.ends_at.0),
        "pending" => (1, silence.starts_at.0),
        _ => (2, -silence.ends_at.0),
    };
    found.sort_by_key(order);
    Ok(Json(found.iter().map(|silence| shown(silence, now)).collect::<Vec<_>>()).into_response())
}

/// A filter finds the silences that have the very same matcher, not those that it would match.
fn has_all(set: &[Matcher], filters: &[Matcher]) -> bool {
    filters.iter().all(|filter| set.contains(filter))
}

fn shown(silence: &Silence, now: Timestamp) -> Value {
    let mut out = silence.to_json();
    out["startsAt"] = stamp(silence.starts_at).into();
    out["endsAt"] = stamp(silence.ends_at).into();
    out["updatedAt"] = stamp(silence.updated_at).into();
    out["status"] = json!({"state": silence.state(now)});
    out
}

pub async fn one(State(app): State<Arc<App>>, UrlPath(id): UrlPath<String>) -> Answer {
    wanted::uuid(&id)?;
    match app.path.silences().iter().find(|silence| silence.id == id) {
        Some(silence) => Ok(Json(shown(silence, clock::now())).into_response()),
        None => Ok(StatusCode::NOT_FOUND.into_response()),
    }
}

pub async fn delete(State(app): State<Arc<App>>, UrlPath(id): UrlPath<String>) -> Answer {
    wanted::uuid(&id)?;
    match tokio::task::block_in_place(|| app.path.expire_silence(&id, clock::now())) {
        Ok(()) => Ok(StatusCode::OK.into_response()),
        Err(SilenceError::NotFound) => Ok(StatusCode::NOT_FOUND.into_response()),
        Err(error) => Err(Refusal::Plain(StatusCode::INTERNAL_SERVER_ERROR, error.to_string())),
    }
}

pub async fn post(State(app): State<Arc<App>>, body: Bytes) -> Answer {
    let now = clock::now();
    let silence = posted::silence(&body, now)?;
    let id = tokio::task::block_in_place(|| app.path.post_silence(silence, clock::uuid(), now)).map_err(|error| {
        let status = match error {
            SilenceError::NotFound => StatusCode::NOT_FOUND,
            SilenceError::NotWritten => StatusCode::INTERNAL_SERVER_ERROR,
            _ => StatusCode::BAD_REQUEST,
        };
        Refusal::Plain(status, error.to_string())
    })?;
    Ok(Json(json!({"silenceID": id})).into_response())
}
