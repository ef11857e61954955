//! A table in memory: columns of the same length, and what was left out.

use bellbuoy_drift::{Column, TIME_MISSING, TextsBuilder, Values};

#[derive(Clone, Debug, Default, PartialEq)]
pub struct Table {
    pub columns: Vec<Column>,
    pub rows: usize,
    /// Lowercase fragments: columns that were left out and why, how the file was taken where it was not plain.
    pub notes: Vec<String>,
}

impl Table {
    pub fn column(&self, name: &str) -> Option<&Column> {
        self.columns.iter().find(|column| column.name == name)
    }

    /// Moves the column out.
    pub fn take(&mut self, name: &str) -> Option<Column> {
        let index = self.columns.iter().position(|column| column.name == name)?;
        Some(self.columns.swap_remove(index))
    }

    /// The rows of another table after these, columns by name: what one of them lacks is missing there. Columns of different
    /// types become numbers, or texts where one has texts.
    pub fn append(&mut self, other: Table) {
        let rows = self.rows + other.rows;
        let mut others: Vec<Option<Column>> = other.columns.into_iter().map(Some).collect();
        let mut find = |name: &str| {
            let index = others.iter().position(|column| column.as_ref().is_some_and(|column| column.name == name))?;
            others[index].take()
        };
        for column in &mut self.columns {
            let more = find(&column.name).map_or_else(|| missing(&column.values, other.rows), |column| column.values);
            let first = std::mem::replace(&mut column.values, Values::Numbers(Vec::new()));
            column.values = joined(first, more);
        }
        for column in others.into_iter().flatten() {
            let before = missing(&column.values, self.rows);
            self.columns.push(Column::new(column.name, joined(before, column.values)));
        }
        self.rows = rows;
        self.notes.extend(other.notes);
    }
}

/// So many missing cells of the same type; whole numbers have none and become numbers.
pub(crate) fn missing(like: &Values, rows: usize) -> Values {
    match like {
        Values::Categories(_) => Values::texts(std::iter::repeat_n("", rows)),
        Values::Times(_) => Values::Times(vec![TIME_MISSING; rows]),
        Values::Integers(_) if rows == 0 => Values::Integers(Vec::new()),
        Values::Integers(_) | Values::Numbers(_) => Values::Numbers(vec![f64::NAN; rows]),
    }
}

fn joined(first: Values, more: Values) -> Values {
    match (first, more) {
        (Values::Integers(mut cells), Values::Integers(more)) => {
            cells.extend(more);
            Values::Integers(cells)
        }
        (Values::Times(mut cells), Values::Times(more)) => {
            cells.extend(more);
            Values::Times(cells)
        }
        (Values::Categories(cells), Values::Categories(more)) => {
            let mut texts = TextsBuilder::default();
            texts.append(&cells);
            texts.append(&more);
            Values::Categories(texts.finish())
        }
        (first, more) if first.is_empty() => more,
        (first, more) if more.is_empty() => first,
        (first @ (Values::Numbers(_) | Values::Integers(_)), more @ (Values::Numbers(_) | Values::Integers(_))) => {
            let mut cells = numbers(first);
            cells.extend(numbers(more));
            Values::Numbers(cells)
        }
        // A column that is missing throughout has no type of its own.
        (first, more) if all_missing(&first) => joined(missing(&more, first.len()), more),
        (first, more) if all_missing(&more) => {
            let rows = more.len();
            let more = missing(&first, rows);
            joined(first, more)
        }
        (first, more) => {
            let mut cells = TextsBuilder::default();
            push_texts(&mut cells, &first);
            push_texts(&mut cells, &more);
            Values::Categories(cells.finish())
        }
    }
}

fn all_missing(values: &Values) -> bool {
    match values {
        Values::Numbers(cells) => cells.iter().all(|cell| cell.is_nan()),
        Values::Integers(_) => false,
        Values::Categories(cells) => cells.missing() == cells.len(),
        Values::Times(cells) => cells.iter().all(|cell| *cell == TIME_MISSING),
    }
}

fn numbers(values: Values) -> Vec<f64> {
    match values {
        Values::Numbers(cells) => cells,
        Values::Integers(cells) => cells.into_iter().map(|cell| cell as f64).collect(),
        Values::Categories(_) | Values::Times(_) => Vec::new(),
    }
}

fn push_texts(texts: &mut TextsBuilder, values: &Values) {
    match values {
        Values::Categories(cells) => texts.append(cells),
        Values::Numbers(cells) => {
            cells.iter().for_each(|cell| if cell.is_nan() { texts.push_missing() } else { texts.push(&cell.to_string()) });
        }
        Values::Integers(cells) => cells.iter().for_each(|cell| texts.push(&cell.to_string())),
        Values::Times(cells) => {
            cells.iter().for_each(|cell| if *cell == TIME_MISSING { texts.push_missing() } else { texts.push(&cell.to_string()) });
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn table(columns: Vec<Column>) -> Table {
        Table { rows: columns[0].values.len(), columns, notes: Vec::new() }
    }

    #[test]
    fn tables_follow_each_other_by_name() {
        let mut all = table(vec![
            Column::new("a", Values::Integers(vec![1, 2])),
            Column::new("b", Values::texts(["x", ""])),
            Column::new("empty", Values::Numbers(vec![f64::NAN; 2])),
            Column::new("mixed", Values::Numbers(vec![0.5, f64::NAN])),
            Column::new("gone", Values::Integers(vec![7, 8])),
        ]);
        all.append(table(vec![
            Column::new("new", Values::Times(vec![5])),
            Column::new("mixed", Values::texts(["half"])),
            Column::new("empty", Values::texts(["full"])),
            Column::new("b", Values::texts(["y"])),
            Column::new("a", Values::Integers(vec![3])),
        ]));
        assert_eq!(all.rows, 3);
        assert_eq!(all.column("a").map(|c| &c.values), Some(&Values::Integers(vec![1, 2, 3])));
        assert_eq!(all.column("b").map(|c| &c.values), Some(&Values::texts(["x", "", "y"])));
        assert_eq!(all.column("empty").map(|c| &c.values), Some(&Values::texts(["", "", "full"])));
        assert_eq!(all.column("mixed").map(|c| &c.values), Some(&Values::texts(["0.5", "", "half"])));
        assert_eq!(all.column("new").map(|c| &c.values), Some(&Values::Times(vec![TIME_MISSING, TIME_MISSING, 5])));
        assert!(
            matches!(&all.column("gone").expect("kept").values, Values::Numbers(cells) if cells[..2] == [7.0, 8.0] && cells[2].is_nan())
        );
    }
}
