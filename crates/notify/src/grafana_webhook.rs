//! The webhook of a Grafana contact point: Grafana's JSON with title, message, state and values, or a payload of one's own.

use bellbuoy_template::grafana_notify::{self, Extra};
use bellbuoy_vocabulary::Secret;
use serde_json::Value;

use crate::compose::{Composed, Context, Message, Renderer, json_headers};
use crate::notice::Notice;
use crate::plain::{plain_subject, plain_text};
use crate::settings::{GrafanaWebhookSettings, HmacSettings};

pub(crate) fn compose(settings: &GrafanaWebhookSettings, notice: &Notice, context: &Context) -> Composed {
    let shown = if settings.max_alerts == 0 { usize::MAX } else { usize::try_from(settings.max_alerts).unwrap_or(usize::MAX) };
    let truncated = notice.alerts.len().saturating_sub(shown);
    let data = notice.template_data(context.external_url, shown);
    let extra = Extra { vars: &settings.vars, truncated: Some(truncated) };
    let mut renderer = Renderer::over_payload(data.clone(), &extra, context);
    let url = match renderer.text("url", settings.url.expose()) {
        Some(url) => Secret::new(url.trim()),
        None => settings.url.clone(),
    };
    let payload = settings.payload.as_ref().and_then(|payload| renderer.text("payload", payload));
    let body = match payload {
        Some(payload) => payload,
        None => {
            // A payload that failed stands in `problems` and thus in the message.
            let title = renderer.text("title", &settings.title).unwrap_or_else(|| plain_subject(notice));
            let message = renderer.text("message", &settings.message);
            let message = match message {
                Some(message) if renderer.problems.is_empty() => message,
                _ => plain_text(notice, &renderer.problems),
            };
            let mut body = grafana_notify::json(&data, context.now);
            for (name, value) in [
                ("version", "1".into()),
                ("groupKey", notice.group_key.as_str().into()),
                ("truncatedAlerts", truncated.into()),
                ("orgId", 1.into()),
                ("title", title.into()),
                ("state", Value::from(if data.status == "firing" { "alerting" } else { "ok" })),
                ("message", message.into()),
            ] {
                body[name] = value;
            }
            body.to_string()
        }
    };
    let headers = headers(settings, notice, body.as_bytes(), context);
    let method = if settings.put { "PUT" } else { "POST" };
    let message = Message::Http { method, url, headers, body: body.into_bytes(), options: settings.http.clone() };
    Composed { message, problems: renderer.problems }
}

fn headers(settings: &GrafanaWebhookSettings, notice: &Notice, body: &[u8], context: &Context) -> Vec<(String, String)> {
    let mut headers = json_headers(notice);
    let mut put = |name: &str, value: String| {
        headers.retain(|(known, _)| !known.eq_ignore_ascii_case(name));
        headers.push((name.to_string(), value));
    };
    for (name, value) in &settings.headers {
        put(name, value.expose().to_string());
    }
    if let Some(hmac) = &settings.hmac {
        let seconds = context.now.0.div_euclid(1000).to_string();
        put(&hmac.header, signature(hmac, &seconds, body));
        if !hmac.timestamp_header.is_empty() {
            put(&hmac.timestamp_header, seconds);
        }
    }
    headers
}

/// HMAC-SHA256 over `SECONDS:BODY`, or the body alone.
fn signature(settings: &HmacSettings, seconds: &str, body: &[u8]) -> String {
    let key = ring::hmac::Key::new(ring::hmac::HMAC_SHA256, settings.secret.expose().as_bytes());
    let mut context = ring::hmac::Context::with_key(&key);
    if !settings.timestamp_header.is_empty() {
        context.update(seconds.as_bytes());
        context.update(b":");
    }
    context.update(body);
    context.sign().as_ref().iter().map(|byte| format!("{byte:02x}")).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Of `openssl dgst -sha256 -hmac key`.
    #[test]
    fn signs_as_grafana() {
        let settings = |timestamp_header: &str| HmacSettings {
            secret: Secret::new("key"),
            header: "X-Signature".into(),
            timestamp_header: timestamp_header.into(),
        };
        for (header, sum) in [
            ("", "a777724d943eb48dc69bca8a4a6d57a04db3f9ec7e1de4e581e860265bdf3032"),
            ("X-Time", "bd816af87c01f7ac5e22cd9120379340087b4756d8ccaaae9ec4d3affeb336ff"),
        ] {
            assert_eq!(signature(&settings(header), "1768302000", b"{}"), sum);
        }
    }
}
