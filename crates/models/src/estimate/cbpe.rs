//! Confidence-based performance estimation: calibrated probabilities say how many predictions of a window will turn out right.
//!
//! Each row stands for as many rows as there are classes, each with its calibrated probability as weight; then every figure of
//! classification is computed as from true values. For AUC, F1 and the like this is NannyML's definition.

use super::isotonic::Isotonic;
use crate::bootstrap::SplitMix64;
use crate::{Figure, Interval, Labelled, Metric, Sample, Source, Unknown};

/// Folds on which it is tried whether calibration helps, and bins of equal size to measure it; NannyML's numbers.
const FOLDS: usize = 10;
const ECE_BINS: usize = 10;
/// Labels are drawn so often for the interval.
const DRAWS: usize = 300;
const LEVEL: f64 = 0.95;

#[derive(Clone, Debug)]
pub struct Cbpe {
    classes: Vec<String>,
    positive: Option<usize>,
    /// One per class; of two classes with a positive one only that. `None`: the probabilities are as good as they are.
    lines: Vec<Option<Isotonic>>,
}

impl Cbpe {
    /// From a reference with true values that the model was not trained on.
    pub fn fit(reference: &Labelled, rows_min: usize) -> Result<Cbpe, Unknown> {
        match reference.rows() {
            0 => return Err(Unknown::NoRows),
            rows if rows < rows_min.max(2 * FOLDS) => return Err(Unknown::TooFewRows { rows, rows_min: rows_min.max(2 * FOLDS) }),
            _ => {}
        }
        let columns: Vec<&[f64]> = (0..reference.classes().len()).map_while(|class| reference.probabilities(class)).collect();
        if columns.is_empty() {
            return Err(Unknown::NoProbabilities);
        }
        let binary = reference.positive().filter(|_| columns.len() == 2);
        let mut lines = Vec::with_capacity(columns.len());
        for (class, column) in columns.iter().enumerate() {
            if binary.is_some_and(|positive| positive != class) {
                lines.push(None);
                continue;
            }
            let truth = reference.actual().iter().map(|actual| f64::from(u8::from(*actual as usize == class)));
            let points: Vec<(f64, f64)> = column.iter().copied().zip(truth).collect();
            let known = points.iter().filter(|(_, truth)| *truth > 0.0).count();
            if known == 0 {
                return Err(Unknown::ClassAbsent(reference.classes()[class].clone()));
            }
            if known == points.len() {
                return Err(Unknown::OneClass(reference.classes()[class].clone()));
            }
            lines.push(helps(&points).then(|| Isotonic::fit(&points)));
        }
        Ok(Cbpe { classes: reference.classes()[..columns.len()].to_vec(), positive: binary, lines })
    }

    /// Does the model's probability of a class need calibration?
    pub fn calibrates(&self, class: usize) -> bool {
        self.lines.get(class).is_some_and(Option::is_some)
    }

    /// Over rows without true values: predicted class and probabilities (one per class of the reference, or that of the positive one).
    /// `seed`: of the draws for the intervals, which say where the realised figure will lie if the calibration still holds.
    pub fn estimate(&self, rows: &[(Option<&str>, &[f64])], rows_min: usize, seed: u64) -> Vec<Figure> {
        let mut sample = self.empty();
        let mut expanded = self.empty();
        let (mut weights, mut starts) = (Vec::new(), Vec::new());
        for (predicted, probabilities) in rows {
            // A class without its probability foretells nothing.
            if probabilities.is_empty() {
                continue;
            }
            // The true class plays no part in what is read back from here.
            if sample.push(&self.classes[0], *predicted, probabilities).is_err() {
                continue;
            }
            let row = sample.rows() - 1;
            let all: Vec<f64> = (0..self.classes.len()).filter_map(|class| sample.probabilities(class)).map(|column| column[row]).collect();
            let predicted = sample.classes()[sample.predicted()[row] as usize].clone();
            starts.push(weights.len());
            for (class, weight) in self.calibrated(&all).into_iter().enumerate() {
                if expanded.push(&self.classes[class], Some(&predicted), &all).is_ok() {
                    weights.push(weight);
                }
            }
        }
        starts.push(weights.len());
        let count = sample.rows();
        let reason = match count {
            0 if !rows.is_empty() && rows.iter().all(|(_, probabilities)| probabilities.is_empty()) => Some(Unknown::NoProbabilities),
            0 => Some(Unknown::NoRows),
            rows if rows < rows_min => Some(Unknown::TooFewRows { rows, rows_min }),
            _ => None,
        };
        let metrics = if count == 0 { Metric::of_kind(self.empty().kind()).collect() } else { expanded.metrics() };
        if let Some(reason) = reason {
            return metrics
                .into_iter()
                .map(|metric| Figure::unknown(metric, reason.clone(), count, Source::EstimatedByConfidence))
                .collect();
        }
        let drawn = draws(&expanded, &metrics, &weights, &starts, seed);
        let figure = |(metric, interval): (&Metric, Result<Interval, Unknown>)| Figure {
            metric: *metric,
            value: expanded.score(*metric, &weights),
            interval,
            rows: count,
            source: Source::EstimatedByConfidence,
        };
        metrics.iter().zip(drawn).map(figure).collect()
    }

