//! The rest of Alertmanager's acceptance tests: what they ask of the API and of delivery. Each runs against Alertmanager itself
//! and against bellbuoy.
//!
//! Not here: the two of a cluster; bellbuoy has none.

use std::path::PathBuf;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use bellbuoy_vocabulary::Labels;
use jiff::{Timestamp, ToSpan};
use serde_json::{Value, json};

use super::stage::{Kind, pause, start};
use crate::harness::{Folder, Program, Server, answer, escape, peers, text, wait_for};

const KINDS: [Kind; 2] = [Kind::Alertmanager, Kind::Bellbuoy];

/// The body of a configuration to a program that runs it, for both kinds.
fn with_both(config: &str, test: impl Fn(Kind, &Program)) {
    with_flags(config, &[], test);
}

fn with_flags(config: &str, flags: &[&str], test: impl Fn(Kind, &Program)) {
    let Some(dir) = peers() else { return };
    for kind in KINDS {
        let (_folder, program) = running(kind, &dir, config, flags);
        test(kind, &program);
    }
}

fn running(kind: Kind, dir: &std::path::Path, config: &str, flags: &[&str]) -> (Folder, Program) {
    let folder = Folder::new(&[("alertmanager.yml", config)]);
    let program = start(kind, dir, &folder, flags);
    (folder, program)
}

const QUIET: &str = "route: {receiver: default, group_by: [], group_wait: 1s, group_interval: 10m, repeat_interval: 1h}\n\
    inhibit_rules:\n- source_match: {severity: critical}\n  target_match: {severity: warning}\n  equal: [alertname]\n\
    receivers: [{name: default}]\n";

fn post_alerts(program: &Program, labels: &[Value]) -> (u16, String) {
    let (now, end) = (Timestamp::now(), Timestamp::now() + 5.minutes());
    let one = |labels: &Value| json!({"labels": labels, "startsAt": now.to_string(), "endsAt": end.to_string()});
    program.post("/api/v2/alerts", &Value::from(labels.iter().map(one).collect::<Vec<_>>()).to_string())
}

fn get(program: &Program, path: &str) -> Value {
    let (status, body) = program.get(path);
    assert_eq!(status, 200, "{path}: {body}");
    serde_json::from_str(&body).expect("JSON")
}

fn post_silence(program: &Program, name: &str, value: &str) -> String {
    let (status, answer) = try_silence(program, name, value);
    assert_eq!(status, 200, "{answer}");
    text(&serde_json::from_str::<Value>(&answer).expect("JSON")["silenceID"])
}

fn try_silence(program: &Program, name: &str, value: &str) -> (u16, String) {
    let body = json!({
        "matchers": [{"name": name, "value": value, "isRegex": false, "isEqual": true}], "createdBy": "test", "comment": "test",
        "startsAt": Timestamp::now().to_string(), "endsAt": (Timestamp::now() + 24.hours()).to_string(),
    });
    program.post("/api/v2/silences", &body.to_string())
}

/// The alert with these labels, once it is to be seen: Alertmanager's inhibition hears of a new alert a moment later.
fn status_of(program: &Program, labels: &Value, is: impl Fn(&Value) -> bool) {
    wait_for(&format!("the status of {labels}"), || {
        let alerts = get(program, "/api/v2/alerts");
        let found = alerts.as_array()?.iter().find(|alert| alert["labels"] == *labels)?;
        is(&found["status"]).then_some(())
    });
}

