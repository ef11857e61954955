//! Two tables compared column by column on all cores: of Parquet files only the columns that are being judged are in memory, of others
//! each column is let go of when it is judged.
//!
//! In:    two open tables. Out: the drift report and, when asked for, what pictures and findings need: profiles and repeated rows.
//! Never: decides what drift is; `drift` does.

use std::collections::{BTreeSet, HashMap};
use std::io::{Cursor, Read, Seek};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Mutex, PoisonError};
use std::thread;

use bellbuoy_drift::{
    Column, ColumnProfile, ColumnReport, Kind, Options, PROFILE_FORMAT, Report, TableProfile, Values, add_to_hashes, compare_column,
    judge_column, repeated,
};
use bellbuoy_tables::{Opened, ParquetTable, Progress, TableError};

/// What came of it.
pub struct Compared {
    pub report: Report,
    pub pictures: Option<Pictures>,
}

/// What a report shows beside the verdicts.
pub struct Pictures {
    pub reference: TableProfile,
    pub current: TableProfile,
    /// Rows that repeat an earlier one.
    pub reference_duplicates: u64,
    pub duplicates: u64,
}

/// One of the tables while it is compared.
struct Side<R> {
    names: Vec<String>,
    rows: usize,
    columns: Columns<R>,
    hashes: RowHashes,
}

enum Columns<R> {
    Whole(Mutex<HashMap<String, Column>>),
    Parquet(ParquetTable<R>),
    Unpacked(ParquetTable<Cursor<Vec<u8>>>),
}

/// Hashes of rows in blocks, so that two threads seldom wait for each other.
struct RowHashes(Vec<Mutex<Vec<u64>>>);

/// What one column gave.
#[derive(Default)]
struct Done {
    report: Option<ColumnReport>,
    reference: Option<ColumnProfile>,
    current: Option<ColumnProfile>,
}

const BLOCK_ROWS: usize = 1 << 16;

/// Judges as `drift_report` does. A column that cannot be read ends it: the file is damaged.
pub fn compare<R: Read + Seek + Send>(
    reference: Opened<R>,
    current: Opened<R>,
    options: &Options,
    pictures: bool,
    progress: Progress,
) -> Result<Compared, TableError> {
    let (reference, current) = (Side::new(reference, pictures), Side::new(current, pictures));
    let mut names: Vec<&String> = options.columns.as_ref().unwrap_or(&reference.names).iter().collect();
    let mut seen = BTreeSet::new();
    names.retain(|name| seen.insert(*name));
    let judged = names.len();
    if pictures && options.columns.is_none() {
        names.extend(current.names.iter().filter(|name| !seen.contains(name)));
    }
    let done = each(&names, progress, |index, name| {
        let place = if index < judged { Some(options) } else { None };
        one(index, name, &reference, &current, place, options, pictures)
    })?;
    let mut reports = Vec::with_capacity(judged);
    let (mut of_reference, mut of_current) = (Vec::new(), Vec::new());
    for done in done {
        reports.extend(done.report);
        of_reference.extend(done.reference);
        of_current.extend(done.current);
    }
    let profile = |rows: usize, columns| TableProfile { format: PROFILE_FORMAT, rows: rows as u64, columns };
    let pictures = pictures.then(|| Pictures {
        reference: profile(reference.rows, of_reference),
        current: profile(current.rows, of_current),
        reference_duplicates: reference.hashes.repeated(),
        duplicates: current.hashes.repeated(),
    });
    Ok(Compared { report: Report::new(reports, options), pictures })
}

fn one<R: Read + Seek + Send>(
    index: usize,
    name: &str,
    reference: &Side<R>,
    current: &Side<R>,
    judge: Option<&Options>,
    options: &Options,
    pictures: bool,
) -> Result<Done, TableError> {
    let (r, c) = (reference.take(name)?, current.take(name)?);
    if pictures {
        reference.hashes.add(index, r.as_ref());
        current.hashes.add(index, c.as_ref());
    }
    let profile = |column: &Column| ColumnProfile::new(column, options);
    Ok(match (&r, &c) {
        (Some(r), Some(c)) if pictures => {
            let compared = compare_column(name, &r.values, &c.values, options);
            Done { report: compared.report, reference: Some(compared.reference), current: Some(compared.current) }
        }
        (Some(r), Some(c)) => Done { report: judge_column(name, &r.values, &c.values, options), ..Done::default() },
        (None, c) => Done {
            report: judge.map(|_| ColumnReport::unknown(name, Kind::Numeric, "no such column in the reference")),
            reference: None,
            current: c.as_ref().filter(|_| pictures).map(profile),
        },
        (Some(r), None) => {
            let kind = options.preset.kind(&r.values);
            let report = ColumnReport::unknown(name, kind, "the column is gone from the current data");
            Done { report: Some(report), reference: Some(r).filter(|_| pictures).map(profile), current: None }
        }
    })
}

