//! What people, the terminal and the audit are told of a judgement.
//!
//! In:    a judgement, what was told before. Out: events through the router, lines for the terminal, what a restart must know.
//! Never: judges.

use bellbuoy_models::Judgement;
use bellbuoy_vocabulary::Timestamp;
use serde_json::{Value, json};

use super::service::{Cell, Models, lock};
use crate::event::{Event, finite, short};
use crate::state::Write;

impl Models {
    /// Events for the terminal at each judgement; for people, through the router, when the outcome changed.
    pub(super) fn tell(&self, cell: &Cell, judgement: &Judgement, state: Value, asked: Asked, now: Timestamp) {
        let settings = &cell.config.settings;
        let name = &settings.name;
        let send = |kind, fields, line: String| {
            let _ = self.path.events.send(Event::new(now, kind, fields, line));
        };
        let window = judgement.first();
        if let Some(Ok(drift)) = window.map(|window| &window.drift) {
            let fields =
                json!({"model": name, "drift_share": drift.share, "drifted_features": drift.drifted_features, "detected": drift.detected});
            send("drift", fields, drift_words(judgement));
        }
        let figures = judgement.headline();
        if !figures.is_empty() {
            let mut fields = json!({"model": name, "rows": window.map_or(0, |window| window.evaluation.rows)});
            for (metric, value) in &figures {
                fields[metric.word()] = finite(*value);
            }
            send("performance", fields, performance_words(judgement));
        }
        let ruling = &judgement.decision;
        let outcome = ruling.outcome.word().to_string();
        let forced = matches!(asked, Asked::By { forced: true });
        let mut told = lock(&cell.told);
        let unchanged = told.as_deref() == Some(&outcome) && !forced;
        let first = told.is_none();
        *told = Some(outcome.clone());
        drop(told);
        let rule = format!("{outcome} {}", ruling.reason.rule().unwrap_or(ruling.reason.word()));
        let of_old_rule = lock(&cell.recorded).replace(rule.clone()) == Some(rule);
        let fields = json!({"model": name, "outcome": outcome, "rule": ruling.reason.rule(), "reason": ruling.reason.word(), "because": ruling.reason.to_string()});
        let kept = kept(cell, state);
        if !unchanged {
            send("decision", fields, format!("{name}: {outcome}: {}", ruling.reason));
            // The first judgement after a start tells people only when there is something to do.
            let events: Vec<_> = judgement.events(settings, first).iter().map(|event| (event.alert(now), event.audit(now))).collect();
            if !events.is_empty() {
                self.path.happened(events, vec![kept], now);
                return;
            }
        }
        // Nobody need hear of it, but the record has every answer that somebody asked for, and every new reason.
        let on_record = !unchanged || !of_old_rule || asked != Asked::ByTheClock;
        if on_record {
            let mut entry = ruling.json(&outcome);
            entry["event"] = json!("decision");
            entry["model"] = json!(name);
            self.path.happened(Vec::new(), vec![kept, Write::Audit { at: now, body: entry }], now);
        }
    }
}

/// Who wants a judgement.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Asked {
    ByTheClock,
    /// A pipeline or a person; `forced`: whatever the figures say.
    By {
        forced: bool,
    },
}

/// What a restart needs to know of a model beside its rows: its counters, which outcome people know of, and which the record has.
pub(super) fn kept(cell: &Cell, state: Value) -> Write {
    let (told, recorded) = (lock(&cell.told).clone(), lock(&cell.recorded).clone());
    Write::Keep { name: state_name(&cell.config.settings.name), body: json!({"model": state, "told": told, "recorded": recorded}) }
}

pub(super) fn state_name(model: &str) -> String {
    format!("model/{model}")
}

pub fn drift_words(judgement: &Judgement) -> String {
    match judgement.first().map(|first| &first.drift) {
        Some(Ok(drift)) => {
            let features = if drift.drifted_features == 1 { "feature" } else { "features" };
            format!("drift share {:.0} %, {} {features} drifted", drift.share * 100.0, drift.drifted_features)
        }
        Some(Err(reason)) => format!("unknown: {reason}"),
        None => "unknown".into(),
    }
}

pub fn performance_words(judgement: &Judgement) -> String {
    let Some(first) = judgement.first() else { return "unknown".into() };
    let figures: Vec<String> =
        judgement.headline().into_iter().map(|(metric, value)| format!("{} {}", metric.spoken(), short(value))).collect();
    match first.evaluation.figures.first().map(|figure| &figure.value) {
        _ if !figures.is_empty() => format!("{} over {} rows", figures.join(", "), first.evaluation.rows),
        Some(Err(reason)) => format!("unknown: {reason}"),
        _ => "unknown".into(),
    }
}
