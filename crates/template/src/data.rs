//! What a template can speak of, and how the engine sees it.
//!
//! The engine knows texts, numbers, lists and maps. Times, lengths of time and structs travel as maps whose first key is
//! `\0`, which no template can spell; format.rs and methods.rs know them by it.

use std::collections::BTreeMap;
use std::sync::Arc;

use bellbuoy_vocabulary::{Labels, Millis, Timestamp};
use gotmpl::Value;

/// A value in a template's data.
#[derive(Clone, Debug, PartialEq)]
pub enum Data {
    Null,
    Bool(bool),
    Int(i64),
    Float(f64),
    Text(String),
    Time(Timestamp),
    Duration(Millis),
    List(Vec<Data>),
    /// Names to values: labels, annotations. A missing name reads as an empty text. Iterated in the order of names.
    Map(Vec<(String, Data)>),
    /// Fields in the order in which Go's struct has them; a field that does not exist is an error.
    Struct(Vec<(String, Data)>),
}

impl Data {
    pub fn text(text: impl Into<String>) -> Data {
        Data::Text(text.into())
    }

    pub fn labels(labels: &Labels) -> Data {
        Data::Map(labels.iter().map(|(name, value)| (name.to_string(), Data::text(value))).collect())
    }

    pub(crate) fn to_value(&self) -> Value {
        match self {
            Data::Null => Value::Nil,
            Data::Bool(flag) => Value::Bool(*flag),
            Data::Int(number) => Value::Int(*number),
            Data::Float(number) => Value::Float(*number),
            Data::Text(text) => string(text),
            Data::Time(at) => Time { at_ms: at.0, zone: String::new() }.to_value(),
            Data::Duration(length) => duration(i128::from(length.0) * 1_000_000),
            Data::List(items) => Value::List(items.iter().map(Data::to_value).collect()),
            Data::Map(entries) => map(entries.iter().map(|(name, value)| (name.as_str(), value.to_value()))),
            Data::Struct(fields) => structure(fields.iter().map(|(name, value)| (name.as_str(), value.to_value()))),
        }
    }
}

/// The key that marks the maps that are none.
pub(crate) const MARK: &str = "\0";
const MARK_TIME: &str = "time";
const MARK_DURATION: &str = "duration";
const CONTENT: &str = "\0content";
const ZONE: &str = "\0zone";

pub(crate) fn string(text: &str) -> Value {
    Value::String(Arc::from(text))
}

pub(crate) fn map<'a>(entries: impl IntoIterator<Item = (&'a str, Value)>) -> Value {
    Value::Map(Arc::new(entries.into_iter().map(|(name, value)| (Arc::from(name), value)).collect()))
}

pub(crate) fn structure<'a>(fields: impl IntoIterator<Item = (&'a str, Value)>) -> Value {
    let mut entries = BTreeMap::new();
    let mut order = Vec::new();
    for (name, value) in fields {
        order.push(string(name));
        entries.insert(Arc::from(name), value);
    }
    entries.insert(Arc::from(MARK), Value::List(order.into()));
    Value::Map(Arc::new(entries))
}

/// Nanoseconds, as Go counts; lengths beyond 292 years are cut.
pub(crate) fn duration(nanos: i128) -> Value {
    let nanos = nanos.clamp(i128::from(i64::MIN), i128::from(i64::MAX)) as i64;
    map([(MARK, string(MARK_DURATION)), (CONTENT, Value::Int(nanos))])
}

/// A point in time with the zone it is shown in (empty: UTC).
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Time {
    pub at_ms: i64,
    pub zone: String,
}

impl Time {
    pub fn to_value(&self) -> Value {
        map([(MARK, string(MARK_TIME)), (CONTENT, Value::Int(self.at_ms)), (ZONE, string(&self.zone))])
    }
}

/// What an engine's map stands for.
pub(crate) enum Kind<'a> {
    Map,
    Time(Time),
    /// Nanoseconds.
    Duration(i64),
    /// The names of the fields, in order.
    Struct(&'a [Value]),
}

pub(crate) fn kind(entries: &BTreeMap<Arc<str>, Value>) -> Kind<'_> {
    match entries.get(MARK) {
        Some(Value::List(order)) => Kind::Struct(order),
        Some(Value::String(mark)) => match (&**mark, entries.get(CONTENT), entries.get(ZONE)) {
            (MARK_TIME, Some(Value::Int(at_ms)), Some(Value::String(zone))) => Kind::Time(Time { at_ms: *at_ms, zone: zone.to_string() }),
            (MARK_DURATION, Some(Value::Int(nanos)), _) => Kind::Duration(*nanos),
            _ => Kind::Map,
        },
        _ => Kind::Map,
    }
}
