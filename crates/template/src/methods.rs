//! What `.A` and `.A arg` mean for each kind of value: methods first, as in Go, then fields and keys.

use std::collections::BTreeMap;
use std::sync::Arc;

use gotmpl::{TemplateError, Value};

use crate::data::{Kind, Time, duration, kind, map, string, structure};
use crate::{format, layout};

type Entries = BTreeMap<Arc<str>, Value>;
type Answer = Result<Value, TemplateError>;

pub(crate) fn fail<T>(message: impl Into<String>) -> Result<T, TemplateError> {
    Err(TemplateError::Exec(message.into()))
}

/// `value.name`. With `methods`, maps of texts are Alertmanager's KV.
pub(crate) fn get(value: &Value, name: &str, methods: bool) -> Answer {
    match value {
        Value::Map(entries) => match kind(entries) {
            Kind::Time(time) => time_method(&time, name, &[]),
            Kind::Duration(nanos) => duration_method(nanos, name, &[]),
            Kind::Struct(_) => match entries.get(name) {
                Some(field) => Ok(field.clone()),
                None => fail(format!("can't evaluate field {name}: there is no such field")),
            },
            Kind::Map => match kv_method(entries, name, methods) {
                Some(answer) => Ok(answer),
                // A missing label reads as an empty text: the zero value of a map of texts.
                None => Ok(entries.get(name).cloned().unwrap_or_else(|| string(""))),
            },
        },
        Value::List(items) if methods => list_method(items, name),
        Value::Nil => fail(format!("nil has no field {name}")),
        other => fail(format!("can't evaluate field {name} in type {}", other.type_name())),
    }
}

/// `value.name args...`.
pub(crate) fn call(value: &Value, name: &str, args: &[Value], methods: bool) -> Answer {
    match value {
        Value::Map(entries) => match (kind(entries), name, args) {
            (Kind::Time(time), ..) => time_method(&time, name, args),
            (Kind::Duration(nanos), ..) => duration_method(nanos, name, args),
            (Kind::Map, "Remove", [Value::List(names)]) if methods => Ok(without(entries, names)),
            _ => fail(format!("{name} is not a method that takes {} arguments", args.len())),
        },
        other => fail(format!("{name} is not a method of type {}", other.type_name())),
    }
}

fn kv_method(entries: &Entries, name: &str, methods: bool) -> Option<Value> {
    if !methods {
        return None;
    }
    Some(match name {
        "SortedPairs" => sorted_pairs(entries),
        "Names" => names_of(&sorted_pairs(entries), "Name"),
        "Values" => names_of(&sorted_pairs(entries), "Value"),
        "String" => string(&format::print_kv(&sorted_pairs(entries))),
        _ => return None,
    })
}

/// By name, but `alertname` first (Alertmanager, `template.go`).
fn sorted_pairs(entries: &Entries) -> Value {
    let pair = |(name, value): (&Arc<str>, &Value)| structure([("Name", Value::String(name.clone())), ("Value", value.clone())]);
    let (first, rest): (Vec<_>, Vec<_>) = entries.iter().partition(|(name, _)| &***name == "alertname");
    Value::List(first.into_iter().chain(rest).map(pair).collect())
}

fn names_of(pairs: &Value, field: &str) -> Value {
    let Value::List(pairs) = pairs else { return Value::Nil };
    Value::List(pairs.iter().filter_map(|pair| pair.field(field).cloned()).collect())
}

fn without(entries: &Entries, names: &[Value]) -> Value {
    let unwanted = |name: &str| names.iter().any(|n| matches!(n, Value::String(n) if &**n == name));
    map(entries.iter().filter(|(name, _)| !unwanted(name)).map(|(name, value)| (&**name, value.clone())))
}

fn list_method(items: &Arc<[Value]>, name: &str) -> Answer {
    let list = Value::List(items.clone());
    match name {
        "Firing" | "Resolved" => {
            let wanted = if name == "Firing" { "firing" } else { "resolved" };
            let has = |item: &&Value| matches!(item.field("Status"), Some(Value::String(status)) if &**status == wanted);
            Ok(Value::List(items.iter().filter(has).cloned().collect()))
        }
        "Names" => Ok(names_of(&list, "Name")),
        "Values" => Ok(names_of(&list, "Value")),
        "String" if items.iter().all(|item| item.field("Name").is_some()) => Ok(string(&format::print_kv(&list))),
        _ => fail(format!("can't evaluate field {name} of a list")),
    }
}

