//! What a report is made of. Everything may be missing: a command knows two tables, a service knows a model over months.

use bellbuoy_drift::Finding;
use bellbuoy_vocabulary::Timestamp;

use crate::number::{percent, plural};
use crate::{DriftPart, PerformancePart, Screen, Verdict};

/// A report, ready to be written as a page (`html`), for a terminal (`text`) or as data (`json`).
#[derive(Clone, Debug, Default, PartialEq)]
pub struct ModelReport {
    pub title: String,
    /// When it was made, or judged.
    pub at: Option<Timestamp>,
    pub drift: Option<DriftPart>,
    /// `None`: nobody looked.
    pub quality: Option<Vec<Finding>>,
    /// One per role, the champion first; or the one that was evaluated.
    pub performance: Vec<PerformancePart>,
    /// Deployments, decisions, trainings: what happened, oldest first. Drawn into the lines of performance.
    pub marks: Vec<Mark>,
    /// What else a reader should know, a sentence each.
    pub notes: Vec<String>,
}

/// Something that happened.
#[derive(Clone, Debug, PartialEq)]
pub struct Mark {
    pub at: Timestamp,
    /// One or two words: `deployed`, `retrain`.
    pub what: String,
    /// Why, and of what.
    pub text: String,
}

/// Lines of "what changed".
const CHANGES_MAX: usize = 6;
/// Of them about performance.
const FALLS_MAX: usize = 2;

impl ModelReport {
    pub fn html(&self) -> String {
        crate::html::page(self)
    }

    pub fn text(&self, screen: &Screen) -> String {
        crate::text::of(self, screen)
    }

    pub fn json(&self) -> serde_json::Value {
        crate::json::of(self)
    }

    /// What changed, the most important first, a name and a sentence each; and how many more there would be.
    pub(crate) fn changes(&self) -> (Vec<(String, String)>, usize) {
        let mut out = Vec::new();
        if let Some(part) = self.performance.first() {
            out.extend(part.changes().into_iter().take(FALLS_MAX));
        }
        if let Some(drift) = &self.drift {
            for feature in drift.features.iter().filter(|feature| feature.verdict() == Verdict::Drifted) {
                out.push((feature.row.name.clone(), feature.sentence()));
            }
        }
        let more = out.len().saturating_sub(CHANGES_MAX);
        out.truncate(CHANGES_MAX);
        (out, more)
    }

    /// The verdict on drift in two words, and how it looks.
    pub(crate) fn drift_words(drift: &DriftPart) -> (Verdict, &'static str) {
        match () {
            () if drift.dataset_drift => (Verdict::Drifted, "Drift"),
            () if drift.judged == 0 => (Verdict::Broken, "Drift unknown"),
            () if drift.drifted > 0 => (Verdict::Broken, "Some drift"),
            () => (Verdict::Same, "No drift"),
        }
    }

    /// The verdict on drift in a sentence.
    pub(crate) fn drift_sentence(drift: &DriftPart) -> String {
        if drift.judged == 0 {
            return "No column could be judged".into();
        }
        format!(
            "{} of {} drifted ({}); the data set counts as drifted from {}",
            drift.drifted,
            plural(drift.judged, "column", "columns"),
            percent(drift.share),
            percent(drift.share_threshold)
        )
    }
}
