//! `delta-of-counter`: a function for gauges on something that begins at 0 again with each restart.

use bellbuoy_vocabulary::Severity;

use super::kinds::{calls, ranged};
use crate::Input;
use crate::finding::Finding;
use crate::graph::RuleGraph;
use crate::metrics::Kind;

pub const CODE: &str = "delta-of-counter";

/// What is meant when the series is a counter.
const INSTEAD: [(&str, &str); 3] = [("delta", "increase"), ("deriv", "rate"), ("idelta", "irate")];

pub fn run(input: &Input, graph: &RuleGraph, findings: &mut Vec<Finding>) {
    calls(input, &INSTEAD.map(|(function, _)| function), &mut |rule, node, function, argument| {
        let Some((name, known)) = ranged(argument, Kind::Counter, input, graph) else { return };
        let Some((_, instead)) = INSTEAD.iter().find(|(of, _)| *of == function) else { return };
        let message = format!("{function}() of {name}, which is a counter ({})", known.by);
        let why = "A restart of the process sets it to 0: the result is a large negative number then, and counts nothing.".to_string();
        let fix = node.to_string().replacen(function, instead, 1);
        findings.push(rule.finding(CODE, Severity::Warning, message, why).part(node.place).fix(Some(fix)));
    });
}

#[cfg(test)]
mod tests {
    use crate::tests::{bad, good};

    #[test]
    fn counters_begin_anew() {
        bad(super::CODE, "delta(x_total[5m]) > 5", "increase(x_total[5m])");
        bad(super::CODE, "sum(deriv(x_total[5m])) > 5", "rate(x_total[5m])");
        good(super::CODE, "delta(temperature_celsius[5m]) > 5");
        good(super::CODE, "increase(x_total[5m]) > 5");
    }
}
