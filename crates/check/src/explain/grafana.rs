//! The condition of a Grafana rule: each query and expression in the order in which they run, with what it gives.
//!
//! In:    a rule, a time, the series. Out: steps, how many elements of the condition alert, and a reason in words.
//! Holds: a query without data is explained as an expression is; no data and errors say what the rule makes of them.

use std::collections::{BTreeMap, BTreeSet};

use bellbuoy_rules::grafana::{
    Classic, ErrorPolicy, Evaluator, Expression, Failure, Float, GrafanaSettings, Item, Look, NoDataPolicy, Node, NodeKind, Query,
    QueryKind, ReduceMode, Threshold, Verdict, look as evaluate,
};
use bellbuoy_rules::{Evaluation, RESEND_DELAY};
use bellbuoy_vocabulary::{Labels, Millis, format_duration, format_float};

use super::expression::{self, Condition};
use super::words::{cut, number, series, who};
use super::{Question, Row, Step, StepKind, StepState, World, label_map};

#[cfg(test)]
mod tests;

const ROWS_MAX: usize = 20;

type Results<'a> = BTreeMap<&'a str, &'a Result<Vec<Item>, Failure>>;

/// `loaded`: the elements whose alerts were active before, for recovery thresholds.
pub fn look(rule: &GrafanaSettings, loaded: &BTreeSet<Labels>, question: &Question, world: &World) -> Condition {
    let with = Evaluation {
        engine: world.engine,
        source: world.source,
        external_labels: world.external_labels,
        external_url: world.external_url,
        resend_delay: RESEND_DELAY,
    };
    let found = evaluate(rule, &with, question.at, loaded);
    let results: Results = rule.nodes.iter().map(|node| node.ref_id.as_str()).zip(&found.nodes).collect();
    let mut writer = Writer { rule, found: &found, results, loaded, question, world, steps: Vec::new(), verdict: None };
    for (node, result) in rule.nodes.iter().zip(&found.nodes) {
        writer.node(node, result);
    }
    writer.policy();
    let failed = found.outcomes.iter().all(|(_, verdict)| matches!(verdict, Verdict::Error(_)));
    // A rule that fails has no known number of alerts, unless it says what a failure means.
    let count = if failed && rule.on_error == ErrorPolicy::KeepLast { None } else { Some(found.alerting()) };
    Condition { text: rule.query_text(), steps: writer.steps, count, verdict: writer.verdict }
}

struct Writer<'a> {
    rule: &'a GrafanaSettings,
    found: &'a Look,
    results: Results<'a>,
    loaded: &'a BTreeSet<Labels>,
    question: &'a Question,
    world: &'a World<'a>,
    steps: Vec<Step>,
    verdict: Option<String>,
}

