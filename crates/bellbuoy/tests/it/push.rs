//! What others send: remote write, OTLP, pushed groups, protobuf pages. The senders here write their bytes by hand.

use std::io::{Read, Write};
use std::net::TcpStream;
use std::time::{SystemTime, UNIX_EPOCH};

use serde_json::{Value, json};

use super::harness::{Folder, Program, Server, answer, http, prometheus, wait_for};

pub(super) fn now_ms() -> i64 {
    SystemTime::now().duration_since(UNIX_EPOCH).expect("after 1970").as_millis() as i64
}

pub(super) fn varint(mut number: u64) -> Vec<u8> {
    let mut out = Vec::new();
    while number >= 0x80 {
        out.push(number as u8 | 0x80);
        number >>= 7;
    }
    out.push(number as u8);
    out
}

pub(super) fn bytes(tag: u64, body: &[u8]) -> Vec<u8> {
    [varint(tag << 3 | 2), varint(body.len() as u64), body.to_vec()].concat()
}

pub(super) fn number(tag: u64, value: u64) -> Vec<u8> {
    [varint(tag << 3), varint(value)].concat()
}

pub(super) fn double(tag: u64, value: f64) -> Vec<u8> {
    [varint(tag << 3 | 1), value.to_le_bytes().to_vec()].concat()
}

fn sample(value: f64, at: i64) -> Vec<u8> {
    [double(1, value), number(2, at as u64)].concat()
}

pub(super) fn series_v1(labels: &[(&str, &str)], samples: &[(f64, i64)]) -> Vec<u8> {
    let labels = labels.iter().map(|(name, value)| bytes(1, &[bytes(1, name.as_bytes()), bytes(2, value.as_bytes())].concat()));
    let samples = samples.iter().map(|(value, at)| bytes(2, &sample(*value, *at)));
    bytes(1, &labels.chain(samples).collect::<Vec<_>>().concat())
}

/// Status and the whole answer, headers included.
pub(super) fn write(program: &Program, content_type: &str, body: &[u8]) -> (u16, String) {
    let body = snap::raw::Encoder::new().compress_vec(body).expect("snappy");
    let mut stream = TcpStream::connect(&program.address).expect("connect");
    let head = format!(
        "POST /api/v1/write HTTP/1.1\r\nhost: x\r\nconnection: close\r\ncontent-length: {}\r\ncontent-encoding: snappy\r\ncontent-type: {content_type}\r\n\r\n",
        body.len()
    );
    stream.write_all(head.as_bytes()).and_then(|()| stream.write_all(&body)).expect("request");
    let mut text = String::new();
    stream.read_to_string(&mut text).expect("answer");
    (text.split(' ').nth(1).and_then(|code| code.parse().ok()).unwrap_or(0), text)
}

pub(super) const V1: &str = "application/x-protobuf";
const V2: &str = "application/x-protobuf;proto=io.prometheus.write.v2.Request";

#[test]
fn remote_write_of_both_versions_is_stored_and_answered() {
    let folder = Folder::new(&[("prometheus.yml", "scrape_configs: []\n")]);
    let program = Program::up(&folder);
    let now = now_ms();
    let good = series_v1(&[("__name__", "sent"), ("job", "a")], &[(1.5, now - 1000), (2.5, now)]);
    assert_eq!(write(&program, V1, &good).0, 204);
    assert_eq!(write(&program, V1, &good).0, 400, "the first of the two is older than the last stored one");
    assert_eq!(program.query("sent"), [(json!({"__name__": "sent", "job": "a"}).to_string(), "2.5".to_string())]);

    // The last one again is no harm (a sender whose answer was lost), another value for its time is.
    let again = |value: f64| write(&program, V1, &series_v1(&[("__name__", "sent"), ("job", "a")], &[(value, now)]));
    assert_eq!(again(2.5).0, 204);
    let (status, text) = again(3.5);
    assert_eq!((status, text.contains("duplicate")), (400, true), "{text}");
    let old = series_v1(&[("__name__", "sent"), ("job", "a")], &[(1.0, now - 86_400_000)]);
    let (status, text) = write(&program, V1, &[old, series_v1(&[("__name__", "after")], &[(1.0, now)])].concat());
    assert_eq!((status, text.contains("out of order") || text.contains("too old")), (400, true), "{text}");
    assert_eq!(program.query("after").len(), 1);
    assert_eq!(program.query("sent")[0].1, "2.5");

    // A bad series does not cost the good one.
    let far = series_v1(&[("__name__", "far")], &[(1.0, now + 3_600_000)]);
    let body = [far, series_v1(&[("__name__", "beside")], &[(7.0, now)])].concat();
    let (status, text) = write(&program, V1, &body);
    assert_eq!((status, text.contains("out of bounds")), (400, true), "{text}");
    assert_eq!(program.query("beside").len(), 1);

    let symbols: Vec<Vec<u8>> = ["", "__name__", "two", "Help."].iter().map(|symbol| bytes(4, symbol.as_bytes())).collect();
    let metadata = bytes(5, &[number(1, 1), number(3, 3)].concat());
    let series = bytes(5, &[bytes(1, &[1, 2]), bytes(2, &sample(4.0, now)), metadata].concat());
    let (status, text) = write(&program, V2, &[symbols.concat(), series].concat());
    assert_eq!(status, 204, "{text}");
    assert!(text.contains("x-prometheus-remote-write-samples-written: 1\r\n"), "{text}");
    assert!(text.contains("x-prometheus-remote-write-histograms-written: 0\r\n"), "{text}");
    assert_eq!(program.query("two").len(), 1);
    assert_eq!(program.data("/api/v1/metadata?metric=two")["two"][0], json!({"type": "counter", "help": "Help.", "unit": ""}));

    for (content_type, body, want) in
        [(V1, &b"nonsense"[..], 400), (V2, b"nonsense", 400), ("text/plain", b"", 415), ("application/x-protobuf;proto=x", b"", 415)]
    {
        let (status, text) = write(&program, content_type, body);
        assert_eq!(status, want, "{content_type} {text}");
    }
    let (status, text) = http(&program.address, "POST", "/api/v1/write", &[("content-type", V1)], b"not snappy");
    assert_eq!(status, 400, "{text}");
}

