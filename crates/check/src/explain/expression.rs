//! The condition of a rule, from its selectors to its root: what each part gives, and which one became empty.
//!
//! In:    an expression, a time, the series. Out: steps in the order of evaluation, how many series hold, and a reason in words.
//! Holds: the part that stops is the deepest empty one whose own parts are not empty.

use std::collections::BTreeMap;

use bellbuoy_promql::{At, BinaryOp, Expr, ExprKind, Matching, Value, VectorSelector};
use bellbuoy_vocabulary::{Labels, METRIC_NAME, Millis, Points, Timestamp, format_float, is_stale};

use super::nearest::{Looked, absence};
use super::tree::{PARTS_MAX, Part, PartKind, tree};
use super::words::{clock, cut, length, number, series, who};
use super::{Chart, ChartSeries, Near, PAST, Question, Row, Step, StepKind, StepState, World, label_map};
use crate::compared::is_turned;

const ROWS_MAX: usize = 20;
const CHARTS_MAX: usize = 3;
const CHART_SERIES_MAX: usize = 5;
const CHART_POINTS: i64 = 120;
/// No chart is shorter, however new its series.
const CHART_LEAST: Millis = Millis::from_minutes(2);
const PAST_POINTS: i64 = 240;

pub struct Condition {
    pub text: String,
    pub steps: Vec<Step>,
    /// Series at the root. `None`: not known.
    pub count: Option<usize>,
    /// Why it gives nothing, or why nobody knows.
    pub verdict: Option<String>,
}

type Rows = Vec<(Labels, f64)>;

enum Values {
    Scalar(f64),
    Vector(Rows),
    /// Of each series how many values are in the range.
    Ranges(Vec<(Labels, usize)>),
    Failed(String),
}

impl Values {
    fn count(&self) -> Option<usize> {
        match self {
            Values::Scalar(_) => Some(1),
            Values::Vector(rows) => Some(rows.len()),
            Values::Ranges(rows) => Some(rows.len()),
            Values::Failed(_) => None,
        }
    }
}

/// A part with what it gives.
struct Known<'a> {
    part: &'a Part,
    values: Values,
    parts: Vec<Known<'a>>,
}

impl Known<'_> {
    fn is_empty(&self) -> bool {
        self.part.is_vector() && self.values.count() == Some(0)
    }
}

/// `hold`: how long it has to hold, for the span of its charts.
pub fn look(expr: &Expr, question: &Question, world: &World, hold: Millis) -> Condition {
    let whole = || expr.to_string();
    let Some((root, text)) = tree(expr) else {
        let why = "the expression can not be taken apart".to_string();
        let step = Step::new(StepKind::Operator, whole(), StepState::Unknown, why.clone());
        return Condition { text: whole(), steps: vec![step], count: None, verdict: Some(why) };
    };
    if root.count() > PARTS_MAX {
        return undivided(&root, text, question, world);
    }
    let known = evaluate(&root, question.at, world);
    let window = (hold * 2).max(Millis::from_minutes(60));
    let culprit = if known.is_empty() { Some(culprit(&known) as *const Known) } else { None };
    let mut writer = Writer { world, question, culprit, window, steps: Vec::new(), charts: 0, verdict: None };
    writer.write(&known, 0);
    Condition { text, count: known.values.count(), verdict: writer.verdict, steps: writer.steps }
}

/// An expression of very many parts is shown as one step.
fn undivided(root: &Part, text: String, question: &Question, world: &World) -> Condition {
    let values = value_of(&root.expr, question.at, world);
    let (state, words) = match &values {
        Values::Failed(why) => (StepState::Unknown, why.clone()),
        values if values.count() == Some(0) => (StepState::Stopped, "gives nothing; it has too many parts to be taken apart".into()),
        values => (StepState::Passed, series(values.count().unwrap_or(0))),
    };
    let mut step = Step::new(StepKind::Operator, cut(&text, 200), state, words.clone());
    step.count = values.count();
    Condition { text, steps: vec![step], count: values.count(), verdict: Some(words) }
}

fn evaluate<'a>(part: &'a Part, at: Timestamp, world: &World) -> Known<'a> {
    // What is in a subquery is evaluated at many times; its newest values stand for it.
    let parts = part.parts.iter().map(|inner| evaluate(inner, at, world)).collect();
    Known { part, values: value_of(&part.expr, at, world), parts }
}

