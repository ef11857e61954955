//! The life of an alert: pending, firing, resolved (Prometheus, `rules/alerting.go`).
//!
//! The result of the expression goes in (`Found`, one for each label set); states, samples and messages to the router come out.

use std::collections::BTreeMap;

use bellbuoy_vocabulary::{Labels, METRIC_NAME, Millis, Timestamp};

use crate::{RuleError, Transition};

/// Resolved alerts are repeated to the router for this long, in case it was not there to hear it.
pub const RESOLVED_RETENTION: Millis = Millis::from_minutes(15);
/// 1 for each alert that is pending or firing, with the label `alertstate`.
pub const ALERTS_METRIC: &str = "ALERTS";
/// The time in seconds since when the alert's expression holds.
pub const ALERTS_FOR_STATE_METRIC: &str = "ALERTS_FOR_STATE";
const ALERT_STATE_LABEL: &str = "alertstate";
/// Alerts of one rule when its group has no `limit`: more than any router can tell people about, less than fills the memory.
const ALERTS_MAX: u64 = 100_000;

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum State {
    /// The expression does not hold; no alert exists.
    Inactive,
    /// It was firing and its expression no longer holds.
    Resolved,
    /// The expression holds, for less than `for`.
    Pending,
    Firing,
}

impl State {
    /// The words of Prometheus' API and of `alertstate`, and `resolved`.
    pub fn word(self) -> &'static str {
        match self {
            State::Inactive => "inactive",
            State::Resolved => "resolved",
            State::Pending => "pending",
            State::Firing => "firing",
        }
    }

    pub fn parse(word: &str) -> Option<State> {
        Some(match word {
            "inactive" => State::Inactive,
            "resolved" => State::Resolved,
            "pending" => State::Pending,
            "firing" => State::Firing,
            _ => return None,
        })
    }
}

/// What the expression gave for one label set.
pub(crate) struct Found {
    pub annotations: Labels,
    pub value: f64,
}

#[derive(Clone, Debug, PartialEq)]
pub(crate) struct ActiveAlert {
    pub state: State,
    pub annotations: Labels,
    pub value: f64,
    /// Since when the expression holds.
    pub active_at: Timestamp,
    pub fired_at: Option<Timestamp>,
    pub resolved_at: Option<Timestamp>,
    pub last_sent_at: Option<Timestamp>,
    /// Since when the expression no longer holds, while `keep_firing_for` runs.
    pub keep_firing_since: Option<Timestamp>,
    /// Came from before a restart and the expression has not given it since: until `settled` nobody knows whether it is over.
    pub unseen: bool,
}

impl ActiveAlert {
    fn new(found: Found, at: Timestamp) -> ActiveAlert {
        ActiveAlert {
            state: State::Pending,
            annotations: found.annotations,
            value: found.value,
            active_at: at,
            fired_at: None,
            resolved_at: None,
            last_sent_at: None,
            keep_firing_since: None,
            unseen: false,
        }
    }

    fn needs_sending(&self, at: Timestamp, resend_delay: Millis) -> bool {
        match (self.state, self.last_sent_at) {
            (State::Pending | State::Inactive, _) => false,
            (_, None) => true,
            (_, Some(sent)) => self.resolved_at.is_some_and(|resolved| resolved > sent) || sent.saturating_add(resend_delay) < at,
        }
    }

    fn enter(&mut self, labels: &Labels, to: State, at: Timestamp, transitions: &mut Vec<Transition>) {
        let since = match self.state {
            State::Firing => self.fired_at.unwrap_or(self.active_at),
            _ => self.active_at,
        };
        transitions.push(Transition {
            labels: labels.clone(),
            annotations: self.annotations.clone(),
            from: self.state,
            to,
            value: self.value,
            at,
            after: if self.state == State::Inactive { Millis::ZERO } else { at - since },
        });
        self.state = to;
    }
}

/// The alerts of one rule by their labels, in the labels' order.
#[derive(Clone, Debug, Default)]
pub(crate) struct Alerts {
    pub active: BTreeMap<Labels, ActiveAlert>,
    /// Alerts from before a restart are not given up before this time.
    pub settled: Option<Timestamp>,
    pub memory: Option<Memory>,
}

