//! `comparison-constant`: a comparison that no value, or every value, passes.

use bellbuoy_promql::{Binary, BinaryOp, Expr, ExprKind, Matching, Place, Term, ValueType};
use bellbuoy_vocabulary::{METRIC_NAME, Severity, format_float};

use super::{RuleView, rules};
use crate::Input;
use crate::bounds::{Bounds, applied, bounds_of, mirrored};
use crate::finding::Finding;
use crate::graph::RuleGraph;
use crate::infer::labels_of;
use crate::shape::Presence;

pub const CODE: &str = "comparison-constant";

pub fn run(input: &Input, graph: &RuleGraph, findings: &mut Vec<Finding>) {
    for rule in rules(input) {
        rule.expr.walk(&mut |node| match &node.kind {
            ExprKind::Binary(binary) => {
                never(&rule, binary, findings);
                contradiction(&rule, binary, graph, findings);
            }
            ExprKind::Call(call) if matches!(call.function.name, "histogram_quantile" | "quantile_over_time") => {
                quantile(&rule, call.function.name, &call.args[0], findings);
            }
            ExprKind::Aggregate(aggregate) if aggregate.op == bellbuoy_promql::AggregateOp::Quantile => {
                aggregate.param.iter().for_each(|q| quantile(&rule, "quantile", q, findings));
            }
            _ => {}
        });
        if rule.kind == "alert" {
            roots(rule.expr, &mut |expr| always(&rule, expr, findings));
        }
    }
}

/// Each comparison of the chain whose two sides have no value in common that passes.
fn never(rule: &RuleView, binary: &Binary, findings: &mut Vec<Finding>) {
    let mut left = bounds_of(&binary.first);
    let mut left_is_vector = binary.first.value_type() == ValueType::Vector;
    let mut shown = binary.first.to_string();
    for term in &binary.rest {
        let right = bounds_of(&term.expr);
        // Two scalars: a comparison of constants is a switch that somebody set.
        let is_vector = left_is_vector || term.expr.value_type() == ValueType::Vector;
        if is_vector && term.op.is_comparison() && term.op != BinaryOp::NotEqual && (is_nan(&term.expr) || shown == "NaN") {
            findings.push(with_nan(rule, binary, term, &shown));
            return;
        }
        if is_vector && term.op.is_comparison() && can_not_pass(left, term.op, right) {
            let (severity, by) = certainty(left.by_name || right.by_name);
            // With `bool` a comparison that does not hold has a result, too.
            let (bool, never, effect) = match term.bool_result {
                true => (" bool", "is always 0", "The comparison never holds"),
                false => ("", "is never true", "Nothing passes the comparison"),
            };
            let message = format!("`{shown} {}{bool} {}` {never}", term.op.symbol(), term.expr);
            let why = format!("{}{by}. {effect}.", sides(&shown, left, &term.expr, right));
            findings.push(rule.finding(CODE, severity, message, why).part(spanning(binary, term)));
            return;
        }
        left = applied(left, left_is_vector, term);
        left_is_vector = is_vector;
        let bool = if term.bool_result { " bool" } else { "" };
        shown = format!("{shown} {}{bool} {}", term.op.symbol(), term.expr);
    }
}

/// NaN is neither above nor below anything, nor equal to itself.
fn with_nan(rule: &RuleView, binary: &Binary, term: &Term, left: &str) -> Finding {
    let (bool, never) = if term.bool_result { (" bool", "is always 0") } else { ("", "is never true") };
    let message = format!("`{left} {}{bool} {}` {never}", term.op.symbol(), term.expr);
    let why = "NaN is neither above nor below anything, and not equal to itself.".to_string();
    let fix = (term.op == BinaryOp::Equal && left != "NaN").then(|| format!("{left} != {left}"));
    rule.finding(CODE, Severity::Error, message, why).part(spanning(binary, term)).fix(fix)
}

fn is_nan(expr: &Expr) -> bool {
    matches!(expr.unparenthesized().kind, ExprKind::Number(value) if value.is_nan())
}

/// Whether this finding of ours says that nothing can pass.
pub(crate) fn says_never(finding: &Finding) -> bool {
    finding.message.ends_with("is never true") || finding.message.ends_with("at once")
}

/// Whether it says that everything passes.
pub(crate) fn says_always(finding: &Finding) -> bool {
    finding.message.ends_with("is always true")
}

/// From the beginning of a chain to the end of this term.
fn spanning(binary: &Binary, term: &Term) -> Place {
    Place { end: term.expr.place.end, ..binary.first.place }
}

fn certainty(by_name: bool) -> (Severity, &'static str) {
    if by_name { (Severity::Warning, ", going by the names of the metrics") } else { (Severity::Error, "") }
}

