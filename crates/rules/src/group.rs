//! A rule group at work: when it is due, what each rule gives, and which of its series have ended.
//!
//! The boat evaluates rule by rule with an appender each, because a later rule reads what an earlier one has recorded:
//! ```text
//! for index in 0..group.len() {
//!     let mut appender = store.appender();
//!     let report = group.evaluate_rule(index, at, &with, &mut appender);
//!     appender.commit();
//!     group.set_evaluation_seconds(index, took);
//! }
//! group.finish_evaluation(at, took);
//! ```

use std::collections::{BTreeMap, BTreeSet};
use std::sync::OnceLock;

use bellbuoy_template::TemplateError;
use bellbuoy_template::rule::{RuleContext, RuleTemplate};
use bellbuoy_vocabulary::{ALERT_NAME, Alert, Append, AppendError, Labels, METRIC_NAME, Millis, STALE_NAN, Timestamp};

use crate::alerting::{ActiveAlert, Alerts, Found, State, Terms};
use crate::grafana::GrafanaRule;
use crate::report::{GroupReport, Health, RuleReport};
use crate::{AlertingSettings, Evaluation, GroupSettings, RecordingSettings, RuleError, RuleSettings};

/// One rule with everything that lives from one evaluation to the next.
pub(crate) struct Rule {
    pub settings: RuleSettings,
    /// The expression as PromQL prints it.
    pub query: String,
    templates: Templates,
    pub alerts: Alerts,
    /// `Some` exactly for a rule of Grafana, whose instances live here and not in `alerts`.
    pub grafana: Option<Box<GrafanaRule>>,
    /// Series that the last evaluation gave: those that the next one does not give end.
    pub previous: BTreeSet<Labels>,
    pub health: Health,
    pub last_error: Option<String>,
    pub evaluation_seconds: f64,
    pub last_evaluation: Option<Timestamp>,
}

/// A group of a rule file and its state.
pub struct Group {
    pub(crate) settings: GroupSettings,
    pub(crate) rules: Vec<Rule>,
    /// Series of rules that a reload took away; the next evaluation ends them.
    stale: Vec<Labels>,
    pub(crate) evaluation_seconds: f64,
    pub(crate) last_evaluation: Option<Timestamp>,
}

impl Group {
    pub fn new(settings: GroupSettings) -> Group {
        let rules = settings.rules.iter().map(|rule| Rule::new(rule.clone())).collect();
        Group { settings, rules, stale: Vec::new(), evaluation_seconds: 0.0, last_evaluation: None }
    }

    pub fn name(&self) -> &str {
        &self.settings.name
    }

    pub fn file(&self) -> &str {
        &self.settings.file
    }

    /// `file;name`, the value of the label `rule_group` in Prometheus' own metrics.
    pub fn key(&self) -> String {
        format!("{};{}", self.settings.file, self.settings.name)
    }

    pub fn interval(&self) -> Millis {
        Millis(self.settings.interval.0.max(1))
    }

    pub fn settings(&self) -> &GroupSettings {
        &self.settings
    }

    /// The `record` or `alert` of a rule; empty when there is no rule of this index.
    pub fn rule_name(&self, index: usize) -> &str {
        self.rules.get(index).map_or("", |rule| rule.name())
    }

    /// How many rules it has.
    pub fn len(&self) -> usize {
        self.rules.len()
    }

    pub fn is_empty(&self) -> bool {
        self.rules.is_empty()
    }

    /// When the group is evaluated first: the next of its slots after `now`.
    pub fn first_due(&self, now: Timestamp) -> Timestamp {
        self.next_due(now)
    }

    /// The first of the group's slots after `now`. Slots lie `interval` apart, shifted by a hash of the group's file and name:
    /// groups do not all run at the same moment, and a restart does not move them. Slots that were missed are skipped.
    pub fn next_due(&self, now: Timestamp) -> Timestamp {
        let interval = self.interval().0;
        let identity = Labels::from_pairs([("file", self.file()), ("name", self.name())]);
        let offset = (identity.fingerprint() % interval as u64) as i64;
        let slot = now.0 - (now.0 - offset).rem_euclid(interval);
        Timestamp(slot + interval)
    }

