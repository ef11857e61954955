//! One series in memory and the shards that hold them. A series costs about 120 bytes beside its labels and chunks.
//!
//! In:    samples in order. Out: chunks, open and closed, and a verdict on each sample: taken, equal to the last one, out of order.
//! Never: reads or writes a file.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{RwLock, RwLockReadGuard, RwLockWriteGuard};

use bellbuoy_vocabulary::{AppendError, Labels, Timestamp};

use crate::chunk::{CHUNK_RANGE_MS, CHUNK_SAMPLES, Chunk, first_time};

/// Locks. Eight times the cores of a small machine; a scrape's series lie together in a few of them.
const SHARDS: usize = 16;
/// Series of neighbouring numbers lie together: they were made together and die together.
const PAGE: usize = 64;
/// A log that names higher numbers is refused record by record, so that it can not make the page table huge.
pub const SERIES_ID_MAX: u32 = 1 << 31;

pub struct Series {
    pub labels: Labels,
    /// Full chunks, oldest first, without overlap.
    pub closed: Vec<ClosedChunk>,
    pub open: Chunk,
    /// The log names its labels, so that samples may refer to it.
    pub logged: AtomicBool,
    /// It had no samples at the last retention; the next one removes it unless an appender touches it first.
    pub doomed: AtomicBool,
    /// Samples in the first chunk of a range: 60 to 120.
    first_target: u8,
}

pub struct ClosedChunk {
    pub last_at: i64,
    pub place: Place,
}

/// Where the bytes of a full chunk are.
pub enum Place {
    Memory(Box<[u8]>),
    /// In `chunks_head/`: number of the file and offset of the chunk's record.
    File {
        file: u32,
        offset: u32,
    },
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verdict {
    Take,
    /// The same value at the same time is there already.
    Ignore,
    Refuse(AppendError),
}

impl Series {
    pub fn new(id: u32, labels: Labels) -> Series {
        let first_target = CHUNK_SAMPLES as u8 - (id.wrapping_mul(37) % u32::from(CHUNK_SAMPLES / 2 + 1)) as u8;
        Series {
            labels,
            closed: Vec::new(),
            open: Chunk::default(),
            logged: AtomicBool::new(false),
            doomed: AtomicBool::new(false),
            first_target,
        }
    }

    pub fn last_at(&self) -> Option<Timestamp> {
        if self.open.is_empty() { self.closed.last().map(|c| Timestamp(c.last_at)) } else { Some(self.open.last_at()) }
    }

    pub fn is_empty(&self) -> bool {
        self.open.is_empty() && self.closed.is_empty()
    }

    /// Prometheus' rules for a sample after those that are there.
    #[inline]
    pub fn judge(&self, at: Timestamp, value: f64) -> Verdict {
        match self.last_at() {
            None => Verdict::Take,
            Some(last) if at > last => Verdict::Take,
            Some(last) if at < last => Verdict::Refuse(AppendError::OutOfOrder),
            // Of a chunk on disk the last value is not known; it was taken before, so say nothing new.
            Some(_) if self.open.is_empty() || self.open.last_value_bits() == value.to_bits() => Verdict::Ignore,
            Some(_) => Verdict::Refuse(AppendError::DuplicateTimestamp),
        }
    }

    /// Only after `judge` said `Take`. True when that closed a chunk.
    #[inline]
    pub fn push(&mut self, at: Timestamp, value: f64) -> bool {
        let cut = self.open.full_for(at);
        if cut {
            self.close();
        }
        if self.open.is_empty() {
            self.stagger(at);
        }
        self.open.push(at, value);
        cut
    }

    /// The first chunk of a range ends early, by an amount that differs among series: else all series that are scraped
    /// together would fill and close their chunks at the same moment, again and again.
    fn stagger(&mut self, at: Timestamp) {
        let first = self.closed.last().is_none_or(|chunk| chunk.last_at.div_euclid(CHUNK_RANGE_MS) != at.0.div_euclid(CHUNK_RANGE_MS));
        if first {
            self.open.set_target(self.first_target);
        }
    }

    fn close(&mut self) {
        if self.closed.len() == self.closed.capacity() {
            self.closed.reserve_exact(1 + self.closed.len() / 4);
        }
        let last_at = self.open.last_at().0;
        self.closed.push(ClosedChunk { last_at, place: Place::Memory(self.open.finish()) });
    }

