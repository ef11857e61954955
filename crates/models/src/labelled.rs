//! Predicted classes beside true ones, with probabilities where there are any, and the figures of classification over them.
//!
//! In:    rows one by one: the true class, the predicted one, one probability per class. Out: counts and figures by their `Metric`.
//! Holds: definitions are scikit-learn's; each figure that is not defined on these rows is `Unknown` with the reason.

use std::sync::OnceLock;

use crate::figure::finite;
use crate::pairs::sorted;
use crate::{Metric, MetricKind, Sample, Unknown, calibration, ranking};

/// More different classes than a model has; a column of free text ends here.
const CLASSES_MAX: usize = 1000;
/// Probabilities of a row add up to 1, but for what was lost in print.
const SUM_TOLERANCE: f64 = 1e-3;

/// Rows of classification, in their order of time where they have one.
#[derive(Debug, Default)]
pub struct Labelled {
    classes: Vec<String>,
    /// Those that came with probabilities; later ones were met in the data.
    known_classes: usize,
    positive: Option<usize>,
    threshold: f64,
    actual: Vec<u32>,
    predicted: Vec<u32>,
    /// One column per known class; empty when the rows have none.
    probabilities: Vec<Vec<f64>>,
    /// Rows by their probability of a class, ascending; made when first asked for.
    orders: Vec<OnceLock<Vec<u32>>>,
    left_out: usize,
    /// Some rows had probabilities, which were not taken: the figures that need them are unknown, not absent.
    dropped_probabilities: bool,
}

/// Why a row was left out.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
pub enum RowProblem {
    #[error("{got} probabilities for {classes} classes")]
    ProbabilityCount { got: usize, classes: usize },
    #[error("the probability {0} is not between 0 and 1")]
    NotAProbability(f64),
    #[error("the probabilities add up to {0}, not to 1")]
    Sum(f64),
    #[error("the row has neither a predicted class nor probabilities")]
    NoPrediction,
    #[error("some rows have probabilities and some have none")]
    Mixed,
    #[error("a true value or a prediction is empty")]
    Empty,
    #[error("more than {CLASSES_MAX} different classes")]
    TooManyClasses,
}

impl Labelled {
    /// `classes`: in the order of the probabilities; without probabilities the list may be empty. Others that the rows have are added.
    /// `positive`: the class that precision, recall and the like are about, where there are two.
    pub fn new(classes: &[&str], positive: Option<&str>) -> Labelled {
        let mut labelled = Labelled { threshold: 0.5, ..Labelled::default() };
        for class in classes {
            let _ = labelled.class(class);
        }
        labelled.known_classes = labelled.classes.len();
        labelled.positive = positive.and_then(|positive| labelled.class(positive)).map(|class| class as usize);
        labelled
    }

    /// Of a binary model: from this probability on the positive class is predicted, where a row does not say its class. 0.5 unless set.
    pub fn with_threshold(mut self, threshold: f64) -> Labelled {
        self.threshold = threshold;
        self
    }

    /// For rows of which only some have probabilities, pushed without them.
    pub(crate) fn without_probabilities(mut self) -> Labelled {
        self.dropped_probabilities = true;
        self
    }

    /// `predicted`: taken from the probabilities when `None`. `probabilities`: one per class, or one alone: that of the positive class.
    pub fn push(&mut self, actual: &str, predicted: Option<&str>, probabilities: &[f64]) -> Result<(), RowProblem> {
        let pushed = self.try_push(actual, predicted, probabilities);
        self.left_out += usize::from(pushed.is_err());
        pushed
    }

