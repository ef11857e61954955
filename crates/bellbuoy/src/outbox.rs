//! tell: the messages that are on disk and wait to be sent, in memory: which one is next, and which one a newer one replaces.
//!
//! In:    messages that were committed, and what became of each attempt. Out: the next message of a destination.
//! Never: holds a message that is not on disk; sends; reads a clock.
//! Holds: the messages of one group to one destination go in the order in which they were decided. An unsent message is
//!        replaced only by one that says all that it said.

use std::collections::{BTreeSet, HashMap, VecDeque};
use std::sync::{Arc, Mutex, MutexGuard};

use bellbuoy_notify::Notice;
use bellbuoy_vocabulary::Timestamp;
use tokio::sync::Notify;

/// Messages of one group that wait for one destination. They are so many only where events or alerts come and go while the receiver is down
/// for days; above it the oldest is given up: the fallback receiver gets it, and it is counted as failed.
const GROUP_MESSAGES_MAX: usize = 10_000;

/// A message that waits.
#[derive(Clone, Debug)]
pub struct Pending {
    /// The row in the database.
    pub id: i64,
    /// Stable over retries and restarts.
    pub key: String,
    pub notice: Arc<Notice>,
    pub attempts: u32,
    pub due_at: Timestamp,
    pub last_answer: String,
}

#[derive(Debug)]
pub enum Next {
    Nothing,
    At(Timestamp),
    /// It is under way from now on, until it is settled.
    Due(Box<Pending>),
}

/// Messages that will not be sent.
#[derive(Debug, Default)]
pub struct Dropped {
    /// A newer message says all that these did.
    pub replaced: Vec<i64>,
    /// Above `GROUP_MESSAGES_MAX`.
    pub too_many: Vec<Pending>,
}

#[cfg(test)]
impl Dropped {
    pub fn is_empty(&self) -> bool {
        self.replaced.is_empty() && self.too_many.is_empty()
    }
}

pub struct Outbox {
    group_messages_max: usize,
    queues: Mutex<HashMap<String, Queue>>,
    /// Woken by new messages and by everything that may change when one is due.
    pub wake: Notify,
}

/// What waits for one destination.
#[derive(Default)]
struct Queue {
    groups: HashMap<String, VecDeque<Pending>>,
    /// The first message of each group, but not the one under way.
    heads: BTreeSet<(Timestamp, i64, String)>,
    under_way: Option<i64>,
}

impl Default for Outbox {
    fn default() -> Outbox {
        Outbox::with_groups_of(GROUP_MESSAGES_MAX)
    }
}

impl Outbox {
    /// With so many unsent messages of a group, at most.
    pub fn with_groups_of(group_messages_max: usize) -> Outbox {
        Outbox { group_messages_max, queues: Mutex::default(), wake: Notify::default() }
    }

    /// Takes a message that is on disk.
    pub fn add(&self, message: Pending) -> Dropped {
        let mut queues = self.lock();
        let queue = queues.entry(message.notice.destination()).or_default();
        queue.add(message, self.group_messages_max)
    }

    /// The destinations that have messages.
    pub fn destinations(&self) -> Vec<String> {
        self.lock().keys().cloned().collect()
    }

    #[cfg(test)]
    pub fn len(&self) -> usize {
        self.lock().values().flat_map(|queue| queue.groups.values()).map(VecDeque::len).sum()
    }

    #[cfg(test)]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// The message of a destination that waits longest among those that are first in their group and due; or when the next one is.
    pub fn next(&self, destination: &str, now: Timestamp) -> Next {
        let mut queues = self.lock();
        let Some(queue) = queues.get_mut(destination) else { return Next::Nothing };
        let Some((due_at, id, group)) = queue.heads.first().cloned() else {
            if queue.groups.is_empty() {
                queues.remove(destination);
            }
            return Next::Nothing;
        };
        if due_at > now {
            return Next::At(due_at);
        }
        queue.heads.pop_first();
        queue.under_way = Some(id);
        let first = queue.groups.get(&group).and_then(VecDeque::front).cloned();
        first.map_or(Next::Nothing, |message| Next::Due(Box::new(message)))
    }

    /// Whether a message waits that could be sent now, beside the one under way.
    pub fn has_due(&self, destination: &str, now: Timestamp) -> bool {
        self.lock().get(destination).and_then(|queue| queue.heads.first()).is_some_and(|(due_at, ..)| *due_at <= now)
    }

    /// How many messages wait for each destination.
    pub fn waiting(&self) -> HashMap<String, usize> {
        self.lock().iter().map(|(name, queue)| (name.clone(), queue.groups.values().map(VecDeque::len).sum())).collect()
    }

