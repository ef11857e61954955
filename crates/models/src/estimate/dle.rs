//! Direct loss estimation: a second model learns from features and prediction how large the error was, and says how large it will be now.

use std::collections::BTreeMap;

use super::trees::Trees;
use crate::{FeatureValue, Figure, Interval, Metric, Source, Unknown};

/// The estimate lies within three standard errors, as NannyML shows it: 99.73 % under the normal law.
const SIGMAS: f64 = 3.0;
const LEVEL: f64 = 0.9973;
/// Categories of a text that are told apart; rarer ones count as missing.
const CATEGORIES_MAX: usize = 200;
const METRICS: [Metric; 3] = [Metric::Mae, Metric::Rmse, Metric::Mape];

/// One row of the reference (with its true value) or of today (without).
#[derive(Clone, Copy, Debug)]
pub struct LossRow<'a> {
    /// In the same order in every row; what is beyond the end is missing.
    pub features: &'a [FeatureValue],
    pub predicted: f64,
    pub actual: Option<f64>,
}

#[derive(Clone, Debug)]
pub struct Dle {
    features: Vec<Encoding>,
    losses: Vec<Loss>,
}

/// How a feature becomes a number.
#[derive(Clone, Debug)]
struct Encoding {
    /// Its place among the features.
    at: usize,
    /// Texts in the order of the mean error that they had, so that a tree can split between them.
    ranks: BTreeMap<String, f64>,
}

#[derive(Clone, Debug)]
struct Loss {
    metric: Metric,
    /// `Err`: the reference has no such error, for example only true values of 0 for MAPE.
    trees: Result<Trees, Unknown>,
    /// Standard deviation of the error over the rows of the reference.
    deviation: f64,
}

impl Dle {
    /// From a reference with true values that the model was not trained on. `features`: how many there are to learn from; the prediction is one more.
    pub fn fit(reference: &[LossRow], features: usize, rows_min: usize) -> Result<Dle, Unknown> {
        let usable = |row: &&LossRow| row.predicted.is_finite() && row.actual.is_some_and(f64::is_finite);
        let rows: Vec<(LossRow, f64)> = reference.iter().filter(usable).filter_map(|row| Some((*row, row.actual?))).collect();
        match rows.len() {
            0 => return Err(Unknown::NoRows),
            count if count < rows_min => return Err(Unknown::TooFewRows { rows: count, rows_min }),
            _ => {}
        }
        let encodings: Vec<Encoding> = (0..features).map(|at| Encoding::of(at, &rows)).collect();
        let losses = METRICS.iter().map(|metric| Loss::fit(*metric, &rows, &encodings));
        Ok(Dle { losses: losses.collect(), features: encodings })
    }

    /// MAE, RMSE and MAPE of rows without true values.
    pub fn estimate(&self, rows: &[LossRow], rows_min: usize) -> Vec<Figure> {
        let encoded: Vec<Vec<f64>> = rows.iter().filter(|row| row.predicted.is_finite()).map(|row| encode(&self.features, row)).collect();
        let count = encoded.len();
        let unknown = |loss: &Loss, reason| Figure::unknown(loss.metric, reason, count, Source::EstimatedByLoss);
        let figure = |loss: &Loss| match (count, &loss.trees) {
            (0, _) => unknown(loss, Unknown::NoRows),
            (rows, _) if rows < rows_min => unknown(loss, Unknown::TooFewRows { rows, rows_min }),
            (_, Err(reason)) => unknown(loss, reason.clone()),
            (_, Ok(trees)) => loss.figure(trees, &encoded),
        };
        self.losses.iter().map(figure).collect()
    }
}

impl Loss {
    fn fit(metric: Metric, rows: &[(LossRow, f64)], encodings: &[Encoding]) -> Loss {
        let mut columns = vec![Vec::new(); encodings.len() + 1];
        let mut target = Vec::new();
        for (row, actual) in rows {
            if let Some(error) = error(metric, row.predicted, *actual) {
                target.push(error);
                columns.iter_mut().zip(encode(encodings, row)).for_each(|(column, value)| column.push(value));
            }
        }
        if target.is_empty() {
            return Loss { metric, trees: Err(Unknown::OnlyZeros), deviation: 0.0 };
        }
        let n = target.len() as f64;
        let mean = target.iter().sum::<f64>() / n;
        let deviation = (target.iter().map(|error| (error - mean) * (error - mean)).sum::<f64>() / n).sqrt();
        if !deviation.is_finite() {
            return Loss { metric, trees: Err(Unknown::Overflow), deviation: 0.0 };
        }
        Loss { metric, trees: Ok(Trees::fit(&columns, &target)), deviation }
    }

