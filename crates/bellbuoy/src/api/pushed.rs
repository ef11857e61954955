//! The Pushgateway's protocol: `PUT`, `POST`, `DELETE` below `/metrics/job`, `GET /api/v1/metrics`, and the page of all groups.

use std::sync::Arc;

use axum::extract::{Request, State};
use axum::http::{Method, StatusCode, header};
use axum::response::{IntoResponse, Response};
use bellbuoy_exposition::{
    Family, FamilySample, Format, families_of_protobuf, families_of_text, format_of, format_value, is_protobuf, unsnappy,
};
use bellbuoy_vocabulary::{MetricType, Timestamp};
use serde_json::{Map, Value, json};

use super::intake::{UNPACKED_BYTES_MAX, body, gunzip, header_of, refused};
use crate::app::App;
use crate::clock;
use crate::pushed::{PushError, grouping};

pub async fn push(State(app): State<Arc<App>>, request: Request) -> Response {
    let path = request.uri().path();
    // A route prefix may stand before it.
    let Some(at) = path.find("/metrics/job") else { return StatusCode::NOT_FOUND.into_response() };
    let key = grouping(&path[at + "/metrics/".len()..]).map_err(|why| refused(StatusCode::BAD_REQUEST, &why));
    if request.method() == Method::DELETE {
        let key = match key {
            Ok(key) => key,
            Err(answer) => return answer,
        };
        return match tokio::task::block_in_place(|| app.pushed.delete(&app.path.state, &key)) {
            Ok(()) => StatusCode::ACCEPTED.into_response(),
            Err(error) => refused(StatusCode::INTERNAL_SERVER_ERROR, &error.to_string()),
        };
    }
    let replace = request.method() == Method::PUT;
    let content_type = header_of(request.headers(), header::CONTENT_TYPE).to_string();
    let encoding = header_of(request.headers(), header::CONTENT_ENCODING).to_string();
    // The body is read before anything is refused: whoever still sends it would see a broken connection in the place of the reason.
    let read = body(request).await;
    let (key, (body, _permit)) = match (key, read) {
        (Ok(key), Ok(body)) => (key, body),
        (Err(answer), _) | (_, Err(answer)) => return answer,
    };
    let answer = tokio::task::block_in_place(|| {
        let families = families(&content_type, &encoding, &body).map_err(|why| (StatusCode::BAD_REQUEST, why))?;
        app.pushed.push(&app.path.state, key, families, replace, clock::now()).map_err(|error| {
            let status = match error {
                PushError::Inconsistent(_) => StatusCode::BAD_REQUEST,
                PushError::Full(_) => StatusCode::PAYLOAD_TOO_LARGE,
                PushError::Disk(_) => StatusCode::INTERNAL_SERVER_ERROR,
            };
            (status, error.to_string())
        })
    });
    let word = if answer.is_ok() { "ok" } else { "refused" };
    app.path.telemetry.pushes.add(&[word], 1);
    match answer {
        Ok(()) => StatusCode::OK.into_response(),
        Err((status, why)) => refused(status, &why),
    }
}

fn families(content_type: &str, encoding: &str, body: &[u8]) -> Result<Vec<Family>, String> {
    let unpacked;
    let body = match encoding {
        "" | "identity" => body,
        "gzip" => {
            unpacked = gunzip(body)?;
            &unpacked[..]
        }
        "snappy" => {
            unpacked = unsnappy(body, UNPACKED_BYTES_MAX).map_err(|error| error.to_string())?;
            &unpacked[..]
        }
        other => return Err(format!("unsupported content encoding {other:?}; gzip and snappy are known")),
    };
    if is_protobuf(content_type) {
        return families_of_protobuf(body).map(|(families, _)| families).map_err(|error| error.to_string());
    }
    // What is not named otherwise is text, as in the Pushgateway: curl says it sends a form.
    let format = format_of(Some(content_type), Some(Format::PrometheusText))?;
    // A body that was cut off in a number reads as another number.
    if format == Format::PrometheusText && body.last().is_some_and(|last| *last != b'\n') {
        return Err("unexpected end of the text: the last line has no line feed, so it may be cut off".into());
    }
    families_of_text(format, body)
}

