//! A notification's data from JSON, as Alertmanager's webhooks send it and `amtool template render --template.data` reads it.

use bellbuoy_vocabulary::Timestamp;
use serde_json::Value;

use crate::Data;
use crate::methods::ZERO_TIME_MS;

/// Fields that are missing are empty; others are left out, as Go's reader does.
pub fn data_from_json(value: &Value) -> Result<Data, String> {
    let alerts = match value.get("alerts") {
        None | Some(Value::Null) => Vec::new(),
        Some(Value::Array(alerts)) => alerts.iter().map(alert).collect::<Result<_, _>>()?,
        Some(_) => return Err("alerts: must be a list".into()),
    };
    if !value.is_object() {
        return Err("must be an object with receiver, status, alerts, ...".into());
    }
    Ok(Data::Struct(vec![
        ("Receiver".into(), text(value, "receiver")?),
        ("Status".into(), text(value, "status")?),
        ("Alerts".into(), Data::List(alerts)),
        ("NotificationReason".into(), text(value, "notification_reason")?),
        ("GroupLabels".into(), labels(value, "groupLabels")?),
        ("CommonLabels".into(), labels(value, "commonLabels")?),
        ("CommonAnnotations".into(), labels(value, "commonAnnotations")?),
        ("RouteLabels".into(), labels(value, "routeLabels")?),
        ("ExternalURL".into(), text(value, "externalURL")?),
    ]))
}

fn alert(value: &Value) -> Result<Data, String> {
    Ok(Data::Struct(vec![
        ("Status".into(), text(value, "status")?),
        ("Labels".into(), labels(value, "labels")?),
        ("Annotations".into(), labels(value, "annotations")?),
        ("StartsAt".into(), time(value, "startsAt")?),
        ("EndsAt".into(), time(value, "endsAt")?),
        ("GeneratorURL".into(), text(value, "generatorURL")?),
        ("Fingerprint".into(), text(value, "fingerprint")?),
    ]))
}

fn text(value: &Value, name: &str) -> Result<Data, String> {
    match value.get(name) {
        None | Some(Value::Null) => Ok(Data::text("")),
        Some(Value::String(text)) => Ok(Data::text(text.clone())),
        Some(_) => Err(format!("{name}: must be a text")),
    }
}

fn labels(value: &Value, name: &str) -> Result<Data, String> {
    let map = match value.get(name) {
        None | Some(Value::Null) => return Ok(Data::Map(Vec::new())),
        Some(Value::Object(map)) => map,
        Some(_) => return Err(format!("{name}: must be an object of texts")),
    };
    let mut pairs = Vec::with_capacity(map.len());
    for (label, value) in map {
        let value = value.as_str().ok_or_else(|| format!("{name}.{label}: must be a text"))?;
        pairs.push((label.clone(), Data::text(value)));
    }
    Ok(Data::Map(pairs))
}

fn time(value: &Value, name: &str) -> Result<Data, String> {
    match value.get(name) {
        None | Some(Value::Null) => Ok(Data::Time(Timestamp(ZERO_TIME_MS))),
        Some(Value::String(text)) => {
            Timestamp::parse_rfc3339(text).map(Data::Time).ok_or_else(|| format!("{name}: {text:?} is not an RFC 3339 time"))
        }
        Some(_) => Err(format!("{name}: must be an RFC 3339 time")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::notify::default_templates;
    use crate::{Environment, Template};
    use serde_json::json;

    fn check(value: Value, template: &str, expected: Result<&str, &str>) {
        let template = Template::parse("", template, &default_templates()).expect("it can be read");
        let found = data_from_json(&value).map(|data| template.render(&data, &Environment { now: Timestamp(0) }).expect("it renders"));
        assert_eq!(found.as_deref().map_err(String::as_str), expected, "{value}");
    }

    #[test]
    fn reads_what_webhooks_send() {
        let alert = json!({"status": "firing", "labels": {"a": "b"}, "startsAt": "2026-01-13T10:00:00.5Z", "fingerprint": "f", "x": 1});
        let data = json!({"status": "firing", "alerts": [alert], "commonLabels": {"a": "b"}, "version": "4"});
        let template = "{{ .Status }} {{ range .Alerts }}{{ .Labels.a }} {{ .StartsAt }} {{ .EndsAt.IsZero }} {{ .Fingerprint }}{{ end }} {{ .CommonLabels.a }}{{ .Receiver }}";
        check(data, template, Ok("firing b 2026-01-13 10:00:00.5 +0000 UTC true f b"));
        check(json!({}), "{{ len .Alerts }}", Ok("0"));
        check(json!([]), "", Err("must be an object with receiver, status, alerts, ..."));
        check(json!({"alerts": 1}), "", Err("alerts: must be a list"));
        check(json!({"commonLabels": {"a": 1}}), "", Err("commonLabels.a: must be a text"));
        check(json!({"alerts": [{"startsAt": "now"}]}), "", Err("startsAt: \"now\" is not an RFC 3339 time"));
    }
}
