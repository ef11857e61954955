//! `bellbuoy fire`: its proofs in the real Prometheus, its messages at a real receiver, and Grafana's rules.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use serde_json::Value;

use super::harness::{Folder, Received, Server, answer, bellbuoy, peer, peers, prometheus, text, wait_for};
use super::peers_contract::start_prometheus;

const ROUTES: &str = "route:\n  receiver: team\n  group_wait: 0s\nreceivers:\n- name: team\n  discord_configs:\n  - webhook_url_file: not-here\n    title: '{{ .CommonLabels.alertname }}'\n    message: '{{ .CommonAnnotations.summary }}'\n";

fn run(arguments: &[&str]) -> Output {
    bellbuoy().args(arguments).output().expect("the program starts")
}

fn said(output: &Output) -> String {
    String::from_utf8_lossy(&output.stdout).into_owned() + &String::from_utf8_lossy(&output.stderr)
}

/// `NAME FOR EXPR` and `record NAME = EXPR` as a rule file.
fn corpus() -> String {
    let text = include_str!("../../../check/src/fire/corpus.txt");
    let quoted = |text: &str| Value::from(text).to_string();
    let (mut records, mut alerts) = (String::new(), Vec::new());
    for line in text.lines().filter(|line| !line.is_empty() && !line.starts_with('#')) {
        if let Some((name, expr)) = line.strip_prefix("record ").and_then(|rest| rest.split_once(" = ")) {
            records += &format!("  - record: {name}\n    expr: {}\n", quoted(expr));
        } else {
            let mut words = line.splitn(3, ' ');
            let (name, hold, expr) = (words.next().expect("name"), words.next().expect("for"), words.next().expect("expr"));
            alerts.push(format!(
                "  - alert: {name}\n    expr: {}\n    for: {hold}\n    annotations: {{summary: '{{{{ $labels.job }}}} {{{{ $value | humanize }}}}'}}\n",
                quoted(expr)
            ));
        }
    }
    assert!(alerts.len() >= 200, "{} alerts", alerts.len());
    format!("groups:\n- name: corpus\n  interval: 1m\n  rules:\n{records}{}", alerts.concat())
}

/// The lines of a list's item that begins at a line, at the indentation of a rule.
fn item(lines: &[&str], at: usize) -> String {
    let indent = |line: &str| line.len() - line.trim_start().len();
    let own = indent(lines[at]);
    let rest = lines[at + 1..].iter().take_while(|line| line.trim().is_empty() || indent(line) > own);
    let cut = |line: &&str| format!("  {}", line.get(own..).unwrap_or(""));
    std::iter::once(cut(&lines[at])).chain(rest.map(cut)).collect::<Vec<_>>().join("\n") + "\n"
}

/// The rule of an alert and the recording rules that it reads, cut out of the files of a person: promtool evaluates all rules of a file
/// at each step of each test.
fn cut(dir: &Path, alert: &Value) -> String {
    let mut rules = String::new();
    for name in alert["through"].as_array().into_iter().flatten().map(text) {
        for path in rule_files(dir) {
            let content = std::fs::read_to_string(path).expect("a rule file");
            let lines: Vec<&str> = content.lines().collect();
            let own = |line: &&str| line.trim() == format!("- record: {name}");
            lines.iter().enumerate().filter(|(_, line)| own(line)).for_each(|(at, _)| rules += &item(&lines, at));
        }
    }
    let content = std::fs::read_to_string(text(&alert["file"])).expect("the file of the rule");
    let lines: Vec<&str> = content.lines().collect();
    rules += &item(&lines, alert["line"].as_u64().expect("a line") as usize - 1);
    format!("groups:\n- name: cut\n  rules:\n{rules}")
}

fn rule_files(dir: &Path) -> Vec<PathBuf> {
    let all = std::fs::read_dir(dir).expect("a folder").flatten().map(|entry| entry.path());
    all.filter(|path| path.extension().is_some_and(|ending| ending == "yml" || ending == "yaml")).collect()
}

