//! `name{labels}` as a target writes it, to names and values. Done once a series: the scrape's cache knows it afterwards.

use std::borrow::Cow;

use bellbuoy_vocabulary::{BUCKET_LABEL, Labels, METRIC_NAME, MetricType};

use crate::error::{Broken, snippet};
use crate::scan::{BlockRules, Cursor, Part};
use crate::{ParseError, format_openmetrics_value, parse_value};

const LABELS: BlockRules = BlockRules { strict: false, name_allowed: true };
const EXEMPLAR_LABELS: BlockRules = BlockRules { strict: false, name_allowed: false };

/// A label's name and value, borrowed where the text needs no unescaping.
pub type Pair<'a> = (Cow<'a, str>, Cow<'a, str>);

/// Names and values of a series that `parse` gave, `__name__` first, then in the order of the text; empty values included.
/// A label that stands twice is an error. The error's line and column count from the beginning of `series`.
pub fn series_labels(series: &[u8]) -> Result<Vec<Pair<'_>>, ParseError> {
    decode(series).map_err(|broken| broken.locate(series))
}

/// Of the labels that a `RawExemplar` has. A label that stands twice has its last value.
pub fn exemplar_labels(labels: &[u8]) -> Result<Labels, ParseError> {
    let decode = || {
        let mut cursor = Cursor::new(labels);
        let mut parts = Vec::new();
        cursor.label_block(EXEMPLAR_LABELS, true, &mut |part| parts.push(part))?;
        let mut pairs: Vec<(Cow<str>, Cow<str>)> = Vec::with_capacity(parts.len());
        for part in parts {
            if let Part::Label(name, value) = part {
                pairs.push((unescape_label(cursor.text(name, 0)?), unescape_label(cursor.text(value, 0)?)));
            }
        }
        Ok(Labels::from_pairs(pairs))
    };
    decode().map_err(|broken: Broken| broken.locate(labels))
}

fn decode(series: &[u8]) -> Result<Vec<Pair<'_>>, Broken> {
    let mut cursor = Cursor::new(series);
    let mut pairs: Vec<(Cow<str>, Cow<str>)> = Vec::with_capacity(8);
    let name = cursor.metric_name();
    if let Some(name) = name {
        pairs.push((METRIC_NAME.into(), cursor.text(name, 0)?.into()));
    }
    cursor.skip_blanks();
    if cursor.peek() == Some(b'{') {
        cursor.at += 1;
        let mut parts = Vec::with_capacity(8);
        cursor.label_block(LABELS, name.is_some(), &mut |part| parts.push(part))?;
        for part in parts {
            match part {
                Part::Name(name) => pairs.insert(0, (METRIC_NAME.into(), unescape_label(cursor.text(name, 0)?))),
                Part::Label(name, value) => {
                    pairs.push((unescape_label(cursor.text(name, 0)?), unescape_label(cursor.text(value, 0)?)));
                }
            }
        }
    }
    if cursor.at < series.len() {
        return cursor.expected("the end of the series");
    }
    match pairs.first() {
        Some((first, name)) if first == METRIC_NAME && !name.is_empty() => {}
        _ => return Err(Broken::new(0, "this metric has no name")),
    }
    check_names(&pairs)?;
    Ok(pairs)
}

/// No empty name, no name twice.
fn check_names(pairs: &[(Cow<str>, Cow<str>)]) -> Result<(), Broken> {
    // Sets are small; a target that sends thousands of labels is sorted instead of compared pair by pair.
    const PAIRWISE_MAX: usize = 32;
    if pairs.iter().any(|(name, _)| name.is_empty()) {
        return Err(Broken::new(0, "a label has an empty name"));
    }
    let twice = if pairs.len() <= PAIRWISE_MAX {
        pairs
            .iter()
            .enumerate()
            .find(|(index, (name, _))| pairs[..*index].iter().any(|(earlier, _)| earlier == name))
            .map(|(_, pair)| &pair.0)
    } else {
        let mut names: Vec<&Cow<str>> = pairs.iter().map(|(name, _)| name).collect();
        names.sort_unstable();
        names.windows(2).find(|two| two[0] == two[1]).map(|two| two[0])
    };
    match twice {
        Some(name) => Err(Broken::new(0, format!("the label {} stands twice", snippet(name.as_bytes())))),
        None => Ok(()),
    }
}

/// The spelling of a bucket's bound or a quantile that Prometheus 3 stores: `le="1"` of a histogram becomes `le="1.0"`, so that both
/// formats make the same series. `None` when nothing is to change. `kind` is that of the last `# TYPE` line.
pub fn normal_label_value(kind: MetricType, label: &str, value: &str) -> Option<String> {
    let is_bound = match kind {
        MetricType::Histogram => label == BUCKET_LABEL,
        MetricType::Summary => label == "quantile",
        _ => false,
    };
    if !is_bound {
        return None;
    }
    parse_value(value.as_bytes()).map(format_openmetrics_value).filter(|normal| normal != value)
}

/// `\\`, `\"` and `\n`; other backslashes stay.
pub(crate) fn unescape_label(text: &str) -> Cow<'_, str> {
    unescape(text, true)
}

/// In `# HELP` of the text format a quote needs no escape.
pub(crate) fn unescape_help(text: &str) -> Cow<'_, str> {
    unescape(text, false)
}

fn unescape(text: &str, quotes: bool) -> Cow<'_, str> {
    if !text.contains('\\') {
        return text.into();
    }
    let mut out = String::with_capacity(text.len());
    let mut chars = text.chars().peekable();
    while let Some(c) = chars.next() {
        let replaced = match (c, chars.peek()) {
            ('\\', Some('\\')) => Some('\\'),
            ('\\', Some('n')) => Some('\n'),
            ('\\', Some('"')) if quotes => Some('"'),
            _ => None,
        };
        match replaced {
            Some(replaced) => {
                chars.next();
                out.push(replaced);
            }
            None => out.push(c),
        }
    }
    out.into()
}
