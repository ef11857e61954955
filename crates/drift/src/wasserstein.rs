//! How far the mass of one sample must travel to become the other.

use crate::TestResult;

/// Below this standard deviation the reference counts as constant, and the distance is measured in thousandths of a unit
/// (Evidently's floor).
const DEVIATION_MIN: f64 = 0.001;

/// The integral of |F_reference - F_current|, divided by the reference's population standard deviation.
/// Both samples are sorted and hold no NaN. An empty side: NaN.
pub fn wasserstein_normed(reference: &[f64], current: &[f64]) -> TestResult {
    if reference.is_empty() || current.is_empty() {
        return TestResult::distance(f64::NAN);
    }
    TestResult::distance(wasserstein(reference, current) / population_deviation(reference).max(DEVIATION_MIN))
}

fn wasserstein(reference: &[f64], current: &[f64]) -> f64 {
    let (n, m) = (reference.len(), current.len());
    let (mut i, mut j) = (0, 0);
    let mut previous = reference[0].min(current[0]);
    let mut sum = 0.0;
    while i < n || j < m {
        let next = match (reference.get(i), current.get(j)) {
            (Some(r), Some(c)) => r.min(*c),
            (Some(r), None) => *r,
            (None, Some(c)) => *c,
            (None, None) => break,
        };
        sum += (i as f64 / n as f64 - j as f64 / m as f64).abs() * (next - previous);
        previous = next;
        while i < n && reference[i] == next {
            i += 1;
        }
        while j < m && current[j] == next {
            j += 1;
        }
    }
    sum
}

fn population_deviation(sample: &[f64]) -> f64 {
    let n = sample.len() as f64;
    let mean = sample.iter().sum::<f64>() / n;
    (sample.iter().map(|v| (v - mean) * (v - mean)).sum::<f64>() / n).sqrt()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn known_values() {
        // A shift by 1 of a sample with deviation 1.
        assert_eq!(wasserstein_normed(&[0.0, 2.0], &[1.0, 3.0]).score, 1.0);
        assert_eq!(wasserstein_normed(&[1.0, 2.0, 2.0], &[1.0, 2.0, 2.0]).score, 0.0);
        // Constants: in thousandths.
        assert_eq!(wasserstein_normed(&[1.0], &[1.5, 1.5]).score, 500.0);
        assert!(wasserstein_normed(&[], &[1.0]).score.is_nan());
    }
}
