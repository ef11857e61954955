//! How far predictions are from the true values: regression.

use bellbuoy_vocabulary::Timestamp;

use crate::Outcome;

/// A prediction with its true value.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Scored {
    pub at: Timestamp,
    pub actual: f64,
    pub predicted: f64,
}

/// The figures over one window or test set. R2, RMSE and MAE as scikit-learn defines them.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Performance {
    pub r2: f64,
    /// In the target's unit, as MAE.
    pub rmse: f64,
    pub mae: f64,
    pub rows: usize,
    /// Times of the first and the last row; both 0 where only the figures are known.
    pub from: Timestamp,
    pub to: Timestamp,
}

impl Performance {
    /// From figures that somebody else computed.
    pub fn of_scores(r2: f64, rmse: f64, mae: f64, rows: usize) -> Performance {
        Performance { r2, rmse, mae, rows, from: Timestamp(0), to: Timestamp(0) }
    }
}

/// The figures over pairs of numbers.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Regression {
    pub r2: f64,
    pub rmse: f64,
    pub mae: f64,
    /// Pairs that were used: those with a number that is not finite are left out.
    pub rows: usize,
    /// Mean of prediction - true value.
    pub mean_error: f64,
    pub max_absolute_error: f64,
}

/// Why there are no figures.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum NoFigures {
    #[error("no prediction has its true value yet")]
    NoRows,
    #[error("the true value is the same in all {0} rows, so R2 is not defined")]
    ConstantTarget(usize),
    #[error("the numbers are too large to be squared")]
    Overflow,
}

/// Over (prediction, true value) pairs.
pub fn regression(pairs: impl IntoIterator<Item = (f64, f64)>) -> Result<Regression, NoFigures> {
    let usable = |(prediction, actual): &(f64, f64)| prediction.is_finite() && actual.is_finite();
    let pairs: Vec<(f64, f64)> = pairs.into_iter().filter(usable).collect();
    if pairs.is_empty() {
        return Err(NoFigures::NoRows);
    }
    let first = pairs[0].1;
    if pairs.iter().all(|(_, actual)| *actual == first) {
        return Err(NoFigures::ConstantTarget(pairs.len()));
    }
    let n = pairs.len() as f64;
    let mean = pairs.iter().map(|(_, actual)| actual).sum::<f64>() / n;
    let (mut squares, mut spread, mut absolute, mut signed, mut largest) = (0.0, 0.0, 0.0, 0.0, 0.0f64);
    for (prediction, actual) in &pairs {
        let error = prediction - actual;
        squares += error * error;
        spread += (actual - mean) * (actual - mean);
        absolute += error.abs();
        signed += error;
        largest = largest.max(error.abs());
    }
    let r2 = 1.0 - squares / spread;
    if !r2.is_finite() || !squares.is_finite() {
        return Err(NoFigures::Overflow);
    }
    Ok(Regression {
        r2,
        rmse: (squares / n).sqrt(),
        mae: absolute / n,
        rows: pairs.len(),
        mean_error: signed / n,
        max_absolute_error: largest,
    })
}

/// Over the rows of a window, oldest first; unknown below `rows_min`.
pub fn performance(rows: &[Scored], rows_min: usize) -> Outcome<Performance> {
    if rows.len() < rows_min && !rows.is_empty() {
        return Outcome::Unknown(format!("{} rows with true values, {rows_min} are needed", rows.len()));
    }
    match regression(rows.iter().map(|row| (row.predicted, row.actual))) {
        Err(reason) => Outcome::Unknown(reason.to_string()),
        Ok(figures) => Outcome::Known(Performance {
            r2: figures.r2,
            rmse: figures.rmse,
            mae: figures.mae,
            rows: figures.rows,
            from: rows.iter().map(|row| row.at).min().unwrap_or_default(),
            to: rows.iter().map(|row| row.at).max().unwrap_or_default(),
        }),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn known_values() {
        // Example of scikit-learn's documentation of r2_score.
        let figures = regression([(2.5, 3.0), (0.0, -0.5), (2.0, 2.0), (8.0, 7.0)]).expect("figures");
        assert!((figures.r2 - 0.9486081370449679).abs() < 1e-15);
        assert!((figures.rmse - 0.375f64.sqrt()).abs() < 1e-15);
        assert_eq!((figures.mae, figures.mean_error, figures.max_absolute_error, figures.rows), (0.5, 0.25, 1.0, 4));
    }

    #[test]
    fn no_figures_have_a_reason() {
        let check = |pairs: &[(f64, f64)], reason: NoFigures| assert_eq!(regression(pairs.iter().copied()), Err(reason));
        check(&[], NoFigures::NoRows);
        check(&[(f64::NAN, 1.0), (1.0, f64::INFINITY)], NoFigures::NoRows);
        check(&[(1.0, 5.0), (2.0, 5.0)], NoFigures::ConstantTarget(2));
        check(&[(1e300, 0.0), (0.0, 1e300)], NoFigures::Overflow);
        let row = |at: i64| Scored { at: Timestamp(at), actual: at as f64, predicted: at as f64 + 1.0 };
        let few = performance(&[row(1), row(2)], 3);
        assert_eq!(few, Outcome::Unknown("2 rows with true values, 3 are needed".into()));
        assert_eq!(performance(&[], 3), Outcome::Unknown("no prediction has its true value yet".into()));
        let Outcome::Known(known) = performance(&[row(1), row(2), row(5)], 3) else { panic!("known") };
        assert_eq!((known.from, known.to, known.rows, known.mae), (Timestamp(1), Timestamp(5), 3, 1.0));
    }
}
