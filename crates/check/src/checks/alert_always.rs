//! `alert-always`: an alert whose expression has a result whatever the values are.

use bellbuoy_promql::{AggregateOp, BinaryOp, Expr, ExprKind, ValueType, VectorSelector};
use bellbuoy_vocabulary::{METRIC_NAME, Severity};

use super::rules;
use crate::Input;
use crate::finding::Finding;
use crate::graph::RuleGraph;
use crate::infer::exact_name;

pub const CODE: &str = "alert-always";

pub fn run(input: &Input, _: &RuleGraph, findings: &mut Vec<Finding>) {
    for rule in rules(input).filter(|rule| rule.kind == "alert") {
        let root = rule.expr.unparenthesized();
        if let ExprKind::Binary(binary) = &root.kind
            && let Some(term) = binary.rest.last().filter(|term| term.bool_result)
        {
            let message = format!("`{root}` has a result whether the comparison holds or not");
            let why = "With `bool` a comparison gives 0 instead of nothing, and an alert fires for every result.".to_string();
            let at = term.op_place.end;
            let text = root.to_string().replacen(&format!("{} bool", term.op.symbol()), term.op.symbol(), 1);
            let finding = rule.finding(CODE, Severity::Warning, message, why).part(term.op_place).fix(Some(text));
            findings.push(if binary.rest.len() == 1 { finding.edit(at..at + " bool".len(), "") } else { finding });
            continue;
        }
        if is_switch(root) || is_conditional(root) {
            continue;
        }
        let message = format!("`{root}` is compared with nothing");
        let why = "The alert fires as long as the series exists, whatever its value, 0 too.".to_string();
        findings.push(rule.finding(CODE, Severity::Warning, message, why).part(root.place).fix(Some(format!("{root} > 0"))));
    }
}

/// `vector(1)`, a constant: a watchdog fires always, on purpose.
fn is_switch(expr: &Expr) -> bool {
    expr.selectors().is_empty()
}

/// `disk_info{state="failed"}`: of such a metric the labels are the message, and its series are there as long as it is so.
fn is_state(selector: &VectorSelector) -> bool {
    let by_labels = exact_name(selector).is_some_and(|name| name.ends_with("_info") || name.ends_with("_metadata"));
    by_labels && selector.matchers.iter().any(|matcher| !matches!(matcher.name.as_str(), METRIC_NAME | "job" | "instance"))
}

/// Whether something on the way to the result lets only some values or situations through.
fn is_conditional(expr: &Expr) -> bool {
    match &expr.kind {
        ExprKind::Vector(selector) => selector.name.as_deref() == Some("ALERTS") || is_state(selector),
        ExprKind::Paren(inner) | ExprKind::Unary { expr: inner, .. } => is_conditional(inner),
        ExprKind::Binary(binary) => {
            let filters = |op: BinaryOp| op.is_comparison() || matches!(op, BinaryOp::And | BinaryOp::Unless);
            let filtered = binary.rest.iter().any(|term| filters(term.op) && !term.bool_result);
            // One side of `or` without a condition is enough to fire always.
            let mut sides = std::iter::once(&*binary.first).chain(binary.rest.iter().map(|term| &term.expr));
            match binary.rest.iter().all(|term| term.op == BinaryOp::Or) {
                true => sides.all(is_conditional),
                false => filtered || sides.any(is_conditional),
            }
        }
        ExprKind::Aggregate(aggregate) => aggregate.op != AggregateOp::CountValues && is_conditional(&aggregate.expr),
        ExprKind::Call(call) => {
            matches!(call.function.name, "absent" | "absent_over_time")
                || call.args.iter().any(|arg| arg.value_type() == ValueType::Vector && is_conditional(arg))
                || call.args.iter().any(|arg| matches!(&arg.kind, ExprKind::Subquery(subquery) if is_conditional(&subquery.expr)))
        }
        // A name of a state or of alerts is asked for by its labels.
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use crate::tests::all_findings_of;

    fn fixes(expr: &str) -> Vec<String> {
        let found = all_findings_of(expr).into_iter().filter(|finding| finding.code == super::CODE);
        found.map(|finding| finding.fix.unwrap_or_default()).collect()
    }

    #[test]
    fn no_condition() {
        assert_eq!(fixes("queue_length"), ["queue_length > 0"]);
        assert_eq!(fixes("sum by (job) (rate(x_total[5m]))"), ["sum by (job) (rate(x_total[5m])) > 0"]);
        assert_eq!(fixes("queue_length > bool 5"), ["queue_length > 5"]);
        assert_eq!(fixes("a or b > 5").len(), 1);
        assert_eq!(fixes("disk_info{job=\"a\"}").len(), 1);
    }

    #[test]
    fn conditions() {
        for expr in [
            "queue_length > 5",
            "vector(1)",
            "absent(x)",
            "ALERTS{alertstate=\"firing\"}",
            "disk_info{state=\"failed\"}",
            "a unless b",
            "a and b",
            "count(x > 5)",
            "sum(x > bool 5) > 3",
            "absent(x) or absent(y)",
            "-(x > 5)",
            "(x > 5) * 100",
            "count_over_time((x > 5)[5m:1m])",
        ] {
            assert_eq!(fixes(expr), [""; 0], "{expr}");
        }
    }
}