fn value_of(expr: &Expr, at: Timestamp, world: &World) -> Values {
    if matches!(expr.kind, ExprKind::Text(_)) {
        return Values::Scalar(f64::NAN);
    }
    match world.engine.instant_until(expr, world.source, at, world.stop) {
        Err(error) => Values::Failed(error.to_string()),
        Ok(answer) => match answer.value {
            Value::Scalar(sample) => Values::Scalar(sample.value),
            Value::Text(..) => Values::Scalar(f64::NAN),
            Value::Vector(rows) => {
                Values::Vector(rows.into_iter().map(|row| (row.labels, row.value.float().unwrap_or(f64::NAN))).collect())
            }
            Value::Matrix(rows) => {
                Values::Ranges(rows.into_iter().map(|row| (row.labels, row.points.floats.len() + row.points.histograms.len())).collect())
            }
        },
    }
}

/// The deepest part that is empty although its own parts are not.
fn culprit<'a, 'b>(known: &'b Known<'a>) -> &'b Known<'a> {
    // `or` is empty because both are; `unless` only because of its left side or of itself.
    let looked_at = match &known.part.kind {
        PartKind::Operator(BinaryOp::Unless, ..) => &known.parts[..1],
        PartKind::Call("absent" | "absent_over_time" | "scalar") => &[],
        _ => known.parts.as_slice(),
    };
    match looked_at.iter().find(|part| part.is_empty()) {
        Some(part) => culprit(part),
        None => known,
    }
}

struct Writer<'w, 'a> {
    world: &'w World<'w>,
    question: &'w Question,
    culprit: Option<*const Known<'a>>,
    window: Millis,
    steps: Vec<Step>,
    charts: usize,
    verdict: Option<String>,
}

