//! The value of an XCom as a number: version 2 gives JSON, version 1 the text that Python's `str` makes of it, and people push such texts themselves.
//!
//! In:    a JSON value, a path into it. Out: a number, a text, or why it is neither.
//! Never: makes a number of nothing, or NaN: an alert on it would be silently false.

use serde_json::{Map, Value};

/// Texts above this length are no figures, and no objects that hold some.
const TEXT_BYTES_MAX: usize = 1 << 20;
const DEPTH_MAX: usize = 32;

/// What the path leads to. Lists know their `length`, also as the name of a step: `drifted_features.length`.
pub(super) fn find(value: &Value, path: &[String]) -> Result<Value, String> {
    let mut at = value.clone();
    for step in path {
        if let Value::String(text) = &at {
            at = of_text(text).ok_or_else(|| format!("a text that is no object, where {step:?} is looked for"))?;
        }
        let next = match &at {
            Value::Object(map) => map.get(step),
            Value::Array(items) if step == "length" => {
                at = Value::from(items.len());
                continue;
            }
            Value::Array(items) => step.parse::<usize>().ok().and_then(|index| items.get(index)),
            _ => None,
        };
        at = next.cloned().ok_or_else(|| format!("no {step:?} in it"))?;
    }
    Ok(at)
}

pub(super) fn number(value: &Value) -> Result<f64, String> {
    let number = match value {
        Value::Number(number) => number.as_f64(),
        Value::Bool(yes) => Some(f64::from(u8::from(*yes))),
        Value::Null => return Err("None".into()),
        Value::String(text) => match text.trim() {
            "True" | "true" => Some(1.0),
            "False" | "false" => Some(0.0),
            text => text.parse().ok(),
        },
        Value::Array(_) => return Err("a list; say with \"path\" which item".into()),
        Value::Object(_) => return Err("an object; say with \"path\" which field".into()),
    };
    match number {
        Some(number) if number.is_finite() => Ok(number),
        Some(_) => Err("not finite".into()),
        None => Err("a text that is no number".into()),
    }
}

/// A short text for a label.
pub(super) fn word(value: &Value) -> Result<String, String> {
    let text = match value {
        Value::String(text) => text.clone(),
        Value::Bool(yes) => if *yes { "True" } else { "False" }.into(),
        Value::Number(number) => number.to_string(),
        Value::Null => return Err("None".into()),
        _ => return Err("no text".into()),
    };
    if text.chars().count() > 100 { Err("a text of more than 100 characters".into()) } else { Ok(text) }
}

/// JSON, or what Python prints of a dict or list.
fn of_text(text: &str) -> Option<Value> {
    if text.len() > TEXT_BYTES_MAX {
        return None;
    }
    let found = serde_json::from_str(text).ok().or_else(|| {
        let mut reader = Reader { rest: text.trim() };
        reader.value(0).filter(|_| reader.rest.trim().is_empty())
    });
    found.filter(|value: &Value| value.is_object() || value.is_array())
}

/// Python's literals.
struct Reader<'a> {
    rest: &'a str,
}

impl Reader<'_> {
    fn value(&mut self, depth: usize) -> Option<Value> {
        if depth > DEPTH_MAX {
            return None;
        }
        self.rest = self.rest.trim_start();
        match self.rest.chars().next()? {
            '{' => self.dict(depth),
            '[' => self.list(']', depth),
            '(' => self.list(')', depth),
            quote @ ('\'' | '"') => self.text(quote).map(Value::String),
            _ => self.bare(),
        }
    }

    fn dict(&mut self, depth: usize) -> Option<Value> {
        self.rest = &self.rest[1..];
        let mut map = Map::new();
        while !self.eat('}') {
            let key = match self.value(depth + 1)? {
                Value::String(key) => key,
                other => other.to_string(),
            };
            self.eat(':').then_some(())?;
            let value = self.value(depth + 1)?;
            map.insert(key, value);
            if !self.eat(',') && !self.rest.starts_with('}') {
                return None;
            }
        }
        Some(Value::Object(map))
    }

    fn list(&mut self, end: char, depth: usize) -> Option<Value> {
        self.rest = &self.rest[1..];
        let mut items = Vec::new();
        while !self.eat(end) {
            items.push(self.value(depth + 1)?);
            if !self.eat(',') && !self.rest.starts_with(end) {
                return None;
            }
        }
        Some(Value::Array(items))
    }

    /// Escapes other than of quotes and backslashes stay as they are: no figure has them.
    fn text(&mut self, quote: char) -> Option<String> {
        let mut out = String::new();
        let mut chars = self.rest.char_indices().skip(1);
        while let Some((at, c)) = chars.next() {
            match c {
                '\\' => match chars.next()?.1 {
                    c @ ('\\' | '\'' | '"') => out.push(c),
                    'n' => out.push('\n'),
                    't' => out.push('\t'),
                    c => out.extend(['\\', c]),
                },
                c if c == quote => {
                    self.rest = &self.rest[at + c.len_utf8()..];
                    return Some(out);
                }
                c => out.push(c),
            }
        }
        None
    }

    fn bare(&mut self) -> Option<Value> {
        let end = self.rest.find([',', '}', ']', ')', ':']).unwrap_or(self.rest.len());
        let (word, rest) = self.rest.split_at(end);
        self.rest = rest;
        match word.trim() {
            "True" => Some(Value::Bool(true)),
            "False" => Some(Value::Bool(false)),
            "None" => Some(Value::Null),
            // No JSON number; it is refused later as "not finite", by its text.
            word @ ("nan" | "inf" | "-inf") => Some(Value::String(word.into())),
            word => serde_json::from_str::<Value>(word).ok().filter(Value::is_number).or_else(|| {
                let number = word.parse::<f64>().ok().filter(|number| number.is_finite())?;
                serde_json::Number::from_f64(number).map(Value::Number)
            }),
        }
    }

    fn eat(&mut self, c: char) -> bool {
        let rest = self.rest.trim_start();
        let found = rest.strip_prefix(c);
        self.rest = found.unwrap_or(rest);
        found.is_some()
    }
}