impl Writer<'_> {
    fn node(&mut self, node: &Node, result: &Result<Vec<Item>, Failure>) {
        let items = match result {
            Ok(items) => items,
            Err(failure) => return self.failed(node, failure),
        };
        match &node.kind {
            NodeKind::Query(query) => self.query(node, query, items),
            NodeKind::Expression(expression) if self.without_data(expression) => {
                self.steps.push(Step::new(StepKind::Operator, title(node), StepState::Skipped, "no data to work on"));
            }
            NodeKind::Expression(Expression::Threshold(threshold)) => self.threshold(node, threshold, items),
            NodeKind::Expression(Expression::Classic(classic)) => self.classic(node, classic, items),
            NodeKind::Expression(expression) => self.expression(node, expression, items),
        }
    }

    /// Classic conditions may ask for just that.
    fn without_data(&self, expression: &Expression) -> bool {
        let silent = |name: &&str| matches!(self.results.get(name), Some(Ok(items)) if items == &[Item::NoData]);
        !matches!(expression, Expression::Classic(_)) && expression.needs().iter().any(silent)
    }

    /// What fails where it began is said there; who reads it is not reached.
    fn failed(&mut self, node: &Node, failure: &Failure) {
        let own = failure.ref_id == node.ref_id;
        let (state, text) =
            if own { (StepState::Unknown, failure.message.clone()) } else { (StepState::Skipped, format!("{} failed", failure.ref_id)) };
        self.steps.push(Step::new(StepKind::Operator, title(node), state, text));
        if own {
            self.verdict.get_or_insert_with(|| failure.message.clone());
        }
    }

    fn query(&mut self, node: &Node, query: &Query, items: &[Item]) {
        let at = self.question.at.saturating_sub(query.to);
        let range = match query.kind {
            QueryKind::Instant => String::new(),
            QueryKind::Range { step } => {
                format!(", every {} of the last {}", format_duration(step), format_duration(query.from - query.to))
            }
        };
        if items == [Item::NoData] {
            // Why there is nothing is in the parts of the query.
            let inner = expression::look(&query.expr, &Question { at, ..self.question.clone() }, self.world, Millis::ZERO);
            let why = inner.verdict.unwrap_or_else(|| "it gives nothing".into());
            self.steps.extend(inner.steps.into_iter().map(|step| Step { depth: step.depth + 1, place: None, ..step }));
            // The culprit among them has the mark; a range that is empty although its end is not has none.
            let stopped = self.steps.iter().any(|step| step.state == StepState::Stopped);
            let state = if stopped { StepState::Skipped } else { StepState::Stopped };
            self.steps.push(Step::new(StepKind::Operator, title(node), state, format!("no data{range}")).count(0));
            self.verdict.get_or_insert_with(|| format!("{} has no data: {why}", node.ref_id));
            return;
        }
        let points: usize = items.iter().map(|item| if let Item::Series { points, .. } = item { points.len() } else { 1 }).sum();
        let each = if range.is_empty() { String::new() } else { format!(", {points} values{range}") };
        self.push(node, StepKind::Samples, StepState::Passed, format!("{}{each}", series(items.len())), items);
    }

    /// Reduce, math, resample: what came in and what went out.
    fn expression(&mut self, node: &Node, expression: &Expression, items: &[Item]) {
        let inputs: Vec<String> = expression.needs().iter().map(|name| self.input(name).len().to_string()).collect();
        let is_condition = node.ref_id == self.rule.condition;
        let true_ones = items.iter().filter(|item| value(item).is_some_and(|value| value != 0.0)).count();
        let (state, text) = if !is_condition {
            (StepState::Passed, format!("{} → {}", inputs.join(" and "), items.len()))
        } else if self.found.alerting() == 0 {
            let why = format!("0 of {} {} not 0", items.len(), if items.len() == 1 { "value is" } else { "values are" });
            self.stop(format!("{} is 0 for all it was asked for", self.text_of(node)));
            (self.stopped_state(), why)
        } else {
            (
                StepState::Passed,
                format!("{true_ones} of {} {} not 0", items.len(), if items.len() == 1 { "value is" } else { "values are" }),
            )
        };
        self.push(node, if is_condition { StepKind::Comparison } else { StepKind::Operator }, state, text, items);
    }

    fn threshold(&mut self, node: &Node, threshold: &Threshold, items: &[Item]) {
        let input = self.input(&threshold.input);
        let mut rows: Vec<Row> = Vec::new();
        for item in &input {
            let unload = threshold.unload.filter(|_| self.loaded.contains(&item.labels()));
            let (evaluator, passes) = match (unload, value(item)) {
                (Some(unload), seen) => (unload, seen.map(|seen| !unload.holds(seen))),
                (None, seen) => (threshold.evaluator, seen.map(|seen| threshold.evaluator.holds(seen))),
            };
            let note = if unload.is_some() { "fires until this holds" } else { "" };
            let (op, limit) = limit_of(evaluator);
            rows.push(Row {
                labels: label_map(&item.labels()),
                value: value(item).map(format_float),
                threshold: Some(limit),
                op: op.into(),
                passes,
                note: note.into(),
                at: None,
            });
        }
        let passing = rows.iter().filter(|row| row.passes == Some(true)).count();
        let (op, limit) = limit_of(threshold.evaluator);
        let text = format!("{passing} of {} {} {op} {limit}", rows.len(), if rows.len() == 1 { "value is" } else { "values are" });
        let stopped = node.ref_id == self.rule.condition && self.found.alerting() == 0;
        if stopped {
            let all: Vec<(Labels, f64)> = input.iter().filter_map(|item| Some((item.labels(), value(item)?))).collect();
            self.stop(none_of(&all, threshold.evaluator));
        }
        let state = if stopped { self.stopped_state() } else { StepState::Passed };
        let mut step =
            Step::new(StepKind::Comparison, title(node), state, text).count(items.iter().filter(|item| value(item) == Some(1.0)).count());
        rows.sort_by_key(|row| std::cmp::Reverse(row.passes));
        step.rows_omitted = rows.len().saturating_sub(ROWS_MAX);
        rows.truncate(ROWS_MAX);
        step.rows = rows;
        self.steps.push(step);
    }

    fn classic(&mut self, node: &Node, classic: &Classic, items: &[Item]) {
        let mut rows = Vec::new();
        for condition in &classic.conditions {
            let (op, limit) = limit_of(condition.evaluator);
            for item in self.input(&condition.input) {
                let seen = match &item {
                    Item::Series { points, .. } => condition.reducer.apply(&points.iter().map(|(_, value)| *value).collect::<Vec<_>>()),
                    other => value(other),
                };
                rows.push(Row {
                    labels: label_map(&item.labels()),
                    value: seen.map(format_float),
                    threshold: Some(limit.clone()),
                    op: op.into(),
                    passes: Some(condition.evaluator.holds_classic(seen)),
                    note: format!("{:?} of {}", condition.reducer, condition.input).to_lowercase(),
                    at: None,
                });
            }
        }
        let passing = rows.iter().filter(|row| row.passes == Some(true)).count();
        let text = format!("{passing} of {} conditions' values hold", rows.len());
        let stopped = node.ref_id == self.rule.condition && self.found.alerting() == 0;
        if stopped {
            self.stop(format!("{} does not hold", self.text_of(node)));
        }
        let state = if stopped { self.stopped_state() } else { StepState::Passed };
        let mut step =
            Step::new(StepKind::Comparison, title(node), state, text).count(items.iter().filter(|item| value(item) == Some(1.0)).count());
        step.rows_omitted = rows.len().saturating_sub(ROWS_MAX);
        rows.truncate(ROWS_MAX);
        step.rows = rows;
        self.steps.push(step);
    }

    /// What the rule makes of no data and of errors.
    fn policy(&mut self) {
        let is = |wanted: fn(&Verdict) -> bool| self.found.outcomes.iter().any(|(_, verdict)| wanted(verdict));
        let no_data = is(|verdict| *verdict == Verdict::NoData);
        let failed = is(|verdict| matches!(verdict, Verdict::Error(_)));
        if no_data {
            let (state, text) = match self.rule.no_data {
                NoDataPolicy::NoData => (StepState::Passed, "NoData: the alert DatasourceNoData"),
                NoDataPolicy::Alerting => (StepState::Passed, "Alerting: no data is taken for the condition"),
                NoDataPolicy::Ok => (StepState::Stopped, "OK: no data keeps it normal"),
                NoDataPolicy::KeepLast => (StepState::Passed, "KeepLast: it stays as it was"),
            };
            self.said("noDataState", state, text);
        }
        if failed {
            let (state, text) = match self.rule.on_error {
                ErrorPolicy::Error => (StepState::Passed, "Error: the alert DatasourceError"),
                ErrorPolicy::Alerting => (StepState::Passed, "Alerting: a failure is taken for the condition"),
                ErrorPolicy::Ok => (StepState::Stopped, "OK: a failure keeps it normal"),
                ErrorPolicy::KeepLast => (StepState::Passed, "KeepLast: it stays as it was"),
            };
            self.said("execErrState", state, text);
        }
    }

    fn said(&mut self, name: &str, state: StepState, text: &str) {
        let why = self.verdict.take().map_or(String::new(), |why| format!("{why}; "));
        self.verdict = Some(format!("{why}{name} is {text}"));
        let earlier = self.steps.iter().any(|step| step.state == StepState::Stopped);
        let state = if earlier && state == StepState::Stopped { StepState::Skipped } else { state };
        self.steps.push(Step::new(StepKind::Operator, name, state, text));
    }

    /// The condition holds for nobody: that is where it ends, unless there was nothing to judge.
    fn stop(&mut self, why: String) {
        if self.judged() {
            self.verdict.get_or_insert(why);
        }
    }

    fn stopped_state(&self) -> StepState {
        if self.judged() { StepState::Stopped } else { StepState::Skipped }
    }

    fn judged(&self) -> bool {
        self.found.outcomes.iter().any(|(_, verdict)| *verdict == Verdict::Normal)
    }

    fn input(&self, name: &str) -> Vec<Item> {
        match self.results.get(name) {
            Some(Ok(items)) => items.clone(),
            _ => Vec::new(),
        }
    }

    fn text_of(&self, node: &Node) -> String {
        cut(&title(node), 120)
    }

    fn push(&mut self, node: &Node, kind: StepKind, state: StepState, text: String, items: &[Item]) {
        let mut step = Step::new(kind, title(node), state, text).count(items.len());
        step.rows = items
            .iter()
            .take(ROWS_MAX)
            .map(|item| Row { labels: label_map(&item.labels()), value: newest(item).map(format_float), ..Row::default() })
            .collect();
        step.rows_omitted = items.len().saturating_sub(ROWS_MAX);
        self.steps.push(step);
    }
}

