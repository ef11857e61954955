//! ADWIN: a window that keeps what belongs together, and drops its old end when the means of two parts differ by more than chance
//! allows (Bifet and Gavalda 2007). The window is kept as sums over 1, 2, 4, ... values: its memory grows with the logarithm.

use std::collections::VecDeque;

use serde::{Deserialize, Serialize};

use super::{Detector, Signal};

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct AdwinOptions {
    /// The chance of a false alarm at a cut.
    pub delta: f64,
    /// Cuts are looked for at every so many values.
    pub clock: u64,
    /// Sums of one size.
    pub buckets_max: usize,
    /// Values at least on both sides of a cut.
    pub part_rows_min: f64,
    /// Values before the first look.
    pub grace_period: f64,
}

impl Default for AdwinOptions {
    fn default() -> AdwinOptions {
        AdwinOptions { delta: 0.002, clock: 32, buckets_max: 5, part_rows_min: 5.0, grace_period: 10.0 }
    }
}

/// The sum of 2^level values and the sum of their squared deviations.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
struct Bucket {
    total: f64,
    variance: f64,
}

#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Adwin {
    options: AdwinOptions,
    /// Level k holds sums of 2^k values, the oldest first.
    levels: Vec<VecDeque<Bucket>>,
    ticks: u64,
    width: f64,
    total: f64,
    variance: f64,
    drifted: bool,
}

impl Adwin {
    pub fn new(options: AdwinOptions) -> Adwin {
        Adwin { options, levels: vec![VecDeque::new()], ticks: 0, width: 0.0, total: 0.0, variance: 0.0, drifted: false }
    }

    /// Values in the window.
    pub fn width(&self) -> u64 {
        self.width as u64
    }

    /// The mean of the window; `None` before the first value.
    pub fn mean(&self) -> Option<f64> {
        (self.width > 0.0).then(|| self.total / self.width)
    }

    fn insert(&mut self, value: f64) {
        self.levels[0].push_back(Bucket { total: value, variance: 0.0 });
        if self.width > 0.0 {
            let away = value - self.total / self.width;
            self.variance += self.width * away * away / (self.width + 1.0);
        }
        self.width += 1.0;
        self.total += value;
        let mut level = 0;
        while self.levels[level].len() > self.options.buckets_max {
            let (Some(a), Some(b)) = (self.levels[level].pop_front(), self.levels[level].pop_front()) else { return };
            let rows = size(level);
            let away = (a.total - b.total) / rows;
            let merged = Bucket { total: a.total + b.total, variance: a.variance + b.variance + rows * away * away / 2.0 };
            if self.levels.len() == level + 1 {
                self.levels.push(VecDeque::new());
            }
            self.levels[level + 1].push_back(merged);
            level += 1;
        }
    }

    /// Drops the oldest bucket.
    fn drop_oldest(&mut self) {
        let level = self.levels.len() - 1;
        let Some(oldest) = self.levels[level].pop_front() else { return };
        let rows = size(level);
        self.width -= rows;
        self.total -= oldest.total;
        let away = oldest.total / rows - self.total / self.width;
        self.variance -= oldest.variance + rows * self.width * away * away / (rows + self.width);
        while self.levels.len() > 1 && self.levels.last().is_some_and(VecDeque::is_empty) {
            self.levels.pop();
        }
    }

    /// Whether some cut, from the old end on, parts the window into two means.
    fn has_cut(&self) -> bool {
        let (mut rows, mut total) = (0.0, 0.0);
        for (level, buckets) in self.levels.iter().enumerate().rev() {
            for bucket in buckets {
                rows += size(level);
                total += bucket.total;
                if self.parts(rows, total) {
                    return true;
                }
            }
        }
        false
    }

    fn parts(&self, rows: f64, total: f64) -> bool {
        let AdwinOptions { delta, part_rows_min, .. } = self.options;
        let rest = self.width - rows;
        if rows < part_rows_min || rest < part_rows_min {
            return false;
        }
        let confidence = (2.0 * self.width.ln() / delta).ln();
        let inverse = 1.0 / (rows - part_rows_min + 1.0) + 1.0 / (rest - part_rows_min + 1.0);
        let bound = (2.0 * inverse * self.variance / self.width * confidence).sqrt() + 2.0 / 3.0 * confidence * inverse;
        (total / rows - (self.total - total) / rest).abs() > bound
    }
}

fn size(level: usize) -> f64 {
    (1u64 << level) as f64
}

impl Detector for Adwin {
    fn update(&mut self, value: f64) -> Signal {
        if !value.is_finite() {
            return Signal::Ignored;
        }
        if self.drifted {
            *self = Adwin::new(self.options.clone());
        }
        self.insert(value);
        self.ticks += 1;
        if self.ticks.is_multiple_of(self.options.clock.max(1)) && self.width > self.options.grace_period {
            while self.has_cut() {
                self.drop_oldest();
                self.drifted = true;
            }
        }
        if self.drifted { Signal::Drift } else { Signal::Stable }
    }
}
