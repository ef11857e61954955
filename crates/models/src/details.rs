//! What a classification looks like inside: each class, the confusion matrix, the reliability bins.

use serde_json::{Value, json};

use crate::{Bin, Labelled, Metric, Sample, Unknown, calibration};

/// One class against all others.
#[derive(Clone, Debug, PartialEq)]
pub struct ClassFigures {
    pub class: String,
    /// Rows whose true value it is, and rows whose prediction it is.
    pub rows: usize,
    pub predicted: usize,
    pub precision: Result<f64, Unknown>,
    pub recall: Result<f64, Unknown>,
    pub f1: Result<f64, Unknown>,
    pub roc_auc: Result<f64, Unknown>,
    pub pr_auc: Result<f64, Unknown>,
}

#[derive(Clone, Debug, PartialEq)]
pub struct ClassDetails {
    /// In the order of the model's classes, then as they were met.
    pub classes: Vec<ClassFigures>,
    /// Rows by `[true class][predicted class]`.
    pub confusion: Vec<Vec<usize>>,
    pub reliability: Result<Vec<Bin>, Unknown>,
}

impl ClassDetails {
    /// Of many classes the matrix is large: it has their number squared.
    pub fn of(labelled: &Labelled) -> ClassDetails {
        let ones = vec![1.0; labelled.rows()];
        let confusion: Vec<Vec<usize>> =
            labelled.confusion(&ones).into_iter().map(|row| row.into_iter().map(|count| count as usize).collect()).collect();
        let figures = |(class, name): (usize, &String)| ClassFigures {
            class: name.clone(),
            rows: confusion[class].iter().sum(),
            predicted: confusion.iter().map(|row| row[class]).sum(),
            precision: labelled.of_class(Metric::Precision, class, &ones),
            recall: labelled.of_class(Metric::Recall, class, &ones),
            f1: labelled.of_class(Metric::F1, class, &ones),
            roc_auc: labelled.of_class(Metric::RocAuc, class, &ones),
            pr_auc: labelled.of_class(Metric::PrAuc, class, &ones),
        };
        let classes = labelled.classes().iter().enumerate().map(figures).collect();
        ClassDetails { classes, reliability: labelled.reliability(calibration::BINS, &ones), confusion }
    }

    pub fn json(&self) -> Value {
        let number = |value: &Result<f64, Unknown>| match value {
            Ok(value) => json!(value),
            Err(reason) => json!({"unknown": reason.word(), "because": reason.to_string()}),
        };
        let class = |class: &ClassFigures| {
            json!({
                "class": class.class, "rows": class.rows, "predicted": class.predicted, "precision": number(&class.precision),
                "recall": number(&class.recall), "f1": number(&class.f1), "roc_auc": number(&class.roc_auc), "pr_auc": number(&class.pr_auc),
            })
        };
        let bin = |bin: &Bin| {
            json!({
                "from": bin.from, "to": bin.to, "rows": bin.rows, "mean_probability": bin.mean_probability, "frequency": bin.frequency,
            })
        };
        let reliability = match &self.reliability {
            Ok(bins) => json!(bins.iter().map(bin).collect::<Vec<_>>()),
            Err(reason) => json!({"unknown": reason.word(), "because": reason.to_string()}),
        };
        json!({"classes": self.classes.iter().map(class).collect::<Vec<_>>(), "confusion": self.confusion, "reliability": reliability})
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn details_of_no_rows_and_of_a_class_that_never_comes() {
        let none = ClassDetails::of(&Labelled::new(&["no", "yes"], Some("yes")));
        assert_eq!((none.classes[1].f1.clone(), none.reliability), (Err(Unknown::NoRows), Err(Unknown::NoRows)));
        let mut labelled = Labelled::new(&["a", "b"], None);
        labelled.push("a", Some("a"), &[]).expect("a row");
        assert_eq!(
            ClassDetails::of(&labelled).json()["classes"][1].to_string(),
            r#"{"class":"b","rows":0,"predicted":0,"precision":{"unknown":"class_never_predicted","because":"no prediction is of the class \"b\""},"recall":{"unknown":"class_absent","because":"no true value is of the class \"b\""},"f1":{"unknown":"class_absent","because":"no true value is of the class \"b\""},"roc_auc":{"unknown":"no_probabilities","because":"predictions have no probabilities"},"pr_auc":{"unknown":"no_probabilities","because":"predictions have no probabilities"}}"#
        );
    }
}
