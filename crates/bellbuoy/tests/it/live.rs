//! What is said with a running server at hand: check --live, findings at load, backtest --url, explain --url; of bellbuoy, and of a real Prometheus
//! where one is at hand.

use std::process::Output;

use serde_json::{Value, json};

use super::decisions;
use super::harness::{Folder, Program, Server, bellbuoy, free_port, http, peers, prometheus, text, wait_explained, wait_for};
use super::peers_contract::{start_alertmanager, start_prometheus};
use super::push::{V1, now_ms, series_v1, write};

const NO_ROUTES: &str = "route:\n  receiver: none\nreceivers:\n- name: none\n";

fn run(arguments: &[&str]) -> Output {
    bellbuoy().args(arguments).output().expect("the program starts")
}

/// The JSON of a command. It says on standard error why there is none.
fn answer(arguments: &[&str]) -> Value {
    let output = run(arguments);
    serde_json::from_slice(&output.stdout).unwrap_or_else(|_| panic!("{arguments:?}: {}", String::from_utf8_lossy(&output.stderr)))
}

/// bellbuoy on a folder, and a Prometheus on the same one where it is at hand.
fn servers(folder: &Folder) -> Vec<Program> {
    let mut all = vec![Program::up(folder)];
    all.extend(peers().map(|dir| start_prometheus(&dir, folder)));
    all
}

fn url(program: &Program) -> String {
    format!("http://{}", program.address)
}

const SERVICE: &str = "# TYPE predictions_total counter\npredictions_total{model=\"champion\"} 5\n# TYPE errors_total counter\nerrors_total{status=\"500\"} 2\n# TYPE score gauge\nscore{model=\"champion\"} 0.5\n# TYPE latency_seconds histogram\nlatency_seconds_bucket{le=\"1\"} 3\nlatency_seconds_bucket{le=\"+Inf\"} 3\nlatency_seconds_sum 1\nlatency_seconds_count 3\n";
/// What only the series can tell to be wrong, and `Fine`.
const DOUBTFUL: &str = r#"groups:
- name: g
  rules:
  - {alert: NobodyExposes, expr: 'rate(predictions_failed_total[5m]) > 5'}
  - {alert: NoTotal, expr: 'rate(predictions[5m]) > 5'}
  - {alert: NoSuchLabel, expr: 'score{modell="champion"} > 1'}
  - {alert: NoSuchValue, expr: 'score{model="champoin"} > 1'}
  - {alert: Falls, expr: 'rate(score[5m]) > 1'}
  - {alert: Buckets, expr: latency_seconds > 1}
  - {alert: Apart, expr: 'rate(errors_total[5m]) / rate(predictions_total[5m]) > 0.05'}
  - {alert: Gone, expr: was_here > 1}
  - {alert: Fine, expr: 'sum(rate(errors_total[5m])) / sum(rate(predictions_total[5m])) > 0.05'}
"#;
const BOARD: &str = r#"{"title": "Service", "schemaVersion": 39, "panels": [
  {"type": "timeseries", "title": "Queue", "datasource": {"type": "prometheus", "uid": "${ds}"}, "targets": [{"expr": "queue_length", "refId": "A"}]},
  {"type": "timeseries", "title": "Score", "datasource": {"type": "prometheus", "uid": "${ds}"}, "targets": [{"expr": "score", "refId": "A"}]}
], "templating": {"list": [{"name": "ds", "type": "datasource", "query": "prometheus"}]}}"#;

