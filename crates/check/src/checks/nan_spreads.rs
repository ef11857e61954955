//! `nan-spreads`: a sum or mean over a division: one 0/0 makes all of it NaN.

use bellbuoy_promql::{AggregateOp, Binary, BinaryOp, Expr, ExprKind, ValueType};
use bellbuoy_vocabulary::Severity;

use super::rules;
use crate::Input;
use crate::bounds::bounds_of;
use crate::finding::Finding;
use crate::graph::RuleGraph;

pub const CODE: &str = "nan-spreads";

pub fn run(input: &Input, _: &RuleGraph, findings: &mut Vec<Finding>) {
    for rule in rules(input) {
        rule.expr.walk(&mut |node| {
            let ExprKind::Aggregate(aggregate) = &node.kind else { return };
            let mixes = matches!(aggregate.op, AggregateOp::Sum | AggregateOp::Avg | AggregateOp::Stddev | AggregateOp::Stdvar);
            let ExprKind::Binary(binary) = &aggregate.expr.unparenthesized().kind else { return };
            let Some(divisor) = divisor(binary).filter(|_| mixes) else { return };
            let name = aggregate.op.name();
            let message =
                format!("`{name}` of a division: where `{divisor}` is 0 the quotient is NaN or infinite, and with it all of the {name}");
            let why = "One idle series is enough; a comparison with NaN is never true, so an alert that reads it is silent.".to_string();
            let fix = (binary.rest.len() == 1).then(|| format!("divide by ({divisor} > 0), or divide the sums"));
            findings.push(rule.finding(CODE, Severity::Info, message, why).part(aggregate.expr.place).fix(fix));
        });
    }
}

/// What is divided by, when it can be 0 and nothing filters afterwards.
fn divisor(binary: &Binary) -> Option<&Expr> {
    if binary.rest.iter().any(|term| term.op.is_comparison() && !term.bool_result) {
        return None;
    }
    let term = binary.rest.iter().rev().find(|term| matches!(term.op, BinaryOp::Div | BinaryOp::Mod))?;
    let bounds = bounds_of(&term.expr);
    let zero = bounds.lo <= 0.0 && bounds.hi >= 0.0 && !(bounds.lo == 0.0 && bounds.lo_open);
    (zero && term.expr.value_type() == ValueType::Vector).then_some(&term.expr)
}

#[cfg(test)]
mod tests {
    use crate::tests::{alert, findings_of};

    fn found(expr: &str) -> usize {
        findings_of(vec![alert(expr)]).iter().filter(|finding| finding.code == super::CODE).count()
    }

    #[test]
    fn one_spoils_all() {
        assert_eq!(found("sum by (cluster) (errors / requests) > 1"), 1);
        assert_eq!(found("avg(rate(a_total[5m]) / rate(b_total[5m])) > 0.1"), 1);
    }

    #[test]
    fn none_spoils_any() {
        assert_eq!(found("sum(errors) / sum(requests) > 0.1"), 0);
        assert_eq!(found("sum(errors / (requests > 0)) > 1"), 0);
        assert_eq!(found("avg(rate(a_total[5m]) / (rate(b_total[5m]) + 0.001)) > 0.1"), 0);
        assert_eq!(found("sum(bytes / 1024) > 1"), 0);
        assert_eq!(found("max(errors / requests) > 1"), 0);
        assert_eq!(found("sum(errors / requests > 0.5) > 1"), 0);
    }
}
