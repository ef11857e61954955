//! Two proportions: the test for columns of two values.

use statrs::function::erf::erfc;

use crate::{Counts, TestResult};

/// The share of rows that are not the smallest value, on both sides: pooled two-proportion z without continuity correction,
/// two-sided. Both sides constant and equal: p is 1. With more than two values: the smallest against the rest.
/// An empty side: NaN.
pub fn two_proportions(counts: &Counts) -> TestResult {
    let (n, m) = (counts.reference_rows(), counts.current_rows());
    let rest = |side: &[u64]| side.iter().skip(1).sum::<u64>() as f64;
    let (p1, p2) = (rest(&counts.reference) / n, rest(&counts.current) / m);
    if p1 == p2 {
        return TestResult { statistic: 0.0, score: 1.0 };
    }
    let pooled = (p1 * n + p2 * m) / (n + m);
    let statistic = (p1 - p2) / (pooled * (1.0 - pooled) * (1.0 / n + 1.0 / m)).sqrt();
    // 2 (1 - Phi(|z|)), without the cancellation far out.
    TestResult { statistic, score: erfc(statistic.abs() / std::f64::consts::SQRT_2) }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn p(reference: [u64; 2], current: [u64; 2]) -> f64 {
        two_proportions(&Counts { reference: reference.to_vec(), current: current.to_vec() }).score
    }

    #[test]
    fn known_values() {
        // z = 2 exactly: shares 0.2 and 0.8 of 5 rows would be below; here (0.5 - 0.7) / sqrt(0.24 * 0.02 + 0.0052).
        let result = two_proportions(&Counts { reference: vec![50, 50], current: vec![30, 70] });
        let expected = -0.2 / (0.6f64 * 0.4 * 0.02).sqrt();
        assert!((result.statistic - expected).abs() < 1e-12);
        assert!((result.score - 0.003892417122778628).abs() < 1e-12, "{}", result.score);
        assert_eq!(p([5, 0], [9, 0]), 1.0);
        assert_eq!(p([50, 50], [20, 20]), 1.0);
        assert!(p([300, 0], [0, 240]) < 1e-100);
        assert!(p([0, 0], [1, 1]).is_nan());
    }
}
