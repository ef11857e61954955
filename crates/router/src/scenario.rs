//! Scenarios: what must be told to whom and when, as plain text on a virtual clock. Our tests are written in it, and users
//! write theirs in it.
//!
//! ```text
//! # Comments and empty lines are skipped. Settings first; or the caller gives those of alertmanager.yml.
//! receiver discord = discord, webhook send_resolved=false
//! route discord by=[alertname] wait=30s interval=5m repeat=4h
//!   route pager severity="critical" wait=10s continue        (two spaces deeper is a child)
//! inhibit severity="critical" over severity="warning" equal=[instance]
//! interval nights 22:00-24:00 00:00-06:00 Europe/Paris        (mute=[nights], active=[nights] on a route)
//! start 2026-01-13T10:00:00Z                                  (the virtual clock's zero)
//! resolve_timeout 5m                                           (without it, alerts fire until they are pushed as resolved)
//!
//! at 0s push A firing severity=critical @summary=text          (for 5m: ends unless repeated; since 0s, until 5m: as it is posted)
//! at 10s expect pager [A] because first-notification
//! at 20s expect nothing
//! at 60s push A resolved severity=critical
//! at 70s silence severity="warning" for 1h                     (or: since 80s until 2h)
//! at 75s expire                                                (all silences end)
//! at 75s reload                                                (the same settings again)
//! at 80s crash                                                 (only what `changes` gave survives; `for 5m`: and is down)
//! at 90s expect pager [A resolved] because all-alerts-resolved
//! ```
//!
//! A receiver's name stands for its first integration, `name/webhook` for another. An expected alert can say more:
//! `[A resolved since 1s until 4s @summary=text]`. Everything that is told must be expected, at its exact time; what happens at a time happens in this order: pushes, then what is due, then expectations.

use std::collections::BTreeMap;
use std::fmt;

use bellbuoy_vocabulary::{Alert, Millis, Timestamp};

use crate::{Change, Decision, LogEntry, LogKey, Notification, Router, RouterSettings, Silence};

mod script;
mod settings_text;

pub use script::{Act, Push, Script, Step, Told, read};

/// A line of a scenario that is not true, or that cannot be read. `line` counts from 1.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Failure {
    pub line: usize,
    pub message: String,
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.line, self.message)
    }
}

/// Runs a scenario that brings its own settings. Empty when all came true.
pub fn run(text: &str) -> Vec<Failure> {
    run_with(text, None)
}

/// Runs a scenario with the given settings.
pub fn run_with(text: &str, settings: Option<RouterSettings>) -> Vec<Failure> {
    match read(text, settings) {
        Ok(script) => {
            let mut run = Run::new(script.settings, script.start);
            run.times_out = script.times_out;
            run.run(&script.steps)
        }
        Err(failure) => vec![failure],
    }
}

/// The settings of a scenario's head alone.
pub fn settings(text: &str) -> Result<RouterSettings, Failure> {
    read(text, None).map(|script| script.settings)
}

/// Alerts that do not say for how long they fire do so for this long, unless the head names a `resolve_timeout`.
const FOREVER: Millis = Millis::from_minutes(60 * 24 * 365);

/// What a crash leaves.
#[derive(Default)]
struct Disk {
    alerts: BTreeMap<u64, Alert>,
    log: BTreeMap<LogKey, LogEntry>,
}

struct Run {
    settings: RouterSettings,
    router: Router,
    start: Timestamp,
    times_out: bool,
    disk: Disk,
    /// Crashed; starts again at this time.
    starts_again: Option<Timestamp>,
    silences: Vec<Silence>,
    /// Told, and not yet expected.
    told: Vec<Notification>,
    holds: Vec<(String, String)>,
    failures: Vec<Failure>,
}

impl Run {
    fn new(settings: RouterSettings, start: Timestamp) -> Run {
        let router = Router::new(settings.clone());
        let (silences, told, holds, failures) = (Vec::new(), Vec::new(), Vec::new(), Vec::new());
        Run { settings, router, start, times_out: false, disk: Disk::default(), starts_again: None, silences, told, holds, failures }
    }

