//! Tables into rows: which column is which field of a row, for CSV and Parquet.
//!
//! In:    columns by name. Out: a `Batch`; columns that are no field of a row are features, when the model has one of that name.

use std::io::Cursor;
use std::ops::Range;

use bellbuoy_drift::{Column as TableColumn, TIME_MISSING, Values};
use bellbuoy_models::{Label, ModelKind, Prediction};
use bellbuoy_tables::{Format, Limits, ReadOptions, Table, silent};
use bellbuoy_vocabulary::Timestamp;

use super::draft::{Cell, Draft, Refusal};
use super::{Batch, BodyError, Intake, ROWS_MAX, UNPACKED_BYTES_MAX};

/// Before the name of a feature that is called like a field: `feature_role`.
const FEATURE_PREFIX: &str = "feature_";
/// After the name of a feature, for the texts among its numbers.
pub const TEXT_SUFFIX: &str = "__text";
/// Of a Parquet body: more than a model can have features.
const COLUMNS_MAX: usize = 5_000;
const PROBABILITY_PREFIX: &str = "probability_";

/// The columns that are not features. Defaults are those of bodies and of the files of a day.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ColumnNames {
    pub id: Vec<String>,
    pub at: Vec<String>,
    pub role: Vec<String>,
    pub prediction: Vec<String>,
    pub class: Vec<String>,
    pub probability: Vec<String>,
    /// Class and column.
    pub probabilities: Vec<(String, String)>,
    pub value: Vec<String>,
    /// The answer and the true value are classes.
    pub classes: bool,
}

/// What a column is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Column {
    Id,
    At,
    Role,
    Prediction,
    Class,
    Probability,
    ProbabilityOf(String),
    Value,
    /// A true value that is a class: kept as it is written.
    ClassValue,
    Feature(usize),
    /// The texts among the numbers of a feature, in the files of a day.
    FeatureText(usize),
    Unused,
}

impl ColumnNames {
    pub fn of_bodies(intake: &Intake) -> ColumnNames {
        let list = |names: &[&str]| names.iter().map(|name| (*name).to_owned()).collect();
        let classes: &[String] = if let ModelKind::Classification { classes, .. } = &intake.kind { classes } else { &[] };
        let of_classes = |name: &str| if classes.is_empty() { Vec::new() } else { list(&[name]) };
        ColumnNames {
            id: list(&["id"]),
            at: list(&["timestamp", "at"]),
            role: list(&["role"]),
            prediction: list(&["prediction"]),
            class: of_classes("class"),
            probability: of_classes("probability"),
            probabilities: classes.iter().map(|class| (class.clone(), format!("{PROBABILITY_PREFIX}{class}"))).collect(),
            value: list(&["value", "class", &intake.target]),
            classes: !classes.is_empty(),
        }
    }

    pub fn prediction(&self, name: &str, draft: &mut Draft) -> Column {
        let is = |names: &[String]| names.iter().any(|known| known == name);
        if is(&self.id) {
            return Column::Id;
        }
        if is(&self.at) {
            return Column::At;
        }
        if is(&self.role) {
            return Column::Role;
        }
        if is(&self.prediction) {
            return if self.classes { Column::Class } else { Column::Prediction };
        }
        if is(&self.class) {
            return Column::Class;
        }
        if is(&self.probability) {
            return Column::Probability;
        }
        if let Some((class, _)) = self.probabilities.iter().find(|(_, column)| column == name) {
            return Column::ProbabilityOf(class.clone());
        }
        let name = name.strip_prefix(FEATURE_PREFIX).filter(|name| self.is_field(name)).unwrap_or(name);
        match name.strip_suffix(TEXT_SUFFIX).filter(|_| draft.schema().position(name).is_none()) {
            Some(feature) => draft.position(feature).map_or(Column::Unused, Column::FeatureText),
            None => draft.position(name).map_or(Column::Unused, Column::Feature),
        }
    }

    pub fn label(&self, name: &str, _: &mut Draft) -> Column {
        if self.id.iter().any(|known| known == name) {
            Column::Id
        } else if self.value.iter().any(|known| known == name) {
            if self.classes { Column::ClassValue } else { Column::Value }
        } else {
            Column::Unused
        }
    }

    /// The column of a feature in the files of a day.
    pub fn of_feature(&self, name: &str) -> String {
        if self.is_field(name) { format!("{FEATURE_PREFIX}{name}") } else { name.to_owned() }
    }

    fn is_field(&self, name: &str) -> bool {
        let lists = [&self.id, &self.at, &self.role, &self.prediction, &self.class, &self.probability];
        lists.iter().any(|names| names.iter().any(|known| known == name))
            || self.probabilities.iter().any(|(_, column)| column == name)
            // A feature that has the prefix itself keeps it.
            || name.starts_with(FEATURE_PREFIX)
    }
}

