//! `beyond-retention`: an expression looks back further than data are kept.

use bellbuoy_promql::ExprKind;
use bellbuoy_vocabulary::{Millis, Severity, format_duration};

use super::rules;
use crate::Input;
use crate::finding::Finding;
use crate::graph::RuleGraph;

pub const CODE: &str = "beyond-retention";

pub fn run(input: &Input, _: &RuleGraph, findings: &mut Vec<Finding>) {
    let Some(kept) = input.retention.filter(|kept| *kept > Millis::ZERO) else { return };
    for rule in rules(input) {
        rule.expr.walk(&mut |node| {
            let (range, offset) = match &node.kind {
                ExprKind::Vector(selector) => (Millis::ZERO, selector.offset),
                ExprKind::Range(range) => (range.range, range.selector.offset),
                ExprKind::Subquery(subquery) => (subquery.range, subquery.offset),
                _ => return,
            };
            let back = Millis(range.0.saturating_add(offset.0));
            if back <= kept {
                return;
            }
            let (kept_text, back_text) = (format_duration(kept), format_duration(back));
            let message = format!("`{node}` looks back {back_text}, and data are kept for {kept_text}");
            let why = if offset > kept {
                "What it asks for is deleted by then: there is never a result."
            } else {
                "It sees what is left only, and says so nowhere: a mean over 30 days is one over less."
            };
            findings.push(rule.finding(CODE, Severity::Warning, message, why.to_string()).part(node.place));
        });
    }
}

#[cfg(test)]
mod tests {
    use bellbuoy_rules::RuleSettings;
    use bellbuoy_vocabulary::Millis;

    use crate::tests::{alert, group};
    use crate::{Input, check};

    #[test]
    fn further_than_the_data() {
        let found = |expr: &str, days: Option<i64>| {
            let groups = [group(vec![RuleSettings::Alerting(alert(expr))])];
            let retention = days.map(|days| Millis(days * 86_400_000));
            check(&Input { groups: &groups, retention, ..Input::default() }).iter().filter(|finding| finding.code == super::CODE).count()
        };
        assert_eq!(found("x > x offset 10d", Some(5)), 1);
        assert_eq!(found("avg_over_time(x[40d]) > 1", Some(15)), 1);
        assert_eq!(found("max_over_time(rate(x[5m])[20d:1h]) > 1", Some(15)), 1);
        assert_eq!(found("avg_over_time(x[10d]) > 1", Some(15)), 0);
        assert_eq!(found("avg_over_time(x[10d] offset 6d) > 1", Some(15)), 1);
        assert_eq!(found("x > x offset 10d", None), 0);
    }
}
