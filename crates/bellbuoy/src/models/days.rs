//! Finished segments of the log become Parquet files, one folder per UTC day: `DATA/models/NAME/predictions/2026-11-21/00000007.parquet`.
//!
//! In:    finished segments, `now`, what the settings keep. Out: files of days, fewer and larger with time; old days go.
//! Holds: a segment goes only when all its rows are in files that survive a loss of power. A file is named by the segments that are in it,
//!        so whatever a crash interrupted is found: it is done again under the same name, or seen to be part of a merged file.
//! Never: changes a file; reads one that it does not know by name.

use std::collections::BTreeMap;
use std::io::{self, Cursor};

use bellbuoy_store::Disk;
use bellbuoy_tables::{ParquetTable, ReadOptions, Table, TableError, silent};
use bellbuoy_vocabulary::{Millis, Timestamp};

use super::body::ColumnNames;
use super::day_file::{LabelColumns, PredictionColumns};
use super::first;
use super::log::{read_file, read_segment, segment_path, segments};
use super::record::{Damage, Record};
use crate::config::RetentionSettings;

pub const PREDICTIONS: &str = "predictions";
pub const LABELS: &str = "labels";
/// Where what could not be read is put, for a person to look at.
const DAMAGED_DIR: &str = "damaged";
pub const DAY: Millis = Millis(86_400_000);
/// So many files of a day that is not over are merged.
const FILES_MAX: usize = 8;
/// A merged file is not much larger than this: it has to fit into memory, ten times unpacked.
const MERGED_BYTES_MAX: u64 = 16 << 20;

/// A file of a day by its name.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct DayFile {
    pub day: String,
    /// The segments whose rows of the day it has.
    pub first: u32,
    pub last: u32,
    pub path: String,
}

/// What one pass did.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Work {
    pub segments: usize,
    pub merged: usize,
    pub days_dropped: usize,
    pub damages: Vec<Damage>,
}