impl<'a> Writer<'_, 'a> {
    fn write(&mut self, known: &Known<'a>, depth: usize) {
        for part in &known.parts {
            self.write(part, depth + 1);
        }
        if !known.part.is_vector() {
            return;
        }
        let stopped = self.culprit.is_some_and(|culprit| std::ptr::eq(culprit, known));
        let state = match &known.values {
            Values::Failed(_) => StepState::Unknown,
            _ if stopped => StepState::Stopped,
            values if values.count() == Some(0) => StepState::Skipped,
            _ => StepState::Passed,
        };
        let before = self.steps.len();
        match &known.part.kind {
            PartKind::Selector => self.selector(known, state),
            PartKind::Operator(op, matching, false) if op.is_comparison() => self.comparison(known, *op, matching, state),
            PartKind::Sign => {}
            _ => self.operator(known, state),
        }
        for step in &mut self.steps[before..] {
            step.place = Some(known.part.place);
            step.depth = depth;
        }
        if let Values::Failed(why) = &known.values {
            self.verdict.get_or_insert_with(|| why.clone());
        }
    }

    fn selector(&mut self, known: &Known<'a>, state: StepState) {
        let (selector, range) = match &known.part.expr.kind {
            ExprKind::Vector(selector) => (selector, None),
            ExprKind::Range(range) => (&range.selector, Some(range.range)),
            _ => return,
        };
        let to = selected_time(selector, self.question.at);
        let from = to.saturating_sub(range.unwrap_or(self.world.engine.options.lookback)).saturating_add(Millis(1));
        let title = cut(&known.part.text, 160);
        let found = match found(&selector.matchers, from, to, self.world) {
            Ok(found) => found,
            Err(why) => {
                self.steps.push(Step::new(StepKind::Selector, title, StepState::Unknown, why));
                return;
            }
        };
        if found.count == 0 {
            let absence = absence(&selector.matchers, Looked { from, to, now: self.question.at }, self.world);
            let mut step = Step::new(StepKind::Selector, title, state, absence.why.clone()).count(0);
            step.nearest = absence.near;
            self.steps.push(step);
            if state == StepState::Stopped {
                self.verdict = Some(absence.why);
            }
            return;
        }
        self.steps.push(Step::new(StepKind::Selector, title.clone(), StepState::Passed, series(found.count)).count(found.count));
        let usable = known.values.count().unwrap_or(0);
        let mut text = match found.newest {
            Some(at) => format!("newest {} old", length(to - at)),
            None => "no sample".into(),
        };
        if let (Values::Ranges(rows), Some(range)) = (&known.values, range) {
            let (least, most) = (rows.iter().map(|row| row.1).min().unwrap_or(0), rows.iter().map(|row| row.1).max().unwrap_or(0));
            let each = if least == most { format!("{least}") } else { format!("{least} to {most}") };
            text = format!("{each} in {} each, {text}", length(range));
        }
        if usable == 0 {
            let ended = found
                .ended
                .map_or_else(String::new, |at| format!(" at {} ({})", clock(at, self.question.at), length(self.question.at - at)));
            text = format!("{} ended{ended}: the target is gone or no longer exposes it", series(found.count));
            if state == StepState::Stopped {
                self.verdict = Some(format!("{} ended{ended}", cut(&known.part.text, 120)));
            }
        }
        let step = Step::new(StepKind::Samples, title, state, text).count(usable);
        self.steps.push(with_rows(step, &known.values));
    }

    fn operator(&mut self, known: &Known<'a>, state: StepState) {
        let inputs: Vec<String> =
            known.parts.iter().filter(|part| part.part.is_vector()).filter_map(|part| Some(part.values.count()?.to_string())).collect();
        let after = known.values.count();
        let text = match &known.values {
            Values::Failed(why) => why.clone(),
            _ => format!("{} → {}", inputs.join(" and "), after.unwrap_or(0)),
        };
        let mut step = Step::new(StepKind::Operator, cut(&known.part.text, 160), state, text);
        step.count = after;
        if state == StepState::Stopped {
            let (why, near) = self.why_empty(known);
            step.text = why.clone();
            step.nearest = near;
            self.verdict = Some(why);
        }
        self.steps.push(with_rows(step, &known.values));
    }

    /// An operator that gives nothing although its parts give something.
    fn why_empty(&self, known: &Known<'a>) -> (String, Vec<Near>) {
        let first = known.parts.first();
        let name = cut(&known.part.text, 100);
        match &known.part.kind {
            PartKind::Operator(BinaryOp::Unless, ..) => (
                format!(
                    "all {} of the left side are excluded by the right side of unless",
                    first.map_or(0, |part| part.values.count().unwrap_or(0))
                ),
                Vec::new(),
            ),
            PartKind::Operator(op, matching, _) => unmatched(known, *op, matching),
            PartKind::Call(function @ ("absent" | "absent_over_time")) => {
                let count = first.and_then(|part| part.values.count()).unwrap_or(0);
                let example = match first.map(|part| &part.values) {
                    Some(Values::Vector(rows)) => rows.first().map(|(labels, _)| labels.clone()),
                    Some(Values::Ranges(rows)) => rows.first().map(|(labels, _)| labels.clone()),
                    _ => None,
                };
                let near =
                    example.map(|labels| Near { text: format!("{labels} exists"), suggestion: None, labels: Some(label_map(&labels)) });
                (
                    format!(
                        "{function} gives nothing as long as there is a series: there {}",
                        if count == 1 { "is 1".into() } else { format!("are {count}") }
                    ),
                    near.into_iter().collect(),
                )
            }
            PartKind::Call(function @ ("rate" | "increase" | "irate" | "delta" | "idelta" | "deriv" | "predict_linear")) => {
                let most = match first.map(|part| &part.values) {
                    Some(Values::Ranges(rows)) => rows.iter().map(|row| row.1).max().unwrap_or(0),
                    _ => 0,
                };
                (
                    format!(
                        "{function} needs two samples in its range, no series has more than {most}; take a longer range than [{}]",
                        range_of(known)
                    ),
                    Vec::new(),
                )
            }
            PartKind::Call("histogram_quantile") => (format!("{name} finds no buckets: its series have no label le"), Vec::new()),
            _ => (format!("{name} gives nothing"), Vec::new()),
        }
    }

    fn comparison(&mut self, known: &Known<'a>, op: BinaryOp, matching: &Matching, state: StepState) {
        let mut rows = compared(known, op, matching);
        let pairs = rows.len();
        let mut step = Step::new(StepKind::Comparison, cut(&known.part.text, 160), state, String::new());
        step.count = known.values.count();
        let passing = step.count.unwrap_or(0);
        let symbol = op.symbol();
        step.text = match &known.values {
            Values::Failed(why) => why.clone(),
            _ if pairs == 0 => format!("{passing} passed"),
            _ => format!("{passing} of {pairs} {} {symbol} {}", if pairs == 1 { "value is" } else { "values are" }, threshold_text(&rows)),
        };
        // The closest first among those that do not pass.
        rows.sort_by(|a, b| b.passes.cmp(&a.passes).then(a.distance().total_cmp(&b.distance())));
        if state == StepState::Stopped && pairs == 0 {
            let (why, near) = unmatched(known, op, matching);
            (step.text, step.nearest) = (why.clone(), near);
            self.verdict = Some(why);
        } else if state == StepState::Stopped {
            let mut why = not_passing(&rows, symbol);
            if let Some((value, threshold, at)) = self.last_true(known, &rows) {
                let text = format!("last {} {symbol} {} at {}", number(value), number(threshold), clock(at, self.question.at));
                step.nearest.push(Near { text: text.clone(), suggestion: None, labels: None });
                why = format!("{why}; {text}");
            } else {
                step.nearest.push(Near {
                    text: "it was not true in the last 7d, or there are no data of them".into(),
                    suggestion: None,
                    labels: None,
                });
            }
            self.verdict = Some(why);
        }
        if self.charts < CHARTS_MAX && known.part.is_vector() {
            self.charts += 1;
            step.chart = self.chart(known, &rows);
        }
        step.rows_omitted = rows.len().saturating_sub(ROWS_MAX);
        step.rows = rows.into_iter().take(ROWS_MAX).map(|row| row.shown(symbol)).collect();
        self.steps.push(step);
    }

    /// The newest time at which the comparison was true, with its value: coarser the longer ago.
    fn last_true(&self, known: &Known<'a>, rows: &[Compared]) -> Option<(f64, f64, Timestamp)> {
        let at = self.question.at;
        for past in PAST {
            let step = (past.0 / PAST_POINTS).max(1_000);
            let answer =
                self.world.engine.range_until(&known.part.expr, self.world.source, at - past, at, Millis(step), self.world.stop).ok()?;
            let Value::Matrix(found) = answer.value else { return None };
            let last = found.iter().filter_map(|series| series.points.floats.last()).max_by_key(|sample| sample.at);
            if let Some(last) = last {
                return Some((last.value, rows.first()?.threshold, last.at));
            }
        }
        None
    }

    /// It begins with its data: of the first minute an hour would show a dot at its end.
    fn chart(&self, known: &Known<'a>, rows: &[Compared]) -> Option<Chart> {
        let whole = self.chart_of(known, rows, self.window)?;
        let values = whole.series.iter().filter(|series| series.role == "value");
        let first = values.filter_map(|series| Some(series.points.iter().find(|point| point.1.is_some())?.0)).min();
        // The first sample may be a step before the first point that shows it.
        let shown = first.map_or(self.window, |first| Millis(whole.to - first + whole.step_ms).max(CHART_LEAST));
        if shown.0 * 10 > self.window.0 * 9 { Some(whole) } else { self.chart_of(known, rows, shown).or(Some(whole)) }
    }

    fn chart_of(&self, known: &Known<'a>, rows: &[Compared], window: Millis) -> Option<Chart> {
        let to = self.question.at;
        let step = Millis((window.0 / CHART_POINTS).max(1_000));
        let from = to - Millis(window.0 / step.0 * step.0);
        let (left, right) = (known.parts.first()?, known.parts.get(1)?);
        let range = |part: &Known| match self.world.engine.range_until(&part.part.expr, self.world.source, from, to, step, self.world.stop)
        {
            Ok(answer) => match answer.value {
                Value::Matrix(series) => series,
                _ => Vec::new(),
            },
            Err(_) => Vec::new(),
        };
        let (values, thresholds) = if is_turned(&left.part.expr, &right.part.expr) { (right, left) } else { (left, right) };
        let wanted: Vec<&Labels> = rows.iter().take(CHART_SERIES_MAX).map(|row| &row.labels).collect();
        let mut series = Vec::new();
        for (part, role) in [(values, "value"), (thresholds, "threshold")] {
            let mut found = range(part);
            if role == "value" && found.len() > CHART_SERIES_MAX {
                found.retain(|series| wanted.contains(&&series.labels));
            }
            for one in found.into_iter().take(CHART_SERIES_MAX) {
                let mut points = Vec::new();
                let mut next = one.points.floats.iter().peekable();
                let mut at = from;
                while at <= to {
                    let value = next.next_if(|sample| sample.at == at).map(|sample| sample.value).filter(|value| value.is_finite());
                    points.push((at.0, value));
                    at += step;
                }
                series.push(ChartSeries { labels: label_map(&one.labels), role: role.into(), points });
            }
        }
        series.truncate(8);
        let unit = unit_of(&values.part.expr);
        (!series.is_empty()).then_some(Chart { from: from.0, to: to.0, step_ms: step.0, series, unit })
    }
}

