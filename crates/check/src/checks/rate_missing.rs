//! `rate-missing`: a counter itself is compared with a number, so the alert fires from some day on until the next restart.

use bellbuoy_promql::{AggregateOp, Binary, BinaryOp, Call, Expr, ExprKind, VectorSelector};
use bellbuoy_vocabulary::{Severity, format_duration};

use super::kinds::{Known, kind_of};
use super::{RuleView, rules};
use crate::Input;
use crate::bounds::{bounds_of, mirrored};
use crate::finding::Finding;
use crate::graph::RuleGraph;
use crate::infer::exact_name;
use crate::metrics::Kind;

pub const CODE: &str = "rate-missing";

pub fn run(input: &Input, graph: &RuleGraph, findings: &mut Vec<Finding>) {
    for rule in rules(input).filter(|rule| rule.kind == "alert") {
        rule.expr.walk(&mut |node| {
            let ExprKind::Binary(binary) = &node.kind else { return };
            findings.extend(ratio(&rule, node, binary, input, graph));
            findings.extend(half_a_mean(&rule, node, binary));
            let Some((selector, counter)) = compared(binary) else { return };
            let Some(name) = exact_name(selector) else { return };
            let Some(known) = kind_of(name, input, graph).filter(|known| known.kind == Kind::Counter) else { return };
            let message = format!("the counter {name} itself is compared with a number ({})", known.by);
            let why =
                "A counter only grows: once above the number it stays there until the process restarts, and the alert with it.".to_string();
            let inner = counter.to_string();
            let fix = node.to_string().replacen(&inner, &format!("increase({inner}[1h])"), 1);
            findings.push(rule.finding(CODE, severity_of(&known), message, why).part(counter.place).fix(Some(fix)));
        });
    }
}

/// What only a name says is a note: half of the alerts that compare a `_total` ask for a gauge of that name.
fn severity_of(known: &Known) -> Severity {
    if known.is_guess() { Severity::Info } else { Severity::Warning }
}

/// `errors_total / requests_total > 0.1`
fn ratio(rule: &RuleView, node: &Expr, binary: &Binary, input: &Input, graph: &RuleGraph) -> Option<Finding> {
    let [term] = binary.rest.as_slice() else { return None };
    if !term.op.is_comparison() || term.expr.value_type() != bellbuoy_promql::ValueType::Scalar {
        return None;
    }
    let ExprKind::Binary(division) = &binary.first.unparenthesized().kind else { return None };
    let [below] = division.rest.as_slice() else { return None };
    if below.op != BinaryOp::Div {
        return None;
    }
    let counter = |side: &'_ Expr| {
        let (selector, counter) = plain(side)?;
        let name = exact_name(selector)?;
        let known = kind_of(name, input, graph).filter(|known| known.kind == Kind::Counter)?;
        Some((name.to_string(), counter.to_string(), known))
    };
    let ((name, above, known), (other, under, also)) = (counter(&division.first)?, counter(&below.expr)?);
    let message = format!("the counters {name} and {other} are divided as they are ({})", known.by);
    let why = "Both count since the process started: the ratio is over its whole life, and hardly moves after some days.".to_string();
    let text = node.to_string().replace(&above, &format!("rate({above}[5m])"));
    // The one may be a part of the other's text.
    let fix = if above == under { None } else { Some(text.replacen(&format!("/ {under}"), &format!("/ rate({under}[5m])"), 1)) };
    let fix = fix.filter(|_| matches!(below.expr.kind, ExprKind::Vector(_))).or_else(|| Some("rate() of each of them first".to_string()));
    let severity = severity_of(&known).min(severity_of(&also));
    Some(rule.finding(CODE, severity, message, why).part(division.first.place).fix(fix))
}

/// `rate(x_sum[5m]) / x_count`: one half is of five minutes, the other one of the whole life.
fn half_a_mean(rule: &RuleView, node: &Expr, binary: &Binary) -> Option<Finding> {
    let [below] = binary.rest.as_slice() else { return None };
    if below.op != BinaryOp::Div {
        return None;
    }
    let raw =
        |side: &Expr| plain(side).and_then(|(selector, inner)| Some((exact_name(selector)?.to_string(), inner.to_string(), inner.place)));
    let (rate, (other, text, place)) = match (rated(&binary.first), raw(&below.expr)) {
        (Some(rate), Some(raw)) => (rate, raw),
        _ => (rated(&below.expr)?, raw(&binary.first)?),
    };
    let ExprKind::Range(range) = &rate.args.first()?.kind else { return None };
    let name = exact_name(&range.selector)?;
    let family = |name: &str| ["_sum", "_count", "_bucket"].iter().find_map(|end| name.strip_suffix(end)).map(str::to_string);
    if family(name)? != family(&other)? {
        return None;
    }
    let function = rate.function.name;
    let message = format!("{function}() of {name} and the counter {other} as it is are divided by each other");
    let why = format!("{other} counts since the process started: the ratio gets smaller, or larger, the longer it runs.");
    let over = format_duration(range.range);
    let fix = node.to_string().replacen(&text, &format!("{function}({text}[{over}])"), 1);
    Some(rule.finding(CODE, Severity::Warning, message, why).part(place).fix(Some(fix)))
}

