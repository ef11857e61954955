//! How the value of an event's field is read and printed: one unit, one spelling, in every receiver.

use bellbuoy_template::humanize_duration;
use bellbuoy_vocabulary::{Unit as Figure, parse_duration, parse_float};
use serde_json::Value;

/// Items of a list that are shown; more are counted.
const ITEMS_MAX: usize = 20;

#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Unit {
    /// Between 0 and 1, or with a `%` sign: `54.2%`.
    Share,
    /// Four decimals: R².
    Score,
    /// Four decimals and a sign: an improvement.
    Change,
    /// Two decimals, in the unit of what is predicted: RMSE, MAE.
    Figure,
    /// As it was written: thresholds.
    Line,
    /// A whole number.
    Count,
    /// A number of seconds, or a duration like `10m`: `10m 0s`.
    Seconds,
    Text,
    /// One of these.
    Word(&'static [&'static str]),
}

impl Unit {
    /// The text for people, and the number, if it is one; or what is wrong with it, to stand behind the field's name.
    pub fn show(self, value: &Value) -> Result<(String, Option<f64>), String> {
        match (self, value) {
            (_, Value::Null) => Ok(("unknown".into(), None)),
            (Unit::Text, value) => Ok((plain(value)?, None)),
            (Unit::Word(known), value) => {
                let word = plain(value)?.to_lowercase();
                if known.contains(&word.as_str()) { Ok((word, None)) } else { Err(format!("must be {}, not {word:?}", one_of(known))) }
            }
            (unit, value) => {
                let number = unit.number(value)?;
                // A metric that could not be computed is NaN in Python; that is no number for people.
                if !number.is_finite() {
                    return Ok(("unknown".into(), None));
                }
                Ok((unit.print(number)?, Some(number)))
            }
        }
    }

    fn number(self, value: &Value) -> Result<f64, String> {
        let text = match value {
            Value::Number(number) => return number.as_f64().ok_or_else(|| "is out of range".to_string()),
            Value::String(text) => text.trim(),
            other => return Err(format!("must be a number, not {}", sort(other))),
        };
        let percent = text.strip_suffix('%').filter(|_| self == Unit::Share).and_then(|text| parse_float(text.trim()));
        let length = || parse_duration(text).ok().filter(|_| self == Unit::Seconds).map(|length| length.0 as f64 / 1000.0);
        let number = percent.map(|number| number / 100.0).or_else(|| parse_float(text)).or_else(length);
        number.ok_or_else(|| format!("must be a number, not {text:?}"))
    }

    fn print(self, number: f64) -> Result<String, String> {
        match self {
            Unit::Share if (0.0..=1.0).contains(&number) => Ok(Figure::Share.text(number)),
            Unit::Share => Err(format!("is {number}, but a share is between 0 and 1: write 0.542 or \"54.2%\"")),
            Unit::Count if number.fract() == 0.0 && (0.0..1e15).contains(&number) => Ok(Figure::Count.text(number)),
            Unit::Count => Err(format!("must be a whole number, not {number}")),
            Unit::Seconds if number >= 0.0 => Ok(humanize_duration(number)),
            Unit::Seconds => Err(format!("is {number}, but a length of time is not negative")),
            _ if number.abs() >= 1e15 => Ok(format!("{number:e}")),
            Unit::Score => Ok(Figure::Score.text(number)),
            Unit::Change => Ok(Figure::Change.text(number)),
            Unit::Figure => Ok(Figure::Amount.text(number)),
            _ => Ok(number.to_string()),
        }
    }
}

/// A field that no kind knows: a fraction has at most four decimals, all else is as it came.
pub(super) fn own(value: &Value) -> Result<(String, Option<f64>), String> {
    match value {
        Value::Number(number) if number.is_f64() => {
            let number = number.as_f64().unwrap_or(f64::NAN);
            if !number.is_finite() || number.abs() >= 1e15 || (number != 0.0 && number.abs() < 1e-4) {
                return Ok((format!("{number:e}"), Some(number)));
            }
            let text = format!("{number:.4}");
            Ok((text.trim_end_matches('0').trim_end_matches('.').to_string(), Some(number)))
        }
        Value::Null => Ok(("unknown".into(), None)),
        value => Ok((plain(value)?, value.as_f64())),
    }
}

fn plain(value: &Value) -> Result<String, String> {
    match value {
        Value::String(text) => Ok(text.trim().to_string()),
        Value::Number(number) => Ok(number.to_string()),
        Value::Bool(flag) => Ok(if *flag { "yes" } else { "no" }.to_string()),
        Value::Array(items) => {
            let mut shown = Vec::new();
            for item in items.iter().take(ITEMS_MAX) {
                match item {
                    Value::Array(_) | Value::Object(_) => return Err(format!("must be a list of texts or numbers, not of {}", sort(item))),
                    item => shown.push(plain(item)?),
                }
            }
            let more = items.len().saturating_sub(ITEMS_MAX);
            let more = if more > 0 { format!(" and {more} more") } else { String::new() };
            Ok(shown.join(", ") + &more)
        }
        Value::Null => Ok("unknown".into()),
        Value::Object(_) => Err("must be a text, a number or a list, not an object".into()),
    }
}

pub(super) fn sort(value: &Value) -> &'static str {
    match value {
        Value::Null => "null",
        Value::Bool(_) => "true or false",
        Value::Number(_) => "a number",
        Value::String(_) => "a text",
        Value::Array(_) => "a list",
        Value::Object(_) => "an object",
    }
}

pub(super) fn one_of(known: &[&str]) -> String {
    match known {
        [] => String::new(),
        [only] => (*only).to_string(),
        [first @ .., last] => format!("{} or {last}", first.join(", ")),
    }
}
