//! Home and targets: a folder in which everything that can be wrong is wrong says so, each with its reason and what to do.

use serde_json::{Value, json};

use crate::harness::{Folder, Program, Server, answer, escape, free_port, ok, wait_explained};

const TEXT: &str = "text/plain; version=0.0.4";

/// By its path each request finds another trouble.
fn service() -> Server {
    Server::start(|request| match request.path.as_str() {
        "/good" => ok(TEXT, "a 1\nb{x=\"1\"} 2\nb{x=\"2\"} 3\n"),
        "/broken" => ok(TEXT, &format!("{}b{{x= 1\n", "a 1\n".repeat(11))),
        "/html" => ok("text/html", "<html>"),
        "/empty" => ok(TEXT, ""),
        "/twice" => ok(TEXT, "a 1\na 2\nc 1\n"),
        _ => answer(404, &[], b"not found"),
    })
}

fn stack() -> (Folder, Server) {
    let server = service();
    let address = server.address;
    let job = |name: &str, path: &str, target: &str, more: &str| {
        format!("  - job_name: {name}\n    metrics_path: {path}\n    static_configs:\n      - targets: ['{target}']\n{more}")
    };
    let refused = format!("127.0.0.1:{}", free_port());
    let address = address.to_string();
    let jobs = [
        job("good", "/good", &address, ""),
        job("broken", "/broken", &address, ""),
        job("html", "/html", &address, ""),
        job("empty", "/empty", &address, ""),
        job("twice", "/twice", &address, ""),
        job("missing", "/none", &address, ""),
        job("refused", "/good", &refused, ""),
        job("no-host", "/good", "no-such-host.invalid:80", ""),
        job("limited", "/good", &address, "    sample_limit: 2\n"),
        job("some", "/good", &address, "    metric_relabel_configs:\n      - {source_labels: [__name__], regex: b, action: drop}\n"),
        job("all", "/good", &address, "    metric_relabel_configs:\n      - {action: drop}\n"),
        job(
            "dropped",
            "/good",
            &address,
            "    relabel_configs:\n      - {target_label: seen, replacement: 'yes'}\n      - {source_labels: [__address__], action: drop}\n",
        ),
        "  - job_name: none\n    file_sd_configs:\n      - files: [none.json]\n".to_string(),
    ];
    let text = format!("global: {{scrape_interval: 1s, evaluation_interval: 1s}}\nrule_files: [r.yml]\nscrape_configs:\n{}", jobs.concat());
    let rules = "groups:\n- name: g\n  rules:\n  - {alert: A, expr: a > 0, labels: {severity: critical}}\n  - {record: r, expr: 'a * 2'}\n  - {record: twice, expr: 'label_replace(b, \"x\", \"\", \"x\", \".*\")'}\n";
    (Folder::new(&[("prometheus.yml", &text), ("r.yml", rules)]), server)
}

#[test]
fn everything_that_is_wrong_is_named_with_its_reason() {
    let (folder, server) = stack();
    let program = Program::up(&folder);
    let expected = [
        ("all", "samples_dropped", "bad"),
        ("broken", "parse_error", "bad"),
        ("dropped", "all_targets_dropped", "bad"),
        ("empty", "no_samples", "bad"),
        ("html", "parse_error", "bad"),
        ("limited", "limit", "bad"),
        ("missing", "http_status", "bad"),
        ("no-host", "no_such_host", "bad"),
        ("none", "no_targets", "bad"),
        ("refused", "connection_refused", "bad"),
        ("some", "samples_dropped", "note"),
        ("twice", "samples_refused", "note"),
    ];
    let mut last = Value::Null;
    let items = |overview: &Value| overview["checklist"].as_array().cloned().unwrap_or_default();
    let of_jobs = |overview: &Value| {
        let text = |item: &Value, name: &str| item[name].as_str().unwrap_or("").to_string();
        let mut found: Vec<_> = items(overview)
            .iter()
            .filter(|item| !item["job"].is_null())
            .map(|item| (text(item, "job"), text(item, "reason"), text(item, "state")))
            .collect();
        found.sort();
        found
    };
    wait_explained("all reasons", &|| serde_json::to_string_pretty(&program.data("/api/bellbuoy/overview")).unwrap_or_default(), || {
        last = program.data("/api/bellbuoy/overview");
        let expected: Vec<_> =
            expected.iter().map(|(job, reason, state)| (job.to_string(), reason.to_string(), state.to_string())).collect();
        (of_jobs(&last) == expected && last["alerts"]["firing"] == 3 && !last["ingestion"]["samplesPerSecond"]["value"].is_null())
            .then_some(())
    });
    let item = |job: &str| items(&last).into_iter().find(|item| item["job"] == job).unwrap_or_default();
    assert!(item("broken")["text"].as_str().is_some_and(|text| text.contains("line 12, column")), "{}", item("broken"));
    assert_eq!(item("all")["text"], format!("all 3 samples of http://{}/good were dropped by metric_relabel_configs", server.address));
    assert!(items(&last).iter().all(|item| item["todo"].as_str().is_some_and(|todo| !todo.is_empty())), "each says what to do");
    // What is wrong beside the targets: nobody is told of alerts.
    assert!(items(&last).iter().any(|item| item["reason"] == "no_route"), "{last}");
    assert_eq!(last["targets"], json!({"up": 5, "down": 6, "unknown": 0, "dropped": 1, "jobs": 13}));
    assert_eq!(last["alerts"]["bySeverity"], json!({"critical": last["alerts"]["firing"]}));
    assert_eq!((&last["rules"]["alerting"], &last["rules"]["recording"], &last["rules"]["failing"]), (&1.into(), &2.into(), &1.into()));
    assert_eq!(last["rules"]["failures"][0]["name"], "twice");
    assert_eq!(last["configuration"]["ok"], true);
    assert_eq!(last["models"], json!([]));
    evaluations(&program);
    targets(&program);
    cardinality(&program);
    assert_eq!(program.stop(), Some(0));
}

