//! `label-unknown`: a matcher or `by` asks for a label that no series of the metric has, or a value that none has.

use bellbuoy_promql::{ExprKind, VectorSelector};
use bellbuoy_vocabulary::{METRIC_NAME, MatchOp, Matcher, Severity, nearest};

use super::metric_unknown::{exists, selector_of};
use super::{RuleView, labels_text, rules};
use crate::Input;
use crate::dashboard::stands_for_any;
use crate::finding::Finding;
use crate::graph::RuleGraph;
use crate::infer::{exact_name, labels_of};
use crate::metrics::Metrics;
use crate::shape::{Presence, Shape};

pub const CODE: &str = "label-unknown";

pub fn run(input: &Input, graph: &RuleGraph, findings: &mut Vec<Finding>) {
    for rule in rules(input) {
        rule.expr.walk(&mut |node| {
            if let Some(selector) = selector_of(node) {
                let Some(name) = exact_name(selector) else { return };
                if let Some(shape) = known_shape(name, selector, graph) {
                    findings.extend(unmatched(&rule, selector, name, &shape).map(|finding| finding.part(node.place)));
                } else if let Some(metrics) = input.metrics.filter(|metrics| metrics.knows_all_of(selector)) {
                    debug_assert!(exists(name, selector, input, graph) || !metrics.has(name));
                }
                findings.extend(
                    input.metrics.and_then(|metrics| odd_value(&rule, selector, name, metrics)).map(|finding| finding.part(node.place)),
                );
            }
            if let Some(selector) = selector_of(node).filter(|selector| !jobs_known(selector, input)) {
                findings.extend(odd_job(&rule, selector, input, graph).map(|finding| finding.part(node.place)));
            }
            let ExprKind::Aggregate(aggregate) = &node.kind else { return };
            if aggregate.without {
                return;
            }
            let inner = labels_of(&aggregate.expr, graph);
            for label in aggregate.grouping.iter().filter(|label| label.as_str() != METRIC_NAME && !stands_for_any(label)) {
                // That nothing is left is told where it begins, not by each aggregation above it.
                let told = matches!(&aggregate.expr.unparenthesized().kind, ExprKind::Aggregate(below) if !below.grouping.is_empty());
                let left = inner.is_open() || inner.possible().count() > 0 || !told;
                let gone = inner.presence(label) <= Presence::Unlikely && left;
                if !gone || label == "le" && inner.presence(label) == Presence::Never {
                    continue;
                }
                let message = format!("no series below `{} by ({label})` has the label {label:?}", aggregate.op.name());
                let why = format!("They have {}. Without it they all fall into one.", labels_text(&inner));
                let known: Vec<&str> = inner.possible().collect();
                let fix = nearest(label, known).map(|meant| format!("{} by ({meant})", aggregate.op.name()));
                findings.push(rule.finding(CODE, Severity::Warning, message, why).part(node.place).fix(fix));
            }
        });
    }
}

/// Whether this finding of ours says that a selector gives nothing.
pub(crate) fn says_nothing(finding: &Finding) -> bool {
    finding.why.contains("nothing passes")
}

/// The labels before the selector's own matchers; only where they are known.
fn known_shape(name: &str, selector: &VectorSelector, graph: &RuleGraph) -> Option<Shape> {
    graph.recorded(name).cloned().or_else(|| graph.seen(name, selector)).filter(|shape| shape.presence("\u{0}") != Presence::Maybe)
}

fn unmatched(rule: &RuleView, selector: &VectorSelector, name: &str, shape: &Shape) -> Option<Finding> {
    let asks =
        |matcher: &&Matcher| matcher.name != METRIC_NAME && !matcher.matches_empty() && shape.presence(&matcher.name) <= Presence::Unlikely;
    let matcher = selector.matchers.iter().find(asks)?;
    let sure = shape.presence(&matcher.name) == Presence::Never;
    let message = format!("{name} has no label {:?}", matcher.name);
    let why = format!("It has {}: nothing passes `{matcher}`.", labels_text(shape));
    let known: Vec<&str> = shape.possible().collect();
    let fix = nearest(&matcher.name, known).map(|meant| format!("{name}{{{}}}", matcher.to_string().replacen(&matcher.name, meant, 1)));
    Some(rule.finding(CODE, if sure { Severity::Error } else { Severity::Warning }, message, why).fix(fix))
}

/// Whether it was seen which jobs the metric has: that says more than the names in prometheus.yml.
fn jobs_known(selector: &VectorSelector, input: &Input) -> bool {
    input.metrics.is_some_and(|metrics| exact_name(selector).is_none_or(|name| metrics.values(name, "job").is_some()))
}

