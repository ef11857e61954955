//! Requests as OpenTelemetry's exporters make them, in both encodings.

use bellbuoy_vocabulary::is_stale;
use proptest::prelude::*;
use prost::Message;

use super::messages::Request;
use super::names::{Kind, label_name, metric_name};
use super::*;

fn shown(read: impl FnOnce(&mut dyn FnMut(Otlp<'_>)) -> Result<Outcome, crate::BodyError>) -> String {
    let mut lines = Vec::new();
    let outcome = read(&mut |piece| {
        lines.push(match piece {
            Otlp::Sample(OtlpSample { labels, at, value, .. }) if is_stale(value) => format!("{labels} stale@{}", at.0),
            Otlp::Sample(OtlpSample { labels, at, value, exemplars, .. }) => {
                let exemplars: String = exemplars.iter().map(|one| format!(" # {} {}@{}", one.labels, one.value, one.at.0)).collect();
                format!("{labels} {value}@{}{exemplars}", at.0)
            }
            Otlp::Metadata { metric, metadata } => format!("{metric} is {} {:?}", metadata.kind, metadata.unit),
        });
    });
    match outcome {
        Ok(outcome) => {
            lines.push(format!("{} points, {} refused", outcome.points, outcome.refused));
            lines.extend(outcome.reasons);
        }
        Err(error) => lines.push(format!("error {error}")),
    }
    lines.join("\n")
}

const JSON: &str = r#"{"resourceMetrics": [{
  "resource": {"attributes": [
    {"key": "service.name", "value": {"stringValue": "api"}}, {"key": "service.namespace", "value": {"stringValue": "shop"}},
    {"key": "service.instance.id", "value": {"stringValue": "i1"}}, {"key": "host.name", "value": {"stringValue": "h"}}]},
  "scopeMetrics": [{"scope": {"name": "x"}, "metrics": [
    {"name": "http.requests", "unit": "{request}", "description": "D", "sum": {"aggregationTemporality": 2, "isMonotonic": true, "dataPoints": [
      {"attributes": [{"key": "http.code", "value": {"intValue": "200"}}, {"key": "http_code", "value": {"boolValue": true}}],
       "timeUnixNano": "5000000", "asInt": "7"}]}},
    {"name": "load", "unit": "1", "gauge": {"dataPoints": [{"timeUnixNano": "6000000", "asDouble": 0.5}, {"timeUnixNano": 7000000, "flags": 1}]}},
    {"name": "latency", "unit": "s", "histogram": {"aggregationTemporality": "AGGREGATION_TEMPORALITY_CUMULATIVE", "dataPoints": [
      {"timeUnixNano": "5000000", "count": "6", "sum": 3.5, "bucketCounts": ["1", "2", "3"], "explicitBounds": [1, 2.5]}]}},
    {"name": "rpc", "summary": {"dataPoints": [{"timeUnixNano": "5000000", "count": "2", "sum": "NaN", "quantileValues": [{"quantile": 0.5, "value": 4}]}]}},
    {"name": "d", "sum": {"aggregationTemporality": 1, "dataPoints": [{"asInt": 1}, {"asInt": 2}]}},
    {"name": "e", "exponentialHistogram": {"dataPoints": [{"count": 1}]}}]}]}]}"#;

const READ: &str = r#"http_requests_total is counter ""
http_requests_total{http_code="200;true", instance="i1", job="shop/api"} 7@5
load_ratio is gauge ""
load_ratio{instance="i1", job="shop/api"} 0.5@6
load_ratio{instance="i1", job="shop/api"} stale@7
latency_seconds is histogram "seconds"
latency_seconds_count{instance="i1", job="shop/api"} 6@5
latency_seconds_sum{instance="i1", job="shop/api"} 3.5@5
latency_seconds_bucket{instance="i1", job="shop/api", le="1"} 1@5
latency_seconds_bucket{instance="i1", job="shop/api", le="2.5"} 3@5
latency_seconds_bucket{instance="i1", job="shop/api", le="+Inf"} 6@5
rpc is summary ""
rpc_count{instance="i1", job="shop/api"} 2@5
rpc_sum{instance="i1", job="shop/api"} NaN@5
rpc{instance="i1", job="shop/api", quantile="0.5"} 4@5
target_info is gauge ""
target_info{host_name="h", instance="i1", job="shop/api"} 1@7
8 points, 3 refused
metric "d" has delta (or no) temporality; only cumulative values can be stored: set OTEL_EXPORTER_OTLP_METRICS_TEMPORALITY_PREFERENCE=cumulative, or put the collector's deltatocumulative processor in front
metric "e": exponential histograms can not be stored yet; give the instrument explicit buckets (OTEL_EXPORTER_OTLP_METRICS_DEFAULT_HISTOGRAM_AGGREGATION=explicit_bucket_histogram)"#;

#[test]
fn json_and_protobuf_say_the_same() {
    assert_eq!(shown(|on| read_otlp_json(JSON.as_bytes(), on)), READ);
    let request: Request = serde_json::from_str(JSON).unwrap();
    assert_eq!(shown(|on| read_otlp_protobuf(&request.encode_to_vec(), on)), READ);
}

