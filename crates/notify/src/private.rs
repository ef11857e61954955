//! Labels and annotations that Grafana keeps for itself do not reach people: `__alert_rule_uid__`, `__values__`.
//!
//! Only of alerts of Grafana's rules: whoever posts `__x__` labels to Alertmanager's API sees them again, as with Alertmanager. Grafana's own
//! contact points get everything; their templates hide the names and read the values (`grafana_notify` in `template`).

use bellbuoy_template::TemplateSet;
use bellbuoy_template::grafana_notify::RULE_UID_LABEL;
use bellbuoy_vocabulary::{Alert, Labels};

use crate::{IntegrationKind, Notice};

impl Notice {
    /// As the integration may see it; `None` when it may see all.
    pub(crate) fn public(&self, kind: &IntegrationKind, templates: &TemplateSet) -> Option<Notice> {
        let all = templates.is_grafana() || matches!(kind, IntegrationKind::GrafanaWebhook(_));
        if all || !self.alerts.iter().any(|alert| alert.labels.has(RULE_UID_LABEL)) {
            return None;
        }
        let mut notice = Notice { group_labels: public(&self.group_labels), ..self.clone() };
        for alert in notice.alerts.iter_mut().filter(|alert| alert.labels.has(RULE_UID_LABEL)) {
            alert.labels = public(&alert.labels);
            alert.annotations = public(&alert.annotations);
        }
        Some(notice)
    }
}

/// Labels or annotations without those that Grafana keeps for itself, when the alert is one of its rules.
pub fn public_of(alert: &Alert, labels: &Labels) -> Labels {
    if alert.labels.has(RULE_UID_LABEL) { public(labels) } else { labels.clone() }
}

fn public(labels: &Labels) -> Labels {
    labels.builder().keep(|name| !(name.starts_with("__") && name.ends_with("__"))).labels()
}
