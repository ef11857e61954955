//! JSON lines and arrays of objects: keys are columns, a key that a row lacks is a missing cell.
//!
//! In:    something to read, limits. Out: columns; a type is what all cells of a column can be.
//! Never: takes lists or objects in a cell apart: such a column is left out, and a note says so. Errors name file and line.

use std::collections::HashMap;
use std::fmt;
use std::io::{BufRead, BufReader, Read, Seek};

use bellbuoy_drift::{Column, TextsBuilder, Values};
use serde::de::{DeserializeSeed, Error, IgnoredAny, MapAccess, SeqAccess, Visitor};

use crate::input::{Input, reason};
use crate::{Limits, ReadOptions, Table, TableError};

const BUFFER_BYTES: usize = 1 << 18;

/// One object a line; blank lines are passed over.
pub(crate) fn read_lines<R: Read + Seek>(input: &mut Input<'_, R>, head: &[u8], options: &ReadOptions) -> Result<Table, TableError> {
    let name = input.name;
    let encoding = input.encoding(options, head)?;
    let limits = options.limits;
    let mut rows = Rows::new(options);
    let mut reader = BufReader::with_capacity(BUFFER_BYTES, input.text(encoding)?);
    let (mut line, mut number) = (Vec::new(), 0u64);
    loop {
        line.clear();
        number += 1;
        let failed = |error: std::io::Error| TableError::new(name, reason(&error)).at(number);
        let read = (&mut reader).take(limits.cell_bytes_max as u64 + 1).read_until(b'\n', &mut line).map_err(failed)?;
        if read == 0 {
            return Ok(rows.finish());
        }
        if line.len() > limits.cell_bytes_max {
            return Err(TableError::new(name, format!("the line has more than {} bytes", limits.cell_bytes_max)).at(number));
        }
        let text = line.strip_prefix(b"\xef\xbb\xbf").unwrap_or(&line).trim_ascii();
        if text.is_empty() {
            continue;
        }
        let mut json = serde_json::Deserializer::from_slice(text);
        let parsed = RowSeed { rows: &mut rows }.deserialize(&mut json).and_then(|()| json.end());
        if let Err(error) = parsed {
            return Err(rows.problem(name, &error).at(number));
        }
    }
}

/// One array of objects.
pub(crate) fn read_array<R: Read + Seek>(input: &mut Input<'_, R>, head: &[u8], options: &ReadOptions) -> Result<Table, TableError> {
    let name = input.name;
    let encoding = input.encoding(options, head)?;
    let mut rows = Rows::new(options);
    let mut reader = BufReader::with_capacity(BUFFER_BYTES, input.text(encoding)?);
    let failed = |error: std::io::Error| TableError::new(name, reason(&error));
    if reader.fill_buf().map_err(failed)?.starts_with(b"\xef\xbb\xbf") {
        reader.consume(3);
    }
    let mut json = serde_json::Deserializer::from_reader(reader);
    let parsed = ArraySeed { rows: &mut rows }.deserialize(&mut json).and_then(|()| json.end());
    match parsed {
        Ok(()) => Ok(rows.finish()),
        Err(error) => {
            let line = error.line() as u64;
            let problem = rows.problem(name, &error);
            Err(if line > 0 { problem.at(line) } else { problem })
        }
    }
}

/// Columns while rows come.
struct Rows<'o> {
    options: &'o ReadOptions,
    limits: Limits,
    columns: Vec<Growing>,
    places: HashMap<String, usize>,
    /// Where the next key is when rows have the same order.
    expected: usize,
    rows: usize,
    /// The column whose cell is being read.
    current: Option<usize>,
}

struct Growing {
    name: String,
    cells: Cells,
    wanted: bool,
    nested: bool,
    /// Rows that have a cell, the current one with them.
    rows: usize,
    /// What made numbers a text, and in which row.
    broken: Option<(String, usize)>,
}

/// Of a cell in a note.
const SHOWN_CHARS: usize = 40;

enum Cells {
    /// Only missing ones so far.
    None(usize),
    Integers(Vec<i64>),
    Numbers(Vec<f64>),
    Texts(TextsBuilder),
}

#[derive(Clone, Copy)]
enum Cell<'a> {
    Missing,
    Integer(i64),
    Number(f64),
    Text(&'a str),
    /// A list or an object.
    Nested,
}

