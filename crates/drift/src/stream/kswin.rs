//! KSWIN: the newest values against as many random ones of the window before them, by Kolmogorov-Smirnov (Raab and others 2020).

use std::collections::VecDeque;

use serde::{Deserialize, Serialize};

use super::{Detector, Signal};
use crate::clean::sort;
use crate::ks;
use crate::random::Random;

/// A significant but tiny gap is no drift.
const GAP_MIN: f64 = 0.1;
/// The window is sorted in parts at every value.
const WINDOW_MAX: usize = 100_000;

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct KswinOptions {
    /// The p-value from which on it is drift. It is asked at every value: take a small one.
    pub alpha: f64,
    pub window_size: usize,
    /// The newest so many values are compared; at most half of the window.
    pub stat_size: usize,
    pub seed: u64,
}

impl Default for KswinOptions {
    fn default() -> KswinOptions {
        KswinOptions { alpha: 0.005, window_size: 100, stat_size: 30, seed: 0 }
    }
}

#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Kswin {
    options: KswinOptions,
    window: VecDeque<f64>,
    random: Random,
    drifted: bool,
    /// Kept so that a value costs no allocation.
    order: Vec<usize>,
    #[serde(skip)]
    older: Vec<f64>,
    #[serde(skip)]
    newest: Vec<f64>,
}

impl Kswin {
    /// Fails with a lowercase fragment when the sizes do not fit or alpha is no probability.
    pub fn new(options: KswinOptions) -> Result<Kswin, String> {
        let KswinOptions { alpha, window_size, stat_size, seed } = options;
        if !(0.0..=1.0).contains(&alpha) {
            return Err(format!("alpha is {alpha}, it must be between 0 and 1"));
        }
        if stat_size == 0 || 2 * stat_size > window_size || window_size > WINDOW_MAX {
            return Err(format!(
                "stat_size is {stat_size} and window_size {window_size}: the window must hold twice as many and at most {WINDOW_MAX} values"
            ));
        }
        let order = (0..window_size - stat_size).collect();
        let window = VecDeque::with_capacity(window_size);
        Ok(Kswin { options, window, random: Random::new(seed), drifted: false, order, older: Vec::new(), newest: Vec::new() })
    }
}

impl Detector for Kswin {
    fn update(&mut self, value: f64) -> Signal {
        if !value.is_finite() {
            return Signal::Ignored;
        }
        let KswinOptions { alpha, window_size, stat_size, seed } = self.options;
        if self.drifted {
            self.window.clear();
            self.random = Random::new(seed);
            self.drifted = false;
        }
        if self.window.len() == window_size {
            self.window.pop_front();
        }
        self.window.push_back(value);
        if self.window.len() < window_size {
            return Signal::Stable;
        }
        self.random.select(&mut self.order, stat_size);
        self.older.clear();
        self.older.extend(self.order[..stat_size].iter().map(|row| self.window[*row] + 0.0));
        self.newest.clear();
        self.newest.extend(self.window.iter().skip(window_size - stat_size).map(|v| v + 0.0));
        sort(&mut self.older);
        sort(&mut self.newest);
        let result = ks(&self.older, &self.newest);
        self.drifted = result.score <= alpha && result.statistic > GAP_MIN;
        if self.drifted { Signal::Drift } else { Signal::Stable }
    }
}
