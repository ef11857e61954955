//! `/api/bellbuoy/receivers` and `notifications/ID/retry`: who is told, how it went last, and once more.

use std::collections::HashMap;
use std::sync::Arc;

use axum::extract::{Path as UrlPath, State};
use bellbuoy_notify::{Integration, IntegrationKind};
use bellbuoy_vocabulary::Timestamp;
use serde_json::{Value, json};

use super::super::answer::{Answer, ApiError, ErrorType, success};
use super::super::same_origin::host_of;
use super::checklist::used_receivers;
use super::time;
use crate::app::App;
use crate::clock;
use crate::path::RetryError;
use crate::sender::closed_until;
use crate::state::DestinationHistory;

pub async fn receivers(State(app): State<Arc<App>>) -> Answer {
    let settings = app.path.settings();
    let (known, now) = (tokio::task::block_in_place(|| app.path.state.destinations())?, clock::now());
    let waiting = app.path.outbox.waiting();
    let used = settings.router.as_ref().map(|router| used_receivers(&router.route)).unwrap_or_default();
    let shown: Vec<Value> = settings
        .receivers
        .iter()
        .map(|receiver| {
            let one = |integration: &Integration| integration_json(&app, &receiver.name, integration, &known, &waiting, now);
            json!({
                "name": receiver.name, "grafana": settings.grafana.receivers.contains(&receiver.name), "used": used.contains(receiver.name.as_str()),
                "fallback": settings.fallback_receiver.as_ref() == Some(&receiver.name),
                "integrations": receiver.integrations.iter().map(one).collect::<Vec<_>>(),
            })
        })
        .collect();
    success(json!({"receivers": shown}))
}

fn integration_json(
    app: &App,
    receiver: &str,
    integration: &Integration,
    known: &HashMap<String, DestinationHistory>,
    waiting: &HashMap<String, usize>,
    now: Timestamp,
) -> Value {
    let destination = format!("{receiver}/{}/{}", integration.kind.word(), integration.index);
    let history = known.get(&destination).cloned().unwrap_or_default();
    let last = history.newest.and_then(|id| app.path.state.message(id).ok().flatten());
    json!({
        "kind": integration.kind.word(), "index": integration.index, "sendResolved": integration.send_resolved,
        "address": address(&integration.kind), "waiting": waiting.get(&destination).copied().unwrap_or(0),
        "closedUntil": time(closed_until(&app.path, &destination).filter(|until| *until > now)),
        "lastDelivered": time(history.delivered_at), "lastFailed": time(history.failed_at),
        "last": last.map(|row| json!({
            "id": row.id, "at": row.settled_at.unwrap_or(row.created_at).rfc3339(), "status": row.status.word(), "attempts": row.attempts,
            "answer": row.last_answer,
        })),
    })
}

/// The host only: path, query and user may be secrets, and a template is no address yet.
fn address(kind: &IntegrationKind) -> Option<String> {
    let url = match kind {
        IntegrationKind::Discord(settings) => settings.webhook_url.expose(),
        IntegrationKind::Slack(settings) => settings.api_url.expose(),
        IntegrationKind::Webhook(settings) => settings.url.expose(),
        _ => return None,
    };
    plain_host(url)
}

fn plain_host(url: &str) -> Option<String> {
    let host = host_of(url);
    let plain = url.contains("://")
        && !host.is_empty()
        && host.chars().all(|c| c.is_ascii_alphanumeric() || matches!(c, '.' | '-' | ':' | '[' | ']'));
    plain.then(|| host.to_string())
}

pub async fn retry(State(app): State<Arc<App>>, UrlPath(id): UrlPath<String>) -> Answer {
    let id: i64 = id.parse().map_err(|_| ApiError::new(ErrorType::NotFound, format!("there is no notification {id:?}")))?;
    let now = clock::now();
    let destination = tokio::task::block_in_place(|| app.path.retry(id, now))?;
    let until = closed_until(&app.path, &destination).filter(|until| *until > now);
    success(json!({"id": id, "status": "pending", "nextAttemptAt": until.unwrap_or(now).rfc3339()}))
}

impl From<RetryError> for ApiError {
    fn from(error: RetryError) -> ApiError {
        let kind = match &error {
            RetryError::Unknown(_) => ErrorType::NotFound,
            RetryError::Not(_) => ErrorType::Conflict,
            RetryError::State(_) | RetryError::Disk => ErrorType::Internal,
        };
        ApiError::new(kind, error.to_string())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hosts_are_shown_and_nothing_else() {
        for (url, host) in [
            ("https://discord.com/api/webhooks/1/SECRET", Some("discord.com")),
            ("http://127.0.0.1:9/x?token=SECRET", Some("127.0.0.1")),
            ("https://user:SECRET@host/x", Some("user")),
            ("{{ .SECRET }}", None),
            ("SECRET", None),
        ] {
            let shown = plain_host(url);
            // A user before the host is cut at the colon: it is a name, never the password.
            assert!(
                shown.as_deref() == host || (host.is_none() && shown.as_deref().is_none_or(|text| !text.contains("SECRET"))),
                "{url}: {shown:?}"
            );
        }
    }
}
