//! Webhooks: Alertmanager's JSON, version 4, for programs.

use bellbuoy_template::notify as template;
use bellbuoy_vocabulary::Secret;
use serde_json::{Value, json};

use crate::compose::{Composed, Context, Message, Renderer, json_headers};
use crate::notice::{Notice, labels_json};
use crate::settings::WebhookSettings;

/// Go's zero time, which Alertmanager sends as the end of what still fires.
const NEVER: &str = "0001-01-01T00:00:00Z";

pub(crate) fn compose(settings: &WebhookSettings, notice: &Notice, context: &Context) -> Composed {
    let mut problems = Vec::new();
    let mut url = settings.url.clone();
    if url.expose().contains("{{") {
        let mut renderer = Renderer::new(notice, context);
        if let Some(rendered) = renderer.text("url", url.expose()) {
            url = Secret::new(rendered.trim());
        }
        problems = renderer.problems;
    }
    let body = body(notice, context, settings.max_alerts, "4").to_string().into_bytes();
    let message = Message::Http { method: "POST", url, headers: json_headers(notice), body, options: settings.http.clone() };
    Composed { message, problems }
}

/// The JSON over the first `max_alerts` alerts (0: all), with the version of the protocol.
pub(crate) fn body(notice: &Notice, context: &Context, max_alerts: u64, version: &str) -> Value {
    let shown = if max_alerts == 0 { usize::MAX } else { usize::try_from(max_alerts).unwrap_or(usize::MAX) };
    let data = notice.template_data(context.external_url, shown);
    let alerts: Vec<Value> = data.alerts.iter().map(alert).collect();
    json!({
        "receiver": data.receiver,
        "status": data.status,
        "alerts": alerts,
        "notification_reason": data.reason,
        "groupLabels": labels_json(&data.group_labels),
        "commonLabels": labels_json(&data.common_labels),
        "commonAnnotations": labels_json(&data.common_annotations),
        "externalURL": data.external_url,
        "version": version,
        "groupKey": notice.group_key,
        "truncatedAlerts": notice.alerts.len().saturating_sub(shown),
    })
}

fn alert(alert: &template::Alert) -> Value {
    json!({
        "status": alert.status,
        "labels": labels_json(&alert.labels),
        "annotations": labels_json(&alert.annotations),
        "startsAt": alert.starts_at.rfc3339(),
        "endsAt": alert.ends_at.map_or(NEVER.into(), |at| at.rfc3339()),
        "generatorURL": alert.generator_url,
        "fingerprint": format!("{:016x}", alert.fingerprint),
    })
}