/// What `ALERTS_FOR_STATE` said before a restart.
#[derive(Clone, Debug)]
pub(crate) struct Memory {
    /// For each alert's labels: when it was seen last, and since when its expression held then.
    pub last: BTreeMap<Labels, (Timestamp, Timestamp)>,
    pub grace: Millis,
    /// An alert that is not back within so many evaluations is a new one.
    pub evaluations_left: u32,
}

impl Memory {
    /// Since when an alert that is seen now holds. The outage does not count towards `for` (Prometheus, `Group.RestoreForState`).
    pub fn active_at(&self, labels: &Labels, now: Timestamp, hold: Millis) -> Option<Timestamp> {
        let (down_at, active_at) = *self.last.get(labels)?;
        let remaining = hold - (down_at - active_at);
        Some(if remaining <= Millis::ZERO {
            // It was firing and fires at once.
            active_at
        } else if remaining < self.grace {
            now + self.grace - hold
        } else {
            active_at + (now - down_at)
        })
    }
}

/// What a rule says of its alerts' lives.
pub(crate) struct Terms {
    pub hold: Millis,
    pub keep_firing_for: Millis,
    /// The group's `limit`; 0 is none.
    pub limit: u64,
}

impl Alerts {
    /// One evaluation: moves every alert to its next state. Past the limit all alerts are forgotten, as Prometheus does.
    pub fn step(&mut self, mut found: BTreeMap<Labels, Found>, at: Timestamp, terms: &Terms) -> Result<Vec<Transition>, RuleError> {
        let mut transitions = Vec::new();
        let settling = self.settled.is_some_and(|settled| at < settled);
        let mut running = 0;
        self.active.retain(|labels, alert| match found.remove(labels) {
            // Back before it was forgotten: a new alert, whose predecessor has been told as resolved.
            Some(result) if alert.state == State::Resolved => {
                *alert = ActiveAlert::new(result, at);
                begin(labels, alert, at, terms, &mut transitions);
                running += 1;
                true
            }
            Some(result) => {
                alert.value = result.value;
                alert.annotations = result.annotations;
                alert.keep_firing_since = None;
                alert.unseen = false;
                advance(labels, alert, at, terms, &mut transitions);
                running += 1;
                true
            }
            None if alert.unseen && settling && alert.state != State::Resolved => {
                running += 1;
                true
            }
            None => {
                let stays = miss(labels, alert, at, terms, &mut transitions);
                running += u64::from(stays && alert.state != State::Resolved);
                stays
            }
        });
        for (labels, result) in found {
            let mut alert = ActiveAlert::new(result, at);
            if let Some(active_at) = self.memory.as_ref().and_then(|memory| memory.active_at(&labels, at, terms.hold)) {
                alert.active_at = active_at;
            }
            begin(&labels, &mut alert, at, terms, &mut transitions);
            running += 1;
            self.active.insert(labels, alert);
        }
        self.memory = self.memory.take().filter(|memory| memory.evaluations_left > 1);
        if let Some(memory) = &mut self.memory {
            memory.evaluations_left -= 1;
        }
        let limit = if terms.limit == 0 { ALERTS_MAX } else { terms.limit };
        if running > limit {
            self.active.clear();
            return Err(RuleError::AlertLimit { limit, count: running });
        }
        Ok(transitions)
    }

    /// `ALERTS` and `ALERTS_FOR_STATE` of every alert that is pending or firing.
    pub fn samples(&self) -> Vec<(Labels, f64)> {
        let mut out = Vec::new();
        for (labels, alert) in self.active.iter().filter(|(_, alert)| alert.state >= State::Pending) {
            out.push((alerts_series(labels, alert.state), 1.0));
            // Whole seconds, as Prometheus writes them.
            out.push((for_state_series(labels), alert.active_at.0.div_euclid(1000) as f64));
        }
        out
    }

    /// The alerts to tell the router now, and notes that they were told.
    pub fn take_due(&mut self, at: Timestamp, resend_delay: Millis) -> Vec<(Labels, ActiveAlert)> {
        let mut due = Vec::new();
        for (labels, alert) in &mut self.active {
            if alert.needs_sending(at, resend_delay) {
                alert.last_sent_at = Some(at);
                due.push((labels.clone(), alert.clone()));
            }
        }
        due
    }

