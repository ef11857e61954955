//! `record-late`: a recording rule reads what a rule of another group records: its value is up to an interval old.

use bellbuoy_promql::ExprKind;
use bellbuoy_rules::RuleSettings;
use bellbuoy_vocabulary::{Severity, format_duration};
use std::collections::{BTreeMap, BTreeSet};

use super::metric_unknown::selector_of;
use super::of_rule;
use crate::Input;
use crate::finding::Finding;
use crate::graph::RuleGraph;
use crate::infer::exact_name;

pub const CODE: &str = "record-late";

pub fn run(input: &Input, _: &RuleGraph, findings: &mut Vec<Finding>) {
    // The groups that record each name.
    let mut groups: BTreeMap<&str, BTreeSet<usize>> = BTreeMap::new();
    for (at, group) in input.groups.iter().enumerate() {
        for rule in &group.rules {
            if let RuleSettings::Recording(rule) = rule {
                groups.entry(rule.record.as_str()).or_default().insert(at);
            }
        }
    }
    for (at, group) in input.groups.iter().enumerate() {
        for rule in &group.rules {
            let RuleSettings::Recording(rule) = rule else { continue };
            let mut told: BTreeSet<&str> = BTreeSet::new();
            rule.expr.walk(&mut |node| {
                // A range reads what was recorded before in any case.
                let (Some(selector), ExprKind::Vector(_)) = (selector_of(node), &node.kind) else { return };
                let Some(name) = exact_name(selector) else { return };
                let Some(others) = groups.get(name).filter(|groups| !groups.contains(&at)) else { return };
                let Some(other) = others.first().map(|other| &input.groups[*other]).filter(|_| told.insert(name)) else { return };
                let late = format_duration(other.interval);
                let message = format!("record {}: {name} is recorded by another group, {:?}", rule.record, other.name);
                let why = format!("Groups are evaluated at times of their own: what is read is up to {late} old.");
                let finding = of_rule(CODE, Severity::Info, &group.file, rule.span, ["expr".into()], message, why);
                findings.push(finding.part(node.place).fix(Some("put both rules into one group, in their order".to_string())));
            });
        }
    }
}

#[cfg(test)]
mod tests {
    use crate::tests::{findings_of_groups, group, record};

    #[test]
    fn of_another_group() {
        let base = || record("job:x:rate", "sum by (job) (rate(x_total[5m]))", &[]);
        let top = |expr: &str| record("all:x:rate", expr, &[]);
        let found = |groups: &[bellbuoy_rules::GroupSettings]| {
            findings_of_groups(groups).iter().filter(|finding| finding.code == super::CODE).count()
        };
        assert_eq!(found(&[group(vec![base()]), group(vec![top("sum(job:x:rate)")])]), 1);
        assert_eq!(found(&[group(vec![base(), top("sum(job:x:rate)")])]), 0);
        assert_eq!(found(&[group(vec![base()]), group(vec![top("max_over_time(job:x:rate[1h])")])]), 0);
    }
}
