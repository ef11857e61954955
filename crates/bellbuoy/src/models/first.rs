//! The first rows of a model that are its reference (`reference: {first: 7d}`), kept once they are complete: the rows that they were made of
//! are forgotten one day.
//!
//! In:    the reference of a model. Out: `DATA/models/NAME/reference/first-604800000-0.parquet`, and the same reference at the next start.
//! Never: writes it twice; takes one that was made by other settings, which its name would say.

use std::io::{self, Cursor};

use bellbuoy_drift::{Column, TIME_MISSING, Values};
use bellbuoy_models::{Answer, ReferenceRows, Truth};
use bellbuoy_store::Disk;
use bellbuoy_tables::{Cells, Field, ReadOptions, TableError, silent, write_parquet};
use bellbuoy_vocabulary::Timestamp;

use super::log::read_file;
use crate::config::ReferenceFrom;

pub(super) const DIR: &str = "reference";
/// Columns that are not features.
const AT: &str = "__at";
const PREDICTION: &str = "__prediction";
const CLASS: &str = "__class";
const PROBABILITY: &str = "__probability_";
const VALUE: &str = "__value";
const TRUE_CLASS: &str = "__true_class";

#[derive(Debug, thiserror::Error)]
pub enum FirstError {
    #[error(transparent)]
    Disk(#[from] io::Error),
    #[error(transparent)]
    Table(#[from] TableError),
}

/// Where it is kept. `None`: the reference does not come from the first rows.
pub fn path(from: &ReferenceFrom) -> Option<String> {
    let ReferenceFrom::First { span, rows } = from else { return None };
    Some(format!("{DIR}/first-{}-{}.parquet", span.map_or(0, |span| span.0), rows.unwrap_or(0)))
}

pub fn save(disk: &dyn Disk, path: &str, rows: &ReferenceRows) -> Result<(), FirstError> {
    save_fields(disk, path, &fields(rows))
}

/// Whole or not at all.
pub(super) fn save_fields(disk: &dyn Disk, path: &str, fields: &[Field]) -> Result<(), FirstError> {
    let bytes = write_parquet(path, Vec::new(), fields, &[])?;
    let temporary = format!("{path}.tmp");
    let file = disk.create(&temporary)?;
    file.append(&bytes)?;
    file.sync()?;
    disk.rename(&temporary, path)?;
    disk.sync_dir(DIR)?;
    disk.sync_dir("")?;
    Ok(())
}

/// `None`: it was not complete yet.
pub fn load(disk: &dyn Disk, path: &str) -> Result<Option<ReferenceRows>, FirstError> {
    let bytes = match read_file(disk, path) {
        Ok(bytes) => bytes,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(error.into()),
    };
    let mut table = bellbuoy_tables::read(path, Cursor::new(bytes), &ReadOptions::default(), &silent)?;
    // Taking a column moves the last one to its place.
    let order: Vec<String> = table.columns.iter().map(|column| column.name.clone()).collect();
    let at = table.take(AT).map(|column| times(&column.values));
    let prediction = table.take(PREDICTION).map(|column| numbers(&column.values));
    let class = table.take(CLASS);
    let mut probabilities = Vec::new();
    while let Some(column) = table.take(&format!("{PROBABILITY}{}", probabilities.len())) {
        probabilities.push(numbers(&column.values));
    }
    let answers = match (prediction, class) {
        (Some(numbers), _) => Some(numbers.into_iter().map(Answer::Number).collect()),
        (None, Some(class)) => Some((0..table.rows).map(|row| answer(&class, &probabilities, row)).collect()),
        (None, None) => None,
    };
    let value = table.take(VALUE).map(|column| numbers(&column.values).into_iter().map(Truth::Number).collect());
    let true_class = table.take(TRUE_CLASS);
    let truths = value.or(true_class.map(|column| (0..table.rows).map(|row| Truth::Class(text(&column, row))).collect()));
    table.columns.sort_by_key(|column| order.iter().position(|name| *name == column.name));
    Ok(Some(ReferenceRows { columns: table.columns, at, answers, truths }))
}

fn fields(rows: &ReferenceRows) -> Vec<Field> {
    let mut fields: Vec<Field> = rows.columns.iter().map(|column| Field::new(&column.name, cells(&column.values))).collect();
    if let Some(at) = &rows.at {
        fields.push(Field::new(AT, Cells::Times(at.iter().map(|at| Some(at.0)).collect())));
    }
    if let Some(answers) = &rows.answers {
        put_answers(&mut fields, answers);
    }
    if let Some(truths) = &rows.truths {
        let classes = truths.iter().any(|truth| matches!(truth, Truth::Class(_)));
        if classes {
            let texts = truths.iter().map(|truth| if let Truth::Class(class) = truth { class.as_str() } else { "" });
            fields.push(Field::new(TRUE_CLASS, Cells::Texts(texts.collect())));
        } else {
            let numbers = truths.iter().map(|truth| if let Truth::Number(number) = truth { Some(*number) } else { None });
            fields.push(Field::new(VALUE, Cells::Numbers(numbers.collect())));
        }
    }
    fields
}

fn put_answers(fields: &mut Vec<Field>, answers: &[Answer]) {
    if answers.iter().all(|answer| matches!(answer, Answer::Number(_))) {
        let numbers = answers.iter().map(|answer| if let Answer::Number(number) = answer { Some(*number) } else { None });
        fields.push(Field::new(PREDICTION, Cells::Numbers(numbers.collect())));
        return;
    }
    let of = |answer: &Answer| {
        if let Answer::Class { class, probabilities } = answer { (class.clone(), probabilities.clone()) } else { Default::default() }
    };
    let answers: Vec<(Option<String>, Vec<f64>)> = answers.iter().map(of).collect();
    fields.push(Field::new(CLASS, Cells::Texts(answers.iter().map(|(class, _)| class.as_deref().unwrap_or("")).collect())));
    let classes = answers.iter().map(|(_, probabilities)| probabilities.len()).max().unwrap_or(0);
    for class in 0..classes {
        let cells = answers.iter().map(|(_, probabilities)| probabilities.get(class).copied()).collect();
        fields.push(Field::new(format!("{PROBABILITY}{class}"), Cells::Numbers(cells)));
    }
}

fn answer(class: &Column, probabilities: &[Vec<f64>], row: usize) -> Answer {
    let known: Vec<f64> = probabilities.iter().filter_map(|cells| cells.get(row).copied()).filter(|number| !number.is_nan()).collect();
    Answer::Class { class: Some(text(class, row)).filter(|class| !class.is_empty()), probabilities: known }
}

pub(super) fn cells(values: &Values) -> Cells {
    match values {
        Values::Numbers(cells) => Cells::Numbers(cells.iter().map(|cell| (!cell.is_nan()).then_some(*cell)).collect()),
        Values::Integers(cells) => Cells::Integers(cells.iter().map(|cell| Some(*cell)).collect()),
        Values::Categories(cells) => Cells::Texts(cells.clone()),
        Values::Times(cells) => Cells::Times(cells.iter().map(|cell| (*cell != TIME_MISSING).then_some(*cell)).collect()),
    }
}

fn numbers(values: &Values) -> Vec<f64> {
    match values {
        Values::Numbers(cells) => cells.clone(),
        Values::Integers(cells) => cells.iter().map(|cell| *cell as f64).collect(),
        Values::Categories(_) | Values::Times(_) => vec![f64::NAN; values.len()],
    }
}

fn times(values: &Values) -> Vec<Timestamp> {
    if let Values::Times(cells) = values { cells.iter().map(|cell| Timestamp(*cell)).collect() } else { Vec::new() }
}

fn text(column: &Column, row: usize) -> String {
    column.values.text(row).unwrap_or_default().to_owned()
}

#[cfg(test)]
mod tests {
    use bellbuoy_store::crash::CrashDisk;
    use bellbuoy_vocabulary::Millis;

    use super::*;

    fn columns() -> Vec<Column> {
        vec![
            Column::new("temp", Values::Numbers(vec![0.5, 1.5])),
            Column::new("kind", Values::texts(["a", ""])),
            Column::new("hr", Values::Integers(vec![1, 2])),
        ]
    }

    fn check(rows: ReferenceRows) {
        let disk = CrashDisk::new();
        let path = path(&ReferenceFrom::First { span: Some(Millis(5)), rows: None }).expect("first rows");
        assert_eq!(path, "reference/first-5-0.parquet");
        assert!(load(&disk, &path).expect("disk").is_none());
        save(&disk, &path, &rows).expect("disk");
        assert_eq!(load(&disk.after_power_cut(0), &path).expect("reads"), Some(rows));
    }

    #[test]
    fn references_read_back() {
        check(ReferenceRows {
            columns: columns(),
            at: Some(vec![Timestamp(1), Timestamp(2)]),
            answers: Some(vec![Answer::Number(0.1), Answer::Number(2.0)]),
            truths: Some(vec![Truth::Number(0.1), Truth::Number(2.0)]),
        });
        let class = |class: Option<&str>, probabilities: &[f64]| Answer::Class {
            class: class.map(str::to_owned),
            probabilities: probabilities.to_vec(),
        };
        check(ReferenceRows {
            columns: columns(),
            at: Some(vec![Timestamp(1), Timestamp(2)]),
            answers: Some(vec![class(Some("no"), &[0.75, 0.25]), class(None, &[0.5, 0.5])]),
            truths: Some(vec![Truth::Class("no".into()), Truth::Class("yes".into())]),
        });
        check(ReferenceRows { columns: columns(), at: None, answers: None, truths: None });
    }
}
