//! tell: empties the outbox. One task per destination, so that a slow receiver delays nobody else.
//!
//! In:    messages in the outbox. Out: requests and mails; what became of them, back to the outbox and the database.
//! Never: forgets a message: it stays pending until it was acknowledged, refused for good, or a newer one says all of it.

use std::collections::HashMap;
use std::hash::{DefaultHasher, Hash, Hasher};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use bellbuoy_notify::{
    Answer, Context, Done, FailKind, HttpOptions, Integration, Message, Outcome, PictureTime, SEND, Session, SoFar, Verdict, address,
    compose_step, failure_reason, judge_step, picture_step, picture_time, remembers,
};
use bellbuoy_vocabulary::{Millis, Timestamp};
use serde_json::{Value, json};
use tokio::sync::{Semaphore, watch};
use tracing::{info, warn};

use crate::backlog;
use crate::client::{Clients, FailureKind, Request};
use crate::clock::{self, Stopwatch};
use crate::email;
use crate::event::Event;
use crate::outbox::{Next, Pending};
use crate::path::{Path, integration};
use crate::picture::Pictures;
use crate::state::{OutboxStatus, Settlement, Write};

/// A receiver that does not answer within this time has failed this attempt, unless its settings say another.
const SEND_TIMEOUT: Duration = Duration::from_secs(30);
/// Answers are read to this length; they hold an id or an error.
const ANSWER_BYTES_MAX: u64 = 256 << 10;
/// The database is asked at least this often, in case a wake-up came between the question and the wait.
const IDLE: Millis = Millis(2_000);
/// Templated addresses could be many; those that nobody uses are forgotten above this number.
const ADDRESSES_MAX: usize = 10_000;
/// When the receiver of a message is no longer in the settings: look again after a reload or this time.
/// Of each request that adds a picture to a delivered message.
const PICTURE_TIMEOUT: Duration = Duration::from_secs(10);
/// Pictures on their way at a time; a message beyond them stays without.
const PICTURES_MAX: usize = 4;
const ORPHAN_RETRY: Millis = Millis::from_minutes(5);

pub struct Sender {
    path: Arc<Path>,
    clients: Arc<Clients>,
    /// By a hash of the address: several receivers may share one webhook, and its limits with it.
    addresses: Mutex<HashMap<u64, Arc<Address>>>,
    /// By destination: tokens that services gave. Only here, never on disk.
    sessions: Mutex<HashMap<String, Session>>,
    tasks: Mutex<HashMap<String, tokio::task::JoinHandle<()>>>,
    pictures: Pictures,
    pictures_under_way: Arc<Semaphore>,
    stop: watch::Sender<bool>,
}

/// One request at a time, and none before the time that the service named, which is in it.
type Address = tokio::sync::Mutex<Timestamp>;

/// What became of an attempt.
pub(crate) enum Delivery {
    /// Nothing was sent: the address is closed until then.
    Closed(Timestamp),
    /// With the answer that settled it.
    Settled(Verdict, Option<Value>, Answer),
}

/// Where the state keeps until when a destination does not want to be asked.
fn closed_name(destination: &str) -> String {
    format!("closed_until/{destination}")
}

/// Until when a destination does not want to be asked, as far as it is on disk.
pub fn closed_until(path: &Path, destination: &str) -> Option<Timestamp> {
    path.state.kept(&closed_name(destination)).ok().flatten().and_then(|at| at.as_i64()).map(Timestamp)
}

impl Sender {
    pub fn new(path: Arc<Path>, clients: Arc<Clients>) -> Arc<Sender> {
        let pictures = Pictures::new(path.clone());
        Arc::new(Sender {
            path,
            clients,
            addresses: Mutex::default(),
            sessions: Mutex::default(),
            tasks: Mutex::default(),
            pictures,
            pictures_under_way: Arc::new(Semaphore::new(PICTURES_MAX)),
            stop: watch::channel(false).0,
        })
    }

