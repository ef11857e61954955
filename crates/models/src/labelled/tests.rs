//! Classification figures against values that were worked out by hand, and every reason for which there is none.

use super::*;

fn rows(rows: &[(&str, &str, &[f64])]) -> Labelled {
    let mut labelled = Labelled::new(&["no", "yes"], Some("yes"));
    for (actual, predicted, probabilities) in rows {
        labelled.push(actual, Some(predicted), probabilities).expect("a row");
    }
    labelled
}

fn score(labelled: &Labelled, metric: Metric) -> Result<f64, Unknown> {
    labelled.score(metric, &vec![1.0; labelled.rows()])
}

#[test]
fn by_hand() {
    // true positives 2, false positives 1, false negatives 1, true negatives 2
    let labelled = rows(&[
        ("yes", "yes", &[0.9]),
        ("yes", "yes", &[0.6]),
        ("yes", "no", &[0.4]),
        ("no", "yes", &[0.6]),
        ("no", "no", &[0.2]),
        ("no", "no", &[0.1]),
    ]);
    let check = |metric: Metric, expected: f64| {
        let ours = score(&labelled, metric).expect("known");
        assert!((ours - expected).abs() < 1e-12, "{metric}: {ours} {expected}");
    };
    check(Metric::Accuracy, 4.0 / 6.0);
    check(Metric::Precision, 2.0 / 3.0);
    check(Metric::Recall, 2.0 / 3.0);
    check(Metric::Specificity, 2.0 / 3.0);
    check(Metric::F1, 2.0 / 3.0);
    // Of 9 pairs: 0.9 wins 3; 0.6 wins 2 and ties 1; 0.4 wins 2.
    check(Metric::RocAuc, 7.5 / 9.0);
    // Recall 1/3 at precision 1, 2/3 at 2/3, 1 at 3/4.
    check(Metric::PrAuc, (1.0 + 2.0 / 3.0 + 3.0 / 4.0) / 3.0);
    check(Metric::Brier, (0.01 + 0.16 + 0.36 + 0.36 + 0.04 + 0.01) / 6.0);
    assert_eq!(labelled.confusion(&[1.0; 6]), [[2.0, 1.0], [1.0, 2.0]]);
    assert!(labelled.metrics().iter().all(|metric| score(&labelled, *metric).is_ok()));
}

#[test]
fn a_figure_that_is_a_division_by_nothing_is_unknown() {
    let check = |labelled: &Labelled, metric: Metric, expected: Unknown| assert_eq!(score(labelled, metric), Err(expected), "{metric}");
    let empty = rows(&[]);
    check(&empty, Metric::Accuracy, Unknown::NoRows);
    check(&empty, Metric::RocAuc, Unknown::NoRows);
    let one = rows(&[("yes", "yes", &[0.9]), ("yes", "yes", &[0.8])]);
    check(&one, Metric::RocAuc, Unknown::OneClass("yes".into()));
    check(&one, Metric::PrAuc, Unknown::OneClass("yes".into()));
    check(&one, Metric::BalancedAccuracy, Unknown::OneClass("yes".into()));
    check(&one, Metric::Specificity, Unknown::ClassAbsent("no".into()));
    assert_eq!(score(&one, Metric::Accuracy), Ok(1.0));
    let never = rows(&[("yes", "no", &[0.4]), ("no", "no", &[0.3])]);
    check(&never, Metric::Precision, Unknown::NeverPredicted("yes".into()));
    assert_eq!(score(&never, Metric::Recall), Ok(0.0));
    let plain = rows(&[("yes", "no", &[]), ("no", "no", &[])]);
    check(&plain, Metric::LogLoss, Unknown::NoProbabilities);
    check(&plain, Metric::R2, Unknown::NotOfThisKind);
    let mut three = Labelled::new(&["a", "b"], None);
    three.push("c", Some("a"), &[0.5, 0.5]).expect("a new class is a row too");
    three.push("a", Some("a"), &[1.0, 0.0]).expect("a row");
    check(&three, Metric::LogLoss, Unknown::NoProbabilityOf("c".into()));
    check(&three, Metric::F1, Unknown::NotBinary);
    assert_eq!(score(&three, Metric::Accuracy), Ok(0.5));
}

#[test]
fn bad_rows_are_left_out_and_counted() {
    let mut labelled = Labelled::new(&["no", "yes"], Some("yes"));
    labelled.push("yes", None, &[0.7]).expect("a row");
    let mut check = |actual: &str, predicted: Option<&str>, probabilities: &[f64], expected: &str| {
        let problem = labelled.push(actual, predicted, probabilities).expect_err("a bad row");
        assert_eq!(problem.to_string(), expected);
    };
    check("yes", None, &[f64::NAN], "the probability NaN is not between 0 and 1");
    check("yes", None, &[1.5], "the probability 1.5 is not between 0 and 1");
    check("yes", None, &[0.2, 0.2], "the probabilities add up to 0.4, not to 1");
    check("yes", None, &[0.2, 0.3, 0.5], "3 probabilities for 2 classes");
    check("yes", Some("yes"), &[], "some rows have probabilities and some have none");
    check("", Some("yes"), &[0.5], "a true value or a prediction is empty");
    assert_eq!((labelled.rows(), labelled.left_out()), (1, 6));
    let mut many = Labelled::new(&[], None);
    assert_eq!(many.push("a", None, &[]), Err(RowProblem::NoPrediction));
    for class in 0..CLASSES_MAX {
        many.push(&class.to_string(), Some("0"), &[]).expect("a row");
    }
    assert_eq!(many.push("one more", Some("0"), &[]), Err(RowProblem::TooManyClasses));
}

#[test]
fn the_class_follows_from_the_probabilities() {
    let mut labelled = Labelled::new(&["no", "yes"], Some("yes")).with_threshold(0.3);
    labelled.push("yes", None, &[0.3]).expect("a row");
    labelled.push("yes", None, &[0.75, 0.25]).expect("a row");
    assert_eq!(labelled.predicted(), [1, 0]);
    let mut three = Labelled::new(&["a", "b", "c"], None);
    three.push("c", None, &[0.2, 0.4, 0.4]).expect("a row");
    assert_eq!(three.predicted(), [1]);
}

/// A resample that happened to leave out the one row of an unheard-of class looked for that class's probabilities all the same.
#[test]
fn a_row_that_takes_no_part_needs_no_probability() {
    let mut labelled = Labelled::new(&["no", "yes"], Some("yes"));
    labelled.push("yes", None, &[0.8]).expect("a row");
    labelled.push("maybe", None, &[0.5]).expect("a row");
    assert_eq!(labelled.score(Metric::LogLoss, &[1.0, 1.0]), Err(Unknown::NoProbabilityOf("maybe".into())));
    assert_eq!(labelled.score(Metric::LogLoss, &[1.0, 0.0]), Ok(-0.8f64.ln()));
}
