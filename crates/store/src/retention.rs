//! Housekeeping, once a minute: old chunks and dead series go, full chunks move to disk, the log is cut.
//!
//! In:    `now`, the limits of age and bytes. Out: `Maintenance`: what went, what was written.
//! Never: drops a chunk from memory before its file is synced.

use std::collections::BTreeMap;
use std::io;
use std::sync::Arc;
use std::sync::atomic::Ordering;

use bellbuoy_vocabulary::Timestamp;

use crate::chunk::{Decoder, first_time};
use crate::disk::LogFile;
use crate::series::{Place, Series};
use crate::stats::add;
use crate::store::{Store, lock, read, write};
use crate::wal::frame::Framer;
use crate::wal::record::{self, Entry, Tombstone};
use crate::wal::{self, parse_number, segment_path};

/// Series whose chunks are written together: bounds the memory that moving takes to some MiB.
const BATCH_SERIES: usize = 512;
/// Bytes of checkpoint records that are written together.
const BATCH_BYTES: usize = 1 << 20;
const HOUR_MS: i64 = 3_600_000;

/// What one round did.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Maintenance {
    pub chunks_dropped: u64,
    pub chunks_moved: u64,
    pub series_removed: u64,
    pub files_removed: u64,
    /// The last segment that a new checkpoint replaces.
    pub checkpoint: Option<u32>,
    /// What went wrong; the next round tries again.
    pub problems: Vec<String>,
}

impl Store {
    /// Drops what is older than the retention, moves full chunks to disk, makes the log durable and cuts it.
    pub fn maintain(&self, now: Timestamp) -> Maintenance {
        let _one_at_a_time = lock(&self.maintenance);
        let mut done = Maintenance::default();
        // Time may jump back; what was dropped stays too old.
        let by_time = now.saturating_sub(self.options.retention).0;
        self.floor.fetch_max(by_time, Ordering::Relaxed);
        let floor = by_time.max(self.floor_by_bytes());
        self.drop_chunks(floor, &mut done);
        self.remove_dead_series(&mut done);
        if self.options.chunks_on_disk
            && let Err(error) = self.move_chunks(&mut done)
        {
            done.problems.push(format!("chunks can not be written: {error}"));
        }
        match self.chunk_files.drop_before(floor) {
            Ok(files) => done.files_removed = files,
            Err(error) => done.problems.push(format!("old chunk files can not be removed: {error}")),
        }
        if let Err(error) = self.sync() {
            done.problems.push(error.to_string());
        }
        // A checkpoint costs as much as it writes; the log must have grown by that, and by about a segment.
        let checkpoint_bytes = self.checkpoint_bytes();
        let replaced = self.wal.counters.sealed_bytes.load(Ordering::Relaxed).saturating_sub(checkpoint_bytes);
        if replaced >= checkpoint_bytes.max(self.options.wal_segment_bytes / 2) {
            match self.checkpoint_locked() {
                Ok(segment) => done.checkpoint = Some(segment),
                Err(error) => done.problems.push(format!("checkpoint: {error}")),
            }
        }
        done
    }

    /// The time before which chunks must go to keep within `retention_bytes`, in steps of an hour.
    fn floor_by_bytes(&self) -> i64 {
        let Some(limit) = self.options.retention_bytes else { return i64::MIN };
        let mut total = self.counters.chunk_bytes.load(Ordering::Relaxed);
        if total <= limit {
            return i64::MIN;
        }
        // Chunks are about equally large; their number per hour tells where the bytes are.
        let mut hours: BTreeMap<i64, u64> = BTreeMap::new();
        self.shards.each(read(&self.index).all(), |_, series| {
            for chunk in &series.closed {
                *hours.entry(chunk.last_at.div_euclid(HOUR_MS)).or_default() += 1;
            }
        });
        let chunks: u64 = hours.values().sum();
        let bytes_per_chunk = total / chunks.max(1);
        for (hour, count) in hours {
            if total <= limit {
                return hour * HOUR_MS;
            }
            total = total.saturating_sub(count * bytes_per_chunk);
        }
        i64::MIN
    }

