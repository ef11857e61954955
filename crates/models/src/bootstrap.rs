//! How sure a figure is: the rows are drawn again and again with replacement, and the figure is computed each time.
//!
//! The draw is seeded, so the same rows give the same interval on every machine. The generator is SplitMix64 (Steele, Lea, Flood 2014), ten
//! lines here, because the ones of `rand` may change between its releases.

use statrs::distribution::{ContinuousCDF, Normal};

use crate::figure::finite;
use crate::{Interval, Unknown};

/// Above this work (rows x resamples) fewer resamples are drawn, but never fewer than `RESAMPLES_MIN`.
const WORK_MAX: usize = 20_000_000;
const RESAMPLES_MIN: usize = 200;
const RESAMPLES_MAX: usize = 10_000;
/// For the acceleration of BCa so many groups of rows are left out in turn.
const JACKKNIFE_GROUPS: usize = 100;
/// A resample may lack a class and has no value then. Above this share the interval would be about something else.
const UNDEFINED_SHARE_MAX: f64 = 0.05;

#[derive(Clone, Debug, PartialEq)]
pub struct Resampling {
    pub resamples: usize,
    /// The chance that the interval holds the true value, 0 to 1.
    pub level: f64,
    pub seed: u64,
    pub method: IntervalMethod,
    /// 1: each row is drawn by itself. More: runs of so many neighbours, for rows whose errors depend on those before (hours of a day).
    pub block_rows: usize,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub enum IntervalMethod {
    /// The middle part of the resampled figures.
    #[default]
    Percentile,
    /// Bias-corrected and accelerated (Efron 1987): better for skewed figures, costs a jackknife.
    Bca,
}

impl Default for Resampling {
    fn default() -> Resampling {
        Resampling { resamples: 1000, level: 0.95, seed: 1, method: IntervalMethod::Percentile, block_rows: 1 }
    }
}

/// One interval per figure that `score` returns. `score` takes one weight per row and always returns as many figures as `observed` has.
pub(crate) fn intervals(
    rows: usize,
    observed: &[Result<f64, Unknown>],
    score: impl Fn(&[f64]) -> Vec<Result<f64, Unknown>>,
    options: &Resampling,
) -> Vec<Result<Interval, Unknown>> {
    if rows < 2 {
        return observed.iter().map(|_| Err(Unknown::TooFewRows { rows, rows_min: 2 })).collect();
    }
    let resamples = options.resamples.clamp(2, RESAMPLES_MAX).min((WORK_MAX / rows).max(RESAMPLES_MIN));
    let mut random = SplitMix64(options.seed);
    let mut weights = vec![0.0; rows];
    let mut drawn: Vec<Vec<f64>> = vec![Vec::with_capacity(resamples); observed.len()];
    for _ in 0..resamples {
        draw(&mut weights, options.block_rows, &mut random);
        for (values, value) in drawn.iter_mut().zip(score(&weights)) {
            values.extend(value.ok());
        }
    }
    let jackknife = match options.method {
        IntervalMethod::Percentile => Vec::new(),
        IntervalMethod::Bca => jackknife(rows, observed.len(), &score),
    };
    let mut out = Vec::with_capacity(observed.len());
    for (at, values) in drawn.iter_mut().enumerate() {
        out.push(interval(values, resamples, &observed[at], jackknife.get(at).map(Vec::as_slice), options));
    }
    out
}

fn interval(
    values: &mut [f64],
    resamples: usize,
    observed: &Result<f64, Unknown>,
    jackknife: Option<&[f64]>,
    options: &Resampling,
) -> Result<Interval, Unknown> {
    let observed = observed.clone()?;
    let level = options.level.clamp(0.01, 0.9999);
    let plain = middle(values, resamples, level)?;
    let Some(jackknife) = jackknife.filter(|jackknife| !jackknife.is_empty()) else { return Ok(plain) };
    let (low, high) = bca_shares(values, observed, jackknife, (1.0 - level) / 2.0);
    Ok(Interval { low: finite(quantile(values, low))?, high: finite(quantile(values, high))?, level })
}

/// The middle part of the values that `draws` draws gave; sorts them.
pub(crate) fn middle(values: &mut [f64], draws: usize, level: f64) -> Result<Interval, Unknown> {
    let undefined = draws - values.len();
    if values.is_empty() || undefined as f64 > UNDEFINED_SHARE_MAX * draws as f64 {
        return Err(Unknown::UnstableResamples { undefined, resamples: draws });
    }
    values.sort_by(f64::total_cmp);
    let tail = (1.0 - level) / 2.0;
    Ok(Interval { low: finite(quantile(values, tail))?, high: finite(quantile(values, 1.0 - tail))?, level })
}

/// Which shares of the resampled figures to take instead of the tails.
fn bca_shares(values: &[f64], observed: f64, jackknife: &[f64], tail: f64) -> (f64, f64) {
    let normal = Normal::standard();
    let below = values.iter().filter(|value| **value < observed).count() as f64;
    let equal = values.iter().filter(|value| **value == observed).count() as f64;
    let n = values.len() as f64;
    let bias = normal.inverse_cdf(((below + 0.5 * equal) / n).clamp(0.5 / n, 1.0 - 0.5 / n));
    let mean = jackknife.iter().sum::<f64>() / jackknife.len() as f64;
    let squares: f64 = jackknife.iter().map(|value| (mean - value).powi(2)).sum();
    let cubes: f64 = jackknife.iter().map(|value| (mean - value).powi(3)).sum();
    let acceleration = if squares > 0.0 { cubes / (6.0 * squares.powf(1.5)) } else { 0.0 };
    let share = |tail: f64| {
        let z = bias + normal.inverse_cdf(tail);
        normal.cdf(bias + z / (1.0 - acceleration * z))
    };
    (share(tail), share(1.0 - tail))
}

/// The figures with one group of neighbouring rows left out at a time.
fn jackknife(rows: usize, figures: usize, score: &impl Fn(&[f64]) -> Vec<Result<f64, Unknown>>) -> Vec<Vec<f64>> {
    let groups = rows.min(JACKKNIFE_GROUPS);
    let mut out = vec![Vec::with_capacity(groups); figures];
    for group in 0..groups {
        let (from, to) = (group * rows / groups, (group + 1) * rows / groups);
        let mut weights = vec![1.0; rows];
        weights[from..to].fill(0.0);
        for (values, value) in out.iter_mut().zip(score(&weights)) {
            values.extend(value.ok());
        }
    }
    out
}

/// Linear between neighbours.
fn quantile(sorted: &[f64], share: f64) -> f64 {
    let rank = share.clamp(0.0, 1.0) * (sorted.len() - 1) as f64;
    let (low, part) = (rank.floor() as usize, rank.fract());
    let high = (low + 1).min(sorted.len() - 1);
    sorted[low] + (sorted[high] - sorted[low]) * part
}

/// How often each row was drawn. Blocks go round the end, so that each row has the same chance.
fn draw(weights: &mut [f64], block_rows: usize, random: &mut SplitMix64) {
    let rows = weights.len();
    let block = block_rows.clamp(1, rows);
    weights.fill(0.0);
    let mut left = rows;
    while left > 0 {
        let start = random.below(rows);
        for step in 0..block.min(left) {
            weights[(start + step) % rows] += 1.0;
        }
        left -= block.min(left);
    }
}

pub(crate) struct SplitMix64(pub(crate) u64);

impl SplitMix64 {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    /// 0 to 1, 1 excluded.
    pub(crate) fn unit(&mut self) -> f64 {
        (self.next() >> 11) as f64 / (1u64 << 53) as f64
    }

