//! `/api/bellbuoy/evaluations`: the last evaluations of rules, for strips.

use std::sync::Arc;

use axum::extract::State;
use serde_json::{Value, json};

use super::super::answer::{Answer, success};
use super::super::params::Params;
use crate::app::App;
use crate::evaluations::{RuleEvaluation, Strip};

pub async fn list(State(app): State<Arc<App>>, params: Params) -> Answer {
    let wanted = |name: &str, value: &str| params.get(name).is_none_or(|asked| asked == value);
    let strips =
        app.path.evaluations.strips(|strip| wanted("file", &strip.file) && wanted("group", &strip.group) && wanted("rule", &strip.name));
    success(json!({"rules": strips.iter().map(strip_json).collect::<Vec<_>>()}))
}

fn strip_json(strip: &Strip) -> Value {
    let recording = strip.evaluations.back().is_some_and(|last| last.state.is_none());
    json!({
        "file": strip.file, "group": strip.group, "index": strip.index, "name": strip.name, "kind": if recording { "recording" } else { "alerting" },
        "evaluations": evaluations_json(strip),
    })
}

/// Oldest first.
pub fn evaluations_json(strip: &Strip) -> Vec<Value> {
    strip.evaluations.iter().map(one_json).collect()
}

fn one_json(one: &RuleEvaluation) -> Value {
    let (state, pending, firing) = match one.state {
        Some((state, pending, firing)) => (Some(state.word()), pending, firing),
        None => (None, 0, 0),
    };
    json!({
        "at": one.at.rfc3339(), "seconds": one.seconds, "series": one.series, "value": one.value, "state": state, "pending": pending, "firing": firing,
        "error": one.error,
    })
}
