//! What a full group gives up is told to the fallback receiver.

use bellbuoy_notify::{HttpOptions, Integration, IntegrationKind, Receiver, WebhookSettings};
use bellbuoy_vocabulary::{Alert, Labels, Secret};

use super::*;
use crate::fixtures;

fn message(number: i64, receiver: &str) -> Write {
    let alert = Alert {
        labels: Labels::from_pairs([("alertname", "Event"), ("n", &number.to_string())]),
        starts_at: Timestamp(number),
        ends_at: Timestamp(1_000_000),
        ..fixtures::alert("Event")
    };
    fixtures::message(&format!("{receiver}{number}"), fixtures::notice(receiver, "g", vec![alert], number))
}

fn settings(fallback: Option<&str>) -> Settings {
    let hook = WebhookSettings {
        url: Secret::new("http://127.0.0.1:1/"),
        max_alerts: 0,
        payload: None,
        timeout: None,
        http: HttpOptions::default(),
    };
    let receiver = |name: &str| Receiver {
        name: name.into(),
        labels: Default::default(),
        integrations: vec![Integration { index: 0, send_resolved: true, kind: IntegrationKind::Webhook(hook.clone()) }],
    };
    Settings {
        receivers: vec![receiver("team"), receiver("oncall")],
        fallback_receiver: fallback.map(str::to_string),
        ..Settings::default()
    }
}

/// What waits after five events to a receiver of which two may wait: receiver, key and reason.
fn waiting(fallback: Option<&str>, receiver: &str) -> Vec<String> {
    let state = Arc::new(State::open(std::path::Path::new(":memory:")).expect("in memory"));
    let telemetry = Arc::new(Telemetry::default());
    let shared = Arc::new(RwLock::new(Arc::new(settings(fallback))));
    let backlog = Backlog::new(state.clone(), Arc::new(Outbox::with_groups_of(2)), telemetry.clone(), shared);
    for number in 1..=5 {
        assert!(backlog.wait(backlog.push(vec![message(number, receiver)])));
    }
    // Also what the drops left to write, and what that drops in turn: what comes of what is written.
    backlog.close();
    let rows = state.pending().expect("rows");
    rows.iter().map(|row| format!("{}: {}", row.key, row.notice["reason"].as_str().unwrap_or_default())).collect()
}

/// Each event is a message of its own that no newer one replaces: a receiver that was down lost the oldest without a word.
#[test]
fn what_a_full_group_gives_up_goes_to_the_fallback_receiver() {
    let reason = "team/webhook/0 has too many unsent messages of this group";
    let kept = ["team4: first notification".to_string(), "team5: first notification".to_string()];
    let mut got = waiting(Some("oncall"), "team");
    got.sort();
    // Of the three that it got, the fallback receiver too keeps two.
    let diverted = [2, 3].map(|number| format!("team{number}-webhook-0: {reason}"));
    assert_eq!(got, [diverted[0].clone(), diverted[1].clone(), kept[0].clone(), kept[1].clone()]);
    assert_eq!(waiting(None, "team"), kept);
    assert_eq!(waiting(Some("oncall"), "oncall"), ["oncall4: first notification", "oncall5: first notification"]);
}