fn can_not_pass(left: Bounds, op: BinaryOp, right: Bounds) -> bool {
    if op == BinaryOp::NotEqual {
        return left.lo == left.hi
            && right.lo == right.hi
            && left.lo == right.lo
            && left.lo.is_finite()
            && right.lo.is_finite()
            && !left.by_name;
    }
    left.passing(op, right).is_some_and(|passing| passing.is_empty())
        || right.passing(mirrored(op), left).is_some_and(|passing| passing.is_empty())
}

fn sides(left_text: &str, left: Bounds, right_expr: &Expr, right: Bounds) -> String {
    let said =
        |text: &str, bounds: Bounds| (bounds.lo != bounds.hi && !bounds.is_any()).then(|| format!("`{text}` is {}", range_text(bounds)));
    let parts: Vec<String> = said(left_text, left).into_iter().chain(said(&right_expr.to_string(), right)).collect();
    if parts.is_empty() { format!("`{left_text}` is {}", range_text(left)) } else { parts.join(" and ") }
}

fn range_text(bounds: Bounds) -> String {
    let number = if bounds.whole { "a whole number " } else { "" };
    let lo = format!("{} {}", if bounds.lo_open { "above" } else { "at least" }, format_float(bounds.lo));
    let hi = format!("{} {}", if bounds.hi_open { "below" } else { "at most" }, format_float(bounds.hi));
    match (bounds.lo == f64::NEG_INFINITY, bounds.hi == f64::INFINITY) {
        _ if bounds.lo == bounds.hi => format!("always {}", format_float(bounds.lo)),
        (true, true) => "any number".to_string(),
        (true, false) => format!("{number}{hi}"),
        (false, true) => format!("{number}{lo}"),
        (false, false) => format!("{number}{lo} and {hi}"),
    }
}

/// `x > 0.7 and x < 0.65`: the same series' value must be in two places.
fn contradiction(rule: &RuleView, binary: &Binary, graph: &RuleGraph, findings: &mut Vec<Finding>) {
    let mut demands: Vec<(String, Bounds)> = Vec::new();
    collect(&binary.first, graph, &mut demands);
    for term in &binary.rest {
        if term.op == BinaryOp::Unless {
            // What is left is of the left side, with its values.
            if let Some((subject, known)) = all_taken(&demands, term, graph) {
                let message = format!("`{subject}` can not be {} and not {} at once", range_text(known), passing_text(term));
                let why = "`unless` takes away all that the left side gives, so the result is always empty.".to_string();
                findings.push(rule.finding(CODE, Severity::Error, message, why).part(spanning(binary, term)));
                return;
            }
            continue;
        }
        if term.op != BinaryOp::And || term.matching != Matching::default() {
            // What comes after speaks of other series.
            return;
        }
        let mut more = Vec::new();
        collect(&term.expr, graph, &mut more);
        for (subject, bounds) in more {
            if let Some((_, known)) = demands.iter_mut().find(|(other, _)| *other == subject) {
                let both = known.intersect(bounds);
                if both.is_empty() && !known.is_empty() && !bounds.is_empty() {
                    let message = format!("`{subject}` can not be {} and {} at once", range_text(*known), range_text(bounds));
                    let why = "`and` asks both of the same series at the same time, so the result is always empty.".to_string();
                    let or = "Meant as alternatives they are joined by `or`; meant as levels they are two rules.";
                    findings.push(rule.finding(CODE, Severity::Error, message, format!("{why} {or}")).part(spanning(binary, term)));
                    return;
                }
                *known = both;
            } else {
                demands.push((subject, bounds));
            }
        }
    }
}

/// `x > 5 unless x > 3`: the right side has every series that the left one has.
fn all_taken<'a>(demands: &'a [(String, Bounds)], term: &Term, graph: &RuleGraph) -> Option<(&'a str, Bounds)> {
    let is_comparison = |expr: &Expr| matches!(&expr.unparenthesized().kind, ExprKind::Binary(binary) if binary.rest.iter().all(|term| term.op.is_comparison()));
    if term.matching != Matching::default() || !is_comparison(&term.expr) {
        return None;
    }
    let mut taken = Vec::new();
    collect(&term.expr, graph, &mut taken);
    let [(subject, passing)] = taken.as_slice() else { return None };
    let (subject, known) = demands.iter().find(|(other, known)| other == subject && !known.is_empty() && known.within(*passing))?;
    Some((subject, *known))
}

fn passing_text(term: &Term) -> String {
    let ExprKind::Binary(binary) = &term.expr.unparenthesized().kind else { return String::new() };
    binary.rest.first().map(|term| format!("{} {}", term.op.symbol(), term.expr)).unwrap_or_default()
}