fn evaluations(program: &Program) {
    let found = program.data("/api/bellbuoy/evaluations?group=g");
    let strips = found["rules"].as_array().expect("strips");
    assert_eq!(
        strips.iter().map(|strip| (strip["name"].as_str(), strip["kind"].as_str())).collect::<Vec<_>>(),
        [(Some("A"), Some("alerting")), (Some("r"), Some("recording")), (Some("twice"), Some("recording"))]
    );
    let last = |index: usize| strips[index]["evaluations"].as_array().and_then(|all| all.last()).cloned().unwrap_or_default();
    assert_eq!((&last(0)["state"], &last(0)["value"], &last(0)["error"]), (&"firing".into(), &json!(1.0), &Value::Null));
    assert_eq!((&last(1)["state"], &last(1)["value"]), (&Value::Null, &json!(2.0)));
    assert!(last(2)["error"].is_string() && strips[0]["evaluations"].as_array().is_some_and(|all| all.len() <= 60));
    assert_eq!(program.data("/api/bellbuoy/evaluations?rule=r")["rules"].as_array().map(Vec::len), Some(1));
}

fn targets(program: &Program) {
    let found = program.data("/api/v1/targets?scrapePool=some");
    let some = &found["activeTargets"][0];
    assert_eq!((&some["samples"], &some["samplesAfterRelabelling"], &some["samplesDropped"]), (&3.into(), &1.into(), &2.into()));
    assert_eq!(some["limits"]["samples"], 500_000);
    let twice = program.data("/api/v1/targets?scrapePool=twice");
    assert_eq!(twice["activeTargets"][0]["samplesRefused"], json!({"duplicate": 1, "outOfOrder": 0, "badTime": 0, "storeLimit": 0}));
    let dropped = program.data("/api/v1/targets?state=dropped");
    let discovered = dropped["droppedTargets"][0]["discoveredLabels"].to_string();
    let steps = program.data(&format!("/api/v1/targets/relabel_steps?scrapePool=dropped&labels={}", escape(&discovered)));
    let steps = steps["steps"].as_array().cloned().unwrap_or_default();
    assert_eq!((&steps[0]["keep"], &steps[0]["output"]["seen"]), (&true.into(), &"yes".into()));
    assert_eq!((&steps[1]["keep"], &steps[1]["rule"]["action"]), (&false.into(), &"drop".into()));
    let metric =
        program.data(&format!("/api/v1/targets/relabel_steps?scrapePool=some&metricSteps=true&labels={}", escape(r#"{"__name__":"b"}"#)));
    assert_eq!(metric["steps"][0]["keep"], false);
    for query in [
        "",
        "scrapePool=some",
        "scrapePool=x&labels={}",
        "scrapePool=some&labels={",
        "scrapePool=some&labels=[1]",
        "scrapePool=some&labels={\"a\":1}",
    ] {
        let (status, body) =
            program.get(&format!("/api/v1/targets/relabel_steps?{}", query.replace('"', "%22").replace('{', "%7B").replace('}', "%7D")));
        assert!(status == 400 && body.contains("bad_data"), "{query}: {status} {body}");
    }
}

fn cardinality(program: &Program) {
    let all = program.data("/api/v1/status/tsdb");
    assert!(all["headStats"]["numSeries"].as_u64() >= Some(10) && all["headStats"]["numLabelPairs"].as_u64() >= Some(10), "{all}");
    assert!(all["labelValueCountByLabelName"].as_array().is_some_and(|list| list.iter().any(|one| one["name"] == "job")), "{all}");
    assert_eq!(program.data("/api/v1/status/tsdb?limit=1")["seriesCountByMetricName"].as_array().map(Vec::len), Some(1));
    for limit in ["0", "-1", "x", "10001"] {
        assert_eq!(program.get(&format!("/api/v1/status/tsdb?limit={limit}")).0, 400, "{limit}");
    }
    assert!(program.data("/api/v1/status/walreplay")["current"].is_u64());
    assert_eq!(program.data("/api/v1/status/flags")["query.timeout"], "2m");
}

#[test]
fn an_empty_folder_says_what_it_lacks() {
    let folder = Folder::new(&[("prometheus.yml", "global: {}\n")]);
    let program = Program::up(&folder);
    let overview = program.data("/api/bellbuoy/overview");
    let reasons: Vec<&str> = overview["checklist"].as_array().expect("a list").iter().filter_map(|item| item["reason"].as_str()).collect();
    assert_eq!(reasons, ["no_jobs", "no_rules", "no_models"]);
    assert_eq!(overview["ingestion"]["newest"], Value::Null);
    assert_eq!(overview["ingestion"]["samplesPerSecond"]["unknown"]["reason"], "just_started");
    assert_eq!(program.stop(), Some(0));
}
