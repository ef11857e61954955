//! `policy`: an alert lacks a label or annotation that the team asks for.

use bellbuoy_rules::RuleSettings;
use bellbuoy_vocabulary::{Severity, Span};

use super::of_rule;
use crate::Input;
use crate::finding::Finding;
use crate::graph::RuleGraph;

pub const CODE: &str = "policy";

pub fn run(input: &Input, _: &RuleGraph, findings: &mut Vec<Finding>) {
    let Some(policy) = input.policy else { return };
    let severity = if policy.written { Severity::Warning } else { Severity::Info };
    let lacks = |wanted: &str, pairs: &[(String, String)]| {
        !wanted.split('|').any(|choice| pairs.iter().any(|(name, value)| name == choice && !value.trim().is_empty()))
    };
    for (file, rule) in alerts(input) {
        let mut tell = |path: &str, message: String, why: &str| {
            let message = format!("alert {}: {message}", rule.name);
            findings.push(of_rule(CODE, severity, file, rule.span, [path.into()], message, why.to_string()));
        };
        for wanted in policy.labels.iter().filter(|wanted| lacks(wanted, rule.labels)) {
            tell("alert", format!("has no label {}", shown(wanted)), "Routes and people can not tell how urgent it is, or whose.");
        }
        for wanted in policy.annotations.iter().filter(|wanted| lacks(wanted, rule.annotations)) {
            tell(
                "alert",
                format!("has no annotation {}", shown(wanted)),
                "Whoever gets the message does not learn what it means or what to do.",
            );
        }
        for (label, values) in &policy.values {
            let Some((_, value)) = rule.labels.iter().find(|(name, _)| name == label) else { continue };
            if !value.contains("{{") && !values.contains(value) {
                tell("labels", format!("{label} is {value:?}"), &format!("The policy knows {}.", values.join(", ")));
            }
        }
    }
}

struct Alerting<'a> {
    name: &'a str,
    labels: &'a [(String, String)],
    annotations: &'a [(String, String)],
    span: Span,
}

fn alerts<'a>(input: &Input<'a>) -> Vec<(&'a str, Alerting<'a>)> {
    let mut found = Vec::new();
    for group in input.groups {
        for rule in &group.rules {
            match rule {
                RuleSettings::Alerting(rule) => {
                    let alert = Alerting { name: &rule.alert, labels: &rule.labels, annotations: &rule.annotations, span: rule.span };
                    found.push((group.file.as_str(), alert));
                }
                RuleSettings::Grafana(rule) if rule.record.is_none() => {
                    let alert = Alerting { name: &rule.title, labels: &rule.labels, annotations: &rule.annotations, span: rule.span };
                    found.push((rule.file.as_str(), alert));
                }
                _ => {}
            }
        }
    }
    found
}

/// `summary|description` as `"summary" or "description"`
fn shown(wanted: &str) -> String {
    wanted.split('|').map(|word| format!("{word:?}")).collect::<Vec<_>>().join(" or ")
}
