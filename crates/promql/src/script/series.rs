//! A series with its values as scripts and rule tests write them: `up{job="a"} 1 2+3x4 _ _x2 stale NaN {{count:1}}x3`.

use bellbuoy_vocabulary::{Histogram, HistogramSpan, Labels, METRIC_NAME, MatchOp, STALE_NAN, parse_float};

use crate::ast::{Expr, ExprKind};
use crate::parser::parse;
use crate::value::Number;

/// Values that one line may stand for.
const VALUES_MAX: usize = 1_000_000;

/// A series and its values; `None` is a gap.
pub type SeriesValues = (Labels, Vec<Option<Number>>);

/// Reads `name{labels} values...`. `None` of a value is a gap (`_`). The error names the part.
pub fn parse_series(line: &str) -> Result<SeriesValues, String> {
    let (labels, rest) = parse_labels(line)?;
    Ok((labels, parse_values(rest)?))
}

/// The label set at the start of a line, and what follows it.
pub(super) fn parse_labels(line: &str) -> Result<(Labels, &str), String> {
    let line = line.trim();
    let end = labels_end(line);
    let (head, rest) = line.split_at(end);
    if head == "{}" {
        return Ok((Labels::empty(), rest));
    }
    // A label set reads like a selector; braces without a name need one non-empty matcher, which a label set has.
    let head = head.strip_suffix("{}").unwrap_or(head);
    let expr = parse(head).map_err(|error| error.to_string())?;
    Ok((selector_labels(&expr).ok_or_else(|| format!("not a series: {head:?}"))?, rest))
}

fn selector_labels(expr: &Expr) -> Option<Labels> {
    let ExprKind::Vector(selector) = &expr.kind else { return None };
    let mut pairs = Vec::new();
    for matcher in &selector.matchers {
        if matcher.op != MatchOp::Equal {
            return None;
        }
        pairs.push((matcher.name.as_str(), matcher.value.as_str()));
    }
    if let Some(name) = &selector.name {
        pairs.push((METRIC_NAME, name));
    }
    Some(Labels::from_pairs(pairs))
}

/// Where the label set ends: after its braces, or at the first space when it has none.
fn labels_end(line: &str) -> usize {
    let mut quote = None;
    let mut escaped = false;
    let mut in_braces = false;
    for (at, character) in line.char_indices() {
        match (quote, character) {
            (Some(_), _) if escaped => escaped = false,
            (Some('"' | '\''), '\\') => escaped = true,
            (Some(open), c) if c == open => quote = None,
            (Some(_), _) => {}
            (None, '"' | '\'' | '`') => quote = Some(character),
            (None, '{') => in_braces = true,
            (None, '}') => return at + 1,
            (None, c) if c.is_whitespace() && !in_braces => {
                // `name {labels}` may have a space before its braces, `name {{...}}` is a name and a histogram.
                let rest = line[at..].trim_start();
                if !rest.starts_with('{') || rest.starts_with("{{") {
                    return at;
                }
            }
            _ => {}
        }
    }
    line.len()
}

/// The values of a line, gaps as `None`.
pub(super) fn parse_values(text: &str) -> Result<Vec<Option<Number>>, String> {
    let mut values = Vec::new();
    let mut rest = text.trim_start();
    while !rest.is_empty() {
        let end = item_end(rest);
        let (item, after) = rest.split_at(end);
        parse_item(item, &mut values)?;
        if values.len() > VALUES_MAX {
            return Err(format!("more than {VALUES_MAX} values in a line"));
        }
        rest = after.trim_start();
    }
    Ok(values)
}

/// Spaces within `{{ }}` do not end an item.
fn item_end(text: &str) -> usize {
    let mut depth = 0usize;
    for (at, character) in text.char_indices() {
        match character {
            '{' => depth += 1,
            '}' => depth = depth.saturating_sub(1),
            c if c.is_whitespace() && depth == 0 => return at,
            _ => {}
        }
    }
    text.len()
}

fn parse_item(item: &str, values: &mut Vec<Option<Number>>) -> Result<(), String> {
    let refuse = || format!("not a value: {item:?}");
    if let Some(times) = item.strip_prefix('_') {
        let count = match times.strip_prefix('x') {
            Some(digits) => parse_count(digits).ok_or_else(refuse)?,
            None if times.is_empty() => 1,
            None => return Err(refuse()),
        };
        values.extend(std::iter::repeat_n(None, count));
        return Ok(());
    }
    let (body, times) = match item.rsplit_once('x').and_then(|(body, digits)| Some((body, parse_count(digits)?))) {
        Some((body, times)) => (body, Some(times)),
        None => (item, None),
    };
    if body.starts_with("{{") {
        return parse_histogram_item(body, times.unwrap_or(0), values).ok_or_else(refuse);
    }
    let (start, step) = match (times, sign_at(body)) {
        (Some(_), Some(at)) => (&body[..at], parse_float(&body[at..]).ok_or_else(refuse)?),
        _ => (body, 0.0),
    };
    let mut value = if start == "stale" { STALE_NAN } else { parse_float(start).ok_or_else(refuse)? };
    for _ in 0..=times.unwrap_or(0) {
        values.push(Some(Number::Float(value)));
        if step != 0.0 {
            value += step;
        }
    }
    Ok(())
}

fn parse_count(digits: &str) -> Option<usize> {
    // `parse` would also take a sign.
    digits.parse().ok().filter(|count| *count <= VALUES_MAX && !digits.starts_with('+'))
}

