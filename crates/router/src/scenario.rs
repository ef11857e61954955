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
//!
//! at 0s push A firing severity=critical                        (for 5m: ends unless repeated)
//! at 10s expect pager [A] because first-notification
//! at 20s expect nothing
//! at 60s push A resolved severity=critical
//! at 70s silence severity="warning" for 1h
//! at 80s crash                                                 (only what `changes` gave survives; `for 5m`: and is down)
//! at 90s expect pager [A resolved] because all-alerts-resolved
//! ```
//!
//! A receiver's name stands for its first integration, `name/webhook` for another. Everything that is told must be expected,
//! at its exact time; what happens at a time happens in this order: pushes, then what is due, then expectations.

use std::collections::BTreeMap;
use std::fmt;

use bellbuoy_vocabulary::{ALERT_NAME, Alert, Labels, Matcher, Millis, Timestamp, parse_duration};

use crate::{Change, Decision, LogEntry, LogKey, Notification, Router, RouterSettings, Silence};

mod settings_text;

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
        Ok((settings, start, steps)) => Run::new(settings, start).run(&steps),
        Err(failure) => vec![failure],
    }
}

/// The settings of a scenario's head alone.
pub fn settings(text: &str) -> Result<RouterSettings, Failure> {
    read(text, None).map(|(settings, _, _)| settings)
}

struct Step {
    line: usize,
    at: Millis,
    act: Act,
}

enum Act {
    Push { labels: Labels, resolved: bool, lasts: Option<Millis>, annotations: Labels },
    Silence { matchers: Vec<Matcher>, lasts: Millis },
    Crash { down: Millis },
    ExpectNothing,
    Expect { who: String, alerts: Vec<String>, because: Option<String> },
    Hold { receiver: String, because: String },
    State { name: String, word: String },
}

/// Alerts that do not say for how long they fire do so for this long.
const FOREVER: Millis = Millis::from_minutes(60 * 24 * 365);

fn read(text: &str, given: Option<RouterSettings>) -> Result<(RouterSettings, Timestamp, Vec<Step>), Failure> {
    let mut steps = Vec::new();
    let mut settings = settings_text::Reader::default();
    for (index, whole) in text.lines().enumerate() {
        let line = index + 1;
        let fail = |message: String| Failure { line, message };
        let content = whole.split(" #").next().unwrap_or(whole);
        if content.trim().is_empty() || content.starts_with('#') {
            continue;
        }
        match content.strip_prefix("at ") {
            Some(step) => steps.push(read_step(step.trim(), line).map_err(fail)?),
            None => settings.line(content).map_err(fail)?,
        }
    }
    if let Some(pair) = steps.windows(2).find(|pair| pair[1].at < pair[0].at) {
        return Err(Failure { line: pair[1].line, message: "goes back in time".into() });
    }
    let start = settings.start;
    let settings = match given {
        Some(given) => given,
        None => settings.finish().map_err(|message| Failure { line: 1, message })?,
    };
    Ok((settings, start, steps))
}

fn read_step(text: &str, line: usize) -> Result<Step, String> {
    let (at, rest) = text.split_once(' ').ok_or("nothing happens; write for example `at 30s push A firing`")?;
    let at = parse_duration(at)?;
    let (verb, rest) = rest.trim().split_once(' ').unwrap_or((rest.trim(), ""));
    let rest = rest.trim();
    let act = match verb {
        "push" => read_push(rest)?,
        "expect" => read_expect(rest)?,
        "hold" => {
            let (receiver, because) = rest.split_once(" because ").ok_or("write `hold RECEIVER because REASON`")?;
            Act::Hold { receiver: receiver.trim().into(), because: because.trim().into() }
        }
        "state" => {
            let (name, word) = rest.split_once(' ').ok_or("write `state A active|suppressed|gone`")?;
            Act::State { name: name.into(), word: word.trim().into() }
        }
        "silence" => {
            let (matchers, lasts) = rest.split_once(" for ").ok_or("write `silence a=\"b\" for 1h`")?;
            let words = settings_text::words(matchers);
            let matchers = words.iter().map(|word| settings_text::matcher(word)).collect::<Result<_, _>>()?;
            Act::Silence { matchers, lasts: parse_duration(lasts.trim())? }
        }
        "crash" => Act::Crash { down: rest.strip_prefix("for ").map_or(Ok(Millis::ZERO), parse_duration)? },
        other => return Err(format!("unknown step {other:?}; there are push, expect, hold, state, silence and crash")),
    };
    Ok(Step { line, at, act })
}

