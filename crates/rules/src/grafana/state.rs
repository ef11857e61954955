//! The life of an instance: normal, pending, alerting, recovering, no data, error (Grafana, `ngalert/state`).
//!
//! Outcomes go in, one for each label set; conditions, transitions and alerts for the router come out.
//!
//! Where we differ, on the side of not losing an alert:
//! - a firing alert whose series vanish because the whole query gives no data stays until that is told as `DatasourceNoData`;
//! - `DatasourceNoData` and `DatasourceError` end at once when the instance goes on otherwise, not by their time-out;
//! - after an outage of this program nothing is taken for "no data" until the gap is behind us (`settled`).

use std::collections::{BTreeMap, BTreeSet};

use bellbuoy_vocabulary::{ALERT_NAME, Alert, Labels, METRIC_NAME, Millis, Timestamp, format_float};

use super::data::Failure;
use super::outcome::{Outcome, Verdict};
use super::settings::{ErrorPolicy, NoDataPolicy};
use crate::alerting::{RESOLVED_RETENTION, State};
use crate::{RuleError, Transition};

/// Grafana sends a firing alert again after this.
pub(crate) const RESEND_DELAY: Millis = Millis::from_seconds(30);
/// Instances of one rule.
const INSTANCES_MAX: usize = 100_000;
const MISSING_SERIES: &str = "MissingSeries";

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Condition {
    Normal,
    Pending,
    Alerting,
    /// Its condition no longer holds, `keepFiringFor` runs.
    Recovering,
    NoData,
    Error,
}

impl Condition {
    /// Grafana's words.
    pub fn word(self) -> &'static str {
        match self {
            Condition::Normal => "Normal",
            Condition::Pending => "Pending",
            Condition::Alerting => "Alerting",
            Condition::Recovering => "Recovering",
            Condition::NoData => "NoData",
            Condition::Error => "Error",
        }
    }

    pub fn parse(word: &str) -> Option<Condition> {
        use Condition::{Alerting, Error, NoData, Normal, Pending, Recovering};
        [Normal, Pending, Alerting, Recovering, NoData, Error].into_iter().find(|condition| condition.word() == word)
    }

    /// As which alert people are told of it.
    pub(crate) fn kind(self) -> Option<AlertKind> {
        match self {
            Condition::Normal | Condition::Pending => None,
            Condition::Alerting | Condition::Recovering => Some(AlertKind::Rule),
            Condition::NoData => Some(AlertKind::NoData),
            Condition::Error => Some(AlertKind::Error),
        }
    }

    pub(crate) fn state(self) -> State {
        match self {
            Condition::Normal => State::Inactive,
            Condition::Pending => State::Pending,
            _ => State::Firing,
        }
    }
}

/// The three alerts that an instance can be.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum AlertKind {
    Rule,
    /// `DatasourceNoData`.
    NoData,
    /// `DatasourceError`.
    Error,
}

impl AlertKind {
    /// The alert's labels: the other two have names of their own and keep the rule's in `rulename`.
    pub fn labels(self, labels: &Labels) -> Labels {
        let name = match self {
            AlertKind::Rule => return labels.clone(),
            AlertKind::NoData => "DatasourceNoData",
            AlertKind::Error => "DatasourceError",
        };
        labels.builder().set("rulename", labels.get(ALERT_NAME)).set(ALERT_NAME, name).labels()
    }
}

#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Instance {
    pub condition: Condition,
    /// Why it is in a condition that its outcome alone does not explain.
    pub reason: String,
    pub labels: Labels,
    /// The labels of the condition's element, before the rule's labels were added.
    pub result_labels: Labels,
    pub annotations: Labels,
    /// By refId.
    pub values: BTreeMap<String, f64>,
    pub text: String,
    pub error: Option<String>,
    /// Since when it is in its condition.
    pub since: Timestamp,
    pub ends_at: Timestamp,
    /// Since when it is this kind of alert.
    pub fired_at: Option<Timestamp>,
    pub resolved_at: Option<Timestamp>,
    pub last_sent_at: Option<Timestamp>,
    pub evaluated_at: Timestamp,
    /// The labels under which the router knows it, and since when, until its end was told for long enough.
    pub told: Option<(Labels, Timestamp)>,
}

/// An outcome with the labels and annotations that the rule gives it.
pub(crate) struct Found {
    pub outcome: Outcome,
    pub labels: Labels,
    pub annotations: Labels,
}

