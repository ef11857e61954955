//! `type: reduce`: each series becomes one number.

use super::data::{Failure, Float, Item};

#[derive(Clone, Debug)]
pub struct Reduce {
    pub input: String,
    pub reducer: Reducer,
    pub mode: ReduceMode,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Reducer {
    Sum,
    Mean,
    Min,
    Max,
    Count,
    Last,
    Median,
}

/// What happens with null, NaN and the infinities.
#[derive(Clone, Copy, Debug, PartialEq, Default)]
pub enum ReduceMode {
    /// One of them makes the result NaN.
    #[default]
    Strict,
    /// `dropNN`.
    Drop,
    /// `replaceNN`.
    Replace(f64),
}

impl Reducer {
    pub const WORDS: [&'static str; 7] = ["sum", "mean", "min", "max", "count", "last", "median"];

    pub fn parse(word: &str) -> Option<Reducer> {
        Some(match word.to_ascii_lowercase().as_str() {
            "sum" => Reducer::Sum,
            "mean" => Reducer::Mean,
            "min" => Reducer::Min,
            "max" => Reducer::Max,
            "count" => Reducer::Count,
            "last" => Reducer::Last,
            "median" => Reducer::Median,
            _ => return None,
        })
    }

    /// One null or NaN makes everything NaN but `count` and `last`. Of nothing: sum and count are 0, the others NaN.
    pub fn apply(self, values: &[Float]) -> Float {
        let numbers = || values.iter().map(|value| value.filter(|number| !number.is_nan())).collect::<Option<Vec<f64>>>();
        let of = |reduce: fn(&[f64]) -> f64| Some(numbers().map_or(f64::NAN, |numbers| reduce(&numbers)));
        match self {
            Reducer::Count => Some(values.len() as f64),
            Reducer::Last => values.last().copied().unwrap_or(Some(f64::NAN)),
            // Not `sum()`: that of nothing is -0.
            Reducer::Sum => of(|numbers| numbers.iter().fold(0.0, |sum, number| sum + number)),
            // 0 / 0 is NaN.
            Reducer::Mean => of(|numbers| numbers.iter().sum::<f64>() / numbers.len() as f64),
            Reducer::Min => of(|numbers| numbers.iter().copied().reduce(f64::min).unwrap_or(f64::NAN)),
            Reducer::Max => of(|numbers| numbers.iter().copied().reduce(f64::max).unwrap_or(f64::NAN)),
            Reducer::Median => of(median),
        }
    }
}

/// The middle of the sorted numbers, or the mean of the two middle ones.
pub fn median(numbers: &[f64]) -> f64 {
    let mut sorted = numbers.to_vec();
    sorted.sort_by(f64::total_cmp);
    match (sorted.len(), sorted.len() / 2) {
        (0, _) => f64::NAN,
        (length, middle) if length % 2 == 1 => sorted[middle],
        (_, middle) => (sorted[middle - 1] + sorted[middle]) / 2.0,
    }
}

impl ReduceMode {
    fn before(self, value: Float) -> Float {
        let number = value.filter(|number| number.is_finite());
        match self {
            ReduceMode::Strict => value,
            ReduceMode::Drop => number,
            ReduceMode::Replace(other) => number.or(Some(other)),
        }
    }

    fn after(self, value: Float) -> Float {
        match (self, value) {
            (ReduceMode::Drop, Some(number)) if number.is_nan() => None,
            (ReduceMode::Replace(other), Some(number)) if number.is_nan() => Some(other),
            _ => value,
        }
    }
}

impl Reduce {
    pub fn run(&self, ref_id: &str, input: &[Item]) -> Result<Vec<Item>, Failure> {
        let mut out = Vec::with_capacity(input.len());
        for item in input {
            match item {
                Item::Series { labels, points } => {
                    let mut values: Vec<Float> = points.iter().map(|(_, value)| self.mode.before(*value)).collect();
                    if self.mode != ReduceMode::Strict {
                        values.retain(Option::is_some);
                    }
                    out.push(Item::Number { labels: labels.clone(), value: self.mode.after(self.reducer.apply(&values)) });
                }
                // Reduced already: only the mode is applied.
                Item::Number { labels, value } => match (self.mode, self.mode.before(*value)) {
                    (ReduceMode::Drop, None) => {}
                    (_, value) => out.push(Item::Number { labels: labels.clone(), value }),
                },
                Item::NoData => out.push(Item::NoData),
                Item::Scalar(_) => {
                    let message = format!("can only reduce type series, got type {}", item.kind());
                    return Err(Failure { ref_id: ref_id.to_string(), datasource_uid: None, message });
                }
            }
        }
        Ok(out)
    }
}
