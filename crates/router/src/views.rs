//! What API v2 and the pages show of the router.

use std::cmp::Ordering;

use bellbuoy_vocabulary::{Alert, Labels, Millis, Timestamp};

use crate::router::Router;
use crate::times;

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
    /// In the order of their routes; a receiver of two routes is there twice, as in Alertmanager.
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
    /// The time intervals that keep the group quiet now.
    pub muted_by: Vec<String>,
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
        let silenced_by = self.silences.ids(&alert.labels, now);
        let quiet = !inhibited_by.is_empty() || !silenced_by.is_empty();
        AlertView {
            alert: alert.clone(),
            receivers: self.tree.matching(&alert.labels).iter().map(|route| self.tree.nodes[*route].route.receiver.clone()).collect(),
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
                let route = &self.tree.nodes[group.route].route;
                let muted_by = self.muted_by(&route.mute_time_intervals, &route.active_time_intervals, now);
                views.push(GroupView { labels: group.labels.clone(), receiver: route.receiver.clone(), alerts, muted_by });
            }
        }
        views.sort_by(|a, b| (&a.labels, &a.receiver).cmp(&(&b.labels, &b.receiver)));
        views
    }

    /// The mute intervals that hold, or all active intervals when none of them does.
    fn muted_by(&self, mute: &[String], active: &[String], now: Timestamp) -> Vec<String> {
        let named = |name: &String| self.settings.time_intervals.iter().find(|interval| interval.name == *name);
        let holds = |name: &&String| named(name).is_some_and(|interval| times::contains(interval, now));
        if !active.is_empty() && !active.iter().any(|name| holds(&name)) {
            return active.to_vec();
        }
        mute.iter().filter(holds).cloned().collect()
    }

    /// The routes that take an alert with these labels, whether or not there is one.
    pub fn routing(&self, labels: &Labels, now: Timestamp) -> Vec<RouteView> {
        let mut views = Vec::new();
        for number in self.tree.matching(labels) {
            let node = &self.tree.nodes[number];
            let group_labels = node.group_labels(labels);
            let receiver = self.settings.receivers.iter().find(|known| known.name == node.route.receiver);
            let integrations = receiver.map(|known| known.integrations.iter().map(|one| format!("{}/{}", one.kind, one.index)).collect());
            views.push(RouteView {
                route: node.key.clone(),
                receiver: node.route.receiver.clone(),
                group_key: node.group_key(&group_labels),
                group_labels,
                group_wait: node.route.group_wait,
                group_interval: node.route.group_interval,
                repeat_interval: node.route.repeat_interval,
                integrations: integrations.unwrap_or_default(),
                muted_by: self.muted_by(&node.route.mute_time_intervals, &node.route.active_time_intervals, now),
            });
        }
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

/// A route that takes an alert, with the group that it puts it into.
#[derive(Clone, Debug, PartialEq)]
pub struct RouteView {
    /// The matchers on the way from the root, `{}/{severity="critical"}`.
    pub route: String,
    pub receiver: String,
    pub group_labels: Labels,
    pub group_key: String,
    pub group_wait: Millis,
    pub group_interval: Millis,
    pub repeat_interval: Millis,
    /// Kinds and indexes of the receiver's integrations: `discord/0`.
    pub integrations: Vec<String>,
    /// The time intervals that keep the route quiet now.
    pub muted_by: Vec<String>,
}

/// The order of alerts in messages and groups: by job, by instance, then as label sets; those without the label come last.
pub fn alert_order(a: &Labels, b: &Labels) -> Ordering {
    let by = |name| match (a.get(name), b.get(name)) {
        ("", "") => Ordering::Equal,
        ("", _) => Ordering::Greater,
        (_, "") => Ordering::Less,
        (a, b) => a.cmp(b),
    };
    by("job").then_with(|| by("instance")).then_with(|| labels_order(a, b))
}

/// Alertmanager's order of label sets: the smaller set first, then name by name; who lacks a name that the other has comes first.
pub fn labels_order(a: &Labels, b: &Labels) -> Ordering {
    let by_size = a.len().cmp(&b.len());
    if by_size != Ordering::Equal {
        return by_size;
    }
    for ((a_name, a_value), (b_name, b_value)) in a.iter_bytes().zip(b.iter_bytes()) {
        // The first name that only one of them has is missing in the other one.
        let order = b_name.cmp(a_name).then_with(|| a_value.cmp(b_value));
        if order != Ordering::Equal {
            return order;
        }
    }
    Ordering::Equal
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What comes first of two; as `LabelSet.Before` and `AlertSlice` of Alertmanager say.
    #[test]
    fn alerts_are_sorted_as_alertmanager_sorts_them() {
        let labels = |text: &str| Labels::from_pairs(text.split_whitespace().map(|pair| pair.split_once('=').expect("a pair")));
        let check = |first: &str, second: &str| {
            assert_eq!(alert_order(&labels(first), &labels(second)), Ordering::Less, "{first} before {second}");
            assert_eq!(alert_order(&labels(second), &labels(first)), Ordering::Greater, "{second} after {first}");
            assert_eq!(alert_order(&labels(first), &labels(first)), Ordering::Equal);
        };
        check("job=a z=1", "job=b a=1");
        check("job=a", "a=1");
        check("job=a instance=1 x=2", "job=a instance=2");
        check("a=2", "a=1 b=1");
        check("a=1 b=2", "a=1 b=3");
        check("b=1", "a=1");
        check("a=1 c=1", "a=1 b=1");
    }
}
