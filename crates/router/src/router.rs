//! The router: alerts come in, groups wait and become due, decisions come out.
//!
//! In:    alerts, silences, settings, `now`. Out: `Decision`s with their reasons, and `Change`s for whoever keeps the state over a crash.
//! Never: reads a clock: `next_due` says when it wants to be asked again. What a bound refuses is counted in `Received`.

use std::collections::{BTreeSet, HashMap, HashSet};

use bellbuoy_vocabulary::{Alert, Labels, Millis, Timestamp};

use crate::decision::{Decision, Notification, Reason, Status};
use crate::group::{Group, Groups};
use crate::inhibit::Inhibitor;
use crate::log::{LogEntry, LogKey, RETENTION, decide};
use crate::route::RouteTree;
use crate::settings::{IntegrationOutline, RouterSettings};
use crate::silence::{Silence, Silences};
use crate::views::alert_order;
use crate::{merge, times};

/// How much the router holds. What is over it is refused and counted; the sender tells it again.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    pub alerts_max: usize,
    pub groups_max: usize,
    /// Of one alertname (`--alerts.per-alertname-limit`); 0 is no limit.
    pub alerts_per_name_max: usize,
}

impl Default for Limits {
    fn default() -> Limits {
        Limits { alerts_max: 100_000, groups_max: 100_000, alerts_per_name_max: 0 }
    }
}

/// The promise of a sender ("fires until `ends_at` unless I repeat it") is renewed after a restart for at most this long.
const PROMISE_MAX: Millis = Millis::from_minutes(60);

/// Shortest time between two looks at a group, whatever the settings say; a zero would never end a tick.
const GROUP_INTERVAL_MIN: Millis = Millis(1);

/// What became of the alerts of one call.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Received {
    pub new: usize,
    pub repeated: usize,
    pub resolved: usize,
    pub refused: usize,
    /// Why, for the first few that were refused.
    pub problems: Vec<String>,
}

/// What must be on disk for a restart. Write all of one `changes()` in one transaction.
#[derive(Clone, Debug, PartialEq)]
pub enum Change {
    Alert(Alert),
    AlertGone(u64),
    Log(LogEntry),
    LogGone(LogKey),
}

/// Totals since the start, for metrics.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Counters {
    pub received: u64,
    pub refused: u64,
    pub notifications: u64,
}

pub struct Router {
    pub(crate) settings: RouterSettings,
    limits: Limits,
    pub(crate) tree: RouteTree,
    inhibitor: Inhibitor,
    pub(crate) silences: Silences,
    pub(crate) alerts: HashMap<u64, Stored>,
    /// Alerts by name; only counted when there is a limit.
    per_name: HashMap<String, usize>,
    pub(crate) groups: Groups,
    log: HashMap<LogKey, LogEntry>,
    /// When the log is next searched for entries that nobody needs.
    next_log_sweep: Timestamp,
    counters: Counters,
    dirty: Dirty,
}

pub(crate) struct Stored {
    pub alert: Alert,
    /// The groups that have it.
    groups: Vec<u64>,
}

/// Names of what changed since the last `changes()`; sets, so that they never outgrow the state.
#[derive(Default)]
struct Dirty {
    alerts: BTreeSet<u64>,
    alerts_gone: BTreeSet<u64>,
    log: HashSet<LogKey>,
    log_gone: HashSet<LogKey>,
}

impl Router {
    pub fn new(settings: RouterSettings) -> Router {
        Router::with_limits(settings, Limits::default())
    }

    pub fn with_limits(settings: RouterSettings, limits: Limits) -> Router {
        Router {
            tree: RouteTree::new(&settings.route),
            inhibitor: Inhibitor::new(&settings.inhibit_rules),
            settings,
            limits,
            silences: Silences::default(),
            alerts: HashMap::new(),
            per_name: HashMap::new(),
            groups: Groups::default(),
            log: HashMap::new(),
            next_log_sweep: Timestamp::MIN,
            counters: Counters::default(),
            dirty: Dirty::default(),
        }
    }

