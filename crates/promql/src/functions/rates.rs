//! rate, increase, delta and their kin: how counters and gauges move within a window.

use bellbuoy_vocabulary::Sample;

use crate::select::Window;

/// What `extrapolated` measures.
#[derive(Clone, Copy, PartialEq)]
pub(super) struct Kind {
    /// Falls are resets to zero.
    pub counter: bool,
    /// Per second.
    pub per_second: bool,
}

/// The difference between first and last value, extrapolated to the ends of the window when the samples come close to them
/// (Prometheus, `extrapolatedRate`).
pub(super) fn extrapolated(window: &Window<'_>, range_ms: i64, kind: Kind) -> Option<f64> {
    let [first, .., last] = window.floats else { return None };
    let mut result = last.value - first.value;
    if kind.counter {
        for pair in window.floats.windows(2) {
            if pair[1].value < pair[0].value {
                result += pair[0].value;
            }
        }
    }
    let seconds = |length: i64| length as f64 / 1000.0;
    let mut to_start = seconds(first.at.0 - window.from);
    let mut to_end = seconds(window.to - last.at.0);
    let sampled = seconds(last.at.0 - first.at.0);
    let average_gap = sampled / (window.floats.len() - 1) as f64;
    // Samples further from an end than this did not exist there: extrapolate by half a gap only.
    let threshold = average_gap * 1.1;
    if to_start >= threshold {
        to_start = average_gap / 2.0;
    }
    if kind.counter && result > 0.0 && first.value >= 0.0 {
        // A counter can not have been negative: not further back than where it would have been zero.
        to_start = to_start.min(sampled * (first.value / result));
    }
    if to_end >= threshold {
        to_end = average_gap / 2.0;
    }
    let mut factor = (sampled + to_start + to_end) / sampled;
    if kind.per_second {
        factor /= seconds(range_ms);
    }
    Some(result * factor)
}

/// From the last two values: irate (a counter, per second) and idelta.
pub(super) fn last_two(floats: &[Sample], rate: bool) -> Option<f64> {
    let [.., before, last] = floats else { return None };
    if !rate {
        return Some(last.value - before.value);
    }
    let seconds = (last.at.0 - before.at.0) as f64 / 1000.0;
    let increase = if last.value < before.value { last.value } else { last.value - before.value };
    (seconds > 0.0).then(|| increase / seconds)
}

/// Least squares: slope per second and value at `origin`, milliseconds (Prometheus, `linearRegression`).
pub(super) fn linear_regression(floats: &[Sample], origin: i64) -> (f64, f64) {
    use crate::sums::Sum;
    let first = floats[0].value;
    if floats.iter().all(|sample| sample.value == first) {
        return if first.is_infinite() { (f64::NAN, f64::NAN) } else { (0.0, first) };
    }
    let (mut x, mut y, mut xy, mut xx) = (Sum::default(), Sum::default(), Sum::default(), Sum::default());
    for sample in floats {
        let seconds = (sample.at.0 - origin) as f64 / 1000.0;
        x.add(seconds);
        y.add(sample.value);
        xy.add(seconds * sample.value);
        xx.add(seconds * seconds);
    }
    let n = floats.len() as f64;
    let (x, y, xy, xx) = (x.total(), y.total(), xy.total(), xx.total());
    let covariance = xy - x * y / n;
    let variance = xx - x * x / n;
    let slope = covariance / variance;
    (slope, y / n - slope * x / n)
}

/// Holt's linear method (Prometheus, `funcDoubleExponentialSmoothing`).
pub(super) fn double_exponential_smoothing(floats: &[Sample], smoothing: f64, trend_factor: f64) -> Option<f64> {
    let [first, second, ..] = floats else { return None };
    let mut level_before = 0.0;
    let mut level = first.value;
    let mut trend = second.value - first.value;
    for (index, sample) in floats.iter().enumerate().skip(1) {
        if index > 1 {
            trend = trend_factor * (level - level_before) + (1.0 - trend_factor) * trend;
        }
        let next = smoothing * sample.value + (1.0 - smoothing) * (level + trend);
        level_before = level;
        level = next;
    }
    Some(level)
}