impl<'o> Rows<'o> {
    fn new(options: &'o ReadOptions) -> Rows<'o> {
        Rows { options, limits: options.limits, columns: Vec::new(), places: HashMap::new(), expected: 0, rows: 0, current: None }
    }

    fn place(&mut self, key: &str) -> Result<usize, String> {
        let expected = self.expected;
        if self.columns.get(expected).is_some_and(|column| column.name == key) {
            self.expected += 1;
            return Ok(expected);
        }
        if let Some(place) = self.places.get(key) {
            self.expected = place + 1;
            return Ok(*place);
        }
        if self.columns.len() >= self.limits.columns_max {
            return Err(format!("more columns than the limit of {}", self.limits.columns_max));
        }
        let wanted = self.options.wants(key);
        self.columns.push(Growing {
            name: key.to_owned(),
            cells: Cells::None(self.rows),
            wanted,
            nested: false,
            rows: self.rows,
            broken: None,
        });
        self.places.insert(key.to_owned(), self.columns.len() - 1);
        self.expected = self.columns.len();
        Ok(self.columns.len() - 1)
    }

    /// The end of a row: what it lacked is missing.
    fn end_row(&mut self) -> Result<(), String> {
        self.rows += 1;
        self.expected = 0;
        self.current = None;
        if self.rows as u64 > self.limits.rows_max {
            return Err(format!("more rows than the limit of {}", self.limits.rows_max));
        }
        for column in self.columns.iter_mut().filter(|column| column.rows < self.rows) {
            column.push(Cell::Missing);
            column.rows = self.rows;
        }
        Ok(())
    }

    fn problem(&self, name: &str, error: &serde_json::Error) -> TableError {
        // Its own place is that within the line.
        let text = error.to_string();
        let text = text.split(" at line ").next().unwrap_or_default();
        let problem = if error.is_eof() {
            TableError::new(name, "the JSON ends in the middle")
        } else {
            TableError::new(name, format!("row {}: {text}", self.rows + 1))
        };
        match self.current.and_then(|place| self.columns.get(place)) {
            Some(column) => problem.column(&column.name),
            None => problem,
        }
    }

    fn finish(self) -> Table {
        let mut notes = Vec::new();
        let mut columns = Vec::new();
        for column in self.columns {
            if column.nested {
                notes.push(format!("column {:?} is left out: it holds lists or objects", column.name));
            } else if column.wanted {
                if let Some((cell, row)) = column.broken {
                    notes.push(format!("column {:?} is taken for texts: {cell:?} in row {row} is no number", column.name));
                }
                columns.push(Column::new(column.name, column.cells.finish()));
            }
        }
        Table { columns, rows: self.rows, notes }
    }
}

impl Growing {
    fn push(&mut self, cell: Cell<'_>) {
        if matches!(cell, Cell::Nested) {
            self.nested |= self.wanted;
            self.cells = Cells::None(0);
        }
        if let (Cell::Text(text), Cells::Integers(_) | Cells::Numbers(_)) = (&cell, &self.cells)
            && !text.is_empty()
        {
            self.broken = Some((text.chars().take(SHOWN_CHARS).collect(), self.rows));
        }
        if self.wanted && !self.nested {
            self.cells.push(cell);
        }
    }
}

impl Cells {
    fn push(&mut self, cell: Cell<'_>) {
        match (&mut *self, cell) {
            (Cells::None(rows), Cell::Missing) => *rows += 1,
            (Cells::None(0), Cell::Integer(cell)) => *self = Cells::Integers(vec![cell]),
            (Cells::None(rows), Cell::Integer(_) | Cell::Number(_)) => {
                *self = Cells::Numbers(vec![f64::NAN; *rows]);
                self.push(cell);
            }
            (Cells::None(_), Cell::Text(_)) => {
                self.become_texts();
                self.push(cell);
            }
            (Cells::Integers(cells), Cell::Integer(cell)) => cells.push(cell),
            (Cells::Integers(cells), Cell::Missing | Cell::Number(_)) => {
                *self = Cells::Numbers(std::mem::take(cells).into_iter().map(|cell| cell as f64).collect());
                self.push(cell);
            }
            (Cells::Numbers(cells), Cell::Missing) => cells.push(f64::NAN),
            (Cells::Numbers(cells), Cell::Integer(cell)) => cells.push(cell as f64),
            (Cells::Numbers(cells), Cell::Number(cell)) => cells.push(cell),
            (Cells::Integers(_) | Cells::Numbers(_), Cell::Text("")) => self.push(Cell::Missing),
            (Cells::Integers(_) | Cells::Numbers(_), Cell::Text(_)) => {
                self.become_texts();
                self.push(cell);
            }
            (Cells::Texts(cells), Cell::Missing) => cells.push_missing(),
            (Cells::Texts(cells), Cell::Text(cell)) => cells.push(cell),
            (Cells::Texts(cells), Cell::Integer(cell)) => cells.push(&cell.to_string()),
            (Cells::Texts(cells), Cell::Number(cell)) => cells.push(&cell.to_string()),
            (_, Cell::Nested) => {}
        }
    }

