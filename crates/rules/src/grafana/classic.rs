//! `type: classic_conditions`: several conditions over series, joined from left to right, give one number without labels.

use bellbuoy_vocabulary::Labels;

use super::data::{Capture, Float, Item};
use super::reduce::median;
use super::threshold::Evaluator;

#[derive(Clone, Debug)]
pub struct Classic {
    pub conditions: Vec<ClassicCondition>,
}

#[derive(Clone, Debug)]
pub struct ClassicCondition {
    pub input: String,
    pub reducer: ClassicReducer,
    pub evaluator: Evaluator,
    /// `or` with what is left of it; else `and`. Of no meaning for the first.
    pub or: bool,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ClassicReducer {
    Avg,
    Min,
    Max,
    Sum,
    Count,
    Last,
    Median,
    Diff,
    DiffAbs,
    PercentDiff,
    PercentDiffAbs,
    CountNonNull,
}

impl ClassicReducer {
    pub const WORDS: [&'static str; 12] =
        ["avg", "min", "max", "sum", "count", "last", "median", "diff", "diff_abs", "percent_diff", "percent_diff_abs", "count_non_null"];

    pub fn parse(word: &str) -> Option<ClassicReducer> {
        Some(match word {
            "avg" => ClassicReducer::Avg,
            "min" => ClassicReducer::Min,
            "max" => ClassicReducer::Max,
            "sum" => ClassicReducer::Sum,
            "count" => ClassicReducer::Count,
            "last" => ClassicReducer::Last,
            "median" => ClassicReducer::Median,
            "diff" => ClassicReducer::Diff,
            "diff_abs" => ClassicReducer::DiffAbs,
            "percent_diff" => ClassicReducer::PercentDiff,
            "percent_diff_abs" => ClassicReducer::PercentDiffAbs,
            "count_non_null" => ClassicReducer::CountNonNull,
            _ => return None,
        })
    }

    /// Null and NaN are skipped; `None` when nothing is left.
    pub fn apply(self, values: &[Float]) -> Float {
        let numbers: Vec<f64> = values.iter().flatten().copied().filter(|number| !number.is_nan()).collect();
        if self == ClassicReducer::Count {
            return (!values.is_empty()).then_some(values.len() as f64);
        }
        let newest = *numbers.last()?;
        let sum = || numbers.iter().sum::<f64>();
        Some(match self {
            ClassicReducer::Avg => sum() / numbers.len() as f64,
            ClassicReducer::Min => numbers.iter().copied().fold(f64::MAX, f64::min),
            ClassicReducer::Max => numbers.iter().copied().fold(-f64::MAX, f64::max),
            ClassicReducer::Sum => sum(),
            ClassicReducer::Last => newest,
            ClassicReducer::Median => median(&numbers),
            ClassicReducer::CountNonNull | ClassicReducer::Count => numbers.len() as f64,
            ClassicReducer::Diff => difference(values, newest, |newest, oldest| newest - oldest),
            ClassicReducer::DiffAbs => difference(values, newest, |newest, oldest| (newest - oldest).abs()),
            ClassicReducer::PercentDiff => difference(values, newest, |newest, oldest| (newest - oldest) / oldest.abs() * 100.0),
            ClassicReducer::PercentDiffAbs => difference(values, newest, |newest, oldest| ((newest - oldest) / oldest * 100.0).abs()),
        })
    }
}

/// 0 when the newest number is the series' first point: there is nothing before it.
fn difference(values: &[Float], newest: f64, of: fn(f64, f64) -> f64) -> f64 {
    let is_number = |value: &Float| value.is_some_and(|number| !number.is_nan());
    let newest_at = values.iter().rposition(is_number).unwrap_or(0);
    let oldest = values.iter().flatten().find(|number| !number.is_nan());
    match oldest {
        Some(oldest) if newest_at >= 1 => of(newest, *oldest),
        _ => 0.0,
    }
}

/// What one condition found.
struct Verdict {
    firing: bool,
    no_data: bool,
    matches: Vec<(String, Labels, Float)>,
}

impl Classic {
    /// The number, and what matched, for templates. An input that gave no values at all only satisfies `no_value`.
    pub fn run<'a>(&self, ref_id: &str, input: impl Fn(&str) -> &'a [Item]) -> (Vec<Item>, Vec<Capture>) {
        let (mut firing, mut no_data) = (false, false);
        let mut captures = Vec::new();
        for (index, condition) in self.conditions.iter().enumerate() {
            let verdict = condition.judge(input(&condition.input));
            (firing, no_data) = match (index, condition.or) {
                (0, _) => (verdict.firing, verdict.no_data),
                (_, true) => (firing || verdict.firing, no_data || verdict.no_data),
                (_, false) => (firing && verdict.firing, no_data && verdict.no_data),
            };
            for (metric, labels, value) in verdict.matches {
                captures.push(Capture { name: format!("{ref_id}{}", captures.len()), metric: Some(metric), labels, value });
            }
        }
        // No data is looked at first: both can be true at one time.
        let value = (!no_data).then_some(f64::from(u8::from(firing)));
        (vec![Item::Number { labels: Labels::empty(), value }], captures)
    }
}

impl ClassicCondition {
    fn judge(&self, items: &[Item]) -> Verdict {
        if items.is_empty() && self.evaluator == Evaluator::NoValue {
            return Verdict { firing: true, no_data: false, matches: vec![(String::new(), Labels::empty(), None)] };
        }
        let (mut firing, mut empty, mut matches) = (false, 0, Vec::new());
        for item in items {
            let (value, labels) = match item {
                Item::Series { points, labels } => {
                    (self.reducer.apply(&points.iter().map(|(_, value)| *value).collect::<Vec<_>>()), labels.clone())
                }
                Item::Number { value, labels } => (*value, labels.clone()),
                Item::Scalar(value) => (*value, Labels::empty()),
                Item::NoData => (None, Labels::empty()),
            };
            if self.evaluator.holds_classic(value) {
                firing = true;
                matches.push((labels.name().to_string(), labels, value));
            } else if value.is_none() {
                empty += 1;
            }
        }
        let no_data = empty == items.len();
        if no_data {
            matches.push(("NoData".to_string(), Labels::empty(), None));
        }
        Verdict { firing, no_data, matches }
    }
}
