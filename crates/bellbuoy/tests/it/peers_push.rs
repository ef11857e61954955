//! The real Prometheus and the real Pushgateway beside bellbuoy.

use std::path::Path;
use std::process::Command;

use serde_json::Value;

use super::harness::{Folder, Program, Server, escape, free_port, http, peer, peers, wait_explained, wait_for};

/// A Prometheus that scrapes a page and sends everything on.
fn sender(dir: &Path, folder: &Folder, target: &str, to: &str, message: &str) -> Program {
    let name = format!("sender-{}", if message.contains("v2") { 2 } else { 1 });
    let config = format!(
        "global:\n  scrape_interval: 1s\nscrape_configs:\n- job_name: app\n  static_configs:\n  - targets: ['{target}']\nremote_write:\n- url: http://{to}/api/v1/write\n  protobuf_message: {message}\n  queue_config: {{batch_send_deadline: 200ms}}\n  metadata_config: {{send: true, send_interval: 1s}}\n"
    );
    folder.write(&format!("{name}/prometheus.yml"), &config);
    let port = free_port();
    let mut command = Command::new(peer(dir, &["prometheus"]));
    command
        .arg(format!("--config.file={}", folder.config().join(&name).join("prometheus.yml").display()))
        .arg(format!("--storage.tsdb.path={}", folder.root().join(&name).display()))
        .arg(format!("--web.listen-address=127.0.0.1:{port}"))
        .arg("--enable-feature=metadata-wal-records");
    let mut program = Program::start(command, "Server is ready to receive web requests");
    program.address = format!("127.0.0.1:{port}");
    program
}

/// All samples of a series, as a range vector at one time.
fn samples(address: &str, selector: &str, at: &str) -> Vec<Value> {
    let path = format!("/api/v1/query?query={}&time={at}", escape(&format!("{selector}[1h]")));
    let answer: Value = serde_json::from_str(&http(address, "GET", &path, &[], b"").1).expect("JSON");
    let mut result = answer["data"]["result"].as_array().cloned().unwrap_or_default();
    result.sort_by_key(|series| series["metric"].to_string());
    result
}

#[test]
fn what_prometheus_sends_is_what_prometheus_has() {
    let Some(dir) = peers() else { return };
    for message in ["prometheus.WriteRequest", "io.prometheus.write.v2.Request"] {
        let folder = Folder::new(&[("prometheus.yml", "scrape_configs: []\n")]);
        let mut step = 0;
        let page = Server::page(move || {
            step += 1;
            let mut out = format!("# HELP c_total Counts.\n# TYPE c_total counter\nc_total {step}\n# TYPE h histogram\n");
            out.push_str(&format!("h_bucket{{le=\"1\"}} {step}\nh_bucket{{le=\"+Inf\"}} {step}\nh_sum {step}.5\nh_count {step}\n"));
            // One that comes and goes: its end is a staleness marker.
            if step % 3 == 0 {
                out.push_str("blinks{a=\"ü \\\"x\\\"\"} 1\n");
            }
            out
        });
        let program = Program::up(&folder);
        let prometheus = sender(&dir, &folder, &page.address.to_string(), &program.address, message);
        wait_for("eight scrapes", || (page.received().len() >= 8).then_some(()));
        // Both are asked for all samples up to one time, which Prometheus has and bellbuoy will have.
        let newest = wait_for("a sample", || {
            let found = samples(&prometheus.address, "c_total", "4000000000").is_empty();
            let last = http(&prometheus.address, "GET", "/api/v1/query?query=timestamp(c_total)", &[], b"").1;
            let last: Value = serde_json::from_str(&last).ok()?;
            found.then(|| last["data"]["result"][0]["value"][1].as_str().map(str::to_string)).flatten()
        });
        let selector = "{__name__=~\"c_total|h_.*|blinks|up\"}";
        let theirs = samples(&prometheus.address, selector, &newest);
        assert!(theirs.len() >= 7, "{theirs:?}");
        let ours = || samples(&program.address, selector, &newest);
        wait_explained(message, &|| format!("theirs {theirs:?}\nours   {:?}", ours()), || (ours() == theirs).then_some(()));
        wait_for("metadata", || {
            let metadata = program.data("/api/v1/metadata?metric=c_total");
            (metadata["c_total"][0]["help"] == "Counts." && metadata["c_total"][0]["type"] == "counter").then_some(())
        });
        // Prometheus itself counts nothing as failed.
        let (_, metrics) = http(&prometheus.address, "GET", "/metrics", &[], b"");
        let failed: Vec<&str> = metrics
            .lines()
            .filter(|line| {
                line.starts_with("prometheus_remote_storage_samples_failed_total{")
                    || line.starts_with("prometheus_remote_storage_samples_dropped_total{")
            })
            .collect();
        assert!(failed.iter().all(|line| line.ends_with(" 0")), "{failed:?}");
    }
}

