//! Total variation: the share of rows that would have to change their category.

use statrs::function::factorial::ln_binomial;

use crate::random::Random;
use crate::{Counts, TestResult};

const PERMUTATIONS: usize = 1000;
/// A thousand divisions of more different values would take longer than a report may.
pub const TVD_VALUES_MAX: usize = 5_000;

/// Half the sum of |p - q|, 0 for equal shares and 1 for no common value. An empty side: NaN.
pub fn total_variation(counts: &Counts) -> f64 {
    let (n, m) = (counts.reference_rows(), counts.current_rows());
    if n == 0.0 || m == 0.0 {
        return f64::NAN;
    }
    counts.reference.iter().zip(&counts.current).map(|(r, c)| (*r as f64 / n - *c as f64 / m).abs()).sum::<f64>() / 2.0
}

/// The distance, and the share of 1,000 random divisions of the pooled rows that are at least as far apart. A division is
/// drawn category by category from the counts (hypergeometric), so that the cost does not grow with the rows.
/// More than 5,000 different values: NaN.
pub fn total_variation_test(counts: &Counts, seed: u64) -> TestResult {
    let statistic = total_variation(counts);
    if statistic.is_nan() || counts.len() > TVD_VALUES_MAX {
        return TestResult { statistic, score: f64::NAN };
    }
    let rows: Vec<u64> = counts.reference.iter().zip(&counts.current).map(|(r, c)| r + c).collect();
    let (n, m) = (counts.reference.iter().sum::<u64>(), counts.current.iter().sum::<u64>());
    // In whole numbers, so that a division as far apart as the seen one is not lost to rounding.
    let far = |reference: u64, of: u64| (u128::from(reference) * u128::from(m)).abs_diff(u128::from(of - reference) * u128::from(n));
    let seen: u128 = counts.reference.iter().zip(&rows).map(|(r, of)| far(*r, *of)).sum();
    let mut random = Random::new(seed);
    let mut at_least = 0;
    for _ in 0..PERMUTATIONS {
        let (mut left, mut wanted) = (n + m, n);
        let mut distance = 0;
        for of in &rows {
            let drawn = hypergeometric(&mut random, left, *of, wanted);
            distance += far(drawn, *of);
            left -= of;
            wanted -= drawn;
        }
        at_least += u32::from(distance >= seen);
    }
    TestResult { statistic, score: f64::from(at_least) / PERMUTATIONS as f64 }
}

/// How many of `wanted` rows, drawn from `rows` of which `marked` are marked, are marked: by inversion, outwards from the
/// likeliest number, so that it takes a few standard deviations of steps.
fn hypergeometric(random: &mut Random, rows: u64, marked: u64, wanted: u64) -> u64 {
    let (low, high) = ((wanted + marked).saturating_sub(rows), wanted.min(marked));
    if low == high {
        return low;
    }
    let mode = (((wanted + 1) as f64 * (marked + 1) as f64 / (rows + 2) as f64) as u64).clamp(low, high);
    let at_mode = (ln_binomial(marked, mode) + ln_binomial(rows - marked, wanted - mode) - ln_binomial(rows, wanted)).exp();
    let ratio = |x: u64| (marked - x) as f64 * (wanted - x) as f64 / ((x + 1) as f64 * (rows + x + 1 - marked - wanted) as f64);
    let mut rest = random.unit() - at_mode;
    let (mut down, mut up) = (mode, mode);
    let (mut down_chance, mut up_chance) = (at_mode, at_mode);
    while rest > 0.0 {
        let before = rest;
        if up < high {
            up_chance *= ratio(up);
            up += 1;
            rest -= up_chance;
            if rest <= 0.0 {
                return up;
            }
        }
        if down > low {
            down -= 1;
            down_chance /= ratio(down);
            rest -= down_chance;
            if rest <= 0.0 {
                return down;
            }
        }
        // Both ends are reached or what is left is rounding.
        if rest == before {
            break;
        }
    }
    mode
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_draw_has_the_right_mean_and_spread() {
        let mut random = Random::new(1);
        let draws: Vec<f64> = (0..4000).map(|_| hypergeometric(&mut random, 1000, 300, 200) as f64).collect();
        let mean = draws.iter().sum::<f64>() / 4000.0;
        let variance = draws.iter().map(|v| (v - mean).powi(2)).sum::<f64>() / 4000.0;
        // 200 * 0.3 and 200 * 0.3 * 0.7 * 800 / 999.
        assert!((mean - 60.0).abs() < 0.5 && (variance - 33.6).abs() < 3.0, "{mean} {variance}");
    }

    #[test]
    fn known_values() {
        let counts = |reference: &[u64], current: &[u64]| Counts { reference: reference.to_vec(), current: current.to_vec() };
        let same = total_variation_test(&counts(&[30, 20], &[30, 20]), 0);
        assert_eq!(same, TestResult { statistic: 0.0, score: 1.0 });
        assert_eq!(total_variation_test(&counts(&[50, 0], &[0, 50]), 0), TestResult { statistic: 1.0, score: 0.0 });
        assert!(total_variation_test(&counts(&[], &[]), 0).score.is_nan());
        assert!(total_variation_test(&counts(&[1; 6000], &[1; 6000]), 0).score.is_nan());
    }
}