    fn empty(&self) -> Labelled {
        let classes: Vec<&str> = self.classes.iter().map(String::as_str).collect();
        Labelled::new(&classes, self.positive.map(|positive| classes[positive]))
    }

    fn calibrated(&self, row: &[f64]) -> Vec<f64> {
        let line = |class: usize| self.lines[class].as_ref().map_or(row[class], |line| line.at(row[class]));
        if let Some(positive) = self.positive {
            let mut out = vec![1.0 - line(positive); 2];
            out[positive] = line(positive);
            return out;
        }
        let all: Vec<f64> = (0..row.len()).map(line).collect();
        let sum: f64 = all.iter().sum();
        // No class is likely: each is as likely as the next.
        if sum == 0.0 { vec![1.0 / row.len() as f64; row.len()] } else { all.iter().map(|probability| probability / sum).collect() }
    }
}

/// The figures' spread when each row's true class is drawn from its calibrated probabilities.
fn draws(expanded: &Labelled, metrics: &[Metric], weights: &[f64], starts: &[usize], seed: u64) -> Vec<Result<Interval, Unknown>> {
    let mut random = SplitMix64(seed);
    let mut values: Vec<Vec<f64>> = vec![Vec::with_capacity(DRAWS); metrics.len()];
    let mut chosen = vec![0.0; weights.len()];
    for _ in 0..DRAWS {
        chosen.fill(0.0);
        for row in starts.windows(2) {
            let mut left = random.unit();
            let mut at = row[0];
            while at + 1 < row[1] && left >= weights[at] {
                left -= weights[at];
                at += 1;
            }
            chosen[at] = 1.0;
        }
        for (values, metric) in values.iter_mut().zip(metrics) {
            values.extend(expanded.score(*metric, &chosen).ok());
        }
    }
    values.into_iter().map(|mut values| crate::bootstrap::middle(&mut values, DRAWS, LEVEL)).collect()
}

/// Is the calibration error on rows that were held back smaller after calibration than before?
fn helps(points: &[(f64, f64)]) -> bool {
    let (mut before, mut after) = (Vec::new(), Vec::new());
    // Rows are dealt out class by class, so that each fold has its share of both.
    let mut dealt = [0usize; 2];
    let mut folds = Vec::with_capacity(points.len());
    for (_, truth) in points {
        let dealt = &mut dealt[usize::from(*truth > 0.0)];
        folds.push(*dealt % FOLDS);
        *dealt += 1;
    }
    for fold in 0..FOLDS {
        let train: Vec<(f64, f64)> = points.iter().zip(&folds).filter(|(_, of)| **of != fold).map(|(point, _)| *point).collect();
        let line = Isotonic::fit(&train);
        for ((probability, truth), _) in points.iter().zip(&folds).filter(|(_, of)| **of == fold) {
            before.push((*probability, *truth));
            after.push((line.at(*probability), *truth));
        }
    }
    calibration_error(before) > calibration_error(after)
}

/// Over bins of equal size, by order of probability.
fn calibration_error(mut points: Vec<(f64, f64)>) -> f64 {
    points.sort_by(|a, b| a.0.total_cmp(&b.0));
    let size = (points.len() / ECE_BINS).max(1);
    let error = |bin: &[(f64, f64)]| bin.iter().map(|(probability, truth)| probability - truth).sum::<f64>().abs();
    points.chunks(size).map(error).sum::<f64>() / points.len() as f64
}

