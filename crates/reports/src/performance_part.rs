//! How good a model was: its figures now, over time, by segment, and what a classification looks like inside.

use bellbuoy_models::{Better, ClassDetails, Evaluation, Figure, Metric, Source};
use bellbuoy_vocabulary::Timestamp;

use crate::number::brief;

#[derive(Clone, Debug, Default, PartialEq)]
pub struct PerformancePart {
    /// A role, or what was evaluated.
    pub name: String,
    /// Of the newest window, or of the whole file.
    pub figures: Vec<Figure>,
    pub rows: usize,
    /// Rows that could not be used.
    pub left_out: usize,
    /// One per metric that is worth a picture.
    pub lines: Vec<Line>,
    pub divisions: Vec<Division>,
    /// Classification only.
    pub classes: Option<ClassDetails>,
    /// Regression only: prediction - true value, sorted.
    pub errors: Vec<f64>,
}

/// One metric over time.
#[derive(Clone, Debug, PartialEq)]
pub struct Line {
    pub metric: Metric,
    /// Oldest first.
    pub points: Vec<Point>,
}

/// One window.
#[derive(Clone, Debug, PartialEq)]
pub struct Point {
    pub from: Timestamp,
    pub to: Timestamp,
    /// Its source says whether it was seen or estimated.
    pub figure: Figure,
    /// Late true values changed it.
    pub amended: bool,
}

/// The same figures by the values of one column.
#[derive(Clone, Debug, PartialEq)]
pub struct Division {
    pub by: String,
    /// The largest first.
    pub segments: Vec<(String, Evaluation)>,
    /// Rows of segments that are not listed.
    pub rows_beyond: usize,
}

impl PerformancePart {
    /// Of one evaluation, without a history.
    pub fn of(name: impl Into<String>, evaluation: &Evaluation) -> PerformancePart {
        PerformancePart {
            name: name.into(),
            figures: evaluation.figures.clone(),
            rows: evaluation.rows,
            left_out: evaluation.left_out,
            ..PerformancePart::default()
        }
    }

    /// How each line went, from its first realised window to its last, where that is worse by more than the interval.
    pub(crate) fn changes(&self) -> Vec<(String, String)> {
        let mut out = Vec::new();
        for line in &self.lines {
            let known = |point: &&Point| point.figure.source == Source::Realised && point.figure.value.is_ok();
            let (Some(first), Some(last)) = (line.points.iter().find(known), line.points.iter().rev().find(known)) else { continue };
            let (Ok(was), Ok(is)) = (&first.figure.value, &last.figure.value) else { continue };
            let gain = line.metric.gain(*was, *is);
            let within = last.figure.interval.as_ref().is_ok_and(|interval| (interval.low..=interval.high).contains(was));
            if gain < 0.0 && !within && first.from < last.from {
                out.push((format!("{} {}", self.name, name_of(line.metric)), format!("{} → {}, worse", brief(*was), brief(*is))));
            }
        }
        out
    }
}

/// The name of a metric for people.
pub(crate) fn name_of(metric: Metric) -> String {
    match metric {
        Metric::R2 => "R²".into(),
        Metric::Rmse | Metric::Mae | Metric::Mape | Metric::Ece => metric.word().to_uppercase(),
        Metric::RocAuc => "ROC AUC".into(),
        Metric::RocAucWeighted => "ROC AUC weighted".into(),
        Metric::PrAuc => "PR AUC".into(),
        _ => {
            let mut words = metric.word().replace('_', " ");
            if let Some(first) = words.get_mut(..1) {
                first.make_ascii_uppercase();
            }
            words
        }
    }
}

/// Which way is better, in words.
pub(crate) fn better(metric: Metric) -> &'static str {
    match metric.better() {
        Better::Higher => "higher is better",
        Better::Lower => "lower is better",
        Better::Zero => "best at 0",
    }
}

pub(crate) fn source_of(source: Source) -> &'static str {
    match source {
        Source::Realised => "seen",
        Source::EstimatedByConfidence => "estimated (CBPE)",
        Source::EstimatedByLoss => "estimated (DLE)",
        Source::Told => "told",
    }
}