    /// Starts a task for each destination that has messages; woken by the path.
    pub async fn run(self: Arc<Self>) {
        let mut stopped = self.stop.subscribe();
        // What receivers asked of the program that ran before.
        for destination in self.path.outbox.destinations() {
            let closed_until = closed_until(&self.path, &destination);
            self.start(destination, closed_until.unwrap_or(Timestamp(0)));
        }
        loop {
            let woken = self.path.outbox.wake.notified();
            self.path.outbox.destinations().into_iter().for_each(|destination| self.start(destination, Timestamp(0)));
            tokio::select! {
                _ = woken => {}
                // A task that ended just when a message came is started again.
                _ = tokio::time::sleep(IDLE.to_std()) => {}
                _ = stopped.changed() => return,
            }
        }
    }

    pub fn stop(&self) {
        let _ = self.stop.send(true);
    }

    fn start(self: &Arc<Self>, destination: String, closed_until: Timestamp) {
        let mut tasks = self.tasks.lock().unwrap_or_else(|poisoned| poisoned.into_inner());
        tasks.retain(|_, task| !task.is_finished());
        if !tasks.contains_key(&destination) {
            let sender = self.clone();
            let name = destination.clone();
            tasks.insert(destination, tokio::spawn(async move { sender.empty(&name, closed_until).await }));
        }
    }

    /// Sends what is due to one destination until nothing is pending.
    ///
    /// `closed_until`: while a receiver says "too many requests", nothing more goes to it.
    async fn empty(self: &Arc<Self>, destination: &str, mut closed_until: Timestamp) {
        let mut stopped = self.stop.subscribe();
        loop {
            let now = clock::now();
            // Made before the question, so that a message which comes in between is not slept over.
            let woken = self.path.outbox.wake.notified();
            let next = if closed_until > now { Next::At(closed_until) } else { self.path.outbox.next(destination, now) };
            match next {
                // It stays for a while: the next message need not wait until the task is started anew.
                Next::Nothing => {
                    tokio::select! {
                        _ = tokio::time::sleep(IDLE.to_std()) => return,
                        _ = woken => {}
                        _ = stopped.changed() => return,
                    }
                }
                Next::Due(message) => {
                    // A stop waits for the attempt that is under way, so that its answer is recorded.
                    if let Some(until) = self.attempt(&message).await {
                        closed_until = until;
                    }
                    if *stopped.borrow() {
                        return;
                    }
                }
                Next::At(at) => {
                    tokio::select! {
                        _ = tokio::time::sleep(clock::until(at).max(Duration::from_millis(1))) => {}
                        _ = woken => {}
                        _ = stopped.changed() => return,
                    }
                }
            }
        }
    }

    /// One attempt to deliver. Gives until when the destination as a whole has to wait.
    async fn attempt(self: &Arc<Self>, message: &Pending) -> Option<Timestamp> {
        let now = clock::now();
        let notice = &message.notice;
        let settings = self.path.settings();
        let Some(integration) = integration(&settings, notice) else {
            let reason = format!("receiver {:?} is not in the settings any more", notice.receiver);
            let nobody = Answer::Failed { kind: FailKind::Other, reason: String::new() };
            self.settled(message, Verdict::RetryAt { at: now + ORPHAN_RETRY, reason, rate_limited: false }, None, &nobody, None, now);
            return None;
        };
        let watch = Stopwatch::start();
        match self.deliver(integration, message).await {
            Delivery::Closed(until) => {
                // Not an attempt: it stays as it is.
                self.path.outbox.put_back(message);
                Some(until)
            }
            Delivery::Settled(verdict, memory, answer) => {
                if matches!(verdict, Verdict::Delivered { .. }) && picture_time(&integration.kind) == PictureTime::After {
                    self.add_picture(integration.clone(), message, answer.clone());
                }
                self.settled(message, verdict, memory, &answer, Some(watch.elapsed()), clock::now())
            }
        }
    }

