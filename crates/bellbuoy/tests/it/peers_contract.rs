//! Grafana's requests to a Prometheus and an Alertmanager, put to bellbuoy and to the real ones alike: same status, same shape, where nothing depends on
//! the moment the same bytes. No Grafana was at hand; these are the calls that its sources make.

use std::path::Path;
use std::process::Command;

use serde_json::Value;

use super::harness::{Folder, Program, Server, escape, free_port, http, peer, peers, prometheus, wait_explained};

const RULES: &str = "groups:\n- name: g\n  rules:\n  - {alert: Up, expr: up == 1, labels: {severity: info}, annotations: {summary: s}}\n  - {alert: Never, expr: up == 7}\n  - {record: 'job:up', expr: 'sum by (job) (up)'}\n";
const ALERTMANAGER: &str = "route:\n  receiver: none\nreceivers:\n- name: none\n";

fn folder(target: &Server) -> Folder {
    let text = prometheus(&[target.address], &["r.yml"]);
    Folder::new(&[("prometheus.yml", &text), ("r.yml", RULES), ("alertmanager.yml", ALERTMANAGER)])
}

pub(super) fn start_prometheus(dir: &Path, folder: &Folder) -> Program {
    let port = free_port();
    let mut command = Command::new(peer(dir, &["prometheus"]));
    command.arg(format!("--config.file={}", folder.config().join("prometheus.yml").display()));
    command.arg(format!("--storage.tsdb.path={}", folder.root().join("prometheus").display()));
    command.arg(format!("--web.listen-address=127.0.0.1:{port}")).arg("--web.enable-remote-write-receiver");
    let mut program = Program::start(command, "msg=\"Server is ready to receive web requests.");
    program.address = format!("127.0.0.1:{port}");
    program
}

pub(super) fn start_alertmanager(dir: &Path, folder: &Folder) -> Program {
    let port = free_port();
    let mut command = Command::new(peer(dir, &["alertmanager", "prometheus-alertmanager"]));
    command.arg(format!("--config.file={}", folder.config().join("alertmanager.yml").display()));
    command.arg(format!("--storage.path={}", folder.root().join("am").display()));
    command.args([&format!("--web.listen-address=127.0.0.1:{port}"), "--cluster.listen-address="]);
    let mut program = Program::start(command, "msg=\"Listening on\" address=");
    program.address = format!("127.0.0.1:{port}");
    program
}

const FORM: (&str, &str) = ("content-type", "application/x-www-form-urlencoded");
const JSON: (&str, &str) = ("content-type", "application/json");

/// `GET /path` or `POST /path form`.
fn ask(address: &str, request: &str) -> (u16, String) {
    let mut parts = request.splitn(3, ' ');
    let (method, path, body) = (parts.next().unwrap_or(""), parts.next().unwrap_or(""), parts.next().unwrap_or(""));
    let kind = if body.starts_with(['{', '[']) { JSON } else { FORM };
    let headers = if method == "POST" { vec![kind] } else { Vec::new() };
    http(address, method, path, &headers, body.as_bytes())
}

/// Where ours lacks something that the other has, by path.
fn lacking(theirs: &Value, ours: &Value, at: &str, out: &mut Vec<String>) {
    match (theirs, ours) {
        (Value::Object(theirs), Value::Object(ours)) => {
            for (name, value) in theirs {
                match ours.get(name) {
                    Some(other) => lacking(value, other, &format!("{at}.{name}"), out),
                    None => out.push(format!("{at}.{name} is missing")),
                }
            }
        }
        (Value::Array(theirs), Value::Array(ours)) => {
            // Nobody promises an order: one of ours has to have the form of their first.
            let against = |other: &Value| {
                let mut out = Vec::new();
                lacking(&theirs[0], other, &format!("{at}[]"), &mut out);
                out
            };
            if !theirs.is_empty() && !ours.is_empty() {
                out.extend(ours.iter().map(against).min_by_key(Vec::len).unwrap_or_default());
            } else if theirs.is_empty() != ours.is_empty() {
                out.push(format!("{at} is empty for one of both"));
            }
        }
        _ if std::mem::discriminant(theirs) != std::mem::discriminant(ours) => out.push(format!("{at} is {ours} and not {theirs}")),
        _ => {}
    }
}

