//! tell: changes of the state on their way to the disk, in the order in which they were decided.
//!
//! In:    lists of changes, each pushed under the lock of the stage that decided it. Out: one transaction for all that wait; then messages in the outbox.
//! Never: loses a change: what could not be written stays in front of the next ones.
//! Holds: whoever waits for its ticket is told "on disk" only when it is. Who comes while a commit runs shares the next one.

use std::collections::VecDeque;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Condvar, Mutex, MutexGuard};
use std::time::Duration;

use bellbuoy_vocabulary::Timestamp;
use tracing::error;

use crate::outbox::{Dropped, Outbox, Pending};
use crate::state::{Durability, OutboxStatus, Settlement, State, Write};
use crate::telemetry::Telemetry;

/// Changes that wait because the disk is full, at most; above it the oldest are dropped and counted as lost.
const WAITING_MAX: usize = 1_000_000;

/// When the disk takes nothing, it is asked again after this time.
const RETRY: Duration = Duration::from_secs(1);

/// Names a place in the order of changes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Ticket(u64);

pub struct Backlog {
    state: Arc<State>,
    outbox: Arc<Outbox>,
    telemetry: Arc<Telemetry>,
    waiting: Mutex<Waiting>,
    /// Woken when something waits that nobody waits for.
    pushed: Condvar,
    /// Held while a transaction is written.
    committing: Mutex<()>,
    /// Tickets up to this one are on disk.
    committed: AtomicU64,
}

#[derive(Default)]
struct Waiting {
    writes: VecDeque<Write>,
    ticket: u64,
    /// Nobody waits for the newest changes: the thread writes them.
    unattended: bool,
    closed: bool,
}

impl Backlog {
    pub fn new(state: Arc<State>, outbox: Arc<Outbox>, telemetry: Arc<Telemetry>) -> Arc<Backlog> {
        Arc::new(Backlog {
            state,
            outbox,
            telemetry,
            waiting: Mutex::default(),
            pushed: Condvar::new(),
            committing: Mutex::default(),
            committed: AtomicU64::new(0),
        })
    }

    /// Puts changes in line. The ticket is that of the last one in line, so with no changes it stands for all before.
    pub fn push(&self, writes: Vec<Write>) -> Ticket {
        let mut waiting = lock(&self.waiting);
        if !writes.is_empty() {
            waiting.ticket += 1;
            waiting.writes.extend(writes);
        }
        Ticket(waiting.ticket)
    }

    /// Puts changes in line that nobody waits for: they are written at once, but not by the caller.
    pub fn push_unattended(&self, writes: Vec<Write>) {
        let mut waiting = lock(&self.waiting);
        waiting.ticket += 1;
        waiting.writes.extend(writes);
        let ticket = Ticket(waiting.ticket);
        waiting.unattended = true;
        self.pushed.notify_one();
        let closed = waiting.closed;
        drop(waiting);
        // The answer of a receiver that came while we stop.
        if closed {
            self.wait(ticket);
        }
    }

    /// Waits until the ticket's changes are on disk. False when they could not be written; they stay in line.
    pub fn wait(&self, ticket: Ticket) -> bool {
        if self.committed.load(Ordering::Acquire) >= ticket.0 {
            return true;
        }
        let guard = lock(&self.committing);
        // Somebody else's transaction may have had ours in it.
        let written = self.committed.load(Ordering::Acquire) >= ticket.0 || self.commit();
        drop(guard);
        written
    }

    /// Writes what nobody waits for until `close`; a thread of its own.
    pub fn run(&self) {
        loop {
            let mut waiting = lock(&self.waiting);
            while !waiting.unattended && !waiting.closed {
                waiting = self.pushed.wait(waiting).unwrap_or_else(|poisoned| poisoned.into_inner());
            }
            if waiting.closed {
                return;
            }
            waiting.unattended = false;
            let ticket = Ticket(waiting.ticket);
            drop(waiting);
            if !self.wait(ticket) {
                let mut waiting = lock(&self.waiting);
                waiting.unattended = true;
                drop(self.pushed.wait_timeout(waiting, RETRY));
            }
        }
    }

    /// Ends `run`, and writes what is still in line.
    pub fn close(&self) {
        let ticket = {
            let mut waiting = lock(&self.waiting);
            waiting.closed = true;
            self.pushed.notify_all();
            Ticket(waiting.ticket)
        };
        self.wait(ticket);
    }

    /// One transaction with all that waits. The caller holds `committing`.
    fn commit(&self) -> bool {
        let (mut batch, upto) = {
            let mut waiting = lock(&self.waiting);
            (std::mem::take(&mut waiting.writes), waiting.ticket)
        };
        let writes = batch.make_contiguous();
        // That a message was delivered may be lost in a power cut (it is sent again), everything else may not.
        let durability = if writes.iter().all(|write| matches!(write, Write::Settle(_))) { Durability::Logged } else { Durability::Synced };
        match self.state.commit(writes, durability) {
            Ok(ids) => {
                self.committed.store(upto, Ordering::Release);
                self.hand_over(batch, ids);
                true
            }
            Err(error) => {
                self.telemetry.state_failures.add(1);
                let mut waiting = lock(&self.waiting);
                let later = std::mem::replace(&mut waiting.writes, batch);
                waiting.writes.extend(later);
                let excess = waiting.writes.len().saturating_sub(WAITING_MAX);
                waiting.writes.drain(..excess);
                self.telemetry.state_changes_lost.add(excess as u64);
                error!("{error}; {} changes wait for the disk", waiting.writes.len());
                false
            }
        }
    }

    /// New messages go to the outbox now that they are on disk. `ids`: their rows, `None` for one that was there already.
    fn hand_over(&self, batch: VecDeque<Write>, ids: Vec<Option<i64>>) {
        let mut dropped = Vec::new();
        let mut any = false;
        let messages = batch.into_iter().filter_map(|write| match write {
            Write::Message(message) => Some(message),
            _ => None,
        });
        for (message, id) in messages.zip(ids) {
            let Some(id) = id else { continue };
            any = true;
            let at = message.at;
            let notice = message.notice;
            let pending = Pending { id, key: message.key, notice, attempts: 0, due_at: at, last_answer: String::new() };
            dropped.extend(settled(self.outbox.add(pending), at, &self.telemetry));
        }
        if !dropped.is_empty() {
            self.push_unattended(dropped);
        }
        if any {
            self.outbox.wake.notify_waiters();
        }
    }
}

/// What is recorded of messages that will not be sent.
pub fn settled(dropped: Dropped, now: Timestamp, telemetry: &Telemetry) -> Vec<Write> {
    let settle = |id, status, answer: &str| {
        Write::Settle(Settlement {
            id,
            status,
            due_at: now,
            at: now,
            answer: answer.to_string(),
            remote_id: None,
            memory: None,
            attempted: false,
        })
    };
    telemetry.notifications_replaced.add(dropped.replaced.len() as u64);
    telemetry.outbox_dropped.add(dropped.too_many.len() as u64);
    let replaced = dropped.replaced.into_iter().map(|id| settle(id, OutboxStatus::Replaced, "a newer message of its group says all of it"));
    let too_many = dropped.too_many.into_iter().map(|id| settle(id, OutboxStatus::Failed, "too many unsent messages of its group"));
    replaced.chain(too_many).collect()
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(|poisoned| poisoned.into_inner())
}
