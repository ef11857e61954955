//! show: how fast things come in, from counters that were read each second of the last minute.
//!
//! In:    readings of counters with their times. Out: rates, and when predictions of a model came last.
//! Never: gives a rate before there are two readings some seconds apart.

use std::collections::{BTreeMap, VecDeque};
use std::sync::{Mutex, MutexGuard};

use bellbuoy_vocabulary::{Millis, Timestamp};

const SPAN: Millis = Millis(60_000);
/// A rate over less says nothing.
const SPAN_MIN: Millis = Millis(3_000);
const READINGS_MAX: usize = 70;

#[derive(Clone, Debug, Default)]
pub struct Reading {
    pub samples: u64,
    /// Predictions that were taken, by model.
    pub predictions: BTreeMap<String, u64>,
}

#[derive(Default)]
pub struct Pulse(Mutex<Inner>);

#[derive(Default)]
struct Inner {
    readings: VecDeque<(Timestamp, Reading)>,
    received: BTreeMap<String, Timestamp>,
}

impl Pulse {
    pub fn note(&self, reading: Reading, now: Timestamp) {
        let mut inner = self.lock();
        // A clock that was put back makes rates of nonsense.
        if inner.readings.back().is_some_and(|(at, _)| *at >= now) {
            inner.readings.clear();
        }
        let before = inner.readings.back().map(|(_, reading)| reading.predictions.clone()).unwrap_or_default();
        for (model, count) in &reading.predictions {
            if *count > before.get(model).copied().unwrap_or(0) {
                inner.received.insert(model.clone(), now);
            }
        }
        inner.readings.push_back((now, reading));
        while inner.readings.len() > READINGS_MAX || inner.readings.front().is_some_and(|(at, _)| now - *at > SPAN) {
            inner.readings.pop_front();
        }
    }

    /// A second; `None`: it is too early to say.
    pub fn samples(&self) -> Option<f64> {
        self.rate(|reading| reading.samples)
    }

    pub fn predictions(&self, model: &str) -> Option<f64> {
        self.rate(|reading| reading.predictions.get(model).copied().unwrap_or(0))
    }

    /// When predictions came last, since the start.
    pub fn received(&self, model: &str) -> Option<Timestamp> {
        self.lock().received.get(model).copied()
    }

    fn rate(&self, count: impl Fn(&Reading) -> u64) -> Option<f64> {
        let inner = self.lock();
        let ((from, first), (to, last)) = (inner.readings.front()?, inner.readings.back()?);
        let span = *to - *from;
        (span >= SPAN_MIN).then(|| count(last).saturating_sub(count(first)) as f64 / span.seconds())
    }

    fn lock(&self) -> MutexGuard<'_, Inner> {
        self.0.lock().unwrap_or_else(|poisoned| poisoned.into_inner())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rates_of_the_last_minute() {
        let pulse = Pulse::default();
        let note = |seconds: i64, samples: u64, rows: u64| {
            let predictions = BTreeMap::from([("m".to_string(), rows)]);
            pulse.note(Reading { samples, predictions }, Timestamp(seconds * 1000));
        };
        note(0, 100, 0);
        assert_eq!((pulse.samples(), pulse.received("m")), (None, None), "one reading is no rate");
        note(2, 200, 0);
        assert_eq!(pulse.samples(), None, "too early");
        note(4, 300, 8);
        assert_eq!((pulse.samples(), pulse.predictions("m")), (Some(50.0), Some(2.0)));
        assert_eq!(pulse.received("m"), Some(Timestamp(4000)));
        for second in 5..=70 {
            note(second, 300, 8);
        }
        assert_eq!((pulse.samples(), pulse.predictions("m"), pulse.predictions("other")), (Some(0.0), Some(0.0), Some(0.0)));
        assert_eq!(pulse.received("m"), Some(Timestamp(4000)));
        note(10, 400, 9);
        assert_eq!(pulse.samples(), None, "the clock was put back");
    }
}