    /// The rule's state is that of its worst alert.
    pub fn state(&self) -> State {
        match self.active.values().map(|alert| alert.state).max() {
            Some(state) if state >= State::Pending => state,
            _ => State::Inactive,
        }
    }
}

/// A label set that was not there before.
fn begin(labels: &Labels, alert: &mut ActiveAlert, at: Timestamp, terms: &Terms, transitions: &mut Vec<Transition>) {
    alert.state = State::Inactive;
    alert.enter(labels, State::Pending, at, transitions);
    advance(labels, alert, at, terms, transitions);
}

/// From pending to firing when `for` is over; back when a reload made `for` longer.
fn advance(labels: &Labels, alert: &mut ActiveAlert, at: Timestamp, terms: &Terms, transitions: &mut Vec<Transition>) {
    let held = at - alert.active_at;
    if alert.state == State::Pending && held >= terms.hold {
        alert.enter(labels, State::Firing, at, transitions);
        alert.fired_at = Some(at);
    } else if alert.state == State::Firing && held < terms.hold {
        alert.enter(labels, State::Pending, at, transitions);
        alert.fired_at = None;
        alert.last_sent_at = None;
        alert.keep_firing_since = None;
    }
}

/// The expression no longer gives this label set. Says whether the alert is still remembered.
fn miss(labels: &Labels, alert: &mut ActiveAlert, at: Timestamp, terms: &Terms, transitions: &mut Vec<Transition>) -> bool {
    match alert.state {
        State::Pending | State::Inactive => {
            alert.enter(labels, State::Inactive, at, transitions);
            false
        }
        State::Resolved => alert.resolved_at.is_some_and(|resolved| at - resolved <= RESOLVED_RETENTION),
        State::Firing => {
            if terms.keep_firing_for > Millis::ZERO {
                let since = *alert.keep_firing_since.get_or_insert(at);
                if at - since < terms.keep_firing_for {
                    advance(labels, alert, at, terms, transitions);
                    return true;
                }
            }
            alert.enter(labels, State::Resolved, at, transitions);
            alert.resolved_at = Some(at);
            true
        }
    }
}

/// The alert's labels as they are. Prometheus' series has the text of a label's template where that gives nothing, which the alert it
/// sends has not: who joins the two finds no pair, so that is not followed (docs/guides/test.md).
pub(crate) fn alerts_series(labels: &Labels, state: State) -> Labels {
    labels.builder().set(METRIC_NAME, ALERTS_METRIC).set(ALERT_STATE_LABEL, state.word()).labels()
}

