//! `rate-of-gauge`: `rate` or `increase` of something that also falls.

use bellbuoy_promql::ExprKind;
use bellbuoy_vocabulary::Severity;

use super::kinds::kind_of;
use super::rules;
use crate::Input;
use crate::finding::Finding;
use crate::graph::RuleGraph;
use crate::infer::exact_name;
use crate::metrics::Kind;

pub const CODE: &str = "rate-of-gauge";

pub fn run(input: &Input, _: &RuleGraph, findings: &mut Vec<Finding>) {
    for rule in rules(input) {
        rule.expr.walk(&mut |node| {
            let ExprKind::Call(call) = &node.kind else { return };
            let function = call.function.name;
            let (true, Some(arg)) = (matches!(function, "rate" | "increase" | "irate"), call.args.first()) else { return };
            let ExprKind::Range(range) = &arg.unparenthesized().kind else { return };
            let Some(name) = exact_name(&range.selector) else { return };
            let Some(known) = kind_of(name, input).filter(|known| known.kind == Kind::Gauge) else { return };
            let message = format!("{function}() of {name}, which is a gauge ({})", known.by);
            let why =
                "Each fall of the value is read as a restart of a counter, and the whole value is added: the result is not what happened.";
            let instead = if function == "increase" { "delta" } else { "deriv" };
            let fix = node.to_string().replacen(function, instead, 1);
            findings.push(rule.finding(CODE, Severity::Warning, message, why.to_string()).part(node.place).fix(Some(fix)));
        });
    }
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
