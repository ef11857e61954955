//! The rows that wait, in memory: bounded in rows and bytes, taken in batches of one kind.
//!
//! In:    rows from any thread. Out: batches for the sender; what did not fit, counted.
//! Never: makes the caller wait.

use std::collections::VecDeque;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use super::DropReason;
use super::counts::{Counts, RowKind};
use super::row::Row;

/// A request's rows have at most so many bytes; bellbuoy takes 32 MiB.
const BATCH_BYTES_MAX: usize = 8 << 20;

#[derive(Debug, Clone, Copy)]
pub(super) struct Limits {
    pub(super) rows_max: usize,
    pub(super) bytes_max: usize,
    pub(super) batch_rows: usize,
    pub(super) linger: Duration,
}

pub(super) struct Queue {
    limits: Limits,
    counts: Arc<Counts>,
    state: Mutex<State>,
    /// For the sender: there are rows, or it is to hurry or to end.
    work: Condvar,
    /// For those who wait until nothing waits.
    done: Condvar,
}

#[derive(Default)]
struct State {
    /// By kind.
    rows: [VecDeque<Vec<u8>>; 2],
    bytes: usize,
    /// Rows of the batch that is being sent; they count to the bound.
    under_way: usize,
    /// By kind: since when a row waits.
    since: [Option<Instant>; 2],
    /// Which kind is next, so that many of one do not keep the other waiting.
    turn: usize,
    /// How many wait for `flush`.
    flushing: usize,
    /// When the sender must have ended.
    deadline: Option<Instant>,
    ended: bool,
}

/// What one request carries.
pub(super) struct Batch {
    pub(super) kind: RowKind,
    pub(super) rows: Vec<Vec<u8>>,
}

impl Default for Limits {
    fn default() -> Limits {
        Limits { rows_max: 100_000, bytes_max: 64 << 20, batch_rows: 1000, linger: Duration::from_millis(500) }
    }
}

impl Queue {
    pub(super) fn new(limits: Limits, counts: Arc<Counts>) -> Queue {
        Queue { limits, counts, state: Mutex::default(), work: Condvar::new(), done: Condvar::new() }
    }

    /// The lock is held for as long as it takes to move a pointer or, by the sender, a batch of them.
    pub(super) fn push(&self, row: Row) -> Result<(), DropReason> {
        let mut state = self.lock();
        if state.deadline.is_some() {
            return Err(DropReason::Closed);
        }
        if state.waiting() >= self.limits.rows_max || state.bytes + row.json.len() > self.limits.bytes_max {
            return Err(DropReason::QueueFull);
        }
        state.bytes += row.json.len();
        let row_kind = row.kind as usize;
        state.rows[row_kind].push_back(row.json);
        // Wakes the sender when it has something to do at all, and when a batch is full; not for every row.
        let first = state.since[row_kind].is_none();
        if first {
            state.since[row_kind] = Some(Instant::now());
        }
        let full = state.rows[row_kind].len() == self.limits.batch_rows;
        self.counts.waiting(state.waiting());
        drop(state);
        if first || full {
            self.work.notify_one();
        }
        Ok(())
    }

    /// Waits for the next batch; `None` when the queue is closed and empty. The batch before is done.
    pub(super) fn next(&self) -> Option<Batch> {
        let mut state = self.lock();
        loop {
            if state.queued() == 0 {
                if state.deadline.is_some() {
                    return None;
                }
                state = self.work.wait(state).unwrap_or_else(PoisonError::into_inner);
                continue;
            }
            let full = state.rows.iter().any(|rows| rows.len() >= self.limits.batch_rows) || state.bytes >= BATCH_BYTES_MAX;
            let age = state.since.iter().flatten().map(Instant::elapsed).max().unwrap_or(self.limits.linger);
            if full || state.flushing > 0 || state.deadline.is_some() || age >= self.limits.linger {
                return Some(self.take(&mut state));
            }
            state = self.work.wait_timeout(state, self.limits.linger - age).unwrap_or_else(PoisonError::into_inner).0;
        }
    }

    fn take(&self, state: &mut State) -> Batch {
        let kind = if state.rows[state.turn].is_empty() { 1 - state.turn } else { state.turn };
        state.turn = 1 - kind;
        let mut bytes = 0;
        let mut rows = Vec::new();
        while rows.len() < self.limits.batch_rows
            && let Some(row) = state.rows[kind].front()
            && (rows.is_empty() || bytes + row.len() <= BATCH_BYTES_MAX)
        {
            bytes += row.len();
            rows.extend(state.rows[kind].pop_front());
        }
        state.under_way = rows.len();
        state.bytes -= bytes;
        state.since[kind] = (!state.rows[kind].is_empty()).then(Instant::now);
        Batch { kind: if kind == 0 { RowKind::Prediction } else { RowKind::Label }, rows }
    }

    /// So many rows of the batch are acknowledged or dropped.
    pub(super) fn finished(&self, rows: usize) {
        let mut state = self.lock();
        state.under_way -= rows;
        self.counts.waiting(state.waiting());
        if state.waiting() == 0 {
            self.done.notify_all();
        }
    }

