//! Cells that can be compared: missing cells and infinities dropped, column by column, side by side.

use crate::Values;

/// The finite numbers, sorted. Negative zero is zero, so that equal numbers are one value.
pub(crate) fn numbers(values: &Values) -> Vec<f64> {
    let mut clean: Vec<f64> = match values {
        Values::Numbers(values) => values.iter().filter(|v| v.is_finite()).map(|v| v + 0.0).collect(),
        Values::Integers(values) => values.iter().map(|v| *v as f64).collect(),
        Values::Categories(_) => Vec::new(),
    };
    sort(&mut clean);
    clean
}

/// Sorts finite numbers. As whole numbers of the same order they are compared in one instruction and without a branch.
pub(crate) fn sort(values: &mut [f64]) {
    // Flips the lower bits of negative numbers: their order is then that of whole numbers. The same step undoes it.
    let flip = |bits: i64| bits ^ (((bits >> 63) as u64) >> 1) as i64;
    let mut keys: Vec<i64> = values.iter().map(|v| flip(v.to_bits() as i64)).collect();
    keys.sort_unstable();
    for (value, key) in values.iter_mut().zip(keys) {
        *value = f64::from_bits(flip(key) as u64);
    }
}

/// The texts that are not empty, sorted. Numbers are written as a person would (`3`, `0.5`), so that a category that came
/// as a number on one side and as a text on the other is the same category.
pub(crate) fn texts(values: &Values) -> Vec<String> {
    let mut clean: Vec<String> = match values {
        Values::Numbers(values) => values.iter().filter(|v| v.is_finite()).map(|v| (v + 0.0).to_string()).collect(),
        Values::Integers(values) => values.iter().map(i64::to_string).collect(),
        Values::Categories(values) => values.iter().filter(|v| !v.is_empty()).cloned().collect(),
    };
    clean.sort_unstable();
    clean
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
    }

    #[test]
    fn drops_what_cannot_be_compared() {
        let values = Values::Numbers(vec![2.0, f64::NAN, -0.0, f64::INFINITY, 0.0, f64::NEG_INFINITY]);
        assert_eq!(numbers(&values), [0.0, 0.0, 2.0]);
        assert_eq!(distinct(&numbers(&values)), 2);
        assert_eq!(texts(&values), ["0", "0", "2"]);
        assert_eq!(texts(&Values::Categories(vec!["b".into(), String::new(), "a".into()])), ["a", "b"]);
    }
}