/// The first of a vector's values beside the step.
fn with_rows(mut step: Step, values: &Values) -> Step {
    if let Values::Vector(rows) = values {
        let row = |(labels, value): &(Labels, f64)| Row { labels: label_map(labels), value: Some(format_float(*value)), ..Row::default() };
        step.rows = rows.iter().take(ROWS_MAX).map(row).collect();
        step.rows_omitted = rows.len().saturating_sub(ROWS_MAX);
    }
    step
}

struct Found {
    /// Series with any sample in the span, ended ones too.
    count: usize,
    newest: Option<Timestamp>,
    /// When the last of them ended.
    ended: Option<Timestamp>,
}

fn found(matchers: &[bellbuoy_vocabulary::Matcher], from: Timestamp, to: Timestamp, world: &World) -> Result<Found, String> {
    let all = world.source.select(from, to, matchers).map_err(|error| error.to_string())?;
    let mut out = Found { count: 0, newest: None, ended: None };
    let mut points = Points::default();
    for series in all {
        if (world.stop)() {
            return Err("it took too long".into());
        }
        points.clear();
        series.read(from, to, &mut points).map_err(|error| error.to_string())?;
        out.count += usize::from(!points.is_empty());
        let live = points.floats.iter().rev().find(|sample| !is_stale(sample.value)).map(|sample| sample.at);
        out.newest = out.newest.max(live).max(points.histograms.last().map(|(at, _)| *at));
        out.ended = out.ended.max(points.floats.last().filter(|sample| is_stale(sample.value)).map(|sample| sample.at));
    }
    Ok(out)
}

