//! Deliveries of several requests, and deliveries that must remember something of a group.
//!
//! ```text
//! compose_step > (the boat sends) > judge_step > Next: compose_step again | Settle: recorded, with what is to be remembered
//! ```
//!
//! Most kinds need one request and know nothing of this: what they compose and judge is the one step `send`.

use bellbuoy_vocabulary::{Secret, Timestamp};
use serde_json::Value;

use crate::compose::{Composed, Context, Message, compose_again};
use crate::judge::{Answer, Verdict, backoff, judge};
use crate::notice::Notice;
use crate::settings::{Integration, IntegrationKind};
use crate::{discord, jira, opsgenie, slack, sns, wechat};

/// Requests of one attempt; more than any kind needs, so that a service that always wants one more comes to an end.
const STEPS_MAX: usize = 8;
/// What is remembered of a group, as JSON: an id or two.
const MEMORY_BYTES_MAX: usize = 2048;

/// The router's word for it.
pub(crate) const FIRST: &str = "first notification";

/// The step of kinds that need only one.
pub const SEND: &str = "send";

/// What is known when the next request of a delivery is composed.
#[derive(Clone, Copy)]
pub struct SoFar<'a> {
    /// What the last delivery to the same destination about the same group left to be remembered; null when there is nothing.
    pub memory: &'a Value,
    pub session: &'a Session,
    /// The answered steps of this attempt, in their order.
    pub done: &'a [Done],
    /// The reason of the last `RetryAt`, empty at first: some answers ask for another form of the same message.
    pub last_answer: &'a str,
}

/// Secrets that a service gave, such as an access token. The sender keeps one of these per destination in its memory, never on disk.
#[derive(Clone, Debug, Default)]
pub struct Session {
    pub(crate) token: Option<Token>,
}

#[derive(Clone, Debug)]
pub(crate) struct Token {
    pub value: Secret,
    /// What it was given for; other credentials need a token of their own.
    pub given_for: Secret,
    pub good_until: Timestamp,
}

/// The next request of a delivery.
#[derive(Clone, Debug)]
pub struct Step {
    pub name: &'static str,
    pub composed: Composed,
}

/// A step and its answer.
#[derive(Clone, Debug)]
pub struct Done {
    pub step: &'static str,
    pub answer: Answer,
}

#[derive(Clone, Debug, PartialEq)]
pub enum Outcome {
    /// The delivery goes on with another request.
    Next,
    Settle {
        verdict: Verdict,
        /// `None`: what is remembered stays. Null: it is forgotten.
        memory: Option<Value>,
    },
}

impl Session {
    pub fn is_empty(&self) -> bool {
        self.token.is_none()
    }
}

impl SoFar<'_> {
    /// Nothing is known.
    pub fn nothing() -> SoFar<'static> {
        static SESSION: Session = Session { token: None };
        SoFar { memory: &Value::Null, session: &SESSION, done: &[], last_answer: "" }
    }

    /// The name of the step that was answered last, and its answer.
    pub(crate) fn last(&self) -> Option<(&'static str, &Answer)> {
        self.done.last().map(|done| (done.step, &done.answer))
    }
}

/// The next request of a delivery. Never fails, as `compose`.
pub fn compose_step(integration: &Integration, notice: &Notice, context: &Context, so_far: &SoFar) -> Step {
    match &integration.kind {
        IntegrationKind::Discord(settings) => discord::step(settings, notice, context, so_far),
        IntegrationKind::Slack(settings) => slack::step(settings, notice, context, so_far),
        IntegrationKind::Opsgenie(settings) => opsgenie::step(settings, notice, context, so_far),
        IntegrationKind::Sns(settings) => sns::step(settings, notice, context, so_far),
        IntegrationKind::Jira(settings) => jira::step(settings, notice, context, so_far),
        IntegrationKind::Wechat(settings) => wechat::step(settings, notice, context, so_far),
        _ => Step { name: SEND, composed: compose_again(integration, notice, context, so_far.last_answer) },
    }
}

