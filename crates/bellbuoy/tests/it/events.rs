//! What pipelines tell: every kind reaches Discord once, a repeated key and a kill -9 tell nothing twice, and what is wrong is said at once.

use std::collections::BTreeSet;
use std::io::Write as _;
use std::process::Stdio;

use serde_json::{Value, json};

use super::harness::{Folder, Program, Server, answer, bellbuoy, text, wait_for};

/// `route` is what stands below the root's receiver.
fn folder(discord: &Server, route: &str) -> Folder {
    let config = format!(
        "route:\n  receiver: discord\n  group_by: [event]\n  group_wait: 100ms\n  group_interval: 200ms\n  repeat_interval: 1s\n{route}\nreceivers:\n- name: discord\n  discord_configs:\n  - webhook_url: http://{0}/api/webhooks/1/t\n- name: nobody\n",
        discord.address
    );
    Folder::new(&[("alertmanager.yml", &config)])
}

fn discord() -> Server {
    Server::start(|_| answer(200, &[("content-type", "application/json")], b"{\"id\": \"1\"}"))
}

/// Title and colour of every embed that came, in order.
fn embeds(discord: &Server) -> Vec<(String, u64)> {
    let bodies: Vec<Value> = discord.received().iter().map(|one| one.json()).collect();
    let embeds = bodies.iter().flat_map(|body| body["embeds"].as_array().cloned().unwrap_or_default());
    embeds.map(|embed| (text(&embed["title"]), embed["color"].as_u64().unwrap_or(0))).collect()
}

fn post(program: &Program, body: &Value) -> Value {
    let (status, answer) = program.post("/api/v1/events", &body.to_string());
    assert_eq!(status, 200, "{answer}");
    serde_json::from_str::<Value>(&answer).expect("JSON")["data"].clone()
}

#[test]
fn every_kind_reaches_discord_once() {
    const RED: u64 = 0xE01E1E;
    const ORANGE: u64 = 0xFF8C00;
    const GREEN: u64 = 0x2ECC71;
    let discord = discord();
    let folder = folder(&discord, "");
    let program = Program::up(&folder);
    let events = json!([
        {"kind": "drift", "fields": {"drift_share": 0.542, "r2": 0.7234, "drifted_features": 8}},
        {"kind": "performance", "severity": "critical", "fields": {"r2": 0.61, "rmse": 65.5}},
        {"kind": "training-success", "fields": {"decision": "deploy", "new_r2": 0.7856, "old_r2": 0.7234}},
        {"kind": "training-success", "fields": {"decision": "skip"}},
        {"kind": "training-success", "fields": {"decision": "reject"}},
        {"kind": "training-failure", "fields": {"error": "timeout"}},
        {"kind": "api-error", "fields": {"error": "502", "endpoint": "/predict"}},
        {"kind": "champion-promotion", "fields": {"model_version": "12"}},
        {"kind": "ingestion-failure", "fields": {"error": "no records"}},
        {"kind": "prediction-failure", "fields": {"error": "NaN"}},
        {"kind": "service-down", "fields": {"service": "api"}},
        {"kind": "dag-completion", "fields": {"dag_id": "train", "state": "success", "duration": 61}},
        {"kind": "model-retired", "title": "Model 7 is gone"},
    ]);
    let told = post(&program, &events);
    assert!(
        told.as_array().is_some_and(
            |list| list.len() == 13 && list.iter().all(|one| one["status"] == "accepted" && one["receivers"] == json!(["discord"]))
        ),
        "{told}"
    );
    let expected: BTreeSet<(String, u64)> = [
        ("⚠️ Data Drift Detected", ORANGE),
        ("🚨 Model Performance Critical", RED),
        ("🚀 Training Completed", GREEN),
        ("⏭️ Training Completed", 0x95A5A6),
        ("❌ Training Completed", ORANGE),
        ("🚨 Training Pipeline Failed", RED),
        ("🚨 API Error", RED),
        ("🏆 Champion Promoted", GREEN),
        ("🚨 Data Ingestion Failed", RED),
        ("🚨 Prediction Failed", RED),
        ("🚨 Service Down", RED),
        ("✅ DAG Completed", GREEN),
        ("ℹ️ Model 7 is gone", 0x3498DB),
    ]
    .map(|(title, colour)| (title.to_string(), colour))
    .into();
    wait_for("every kind", || (embeds(&discord).len() >= 13).then_some(()));
    // A further event of a group goes alone: those before it are told already.
    post(&program, &json!({"kind": "drift", "fields": {"drift_share": 1}}));
    wait_for("the second drift", || (embeds(&discord).len() >= 14).then_some(()));
    let all = embeds(&discord);
    assert_eq!(all.len(), 14, "each once: {all:#?}");
    assert_eq!(all.into_iter().collect::<BTreeSet<_>>(), expected);
    let list = program.data("/api/v1/events?limit=100");
    assert_eq!(list.as_array().map(Vec::len), Some(14));
    let drifts = program.data("/api/v1/events?kind=drift&filter=severity%3Dwarning");
    assert_eq!((drifts.as_array().map(Vec::len), &drifts[0]["fields"]["drift_share"]), (Some(2), &json!("100.0%")));
    assert_eq!(program.data("/api/v1/events?filter=severity%3Dpage"), json!([]));
}

