//! `rate-missing`: a counter itself is compared with a number, so the alert fires from some day on until the next restart.

use bellbuoy_promql::{AggregateOp, Binary, BinaryOp, Expr, ExprKind, VectorSelector};
use bellbuoy_vocabulary::Severity;

use super::kinds::kind_of;
use super::rules;
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
            let Some((selector, counter)) = compared(binary) else { return };
            let Some(name) = exact_name(selector) else { return };
            let Some(known) = kind_of(name, input, graph).filter(|known| known.kind == Kind::Counter) else { return };
            let message = format!("the counter {name} itself is compared with a number ({})", known.by);
            let why =
                "A counter only grows: once above the number it stays there until the process restarts, and the alert with it.".to_string();
            let inner = counter.to_string();
            let fix = node.to_string().replacen(&inner, &format!("increase({inner}[1h])"), 1);
            findings.push(rule.finding(CODE, Severity::Warning, message, why).part(counter.place).fix(Some(fix)));
        });
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