fn time_method(time: &Time, name: &str, args: &[Value]) -> Answer {
    let at = layout::zoned(time);
    let other = |value: &Value| match value {
        Value::Map(entries) => match kind(entries) {
            Kind::Time(time) => Some(time.at_ms),
            _ => None,
        },
        _ => None,
    };
    Ok(match (name, args) {
        ("Unix", []) => Value::Int(time.at_ms.div_euclid(1000)),
        ("UnixMilli", []) => Value::Int(time.at_ms),
        ("UnixNano", []) => Value::Int(time.at_ms.saturating_mul(1_000_000)),
        ("Year", []) => Value::Int(at.year().into()),
        ("Month", []) => string(layout::month(at.month())),
        ("Day", []) => Value::Int(at.day().into()),
        ("Hour", []) => Value::Int(at.hour().into()),
        ("Minute", []) => Value::Int(at.minute().into()),
        ("Second", []) => Value::Int(at.second().into()),
        ("Nanosecond", []) => Value::Int(at.subsec_nanosecond().into()),
        ("YearDay", []) => Value::Int(at.day_of_year().into()),
        ("Weekday", []) => string(layout::weekday(at.weekday().to_sunday_zero_offset())),
        ("String", []) => string(&format::print_time(time)),
        ("IsZero", []) => Value::Bool(time.at_ms == ZERO_TIME_MS),
        ("UTC" | "Local", []) => Time { zone: String::new(), ..time.clone() }.to_value(),
        ("Format", [Value::String(layout)]) => string(&layout::format(time, layout)),
        ("Add", [length]) => match nanos(length) {
            Some(nanos) => Time { at_ms: time.at_ms.saturating_add(nanos / 1_000_000), ..time.clone() }.to_value(),
            None => return fail("Add: not a duration"),
        },
        ("Sub", [earlier]) => match other(earlier) {
            Some(earlier) => duration((i128::from(time.at_ms) - i128::from(earlier)) * 1_000_000),
            None => return fail("Sub: not a time"),
        },
        ("Before" | "After" | "Equal", [value]) => match other(value) {
            Some(at_ms) => Value::Bool(match name {
                "Before" => time.at_ms < at_ms,
                "After" => time.at_ms > at_ms,
                _ => time.at_ms == at_ms,
            }),
            None => return fail(format!("{name}: not a time")),
        },
        _ => return fail(format!("a time has no method {name} with {} arguments", args.len())),
    })
}

/// Go's zero time, 0001-01-01T00:00:00Z, with which it says "never".
pub(crate) const ZERO_TIME_MS: i64 = -62_135_596_800_000;

pub(crate) fn nanos(value: &Value) -> Option<i64> {
    match value {
        Value::Int(nanos) => Some(*nanos),
        Value::Map(entries) => match kind(entries) {
            Kind::Duration(nanos) => Some(nanos),
            _ => None,
        },
        _ => None,
    }
}

fn duration_method(nanos: i64, name: &str, args: &[Value]) -> Answer {
    let unit = |size: f64| Value::Float(nanos as f64 / size);
    Ok(match (name, args) {
        ("Seconds", []) => unit(1e9),
        ("Minutes", []) => unit(6e10),
        ("Hours", []) => unit(3.6e12),
        ("Milliseconds", []) => Value::Int(nanos / 1_000_000),
        ("Microseconds", []) => Value::Int(nanos / 1000),
        ("Nanoseconds", []) => Value::Int(nanos),
        ("Abs", []) => duration(i128::from(nanos).abs()),
        ("String", []) => string(&format::print_duration(nanos)),
        ("Truncate" | "Round", [unit]) => match self::nanos(unit) {
            Some(unit) if unit > 0 => {
                let half = if name == "Round" { i128::from(unit) / 2 * i128::from(nanos.signum()) } else { 0 };
                let unit = i128::from(unit);
                duration((i128::from(nanos) + half) / unit * unit)
            }
            _ => duration(nanos.into()),
        },
        _ => return fail(format!("a duration has no method {name} with {} arguments", args.len())),
    })
}
