//! OpenMetrics 1.0, as strict as Prometheus' own parser: single spaces, no blank lines, no free comments, `# EOF` at the end.

use bellbuoy_vocabulary::{MetricType, Timestamp};

use crate::error::{Broken, snippet};
use crate::number::parse_value;
use crate::parse::{Entry, RawExemplar};
use crate::scan::{BlockRules, Cursor};
use crate::series::unescape_label;

const LABELS: BlockRules = BlockRules { strict: true, name_allowed: true };
const EXEMPLAR_LABELS: BlockRules = BlockRules { strict: true, name_allowed: false };
const NO_EOF: &str = "the body does not end with # EOF: it is cut off";

/// The next entry, or `None` after `# EOF`.
pub(crate) fn entry<'a>(cursor: &mut Cursor<'a>, exemplar: &mut Option<RawExemplar<'a>>) -> Result<Option<Entry<'a>>, Broken> {
    match cursor.peek() {
        None => cursor.broken(NO_EOF),
        Some(b'#') => meta(cursor),
        Some(_) => sample(cursor, exemplar).map(Some),
    }
}

fn meta<'a>(cursor: &mut Cursor<'a>) -> Result<Option<Entry<'a>>, Broken> {
    let start = cursor.at;
    if cursor.take("# EOF") {
        cursor.take("\n");
        return if cursor.peek().is_none() { Ok(None) } else { cursor.broken("there is something after # EOF") };
    }
    let keyword = ["HELP", "TYPE", "UNIT"].into_iter().find(|keyword| {
        let found = cursor.take("# ") && cursor.take(keyword) && cursor.take(" ");
        if !found {
            cursor.at = start;
        }
        found
    });
    let Some(keyword) = keyword else {
        return cursor.expected("# HELP, # TYPE, # UNIT or # EOF");
    };
    let metric = cursor.family_name(keyword)?;
    if !cursor.take(" ") {
        return cursor.expected(&format!("a space and the text of {keyword}"));
    }
    let (start, bytes) = (cursor.at, cursor.line_rest());
    cursor.at += bytes.len();
    if !cursor.take("\n") {
        return cursor.broken(NO_EOF);
    }
    let text = cursor.text(bytes, start)?;
    match keyword {
        "HELP" => Ok(Some(Entry::Help { metric, text: unescape_label(text) })),
        "UNIT" => {
            // The unit is the last word of the name: `request_duration_seconds`.
            let fits = text.is_empty() || metric.strip_suffix(text).is_some_and(|before| before.ends_with('_'));
            if !fits {
                return Err(Broken::new(start, format!("the unit {} is not the end of the metric's name", snippet(bytes))));
            }
            Ok(Some(Entry::Unit { metric, unit: text }))
        }
        _ => match MetricType::parse(text).filter(|_| text != "untyped") {
            Some(kind) => Ok(Some(Entry::Type { metric, kind })),
            None => Err(Broken::new(start, format!("not a metric type: {}", snippet(bytes)))),
        },
    }
}

fn sample<'a>(cursor: &mut Cursor<'a>, exemplar: &mut Option<RawExemplar<'a>>) -> Result<Entry<'a>, Broken> {
    let start = cursor.at;
    let named = cursor.metric_name().is_some();
    if cursor.take("{") {
        if !cursor.label_block(LABELS, named, &mut |_| ())? {
            return Err(Broken::new(start, "this metric has no name"));
        }
    } else if !named {
        return cursor.expected("a metric name");
    }
    cursor.check_utf8(start)?;
    let series = &cursor.body[start..cursor.at];
    let value = number(cursor, "a space and a value after the metric")?;
    let mut at = None;
    if cursor.peek() == Some(b' ') && !cursor.rest().starts_with(b" # {") {
        at = Some(timestamp(cursor)?);
    }
    if cursor.take(" # {") {
        *exemplar = Some(exemplar_of(cursor)?);
    }
    end_of_line(cursor)?;
    Ok(Entry::Sample { series, value, at })
}

/// `# {trace_id="KOO5S4vxi0o"} 0.67 1520879607.789`, from after the brace. Any series may have one, as in Prometheus 3.
pub(crate) fn exemplar_of<'a>(cursor: &mut Cursor<'a>) -> Result<RawExemplar<'a>, Broken> {
    let start = cursor.at;
    cursor.label_block(EXEMPLAR_LABELS, true, &mut |_| ())?;
    cursor.check_utf8(start)?;
    let labels = &cursor.body[start..cursor.at];
    let value = number(cursor, "a space and a value after the exemplar's labels")?;
    let at = if cursor.peek() == Some(b' ') { Some(timestamp(cursor)?) } else { None };
    Ok(RawExemplar { labels, value, at })
}

fn number(cursor: &mut Cursor<'_>, what: &str) -> Result<f64, Broken> {
    if cursor.peek() != Some(b' ') {
        return cursor.expected(what);
    }
    cursor.at += 1;
    let start = cursor.at;
    let word = cursor.word(|b| matches!(b, b' ' | b'\n'));
    match parse_value(word) {
        Some(value) => Ok(value),
        None => Err(Broken::new(start, format!("not a number: {}", snippet(word)))),
    }
}

/// Seconds, as a float. Prometheus cuts off below the millisecond, which can be one too few after the multiplication; we round.
fn timestamp(cursor: &mut Cursor<'_>) -> Result<Timestamp, Broken> {
    let start = cursor.at + 1;
    let seconds = number(cursor, "a timestamp")?;
    if !seconds.is_finite() {
        return Err(Broken::new(start, format!("not a timestamp in seconds: {}", crate::format_value(seconds))));
    }
    Ok(Timestamp::from_seconds(seconds))
}

fn end_of_line(cursor: &mut Cursor<'_>) -> Result<(), Broken> {
    match cursor.peek() {
        Some(b'\n') => {
            cursor.at += 1;
            Ok(())
        }
        None => cursor.broken(NO_EOF),
        Some(_) => cursor.expected("the end of the line"),
    }
}