    /// A message, and those of its group before it, are due now. `None`: it does not wait; false: it is under way.
    pub fn hurry(&self, destination: &str, group: &str, id: i64, now: Timestamp) -> Option<bool> {
        let mut queues = self.lock();
        let queue = queues.get_mut(destination)?;
        let place = queue.groups.get(group)?.iter().position(|message| message.id == id)?;
        if queue.under_way == Some(id) {
            return Some(false);
        }
        queue.hide_head(group);
        for message in queue.groups.get_mut(group).into_iter().flatten().take(place + 1) {
            message.due_at = message.due_at.min(now);
        }
        queue.show_head(group);
        drop(queues);
        self.wake.notify_waiters();
        Some(true)
    }

    /// The message under way was not tried after all.
    pub fn put_back(&self, message: &Pending) {
        let mut queues = self.lock();
        let Some(queue) = queues.get_mut(&message.notice.destination()) else { return };
        queue.under_way = None;
        queue.show_head(&message.notice.group_key);
    }

    /// The message under way was delivered or given up.
    pub fn done(&self, message: &Pending) {
        let mut queues = self.lock();
        let Some(queue) = queues.get_mut(&message.notice.destination()) else { return };
        queue.under_way = None;
        let group = &message.notice.group_key;
        if let Some(waiting) = queue.groups.get_mut(group) {
            waiting.pop_front();
            if waiting.is_empty() {
                queue.groups.remove(group);
            }
        }
        queue.show_head(group);
    }

    /// The message under way is tried again later, unless a newer one that came meanwhile replaces it.
    pub fn again(&self, message: &Pending, due_at: Timestamp, answer: &str) -> Dropped {
        let mut queues = self.lock();
        let Some(queue) = queues.get_mut(&message.notice.destination()) else { return Dropped::default() };
        queue.under_way = None;
        let mut dropped = Dropped::default();
        let group = &message.notice.group_key;
        if let Some(waiting) = queue.groups.get_mut(group) {
            if let Some(first) = waiting.front_mut() {
                first.attempts += 1;
                first.due_at = due_at;
                first.last_answer = answer.to_string();
            }
            while waiting.len() > 1 && says_all_of(&waiting[1].notice, &waiting[0].notice) {
                dropped.replaced.extend(waiting.pop_front().map(|old| old.id));
            }
        }
        queue.show_head(group);
        dropped
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<String, Queue>> {
        self.queues.lock().unwrap_or_else(|poisoned| poisoned.into_inner())
    }
}

impl Queue {
    fn add(&mut self, message: Pending, group_messages_max: usize) -> Dropped {
        let mut dropped = Dropped::default();
        let group = message.notice.group_key.clone();
        self.hide_head(&group);
        let waiting = self.groups.entry(group.clone()).or_default();
        while let Some(last) = waiting.back()
            && self.under_way != Some(last.id)
            && says_all_of(&message.notice, &last.notice)
        {
            dropped.replaced.extend(waiting.pop_back().map(|old| old.id));
        }
        if waiting.len() >= group_messages_max {
            let oldest = usize::from(waiting.front().is_some_and(|first| self.under_way == Some(first.id)));
            dropped.too_many.extend(waiting.remove(oldest));
        }
        waiting.push_back(message);
        self.show_head(&group);
        dropped
    }

    fn hide_head(&mut self, group: &str) {
        if let Some(first) = self.groups.get(group).and_then(VecDeque::front) {
            self.heads.remove(&(first.due_at, first.id, group.to_string()));
        }
    }

    fn show_head(&mut self, group: &str) {
        if let Some(first) = self.groups.get(group).and_then(VecDeque::front)
            && self.under_way != Some(first.id)
        {
            self.heads.insert((first.due_at, first.id, group.to_string()));
        }
    }
}

/// Whether the newer message leaves nothing out: what the older one calls firing it calls firing too, what the older one calls resolved it names.
/// So a first firing is never replaced by its end: people hear of both.
fn says_all_of(newer: &Notice, older: &Notice) -> bool {
    let told: HashMap<u64, bool> = newer.alerts.iter().map(|alert| (alert.fingerprint(), alert.resolved_at(newer.at))).collect();
    older.alerts.iter().all(|alert| match told.get(&alert.fingerprint()) {
        None => false,
        Some(ended) => !ended || alert.resolved_at(older.at),
    })
}

#[cfg(test)]
mod tests {
    use bellbuoy_vocabulary::Alert;

    use super::*;
    use crate::fixtures;

