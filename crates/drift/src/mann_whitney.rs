//! The Mann-Whitney U test: does one side tend to be larger than the other?

use statrs::function::erf::erfc;

use crate::TestResult;
use crate::ties::ties;

/// Which differences count.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Alternative {
    TwoSided,
    /// Only a reference that is smaller than the current sample. Evidently's `mannw` asks only this: a fall is never drift there.
    Less,
}

/// When the smaller side has at most this many rows and no value repeats, the p-value is exact (SciPy's `method="auto"`).
const EXACT_ROWS_MAX: usize = 8;
/// Beyond this many rows on the larger side the exact count would not fit 128 bits; the normal law is exact to all digits there.
const EXACT_OTHER_ROWS_MAX: usize = 50_000;

/// U of the reference, and a p-value: exact for few rows without ties, else from the normal law with tie and continuity
/// correction. Both samples are sorted and hold no NaN. An empty side or one value: NaN.
pub fn mann_whitney(reference: &[f64], current: &[f64], alternative: Alternative) -> TestResult {
    let (n, m) = (reference.len(), current.len());
    if n == 0 || m == 0 {
        return TestResult { statistic: f64::NAN, score: f64::NAN };
    }
    let (mut before, mut rank_sum, mut tie_term) = (0, 0.0, 0.0);
    for tie in ties(reference, current) {
        let count = tie.rows() as f64;
        rank_sum += tie.reference as f64 * (before as f64 + (count + 1.0) / 2.0);
        tie_term += count * (count * count - 1.0);
        before += tie.rows();
    }
    let u = rank_sum - n as f64 * (n as f64 + 1.0) / 2.0;
    let other = n as f64 * m as f64 - u;
    let (extreme, sides) = match alternative {
        Alternative::Less => (other, 1.0),
        Alternative::TwoSided => (u.max(other), 2.0),
    };
    let one_sided = if n.min(m) <= EXACT_ROWS_MAX && n.max(m) <= EXACT_OTHER_ROWS_MAX && tie_term == 0.0 {
        exact_survival(n.min(m), n.max(m), extreme as usize)
    } else {
        let (n, m) = (n as f64, m as f64);
        let rows = n + m;
        let deviation = (n * m / 12.0 * ((rows + 1.0) - tie_term / (rows * (rows - 1.0)))).sqrt();
        let z = (extreme - n * m / 2.0 - 0.5) / deviation;
        // One value only: no order, no answer. Evidently's peer divides by zero and says 1.
        if deviation == 0.0 { 1.0 } else { erfc(z / std::f64::consts::SQRT_2) / 2.0 }
    };
    TestResult { statistic: u, score: (one_sided * sides).min(1.0) }
}

/// The share of all orders of n and m rows whose U is at least `u`. The counts are the coefficients of the Gaussian binomial
/// (n + m over n); they fit 128 bits, and what overflows in between wraps back.
fn exact_survival(n: usize, m: usize, u: usize) -> f64 {
    let length = n * m + 1;
    let mut counts = vec![0u128; length];
    counts[0] = 1;
    for i in 1..=n {
        for at in (m + i..length).rev() {
            counts[at] = counts[at].wrapping_sub(counts[at - m - i]);
        }
        for at in i..length {
            counts[at] = counts[at].wrapping_add(counts[at - i]);
        }
    }
    let total: f64 = counts.iter().map(|count| *count as f64).sum();
    counts[u.min(length)..].iter().map(|count| *count as f64).sum::<f64>() / total
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn exact_counts() {
        // Three against three, fully apart: one of 20 orders.
        let (low, high) = ([1.0, 2.0, 3.0], [4.0, 5.0, 6.0]);
        assert!((mann_whitney(&low, &high, Alternative::Less).score - 0.05).abs() < 1e-15);
        assert!((mann_whitney(&low, &high, Alternative::TwoSided).score - 0.1).abs() < 1e-15);
        // A fall is nothing to the one-sided test.
        assert_eq!(mann_whitney(&high, &low, Alternative::Less).score, 1.0);
        assert!(mann_whitney(&[], &low, Alternative::Less).score.is_nan());
    }

    /// What scipy.stats.mannwhitneyu (1.17.1) says.
    #[test]
    fn scipys_numbers() {
        let mut a: Vec<f64> = (0..40).map(|i| f64::from(i * 7 % 31)).collect();
        let mut b: Vec<f64> = (0..33).map(|i| f64::from(i * 5 % 37) + 2.0).collect();
        a.sort_by(f64::total_cmp);
        b.sort_by(f64::total_cmp);
        let result = mann_whitney(&a, &b, Alternative::TwoSided);
        assert!((result.score - 0.10194413562627257).abs() < 1e-10 && result.statistic == 512.0, "{result:?}");
        let (c, d) = ([1.5, 2.5, 4.5, 5.5, 9.5, 13.5], [3.0, 7.0, 8.0, 10.0, 11.0, 12.0, 14.0, 15.0]);
        assert!((mann_whitney(&c, &d, Alternative::TwoSided).score - 0.1078921078921079).abs() < 1e-12);
        assert!((mann_whitney(&c, &d, Alternative::Less).score - 0.05394605394605395).abs() < 1e-12);
    }

    #[test]
    fn two_sided_is_symmetric() {
        let a: Vec<f64> = (0..50).map(|v| f64::from(v / 3)).collect();
        let b: Vec<f64> = (0..40).map(|v| f64::from(v / 2 + 2)).collect();
        let score = |a: &[f64], b: &[f64]| mann_whitney(a, b, Alternative::TwoSided).score;
        assert!((score(&a, &b) - score(&b, &a)).abs() < 1e-15);
    }
}
