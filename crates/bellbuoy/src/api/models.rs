//! The models API under `/api/v1/models`: predictions and true values in, judgements out.
//!
//! Rows come as JSON, JSON lines, CSV or Parquet (`models/body`). An answer of 200 means that the rows are on disk. 429: too many rows wait
//! for the disk; 503: the disk took none of them. Both say when to come again.

use std::sync::Arc;
use std::time::Duration;

use axum::body::Bytes;
use axum::extract::{FromRequestParts, Path as UrlPath, State};
use axum::http::request::Parts;
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use axum::{Json, Router};
use bellbuoy_models::Judgement;
use serde::Serialize;
use serde_json::{Map, Value, json};
use tokio::sync::{Semaphore, SemaphorePermit};

use super::answer::{ApiError, ErrorType};
use super::bellbuoy;
use super::params::Params;
use crate::app::App;
use crate::clock;
use crate::models::body::{self, Batch, BodyError, Headers, Refusal};
use crate::models::{ModelError, Pending, Receipt, SubmitError};

/// Requests with rows that are in memory at a time; more wait for their turn before their bodies are read.
const BODIES_MAX: usize = 64;
static BODIES: Semaphore = Semaphore::const_new(BODIES_MAX);
const TURN_WAIT: Duration = Duration::from_secs(10);
/// When who was told to wait should come again.
const RETRY_AFTER_SECONDS: u32 = 1;

pub fn routes() -> Router<Arc<App>> {
    Router::new()
        .route("/", get(list))
        .route("/{name}", get(show))
        .route("/{name}/predictions", post(predictions))
        .route("/{name}/labels", post(labels))
        .route("/{name}/report", get(super::reports::report))
        .route("/{name}/windows", get(windows))
        .route("/{name}/judge", post(judge))
        .merge(super::decisions::routes())
}

/// One prediction, to be sent. `timestamp` is RFC 3339; now when absent.
#[derive(Clone, Debug, Serialize)]
pub struct PredictionRow {
    pub id: String,
    pub prediction: f64,
    pub features: Map<String, Value>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub timestamp: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub role: Option<String>,
}

/// The true value that belongs to a prediction.
#[derive(Clone, Debug, Serialize)]
pub struct LabelRow {
    pub id: String,
    pub value: f64,
}

type Answer = Result<Response, ApiError>;

impl From<ModelError> for ApiError {
    fn from(error: ModelError) -> ApiError {
        let kind = match error {
            ModelError::Unknown(_) => ErrorType::NotFound,
            ModelError::Submit(_) => ErrorType::Unavailable,
            ModelError::Refused(_) => ErrorType::BadData,
        };
        ApiError::new(kind, error.to_string())
    }
}

impl From<BodyError> for ApiError {
    fn from(error: BodyError) -> ApiError {
        let status = match error {
            BodyError::Bad(_) | BodyError::Table(_) => StatusCode::BAD_REQUEST,
            BodyError::TooLarge | BodyError::TooManyRows => StatusCode::PAYLOAD_TOO_LARGE,
            BodyError::NotSupported(_) => StatusCode::UNSUPPORTED_MEDIA_TYPE,
        };
        ApiError { status, kind: ErrorType::BadData, message: error.to_string() }
    }
}

async fn list(State(app): State<Arc<App>>) -> Answer {
    Ok(Json(json!({"status": "success", "data": app.models.outlines()})).into_response())
}

async fn show(State(app): State<Arc<App>>, UrlPath(name): UrlPath<String>) -> Answer {
    let mut data = app.models.outline(&name)?;
    data["judgement"] = json!(app.models.last(&name)?.as_ref().map(Judgement::json));
    data["sources"] = json!(app.sources.status(&name));
    data["registry"] = bellbuoy::registry::registry(&app, &name);
    data["traffic"] = bellbuoy::traffic(&app, &name);
    Ok(Json(json!({"status": "success", "data": data})).into_response())
}

async fn windows(State(app): State<Arc<App>>, UrlPath(name): UrlPath<String>, params: Params) -> Answer {
    let data = app.models.windows(&name, params.get("window"), params.get("role"))?;
    Ok(Json(json!({"status": "success", "data": data})).into_response())
}

async fn predictions(State(app): State<Arc<App>>, UrlPath(name): UrlPath<String>, _turn: Turn, headers: HeaderMap, body: Bytes) -> Answer {
    let intake = app.models.intake(&name, clock::now())?;
    let said = headers_of(&headers);
    let batch = tokio::task::block_in_place(|| body::predictions(&body, &said, &intake))?;
    let bytes = body.len();
    drop(body);
    let (rows, batch) = without_rows(batch);
    let pending = app.models.submit_predictions(&name, rows, batch.schema.clone(), bytes);
    answer(&app, &name, "predictions", pending, batch).await
}

