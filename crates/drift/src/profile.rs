//! Numbers without rows: what a reference is kept as when its rows are not. Profiles merge across machines and days.
//!
//! In:    a table, or two profiles of the same columns. Out: per column counts, sketches and categories; JSON of `PROFILE_FORMAT`.
//! Never: holds a row: the most are `CATEGORIES_MAX` values of a column and their counts.

use std::borrow::Cow;
use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::clean::numbers;
use crate::{Column, Kind, Options, Preset, QuantileSketch, TIME_MISSING, Values, time_column};

/// A table as a profile. Serialisable; a numeric column takes at most about 20 KiB of JSON for each million rows profiled at once.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct TableProfile {
    /// `PROFILE_FORMAT`; a reader refuses what it does not know (`check`).
    pub format: u32,
    pub rows: u64,
    pub columns: Vec<ColumnProfile>,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ColumnProfile {
    pub name: String,
    pub kind: Kind,
    pub rows: u64,
    pub missing: u64,
    pub infinite: u64,
    /// Smallest and largest finite number.
    pub range: Option<(f64, f64)>,
    pub shape: Shape,
    /// Why the `default` preset leaves this column out: it is a time or an identifier.
    pub time: Option<String>,
}

/// How the clean cells are kept.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Shape {
    /// Exact counts.
    Categories {
        /// Rows per value.
        counts: BTreeMap<String, u64>,
        /// Rows of values beyond `CATEGORIES_MAX` different ones: counted, not told apart.
        other_rows: u64,
        /// The source had numbers in this column.
        numbers: bool,
    },
    Numbers {
        sketch: QuantileSketch,
        integers: bool,
    },
    /// Free text is not kept.
    Text {
        rows: u64,
    },
}

/// Different values that are told apart. What comes after them is counted in `other_rows`.
pub const CATEGORIES_MAX: usize = 100_000;

/// The form of a stored profile.
pub const PROFILE_FORMAT: u32 = 1;

impl Default for TableProfile {
    fn default() -> TableProfile {
        TableProfile { format: PROFILE_FORMAT, rows: 0, columns: Vec::new() }
    }
}

impl TableProfile {
    /// Kinds are `options.kinds`, else what the preset takes the columns for.
    pub fn new(table: &[Column], options: &Options) -> TableProfile {
        let columns = table.iter().map(|column| ColumnProfile::new(column, options)).collect();
        let rows = table.iter().map(|column| column.values.len() as u64).max().unwrap_or(0);
        TableProfile { rows, columns, ..TableProfile::default() }
    }

    /// The profile of another table with the kinds of this one: a column does not change its kind from day to day.
    pub fn alike(&self, table: &[Column]) -> TableProfile {
        let kinds = self.columns.iter().map(|column| (column.name.clone(), column.kind)).collect();
        TableProfile::new(table, &Options { kinds, ..Options::default() })
    }

    /// Adds the rows of another table. A column that one of them lacks is kept with the rows it has; a column that is a
    /// quantity here and a category there is an error that names it, and nothing is changed.
    pub fn merge(&mut self, other: &TableProfile) -> Result<(), String> {
        let mut merged = self.columns.clone();
        for column in &other.columns {
            match merged.iter_mut().find(|mine| mine.name == column.name) {
                Some(mine) => mine.merge(column)?,
                None => merged.push(column.clone()),
            }
        }
        self.columns = merged;
        self.rows += other.rows;
        Ok(())
    }

    /// For a profile that was read from anywhere: its numbers must fit each other before it is used. The error names the column.
    pub fn check(&self) -> Result<(), String> {
        if self.format != PROFILE_FORMAT {
            return Err(format!("the profile has format {}, this version reads format {PROFILE_FORMAT}; make it again", self.format));
        }
        for column in &self.columns {
            column.check().map_err(|error| format!("column {:?} of the profile: {error}", column.name))?;
        }
        Ok(())
    }

    pub fn column(&self, name: &str) -> Option<&ColumnProfile> {
        self.columns.iter().find(|column| column.name == name)
    }
}