    /// Takes new settings. Alerts and the log stay; groups whose route, labels and receiver are still there keep their timers.
    pub fn reload(&mut self, settings: RouterSettings, now: Timestamp) {
        let tree = RouteTree::new(&settings.route);
        let old_tree = std::mem::replace(&mut self.tree, tree);
        let old_groups = std::mem::take(&mut self.groups);
        let mut timers: HashMap<(String, String), (Timestamp, bool)> = HashMap::new();
        for group in old_groups.iter() {
            let receiver = old_tree.nodes[group.route].route.receiver.clone();
            timers.insert((group.key.clone(), receiver), (group.due, group.flushed));
        }
        self.inhibitor = Inhibitor::new(&settings.inhibit_rules);
        self.settings = settings;
        let mut fingerprints: Vec<u64> = self.alerts.keys().copied().collect();
        fingerprints.sort_unstable();
        for fingerprint in fingerprints {
            let Some(stored) = self.alerts.get_mut(&fingerprint) else { continue };
            stored.groups.clear();
            let labels = stored.alert.labels.clone();
            self.inhibitor.add(fingerprint, &labels);
            self.join_groups(fingerprint, true, now);
        }
        let kept: Vec<(u64, Timestamp, bool)> = self
            .groups
            .numbered()
            .filter_map(|(number, group)| {
                let route = &self.tree.nodes[group.route].route;
                let (due, flushed) = timers.get(&(group.key.clone(), route.receiver.clone()))?;
                // A shorter interval takes effect at once.
                let wait = if *flushed { route.group_interval } else { route.group_wait };
                Some((number, (*due).min(now.saturating_add(wait)), *flushed))
            })
            .collect();
        for (number, due, flushed) in kept {
            self.groups.set_due(number, due);
            if let Some(group) = self.groups.get_mut(number) {
                group.flushed = flushed;
            }
        }
    }

    /// Takes new limits. What is over them already stays until it is resolved.
    pub fn set_limits(&mut self, limits: Limits) {
        self.limits = limits;
        self.per_name.clear();
        if limits.alerts_per_name_max > 0 {
            for stored in self.alerts.values() {
                *self.per_name.entry(stored.alert.labels.get("alertname").to_string()).or_default() += 1;
            }
        }
    }

    fn count_name(&mut self, labels: &Labels, more: bool) {
        if self.limits.alerts_per_name_max == 0 {
            return;
        }
        let name = labels.get("alertname");
        match self.per_name.get_mut(name) {
            Some(count) if more => *count += 1,
            Some(count) if *count > 1 => *count -= 1,
            Some(_) => drop(self.per_name.remove(name)),
            None if more => drop(self.per_name.insert(name.to_string(), 1)),
            None => {}
        }
    }

    pub fn set_silences(&mut self, silences: Vec<Silence>) {
        self.silences.replace(silences);
    }

    /// Adds one silence, or changes the one with the same id.
    pub fn put_silence(&mut self, silence: Silence) {
        self.silences.put(silence);
    }

    pub fn remove_silence(&mut self, id: &str) {
        self.silences.remove(id);
    }

    /// Takes alerts from rules, the API or events. An alert with `ends_at` behind `now` is resolved.
    pub fn receive(&mut self, alerts: Vec<Alert>, now: Timestamp) -> Received {
        let mut received = Received::default();
        for alert in alerts {
            self.counters.received += 1;
            if let Err(reason) = self.receive_one(alert, now, &mut received) {
                self.counters.refused += 1;
                received.refused += 1;
                if received.problems.len() < 10 {
                    received.problems.push(reason);
                }
            }
        }
        received
    }

