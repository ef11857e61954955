//! `route-default`: an alert goes to the root's receiver because it lacks the label by which the others are routed.

use std::collections::{BTreeMap, BTreeSet};

use bellbuoy_rules::{AlertingSettings, RuleSettings};
use bellbuoy_vocabulary::{ALERT_NAME, Matcher, Severity};

use super::of_rule;
use crate::Input;
use crate::finding::Finding;
use crate::graph::RuleGraph;
use crate::infer::labels_of;
use crate::shape::Presence;

pub const CODE: &str = "route-default";

pub fn run(input: &Input, graph: &RuleGraph, findings: &mut Vec<Finding>) {
    let Some(router) = input.router.filter(|router| !router.route.routes.is_empty()) else { return };
    let alerts: Vec<(&str, &AlertingSettings)> = input
        .groups
        .iter()
        .flat_map(|group| group.rules.iter().map(move |rule| (group.file.as_str(), rule)))
        .filter_map(|(file, rule)| if let RuleSettings::Alerting(rule) = rule { Some((file, rule)) } else { None })
        .collect();
    // Labels that the rules of each file set: who does not set one there hardly gets it from its series. A file none of whose rules
    // sets it is about something else.
    let mut set_in: BTreeMap<&str, BTreeSet<&str>> = BTreeMap::new();
    for (file, rule) in &alerts {
        set_in.entry(file).or_default().extend(rule.labels.iter().map(|(name, _)| name.as_str()));
    }
    let routed: Vec<&Matcher> = router.route.routes.iter().flat_map(|route| &route.matchers).collect();
    // One matcher a label is enough to see that a rule lacks it.
    let mut named = BTreeSet::new();
    let telling: Vec<&Matcher> =
        routed.iter().copied().filter(|matcher| !matcher.matches_empty() && named.insert(matcher.name.as_str())).collect();
    for (file, rule) in alerts {
        let set = &set_in[file];
        let own = |name: &str| rule.labels.iter().find(|(label, _)| label == name).map(|(_, value)| value.as_str());
        let lacked = telling.iter().find(|matcher| set.contains(matcher.name.as_str()) && own(&matcher.name).is_none());
        let Some(lacked) = lacked else { continue };
        let shape = labels_of(&rule.expr, graph);
        // `None`: it depends on a label that comes with the series, or is filled in.
        let passes = |matcher: &Matcher| match own(&matcher.name) {
            Some(value) if value.contains("{{") => None,
            Some(value) => Some(matcher.matches(value)),
            None if matcher.name == ALERT_NAME => Some(matcher.matches(&rule.alert)),
            None if shape.presence(&matcher.name) >= Presence::Expected => None,
            None if set.contains(matcher.name.as_str()) || shape.presence(&matcher.name) == Presence::Never => Some(matcher.matches("")),
            None => None,
        };
        if router.route.routes.iter().any(|route| route.matchers.iter().all(|matcher| passes(matcher) != Some(false))) {
            continue;
        }
        let others = routed.iter().filter(|matcher| matcher.name == lacked.name).map(|matcher| matcher.to_string());
        let others: BTreeSet<String> = others.collect();
        let message = format!("alert {}: no label {:?}, so no route takes it but the root", rule.alert, lacked.name);
        let why = format!(
            "Routes ask for {}, and other rules set it. The receiver {:?} hears of this one.",
            others.into_iter().take(4).collect::<Vec<_>>().join(", "),
            router.route.receiver
        );
        findings.push(of_rule(CODE, Severity::Info, file, rule.span, ["alert".into()], message, why));
    }
}

#[cfg(test)]
mod tests {
    use crate::tests::{alert, findings_of_routes, route};

    #[test]
    fn the_label_is_missing() {
        let rule = |expr: &str, team: &str| {
            let mut rule = alert(expr);
            rule.labels = [("team".to_string(), team.to_string())].into_iter().filter(|(_, team)| !team.is_empty()).collect();
            rule
        };
        let found = |rules: &[bellbuoy_rules::AlertingSettings]| {
            let found = findings_of_routes(vec![route(&["team=\"db\""])], &[], rules);
            found.iter().filter(|finding| finding.code == super::CODE).count()
        };
        assert_eq!(found(&[rule("x > 1", "db"), rule("y > 1", "")]), 1);
        assert_eq!(found(&[rule("x > 1", "db"), rule("y > 1", "ml")]), 0, "said on purpose");
        assert_eq!(found(&[rule("x > 1", "db"), rule("y{team=~\".+\"} > 1", "")]), 0, "the series has it");
        assert_eq!(found(&[rule("x > 1", ""), rule("y > 1", "")]), 0, "nobody sets it: it comes from elsewhere");
    }
}