/// The sign between start and step of `1+2`, `-1e-3-4`.
fn sign_at(body: &str) -> Option<usize> {
    let bytes = body.as_bytes();
    (1..bytes.len()).find(|at| matches!(bytes[*at], b'+' | b'-') && !matches!(bytes[at - 1], b'e' | b'E'))
}

/// `{{..}}`, `{{..}}+{{..}}` or `{{..}}-{{..}}`, repeated.
fn parse_histogram_item(body: &str, times: usize, values: &mut Vec<Option<Number>>) -> Option<()> {
    let end = body.find("}}")? + 2;
    let mut histogram = parse_histogram(&body[..end])?;
    let step = match body[end..].split_at_checked(1) {
        Some(("+", step)) => Some((parse_histogram(step)?, 1.0)),
        Some(("-", step)) => Some((parse_histogram(step)?, -1.0)),
        Some(_) => return None,
        None => None,
    };
    for _ in 0..=times {
        values.push(Some(Number::Histogram(Box::new(histogram.clone()))));
        if let Some((step, sign)) = &step {
            histogram = sum(&histogram, step, *sign)?;
        }
    }
    Some(())
}

/// `{{schema:1 sum:3 count:22 z_bucket:1 z_bucket_w:0.001 offset:0 buckets:[5 10 7] ...}}`
fn parse_histogram(text: &str) -> Option<Histogram> {
    let mut rest = text.strip_prefix("{{")?.strip_suffix("}}")?.trim();
    let mut histogram = Histogram::default();
    let (mut offset, mut n_offset) = (0, 0);
    while !rest.is_empty() {
        let (key, after) = rest.split_once(':')?;
        let (value, next) = if let Some(list) = after.strip_prefix('[') {
            list.split_once(']')?
        } else {
            after.split_once(char::is_whitespace).unwrap_or((after, ""))
        };
        let number = || parse_float(value);
        let list = || value.split_whitespace().map(parse_float).collect::<Option<Vec<f64>>>();
        match key.trim() {
            "schema" => histogram.schema = value.parse().ok()?,
            "sum" => histogram.sum = number()?,
            "count" => histogram.count = number()?,
            "z_bucket" => histogram.zero_count = number()?,
            "z_bucket_w" => histogram.zero_threshold = number()?,
            "custom_values" => histogram.custom_values = list()?,
            "buckets" => histogram.positive_buckets = list()?,
            "n_buckets" => histogram.negative_buckets = list()?,
            "offset" => offset = value.parse().ok()?,
            "n_offset" => n_offset = value.parse().ok()?,
            "counter_reset_hint" => {}
            _ => return None,
        }
        rest = next.trim_start();
    }
    let spans = |offset, buckets: &[f64]| match buckets.len() {
        0 => Vec::new(),
        length => vec![HistogramSpan { offset, length: length as u32 }],
    };
    histogram.positive_spans = spans(offset, &histogram.positive_buckets);
    histogram.negative_spans = spans(n_offset, &histogram.negative_buckets);
    Some(histogram)
}

/// Of two histograms with the same layout; adding others comes with native histograms.
fn sum(a: &Histogram, b: &Histogram, sign: f64) -> Option<Histogram> {
    let same = (a.schema, a.zero_threshold) == (b.schema, b.zero_threshold) && a.custom_values == b.custom_values;
    let grown = |a: &[HistogramSpan], b: &[HistogramSpan]| b.is_empty() || a == b;
    if !same || !grown(&a.positive_spans, &b.positive_spans) || !grown(&a.negative_spans, &b.negative_spans) {
        return None;
    }
    let mut out = a.clone();
    out.count += sign * b.count;
    out.sum += sign * b.sum;
    out.zero_count += sign * b.zero_count;
    for (x, y) in out.positive_buckets.iter_mut().zip(&b.positive_buckets) {
        *x += sign * y;
    }
    for (x, y) in out.negative_buckets.iter_mut().zip(&b.negative_buckets) {
        *x += sign * y;
    }
    Some(out)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(line: &str, labels: &str, values: &[Option<f64>]) {
        let (found, numbers) = parse_series(line).expect(line);
        assert_eq!(found.to_string(), labels, "{line}");
        let floats: Vec<Option<f64>> = numbers.iter().map(|number| number.as_ref().and_then(Number::float)).collect();
        assert_eq!(floats, values, "{line}");
    }

    #[test]
    fn sequences() {
        check("a 1 2.5 _ -3", "a", &[Some(1.0), Some(2.5), None, Some(-3.0)]);
        check("a{b=\"c d}\"}\t0+10x2 5-1x1", "a{b=\"c d}\"}", &[Some(0.0), Some(10.0), Some(20.0), Some(5.0), Some(4.0)]);
        check("{x=\"y\"} 1x1 _x2 Inf", "{x=\"y\"}", &[Some(1.0), Some(1.0), None, None, Some(f64::INFINITY)]);
        check("a{} 1e-3-1e-3x1", "a", &[Some(0.001), Some(0.0)]);
        check("{} 7", "{}", &[Some(7.0)]);
        check("a {{count:2 sum:3 buckets:[1 1]}}x1 3", "a", &[None, None, Some(3.0)]);
    }

    #[test]
    fn refuses() {
        for line in ["a{b!=\"c\"} 1", "a x", "a 1x", "a 1x99999999999", "a 1x+2", "a _x+2", "a {{foo:1}}", "a{ 1"] {
            assert!(parse_series(line).is_err(), "{line}");
        }
    }
}