/// A rate, also below aggregations that keep its meaning.
fn rated(expr: &Expr) -> Option<&Call> {
    match &expr.kind {
        ExprKind::Paren(inner) => rated(inner),
        ExprKind::Aggregate(aggregate) if matches!(aggregate.op, AggregateOp::Sum | AggregateOp::Avg | AggregateOp::Max) => {
            rated(&aggregate.expr)
        }
        ExprKind::Call(call) => matches!(call.function.name, "rate" | "irate" | "increase").then_some(call),
        _ => None,
    }
}

/// The selector of `counter > number`, also below aggregations that keep its meaning.
fn compared(binary: &Binary) -> Option<(&VectorSelector, &Expr)> {
    let [term] = binary.rest.as_slice() else { return None };
    let constant = |expr: &Expr| {
        let bounds = bounds_of(expr);
        (bounds.lo == bounds.hi && expr.value_type() == bellbuoy_promql::ValueType::Scalar).then_some(bounds.lo)
    };
    let (side, op, limit) = match (constant(&binary.first), constant(&term.expr)) {
        (None, Some(limit)) => (&*binary.first, term.op, limit),
        (Some(limit), None) => (&term.expr, mirrored(term.op), limit),
        _ => return None,
    };
    let grows_over = matches!(op, BinaryOp::Greater | BinaryOp::GreaterOrEqual) && limit >= 0.0;
    if !grows_over { None } else { plain(side) }
}

fn plain(expr: &Expr) -> Option<(&VectorSelector, &Expr)> {
    match &expr.kind {
        // A look into the past compares on purpose.
        ExprKind::Vector(selector) if selector.offset.0 == 0 && selector.at.is_none() => Some((selector, expr)),
        ExprKind::Paren(inner) => plain(inner),
        ExprKind::Aggregate(aggregate)
            if matches!(aggregate.op, AggregateOp::Sum | AggregateOp::Avg | AggregateOp::Max | AggregateOp::Min) =>
        {
            plain(&aggregate.expr)
        }
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use crate::tests::{bad, good};

    #[test]
    fn counters_only_grow() {
        bad(super::CODE, "errors_total > 100", "increase(errors_total[1h]) > 100");
        bad(super::CODE, "sum by (job) (errors_total{a=\"1\"}) >= 5", "sum by (job) (increase(errors_total{a=\"1\"}[1h])) >= 5");
        bad(super::CODE, "5 < errors_total", "5 < increase(errors_total[1h])");
    }

    #[test]
    fn a_ratio_over_a_whole_life() {
        let of_sums = "sum(errors_total{a=\"1\"}) / sum(errors_total) > 0.1";
        bad(super::CODE, of_sums, "rate() of each of them first");
        bad(super::CODE, "errors_total / requests_total > 0.1", "rate(errors_total[5m]) / rate(requests_total[5m]) > 0.1");
        good(super::CODE, "rate(errors_total[5m]) / rate(requests_total[5m]) > 0.1");
        good(super::CODE, "disk_used_bytes / disk_bytes_total > 0.9");
    }

    /// The time a request takes on average, of which one half was forgotten.
    #[test]
    fn one_half_of_a_mean() {
        let whole = "sum(rate(lat_sum[5m])) / sum(rate(lat_count[5m])) > 1";
        bad(super::CODE, "sum(rate(lat_sum[5m])) / sum(lat_count) > 1", "sum(rate(lat_sum[5m])) / sum(rate(lat_count[5m]))");
        bad(super::CODE, "lat_sum / increase(lat_count[1h]) > 1", "increase(lat_sum[1h]) / increase(lat_count[1h])");
        good(super::CODE, whole);
        good(super::CODE, "increase(errors_total[1h]) / errors_total > 0.5");
        good(super::CODE, "rate(lat_sum[5m]) / queue_count > 1");
    }

    /// Half of the `_total` that public alerts compare are gauges: only a TYPE makes it a warning.
    #[test]
    fn a_name_alone_is_no_warning() {
        use crate::tests::findings_with;
        let rule = || vec![bellbuoy_rules::RuleSettings::Alerting(crate::tests::alert("offline_total > 0"))];
        let severity = |kind: Option<crate::Kind>| {
            let mut metrics = crate::Metrics::of("a page");
            kind.into_iter().for_each(|kind| metrics.set_kind("offline_total", kind));
            findings_with(rule(), &metrics).iter().find(|finding| finding.code == super::CODE).map(|finding| finding.severity)
        };
        assert_eq!(severity(None), Some(super::Severity::Info));
        assert_eq!(severity(Some(crate::Kind::Counter)), Some(super::Severity::Warning));
        assert_eq!(severity(Some(crate::Kind::Gauge)), None);
    }

    #[test]
    fn what_is_no_growing_count() {
        good(super::CODE, "increase(errors_total[1h]) > 100");
        good(super::CODE, "errors_total == 0");
        good(super::CODE, "errors_total - errors_total offset 1h > 5");
        good(super::CODE, "count(errors_total) > 5");
        good(super::CODE, "errors_total > on(job) limit");
        good(super::CODE, "queue_length > 5");
        good(super::CODE, "sum(x_total unless x_total offset 30m) > 0");
    }
}
