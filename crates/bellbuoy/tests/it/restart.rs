//! kill -9 and restarts: no message is lost, none is repeated, states go on.

use std::collections::BTreeMap;
use std::net::TcpListener;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};

use super::harness::{Folder, Program, Server, alertmanager, answer, free_port, prometheus, text, wait_for};

const RULES: &str = "groups:\n- name: g\n  rules:\n  - alert: LoadHigh\n    expr: load > 5\n    for: 1s\n";

fn statuses(hook: &Server) -> Vec<String> {
    hook.received().iter().map(|one| text(&one.json()["status"])).collect()
}

#[test]
fn kill_9_while_firing_neither_repeats_nor_forgets() {
    let high = Arc::new(AtomicBool::new(true));
    let value = high.clone();
    let target = Server::page(move || format!("load {}\n", if value.load(Ordering::Relaxed) { 7 } else { 1 }));
    let hook = Server::start(|_| answer(200, &[], b""));
    let folder = Folder::new(&[
        ("prometheus.yml", &prometheus(&[target.address], &["rules.yml"])),
        ("rules.yml", RULES),
        ("alertmanager.yml", &alertmanager(&format!("http://{}/hook", hook.address))),
    ]);
    for round in 0..3 {
        let program = Program::up(&folder);
        wait_for("firing", || (program.alert_states() == [("LoadHigh".to_string(), "firing".to_string())]).then_some(()));
        wait_for("the message", || (!hook.received().is_empty()).then_some(()));
        // Two more evaluations, so that a repeat would have had its chance.
        let evaluated =
            || program.get("/metrics").1.lines().find(|l| l.starts_with("prometheus_rule_evaluations_total")).map(str::to_string);
        let before = evaluated();
        wait_for("another evaluation", || (evaluated() != before).then_some(()));
        assert_eq!(statuses(&hook), ["firing"], "round {round}");
        program.wait_delivered(1);
        program.kill();
    }
    // It resolves while nobody looks: the message about it must still come.
    high.store(false, Ordering::Relaxed);
    let program = Program::up(&folder);
    wait_for("the resolved message", || (statuses(&hook) == ["firing", "resolved"]).then_some(()));
    assert_eq!(program.stop(), Some(0));
}

#[test]
fn pending_goes_on_where_it_was() {
    let target = Server::page(|| "load 7\n".to_string());
    let folder = Folder::new(&[
        ("prometheus.yml", &prometheus(&[target.address], &["rules.yml"])),
        ("rules.yml", &RULES.replace("for: 1s", "for: 10m")),
    ]);
    let program = Program::up(&folder);
    let since = |program: &Program| {
        wait_for("pending", || {
            let data = program.data("/api/v1/alerts");
            (data["alerts"][0]["state"] == "pending").then(|| text(&data["alerts"][0]["activeAt"]))
        })
    };
    let before = since(&program);
    program.kill();
    let again = Program::up(&folder);
    assert_eq!(since(&again), before, "a short outage does not reset `for`");
}

#[test]
fn a_receiver_that_is_down_gets_everything_when_it_is_back() {
    let target = Server::page(|| "load 7\n".to_string());
    let port = free_port();
    let folder = Folder::new(&[
        ("prometheus.yml", &prometheus(&[target.address], &["rules.yml"])),
        ("rules.yml", RULES),
        ("alertmanager.yml", &alertmanager(&format!("http://127.0.0.1:{port}/hook"))),
    ]);
    let program = Program::up(&folder);
    wait_for("a failed attempt", || {
        let metrics = program.get("/metrics").1;
        metrics.contains("bellbuoy_notification_attempts_failed_total{integration=\"webhook\",reason=\"").then_some(())
    });
    program.kill();
    let hook = Server::on(TcpListener::bind(("127.0.0.1", port)).expect("the port is still free"), |_| answer(200, &[], b""));
    let _again = Program::up(&folder);
    wait_for("the message", || (statuses(&hook) == ["firing"]).then_some(()));
}