/// Calls `work` for each name, on as many threads as there are cores. The first error ends it.
fn each<T: Send>(
    names: &[&String],
    progress: Progress,
    work: impl Fn(usize, &str) -> Result<T, TableError> + Sync,
) -> Result<Vec<T>, TableError> {
    let next = AtomicUsize::new(0);
    let results: Mutex<Vec<(usize, Result<T, TableError>)>> = Mutex::new(Vec::with_capacity(names.len()));
    let worker = || {
        loop {
            let index = next.fetch_add(1, Ordering::Relaxed);
            let Some(name) = names.get(index) else { return };
            let result = work(index, name);
            let failed = result.is_err();
            let mut results = results.lock().unwrap_or_else(PoisonError::into_inner);
            results.push((index, result));
            progress(results.len() as u64, names.len() as u64);
            if failed {
                next.store(names.len(), Ordering::Relaxed);
                return;
            }
        }
    };
    let threads = thread::available_parallelism().map_or(1, usize::from).min(names.len());
    thread::scope(|scope| {
        for _ in 1..threads {
            scope.spawn(worker);
        }
        worker();
    });
    let mut results = results.into_inner().unwrap_or_else(PoisonError::into_inner);
    results.sort_by_key(|(index, _)| *index);
    results.into_iter().map(|(_, result)| result).collect()
}

impl<R: Read + Seek + Send> Side<R> {
    fn new(opened: Opened<R>, hashes: bool) -> Side<R> {
        let (names, rows) = (opened.names(), opened.rows());
        let columns = match opened {
            Opened::Whole(table) => {
                let columns = table.columns.into_iter().rev().map(|column| (column.name.clone(), column));
                Columns::Whole(Mutex::new(columns.collect()))
            }
            Opened::ByColumn(parquet) => Columns::Parquet(parquet),
            Opened::Unpacked(parquet) => Columns::Unpacked(parquet),
        };
        Side { names, rows, columns, hashes: RowHashes::new(if hashes { rows } else { 0 }) }
    }

    /// Each column once.
    fn take(&self, name: &str) -> Result<Option<Column>, TableError> {
        match &self.columns {
            Columns::Whole(columns) => Ok(columns.lock().unwrap_or_else(PoisonError::into_inner).remove(name)),
            Columns::Parquet(parquet) => parquet.column(name),
            Columns::Unpacked(parquet) => parquet.column(name),
        }
    }
}

impl RowHashes {
    fn new(rows: usize) -> RowHashes {
        let blocks = (0..rows).step_by(BLOCK_ROWS).map(|start| Mutex::new(vec![0; BLOCK_ROWS.min(rows - start)]));
        RowHashes(blocks.collect())
    }

    fn add(&self, index: usize, column: Option<&Column>) {
        let Some(values) = column.map(|column: &Column| -> &Values { &column.values }) else { return };
        for (block, hashes) in self.0.iter().enumerate() {
            let mut hashes = hashes.lock().unwrap_or_else(PoisonError::into_inner);
            add_to_hashes(index, values, block * BLOCK_ROWS, &mut hashes);
        }
    }

    fn repeated(self) -> u64 {
        let blocks = self.0.into_iter().map(|block| block.into_inner().unwrap_or_else(PoisonError::into_inner));
        repeated(blocks.flatten().collect())
    }
}

#[cfg(test)]
mod tests {
    use bellbuoy_drift::{Preset, TypesFrom, drift_report, duplicate_rows};
    use bellbuoy_tables::{ReadOptions, Table, read, silent};

    use super::*;

    fn csv(rows: usize, shift: usize) -> String {
        let mut text = String::from("x,few,word,left,same\n");
        for row in 0..rows {
            // Some rows come twice.
            let row = row % 400;
            let word = ["clear", "rain", ""][row * 7 % 3];
            text += &format!("{},{},{word},{},1\n", (row * 37 % 101 + shift) as f64 / 8.0, row % 5, row % 9);
        }
        if shift > 0 { text.replace("left", "new") } else { text }
    }

    fn table(text: &str) -> Table {
        read("t.csv", Cursor::new(text.as_bytes().to_vec()), &ReadOptions::default(), &silent).expect("good")
    }

    fn opened(text: &str) -> Opened<Cursor<Vec<u8>>> {
        Opened::Whole(table(text))
    }

    #[test]
    fn the_same_as_all_at_once() {
        let (reference, current) = (csv(900, 0), csv(700, 20));
        for preset in [Preset::Evidently, Preset::Default] {
            for columns in [None, Some(vec!["x".to_owned(), "word".to_owned(), "nowhere".to_owned()])] {
                let options = Options { preset, types_from: TypesFrom::Reference, columns, ..Options::default() };
                let expected = drift_report(&table(&reference).columns, &table(&current).columns, &options);
                for pictures in [true, false] {
                    let compared = compare(opened(&reference), opened(&current), &options, pictures, &silent).expect("good");
                    assert_eq!(compared.report, expected);
                    assert_eq!(compared.pictures.is_some(), pictures);
                }
            }
        }
    }

    #[test]
    fn pictures_are_those_of_the_tables() {
        let (reference, current) = (csv(900, 0), csv(700, 20));
        let options = Options { preset: Preset::Default, ..Options::default() };
        let pictures = compare(opened(&reference), opened(&current), &options, true, &silent).expect("good").pictures.expect("asked for");
        let (reference, current) = (table(&reference), table(&current));
        let profile = TableProfile::new(&reference.columns, &options);
        assert_eq!(pictures.reference, profile);
        let mut expected = profile.alike(&current.columns);
        expected.columns.sort_by_key(|column| column.name == "new");
        assert_eq!(pictures.current, expected);
        assert_eq!(pictures.reference_duplicates, duplicate_rows(&reference.columns));
        assert_eq!(pictures.duplicates, duplicate_rows(&current.columns));
        assert!(pictures.duplicates > 0);
    }
}
