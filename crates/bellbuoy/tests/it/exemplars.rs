//! Exemplars: the same answers as the real Prometheus, for what is scraped and what is sent; a log that it replays; kill -9; a new bound by reload.

use std::path::Path;
use std::process::Command;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, LazyLock};
use std::time::{SystemTime, UNIX_EPOCH};

use serde_json::Value;

use super::harness::{Folder, Program, Server, answer, escape, free_port, http, ok, peer, peers, prometheus, wait_explained, wait_for};
use super::push::{bytes, double, number, varint};

const OPENMETRICS: &str = "application/openmetrics-text; version=1.0.0; charset=utf-8";
const ALL: &str = "{__name__=~\".+\"}";
/// Seconds: what is older than the retention is not read back.
static BASE: LazyLock<u64> = LazyLock::new(|| SystemTime::now().duration_since(UNIX_EPOCH).expect("after 1970").as_secs() - 200);

/// What a service shows at a step: each step brings newer exemplars to two series, and one that is too old or too long.
fn page(step: u64) -> String {
    let base = *BASE;
    let at = base + step;
    let long = "x".repeat(130);
    format!(
        "# TYPE http_requests counter\nhttp_requests_total{{code=\"200\"}} {step} # {{trace_id=\"t{step}\",b=\"ü <b>\"}} 0.5 {at}.250\n\
         http_requests_total{{code=\"500\"}} 1 # {{trace_id=\"same\"}} 1 {base}\n\
         # TYPE lat histogram\nlat_bucket{{le=\"0.1\"}} 1 # {{}} {step}e-07 {at}\nlat_bucket{{le=\"1.0\"}} 2 # {{trace_id=\"{long}\"}} 0.7 {at}\n\
         lat_bucket{{le=\"+Inf\"}} 3 # {{trace_id=\"old{step}\"}} 12 {}\nlat_count 3\nlat_sum 4\n\
         # TYPE g gauge\ng 2 # {{span_id=\"s\"}} 2.5 {at}\n# EOF\n",
        base + 100 - step
    )
}

fn serve(step: Arc<AtomicU64>) -> Server {
    Server::start(move |_| ok(OPENMETRICS, &page(step.load(Ordering::SeqCst))))
}

fn start_prometheus(dir: &Path, config: &Path, data: &Path) -> Program {
    let port = free_port();
    let mut command = Command::new(peer(dir, &["prometheus"]));
    command
        .arg(format!("--config.file={}", config.display()))
        .arg(format!("--storage.tsdb.path={}", data.display()))
        .arg(format!("--web.listen-address=127.0.0.1:{port}"))
        .arg("--enable-feature=exemplar-storage,native-histograms");
    let mut program = Program::start(command, "Server is ready to receive web requests");
    program.address = format!("127.0.0.1:{port}");
    program
}

fn query_path(query: &str, more: &str) -> String {
    format!("/api/v1/query_exemplars?query={}{more}", escape(query))
}

fn all(address: &str) -> String {
    http(address, "GET", &query_path(ALL, ""), &[], b"").1
}

fn wait_same(what: &str, ours: &str, theirs: &str, mark: &str) {
    let seen = || format!("theirs {}\nours   {}", all(theirs), all(ours));
    wait_explained(what, &seen, || (all(ours).contains(mark) && all(theirs) == all(ours)).then_some(()));
}

