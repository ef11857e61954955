//! PagerDuty: events that open and close an incident. Events API v2, or v1 for old integration keys (`service_key`).
//!
//! The incident's name is the SHA-256 of the group's key, as in Alertmanager: the same in each message of a group.

use bellbuoy_vocabulary::Secret;
use serde_json::{Map, Value, json};

use crate::compose::{Composed, Context, Limit, Message, Renderer, json_headers};
use crate::limit::{cut_chars, more_alerts, one_line};
use crate::msteamsv2::{cut_json, json_bytes};
use crate::notice::Notice;
use crate::plain::{has_failed, plain_subject, plain_within};
use crate::settings::{Detail, PagerdutyKey, PagerdutySettings};
use crate::sha256;

const V1_URL: &str = "https://events.pagerduty.com/generic/2010-04-15/create_event.json";

const SUMMARY_MAX: usize = 1024;
const TEXT_MAX: usize = 1024;
const URL_MAX: usize = 4096;
/// PagerDuty takes 512 KB.
const EVENT_BYTES_MAX: usize = 512_000;
/// Of the plain form among the details, in bytes of JSON.
const PLAIN_MAX: usize = 8000;
/// Its name.
const PLAIN_FORM: &str = "plain_form";
const SEVERITIES: [&str; 4] = ["critical", "error", "warning", "info"];

pub(crate) fn compose(settings: &PagerdutySettings, notice: &Notice, context: &Context) -> Composed {
    let mut renderer = Renderer::new(notice, context);
    let (url, mut body) = match &settings.key {
        PagerdutyKey::Routing(key) => (settings.url.as_str(), v2(settings, key, notice, &mut renderer)),
        PagerdutyKey::Service(key) => (V1_URL, v1(settings, key, notice, &mut renderer)),
    };
    let place = if matches!(settings.key, PagerdutyKey::Routing(_)) { "/payload/custom_details" } else { "/details" };
    fill_details(settings, notice, &mut renderer, &mut body, place);
    let message = Message::Http {
        method: "POST",
        url: Secret::new(url),
        headers: json_headers(notice),
        body: body.to_string().into_bytes(),
        options: settings.http.clone(),
    };
    Composed { message, problems: renderer.problems }
}

fn action(notice: &Notice) -> &'static str {
    if notice.is_firing() { "trigger" } else { "resolve" }
}

fn v2(settings: &PagerdutySettings, key: &Secret, notice: &Notice, renderer: &mut Renderer) -> Value {
    let client = text(renderer, "client", &settings.client, TEXT_MAX);
    let source = if settings.source.is_empty() { client.clone() } else { text(renderer, "source", &settings.source, TEXT_MAX) };
    let mut payload = json!({
        "summary": summary(settings, notice, renderer),
        "source": if source.is_empty() { "bellbuoy".to_string() } else { source },
        "severity": severity(settings, renderer),
    });
    for (name, template) in [("class", &settings.class), ("component", &settings.component), ("group", &settings.group)] {
        put(&mut payload, name, text(renderer, name, template, TEXT_MAX));
    }
    payload["custom_details"] = json!({});
    let mut body = json!({
        "routing_key": renderer.text("routing_key", key.expose()).unwrap_or_default().trim(),
        "dedup_key": sha256::hex(&notice.group_key),
        "event_action": action(notice),
        "payload": payload,
    });
    put(&mut body, "client", client);
    put(&mut body, "client_url", text(renderer, "client_url", &settings.client_url, URL_MAX));
    let (mut images, mut links) = (Vec::new(), Vec::new());
    for image in &settings.images {
        let mut part = |name, template| text(renderer, name, template, URL_MAX);
        let (src, alt, href) = (part("image.src", &image.src), part("image.alt", &image.alt), part("image.href", &image.href));
        if !src.is_empty() {
            images.push(json!({ "src": src, "alt": alt, "href": href }));
        }
    }
    for link in &settings.links {
        let (href, words) = (text(renderer, "link.href", &link.href, URL_MAX), text(renderer, "link.text", &link.text, TEXT_MAX));
        if !href.is_empty() {
            links.push(json!({ "href": href, "text": words }));
        }
    }
    for (name, list) in [("images", images), ("links", links)] {
        if !list.is_empty() {
            body[name] = list.into();
        }
    }
    body
}

fn v1(settings: &PagerdutySettings, key: &Secret, notice: &Notice, renderer: &mut Renderer) -> Value {
    let mut body = json!({
        "service_key": renderer.text("service_key", key.expose()).unwrap_or_default().trim(),
        "incident_key": sha256::hex(&notice.group_key),
        "event_type": action(notice),
        "description": summary(settings, notice, renderer),
    });
    if notice.is_firing() {
        put(&mut body, "client", text(renderer, "client", &settings.client, TEXT_MAX));
        put(&mut body, "client_url", text(renderer, "client_url", &settings.client_url, URL_MAX));
    }
    body["details"] = json!({});
    body
}

