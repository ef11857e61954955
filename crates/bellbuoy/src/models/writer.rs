//! The one writer of a model: everything that comes in at the same time is on disk with one fsync, then in memory, then answered.
//!
//! In:    submissions of rows, from requests, folders and tables. Out: their receipts, when the rows are on disk.
//! Holds: the log's order is the order in memory; a row is in memory only when it is on disk; what is refused or fails is in neither.
//! Never: waits for room: a full queue is an answer. A thread, not a task: it waits for the disk.

use std::collections::{HashSet, VecDeque};
use std::sync::{Arc, Condvar, Mutex, RwLock};
use std::thread::JoinHandle;

use bellbuoy_models::{Accepted, Label, Prediction, Schema, Taken};
use bellbuoy_vocabulary::Timestamp;
use tokio::sync::oneshot;
use tracing::error;

use super::engine::{Engine, move_features, position_or_add};
use super::log::{self, Log};
use super::service::lock;

/// What may wait while the disk is busy. A client that is told to wait loses nothing.
const QUEUE_ROWS_MAX: usize = 400_000;
const QUEUE_BYTES_MAX: usize = 256 << 20;
/// Written together: a longer group only makes the first of it wait.
const GROUP_ROWS_MAX: usize = 50_000;
/// Refused rows whose reason is kept; the rest is counted.
const REFUSED_LISTED_MAX: usize = 100;

pub enum Rows {
    /// With what their features are positions of.
    Predictions(Vec<Prediction>, Arc<Schema>),
    Labels(Vec<Label>),
}

/// What became of a submission; all of it is on disk.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Receipt {
    pub new: usize,
    pub repeated: usize,
    /// True values that differ from the ones before.
    pub corrected: usize,
    /// True values whose predictions are not there yet.
    pub waiting: usize,
    pub refused: usize,
    /// Which row of the submission, from 0, its id, and why.
    pub reasons: Vec<(usize, String, String)>,
}

#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum SubmitError {
    #[error("{rows} rows wait for the disk already; send these again in a second")]
    Full { rows: usize },
    #[error("too many requests with rows are being answered; send these again in a second")]
    Busy,
    #[error("the rows could not be written to disk, none of them was taken: {0}")]
    Disk(String),
    #[error("the model is being closed; send the rows again")]
    Closed,
}

pub type Pending = oneshot::Receiver<Result<Receipt, SubmitError>>;

pub struct Writer {
    queue: Arc<Queue>,
    thread: Mutex<Option<JoinHandle<()>>>,
}

struct Submission {
    rows: Rows,
    bytes: usize,
    now: Timestamp,
    reply: oneshot::Sender<Result<Receipt, SubmitError>>,
}

#[derive(Default)]
struct Queue {
    state: Mutex<Waiting>,
    changed: Condvar,
}

#[derive(Default)]
struct Waiting {
    submissions: VecDeque<Submission>,
    rows: usize,
    bytes: usize,
    closed: bool,
    /// The log is asked whether its segment is done.
    roll: Option<Timestamp>,
}

/// What the writer works on.
struct Work {
    name: String,
    engine: Arc<Mutex<Engine>>,
    /// What the next requests are read by.
    schema: Arc<RwLock<Arc<Schema>>>,
    log: Log,
}

impl Writer {
    pub fn start(name: &str, engine: Arc<Mutex<Engine>>, schema: Arc<RwLock<Arc<Schema>>>, log: Log) -> std::io::Result<Writer> {
        let queue = Arc::new(Queue::default());
        let mut work = Work { name: name.to_owned(), engine, schema, log };
        let of_thread = queue.clone();
        let thread = std::thread::Builder::new().name("model-writer".into()).spawn(move || {
            // Whatever ends this thread, nobody waits for it in vain.
            let _closing = Closing(of_thread.clone());
            while let Some((group, roll)) = of_thread.take() {
                if let Some(now) = roll {
                    work.log.roll(now);
                }
                work.write(group);
            }
        })?;
        Ok(Writer { queue, thread: Mutex::new(Some(thread)) })
    }