/// A rule of each kind that only series, types, labels and history can refute; each server has them by its own API.
#[test]
fn check_joins_what_a_server_has() {
    let mut scrapes = 0;
    let page = Server::page(move || {
        scrapes += 1;
        // A metric that comes and goes: of the past hour, and not there any more.
        format!("{SERVICE}{}", if scrapes / 5 % 2 == 0 { "was_here 1\n" } else { "" })
    });
    let running = Folder::new(&[("prometheus.yml", &prometheus(&[page.address], &[])), ("alertmanager.yml", NO_ROUTES)]);
    let checked = Folder::new(&[
        ("prometheus.yml", &prometheus(&[page.address], &["rules.yml"])),
        ("rules.yml", DOUBTFUL),
        ("alertmanager.yml", NO_ROUTES),
        ("board.json", BOARD),
    ]);
    let dir = checked.config().display().to_string();
    for (index, server) in servers(&running).iter().enumerate() {
        wait_for("both kinds of series", || {
            let ended = server.query("was_here").is_empty() && !server.query("last_over_time(was_here[1h])").is_empty();
            (ended && !server.query("score").is_empty()).then_some(())
        });
        let mut expected = vec![
            "metric-unknown: predictions_failed_total",
            "metric-unknown: predictions",
            "label-unknown: modell",
            "label-unknown: champoin",
            "rate-of-gauge: rate() of score, which is a gauge (its TYPE says so)",
            "histogram-base: latency_seconds",
            "matching-never: alert Apart",
            "metric-unknown: queue_length",
        ];
        if index == 0 {
            let matcher = json!([{"name": "alertname", "value": "NoSuchAlert", "isRegex": false, "isEqual": true}]);
            let silence = json!({"matchers": matcher, "startsAt": "2026-01-01T00:00:00Z", "endsAt": "2046-01-01T00:00:00Z", "createdBy": "a", "comment": "c"});
            assert_eq!(server.post("/api/v2/silences", &silence.to_string()).0, 200);
            expected.push("silence-no-alert: NoSuchAlert");
        }
        let found = answer(&["check", &dir, &format!("--live={}", url(server)), "--format", "json", "--level", "error"]);
        let mut found: Vec<String> = found["findings"]
            .as_array()
            .expect("a list")
            .iter()
            // What a team asks of every alert is not what this is about.
            .filter(|one| one["code"] != "policy")
            .map(|one| format!("{}: {} {}", text(&one["code"]), text(&one["message"]), text(&one["fix"])))
            .collect();
        for wanted in expected {
            let (code, words) = wanted.split_once(": ").expect("code and words");
            let place = found.iter().position(|one| one.starts_with(&format!("{code}: ")) && one.contains(words));
            let place = place.unwrap_or_else(|| panic!("{wanted} of {}: {found:#?}", url(server)));
            found.remove(place);
        }
        assert!(found.is_empty(), "more than expected of {}: {found:#?}", url(server));
        let fixed = run(&["check", &dir, &format!("--live={}", url(server))]);
        assert_eq!(fixed.status.code(), Some(1), "warnings are a no");
    }
    let nobody = format!("--live=http://127.0.0.1:{}", free_port());
    let output = run(&["check", &dir, &nobody]);
    assert_eq!(output.status.code(), Some(2), "who can not be asked is not 'no finding'");
}

const NEVER: &str = "groups:\n- name: g\n  interval: 1s\n  rules:\n  - alert: Never\n    expr: sum by (error_type) (rate(prediction_errors_total[5m])) / sum(rate(predictions_total[5m])) > 0.05\n    labels: {severity: page}\n    annotations: {summary: s}\n  - alert: Watchdog\n    expr: vector(1)\n    labels: {severity: none}\n    annotations: {summary: s}\n";