/// What the last answer of `so_far.done` means for the delivery. `attempt` counts from 0; `random` is 0 to 1. The session is changed
/// when the answer gave a token, or took one away; `so_far.session` is not looked at.
pub fn judge_step(
    kind: &IntegrationKind,
    notice: &Notice,
    so_far: &SoFar,
    session: &mut Session,
    attempt: u32,
    now: Timestamp,
    random: f64,
) -> Outcome {
    let Some((step, answer)) = so_far.last() else { return Outcome::Next };
    let verdict = judge(kind, answer, attempt, now, random);
    let outcome = match kind {
        IntegrationKind::Discord(settings) => discord::after(settings, notice, step, answer, verdict),
        IntegrationKind::Slack(settings) => slack::after(settings, notice, step, answer, verdict),
        IntegrationKind::Opsgenie(settings) => opsgenie::after(settings, notice, step, verdict),
        IntegrationKind::Sns(settings) => sns::after(settings, step, answer, verdict, session, now),
        IntegrationKind::Jira(settings) => jira::after(settings, notice, so_far, verdict, now),
        IntegrationKind::Wechat(settings) => wechat::after(settings, notice, so_far, session, verdict, now),
        _ => settle(verdict),
    };
    bounded(outcome, so_far, attempt, now, random)
}

/// The end of a delivery that leaves memories as they are.
pub(crate) fn settle(verdict: Verdict) -> Outcome {
    Outcome::Settle { verdict, memory: None }
}

/// Whether a kind may remember; others are not asked for what they left.
pub fn remembers(kind: &IntegrationKind) -> bool {
    match kind {
        IntegrationKind::Discord(settings) => settings.update_message,
        IntegrationKind::Slack(settings) => settings.update_message,
        IntegrationKind::Jira(_) => true,
        _ => false,
    }
}

/// The ids of a message that was sent, for the messages of the same trouble. Its end is the last of them.
pub(crate) fn remember(notice: &Notice, mut ids: Value) -> Value {
    if !notice.is_firing() {
        return Value::Null;
    }
    ids["at_ms"] = notice.at.0.into();
    ids
}

/// Whether a notice may be written into the remembered message: not when all of it began later, for then nobody heard of it yet.
/// That is also so where a first notification was replaced by a newer one before it was sent.
pub(crate) fn edits(notice: &Notice, memory: &Value) -> bool {
    let Some(at_ms) = memory.get("at_ms").and_then(Value::as_i64) else { return false };
    notice.reason != FIRST && notice.alerts.iter().any(|alert| alert.starts_at.0 <= at_ms)
}

fn bounded(outcome: Outcome, so_far: &SoFar, attempt: u32, now: Timestamp, random: f64) -> Outcome {
    match outcome {
        Outcome::Next if so_far.done.len() >= STEPS_MAX => {
            let reason = format!("not done after {STEPS_MAX} requests");
            settle(Verdict::RetryAt { at: now + backoff(attempt, random), reason, rate_limited: false })
        }
        Outcome::Settle { verdict, memory: Some(memory) } if memory.to_string().len() > MEMORY_BYTES_MAX => {
            Outcome::Settle { verdict, memory: Some(Value::Null) }
        }
        outcome => outcome,
    }
}

/// Who keeps a limit on the requests: all that share this share its waits. It holds secrets.
pub fn address(kind: &IntegrationKind, message: &Message) -> Secret {
    match (kind, message) {
        (IntegrationKind::Discord(settings), _) => settings.webhook_url.clone(),
        (IntegrationKind::Slack(settings), _) => settings.api_url.clone(),
        (IntegrationKind::Jira(settings), _) => Secret::new(settings.api_url.clone()),
        (IntegrationKind::Wechat(settings), _) => Secret::new(format!("{} {}", settings.api_url, settings.corp_id)),
        (IntegrationKind::Opsgenie(settings), Message::Http { options, .. }) => {
            let key = options.authorization.as_ref().map_or("", |key| key.expose());
            Secret::new(format!("{} {key}", settings.api_url))
        }
        // These addresses hold a part of the message, or no key.
        (IntegrationKind::GoogleChat(settings), _) => settings.url.clone(),
        (IntegrationKind::Pushover(settings), _) => Secret::new(format!("pushover {}", settings.token.expose())),
        (IntegrationKind::VictorOps(settings), _) => Secret::new(format!("{}{}", settings.api_url, settings.api_key.expose())),
        (IntegrationKind::Webex(settings), _) => {
            let token = settings.http.authorization.as_ref().map_or("", |token| token.expose());
            Secret::new(format!("{} {token}", settings.api_url))
        }
        (_, Message::Http { url, .. }) => url.clone(),
        (_, Message::Email(mail)) => Secret::new(mail.settings.smarthost.clone()),
    }
}
