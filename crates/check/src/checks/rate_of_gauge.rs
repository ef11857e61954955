//! `rate-of-gauge`: `rate` or `increase` of something that also falls.

use bellbuoy_vocabulary::Severity;

use super::kinds::{RATES, calls, ranged};
use crate::Input;
use crate::finding::Finding;
use crate::graph::RuleGraph;
use crate::metrics::Kind;

pub const CODE: &str = "rate-of-gauge";

pub fn run(input: &Input, graph: &RuleGraph, findings: &mut Vec<Finding>) {
    calls(input, &RATES, &mut |rule, node, function, argument| {
        let Some((name, known)) = ranged(argument, Kind::Gauge, input, graph) else { return };
        let message = format!("{function}() of {name}, which is a gauge ({})", known.by);
        let why =
            "Each fall of the value is read as a restart of a counter, and the whole value is added: the result is not what happened.";
        let instead = if function == "increase" { "delta" } else { "deriv" };
        let fix = node.to_string().replacen(function, instead, 1);
        findings.push(rule.finding(CODE, Severity::Warning, message, why.to_string()).part(node.place).fix(Some(fix)));
    });
}

#[cfg(test)]
mod tests {
    use crate::tests::{bad, good};

    #[test]
    fn gauges_fall() {
        bad(super::CODE, "rate(up[5m]) > 0.1", "deriv(up[5m])");
        bad(super::CODE, "increase(ALERTS[5m]) > 0", "delta(ALERTS[5m])");
        good(super::CODE, "rate(x_total[5m]) > 0.1");
        good(super::CODE, "rate(x[5m]) > 0.1");
        good(super::CODE, "changes(up[5m]) > 1");
    }
}
