//! `type: threshold`: 1 where a value is beyond a limit, else 0. With a second limit for the way back (hysteresis).

use std::collections::BTreeSet;

use bellbuoy_vocabulary::Labels;

use super::data::{Float, Item};

#[derive(Clone, Debug)]
pub struct Threshold {
    pub input: String,
    pub evaluator: Evaluator,
    /// `unloadEvaluator`: an alert that is active ends when this holds.
    pub unload: Option<Evaluator>,
}

#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Evaluator {
    Above(f64),
    Below(f64),
    Equal(f64),
    NotEqual(f64),
    AtLeast(f64),
    AtMost(f64),
    Within(f64, f64),
    Outside(f64, f64),
    WithinIncluded(f64, f64),
    OutsideIncluded(f64, f64),
    /// Only of classic conditions: there is no value.
    NoValue,
}

impl Evaluator {
    pub const THRESHOLD_WORDS: [&'static str; 10] =
        ["gt", "lt", "eq", "ne", "gte", "lte", "within_range", "outside_range", "within_range_included", "outside_range_included"];
    pub const CLASSIC_WORDS: [&'static str; 11] = [
        "gt",
        "lt",
        "eq",
        "ne",
        "ge",
        "le",
        "within_range",
        "outside_range",
        "within_range_included",
        "outside_range_included",
        "no_value",
    ];

    /// How many numbers the evaluator of this name needs; `None` when there is no such evaluator.
    pub fn params_of(word: &str) -> Option<usize> {
        Some(match word {
            "no_value" => 0,
            "gt" | "lt" | "eq" | "ne" | "gte" | "lte" | "ge" | "le" => 1,
            "within_range" | "outside_range" | "within_range_included" | "outside_range_included" => 2,
            _ => return None,
        })
    }

    pub fn new(word: &str, params: &[f64]) -> Option<Evaluator> {
        let first = params.first().copied();
        let range = || Some((first?, *params.get(1)?));
        Some(match word {
            "gt" => Evaluator::Above(first?),
            "lt" => Evaluator::Below(first?),
            "eq" => Evaluator::Equal(first?),
            "ne" => Evaluator::NotEqual(first?),
            "gte" | "ge" => Evaluator::AtLeast(first?),
            "lte" | "le" => Evaluator::AtMost(first?),
            "within_range" => range().map(|(a, b)| Evaluator::Within(a, b))?,
            "outside_range" => range().map(|(a, b)| Evaluator::Outside(a, b))?,
            "within_range_included" => range().map(|(a, b)| Evaluator::WithinIncluded(a, b))?,
            "outside_range_included" => range().map(|(a, b)| Evaluator::OutsideIncluded(a, b))?,
            "no_value" => Evaluator::NoValue,
            _ => return None,
        })
    }

    pub fn holds(self, value: f64) -> bool {
        match self {
            Evaluator::Above(limit) => value > limit,
            Evaluator::Below(limit) => value < limit,
            Evaluator::Equal(limit) => value == limit,
            Evaluator::NotEqual(limit) => value != limit,
            Evaluator::AtLeast(limit) => value >= limit,
            Evaluator::AtMost(limit) => value <= limit,
            Evaluator::Within(a, b) => value > a && value < b,
            Evaluator::Outside(a, b) => value < a || value > b,
            Evaluator::WithinIncluded(a, b) => value >= a && value <= b,
            Evaluator::OutsideIncluded(a, b) => value <= a || value >= b,
            Evaluator::NoValue => false,
        }
    }

    /// Classic conditions: ranges hold in either order of their ends, and `outside` means beyond both.
    pub fn holds_classic(self, value: Float) -> bool {
        let Some(value) = value else { return self == Evaluator::NoValue };
        match self {
            Evaluator::Within(a, b) => (a < value && b > value) || (b < value && a > value),
            Evaluator::Outside(a, b) => (b < value && a < value) || (b > value && a > value),
            Evaluator::WithinIncluded(a, b) => (a <= value && b >= value) || (b <= value && a >= value),
            Evaluator::OutsideIncluded(a, b) => (b <= value && a <= value) || (b >= value && a >= value),
            other => other.holds(value),
        }
    }
}

impl Threshold {
    /// `loaded`: the labels of the series whose alert is active. Null stays null, no data stays no data, NaN is beyond nothing.
    pub fn run(&self, input: &[Item], loaded: &BTreeSet<Labels>) -> Vec<Item> {
        let judge = |item: &Item| {
            let unload = self.unload.filter(|_| loaded.contains(&item.labels()));
            item.map(|value| {
                value.map(|value| match unload {
                    Some(unload) => f64::from(u8::from(!unload.holds(value))),
                    None => f64::from(u8::from(self.evaluator.holds(value))),
                })
            })
        };
        // As Grafana: first the series that are not active.
        let (active, other): (Vec<&Item>, Vec<&Item>) =
            input.iter().partition(|item| self.unload.is_some() && loaded.contains(&item.labels()));
        other.into_iter().chain(active).map(judge).collect()
    }
}
