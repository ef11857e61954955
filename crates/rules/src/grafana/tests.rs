//! Expressions and instances against numbers from Grafana's own tests and from its documentation.

use std::collections::BTreeSet;

use bellbuoy_vocabulary::{Labels, Millis, Timestamp, format_float};
use expect_test::{Expect, expect};

use super::data::{Float, Item};
use super::*;

mod expressions;
mod life;

fn labels(text: &str) -> Labels {
    Labels::from_pairs(text.split(',').filter(|pair| !pair.is_empty()).map(|pair| pair.split_once('=').expect("name=value")))
}

/// `x=a 3`: a number; `x=a [1 2 _ NaN]`: a series with a point each 10 s; `nodata`; `5` without labels; `=5` a scalar.
fn item(text: &str) -> Item {
    let text = text.trim();
    if text == "nodata" {
        return Item::NoData;
    }
    if let Some(scalar) = text.strip_prefix('=') {
        return Item::Scalar(float(scalar));
    }
    let (names, value) = match text.split_once(' ') {
        Some((names, value)) if names.contains('=') => (labels(names), value),
        _ => (Labels::empty(), text),
    };
    match value.strip_prefix('[').and_then(|inner| inner.strip_suffix(']')) {
        Some(inner) => {
            let points = inner.split_whitespace().enumerate().map(|(at, value)| (Timestamp(at as i64 * 10_000), float(value)));
            Item::Series { labels: names, points: points.collect() }
        }
        None => Item::Number { labels: names, value: float(value) },
    }
}

fn items(text: &str) -> Vec<Item> {
    text.split(';').filter(|part| !part.trim().is_empty()).map(item).collect()
}

fn float(text: &str) -> Float {
    (text != "_").then(|| bellbuoy_vocabulary::parse_float(text).unwrap_or_else(|| panic!("{text:?} is no number")))
}

fn show_float(value: Float) -> String {
    value.map_or("_".to_string(), format_float)
}

fn show(items: &[Item]) -> String {
    let one = |item: &Item| {
        let names = item.labels().iter().map(|(name, value)| format!("{name}={value}")).collect::<Vec<_>>().join(",");
        let names = if names.is_empty() { names } else { names + " " };
        match item {
            Item::NoData => "nodata".to_string(),
            Item::Scalar(value) => format!("={}", show_float(*value)),
            Item::Number { value, .. } => format!("{names}{}", show_float(*value)),
            Item::Series { points, .. } => {
                let values: Vec<String> = points.iter().map(|(_, value)| show_float(*value)).collect();
                format!("{names}[{}]", values.join(" "))
            }
        }
    };
    items.iter().map(one).collect::<Vec<_>>().join("; ")
}
