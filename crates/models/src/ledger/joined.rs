//! Rows with their true values, as the figures take them.

use super::CLASSES_MAX;
use crate::{Evaluation, EvaluationOptions, Labelled, Metric, Pairs, Sample as _};

/// Rows with their true values.
#[derive(Debug)]
pub(crate) enum Joined {
    Numbers(Pairs),
    Classes(Labelled),
}

impl Joined {
    /// True class, predicted class, probabilities. When only some rows have probabilities, all count by their class and the figures that
    /// need probabilities are unknown: over the others alone they would be about other rows than the figures beside them.
    pub(super) fn classes<'a>(
        classes: &[String],
        positive: Option<&str>,
        rows: impl Iterator<Item = (&'a str, Option<&'a str>, &'a [f64])> + Clone,
    ) -> Joined {
        let mut out = labelled(classes, positive);
        let without = rows.clone().filter(|(_, _, probabilities)| probabilities.is_empty()).count();
        let mixed = without > 0 && without < rows.clone().count();
        for (actual, class, probabilities) in rows {
            // A row that cannot be used is counted by `left_out`.
            if mixed {
                let decided = class.or_else(|| out.decide(probabilities)).map(str::to_owned);
                let _ = out.push(actual, decided.as_deref(), &[]);
            } else {
                let _ = out.push(actual, class, probabilities);
            }
        }
        Joined::Classes(if mixed { out.without_probabilities() } else { out })
    }

    pub(crate) fn evaluation(&self, options: &EvaluationOptions) -> Evaluation {
        match self {
            Joined::Numbers(pairs) => Evaluation::of(pairs, options),
            Joined::Classes(labelled) => Evaluation::of(labelled, options),
        }
    }

    pub(crate) fn evaluation_of(&self, metrics: &[Metric], options: &EvaluationOptions) -> Evaluation {
        match self {
            Joined::Numbers(pairs) => Evaluation::of_metrics(pairs, metrics, options),
            Joined::Classes(labelled) => Evaluation::of_metrics(labelled, metrics, options),
        }
    }

    pub(crate) fn into_classes(self) -> Option<Labelled> {
        if let Joined::Classes(labelled) = self { Some(labelled) } else { None }
    }

    /// Figures that these rows can have.
    pub(crate) fn metrics(&self) -> Vec<Metric> {
        match self {
            Joined::Numbers(pairs) => pairs.metrics(),
            Joined::Classes(labelled) => labelled.metrics(),
        }
    }
}

pub(crate) fn labelled(classes: &[String], positive: Option<&str>) -> Labelled {
    let classes: Vec<&str> = classes.iter().take(CLASSES_MAX).map(String::as_str).collect();
    Labelled::new(&classes, positive)
}
