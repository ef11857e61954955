//! What happens, in a form for the terminal, for scripts (`--json`) and for the pages: one JSON object a line.
//!
//! `{"at": RFC 3339, "event": KIND, ...}` with KIND among drift, performance, alert, notification, decision, deployment, training, replay,
//! and event for what a pipeline told.

use bellbuoy_rules::{State, Transition};
use bellbuoy_vocabulary::Timestamp;
use serde_json::{Value, json};

use crate::wire::labels_json;

#[derive(Clone, Debug, PartialEq)]
pub struct Event {
    pub at: Timestamp,
    pub kind: &'static str,
    /// The fields beside `at` and `event`.
    pub fields: Value,
    /// One line for people.
    pub line: String,
}

impl Event {
    pub fn new(at: Timestamp, kind: &'static str, fields: Value, line: impl Into<String>) -> Event {
        Event { at, kind, fields, line: line.into() }
    }

    pub fn alert(transition: &Transition) -> Event {
        let name = transition.labels.get("alertname");
        let state = transition.to.word();
        let fields = json!({
            "alertname": name, "state": state, "labels": labels_json(&transition.labels), "value": finite(transition.value),
        });
        // An alert ends when its expression gives nothing: the value is the last one that was still over the line.
        let what = if matches!(transition.to, State::Pending | State::Firing) { "value" } else { "last value" };
        Event::new(transition.at, "alert", fields, format!("{name} {state} ({what} {})", short(transition.value)))
    }

    pub fn to_json(&self) -> Value {
        let mut out = json!({"at": self.at.rfc3339(), "event": self.kind});
        if let (Some(out), Some(fields)) = (out.as_object_mut(), self.fields.as_object()) {
            out.extend(fields.clone());
        }
        out
    }
}

/// JSON has no NaN: what is no number becomes null.
pub fn finite(value: f64) -> Value {
    if value.is_finite() { json!(value) } else { Value::Null }
}

/// Few digits for people: 0.8236, 63.9, 1200.
pub fn short(value: f64) -> String {
    let digits: usize = match value.abs() {
        size if size >= 1000.0 => 0,
        size if size >= 10.0 => 1,
        _ => 4,
    };
    format!("{value:.digits$}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_event_is_one_flat_object() {
        let event = Event::new(Timestamp(0), "drift", json!({"share": 0.5}), "drift share 0.5");
        assert_eq!(event.to_json(), json!({"at": "1970-01-01T00:00:00Z", "event": "drift", "share": 0.5}));
        assert_eq!((short(0.82361), short(63.94), short(1234.5)), ("0.8236".into(), "63.9".into(), "1234".into()));
    }
}