    pub fn overlaps(&self, from: Timestamp, to: Timestamp) -> bool {
        if !self.open.is_empty() && self.open.first_at() <= to && self.open.last_at() >= from {
            return true;
        }
        // Only the first chunk that ends in or after the range can begin before its end.
        let at = self.closed.partition_point(|chunk| chunk.last_at < from.0);
        self.closed.get(at).is_some_and(|chunk| match &chunk.place {
            Place::Memory(bytes) => first_time(bytes).is_some_and(|first| first <= to.0),
            // May answer yes too often (its beginning is not in memory): readers then find no samples.
            Place::File { .. } => at == 0 || self.closed[at - 1].last_at < to.0,
        })
    }
}

#[derive(Default)]
pub struct Shard {
    pages: Vec<Option<Box<[Option<Series>; PAGE]>>>,
}

impl Shard {
    #[inline]
    pub fn get(&self, id: u32) -> Option<&Series> {
        let (page, slot) = locate(id);
        self.pages.get(page)?.as_ref()?[slot].as_ref()
    }

    #[inline]
    pub fn get_mut(&mut self, id: u32) -> Option<&mut Series> {
        let (page, slot) = locate(id);
        self.pages.get_mut(page)?.as_mut()?[slot].as_mut()
    }

    pub fn insert(&mut self, id: u32, series: Series) {
        let (page, slot) = locate(id);
        if self.pages.len() <= page {
            self.pages.resize_with(page + 1, || None);
        }
        self.pages[page].get_or_insert_with(|| Box::new(std::array::from_fn(|_| None)))[slot] = Some(series);
    }

    pub fn remove(&mut self, id: u32) {
        let (page, slot) = locate(id);
        let Some(held) = self.pages.get_mut(page) else { return };
        let Some(series) = held else { return };
        series[slot] = None;
        if series.iter().all(Option::is_none) {
            *held = None;
        }
    }
}

fn locate(id: u32) -> (usize, usize) {
    (id as usize / PAGE / SHARDS, id as usize % PAGE)
}

/// All series by number.
pub struct Shards(Box<[RwLock<Shard>]>);

impl Shards {
    pub fn new() -> Shards {
        Shards((0..SHARDS).map(|_| RwLock::default()).collect())
    }

    pub fn number(id: u32) -> usize {
        id as usize / PAGE % SHARDS
    }

    pub fn read(&self, id: u32) -> RwLockReadGuard<'_, Shard> {
        // A panic inside of a short critical section leaves a series at worst without its last sample; reading goes on.
        self.0[Shards::number(id)].read().unwrap_or_else(|poisoned| poisoned.into_inner())
    }

    pub fn write(&self, id: u32) -> RwLockWriteGuard<'_, Shard> {
        self.0[Shards::number(id)].write().unwrap_or_else(|poisoned| poisoned.into_inner())
    }

    /// Without a lock, while nobody else has the store.
    pub fn own(&mut self, id: u32) -> &mut Shard {
        self.0[Shards::number(id)].get_mut().unwrap_or_else(|poisoned| poisoned.into_inner())
    }

    /// Calls `f` for each of the sorted numbers that exists, keeping a lock for neighbours.
    pub fn each(&self, ids: &[u32], mut f: impl FnMut(u32, &Series)) {
        let mut held: Option<(usize, RwLockReadGuard<'_, Shard>)> = None;
        for id in ids {
            if held.as_ref().is_none_or(|(number, _)| *number != Shards::number(*id)) {
                drop(held.take());
                held = Some((Shards::number(*id), self.read(*id)));
            }
            if let Some((_, shard)) = &held
                && let Some(series) = shard.get(*id)
            {
                f(*id, series);
            }
        }
    }

    pub fn each_mut(&self, ids: &[u32], mut f: impl FnMut(u32, &mut Series)) {
        let mut held: Option<(usize, RwLockWriteGuard<'_, Shard>)> = None;
        for id in ids {
            if held.as_ref().is_none_or(|(number, _)| *number != Shards::number(*id)) {
                drop(held.take());
                held = Some((Shards::number(*id), self.write(*id)));
            }
            if let Some((_, shard)) = &mut held
                && let Some(series) = shard.get_mut(*id)
            {
                f(*id, series);
            }
        }
    }
}

/// Clears the mark of death, so that retention leaves the series to the appender that has just found it.
#[inline]
pub fn touch(series: &Series) {
    if series.doomed.load(Ordering::Relaxed) {
        series.doomed.store(false, Ordering::Relaxed);
    }
}

impl Series {
    pub fn last_closed_bytes(&self) -> u64 {
        match self.closed.last().map(|chunk| &chunk.place) {
            Some(Place::Memory(bytes)) => bytes.len() as u64,
            _ => 0,
        }
    }

    /// A chunk from disk, while the log is replayed. False when it does not lie after what is there.
    pub fn attach(&mut self, first_at: i64, chunk: ClosedChunk) -> bool {
        if self.last_at().is_some_and(|last| last.0 >= first_at) {
            return false;
        }
        if !self.open.is_empty() {
            self.close();
        }
        self.closed.push(chunk);
        true
    }
}
