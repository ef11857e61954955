//! `threshold-order`: of two alerts on the same value the more severe one fires earlier.

use std::collections::HashMap;

use bellbuoy_promql::{BinaryOp, Expr, ExprKind, ValueType};
use bellbuoy_rules::{AlertingSettings, RuleSettings};
use bellbuoy_vocabulary::{Severity, format_float};

use super::of_rule;
use crate::Input;
use crate::bounds::{bounds_of, mirrored};
use crate::finding::Finding;
use crate::graph::RuleGraph;

pub const CODE: &str = "threshold-order";

/// Usual values of `severity`, the mildest first.
const ORDER: &[&[&str]] = &[
    &["info", "notice", "none"],
    &["warning", "warn", "ticket"],
    &["error", "high", "major"],
    &["critical", "page", "emergency", "disaster"],
];

struct Level<'a> {
    rule: &'a AlertingSettings,
    file: &'a str,
    rank: usize,
    severity: &'a str,
    subject: String,
    above: bool,
    limit: f64,
}

pub fn run(input: &Input, _: &RuleGraph, findings: &mut Vec<Finding>) {
    let mut levels: Vec<Level> = Vec::new();
    for group in input.groups {
        for rule in &group.rules {
            if let RuleSettings::Alerting(rule) = rule {
                levels.extend(level(rule, &group.file));
            }
        }
    }
    let mut seen: HashMap<(&str, bool), Vec<&Level>> = HashMap::new();
    for one in &levels {
        let before = seen.entry((&one.subject, one.above)).or_default();
        let crossed = |other: &&&Level| {
            let milder = if one.rank > other.rank { (**other, one) } else { (one, **other) };
            let (mild, severe) = (milder.0.limit, milder.1.limit);
            one.rank != other.rank && if one.above { severe < mild } else { severe > mild }
        };
        let other = before.iter().find(crossed).copied();
        before.push(one);
        let Some(other) = other else { continue };
        let (severe, mild) = if one.rank > other.rank { (one, other) } else { (other, one) };
        let op = if one.above { ">" } else { "<" };
        let message = format!(
            "alert {}: {} at {op} {}, and {} ({}) only at {op} {}",
            severe.rule.alert,
            severe.severity,
            format_float(severe.limit),
            mild.severity,
            mild.rule.alert,
            format_float(mild.limit)
        );
        let why = "The more severe alert fires first, so the milder one never gives a warning in time.".to_string();
        let finding = of_rule(CODE, Severity::Warning, severe.file, severe.rule.span, ["expr".into()], message, why);
        findings.push(finding.fix(Some("exchange the two thresholds".to_string())));
    }
}

/// `subject > number` with a usual severity.
fn level<'a>(rule: &'a AlertingSettings, file: &'a str) -> Option<Level<'a>> {
    let severity = rule.labels.iter().find(|(name, _)| name == "severity")?.1.as_str();
    let rank = ORDER.iter().position(|words| words.contains(&severity.to_ascii_lowercase().as_str()))?;
    let ExprKind::Binary(binary) = &rule.expr.unparenthesized().kind else { return None };
    let [term] = binary.rest.as_slice() else { return None };
    let number = |expr: &Expr| {
        let bounds = bounds_of(expr);
        (expr.value_type() == ValueType::Scalar && bounds.lo == bounds.hi).then_some(bounds.lo)
    };
    let (subject, op, limit) = match (number(&binary.first), number(&term.expr)) {
        (None, Some(limit)) => (&*binary.first, term.op, limit),
        (Some(limit), None) => (&term.expr, mirrored(term.op), limit),
        _ => return None,
    };
    let above = match op {
        BinaryOp::Greater | BinaryOp::GreaterOrEqual => true,
        BinaryOp::Less | BinaryOp::LessOrEqual => false,
        _ => return None,
    };
    Some(Level { rule, file, rank, severity, subject: subject.unparenthesized().to_string(), above, limit })
}

#[cfg(test)]
mod tests {
    use crate::tests::{alert, findings_of};

    fn found(rules: &[(&str, &str)]) -> Vec<&'static str> {
        let rule = |(severity, expr): &(&str, &str)| {
            let mut rule = alert(expr);
            rule.labels = vec![("severity".into(), severity.to_string())];
            rule
        };
        findings_of(rules.iter().map(rule).collect()).iter().map(|finding| finding.code).collect()
    }

    #[test]
    fn the_severe_one_first() {
        assert_eq!(found(&[("warning", "x > 0.9"), ("critical", "x > 0.5")]), [super::CODE]);
        assert_eq!(found(&[("critical", "r2 < 0.7"), ("warning", "0.6 > r2")]), [super::CODE]);
    }

    #[test]
    fn in_order() {
        assert_eq!(found(&[("warning", "x > 0.5"), ("critical", "x > 0.9")]), [""; 0]);
        assert_eq!(found(&[("warning", "r2 < 0.7"), ("critical", "r2 < 0.65")]), [""; 0]);
        assert_eq!(found(&[("warning", "x > 0.9"), ("critical", "y > 0.5")]), [""; 0]);
        assert_eq!(found(&[("warning", "x > 0.9"), ("critical", "x < 0.5")]), [""; 0]);
        assert_eq!(found(&[("a", "x > 0.9"), ("b", "x > 0.5")]), [""; 0]);
    }
}
