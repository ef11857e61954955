//! The real Alertmanager beside bellbuoy, receiver by receiver: the same alerts and settings give the same requests, in the same order.
//!
//! One row of `CASES` is one receiver that takes several requests, or whose body its settings make. Those of one request and Alertmanager's
//! own body are in peers_kinds.rs.

use std::collections::HashMap;
use std::process::Command;
use std::time::{SystemTime, UNIX_EPOCH};

use bellbuoy_vocabulary::{Millis, Timestamp};
use serde_json::{Value, json};

use super::harness::{Folder, Program, Received, Server, answer, free_port, http, peer, peers, wait_explained};

struct Case {
    /// The receiver's name, and the first part of the path that its requests go to.
    name: &'static str,
    /// The receiver's settings. `BASE` stands for the address of the fake service.
    settings: &'static str,
    /// How many requests the alerts make while they fire, and when they are resolved.
    requests: [usize; 2],
    /// What the service answers to a request, and how many it had answered before.
    answers: fn(&Received, usize) -> (u16, Value),
    /// Parts of bodies that differ on purpose: a JSON pointer, and why.
    except: &'static [(&'static str, &'static str)],
}

const OK: fn(&Received, usize) -> (u16, Value) = |_, _| (200, json!({ "ok": true }));

const CASES: &[Case] = &[
    Case { name: "webhook", settings: "webhook_configs: [{ url: 'BASE/{{ .Status }}' }]", requests: [1, 1], answers: OK, except: &[] },
    Case {
        name: "opsgenie",
        settings: "opsgenie_configs: [{ api_url: BASE/, api_key: key, update_alerts: true, tags: 'a,b', responders: [{ name: x, type: team }] }]",
        requests: [3, 1],
        answers: |_, _| (202, json!({ "requestId": "r" })),
        except: &[],
    },
    Case {
        name: "payload",
        settings: r#"webhook_configs: [{ url: BASE, max_alerts: 1, payload: { text: '{{ .Status }}: {{ len .Alerts }}', count: '{{ len .Alerts }}',
  sure: true, none: '', "key of {{ .Status }}": [1, '{{ .CommonLabels | toJson }}', { a: '{{ .Receiver }}' }] } }]"#,
        requests: [1, 1],
        answers: OK,
        except: &[("/text", "Alertmanager reads `firing: 1` as a map in YAML")],
    },
    Case {
        name: "wechat",
        settings: "wechat_configs: [{ api_url: BASE, corp_id: corp, api_secret: 's&cret', to_user: '@all', agent_id: '7', send_resolved: true }]",
        requests: [2, 1],
        answers: |request, _| match request.path.contains("/gettoken") {
            true => (200, json!({ "errcode": 0, "access_token": "tok+en", "expires_in": 7200 })),
            false => (200, json!({ "errcode": 0, "errmsg": "ok", "msgid": "m" })),
        },
        except: &[],
    },
    // The token has expired when the second message comes.
    Case {
        name: "wechat-expired",
        settings: "wechat_configs: [{ api_url: BASE/, corp_id: corp, api_secret: s, to_party: p, message_type: markdown, message: '**{{ .Status }}**', send_resolved: true }]",
        requests: [2, 3],
        answers: |request, count| match (request.path.contains("/gettoken"), count) {
            (true, _) => (200, json!({ "errcode": 0, "access_token": "t", "expires_in": 7200 })),
            (false, 2) => (200, json!({ "errcode": 42001, "errmsg": "access_token expired" })),
            (false, _) => (200, json!({ "errcode": 0, "errmsg": "ok" })),
        },
        except: &[],
    },
    // Nothing is found, an issue is made; at the end it is found, updated and closed.
    Case {
        name: "jira",
        settings: r#"jira_configs: [{ api_url: BASE/rest/api/2, project: 'ML{{ .Status | len }}', issue_type: Bug, labels: ['{{ .Status }}', a],
  resolve_transition: Done, reopen_transition: Again, reopen_duration: 90m, wont_fix_resolution: Won't "do",
  fields: { customfield_1: '{{ len .Alerts }}', components: [{ name: '{{ .Receiver }}' }], plain: 5 } }]"#,
        requests: [2, 4],
        answers: |request, count| match (request.method.as_str(), count) {
            ("POST", 0) => (200, json!({ "issues": [] })),
            ("POST", 1) => (201, json!({ "id": "1", "key": "ML-1" })),
            ("POST", 2) => (
                200,
                json!({ "issues": [{ "key": "ML-1", "fields": { "status": { "name": "Open", "statusCategory": { "key": "new" } } } }] }),
            ),
            ("GET", _) => (200, json!({ "transitions": [{ "id": "11", "name": "Other" }, { "id": "31", "name": "Done" }] })),
            _ => (204, Value::Null),
        },
        except: &[],
    },
    // A closed issue is found and opened again; texts stay as people left them. Cloud's search, and an address with a slash at its end.
    Case {
        name: "jira-again",
        settings: r#"jira_configs: [{ api_url: BASE/rest/api/2/, api_type: cloud, project: ML, issue_type: Bug, reopen_transition: Again, reopen_duration: 2h,
  summary: { enable_update: false }, description: { template: '{{ .Status }}', enable_update: false }, priority: '' }]"#,
        requests: [4, 2],
        answers: |request, count| match (request.method.as_str(), count) {
            ("POST", 0) => (
                200,
                json!({ "issues": [{ "key": "ML-2", "fields": { "status": { "name": "Done", "statusCategory": { "key": "done" } } } }] }),
            ),
            ("POST", 4) => (
                200,
                json!({ "issues": [{ "key": "ML-2", "fields": { "status": { "name": "Open", "statusCategory": { "key": "new" } } } }] }),
            ),
            ("GET", _) => (200, json!({ "transitions": [{ "id": "41", "name": "Again" }] })),
            _ => (204, Value::Null),
        },
        except: &[],
    },
    // Version 3 of the interface wants a document. People close the issue themselves.
    Case {
        name: "jira-document",
        settings: r#"jira_configs: [{ api_url: BASE/rest/api/3, api_type: datacenter, project: ML, issue_type: Bug,
  description: '{"type":"doc","version":1,"content":[{"type":"paragraph","content":[{"type":"text","text":{{ .Status | toJson }}}]}]}' }]"#,
        requests: [2, 2],
        answers: |request, count| match (request.method.as_str(), count) {
            ("POST", 0) => (200, json!({ "issues": [] })),
            ("POST", 1) => (201, json!({ "id": "1", "key": "ML-3" })),
            ("POST", _) => (
                200,
                json!({ "issues": [{ "key": "ML-3", "fields": { "status": { "name": "Open", "statusCategory": { "key": "new" } } } }] }),
            ),
            _ => (204, Value::Null),
        },
        except: &[],
    },
];

