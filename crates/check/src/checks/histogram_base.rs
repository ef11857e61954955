//! `histogram-base`: the name of a histogram itself, of which only `_bucket`, `_sum` and `_count` exist.

use bellbuoy_promql::ExprKind;
use bellbuoy_vocabulary::Severity;

use super::metric_unknown::selector_of;
use super::rules;
use crate::Input;
use crate::finding::Finding;
use crate::graph::RuleGraph;
use crate::infer::exact_name;

pub const CODE: &str = "histogram-base";

pub fn run(input: &Input, graph: &RuleGraph, findings: &mut Vec<Finding>) {
    let Some(metrics) = input.metrics else { return };
    for rule in rules(input) {
        // There it has a page of its own.
        let mut in_quantile = Vec::new();
        rule.expr.walk(&mut |node| {
            if matches!(&node.kind, ExprKind::Call(call) if call.function.name == "histogram_quantile") {
                node.walk(&mut |inner| in_quantile.push(inner.place));
            }
        });
        rule.expr.walk(&mut |node| {
            let Some(selector) = selector_of(node) else { return };
            let Some(name) = exact_name(selector).filter(|name| metrics.is_histogram(name) && graph.recorded(name).is_none()) else { return };
            if in_quantile.contains(&node.place) {
                return;
            }
            let message = format!("{name} is a histogram, and no series has this name");
            let why = format!("Its series are {name}_bucket, {name}_sum and {name}_count: the expression has no result.");
            let fix = format!(
                "histogram_quantile(0.95, sum by (le) (rate({name}_bucket[5m]))) for a quantile, rate({name}_sum[5m]) / rate({name}_count[5m]) for the mean"
            );
            findings.push(rule.finding(CODE, Severity::Warning, message, why).part(node.place).fix(Some(fix)));
        });
    }
}
