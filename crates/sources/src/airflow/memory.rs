//! Which ends were counted. The one rule: an end counts when it lies after the horizon and is not the one that is known.
//!
//! In:    a name (run, or try of a task) and its end. Out: whether it is new.
//! Never: grows above its bound; what is forgotten moves the horizon, so that it can not be counted again.

use std::collections::{BTreeSet, HashMap};

use bellbuoy_vocabulary::{Millis, Timestamp};
use serde::{Deserialize, Serialize};

/// Names that are remembered of one list; about 36 bytes of the database each.
pub(super) const NAMES_MAX: usize = 16_384;

#[derive(Clone, Debug)]
pub(super) struct Memory {
    /// What ended up to here is no news.
    horizon: Timestamp,
    /// By the hash of the name, its last end.
    ends: HashMap<u64, Timestamp>,
    by_end: BTreeSet<(Timestamp, u64)>,
    max: usize,
}

/// As it is stored.
#[derive(Serialize, Deserialize)]
pub(super) struct Kept {
    horizon: i64,
    names: Vec<u64>,
    ends: Vec<i64>,
}

impl Memory {
    pub fn new(horizon: Timestamp) -> Memory {
        Memory { horizon, ends: HashMap::new(), by_end: BTreeSet::new(), max: NAMES_MAX }
    }

    #[cfg(test)]
    pub fn with_max(mut self, max: usize) -> Memory {
        self.max = max;
        self
    }

    /// Remembers an end. True when it is new. Two ends of one name that are at most `same` apart are one end, told by two clocks.
    pub fn enter(&mut self, name: u64, end: Timestamp, same: Millis) -> bool {
        if end <= self.horizon {
            return false;
        }
        match self.ends.get(&name).copied() {
            Some(known) if end <= known.saturating_add(same) => return false,
            Some(known) => drop(self.by_end.remove(&(known, name))),
            None => {}
        }
        self.ends.insert(name, end);
        self.by_end.insert((end, name));
        while self.by_end.len() > self.max {
            let Some((end, name)) = self.by_end.pop_first() else { break };
            self.ends.remove(&name);
            self.horizon = self.horizon.max(end);
        }
        true
    }

    pub fn knows(&self, name: u64) -> bool {
        self.ends.contains_key(&name)
    }

    /// After a long stop: what is older is given up.
    pub fn forget_before(&mut self, time: Timestamp) {
        self.horizon = self.horizon.max(time);
    }

    pub fn keep(&self) -> Kept {
        let (ends, names) = self.by_end.iter().map(|(end, name)| (end.0, *name)).unzip();
        Kept { horizon: self.horizon.0, names, ends }
    }

    pub fn restore(kept: Kept) -> Memory {
        let mut memory = Memory::new(Timestamp(kept.horizon));
        for (name, end) in kept.names.into_iter().zip(kept.ends) {
            memory.ends.insert(name, Timestamp(end));
            memory.by_end.insert((Timestamp(end), name));
        }
        memory
    }
}

/// FNV-1a, with a separator behind each part: it must be the same after an update, which the standard library does not promise.
pub(super) fn name_of(parts: &[&str]) -> u64 {
    let mut hash = 0xcbf2_9ce4_8422_2325u64;
    for byte in parts.iter().flat_map(|part| part.bytes().chain([0])) {
        hash = (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3);
    }
    hash
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_forgotten_is_not_counted_again() {
        let mut memory = Memory::new(Timestamp(10)).with_max(2);
        let mut enter = |name: u64, end: i64| memory.enter(name, Timestamp(end), Millis::ZERO);
        assert!(!enter(1, 10), "of before");
        assert!(enter(1, 11) && !enter(1, 11));
        assert!(enter(1, 12), "cleared, and ended again");
        assert!(enter(2, 13) && enter(3, 14));
        // The first one is forgotten, and the horizon lies behind it.
        assert!(!enter(1, 12) && !enter(4, 11) && !enter(2, 13));
        assert!(enter(1, 15));
        let mut again = Memory::restore(memory.keep());
        assert!(!again.enter(1, Timestamp(15), Millis::ZERO) && !again.enter(9, Timestamp(13), Millis::ZERO));
    }

    /// Names are in databases: they must never change.
    #[test]
    fn names_stay() {
        assert_eq!(name_of(&["a", "b"]), 0xab40_d782_0d40_8076);
        assert_ne!(name_of(&["ab", ""]), name_of(&["a", "b"]));
    }
}
