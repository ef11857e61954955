//! promtool's rule tests: input series on a virtual clock, and the alerts and values that are expected of them.
//!
//! The boat reads the YAML (`rule_files`, `tests`) and hands over typed tests; the answer is a list of what failed.

mod dump;
mod printed;

use bellbuoy_promql::{Engine, Value};
use bellbuoy_vocabulary::{ALERT_NAME, Append, Labels, Millis, Timestamp};

use crate::memory::MemoryStore;
use crate::series_text::{parse_metric, parse_values};
use crate::{Evaluation, Group, GroupSettings, RESEND_DELAY, State};

pub use dump::dump;

/// Evaluations of one test: a far `eval_time` with a short interval would run for ever.
const EVALUATIONS_MAX: i64 = 1_000_000;

/// One entry of `tests`, with the file's defaults filled in.
#[derive(Clone, Debug, Default)]
pub struct RuleTest {
    pub name: String,
    /// Between two values of an input series.
    pub interval: Millis,
    /// Between two evaluations of all groups (`evaluation_interval` of the file).
    pub evaluation_interval: Millis,
    /// When the clock starts (`start_timestamp`).
    pub start: Timestamp,
    pub input_series: Vec<InputSeries>,
    pub alert_tests: Vec<AlertTest>,
    pub promql_tests: Vec<PromqlTest>,
    pub external_labels: Labels,
    pub external_url: String,
    /// Take values that differ in their last bit as equal (`fuzzy_compare`).
    pub fuzzy_compare: bool,
}

/// `series: up{job="a"}` and `values: 1 0x10`; see `series_text`.
#[derive(Clone, Debug)]
pub struct InputSeries {
    pub series: String,
    pub values: String,
}

/// `alert_rule_test`: exactly these alerts of this name fire at that time.
#[derive(Clone, Debug)]
pub struct AlertTest {
    pub eval_time: Millis,
    pub alertname: String,
    pub expected: Vec<ExpectedAlert>,
}

/// `exp_labels` (without `alertname`) and `exp_annotations`.
#[derive(Clone, Debug)]
pub struct ExpectedAlert {
    pub labels: Labels,
    pub annotations: Labels,
}

/// `promql_expr_test`: the expression has exactly these values at that time.
#[derive(Clone, Debug)]
pub struct PromqlTest {
    pub expr: String,
    pub eval_time: Millis,
    /// Labels as PromQL writes them, and the value.
    pub expected: Vec<(String, f64)>,
}

/// One expectation that was not met, or a test that could not be run. Prints as promtool prints it.
#[derive(Clone, Debug, PartialEq)]
pub struct Failure {
    pub test: String,
    /// `alertname: Down`, `expr: "up"`, `rule: x`, `input_series: ...`
    pub subject: String,
    pub time: Millis,
    pub reason: Reason,
}

/// Labels and annotations.
pub type FoundAlert = (Labels, Labels);

#[derive(Clone, Debug, PartialEq)]
pub enum Reason {
    /// It could not be evaluated.
    Error(String),
    /// Other alerts fire than were expected; both sorted.
    Alerts {
        expected: Vec<FoundAlert>,
        got: Vec<FoundAlert>,
    },
    Values {
        expected: Vec<(Labels, f64)>,
        got: Vec<(Labels, f64)>,
    },
}

/// Runs one test on all groups, in their order (`group_eval_order`). Each is evaluated at every `evaluation_interval`, whatever its own.
pub fn run(test: &RuleTest, groups: &[GroupSettings], engine: &Engine) -> Vec<Failure> {
    run_on(test, groups, engine, &MemoryStore::new())
}

/// The same on a store of the caller's, which then holds all that went in and all that the rules made of it.
pub fn run_on(test: &RuleTest, groups: &[GroupSettings], engine: &Engine, store: &MemoryStore) -> Vec<Failure> {
    let fail = |subject: String, time: Millis, reason: Reason| Failure { test: test.name.clone(), subject, time, reason };
    let step = test.evaluation_interval;
    let last = test.alert_tests.iter().map(|t| t.eval_time).chain(test.promql_tests.iter().map(|t| t.eval_time)).max().unwrap_or_default();
    if step <= Millis::ZERO || last.0 / step.0 > EVALUATIONS_MAX {
        let reason = format!("evaluation_interval {step} up to {last} is not between 1 and {EVALUATIONS_MAX} evaluations");
        return vec![fail("test".into(), last, Reason::Error(reason))];
    }
    let mut series = match read_input(test) {
        Ok(series) => series,
        Err((subject, reason)) => return vec![fail(subject, Millis::ZERO, Reason::Error(reason))],
    };
    let mut groups: Vec<Group> = groups.iter().cloned().map(Group::new).collect();
    let with = Evaluation {
        engine,
        source: store,
        external_labels: &test.external_labels,
        external_url: &test.external_url,
        resend_delay: RESEND_DELAY,
    };
    let mut failures = Vec::new();
    let mut now = Millis::ZERO;
    while now <= last {
        let at = test.start + now;
        for input in &mut series {
            input.feed(at, store);
        }
        for group in &mut groups {
            group.evaluate(at, &with, &mut { store });
            let views = group.rules_view();
            let errors = views.iter().filter_map(|rule| Some((rule, rule.last_error.as_ref()?)));
            failures.extend(errors.map(|(rule, error)| fail(format!("rule: {}", rule.name), now, Reason::Error(error.to_string()))));
        }
        // As in promtool a rule that fails ends the test: nothing after it could be trusted.
        if failures.iter().any(|failure| failure.subject.starts_with("rule: ")) {
            return failures;
        }
        let next = now + step;
        for expected in test.alert_tests.iter().filter(|t| now <= t.eval_time && t.eval_time < next) {
            if let Some(reason) = compare_alerts(expected, &groups) {
                failures.push(fail(format!("alertname: {}", expected.alertname), expected.eval_time, reason));
            }
        }
        now = next;
    }
    // Values after the last evaluation but before an expression's time.
    for input in &mut series {
        input.feed(test.start + last, store);
    }
    for expected in &test.promql_tests {
        if let Err(reason) = compare_values(expected, test, engine, store) {
            failures.push(fail(format!("expr: {:?}", expected.expr), expected.eval_time, reason));
        }
    }
    failures
}

