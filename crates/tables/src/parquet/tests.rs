//! Parquet there and back, and broken in every way.

use std::io::Cursor;

use bellbuoy_drift::{TIME_MISSING, Texts, Values};

use crate::{Cells, Field, Opened, ReadOptions, Table, TableError, open, read, silent, write_parquet};

fn fields(rows: usize) -> Vec<Field> {
    let cell = |row: usize| (row % 7 != 3).then_some(row);
    let texts: Vec<String> = (0..rows).map(|row| if row % 5 == 4 { String::new() } else { format!("é{}", row % 13) }).collect();
    vec![
        Field::new("text", Cells::Texts(texts.iter().map(String::as_str).collect())),
        Field::new("number", Cells::Numbers((0..rows).map(|row| cell(row).map(|row| row as f64 / 8.0)).collect())),
        Field::new("whole", Cells::Integers((0..rows).map(|row| Some(row as i64 + 9_000_000_000)).collect())),
        Field::new("gappy", Cells::Integers((0..rows).map(|row| cell(row).map(|row| row as i64)).collect())),
        Field::new("flag", Cells::Bools((0..rows).map(|row| cell(row).map(|row| row % 2 == 0)).collect())),
        Field::new("at", Cells::Times((0..rows).map(|row| cell(row).map(|row| 1_700_000_000_000 + row as i64)).collect())),
    ]
}

fn written(fields: &[Field]) -> Vec<u8> {
    write_parquet("t.parquet", Vec::new(), fields, &[("kind", "test")]).expect("written")
}

fn table(bytes: &[u8]) -> Result<Table, TableError> {
    read("t.parquet", Cursor::new(bytes.to_vec()), &ReadOptions::default(), &silent)
}

#[test]
fn there_and_back() {
    // More than one row group.
    let rows = (1 << 18) + 1000;
    let fields = fields(rows);
    let table = table(&written(&fields)).expect("reads");
    assert_eq!((table.rows, table.columns.len(), table.notes.len()), (rows, 6, 0));
    let values = |name: &str| &table.column(name).expect("there").values;
    let Cells::Texts(texts) = &fields[0].cells else { unreachable!() };
    assert_eq!(values("text"), &Values::Categories(texts.clone()));
    assert_eq!(values("whole"), &Values::Integers((0..rows as i64).map(|row| row + 9_000_000_000).collect()));
    for (name, scale) in [("number", 8.0), ("gappy", 1.0)] {
        let Values::Numbers(cells) = values(name) else { panic!("{name}") };
        let right = |(row, cell): (usize, &f64)| if row % 7 == 3 { cell.is_nan() } else { *cell == row as f64 / scale };
        assert!(cells.iter().enumerate().all(right), "{name}");
    }
    let Values::Times(times) = values("at") else { panic!("times") };
    assert_eq!((times[0], times[3], times.len()), (1_700_000_000_000, TIME_MISSING, rows));
    let flags: Texts = (0..rows)
        .map(|row| {
            if row % 7 == 3 {
                ""
            } else if row % 2 == 0 {
                "true"
            } else {
                "false"
            }
        })
        .collect();
    assert_eq!(values("flag"), &Values::Categories(flags));
}

#[test]
fn a_column_at_a_time() {
    let bytes = written(&fields(100));
    let packed = zstd::stream::encode_all(&bytes[..], 1).expect("packed");
    for source in [bytes, packed] {
        let options = ReadOptions { columns: Some(vec!["whole".into(), "text".into()]), ..ReadOptions::default() };
        let opened = open("t.parquet", Cursor::new(source), &options, &silent).expect("opens");
        assert!(!matches!(opened, Opened::Whole(_)));
        assert_eq!((opened.names(), opened.rows()), (vec!["text".to_owned(), "whole".to_owned()], 100));
        assert_eq!(opened.column("whole").expect("reads").map(|column| column.values.len()), Some(100));
        assert_eq!(opened.column("flag"), Ok(None));
    }
}

#[test]
fn no_rows_and_unequal_columns() {
    let empty = table(&written(&fields(0))).expect("reads");
    assert_eq!((empty.rows, empty.columns.len()), (0, 6));
    let bad = [Field::new("a", Cells::Bools(vec![None])), Field::new("b", Cells::Bools(vec![]))];
    let error = write_parquet("t.parquet", Vec::new(), &bad, &[]).expect_err("unequal");
    assert_eq!(error.to_string(), "t.parquet: column \"b\": 0 cells where the first column has 1");
}

/// A file that was not copied whole has a clear message, wherever it ends.
#[test]
fn truncated() {
    let bytes = written(&fields(500));
    for length in (0..bytes.len()).step_by(97) {
        let error = table(&bytes[..length]).expect_err("truncated");
        let text = error.to_string();
        assert!(text.starts_with("t.parquet: ") && (text.contains("truncated") || length < 4), "{length}: {text}");
    }
}

/// Damage in the middle is an error that names the column, or goes unseen in a cell; never a panic.
#[test]
fn damaged() {
    let bytes = written(&fields(500));
    let mut errors = 0;
    for place in (4..bytes.len()).step_by(3) {
        let mut damaged = bytes.clone();
        damaged[place] ^= 0x5a;
        if let Err(error) = table(&damaged) {
            let text = error.to_string();
            assert!(text.contains("column \"") || text.contains("the Parquet file is"), "{place}: {text}");
            errors += 1;
        }
    }
    assert!(errors > 100, "{errors} of {}", bytes.len() / 3);
}
