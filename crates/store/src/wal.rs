//! The write-ahead log in Prometheus' format: `wal/00000000`, ... One write per commit, group commit of fsync.
//! The bytes are drawn in docs/formats/wal.md.
//!
//! A failed write or fsync seals the segment. What a failed fsync may have lost is copied to a new segment before
//! anything else is written; until that works all commits fail.

pub mod frame;
pub mod reader;
pub mod record;

use std::io;
use std::sync::atomic::AtomicU64;
use std::sync::{Arc, Condvar, Mutex, MutexGuard};

use crate::disk::{Disk, LogFile};
use crate::stats::{add, get};
use crate::store::CommitError;
use frame::Framer;

pub const DIR: &str = "wal";

pub fn segment_path(segment: u32) -> String {
    format!("{DIR}/{segment:08}")
}

/// The number of a file or checkpoint; names with other characters (`.damaged`) are none.
pub fn parse_number(digits: &str) -> Option<u32> {
    digits.bytes().all(|b| b.is_ascii_digit()).then(|| digits.parse().ok()).flatten()
}

pub struct Wal {
    disk: Arc<dyn Disk>,
    segment_bytes_max: u64,
    log: Mutex<Log>,
    sync: Mutex<SyncState>,
    synced: Condvar,
    pub counters: WalCounters,
}

#[derive(Default)]
pub struct WalCounters {
    pub fsyncs: AtomicU64,
    pub fsyncs_failed: AtomicU64,
    pub writes_failed: AtomicU64,
    /// Bytes of sealed segments and checkpoints that still exist.
    pub sealed_bytes: AtomicU64,
    /// Of these, the bytes of the checkpoint.
    pub checkpoint_bytes: AtomicU64,
}

/// What a commit holds while it writes and applies: the order in the log is the order in memory.
pub struct Log {
    /// The segment that is written, or the next one when `file` is `None`.
    segment: u32,
    file: Option<Arc<dyn LogFile>>,
    at: u64,
    framer: Framer,
    /// Counts writes; `SyncState::done` runs after it.
    sequence: u64,
    /// Sealed segments that no fsync has covered yet.
    unsynced: Vec<(u32, Arc<dyn LogFile>)>,
    /// Segments whose fsync failed and that must be written again.
    relog: Vec<u32>,
    dir_changed: bool,
}

#[derive(Default)]
struct SyncState {
    done: u64,
    running: bool,
}

impl Wal {
    /// Writing begins in a new segment, which is made at the first write.
    pub fn new(disk: Arc<dyn Disk>, segment_bytes_max: u64, next_segment: u32) -> Wal {
        let log = Log {
            segment: next_segment,
            file: None,
            at: 0,
            framer: Framer::default(),
            sequence: 0,
            unsynced: Vec::new(),
            relog: Vec::new(),
            dir_changed: true,
        };
        Wal {
            disk,
            segment_bytes_max,
            log: Mutex::new(log),
            sync: Mutex::default(),
            synced: Condvar::new(),
            counters: WalCounters::default(),
        }
    }

