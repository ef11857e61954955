//! `POST /monitor`: rows of today against a reference file, judged as Evidently does by default.

use std::collections::BTreeMap;
use std::fs::File;
use std::io::Cursor;
use std::path::{Component, Path, PathBuf};

use bellbuoy_drift::{Options, drift_report};
use bellbuoy_tables::{Format, Limits, ReadOptions, Table, read, silent};
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::data::reference_csv;
use crate::error::ServiceError;
use crate::fields::problem;

/// The reference that is always there: what the first model was trained on.
pub const REFERENCE: &str = "reference.csv";
/// Of a reference file and of the rows.
const BYTES_MAX: u64 = 256 << 20;
const ROWS_MAX: u64 = 1_000_000;
const COLUMNS_MAX: usize = 1000;

/// What `POST /monitor` answers.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct MonitorReport {
    /// `success`
    pub status: String,
    pub drift_summary: DriftSummary,
    /// There is no page; `bellbuoy drift --output` makes one.
    pub report_url: Option<String>,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct DriftSummary {
    pub drift_detected: bool,
    /// Drifted features / judged features.
    pub drift_share: f64,
    pub drifted_features: Vec<String>,
    pub drifted_features_count: usize,
    /// Columns that both sides have and a test could judge.
    pub total_features: usize,
    pub reference_size: usize,
    pub current_size: usize,
    pub features: BTreeMap<String, FeatureDrift>,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct FeatureDrift {
    pub test: Option<String>,
    /// A p-value or a distance, by the test. Absent when it could not be judged.
    pub score: Option<f64>,
    pub threshold: f64,
    pub drifted: bool,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub error: Option<String>,
}

/// `data`: the folder that paths are in.
pub(crate) fn monitor(data: Option<&Path>, reference_path: &str, current_data: &Value) -> Result<MonitorReport, ServiceError> {
    let reference = reference(data, reference_path)?;
    let rows = current_data.to_string().into_bytes();
    let current = read("current_data", Cursor::new(rows), &options(Some(Format::Json)), &silent);
    let current = current.map_err(|error| ServiceError::Invalid(problem(Some("current_data"), "value_error", error.to_string())))?;
    report(&reference, &current)
}

fn report(reference: &Table, current: &Table) -> Result<MonitorReport, ServiceError> {
    let names: Vec<String> =
        reference.columns.iter().map(|column| column.name.clone()).filter(|name| current.column(name).is_some()).collect();
    // No data is neither drift nor none: a pipeline that takes it for either would decide on nothing.
    if names.is_empty() || reference.rows == 0 {
        let msg = "no column of the reference is in these rows, so nothing can be compared";
        return Err(ServiceError::Invalid(problem(Some("current_data"), "value_error", msg)));
    }
    let report = drift_report(&reference.columns, &current.columns, &Options { columns: Some(names), ..Options::default() });
    if report.judged_columns == 0 {
        let msg = "no column could be judged: their values are missing or of different kinds";
        return Err(ServiceError::Invalid(problem(Some("current_data"), "value_error", msg)));
    }
    let mut features = BTreeMap::new();
    for column in &report.columns {
        let test = column.test.map(|test| test.name().to_owned());
        let (score, threshold, drifted, error) = (column.score, column.threshold, column.drifted, column.error.clone());
        features.insert(column.name.clone(), FeatureDrift { test, score, threshold, drifted, error });
    }
    let drifted: Vec<String> = report.columns.iter().filter(|column| column.drifted).map(|column| column.name.clone()).collect();
    let drift_summary = DriftSummary {
        drift_detected: report.dataset_drift,
        drift_share: report.drift_share,
        drifted_features_count: drifted.len(),
        drifted_features: drifted,
        total_features: report.judged_columns,
        reference_size: reference.rows,
        current_size: current.rows,
        features,
    };
    Ok(MonitorReport { status: "success".to_owned(), drift_summary, report_url: None })
}

fn reference(data: Option<&Path>, asked: &str) -> Result<Table, ServiceError> {
    let invalid = |kind: &str, msg: String| ServiceError::Invalid(problem(Some("reference_path"), kind, msg));
    let table = match find(data, asked).map_err(|(kind, msg)| invalid(kind, msg))? {
        Some(path) => {
            let file = File::open(&path).map_err(|error| invalid("path_not_file", format!("{asked}: {error}")))?;
            read(asked, file, &options(None), &silent)
        }
        None => read(asked, Cursor::new(reference_csv().into_bytes()), &options(None), &silent),
    };
    table.map_err(|error| invalid("value_error", error.to_string()))
}

fn options(format: Option<Format>) -> ReadOptions {
    let limits = Limits { bytes_max: BYTES_MAX, rows_max: ROWS_MAX, columns_max: COLUMNS_MAX, ..Limits::default() };
    ReadOptions { format, limits, ..ReadOptions::default() }
}

/// The file, or `None` for the reference that is in the program. Nothing outside of the folder is ever opened or told about.
fn find(data: Option<&Path>, asked: &str) -> Result<Option<PathBuf>, (&'static str, String)> {
    let inside = |path: &Path| path.components().all(|part| matches!(part, Component::Normal(_) | Component::CurDir));
    if asked.contains("://") || asked.contains('\0') || !inside(Path::new(asked)) {
        return Err(("path_type", format!("Input should be a path inside of the data folder, such as {REFERENCE}")));
    }
    let found = data.and_then(|data| Some((data.canonicalize().ok()?, data.join(asked).canonicalize().ok()?)));
    match found {
        // A link may lead outside.
        Some((data, path)) if path.starts_with(&data) && path.is_file() => Ok(Some(path)),
        _ if Path::new(asked) == Path::new(REFERENCE) => Ok(None),
        _ => Err(("path_not_file", "Path does not point to a file in the data folder".to_owned())),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_stay_in_the_folder() {
        let dir = std::env::temp_dir().join(format!("bellbuoy-demo-paths-{}", std::process::id()));
        std::fs::create_dir_all(dir.join("data/deep")).expect("a folder");
        for file in ["secret.csv", "data/a.csv", "data/deep/b.csv"] {
            std::fs::write(dir.join(file), "x\n1\n").expect("a file");
        }
        std::os::unix::fs::symlink(dir.join("secret.csv"), dir.join("data/link.csv")).expect("a link");
        let data = dir.join("data");
        let check = |asked: &str| match find(Some(&data), asked) {
            Ok(Some(path)) => {
                path.strip_prefix(data.canonicalize().expect("there")).map(|path| path.display().to_string()).expect("inside")
            }
            Ok(None) => "the program's".to_owned(),
            Err((kind, _)) => kind.to_owned(),
        };
        assert_eq!(check("a.csv"), "a.csv");
        assert_eq!(check("./deep/b.csv"), "deep/b.csv");
        assert_eq!(check(REFERENCE), "the program's");
        for outside in ["../secret.csv", "deep/../../secret.csv", "/etc/passwd", "gs://bucket/a.csv", "a\0.csv"] {
            assert_eq!(check(outside), "path_type", "{outside}");
        }
        for missing in ["link.csv", "deep", "none.csv", "", "."] {
            assert_eq!(check(missing), "path_not_file", "{missing}");
        }
        assert_eq!(find(None, "a.csv").map_err(|(kind, _)| kind), Err("path_not_file"));
        std::fs::remove_dir_all(dir).expect("removed");
    }
}
