//! `POST /api/v1/write` (remote write 1.0 and 2.0) and `POST /api/v1/otlp/v1/metrics`, with Prometheus' answers.
//!
//! Never: unpacks more bodies at a time than there are permits, or a body beyond its bound.

use std::io::Read as _;
use std::sync::Arc;

use axum::body::{Bytes, to_bytes};
use axum::extract::{Request, State};
use axum::http::{HeaderMap, HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use bellbuoy_exposition::otlp::export_response;
use bellbuoy_exposition::{WriteVersion, unsnappy};
use serde_json::json;
use tokio::sync::{Semaphore, SemaphorePermit};

use super::BODY_BYTES_MAX;
use crate::app::App;
use crate::clock;
use crate::intake::{self, IntakeError, Taken};

/// A body after it was unpacked; senders' batches of 2,000 samples are below 1 MiB.
pub const UNPACKED_BYTES_MAX: usize = 64 << 20;
/// Bodies that are read and stored at a time; the next ones wait.
static PERMITS: Semaphore = Semaphore::const_new(16);

/// The body, and the permit to work on it.
pub async fn body(request: Request) -> Result<(Bytes, SemaphorePermit<'static>), Response> {
    // Nobody closes it.
    let permit = PERMITS.acquire().await.map_err(|_| StatusCode::SERVICE_UNAVAILABLE.into_response())?;
    match to_bytes(request.into_body(), BODY_BYTES_MAX).await {
        Ok(bytes) => Ok((bytes, permit)),
        Err(_) => Err(refused(StatusCode::BAD_REQUEST, &format!("the body could not be read; it may have at most {BODY_BYTES_MAX} bytes"))),
    }
}

pub fn header_of(headers: &HeaderMap, name: header::HeaderName) -> &str {
    headers.get(name).and_then(|value| value.to_str().ok()).unwrap_or("")
}

/// As Go's `http.Error`.
pub fn refused(status: StatusCode, why: &str) -> Response {
    (status, format!("{why}\n")).into_response()
}

pub async fn write(State(app): State<Arc<App>>, request: Request) -> Response {
    let version = match WriteVersion::of(header_of(request.headers(), header::CONTENT_TYPE)) {
        Ok(version) => version,
        Err(why) => return refused(StatusCode::UNSUPPORTED_MEDIA_TYPE, &why),
    };
    let encoding = header_of(request.headers(), header::CONTENT_ENCODING).to_string();
    if !matches!(encoding.as_str(), "" | "snappy") {
        let why = format!("{encoding} encoding (compression) is not accepted by this server; only snappy is acceptable");
        return refused(StatusCode::UNSUPPORTED_MEDIA_TYPE, &why);
    }
    let (body, _permit) = match body(request).await {
        Ok(body) => body,
        Err(answer) => return answer,
    };
    let taken = tokio::task::block_in_place(|| {
        let unpacked = unsnappy(&body, UNPACKED_BYTES_MAX)?;
        intake::write(&app.path, version, &unpacked, clock::now())
    });
    let mut answer = match &taken {
        // Of exemplars only senders of 2.0 hear, as from Prometheus.
        Ok(taken) if taken.samples_refused + taken.histograms_refused + told(version, taken) == 0 => StatusCode::NO_CONTENT.into_response(),
        Ok(taken) => refused(StatusCode::BAD_REQUEST, &taken.reasons.join("; ")),
        Err(IntakeError::Body(error)) => refused(StatusCode::BAD_REQUEST, &error.to_string()),
        Err(IntakeError::Disk(error)) => refused(StatusCode::INTERNAL_SERVER_ERROR, error),
    };
    if version == WriteVersion::V2 {
        add_counts(answer.headers_mut(), &taken.unwrap_or_default());
    }
    answer
}

fn told(version: WriteVersion, taken: &Taken) -> u64 {
    if version == WriteVersion::V2 { taken.exemplars_told } else { 0 }
}

/// Senders of 2.0 learn from these what was written, also when something was not.
fn add_counts(headers: &mut HeaderMap, taken: &Taken) {
    headers.insert("x-prometheus-remote-write-samples-written", HeaderValue::from(taken.samples));
    headers.insert("x-prometheus-remote-write-histograms-written", HeaderValue::from(0));
    headers.insert("x-prometheus-remote-write-exemplars-written", HeaderValue::from(taken.exemplars));
}

pub async fn otlp(State(app): State<Arc<App>>, request: Request) -> Response {
    let content_type = header_of(request.headers(), header::CONTENT_TYPE);
    let is_json = match content_type.split(';').next().unwrap_or("").trim() {
        "application/x-protobuf" => false,
        "application/json" => true,
        _ => {
            let why = format!("unsupported content type: {content_type}, supported: [application/json, application/x-protobuf]");
            return refused(StatusCode::UNSUPPORTED_MEDIA_TYPE, &why);
        }
    };
    let encoding = header_of(request.headers(), header::CONTENT_ENCODING).to_string();
    let (body, _permit) = match body(request).await {
        Ok(body) => body,
        Err(answer) => return answer,
    };
    let unpacked = match encoding.as_str() {
        "" | "identity" => Ok(body),
        "gzip" => gunzip(&body).map(Bytes::from),
        other => Err(format!("unsupported compression: {other}. Only \"gzip\" or no compression supported")),
    };
    let outcome = match unpacked {
        Ok(body) => tokio::task::block_in_place(|| intake::otlp(&app.path, is_json, &body, clock::now())),
        Err(why) => return refused(StatusCode::BAD_REQUEST, &why),
    };
    let outcome = match outcome {
        Ok(outcome) => outcome,
        Err(IntakeError::Body(error)) => return refused(StatusCode::BAD_REQUEST, &error.to_string()),
        // Senders try again after 503, and not after 500.
        Err(IntakeError::Disk(error)) => return refused(StatusCode::SERVICE_UNAVAILABLE, &error),
    };
    let why = outcome.reasons.join("; ");
    if outcome.refused > 0 && outcome.refused >= outcome.points {
        return refused(StatusCode::BAD_REQUEST, &why);
    }
    if is_json {
        let partial = json!({"partialSuccess": {"rejectedDataPoints": outcome.refused.to_string(), "errorMessage": why}});
        let answer = if outcome.refused > 0 { partial } else { json!({}) };
        return axum::Json(answer).into_response();
    }
    ([(header::CONTENT_TYPE, "application/x-protobuf")], export_response(outcome.refused, &why)).into_response()
}

pub fn gunzip(body: &[u8]) -> Result<Vec<u8>, String> {
    let mut out = Vec::new();
    let read = flate2::read::MultiGzDecoder::new(body).take(UNPACKED_BYTES_MAX as u64 + 1).read_to_end(&mut out);
    read.map_err(|error| format!("gzip: {error}"))?;
    if out.len() > UNPACKED_BYTES_MAX {
        return Err(format!("a body of more than {UNPACKED_BYTES_MAX} bytes; send smaller batches"));
    }
    Ok(out)
}
