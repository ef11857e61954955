//! The two-sample Anderson-Darling test: like Kolmogorov-Smirnov with more weight on the tails.

use crate::TestResult;
use crate::ties::ties;

/// Scholz and Stephens' (1987) significance levels and, per level, the line 1 / sqrt(m) and 1 / m, here for two samples (m = 1).
const LEVELS: [f64; 7] = [0.25, 0.1, 0.05, 0.025, 0.01, 0.005, 0.001];
const B0: [f64; 7] = [0.675, 1.281, 1.645, 1.96, 2.326, 2.573, 3.085];
const B1: [f64; 7] = [-0.245, 0.25, 0.678, 1.149, 1.822, 2.364, 3.615];
const B2: [f64; 7] = [-0.105, -0.305, -0.362, -0.391, -0.396, -0.345, -0.154];

/// The standardised statistic with midranks, and a p-value from a parabola through the logarithms of the table's levels: it
/// never leaves 0.001 to 0.25. Both samples are sorted and hold no NaN. An empty side, fewer than four rows or one value: NaN.
pub fn anderson_darling(reference: &[f64], current: &[f64]) -> TestResult {
    let (n, m) = (reference.len() as f64, current.len() as f64);
    let rows = n + m;
    if n == 0.0 || m == 0.0 || rows < 4.0 || ties(reference, current).nth(1).is_none() {
        return TestResult { statistic: f64::NAN, score: f64::NAN };
    }
    let statistic = (midrank_statistic(reference, current) - 1.0) / variance(n, m).sqrt();
    TestResult { statistic, score: p_value(statistic) }
}

fn midrank_statistic(reference: &[f64], current: &[f64]) -> f64 {
    let (n, m) = (reference.len() as f64, current.len() as f64);
    let rows = n + m;
    let (mut before, mut before_reference) = (0.0, 0.0);
    let (mut of_reference, mut of_current) = (0.0, 0.0);
    for tie in ties(reference, current) {
        let count = tie.rows() as f64;
        let below = before + count / 2.0;
        let scale = below * (rows - below) - rows * count / 4.0;
        let reference_below = before_reference + tie.reference as f64 / 2.0;
        let weight = count / rows / scale;
        of_reference += weight * (rows * reference_below - below * n).powi(2);
        of_current += weight * (rows * (below - reference_below) - below * m).powi(2);
        before += count;
        before_reference += tie.reference as f64;
    }
    (of_reference / n + of_current / m) * (rows - 1.0) / rows
}

/// The variance of the statistic under no difference (Scholz and Stephens, equation 4, k = 2).
fn variance(n: f64, m: f64) -> f64 {
    let rows = n + m;
    let inverses = 1.0 / n + 1.0 / m;
    let (mut sum, mut g) = (0.0, 0.0);
    let mut divisor = 2.0;
    while divisor < rows {
        sum += 1.0 / (rows + 1.0 - divisor);
        g += sum / divisor;
        divisor += 1.0;
    }
    let h = sum + 1.0;
    let a = (4.0 * g - 6.0) + (10.0 - 6.0 * g) * inverses;
    let b = (2.0 * g - 4.0) * 4.0 + 16.0 * h + (2.0 * g - 14.0 * h - 4.0) * inverses - 8.0 * h + 4.0 * g - 6.0;
    let c = (6.0 * h + 2.0 * g - 2.0) * 4.0 + (4.0 * h - 4.0 * g + 6.0) * 2.0 + (2.0 * h - 6.0) * inverses + 4.0 * h;
    let d = (2.0 * h + 6.0) * 4.0 - 8.0 * h;
    (((a * rows + b) * rows + c) * rows + d) / ((rows - 1.0) * (rows - 2.0) * (rows - 3.0))
}

fn p_value(statistic: f64) -> f64 {
    let mut critical = [0.0; 7];
    for (i, value) in critical.iter_mut().enumerate() {
        *value = B0[i] + B1[i] + B2[i];
    }
    if statistic < critical[0] {
        return LEVELS[0];
    }
    if statistic > critical[6] {
        return LEVELS[6];
    }
    parabola(&critical, &LEVELS.map(f64::ln), statistic).exp()
}

/// The least-squares parabola through the points, at `x`: sums against orthogonal polynomials, so that nothing is solved.
fn parabola(xs: &[f64; 7], ys: &[f64; 7], x: f64) -> f64 {
    let dot = |a: &[f64; 7], b: &[f64; 7]| a.iter().zip(b).map(|(a, b)| a * b).sum::<f64>();
    let mean = xs.iter().sum::<f64>() / 7.0;
    let line = xs.map(|v| v - mean);
    let square = line.map(|v| v * v);
    let (slope, level) = (dot(&square, &line) / dot(&line, &line), square.iter().sum::<f64>() / 7.0);
    let bend = |v: f64| (v - mean) * (v - mean) - slope * (v - mean) - level;
    let curve = xs.map(bend);
    let height = ys.iter().sum::<f64>() / 7.0;
    height + dot(ys, &line) / dot(&line, &line) * (x - mean) + dot(ys, &curve) / dot(&curve, &curve) * bend(x)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_parabola_goes_through_a_parabola() {
        let xs = [0.3, 1.0, 2.0, 2.5, 3.0, 4.0, 6.5];
        let ys = xs.map(|x: f64| 2.0 - x + 0.5 * x * x);
        assert!((parabola(&xs, &ys, 1.7) - (2.0 - 1.7 + 0.5 * 1.7 * 1.7)).abs() < 1e-12);
    }

    #[test]
    fn symmetric_and_bounded() {
        let low: Vec<f64> = (0..40).map(f64::from).collect();
        let high: Vec<f64> = (0..30).map(|v| f64::from(v) + 100.0).collect();
        assert_eq!(anderson_darling(&low, &high).score, 0.001);
        assert!((anderson_darling(&low, &high).statistic - anderson_darling(&high, &low).statistic).abs() < 1e-9);
        assert_eq!(anderson_darling(&low, &low).score, 0.25);
        assert!(anderson_darling(&low, &[]).score.is_nan() && anderson_darling(&[1.0; 9], &[1.0; 9]).score.is_nan());
    }
}