/// Makes all alerts of a folder fire, and writes for each a rule file and a test file. Gives `fired, total` and the test files.
fn proofs_of(dir: &Path, out: &Path) -> (usize, usize, Vec<PathBuf>) {
    std::fs::create_dir_all(out).expect("a folder");
    let output = run(&["fire", "--all", &dir.display().to_string(), "--format", "json", "--write-test", &out.display().to_string()]);
    let found: Value = serde_json::from_slice(&output.stdout).unwrap_or_else(|_| panic!("{}", said(&output)));
    let alerts = found["alerts"].as_array().expect("alerts");
    for alert in alerts.iter().filter(|alert| alert["fires"] == false) {
        println!("not fired: {} {}", text(&alert["alert"]), text(&alert["why"]));
    }
    let mut tests: Vec<PathBuf> = std::fs::read_dir(out).expect("a folder").flatten().map(|entry| entry.path()).collect();
    tests.sort();
    let fired: Vec<&Value> = alerts.iter().filter(|alert| alert["fires"] == true).collect();
    assert_eq!(fired.len(), tests.len(), "a test for each that fires");
    for (alert, test) in fired.iter().zip(&tests) {
        let rules = test.with_extension("rules");
        std::fs::write(&rules, cut(dir, alert)).expect("written");
        let content = std::fs::read_to_string(test).expect("a test");
        let (head, rest) = content.split_once("rule_files:\n").expect("rule files");
        let (_, rest) = rest.split_once("evaluation_interval").expect("the interval");
        let named = Value::from(rules.display().to_string());
        std::fs::write(test, format!("{head}rule_files: [{named}]\nevaluation_interval{rest}")).expect("written");
    }
    let fired = fired.len();
    tests.retain(|test| !test.display().to_string().contains(TOO_MANY_FOR_PROMTOOL));
    (fired, alerts.len(), tests)
}

/// promtool's engine takes 10,000 samples a query, and a proof of more than 10,000 series has more; a server takes 50,000,000 (below).
const TOO_MANY_FOR_PROMTOOL: &str = "TimeSeriesCardinality";

/// Which of the test files the real promtool does not agree with, and what it says of them.
fn refuted(promtool: &Path, tests: &[PathBuf]) -> BTreeMap<PathBuf, String> {
    let workers = std::thread::available_parallelism().map_or(2, |number| number.get());
    let one = |test: &PathBuf| {
        let output = Command::new(promtool).args(["test", "rules"]).arg(test).output().expect("promtool starts");
        (!output.status.success()).then(|| (test.clone(), said(&output)))
    };
    std::thread::scope(|scope| {
        let share = |worker: usize| tests.iter().skip(worker).step_by(workers).filter_map(one).collect::<Vec<_>>();
        let running: Vec<_> = (0..workers).map(|worker| scope.spawn(move || share(worker))).collect();
        running.into_iter().flat_map(|thread| thread.join().expect("a thread")).collect()
    })
}

/// Every proof is a rule test that passes in the real Prometheus: with our series its own engine gives the alert at that time, with
/// these labels and annotations, after `for`.
#[test]
fn promtool_agrees_with_every_proof() {
    let Some(peers) = peers() else { return };
    let promtool = peer(&peers, &["promtool"]);
    let corpus = Folder::new(&[("prometheus.yml", "rule_files: [rules.yml]\n"), ("rules.yml", &corpus()), ("alertmanager.yml", ROUTES)]);
    let stacks = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../stacks");
    let mut folders: Vec<(String, PathBuf)> =
        ["bike-traffic", "accident-severity", "trading-pipelines"].map(|name| (name.to_string(), stacks.join(name))).into();
    folders.push(("corpus".into(), corpus.config()));
    let found: Vec<(String, usize, usize, Vec<PathBuf>)> = std::thread::scope(|scope| {
        let start = |(name, dir): &(String, PathBuf)| {
            let (name, dir, out) = (name.clone(), dir.clone(), corpus.root().join(name));
            scope.spawn(move || {
                let (fired, total, tests) = proofs_of(&dir, &out);
                (name, fired, total, tests)
            })
        };
        folders.iter().map(start).collect::<Vec<_>>().into_iter().map(|thread| thread.join().expect("a thread")).collect()
    });
    for (name, fired, total, tests) in found {
        let refuted = refuted(&promtool, &tests);
        println!("{name}: {fired} of {total} fire, promtool confirms {} of {}", tests.len() - refuted.len(), tests.len());
        assert!(refuted.is_empty(), "{name}: {:#?}", refuted.iter().take(5).collect::<Vec<_>>());
        match name.as_str() {
            "corpus" => assert!(fired * 100 >= total * 95, "{fired} of {total} of the corpus fire"),
            _ => assert_eq!(fired, total, "every alert of {name} fires"),
        }
        // And in our own.
        let some = tests.iter().step_by(20).map(|test| test.display().to_string());
        let arguments: Vec<String> = std::iter::once("test".to_string()).chain(some).collect();
        let output = run(&arguments.iter().map(String::as_str).collect::<Vec<_>>());
        assert_eq!(output.status.code(), Some(0), "{}", said(&output));
    }
}

