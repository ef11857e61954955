//! What was decided, why, and from what: a word for programs, a sentence for people, the figures for the record.

use std::fmt;

use bellbuoy_vocabulary::Timestamp;
use serde_json::{Value, json};

use super::Reading;
use crate::DecisionSeverity;

#[derive(Clone, Debug, PartialEq)]
pub struct Ruling<O> {
    pub at: Timestamp,
    pub outcome: O,
    pub severity: DecisionSeverity,
    pub reason: RulingReason,
    /// Every figure that a rule up to the decisive one looked at.
    pub inputs: Vec<(String, Reading)>,
    /// Every line that is crossed, whether it decided or not.
    pub crossed: Vec<Crossed>,
}

/// A condition that holds.
#[derive(Clone, Debug, PartialEq)]
pub struct Crossed {
    pub figure: String,
    /// `R2 0.5321 is below 0.65`
    pub why: String,
    /// That of its rule when the rule looks at nothing but performance; a warning where other figures have a say.
    pub severity: DecisionSeverity,
}

/// Prints as a sentence.
#[derive(Clone, Debug, PartialEq)]
pub enum RulingReason {
    /// A rule holds; why is one fragment per condition.
    Rule {
        rule: String,
        why: Vec<String>,
    },
    /// It holds, but has to hold more often.
    Pending {
        rule: String,
        why: Vec<String>,
        times: u32,
        times_min: u32,
    },
    /// It holds, but a run was just done.
    CoolingDown {
        rule: String,
        why: Vec<String>,
        until: Timestamp,
    },
    /// It comes first and cannot be judged.
    Unknown {
        rule: String,
        /// As people know it.
        figure: String,
        because: String,
    },
    /// With the figures that were looked at.
    NoRule {
        figures: Vec<String>,
    },
    Forced,
}

impl<O> Ruling<O> {
    /// For the audit record and the API: `word` names the outcome.
    pub fn json(&self, word: &str) -> Value {
        let inputs: serde_json::Map<String, Value> = self.inputs.iter().map(|(name, reading)| (name.clone(), reading.json())).collect();
        json!({
            "at": self.at.rfc3339(), "outcome": word, "severity": self.severity.word(), "rule": self.reason.rule(),
            "reason": self.reason.word(), "because": self.reason.to_string(), "inputs": inputs,
        })
    }
}

impl RulingReason {
    pub fn word(&self) -> &'static str {
        match self {
            RulingReason::Rule { .. } => "rule",
            RulingReason::Pending { .. } => "pending",
            RulingReason::CoolingDown { .. } => "cooling_down",
            RulingReason::Unknown { .. } => "unknown",
            RulingReason::NoRule { .. } => "no_rule",
            RulingReason::Forced => "forced",
        }
    }

    /// The rule that decided.
    pub fn rule(&self) -> Option<&str> {
        match self {
            RulingReason::Rule { rule, .. }
            | RulingReason::Pending { rule, .. }
            | RulingReason::CoolingDown { rule, .. }
            | RulingReason::Unknown { rule, .. } => Some(rule),
            RulingReason::NoRule { .. } | RulingReason::Forced => None,
        }
    }
}

impl fmt::Display for RulingReason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            RulingReason::Rule { why, .. } => f.write_str(&why.join(" and ")),
            RulingReason::Pending { why, times, times_min, .. } => {
                write!(f, "{}, seen {times} of {times_min} times in a row", why.join(" and "))
            }
            RulingReason::CoolingDown { why, until, .. } => {
                write!(f, "{}, but the last run was done so lately that none begins before {until}", why.join(" and "))
            }
            RulingReason::Unknown { rule, figure, because } => {
                write!(f, "{figure} is unknown ({because}), so rule {rule} cannot be judged")
            }
            RulingReason::NoRule { figures } if figures.is_empty() => f.write_str("no line is crossed"),
            RulingReason::NoRule { figures } => write!(f, "no line is crossed ({})", figures.join(", ")),
            RulingReason::Forced => f.write_str("a person asked for it, whatever the figures say"),
        }
    }
}