fn settings(address: &str) -> String {
    let (mut routes, mut receivers) = (String::new(), String::new());
    for case in CASES {
        routes.push_str(&format!("  - {{ receiver: {}, continue: true }}\n", case.name));
        let settings = case.settings.replace("BASE", &format!("http://{address}/{}", case.name));
        receivers.push_str(&format!("- name: {}\n  {}\n", case.name, settings.replace('\n', "\n  ")));
    }
    format!(
        "route:\n  receiver: nobody\n  group_by: [alertname]\n  group_wait: 2s\n  group_interval: 1s\n  repeat_interval: 1h\n  routes:\n{routes}receivers:\n- name: nobody\n{receivers}"
    )
}

/// A fake of all services: which one is asked says the path.
fn services() -> Server {
    let mut answered: HashMap<&'static str, usize> = HashMap::new();
    Server::start(move |request| {
        let Some(case) = CASES.iter().find(|case| belongs(request, case)) else { return answer(404, &[], b"") };
        let count = answered.entry(case.name).or_default();
        let (status, body) = (case.answers)(request, *count);
        *count += 1;
        answer(status, &[("content-type", "application/json")], body.to_string().as_bytes())
    })
}

fn belongs(request: &Received, case: &Case) -> bool {
    let path = request.path.split('?').next().unwrap_or("");
    path.split('/').nth(1) == Some(case.name)
}

/// The requests to one service, one text each.
fn told(server: &Server, case: &Case) -> Vec<String> {
    let requests = server.received().into_iter().filter(|request| belongs(request, case));
    requests.map(|request| shown(&request, case)).collect()
}