    fn drop_chunks(&self, floor: i64, done: &mut Maintenance) {
        let ids = read(&self.index).all().to_vec();
        let mut bytes = 0;
        self.shards.each_mut(&ids, |_, series| {
            let old = series.closed.partition_point(|chunk| chunk.last_at < floor);
            for chunk in series.closed.drain(..old) {
                done.chunks_dropped += 1;
                bytes += match chunk.place {
                    Place::Memory(held) => held.len() as u64,
                    Place::File { file, offset } => self.chunk_files.length(file, offset),
                };
            }
            if series.closed.is_empty() && !series.open.is_empty() && series.open.last_at().0 < floor {
                series.open.finish();
            }
        });
        self.counters.chunks.fetch_sub(done.chunks_dropped, Ordering::Relaxed);
        self.counters.chunk_bytes.fetch_sub(bytes, Ordering::Relaxed);
    }

    /// A series without samples is marked in one round and removed in the next, when no appender can hold it any more:
    /// those that were open when it was marked have ended, those that came later have cleared the mark.
    fn remove_dead_series(&self, done: &mut Maintenance) {
        let round = self.round.load(Ordering::SeqCst);
        if self.open_appenders[((round + 1) & 1) as usize].load(Ordering::SeqCst) > 0 {
            return;
        }
        let mut index = write(&self.index);
        let mut dead = Vec::new();
        let ids = index.all().to_vec();
        for id in ids {
            let mut shard = self.shards.write(id);
            let Some(series) = shard.get(id).filter(|series| series.is_empty()) else { continue };
            if series.doomed.load(Ordering::Relaxed) {
                dead.push((self.hash(&series.labels), id, series.labels.clone()));
                shard.remove(id);
            } else {
                series.doomed.store(true, Ordering::Relaxed);
            }
        }
        self.round.store(round + 1, Ordering::SeqCst);
        if dead.is_empty() {
            return;
        }
        index.remove(&dead);
        self.exemplars.forget(dead.iter().map(|(_, id, _)| *id));
        let mut tombstones = write(&self.tombstones);
        for (_, id, _) in &dead {
            tombstones.remove(id);
        }
        write(&self.metadata).retain(|family, _| self.series_of_family(&index, family).is_some());
        add(&self.counters.series_removed, dead.len() as u64);
        done.series_removed = dead.len() as u64;
    }

    fn move_chunks(&self, done: &mut Maintenance) -> io::Result<()> {
        let ids = read(&self.index).all().to_vec();
        self.take_back_doubtful(&ids);
        for batch in ids.chunks(BATCH_SERIES) {
            let mut chunks = Vec::new();
            self.shards.each(batch, |id, series| {
                for chunk in &series.closed {
                    if let Place::Memory(bytes) = &chunk.place
                        && let Some(first_at) = first_time(bytes)
                    {
                        chunks.push((id, first_at, chunk.last_at, bytes.to_vec()));
                    }
                }
            });
            if chunks.is_empty() {
                continue;
            }
            let places = self.chunk_files.write(&chunks)?;
            let mut moved = chunks.iter().zip(places).peekable();
            self.shards.each_mut(batch, |id, series| {
                while let Some(((_, _, last_at, _), (file, offset))) = moved.next_if(|((other, ..), _)| *other == id) {
                    if let Ok(at) = series.closed.binary_search_by_key(last_at, |chunk| chunk.last_at) {
                        series.closed[at].place = Place::File { file, offset };
                        done.chunks_moved += 1;
                    }
                }
            });
        }
        Ok(())
    }

    /// Chunks of files whose fsync failed come back to memory and are written again.
    fn take_back_doubtful(&self, ids: &[u32]) {
        let doubtful = self.chunk_files.take_doubtful();
        if doubtful.is_empty() {
            return;
        }
        self.shards.each_mut(ids, |_, series| {
            for chunk in &mut series.closed {
                if let Place::File { file, offset } = chunk.place
                    && doubtful.contains(&file)
                    && let Ok(Some(bytes)) = self.chunk_files.read(file, offset)
                {
                    chunk.place = Place::Memory(bytes.into());
                }
            }
        });
    }

    /// Writes what the log says and the chunk files do not into `checkpoint.N`, then removes the segments up to N.
    pub(crate) fn checkpoint(&self) -> io::Result<u32> {
        let _one_at_a_time = lock(&self.maintenance);
        self.checkpoint_locked()
    }

    fn checkpoint_locked(&self) -> io::Result<u32> {
        let made = self.write_checkpoint();
        add(if made.is_ok() { &self.counters.checkpoints } else { &self.counters.checkpoints_failed }, 1);
        made
    }