/// It starts all the same, says it in its log, on a path and as a metric; a reload is looked at anew, a refused one is not.
#[test]
fn findings_at_load_are_told_and_stop_nothing() {
    let folder = Folder::new(&[("prometheus.yml", "rule_files: [rules.yml]\n"), ("rules.yml", NEVER), ("alertmanager.yml", NO_ROUTES)]);
    let program = Program::up(&folder);
    let findings = || {
        // The check runs beside the program; on a busy machine it may take longer than an answer waits.
        wait_for("the check of the newest configuration", || {
            let (status, body) = program.get("/api/bellbuoy/findings");
            assert_eq!(status, 200, "{body}");
            let answer = serde_json::from_str::<Value>(&body).expect("JSON");
            assert_eq!(answer["problem"], Value::Null);
            (answer["running"] == false).then(|| answer["findings"].as_array().expect("a list").clone())
        })
    };
    let metric = || {
        let (_, page) = program.get("/metrics");
        page.lines().filter(|line| line.starts_with("bellbuoy_check_findings{")).map(str::to_string).collect::<Vec<_>>()
    };
    let reload = || program.post("/-/reload", "").0;
    let found = findings();
    assert_eq!(found.len(), 1, "{found:?}");
    assert_eq!(
        (text(&found[0]["code"]), found[0]["line"].as_u64(), text(&found[0]["severity"])),
        ("matching-never".into(), Some(6), "warning".into())
    );
    assert!(text(&found[0]["fix"]).contains("on () group_left ()"), "{found:?}");
    assert_eq!(metric(), ["bellbuoy_check_findings{code=\"matching-never\",severity=\"warning\"} 1"]);
    assert!(program.log().contains("check: errors 0, warnings 1; `bellbuoy check` shows them all; the first: "), "{}", program.log());
    assert!(program.log().contains("rules.yml:6:"), "{}", program.log());
    // Its rules run, the doubtful one among them.
    wait_for("the other alert", || program.alert_states().contains(&("Watchdog".into(), "firing".into())).then_some(()));

    folder.write("rules.yml", &NEVER.replace(" / sum(", " / on () group_left () sum("));
    assert_eq!(reload(), 200);
    assert_eq!((findings(), metric()), (Vec::new(), Vec::new()));
    folder.write("rules.yml", "groups: [\n");
    assert_eq!(reload(), 500);
    assert_eq!(findings(), Vec::<Value>::new(), "what is in force has none");
    folder.write("rules.yml", &NEVER.replace("expr: vector(1)", "expr: vector(1) > 2"));
    assert_eq!(reload(), 200);
    let codes: Vec<String> = findings().iter().map(|one| text(&one["code"])).collect();
    assert_eq!(codes, ["matching-never", "comparison-constant"]);
    // The command says the same of the same files.
    let told = answer(&["check", &folder.config().display().to_string(), "--format", "json"]);
    assert_eq!(told["findings"], json!(findings()));
}

const PAST_RULES: &str = r#"groups:
- name: g
  interval: 15s
  rules:
  - {alert: Hot, expr: 'temperature > 30', for: 1m}
  - {alert: Falling, expr: 'rate(seen_total[2m]) < 0.5', keep_firing_for: 2m}
  - {alert: Both, expr: 'temperature > 30 and on (room) humidity > 50', labels: {severity: page}}
  - {alert: Gone, expr: 'absent(humidity{room="a"})'}
"#;

const PAST_GRAFANA: &str = r#"apiVersion: 1
groups:
- orgId: 1
  name: g
  folder: Rooms
  interval: 1m
  rules:
  - uid: warm
    title: Warm
    condition: C
    for: 2m
    data:
    - {refId: A, relativeTimeRange: {from: 300, to: 0}, datasourceUid: prom, model: {refId: A, expr: temperature, range: true, intervalMs: 15000}}
    - {refId: B, datasourceUid: __expr__, model: {refId: B, type: reduce, expression: A, reducer: mean}}
    - {refId: C, datasourceUid: __expr__, model: {refId: C, type: threshold, expression: B, conditions: [{evaluator: {type: gt, params: [29]}}]}}
  - uid: dry
    title: Dry
    condition: C
    data:
    - {refId: A, relativeTimeRange: {from: 300, to: 60}, datasourceUid: prom, model: {refId: A, expr: 'min by (room) (humidity)', instant: true}}
    - {refId: C, datasourceUid: __expr__, model: {refId: C, type: math, expression: '$A < 45'}}
