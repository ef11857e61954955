//! Each receiver kind beside the real Alertmanager: the same file and the same alerts, and what arrives at the service is the same.
//!
//! The names that both put into messages ("Alertmanager", "bellbuoy", and their own address) are made equal by a template file.

use std::collections::{BTreeMap, BTreeSet};
use std::process::Command;

use bellbuoy::config::{Sources, load};
use bellbuoy_vocabulary::{Millis, Timestamp};
use serde_json::{Value, json};

use super::harness::{Folder, Program, Server, answer, bellbuoy, free_port, http, peer, peers, wait_explained};

const NAMES: &str =
    "{{ define \"__alertmanager\" }}monitor{{ end }}\n{{ define \"__alertmanagerURL\" }}http://monitor.example/{{ .Status }}{{ end }}\n";

/// One receiver with every kind whose address can be chosen. URL is the service's address.
const CONFIG: &str = r##"
global:
  victorops_api_url: URL/victorops
  victorops_api_key: vo-key
  rocketchat_api_url: URL/rocketchat
  rocketchat_token: rc-token
  rocketchat_token_id: rc-id
  webex_api_url: URL/webex
  opsgenie_api_url: URL/opsgenie
  pagerduty_url: URL/pagerduty
  telegram_api_url: URL/telegram
templates: [names.tmpl]
route:
  receiver: all
  group_by: [alertname]
  group_wait: 1s
  group_interval: 1s
  repeat_interval: 1h
receivers:
- name: all
  victorops_configs:
  - routing_key: "team {{ .GroupLabels.alertname }}/x"
    message_type: "{{ .CommonLabels.severity | toUpper }}"
    custom_fields: {where: "{{ .CommonLabels.region }}", alerts: "{{ len .Alerts }}"}
  webex_configs:
  - room_id: "room-{{ .CommonLabels.severity }}"
    send_resolved: true
    http_config: {authorization: {credentials: wx-token}}
  sns_configs:
  - api_url: URL/sns
    sigv4: {region: eu-west-1, access_key: AKID, secret_key: sk}
    topic_arn: arn:aws:sns:eu-west-1:1:topic
    attributes: {severity: "{{ .CommonLabels.severity }}"}
  - api_url: URL/sns-sms
    sigv4: {region: eu-west-1, access_key: AKID, secret_key: sk}
    phone_number: "+491700000"
    message: "{{ .Status }} {{ .CommonLabels.alertname }}"
    subject: ""
  rocketchat_configs:
  - channel: "#ops"
    send_resolved: true
    short_fields: true
    fields: [{title: Region, value: "{{ .CommonLabels.region }}"}, {title: Long, value: x, short: false}]
    actions: [{text: Look, url: "http://x/{{ .Status }}"}, {type: button, text: Say, msg: hello}]
    emoji: ":fire:"
    text: "{{ range .Alerts }}{{ .Labels.instance }} {{ end }}"
  mattermost_configs:
  - webhook_url: URL/mattermost
    channel: "town-{{ .CommonLabels.severity }}"
    fields: [{title: Region, value: "{{ .CommonLabels.region }}", short: true}]
    footer: "{{ len .Alerts }} alerts"
    priority: {priority: "{{ if eq .Status \"firing\" }}Urgent{{ else }}standard{{ end }}", requested_ack: true, persistent_notifications: true}
    props: {card: "**{{ .Status }}**"}
  - webhook_url: URL/mattermost-many
    attachments: [{title: A, text: "{{ .Status }}", color: "#fff"}, {pretext: B, fields: [{title: t, value: v}]}]
  incidentio_configs:
  - url: URL/incidentio
    alert_source_token: ii-token
    max_alerts: 1
  msteams_configs:
  - webhook_url: URL/msteams
  msteamsv2_configs:
  - webhook_url: URL/msteamsv2
  discord_configs:
  - webhook_url: URL/discord
  slack_configs:
  - api_url: URL/slack
    send_resolved: true
    channel: "#ops"
    fields: [{title: Region, value: "{{ .CommonLabels.region }}"}, {title: Short, value: x, short: true}]
    actions: [{type: button, text: Look, url: "http://x/{{ .Status }}"}, {type: button, text: Do, name: n, value: v, confirm: {text: sure, ok_text: y}}]
    text: "{{ range .Alerts }}{{ .Annotations.summary }} {{ end }}"
    footer: "{{ len .Alerts }}"
  pagerduty_configs:
  - routing_key: pd-key
    severity: "{{ .CommonLabels.severity }}"
    class: "{{ .CommonLabels.region }}"
    details: {runbook: "http://x/{{ .Status }}", count: 3}
    images: [{src: "http://x/a.png", alt: a, href: "http://x"}]
    links: [{href: "http://x/{{ .Status }}", text: more}]
  opsgenie_configs:
  - api_key: og-key
    responders: [{type: team, name: ml}, {type: user, username: "a@x"}]
    tags: "ml,{{ .CommonLabels.severity }}"
    priority: P2
    note: "n {{ .Status }}"
    details: {more: "{{ .CommonLabels.region }}"}
  telegram_configs:
  - bot_token: "1:tg"
    chat_id: -42
    message_thread_id: 7
    parse_mode: ""
  webhook_configs:
  - url: URL/webhook
    max_alerts: 1
