//! The corrected text of an expression: a copy with one thing changed, printed.

use bellbuoy_promql::{Aggregate, Expr, ExprKind, Matching, Place};
use bellbuoy_vocabulary::METRIC_NAME;

/// With another matching at the operator that stands at `op_place`.
pub fn with_matching(expr: &Expr, op_place: Place, matching: &Matching) -> String {
    let mut copy = expr.clone();
    copy.walk_mut(&mut |node| {
        if let ExprKind::Binary(binary) = &mut node.kind {
            for term in binary.rest.iter_mut().filter(|term| term.op_place == op_place) {
                term.matching = matching.clone();
            }
        }
    });
    copy.to_string()
}

/// With the label kept by every aggregation inside of the node at `within` that drops it.
pub fn with_label_kept(expr: &Expr, within: Place, label: &str) -> String {
    let mut copy = expr.clone();
    copy.walk_mut(&mut |node| {
        let inside = within.start <= node.place.start && node.place.end <= within.end;
        if let (true, ExprKind::Aggregate(aggregate)) = (inside, &mut node.kind) {
            keep(aggregate, label);
        }
    });
    copy.to_string()
}

fn keep(aggregate: &mut Aggregate, label: &str) {
    if aggregate.without {
        aggregate.grouping.retain(|listed| listed != label);
    } else if !aggregate.grouping.iter().any(|listed| listed == label) {
        aggregate.grouping.push(label.to_string());
    }
}

/// With another metric name where `from` is selected inside of the node at `within`.
pub fn with_name(expr: &Expr, within: Place, from: &str, to: &str) -> String {
    let mut copy = expr.clone();
    copy.walk_mut(&mut |node| {
        if node.place.start < within.start || within.end < node.place.end {
            return;
        }
        let selector = match &mut node.kind {
            ExprKind::Vector(selector) => selector,
            ExprKind::Range(range) => &mut range.selector,
            _ => return,
        };
        if selector.name.as_deref() == Some(from) {
            selector.name = Some(to.to_string());
        }
        for matcher in selector.matchers.iter_mut().filter(|matcher| matcher.name == METRIC_NAME && matcher.value == from) {
            matcher.value = to.to_string();
        }
    });
    copy.to_string()
}
