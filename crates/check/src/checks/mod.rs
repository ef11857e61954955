//! All checks, and what they share.

mod absent_regex;
mod alert_always;
mod alert_at_start;
pub(crate) mod alerts;
mod beyond_retention;
mod bucket_with_count;
pub(crate) mod comparison_constant;
mod delta_of_counter;
mod duplicate_rule;
mod external_label;
mod for_too_short;
mod fragile_series;
mod group_by_absent;
mod group_too_slow;
mod histogram_base;
pub(crate) mod histogram_name;
mod inhibit_mutual;
mod inhibit_never;
mod inhibit_wide;
mod interval_never;
mod interval_too_long;
pub(crate) mod kinds;
mod label_gone;
pub(crate) mod label_unknown;
pub(crate) mod matcher_never;
mod matching_label;
pub(crate) mod matching_never;
mod message_field;
pub(crate) mod metric_unknown;
mod nan_spreads;
mod panel_datasource;
mod panel_deprecated;
mod panel_empty;
mod panel_instance;
mod panel_query;
mod panel_unit;
mod panel_variable;
mod panels;
mod policy;
mod range_too_short;
mod rate_missing;
mod rate_of_gauge;
mod rate_of_sum;
mod receiver_empty;
mod receiver_unused;
mod record_late;
mod regex_plain;
mod repeat_too_short;
mod route_continue;
mod route_default;
mod route_no_alert;
mod route_shadowed;
pub(crate) mod routes;
mod silence_no_alert;
mod template_fails;
mod template_query;
mod threshold_order;
mod value_misread;
mod wait_too_long;

use bellbuoy_promql::Expr;
use bellbuoy_rules::grafana::{Node, NodeKind, Query};
use bellbuoy_rules::{GroupSettings, RuleSettings};
use bellbuoy_vocabulary::{Severity, Span};

use self::matching_never::labels_text;
use crate::Input;
use crate::dashboard::Dashboard;
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
    Check { code: matching_label::CODE, run: matching_label::run },
    Check { code: matcher_never::CODE, run: matcher_never::run },
    Check { code: bucket_with_count::CODE, run: bucket_with_count::run },
    Check { code: comparison_constant::CODE, run: comparison_constant::run },
    Check { code: alert_always::CODE, run: alert_always::run },
    Check { code: alert_at_start::CODE, run: alert_at_start::run },
    Check { code: threshold_order::CODE, run: threshold_order::run },
    Check { code: histogram_name::CODE, run: histogram_name::run },
    Check { code: histogram_base::CODE, run: histogram_base::run },
    Check { code: metric_unknown::CODE, run: metric_unknown::run },
    Check { code: label_unknown::CODE, run: label_unknown::run },
    Check { code: rate_of_gauge::CODE, run: rate_of_gauge::run },
    Check { code: delta_of_counter::CODE, run: delta_of_counter::run },
    Check { code: rate_missing::CODE, run: rate_missing::run },
    Check { code: rate_of_sum::CODE, run: rate_of_sum::run },
    Check { code: nan_spreads::CODE, run: nan_spreads::run },
    Check { code: absent_regex::CODE, run: absent_regex::run },
    Check { code: range_too_short::CODE, run: range_too_short::run },
    Check { code: beyond_retention::CODE, run: beyond_retention::run },
    Check { code: interval_too_long::CODE, run: interval_too_long::run },
    Check { code: record_late::CODE, run: record_late::run },
    Check { code: for_too_short::CODE, run: for_too_short::run },
    Check { code: group_too_slow::CODE, run: group_too_slow::run },
    Check { code: duplicate_rule::CODE, run: duplicate_rule::run },
    Check { code: regex_plain::CODE, run: regex_plain::run },
    Check { code: fragile_series::CODE, run: fragile_series::run },
    Check { code: label_gone::CODE, run: label_gone::run },
    Check { code: external_label::CODE, run: external_label::run },
    Check { code: template_fails::CODE, run: template_fails::run },
    Check { code: template_query::CODE, run: template_query::run },
    Check { code: value_misread::CODE, run: value_misread::run },
    Check { code: policy::CODE, run: policy::run },
    Check { code: route_shadowed::CODE, run: route_shadowed::run },
    Check { code: route_continue::CODE, run: route_continue::run },
    Check { code: route_no_alert::CODE, run: route_no_alert::run },
    Check { code: route_default::CODE, run: route_default::run },
    Check { code: receiver_unused::CODE, run: receiver_unused::run },
    Check { code: receiver_empty::CODE, run: receiver_empty::run },
    Check { code: group_by_absent::CODE, run: group_by_absent::run },
    Check { code: repeat_too_short::CODE, run: repeat_too_short::run },
    Check { code: wait_too_long::CODE, run: wait_too_long::run },
    Check { code: interval_never::CODE, run: interval_never::run },
    Check { code: inhibit_never::CODE, run: inhibit_never::run },
    Check { code: inhibit_wide::CODE, run: inhibit_wide::run },
    Check { code: inhibit_mutual::CODE, run: inhibit_mutual::run },
    Check { code: message_field::CODE, run: message_field::run },
    Check { code: silence_no_alert::CODE, run: silence_no_alert::run },
    Check { code: panel_query::CODE, run: panel_query::run },
    Check { code: panel_variable::CODE, run: panel_variable::run },
    Check { code: panel_empty::CODE, run: panel_empty::run },
    Check { code: panel_unit::CODE, run: panel_unit::run },
    Check { code: panel_datasource::CODE, run: panel_datasource::run },
    Check { code: panel_instance::CODE, run: panel_instance::run },
    Check { code: panel_deprecated::CODE, run: panel_deprecated::run },
];

/// A rule of any kind, as checks of expressions see it.
struct RuleView<'a> {
    file: &'a str,
    /// `alert`, `record`, `query` (of a Grafana rule) or `panel`.
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
    let of_rules = input.groups.iter().flat_map(|group| group.rules.iter().flat_map(move |rule| views(group, rule)));
    of_rules.chain(input.dashboards.iter().flat_map(panel_views))
}

/// The queries of a dashboard's panels that could be read.
fn panel_views(dashboard: &Dashboard) -> impl Iterator<Item = RuleView<'_>> {
    let queries = dashboard.panels.iter().flat_map(|panel| panel.queries.iter().map(move |query| (panel, query)));
    queries.filter_map(|(panel, query)| {
        let (expr, path) = (query.expr.as_ref()?, query.path.clone());
        Some(RuleView { file: &dashboard.file, kind: "panel", name: &panel.title, expr, span: Span::default(), path })
    })
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