    fn receive_one(&mut self, mut alert: Alert, now: Timestamp, received: &mut Received) -> Result<(), String> {
        if alert.labels.is_empty() {
            return Err("alert without labels; it needs at least one".into());
        }
        if alert.ends_at < alert.starts_at {
            return Err(format!("alert {}: ends before it starts", alert.labels));
        }
        let fingerprint = alert.fingerprint();
        let resolved = alert.resolved_at(now);
        let known = self.alerts.get(&fingerprint);
        let was_firing = known.is_some_and(|stored| !stored.alert.resolved_at(now));
        let must_write = known.is_none_or(|stored| differs(&stored.alert, &alert, now));
        if let Some(stored) = known {
            alert = merge::merged(&stored.alert, alert, now);
        } else if self.alerts.len() >= self.limits.alerts_max {
            return Err(format!("limit of {} alerts reached", self.limits.alerts_max));
        } else if self.limits.alerts_per_name_max > 0 {
            let name = alert.labels.get("alertname");
            if self.per_name.get(name).is_some_and(|count| *count >= self.limits.alerts_per_name_max) {
                return Err(format!("limit of {} alerts named {name:?} reached", self.limits.alerts_per_name_max));
            }
        }
        let is_new = known.is_none();
        let labels = alert.labels.clone();
        match self.alerts.get_mut(&fingerprint) {
            Some(stored) => stored.alert = alert,
            None => {
                self.alerts.insert(fingerprint, Stored { alert, groups: Vec::new() });
                self.count_name(&labels, true);
                self.inhibitor.add(fingerprint, &labels);
            }
        }
        if must_write {
            self.dirty.alert(fingerprint);
        }
        // Where it belongs follows from its labels alone: only an alert that is new or back again has to be placed.
        let placed = was_firing || self.join_groups(fingerprint, false, now);
        if resolved && is_new && self.alerts.get(&fingerprint).is_some_and(|stored| stored.groups.is_empty()) {
            // It ended before we heard of it, and no group of its kind is waiting.
            self.forget(fingerprint);
            self.dirty.alerts_gone.remove(&fingerprint);
        } else if !placed && is_new {
            self.forget(fingerprint);
            self.dirty.alerts_gone.remove(&fingerprint);
            return Err(format!("limit of {} groups reached", self.limits.groups_max));
        }
        match (resolved, was_firing) {
            (true, _) => received.resolved += 1,
            (false, true) => received.repeated += 1,
            (false, false) => received.new += 1,
        }
        Ok(())
    }

    /// Puts the alert into its groups. False when a group could not be made. A resolved alert joins only groups that
    /// are there, or, with `make_any`, makes them too.
    fn join_groups(&mut self, fingerprint: u64, make_any: bool, now: Timestamp) -> bool {
        let Some(stored) = self.alerts.get(&fingerprint) else { return true };
        let (labels, starts_at) = (stored.alert.labels.clone(), stored.alert.starts_at);
        let may_make = make_any || !stored.alert.resolved_at(now);
        let mut all_placed = true;
        for route in self.tree.matching(&labels) {
            let node = &self.tree.nodes[route];
            let group_labels = node.group_labels(&labels);
            let group_wait = node.route.group_wait;
            let found = self.groups.find(route, &group_labels);
            let number = match found {
                Some(number) => number,
                None if !may_make => continue,
                None if self.groups.len() >= self.limits.groups_max => {
                    all_placed = false;
                    continue;
                }
                None => self.groups.add(Group {
                    route,
                    key: node.group_key(&group_labels),
                    labels: group_labels,
                    alerts: BTreeSet::new(),
                    due: now.saturating_add(group_wait),
                    flushed: false,
                    holds: HashMap::new(),
                }),
            };
            let Some(group) = self.groups.get_mut(number) else { continue };
            // An alert that has waited long enough elsewhere (a restart, another sender) does not wait again; in a group that
            // waits already it does not shorten the wait of the others.
            let overdue = found.is_none() && starts_at.saturating_add(group_wait) < now;
            if group.alerts.insert(fingerprint)
                && let Some(stored) = self.alerts.get_mut(&fingerprint)
            {
                stored.groups.push(number);
            }
            let (due, flushed) = (group.due, group.flushed);
            if overdue {
                self.groups.set_due(number, now);
            } else if make_any && !flushed {
                // Back after a restart: it has waited for a part of the time already.
                self.groups.set_due(number, due.min(starts_at.saturating_add(group_wait).max(now)));
            }
        }
        all_placed
    }

    /// Whether so many further alerts would be taken.
    pub fn has_room(&self, alerts: usize) -> bool {
        self.alerts.len().saturating_add(alerts) <= self.limits.alerts_max
    }

    /// When `tick` next has something to do.
    pub fn next_due(&self) -> Option<Timestamp> {
        self.groups.next_due().map(|(due, _)| due)
    }

    /// Looks at all groups that are due.
    pub fn tick(&mut self, now: Timestamp) -> Vec<Decision> {
        self.tick_some(now, usize::MAX)
    }

    /// Looks at groups that are due until the notifications have `alerts_max` alerts; `next_due` then says whether more are.
    pub fn tick_some(&mut self, now: Timestamp, alerts_max: usize) -> Vec<Decision> {
        let mut decisions = Vec::new();
        let mut alerts = 0;
        while let Some((due, number)) = self.groups.next_due() {
            if due > now || alerts >= alerts_max {
                break;
            }
            let before = decisions.len();
            self.flush(number, now, &mut decisions);
            for decision in &decisions[before..] {
                if let Decision::Notify(notification) = decision {
                    alerts += notification.alerts.len();
                }
            }
        }
        if self.next_log_sweep <= now {
            self.sweep_log(now);
            self.silences.sweep(now);
            self.next_log_sweep = now.saturating_add(Millis::from_minutes(1));
        }
        decisions
    }