fn read_push(rest: &str) -> Result<Act, String> {
    let (rest, lasts) = match rest.split_once(" for ") {
        Some((rest, lasts)) => (rest, Some(parse_duration(lasts.trim())?)),
        None => (rest, None),
    };
    let words = settings_text::words(rest);
    let [name, state, pairs @ ..] = &words[..] else { return Err("write `push A firing` or `push A resolved`".into()) };
    let resolved = match state.as_str() {
        "firing" => false,
        "resolved" => true,
        other => return Err(format!("unknown state {other:?}; an alert is firing or resolved")),
    };
    let (mut labels, mut annotations) = (Labels::empty().builder(), Labels::empty().builder());
    labels.set(ALERT_NAME, name);
    for pair in pairs {
        let (name, value) = pair.split_once('=').ok_or_else(|| format!("{pair:?} is no label=value"))?;
        match name.strip_prefix('@') {
            Some(name) => annotations.set(name, value.trim_matches('"')),
            None => labels.set(name, value.trim_matches('"')),
        };
    }
    Ok(Act::Push { labels: labels.labels(), resolved, lasts, annotations: annotations.labels() })
}

fn read_expect(rest: &str) -> Result<Act, String> {
    if rest == "nothing" {
        return Ok(Act::ExpectNothing);
    }
    let (told, because) = match rest.split_once(" because ") {
        Some((told, because)) => (told, Some(because.trim().replace('-', " "))),
        None => (rest, None),
    };
    let (who, list) = told.split_once('[').ok_or("write `expect RECEIVER [A, B resolved] because REASON`, or `expect nothing`")?;
    let list = list.trim().strip_suffix(']').ok_or("the list of alerts has no end")?;
    let alerts = list.split(',').map(|alert| alert.trim().to_string()).filter(|alert| !alert.is_empty()).collect();
    Ok(Act::Expect { who: who.trim().into(), alerts, because })
}

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
        Run { settings, router, start, disk: Disk::default(), starts_again: None, silences, told, holds, failures }
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
            Act::Push { .. } if self.starts_again.is_some() => {}
            Act::Push { labels, resolved, lasts, annotations } => {
                let known = self.router.alerts.get(&labels.fingerprint()).map(|stored| stored.alert.starts_at);
                let starts_at = if *resolved { known.unwrap_or(now) } else { now };
                let ends_at = if *resolved { now } else { now + lasts.unwrap_or(FOREVER) };
                let (labels, annotations, generator_url) = (labels.clone(), annotations.clone(), String::new());
                let alert = Alert { labels, annotations, starts_at, ends_at, updated_at: now, generator_url, timeout: false };
                for problem in self.router.receive(vec![alert], now).problems {
                    self.failures.push(Failure { line: step.line, message: problem });
                }
                self.write();
            }
            Act::Silence { matchers, lasts } => {
                let id = format!("silence-{}", self.silences.len() + 1);
                self.silences.push(Silence { id, matchers: vec![matchers.clone()], starts_at: now, ends_at: now + *lasts });
                self.router.set_silences(self.silences.clone());
            }
            Act::Crash { down } => {
                self.router = Router::new(self.settings.clone());
                self.starts_again = Some(now + *down);
                self.start_again(now);
            }
            _ => {}
        }
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

    fn check_told(&mut self, who: &str, alerts: &[String], because: Option<&str>, now: Timestamp) -> Option<String> {
        let (receiver, kind) = who.split_once('/').map_or((who, None), |(receiver, kind)| (receiver, Some(kind)));
        let is = |told: &&Notification| {
            told.receiver == receiver && kind.is_none_or(|kind| told.integration_kind == kind) && names(told, now) == *alerts
        };
        let Some(found) = self.told.iter().find(is).cloned() else {
            let told: Vec<String> = self.told.iter().map(|told| describe(told, now, self.start)).collect();
            let told = if told.is_empty() { "nothing".into() } else { told.join("; ") };
            return Some(format!("expected {who} [{}], but was told: {told}", alerts.join(", ")));
        };
        self.told.retain(|told| *told != found);
        let reason = found.reason.to_string();
        because.filter(|because| !reason.starts_with(because)).map(|because| format!("expected because {because}, but it was {reason}"))
    }

    fn check_hold(&self, receiver: &str, because: &str) -> Option<String> {
        let because = because.replace('-', " ");
        let is = |(who, reason): &(String, String)| who == receiver && reason.starts_with(&because);
        (!self.holds.iter().any(is)).then(|| format!("expected a hold of {receiver} because {because}; there was {:?}", self.holds))
    }

    fn check_state(&self, name: &str, word: &str, now: Timestamp) -> Option<String> {
        let views = self.router.alerts(now);
        let state = views.iter().find(|view| view.alert.name() == name).map_or("gone", |view| view.state.word());
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
    let (who, kind, list) = (&told.receiver, &told.integration_kind, names(told, now).join(", "));
    format!("{who}/{kind} [{list}] because {} at {}", told.reason, now - start)
}
