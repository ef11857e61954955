//! The three kinds of metric, each one safe to share between threads without a lock.

use std::sync::atomic::{AtomicU64, Ordering};

/// A number that only grows.
#[derive(Debug, Default)]
pub struct Counter(AtomicF64);

/// A number that goes up and down.
#[derive(Debug, Default)]
pub struct Gauge(AtomicF64);

/// Observations counted in buckets, with their sum.
#[derive(Debug)]
pub struct Histogram {
    /// Upper bounds, rising, without +Inf.
    bounds: Vec<f64>,
    /// Observations per bucket, not cumulated; one more than `bounds` for +Inf.
    counts: Vec<AtomicU64>,
    sum: AtomicF64,
}

impl Counter {
    pub fn increment(&self) {
        self.0.add(1.0);
    }

    /// Adds `amount`. A negative amount or NaN is ignored: a counter never falls.
    pub fn add(&self, amount: f64) {
        if amount > 0.0 {
            self.0.add(amount);
        }
    }

    pub fn value(&self) -> f64 {
        self.0.get()
    }
}

impl Gauge {
    pub fn set(&self, value: f64) {
        self.0.set(value);
    }

    pub fn add(&self, amount: f64) {
        self.0.add(amount);
    }

    pub fn value(&self) -> f64 {
        self.0.get()
    }
}

impl Histogram {
    pub(crate) fn new(bounds: &[f64]) -> Histogram {
        Histogram { bounds: bounds.to_vec(), counts: (0..=bounds.len()).map(|_| AtomicU64::new(0)).collect(), sum: AtomicF64::default() }
    }

    /// Counts one observation. NaN is ignored: it belongs to no bucket and would make the sum NaN for ever.
    pub fn observe(&self, value: f64) {
        if value.is_nan() {
            return;
        }
        let bucket = self.bounds.partition_point(|bound| *bound < value);
        self.counts[bucket].fetch_add(1, Ordering::Relaxed);
        self.sum.add(value);
    }

    /// (upper bound, cumulated count) of each bucket, +Inf last: its count is the number of observations.
    pub fn buckets(&self) -> Vec<(f64, u64)> {
        let mut total = 0;
        let mut buckets = Vec::with_capacity(self.counts.len());
        for (index, count) in self.counts.iter().enumerate() {
            total += count.load(Ordering::Relaxed);
            buckets.push((self.bounds.get(index).copied().unwrap_or(f64::INFINITY), total));
        }
        buckets
    }

    pub fn sum(&self) -> f64 {
        self.sum.get()
    }
}

/// An f64 in the bits of a u64: the standard library has no atomic float.
#[derive(Debug, Default)]
struct AtomicF64(AtomicU64);

impl AtomicF64 {
    fn get(&self) -> f64 {
        f64::from_bits(self.0.load(Ordering::Relaxed))
    }

    fn set(&self, value: f64) {
        self.0.store(value.to_bits(), Ordering::Relaxed);
    }

    fn add(&self, amount: f64) {
        let add = |bits| Some((f64::from_bits(bits) + amount).to_bits());
        // The closure never refuses, so there is no failure to handle.
        let _ = self.0.fetch_update(Ordering::Relaxed, Ordering::Relaxed, add);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn counters_never_fall() {
        let counter = Counter::default();
        counter.increment();
        for amount in [2.5, -4.0, f64::NAN, 0.0] {
            counter.add(amount);
        }
        assert_eq!(counter.value(), 3.5);
    }

    #[test]
    fn an_observation_on_a_bound_belongs_to_it() {
        let histogram = Histogram::new(&[0.1, 1.0]);
        for value in [0.1, 0.2, 1.0, 7.0, f64::NAN] {
            histogram.observe(value);
        }
        assert_eq!(histogram.buckets(), [(0.1, 1), (1.0, 3), (f64::INFINITY, 4)]);
        assert!((histogram.sum() - 8.3).abs() < 1e-9);
    }

    #[test]
    fn nothing_is_lost_between_threads() {
        let counter = Counter::default();
        std::thread::scope(|scope| {
            for _ in 0..4 {
                scope.spawn(|| (0..1000).for_each(|_| counter.increment()));
            }
        });
        assert_eq!(counter.value(), 4000.0);
    }
}