#[test]
fn a_key_is_told_once_even_after_a_crash() {
    let discord = discord();
    let folder = folder(&discord, "  routes:\n  - receiver: nobody\n    matchers: [team=\"quiet\"]");
    let program = Program::up(&folder);
    let event = json!({"kind": "training-failure", "key": "run-1", "fields": {"error": "timeout"}});
    let first = post(&program, &event);
    assert_eq!(first[0]["status"], "accepted");
    assert_eq!(
        post(&program, &event)[0],
        json!({"id": first[0]["id"], "kind": "training-failure", "key": "run-1", "status": "repeated", "receivers": []})
    );
    // At once, whether it was sent or not.
    program.kill();
    let program = Program::up(&folder);
    assert_eq!(post(&program, &event)[0]["status"], "repeated");
    assert_eq!(
        post(&program, &json!({"kind": "drift", "key": "run-1", "fields": {"drift_share": 0.5}}))[0]["status"],
        "accepted",
        "another kind"
    );
    let quiet = post(&program, &json!({"kind": "drift", "labels": {"team": "quiet"}, "fields": {"drift_share": 0.5}}));
    assert_eq!(quiet[0]["receivers"], json!(["nobody"]), "routed by its labels");
    wait_for("both", || (embeds(&discord).len() >= 2).then_some(()));
    let keys: BTreeSet<String> =
        discord.received().iter().map(|one| one.headers.get("idempotency-key").cloned().unwrap_or_default()).collect();
    let titles: BTreeSet<String> = embeds(&discord).into_iter().map(|(title, _)| title).collect();
    assert_eq!((keys.len(), titles.len()), (2, 2), "a message that the crash cut may come again, with its key");
    let failures = program.data("/api/v1/events?kind=training-failure&key=run-1");
    assert_eq!(failures.as_array().map(Vec::len), Some(1));
}

#[test]
fn what_is_wrong_is_said_at_once_and_nothing_is_taken() {
    let discord = discord();
    let folder = folder(&discord, "");
    let program = Program::up(&folder);
    let (status, body) =
        program.post("/api/v1/events", r#"[{"kind": "custom"}, {"kind": "drift", "fields": {"drift_share": 54}, "severty": "x"}]"#);
    let body: Value = serde_json::from_str(&body).expect("JSON");
    assert_eq!(status, 400);
    assert_eq!(
        body["problems"],
        json!([
            "events[1].severty: unknown; did you mean \"severity\"?",
            "events[1].fields.drift_share: is 54, but a share is between 0 and 1: write 0.542 or \"54.2%\""
        ])
    );
    assert_eq!(program.data("/api/v1/events"), json!([]));
    let url = format!("http://{}", program.address);
    let run = |arguments: &[&str], input: &str| {
        let mut command = bellbuoy();
        command.args(arguments).args(["--url", &url]).stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut child = command.spawn().expect("it starts");
        child.stdin.take().expect("piped").write_all(input.as_bytes()).expect("written");
        let output = child.wait_with_output().expect("it ends");
        let (out, err) = (String::from_utf8_lossy(&output.stdout).into_owned(), String::from_utf8_lossy(&output.stderr).into_owned());
        (output.status.code(), out, err)
    };
    let (code, _, err) = run(&["event", "drift", "--field", "drift_share=x", "--label", "kind=y"], "");
    assert_eq!(code, Some(1));
    assert_eq!(
        err,
        "bellbuoy: fields.drift_share: must be a number, not \"x\"\nbellbuoy: labels.kind: is set by bellbuoy; take another name\n"
    );
    let (code, out, _) = run(&["event", "drift", "--field", "drift_share=54.2%", "--label", "model=bikes", "--key", "k"], "");
    assert!(code == Some(0) && out.ends_with(": accepted, for discord\n"), "{out}");
    let (code, out, _) = run(&["event", "drift", "--field", "drift_share=54.2%", "--key", "k"], "");
    assert!(code == Some(0) && out.ends_with(": told before with the key \"k\"\n"), "{out}");
    let (code, out, _) = run(&["event", "--file", "-"], "{\"kind\": \"custom\"}\n{\"kind\": \"other-one\"}\n");
    assert_eq!((code, out.lines().count()), (Some(0), 2));
    let (_, out, _) = run(&["events", "--kind", "drift"], "");
    assert!(out.contains("⚠️ Data Drift Detected") && out.contains("drift_share=54.2%") && !out.contains("custom"), "{out}");
    drop(program);
    let (code, _, err) = run(&["event", "custom", "--wait", "0s"], "");
    assert!(code == Some(2) && err.contains("the event was not taken"), "{err}");
}
