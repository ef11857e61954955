//! The page of an alert: its rule, its episodes, who was told with each answer; a message tried again; annotations; queries explained.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use serde_json::{Value, json};

use crate::harness::{Folder, Program, Server, alertmanager, answer, escape, ok, prometheus, wait_explained, wait_for};

const RULES: &str = "groups:\n- name: g\n  rules:\n  - alert: Trouble\n    expr: level > 1\n    for: 1s\n    labels: {severity: critical}\n    annotations: {summary: 'it is {{ $value }} <b>', runbook_url: 'http://runbook/trouble'}\n";
const HOSTILE: &str = "level{name=\"<img src=x onerror=alert(1)>\\u202e\"} ";

/// A service in trouble or not, and a receiver that takes messages or not.
struct Stage {
    program: Program,
    trouble: Arc<AtomicBool>,
    refusing: Arc<AtomicBool>,
    _servers: (Server, Server),
    folder: Folder,
}

fn stage(refusal: u16) -> Stage {
    let (trouble, refusing) = (Arc::new(AtomicBool::new(true)), Arc::new(AtomicBool::new(true)));
    let in_trouble = trouble.clone();
    let service = Server::page(move || format!("{HOSTILE}{}\n", if in_trouble.load(Ordering::Relaxed) { 2.5 } else { 0.5 }));
    let refuses = refusing.clone();
    let hook = Server::start(move |_| if refuses.load(Ordering::Relaxed) { answer(refusal, &[], b"later") } else { ok("text/plain", "") });
    let files = [
        ("prometheus.yml", prometheus(&[service.address], &["r.yml"])),
        ("r.yml", RULES.to_string()),
        ("alertmanager.yml", alertmanager(&format!("http://{}/canary-path", hook.address))),
    ];
    let files: Vec<(&str, &str)> = files.iter().map(|(name, text)| (*name, text.as_str())).collect();
    let folder = Folder::new(&files);
    let program = Program::up(&folder);
    Stage { program, trouble, refusing, _servers: (service, hook), folder }
}

fn wait(stage: &Stage, what: &str, ask: impl Fn(&Value) -> bool) -> Value {
    let page = || stage.program.data("/api/bellbuoy/alerts/Trouble");
    wait_explained(what, &|| serde_json::to_string_pretty(&page()).unwrap_or_default(), || Some(page()).filter(|page| ask(page)))
}

#[test]
fn an_alert_has_its_history_with_each_answer() {
    let stage = stage(503);
    let page =
        wait(&stage, "two refused attempts", |page| page["notifications"][0]["attemptLog"].as_array().is_some_and(|log| log.len() >= 2));
    let message = &page["notifications"][0];
    assert_eq!((&message["status"], &message["state"]), (&"pending".into(), &"firing".into()));
    assert!(message["nextAttemptAt"].is_string());
    let log = message["attemptLog"].as_array().expect("a log");
    assert_eq!((&log[0]["number"], &log[0]["outcome"]), (&1.into(), &"retrying".into()));
    assert!(log[0]["answer"].as_str().is_some_and(|text| text.contains("503")) && log[0]["tookSeconds"].is_number(), "{log:?}");
    let rule = &page["rules"][0];
    assert_eq!(
        (&rule["state"], &rule["forSeconds"], &rule["runbookUrl"], &rule["source"]),
        (&"firing".into(), &json!(1.0), &"http://runbook/trouble".into(), &"prometheus".into())
    );
    assert_eq!(rule["evaluations"].as_array().and_then(|all| all.last()).map(|last| last["value"].clone()), Some(json!(2.5)));
    let episode = &page["episodes"][0];
    assert_eq!(
        (&episode["state"], &episode["receivers"], &episode["notifications"]),
        (&"firing".into(), &json!(["hook"]), &json!([message["id"]]))
    );
    assert!(episode["pendingSeconds"].as_f64() >= Some(1.0) && episode["endedAt"].is_null(), "{episode}");
    assert!(episode["labels"]["name"].as_str().is_some_and(|text| text.starts_with("<img")), "labels are as they are");
    receivers(&stage);
    // Now the receiver is well again: a person does not wait for the next attempt.
    stage.refusing.store(false, Ordering::Relaxed);
    let id = message["id"].clone();
    let (status, body) = stage.program.post(&format!("/api/bellbuoy/notifications/{id}/retry"), "");
    // It may be under way at this moment, then it is being tried already.
    assert!(status == 200 || status == 409, "{status} {body}");
    wait(&stage, "delivery", |page| page["notifications"].as_array().is_some_and(|all| all.iter().any(|one| one["status"] == "delivered")));
    stage.trouble.store(false, Ordering::Relaxed);
    let page =
        wait(&stage, "the end", |page| page["episodes"][0]["state"] == "resolved" && page["notifications"][0]["state"] == "resolved");
    assert!(page["episodes"][0]["firingSeconds"].as_f64() > Some(0.0));
    assert_eq!(stage.program.post(&format!("/api/bellbuoy/notifications/{id}/retry"), "").0, 409, "delivered is delivered");
    annotations(&stage);
    configuration(&stage);
    queries(&stage.program);
    bounds(&stage.program);
    assert_eq!(stage.program.stop(), Some(0));
}

