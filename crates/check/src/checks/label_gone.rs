//! `label-gone`: a template asks for a label that the rule's result can never have, and prints nothing.

use bellbuoy_rules::{AlertingSettings, RuleSettings};
use bellbuoy_vocabulary::{ALERT_NAME, Severity, nearest};

use super::matching_never::labels_text;
use super::of_rule;
use super::panels::finding;
use crate::Input;
use crate::finding::Finding;
use crate::graph::RuleGraph;
use crate::infer::labels_of;
use crate::shape::{Presence, Shape};

pub const CODE: &str = "label-gone";

pub fn run(input: &Input, graph: &RuleGraph, findings: &mut Vec<Finding>) {
    legends(input, graph, findings);
    for group in input.groups {
        for rule in &group.rules {
            let RuleSettings::Alerting(rule) = rule else { continue };
            let shape = labels_of(&rule.expr, graph);
            let texts = rule.labels.iter().map(|pair| ("label", pair)).chain(rule.annotations.iter().map(|pair| ("annotation", pair)));
            for (kind, (name, text)) in texts {
                for label in asked_labels(text) {
                    let start = label.as_ptr() as usize - text.as_ptr() as usize;
                    let asked = Asked { kind, name, label, part: start..start + label.len() };
                    findings.extend(look(rule, &group.file, asked, &shape));
                }
            }
        }
    }
}

/// `{{instance}}` in a legend whose series have lost it.
fn legends(input: &Input, graph: &RuleGraph, findings: &mut Vec<Finding>) {
    for dashboard in input.dashboards {
        for panel in &dashboard.panels {
            for query in &panel.queries {
                let Some(expr) = query.expr.as_ref().filter(|_| query.legend.contains("{{")) else { continue };
                let shape = labels_of(expr, graph);
                let names = query.legend.split("{{").skip(1).filter_map(|rest| rest.split_once("}}")).map(|(name, _)| name.trim());
                let Some(label) = names.into_iter().find(|name| shape.presence(name) == Presence::Never) else { continue };
                let message = format!("panel {}: the legend prints nothing for {{{{{label}}}}}", panel.title);
                let why = format!("The expression's result has {}.", labels_text(&shape));
                let fix = nearest(label, shape.possible()).map(|meant| format!("{{{{{meant}}}}}"));
                let mut path = query.path.clone();
                path.pop();
                path.push("legendFormat".into());
                findings.push(finding(CODE, Severity::Info, dashboard, &path, message, why).fix(fix));
            }
        }
    }
}

/// A label that a template asks for.
struct Asked<'a> {
    /// `label` or `annotation`, and its name.
    kind: &'static str,
    name: &'a str,
    label: &'a str,
    /// Bytes of the template.
    part: std::ops::Range<usize>,
}

fn look(rule: &AlertingSettings, file: &str, asked: Asked, shape: &Shape) -> Option<Finding> {
    let Asked { kind, name, label, part } = asked;
    let own = label == ALERT_NAME || rule.labels.iter().any(|(name, _)| name == label);
    let presence = shape.presence(label);
    // `alertname` is on no series but ALERTS and what is made of it.
    let gone = presence == Presence::Never || (label == ALERT_NAME && presence == Presence::Maybe && shape.possible().count() > 0);
    if !gone {
        return None;
    }
    let message = format!("alert {}: {kind} {name:?} prints nothing for {{{{ $labels.{label} }}}}", rule.alert);
    let (why, fix) = if own {
        let why = format!("$labels has the labels of the expression's result only, not those that the rule adds ({label:?}).");
        let fixed = rule.labels.iter().find(|(name, value)| name == label && !value.contains("{{"));
        let value = if label == ALERT_NAME { Some(rule.alert.as_str()) } else { fixed.map(|(_, value)| value.as_str()) };
        (why, value.map(|value| format!("write {value} itself")))
    } else {
        let why = format!("The expression's result has {}.", labels_text(shape));
        let known: Vec<&str> = shape.possible().collect();
        (why, nearest(label, known).map(|meant| format!("{{{{ $labels.{meant} }}}}")))
    };
    let path = [format!("{kind}s").as_str().into(), name.into()];
    let mut finding = of_rule(CODE, Severity::Warning, file, rule.span, path, message, why).fix(fix);
    finding.at.part = Some(part);
    Some(finding)
}

