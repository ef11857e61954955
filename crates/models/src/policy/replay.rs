//! The rules over judgements of the past: when they would have decided what, and which runs would have followed.
//!
//! In:    a policy, what each judgement saw, when runs were done (or how long one takes). Out: stretches of time with one outcome.
//! Holds: the same rulings as live, one judgement after the other; figures stay as they were told, for what a run would have made better
//!        nobody knows.

use std::collections::BTreeMap;

use bellbuoy_vocabulary::{Millis, Timestamp};

use super::{Policy, PolicyState, RulingReason};
use crate::{RetrainingOutcome, Seen};

/// Which runs the cool-down counts from.
#[derive(Clone, Copy, Debug)]
pub enum Runs<'a> {
    /// Those that were done.
    Done(&'a [Timestamp]),
    /// Each decision to retrain begins one at once, unless one is under way; it is done after this time.
    Follow(Millis),
}

/// Judgements in a row with the same outcome.
#[derive(Clone, Debug, PartialEq)]
pub struct Stretch {
    pub outcome: RetrainingOutcome,
    /// Of the first of them.
    pub rule: Option<String>,
    pub because: String,
    pub from: Timestamp,
    /// The first judgement with another outcome, or the last one before a time without judgements. `None`: the end of the span.
    pub until: Option<Timestamp>,
    pub judgements: usize,
}

#[derive(Clone, Debug, Default, PartialEq)]
pub struct ReplayedRules {
    pub stretches: Vec<Stretch>,
    /// How many judgements came to each outcome.
    pub outcomes: BTreeMap<RetrainingOutcome, usize>,
    /// When runs began (`Follow`) or were done (`Done`), within the span.
    pub runs: Vec<Timestamp>,
    /// How often the outcome changed: each time people are told.
    pub changes: usize,
}

impl ReplayedRules {
    pub fn judgements(&self) -> usize {
        self.outcomes.values().sum()
    }
}

impl Policy<RetrainingOutcome> {
    /// Judgements before `from` only make the state: counts in a row, conditions that hold, a cool-down. A time without judgements that is
    /// longer than `gap` ends a stretch.
    pub fn replay(&self, seen: &[Seen], runs: Runs, from: Timestamp, gap: Millis) -> ReplayedRules {
        let mut state = PolicyState::default();
        let mut out = ReplayedRules::default();
        let mut under_way: Option<Timestamp> = None;
        let (mut last, mut before): (Option<Timestamp>, Option<RetrainingOutcome>) = (None, None);
        let mut done = match runs {
            Runs::Done(done) => done.iter().peekable(),
            Runs::Follow(_) => [].iter().peekable(),
        };
        for Seen { at, readings } in seen {
            while let Some(run) = done.next_if(|run| *run <= at) {
                state.acted(*run);
                if *run >= from {
                    out.runs.push(*run);
                }
            }
            if let Some(end) = under_way.take_if(|end| *end <= *at) {
                state.acted(end);
            }
            let ruling = self.judge(readings, &mut state, false, *at);
            if let Runs::Follow(length) = runs
                && ruling.outcome == RetrainingOutcome::RetrainNow
                && under_way.is_none()
            {
                under_way = Some(*at + length);
                if *at >= from {
                    out.runs.push(*at);
                }
            }
            if *at < from {
                continue;
            }
            *out.outcomes.entry(ruling.outcome).or_default() += 1;
            out.changes += usize::from(before.replace(ruling.outcome).is_some_and(|before| before != ruling.outcome));
            let alone = last.replace(*at).filter(|last| *at - *last > gap);
            match out.stretches.last_mut() {
                Some(stretch) if stretch.outcome == ruling.outcome && alone.is_none() => stretch.judgements += 1,
                previous => {
                    if let Some(previous) = previous {
                        previous.until = Some(alone.unwrap_or(*at));
                    }
                    out.stretches.push(stretch(&ruling.reason, ruling.outcome, *at));
                }
            }
        }
        out
    }
}

fn stretch(reason: &RulingReason, outcome: RetrainingOutcome, from: Timestamp) -> Stretch {
    Stretch { outcome, rule: reason.rule().map(str::to_owned), because: reason.to_string(), from, until: None, judgements: 1 }
}
