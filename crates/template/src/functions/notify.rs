//! Alertmanager's template functions (`template/template.go`).

use std::collections::BTreeMap;
use std::sync::Arc;

use bellbuoy_vocabulary::Timestamp;
use gotmpl::{FuncMap, SafeKind, TemplateError, Value};
use serde_json::Value as Json;

use super::{Answer, add, arguments, text};
use crate::data::{Kind, Time, kind, map, string};
use crate::escape::{base64_decode, base64_encode, query_unescape};
use crate::layout;
use crate::methods::fail;

pub(super) fn functions() -> FuncMap {
    let mut all = FuncMap::new();
    texts(&mut all);
    lists(&mut all);
    times(&mut all);
    add(&mut all, "toJson", |args| {
        let [value] = arguments("toJson", args)?;
        // Go escapes what HTML would read as markup, also in JSON.
        let plain = json(value, 0)?.to_string();
        Ok(string(&plain.replace('<', "\\u003c").replace('>', "\\u003e").replace('&', "\\u0026")))
    });
    all
}

fn texts(all: &mut FuncMap) {
    for (name, change) in [
        ("title", (|text: &str| super::common::title(text, true)) as fn(&str) -> String),
        ("trimSpace", |text| text.trim().to_string()),
        ("base64encode", |text| base64_encode(text.as_bytes())),
    ] {
        add(all, name, move |args| {
            let [value] = arguments(name, args)?;
            Ok(string(&change(text(name, value)?)))
        });
    }
    add(all, "base64decode", |args| {
        let [value] = arguments("base64decode", args)?;
        match base64_decode(text("base64decode", value)?) {
            Some(bytes) => Ok(string(&String::from_utf8_lossy(&bytes))),
            None => fail("base64decode: illegal base64 data"),
        }
    });
    add(all, "urlUnescape", |args| {
        let [value] = arguments("urlUnescape", args)?;
        match query_unescape(text("urlUnescape", value)?) {
            Some(plain) => Ok(string(&plain)),
            None => fail("urlUnescape: invalid URL escape"),
        }
    });
    add(all, "safeUrl", |args| {
        let [value] = arguments("safeUrl", args)?;
        Ok(Value::Safe { kind: SafeKind::Url, s: text("safeUrl", value)?.into() })
    });
}

fn lists(all: &mut FuncMap) {
    add(all, "join", |args| {
        let [separator, list] = arguments("join", args)?;
        let Value::List(items) = list else { return fail(format!("join: expected a list, got {}", list.type_name())) };
        let mut words = Vec::new();
        for item in items.iter() {
            words.push(text("join", item)?);
        }
        Ok(string(&words.join(text("join", separator)?)))
    });
    add(all, "stringSlice", |args| {
        for arg in args {
            text("stringSlice", arg)?;
        }
        Ok(Value::List(args.into()))
    });
    add(all, "list", |args| Ok(Value::List(args.into())));
    add(all, "append", |args| match args {
        [Value::List(items), more @ ..] => Ok(Value::List(items.iter().chain(more).cloned().collect())),
        _ => fail("append: expected a list"),
    });
    add(all, "dict", |args| {
        if args.len() % 2 != 0 {
            return fail("dict: wants pairs of name and value");
        }
        let mut entries = Vec::new();
        for pair in args.chunks(2) {
            entries.push((text("dict", &pair[0])?, pair[1].clone()));
        }
        Ok(map(entries))
    });
}

fn times(all: &mut FuncMap) {
    add(all, "date", |args| {
        let [format, at] = arguments("date", args)?;
        Ok(string(&layout::format(&time("date", at)?, text("date", format)?)))
    });
    add(all, "tz", |args| {
        let [zone, at] = arguments("tz", args)?;
        let zone = text("tz", zone)?;
        if layout::zone(zone).is_none() {
            return fail(format!("tz: unknown time zone {zone}"));
        }
        Ok(Time { zone: zone.to_string(), ..time("tz", at)? }.to_value())
    });
}

