//! `regex-plain`: a regular expression that is none, or that says twice that it is whole.

use bellbuoy_promql::ExprKind;
use bellbuoy_vocabulary::{MatchOp, Matcher, Severity};

use super::rules;
use crate::Input;
use crate::finding::Finding;
use crate::graph::RuleGraph;

pub const CODE: &str = "regex-plain";

pub fn run(input: &Input, _: &RuleGraph, findings: &mut Vec<Finding>) {
    for rule in rules(input) {
        // A variable's place may stand for anything.
        if rule.kind == "panel" {
            continue;
        }
        rule.expr.walk(&mut |node| {
            let selector = match &node.kind {
                ExprKind::Vector(selector) => selector,
                ExprKind::Range(range) => &range.selector,
                _ => return,
            };
            for matcher in &selector.matchers {
                let Some((message, fix, severity)) = look(matcher) else { continue };
                let why = "Patterns are of the whole value always; a plain comparison is faster, and cannot mean more than is written."
                    .to_string();
                findings.push(rule.finding(CODE, severity, message, why).part(node.place).fix(Some(fix)));
            }
        });
    }
}

fn look(matcher: &Matcher) -> Option<(String, String, Severity)> {
    let op = match matcher.op {
        MatchOp::Regex => MatchOp::Equal,
        MatchOp::NotRegex => MatchOp::NotEqual,
        // A pattern that is compared as a text finds nothing.
        MatchOp::Equal | MatchOp::NotEqual => {
            // Nearly no equality is meant as a pattern: only these are worth a compilation.
            if !(matcher.value.contains(".*") || matcher.value.contains(".+")) {
                return None;
            }
            let op = if matcher.op == MatchOp::Equal { MatchOp::Regex } else { MatchOp::NotRegex };
            let fixed = Matcher::new(&matcher.name, op, &matcher.value).ok()?;
            return Some((format!("`{matcher}` compares with the text of a pattern"), fixed.to_string(), Severity::Warning));
        }
    };
    if let Some(inner) = matcher.value.strip_prefix('^').and_then(|rest| rest.strip_suffix('$')) {
        let fixed = Matcher::new(&matcher.name, matcher.op, inner).ok()?;
        return Some((format!("`{matcher}` needs no ^ and $"), fixed.to_string(), Severity::Info));
    }
    let plain = !matcher.value.is_empty() && matcher.value.chars().all(|c| c.is_alphanumeric() || "_-/ :".contains(c));
    let fixed = if plain { Matcher::new(&matcher.name, op, &matcher.value).ok() } else { None };
    fixed.map(|fixed| (format!("`{matcher}` is no pattern"), fixed.to_string(), Severity::Info))
}

#[cfg(test)]
mod tests {
    use crate::tests::{bad, good};

    #[test]
    fn patterns() {
        bad(super::CODE, "x{a=~\"b\"} > 1", "a=\"b\"");
        bad(super::CODE, "x{a!~\"b\"} > 1", "a!=\"b\"");
        bad(super::CODE, "x{a=~\"^b.*$\"} > 1", "a=~\"b.*\"");
        bad(super::CODE, "x{status=\"5..*\"} > 1", "status=~\"5..*\"");
        good(super::CODE, "x{a=~\"b|c\", d=~\"5..\", e=\"1.0\"} > 1");
    }
}
