//! A figure in an answer: a number, or why nobody knows it.

use serde_json::{Value, json};

pub fn known(value: f64) -> Value {
    if value.is_finite() { json!({"value": value}) } else { unknown("not_finite", "the figure is not a finite number") }
}

pub fn unknown(reason: &str, because: impl Into<String>) -> Value {
    json!({"unknown": {"reason": reason, "because": because.into()}})
}

pub fn or_unknown(value: Option<f64>, reason: &str, because: &str) -> Value {
    value.map_or_else(|| unknown(reason, because), known)
}
