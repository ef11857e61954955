//! Student's two-sample t test: do the means differ?

use statrs::function::beta::checked_beta_reg;

use crate::TestResult;

/// t with pooled variance and its two-sided p-value. Fewer than three rows, an empty side or no spread and equal means: NaN.
pub fn t_test(reference: &[f64], current: &[f64]) -> TestResult {
    let (n, m) = (reference.len() as f64, current.len() as f64);
    let degrees = n + m - 2.0;
    if n == 0.0 || m == 0.0 || degrees < 1.0 {
        return TestResult { statistic: f64::NAN, score: f64::NAN };
    }
    let mean = |sample: &[f64], rows: f64| sample.iter().sum::<f64>() / rows;
    let (mean_r, mean_c) = (mean(reference, n), mean(current, m));
    let squares = |sample: &[f64], mean: f64| sample.iter().map(|v| (v - mean) * (v - mean)).sum::<f64>();
    // No spread is no spread, whatever the rounding of the mean leaves.
    let constant = |sample: &[f64]| sample.first() == sample.last();
    let spread = if constant(reference) && constant(current) { 0.0 } else { squares(reference, mean_r) + squares(current, mean_c) };
    let difference = if spread == 0.0 { reference[0] - current[0] } else { mean_r - mean_c };
    let statistic = difference / (spread / degrees * (1.0 / n + 1.0 / m)).sqrt();
    TestResult { statistic, score: two_sided(statistic, degrees) }
}

fn two_sided(t: f64, degrees: f64) -> f64 {
    if t.is_nan() {
        return f64::NAN;
    }
    if t.is_infinite() {
        return 0.0;
    }
    checked_beta_reg(degrees / 2.0, 0.5, degrees / (degrees + t * t)).unwrap_or(f64::NAN)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn known_values() {
        // One degree of freedom is Cauchy: P(|t| > 1) = 1/2.
        assert!((two_sided(1.0, 1.0) - 0.5).abs() < 1e-12);
        // Two degrees: 1 - t / sqrt(2 + t^2).
        assert!((two_sided(3.0, 2.0) - (1.0 - 3.0 / 11f64.sqrt())).abs() < 1e-12);
        assert_eq!(t_test(&[1.0, 1.0], &[2.0, 2.0]).score, 0.0);
        assert!(t_test(&[1.0, 1.0], &[1.0, 1.0]).score.is_nan());
        assert_eq!(t_test(&[1.0, 2.0, 3.0], &[1.0, 2.0, 3.0]).score, 1.0);
    }
}
