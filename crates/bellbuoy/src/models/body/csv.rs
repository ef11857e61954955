//! CSV into rows: the first line names the columns, the separator is found out.
//!
//! In:    bytes in UTF-8. Out: a `Batch`. A line with too few or too many cells is one refused row, named by its line.

use bellbuoy_models::{Label, Prediction};

use super::draft::{Cell, Draft, Refusal, cell_of_text};
use super::table::{Column, ColumnNames};
use super::{Batch, BodyError, Intake, trim};

const SEPARATORS: [u8; 4] = [b',', b';', b'\t', b'|'];

pub fn predictions(body: &[u8], intake: &Intake) -> Result<Batch<Prediction>, BodyError> {
    read(body, intake, |names, name, draft| names.prediction(name, draft), Draft::finish_prediction)
}

pub fn labels(body: &[u8], intake: &Intake) -> Result<Batch<Label>, BodyError> {
    read(body, intake, |names, name, draft| names.label(name, draft), Draft::finish_label)
}

fn read<'i, T>(
    body: &[u8],
    intake: &'i Intake,
    column_of: fn(&ColumnNames, &str, &mut Draft) -> Column,
    finish: fn(&mut Draft<'i>) -> Result<T, Refusal>,
) -> Result<Batch<T>, BodyError> {
    let body = trim(body);
    let mut reader = csv::ReaderBuilder::new().flexible(true).delimiter(separator(body)).from_reader(body);
    let bad = |error: csv::Error| BodyError::Bad(error.to_string());
    let header = reader.headers().map_err(bad)?.clone();
    let names = ColumnNames::of_bodies(intake);
    let mut draft = Draft::new(intake);
    let columns: Vec<Column> = header.iter().map(|name| column_of(&names, name.trim(), &mut draft)).collect();
    super::table::check(&columns, header.iter())?;
    let mut batch = Batch::new(&intake.schema);
    let mut record = csv::ByteRecord::new();
    while reader.read_byte_record(&mut record).map_err(bad)? {
        let line = record.position().map_or(0, csv::Position::line);
        let whole = record.len() == columns.len();
        if !whole {
            draft.wrong("", format!("line {line} has {} cells, the header has {}", record.len(), columns.len()));
        }
        for (column, cell) in columns.iter().zip(record.iter()) {
            match std::str::from_utf8(cell) {
                Ok(text) => column.put(&mut draft, || cell_of(column, text)),
                Err(_) => draft.wrong("", format!("line {line} is not UTF-8")),
            }
        }
        batch.push(finish(&mut draft))?;
    }
    batch.schema = draft.schema().clone();
    Ok(batch)
}

/// Ids, roles and classes are what is written, with their zeros: `007` is not 7.
fn cell_of<'t>(column: &Column, text: &'t str) -> Cell<'t> {
    match column {
        Column::Id | Column::Role | Column::Class | Column::ClassValue | Column::At if text.trim().is_empty() => Cell::Missing,
        Column::At if text.trim().parse::<f64>().is_ok() => cell_of_text(text),
        Column::Id | Column::Role | Column::Class | Column::ClassValue | Column::At => Cell::Text(text.trim().into()),
        _ => cell_of_text(text),
    }
}

/// The one that the header has most of.
fn separator(body: &[u8]) -> u8 {
    let header = body.split(|byte| *byte == b'\n').next().unwrap_or(body);
    let count = |separator: u8| header.iter().filter(|byte| **byte == separator).count();
    // The first of equals, so that a header of one column has a comma.
    SEPARATORS.into_iter().rev().max_by_key(|separator| count(*separator)).unwrap_or(b',')
}