pub(crate) fn for_state_series(labels: &Labels) -> Labels {
    labels.builder().set(METRIC_NAME, ALERTS_FOR_STATE_METRIC).labels()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Feeds one label set through evaluations 10 s apart: `x` the expression holds, `.` it does not.
    /// Each letter of the answer is the state afterwards: `p`, `f`, `r`, or `.` for none; capital: it was sent.
    fn life(script: &str, hold_s: i64, keep_s: i64, resend_s: i64) -> String {
        let terms = Terms { hold: Millis::from_seconds(hold_s), keep_firing_for: Millis::from_seconds(keep_s), limit: 0 };
        let labels = Labels::from_pairs([("alertname", "A")]);
        let mut alerts = Alerts::default();
        let mut out = String::new();
        for (turn, mark) in script.chars().enumerate() {
            let at = Timestamp(turn as i64 * 10_000);
            let mut found = BTreeMap::new();
            if mark == 'x' {
                found.insert(labels.clone(), Found { annotations: Labels::empty(), value: 1.0 });
            }
            alerts.step(found, at, &terms).expect("below the limit");
            let sent = !alerts.take_due(at, Millis::from_seconds(resend_s)).is_empty();
            let letter = match alerts.active.get(&labels).map(|alert| alert.state) {
                None => '.',
                Some(state) => state.word().chars().next().expect("no state has an empty word"),
            };
            out.push(if sent { letter.to_ascii_uppercase() } else { letter });
        }
        out
    }

    #[test]
    fn states_follow_the_expression() {
        for (script, hold, keep, resend, states) in [
            // No `for`: fires at once, is sent at once, and again after more than the resend delay.
            ("xxxxx", 0, 0, 20, "FffFf"),
            // `for: 30s` needs the expression at 0, 10, 20 and 30 s.
            ("xxxxx", 30, 0, 600, "pppFf"),
            // One gap starts `for` anew.
            ("xx.xxxx", 30, 0, 600, "pp.pppF"),
            // Resolved is sent at once, and repeated.
            ("x....", 0, 0, 20, "FRrrR"),
            // Comes back: a new alert, sent at once.
            ("x.x", 0, 0, 600, "FRF"),
            ("x.xx", 10, 0, 600, "p.pF"),
            // `keep_firing_for: 20s` holds the alert for two evaluations after the last; a return starts it anew.
            ("x....", 0, 20, 600, "FffRr"),
            ("x.x....", 0, 20, 600, "FffffRr"),
        ] {
            assert_eq!(life(script, hold, keep, resend), states, "{script} for={hold} keep={keep} resend={resend}");
        }
    }

    #[test]
    fn resolved_alerts_are_forgotten_after_the_retention() {
        let script = format!("x{}", ".".repeat(93));
        // Resolved at 10 s; 15 minutes later, at 910 s, it is still there, at 920 s no more.
        assert_eq!(life(&script, 0, 0, 3600), format!("FR{}..", "r".repeat(90)));
    }

    #[test]
    fn past_the_limit_all_alerts_are_forgotten() {
        let terms = Terms { hold: Millis::ZERO, keep_firing_for: Millis::ZERO, limit: 1 };
        let found = |names: &[&str]| {
            names
                .iter()
                .map(|n| (Labels::from_pairs([("a", n)]), Found { annotations: Labels::empty(), value: 0.0 }))
                .collect::<BTreeMap<_, _>>()
        };
        let mut alerts = Alerts::default();
        assert!(alerts.step(found(&["1"]), Timestamp(0), &terms).is_ok());
        let error = alerts.step(found(&["1", "2"]), Timestamp(1), &terms).expect_err("two are too many");
        assert_eq!(error.to_string(), "exceeded limit of 1 with 2 alerts");
        assert!(alerts.active.is_empty());
    }

    #[test]
    fn an_outage_does_not_count_towards_for() {
        let minute = |m: i64| Timestamp(m * 60_000);
        let labels = Labels::from_pairs([("alertname", "A")]);
        for (hold, active, down, now, expected, why) in [
            (30, 0, 40, 50, 0, "was firing: stays as it was"),
            (30, 0, 25, 40, 20, "5 minutes left are less than the grace of 10: fires 10 minutes from now"),
            (30, 0, 10, 25, 15, "20 minutes left: shifted by the 15 minutes of the outage"),
        ] {
            let last = BTreeMap::from([(labels.clone(), (minute(down), minute(active)))]);
            let memory = Memory { last, grace: Millis::from_minutes(10), evaluations_left: 2 };
            assert_eq!(memory.active_at(&labels, minute(now), Millis::from_minutes(hold)), Some(minute(expected)), "{why}");
        }
    }

    #[test]
    fn a_longer_for_after_a_reload_makes_a_firing_alert_wait_again() {
        let labels = Labels::from_pairs([("alertname", "A")]);
        let found = || BTreeMap::from([(labels.clone(), Found { annotations: Labels::empty(), value: 1.0 })]);
        let terms = |hold| Terms { hold: Millis::from_seconds(hold), keep_firing_for: Millis::ZERO, limit: 0 };
        let mut alerts = Alerts::default();
        alerts.step(found(), Timestamp(0), &terms(0)).expect("below the limit");
        assert_eq!(alerts.state(), State::Firing);
        alerts.step(found(), Timestamp(10_000), &terms(60)).expect("below the limit");
        assert_eq!(alerts.state(), State::Pending);
        alerts.step(found(), Timestamp(60_000), &terms(60)).expect("below the limit");
        assert_eq!(alerts.state(), State::Firing);
    }
}
