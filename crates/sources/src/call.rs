//! How a source asks: it names the next call, the boat sends it, and what became of it goes back in.
//!
//! In:    nothing of its own. Out: the words that Airflow's and MLflow's watchers share.
//! Never: holds the server's address: the boat joins it with the call's path.

use bellbuoy_vocabulary::{Secret, Timestamp};
use serde_json::Value;

/// A request that is due.
#[derive(Clone, Debug)]
pub struct Call {
    /// Which of the API's functions it is, for metrics and problems: `dagRuns`.
    pub endpoint: &'static str,
    pub method: &'static str,
    /// With its query, beginning with `/`; it goes behind the server's address.
    pub path: String,
    /// JSON; it may hold a password.
    pub body: Option<Secret>,
    pub credentials: Credentials,
}

/// With whose authority a call goes out.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Credentials {
    None,
    /// Those of the HTTP settings.
    Configured,
    Bearer(Secret),
}

/// What a server answered.
#[derive(Clone, Debug, Default)]
pub struct Answer {
    pub status: u16,
    pub body: Vec<u8>,
    /// The body was longer than the boat reads.
    pub cut: bool,
    /// The server's own clock, of the answer's `Date` header.
    pub server_time: Option<Timestamp>,
}

/// The body as JSON. Python writes `NaN` and `Infinity` into it, which are no JSON; they are read as null.
pub(crate) fn json(body: &[u8]) -> Result<Value, String> {
    if let Ok(value) = serde_json::from_slice(body) {
        return Ok(value);
    }
    let text = String::from_utf8_lossy(body);
    if text.trim_start().starts_with('<') {
        return Err("an HTML page instead of JSON (a login page or a proxy?)".into());
    }
    serde_json::from_str(&without_bare_words(&text)).map_err(|error| format!("not JSON: line {} column {}", error.line(), error.column()))
}

fn without_bare_words(text: &str) -> String {
    let (mut out, mut rest, mut quoted) = (String::with_capacity(text.len()), text, false);
    while let Some(c) = rest.chars().next() {
        if quoted && c == '\\' {
            let step = rest.char_indices().nth(2).map_or(rest.len(), |(at, _)| at);
            out.push_str(&rest[..step]);
            rest = &rest[step..];
            continue;
        }
        quoted ^= c == '"';
        let word = ["-Infinity", "Infinity", "NaN"].into_iter().find(|word| !quoted && rest.starts_with(word));
        match word {
            Some(word) => {
                out.push_str("null");
                rest = &rest[word.len()..];
            }
            None => {
                out.push(c);
                rest = &rest[c.len_utf8()..];
            }
        }
    }
    out
}

/// A part of a path or query, percent-encoded: run ids hold `:`, `+`, `/`, spaces and letters of all languages.
pub(crate) fn encoded(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for byte in text.bytes() {
        match byte {
            b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'-' | b'_' | b'.' | b'~' => out.push(byte as char),
            _ => out.push_str(&format!("%{byte:02X}")),
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pythons_words_are_read_as_null() {
        let value = json(br#"{"a": NaN, "b": [-Infinity, Infinity], "c": "NaN \" NaN", "d": 1}"#).expect("readable");
        assert_eq!(value.to_string(), r#"{"a":null,"b":[null,null],"c":"NaN \" NaN","d":1}"#);
        assert_eq!(json(b"<!doctype html>"), Err("an HTML page instead of JSON (a login page or a proxy?)".into()));
        assert_eq!(json(b"{"), Err("not JSON: line 1 column 1".into()));
    }

    #[test]
    fn ids_are_encoded() {
        assert_eq!(encoded("scheduled__2025-01-01T00:00:00+00:00/é"), "scheduled__2025-01-01T00%3A00%3A00%2B00%3A00%2F%C3%A9");
    }
}