    fn try_push(&mut self, actual: &str, predicted: Option<&str>, probabilities: &[f64]) -> Result<(), RowProblem> {
        if actual.is_empty() {
            return Err(RowProblem::Empty);
        }
        if !self.actual.is_empty() && self.probabilities.is_empty() != probabilities.is_empty() {
            return Err(RowProblem::Mixed);
        }
        let row = self.check(predicted, probabilities)?;
        let predicted = match predicted {
            Some(class) => self.class(class).ok_or(RowProblem::TooManyClasses)?,
            None => self.most_likely(&row),
        };
        let actual = self.class(actual).ok_or(RowProblem::TooManyClasses)?;
        if self.probabilities.is_empty() && !row.is_empty() {
            self.probabilities = vec![Vec::new(); row.len()];
            self.orders = row.iter().map(|_| OnceLock::new()).collect();
        }
        for (column, probability) in self.probabilities.iter_mut().zip(&row) {
            column.push(*probability);
        }
        self.orders.iter_mut().for_each(|order| *order = OnceLock::new());
        self.actual.push(actual);
        self.predicted.push(predicted);
        Ok(())
    }

    /// Could this prediction be a row? One probability per known class then.
    pub(crate) fn check(&self, predicted: Option<&str>, probabilities: &[f64]) -> Result<Vec<f64>, RowProblem> {
        let row = self.row_of(probabilities)?;
        match predicted {
            Some("") => Err(RowProblem::Empty),
            None if row.is_empty() => Err(RowProblem::NoPrediction),
            _ => Ok(row),
        }
    }

    /// One probability per known class, checked.
    fn row_of(&self, probabilities: &[f64]) -> Result<Vec<f64>, RowProblem> {
        if let Some(wrong) = probabilities.iter().find(|p| !(0.0..=1.0).contains(*p)) {
            return Err(RowProblem::NotAProbability(*wrong));
        }
        let classes = self.known_classes;
        match (probabilities, self.positive) {
            ([], _) => Ok(Vec::new()),
            ([of_positive], Some(positive)) if classes == 2 && positive < 2 => {
                let mut row = vec![1.0 - of_positive; 2];
                row[positive] = *of_positive;
                Ok(row)
            }
            (all, _) if all.len() == classes => {
                let sum: f64 = all.iter().sum();
                if (sum - 1.0).abs() > SUM_TOLERANCE { Err(RowProblem::Sum(sum)) } else { Ok(all.to_vec()) }
            }
            (all, _) => Err(RowProblem::ProbabilityCount { got: all.len(), classes }),
        }
    }

    fn most_likely(&self, row: &[f64]) -> u32 {
        if let (Some(positive), 2) = (self.positive, row.len()) {
            let is_positive = row[positive] >= self.threshold;
            return if is_positive { positive as u32 } else { 1 - positive as u32 };
        }
        // The first of equals, as NumPy's argmax.
        (0..row.len()).fold(0, |best, class| if row[class] > row[best] { class } else { best }) as u32
    }

    /// The class that is predicted where a row does not say it. `None`: these are no probabilities of a row.
    pub(crate) fn decide(&self, probabilities: &[f64]) -> Option<&str> {
        let row = self.row_of(probabilities).ok().filter(|row| !row.is_empty())?;
        self.classes.get(self.most_likely(&row) as usize).map(String::as_str)
    }

    /// A prediction as a number of a stream: the probability of the positive class, or of the likeliest where there is none; without
    /// probabilities 1 for the positive class, else 0. NaN when it is none of these.
    pub(crate) fn as_number(&self, class: Option<&str>, probabilities: &[f64]) -> f64 {
        let row = self.row_of(probabilities).unwrap_or_default();
        match self.positive {
            Some(positive) if positive < row.len() => row[positive],
            None if !row.is_empty() => row.iter().copied().fold(0.0, f64::max),
            Some(positive) => class.map_or(f64::NAN, |class| f64::from(u8::from(self.classes[positive] == class))),
            None => f64::NAN,
        }
    }

    fn class(&mut self, name: &str) -> Option<u32> {
        if let Some(at) = self.classes.iter().position(|class| class == name) {
            return Some(at as u32);
        }
        if self.classes.len() >= CLASSES_MAX {
            return None;
        }
        self.classes.push(name.to_owned());
        Some(self.classes.len() as u32 - 1)
    }

    pub fn classes(&self) -> &[String] {
        &self.classes
    }

    pub fn positive(&self) -> Option<usize> {
        self.positive
    }

    pub fn actual(&self) -> &[u32] {
        &self.actual
    }

    pub fn predicted(&self) -> &[u32] {
        &self.predicted
    }

