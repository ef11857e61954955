//! `/api/v1/events`: what pipelines tell, and the list of it.
//!
//! A body is one event, a JSON list of events, or JSON lines. Either all of them are taken or none, with all problems at once.
//! An answer of 200 means that they are on disk: they will be delivered as every alert is.

use std::sync::Arc;

use axum::Json;
use axum::body::Bytes;
use axum::extract::State;
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use bellbuoy_notify::event::Event;
use bellbuoy_vocabulary::{Labels, Matcher, Timestamp};
use serde_json::{Value, json};

use super::answer::{ApiError, ErrorType, success};
use super::params::Params;
use crate::app::App;
use crate::events::EventError;
use crate::{clock, config, wire};

const BODY_BYTES_MAX: usize = 1 << 20;
const EVENTS_MAX: usize = 1000;
const PROBLEMS_MAX: usize = 100;
const LIST_DEFAULT: usize = 100;
const LIST_MAX: usize = 10_000;

pub async fn post(State(app): State<Arc<App>>, body: Bytes) -> Result<Response, ApiError> {
    let now = clock::now();
    let events = match read(&body, now) {
        Ok(events) => events,
        Err(problems) => return Ok(refused(problems)),
    };
    let told = tokio::task::block_in_place(|| app.path.post_events(events, now)).map_err(|error| match error {
        EventError::Full | EventError::Disk => ApiError::new(ErrorType::Unavailable, error.to_string()),
    })?;
    success(Value::Array(told.iter().map(|one| one.to_json()).collect()))
}

/// Newest first. `kind`, `key`, `filter` (matchers on labels, may repeat), `start`, `end`, `limit`.
pub async fn list(State(app): State<Arc<App>>, params: Params) -> Result<Response, ApiError> {
    let bad = |message: String| ApiError::new(ErrorType::BadData, message);
    let mut filters: Vec<Matcher> = Vec::new();
    for text in params.all("filter") {
        filters.push(config::parse_matcher(text).map_err(bad)?);
    }
    let (start, end) = params.range()?;
    let limit = match params.count("limit")? {
        0 => LIST_DEFAULT,
        limit => limit.min(LIST_MAX),
    };
    let key = params.get("key");
    let wanted = |body: &Value| {
        let at = body["at"].as_str().and_then(Timestamp::parse_rfc3339).unwrap_or(Timestamp(0));
        let labels = if filters.is_empty() { Labels::empty() } else { wire::labels_of(&body["labels"]).unwrap_or_else(Labels::empty) };
        at >= start
            && at <= end
            && key.is_none_or(|key| body["key"] == key)
            && filters.iter().all(|filter| filter.matches(labels.get(&filter.name)))
    };
    let kind = params.get("kind").map(|kind| kind.replace('_', "-"));
    let found = tokio::task::block_in_place(|| app.path.state.events(limit, kind.as_deref(), wanted));
    success(Value::Array(found.map_err(|error| ApiError::new(ErrorType::Internal, error.to_string()))?))
}

fn read(body: &[u8], now: Timestamp) -> Result<Vec<Event>, Vec<String>> {
    if body.len() > BODY_BYTES_MAX {
        return Err(vec![format!("the body has {} bytes; at most {BODY_BYTES_MAX} are taken", body.len())]);
    }
    let list = body.iter().find(|byte| !byte.is_ascii_whitespace()) == Some(&b'[');
    let values: Result<Vec<Value>, _> =
        if list { serde_json::from_slice(body) } else { serde_json::Deserializer::from_slice(body).into_iter().collect() };
    let values = values.map_err(|error| vec![format!("the body is not JSON: {error}")])?;
    if values.is_empty() {
        return Err(vec!["the body holds no event; send {\"kind\": \"drift\", \"fields\": {\"drift_share\": 0.54}}".into()]);
    }
    if values.len() > EVENTS_MAX {
        return Err(vec![format!("{} events in one request; at most {EVENTS_MAX} are taken", values.len())]);
    }
    let alone = !list && values.len() == 1;
    let (mut events, mut problems) = (Vec::new(), Vec::new());
    for (index, value) in values.iter().enumerate() {
        match Event::read(value, now) {
            Ok(event) => events.push(event),
            Err(found) if alone => problems.extend(found),
            Err(found) => problems.extend(found.into_iter().map(|problem| format!("events[{index}].{problem}"))),
        }
    }
    if problems.is_empty() { Ok(events) } else { Err(problems) }
}

fn refused(mut problems: Vec<String>) -> Response {
    let more = problems.len().saturating_sub(PROBLEMS_MAX);
    problems.truncate(PROBLEMS_MAX);
    if more > 0 {
        problems.push(format!("... and {more} more problems"));
    }
    let body = json!({"status": "error", "errorType": "bad_data", "error": problems.join("; "), "problems": problems});
    (StatusCode::BAD_REQUEST, Json(body)).into_response()
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: Timestamp = Timestamp(1_768_298_400_000);

    /// How many events, or the problems.
    fn check(body: &str, expected: Result<usize, &str>) {
        let found = read(body.as_bytes(), NOW).map(|events| events.len()).map_err(|problems| problems.join("; "));
        match (found, expected) {
            (Ok(found), Ok(expected)) => assert_eq!(found, expected, "{body}"),
            (Err(found), Err(expected)) => assert!(found.contains(expected), "{body}: {found}"),
            (found, expected) => panic!("{body}: {found:?} and not {expected:?}"),
        }
    }

    #[test]
    fn one_a_list_or_lines() {
        check(r#"{"kind": "custom"}"#, Ok(1));
        check(" [{\"kind\": \"custom\"}, {\"kind\": \"custom\"}]", Ok(2));
        check("{\"kind\": \"custom\"}\n{\"kind\": \"custom\"}\n\n", Ok(2));
        check("", Err("no event"));
        check("[]", Err("no event"));
        check("{", Err("not JSON"));
        check("[1, {\"kind\": \"drift\"}]", Err("events[0].an event is an object, not a number; events[1].fields.drift_share: missing"));
        check("{\"kind\": \"custom\"}\n{\"kind\": 1}", Err("events[1].kind: must be a text"));
        check(&"{\"kind\": \"custom\"}\n".repeat(EVENTS_MAX + 1), Err("1001 events in one request; at most 1000"));
        check(&" ".repeat(BODY_BYTES_MAX + 1), Err("at most 1048576"));
    }
}