#[derive(Debug, thiserror::Error)]
pub enum DaysError {
    #[error(transparent)]
    Disk(#[from] io::Error),
    #[error(transparent)]
    Table(#[from] TableError),
}

/// Everything that is due: segments below `finished` to files, small files to larger ones, old days away.
pub fn work(
    disk: &dyn Disk,
    finished: u32,
    columns: &ColumnNames,
    retention: &RetentionSettings,
    now: Timestamp,
) -> Result<Work, DaysError> {
    let mut done = Work::default();
    for number in segments(disk)?.into_iter().filter(|number| *number < finished) {
        done.damages.extend(convert(disk, number, columns)?);
        done.segments += 1;
    }
    for kind in [PREDICTIONS, LABELS] {
        tidy(disk, kind)?;
        done.merged += merge(disk, kind, now)?;
    }
    done.days_dropped = forget(disk, retention, now)?;
    Ok(done)
}

/// The files of one kind, oldest day first, in the order in which their rows came.
pub fn files(disk: &dyn Disk, kind: &str) -> io::Result<Vec<DayFile>> {
    let mut found = Vec::new();
    for day in disk.list(kind)?.into_iter().filter(|day| is_day(day)) {
        for name in disk.list(&format!("{kind}/{day}"))? {
            if let Some((first, last)) = parse_name(&name) {
                found.push(DayFile { day: day.clone(), first, last, path: format!("{kind}/{day}/{name}") });
            }
        }
    }
    found.sort();
    Ok(found)
}

/// Removes what a crash left: half-written files, and files whose rows are in a merged one.
pub fn tidy(disk: &dyn Disk, kind: &str) -> io::Result<()> {
    for day in disk.list(kind)?.into_iter().filter(|day| is_day(day)) {
        let dir = format!("{kind}/{day}");
        for name in disk.list(&dir)?.into_iter().filter(|name| name.ends_with(".tmp")) {
            disk.remove(&format!("{dir}/{name}"))?;
        }
    }
    let all = files(disk, kind)?;
    for file in &all {
        let inside = |other: &DayFile| other.day == file.day && other.first <= file.first && file.last <= other.last && other != file;
        if all.iter().any(inside) {
            disk.remove(&file.path)?;
        }
    }
    Ok(())
}

pub fn read_day_file(disk: &dyn Disk, file: &DayFile) -> Result<Table, DaysError> {
    Ok(open_day_file(disk, file)?.read(&silent)?)
}

/// Its bytes in memory, its columns when they are asked for.
pub fn open_day_file(disk: &dyn Disk, file: &DayFile) -> Result<ParquetTable<Cursor<Vec<u8>>>, DaysError> {
    let bytes = read_file(disk, &file.path)?;
    Ok(ParquetTable::open(&file.path, Cursor::new(bytes), &ReadOptions::default())?)
}

/// The UTC day of a time, as its folder is called.
fn day_of(at: Timestamp) -> String {
    // Rows have times of the years 1970 to 2200; others come from a log that was written by somebody else.
    jiff::Timestamp::from_millisecond(at.0).map_or_else(|_| "1970-01-01".into(), |at| at.strftime("%Y-%m-%d").to_string())
}

fn is_day(name: &str) -> bool {
    name.len() == 10 && name.parse::<jiff::civil::Date>().is_ok()
}

/// The time after the last one of a day.
pub fn day_ends(day: &str) -> Timestamp {
    let start = Timestamp::parse_rfc3339(&format!("{day}T00:00:00Z")).unwrap_or(Timestamp(0));
    start + DAY
}

/// `00000007.parquet` or `00000001-00000007.parquet`.
fn parse_name(name: &str) -> Option<(u32, u32)> {
    let numbers = name.strip_suffix(".parquet")?;
    let (first, last) = numbers.split_once('-').unwrap_or((numbers, numbers));
    let number = |digits: &str| if digits.len() == 8 { digits.parse().ok() } else { None };
    Some((number(first)?, number(last)?))
}

fn convert(disk: &dyn Disk, number: u32, columns: &ColumnNames) -> Result<Vec<Damage>, DaysError> {
    let mut predictions: BTreeMap<String, PredictionColumns> = BTreeMap::new();
    let mut labels: BTreeMap<String, LabelColumns> = BTreeMap::new();
    let mut names: Vec<String> = Vec::new();
    let mut day = (Timestamp(0)..Timestamp(0), String::new());
    let mut give = |record| match record {
        Record::Schema(schema) => names = schema,
        Record::Predictions(rows) => {
            for row in rows {
                if !day.0.contains(&row.at) {
                    let name = day_of(row.at);
                    let end = day_ends(&name);
                    day = (end.saturating_sub(DAY)..end, name);
                }
                match predictions.get_mut(&day.1) {
                    Some(columns) => columns.push(&row, &names),
                    None => predictions.entry(day.1.clone()).or_default().push(&row, &names),
                }
            }
        }
        Record::Labels(received, rows) => {
            let columns = labels.entry(day_of(received)).or_default();
            rows.iter().for_each(|label| columns.push(label, received));
        }
    };
    let damages = read_segment(disk, number, &mut give)?;
    for damage in &damages {
        set_aside(disk, number, damage)?;
    }
    let known = [files(disk, PREDICTIONS)?, files(disk, LABELS)?].concat();
    let mut kinds = Vec::new();
    for (day, rows) in predictions {
        kinds.push((PREDICTIONS, day, rows.file(PREDICTIONS, columns)?));
    }
    for (day, rows) in labels {
        kinds.push((LABELS, day, rows.file(LABELS)?));
    }
    for (kind, day, bytes) in kinds {
        let dir = format!("{kind}/{day}");
        // Part of a merged file already: the segment could not be removed then.
        if !known.iter().any(|file| file.path.starts_with(&dir) && file.first <= number && number <= file.last && file.first != file.last) {
            write_file(disk, kind, &day, &format!("{number:08}.parquet"), &bytes)?;
        }
    }
    disk.remove(&segment_path(number))?;
    disk.sync_dir(super::log::LOG_DIR)?;
    Ok(damages)
}

/// All of it, or nothing under this name.
fn write_file(disk: &dyn Disk, kind: &str, day: &str, name: &str, bytes: &[u8]) -> io::Result<()> {
    let path = format!("{kind}/{day}/{name}");
    let temporary = format!("{path}.tmp");
    let written = disk.create(&temporary).and_then(|file| {
        file.append(bytes)?;
        file.sync()
    });
    if let Err(error) = written {
        let _ = disk.remove(&temporary);
        return Err(error);
    }
    disk.rename(&temporary, &path)?;
    for dir in [&format!("{kind}/{day}"), kind, ""] {
        disk.sync_dir(dir)?;
    }
    Ok(())
}

/// A torn end was told to nobody and is not kept.
fn set_aside(disk: &dyn Disk, number: u32, damage: &Damage) -> io::Result<()> {
    if damage.torn {
        return Ok(());
    }
    let bytes = read_file(disk, &segment_path(number))?;
    let file = disk.create(&format!("{DAMAGED_DIR}/{number:08}-{}.bin", damage.bytes.start))?;
    file.append(bytes.get(damage.bytes.clone()).unwrap_or(&[]))?;
    file.sync()?;
    disk.sync_dir(DAMAGED_DIR)
}

/// Neighbours of a day that is over, or of which there are many, become one file. How many files went.
fn merge(disk: &dyn Disk, kind: &str, now: Timestamp) -> Result<usize, DaysError> {
    let mut by_day: BTreeMap<String, Vec<(DayFile, u64)>> = BTreeMap::new();
    for file in files(disk, kind)? {
        let bytes = disk.open(&file.path)?.size_bytes()?;
        by_day.entry(file.day.clone()).or_default().push((file, bytes));
    }
    let mut merged = 0;
    for (day, files) in by_day {
        let over = now > day_ends(&day);
        for run in runs(files) {
            if run.len() >= 2 && (over || run.len() >= FILES_MAX) {
                merge_run(disk, kind, &day, &run)?;
                merged += run.len();
            }
        }
    }
    Ok(merged)
}

/// Neighbours that are small enough together.
fn runs(files: Vec<(DayFile, u64)>) -> Vec<Vec<DayFile>> {
    let mut runs: Vec<(Vec<DayFile>, u64)> = Vec::new();
    for (file, bytes) in files {
        match runs.last_mut() {
            Some((run, sum)) if *sum + bytes <= MERGED_BYTES_MAX => {
                run.push(file);
                *sum += bytes;
            }
            _ => runs.push((vec![file], bytes)),
        }
    }
    runs.into_iter().map(|(run, _)| run).collect()
}

fn merge_run(disk: &dyn Disk, kind: &str, day: &str, run: &[DayFile]) -> Result<(), DaysError> {
    let (Some(first), Some(last)) = (run.first(), run.last()) else { return Ok(()) };
    let mut all = read_day_file(disk, first)?;
    for file in &run[1..] {
        all.append(read_day_file(disk, file)?);
    }
    let fields: Vec<bellbuoy_tables::Field> =
        all.columns.iter().map(|column| bellbuoy_tables::Field::new(&column.name, first::cells(&column.values))).collect();
    let bytes = bellbuoy_tables::write_parquet(kind, Vec::new(), &fields, &[])?;
    write_file(disk, kind, day, &format!("{:08}-{:08}.parquet", first.first, last.last), &bytes)?;
    for file in run {
        disk.remove(&file.path)?;
    }
    disk.sync_dir(&format!("{kind}/{day}"))?;
    Ok(())
}

/// Days that are too old go, and the oldest ones above the size. The newest day always stays.
fn forget(disk: &dyn Disk, retention: &RetentionSettings, now: Timestamp) -> io::Result<usize> {
    let mut days: BTreeMap<String, u64> = BTreeMap::new();
    for kind in [PREDICTIONS, LABELS] {
        for file in files(disk, kind)? {
            *days.entry(file.day.clone()).or_default() += disk.open(&file.path)?.size_bytes()?;
        }
    }
    let oldest = now.saturating_sub(retention.age);
    let mut bytes: u64 = days.values().sum();
    let mut dropped = 0;
    let newest = days.keys().next_back().cloned();
    for (day, size) in days {
        let too_large = retention.size_bytes > 0 && bytes > retention.size_bytes;
        if Some(&day) == newest.as_ref() || day_ends(&day) > oldest && !too_large {
            break;
        }
        for kind in [PREDICTIONS, LABELS] {
            disk.remove(&format!("{kind}/{day}"))?;
        }
        bytes -= size;
        dropped += 1;
    }
    if dropped > 0 {
        for kind in [PREDICTIONS, LABELS] {
            if !disk.list(kind)?.is_empty() {
                disk.sync_dir(kind)?;
            }
        }
    }
    Ok(dropped)
}

#[cfg(test)]
mod tests;
