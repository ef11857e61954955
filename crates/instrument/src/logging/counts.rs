//! What became of the rows, as metrics and for the service itself.

use std::sync::{Mutex, PoisonError};
use std::time::{SystemTime, UNIX_EPOCH};

use super::DropReason;
use crate::family::{Counter, Family, Gauge, Level};
use crate::registry::{MetricError, Registry};

/// The two kinds of rows, each with its own address.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum RowKind {
    Prediction,
    Label,
}

/// Of both kinds together. `offered` is `acknowledged` + `dropped` + `waiting`.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Totals {
    pub offered: u64,
    /// On bellbuoy's disk.
    pub acknowledged: u64,
    pub dropped: u64,
    /// In the queue or under way.
    pub waiting: u64,
}

/// The families `prediction_log_*`, of all models of the process.
pub(crate) struct LogFamilies {
    offered: Family<Counter, 2>,
    acknowledged: Family<Counter, 2>,
    dropped: Family<Counter, 3>,
    requests: Family<Counter, 2>,
    waiting: Family<Level, 1>,
    last_success: Family<Gauge, 1>,
}

/// Those of one model.
pub(super) struct Counts {
    model: String,
    kinds: [KindCounts; 2],
    requests: [Counter; 3],
    waiting: Level,
    last_success: Family<Gauge, 1>,
    last_problem: Mutex<Option<String>>,
}

struct KindCounts {
    offered: Counter,
    acknowledged: Counter,
    dropped: [Counter; DropReason::ALL.len()],
}

/// How a request ended: the label `outcome`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Outcome {
    Taken,
    /// Told to come again, or not reached.
    Later,
    Refused,
}

impl LogFamilies {
    pub(crate) fn register(r: &Registry) -> Result<LogFamilies, MetricError> {
        let rows = ["model", "kind"];
        Ok(LogFamilies {
            offered: r.counter("prediction_log_rows_offered_total", "Rows given to the logger", rows)?,
            acknowledged: r.counter("prediction_log_rows_acknowledged_total", "Rows that bellbuoy has on disk", rows)?,
            dropped: r.counter("prediction_log_rows_dropped_total", "Rows that were dropped", ["model", "kind", "reason"])?,
            requests: r.counter("prediction_log_requests_total", "Requests to bellbuoy by outcome", ["model", "outcome"])?,
            waiting: r.level("prediction_log_waiting_rows", "Rows in the queue or under way", ["model"])?,
            last_success: r.gauge("prediction_log_last_success_timestamp_seconds", "When bellbuoy last took rows", ["model"])?,
        })
    }

    /// All counters of a model exist from the start with 0, so that the first drop is seen as an increase.
    pub(super) fn of_model(&self, model: &str) -> Counts {
        let kind = |kind: &str| KindCounts {
            offered: self.offered.with([model, kind]),
            acknowledged: self.acknowledged.with([model, kind]),
            dropped: DropReason::ALL.map(|reason| self.dropped.with([model, kind, reason.label()])),
        };
        Counts {
            model: model.to_owned(),
            kinds: [kind("prediction"), kind("label")],
            requests: ["taken", "later", "refused"].map(|outcome| self.requests.with([model, outcome])),
            waiting: self.waiting.with([model]),
            last_success: self.last_success.clone(),
            last_problem: Mutex::default(),
        }
    }
}

impl Counts {
    pub(super) fn offered(&self, kind: RowKind) {
        self.kinds[kind as usize].offered.inc();
    }

    pub(super) fn dropped(&self, kind: RowKind, reason: DropReason, rows: usize) {
        self.kinds[kind as usize].dropped[reason as usize].inc_by(rows as u64);
    }

    pub(super) fn acknowledged(&self, kind: RowKind, rows: usize) {
        self.kinds[kind as usize].acknowledged.inc_by(rows as u64);
        if let Ok(since) = SystemTime::now().duration_since(UNIX_EPOCH) {
            self.last_success.with([&self.model]).set(since.as_millis() as f64 / 1000.0);
        }
    }

    pub(super) fn waiting(&self, rows: usize) {
        self.waiting.set(i64::try_from(rows).unwrap_or(i64::MAX));
    }

    pub(super) fn request(&self, outcome: Outcome, problem: Option<String>) {
        self.requests[outcome as usize].inc();
        *self.last_problem.lock().unwrap_or_else(PoisonError::into_inner) = problem;
    }

    pub(super) fn last_problem(&self) -> Option<String> {
        self.last_problem.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Read in this order, and `offered` last, a row that moves meanwhile is never counted twice.
    pub(super) fn totals(&self) -> Totals {
        let acknowledged: u64 = self.kinds.iter().map(|kind| kind.acknowledged.get()).sum();
        let dropped: u64 = self.kinds.iter().flat_map(|kind| &kind.dropped).map(Counter::get).sum();
        let offered: u64 = self.kinds.iter().map(|kind| kind.offered.get()).sum();
        Totals { offered, acknowledged, dropped, waiting: offered.saturating_sub(acknowledged + dropped) }
    }
}
