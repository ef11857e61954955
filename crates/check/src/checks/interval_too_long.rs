//! `interval-too-long`: samples further apart than the look-back of 5 minutes: between them the series is not there.

use bellbuoy_promql::ExprKind;
use bellbuoy_rules::RuleSettings;
use bellbuoy_vocabulary::{Millis, Severity, format_duration};

use super::{of_rule, rules};
use crate::Input;
use crate::finding::Finding;
use crate::graph::RuleGraph;
use crate::infer::exact_name;

pub const CODE: &str = "interval-too-long";

/// How far back a selector finds a sample, unless a flag says otherwise.
const LOOKBACK: Millis = Millis::from_minutes(5);

pub fn run(input: &Input, graph: &RuleGraph, findings: &mut Vec<Finding>) {
    for rule in rules(input) {
        rule.expr.walk(&mut |node| {
            let ExprKind::Vector(selector) = &node.kind else { return };
            let Some(name) = exact_name(selector).filter(|name| name.contains(':')) else { return };
            let Some(interval) = graph.interval(name).filter(|interval| *interval > LOOKBACK) else { return };
            let text = format_duration(interval);
            let message = format!("{name} is recorded every {text}, and found for 5 minutes after that");
            let why = "In between it is not there: the result comes and goes, and `for` starts again each time.".to_string();
            let fix = format!("last_over_time({node}[{text}])");
            findings.push(rule.finding(CODE, Severity::Warning, message, why).part(node.place).fix(Some(fix)));
        });
    }
    for group in input.groups.iter().filter(|group| group.interval > LOOKBACK) {
        for rule in &group.rules {
            let RuleSettings::Alerting(rule) = rule else { continue };
            if rule.hold > Millis::ZERO && rule.hold < group.interval {
                continue;
            }
            let text = format_duration(group.interval);
            let message = format!("alert {}: looked at every {text} only", rule.alert);
            let why = "What happens in between is not seen, and the series ALERTS has gaps: it is found for 5 minutes.".to_string();
            findings.push(of_rule(CODE, Severity::Info, &group.file, rule.span, ["alert".into()], message, why));
        }
    }
}

#[cfg(test)]
mod tests {
    use bellbuoy_vocabulary::Millis;

    use crate::tests::{alert, findings_of_groups, group, record};

    #[test]
    fn longer_than_the_lookback() {
        let found = |minutes: u64, expr: &str| -> Vec<_> {
            let mut slow = group(vec![record("job:x:sum", "sum by (job) (x)", &[])]);
            slow.interval = Millis::from_minutes(minutes as i64);
            let fast = group(vec![bellbuoy_rules::RuleSettings::Alerting(alert(expr))]);
            findings_of_groups(&[slow, fast]).into_iter().map(|finding| finding.fix).collect()
        };
        assert_eq!(found(10, "job:x:sum > 1"), [Some("last_over_time(job:x:sum[10m])".to_string())]);
        assert_eq!(found(5, "job:x:sum > 1"), []);
        assert_eq!(found(10, "max_over_time(job:x:sum[30m]) > 1"), []);
    }
}
