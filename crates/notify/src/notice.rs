//! What is to be told to one integration: the router's decision in a form that survives in the outbox.

use bellbuoy_template::notify as template;
use bellbuoy_vocabulary::{Alert, Labels, Timestamp};
use serde_json::{Map, Value, json};

#[derive(Clone, Debug, PartialEq)]
pub struct Notice {
    pub receiver: String,
    pub integration_kind: String,
    pub integration_index: usize,
    pub group_key: String,
    pub group_labels: Labels,
    /// Firing ones first. An alert is resolved when it had ended at `at`.
    pub alerts: Vec<Alert>,
    /// In words: `first notification`.
    pub reason: String,
    pub sequence: u64,
    /// When it was decided, which may be long before it is sent.
    pub at: Timestamp,
}

impl Notice {
    pub fn is_firing(&self) -> bool {
        self.alerts.iter().any(|alert| !alert.resolved_at(self.at))
    }

    /// `firing` while one of the alerts fires, else `resolved`.
    pub fn status_word(&self) -> &'static str {
        if self.is_firing() { "firing" } else { "resolved" }
    }

    pub(crate) fn alert_status(&self, alert: &Alert) -> &'static str {
        if alert.resolved_at(self.at) { "resolved" } else { "firing" }
    }

    /// The different names of the alerts, in their order.
    pub fn alert_names(&self) -> Vec<String> {
        let mut names: Vec<String> = Vec::new();
        for alert in &self.alerts {
            if !names.iter().any(|name| name == alert.name()) {
                names.push(alert.name().to_string());
            }
        }
        names
    }

    pub fn idempotency_key(&self) -> String {
        idempotency_key(&self.receiver, &self.integration_kind, self.integration_index, &self.group_key, self.sequence)
    }

    /// The queue that the message waits in: one per integration, for limits and orders are per address.
    pub fn destination(&self) -> String {
        format!("{}/{}/{}", self.receiver, self.integration_kind, self.integration_index)
    }

    pub fn common_labels(&self) -> Labels {
        common(self.alerts.iter().map(|alert| &alert.labels))
    }

    pub fn common_annotations(&self) -> Labels {
        common(self.alerts.iter().map(|alert| &alert.annotations))
    }

    /// What templates speak of, for the first `alerts_max` alerts.
    pub(crate) fn template_data(&self, external_url: &str, alerts_max: usize) -> template::Notification {
        let shown = Notice { alerts: self.alerts.iter().take(alerts_max).cloned().collect(), ..self.clone() };
        let alert = |alert: &Alert| template::Alert {
            status: self.alert_status(alert).to_string(),
            labels: alert.labels.clone(),
            annotations: alert.annotations.clone(),
            starts_at: alert.starts_at,
            ends_at: alert.resolved_at(self.at).then_some(alert.ends_at),
            generator_url: alert.generator_url.clone(),
            fingerprint: alert.fingerprint(),
        };
        template::Notification {
            receiver: quote_meta(&self.receiver),
            status: shown.status_word().to_string(),
            alerts: shown.alerts.iter().map(alert).collect(),
            reason: self.reason.clone(),
            group_labels: self.group_labels.clone(),
            common_labels: shown.common_labels(),
            common_annotations: shown.common_annotations(),
            external_url: external_url.to_string(),
        }
    }

    pub fn to_json(&self) -> Value {
        let alerts: Vec<Value> = self.alerts.iter().map(alert_json).collect();
        json!({
            "receiver": self.receiver, "integration": self.integration_kind, "index": self.integration_index,
            "groupKey": self.group_key, "groupLabels": labels_json(&self.group_labels), "alerts": alerts,
            "reason": self.reason, "sequence": self.sequence, "at": self.at.0,
        })
    }

    /// From what `to_json` wrote; `None` when it is something else.
    pub fn from_json(value: &Value) -> Option<Notice> {
        let text = |name: &str| value.get(name)?.as_str().map(str::to_string);
        let mut alerts = Vec::new();
        for alert in value.get("alerts")?.as_array()? {
            alerts.push(alert_of(alert)?);
        }
        Some(Notice {
            receiver: text("receiver")?,
            integration_kind: text("integration")?,
            integration_index: usize::try_from(value.get("index")?.as_u64()?).ok()?,
            group_key: text("groupKey")?,
            group_labels: labels_of(value.get("groupLabels")?)?,
            alerts,
            reason: text("reason")?,
            sequence: value.get("sequence")?.as_u64()?,
            at: Timestamp(value.get("at")?.as_i64()?),
        })
    }
}

/// The same for the same message in every attempt, run and version; another one for each further message of the group.
/// 32 hexadecimal digits: two FNV-1a hashes from different beginnings.
pub fn idempotency_key(receiver: &str, kind: &str, index: usize, group_key: &str, sequence: u64) -> String {
    let parts = [receiver, kind, &index.to_string(), group_key, &sequence.to_string()];
    format!("{:016x}{:016x}", hash(0xcbf2_9ce4_8422_2325, &parts), hash(0x6c62_272e_07bb_0142, &parts))
}

pub(crate) fn hash(start: u64, parts: &[&str]) -> u64 {
    let bytes = parts.iter().flat_map(|part| part.bytes().chain([0xff]));
    bytes.fold(start, |hash, byte| (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3))
}

fn common<'a>(mut sets: impl Iterator<Item = &'a Labels>) -> Labels {
    let Some(first) = sets.next() else { return Labels::empty() };
    let mut builder = first.builder();
    for set in sets {
        let unequal: Vec<String> = builder.pairs().filter(|(name, value)| set.get(name) != *value).map(|(name, _)| name.into()).collect();
        for name in unequal {
            builder.remove(&name);
        }
    }
    builder.labels()
}

/// Go's `regexp.QuoteMeta`, which Alertmanager applies to the receiver's name in its data.
fn quote_meta(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        if r"\.+*?()|[]{}^$".contains(c) {
            out.push('\\');
        }
        out.push(c);
    }
    out
}

pub(crate) fn labels_json(labels: &Labels) -> Value {
    Value::Object(labels.iter().map(|(name, value)| (name.to_string(), Value::from(value))).collect::<Map<_, _>>())
}

fn labels_of(value: &Value) -> Option<Labels> {
    let mut pairs = Vec::new();
    for (name, value) in value.as_object()? {
        pairs.push((name.as_str(), value.as_str()?));
    }
    Some(Labels::from_pairs(pairs))
}

fn alert_json(alert: &Alert) -> Value {
    json!({
        "labels": labels_json(&alert.labels), "annotations": labels_json(&alert.annotations),
        "startsAt": alert.starts_at.0, "endsAt": alert.ends_at.0, "updatedAt": alert.updated_at.0,
        "generatorURL": alert.generator_url, "timeout": alert.timeout,
    })
}

fn alert_of(value: &Value) -> Option<Alert> {
    let time = |name: &str| value.get(name)?.as_i64().map(Timestamp);
    Some(Alert {
        labels: labels_of(value.get("labels")?)?,
        annotations: labels_of(value.get("annotations")?)?,
        starts_at: time("startsAt")?,
        ends_at: time("endsAt")?,
        updated_at: time("updatedAt")?,
        generator_url: value.get("generatorURL")?.as_str()?.to_string(),
        timeout: value.get("timeout")?.as_bool()?,
    })
}
