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
            if gain < 0.0 && -gain > self.noise(last) && first.from < last.from {
                out.push((format!("{} {}", self.name, name_of(line.metric)), format!("{} → {}, worse", brief(*was), brief(*is))));
            }
        }
        out
    }

    /// How far a figure may lie off by chance: half its interval, or that of the same figure now (past windows have none).
    fn noise(&self, point: &Point) -> f64 {
        let now = self.figures.iter().find(|figure| figure.metric == point.figure.metric);
        let known = [Some(&point.figure), now].into_iter().flatten().find_map(|figure| figure.interval.as_ref().ok());
        known.map_or(0.0, |interval| (interval.high - interval.low) / 2.0)
    }
}

impl Line {
    /// Windows that have a value.
    pub(crate) fn known(&self) -> usize {
        self.points.iter().filter(|point| point.figure.value.is_ok()).count()
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

#[cfg(test)]
mod tests {
    use super::*;
    use bellbuoy_models::Interval;

    /// A report once called F1 0.601 -> 0.597 worse, with an interval of 0.57 to 0.65 beside it.
    #[test]
    fn what_lies_within_chance_is_no_change() {
        let point = |day: i64, value: f64| Point {
            from: Timestamp(day),
            to: Timestamp(day + 1),
            figure: Figure::of(Metric::F1, value, 1000, Source::Realised),
            amended: false,
        };
        let changes = |last: f64| {
            let now = Figure {
                interval: Ok(Interval { low: 0.57, high: 0.65, level: 0.95 }),
                ..Figure::of(Metric::F1, 0.61, 1000, Source::Realised)
            };
            let lines = vec![Line { metric: Metric::F1, points: vec![point(0, 0.601), point(1, last)] }];
            PerformancePart { name: "champion".into(), figures: vec![now], lines, ..PerformancePart::default() }.changes().len()
        };
        assert_eq!((changes(0.597), changes(0.5), changes(0.7)), (0, 1, 0));
    }
}
