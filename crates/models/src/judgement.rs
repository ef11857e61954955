//! What is known of a model at one time: drift, quality, performance and estimates of each role in each window, and the decision.

use bellbuoy_drift::{ColumnReport, Finding};
use bellbuoy_vocabulary::{Labels, Timestamp};
use serde_json::{Map, Value, json};

use crate::series::{aliased, judgement_series};
use crate::{
    Cut, DetectorFigures, Evaluation, Event, Metric, ModelSettings, Readings, RetrainingOutcome, Ruling, Segments, Unknown, WindowFigures,
};

#[derive(Clone, Debug, Default, PartialEq)]
pub struct DriftSummary {
    /// Drifted features among those that could be judged, 0 to 1.
    pub share: f64,
    pub drifted_features: usize,
    pub judged_features: usize,
    pub features: Vec<ColumnReport>,
    /// What the model says, beside its features. `None`: not asked for, or the reference has no answers.
    pub prediction: Option<ColumnReport>,
    /// The share has reached the model's line.
    pub detected: bool,
    /// Rows of the current window, and of the reference.
    pub rows: usize,
    pub reference_rows: usize,
    /// Current rows of a season that the reference does not have: they were not compared.
    pub uncovered: usize,
    /// From a profile.
    pub approximate: bool,
}

/// One role in one window.
#[derive(Clone, Debug, PartialEq)]
pub struct WindowJudgement {
    pub window: String,
    pub role: String,
    /// Of a window that is cut at fixed places.
    pub cut: Option<Cut>,
    /// Times of the first and the last row.
    pub from: Option<Timestamp>,
    pub to: Option<Timestamp>,
    pub rows: usize,
    /// Of them with a true value.
    pub with_truth: usize,
    pub drift: Result<DriftSummary, Unknown>,
    /// Empty: nothing is wrong with the data.
    pub quality: Result<Vec<Finding>, Unknown>,
    pub evaluation: Evaluation,
    /// By the features of the settings.
    pub segments: Vec<(String, Segments)>,
    /// Of all rows of the window, from what the reference taught.
    pub estimates: Result<Evaluation, Unknown>,
}

/// A window of the past that was told as complete and has changed since; its figures are in the model's history.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Amended {
    pub window: String,
    pub role: String,
    pub number: i64,
}

#[derive(Clone, Debug, PartialEq)]
pub struct Judgement {
    pub at: Timestamp,
    /// By window in the order of the settings, the champion first in each: the first one is what decisions and events are about.
    pub windows: Vec<WindowJudgement>,
    pub amended: Vec<Amended>,
    /// Of each role, in the order of the settings.
    pub detectors: Vec<DetectorFigures>,
    pub decision: Ruling<RetrainingOutcome>,
    /// Every figure by its name in rules.
    pub readings: Readings,
}

impl Judgement {
    /// The champion in the first window.
    pub fn first(&self) -> Option<&WindowJudgement> {
        self.windows.first()
    }

    /// The figures that one line has room for, as far as they are known.
    pub fn headline(&self) -> Vec<(Metric, f64)> {
        const USUAL: [Metric; 6] = [Metric::R2, Metric::Rmse, Metric::Mae, Metric::BalancedAccuracy, Metric::RocAuc, Metric::F1];
        let value = |metric: Metric| Some((metric, self.first()?.evaluation.value(metric).ok()?));
        USUAL.into_iter().filter_map(value).collect()
    }

    pub fn window(&self, window: &str, role: &str) -> Option<&WindowJudgement> {
        self.windows.iter().find(|judged| judged.window == window && judged.role == role)
    }

    /// The series of this judgement: docs/guides/model-series.md. What is unknown has no series but the one that says so.
    pub fn samples(&self, settings: &ModelSettings) -> Vec<(Labels, f64)> {
        aliased(settings, judgement_series(settings, self))
    }

