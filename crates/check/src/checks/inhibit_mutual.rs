//! `inhibit-mutual`: two inhibitions that mute each other's source.

use bellbuoy_vocabulary::{Matcher, Severity};

use super::inhibit_never::text;
use super::routes::finding;
use crate::Input;
use crate::finding::Finding;
use crate::graph::RuleGraph;

pub const CODE: &str = "inhibit-mutual";

pub fn run(input: &Input, _: &RuleGraph, findings: &mut Vec<Finding>) {
    let Some(router) = input.router else { return };
    let same = |a: &[Matcher], b: &[Matcher]| !a.is_empty() && a.len() == b.len() && a.iter().all(|matcher| b.contains(matcher));
    for (at, rule) in router.inhibit_rules.iter().enumerate() {
        let back = router.inhibit_rules[..at]
            .iter()
            .position(|other| same(&other.source_matchers, &rule.target_matchers) && same(&other.target_matchers, &rule.source_matchers));
        let Some(back) = back.filter(|_| !same(&rule.source_matchers, &rule.target_matchers)) else { continue };
        let (source, target) = (text(&rule.source_matchers), text(&rule.target_matchers));
        let message =
            format!("inhibit rules {} and {} mute each other: {source} mutes {target}, and {target} mutes {source}", back + 1, at + 1);
        let why = "An alert that is muted mutes others all the same: when both fire, nobody is told of either.".to_string();
        let place = ["inhibit_rules".into(), at.into(), "source_matchers".into()];
        let fix = Some("keep the one whose source is the worse alert".to_string());
        findings.push(finding(input, CODE, Severity::Warning, message, why, fix).under(place));
    }
}

#[cfg(test)]
mod tests {
    use bellbuoy_router::{InhibitRule, RouterSettings};
    use bellbuoy_vocabulary::Millis;

    use crate::tests::route;
    use crate::{Input, check};

    #[test]
    fn each_mutes_the_other() {
        let rule = |source: &str, target: &str| InhibitRule {
            source_matchers: route(&[source]).matchers,
            target_matchers: route(&[target]).matchers,
            equal: vec!["job".into()],
        };
        let found = |inhibit_rules: Vec<InhibitRule>| {
            let router = RouterSettings {
                route: route(&[]),
                inhibit_rules,
                time_intervals: Vec::new(),
                resolve_timeout: Millis::from_minutes(5),
                receivers: Vec::new(),
            };
            check(&Input { router: Some(&router), ..Input::default() }).iter().filter(|finding| finding.code == super::CODE).count()
        };
        let (a, b, c) = ("s=\"a\"", "s=\"b\"", "s=\"c\"");
        assert_eq!(found(vec![rule(a, b), rule(b, a)]), 1);
        assert_eq!(found(vec![rule(a, b), rule(b, c), rule(a, c)]), 0);
    }
}