    fn run(mut self, steps: &[Step]) -> Vec<Failure> {
        let mut next = 0;
        while next < steps.len() {
            let at = steps[next].at;
            let end = next + steps[next..].iter().take_while(|step| step.at == at).count();
            let now = self.start + at;
            let (line, steps) = (steps[next].line, &steps[next..end]);
            self.advance(now, line);
            for step in steps {
                self.act(step, now);
            }
            self.tick(now);
            for step in steps {
                self.check(step, now);
            }
            let last = steps.last().map_or(line, |step| step.line);
            for told in std::mem::take(&mut self.told) {
                self.failures.push(Failure { line: last, message: format!("not expected: {}", describe(&told, now, self.start)) });
            }
            next = end;
        }
        self.failures
    }

    /// All that is due before `now`, at its own time. Nothing of it was expected.
    fn advance(&mut self, now: Timestamp, line: usize) {
        self.start_again(now);
        while let Some(due) = self.router.next_due().filter(|due| *due < now) {
            self.tick(due);
            for told in std::mem::take(&mut self.told) {
                self.failures.push(Failure { line, message: format!("not expected: {}", describe(&told, due, self.start)) });
            }
        }
    }

    fn tick(&mut self, now: Timestamp) {
        self.holds.clear();
        for decision in self.router.tick(now) {
            match decision {
                Decision::Notify(notification) => self.told.push(notification),
                Decision::Hold { receiver, reason, .. } => self.holds.push((receiver, reason.to_string())),
            }
        }
        self.write();
    }

    fn write(&mut self) {
        for change in self.router.changes() {
            match change {
                Change::Alert(alert) => {
                    self.disk.alerts.insert(alert.fingerprint(), alert);
                }
                Change::AlertGone(fingerprint) => {
                    self.disk.alerts.remove(&fingerprint);
                }
                Change::Log(entry) => {
                    self.disk.log.insert(entry.key.clone(), entry);
                }
                Change::LogGone(key) => {
                    self.disk.log.remove(&key);
                }
            }
        }
    }

    fn start_again(&mut self, now: Timestamp) {
        let Some(at) = self.starts_again.filter(|at| *at <= now) else { return };
        self.starts_again = None;
        let (alerts, log) = (self.disk.alerts.values().cloned().collect(), self.disk.log.values().cloned().collect());
        self.router.restore(alerts, log, at);
        self.router.set_silences(self.silences.clone());
        self.write();
    }

    fn act(&mut self, step: &Step, now: Timestamp) {
        match &step.act {
            // What is pushed while it is down is lost.
            Act::Push(_) if self.starts_again.is_some() => {}
            Act::Push(push) => self.push(push, step.line, now),
            Act::Silence { matchers, since, until } => {
                let id = format!("silence-{}", self.silences.len() + 1);
                let (starts_at, ends_at) = (self.start + *since, self.start + *until);
                self.silences.push(Silence { id, matchers: vec![matchers.clone()], starts_at, ends_at });
                self.router.set_silences(self.silences.clone());
            }
            Act::Expire => {
                self.silences.clear();
                self.router.set_silences(Vec::new());
            }
            Act::Reload => {
                self.router.reload(self.settings.clone(), now);
                self.write();
            }
            Act::Crash { down } => {
                self.router = Router::new(self.settings.clone());
                self.starts_again = Some(now + *down);
                self.start_again(now);
            }
            _ => {}
        }
    }

    fn push(&mut self, push: &Push, line: usize, now: Timestamp) {
        let known = self.router.alerts.get(&push.labels.fingerprint()).map(|stored| stored.alert.starts_at);
        let starts_at = match push.since {
            Some(since) => self.start + since,
            None if push.resolved => known.unwrap_or(now),
            None => now,
        };
        let timeout = push.until.is_none() && push.lasts.is_none() && !push.resolved && self.times_out;
        let ends_at = match push.until {
            Some(until) => self.start + until,
            None if push.resolved => now,
            None if timeout => now + self.settings.resolve_timeout,
            None => now + push.lasts.unwrap_or(FOREVER),
        };
        let (labels, annotations, generator_url) = (push.labels.clone(), push.annotations.clone(), String::new());
        let alert = Alert { labels, annotations, starts_at, ends_at, updated_at: now, generator_url, timeout };
        for message in self.router.receive(vec![alert], now).problems {
            self.failures.push(Failure { line, message });
        }
        self.write();
    }

