//! A column as it comes in: a name and its cells, numbers, texts or times.

use crate::Texts;
use serde::{Deserialize, Serialize};

/// A named column. Cells that are missing stay in place: columns of one table have the same length.
#[derive(Clone, Debug, PartialEq)]
pub struct Column {
    pub name: String,
    pub values: Values,
}

#[derive(Clone, Debug, PartialEq)]
pub enum Values {
    /// NaN and infinities are missing cells.
    Numbers(Vec<f64>),
    /// A column of whole numbers without a missing cell. Few distinct whole numbers are taken for categories, few distinct
    /// `Numbers` are not: the source wrote `3`, not `3.0`.
    Integers(Vec<i64>),
    Categories(Texts),
    /// Milliseconds since 1970 UTC, as a typed source (Parquet) has them; `TIME_MISSING` is a missing cell. Dates in a CSV are texts.
    Times(Vec<i64>),
}

/// A missing cell among times.
pub const TIME_MISSING: i64 = i64::MIN;

/// What a column is taken for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub enum Kind {
    #[serde(rename = "num")]
    Numeric,
    #[serde(rename = "cat")]
    Categorical,
    /// Free text: nearly every cell is different. No test here takes it.
    #[serde(rename = "text")]
    Text,
}

impl Kind {
    /// The short names of Evidently.
    pub fn name(self) -> &'static str {
        match self {
            Kind::Numeric => "num",
            Kind::Categorical => "cat",
            Kind::Text => "text",
        }
    }
}

impl Column {
    pub fn new(name: impl Into<String>, values: Values) -> Column {
        Column { name: name.into(), values }
    }
}

impl Values {
    pub fn len(&self) -> usize {
        match self {
            Values::Numbers(values) => values.len(),
            Values::Integers(values) => values.len(),
            Values::Categories(values) => values.len(),
            Values::Times(values) => values.len(),
        }
    }

    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// The chosen rows in that order, for example those of one season; rows that do not exist are left out.
    pub fn select(&self, rows: &[usize]) -> Values {
        match self {
            Values::Numbers(cells) => Values::Numbers(rows.iter().filter_map(|row| cells.get(*row).copied()).collect()),
            Values::Integers(cells) => Values::Integers(rows.iter().filter_map(|row| cells.get(*row).copied()).collect()),
            Values::Categories(cells) => Values::Categories(cells.select(rows)),
            Values::Times(cells) => Values::Times(rows.iter().filter_map(|row| cells.get(*row).copied()).collect()),
        }
    }

    /// Texts; empty ones are missing cells.
    pub fn texts<'a>(cells: impl IntoIterator<Item = &'a str>) -> Values {
        Values::Categories(cells.into_iter().collect())
    }

    /// The text of a row. `None`: a missing cell, no such row, or not a column of texts.
    pub fn text(&self, row: usize) -> Option<&str> {
        if let Values::Categories(cells) = self { cells.get(row) } else { None }
    }

    /// Times count as numbers: they have an order and a distance.
    pub fn are_numbers(&self) -> bool {
        !matches!(self, Values::Categories(_))
    }

    /// The cells of a text table (CSV) as pandas would type them: whole numbers, numbers, else texts. The spellings of a
    /// missing cell are pandas' own; a whole-number column with a missing cell holds numbers.
    pub fn from_cells<'a>(cells: impl IntoIterator<Item = &'a str>) -> Values {
        let cells: Vec<&str> = cells.into_iter().collect();
        let integers: Option<Vec<i64>> = cells.iter().map(|cell| cell.trim().parse().ok()).collect();
        if let Some(integers) = integers.filter(|integers| !integers.is_empty()) {
            return Values::Integers(integers);
        }
        let numbers: Option<Vec<f64>> = cells
            .iter()
            .map(|cell| match cell.trim() {
                missing if is_missing_text(missing) => Some(f64::NAN),
                // Negative zero is zero here too: a whole-number column has none, and a later cell does not bring it back.
                number => number.parse().ok().map(|number: f64| number + 0.0),
            })
            .collect();
        if let Some(numbers) = numbers {
            return Values::Numbers(numbers);
        }
        Values::texts(cells.into_iter().map(|cell| if is_missing_text(cell) { "" } else { cell }))
    }
}

/// The texts that stand for a missing cell (pandas' `read_csv` defaults).
pub fn is_missing_text(cell: &str) -> bool {
    // By length first: this is asked of every cell of a table.
    matches!(
        cell,
        "" | "#N/A"
            | "#N/A N/A"
            | "#NA"
            | "-1.#IND"
            | "-1.#QNAN"
            | "-NaN"
            | "-nan"
            | "1.#IND"
            | "1.#QNAN"
            | "<NA>"
            | "N/A"
            | "NA"
            | "NULL"
            | "NaN"
            | "None"
            | "n/a"
            | "nan"
            | "null"
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn cells_are_typed_as_pandas_types_them() {
        assert_eq!(Values::from_cells(["1", "-2"]), Values::Integers(vec![1, -2]));
        assert_eq!(Values::from_cells(["1", "2.0"]), Values::Numbers(vec![1.0, 2.0]));
        assert_eq!(Values::from_cells(["a", "NA", "1"]), Values::texts(["a", "", "1"]));
        let Values::Numbers(numbers) = Values::from_cells(["1", "", "inf", "-inf"]) else { panic!("numbers expected") };
        assert!(numbers[1].is_nan() && numbers[2] == f64::INFINITY && numbers[3] == f64::NEG_INFINITY);
        assert_eq!(Values::from_cells([]), Values::Numbers(vec![]));
    }
}