impl Column {
    pub fn put<'c>(&self, draft: &mut Draft, cell: impl FnOnce() -> Cell<'c>) {
        match self {
            Column::Unused => {}
            Column::Id => draft.id(cell()),
            Column::At => draft.at(cell()),
            Column::Role => draft.role(cell()),
            Column::Prediction => draft.prediction(cell()),
            Column::Class => draft.class(cell(), "class"),
            Column::Probability => draft.probability(cell()),
            Column::ProbabilityOf(class) => draft.probability_of(class, cell()),
            Column::Value | Column::ClassValue => draft.value(cell()),
            Column::Feature(position) => draft.feature(*position, cell()),
            Column::FeatureText(position) => {
                let cell = cell();
                if cell != Cell::Missing {
                    draft.feature(*position, cell);
                }
            }
        }
    }
}

/// Without a column of ids no row can be taken: said once, with what is there.
pub fn check<'n>(columns: &[Column], names: impl Iterator<Item = &'n str>) -> Result<(), BodyError> {
    if columns.contains(&Column::Id) {
        return Ok(());
    }
    let names: Vec<&str> = names.take(20).collect();
    Err(BodyError::Bad(format!("there is no column \"id\"; its columns are {}", names.join(", "))))
}

/// Some of a table's rows, which is as many as the caller wants in memory at a time. Row numbers count from the table's begin.
pub fn predictions_of_table(
    table: &[TableColumn],
    rows: Range<usize>,
    names: &ColumnNames,
    intake: &Intake,
) -> Result<Batch<Prediction>, BodyError> {
    read(table, rows, names, intake, ColumnNames::prediction, Draft::finish_prediction)
}

pub fn labels_of_table(table: &[TableColumn], rows: Range<usize>, names: &ColumnNames, intake: &Intake) -> Result<Batch<Label>, BodyError> {
    read(table, rows, names, intake, ColumnNames::label, Draft::finish_label)
}

pub fn parquet_predictions(body: &[u8], intake: &Intake) -> Result<Batch<Prediction>, BodyError> {
    let table = parquet(body)?;
    predictions_of_table(&table.columns, 0..table.rows, &ColumnNames::of_bodies(intake), intake)
}

pub fn parquet_labels(body: &[u8], intake: &Intake) -> Result<Batch<Label>, BodyError> {
    let table = parquet(body)?;
    labels_of_table(&table.columns, 0..table.rows, &ColumnNames::of_bodies(intake), intake)
}

fn parquet(body: &[u8]) -> Result<Table, BodyError> {
    // A few packed bytes can stand for very many rows: they are counted before a column is read.
    let bytes_max = UNPACKED_BYTES_MAX as u64;
    let limits = Limits { bytes_max, rows_max: ROWS_MAX as u64, columns_max: COLUMNS_MAX, sized_pages_only: true, ..Limits::default() };
    let options = ReadOptions { format: Some(Format::Parquet), limits, ..ReadOptions::default() };
    bellbuoy_tables::read("the body", Cursor::new(body), &options, &silent).map_err(|error| BodyError::Table(error.to_string()))
}

fn read<'i, T>(
    table: &[TableColumn],
    rows: Range<usize>,
    names: &ColumnNames,
    intake: &'i Intake,
    column_of: fn(&ColumnNames, &str, &mut Draft) -> Column,
    finish: fn(&mut Draft<'i>) -> Result<T, Refusal>,
) -> Result<Batch<T>, BodyError> {
    let mut draft = Draft::new(intake);
    let columns: Vec<Column> = table.iter().map(|column| column_of(names, &column.name, &mut draft)).collect();
    check(&columns, table.iter().map(|column| column.name.as_str()))?;
    let mut batch = Batch { first: rows.start + 1, rows_max: usize::MAX, ..Batch::new(&intake.schema) };
    for row in rows {
        for (column, values) in columns.iter().zip(table) {
            column.put(&mut draft, || cell(&values.values, row));
        }
        batch.push(finish(&mut draft))?;
    }
    batch.schema = draft.schema().clone();
    Ok(batch)
}

fn cell(values: &Values, row: usize) -> Cell<'_> {
    match values {
        Values::Numbers(cells) => cells.get(row).filter(|number| !number.is_nan()).map_or(Cell::Missing, |number| Cell::Number(*number)),
        Values::Integers(cells) => cells.get(row).map_or(Cell::Missing, |number| Cell::Integer(*number)),
        Values::Categories(cells) => cells.get(row).map_or(Cell::Missing, |text| Cell::Text(text.into())),
        Values::Times(cells) => cells.get(row).filter(|at| **at != TIME_MISSING).map_or(Cell::Missing, |at| Cell::Time(Timestamp(*at))),
    }
}