"#;

/// An hour of samples, every 15 seconds; one series ends before the others and says so, another one has a gap.
fn past(start: i64) -> Vec<u8> {
    const STALE: u64 = 0x7ff0_0000_0000_0002;
    let at = |step: i64| start + step * 15_000;
    let wave = |room: f64| move |step: i64| 24.0 + 10.0 * ((step as f64) / 20.0 + room).sin();
    let hot = |room: f64| (0..240).map(|step| (wave(room)(step), at(step))).collect::<Vec<_>>();
    let mut humid: Vec<(f64, i64)> = (0..150).map(|step| (40.0 + (step % 40) as f64, at(step))).collect();
    humid.push((f64::from_bits(STALE), at(150)));
    let gap: Vec<(f64, i64)> = (0..240).filter(|step| !(60..120).contains(step)).map(|step| (55.0, at(step))).collect();
    let seen: Vec<(f64, i64)> =
        (0..240).map(|step| ((step * if step < 120 { 15 } else { 0 } + 1800 * i64::from(step >= 120)) as f64, at(step))).collect();
    [
        series_v1(&[("__name__", "temperature"), ("room", "a")], &hot(0.0)),
        series_v1(&[("__name__", "temperature"), ("room", "b")], &hot(2.0)),
        series_v1(&[("__name__", "humidity"), ("room", "a")], &humid),
        series_v1(&[("__name__", "humidity"), ("room", "b")], &gap),
        series_v1(&[("__name__", "seen_total"), ("room", "a")], &seen),
    ]
    .concat()
}

/// The same samples in bellbuoy, in a Prometheus and in a data folder give the same history of alerts, also where series end or have gaps.
#[test]
fn backtest_says_the_same_of_every_server() {
    let running = Folder::new(&[("prometheus.yml", "scrape_configs: []\n"), ("alertmanager.yml", NO_ROUTES)]);
    let routes =
        "route:\n  receiver: team\n  group_by: [alertname]\nreceivers:\n- name: team\n  webhook_configs:\n  - url: http://127.0.0.1:1/\n";
    let sources =
        "apiVersion: 1\ndatasources:\n- {name: Prometheus, uid: prom, type: prometheus, url: http://prometheus:9090, isDefault: true}\n";
    let rules = Folder::new(&[
        ("prometheus.yml", "rule_files: [rules.yml]\n"),
        ("rules.yml", PAST_RULES),
        ("grafana-rules.yml", PAST_GRAFANA),
        ("datasources.yml", sources),
        ("alertmanager.yml", routes),
    ]);
    let dir = rules.config().display().to_string();
    let start = (now_ms() - 3_600_000) / 15_000 * 15_000;
    let (from, to) = ((start / 1000).to_string(), (start / 1000 + 3600).to_string());
    let all = servers(&running);
    let mut answers = Vec::new();
    for server in &all {
        let (status, said) = write(server, V1, &past(start));
        assert!(status == 200 || status == 204, "{status} {said}");
        let span = ["--from", &from, "--to", &to, "--format", "json"];
        answers.push(answer(&[&["backtest", &dir, "--url", &url(server)], &span[..]].concat()));
        let sweep = ["--alert", "Hot", "--sweep", "threshold=20..32/4"];
        answers.push(answer(&[&["backtest", &dir, "--url", &url(server)], &span[..], &sweep[..]].concat()));
    }
    let data = running.data().display().to_string();
    answers.push(answer(&["backtest", &dir, "--data", &data, "--from", &from, "--to", &to, "--format", "json"]));
    let fired = |answer: &Value| -> Vec<(String, u64)> {
        let figures = |one: &Value| (text(&one["alert"]), one["figures"]["fired"].as_u64().expect("a number"));
        answer["alerts"].as_array().expect("alerts").iter().map(figures).collect()
    };
    // Room a is hot twice in the hour and room b three times; the counter begins, and stands still later; the humidity of room a ends.
    // Grafana's rules: each room is warm twice over five minutes; room a is dry every ten minutes, and at the first evaluation there is no data yet.
    let expected =
        [("Hot", 5), ("Falling", 2), ("Both", 5), ("Gone", 1), ("Warm", 4), ("Dry", 5)].map(|(name, count)| (name.to_string(), count));
    assert_eq!(fired(&answers[0]), expected, "{}", answers[0]);
    assert_eq!(answers.last(), answers.first(), "the data folder and bellbuoy");
    if all.len() > 1 {
        assert_eq!(answers[2], answers[0], "Prometheus and bellbuoy");
        assert_eq!(answers[3], answers[1], "their sweeps");
    }
    let tried: Vec<(String, u64)> = answers[1]["values"]
        .as_array()
        .expect("values")
        .iter()
        .map(|one| (text(&one["text"]), one["figures"]["fired"].as_u64().expect("a number")))
        .collect();
    assert_eq!(tried.iter().map(|(value, _)| value.as_str()).collect::<Vec<_>>(), ["20", "24", "28", "30", "32"]);
    assert!(tried.iter().all(|(_, fired)| *fired > 0), "{tried:?}");
}

