//! Counter or gauge: from the rule that records it, from `# TYPE`, from its name.

use bellbuoy_promql::{AggregateOp, BinaryOp, Expr, ExprKind};

use super::{RuleView, rules};
use crate::Input;
use crate::graph::RuleGraph;
use crate::infer::exact_name;
use crate::metrics::{Kind, Metrics};

/// Many a gauge is called `_total`: `disks_offline_total`.
const BY_NAME: &str = "going by its name";

/// A metric's type, and how it is known: `its TYPE says so`.
pub struct Known {
    pub kind: Kind,
    pub by: &'static str,
}

impl Known {
    /// Whether nobody but its name says so.
    pub fn is_guess(&self) -> bool {
        self.by == BY_NAME
    }
}

pub fn kind_of(name: &str, input: &Input, graph: &RuleGraph) -> Option<Known> {
    let known = |kind, by| Some(Known { kind, by });
    if let Some(kind) = input.metrics.and_then(|metrics| metrics.kind(name)).filter(|kind| *kind != Kind::Other) {
        return known(kind, "its TYPE says so");
    }
    match graph.records_gauge(name) {
        Some(true) => return known(Kind::Gauge, "the rule that records it says so"),
        Some(false) => return None,
        None => {}
    }
    if name.contains(':') {
        return None;
    }
    match name {
        _ if PROMETHEUS_GAUGES.contains(&name) => known(Kind::Gauge, "Prometheus makes it"),
        _ if name.ends_with("_total") || name.ends_with("_bucket") => known(Kind::Counter, BY_NAME),
        _ => None,
    }
}

const PROMETHEUS_GAUGES: [&str; 5] = ["up", "ALERTS", "ALERTS_FOR_STATE", "scrape_duration_seconds", "scrape_samples_scraped"];

/// The functions of counters.
pub(super) const RATES: [&str; 3] = ["rate", "irate", "increase"];

/// Calls of these functions in all rules: the rule, the call, the function's name, its first argument.
pub(super) fn calls(input: &Input, functions: &[&str], tell: &mut dyn FnMut(&RuleView, &Expr, &'static str, &Expr)) {
    for rule in rules(input) {
        rule.expr.walk(&mut |node| {
            let ExprKind::Call(call) = &node.kind else { return };
            if let Some(argument) = call.args.first().filter(|_| functions.contains(&call.function.name)) {
                tell(&rule, node, call.function.name, argument.unparenthesized());
            }
        });
    }
}

/// A metric of this kind below a range: `x[5m]` of the counter or gauge x.
pub(super) fn ranged<'a>(argument: &'a Expr, kind: Kind, input: &Input, graph: &RuleGraph) -> Option<(&'a str, Known)> {
    let ExprKind::Range(range) = &argument.kind else { return None };
    let name = exact_name(&range.selector)?;
    Some((name, kind_of(name, input, graph).filter(|known| known.kind == kind)?))
}

/// Whether the result goes up and down, going by its functions, and by the types of metrics that were seen.
pub fn is_gauge(expr: &Expr, metrics: Option<&Metrics>) -> bool {
    match &expr.unparenthesized().kind {
        ExprKind::Vector(selector) => exact_name(selector)
            .is_some_and(|name| PROMETHEUS_GAUGES.contains(&name) || metrics.and_then(|metrics| metrics.kind(name)) == Some(Kind::Gauge)),
        ExprKind::Call(call) => matches!(
            call.function.name,
            "rate" | "irate" | "increase" | "delta" | "idelta" | "deriv" | "histogram_quantile" | "avg_over_time" | "predict_linear"
        ),
        ExprKind::Aggregate(aggregate) => match aggregate.op {
            AggregateOp::Sum | AggregateOp::Avg | AggregateOp::Min | AggregateOp::Max => is_gauge(&aggregate.expr, metrics),
            AggregateOp::Count | AggregateOp::Stddev | AggregateOp::Stdvar | AggregateOp::Quantile => true,
            _ => false,
        },
        ExprKind::Binary(binary) => binary.rest.iter().all(|term| term.op == BinaryOp::Div),
        _ => false,
    }
}