#[test]
fn native_histograms_are_refused_in_words_and_their_neighbours_stored() {
    let folder = Folder::new(&[("prometheus.yml", "scrape_configs: []\n")]);
    let program = Program::up(&folder);
    let label = bytes(1, &[bytes(1, b"__name__"), bytes(2, b"native")].concat());
    let histogram = bytes(4, &[number(1, 3), double(3, 1.0), number(15, now_ms() as u64)].concat());
    let body = [bytes(1, &[label, histogram].concat()), series_v1(&[("__name__", "classic")], &[(1.0, now_ms())])].concat();
    let (status, text) = write(&program, V1, &body);
    assert_eq!((status, text.contains("native histograms can not be stored yet")), (400, true), "{text}");
    assert_eq!(program.query("classic").len(), 1);
    let (_, metrics) = program.get("/metrics");
    assert!(metrics.contains("bellbuoy_pushed_histograms_refused_total{protocol=\"remote-write-1\"} 1"), "{metrics}");
}

#[test]
fn otlp_is_stored_under_prometheus_names_and_deltas_are_refused() {
    let folder = Folder::new(&[("prometheus.yml", "scrape_configs: []\n")]);
    let program = Program::up(&folder);
    let at = now_ms() as u64 * 1_000_000;
    let point = |value: u64| json!({"timeUnixNano": at.to_string(), "asInt": value.to_string()});
    let sum = |name: &str, temporality: u64| json!({"name": name, "unit": "By", "sum": {"aggregationTemporality": temporality, "isMonotonic": true, "dataPoints": [point(5)]}});
    let send = |metrics: Value| {
        let resource = json!({"attributes": [{"key": "service.name", "value": {"stringValue": "api"}}, {"key": "os", "value": {"stringValue": "linux"}}]});
        let body = json!({"resourceMetrics": [{"resource": resource, "scopeMetrics": [{"metrics": metrics}]}]});
        program.post("/api/v1/otlp/v1/metrics", &body.to_string())
    };
    assert_eq!(send(json!([sum("net.io", 2)])), (200, "{}".into()));
    assert_eq!(
        program.query("net_io_bytes_total"),
        [(json!({"__name__": "net_io_bytes_total", "job": "api"}).to_string(), "5".to_string())]
    );
    assert_eq!(program.query("target_info{os=\"linux\"}").len(), 1);
    let (status, text) = send(json!([sum("d", 1)]));
    assert_eq!((status, text.contains("OTEL_EXPORTER_OTLP_METRICS_TEMPORALITY_PREFERENCE=cumulative")), (400, true), "{text}");
    let (status, text) = send(json!([sum("d", 1), sum("e", 2)]));
    let partial: Value = serde_json::from_str(&text).expect("JSON");
    assert_eq!((status, partial["partialSuccess"]["rejectedDataPoints"].as_str()), (200, Some("1")), "{text}");
    assert_eq!(program.query("e_bytes_total").len(), 1);
    let otlp = |content_type: &str, body: &[u8]| {
        http(&program.address, "POST", "/api/v1/otlp/v1/metrics", &[("content-type", content_type)], body).0
    };
    assert_eq!(otlp("application/x-protobuf", b""), 200);
    assert_eq!(otlp("application/x-protobuf", b"nonsense"), 400);
    assert_eq!(otlp("text/plain", b""), 415);
}