    fn check(&mut self, step: &Step, now: Timestamp) {
        let failure = match &step.act {
            Act::Expect { who, alerts, because } => self.check_told(who, alerts, because.as_deref(), now),
            Act::ExpectNothing if !self.told.is_empty() => Some("something was told".into()),
            Act::Hold { receiver, because } => self.check_hold(receiver, because),
            Act::State { name, word } => self.check_state(name, word, now),
            _ => None,
        };
        if let Some(message) = failure {
            self.failures.push(Failure { line: step.line, message });
        }
    }

    fn check_told(&mut self, who: &str, alerts: &[Told], because: Option<&str>, now: Timestamp) -> Option<String> {
        let (receiver, kind) = who.split_once('/').map_or((who, None), |(receiver, kind)| (receiver, Some(kind)));
        let is = |told: &&Notification| {
            told.receiver == receiver && kind.is_none_or(|kind| told.integration_kind == kind) && self.same(told, alerts, now)
        };
        let Some(found) = self.told.iter().find(is).cloned() else {
            let told: Vec<String> = self.told.iter().map(|told| describe(told, now, self.start)).collect();
            let told = if told.is_empty() { "nothing".into() } else { told.join("; ") };
            let alerts: Vec<&str> = alerts.iter().map(|alert| alert.text.as_str()).collect();
            return Some(format!("expected {who} [{}], but was told: {told}", alerts.join(", ")));
        };
        self.told.retain(|told| *told != found);
        let reason = found.reason.to_string();
        because.filter(|because| !reason.starts_with(because)).map(|because| format!("expected because {because}, but it was {reason}"))
    }

    fn same(&self, told: &Notification, expected: &[Told], now: Timestamp) -> bool {
        let names = names(told, now);
        let one = |expected: &Told, name: &String, alert: &Alert| {
            let word = if expected.resolved { format!("{} resolved", expected.name) } else { expected.name.clone() };
            word == *name
                && expected.since.is_none_or(|since| alert.starts_at == self.start + since)
                && expected.until.is_none_or(|until| alert.ends_at == self.start + until)
                && expected.annotations.iter().all(|(name, value)| alert.annotations.get(name) == value)
        };
        names.len() == expected.len()
            && expected.iter().zip(&names).zip(&told.alerts).all(|((expected, name), alert)| one(expected, name, alert))
    }

    fn check_hold(&self, receiver: &str, because: &str) -> Option<String> {
        let because = because.replace('-', " ");
        let is = |(who, reason): &(String, String)| who == receiver && reason.starts_with(&because);
        (!self.holds.iter().any(is)).then(|| format!("expected a hold of {receiver} because {because}; there was {:?}", self.holds))
    }

    fn check_state(&self, name: &str, word: &str, now: Timestamp) -> Option<String> {
        let views = self.router.alerts(now);
        let (plain, instance) = name.split_once('@').map_or((name, None), |(plain, instance)| (plain, Some(instance)));
        let is = |alert: &Alert| alert.name() == plain && instance.is_none_or(|instance| alert.labels.get("instance") == instance);
        let state = views.iter().find(|view| is(&view.alert)).map_or("gone", |view| view.state.word());
        (state != word).then(|| format!("expected {name} to be {word}, but it is {state}"))
    }
}

/// `A`, `B resolved`: the names of the alerts, of those that share a name with their instance behind it.
fn names(told: &Notification, now: Timestamp) -> Vec<String> {
    let name = |alert: &Alert| {
        let twins = told.alerts.iter().filter(|other| other.name() == alert.name()).count() > 1;
        let instance = if twins { format!("{}@{}", alert.name(), alert.labels.get("instance")) } else { alert.name().to_string() };
        if alert.resolved_at(now) { instance + " resolved" } else { instance }
    };
    told.alerts.iter().map(name).collect()
}

fn describe(told: &Notification, now: Timestamp, start: Timestamp) -> String {
    let (who, kind) = (&told.receiver, &told.integration_kind);
    let one = |(name, alert): (String, &Alert)| match name.ends_with(" resolved") {
        true => format!("{name} since {} until {}", alert.starts_at - start, alert.ends_at - start),
        false => format!("{name} since {}", alert.starts_at - start),
    };
    let list = names(told, now).into_iter().zip(&told.alerts).map(one).collect::<Vec<_>>().join(", ");
    format!("{who}/{kind} [{list}] because {} at {}", told.reason, now - start)
}
