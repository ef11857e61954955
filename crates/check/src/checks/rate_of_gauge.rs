//! `rate-of-gauge`: `rate` or `increase` of something that also falls.

use bellbuoy_promql::ExprKind;
use bellbuoy_vocabulary::Severity;

use super::kinds::{RATES, calls, is_gauge, ranged};
use crate::Input;
use crate::finding::Finding;
use crate::graph::RuleGraph;
use crate::metrics::Kind;

pub const CODE: &str = "rate-of-gauge";

pub fn run(input: &Input, graph: &RuleGraph, findings: &mut Vec<Finding>) {
    calls(input, &RATES, &mut |rule, node, function, argument| {
        let message = match (ranged(argument, Kind::Gauge, input, graph), &argument.kind) {
            (Some((name, known)), _) => format!("{function}() of {name}, which is a gauge ({})", known.by),
            // A division may be one of units: `x_total / 1000`.
            (None, ExprKind::Subquery(subquery))
                if !matches!(subquery.expr.unparenthesized().kind, ExprKind::Binary(_)) && is_gauge(&subquery.expr, input.metrics) =>
            {
                format!("{function}() of `{}`, which goes up and down", subquery.expr)
            }
            _ => return,
        };
        let why =
            "Each fall of the value is read as a restart of a counter, and the whole value is added: the result is not what happened.";
        let instead = if function == "increase" { "delta" } else { "deriv" };
        let fix = node.to_string().replacen(function, instead, 1);
        findings.push(rule.finding(CODE, Severity::Warning, message, why.to_string()).part(node.place).fix(Some(fix)));
    });
}

#[cfg(test)]
mod tests {
    use bellbuoy_rules::RuleSettings;

    use crate::tests::{alert, bad, findings_with, good, record};

    #[test]
    fn gauges_fall() {
        bad(super::CODE, "rate(up[5m]) > 0.1", "deriv(up[5m])");
        bad(super::CODE, "increase(ALERTS[5m]) > 0", "delta(ALERTS[5m])");
        bad(super::CODE, "rate(up[5m:30s]) > 0.1", "deriv(up[5m:30s])");
        bad(super::CODE, "increase(rate(x_total[5m])[1h:5m]) > 0.1", "delta(rate(x_total[5m])[1h:5m])");
        good(super::CODE, "rate((x_total / 1000)[5m:1m]) > 0.1");
        good(super::CODE, "rate(x_total[5m:1m]) > 0.1");
        good(super::CODE, "rate(x_total[5m]) > 0.1");
        good(super::CODE, "rate(x[5m]) > 0.1");
        good(super::CODE, "changes(up[5m]) > 1");
    }

    /// What records a gauge as it is records a gauge.
    #[test]
    fn through_a_recording_rule() {
        let mut metrics = crate::Metrics::of("a page");
        metrics.set_kind("queue_length", crate::Kind::Gauge);
        metrics.set_kind("jobs", crate::Kind::Counter);
        let codes = |source: &str| {
            let rules = vec![record("job:seen", source, &[]), RuleSettings::Alerting(alert("rate(job:seen[5m]) > 1"))];
            findings_with(rules, &metrics).iter().filter(|finding| finding.code == super::CODE).count()
        };
        assert_eq!(codes("queue_length"), 1);
        assert_eq!(codes("max by (job) (queue_length{a=\"1\"})"), 1);
        assert_eq!(codes("jobs_total"), 0);
    }
}
