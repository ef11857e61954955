//! A row while its fields are read: whatever the format, what a field may hold is decided here.
//!
//! In:    cells of a row by field. Out: a prediction or a label, or the first field that is wrong and why.

use std::borrow::Cow;
use std::sync::Arc;

use bellbuoy_models::{Answer, FeatureValue, Label, ModelKind, Prediction, Schema, Truth};
use bellbuoy_vocabulary::{Timestamp, nearest};

use super::Intake;

/// As bad input is shown in an error.
const SHOWN_BYTES_MAX: usize = 60;
/// 2^53: above it an f64 is not the whole number that was written.
const WHOLE_MAX: f64 = 9_007_199_254_740_992.0;

/// A row that is not taken.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Refusal {
    /// From 1, in the order of the body.
    pub row: usize,
    /// Empty when it has none that can be read.
    pub id: String,
    /// Empty when it is about the row.
    pub field: String,
    pub reason: String,
}

/// A value of any format.
#[derive(Clone, Debug, PartialEq)]
pub enum Cell<'a> {
    Missing,
    Number(f64),
    Integer(i64),
    Flag(bool),
    Text(Cow<'a, str>),
    Time(Timestamp),
    /// A list or an object where one value is expected.
    Nested,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Field {
    Id,
    Prediction,
    Class,
    /// Of the positive class, with two classes.
    Probability,
    Probabilities,
    At,
    Role,
    Features,
    /// A true value.
    Value,
    Other(String),
}

/// The fields of a row so far. Made once per body and used for each row.
pub struct Draft<'i> {
    pub intake: &'i Intake,
    /// Grows when the intake is open.
    schema: Arc<Schema>,
    id: Option<String>,
    answer: Option<f64>,
    class: Option<String>,
    probability: Option<f64>,
    /// Empty, or one for each class.
    probabilities: Vec<f64>,
    at: Option<Timestamp>,
    role: Option<String>,
    features: Vec<FeatureValue>,
    problem: Option<(String, String)>,
}

impl Field {
    /// As JSON names them.
    pub fn of_prediction(name: &str) -> Field {
        match name {
            "id" => Field::Id,
            "prediction" => Field::Prediction,
            "class" => Field::Class,
            "probability" => Field::Probability,
            "probabilities" => Field::Probabilities,
            "timestamp" | "at" => Field::At,
            "role" => Field::Role,
            "features" => Field::Features,
            other => Field::Other(other.to_owned()),
        }
    }

    pub fn of_label(name: &str) -> Field {
        match name {
            "id" => Field::Id,
            "value" | "class" => Field::Value,
            other => Field::Other(other.to_owned()),
        }
    }
}