    fn write_checkpoint(&self) -> io::Result<u32> {
        // Everything before the new segment is in memory: commits write and apply under one lock.
        let last = self.disk.list(wal::DIR)?.iter().filter_map(|name| parse_number(name.strip_prefix("checkpoint.")?)).max();
        let segment = {
            let mut log = self.wal.lock();
            self.wal.seal(&mut log);
            // A directory can not be replaced by another in one step: never use the number of a checkpoint twice.
            log.skip_to(last.map_or(1, |last| last + 2));
            log.segment() - 1
        };
        let first_new_file = self.chunk_files.cut()?;
        let dir = format!("{}/checkpoint.{segment:08}", wal::DIR);
        let temporary = format!("{dir}.tmp");
        self.disk.remove(&temporary)?;
        let mut out = CheckpointWriter { store: self, dir: &temporary, file: None, part: 0, framer: Framer::default() };
        self.checkpoint_series(&mut out)?;
        self.checkpoint_rest(&mut out)?;
        self.checkpoint_samples(&mut out, first_new_file)?;
        self.checkpoint_exemplars(&mut out)?;
        out.flush()?;
        if let Some((file, _)) = &out.file {
            file.sync()?;
            self.disk.sync_dir(&temporary)?;
        } else {
            out.next()?.0.sync()?;
            self.disk.sync_dir(&temporary)?;
        }
        self.chunk_files.trust_before(first_new_file)?;
        self.disk.rename(&temporary, &dir)?;
        self.disk.sync_dir(wal::DIR)?;
        // From here on nothing before the new segment is read again.
        self.put_aside()?;
        self.remove_replaced(segment)?;
        self.count_wal_bytes();
        Ok(segment)
    }

    fn checkpoint_series(&self, out: &mut CheckpointWriter<'_>) -> io::Result<()> {
        let ids = read(&self.index).all().to_vec();
        for batch in ids.chunks(BATCH_SERIES) {
            let mut bytes = Vec::new();
            self.shards.each(batch, |id, series| {
                if series.logged.load(Ordering::Relaxed) {
                    record::push_series(&mut bytes, id, &series.labels);
                }
            });
            out.record(&bytes)?;
        }
        Ok(())
    }

    fn checkpoint_rest(&self, out: &mut CheckpointWriter<'_>) -> io::Result<()> {
        let mut bytes = Vec::new();
        {
            let index = read(&self.index);
            for (family, known) in read(&self.metadata).iter().filter(|(_, known)| known.logged) {
                if let Some(id) = self.series_of_family(&index, family) {
                    record::push_metadata(&mut bytes, id, family, &known.metadata);
                }
            }
        }
        out.record(&bytes)?;
        bytes.clear();
        for (id, ranges) in read(&self.tombstones).iter() {
            for (from, to) in ranges {
                record::push_tombstone(&mut bytes, &Tombstone { id: u64::from(*id), from: *from, to: *to });
            }
        }
        out.record(&bytes)
    }

    /// Samples that no trusted chunk file will hold.
    fn checkpoint_samples(&self, out: &mut CheckpointWriter<'_>, first_new_file: u32) -> io::Result<()> {
        let ids = read(&self.index).all().to_vec();
        for batch in ids.chunks(64) {
            let mut entries = Vec::new();
            self.shards.each(batch, |id, series: &Series| {
                for chunk in &series.closed {
                    match &chunk.place {
                        Place::Memory(bytes) => push_entries(&mut entries, id, bytes),
                        // Moved by nobody else: `maintain` holds the lock that we hold.
                        Place::File { file, .. } => debug_assert!(*file < first_new_file),
                    }
                }
                if !series.open.is_empty() {
                    push_entries(&mut entries, id, series.open.bytes());
                }
            });
            let mut bytes = Vec::new();
            record::push_samples(&mut bytes, &entries);
            out.record(&bytes)?;
        }
        Ok(())
    }

    /// The ring as it is: what was pushed out of it is not written again.
    fn checkpoint_exemplars(&self, out: &mut CheckpointWriter<'_>) -> io::Result<()> {
        let floor = self.floor.load(Ordering::Relaxed);
        for part in self.exemplars.all().chunks(1024) {
            // A series that the log does not name yet was committed after the cut: its exemplars are in the next segment, too.
            let logged = |id: u32| self.shards.read(id).get(id).is_some_and(|series| series.logged.load(Ordering::Relaxed));
            let part: Vec<_> = part.iter().filter(|(id, exemplar)| exemplar.at.0 >= floor && logged(*id)).cloned().collect();
            let mut bytes = Vec::new();
            record::push_exemplars(&mut bytes, &part);
            out.record(&bytes)?;
        }
        Ok(())
    }