    fn flush(&mut self, number: u64, now: Timestamp, decisions: &mut Vec<Decision>) {
        let Some(group) = self.groups.get(number) else { return };
        let route = self.tree.nodes[group.route].route.clone();
        let interval = route.group_interval.max(GROUP_INTERVAL_MIN);
        // A tick that comes a little late must not shift the group's rhythm, or repeats would slip by one interval.
        let at = if now < group.due.saturating_add(interval) { group.due } else { now };
        self.groups.set_due(number, at.saturating_add(interval));
        let Some(group) = self.groups.get_mut(number) else { return };
        group.flushed = true;

        let mut members: Vec<Member> = Vec::with_capacity(group.alerts.len());
        for fingerprint in &group.alerts {
            if let Some(stored) = self.alerts.get(fingerprint) {
                let alert = &stored.alert;
                members.push(Member { fingerprint: *fingerprint, resolved: alert.resolved_at(now), event: alert.is_event() });
            }
        }
        let (heard, muted_because) = self.audible(&route.mute_time_intervals, &route.active_time_intervals, &members, now);
        let integrations = self.integrations_of(&route.receiver);
        for integration in &integrations {
            let decision = match &muted_because {
                Some(reason) => Err(reason.clone()),
                None => self.tell(number, &route.receiver, route.repeat_interval, integration, &heard, at, now),
            };
            self.record(number, &route.receiver, integration, decision, decisions);
        }
        self.drop_resolved(number, &route.receiver, &integrations, &members);
    }

    /// The alerts of a group that are not muted; and why, when none is left.
    fn audible(&self, mute: &[String], active: &[String], members: &[Member], now: Timestamp) -> (Vec<Member>, Option<Reason>) {
        let mut heard = Vec::with_capacity(members.len());
        let mut silenced = false;
        for member in members {
            let Some(stored) = self.alerts.get(&member.fingerprint) else { continue };
            let labels = &stored.alert.labels;
            if self.inhibited_by(labels, now).is_some() {
                continue;
            }
            if self.silences.mute(labels, now) {
                silenced = true;
                continue;
            }
            heard.push(*member);
        }
        let holds =
            |name: &&String| self.settings.time_intervals.iter().any(|interval| interval.name == **name && times::contains(interval, now));
        let because = if heard.is_empty() && !members.is_empty() {
            Some(if silenced { Reason::Silenced } else { Reason::Inhibited })
        } else if !active.is_empty() && !active.iter().any(|name| holds(&name)) {
            Some(Reason::Inactive)
        } else {
            mute.iter().find(holds).map(|name| Reason::Muted(name.clone()))
        };
        (heard, because)
    }

    pub(crate) fn inhibited_by(&self, labels: &Labels, now: Timestamp) -> Option<u64> {
        self.inhibitor.inhibited_by(labels, |fingerprint| {
            self.alerts.get(&fingerprint).map(|stored| &stored.alert).filter(|alert| !alert.resolved_at(now)).map(|alert| &alert.labels)
        })
    }

    fn integrations_of(&self, receiver: &str) -> Vec<IntegrationOutline> {
        self.settings.receivers.iter().find(|known| known.name == receiver).map_or(Vec::new(), |known| known.integrations.clone())
    }

