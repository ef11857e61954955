//! What stands before each request of API v2: how many may be read at a time, how long one may take,
//! that a body is JSON.

use std::sync::Arc;
use std::time::Duration;

use axum::extract::{Request, State};
use axum::http::{HeaderValue, Method, StatusCode, header};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use bellbuoy_vocabulary::Millis;
use tokio::sync::Semaphore;

use super::Refusal;
use crate::app::AlertmanagerOptions;

pub struct Guard {
    /// `--web.get-concurrency`
    reads_max: usize,
    reads: Semaphore,
    /// `--web.timeout`
    timeout: Option<Millis>,
}

impl Guard {
    pub fn new(options: &AlertmanagerOptions) -> Guard {
        let cores = std::thread::available_parallelism().map_or(1, |n| n.get());
        let reads_max = options.get_concurrency.unwrap_or_else(|| cores.max(8));
        Guard { reads_max, reads: Semaphore::new(reads_max), timeout: options.http_timeout }
    }
}

pub async fn watch(State(guard): State<Arc<Guard>>, request: Request, next: Next) -> Response {
    let mut response = match *request.method() {
        Method::GET => match guard.reads.try_acquire() {
            Ok(_permit) => limited(&guard, request, next).await,
            Err(_) => {
                let text = format!("Limit of concurrent GET requests reached ({}), try again later.\n\n", guard.reads_max);
                (StatusCode::SERVICE_UNAVAILABLE, text).into_response()
            }
        },
        // A page of another origin can post everything but JSON without asking; no silence is made that way.
        Method::POST if !is_json(&request) => not_json(&request).into_response(),
        _ => limited(&guard, request, next).await,
    };
    response.headers_mut().insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    response
}

fn content_type(request: &Request) -> &str {
    let value = request.headers().get(header::CONTENT_TYPE).and_then(|value| value.to_str().ok()).unwrap_or("application/octet-stream");
    value.split(';').next().unwrap_or(value).trim()
}

fn is_json(request: &Request) -> bool {
    content_type(request).eq_ignore_ascii_case("application/json")
}

fn not_json(request: &Request) -> Refusal {
    let message = format!("unsupported media type {:?}, only [application/json] are allowed", content_type(request));
    Refusal::Coded(StatusCode::UNSUPPORTED_MEDIA_TYPE, 415, message)
}

async fn limited(guard: &Guard, request: Request, next: Next) -> Response {
    let Some(timeout) = guard.timeout else { return next.run(request).await };
    let limit = Duration::from_millis(u64::try_from(timeout.0).unwrap_or(0));
    match tokio::time::timeout(limit, next.run(request)).await {
        Ok(response) => response,
        Err(_) => (StatusCode::SERVICE_UNAVAILABLE, format!("Exceeded configured timeout of {timeout}.\n")).into_response(),
    }
}