    /// Files that hold something unreadable get another name, so that nothing reads them again and nobody loses them.
    fn put_aside(&self) -> io::Result<()> {
        let mut put_aside = lock(&self.put_aside);
        while let Some(path) = put_aside.first().cloned() {
            // Parts of a checkpoint go with its directory.
            let unit = match path.rsplit_once('/') {
                Some((dir, _)) if dir != wal::DIR => dir.to_string(),
                _ => path.clone(),
            };
            match self.disk.rename(&unit, &format!("{unit}.damaged")) {
                Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
                _ => {}
            }
            put_aside.remove(&path);
        }
        Ok(())
    }

    fn remove_replaced(&self, segment: u32) -> io::Result<()> {
        for name in self.disk.list(wal::DIR)? {
            let old_segment = parse_number(&name).is_some_and(|number| number <= segment);
            let old_checkpoint = name.strip_prefix("checkpoint.").and_then(parse_number).is_some_and(|number| number < segment);
            if old_segment || old_checkpoint {
                self.disk.remove(&format!("{}/{name}", wal::DIR))?;
            }
        }
        Ok(())
    }

    /// Of the sealed files of the log, after segments have come or gone.
    pub(crate) fn count_wal_bytes(&self) {
        let current = self.wal.lock().segment();
        let mut paths: Vec<String> = Vec::new();
        for name in self.disk.list(wal::DIR).unwrap_or_default() {
            if parse_number(&name).is_some_and(|number| number < current) {
                paths.push(format!("{}/{name}", wal::DIR));
            } else if name.strip_prefix("checkpoint.").and_then(parse_number).is_some() {
                let dir = format!("{}/{name}", wal::DIR);
                paths.extend(self.disk.list(&dir).unwrap_or_default().iter().map(|part| format!("{dir}/{part}")));
            }
        }
        let size = |path: &String| self.disk.open(path).and_then(|file| file.size_bytes()).unwrap_or(0);
        self.wal.counters.sealed_bytes.store(paths.iter().map(size).sum(), Ordering::Relaxed);
        let in_checkpoint = paths.iter().filter(|path| path.contains("checkpoint.")).map(size).sum();
        self.wal.counters.checkpoint_bytes.store(in_checkpoint, Ordering::Relaxed);
    }

    fn checkpoint_bytes(&self) -> u64 {
        self.wal.counters.checkpoint_bytes.load(Ordering::Relaxed)
    }
}

fn push_entries(entries: &mut Vec<Entry>, id: u32, bytes: &[u8]) {
    // Our own chunk: it can be decoded.
    entries.extend(Decoder::new(bytes).flatten().map(|sample| Entry { at: sample.at.0, value: sample.value, id }));
}

/// Writes records into segments below a directory.
struct CheckpointWriter<'a> {
    store: &'a Store,
    dir: &'a str,
    file: Option<(Arc<dyn LogFile>, u64)>,
    part: u32,
    framer: Framer,
}

impl CheckpointWriter<'_> {
    fn record(&mut self, record: &[u8]) -> io::Result<()> {
        if record.is_empty() {
            return Ok(());
        }
        if self.file.is_none() {
            self.next()?;
        }
        self.framer.push(record);
        if self.framer.bytes().len() >= BATCH_BYTES {
            self.flush()?;
        }
        Ok(())
    }

    fn next(&mut self) -> io::Result<(Arc<dyn LogFile>, u64)> {
        let name = segment_path(self.part);
        let name = name.rsplit('/').next().unwrap_or(&name);
        let file = self.store.disk.create(&format!("{}/{name}", self.dir))?;
        self.part += 1;
        self.framer.begin(0);
        self.file = Some((file.clone(), 0));
        Ok((file, 0))
    }

    fn flush(&mut self) -> io::Result<()> {
        let Some((file, at)) = self.file.take() else { return Ok(()) };
        file.append(self.framer.bytes())?;
        let at = at + self.framer.bytes().len() as u64;
        if at >= self.store.options.wal_segment_bytes {
            file.sync()?;
            return Ok(());
        }
        self.framer.begin(at);
        self.file = Some((file, at));
        Ok(())
    }
}
