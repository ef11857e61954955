//! The models API under `/api/v1/models`: predictions and true values in, judgements out.
//!
//! Bodies are JSON: a list of rows, or one row. An answer of 200 means that the rows are on disk.

use std::sync::Arc;

use axum::body::Bytes;
use axum::extract::{Path as UrlPath, State};
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use axum::{Json, Router};
use bellbuoy_models::{Accepted, Evaluation, FeatureValue, Judgement, Metric, Outcome, Row, TwoSets};
use bellbuoy_vocabulary::Timestamp;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};

use super::answer::{ApiError, ErrorType};
use super::params::Params;
use crate::app::App;
use crate::clock;
use crate::event::finite;
use crate::models::{ModelError, Training, TrainingStatus};

/// Rows in one request above this number are refused.
const ROWS_MAX: usize = 100_000;
const AUDIT_ROWS_MAX: usize = 10_000;

pub fn routes() -> Router<Arc<App>> {
    Router::new()
        .route("/", get(list))
        .route("/{name}", get(show))
        .route("/{name}/predictions", post(predictions))
        .route("/{name}/labels", post(labels))
        .route("/{name}/judge", post(judge))
        .route("/{name}/training", post(training))
}

/// One prediction. `timestamp` is RFC 3339; now when absent.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PredictionRow {
    pub id: String,
    pub prediction: f64,
    #[serde(default)]
    pub features: Map<String, Value>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub timestamp: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub role: Option<String>,
}

