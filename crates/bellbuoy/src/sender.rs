//! tell: empties the outbox. One task per destination, so that a slow receiver delays nobody else.
//!
//! In:    messages in the state database. Out: requests and mails; what became of them, back in the database.
//! Never: forgets a message: it stays pending until it was acknowledged or refused for good.

use std::collections::HashMap;
use std::hash::{DefaultHasher, Hash, Hasher};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use bellbuoy_notify::{
    Answer, Context, Done, FailKind, HttpOptions, Integration, Message, Notice, Outcome, SEND, Session, SoFar, Verdict, address,
    compose_step, judge_step,
};
use bellbuoy_vocabulary::{Millis, Timestamp};
use serde_json::{Value, json};
use tokio::sync::watch;
use tracing::{info, warn};

use crate::client::{Clients, FailureKind, Request, Trust};
use crate::clock::{self, Stopwatch};
use crate::email;
use crate::event::Event;
use crate::path::{Path, integration};
use crate::state::{Left, NextMessage, OutboxRow, OutboxStatus};

/// A receiver that does not answer within this time has failed this attempt.
const SEND_TIMEOUT: Duration = Duration::from_secs(30);
/// Answers are read to this length; they hold an id or an error.
const ANSWER_BYTES_MAX: u64 = 256 << 10;
/// The database is asked at least this often, in case a wake-up came between the question and the wait.
const IDLE: Millis = Millis(2_000);
/// Templated addresses could be many; those that nobody uses are forgotten above this number.
const ADDRESSES_MAX: usize = 10_000;
/// When the receiver of a message is no longer in the settings: look again after a reload or this time.
const ORPHAN_RETRY: Millis = Millis::from_minutes(5);

pub struct Sender {
    path: Arc<Path>,
    clients: Arc<Clients>,
    /// By a hash of the address: several receivers may share one webhook, and its limits with it.
    addresses: Mutex<HashMap<u64, Arc<Address>>>,
    /// By destination: tokens that services gave. Only here, never on disk.
    sessions: Mutex<HashMap<String, Session>>,
    tasks: Mutex<HashMap<String, tokio::task::JoinHandle<()>>>,
    stop: watch::Sender<bool>,
}

/// One request at a time, and none before the time that the service named, which is in it.
type Address = tokio::sync::Mutex<Timestamp>;

/// What became of an attempt.
enum Delivery {
    /// Nothing was sent: the address is closed until then.
    Closed(Timestamp),
    Settled(Verdict, Option<Value>),
}

impl Sender {
    pub fn new(path: Arc<Path>, clients: Arc<Clients>) -> Arc<Sender> {
        Arc::new(Sender {
            path,
            clients,
            addresses: Mutex::default(),
            sessions: Mutex::default(),
            tasks: Mutex::default(),
            stop: watch::channel(false).0,
        })
    }

    /// Starts a task for each destination that has messages; woken by the path.
    pub async fn run(self: Arc<Self>) {
        let mut stopped = self.stop.subscribe();
        loop {
            let woken = self.path.wake_sender.notified();
            match self.path.state.pending_destinations() {
                Ok(destinations) => destinations.into_iter().for_each(|destination| self.start(destination)),
                Err(error) => warn!("{error}"),
            }
            tokio::select! {
                _ = woken => {}
                _ = tokio::time::sleep(IDLE.to_std()) => {}
                _ = stopped.changed() => return,
            }
        }
    }

    pub fn stop(&self) {
        let _ = self.stop.send(true);
    }

    fn start(self: &Arc<Self>, destination: String) {
        let mut tasks = self.tasks.lock().unwrap_or_else(|poisoned| poisoned.into_inner());
        tasks.retain(|_, task| !task.is_finished());
        if !tasks.contains_key(&destination) {
            let sender = self.clone();
            let name = destination.clone();
            tasks.insert(destination, tokio::spawn(async move { sender.empty(&name).await }));
        }
    }

    /// Sends what is due to one destination until nothing is pending.
    async fn empty(self: &Arc<Self>, destination: &str) {
        let mut stopped = self.stop.subscribe();
        // While a receiver says "too many requests", nothing more goes to it.
        let mut closed_until = Timestamp(0);
        loop {
            let now = clock::now();
            let next = if closed_until > now { NextMessage::At(closed_until) } else { self.next(destination, now) };
            match next {
                NextMessage::Nothing => return,
                NextMessage::Due(row) => {
                    // A stop waits for the attempt that is under way, so that its answer is recorded.
                    if let Some(until) = self.attempt(&row).await {
                        closed_until = until;
                    }
                    if *stopped.borrow() {
                        return;
                    }
                }
                NextMessage::At(at) => {
                    let woken = self.path.wake_sender.notified();
                    tokio::select! {
                        _ = tokio::time::sleep(clock::until(at).max(Duration::from_millis(1))) => {}
                        _ = woken => {}
                        _ = stopped.changed() => return,
                    }
                }
            }
        }
    }

