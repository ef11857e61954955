//! `bellbuoy up`: scrape, query, alert, message, resolve, reload.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use serde_json::json;

use super::harness::{Folder, Program, Server, alertmanager, answer, prometheus, text, wait_explained, wait_for};

const RULES: &str = "groups:\n- name: g\n  rules:\n  - record: job:load:sum\n    expr: sum by (job) (load)\n  - alert: LoadHigh\n    expr: load > 5\n    for: 1s\n    labels: {severity: critical}\n    annotations:\n      summary: 'load of {{ $labels.instance }} is {{ $value }}'\n";

#[test]
fn a_metric_becomes_an_alert_becomes_a_message_and_is_resolved() {
    let high = Arc::new(AtomicBool::new(true));
    let value = high.clone();
    let target = Server::page(move || {
        format!("# HELP load Load now.\n# TYPE load gauge\nload{{cpu=\"0\"}} {}\n", if value.load(Ordering::Relaxed) { 7 } else { 1 })
    });
    let hook = Server::start(|_| answer(200, &[], b""));
    let folder = Folder::new(&[
        ("prometheus.yml", &prometheus(&[target.address], &["rules.yml"])),
        ("rules.yml", RULES),
        ("alertmanager.yml", &alertmanager(&format!("http://{}/hook", hook.address))),
    ]);
    let program = Program::up(&folder);

    wait_for("the target's sample", || program.query("load").first().map(|(_, value)| assert_eq!(value, "7")));
    wait_for("the recorded series", || (!program.query("job:load:sum").is_empty()).then_some(()));
    let message = wait_for("the firing message", || hook.received().first().cloned()).json();
    assert_eq!((text(&message["status"]), text(&message["version"])), ("firing".into(), "4".into()));
    assert_eq!(message["alerts"][0]["labels"]["alertname"], "LoadHigh");
    let summary = text(&message["alerts"][0]["annotations"]["summary"]);
    assert_eq!(summary, format!("load of {} is 7", target.address));
    assert_eq!(program.alert_states(), [("LoadHigh".to_string(), "firing".to_string())]);
    assert_eq!(program.query("ALERTS{alertstate=\"firing\"}").len(), 1);

    let (status, alerts) = program.get("/api/v2/alerts");
    assert_eq!(status, 200);
    let alerts: serde_json::Value = serde_json::from_str(&alerts).expect("JSON");
    assert_eq!(alerts[0]["status"]["state"], "active");
    assert_eq!(alerts[0]["receivers"], json!([{"name": "hook"}]));

    high.store(false, Ordering::Relaxed);
    let message = wait_for("the resolved message", || hook.received().iter().map(|one| one.json()).find(|one| one["status"] == "resolved"));
    assert_eq!(message["alerts"][0]["status"], "resolved");
    assert_eq!(hook.received().len(), 2, "one firing and one resolved message");
    assert_eq!(program.stop(), Some(0));
}

#[test]
fn the_apis_show_targets_rules_metadata_and_errors_as_prometheus_does() {
    let target = Server::page(|| "# HELP load Load now.\n# TYPE load gauge\nload 7\n".to_string());
    let folder = Folder::new(&[("prometheus.yml", &prometheus(&[target.address], &["rules.yml"])), ("rules.yml", RULES)]);
    let program = Program::up(&folder);
    wait_for("a scrape", || (!program.query("load").is_empty()).then_some(()));

    let targets = program.data("/api/v1/targets");
    assert_eq!(targets["activeTargets"][0]["health"], "up");
    assert_eq!(targets["activeTargets"][0]["labels"]["job"], "app");
    let rules = program.data("/api/v1/rules");
    assert_eq!(rules["groups"][0]["rules"][0]["name"], "job:load:sum");
    assert_eq!(rules["groups"][0]["rules"][1]["query"], "load > 5");
    assert_eq!(program.data("/api/v1/metadata?metric=load"), json!({"load": [{"type": "gauge", "help": "Load now.", "unit": ""}]}));
    assert_eq!(program.data("/api/v1/label/job/values"), json!(["app"]));
    let names = program.data("/api/v1/labels");
    assert!(names.as_array().is_some_and(|names| names.contains(&json!("instance"))));
    let series = program.data("/api/v1/series?match[]=up");
    assert_eq!(series[0]["__name__"], "up");

    for (path, status, kind) in [
        ("/api/v1/query?query=load%7B", 400, "bad_data"),
        ("/api/v1/query?query=load&time=never", 400, "bad_data"),
        ("/api/v1/query_range?query=load&start=2&end=1&step=1", 400, "bad_data"),
        ("/api/v1/query_range?query=load&start=0&end=1000000&step=1", 400, "bad_data"),
        ("/api/v1/query?query=load%20%2B%20on(x)%20load%20%2B%20on(job)%20label_replace(load,%22x%22,%221%22,%22%22,%22%22)", 200, ""),
        ("/api/v1/series", 400, "bad_data"),
        ("/api/v1/nothing", 404, ""),
        ("/api/v1/models/none", 404, "not_found"),
    ] {
        let (code, body) = program.get(path);
        assert_eq!(code, status, "{path}: {body}");
        // What is not there at all is plain text, as everywhere at Prometheus: Grafana tells servers apart by it.
        if !kind.is_empty() {
            assert_eq!(serde_json::from_str::<serde_json::Value>(&body).expect("JSON")["errorType"], kind, "{path}: {body}");
        }
    }
    let (code, metrics) = program.get("/metrics");
    assert_eq!(code, 200);
    for name in ["prometheus_tsdb_head_series", "alertmanager_alerts", "prometheus_config_last_reload_successful 1"] {
        assert!(metrics.contains(name), "{name}");
    }
    let (code, page) = program.get("/status");
    assert!(code == 200 && page.contains("1 of 1 up"), "{page}");
}

