//! Tables from CSV files: the reference of a model, the inputs of `bellbuoy drift` and `bellbuoy evaluate`.
//!
//! In:    a CSV file with a header. Out: columns in the file's order, typed as pandas would.
//! Never: takes more than `FILE_BYTES_MAX`; a row of the wrong length is an error with its line.

use std::fs::File;
use std::path::Path;

use bellbuoy_drift::{Column, Values};

const FILE_BYTES_MAX: u64 = 4 << 30;
const COLUMNS_MAX: usize = 10_000;

/// The columns of a file; the error names file and line.
pub fn read_columns(path: &Path) -> Result<Vec<Column>, String> {
    let name = path.display();
    let file = File::open(path).map_err(|error| format!("{name}: {error}"))?;
    let bytes = file.metadata().map_err(|error| format!("{name}: {error}"))?.len();
    if bytes > FILE_BYTES_MAX {
        return Err(format!("{name}: {bytes} bytes are more than the limit of {FILE_BYTES_MAX}"));
    }
    read_csv(path, file)
}

fn read_csv(path: &Path, source: impl std::io::Read) -> Result<Vec<Column>, String> {
    let name = path.display();
    let mut reader = csv::ReaderBuilder::new().from_reader(source);
    let header = reader.headers().map_err(|error| problem(path, &error))?.clone();
    if header.is_empty() {
        return Err(format!("{name}:1: the header is empty"));
    }
    if header.len() > COLUMNS_MAX {
        return Err(format!("{name}:1: {} columns are more than the limit of {COLUMNS_MAX}", header.len()));
    }
    let mut cells: Vec<Vec<String>> = vec![Vec::new(); header.len()];
    let mut record = csv::StringRecord::new();
    while reader.read_record(&mut record).map_err(|error| problem(path, &error))? {
        for (column, cell) in cells.iter_mut().zip(&record) {
            column.push(cell.to_string());
        }
    }
    let typed = |cells: &Vec<String>| Values::from_cells(cells.iter().map(String::as_str));
    Ok(header.iter().zip(&cells).map(|(name, cells)| Column::new(name, typed(cells))).collect())
}

/// The same, with what was left out of the file.
pub fn read_with_notes(path: &Path) -> Result<(Vec<Column>, Vec<String>), String> {
    Ok((read_columns(path)?, Vec::new()))
}

/// A table that is in memory already; `name` is what errors call it.
pub fn read_csv_bytes(name: &str, bytes: Vec<u8>) -> Result<Vec<Column>, String> {
    read_csv(Path::new(name), std::io::Cursor::new(bytes))
}

fn problem(path: &Path, error: &csv::Error) -> String {
    let line = error.position().map_or(String::new(), |position| format!(":{}", position.line()));
    match error.kind() {
        csv::ErrorKind::UnequalLengths { expected_len, len, .. } => {
            format!("{}{line}: {len} cells where the header has {expected_len}", path.display())
        }
        csv::ErrorKind::Utf8 { .. } => format!("{}{line}: the text is not UTF-8", path.display()),
        _ => format!("{}{line}: {error}", path.display()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> Result<Vec<Column>, String> {
        let path = std::env::temp_dir().join(format!("bellbuoy-table-{}-{}.csv", std::process::id(), text.len()));
        std::fs::write(&path, text).expect("temporary file");
        let columns = read_columns(&path);
        let _ = std::fs::remove_file(&path);
        columns.map_err(|error| error.rsplit_once(".csv").map_or(error.clone(), |(_, rest)| rest.to_string()))
    }

    #[test]
    fn columns_are_read_and_typed() {
        let columns = read("a,b,c\n1,x,0.5\n2,\"y,z\",\n").expect("good");
        assert_eq!(columns[0], Column::new("a", Values::Integers(vec![1, 2])));
        assert_eq!(columns[1], Column::new("b", Values::texts(["x", "y,z"])));
        assert!(matches!(&columns[2].values, Values::Numbers(numbers) if numbers[0] == 0.5 && numbers[1].is_nan()));
    }

    #[test]
    fn a_broken_row_is_named() {
        assert_eq!(read("a,b\n1,2\n3\n"), Err(":3: 1 cells where the header has 2".into()));
        assert!(read_columns(Path::new("/nowhere/x.csv")).is_err());
    }
}
