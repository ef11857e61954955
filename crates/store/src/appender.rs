//! Collects samples, writes them to the log with one write, then makes them visible.
//!
//! In:    series and samples by way of `vocabulary::Append`. Out: log records, then the same in memory; what was refused, counted.
//! Holds: what a reader can see is in the log.

use std::sync::atomic::Ordering;

use bellbuoy_vocabulary::{Append, AppendError, Exemplar, ExemplarError, Labels, Metadata, SeriesRef, Timestamp};

use crate::exemplars::Judged;
use crate::series::{Shards, Verdict, touch};
use crate::stats::add;
use crate::store::{CommitError, KnownMetadata, METADATA_FAMILIES_MAX, Store, lock, read, write};
use crate::wal::record::{self, Entry};

/// Samples of one record: a damaged record loses no more than these.
const RECORD_SAMPLES_MAX: usize = 16_384;
/// Exemplars of one record: some 100 KB.
const RECORD_EXEMPLARS_MAX: usize = 1024;
/// Buffers of this many samples are kept for the next appender, larger ones are given back.
const KEPT_SAMPLES_MAX: usize = 8192;
const KEPT_BUFFERS: usize = 4;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Durability {
    /// Written to the operating system: survives the death of the process.
    Logged,
    /// `fdatasync`ed: survives the loss of power.
    Synced,
}

/// What became of the samples that `append` accepted. Others may have written to the same series meanwhile.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Committed {
    pub appended: u64,
    /// Same time and value as the last sample.
    pub ignored: u64,
    pub refused: u64,
}

#[derive(Default)]
pub(crate) struct Buffers {
    entries: Vec<Entry>,
    samples: Vec<u8>,
}

/// Dropped without `commit`, nothing happens (but that new series keep their numbers for a while).
pub struct Appender<'a> {
    store: &'a Store,
    parity: usize,
    buffers: Buffers,
    /// Series that the log did not name when they were appended to.
    unlogged: Vec<u32>,
    metadata: Vec<(Box<str>, Metadata)>,
    exemplars: Vec<(u32, Exemplar)>,
}

