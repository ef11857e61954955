//! `rate-of-sum`: the rate of a sum of counters, which falls when one of them restarts.

use bellbuoy_promql::{AggregateOp, Expr, ExprKind};
use bellbuoy_rules::RuleSettings;
use bellbuoy_vocabulary::Severity;

use super::kinds::{RATES, calls, kind_of};
use crate::Input;
use crate::finding::Finding;
use crate::graph::RuleGraph;
use crate::infer::exact_name;
use crate::metrics::Kind;

pub const CODE: &str = "rate-of-sum";

pub fn run(input: &Input, graph: &RuleGraph, findings: &mut Vec<Finding>) {
    calls(input, &RATES, &mut |rule, node, function, argument| {
        let Some(summed) = summed(argument, input, graph) else { return };
        let message = format!("{function}() of a sum of counters, `{summed}`");
        let why =
            "When one of the counters restarts the sum falls, and all of what is left is counted as new: the result jumps.".to_string();
        let fix = format!("take {function}() of each counter first, then the sum");
        findings.push(rule.finding(CODE, Severity::Warning, message, why).part(node.place).fix(Some(fix)));
    });
}

/// The sum of counters that a range is of: `sum(x_total)[5m:1m]`, or the name of a rule that records one.
fn summed(argument: &Expr, input: &Input, graph: &RuleGraph) -> Option<String> {
    match &argument.kind {
        ExprKind::Subquery(subquery) => match &subquery.expr.unparenthesized().kind {
            ExprKind::Aggregate(aggregate) if is_sum_of_counter(aggregate.op, &aggregate.expr.kind, input, graph) => {
                Some(subquery.expr.to_string())
            }
            _ => None,
        },
        ExprKind::Range(range) => recorded_sum(exact_name(&range.selector)?, input, graph),
        _ => None,
    }
}

fn is_sum_of_counter(op: AggregateOp, inner: &ExprKind, input: &Input, graph: &RuleGraph) -> bool {
    let ExprKind::Vector(selector) = inner else { return false };
    let counter = exact_name(selector).and_then(|name| kind_of(name, input, graph)).is_some_and(|known| known.kind == Kind::Counter);
    matches!(op, AggregateOp::Sum | AggregateOp::Avg) && counter
}

/// The expression of a recording rule that is nothing but the sum of a counter.
fn recorded_sum(name: &str, input: &Input, graph: &RuleGraph) -> Option<String> {
    // Few ranges are of recorded series: only for these all rules are gone through.
    graph.recorded(name)?;
    let mut rules = input.groups.iter().flat_map(|group| &group.rules);
    rules.find_map(|rule| match rule {
        RuleSettings::Recording(rule) if rule.record == name => match &rule.expr.unparenthesized().kind {
            ExprKind::Aggregate(aggregate) if is_sum_of_counter(aggregate.op, &aggregate.expr.kind, input, graph) => {
                Some(rule.expr.to_string())
            }
            _ => None,
        },
        _ => None,
    })
}

#[cfg(test)]
mod tests {
    use crate::tests::{bad, good};

    #[test]
    fn the_order_matters() {
        bad(super::CODE, "rate(sum(x_total)[5m:1m]) > 1", "take rate() of each counter first, then the sum");
        good(super::CODE, "sum(rate(x_total[5m])) > 1");
        good(super::CODE, "deriv(sum(queue)[5m:1m]) > 1");
    }
}
