//! `value-misread`: `$value` is not what the text takes it for.

use bellbuoy_promql::{BinaryOp, Expr, ExprKind, ValueType};
use bellbuoy_rules::{AlertingSettings, RuleSettings};
use bellbuoy_vocabulary::{Severity, format_float};

use super::of_rule;
use crate::Input;
use crate::bounds::{Bounds, bounds_of, mirrored};
use crate::finding::Finding;
use crate::graph::RuleGraph;

pub const CODE: &str = "value-misread";

pub fn run(input: &Input, _: &RuleGraph, findings: &mut Vec<Finding>) {
    for group in input.groups {
        for rule in &group.rules {
            let RuleSettings::Alerting(rule) = rule else { continue };
            for (name, text) in &rule.annotations {
                let Some((severity, (message, why, fix))) = told(rule, text) else { continue };
                let message = format!("alert {}: annotation {name:?} {message}", rule.alert);
                let path = ["annotations".into(), name.as_str().into()];
                findings.push(of_rule(CODE, severity, &group.file, rule.span, path, message, why).fix(fix));
            }
        }
    }
}

/// What is wrong, why, and the text that is meant.
type Said = (String, String, Option<String>);

fn told(rule: &AlertingSettings, text: &str) -> Option<(Severity, Said)> {
    let asked = asked_for(text)?;
    // Useless, and not wrong.
    let told = always(rule).map(|said| (Severity::Info, said));
    told.or_else(|| misread(rule, text, &asked).map(|said| (Severity::Warning, said)))
}

/// The actions of the template that print the value.
fn asked_for(text: &str) -> Option<Vec<&str>> {
    let actions: Vec<&str> = text.split("{{").skip(1).map(|rest| rest.split("}}").next().unwrap_or(rest)).collect();
    let asked: Vec<&str> = actions.into_iter().filter(|action| action.contains("$value") || action.contains(".Value")).collect();
    (!asked.is_empty() && !text.contains("query")).then_some(asked)
}

fn always(rule: &AlertingSettings) -> Option<Said> {
    let bounds = bounds_of(&rule.expr);
    if bounds.lo != bounds.hi || rule.expr.selectors().is_empty() || bounds.by_name {
        return None;
    }
    let shown = format_float(bounds.lo);
    let why = format!("The value of `{}` is {shown} whenever the alert fires.", rule.expr);
    Some((format!("prints $value, which is always {shown}"), why, None))
}

fn misread(rule: &AlertingSettings, text: &str, asked: &[&str]) -> Option<Said> {
    let percentage = asked.iter().any(|action| action.contains("humanizePercentage"));
    if percentage && counts(&rule.expr) {
        let why = "humanizePercentage multiplies by 100: 3 of them are printed as 300%.".to_string();
        return Some(("prints a count as a percentage".to_string(), why, Some("{{ $value }}".to_string())));
    }
    if percentage && times_100(&rule.expr) {
        let why = "The expression multiplies by 100 already, and humanizePercentage does it again: 5% is printed as 500%.".to_string();
        return Some(("prints a percentage as a ratio".to_string(), why, Some("{{ $value | printf \"%.1f\" }}%".to_string())));
    }
    let plain = text.split("}}").zip(text.split("}}").skip(1)).any(|(action, after)| {
        let action = action.rsplit("{{").next().unwrap_or("");
        (action.trim() == "$value" || action.contains("printf") && action.contains("$value")) && after.starts_with('%')
    });
    if plain && is_ratio(&rule.expr) {
        let why = "The value is a ratio: 0.07 is printed as 0.07%, where 7% is meant.".to_string();
        return Some(("prints a ratio with a percent sign".to_string(), why, Some("{{ $value | humanizePercentage }}".to_string())));
    }
    None
}

/// What the comparison at the top keeps.
fn compared(expr: &Expr) -> &Expr {
    match &expr.unparenthesized().kind {
        ExprKind::Binary(binary) if binary.rest.len() == 1 && binary.rest[0].op.is_comparison() => match binary.first.value_type() {
            ValueType::Vector => compared(&binary.first),
            _ => compared(&binary.rest[0].expr),
        },
        _ => expr.unparenthesized(),
    }
}