/// What the rule says about conditions.
pub(crate) struct Terms<'a> {
    pub condition: &'a str,
    pub hold: Millis,
    pub keep_firing_for: Millis,
    pub no_data: NoDataPolicy,
    pub on_error: ErrorPolicy,
    pub missing_evals: u64,
    pub interval: Millis,
}

impl Terms<'_> {
    /// Two more evaluations may fail to reach the router before it thinks that the alert is over.
    fn next_end(&self, at: Timestamp) -> Timestamp {
        at.saturating_add(self.interval.max(RESEND_DELAY) * 4)
    }
}

/// The instances of one rule by their labels.
#[derive(Clone, Debug, Default)]
pub(crate) struct Instances {
    pub all: BTreeMap<Labels, Instance>,
    /// After an outage: until then "no data" says nothing.
    pub settled: Option<Timestamp>,
}

/// What an evaluation changed.
#[derive(Default)]
pub(crate) struct Step {
    pub transitions: Vec<Transition>,
    pub alerts: Vec<Alert>,
}

impl Instances {
    /// One evaluation.
    pub fn step(&mut self, found: Vec<Found>, at: Timestamp, terms: &Terms) -> Result<Step, RuleError> {
        if found.len() > INSTANCES_MAX {
            return Err(RuleError::AlertLimit { limit: INSTANCES_MAX as u64, count: found.len() as u64 });
        }
        let mut step = Step::default();
        let silent = !found.is_empty() && found.iter().all(|one| one.outcome.verdict == Verdict::NoData);
        let failed = !found.is_empty() && found.iter().all(|one| matches!(one.outcome.verdict, Verdict::Error(_)));
        if silent && self.settled.is_some_and(|settled| at < settled) {
            self.keep_all(at, terms, &mut step);
            return Ok(step);
        }
        let for_all = (silent && terms.no_data != NoDataPolicy::NoData) || (failed && terms.on_error != ErrorPolicy::Error);
        if for_all && !self.all.is_empty() {
            self.apply_to_all(&found, at, terms, &mut step);
        } else {
            for one in found {
                self.apply(one, at, terms, &mut step);
            }
        }
        let told = self.all.values().any(|instance| {
            instance.evaluated_at == at && matches!(instance.condition, Condition::NoData | Condition::Error | Condition::Alerting)
        });
        let waits = (silent || failed) && !told;
        self.end_missing(at, terms, waits, &mut step);
        for instance in self.all.values_mut() {
            instance.tell(at, &mut step.alerts);
        }
        self.all.retain(|_, instance| instance.reason != MISSING_SERIES);
        Ok(step)
    }

    /// The rule is paused: nothing fires any more.
    pub fn end_all(&mut self, at: Timestamp, reason: &str, terms: &Terms) -> Step {
        let mut step = Step::default();
        for (_, mut instance) in std::mem::take(&mut self.all) {
            let before = instance.clone();
            instance.enter(Condition::Normal, at, at);
            instance.reason = reason.to_string();
            instance.settle_resolved(before.condition, at);
            note(&before, &instance, at, terms, &mut step);
            instance.tell(at, &mut step.alerts);
        }
        step
    }

    /// The labels of the condition's elements whose alert is active, for hysteresis.
    pub fn loaded(&self) -> BTreeSet<Labels> {
        let active = |instance: &&Instance| {
            matches!(instance.condition, Condition::Alerting | Condition::Pending | Condition::Recovering) && instance.reason.is_empty()
        };
        self.all.values().filter(active).map(|instance| instance.result_labels.clone()).collect()
    }

    /// The worst of all instances.
    pub fn state(&self) -> State {
        self.all.values().map(|instance| instance.condition.state()).max().unwrap_or(State::Inactive)
    }

    /// `GRAFANA_ALERTS` of every instance that is not normal.
    pub fn samples(&self, uid: &str) -> Vec<(Labels, f64)> {
        let mut out = BTreeMap::new();
        for instance in self.all.values().filter(|instance| instance.condition != Condition::Normal) {
            let mut labels = instance.labels.builder();
            labels.keep(|name| !is_private(name));
            labels.set(METRIC_NAME, "GRAFANA_ALERTS").set("alertstate", instance.condition.state().word());
            labels.set("grafana_alertstate", instance.condition.word()).set("grafana_rule_uid", uid);
            out.insert(labels.labels(), 1.0);
        }
        out.into_iter().collect()
    }

