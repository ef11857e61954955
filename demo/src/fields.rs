//! Reads a JSON body field by field and keeps every problem with its place, in the form that FastAPI answers with:
//! `{"detail": [{"loc": ["body", "temp"], "msg": "Field required", "type": "missing"}]}`.

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

/// An answer lists no more than these.
const PROBLEMS_MAX: usize = 100;

/// What is wrong with one field.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Problem {
    /// Names and indexes, from `body` on.
    pub loc: Vec<Value>,
    pub msg: String,
    /// A fixed word, pydantic's.
    #[serde(rename = "type")]
    pub kind: String,
}

/// What is wrong with the whole body.
#[derive(Debug)]
pub(crate) struct Problems {
    list: Vec<Problem>,
}

/// One object of the body.
pub(crate) struct Fields<'a> {
    map: &'a Map<String, Value>,
    loc: Vec<Value>,
    known: Vec<&'static str>,
}

impl Problems {
    pub(crate) fn new() -> Problems {
        Problems { list: Vec::new() }
    }

    pub(crate) fn add(&mut self, loc: &[Value], name: Option<Value>, kind: &str, msg: impl Into<String>) {
        if self.list.len() < PROBLEMS_MAX {
            let loc = loc.iter().cloned().chain(name).collect();
            self.list.push(Problem { loc, msg: msg.into(), kind: kind.to_owned() });
        }
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.list.is_empty()
    }

    /// The value, when nothing is wrong.
    pub(crate) fn or<T>(self, value: Option<T>) -> Result<T, Vec<Problem>> {
        match value {
            Some(value) if self.list.is_empty() => Ok(value),
            _ => Err(self.list),
        }
    }
}

/// The one problem of a body.
pub(crate) fn problem(name: Option<&str>, kind: &str, msg: impl Into<String>) -> Vec<Problem> {
    let mut problems = Problems::new();
    problems.add(&["body".into()], name.map(Value::from), kind, msg);
    problems.list
}

/// The body as JSON, whatever its content type says: `curl -d` should just work.
pub(crate) fn parse(body: &[u8]) -> Result<Value, Vec<Problem>> {
    if body.is_empty() {
        return Err(problem(None, "missing", "Field required"));
    }
    serde_json::from_slice(body).map_err(|error| problem(None, "json_invalid", format!("JSON decode error: {error}")))
}

