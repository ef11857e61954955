//! The past of a model, window after window: figures that late true values amend.

use std::collections::{BTreeMap, BTreeSet};

use bellbuoy_vocabulary::Timestamp;

use crate::ledger::Ledger;
use crate::{Cut, Evaluation, EvaluationOptions, Span, Windows};

/// Windows of one role that are remembered; of more the newest.
const WINDOWS_MAX: usize = 500;

/// One window of one role.
#[derive(Clone, Debug, PartialEq)]
pub struct WindowFigures {
    pub cut: Cut,
    pub predictions: usize,
    /// Of them with a true value.
    pub with_truth: usize,
    pub evaluation: Evaluation,
    /// How often it changed after it was complete and told.
    pub amended: u32,
}

#[derive(Debug)]
pub(crate) struct History {
    windows: Windows,
    roles: BTreeMap<String, BTreeMap<i64, WindowFigures>>,
}

impl History {
    /// Of a span that slides with every row, windows of its length one after the other.
    pub(crate) fn new(span: Span) -> History {
        let windows = match span {
            Span::NewestRows(rows) => Windows::tumbling_rows(rows),
            Span::Newest(time) => Windows::tumbling(time),
            Span::Cut(windows) => windows,
        };
        History { windows, roles: BTreeMap::new() }
    }

    /// Figures of the windows that changed are made anew. Gives the numbers of those that had been complete before.
    pub(crate) fn update(
        &mut self,
        ledger: &Ledger,
        role: &str,
        changed: impl Fn(&Cut, &Windows) -> bool,
        options: &EvaluationOptions,
        now: Timestamp,
    ) -> BTreeSet<i64> {
        let mut cuts = ledger.cuts(role, &self.windows, now);
        let of_role = self.roles.entry(role.to_owned()).or_default();
        let all = ledger.all(role);
        let mut amended = BTreeSet::new();
        for cut in cuts.split_off(cuts.len().saturating_sub(WINDOWS_MAX)) {
            let before = of_role.get_mut(&cut.number);
            if let Some(before) = before
                && !changed(&cut, &self.windows)
            {
                // Rows that were forgotten before it move its place, and time may have made it complete.
                before.cut = cut;
                continue;
            }
            let slots = &all[cut.rows.clone()];
            let with_truth = ledger.with_truth(slots);
            let evaluation = ledger.joined(&with_truth).evaluation(options);
            let mut figures = WindowFigures { predictions: slots.len(), with_truth: with_truth.len(), evaluation, amended: 0, cut };
            if let Some(before) = of_role.get(&figures.cut.number) {
                figures.amended = before.amended;
                if before.cut.complete && figures.evaluation != before.evaluation {
                    figures.amended += 1;
                    amended.insert(figures.cut.number);
                }
            }
            of_role.insert(figures.cut.number, figures);
        }
        while of_role.len() > WINDOWS_MAX {
            of_role.pop_first();
        }
        amended
    }

    /// Oldest first.
    pub(crate) fn of(&self, role: &str) -> Vec<WindowFigures> {
        self.roles.get(role).map_or_else(Vec::new, |windows| windows.values().cloned().collect())
    }
}
