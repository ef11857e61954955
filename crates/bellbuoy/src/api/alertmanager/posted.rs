//! Bodies of POST: alerts and silences, checked in the order and refused in the words of Alertmanager.
//!
//! Its framework checks first that the JSON has the right shape (422, with a code), then Alertmanager what it means (400).

use std::collections::BTreeMap;

use axum::http::StatusCode;
use bellbuoy_vocabulary::{Labels, Timestamp};
use serde_json::{Map, Value};

use super::{Refusal, bad, quick};
use crate::config::alert_label_name_ok;
use crate::path::PostedAlert;
use crate::silences::{PostedSilence, matcher_sets_of};

/// Most alerts in one request; Prometheus sends at most 256 at a time.
const ALERTS_MAX: usize = 100_000;

/// The alerts that can be taken, and what is wrong with the others.
pub fn alerts(body: &[u8], now: Timestamp) -> Result<(Vec<PostedAlert>, Vec<String>), Refusal> {
    if let Some(alerts) = quick::read(body, now, ALERTS_MAX) {
        return Ok((alerts, Vec::new()));
    }
    let value = parse(body, "alerts")?;
    let list = match &value {
        Value::Null => return Ok((Vec::new(), Vec::new())),
        Value::Array(list) => list,
        other => return Err(wrong("alerts", other, "value of type models.PostableAlerts")),
    };
    if list.len() > ALERTS_MAX {
        return Err(bad(format!("more than {ALERTS_MAX} alerts in one request")));
    }
    let mut raw = Vec::with_capacity(list.len());
    for (index, value) in list.iter().enumerate() {
        raw.push(alert(index, value)?);
    }
    let (mut alerts, mut problems) = (Vec::with_capacity(raw.len()), Vec::new());
    for (alert, names) in raw {
        match problem(&alert, &names, now) {
            None => alerts.push(alert),
            Some(problem) => problems.push(problem),
        }
    }
    Ok((alerts, problems))
}

/// An alert of the right shape, with the names of its annotations as they came.
fn alert(index: usize, value: &Value) -> Result<(PostedAlert, Vec<String>), Refusal> {
    let object = value.as_object().ok_or_else(|| wrong("alerts", value, "value of type models.PostableAlert"))?;
    let labels = texts("alerts", object, "labels", "struct field Alert.labels")?;
    let labels = labels.ok_or_else(|| missing(&format!("{index}.labels")))?;
    let annotations = texts("alerts", object, "annotations", "struct field .annotations")?.unwrap_or_default();
    let generator_url = match object.get("generatorURL") {
        None | Some(Value::Null) => "",
        Some(Value::String(url)) => url,
        Some(other) => return Err(wrong("alerts", other, "struct field Alert.generatorURL of type strfmt.URI")),
    };
    // Go's `url.ParseRequestURI`: an absolute address or a path.
    if !generator_url.is_empty() && !generator_url.starts_with('/') && !absolute(generator_url) {
        let message = format!("{index}.generatorURL in body must be of type uri: {generator_url:?}");
        return Err(Refusal::Coded(StatusCode::UNPROCESSABLE_ENTITY, 601, message));
    }
    let posted = PostedAlert {
        starts_at: time("alerts", object, "startsAt")?,
        ends_at: time("alerts", object, "endsAt")?,
        // A label without a value is no label.
        labels: pairs(&labels),
        annotations: pairs(&annotations),
        generator_url: generator_url.to_string(),
    };
    Ok((posted, annotations.into_keys().collect()))
}

fn pairs(map: &BTreeMap<String, String>) -> Labels {
    Labels::from_pairs(map.iter().filter(|(_, value)| !value.is_empty()).map(|(name, value)| (name.as_str(), value.as_str())))
}

/// `scheme:` with something behind it.
pub(super) fn absolute(url: &str) -> bool {
    url.split_once(':').is_some_and(|(scheme, rest)| {
        scheme.starts_with(|c: char| c.is_ascii_alphabetic())
            && scheme.bytes().all(|b| b.is_ascii_alphanumeric() || b"+-.".contains(&b))
            && !rest.contains(|c: char| c.is_ascii_control() || c == ' ')
    })
}

fn problem(alert: &PostedAlert, annotations: &[String], now: Timestamp) -> Option<String> {
    let starts_at = alert.starts_at.or(alert.ends_at).unwrap_or(now);
    if alert.ends_at.is_some_and(|end| end < starts_at) {
        return Some("start time must be before end time".into());
    }
    // Without an end it ends a while after now; a beginning later than that is no better.
    if alert.labels.is_empty() {
        return Some("at least one label pair required".into());
    }
    if let Some((name, _)) = alert.labels.iter().find(|(name, _)| !alert_label_name_ok(name)) {
        return Some(format!("invalid label set: invalid name {name:?}"));
    }
    let name = annotations.iter().find(|name| !alert_label_name_ok(name))?;
    Some(format!("invalid annotations: invalid name {name:?}"))
}

