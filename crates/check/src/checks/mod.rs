//! All checks, and what they share.

mod comparison_constant;
mod for_too_short;
mod histogram_name;
mod label_gone;
mod matching_never;
mod range_too_short;
mod receiver_unused;
mod route_no_alert;
mod route_shadowed;
mod routes;

use bellbuoy_promql::Expr;
use bellbuoy_rules::grafana::{Node, NodeKind, Query};
use bellbuoy_rules::{GroupSettings, RuleSettings};
use bellbuoy_vocabulary::{Severity, Span};

use crate::Input;
use crate::finding::{Anchor, Finding, Step};
use crate::graph::RuleGraph;

/// One check: its code and what it does.
pub struct Check {
    pub code: &'static str,
    pub run: fn(&Input, &RuleGraph, &mut Vec<Finding>),
}

/// Every check, in the order of their findings at one place.
pub static CHECKS: &[Check] = &[
    Check { code: matching_never::CODE, run: matching_never::run },
    Check { code: comparison_constant::CODE, run: comparison_constant::run },
    Check { code: histogram_name::CODE, run: histogram_name::run },
    Check { code: label_gone::CODE, run: label_gone::run },
    Check { code: for_too_short::CODE, run: for_too_short::run },
    Check { code: range_too_short::CODE, run: range_too_short::run },
    Check { code: route_shadowed::CODE, run: route_shadowed::run },
    Check { code: route_no_alert::CODE, run: route_no_alert::run },
    Check { code: receiver_unused::CODE, run: receiver_unused::run },
];

/// A rule of any kind, as checks of expressions see it.
struct RuleView<'a> {
    file: &'a str,
    /// `alert`, `record` or `query` (of a Grafana rule).
    kind: &'static str,
    name: &'a str,
    expr: &'a Expr,
    /// Where the rule stands, and the way from there to the expression.
    span: Span,
    path: Vec<Step>,
}

impl RuleView<'_> {
    fn finding(&self, code: &'static str, severity: Severity, message: String, why: String) -> Finding {
        let message = format!("{} {}: {message}", self.kind, self.name);
        let at = Anchor::of(self.span, self.path.iter().cloned());
        Finding { span: self.span, at, ..Finding::of_file(code, severity, self.file, message, why) }
    }
}

/// Of a field of a rule.
fn of_rule(
    code: &'static str,
    severity: Severity,
    file: &str,
    rule: Span,
    path: impl IntoIterator<Item = Step>,
    message: String,
    why: String,
) -> Finding {
    Finding { span: rule, at: Anchor::of(rule, path), ..Finding::of_file(code, severity, file, message, why) }
}

fn rules<'a>(input: &Input<'a>) -> impl Iterator<Item = RuleView<'a>> {
    input.groups.iter().flat_map(|group| group.rules.iter().flat_map(move |rule| views(group, rule)))
}

/// A Grafana rule has several expressions.
fn views<'a>(group: &'a GroupSettings, rule: &'a RuleSettings) -> Vec<RuleView<'a>> {
    let file = group.file.as_str();
    let path = || vec![Step::from("expr")];
    match rule {
        RuleSettings::Recording(rule) => {
            vec![RuleView { file, kind: "record", name: &rule.record, expr: &rule.expr, span: rule.span, path: path() }]
        }
        RuleSettings::Alerting(rule) => {
            vec![RuleView { file, kind: "alert", name: &rule.alert, expr: &rule.expr, span: rule.span, path: path() }]
        }
        RuleSettings::Grafana(rule) => {
            let view = |(ref_id, query): (&str, &'a Query)| RuleView {
                file: &rule.file,
                kind: "query",
                name: &rule.title,
                expr: &query.expr,
                span: rule.span,
                path: vec!["data".into(), Step::Item("refId", ref_id.to_string()), "model".into(), "expr".into()],
            };
            let query = |node: &'a Node| if let NodeKind::Query(query) = &node.kind { Some((node.ref_id.as_str(), query)) } else { None };
            rule.nodes.iter().filter_map(query).map(view).collect()
        }
    }
}

/// `a`, `a and b`, `a, b and c`
fn listed<S: AsRef<str>>(words: &[S]) -> String {
    match words {
        [] => String::new(),
        [one] => one.as_ref().to_string(),
        [first @ .., last] => {
            let first: Vec<&str> = first.iter().map(AsRef::as_ref).collect();
            format!("{} and {}", first.join(", "), last.as_ref())
        }
    }
}