/// All groups as text: what a Prometheus that scraped a Pushgateway can scrape here.
pub async fn page(State(app): State<Arc<App>>) -> Response {
    let page = tokio::task::block_in_place(|| app.pushed.page());
    ([(header::CONTENT_TYPE, Format::PrometheusText.content_type())], page).into_response()
}

/// `GET /api/v1/metrics` of the Pushgateway.
pub async fn list(State(app): State<Arc<App>>) -> Response {
    let groups = tokio::task::block_in_place(|| app.pushed.groups());
    let data: Vec<Value> = groups
        .iter()
        .map(|(key, group)| {
            let mut out = Map::new();
            out.insert("labels".into(), json!(key));
            out.insert("last_push_successful".into(), json!(group.failed_at.is_none() || group.failed_at < group.pushed_at));
            let stamp = group.pushed_at.unwrap_or_default();
            for (name, at) in [("push_time_seconds", group.pushed_at), ("push_failure_time_seconds", group.failed_at)] {
                let sample = FamilySample {
                    name: name.into(),
                    labels: key.iter().map(|(name, value)| (name.clone(), value.clone())).collect(),
                    value: at.map_or(0.0, Timestamp::seconds),
                    at: None,
                    exemplars: Vec::new(),
                };
                let family = Family { name: name.into(), kind: MetricType::Gauge, help: String::new(), samples: vec![sample] };
                out.insert(name.into(), family_json(&family, stamp));
            }
            for family in group.families.values() {
                out.insert(family.name.clone(), family_json(family, stamp));
            }
            Value::Object(out)
        })
        .collect();
    axum::Json(json!({"status": "success", "data": data})).into_response()
}

fn family_json(family: &Family, at: Timestamp) -> Value {
    let kind = if family.kind == MetricType::Unknown { "UNTYPED".to_string() } else { family.kind.word().to_ascii_uppercase() };
    json!({"time_stamp": at.rfc3339(), "type": kind, "help": family.help, "metrics": metrics_json(family)})
}

/// The samples of one label set are one metric: a histogram's buckets and a summary's quantiles by their bounds.
fn metrics_json(family: &Family) -> Vec<Value> {
    let bound = match family.kind {
        MetricType::Histogram | MetricType::GaugeHistogram => "le",
        MetricType::Summary => "quantile",
        _ => "",
    };
    let mut metrics: Vec<(Map<String, Value>, Map<String, Value>)> = Vec::new();
    for sample in &family.samples {
        let labels: Map<String, Value> =
            sample.labels.iter().filter(|(name, _)| name != bound).map(|(name, value)| (name.clone(), json!(value))).collect();
        let place = match metrics.iter().rposition(|(known, _)| *known == labels) {
            Some(place) if !bound.is_empty() => place,
            _ => {
                metrics.push((labels, Map::new()));
                metrics.len() - 1
            }
        };
        let of = &mut metrics[place].1;
        let value = json!(format_value(sample.value));
        let by_bound = sample.labels.iter().find(|(name, _)| !bound.is_empty() && name == bound);
        match (by_bound, sample.name.strip_prefix(&family.name).unwrap_or("")) {
            (Some((_, at)), _) => {
                let group = if bound == "le" { "buckets" } else { "quantiles" };
                of.entry(group).or_insert_with(|| json!({}))[at.as_str()] = value;
            }
            (None, "_sum") => drop(of.insert("sum".into(), value)),
            (None, "_count") => drop(of.insert("count".into(), value)),
            _ => drop(of.insert("value".into(), value)),
        }
    }
    let joined = metrics.into_iter().map(|(labels, rest)| {
        let mut metric = Map::from_iter([("labels".to_string(), Value::Object(labels))]);
        metric.extend(rest);
        Value::Object(metric)
    });
    joined.collect()
}