    /// The probabilities of a class, one per row.
    pub fn probabilities(&self, class: usize) -> Option<&[f64]> {
        self.probabilities.get(class).map(Vec::as_slice)
    }

    /// `[true class][predicted class]`.
    pub fn confusion(&self, weights: &[f64]) -> Vec<Vec<f64>> {
        let mut matrix = vec![vec![0.0; self.classes.len()]; self.classes.len()];
        for ((actual, predicted), weight) in self.actual.iter().zip(&self.predicted).zip(weights) {
            matrix[*actual as usize][*predicted as usize] += weight;
        }
        matrix
    }

    /// Precision, recall, F1, ROC AUC or average precision of one class against all others; `Unknown` when it is a division by 0.
    pub fn of_class(&self, metric: Metric, class: usize, weights: &[f64]) -> Result<f64, Unknown> {
        if self.actual.is_empty() {
            return Err(Unknown::NoRows);
        }
        match metric {
            Metric::RocAuc => self.roc_auc_of_class(class, weights),
            Metric::PrAuc => self.pr_auc_of_class(class, weights),
            _ => ClassCounts::of(&self.confusion(weights), class).score(metric, &self.classes[class]),
        }
    }

    fn roc_auc_of_class(&self, class: usize, weights: &[f64]) -> Result<f64, Unknown> {
        let (scores, order) = self.column(class)?;
        ranking::roc_auc(scores, order, |row| self.actual[row] as usize == class, weights, &self.classes[class])
    }

    fn pr_auc_of_class(&self, class: usize, weights: &[f64]) -> Result<f64, Unknown> {
        let (scores, order) = self.column(class)?;
        ranking::average_precision(scores, order, |row| self.actual[row] as usize == class, weights, &self.classes[class])
    }

    fn column(&self, class: usize) -> Result<(&[f64], &[u32]), Unknown> {
        let Some(scores) = self.probabilities.get(class) else {
            let known = !self.probabilities.is_empty();
            return Err(if known { Unknown::NoProbabilityOf(self.classes[class].clone()) } else { Unknown::NoProbabilities });
        };
        Ok((scores, self.orders[class].get_or_init(|| sorted(scores.len(), |row| scores[row]))))
    }

    /// Two classes of which one is the positive one.
    fn binary(&self) -> Result<usize, Unknown> {
        self.positive.filter(|_| self.classes.len() == 2).ok_or(Unknown::NotBinary)
    }

    fn average(&self, metric: Metric, by_rows: bool, weights: &[f64]) -> Result<f64, Unknown> {
        let confusion = self.confusion(weights);
        let (mut sum, mut total) = (0.0, 0.0);
        for class in 0..self.classes.len() {
            let counts = ClassCounts::of(&confusion, class);
            // scikit-learn averages over the classes that occur on either side; a division by 0 counts as 0 there.
            if counts.actual + counts.predicted > 0.0 {
                let share = if by_rows { counts.actual } else { 1.0 };
                sum += share * counts.score(metric, "").unwrap_or(0.0);
                total += share;
            }
        }
        finite(sum / total)
    }

    fn balanced_accuracy(&self, weights: &[f64]) -> Result<f64, Unknown> {
        let confusion = self.confusion(weights);
        let counts = (0..self.classes.len()).map(|class| ClassCounts::of(&confusion, class)).filter(|counts| counts.actual > 0.0);
        let recalls: Vec<f64> = counts.map(|counts| counts.both / counts.actual).collect();
        match recalls.as_slice() {
            [_] => Err(Unknown::OneClass(self.only_class(weights))),
            many => finite(many.iter().sum::<f64>() / many.len() as f64),
        }
    }

    fn only_class(&self, weights: &[f64]) -> String {
        let row = weights.iter().position(|weight| *weight > 0.0).unwrap_or(0);
        self.classes[self.actual[row] as usize].clone()
    }