    /// What people should hear of this judgement; see `Event::of_judgement`.
    pub fn events(&self, settings: &ModelSettings, first: bool) -> Vec<Event> {
        let drift = self.first().and_then(|first| first.drift.as_ref().ok()).filter(|drift| drift.detected);
        let drifted = drift.map(|drift| {
            let drifted = drift.features.iter().filter(|feature| feature.drifted);
            drifted.map(|feature| feature.name.clone()).collect::<Vec<_>>()
        });
        Event::of_judgement(settings, &self.decision, &self.readings, drifted, first)
    }

    /// `{"at", "windows": [...], "amended": [...], "detectors": [...], "decision": {...}}`
    pub fn json(&self) -> Value {
        let amended = |of: &Amended| json!({"window": of.window, "role": of.role, "number": of.number});
        json!({
            "at": self.at.rfc3339(),
            "decision": self.decision.json(self.decision.outcome.word()),
            "windows": self.windows.iter().map(WindowJudgement::json).collect::<Vec<_>>(),
            "detectors": self.detectors.iter().map(DetectorFigures::json).collect::<Vec<_>>(),
            "amended": self.amended.iter().map(amended).collect::<Vec<_>>(),
        })
    }
}

impl WindowJudgement {
    pub fn json(&self) -> Value {
        let mut out = json!({
            "window": self.window, "role": self.role, "rows": self.rows, "true_values": self.with_truth,
            "from": self.from.map(Timestamp::rfc3339), "to": self.to.map(Timestamp::rfc3339),
            "drift": self.drift.as_ref().map_or_else(unknown_json, DriftSummary::json),
            "quality": match &self.quality {
                Ok(findings) => findings.iter().map(finding_json).collect(),
                Err(reason) => unknown_json(reason),
            },
            "performance": self.evaluation.json(),
            "estimates": self.estimates.as_ref().map_or_else(unknown_json, Evaluation::json),
        });
        if let Some(cut) = &self.cut {
            out["cut"] = cut_json(cut);
        }
        if !self.segments.is_empty() {
            let segments: Map<String, Value> = self.segments.iter().map(|(division, of)| (division.clone(), segments_json(of))).collect();
            out["segments"] = Value::Object(segments);
        }
        out
    }
}

impl DriftSummary {
    pub fn json(&self) -> Value {
        json!({
            "share": self.share, "detected": self.detected, "drifted_features": self.drifted_features, "judged_features": self.judged_features,
            "rows": self.rows, "reference_rows": self.reference_rows, "uncovered_rows": self.uncovered, "approximate": self.approximate,
            "features": self.features.iter().map(column_json).collect::<Vec<_>>(),
            "prediction": self.prediction.as_ref().map(column_json),
        })
    }
}

impl WindowFigures {
    pub fn json(&self) -> Value {
        let mut out = self.evaluation.json();
        out["window"] = cut_json(&self.cut);
        out["predictions"] = json!(self.predictions);
        out["with_true_value"] = json!(self.with_truth);
        out["amended"] = json!(self.amended);
        out
    }
}

fn cut_json(cut: &Cut) -> Value {
    json!({"number": cut.number, "from": cut.from.rfc3339(), "to": cut.to.rfc3339(), "complete": cut.complete})
}

fn column_json(report: &ColumnReport) -> Value {
    json!({
        "name": report.name, "kind": report.kind.name(), "test": report.test.map(|test| test.name()), "score": report.score,
        "threshold": report.threshold, "drifted": report.drifted, "p_value": report.p_value, "effect": report.effect,
        "distance": report.distance, "reference_rows": report.reference_rows, "current_rows": report.current_rows, "error": report.error,
    })
}

fn finding_json(finding: &Finding) -> Value {
    json!({
        "defect": finding.defect.name(), "feature": finding.column, "value": finding.value, "expected": finding.expected, "text": finding.text,
    })
}

fn segments_json(of: &Segments) -> Value {
    let segment = |(name, evaluation): &(String, Evaluation)| {
        let mut out = evaluation.json();
        out["segment"] = json!(name);
        out
    };
    json!({"segments": of.segments.iter().map(segment).collect::<Vec<_>>(), "rows_beyond": of.rows_beyond})
}

fn unknown_json(reason: &Unknown) -> Value {
    json!({"unknown": {"reason": reason.word(), "because": reason.to_string()}})
}