#[test]
fn scraped_exemplars_are_answered_as_by_prometheus_and_it_replays_our_log() {
    let Some(dir) = peers() else { return };
    let step = Arc::new(AtomicU64::new(1));
    let target = serve(step.clone());
    let folder = Folder::new(&[("prometheus.yml", &prometheus(&[target.address], &[]))]);
    let program = Program::up(&folder);
    let theirs = start_prometheus(&dir, &folder.config().join("prometheus.yml"), &folder.root().join("theirs"));
    for now in 1..=3 {
        step.store(now, Ordering::SeqCst);
        wait_same("a step", &program.address, &theirs.address, &format!("\"t{now}\""));
    }
    assert!(!all(&program.address).contains("xxx") && all(&program.address).contains("1e-07"));
    let mut differences = Vec::new();
    let paths = [
        query_path("http_requests_total", ""),
        query_path("sum(rate(lat_bucket{le!=\"0.1\"}[1m])) / on() sum(http_requests_total{code=\"200\"} offset 5m)", ""),
        query_path("max_over_time(g[5m:1m]) or up", ""),
        query_path(ALL, &format!("&start={}&end={}", *BASE + 2, *BASE + 3)),
        query_path(ALL, &format!("&start={}", *BASE + 1000)),
        query_path("nothing", ""),
        query_path("1 + 1", ""),
        query_path("", ""),
        query_path("{}", ""),
        query_path("sum(", ""),
        query_path("up", "&start=2000&end=1000"),
        query_path("up", "&start=soon"),
        query_path("up", "&end=never"),
    ];
    for path in &paths {
        let (their, our) = (http(&theirs.address, "GET", path, &[], b""), program.get(path));
        if their != our {
            differences.push(format!("{path}:\nours   {our:?}\ntheirs {their:?}"));
        }
    }
    let form = [("content-type", "application/x-www-form-urlencoded")];
    let body = format!("query={}", escape("lat_bucket"));
    let ask = |address: &str| http(address, "POST", "/api/v1/query_exemplars", &form, body.as_bytes());
    if ask(&theirs.address) != ask(&program.address) {
        differences.push(format!("POST: {:?} and not {:?}", ask(&program.address), ask(&theirs.address)));
    }
    assert!(differences.is_empty(), "{}", differences.join("\n"));
    // Our log in the hands of Prometheus, as kill -9 left it.
    let said = all(&program.address);
    program.kill();
    let data = folder.root().join("replayed");
    std::fs::create_dir_all(data.join("wal")).expect("folder");
    for file in std::fs::read_dir(folder.data().join("wal")).expect("the log").map(|file| file.expect("a file").path()) {
        std::fs::copy(&file, data.join("wal").join(file.file_name().expect("named"))).expect("copied");
    }
    folder.write("empty.yml", "scrape_configs: []\n");
    let replayed = start_prometheus(&dir, &folder.config().join("empty.yml"), &data);
    // Prometheus takes an equal one of another time for the same when it replays its own log, too: g has such.
    let but_g = |text: &str| -> Value {
        let answer: Value = serde_json::from_str(text).expect("JSON");
        let series = answer["data"].as_array().cloned().unwrap_or_default();
        series.into_iter().filter(|one| one["seriesLabels"]["__name__"] != "g").collect()
    };
    assert_eq!(but_g(&all(&replayed.address)), but_g(&said), "{}", replayed.log());
}

#[test]
fn exemplars_that_prometheus_sends_are_those_it_has() {
    let Some(dir) = peers() else { return };
    for message in ["prometheus.WriteRequest", "io.prometheus.write.v2.Request"] {
        let step = Arc::new(AtomicU64::new(1));
        let target = serve(step.clone());
        let folder = Folder::new(&[("prometheus.yml", "scrape_configs: []\n")]);
        let program = Program::up(&folder);
        let config = format!(
            "{}remote_write:\n- url: http://{}/api/v1/write\n  protobuf_message: {message}\n  send_exemplars: true\n  queue_config: {{batch_send_deadline: 200ms}}\n",
            prometheus(&[target.address], &[]),
            program.address
        );
        folder.write("sender/prometheus.yml", &config);
        let theirs = start_prometheus(&dir, &folder.config().join("sender/prometheus.yml"), &folder.root().join("sender"));
        for now in 1..=3 {
            step.store(now, Ordering::SeqCst);
            wait_same(message, &program.address, &theirs.address, &format!("\"t{now}\""));
        }
    }
}

/// Of a metric of our own page.
fn figure(program: &Program, name: &str) -> String {
    let (_, page) = program.get("/metrics");
    page.lines().find_map(|line| line.strip_prefix(&format!("{name} "))).unwrap_or("").to_string()
}

