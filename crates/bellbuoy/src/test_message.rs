//! tell, for a try: a test message to each integration of a receiver, past the queue, and what it answered.
//!
//! In:    the receiver's name, the settings of now. Out: per message how it went, in words without secrets.
//! Never: touches the router, the outbox or the history; asks an address before the time that it named.
//! Holds: a test says that it is one, and what opens an incident closes it again.

use std::sync::Arc;

use bellbuoy_notify::{Answer, Integration, Notice, Verdict};
use bellbuoy_vocabulary::{ALERT_NAME, Alert, Labels, Millis, Timestamp};
use serde_json::{Value, json};

use crate::clock::{self, Stopwatch};
use crate::outbox::Pending;
use crate::path::Path;
use crate::sender::{Delivery, Sender};

const NAME: &str = "BellbuoyTest";
/// An address that asks for a longer pause is not waited for.
const WAIT_MAX: Millis = Millis::from_seconds(30);
/// Kinds that open an incident for what fires: the test closes it.
const WITH_INCIDENTS: [&str; 5] = ["pagerduty", "opsgenie", "victorops", "incidentio", "jira"];

/// How it went with one message.
#[derive(Clone, Debug)]
pub struct Tried {
    /// `discord/0`
    pub integration: String,
    /// `firing` or `resolved`
    pub state: &'static str,
    pub delivered: bool,
    /// `HTTP 204`, or why not.
    pub answer: String,
    pub took: Millis,
}

impl Tried {
    pub fn to_json(&self) -> Value {
        json!({
            "integration": self.integration, "state": self.state, "delivered": self.delivered,
            "answer": self.answer, "tookSeconds": self.took.seconds(),
        })
    }
}

/// `None`: there is no such receiver.
pub async fn try_receiver(sender: &Sender, path: &Path, name: &str) -> Option<Vec<Tried>> {
    let settings = path.settings();
    let receiver = settings.receivers.iter().find(|receiver| receiver.name == name)?;
    let group_key = format!("test:{}", clock::uuid());
    let mut tried = Vec::new();
    for integration in &receiver.integrations {
        tried.push(attempt(sender, name, integration, &group_key, false).await);
        if integration.send_resolved && WITH_INCIDENTS.contains(&integration.kind.word()) {
            tried.push(attempt(sender, name, integration, &group_key, true).await);
        }
    }
    Some(tried)
}

/// Messages that somebody made, each once, past the queue.
pub async fn send_notices(sender: &Sender, path: &Path, notices: Vec<Notice>) -> Vec<Tried> {
    let settings = path.settings();
    let mut tried = Vec::new();
    for notice in notices {
        if let Some(integration) = crate::path::integration(&settings, &notice) {
            tried.push(deliver(sender, integration, notice).await);
        }
    }
    tried
}

async fn attempt(sender: &Sender, receiver: &str, integration: &Integration, group_key: &str, resolved: bool) -> Tried {
    deliver(sender, integration, notice(receiver, integration, group_key, resolved, clock::now())).await
}

async fn deliver(sender: &Sender, integration: &Integration, notice: Notice) -> Tried {
    let (state, key) = (notice.status_word(), notice.idempotency_key());
    let message = Pending { id: 0, key, notice: Arc::new(notice), attempts: 0, due_at: Timestamp(0), last_answer: String::new() };
    let watch = Stopwatch::start();
    let (delivered, answer) = loop {
        match sender.deliver(integration, &message).await {
            Delivery::Closed(until) if until - clock::now() <= WAIT_MAX - watch.elapsed() => tokio::time::sleep(clock::until(until)).await,
            Delivery::Closed(until) => break (false, format!("nothing was sent: the service asked for a pause until {until}")),
            Delivery::Settled(Verdict::Delivered { .. }, _, answer) => break (true, words(&answer)),
            Delivery::Settled(Verdict::RetryAt { reason, .. }, ..) => {
                break (false, format!("{reason}; a real message would be tried again"));
            }
            Delivery::Settled(Verdict::GaveUp { reason }, ..) => break (false, reason),
        }
    };
    let integration = format!("{}/{}", integration.kind.word(), integration.index);
    Tried { integration, state, delivered, answer, took: watch.elapsed() }
}

fn words(answer: &Answer) -> String {
    match answer {
        Answer::Http { status, .. } => format!("HTTP {status}"),
        Answer::Email { code, .. } => format!("SMTP {code}"),
        _ => "taken".into(),
    }
}

fn notice(receiver: &str, integration: &Integration, group_key: &str, resolved: bool, now: Timestamp) -> Notice {
    let sample = |instance: &str| Alert {
        labels: Labels::from_pairs([(ALERT_NAME, NAME), ("severity", "info"), ("instance", instance), ("test", "true")]),
        annotations: Labels::from_pairs([
            ("title", "🧪 Test message from bellbuoy"),
            ("summary", "TEST: somebody tried this receiver. Nothing is wrong."),
            ("description", "Sent by hand with `bellbuoy test-receiver` or the API; the alerts are samples."),
        ]),
        starts_at: now - Millis::from_minutes(1),
        ends_at: if resolved { now } else { now + Millis::from_minutes(5) },
        updated_at: now,
        generator_url: String::new(),
        timeout: false,
    };
    Notice {
        receiver: receiver.to_string(),
        integration_kind: integration.kind.word().to_string(),
        integration_index: integration.index,
        group_key: group_key.to_string(),
        group_labels: Labels::from_pairs([(ALERT_NAME, NAME)]),
        alerts: vec![sample("sample-1"), sample("sample-2")],
        reason: "test message".into(),
        sequence: 1 + u64::from(resolved),
        at: now,
    }
}