#[test]
fn too_many_requests_and_errors_are_retried_when_the_receiver_says_and_lose_nothing() {
    let calls = Arc::new(AtomicUsize::new(0));
    let count = calls.clone();
    let hook = Server::start(move |_| match count.fetch_add(1, Ordering::Relaxed) {
        0 => answer(429, &[("retry-after", "1")], b"{\"retry_after\": 1.0}"),
        1 => answer(503, &[], b"<html>rubbish</html>"),
        2 => b"this is not HTTP at all\r\n\r\n".to_vec(),
        _ => answer(200, &[], b""),
    });
    let folder = Folder::new(&[
        ("prometheus.yml", "scrape_configs: []\n"),
        ("alertmanager.yml", &alertmanager(&format!("http://{}/hook", hook.address))),
    ]);
    let program = Program::up(&folder);
    let alerts = r#"[{"labels": {"alertname": "A"}}, {"labels": {"alertname": "B"}}, {"labels": {"alertname": "C"}}]"#;
    assert_eq!(program.post("/api/v2/alerts", alerts).0, 200);
    let mut delivered = BTreeMap::new();
    wait_for("all three groups", || {
        delivered.clear();
        for one in hook.received().iter().skip(3) {
            *delivered.entry(text(&one.json()["groupLabels"]["alertname"])).or_insert(0) += 1;
        }
        (delivered.len() == 3).then_some(())
    });
    assert!(delivered.values().all(|count| *count == 1), "{delivered:?}");
    let keys: Vec<_> = hook.received().iter().map(|one| one.headers.get("idempotency-key").cloned()).collect();
    assert!(keys.iter().all(Option::is_some), "each message carries its key: {keys:?}");
    // The record comes after the receiver's answer.
    wait_for("three records", || {
        let (_, notifications) = program.get("/api/bellbuoy/notifications");
        (notifications.matches("\"status\":\"delivered\"").count() == 3).then_some(())
    });
}