#[test]
fn they_survive_the_end_of_the_process_and_a_reload_changes_how_many() {
    let step = Arc::new(AtomicU64::new(1));
    let target = serve(step.clone());
    let config = prometheus(&[target.address], &[]);
    let folder = Folder::new(&[("prometheus.yml", &config)]);
    let program = Program::up(&folder);
    for now in 1..=2 {
        step.store(now, Ordering::SeqCst);
        wait_for("a step", || all(&program.address).contains(&format!("\"t{now}\"")).then_some(()));
    }
    let said = all(&program.address);
    // 200: two; 500: one; lat 0.1: two; +Inf: the first; g: two.
    assert_eq!(figure(&program, "prometheus_tsdb_exemplar_exemplars_in_storage"), "8", "{said}");
    assert_eq!(figure(&program, "prometheus_tsdb_exemplar_max_exemplars"), "100000");
    assert_eq!(figure(&program, "prometheus_tsdb_exemplar_series_with_exemplars_in_storage"), "5");
    assert_ne!(figure(&program, "prometheus_tsdb_exemplar_out_of_order_exemplars_total"), "0");
    program.kill();
    let program = Program::up(&folder);
    assert_eq!(all(&program.address), said);
    folder.write("prometheus.yml", &format!("{config}storage: {{exemplars: {{max_exemplars: 3}}}}\n"));
    assert_eq!(program.post("/-/reload", "").0, 200);
    assert_eq!(figure(&program, "prometheus_tsdb_exemplar_exemplars_in_storage"), "3");
    folder.write("prometheus.yml", &format!("{config}storage: {{exemplars: {{max_exemplars: 0}}}}\n"));
    assert_eq!(program.post("/-/reload", "").0, 200);
    let answer: Value = serde_json::from_str(&all(&program.address)).expect("JSON");
    assert_eq!(answer["data"], serde_json::json!([]));
}

#[test]
fn pushed_exemplars_are_stored_and_pages_know_where_traces_are() {
    let datasources = "apiVersion: 1\ndatasources:\n- name: P\n  type: prometheus\n  uid: p\n  jsonData:\n    exemplarTraceIdDestinations:\n\
        \x20   - {name: trace_id, url: 'https://traces.example/t/$${__value.raw}', urlDisplayName: Tempo}\n\
        \x20   - {name: trace_id, url: 'javascript:alert(1)'}\n    - {name: trace_id, datasourceUid: t}\n\
        \x20   - {name: q, datasourceUid: p}\n    - {name: q, datasourceUid: gone, urlDisplayName: G}\n- {name: My Tempo, type: tempo, uid: t}\n";
    let folder = Folder::new(&[("prometheus.yml", "scrape_configs: []\n"), ("provisioning/datasources/p.yml", datasources)]);
    let program = Program::up(&folder);
    let links = program.data("/api/bellbuoy/exemplar_links");
    assert_eq!(
        links["links"],
        serde_json::json!([
            {"label": "trace_id", "url": "https://traces.example/t/${__value.raw}", "title": "Tempo"},
            {"label": "trace_id", "url": "", "title": "t", "why": "its traces are in the data source \"My Tempo\" (tempo), which is not asked from here"},
            {"label": "q", "url": "", "title": "p", "query": true},
            {"label": "q", "url": "", "title": "G", "why": "no data source file has the uid \"gone\""},
        ])
    );
    let now = SystemTime::now().duration_since(UNIX_EPOCH).expect("after 1970").as_nanos();
    let body = format!(
        r#"{{"resourceMetrics": [{{"scopeMetrics": [{{"metrics": [{{"name": "n", "sum": {{"aggregationTemporality": 2, "isMonotonic": true, "dataPoints": [{{"timeUnixNano": "{now}", "asInt": "7",
        "exemplars": [{{"timeUnixNano": "1795300000250000000", "asInt": "3", "traceId": "0102030405060708090a0b0c0d0e0f10"}}]}}]}}}}]}}]}}]}}"#
    );
    assert_eq!(program.post("/api/v1/otlp/v1/metrics", &body).0, 200);
    assert_eq!(
        program.data(&query_path("n_total", "")),
        serde_json::json!([{"seriesLabels": {"__name__": "n_total"},
            "exemplars": [{"labels": {"trace_id": "0102030405060708090a0b0c0d0e0f10"}, "value": "3", "timestamp": 1_795_300_000.25}]}])
    );
    let stored = program.get("/metrics").1;
    assert!(stored.contains("bellbuoy_pushed_exemplars_total{protocol=\"otlp\"} 1"), "{stored}");
}