/// What an operand of `and` asks of the value of an expression: `subject op number`, and chains of `and` of these.
fn collect(expr: &Expr, graph: &RuleGraph, demands: &mut Vec<(String, Bounds)>) {
    let ExprKind::Binary(binary) = &expr.unparenthesized().kind else { return };
    if let [term] = binary.rest.as_slice() {
        let pair = match (number(&binary.first), number(&term.expr)) {
            (None, Some(limit)) => Some((&*binary.first, term.op, limit)),
            (Some(limit), None) => Some((&term.expr, mirrored(term.op), limit)),
            _ => None,
        };
        if let (Some((subject, op, limit)), true, false) = (pair, term.op.is_comparison(), term.bool_result) {
            // `and` does not look at names: series of different names may be two that meet.
            let shape = labels_of(subject, graph);
            let one_name =
                shape.presence(METRIC_NAME) == Presence::Never || shape.values(METRIC_NAME).is_some_and(|names| names.len() == 1);
            let text = subject.unparenthesized().to_string();
            demands.extend(Bounds::ANY.passing(op, limit).filter(|_| one_name).map(|bounds| (text, bounds)));
            return;
        }
    }
    let joined = |term: &Term| term.op == BinaryOp::And && term.matching == Matching::default();
    if binary.rest.iter().all(|term| joined(term) || term.op == BinaryOp::Unless) {
        collect(&binary.first, graph, demands);
        binary.rest.iter().filter(|term| joined(term)).for_each(|term| collect(&term.expr, graph, demands));
    }
}

fn number(expr: &Expr) -> Option<Bounds> {
    if expr.value_type() != ValueType::Scalar {
        return None;
    }
    let bounds = bounds_of(expr);
    (bounds.lo == bounds.hi).then_some(bounds)
}

/// The alternatives of a rule: the operands of `or` at the top.
fn roots<'a>(expr: &'a Expr, visit: &mut dyn FnMut(&'a Expr)) {
    match &expr.kind {
        ExprKind::Paren(inner) => roots(inner, visit),
        ExprKind::Binary(binary) if binary.rest.iter().all(|term| term.op == BinaryOp::Or) => {
            roots(&binary.first, visit);
            binary.rest.iter().for_each(|term| roots(&term.expr, visit));
        }
        _ => visit(expr),
    }
}

/// An alert whose condition every value passes. Questions for existence (`count(x) > 0`, `absent(x) == 1`) are meant so.
fn always(rule: &RuleView, expr: &Expr, findings: &mut Vec<Finding>) {
    let ExprKind::Binary(binary) = &expr.kind else { return };
    let [term] = binary.rest.as_slice() else { return };
    let (Some(limit), true, false) = (number(&term.expr), term.op.is_comparison(), term.bool_result) else { return };
    let (subject, value) = (&binary.first, bounds_of(&binary.first));
    let filtered = |expr: &Expr| {
        let mut found = false;
        expr.walk(&mut |node| {
            found |= matches!(&node.kind, ExprKind::Binary(inner) if inner.rest.iter().any(|t| t.op.is_comparison() || t.op.is_set()))
        });
        found
    };
    let exists = value.lo == value.hi || (value.lo >= 1.0 && value.whole);
    if subject.value_type() != ValueType::Vector || value.is_any() || exists || filtered(subject) {
        return;
    }
    let opposite = match term.op {
        BinaryOp::Less => BinaryOp::GreaterOrEqual,
        BinaryOp::LessOrEqual => BinaryOp::Greater,
        BinaryOp::Greater => BinaryOp::LessOrEqual,
        BinaryOp::GreaterOrEqual => BinaryOp::Less,
        _ => return,
    };
    if value.passing(opposite, limit).is_some_and(|rest| rest.is_empty()) {
        let (_, by) = certainty(value.by_name);
        let message = format!("`{expr}` is always true");
        let why = format!("`{subject}` is {}{by}. The alert fires as long as the series exists.", range_text(value));
        findings.push(rule.finding(CODE, Severity::Warning, message, why).part(expr.place));
    }
}

fn quantile(rule: &RuleView, function: &str, q: &Expr, findings: &mut Vec<Finding>) {
    let Some(Bounds { lo: value, .. }) = number(q) else { return };
    if (0.0..=1.0).contains(&value) {
        return;
    }
    let result = if value > 1.0 { "+Inf" } else { "-Inf" };
    let message = format!("{function}({}, ...) asks for a quantile outside of 0 to 1", format_float(value));
    let why = format!("The result is always {result}, whatever the data say.");
    // 95 for the 95th percentile.
    let fix = (value > 1.0 && value < 100.0).then(|| format!("{function}({}, ...)", format_float(value / 100.0)));
    let mut finding = rule.finding(CODE, Severity::Error, message, why).part(q.place).fix(fix);
    if finding.fix.is_some() {
        finding = finding.edit(q.span(), format_float(value / 100.0));
    }
    findings.push(finding);
}

