//! The whole path on a virtual clock: series > rules > router > messages, with real settings and nothing real around them.
//!
//! In:    rule groups, routes, input series with their times, silences. Out: `Event`s in their order: states, messages, holds, failures.
//! Never: reads a clock, sends anything. Holds: groups run at whole multiples of their interval after the start, in their files' order,
//!        so that the times of a scenario are exact; a real server shifts each group by a constant.

use bellbuoy_notify::Notice;
use bellbuoy_promql::Engine;
use bellbuoy_router::{Decision, Notification, Router, RouterSettings, Silence};
use bellbuoy_rules::{Evaluation, Group, GroupSettings, MemoryStore, RESEND_DELAY, State, Transition};
use bellbuoy_vocabulary::{Alert, Append, Labels, Sample, Timestamp};

/// Evaluations of one run: a far end with a short interval would take for ever.
const EVALUATIONS_MAX: usize = 2_000_000;

#[derive(Clone, Debug)]
pub enum Event {
    Alert(Transition),
    Told(Notification),
    /// Somebody was not told, and why.
    Held {
        receiver: String,
        group_key: String,
        reason: String,
    },
    RuleFailed {
        rule: String,
        error: String,
    },
}

/// What does not change during a run.
#[derive(Clone, Debug)]
pub struct Setting {
    pub engine: Engine,
    pub router: RouterSettings,
    pub external_labels: Labels,
    pub external_url: String,
}

pub struct Stage {
    setting: Setting,
    pub store: MemoryStore,
    groups: Vec<(Group, Timestamp)>,
    router: Router,
    inputs: Vec<Input>,
    now: Timestamp,
    evaluations: usize,
    silences: Vec<Silence>,
}

struct Input {
    labels: Labels,
    samples: Vec<Sample>,
    next: usize,
}

impl Stage {
    /// Each group is evaluated first at `start`.
    pub fn new(setting: Setting, groups: &[GroupSettings], start: Timestamp) -> Stage {
        let router = Router::new(setting.router.clone());
        let groups = groups.iter().map(|group| (Group::new(group.clone()), start)).collect();
        Stage { setting, store: MemoryStore::new(), groups, router, inputs: Vec::new(), now: start, evaluations: 0, silences: Vec::new() }
    }

    /// A series that comes in as time passes. Samples in order.
    pub fn input(&mut self, labels: Labels, samples: Vec<Sample>) {
        self.inputs.push(Input { labels, samples, next: 0 });
    }

    pub fn silence(&mut self, silence: Silence) {
        self.silences.push(silence);
        self.router.set_silences(self.silences.clone());
    }

    pub fn end_silences(&mut self) {
        self.silences.clear();
        self.router.set_silences(Vec::new());
    }

    /// Alerts that come from elsewhere than the rules, such as decisions on models.
    pub fn receive(&mut self, alerts: Vec<Alert>, at: Timestamp) {
        if !alerts.is_empty() {
            self.router.receive(alerts, at);
        }
    }

    pub fn now(&self) -> Timestamp {
        self.now
    }

    /// When something happens next; inputs alone do nothing.
    pub fn next_due(&self) -> Option<Timestamp> {
        let group = self.groups.iter().map(|(_, due)| *due).min();
        match (group, self.router.next_due()) {
            (Some(group), Some(router)) => Some(group.min(router)),
            (group, router) => group.or(router),
        }
    }

    /// All that happens up to and at a time. The error says why it can not go on.
    pub fn run_until(&mut self, until: Timestamp, tell: &mut dyn FnMut(Timestamp, Event)) -> Result<(), String> {
        while let Some(due) = self.next_due().filter(|due| *due <= until) {
            self.now = self.now.max(due);
            self.feed(self.now);
            self.evaluate(self.now, tell)?;
            for decision in self.router.tick(self.now) {
                match decision {
                    Decision::Notify(notification) => tell(self.now, Event::Told(notification)),
                    Decision::Hold { group_key, receiver, reason } => {
                        tell(self.now, Event::Held { receiver, group_key, reason: reason.to_string() })
                    }
                }
            }
            self.router.changes();
        }
        self.now = self.now.max(until);
        self.feed(self.now);
        Ok(())
    }

    fn feed(&mut self, until: Timestamp) {
        for input in &mut self.inputs {
            let Ok((series, _)) = (&self.store).series(&input.labels) else { continue };
            while let Some(sample) = input.samples.get(input.next).filter(|sample| sample.at <= until) {
                // A rule that writes the same series wins, as it does in a store.
                let _ = (&self.store).append(series, sample.at, sample.value);
                input.next += 1;
            }
        }
    }

    fn evaluate(&mut self, at: Timestamp, tell: &mut dyn FnMut(Timestamp, Event)) -> Result<(), String> {
        let with = Evaluation {
            engine: &self.setting.engine,
            source: &self.store,
            external_labels: &self.setting.external_labels,
            external_url: &self.setting.external_url,
            resend_delay: RESEND_DELAY,
        };
        let mut alerts = Vec::new();
        for (group, due) in self.groups.iter_mut().filter(|(_, due)| *due <= at) {
            self.evaluations += 1;
            if self.evaluations > EVALUATIONS_MAX {
                return Err(format!("more than {EVALUATIONS_MAX} evaluations"));
            }
            let report = group.evaluate(at, &with, &mut &self.store);
            for (index, rule) in report.rules.iter().enumerate() {
                if let Some(error) = &rule.error {
                    tell(at, Event::RuleFailed { rule: group.rule_name(index).to_string(), error: error.to_string() });
                }
            }
            for rule in report.rules {
                alerts.extend(rule.alerts);
                rule.transitions.into_iter().for_each(|transition| tell(at, Event::Alert(transition)));
            }
            *due = at + group.interval();
        }
        if !alerts.is_empty() {
            self.router.receive(alerts, at);
        }
        Ok(())
    }

    /// The pending and firing alerts of a name.
    pub fn alerts_of(&self, name: &str) -> Vec<bellbuoy_rules::AlertView> {
        let rules = self.groups.iter().flat_map(|(group, _)| group.rules_view()).filter(|rule| rule.name == name);
        rules.flat_map(|rule| rule.alerts).collect()
    }

    /// The worst state of the alerts of a name, with the labels of that one.
    pub fn state_of(&self, name: &str, wanted: &Labels) -> State {
        let fits = |labels: &Labels| wanted.iter().all(|(name, value)| labels.get(name) == value);
        let rules = self.groups.iter().flat_map(|(group, _)| group.rules_view()).filter(|rule| rule.name == name);
        rules.flat_map(|rule| rule.alerts).filter(|alert| fits(&alert.labels)).map(|alert| alert.state).max().unwrap_or(State::Inactive)
    }
}

/// The decision in the form that messages are composed from.
pub fn notice_of(told: Notification) -> Notice {
    Notice {
        receiver: told.receiver,
        integration_kind: told.integration_kind,
        integration_index: told.integration_index,
        group_key: told.group_key,
        group_labels: told.group_labels,
        alerts: told.alerts,
        reason: told.reason.to_string(),
        sequence: told.sequence,
        at: told.at,
    }
}
