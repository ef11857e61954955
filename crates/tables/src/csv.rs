//! CSV: separator and encoding found out, each column typed as pandas would, every oddity an error with its line.
//!
//! One pass. A column that begins as numbers and turns out to be text is read again in a second pass, so that its first cells keep
//! their spelling (`007`) and nobody keeps all cells as texts to find out.

mod column;
mod dialect;
mod scan;

use std::collections::{BTreeMap, HashMap, HashSet};
use std::io::{Read, Seek};

use bellbuoy_drift::Column;
use encoding_rs::Encoding;

use crate::input::{Input, read_up_to, reason};
use crate::{ReadOptions, Table, TableError};
use column::Growing;
use scan::{Scanner, Trouble};

/// Text from which the separator is told.
const DIALECT_BYTES: usize = 64 << 10;
/// Texts for true and false; a column that has no others is written `true` and `false`, whatever wrote the file.
const BOOLS: [(&str, &str); 4] = [("True", "true"), ("TRUE", "true"), ("False", "false"), ("FALSE", "false")];

pub(crate) fn read<R: Read + Seek>(input: &mut Input<'_, R>, head: &[u8], options: &ReadOptions) -> Result<Table, TableError> {
    let encoding = input.encoding(options, head)?;
    match Pass::new(input, encoding, options).and_then(|pass| pass.run(input)) {
        Err(Failure::NotUtf8(_)) if options.encoding.is_none() => {
            let guess = input.guess()?;
            let again = Pass::new(input, guess, options).and_then(|pass| pass.run(input));
            let mut table = again.map_err(|failure| failure.error(input.name))?;
            table.notes.push(format!("the text is not UTF-8; it is taken for {}", guess.name()));
            Ok(table)
        }
        other => other.map_err(|failure| failure.error(input.name)),
    }
}

enum Failure {
    NotUtf8(u64),
    Other(TableError),
}

impl Failure {
    fn error(self, name: &str) -> TableError {
        match self {
            Failure::NotUtf8(line) => TableError::new(name, "the text is not UTF-8; say its encoding").at(line),
            Failure::Other(error) => error,
        }
    }
}

/// How the file is read.
struct Pass<'o> {
    encoding: &'static Encoding,
    separator: u8,
    options: &'o ReadOptions,
    notes: Vec<String>,
}

