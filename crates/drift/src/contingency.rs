//! Do two sides have the same shares of categories? Both are samples here: the test of the `default` preset.

use crate::chi2::chi_squared_survival;
use crate::{Counts, TestResult, fisher_exact};

/// Chi-squared's law holds from about this many expected rows in each cell (Cochran).
const EXPECTED_ROWS_MIN: f64 = 5.0;

/// Chi-squared of the table of both sides' counts; values with fewer than 5 expected rows on a side count together, so that one
/// row of a new value is one row and not infinity. Two values with few rows: Fisher's exact test.
/// Fewer than two values that can be told apart or an empty side: NaN.
pub fn contingency(counts: &Counts) -> TestResult {
    let (n, m) = (counts.reference_rows(), counts.current_rows());
    let smaller_share = n.min(m) / (n + m);
    let rare = |reference: u64, current: u64| (reference + current) as f64 * smaller_share < EXPECTED_ROWS_MIN;
    if counts.len() == 2 && (0..2).any(|i| rare(counts.reference[i], counts.current[i])) {
        return fisher_exact(counts);
    }
    let mut cells: Vec<(u64, u64)> = Vec::with_capacity(counts.len());
    let mut rest = (0, 0);
    for (reference, current) in counts.reference.iter().zip(&counts.current) {
        if rare(*reference, *current) {
            rest = (rest.0 + reference, rest.1 + current);
        } else {
            cells.push((*reference, *current));
        }
    }
    match cells.iter_mut().min_by_key(|(reference, current)| reference + current) {
        // Still too few together: they join the rarest of the others.
        Some(rarest) if rare(rest.0, rest.1) => *rarest = (rarest.0 + rest.0, rarest.1 + rest.1),
        _ if rest != (0, 0) => cells.push(rest),
        _ => {}
    }
    let mut statistic = 0.0;
    for (reference, current) in &cells {
        let rows = (reference + current) as f64;
        let difference = *reference as f64 - rows * n / (n + m);
        statistic += difference * difference * (n + m) * (n + m) / (rows * n * m);
    }
    TestResult { statistic, score: chi_squared_survival(statistic, cells.len().saturating_sub(1)) }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn p(reference: &[u64], current: &[u64]) -> f64 {
        contingency(&Counts { reference: reference.to_vec(), current: current.to_vec() }).score
    }

    #[test]
    fn known_values() {
        // scipy.stats.chi2_contingency([[10, 20, 30], [20, 20, 20]], correction=False): 5.333333333333334, 2 degrees.
        assert!((p(&[10, 20, 30], &[20, 20, 20]) - (-8.0f64 / 3.0).exp()).abs() < 1e-12);
        // scipy.stats.chi2_contingency (1.17.1), correction=False.
        assert!((p(&[30, 50, 20, 6], &[45, 40, 25, 15]) - 0.07162883950562232).abs() < 1e-12);
        assert_eq!(p(&[10, 20, 30], &[20, 20, 20]), p(&[20, 20, 20], &[10, 20, 30]));
        assert_eq!(p(&[30, 60], &[30, 60]), 1.0);
        assert!(p(&[9], &[9]).is_nan() && p(&[], &[]).is_nan() && p(&[0, 0], &[9, 9]).is_nan());
    }

    #[test]
    fn one_row_of_a_new_value_is_one_row() {
        assert!(p(&[200, 200, 100, 0], &[200, 200, 99, 1]) > 0.9);
        // A fifth of the rows is not.
        assert!(p(&[200, 200, 100, 0], &[150, 150, 100, 100]) < 1e-9);
        // A hundred thousand values, each once: nothing to tell apart.
        assert!(p(&vec![1; 1000], &vec![0; 1000]).is_nan());
    }

    #[test]
    fn few_rows_are_exact() {
        assert_eq!(p(&[3, 1], &[1, 3]), fisher_exact(&Counts { reference: vec![3, 1], current: vec![1, 3] }).score);
    }
}
