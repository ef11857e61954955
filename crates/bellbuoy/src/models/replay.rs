//! What is on disk of a model, into memory, when the program starts: the newest rows of the files of days, then the log.
//!
//! In:    the folder of a model. Out: rows, oldest first, until there are as many as the model keeps; what could not be read.
//! Never: fails because of a damaged file: it is named, counted and left where it is.

use std::collections::HashMap;
use std::io;

use bellbuoy_models::Mark;
use bellbuoy_store::Disk;
use bellbuoy_tables::Table;
use tracing::warn;

use super::body::{ColumnNames, Intake, labels_of_table, predictions_of_table};
use super::days::{self, DayFile, LABELS, PREDICTIONS};
use super::engine::{Engine, move_features, position_or_add};
use super::log::{read_marked, segments};
use super::record::Record;

/// Rows that are made of a table at a time.
const STEP_ROWS: usize = 10_000;

#[derive(Debug, Default, PartialEq, Eq)]
pub struct Replayed {
    /// The number of the log's next segment: above all that are or were there.
    pub next: u32,
    pub torn: u64,
    /// Places of the log and files of days.
    pub damaged: u64,
}

/// `intake`: how rows of this model are read; its schema is that of the engine.
pub fn replay(disk: &dyn Disk, engine: &mut Engine, intake: &Intake, rows_max: usize) -> io::Result<Replayed> {
    let mut done = Replayed { next: 1, ..Replayed::default() };
    for kind in [PREDICTIONS, LABELS] {
        days::tidy(disk, kind)?;
    }
    let predictions = days::files(disk, PREDICTIONS)?;
    let labels = days::files(disk, LABELS)?;
    if let Some(last) = predictions.iter().chain(&labels).map(|file| file.last).max() {
        done.next = last + 1;
    }
    let names = ColumnNames::of_bodies(intake);
    let tables = newest(disk, &predictions, rows_max, &mut done);
    let first = tables.iter().map(|(file, _)| file.first).min();
    for (file, table) in tables.iter().rev() {
        // Of a file with rows of before and after the last state, all count as before: no row is taken twice.
        engine.arrive(Mark { segment: file.first, byte: 0 });
        replay_predictions(engine, file, table, &names, intake);
    }
    drop(tables);
    // True values that came before the first of these predictions are none of theirs.
    for file in labels.iter().filter(|file| first.is_some_and(|first| file.last >= first)) {
        match days::read_day_file(disk, file) {
            Ok(table) => {
                engine.arrive(Mark { segment: file.first, byte: 0 });
                replay_labels(engine, file, &table, &names, intake);
            }
            Err(error) => done.left_out(file, &error),
        }
    }
    for number in segments(disk)? {
        replay_segment(disk, engine, number, &mut done)?;
        done.next = done.next.max(number + 1);
    }
    Ok(done)
}

impl Replayed {
    fn left_out(&mut self, file: &DayFile, error: &dyn std::fmt::Display) {
        self.damaged += 1;
        warn!("{}: {error}; the file is left out", file.path);
    }
}

/// Tables from the newest file back, until one role has enough rows.
fn newest(disk: &dyn Disk, files: &[DayFile], rows_max: usize, done: &mut Replayed) -> Vec<(DayFile, Table)> {
    let mut counts: HashMap<String, usize> = HashMap::new();
    let mut tables = Vec::new();
    for file in files.iter().rev() {
        if counts.values().any(|rows| *rows >= rows_max) {
            break;
        }
        match days::read_day_file(disk, file) {
            Ok(table) => {
                if let Some(roles) = table.column("role") {
                    (0..table.rows).filter_map(|row| roles.values.text(row)).for_each(|role| match counts.get_mut(role) {
                        Some(count) => *count += 1,
                        None => {
                            counts.insert(role.to_owned(), 1);
                        }
                    });
                }
                tables.push((file.clone(), table));
            }
            Err(error) => done.left_out(file, &error),
        }
    }
    tables
}

fn replay_predictions(engine: &mut Engine, file: &DayFile, table: &Table, names: &ColumnNames, intake: &Intake) {
    for start in (0..table.rows).step_by(STEP_ROWS) {
        match predictions_of_table(&table.columns, start..table.rows.min(start + STEP_ROWS), names, intake) {
            Ok(mut batch) => {
                let positions: Vec<Option<usize>> = batch.schema.names().iter().map(|name| position_or_add(engine, name)).collect();
                batch.rows.iter_mut().for_each(|row| move_features(row, &positions));
                engine.predictions(batch.rows);
            }
            Err(error) => warn!("{}: {error}", file.path),
        }
    }
}

fn replay_labels(engine: &mut Engine, file: &DayFile, table: &Table, names: &ColumnNames, intake: &Intake) {
    for start in (0..table.rows).step_by(STEP_ROWS) {
        match labels_of_table(&table.columns, start..table.rows.min(start + STEP_ROWS), names, intake) {
            Ok(batch) => {
                engine.labels(batch.rows);
            }
            Err(error) => warn!("{}: {error}", file.path),
        }
    }
}

fn replay_segment(disk: &dyn Disk, engine: &mut Engine, number: u32, done: &mut Replayed) -> io::Result<()> {
    let mut positions = Vec::new();
    let mut give = |record, mark| match record {
        Record::Schema(names) => positions = names.iter().map(|name| position_or_add(engine, name)).collect(),
        Record::Predictions(mut rows) => {
            rows.iter_mut().for_each(|row| move_features(row, &positions));
            engine.arrive(mark);
            engine.predictions(rows);
        }
        Record::Labels(_, rows) => {
            engine.arrive(mark);
            engine.labels(rows);
        }
    };
    for damage in read_marked(disk, number, &mut give)? {
        if damage.torn {
            done.torn += 1;
        } else {
            done.damaged += 1;
            warn!("log segment {number}: bytes {:?} can not be read; the rest is taken", damage.bytes);
        }
    }
    Ok(())
}