impl<'i> Draft<'i> {
    pub fn new(intake: &'i Intake) -> Draft<'i> {
        Draft {
            intake,
            schema: intake.schema.clone(),
            id: None,
            answer: None,
            class: None,
            probability: None,
            probabilities: Vec::new(),
            at: None,
            role: None,
            features: Vec::new(),
            problem: None,
        }
    }

    pub fn schema(&self) -> &Arc<Schema> {
        &self.schema
    }

    /// Where a feature goes; `None`: it is left out.
    pub fn position(&mut self, name: &str) -> Option<usize> {
        let known = self.schema.position(name);
        if known.is_none() && self.intake.open { Arc::make_mut(&mut self.schema).add(name) } else { known }
    }

    /// The first problem of a row is the one that is told.
    pub fn wrong(&mut self, field: &str, reason: impl Into<String>) {
        if self.problem.is_none() {
            self.problem = Some((field.to_owned(), reason.into()));
        }
    }

    pub fn unknown(&mut self, name: &str, known: &[&str]) {
        let near = nearest(name, known.iter().copied()).map_or(String::new(), |near| format!("; did you mean {near:?}?"));
        self.wrong(name, format!("there is no such field{near}"));
    }

    pub fn id(&mut self, cell: Cell) {
        match cell {
            Cell::Text(text) => self.id = Some(text.into_owned()),
            Cell::Integer(number) => self.id = Some(number.to_string()),
            Cell::Missing => {}
            other => self.wrong("id", format!("{} is neither a text nor a whole number", other.shown())),
        }
    }

    pub fn prediction(&mut self, cell: Cell) {
        match &self.intake.kind {
            ModelKind::Regression => match cell.number() {
                Ok(number) => self.answer = number,
                Err(reason) => self.wrong("prediction", reason),
            },
            ModelKind::Classification { .. } => self.class(cell, "prediction"),
        }
    }

    pub fn class(&mut self, cell: Cell, field: &str) {
        match cell.class() {
            Ok(class) => self.class = class.or(self.class.take()),
            Err(reason) => self.wrong(field, reason),
        }
    }

    pub fn probability(&mut self, cell: Cell) {
        match cell.number() {
            Ok(number) => self.probability = number,
            Err(reason) => self.wrong("probability", reason),
        }
    }

    pub fn probability_of(&mut self, class: &str, cell: Cell) {
        let ModelKind::Classification { classes, .. } = &self.intake.kind else {
            self.wrong("probabilities", "a model of kind regression has no classes");
            return;
        };
        let Some(position) = classes.iter().position(|known| known == class) else {
            let near = nearest(class, classes.iter().map(String::as_str)).map_or(String::new(), |near| format!("; did you mean {near:?}?"));
            self.wrong("probabilities", format!("the model has no class {class:?}{near}"));
            return;
        };
        match cell.number() {
            // In a table, rows without probabilities have empty cells.
            Ok(None) => {}
            Ok(Some(number)) => {
                self.probabilities.resize(classes.len(), f64::NAN);
                self.probabilities[position] = number;
            }
            Err(reason) => self.wrong("probabilities", format!("{class:?}: {reason}")),
        }
    }

    /// In the order of the classes.
    pub fn probability_at(&mut self, position: usize, cell: Cell) {
        let ModelKind::Classification { classes, .. } = &self.intake.kind else {
            self.wrong("probabilities", "a model of kind regression has no classes");
            return;
        };
        match classes.get(position) {
            Some(class) => self.probability_of(class, cell),
            None => self.wrong("probabilities", format!("more than the {} classes of the model", classes.len())),
        }
    }

    pub fn at(&mut self, cell: Cell) {
        match cell.time() {
            Ok(at) => self.at = at,
            Err(reason) => self.wrong("timestamp", reason),
        }
    }

    pub fn role(&mut self, cell: Cell) {
        match cell {
            Cell::Text(text) if !text.is_empty() => self.role = Some(text.into_owned()),
            Cell::Missing | Cell::Text(_) => {}
            other => self.wrong("role", format!("{} is not a text", other.shown())),
        }
    }

    pub fn feature(&mut self, position: usize, cell: Cell) {
        let value = match cell {
            Cell::Number(number) => FeatureValue::Number(number),
            Cell::Integer(number) => FeatureValue::Number(number as f64),
            Cell::Text(text) => FeatureValue::Text(text.into_owned()),
            Cell::Flag(flag) => FeatureValue::Text(flag.to_string()),
            Cell::Time(at) => FeatureValue::Text(at.rfc3339()),
            Cell::Missing => FeatureValue::Missing,
            Cell::Nested => {
                let name = self.schema.names().get(position).cloned().unwrap_or_default();
                self.wrong(&name, "a feature is a number, a text, true, false or null");
                return;
            }
        };
        if position == self.features.len() {
            if self.features.capacity() == 0 {
                self.features.reserve_exact(self.schema.len());
            }
            self.features.push(value);
        } else {
            if position > self.features.len() {
                self.features.resize(position + 1, FeatureValue::Missing);
            }
            self.features[position] = value;
        }
    }

    /// A true value: a number or a class, as the model predicts.
    pub fn value(&mut self, cell: Cell) {
        self.prediction(cell);
        if let Some((field, _)) = self.problem.as_mut().filter(|(field, _)| field == "prediction") {
            "value".clone_into(field);
        }
    }

    /// Ends the row; the draft is empty again.
    pub fn finish_prediction(&mut self) -> Result<Prediction, Refusal> {
        let answer = self.answer();
        let (id, at, role) = (self.id.take(), self.at.take(), self.role.take());
        let features = std::mem::take(&mut self.features);
        let problem = self.problem.take();
        let answer = match (problem, answer) {
            (Some((field, reason)), _) | (None, Err((field, reason))) => return Err(refusal(id, field, reason)),
            (None, Ok(answer)) => answer,
        };
        let Some(id) = id else { return Err(refusal(None, "id".into(), "it is missing".into())) };
        let role = role.unwrap_or_else(|| self.intake.role.clone());
        Ok(Prediction { id, at: at.unwrap_or(self.intake.now), role, answer, features })
    }

    pub fn finish_label(&mut self) -> Result<Label, Refusal> {
        let id = self.id.take();
        let truth = self.answer.take().map(Truth::Number).or(self.class.take().map(Truth::Class));
        if let Some((field, reason)) = self.problem.take() {
            return Err(refusal(id, field, reason));
        }
        let Some(truth) = truth else { return Err(refusal(id, "value".into(), "it is missing".into())) };
        let Some(id) = id else { return Err(refusal(None, "id".into(), "it is missing".into())) };
        Ok(Label { id, truth })
    }

    fn answer(&mut self) -> Result<Answer, (String, String)> {
        let (number, class) = (self.answer.take(), self.class.take());
        let (probability, mut probabilities) = (self.probability.take(), std::mem::take(&mut self.probabilities));
        let ModelKind::Classification { classes, positive } = &self.intake.kind else {
            if class.is_some() {
                return Err(("class".into(), "the model is of kind regression: write a number as prediction".into()));
            }
            return number.map(Answer::Number).ok_or_else(|| ("prediction".into(), "it is missing".into()));
        };
        if let Some(missing) = probabilities.iter().position(|probability| probability.is_nan()) {
            return Err(("probabilities".into(), format!("class {:?} has none", classes[missing])));
        }
        if let Some(probability) = probability.filter(|_| probabilities.is_empty()) {
            if classes.len() != 2 {
                return Err(("probability".into(), "it is for models of two classes; write probabilities".into()));
            }
            let first_is_positive = positive.as_ref().is_some_and(|positive| *positive == classes[0]);
            probabilities = if first_is_positive { vec![probability, 1.0 - probability] } else { vec![1.0 - probability, probability] };
        }
        if class.is_none() && probabilities.is_empty() {
            return Err(("class".into(), "neither class nor probabilities are there".into()));
        }
        Ok(Answer::Class { class, probabilities })
    }
}

impl Cell<'_> {
    fn number(&self) -> Result<Option<f64>, String> {
        match self {
            Cell::Missing => Ok(None),
            Cell::Number(number) => Ok(Some(*number)),
            Cell::Integer(number) => Ok(Some(*number as f64)),
            other => Err(format!("{} is not a number", other.shown())),
        }
    }

