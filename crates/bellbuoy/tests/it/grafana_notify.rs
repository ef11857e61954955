//! Grafana's provisioning folder alone: posted alerts reach Discord and a webhook in Grafana's form, by Grafana's policies; beside an
//! alertmanager.yml only alerts of Grafana's rules do.

use std::collections::HashMap;

use serde_json::{Value, json};

use super::harness::{Folder, Program, Server, answer, text, wait_for};

const FILE: &str = "provisioning/alerting/all.yml";

fn provisioning(hook: &Server) -> String {
    format!(
        r#"apiVersion: 1
contactPoints:
- name: team
  receivers:
  - uid: d
    type: discord
    settings: {{url: 'http://{0}/api/webhooks/1/t', title: '{{{{ template "mine" . }}}}', message: 'Look <@42>: {{{{ range .Alerts }}}}{{{{ .Values.B }}}} {{{{ .Labels.who }}}}{{{{ end }}}}'}}
  - uid: w
    type: webhook
    settings: {{url: 'http://{0}/plain', authorization_credentials: abc, hmacConfig: {{secret: s}}}}
  - uid: p
    type: webhook
    settings: {{url: 'http://{0}/payload', httpMethod: PUT, payload: {{template: '{{{{ coll.Dict "team" .Vars.team "n" (len .Alerts) | data.ToJSON }}}}', vars: {{team: ml}}}}}}
- name: nobody
templates:
- name: mine
  template: '{{{{ define "mine" }}}}{{{{ .Status | toUpper }}}} {{{{ .GroupLabels.alertname }}}}{{{{ end }}}}'
policies:
- receiver: nobody
  group_by: [alertname]
  group_wait: 50ms
  group_interval: 200ms
  routes:
  - receiver: team
    object_matchers: [[team, '=', ml]]
"#,
        hook.address
    )
}

fn post(program: &Program, uid: &str) {
    let mut labels = json!({"alertname": "High", "team": "ml", "who": "<@666>"});
    if !uid.is_empty() {
        labels["__alert_rule_uid__"] = uid.into();
    }
    let alert = json!([{
        "labels": labels,
        "annotations": {"summary": "s", "__values__": "{\"B\": 22.5}", "__value_string__": "[ var='B' value=22.5 ]", "__orgId__": "1"},
        "generatorURL": "http://g/alerting/grafana/u1/view",
    }]);
    let (status, answer) = program.post("/api/v2/alerts", &alert.to_string());
    assert_eq!(status, 200, "{answer}");
}

fn hook() -> Server {
    Server::start(|_| answer(200, &[("content-type", "application/json")], b"{\"id\": \"1\"}"))
}

/// Method, headers and body of the first request at a path.
fn at(hook: &Server, path: &str) -> Option<(String, HashMap<String, String>, Value)> {
    let found = hook.received().into_iter().find(|one| one.path.starts_with(path))?;
    Some((found.method.clone(), found.headers.clone(), found.json()))
}

#[test]
fn a_provisioning_folder_tells_in_grafanas_form() {
    let hook = hook();
    let folder = Folder::new(&[(FILE, &provisioning(&hook))]);
    let program = Program::up(&folder);
    post(&program, "");
    let (_, _, discord) = wait_for("the message in Discord", || at(&hook, "/api/webhooks/1/t"));
    assert_eq!(text(&discord["embeds"][0]["title"]), "FIRING High");
    assert_eq!(text(&discord["content"]), "Look <@42>: 22.5 <@666>");
    // The contact point may ping, the label may not.
    assert_eq!(discord["allowed_mentions"], json!({"parse": [], "users": ["42"]}));
    let (method, headers, plain) = wait_for("the webhook", || at(&hook, "/plain"));
    assert_eq!(method, "POST");
    let header = |name: &str| headers.iter().find(|(known, _)| known.eq_ignore_ascii_case(name)).map(|(_, value)| value.clone());
    assert_eq!(header("authorization").as_deref(), Some("Bearer abc"));
    assert_eq!(header("x-grafana-alerting-signature").map_or(0, |sum| sum.len()), 64);
    let alert = &plain["alerts"][0];
    assert_eq!((text(&plain["state"]), text(&plain["title"])), ("alerting".into(), "[FIRING:1] High (ml <@666>)".into()));
    assert_eq!((&alert["values"], text(&alert["valueString"])), (&json!({"B": 22.5}), "[ var='B' value=22.5 ]".into()));
    assert_eq!(text(&alert["generatorURL"]), "http://g/alerting/grafana/u1/view?orgId=1");
    assert_eq!((&alert["annotations"], &plain["orgId"], text(&plain["version"])), (&json!({"summary": "s"}), &json!(1), "1".into()));
    let (method, _, payload) = wait_for("the payload", || at(&hook, "/payload"));
    assert_eq!((method.as_str(), payload), ("PUT", json!({"team": "ml", "n": 1})));
}

#[test]
fn two_trees_keep_apart() {
    let (grafana, prometheus) = (hook(), hook());
    let alertmanager = format!(
        "route: {{receiver: team, group_by: [alertname], group_wait: 50ms, group_interval: 200ms}}\nreceivers:\n- name: team\n  webhook_configs: [{{url: 'http://{}/am'}}]\n",
        prometheus.address
    );
    let folder = Folder::new(&[("alertmanager.yml", &alertmanager), (FILE, &provisioning(&grafana))]);
    let program = Program::up(&folder);
    post(&program, "u1");
    wait_for("the webhook of the contact point", || at(&grafana, "/plain"));
    post(&program, "");
    let (_, _, told) = wait_for("the webhook of alertmanager.yml", || at(&prometheus, "/am"));
    // Both receivers are called `team`; each has got its own alert, in its own form.
    assert_eq!((text(&told["version"]), told["alerts"][0]["labels"].get("__alert_rule_uid__")), ("4".into(), None));
    let uids = grafana.received().iter().filter(|one| one.path.starts_with("/plain")).count();
    assert_eq!((uids, prometheus.received().len()), (1, 1));
}
