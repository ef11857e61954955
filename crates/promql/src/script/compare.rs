//! Is the answer the one that was asked for?

use bellbuoy_vocabulary::{AnchoredRegex, Histogram, HistogramSpan, Labels, Millis, Timestamp};

use super::read::{TextMatch, Times, Wanted};
use crate::value::{Element, Number, SeriesPoints, Value};

/// Numbers may differ by this share of their sum.
const TOLERANCE: f64 = 1e-6;

pub(super) fn same(a: f64, b: f64) -> bool {
    if a == b || (a.is_nan() && b.is_nan()) {
        return true;
    }
    let (sum, difference) = (a.abs() + b.abs(), (a - b).abs());
    if a == 0.0 || b == 0.0 || sum < f64::MIN_POSITIVE {
        return difference < TOLERANCE * f64::MIN_POSITIVE;
    }
    difference / sum.min(f64::MAX) < TOLERANCE
}

/// The annotations that are asked for are there. Their places are not compared.
pub(super) fn check_notes(wanted: &Wanted, warnings: &[String], infos: &[String]) -> Result<(), String> {
    for (kind, needed, refused, texts, found) in [
        ("warning", wanted.warn, wanted.no_warn, &wanted.warn_texts, warnings),
        ("info", wanted.info, wanted.no_info, &wanted.info_texts, infos),
    ] {
        if needed && found.is_empty() {
            return Err(format!("no {kind}"));
        }
        if refused && !found.is_empty() {
            return Err(format!("unexpected {kind}: {found:?}"));
        }
        for text in texts {
            if !found.iter().any(|note| text_matches(text, note.rsplit_once(" (").map_or(note, |(message, _)| message))) {
                return Err(format!("other {kind}: {found:?}"));
            }
        }
    }
    Ok(())
}

pub(super) fn text_matches(wanted: &TextMatch, found: &str) -> bool {
    match wanted {
        TextMatch::Exact(text) => text == found,
        TextMatch::Regex(pattern) => AnchoredRegex::new(&format!(".*(?:{pattern}).*")).is_ok_and(|regex| regex.is_match(found)),
    }
}

pub(super) fn check_value(wanted: &Wanted, times: Times, value: &Value) -> Result<(), String> {
    match value {
        Value::Scalar(sample) => match wanted.scalar {
            Some(number) if same(number, sample.value) => Ok(()),
            Some(number) => Err(format!("expected {number}, got {}", sample.value)),
            None => Err(format!("expected series, got the scalar {}", sample.value)),
        },
        Value::Text(_, text) => match &wanted.text {
            Some(expected) if expected == text => Ok(()),
            _ => Err(format!("got the string {text:?}")),
        },
        _ if wanted.scalar.is_some() => Err("expected a scalar".into()),
        Value::Vector(elements) => check_vector(wanted, elements),
        Value::Matrix(series) => match times {
            Times::Range(from, _, step) => check_matrix(wanted, from, step, series),
            Times::Instant(_) => Err("a range vector can not be compared".into()),
        },
    }
}

fn check_vector(wanted: &Wanted, elements: &[Element]) -> Result<(), String> {
    if elements.len() != wanted.series.len() {
        return Err(format!(
            "expected {} series, got {}: {}",
            wanted.series.len(),
            elements.len(),
            names(elements.iter().map(|e| &e.labels))
        ));
    }
    for (at, element) in elements.iter().enumerate() {
        let position = wanted.series.iter().position(|(labels, _)| *labels == element.labels);
        let Some(position) = position else {
            return Err(format!("unexpected series {}", element.labels));
        };
        if wanted.ordered && position != at {
            return Err(format!("expected {} at position {position}, got it at {at}", element.labels));
        }
        match wanted.series[position].1.as_slice() {
            [Some(number)] if same_number(number, &element.value) => {}
            found => return Err(format!("{}: expected {found:?}, got {:?}", element.labels, element.value)),
        }
    }
    Ok(())
}

fn check_matrix(wanted: &Wanted, from: Timestamp, step: Millis, series: &[SeriesPoints]) -> Result<(), String> {
    if series.len() != wanted.series.len() {
        return Err(format!("expected {} series, got {}: {}", wanted.series.len(), series.len(), names(series.iter().map(|s| &s.labels))));
    }
    if !series.is_sorted_by(|a, b| a.labels < b.labels) {
        return Err("the series are not sorted".into());
    }
    for found in series {
        let Some((_, values)) = wanted.series.iter().find(|(labels, _)| *labels == found.labels) else {
            return Err(format!("unexpected series {}", found.labels));
        };
        let expected: Vec<(Timestamp, &Number)> =
            values.iter().enumerate().filter_map(|(index, value)| Some((from + step * index as i64, value.as_ref()?))).collect();
        let mut points: Vec<(Timestamp, Number)> = found.points.floats.iter().map(|s| (s.at, Number::Float(s.value))).collect();
        points.extend(found.points.histograms.iter().map(|(at, h)| (*at, Number::Histogram(Box::new(h.clone())))));
        points.sort_by_key(|(at, _)| *at);
        let equal = points.len() == expected.len() && points.iter().zip(&expected).all(|(a, b)| a.0 == b.0 && same_number(b.1, &a.1));
        if !equal {
            return Err(format!("{}: expected {expected:?}, got {points:?}", found.labels));
        }
    }
    Ok(())
}

fn names<'a>(labels: impl Iterator<Item = &'a Labels>) -> String {
    labels.map(Labels::to_string).collect::<Vec<_>>().join(", ")
}

fn same_number(expected: &Number, found: &Number) -> bool {
    match (expected, found) {
        (Number::Float(a), Number::Float(b)) => same(*a, *b),
        (Number::Histogram(a), Number::Histogram(b)) => same_histogram(a, b),
        _ => false,
    }
}

fn same_histogram(a: &Histogram, b: &Histogram) -> bool {
    let buckets = |spans: &[HistogramSpan], counts: &[f64]| {
        let mut found = Vec::new();
        let mut counts = counts.iter();
        let mut at = 0;
        for span in spans {
            at += span.offset;
            for count in counts.by_ref().take(span.length as usize) {
                if *count != 0.0 {
                    found.push((at, *count));
                }
                at += 1;
            }
        }
        found
    };
    let equal = |x: Vec<(i32, f64)>, y: Vec<(i32, f64)>| x.len() == y.len() && x.iter().zip(&y).all(|(a, b)| a.0 == b.0 && same(a.1, b.1));
    a.schema == b.schema
        && same(a.zero_threshold, b.zero_threshold)
        && same(a.zero_count, b.zero_count)
        && same(a.count, b.count)
        && same(a.sum, b.sum)
        && a.custom_values == b.custom_values
        && equal(buckets(&a.positive_spans, &a.positive_buckets), buckets(&b.positive_spans, &b.positive_buckets))
        && equal(buckets(&a.negative_spans, &a.negative_buckets), buckets(&b.negative_spans, &b.negative_buckets))
}
