//! `/api/v1/notifications`: what was told to whom, why, and what became of it; newest first, in pages.

use std::sync::Arc;

use axum::extract::State;
use axum::response::{IntoResponse, Response};
use bellbuoy_vocabulary::{Millis, Timestamp};
use serde_json::{Value, json};

use super::answer::{Answer, ApiError, ErrorType};
use super::params::{Params, invalid};
use crate::app::App;
use crate::clock;
use crate::state::{Attempt, HistoryQuery, OutboxRow, OutboxStatus};

const ROWS_DEFAULT: usize = 100;
const ROWS_MAX: usize = 1000;
/// Of one notification; `alertCount` says how many there are.
const ALERTS_SHOWN_MAX: usize = 100;

/// `receiver`, `status`, `alertname`, `since` (a time, or a length before now), `limit`, `cursor` (`next` of the page before).
pub async fn list(State(app): State<Arc<App>>, params: Params) -> Answer {
    let query = read(&params, clock::now())?;
    let found = tokio::task::block_in_place(|| app.path.state.history(&query));
    let (rows, next) = found.map_err(|error| ApiError::new(ErrorType::Internal, error.to_string()))?;
    let shown: Vec<Value> = tokio::task::block_in_place(|| rows.iter().map(|row| shown(&app, row)).collect());
    let body: Response = axum::Json(json!({"status": "success", "data": shown, "next": next.map(|id| id.to_string())})).into_response();
    Ok(body)
}

fn read(params: &Params, now: Timestamp) -> Result<HistoryQuery, ApiError> {
    let status = match params.get("status") {
        None => None,
        Some(word) => {
            let parsed = OutboxStatus::from_word(word);
            Some(parsed.ok_or_else(|| invalid("status", &format!("{word:?} is none of pending, delivered, failed, replaced")))?)
        }
    };
    let since = match params.get("since") {
        None => None,
        // `2h` is a length; a number of seconds is a time, as everywhere in Prometheus' API.
        Some(text) => match bellbuoy_vocabulary::parse_duration(text) {
            Ok(length) if text.ends_with(|c: char| c.is_ascii_alphabetic()) => Some(now - length),
            _ => params.time("since")?,
        },
    };
    let before = match params.get("cursor") {
        None => None,
        Some(text) => Some(text.parse().map_err(|_| invalid("cursor", "it is not the `next` of an answer"))?),
    };
    let limit = match params.count("limit")? {
        0 => ROWS_DEFAULT,
        limit => limit.min(ROWS_MAX),
    };
    let text = |name: &str| params.get(name).map(str::to_string);
    Ok(HistoryQuery { receiver: text("receiver"), status, alertname: text("alertname"), since, before, limit })
}

/// One message as pages and clients see it.
pub fn shown(app: &App, row: &OutboxRow) -> Value {
    // They are a help; without them the rest is still true.
    let attempts = if row.attempts == 0 { Vec::new() } else { app.path.state.attempts(row.id).unwrap_or_default() };
    let notice = &row.notice;
    let at = notice["at"].as_i64().unwrap_or(row.created_at.0);
    let time = |value: &Value| value.as_i64().map(|ms| Timestamp(ms).rfc3339());
    let none = Vec::new();
    let all = notice["alerts"].as_array().unwrap_or(&none);
    let mut alerts = Vec::new();
    let mut firing = false;
    for (index, alert) in all.iter().enumerate() {
        let ended = alert["endsAt"].as_i64().is_some_and(|end| end <= at);
        firing |= !ended;
        if index < ALERTS_SHOWN_MAX {
            alerts.push(json!({
                "status": if ended { "resolved" } else { "firing" }, "labels": alert["labels"], "annotations": alert["annotations"],
                "startsAt": time(&alert["startsAt"]), "endsAt": time(&alert["endsAt"]).filter(|_| ended), "generatorURL": alert["generatorURL"],
            }));
        }
    }
    json!({
        "id": row.id, "key": row.key, "receiver": notice["receiver"], "integration": notice["integration"], "index": notice["index"],
        "groupKey": row.group_key, "groupLabels": notice["groupLabels"], "reason": row.reason, "state": if firing { "firing" } else { "resolved" },
        "status": row.status.word(), "attempts": row.attempts, "answer": row.last_answer, "createdAt": row.created_at.rfc3339(),
        "settledAt": row.settled_at.map(Timestamp::rfc3339),
        "nextAttemptAt": (row.status == OutboxStatus::Pending).then(|| row.due_at.rfc3339()),
        "attemptLog": attempts.iter().map(attempt_json).collect::<Vec<_>>(),
        "remoteId": row.remote_id, "alertCount": all.len(), "alerts": alerts,
    })
}

fn attempt_json(attempt: &Attempt) -> Value {
    let outcome = match attempt.status {
        OutboxStatus::Delivered => "delivered",
        OutboxStatus::Pending => "retrying",
        OutboxStatus::Failed | OutboxStatus::Replaced => "failed",
    };
    json!({
        "number": attempt.number, "at": attempt.at.rfc3339(), "tookSeconds": attempt.took.map(Millis::seconds), "outcome": outcome, "answer": attempt.answer,
    })
}
