//! DDM: the error rate of a classifier leaves its best by two (warning) or three (drift) standard deviations (Gama and others 2004).

use serde::{Deserialize, Serialize};

use super::{Detector, Signal};

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct DdmOptions {
    /// Values before the first verdict.
    pub warm_start: u64,
    /// In standard deviations of the best rate.
    pub warning_threshold: f64,
    pub drift_threshold: f64,
}

impl Default for DdmOptions {
    fn default() -> DdmOptions {
        DdmOptions { warm_start: 30, warning_threshold: 2.0, drift_threshold: 3.0 }
    }
}

/// Takes 1 for an error and 0 for a hit.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Ddm {
    options: DdmOptions,
    rows: u64,
    rate: f64,
    /// The rate and its deviation when their sum was smallest. Finite from the start: JSON has no infinity.
    best: (f64, f64),
    drifted: bool,
}

impl Ddm {
    pub fn new(options: DdmOptions) -> Ddm {
        Ddm { options, rows: 0, rate: 0.0, best: (f64::MAX, 0.0), drifted: false }
    }
}

impl Detector for Ddm {
    fn update(&mut self, value: f64) -> Signal {
        if value != 0.0 && value != 1.0 {
            return Signal::Ignored;
        }
        if self.drifted {
            *self = Ddm::new(self.options.clone());
        }
        self.rows += 1;
        self.rate += (value - self.rate) / self.rows as f64;
        if self.rows <= self.options.warm_start {
            return Signal::Stable;
        }
        let deviation = (self.rate * (1.0 - self.rate) / self.rows as f64).max(0.0).sqrt();
        let level = self.rate + deviation;
        if level <= self.best.0 + self.best.1 {
            self.best = (self.rate, deviation);
        }
        let beyond = |deviations: f64| level > self.best.0 + deviations * self.best.1;
        if beyond(self.options.drift_threshold) {
            self.drifted = true;
            Signal::Drift
        } else if beyond(self.options.warning_threshold) {
            Signal::Warning
        } else {
            Signal::Stable
        }
    }
}