    /// All rules, in order, into one appender. Right only when `out` shows at once what it takes; see the head of this file.
    pub fn evaluate(&mut self, at: Timestamp, with: &Evaluation, out: &mut dyn Append) -> GroupReport {
        let rules = (0..self.len()).map(|index| self.evaluate_rule(index, at, with, out)).collect();
        self.finish_evaluation(at, 0.0);
        GroupReport { rules }
    }

    /// One rule at `at`. What it gives goes to `out`; the caller commits.
    pub fn evaluate_rule(&mut self, index: usize, at: Timestamp, with: &Evaluation, out: &mut dyn Append) -> RuleReport {
        let mut report = RuleReport::default();
        let sample_at = at.saturating_sub(self.settings.query_offset);
        let Some(rule) = self.rules.get_mut(index) else { return report };
        rule.last_evaluation = Some(at);
        let result = match &rule.settings {
            RuleSettings::Recording(settings) => record(settings, sample_at, self.settings.limit, with, &mut report),
            RuleSettings::Alerting(settings) => {
                let times = Times { at, sample_at, interval: self.settings.interval };
                let limit = self.settings.limit;
                let work = AlertWork { rule: settings, templates: &rule.templates, query: &rule.query, times, limit, with };
                work.run(&mut rule.alerts, &mut report)
            }
            RuleSettings::Grafana(_) => match &mut rule.grafana {
                Some(grafana) => grafana.evaluate(at, self.settings.interval, with, &mut report),
                None => Ok(Vec::new()),
            },
        };
        match result {
            Ok(samples) => rule.append(samples, sample_at, out, &mut report),
            Err(error) => report.error = Some(error),
        }
        rule.note(report.error.as_ref());
        if report.health == Health::NoData && report.error.is_none() {
            rule.health = Health::NoData;
        }
        report.health = rule.health;
        if index + 1 == self.rules.len() {
            self.end_stale(sample_at, out);
        }
        report
    }

    /// The state of a rule and how many of its alerts are pending and firing; `None` for recording rules.
    pub fn rule_state(&self, index: usize) -> Option<(State, usize, usize)> {
        let rule = self.rules.get(index)?;
        let count = |states: &mut dyn Iterator<Item = State>| {
            let (mut pending, mut firing) = (0, 0);
            for state in states {
                pending += usize::from(state == State::Pending);
                firing += usize::from(state == State::Firing);
            }
            (pending, firing)
        };
        let (state, (pending, firing)) = match (&rule.settings, &rule.grafana) {
            (RuleSettings::Recording(_), _) => return None,
            (RuleSettings::Grafana(settings), _) if settings.record.is_some() => return None,
            (_, Some(grafana)) => (grafana.instances.state(), count(&mut grafana.views().into_iter().map(|view| view.state))),
            (_, None) => (rule.alerts.state(), count(&mut rule.alerts.active.values().map(|alert| alert.state))),
        };
        Some((state, pending, firing))
    }

    /// After the last rule; `seconds` by the boat's clock for the whole group.
    pub fn finish_evaluation(&mut self, at: Timestamp, seconds: f64) {
        self.last_evaluation = Some(at);
        self.evaluation_seconds = seconds;
    }

    /// Until then a Grafana rule that finds no data waits: nobody has written any yet, after a start.
    pub fn settle(&mut self, until: Timestamp) {
        for grafana in self.rules.iter_mut().filter_map(|rule| rule.grafana.as_mut()) {
            grafana.instances.settled = grafana.instances.settled.max(Some(until));
        }
    }

    /// The group is no longer configured: ends all its series. Its firing alerts end at the router when nobody repeats them.
    pub fn end(&mut self, at: Timestamp, out: &mut dyn Append) {
        let sample_at = at.saturating_sub(self.settings.query_offset);
        for rule in &mut self.rules {
            self.stale.extend(std::mem::take(&mut rule.previous));
        }
        self.end_stale(sample_at, out);
    }

