//! What is to be told to one integration: the router's decision in a form that survives in the outbox.
//!
//! In:    a decision of the router. Out: the same as JSON and back; keys that stay over restarts.
//! Never: holds a rendered text, an address or a secret.

use bellbuoy_template::notify as template;
use bellbuoy_vocabulary::{Alert, Labels, Timestamp};
use serde::{Serialize, Serializer, ser::SerializeMap};
use serde_json::Value;

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
            group_key: self.group_key.clone(),
        }
    }

    /// From what `Serialize` wrote; `None` when it is something else.
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

/// As it lies in the outbox. Written piece by piece: a notice may have a hundred thousand alerts.
impl Serialize for Notice {
    fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        let mut map = to.serialize_map(Some(9))?;
        map.serialize_entry("receiver", &self.receiver)?;
        map.serialize_entry("integration", &self.integration_kind)?;
        map.serialize_entry("index", &self.integration_index)?;
        map.serialize_entry("groupKey", &self.group_key)?;
        map.serialize_entry("groupLabels", &LabelsJson(&self.group_labels))?;
        map.serialize_entry("alerts", &AlertsJson(&self.alerts))?;
        map.serialize_entry("reason", &self.reason)?;
        map.serialize_entry("sequence", &self.sequence)?;
        map.serialize_entry("at", &self.at.0)?;
        map.end()
    }
}

/// Labels as an object of texts.
pub struct LabelsJson<'a>(pub &'a Labels);

impl Serialize for LabelsJson<'_> {
    fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        to.collect_map(self.0.iter())
    }
}

/// An alert as state database and outbox keep it; `alert_of` reads it back.
pub struct AlertJson<'a>(pub &'a Alert);

impl Serialize for AlertJson<'_> {
    fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        let alert = self.0;
        let mut map = to.serialize_map(Some(7))?;
        map.serialize_entry("labels", &LabelsJson(&alert.labels))?;
        map.serialize_entry("annotations", &LabelsJson(&alert.annotations))?;
        map.serialize_entry("startsAt", &alert.starts_at.0)?;
        map.serialize_entry("endsAt", &alert.ends_at.0)?;
        map.serialize_entry("updatedAt", &alert.updated_at.0)?;
        map.serialize_entry("generatorURL", &alert.generator_url)?;
        map.serialize_entry("timeout", &alert.timeout)?;
        map.end()
    }
}

struct AlertsJson<'a>(&'a [Alert]);

impl Serialize for AlertsJson<'_> {
    fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        to.collect_seq(self.0.iter().map(AlertJson))
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

pub(crate) fn common<'a>(mut sets: impl Iterator<Item = &'a Labels>) -> Labels {
    let Some(first) = sets.next() else { return Labels::empty() };
    let mut pairs: Vec<(&str, &str)> = first.iter().collect();
    for set in sets {
        pairs.retain(|(name, value)| set.get(name) == *value);
    }
    Labels::from_sorted(pairs)
}

/// Go's `regexp.QuoteMeta`, which Alertmanager applies to the receiver's name in its data.
pub(crate) fn quote_meta(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        if r"\.+*?()|[]{}^$".contains(c) {
            out.push('\\');
        }
        out.push(c);
    }
    out
}

/// From an object of texts; `None` when it is something else.
pub fn labels_of(value: &Value) -> Option<Labels> {
    let mut pairs = Vec::new();
    for (name, value) in value.as_object()? {
        pairs.push((name.as_str(), value.as_str()?));
    }
    Some(Labels::from_pairs(pairs))
}

/// From what `AlertJson` wrote; `None` when it is something else.
pub fn alert_of(value: &Value) -> Option<Alert> {
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
