//! Opening: head chunks, then the checkpoint, then the segments after it, in order.
//!
//! In:    the files of the data folder. Out: the head as it was, and `Recovery`: what was read and what is damaged, by file and byte.
//! Never: deletes what it could not read: it is put aside with the ending `.damaged`.

use std::collections::HashMap;
use std::io;
use std::sync::atomic::Ordering;

use bellbuoy_vocabulary::{Exemplar, Labels, METRIC_NAME, Timestamp};

use crate::chunk_files::{self, Found};
use crate::series::{ClosedChunk, Place, SERIES_ID_MAX, Series, Verdict};
use crate::stats::add;
use crate::store::{KnownMetadata, METADATA_FAMILIES_MAX, OpenError, Store, lock};
use crate::wal::reader::{Scan, scan};
use crate::wal::record::{self, Senseless};
use crate::wal::{self, Wal, parse_number, segment_path};

/// Places of damage that are told one by one; the rest is only counted in `prometheus_tsdb_wal_corruptions_total`.
const DAMAGE_TOLD_MAX: usize = 100;

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Damage {
    /// The file, in the data directory.
    pub segment: String,
    pub offset: u64,
    pub what: String,
}

/// What was found at open.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Recovery {
    pub series: u64,
    /// Samples read from the log. Those in chunks on disk are not counted.
    pub samples: u64,
    pub chunks: u64,
    pub segments: u64,
    pub checkpoint: Option<u32>,
    /// Records that were lost. Their files are put aside with the ending `.damaged`.
    pub damaged: Vec<Damage>,
    /// The last write was cut short by the end of the process; it was never acknowledged and has been cut off.
    pub torn: Option<Damage>,
    /// Whole records of kinds that are not supported (histograms, zstd). Their files are put aside, too.
    pub skipped_records: u64,
    /// Samples whose series the log does not name.
    pub unknown_series_samples: u64,
    /// What went wrong beside the reading.
    pub problems: Vec<String>,
}

struct Replay<'a> {
    store: &'a mut Store,
    recovery: Recovery,
    /// Numbers in the log that mean a series with another number.
    aliases: HashMap<u64, u32>,
    chunks: HashMap<u64, Vec<(u32, Found)>>,
    floor: i64,
    id_max: u32,
    newest: i64,
    oldest: i64,
    chunk_count: u64,
    chunk_bytes: u64,
}

pub fn replay(store: &mut Store) -> Result<Recovery, OpenError> {
    let floor = store.floor.load(Ordering::Relaxed);
    let mut replay = Replay {
        store,
        recovery: Recovery::default(),
        aliases: HashMap::new(),
        chunks: HashMap::new(),
        floor,
        id_max: 0,
        newest: i64::MIN,
        oldest: i64::MAX,
        chunk_count: 0,
        chunk_bytes: 0,
    };
    replay.chunk_files()?;
    let next_segment = replay.log()?;
    let Replay { recovery, id_max, newest, oldest, chunk_count, chunk_bytes, .. } = replay;
    store.next_id.store(id_max + 1, Ordering::Relaxed);
    store.counters.max_time.raise(newest);
    store.counters.first_time.lower(oldest);
    add(&store.counters.chunks, chunk_count);
    add(&store.counters.chunk_bytes, chunk_bytes);
    store.wal = Wal::new(store.disk.clone(), store.options.wal_segment_bytes, next_segment);
    store.count_wal_bytes();
    Ok(Recovery { series: store.index.get_mut().map_or(0, |index| index.len() as u64), ..recovery })
}

