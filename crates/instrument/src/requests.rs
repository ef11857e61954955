//! The families of HTTP requests, and what of them one endpoint needs, so that a request costs a look-up and a few atomics.

use std::collections::HashMap;
use std::sync::{Arc, PoisonError, RwLock};
use std::time::Duration;

use http::Method;

use crate::family::{Counter, Family, Histogram, Level, OTHER};
use crate::registry::{MetricError, Registry};

/// Paths that can have series of their own; each has some 30 of them. What comes after is counted under `other`.
const PATHS_MAX: usize = 300;
/// Request duration in seconds: the buckets of Prometheus' client libraries.
const REQUEST_SECONDS: [f64; 12] = [0.001, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0];
/// HTTP allows any word as a method; only these become label values, the others are `other`.
const METHODS: [&str; 8] = ["GET", "POST", "PUT", "PATCH", "DELETE", "HEAD", "OPTIONS", OTHER];

pub(crate) struct Requests {
    api_requests: Family<Counter, 3>,
    requests: Family<Counter, 3>,
    duration: Family<Histogram, 2>,
    errors: Family<Counter, 2>,
    in_progress: Family<Level, 2>,
    /// By method and path; a look-up needs no allocation.
    endpoints: [RwLock<HashMap<String, Arc<Endpoint>>>; METHODS.len()],
}

/// One method and path.
pub(crate) struct Endpoint {
    method: &'static str,
    path: String,
    duration: Histogram,
    errors: Counter,
    pub(crate) in_progress: Level,
    /// Both counters of a status; an endpoint answers with few of them.
    statuses: RwLock<Vec<(u16, Counter, Counter)>>,
}

impl Requests {
    pub(crate) fn register(r: &Registry) -> Result<Requests, MetricError> {
        let (seconds, by) = (&REQUEST_SECONDS, ["method", "endpoint"]);
        Ok(Requests {
            api_requests: r.counter("api_requests_total", "API requests by endpoint and status", ["endpoint", "method", "status"])?,
            requests: r.counter("fastapi_requests_total", "HTTP requests", ["method", "endpoint", "status"])?,
            duration: r.histogram("fastapi_request_duration_seconds", "Time to the answer's head", by, seconds)?,
            errors: r.counter("fastapi_errors_total", "HTTP requests answered with 5xx", by)?,
            in_progress: r.level("fastapi_requests_in_progress", "HTTP requests under way", by)?,
            endpoints: Default::default(),
        })
    }

    pub(crate) fn endpoint(&self, method: &Method, path: &str) -> Arc<Endpoint> {
        let index = METHODS.iter().position(|known| *known == method.as_str()).unwrap_or(METHODS.len() - 1);
        if let Some(endpoint) = self.endpoints[index].read().unwrap_or_else(PoisonError::into_inner).get(path) {
            return endpoint.clone();
        }
        let mut endpoints = self.endpoints[index].write().unwrap_or_else(PoisonError::into_inner);
        if !endpoints.contains_key(path) && endpoints.len() >= PATHS_MAX {
            self.requests.drop_one();
            return endpoints.entry(OTHER.to_owned()).or_insert_with(|| self.make(METHODS[index], OTHER)).clone();
        }
        endpoints.entry(path.to_owned()).or_insert_with(|| self.make(METHODS[index], path)).clone()
    }

    /// Its counter of errors exists with 0 from the first request, so that the first 5xx is an increase.
    fn make(&self, method: &'static str, path: &str) -> Arc<Endpoint> {
        Arc::new(Endpoint {
            method,
            path: path.to_owned(),
            duration: self.duration.with([method, path]),
            errors: self.errors.with([method, path]),
            in_progress: self.in_progress.with([method, path]),
            statuses: RwLock::default(),
        })
    }

    pub(crate) fn finished(&self, endpoint: &Endpoint, status: u16, after: Duration) {
        endpoint.duration.observe(after.as_secs_f64());
        if status >= 500 {
            endpoint.errors.inc();
        }
        let known = |statuses: &[(u16, Counter, Counter)]| {
            let found = statuses.iter().find(|(known, _, _)| *known == status);
            found.map(|(_, api, all)| (api.inc(), all.inc())).is_some()
        };
        if known(&endpoint.statuses.read().unwrap_or_else(PoisonError::into_inner)) {
            return;
        }
        let mut statuses = endpoint.statuses.write().unwrap_or_else(PoisonError::into_inner);
        if !known(&statuses) {
            let (method, path, text) = (endpoint.method, endpoint.path.as_str(), status.to_string());
            let (api, all) = (self.api_requests.with([path, method, &text]), self.requests.with([method, path, &text]));
            api.inc();
            all.inc();
            statuses.push((status, api, all));
        }
    }
}
