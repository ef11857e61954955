//! The envelope of the Prometheus API: `{"status": "success", "data": ...}` and its errors with their status codes.

use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};
use bellbuoy_promql::EvalError;
use bellbuoy_vocabulary::SourceError;
use serde_json::{Value, json};

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ErrorType {
    BadData,
    Execution,
    Timeout,
    Internal,
    NotFound,
    Unavailable,
    Forbidden,
    Conflict,
    /// Somebody else was faster.
    PreconditionFailed,
    /// It must say which state it changes.
    PreconditionRequired,
}

impl ErrorType {
    fn word(self) -> &'static str {
        match self {
            ErrorType::BadData => "bad_data",
            ErrorType::Execution => "execution",
            ErrorType::Timeout => "timeout",
            ErrorType::Internal => "internal",
            ErrorType::NotFound => "not_found",
            ErrorType::Unavailable => "unavailable",
            ErrorType::Forbidden => "forbidden",
            ErrorType::Conflict => "conflict",
            ErrorType::PreconditionFailed => "precondition_failed",
            ErrorType::PreconditionRequired => "precondition_required",
        }
    }

    fn status(self) -> StatusCode {
        match self {
            ErrorType::BadData => StatusCode::BAD_REQUEST,
            ErrorType::Execution => StatusCode::UNPROCESSABLE_ENTITY,
            ErrorType::Timeout | ErrorType::Unavailable => StatusCode::SERVICE_UNAVAILABLE,
            ErrorType::Internal => StatusCode::INTERNAL_SERVER_ERROR,
            ErrorType::NotFound => StatusCode::NOT_FOUND,
            ErrorType::Forbidden => StatusCode::FORBIDDEN,
            ErrorType::Conflict => StatusCode::CONFLICT,
            ErrorType::PreconditionFailed => StatusCode::PRECONDITION_FAILED,
            ErrorType::PreconditionRequired => StatusCode::PRECONDITION_REQUIRED,
        }
    }
}

#[derive(Debug)]
pub struct ApiError {
    pub status: StatusCode,
    pub kind: ErrorType,
    pub message: String,
}

impl ApiError {
    pub fn new(kind: ErrorType, message: impl Into<String>) -> ApiError {
        ApiError { status: kind.status(), kind, message: message.into() }
    }
}

impl IntoResponse for ApiError {
    fn into_response(self) -> Response {
        let body = json!({"status": "error", "errorType": self.kind.word(), "error": self.message});
        (self.status, axum::Json(body)).into_response()
    }
}

impl From<EvalError> for ApiError {
    fn from(error: EvalError) -> ApiError {
        let kind = match &error {
            EvalError::Timeout => ErrorType::Timeout,
            EvalError::Source(_) => ErrorType::Internal,
            _ => ErrorType::Execution,
        };
        ApiError::new(kind, error.to_string())
    }
}

impl From<crate::state::StateError> for ApiError {
    fn from(error: crate::state::StateError) -> ApiError {
        ApiError::new(ErrorType::Internal, error.to_string())
    }
}

impl From<SourceError> for ApiError {
    fn from(error: SourceError) -> ApiError {
        ApiError::new(ErrorType::Internal, error.to_string())
    }
}

pub type Answer = Result<Response, ApiError>;

pub fn success(data: Value) -> Answer {
    Ok(axum::Json(json!({"status": "success", "data": data})).into_response())
}

/// A list, cut at `limit` (0 is all) with a warning, as Prometheus does.
pub fn success_list(mut list: Vec<Value>, limit: usize) -> Answer {
    if limit > 0 && list.len() > limit {
        list.truncate(limit);
        return Ok(axum::Json(json!({"status": "success", "data": list, "warnings": ["results truncated due to limit"]})).into_response());
    }
    success(Value::Array(list))
}

/// JSON text that is already made: large query results are written directly.
pub fn raw(body: String) -> Response {
    ([(header::CONTENT_TYPE, "application/json")], body).into_response()
}
