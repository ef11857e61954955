//! Parquet that pyarrow and pandas wrote (tests/data/make.py), held against what pyarrow reads in it; and the same files broken.

use std::fs;
use std::io::Cursor;
use std::path::PathBuf;
use std::process::Command;

use bellbuoy_drift::{TIME_MISSING, Values};
use bellbuoy_tables::{Limits, Opened, ReadOptions, Table, TableError, open, read, silent};
use serde_json::Value;

fn data() -> PathBuf {
    PathBuf::from(concat!(env!("CARGO_MANIFEST_DIR"), "/tests/data"))
}

fn bytes(name: &str) -> Vec<u8> {
    fs::read(data().join(format!("{name}.parquet"))).expect("test data")
}

fn table(bytes: Vec<u8>) -> Result<Table, TableError> {
    read("t.parquet", Cursor::new(bytes), &ReadOptions::default(), &silent)
}

fn golden() -> serde_json::Map<String, Value> {
    serde_json::from_slice(&fs::read(data().join("golden.json")).expect("test data")).expect("JSON")
}

fn same(values: &Values, row: usize, expected: &Value) -> bool {
    match (values, expected) {
        (Values::Numbers(cells), Value::Null) => cells[row].is_nan(),
        (Values::Numbers(cells), Value::Number(number)) => number.as_f64() == Some(cells[row]),
        (Values::Numbers(cells), Value::String(text)) => text.parse() == Ok(cells[row]) && cells[row].is_infinite(),
        (Values::Integers(cells), Value::Number(number)) => number.as_i64() == Some(cells[row]),
        (Values::Times(cells), Value::Null) => cells[row] == TIME_MISSING,
        (Values::Times(cells), Value::Number(number)) => number.as_i64() == Some(cells[row]),
        // An empty text is a missing one, as in a CSV.
        (Values::Categories(cells), Value::Null) => cells.get(row).is_none(),
        (Values::Categories(cells), Value::String(text)) => cells.get(row).unwrap_or_default() == text,
        _ => false,
    }
}

/// A table from somebody else may not unpack to any size: gzip and the old LZ4 do not say theirs, the footer says that of the columns.
#[test]
fn bytes_from_others_are_bounded() {
    let check = |name: &str, limits: Limits, expected: Option<&str>| {
        let read = read("t.parquet", Cursor::new(bytes(name)), &ReadOptions { limits, ..ReadOptions::default() }, &silent);
        let error = read.err().map(|error| error.to_string());
        assert!(
            error.as_deref().zip(expected).map_or(error.is_none() && expected.is_none(), |(error, expected)| error.contains(expected)),
            "{name}: {error:?}"
        );
    };
    let sized = Limits { sized_pages_only: true, ..Limits::default() };
    check("codec_zstd", sized, None);
    check("codec_snappy", sized, None);
    check("codec_gzip", sized, Some("is compressed with gzip, which is not read here; write it with zstd or snappy"));
    check("codec_gzip", Limits::default(), None);
    check("codec_none", Limits { bytes_max: 100, ..sized }, Some("limit of 100 bytes"));
}

#[test]
fn every_column_is_right_or_left_out_by_name() {
    for (name, golden) in golden() {
        let left_out: Vec<&str> = golden["left_out"].as_array().expect("a list").iter().filter_map(Value::as_str).collect();
        let expected = golden["columns"].as_object().expect("columns");
        let table = match table(bytes(&name)) {
            Ok(table) => table,
            Err(error) => {
                assert!(expected.is_empty(), "{name}: {error}");
                assert!(error.to_string().contains("none of its columns can be read; column \"i\" is left out"), "{name}: {error}");
                continue;
            }
        };
        assert_eq!(Some(table.rows as u64), golden["rows"].as_u64(), "{name}");
        let mut names: Vec<&str> = table.columns.iter().map(|column| column.name.as_str()).collect();
        let mut known: Vec<&str> = expected.keys().map(String::as_str).collect();
        names.sort_unstable();
        known.sort_unstable();
        assert_eq!(names, known, "{name}");
        for (column, cells) in expected {
            let values = &table.column(column).expect("there").values;
            let cells = cells.as_array().expect("a list");
            assert_eq!(values.len(), cells.len(), "{name}.{column}");
            for (row, cell) in cells.iter().enumerate() {
                assert!(same(values, row, cell), "{name}.{column}, row {row}: {cell} in {values:?}");
            }
        }
        let noted = |column: &&str| table.notes.iter().any(|note| note.starts_with(&format!("column {column:?} is left out: ")));
        assert!(left_out.iter().all(noted), "{name}: {left_out:?} in {:?}", table.notes);
        assert_eq!(table.notes.len(), left_out.len(), "{name}: {:?}", table.notes);
    }
}

#[test]
fn row_groups_one_by_one() {
    let whole = table(bytes("groups")).expect("reads");
    let Ok(Opened::ByColumn(opened)) = open("t.parquet", Cursor::new(bytes("groups")), &ReadOptions::default(), &silent) else {
        panic!("a Parquet file");
    };
    assert_eq!(opened.groups(), 5);
    let mut all = Table::default();
    for group in 0..opened.groups() {
        let part = opened.read_group(group, |_| true).expect("reads");
        assert!(part.rows == 25 || group == 4);
        if group == 0 { all = part } else { all.append(part) }
    }
    let one = opened.read_group(1, |name| name == "x").expect("reads");
    assert_eq!((one.columns.len(), one.rows, &one.columns[0].name[..]), (1, 25, "x"));
    assert_eq!((all.rows, format!("{:?}", all.columns)), (whole.rows, format!("{:?}", whole.columns)));
}

/// Damage is an error that names the file, or goes unseen in a cell; and it ends, without a panic.
#[test]
fn damaged() {
    let (mut errors, mut tried) = (0, 0);
    for name in golden().keys() {
        let good = bytes(name);
        for place in (4..good.len()).step_by(5) {
            for flip in [0x01, 0x80, 0xff] {
                let mut bad = good.clone();
                bad[place] ^= flip;
                tried += 1;
                if let Err(error) = table(bad) {
                    errors += 1;
                    let text = error.to_string();
                    assert!(text.starts_with("t.parquet: ") && text.len() < 600, "{name} at {place}: {text}");
                }
            }
        }
        for length in (0..good.len()).step_by(41) {
            table(good[..length].to_vec()).expect_err("truncated");
        }
    }
    assert!(errors > tried / 10, "{errors} of {tried}");
}

/// The assertions of the decoder are caught, and do not reach the terminal either.
#[test]
fn damage_is_quiet() {
    let this = std::env::current_exe().expect("this test");
    let run = Command::new(this).args(["--exact", "foreign::damaged", "--nocapture"]).output().expect("runs");
    let stderr = String::from_utf8_lossy(&run.stderr);
    assert!(run.status.success(), "{stderr}");
    assert!(!stderr.contains("panicked"), "{stderr}");
}

/// A footer that says it has more than there is.
#[test]
fn sizes_that_are_not_there() {
    let check = |bytes: Vec<u8>, expected: &str| assert_eq!(table(bytes).expect_err("hostile").to_string(), expected);
    let mut long = bytes("plain");
    let end = long.len();
    long[end - 8..end - 4].copy_from_slice(&u32::MAX.to_le_bytes());
    check(long, "t.parquet: the Parquet file is damaged: its footer is said to be longer than the file");
    check(
        bytes("plain")[..9].to_vec(),
        "t.parquet: the Parquet file is truncated: its last bytes are not PAR1; it was not written to its end, or not copied whole",
    );
}