pub fn silence(body: &[u8], now: Timestamp) -> Result<PostedSilence, Refusal> {
    let value = parse(body, "silence")?;
    let object = value.as_object().ok_or_else(|| wrong("silence", &value, "value of type models.PostableSilence"))?;
    let (starts_at, ends_at) = (time("silence", object, "startsAt")?, time("silence", object, "endsAt")?);
    let text = |name: &'static str| match object.get(name) {
        None | Some(Value::Null) => Ok(None),
        Some(Value::String(text)) => Ok(Some(text.clone())),
        Some(other) => Err(wrong("silence", other, &format!("struct field Silence.{name} of type string"))),
    };
    let (id, comment, created_by) = (text("id")?, text("comment")?, text("createdBy")?);
    let annotations = texts("silence", object, "annotations", "struct field Silence.annotations")?.unwrap_or_default();
    // The order of the framework: by the names of the fields.
    let comment = comment.ok_or_else(|| missing("comment"))?;
    let created_by = created_by.ok_or_else(|| missing("createdBy"))?;
    let ends_at = ends_at.ok_or_else(|| missing("endsAt"))?;
    let knows_sets = object.contains_key("matcherSets");
    if !knows_sets {
        matchers_shape(object)?;
    }
    let starts_at = starts_at.ok_or_else(|| missing("startsAt"))?;
    if starts_at >= ends_at {
        return Err(bad("Failed to create silence: start time must be before end time"));
    }
    if ends_at < now {
        return Err(bad("Failed to create silence: end time can't be in the past"));
    }
    Ok(PostedSilence {
        id: id.filter(|id| !id.is_empty()),
        matcher_sets: matcher_sets_of(&value).map_err(|reason| bad(format!("invalid silence: {reason}")))?,
        knows_sets,
        starts_at,
        ends_at,
        created_by,
        comment,
        annotations,
    })
}

fn matchers_shape(object: &Map<String, Value>) -> Result<(), Refusal> {
    let list = match object.get("matchers") {
        None | Some(Value::Null) => return Err(missing("matchers")),
        Some(Value::Array(list)) => list,
        Some(other) => return Err(wrong("silence", other, "struct field Silence.matchers of type models.Matchers")),
    };
    if list.is_empty() {
        let message = "matchers in body should have at least 1 items".to_string();
        return Err(Refusal::Coded(StatusCode::UNPROCESSABLE_ENTITY, 612, message));
    }
    for (index, matcher) in list.iter().enumerate() {
        for (field, is_right) in
            [("isRegex", Value::is_boolean as fn(&Value) -> bool), ("name", Value::is_string), ("value", Value::is_string)]
        {
            match matcher.get(field) {
                None | Some(Value::Null) => return Err(missing(&format!("matchers.{index}.{field}"))),
                Some(value) if !is_right(value) => {
                    let kind = if field == "isRegex" { "bool" } else { "string" };
                    return Err(wrong("silence", value, &format!("struct field Matcher.matchers.{field} of type {kind}")));
                }
                Some(_) => {}
            }
        }
    }
    Ok(())
}

fn parse(body: &[u8], what: &str) -> Result<Value, Refusal> {
    if body.is_empty() {
        return Err(missing(what));
    }
    serde_json::from_slice(body).map_err(|error| unreadable(what, &format!("the JSON is wrong: {error}")))
}

fn missing(what: &str) -> Refusal {
    Refusal::Coded(StatusCode::UNPROCESSABLE_ENTITY, 602, format!("{what} in body is required"))
}

fn unreadable(what: &str, why: &str) -> Refusal {
    Refusal::Coded(StatusCode::BAD_REQUEST, 400, format!("parsing {what} body from \"\" failed, because {why}"))
}

/// A value of another kind than the field's, in the words of Go's JSON reader.
fn wrong(what: &str, value: &Value, into: &str) -> Refusal {
    let kind = match value {
        Value::Object(_) => "object",
        Value::Array(_) => "array",
        Value::Number(_) => "number",
        Value::Bool(_) => "bool",
        Value::String(_) => "string",
        Value::Null => "null",
    };
    unreadable(what, &format!("json: cannot unmarshal {kind} into Go {into}"))
}

/// `None` where the field is absent, empty or Go's zero time.
fn time(what: &str, object: &Map<String, Value>, name: &str) -> Result<Option<Timestamp>, Refusal> {
    match object.get(name) {
        None | Some(Value::Null) => Ok(None),
        Some(Value::String(text)) if text.is_empty() || text.starts_with("0001-01-01T00:00:00") => Ok(None),
        Some(Value::String(text)) => {
            let parsed = Timestamp::parse_rfc3339(text);
            parsed.map(Some).ok_or_else(|| unreadable(what, &format!("{name} is not an RFC 3339 time: {text:?}")))
        }
        Some(other) => Err(wrong(what, other, &format!("struct field {name} of type strfmt.DateTime"))),
    }
}

fn texts(what: &str, object: &Map<String, Value>, name: &str, field: &str) -> Result<Option<BTreeMap<String, String>>, Refusal> {
    let map = match object.get(name) {
        None | Some(Value::Null) => return Ok(None),
        Some(Value::Object(map)) => map,
        Some(other) => return Err(wrong(what, other, &format!("{field} of type models.LabelSet"))),
    };
    let mut out = BTreeMap::new();
    for (name, value) in map {
        match value {
            Value::String(text) => out.insert(name.clone(), text.clone()),
            Value::Null => out.insert(name.clone(), String::new()),
            other => return Err(wrong(what, other, &format!("{field}.{name} of type string"))),
        };
    }
    Ok(Some(out))
}

#[cfg(test)]
mod tests;
