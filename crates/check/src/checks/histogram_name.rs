//! `histogram-name`: `histogram_quantile` on something that has no buckets, lost them, or counts since the start of the process.

use bellbuoy_promql::{Call, Expr, ExprKind};
use bellbuoy_vocabulary::{BUCKET_LABEL, Severity};

use super::{RuleView, rules};
use crate::Input;
use crate::finding::Finding;
use crate::graph::RuleGraph;
use crate::infer::{exact_name, labels_of};
use crate::rewrite;
use crate::shape::Presence;

pub const CODE: &str = "histogram-name";

pub fn run(input: &Input, graph: &RuleGraph, findings: &mut Vec<Finding>) {
    for rule in rules(input) {
        rule.expr.walk(&mut |node| {
            if let ExprKind::Call(call) = &node.kind
                && call.function.name == "histogram_quantile"
            {
                findings.extend(look(&rule, call, input, graph));
            }
        });
    }
}

fn look(rule: &RuleView, call: &Call, input: &Input, graph: &RuleGraph) -> Option<Finding> {
    let buckets = &call.args[1];
    let names: Vec<&str> = buckets.selectors().into_iter().filter_map(exact_name).collect();
    // Recorded names say what they are in their own way.
    let plain: Vec<&str> = names.iter().copied().filter(|name| !name.contains(':') && graph.recorded(name).is_none()).collect();
    // Beside buckets it is what they are joined with: `* on (instance) group_left (node) kubelet_node_name`.
    if let Some(name) = plain.first().filter(|_| !plain.iter().any(|name| name.ends_with("_bucket"))) {
        let classic = input.metrics.is_some_and(|metrics| metrics.has_buckets(name));
        return wrong_name(rule, buckets, name, classic);
    }
    if names.is_empty() {
        return None;
    }
    if labels_of(buckets, graph).presence(BUCKET_LABEL) == Presence::Never {
        let message = "histogram_quantile needs the label \"le\", which is aggregated away".to_string();
        let why = "Without `le` the buckets are one sum and there is no quantile: the result is always empty.".to_string();
        let fix = Some(rewrite::with_label_kept(rule.expr, buckets.place, BUCKET_LABEL));
        return Some(Finding { fix, ..rule.finding(CODE, Severity::Error, message, why).part(buckets.place) });
    }
    if plain.len() == names.len() && !over_time(buckets) {
        let message = format!("histogram_quantile of {} without rate() or increase()", plain[0]);
        let why =
            "Buckets count since the start of the process: the quantile is over its whole life and hardly moves any more.".to_string();
        return Some(rule.finding(CODE, Severity::Warning, message, why).part(buckets.place));
    }
    None
}

fn wrong_name(rule: &RuleView, buckets: &Expr, name: &str, classic: bool) -> Option<Finding> {
    let base = ["_count", "_sum", "_total"].iter().find_map(|end| name.strip_suffix(end)).unwrap_or(name);
    let bucket = format!("{base}_bucket");
    let fix = Some(rewrite::with_name(rule.expr, buckets.place, name, &bucket));
    let asks_for_le = names_le(buckets);
    let message = format!("histogram_quantile of {name}, which is not a series of buckets");
    let (severity, why) = if base != name {
        (Severity::Warning, format!("The buckets of the histogram are in {bucket}; the result is empty."))
    } else if classic {
        (Severity::Warning, format!("It is a classic histogram, whose buckets are in {bucket}: the result is empty."))
    } else if asks_for_le {
        (Severity::Warning, format!("A histogram with the label `le` has its buckets in {bucket}; the name alone gives nothing."))
    } else {
        (Severity::Info, format!("This works with native histograms only; the buckets of a classic one are in {bucket}, summed by `le`."))
    };
    Some(Finding { fix, ..rule.finding(CODE, severity, message, why).part(buckets.place) })
}

fn names_le(expr: &Expr) -> bool {
    let mut found = false;
    expr.walk(&mut |node| {
        found |= matches!(&node.kind, ExprKind::Aggregate(a) if !a.without && a.grouping.iter().any(|label| label == BUCKET_LABEL));
    });
    found
}

/// Whether a function looks at more than the newest value, or the buckets are differences already.
fn over_time(expr: &Expr) -> bool {
    let mut found = false;
    expr.walk(&mut |node| {
        let minus = |op: &bellbuoy_promql::BinaryOp| *op == bellbuoy_promql::BinaryOp::Sub;
        found |= matches!(&node.kind, ExprKind::Range(_) | ExprKind::Subquery(_));
        found |= matches!(&node.kind, ExprKind::Binary(binary) if binary.rest.iter().any(|term| minus(&term.op)));
    });
    found
}

#[cfg(test)]
mod tests {
    use crate::tests::{bad, good};

    #[test]
    fn not_buckets() {
        let bad = |expr, fix| bad(super::CODE, expr, fix);
        bad(
            "histogram_quantile(0.95, sum(rate(x_seconds_bucket[5m]))) > 1",
            "histogram_quantile(0.95, sum by (le) (rate(x_seconds_bucket[5m]))) > 1",
        );
        bad(
            "histogram_quantile(0.95, sum by (job) (rate(x_seconds_bucket[5m]))) > 1",
            "histogram_quantile(0.95, sum by (job, le) (rate(x_seconds_bucket[5m]))) > 1",
        );
        bad(
            "histogram_quantile(0.95, sum without (le) (rate(x_seconds_bucket[5m])))",
            "histogram_quantile(0.95, sum without () (rate(x_seconds_bucket[5m])))",
        );
        bad(
            "histogram_quantile(0.95, sum by (le) (rate(x_seconds[5m])))",
            "histogram_quantile(0.95, sum by (le) (rate(x_seconds_bucket[5m])))",
        );
        bad("histogram_quantile(0.95, rate(x_seconds_count[5m]))", "histogram_quantile(0.95, rate(x_seconds_bucket[5m]))");
        bad("histogram_quantile(0.95, x_seconds_bucket)", "");
        bad("histogram_quantile(0.9, sum(rate(x[5m])))", "histogram_quantile(0.9, sum(rate(x_bucket[5m])))");
    }

    #[test]
    fn buckets() {
        let good = |expr| good(super::CODE, expr);
        good("histogram_quantile(0.95, rate(prediction_latency_seconds_bucket[5m])) > 1.0");
        good("histogram_quantile(0.95, sum by (le) (rate(x_seconds_bucket[5m])))");
        good("histogram_quantile(0.95, sum without (instance) (increase(x_seconds_bucket[5m])))");
        good("histogram_quantile(0.95, sum by (le, job) (job:x_seconds_bucket:rate5m))");
        good("histogram_quantile(0.95, sum by (le) (x_bucket - x_bucket offset 1h))");
        good("histogram_quantile(0.95, {__name__=~\"x.*\"})");
        good("histogram_quantile(0.99, sum by (instance, le) (rate(x_seconds_bucket[5m])) * on (instance) group_left (node) node_name)");
    }
}
