//! What is remembered of a reference when its rows are gone: names, types, and the few values of columns that have few.

use std::collections::BTreeSet;

use bellbuoy_drift::{Column, Kind, Preset, Shape, TableProfile, Values, time_column};

/// Different values that are remembered: no model has more classes.
const WORDS_MAX: usize = 1000;
/// Whole numbers with more different values are no classes.
const NUMBERS_MAX: usize = 100;

#[derive(Debug, Default)]
pub struct Outline {
    pub columns: Vec<Known>,
    pub rows: u64,
    /// A profile: no roles, no rows.
    pub profile: bool,
    /// Of all columns, in the file's order: also of those that the model does not need and that were not read.
    pub names: Vec<String>,
    /// What the reader left out.
    pub notes: Vec<String>,
}

#[derive(Debug)]
pub struct Known {
    pub name: String,
    pub holds: Holds,
    pub kind: Kind,
    /// Why it looks like a time or an identifier.
    pub time: Option<String>,
    /// Sorted; `None` when there are many.
    pub words: Option<Vec<String>>,
    /// Smallest and largest number.
    pub range: Option<(f64, f64)>,
    /// A text of it, to show.
    pub example: Option<String>,
    pub missing: bool,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Holds {
    Numbers,
    Texts,
    Times,
    /// Every cell is missing.
    Nothing,
}

impl Outline {
    pub fn of_table(columns: &[Column], notes: Vec<String>) -> Outline {
        let rows = columns.first().map_or(0, |column| column.values.len() as u64);
        let names = columns.iter().map(|column| column.name.clone()).collect();
        Outline { columns: columns.iter().map(known).collect(), names, rows, profile: false, notes }
    }

    pub fn of_profile(profile: &TableProfile) -> Outline {
        let known = |column: &bellbuoy_drift::ColumnProfile| {
            let holds = match &column.shape {
                Shape::Numbers { .. } | Shape::Categories { numbers: true, .. } => Holds::Numbers,
                _ => Holds::Texts,
            };
            Known {
                name: column.name.clone(),
                holds,
                kind: column.kind,
                time: column.time.clone(),
                words: None,
                range: column.range,
                example: None,
                missing: column.missing > 0,
            }
        };
        Outline {
            columns: profile.columns.iter().map(known).collect(),
            rows: profile.rows,
            names: profile.columns.iter().map(|column| column.name.clone()).collect(),
            profile: true,
            notes: Vec::new(),
        }
    }

    pub fn column(&self, name: &str) -> Option<&Known> {
        self.columns.iter().find(|column| column.name == name)
    }

    /// Whether there is such a column, read or not.
    pub fn has(&self, name: &str) -> bool {
        self.names().any(|known| known == name)
    }

    pub fn names(&self) -> impl Iterator<Item = &str> {
        self.names.iter().map(String::as_str)
    }
}

fn known(column: &Column) -> Known {
    let values = &column.values;
    let (holds, words, example, missing) = match values {
        Values::Numbers(numbers) => {
            let missing = numbers.iter().any(|number| !number.is_finite());
            let nothing = numbers.iter().all(|number| number.is_nan());
            (if nothing { Holds::Nothing } else { Holds::Numbers }, None, None, missing)
        }
        Values::Integers(numbers) => (Holds::Numbers, few(numbers), None, false),
        Values::Categories(texts) => {
            let mut words: Vec<String> = texts.counted().into_iter().take(WORDS_MAX + 1).map(|(text, _)| text.to_owned()).collect();
            words.sort_unstable();
            let example = texts.present().next().map(str::to_owned);
            let holds = if example.is_none() { Holds::Nothing } else { Holds::Texts };
            (holds, (words.len() <= WORDS_MAX).then_some(words), example, texts.missing() > 0)
        }
        Values::Times(times) => (Holds::Times, None, None, times.contains(&bellbuoy_drift::TIME_MISSING)),
    };
    Known {
        name: column.name.clone(),
        holds,
        kind: Preset::Default.kind(values),
        time: time_column(&column.name, values).map(str::to_owned),
        words,
        range: range(values),
        example,
        missing,
    }
}

fn few(numbers: &[i64]) -> Option<Vec<String>> {
    let mut found = BTreeSet::new();
    for number in numbers {
        if found.insert(*number) && found.len() > NUMBERS_MAX {
            return None;
        }
    }
    Some(found.into_iter().map(|number| number.to_string()).collect())
}

fn range(values: &Values) -> Option<(f64, f64)> {
    let of = |numbers: &mut dyn Iterator<Item = f64>| {
        numbers.filter(|number| number.is_finite()).fold(None, |range: Option<(f64, f64)>, number| {
            Some(range.map_or((number, number), |(low, high)| (low.min(number), high.max(number))))
        })
    };
    match values {
        Values::Numbers(numbers) => of(&mut numbers.iter().copied()),
        Values::Integers(numbers) => of(&mut numbers.iter().map(|number| *number as f64)),
        Values::Categories(_) | Values::Times(_) => None,
    }
}
