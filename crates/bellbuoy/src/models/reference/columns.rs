//! Which column of a reference is what: as the settings say, else by its usual name; and the columns of roles as the model takes them.

use std::collections::BTreeSet;

use bellbuoy_drift::{Column, TIME_MISSING, Values};
use bellbuoy_models::{Answer, ModelKind, Truth};
use bellbuoy_vocabulary::Timestamp;

use super::outline::{Holds, Outline};
use crate::config::{ModelConfig, Place};

const IDS: [&str; 4] = ["id", "prediction_id", "row_id", "uuid"];
const TIMES: [&str; 9] = ["timestamp", "time", "datetime", "date", "ts", "at", "event_time", "event_timestamp", "created_at"];
const PREDICTIONS: [&str; 5] = ["prediction", "predicted", "y_hat", "yhat", "y_pred"];
/// Seconds, milliseconds, microseconds, nanoseconds since 1970: the unit that puts a number between 1973 and 5138.
const UNITS: [f64; 4] = [1e-3, 1.0, 1e3, 1e6];
const EPOCH_MS: std::ops::Range<f64> = 1e11..1e14;

/// Columns by role.
#[derive(Debug, Default, PartialEq)]
pub struct Roles {
    pub id: Option<String>,
    pub time: Option<String>,
    pub prediction: Option<String>,
    /// Class and column.
    pub probabilities: Vec<(String, String)>,
    pub probability: Option<String>,
    pub value: Option<String>,
}

impl Roles {
    pub fn all(&self) -> impl Iterator<Item = &str> {
        let single = [&self.id, &self.time, &self.prediction, &self.probability, &self.value];
        single.into_iter().flatten().chain(self.probabilities.iter().map(|(_, column)| column)).map(String::as_str)
    }
}

/// Columns that are read of a reference.
#[derive(Debug)]
pub struct Needed(BTreeSet<String>);

impl Needed {
    pub fn has(&self, name: &str) -> bool {
        // The classes may be known only when the reference is read.
        self.0.contains(name) || name.starts_with("probability_")
    }
}

/// What a model takes of its reference when bellbuoy.yml names its features; `None`: everything, because any column may be one.
/// Identifiers are not among them: they are only there to be no features, and take the most memory.
pub fn needed(model: &ModelConfig) -> Option<Needed> {
    let (said, settings) = (&model.reference.columns, &model.settings);
    let features = settings.features.iter().map(|feature| feature.name.as_str());
    if settings.features.is_empty() || !features.clone().all(|name| model.places.says(Place::Feature, name)) {
        return None;
    }
    let renamed = said.features.iter().map(|(_, column)| column.as_str());
    let roles = [&said.time, &said.prediction, &said.probability, &said.value].into_iter().flatten().map(String::as_str);
    let probabilities = said.probabilities.iter().map(|(_, column)| column.as_str());
    let others = settings.segments.iter().chain(&settings.drift.time_columns).map(String::as_str);
    let usual = TIMES.into_iter().chain(PREDICTIONS).chain(["probability", settings.target.as_str()]);
    let all = features.chain(renamed).chain(roles).chain(probabilities).chain(others).chain(usual);
    Some(Needed(all.map(str::to_owned).collect()))
}