    /// Decides for one integration, and writes the log when it is told. `Ok(None)`: there was only the log to write.
    #[allow(clippy::too_many_arguments)]
    fn tell(
        &mut self,
        number: u64,
        receiver: &str,
        repeat_interval: Millis,
        integration: &IntegrationOutline,
        heard: &[Member],
        at: Timestamp,
        now: Timestamp,
    ) -> Result<Option<Notification>, Reason> {
        let Some(group) = self.groups.get(number) else { return Ok(None) };
        // That an event is over is no news. Members come in the order of their fingerprints.
        let heard: Vec<&Member> = heard.iter().filter(|member| !(member.event && member.resolved)).collect();
        let prints = |resolved: bool| heard.iter().filter(|member| member.resolved == resolved).map(|member| member.fingerprint).collect();
        let (firing_prints, resolved_prints): (Vec<u64>, Vec<u64>) = (prints(false), prints(true));
        let key = log_key(&group.key, receiver, integration);
        let entry = self.log.get(&key);
        let reason = decide(entry, &firing_prints, &resolved_prints, integration.send_resolved, repeat_interval, at)?;
        // Nor is it told again when another one joins its group or the group is repeated.
        let known = |member: &Member| entry.is_some_and(|entry| entry.firing.binary_search(&member.fingerprint).is_ok());
        let told = heard.iter().filter(|member| !(member.resolved || member.event && known(member)));
        let told_firing: Vec<u64> = told.map(|member| member.fingerprint).collect();
        let told_resolved: &[u64] = if integration.send_resolved { &resolved_prints } else { &[] };
        let sends = !told_firing.is_empty() || !told_resolved.is_empty();
        let sequence = entry.map_or(0, |entry| entry.sequence) + u64::from(sends);
        let status = if firing_prints.is_empty() { Status::Resolved } else { Status::Firing };
        let notification = sends.then(|| Notification {
            group_key: group.key.clone(),
            group_labels: group.labels.clone(),
            route: self.tree.nodes[group.route].key.clone(),
            receiver: receiver.to_string(),
            integration_kind: integration.kind.clone(),
            integration_index: integration.index,
            alerts: self.in_order(&told_firing).chain(self.in_order(told_resolved)).cloned().collect(),
            status,
            reason,
            sequence,
            at: now,
        });
        let expires_at = at.saturating_add(RETENTION.max(repeat_interval * 2));
        let entry = LogEntry { key: key.clone(), at, firing: firing_prints, resolved: resolved_prints, sequence, expires_at };
        self.log.insert(key.clone(), entry);
        self.dirty.log(key);
        Ok(notification)
    }

    /// Alerts by fingerprint, in the order in which people are told of them.
    fn in_order(&self, fingerprints: &[u64]) -> impl Iterator<Item = &Alert> {
        let mut alerts: Vec<&Alert> = fingerprints.iter().filter_map(|one| self.alerts.get(one)).map(|stored| &stored.alert).collect();
        alerts.sort_by(|a, b| alert_order(&a.labels, &b.labels));
        alerts.into_iter()
    }

    fn record(
        &mut self,
        number: u64,
        receiver: &str,
        integration: &IntegrationOutline,
        decision: Result<Option<Notification>, Reason>,
        decisions: &mut Vec<Decision>,
    ) {
        let Some(group) = self.groups.get_mut(number) else { return };
        let name = (integration.kind.clone(), integration.index);
        match decision {
            Ok(notification) => {
                group.holds.remove(&name);
                if let Some(notification) = notification {
                    self.counters.notifications += 1;
                    decisions.push(Decision::Notify(notification));
                }
            }
            Err(reason) => {
                if group.holds.get(&name) != Some(&reason) {
                    group.holds.insert(name, reason.clone());
                    decisions.push(Decision::Hold { group_key: group.key.clone(), receiver: receiver.to_string(), reason });
                }
            }
        }
    }

    /// Takes resolved alerts out of the group, and the group away when it is empty. Alertmanager does so even when the
    /// group is muted, and the resolve is lost; here an alert stays while an integration that wants to hear of its end
    /// believes that it fires.
    fn drop_resolved(&mut self, number: u64, receiver: &str, integrations: &[IntegrationOutline], members: &[Member]) {
        let Some(group) = self.groups.get_mut(number) else { return };
        let mut dropped = Vec::new();
        for member in members.iter().filter(|member| member.resolved) {
            let fingerprint = member.fingerprint;
            let awaited = integrations.iter().filter(|integration| integration.send_resolved).any(|integration| {
                let entry = self.log.get(&log_key(&group.key, receiver, integration));
                entry.is_some_and(|entry| entry.firing.binary_search(&fingerprint).is_ok())
            });
            if member.event {
                // The next one of the same name is news again.
                for integration in integrations {
                    let key = log_key(&group.key, receiver, integration);
                    if let Some(entry) = self.log.get_mut(&key)
                        && let Ok(at) = entry.firing.binary_search(&fingerprint)
                    {
                        entry.firing.remove(at);
                        self.dirty.log(key);
                    }
                }
            }
            if !awaited || member.event {
                group.alerts.remove(&fingerprint);
                dropped.push(fingerprint);
            }
        }
        if group.alerts.is_empty() {
            self.groups.remove(number);
        }
        for fingerprint in dropped {
            let Some(stored) = self.alerts.get_mut(&fingerprint) else { continue };
            stored.groups.retain(|other| *other != number);
            if stored.groups.is_empty() {
                self.forget(fingerprint);
            }
        }
    }

