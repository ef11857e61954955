//! Cells that can be compared: missing cells and infinities dropped, column by column, side by side.

use std::borrow::Cow;

use crate::{TIME_MISSING, Values};

/// The finite numbers, sorted. Negative zero is zero, so that equal numbers are one value.
pub(crate) fn numbers(values: &Values) -> Vec<f64> {
    let mut clean: Vec<f64> = match values {
        Values::Numbers(values) => values.iter().filter(|v| v.is_finite()).map(|v| v + 0.0).collect(),
        Values::Integers(values) => return whole_numbers(values),
        Values::Times(values) => values.iter().filter(|v| **v != TIME_MISSING).map(|v| *v as f64).collect(),
        Values::Categories(_) => Vec::new(),
    };
    sort(&mut clean);
    clean
}

/// Whole numbers of a small range, as counts and codes are, need no sort: they are counted.
fn whole_numbers(values: &[i64]) -> Vec<f64> {
    let (low, high) = values.iter().fold((i64::MAX, i64::MIN), |(low, high), v| (low.min(*v), high.max(*v)));
    let span = high.wrapping_sub(low) as u64;
    if values.len() < RADIX_MIN || span > RANGE_MAX.min(values.len() as u64) {
        let mut clean: Vec<f64> = values.iter().map(|v| *v as f64).collect();
        sort(&mut clean);
        return clean;
    }
    let mut rows = vec![0usize; span as usize + 1];
    for value in values {
        rows[value.wrapping_sub(low) as usize] += 1;
    }
    let mut clean = Vec::with_capacity(values.len());
    for (offset, rows) in rows.into_iter().enumerate() {
        clean.extend(std::iter::repeat_n(low.wrapping_add(offset as i64) as f64, rows));
    }
    clean
}

/// Larger tables of counts do not stay in the processor's cache.
const RANGE_MAX: u64 = 1 << 16;
/// From so many numbers on a radix sort is faster.
const RADIX_MIN: usize = 2000;

/// Sorts finite numbers.
pub(crate) fn sort(values: &mut [f64]) {
    if values.len() >= RADIX_MIN {
        radsort::sort(values);
    } else {
        values.sort_unstable_by(f64::total_cmp);
    }
}

/// Whether there are more than `limit` different ones; stops as soon as that is known. For small limits.
pub(crate) fn more_different_than<T: PartialEq>(limit: usize, cells: impl Iterator<Item = T>) -> bool {
    let mut seen = Vec::with_capacity(limit);
    for cell in cells {
        if !seen.contains(&cell) {
            if seen.len() == limit {
                return true;
            }
            seen.push(cell);
        }
    }
    false
}

/// Different texts with their rows, missing cells left out, in no order. Numbers are written as a person would (`3`, `0.5`), so
/// that a category that came as a number on one side and as a text on the other is the same category.
pub(crate) fn texts(values: &Values) -> Vec<(Cow<'_, str>, u64)> {
    match values {
        Values::Categories(values) => values.counted().into_iter().map(|(text, rows)| (Cow::Borrowed(text), rows)).collect(),
        // Not by way of numbers: above 2^53 they are no longer exact.
        Values::Integers(values) => {
            let mut sorted = values.clone();
            sorted.sort_unstable();
            sorted.chunk_by(|a, b| a == b).map(|run| (Cow::Owned(run[0].to_string()), run.len() as u64)).collect()
        }
        _ => numbers(values).chunk_by(|a, b| a == b).map(|run| (Cow::Owned(run[0].to_string()), run.len() as u64)).collect(),
    }
}

/// The number of different values in a sorted slice.
pub(crate) fn distinct<T: PartialEq>(sorted: &[T]) -> usize {
    sorted.chunk_by(|a, b| a == b).count()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sorts_as_numbers() {
        let mut values = vec![3.0, -1.5, 0.0, -1e300, 1e-310, 2.0, -2.0, 1e300];
        sort(&mut values);
        assert_eq!(values, [-1e300, -2.0, -1.5, 0.0, 1e-310, 2.0, 3.0, 1e300]);
        let mut many = values.repeat(RADIX_MIN);
        let mut other = many.clone();
        many.reverse();
        sort(&mut many);
        other.sort_by(f64::total_cmp);
        assert_eq!(many, other);
        let whole: Vec<i64> = (0..3000).map(|i| i * 7919 % 4001 - 2000).collect();
        let mut expected: Vec<f64> = whole.iter().map(|v| *v as f64).collect();
        expected.sort_by(f64::total_cmp);
        assert_eq!(numbers(&Values::Integers(whole)), expected);
        assert_eq!(numbers(&Values::Integers([i64::MAX, i64::MIN].repeat(2000)))[1999..2001], [i64::MIN as f64, i64::MAX as f64]);
        assert!(more_different_than(2, [1, 2, 1, 3].iter()) && !more_different_than(3, [1, 2, 1, 3].iter()));
    }

    #[test]
    fn drops_what_cannot_be_compared() {
        let values = Values::Numbers(vec![2.0, f64::NAN, -0.0, f64::INFINITY, 0.0, f64::NEG_INFINITY]);
        assert_eq!(numbers(&values), [0.0, 0.0, 2.0]);
        assert_eq!(distinct(&numbers(&values)), 2);
        assert_eq!(texts(&values), [("0".into(), 2), ("2".into(), 1)]);
        assert_eq!(texts(&Values::texts(["b", "", "a", "b"])), [("b".into(), 2), ("a".into(), 1)]);
        assert_eq!(numbers(&Values::Times(vec![3, TIME_MISSING, 1])), [1.0, 3.0]);
    }
}