#[cfg(test)]
mod tests {
    use super::*;

    fn reference(rows: usize) -> Labelled {
        // The model says p, but p * p comes true.
        let mut labelled = Labelled::new(&["no", "yes"], Some("yes"));
        for i in 0..rows {
            let p = (i % 20) as f64 / 20.0;
            let came = ((i / 20) as f64 * 0.618_033_988_749_895).fract() < p * p;
            labelled.push(if came { "yes" } else { "no" }, None, &[p]).expect("a row");
        }
        labelled
    }

    #[test]
    fn an_overconfident_model_is_calibrated_and_its_accuracy_foretold() {
        let cbpe = Cbpe::fit(&reference(4000), 50).expect("enough rows");
        assert!(cbpe.calibrates(1));
        let probabilities: Vec<f64> = (0..1000).map(|i| (i % 20) as f64 / 20.0).collect();
        let rows: Vec<(Option<&str>, &[f64])> = probabilities.iter().map(|p| (None, std::slice::from_ref(p))).collect();
        let figures = cbpe.estimate(&rows, 50, 1);
        let accuracy = figures.iter().find(|figure| figure.metric == Metric::Accuracy).expect("an estimate");
        let came = |i: usize| (i as f64 / 20.0).powi(2);
        let expected: f64 = (0..20).map(|i| if i >= 10 { came(i) } else { 1.0 - came(i) }).sum::<f64>() / 20.0;
        let value = accuracy.value.clone().expect("known");
        assert!((value - expected).abs() < 0.01, "{value} {expected}");
        let interval = accuracy.interval.clone().expect("known");
        assert!(interval.low < value && value < interval.high && interval.high - interval.low < 0.06, "{interval:?}");
        assert!(accuracy.source.is_estimate());
        assert_eq!(figures, cbpe.estimate(&rows, 50, 1), "seeded");
    }

    #[test]
    fn what_cannot_be_estimated_is_unknown() {
        let check = |fitted: Result<Cbpe, Unknown>, expected: Unknown| assert_eq!(fitted.err(), Some(expected));
        check(Cbpe::fit(&reference(0), 50), Unknown::NoRows);
        check(Cbpe::fit(&reference(10), 5), Unknown::TooFewRows { rows: 10, rows_min: 20 });
        let mut one = Labelled::new(&["no", "yes"], Some("yes"));
        (0..100).for_each(|_| one.push("no", None, &[0.1]).expect("a row"));
        check(Cbpe::fit(&one, 50), Unknown::ClassAbsent("yes".into()));
        let mut plain = Labelled::new(&["no", "yes"], Some("yes"));
        (0..100).for_each(|_| plain.push("no", Some("no"), &[]).expect("a row"));
        check(Cbpe::fit(&plain, 50), Unknown::NoProbabilities);
        let cbpe = Cbpe::fit(&reference(400), 50).expect("enough rows");
        for rows in [vec![], vec![(None, &[f64::NAN][..])], vec![(None, &[0.5][..])]] {
            let figures = cbpe.estimate(&rows, 50, 1);
            assert!(figures.len() > 10 && figures.iter().all(|figure| figure.value.is_err()), "{figures:?}");
        }
    }

    /// Rows that came as classes alone, before or after others with probabilities, once ended the judgement with a panic.
    #[test]
    fn rows_without_probabilities_foretell_nothing() {
        let cbpe = Cbpe::fit(&reference(400), 50).expect("enough rows");
        let plain: Vec<(Option<&str>, &[f64])> = vec![(Some("yes"), &[]); 60];
        let figures = cbpe.estimate(&plain, 50, 1);
        assert!(figures.iter().all(|figure| figure.value == Err(Unknown::NoProbabilities)), "{figures:?}");
        let likely: Vec<(Option<&str>, &[f64])> = vec![(None, &[0.9]); 60];
        let mixed: Vec<(Option<&str>, &[f64])> = plain.iter().chain(&likely).copied().collect();
        assert_eq!(cbpe.estimate(&mixed, 50, 1), cbpe.estimate(&likely, 50, 1));
    }
}
