//! `alert-at-start`: an alert without `for` whose series come one after the other when the program starts.

use std::collections::BTreeSet;

use bellbuoy_promql::{BinaryOp, Expr, ExprKind};
use bellbuoy_rules::RuleSettings;
use bellbuoy_vocabulary::{MatchOp, Millis, Severity};

use super::of_rule;
use crate::Input;
use crate::finding::Finding;
use crate::graph::RuleGraph;

pub const CODE: &str = "alert-at-start";

pub fn run(input: &Input, _: &RuleGraph, findings: &mut Vec<Finding>) {
    for group in input.groups {
        for rule in &group.rules {
            let RuleSettings::Alerting(rule) = rule else { continue };
            if rule.hold > Millis::ZERO {
                continue;
            }
            look(&rule.expr, &mut |node, what, why| {
                let message = format!("alert {}: {what}, and there is no `for`", rule.alert);
                let finding = of_rule(CODE, Severity::Info, &group.file, rule.span, ["expr".into()], message, why.to_string());
                findings.push(finding.part(node.place).fix(Some("for: two scrape intervals or more".to_string())));
            });
        }
    }
}

/// What makes the alert fire: not what only takes away.
fn look<'a>(expr: &'a Expr, tell: &mut dyn FnMut(&'a Expr, String, &str)) {
    match &expr.kind {
        ExprKind::Paren(inner) => look(inner, tell),
        ExprKind::Call(call) if call.function.name == "absent" && !aggregated(&call.args[0]) => {
            let why = "Nothing was scraped yet, so everything is absent: each restart is told as an alert.";
            tell(expr, format!("`{expr}` has a result until the first scrape after a start"), why);
        }
        ExprKind::Binary(binary) => {
            if binary.rest.iter().any(|term| !term.op.is_set() && apart(&binary.first, &term.expr)) {
                let why = "After a start the targets are scraped one after the other: until then one of the sums is too small, and the ratio wrong.";
                tell(expr, format!("`{expr}` compares sums of different jobs"), why);
            }
            look(&binary.first, tell);
            binary.rest.iter().filter(|term| term.op != BinaryOp::Unless).for_each(|term| look(&term.expr, tell));
        }
        _ => {}
    }
}

/// Something else than plain series.
fn aggregated(expr: &Expr) -> bool {
    !matches!(expr.unparenthesized().kind, ExprKind::Vector(_))
}

/// Two aggregations that surely are of different jobs.
fn apart(left: &Expr, right: &Expr) -> bool {
    let (left, right) = (jobs(left), jobs(right));
    matches!((left, right), (Some(left), Some(right)) if left.is_disjoint(&right))
}

/// The jobs that an aggregation is over, when all of its selectors name theirs.
fn jobs(expr: &Expr) -> Option<BTreeSet<&str>> {
    let mut sums = false;
    expr.walk(&mut |node| sums |= matches!(node.kind, ExprKind::Aggregate(_)));
    let selectors = expr.selectors();
    let job = |matchers: &'_ [bellbuoy_vocabulary::Matcher]| matchers.iter().position(|m| m.name == "job" && m.op == MatchOp::Equal);
    if !sums || selectors.is_empty() {
        return None;
    }
    selectors.into_iter().map(|selector| Some(selector.matchers[job(&selector.matchers)?].value.as_str())).collect()
}

#[cfg(test)]
mod tests {
    use bellbuoy_rules::RuleSettings;
    use bellbuoy_vocabulary::Millis;

    use crate::tests::{alert, group};
    use crate::{Input, check};

    fn found(expr: &str, minutes: i64) -> usize {
        let mut rule = alert(expr);
        rule.hold = Millis::from_minutes(minutes);
        let found = check(&Input { groups: &[group(vec![RuleSettings::Alerting(rule)])], ..Input::default() });
        found.iter().filter(|finding| finding.code == super::CODE).count()
    }

    #[test]
    fn too_early_to_say() {
        assert_eq!(found("absent(up{job=\"a\"})", 0), 1);
        assert_eq!(found("absent(x) or absent(y)", 0), 2);
        assert_eq!(found("sum(e{job=\"a\"}) / sum(r{job=\"b\"}) > 0.1", 0), 1);
    }

    #[test]
    fn late_enough() {
        assert_eq!(found("absent(up{job=\"a\"})", 5), 0);
        assert_eq!(found("x > 5 unless absent(up{job=\"a\"})", 0), 0);
        assert_eq!(found("absent_over_time(up{job=\"a\"}[10m])", 0), 0);
        assert_eq!(found("sum(e{job=\"a\"}) / sum(r{job=\"a\"}) > 0.1", 0), 0);
        assert_eq!(found("sum(e) / sum(r{job=\"b\"}) > 0.1", 0), 0);
    }
}