/// What promtool can not evaluate: a real Prometheus scrapes the series of the proof, and fires.
#[test]
fn prometheus_fires_for_a_cardinality() {
    let Some(peers) = peers() else { return };
    let all = corpus().replace("interval: 1m", "interval: 1s");
    let corpus = Folder::new(&[("prometheus.yml", "rule_files: [rules.yml]\n"), ("rules.yml", &all), ("alertmanager.yml", ROUTES)]);
    let output = run(&["fire", TOO_MANY_FOR_PROMTOOL, &corpus.config().display().to_string(), "--format", "json"]);
    let found: Value = serde_json::from_slice(&output.stdout).unwrap_or_else(|_| panic!("{}", said(&output)));
    let mut page = String::new();
    for series in found["alerts"][0]["series"].as_array().expect("series") {
        let labels = series["labels"].as_object().expect("labels");
        let name = text(&labels["__name__"]);
        let rest: Vec<String> = labels.iter().filter(|(key, _)| *key != "__name__").map(|(key, value)| format!("{key}={value}")).collect();
        page += &format!("{name}{{{}}} {}\n", rest.join(","), text(&series["last"]));
    }
    assert!(page.lines().count() > 10_000, "{} series", page.lines().count());
    let target = Server::page(move || page.clone());
    let config = prometheus(&[target.address], &["rules.yml"]).replace("job_name: app", "job_name: app\n  honor_labels: true");
    let rule = format!("groups:\n- name: cut\n  rules:\n{}", {
        let lines: Vec<&str> = all.lines().collect();
        item(&lines, lines.iter().position(|line| line.contains(TOO_MANY_FOR_PROMTOOL)).expect("the rule"))
    });
    let folder = Folder::new(&[("prometheus.yml", &config), ("rules.yml", &rule)]);
    let program = start_prometheus(&peers, &folder);
    wait_for("the real Prometheus fires", || {
        program.alert_states().iter().any(|(name, state)| name == TOO_MANY_FOR_PROMTOOL && state == "firing").then_some(())
    });
}

const RULES: &str = r#"groups:
- name: g
  rules:
  - alert: Hot
    expr: temperature > 30
    labels: {severity: page}
    annotations: {title: 'Hot room', summary: 'room {{ $labels.room }} has {{ $value }} degrees'}
  - alert: NeverTrue
    expr: score < 0.65 and score > 0.7
  - alert: Quiet
    expr: up == 0
    labels: {severity: none}
"#;
const SECRET: &str = "s3cr3ts3cr3t";

/// Two integrations at one receiver, a receiver that the alert does not go to, and one without integrations.
fn receivers(first: &Server, second: &Server) -> Folder {
    let routes = format!(
        "route:\n  receiver: other\n  routes:\n  - {{receiver: team, matchers: [severity=page]}}\n  - {{receiver: nobody, matchers: [severity=none]}}\nreceivers:\n- name: nobody\n- name: team\n  discord_configs:\n  - webhook_url: http://{}/api/webhooks/1/{SECRET}\n  webhook_configs:\n  - url: http://{}/{SECRET}\n    http_config: {{authorization: {{credentials: {SECRET}}}}}\n- name: other\n  webhook_configs:\n  - url: http://{}/other\n",
        first.address, second.address, second.address
    );
    Folder::new(&[("prometheus.yml", "rule_files: [rules.yml]\n"), ("rules.yml", RULES), ("alertmanager.yml", &routes)])
}

fn paths(server: &Server) -> Vec<String> {
    server.received().into_iter().map(|one: Received| one.path).collect()
}

