//! `GET /api/v1/models/NAME/report`: what is known of a model, as a page, as text, or as JSON.

use std::sync::Arc;

use axum::Json;
use axum::extract::{Path as UrlPath, State};
use axum::http::header;
use axum::response::{IntoResponse, Response};
use bellbuoy_reports::Screen;
use serde_json::json;

use super::answer::{ApiError, ErrorType};
use super::params::Params;
use crate::app::App;
use crate::models::ReportError;

/// The page brings its style with it and nothing else.
const POLICY: &str =
    "default-src 'none'; style-src 'unsafe-inline'; img-src data:; frame-ancestors 'none'; base-uri 'none'; form-action 'none'";

impl From<ReportError> for ApiError {
    fn from(error: ReportError) -> ApiError {
        match error {
            ReportError::Model(error) => error.into(),
            ReportError::NotJudged | ReportError::Window { .. } => ApiError::new(ErrorType::NotFound, error.to_string()),
        }
    }
}

/// `?format=html` (as without it), `text` or `json`; `?window=NAME`.
pub async fn report(State(app): State<Arc<App>>, UrlPath(name): UrlPath<String>, params: Params) -> Result<Response, ApiError> {
    let format = params.get("format").unwrap_or("html").to_owned();
    if !["html", "text", "json"].contains(&format.as_str()) {
        return Err(ApiError::new(ErrorType::BadData, format!("format: {format:?} is none of html, text, json")));
    }
    tokio::task::block_in_place(|| {
        let report = app.models.report(&name, params.get("window"))?;
        let plain = |kind: &'static str, text: String| {
            let headers = [
                (header::CONTENT_TYPE, kind),
                (header::CONTENT_SECURITY_POLICY, POLICY),
                (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
                (header::CACHE_CONTROL, "no-store"),
            ];
            (headers, text).into_response()
        };
        Ok(match format.as_str() {
            "json" => Json(json!({"status": "success", "data": report.json()})).into_response(),
            "text" => plain("text/plain; charset=utf-8", report.text(&Screen::default())),
            _ => plain("text/html; charset=utf-8", report.html()),
        })
    })
}