    /// Alerts by name; a small letter is resolved: `Ab` is A firing and B resolved.
    fn message(id: i64, group: &str, alerts: &str, due: i64) -> Pending {
        let alert = |name: char| Alert {
            ends_at: Timestamp(if name.is_lowercase() { 1 } else { 1_000_000 }),
            ..fixtures::alert(&name.to_uppercase().to_string())
        };
        let notice = fixtures::notice("team", group, alerts.chars().map(alert).collect(), 10);
        let notice = Arc::new(Notice { sequence: id as u64, ..notice });
        Pending { id, key: format!("k{id}"), notice, attempts: 0, due_at: Timestamp(due), last_answer: String::new() }
    }

    fn take(outbox: &Outbox, now: i64) -> Option<Box<Pending>> {
        match outbox.next("team/webhook/0", Timestamp(now)) {
            Next::Due(message) => Some(message),
            _ => None,
        }
    }

    fn due(outbox: &Outbox, now: i64) -> String {
        match outbox.next("team/webhook/0", Timestamp(now)) {
            Next::Nothing => "nothing".into(),
            Next::At(at) => format!("at {}", at.0),
            Next::Due(message) => {
                let said = message.id.to_string();
                outbox.again(&message, message.due_at, "looked at");
                said
            }
        }
    }

    #[test]
    fn messages_of_a_group_go_in_order_and_a_waiting_group_does_not_stop_others() {
        let outbox = Outbox::default();
        for message in [message(1, "a", "A", 10), message(2, "a", "a", 11), message(3, "b", "B", 12)] {
            assert!(outbox.add(message).is_empty());
        }
        let first = take(&outbox, 20).expect("due");
        assert_eq!(first.id, 1);
        // While it is under way, its group waits and the other does not.
        let other = take(&outbox, 20).expect("due");
        assert_eq!(other.id, 3);
        outbox.done(&other);
        outbox.again(&first, Timestamp(100), "429");
        assert_eq!(due(&outbox, 20), "at 100");
        let first = take(&outbox, 100).expect("due");
        assert_eq!((first.id, first.attempts, first.last_answer.as_str()), (1, 1, "429"));
        outbox.done(&first);
        assert_eq!(due(&outbox, 100), "2");
        let second = take(&outbox, 100).expect("due");
        outbox.done(&second);
        assert_eq!(due(&outbox, 100), "nothing");
        assert!(outbox.is_empty() && outbox.destinations().is_empty());
    }

    /// A receiver was down for a day while an alert came and went each five minutes: it got 288 messages when it was back.
    #[test]
    fn the_newest_state_replaces_an_unsent_one_but_never_a_firing_by_its_end() {
        for (alerts, left) in [
            // More of the same, and a repeat.
            (&["A", "AB", "AB"][..], &[3][..]),
            // The end is told after the firing; a new firing says all that both said.
            (&["A", "a"], &[1, 2]),
            (&["A", "a", "A"], &[3]),
            (&["A", "a", "A", "a", "A", "a"], &[5, 6]),
            // B is not in the newer message any more: nobody would hear that it fired.
            (&["AB", "A"], &[1, 2]),
            (&["AB", "Ab"], &[1, 2]),
            (&["AB", "Ab", "ab"], &[1, 2, 3]),
            (&["AB", "Ab", "AB"], &[3]),
            (&["a", "a"], &[2]),
        ] {
            let outbox = Outbox::default();
            let mut waiting: Vec<i64> = Vec::new();
            for (at, alerts) in (1..).zip(alerts) {
                let dropped = outbox.add(message(at, "g", alerts, at));
                waiting.retain(|id| !dropped.replaced.contains(id));
                waiting.push(at);
            }
            assert_eq!(waiting, left, "{alerts:?}");
            assert_eq!(outbox.len(), left.len());
        }
    }

    #[test]
    fn a_message_under_way_is_replaced_only_when_it_failed() {
        let outbox = Outbox::default();
        outbox.add(message(1, "g", "A", 1));
        let under_way = take(&outbox, 5).expect("due");
        assert!(outbox.add(message(2, "g", "AB", 2)).is_empty());
        assert_eq!(due(&outbox, 5), "nothing");
        assert_eq!(outbox.again(&under_way, Timestamp(1000), "500").replaced, [1]);
        assert_eq!(due(&outbox, 5), "2");
    }

    #[test]
    fn a_group_has_a_bound_and_what_is_above_is_named() {
        let outbox = Outbox::with_groups_of(20);
        let names: Vec<char> = ('A'..='Z').collect();
        let mut too_many = Vec::new();
        for id in 0..23 {
            // Each says something else than the one before.
            let name = names[id as usize % 26];
            too_many.extend(outbox.add(message(id, "g", &name.to_string(), id)).too_many.iter().map(|message| message.id));
        }
        assert_eq!(too_many, [0, 1, 2]);
        assert_eq!(outbox.len(), 20);
    }
}