    /// The requests of one attempt, until one of them settles it.
    pub(crate) async fn deliver(&self, integration: &Integration, message: &Pending) -> Delivery {
        let notice = &*message.notice;
        let destination = notice.destination();
        let templates = self.path.templates_of(&notice.receiver);
        let context = Context { external_url: &self.path.external_url, templates: &templates, now: clock::now() };
        let memory =
            if remembers(&integration.kind) { self.path.state.receiver_data(&destination, &notice.group_key) } else { Ok(Value::Null) };
        let memory = memory.unwrap_or_else(|error| {
            warn!("{error}");
            Value::Null
        });
        let mut session = self.session(&destination);
        let mut done: Vec<Done> = Vec::new();
        let mut closed_until = None;
        loop {
            let so_far = SoFar { memory: &memory, session: &session, done: &done, last_answer: &message.last_answer };
            let mut step = compose_step(integration, notice, &context, &so_far);
            if let Message::Email(mail) = &mut step.composed.message {
                mail.picture = self.pictures.of(notice).await.map_or_else(Vec::new, |png| png.to_vec());
            }
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
            let timeout = integration.kind.timeout().map_or(SEND_TIMEOUT, |timeout| timeout.to_std());
            let watch = Stopwatch::start();
            let answer = self.request(step.composed.message, step.name, message, timeout).await;
            self.path.telemetry.notification_seconds.add(watch.seconds());
            done.push(Done { step: step.name, answer });
            let so_far = SoFar { memory: &memory, session: &Session::default(), done: &done, last_answer: &message.last_answer };
            let outcome = judge_step(&integration.kind, notice, &so_far, &mut session, message.attempts, clock::now(), clock::jitter());
            let Outcome::Settle { verdict, memory } = outcome else { continue };
            if let Verdict::RetryAt { at, rate_limited: true, .. } = &verdict {
                **closed_until = *at;
            }
            self.keep_session(&destination, session);
            let answer = done.pop().map_or(Answer::Failed { kind: FailKind::Other, reason: String::new() }, |done| done.answer);
            return Delivery::Settled(verdict, memory, answer);
        }
    }

    async fn request(&self, message: Message, step: &str, pending: &Pending, timeout: Duration) -> Answer {
        match message {
            Message::Http { method, url, mut headers, body, options } => {
                // Every receiver over HTTP can tell a repeat after a crash from news.
                headers.retain(|(name, _)| !name.eq_ignore_ascii_case("idempotency-key"));
                let key = if step == SEND { pending.key.clone() } else { format!("{}-{}", pending.key, step.replace(' ', "-")) };
                headers.push(("idempotency-key".into(), key));
                self.send(method, url.expose(), headers, body, &options, timeout).await
            }
            Message::Email(mail) => email::send(&mail, timeout, &pending.last_answer).await,
        }
    }

