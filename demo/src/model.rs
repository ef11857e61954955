//! The model: a gradient boosting regression, and the scores of a regression.

use std::fmt;

use serde::{Deserialize, Serialize};
use smartcore::linalg::basic::matrix::DenseMatrix;
use smartcore::xgboost::{XGRegressor, XGRegressorParameters};

use crate::data::{FEATURES, Features, Row};

/// Plain settings: a common depth and learning rate, and enough trees for an R2 of 0.95 on the training rows. Deeper trees
/// are 0.01 to 0.03 better in summer and tell the same story (docs/decisions/0003-gradient-boosting-crate.md).
const TREES: usize = 150;
const DEPTH: u16 = 4;
const LEARNING_RATE: f64 = 0.1;
/// Rows in a leaf, at least.
const LEAF_ROWS_MIN: usize = 5;

/// A trained model.
#[derive(Serialize, Deserialize)]
pub struct Model {
    trees: XGRegressor<f64, f64, DenseMatrix<f64>, Vec<f64>>,
}

/// How good predictions were.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Score {
    pub rows: usize,
    /// 1 - squared error / squared deviation from the mean; absent when all true values are equal.
    pub r2: Option<f64>,
    /// Root of the mean squared error, in rentals per hour.
    pub rmse: f64,
    /// Mean absolute error, in rentals per hour.
    pub mae: f64,
}

impl Model {
    /// Trains on `rows`. The same rows give the same model: nothing is sampled.
    pub fn train(rows: &[Row]) -> Result<Model, String> {
        if rows.is_empty() {
            return Err("no rows to train on".to_owned());
        }
        let target: Vec<f64> = rows.iter().map(|row| row.bikers).collect();
        let parameters = XGRegressorParameters::default()
            .with_n_estimators(TREES)
            .with_max_depth(DEPTH)
            .with_learning_rate(LEARNING_RATE)
            .with_min_child_weight(LEAF_ROWS_MIN)
            // The first guess is the mean, as in other libraries; the crate's default is 0.5.
            .with_base_score(target.iter().sum::<f64>() / target.len() as f64);
        let features: Vec<Features> = rows.iter().map(|row| row.features).collect();
        let trees = XGRegressor::fit(&matrix(&features)?, &target, parameters).map_err(|error| error.to_string())?;
        Ok(Model { trees })
    }

    /// Rentals per hour, never negative.
    pub fn predict(&self, features: &[Features]) -> Result<Vec<f64>, String> {
        if features.is_empty() {
            return Ok(Vec::new());
        }
        let predictions = self.trees.predict(&matrix(features)?).map_err(|error| error.to_string())?;
        Ok(predictions.into_iter().map(|rentals: f64| rentals.max(0.0)).collect())
    }

    /// The score on rows whose target is known; `None` without rows.
    pub fn evaluate(&self, rows: &[Row]) -> Result<Option<Score>, String> {
        let features: Vec<Features> = rows.iter().map(|row| row.features).collect();
        let predictions = self.predict(&features)?;
        Ok(score(rows.iter().map(|row| row.bikers).zip(predictions)))
    }
}

impl fmt::Debug for Model {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Model")
    }
}

/// The score of (true value, prediction) pairs; `None` without pairs: no data is neither good nor bad.
pub fn score(pairs: impl IntoIterator<Item = (f64, f64)>) -> Option<Score> {
    let pairs: Vec<(f64, f64)> = pairs.into_iter().collect();
    if pairs.is_empty() {
        return None;
    }
    let rows = pairs.len() as f64;
    let mean = pairs.iter().map(|(truth, _)| truth).sum::<f64>() / rows;
    let squared: f64 = pairs.iter().map(|(truth, prediction)| (truth - prediction).powi(2)).sum();
    let deviation: f64 = pairs.iter().map(|(truth, _)| (truth - mean).powi(2)).sum();
    let absolute: f64 = pairs.iter().map(|(truth, prediction)| (truth - prediction).abs()).sum();
    Some(Score {
        rows: pairs.len(),
        r2: (deviation > 0.0).then(|| 1.0 - squared / deviation),
        rmse: (squared / rows).sqrt(),
        mae: absolute / rows,
    })
}

fn matrix(features: &[Features]) -> Result<DenseMatrix<f64>, String> {
    let mut values = Vec::with_capacity(features.len() * FEATURES.len());
    for row in features {
        values.extend(row.values());
    }
    // Row by row; the crate's constructor is told that the values are not column-major.
    DenseMatrix::new(features.len(), FEATURES.len(), values, false).map_err(|error| error.to_string())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::data::Dataset;

    #[test]
    fn scores() {
        assert_eq!(score([]), None);
        let equal = score([(2.0, 1.0), (2.0, 3.0)]).expect("two pairs");
        assert_eq!((equal.r2, equal.rmse, equal.mae), (None, 1.0, 1.0));
        let score = score([(1.0, 1.0), (2.0, 2.0), (3.0, 6.0)]).expect("three pairs");
        assert_eq!((score.rows, score.r2, score.rmse, score.mae), (3, Some(-3.5), 3.0_f64.sqrt(), 1.0));
    }

    #[test]
    fn one_row_and_many_rows_get_the_same_predictions() {
        let rows = Dataset::bikeshare().days(1, 20);
        let model = Model::train(rows).expect("trained");
        let features: Vec<Features> = rows.iter().map(|row| row.features).collect();
        let all = model.predict(&features).expect("predicted");
        for (row, prediction) in features.iter().zip(&all) {
            assert_eq!(model.predict(std::slice::from_ref(row)), Ok(vec![*prediction]));
        }
        assert!(all.iter().all(|rentals| *rentals >= 0.0));
        assert_eq!(model.predict(&[]), Ok(Vec::new()));
    }

    #[test]
    fn no_rows_is_an_error() {
        assert_eq!(Model::train(&[]).err(), Some("no rows to train on".to_owned()));
    }
}
