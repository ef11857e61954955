//! Alerts and label sets as JSON: in the API, in the state database, in the outbox. One spelling everywhere.

use bellbuoy_vocabulary::{Alert, Labels, Timestamp};
use serde_json::{Map, Value, json};

pub fn labels_json(labels: &Labels) -> Value {
    Value::Object(labels.iter().map(|(name, value)| (name.to_string(), Value::from(value))).collect::<Map<_, _>>())
}

/// From an object of texts; `None` when it is something else.
pub fn labels_of(value: &Value) -> Option<Labels> {
    let object = value.as_object()?;
    let mut pairs = Vec::with_capacity(object.len());
    for (name, value) in object {
        pairs.push((name.as_str(), value.as_str()?));
    }
    Some(Labels::from_pairs(pairs))
}

pub fn alert_json(alert: &Alert) -> Value {
    json!({
        "labels": labels_json(&alert.labels), "annotations": labels_json(&alert.annotations),
        "startsAt": alert.starts_at.0, "endsAt": alert.ends_at.0, "updatedAt": alert.updated_at.0,
        "generatorURL": alert.generator_url, "timeout": alert.timeout,
    })
}

/// From what `alert_json` wrote; `None` when it is something else.
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

/// The name under which an alert is stored.
pub fn alert_key(alert: &Alert) -> String {
    format!("{:016x}", alert.fingerprint())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn alerts_come_back_as_they_were() {
        let alert = Alert {
            labels: Labels::from_pairs([("alertname", "A"), ("x", "ü\"\n")]),
            annotations: Labels::from_pairs([("summary", "s")]),
            starts_at: Timestamp(1),
            ends_at: Timestamp(i64::MAX),
            updated_at: Timestamp(3),
            generator_url: "http://x".into(),
            timeout: true,
        };
        let text = alert_json(&alert).to_string();
        assert_eq!(alert_of(&serde_json::from_str(&text).expect("JSON")), Some(alert));
        assert_eq!(alert_of(&json!({"labels": {"a": 1}})), None);
    }
}
