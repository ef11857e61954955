//! Webhooks: Alertmanager's JSON, version 4, for programs.

use bellbuoy_vocabulary::{Alert, Secret};
use serde::{Serialize, Serializer, ser::SerializeMap};
use serde_json::Value;

use crate::compose::{Composed, Context, Message, Renderer, json_headers};
use crate::notice::{LabelsJson, Notice, common, quote_meta};
use crate::plain::plain_reason;
use crate::settings::WebhookSettings;
use crate::values;

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
    let own = settings.payload.as_ref().and_then(|payload| {
        let data = notice.template_data(context.external_url, shown(notice, settings.max_alerts));
        let mut renderer = Renderer::over(data, context);
        let value = values::value("payload", payload, &mut renderer);
        problems.append(&mut renderer.problems);
        value
    });
    let body = match own {
        Some(value) => value.to_string().into_bytes(),
        // Also where the body that the settings write can not be had: this one at least says what there is.
        // Serializing texts and numbers into memory can not fail.
        None => serde_json::to_vec(&Body { notice, context, max_alerts: settings.max_alerts, version: "4", problems: &problems })
            .unwrap_or_default(),
    };
    let message = Message::Http { method: "POST", url, headers: json_headers(notice), body, options: settings.http.clone() };
    Composed { message, problems }
}

/// The same as a value, to be changed.
pub(crate) fn body(notice: &Notice, context: &Context, max_alerts: u64, version: &str) -> Value {
    serde_json::to_value(Body { notice, context, max_alerts, version, problems: &[] }).unwrap_or_default()
}

/// The JSON over the first `max_alerts` alerts (0: all), with the version of the protocol.
/// Written piece by piece: a message may have a hundred thousand alerts.
struct Body<'a> {
    notice: &'a Notice,
    context: &'a Context<'a>,
    max_alerts: u64,
    version: &'a str,
    /// Of templates: whoever reads the message learns why it is not the one of the settings.
    problems: &'a [String],
}

impl Serialize for Body<'_> {
    fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        let Body { notice, context, max_alerts, version, problems } = self;
        let shown = shown(notice, *max_alerts);
        let alerts = &notice.alerts[..shown];
        let firing = alerts.iter().any(|alert| !alert.resolved_at(notice.at));
        let mut map = to.serialize_map(Some(12))?;
        map.serialize_entry("receiver", &quote_meta(&notice.receiver))?;
        map.serialize_entry("status", if firing { "firing" } else { "resolved" })?;
        map.serialize_entry("alerts", &Alerts { alerts, notice })?;
        map.serialize_entry("notification_reason", &notice.reason)?;
        map.serialize_entry("groupLabels", &LabelsJson(&notice.group_labels))?;
        map.serialize_entry("commonLabels", &LabelsJson(&common(alerts.iter().map(|alert| &alert.labels))))?;
        map.serialize_entry("commonAnnotations", &LabelsJson(&common(alerts.iter().map(|alert| &alert.annotations))))?;
        map.serialize_entry("externalURL", context.external_url)?;
        map.serialize_entry("version", version)?;
        map.serialize_entry("groupKey", &notice.group_key)?;
        map.serialize_entry("truncatedAlerts", &(notice.alerts.len() - shown))?;
        if !problems.is_empty() {
            map.serialize_entry("templateError", plain_reason(problems).trim())?;
        }
        map.end()
    }
}

/// How many alerts are shown; 0 is all.
fn shown(notice: &Notice, max_alerts: u64) -> usize {
    let max = usize::try_from(max_alerts).unwrap_or(usize::MAX);
    if max == 0 { notice.alerts.len() } else { max.min(notice.alerts.len()) }
}

struct Alerts<'a> {
    alerts: &'a [Alert],
    notice: &'a Notice,
}

impl Serialize for Alerts<'_> {
    fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        to.collect_seq(self.alerts.iter().map(|alert| One { alert, notice: self.notice }))
    }
}

struct One<'a> {
    alert: &'a Alert,
    notice: &'a Notice,
}

impl Serialize for One<'_> {
    fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        let One { alert, notice } = self;
        let ended = alert.resolved_at(notice.at);
        let mut map = to.serialize_map(Some(7))?;
        map.serialize_entry("status", notice.alert_status(alert))?;
        map.serialize_entry("labels", &LabelsJson(&alert.labels))?;
        map.serialize_entry("annotations", &LabelsJson(&alert.annotations))?;
        map.serialize_entry("startsAt", &alert.starts_at.rfc3339())?;
        map.serialize_entry("endsAt", if ended { alert.ends_at.rfc3339() } else { NEVER.into() }.as_str())?;
        map.serialize_entry("generatorURL", &alert.generator_url)?;
        map.serialize_entry("fingerprint", &format_args!("{:016x}", alert.fingerprint()))?;
        map.end()
    }
}