    fn keep_all(&mut self, at: Timestamp, terms: &Terms, step: &mut Step) {
        for instance in self.all.values_mut() {
            instance.evaluated_at = at;
            instance.ends_at = terms.next_end(at);
            instance.tell(at, &mut step.alerts);
        }
    }

    /// Without data, or with an error, every instance is treated as the policy says.
    fn apply_to_all(&mut self, found: &[Found], at: Timestamp, terms: &Terms, step: &mut Step) {
        let Some(first) = found.first() else { return };
        let mut extra: Vec<(&str, String)> = Vec::new();
        if first.outcome.verdict == Verdict::NoData {
            for name in ["datasource_uid", "ref_id"] {
                let values: Vec<&str> = found.iter().map(|one| one.outcome.labels.get(name)).filter(|value| !value.is_empty()).collect();
                extra.push((name, values.join(",")));
            }
        }
        for instance in self.all.values_mut() {
            let before = instance.clone();
            instance.advance(&first.outcome, at, terms);
            let mut annotations = instance.annotations.builder();
            extra.iter().for_each(|(name, value)| {
                annotations.set(name, value);
            });
            instance.annotations = annotations.labels();
            note(&before, instance, at, terms, step);
        }
    }

    fn apply(&mut self, found: Found, at: Timestamp, terms: &Terms, step: &mut Step) {
        let Found { outcome, labels, annotations } = found;
        let instance = self.all.entry(labels.clone()).or_insert_with(|| Instance::new(labels.clone(), outcome.labels.clone(), at));
        let before = instance.clone();
        let keeps_origin = instance.condition == Condition::Error && matches!(outcome.verdict, Verdict::Error(_));
        if !keeps_origin {
            instance.labels = labels;
        }
        instance.result_labels = outcome.labels.clone();
        instance.annotations = annotations;
        instance.advance(&outcome, at, terms);
        note(&before, instance, at, terms, step);
    }

    /// Instances that this evaluation did not give: after some evaluations they are over. `waits`: their alerts stay, because it is not
    /// told yet that there is no data at all.
    fn end_missing(&mut self, at: Timestamp, terms: &Terms, waits: bool, step: &mut Step) {
        for instance in self.all.values_mut().filter(|instance| instance.evaluated_at != at) {
            let evals = match instance.condition {
                Condition::Error | Condition::NoData => 1,
                _ => terms.missing_evals.max(1),
            };
            let limit = Millis(terms.interval.0.saturating_mul(evals as i64));
            let firing = instance.condition.kind() == Some(AlertKind::Rule);
            if (waits && firing) || at - instance.evaluated_at < limit {
                if instance.condition.kind().is_some() {
                    instance.ends_at = terms.next_end(at);
                }
                continue;
            }
            let before = instance.clone();
            instance.enter(Condition::Normal, at, at);
            instance.reason = MISSING_SERIES.to_string();
            instance.evaluated_at = at;
            instance.settle_resolved(before.condition, at);
            note(&before, instance, at, terms, step);
        }
    }
}

/// Labels that Grafana keeps for itself: `__alert_rule_uid__`.
pub(crate) fn is_private(name: &str) -> bool {
    name.starts_with("__") && name.ends_with("__")
}

/// Notes a change that people can see.
fn note(before: &Instance, after: &Instance, at: Timestamp, terms: &Terms, step: &mut Step) {
    let (from, to) = (before.condition.state(), after.condition.state());
    let same_kind = before.condition.kind() == after.condition.kind();
    if from == to && same_kind {
        return;
    }
    let to = if from == State::Firing && to == State::Inactive { State::Resolved } else { to };
    let kind = after.condition.kind().or(before.condition.kind()).unwrap_or(AlertKind::Rule);
    let since = if from == State::Firing { before.fired_at.unwrap_or(before.since) } else { before.since };
    step.transitions.push(Transition {
        labels: public(&kind.labels(&after.labels)),
        annotations: after.annotations.clone(),
        from,
        to,
        value: after.value(terms.condition),
        at,
        after: if from == State::Inactive { Millis::ZERO } else { at - since },
    });
}

pub(crate) fn public(labels: &Labels) -> Labels {
    labels.builder().keep(|name| !is_private(name)).labels()
}