    pub(crate) fn below(&mut self, bound: usize) -> usize {
        ((u128::from(self.next()) * bound as u128) >> 64) as usize
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn mean_interval(values: &[f64], options: &Resampling) -> Interval {
        let score = |weights: &[f64]| {
            let sum: f64 = values.iter().zip(weights).map(|(value, weight)| value * weight).sum();
            vec![Ok(sum / weights.iter().sum::<f64>())]
        };
        let observed = score(&vec![1.0; values.len()]);
        intervals(values.len(), &observed, score, options).remove(0).expect("an interval")
    }

    #[test]
    fn the_generator_is_the_published_one() {
        // The first numbers of SplitMix64 from seed 1234567, as its reference implementation prints them.
        let mut random = SplitMix64(1_234_567);
        let first: Vec<u64> = (0..3).map(|_| random.next()).collect();
        assert_eq!(first, [6457827717110365317, 3203168211198807973, 9817491932198370423]);
    }

    #[test]
    fn the_interval_of_a_mean_is_that_of_the_formula() {
        // Of 1,000 numbers with variance 1/12: the mean lies within 1.96 * sqrt(1/12/1000) = 0.0179 of what was seen.
        let values: Vec<f64> = (0..1000).map(|i| (i as f64 * 0.618_033_988_749_895).fract()).collect();
        for method in [IntervalMethod::Percentile, IntervalMethod::Bca] {
            let options = Resampling { method, resamples: 4000, ..Resampling::default() };
            let interval = mean_interval(&values, &options);
            assert_eq!(interval, mean_interval(&values, &options), "seeded");
            assert!((interval.high - interval.low - 0.0358).abs() < 0.002, "{method:?} {interval:?}");
            let other = mean_interval(&values, &Resampling { seed: 2, ..options });
            assert!(other != interval && (other.low - interval.low).abs() < 0.002);
        }
    }

    #[test]
    fn neighbours_that_are_alike_need_blocks() {
        // 20 runs of 50 equal numbers know as much as 20 rows, not as 1,000.
        let values: Vec<f64> = (0..1000).map(|i| ((i / 50) as f64 * 0.618_033_988_749_895).fract()).collect();
        let width = |block_rows| {
            let interval = mean_interval(&values, &Resampling { block_rows, ..Resampling::default() });
            interval.high - interval.low
        };
        assert!(width(50) > 3.0 * width(1), "{} {}", width(50), width(1));
    }

    #[test]
    fn resamples_without_a_value_are_not_hidden() {
        // One row of a thousand decides: a third of the resamples lack it.
        let score = |weights: &[f64]| vec![if weights[0] > 0.0 { Ok(1.0) } else { Err(Unknown::NoRows) }];
        let interval = intervals(1000, &[Ok(1.0)], score, &Resampling::default()).remove(0);
        assert!(matches!(interval, Err(Unknown::UnstableResamples { undefined, resamples: 1000 }) if undefined > 300), "{interval:?}");
    }
}
