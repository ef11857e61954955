//! The service's own quick look at drift, for `/drift`: Jensen-Shannon distance per feature.
//!
//! 0 for equal distributions, 1 for disjoint ones, without tables of p-values. bellbuoy judges drift on its own, with tests of
//! its own; a team's service often has a figure like this one, and both can be compared on the pages.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::data::{FEATURES, Features};

/// A feature has drifted when its distance is above this: the usual line for this distance.
pub const DRIFTED_ABOVE: f64 = 0.1;
/// Rows on each side, at least: four days of hours.
pub const DRIFT_ROWS_MIN: usize = 96;
/// Drift is detected when this share of the features has drifted.
const DETECTED_FROM_SHARE: f64 = 0.5;
/// Values of a numeric feature are put into this many equal bins between the lowest and the highest of both sides.
const BINS: usize = 20;

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct DriftReport {
    pub detected: bool,
    /// Drifted features / all features.
    pub share: f64,
    pub drifted: Vec<String>,
    /// Mean of the scores, 0 to 1.
    pub score: f64,
    /// Jensen-Shannon distance by feature, 0 to 1.
    pub features: BTreeMap<String, f64>,
    pub reference_rows: usize,
    pub current_rows: usize,
}

/// Compares two samples; `None` when one of them has fewer than `DRIFT_ROWS_MIN` rows: few rows differ by chance alone.
pub fn drift(reference: &[Features], current: &[Features]) -> Option<DriftReport> {
    if reference.len().min(current.len()) < DRIFT_ROWS_MIN {
        return None;
    }
    let mut features = BTreeMap::new();
    let mut drifted = Vec::new();
    for (index, name) in FEATURES.into_iter().enumerate() {
        let column = |rows: &[Features]| -> Vec<f64> { rows.iter().map(|row| row.values()[index]).collect() };
        let distance = jensen_shannon(&column(reference), &column(current));
        if distance > DRIFTED_ABOVE {
            drifted.push(name.to_owned());
        }
        features.insert(name.to_owned(), distance);
    }
    let share = drifted.len() as f64 / FEATURES.len() as f64;
    Some(DriftReport {
        detected: share >= DETECTED_FROM_SHARE,
        share,
        drifted,
        score: features.values().sum::<f64>() / FEATURES.len() as f64,
        features,
        reference_rows: reference.len(),
        current_rows: current.len(),
    })
}

/// Square root of the Jensen-Shannon divergence with logarithms to base 2, of two non-empty samples.
fn jensen_shannon(reference: &[f64], current: &[f64]) -> f64 {
    let low = reference.iter().chain(current).copied().fold(f64::INFINITY, f64::min);
    let high = reference.iter().chain(current).copied().fold(f64::NEG_INFINITY, f64::max);
    let shares = |values: &[f64]| {
        let mut shares = [0.0; BINS];
        for value in values {
            let bin = if high > low { ((value - low) / (high - low) * BINS as f64) as usize } else { 0 };
            shares[bin.min(BINS - 1)] += 1.0 / values.len() as f64;
        }
        shares
    };
    let (p, q) = (shares(reference), shares(current));
    let mut divergence = 0.0;
    for (p, q) in p.into_iter().zip(q) {
        let middle = (p + q) / 2.0;
        for share in [p, q] {
            if share > 0.0 {
                divergence += share * (share / middle).log2() / 2.0;
            }
        }
    }
    divergence.clamp(0.0, 1.0).sqrt()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::data::Dataset;

    #[test]
    fn the_distance_is_0_for_equal_and_1_for_disjoint_samples() {
        assert_eq!(jensen_shannon(&[1.0, 2.0, 3.0], &[3.0, 1.0, 2.0]), 0.0);
        assert!((jensen_shannon(&[0.0; 9], &[1.0; 4]) - 1.0).abs() < 1e-12);
        assert_eq!(jensen_shannon(&[5.0], &[5.0]), 0.0);
        // Half of the mass moved to a new place: sqrt(0.75 log2(4/3) - 0.5 log2(2/3) ... ) worked out by hand.
        let by_hand: f64 = 0.5 * (4.0f64 / 3.0).log2() + 0.25 * (2.0f64 / 3.0).log2() + 0.25;
        assert!((jensen_shannon(&[0.0, 0.0], &[0.0, 1.0]) - by_hand.sqrt()).abs() < 1e-12);
    }

    #[test]
    fn summer_differs_from_winter() {
        let column = |from, to| -> Vec<Features> { Dataset::bikeshare().days(from, to).iter().map(|row| row.features).collect() };
        let report = drift(&column(1, 120), &column(190, 210)).expect("rows");
        assert!(report.detected && report.drifted.contains(&"temp".to_owned()), "{report:?}");
        assert!(!report.drifted.contains(&"hr".to_owned()), "{report:?}");
        assert_eq!(drift(&column(1, 120), &[]), None);
        assert_eq!(drift(&column(1, 120), &column(7, 9)), None);
        assert_eq!(drift(&column(1, 120), &column(1, 120)).map(|report| report.share), Some(0.0));
    }
}
