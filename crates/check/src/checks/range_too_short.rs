//! `range-too-short`: a rate over a range in which there are not surely two samples.

use bellbuoy_promql::{Expr, ExprKind, RangeSelector};
use bellbuoy_vocabulary::{MatchOp, Millis, Severity, format_duration};

use super::{RuleView, rules};
use crate::Input;
use crate::finding::Finding;
use crate::graph::RuleGraph;
use crate::infer::exact_name;

pub const CODE: &str = "range-too-short";

/// Functions that give nothing for a single sample.
const NEED_TWO: &[&str] = &["rate", "increase", "irate", "delta", "idelta", "deriv", "predict_linear", "double_exponential_smoothing"];

pub fn run(input: &Input, graph: &RuleGraph, findings: &mut Vec<Finding>) {
    for rule in rules(input) {
        rule.expr.walk(&mut |node| {
            if let ExprKind::Call(call) = &node.kind
                && NEED_TWO.contains(&call.function.name)
                && let Some(ExprKind::Range(range)) = call.args.first().map(|arg| &arg.unparenthesized().kind)
            {
                findings.extend(look(&rule, node, call.function.name, range, input, graph));
            }
        });
    }
}

fn look(rule: &RuleView, node: &Expr, function: &str, range: &RangeSelector, input: &Input, graph: &RuleGraph) -> Option<Finding> {
    let shown = node.to_string();
    let (interval, source) = sampled(range, input, graph)?;
    let twice = Millis(interval.0.saturating_mul(2));
    if range.range >= twice {
        return None;
    }
    let (range_text, interval_text) = (format_duration(range.range), format_duration(interval));
    let message = format!("`{shown}` looks back {range_text}, {source} has a sample every {interval_text}");
    let why = if range.range <= interval {
        format!("{function} needs two samples, and {range_text} never hold more than one of regular samples: the result is empty.")
    } else {
        format!(
            "{function} needs two samples, and {range_text} hold only one at times: the result comes and goes, and `for` starts again each time."
        )
    };
    // Four samples survive a failed scrape.
    let fix = shown.replace(&format!("[{range_text}]"), &format!("[{}]", format_duration(Millis(interval.0.saturating_mul(4)))));
    Some(rule.finding(CODE, Severity::Warning, message, why).part(node.place).fix(Some(fix)))
}

/// How often the series get a sample, at the least: of several jobs that may have them the most frequent.
fn sampled(range: &RangeSelector, input: &Input, graph: &RuleGraph) -> Option<(Millis, String)> {
    if let Some(name) = exact_name(&range.selector)
        && let Some(interval) = graph.interval(name)
    {
        return name.contains(':').then(|| (interval, format!("the rule {name}")));
    }
    let wanted = |job: &str| range.selector.matchers.iter().filter(|m| m.name == "job").all(|m| m.matches(job));
    let named = range.selector.matchers.iter().any(|m| m.name == "job" && m.op == MatchOp::Equal);
    let (job, interval) = input.scrapes.iter().filter(|(job, _)| wanted(job)).min_by_key(|(_, interval)| *interval)?;
    Some((*interval, if named || input.scrapes.len() == 1 { format!("job {job}") } else { format!("even job {job}") }))
}

#[cfg(test)]
mod tests {
    use crate::tests::{bad, good};

    // Jobs in the tests: `api` every 15 s, `slow` every minute; groups are evaluated every 15 s.
    #[test]
    fn less_than_two_samples() {
        bad(super::CODE, "rate(x[10s]) > 1", "rate(x[1m])");
        bad(super::CODE, "irate(x{job=\"api\"}[20s]) > 1", "irate(x{job=\"api\"}[1m])");
        bad(super::CODE, "increase(x{job=\"slow\"}[1m]) > 1", "increase(x{job=\"slow\"}[4m])");
    }

    #[test]
    fn two_samples() {
        good(super::CODE, "rate(x[30s]) > 1");
        good(super::CODE, "increase(x{job=\"slow\"}[2m]) > 1");
        good(super::CODE, "rate(x{job=\"unknown\"}[5s]) > 1");
        good(super::CODE, "avg_over_time(x[5s]) > 1");
        good(super::CODE, "rate(x[5s:1s]) > 1");
    }
}