    /// To a message that was delivered. Nothing waits for it, and it is not tried twice.
    fn add_picture(self: &Arc<Self>, integration: Integration, message: &Pending, delivered: Answer) {
        if !self.path.settings().pictures {
            return;
        }
        let destination = message.notice.destination();
        // Where texts are waiting, their receiver's limits are for them.
        let idle = !self.path.outbox.has_due(&destination, clock::now());
        let Some(permit) = self.pictures_under_way.clone().try_acquire_owned().ok().filter(|_| idle) else {
            self.path.telemetry.pictures.add(&["left out"], 1);
            return;
        };
        let (sender, notice) = (self.clone(), message.notice.clone());
        tokio::spawn(async move {
            let _permit = permit;
            let Some(png) = sender.pictures.of(&notice).await else { return };
            let mut done: Vec<Answer> = Vec::new();
            while let Some(Message::Http { method, url, headers, body, options }) =
                picture_step(&integration.kind, &notice, &delivered, &png, &done)
            {
                done.push(sender.send(method, url.expose(), headers, body, &options, PICTURE_TIMEOUT).await);
            }
            let added = done.last().is_some_and(|answer| matches!(answer, Answer::Http { status: 200..=299, .. }));
            sender.path.telemetry.pictures.add(&[if added { "added" } else { "refused" }], 1);
        });
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

    async fn send(
        &self,
        method: &str,
        url: &str,
        headers: Vec<(String, String)>,
        body: Vec<u8>,
        options: &HttpOptions,
        timeout: Duration,
    ) -> Answer {
        let request = Request { method, url, headers: &headers, body, timeout, body_bytes_max: ANSWER_BYTES_MAX };
        match self.clients.send(options, request).await {
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
        message: &Pending,
        verdict: Verdict,
        memory: Option<Value>,
        answer: &Answer,
        took: Option<Millis>,
        now: Timestamp,
    ) -> Option<Timestamp> {
        let notice = &*message.notice;
        let delivered = email::left_out(answer).map_or("delivered".to_string(), |text| format!("delivered; {text}"));
        let (status, due_at, words, remote_id, closed_until) = match verdict {
            Verdict::Delivered { remote_id } => (OutboxStatus::Delivered, message.due_at, delivered, remote_id, None),
            Verdict::RetryAt { at, reason, rate_limited } => (OutboxStatus::Pending, at, reason, None, rate_limited.then_some(at)),
            Verdict::GaveUp { reason } => (OutboxStatus::Failed, message.due_at, reason, None, None),
        };
        if status == OutboxStatus::Failed {
            self.path.divert(notice, &message.key, &words, now);
        }
        let settlement = Settlement { id: message.id, status, due_at, at: now, answer: words, remote_id, memory, attempted: true, took };
        let mut writes = vec![Write::Settle(settlement.clone())];
        if let Some(at) = closed_until {
            // The message may be replaced by a newer one; the promise stays.
            writes.push(Write::Keep { name: closed_name(&notice.destination()), body: at.0.into() });
        }
        if status == OutboxStatus::Pending {
            let dropped = self.path.outbox.again(message, due_at, &settlement.answer);
            writes.extend(backlog::settled(dropped, now, &self.path.telemetry, &self.path.settings()));
        }
        // Should this be lost in a power cut, the message is sent again: at least once is the promise.
        if settlement.memory.is_some() {
            // The group's next message asks for it.
            self.path.backlog.wait(self.path.backlog.push(writes));
        } else {
            self.path.backlog.push_unattended(writes);
        }
        if status != OutboxStatus::Pending {
            self.path.outbox.done(message);
        }
        self.tell(message, &settlement, failure_reason(answer));
        closed_until
    }

    /// Counts what became of an attempt, and says it: in the log, and to those who listen.
    fn tell(&self, message: &Pending, settlement: &Settlement, failed_because: &str) {
        let Settlement { status, due_at, answer: words, .. } = settlement;
        let notice = &*message.notice;
        let (kind, receiver) = (notice.integration_kind.as_str(), notice.receiver.as_str());
        let telemetry = &self.path.telemetry;
        let word = match status {
            OutboxStatus::Delivered => {
                telemetry.notifications.add(&[kind], 1);
                info!("{receiver}/{kind}: {words} ({})", notice.reason);
                "delivered"
            }
            OutboxStatus::Pending => {
                telemetry.notification_attempts_failed.add(&[kind, failed_because], 1);
                warn!("{receiver}/{kind}: {words}; next attempt at {due_at}");
                "retrying"
            }
            OutboxStatus::Failed | OutboxStatus::Replaced => {
                telemetry.notifications_failed.add(&[kind, failed_because], 1);
                warn!("{receiver}/{kind}: given up: {words}");
                "failed"
            }
        };
        let names = notice.alert_names();
        let state = notice.status_word();
        let line = match status {
            OutboxStatus::Delivered => format!("{kind} message to {receiver} delivered: {state} {}", names.join(", ")),
            _ => format!("{kind} message to {receiver} {word}: {words}"),
        };
        let fields = json!({
            "receiver": receiver, "integration": kind, "status": word, "reason": notice.reason, "answer": words,
            "attempt": message.attempts + 1, "state": state, "alertnames": names, "key": message.key,
        });
        let _ = self.path.events.send(Event::new(settlement.at, "notification", fields, line));
    }
}
