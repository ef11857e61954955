//! The Epps-Singleton test: compares the characteristic functions of both sides at two points.

use crate::TestResult;
use crate::chi2::chi_squared_survival;
use crate::ties::ties;

/// Where the functions are compared, in inverse half interquartile ranges (Epps and Singleton 1986).
const POINTS: [f64; 2] = [0.4, 0.8];
const ROWS_MIN: usize = 5;
/// Below this many rows on the larger side the statistic is corrected.
const SMALL_ROWS: f64 = 25.0;

/// Directions with less than this share of the largest eigenvalue are rounding. SciPy cuts at 1e-15, and on a column of two
/// or three values its answer is decided by the last digits.
const LOST: f64 = 1e-12;
/// Waves are between -1 and 1: less variance than this is none.
const SPREAD_MIN: f64 = 1e-25;

type Matrix = [[f64; 4]; 4];

/// W and its chi-squared p-value with the covariance's rank for degrees of freedom. Both samples are sorted and hold no NaN.
/// A side of fewer than five rows or an interquartile range of zero: NaN.
pub fn epps_singleton(reference: &[f64], current: &[f64]) -> TestResult {
    let none = TestResult { statistic: f64::NAN, score: f64::NAN };
    if reference.len() < ROWS_MIN || current.len() < ROWS_MIN {
        return none;
    }
    let half_range = (pooled_quantile(reference, current, 0.75) - pooled_quantile(reference, current, 0.25)) / 2.0;
    if half_range == 0.0 {
        return none;
    }
    let (n, m) = (reference.len() as f64, current.len() as f64);
    let rows = n + m;
    let (mean_r, covariance_r) = moments(reference, half_range);
    let (mean_c, covariance_c) = moments(current, half_range);
    let mut covariance: Matrix = [[0.0; 4]; 4];
    for (i, row) in covariance.iter_mut().enumerate() {
        for (j, cell) in row.iter_mut().enumerate() {
            *cell = rows / n * covariance_r[i][j] + rows / m * covariance_c[i][j];
        }
    }
    let difference: [f64; 4] = std::array::from_fn(|i| mean_r[i] - mean_c[i]);
    let (form, rank) = inverse_form(covariance, difference);
    let mut statistic = rows * form;
    if n.max(m) < SMALL_ROWS {
        statistic /= 1.0 + rows.powf(-0.45) + 10.1 * (n.powf(-1.7) + m.powf(-1.7));
    }
    TestResult { statistic, score: chi_squared_survival(statistic, rank) }
}

/// The quantile of the pooled sample, linear between rows.
fn pooled_quantile(reference: &[f64], current: &[f64], share: f64) -> f64 {
    let place = share * (reference.len() + current.len() - 1) as f64;
    let (low, part) = (place.floor() as usize, place.fract());
    let mut seen = 0;
    let (mut a, mut b) = (f64::NAN, f64::NAN);
    for tie in ties(reference, current) {
        seen += tie.rows();
        if a.is_nan() && seen > low {
            a = tie.value;
        }
        if seen > low + 1 {
            b = tie.value;
            break;
        }
    }
    if part == 0.0 { a } else { a + (b - a) * part }
}

/// Mean and biased covariance of cos and sin at both points.
fn moments(sample: &[f64], half_range: f64) -> ([f64; 4], Matrix) {
    let waves = |v: f64| {
        let (a, b) = (POINTS[0] / half_range * v, POINTS[1] / half_range * v);
        [a.cos(), b.cos(), a.sin(), b.sin()]
    };
    let rows = sample.len() as f64;
    let mut mean = [0.0; 4];
    for value in sample {
        for (sum, wave) in mean.iter_mut().zip(waves(*value)) {
            *sum += wave;
        }
    }
    mean.iter_mut().for_each(|sum| *sum /= rows);
    let mut covariance: Matrix = [[0.0; 4]; 4];
    for value in sample {
        let waves = waves(*value);
        let away: [f64; 4] = std::array::from_fn(|i| waves[i] - mean[i]);
        for (row, a) in covariance.iter_mut().zip(away) {
            for (cell, b) in row.iter_mut().zip(away) {
                *cell += a * b;
            }
        }
    }
    covariance.iter_mut().flatten().for_each(|cell| *cell /= rows);
    (mean, covariance)
}

