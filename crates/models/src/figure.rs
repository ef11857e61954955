//! One figure: its value or why there is none, how sure it is, from how many rows, and whether it was seen or estimated.

use serde_json::{Value, json};

use crate::Metric;

/// Why there is no figure. Never 0, 999 or NaN in its place.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Unknown {
    #[error("there are no rows")]
    NoRows,
    #[error("{}, {rows_min} are needed", row_count(*rows))]
    TooFewRows { rows: usize, rows_min: usize },
    #[error("the true value is the same in all {rows} rows")]
    ConstantTarget { rows: usize },
    #[error("all true values are of the class {0:?}")]
    OneClass(String),
    #[error("no true value is of the class {0:?}")]
    ClassAbsent(String),
    #[error("no prediction is of the class {0:?}")]
    NeverPredicted(String),
    #[error("all true values are 0")]
    OnlyZeros,
    #[error("predictions have no probabilities")]
    NoProbabilities,
    #[error("the class {0:?} occurs, but predictions have no probability for it")]
    NoProbabilityOf(String),
    #[error("this figure needs exactly two classes and a positive one")]
    NotBinary,
    #[error("the numbers are too large")]
    Overflow,
    #[error("{undefined} of {resamples} resamples have no value")]
    UnstableResamples { undefined: usize, resamples: usize },
    #[error("this figure does not belong to this kind of model")]
    NotOfThisKind,
    #[error("no figure of this name was computed")]
    NotComputed,
    #[error("nobody asked for it")]
    NotAsked,
    #[error("there are no reference rows")]
    NoReference,
    #[error("{rows} reference rows, {rows_min} are needed")]
    FewReferenceRows { rows: usize, rows_min: usize },
    #[error("the reference is not complete yet, it has {} so far", row_count(*rows))]
    ReferenceToCome { rows: usize },
    #[error("the reference is a profile, which has no rows")]
    NoReferenceRows,
    #[error("the reference has no predictions with true values")]
    NoReferenceTruth,
    #[error("no feature could be judged ({0})")]
    NoFeature(String),
    #[error("the reference has no rows of the same season as the {rows} rows")]
    OtherSeason { rows: usize },
    #[error("no window is complete yet")]
    NoWindow,
    /// What somebody else said.
    #[error("{0}")]
    Told(String),
}

fn row_count(rows: usize) -> String {
    if rows == 1 { "1 row".into() } else { format!("{rows} rows") }
}

impl Unknown {
    /// The value of the label `reason`: few different ones, without numbers or names.
    pub fn word(&self) -> &'static str {
        match self {
            Unknown::NoRows => "no_rows",
            Unknown::TooFewRows { .. } => "too_few_rows",
            Unknown::ConstantTarget { .. } => "constant_target",
            Unknown::OneClass(_) => "one_class",
            Unknown::ClassAbsent(_) => "class_absent",
            Unknown::NeverPredicted(_) => "class_never_predicted",
            Unknown::OnlyZeros => "only_zeros",
            Unknown::NoProbabilities => "no_probabilities",
            Unknown::NoProbabilityOf(_) => "no_probability_of_class",
            Unknown::NotBinary => "not_binary",
            Unknown::Overflow => "overflow",
            Unknown::UnstableResamples { .. } => "unstable_resamples",
            Unknown::NotOfThisKind => "not_of_this_kind",
            Unknown::NotComputed => "not_computed",
            Unknown::NotAsked => "not_asked",
            Unknown::NoReference => "no_reference",
            Unknown::FewReferenceRows { .. } => "few_reference_rows",
            Unknown::ReferenceToCome { .. } => "reference_to_come",
            Unknown::NoReferenceRows => "no_reference_rows",
            Unknown::NoReferenceTruth => "no_reference_truth",
            Unknown::NoFeature(_) => "no_feature_judged",
            Unknown::OtherSeason { .. } => "other_season",
            Unknown::NoWindow => "no_window",
            Unknown::Told(_) => "told",
        }
    }
}

/// Where the true value of the figure lies, with the chance `level`.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Interval {
    pub low: f64,
    pub high: f64,
    pub level: f64,
}

/// How a figure came about.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Source {
    /// From true values.
    Realised,
    /// Confidence-based: from calibrated probabilities, before true values are there.
    EstimatedByConfidence,
    /// Direct loss: from a second model that foretells the error, before true values are there.
    EstimatedByLoss,
    /// Somebody else computed it.
    Told,
}

#[derive(Clone, Debug, PartialEq)]
pub struct Figure {
    pub metric: Metric,
    pub value: Result<f64, Unknown>,
    /// `Err` too when nobody asked for it.
    pub interval: Result<Interval, Unknown>,
    pub rows: usize,
    pub source: Source,
}

impl Source {
    /// The value of the label `source`.
    pub fn word(self) -> &'static str {
        match self {
            Source::Realised => "realised",
            Source::EstimatedByConfidence => "estimated_cbpe",
            Source::EstimatedByLoss => "estimated_dle",
            Source::Told => "told",
        }
    }

    pub fn is_estimate(self) -> bool {
        matches!(self, Source::EstimatedByConfidence | Source::EstimatedByLoss)
    }
}

impl Figure {
    pub fn unknown(metric: Metric, reason: Unknown, rows: usize, source: Source) -> Figure {
        Figure { metric, value: Err(reason.clone()), interval: Err(reason), rows, source }
    }

    /// Without an interval.
    pub fn of(metric: Metric, value: f64, rows: usize, source: Source) -> Figure {
        let value = finite(value);
        Figure { metric, value, interval: Err(Unknown::NotComputed), rows, source }
    }

    /// `{"metric", "value", "low", "high", "level", "rows", "source", "estimated"}`, or `"unknown": {"reason", "because"}` for the value.
    pub fn json(&self) -> Value {
        let mut out = json!({"metric": self.metric.word()});
        match &self.value {
            Ok(value) => out["value"] = json!(value),
            Err(reason) => out["unknown"] = json!({"reason": reason.word(), "because": reason.to_string()}),
        }
        if let Ok(interval) = &self.interval {
            out["low"] = json!(interval.low);
            out["high"] = json!(interval.high);
            out["level"] = json!(interval.level);
        }
        out["rows"] = json!(self.rows);
        out["source"] = json!(self.source.word());
        out["estimated"] = json!(self.source.is_estimate());
        out
    }
}

pub(crate) fn finite(value: f64) -> Result<f64, Unknown> {
    if value.is_finite() { Ok(value) } else { Err(Unknown::Overflow) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_unknown_figure_says_why_and_has_no_number() {
        let unknown = Figure::unknown(Metric::R2, Unknown::ConstantTarget { rows: 7 }, 7, Source::Realised);
        assert_eq!(
            unknown.json().to_string(),
            r#"{"metric":"r2","unknown":{"reason":"constant_target","because":"the true value is the same in all 7 rows"},"rows":7,"source":"realised","estimated":false}"#
        );
        assert_eq!(Figure::of(Metric::Mae, f64::NAN, 3, Source::Told).value, Err(Unknown::Overflow));
        let known = Figure::of(Metric::Accuracy, 0.5, 3, Source::EstimatedByConfidence);
        assert_eq!(known.json().to_string(), r#"{"metric":"accuracy","value":0.5,"rows":3,"source":"estimated_cbpe","estimated":true}"#);
    }
}