/// The same pushes to the real Pushgateway: the same status codes, and the same page for a scrape.
#[test]
fn pushes_are_answered_as_by_the_pushgateway() {
    let Some(dir) = peers() else { return };
    let Some(binary) = ["prometheus-pushgateway", "pushgateway"].iter().map(|name| dir.join(name)).find(|path| path.exists()) else {
        println!("skipped: no pushgateway in {}", dir.display());
        return;
    };
    let folder = Folder::new(&[("prometheus.yml", "scrape_configs: []\n")]);
    let program = Program::up(&folder);
    let port = free_port();
    let mut command = Command::new(binary);
    command.arg(format!("--web.listen-address=127.0.0.1:{port}"));
    let mut gateway = Program::start(command, "Listening on");
    gateway.address = format!("127.0.0.1:{port}");
    let posts: &[(&str, &str, &str)] = &[
        ("PUT", "/metrics/job/a", "# HELP c Counts.\n# TYPE c counter\nc{x=\"1\"} 1\nc{x=\"2\",job=\"z\"} 2.5e10\n"),
        ("POST", "/metrics/job/a", "# TYPE g gauge\ng NaN\n"),
        ("POST", "/metrics/job/a/instance/i", "# TYPE g gauge\ng{instance=\"other\"} -Inf\n"),
        ("PUT", "/metrics/job/h", "# TYPE h histogram\nh_bucket{le=\"1\"} 1\nh_bucket{le=\"+Inf\"} 2\nh_sum 3\nh_count 2\n"),
        ("PUT", "/metrics/job/s", "# TYPE s summary\ns{quantile=\"0.5\"} 1\ns_sum 3\ns_count 2\n"),
        ("PUT", "/metrics/job/empty", ""),
        ("PUT", "/metrics/job@base64/L3Zhci90bXA/k@base64/=", "u 1\n"),
        ("PUT", "/metrics/job@base64/L3Zhci90bXA=/k@base64/ZWU=", "u 1\n"),
        ("PUT", "/metrics/job@base64/L3Zhci90bXA/k@base64/ZWY", "u 1\n"),
        ("PUT", "/metrics/job/a%20b/k/", "u 1\n"),
        ("PUT", "/metrics/job/clock", "push_time_seconds 5\npush_failure_time_seconds 6\nu 1\n"),
        ("POST", "/metrics/job/replaced", "u 1\nv 1\n"),
        ("POST", "/metrics/job/replaced", "v{x=\"1\"} 2\n"),
        ("PUT", "/metrics/job/emptied", "u 1\n"),
        ("PUT", "/metrics/job/emptied", ""),
        ("POST", "/metrics/job/help", "# HELP u Another text.\nu 1\n"),
        ("PUT", "/metrics/job@base64/=", "u 1\n"),
        ("DELETE", "/metrics/job/a/b", ""),
        ("PUT", "/metrics/job/a/b", "u 1\n"),
        ("PUT", "/metrics/job/a/__b/c", "u 1\n"),
        ("PUT", "/metrics/job/a/b@base64/***", "u 1\n"),
        ("PUT", "/metrics/job/bad", "u one\n"),
        ("PUT", "/metrics/job/bad", "u 1"),
        ("PUT", "/metrics/job/times", "u 1 1000\n"),
        ("PUT", "/metrics/job/types", "# TYPE c gauge\nc 1\n"),
        ("PUT", "/metrics/job/twice", "u{a=\"1\"} 1\nu{a=\"1\"} 1\n"),
        ("PUT", "/metrics/job/gone", "u 1\n"),
        ("DELETE", "/metrics/job/gone", ""),
        ("DELETE", "/metrics/job/never", ""),
    ];
    for (method, path, body) in posts {
        let [ours, theirs] = [&program, &gateway].map(|server| http(&server.address, method, path, &[], body.as_bytes()));
        assert_eq!(ours.0, theirs.0, "{method} {path} {body:?}\nours {ours:?}\ntheirs {theirs:?}");
    }
    let lines = |text: String| -> Vec<String> {
        let mut lines: Vec<String> = text
            .lines()
            .filter(|line| {
                !line.starts_with('#') && !line.starts_with("go_") && !line.starts_with("process_") && !line.starts_with("pushgateway_")
            })
            // The values of these are clocks.
            .map(|line| {
                if line.starts_with("push_") {
                    line.rsplit_once(' ').map_or(line, |(series, _)| series).to_string()
                } else {
                    line.to_string()
                }
            })
            .map(sorted)
            .collect();
        lines.sort();
        lines
    };
    let (ours, theirs) = (lines(program.get("/pushgateway/metrics").1), lines(gateway.get("/metrics").1));
    assert_eq!(ours, theirs);
}

/// The labels of a line in the order of their names.
fn sorted(line: String) -> String {
    let Some((name, rest)) = line.split_once('{') else { return line };
    let Some((labels, value)) = rest.rsplit_once('}') else { return line };
    let mut labels: Vec<String> = labels.split(',').map(str::to_string).collect();
    labels.sort();
    let bound = |label: &String| label.replace("le=\"1.0\"", "le=\"1\"");
    format!("{name}{{{}}}{value}", labels.iter().map(bound).collect::<Vec<_>>().join(","))
}
