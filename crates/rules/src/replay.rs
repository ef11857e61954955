//! What an alerting rule would have done over a span of time: its alerts' lives from series alone.
//!
//! In:    an alerting rule, its group, the series (or somebody who evaluates), a span. Out: every change of state, and the alerts at the end of the span.
//! Never: writes a series or tells the router; expands annotations before the last evaluation (labels are, they tell alerts apart).
//! Holds: the same states as evaluations one by one give, for the expression's values are taken from range queries at the same times.

use std::collections::{BTreeMap, BTreeSet};

use bellbuoy_promql::{Answer, At, Expr, ExprKind, SeriesPoints, Value};
use bellbuoy_template::rule::{RuleContext, RuleTemplate};
use bellbuoy_vocabulary::{ALERT_NAME, Labels, METRIC_NAME, Millis, Timestamp};

use crate::alerting::{Alerts, Found, State, Terms};
use crate::grafana::{Answers, GrafanaRule, GrafanaSettings};
use crate::report::RuleReport;
use crate::{AlertView, AlertingSettings, Evaluation, RuleError, Transition};

/// Evaluations of one range query: bounds the values in memory.
const STEPS_AT_ONCE: i64 = 500;
/// The same of a server; Prometheus answers at most 11,000.
const STEPS_ASKED: i64 = 5_000;
/// Evaluations of one replay; who asks for more gets an error.
pub const STEPS_MAX: i64 = 500_000;

/// Which evaluations there were.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Span {
    /// The first evaluation and the last possible one.
    pub from: Timestamp,
    pub to: Timestamp,
    pub step: Millis,
}

/// What the replay saw.
#[derive(Clone, Debug, Default)]
pub struct Replayed {
    pub transitions: Vec<Transition>,
    /// Pending and firing at the end, with annotations.
    pub alerts: Vec<AlertView>,
    pub evaluations: u64,
    /// Evaluations at which the expression gave anything.
    pub held: u64,
}

/// Somebody else who evaluates: the values of an expression at `from`, `from + step`, ... up to `to`, a series each.
pub type Ask<'a> = dyn Fn(&Expr, Timestamp, Timestamp, Millis) -> Result<Vec<SeriesPoints>, String> + 'a;

/// Replays a rule. `stop` is asked between queries and ends it with an error.
pub fn replay(rule: &AlertingSettings, span: Span, with: &Evaluation, stop: &dyn Fn() -> bool) -> Result<Replayed, RuleError> {
    replay_asking(rule, span, with, None, stop)
}

/// The same with values that a server gives. Templates of labels see the series of `with`.
pub fn replay_asking(
    rule: &AlertingSettings,
    span: Span,
    with: &Evaluation,
    ask: Option<&Ask>,
    stop: &dyn Fn() -> bool,
) -> Result<Replayed, RuleError> {
    let Span { from, to, step } = span;
    if step <= Millis::ZERO || (to - from).0 / step.0.max(1) > STEPS_MAX {
        return Err(RuleError::Query(format!("more than {STEPS_MAX} evaluations between {from} and {to}; take a longer step")));
    }
    let one_by_one = asks_for_the_ends(&rule.expr);
    let labels: Vec<(String, Option<RuleTemplate>, String)> = rule.labels.iter().map(prepared).collect();
    let at_once = if ask.is_some() { STEPS_ASKED } else { STEPS_AT_ONCE };
    let mut work = Work { rule, with, ask, labels, alerts: Alerts::default(), out: Replayed::default(), last: None };
    let mut at = from;
    while at <= to {
        if stop() {
            return Err(RuleError::Query("it took too long".into()));
        }
        let count = if one_by_one { 1 } else { at_once.min((to - at).0 / step.0 + 1) };
        let until = at + Millis(step.0 * (count - 1));
        work.chunk(at, until, step, stop)?;
        at = until + step;
    }
    Ok(work.finish())
}

/// The same of a Grafana rule, evaluation by evaluation. With the labels of the condition's elements whose alerts were active before the last
/// one: its recovery thresholds depend on them.
pub fn replay_grafana(
    rule: &GrafanaSettings,
    span: Span,
    with: &Evaluation,
    ask: Option<&Ask>,
    stop: &dyn Fn() -> bool,
) -> Result<(Replayed, BTreeSet<Labels>), RuleError> {
    let Span { from, to, step } = span;
    if step <= Millis::ZERO || (to - from).0 / step.0.max(1) > STEPS_MAX {
        return Err(RuleError::Query(format!("more than {STEPS_MAX} evaluations between {from} and {to}; take a longer step")));
    }
    let one_by_one = rule.queries().any(|query| asks_for_the_ends(&query.expr));
    let (mut work, mut out, mut loaded) = (GrafanaRule::new(rule.clone()), Replayed::default(), BTreeSet::new());
    let mut at = from;
    while at <= to {
        if stop() {
            return Err(RuleError::Query("it took too long".into()));
        }
        if let Some(ask) = ask
            && work.answers.as_ref().is_none_or(|answers| answers.until < at)
        {
            let count = if one_by_one { 1 } else { STEPS_AT_ONCE.min((to - at).0 / step.0 + 1) };
            let answers = Answers::of(rule, at, at + Millis(step.0 * (count - 1)), step, ask);
            work.answers = Some(answers.map_err(RuleError::Query)?);
        }
        loaded = work.instances.loaded();
        let mut report = RuleReport::default();
        work.evaluate(at, step, with, &mut report)?;
        out.evaluations += 1;
        out.held += u64::from(work.instances.state() > State::Inactive);
        out.transitions.append(&mut report.transitions);
        at += step;
    }
    out.alerts = work.views();
    Ok((out, loaded))
}