    fn become_texts(&mut self) {
        let mut texts = TextsBuilder::default();
        match self {
            Cells::None(rows) => (0..*rows).for_each(|_| texts.push_missing()),
            Cells::Integers(cells) => cells.iter().for_each(|cell| texts.push(&cell.to_string())),
            Cells::Numbers(cells) => {
                cells.iter().for_each(|cell| if cell.is_nan() { texts.push_missing() } else { texts.push(&cell.to_string()) });
            }
            Cells::Texts(_) => return,
        }
        *self = Cells::Texts(texts);
    }

    fn finish(self) -> Values {
        match self {
            Cells::None(rows) => Values::Numbers(vec![f64::NAN; rows]),
            Cells::Integers(cells) => Values::Integers(cells),
            Cells::Numbers(cells) => Values::Numbers(cells),
            Cells::Texts(cells) => Values::Categories(cells.finish()),
        }
    }
}

struct ArraySeed<'r, 'o> {
    rows: &'r mut Rows<'o>,
}

struct RowSeed<'r, 'o> {
    rows: &'r mut Rows<'o>,
}

struct KeySeed<'r, 'o> {
    rows: &'r mut Rows<'o>,
}

struct CellSeed<'r> {
    column: &'r mut Growing,
}

impl<'de> DeserializeSeed<'de> for ArraySeed<'_, '_> {
    type Value = ();

    fn deserialize<D: serde::Deserializer<'de>>(self, deserializer: D) -> Result<(), D::Error> {
        deserializer.deserialize_seq(self)
    }
}

impl<'de> Visitor<'de> for ArraySeed<'_, '_> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an array of rows")
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut array: A) -> Result<(), A::Error> {
        while array.next_element_seed(RowSeed { rows: self.rows })?.is_some() {}
        Ok(())
    }
}

impl<'de> DeserializeSeed<'de> for RowSeed<'_, '_> {
    type Value = ();

    fn deserialize<D: serde::Deserializer<'de>>(self, deserializer: D) -> Result<(), D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for RowSeed<'_, '_> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a row as an object {\"column\": value, ...}")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<(), A::Error> {
        let row = self.rows.rows;
        while let Some(place) = map.next_key_seed(KeySeed { rows: self.rows })? {
            self.rows.current = Some(place);
            let column = &mut self.rows.columns[place];
            if column.rows > row {
                return Err(A::Error::custom("the row has this key twice"));
            }
            column.rows = row + 1;
            map.next_value_seed(CellSeed { column })?;
            self.rows.current = None;
        }
        self.rows.end_row().map_err(A::Error::custom)
    }
}

impl<'de> DeserializeSeed<'de> for KeySeed<'_, '_> {
    type Value = usize;

    fn deserialize<D: serde::Deserializer<'de>>(self, deserializer: D) -> Result<usize, D::Error> {
        deserializer.deserialize_str(self)
    }
}

impl Visitor<'_> for KeySeed<'_, '_> {
    type Value = usize;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a column's name")
    }

    fn visit_str<E: Error>(self, key: &str) -> Result<usize, E> {
        self.rows.place(key).map_err(E::custom)
    }
}

impl<'de> DeserializeSeed<'de> for CellSeed<'_> {
    type Value = ();

    fn deserialize<D: serde::Deserializer<'de>>(self, deserializer: D) -> Result<(), D::Error> {
        if self.column.wanted { deserializer.deserialize_any(self) } else { deserializer.deserialize_ignored_any(IgnoredAny).map(|_| ()) }
    }
}