fn compare(theirs: &Program, ours: &Program, request: &str, differences: &mut Vec<String>) {
    let (their_status, their_body) = ask(&theirs.address, request);
    let (our_status, our_body) = ask(&ours.address, request);
    if their_status != our_status {
        differences.push(format!("{request}: {our_status} {our_body} and not {their_status} {their_body}"));
        return;
    }
    match (serde_json::from_str::<Value>(&their_body), serde_json::from_str::<Value>(&our_body)) {
        (Ok(theirs), Ok(ours)) => {
            let mut missing = Vec::new();
            lacking(&theirs, &ours, "", &mut missing);
            differences.extend(missing.into_iter().map(|one| format!("{request}: {one}")));
        }
        (Err(_), Err(_)) => {}
        _ => differences.push(format!("{request}: only one of both is JSON: {our_body} | {their_body}")),
    }
}

#[test]
fn grafanas_requests_to_prometheus() {
    let Some(dir) = peers() else { return };
    let target =
        Server::page(|| "# HELP requests_total Requests.\n# TYPE requests_total counter\nrequests_total{code=\"200\"} 5\n".to_string());
    let folder = folder(&target);
    let (theirs, ours) = (start_prometheus(&dir, &folder), Program::up(&folder));
    for program in [&theirs, &ours] {
        wait_explained("data, rules and alerts", &|| program.get("/api/v1/rules").1, || {
            let alerts = program.data("/api/v1/alerts");
            let recorded = program.data("/api/v1/query?query=job%3Aup");
            (alerts["alerts"].as_array()?.len() == 1 && !recorded["result"].as_array()?.is_empty()).then_some(())
        });
    }
    let mut differences = Vec::new();
    // "Save & test": bytes.
    for request in [
        "POST /api/v1/query query=1%2B1&time=4",
        "GET /api/v1/query?query=1%2B1&time=4",
        "GET /api/v1/query_exemplars?query=test&start=1000&end=2000",
    ] {
        let (their, our) = (ask(&theirs.address, request), ask(&ours.address, request));
        if their != our {
            differences.push(format!("{request}: {our:?} and not {their:?}"));
        }
    }
    let now = jiff::Timestamp::now().as_second();
    let range = format!("start={}&end={}", now - 60, now + 60);
    // Its first point sees what is there already.
    let ahead = format!("start={now}&end={}", now + 60);
    let selector = escape("{job=\"app\"}");
    for request in [
        "GET /api/v1/query?query=up".to_string(),
        "POST /api/v1/query query=up&timeout=10s".to_string(),
        format!("POST /api/v1/query_range query=up&step=15&{ahead}"),
        format!("GET /api/v1/query_range?query=up&step=15.5&{ahead}"),
        format!("GET /api/v1/query_range?query=up&step=0&{ahead}"),
        "GET /api/v1/query_range?query=up".into(),
        "GET /api/v1/query?query=rate(".into(),
        "GET /api/v1/query?query=up&time=x".into(),
        "GET /api/v1/query?query=up%20%2B%20on(x)%20group_left%20up".into(),
        format!("GET /api/v1/labels?{range}"),
        format!("POST /api/v1/labels match[]={selector}&{range}&limit=100"),
        format!("GET /api/v1/series?match[]={selector}&{range}"),
        format!("POST /api/v1/series match[]={selector}&{range}"),
        "GET /api/v1/series".into(),
        "GET /api/v1/labels?match[]=%7B".into(),
        format!("GET /api/v1/label/job/values?match[]={selector}&{range}&limit=5"),
        "GET /api/v1/label/U__job/values".into(),
        "GET /api/v1/label/__name__/values".into(),
        "GET /api/v1/metadata?metric=requests_total".into(),
        "GET /api/v1/metadata?limit=1".into(),
        "GET /api/v1/rules".into(),
        "GET /api/v1/rules?type=alert".into(),
        "GET /api/v1/rules?type=record&rule_name[]=job:up&rule_group[]=g".into(),
        "GET /api/v1/rules?type=x".into(),
        "GET /api/v1/alerts".into(),
        "GET /api/v1/targets?state=active".into(),
        "GET /api/v1/targets?state=dropped".into(),
        "GET /api/v1/scrape_pools".into(),
        "GET /api/v1/status/buildinfo".into(),
        "GET /api/v1/status/config".into(),
        "GET /api/v1/status/runtimeinfo".into(),
        "GET /api/v1/status/tsdb?limit=3".into(),
        "GET /api/v1/status/tsdb?limit=0".into(),
        "GET /api/v1/status/walreplay".into(),
        // What Grafana tries, to tell other servers apart.
        "GET /api/v1/rules/namespace/group".into(),
        "GET /config/v1/rules/namespace".into(),
        "GET /prometheus/config/v1/rules".into(),
        "GET /alertmanager/api/v2/status".into(),
        "GET /api/v1/no_such".into(),
        "POST /api/v1/status/buildinfo x=1".into(),
    ] {
        compare(&theirs, &ours, &request, &mut differences);
    }
    trees(&theirs, &ours, &mut differences);
    let features = ours.data("/api/v1/status/buildinfo")["features"].clone();
    assert!(features.is_null(), "a server with features is taken for Mimir: {features}");
    assert_eq!(ask(&ours.address, "GET /api/v1/status/flags").0, 200);
    assert!(differences.is_empty(), "{}", differences.join("\n"));
}