fn selected_time(selector: &VectorSelector, at: Timestamp) -> Timestamp {
    let at = match selector.at {
        Some(At::Time(time)) => time,
        Some(At::Start | At::End) | None => at,
    };
    at - selector.offset
}

fn range_of(known: &Known) -> String {
    let mut text = String::new();
    known.part.expr.walk(&mut |node| {
        if let ExprKind::Range(range) = &node.kind {
            text = bellbuoy_vocabulary::format_duration(range.range);
        }
    });
    text
}

/// One value beside what it is compared with.
struct Compared {
    labels: Labels,
    value: f64,
    threshold: f64,
    passes: bool,
}

impl Compared {
    fn distance(&self) -> f64 {
        let distance = (self.value - self.threshold).abs();
        if distance.is_nan() { f64::INFINITY } else { distance }
    }

    fn shown(self, op: &str) -> Row {
        Row {
            labels: label_map(&self.labels),
            value: Some(format_float(self.value)),
            threshold: Some(format_float(self.threshold)),
            op: op.into(),
            passes: Some(self.passes),
            ..Row::default()
        }
    }
}

fn holds(op: BinaryOp, a: f64, b: f64) -> bool {
    match op {
        BinaryOp::Equal => a == b,
        BinaryOp::NotEqual => a != b,
        BinaryOp::Less => a < b,
        BinaryOp::LessOrEqual => a <= b,
        BinaryOp::Greater => a > b,
        _ => a >= b,
    }
}

