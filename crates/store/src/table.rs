//! Which series has these labels: an open-addressing table of series numbers that does not store the labels again.
//! Eight bytes a slot: 32 bits of the labels' hash, 32 bits of the number. The caller compares the labels.

/// 0 is a free slot; series numbers start at 1.
#[derive(Default)]
pub struct IdTable {
    slots: Vec<u64>,
    used: usize,
}

impl IdTable {
    /// The number under this hash for which `same` holds.
    pub fn find(&self, hash: u64, mut same: impl FnMut(u32) -> bool) -> Option<u32> {
        if self.slots.is_empty() {
            return None;
        }
        let tag = tag(hash);
        let mut at = self.home(tag);
        loop {
            let slot = self.slots[at];
            if slot == 0 {
                return None;
            }
            if (slot >> 32) as u32 == tag && same(slot as u32) {
                return Some(slot as u32);
            }
            at = (at + 1) & (self.slots.len() - 1);
        }
    }

    /// The caller has checked that it is not there yet.
    pub fn insert(&mut self, hash: u64, id: u32) {
        assert!(id != 0, "series numbers start at 1");
        if (self.used + 1) * 5 > self.slots.len() * 4 {
            self.resize((self.slots.len() * 2).max(16));
        }
        self.place(u64::from(tag(hash)) << 32 | u64::from(id));
        self.used += 1;
    }

    pub fn remove(&mut self, hash: u64, id: u32) {
        let wanted = u64::from(tag(hash)) << 32 | u64::from(id);
        let Some(mask) = self.slots.len().checked_sub(1) else { return };
        let mut at = self.home(tag(hash));
        while self.slots[at] != wanted {
            if self.slots[at] == 0 {
                return;
            }
            at = (at + 1) & mask;
        }
        // Move followers back so that no chain has a hole (no tombstones to clean up).
        let mut hole = at;
        let mut next = (at + 1) & mask;
        while self.slots[next] != 0 {
            let home = self.home((self.slots[next] >> 32) as u32);
            if (next.wrapping_sub(home) & mask) >= (next.wrapping_sub(hole) & mask) {
                self.slots[hole] = self.slots[next];
                hole = next;
            }
            next = (next + 1) & mask;
        }
        self.slots[hole] = 0;
        self.used -= 1;
    }

    fn resize(&mut self, slots: usize) {
        let old = std::mem::replace(&mut self.slots, vec![0; slots]);
        for slot in old.into_iter().filter(|slot| *slot != 0) {
            self.place(slot);
        }
    }

    fn place(&mut self, slot: u64) {
        let mut at = self.home((slot >> 32) as u32);
        while self.slots[at] != 0 {
            at = (at + 1) & (self.slots.len() - 1);
        }
        self.slots[at] = slot;
    }

    fn home(&self, tag: u32) -> usize {
        tag as usize & (self.slots.len() - 1)
    }
}

fn tag(hash: u64) -> u32 {
    (hash >> 32) as u32 ^ hash as u32
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use proptest::prelude::*;

    use super::*;

    proptest! {
        /// Few hashes, so that chains are long and wrap around.
        #[test]
        fn like_a_set(steps in prop::collection::vec((any::<bool>(), 1u32..60), 0..300)) {
            let (mut table, mut model) = (IdTable::default(), BTreeSet::new());
            let hash = |id: u32| u64::from(id % 7) * 5;
            for (add, id) in steps {
                if add && model.insert(id) {
                    table.insert(hash(id), id);
                } else if !add && model.remove(&id) {
                    table.remove(hash(id), id);
                }
                for id in 1..60 {
                    prop_assert_eq!(table.find(hash(id), |found| found == id).is_some(), model.contains(&id));
                }
            }
        }
    }
}