"##;

/// The same services with nothing said that has a default.
const DEFAULTS: &str = r##"
global:
  victorops_api_url: URL/victorops/
  victorops_api_key: vo-key
  rocketchat_api_url: URL/rocketchat/
  rocketchat_token: rc-token
  rocketchat_token_id: rc-id
  webex_api_url: URL/webex
  opsgenie_api_url: URL/opsgenie/
  opsgenie_api_key: og-key
  pagerduty_url: URL/pagerduty
  telegram_api_url: URL/telegram
  telegram_bot_token: "1:tg"
  slack_api_url: URL/slack
  mattermost_webhook_url: URL/mattermost
templates: [names.tmpl]
route:
  receiver: all
  group_by: [alertname]
  group_wait: 1s
  group_interval: 1s
  repeat_interval: 1h
receivers:
- name: all
  victorops_configs:
  - routing_key: team
  webex_configs:
  - room_id: room
    http_config: {authorization: {credentials: wx-token}}
  sns_configs:
  - api_url: URL/sns
    sigv4: {region: eu-west-1, access_key: AKID, secret_key: sk}
    target_arn: arn:aws:sns:eu-west-1:1:target
  rocketchat_configs:
  - send_resolved: true
  mattermost_configs:
  - send_resolved: true
  incidentio_configs:
  - url: URL/incidentio
  msteams_configs:
  - webhook_url: URL/msteams
  msteamsv2_configs:
  - webhook_url: URL/msteamsv2
  slack_configs:
  - send_resolved: true
  pagerduty_configs:
  - routing_key: pd-key
  opsgenie_configs:
  - send_resolved: true
  telegram_configs:
  - chat_id: 42
  webhook_configs:
  - url: URL/webhook
"##;

/// They begin at `now`: an alert that is older than `group_wait` would be told at once, without the other one.
fn alerts(now: Timestamp, resolved: bool) -> String {
    let alert = |instance: &str| {
        let mut alert = json!({
            "labels": {"alertname": "HighDrift", "severity": "critical", "region": "eu", "instance": instance},
            "annotations": {"summary": format!("drift & \"more\" at {instance}"), "runbook": "http://runbook.example/a_b"},
            "startsAt": now.rfc3339(),
            "generatorURL": "http://p/graph?g0.expr=a%3E1&g0.tab=1",
        });
        alert["endsAt"] = if resolved { (now + Millis(1)).rfc3339() } else { "2099-01-01T00:00:00Z".into() }.into();
        alert
    };
    json!([alert("a"), alert("b_<1>")]).to_string()
}