    fn forget(&mut self, fingerprint: u64) {
        if let Some(stored) = self.alerts.remove(&fingerprint) {
            self.inhibitor.remove(fingerprint, &stored.alert.labels);
            self.count_name(&stored.alert.labels, false);
            self.dirty.alerts.remove(&fingerprint);
            self.dirty.alerts_gone.insert(fingerprint);
        }
    }

    /// Forgets log entries that are over and whose group is gone.
    fn sweep_log(&mut self, now: Timestamp) {
        if !self.log.values().any(|entry| entry.expires_at <= now) {
            return;
        }
        let living: HashSet<&str> = self.groups.iter().map(|group| group.key.as_str()).collect();
        let over = |entry: &&LogEntry| entry.expires_at <= now && !living.contains(entry.key.group_key.as_str());
        let gone: Vec<LogKey> = self.log.values().filter(over).map(|entry| entry.key.clone()).collect();
        for key in gone {
            self.log.remove(&key);
            self.dirty.log.remove(&key);
            self.dirty.log_gone.insert(key);
        }
    }

    /// What changed since the last call. A firing alert that is only repeated does not change.
    pub fn changes(&mut self) -> Vec<Change> {
        let dirty = std::mem::take(&mut self.dirty);
        let alerts = dirty.alerts.iter().filter_map(|fingerprint| self.alerts.get(fingerprint));
        let mut changes: Vec<Change> = alerts.map(|stored| Change::Alert(stored.alert.clone())).collect();
        changes.extend(dirty.alerts_gone.into_iter().map(Change::AlertGone));
        changes.extend(dirty.log.iter().filter_map(|key| self.log.get(key)).cloned().map(Change::Log));
        changes.extend(dirty.log_gone.into_iter().map(Change::LogGone));
        changes
    }

    /// Takes back what was written before a restart. What was told is not told again before it is due, and a resolve that
    /// nobody was told goes out. An alert whose sender could not repeat it while we were down gets its promised time anew.
    pub fn restore(&mut self, alerts: Vec<Alert>, log: Vec<LogEntry>, now: Timestamp) {
        for entry in log {
            self.log.insert(entry.key.clone(), entry);
        }
        for mut alert in alerts {
            let promise = alert.ends_at - alert.updated_at;
            if promise > Millis::ZERO {
                alert.ends_at = alert.ends_at.max(now.saturating_add(promise.min(PROMISE_MAX)));
            }
            let fingerprint = alert.fingerprint();
            self.inhibitor.add(fingerprint, &alert.labels);
            self.count_name(&alert.labels, true);
            self.alerts.insert(fingerprint, Stored { alert, groups: Vec::new() });
            self.join_groups(fingerprint, true, now);
        }
    }

    pub fn counters(&self) -> Counters {
        self.counters
    }
}

/// An alert of a group while the group is looked at.
#[derive(Clone, Copy)]
struct Member {
    fingerprint: u64,
    resolved: bool,
    event: bool,
}

impl Dirty {
    fn alert(&mut self, fingerprint: u64) {
        self.alerts_gone.remove(&fingerprint);
        self.alerts.insert(fingerprint);
    }

    fn log(&mut self, key: LogKey) {
        self.log_gone.remove(&key);
        self.log.insert(key);
    }
}

fn log_key(group_key: &str, receiver: &str, integration: &IntegrationOutline) -> LogKey {
    LogKey {
        group_key: group_key.to_string(),
        receiver: receiver.to_string(),
        integration_kind: integration.kind.clone(),
        integration_index: integration.index,
    }
}

/// Whether the new word on an alert must reach the disk. Its end moving on with each repeat does not: `restore` renews it.
fn differs(old: &Alert, new: &Alert, now: Timestamp) -> bool {
    let promise = |alert: &Alert| (alert.ends_at - alert.updated_at).0.max(0);
    let (before, after) = (promise(old), promise(new));
    old.annotations != new.annotations
        || old.generator_url != new.generator_url
        || old.resolved_at(now) != new.resolved_at(now)
        || new.starts_at < old.starts_at
        || after > before.saturating_mul(2)
        || before > after.saturating_mul(2)
}
