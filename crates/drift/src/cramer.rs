//! The two-sample Cramer-von Mises test: the squared distance of the two distribution functions, summed over the rows.

use std::collections::BTreeMap;
use std::f64::consts::PI;

use statrs::function::gamma::ln_gamma;

use crate::TestResult;
use crate::ties::ties;

/// Up to this many rows on the larger side the p-value is exact (SciPy's rule for `method="auto"`).
const EXACT_ROWS_MAX: usize = 20;
/// The limit law's series stops at the first term below this, as SciPy's does: the p-value has 7 digits.
const SERIES_TERM_MIN: f64 = 1e-7;

/// Anderson's (1962) statistic T from midranks. Exact p-value up to 20 rows a side, above that from the limit law.
/// Both samples are sorted and hold no NaN. A side of fewer than two rows: NaN.
pub fn cramer_von_mises(reference: &[f64], current: &[f64]) -> TestResult {
    let (n, m) = (reference.len(), current.len());
    if n < 2 || m < 2 {
        return TestResult { statistic: f64::NAN, score: f64::NAN };
    }
    let u = rank_distance(reference, current);
    let (product, rows) = (n as f64 * m as f64, (n + m) as f64);
    let statistic = u / (product * rows) - (4.0 * product - 1.0) / (6.0 * rows);
    let p = if n.max(m) <= EXACT_ROWS_MAX {
        exact_survival(u, n, m)
    } else {
        let expected = (1.0 + 1.0 / rows) / 6.0;
        let squares = (n * n + m * m) as f64;
        let variance = (rows + 1.0) * (4.0 * product * rows - 3.0 * squares - 2.0 * product) / (45.0 * rows * rows * 4.0 * product);
        let standard = 1.0 / 6.0 + (statistic - expected) / (45.0 * variance).sqrt();
        match standard {
            // The law is under 1e-17 there,
            ..0.003 => 1.0,
            // and 1 here, where its series would be long. (The rounding of the series in between is SciPy's, too.)
            1e7.. => 0.0,
            _ => (1.0 - limit_law(standard)).max(0.0),
        }
    };
    TestResult { statistic, score: p }
}

/// n sum (rank_i - i)^2 over the reference plus m sum (rank_j - j)^2 over the current rows.
fn rank_distance(reference: &[f64], current: &[f64]) -> f64 {
    let (mut i, mut j) = (0, 0);
    let (mut of_reference, mut of_current) = (0.0, 0.0);
    for tie in ties(reference, current) {
        let rank = (i + j) as f64 + (tie.rows() + 1) as f64 / 2.0;
        for _ in 0..tie.reference {
            i += 1;
            of_reference += (rank - i as f64) * (rank - i as f64);
        }
        for _ in 0..tie.current {
            j += 1;
            of_current += (rank - j as f64) * (rank - j as f64);
        }
    }
    reference.len() as f64 * of_reference + current.len() as f64 * of_current
}

/// The share of all orders of n and m rows whose statistic is at least the seen one: sums of squared distances from the
/// diagonal over lattice paths, counted value by value (Xiao, Gordon and Yakovlev 2006).
fn exact_survival(u: f64, n: usize, m: usize) -> f64 {
    let product = (n * m) as f64;
    let lcm = n * m / gcd(n, m);
    let (a, b) = ((lcm / n) as i64, (lcm / m) as i64);
    let seen = (((lcm * lcm * (n + m)) as f64) * (6.0 * u - product * (4.0 * product - 1.0)) / (6.0 * product * product)).floor();
    let mut row: Vec<BTreeMap<i64, f64>> = vec![BTreeMap::new(); n + 1];
    row[0].insert(0, 1.0);
    for y in 0..=m as i64 {
        let mut left: BTreeMap<i64, f64> = BTreeMap::new();
        for (x, paths) in row.iter_mut().enumerate() {
            for (sum, count) in &left {
                *paths.entry(*sum).or_insert(0.0) += count;
            }
            let step = (a * x as i64 - b * y).pow(2);
            left = paths.iter().map(|(sum, count)| (sum + step, *count)).collect();
            paths.clone_from(&left);
        }
    }
    let total: f64 = row[n].values().sum();
    row[n].iter().filter(|(sum, _)| **sum as f64 >= seen).map(|(_, count)| count).sum::<f64>() / total
}

fn gcd(a: usize, b: usize) -> usize {
    if b == 0 { a } else { gcd(b, a % b) }
}

/// The limit law of the statistic (Csorgo and Faraway 1996, equation 1.3).
fn limit_law(x: f64) -> f64 {
    let mut sum = 0.0;
    let mut k = 0.0;
    loop {
        let y: f64 = 4.0 * k + 1.0;
        let q = y * y / (16.0 * x);
        let factor = (ln_gamma(k + 0.5) - ln_gamma(k + 1.0)).exp() / (PI.powf(1.5) * x.sqrt());
        let term = factor * y.sqrt() * (-q).exp() * bessel_k_quarter(q);
        sum += term;
        if !term.is_finite() || term.abs() < SERIES_TERM_MIN {
            return sum;
        }
        k += 1.0;
    }
}

/// The modified Bessel function K of order 1/4, as the integral of exp(-z cosh t) cosh(t / 4) over t > 0. The integrand falls
/// off twice exponentially, so that the trapezoid rule has all digits with a step of 1/16.
fn bessel_k_quarter(z: f64) -> f64 {
    let step = 1.0 / 16.0;
    let mut sum = (-z).exp() / 2.0;
    let mut t: f64 = step;
    loop {
        let term = (-z * t.cosh()).exp() * (t / 4.0).cosh();
        sum += term;
        if term <= sum * 1e-18 {
            return sum * step;
        }
        t += step;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bessel_of_known_values() {
        // scipy.special.kv(0.25, x).
        for (x, expected) in [(0.1, 2.6851568718760555), (1.0, 0.4307397744485814), (20.0, 5.750002072403683e-10)] {
            let ours = bessel_k_quarter(x);
            assert!((ours - expected).abs() <= 1e-13 * expected, "{x}: {ours}");
        }
    }

    #[test]
    fn exact_shares_of_all_orders() {
        // Two against two: six orders. Fully apart (and its mirror image) is the farthest: 2 of 6.
        assert!((cramer_von_mises(&[1.0, 2.0], &[3.0, 4.0]).score - 2.0 / 6.0).abs() < 1e-12);
        // scipy.stats.cramervonmises_2samp (1.17.1), method="exact".
        let (c, d) = ([1.5, 2.5, 4.5, 5.5, 9.5, 13.5], [3.0, 7.0, 8.0, 10.0, 11.0, 12.0, 14.0, 15.0]);
        assert!((cramer_von_mises(&c, &d).score - 0.1272061272061272).abs() < 1e-12);
        assert_eq!(cramer_von_mises(&[1.0, 2.0, 3.0], &[1.0, 2.0, 3.0]).score, 1.0);
        assert!(cramer_von_mises(&[1.0], &[2.0, 3.0]).score.is_nan());
    }

    #[test]
    fn symmetric() {
        let a: Vec<f64> = (0..60).map(|v| f64::from(v * 7 % 31)).collect();
        let b: Vec<f64> = (0..45).map(|v| f64::from(v * 5 % 37) + 3.0).collect();
        let (mut a, mut b) = (a, b);
        a.sort_by(f64::total_cmp);
        b.sort_by(f64::total_cmp);
        assert_eq!(cramer_von_mises(&a, &b), cramer_von_mises(&b, &a));
    }
}
