//! `bucket-with-count`: buckets and the count of a histogram are put together as they are, and never match: only buckets have `le`.

use bellbuoy_promql::{Matching, Side};
use bellbuoy_vocabulary::{BUCKET_LABEL, Severity};

use super::rules;
use crate::Input;
use crate::finding::Finding;
use crate::graph::RuleGraph;
use crate::infer::{Conflict, infer};
use crate::rewrite;
use crate::shape::Presence;

pub const CODE: &str = "bucket-with-count";

/// Whether `matching-never` leaves this one to us: a bucket beside what has everything but `le`.
pub fn is_ours(conflict: &Conflict) -> bool {
    let (has, lacks) = match conflict.holder {
        Some(Side::Left) => (&conflict.left, &conflict.right),
        Some(Side::Right) => (&conflict.right, &conflict.left),
        None => return false,
    };
    let one_bucket = has.values(BUCKET_LABEL).is_some_and(|values| values.len() == 1);
    conflict.label == BUCKET_LABEL && one_bucket && lacks.presence(BUCKET_LABEL) == Presence::Unlikely && !conflict.matching.on
}

pub fn run(input: &Input, graph: &RuleGraph, findings: &mut Vec<Finding>) {
    for rule in rules(input) {
        let mut conflicts = Vec::new();
        infer(rule.expr, graph, &mut conflicts);
        for conflict in conflicts.iter().filter(|conflict| is_ours(conflict)) {
            let op = conflict.op.symbol();
            let message = format!("the sides of `{op}` are a bucket, which has the label \"le\", and a count, which has not");
            let why = "Series match only when all labels are equal: the result is always empty.".to_string();
            let mut labels = conflict.matching.labels.clone();
            labels.push(BUCKET_LABEL.to_string());
            let matching = Matching { on: false, labels, group: conflict.matching.group.clone() };
            let fix = rewrite::with_matching(rule.expr, conflict.op_place, &matching);
            let finding = rule.finding(CODE, Severity::Warning, message, why).part(conflict.op_place).fix(Some(fix));
            let plain = conflict.matching == Matching::default();
            let end = conflict.op_place.end;
            findings.push(if plain { finding.edit(end..end, " ignoring (le)") } else { finding });
        }
    }
}

#[cfg(test)]
mod tests {
    use crate::tests::{bad, good};

    #[test]
    fn only_buckets_have_le() {
        let fixed = "prediction_latency_seconds_bucket{le=\"1.0\"} < ignoring (le) 0.5 * prediction_latency_seconds_count";
        bad(super::CODE, "prediction_latency_seconds_bucket{le=\"1.0\"} < 0.5 * prediction_latency_seconds_count", fixed);
        good(super::CODE, fixed);
        good(super::CODE, "sum(rate(x_bucket{le=\"1.0\"}[5m])) / sum(rate(x_count[5m])) < 0.5");
    }
}