#[test]
fn send_sends_each_message_once_and_marks_it_as_a_test() {
    let (discord, hook) = (Server::start(|_| answer(204, &[], b"")), Server::start(|_| answer(200, &[], b"")));
    let folder = receivers(&discord, &hook);
    let dir = folder.config().display().to_string();
    // Without --send nothing leaves.
    assert_eq!(run(&["fire", "Hot", &dir]).status.code(), Some(0));
    assert_eq!((paths(&discord), paths(&hook)), (vec![], vec![]));
    let output = run(&["fire", "Hot", &dir, "--send"]);
    let out = said(&output);
    assert_eq!(output.status.code(), Some(0), "{out}");
    assert!(out.contains("sent to discord/0: HTTP 204") && out.contains("sent to webhook/0: HTTP 200"), "{out}");
    assert!(!out.contains(SECRET), "{out}");
    // To the alert's own receiver alone, each integration once.
    assert_eq!(paths(&discord), [format!("/api/webhooks/1/{SECRET}?wait=true")]);
    assert_eq!(paths(&hook), [format!("/{SECRET}")]);
    let message = hook.received()[0].json();
    let alert = &message["alerts"][0];
    assert_eq!((text(&message["status"]), text(&alert["labels"]["test"])), ("firing".into(), "true".into()), "{message}");
    assert_eq!(text(&alert["annotations"]["title"]), "TEST: Hot room");
    assert!(text(&alert["annotations"]["summary"]).starts_with("TEST: room "), "{alert}");
    // Of now, not of 1970, when the proof is.
    assert!(text(&alert["startsAt"]).as_str() > "2026", "{alert}");
    let embed = discord.received()[0].body.clone();
    assert!(embed.contains("TEST: "), "{embed}");
}

#[test]
fn send_says_which_receiver_did_not_take_it() {
    let busy = Server::start(|_| answer(429, &[("retry-after", "3600")], b"{\"message\": \"slow down\", \"retry_after\": 3600}"));
    let refusing = Server::start(|_| answer(403, &[], format!("no {SECRET}").as_bytes()));
    let folder = receivers(&busy, &refusing);
    let dir = folder.config().display().to_string();
    let output = run(&["fire", "Hot", &dir, "--send"]);
    let out = said(&output);
    assert_eq!(output.status.code(), Some(1), "{out}");
    assert!(out.contains("not sent to discord/0: ") && out.contains("a real message would be tried again"), "{out}");
    assert!(out.contains("not sent to webhook/0: HTTP 403"), "{out}");
    assert!(!out.contains(SECRET), "{out}");
    assert_eq!((paths(&busy).len(), paths(&refusing).len()), (1, 1), "nothing is tried again");
    // Nothing to send: the alert can not fire, or nobody is told of it.
    for alert in ["NeverTrue", "Quiet"] {
        let output = run(&["fire", alert, &dir, "--send"]);
        assert!(output.status.code() == Some(2) && said(&output).contains("there is no message to send"), "{}", said(&output));
    }
    assert_eq!((paths(&busy).len(), paths(&refusing).len()), (1, 1));
}

