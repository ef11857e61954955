//! `panel-variable`: a variable that the dashboard does not have, one that nothing uses, one whose query gives nothing.

use bellbuoy_vocabulary::{Severity, nearest};

use super::metric_unknown::exists;
use super::panels::finding;
use crate::Input;
use crate::dashboard::{Dashboard, Variable, variables_in};
use crate::finding::Finding;
use crate::graph::RuleGraph;
use crate::infer::{exact_name, labels_of};
use crate::shape::Presence;

pub const CODE: &str = "panel-variable";

pub fn run(input: &Input, graph: &RuleGraph, findings: &mut Vec<Finding>) {
    for dashboard in input.dashboards {
        unknown(dashboard, findings);
        for variable in &dashboard.variables {
            unused(dashboard, variable, findings);
            findings.extend(without_values(input, graph, dashboard, variable));
        }
    }
}

fn unknown(dashboard: &Dashboard, findings: &mut Vec<Finding>) {
    let known: Vec<&str> = dashboard.variables.iter().map(|variable| variable.name.as_str()).collect();
    for panel in &dashboard.panels {
        for query in &panel.queries {
            // Names with `__` are Grafana's own.
            let Some(name) = variables_in(&query.text).into_iter().find(|name| !name.starts_with("__") && !known.contains(name)) else {
                continue;
            };
            let message = format!("panel {}: the dashboard has no variable ${name}", panel.title);
            let why = "It stays in the query as it is written: the query fails or finds nothing.".to_string();
            let fix = nearest(name, known.iter().copied()).map(|meant| format!("${meant}"));
            findings.push(finding(CODE, Severity::Warning, dashboard, &query.path, message, why).fix(fix));
        }
    }
}

fn unused(dashboard: &Dashboard, variable: &Variable, findings: &mut Vec<Finding>) {
    if variable.kind == "adhoc" || variable.kind == "switch" || variables_in(&dashboard.texts).contains(variable.name.as_str()) {
        return;
    }
    // A row or panel repeats by the name alone.
    if dashboard.texts.contains(&format!("\"repeat\":\"{}\"", variable.name)) {
        return;
    }
    let message = format!("variable {} is used by no panel", variable.name);
    let why = "Choosing a value changes nothing on the dashboard.".to_string();
    findings.push(finding(CODE, Severity::Info, dashboard, &variable.path, message, why));
}

/// `label_values(metric{...}, label)` where the metric or the label does not exist.
fn without_values(input: &Input, graph: &RuleGraph, dashboard: &Dashboard, variable: &Variable) -> Option<Finding> {
    if variable.kind != "query" {
        return None;
    }
    let inner = variable.query.trim().strip_prefix("label_values(")?.strip_suffix(')')?;
    let (metric, label) = match inner.rsplit_once(',') {
        Some((metric, label)) => (metric.trim(), label.trim()),
        None => ("", inner.trim()),
    };
    let say = |message: String, fix: Option<String>| {
        let why = "The list of the variable is empty, and with it every panel that uses it.".to_string();
        let message = format!("variable {}: {message}", variable.name);
        finding(CODE, Severity::Warning, dashboard, &variable.query_path, message, why).fix(fix)
    };
    if metric.is_empty() {
        let metrics =
            input.metrics.filter(|metrics| metrics.whole && !metrics.has_label(label) && label != "job" && label != "instance")?;
        let meant = nearest(label, metrics.label_names()).map(|meant| format!("label_values({meant})"));
        return Some(say(format!("no series has the label {label:?}"), meant));
    }
    let expr = crate::dashboard::read_query(metric).0.ok()?;
    let selectors = expr.selectors();
    let selector = *selectors.first()?;
    if let Some(name) = exact_name(selector).filter(|name| !exists(name, selector, input, graph)) {
        let meant = input.metrics.and_then(|metrics| metrics.meant(name)).map(|(meant, _)| format!("label_values({meant}, {label})"));
        return Some(say(format!("no series is called {name}"), meant));
    }
    let shape = labels_of(&expr, graph);
    if shape.presence(label) <= Presence::Unlikely {
        let known: Vec<&str> = shape.possible().collect();
        let meant = nearest(label, known).map(|meant| format!("label_values({metric}, {meant})"));
        return Some(say(format!("{metric} has no label {label:?}"), meant));
    }
    None
}

#[cfg(test)]
mod tests {
    use super::super::panels::tests::codes_of;
    use serde_json::json;

    #[test]
    fn variables_of_a_dashboard() {
        let panel = |expr: &str| json!({"type": "stat", "targets": [{"expr": expr}]});
        let job = json!([{"name": "job", "type": "query", "query": "label_values(up, job)"}]);
        assert_eq!(codes_of(panel("up{job=\"$jobs\", a=\"$job\"}"), job.clone()), [super::CODE]);
        assert_eq!(codes_of(panel("up"), job.clone()), [super::CODE]);
        assert_eq!(codes_of(panel("rate(x_total{job=\"$job\"}[$__rate_interval])"), job), [""; 0]);
    }
}