/// An input series and how far it has been fed.
struct Input {
    labels: Labels,
    values: std::vec::IntoIter<Option<f64>>,
    next_at: Timestamp,
    interval: Millis,
}

impl Input {
    fn feed(&mut self, until: Timestamp, mut store: &MemoryStore) {
        while self.next_at <= until && !self.values.as_slice().is_empty() {
            if let Some(value) = self.values.next().flatten()
                && let Ok((series, _)) = store.series(&self.labels)
            {
                // A rule that writes the same series wins, as it does in a store.
                let _ = store.append(series, self.next_at, value);
            }
            self.next_at += self.interval;
        }
    }
}

fn read_input(test: &RuleTest) -> Result<Vec<Input>, (String, String)> {
    let mut out = Vec::new();
    if test.interval <= Millis::ZERO {
        return Err(("interval".into(), "must be longer than 0".into()));
    }
    for input in &test.input_series {
        let subject = || format!("input_series: {}", input.series);
        let labels = parse_metric(&input.series).map_err(|reason| (subject(), reason))?;
        let values = parse_values(&input.values).map_err(|reason| (subject(), reason))?;
        out.push(Input { labels, values: values.into_iter(), next_at: test.start, interval: test.interval });
    }
    Ok(out)
}

fn compare_alerts(test: &AlertTest, groups: &[Group]) -> Option<Reason> {
    let mut got = Vec::new();
    for rule in groups.iter().flat_map(Group::rules_view).filter(|rule| rule.name == test.alertname) {
        let firing = rule.alerts.into_iter().filter(|alert| alert.state == State::Firing);
        got.extend(firing.map(|alert| (alert.labels, alert.annotations)));
    }
    let with_name = |alert: &ExpectedAlert| alert.labels.builder().set(ALERT_NAME, &test.alertname).labels();
    let mut expected: Vec<FoundAlert> = test.expected.iter().map(|alert| (with_name(alert), alert.annotations.clone())).collect();
    got.sort();
    expected.sort();
    (got != expected).then_some(Reason::Alerts { expected, got })
}

fn compare_values(test: &PromqlTest, all: &RuleTest, engine: &Engine, store: &MemoryStore) -> Result<(), Reason> {
    let mut got = values_of(test, all, engine, store).map_err(Reason::Error)?;
    let mut expected = Vec::new();
    for (labels, value) in &test.expected {
        let labels = parse_metric(labels).map_err(|reason| Reason::Error(format!("labels {labels:?}: {reason}")))?;
        expected.push((labels, *value));
    }
    got.sort_by(|a, b| a.0.cmp(&b.0));
    expected.sort_by(|a, b| a.0.cmp(&b.0));
    let same = got.len() == expected.len() && got.iter().zip(&expected).all(|(g, e)| g.0 == e.0 && same_value(g.1, e.1, all.fuzzy_compare));
    if same { Ok(()) } else { Err(Reason::Values { expected, got }) }
}

fn values_of(test: &PromqlTest, all: &RuleTest, engine: &Engine, store: &MemoryStore) -> Result<Vec<(Labels, f64)>, String> {
    let expr = bellbuoy_promql::parse(&test.expr).map_err(|error| error.to_string())?;
    let answer = engine.instant(&expr, store, all.start + test.eval_time).map_err(|error| error.to_string())?;
    match answer.value {
        Value::Vector(elements) => elements
            .into_iter()
            .map(|element| match element.value.float() {
                Some(value) => Ok((element.labels, value)),
                None => Err(format!("{} is a native histogram, which rule tests do not compare yet", element.labels)),
            })
            .collect(),
        Value::Scalar(sample) => Ok(vec![(Labels::empty(), sample.value)]),
        _ => Err("rule result is not a vector or scalar".into()),
    }
}

/// NaN equals nothing in promtool either.
fn same_value(a: f64, b: f64, fuzzy: bool) -> bool {
    a == b || fuzzy && (a.next_up() == b || a.next_down() == b)
}