#[test]
fn exemplars_go_to_the_first_bucket_that_holds_them() {
    let long = "x".repeat(100);
    let body = format!(
        r#"{{"resourceMetrics": [{{"scopeMetrics": [{{"metrics": [
        {{"name": "n", "sum": {{"aggregationTemporality": 2, "isMonotonic": true, "dataPoints": [{{"timeUnixNano": "5000000", "asInt": "7", "exemplars": [
          {{"timeUnixNano": "4000000", "asInt": "3", "traceId": "0102030405060708090a0b0c0d0e0f10", "spanId": "00000000000000ff",
            "filteredAttributes": [{{"key": "http.route", "value": {{"stringValue": "/a"}}}}]}}]}}]}}}},
        {{"name": "g", "gauge": {{"dataPoints": [{{"timeUnixNano": "5000000", "asInt": "7", "exemplars": [{{"timeUnixNano": "4000000", "asInt": "3"}}]}}]}}}},
        {{"name": "h", "histogram": {{"aggregationTemporality": 2, "dataPoints": [{{"timeUnixNano": "5000000", "count": "3", "bucketCounts": ["1", "2"], "explicitBounds": [1],
          "exemplars": [{{"timeUnixNano": "4000000", "asDouble": 9, "traceId": "ff"}}, {{"timeUnixNano": "3000000", "asDouble": 1, "traceId": "zz"}},
            {{"timeUnixNano": "2000000", "asDouble": 2, "traceId": "0e0f", "filteredAttributes": [{{"key": "body", "value": {{"stringValue": "{long}"}}}}, {{"key": "more", "value": {{"stringValue": "{long}"}}}}]}},
            {{"timeUnixNano": "1000000", "traceId": "aa"}}]}}]}}}}]}}]}}]}}"#
    );
    let expected = "n_total is counter \"\"\n\
        n_total 7@5 # {\"http.route\"=\"/a\", span_id=\"00000000000000ff\", trace_id=\"0102030405060708090a0b0c0d0e0f10\"} 3@4\n\
        g is gauge \"\"\ng 7@5\nh is histogram \"\"\nh_count 3@5\n\
        h_bucket{le=\"1\"} 1@5 # {} 1@3\nh_bucket{le=\"+Inf\"} 3@5 # {trace_id=\"0e0f\"} 2@2 # {trace_id=\"ff\"} 9@4\n3 points, 0 refused";
    assert_eq!(shown(|on| read_otlp_json(body.as_bytes(), on)), expected);
    let request: Request = serde_json::from_str(&body).unwrap();
    assert_eq!(shown(|on| read_otlp_protobuf(&request.encode_to_vec(), on)), expected);
}

#[test]
fn names_are_those_of_prometheus() {
    for (name, unit, kind, want) in [
        ("http.server.duration", "ms", Kind::Other, "http_server_duration_milliseconds"),
        ("system.io", "By/s", Kind::Gauge, "system_io_bytes_per_second"),
        ("system.io.bytes", "By", Kind::MonotonicSum, "system_io_bytes_total"),
        ("a.total.b", "", Kind::MonotonicSum, "a_b_total"),
        ("memory.usage", "1", Kind::Gauge, "memory_usage_ratio"),
        ("count", "1", Kind::Other, "count"),
        ("1st__try", "", Kind::Gauge, "_1st_try"),
        ("x", "foo/bar", Kind::Gauge, "x_foo_per_bar"),
        ("x", "{thing}/m", Kind::Gauge, "x_per_minute"),
        ("x.second", "By/s", Kind::Gauge, "x_second_bytes_per_second"),
        ("x", "a.b%", Kind::Gauge, "x_a_b_"),
        ("x", "%a/%b%", Kind::Gauge, "x_a_per_b"),
        ("ünit", "", Kind::Gauge, "nit"),
    ] {
        assert_eq!(metric_name(name, unit, kind), want, "{name} {unit}");
    }
    for (key, want) in [("a.b", "a_b"), ("1a", "key_1a"), ("_a", "key_a"), ("__a", "__a"), ("é", "key_")] {
        assert_eq!(label_name(key), want, "{key}");
    }
}

#[test]
fn bad_bodies_are_errors() {
    assert!(shown(|on| read_otlp_json(b"{\"resourceMetrics\": 5}", on)).starts_with("error not the JSON"));
    assert!(shown(|on| read_otlp_json(b"nonsense", on)).starts_with("error"));
    assert!(shown(|on| read_otlp_protobuf(b"nonsense", on)).starts_with("error"));
}

#[test]
fn the_answer_names_what_was_refused() {
    assert!(export_response(0, "").is_empty());
    assert_eq!(export_response(2, "no"), [10, 6, 8, 2, 18, 2, b'n', b'o']);
}

proptest! {
    #[test]
    fn no_body_makes_it_panic(bytes in proptest::collection::vec(any::<u8>(), 0..200)) {
        let _ = read_otlp_protobuf(&bytes, &mut |_| {});
        let _ = read_otlp_json(&bytes, &mut |_| {});
    }
}