/// PagerDuty refuses an event without a summary.
fn summary(settings: &PagerdutySettings, notice: &Notice, renderer: &mut Renderer) -> String {
    let summary = renderer.text("description", &settings.description).unwrap_or_default();
    let summary = if summary.trim().is_empty() { plain_subject(notice) } else { summary };
    cut_chars(summary.trim(), SUMMARY_MAX)
}

/// One of PagerDuty's four words: it refuses the event for any other.
fn severity(settings: &PagerdutySettings, renderer: &mut Renderer) -> String {
    let said = text(renderer, "severity", &settings.severity, 100).to_lowercase();
    match said.as_str() {
        word if SEVERITIES.contains(&word) => said,
        "" => "error".into(),
        "page" | "fatal" | "emergency" => "critical".into(),
        "warn" => "warning".into(),
        "none" | "notice" | "ok" => "info".into(),
        _ => {
            renderer.problems.push(format!("severity {said:?} is none of critical, error, warning and info: error was sent"));
            "error".into()
        }
    }
}

fn text(renderer: &mut Renderer, name: &str, template: &str, max: usize) -> String {
    if template.is_empty() { String::new() } else { one_line(&renderer.text(name, template).unwrap_or_default(), max) }
}

fn put(into: &mut Value, name: &str, text: String) {
    if !text.is_empty() {
        into[name] = text.into();
    }
}

/// The details of as many alerts as there is room for; what is left out is counted in `more`.
fn fill_details(settings: &PagerdutySettings, notice: &Notice, renderer: &mut Renderer, body: &mut Value, place: &str) {
    let room = EVENT_BYTES_MAX.saturating_sub(body.to_string().len() + PLAIN_MAX + PLAIN_FORM.len() + 10);
    let count = notice.alerts.len();
    let before = renderer.problems.len();
    let failed_before = has_failed(&renderer.problems);
    let mut found = details(&settings.details, renderer);
    // Templates fail too when their output is larger than the engine allows.
    let fits = found.to_string().len() <= room;
    let mut complete = renderer.problems.len() == before;
    if !fits || renderer.problems.len() > before {
        let (mut low, mut high) = (0, count);
        if !fits {
            found = json!({ "error": "the details are larger than PagerDuty takes and were left out" });
        }
        while low < high {
            let shown = low + (high - low) / 2;
            let mut first = renderer.first(shown);
            let mut fewer = details(&settings.details, &mut first);
            fewer["more"] = more_alerts(count - shown).trim().into();
            if first.problems.is_empty() && fewer.to_string().len() <= room {
                found = fewer;
                complete = true;
                low = shown + 1;
            } else {
                high = shown;
            }
        }
    }
    if failed_before || !complete {
        let limit = Limit::of(PLAIN_MAX, &json_bytes, &cut_json);
        found[PLAIN_FORM] = plain_within(notice, &renderer.problems, &limit, str::to_string).into();
    }
    if let Some(slot) = body.pointer_mut(place) {
        *slot = found;
    }
}

fn details(details: &[(String, Detail)], renderer: &mut Renderer) -> Value {
    let pairs = details.iter().map(|(name, detail)| (name.clone(), value(name, detail, renderer)));
    Value::Object(pairs.collect::<Map<_, _>>())
}

fn value(name: &str, detail: &Detail, renderer: &mut Renderer) -> Value {
    match detail {
        Detail::Template(template) => match renderer.text(name, template) {
            Some(text) => parsed(text),
            None => "the template of this detail failed".into(),
        },
        Detail::Plain(value) => value.clone(),
        Detail::List(items) => items.iter().map(|item| value(name, item, renderer)).collect(),
        Detail::Map(pairs) => Value::Object(pairs.iter().map(|(name, detail)| (name.clone(), value(name, detail, renderer))).collect()),
    }
}

/// A text that is JSON becomes what it says, unless it would then be written otherwise: `1.10` stays a text.
fn parsed(text: String) -> Value {
    match serde_json::from_str::<Value>(text.trim()) {
        Ok(value) if value.is_object() || value.is_array() || serde_json::to_string(&value).is_ok_and(|written| written == text) => value,
        _ => text.into(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn texts_that_are_values() {
        for (text, expected) in [
            ("2", json!(2)),
            ("true", json!(true)),
            ("1.10", json!("1.10")),
            ("0x10", json!("0x10")),
            ("", json!("")),
            ("a: b", json!("a: b")),
            ("\"a\"", json!("a")),
            ("[{\"a\":\"value1:\"}]", json!([{ "a": "value1:" }])),
        ] {
            assert_eq!(parsed(text.into()), expected, "{text}");
        }
    }
}