#[test]
fn a_bad_file_is_rejected_whole_and_a_good_one_is_taken() {
    let target = Server::page(|| "load 7\n".to_string());
    let good = prometheus(&[target.address], &["rules.yml"]);
    let folder = Folder::new(&[("prometheus.yml", &good), ("rules.yml", RULES)]);
    let mut program = Program::up_with(&folder, &["--listen", "127.0.0.1:0", "--no-watch"]);

    folder.write("prometheus.yml", &good.replace("scrape_interval: 1s", "scrape_intervall: 1s"));
    folder.write("rules.yml", "groups:\n- name: g\n  rules:\n  - alert: A\n    expr: sum(\n");
    let (code, body) = program.post("/-/reload", "");
    assert_eq!(code, 500);
    assert!(body.contains("prometheus.yml:2:") && body.contains("scrape_interval"), "{body}");
    assert!(body.contains("rules.yml:5:"), "all problems at once: {body}");
    assert!(program.get("/metrics").1.contains("prometheus_config_last_reload_successful 0"));
    assert!(program.get("/status").1.contains("was rejected"));
    assert_eq!(program.data("/api/v1/rules")["groups"][0]["rules"][1]["name"], "LoadHigh", "the old rules stay");

    folder.write("prometheus.yml", &good);
    folder.write("rules.yml", &RULES.replace("LoadHigh", "LoadVeryHigh"));
    program.signal("HUP");
    wait_for("the new rule", || (program.data("/api/v1/rules")["groups"][0]["rules"][1]["name"] == "LoadVeryHigh").then_some(()));
    assert!(program.get("/metrics").1.contains("prometheus_config_last_reload_successful 1"));
}

