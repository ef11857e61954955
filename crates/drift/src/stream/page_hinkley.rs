//! Page-Hinkley: the sum of deviations from the running mean leaves its own extreme.

use serde::{Deserialize, Serialize};

use super::{Detector, Signal};

/// Which changes of the mean count.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum PageHinkleyMode {
    Up,
    Down,
    Both,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct PageHinkleyOptions {
    /// Values before the first verdict.
    pub rows_min: u64,
    /// Deviations up to this are tolerated.
    pub delta: f64,
    pub threshold: f64,
    /// Old deviations fade by this factor a value.
    pub alpha: f64,
    pub mode: PageHinkleyMode,
}

impl Default for PageHinkleyOptions {
    fn default() -> PageHinkleyOptions {
        PageHinkleyOptions { rows_min: 30, delta: 0.005, threshold: 50.0, alpha: 1.0 - 0.0001, mode: PageHinkleyMode::Both }
    }
}

#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct PageHinkley {
    options: PageHinkleyOptions,
    state: State,
}

#[derive(Clone, Debug, Serialize, Deserialize)]
struct State {
    rows: u64,
    mean: f64,
    rise: f64,
    fall: f64,
    rise_min: f64,
    fall_max: f64,
    drifted: bool,
}

/// The fall's extreme starts at -1, as in River. Finite: JSON has no infinity.
const NEW: State = State { rows: 0, mean: 0.0, rise: 0.0, fall: 0.0, rise_min: f64::MAX, fall_max: -1.0, drifted: false };

impl PageHinkley {
    pub fn new(options: PageHinkleyOptions) -> PageHinkley {
        PageHinkley { options, state: NEW }
    }
}

impl Detector for PageHinkley {
    fn update(&mut self, value: f64) -> Signal {
        if !value.is_finite() {
            return Signal::Ignored;
        }
        if self.state.drifted {
            self.state = NEW;
        }
        let PageHinkleyOptions { rows_min, delta, threshold, alpha, mode } = self.options;
        let state = &mut self.state;
        state.rows += 1;
        state.mean += (value - state.mean) / state.rows as f64;
        let deviation = value - state.mean;
        state.rise = alpha * state.rise + deviation - delta;
        state.fall = alpha * state.fall + deviation + delta;
        state.rise_min = state.rise_min.min(state.rise);
        state.fall_max = state.fall_max.max(state.fall);
        let rose = mode != PageHinkleyMode::Down && state.rise - state.rise_min > threshold;
        let fell = mode != PageHinkleyMode::Up && state.fall_max - state.fall > threshold;
        state.drifted = state.rows >= rows_min && (rose || fell);
        if state.drifted { Signal::Drift } else { Signal::Stable }
    }
}