const STATES: &str = r#"groups:
- name: g
  interval: 1s
  rules:
  - {alert: Hot, expr: temperature > 30, labels: {severity: page}, annotations: {summary: 'room {{ $labels.room }} has {{ $value }}'}}
  - {alert: Slow, expr: temperature > 30, for: 1h}
  - {alert: Silenced, expr: temperature > 10}
  - {alert: Inhibited, expr: temperature > 10}
  - {alert: NoData, expr: 'temperatur{room="a"} > 1'}
  - {alert: Below, expr: temperature > 50}
"#;

struct Explained {
    status: Option<i32>,
    verdict: String,
    json: Value,
}

fn explained(arguments: &[&str]) -> Explained {
    let output = run(&[&["explain"], arguments, &["--format", "json"]].concat());
    let json: Value = serde_json::from_slice(&output.stdout).unwrap_or(Value::Null);
    let error = String::from_utf8_lossy(&output.stderr).into_owned();
    Explained { status: output.status.code(), verdict: if json.is_null() { error } else { text(&json["verdict"]) }, json }
}

fn silence(address: &str, alertname: &str) {
    let matcher = json!([{"name": "alertname", "value": alertname, "isRegex": false, "isEqual": true}]);
    let silence = json!({"matchers": matcher, "startsAt": "2026-01-01T00:00:00Z", "endsAt": "2046-01-01T00:00:00Z", "createdBy": "ada", "comment": "works"});
    let (status, body) = http(address, "POST", "/api/v2/silences", &[("content-type", "application/json")], silence.to_string().as_bytes());
    assert_eq!(status, 200, "{body}");
}

