//! `duplicate-rule`: two rules that say the same, or record under one name what then collides.

use std::collections::HashMap;

use bellbuoy_rules::RuleSettings;
use bellbuoy_vocabulary::{Severity, Span};

use super::of_rule;
use crate::Input;
use crate::finding::Finding;
use crate::graph::RuleGraph;

pub const CODE: &str = "duplicate-rule";

/// Kind and name, and the labels.
type Identity = (String, Vec<(String, String)>);

pub fn run(input: &Input, _: &RuleGraph, findings: &mut Vec<Finding>) {
    // Name, labels: the first rule's place and expression.
    let mut seen: HashMap<Identity, (String, Span, String)> = HashMap::new();
    for group in input.groups {
        for rule in &group.rules {
            let (kind, name, labels, expr, span) = match rule {
                RuleSettings::Alerting(rule) => ("alert", &rule.alert, rule.labels.clone(), &rule.expr, rule.span),
                RuleSettings::Recording(rule) => {
                    let labels = rule.labels.iter().map(|(name, value)| (name.to_string(), value.to_string())).collect();
                    ("record", &rule.record, labels, &rule.expr, rule.span)
                }
                RuleSettings::Grafana(_) => continue,
            };
            let mut labels: Vec<(String, String)> = labels;
            labels.sort();
            let text = expr.to_string();
            let key = (format!("{kind} {name}"), labels);
            let Some((file, first, other)) = seen.get(&key) else {
                seen.insert(key, (group.file.clone(), span, text));
                continue;
            };
            let place = format!("{file}:{}", first.line);
            // Several parts of one alert, or of one recorded name, are usual; that they are equal is not.
            if *other != text {
                continue;
            }
            let message = format!("{kind} {name}: the same rule is at {place} already");
            let why = match kind {
                "alert" => "Both make the same alert with the same labels; which annotations it has is left to chance.",
                _ => "Both write the same series; what was written second at a time is dropped and counted as an error.",
            };
            let finding = of_rule(CODE, Severity::Warning, &group.file, span, [kind.into()], message, why.to_string());
            findings.push(finding.fix(Some("remove one of the two".to_string())));
        }
    }
}

#[cfg(test)]
mod tests {
    use crate::tests::{alert, findings_of};

    #[test]
    fn the_same_twice() {
        let codes = |exprs: &[&str]| findings_of(exprs.iter().map(|expr| alert(expr)).collect()).len();
        assert_eq!(codes(&["up == 0", "up==0"]), 1);
        assert_eq!(codes(&["up == 0", "up{job=\"a\"} == 0"]), 0);
    }
}
