//! Kolmogorov's distribution for a sample of finite size: the p-value of large two-sample tests.
//!
//! The choice of method by size follows Simard and L'Ecuyer (2011), "Computing the two-sided Kolmogorov-Smirnov distribution".

use std::f64::consts::PI;

/// Up to this size the exact matrix is cheap everywhere it is needed.
const MATRIX_SIZE_MAX: f64 = 140.0;

/// The chance that D of one sample of `n` (a whole number) rows is at least `d`.
pub fn kolmogorov_survival(n: f64, d: f64) -> f64 {
    if n.is_nan() || d.is_nan() || n < 1.0 {
        return f64::NAN;
    }
    let t = n * d;
    if t <= 0.5 {
        return 1.0;
    }
    if d >= 1.0 {
        return 0.0;
    }
    if t >= n - 1.0 {
        return 2.0 * (1.0 - d).powf(n);
    }
    let spread = t * d;
    // Beyond these lines the two one-sided events exclude each other but for less than double precision shows.
    if d >= 0.5 || spread >= if n <= MATRIX_SIZE_MAX { 4.0 } else { 2.2 } {
        return if spread >= 370.0 { 0.0 } else { (2.0 * one_sided_survival(n, d)).min(1.0) };
    }
    let below = if n <= MATRIX_SIZE_MAX || (n <= 100_000.0 && n * d.powf(1.5) <= 1.4) { matrix(n, d) } else { pelz_good(n, d) };
    (1.0 - below).clamp(0.0, 1.0)
}

/// Smirnov's exact sum for the one-sided D+: d sum over j of C(n,j) (d + j/n)^(j-1) (1 - d - j/n)^(n-j).
/// Each term is a binomial probability divided by d + j/n; those are computed without large logarithms (Loader 2000).
fn one_sided_survival(n: f64, d: f64) -> f64 {
    let last = (n * (1.0 - d)).floor();
    let mut sum = 0.0;
    let mut j = 0.0;
    while j <= last {
        let share = d + j / n;
        if share < 1.0 {
            sum += binomial_probability(j, n, share) / share;
        }
        j += 1.0;
    }
    d * sum
}

/// The probability of `k` of `n` at chance `p`, by Loader's saddle-point expansion.
fn binomial_probability(k: f64, n: f64, p: f64) -> f64 {
    if k == 0.0 {
        return (n * (-p).ln_1p()).exp();
    }
    if k == n {
        return (n * p.ln()).exp();
    }
    let rest = n - k;
    let exponent = stirling_error(n) - stirling_error(k) - stirling_error(rest) - deviance(k, n * p) - deviance(rest, n * (1.0 - p));
    (n / (2.0 * PI * k * rest)).sqrt() * exponent.exp()
}

/// ln(k!) less Stirling's formula.
fn stirling_error(k: f64) -> f64 {
    if k < 16.0 {
        let mut factorial = 0.0;
        let mut i = 2.0;
        while i <= k {
            factorial += f64::ln(i);
            i += 1.0;
        }
        return factorial - (k + 0.5) * k.ln() + k - (2.0 * PI).ln() / 2.0;
    }
    let square = k * k;
    (1.0 / 12.0 - (1.0 / 360.0 - (1.0 / 1260.0 - (1.0 / 1680.0 - 1.0 / 1188.0 / square) / square) / square) / square) / k
}

/// x ln(x / mean) + mean - x, exact also where x is near the mean.
fn deviance(x: f64, mean: f64) -> f64 {
    let difference = x - mean;
    if difference.abs() < 0.1 * (x + mean) {
        let ratio = difference / (x + mean);
        let mut sum = difference * ratio;
        let mut power = 2.0 * x * ratio;
        for j in 1..1000 {
            power *= ratio * ratio;
            let next = sum + power / f64::from(2 * j + 1);
            if next == sum {
                break;
            }
            sum = next;
        }
        return sum;
    }
    x * (x / mean).ln() + mean - x
}

/// The chance that D < d, exactly: an element of the n-th power of a matrix (Marsaglia, Tsang and Wang 2003).
fn matrix(n: f64, d: f64) -> f64 {
    let k = (n * d).ceil() as usize;
    let h = k as f64 - n * d;
    let size = 2 * k - 1;
    let mut base = vec![0.0; size * size];
    for row in 0..size {
        for column in 0..size.min(row + 2) {
            base[row * size + column] = 1.0;
        }
    }
    for i in 0..size {
        base[i * size] -= h.powi(i as i32 + 1);
        base[(size - 1) * size + i] -= h.powi((size - i) as i32);
    }
    base[(size - 1) * size] += (2.0 * h - 1.0).max(0.0).powi(size as i32);
    for row in 0..size {
        for column in 0..=row {
            let factorial = (2..=row - column + 1).map(|i| i as f64).product::<f64>();
            base[row * size + column] /= factorial;
        }
    }
    let (power, mut exponent) = matrix_power(base, size, n as u64);
    let mut result = power[(k - 1) * size + k - 1];
    // Times n! / n^n, kept in range.
    for i in 1..=n as u64 {
        result *= i as f64 / n;
        if result < 1e-140 {
            result *= 1e140;
            exponent -= 140;
        }
    }
    result * 10f64.powi(exponent)
}