#[test]
fn pushed_groups_stay_over_a_kill() {
    let folder = Folder::new(&[("prometheus.yml", "scrape_configs: []\n"), ("bellbuoy.yml", "pushgateway: {interval: 1s, job: pushes}\n")]);
    let program = Program::up(&folder);
    let push = |program: &Program, method: &str, path: &str, body: &str| http(&program.address, method, path, &[], body.as_bytes());
    assert_eq!(push(&program, "PUT", "/metrics/job/etl/part@base64/YS9i", "# TYPE rows counter\nrows{job=\"other\"} 7\nold 1\n").0, 200);
    assert_eq!(push(&program, "POST", "/metrics/job/etl/part@base64/YS9i", "new 2\n").0, 200);
    assert_eq!(push(&program, "PUT", "/metrics/job/etl/part@base64/YS9i", "new 3\n").0, 200);
    assert_eq!(push(&program, "PUT", "/metrics/job/gone", "x 1\n").0, 200);
    assert_eq!(push(&program, "PUT", "/metrics/job/bad", "x one\n").0, 400);
    assert_eq!(push(&program, "PUT", "/metrics/job/bad", "x 1 1000\n").0, 400);
    assert_eq!(push(&program, "PUT", "/metrics/job/a/b", "x 1\n").0, 400);
    assert_eq!(push(&program, "DELETE", "/metrics/job/gone", "").0, 202);
    assert_eq!(push(&program, "DELETE", "/metrics/job/never", "").0, 202);
    // What was collected between two pushes has ended before the kill; a start knows of no series that it should end.
    let gone = |program: &Program| ["old", "rows", "x"].iter().all(|name| program.query(name).is_empty());
    wait_for("the last push", || (program.query("new").first()?.1 == "3" && gone(&program)).then_some(()));
    program.kill();
    let program = Program::up(&folder);
    let labels = json!({"__name__": "new", "job": "etl", "part": "a/b"}).to_string();
    wait_for("the group after the restart", || (program.query("new") == [(labels.clone(), "3".to_string())]).then_some(()));
    assert!(gone(&program));
    assert_eq!(program.query("push_failure_time_seconds{job=\"bad\"} > 0").len(), 1);
    // The address of each start is one.
    assert_eq!(program.query(&format!("up{{job=\"pushes\",instance=\"{}\"}}", program.address)).len(), 1);
    let (_, list) = program.get("/api/v1/metrics");
    let list: Value = serde_json::from_str(&list).expect("JSON");
    let group = list["data"].as_array().and_then(|groups| groups.iter().find(|group| group["labels"]["job"] == "etl")).expect("the group");
    assert_eq!(group["labels"], json!({"job": "etl", "part": "a/b"}));
    assert_eq!(group["last_push_successful"], json!(true));
    assert_eq!(group["new"]["metrics"], json!([{"labels": {"instance": "", "job": "etl", "part": "a/b"}, "value": "3"}]));
    // A deleted group's series end at once, not after the look-back.
    assert_eq!(push(&program, "DELETE", "/metrics/job/etl/part@base64/YS9i", "").0, 202);
    wait_for("the end of the series", || program.query("new").is_empty().then_some(()));
}

#[test]
fn a_target_is_asked_for_protobuf_where_it_is_wanted() {
    let gauge = bytes(4, &bytes(2, &double(1, 2.5)));
    let family = [bytes(1, b"from_protobuf"), number(3, 1), gauge].concat();
    let body = [varint(family.len() as u64), family].concat();
    let content_type = "application/vnd.google.protobuf; proto=io.prometheus.client.MetricFamily; encoding=delimited";
    let target = Server::start(move |_| answer(200, &[("content-type", content_type)], &body));
    let config =
        prometheus(&[target.address], &[]).replace("global:\n", "global:\n  scrape_protocols: [PrometheusProto, PrometheusText0.0.4]\n");
    let folder = Folder::new(&[("prometheus.yml", &config)]);
    let program = Program::up(&folder);
    wait_for("the value", || program.query("from_protobuf").first().is_some_and(|(_, value)| value == "2.5").then_some(()));
    let accept = target.received().first().map(|request| request.headers["accept"].clone()).expect("a scrape");
    assert!(
        accept.starts_with("application/vnd.google.protobuf;proto=io.prometheus.client.MetricFamily;encoding=delimited;q=0.6,text/plain"),
        "{accept}"
    );
}