    /// Of the positive class, or the mean over all classes, each against the others.
    fn ranked(&self, by_rows: bool, weights: &[f64], of: impl Fn(usize) -> Result<f64, Unknown>) -> Result<f64, Unknown> {
        self.check_probabilities(weights)?;
        if self.probabilities.len() == 2
            && let Some(positive) = self.positive
        {
            return of(positive);
        }
        let mut shares = vec![0.0; self.probabilities.len()];
        self.actual.iter().zip(weights).for_each(|(actual, weight)| shares[*actual as usize] += weight);
        let (mut sum, mut total) = (0.0, 0.0);
        for (class, share) in shares.iter().enumerate() {
            let share = if by_rows { *share } else { 1.0 };
            sum += share * of(class)?;
            total += share;
        }
        finite(sum / total)
    }

    fn check_probabilities(&self, weights: &[f64]) -> Result<(), Unknown> {
        if self.probabilities.is_empty() {
            return Err(Unknown::NoProbabilities);
        }
        let known = self.probabilities.len();
        match self.actual.iter().zip(weights).find(|(actual, weight)| **weight > 0.0 && **actual as usize >= known) {
            Some((actual, _)) => Err(Unknown::NoProbabilityOf(self.classes[*actual as usize].clone())),
            None => Ok(()),
        }
    }

    fn log_loss(&self, weights: &[f64]) -> Result<f64, Unknown> {
        self.check_probabilities(weights)?;
        let (mut sum, mut total) = (0.0, 0.0);
        // A row that does not take part may be of a class without probabilities.
        for (row, weight) in weights.iter().enumerate().filter(|(_, weight)| **weight > 0.0) {
            let probability = self.probabilities[self.actual[row] as usize][row];
            sum -= weight * probability.clamp(f64::EPSILON, 1.0 - f64::EPSILON).ln();
            total += weight;
        }
        finite(sum / total)
    }

    /// Two classes: the mean of (probability - truth)^2 of one of them. More: the sum over the classes, as Brier had it.
    fn brier(&self, weights: &[f64]) -> Result<f64, Unknown> {
        self.check_probabilities(weights)?;
        let (mut sum, mut total) = (0.0, 0.0);
        for (row, weight) in weights.iter().enumerate() {
            for (class, column) in self.probabilities.iter().enumerate() {
                let truth = f64::from(u8::from(self.actual[row] as usize == class));
                sum += weight * (column[row] - truth) * (column[row] - truth);
            }
            total += weight;
        }
        let half = if self.probabilities.len() == 2 { 0.5 } else { 1.0 };
        finite(half * sum / total)
    }

    /// Reliability: of a binary model how often the positive class came beside its probability; else how often the prediction was right
    /// beside the probability of the predicted class.
    pub fn reliability(&self, bins: usize, weights: &[f64]) -> Result<Vec<calibration::Bin>, Unknown> {
        if self.actual.is_empty() {
            return Err(Unknown::NoRows);
        }
        self.check_probabilities(weights)?;
        let mut table = calibration::Table::new(bins);
        let binary = self.positive.filter(|_| self.probabilities.len() == 2);
        for (row, weight) in weights.iter().enumerate() {
            let class = binary.unwrap_or(self.predicted[row] as usize);
            // A predicted class without a probability: the model gave it none.
            let probability = self.probabilities.get(class).map_or(0.0, |column| column[row]);
            table.add(probability, self.actual[row] as usize == class, *weight);
        }
        Ok(table.bins())
    }
}

impl Sample for Labelled {
    fn kind(&self) -> MetricKind {
        MetricKind::Classification
    }

    fn rows(&self) -> usize {
        self.actual.len()
    }

    fn left_out(&self) -> usize {
        self.left_out
    }

    /// Without those that need a positive class where there is none; without those of probabilities where there are none.
    fn metrics(&self) -> Vec<Metric> {
        use Metric::{Brier, Ece, F1, LogLoss, PrAuc, Precision, Recall, RocAuc, RocAucWeighted, Specificity};
        let binary = self.binary().is_ok();
        let of_binary = |metric: &Metric| matches!(metric, Precision | Recall | Specificity | F1);
        let of_probability = |metric: &Metric| matches!(metric, RocAuc | RocAucWeighted | PrAuc | LogLoss | Brier | Ece);
        Metric::of_kind(MetricKind::Classification)
            .filter(|metric| binary || !of_binary(metric))
            .filter(|metric| !self.probabilities.is_empty() || self.dropped_probabilities || !of_probability(metric))
            .filter(|metric| !(binary && *metric == RocAucWeighted))
            .collect()
    }

