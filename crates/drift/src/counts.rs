//! How often each value occurs on both sides: what the tests for categories compare.

use std::cmp::Ordering;
use std::collections::HashMap;

/// Counts per value, over the values of either side, in the values' order.
#[derive(Clone, Debug, PartialEq, Eq, Default)]
pub struct Counts {
    pub reference: Vec<u64>,
    pub current: Vec<u64>,
}

impl Counts {
    /// From numbers in any order; NaN is not expected here.
    pub fn of_numbers(reference: &[f64], current: &[f64]) -> Counts {
        // Negative zero is zero.
        let sorted = |side: &[f64]| {
            let mut side: Vec<f64> = side.iter().map(|v| v + 0.0).collect();
            crate::clean::sort(&mut side);
            side
        };
        let (reference, current) = (sorted(reference), sorted(current));
        Counts::of_sorted(&reference, &current, f64::total_cmp)
    }

    /// From texts in any order. Rows are counted, only the different texts are sorted.
    pub fn of_texts<T: AsRef<str>>(reference: &[T], current: &[T]) -> Counts {
        Counts::of_counted(reference.iter().map(|text| (text.as_ref(), 1)), current.iter().map(|text| (text.as_ref(), 1)))
    }

    /// From texts with their rows; a text that comes again is added up.
    pub(crate) fn of_counted<'a>(reference: impl Iterator<Item = (&'a str, u64)>, current: impl Iterator<Item = (&'a str, u64)>) -> Counts {
        let mut rows: HashMap<&str, [u64; 2]> = HashMap::new();
        for (text, count) in reference {
            rows.entry(text).or_default()[0] += count;
        }
        for (text, count) in current {
            rows.entry(text).or_default()[1] += count;
        }
        let mut rows: Vec<(&str, [u64; 2])> = rows.into_iter().collect();
        rows.sort_unstable();
        Counts { reference: rows.iter().map(|(_, n)| n[0]).collect(), current: rows.iter().map(|(_, n)| n[1]).collect() }
    }

    /// From two sorted samples: one merge.
    pub(crate) fn of_sorted<T>(reference: &[T], current: &[T], order: impl Fn(&T, &T) -> Ordering) -> Counts {
        let mut counts = Counts::default();
        let (mut i, mut j) = (0, 0);
        while i < reference.len() || j < current.len() {
            let value = match (reference.get(i), current.get(j)) {
                (Some(r), Some(c)) if order(r, c).is_le() => r,
                (Some(r), None) => r,
                (_, Some(c)) => c,
                (None, None) => break,
            };
            let same = |other: &&T| order(other, value).is_eq();
            let in_reference = reference[i..].iter().take_while(same).count();
            let in_current = current[j..].iter().take_while(same).count();
            counts.reference.push(in_reference as u64);
            counts.current.push(in_current as u64);
            i += in_reference;
            j += in_current;
        }
        counts
    }

    /// The number of values on either side.
    pub fn len(&self) -> usize {
        self.reference.len()
    }

    pub fn is_empty(&self) -> bool {
        self.reference.is_empty()
    }

    pub fn reference_rows(&self) -> f64 {
        self.reference.iter().sum::<u64>() as f64
    }

    pub fn current_rows(&self) -> f64 {
        self.current.iter().sum::<u64>() as f64
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn counts_values_of_either_side() {
        let counts = Counts::of_texts(&["b", "a", "b"], &["c", "a"]);
        assert_eq!(counts, Counts { reference: vec![1, 2, 0], current: vec![1, 0, 1] });
        let counts = Counts::of_numbers(&[2.0, 1.0], &[1.0, 3.0, 1.0]);
        assert_eq!(counts, Counts { reference: vec![1, 1, 0], current: vec![2, 0, 1] });
        assert_eq!(Counts::of_numbers(&[0.0], &[-0.0]).len(), 1);
        assert!(Counts::of_numbers(&[], &[]).is_empty());
    }
}