impl ColumnProfile {
    pub fn new(column: &Column, options: &Options) -> ColumnProfile {
        let values = &column.values;
        let kind = options.kinds.get(&column.name).copied().unwrap_or_else(|| options.preset.kind(values));
        let time = time_column(&column.name, values).filter(|_| options.preset == Preset::Default).map(str::to_owned);
        ColumnProfile { time, ..ColumnProfile::of_cells(&column.name, kind, values, None) }
    }

    /// `sorted`: the clean numbers, where somebody has sorted them already.
    pub(crate) fn of_cells(name: &str, kind: Kind, values: &Values, sorted: Option<&[f64]>) -> ColumnProfile {
        let (missing, infinite) = unusable(values);
        let clean = sorted.map_or_else(|| Cow::Owned(numbers(values)), Cow::Borrowed);
        let range = clean.first().copied().zip(clean.last().copied());
        let shape = match kind {
            Kind::Numeric if values.are_numbers() => {
                Shape::Numbers { sketch: QuantileSketch::of_sorted(&clean), integers: !matches!(values, Values::Numbers(_)) }
            }
            Kind::Text => Shape::Text { rows: values.len() as u64 - missing - infinite },
            _ => categories(values, &clean),
        };
        ColumnProfile { name: name.to_owned(), kind, rows: values.len() as u64, missing, infinite, range, shape, time: None }
    }

    fn check(&self) -> Result<(), String> {
        let clean = self.missing.checked_add(self.infinite).and_then(|unusable| self.rows.checked_sub(unusable));
        let kept = match &self.shape {
            Shape::Categories { counts, other_rows, .. } => counts.values().try_fold(*other_rows, |sum, rows| sum.checked_add(*rows)),
            Shape::Numbers { sketch, .. } => sketch.checked_rows(),
            Shape::Text { rows } => Some(*rows),
        };
        let range = self.range.is_none_or(|(low, high)| low.is_finite() && high.is_finite() && low <= high);
        if clean.is_none() || clean != kept || !range {
            return Err("its numbers of rows do not fit each other; the file is damaged, make it again".into());
        }
        Ok(())
    }

    /// Rows that are neither missing nor infinite.
    pub fn clean_rows(&self) -> u64 {
        self.rows - self.missing - self.infinite
    }

    /// 0: exact. Else ranks of numbers are off by at most this share of the rows.
    pub fn rank_error(&self) -> f64 {
        match &self.shape {
            Shape::Numbers { sketch, .. } => sketch.rank_error(),
            _ => 0.0,
        }
    }

    fn merge(&mut self, other: &ColumnProfile) -> Result<(), String> {
        match (&mut self.shape, &other.shape) {
            (Shape::Numbers { sketch, integers }, Shape::Numbers { sketch: more, integers: also }) => {
                sketch.merge(more);
                *integers &= also;
            }
            (Shape::Categories { counts, other_rows, numbers }, Shape::Categories { counts: more, other_rows: rest, numbers: also }) => {
                for (value, rows) in more {
                    add(counts, other_rows, value, *rows);
                }
                *other_rows += rest;
                *numbers &= also;
            }
            (Shape::Text { rows }, Shape::Text { rows: more }) => *rows += more,
            (mine, theirs) => {
                return Err(format!(
                    "column {:?} is {} in one profile and {} in the other; declare its kind",
                    self.name,
                    mine.word(),
                    theirs.word()
                ));
            }
        }
        self.rows += other.rows;
        self.missing += other.missing;
        self.infinite += other.infinite;
        self.range = match (self.range, other.range) {
            (Some((low, high)), Some((l, h))) => Some((low.min(l), high.max(h))),
            (mine, theirs) => mine.or(theirs),
        };
        Ok(())
    }
}

impl Shape {
    pub(crate) fn word(&self) -> &'static str {
        match self {
            Shape::Categories { .. } => "categorical",
            Shape::Numbers { .. } => "numeric",
            Shape::Text { .. } => "free text",
        }
    }
}