/// The template of a label when it is one. What is plain text needs no expansion.
fn prepared((name, text): &(String, String)) -> (String, Option<RuleTemplate>, String) {
    let template = if text.contains("{{") { RuleTemplate::parse(text).ok() } else { None };
    (name.clone(), template, text.clone())
}

/// `@ start()` and `@ end()` mean the query's own span, which a range query changes.
fn asks_for_the_ends(expr: &Expr) -> bool {
    let mut found = false;
    expr.walk(&mut |node| {
        let at = match &node.kind {
            ExprKind::Vector(selector) => selector.at,
            ExprKind::Range(range) => range.selector.at,
            ExprKind::Subquery(subquery) => subquery.at,
            _ => None,
        };
        found |= matches!(at, Some(At::Start | At::End));
    });
    found
}

/// By the alert's labels: the labels and the value of its series.
type Behind = BTreeMap<Labels, (Labels, f64)>;

struct Work<'a> {
    rule: &'a AlertingSettings,
    with: &'a Evaluation<'a>,
    ask: Option<&'a Ask<'a>>,
    labels: Vec<(String, Option<RuleTemplate>, String)>,
    alerts: Alerts,
    out: Replayed,
    /// The series behind each alert at the last evaluation, for its annotations.
    last: Option<(Timestamp, Behind)>,
}

impl Work<'_> {
    fn chunk(&mut self, from: Timestamp, to: Timestamp, step: Millis, stop: &dyn Fn() -> bool) -> Result<(), RuleError> {
        let expr = &self.rule.expr;
        let series = match self.ask {
            Some(ask) => ask(expr, from, to, step).map_err(RuleError::Query)?,
            None => match self.with.engine.range_until(expr, self.with.source, from, to, step, stop) {
                Err(error) => return Err(RuleError::Query(error.to_string())),
                Ok(Answer { value: Value::Matrix(series), .. }) => series,
                Ok(_) => return Err(RuleError::NotVector),
            },
        };
        let mut next: Vec<usize> = vec![0; series.len()];
        let mut at = from;
        while at <= to {
            let mut found = BTreeMap::new();
            for (series, next) in series.iter().zip(&mut next) {
                let Some(sample) = series.points.floats.get(*next).filter(|sample| sample.at == at) else { continue };
                *next += 1;
                let labels = self.alert_labels(&series.labels, sample.value, at);
                if found.insert(labels, (series.labels.clone(), sample.value)).is_some() {
                    return Err(RuleError::SameAlertLabels);
                }
            }
            self.step(found, at)?;
            at += step;
        }
        Ok(())
    }

    fn step(&mut self, found: Behind, at: Timestamp) -> Result<(), RuleError> {
        self.out.evaluations += 1;
        self.out.held += u64::from(!found.is_empty());
        let values = found.iter().map(|(labels, (_, value))| (labels.clone(), Found { annotations: Labels::empty(), value: *value }));
        let terms = Terms { hold: self.rule.hold, keep_firing_for: self.rule.keep_firing_for, limit: 0 };
        self.out.transitions.extend(self.alerts.step(values.collect(), at, &terms)?);
        self.last = Some((at, found));
        Ok(())
    }

    fn alert_labels(&self, series: &Labels, value: f64, at: Timestamp) -> Labels {
        let mut labels = series.builder();
        labels.remove(METRIC_NAME);
        for (name, template, text) in &self.labels {
            match template {
                Some(template) => labels.set(name, &self.expand(template, series, value, at)),
                None => labels.set(name, text),
            };
        }
        labels.set(ALERT_NAME, &self.rule.alert);
        labels.labels()
    }

    fn expand(&self, template: &RuleTemplate, series: &Labels, value: f64, at: Timestamp) -> String {
        let (external_labels, external_url) = (self.with.external_labels, self.with.external_url);
        let context = RuleContext { labels: series, value, external_labels, external_url, now: at };
        template.expand(&context, &|text| self.with.query(text, at)).unwrap_or_else(|error| format!("<error expanding template: {error}>"))
    }

    fn finish(self) -> Replayed {
        let mut alerts = Vec::new();
        for (labels, alert) in self.alerts.active.iter().filter(|(_, alert)| alert.state >= State::Pending) {
            let behind = self.last.as_ref().and_then(|(at, found)| Some((*at, found.get(labels)?)));
            let annotations = behind.map_or(Labels::empty(), |(at, (series, value))| {
                let texts = self.rule.annotations.iter().map(|(name, text)| match RuleTemplate::parse(text) {
                    Ok(template) => (name.as_str(), self.expand(&template, series, *value, at)),
                    Err(error) => (name.as_str(), format!("<error expanding template: {error}>")),
                });
                Labels::from_pairs(texts)
            });
            alerts.push(AlertView {
                labels: labels.clone(),
                annotations,
                state: alert.state,
                active_at: alert.active_at,
                keep_firing_since: alert.keep_firing_since,
                value: alert.value,
            });
        }
        Replayed { alerts, ..self.out }
    }
}