fn receivers(stage: &Stage) {
    let found = stage.program.data("/api/bellbuoy/receivers");
    let hook = &found["receivers"][0];
    assert_eq!((&hook["name"], &hook["used"], &hook["grafana"]), (&"hook".into(), &true.into(), &false.into()));
    let integration = &hook["integrations"][0];
    assert_eq!(
        (&integration["kind"], &integration["address"], &integration["waiting"]),
        (&"webhook".into(), &"127.0.0.1".into(), &1.into())
    );
    assert_eq!(integration["last"]["status"], "pending");
    assert!(!found.to_string().contains("canary-path"), "the path of an address may be a secret: {found}");
}

fn annotations(stage: &Stage) {
    let event = r#"{"kind": "deployment", "model": "m", "fields": {"decision": "deploy"}, "labels": {"env": "x"}}"#;
    let (status, body) = stage.program.post("/api/v1/events", event);
    assert_eq!(status, 200, "{body}");
    let of = |query: &str| {
        stage.program.data(&format!("/api/bellbuoy/annotations?{query}"))["annotations"].as_array().cloned().unwrap_or_default()
    };
    let kinds = |all: &[Value]| all.iter().map(|one| one["kind"].as_str().unwrap_or("").to_string()).collect::<Vec<_>>();
    assert_eq!(kinds(&of("")), ["alert", "deployment"]);
    let alert = &of("kind=alerts")[0];
    assert_eq!((&alert["title"], &alert["tags"]), (&"Trouble".into(), &json!(["alert", "critical"])));
    assert!(alert["end"].is_string());
    assert_eq!(kinds(&of("kind=deployments")), ["deployment"]);
    assert_eq!(kinds(&of(&format!("match[]={}", escape("{severity=\"critical\"}")))), ["alert"]);
    assert_eq!(kinds(&of("start=1&end=2")), Vec::<String>::new());
    assert_eq!(kinds(&of("limit=1")), ["deployment"], "the newest");
    for query in ["kind=x", "start=2&end=1", "start=x", "match[]=%7B", "limit=-1"] {
        assert_eq!(stage.program.get(&format!("/api/bellbuoy/annotations?{query}")).0, 400, "{query}");
    }
}

fn configuration(stage: &Stage) {
    let files = || stage.program.data("/api/bellbuoy/configuration");
    let file = |files: &Value, name: &str| {
        let found = files["files"]
            .as_array()
            .and_then(|all| all.iter().find(|one| one["file"].as_str().is_some_and(|file| file.ends_with(name))))
            .cloned();
        found.unwrap_or_else(|| panic!("no {name} in {files}"))
    };
    let seen = files();
    assert_eq!((&file(&seen, "/r.yml")["role"], &seen["ok"]), (&"rules".into(), &true.into()));
    let text = file(&seen, "alertmanager.yml")["text"].as_str().unwrap_or("").to_string();
    assert!(text.contains("url: <secret>") && !text.contains("canary-path"), "{text}");
    // What is wrong with a file is said; the text of a rejected one is not shown.
    stage.folder.write("r.yml", "groups:\n- name: g\n  rules:\n  - alert: X\n    expr: 1 +\n    canary_key: canary-path\n");
    let seen = wait_for("the rejection", || Some(files()).filter(|seen| seen["ok"] == false));
    let rules = file(&seen, "/r.yml");
    assert!(rules["problems"].as_array().is_some_and(|all| !all.is_empty() && all[0]["line"].is_number()), "{rules}");
    assert!(!seen.to_string().contains("canary-path"), "{seen}");
}

