//! Predicted numbers beside true ones, and the figures of regression over them.
//!
//! In:    predicted and true values in the unit of the target. Out: figures; R2 and MAPE have no unit (MAPE 0.1 is 10 %).
//! Holds: definitions are scikit-learn's; what is not defined on these rows is `Unknown`.

use std::sync::OnceLock;

use crate::figure::finite;
use crate::{Metric, MetricKind, Sample, Unknown};

/// Rows of regression, in their order of time where they have one. Rows with a number that is not finite are left out and counted.
#[derive(Debug, Default)]
pub struct Pairs {
    predicted: Vec<f64>,
    actual: Vec<f64>,
    left_out: usize,
    /// Rows by their error (prediction - true value) and by the size of the error; made when first asked for.
    by_error: OnceLock<Vec<u32>>,
    by_size: OnceLock<Vec<u32>>,
}

impl Pairs {
    /// From (prediction, true value).
    pub fn new(rows: impl IntoIterator<Item = (f64, f64)>) -> Pairs {
        let mut pairs = Pairs::default();
        for (predicted, actual) in rows {
            if predicted.is_finite() && actual.is_finite() {
                pairs.predicted.push(predicted);
                pairs.actual.push(actual);
            } else {
                pairs.left_out += 1;
            }
        }
        pairs
    }

    pub fn predicted(&self) -> &[f64] {
        &self.predicted
    }

    pub fn actual(&self) -> &[f64] {
        &self.actual
    }

    fn error(&self, row: usize) -> f64 {
        self.predicted[row] - self.actual[row]
    }

    fn r2(&self, weights: &[f64]) -> Result<f64, Unknown> {
        let total: f64 = weights.iter().sum();
        let mean = self.actual.iter().zip(weights).map(|(actual, weight)| actual * weight).sum::<f64>() / total;
        let mut of_weight = self.actual.iter().zip(weights).filter(|(_, weight)| **weight > 0.0).map(|(actual, _)| actual);
        let first = of_weight.next();
        if of_weight.all(|actual| Some(actual) == first) {
            return Err(Unknown::ConstantTarget { rows: total as usize });
        }
        let (mut squares, mut spread) = (0.0, 0.0);
        for (row, weight) in weights.iter().enumerate() {
            squares += weight * self.error(row) * self.error(row);
            spread += weight * (self.actual[row] - mean) * (self.actual[row] - mean);
        }
        finite(squares).and_then(|squares| finite(1.0 - squares / spread))
    }

    fn mean(&self, weights: &[f64], of: impl Fn(f64) -> f64) -> Result<f64, Unknown> {
        let (mut sum, mut total) = (0.0, 0.0);
        for (row, weight) in weights.iter().enumerate() {
            sum += weight * of(self.error(row));
            total += weight;
        }
        finite(sum / total)
    }

    /// As a fraction, over the rows whose true value is not 0: a division by 0 would drown all the others.
    fn mape(&self, weights: &[f64]) -> Result<f64, Unknown> {
        let (mut sum, mut total) = (0.0, 0.0);
        for (row, weight) in weights.iter().enumerate() {
            if self.actual[row].abs() > f64::EPSILON {
                sum += weight * (self.error(row) / self.actual[row]).abs();
                total += weight;
            }
        }
        if total == 0.0 { Err(Unknown::OnlyZeros) } else { finite(sum / total) }
    }

    /// Linear between neighbours, as NumPy's default; a row of weight 2 stands there twice.
    fn quantile(&self, weights: &[f64], share: f64, order: &[u32], of: impl Fn(f64) -> f64) -> Result<f64, Unknown> {
        let total: f64 = weights.iter().sum();
        let rank = (total - 1.0) * share;
        let (below, part) = (rank.floor(), rank - rank.floor());
        let mut passed = 0.0;
        let mut low = None;
        for row in order {
            let row = *row as usize;
            passed += weights[row];
            let value = of(self.error(row));
            if low.is_none() && passed > below {
                low = Some(value);
            }
            if let Some(low) = low
                && (part == 0.0 || passed > below + 1.0)
            {
                return finite(low + (value - low) * part);
            }
        }
        low.map_or(Err(Unknown::NoRows), finite)
    }

    fn by_error(&self) -> &[u32] {
        self.by_error.get_or_init(|| sorted(self.predicted.len(), |row| self.error(row)))
    }

    fn by_size(&self) -> &[u32] {
        self.by_size.get_or_init(|| sorted(self.predicted.len(), |row| self.error(row).abs()))
    }
}

impl Sample for Pairs {
    fn kind(&self) -> MetricKind {
        MetricKind::Regression
    }

    fn rows(&self) -> usize {
        self.predicted.len()
    }

    fn left_out(&self) -> usize {
        self.left_out
    }

