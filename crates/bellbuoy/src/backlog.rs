//! tell: changes of the state on their way to the disk, in the order in which they were decided.
//!
//! In:    lists of changes, each pushed under the lock of the stage that decided it. Out: one transaction for all that wait; then messages in the outbox.
//! Never: loses a change: what could not be written stays in front of the next ones.
//! Holds: whoever waits for its ticket is told "on disk" only when it is. Who comes while a commit runs shares the next one.

use std::collections::VecDeque;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, RwLock};
use std::time::Duration;

use bellbuoy_notify::Notice;
use bellbuoy_vocabulary::Timestamp;
use tracing::error;

use crate::config::Settings;
use crate::outbox::{Dropped, Outbox, Pending};
use crate::state::{Durability, NewMessage, OutboxStatus, Settlement, State, Write};
use crate::telemetry::Telemetry;

/// Changes that wait because the disk is full, at most; above it the oldest are dropped and counted as lost.
const WAITING_MAX: usize = 1_000_000;

/// When the disk takes nothing, it is asked again after this time.
const RETRY: Duration = Duration::from_secs(1);

/// The settings of now, of which a reload makes others.
pub type Shared = Arc<RwLock<Arc<Settings>>>;

/// Names a place in the order of changes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Ticket(u64);

pub struct Backlog {
    state: Arc<State>,
    outbox: Arc<Outbox>,
    telemetry: Arc<Telemetry>,
    settings: Shared,
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
    pub fn new(state: Arc<State>, outbox: Arc<Outbox>, telemetry: Arc<Telemetry>, settings: Shared) -> Arc<Backlog> {
        Arc::new(Backlog {
            state,
            outbox,
            telemetry,
            settings,
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
        let (ticket, closed) = self.leave(writes);
        // The answer of a receiver that came while we stop: `run` has ended.
        if closed {
            self.wait(ticket);
        }
    }

    /// Leaves changes to `run`. Gives whether it has ended.
    fn leave(&self, writes: Vec<Write>) -> (Ticket, bool) {
        let mut waiting = lock(&self.waiting);
        waiting.ticket += 1;
        waiting.writes.extend(writes);
        waiting.unattended = true;
        self.pushed.notify_one();
        (Ticket(waiting.ticket), waiting.closed)
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
        loop {
            let ticket = {
                let mut waiting = lock(&self.waiting);
                waiting.closed = true;
                self.pushed.notify_all();
                Ticket(waiting.ticket)
            };
            // What is written may put more in line: messages that others replace.
            if !self.wait(ticket) || lock(&self.waiting).writes.is_empty() {
                return;
            }
        }
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
        let settings = self.settings.read().unwrap_or_else(|poisoned| poisoned.into_inner()).clone();
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
            dropped.extend(settled(self.outbox.add(pending), at, &self.telemetry, &settings));
        }
        if !dropped.is_empty() {
            self.leave(dropped);
        }
        if any {
            self.outbox.wake.notify_waiters();
        }
    }
}

/// Messages for the fallback receiver, if there is one that is not the refuser itself: what another one was not told, and why.
/// Written before or together with the refusal; a repeat after a crash has the same keys and changes nothing.
pub fn diverted(notice: &Notice, key: &str, why: &str, now: Timestamp, settings: &Settings) -> Vec<Write> {
    let Some(name) = settings.fallback_receiver.as_ref().filter(|name| **name != notice.receiver) else { return Vec::new() };
    let receiver = settings.receivers.iter().find(|receiver| receiver.name == *name);
    let mut writes = Vec::new();
    for one in receiver.into_iter().flat_map(|receiver| &receiver.integrations) {
        let diverted = Notice {
            receiver: name.clone(),
            integration_kind: one.kind.word().to_string(),
            integration_index: one.index,
            reason: format!("{} {why}", notice.destination()),
            ..notice.clone()
        };
        let key = format!("{key}-{}-{}", one.kind.word(), one.index);
        writes.push(Write::Message(NewMessage { key, notice: Arc::new(diverted), at: now }));
    }
    writes
}

/// What is recorded of messages that will not be sent. Those that nobody hears of otherwise go to the fallback receiver.
pub fn settled(dropped: Dropped, now: Timestamp, telemetry: &Telemetry, settings: &Settings) -> Vec<Write> {
    let settle = |id, status, answer: &str| Write::Settle(Settlement::without_attempt(id, status, answer, now));
    telemetry.notifications_replaced.add(dropped.replaced.len() as u64);
    telemetry.outbox_dropped.add(dropped.too_many.len() as u64);
    let replaced = dropped.replaced.into_iter().map(|id| settle(id, OutboxStatus::Replaced, "a newer message of its group says all of it"));
    let mut writes: Vec<Write> = replaced.collect();
    for message in dropped.too_many {
        writes.extend(diverted(&message.notice, &message.key, "has too many unsent messages of this group", now, settings));
        writes.push(settle(message.id, OutboxStatus::Failed, "too many unsent messages of its group"));
    }
    writes
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(|poisoned| poisoned.into_inner())
}

#[cfg(test)]
mod given_up;

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fixtures;
    use crate::outbox::Next;

    fn backlog() -> Arc<Backlog> {
        let state = State::open(std::path::Path::new(":memory:")).expect("in memory");
        Backlog::new(Arc::new(state), Arc::default(), Arc::default(), Arc::default())
    }

    fn message(key: &str, at: i64) -> Write {
        fixtures::message(key, fixtures::notice("team", "g", vec![fixtures::alert("A")], at))
    }

    fn statuses(backlog: &Backlog) -> Vec<(String, &'static str)> {
        backlog.state.messages(10).expect("rows").into_iter().map(|row| (row.key, row.status.word())).collect()
    }

    #[test]
    fn a_message_is_in_the_outbox_when_it_is_on_disk_and_not_before() {
        let backlog = backlog();
        let ticket = backlog.push(vec![message("a", 1)]);
        assert!(backlog.outbox.is_empty());
        assert!(backlog.wait(ticket));
        assert_eq!(statuses(&backlog), [("a".to_string(), "pending")]);
        assert!(matches!(backlog.outbox.next("team/webhook/0", Timestamp(5)), Next::Due(due) if due.key == "a"));
        // Nothing new: the ticket of what was there.
        assert_eq!(backlog.push(Vec::new()), ticket);
    }

    #[test]
    fn one_transaction_writes_for_all_who_wait() {
        let backlog = backlog();
        let first = backlog.push(vec![message("a", 1)]);
        let second = backlog.push(vec![message("b", 2)]);
        assert!(backlog.wait(second));
        let rows = statuses(&backlog);
        assert_eq!(rows.len(), 2);
        // There is nothing left to do for the first one.
        assert!(lock(&backlog.waiting).writes.iter().all(|write| matches!(write, Write::Settle(_))));
        assert!(backlog.wait(first));
    }

    /// Closing while a message replaced another one waited for itself for ever.
    #[test]
    fn closing_writes_what_comes_of_what_it_writes() {
        let backlog = backlog();
        backlog.push(vec![message("a", 1), message("b", 2)]);
        backlog.close();
        assert_eq!(statuses(&backlog), [("b".to_string(), "pending"), ("a".to_string(), "replaced")]);
        // An answer that comes after the end is written by who brings it.
        let settled = Settlement::without_attempt(2, OutboxStatus::Delivered, "delivered", Timestamp(3));
        let settlement = Settlement { attempted: true, ..settled };
        backlog.push_unattended(vec![Write::Settle(settlement)]);
        assert_eq!(statuses(&backlog)[0], ("b".to_string(), "delivered"));
    }
}
