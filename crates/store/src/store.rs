//! The store: what it is made of, how it is opened and closed.
//!
//! In:    a disk, options, `now`. Out: appenders, series for readers, counts.
//! Never: refuses to open because something is damaged: `Recovery` names it.

use std::collections::{BTreeMap, BTreeSet};
use std::hash::{BuildHasher, RandomState};
use std::io;
use std::sync::atomic::{AtomicI64, AtomicU32, AtomicU64, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, RwLock, RwLockReadGuard, RwLockWriteGuard};

use bellbuoy_vocabulary::{AppendError, Labels, Metadata, Millis, SeriesRef, Timestamp};

use crate::appender::{Appender, Buffers};
use crate::chunk_files::ChunkFiles;
use crate::disk::Disk;
use crate::exemplars::{EXEMPLARS_MAX_DEFAULT, Exemplars};
use crate::index::Index;
use crate::replay::{self, Recovery};
use crate::series::{SERIES_ID_MAX, Series, Shards, touch};
use crate::stats::{Counters, Stats, add, get};
use crate::wal::Wal;

/// Families of metadata above this are not kept: a target can invent names without end.
pub const METADATA_FAMILIES_MAX: usize = 100_000;

#[derive(Clone, Debug)]
pub struct Options {
    /// Samples older than this are dropped and not accepted.
    pub retention: Millis,
    /// Full chunks above this are dropped, oldest first. `None`: no bound but time.
    pub retention_bytes: Option<u64>,
    /// New series above this are refused.
    pub series_max: u64,
    pub wal_segment_bytes: u64,
    /// Move full chunks from memory to `chunks_head/` at each `maintain`.
    pub chunks_on_disk: bool,
    /// Exemplars of all series together, the newest ones; 0: none are kept. `set_exemplars_max` changes it.
    pub exemplars_max: usize,
}

impl Default for Options {
    /// 15 days and segments of 128 MiB, as Prometheus.
    fn default() -> Options {
        Options {
            retention: Millis(15 * 86_400_000),
            retention_bytes: None,
            series_max: 10_000_000,
            wal_segment_bytes: 128 << 20,
            chunks_on_disk: true,
            exemplars_max: EXEMPLARS_MAX_DEFAULT,
        }
    }
}

#[derive(Debug, thiserror::Error)]
pub enum OpenError {
    #[error("the data directory is in use by another process; stop it or choose another directory")]
    InUse,
    #[error("{path}: {error}")]
    Disk { path: String, error: io::Error },
}

/// Why samples were not made durable. After `Write` nothing of the appender counts; after `Sync` its samples are
/// visible and logged, but may not survive a loss of power.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum CommitError {
    #[error("write-ahead log segment {segment} can not be written: {error}; free disk space or check the disk, then send again")]
    Write { segment: u32, error: String },
    #[error("write-ahead log segment {segment} can not be made durable: {error}; check the disk, then send again")]
    Sync { segment: u32, error: String },
}

pub struct Store {
    pub(crate) options: Options,
    pub(crate) disk: Arc<dyn Disk>,
    pub(crate) wal: Wal,
    pub(crate) chunk_files: ChunkFiles,
    pub(crate) index: RwLock<Index>,
    pub(crate) shards: Shards,
    pub(crate) metadata: RwLock<BTreeMap<Box<str>, KnownMetadata>>,
    /// Ranges that were deleted through Prometheus, by series number.
    pub(crate) tombstones: RwLock<BTreeMap<u32, Vec<(i64, i64)>>>,
    pub(crate) exemplars: Exemplars,
    pub(crate) counters: Counters,
    /// Samples before this are too old.
    pub(crate) floor: AtomicI64,
    pub(crate) next_id: AtomicU32,
    /// Appenders that were opened in even and odd rounds of retention, and the round.
    pub(crate) open_appenders: [AtomicUsize; 2],
    pub(crate) round: AtomicU64,
    pub(crate) maintenance: Mutex<()>,
    /// Segments and checkpoints that hold what we could not read: put aside instead of removed.
    pub(crate) put_aside: Mutex<BTreeSet<String>>,
    pub(crate) buffers: Mutex<Vec<Buffers>>,
    hasher: RandomState,
    _lock: Box<dyn Send + Sync>,
}

pub(crate) struct KnownMetadata {
    pub metadata: Metadata,
    /// It is in the log; it can not be before a series of the family is.
    pub logged: bool,
}

impl Store {
    /// Reads what is there and begins a new segment. Damage is reported, never an error.
    pub fn open(disk: Arc<dyn Disk>, options: Options, now: Timestamp) -> Result<(Store, Recovery), OpenError> {
        let lock = disk.lock().map_err(|error| match error.kind() {
            io::ErrorKind::WouldBlock => OpenError::InUse,
            _ => OpenError::Disk { path: "lock".into(), error },
        })?;
        let mut store = Store {
            wal: Wal::new(disk.clone(), options.wal_segment_bytes, 0),
            chunk_files: ChunkFiles::new(disk.clone()),
            index: RwLock::default(),
            shards: Shards::new(),
            metadata: RwLock::default(),
            tombstones: RwLock::default(),
            exemplars: Exemplars::new(options.exemplars_max),
            counters: Counters::default(),
            floor: AtomicI64::new(now.saturating_sub(options.retention).0),
            next_id: AtomicU32::new(1),
            open_appenders: Default::default(),
            round: AtomicU64::new(0),
            maintenance: Mutex::default(),
            put_aside: Mutex::default(),
            buffers: Mutex::default(),
            hasher: RandomState::new(),
            _lock: lock,
            options,
            disk,
        };
        let mut recovery = replay::replay(&mut store)?;
        if !recovery.damaged.is_empty() {
            // What was readable goes into a checkpoint, so that the damaged files can be put aside and are reported once.
            if let Err(error) = store.checkpoint() {
                recovery.problems.push(format!("checkpoint after damage: {error}"));
            }
        }
        Ok((store, recovery))
    }

