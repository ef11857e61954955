//! The path at a start and at a reload: what it takes back of the run before, and how it changes to new settings.
//!
//! In:    the state database, new settings, `now`. Out: a router, silences, an outbox and rule groups that go on where they were.
//! Never: loses what can still be read because a row beside it can not; tells anybody anything.

use std::sync::{Arc, Mutex};

use bellbuoy_notify::{Notice, alert_of};
use bellbuoy_rules::{self as rules, Group};
use bellbuoy_template::TemplateSet;
use bellbuoy_vocabulary::{Millis, Timestamp};
use serde_json::Value;
use tracing::{error, warn};

use super::{Path, lock, stored};
use crate::backlog;
use crate::config::Settings;
use crate::events::Book;
use crate::outbox::Pending;
use crate::silences::{Silence, Silences};
use crate::state::{OutboxRow, OutboxStatus, Settlement, StateError, Write};

impl Path {
    /// Takes back what was known before a stop or a crash.
    pub fn restore(&self, now: Timestamp) -> Result<(), StateError> {
        let alerts = readable("alert", self.state.alerts()?, alert_of);
        let log = readable("entry of the notification log", self.state.notification_log()?, stored::log_from_json);
        let limits = lock(&self.silences).limits();
        let kept = Silences::restore(readable("silence", self.state.silences()?, Silence::from_json), limits);
        *lock(&self.book) = Book::restore(self.state.event_keys(now)?);
        let mut router = lock(&self.router);
        router.set_silences(kept.mutes(now));
        *lock(&self.silences) = kept;
        router.restore(alerts, log, now);
        let ticket = self.backlog.push(router.changes().into_iter().map(stored::write_of).collect());
        drop(router);
        self.backlog.wait(ticket);
        self.restore_outbox(now)
    }

    /// The messages that were on their way.
    fn restore_outbox(&self, now: Timestamp) -> Result<(), StateError> {
        let mut writes = Vec::new();
        for row in self.state.pending()? {
            match Notice::from_json(&row.notice) {
                Some(notice) => {
                    let OutboxRow { id, key, attempts, due_at, last_answer, .. } = row;
                    let dropped = self.outbox.add(Pending { id, key, notice: Arc::new(notice), attempts, due_at, last_answer });
                    writes.extend(backlog::settled(dropped, now, &self.telemetry, &self.settings()));
                }
                None => {
                    error!("message {} of the outbox can not be read and is given up", row.key);
                    let answer = "the stored message can not be read";
                    writes.push(Write::Settle(Settlement::without_attempt(row.id, OutboxStatus::Failed, answer, now)));
                }
            }
        }
        self.backlog.wait(self.backlog.push(writes));
        Ok(())
    }

    /// New settings: unchanged rules keep their alerts, unchanged groups of the router their timers. Gives the new groups.
    pub fn adopt(&self, settings: Arc<Settings>, templates: TemplateSet, now: Timestamp) -> Vec<Arc<Mutex<Group>>> {
        let saved = self.state.rules().unwrap_or_else(|error| {
            error!("{error}");
            Vec::new()
        });
        let old = self.groups();
        let mut groups = Vec::new();
        for wanted in &settings.groups {
            let mut group = Group::new(wanted.clone());
            match old.iter().map(|group| lock(group)).find(|before| before.key() == group.key()) {
                Some(before) => group.take_over(&before),
                None => self.begin(&mut group, &saved, now),
            }
            if old.is_empty() {
                group.settle(now.saturating_add(first_samples(&settings)));
            }
            groups.push(Arc::new(Mutex::new(group)));
        }
        let mut appender = self.store.appender();
        for gone in &old {
            let mut gone = lock(gone);
            if !settings.groups.iter().any(|wanted| wanted.file == gone.file() && wanted.name == gone.name()) {
                gone.end(now, &mut appender);
            }
        }
        self.commit(appender, "the end of removed rules");
        lock(&self.router).reload(settings.router_or_default(), now);
        self.evaluations.keep_only(&groups.iter().map(|group| lock(group)).map(|group| (group.key(), group.len())).collect());
        *self.groups.write().unwrap_or_else(|poisoned| poisoned.into_inner()) = groups.clone();
        *self.templates.write().unwrap_or_else(|poisoned| poisoned.into_inner()) = Arc::new(templates);
        *self.settings.write().unwrap_or_else(|poisoned| poisoned.into_inner()) = settings;
        self.wake_router.notify_one();
        self.outbox.wake.notify_waiters();
        groups
    }

    /// A group that was not there a moment ago: its alerts are as the last run saved them, else as their series tell.
    fn begin(&self, group: &mut Group, saved: &[(String, Value)], now: Timestamp) {
        let key = group.key();
        if let Some((_, body)) = saved.iter().find(|(name, _)| *name == key) {
            // The newest sample says until when somebody was there to look.
            let alive_until = self.store.stats().max_time.unwrap_or(now);
            group.restore_alive_until(stored::rules_from_json(body), alive_until, now);
        } else if let Err(error) = group.restore_from_series(&*self.store, now, rules::OUTAGE_TOLERANCE, rules::FOR_GRACE_PERIOD) {
            warn!("the alerts of group {key} begin anew: {error}");
        }
    }
}

/// What can be read of the stored rows; a row that can not be is named in the log, and the others go on.
fn readable<T>(what: &str, rows: Vec<Value>, read: impl Fn(&Value) -> Option<T>) -> Vec<T> {
    let count = rows.len();
    let good: Vec<T> = rows.iter().filter_map(read).collect();
    if good.len() < count {
        error!("state database: {} of {count} stored rows can not be read and were left out: {what}", count - good.len());
    }
    good
}

/// How long after a start every target has been asked: silence before that is no news.
fn first_samples(settings: &Settings) -> Millis {
    let longest = settings.scrape.iter().map(|job| job.scrape_interval).max().unwrap_or(Millis::ZERO);
    (longest * 2).min(rules::SETTLE_MAX)
}