#[cfg(test)]
mod tests {
    use crate::tests::{bad, bad_why, good};

    #[test]
    fn never_true() {
        let bad = |expr| bad(super::CODE, expr, "");
        bad("up > 1");
        bad("2 < up");
        bad("up == 0.5");
        bad("absent(x) > 1");
        bad("rate(x_total[5m]) < 0");
        bad("sum by (a) (rate(x_total[5m])) < 0");
        bad("histogram_quantile(0.9, sum by (le) (rate(x_seconds_bucket[5m]))) < 0");
        bad("histogram_fraction(0, 0.1, rate(x[5m])) > 95");
        bad("(x > bool 5) == 2");
        bad("sum(absent(x) == bool 0) > 3");
        bad("hour() > 23");
        bad("x > 0.7 < 0.65");
        bad("x > 0.7 and x < 0.65");
        bad("x > 0.7 and (x < 0.65)");
        bad("0.7 < x and y > 0 and x < 0.65");
        bad("rate(x[5m]) == 1 and rate(x[5m]) > 1");
        bad("clamp(x, 0, 1) > 1");
        bad("count(x) < 1");
        bad("class_probability > 1.2");
        bad("x > NaN");
        bad("NaN < x");
        bad("(x > 0.7) and (x < 0.65 unless y)");
        bad("x > 5 unless x > 3");
        bad("x == 2 and y > 0 unless x >= 2");
        bad("stddev_over_time(x[1h]) < -1");
    }

    #[test]
    fn nothing_equals_nan() {
        bad(super::CODE, "x == (NaN)", "x != x");
        good(super::CODE, "x != x");
    }

    #[test]
    fn quantiles_are_between_0_and_1() {
        bad(super::CODE, "histogram_quantile(95, sum by (le) (rate(x_seconds_bucket[5m]))) > 1", "histogram_quantile(0.95, ...)");
        bad(super::CODE, "quantile(-0.5, x) > 1", "");
        good(super::CODE, "quantile_over_time(1, x[5m]) > 1");
    }

    #[test]
    fn always_true() {
        let bad = |expr| bad(super::CODE, expr, "");
        bad("up >= 0");
        bad("x == 5 or rate(x_total[5m]) >= 0");
        bad("hour() < 24");
        bad("clamp_max(x, 1) <= 1");
    }

    #[test]
    fn open_comparisons() {
        let good = |expr| good(super::CODE, expr);
        good("up == 0");
        good("up < 1");
        good("up > 0");
        good("absent(x) == 1");
        good("count(up == 0) > 0");
        good("count(x offset 2h) > 0");
        // Prometheus gave level:rec_1, which is 1, because another series with the same labels is below 0.5.
        good("{__name__=~\"a|level:.*\"} == 1 and {__name__=~\"a|level:.*\"} < 0.5");
        good("x > 0.65 and x < 0.7");
        good("x > 0.7 and on(job) x < 0.65");
        good("x{a=\"1\"} > 0.7 and ignoring(a) x{a=\"2\"} < 0.65");
        good("x > 0.7 and x offset 1h < 0.65");
        good("x > 0.7 or x < 0.65");
        good("x > 0.7 unless x < 0.65");
        good("x and y > 0.7 or y < 0.65");
        good("(x > bool 5) == 1");
        good("sum(x > bool 5) > 3");
        good("rate(x_total[5m]) == 0");
        good("delta(x[5m]) < 0");
        good("rate(temperature[5m]) < 0");
        good("1 - x_total < 0");
        good("-x_total < 0");
        good("clamp(x, 0, 1) >= 1");
        good("quantile(0.5, up) < 0.5");
        good("avg(up) < 0.5");
        good("avg_over_time(up[5m]) > 0.5");
        good("time() - x_timestamp_seconds > 3600");
        good("x != 1");
        good("up != 1");
        good("x != NaN");
        good("class_probability > 0.9");
        good("x > 5 unless x > 7");
        good("x > 5 unless on (job) x > 3");
        good("x > 5 unless (x > 3 and y)");
        good("x > 5 unless x offset 1h > 3");
        good("x > 5 unless y > 3");
        good("x != 5 unless x > 3");
    }

    #[test]
    fn said_in_words() {
        bad_why(
            "up > 1",
            "`up` is a whole number at least 0 and at most 1, going by the names of the metrics. Nothing passes the comparison.",
        );
        bad_why("absent(x) > 1", "`absent(x)` is always 1. Nothing passes the comparison.");
        // It was said that nothing passes, and it gives 0.
        bad_why("sum(absent(x) == bool 0) > 3", "`absent(x)` is always 1. The comparison never holds.");
    }
}
