//! Fisher's exact test for two values on two sides.

use crate::{Counts, TestResult};

/// Tables whose chance is within this of the seen one count as equally likely: two mirrored tables differ by rounding only.
const TIE: f64 = 1.0 + 1e-9;

/// The chance, margins given, of a table that is at most as likely as the seen one. The statistic is the odds ratio.
/// One value on both sides: 1. More than two values or an empty side: NaN.
pub fn fisher_exact(counts: &Counts) -> TestResult {
    let side = |counts: &[u64]| (counts.first().copied().unwrap_or(0), counts.get(1).copied().unwrap_or(0));
    let ((a, b), (c, d)) = (side(&counts.reference), side(&counts.current));
    if counts.len() > 2 || a + b == 0 || c + d == 0 {
        return TestResult { statistic: f64::NAN, score: f64::NAN };
    }
    let statistic = (a as f64 * d as f64) / (b as f64 * c as f64);
    TestResult { statistic, score: two_sided(a as f64, (a + b) as f64, (a + c) as f64, (a + b + c + d) as f64) }
}

/// `seen` of `drawn` rows have the value that `marked` of all `rows` have. Chances are taken relative to the likeliest table,
/// from which a ratio leads from each to the next: no logarithms of factorials, no loss far out.
fn two_sided(seen: f64, drawn: f64, marked: f64, rows: f64) -> f64 {
    let (low, high) = ((drawn + marked - rows).max(0.0), drawn.min(marked));
    let mode = ((drawn + 1.0) * (marked + 1.0) / (rows + 2.0)).floor().clamp(low, high);
    let up = |x: f64| (marked - x) * (drawn - x) / ((x + 1.0) * (rows - marked - drawn + x + 1.0));
    let mut of_seen = 1.0;
    let mut x = mode;
    while x < seen {
        of_seen *= up(x);
        x += 1.0;
    }
    while x > seen {
        x -= 1.0;
        of_seen /= up(x);
    }
    let (mut total, mut rare) = (0.0, 0.0);
    let mut add = |chance: f64| {
        total += chance;
        rare += if chance <= of_seen * TIE { chance } else { 0.0 };
    };
    add(1.0);
    let (mut x, mut chance) = (mode, 1.0);
    while x < high && chance > 0.0 {
        chance *= up(x);
        x += 1.0;
        add(chance);
    }
    (x, chance) = (mode, 1.0);
    while x > low && chance > 0.0 {
        x -= 1.0;
        chance /= up(x);
        add(chance);
    }
    (rare / total).min(1.0)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn p(reference: [u64; 2], current: [u64; 2]) -> f64 {
        fisher_exact(&Counts { reference: reference.to_vec(), current: current.to_vec() }).score
    }

    #[test]
    fn known_values() {
        // Fisher's tea: 3 of 4 right: (1 + 16 + 16 + 1) / 70.
        assert!((p([3, 1], [1, 3]) - 34.0 / 70.0).abs() < 1e-12);
        assert!((p([4, 0], [0, 4]) - 2.0 / 70.0).abs() < 1e-12);
        // scipy.stats.fisher_exact (1.17.1).
        assert!((p([12, 5], [3, 9]) - 0.02532768703367614).abs() < 1e-12);
        assert!((p([300, 20], [280, 45]) - 0.0015623277316679962).abs() < 1e-12);
        assert!((p([4, 0], [2, 0]) - 1.0).abs() < 1e-12);
        assert!(p([0, 0], [1, 1]).is_nan());
        assert_eq!(p([30, 70], [70, 30]), p([70, 30], [30, 70]));
    }
}