    pub fn appender(&self) -> Appender<'_> {
        Appender::new(self)
    }

    /// Makes everything durable that was committed before. Concurrent callers share one fsync.
    pub fn sync(&self) -> Result<(), CommitError> {
        let sequence = self.wal.lock().sequence();
        self.wal.sync(sequence)
    }

    /// Makes everything durable. The store can still be used; dropping it releases the directory.
    pub fn close(&self) -> Result<(), CommitError> {
        self.sync()
    }

    /// Families in order.
    pub fn metadata(&self) -> Vec<(String, Metadata)> {
        read(&self.metadata).iter().map(|(name, known)| (name.to_string(), known.metadata.clone())).collect()
    }

    pub fn metadata_of(&self, metric: &str) -> Option<Metadata> {
        read(&self.metadata).get(metric).map(|known| known.metadata.clone())
    }

    pub fn stats(&self) -> Stats {
        let c = &self.counters;
        let wal_segment = u64::from(self.wal.lock().segment());
        let exemplars = self.exemplars.figures();
        Stats {
            series: read(&self.index).len() as u64,
            series_created: get(&c.series_created),
            series_removed: get(&c.series_removed),
            chunks: get(&c.chunks),
            chunk_bytes: get(&c.chunk_bytes),
            samples_appended: get(&c.samples_appended),
            samples_ignored: get(&c.samples_ignored),
            refused_out_of_order: get(&c.out_of_order),
            refused_duplicate: get(&c.duplicate),
            refused_too_old: get(&c.too_old),
            refused_unknown_ref: get(&c.unknown_ref),
            refused_series_limit: get(&c.series_limit),
            metadata_dropped: get(&c.metadata_dropped),
            exemplars_max: exemplars.max,
            exemplars: exemplars.stored,
            exemplar_series: exemplars.series,
            exemplar_oldest: exemplars.oldest,
            exemplars_appended: get(&c.exemplars_appended),
            exemplars_out_of_order: get(&c.exemplars_out_of_order),
            exemplars_too_long: get(&c.exemplars_too_long),
            wal_bytes: self.wal.bytes(),
            wal_segment,
            wal_fsyncs: get(&self.wal.counters.fsyncs),
            wal_writes_failed: get(&self.wal.counters.writes_failed),
            wal_fsyncs_failed: get(&self.wal.counters.fsyncs_failed),
            wal_corruptions: get(&c.wal_corruptions),
            checkpoints: get(&c.checkpoints),
            checkpoints_failed: get(&c.checkpoints_failed),
            chunk_corruptions: get(&c.chunk_corruptions),
            min_time: c.max_time.get().map(|_| Timestamp(self.floor.load(Ordering::Relaxed))),
            max_time: c.max_time.get(),
            oldest: c.first_time.get().map(|first| first.max(Timestamp(self.floor.load(Ordering::Relaxed)))),
        }
    }

    pub(crate) fn hash(&self, labels: &Labels) -> u64 {
        self.hasher.hash_one(labels.as_bytes())
    }

    pub(crate) fn find_in(&self, index: &Index, hash: u64, labels: &Labels) -> Option<u32> {
        index.table.find(hash, |id| self.shards.read(id).get(id).is_some_and(|series| series.labels == *labels))
    }

    /// The number of the series with these labels, if there is one.
    pub(crate) fn find(&self, labels: &Labels) -> Option<SeriesRef> {
        self.find_in(&read(&self.index), self.hash(labels), labels).map(|id| SeriesRef(u64::from(id)))
    }

    /// The number of the series with these labels, and whether it was made now.
    pub(crate) fn find_or_make(&self, labels: &Labels) -> Result<(SeriesRef, bool), AppendError> {
        let hash = self.hash(labels);
        {
            let index = read(&self.index);
            if let Some(id) = self.find_in(&index, hash, labels) {
                // Under the index lock: retention can not take it away between the look-up and the touch.
                if let Some(series) = self.shards.read(id).get(id) {
                    touch(series);
                }
                return Ok((SeriesRef(u64::from(id)), false));
            }
        }
        let mut index = write(&self.index);
        if let Some(id) = self.find_in(&index, hash, labels) {
            return Ok((SeriesRef(u64::from(id)), false));
        }
        let id = self.next_id.load(Ordering::Relaxed);
        if index.len() as u64 >= self.options.series_max || id >= SERIES_ID_MAX {
            add(&self.counters.series_limit, 1);
            return Err(AppendError::SeriesLimit(self.options.series_max));
        }
        self.next_id.store(id + 1, Ordering::Relaxed);
        self.shards.write(id).insert(id, Series::new(id, labels.clone()));
        index.add(hash, id, labels);
        add(&self.counters.series_created, 1);
        Ok((SeriesRef(u64::from(id)), true))
    }
}

/// A panic in another thread does not make the data unusable: sections under locks are short and leave whole values.
pub(crate) fn read<T>(lock: &RwLock<T>) -> RwLockReadGuard<'_, T> {
    lock.read().unwrap_or_else(|poisoned| poisoned.into_inner())
}

pub(crate) fn write<T>(lock: &RwLock<T>) -> RwLockWriteGuard<'_, T> {
    lock.write().unwrap_or_else(|poisoned| poisoned.into_inner())
}

pub(crate) fn lock<T>(lock: &Mutex<T>) -> MutexGuard<'_, T> {
    lock.lock().unwrap_or_else(|poisoned| poisoned.into_inner())
}
