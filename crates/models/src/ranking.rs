//! How well scores order the rows: the areas under the ROC curve and under the precision-recall curve.

use crate::Unknown;
use crate::figure::finite;

/// The chance that a row of the class has the higher score than a row of another class; equal scores count half.
/// `order`: the rows by their score, ascending.
pub(crate) fn roc_auc(
    scores: &[f64],
    order: &[u32],
    is_class: impl Fn(usize) -> bool,
    weights: &[f64],
    name: &str,
) -> Result<f64, Unknown> {
    let (mut inside_below, mut outside_below, mut area) = (0.0, 0.0, 0.0);
    each_tie(scores, order.iter(), &is_class, weights, |inside, outside| {
        area += inside * (outside_below + 0.5 * outside);
        inside_below += inside;
        outside_below += outside;
    });
    both_sides(inside_below, outside_below, name)?;
    finite(area / (inside_below * outside_below))
}

/// scikit-learn's `average_precision_score`: the sum of precision times the recall won at each score, without interpolation.
pub(crate) fn average_precision(
    scores: &[f64],
    order: &[u32],
    is_class: impl Fn(usize) -> bool,
    weights: &[f64],
    name: &str,
) -> Result<f64, Unknown> {
    let (mut inside_above, mut outside_above, mut sum) = (0.0, 0.0, 0.0);
    each_tie(scores, order.iter().rev(), &is_class, weights, |inside, outside| {
        inside_above += inside;
        outside_above += outside;
        if inside > 0.0 {
            sum += inside * inside_above / (inside_above + outside_above);
        }
    });
    both_sides(inside_above, outside_above, name)?;
    finite(sum / inside_above)
}

/// Rows of one class alone have no order to be right or wrong about.
fn both_sides(inside: f64, outside: f64, name: &str) -> Result<(), Unknown> {
    if inside == 0.0 {
        return Err(Unknown::ClassAbsent(name.to_owned()));
    }
    if outside == 0.0 {
        return Err(Unknown::OneClass(name.to_owned()));
    }
    Ok(())
}

/// The weights inside and outside of the class, for each score that occurs.
fn each_tie<'a>(
    scores: &[f64],
    order: impl Iterator<Item = &'a u32>,
    is_class: &impl Fn(usize) -> bool,
    weights: &[f64],
    mut tie: impl FnMut(f64, f64),
) {
    let (mut inside, mut outside) = (0.0, 0.0);
    let mut score = f64::NAN;
    for row in order {
        let row = *row as usize;
        if scores[row] != score {
            tie(inside, outside);
            (inside, outside, score) = (0.0, 0.0, scores[row]);
        }
        if is_class(row) { inside += weights[row] } else { outside += weights[row] }
    }
    tie(inside, outside);
}