fn compared(known: &Known, op: BinaryOp, matching: &Matching) -> Vec<Compared> {
    let [left, right] = known.parts.as_slice() else { return Vec::new() };
    let one = |labels: &Labels, value: f64, threshold: f64, passes: bool| Compared { labels: labels.clone(), value, threshold, passes };
    match (&left.values, &right.values) {
        (Values::Vector(rows), Values::Scalar(threshold)) => {
            rows.iter().map(|(labels, value)| one(labels, *value, *threshold, holds(op, *value, *threshold))).collect()
        }
        (Values::Scalar(value), Values::Vector(rows)) => {
            rows.iter().map(|(labels, threshold)| one(labels, *value, *threshold, holds(op, *value, *threshold))).collect()
        }
        (Values::Vector(left), Values::Vector(right)) => {
            // The side with several series to one is gone through, whichever it is.
            let by_key: BTreeMap<Labels, f64> = right.iter().map(|(labels, value)| (key(labels, matching), *value)).collect();
            let pair = |(labels, value): &(Labels, f64)| {
                let threshold = *by_key.get(&key(labels, matching))?;
                Some(one(labels, *value, threshold, holds(op, *value, threshold)))
            };
            left.iter().filter_map(pair).collect()
        }
        _ => Vec::new(),
    }
}

/// The labels by which a series finds its partner.
fn key(labels: &Labels, matching: &Matching) -> Labels {
    let listed = |name: &str| matching.labels.iter().any(|label| label == name);
    let mut key = labels.builder();
    key.keep(|name| if matching.on { listed(name) } else { !listed(name) && name != METRIC_NAME });
    key.labels()
}

fn threshold_text(rows: &[Compared]) -> String {
    match rows.first() {
        Some(first) if rows.iter().all(|row| row.threshold == first.threshold) => number(first.threshold),
        _ => "what they are compared with".into(),
    }
}

fn not_passing(rows: &[Compared], symbol: &str) -> String {
    let Some(best) = rows.first() else { return "there is nothing to compare".into() };
    let (value, threshold) = (number(best.value), number(best.threshold));
    match rows.len() {
        1 => format!("{value} is not {symbol} {threshold}"),
        count => format!("none of {count} values is {symbol} {threshold}, the closest is {value} of {}", who(&best.labels)),
    }
}

/// Two sides with series that do not find each other.
fn unmatched(known: &Known, op: BinaryOp, matching: &Matching) -> (String, Vec<Near>) {
    let side = |index: usize| match known.parts.get(index).map(|part| &part.values) {
        Some(Values::Vector(rows)) => rows.first().map(|(labels, _)| labels.clone()),
        _ => None,
    };
    let (Some(left), Some(right)) = (side(0), side(1)) else {
        return (format!("{} gives nothing", cut(&known.part.text, 100)), Vec::new());
    };
    let (left_key, right_key) = (key(&left, matching), key(&right, matching));
    let names = |labels: &Labels, other: &Labels| {
        labels.iter().filter(|(name, value)| other.get(name) != *value).map(|(name, _)| name.to_string()).collect::<Vec<_>>()
    };
    let mut differ = names(&left_key, &right_key);
    differ.extend(names(&right_key, &left_key));
    differ.sort();
    differ.dedup();
    let near = [("left", &left), ("right", &right)]
        .map(|(side, labels)| Near {
            text: format!("on the {side}: {}", if labels.is_empty() { "{}".into() } else { labels.to_string() }),
            suggestion: None,
            labels: Some(label_map(labels)),
        })
        .into();
    let why = format!(
        "no series of the left side of {} has a partner on the right with the same labels; they differ in {}",
        op.symbol(),
        differ.join(", ")
    );
    (why, near)
}

/// What the name of the first metric says of its values, when nothing was made of them that changes their unit.
fn unit_of(expr: &Expr) -> Option<String> {
    let mut counts = false;
    expr.walk(&mut |node| counts |= matches!(&node.kind, ExprKind::Call(call) if matches!(call.function.name, "rate" | "increase" | "irate" | "count_over_time")) || matches!(&node.kind, ExprKind::Binary(_)));
    let quantile = matches!(&expr.unparenthesized().kind, ExprKind::Call(call) if call.function.name == "histogram_quantile");
    if counts && !quantile {
        return None;
    }
    let name = expr.selectors().first()?.name.clone()?;
    ["seconds", "bytes", "ratio", "celsius"].into_iter().find(|unit| name.split('_').any(|word| word == *unit)).map(str::to_string)
}