/// What the service answers: each kind's own word for yes.
fn service() -> Server {
    Server::start(|request| match request.path.split(['?']).next().unwrap_or("") {
        path if path.starts_with("/rocketchat") => answer(200, &[("content-type", "application/json")], b"{\"success\":true}"),
        path if path.starts_with("/telegram") => {
            let body = b"{\"ok\":true,\"result\":{\"message_id\":7,\"date\":1,\"chat\":{\"id\":-42,\"type\":\"group\"}}}";
            answer(200, &[("content-type", "application/json")], body)
        }
        path if path.starts_with("/sns") => {
            let body = b"<PublishResponse xmlns=\"http://sns.amazonaws.com/doc/2010-03-31/\"><PublishResult><MessageId>m</MessageId></PublishResult></PublishResponse>";
            answer(200, &[("content-type", "text/xml")], body)
        }
        path if path.starts_with("/pagerduty") => answer(202, &[], b"{\"status\":\"success\",\"dedup_key\":\"k\"}"),
        path if path.starts_with("/opsgenie") => answer(202, &[], b"{\"requestId\":\"r\"}"),
        path if path.starts_with("/slack") => answer(200, &[], b"ok"),
        _ => answer(200, &[], b"ok"),
    })
}

/// By path and place in its order: what both sides have to send alike.
fn seen(service: &Server) -> BTreeMap<String, Value> {
    let mut count: BTreeMap<String, usize> = BTreeMap::new();
    let mut found = BTreeMap::new();
    for request in service.received() {
        let path = request.path.split('?').next().unwrap_or("").to_string();
        let number = count.entry(path.clone()).or_default();
        *number += 1;
        let mut headers = BTreeMap::new();
        for name in ["authorization", "x-auth-token", "x-user-id"] {
            if let Some(value) = request.headers.get(name) {
                // A signature of AWS covers the time and Alertmanager's own headers.
                headers.insert(name, value.split(", SignedHeaders").next().unwrap_or(value).split("/20").next().unwrap_or("").to_string());
            }
        }
        let body = match serde_json::from_str::<Value>(&request.body) {
            Ok(body) => body,
            Err(_) => form(&request.body),
        };
        found.insert(format!("{path} {number}"), json!({ "method": request.method, "headers": headers, "body": body }));
    }
    found
}

/// The fields of a form in any order, with numbered attributes by their names.
fn form(body: &str) -> Value {
    let decode = |text: &str| {
        let mut bytes = Vec::new();
        let mut rest = text.bytes();
        while let Some(byte) = rest.next() {
            match byte {
                b'+' => bytes.push(b' '),
                b'%' => {
                    let hex: String = [rest.next(), rest.next()].into_iter().flatten().map(char::from).collect();
                    bytes.push(u8::from_str_radix(&hex, 16).unwrap_or(b'?'));
                }
                byte => bytes.push(byte),
            }
        }
        String::from_utf8_lossy(&bytes).into_owned()
    };
    let pairs: BTreeMap<String, String> =
        body.split('&').filter_map(|pair| pair.split_once('=')).map(|(name, value)| (decode(name), decode(value))).collect();
    json!(pairs)
}

/// What we do otherwise on purpose, taken out of both sides. Each line is told in docs/receivers.
fn but_differences(path: &str, side: &mut Value) {
    let body = &mut side["body"];
    let text = |value: &Value| Value::from(value.to_string().trim_matches('"'));
    match path {
        // Ours shows each alert as an embed with its fields.
        _ if path.starts_with("/discord") => *body = Value::Null,
        // Numbers are numbers, and no empty lines around the text, which Telegram does not show anyway.
        _ if path.starts_with("/telegram") => {
            for name in ["chat_id", "message_thread_id", "disable_web_page_preview"] {
                body[name] = text(&body[name]);
            }
            body["text"] = body["text"].as_str().unwrap_or("").trim().into();
        }
        // Labels can not be markup.
        _ if path.starts_with("/slack") => {
            let attachment = body["attachments"][0].as_object_mut().expect("an attachment");
            for text in attachment.values_mut().filter(|value| value.is_string()) {
                *text = text.as_str().unwrap_or("").replace("&lt;", "<").replace("&gt;", ">").replace("&amp;", "&").into();
            }
        }
        _ => {}
    }
}

