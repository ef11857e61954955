//! What `/api/v1/rules` and `/api/v1/alerts` show of a group.

use bellbuoy_vocabulary::{Labels, Millis, Span, Timestamp};

use crate::alerting::State;
use crate::group::{Group, Rule};
use crate::{Health, RuleSettings};

#[derive(Clone, Debug)]
pub struct GroupView {
    pub name: String,
    pub file: String,
    pub interval: Millis,
    pub limit: u64,
    pub rules: Vec<RuleView>,
    pub evaluation_seconds: f64,
    /// `None` before the first evaluation.
    pub last_evaluation: Option<Timestamp>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RuleKind {
    Alerting,
    Recording,
}

impl RuleKind {
    /// The value of `type` in the API.
    pub fn word(self) -> &'static str {
        match self {
            RuleKind::Alerting => "alerting",
            RuleKind::Recording => "recording",
        }
    }
}

#[derive(Clone, Debug)]
pub struct RuleView {
    pub kind: RuleKind,
    pub name: String,
    pub query: String,
    /// `for` (`duration` in the API); zero for recording rules.
    pub hold: Millis,
    pub keep_firing_for: Millis,
    /// As written: an alerting rule's may be templates. Sorted by name.
    pub labels: Vec<(String, String)>,
    pub annotations: Vec<(String, String)>,
    /// `inactive`, `pending` or `firing`: that of its worst alert. A recording rule is always inactive.
    pub state: State,
    /// Pending and firing alerts, sorted by labels.
    pub alerts: Vec<AlertView>,
    pub health: Health,
    pub last_error: Option<String>,
    pub evaluation_seconds: f64,
    pub last_evaluation: Option<Timestamp>,
    /// Where the rule stands in its file.
    pub span: Span,
}

#[derive(Clone, Debug, PartialEq)]
pub struct AlertView {
    pub labels: Labels,
    pub annotations: Labels,
    pub state: State,
    pub active_at: Timestamp,
    pub keep_firing_since: Option<Timestamp>,
    pub value: f64,
}

impl Group {
    pub fn view(&self) -> GroupView {
        GroupView {
            name: self.name().to_string(),
            file: self.file().to_string(),
            interval: self.interval(),
            limit: self.settings.limit,
            rules: self.rules_view(),
            evaluation_seconds: self.evaluation_seconds,
            last_evaluation: self.last_evaluation,
        }
    }

    pub fn rules_view(&self) -> Vec<RuleView> {
        self.rules.iter().map(rule_view).collect()
    }
}

fn rule_view(rule: &Rule) -> RuleView {
    let (kind, hold, keep_firing_for, mut labels, mut annotations, span) = match &rule.settings {
        RuleSettings::Recording(settings) => {
            let labels = settings.labels.iter().map(|(name, value)| (name.to_string(), value.to_string())).collect();
            (RuleKind::Recording, Millis::ZERO, Millis::ZERO, labels, Vec::new(), settings.span)
        }
        RuleSettings::Alerting(settings) => {
            let (labels, annotations) = (settings.labels.clone(), settings.annotations.clone());
            (RuleKind::Alerting, settings.hold, settings.keep_firing_for, labels, annotations, settings.span)
        }
        RuleSettings::Grafana(settings) => {
            let (labels, annotations) = (settings.labels.clone(), settings.annotations.clone());
            let kind = if settings.record.is_some() { RuleKind::Recording } else { RuleKind::Alerting };
            (kind, settings.hold, settings.keep_firing_for, labels, annotations, settings.span)
        }
    };
    labels.sort();
    annotations.sort();
    let active = rule.alerts.active.iter().filter(|(_, alert)| alert.state >= State::Pending);
    let alerts = active.map(|(labels, alert)| AlertView {
        labels: labels.clone(),
        annotations: alert.annotations.clone(),
        state: alert.state,
        active_at: alert.active_at,
        keep_firing_since: alert.keep_firing_since,
        value: alert.value,
    });
    let (state, alerts) = match &rule.grafana {
        Some(grafana) => (grafana.instances.state(), grafana.views()),
        None => (rule.alerts.state(), alerts.collect()),
    };
    RuleView {
        kind,
        name: rule.name().to_string(),
        query: rule.query.clone(),
        hold,
        keep_firing_for,
        labels,
        annotations,
        state,
        alerts,
        health: rule.health,
        last_error: rule.last_error.clone(),
        evaluation_seconds: rule.evaluation_seconds,
        last_evaluation: rule.last_evaluation,
        span,
    }
}
