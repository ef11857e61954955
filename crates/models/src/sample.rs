//! What pairs of numbers and labelled rows have in common: figures under weights, from which resamples are made.

use crate::{Metric, MetricKind, Unknown};

/// Rows that can be scored. Weights are one number per row, 0 for a row that does not take part.
pub trait Sample: Sized {
    fn kind(&self) -> MetricKind;
    fn rows(&self) -> usize;
    /// Rows that could not be used.
    fn left_out(&self) -> usize;
    /// Those that these rows can have.
    fn metrics(&self) -> Vec<Metric>;
    fn score(&self, metric: Metric, weights: &[f64]) -> Result<f64, Unknown>;
    /// Some of the rows, by their index.
    fn subset(&self, rows: &[usize]) -> Self;
}