const DATASOURCES: &str = "apiVersion: 1\ndatasources:\n- {name: Prometheus, type: prometheus, uid: prom}\n";
const GRAFANA: &str = r#"
apiVersion: 1
groups:
- name: model
  folder: Bike traffic
  interval: 1m
  rules:
  - uid: r2
    title: R2 low
    condition: C
    for: 5m
    labels: {severity: critical}
    annotations: {summary: 'R2 of {{ $labels.model }} is {{ $values.B.Value }}'}
    data:
    - refId: A
      datasourceUid: prom
      relativeTimeRange: {from: 600, to: 0}
      model: {expr: 'model_r2_score{model="bike"}', range: true}
    - refId: B
      datasourceUid: __expr__
      model: {type: reduce, expression: A, reducer: mean}
    - refId: C
      datasourceUid: __expr__
      model: {type: threshold, expression: B, conditions: [{evaluator: {type: lt, params: [0.6]}}]}
  - uid: errors
    title: Error share
    condition: C
    data:
    - refId: A
      datasourceUid: prom
      relativeTimeRange: {from: 300, to: 0}
      model: {expr: 'sum by (job) (rate(errors_total[5m]))', instant: true}
    - refId: B
      datasourceUid: prom
      relativeTimeRange: {from: 300, to: 0}
      model: {expr: 'sum by (job) (rate(requests_total[5m]))', instant: true}
    - refId: C
      datasourceUid: __expr__
      model: {type: math, expression: '$A / $B > 0.05 && $B > 1'}
  - uid: classic
    title: Latency
    condition: B
    data:
    - refId: A
      datasourceUid: prom
      relativeTimeRange: {from: 600, to: 0}
      model: {expr: 'histogram_quantile(0.95, sum by (le) (rate(latency_seconds_bucket[5m])))', range: true}
    - refId: B
      datasourceUid: __expr__
      model: {type: classic_conditions, conditions: [{evaluator: {type: gt, params: [2]}, operator: {type: and}, query: {params: [A]}, reducer: {type: avg}}]}
  - uid: silent
    title: Silent
    condition: C
    noDataState: Alerting
    data:
    - refId: A
      datasourceUid: prom
      relativeTimeRange: {from: 600, to: 0}
      model: {expr: 'score < 0 and score > 1', instant: true}
    - refId: C
      datasourceUid: __expr__
      model: {type: threshold, expression: A, conditions: [{evaluator: {type: gt, params: [0]}}]}
  - uid: never
    title: Never
    condition: C
    noDataState: OK
    data:
    - refId: A
      datasourceUid: prom
      relativeTimeRange: {from: 600, to: 0}
      model: {expr: 'clamp(score, 0, 1)', instant: true}
    - refId: C
      datasourceUid: __expr__
      model: {type: threshold, expression: A, conditions: [{evaluator: {type: gt, params: [1]}}]}
  - uid: paused
    title: Paused
    condition: A
    isPaused: true
    data:
    - refId: A
      datasourceUid: prom
      relativeTimeRange: {from: 600, to: 0}
      model: {expr: up, instant: true}
"#;

#[test]
fn grafanas_rules_fire_over_the_whole_path() {
    let folder =
        Folder::new(&[("prometheus.yml", ""), ("datasources.yml", DATASOURCES), ("rules.yml", GRAFANA), ("alertmanager.yml", ROUTES)]);
    let dir = folder.config().display().to_string();
    let output = run(&["fire", "--all", &dir, "--format", "json"]);
    let found: Value = serde_json::from_slice(&output.stdout).unwrap_or_else(|_| panic!("{}", said(&output)));
    let alerts = found["alerts"].as_array().expect("alerts");
    let fires: Vec<(String, bool)> = alerts.iter().map(|alert| (text(&alert["alert"]), alert["fires"] == true)).collect();
    let expected = [("R2 low", true), ("Error share", true), ("Latency", true), ("Silent", true), ("Never", false), ("Paused", false)];
    assert_eq!(fires, expected.map(|(name, fires)| (name.to_string(), fires)), "{found:#}");
    for alert in alerts.iter().filter(|alert| alert["fires"] == true) {
        assert_eq!(alert["messages"][0]["receiver"], "team", "{alert:#}");
        assert_eq!(alert["alerts"][0]["labels"]["grafana_folder"], "Bike traffic", "{alert:#}");
    }
    let first = &alerts[0];
    assert!(text(&first["alerts"][0]["annotations"]["summary"]).starts_with("R2 of bike is "), "{first:#}");
    assert_eq!(first["firedAt"].as_f64().zip(first["pendingAt"].as_f64()).map(|(fired, pending)| fired - pending), Some(300.0));
    assert_eq!(first["series"][0]["labels"]["model"], "bike");
    assert_eq!(alerts[3]["series"].as_array().map(Vec::len), Some(0), "no data is what makes it fire: {:#}", alerts[3]);
    assert!(text(&alerts[4]["why"]).contains("C: A > 1"), "{:#}", alerts[4]);
    assert!(text(&alerts[5]["why"]).contains("paused"), "{:#}", alerts[5]);
    // promtool knows no such rules.
    let output = run(&["fire", "R2 low", &dir, "--write-test", &folder.root().join("x.test.yml").display().to_string()]);
    assert!(output.status.code() == Some(2) && said(&output).contains("Grafana's rules have no rule tests"), "{}", said(&output));
}
