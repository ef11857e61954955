//! The same rule with other values of its threshold, its `for` or its `keep_firing_for`, and which of them to take.
//!
//! In:    a rule and a range of values. Out: a `Variant` a value; a `Suggestion` with its reason, or why there is none.

use bellbuoy_promql::{Expr, ExprKind, parse};
use bellbuoy_rules::AlertingSettings;
use bellbuoy_rules::replay::Span;
use bellbuoy_vocabulary::{Millis, Timestamp, format_duration, parse_duration};

use super::{Backtest, Incident, Past, backtest};
use crate::explain::words::number;

/// Values of one sweep.
const VALUES_MAX: usize = 200;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Parameter {
    Threshold,
    For,
    KeepFiringFor,
}

/// `threshold=0.2..0.5/0.05`, `for=0s..30m/5m`
#[derive(Clone, Debug, PartialEq)]
pub struct Sweep {
    pub parameter: Parameter,
    /// Thresholds, or seconds.
    pub values: Vec<f64>,
}

/// One value and what it would have done.
#[derive(Clone, Debug)]
pub struct Variant {
    pub value: f64,
    /// As it is written in the rule: `0.35`, `10m`.
    pub text: String,
    /// The rule as it is.
    pub current: bool,
    pub backtest: Backtest,
    /// How many of the current rule's real incidents it would have caught.
    pub caught: usize,
    /// How much later, on average, it would have fired in them.
    pub later: Millis,
}

#[derive(Clone, Debug, PartialEq)]
pub struct Suggestion {
    pub value: String,
    pub reason: String,
}

impl Sweep {
    pub fn parse(text: &str) -> Result<Sweep, String> {
        let wrong = || format!("{text:?}: write threshold=0.2..0.5/0.05 or for=0s..30m/5m");
        let (name, range) = text.split_once('=').ok_or_else(wrong)?;
        let parameter = match name.trim() {
            "threshold" => Parameter::Threshold,
            "for" => Parameter::For,
            "keep_firing_for" => Parameter::KeepFiringFor,
            _ => return Err(wrong()),
        };
        Ok(Sweep { parameter, values: values_of(text, range, parameter != Parameter::Threshold)? })
    }
}

/// `0.2..0.5/0.05`, or with `durations` `0s..30m/5m`, in seconds. `text`: the whole, for errors.
pub fn values_of(text: &str, range: &str, durations: bool) -> Result<Vec<f64>, String> {
    let wrong = || format!("{text:?}: write {}", if durations { "for=0s..30m/5m" } else { "threshold=0.2..0.5/0.05" });
    let read = |text: &str| match durations {
        false => text.trim().parse::<f64>().ok().filter(|value| value.is_finite()),
        true => parse_duration(text.trim()).ok().map(Millis::seconds),
    };
    let (from, rest) = range.split_once("..").ok_or_else(wrong)?;
    let (to, step) = rest.split_once('/').ok_or_else(wrong)?;
    let (Some(from), Some(to), Some(step)) = (read(from), read(to), read(step)) else { return Err(wrong()) };
    if step <= 0.0 || to < from {
        return Err(format!("{text:?}: the end is behind the start, and the step above 0"));
    }
    let count = ((to - from) / step + 1e-9).floor() as usize + 1;
    if count > VALUES_MAX {
        return Err(format!("{text:?}: {count} values are more than {VALUES_MAX}; take a larger step"));
    }
    // Rounded to the step's own digits: 0.1 + 0.2 is no 0.30000000000000004 here.
    let value = |index: usize| format!("{:.9}", from + step * index as f64).parse().unwrap_or(from);
    Ok((0..count).map(value).collect())
}

/// The value of now among the others.
pub fn with_own(mut values: Vec<f64>, own: Option<f64>) -> Vec<f64> {
    if let Some(own) = own.filter(|own| !values.contains(own)) {
        values.push(own);
        values.sort_by(f64::total_cmp);
    }
    values
}

/// The rule with another value. The error: it has no such number.
pub fn changed(rule: &AlertingSettings, parameter: Parameter, value: f64) -> Result<AlertingSettings, String> {
    let length = Millis((value * 1000.0) as i64);
    match parameter {
        Parameter::For => Ok(AlertingSettings { hold: length, ..rule.clone() }),
        Parameter::KeepFiringFor => Ok(AlertingSettings { keep_firing_for: length, ..rule.clone() }),
        Parameter::Threshold => {
            let text = rule.expr.to_string();
            let expr = parse(&text).map_err(|error| error.to_string())?;
            let (start, end) = threshold_place(&expr)
                .ok_or_else(|| format!("{}: no comparison with a number, so there is no threshold to change", rule.alert))?;
            let new = format!("{}{}{}", &text[..start], if value < 0.0 { format!("({value})") } else { value.to_string() }, &text[end..]);
            Ok(AlertingSettings { expr: parse(&new).map_err(|error| error.to_string())?.into(), ..rule.clone() })
        }
    }
}

/// The value that a rule has now.
pub fn current(rule: &AlertingSettings, parameter: Parameter) -> Option<f64> {
    match parameter {
        Parameter::For => Some(rule.hold.seconds()),
        Parameter::KeepFiringFor => Some(rule.keep_firing_for.seconds()),
        Parameter::Threshold => {
            let text = rule.expr.to_string();
            let expr = parse(&text).ok()?;
            let (start, end) = threshold_place(&expr)?;
            text.get(start..end)?.trim_matches(['(', ')']).parse().ok()
        }
    }
}