/// bellbuoy knows all of it. Of a Prometheus its rules and series are known, silences of its Alertmanager, routes from --config; what became of a
/// message is not known, and said to be so.
#[test]
fn explain_says_why_of_every_state() {
    let hook = Server::start(|_| super::harness::answer(200, &[], b""));
    let page = Server::page(|| "temperature{room=\"a\"} 35\ntemperature{room=\"b\"} 20\n".into());
    let routes = format!(
        "route:\n  receiver: team\n  group_by: [alertname]\n  group_wait: 0s\nreceivers:\n- name: team\n  webhook_configs:\n  - url: http://{}/\ninhibit_rules:\n- source_matchers: [alertname=Hot]\n  target_matchers: [alertname=Inhibited]\n  equal: [room]\n",
        hook.address
    );
    let config = prometheus(&[page.address], &["rules.yml"]);
    let folder = Folder::new(&[("prometheus.yml", &config), ("rules.yml", STATES), ("alertmanager.yml", &routes)]);
    let dir = folder.config().display().to_string();
    let ours = Program::up(&folder);
    silence(&ours.address, "Silenced");
    let mut servers = vec![(ours, None)];
    if let Some(peers) = peers() {
        let manager = start_alertmanager(&peers, &folder);
        silence(&manager.address, "Silenced");
        let alerting = format!("alerting:\n  alertmanagers:\n  - static_configs:\n    - targets: ['{}']\n", manager.address);
        folder.write("prometheus.yml", &format!("{config}{alerting}"));
        servers.push((start_prometheus(&peers, &folder), Some(manager)));
    }
    for (server, manager) in &servers {
        let (real, url) = (manager.is_some(), url(server));
        wait_for("the alerts", || {
            let states = server.alert_states();
            let is = |name: &str, state: &str| states.contains(&(name.into(), state.into()));
            (is("Hot", "firing") && is("Slow", "pending") && is("Silenced", "firing") && is("Inhibited", "firing")).then_some(())
        });
        let ask = |what: &[&str]| {
            let config: &[&str] = if real { &["--config", &dir] } else { &[] };
            explained(&[what, &["--url", &url], config].concat())
        };
        // Its slots are not to the millisecond those of the server: what it says is there within a second.
        let check = |what: &[&str], status: i32, state: &str, words: &[&str]| {
            let seen = std::cell::RefCell::new(String::new());
            wait_explained(&format!("{what:?} of {url}: {state} {words:?}"), &|| seen.borrow().clone(), || {
                let found = ask(what);
                *seen.borrow_mut() = format!("{:?} {} {}", found.status, found.json["state"], found.verdict);
                let all = words.iter().all(|words| found.verdict.contains(words));
                (all && found.status == Some(status) && found.json["state"] == state).then_some(())
            });
        };
        if real {
            check(&["Hot"], 0, "firing", &["Hot fires since"]);
            let steps = text(&ask(&["Hot"]).json["steps"].as_array().and_then(|steps| steps.last()).expect("steps")["text"]);
            assert_eq!(steps, "Prometheus and its Alertmanagers do not keep what became of a message");
        } else {
            wait_for("the message", || (text(&ask(&["Hot"]).json["verdict"]).contains("was told to team at")).then_some(()));
        }
        check(&["Slow"], 1, "pending", &["Slow is pending since", "it fires at"]);
        check(&["Silenced", "--label", "room=b"], 0, "firing", &["but nobody is told: silenced by ", " of ada until 2046", "(works)"]);
        check(&["Inhibited", "--label", "room=a"], 0, "firing", &["but nobody is told: inhibited by Hot{", "room=\"a\""]);
        check(&["NoData"], 1, "inactive", &["nobody has told of a metric temperatur in the last 7d; did you mean temperature?"]);
        check(&["Below"], 1, "inactive", &["none of 2 values is > 50, the closest is 35 of {instance=", "room=\"a\"}"]);
        check(&["Below", "--at", "30m"], 1, "inactive", &["nobody has told of a metric temperature in the last 7d"]);
        check(&["Hot", "--label", "room=b"], 1, "inactive", &["1 of its alerts are active, none with room=\"b\""]);
        check(&["temperature{room=\"c\"} > 1"], 1, "empty", &["no series of temperature has room=\"c\""]);
        check(&["temperature > 30"], 0, "holds", &["gives 1 series"]);
        let never = ask(&["Hott"]);
        assert!(
            never.status == Some(2) && never.verdict.contains("there is no alerting rule \"Hott\"; did you mean \"Hot\"?"),
            "{}",
            never.verdict
        );
    }
    let nobody = explained(&["Hot", "--url", &format!("http://127.0.0.1:{}", free_port())]);
    assert_eq!(nobody.status, Some(2), "{}", nobody.verdict);
}

