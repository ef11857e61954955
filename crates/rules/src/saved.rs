//! Alerts over a restart: exactly, from what was saved, or as Prometheus does it, from `ALERTS_FOR_STATE`.
//!
//! In:    what `Group::state` gave before the stop, or the series; `now`, and until when somebody was there to look. Out: alerts as they were.
//! Never: counts the time of an outage towards `for`; calls an alert resolved because nobody looked (decision 0006).

use std::collections::BTreeMap;

use bellbuoy_vocabulary::{
    ALERT_NAME, Labels, METRIC_NAME, Matcher, Millis, Points, SeriesSource, SourceError, Timestamp, format_float, is_stale, parse_float,
};
use serde::de::Error as _;
use serde::{Deserialize, Deserializer, Serialize, Serializer};

use crate::alerting::{ALERTS_FOR_STATE_METRIC, ActiveAlert, Memory, State, alerts_series, for_state_series};
use crate::grafana::InstanceState;
use crate::group::{Group, Rule};
use crate::{AlertingSettings, RuleSettings};

/// After a longer outage the `for` state is not restored (Prometheus' `--rules.alert.for-outage-tolerance`).
pub const OUTAGE_TOLERANCE: Millis = Millis::from_minutes(60);
/// A restored alert waits at least this long before it fires (`--rules.alert.for-grace-period`).
pub const FOR_GRACE_PERIOD: Millis = Millis::from_minutes(10);
/// PromQL looks back this far: a longer gap hides no more than this one does.
pub const SETTLE_MAX: Millis = Millis::from_minutes(5);

/// One alert as the boat keeps it. Plain data: all that a restart needs. As JSON: label sets are objects, times milliseconds,
/// the value a text because it may be NaN.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct AlertState {
    pub file: String,
    pub group: String,
    /// The rule by name, own labels and expression.
    pub rule: String,
    pub rule_labels: String,
    pub rule_query: String,
    /// The alert's labels and annotations, expanded.
    #[serde(with = "as_object")]
    pub labels: Labels,
    #[serde(with = "as_object")]
    pub annotations: Labels,
    #[serde(with = "as_text")]
    pub value: f64,
    #[serde(with = "as_word")]
    pub state: State,
    #[serde(with = "as_millis")]
    pub active_at: Timestamp,
    #[serde(with = "as_optional_millis", default)]
    pub fired_at: Option<Timestamp>,
    #[serde(with = "as_optional_millis", default)]
    pub resolved_at: Option<Timestamp>,
    #[serde(with = "as_optional_millis", default)]
    pub last_sent_at: Option<Timestamp>,
    #[serde(with = "as_optional_millis", default)]
    pub keep_firing_since: Option<Timestamp>,
    /// When the rule was evaluated last.
    #[serde(with = "as_millis")]
    pub seen_at: Timestamp,
    /// Of an instance of a Grafana rule.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub grafana: Option<InstanceState>,
}

mod as_object {
    use super::*;

    pub fn serialize<S: Serializer>(labels: &Labels, to: S) -> Result<S::Ok, S::Error> {
        to.collect_map(labels)
    }

    pub fn deserialize<'de, D: Deserializer<'de>>(from: D) -> Result<Labels, D::Error> {
        Ok(Labels::from_pairs(BTreeMap::<String, String>::deserialize(from)?))
    }
}

mod as_text {
    use super::*;

    pub fn serialize<S: Serializer>(value: &f64, to: S) -> Result<S::Ok, S::Error> {
        to.serialize_str(&format_float(*value))
    }

    pub fn deserialize<'de, D: Deserializer<'de>>(from: D) -> Result<f64, D::Error> {
        let text = String::deserialize(from)?;
        parse_float(&text).ok_or_else(|| D::Error::custom(format!("not a number: {text:?}")))
    }
}

mod as_word {
    use super::*;

    pub fn serialize<S: Serializer>(state: &State, to: S) -> Result<S::Ok, S::Error> {
        to.serialize_str(state.word())
    }

    pub fn deserialize<'de, D: Deserializer<'de>>(from: D) -> Result<State, D::Error> {
        let word = String::deserialize(from)?;
        State::parse(&word).ok_or_else(|| D::Error::custom(format!("not a state of an alert: {word:?}")))
    }
}