    fn next(&self, destination: &str, now: Timestamp) -> NextMessage {
        self.path.state.next_message(destination, now).unwrap_or_else(|error| {
            warn!("{error}");
            NextMessage::At(now + IDLE)
        })
    }

    /// One attempt to deliver. Gives until when the destination as a whole has to wait.
    async fn attempt(&self, row: &OutboxRow) -> Option<Timestamp> {
        let now = clock::now();
        let Some(notice) = Notice::from_json(&row.notice) else {
            self.settled(row, None, Verdict::GaveUp { reason: "the stored message can not be read".into() }, None, now);
            return None;
        };
        let settings = self.path.settings();
        let Some(integration) = integration(&settings, &notice) else {
            let reason = format!("receiver {:?} is not in the settings any more", notice.receiver);
            self.settled(row, Some(&notice), Verdict::RetryAt { at: now + ORPHAN_RETRY, reason, rate_limited: false }, None, now);
            return None;
        };
        match self.deliver(integration, &notice, row).await {
            Delivery::Closed(until) => Some(until),
            Delivery::Settled(verdict, memory) => self.settled(row, Some(&notice), verdict, memory, clock::now()),
        }
    }

    /// The requests of one attempt, until one of them settles it.
    async fn deliver(&self, integration: &Integration, notice: &Notice, row: &OutboxRow) -> Delivery {
        let templates = self.path.templates();
        let context = Context { external_url: &self.path.external_url, templates: &templates, now: clock::now() };
        let memory = self.path.state.receiver_data(&row.destination, &row.group_key).unwrap_or_else(|error| {
            warn!("{error}");
            Value::Null
        });
        let mut session = self.session(&row.destination);
        let mut done: Vec<Done> = Vec::new();
        let mut closed_until = None;
        loop {
            let so_far = SoFar { memory: &memory, session: &session, done: &done, last_answer: &row.last_answer };
            let step = compose_step(integration, notice, &context, &so_far);
            for problem in &step.composed.problems {
                self.path.telemetry.template_failures.add(1);
                warn!("receiver {}: {problem}", notice.receiver);
            }
            // All requests of an attempt are behind one door, that of the first.
            let closed_until = match &mut closed_until {
                Some(closed_until) => closed_until,
                none => none.insert(self.address(address(&integration.kind, &step.composed.message).expose()).lock_owned().await),
            };
            if done.is_empty() && **closed_until > clock::now() {
                return Delivery::Closed(**closed_until);
            }
            let watch = Stopwatch::start();
            let answer = self.request(step.composed.message, step.name, row).await;
            self.path.telemetry.notification_seconds.add(watch.seconds());
            done.push(Done { step: step.name, answer });
            let so_far = SoFar { memory: &memory, session: &Session::default(), done: &done, last_answer: &row.last_answer };
            let outcome = judge_step(&integration.kind, notice, &so_far, &mut session, row.attempts, clock::now(), clock::jitter());
            let Outcome::Settle { verdict, memory } = outcome else { continue };
            if let Verdict::RetryAt { at, rate_limited: true, .. } = &verdict {
                **closed_until = *at;
            }
            self.keep_session(&row.destination, session);
            return Delivery::Settled(verdict, memory);
        }
    }

    async fn request(&self, message: Message, step: &str, row: &OutboxRow) -> Answer {
        match message {
            Message::Http { method, url, mut headers, body, options } => {
                // Every receiver over HTTP can tell a repeat after a crash from news.
                headers.retain(|(name, _)| !name.eq_ignore_ascii_case("idempotency-key"));
                let key = if step == SEND { row.key.clone() } else { format!("{}-{}", row.key, step.replace(' ', "-")) };
                headers.push(("idempotency-key".into(), key));
                self.send(method, url.expose(), headers, body, &options).await
            }
            Message::Email(mail) => email::send(&mail, SEND_TIMEOUT).await,
        }
    }

    fn session(&self, destination: &str) -> Session {
        let sessions = self.sessions.lock().unwrap_or_else(|poisoned| poisoned.into_inner());
        sessions.get(destination).cloned().unwrap_or_default()
    }

    fn keep_session(&self, destination: &str, session: Session) {
        let mut sessions = self.sessions.lock().unwrap_or_else(|poisoned| poisoned.into_inner());
        if session.is_empty() {
            sessions.remove(destination);
            return;
        }
        // Of destinations that are no longer in the settings; the others get a new token.
        if sessions.len() >= ADDRESSES_MAX {
            sessions.clear();
        }
        sessions.insert(destination.to_string(), session);
    }