/// What is said is taken, whether it is there or not; what is not said only when it is there and is no feature.
pub fn find(model: &ModelConfig, outline: &Outline) -> Roles {
    let (said, settings) = (&model.reference.columns, &model.settings);
    let named = |name: &str| model.places.says(Place::Feature, name);
    let usual = |names: &[&str], fits: &dyn Fn(&str) -> bool| {
        names.iter().find(|name| outline.column(name).is_some() && !named(name) && fits(name)).map(|name| (*name).to_owned())
    };
    let timelike =
        |name: &str| outline.column(name).is_some_and(|column| column.holds == Holds::Times || column.time.is_some() && !column.missing);
    let is_number = |name: &str| outline.column(name).is_some_and(|column| column.holds == Holds::Numbers);
    let classes: &[String] = match &settings.kind {
        ModelKind::Classification { classes, .. } => classes,
        ModelKind::Regression => &[],
    };
    let regression = settings.kind == ModelKind::Regression;
    let value = said.value.clone().or_else(|| outline.column(&settings.target).map(|column| column.name.clone()));
    let mut roles = Roles {
        id: said.id.clone().or_else(|| usual(&IDS, &|_| true)),
        time: said.time.clone().or_else(|| usual(&TIMES, &timelike)),
        prediction: said.prediction.clone().or_else(|| usual(&PREDICTIONS, &|name| !regression || is_number(name))),
        probabilities: said.probabilities.clone(),
        probability: said.probability.clone(),
        value,
    };
    if roles.probabilities.is_empty() && roles.probability.is_none() && !regression {
        let columns: Vec<(String, String)> = classes.iter().map(|class| (class.clone(), format!("probability_{class}"))).collect();
        if !columns.is_empty() && columns.iter().all(|(_, column)| is_number(column) && !named(column)) {
            roles.probabilities = columns;
        } else if classes.len() <= 2 {
            roles.probability = usual(&["probability"], &is_number);
        }
    }
    roles
}

/// The first cell that is no time is named by its row.
pub fn times(values: &Values) -> Result<Vec<Timestamp>, String> {
    let problem = |row: usize, cell: &str| format!("row {}: {cell:?} is no time", row + 1);
    match values {
        Values::Times(times) => {
            let cell = |(row, time): (usize, &i64)| if *time == TIME_MISSING { Err(problem(row, "")) } else { Ok(Timestamp(*time)) };
            times.iter().enumerate().map(cell).collect()
        }
        Values::Integers(numbers) => {
            let cell = |(row, number): (usize, &i64)| epoch(*number as f64).ok_or_else(|| problem(row, &number.to_string()));
            numbers.iter().enumerate().map(cell).collect()
        }
        Values::Numbers(numbers) => {
            let cell = |(row, number): (usize, &f64)| epoch(*number).ok_or_else(|| problem(row, &number.to_string()));
            numbers.iter().enumerate().map(cell).collect()
        }
        Values::Categories(texts) => {
            // Each different text is read once.
            let known: Vec<Option<Timestamp>> = texts.dictionary().iter().map(time).collect();
            let cell = |(row, code): (usize, &u32)| {
                known.get(*code as usize).copied().flatten().ok_or_else(|| problem(row, texts.get(row).unwrap_or("")))
            };
            texts.codes().iter().enumerate().map(cell).collect()
        }
    }
}

fn epoch(number: f64) -> Option<Timestamp> {
    let millis = UNITS.iter().map(|unit| number / unit).find(|millis| EPOCH_MS.contains(millis))?;
    Some(Timestamp(millis as i64))
}

/// `2024-05-01T10:00:00Z`, with any offset; without one it is UTC. `2024-05-01 10:00:00`, `2024-05-01`.
pub fn time(text: &str) -> Option<Timestamp> {
    let text = text.trim();
    // PostgreSQL writes `+00`.
    if let Some(at) = Timestamp::parse_rfc3339(text) {
        return Some(at);
    }
    let civil = text.parse::<jiff::civil::DateTime>().ok()?;
    civil.to_zoned(jiff::tz::TimeZone::UTC).ok().map(|zoned| Timestamp(zoned.timestamp().as_millisecond()))
}

/// What the model said of the rows. A missing number is NaN, a missing class none.
pub fn answers(model: &ModelConfig, roles: &Roles, table: &[Column]) -> Result<Option<Vec<Answer>>, String> {
    let column = |name: &String| table.iter().find(|column| column.name == *name);
    let predicted = roles.prediction.as_ref().and_then(column);
    let rows = table.first().map_or(0, |column| column.values.len());
    match &model.settings.kind {
        ModelKind::Regression => {
            let Some(predicted) = predicted else { return Ok(None) };
            Ok(Some(numbers(predicted)?.into_iter().map(Answer::Number).collect()))
        }
        ModelKind::Classification { classes, positive } => {
            let probabilities = probabilities(roles, classes, positive.as_deref(), table)?;
            if predicted.is_none() && probabilities.is_empty() {
                return Ok(None);
            }
            let answer = |row: usize| Answer::Class {
                class: predicted.and_then(|column| word(&column.values, row)),
                probabilities: probabilities.iter().map(|column| column[row]).collect(),
            };
            Ok(Some((0..rows).map(answer).collect()))
        }
    }
}

