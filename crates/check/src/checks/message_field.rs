//! `message-field`: a message's template asks for an annotation, label or group label that no alert can have.

use std::collections::BTreeSet;

use bellbuoy_vocabulary::{Severity, nearest};

use super::alerts::{AlertOf, alerts_of};
use super::routes::visit;
use crate::finding::Finding;
use crate::graph::RuleGraph;
use crate::shape::Presence;
use crate::{Input, MessageTemplate};

pub const CODE: &str = "message-field";

/// What events and judgements of models carry beside the rules' own.
const OF_EVENTS: &[&str] =
    &["summary", "description", "title", "fields", "color", "reason", "runbook", "runbook_url", "dashboard", "link", "details"];

pub fn run(input: &Input, graph: &RuleGraph, findings: &mut Vec<Finding>) {
    let Some(router) = input.router else { return };
    if input.messages.is_empty() {
        return;
    }
    let alerts = alerts_of(input, graph);
    if alerts.is_empty() {
        return;
    }
    let mut groups: BTreeSet<String> = router.route.group_by.iter().cloned().collect();
    let mut all = router.route.group_by_all;
    visit(router, &mut |view| {
        groups.extend(view.route.group_by.iter().cloned());
        all |= view.route.group_by_all;
    });
    for template in input.messages {
        for (kind, name, part) in asked(&template.text) {
            let Some((message, why, meant)) = missing(kind, name, &alerts, &groups, all) else { continue };
            let finding = told(template, message, why).fix(meant.map(|meant| format!("{kind}.{meant}")));
            findings.push(Finding { at: crate::Anchor { part: Some(part), ..template.at.clone() }, ..finding });
        }
    }
}

fn told(template: &MessageTemplate, message: String, why: String) -> Finding {
    let message = format!("{}: {message}", template.what);
    Finding::of_file(CODE, Severity::Warning, &template.file, message, why)
}

type Missing = (String, String, Option<String>);

fn missing(kind: &str, name: &str, alerts: &[AlertOf], groups: &BTreeSet<String>, all: bool) -> Option<Missing> {
    match kind {
        ".CommonAnnotations" | ".Annotations" => {
            let known: BTreeSet<&str> = alerts.iter().flat_map(|alert| alert.annotations.iter().map(|(name, _)| name.as_str())).collect();
            if known.contains(name) || OF_EVENTS.contains(&name) {
                return None;
            }
            let why = format!("The rules have {}. The place in the message stays empty.", some(known.iter().copied()));
            Some((format!("no rule has the annotation {name:?}"), why, nearest(name, known.iter().copied()).map(String::from)))
        }
        ".GroupLabels" => {
            if all || groups.contains(name) {
                return None;
            }
            let why = format!("Groups are made by {}. The place in the message stays empty.", some(groups.iter().map(String::as_str)));
            Some((format!("no route groups by {name:?}"), why, nearest(name, groups.iter().map(String::as_str)).map(String::from)))
        }
        _ => {
            // An event carries labels of its own.
            let own = ["kind", "model", "pipeline", "version", "source"];
            if own.contains(&name) || !alerts.iter().all(|alert| alert.shape.presence(name) <= Presence::Unlikely) {
                return None;
            }
            let known: BTreeSet<&str> = alerts.iter().flat_map(|alert| alert.shape.possible()).collect();
            let why = format!("They can have {}. The place in the message stays empty.", some(known.iter().copied()));
            Some((format!("no alert of these rules has the label {name:?}"), why, nearest(name, known.iter().copied()).map(String::from)))
        }
    }
}

fn some<'a>(names: impl Iterator<Item = &'a str>) -> String {
    let names: Vec<String> = names.take(12).map(|name| format!("{name:?}")).collect();
    if names.is_empty() { "none".to_string() } else { names.join(", ") }
}

/// What is asked for inside of `{{ }}`: `.CommonLabels` `severity`, and where.
fn asked(text: &str) -> Vec<(&'static str, &str, std::ops::Range<usize>)> {
    const KINDS: [&str; 5] = [".CommonAnnotations", ".CommonLabels", ".GroupLabels", ".Annotations", ".Labels"];
    let mut found: Vec<(&'static str, &str, std::ops::Range<usize>)> = Vec::new();
    let mut at = 0;
    while let Some(open) = text[at..].find("{{") {
        let start = at + open + 2;
        let end = text[start..].find("}}").map_or(text.len(), |end| start + end);
        let action = &text[start..end];
        // Only where a missing one prints nothing; a condition asks on purpose.
        let condition = action.trim_start_matches(['-', ' ']).starts_with("if") || action.contains("else if") || action.contains("with ");
        for kind in KINDS.into_iter().filter(|_| !condition) {
            for (offset, _) in action.match_indices(kind) {
                let Some(rest) = action[offset + kind.len()..].strip_prefix('.') else { continue };
                let length = rest.find(|c: char| !(c.is_ascii_alphanumeric() || c == '_')).unwrap_or(rest.len());
                let name = &rest[..length];
                // Methods of the sets: .Names, .Values, .SortedPairs, .Remove.
                if length == 0
                    || name.starts_with(|c: char| c.is_ascii_uppercase())
                    || found.iter().any(|(k, n, _)| *k == kind && *n == name)
                {
                    continue;
                }
                let from = start + offset + kind.len() + 1;
                found.push((kind, name, from..from + length));
            }
        }
        at = end;
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fields_of_a_template() {
        let text = "{{ .CommonLabels.severity }} {{ range .Alerts }}{{ .Annotations.summary | title }}{{ end }} .Labels.x {{ if .Labels.y }}{{ end }}{{ .Labels.SortedPairs.Names }}";
        let found: Vec<(&str, &str)> = asked(text).into_iter().map(|(kind, name, _)| (kind, name)).collect();
        assert_eq!(found, [(".CommonLabels", "severity"), (".Annotations", "summary")]);
    }
}