/// The number of the first comparison, from the left.
fn threshold_place(expr: &Expr) -> Option<(usize, usize)> {
    let mut found: Option<(usize, usize)> = None;
    let number = |expr: &Expr| {
        let inner = expr.unparenthesized();
        let signed = matches!(&inner.kind, ExprKind::Unary { expr, .. } if matches!(expr.kind, ExprKind::Number(_)));
        (signed || matches!(inner.kind, ExprKind::Number(_))).then_some((expr.place.start, expr.place.end))
    };
    expr.walk(&mut |node| {
        let ExprKind::Binary(binary) = &node.kind else { return };
        for (index, term) in binary.rest.iter().enumerate().filter(|(_, term)| term.op.is_comparison()) {
            let left = if index == 0 { number(&binary.first) } else { None };
            let place = number(&term.expr).or(left);
            found = found.or(place);
        }
    });
    found
}

/// Each value of the sweep, and the rule as it is among them.
pub fn sweep(
    rule: &AlertingSettings,
    sweep: &Sweep,
    span: Span,
    past: &Past,
) -> Result<(Vec<Variant>, Result<Suggestion, String>), String> {
    let now = backtest(rule, span, past)?;
    let own = current(rule, sweep.parameter);
    let mut variants = Vec::new();
    for value in with_own(sweep.values.clone(), own) {
        let is_current = own == Some(value);
        let tested = if is_current { now.clone() } else { backtest(&changed(rule, sweep.parameter, value)?, span, past)? };
        variants.push(variant(value, shown(sweep.parameter, value), is_current, tested, &now));
    }
    let suggestion = suggest(&variants, &now, Cost::Messages);
    Ok((variants, suggestion))
}

/// One value beside what is done now.
pub fn variant(value: f64, text: String, current: bool, tested: Backtest, now: &Backtest) -> Variant {
    let real = real_incidents(now);
    let caught: Vec<&Incident> = real.iter().filter(|incident| tested.caught(incident)).collect();
    Variant { value, text, current, caught: caught.len(), later: delay(&tested, &caught), backtest: tested }
}

fn shown(parameter: Parameter, value: f64) -> String {
    match parameter {
        Parameter::Threshold => number(value),
        _ => format_duration(Millis((value * 1000.0) as i64)),
    }
}

/// Incidents that lasted: short flaps are what one wants to be rid of. When there are only flaps, none is real.
fn real_incidents(now: &Backtest) -> Vec<Incident> {
    now.incidents.iter().filter(|incident| incident.until - incident.from >= now.scale.flap).copied().collect()
}

fn delay(tested: &Backtest, caught: &[&Incident]) -> Millis {
    let late = |incident: &&Incident| {
        let first: Option<Timestamp> = tested
            .episodes
            .iter()
            .filter(|episode| episode.until.is_none_or(|until| until >= incident.from))
            .map(|episode| episode.fired_at)
            .min();
        first.map_or(0, |first| (first - incident.from).0.max(0))
    };
    if caught.is_empty() { Millis::ZERO } else { Millis(caught.iter().map(late).sum::<i64>() / caught.len() as i64) }
}

/// What a value costs, beside firing.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Cost {
    Messages,
    /// That decisions begin.
    Runs,
    /// How often it was decided, where nothing is known of the runs that would have followed.
    Decisions,
}

impl Cost {
    pub fn word(self) -> &'static str {
        match self {
            Cost::Messages => "messages",
            Cost::Runs => "runs",
            Cost::Decisions => "decisions",
        }
    }
}

/// The value with the lowest cost that still catches every real incident of now; among equals the one nearest to the current value.
pub fn suggest(variants: &[Variant], now: &Backtest, cost_of: Cost) -> Result<Suggestion, String> {
    let real = real_incidents(now).len();
    let what = if cost_of == Cost::Messages { "fired" } else { "decided to retrain" };
    let Some(now) = variants.iter().find(|variant| variant.current) else { return Err("the rule has no such value now".into()) };
    if now.backtest.episodes.is_empty() {
        let fires = variants.iter().filter(|variant| !variant.backtest.episodes.is_empty()).count();
        return Err(match fires {
            0 => format!("with no value of the sweep it would have {what} in this time: there is nothing to compare"),
            fires => format!(
                "the rule as it is ({}) would not have {what} in this time; {fires} of the values would have. Without an incident that is known to be one nothing can be said for either",
                now.text
            ),
        });
    }
    if real == 0 {
        return Err(format!(
            "the rule as it is ({}) {what} only for less than {}: whether these were incidents has to be said by a person",
            now.text,
            format_duration(now.backtest.scale.flap)
        ));
    }
    let cost = |variant: &Variant| (variant.backtest.messages, variant.backtest.episodes.len());
    let good = variants.iter().filter(|variant| variant.caught == real);
    let best = good.min_by(|a, b| cost(a).cmp(&cost(b)).then((a.value - now.value).abs().total_cmp(&(b.value - now.value).abs())));
    let Some(best) = best.filter(|best| cost(best) < cost(now)) else {
        return Err(format!(
            "no value of the sweep catches the same {real} incidents with fewer {} than {} does",
            cost_of.word(),
            now.text
        ));
    };
    let incidents = if real == 1 { "incident".to_string() } else { format!("{real} incidents") };
    let (few, many) = (best.backtest.messages, now.backtest.messages);
    let mut reason = match (few, many) {
        (few, many) if few < many => {
            format!("at {} it would have caught the same {incidents} with {few} instead of {many} {}", best.text, cost_of.word())
        }
        _ => format!(
            "at {} it would have caught the same {incidents}, in {} instead of {} periods",
            best.text,
            best.backtest.episodes.len(),
            now.backtest.episodes.len()
        ),
    };
    if best.later > Millis::from_seconds(30) {
        reason.push_str(&format!(", {} later on average", crate::explain::words::length(best.later)));
    }
    Ok(Suggestion { value: best.text.clone(), reason })
}