const PROTOBUF: &str = "application/vnd.google.protobuf; proto=io.prometheus.client.MetricFamily; encoding=delimited";

fn exemplar(tag: u64, id: &str, value: f64, seconds: Option<u64>) -> Vec<u8> {
    let label = bytes(1, &[bytes(1, b"trace_id"), bytes(2, id.as_bytes())].concat());
    let time = seconds.map(|seconds| bytes(3, &[number(1, seconds), number(2, 250_000_000)].concat()));
    bytes(tag, &[label, double(2, value), time.unwrap_or_default()].concat())
}

fn family(name: &str, kind: u64, metric: &[u8]) -> Vec<u8> {
    let body = [bytes(1, name.as_bytes()), number(3, kind), bytes(4, metric)].concat();
    [varint(body.len() as u64), body].concat()
}

fn bucket(count: u64, bound: f64, exemplar: Vec<u8>) -> Vec<u8> {
    bytes(3, &[number(1, count), double(2, bound), exemplar].concat())
}

/// Three observations in native buckets, with an exemplar per step as a service keeps them: older ones stay, one has no time.
fn native(step: u64) -> Vec<u8> {
    let buckets = [number(5, 0), double(6, 1e-128), bytes(12, &[number(1, 0), number(2, 1)].concat()), bytes(13, &varint(6))].concat();
    let kept = (1..=step).flat_map(|one| exemplar(16, &format!("n{one}"), 0.5 * one as f64, Some(*BASE + one)));
    [buckets, kept.collect(), exemplar(16, "timeless", 0.3, None)].concat()
}

fn native_page(step: u64) -> Vec<u8> {
    let counts = [number(1, 3), double(2, 2.5)].concat();
    // The event of step 1 is told twice, as client libraries do: at its bucket too.
    let classic = [bucket(1, 0.5, exemplar(3, "n1", 0.5, Some(*BASE + 1))), bucket(3, 9.0, Vec::new())].concat();
    let alone = bytes(7, &[counts.clone(), native(step)].concat());
    let both = bytes(7, &[counts, classic, native(step)].concat());
    [family("alone", 4, &alone), family("both", 4, &both)].concat()
}

/// What exemplars a metric has, whatever its series are called.
fn events(address: &str, metric: &str) -> Vec<String> {
    let answer = http(address, "GET", &query_path(&format!("{{__name__=~\"{metric}(_bucket)?\"}}"), ""), &[], b"").1;
    let answer: Value = serde_json::from_str(&answer).expect("JSON");
    let series = answer["data"].as_array().into_iter().flatten();
    let mut events: Vec<String> =
        series.flat_map(|series| series["exemplars"].as_array().into_iter().flatten()).map(Value::to_string).collect();
    events.sort();
    events
}

/// Prometheus has them at the native histogram; here it is stored as its classic buckets, and the bucket of their value has them.
#[test]
fn exemplars_of_native_histograms_are_those_of_prometheus() {
    let Some(dir) = peers() else { return };
    let step = Arc::new(AtomicU64::new(1));
    let shown = step.clone();
    let target = Server::start(move |_| answer(200, &[("content-type", PROTOBUF)], &native_page(shown.load(Ordering::SeqCst))));
    let config = prometheus(&[target.address], &[]).replace("global:\n", "global:\n  scrape_protocols: [PrometheusProto]\n");
    let folder = Folder::new(&[("prometheus.yml", &config)]);
    let program = Program::up(&folder);
    let theirs = start_prometheus(&dir, &folder.config().join("prometheus.yml"), &folder.root().join("theirs"));
    for now in 1..=3 {
        step.store(now, Ordering::SeqCst);
        for metric in ["alone", "both"] {
            let both = || (events(&program.address, metric), events(&theirs.address, metric));
            let seen = || format!("{metric}: {:?}\n{}", both(), all(&theirs.address));
            wait_explained("a step", &seen, || {
                let (ours, theirs) = both();
                (ours == theirs && ours.len() == now as usize).then_some(())
            });
        }
    }
    let (_, series) = program.get(&query_path("both_bucket{le=\"0.5\"}", ""));
    assert!(series.contains("\"n1\"") && !series.contains("\"n2\""), "{series}");
    // Told again with each scrape, and no fault as long as one of them is new or known.
    assert_eq!(figure(&program, "prometheus_target_scrapes_exemplar_out_of_order_total"), "0");
}

