//! What is known of a model at one time: drift, performance, decision; and its series.

use bellbuoy_drift::ColumnReport;
use bellbuoy_vocabulary::{Labels, METRIC_NAME, Timestamp};

use crate::{Event, ModelSettings, Performance, Readings, RetrainingOutcome, Ruling};

/// A figure, or why there is none.
#[derive(Clone, Debug, PartialEq)]
pub enum Outcome<T> {
    Known(T),
    /// A lowercase fragment: what is missing.
    Unknown(String),
}

impl<T> Outcome<T> {
    pub fn known(&self) -> Option<&T> {
        match self {
            Outcome::Known(value) => Some(value),
            Outcome::Unknown(_) => None,
        }
    }
}

#[derive(Clone, Debug, PartialEq)]
pub struct DriftSummary {
    /// Drifted features among those that could be judged, 0 to 1.
    pub share: f64,
    pub drifted_features: usize,
    pub features: Vec<ColumnReport>,
    /// The share has reached the model's line.
    pub detected: bool,
    /// Rows of the current window.
    pub rows: usize,
}

#[derive(Clone, Debug, PartialEq)]
pub struct Judgement {
    pub at: Timestamp,
    pub drift: Outcome<DriftSummary>,
    pub performance: Outcome<Performance>,
    pub decision: Ruling<RetrainingOutcome>,
    /// Every figure by its name in rules.
    pub readings: Readings,
}

impl Judgement {
    /// The series of this judgement. What is unknown has no series but the one that says so, with its reason.
    pub fn samples(&self, settings: &ModelSettings) -> Vec<(Labels, f64)> {
        let mut out = Vec::new();
        let mut add = |name: &str, label: Option<(&str, &str)>, value: f64| out.push((series(settings, name, label), value));
        match &self.drift {
            Outcome::Unknown(reason) => add("model_drift_unknown", Some(("reason", reason_word(reason))), 1.0),
            Outcome::Known(drift) => {
                add("model_drift_unknown", None, 0.0);
                add("drift_detected", None, flag(drift.detected));
                add("drift_share", None, drift.share);
                add("drifted_features_count", None, drift.drifted_features as f64);
                add("judged_rows", Some(("of", "drift")), drift.rows as f64);
                for feature in &drift.features {
                    // A feature that could not be judged has no score: its series ends.
                    if let Some(score) = feature.score {
                        add("feature_drift_score", Some(("feature", &feature.name)), score);
                        add("feature_drift", Some(("feature", &feature.name)), flag(feature.drifted));
                    }
                }
            }
        }
        match &self.performance {
            Outcome::Unknown(reason) => add("model_performance_unknown", Some(("reason", reason_word(reason))), 1.0),
            Outcome::Known(figures) => {
                add("model_performance_unknown", None, 0.0);
                add("judged_rows", Some(("of", "performance")), figures.rows as f64);
                for (name, alias, value) in [
                    ("model_r2_production", "prediction_r2", figures.r2),
                    ("model_rmse_production", "prediction_rmse", figures.rmse),
                    ("model_mae_production", "prediction_mae", figures.mae),
                ] {
                    add(name, None, value);
                    add(alias, None, value);
                }
            }
        }
        add("last_judgement_timestamp_seconds", None, self.at.seconds());
        out
    }

    /// What people should hear of this judgement; see `Event::of_judgement`.
    pub fn events(&self, settings: &ModelSettings, first: bool) -> Vec<Event> {
        let drifted = |drift: &DriftSummary| {
            let drifted = drift.features.iter().filter(|feature| feature.drifted);
            drifted.map(|feature| feature.name.clone()).collect::<Vec<_>>()
        };
        let drifted = self.drift.known().filter(|drift| drift.detected).map(drifted);
        Event::of_judgement(settings, &self.decision, &self.readings, drifted, first)
    }
}

/// `PREFIX name {model, labels of the settings, label}`.
pub(crate) fn series(settings: &ModelSettings, name: &str, label: Option<(&str, &str)>) -> Labels {
    let mut pairs: Vec<(&str, &str)> = settings.labels.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect();
    let name = format!("{}{name}", settings.metric_prefix);
    pairs.extend([(METRIC_NAME, name.as_str()), ("model", &settings.name)]);
    pairs.extend(label);
    Labels::from_pairs(pairs)
}

/// Reasons carry numbers that change; as a label only their kind is used, so that they make few series.
fn reason_word(reason: &str) -> &'static str {
    if reason.contains("are needed") {
        "too_few_rows"
    } else if reason.contains("the true value is the same") {
        "constant_target"
    } else if reason.contains("no feature") {
        "no_feature_judged"
    } else if reason.contains("no ") {
        "no_rows"
    } else {
        "not_computable"
    }
}

fn flag(is: bool) -> f64 {
    f64::from(u8::from(is))
}