fn shown(request: &Received, case: &Case) -> String {
    let (path, query) = request.path.split_once('?').unwrap_or((&request.path, ""));
    let mut query: Vec<&str> = query.split('&').collect();
    query.sort_unstable();
    let authorization = request.headers.get("authorization").map_or("", String::as_str);
    let body = match serde_json::from_str::<Value>(&request.body) {
        Ok(mut body) => {
            for (pointer, why) in case.except {
                if let Some(part) = body.pointer_mut(pointer) {
                    *part = json!(why);
                }
            }
            format!("{:#}", plain(body))
        }
        Err(_) => request.body.clone(),
    };
    format!("{} {path}?{} {authorization}\n{body}", request.method, query.join("&"))
}

/// With sorted keys, without empty texts, and without the empty lines around texts, which some services refuse and we leave out.
fn plain(value: Value) -> Value {
    match value {
        Value::String(text) => text.trim().into(),
        Value::Array(items) => items.into_iter().map(plain).collect(),
        Value::Object(fields) => {
            let mut fields: Vec<(String, Value)> = fields.into_iter().map(|(name, value)| (name, plain(value))).collect();
            fields.retain(|(_, value)| value != "");
            fields.sort_by(|a, b| a.0.cmp(&b.0));
            fields.into_iter().collect()
        }
        other => other,
    }
}

fn alerts(starts_at: Timestamp, ends_at: &str) -> String {
    let alert = |instance: &str| {
        json!({
            "labels": { "alertname": "Drift", "severity": "critical", "instance": instance },
            "annotations": { "summary": "the share of drifted columns is 0.6", "note": "für alle" },
            "startsAt": starts_at.rfc3339(), "endsAt": ends_at, "generatorURL": "http://peer.example/graph",
        })
    };
    json!([alert("a"), alert("b")]).to_string()
}

#[test]
fn the_same_requests_as_alertmanager() {
    let Some(dir) = peers() else { return };
    let services = [services(), services()];
    let folders: Vec<Folder> =
        services.iter().map(|service| Folder::new(&[("alertmanager.yml", &settings(&service.address.to_string()))])).collect();
    let url = "http://peer.example";
    let ours = Program::up_with(&folders[0], &["--listen", "127.0.0.1:0", "--external-url", url]);
    let port = free_port();
    let mut command = Command::new(peer(&dir, &["alertmanager", "prometheus-alertmanager"]));
    command.arg(format!("--config.file={}", folders[1].config().join("alertmanager.yml").display()));
    command.arg(format!("--storage.path={}", folders[1].root().join("am").display()));
    command.arg(format!("--web.external-url={url}"));
    command.args([&format!("--web.listen-address=127.0.0.1:{port}"), "--cluster.listen-address="]);
    let _theirs = Program::start(command, "msg=\"Listening on\" address=");
    let addresses = [ours.address.clone(), format!("127.0.0.1:{port}")];

    // Alertmanager does not wait for the rest of a group when an alert is older than group_wait.
    let now = SystemTime::now().duration_since(UNIX_EPOCH).expect("after 1970").as_secs();
    let starts_at = Timestamp(now as i64 * 1000);
    let mut expected: HashMap<&str, usize> = HashMap::new();
    for (phase, ends_at) in ["2099-01-01T00:00:00Z", &(starts_at + Millis(1)).rfc3339()].into_iter().enumerate() {
        for address in &addresses {
            let posted =
                http(address, "POST", "/api/v2/alerts", &[("content-type", "application/json")], alerts(starts_at, ends_at).as_bytes());
            assert_eq!(posted.0, 200, "{}", posted.1);
        }
        for case in CASES {
            let count = expected.entry(case.name).or_default();
            *count += case.requests[phase];
            for (who, service) in ["ours", "Alertmanager"].into_iter().zip(&services) {
                let seen = || format!("{who}, {}: {:#?}", case.name, told(service, case));
                wait_explained("all requests", &seen, || (told(service, case).len() >= *count).then_some(()));
            }
        }
    }
    let mut unequal = String::new();
    for case in CASES {
        let (our, their) = (told(&services[0], case), told(&services[1], case));
        for n in 0..our.len().max(their.len()) {
            let (our, their) = (our.get(n).map_or("nothing", String::as_str), their.get(n).map_or("nothing", String::as_str));
            if our != their {
                unequal.push_str(&format!("== {} request {n}\n-- ours\n{our}\n-- Alertmanager\n{their}\n", case.name));
            }
        }
    }
    assert!(unequal.is_empty(), "{unequal}");
}