impl<'de> Visitor<'de> for CellSeed<'_> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a number, a text, true, false or null")
    }

    fn visit_bool<E: Error>(self, cell: bool) -> Result<(), E> {
        self.column.push(Cell::Text(if cell { "true" } else { "false" }));
        Ok(())
    }

    fn visit_i64<E: Error>(self, cell: i64) -> Result<(), E> {
        self.column.push(Cell::Integer(cell));
        Ok(())
    }

    fn visit_u64<E: Error>(self, cell: u64) -> Result<(), E> {
        self.column.push(i64::try_from(cell).map_or(Cell::Number(cell as f64), Cell::Integer));
        Ok(())
    }

    fn visit_f64<E: Error>(self, cell: f64) -> Result<(), E> {
        self.column.push(Cell::Number(cell));
        Ok(())
    }

    fn visit_str<E: Error>(self, cell: &str) -> Result<(), E> {
        self.column.push(Cell::Text(cell));
        Ok(())
    }

    fn visit_unit<E: Error>(self) -> Result<(), E> {
        self.column.push(Cell::Missing);
        Ok(())
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<(), A::Error> {
        while list.next_element::<IgnoredAny>()?.is_some() {}
        self.column.push(Cell::Nested);
        Ok(())
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<(), A::Error> {
        while map.next_entry::<IgnoredAny, IgnoredAny>()?.is_some() {}
        self.column.push(Cell::Nested);
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use std::io::Cursor;

    use super::*;
    use crate::{read, silent};

    fn table(text: &str) -> Result<Table, TableError> {
        read("t.json", Cursor::new(text.as_bytes().to_vec()), &ReadOptions::default(), &silent)
    }

    fn lines(table: &Table) -> Vec<String> {
        table.columns.iter().map(|column| format!("{} {:?}", column.name, column.values)).collect()
    }

    #[test]
    fn keys_are_columns() {
        let rows = [
            r#"{"id": 1, "x": 1, "flag": true, "when": "2024-05-01", "mixed": 1.5}"#,
            r#"{"x": 2.5, "id": 12345678901, "late": "z", "mixed": "half", "deep": {"a": [1]}}"#,
            r#"{"id": 3, "x": null, "flag": false, "mixed": null, "big": 18446744073709551615}"#,
        ];
        let array = table(&format!("\u{feff} [{}]\n", rows.join(",\n"))).expect("an array");
        assert_eq!(array.rows, 3);
        assert_eq!(array.column("id").map(|c| &c.values), Some(&Values::Integers(vec![1, 12_345_678_901, 3])));
        assert_eq!(array.column("flag").map(|c| &c.values), Some(&Values::texts(["true", "", "false"])));
        assert_eq!(array.column("late").map(|c| &c.values), Some(&Values::texts(["", "z", ""])));
        assert_eq!(array.column("mixed").map(|c| &c.values), Some(&Values::texts(["1.5", "half", ""])));
        assert!(matches!(&array.column("x").expect("x").values, Values::Numbers(x) if x[..2] == [1.0, 2.5] && x[2].is_nan()));
        let notes = [
            r#"column "mixed" is taken for texts: "half" in row 2 is no number"#,
            r#"column "deep" is left out: it holds lists or objects"#,
        ];
        assert_eq!(array.notes, notes);
        let in_lines = table(&format!("{}\n\n", rows.join("\r\n"))).expect("lines");
        assert_eq!(lines(&in_lines), lines(&array));
    }

    #[test]
    fn problems_name_line_and_column() {
        let check = |text: &str, expected: &str| match table(text) {
            Err(error) => assert_eq!(error.to_string(), expected),
            Ok(table) => panic!("{expected} expected, {table:?} read"),
        };
        check("{\"a\": 1}\n{\"a\": NaN}\n", "t.json:2: column \"a\": row 2: expected value");
        check("{\"a\": 1}\n{\"a\": 1, \"a\": 2}\n", "t.json:2: column \"a\": row 2: the row has this key twice");
        check("{\"a\": 1}\n{\"a\": \n", "t.json:2: column \"a\": the JSON ends in the middle");
        check("{\"a\": 1}\n7\n", "t.json:2: row 2: invalid type: integer `7`, expected a row as an object {\"column\": value, ...}");
        check("{\"a\": 1} {\"a\": 2}\n", "t.json:1: row 2: trailing characters");
        check("[{\"a\": 1},\n{\"a\": 2}", "t.json:2: the JSON ends in the middle");
        check("[{\"a\": 1},\n 3]", "t.json:2: row 2: invalid type: integer `3`, expected a row as an object {\"column\": value, ...}");
    }
}
