//! What people, the terminal and the audit are told of a judgement.
//!
//! In:    a judgement, what was told before. Out: events through the router, lines for the terminal, what a restart must know.
//! Never: judges.

use bellbuoy_models::{Judgement, Outcome};
use bellbuoy_vocabulary::Timestamp;
use serde_json::{Value, json};

use super::service::{Cell, Models, lock};
use crate::event::{Event, finite, short};
use crate::state::Write;

impl Models {
    /// Events for the terminal at each judgement; for people, through the router, when the outcome changed.
    pub(super) fn tell(&self, cell: &Cell, judgement: &Judgement, state: Value, now: Timestamp) {
        let settings = &cell.config.settings;
        let name = &settings.name;
        let send = |kind, fields, line: String| {
            let _ = self.path.events.send(Event::new(now, kind, fields, line));
        };
        if let Outcome::Known(drift) = &judgement.drift {
            let fields =
                json!({"model": name, "drift_share": drift.share, "drifted_features": drift.drifted_features, "detected": drift.detected});
            send("drift", fields, drift_words(judgement));
        }
        if let Outcome::Known(performance) = &judgement.performance {
            let fields = json!({"model": name, "r2": finite(performance.r2), "rmse": finite(performance.rmse), "mae": finite(performance.mae), "rows": performance.rows});
            send("performance", fields, performance_words(judgement));
        }
        let outcome = judgement.decision.outcome.word().to_string();
        let mut told = lock(&cell.told);
        if told.as_deref() == Some(&outcome) {
            return;
        }
        let first = told.is_none();
        *told = Some(outcome.clone());
        drop(told);
        let reason = judgement.decision.reason.to_string();
        let fields = json!({"model": name, "outcome": outcome, "reason": reason});
        send("decision", fields, format!("{name}: {outcome}: {reason}"));
        // The first judgement after a start tells people only when there is something to do.
        let events = judgement.events(settings, first).iter().map(|event| (event.alert(now), event.audit(now))).collect();
        self.path.happened(events, kept(name, state, Some(outcome)), now);
    }
}

/// What a restart needs to know of a model beside its rows: its counters, and which outcome people know of.
pub(super) fn kept(model: &str, state: Value, told: Option<String>) -> Write {
    Write::Keep { name: state_name(model), body: json!({"model": state, "told": told}) }
}

pub(super) fn state_name(model: &str) -> String {
    format!("model/{model}")
}

pub fn drift_words(judgement: &Judgement) -> String {
    match &judgement.drift {
        Outcome::Known(drift) => {
            format!("drift share {:.0} %, {} features drifted", drift.share * 100.0, drift.drifted_features)
        }
        Outcome::Unknown(reason) => format!("unknown: {reason}"),
    }
}

pub fn performance_words(judgement: &Judgement) -> String {
    match &judgement.performance {
        Outcome::Known(p) => format!("R2 {}, RMSE {}, MAE {} over {} rows", short(p.r2), short(p.rmse), short(p.mae), p.rows),
        Outcome::Unknown(reason) => format!("unknown: {reason}"),
    }
}