/// `job="preditcor"` where prometheus.yml has a job "predictor". Other jobs may come by relabelling, a push or federation: only what is nearly one
/// of these is told.
fn odd_job(rule: &RuleView, selector: &VectorSelector, input: &Input, graph: &RuleGraph) -> Option<Finding> {
    let scraped = |name: &str| graph.recorded(name).is_none() && !name.starts_with("ALERTS");
    if !exact_name(selector).is_none_or(scraped) {
        return None;
    }
    let jobs = || input.scrapes.iter().map(|(job, _)| job.as_str());
    let asked = |matcher: &&Matcher| matcher.name == "job" && matcher.op == MatchOp::Equal && matcher.value.len() > 3;
    let matcher = selector.matchers.iter().find(asked).filter(|matcher| jobs().all(|job| job != matcher.value))?;
    let meant = nearest(&matcher.value, jobs())?;
    let message = format!("no job of prometheus.yml is called {:?}", matcher.value);
    let few: Vec<&str> = jobs().take(8).collect();
    let why = format!("Its jobs are {}: nothing that they scrape passes `{matcher}`.", few.join(", "));
    Some(rule.finding(CODE, Severity::Warning, message, why).fix(Some(format!("job={meant:?}"))))
}

/// `status="5xx"` where the values are 200 and 500: a value that was never seen and one letter away from one that was.
fn odd_value(rule: &RuleView, selector: &VectorSelector, name: &str, metrics: &Metrics) -> Option<Finding> {
    for matcher in
        selector.matchers.iter().filter(|matcher| matcher.op == MatchOp::Equal && !matcher.value.is_empty() && matcher.name != METRIC_NAME)
    {
        let Some(values) = metrics.values(name, &matcher.name).filter(|values| !values.contains(&matcher.value)) else { continue };
        let exported = format!("exported_{}", matcher.name);
        if metrics.values(name, &exported).is_some_and(|values| values.contains(&matcher.value)) {
            let meant = format!("{exported}={:?}", matcher.value);
            let message = format!("no series of {name} has {matcher}; those that are meant have {meant}");
            let why =
                "A scrape gives its own label of this name to every series, and renames that of the page unless its job says honor_labels.";
            let fix = format!("honor_labels: true in the job that scrapes {name}, or {meant} here");
            return Some(rule.finding(CODE, Severity::Warning, message, why.to_string()).fix(Some(fix)));
        }
        // `get` where it is `GET`: that is the same word, however short.
        let same_word = values.iter().map(String::as_str).find(|value| value.eq_ignore_ascii_case(&matcher.value));
        let near = || nearest(&matcher.value, values.iter().map(String::as_str)).filter(|_| matcher.value.len() > 3);
        let Some(meant) = same_word.or_else(near) else { continue };
        let message = format!("no series of {name} has {matcher}");
        let few: Vec<&str> = values.iter().take(8).map(String::as_str).collect();
        let why = format!("Values that were seen: {}. A value that comes only now and then may be missing.", few.join(", "));
        let fix = Some(format!("{}={meant:?}", matcher.name));
        // Which jobs there are does not come and go.
        let severity = if matcher.name == "job" { Severity::Warning } else { Severity::Info };
        return Some(rule.finding(CODE, severity, message, why).fix(fix));
    }
    None
}

#[cfg(test)]
mod tests {
    use crate::tests::{bad, good};

    /// The jobs of the tests are `slow` and `api`.
    #[test]
    fn a_job_that_is_nearly_one() {
        bad(super::CODE, "up{job=\"slwo\"} == 0", "job=\"slow\"");
        good(super::CODE, "up{job=\"slow\"} == 0");
        good(super::CODE, "up{job=\"another-one\"} == 0");
        good(super::CODE, "ALERTS{job=\"slwo\"}");
        good(super::CODE, "up{job=~\"slwo|x\"} == 0");
    }

    /// Metric pages were known, which say nothing of `up`: so nothing was said of its jobs.
    #[test]
    fn pages_say_nothing_of_up() {
        use bellbuoy_rules::RuleSettings;
        use bellbuoy_vocabulary::{Labels, Millis};

        use crate::tests::{alert, group};
        let mut metrics = crate::Metrics::of("a page");
        metrics.add(&Labels::from_pairs([("__name__", "requests_total"), ("job", "predictor"), ("method", "GET")]));
        let scrapes = [("predictor".to_string(), Millis::from_seconds(15))];
        let fixes = |expr: &str| -> Vec<String> {
            let groups = [group(vec![RuleSettings::Alerting(alert(expr))])];
            let input = crate::Input { groups: &groups, metrics: Some(&metrics), scrapes: &scrapes, ..crate::Input::default() };
            crate::check(&input).into_iter().filter(|finding| finding.code == super::CODE).filter_map(|finding| finding.fix).collect()
        };
        assert_eq!(fixes("up{job=\"preditcor\"} == 0"), ["job=\"predictor\""]);
        assert_eq!(fixes("rate(requests_total{job=\"preditcor\"}[5m]) > 1"), ["job=\"predictor\""], "told once");
        assert_eq!(fixes("rate(requests_total{method=\"get\"}[5m]) > 1"), ["method=\"GET\""]);
        assert_eq!(fixes("rate(requests_total{method=\"PUT\"}[5m]) > 1"), [""; 0], "it may come yet");
    }
}