impl<'a> Appender<'a> {
    pub(crate) fn new(store: &'a Store) -> Appender<'a> {
        let parity = (store.round.load(Ordering::SeqCst) & 1) as usize;
        store.open_appenders[parity].fetch_add(1, Ordering::SeqCst);
        let buffers = lock(&store.buffers).pop().unwrap_or_default();
        Appender { store, parity, buffers, unlogged: Vec::new(), metadata: Vec::new(), exemplars: Vec::new() }
    }

    /// Samples that were accepted so far.
    pub fn len(&self) -> usize {
        self.buffers.entries.len()
    }

    pub fn is_empty(&self) -> bool {
        self.buffers.entries.is_empty()
    }

    /// The number of a series that exists: what has exemplars only does not make one.
    pub fn find(&self, labels: &Labels) -> Option<SeriesRef> {
        self.store.find(labels)
    }

    pub fn rollback(self) {}

    /// Writes everything to the log, then makes it visible.
    pub fn commit(mut self, durability: Durability) -> Result<Committed, CommitError> {
        if self.buffers.entries.is_empty() && self.metadata.is_empty() && self.exemplars.is_empty() {
            return Ok(Committed::default());
        }
        let store = self.store;
        let mut ends = Vec::new();
        let Buffers { entries, samples } = &mut self.buffers;
        for part in entries.chunks(RECORD_SAMPLES_MAX) {
            record::push_samples(samples, part);
            ends.push(samples.len());
        }
        let mut log = store.wal.lock();
        let series = self.series_record();
        let metadata = self.metadata_record();
        let mut records: Vec<&[u8]> = [&series[..], &metadata].into_iter().filter(|record| !record.is_empty()).collect();
        let mut start = 0;
        for end in ends {
            records.push(&self.buffers.samples[start..end]);
            start = end;
        }
        // After the samples, as in Prometheus: who follows the log can not have an exemplar before its series has a value.
        let exemplars: Vec<Vec<u8>> = self.exemplars.chunks(RECORD_EXEMPLARS_MAX).map(exemplars_record).collect();
        records.extend(exemplars.iter().map(Vec::as_slice));
        if !records.is_empty() {
            store.wal.write(&mut log, &records)?;
        }
        for id in &self.unlogged {
            if let Some(series) = store.shards.read(*id).get(*id) {
                series.logged.store(true, Ordering::Relaxed);
            }
        }
        self.know_metadata();
        let committed = self.apply();
        store.add_exemplars(&mut self.exemplars);
        let sequence = log.sequence();
        drop(log);
        if durability == Durability::Synced {
            store.wal.sync(sequence)?;
        }
        Ok(committed)
    }

    /// Of the series that no other appender has logged meanwhile. Under the lock of the log.
    fn series_record(&mut self) -> Vec<u8> {
        let mut out = Vec::new();
        self.unlogged.sort_unstable();
        self.unlogged.dedup();
        for id in &self.unlogged {
            if let Some(series) = self.store.shards.read(*id).get(*id)
                && !series.logged.load(Ordering::Relaxed)
            {
                record::push_series(&mut out, *id, &series.labels);
            }
        }
        out
    }

    fn metadata_record(&mut self) -> Vec<u8> {
        let mut out = Vec::new();
        if self.metadata.is_empty() {
            return out;
        }
        let index = read(&self.store.index);
        for (family, metadata) in &self.metadata {
            if let Some(id) = self.store.series_of_family(&index, family) {
                record::push_metadata(&mut out, id, family, metadata);
            }
        }
        out
    }

    fn know_metadata(&mut self) {
        if self.metadata.is_empty() {
            return;
        }
        let index = read(&self.store.index);
        let mut known = write(&self.store.metadata);
        for (family, metadata) in self.metadata.drain(..) {
            if known.len() >= METADATA_FAMILIES_MAX && !known.contains_key(&family) {
                add(&self.store.counters.metadata_dropped, 1);
                continue;
            }
            let logged = self.store.series_of_family(&index, &family).is_some();
            known.insert(family, KnownMetadata { metadata, logged });
        }
    }

    fn apply(&mut self) -> Committed {
        let mut done = Committed::default();
        let (mut newest, mut oldest) = (i64::MIN, i64::MAX);
        let (mut chunks, mut chunk_bytes) = (0, 0);
        let (mut out_of_order, mut duplicate) = (0, 0);
        let shards = &self.store.shards;
        let mut rest = &self.buffers.entries[..];
        while let Some(first) = rest.first() {
            // One lock for neighbours.
            let number = Shards::number(first.id);
            let run = rest.iter().position(|entry| Shards::number(entry.id) != number).unwrap_or(rest.len());
            let mut shard = shards.write(first.id);
            for entry in &rest[..run] {
                let Some(series) = shard.get_mut(entry.id) else {
                    add(&self.store.counters.unknown_ref, 1);
                    done.refused += 1;
                    continue;
                };
                let at = Timestamp(entry.at);
                match series.judge(at, entry.value) {
                    Verdict::Take => {
                        if series.push(at, entry.value) {
                            chunks += 1;
                            chunk_bytes += series.last_closed_bytes();
                        }
                        newest = newest.max(entry.at);
                        oldest = oldest.min(entry.at);
                        done.appended += 1;
                    }
                    Verdict::Ignore => done.ignored += 1,
                    Verdict::Refuse(AppendError::DuplicateTimestamp) => duplicate += 1,
                    Verdict::Refuse(_) => out_of_order += 1,
                }
            }
            rest = &rest[run..];
        }
        done.refused += duplicate + out_of_order;
        let counters = &self.store.counters;
        counters.max_time.raise(newest);
        counters.first_time.lower(oldest);
        add(&counters.samples_appended, done.appended);
        add(&counters.samples_ignored, done.ignored);
        add(&counters.duplicate, duplicate);
        add(&counters.out_of_order, out_of_order);
        add(&counters.chunks, chunks);
        add(&counters.chunk_bytes, chunk_bytes);
        done
    }
}

impl Append for Appender<'_> {
    fn series(&mut self, labels: &Labels) -> Result<(SeriesRef, bool), AppendError> {
        self.store.find_or_make(labels)
    }

