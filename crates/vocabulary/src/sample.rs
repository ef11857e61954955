//! A measured value, and the marks that say that a series has ended.

use crate::Timestamp;

/// The bits of the NaN that marks the end of a series (Prometheus, `model/value/value.go`). Other NaNs are ordinary values.
pub const STALE_NAN_BITS: u64 = 0x7ff0_0000_0000_0002;
pub const STALE_NAN: f64 = f64::from_bits(STALE_NAN_BITS);

pub fn is_stale(value: f64) -> bool {
    value.to_bits() == STALE_NAN_BITS
}

/// One value of a series at one time.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Sample {
    pub at: Timestamp,
    pub value: f64,
}

impl Sample {
    pub fn new(at: Timestamp, value: f64) -> Sample {
        Sample { at, value }
    }
}

/// A native histogram with float counts (Prometheus, `model/histogram/float_histogram.go`).
/// Buckets are absolute counts, not deltas.
#[derive(Clone, Debug, PartialEq, Default)]
pub struct Histogram {
    /// -4 to 8 for exponential buckets, -53 for custom bounds.
    pub schema: i32,
    pub zero_threshold: f64,
    pub zero_count: f64,
    pub count: f64,
    pub sum: f64,
    pub positive_spans: Vec<HistogramSpan>,
    pub negative_spans: Vec<HistogramSpan>,
    pub positive_buckets: Vec<f64>,
    pub negative_buckets: Vec<f64>,
    /// Upper bounds, sorted, of schema -53.
    pub custom_values: Vec<f64>,
}

/// A run of consecutive buckets: `offset` from the end of the run before it, `length` buckets.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub struct HistogramSpan {
    pub offset: i32,
    pub length: u32,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_marker_is_stale() {
        assert!(is_stale(STALE_NAN));
        assert!(!is_stale(f64::NAN));
        assert!(!is_stale(0.0));
    }
}