impl Replay<'_> {
    fn chunk_files(&mut self) -> Result<(), OpenError> {
        let files = self.store.chunk_files.begin().map_err(|error| failed(chunk_files::DIR, error))?;
        for file in files {
            let path = chunk_files::file_path(file);
            match self.store.chunk_files.scan(file) {
                Ok((found, damaged)) => {
                    for chunk in found {
                        self.id_max = self.id_max.max(u32::try_from(chunk.id).unwrap_or(0).min(SERIES_ID_MAX));
                        self.chunks.entry(chunk.id).or_default().push((file, chunk));
                    }
                    add(&self.store.counters.chunk_corruptions, damaged.len() as u64);
                    for (offset, what) in damaged {
                        // The file stays: its other chunks are in use.
                        self.recovery.problems.push(format!("{path} at {offset}: {what}"));
                    }
                }
                Err(error) => self.recovery.problems.push(format!("{path}: {error}")),
            }
        }
        Ok(())
    }

    /// Gives the number of the segment to write next.
    fn log(&mut self) -> Result<u32, OpenError> {
        let names = self.store.disk.list(wal::DIR).map_err(|error| failed(wal::DIR, error))?;
        for name in names.iter().filter(|name| name.ends_with(".tmp")) {
            // A checkpoint that was not finished.
            let path = format!("{}/{name}", wal::DIR);
            self.store.disk.remove(&path).map_err(|error| failed(&path, error))?;
        }
        let checkpoint = names.iter().filter_map(|name| parse_number(name.strip_prefix("checkpoint.")?)).max();
        if let Some(number) = checkpoint {
            let dir = format!("{}/checkpoint.{number:08}", wal::DIR);
            let mut parts: Vec<u32> =
                self.store.disk.list(&dir).map_err(|error| failed(&dir, error))?.iter().filter_map(|name| parse_number(name)).collect();
            parts.sort_unstable();
            for part in parts {
                self.file(&format!("{dir}/{part:08}"), &dir, false);
            }
        }
        self.recovery.checkpoint = checkpoint;
        let mut segments: Vec<u32> = names.iter().filter_map(|name| parse_number(name)).collect();
        segments.sort_unstable();
        let first = checkpoint.map_or(0, |number| number + 1);
        let mut expected = None;
        for segment in segments.iter().copied().filter(|segment| *segment >= first) {
            let path = segment_path(segment);
            if expected.is_some_and(|expected| expected != segment) {
                self.damage(&path, 0, "segments before this one are missing".into());
            }
            expected = Some(segment + 1);
            self.file(&path, &path, Some(&segment) == segments.last());
            self.recovery.segments += 1;
        }
        // Also above segments that were put aside: a number is never used twice.
        let used = names.iter().filter_map(|name| parse_number(name.split('.').next()?)).max();
        Ok(used.map_or(0, |last| last + 1).max(first))
    }

    /// `unit` is what is put aside when something in the file can not be read.
    fn file(&mut self, path: &str, unit: &str, last: bool) {
        let scanned = match self.store.disk.open(path) {
            Ok(file) => scan(&*file, |record| self.record(path, record)),
            Err(error) => Err(error),
        };
        let damaged_before = self.recovery.damaged.len();
        let Scan { damaged, torn, unsupported, .. } = match scanned {
            Ok(scan) => scan,
            Err(error) => {
                self.damage(path, 0, error.to_string());
                return;
            }
        };
        for (offset, what) in damaged {
            self.damage(path, offset, what);
        }
        match torn {
            Some(offset) if last && self.recovery.damaged.len() == damaged_before => {
                let what = "the last write was cut short".to_string();
                self.recovery.torn = Some(Damage { segment: path.into(), offset, what });
                if let Err(error) = self.store.disk.reopen(path).and_then(|file| file.truncate(offset)) {
                    self.recovery.problems.push(format!("{path}: {error}"));
                }
            }
            Some(offset) => self.damage(path, offset, "the segment ends inside of a record".into()),
            None => {}
        }
        self.recovery.skipped_records += unsupported;
        if unsupported > 0 || self.recovery.damaged.iter().any(|damage| damage.segment == path) {
            lock(&self.store.put_aside).insert(unit.to_string());
        }
    }

    fn damage(&mut self, path: &str, offset: u64, what: String) {
        add(&self.store.counters.wal_corruptions, 1);
        if self.recovery.damaged.len() < DAMAGE_TOLD_MAX {
            self.recovery.damaged.push(Damage { segment: path.into(), offset, what });
        }
    }

    fn record(&mut self, path: &str, bytes: &[u8]) {
        let read = match bytes.first() {
            Some(&record::SERIES) => record::read_series(bytes, |id, labels| self.series(id, labels)),
            Some(&record::SAMPLES) => record::read_samples(bytes, |id, at, value| self.sample(id, at, value)),
            Some(&record::TOMBSTONES) => record::read_tombstones(bytes, |stone| self.tombstone(&stone)),
            Some(&record::EXEMPLARS) => record::read_exemplars(bytes, |id, found| self.exemplar(id, found)),
            Some(&record::METADATA) => record::read_metadata(bytes, |id, family, found| self.metadata(id, family, found)),
            _ => {
                self.recovery.skipped_records += 1;
                lock(&self.store.put_aside).insert(path.to_string());
                Ok(())
            }
        };
        if read == Err(Senseless) {
            self.damage(path, 0, "a record makes no sense".into());
        }
    }

    fn id(&self, id: u64) -> Option<u32> {
        if !self.aliases.is_empty()
            && let Some(id) = self.aliases.get(&id)
        {
            return Some(*id);
        }
        u32::try_from(id).ok()
    }

    fn series(&mut self, file_id: u64, labels: Labels) {
        let Some(id) = u32::try_from(file_id).ok().filter(|id| *id > 0 && *id < SERIES_ID_MAX) else {
            self.recovery.skipped_records += 1;
            return;
        };
        let hash = self.store.hash(&labels);
        let Ok(index) = self.store.index.get_mut() else { return };
        let shards = &mut self.store.shards;
        let known = index.table.find(hash, |id| shards.own(id).get(id).is_some_and(|series| series.labels == labels));
        let id = match known {
            Some(known) if known == id => id,
            Some(known) => {
                self.aliases.insert(file_id, known);
                known
            }
            None if shards.own(id).get(id).is_some() => {
                // Two label sets under one number: only a damaged or foreign log says so. The first keeps it.
                self.recovery.skipped_records += 1;
                return;
            }
            None => {
                let series = Series::new(id, labels.clone());
                series.logged.store(true, Ordering::Relaxed);
                shards.own(id).insert(id, series);
                index.add(hash, id, &labels);
                id
            }
        };
        self.id_max = self.id_max.max(id).max(file_id as u32);
        let Some(mut chunks) = self.chunks.remove(&file_id) else { return };
        // A chunk that was written again after a failed fsync comes twice and late.
        chunks.sort_by_key(|(_, found)| found.first_at);
        let Some(series) = shards.own(id).get_mut(id) else { return };
        for (file, found) in chunks.iter().filter(|(_, found)| found.last_at >= self.floor) {
            let place = Place::File { file: *file, offset: found.offset };
            if series.attach(found.first_at, ClosedChunk { last_at: found.last_at, place }) {
                self.recovery.chunks += 1;
                self.chunk_count += 1;
                self.chunk_bytes += u64::from(found.bytes);
                self.newest = self.newest.max(found.last_at);
                self.oldest = self.oldest.min(found.first_at);
            }
        }
    }

    #[inline]
    fn sample(&mut self, id: u64, at: i64, value: f64) {
        if at < self.floor {
            return;
        }
        let series = self.id(id).and_then(|id| self.store.shards.own(id).get_mut(id));
        let Some(series) = series else {
            self.recovery.unknown_series_samples += 1;
            return;
        };
        if series.judge(Timestamp(at), value) == Verdict::Take {
            self.newest = self.newest.max(at);
            self.oldest = self.oldest.min(at);
            self.recovery.samples += 1;
            if series.push(Timestamp(at), value) {
                self.chunk_count += 1;
                self.chunk_bytes += series.last_closed_bytes();
            }
        }
    }

    /// What stands in the checkpoint and in a segment comes twice: the ring takes it once. None is told of as lost: exemplars are
    /// kept as long as there is room for them.
    fn exemplar(&mut self, id: u64, exemplar: Exemplar) {
        let Some(id) = self.id(id).filter(|id| self.store.shards.own(*id).get(*id).is_some()) else { return };
        if exemplar.at.0 >= self.floor && exemplar.fits() {
            self.store.exemplars.restore(id, exemplar);
        }
    }

    fn tombstone(&mut self, stone: &record::Tombstone) {
        let id = self.id(stone.id);
        if let (Some(id), Ok(tombstones)) = (id, self.store.tombstones.get_mut()) {
            let ranges = tombstones.entry(id).or_default();
            if !ranges.contains(&(stone.from, stone.to)) {
                ranges.push((stone.from, stone.to));
            }
        }
    }

    fn metadata(&mut self, id: u64, family: Option<&str>, metadata: bellbuoy_vocabulary::Metadata) {
        let family = match family {
            Some(family) => family.to_string(),
            None => {
                let labels = self.id(id).and_then(|id| self.store.shards.own(id).get(id)).map(|series| &series.labels);
                match labels.map(|labels| labels.get(METRIC_NAME)) {
                    Some(name) if !name.is_empty() => name.to_string(),
                    _ => return,
                }
            }
        };
        if let Ok(known) = self.store.metadata.get_mut()
            && known.len() < METADATA_FAMILIES_MAX
        {
            known.insert(family.into(), KnownMetadata { metadata, logged: true });
        }
    }
}

fn failed(path: &str, error: io::Error) -> OpenError {
    OpenError::Disk { path: path.into(), error }
}
