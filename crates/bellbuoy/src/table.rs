//! Tables from CSV files: the reference of a model, the inputs of `bellbuoy drift` and `bellbuoy evaluate`.
//!
//! In:    a CSV file with a header. Out: columns in the file's order, typed as pandas would.
//! Never: takes more than `FILE_BYTES_MAX`; a row of the wrong length is an error with its line.

use std::fs::File;
use std::path::Path;

use bellbuoy_drift::{Column, TIME_MISSING, Values};
use bellbuoy_models::{FeatureValue, ModelSettings, Row};
use bellbuoy_vocabulary::Timestamp;

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
    let mut reader = csv::ReaderBuilder::new().from_reader(file);
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

/// The reference of a model as rows: only its features are kept. A feature that the file lacks is an error.
pub fn reference_rows(path: &Path, settings: &ModelSettings) -> Result<Vec<Row>, String> {
    let columns = read_columns(path)?;
    for feature in &settings.features {
        if !columns.iter().any(|column| column.name == feature.name) {
            let known: Vec<&str> = columns.iter().map(|column| column.name.as_str()).collect();
            return Err(format!("{}: there is no column {:?}; the file has {}", path.display(), feature.name, known.join(", ")));
        }
    }
    let rows = columns.first().map_or(0, |column| column.values.len());
    let wanted = |column: &&Column| settings.features.iter().any(|feature| feature.name == column.name);
    let columns: Vec<&Column> = columns.iter().filter(wanted).collect();
    let row = |index: usize| Row {
        id: index.to_string(),
        at: Timestamp(0),
        role: Row::CHAMPION.to_string(),
        features: columns.iter().map(|column| (column.name.clone(), cell(&column.values, index))).collect(),
        prediction: f64::NAN,
    };
    Ok((0..rows).map(row).collect())
}

fn cell(values: &Values, index: usize) -> FeatureValue {
    match values {
        Values::Numbers(numbers) if !numbers[index].is_finite() => FeatureValue::Missing,
        Values::Numbers(numbers) => FeatureValue::Number(numbers[index]),
        Values::Integers(numbers) => FeatureValue::Number(numbers[index] as f64),
        Values::Categories(texts) => texts.get(index).map_or(FeatureValue::Missing, |text| FeatureValue::Text(text.to_owned())),
        Values::Times(times) if times[index] == TIME_MISSING => FeatureValue::Missing,
        Values::Times(times) => FeatureValue::Number(times[index] as f64),
    }
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
