//! The whole path of a sample in one file. Read this first.
//!
//! ```text
//! scraper task   --scraped-->     scrape.absorb  -> store
//! pushed task    --scraped-->     scrape.absorb  -> store   (groups that jobs push: pushed.rs)
//! API            --intake-->      store                     (remote write, OTLP: intake.rs)
//! group task     --group_due-->   rules.evaluate -> store (recorded, ALERTS) and -> alerts
//! model task     --model_due-->   models.judge   -> store (drift, performance)  and -> alerts
//! API            --post_alerts--> alerts
//! API            --post_events--> alerts that are told once
//! alerts         --receive-->     router         -> backlog               (state.db: what it now knows)
//! router task    --router_due-->  router.tick    -> backlog -> outbox     (state.db: one fsynced transaction, then the outbox)
//! sender task    --compose, send--> notify.judge -> delivered | retry at | gave up   (state.db)
//! ```
//!
//! In:    events, each with its time. Out: effects on the store, the state database and the outbox.
//! Never: opens a socket or waits; the tasks around it (scraper.rs, app.rs, sender.rs) do, and call in here.
//! Holds: what the router decided is on disk before it is in the outbox, from which alone messages are sent, and stays until it was acknowledged.
//! Read:  path/start.rs (what a start takes back and a reload changes), path/stored.rs (how the state is written as JSON).

mod start;
mod stored;

use std::sync::{Arc, Mutex, MutexGuard, OnceLock, RwLock};

use bellbuoy_notify::{Integration, Notice};
use bellbuoy_promql::Engine;
use bellbuoy_router::{AlertView, Decision, GroupView, Limits, Notification, Router};
use bellbuoy_rules::{Evaluation, Group, GroupView as RulesView, Transition};
use bellbuoy_scrape::{Response, ScrapeReport, TargetState};
use bellbuoy_store::{Appender, CommitError, Durability, Store};
use bellbuoy_template::TemplateSet;
use bellbuoy_vocabulary::{Alert, Append, Labels, Millis, STALE_NAN, Timestamp};
use tokio::sync::{Notify, broadcast};
use tracing::{error, warn};

use crate::app::AlertmanagerOptions;
use crate::backlog::{self, Backlog, Ticket};
use crate::clock::Stopwatch;
use crate::config::Settings;
use crate::evaluations::Evaluations;
use crate::event::Event;
use crate::events::{self, Book, EventError, Told};
use crate::forwarder::Forwarder;
use crate::outbox::{Outbox, Pending};
use crate::silences::{self, PostedSilence, Silence, SilenceError, Silences};
use crate::state::{NewMessage, OutboxRow, OutboxStatus, State, Write};
use crate::telemetry::Telemetry;

/// Alerts in the messages of one transaction, about: what is due at once may be a hundred thousand.
const ALERTS_PER_COMMIT: usize = 10_000;

/// An alert as the API received it: times may be absent.
pub struct PostedAlert {
    pub labels: Labels,
    pub annotations: Labels,
    pub starts_at: Option<Timestamp>,
    pub ends_at: Option<Timestamp>,
    pub generator_url: String,
}

/// What a path is made of.
pub struct Parts {
    pub store: Arc<Store>,
    pub state: Arc<State>,
    pub telemetry: Arc<Telemetry>,
    pub forwarder: Forwarder,
}