mod as_millis {
    use super::*;

    pub fn serialize<S: Serializer>(at: &Timestamp, to: S) -> Result<S::Ok, S::Error> {
        to.serialize_i64(at.0)
    }

    pub fn deserialize<'de, D: Deserializer<'de>>(from: D) -> Result<Timestamp, D::Error> {
        i64::deserialize(from).map(Timestamp)
    }
}

mod as_optional_millis {
    use super::*;

    pub fn serialize<S: Serializer>(at: &Option<Timestamp>, to: S) -> Result<S::Ok, S::Error> {
        at.map(|at| at.0).serialize(to)
    }

    pub fn deserialize<'de, D: Deserializer<'de>>(from: D) -> Result<Option<Timestamp>, D::Error> {
        Ok(Option::<i64>::deserialize(from)?.map(Timestamp))
    }
}

impl Group {
    /// Every alert of the group, resolved ones that are still repeated included. To be saved after an evaluation that had transitions,
    /// in one transaction with what the router makes of its alerts, before anything is sent.
    pub fn state(&self) -> Vec<AlertState> {
        let mut out = Vec::new();
        for rule in &self.rules {
            let rule_labels = rule.labels_text();
            if let Some(grafana) = &rule.grafana {
                out.extend(grafana.state(&|| self.blank(rule, &rule_labels)));
            }
            for (labels, alert) in &rule.alerts.active {
                out.push(AlertState {
                    file: self.file().to_string(),
                    group: self.name().to_string(),
                    rule: rule.name().to_string(),
                    rule_labels: rule_labels.clone(),
                    rule_query: rule.query.clone(),
                    labels: labels.clone(),
                    annotations: alert.annotations.clone(),
                    value: alert.value,
                    state: alert.state,
                    active_at: alert.active_at,
                    fired_at: alert.fired_at,
                    resolved_at: alert.resolved_at,
                    last_sent_at: alert.last_sent_at,
                    keep_firing_since: alert.keep_firing_since,
                    seen_at: rule.last_evaluation.unwrap_or(alert.active_at),
                    grafana: None,
                });
            }
        }
        out
    }

    fn blank(&self, rule: &Rule, rule_labels: &str) -> AlertState {
        AlertState {
            file: self.file().to_string(),
            group: self.name().to_string(),
            rule: rule.name().to_string(),
            rule_labels: rule_labels.to_string(),
            rule_query: rule.query.clone(),
            labels: Labels::empty(),
            annotations: Labels::empty(),
            value: f64::NAN,
            state: State::Inactive,
            active_at: Timestamp::MIN,
            fired_at: None,
            resolved_at: None,
            last_sent_at: None,
            keep_firing_since: None,
            seen_at: Timestamp::MIN,
            grafana: None,
        }
    }

    /// Before the first evaluation: puts back what `state` gave. Alerts of other groups, and of rules that are gone, are left out.
    ///
    /// A restart within two intervals changes nothing. A longer outage does not count towards the `for` of a pending alert: nobody saw
    /// the expression hold. It also leaves a gap in the series, which can hide what an expression looks back for; so a restored
    /// alert that the expression does not give is kept for as long as the outage lasted, `SETTLE_MAX` at most, instead of being told
    /// as resolved by mistake.
    ///
    /// The outage counts from `seen_at`: whoever saves only when something changed uses `restore_alive_until`.
    pub fn restore(&mut self, saved: Vec<AlertState>, now: Timestamp) {
        self.restore_alive_until(saved, Timestamp::MIN, now);
    }

    /// As `restore`, by one who knows that the program was at work until `alive_until`, for example from the newest sample in the store.
    pub fn restore_alive_until(&mut self, saved: Vec<AlertState>, alive_until: Timestamp, now: Timestamp) {
        let (file, name, interval) = (self.file().to_string(), self.name().to_string(), self.interval());
        for mut alert in saved.into_iter().filter(|alert| alert.file == file && alert.group == name) {
            alert.seen_at = alert.seen_at.max(alive_until.min(now));
            if let Some(rule) = rule_of(&mut self.rules, &alert) {
                put_back(rule, alert, interval, now);
            }
        }
    }