async fn labels(State(app): State<Arc<App>>, UrlPath(name): UrlPath<String>, _turn: Turn, headers: HeaderMap, body: Bytes) -> Answer {
    let intake = app.models.intake(&name, clock::now())?;
    let said = headers_of(&headers);
    let batch = tokio::task::block_in_place(|| body::labels(&body, &said, &intake))?;
    let bytes = body.len();
    drop(body);
    let (rows, batch) = without_rows(batch);
    let pending = app.models.submit_labels(&name, rows, bytes);
    answer(&app, &name, "labels", pending, batch).await
}

/// Taken before the body is read, held until the answer.
struct Turn(#[allow(dead_code)] SemaphorePermit<'static>);

impl<S: Send + Sync> FromRequestParts<S> for Turn {
    type Rejection = Response;

    async fn from_request_parts(_: &mut Parts, _: &S) -> Result<Turn, Response> {
        match tokio::time::timeout(TURN_WAIT, BODIES.acquire()).await {
            Ok(Ok(permit)) => Ok(Turn(permit)),
            _ => Err(come_again(&SubmitError::Busy)),
        }
    }
}

fn headers_of(headers: &HeaderMap) -> Headers<'_> {
    let text = |name| headers.get(name).and_then(|value: &header::HeaderValue| value.to_str().ok());
    Headers { content_type: text(header::CONTENT_TYPE), content_encoding: text(header::CONTENT_ENCODING) }
}

fn without_rows<T>(mut batch: Batch<T>) -> (Vec<T>, Batch<T>) {
    (std::mem::take(&mut batch.rows), batch)
}

/// Waits until the rows are on disk, and says what became of each kind of them.
async fn answer<T>(app: &App, name: &str, kind: &str, pending: Result<Pending, ModelError>, mut batch: Batch<T>) -> Answer {
    let receipt = match pending {
        Ok(pending) => pending.await.unwrap_or(Err(SubmitError::Closed)),
        Err(ModelError::Submit(error)) => Err(error),
        Err(other) => return Err(other.into()),
    };
    let receipt = match receipt {
        Ok(receipt) => receipt,
        Err(error) => return Ok(come_again(&error)),
    };
    app.models.count(name, kind, &receipt, batch.refused.count);
    let row = |index: usize| batch.numbers.get(index).map_or(0, |number| *number as usize);
    let later = receipt.reasons.iter().map(|(index, id, reason)| Refusal {
        row: row(*index),
        id: id.clone(),
        field: String::new(),
        reason: reason.clone(),
    });
    let later = body::Refusals { count: receipt.refused, listed: later.collect() };
    batch.refused.extend(later);
    Ok(receipt_json(&receipt, &batch.refused))
}

fn come_again(error: &SubmitError) -> Response {
    let status = if matches!(error, SubmitError::Full { .. } | SubmitError::Busy) {
        StatusCode::TOO_MANY_REQUESTS
    } else {
        StatusCode::SERVICE_UNAVAILABLE
    };
    let body = json!({"status": "error", "errorType": "unavailable", "error": error.to_string()});
    (status, [(header::RETRY_AFTER, RETRY_AFTER_SECONDS.to_string())], Json(body)).into_response()
}

async fn judge(State(app): State<Arc<App>>, UrlPath(name): UrlPath<String>, params: Params) -> Answer {
    let forced = params.get("force") == Some("true");
    let judgement = tokio::task::block_in_place(|| app.models.judge(&name, forced, clock::now()))?;
    Ok(Json(json!({"status": "success", "data": judgement.json()})).into_response())
}

/// 400 when nothing of it could be taken.
fn receipt_json(receipt: &Receipt, refused: &body::Refusals) -> Response {
    let listed: Vec<Value> = refused
        .listed
        .iter()
        .map(|refusal| json!({"row": refusal.row, "id": refusal.id, "field": refusal.field, "reason": refusal.reason}))
        .collect();
    let taken = receipt.new + receipt.repeated + receipt.corrected + receipt.waiting;
    let status = if taken == 0 && refused.count > 0 { StatusCode::BAD_REQUEST } else { StatusCode::OK };
    let body = json!({"status": if status == StatusCode::OK { "success" } else { "error" },
        "data": {"new": receipt.new, "repeated": receipt.repeated, "corrected": receipt.corrected, "waiting": receipt.waiting,
            "refusedRows": refused.count, "refused": listed}});
    (status, Json(body)).into_response()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn who_is_told_to_wait_is_told_how_long() {
        for (error, status) in [
            (SubmitError::Full { rows: 5 }, 429),
            (SubmitError::Busy, 429),
            (SubmitError::Disk("no space left on device".into()), 503),
            (SubmitError::Closed, 503),
        ] {
            let response = come_again(&error);
            let after = response.headers().get(header::RETRY_AFTER).and_then(|value| value.to_str().ok());
            assert_eq!((response.status().as_u16(), after), (status, Some("1")), "{error}");
        }
    }
}