    /// Series that a rule of now gives under the same labels go on.
    fn end_stale(&mut self, at: Timestamp, out: &mut dyn Append) {
        for labels in std::mem::take(&mut self.stale) {
            if !self.rules.iter().any(|rule| rule.previous.contains(&labels)) {
                end_series(&labels, at, out);
            }
        }
    }

    /// The store could not commit what the rule gave.
    pub fn commit_failed(&mut self, index: usize, reason: impl Into<String>) {
        if let Some(rule) = self.rules.get_mut(index) {
            rule.note(Some(&RuleError::Commit(reason.into())));
        }
    }

    /// How long the rule's evaluation took by the boat's clock, for the API.
    pub fn set_evaluation_seconds(&mut self, index: usize, seconds: f64) {
        if let Some(rule) = self.rules.get_mut(index) {
            rule.evaluation_seconds = seconds;
        }
    }

    /// After a reload: takes alerts and staleness from the group of the same file and name before it. A rule is the same when its
    /// name, labels and expression are; then, for what is left, when its name and labels are, as in Prometheus: whoever changes
    /// a threshold does not want firing alerts to start anew. Series of the rules that are gone end at the next evaluation.
    pub fn take_over(&mut self, old: &Group) {
        self.evaluation_seconds = old.evaluation_seconds;
        self.last_evaluation = old.last_evaluation;
        self.stale.extend(old.stale.iter().cloned());
        let mut left: Vec<Option<&Rule>> = old.rules.iter().map(Some).collect();
        let mut open: Vec<usize> = (0..self.rules.len()).collect();
        for with_query in [true, false] {
            open.retain(|index| {
                let rule = &mut self.rules[*index];
                let same = |old: &Option<&Rule>| old.is_some_and(|old| rule.is_same(old, with_query));
                let Some(found) = left.iter().position(same).and_then(|at| left[at].take()) else { return true };
                rule.inherit(found);
                false
            });
        }
        for gone in left.into_iter().flatten() {
            self.stale.extend(gone.previous.iter().cloned());
        }
    }
}

impl Rule {
    fn new(settings: RuleSettings) -> Rule {
        let query = match &settings {
            RuleSettings::Recording(rule) => rule.expr.to_string(),
            RuleSettings::Alerting(rule) => rule.expr.to_string(),
            RuleSettings::Grafana(rule) => rule.query_text(),
        };
        let grafana = match &settings {
            RuleSettings::Grafana(rule) => Some(Box::new(GrafanaRule::new((**rule).clone()))),
            _ => None,
        };
        Rule {
            templates: Templates::of(&settings),
            settings,
            query,
            alerts: Alerts::default(),
            grafana,
            previous: BTreeSet::new(),
            health: Health::Unknown,
            last_error: None,
            evaluation_seconds: 0.0,
            last_evaluation: None,
        }
    }

    pub fn name(&self) -> &str {
        match &self.settings {
            RuleSettings::Recording(rule) => &rule.record,
            RuleSettings::Alerting(rule) => &rule.alert,
            RuleSettings::Grafana(rule) => &rule.title,
        }
    }

    /// The rule's own labels as one text: with the name, what tells rules apart.
    pub fn labels_text(&self) -> String {
        match &self.settings {
            RuleSettings::Recording(rule) => rule.labels.to_string(),
            RuleSettings::Alerting(rule) => Labels::from_pairs(rule.labels.iter().map(|(name, value)| (name, value))).to_string(),
            // Two rules may have one title, never one uid.
            RuleSettings::Grafana(rule) => rule.uid.clone(),
        }
    }

    fn is_same(&self, other: &Rule, with_query: bool) -> bool {
        std::mem::discriminant(&self.settings) == std::mem::discriminant(&other.settings)
            && self.name() == other.name()
            && (!with_query || self.query == other.query)
            && self.labels_text() == other.labels_text()
    }

    fn inherit(&mut self, old: &Rule) {
        self.alerts = old.alerts.clone();
        if let (Some(new), Some(old)) = (&mut self.grafana, &old.grafana) {
            new.instances = old.instances.clone();
        }
        self.previous = old.previous.clone();
        self.health = old.health;
        self.last_error = old.last_error.clone();
        self.evaluation_seconds = old.evaluation_seconds;
        self.last_evaluation = old.last_evaluation;
    }

