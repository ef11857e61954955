//! Pushes on their way to the disk: one of those who wait writes for all of them, in one transaction.
//!
//! In:    changes in the order in which memory took them. Out: whether they are on disk.
//! Holds: when a transaction fails, everything that memory took since has failed too, and is taken back.

use std::collections::HashMap;
use std::sync::{Condvar, Mutex, MutexGuard};

use bellbuoy_exposition::TextWriter;

use super::groups::Groups;
use super::{Group, Key, lock};
use crate::state::{PushedRow, State, StateError};

pub struct Change {
    pub key: Key,
    /// `None`: deleted.
    pub group: Option<Group>,
    pub before: Option<Group>,
}

#[derive(Default)]
pub struct Journal {
    inner: Mutex<Inner>,
    settled: Condvar,
}

#[derive(Default)]
struct Inner {
    waiting: Vec<Change>,
    /// The ticket that was given last.
    last: u64,
    /// Up to here it is decided.
    settled: u64,
    writing: bool,
    /// Tickets whose writing failed, and why, until their owners asked.
    failed: HashMap<u64, String>,
}

impl Journal {
    /// Called under the lock of the groups: the order here is the order there.
    pub fn add(&self, changes: Vec<Change>) -> u64 {
        let mut inner = self.lock();
        inner.waiting.extend(changes);
        inner.last += 1;
        inner.last
    }

    /// Waits until all up to the ticket is on disk.
    pub fn settle(&self, state: &State, ticket: u64, groups: &Mutex<Groups>) -> Result<(), StateError> {
        let mut inner = self.lock();
        loop {
            if inner.settled >= ticket {
                return match inner.failed.remove(&ticket) {
                    Some(why) => Err(StateError::Shared(why)),
                    None => Ok(()),
                };
            }
            if inner.writing {
                inner = self.settled.wait(inner).unwrap_or_else(|poisoned| poisoned.into_inner());
                continue;
            }
            inner.writing = true;
            let (mut batch, last) = (std::mem::take(&mut inner.waiting), inner.last);
            drop(inner);
            let rows: Vec<PushedRow> = batch.iter().map(row).collect();
            let written = state.put_pushed(&rows);
            let Err(why) = written else {
                inner = self.lock();
                (inner.settled, inner.writing) = (last, false);
                self.settled.notify_all();
                continue;
            };
            // Under the lock of the groups nobody adds. Pushes on top of those that failed have failed too.
            let mut groups = lock(groups);
            inner = self.lock();
            batch.append(&mut inner.waiting);
            for change in batch.into_iter().rev() {
                groups.put(change.key, change.before);
            }
            for ticket in inner.settled + 1..=inner.last {
                inner.failed.insert(ticket, why.to_string());
            }
            (inner.settled, inner.writing) = (inner.last, false);
            self.settled.notify_all();
        }
    }

    fn lock(&self) -> MutexGuard<'_, Inner> {
        self.inner.lock().unwrap_or_else(|poisoned| poisoned.into_inner())
    }
}

fn row(change: &Change) -> PushedRow {
    let key = serde_json::to_string(&change.key).unwrap_or_default();
    let Some(group) = &change.group else { return PushedRow { key, body: None, pushed_at: None, failed_at: None } };
    let mut body = TextWriter::unpacked();
    group.families.values().for_each(|family| family.write(&mut body));
    PushedRow { key, body: Some(body.finish()), pushed_at: group.pushed_at, failed_at: group.failed_at }
}
