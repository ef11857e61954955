//! `metric-unknown`: nobody exposes a metric of this name.

use bellbuoy_promql::{Expr, ExprKind, VectorSelector};
use bellbuoy_vocabulary::Severity;

use super::rules;
use crate::Input;
use crate::finding::Finding;
use crate::graph::RuleGraph;
use crate::infer::exact_name;
use crate::rewrite;

pub const CODE: &str = "metric-unknown";

/// What the scraping itself makes of each target.
const OF_SCRAPES: &[&str] = &[
    "up",
    "scrape_duration_seconds",
    "scrape_samples_scraped",
    "scrape_samples_post_metric_relabeling",
    "scrape_series_added",
    "ALERTS",
    "ALERTS_FOR_STATE",
];

/// Whether series of this name can exist, as far as is known.
pub fn exists(name: &str, selector: &VectorSelector, input: &Input, graph: &RuleGraph) -> bool {
    let Some(metrics) = input.metrics else { return true };
    graph.recorded(name).is_some() || OF_SCRAPES.contains(&name) || metrics.has(name) || !metrics.knows_all_of(selector)
}

pub fn run(input: &Input, graph: &RuleGraph, findings: &mut Vec<Finding>) {
    let Some(metrics) = input.metrics else { return };
    for rule in rules(input) {
        let asked_on_purpose = asked_for_absence(rule.expr);
        rule.expr.walk(&mut |node| {
            let Some(selector) = selector_of(node) else { return };
            let Some(name) = exact_name(selector).filter(|name| !exists(name, selector, input, graph)) else { return };
            if asked_on_purpose.contains(&node.place) || is_base_of_histogram(name, input) {
                return;
            }
            let recorded: Vec<&str> = graph.names().collect();
            let meant = metrics.meant(name).or_else(|| Some((bellbuoy_vocabulary::nearest(name, recorded)?.to_string(), false)));
            let message = format!("no series is called {name}");
            let why = format!("It is not among {}, and no rule records it: the expression has no result.", metrics.source);
            let mut finding = rule.finding(CODE, Severity::Warning, message, why).part(node.place);
            if let Some((meant, sure)) = meant {
                finding.fix = Some(rewrite::with_name(rule.expr, node.place, name, &meant));
                if sure && selector.name.as_deref() == Some(name) && rule.kind != "panel" {
                    finding = finding.edit(node.place.start..node.place.start + name.len(), meant);
                }
            }
            findings.push(finding);
        });
    }
}

fn is_base_of_histogram(name: &str, input: &Input) -> bool {
    input.metrics.is_some_and(|metrics| metrics.is_histogram(name))
}

pub fn selector_of(node: &Expr) -> Option<&VectorSelector> {
    match &node.kind {
        ExprKind::Vector(selector) => Some(selector),
        ExprKind::Range(range) => Some(&range.selector),
        _ => None,
    }
}

/// Selectors below `absent`, and alternatives of `or` beside one that exists: that there is nothing is what they are for.
fn asked_for_absence(expr: &Expr) -> Vec<bellbuoy_promql::Place> {
    let mut places = Vec::new();
    expr.walk(&mut |node| {
        if let ExprKind::Call(call) = &node.kind
            && matches!(call.function.name, "absent" | "absent_over_time")
        {
            node.walk(&mut |inner| places.push(inner.place));
        }
    });
    places
}