/// One column for each class, in their order.
fn probabilities(roles: &Roles, classes: &[String], positive: Option<&str>, table: &[Column]) -> Result<Vec<Vec<f64>>, String> {
    let column = |name: &str| table.iter().find(|column| column.name == name).map(numbers).transpose();
    if let Some(name) = &roles.probability {
        let Some(yes) = column(name)? else { return Ok(Vec::new()) };
        let no = yes.iter().map(|yes| 1.0 - yes).collect();
        let first_is_positive = positive.is_some_and(|positive| classes.first().is_some_and(|class| class == positive));
        return Ok(if first_is_positive { vec![yes, no] } else { vec![no, yes] });
    }
    let mut found = Vec::new();
    for class in classes {
        let Some((_, name)) = roles.probabilities.iter().find(|(known, _)| known == class) else { return Ok(Vec::new()) };
        match column(name)? {
            Some(numbers) => found.push(numbers),
            None => return Ok(Vec::new()),
        }
    }
    Ok(found)
}

pub fn truths(kind: &ModelKind, column: &Column) -> Result<Vec<Truth>, String> {
    match kind {
        ModelKind::Regression => Ok(numbers(column)?.into_iter().map(Truth::Number).collect()),
        ModelKind::Classification { .. } => {
            let rows = column.values.len();
            Ok((0..rows).map(|row| Truth::Class(word(&column.values, row).unwrap_or_default())).collect())
        }
    }
}

fn numbers(column: &Column) -> Result<Vec<f64>, String> {
    match &column.values {
        Values::Numbers(numbers) => Ok(numbers.clone()),
        Values::Integers(numbers) => Ok(numbers.iter().map(|number| *number as f64).collect()),
        Values::Categories(texts) if texts.missing() == texts.len() => Ok(vec![f64::NAN; texts.len()]),
        Values::Categories(_) | Values::Times(_) => Err(format!("column {:?} does not hold numbers", column.name)),
    }
}

/// A class as it is written; `None` where the cell is missing.
fn word(values: &Values, row: usize) -> Option<String> {
    match values {
        Values::Categories(texts) => texts.get(row).map(str::to_owned),
        Values::Integers(numbers) => numbers.get(row).map(i64::to_string),
        Values::Numbers(numbers) => numbers.get(row).filter(|number| number.is_finite()).map(f64::to_string),
        Values::Times(_) => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_of_all_kinds() {
        let day = 1_714_521_600_000;
        for text in [
            "2024-05-01T00:00:00Z",
            "2024-05-01T02:00:00+02:00",
            "2024-05-01 00:00:00",
            "2024-05-01",
            "2024-05-01 00:00:00+00",
            " 2024-05-01 ",
        ] {
            assert_eq!(time(text), Some(Timestamp(day)), "{text}");
        }
        for text in ["", "yesterday", "01.05.2024", "2024-13-01"] {
            assert_eq!(time(text), None, "{text}");
        }
        for (number, _) in [(1_714_521_600.0, "s"), (1_714_521_600e3, "ms"), (1_714_521_600e6, "us"), (1_714_521_600e9, "ns")] {
            assert_eq!(epoch(number), Some(Timestamp(day)), "{number}");
        }
        assert_eq!((epoch(5.0), epoch(f64::NAN), epoch(-1.0)), (None, None, None));
        assert_eq!(times(&Values::texts(["2024-05-01", "", "x"])), Err("row 2: \"\" is no time".into()));
        assert_eq!(times(&Values::Times(vec![7, 8])), Ok(vec![Timestamp(7), Timestamp(8)]));
    }
}