    /// Classes are texts; what is written as a number or true counts as its text.
    fn class(self) -> Result<Option<String>, String> {
        match self {
            Cell::Missing => Ok(None),
            Cell::Text(text) => Ok(Some(text.into_owned())),
            Cell::Integer(number) => Ok(Some(number.to_string())),
            Cell::Number(number) if number.is_finite() => Ok(Some((number + 0.0).to_string())),
            Cell::Flag(flag) => Ok(Some(flag.to_string())),
            other => Err(format!("{} is not a class", other.shown())),
        }
    }

    fn time(&self) -> Result<Option<Timestamp>, String> {
        let at = match self {
            Cell::Missing => return Ok(None),
            Cell::Time(at) => Some(*at),
            Cell::Text(text) => time_of_text(text),
            Cell::Integer(number) => Some(time_of_number(*number as f64)),
            Cell::Number(number) if number.is_finite() => Some(time_of_number(*number)),
            _ => None,
        };
        let Some(at) = at else { return Err(format!("{} is not a time, such as 2026-11-21T10:00:00Z", self.shown())) };
        if !TIMES.contains(&at) {
            return Err(format!("{} is not between the years 1970 and 2200", self.shown()));
        }
        Ok(Some(at))
    }

    fn shown(&self) -> String {
        match self {
            Cell::Missing => "null".into(),
            Cell::Number(number) => number.to_string(),
            Cell::Integer(number) => number.to_string(),
            Cell::Flag(flag) => flag.to_string(),
            Cell::Text(text) if text.len() <= SHOWN_BYTES_MAX => format!("{text:?}"),
            Cell::Text(text) => format!("{:?}...", &text[..text.floor_char_boundary(SHOWN_BYTES_MAX)]),
            Cell::Time(at) => at.rfc3339(),
            Cell::Nested => "a list or an object".into(),
        }
    }
}

/// Files are kept by day: times far outside are mistakes of a unit, and would make a file each.
const TIMES: std::ops::Range<Timestamp> = Timestamp(0)..Timestamp(7_258_118_400_000);

/// RFC 3339, or the same without a zone (UTC), as pandas writes it.
fn time_of_text(text: &str) -> Option<Timestamp> {
    let text = text.trim();
    Timestamp::parse_rfc3339(text).or_else(|| {
        let at = text.parse::<jiff::civil::DateTime>().ok()?;
        Some(Timestamp(at.to_zoned(jiff::tz::TimeZone::UTC).ok()?.timestamp().as_millisecond()))
    })
}

/// Since 1970 in seconds, milliseconds, microseconds or nanoseconds: their ranges do not meet before the year 5138.
fn time_of_number(number: f64) -> Timestamp {
    let millis = match number.abs() {
        size if size < 1e11 => number * 1e3,
        size if size < 1e14 => number,
        size if size < 1e17 => number / 1e3,
        _ => number / 1e6,
    };
    Timestamp(millis.round() as i64)
}

/// A cell of a text format: a number when it is one.
pub fn cell_of_text(text: &str) -> Cell<'_> {
    let trimmed = text.trim();
    if bellbuoy_drift::is_missing_text(trimmed) {
        return Cell::Missing;
    }
    // Only what begins like a number is tried: "inf" and "nan" were missing, "infinity" is a word.
    let like_number = trimmed.starts_with(|c: char| c.is_ascii_digit() || matches!(c, '-' | '+' | '.'));
    match trimmed.parse::<f64>() {
        Ok(number) if like_number && number.fract() == 0.0 && number.abs() < WHOLE_MAX && !trimmed.contains(['.', 'e', 'E']) => {
            Cell::Integer(number as i64)
        }
        Ok(number) if like_number => Cell::Number(number),
        _ => Cell::Text(Cow::Borrowed(text)),
    }
}

fn refusal(id: Option<String>, field: String, reason: String) -> Refusal {
    Refusal { row: 0, id: id.unwrap_or_default(), field, reason }
}
