//! Parameters of the Prometheus API: from the URL, and for POST from a form too; names may repeat.

use axum::body::Bytes;
use axum::extract::{FromRequest, Request};
use axum::http::{Method, StatusCode, header};
use bellbuoy_promql as promql;
use bellbuoy_vocabulary::{Matcher, Millis, Timestamp, parse_duration, parse_float};

use super::answer::{ApiError, ErrorType};

/// A form body above this many bytes is refused.
const FORM_BYTES_MAX: usize = 10 << 20;
/// The values Prometheus takes for "everything" when `start` or `end` is absent.
pub const TIME_MIN: Timestamp = Timestamp(i64::MIN / 2000);
pub const TIME_MAX: Timestamp = Timestamp(i64::MAX / 2000);

pub struct Params(Vec<(String, String)>);

impl Params {
    pub fn get(&self, name: &str) -> Option<&str> {
        self.0.iter().find(|(n, v)| n == name && !v.is_empty()).map(|(_, v)| v.as_str())
    }

    pub fn all<'a>(&'a self, name: &'a str) -> impl Iterator<Item = &'a str> {
        self.0.iter().filter(move |(n, _)| n == name).map(|(_, v)| v.as_str())
    }

    pub fn pairs(&self) -> impl Iterator<Item = (&str, &str)> {
        self.0.iter().map(|(name, value)| (name.as_str(), value.as_str()))
    }

    /// A time as RFC 3339 or as seconds since 1970.
    pub fn time(&self, name: &str) -> Result<Option<Timestamp>, ApiError> {
        let Some(text) = self.get(name) else { return Ok(None) };
        if let Some(seconds) = parse_float(text).filter(|seconds| seconds.is_finite() && seconds.abs() < 1e15) {
            return Ok(Some(Timestamp::from_seconds(seconds)));
        }
        match Timestamp::parse_rfc3339(text) {
            Some(at) => Ok(Some(at)),
            None => Err(invalid(name, &format!("cannot parse {text:?} to a valid timestamp"))),
        }
    }

    /// One that may be absent; Prometheus words its error otherwise.
    fn limit_time(&self, name: &str, otherwise: Timestamp) -> Result<Timestamp, ApiError> {
        let text = self.get(name).unwrap_or("");
        let why = || invalid(name, &format!("invalid time value for '{name}': cannot parse {text:?} to a valid timestamp"));
        Ok(self.time(name).map_err(|_| why())?.unwrap_or(otherwise))
    }

    /// A length as `15s` or as seconds.
    pub fn length(&self, name: &str) -> Result<Option<Millis>, ApiError> {
        let Some(text) = self.get(name) else { return Ok(None) };
        if let Some(seconds) = parse_float(text) {
            let ms = seconds * 1000.0;
            if !ms.is_finite() || ms.abs() >= 9e15 {
                return Err(invalid(name, &format!("cannot parse {text:?} to a valid duration. It overflows int64")));
            }
            return Ok(Some(Millis(ms as i64)));
        }
        parse_duration(text).map(Some).map_err(|_| invalid(name, &format!("cannot parse {text:?} to a valid duration")))
    }

    pub fn count(&self, name: &str) -> Result<usize, ApiError> {
        match self.get(name) {
            None => Ok(0),
            Some(text) => text.parse().map_err(|_| invalid(name, "limit must be non-negative")),
        }
    }

    /// `start` and `end` for the endpoints that list series and labels.
    pub fn range(&self) -> Result<(Timestamp, Timestamp), ApiError> {
        Ok((self.limit_time("start", TIME_MIN)?, self.limit_time("end", TIME_MAX)?))
    }

    /// The selectors of all `match[]`.
    pub fn selectors(&self) -> Result<Vec<Vec<Matcher>>, ApiError> {
        let mut selectors = Vec::new();
        for text in self.all("match[]") {
            selectors.push(selector(text)?);
        }
        Ok(selectors)
    }
}

fn selector(text: &str) -> Result<Vec<Matcher>, ApiError> {
    let expr = promql::parse(text).map_err(|error| invalid("match[]", &error.to_string()))?;
    match expr.kind {
        promql::ExprKind::Vector(selector) if selector.matchers.iter().any(|matcher| !matcher.matches_empty()) => Ok(selector.matchers),
        promql::ExprKind::Vector(_) => Err(ApiError::new(ErrorType::BadData, "match[] must contain at least one non-empty matcher")),
        _ => Err(invalid("match[]", "it is not a series selector")),
    }
}

pub fn invalid(name: &str, why: &str) -> ApiError {
    ApiError::new(ErrorType::BadData, format!("invalid parameter {name:?}: {why}"))
}

impl<S: Send + Sync> FromRequest<S> for Params {
    type Rejection = ApiError;

    async fn from_request(request: Request, state: &S) -> Result<Params, ApiError> {
        let mut pairs = decode(request.uri().query().unwrap_or(""));
        let is_form = request
            .headers()
            .get(header::CONTENT_TYPE)
            .and_then(|value| value.to_str().ok())
            .is_some_and(|value| value.starts_with("application/x-www-form-urlencoded"));
        if request.method() == Method::POST && is_form {
            let body = Bytes::from_request(request, state).await.map_err(|_| ApiError {
                status: StatusCode::PAYLOAD_TOO_LARGE,
                ..ApiError::new(ErrorType::BadData, "the form could not be read")
            })?;
            if body.len() > FORM_BYTES_MAX {
                return Err(ApiError::new(ErrorType::BadData, "the form is too large"));
            }
            // What the form says comes first, as in Go's net/http.
            let mut form = decode(&String::from_utf8_lossy(&body));
            form.append(&mut pairs);
            pairs = form;
        }
        Ok(Params(pairs))
    }
}

fn decode(query: &str) -> Vec<(String, String)> {
    form_urlencoded::parse(query.as_bytes()).into_owned().collect()
}