    fn address(&self, text: &str) -> Arc<Address> {
        let mut hasher = DefaultHasher::new();
        text.hash(&mut hasher);
        let mut addresses = self.addresses.lock().unwrap_or_else(|poisoned| poisoned.into_inner());
        if addresses.len() >= ADDRESSES_MAX {
            addresses.retain(|_, address| Arc::strong_count(address) > 1);
        }
        addresses.entry(hasher.finish()).or_default().clone()
    }

    async fn send(&self, method: &str, url: &str, headers: Vec<(String, String)>, body: Vec<u8>, options: &HttpOptions) -> Answer {
        let trust = Trust {
            ca: options.ca.clone(),
            identity: None,
            insecure_skip_verify: options.insecure_skip_verify,
            follow_redirects: options.follow_redirects,
            server_name: None,
        };
        let request = Request {
            method,
            url,
            headers: &headers,
            basic_auth: options.basic_auth.as_ref().map(|(user, password)| (user.as_str(), password)),
            authorization: options.authorization.as_ref(),
            body,
            timeout: SEND_TIMEOUT,
            body_bytes_max: ANSWER_BYTES_MAX,
        };
        match self.clients.send(&trust, request).await {
            Ok(response) => Answer::Http { status: response.status, headers: response.headers, body: response.body },
            Err(failure) => Answer::Failed {
                kind: match failure.kind {
                    FailureKind::Dns => FailKind::Dns,
                    FailureKind::Connect => FailKind::Connect,
                    FailureKind::Tls => FailKind::Tls,
                    FailureKind::Timeout => FailKind::Timeout,
                    FailureKind::Invalid | FailureKind::Broken => FailKind::Other,
                },
                reason: failure.reason,
            },
        }
    }

    /// Records what became of an attempt, and tells it.
    fn settled(
        &self,
        row: &OutboxRow,
        notice: Option<&Notice>,
        verdict: Verdict,
        memory: Option<Value>,
        now: Timestamp,
    ) -> Option<Timestamp> {
        let (status, due_at, words, remote_id, closed_until) = match verdict {
            Verdict::Delivered { remote_id } => (OutboxStatus::Delivered, row.due_at, "delivered".to_string(), remote_id, None),
            Verdict::RetryAt { at, reason, rate_limited } => (OutboxStatus::Pending, at, reason, None, rate_limited.then_some(at)),
            Verdict::GaveUp { reason } => (OutboxStatus::Failed, row.due_at, reason, None, None),
        };
        if let (OutboxStatus::Failed, Some(notice)) = (status, notice) {
            self.path.divert(notice, &row.key, &words, now);
        }
        // Should this write fail, the message is sent again: at least once is the promise.
        let left = Left { remote_id: remote_id.as_deref(), memory: memory.as_ref() };
        if let Err(error) = self.path.state.settle(row.id, status, due_at, now, &words, left) {
            self.path.telemetry.state_failures.add(1);
            warn!("{error}");
        }
        let kind = notice.map_or("unknown", |notice| notice.integration_kind.as_str());
        let receiver = notice.map_or("unknown", |notice| notice.receiver.as_str());
        let telemetry = &self.path.telemetry;
        let word = match status {
            OutboxStatus::Delivered => {
                telemetry.notifications.add(&[kind], 1);
                info!("{receiver}/{kind}: delivered ({})", row.reason);
                "delivered"
            }
            OutboxStatus::Pending => {
                telemetry.notification_attempts_failed.add(&[kind], 1);
                warn!("{receiver}/{kind}: {words}; next attempt at {due_at}");
                "retrying"
            }
            OutboxStatus::Failed => {
                telemetry.notifications_failed.add(&[kind], 1);
                warn!("{receiver}/{kind}: given up: {words}");
                "failed"
            }
        };
        let names = notice.map(|notice| notice.alert_names()).unwrap_or_default();
        let state = notice.map_or("", |notice| notice.status_word());
        let line = match status {
            OutboxStatus::Delivered => format!("{kind} message to {receiver} delivered: {state} {}", names.join(", ")),
            _ => format!("{kind} message to {receiver} {word}: {words}"),
        };
        let fields = json!({
            "receiver": receiver, "integration": kind, "status": word, "reason": row.reason, "answer": words,
            "attempt": row.attempts + 1, "state": state, "alertnames": names, "key": row.key,
        });
        let _ = self.path.events.send(Event::new(now, "notification", fields, line));
        closed_until
    }
}