    #[inline]
    fn append(&mut self, series: SeriesRef, at: Timestamp, value: f64) -> Result<(), AppendError> {
        let counters = &self.store.counters;
        if at.0 < self.store.floor.load(Ordering::Relaxed) {
            add(&counters.too_old, 1);
            return Err(AppendError::TooOld);
        }
        let unknown = || {
            add(&counters.unknown_ref, 1);
            AppendError::UnknownRef
        };
        let id = u32::try_from(series.0).map_err(|_| unknown())?;
        let shard = self.store.shards.read(id);
        let found = shard.get(id).ok_or_else(unknown)?;
        touch(found);
        if !found.logged.load(Ordering::Relaxed) && self.unlogged.last() != Some(&id) {
            self.unlogged.push(id);
        }
        match found.judge(at, value) {
            Verdict::Take => self.buffers.entries.push(Entry { at: at.0, value, id }),
            Verdict::Ignore => add(&counters.samples_ignored, 1),
            Verdict::Refuse(error) => {
                add(if error == AppendError::OutOfOrder { &counters.out_of_order } else { &counters.duplicate }, 1);
                return Err(error);
            }
        }
        Ok(())
    }

    fn metadata(&mut self, metric: &str, metadata: &Metadata) {
        let new = read(&self.store.metadata).get(metric).is_none_or(|known| !known.logged || known.metadata != *metadata);
        if new {
            self.metadata.push((metric.into(), metadata.clone()));
        }
    }

    fn exemplar(&mut self, series: SeriesRef, exemplar: &Exemplar) -> Result<(), ExemplarError> {
        let store = self.store;
        if !store.exemplars.wanted() {
            return Ok(());
        }
        if !exemplar.fits() {
            add(&store.counters.exemplars_too_long, 1);
            return Err(ExemplarError::TooLong);
        }
        let id = u32::try_from(series.0).map_err(|_| ExemplarError::UnknownRef)?;
        // Those of a series come one after another: the last one taken here is newer than the ring's. What the ring would not take again
        // must not be in the log either, for a replay can not tell.
        let judged = match self.exemplars.last().filter(|(of, _)| *of == id) {
            Some((_, last)) => Judged::of(exemplar, last),
            None => store.exemplars.judge(id, exemplar),
        };
        match judged {
            Judged::New => {}
            Judged::Known => return Ok(()),
            Judged::OutOfOrder => {
                add(&store.counters.exemplars_out_of_order, 1);
                return Err(ExemplarError::OutOfOrder);
            }
        }
        let shard = store.shards.read(id);
        let found = shard.get(id).ok_or(ExemplarError::UnknownRef)?;
        touch(found);
        if !found.logged.load(Ordering::Relaxed) && self.unlogged.last() != Some(&id) {
            self.unlogged.push(id);
        }
        self.exemplars.push((id, exemplar.clone()));
        Ok(())
    }

    fn wants_exemplars(&self) -> bool {
        self.store.exemplars.wanted()
    }
}

fn exemplars_record(exemplars: &[(u32, Exemplar)]) -> Vec<u8> {
    let mut out = Vec::new();
    record::push_exemplars(&mut out, exemplars);
    out
}

impl Drop for Appender<'_> {
    fn drop(&mut self) {
        let mut buffers = std::mem::take(&mut self.buffers);
        buffers.entries.clear();
        buffers.samples.clear();
        if buffers.entries.capacity() <= KEPT_SAMPLES_MAX {
            let mut kept = lock(&self.store.buffers);
            if kept.len() < KEPT_BUFFERS {
                kept.push(buffers);
            }
        }
        self.store.open_appenders[self.parity].fetch_sub(1, Ordering::SeqCst);
    }
}
