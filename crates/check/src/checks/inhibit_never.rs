//! `inhibit-never`: an inhibition that can never apply: nothing is its source or its target, or `equal` asks for what always differs.

use bellbuoy_router::InhibitRule;
use bellbuoy_vocabulary::{ALERT_NAME, MatchOp, Matcher, Severity, nearest};

use super::alerts::{AlertOf, alerts_of, passes_all};
use super::routes::{finding, implied};
use crate::Input;
use crate::finding::{Finding, Step};
use crate::graph::RuleGraph;
use crate::shape::Presence;

pub const CODE: &str = "inhibit-never";

pub fn run(input: &Input, graph: &RuleGraph, findings: &mut Vec<Finding>) {
    let Some(router) = input.router else { return };
    for (index, rule) in router.inhibit_rules.iter().enumerate().filter(|(_, rule)| same_alerts(rule)) {
        let message = format!("inhibit rule {}: source and target are the same alerts, {}", index + 1, text(&rule.target_matchers));
        let why = "An alert that is on both sides is muted by none that is on both sides, too: it never mutes anything.".to_string();
        let place = ["inhibit_rules".into(), index.into(), "target_matchers".into()];
        findings.push(finding(input, CODE, Severity::Warning, message, why, None).under(place));
    }
    let alerts = alerts_of(input, graph);
    if alerts.is_empty() {
        return;
    }
    for (index, rule) in router.inhibit_rules.iter().enumerate().filter(|(_, rule)| !same_alerts(rule)) {
        let place = |key: &str| -> Vec<Step> { vec!["inhibit_rules".into(), index.into(), key.into()] };
        let sources = of(&alerts, &rule.source_matchers);
        let targets = of(&alerts, &rule.target_matchers);
        let mut lonely = false;
        for (found, matchers, what) in [(&sources, &rule.source_matchers, "source"), (&targets, &rule.target_matchers, "target")] {
            if !found.is_empty() || matchers.is_empty() {
                continue;
            }
            lonely = true;
            let message = format!("inhibit rule {}: no alert of these rules can be its {what}, {}", index + 1, text(matchers));
            let why = "It never mutes anything; only alerts pushed by others could make it work.".to_string();
            let fix = meant(matchers, &alerts);
            findings.push(finding(input, CODE, Severity::Warning, message, why, fix).under(place(&format!("{what}_matchers"))));
        }
        if lonely {
            continue;
        }
        if let Some((label, why)) = differing(rule, &sources, &targets) {
            let message =
                format!("inhibit rule {}: `equal` asks for the same {label:?} on source and target, which always differs", index + 1);
            let rest: Vec<&str> = rule.equal.iter().map(String::as_str).filter(|other| *other != label).collect();
            let fix = Some(format!("equal: [{}]", rest.join(", ")));
            findings.push(finding(input, CODE, Severity::Warning, message, why, fix).under(place("equal")));
        }
    }
}

/// Whether what matches one side surely matches the other.
fn same_alerts(rule: &InhibitRule) -> bool {
    let all = |facts: &[Matcher], matchers: &[Matcher]| {
        let facts: Vec<&Matcher> = facts.iter().collect();
        !facts.is_empty() && matchers.iter().all(|matcher| implied(&facts, matcher))
    };
    all(&rule.source_matchers, &rule.target_matchers) && all(&rule.target_matchers, &rule.source_matchers)
}

pub fn of<'a, 'b>(alerts: &'b [AlertOf<'a>], matchers: &[Matcher]) -> Vec<&'b AlertOf<'a>> {
    alerts.iter().filter(|alert| passes_all(alert.shape, matchers) != Some(false)).collect()
}

pub fn text(matchers: &[Matcher]) -> String {
    let words: Vec<String> = matchers.iter().map(Matcher::to_string).collect();
    format!("{{{}}}", words.join(", "))
}

/// The name of an alert that was probably meant.
fn meant(matchers: &[Matcher], alerts: &[AlertOf]) -> Option<String> {
    let matcher = matchers.iter().find(|matcher| matcher.op == MatchOp::Equal)?;
    let known: Vec<&str> = match matcher.name.as_str() {
        ALERT_NAME => alerts.iter().map(|alert| alert.name).collect(),
        name => alerts.iter().filter_map(|alert| alert.shape.values(name)).flatten().map(String::as_str).collect(),
    };
    nearest(&matcher.value, known).filter(|near| *near != matcher.value).map(|near| format!("{}={near:?}", matcher.name))
}

