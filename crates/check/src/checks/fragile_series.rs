//! `fragile-series`: an alert that waits (`for`) on series that change places.

use bellbuoy_promql::{AggregateOp, ExprKind};
use bellbuoy_rules::RuleSettings;
use bellbuoy_vocabulary::{Millis, Severity};

use super::of_rule;
use crate::Input;
use crate::finding::Finding;
use crate::graph::RuleGraph;

pub const CODE: &str = "fragile-series";

pub fn run(input: &Input, _: &RuleGraph, findings: &mut Vec<Finding>) {
    for group in input.groups {
        for rule in &group.rules {
            let RuleSettings::Alerting(rule) = rule else { continue };
            if rule.hold > Millis::ZERO {
                rule.expr.walk(&mut |node| {
                    let ExprKind::Aggregate(aggregate) = &node.kind else { return };
                    let picks = matches!(aggregate.op, AggregateOp::Topk | AggregateOp::Bottomk | AggregateOp::Limitk | AggregateOp::LimitRatio);
                    if !picks {
                        return;
                    }
                    let message = format!("alert {}: `{}` picks other series from time to time, and `for` asks for the same one", rule.alert, aggregate.op.name());
                    let why = "When another series takes the place, its `for` begins at zero: the alert may never fire although something is always wrong.";
                    let finding = of_rule(CODE, Severity::Info, &group.file, rule.span, ["expr".into()], message, why.to_string());
                    findings.push(finding.part(node.place).fix(Some("compare all series, or take max() of them".to_string())));
                });
            }
            let changing = rule.labels.iter().find(|(_, value)| value.contains("$value") || value.contains(".Value"));
            if let Some((name, _)) = changing {
                let message = format!("alert {}: the label {name:?} holds the value", rule.alert);
                let why = "A label is part of the alert's identity: with each new value it is another alert, `for` begins anew and people are told again.";
                let path = ["labels".into(), name.as_str().into()];
                let finding = of_rule(CODE, Severity::Warning, &group.file, rule.span, path, message, why.to_string());
                findings.push(finding.fix(Some("put it into an annotation".to_string())));
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use bellbuoy_vocabulary::Millis;

    use crate::tests::{alert, findings_of};

    #[test]
    fn series_that_change() {
        let mut rule = alert("topk(3, x) > 5");
        assert_eq!(findings_of(vec![rule.clone()]), []);
        rule.hold = Millis::from_minutes(5);
        assert_eq!(findings_of(vec![rule]).len(), 1);
        let mut rule = alert("x > 5");
        rule.labels = vec![("current".into(), "{{ $value }}".into())];
        assert_eq!(findings_of(vec![rule])[0].code, super::CODE);
    }
}
