//! `matching-never`: an operator between two vectors whose series can never have equal labels.

use std::collections::BTreeSet;

use bellbuoy_promql::{BinaryOp, Group, Matching, Side};
use bellbuoy_vocabulary::Severity;

use super::{RuleView, bucket_with_count, listed, rules};
use crate::Input;
use crate::finding::Finding;
use crate::graph::RuleGraph;
use crate::infer::{Conflict, infer};
use crate::rewrite;
use crate::shape::{Presence, Shape};

pub const CODE: &str = "matching-never";

pub fn run(input: &Input, graph: &RuleGraph, findings: &mut Vec<Finding>) {
    for rule in rules(input) {
        let mut conflicts = Vec::new();
        infer(rule.expr, graph, &mut conflicts);
        findings
            .extend(conflicts.iter().filter(|conflict| !bucket_with_count::is_ours(conflict)).map(|conflict| describe(&rule, conflict)));
    }
}

fn describe(rule: &RuleView, conflict: &Conflict) -> Finding {
    let (label, op) = (&conflict.label, conflict.op.symbol());
    let message = match conflict.holder {
        None => {
            let values =
                |shape: &Shape| shape.values(label).map(|set| set.iter().cloned().collect::<Vec<_>>().join("|")).unwrap_or_default();
            format!(
                "the two sides of `{op}` have different values of {label:?} ({:?} and {:?})",
                values(&conflict.left),
                values(&conflict.right)
            )
        }
        Some(side) => {
            let (has, other) = if side == Side::Left { ("left", "right") } else { ("right", "left") };
            let sure = if conflict.sure { "always has" } else { "has" };
            format!("the {has} side of `{op}` {sure} the label {label:?}, the {other} side never has it")
        }
    };
    let effect = match conflict.op {
        BinaryOp::Unless => "so nothing is ever taken away",
        _ => "so the result is empty",
    };
    let condition = if conflict.sure { String::new() } else { format!(" as soon as a series has {label:?}") };
    let why = format!("Series match only when all labels are equal that take part in the matching, {effect}{condition}.");
    let severity = if conflict.sure { Severity::Error } else { Severity::Warning };
    let mended = mended(conflict);
    let fix = mended.as_ref().map(|matching| rewrite::with_matching(rule.expr, conflict.op_place, matching));
    let finding = rule.finding(CODE, severity, message, why).part(conflict.op_place).fix(fix);
    // Only a side without any label leaves no doubt about what belongs together.
    let lone = |shape: &Shape| !shape.is_open() && shape.possible().count() == 0;
    let end = conflict.op_place.end;
    match mended.and_then(|matching| matching.group) {
        Some(group) if conflict.matching == Matching::default() && (lone(&conflict.left) || lone(&conflict.right)) => {
            let side = if group.side == Side::Left { "group_left" } else { "group_right" };
            finding.edit(end..end, format!(" on () {side} ()"))
        }
        _ => finding,
    }
}

/// The matching on what both sides can have, when that is known: one of them must be a complete list of labels.
fn mended(conflict: &Conflict) -> Option<Matching> {
    conflict.holder?;
    let (left, right) = (&conflict.left, &conflict.right);
    let closed = if !right.is_open() {
        right
    } else if !left.is_open() {
        left
    } else {
        return None;
    };
    let other = if std::ptr::eq(closed, right) { left } else { right };
    let shared: Vec<String> = closed
        .possible()
        .filter(|label| other.presence(label) > Presence::Unlikely && crate::infer::is_matched(&conflict.matching, label))
        .map(String::from)
        .collect();
    let extra = |shape: &Shape| shape.is_open() || shape.possible().any(|label| !shared.iter().any(|s| s == label));
    let group = match (conflict.op.is_set(), extra(left), extra(right)) {
        (true, _, _) => None,
        // Both have labels of their own: which series belong together is not for us to say.
        (false, true, true) => return None,
        (false, _, false) => Some(Group { side: Side::Left, include: Vec::new() }),
        (false, false, true) => Some(Group { side: Side::Right, include: Vec::new() }),
    };
    Some(Matching { on: true, labels: shared, group })
}

