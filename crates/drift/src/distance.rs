//! Distances between two distributions over the same bins: Jensen-Shannon, PSI, Kullback-Leibler, Hellinger.

use crate::bins::counted;
use crate::{Counts, TestResult, sturges_edges};

/// The root of the Jensen-Shannon divergence with natural logarithms: 0 for equal shares, at most sqrt(ln 2) = 0.8326.
pub fn jensen_shannon(counts: &Counts) -> TestResult {
    let (p, q) = shares(counts);
    let part = |x: f64, mean: f64| if x > 0.0 { x * (x / mean).ln() } else { 0.0 };
    let mut divergence = 0.0;
    for (p, q) in p.iter().zip(&q) {
        let mean = (p + q) / 2.0;
        divergence += part(*p, mean) + part(*q, mean);
    }
    // Rounding can leave a hair below zero for equal shares.
    TestResult::distance((divergence.max(0.0) / 2.0).sqrt())
}

/// Population stability index: the sum of (p - q) ln(p / q) over the bins, empty bins filled (`fill_zeros`).
pub fn population_stability(counts: &Counts) -> TestResult {
    let (mut p, mut q) = shares(counts);
    fill_zeros(&mut p);
    fill_zeros(&mut q);
    TestResult::distance(p.iter().zip(&q).map(|(p, q)| (p - q) * (p / q).ln()).sum())
}

/// The sum of p ln(p / q), reference first, empty bins filled and both sides brought to sum 1 again.
pub fn kullback_leibler(counts: &Counts) -> TestResult {
    let (mut p, mut q) = shares(counts);
    for side in [&mut p, &mut q] {
        fill_zeros(side);
        let sum: f64 = side.iter().sum();
        side.iter_mut().for_each(|share| *share /= sum);
    }
    TestResult::distance(p.iter().zip(&q).map(|(p, q)| p * (p / q).ln()).sum())
}

/// The root of 1 - sum sqrt(p q). Of categories over their values (`numbers` is none); of numbers over Sturges' bins of the
/// different values of both sides (`numbers`: the sorted clean samples, and whether both are whole numbers).
pub fn hellinger(counts: &Counts, numbers: Option<(&[f64], &[f64], bool)>) -> TestResult {
    let overlap = match numbers {
        None => affinity(counts),
        Some((reference, current, _)) if reference.is_empty() || current.is_empty() => f64::NAN,
        Some((reference, current, integers)) => {
            let low = reference[0].min(current[0]);
            let high = reference[reference.len() - 1].max(current[current.len() - 1]);
            let values = Counts::of_sorted(reference, current, f64::total_cmp).len();
            affinity(&counted(sturges_edges(low, high, values, integers), reference, current).counts)
        }
    };
    TestResult::distance((1.0 - overlap.clamp(0.0, 1.0)).sqrt())
}

fn affinity(counts: &Counts) -> f64 {
    let (p, q) = shares(counts);
    p.iter().zip(&q).map(|(p, q)| (p * q).sqrt()).sum()
}

fn shares(counts: &Counts) -> (Vec<f64>, Vec<f64>) {
    let of = |side: &[u64], rows: f64| side.iter().map(|count| *count as f64 / rows).collect();
    (of(&counts.reference, counts.reference_rows()), of(&counts.current, counts.current_rows()))
}

/// Evidently's filling: an empty bin gets a millionth of the smallest share when that is at most 1e-4, else 1e-4.
fn fill_zeros(shares: &mut [f64]) {
    let smallest = shares.iter().copied().filter(|share| *share != 0.0).fold(f64::INFINITY, f64::min);
    let filling = if smallest <= 1e-4 { smallest / 1e6 } else { 1e-4 };
    for share in shares.iter_mut().filter(|share| **share == 0.0) {
        *share = filling;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn counts(reference: &[u64], current: &[u64]) -> Counts {
        Counts { reference: reference.to_vec(), current: current.to_vec() }
    }

    #[test]
    fn the_ends_of_the_scales() {
        let apart = counts(&[7, 0], &[0, 3]);
        let same = counts(&[20, 10], &[2, 1]);
        assert!((jensen_shannon(&apart).score - std::f64::consts::LN_2.sqrt()).abs() < 1e-15);
        assert_eq!(hellinger(&apart, None).score, 1.0);
        for score in [jensen_shannon(&same), population_stability(&same), kullback_leibler(&same), hellinger(&same, None)] {
            assert!(score.score.abs() < 1e-7, "{score:?}");
        }
    }

    #[test]
    fn known_values() {
        // Shares 0.5/0.5 and 0.25/0.75.
        let pair = counts(&[50, 50], &[25, 75]);
        let psi = 0.25 * 2f64.ln() - 0.25 * (0.5f64 / 0.75).ln();
        assert!((population_stability(&pair).score - psi).abs() < 1e-15);
        let kl = 0.5 * 2f64.ln() + 0.5 * (0.5f64 / 0.75).ln();
        assert!((kullback_leibler(&pair).score - kl).abs() < 1e-15);
    }
}