#[test]
fn alerts_are_shown_with_their_status_of_now() {
    with_both(QUIET, |kind, program| {
        let (warning, critical) =
            (json!({"alertname": "test1", "severity": "warning"}), json!({"alertname": "test1", "severity": "critical"}));
        let print = |labels: &Value| {
            let pairs = labels.as_object().into_iter().flatten().map(|(name, value)| (name.clone(), text(value)));
            format!("{:016x}", Labels::from_pairs(pairs).fingerprint())
        };
        assert_eq!(post_alerts(program, std::slice::from_ref(&warning)).0, 200);
        status_of(program, &warning, |status| status["state"] == "active");
        assert_eq!(get(program, "/api/v2/alerts")[0]["fingerprint"], print(&warning), "{kind:?}");

        let id = post_silence(program, "alertname", "test1");
        status_of(program, &warning, |status| status["state"] == "suppressed" && status["silencedBy"] == json!([id]));

        assert_eq!(post_alerts(program, std::slice::from_ref(&critical)).0, 200);
        status_of(program, &warning, |status| {
            status["state"] == "suppressed" && status["silencedBy"] == json!([id]) && status["inhibitedBy"] == json!([print(&critical)])
        });

        let (status, _) = crate::harness::http(&program.address, "DELETE", &format!("/api/v2/silence/{id}"), &[], b"");
        assert_eq!(status, 200);
        status_of(program, &critical, |status| status["state"] == "active" && status["silencedBy"] == json!([]));
        status_of(program, &warning, |status| status["state"] == "suppressed" && status["silencedBy"] == json!([]));
    });
}

#[test]
fn alerts_are_filtered() {
    with_both(QUIET, |kind, program| {
        let both = [json!({"alertname": "test1", "severity": "warning"}), json!({"system": "foo", "severity": "critical"})];
        assert_eq!(post_alerts(program, &both).0, 200);
        let found = get(program, "/api/v2/alerts?filter=alertname%3Dtest1&filter=severity%3Dwarning");
        assert_eq!(found.as_array().map(Vec::len), Some(1), "{kind:?}: {found}");
        assert_eq!(found[0]["status"]["state"], "active");
    });
}

#[test]
fn names_in_any_script() {
    with_both(QUIET, |kind, program| {
        let labels = json!({"a": "a", "00": "b", "Σ": "c", "🙂": "dΘ"});
        assert_eq!(post_alerts(program, std::slice::from_ref(&labels)).0, 200, "{kind:?}");
        let filters = ["00=b", "Σ=c", "\"\\xf0\\x9f\\x99\\x82\"=dΘ"].map(|filter| format!("filter={}", escape(filter))).join("&");
        let found = get(program, &format!("/api/v2/alerts?{filters}"));
        assert_eq!((found.as_array().map(Vec::len), &found[0]["labels"]), (Some(1), &labels), "{kind:?}");
        let groups =
            wait_for("the group", || Some(get(program, &format!("/api/v2/alerts/groups?{filters}"))).filter(|found| found[0].is_object()));
        assert_eq!(groups[0]["alerts"][0]["labels"], labels, "{kind:?}");

        let id = post_silence(program, "fooΣ", "bar🙂");
        let found = get(program, &format!("/api/v2/silences?filter={}", escape("fooΣ=bar🙂")));
        assert_eq!((found.as_array().map(Vec::len), text(&found[0]["id"])), (Some(1), id), "{kind:?}");
        assert_eq!(found[0]["matchers"], json!([{"name": "fooΣ", "value": "bar🙂", "isRegex": false, "isEqual": true}]), "{kind:?}");
        assert_eq!(get(program, &format!("/api/v2/silences?filter={}", escape("fooΣ=other"))), json!([]));
    });
}

#[test]
fn classic_mode_takes_old_names_only() {
    with_flags(QUIET, &["--enable-feature=classic-mode"], |kind, program| {
        assert_eq!(post_alerts(program, &[json!({"a": "b", "b": "Σ", "c": "🙂", "d": "eΘ"})]).0, 200, "{kind:?}");
        post_silence(program, "foo", "bar");
        let (status, answer) = post_alerts(program, &[json!({"a": "a", "00": "b", "Σ": "c", "🙂": "dΘ"})]);
        assert!(status == 400 && answer.contains("invalid label set"), "{kind:?}: {status} {answer}");
        let (status, answer) = try_silence(program, "fooΣ", "bar🙂");
        assert!(status == 400 && answer.contains("invalid silence: invalid label matcher"), "{kind:?}: {status} {answer}");
    });
}

#[test]
fn below_a_path() {
    with_flags(QUIET, &["--web.route-prefix=/foo"], |kind, program| {
        for path in ["/foo/api/v2/status", "/foo/-/ready", "/foo/metrics"] {
            assert_eq!(program.get(path).0, 200, "{kind:?}: {path}");
        }
    });
}

