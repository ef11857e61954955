//! What the condition gave, as one outcome per label set (Grafana, `ngalert/eval/eval.go`).

use std::collections::{BTreeMap, BTreeSet};

use bellbuoy_template::format_float_go;
use bellbuoy_vocabulary::Labels;

use super::data::{Capture, Failure, Float, Item, contains};
use super::plan::Run;
use super::settings::{GrafanaSettings, NodeKind};

/// One label set's outcome of one evaluation.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Outcome {
    pub labels: Labels,
    pub verdict: Verdict,
    /// By refId, for `$values`.
    pub values: BTreeMap<String, Capture>,
    /// `$value`.
    pub text: String,
}

/// What is said of one label set.
#[derive(Clone, Debug, PartialEq)]
pub enum Verdict {
    Normal,
    Alerting,
    NoData,
    Error(Failure),
}

impl Outcome {
    fn bare(labels: Labels, verdict: Verdict) -> Outcome {
        Outcome { labels, verdict, values: BTreeMap::new(), text: String::new() }
    }
}

/// A condition that failed is one outcome; a query without data, one for each data source. Else each element of the condition:
/// null is no data, 0 is normal, anything else, NaN too, is an alert.
pub(crate) fn outcomes(rule: &GrafanaSettings, run: &Run) -> Vec<Outcome> {
    let items = match run.results.get(&rule.condition) {
        Some(Ok(items)) => items,
        Some(Err(failure)) => return vec![Outcome::bare(Labels::empty(), Verdict::Error(failure.clone()))],
        None => &Vec::new(),
    };
    let silent = silent_queries(rule, run);
    if !silent.is_empty() {
        return silent.into_iter().map(|labels| Outcome::bare(labels, Verdict::NoData)).collect();
    }
    if items.is_empty() {
        return vec![Outcome::bare(Labels::empty(), Verdict::NoData)];
    }
    if items.iter().any(|item| matches!(item, Item::Series { .. })) {
        let failure = invalid(rule, "looks like time series data, only reduced data can be alerted on.".into());
        return vec![Outcome::bare(Labels::empty(), Verdict::Error(failure))];
    }
    let mut out = Vec::new();
    let mut seen = BTreeSet::new();
    for item in items {
        let outcome = outcome(run, item);
        if !seen.insert(outcome.labels.clone()) {
            let text = label_text(&outcome.labels);
            let message = format!("frame cannot uniquely be identified by its labels: has duplicate results with labels {{{text}}}");
            return vec![Outcome::bare(outcome.labels, Verdict::Error(invalid(rule, message)))];
        }
        out.push(outcome);
    }
    out
}

fn outcome(run: &Run, item: &Item) -> Outcome {
    let value = match item {
        Item::Scalar(value) | Item::Number { value, .. } => *value,
        Item::NoData | Item::Series { .. } => None,
    };
    let captures = match &run.matches {
        Some(matches) => matches.clone(),
        None => captures(run, &item.labels()),
    };
    let verdict = match value {
        None => Verdict::NoData,
        Some(0.0) => Verdict::Normal,
        Some(_) => Verdict::Alerting,
    };
    let text = captures.iter().map(capture_text).collect::<Vec<_>>().join(", ");
    let values = captures.into_iter().map(|capture| (capture.name.clone(), capture)).collect();
    Outcome { labels: item.labels(), verdict, values, text }
}

fn invalid(rule: &GrafanaSettings, reason: String) -> Failure {
    let message = format!("invalid format of evaluation results for the alert definition {}: {reason}", rule.condition);
    Failure { ref_id: rule.condition.clone(), datasource_uid: None, message }
}

/// The labels `datasource_uid` and `ref_id` for each data source of which a query gave nothing.
fn silent_queries(rule: &GrafanaSettings, run: &Run) -> Vec<Labels> {
    let mut silent: BTreeMap<&str, Vec<&str>> = BTreeMap::new();
    for node in &rule.nodes {
        let NodeKind::Query(query) = &node.kind else { continue };
        if matches!(run.results.get(&node.ref_id), Some(Ok(items)) if items == &[Item::NoData]) {
            silent.entry(&query.datasource_uid).or_default().push(&node.ref_id);
        }
    }
    let labels = |(uid, mut refs): (&str, Vec<&str>)| {
        refs.sort_unstable();
        Labels::from_pairs([("datasource_uid", uid), ("ref_id", &refs.join(","))])
    };
    silent.into_iter().map(labels).collect()
}

/// The reduced values of all refIds that belong to a label set: of each refId the one with equal labels, else those whose labels
/// contain the set or are contained in it.
fn captures(run: &Run, labels: &Labels) -> Vec<Capture> {
    let mut found = Vec::new();
    for (ref_id, result) in &run.results {
        let Ok(items) = result else { continue };
        let numbers: Vec<(Labels, Float)> = items
            .iter()
            .filter_map(|item| match item {
                Item::Number { labels, value } => Some((labels.clone(), *value)),
                Item::Scalar(value) => Some((Labels::empty(), *value)),
                Item::Series { .. } | Item::NoData => None,
            })
            .collect();
        let exact: Vec<&(Labels, Float)> = numbers.iter().filter(|(own, _)| own == labels).collect();
        let near = || numbers.iter().filter(|(own, _)| contains(own, labels) || contains(labels, own)).collect();
        let fitting = if exact.is_empty() { near() } else { exact };
        for (labels, value) in fitting {
            found.push(Capture { name: ref_id.clone(), metric: None, labels: labels.clone(), value: *value });
        }
    }
    found
}

/// `[ var='B' labels={host=a} value=22 ]`.
fn capture_text(capture: &Capture) -> String {
    let metric = capture.metric.as_ref().map_or(String::new(), |metric| format!("metric='{metric}' "));
    let value = capture.value.map_or("null".to_string(), format_float_go);
    format!("[ var='{}' {metric}labels={{{}}} value={value} ]", capture.name, label_text(&capture.labels))
}

/// `a=1, b=2`.
pub(crate) fn label_text(labels: &Labels) -> String {
    labels.iter().map(|(name, value)| format!("{name}={value}")).collect::<Vec<_>>().join(", ")
}