pub(crate) fn time(function: &str, value: &Value) -> Result<Time, TemplateError> {
    match value {
        Value::Map(entries) => match kind(entries) {
            Kind::Time(time) => Ok(time),
            _ => fail(format!("{function}: expected a time")),
        },
        other => fail(format!("{function}: expected a time, got {}", other.type_name())),
    }
}

/// Go's `encoding/json`. Alertmanager's structs name their fields with a small first letter.
pub(crate) fn json(value: &Value, depth: usize) -> Result<Json, TemplateError> {
    if depth > 32 {
        return fail("toJson: nested too deeply");
    }
    Ok(match value {
        Value::Nil => Json::Null,
        Value::Bool(flag) => (*flag).into(),
        Value::Int(number) => (*number).into(),
        Value::Uint(number) => (*number).into(),
        // Go writes whole numbers without a point.
        Value::Float(number) if number.fract() == 0.0 && number.abs() < 1e15 => (*number as i64).into(),
        Value::Float(number) => match serde_json::Number::from_f64(*number) {
            Some(number) => Json::Number(number),
            None => return fail(format!("toJson: {number} has no JSON form")),
        },
        Value::String(text) | Value::Safe { s: text, .. } => Json::String(text.to_string()),
        Value::List(items) => {
            let mut out = Vec::new();
            for item in items.iter() {
                out.push(json(item, depth + 1)?);
            }
            Json::Array(out)
        }
        Value::Map(entries) => json_map(entries, depth)?,
        Value::Function(_) => return fail("toJson: a function has no JSON form"),
    })
}

fn json_map(entries: &BTreeMap<Arc<str>, Value>, depth: usize) -> Result<Json, TemplateError> {
    let mut out = serde_json::Map::new();
    match kind(entries) {
        Kind::Time(time) => return Ok(Json::String(layout::format(&time, "2006-01-02T15:04:05.999999999Z07:00"))),
        Kind::Duration(nanos) => return Ok(nanos.into()),
        Kind::Struct(order) => {
            let is_pair = order.len() == 2 && entries.contains_key("Name");
            for name in order {
                let Value::String(name) = name else { continue };
                let Some(field) = entries.get(name) else { continue };
                if &**name == "OrgID" && matches!(field, Value::Nil) {
                    continue;
                }
                let key = match &**name {
                    name if is_pair => name.to_string(),
                    "NotificationReason" => "notification_reason".into(),
                    "OrgID" => "orgId".into(),
                    // Grafana leaves these out when they say nothing.
                    "RuleUID" | "ImageURL" | "EmbeddedImage" | "AppVersion" if says_nothing(field) => continue,
                    "RuleUID" => "ruleUID".into(),
                    // Not part of Grafana's JSON.
                    "Vars" => continue,
                    // Not part of Alertmanager 0.33's JSON.
                    "RouteLabels" => continue,
                    name => small_first_letter(name),
                };
                out.insert(key, json(field, depth + 1)?);
            }
        }
        Kind::Map => {
            for (name, field) in entries {
                out.insert(name.to_string(), json(field, depth + 1)?);
            }
        }
    }
    Ok(Json::Object(out))
}

fn says_nothing(field: &Value) -> bool {
    matches!(field, Value::String(text) if text.is_empty())
}

fn small_first_letter(name: &str) -> String {
    let mut chars = name.chars();
    chars.next().map_or(String::new(), |first| first.to_lowercase().chain(chars).collect())
}

/// `now`, `since TIME` and `routeLabels` for one render.
pub(crate) fn running(now: Timestamp) -> FuncMap {
    let mut all = FuncMap::new();
    add(&mut all, "now", move |_| Ok(super::now_value(now)));
    add(&mut all, "since", move |args| -> Answer {
        let [at] = arguments("since", args)?;
        let length = i128::from(now.0) - i128::from(time("since", at)?.at_ms);
        Ok(crate::data::duration(length * 1_000_000))
    });
    add(&mut all, "routeLabels", |_| Ok(map([])));
    all
}
