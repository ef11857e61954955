//! `for-too-short`: a `for` below the group's interval waits a whole interval all the same.

use bellbuoy_rules::RuleSettings;
use bellbuoy_vocabulary::{Millis, Severity, format_duration};

use super::of_rule;
use crate::Input;
use crate::finding::Finding;
use crate::graph::RuleGraph;

pub const CODE: &str = "for-too-short";

pub fn run(input: &Input, _: &RuleGraph, findings: &mut Vec<Finding>) {
    for group in input.groups {
        for rule in &group.rules {
            let RuleSettings::Alerting(rule) = rule else { continue };
            if rule.hold <= Millis::ZERO || rule.hold >= group.interval {
                continue;
            }
            let (hold, interval) = (format_duration(rule.hold), format_duration(group.interval));
            let message = format!("alert {}: `for: {hold}` is shorter than the group's interval of {interval}", rule.alert);
            let why = format!("The rule is looked at every {interval}: it fires at the second look, as with `for: {interval}`.");
            let finding = of_rule(CODE, Severity::Info, &group.file, rule.span, ["for".into()], message, why);
            findings.push(finding.fix(Some(format!("for: {interval}"))));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tests::{alert, findings_of};

    fn check(hold: Millis, expected: &[&str]) {
        let mut rule = alert("up == 0");
        rule.hold = hold;
        let found = findings_of(vec![rule]);
        let fixes: Vec<&str> = found.iter().filter(|f| f.code == CODE).filter_map(|f| f.fix.as_deref()).collect();
        assert_eq!(fixes, expected);
    }

    #[test]
    fn shorter_than_the_interval_of_15_seconds() {
        check(Millis::from_seconds(5), &["for: 15s"]);
        check(Millis::ZERO, &[]);
        check(Millis::from_seconds(15), &[]);
        check(Millis::from_minutes(5), &[]);
    }
}
