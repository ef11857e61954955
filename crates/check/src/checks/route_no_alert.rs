//! `route-no-alert`: a route whose matchers contradict each other, or that no alerting rule's own labels can satisfy.

use std::collections::{BTreeMap, BTreeSet};

use bellbuoy_router::Route;
use bellbuoy_rules::{AlertingSettings, RuleSettings};
use bellbuoy_vocabulary::{ALERT_NAME, MatchOp, Matcher, Severity, nearest};

use super::route_shadowed;
use super::routes::{RouteView, contradiction, labels_asked, matchers_text, visit};
use crate::Input;
use crate::finding::Finding;
use crate::graph::RuleGraph;

pub const CODE: &str = "route-no-alert";

pub fn run(input: &Input, _: &RuleGraph, findings: &mut Vec<Finding>) {
    let Some(router) = input.router else { return };
    let rules = static_labels(input, &labels_asked(router));
    visit(router, &mut |view| {
        if let Some((first, second)) = contradiction(&view.matchers) {
            let message = format!("{} gets no alert: {first} and {second} contradict each other", view.name());
            let why = "An alert reaches a route only when it matches the route and all of its parents.".to_string();
            findings.push(view.finding(input, CODE, Severity::Error, message, why));
        } else {
            findings.extend(no_rule(input, view, &rules));
        }
    });
}

/// For each alerting rule the labels whose value is fixed, `alertname` included, of those that routes ask for. Rules that are alike in these
/// are there once: thousands of rules have a few severities and teams.
fn static_labels<'a>(input: &Input<'a>, asked: &BTreeSet<&str>) -> Vec<BTreeMap<&'a str, &'a str>> {
    let fixed = |rule: &'a AlertingSettings| {
        let own = rule.labels.iter().filter(|(_, value)| !value.contains("{{")).map(|(name, value)| (name.as_str(), value.as_str()));
        own.chain([(ALERT_NAME, rule.alert.as_str())]).filter(|(name, _)| asked.contains(name)).collect::<BTreeMap<_, _>>()
    };
    let rules = input.groups.iter().flat_map(|group| &group.rules);
    let all = rules.filter_map(|rule| if let RuleSettings::Alerting(rule) = rule { Some(fixed(rule)) } else { None });
    let mut seen = BTreeSet::new();
    all.filter(|labels| seen.insert(labels.clone())).collect()
}

/// Speaks only of routes all of whose labels every rule fixes: any other label can come with a series or a pushed alert.
fn no_rule(input: &Input, view: &RouteView, rules: &[BTreeMap<&str, &str>]) -> Option<Finding> {
    let all_fixed = view.matchers.iter().all(|matcher| rules.iter().all(|rule| rule.contains_key(matcher.name.as_str())));
    if rules.is_empty() || view.matchers.is_empty() || !all_fixed {
        return None;
    }
    let satisfied = || rules.iter().filter(|rule| view.matchers.iter().all(|matcher| matcher.matches(rule[matcher.name.as_str()])));
    if let Some(first) = satisfied().next() {
        // One route that takes all of it is another check's.
        if satisfied().any(|rule| taken_before(view, rule).is_none()) || route_shadowed::taker(view).is_some() {
            return None;
        }
        let message = format!("{} gets no alert of these rules", view.name());
        let taker = taken_before(view, first).map(matchers_text).unwrap_or_default();
        let why =
            format!("Routes before it take all that rules make for it, {taker} the first. Only alerts pushed by others could reach it.");
        let fix = Some("move the route before the others, or set `continue: true` there".to_string());
        return Some(view.finding(input, CODE, Severity::Warning, message, why).fix(fix));
    }
    let lonely = view.matchers.iter().find(|matcher| !rules.iter().any(|rule| matcher.matches(rule[matcher.name.as_str()])));
    let (why, fix) = match lonely {
        Some(matcher) => {
            let values: BTreeSet<&str> = rules.iter().map(|rule| rule[matcher.name.as_str()]).collect();
            let meant = (matcher.op == MatchOp::Equal).then(|| nearest(&matcher.value, values.iter().copied())).flatten();
            let few: Vec<String> = values.iter().take(8).map(|value| format!("{value:?}")).collect();
            let more = if values.len() > few.len() { ", ..." } else { "" };
            (
                format!("Every rule sets {}: {}{more}.", matcher.name, few.join(", ")),
                meant.map(|meant| format!("{}={meant:?}", matcher.name)),
            )
        }
        None => ("Each of its matchers is satisfied by some rule, but all of them by none.".to_string(), None),
    };
    let message = format!("{} gets no alert of these rules", view.name());
    let why = format!("{why} Only alerts pushed by others could reach it.");
    Some(view.finding(input, CODE, Severity::Warning, message, why).fix(fix))
}

/// The sibling that surely takes the alerts of a rule before they come here.
fn taken_before<'a>(view: &RouteView<'a>, rule: &BTreeMap<&str, &str>) -> Option<&'a Route> {
    let takes = |matcher: &Matcher| rule.get(matcher.name.as_str()).is_some_and(|value| matcher.matches(value));
    view.before.iter().find(|other| !other.go_on && other.matchers.iter().all(takes))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tests::{alert, findings_of_routes, route};

    fn rule(name: &str, severity: &str) -> AlertingSettings {
        AlertingSettings { alert: name.into(), labels: vec![("severity".into(), severity.into())], ..alert("up == 0") }
    }

    fn check(matchers: &[&str], expected: Option<(&str, Option<&str>)>) {
        let rules = [rule("Down", "critical"), rule("Slow", "warning")];
        let found = findings_of_routes(vec![route(matchers)], &[], &rules);
        let found = found.iter().find(|finding| finding.code == CODE);
        assert_eq!(
            found.map(|f| (f.why.split_once('.').map_or(f.why.as_str(), |(first, _)| first), f.fix.as_deref())),
            expected,
            "{matchers:?}"
        );
    }

    #[test]
    fn no_rule_has_the_labels() {
        check(&["severity=\"critcal\""], Some(("Every rule sets severity: \"critical\", \"warning\"", Some("severity=\"critical\""))));
        check(&["severity=~\"page|ticket\""], Some(("Every rule sets severity: \"critical\", \"warning\"", None)));
        check(
            &["alertname=\"Down\"", "severity=\"warning\""],
            Some(("Each of its matchers is satisfied by some rule, but all of them by none", None)),
        );
        check(&["a=\"1\"", "a=\"2\""], Some(("An alert reaches a route only when it matches the route and all of its parents", None)));
    }

    /// No rule makes `fatal`, and `critical` is taken before.
    #[test]
    fn what_is_left_is_made_by_no_rule() {
        let found = |first: &[&str], go_on: bool| {
            let before = Route { go_on, ..route(first) };
            let routes = vec![before, route(&["severity=~\"critical|fatal\""])];
            let rules = [rule("Down", "critical"), rule("Slow", "warning")];
            findings_of_routes(routes, &[], &rules).iter().filter(|finding| finding.code == CODE).count()
        };
        assert_eq!(found(&["severity=\"critical\""], false), 1);
        assert_eq!(found(&["severity=\"critical\""], true), 0);
        assert_eq!(found(&["severity=\"critical\"", "team=\"ml\""], false), 0);
    }

    #[test]
    fn some_alert_can_come() {
        check(&["severity=\"critical\""], None);
        check(&["kind=\"event\"", "severity=\"none\""], None);
        check(&["instance=~\"web.*\""], None);
        check(&["severity!=\"critical\""], None);
        check(&["a=~\"1.*\"", "a!=\"1\""], None);
    }
}