    fn figure(&self, trees: &Trees, rows: &[Vec<f64>]) -> Figure {
        let n = rows.len() as f64;
        // An error is never below 0, whatever the trees say.
        let mean = rows.iter().map(|row| trees.at(row).max(0.0)).sum::<f64>() / n;
        let room = SIGMAS * self.deviation / n.sqrt();
        let (value, low, high) = match self.metric {
            Metric::Rmse => (mean.sqrt(), (mean - room).max(0.0).sqrt(), (mean + room).sqrt()),
            _ => (mean, (mean - room).max(0.0), mean + room),
        };
        let interval = Ok(Interval { low, high, level: LEVEL });
        Figure { interval, ..Figure::of(self.metric, value, rows.len(), Source::EstimatedByLoss) }
    }
}

/// What one row adds to the figure.
fn error(metric: Metric, predicted: f64, actual: f64) -> Option<f64> {
    let error = predicted - actual;
    match metric {
        Metric::Rmse => Some(error * error),
        // As in the realised figure, rows whose true value is 0 take no part.
        Metric::Mape => (actual.abs() > f64::EPSILON).then(|| (error / actual).abs()),
        _ => Some(error.abs()),
    }
}

fn encode(encodings: &[Encoding], row: &LossRow) -> Vec<f64> {
    let mut out: Vec<f64> = encodings.iter().map(|encoding| encoding.number(row)).collect();
    out.push(row.predicted);
    out
}

impl Encoding {
    fn of(at: usize, rows: &[(LossRow, f64)]) -> Encoding {
        let mut sums: BTreeMap<&str, (f64, usize)> = BTreeMap::new();
        for (row, actual) in rows {
            if let Some(FeatureValue::Text(text)) = row.features.get(at) {
                let sum = sums.entry(text).or_default();
                sum.0 += (row.predicted - actual).abs();
                sum.1 += 1;
            }
        }
        let mut categories: Vec<(&str, (f64, usize))> = sums.into_iter().collect();
        categories.sort_by_key(|(_, (_, count))| std::cmp::Reverse(*count));
        categories.truncate(CATEGORIES_MAX);
        let mean = |sum: (f64, usize)| sum.0 / sum.1 as f64;
        categories.sort_by(|a, b| mean(a.1).total_cmp(&mean(b.1)));
        let ranks = categories.iter().enumerate().map(|(rank, (text, _))| ((*text).to_owned(), rank as f64));
        Encoding { at, ranks: ranks.collect() }
    }

    fn number(&self, row: &LossRow) -> f64 {
        match row.features.get(self.at) {
            Some(FeatureValue::Number(number)) if number.is_finite() => *number,
            Some(FeatureValue::Text(text)) => self.ranks.get(text).copied().unwrap_or(f64::NAN),
            _ => f64::NAN,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Weather and hour.
    fn features(i: usize) -> [FeatureValue; 2] {
        let weather = ["clear", "rain", "snow"][i % 3];
        [FeatureValue::Text(weather.to_owned()), FeatureValue::Number((i % 24) as f64)]
    }

    /// In rain the error is 10, in snow 30, else 1.
    fn actual(i: usize, predicted: f64) -> f64 {
        predicted + [1.0, 10.0, 30.0][i % 3]
    }

    #[test]
    fn worse_weather_is_a_larger_error() {
        let known: Vec<_> = (0..900).map(|i| (features(i), (i % 50) as f64)).collect();
        let reference: Vec<LossRow> = known
            .iter()
            .enumerate()
            .map(|(i, (features, predicted))| LossRow { features, predicted: *predicted, actual: Some(actual(i, *predicted)) })
            .collect();
        let dle = Dle::fit(&reference, 2, 50).expect("enough rows");
        let today: Vec<_> = (0..100).map(|i| (features(3 * i + 2), (i % 50) as f64)).collect();
        let rows: Vec<LossRow> =
            today.iter().map(|(features, predicted)| LossRow { features, predicted: *predicted, actual: None }).collect();
        let figures = dle.estimate(&rows, 50);
        let [mae, rmse, _] = [0, 1, 2].map(|at| figures[at].value.clone().expect("known"));
        assert!((mae - 30.0).abs() < 0.1 && (rmse - 30.0).abs() < 0.1, "{mae} {rmse}");
        assert!(figures.iter().all(|figure| figure.source.is_estimate() && figure.interval.is_ok()));
        for (count, word) in [(0, "no_rows"), (49, "too_few_rows")] {
            let figures = dle.estimate(&rows[..count], 50);
            assert!(figures.iter().all(|figure| figure.value.as_ref().err().map(Unknown::word) == Some(word)));
        }
        assert_eq!(Dle::fit(&rows, 2, 50).err(), Some(Unknown::NoRows), "no true values");
        assert_eq!(Dle::fit(&reference[..9], 2, 50).err(), Some(Unknown::TooFewRows { rows: 9, rows_min: 50 }));
    }

    #[test]
    fn a_target_of_zeros_has_no_mape() {
        let row = |predicted| LossRow { features: &[], predicted, actual: Some(0.0) };
        let reference: Vec<LossRow> = (0..60).map(|i| row(f64::from(i))).collect();
        let figures = Dle::fit(&reference, 0, 50).expect("enough rows").estimate(&reference, 50);
        assert_eq!(figures[2].value, Err(Unknown::OnlyZeros));
        assert!(figures[0].value.is_ok());
    }
}
