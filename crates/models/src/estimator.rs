//! Which estimate a model has before its true values are there: learnt once from the reference, asked for each window.

use bellbuoy_drift::{Column, Values};

use crate::baseline::labelled_rows;
use crate::ledger::{Ledger, Slot, labelled};
use crate::{Answer, Cbpe, Dle, Evaluation, FeatureValue, LossRow, ModelKind, ModelSettings, ReferenceRows, Truth, Unknown};

/// Rows to learn from, and rows of a window to estimate over: of more, so many at even distances. The error that this adds is far below
/// the estimate's own.
const ROWS_MAX: usize = 20_000;
/// Of the draws for intervals.
const SEED: u64 = 1;

#[derive(Debug)]
pub(crate) enum Estimator {
    Confidence(Cbpe),
    Loss {
        dle: Dle,
        /// Places in the schema.
        positions: Vec<usize>,
    },
}

impl Estimator {
    /// `features`: name and place in the schema.
    pub(crate) fn fit(settings: &ModelSettings, features: &[(&str, usize)], reference: &ReferenceRows) -> Result<Estimator, Unknown> {
        if !settings.estimates {
            return Err(Unknown::NotAsked);
        }
        let (answers, truths) = labelled_rows(reference).ok_or(Unknown::NoReferenceTruth)?;
        let rows = evenly(answers.len().min(truths.len()));
        match &settings.kind {
            ModelKind::Classification { classes, positive } => {
                let mut known = labelled(classes, positive.as_deref());
                for row in rows {
                    // Without a name: a row of the reference that has no true value.
                    if let (Answer::Class { class, probabilities }, Truth::Class(actual)) = (&answers[row], &truths[row])
                        && !actual.is_empty()
                    {
                        let _ = known.push(actual, class.as_deref(), probabilities);
                    }
                }
                Cbpe::fit(&known, settings.rows_min).map(Estimator::Confidence)
            }
            ModelKind::Regression => {
                let columns: Vec<(&Column, usize)> = features
                    .iter()
                    .filter_map(|(name, position)| Some((reference.columns.iter().find(|column| column.name == *name)?, *position)))
                    .collect();
                let cells: Vec<Vec<FeatureValue>> =
                    rows.iter().map(|row| columns.iter().map(|(column, _)| cell(&column.values, *row)).collect()).collect();
                let numbers = |row: usize| match (&answers[row], &truths[row]) {
                    (Answer::Number(predicted), Truth::Number(actual)) => Some((*predicted, *actual)),
                    _ => None,
                };
                let known: Vec<LossRow> = rows
                    .iter()
                    .zip(&cells)
                    .filter_map(|(row, features)| {
                        let (predicted, actual) = numbers(*row)?;
                        Some(LossRow { features, predicted, actual: Some(actual) })
                    })
                    .collect();
                let dle = Dle::fit(&known, columns.len(), settings.rows_min)?;
                Ok(Estimator::Loss { dle, positions: columns.into_iter().map(|(_, position)| position).collect() })
            }
        }
    }

    pub(crate) fn estimate(&self, ledger: &Ledger, slots: &[Slot], rows_min: usize) -> Evaluation {
        let rows = evenly(slots.len());
        let figures = match self {
            Estimator::Confidence(cbpe) => {
                let rows: Vec<(Option<&str>, &[f64])> = rows.iter().map(|row| ledger.class_of(slots[*row])).collect();
                cbpe.estimate(&rows, rows_min, SEED)
            }
            Estimator::Loss { dle, positions } => {
                let features: Vec<Vec<FeatureValue>> = rows.iter().map(|row| ledger.some_features(slots[*row], positions)).collect();
                let row = |(row, features)| LossRow { features, predicted: ledger.number_of(slots[row]), actual: None };
                let rows: Vec<LossRow> = rows.iter().copied().zip(features.iter().map(Vec::as_slice)).map(row).collect();
                dle.estimate(&rows, rows_min)
            }
        };
        Evaluation { rows: slots.len(), left_out: 0, figures }
    }
}

/// Places of rows, all of them or as many as are looked at.
fn evenly(rows: usize) -> Vec<usize> {
    let count = rows.min(ROWS_MAX);
    (0..count).map(|at| at * rows / count).collect()
}

fn cell(values: &Values, row: usize) -> FeatureValue {
    match values {
        Values::Numbers(numbers) => numbers.get(row).map_or(FeatureValue::Missing, |number| FeatureValue::Number(*number)),
        Values::Integers(numbers) => numbers.get(row).map_or(FeatureValue::Missing, |number| FeatureValue::Number(*number as f64)),
        Values::Times(times) => match times.get(row) {
            Some(time) if *time != bellbuoy_drift::TIME_MISSING => FeatureValue::Number(*time as f64),
            _ => FeatureValue::Missing,
        },
        Values::Categories(texts) => texts.get(row).map_or(FeatureValue::Missing, |text| FeatureValue::Text(text.to_owned())),
    }
}
