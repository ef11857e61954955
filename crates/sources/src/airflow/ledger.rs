//! What was counted, by DAG and task. Written to the database with the memory of what was counted, so both are always of one moment.
//!
//! In:    runs and attempts that are new. Out: counters, histograms, the last run of each DAG.
//! Never: holds more than its bounds; what does not fit is counted.

use std::collections::{BTreeMap, BTreeSet};

use bellbuoy_vocabulary::Timestamp;
use serde::{Deserialize, Serialize};

use super::wire::{Attempt, Run};
use crate::family::Histogram;

const DAGS_MAX: usize = 20_000;
/// Combinations of DAG, task and state.
const TASKS_MAX: usize = 20_000;
const OPERATORS_MAX: usize = 1_000;

#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub(super) struct Ledger {
    pub dags: BTreeMap<String, DagBook>,
    task_cells: usize,
    /// Attempts that succeeded and that failed, by operator.
    #[serde(default)]
    pub operators: BTreeMap<String, (u64, u64)>,
    /// Runs and attempts that did not fit.
    pub dropped: u64,
}

#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub(super) struct DagBook {
    pub runs: BTreeMap<String, Cell>,
    /// By task and state.
    pub tasks: BTreeMap<String, BTreeMap<String, Cell>>,
    pub last: Option<LastRun>,
    pub last_success_ms: Option<i64>,
}

#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub(super) struct Cell {
    pub count: u64,
    pub durations: Histogram,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(super) struct LastRun {
    pub state: String,
    pub start_ms: Option<i64>,
    pub end_ms: i64,
    pub delay_seconds: Option<f64>,
}

impl Ledger {
    /// The gauges of a run: also of history.
    pub fn note(&mut self, run: &Run) {
        let Some(book) = self.book(&run.dag) else { return };
        if book.last.as_ref().is_none_or(|last| last.end_ms <= run.end.0) {
            let delay = run.queued.zip(run.start).map(|(queued, start)| (start - queued).seconds()).filter(|delay| *delay >= 0.0);
            book.last = Some(LastRun {
                state: run.state.clone(),
                start_ms: run.start.map(|start| start.0),
                end_ms: run.end.0,
                delay_seconds: delay,
            });
        }
        if run.state == "success" {
            book.last_success_ms = book.last_success_ms.max(Some(run.end.0));
        }
    }

    pub fn count_run(&mut self, run: &Run) {
        let Some(book) = self.book(&run.dag) else {
            self.dropped += 1;
            return;
        };
        let cell = book.runs.entry(run.state.clone()).or_default();
        cell.count += 1;
        if let Some(length) = run.duration() {
            cell.durations.observe(length.seconds());
        }
    }

    pub fn count_attempt(&mut self, attempt: &Attempt) {
        let full = self.task_cells >= TASKS_MAX;
        let Some(book) = self.book(&attempt.dag) else {
            self.dropped += 1;
            return;
        };
        let states = book.tasks.get(&attempt.task);
        let new = states.is_none_or(|states| !states.contains_key(&attempt.state));
        if new && full {
            self.dropped += 1;
            return;
        }
        let cell = book.tasks.entry(attempt.task.clone()).or_default().entry(attempt.state.clone()).or_default();
        cell.count += 1;
        if let Some(length) = attempt.duration() {
            cell.durations.observe(length.seconds());
        }
        self.task_cells += usize::from(new);
        self.count_operator(attempt);
    }

    fn count_operator(&mut self, attempt: &Attempt) {
        let Some(operator) = attempt.operator.as_ref().filter(|name| !name.is_empty()) else { return };
        if self.operators.len() >= OPERATORS_MAX && !self.operators.contains_key(operator) {
            return;
        }
        let (successes, failures) = self.operators.entry(operator.clone()).or_default();
        match attempt.state.as_str() {
            "success" => *successes += 1,
            "failed" => *failures += 1,
            _ => {}
        }
    }

    /// A DAG is no longer there, and its last run is older than `before`.
    pub fn forget_gone(&mut self, there: &BTreeSet<String>, before: Timestamp) {
        self.dags.retain(|dag, book| there.contains(dag) || book.last.as_ref().is_some_and(|last| last.end_ms >= before.0));
        self.task_cells = self.dags.values().flat_map(|book| book.tasks.values()).map(BTreeMap::len).sum();
    }

    fn book(&mut self, dag: &str) -> Option<&mut DagBook> {
        if !self.dags.contains_key(dag) && self.dags.len() >= DAGS_MAX {
            return None;
        }
        Some(self.dags.entry(dag.to_string()).or_default())
    }
}