fn counts(expr: &Expr) -> bool {
    let bounds = bounds_of(compared(expr));
    let is_count = matches!(&compared(expr).kind, ExprKind::Aggregate(aggregate) if aggregate.op == bellbuoy_promql::AggregateOp::Count);
    is_count && bounds.whole
}

fn times_100(expr: &Expr) -> bool {
    let ExprKind::Binary(binary) = &compared(expr).kind else { return false };
    let hundred = |expr: &Expr| bounds_of(expr) == Bounds::between(100.0, 100.0);
    let last = binary.rest.last().is_some_and(|term| term.op == BinaryOp::Mul && hundred(&term.expr));
    last || (hundred(&binary.first) && binary.rest.iter().all(|term| matches!(term.op, BinaryOp::Mul | BinaryOp::Div)))
}

/// One vector divided by another of the same kind and compared with a number up to 1.
fn is_ratio(expr: &Expr) -> bool {
    let ExprKind::Binary(binary) = &expr.unparenthesized().kind else { return false };
    let [term] = binary.rest.as_slice() else { return false };
    let limit = |expr: &Expr, op: BinaryOp| {
        let bounds = bounds_of(expr);
        expr.value_type() == ValueType::Scalar && bounds.lo == bounds.hi && bounds.lo > 0.0 && bounds.lo <= 1.0 && op.is_comparison()
    };
    if !(limit(&term.expr, term.op) || limit(&binary.first, mirrored(term.op))) {
        return false;
    }
    let ExprKind::Binary(inner) = &compared(expr).kind else { return false };
    let rate = |expr: &Expr| expr.to_string().contains("rate(") || expr.to_string().contains("increase(");
    matches!(inner.rest.as_slice(), [term] if term.op == BinaryOp::Div && rate(&inner.first) && rate(&term.expr))
}

#[cfg(test)]
mod tests {
    use crate::tests::{alert, findings_of};

    fn found(expr: &str, text: &str) -> Vec<String> {
        let mut rule = alert(expr);
        rule.annotations = vec![("summary".into(), text.into())];
        findings_of(vec![rule])
            .into_iter()
            .filter(|finding| finding.code == super::CODE)
            .map(|finding| finding.fix.unwrap_or_default())
            .collect()
    }

    const RATIO: &str = "sum(rate(e_total[5m])) / sum(rate(r_total[5m])) > 0.05";

    #[test]
    fn not_what_it_is_taken_for() {
        assert_eq!(found("absent(x)", "{{ $value }} left"), [""]);
        assert_eq!(found("count(x > 5) > 3", "{{ $value | humanizePercentage }}"), ["{{ $value }}"]);
        assert_eq!(found("100 * a / b > 5", "{{ $value | humanizePercentage }}"), ["{{ $value | printf \"%.1f\" }}%"]);
        assert_eq!(found("a / b * 100 > 5", "{{ $value | humanizePercentage }}"), ["{{ $value | printf \"%.1f\" }}%"]);
        assert_eq!(found(RATIO, "{{ $value }}% of all"), ["{{ $value | humanizePercentage }}"]);
        assert_eq!(found(RATIO, "{{ $value | printf \"%.2f\" }}% of all"), ["{{ $value | humanizePercentage }}"]);
    }

    #[test]
    fn what_it_is() {
        assert_eq!(found(RATIO, "{{ $value | humanizePercentage }}"), [""; 0]);
        assert_eq!(found("a / b * 100 > 5", "{{ $value }}%"), [""; 0]);
        assert_eq!(found("absent(x)", "x is gone"), [""; 0]);
        assert_eq!(found("up == 0", "{{ $value }}"), [""; 0]);
        assert_eq!(found("x > 5", "{{ $value }}%"), [""; 0]);
    }
}