    fn metrics(&self) -> Vec<Metric> {
        Metric::of_kind(MetricKind::Regression).collect()
    }

    fn score(&self, metric: Metric, weights: &[f64]) -> Result<f64, Unknown> {
        if self.predicted.is_empty() {
            return Err(Unknown::NoRows);
        }
        let size = |share| self.quantile(weights, share, self.by_size(), f64::abs);
        let signed = |share| self.quantile(weights, share, self.by_error(), |error| error);
        match metric {
            Metric::R2 => self.r2(weights),
            Metric::Rmse => self.mean(weights, |error| error * error).map(f64::sqrt),
            Metric::Mae => self.mean(weights, f64::abs),
            Metric::Mape => self.mape(weights),
            Metric::MeanError => self.mean(weights, |error| error),
            Metric::MedianAbsoluteError => size(0.5),
            Metric::AbsoluteErrorP90 => size(0.9),
            Metric::AbsoluteErrorP95 => size(0.95),
            Metric::AbsoluteErrorP99 => size(0.99),
            Metric::MaxError => size(1.0),
            Metric::ErrorP05 => signed(0.05),
            Metric::ErrorP50 => signed(0.5),
            Metric::ErrorP95 => signed(0.95),
            _ => Err(Unknown::NotOfThisKind),
        }
    }

    fn subset(&self, rows: &[usize]) -> Pairs {
        Pairs::new(rows.iter().map(|row| (self.predicted[*row], self.actual[*row])))
    }
}

pub(crate) fn sorted(rows: usize, key: impl Fn(usize) -> f64) -> Vec<u32> {
    let mut order: Vec<u32> = (0..rows as u32).collect();
    order.sort_by(|a, b| key(*a as usize).total_cmp(&key(*b as usize)));
    order
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(rows: &[(f64, f64)], metric: Metric, expected: Result<f64, Unknown>) {
        let pairs = Pairs::new(rows.iter().copied());
        let ours = pairs.score(metric, &vec![1.0; pairs.rows()]);
        match (&ours, &expected) {
            (Ok(ours), Ok(expected)) => assert!((ours - expected).abs() < 1e-12, "{metric}: {ours} {expected}"),
            _ => assert_eq!(ours, expected, "{metric}"),
        }
    }

    #[test]
    fn known_values_and_reasons() {
        let rows = [(2.5, 3.0), (0.0, -0.5), (2.0, 2.0), (8.0, 7.0)];
        check(&rows, Metric::R2, Ok(0.948_608_137_044_967_9));
        check(&rows, Metric::Rmse, Ok(0.375f64.sqrt()));
        check(&rows, Metric::Mae, Ok(0.5));
        check(&rows, Metric::MeanError, Ok(0.25));
        check(&rows, Metric::MedianAbsoluteError, Ok(0.5));
        check(&rows, Metric::AbsoluteErrorP90, Ok(0.85));
        check(&rows, Metric::MaxError, Ok(1.0));
        check(&rows, Metric::ErrorP05, Ok(-0.425));
        check(&rows, Metric::Accuracy, Err(Unknown::NotOfThisKind));
        check(&[], Metric::R2, Err(Unknown::NoRows));
        check(&[(f64::NAN, 1.0), (1.0, f64::INFINITY)], Metric::Mae, Err(Unknown::NoRows));
        check(&[(1.0, 5.0), (2.0, 5.0)], Metric::R2, Err(Unknown::ConstantTarget { rows: 2 }));
        check(&[(1.0, 5.0), (2.0, 5.0)], Metric::Mae, Ok(3.5));
        check(&[(1.0, 0.0), (2.0, 0.0)], Metric::Mape, Err(Unknown::OnlyZeros));
        check(&[(1.0, 0.0), (3.0, -2.0)], Metric::Mape, Ok(2.5));
        check(&[(1e300, 0.0), (0.0, 1e300)], Metric::R2, Err(Unknown::Overflow));
        check(&[(1e300, 0.0), (0.0, 1e300)], Metric::Mae, Ok(1e300));
    }

    #[test]
    fn a_weight_of_two_is_a_row_that_stands_there_twice() {
        let once = Pairs::new([(2.5, 3.0), (0.0, -0.5), (2.0, 2.0), (8.0, 7.0), (1.0, 9.0)]);
        let twice = Pairs::new([(2.5, 3.0), (2.5, 3.0), (2.0, 2.0), (8.0, 7.0), (8.0, 7.0), (8.0, 7.0)]);
        for metric in Metric::of_kind(MetricKind::Regression) {
            let weighted = once.score(metric, &[2.0, 0.0, 1.0, 3.0, 0.0]).expect("a figure");
            let plain = twice.score(metric, &[1.0; 6]).expect("a figure");
            assert!((weighted - plain).abs() < 1e-12, "{metric}: {weighted} {plain}");
        }
    }
}
