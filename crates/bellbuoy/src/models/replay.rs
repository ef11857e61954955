//! What is on disk of a model, into memory, when the program starts: the newest rows of the files of days, then the log.
//!
//! In:    the folder of a model. Out: rows, the older files first, as many as the model keeps (newest.rs says which); what could not be read.
//! Never: fails because of a damaged file: it is named, counted and left where it is.

use std::io;
use std::ops::Range;

use bellbuoy_models::Mark;
use bellbuoy_store::Disk;
use bellbuoy_tables::Table;
use tracing::warn;

use super::body::{BodyError, ColumnNames, Intake, labels_of_table, predictions_of_table};
use super::days::{self, DayFile, LABELS, PREDICTIONS};
use super::engine::{Engine, move_features, position_or_add};
use super::log::{read_marked, segments};
use super::newest::{Head, Newest, runs};
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
    let newest = Newest::of(disk, &predictions, rows_max, |file, error| done.left_out(file, error));
    for (role, left) in newest.left(|role| engine.forgotten_until(role)) {
        engine.forgot(&role, left.rows, left.newest, left.from);
    }
    let first = newest.files.iter().map(|head| head.file.first).min();
    for head in &newest.files {
        // Of a file with rows of before and after the last state, all count as before: no row is taken twice.
        engine.arrive(Mark { segment: head.file.first, byte: 0 });
        let runs = newest.runs(head);
        give_rows(head, runs, &mut done, |table, rows| {
            let mut batch = predictions_of_table(&table.columns, rows, &names, intake)?;
            let positions: Vec<Option<usize>> = batch.schema.names().iter().map(|name| position_or_add(engine, name)).collect();
            batch.rows.iter_mut().for_each(|row| move_features(row, &positions));
            engine.predictions(batch.rows);
            Ok(())
        });
    }
    drop(newest);
    // True values that came before the first of these predictions are none of theirs.
    let labels: Vec<DayFile> = labels.into_iter().filter(|file| first.is_some_and(|first| file.last >= first)).collect();
    replay_labels(disk, engine, &labels, (&names, intake), rows_max, &mut done);
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

/// Reads only the parts of the file that have some of these rows; a part at a time is in memory.
fn give_rows(
    head: &Head,
    runs: Vec<Range<usize>>,
    done: &mut Replayed,
    mut give: impl FnMut(&Table, Range<usize>) -> Result<(), BodyError>,
) {
    let mut end = 0;
    for number in 0..head.table.groups() {
        let group = end..end + head.table.group_rows(number);
        end = group.end;
        let inside = |run: &Range<usize>| run.start.max(group.start)..run.end.min(group.end);
        let runs: Vec<Range<usize>> = runs.iter().map(inside).filter(|run| !run.is_empty()).collect();
        if runs.is_empty() {
            continue;
        }
        let table = match head.table.read_group(number, |_| true) {
            Ok(table) => table,
            Err(error) => {
                done.left_out(&head.file, &error);
                continue;
            }
        };
        for run in runs {
            for start in run.clone().step_by(STEP_ROWS) {
                let rows = start - group.start..run.end.min(start + STEP_ROWS) - group.start;
                if let Err(error) = give(&table, rows) {
                    warn!("{}: {error}", head.file.path);
                }
            }
        }
    }
}

/// Those of predictions in memory, and as many of the newest as may wait for theirs.
fn replay_labels(
    disk: &dyn Disk,
    engine: &mut Engine,
    files: &[DayFile],
    (names, intake): (&ColumnNames, &Intake),
    rows_max: usize,
    done: &mut Replayed,
) {
    let mut counts = Vec::new();
    for file in files.iter().rev() {
        match Head::of_labels(disk, file) {
            Ok(head) => counts.push(head),
            Err(error) => done.left_out(file, &error),
        }
    }
    let mut after = 0;
    let heads: Vec<(Head, usize)> = counts
        .into_iter()
        .map(|head| {
            let waiting = head.table.rows().saturating_sub(rows_max.saturating_sub(after));
            after += head.table.rows();
            (head, waiting)
        })
        .collect();
    for (head, waiting) in heads.into_iter().rev() {
        let ids = match head.table.column("id") {
            Ok(ids) => ids,
            Err(error) => {
                done.left_out(&head.file, &error);
                continue;
            }
        };
        let needed = |row: &usize| *row >= waiting || ids.as_ref().and_then(|ids| ids.values.text(*row)).is_some_and(|id| engine.knows(id));
        let runs = runs((0..head.table.rows()).filter(needed));
        engine.arrive(Mark { segment: head.file.first, byte: 0 });
        give_rows(&head, runs, done, |table, rows| {
            engine.labels(labels_of_table(&table.columns, rows, names, intake)?.rows);
            Ok(())
        });
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