/// After a cold start everything waits a while for the senders, also an alert that would be told at once.
#[test]
fn a_cold_start_waits() {
    let Some(dir) = peers() else { return };
    for kind in KINDS {
        let hook = Server::start(|_| answer(200, &[], b""));
        let config = format!(
            "route: {{receiver: default, group_by: [], group_wait: 100ms, group_interval: 6s}}\n\
            receivers: [{{name: default, webhook_configs: [{{url: 'http://{}'}}]}}]\n",
            hook.address
        );
        let (_folder, program) = running(kind, &dir, &config, &["--dispatch.start-delay=5s"]);
        let old = json!([{"labels": {"alertname": "test1"}, "startsAt": (Timestamp::now() - 100.seconds()).to_string()}]);
        assert_eq!(program.post("/api/v2/alerts", &old.to_string()).0, 200);
        pause(Duration::from_secs(1));
        assert_eq!(post_alerts(&program, &[json!({"alertname": "test2"})]).0, 200);
        let told = wait_for("the message", || hook.received().first().cloned()).json();
        assert_eq!(told["alerts"].as_array().map(Vec::len), Some(2), "{kind:?}: {told}");
    }
}

#[test]
fn an_empty_inhibition_rule_does_nothing() {
    let config = QUIET.replace("inhibit_rules:\n", "inhibit_rules:\n-\n");
    with_both(&config, |kind, program| {
        let labels = json!({"alertname": "test1", "severity": "warning"});
        assert_eq!(post_alerts(program, std::slice::from_ref(&labels)).0, 200, "{kind:?}");
        status_of(program, &labels, |status| status["state"] == "active");
    });
}

/// Both kinds at once on one configuration with two webhooks; the second answers as the closure says, by the number of its call.
fn delivered(options: &str, second: impl Fn(usize) -> bool + Send + Sync + Clone + 'static) {
    let Some(dir) = peers() else { return };
    let run = |kind: Kind, dir: PathBuf| {
        let first_hook = Server::start(|_| answer(200, &[], b""));
        let (calls, second) = (AtomicUsize::new(0), second.clone());
        let second_hook = Server::start(move |_| {
            let good = second(calls.fetch_add(1, Ordering::Relaxed));
            answer(if good { 200 } else { 500 }, &[], b"")
        });
        let hooks: Vec<String> = [&first_hook, &second_hook].map(|hook| format!("{{url: 'http://{}'{options}}}", hook.address)).to_vec();
        let config = format!(
            "route: {{receiver: default, group_by: [alertname], group_wait: 100ms, group_interval: 2s, repeat_interval: 1h}}\n\
            receivers: [{{name: default, webhook_configs: [{}]}}]\n",
            hooks.join(", ")
        );
        let (_folder, program) = running(kind, &dir, &config, &[]);
        assert_eq!(post_alerts(&program, &[json!({"alertname": "test1"})]).0, 200);
        let calls = wait_for(&format!("{kind:?}: the message after its failures"), || {
            Some(second_hook.received()).filter(|calls| calls.len() >= 4)
        });
        for call in &calls {
            assert_eq!(call.json()["alerts"][0]["labels"]["alertname"], "test1", "{kind:?}");
        }
        // Who was told is not told again because another one was not.
        assert_eq!(first_hook.received().len(), 1, "{kind:?}");
    };
    std::thread::scope(|scope| {
        let runs = KINDS.map(|kind| {
            scope.spawn({
                let dir = dir.clone();
                move || run(kind, dir)
            })
        });
        for run in runs {
            run.join().expect("a run");
        }
    });
}

#[test]
fn a_message_that_failed_is_tried_again() {
    delivered("", |call| call >= 3);
}

#[test]
fn an_answer_that_takes_too_long_is_a_failure() {
    delivered(", timeout: 300ms", |call| {
        if call < 3 {
            // A webhook that is slow is what this is about.
            pause(Duration::from_millis(600));
        }
        true
    });
}
