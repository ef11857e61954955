//! Raw text of a series to its number in the store, so that a known line costs one hash and no parsing of labels.
//!
//! The key is a 128-bit hash of the text, not the text: 100,000 series then take 5 MB instead of 15. The hash is seeded per process; a
//! target that could guess the seed and find a collision would mix up two of its own series and nobody else's.

use std::collections::HashMap;
use std::collections::hash_map::RandomState;
use std::hash::{BuildHasher, BuildHasherDefault, Hasher};
use std::sync::LazyLock;

use bellbuoy_vocabulary::SeriesRef;
use xxhash_rust::xxh3::xxh3_128_with_seed;

static SEED: LazyLock<u64> = LazyLock::new(|| RandomState::new().build_hasher().finish());

#[derive(Clone, Copy, Debug)]
pub(crate) struct Entry {
    /// `None`: dropped by relabelling.
    pub series: Option<SeriesRef>,
    /// The number of the scrape that saw it last.
    pub seen: u32,
    /// The store has a value of it that is not a staleness marker, written at the time of a scrape.
    pub live: bool,
}

/// The keys are hashes already.
#[derive(Default)]
pub(crate) struct Identity(u64);

impl Hasher for Identity {
    fn finish(&self) -> u64 {
        self.0
    }

    fn write(&mut self, _: &[u8]) {
        unreachable!("only u128 keys are hashed");
    }

    fn write_u128(&mut self, key: u128) {
        self.0 = key as u64;
    }
}

pub(crate) type Cache = HashMap<u128, Entry, BuildHasherDefault<Identity>>;

pub(crate) fn key(series: &[u8]) -> u128 {
    xxh3_128_with_seed(series, *SEED)
}