fn value(item: &Item) -> Float {
    match item {
        Item::Scalar(value) | Item::Number { value, .. } => *value,
        Item::Series { .. } | Item::NoData => None,
    }
}

fn newest(item: &Item) -> Float {
    match item {
        Item::Series { points, .. } => points.last().and_then(|(_, value)| *value),
        other => value(other),
    }
}

/// `C: B < 0.6`, `B: last of A`.
fn title(node: &Node) -> String {
    let text = match &node.kind {
        NodeKind::Query(query) => query.text.clone(),
        NodeKind::Expression(Expression::Math(math)) => math.text().to_string(),
        NodeKind::Expression(Expression::Reduce(reduce)) => {
            let mode = match reduce.mode {
                ReduceMode::Strict => String::new(),
                ReduceMode::Drop => " without nulls".into(),
                ReduceMode::Replace(other) => format!(" with {} for nulls", number(other)),
            };
            format!("{} of {}{mode}", format!("{:?}", reduce.reducer).to_lowercase(), reduce.input)
        }
        NodeKind::Expression(Expression::Resample(resample)) => {
            format!("{} resampled every {}", resample.input, format_duration(resample.window))
        }
        NodeKind::Expression(Expression::Threshold(threshold)) => {
            let (op, limit) = limit_of(threshold.evaluator);
            let back = threshold.unload.map(limit_of).map_or(String::new(), |(op, limit)| format!(", until {op} {limit}"));
            format!("{} {op} {limit}{back}", threshold.input)
        }
        NodeKind::Expression(Expression::Classic(classic)) => {
            let one = |(index, condition): (usize, &bellbuoy_rules::grafana::ClassicCondition)| {
                let (op, limit) = limit_of(condition.evaluator);
                let word = if index == 0 {
                    ""
                } else if condition.or {
                    "or "
                } else {
                    "and "
                };
                format!("{word}{} of {} {op} {limit}", format!("{:?}", condition.reducer).to_lowercase(), condition.input)
            };
            classic.conditions.iter().enumerate().map(one).collect::<Vec<_>>().join(" ")
        }
    };
    format!("{}: {}", node.ref_id, cut(&text, 160))
}

