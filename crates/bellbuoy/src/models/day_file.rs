//! The Parquet file of a model's rows of one day: rows to columns and back.
//!
//! In:    predictions or true values, the names of their features. Out: the bytes of a file that pandas, DuckDB and Spark read: `id`, `at`,
//!        `role`, `prediction` or `class` and `probability_CLASS`, a column per feature; of true values `id`, `at` (when it came), `value` or `class`.
//! Never: touches the disk.

use std::collections::BTreeMap;

use bellbuoy_drift::TextsBuilder;
use bellbuoy_models::{Answer, FeatureValue, Label, Prediction, Truth};
use bellbuoy_tables::{Cells, Field, TableError, write_parquet};
use bellbuoy_vocabulary::Timestamp;

use super::body::{ColumnNames, TEXT_SUFFIX};

/// Predictions of one day as columns.
#[derive(Default)]
pub struct PredictionColumns {
    rows: usize,
    ids: TextsBuilder,
    at: Vec<Option<i64>>,
    roles: TextsBuilder,
    numbers: Numbers,
    classes: Texts,
    probabilities: Vec<Numbers>,
    /// By name: the schema of a segment can change.
    features: BTreeMap<String, Feature>,
    /// The names in the order in which they came.
    order: Vec<String>,
}

/// True values that came on one day.
#[derive(Default)]
pub struct LabelColumns {
    rows: usize,
    ids: TextsBuilder,
    at: Vec<Option<i64>>,
    numbers: Numbers,
    classes: Texts,
}

/// A column that may begin late and have gaps.
#[derive(Default)]
struct Numbers(Vec<Option<f64>>);

#[derive(Default)]
struct Texts {
    cells: TextsBuilder,
    rows: usize,
}

#[derive(Default)]
struct Feature {
    numbers: Numbers,
    texts: Texts,
}

impl PredictionColumns {
    pub fn push(&mut self, row: &Prediction, names: &[String]) {
        let at = self.rows;
        self.rows += 1;
        self.ids.push(&row.id);
        self.at.push(Some(row.at.0));
        self.roles.push(&row.role);
        match &row.answer {
            Answer::Number(number) => self.numbers.put(at, *number),
            Answer::Class { class, probabilities } => {
                if let Some(class) = class {
                    self.classes.put(at, class);
                }
                if self.probabilities.len() < probabilities.len() {
                    self.probabilities.resize_with(probabilities.len(), Numbers::default);
                }
                for (column, probability) in self.probabilities.iter_mut().zip(probabilities) {
                    column.put(at, *probability);
                }
            }
        }
        for (name, value) in names.iter().zip(&row.features) {
            if !self.features.contains_key(name) {
                self.features.insert(name.clone(), Feature::default());
                self.order.push(name.clone());
            }
            let Some(feature) = self.features.get_mut(name) else { continue };
            match value {
                FeatureValue::Number(number) if !number.is_nan() => feature.numbers.put(at, *number),
                FeatureValue::Text(text) if !text.is_empty() => feature.texts.put(at, text),
                _ => {}
            }
        }
    }

    /// The bytes of its file. `columns`: the names of classes' columns and of features that are called like a field.
    pub fn file(mut self, name: &str, columns: &ColumnNames) -> Result<Vec<u8>, TableError> {
        let mut fields = vec![
            Field::new("id", Cells::Texts(self.ids.finish())),
            Field::new("at", Cells::Times(self.at)),
            Field::new("role", Cells::Texts(self.roles.finish())),
        ];
        if columns.classes {
            fields.push(Field::new("class", self.classes.cells(self.rows)));
            for ((_, column), cells) in columns.probabilities.iter().zip(self.probabilities) {
                fields.push(Field::new(column, cells.cells(self.rows)));
            }
        } else {
            fields.push(Field::new("prediction", self.numbers.cells(self.rows)));
        }
        for feature in self.order {
            let Some(cells) = self.features.remove(&feature) else { continue };
            let column = columns.of_feature(&feature);
            // A column of one type wherever possible; what does not fit into it stands beside it.
            match (cells.numbers.0.is_empty(), cells.texts.rows == 0) {
                (false, false) => {
                    fields.push(Field::new(&column, cells.numbers.cells(self.rows)));
                    fields.push(Field::new(format!("{column}{TEXT_SUFFIX}"), cells.texts.cells(self.rows)));
                }
                (true, false) => fields.push(Field::new(column, cells.texts.cells(self.rows))),
                (_, true) => fields.push(Field::new(column, cells.numbers.cells(self.rows))),
            }
        }
        write_parquet(name, Vec::new(), &fields, &[])
    }
}

impl LabelColumns {
    pub fn push(&mut self, label: &Label, received: Timestamp) {
        let at = self.rows;
        self.rows += 1;
        self.ids.push(&label.id);
        self.at.push(Some(received.0));
        match &label.truth {
            Truth::Number(number) => self.numbers.put(at, *number),
            Truth::Class(class) => self.classes.put(at, class),
        }
    }

    pub fn file(self, name: &str) -> Result<Vec<u8>, TableError> {
        let mut fields = vec![Field::new("id", Cells::Texts(self.ids.finish())), Field::new("at", Cells::Times(self.at))];
        // Both only when a model changed its kind.
        if !self.numbers.0.is_empty() || self.classes.rows == 0 {
            fields.push(Field::new("value", self.numbers.cells(self.rows)));
        }
        if self.classes.rows > 0 {
            fields.push(Field::new("class", self.classes.cells(self.rows)));
        }
        write_parquet(name, Vec::new(), &fields, &[])
    }
}

impl Numbers {
    fn put(&mut self, row: usize, number: f64) {
        self.0.resize(row, None);
        self.0.push(Some(number));
    }

    fn cells(mut self, rows: usize) -> Cells {
        self.0.resize(rows, None);
        Cells::Numbers(self.0)
    }
}

impl Texts {
    fn put(&mut self, row: usize, text: &str) {
        self.fill(row);
        self.cells.push(text);
        self.rows += 1;
    }

    fn fill(&mut self, rows: usize) {
        while self.rows < rows {
            self.cells.push_missing();
            self.rows += 1;
        }
    }

    fn cells(mut self, rows: usize) -> Cells {
        self.fill(rows);
        Cells::Texts(self.cells.finish())
    }
}
