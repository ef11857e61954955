//! `external-label`: a template asks for an external label that is not set, or a rule sets one that is.

use bellbuoy_rules::RuleSettings;
use bellbuoy_vocabulary::{Labels, Severity, nearest};

use super::of_rule;
use crate::Input;
use crate::finding::{Finding, Step};
use crate::graph::RuleGraph;

pub const CODE: &str = "external-label";

pub fn run(input: &Input, _: &RuleGraph, findings: &mut Vec<Finding>) {
    let Some(external) = input.external_labels else { return };
    for group in input.groups {
        for rule in &group.rules {
            let mut tell = |severity, span, path: Vec<Step>, message, why: String, fix: Option<String>| {
                findings.push(of_rule(CODE, severity, &group.file, span, path, message, why).fix(fix));
            };
            match rule {
                RuleSettings::Alerting(rule) => {
                    let texts =
                        rule.labels.iter().map(|pair| ("label", pair)).chain(rule.annotations.iter().map(|pair| ("annotation", pair)));
                    for (kind, (name, text)) in texts {
                        let path = vec![format!("{kind}s").as_str().into(), name.as_str().into()];
                        for asked in asked(text).filter(|asked| !external.has(asked)) {
                            let message =
                                format!("alert {}: {kind} {name:?} asks for the external label {asked:?}, which is not set", rule.alert);
                            let why =
                                format!("external_labels of prometheus.yml has {}. The place in the text stays empty.", names(external));
                            let known: Vec<&str> = external.iter().map(|(name, _)| name).collect();
                            let fix = nearest(asked, known).map(|meant| format!("$externalLabels.{meant}"));
                            tell(Severity::Warning, rule.span, path.clone(), message, why, fix);
                        }
                    }
                    for (name, value) in rule.labels.iter().filter(|(name, _)| external.has(name)) {
                        let message = format!("alert {}: the label {name:?} is an external label", rule.alert);
                        let (severity, why) = clash(value, external.get(name));
                        tell(severity, rule.span, vec!["labels".into(), name.as_str().into()], message, why, None);
                    }
                }
                RuleSettings::Recording(rule) => {
                    for (name, value) in rule.labels.iter().filter(|(name, _)| external.has(name)) {
                        let message = format!("record {}: the label {name:?} is an external label", rule.record);
                        let (severity, why) = clash(value, external.get(name));
                        tell(severity, rule.span, vec!["labels".into(), name.into()], message, why, None);
                    }
                }
                RuleSettings::Grafana(_) => {}
            }
        }
    }
}

fn clash(own: &str, external: &str) -> (Severity, String) {
    if own == external {
        return (Severity::Info, "What is sent away has it in any case.".to_string());
    }
    let why = format!("What is sent away has {own:?} here and {external:?} everywhere else, so it seems to come from another place.");
    (Severity::Warning, why)
}

fn names(labels: &Labels) -> String {
    let names: Vec<String> = labels.iter().map(|(name, _)| format!("{name:?}")).collect();
    if names.is_empty() { "none".to_string() } else { names.join(", ") }
}

fn asked(text: &str) -> impl Iterator<Item = &str> {
    ["$externalLabels.", ".ExternalLabels."].into_iter().flat_map(|prefix| {
        text.match_indices(prefix).filter_map(|(at, _)| {
            let rest = &text[at + prefix.len()..];
            let end = rest.find(|c: char| !(c.is_ascii_alphanumeric() || c == '_')).unwrap_or(rest.len());
            (end > 0).then_some(&rest[..end])
        })
    })
}

#[cfg(test)]
mod tests {
    use bellbuoy_rules::RuleSettings;
    use bellbuoy_vocabulary::{Labels, Severity};

    use crate::tests::{alert, group};
    use crate::{Input, check};

    #[test]
    fn external_labels() {
        let found = |label: (&str, &str), text: &str| -> Vec<Severity> {
            let mut rule = alert("x > 1");
            rule.labels = vec![(label.0.into(), label.1.into())];
            rule.annotations = vec![("summary".into(), text.into())];
            let external = Labels::from_pairs([("region", "eu")]);
            let found = check(&Input {
                groups: &[group(vec![RuleSettings::Alerting(rule)])],
                external_labels: Some(&external),
                ..Input::default()
            });
            found.iter().filter(|finding| finding.code == super::CODE).map(|finding| finding.severity).collect()
        };
        assert_eq!(found(("a", "b"), "in {{ $externalLabels.cluster }}"), [Severity::Warning]);
        assert_eq!(found(("a", "b"), "in {{ $externalLabels.region }}"), []);
        assert_eq!(found(("region", "us"), "x"), [Severity::Warning]);
        assert_eq!(found(("region", "eu"), "x"), [Severity::Info]);
    }
}