impl Instance {
    fn new(labels: Labels, result_labels: Labels, at: Timestamp) -> Instance {
        Instance {
            condition: Condition::Normal,
            reason: String::new(),
            labels,
            result_labels,
            annotations: Labels::empty(),
            values: BTreeMap::new(),
            text: String::new(),
            error: None,
            since: at,
            ends_at: at,
            fired_at: None,
            resolved_at: None,
            last_sent_at: None,
            evaluated_at: at,
            told: None,
        }
    }

    /// The value of the rule's condition; of a classic one the first that matched.
    pub fn value(&self, condition: &str) -> f64 {
        self.values.get(condition).or_else(|| self.values.values().next()).copied().unwrap_or(f64::NAN)
    }

    fn advance(&mut self, outcome: &Outcome, at: Timestamp, terms: &Terms) {
        let before = self.condition;
        self.evaluated_at = at;
        self.take_values(outcome);
        self.error = None;
        match &outcome.verdict {
            Verdict::Normal => self.on_normal(at, terms),
            Verdict::Alerting => self.on_alerting(Condition::Alerting, at, terms),
            Verdict::NoData => match terms.no_data {
                NoDataPolicy::NoData => self.on_alerting(Condition::NoData, at, terms),
                NoDataPolicy::Alerting => self.on_alerting(Condition::Alerting, at, terms),
                NoDataPolicy::Ok => self.on_normal(at, terms),
                NoDataPolicy::KeepLast => self.keep_last(at, terms),
            },
            Verdict::Error(failure) => {
                match terms.on_error {
                    ErrorPolicy::Error => self.on_alerting(Condition::Error, at, terms),
                    ErrorPolicy::Alerting => self.on_alerting(Condition::Alerting, at, terms),
                    ErrorPolicy::Ok => self.on_normal(at, terms),
                    ErrorPolicy::KeepLast => self.keep_last(at, terms),
                }
                self.add_error(failure);
            }
        }
        self.reason = self.reason_of(&outcome.verdict, terms);
        self.settle_resolved(before, at);
    }

    /// Without a value all known refIds read -1, so that templates that speak of them still work.
    fn take_values(&mut self, outcome: &Outcome) {
        self.text = outcome.text.clone();
        match outcome.verdict {
            Verdict::NoData | Verdict::Error(_) => self.values.values_mut().for_each(|value| *value = -1.0),
            _ => {
                let values = outcome.values.iter();
                self.values = values.map(|(name, capture)| (name.clone(), capture.value.unwrap_or(f64::NAN))).collect();
            }
        }
    }

    fn enter(&mut self, condition: Condition, at: Timestamp, ends_at: Timestamp) {
        if condition.kind().is_some() && self.condition.kind() != condition.kind() {
            self.fired_at = Some(at);
        }
        self.condition = condition;
        self.since = at;
        self.ends_at = ends_at;
    }

    fn on_normal(&mut self, at: Timestamp, terms: &Terms) {
        match self.condition {
            Condition::Normal => {}
            Condition::Alerting if terms.keep_firing_for > Millis::ZERO => self.enter(Condition::Recovering, at, terms.next_end(at)),
            Condition::Recovering if at - self.since < terms.keep_firing_for => self.ends_at = terms.next_end(at),
            _ => self.enter(Condition::Normal, at, at),
        }
    }

    /// Towards alerting, no data or error; `for` holds for all three.
    fn on_alerting(&mut self, goal: Condition, at: Timestamp, terms: &Terms) {
        let end = terms.next_end(at);
        match self.condition {
            same if same == goal => self.ends_at = end,
            Condition::Pending if at - self.since < terms.hold => self.ends_at = end,
            Condition::Normal if terms.hold > Millis::ZERO => self.enter(Condition::Pending, at, end),
            // Data is back and bad after a time without: `for` begins.
            Condition::NoData | Condition::Error if goal == Condition::Alerting && terms.hold > Millis::ZERO => {
                self.enter(Condition::Pending, at, end);
            }
            _ => self.enter(goal, at, end),
        }
    }

    fn keep_last(&mut self, at: Timestamp, terms: &Terms) {
        match self.condition {
            Condition::Alerting | Condition::Pending => self.on_alerting(Condition::Alerting, at, terms),
            Condition::Recovering => self.ends_at = terms.next_end(at),
            _ => self.on_normal(at, terms),
        }
    }

