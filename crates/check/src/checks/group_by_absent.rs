//! `group-by-absent`: a route groups by a label that none of its alerts can have.

use std::collections::BTreeSet;

use bellbuoy_vocabulary::{Severity, nearest};

use super::alerts::{alerts_of, passes_all};
use super::routes::{finding, visit};
use crate::Input;
use crate::finding::Finding;
use crate::graph::RuleGraph;
use crate::shape::Presence;

pub const CODE: &str = "group-by-absent";

pub fn run(input: &Input, graph: &RuleGraph, findings: &mut Vec<Finding>) {
    let Some(router) = input.router else { return };
    let alerts = alerts_of(input, graph);
    if alerts.is_empty() {
        return;
    }
    let look = |group_by: &[String], matchers: &[&bellbuoy_vocabulary::Matcher]| -> Option<(String, Option<String>)> {
        let reached: Vec<_> = alerts.iter().filter(|alert| passes_all(alert.shape, matchers.iter().copied()) != Some(false)).collect();
        let absent = |label: &&String| !reached.is_empty() && reached.iter().all(|alert| alert.shape.presence(label) <= Presence::Unlikely);
        let label = group_by.iter().find(absent)?;
        let known: BTreeSet<&str> = reached.iter().flat_map(|alert| alert.shape.possible()).collect();
        Some((label.clone(), nearest(label, known).map(String::from)))
    };
    let why = "Its value is empty on all of them: it separates nothing.".to_string();
    if let Some((label, meant)) = look(&router.route.group_by, &[]) {
        let message = format!("the root route groups by {label:?}, which no alert of these rules has");
        let fix = meant.map(|meant| format!("group_by: [{meant}]"));
        findings.push(finding(input, CODE, Severity::Info, message, why.clone(), fix).under(["route".into(), "group_by".into()]));
    }
    visit(router, &mut |view| {
        if view.inherits_group_by() {
            return;
        }
        if let Some((label, meant)) = look(&view.route.group_by, &view.matchers) {
            let message = format!("{} groups by {label:?}, which none of its alerts has", view.name());
            let fix = meant.map(|meant| format!("group_by: [{meant}]"));
            findings.push(view.finding(input, CODE, Severity::Info, message, why.clone()).fix(fix).under(["group_by".into()]));
        }
    });
}

#[cfg(test)]
mod tests {
    use crate::tests::{alert, findings_of_routes, route};

    #[test]
    fn none_has_the_label() {
        let found = |expr: &str, label: &str| {
            let mut grouped = route(&["severity!=\"x\""]);
            grouped.group_by = vec![label.to_string()];
            findings_of_routes(vec![grouped], &[], &[alert(expr)]).iter().filter(|finding| finding.code == super::CODE).count()
        };
        assert_eq!(found("sum by (job) (x) > 1", "cluster"), 1);
        assert_eq!(found("sum by (job) (x) > 1", "job"), 0);
        assert_eq!(found("x > 1", "cluster"), 0);
        assert_eq!(found("sum(x) > 1", "alertname"), 0);
    }
}
