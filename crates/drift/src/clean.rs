//! Cells that can be compared: missing cells and infinities dropped, column by column, side by side.

use crate::Values;

/// The finite numbers, sorted. Negative zero is zero, so that equal numbers are one value.
pub(crate) fn numbers(values: &Values) -> Vec<f64> {
    let mut clean: Vec<f64> = match values {
        Values::Numbers(values) => values.iter().filter(|v| v.is_finite()).map(|v| v + 0.0).collect(),
        Values::Integers(values) => values.iter().map(|v| *v as f64).collect(),
        Values::Categories(_) => Vec::new(),
    };
    clean.sort_unstable_by(f64::total_cmp);
    clean
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
    fn drops_what_cannot_be_compared() {
        let values = Values::Numbers(vec![2.0, f64::NAN, -0.0, f64::INFINITY, 0.0, f64::NEG_INFINITY]);
        assert_eq!(numbers(&values), [0.0, 0.0, 2.0]);
        assert_eq!(distinct(&numbers(&values)), 2);
        assert_eq!(texts(&values), ["0", "0", "2"]);
        assert_eq!(texts(&Values::Categories(vec!["b".into(), String::new(), "a".into()])), ["a", "b"]);
    }
}