    /// Waits before the next try. Ends early when the queue is closed meanwhile: then there is one more try at once.
    pub(super) fn pause(&self, wait: Duration) {
        let mut state = self.lock();
        let (until, closed) = (Instant::now() + wait, state.deadline.is_some());
        loop {
            let end = state.deadline.map_or(until, |deadline| deadline.min(until));
            let left = end.saturating_duration_since(Instant::now());
            if left.is_zero() || state.deadline.is_some() != closed {
                return;
            }
            state = self.work.wait_timeout(state, left).unwrap_or_else(PoisonError::into_inner).0;
        }
    }

    /// How long the sender may still go on. `None`: without end.
    pub(super) fn time_left(&self) -> Option<Duration> {
        self.lock().deadline.map(|deadline| deadline.saturating_duration_since(Instant::now()))
    }

    pub(super) fn close(&self, deadline: Instant) {
        let mut state = self.lock();
        state.deadline = Some(state.deadline.map_or(deadline, |before| before.min(deadline)));
        self.work.notify_all();
    }

    /// The sender is gone: what is left, also after a panic of its, is dropped and counted.
    pub(super) fn end(&self) {
        let mut state = self.lock();
        state.ended = true;
        state.deadline.get_or_insert_with(Instant::now);
        for kind in [RowKind::Prediction, RowKind::Label] {
            let left = std::mem::take(&mut state.rows[kind as usize]);
            self.counts.dropped(kind, DropReason::Closed, left.len());
        }
        (state.bytes, state.since) = (0, [None; 2]);
        self.counts.waiting(state.waiting());
        self.done.notify_all();
    }

    /// Whether nothing waits.
    pub(super) fn flush(&self, deadline: Instant) -> bool {
        let mut state = self.lock();
        state.flushing += 1;
        self.work.notify_all();
        while state.waiting() > 0 && !state.ended {
            let left = deadline.saturating_duration_since(Instant::now());
            if left.is_zero() {
                break;
            }
            state = self.done.wait_timeout(state, left).unwrap_or_else(PoisonError::into_inner).0;
        }
        state.flushing -= 1;
        state.waiting() == 0
    }

    pub(super) fn wait_for_end(&self, deadline: Instant) {
        let mut state = self.lock();
        while !state.ended {
            let left = deadline.saturating_duration_since(Instant::now());
            if left.is_zero() {
                return;
            }
            state = self.done.wait_timeout(state, left).unwrap_or_else(PoisonError::into_inner).0;
        }
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl State {
    fn queued(&self) -> usize {
        self.rows[0].len() + self.rows[1].len()
    }

    fn waiting(&self) -> usize {
        self.queued() + self.under_way
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Instrument;

    fn queue(limits: Limits) -> Queue {
        Queue::new(limits, Arc::new(Instrument::new().log_families().of_model("m")))
    }

    fn row(kind: RowKind, bytes: usize) -> Row {
        Row { kind, json: vec![b'x'; bytes] }
    }

    #[test]
    fn both_bounds_count_what_is_under_way() {
        let queue = queue(Limits { rows_max: 3, bytes_max: 100, batch_rows: 2, linger: Duration::ZERO });
        for bytes in [10, 60] {
            assert_eq!(queue.push(row(RowKind::Prediction, bytes)), Ok(()));
        }
        assert_eq!(queue.push(row(RowKind::Label, 31)), Err(DropReason::QueueFull));
        assert_eq!(queue.push(row(RowKind::Label, 30)), Ok(()));
        assert_eq!(queue.push(row(RowKind::Label, 0)), Err(DropReason::QueueFull));
        let batch = queue.next().expect("open");
        assert_eq!((batch.kind, batch.rows.len()), (RowKind::Prediction, 2));
        assert_eq!(queue.push(row(RowKind::Label, 1)), Err(DropReason::QueueFull));
        queue.finished(2);
        assert_eq!(queue.push(row(RowKind::Label, 1)), Ok(()));
    }

    #[test]
    fn kinds_take_turns() {
        let queue = queue(Limits { batch_rows: 2, linger: Duration::ZERO, ..Limits::default() });
        for kind in [RowKind::Prediction, RowKind::Prediction, RowKind::Prediction, RowKind::Label] {
            assert_eq!(queue.push(row(kind, 1)), Ok(()));
        }
        let mut taken = Vec::new();
        for _ in 0..3 {
            let batch = queue.next().expect("open");
            taken.push((batch.kind, batch.rows.len()));
            queue.finished(batch.rows.len());
        }
        assert_eq!(taken, [(RowKind::Prediction, 2), (RowKind::Label, 1), (RowKind::Prediction, 1)]);
    }

    #[test]
    fn a_closed_queue_takes_nothing_and_ends() {
        let queue = queue(Limits::default());
        assert_eq!(queue.push(row(RowKind::Label, 1)), Ok(()));
        queue.close(Instant::now());
        assert_eq!(queue.push(row(RowKind::Label, 1)), Err(DropReason::Closed));
        assert_eq!(queue.next().map(|batch| batch.rows.len()), Some(1));
        queue.finished(1);
        assert!(queue.next().is_none());
        queue.end();
        assert!(queue.flush(Instant::now()));
    }
}