    /// `bytes`: what the rows take in memory, roughly.
    pub fn submit(&self, rows: Rows, bytes: usize, now: Timestamp) -> Result<Pending, SubmitError> {
        let (reply, pending) = oneshot::channel();
        let mut state = lock(&self.queue.state);
        if state.closed {
            return Err(SubmitError::Closed);
        }
        // A submission that is larger than the queue is taken when nothing else waits.
        let empty = state.submissions.is_empty();
        if !empty && (state.rows + rows.len() > QUEUE_ROWS_MAX || state.bytes + bytes > QUEUE_BYTES_MAX) {
            return Err(SubmitError::Full { rows: state.rows });
        }
        state.rows += rows.len();
        state.bytes += bytes;
        state.submissions.push_back(Submission { rows, bytes, now, reply });
        self.queue.changed.notify_one();
        Ok(pending)
    }

    /// Ends the log's segment when it is full or old.
    pub fn roll(&self, now: Timestamp) {
        lock(&self.queue.state).roll = Some(now);
        self.queue.changed.notify_one();
    }

    /// Writes what waits, then ends. Later submissions are refused.
    pub fn close(&self) {
        lock(&self.queue.state).closed = true;
        self.queue.changed.notify_all();
        if let Some(thread) = lock(&self.thread).take()
            && thread.join().is_err()
        {
            error!("the writer of a model panicked");
        }
    }
}

impl Drop for Writer {
    fn drop(&mut self) {
        self.close();
    }
}

struct Closing(Arc<Queue>);

impl Drop for Closing {
    fn drop(&mut self) {
        let mut state = lock(&self.0.state);
        state.closed = true;
        state.submissions.clear();
    }
}

impl Queue {
    /// Waits for something to do. `None`: closed, and all is done.
    fn take(&self) -> Option<(Vec<Submission>, Option<Timestamp>)> {
        let mut state = lock(&self.state);
        loop {
            if !state.submissions.is_empty() || state.roll.is_some() {
                break;
            }
            if state.closed {
                return None;
            }
            state = self.changed.wait(state).unwrap_or_else(|poisoned| poisoned.into_inner());
        }
        let mut group = Vec::new();
        let mut rows = 0;
        while let Some(next) = state.submissions.pop_front() {
            rows += next.rows.len();
            state.rows -= next.rows.len();
            state.bytes -= next.bytes;
            group.push(next);
            if rows >= GROUP_ROWS_MAX {
                break;
            }
        }
        Some((group, state.roll.take()))
    }
}

impl Rows {
    pub fn len(&self) -> usize {
        match self {
            Rows::Predictions(rows, _) => rows.len(),
            Rows::Labels(rows) => rows.len(),
        }
    }
}

impl Work {
    fn write(&mut self, mut group: Vec<Submission>) {
        let Some(now) = group.last().map(|last| last.now) else { return };
        let (mut receipts, names) = self.keep_new(&mut group);
        let rows: Vec<log::Rows> = group
            .iter()
            .filter(|submission| submission.rows.len() > 0)
            .map(|submission| match &submission.rows {
                Rows::Predictions(rows, _) => log::Rows::Predictions(rows),
                Rows::Labels(rows) => log::Rows::Labels(rows),
            })
            .collect();
        if !rows.is_empty()
            && let Err(problem) = self.log.append(&names, &rows, now)
        {
            error!("model {}: rows could not be written: {problem}", self.name);
            for submission in group {
                let _ = submission.reply.send(Err(SubmitError::Disk(problem.to_string())));
            }
            return;
        }
        let mut engine = lock(&self.engine);
        engine.arrive(self.log.mark());
        let mut replies = Vec::with_capacity(group.len());
        for (submission, receipt) in group.into_iter().zip(&mut receipts) {
            match submission.rows {
                Rows::Predictions(rows, _) => receipt.repeat(engine.predictions(rows).repeated),
                Rows::Labels(rows) => receipt.labels(&engine.labels(rows)),
            }
            replies.push((submission.reply, std::mem::take(receipt)));
        }
        drop(engine);
        for (reply, receipt) in replies {
            // Who asked may be gone; the rows are taken all the same.
            let _ = reply.send(Ok(receipt));
        }
    }