    fn note(&mut self, error: Option<&RuleError>) {
        self.health = if error.is_some() { Health::Err } else { Health::Ok };
        self.last_error = error.map(|error| error.to_string());
    }

    /// Hands the results to the store and ends the series that are no longer among them.
    fn append(&mut self, samples: Vec<(Labels, f64)>, at: Timestamp, out: &mut dyn Append, report: &mut RuleReport) {
        let mut given = BTreeSet::new();
        for (labels, value) in samples {
            let taken = out.series(&labels).and_then(|(series, _)| out.append(series, at, value));
            match taken {
                Ok(()) => {
                    report.samples += 1;
                    given.insert(labels);
                }
                Err(reason) => {
                    match reason {
                        AppendError::OutOfOrder => report.dropped.out_of_order += 1,
                        AppendError::TooOld => report.dropped.too_old += 1,
                        AppendError::DuplicateTimestamp => report.dropped.duplicate += 1,
                        AppendError::UnknownRef | AppendError::SeriesLimit(_) => report.dropped.other += 1,
                    }
                    report.error = Some(RuleError::Append { series: labels.to_string(), reason });
                }
            }
        }
        for ended in self.previous.difference(&given) {
            end_series(ended, at, out);
        }
        self.previous = given;
    }
}

/// Errors are expected here: another rule may have given the same series at the same time.
fn end_series(labels: &Labels, at: Timestamp, out: &mut dyn Append) {
    if let Ok((series, _)) = out.series(labels) {
        let _ = out.append(series, at, STALE_NAN);
    }
}

/// A recording rule: the result under the rule's name, with the rule's labels over the result's own.
fn record(
    rule: &RecordingSettings,
    at: Timestamp,
    limit: u64,
    with: &Evaluation,
    report: &mut RuleReport,
) -> Result<Vec<(Labels, f64)>, RuleError> {
    let (elements, warnings) = with.vector(&rule.expr, at)?;
    report.warnings = warnings;
    report.saw(elements.iter().map(|element| element.value));
    let count = elements.len();
    let mut series = BTreeMap::new();
    let mut histograms = 0;
    for element in elements {
        let mut labels = element.labels.builder();
        labels.set(METRIC_NAME, &rule.record);
        for (name, value) in &rule.labels {
            labels.set(name, value);
        }
        if series.insert(labels.labels(), element.value).is_some() {
            return Err(RuleError::SameRecordedLabels);
        }
        histograms += usize::from(element.value.is_none());
    }
    if limit > 0 && count as u64 > limit {
        return Err(RuleError::SeriesLimit { limit, count: count as u64 });
    }
    if histograms > 0 {
        report.warnings.push(format!("{histograms} native histograms not recorded: only floats can be recorded so far"));
    }
    Ok(series.into_iter().filter_map(|(labels, value)| Some((labels, value?))).collect())
}

#[derive(Clone, Copy)]
struct Times {
    at: Timestamp,
    /// `at` less the group's `query_offset`: when the expression is asked and where samples are written.
    sample_at: Timestamp,
    interval: Millis,
}

/// The templates of an alerting rule's labels and annotations, in the order of its settings, each read when the rule first has an alert: of
/// 10,000 rules few ever have one, and what was read takes fifty times its text. What can not be read says so in every alert.
#[derive(Default)]
struct Templates {
    labels: Vec<ReadOnce>,
    annotations: Vec<ReadOnce>,
}

type ReadOnce = OnceLock<Result<RuleTemplate, TemplateError>>;

impl Templates {
    fn of(settings: &RuleSettings) -> Templates {
        let RuleSettings::Alerting(rule) = settings else { return Templates::default() };
        let unread = |texts: &[(String, String)]| texts.iter().map(|_| ReadOnce::new()).collect();
        Templates { labels: unread(&rule.labels), annotations: unread(&rule.annotations) }
    }
}

