//! Drift for readers: each column with its verdict, what it looks like on both sides and what is different, worst first.

use bellbuoy_drift::{ColumnReport, Options, Preset, Report, TableProfile};

use crate::distribution::{in_words, moved};
use crate::number::{number, p_value, percent};
use crate::{Distribution, Facts};

/// The verdict on a table.
#[derive(Clone, Debug, PartialEq)]
pub struct DriftPart {
    pub reference: Side,
    pub current: Side,
    /// Worst first.
    pub features: Vec<Feature>,
    pub judged: usize,
    pub drifted: usize,
    pub share: f64,
    pub share_threshold: f64,
    pub dataset_drift: bool,
    /// `evidently`, `default`, or the one test of all columns.
    pub judged_by: String,
    /// Scores are p-values that are corrected for the number of columns, and drift needs an effect as well.
    pub corrected: bool,
}

/// One of the two tables.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Side {
    /// A file, a window, a stretch of time.
    pub name: String,
    pub rows: u64,
}

/// One column.
#[derive(Clone, Debug, PartialEq)]
pub struct Feature {
    pub row: ColumnReport,
    /// The share of rows that lie elsewhere, whatever test judged.
    pub moved: Option<f64>,
    pub reference: Option<Facts>,
    pub current: Option<Facts>,
    pub distribution: Option<Distribution>,
}

/// In the order of urgency.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Verdict {
    Drifted,
    /// A side has nothing to compare: gone, emptied, of another type.
    Broken,
    Same,
    /// Too few rows, constant, free text: nothing is wrong and nothing is known.
    Unknown,
    LeftOut,
}

impl Verdict {
    pub fn word(self) -> &'static str {
        match self {
            Verdict::Drifted => "drifted",
            Verdict::Broken => "cannot judge",
            Verdict::Same => "same",
            Verdict::Unknown => "not judged",
            Verdict::LeftOut => "left out",
        }
    }

    /// For colours: `bad`, `warn`, `good`, `none`.
    pub(crate) fn tone(self) -> &'static str {
        match self {
            Verdict::Drifted => "bad",
            Verdict::Broken => "warn",
            Verdict::Same => "good",
            Verdict::Unknown | Verdict::LeftOut => "none",
        }
    }

    /// Beside the word, for those who do not see colours.
    pub(crate) fn sign(self) -> &'static str {
        match self {
            Verdict::Drifted => "▲",
            Verdict::Broken => "!",
            Verdict::Same => "✓",
            Verdict::Unknown | Verdict::LeftOut => "–",
        }
    }
}

impl DriftPart {
    /// The profiles are of the same tables as the report; columns that they lack are there without a picture.
    pub fn new(report: &Report, options: &Options, reference: (Side, &TableProfile), current: (Side, &TableProfile)) -> DriftPart {
        let mut features: Vec<Feature> = report.columns.iter().map(|row| Feature::new(row, reference.1, current.1)).collect();
        features.sort_by(|a, b| a.verdict().cmp(&b.verdict()).then(b.badness().total_cmp(&a.badness())));
        DriftPart {
            reference: reference.0,
            current: current.0,
            features,
            judged: report.judged_columns,
            drifted: report.drifted_columns,
            share: report.drift_share,
            share_threshold: options.drift_share_threshold,
            dataset_drift: report.dataset_drift,
            judged_by: options.test.map_or_else(|| format!("preset {}", options.preset.name()), |test| format!("test {}", test.name())),
            corrected: options.test.is_none() && options.preset == Preset::Default,
        }
    }
}

impl Feature {
    fn new(row: &ColumnReport, reference: &TableProfile, current: &TableProfile) -> Feature {
        let (reference, current) = (reference.column(&row.name), current.column(&row.name));
        Feature {
            moved: row.effect.or_else(|| moved(reference?, current?)),
            distribution: Distribution::of(reference, current),
            reference: reference.map(Facts::of),
            current: current.map(Facts::of),
            row: row.clone(),
        }
    }

    pub fn verdict(&self) -> Verdict {
        let row = &self.row;
        match &row.error {
            None if row.drifted => Verdict::Drifted,
            None => Verdict::Same,
            Some(_) if row.is_left_out() => Verdict::LeftOut,
            Some(_) if row.reference_rows == 0 || row.current_rows == 0 => Verdict::Broken,
            Some(_) => Verdict::Unknown,
        }
    }

    /// Columns of the same verdict are compared by the rows that moved; a few rows that went far count as well.
    fn badness(&self) -> f64 {
        let far = self.row.distance.map_or(0.0, |distance| (distance / 10.0).min(0.99));
        self.moved.unwrap_or(0.0).max(far)
    }

    /// What is different, or why nothing is known.
    pub(crate) fn sentence(&self) -> String {
        match &self.row.error {
            Some(error) => error.clone(),
            None => {
                let words = in_words(self.distribution.as_ref(), self.reference.as_ref(), self.current.as_ref());
                // What has no picture (the predictions of a running model) still has its effect.
                match self.row.effect.filter(|_| words.is_empty()) {
                    Some(effect) => format!("{} of the rows lie elsewhere", percent(effect)),
                    None => words,
                }
            }
        }
    }

    pub(crate) fn score(&self) -> String {
        match (self.row.score, self.is_distance()) {
            (None, _) => "-".into(),
            (Some(score), true) => number(score),
            (Some(score), false) => p_value(score),
        }
    }

    /// What the score is compared with: `≥ 0.1`, `≤ 0.05`.
    pub(crate) fn limit(&self) -> String {
        match self.row.score {
            None => "-".into(),
            Some(_) => format!("{} {}", if self.is_distance() { "≥" } else { "≤" }, number(self.row.threshold)),
        }
    }

    pub(crate) fn is_distance(&self) -> bool {
        self.row.test.is_some_and(|test| test.is_distance())
    }

    pub(crate) fn moved_text(&self) -> String {
        self.moved.map_or("-".into(), percent)
    }
}
