//! A test message through every integration of a receiver, by a running bellbuoy and from files alone.

use serde_json::{Value, json};

use super::harness::{Folder, Program, Server, answer, bellbuoy, text};

#[test]
fn each_integration_answers() {
    let discord = Server::start(|_| answer(200, &[], b"{\"id\": \"1\"}"));
    let hook = Server::start(|_| answer(404, &[], b"no such hook secretsecret"));
    let pager = Server::start(|_| answer(202, &[], b"{}"));
    let config = format!(
        "route: {{receiver: none}}\nreceivers:\n- name: none\n- name: team one\n  discord_configs:\n  - webhook_url: http://{}/api/webhooks/1/secretsecret\n  webhook_configs:\n  - url: http://{}/secretsecret\n  pagerduty_configs:\n  - routing_key: secretsecret\n    url: http://{}/v2/enqueue\n- name: good\n  discord_configs:\n  - webhook_url: http://{}/api/webhooks/1/secretsecret\n",
        discord.address, hook.address, pager.address, discord.address
    );
    let folder = Folder::new(&[("alertmanager.yml", &config)]);
    let program = Program::up(&folder);
    let (status, body) = program.post("/api/v1/receivers/team%20one/test", "");
    assert_eq!(status, 200, "{body}");
    assert!(!body.contains("secretsecret"), "{body}");
    let data = serde_json::from_str::<Value>(&body).expect("JSON")["data"].clone();
    assert_eq!(data["delivered"], false);
    let seen: Vec<Value> = data["results"]
        .as_array()
        .expect("a list")
        .iter()
        .map(|one| json!([one["integration"], one["state"], one["delivered"], one["answer"]]))
        .collect();
    assert_eq!(seen[0], json!(["discord/0", "firing", true, "HTTP 200"]));
    assert!(seen[1][0] == "webhook/0" && seen[1][2] == false && text(&seen[1][3]).starts_with("HTTP 404"), "{}", seen[1]);
    // What opens an incident closes it.
    assert_eq!(seen[2], json!(["pagerduty/0", "firing", true, "HTTP 202"]));
    assert_eq!(seen[3], json!(["pagerduty/0", "resolved", true, "HTTP 202"]));
    let actions: Vec<Value> = pager.received().iter().map(|one| json!([one.json()["event_action"], one.json()["dedup_key"]])).collect();
    assert_eq!((&actions[0][0], &actions[1][0], &actions[0][1]), (&json!("trigger"), &json!("resolve"), &actions[1][1]));
    let embed = discord.received()[0].json()["embeds"][0].clone();
    assert_eq!(
        (text(&embed["title"]), embed["description"].to_string().contains("TEST: ")),
        ("🧪 Test message from bellbuoy".into(), true)
    );
    // Nothing of it is in the queue or the history.
    assert_eq!(program.get("/api/bellbuoy/notifications").1, "[]");
    let (status, body) = program.post("/api/v1/receivers/god/test", "");
    assert!(status == 404 && body.contains(r#"there is no receiver \"god\"; did you mean \"good\"?"#), "{status} {body}");

    let url = format!("http://{}", program.address);
    let run = |arguments: &[&str]| {
        let output = bellbuoy().arg("test-receiver").args(arguments).output().expect("it runs");
        (output.status.code(), String::from_utf8_lossy(&output.stdout).into_owned() + &String::from_utf8_lossy(&output.stderr))
    };
    let (code, out) = run(&["team one", "--url", &url]);
    assert!(code == Some(1) && out.contains("webhook/0       firing    failed") && !out.contains("secretsecret"), "{out}");
    let (code, out) = run(&["good", "--url", &url]);
    assert!(code == Some(0) && out.contains("discord/0       firing    delivered"), "{out}");
    drop(program);
    let dir = folder.config().display().to_string();
    let (code, out) = run(&["good", "--config", &dir]);
    assert!(code == Some(0) && out.contains("discord/0       firing    delivered"), "{out}");
    let (code, out) = run(&["team one", "--config", &dir]);
    assert!(code == Some(1) && out.contains("HTTP 404") && !out.contains("secretsecret"), "{out}");
    let (code, out) = run(&["none", "--config", &dir]);
    assert!(code == Some(0) && out.contains("nobody is told"), "{out}");
    let (code, out) = run(&["god", "--config", &dir]);
    assert!(code == Some(2) && out.contains("did you mean \"good\"?"), "{out}");
    assert_eq!(discord.received().len(), 5);
}
