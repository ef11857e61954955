//! Pearson's chi-squared test of the current counts against the reference's shares.

use statrs::function::gamma::checked_gamma_ur;

use crate::{Counts, TestResult};

/// Observed are the current counts, expected the reference's, scaled to the current number of rows; values - 1 degrees of
/// freedom. A value that the reference never had expects 0 rows: the statistic is infinite and p is 0, as in Evidently.
/// Fewer than two values or an empty side: NaN, there is nothing to test.
pub fn chi_squared(counts: &Counts) -> TestResult {
    let scale = counts.current_rows() / counts.reference_rows();
    let mut statistic = 0.0;
    for (reference, current) in counts.reference.iter().zip(&counts.current) {
        let expected = *reference as f64 * scale;
        let difference = *current as f64 - expected;
        statistic += difference * difference / expected;
    }
    TestResult { statistic, score: chi_squared_survival(statistic, counts.len().saturating_sub(1)) }
}

/// The chance of a chi-squared variable above `statistic`: the regularized upper incomplete gamma function at half of both.
pub(crate) fn chi_squared_survival(statistic: f64, degrees: usize) -> f64 {
    if degrees == 0 || statistic.is_nan() {
        return f64::NAN;
    }
    if statistic <= 0.0 {
        return 1.0;
    }
    if statistic.is_infinite() {
        return 0.0;
    }
    checked_gamma_ur(degrees as f64 / 2.0, statistic / 2.0).unwrap_or(f64::NAN)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(reference: &[u64], current: &[u64], statistic: f64, p: f64) {
        let result = chi_squared(&Counts { reference: reference.to_vec(), current: current.to_vec() });
        assert!((result.statistic - statistic).abs() <= 1e-12 * statistic.abs() || result.statistic == statistic, "{result:?}");
        assert!((result.score - p).abs() <= 1e-9 * p || result.score.is_nan() && p.is_nan(), "{result:?}");
    }

    #[test]
    fn survival_of_known_values() {
        // With two degrees of freedom the survival is exp(-x/2).
        check(&[10, 10, 10], &[20, 5, 5], 15.0, (-7.5f64).exp());
        check(&[10, 10, 10], &[10, 10, 10], 0.0, 1.0);
        // Hours of the day in the bike data, 600 against 550 rows: Evidently 0.7.23 says 0.9995506484518112.
        let mut reference = vec![26, 26, 24, 16, 20, 24, 25, 25, 25, 25, 25, 25, 26, 26, 26, 26, 27, 27];
        reference.extend([26; 6]);
        let mut current = [23; 24];
        (current[20], current[21]) = (22, 22);
        check(&reference, &current, 6.836355866355866, 0.9995506484518112);
    }

    #[test]
    fn a_new_value_is_infinite_and_one_value_is_no_test() {
        check(&[10, 0], &[9, 1], f64::INFINITY, 0.0);
        assert!(chi_squared(&Counts { reference: vec![5], current: vec![7] }).score.is_nan());
        assert!(chi_squared(&Counts::default()).score.is_nan());
    }
}