impl<'o> Pass<'o> {
    fn new<R: Read + Seek>(input: &mut Input<'_, R>, encoding: &'static Encoding, options: &'o ReadOptions) -> Result<Pass<'o>, Failure> {
        let name = input.name;
        let failed = |error: std::io::Error| Failure::Other(TableError::new(name, reason(&error)));
        let mut head = vec![0; DIALECT_BYTES];
        let read = read_up_to(&mut input.text(encoding).map_err(Failure::Other)?, &mut head).map_err(failed)?;
        let separator = options.separator.unwrap_or_else(|| dialect::separator(&head[..read], read < DIALECT_BYTES));
        Ok(Pass { encoding, separator, options, notes: Vec::new() })
    }

    fn run<R: Read + Seek>(mut self, input: &mut Input<'_, R>) -> Result<Table, Failure> {
        let mut columns = self.columns(input)?;
        let rows = self.rows(input, &mut columns)?;
        let late: HashSet<usize> = (0..columns.len()).filter(|index| columns[*index].is_text_after_all()).collect();
        if !late.is_empty() {
            let again = |(index, column): (usize, &Growing)| if late.contains(&index) { column.again() } else { column.skipped() };
            let mut texts: Vec<Growing> = columns.iter().enumerate().map(again).collect();
            self.rows(input, &mut texts)?;
            for index in late {
                std::mem::swap(&mut columns[index], &mut texts[index]);
            }
        }
        let mut done: Vec<Column> = Vec::with_capacity(columns.len());
        for (column, note) in columns.into_iter().filter_map(|column| column.finish(self.separator)) {
            done.push(column);
            self.notes.extend(note);
        }
        Ok(Table { columns: done, rows, notes: self.notes })
    }

    /// The header.
    fn columns<R: Read + Seek>(&mut self, input: &mut Input<'_, R>) -> Result<Vec<Growing>, Failure> {
        let name = input.name;
        let limits = self.options.limits;
        let mut scanner = Scanner::new(input.text(self.encoding).map_err(Failure::Other)?, self.separator, limits.cell_bytes_max);
        let first = scanner.next().map_err(|trouble| failure(name, trouble, &[]))?;
        if !first {
            return Err(Failure::Other(TableError::new(name, "the file has no header: it is empty")));
        }
        if scanner.cells() > limits.columns_max {
            let message = format!("{} columns are more than the limit of {}", scanner.cells(), limits.columns_max);
            return Err(Failure::Other(TableError::new(name, message).at(scanner.line())));
        }
        let header = scanner.record().map_err(|trouble| failure(name, trouble, &[]))?;
        // As pandas names what has no name: mostly the row numbers that it wrote itself.
        let named = |(index, cell): (usize, &str)| if cell.is_empty() { format!("Unnamed: {index}") } else { cell.to_owned() };
        let names: Vec<String> = header.iter().enumerate().map(|(index, cell)| named((index, cell.trim()))).collect();
        let mut known: HashSet<String> = names.iter().cloned().collect();
        let mut seen: HashMap<String, usize> = HashMap::new();
        let mut columns = Vec::with_capacity(names.len());
        for mut column in names {
            let before = seen.entry(column.clone()).or_default();
            *before += 1;
            if *before > 1 {
                let free = (*before - 1..).map(|number| format!("{column}.{number}")).find(|name| !known.contains(name));
                let other = free.unwrap_or_default();
                self.notes.push(format!("the header has {column:?} more than once; the {}. is named {other:?}", *before));
                known.insert(other.clone());
                column = other;
            }
            let wanted = self.options.wants(&column);
            columns.push(Growing::new(column, wanted));
        }
        Ok(columns)
    }

    /// All rows below the header.
    fn rows<R: Read + Seek>(&self, input: &mut Input<'_, R>, columns: &mut [Growing]) -> Result<usize, Failure> {
        let name = input.name;
        let limits = self.options.limits;
        let mut scanner = Scanner::new(input.text(self.encoding).map_err(Failure::Other)?, self.separator, limits.cell_bytes_max);
        let mut rows = 0;
        let mut header = true;
        loop {
            match scanner.next() {
                Err(trouble) => return Err(failure(name, trouble, columns)),
                Ok(false) => return Ok(rows),
                Ok(true) if header => header = false,
                Ok(true) => {
                    let record = scanner.record().map_err(|trouble| failure(name, trouble, columns))?;
                    if record.len() != columns.len() {
                        return Err(Failure::Other(unequal(name, record.line(), record.len(), columns.len())));
                    }
                    for (column, cell) in columns.iter_mut().zip(record.iter()) {
                        column.push(cell.as_ref(), record.line());
                    }
                    rows += 1;
                    if rows as u64 > limits.rows_max {
                        let message = format!("more rows than the limit of {}", limits.rows_max);
                        return Err(Failure::Other(TableError::new(name, message).at(scanner.line())));
                    }
                }
            }
        }
    }
}

fn unequal(name: &str, line: u64, cells: usize, header: usize) -> TableError {
    let hint = if cells > header { "; a text with a separator in it must be in quotes" } else { "" };
    let plural = if cells == 1 { "" } else { "s" };
    TableError::new(name, format!("{cells} cell{plural} where the header has {header}{hint}")).at(line)
}

fn failure(name: &str, trouble: Trouble, columns: &[Growing]) -> Failure {
    let (line, cell, message) = match trouble {
        Trouble::NotUtf8 { line } => return Failure::NotUtf8(line),
        Trouble::Source(error) => return Failure::Other(TableError::new(name, reason(&error))),
        Trouble::QuoteOpen { line, cell } => (line, cell, "a quote opens here and is never closed".to_owned()),
        Trouble::AfterQuote { line, cell } => {
            (line, cell, "text after the closing quote; a quote inside of a text is written twice (\"\")".to_owned())
        }
        Trouble::Zero { line, cell } => (line, cell, "a byte of zero; this is no text, or it was not written to its end".to_owned()),
        Trouble::LongCell { line, cell, max } => (line, cell, format!("the cell has more than {max} bytes; is a closing quote missing?")),
    };
    let error = TableError::new(name, message).at(line);
    Failure::Other(match columns.get(cell) {
        Some(column) => error.column(column.name()),
        None => error.column(&format!("number {}", cell + 1)),
    })
}

/// What a text column of only true and false is written as.
fn bool_spelling<'a>(texts: impl Iterator<Item = &'a str>) -> Option<BTreeMap<&'static str, &'static str>> {
    let mut found = BTreeMap::new();
    for text in texts {
        found.extend([*BOOLS.iter().find(|(spelling, _)| *spelling == text)?]);
    }
    Some(found).filter(|found| !found.is_empty())
}

#[cfg(test)]
mod tests;