fn queries(program: &Program) {
    let explained = |query: &str| program.data(&format!("/api/bellbuoy/query_explain?query={}", escape(query)));
    let found = explained("sum by (job) (rate(level[1m])) * on () group_left () vector(2) > 1");
    let nodes = found["nodes"].as_array().expect("nodes");
    let shown: Vec<String> =
        nodes.iter().map(|node| format!("{} {} {}", node["parent"], node["label"].as_str().unwrap_or(""), node["series"])).collect();
    assert_eq!(
        shown,
        ["null > null", "0 * null", "1 sum by (job) 1", "2 rate 1", "3 level[1m] 1", "1 vector 1", "5 2 null", "0 1 null"].map(|line| line
            .replace("null > null", &format!("null > {}", nodes[0]["series"]))
            .replace("0 * null", &format!("0 * {}", nodes[1]["series"])))
    );
    assert_eq!((&nodes[5]["value"], &nodes[6]["value"], &nodes[6]["valueType"]), (&"2".into(), &"2".into(), &"scalar".into()));
    assert!(nodes[4]["samples"].as_u64() > Some(1) && nodes[4]["labels"]["instance"] == 1, "{}", nodes[4]);
    let broken = explained("label_replace(level, \"job\", \"$1\", \"job\", \"(\") + level");
    assert!(broken["nodes"][0]["error"].as_str().is_some_and(|text| text.starts_with("not evaluated: ")), "{broken}");
    assert_eq!(broken["nodes"][0]["series"], Value::Null);
    assert_eq!(program.data("/api/v1/parse_query?query=-foo")["position"], json!({"start": 0, "end": 4}));
    assert_eq!(program.data("/api/v1/format_query?query=sum(a)by(b)"), "sum by (b) (a)");
    for path in ["/api/v1/parse_query?query=rate(", "/api/v1/format_query", "/api/bellbuoy/query_explain?query=a%20b"] {
        assert_eq!(program.get(path).0, 400, "{path}");
    }
}

fn bounds(program: &Program) {
    assert_eq!(program.get("/api/bellbuoy/alerts/Trouble?start=2&end=1").0, 400);
    assert_eq!(program.data("/api/bellbuoy/alerts/Trouble?start=1&end=2")["episodes"], json!([]));
    let unknown = program.data(&format!("/api/bellbuoy/alerts/{}", escape("No \"such\" <b>")));
    assert!(unknown["because"].as_str().is_some_and(|text| text.contains("no rule here has the name")), "{unknown}");
    for id in ["0", "-1", "x", "99999999", "9223372036854775808"] {
        assert_eq!(program.post(&format!("/api/bellbuoy/notifications/{id}/retry"), "").0, 404, "{id}");
    }
    assert_eq!(program.get("/api/bellbuoy/none").0, 404);
}

#[test]
fn a_message_that_was_given_up_is_sent_once_more_when_asked() {
    let stage = stage(400);
    let page = wait(&stage, "a message that is given up", |page| page["notifications"][0]["status"] == "failed");
    assert_eq!(page["notifications"][0]["attemptLog"][0]["outcome"], "failed");
    let overview = stage.program.data("/api/bellbuoy/overview");
    assert!(overview["checklist"].as_array().is_some_and(|all| all.iter().any(|item| item["reason"] == "receiver_failing")), "{overview}");
    stage.refusing.store(false, Ordering::Relaxed);
    let id = page["notifications"][0]["id"].clone();
    let (status, body) = stage.program.post(&format!("/api/bellbuoy/notifications/{id}/retry"), "");
    assert_eq!(status, 200, "{body}");
    let page = wait(&stage, "delivery", |page| {
        page["notifications"].as_array().is_some_and(|all| all.iter().any(|one| one["id"] == id && one["status"] == "delivered"))
    });
    let log = page["notifications"].as_array().and_then(|all| all.iter().find(|one| one["id"] == id)).map(|one| one["attemptLog"].clone());
    let outcomes: Vec<Value> = log.as_ref().and_then(Value::as_array).into_iter().flatten().map(|one| one["outcome"].clone()).collect();
    assert_eq!(outcomes, ["failed", "delivered"]);
    assert_eq!(stage.program.stop(), Some(0));
}
