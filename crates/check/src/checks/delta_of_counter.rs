//! `delta-of-counter`: a function for gauges on something that begins at 0 again with each restart.

use bellbuoy_promql::ExprKind;
use bellbuoy_vocabulary::Severity;

use super::kinds::kind_of;
use super::rules;
use crate::Input;
use crate::finding::Finding;
use crate::graph::RuleGraph;
use crate::infer::exact_name;
use crate::metrics::Kind;

pub const CODE: &str = "delta-of-counter";

pub fn run(input: &Input, _: &RuleGraph, findings: &mut Vec<Finding>) {
    for rule in rules(input) {
        rule.expr.walk(&mut |node| {
            let ExprKind::Call(call) = &node.kind else { return };
            let instead = match call.function.name {
                "delta" => "increase",
                "deriv" => "rate",
                "idelta" => "irate",
                _ => return,
            };
            let Some(ExprKind::Range(range)) = call.args.first().map(|arg| &arg.unparenthesized().kind) else { return };
            let Some(name) = exact_name(&range.selector) else { return };
            let Some(known) = kind_of(name, input).filter(|known| known.kind == Kind::Counter) else { return };
            let message = format!("{}() of {name}, which is a counter ({})", call.function.name, known.by);
            let why = "A restart of the process sets it to 0: the result is a large negative number then, and counts nothing.".to_string();
            let fix = node.to_string().replacen(call.function.name, instead, 1);
            findings.push(rule.finding(CODE, Severity::Warning, message, why).part(node.place).fix(Some(fix)));
        });
    }
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