    /// Prometheus' way for a data directory without saved state, before the first evaluation: alerts that come up in the first two
    /// evaluations hold since the time that `ALERTS_FOR_STATE` says. Time of the outage does not count towards `for`, an outage
    /// above the tolerance is forgotten, and a rule with a `for` below `for_grace_period` simply waits anew.
    pub fn restore_from_series(
        &mut self,
        source: &dyn SeriesSource,
        now: Timestamp,
        outage_tolerance: Millis,
        for_grace_period: Millis,
    ) -> Result<(), SourceError> {
        for rule in &mut self.rules {
            let RuleSettings::Alerting(settings) = &rule.settings else { continue };
            if settings.hold >= for_grace_period {
                let last = last_for_state(settings, source, now.saturating_sub(outage_tolerance), now)?;
                rule.alerts.memory = Some(Memory { last, grace: for_grace_period, evaluations_left: 2 });
            }
        }
        Ok(())
    }
}

fn rule_of<'a>(rules: &'a mut [Rule], saved: &AlertState) -> Option<&'a mut Rule> {
    let same = |rule: &Rule| {
        matches!(rule.settings, RuleSettings::Alerting(_) | RuleSettings::Grafana(_))
            && rule.name() == saved.rule
            && rule.labels_text() == saved.rule_labels
    };
    let exact = rules.iter().position(|rule| same(rule) && rule.query == saved.rule_query);
    let index = exact.or_else(|| rules.iter().position(same))?;
    Some(&mut rules[index])
}

fn put_back(rule: &mut Rule, saved: AlertState, interval: Millis, now: Timestamp) {
    if let Some(grafana) = &mut rule.grafana {
        rule.last_evaluation = rule.last_evaluation.max(Some(saved.seen_at));
        return grafana.put_back(saved, interval, now);
    }
    let outage = Millis((now - saved.seen_at).0.max(0));
    let mut alert = ActiveAlert {
        state: saved.state,
        annotations: saved.annotations,
        value: saved.value,
        active_at: saved.active_at,
        fired_at: saved.fired_at,
        resolved_at: saved.resolved_at,
        last_sent_at: saved.last_sent_at,
        keep_firing_since: saved.keep_firing_since,
        unseen: true,
    };
    if outage > interval * 2 {
        if alert.state == State::Pending {
            alert.active_at += outage;
        }
        let settled = now.saturating_add(outage.min(SETTLE_MAX));
        rule.alerts.settled = rule.alerts.settled.max(Some(settled));
    }
    if alert.state >= State::Pending {
        // Were it not noted here, the series of an alert that has ended meanwhile would seem to go on for five minutes.
        rule.previous.insert(alerts_series(&saved.labels, alert.state));
        rule.previous.insert(for_state_series(&saved.labels));
    }
    rule.last_evaluation = rule.last_evaluation.max(Some(saved.seen_at));
    rule.alerts.active.insert(saved.labels, alert);
}

/// For each alert's labels: when `ALERTS_FOR_STATE` was written last, and what it said. Alerts that had ended are left out.
fn last_for_state(
    rule: &AlertingSettings,
    source: &dyn SeriesSource,
    from: Timestamp,
    to: Timestamp,
) -> Result<BTreeMap<Labels, (Timestamp, Timestamp)>, SourceError> {
    let mut matchers = vec![Matcher::equal(METRIC_NAME, ALERTS_FOR_STATE_METRIC), Matcher::equal(ALERT_NAME, &rule.alert)];
    // A template's outcome differs from alert to alert.
    let plain = rule.labels.iter().filter(|(name, value)| !value.contains("{{") && name != ALERT_NAME);
    matchers.extend(plain.map(|(name, value)| Matcher::equal(name, value)));
    let mut last = BTreeMap::new();
    let mut points = Points::default();
    for series in source.select(from, to, &matchers)? {
        points.clear();
        series.read(from, to, &mut points)?;
        if let Some(sample) = points.floats.last().filter(|sample| !is_stale(sample.value)) {
            last.insert(series.labels().without_name(), (sample.at, Timestamp::from_seconds(sample.value.trunc())));
        }
    }
    Ok(last)
}
