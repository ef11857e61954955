//! The log of a model: what was acknowledged and is not yet in a file of its day. `DATA/models/NAME/log/00000001.log`, ...
//!
//! In:    new rows, by the one writer of the model. Out: the same rows after a restart; finished segments for `days`.
//! Holds: what `append` has taken survives the loss of power; what it has not taken is not there after the next one.
//! Never: continues a file of an earlier start, so a torn end stays where it is and is skipped.

use std::io;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};

use bellbuoy_models::{Label, Mark, Prediction};
use bellbuoy_store::{Disk, LogFile};
use bellbuoy_vocabulary::{Millis, Timestamp};

use super::keeper::Bell;
use super::record::{self, Damage, Record, SEGMENT_HEAD};

pub const LOG_DIR: &str = "log";
/// A segment is full at this size: a hundred thousand rows of ten features, which are columns in memory when they move to their days.
const SEGMENT_BYTES_MAX: u64 = 16 << 20;
/// Or at this age, so that other programs find the rows in the files of their day.
const SEGMENT_AGE_MAX: Millis = Millis::from_minutes(60);

/// Rows that are new, of one submission.
#[derive(Clone, Copy, Debug)]
pub enum Rows<'a> {
    Predictions(&'a [Prediction]),
    Labels(&'a [Label]),
}

pub struct Log {
    disk: Arc<dyn Disk>,
    segment_bytes_max: u64,
    open: Option<Segment>,
    /// The number of the segment that is (or will be) written; all below it are finished.
    current: Arc<AtomicU32>,
    buffer: Vec<u8>,
    /// Rung when a segment is finished.
    bell: Option<Bell>,
}

struct Segment {
    file: Arc<dyn LogFile>,
    bytes: u64,
    began: Timestamp,
    /// The names that the last schema record in it has.
    names: Vec<String>,
}

impl Log {
    /// `first`: above the number of every segment that is or was there.
    pub fn new(disk: Arc<dyn Disk>, first: u32) -> Log {
        let current = Arc::new(AtomicU32::new(first));
        Log { disk, segment_bytes_max: SEGMENT_BYTES_MAX, open: None, current, buffer: Vec::new(), bell: None }
    }

    /// Segments below this number will not change any more.
    pub fn current(&self) -> Arc<AtomicU32> {
        self.current.clone()
    }

    /// Up to here everything is on disk.
    pub fn mark(&self) -> Mark {
        Mark { segment: self.current.load(Ordering::Acquire), byte: self.open.as_ref().map_or(0, |open| open.bytes) }
    }

    pub fn rings(&mut self, bell: Option<Bell>) {
        self.bell = bell;
    }

    /// All rows on disk, or an error and none of them counts: they are taken back, and if that fails too, nobody was told of them.
    pub fn append(&mut self, names: &[String], rows: &[Rows], now: Timestamp) -> io::Result<()> {
        let mut buffer = std::mem::take(&mut self.buffer);
        buffer.clear();
        let result = self.try_append(names, rows, now, &mut buffer);
        // A rare large request must not keep its memory.
        buffer.shrink_to(4 << 20);
        self.buffer = buffer;
        result
    }

    /// Ends the segment when it is full or old.
    pub fn roll(&mut self, now: Timestamp) {
        let done = |open: &Segment| open.bytes >= self.segment_bytes_max || now - open.began >= SEGMENT_AGE_MAX || now < open.began;
        if self.open.as_ref().is_some_and(done) {
            self.put_away();
        }
    }

    fn try_append(&mut self, names: &[String], rows: &[Rows], now: Timestamp, buffer: &mut Vec<u8>) -> io::Result<()> {
        self.roll(now);
        let mut segment = match self.open.take() {
            Some(segment) => segment,
            None => self.create(now)?,
        };
        if segment.names != names {
            record::put_schema(buffer, names);
        }
        for rows in rows {
            match rows {
                Rows::Predictions(rows) => record::put_predictions(buffer, rows),
                Rows::Labels(rows) => record::put_labels(buffer, now, rows),
            }
        }
        if let Err(error) = segment.file.append(buffer).and_then(|()| segment.file.sync()) {
            // Nothing is known of this file's end any more: what was not acknowledged is cut off, and a new file begins.
            let _ = segment.file.truncate(segment.bytes).and_then(|()| segment.file.sync());
            self.put_away();
            return Err(error);
        }
        segment.bytes += buffer.len() as u64;
        names.clone_into(&mut segment.names);
        self.open = Some(segment);
        Ok(())
    }

    fn create(&mut self, now: Timestamp) -> io::Result<Segment> {
        let path = segment_path(self.current.load(Ordering::Acquire));
        let created = self.disk.create(&path).and_then(|file| {
            file.append(SEGMENT_HEAD)?;
            self.disk.sync_dir(LOG_DIR)?;
            Ok(file)
        });
        match created {
            Ok(file) => Ok(Segment { file, bytes: SEGMENT_HEAD.len() as u64, began: now, names: Vec::new() }),
            Err(error) => {
                let _ = self.disk.remove(&path);
                Err(error)
            }
        }
    }

    fn put_away(&mut self) {
        self.open = None;
        self.current.fetch_add(1, Ordering::AcqRel);
        if let Some(bell) = &self.bell {
            bell.ring();
        }
    }
}

pub fn segment_path(number: u32) -> String {
    format!("{LOG_DIR}/{number:08}.log")
}

/// The numbers of the segments that are there, oldest first.
pub fn segments(disk: &dyn Disk) -> io::Result<Vec<u32>> {
    let mut numbers: Vec<u32> = disk.list(LOG_DIR)?.iter().filter_map(|name| name.strip_suffix(".log")?.parse().ok()).collect();
    numbers.sort_unstable();
    Ok(numbers)
}

/// The rows of a segment in their order, each batch with where it ends, and what of it is damaged.
pub fn read_marked(disk: &dyn Disk, number: u32, give: &mut dyn FnMut(Record, Mark)) -> io::Result<Vec<Damage>> {
    let mut marked = |record, end: usize| give(record, Mark { segment: number, byte: end as u64 });
    Ok(record::read_placed(&read_file(disk, &segment_path(number))?, &mut marked))
}

/// The rows of a segment in their order, and what of it is damaged.
pub fn read_segment(disk: &dyn Disk, number: u32, give: &mut dyn FnMut(Record)) -> io::Result<Vec<Damage>> {
    Ok(record::read(&read_file(disk, &segment_path(number))?, give))
}

pub fn read_file(disk: &dyn Disk, path: &str) -> io::Result<Vec<u8>> {
    let file = disk.open(path)?;
    let mut bytes = vec![0; usize::try_from(file.size_bytes()?).map_err(io::Error::other)?];
    let mut filled = 0;
    while filled < bytes.len() {
        match file.read_at(filled as u64, &mut bytes[filled..])? {
            0 => break,
            count => filled += count,
        }
    }
    bytes.truncate(filled);
    Ok(bytes)
}

#[cfg(test)]
mod tests {
    use bellbuoy_models::{Answer, FeatureValue};
    use bellbuoy_store::crash::{CrashDisk, Fault};

    use super::*;

    fn row(id: usize) -> Prediction {
        let features = vec![FeatureValue::Number(id as f64), FeatureValue::Text("x".into())];
        Prediction { id: id.to_string(), at: Timestamp(id as i64), role: "champion".into(), answer: Answer::Number(0.5), features }
    }

    fn log(disk: &CrashDisk, first: u32) -> Log {
        Log { segment_bytes_max: 300, ..Log::new(Arc::new(disk.clone()), first) }
    }

    fn ids(disk: &CrashDisk) -> Vec<String> {
        let mut found = Vec::new();
        for number in segments(disk).expect("lists") {
            let mut give = |record| {
                if let Record::Predictions(rows) = record {
                    found.extend(rows.into_iter().map(|row| row.id));
                }
            };
            read_segment(disk, number, &mut give).expect("reads");
        }
        found
    }

    fn names() -> Vec<String> {
        vec!["a".into(), "b".into()]
    }

    #[test]
    fn full_and_old_segments_end() {
        let disk = CrashDisk::new();
        let mut log = log(&disk, 7);
        for id in 0..20 {
            log.append(&names(), &[Rows::Predictions(&[row(id)])], Timestamp(0)).expect("disk");
        }
        let all: Vec<String> = (0..20).map(|id| id.to_string()).collect();
        assert_eq!(ids(&disk), all);
        let count = segments(&disk).expect("lists").len();
        assert!(count > 2);
        log.roll(Timestamp(0));
        log.roll(Timestamp(0) + SEGMENT_AGE_MAX);
        log.append(&names(), &[Rows::Predictions(&[row(20)])], Timestamp(0)).expect("disk");
        assert_eq!(segments(&disk).expect("lists").len(), count + 1);
        assert_eq!(log.current().load(Ordering::Acquire) as usize, 7 + count);
    }

    /// Every call of the disk fails once in each way: what was acknowledged is there after a kill and after a loss of power, and what
    /// was refused is not there twice when it is sent again.
    #[test]
    fn acknowledged_rows_survive_every_fault() {
        for (number, fault) in (1..60).flat_map(|number| [Fault::Error, Fault::Short, Fault::Crash].map(|fault| (number, fault))) {
            let disk = CrashDisk::new();
            disk.fail_call(number, fault);
            let mut log = log(&disk, 1);
            let mut acknowledged = Vec::new();
            for id in 0..20 {
                let mut send = || log.append(&names(), &[Rows::Predictions(&[row(id)])], Timestamp(0));
                if send().is_ok() || fault != Fault::Crash && send().is_ok() {
                    acknowledged.push(id.to_string());
                }
            }
            assert!(fault == Fault::Crash || acknowledged.len() == 20, "call {number} {fault:?}");
            let killed = ids(&disk.after_kill());
            for after in [disk.after_power_cut(0), disk.after_power_cut(200)] {
                let found = ids(&after);
                assert!(acknowledged.iter().all(|id| found.contains(id)), "call {number} {fault:?}: {acknowledged:?} {found:?}");
            }
            assert!(acknowledged.iter().all(|id| killed.contains(id)), "call {number} {fault:?}: {acknowledged:?} {killed:?}");
            if fault != Fault::Crash {
                assert_eq!(killed, acknowledged, "call {number} {fault:?}: refused rows are not there");
            }
        }
    }
}