#[test]
fn exemplars_of_pushed_groups_are_those_of_a_pushgateway_that_prometheus_scrapes() {
    let Some(dir) = peers() else { return };
    let port = free_port();
    let mut command = Command::new(peer(&dir, &["prometheus-pushgateway", "pushgateway"]));
    command.arg(format!("--web.listen-address=127.0.0.1:{port}"));
    let gateway = format!("127.0.0.1:{port}");
    let _gateway = Program::start(command, "Listening on");
    let config = format!(
        "global: {{scrape_interval: 1s, scrape_protocols: [PrometheusProto]}}\nscrape_configs:\n- job_name: pushes\n  honor_labels: true\n  static_configs:\n  - targets: ['{gateway}']\n"
    );
    let folder = Folder::new(&[("prometheus.yml", "scrape_configs: []\n"), ("bellbuoy.yml", "pushgateway: {interval: 1s, job: pushes}\n")]);
    let program = Program::up(&folder);
    folder.write("theirs/prometheus.yml", &config);
    let theirs = start_prometheus(&dir, &folder.config().join("theirs/prometheus.yml"), &folder.root().join("theirs"));
    let push = |step: u64| {
        let time = Some(*BASE + step);
        let counter = bytes(3, &[double(1, step as f64), exemplar(2, &format!("c{step}"), 1.0, time)].concat());
        let timeless = bytes(3, &[double(1, 1.0), exemplar(2, "timeless", 1.0, None)].concat());
        let histogram =
            [number(1, 2), double(2, 1.5), bucket(1, 0.5, exemplar(3, &format!("h{step}"), 0.25, time)), bucket(2, 2.0, Vec::new())];
        let body = [
            family("pushed_total", 0, &counter),
            family("timeless_total", 0, &timeless),
            family("took", 4, &bytes(7, &histogram.concat())),
        ];
        for address in [&gateway, &program.address] {
            let (status, said) = http(address, "PUT", "/metrics/job/etl", &[("content-type", PROTOBUF)], &body.concat());
            assert_eq!(status, 200, "{address}: {said}");
        }
    };
    let timed = "{__name__=~\"pushed_total|took_bucket\"}";
    for step in 1..=3 {
        push(step);
        let both = || [&program.address, &theirs.address].map(|address| http(address, "GET", &query_path(timed, ""), &[], b"").1);
        let seen = || both().join("\n");
        wait_explained("a push", &seen, || {
            let [ours, theirs] = both();
            (ours == theirs && ours.contains(&format!("\"c{step}\"")) && ours.contains(&format!("\"h{step}\""))).then_some(())
        });
    }
    // One without a time is told with each reading of the group, and is one.
    let one = |address: &str| {
        let found: Value = serde_json::from_str(&http(address, "GET", &query_path("timeless_total", ""), &[], b"").1).expect("JSON");
        found["data"][0]["exemplars"].as_array().map(|exemplars| exemplars.iter().map(|one| one["labels"].clone()).collect::<Vec<_>>())
    };
    assert_eq!(one(&program.address), one(&theirs.address));
    assert_eq!(one(&program.address).map(|exemplars| exemplars.len()), Some(1));
    // The group is kept with them: a new store has them again.
    let said = all(&program.address);
    program.kill();
    std::fs::remove_dir_all(folder.config().join("theirs")).expect("removed");
    std::fs::remove_dir_all(folder.data().join("wal")).expect("removed");
    let again = Program::up(&folder);
    wait_explained("the exemplars of the kept group", &|| format!("{said}\n{}", all(&again.address)), || {
        let found = all(&again.address);
        (found.contains("\"c3\"") && found.contains("\"h3\"")).then_some(())
    });
}