/// A label of `equal` that keeps every pair apart.
fn differing(rule: &InhibitRule, sources: &[&AlertOf], targets: &[&AlertOf]) -> Option<(String, String)> {
    if rule.source_matchers.is_empty() || rule.target_matchers.is_empty() {
        return None;
    }
    let apart = |label: &str, source: &AlertOf, target: &AlertOf| -> Option<String> {
        let (a, b) = (source.shape, target.shape);
        if let (Some(ours), Some(theirs)) = (a.values(label), b.values(label)) {
            let list = |values: &std::collections::BTreeSet<String>| values.iter().take(4).cloned().collect::<Vec<_>>().join("|");
            return ours
                .is_disjoint(theirs)
                .then(|| format!("{} has {label}={:?}, {} has {:?}", source.name, list(ours), target.name, list(theirs)));
        }
        let (has, lacks) = (Presence::Expected, Presence::Unlikely);
        if a.presence(label) >= has && b.presence(label) <= lacks {
            return Some(format!("{} has {label:?}, {} never has it", source.name, target.name));
        }
        (b.presence(label) >= has && a.presence(label) <= lacks)
            .then(|| format!("{} has {label:?}, {} never has it", target.name, source.name))
    };
    for label in &rule.equal {
        let mut reasons = sources.iter().flat_map(|source| targets.iter().map(move |target| apart(label, source, target)));
        let first = reasons.next().flatten();
        if let Some(first) = first
            && reasons.all(|reason| reason.is_some())
        {
            return Some((label.clone(), format!("{first}: the inhibition never applies.")));
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tests::{alert, findings_of_inhibition};

    fn found(rules: &[(&str, &str, &str)], source: &[&str], target: &[&str], equal: &[&str]) -> Vec<&'static str> {
        let rule = |(name, severity, expr): &(&str, &str, &str)| bellbuoy_rules::AlertingSettings {
            alert: name.to_string(),
            labels: vec![("severity".into(), severity.to_string())],
            ..alert(expr)
        };
        let rules: Vec<_> = rules.iter().map(rule).collect();
        let found = findings_of_inhibition(&rules, source, target, equal);
        found.iter().map(|finding| finding.code).filter(|code| *code == CODE || *code == super::super::inhibit_wide::CODE).collect()
    }

    const RULES: &[(&str, &str, &str)] = &[
        ("Down", "critical", "up{job=\"api\"} == 0"),
        ("Slow", "warning", "latency{job=\"api\"} > 1"),
        ("Total", "warning", "sum(x) > 1"),
    ];

    #[test]
    fn what_can_never_apply() {
        let critical = "severity=\"critical\"";
        let warning = "severity=\"warning\"";
        assert_eq!(found(RULES, &["severity=\"critcal\""], &[warning], &["job"]), [CODE]);
        assert_eq!(found(RULES, &[critical], &["alertname=\"Slwo\""], &["job"]), [CODE]);
        assert_eq!(found(RULES, &["alertname=\"Down\""], &["alertname=\"Slow\""], &["alertname"]), [CODE]);
        assert_eq!(found(RULES, &["alertname=\"Down\""], &["alertname=\"Total\""], &["instance"]), [CODE]);
        assert_eq!(found(RULES, &[critical], &[warning], &["severity"]), [CODE]);
        assert_eq!(found(RULES, &[critical], &[critical], &["job"]), [CODE], "the same alerts");
        assert_eq!(found(&[], &[critical], &[critical], &["job"]), [CODE], "whatever the rules are");
    }

    #[test]
    fn what_can_apply() {
        assert_eq!(found(RULES, &["alertname=\"Down\""], &["alertname=\"Slow\""], &["instance", "job"]), [""; 0]);
        assert_eq!(found(RULES, &["alertname=\"Down\""], &["alertname=\"Slow\""], &[]), [""; 0]);
        assert_eq!(found(RULES, &["severity=\"critical\""], &["severity=\"warning\""], &["job"]), [""; 0]);
    }

    #[test]
    fn what_mutes_more_than_meant() {
        let wide = super::super::inhibit_wide::CODE;
        assert_eq!(found(RULES, &["severity=\"critical\""], &["severity=\"warning\""], &[]), [wide]);
        let totals: &[(&str, &str, &str)] = &[("A", "critical", "sum(x) > 1"), ("B", "warning", "sum(y) > 1")];
        assert_eq!(found(totals, &["severity=\"critical\""], &["severity=\"warning\""], &["cluster"]), [wide]);
    }
}