#[test]
fn posted_alerts_survive_kill_9_before_they_were_told() {
    let hook = Server::start(|_| answer(200, &[], b""));
    let slow = alertmanager(&format!("http://{}/hook", hook.address)).replace("group_wait: 200ms", "group_wait: 3s");
    let folder = Folder::new(&[("prometheus.yml", "scrape_configs: []\n"), ("alertmanager.yml", &slow)]);
    let program = Program::up(&folder);
    assert_eq!(program.post("/api/v2/alerts", r#"[{"labels": {"alertname": "A", "x": "1"}}]"#).0, 200);
    program.kill();
    let _again = Program::up(&folder);
    wait_for("the message", || (statuses(&hook) == ["firing"]).then_some(()));
}

#[test]
fn a_silence_survives_kill_9_and_ends_when_it_is_told_to() {
    let hook = Server::start(|_| answer(200, &[], b""));
    let folder = Folder::new(&[
        ("prometheus.yml", "scrape_configs: []\n"),
        ("alertmanager.yml", &alertmanager(&format!("http://{}/hook", hook.address))),
    ]);
    let program = Program::up(&folder);
    let silence = r#"{"matchers": [{"name": "alertname", "value": "Quiet.*", "isRegex": true}], "startsAt": "2020-01-01T00:00:00Z",
        "endsAt": "2099-01-01T00:00:00Z", "createdBy": "me", "comment": "maintenance"}"#;
    let (status, body) = program.post("/api/v2/silences", silence);
    assert_eq!(status, 200, "{body}");
    let id = text(&serde_json::from_str::<serde_json::Value>(&body).expect("JSON")["silenceID"]);
    program.kill();
    let program = Program::up(&folder);
    let alerts = r#"[{"labels": {"alertname": "QuietOne"}}, {"labels": {"alertname": "Loud"}}]"#;
    assert_eq!(program.post("/api/v2/alerts", alerts).0, 200);
    wait_for("the loud one", || (!hook.received().is_empty()).then_some(()));
    assert!(hook.received().iter().all(|one| one.body.contains("Loud")));
    let (status, _) = super::harness::http(&program.address, "DELETE", &format!("/api/v2/silence/{id}"), &[], b"");
    assert_eq!(status, 200);
    wait_for("the other one", || hook.received().iter().any(|one| one.body.contains("QuietOne")).then_some(()));
    let (status, body) = program.post("/api/v2/silences", &silence.replace("Quiet.*", ".*"));
    assert!(status == 400 && body.contains("empty string"), "{body}");
}

#[test]
fn samples_survive_kill_9() {
    let step = Arc::new(AtomicUsize::new(0));
    let value = step.clone();
    let target = Server::page(move || format!("steps {}\n", value.fetch_add(1, Ordering::Relaxed)));
    let folder = Folder::new(&[("prometheus.yml", &prometheus(&[target.address], &[]))]);
    let program = Program::up(&folder);
    let count =
        |program: &Program| program.query("count_over_time(steps[5m])").first().and_then(|(_, v)| v.parse::<usize>().ok()).unwrap_or(0);
    let before = wait_for("three samples", || Some(count(&program)).filter(|n| *n >= 3));
    program.kill();
    let again = Program::up(&folder);
    assert!(count(&again) >= before, "{} of {before}", count(&again));
}

#[test]
fn what_a_receiver_refuses_for_good_reaches_the_fallback_receiver() {
    let gone = Server::start(|_| answer(404, &[], b"this webhook was deleted"));
    let fallback = Server::start(|_| answer(200, &[], b""));
    let routes = format!(
        "route: {{receiver: team, group_wait: 100ms}}\nreceivers:\n- name: team\n  webhook_configs: [{{url: 'http://{}/x'}}]\n- name: oncall\n  \
         webhook_configs: [{{url: 'http://{}/y'}}]\n",
        gone.address, fallback.address
    );
    let folder = Folder::new(&[
        ("prometheus.yml", "scrape_configs: []\n"),
        ("alertmanager.yml", &routes),
        ("bellbuoy.yml", "fallback_receiver: oncall\n"),
    ]);
    let program = Program::up(&folder);
    assert_eq!(program.post("/api/v2/alerts", r#"[{"labels": {"alertname": "A"}}]"#).0, 200);
    let message = wait_for("the diverted message", || fallback.received().first().cloned()).json();
    assert_eq!((text(&message["receiver"]), text(&message["alerts"][0]["labels"]["alertname"])), ("oncall".into(), "A".into()));
    assert_eq!((gone.received().len(), fallback.received().len()), (1, 1));
    assert!(
        program.get("/metrics").1.contains("alertmanager_notifications_failed_total{integration=\"webhook\",reason=\"clientError\"} 1")
    );
    folder.write("bellbuoy.yml", "fallback_receiver: onCall\n");
    let (status, problems) = program.post("/-/reload", "");
    assert!(status == 500 && problems.contains("did you mean \"oncall\"?"), "{problems}");
}

/// Two receivers with the same address had a queue each, and the second one knocked while the service had asked the first to wait.
#[test]
fn a_service_that_asks_to_wait_is_left_alone_by_all_receivers_of_its_address() {
    let early = Arc::new(AtomicUsize::new(0));
    let count = early.clone();
    let mut open_again: Option<std::time::Instant> = None;
    let hook = Server::start(move |_| {
        let now = std::time::Instant::now();
        match open_again {
            None => {
                open_again = Some(now + std::time::Duration::from_secs(1));
                answer(429, &[("retry-after", "1")], b"")
            }
            Some(open) if now < open => {
                count.fetch_add(1, Ordering::Relaxed);
                answer(429, &[("retry-after", "1")], b"")
            }
            Some(_) => answer(200, &[], b""),
        }
    });
    let routes = format!(
        "route: {{receiver: a, group_wait: 100ms, routes: [{{receiver: a, continue: true}}, {{receiver: b, group_wait: 400ms}}]}}\nreceivers:\n\
         - name: a\n  webhook_configs: [{{url: 'http://{0}/same'}}]\n- name: b\n  webhook_configs: [{{url: 'http://{0}/same'}}]\n",
        hook.address
    );
    let folder = Folder::new(&[("prometheus.yml", "scrape_configs: []\n"), ("alertmanager.yml", &routes)]);
    let program = Program::up(&folder);
    assert_eq!(program.post("/api/v2/alerts", r#"[{"labels": {"alertname": "A"}}]"#).0, 200);
    wait_for("both messages", || (hook.received().len() == 3).then_some(()));
    assert_eq!(early.load(Ordering::Relaxed), 0, "nobody knocks before the time that the service named");
}

/// The services' own test addresses are not at hand; what is checked is that each receiver's file is read and its message goes out.
#[test]
fn slack_pagerduty_opsgenie_telegram_and_teams_are_told_in_their_own_forms() {
    let service = Server::start(|_| {
        answer(200, &[("content-type", "application/json")], b"{\"ok\":true,\"status\":\"success\",\"result\":{\"message_id\":1}}")
    });
    let url = format!("http://{}", service.address);
    let routes = format!(
        "route: {{receiver: all, group_wait: 100ms}}\nreceivers:\n- name: all\n  slack_configs: [{{api_url: '{url}/slack', channel: '#ml'}}]\n  \
         pagerduty_configs: [{{routing_key: k, url: '{url}/pagerduty'}}]\n  opsgenie_configs: [{{api_key: k, api_url: '{url}/opsgenie/'}}]\n  \
         telegram_configs: [{{bot_token: t, chat_id: 7, api_url: '{url}/telegram'}}]\n  msteamsv2_configs: [{{webhook_url: '{url}/teams'}}]\n"
    );
    let folder = Folder::new(&[("prometheus.yml", "scrape_configs: []\n"), ("alertmanager.yml", &routes)]);
    let program = Program::up(&folder);
    assert_eq!(program.post("/api/v2/alerts", r#"[{"labels": {"alertname": "Drift", "severity": "critical"}}]"#).0, 200);
    wait_for("all five", || (service.received().len() == 5).then_some(()));
    for form in ["\"attachments\"", "\"event_action\":\"trigger\"", "\"alias\"", "\"chat_id\":7", "AdaptiveCard"] {
        assert!(service.received().iter().any(|one| one.body.contains(form) && one.body.contains("Drift")), "{form}");
    }
}