/// The power of a square matrix and the power of ten that was taken out of it.
fn matrix_power(base: Vec<f64>, size: usize, n: u64) -> (Vec<f64>, i32) {
    let mut result: Vec<f64> = (0..size * size).map(|i| if i % (size + 1) == 0 { 1.0 } else { 0.0 }).collect();
    let (mut square, mut square_exponent, mut exponent) = (base, 0i32, 0i32);
    let mut left = n;
    while left > 0 {
        if left & 1 == 1 {
            result = product(&result, &square, size);
            exponent += square_exponent;
            exponent += rescale(&mut result, size);
        }
        left >>= 1;
        if left > 0 {
            square = product(&square, &square, size);
            square_exponent = 2 * square_exponent + rescale(&mut square, size);
        }
    }
    (result, exponent)
}

fn product(a: &[f64], b: &[f64], size: usize) -> Vec<f64> {
    let mut out = vec![0.0; size * size];
    for row in 0..size {
        for k in 0..size {
            let factor = a[row * size + k];
            let (from, to) = (&b[k * size..(k + 1) * size], &mut out[row * size..(row + 1) * size]);
            for (to, from) in to.iter_mut().zip(from) {
                *to += factor * from;
            }
        }
    }
    out
}

fn rescale(values: &mut [f64], size: usize) -> i32 {
    let middle = (size / 2) * (size + 1);
    if values[middle] <= 1e140 {
        return 0;
    }
    values.iter_mut().for_each(|value| *value *= 1e-140);
    140
}

/// The chance that D < d by the expansion of Pelz and Good (1976) in powers of 1 / sqrt(n), to the third order.
fn pelz_good(n: f64, d: f64) -> f64 {
    let z = n.sqrt() * d;
    let z2 = z * z;
    let (z4, z6) = (z2 * z2, z2 * z2 * z2);
    let (pi2, pi4, pi6) = (PI.powi(2), PI.powi(4), PI.powi(6));
    let mut sums = [0.0; 4];
    let terms = (16.0 * z / PI).ceil() as i32;
    // Sums over the odd numbers, by exp(-pi^2 m^2 / 8 z^2).
    for k in (1..=terms).rev() {
        let m = f64::from(2 * k - 1);
        let m2 = m * m;
        let weight = (-pi2 * m2 / (8.0 * z2)).exp();
        sums[0] += weight;
        sums[1] += weight * (pi2 / 4.0 * m2 - z2);
        sums[2] += weight * (6.0 * z6 + 2.0 * z4 + (2.0 * z4 - 5.0 * z2) * pi2 / 4.0 * m2 + (1.0 - 2.0 * z2) * pi4 / 16.0 * m2 * m2);
        sums[3] += weight
            * (-30.0 * z6 - 90.0 * z4 * z4
                + (135.0 * z4 - 96.0 * z6) * pi2 / 4.0 * m2
                + (212.0 * z4 - 60.0 * z2) * pi4 / 16.0 * m2 * m2
                + (5.0 - 30.0 * z2) * pi6 / 64.0 * m2 * m2 * m2);
    }
    let root = (2.0 * PI).sqrt();
    let scales = [z, 6.0 * z4, 72.0 * z6 * z, 6480.0 * z6 * z4];
    let mut parts: [f64; 4] = std::array::from_fn(|i| sums[i] * root / scales[i]);
    // And over all numbers, by exp(-pi^2 k^2 / 2 z^2).
    for k in (1..=terms).rev() {
        let k2 = f64::from(k * k);
        let weight = k2 * (-pi2 * k2 / (2.0 * z2)).exp() * pi2 * root;
        parts[2] -= weight / (36.0 * z2 * z);
        parts[3] += weight * (3.0 * z2 - pi2 * k2) / (216.0 * z6);
    }
    parts[0] + parts[1] / n.sqrt() + parts[2] / n + parts[3] / (n * n.sqrt())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn published_values() {
        // Marsaglia, Tsang and Wang (2003): Pr(D_10 < 0.274) and, from the same paper, Pr(D_2000 < 0.04).
        assert!((matrix(10.0, 0.274) - 0.6284796154565).abs() < 1e-12);
        assert!((1.0 - kolmogorov_survival(10.0, 0.274) - 0.6284796154565).abs() < 1e-12);
        assert!((1.0 - kolmogorov_survival(2000.0, 0.04) - 0.9967694319171).abs() < 1e-9);
    }

    #[test]
    fn the_methods_agree_where_they_meet() {
        for (n, d) in [(5000.0, 0.006), (5000.0, 0.01)] {
            let (expansion, exact) = (pelz_good(n, d), matrix(n, d));
            assert!((expansion - exact).abs() < 2e-9, "{n} {d}: {expansion} {exact}");
        }
        for (n, d) in [(100.0, 0.21), (140.0, 0.19)] {
            let (sum, exact) = (2.0 * one_sided_survival(n, d), 1.0 - matrix(n, d));
            assert!((sum - exact).abs() < 1e-9, "{n} {d}: {sum} {exact}");
        }
    }

    #[test]
    fn the_ends() {
        assert_eq!(kolmogorov_survival(3000.0, 0.0), 1.0);
        assert_eq!(kolmogorov_survival(3000.0, 1.0), 0.0);
        assert_eq!(kolmogorov_survival(1e6, 0.5), 0.0);
        assert!(kolmogorov_survival(0.0, 0.5).is_nan());
        // One row: D is at least 1/2, and at least d with chance 2 (1 - d).
        assert!((kolmogorov_survival(1.0, 0.75) - 0.5).abs() < 1e-15);
    }
}
