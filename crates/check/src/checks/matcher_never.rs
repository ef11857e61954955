//! `matcher-never`: a selector whose matchers no value of a label passes together.

use bellbuoy_promql::VectorSelector;
use bellbuoy_vocabulary::{METRIC_NAME, MatchOp, Matcher, Severity};

use super::metric_unknown::selector_of;
use super::routes::contradiction;
use super::rules;
use crate::Input;
use crate::finding::Finding;
use crate::graph::RuleGraph;

pub const CODE: &str = "matcher-never";

pub fn run(input: &Input, _: &RuleGraph, findings: &mut Vec<Finding>) {
    // In the place of a dashboard's variable may stand anything.
    for rule in rules(input).filter(|rule| rule.kind != "panel") {
        rule.expr.walk(&mut |node| {
            let Some((first, second)) = selector_of(node).filter(|selector| selector.matchers.len() > 1).and_then(never) else { return };
            let message = format!("no series passes `{first}` and `{second}`");
            let why = "All matchers of a selector must hold for the same series, so it selects nothing.".to_string();
            let fix = either(&first, &second);
            findings.push(rule.finding(CODE, Severity::Error, message, why).part(node.place).fix(fix));
        });
    }
}

fn never(selector: &VectorSelector) -> Option<(Matcher, Matcher)> {
    let all: Vec<&Matcher> = selector.matchers.iter().collect();
    let opposite = || {
        let not = |first: &&Matcher, second: &&Matcher| {
            (first.op, second.op) == (MatchOp::Regex, MatchOp::NotRegex) && (&first.name, &first.value) == (&second.name, &second.value)
        };
        all.iter().find_map(|first| Some((*first, *all.iter().find(|second| not(first, second))?)))
    };
    contradiction(&all).or_else(opposite).map(|(first, second)| (first.clone(), second.clone()))
}

/// `a="x", a="y"`: one of the two was meant.
fn either(first: &Matcher, second: &Matcher) -> Option<String> {
    let plain =
        |matcher: &Matcher| matcher.op == MatchOp::Equal && !matcher.value.is_empty() && !matcher.value.contains(['|', '.', '(', '[']);
    if first.name == METRIC_NAME || !plain(first) || !plain(second) {
        return None;
    }
    Some(format!("{}=~\"{}|{}\"", first.name, first.value, second.value))
}

#[cfg(test)]
mod tests {
    use crate::tests::{bad, good};

    #[test]
    fn what_can_not_hold_together() {
        bad(super::CODE, "x{a=\"1\", a=\"2\"} > 0", "a=~\"1|2\"");
        bad(super::CODE, "x{a=\"1\", a!~\".+\"} > 0", "");
        bad(super::CODE, "sum(rate(x_total{a=\"\", a=~\".+\"}[5m])) > 0", "");
        bad(super::CODE, "x{a=~\"b.*\", a!~\"b.*\"} > 0", "");
        bad(super::CODE, "x{a=~\"b|c\", a!~\"b|c|d\"} > 0", "");
        bad(super::CODE, "x{a=\"1\", a!=\"1\"} offset 5m > 0", "");
    }

    #[test]
    fn what_can() {
        good(super::CODE, "x{a=~\"1.*\", a!=\"1\"} > 0");
        good(super::CODE, "x{a!=\"\", a=~\"b.*\", a!~\"bc.*\"} > 0");
        good(super::CODE, "x{a=\"1\", b=\"2\"} > 0");
        good(super::CODE, "x{a=\"\", a!~\"b.*\"} > 0");
    }
}
