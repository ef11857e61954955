//! The rule that shall fire, of either kind: what the search asks of it, and what has to run beside it.
//!
//! In:    an alerting rule of Prometheus or Grafana, all groups. Out: its leaves, whether its condition holds with given series at a time.

use std::collections::BTreeSet;

use bellbuoy_promql::{Engine, Expr, Value};
use bellbuoy_rules::grafana::{GrafanaSettings, NoDataPolicy, NodeKind, Verdict, look};
use bellbuoy_rules::{Evaluation, GroupSettings, RESEND_DELAY, RuleSettings};
use bellbuoy_vocabulary::{Labels, Millis, SeriesSource, Span, Timestamp};

use super::inline::inlined;
use super::leaves::Leaves;

pub struct Subject<'a> {
    pub rule: &'a RuleSettings,
    /// The alert's name.
    pub name: &'a str,
    pub file: &'a str,
    pub span: Span,
    pub hold: Millis,
    /// Labels of its alerts that only routes look at.
    pub fixed: Labels,
    pub leaves: Leaves,
    /// Recording rules that were written into its expressions.
    pub through: Vec<String>,
    pub condition: Condition,
}

/// Without recorded names.
pub enum Condition {
    Expression(Expr),
    Grafana(Box<GrafanaSettings>),
}

impl<'a> Subject<'a> {
    /// `None`: it makes no alerts.
    pub fn of(rule: &'a RuleSettings, group: &'a GroupSettings, groups: &[GroupSettings]) -> Option<Subject<'a>> {
        match rule {
            RuleSettings::Recording(_) => None,
            RuleSettings::Alerting(alerting) => {
                let (expr, through) = inlined(&alerting.expr, groups);
                Some(Subject {
                    rule,
                    name: &alerting.alert,
                    file: &group.file,
                    span: alerting.span,
                    hold: alerting.hold,
                    fixed: Labels::empty(),
                    leaves: Leaves::of(&expr),
                    through,
                    condition: Condition::Expression(expr),
                })
            }
            RuleSettings::Grafana(settings) if settings.record.is_some() => None,
            RuleSettings::Grafana(settings) => {
                let (mut plain, mut through) = (settings.clone(), Vec::new());
                for node in &mut plain.nodes {
                    let NodeKind::Query(query) = &mut node.kind else { continue };
                    let (expr, names) = inlined(&query.expr, groups);
                    query.expr = expr;
                    through.extend(names);
                }
                through.sort();
                through.dedup();
                Some(Subject {
                    rule,
                    name: &settings.title,
                    file: &settings.file,
                    span: settings.span,
                    hold: settings.hold,
                    fixed: settings.fixed_labels(),
                    leaves: super::grafana::leaves(&plain),
                    through,
                    condition: Condition::Grafana(plain),
                })
            }
        }
    }

    /// Whether the condition holds. `silent`: that there is no data may be the reason.
    pub fn holds(&self, engine: &Engine, source: &dyn SeriesSource, at: Timestamp, silent: bool) -> bool {
        match &self.condition {
            Condition::Expression(expr) => match engine.instant(expr, source, at).map(|answer| answer.value) {
                Ok(Value::Vector(elements)) => elements.iter().any(|element| element.value.float().is_some()),
                Ok(Value::Scalar(_)) => true,
                _ => false,
            },
            Condition::Grafana(rule) => {
                let external_labels = &Labels::empty();
                let with = Evaluation { engine, source, external_labels, external_url: "", resend_delay: RESEND_DELAY };
                let found = look(rule, &with, at, &BTreeSet::new());
                found.alerting() > 0 || silent && found.outcomes.iter().any(|(_, verdict)| *verdict == Verdict::NoData)
            }
        }
    }

    /// Whether it fires for want of data.
    pub fn fires_without_data(&self) -> bool {
        matches!(&self.condition, Condition::Grafana(rule) if rule.no_data == NoDataPolicy::Alerting)
    }

    /// The rule alone in its group, and the groups with the recording rules that it reads; all in the rhythm of the rule's group.
    pub fn needed(&self, group: &GroupSettings, groups: &[GroupSettings]) -> Vec<GroupSettings> {
        let mut out = Vec::new();
        for other in groups {
            let own = other.name == group.name && other.file == group.file;
            let keeps = |one: &&RuleSettings| match (one, self.rule) {
                (RuleSettings::Recording(one), _) => self.through.contains(&one.record),
                (RuleSettings::Alerting(one), RuleSettings::Alerting(rule)) => own && one.alert == rule.alert && one.span == rule.span,
                (RuleSettings::Grafana(one), RuleSettings::Grafana(rule)) => own && one.uid == rule.uid,
                _ => false,
            };
            let rules: Vec<RuleSettings> = other.rules.iter().filter(keeps).cloned().collect();
            if !rules.is_empty() {
                out.push(GroupSettings { rules, interval: group.interval, ..other.clone() });
            }
        }
        out
    }
}
