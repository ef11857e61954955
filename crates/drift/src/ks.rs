//! The two-sample Kolmogorov-Smirnov test, two-sided.

use crate::{TestResult, kolmogorov_survival};

/// Up to this many rows on the larger side the p-value is exact (SciPy's rule for `method="auto"`).
const EXACT_ROWS_MAX: usize = 10_000;

/// D is the largest distance between the two empirical distribution functions, the score its p-value: exact up to 10,000
/// rows a side, above that from Kolmogorov's distribution for one sample of n m / (n + m) rows.
/// Both samples are sorted and hold no NaN. An empty side: NaN.
pub fn ks(reference: &[f64], current: &[f64]) -> TestResult {
    let (n, m) = (reference.len(), current.len());
    if n == 0 || m == 0 {
        return TestResult { statistic: f64::NAN, score: f64::NAN };
    }
    let divisor = gcd(n, m);
    // D counted in steps of 1 / lcm(n, m): a whole number, so nothing is lost to rounding.
    let steps = largest_gap(reference, current) / divisor as u64;
    let statistic = steps as f64 / ((n / divisor) as f64 * m as f64);
    let p = if steps == 0 {
        1.0
    } else if n.max(m) > EXACT_ROWS_MAX {
        let (n, m) = (n as f64, m as f64);
        kolmogorov_survival((n * m / (n + m)).round_ties_even(), statistic)
    } else if n == m {
        outside_square(n, steps as usize)
    } else {
        outside_band(n, m, divisor, steps as i64)
    };
    TestResult { statistic, score: p.clamp(0.0, 1.0) }
}

/// The same for a statistic that was found on rows that stand for more rows.
pub(crate) fn ks_of_rows(statistic: f64, (n, m): (u64, u64)) -> TestResult {
    let (n, m) = (n as f64, m as f64);
    TestResult { statistic, score: kolmogorov_survival((n * m / (n + m)).round_ties_even(), statistic) }
}

fn gcd(a: usize, b: usize) -> usize {
    if b == 0 { a } else { gcd(b, a % b) }
}

/// max |m i - n j| over the points where i values of the reference and j of the current sample are at or below the point.
fn largest_gap(reference: &[f64], current: &[f64]) -> u64 {
    let (n, m) = (reference.len() as u64, current.len() as u64);
    let (mut i, mut j) = (0, 0);
    let mut largest = 0;
    while i < reference.len() && j < current.len() {
        let value = reference[i].min(current[j]);
        while i < reference.len() && reference[i] <= value {
            i += 1;
        }
        while j < current.len() && current[j] <= value {
            j += 1;
        }
        largest = largest.max((m * i as u64).abs_diff(n * j as u64));
    }
    largest
}

/// n = m: the share of lattice paths from (0, 0) to (n, n) that touch |x - y| = h, by the reflection principle, inclusion and
/// exclusion folded into a product (Hodges 1957).
fn outside_square(n: usize, h: usize) -> f64 {
    let mut p = 0.0;
    for k in (0..=n / h).rev() {
        let mut term = 1.0;
        for j in 0..h {
            term = (n as f64 - (k * h + j) as f64) * term / (n + k * h + j + 1) as f64;
        }
        p = term * (1.0 - p);
    }
    2.0 * p
}

/// n != m: the share of lattice paths from (0, 0) to (m, n) that leave the band |n x - m y| < h gcd (Hodges 1957).
///
/// A(x, y), the share among the paths to (x, y), is (x A(x-1, y) + y A(x, y-1)) / (x + y) inside and 1 outside of the band;
/// on the edges of the grid it is 0 until they leave the band. We go by diagonals s = x + y, all of whose points depend only
/// on the diagonal before, so that the inner loop has no chain of dependences and runs as vector instructions.
fn outside_band(a: usize, b: usize, divisor: usize, h: i64) -> f64 {
    let (m, n) = (a.max(b) as i64, a.min(b) as i64);
    let (m_step, n_step) = (m / divisor as i64, n / divisor as i64);
    // Index y + 1: the slot before y = 0 is read with weight 0.
    let mut before = vec![1.0f64; n as usize + 3];
    let mut after = before.clone();
    before[1] = 0.0;
    for s in 1..=m + n {
        // Inside: |n_step (s - y) - m_step y| < h.
        let width = n_step + m_step;
        let low = ((n_step * s - h).div_euclid(width) + 1).max(s - m).max(0);
        let high = (n_step * s + h - 1).div_euclid(width).min(n).min(s);
        if low > high {
            return 1.0;
        }
        let (low, high) = (low as usize, high as usize);
        let inverse = 1.0 / s as f64;
        let left = &before[low..=high];
        let same = &before[low + 1..=high + 1];
        let new = &mut after[low + 1..=high + 1];
        for (k, ((new, same), left)) in new.iter_mut().zip(same).zip(left).enumerate() {
            let y = (low + k) as f64;
            *new = ((s as f64 - y) * same + y * left) * inverse;
        }
        // The neighbours of the window are outside of the band or of the grid; only the former are read again.
        after[low] = 1.0;
        after[high + 2] = 1.0;
        std::mem::swap(&mut before, &mut after);
    }
    before[n as usize + 1]
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The definition: all orders of the pooled sample, walked one by one.
    fn by_counting(n: usize, m: usize, h: usize) -> f64 {
        fn walk(i: usize, j: usize, n: usize, m: usize, h: usize, left: bool, found: &mut (u64, u64)) {
            let left = left || (m * i).abs_diff(n * j) >= h;
            if i == n && j == m {
                found.0 += u64::from(left);
                found.1 += 1;
                return;
            }
            if i < n {
                walk(i + 1, j, n, m, h, left, found);
            }
            if j < m {
                walk(i, j + 1, n, m, h, left, found);
            }
        }
        let mut found = (0, 0);
        walk(0, 0, n, m, h, false, &mut found);
        found.0 as f64 / found.1 as f64
    }

    #[test]
    fn exact_p_values_equal_a_count_of_all_orders() {
        for (n, m) in [(1, 1), (1, 5), (5, 5), (4, 6), (6, 4), (7, 8), (9, 3), (2, 9), (8, 8)] {
            let divisor = gcd(n, m);
            for h in 1..=n * m / divisor {
                let exact = if n == m { outside_square(n, h) } else { outside_band(n, m, divisor, h as i64) };
                let counted = by_counting(n, m, h * divisor);
                assert!((exact.min(1.0) - counted).abs() <= 1e-12, "{n} {m} {h}: {exact} {counted}");
            }
        }
    }

    #[test]
    fn known_values() {
        let result = ks(&[1.0, 2.0, 3.0, 4.0], &[3.0, 4.0, 5.0, 6.0]);
        assert_eq!(result.statistic, 0.5);
        // 70 orders, 56 of them reach a gap of 2 of 4 (by_counting agrees).
        assert!((result.score - by_counting(4, 4, 8)).abs() < 1e-12);
        assert_eq!(ks(&[1.0, 2.0], &[1.0, 2.0]), TestResult { statistic: 0.0, score: 1.0 });
        assert!(ks(&[], &[1.0]).score.is_nan());
    }

    #[test]
    fn symmetric() {
        let a: Vec<f64> = (0..97).map(|i| (i * 37 % 101) as f64).collect();
        let b: Vec<f64> = (0..64).map(|i| (i * 53 % 89) as f64 + 7.0).collect();
        let (mut a, mut b) = (a, b);
        a.sort_by(f64::total_cmp);
        b.sort_by(f64::total_cmp);
        assert_eq!(ks(&a, &b), ks(&b, &a));
    }
}