/// Why a message is not tried again.
#[derive(Debug, thiserror::Error)]
pub enum RetryError {
    #[error("there is no notification {0}")]
    Unknown(i64),
    #[error("{0}")]
    Not(&'static str),
    #[error(transparent)]
    State(#[from] crate::state::StateError),
    #[error("it could not be written to disk")]
    Disk,
}

pub struct Path {
    pub store: Arc<Store>,
    pub engine: Engine,
    pub state: Arc<State>,
    pub telemetry: Arc<Telemetry>,
    /// What happens, for the terminal and scripts. Slow listeners miss events, nobody waits for them.
    pub events: broadcast::Sender<Event>,
    pub wake_router: Notify,
    pub outbox: Arc<Outbox>,
    pub backlog: Arc<Backlog>,
    pub external_url: String,
    /// What rules gave lately.
    pub evaluations: Evaluations,
    forwarder: Forwarder,
    settings: backlog::Shared,
    templates: RwLock<Arc<TemplateSet>>,
    router: Mutex<Router>,
    groups: RwLock<Vec<Arc<Mutex<Group>>>>,
    silences: Mutex<Silences>,
    /// Which events were told, by their keys.
    book: Mutex<Book>,
    /// Nothing is decided before this time (`--dispatch.start-delay`).
    quiet_until: OnceLock<Timestamp>,
}

impl Path {
    pub fn new(parts: Parts, engine: Engine, settings: Arc<Settings>, external_url: String) -> Path {
        let Parts { store, state, telemetry, forwarder } = parts;
        let outbox = Arc::new(Outbox::default());
        let router = Mutex::new(Router::new(settings.router_or_default()));
        let settings = Arc::new(RwLock::new(settings));
        let backlog = Backlog::new(state.clone(), outbox.clone(), telemetry.clone(), settings.clone());
        Path {
            store,
            engine,
            state,
            telemetry,
            events: broadcast::channel(1024).0,
            wake_router: Notify::new(),
            outbox,
            backlog,
            external_url,
            evaluations: Evaluations::default(),
            forwarder,
            router,
            settings,
            templates: RwLock::new(Arc::new(bellbuoy_template::notify::default_templates())),
            groups: RwLock::default(),
            silences: Mutex::default(),
            book: Mutex::default(),
            quiet_until: OnceLock::new(),
        }
    }

    // ---- collect -------------------------------------------------------------------------------------------------

    /// A target answered, or failed to.
    pub fn scraped(&self, target: &mut TargetState, response: Response<'_>, at: Timestamp, took_seconds: f64) -> ScrapeReport {
        let mut appender = self.store.appender();
        let report = target.absorb(response, at, took_seconds, &mut appender);
        self.telemetry.scrapes.add(1);
        self.telemetry.scrape_samples.add(report.samples_scraped as u64);
        if report.error.is_some() {
            self.telemetry.scrapes_failed.add(1);
        }
        self.telemetry.scrape_samples_refused.add(report.refused());
        self.telemetry.scrape_exemplars_out_of_order.add(report.exemplars_out_of_order);
        self.commit(appender, "a scrape");
        report
    }

    /// A target is no longer there: its series end.
    pub fn target_gone(&self, target: &mut TargetState, at: Timestamp) {
        let mut appender = self.store.appender();
        target.end(at, &mut appender);
        self.commit(appender, "the end of a target");
    }

    /// Samples that a stage computed itself (models, sources).
    pub fn append(&self, samples: &[(Labels, f64)], at: Timestamp) {
        self.append_and_end(samples, &[], at);
    }

    /// The same; series that were written before and are not any more end with a staleness marker.
    pub fn append_and_end(&self, samples: &[(Labels, f64)], ended: &[Labels], at: Timestamp) {
        let mut appender = self.store.appender();
        let ended = ended.iter().map(|labels| (labels.clone(), STALE_NAN));
        for (labels, value) in samples.iter().cloned().chain(ended) {
            let appended = appender.series(&labels).and_then(|(series, _)| appender.append(series, at, value));
            if appended.is_err() {
                self.telemetry.scrape_samples_refused.add(1);
            }
        }
        self.commit(appender, "computed samples");
    }

    /// What could not be stored is counted and logged; the reason is for those who have somebody to tell it to.
    fn commit(&self, appender: Appender<'_>, what: &str) -> Option<CommitError> {
        // kill -9 loses nothing that was logged; the store syncs to disk every second for power cuts.
        let error = appender.commit(Durability::Logged).err()?;
        self.telemetry.commit_failures.add(1);
        error!("{what} could not be stored: {error}");
        Some(error)
    }

    // ---- judge ---------------------------------------------------------------------------------------------------

    /// A rule group's time has come.
    pub fn group_due(&self, group: &Mutex<Group>, at: Timestamp) {
        let watch = Stopwatch::start();
        let settings = self.settings();
        let evaluation = Evaluation {
            engine: &self.engine,
            source: &*self.store,
            external_labels: &settings.global.external_labels,
            external_url: &self.external_url,
            resend_delay: Millis::from_minutes(1),
        };
        let mut group = lock(group);
        let label = group.key();
        let mut alerts = Vec::new();
        let mut transitions = Vec::new();
        for index in 0..group.len() {
            let rule_watch = Stopwatch::start();
            // One appender per rule: a later rule of the group sees what an earlier one recorded.
            let mut appender = self.store.appender();
            let report = group.evaluate_rule(index, at, &evaluation, &mut appender);
            if let Some(error) = self.commit(appender, "the result of a rule") {
                group.commit_failed(index, error.to_string());
            }
            self.telemetry.rule_evaluations.add(&[&label], 1);
            if let Some(error) = &report.error {
                self.telemetry.rule_failures.add(&[&label], 1);
                warn!("rule {} of group {label}: {error}", index + 1);
            }
            report.warnings.iter().for_each(|warning| warn!("rule {} of group {label}: {warning}", index + 1));
            let seconds = rule_watch.seconds();
            group.set_evaluation_seconds(index, seconds);
            self.evaluations.note(&group, index, at, seconds, &report);
            alerts.extend(report.alerts);
            transitions.extend(report.transitions);
        }
        group.finish_evaluation(at, watch.seconds());
        self.telemetry.rule_group_seconds.add(watch.seconds());
        let mut writes = Vec::new();
        // What was sent is part of the state too: after a crash it must not be sent again before its time.
        if !transitions.is_empty() || !alerts.is_empty() {
            writes.push(Write::Rules { key: label, body: stored::rules_to_json(&group.state()) });
        }
        drop(group);
        for transition in transitions {
            self.announce(transition);
        }
        self.forward(&alerts);
        self.receive(alerts, at, writes);
    }

    /// Something happened that people should be told of once: a model's event, a pipeline's message.
    /// `kept` is what remembers that it was told: it is written in the same transaction, so that a crash neither loses nor repeats it.
    pub fn happened(&self, events: Vec<(Alert, serde_json::Value)>, kept: Vec<Write>, now: Timestamp) {
        let (mut alerts, audits): (Vec<Alert>, Vec<serde_json::Value>) = events.into_iter().unzip();
        let mut writes: Vec<Write> = audits.into_iter().map(|body| Write::Audit { at: now, body }).collect();
        writes.extend(kept);
        let life = events::life(&self.settings().router_or_default());
        for alert in &mut alerts {
            alert.ends_at = alert.ends_at.max(now.saturating_add(life));
            writes.push(Write::Event(events::row(alert, &crate::clock::uuid(), None, self.receivers_of(&alert.labels), now)));
        }
        self.forward(&alerts);
        self.receive(alerts, now, writes);
    }

    /// Without routes of our own, or when they are asked for, alerts go to the Alertmanagers that prometheus.yml names.
    fn forward(&self, alerts: &[Alert]) {
        let settings = self.settings();
        if !alerts.is_empty() && (settings.router.is_none() || settings.alerting.beside_routes) {
            self.forwarder.send(alerts, &settings.alerting);
        }
    }

    /// What pipelines tell, each once by its key. An answer of `Ok` means that all of them are on disk.
    pub fn post_events(&self, posted: Vec<bellbuoy_notify::event::Event>, now: Timestamp) -> Result<Vec<Told>, EventError> {
        let life = events::life(&self.settings().router_or_default());
        let new_id = || crate::clock::uuid().replace('-', "")[..16].to_string();
        // Held until all is on disk: two senders of one key are one event.
        let mut book = lock(&self.book);
        let (mut told, alerts) = book.enter(posted, life, now, new_id)?;
        if !lock(&self.router).has_room(alerts.len()) {
            book.forget(&told);
            return Err(EventError::Full);
        }
        let mut writes = Vec::new();
        for one in &mut told {
            if let Some(alert) = &one.alert {
                one.receivers = self.receivers_of(&alert.labels);
                writes.push(Write::Event(events::row(alert, &one.id, one.key.clone(), one.receivers.clone(), now)));
            }
        }
        self.forward(&alerts);
        // Also without a new one: what is said to be a repeat must be on disk too.
        if !self.receive(alerts, now, writes) {
            return Err(EventError::Disk);
        }
        drop(book);
        for one in told.iter().filter(|one| one.alert.is_some()) {
            let _ = self.events.send(one.announcement(now));
        }
        Ok(told)
    }

    fn receivers_of(&self, labels: &Labels) -> Vec<String> {
        lock(&self.router).routes_of(labels)
    }

    // ---- tell ----------------------------------------------------------------------------------------------------

    /// Alerts from the API, with the times that they lack filled in as Alertmanager does.
    /// An answer of `Ok` means that they are on disk.
    pub fn post_alerts(&self, posted: Vec<PostedAlert>, now: Timestamp) -> Result<(), String> {
        let resolve_timeout = self.settings().resolve_timeout();
        let mut alerts = Vec::with_capacity(posted.len());
        for alert in posted {
            let starts_at = alert.starts_at.unwrap_or_else(|| alert.ends_at.map_or(now, |end| end.min(now)));
            let ends_at = alert.ends_at.unwrap_or(now + resolve_timeout);
            let status = if ends_at <= now { "resolved" } else { "firing" };
            self.telemetry.alerts_received.add(&[status], 1);
            alerts.push(Alert {
                labels: alert.labels,
                annotations: alert.annotations,
                starts_at,
                ends_at,
                updated_at: now,
                generator_url: alert.generator_url,
                timeout: alert.ends_at.is_none(),
            });
        }
        if self.receive(alerts, now, Vec::new()) { Ok(()) } else { Err("the alerts could not be written to disk".into()) }
    }

    /// A person makes or edits a silence. An answer of `Ok` means that it is on disk; it is its id.
    pub fn post_silence(&self, posted: PostedSilence, new_id: String, now: Timestamp) -> Result<String, SilenceError> {
        let mut id = String::new();
        self.change_silences(|silences| {
            let (held, changes) = silences.post(posted, new_id, now)?;
            id = held;
            Ok(changes)
        })?;
        Ok(id)
    }

    pub fn expire_silence(&self, id: &str, now: Timestamp) -> Result<(), SilenceError> {
        self.change_silences(|silences| silences.expire(id, now))
    }

    /// Forgets silences that ended long ago; called now and then.
    pub fn sweep_silences(&self, now: Timestamp) {
        // What could not be written is kept and tried again.
        let _ = self.change_silences(|silences| Ok(silences.sweep(now)));
    }

    pub fn silences(&self) -> Vec<Silence> {
        lock(&self.silences).all().cloned().collect()
    }

    /// What the command line allows; called before `restore`.
    pub fn set_limits(&self, options: &AlertmanagerOptions) {
        lock(&self.silences).set_limits(options.silences);
        let limits = Limits { alerts_per_name_max: options.alerts_per_name_max, ..Limits::default() };
        lock(&self.router).set_limits(limits);
    }

    /// Under the router's lock, so that what mutes, what is shown and what is on disk change in the same order.
    fn change_silences(
        &self,
        change: impl FnOnce(&mut Silences) -> Result<Vec<silences::Change>, SilenceError>,
    ) -> Result<(), SilenceError> {
        let mut router = lock(&self.router);
        let changes = change(&mut lock(&self.silences))?;
        if changes.is_empty() {
            return Ok(());
        }
        let mut writes = Vec::new();
        for change in changes {
            writes.push(match change {
                silences::Change::Put(silence) => {
                    router.put_silence(silence.mute());
                    Write::Silence { key: silence.id.clone(), body: silence.to_json() }
                }
                silences::Change::Gone(key) => {
                    router.remove_silence(&key);
                    Write::SilenceGone { key }
                }
            });
        }
        let ticket = self.backlog.push(writes);
        drop(router);
        self.wake_router.notify_one();
        if self.backlog.wait(ticket) { Ok(()) } else { Err(SilenceError::NotWritten) }
    }

    /// Alerts reach the router. True when what it now knows is on disk.
    fn receive(&self, alerts: Vec<Alert>, now: Timestamp, writes: Vec<Write>) -> bool {
        let (ticket, due_before, due) = {
            let mut router = lock(&self.router);
            let due_before = router.next_due();
            if !alerts.is_empty() {
                let received = router.receive(alerts, now);
                self.telemetry.alerts_refused.add(received.refused as u64);
            }
            // What is due at once (`group_wait: 0s`) shares the transaction of the alerts that made it so.
            let ticket = self.decide(&mut router, now, writes);
            (ticket, due_before, router.next_due())
        };
        if due != due_before {
            self.wake_router.notify_one();
        }
        self.backlog.wait(ticket)
    }

    /// After a cold start nobody is told anything before this time.
    pub fn stay_quiet_until(&self, until: Timestamp) {
        let _ = self.quiet_until.set(until);
    }

    /// When the router has something to decide.
    pub fn router_next_due(&self) -> Option<Timestamp> {
        let quiet_until = self.quiet_until.get().copied().unwrap_or(Timestamp::MIN);
        lock(&self.router).next_due().map(|due| due.max(quiet_until))
    }

    /// The router decides; its decisions go to the outbox together with what it now knows, in one transaction.
    pub fn router_due(&self, now: Timestamp) {
        loop {
            let (ticket, more) = {
                let mut router = lock(&self.router);
                let ticket = self.decide(&mut router, now, Vec::new());
                (ticket, router.next_due().is_some_and(|due| due <= now))
            };
            self.backlog.wait(ticket);
            if !more {
                return;
            }
        }
    }

    /// Under the router's lock, so that the order on disk is the order of its decisions.
    fn decide(&self, router: &mut Router, now: Timestamp, mut writes: Vec<Write>) -> Ticket {
        let quiet = self.quiet_until.get().is_some_and(|until| now < *until);
        let decisions = if quiet { Vec::new() } else { router.tick_some(now, ALERTS_PER_COMMIT) };
        for decision in decisions {
            if let Decision::Notify(notification) = decision {
                let notice = notice_of(notification);
                writes.push(Write::Message(NewMessage { key: notice.idempotency_key(), notice: Arc::new(notice), at: now }));
            }
        }
        writes.extend(router.changes().into_iter().map(stored::write_of));
        self.backlog.push(writes)
    }

    /// A receiver refused a message for good: the fallback receiver is told. Called before the refusal is recorded.
    pub fn divert(&self, notice: &Notice, key: &str, why: &str, now: Timestamp) {
        let writes = backlog::diverted(notice, key, &format!("refused it: {why}"), now, &self.settings());
        if !writes.is_empty() {
            self.backlog.wait(self.backlog.push(writes));
        }
    }

    /// A message is tried now; one that was given up is put on its way again. Gives its destination.
    pub fn retry(&self, id: i64, now: Timestamp) -> Result<String, RetryError> {
        let row = self.state.message(id)?.ok_or(RetryError::Unknown(id))?;
        match row.status {
            OutboxStatus::Pending => match self.outbox.hurry(&row.destination, &row.group_key, id, now) {
                Some(true) => Ok(row.destination),
                _ => Err(RetryError::Not("it is under way at this moment")),
            },
            OutboxStatus::Delivered => Err(RetryError::Not("it was delivered")),
            OutboxStatus::Replaced => Err(RetryError::Not("a newer message of its group replaced it")),
            OutboxStatus::Failed if self.state.is_superseded(&row)? => {
                Err(RetryError::Not("its group has told something newer since, and old news must not follow it"))
            }
            OutboxStatus::Failed => {
                let notice = Notice::from_json(&row.notice).ok_or(RetryError::Not("the stored message can not be read"))?;
                if !self.backlog.wait(self.backlog.push(vec![Write::Again { id, at: now }])) {
                    return Err(RetryError::Disk);
                }
                let OutboxRow { key, attempts, last_answer, destination, .. } = row;
                let dropped = self.outbox.add(Pending { id, key, notice: Arc::new(notice), attempts, due_at: now, last_answer });
                self.backlog.push_unattended(backlog::settled(dropped, now, &self.telemetry, &self.settings()));
                self.outbox.wake.notify_waiters();
                Ok(destination)
            }
        }
    }

    /// Small things by name that a restart needs.
    pub fn keep(&self, name: &str, body: serde_json::Value) {
        self.backlog.wait(self.backlog.push(vec![Write::Keep { name: name.to_string(), body }]));
    }

    // ---- what the pages and APIs show ----------------------------------------------------------------------------

    pub fn settings(&self) -> Arc<Settings> {
        self.settings.read().unwrap_or_else(|poisoned| poisoned.into_inner()).clone()
    }

    pub fn templates(&self) -> Arc<TemplateSet> {
        self.templates.read().unwrap_or_else(|poisoned| poisoned.into_inner()).clone()
    }

    /// The templates of a receiver's messages: contact points of Grafana have their own.
    pub fn templates_of(&self, receiver: &str) -> Arc<TemplateSet> {
        let settings = self.settings();
        let grafana = settings.grafana.receivers.iter().any(|name| name == receiver);
        settings.grafana.templates.clone().filter(|_| grafana).unwrap_or_else(|| self.templates())
    }

    pub fn alerts_view(&self, now: Timestamp) -> Vec<AlertView> {
        lock(&self.router).alerts(now)
    }

    pub fn groups_view(&self, now: Timestamp) -> Vec<GroupView> {
        lock(&self.router).groups(now)
    }

    pub fn rules_view(&self) -> Vec<RulesView> {
        self.groups().iter().map(|group| lock(group).view()).collect()
    }

    pub fn groups(&self) -> Vec<Arc<Mutex<Group>>> {
        self.groups.read().unwrap_or_else(|poisoned| poisoned.into_inner()).clone()
    }

    fn announce(&self, transition: Transition) {
        let _ = self.events.send(Event::alert(&transition));
    }
}

/// A mutex whose holder panicked still holds consistent data: each stage changes its own state in one step.
fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(|poisoned| poisoned.into_inner())
}

fn notice_of(notification: Notification) -> Notice {
    Notice {
        receiver: notification.receiver,
        integration_kind: notification.integration_kind,
        integration_index: notification.integration_index,
        group_key: notification.group_key,
        group_labels: notification.group_labels,
        alerts: notification.alerts,
        reason: notification.reason.to_string(),
        sequence: notification.sequence,
        at: notification.at,
    }
}

/// The integration that a message in the outbox is for, by the settings of now.
pub fn integration<'a>(settings: &'a Settings, notice: &Notice) -> Option<&'a Integration> {
    let receiver = settings.receivers.iter().find(|receiver| receiver.name == notice.receiver)?;
    receiver.integrations.iter().find(|one| one.kind.word() == notice.integration_kind && one.index == notice.integration_index)
}
