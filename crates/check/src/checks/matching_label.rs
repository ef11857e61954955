//! `matching-label`: `on` names a label that neither side has, or `group_left` brings a label that does not reach the result.

use bellbuoy_promql::{BinaryOp, Expr, ExprKind, Term, ValueType};
use bellbuoy_vocabulary::Severity;

use super::{RuleView, rules};
use crate::Input;
use crate::finding::Finding;
use crate::graph::RuleGraph;
use crate::infer::labels_of;
use crate::shape::Presence;

pub const CODE: &str = "matching-label";

pub fn run(input: &Input, graph: &RuleGraph, findings: &mut Vec<Finding>) {
    for rule in rules(input) {
        rule.expr.walk(&mut |node| {
            let ExprKind::Binary(binary) = &node.kind else { return };
            for (at, term) in binary.rest.iter().enumerate() {
                // The left side of a later term is all before it; only a first one is an expression of its own.
                let left = (at == 0 && binary.first.value_type() == ValueType::Vector).then_some(&*binary.first);
                findings.extend(left.and_then(|left| on_nothing(&rule, left, term, graph)));
                findings.extend(lost(&rule, term));
            }
        });
    }
}

fn on_nothing(rule: &RuleView, left: &Expr, term: &Term, graph: &RuleGraph) -> Option<Finding> {
    if !term.matching.on || term.expr.value_type() != ValueType::Vector {
        return None;
    }
    let (left, right) = (labels_of(left, graph), labels_of(&term.expr, graph));
    let gone = |label: &&String| left.presence(label) == Presence::Never && right.presence(label) == Presence::Never;
    let label = term.matching.labels.iter().find(gone)?;
    let op = term.op.symbol();
    let message = format!("neither side of `{op} on` has the label {label:?}");
    let why = "It takes part as if it were empty: what was to be kept apart by it is one.".to_string();
    Some(rule.finding(CODE, Severity::Warning, message, why).part(term.op_place))
}

/// `a and on (x) b * on (y) group_left (env) c`: the right side of `and` only says which series stay.
fn lost(rule: &RuleView, term: &Term) -> Option<Finding> {
    if !matches!(term.op, BinaryOp::And | BinaryOp::Unless) || !term.matching.on {
        return None;
    }
    let joined = joined(&term.expr)?;
    let include = &joined.matching.group.as_ref()?.include;
    let label = include.iter().find(|label| !term.matching.labels.contains(label))?;
    let op = term.op.symbol();
    let message = format!("the label {label:?} is brought by a group modifier to the right side of `{op}`, and does not reach the result");
    let why = format!("The right side of `{op}` only says which series of the left side stay.");
    let fix = Some(format!("put parentheses around the `{op}`, and join afterwards"));
    Some(rule.finding(CODE, Severity::Warning, message, why).part(joined.op_place).fix(fix))
}

/// The join whose labels the expression's result has, below comparisons and arithmetic with numbers.
fn joined(expr: &Expr) -> Option<&Term> {
    let ExprKind::Binary(binary) = &expr.unparenthesized().kind else { return None };
    let last = binary.rest.last()?;
    match &last.matching.group {
        Some(group) if !group.include.is_empty() => Some(last),
        _ if binary.rest.len() == 1 && last.expr.value_type() == ValueType::Scalar => joined(&binary.first),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use crate::tests::{bad, good};

    #[test]
    fn labels_that_are_gone() {
        bad(super::CODE, "sum(x) / on (cluster) count(y) > 1", "");
        let fix = "put parentheses around the `and`, and join afterwards";
        bad(super::CODE, "x and on (instance) y * on (cluster) group_left (env) z > 0", fix);
    }

    #[test]
    fn labels_that_are_there() {
        good(super::CODE, "sum(x) / on () count(y) > 1");
        good(super::CODE, "(x and on (instance) y) * on (cluster) group_left (env) z > 0");
        good(super::CODE, "x and on (instance, env) (y * on (cluster) group_left (env) z) > 0");
    }
}
