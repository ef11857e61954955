//! Names of OpenTelemetry under the spelling that Prometheus gives them (`UnderscoreEscapingWithSuffixes`, its default).
//!
//! In:    a metric's name, unit and kind; an attribute's key. Out: `http_server_duration_seconds_bucket`'s family name; a label name.

use std::borrow::Cow;

/// What decides about a name's suffix.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    Gauge,
    MonotonicSum,
    Other,
}

/// `[^a-zA-Z0-9:]` separates words; the unit is appended, then `total` or `ratio`.
pub(crate) fn metric_name(name: &str, unit: &str, kind: Kind) -> String {
    let is_separator = |c: char| !(c.is_ascii_alphanumeric() || c == ':');
    let mut words: Vec<String> = name.split(is_separator).filter(|word| !word.is_empty()).map(str::to_string).collect();
    let (main, per) = unit_words(unit);
    if !main.is_empty() && !words.contains(&main) {
        words.push(if per.is_empty() { main } else { main.trim_end_matches('_').to_string() });
    }
    // Also when the name says it already: Prometheus compares the whole `per_second` with single words.
    if !per.is_empty() {
        words.push(format!("per_{}", per.trim_end_matches('_')));
    }
    let last = match kind {
        Kind::MonotonicSum => "total",
        Kind::Gauge if unit == "1" => "ratio",
        _ => "",
    };
    if !last.is_empty() {
        words.retain(|word| word != last);
        words.push(last.into());
    }
    let mut out = words.join("_");
    if out.starts_with(|c: char| c.is_ascii_digit()) {
        out.insert(0, '_');
    }
    out
}

/// `By/s`: the unit, and what it is per. What stands in braces is a comment.
fn unit_words(unit: &str) -> (String, String) {
    let (main, per) = unit.split_once('/').unwrap_or((unit, ""));
    let part = |text: &str, word: fn(&str) -> Option<&'static str>| {
        let text = text.trim();
        if text.contains(['{', '}']) { String::new() } else { word(text).map_or_else(|| clean(text), clean) }
    };
    (part(main, main_unit), part(per, per_unit))
}

/// The unit as it may stand in a name: single underscores, none in front.
fn clean(unit: &str) -> String {
    let mut out = String::new();
    for c in unit.chars().map(|c| if c.is_ascii_alphanumeric() || c == ':' { c } else { '_' }) {
        if c != '_' || !(out.is_empty() || out.ends_with('_')) {
            out.push(c);
        }
    }
    out
}

/// The unit in the words of metadata.
pub(crate) fn metadata_unit(unit: &str) -> String {
    let (main, per) = unit_words(unit);
    match (main.is_empty(), per.is_empty()) {
        (_, true) => main,
        (true, false) => format!("per_{per}"),
        (false, false) => format!("{main}_per_{per}"),
    }
}

fn main_unit(unit: &str) -> Option<&'static str> {
    Some(match unit {
        "d" => "days",
        "h" => "hours",
        "min" => "minutes",
        "s" => "seconds",
        "ms" => "milliseconds",
        "us" => "microseconds",
        "ns" => "nanoseconds",
        "By" => "bytes",
        "KiBy" => "kibibytes",
        "MiBy" => "mebibytes",
        "GiBy" => "gibibytes",
        "TiBy" => "tibibytes",
        "KBy" => "kilobytes",
        "MBy" => "megabytes",
        "GBy" => "gigabytes",
        "TBy" => "terabytes",
        "m" => "meters",
        "V" => "volts",
        "A" => "amperes",
        "J" => "joules",
        "W" => "watts",
        "g" => "grams",
        "Cel" => "celsius",
        "Hz" => "hertz",
        "1" => "",
        "%" => "percent",
        _ => return None,
    })
}

fn per_unit(unit: &str) -> Option<&'static str> {
    Some(match unit {
        "s" => "second",
        "m" => "minute",
        "h" => "hour",
        "d" => "day",
        "w" => "week",
        "mo" => "month",
        "y" => "year",
        _ => return None,
    })
}

/// `[a-zA-Z_][a-zA-Z0-9_]*`; one that began with a digit or an underscore gets `key` in front.
pub(crate) fn label_name(key: &str) -> Cow<'_, str> {
    let legal = key.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_');
    let name: Cow<str> =
        if legal { key.into() } else { key.chars().map(|c| if c.is_ascii_alphanumeric() { c } else { '_' }).collect::<String>().into() };
    if name.starts_with(|c: char| c.is_ascii_digit()) {
        format!("key_{name}").into()
    } else if name.starts_with('_') && !name.starts_with("__") {
        format!("key{name}").into()
    } else {
        name
    }
}