impl<'a> Fields<'a> {
    /// The body itself.
    pub(crate) fn of_body(body: &'a Value, problems: &mut Problems) -> Option<Fields<'a>> {
        Fields::of(body, vec!["body".into()], problems)
    }

    pub(crate) fn of(value: &'a Value, loc: Vec<Value>, problems: &mut Problems) -> Option<Fields<'a>> {
        match value {
            Value::Object(map) => Some(Fields { map, loc, known: Vec::new() }),
            _ => {
                problems.add(&loc, None, "model_attributes_type", "Input should be a valid dictionary or object to extract fields from");
                None
            }
        }
    }

    pub(crate) fn has(&self, name: &str) -> bool {
        self.map.contains_key(name)
    }

    pub(crate) fn loc(&self, name: &str) -> Vec<Value> {
        self.loc.iter().cloned().chain([name.into()]).collect()
    }

    /// `None` when it is absent or null.
    pub(crate) fn get(&mut self, name: &'static str) -> Option<&'a Value> {
        self.known.push(name);
        self.map.get(name).filter(|value| !value.is_null())
    }

    pub(crate) fn required(&mut self, name: &'static str, problems: &mut Problems) -> Option<&'a Value> {
        let value = self.get(name);
        if value.is_none() && !self.has(name) {
            problems.add(&self.loc, Some(name.into()), "missing", "Field required");
        } else if value.is_none() {
            problems.add(&self.loc, Some(name.into()), "none_not_allowed", "Input should not be null");
        }
        value
    }

    pub(crate) fn float(&mut self, name: &'static str, low: f64, high: f64, hint: &str, problems: &mut Problems) -> Option<f64> {
        let value = self.required(name, problems)?;
        let Some(number) = value.as_f64() else {
            problems.add(&self.loc, Some(name.into()), "float_type", "Input should be a valid number");
            return None;
        };
        self.in_range(name, number, low, high, hint, problems).then_some(number)
    }

    pub(crate) fn int(&mut self, name: &'static str, low: u32, high: u32, problems: &mut Problems) -> Option<u32> {
        let value = self.required(name, problems)?;
        let whole = value.as_i64().or_else(|| value.as_f64().filter(|number| number.fract() == 0.0).map(|number| number as i64));
        let Some(number) = whole else {
            let (kind, msg) = match value.is_number() {
                true => ("int_from_float", "Input should be a valid integer, got a number with a fractional part"),
                false => ("int_type", "Input should be a valid integer"),
            };
            problems.add(&self.loc, Some(name.into()), kind, msg);
            return None;
        };
        self.in_range(name, number as f64, f64::from(low), f64::from(high), "", problems).then_some(number as u32)
    }

    /// As `int`, but it may be absent.
    pub(crate) fn int_if_any(&mut self, name: &'static str, low: u32, high: u32, problems: &mut Problems) -> Option<u32> {
        self.get(name)?;
        self.int(name, low, high, problems)
    }

    /// One of several words.
    pub(crate) fn word<T: for<'de> Deserialize<'de>>(&mut self, name: &'static str, words: &[&str], problems: &mut Problems) -> Option<T> {
        let value = self.required(name, problems)?;
        let word = value.as_str().filter(|word| words.contains(word)).and_then(|_| T::deserialize(value).ok());
        if word.is_none() {
            let quoted: Vec<String> = words.iter().map(|word| format!("'{word}'")).collect();
            let (last, others) = quoted.split_last()?;
            let msg = format!("Input should be {} or {last}", others.join(", "));
            problems.add(&self.loc, Some(name.into()), "literal_error", msg);
        }
        word
    }

    pub(crate) fn text(&mut self, name: &'static str, bytes_max: usize, problems: &mut Problems) -> Option<String> {
        let value = self.required(name, problems)?;
        match value.as_str() {
            Some(text) if text.len() <= bytes_max => return Some(text.to_owned()),
            Some(_) => {
                let msg = format!("String should have at most {bytes_max} characters");
                problems.add(&self.loc, Some(name.into()), "string_too_long", msg);
            }
            None => problems.add(&self.loc, Some(name.into()), "string_type", "Input should be a valid string"),
        }
        None
    }

    pub(crate) fn text_if_any(&mut self, name: &'static str, bytes_max: usize, problems: &mut Problems) -> Option<String> {
        self.get(name)?;
        self.text(name, bytes_max, problems)
    }

    pub(crate) fn flag_if_any(&mut self, name: &'static str, problems: &mut Problems) -> bool {
        let Some(value) = self.get(name) else { return false };
        if !value.is_boolean() {
            problems.add(&self.loc, Some(name.into()), "bool_type", "Input should be a valid boolean");
        }
        value.as_bool().unwrap_or(false)
    }

    pub(crate) fn list(&mut self, name: &'static str, problems: &mut Problems) -> Option<&'a Vec<Value>> {
        let value = self.required(name, problems)?;
        if !value.is_array() {
            problems.add(&self.loc, Some(name.into()), "list_type", "Input should be a valid list");
        }
        value.as_array()
    }

    /// What nobody asked for is most likely misspelt.
    pub(crate) fn no_more(&self, problems: &mut Problems) {
        for name in self.map.keys().filter(|name| !self.known.contains(&name.as_str())) {
            problems.add(&self.loc, Some(name.as_str().into()), "extra_forbidden", "Extra inputs are not permitted");
        }
    }

    fn in_range(&self, name: &str, number: f64, low: f64, high: f64, hint: &str, problems: &mut Problems) -> bool {
        if number < low {
            problems.add(
                &self.loc,
                Some(name.into()),
                "greater_than_equal",
                format!("Input should be greater than or equal to {low}{hint}"),
            );
        } else if number > high {
            problems.add(&self.loc, Some(name.into()), "less_than_equal", format!("Input should be less than or equal to {high}{hint}"));
        }
        (low..=high).contains(&number)
    }
}