    fn reason_of(&self, verdict: &Verdict, terms: &Terms) -> String {
        let (word, same, keeps) = match verdict {
            Verdict::Normal | Verdict::Alerting => return String::new(),
            Verdict::NoData => ("NoData", Condition::NoData, terms.no_data == NoDataPolicy::KeepLast),
            Verdict::Error(_) => ("Error", Condition::Error, terms.on_error == ErrorPolicy::KeepLast),
        };
        match (self.condition == same, keeps) {
            (true, _) => String::new(),
            (false, true) => format!("{word}, KeepLast"),
            (false, false) => word.to_string(),
        }
    }

    /// What went wrong as an annotation; the query that failed as labels of a `DatasourceError`, else as annotations.
    fn add_error(&mut self, failure: &Failure) {
        self.error = Some(failure.message.clone());
        let mut annotations = self.annotations.builder();
        annotations.set("Error", &failure.message);
        if let Some(uid) = &failure.datasource_uid {
            let mut labels = self.labels.builder();
            let target = if self.condition == Condition::Error { &mut labels } else { &mut annotations };
            target.set("ref_id", &failure.ref_id).set("datasource_uid", uid);
            self.labels = labels.labels();
        }
        self.annotations = annotations.labels();
    }

    fn settle_resolved(&mut self, before: Condition, at: Timestamp) {
        let over = self.condition.kind().is_none() && before.kind().is_some();
        if over {
            self.resolved_at = Some(at);
        } else if self.condition.kind().is_some() {
            self.resolved_at = None;
        }
        if self.condition == Condition::Normal {
            self.fired_at = None;
        }
    }

    /// The alerts that the router must hear of now. What it knows under other labels ends.
    fn tell(&mut self, at: Timestamp, out: &mut Vec<Alert>) {
        let due = self.last_sent_at.is_none_or(|sent| sent.saturating_add(RESEND_DELAY) <= at);
        match (self.condition.kind(), self.told.clone()) {
            (Some(kind), told) => {
                let labels = kind.labels(&self.labels);
                let since = self.fired_at.unwrap_or(self.since);
                if let Some((before, since)) = told.as_ref().filter(|(before, _)| *before != labels) {
                    out.push(self.alert(before.clone(), *since, at, at));
                }
                if due || told != Some((labels.clone(), since)) {
                    out.push(self.alert(labels.clone(), since, self.ends_at, at));
                    self.told = Some((labels, since));
                    self.last_sent_at = Some(at);
                }
            }
            (None, Some((labels, since))) => {
                let resolved_at = *self.resolved_at.get_or_insert(at);
                let news = self.last_sent_at.is_none_or(|sent| sent < resolved_at);
                if at - resolved_at > RESOLVED_RETENTION {
                    self.told = None;
                } else if news || due {
                    out.push(self.alert(labels, since, resolved_at, at));
                    self.last_sent_at = Some(at);
                }
            }
            (None, None) => {}
        }
    }

    fn alert(&self, labels: Labels, starts_at: Timestamp, ends_at: Timestamp, at: Timestamp) -> Alert {
        let mut annotations = self.annotations.builder();
        annotations.set("__orgId__", "1");
        if !self.text.is_empty() {
            annotations.set("__value_string__", &self.text);
        }
        if !self.values.is_empty() {
            annotations.set("__values__", &values_json(&self.values));
        }
        if !self.reason.is_empty() {
            annotations.set("grafana_state_reason", &self.reason);
        }
        let (annotations, generator_url) = (annotations.labels(), String::new());
        Alert { labels, annotations, starts_at, ends_at, updated_at: at, generator_url, timeout: false }
    }
}

/// `{"A":1,"B":0.5}`; NaN and the infinities, which JSON does not have, are null.
fn values_json(values: &BTreeMap<String, f64>) -> String {
    let number = |value: f64| if value.is_finite() { format_float(value) } else { "null".to_string() };
    let pairs: Vec<String> = values.iter().map(|(name, value)| format!("{}:{}", json_text(name), number(*value))).collect();
    format!("{{{}}}", pairs.join(","))
}

fn json_text(text: &str) -> String {
    let mut out = String::from('"');
    for c in text.chars() {
        match c {
            '"' => out.push_str("\\\""),
            '\\' => out.push_str("\\\\"),
            c if (c as u32) < 0x20 => out.push_str(&format!("\\u{:04x}", c as u32)),
            c => out.push(c),
        }
    }
    out.push('"');
    out
}