/// The names in `$labels.name`, and in `.Labels.name` where the dot is surely the alert; each once.
fn asked_labels(text: &str) -> Vec<&str> {
    let actions: Vec<&str> = text.split("{{").skip(1).map(|rest| rest.split("}}").next().unwrap_or(rest)).collect();
    let has = |word: &str| actions.iter().any(|action| action.contains(word));
    if has("$labels :=") || has("$labels=") || has("$labels =") || has("$labels:=") {
        return Vec::new();
    }
    // Within these the dot is something else, a query's result for example.
    let dot_moves = has("range") || has("with") || has("define") || has("query");
    let mut found = Vec::new();
    for action in actions {
        collect(action, "$labels.", &mut found);
        if !dot_moves {
            collect(action, ".Labels.", &mut found);
        }
    }
    found
}

fn collect<'a>(action: &'a str, prefix: &str, found: &mut Vec<&'a str>) {
    for (at, _) in action.match_indices(prefix) {
        let rest = &action[at + prefix.len()..];
        let end = rest.find(|c: char| !(c.is_ascii_alphanumeric() || c == '_')).unwrap_or(rest.len());
        if end > 0 && !found.contains(&&rest[..end]) {
            found.push(&rest[..end]);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tests::{alert, findings_of};

    fn look_at(expr: &str, text: &str) -> Vec<(String, Option<String>)> {
        let mut rule = alert(expr);
        rule.labels = vec![("severity".into(), "critical".into())];
        rule.annotations = vec![("summary".into(), text.into())];
        let found = findings_of(vec![rule]).into_iter().filter(|finding| finding.code == CODE);
        found.map(|finding| (finding.why, finding.fix)).collect()
    }

    #[test]
    fn labels_that_are_aggregated_away() {
        let found = look_at("sum by (dag_id, state) (x) > 0", "{{ $labels.dag }} on {{ $labels.instance }}, {{$labels.state}}");
        let why = "The expression's result has \"dag_id\" and \"state\".".to_string();
        assert_eq!(found, [(why.clone(), None), (why, None)]);
        let found = look_at("sum by (job) (x) > 0", "{{ $labels.jobs | toUpper }}");
        assert_eq!(found[0].1.as_deref(), Some("{{ $labels.job }}"));
        assert_eq!(look_at("sum(x) > 0", "{{ .Labels.instance }}")[0].0, "The expression's result has no labels.");
        assert_eq!(look_at("sum(x) > 0", "{{ if $labels.a }}{{ $labels.a }}{{ end }}").len(), 1);
    }

    #[test]
    fn labels_of_the_rule_are_not_among_them() {
        let found = look_at("sum(x) > 0", "{{ $labels.severity }}");
        assert_eq!(found[0].1.as_deref(), Some("write critical itself"));
        assert_eq!(look_at("up == 0", "{{ $labels.alertname }}")[0].1.as_deref(), Some("write Test itself"));
    }

    #[test]
    fn legends_of_panels() {
        use super::super::panels::tests::codes_of;
        let found = |expr: &str, legend: &str| {
            let target = serde_json::json!({"expr": expr, "legendFormat": legend});
            let panel = serde_json::json!({"type": "timeseries", "title": "t", "targets": [target]});
            codes_of(panel, serde_json::json!([])).iter().filter(|code| **code == CODE).count()
        };
        assert_eq!(found("sum(x)", "{{instance}}"), 1);
        assert_eq!(found("sum by (job) (x)", "{{ job }} {{ instance }}"), 1);
        assert_eq!(found("sum by (job) (x)", "{{job}}"), 0);
        assert_eq!(found("x", "{{anything}} $var"), 0);
        assert_eq!(found("sum(x)", "__auto"), 0);
    }

    #[test]
    fn labels_that_can_be_there() {
        for (expr, text) in [
            ("up == 0", "{{ $labels.anything }}"),
            ("sum by (a) (x)", "{{ $labels.a }} $labels.b"),
            ("sum(x)", "{{ range query \"up\" }}{{ .Labels.instance }}{{ end }}"),
            ("sum(x)", "{{ $labels := 5 }}{{ $labels.a }}"),
            ("absent(up{job=\"a\"})", "{{ $labels.job }}"),
            ("x * on(a) group_left(b) y", "{{ $labels.b }}"),
            ("count_values(\"version\", x)", "{{ $labels.version }}"),
            ("ALERTS{alertstate=\"firing\"}", "{{ $labels.alertname }}"),
        ] {
            assert_eq!(look_at(expr, text), [], "{expr} {text}");
        }
    }
}