    /// Leaves in the submissions what is new, in the positions of the model's schema, and says what became of the rest.
    fn keep_new(&self, group: &mut [Submission]) -> (Vec<Receipt>, Vec<String>) {
        let mut engine = lock(&self.engine);
        let mut receipts = Vec::with_capacity(group.len());
        // What is not in memory yet but before it in the group: (role, id) of predictions, ids of true values.
        let mut predicted: HashSet<(String, String)> = HashSet::new();
        let mut labelled: HashSet<String> = HashSet::new();
        for submission in group.iter_mut() {
            let mut receipt = Receipt::default();
            match &mut submission.rows {
                Rows::Predictions(rows, schema) => {
                    self.align(&mut engine, rows, schema);
                    keep_predictions(&engine, rows, &mut predicted, &mut receipt);
                }
                Rows::Labels(rows) => keep_labels(&engine, rows, &mut labelled, &mut receipt),
            }
            receipts.push(receipt);
        }
        (receipts, engine.schema().names().to_vec())
    }

    /// Rows that were read by another state of the schema get its positions; names that are new to it are added.
    fn align(&self, engine: &mut Engine, rows: &mut [Prediction], schema: &Arc<Schema>) {
        if Arc::ptr_eq(schema, &read(&self.schema)) || engine.schema().names().starts_with(schema.names()) {
            return;
        }
        let positions: Vec<Option<usize>> = schema.names().iter().map(|name| position_or_add(engine, name)).collect();
        for row in rows {
            move_features(row, &positions);
        }
        *self.schema.write().unwrap_or_else(|poisoned| poisoned.into_inner()) = Arc::new(engine.schema().clone());
    }
}

fn read(schema: &RwLock<Arc<Schema>>) -> Arc<Schema> {
    schema.read().unwrap_or_else(|poisoned| poisoned.into_inner()).clone()
}

fn keep_predictions(engine: &Engine, rows: &mut Vec<Prediction>, before: &mut HashSet<(String, String)>, receipt: &mut Receipt) {
    let mut index = 0;
    rows.retain(|row| {
        index += 1;
        match engine.check_prediction(row) {
            Ok(Taken::Repeated) => receipt.repeated += 1,
            Err(reason) => receipt.refuse(index - 1, &row.id, reason),
            Ok(_) if !before.insert((row.role.clone(), row.id.clone())) => receipt.repeated += 1,
            Ok(_) => {
                receipt.new += 1;
                return true;
            }
        }
        false
    });
}

fn keep_labels(engine: &Engine, rows: &mut Vec<Label>, before: &mut HashSet<String>, receipt: &mut Receipt) {
    let mut index = 0;
    rows.retain(|row| {
        index += 1;
        match engine.check_label(row) {
            // After another value in this group it is a correction back.
            Ok(Taken::Repeated) if !before.contains(&row.id) => {
                receipt.repeated += 1;
                return false;
            }
            Ok(_) => {}
            Err(reason) => {
                receipt.refuse(index - 1, &row.id, reason);
                return false;
            }
        }
        before.insert(row.id.clone());
        true
    });
}

impl Receipt {
    /// Rows that turned out to be there already.
    fn repeat(&mut self, rows: usize) {
        self.new = self.new.saturating_sub(rows);
        self.repeated += rows;
    }

    /// What the model made of true values: those that belong to rows of the same group were waiting only before.
    fn labels(&mut self, accepted: &Accepted) {
        self.repeated += accepted.repeated;
        (self.corrected, self.waiting) = (accepted.corrected, accepted.waiting);
        self.new = accepted.new.saturating_sub(accepted.corrected + accepted.waiting);
    }

    fn refuse(&mut self, row: usize, id: &str, reason: String) {
        self.refused += 1;
        if self.reasons.len() < REFUSED_LISTED_MAX {
            self.reasons.push((row, id.to_owned(), reason));
        }
    }
}

#[cfg(test)]
mod tests;
