//! `panel-instance`: a query asks for one machine by its address.

use bellbuoy_vocabulary::{MatchOp, Severity};

use super::metric_unknown::selector_of;
use super::rules;
use crate::Input;
use crate::finding::Finding;
use crate::graph::RuleGraph;

pub const CODE: &str = "panel-instance";

pub fn run(input: &Input, _: &RuleGraph, findings: &mut Vec<Finding>) {
    for rule in rules(input).filter(|rule| rule.kind == "panel") {
        rule.expr.walk(&mut |node| {
            let Some(selector) = selector_of(node) else { return };
            let Some(matcher) = selector.matchers.iter().find(|m| m.name == "instance" && m.op == MatchOp::Equal && m.value.contains(':'))
            else {
                return;
            };
            let mut known = input.targets.iter().map(|target| target.get("instance"));
            let (severity, why) = if input.targets.is_empty() {
                (Severity::Info, "The panel shows this machine only, and nothing when it is called otherwise.")
            } else if known.any(|known| known == matcher.value) {
                return;
            } else {
                (Severity::Warning, "No target has this address: the panel shows nothing.")
            };
            let message = format!("asks for {matcher}");
            let fix = Some("instance=~\"$instance\", with a variable label_values(up, instance); or leave it out".to_string());
            findings.push(rule.finding(CODE, severity, message, why.to_string()).part(node.place).fix(fix));
        });
    }
}

#[cfg(test)]
mod tests {
    use super::super::panels::tests::codes_of;
    use serde_json::json;

    #[test]
    fn by_its_address() {
        let panel = |expr: &str| json!({"type": "stat", "targets": [{"expr": expr}]});
        assert_eq!(codes_of(panel("up{instance=\"localhost:9090\"}"), json!([])), [super::CODE]);
        assert_eq!(codes_of(panel("up{instance=~\".*\"}"), json!([])), [""; 0]);
    }
}