    fn score(&self, metric: Metric, weights: &[f64]) -> Result<f64, Unknown> {
        if self.actual.is_empty() {
            return Err(Unknown::NoRows);
        }
        match metric {
            Metric::Accuracy => {
                let right = self.actual.iter().zip(&self.predicted).zip(weights).filter(|((actual, predicted), _)| actual == predicted);
                finite(right.map(|(_, weight)| weight).sum::<f64>() / weights.iter().sum::<f64>())
            }
            Metric::BalancedAccuracy => self.balanced_accuracy(weights),
            Metric::Precision | Metric::Recall | Metric::F1 => self.of_class(metric, self.binary()?, weights),
            // The recall of the other class.
            Metric::Specificity => self.of_class(Metric::Recall, 1 - self.binary()?, weights),
            Metric::PrecisionMacro => self.average(Metric::Precision, false, weights),
            Metric::RecallMacro => self.average(Metric::Recall, false, weights),
            Metric::F1Macro => self.average(Metric::F1, false, weights),
            Metric::PrecisionWeighted => self.average(Metric::Precision, true, weights),
            Metric::RecallWeighted => self.average(Metric::Recall, true, weights),
            Metric::F1Weighted => self.average(Metric::F1, true, weights),
            Metric::RocAuc => self.ranked(false, weights, |class| self.roc_auc_of_class(class, weights)),
            Metric::RocAucWeighted => self.ranked(true, weights, |class| self.roc_auc_of_class(class, weights)),
            Metric::PrAuc => self.ranked(false, weights, |class| self.pr_auc_of_class(class, weights)),
            Metric::LogLoss => self.log_loss(weights),
            Metric::Brier => self.brier(weights),
            Metric::Ece => self.reliability(calibration::BINS, weights).and_then(|bins| finite(calibration::expected_error(&bins))),
            _ => Err(Unknown::NotOfThisKind),
        }
    }

    fn subset(&self, rows: &[usize]) -> Labelled {
        Labelled {
            classes: self.classes.clone(),
            known_classes: self.known_classes,
            positive: self.positive,
            threshold: self.threshold,
            actual: rows.iter().map(|row| self.actual[*row]).collect(),
            predicted: rows.iter().map(|row| self.predicted[*row]).collect(),
            probabilities: self.probabilities.iter().map(|column| rows.iter().map(|row| column[*row]).collect()).collect(),
            orders: self.orders.iter().map(|_| OnceLock::new()).collect(),
            left_out: 0,
            dropped_probabilities: self.dropped_probabilities,
        }
    }
}

/// What a confusion matrix says of one class; also with expected counts, which need not be whole.
#[derive(Clone, Copy, Debug)]
pub(crate) struct ClassCounts {
    pub(crate) both: f64,
    pub(crate) actual: f64,
    pub(crate) predicted: f64,
}

impl ClassCounts {
    pub(crate) fn of(confusion: &[Vec<f64>], class: usize) -> ClassCounts {
        ClassCounts {
            both: confusion[class][class],
            actual: confusion[class].iter().sum(),
            predicted: confusion.iter().map(|row| row[class]).sum(),
        }
    }

    pub(crate) fn score(&self, metric: Metric, name: &str) -> Result<f64, Unknown> {
        match metric {
            Metric::Precision if self.predicted == 0.0 => Err(Unknown::NeverPredicted(name.to_owned())),
            Metric::Precision => finite(self.both / self.predicted),
            Metric::Recall if self.actual == 0.0 => Err(Unknown::ClassAbsent(name.to_owned())),
            Metric::Recall => finite(self.both / self.actual),
            Metric::F1 if self.actual + self.predicted == 0.0 => Err(Unknown::ClassAbsent(name.to_owned())),
            Metric::F1 => finite(2.0 * self.both / (self.actual + self.predicted)),
            _ => Err(Unknown::NotOfThisKind),
        }
    }
}

#[cfg(test)]
mod tests;
