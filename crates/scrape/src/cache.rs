//! Raw text of a series to its number in the store, so that a known line costs one hash and no parsing of labels.
//!
//! A target writes its series in the same order each time, so the entries stand in that order and the next line is nearly always
//! the next entry; the index is asked only when it is not. The text itself is not kept but 80 bits of its hash: an entry and its
//! share of the index take 32 bytes, so 100,000 series cost 3 MB. Of half a million series of one target, two would be mixed up with a chance of
//! one in 10^13. The hash is seeded per process; a target that guessed the seed could mix up its own series and nobody else's.

use std::collections::hash_map::RandomState;
use std::hash::{BuildHasher, Hasher};
use std::sync::LazyLock;

use bellbuoy_vocabulary::SeriesRef;
use xxhash_rust::xxh3::xxh3_128_with_seed;

static SEED: LazyLock<u64> = LazyLock::new(|| RandomState::new().build_hasher().finish());

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum State {
    /// Found in the body at hand; the store was not asked for it yet.
    New,
    /// Dropped by `metric_relabel_configs`.
    Dropped,
    /// The store has a value of it that needs a staleness marker when the series vanishes.
    Live,
    /// Known, but ended with a marker already, or written with the target's own times.
    Idle,
}

#[derive(Clone, Copy, Debug)]
pub(crate) struct Entry {
    key: u64,
    check: u16,
    pub state: State,
    /// The number of the scrape that saw it last.
    pub seen: u32,
    /// Of meaning when `Live` or `Idle`.
    pub series: SeriesRef,
}

#[derive(Default)]
pub(crate) struct Cache {
    entries: Vec<Entry>,
    /// Open addressing: number of an entry plus one, 0 is free. At most three quarters are taken.
    index: Vec<u32>,
    /// Where the next line is expected.
    next: usize,
    /// Entries from here on came with the body at hand.
    old: usize,
}

impl Cache {
    /// A new body begins.
    pub fn begin(&mut self) {
        self.next = 0;
        self.old = self.entries.len();
    }

    pub fn len(&self) -> usize {
        self.entries.len()
    }

    pub fn at(&mut self, slot: u32) -> &mut Entry {
        &mut self.entries[slot as usize]
    }

    pub fn iter_mut(&mut self) -> std::slice::IterMut<'_, Entry> {
        self.entries.iter_mut()
    }

    /// The entry of a text; a `New` one when it is not known. Numbers hold until `settle` or `undo`.
    pub fn slot(&mut self, text: &[u8]) -> u32 {
        let hash = xxh3_128_with_seed(text, *SEED);
        let (key, check) = (hash as u64, (hash >> 64) as u16);
        let slot = match self.entries.get(self.next) {
            Some(entry) if entry.key == key && entry.check == check => self.next,
            _ => self.find(key, check).unwrap_or_else(|| self.insert(key, check)),
        };
        self.next = slot + 1;
        slot as u32
    }

    /// The body was refused: what came with it goes.
    pub fn undo(&mut self) {
        if self.entries.len() > self.old {
            self.entries.truncate(self.old);
            self.rebuild();
        }
    }

    /// The body was stored: series that it does not have go, as those do that could not be made.
    pub fn settle(&mut self, scrape: u32) {
        let before = self.entries.len();
        self.entries.retain(|entry| entry.seen == scrape && entry.state != State::New);
        if self.entries.len() < before {
            self.rebuild();
        } else if before > self.old {
            self.entries.shrink_to_fit();
        }
    }

    fn find(&self, key: u64, check: u16) -> Option<usize> {
        let mask = self.index.len().checked_sub(1)?;
        let mut place = key as usize & mask;
        loop {
            // Ends at a free place: a quarter of them is free.
            let slot = (*self.index.get(place)? as usize).checked_sub(1)?;
            if self.entries[slot].key == key && self.entries[slot].check == check {
                return Some(slot);
            }
            place = (place + 1) & mask;
        }
    }

    fn insert(&mut self, key: u64, check: u16) -> usize {
        let slot = self.entries.len();
        self.entries.push(Entry { key, check, state: State::New, seen: 0, series: SeriesRef(0) });
        if (slot + 1) * 4 > self.index.len() * 3 {
            self.rebuild();
        } else {
            self.link(slot);
        }
        slot
    }

    fn rebuild(&mut self) {
        self.entries.shrink_to(self.entries.len());
        let places = (self.entries.len() * 4 / 3 + 1).next_power_of_two();
        self.index = vec![0; places];
        for slot in 0..self.entries.len() {
            self.link(slot);
        }
    }

    fn link(&mut self, slot: usize) {
        let mask = self.index.len() - 1;
        let mut place = self.entries[slot].key as usize & mask;
        while self.index[place] != 0 {
            place = (place + 1) & mask;
        }
        self.index[place] = slot as u32 + 1;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// One scrape with these texts: their slots, and which of them were new.
    fn scrape(cache: &mut Cache, number: u32, texts: &[&str], good: bool) -> String {
        cache.begin();
        let mut words = Vec::new();
        for text in texts {
            let slot = cache.slot(text.as_bytes());
            let entry = cache.at(slot);
            words.push(if entry.state == State::New { format!("+{slot}") } else { slot.to_string() });
            entry.seen = number;
            entry.state = State::Live;
        }
        if good {
            cache.settle(number)
        } else {
            cache.undo()
        }
        format!("{} of {}", words.join(" "), cache.len())
    }

    #[test]
    fn entries_stand_in_the_order_of_the_body() {
        let mut cache = Cache::default();
        assert_eq!(scrape(&mut cache, 1, &["a", "b", "c"], true), "+0 +1 +2 of 3");
        assert_eq!(scrape(&mut cache, 2, &["a", "b", "c"], true), "0 1 2 of 3");
        assert_eq!(scrape(&mut cache, 3, &["c", "a", "b"], true), "2 0 1 of 3", "any order is found");
        assert_eq!(scrape(&mut cache, 4, &["a", "x", "c"], true), "0 +3 2 of 3", "what vanished is forgotten");
        assert_eq!(scrape(&mut cache, 5, &["a", "c", "x", "b"], true), "0 1 2 +3 of 4");
    }

    #[test]
    fn a_refused_body_leaves_no_entry() {
        let mut cache = Cache::default();
        scrape(&mut cache, 1, &["a", "b"], true);
        assert_eq!(scrape(&mut cache, 2, &["a", "y", "z"], false), "0 +2 +3 of 2");
        assert_eq!(scrape(&mut cache, 3, &["y", "b", "a"], true), "+2 1 0 of 3");
    }

    #[test]
    fn many_entries_are_all_found_again() {
        let mut cache = Cache::default();
        let texts: Vec<String> = (0..5000).map(|n| format!("metric_{n}")).collect();
        cache.begin();
        let slots: Vec<u32> = texts.iter().map(|text| cache.slot(text.as_bytes())).collect();
        cache.begin();
        let again: Vec<u32> = texts.iter().rev().map(|text| cache.slot(text.as_bytes())).collect();
        assert_eq!(slots, again.into_iter().rev().collect::<Vec<u32>>());
        assert_eq!(cache.len(), 5000);
    }
}
