//! Maximum mean discrepancy with a Gaussian kernel, judged by permutation.

use crate::TestResult;
use crate::random::Random;

const PERMUTATIONS: usize = 100;
/// The kernel has a cell for each pair of rows: 2,000 rows a side are 128 MiB.
pub const MMD_ROWS_MAX: usize = 2_000;

/// The unbiased discrepancy, and the share of 100 random divisions that are at least as far apart. The kernel's width is
/// half the median squared distance within the reference. A side of fewer than two or more than 2,000 rows, or
/// distances beyond the range of numbers: NaN.
pub fn empirical_mmd(reference: &[f64], current: &[f64], seed: u64) -> TestResult {
    let (n, m) = (reference.len(), current.len());
    if n < 2 || m < 2 || n.max(m) > MMD_ROWS_MAX {
        return TestResult { statistic: f64::NAN, score: f64::NAN };
    }
    let kernel = Kernel::new(reference, current);
    let mut order: Vec<usize> = (0..n + m).collect();
    let statistic = kernel.discrepancy(&order[..n]);
    if !statistic.is_finite() {
        return TestResult { statistic, score: f64::NAN };
    }
    let mut random = Random::new(seed);
    let mut at_least = 0;
    for _ in 0..PERMUTATIONS {
        random.select(&mut order, n);
        at_least += u32::from(kernel.discrepancy(&order[..n]) >= statistic);
    }
    TestResult { statistic, score: f64::from(at_least) / PERMUTATIONS as f64 }
}

/// The kernel of every pair of the pooled rows, 0 for a row with itself.
struct Kernel {
    size: usize,
    cells: Vec<f64>,
    row_sums: Vec<f64>,
    total: f64,
}

impl Kernel {
    fn new(reference: &[f64], current: &[f64]) -> Kernel {
        let gamma = 1.0 / (2.0 * half_median_distance(reference));
        let pooled: Vec<f64> = reference.iter().chain(current).copied().collect();
        let size = pooled.len();
        let mut cells = vec![0.0; size * size];
        for (i, a) in pooled.iter().enumerate() {
            for (j, b) in pooled.iter().enumerate() {
                if i != j {
                    cells[i * size + j] = (-gamma * squared_distance(*a, *b)).exp();
                }
            }
        }
        let row_sums: Vec<f64> = cells.chunks(size).map(|row| row.iter().sum()).collect();
        let total = row_sums.iter().sum();
        Kernel { size, cells, row_sums, total }
    }

    /// The discrepancy when `chosen` rows are the reference: only the sum within them is walked, the others follow.
    fn discrepancy(&self, chosen: &[usize]) -> f64 {
        let mut within = 0.0;
        for (before, i) in chosen.iter().enumerate() {
            let row = &self.cells[i * self.size..(i + 1) * self.size];
            for j in &chosen[..before] {
                within += row[*j];
            }
        }
        let within = 2.0 * within;
        let across = chosen.iter().map(|i| self.row_sums[*i]).sum::<f64>() - within;
        let within_rest = self.total - 2.0 * across - within;
        let (n, m) = (chosen.len() as f64, (self.size - chosen.len()) as f64);
        within / (n * (n - 1.0)) + within_rest / (m * (m - 1.0)) - 2.0 * across / (n * m)
    }
}

/// Written out as Evidently does, whose rounding decides which of two equal medians is taken.
fn squared_distance(a: f64, b: f64) -> f64 {
    b * b - 2.0 * (a * b) + a * a
}

/// Half the median (the nearest rank) of the squared distances within the sample; 0 becomes 1/2.
fn half_median_distance(sample: &[f64]) -> f64 {
    let mut distances: Vec<f64> = sample.iter().flat_map(|a| sample.iter().map(move |b| squared_distance(*a, *b))).collect();
    let rank = ((distances.len() - 1) as f64 / 2.0).round_ties_even() as usize;
    let (_, median, _) = distances.select_nth_unstable_by(rank, f64::total_cmp);
    // Rounding can leave a hair below zero between equal rows.
    if *median <= 0.0 { 0.5 } else { 0.5 * *median }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tells_apart_and_together() {
        let near: Vec<f64> = (0..30).map(f64::from).collect();
        let far: Vec<f64> = (0..25).map(|v| f64::from(v) + 40.0).collect();
        assert_eq!(empirical_mmd(&near, &far, 0).score, 0.0);
        assert!(empirical_mmd(&near, &near, 0).score > 0.9);
        assert!(empirical_mmd(&near, &[1.0], 0).score.is_nan());
        assert_eq!(empirical_mmd(&near, &far, 7), empirical_mmd(&near, &far, 7));
    }
}
