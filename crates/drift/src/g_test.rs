//! The G test: a likelihood ratio in the place of chi-squared's squares.

use crate::chi2::chi_squared_survival;
use crate::{Counts, TestResult};

/// 2 sum o ln(o / e): observed are the current counts, expected the reference's, scaled to the current number of rows
/// (Evidently does not scale and so refuses samples of different size); values - 1 degrees of freedom. A value that the
/// reference never had: p is 0. Fewer than two values or an empty side: NaN.
pub fn g_test(counts: &Counts) -> TestResult {
    let scale = counts.current_rows() / counts.reference_rows();
    let mut statistic = 0.0;
    for (reference, current) in counts.reference.iter().zip(&counts.current) {
        if *current > 0 {
            statistic += *current as f64 * (*current as f64 / (*reference as f64 * scale)).ln();
        }
    }
    let statistic = 2.0 * statistic;
    TestResult { statistic, score: chi_squared_survival(statistic, counts.len().saturating_sub(1)) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn known_values() {
        let counts = |reference: &[u64], current: &[u64]| Counts { reference: reference.to_vec(), current: current.to_vec() };
        let result = g_test(&counts(&[10, 10, 10], &[20, 5, 5]));
        let expected = 2.0 * (20.0 * 2f64.ln() + 10.0 * 0.5f64.ln());
        assert!((result.statistic - expected).abs() < 1e-12 && (result.score - (-expected / 2.0).exp()).abs() < 1e-12);
        assert_eq!(g_test(&counts(&[10, 20], &[5, 10])).score, 1.0);
        assert_eq!(g_test(&counts(&[10, 0], &[9, 1])).score, 0.0);
        assert!(g_test(&counts(&[3], &[3])).score.is_nan());
    }
}