/// `parse_query` and `format_query` are the same, but for the places that ours adds.
fn trees(theirs: &Program, ours: &Program, differences: &mut Vec<String>) {
    let long = "a".repeat(60);
    for query in [
        "sum by (a, b) (rate(foo{x=\"1\",y=~\"2\"}[5m] offset 1m @ start())) / on (a) group_left (z) bar - 1",
        "a and on (x) b unless c or d",
        "a > bool 2 and ignoring () b * ignoring (x, y) group_right (z) c",
        "1 + 2 * 3 ^ 2 ^ 3 - -4 % 5 atan2 6",
        "max_over_time(foo[5m:1m] offset -1m)[1h:] @ end()",
        "histogram_quantile(0.9, sum without () (foo)) + 5m",
        "topk(3, -{__name__=~\"x.*\", y!=\"\"} @ 1.5)",
        "count_values(\"v\", foo) or vector(NaN)",
        "label_replace(foo, \"a\", \"$1\", \"b\", \"(.*)\") + label_join(foo, \"a\", \",\", \"b\", \"c\")",
        "round(foo) + round(foo, 5) + hour() + day_of_week(foo) + time() + scalar(foo)",
        "quantile by (x) (0.5, (foo))",
        &format!("sum(rate({long}{{job=\"x\"}}[5m])) by (a) / ignoring(b) group_left sum(rate({long}[5m])) > 1"),
        &format!("-topk(3, max_over_time(({long} + {long})[5m:1m]))"),
        &format!("clamp(({long}_1 or {long}_2 or {long}_3), 0, 1)"),
    ] {
        for endpoint in ["parse_query", "format_query"] {
            let request = format!("GET /api/v1/{endpoint}?query={}", escape(query));
            let (their, our) = (ask(&theirs.address, &request), ask(&ours.address, &request));
            let read = |body: &str| {
                let mut value: Value = serde_json::from_str(body).unwrap_or_default();
                strip(&mut value);
                value
            };
            if (their.0, read(&their.1)) != (our.0, read(&our.1)) {
                differences.push(format!("{endpoint} {query}:\n  ours   {}\n  theirs {}", read(&our.1), read(&their.1)));
            }
        }
    }
}

fn strip(value: &mut Value) {
    match value {
        Value::Object(map) => {
            map.remove("position");
            map.values_mut().for_each(strip);
        }
        Value::Array(list) => list.iter_mut().for_each(strip),
        _ => {}
    }
}

#[test]
fn grafanas_requests_to_alertmanager() {
    let Some(dir) = peers() else { return };
    let target = Server::page(|| "a 1\n".to_string());
    let folder = folder(&target);
    let (theirs, ours) = (start_alertmanager(&dir, &folder), Program::up(&folder));
    let alerts = r#"POST /api/v2/alerts [{"labels": {"alertname": "Posted", "severity": "info"}, "annotations": {"summary": "s"}, "generatorURL": "http://x"}]"#;
    let silence = r#"POST /api/v2/silences {"matchers": [{"name": "alertname", "value": "Other", "isRegex": false, "isEqual": true}], "startsAt": "2026-01-01T00:00:00Z", "endsAt": "2099-01-01T00:00:00Z", "createdBy": "me", "comment": "c"}"#;
    let mut differences = Vec::new();
    for request in [
        "GET /api/v2/status",
        alerts,
        silence,
        "POST /api/v2/silences {\"matchers\": []}",
        "GET /api/v2/receivers",
        "GET /api/v2/silences",
        "GET /api/v2/silences?filter=x%3D",
        "GET /api/v2/silence/00000000-0000-0000-0000-000000000000",
        "GET /api/v2/silence/x",
        "DELETE /api/v2/silence/00000000-0000-0000-0000-000000000000",
        "GET /api/v2/alerts?filter=alertname%3D%22Posted%22",
        "GET /api/v2/alerts/groups?filter=alertname%3D%22Posted%22",
        "GET /api/v2/alerts?filter=%7B",
        // A 200 here would say that this is Mimir's Alertmanager.
        "GET /alertmanager/api/v2/status",
        "GET /alertmanager/api/v2/silences",
    ] {
        compare(&theirs, &ours, request, &mut differences);
    }
    assert!(differences.is_empty(), "{}", differences.join("\n"));
}