/// The true value that belongs to a prediction.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct LabelRow {
    pub id: String,
    pub value: f64,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct TrainingBody {
    status: String,
    #[serde(default)]
    error: String,
    champion: Option<SetsBody>,
    challenger: Option<SetsBody>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct SetsBody {
    baseline: ScoreBody,
    current: ScoreBody,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct ScoreBody {
    r2: f64,
    rmse: f64,
    mae: f64,
    rows: usize,
}

type Answer = Result<Response, ApiError>;

impl From<ModelError> for ApiError {
    fn from(error: ModelError) -> ApiError {
        let kind = match error {
            ModelError::Unknown(_) => ErrorType::NotFound,
            ModelError::Disk(_) => ErrorType::Unavailable,
        };
        ApiError::new(kind, error.to_string())
    }
}

fn bad(message: impl Into<String>) -> ApiError {
    ApiError::new(ErrorType::BadData, message)
}

async fn list(State(app): State<Arc<App>>) -> Answer {
    Ok(Json(json!({"status": "success", "data": app.models.names()})).into_response())
}

async fn show(State(app): State<Arc<App>>, UrlPath(name): UrlPath<String>) -> Answer {
    let last = app.models.last(&name)?;
    Ok(Json(json!({"status": "success", "data": {"name": name, "judgement": last.as_ref().map(judgement_json)}})).into_response())
}

async fn predictions(State(app): State<Arc<App>>, UrlPath(name): UrlPath<String>, body: Bytes) -> Answer {
    let mut rows = Vec::new();
    for (index, row) in list_of::<PredictionRow>(&body)?.into_iter().enumerate() {
        let at = match &row.timestamp {
            None => clock::now(),
            Some(text) => Timestamp::parse_rfc3339(text).ok_or_else(|| bad(format!("row {index}: timestamp {text:?} is not RFC 3339")))?,
        };
        let mut features = std::collections::BTreeMap::new();
        for (feature, value) in row.features {
            let value = match value {
                Value::Number(number) => FeatureValue::Number(number.as_f64().unwrap_or(f64::NAN)),
                Value::String(text) => FeatureValue::Text(text),
                Value::Bool(flag) => FeatureValue::Text(flag.to_string()),
                Value::Null => FeatureValue::Missing,
                _ => return Err(bad(format!("row {index}: feature {feature:?} is neither number, text nor null"))),
            };
            features.insert(feature, value);
        }
        rows.push(Row { id: row.id, at, role: row.role.unwrap_or_else(|| "champion".into()), features, prediction: row.prediction });
    }
    let accepted = tokio::task::block_in_place(|| app.models.predictions(&name, rows))?;
    Ok(accepted_json(&accepted))
}

async fn labels(State(app): State<Arc<App>>, UrlPath(name): UrlPath<String>, body: Bytes) -> Answer {
    let rows = list_of::<LabelRow>(&body)?.into_iter().map(|row| (row.id, row.value)).collect();
    let accepted = tokio::task::block_in_place(|| app.models.labels(&name, rows))?;
    Ok(accepted_json(&accepted))
}

async fn judge(State(app): State<Arc<App>>, UrlPath(name): UrlPath<String>, params: Params) -> Answer {
    let forced = params.get("force") == Some("true");
    let judgement = tokio::task::block_in_place(|| app.models.judge(&name, forced, clock::now()))?;
    Ok(Json(json!({"status": "success", "data": judgement_json(&judgement)})).into_response())
}

async fn training(State(app): State<Arc<App>>, UrlPath(name): UrlPath<String>, body: Bytes) -> Answer {
    let body: TrainingBody = serde_json::from_slice(&body).map_err(|error| bad(format!("the body: {error}")))?;
    let status = match body.status.as_str() {
        "success" => TrainingStatus::Success,
        "failure" => TrainingStatus::Failure,
        other => return Err(bad(format!("status {other:?}: write \"success\" or \"failure\""))),
    };
    let compared = body.champion.zip(body.challenger).map(|(champion, challenger)| (two_sets(champion), two_sets(challenger)));
    let training = Training { status, error: body.error, compared };
    let decision = tokio::task::block_in_place(|| app.models.training(&name, training, clock::now()))?;
    let data = decision.map(|decision| decision.json());
    Ok(Json(json!({"status": "success", "data": data})).into_response())
}

pub async fn audit(State(app): State<Arc<App>>) -> Answer {
    let rows = app.path.state.audit(AUDIT_ROWS_MAX).map_err(|error| ApiError::new(ErrorType::Internal, error.to_string()))?;
    Ok(Json(rows).into_response())
}

fn two_sets(body: SetsBody) -> TwoSets {
    let score =
        |score: ScoreBody| Evaluation::told(&[(Metric::R2, score.r2), (Metric::Rmse, score.rmse), (Metric::Mae, score.mae)], score.rows);
    TwoSets { baseline: score(body.baseline), current: score(body.current) }
}

/// A JSON list of rows, or one row.
fn list_of<T: serde::de::DeserializeOwned>(body: &[u8]) -> Result<Vec<T>, ApiError> {
    let first = body.iter().find(|byte| !byte.is_ascii_whitespace());
    let rows: Result<Vec<T>, _> =
        if first == Some(&b'[') { serde_json::from_slice(body) } else { serde_json::from_slice(body).map(|row| vec![row]) };
    let rows = rows.map_err(|error| bad(format!("the body: {error}")))?;
    if rows.len() > ROWS_MAX {
        return Err(bad(format!("more than {ROWS_MAX} rows in one request")));
    }
    Ok(rows)
}

fn accepted_json(accepted: &Accepted) -> Response {
    let refused: Vec<Value> = accepted.refused.iter().map(|(id, reason)| json!({"id": id, "reason": reason})).collect();
    let status = if accepted.new == 0 && accepted.repeated == 0 && !refused.is_empty() { StatusCode::BAD_REQUEST } else { StatusCode::OK };
    let body = json!({"status": if status == StatusCode::OK { "success" } else { "error" },
        "data": {"new": accepted.new, "repeated": accepted.repeated, "refused": refused}});
    (status, Json(body)).into_response()
}

pub fn judgement_json(judgement: &Judgement) -> Value {
    let drift = match &judgement.drift {
        Outcome::Known(drift) => json!({"share": drift.share, "driftedFeatures": drift.drifted_features, "detected": drift.detected,
            "features": drift.features.iter().map(|column| json!({"name": column.name, "test": column.test.map(|test| test.name()), "score": column.score.and_then(|score| finite(score).as_f64()),
                "threshold": column.threshold, "drifted": column.drifted, "error": column.error})).collect::<Vec<_>>()}),
        Outcome::Unknown(reason) => json!({"unknown": reason.to_string()}),
    };
    let performance = match &judgement.performance {
        Outcome::Known(p) => json!({"r2": finite(p.r2), "rmse": finite(p.rmse), "mae": finite(p.mae), "rows": p.rows}),
        Outcome::Unknown(reason) => json!({"unknown": reason.to_string()}),
    };
    json!({"at": judgement.at.rfc3339(), "drift": drift, "performance": performance,
        "decision": judgement.decision.json(judgement.decision.outcome.word())})
}
