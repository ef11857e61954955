//! Alerts as routes, inhibition and silences see them: which labels those of each rule can have, and with which values.

use bellbuoy_rules::RuleSettings;
use bellbuoy_vocabulary::{ALERT_NAME, METRIC_NAME, MatchOp, Matcher, Span};

use crate::Input;
use crate::graph::RuleGraph;
use crate::infer::{exact_name, labels_of};
use crate::shape::{Presence, Shape};

pub struct AlertOf<'a> {
    pub name: &'a str,
    pub file: &'a str,
    pub span: Span,
    pub shape: &'a Shape,
    pub annotations: &'a [(String, String)],
}

/// Of all rules that tell, in the order of files.
pub fn alerts_of<'a>(input: &Input<'a>, graph: &'a RuleGraph) -> Vec<AlertOf<'a>> {
    let rules = || input.groups.iter().flat_map(|group| group.rules.iter().map(move |rule| (group, rule)));
    let shapes = graph.alert_shapes(|| rules().filter_map(|(_, rule)| shape_of(rule, input, graph)).collect());
    let told = rules().filter_map(|(group, rule)| match rule {
        RuleSettings::Alerting(rule) => Some((rule.alert.as_str(), group.file.as_str(), rule.span, rule.annotations.as_slice())),
        RuleSettings::Grafana(rule) if rule.record.is_none() => Some((&rule.title, &rule.file, rule.span, &rule.annotations)),
        _ => None,
    });
    told.zip(shapes).map(|((name, file, span, annotations), shape)| AlertOf { name, file, span, shape, annotations }).collect()
}

/// `None`: the rule tells nobody anything.
fn shape_of(rule: &RuleSettings, input: &Input, graph: &RuleGraph) -> Option<Shape> {
    match rule {
        RuleSettings::Alerting(rule) => {
            let mut shape = labels_of(&rule.expr, graph);
            refine_instance(&mut shape, &rule.expr, input);
            own_labels(&mut shape, &rule.labels, &rule.alert, input);
            Some(shape)
        }
        RuleSettings::Grafana(rule) if rule.record.is_none() => {
            let mut shape = Shape::open();
            own_labels(&mut shape, &rule.labels, &rule.title, input);
            Some(shape)
        }
        _ => None,
    }
}

fn own_labels(shape: &mut Shape, labels: &[(String, String)], name: &str, input: &Input) {
    shape.set(METRIC_NAME, Presence::Never);
    for (label, value) in input.external_labels.iter().flat_map(|labels| labels.iter()) {
        if shape.presence(label) <= Presence::Unlikely {
            shape.set_values(label, [value.to_string()].into());
        } else {
            shape.set(label, Presence::Always);
        }
    }
    for (label, value) in labels {
        match value {
            _ if value.contains("{{") => shape.set(label, Presence::Maybe),
            _ if value.is_empty() => shape.set(label, Presence::Never),
            _ => shape.set_values(label, [value.clone()].into()),
        }
    }
    shape.set_values(ALERT_NAME, [name.to_string()].into());
}

/// Of a scraped series `instance` is one of the targets of its jobs.
fn refine_instance(shape: &mut Shape, expr: &bellbuoy_promql::Expr, input: &Input) {
    if shape.presence("instance") < Presence::Expected || shape.values("instance").is_some() || input.targets.is_empty() {
        return;
    }
    let jobs = match (shape.values("job"), expr.selectors().as_slice()) {
        (Some(jobs), _) => jobs.clone(),
        (None, [selector]) => {
            let seen = exact_name(selector).and_then(|name| input.metrics?.values(name, "job"));
            match seen {
                Some(jobs) => jobs.clone(),
                None => return,
            }
        }
        _ => return,
    };
    let of_jobs = input.targets.iter().filter(|target| jobs.contains(target.get("job")));
    let instances: std::collections::BTreeSet<String> =
        of_jobs.map(|target| target.get("instance")).filter(|value| !value.is_empty()).map(String::from).collect();
    if !instances.is_empty() {
        shape.set_values("job", jobs);
        shape.set_values("instance", instances);
    }
}

/// Whether alerts of this shape pass the matcher: always, never, or it depends.
pub fn passes(shape: &Shape, matcher: &Matcher) -> Option<bool> {
    let name = matcher.name.as_str();
    if let Some(values) = shape.values(name) {
        let count = values.iter().filter(|value| matcher.matches(value)).count();
        return match count {
            0 => Some(false),
            all if all == values.len() => Some(true),
            _ => None,
        };
    }
    match shape.presence(name) {
        Presence::Never | Presence::Unlikely => Some(matcher.matches("")),
        Presence::Always => match (matcher.op, matcher.value.as_str()) {
            (MatchOp::NotEqual, "") | (MatchOp::Regex, ".+" | ".*") => Some(true),
            (MatchOp::Equal, "") => Some(false),
            _ => None,
        },
        _ if matcher.op == MatchOp::Regex && matcher.value == ".*" => Some(true),
        _ => None,
    }
}

/// All matchers together.
pub fn passes_all<'a>(shape: &Shape, matchers: impl IntoIterator<Item = &'a Matcher>) -> Option<bool> {
    let mut sure = true;
    for matcher in matchers {
        match passes(shape, matcher) {
            Some(false) => return Some(false),
            Some(true) => {}
            None => sure = false,
        }
    }
    sure.then_some(true)
}