#[test]
fn a_changed_file_reloads_by_itself_and_discovery_files_are_followed() {
    let target = Server::page(|| "load 7\n".to_string());
    let folder = Folder::new(&[(
        "prometheus.yml",
        "global: {scrape_interval: 1s, scrape_timeout: 1s}\nscrape_configs:\n- job_name: found\n  file_sd_configs:\n  - files: ['targets/*.json']\n    refresh_interval: 1s\n",
    )]);
    std::fs::create_dir(folder.config().join("targets")).expect("folder");
    let program = Program::up(&folder);
    assert_eq!(program.data("/api/v1/targets")["activeTargets"], json!([]));
    folder.write("targets/a.json", &format!(r#"[{{"targets": ["{}"], "labels": {{"team": "ml"}}}}]"#, target.address));
    wait_for("the discovered target", || (!program.query("load{team=\"ml\"}").is_empty()).then_some(()));
    folder.write("targets/a.json", "[]");
    wait_for("the target's end", || (program.data("/api/v1/targets")["activeTargets"] == json!([])).then_some(()));
    wait_for("staleness of its series", || program.query("load").is_empty().then_some(()));
    folder.write("prometheus.yml", &prometheus(&[target.address], &[]));
    wait_for("the new job", || (!program.query("load{job=\"app\"}").is_empty()).then_some(()));
}

#[test]
fn predictions_and_true_values_are_judged() {
    let mut reference = String::from("x,kind\n");
    for n in 0..300 {
        reference.push_str(&format!("{},{}\n", f64::from(n % 50) + 0.5, ["a", "b", "c"][n as usize % 3]));
    }
    let folder = Folder::new(&[
        ("reference.csv", &reference),
        (
            "bellbuoy.yml",
            "models:\n- name: m\n  kind: regression\n  target: truth\n  reference: reference.csv\n  features:\n  - name: x\n  - name: kind\n  rows_min: 50\n  schedule: 1h\n  retraining: {r2_critical: 0.65, r2_warning: 0.7, drift_share: 0.5}\n",
        ),
    ]);
    let program = Program::up(&folder);
    let judged = |force: &str| {
        let (code, body) = program.post(&format!("/api/v1/models/m/judge{force}"), "");
        assert_eq!(code, 200, "{body}");
        serde_json::from_str::<serde_json::Value>(&body).expect("JSON")["data"].clone()
    };
    let nothing = judged("");
    assert_eq!(nothing["decision"]["outcome"], "unknown", "no data is neither good nor bad: {nothing}");
    let of_nothing = &nothing["windows"][0];
    assert_eq!((&of_nothing["drift"]["unknown"]["reason"], &of_nothing["rows"]), (&json!("no_rows"), &json!(0)), "{nothing}");
    assert!(program.query("bellbuoy_model_figure").is_empty());
    assert_eq!(program.query("bellbuoy_model_drift_unknown{reason=\"no_rows\"}")[0].1, "1");

    // Drifted features, and predictions that are far from the truth.
    let rows: Vec<_> =
        (0..200).map(|n| json!({"id": format!("{n}"), "prediction": 10.0, "features": {"x": 500.0 + f64::from(n), "kind": "c"}})).collect();
    let labels: Vec<_> = (0..200).map(|n| json!({"id": format!("{n}"), "value": f64::from(n)})).collect();
    for (path, rows) in [("predictions", &rows), ("labels", &labels), ("predictions", &rows)] {
        let (code, body) = program.post(&format!("/api/v1/models/m/{path}"), &json!(rows).to_string());
        assert_eq!(code, 200, "{body}");
    }
    let judgement = judged("");
    let window = &judgement["windows"][0];
    assert_eq!(window["drift"]["drifted_features"], 2, "{judgement}");
    assert_eq!(window["performance"]["rows"], 200);
    assert_eq!(judgement["decision"]["outcome"], "retrain", "{judgement}");
    assert_eq!(program.query("bellbuoy_model_drift_share{model=\"m\"}")[0].1, "1");
    assert!(program.query("bellbuoy_model_drift_unknown").is_empty());
    let score = |r2: f64| json!({"r2": r2, "rmse": 1.0, "mae": 1.0, "rows": 100});
    let report = json!({"status": "success", "champion": {"baseline": score(0.9), "current": score(0.1)},
        "challenger": {"baseline": score(0.9), "current": score(0.8)}});
    let (code, body) = program.post("/api/v1/models/m/training", &report.to_string());
    assert!(code == 200 && body.contains("\"deploy\""), "{body}");
    let (_, audit) = program.get("/api/bellbuoy/audit");
    assert!(audit.contains("deploy"), "{audit}");
    let told = |program: &Program| program.data("/api/v1/events?kind=decision").as_array().map_or(0, Vec::len);
    assert_eq!(told(&program), 1, "{audit}");

    // A restart forgets nothing.
    program.kill();
    let again = Program::up(&folder);
    let (_, body) = again.post("/api/v1/models/m/judge", "");
    assert_eq!(serde_json::from_str::<serde_json::Value>(&body).expect("JSON")["data"]["windows"][0]["performance"]["rows"], 200, "{body}");
    assert_eq!(told(&again), 1, "a restart after a training told the decision a second time once");
    let (_, body) = again.post("/api/v1/models/m/predictions", &json!([rows[0]]).to_string());
    assert!(body.contains("\"repeated\":1"), "{body}");
}

#[test]
fn this_host_is_watched_under_the_names_of_node_exporter() {
    let folder = Folder::new(&[("bellbuoy.yml", "host: {interval: 1s, instance: here}\n")]);
    let program = Program::up(&folder);
    wait_for("the host's series", || (!program.query("node_load1").is_empty()).then_some(()));
    for query in [
        "up{job=\"node\",instance=\"here\"}",
        "node_memory_MemTotal_bytes > 0",
        "sum by (mode) (node_cpu_seconds_total{mode=\"idle\"}) > 0",
        "node_filesystem_size_bytes{mountpoint=\"/\"} > 0",
        "node_boot_time_seconds < time()",
        "node_uname_info",
    ] {
        assert!(!program.query(query).is_empty(), "{query}");
    }
}

/// The same on a port of its own, as settings of bellbuoy.yml or as flags; a scrape may ask for some collectors.
#[test]
fn this_host_has_a_page_of_its_own() {
    let start = |args: &[&str]| {
        let mut command = std::process::Command::new(env!("CARGO_BIN_EXE_bellbuoy"));
        command.args(["node-exporter", "--listen", "127.0.0.1:0"]).args(args);
        Program::start(command, "listening on http://")
    };
    let names = |page: &str| -> Vec<String> {
        page.lines()
            .filter_map(|line| Some(line.strip_prefix("node_scrape_collector_success{collector=\"")?.split('"').next()?.to_string()))
            .collect()
    };
    let folder = Folder::new(&[("bellbuoy.yml", "host: {collectors: [meminfo, loadavg], mount_points_include: ^/$}\n")]);
    let (status, page) = start(&[folder.config().to_str().expect("a path")]).get("/metrics");
    assert_eq!((status, names(&page)), (200, vec!["loadavg".to_string(), "meminfo".to_string()]));
    assert!(page.contains("# HELP node_load1 1m load average.\n# TYPE node_load1 gauge\nnode_load1 "), "{page}");

    let program = start(&["--collectors", "loadavg,filesystem,stat", "--collector.filesystem.mount-points-include", "^/nowhere"]);
    let (_, page) = program.get("/metrics");
    assert!(!page.contains("node_filesystem_size_bytes") && page.contains("node_boot_time_seconds "), "{page}");
    assert_eq!(names(&program.get("/metrics?collect[]=stat&other=1").1), ["stat"]);
    assert_eq!(names(&program.get("/metrics?exclude[]=stat").1), ["filesystem", "loadavg"]);
    assert_eq!(program.get("/metrics?collect[]=nothing").0, 400);
    assert_eq!(program.get("/metrics?collect[]=stat&exclude[]=loadavg").0, 400);
    assert_eq!(program.get("/health").0, 200);
    let mut wrong = std::process::Command::new(env!("CARGO_BIN_EXE_bellbuoy"));
    let output = wrong.args(["node-exporter", "--collector.netdev.device-exclude", "("]).output().expect("it runs");
    assert_eq!(output.status.code(), Some(2), "{}", String::from_utf8_lossy(&output.stderr));
}

/// A certificate of its own CA for a name that is not the address': `tls_config` with `ca_file` and `server_name`.
#[test]
fn targets_over_tls_are_trusted_by_their_own_ca_and_name() {
    let folder = Folder::new(&[]);
    let dir = folder.config();
    let made = std::process::Command::new("openssl")
        .args([
            "req",
            "-x509",
            "-newkey",
            "ec",
            "-pkeyopt",
            "ec_paramgen_curve:prime256v1",
            "-nodes",
            "-days",
            "2",
            "-subj",
            "/CN=model.internal",
        ])
        .args(["-addext", "subjectAltName=DNS:model.internal", "-addext", "basicConstraints=critical,CA:FALSE"])
        .args(["-keyout", "key.pem", "-out", "ca.pem"])
        .current_dir(&dir)
        .output();
    let Ok(made) = made else { return println!("skipped: there is no openssl to make a certificate with") };
    assert!(made.status.success(), "{}", String::from_utf8_lossy(&made.stderr));
    let port = super::harness::free_port();
    std::fs::write(dir.join("metrics"), "HTTP/1.0 200 OK\r\ncontent-type: text/plain\r\n\r\nload 7\n").expect("file");
    let mut server = std::process::Command::new("openssl")
        .args(["s_server", "-quiet", "-cert", "ca.pem", "-key", "key.pem", "-HTTP", "-accept", &port.to_string()])
        .current_dir(&dir)
        .stdout(std::process::Stdio::null())
        .stderr(std::process::Stdio::null())
        .spawn()
        .expect("openssl starts");
    let job = |name: &str, tls: &str| {
        format!("- job_name: {name}\n  scheme: https\n  tls_config: {{{tls}}}\n  static_configs: [{{targets: ['127.0.0.1:{port}']}}]\n")
    };
    let jobs = [
        job("named", "ca_file: ca.pem, server_name: model.internal"),
        job("unnamed", "ca_file: ca.pem"),
        job("unknown", ""),
        job("blind", "insecure_skip_verify: true"),
    ];
    folder.write("prometheus.yml", &format!("global: {{scrape_interval: 1s, scrape_timeout: 1s}}\nscrape_configs:\n{}", jobs.concat()));
    let program = Program::up(&folder);
    // openssl has a moment to start, and serves one after the other: who comes too early has another error first.
    let state_of = |name: &str| {
        let data = program.data("/api/v1/targets");
        let target = data["activeTargets"].as_array()?.iter().find(|target| target["scrapePool"] == name)?.clone();
        Some(format!("{}: {}", text(&target["health"]), text(&target["lastError"])))
    };
    for (name, words) in [("named", "up: "), ("unnamed", "certificate"), ("unknown", "certificate"), ("blind", "up: ")] {
        wait_explained(name, &|| state_of(name).unwrap_or_default(), || state_of(name)?.contains(words).then_some(()));
    }
    let _ = server.kill();
    let _ = server.wait();
}
