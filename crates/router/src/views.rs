//! What API v2 and the pages show of the router.

use bellbuoy_vocabulary::{Alert, Labels, Timestamp};

use crate::router::Router;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum AlertState {
    Active,
    Suppressed,
    Unprocessed,
}

impl AlertState {
    /// The word of API v2.
    pub fn word(self) -> &'static str {
        match self {
            AlertState::Active => "active",
            AlertState::Suppressed => "suppressed",
            AlertState::Unprocessed => "unprocessed",
        }
    }
}

#[derive(Clone, Debug, PartialEq)]
pub struct AlertView {
    pub alert: Alert,
    pub receivers: Vec<String>,
    pub state: AlertState,
    /// Fingerprints, 16 hexadecimal digits.
    pub inhibited_by: Vec<String>,
    /// Identities of silences.
    pub silenced_by: Vec<String>,
}

#[derive(Clone, Debug, PartialEq)]
pub struct GroupView {
    pub labels: Labels,
    pub receiver: String,
    pub alerts: Vec<AlertView>,
}

impl Router {
    /// The alerts that are not resolved, by labels.
    pub fn alerts(&self, now: Timestamp) -> Vec<AlertView> {
        let firing = self.alerts.values().map(|stored| &stored.alert).filter(|alert| !alert.resolved_at(now));
        let mut views: Vec<AlertView> = firing.map(|alert| self.view(alert, now)).collect();
        views.sort_by(|a, b| a.alert.labels.cmp(&b.alert.labels));
        views
    }

    fn view(&self, alert: &Alert, now: Timestamp) -> AlertView {
        let inhibited_by: Vec<String> = self.inhibited_by(&alert.labels, now).map(|source| format!("{source:016x}")).into_iter().collect();
        let silenced = self.silences.iter().filter(|silence| silence.mutes(&alert.labels, now));
        let silenced_by: Vec<String> = silenced.map(|silence| silence.id.clone()).collect();
        let quiet = !inhibited_by.is_empty() || !silenced_by.is_empty();
        AlertView {
            alert: alert.clone(),
            receivers: self.routes_of(&alert.labels),
            state: if quiet { AlertState::Suppressed } else { AlertState::Active },
            inhibited_by,
            silenced_by,
        }
    }

    /// The groups with alerts that are not resolved, by receiver and labels.
    pub fn groups(&self, now: Timestamp) -> Vec<GroupView> {
        let mut views = Vec::new();
        for group in self.groups.iter() {
            let mut alerts = Vec::new();
            for fingerprint in &group.alerts {
                match self.alerts.get(fingerprint) {
                    Some(stored) if !stored.alert.resolved_at(now) => alerts.push(self.view(&stored.alert, now)),
                    _ => {}
                }
            }
            if !alerts.is_empty() {
                alerts.sort_by(|a, b| a.alert.labels.cmp(&b.alert.labels));
                let receiver = self.tree.nodes[group.route].route.receiver.clone();
                views.push(GroupView { labels: group.labels.clone(), receiver, alerts });
            }
        }
        views.sort_by(|a, b| (&a.labels, &a.receiver).cmp(&(&b.labels, &b.receiver)));
        views
    }

    /// The receivers that hear of an alert with these labels, in the order of their routes, each once.
    pub fn routes_of(&self, labels: &Labels) -> Vec<String> {
        let mut receivers: Vec<String> = Vec::new();
        for route in self.tree.matching(labels) {
            let receiver = &self.tree.nodes[route].route.receiver;
            if !receivers.contains(receiver) {
                receivers.push(receiver.clone());
            }
        }
        receivers
    }
}