    pub fn lock(&self) -> MutexGuard<'_, Log> {
        self.log.lock().unwrap_or_else(|poisoned| poisoned.into_inner())
    }

    /// Writes the records with one write. After an error none of them counts.
    pub fn write(&self, log: &mut Log, records: &[&[u8]]) -> Result<(), CommitError> {
        self.write_lost_segments(log)?;
        self.write_records(log, records)
    }

    fn write_records(&self, log: &mut Log, records: &[&[u8]]) -> Result<(), CommitError> {
        let room = records.iter().map(|record| frame::size_max(record.len())).sum::<u64>();
        if log.file.is_some() && log.at > 0 && log.at + room > self.segment_bytes_max {
            self.seal(log);
        }
        let file = self.current(log)?;
        let before = log.at;
        log.framer.begin(before);
        for record in records {
            log.framer.push(record);
        }
        if let Err(error) = file.append(log.framer.bytes()) {
            add(&self.counters.writes_failed, 1);
            // Cut off the half record if the disk lets us; if not, the reader skips it.
            let _ = file.truncate(before);
            let segment = log.segment;
            self.put_away(log, file, before);
            return Err(CommitError::Write { segment, error: error.to_string() });
        }
        log.at = log.framer.end();
        log.framer.shrink();
        log.sequence += 1;
        Ok(())
    }

    fn current(&self, log: &mut Log) -> Result<Arc<dyn LogFile>, CommitError> {
        if let Some(file) = &log.file {
            return Ok(file.clone());
        }
        let made = self.disk.create(&segment_path(log.segment));
        let file = made.map_err(|error| {
            add(&self.counters.writes_failed, 1);
            CommitError::Write { segment: log.segment, error: error.to_string() }
        })?;
        log.file = Some(file.clone());
        log.at = 0;
        log.dir_changed = true;
        Ok(file)
    }

    /// Ends the current segment, if any; the next write begins a new one.
    pub fn seal(&self, log: &mut Log) {
        if let Some(file) = log.file.take() {
            let at = log.at;
            self.put_away(log, file, at);
        }
    }

    fn put_away(&self, log: &mut Log, file: Arc<dyn LogFile>, bytes: u64) {
        log.unsynced.push((log.segment, file));
        add(&self.counters.sealed_bytes, bytes);
        log.file = None;
        log.segment += 1;
        log.at = 0;
    }

    /// Copies what a failed fsync may have lost. Samples that come twice are ignored on replay.
    fn write_lost_segments(&self, log: &mut Log) -> Result<(), CommitError> {
        while let Some(segment) = log.relog.last().copied() {
            let unreadable = |error: io::Error| CommitError::Write { segment, error: error.to_string() };
            let file = match self.disk.open(&segment_path(segment)) {
                Ok(file) => file,
                // A checkpoint has replaced it meanwhile.
                Err(error) if error.kind() == io::ErrorKind::NotFound => {
                    log.relog.pop();
                    continue;
                }
                Err(error) => return Err(unreadable(error)),
            };
            let mut failed = None;
            reader::scan(&*file, |record| {
                if failed.is_none() {
                    failed = self.write_records(log, &[record]).err();
                }
            })
            .map_err(unreadable)?;
            match failed {
                Some(error) => return Err(error),
                None => log.relog.retain(|other| *other != segment),
            }
        }
        Ok(())
    }

    /// Makes everything durable that was written before the call. Concurrent callers share one fsync.
    pub fn sync(&self, sequence: u64) -> Result<(), CommitError> {
        let mut state = self.sync.lock().unwrap_or_else(|poisoned| poisoned.into_inner());
        loop {
            if state.done >= sequence {
                return Ok(());
            }
            if !state.running {
                break;
            }
            state = self.synced.wait(state).unwrap_or_else(|poisoned| poisoned.into_inner());
        }
        state.running = true;
        drop(state);
        let result = self.sync_files();
        let mut state = self.sync.lock().unwrap_or_else(|poisoned| poisoned.into_inner());
        state.running = false;
        if let Ok(done) = &result {
            state.done = state.done.max(*done);
        }
        self.synced.notify_all();
        result.map(|_| ())
    }

    fn sync_files(&self) -> Result<u64, CommitError> {
        let (sequence, current, sealed, dir_changed) = {
            let mut log = self.lock();
            self.write_lost_segments(&mut log)?;
            let current = log.file.clone().map(|file| (log.segment, file));
            (log.sequence, current, std::mem::take(&mut log.unsynced), std::mem::replace(&mut log.dir_changed, false))
        };
        // Outside of the lock: commits go on meanwhile.
        let mut failed = Vec::new();
        let mut reason = None;
        for (segment, file) in sealed.iter().chain(&current) {
            add(&self.counters.fsyncs, 1);
            if let Err(error) = file.sync() {
                failed.push(*segment);
                reason = Some(CommitError::Sync { segment: *segment, error: error.to_string() });
            }
        }
        if dir_changed && let Err(error) = self.disk.sync_dir(DIR) {
            self.lock().dir_changed = true;
            reason = reason.or(Some(CommitError::Sync { segment: 0, error: error.to_string() }));
        }
        let Some(reason) = reason else { return Ok(sequence) };
        add(&self.counters.fsyncs_failed, failed.len() as u64);
        let mut log = self.lock();
        if failed.contains(&log.segment) && log.file.is_some() {
            self.seal(&mut log);
        }
        // These are final: never synced again, but written anew.
        log.unsynced.retain(|(segment, _)| !failed.contains(segment));
        log.relog.extend(failed);
        Err(reason)
    }

    pub fn bytes(&self) -> u64 {
        get(&self.counters.sealed_bytes) + self.lock().at
    }
}

impl Log {
    pub fn sequence(&self) -> u64 {
        self.sequence
    }

    /// The segment that is written, or the next one.
    pub fn segment(&self) -> u32 {
        self.segment
    }

    /// Only while no segment is open.
    pub fn skip_to(&mut self, segment: u32) {
        assert!(self.file.is_none(), "the segment was sealed before");
        self.segment = self.segment.max(segment);
    }
}