/// d' pinv(S) d and the rank of S: directions whose eigenvalue is lost in rounding are left out, as a pseudo-inverse does.
fn inverse_form(covariance: Matrix, difference: [f64; 4]) -> (f64, usize) {
    let (values, vectors) = eigen(covariance);
    let largest = values.iter().fold(0.0f64, |a, b| a.max(b.abs()));
    let (mut form, mut rank) = (0.0, 0);
    for (k, value) in values.iter().enumerate() {
        if value.abs() > LOST * largest && largest > SPREAD_MIN {
            let along: f64 = (0..4).map(|i| vectors[i][k] * difference[i]).sum();
            form += along * along / value;
            rank += 1;
        }
    }
    (form, rank)
}

/// Eigenvalues and eigenvectors (in columns) of a symmetric matrix by Jacobi's rotations.
fn eigen(mut a: Matrix) -> ([f64; 4], Matrix) {
    let mut vectors: Matrix = std::array::from_fn(|i| std::array::from_fn(|j| f64::from(u8::from(i == j))));
    for _ in 0..60 {
        let off: f64 = (0..4).flat_map(|i| (0..i).map(move |j| (i, j))).map(|(i, j)| a[i][j] * a[i][j]).sum();
        if off < 1e-300 {
            break;
        }
        for p in 0..3 {
            for q in p + 1..4 {
                rotate(&mut a, &mut vectors, p, q);
            }
        }
    }
    (std::array::from_fn(|i| a[i][i]), vectors)
}

fn rotate(a: &mut Matrix, vectors: &mut Matrix, p: usize, q: usize) {
    if a[p][q] == 0.0 {
        return;
    }
    let theta = (a[q][q] - a[p][p]) / (2.0 * a[p][q]);
    let t = theta.signum() / (theta.abs() + (theta * theta + 1.0).sqrt());
    let t = if theta == 0.0 { 1.0 } else { t };
    let cosine = 1.0 / (t * t + 1.0).sqrt();
    let sine = t * cosine;
    for row in a.iter_mut() {
        (row[p], row[q]) = (cosine * row[p] - sine * row[q], sine * row[p] + cosine * row[q]);
    }
    let (row_p, row_q) = (a[p], a[q]);
    a[p] = std::array::from_fn(|k| cosine * row_p[k] - sine * row_q[k]);
    a[q] = std::array::from_fn(|k| sine * row_p[k] + cosine * row_q[k]);
    for row in vectors.iter_mut() {
        (row[p], row[q]) = (cosine * row[p] - sine * row[q], sine * row[p] + cosine * row[q]);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn eigenvalues_of_a_known_matrix() {
        let mut a: Matrix = [[0.0; 4]; 4];
        (a[0][0], a[1][1], a[0][1], a[1][0], a[2][2], a[3][3]) = (2.0, 2.0, 1.0, 1.0, 5.0, 7.0);
        let (mut values, _) = eigen(a);
        values.sort_by(f64::total_cmp);
        for (ours, expected) in values.iter().zip([1.0, 3.0, 5.0, 7.0]) {
            assert!((ours - expected).abs() < 1e-12);
        }
        // d = (1, 1, 0, 0) lies along the eigenvalue 3.
        let (form, rank) = inverse_form(a, [1.0, 1.0, 0.0, 0.0]);
        assert!((form - 2.0 / 3.0).abs() < 1e-12 && rank == 4);
    }

    #[test]
    fn no_answer_without_spread() {
        assert!(epps_singleton(&[1.0; 9], &[1.0; 9]).score.is_nan());
        assert!(epps_singleton(&[1.0, 2.0], &[1.0; 9]).score.is_nan());
        let sample: Vec<f64> = (0..30).map(f64::from).collect();
        assert_eq!(epps_singleton(&sample, &sample).score, 1.0);
    }
}
