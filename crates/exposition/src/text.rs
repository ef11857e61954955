//! Prometheus' text format 0.0.4 (and 1.0.0, which adds quoted names), as lenient as Prometheus' own parser:
//! blanks between tokens, blank lines, comments, a missing last line break and missing commas are fine.

use std::borrow::Cow;

use bellbuoy_vocabulary::{MetricType, Timestamp};

use crate::error::{Broken, snippet};
use crate::parse::{Entry, RawExemplar};
use crate::scan::{BlockRules, Cursor};
use crate::series::unescape_help;
use crate::{error, number, openmetrics};

const LABELS: BlockRules = BlockRules { strict: false, name_allowed: true };

/// The next entry, or `None` at the end of the body. Exemplars are an error unless there is a place for them.
pub(crate) fn entry<'a>(cursor: &mut Cursor<'a>, exemplar: Option<&mut Option<RawExemplar<'a>>>) -> Result<Option<Entry<'a>>, Broken> {
    loop {
        cursor.skip_blanks();
        match cursor.peek() {
            None => return Ok(None),
            Some(b'\n') => cursor.at += 1,
            Some(b'#') => {
                if let Some(entry) = comment(cursor)? {
                    return Ok(Some(entry));
                }
            }
            Some(_) => return sample(cursor, exemplar).map(Some),
        }
    }
}

fn sample<'a>(cursor: &mut Cursor<'a>, exemplar: Option<&mut Option<RawExemplar<'a>>>) -> Result<Entry<'a>, Broken> {
    let start = cursor.at;
    let named = cursor.metric_name().is_some();
    let mut end = cursor.at;
    cursor.skip_blanks();
    if cursor.peek() == Some(b'{') {
        cursor.at += 1;
        if !cursor.label_block(LABELS, named, &mut |_| ())? {
            return Err(Broken::new(start, "this metric has no name"));
        }
        end = cursor.at;
        cursor.skip_blanks();
    } else if !named {
        return cursor.expected("a metric name");
    }
    let value_at = cursor.at;
    let word = cursor.word(|b| matches!(b, b' ' | b'\t' | b'\n' | b'{'));
    if word.is_empty() {
        return cursor.expected("a value after the metric");
    }
    let Some(value) = number::parse_value(word) else {
        return Err(Broken::new(value_at, bad_value(word)));
    };
    cursor.skip_blanks();
    let at = match cursor.peek() {
        None | Some(b'\n') => None,
        Some(b'#') if exemplar.is_some() => None,
        Some(_) => Some(timestamp(cursor, exemplar.is_some())?),
    };
    if let Some(place) = exemplar
        && cursor.take("# {")
    {
        *place = Some(openmetrics::exemplar_of(cursor)?);
    }
    // The line break stays: at the end of the body there is none.
    let line_end = cursor.at;
    cursor.at = end;
    cursor.check_utf8(start)?;
    cursor.at = line_end;
    Ok(Entry::Sample { series: &cursor.body[start..end], value, at })
}

fn bad_value(word: &[u8]) -> String {
    match word {
        [.., b'\r'] => "this line ends with a carriage return; lines end with a line feed only".into(),
        _ => format!("not a number: {}", error::snippet(word)),
    }
}

/// Milliseconds, digits only.
fn timestamp(cursor: &mut Cursor<'_>, exemplars: bool) -> Result<Timestamp, Broken> {
    let start = cursor.at;
    let word = cursor.word(|b| matches!(b, b' ' | b'\t' | b'\n'));
    let digits = std::str::from_utf8(word).ok().filter(|word| word.bytes().all(|b| b.is_ascii_digit()));
    let Some(at) = digits.and_then(|digits| digits.parse().ok()) else {
        return Err(Broken::new(start, format!("not a timestamp in milliseconds: {}", snippet(word))));
    };
    cursor.skip_blanks();
    match cursor.peek() {
        None | Some(b'\n') => Ok(Timestamp(at)),
        Some(b'#') if exemplars => Ok(Timestamp(at)),
        Some(_) => cursor.expected("the end of the line after the timestamp"),
    }
}

/// `# HELP`, `# TYPE`; any other comment is stepped over.
fn comment<'a>(cursor: &mut Cursor<'a>) -> Result<Option<Entry<'a>>, Broken> {
    cursor.at += 1;
    let blank_before = matches!(cursor.peek(), Some(b' ' | b'\t'));
    cursor.skip_blanks();
    let keyword = match cursor.rest() {
        [b'H', b'E', b'L', b'P', b' ' | b'\t', ..] if blank_before => "HELP",
        [b'T', b'Y', b'P', b'E', b' ' | b'\t', ..] if blank_before => "TYPE",
        _ => {
            cursor.at += cursor.line_rest().len();
            return Ok(None);
        }
    };
    cursor.at += keyword.len();
    cursor.skip_blanks();
    let metric = cursor.family_name(keyword)?;
    // One blank separates the name from the text; the rest of the line is the text.
    if !matches!(cursor.peek(), None | Some(b'\n')) {
        cursor.at += 1;
    }
    let (start, bytes) = (cursor.at, cursor.line_rest());
    cursor.at += bytes.len();
    if keyword == "HELP" {
        let text: Cow<str> = unescape_help(cursor.text(bytes, start)?);
        return Ok(Some(Entry::Help { metric, text }));
    }
    let kind = match bytes {
        b"counter" => MetricType::Counter,
        b"gauge" => MetricType::Gauge,
        b"histogram" => MetricType::Histogram,
        b"summary" => MetricType::Summary,
        b"untyped" => MetricType::Unknown,
        _ => {
            let message = format!("not a metric type: {}; known are counter, gauge, histogram, summary and untyped", snippet(bytes));
            return Err(Broken::new(start, message));
        }
    };
    Ok(Some(Entry::Type { metric, kind }))
}
