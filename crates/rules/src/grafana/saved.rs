//! An instance over a restart.

use std::collections::BTreeMap;

use bellbuoy_vocabulary::{Labels, Millis, Timestamp, format_float, parse_float};
use serde::{Deserialize, Serialize};

use super::GrafanaRule;
use super::state::{Condition, Instance};
use crate::alerting::State;
use crate::saved::{AlertState, SETTLE_MAX};

/// What a Grafana instance has beyond the alert of a Prometheus rule.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct InstanceState {
    /// Grafana's word.
    pub condition: String,
    #[serde(default)]
    pub reason: String,
    /// The key among the rule's instances, when it is not the labels.
    #[serde(default)]
    pub key: BTreeMap<String, String>,
    #[serde(default)]
    pub result_labels: BTreeMap<String, String>,
    /// By refId; texts, because a value may be NaN.
    #[serde(default)]
    pub values: BTreeMap<String, String>,
    #[serde(default)]
    pub text: String,
    /// Milliseconds.
    pub since: i64,
    pub ends_at: i64,
    /// The labels under which the router knows it, and since when.
    #[serde(default)]
    pub told: Option<(BTreeMap<String, String>, i64)>,
}

fn map_of(labels: &Labels) -> BTreeMap<String, String> {
    labels.iter().map(|(name, value)| (name.to_string(), value.to_string())).collect()
}

impl GrafanaRule {
    /// Everything that is not normal, and what has ended but is still repeated. `blank`: with the group's and the rule's name.
    pub fn state(&self, blank: &dyn Fn() -> AlertState) -> Vec<AlertState> {
        let mut out = Vec::new();
        for (key, instance) in &self.instances.all {
            if instance.condition == Condition::Normal && instance.told.is_none() {
                continue;
            }
            let state = match instance.condition {
                Condition::Normal => State::Resolved,
                other => other.state(),
            };
            out.push(AlertState {
                labels: instance.labels.clone(),
                annotations: instance.annotations.clone(),
                value: instance.value(&self.settings.condition),
                state,
                active_at: instance.since,
                fired_at: instance.fired_at,
                resolved_at: instance.resolved_at,
                last_sent_at: instance.last_sent_at,
                keep_firing_since: None,
                seen_at: instance.evaluated_at,
                grafana: Some(InstanceState {
                    condition: instance.condition.word().to_string(),
                    reason: instance.reason.clone(),
                    key: map_of(key),
                    result_labels: map_of(&instance.result_labels),
                    values: instance.values.iter().map(|(name, value)| (name.clone(), format_float(*value))).collect(),
                    text: instance.text.clone(),
                    since: instance.since.0,
                    ends_at: instance.ends_at.0,
                    told: instance.told.as_ref().map(|(labels, since)| (map_of(labels), since.0)),
                }),
                ..blank()
            });
        }
        out
    }

    /// An outage does not count towards `for`, and does not make series missing; until it is behind the look-back of queries,
    /// "no data" says nothing.
    pub fn put_back(&mut self, saved: AlertState, interval: Millis, now: Timestamp) {
        let Some(state) = saved.grafana else { return };
        let Some(condition) = Condition::parse(&state.condition) else { return };
        let outage = Millis((now - saved.seen_at).0.max(0));
        let mut since = Timestamp(state.since);
        if outage > interval * 2 {
            if condition == Condition::Pending {
                since += outage;
            }
            self.instances.settled = self.instances.settled.max(Some(now.saturating_add(outage.min(SETTLE_MAX))));
        }
        let values = state.values.iter().filter_map(|(name, value)| Some((name.clone(), parse_float(value)?)));
        let instance = Instance {
            condition,
            reason: state.reason,
            labels: saved.labels,
            result_labels: Labels::from_pairs(state.result_labels),
            annotations: saved.annotations,
            values: values.collect(),
            text: state.text,
            error: None,
            since,
            ends_at: Timestamp(state.ends_at),
            fired_at: saved.fired_at,
            resolved_at: saved.resolved_at,
            last_sent_at: saved.last_sent_at,
            evaluated_at: if outage > interval * 2 { now } else { saved.seen_at },
            told: state.told.map(|(labels, since)| (Labels::from_pairs(labels), Timestamp(since))),
        };
        self.instances.all.insert(Labels::from_pairs(state.key), instance);
    }
}
