//! A group of alerts that are told together.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use bellbuoy_vocabulary::{Labels, Timestamp};

use crate::Reason;

pub(crate) struct Group {
    /// The route's place in the tree.
    pub route: usize,
    pub labels: Labels,
    pub key: String,
    /// Fingerprints.
    pub alerts: BTreeSet<u64>,
    pub due: Timestamp,
    pub flushed: bool,
    /// Why each integration (kind, index) was last not told.
    pub holds: HashMap<(String, usize), Reason>,
}

/// All groups, by number, by route and labels, and by the time when they are due.
#[derive(Default)]
pub(crate) struct Groups {
    all: BTreeMap<u64, Group>,
    names: HashMap<(usize, Labels), u64>,
    due: BTreeSet<(Timestamp, u64)>,
    next: u64,
}

impl Groups {
    pub fn len(&self) -> usize {
        self.all.len()
    }

    pub fn find(&self, route: usize, labels: &Labels) -> Option<u64> {
        self.names.get(&(route, labels.clone())).copied()
    }

    pub fn get(&self, number: u64) -> Option<&Group> {
        self.all.get(&number)
    }

    /// Changes anything but the group's name and its due time.
    pub fn get_mut(&mut self, number: u64) -> Option<&mut Group> {
        self.all.get_mut(&number)
    }

    pub fn iter(&self) -> impl Iterator<Item = &Group> {
        self.all.values()
    }

    pub fn numbered(&self) -> impl Iterator<Item = (u64, &Group)> {
        self.all.iter().map(|(number, group)| (*number, group))
    }

    pub fn add(&mut self, group: Group) -> u64 {
        let number = self.next;
        self.next += 1;
        self.names.insert((group.route, group.labels.clone()), number);
        self.due.insert((group.due, number));
        self.all.insert(number, group);
        number
    }

    pub fn remove(&mut self, number: u64) {
        if let Some(group) = self.all.remove(&number) {
            self.due.remove(&(group.due, number));
            self.names.remove(&(group.route, group.labels));
        }
    }

    pub fn set_due(&mut self, number: u64, due: Timestamp) {
        if let Some(group) = self.all.get_mut(&number) {
            self.due.remove(&(group.due, number));
            group.due = due;
            self.due.insert((due, number));
        }
    }

    pub fn next_due(&self) -> Option<(Timestamp, u64)> {
        self.due.first().copied()
    }
}
