//! Pictures of alerts: they come after their message, and nothing depends on them.

use serde_json::Value;

use super::harness::{Folder, Program, Server, answer, prometheus, wait_for};

const RULES: &str = "groups:\n- name: g\n  rules:\n  - alert: LoadHigh\n    expr: load > 5\n    annotations: {summary: much to do}\n";

fn discord(url: &str) -> String {
    format!(
        "route: {{receiver: team, group_by: [alertname], group_wait: 0s, group_interval: 1s}}\nreceivers:\n- name: team\n  discord_configs:\n  - webhook_url: '{url}'\n"
    )
}

fn folder(target: &Server, url: &str, more: &[(&str, &str)]) -> Folder {
    let (main, receivers) = (prometheus(&[target.address], &["rules.yml"]), discord(url));
    let mut files = vec![("prometheus.yml", main.as_str()), ("rules.yml", RULES), ("alertmanager.yml", receivers.as_str())];
    files.extend(more);
    Folder::new(&files)
}

fn outcomes(program: &Program) -> String {
    let page = program.get("/metrics").1;
    page.lines().filter(|line| line.starts_with("bellbuoy_pictures_total")).collect::<Vec<_>>().join("\n")
}

#[test]
fn the_message_in_the_inbox_gets_a_picture_of_what_the_alert_looked_at() {
    let target = Server::page(|| "load 7\n".to_string());
    let port = super::harness::free_port();
    let folder = folder(&target, &format!("http://127.0.0.1:{port}/inbox/team"), &[]);
    let program = Program::up_with(&folder, &["--listen", &format!("127.0.0.1:{port}")]);
    let message = wait_for("a message with its picture", || {
        let rows: Value = serde_json::from_str(&program.get("/api/bellbuoy/inbox").1).ok()?;
        rows.as_array()?.iter().find(|row| row["picture"] == true).cloned()
    });
    assert!(message["message"]["embeds"][0]["title"].as_str().is_some_and(|title| title.contains("LoadHigh")), "{message}");
    let (status, png) = program.get(&format!("/api/bellbuoy/inbox/{}/picture", message["id"]));
    assert!(status == 200 && png.contains("PNG"), "{status}");
    assert!(program.get("/inbox").1.contains(&format!("/api/bellbuoy/inbox/{}/picture", message["id"])));
    assert!(outcomes(&program).contains("outcome=\"added\"} 1"), "{}", outcomes(&program));
    assert_eq!(program.get("/api/bellbuoy/inbox/999/picture").0, 404);
}

/// A proxy that knows only POST: the text is delivered, once, and stays so.
#[test]
fn a_receiver_that_wants_no_picture_has_its_message_all_the_same() {
    let target = Server::page(|| "load 7\n".to_string());
    let webhook = Server::start(|request| match request.method.as_str() {
        "POST" => answer(200, &[("content-type", "application/json")], b"{\"id\": \"5\"}"),
        _ => answer(501, &[], b""),
    });
    let folder = folder(&target, &format!("http://{}/api/webhooks/1/t", webhook.address), &[]);
    let program = Program::up(&folder);
    wait_for("the refusal", || outcomes(&program).contains("outcome=\"refused\"} 1").then_some(()));
    let seen: Vec<String> = webhook.received().iter().map(|request| format!("{} {}", request.method, request.path)).collect();
    assert_eq!(seen, ["POST /api/webhooks/1/t?wait=true", "PATCH /api/webhooks/1/t/messages/5"]);
    let rows: Value = serde_json::from_str(&program.get("/api/bellbuoy/notifications").1).expect("JSON");
    assert!(rows[0]["status"] == "delivered" && rows[0]["attempts"] == 1, "{rows}");
}

#[test]
fn without_a_rule_or_a_wish_there_is_none() {
    let target = Server::page(|| "load 7\n".to_string());
    let webhook = Server::start(|_| answer(200, &[("content-type", "application/json")], b"{\"id\": \"5\"}"));
    let url = format!("http://{}/api/webhooks/1/t", webhook.address);
    let folder = folder(&target, &url, &[("bellbuoy.yml", "notifications: {pictures: false}\n")]);
    let program = Program::up(&folder);
    wait_for("the message of the rule", || (!webhook.received().is_empty()).then_some(()));
    folder.write("bellbuoy.yml", "notifications: {pictures: true}\n");
    assert_eq!(program.post("/-/reload", "").0, 200);
    assert_eq!(program.post("/api/v2/alerts", r#"[{"labels": {"alertname": "Posted"}}]"#).0, 200);
    wait_for("that there is nothing to draw", || outcomes(&program).contains("outcome=\"nothing to draw\"} 1").then_some(()));
    assert!(webhook.received().iter().all(|request| request.method == "POST"));
}