/// One evaluation of an alerting rule.
struct AlertWork<'a> {
    rule: &'a AlertingSettings,
    templates: &'a Templates,
    query: &'a str,
    times: Times,
    limit: u64,
    with: &'a Evaluation<'a>,
}

impl AlertWork<'_> {
    /// The alerts' next states, their samples, and the alerts the router must hear of.
    fn run(&self, alerts: &mut Alerts, report: &mut RuleReport) -> Result<Vec<(Labels, f64)>, RuleError> {
        let found = self.find(report)?;
        let terms = Terms { hold: self.rule.hold, keep_firing_for: self.rule.keep_firing_for, limit: self.limit };
        report.transitions = alerts.step(found, self.times.at, &terms)?;
        // Two more evaluations may fail to reach the router before it thinks that the alert is over.
        let ends_at = self.times.at + Millis(self.times.interval.0.max(self.with.resend_delay.0) * 4);
        let generator_url = self.with.generator_url(self.query);
        for (labels, alert) in alerts.take_due(self.times.at, self.with.resend_delay) {
            report.alerts.push(message(&labels, &alert, self.times.at, ends_at, &generator_url, self.with.external_labels));
        }
        Ok(alerts.samples())
    }

    /// The expression's result as label sets with their annotations.
    fn find(&self, report: &mut RuleReport) -> Result<BTreeMap<Labels, Found>, RuleError> {
        let (elements, warnings) = self.with.vector(&self.rule.expr, self.times.sample_at)?;
        report.warnings = warnings;
        report.saw(elements.iter().map(|element| element.value));
        let mut found = BTreeMap::new();
        let mut histograms = 0;
        for element in elements {
            let Some(value) = element.value else {
                histograms += 1;
                continue;
            };
            let mut labels = element.labels.builder();
            labels.remove(METRIC_NAME);
            for ((name, text), template) in self.rule.labels.iter().zip(&self.templates.labels) {
                labels.set(name, &self.expand(text, template, &element.labels, value, report));
            }
            labels.set(ALERT_NAME, &self.rule.alert);
            let annotations = self.rule.annotations.iter().zip(&self.templates.annotations);
            let annotations = Labels::from_pairs(
                annotations.map(|((name, text), template)| (name, self.expand(text, template, &element.labels, value, report))),
            );
            if found.insert(labels.labels(), Found { annotations, value }).is_some() {
                return Err(RuleError::SameAlertLabels);
            }
        }
        if histograms > 0 {
            report
                .warnings
                .push(format!("{histograms} native histograms ignored: an alert needs a float; use histogram_quantile or the like"));
        }
        Ok(found)
    }

    /// A template's text for one series. What can not be expanded says so in the alert: an alert without words beats none.
    fn expand(&self, text: &str, template: &ReadOnce, labels: &Labels, value: f64, report: &mut RuleReport) -> String {
        let (external_labels, external_url) = (self.with.external_labels, self.with.external_url);
        let context = RuleContext { labels, value, external_labels, external_url, now: self.times.at };
        let expanded = match template.get_or_init(|| RuleTemplate::parse(text)) {
            Ok(template) => template.expand(&context, &|text| self.with.query(text, self.times.at)),
            Err(error) => Err(error.clone()),
        };
        expanded.unwrap_or_else(|error| {
            report.warnings.push(format!("expanding a template of {}: {error}", self.rule.alert));
            format!("<error expanding template: {error}>")
        })
    }
}

/// An alert as the router hears of it.
fn message(labels: &Labels, alert: &ActiveAlert, at: Timestamp, ends_at: Timestamp, generator_url: &str, external: &Labels) -> Alert {
    let mut all = labels.builder();
    for (name, value) in external {
        if !labels.has(name) {
            all.set(name, value);
        }
    }
    Alert {
        labels: all.labels(),
        annotations: alert.annotations.clone(),
        starts_at: alert.fired_at.unwrap_or(alert.active_at),
        ends_at: if alert.state == State::Resolved { alert.resolved_at.unwrap_or(at) } else { ends_at },
        updated_at: at,
        generator_url: generator_url.to_string(),
        timeout: false,
    }
}