#[test]
fn receivers_are_sent_what_alertmanager_sends() {
    compare(CONFIG);
}

#[test]
fn with_defaults_too() {
    compare(DEFAULTS);
}

fn compare(config: &str) {
    let Some(dir) = peers() else { return };
    let services = [service(), service()];
    let folders: Vec<Folder> = services
        .iter()
        .map(|service| {
            let config = config.replace("URL", &format!("http://{}", service.address));
            Folder::new(&[("alertmanager.yml", &config), ("names.tmpl", NAMES)])
        })
        .collect();
    let mut command = bellbuoy();
    command.arg("up").arg(folders[0].config()).arg("--data").arg(folders[0].data()).args(["--listen", "127.0.0.1:0"]);
    command.args(["--web.external-url", "http://monitor.example"]);
    let ours = Program::start(command, "listening on http://");
    let port = free_port();
    let mut command = Command::new(peer(&dir, &["alertmanager", "prometheus-alertmanager"]));
    command.current_dir(folders[1].config()).arg("--config.file=alertmanager.yml");
    command.arg(format!("--storage.path={}", folders[1].root().join("am").display()));
    command.args([&format!("--web.listen-address=127.0.0.1:{port}"), "--cluster.listen-address="]);
    command.arg("--web.external-url=http://monitor.example").arg("--web.route-prefix=/");
    let _alertmanager = Program::start(command, "msg=\"Listening on\" address=");

    let theirs = format!("127.0.0.1:{port}");
    let now = bellbuoy::clock::now();
    for (resolved, each) in [(false, 1), (true, 2)] {
        for address in [&ours.address, &theirs] {
            let (status, body) =
                http(address, "POST", "/api/v2/alerts", &[("content-type", "application/json")], alerts(now, resolved).as_bytes());
            assert_eq!(status, 200, "{body}");
        }
        let kinds = config.matches("\n  - ").count();
        let explained = || format!("{:?}\n{:?}", seen(&services[0]).keys(), seen(&services[1]).keys());
        wait_explained("a message for each kind", &explained, || {
            services.iter().all(|service| service.received().len() >= kinds * each).then_some(())
        });
    }
    let (mut our, mut their) = (seen(&services[0]), seen(&services[1]));
    let paths: BTreeSet<String> = our.keys().chain(their.keys()).cloned().collect();
    let mut different = Vec::new();
    for path in paths {
        let (our, their) = (our.entry(path.clone()).or_default(), their.entry(path.clone()).or_default());
        but_differences(&path, our);
        but_differences(&path, their);
        if our != their {
            different.push(format!("{path}\n  ours   {our}\n  theirs {their}"));
        }
    }
    assert!(different.is_empty(), "{}", different.join("\n"));
}

