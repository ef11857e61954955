//! What goes over the wire, for the service and for whoever calls it. Days are days of the year 2011, 1 to 365.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::data::Features;
use crate::drift::DriftReport;
pub use crate::fields::Problem;
use crate::model::Score;
pub use crate::monitor::{DriftSummary, FeatureDrift, MonitorReport};
use crate::training::Comparison;

/// The endpoints. POST takes JSON, but for `TOKEN`, which takes a form.
pub mod path {
    pub const PREDICT: &str = "/predict";
    pub const TRAIN: &str = "/train";
    pub const EVALUATE: &str = "/evaluate";
    pub const PROMOTE: &str = "/promote";
    pub const MONITOR: &str = "/monitor";
    pub const DRIFT: &str = "/drift";
    pub const HEALTH: &str = "/health";
    pub const TOKEN: &str = "/token";
    pub const METRICS: &str = "/metrics";
    pub const METRICS_DRIFT: &str = "/metrics/drift";
}

/// A larger body is refused with 413.
pub const BODY_BYTES_MAX: usize = 2 * 1024 * 1024;
/// Rows in one prediction request, at most.
pub const PREDICT_ROWS_MAX: usize = 5000;

/// `POST /predict`: one row in `features` (with an `id` if wanted), or many in `rows`; not both. A row's fields may be the body itself.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PredictRequest {
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub id: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub features: Option<Features>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub rows: Vec<PredictRow>,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PredictRow {
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub id: Option<String>,
    pub features: Features,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct PredictResponse {
    /// The champion's version.
    pub model_version: u32,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub challenger_version: Option<u32>,
    /// In the order of the request.
    pub predictions: Vec<Prediction>,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Prediction {
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub id: Option<String>,
    /// The champion's answer: rentals per hour.
    pub prediction: f64,
    /// The challenger's answer, in shadow.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub challenger: Option<f64>,
}

/// `POST /train`: trains a challenger on `from_day..=up_to`, without the hold-out days.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct TrainRequest {
    #[serde(default = "first_day")]
    pub from_day: u32,
    #[serde(alias = "to_day")]
    pub up_to: u32,
}

/// Champion and challenger on both test sets; neither was trained on any row of them.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct TrainResponse {
    pub champion: ModelInfo,
    pub challenger: ModelInfo,
    /// Hold-out days of January to April.
    pub baseline: Comparison,
    /// Hold-out days of the last 30 days up to `up_to`.
    pub current: Comparison,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct ModelInfo {
    /// 1 for the first model; each training makes the next.
    pub version: u32,
    pub from_day: u32,
    pub to_day: u32,
    /// Rows it was trained on.
    pub rows: usize,
    /// On the training rows themselves.
    pub fit: Option<Score>,
    pub training_seconds: f64,
}

/// `POST /promote`: the challenger becomes the champion. With `version`, only if it is still that one.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PromoteRequest {
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub version: Option<u32>,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct PromoteResponse {
    pub champion: ModelInfo,
    pub previous: ModelInfo,
}

/// `POST /evaluate`: scores on the days `from_day..=to_day`; with `hold_out`, on those that no model was trained on.
/// Without days: both test sets, the current one being that of the last 30 days up to `up_to`, or up to the last day that a model knows.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct EvaluateRequest {
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub from_day: Option<u32>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub to_day: Option<u32>,
    #[serde(default)]
    pub hold_out: bool,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub up_to: Option<u32>,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct EvaluateResponse {
    pub rows: usize,
    pub champion: Score,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub challenger: Option<Score>,
    /// Hold-out days of January to April. Only when no days were asked for; the scores above are then those of `current`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub baseline: Option<TestSet>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub current: Option<TestSet>,
}

/// Both models on one test set.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct TestSet {
    pub champion: Score,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub challenger: Option<Score>,
}

/// `POST /drift`: the days to compare with the champion's training rows; without days, the rows predicted last.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct DriftRequest {
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub from_day: Option<u32>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub to_day: Option<u32>,
}

/// `GET /monitor`: what the service knows of itself. (`POST /monitor` compares rows with a reference file.)
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct MonitorResponse {
    pub champion: ModelInfo,
    pub challenger: Option<ModelInfo>,
    pub training: bool,
    /// Rows that `POST /drift` would look at.
    pub recent_rows: usize,
    pub last_evaluation: Option<EvaluateResponse>,
    pub last_drift: Option<DriftReport>,
    /// Of the last `POST /monitor`.
    pub last_monitor: Option<MonitorReport>,
    /// What was damaged on disk when the service started.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub problems: Vec<String>,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct HealthResponse {
    /// `ok`
    pub status: String,
    pub model_version: u32,
}

/// `POST /token`: the fields of a form.
#[derive(Clone, Deserialize)]
pub struct TokenRequest {
    pub username: String,
    pub password: String,
}

#[derive(Clone, Serialize, Deserialize)]
pub struct TokenResponse {
    pub access_token: String,
    /// `bearer`
    pub token_type: String,
    /// Seconds.
    pub expires_in: u64,
}

/// `POST /metrics/drift`: scores that another program computed, 0 to 1. Needs a token.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct DriftScores {
    pub overall_drift_score: f64,
    #[serde(default)]
    pub feature_drift_scores: BTreeMap<String, f64>,
    /// RFC 3339; when the scores were computed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub timestamp: Option<String>,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct ErrorBody {
    pub detail: ErrorDetail,
    /// A fixed word: `invalid_input`, `no_challenger`, ...
    pub kind: String,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(untagged)]
pub enum ErrorDetail {
    Text(String),
    /// Status 422: each field that is wrong.
    Fields(Vec<Problem>),
}

fn first_day() -> u32 {
    1
}
