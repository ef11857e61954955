//! `template-query`: a query inside of a template that is no PromQL, or whose result lacks the label that is asked for.

use bellbuoy_promql::parse;
use bellbuoy_rules::RuleSettings;
use bellbuoy_vocabulary::Severity;

use super::{labels_text, of_rule};
use crate::Input;
use crate::finding::Finding;
use crate::graph::RuleGraph;
use crate::infer::labels_of;
use crate::shape::Presence;

pub const CODE: &str = "template-query";

pub fn run(input: &Input, graph: &RuleGraph, findings: &mut Vec<Finding>) {
    for group in input.groups {
        for rule in &group.rules {
            let RuleSettings::Alerting(rule) = rule else { continue };
            let texts = rule.labels.iter().map(|pair| ("label", pair)).chain(rule.annotations.iter().map(|pair| ("annotation", pair)));
            for (kind, (name, text)) in texts {
                let queries = arguments(text, "query");
                for (message, why) in queries.iter().filter_map(|query| wrong(query, text, queries.len(), graph)) {
                    let message = format!("alert {}: {kind} {name:?}: {message}", rule.alert);
                    let path = [format!("{kind}s").as_str().into(), name.as_str().into()];
                    findings.push(of_rule(CODE, Severity::Warning, &group.file, rule.span, path, message, why));
                }
            }
        }
    }
}

fn wrong(query: &str, text: &str, queries: usize, graph: &RuleGraph) -> Option<(String, String)> {
    let expr = match parse(query) {
        Ok(expr) => expr,
        Err(error) => {
            let why = "The text is replaced by an error when the alert fires.".to_string();
            return Some((format!("the query `{query}` is not valid PromQL: {error}"), why));
        }
    };
    // With several queries it is not said of which one a label is asked.
    let shape = labels_of(&expr, graph);
    let label = arguments(text, "label").into_iter().find(|label| queries == 1 && shape.presence(label) == Presence::Never)?;
    let why = format!("The result of the query has {}: the place stays empty.", labels_text(&shape));
    Some((format!("`{query}` never gives the label {label:?}"), why))
}

/// The literal texts that follow the word of a function inside of `{{ }}`: "up" of `query "up"`.
fn arguments(text: &str, function: &str) -> Vec<String> {
    let mut found = Vec::new();
    for action in text.split("{{").skip(1).map(|rest| rest.split("}}").next().unwrap_or(rest)) {
        for (at, _) in action.match_indices(function) {
            let before = action[..at].chars().next_back();
            let rest = &action[at + function.len()..];
            if before.is_some_and(|c| c.is_alphanumeric() || matches!(c, '_' | '.' | '$')) || !rest.starts_with([' ', '\t']) {
                continue;
            }
            let rest = rest.trim_start();
            let raw = rest.strip_prefix('`').and_then(|rest| rest.split_once('`')).map(|(text, _)| text.to_string());
            found.extend(raw.or_else(|| rest.strip_prefix('"').and_then(unquoted)));
        }
    }
    found
}

/// Up to the closing quote; escapes other than of quotes and backslashes are not looked into.
fn unquoted(rest: &str) -> Option<String> {
    let mut out = String::new();
    let mut chars = rest.chars();
    loop {
        match chars.next()? {
            '"' => return Some(out),
            '\\' => match chars.next()? {
                c @ ('"' | '\\') => out.push(c),
                _ => return None,
            },
            c => out.push(c),
        }
    }
}

#[cfg(test)]
mod tests {
    use crate::tests::{alert, findings_of};

    fn found(text: &str) -> usize {
        let mut rule = alert("up == 0");
        rule.annotations = vec![("summary".into(), text.into())];
        findings_of(vec![rule]).iter().filter(|finding| finding.code == super::CODE).count()
    }

    #[test]
    fn queries_that_do_not_give_it() {
        assert_eq!(found(r#"{{ with query "sum(up" }}{{ . | first | value }}{{ end }}"#), 1);
        assert_eq!(found(r#"{{ with query "sum(up)" }}{{ . | first | label "instance" }}{{ end }}"#), 1);
    }

    #[test]
    fn queries_that_do() {
        assert_eq!(found(r#"{{ with query "up" }}{{ . | first | label "instance" }}{{ end }}"#), 0);
        assert_eq!(found(r#"{{ with query "sum by (job) (up{job=\"a\"})" }}{{ . | first | label "job" }}{{ end }}"#), 0);
        assert_eq!(found("{{ range query `sum(up)` }}{{ .Value }}{{ end }}"), 0);
        assert_eq!(found(r#"{{ with printf "up{job=%q}" $labels.job | query }}{{ . | first | value }}{{ end }}"#), 0);
        assert_eq!(found(r#"the query "up("#), 0);
    }
}