/// Lines of a receiver, good ones and bad ones.
const SETTINGS: &[&str] = &[
    "pushover_configs: [{user_key: u, token: t, retry: 30s, ttl: 1h, html: true}]",
    "pushover_configs: [{user_key: u}]",
    "pushover_configs: [{token: t}]",
    "pushover_configs: [{user_key: u, token: t, html: true, monospace: true}]",
    "pushover_configs: [{user_key: u, user_key_file: f, token: t}]",
    "pushover_configs: [{user_key: u, token: t, api_url: 'http://x'}]",
    "victorops_configs: [{api_key: k, routing_key: r, custom_fields: {a: b}}]",
    "victorops_configs: [{routing_key: r}]",
    "victorops_configs: [{api_key: k}]",
    "victorops_configs: [{api_key: k, routing_key: r, custom_fields: {message_type: b}}]",
    "webex_configs: [{room_id: r, http_config: {authorization: {credentials: c}}}]",
    "webex_configs: [{room_id: r}]",
    "webex_configs: [{http_config: {authorization: {credentials: c}}}]",
    "sns_configs: [{topic_arn: a, sigv4: {region: r, access_key: a, secret_key: s, role_arn: x}, subject: s, attributes: {a: b}}]",
    "sns_configs: [{topic_arn: a, phone_number: b, sigv4: {region: r, access_key: a, secret_key: s}}]",
    "sns_configs: [{sigv4: {region: r, access_key: a, secret_key: s}}]",
    "rocketchat_configs: [{token: t, token_id: i, fields: [{title: a, value: b, short: true}], actions: [{type: button, text: a, url: u, msg: m}]}]",
    "rocketchat_configs: [{token: t}]",
    "rocketchat_configs: [{token_id: t}]",
    "rocketchat_configs: [{token: t, token_file: f, token_id: i}]",
    "rocketchat_configs: [{token: t, token_id: i, alias: x}]",
    "mattermost_configs: [{webhook_url: 'http://x', fields: [{title: a, value: b, short: true}], attachments: [{title: a}], priority: {priority: urgent}, props: {card: c}, type: custom_x}]",
    "mattermost_configs: [{channel: c}]",
    "mattermost_configs: [{webhook_url: 'http://x', webhook_url_file: f}]",
    "mattermost_configs: [{webhook_url: 'http://x', fields: [{title: a}]}]",
    "mattermost_configs: [{webhook_url: 'http://x', attachments: [{fields: [{value: a}]}]}]",
    "mattermost_configs: [{webhook_url: 'http://x', priority: {level: urgent}}]",
    "incidentio_configs: [{url: 'http://x', alert_source_token: t, max_alerts: 3, timeout: 5s}]",
    "incidentio_configs: [{url: 'http://x'}]",
    "incidentio_configs: [{alert_source_token: t}]",
    "incidentio_configs: [{url: 'http://x', url_file: f, alert_source_token: t}]",
    "incidentio_configs: [{url: 'http://x', http_config: {}}]",
    "incidentio_configs: [{url: 'http://x', alert_source_token: t, http_config: {authorization: {credentials: c}}}]",
    "incidentio_configs: [{url: 'http://x', http_config: {authorization: {credentials: c}}}]",
    "msteams_configs: [{webhook_url: 'http://x', title: t, summary: s, text: x}]",
    "msteams_configs: [{title: t}]",
    "msteams_configs: [{webhook_url: 'http://x', webhook_url_file: f}]",
];

#[test]
fn settings_are_taken_and_refused_as_by_amtool() {
    let Some(dir) = peers() else { return };
    let mut different = Vec::new();
    let mut taken = 0;
    for lines in SETTINGS {
        let config = format!("route: {{receiver: team}}\nreceivers:\n- name: team\n  {lines}\n");
        let folder = Folder::new(&[("alertmanager.yml", &config), ("f", "http://secret.example/")]);
        let mut amtool = Command::new(peer(&dir, &["amtool"]));
        amtool.arg("check-config").arg(folder.config().join("alertmanager.yml"));
        let theirs = amtool.output().expect("amtool runs").status.success();
        let sources = Sources { dir_or_file: &folder.config(), env: &|_| None, check_template: &|_| Ok(()), look_only: false };
        let loaded = load(&sources);
        taken += usize::from(theirs);
        if loaded.settings.is_some() != theirs {
            let problems: Vec<String> = loaded.problems.iter().map(ToString::to_string).collect();
            different.push(format!("{lines}: amtool {theirs}, ours {}", problems.join("; ")));
        }
    }
    assert!(different.is_empty(), "{}", different.join("\n"));
    assert!(taken > 5 && taken < SETTINGS.len() - 5, "{taken}");
}