/// Missing and infinite cells.
fn unusable(values: &Values) -> (u64, u64) {
    match values {
        Values::Numbers(cells) => {
            let missing = cells.iter().filter(|v| v.is_nan()).count() as u64;
            (missing, cells.iter().filter(|v| v.is_infinite()).count() as u64)
        }
        Values::Integers(_) => (0, 0),
        Values::Categories(cells) => (cells.missing() as u64, 0),
        Values::Times(cells) => (cells.iter().filter(|v| **v == TIME_MISSING).count() as u64, 0),
    }
}

fn categories(values: &Values, sorted: &[f64]) -> Shape {
    let (mut counts, mut other_rows) = (BTreeMap::new(), 0);
    match values {
        Values::Categories(cells) => {
            // In order, so that beyond the bound the same values are kept every time.
            let mut rows = cells.counted();
            rows.sort_unstable();
            for (value, count) in rows {
                add(&mut counts, &mut other_rows, value, count);
            }
        }
        _ => {
            for run in sorted.chunk_by(|a, b| a == b) {
                add(&mut counts, &mut other_rows, &run[0].to_string(), run.len() as u64);
            }
        }
    }
    Shape::Categories { counts, other_rows, numbers: values.are_numbers() }
}

fn add(counts: &mut BTreeMap<String, u64>, other_rows: &mut u64, value: &str, rows: u64) {
    if let Some(count) = counts.get_mut(value) {
        *count += rows;
    } else if counts.len() < CATEGORIES_MAX {
        counts.insert(value.to_owned(), rows);
    } else {
        *other_rows += rows;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn table(from: i32, to: i32) -> Vec<Column> {
        vec![
            Column::new("x", Values::Numbers((from..to).map(|v| if v % 50 == 7 { f64::NAN } else { f64::from(v) / 4.0 }).collect())),
            Column::new("k", Values::Integers((from..to).map(|v| i64::from(v % 3)).collect())),
            Column::new("w", Values::texts((from..to).map(|v| ["été", "hiver", ""][(v % 3) as usize]))),
        ]
    }

    #[test]
    fn merged_is_the_profile_of_all_rows() {
        let options = Options::default();
        let mut parts = TableProfile::default();
        for (from, to) in [(0, 100), (100, 400), (400, 600)] {
            parts.merge(&TableProfile::new(&table(from, to), &options)).expect("the same kinds");
        }
        let whole = TableProfile::new(&table(0, 600), &options);
        assert_eq!(parts.rows, whole.rows);
        for (part, all) in parts.columns.iter().zip(&whole.columns) {
            assert_eq!((&part.name, part.rows, part.missing, part.range), (&all.name, all.rows, all.missing, all.range));
            match (&part.shape, &all.shape) {
                (Shape::Numbers { sketch: a, .. }, Shape::Numbers { sketch: b, .. }) => assert_eq!(a.expanded(1000), b.expanded(1000)),
                (a, b) => assert_eq!(a, b),
            }
        }
    }

    #[test]
    fn kinds_must_agree_and_json_reads_back() {
        let options = Options::default();
        let mut mine = TableProfile::new(&table(0, 5000), &options);
        let before = mine.clone();
        let theirs = TableProfile::new(&[Column::new("x", Values::texts(["a"; 9]))], &options);
        let error = mine.merge(&theirs).expect_err("numeric and categorical");
        assert_eq!(error, r#"column "x" is numeric in one profile and categorical in the other; declare its kind"#);
        assert_eq!(mine, before);
        let json = serde_json::to_string(&mine).expect("serialisable");
        assert_eq!(serde_json::from_str::<TableProfile>(&json).expect("reads back"), mine);
        assert!(json.len() < 40_000, "{}", json.len());
        assert_eq!(mine.check(), Ok(()));
        for (from, to, error) in [
            (r#""format":1"#, r#""format":9"#, "the profile has format 9, this version reads format 1"),
            (r#""missing":100"#, r#""missing":99999"#, r#"column "x" of the profile: its numbers of rows do not fit"#),
            (r#""rows":4900"#, r#""rows":4901"#, r#"column "x" of the profile: its numbers of rows do not fit"#),
        ] {
            assert!(json.contains(from), "{from}");
            let damaged: TableProfile = serde_json::from_str(&json.replacen(from, to, 1)).expect("JSON still");
            assert!(damaged.check().expect_err(to).starts_with(error), "{to}");
        }
    }
}