/// The same rulings, one after the other, as the running program gave: with intervals, a run that was told, and challengers on record.
#[test]
fn backtest_decides_as_it_was_decided() {
    let folder = decisions::folder(&[]);
    let program = Program::up(&folder);
    decisions::fill(&program, 30.0);
    let judge = || text(&decisions::data(program.get("/api/v1/models/m/decision?judge=true"))["outcome"]);
    let mut told = vec![judge(), judge()];
    decisions::data(program.post("/api/v1/models/m/retrained", ""));
    told.extend([judge(), judge()]);
    assert_eq!(told, ["retrain", "retrain", "watch", "watch"]);
    let challenger = |size: f64| -> Value {
        let row = |n: usize| json!({"id": n.to_string(), "prediction": (n % 50) as f64 + size * decisions::noise(n + 13)});
        (0..decisions::ROWS).map(row).collect()
    };
    for (version, current, baseline) in [("v2", 2.0, 3.0), ("v3", 30.0, 30.0)] {
        let body = json!({"version": version, "current": challenger(current), "baseline": challenger(baseline)});
        decisions::data(program.post("/api/v1/models/m/evaluations", &body.to_string()));
    }
    let (dir, data, url) = (folder.config().display().to_string(), folder.data().display().to_string(), url(&program));
    for source in [["--data", &data], ["--url", &url]] {
        let ask = |more: &[&str]| answer(&[&["backtest", &dir, source[0], source[1], "--model", "m", "--format", "json"], more].concat());
        let found = ask(&[]);
        let decided = &found["decisions"][0];
        assert_eq!((&decided["outcomes"]["retrain"], &decided["outcomes"]["watch"]), (&json!(2), &json!(2)), "{source:?}: {found}");
        assert_eq!((decided["runs"].as_array().map(Vec::len), &decided["times"]), (Some(1), &json!(1)), "{decided}");
        let retrain = decided["stretches"].as_array().and_then(|all| all.iter().find(|one| one["outcome"] == "retrain")).expect("there");
        assert!(retrain["rule"] == "surely_low" && text(&retrain["because"]).contains("at its upper end is below 0.65"), "{retrain}");
        let deployed: Vec<String> = found["deployments"][0]["evaluations"]
            .as_array()
            .expect("evaluations")
            .iter()
            .map(|one| format!("{} {} {}", text(&one["version"]), text(&one["was"]), text(&one["outcome"])))
            .collect();
        assert_eq!(deployed, ["v2 deploy deploy", "v3 skip skip"], "{found}");
        let tried = |sweep: &str, key: &str| -> Vec<Value> {
            ask(&["--sweep", sweep])["values"]
                .as_array()
                .expect("values")
                .iter()
                .map(|one| one["figures"].get(key).unwrap_or(&one[key]).clone())
                .collect()
        };
        assert_eq!(tried("surely_low=-1000..0/1000", "fired"), [0, 1, 1], "{source:?}");
        // Each of the four judgements finds it low; without a cool-down and with runs of no time each begins one.
        assert_eq!(tried("cool_down=0s..1h/1h", "runs").len(), 2, "{source:?}");
        assert_eq!(tried("improvement_min=0..1e6/1e6", "deploy"), [1, 0], "{source:?}");
        let why = text(&ask(&["--sweep", "improvement_min=0..1/0.5"])["suggestion"]["reason"]);
        let words =
            "what was deployed stayed (v2): no version that was rolled back is on record, so nothing speaks for another line; what the one";
        assert!(why.starts_with(words), "{source:?}: {why}");
    }
    for (sweep, words) in
        [("r3=0..1/0.5", "the rules have no \"r3\"; did you mean \"r2\"?"), ("times_min=0..2/1", "whole numbers from 1 on")]
    {
        let output = run(&["backtest", &dir, "--data", &data, "--model", "m", "--sweep", sweep]);
        let said = String::from_utf8_lossy(&output.stderr).into_owned();
        assert!(output.status.code() == Some(2) && said.contains(words), "{said}");
    }
}