/// Names of labels for messages of other checks.
pub(super) fn labels_text(shape: &Shape) -> String {
    let names: BTreeSet<String> = shape.possible().map(|name| format!("{name:?}")).collect();
    if names.is_empty() { "no labels".to_string() } else { listed(&names.into_iter().collect::<Vec<_>>()) }
}

#[cfg(test)]
mod tests {
    use crate::tests::{bad, good};

    #[test]
    fn sides_that_can_not_meet() {
        let bad = |expr, fix| bad(super::CODE, expr, fix);
        bad(
            "sum(rate(prediction_errors_total[5m])) by (error_type) / (sum(rate(predictions_total[5m])) + 0.001) > 0.05",
            "sum by (error_type) (rate(prediction_errors_total[5m])) / on () group_left () (sum(rate(predictions_total[5m])) + 0.001) > 0.05",
        );
        bad("errors{kind=\"a\"} / sum(requests)", "errors{kind=\"a\"} / on () group_left () sum(requests)");
        bad("sum(requests) / errors", "sum(requests) / on () group_right () errors");
        bad("sum by (a) (x) > sum by (a, b) (y)", "sum by (a) (x) > on (a) group_right () sum by (a, b) (y)");
        bad("sum by (a) (x) / sum by (b) (y)", "");
        bad("up and sum(x) > 0", "up and on () sum(x) > 0");
        bad("up{job=\"a\"} == up{job=\"b\"}", "");
        bad("up{job=~\"a|b\"} and x{job=~\"c|d\"}", "");
        bad("up unless absent(x{zone=\"b\"})", "up unless on (zone) absent(x{zone=\"b\"})");
        bad(
            "label_replace(sum(x), \"a\", \"b\", \"\", \"\") * sum(y)",
            "label_replace(sum(x), \"a\", \"b\", \"\", \"\") * on () group_left () sum(y)",
        );
        bad("sum by (a) (x) / on (a) sum(y)", "sum by (a) (x) / on () group_left () sum(y)");
    }

    #[test]
    fn one_cause_is_told_once() {
        let found = crate::tests::all_findings_of("x{state=\"a\"} / (x{state=\"a\"} + x{state=\"b\"}) > 1");
        let of_ours: Vec<&str> =
            found.iter().filter(|finding| finding.code == super::CODE).map(|finding| finding.message.as_str()).collect();
        assert_eq!(of_ours, ["alert Test: the two sides of `+` have different values of \"state\" (\"a\" and \"b\")"]);
    }

    #[test]
    fn sides_that_can_meet() {
        let good = |expr| good(super::CODE, expr);
        good("sum by (error_type) (rate(a[5m])) / on() group_left() sum(rate(b[5m]))");
        good("sum by (a) (x) / sum by (a) (y)");
        good("x / y");
        good("x / ignoring(code) y");
        good("sum(x) or vector(0)");
        good("sum by (a) (x) or vector(0)");
        good("up and on() sum(x) > 0");
        good("x * on(instance) group_left(version) build_info");
        good("sum by (a, version) (x * on(instance) group_left(version) build_info) / sum by (a, version) (y)");
        good("sum without (instance) (x) / sum without (instance) (y)");
        good("job:errors:rate5m / sum(y)");
        good("count_values(\"version\", build) / sum by (version) (x)");
        good("absent(x{job=\"a\"}) and absent(y{job=\"a\"})");
        good("(sum by (a) (x) or sum(y)) / sum(z)");
        good("up{job=~\"a|b\"} and x{job=~\"b|c\"}");
        good("sum(x) / scalar(sum(y))");
        good("x_count / on(job) group_left() sum by (job) (y_bucket{le=\"1\"})");
    }
}
