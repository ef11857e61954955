//! `inhibit-wide`: an inhibition that mutes more than was meant: nothing ties the target to the source.

use bellbuoy_vocabulary::{ALERT_NAME, MatchOp, Matcher, Severity};

use super::alerts::alerts_of;
use super::inhibit_never::{of, text};
use super::routes::finding;
use crate::Input;
use crate::finding::{Finding, Step};
use crate::graph::RuleGraph;
use crate::shape::Presence;

pub const CODE: &str = "inhibit-wide";

pub fn run(input: &Input, graph: &RuleGraph, findings: &mut Vec<Finding>) {
    let Some(router) = input.router else { return };
    let alerts = alerts_of(input, graph);
    for (index, rule) in router.inhibit_rules.iter().enumerate() {
        let place = |key: &str| -> Vec<Step> { vec!["inhibit_rules".into(), index.into(), key.into()] };
        let named = |matchers: &[Matcher]| matchers.iter().any(|m| m.name == ALERT_NAME && matches!(m.op, MatchOp::Equal | MatchOp::Regex));
        if rule.source_matchers.is_empty() || rule.target_matchers.is_empty() {
            continue;
        }
        if rule.equal.is_empty() {
            if named(&rule.source_matchers) || named(&rule.target_matchers) {
                continue;
            }
            let message = format!("inhibit rule {}: no `equal`, and neither side names an alert", index + 1);
            let why = format!(
                "Any one alert of {} mutes all alerts of {}, whatever service they are about.",
                text(&rule.source_matchers),
                text(&rule.target_matchers)
            );
            let fix = Some("equal: [job, instance]".to_string());
            findings.push(finding(input, CODE, Severity::Warning, message, why, fix).under(place("source_matchers")));
            continue;
        }
        let (sources, targets) = (of(&alerts, &rule.source_matchers), of(&alerts, &rule.target_matchers));
        if sources.is_empty() || targets.is_empty() || (named(&rule.source_matchers) && named(&rule.target_matchers)) {
            continue;
        }
        let lacked = |label: &String| sources.iter().chain(&targets).all(|alert| alert.shape.presence(label) == Presence::Never);
        if rule.equal.iter().all(lacked) {
            let message = format!("inhibit rule {}: no alert on either side has {}", index + 1, rule.equal.join(", "));
            let why = "A label that is missing on both sides counts as equal: every source mutes every target.".to_string();
            findings.push(finding(input, CODE, Severity::Warning, message, why, None).under(place("equal")));
        }
    }
}
