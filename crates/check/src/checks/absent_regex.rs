//! `absent-regex`: `absent` of several things at once speaks only when all of them are gone.

use bellbuoy_promql::{Expr, ExprKind};
use bellbuoy_vocabulary::{METRIC_NAME, MatchOp, Severity};

use super::rules;
use crate::Input;
use crate::finding::Finding;
use crate::graph::RuleGraph;

pub const CODE: &str = "absent-regex";

pub fn run(input: &Input, _: &RuleGraph, findings: &mut Vec<Finding>) {
    for rule in rules(input) {
        rule.expr.walk(&mut |node| {
            let ExprKind::Call(call) = &node.kind else { return };
            let (true, Some(arg)) = (matches!(call.function.name, "absent" | "absent_over_time"), call.args.first()) else { return };
            let selector = match &arg.unparenthesized().kind {
                ExprKind::Vector(selector) => selector,
                ExprKind::Range(range) => &range.selector,
                _ => return,
            };
            let several = selector
                .matchers
                .iter()
                .find(|matcher| matcher.op == MatchOp::Regex && matcher.alternatives().is_some_and(|words| words.len() > 1));
            let Some(matcher) = several else { return };
            let words = matcher.alternatives().unwrap_or_default();
            let message = format!("`{node}` is there only when none of {} exists", words.join(", "));
            let why = "One that is missing is not noticed as long as another is there; and the alert does not say which.".to_string();
            let fix = each(call.function.name, arg, &matcher.name, words);
            findings.push(rule.finding(CODE, Severity::Warning, message, why).part(node.place).fix(fix));
        });
    }
}

/// One `absent` for each word, joined by `or`.
fn each(function: &str, arg: &Expr, label: &str, words: &[String]) -> Option<String> {
    if words.len() > 8 || label == METRIC_NAME {
        return None;
    }
    let one = |word: &String| {
        let mut copy = arg.clone();
        copy.walk_mut(&mut |node| {
            let selector = match &mut node.kind {
                ExprKind::Vector(selector) => selector,
                ExprKind::Range(range) => &mut range.selector,
                _ => return,
            };
            for matcher in selector.matchers.iter_mut().filter(|matcher| matcher.name == label) {
                *matcher = bellbuoy_vocabulary::Matcher::equal(label, word);
            }
        });
        format!("{function}({copy})")
    };
    Some(words.iter().map(one).collect::<Vec<_>>().join(" or "))
}

#[cfg(test)]
mod tests {
    use crate::tests::{bad, good};

    #[test]
    fn several_at_once() {
        bad(super::CODE, "absent(up{job=~\"a|b\"})", "absent(up{job=\"a\"}) or absent(up{job=\"b\"})");
        good(super::CODE, "absent(up{job=\"a\"})");
        good(super::CODE, "absent(up{job=~\"a.*\"})");
        good(super::CODE, "up{job=~\"a|b\"} == 0");
    }
}