/// The operator and what is compared with.
fn limit_of(evaluator: Evaluator) -> (&'static str, String) {
    let range = |a: f64, b: f64| format!("{} to {}", number(a), number(b));
    match evaluator {
        Evaluator::Above(limit) => (">", number(limit)),
        Evaluator::Below(limit) => ("<", number(limit)),
        Evaluator::Equal(limit) => ("==", number(limit)),
        Evaluator::NotEqual(limit) => ("!=", number(limit)),
        Evaluator::AtLeast(limit) => (">=", number(limit)),
        Evaluator::AtMost(limit) => ("<=", number(limit)),
        Evaluator::Within(a, b) => ("within", range(a, b)),
        Evaluator::Outside(a, b) => ("outside", range(a, b)),
        Evaluator::WithinIncluded(a, b) => ("within or at", range(a, b)),
        Evaluator::OutsideIncluded(a, b) => ("outside or at", range(a, b)),
        Evaluator::NoValue => ("without", "a value".into()),
    }
}

fn none_of(values: &[(Labels, f64)], evaluator: Evaluator) -> String {
    let (op, limit) = limit_of(evaluator);
    let aim = match evaluator {
        Evaluator::Above(limit)
        | Evaluator::Below(limit)
        | Evaluator::Equal(limit)
        | Evaluator::AtLeast(limit)
        | Evaluator::AtMost(limit) => limit,
        Evaluator::NotEqual(limit) => limit,
        Evaluator::Within(a, _) | Evaluator::Outside(a, _) | Evaluator::WithinIncluded(a, _) | Evaluator::OutsideIncluded(a, _) => a,
        Evaluator::NoValue => 0.0,
    };
    let closest = values.iter().filter(|(_, value)| !value.is_nan()).min_by(|a, b| (a.1 - aim).abs().total_cmp(&(b.1 - aim).abs()));
    match (values, closest) {
        ([(_, value)], _) => format!("{} is not {op} {limit}", number(*value)),
        (_, Some((labels, value))) => {
            format!("none of {} values is {op} {limit}, the closest is {} of {}", values.len(), number(*value), who(labels))
        }
        _ => format!("there is no value to compare with {limit}"),
    }
}
