//! The energy distance of two samples.

use crate::TestResult;
use crate::ties::ties;

/// The root of twice the integral of (F_reference - F_current)^2: in the root of the column's unit, so that a threshold
/// depends on the scale, as Evidently's does. Both samples are sorted and hold no NaN. An empty side: NaN.
pub fn energy_distance(reference: &[f64], current: &[f64]) -> TestResult {
    if reference.is_empty() || current.is_empty() {
        return TestResult::distance(f64::NAN);
    }
    let (n, m) = (reference.len() as f64, current.len() as f64);
    let (mut below_r, mut below_c) = (0, 0);
    let mut previous = f64::NAN;
    let mut sum = 0.0;
    for tie in ties(reference, current) {
        if below_r + below_c > 0 {
            let gap = below_r as f64 / n - below_c as f64 / m;
            sum += gap * gap * (tie.value - previous);
        }
        previous = tie.value;
        below_r += tie.reference;
        below_c += tie.current;
    }
    TestResult::distance((2.0 * sum).sqrt())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn known_values() {
        // Two points at distance 2: the gap is 1 over a length of 2.
        assert_eq!(energy_distance(&[0.0], &[2.0]).score, 2.0);
        assert_eq!(energy_distance(&[1.0, 2.0], &[1.0, 2.0]).score, 0.0);
        assert!(energy_distance(&[], &[1.0]).score.is_nan());
    }
}
