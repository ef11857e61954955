//! What holds for all rows: their order does not matter, a score turned round turns the AUC round, perfect is perfect, constant is known as such.

use bellbuoy_models::{Evaluation, EvaluationOptions, Labelled, Metric, Pairs, Resampling, Sample, Unknown};
use proptest::prelude::*;

fn all(sample: &impl Sample) -> Vec<(Metric, Result<f64, Unknown>)> {
    let ones = vec![1.0; sample.rows()];
    sample.metrics().into_iter().map(|metric| (metric, sample.score(metric, &ones))).collect()
}

fn same(left: &[(Metric, Result<f64, Unknown>)], right: &[(Metric, Result<f64, Unknown>)]) -> Result<(), TestCaseError> {
    prop_assert_eq!(left.len(), right.len());
    for ((metric, left), (_, right)) in left.iter().zip(right) {
        match (left, right) {
            (Ok(left), Ok(right)) => {
                prop_assert!((left - right).abs() <= 1e-9 * left.abs().max(right.abs()).max(1.0), "{} {} {}", metric, left, right);
            }
            (Err(left), Err(right)) => prop_assert_eq!(left, right),
            _ => prop_assert!(false, "{}: {:?} {:?}", metric, left, right),
        }
    }
    Ok(())
}

fn labelled(rows: &[(bool, f64)], turned: bool) -> Labelled {
    let mut labelled = Labelled::new(&["no", "yes"], Some("yes"));
    for (is, probability) in rows {
        let probability = if turned { 1.0 - probability } else { *probability };
        labelled.push(if *is { "yes" } else { "no" }, None, &[probability]).expect("a row");
    }
    labelled
}

/// Probabilities in steps of 1/16, so that many are equal and 1 - p is exact.
fn scored() -> impl Strategy<Value = Vec<(bool, f64)>> {
    prop::collection::vec((any::<bool>(), (0u32..=16).prop_map(|step| f64::from(step) / 16.0)), 1..60)
}

/// Any f64 at all, NaN and infinities among them.
fn any_pairs() -> impl Strategy<Value = Vec<(f64, f64)>> {
    let number = prop_oneof![-1e3..1e3f64, any::<f64>(), Just(f64::NAN), Just(0.0)];
    prop::collection::vec((number.clone(), number), 0..40)
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn the_order_of_rows_does_not_matter(rows in prop::collection::vec((-1e3..1e3f64, -1e3..1e3f64), 2..50), at in any::<prop::sample::Index>()) {
        let mut turned = rows.clone();
        turned.rotate_left(at.index(rows.len()));
        turned.reverse();
        same(&all(&Pairs::new(rows)), &all(&Pairs::new(turned)))?;
    }

    #[test]
    fn the_order_of_labelled_rows_does_not_matter(rows in scored(), at in any::<prop::sample::Index>()) {
        let mut turned = rows.clone();
        turned.rotate_left(at.index(rows.len()));
        turned.reverse();
        let (left, right) = (labelled(&rows, false), labelled(&turned, false));
        // The reason of an unknown figure may name a class; it is the same class.
        same(&all(&left), &all(&right))?;
    }

    #[test]
    fn a_score_turned_round_turns_the_auc_round(rows in scored()) {
        let score = |turned| {
            let labelled = labelled(&rows, turned);
            labelled.score(Metric::RocAuc, &vec![1.0; rows.len()])
        };
        if let (Ok(auc), Ok(turned)) = (score(false), score(true)) {
            prop_assert!((auc + turned - 1.0).abs() < 1e-12);
        }
    }

    #[test]
    fn every_figure_is_finite_or_unknown(rows in any_pairs()) {
        let options = EvaluationOptions { rows_min: 1, resampling: Some(Resampling { resamples: 20, ..Resampling::default() }), ..EvaluationOptions::default() };
        let count = rows.len();
        let pairs = Pairs::new(rows);
        prop_assert_eq!(pairs.rows() + pairs.left_out(), count);
        for figure in Evaluation::of(&pairs, &options).figures {
            if let Ok(value) = figure.value {
                prop_assert!(value.is_finite(), "{} {}", figure.metric, value);
            }
            if let Ok(interval) = figure.interval {
                prop_assert!(interval.low.is_finite() && interval.low <= interval.high, "{} {:?}", figure.metric, interval);
            }
        }
    }

    #[test]
    fn shares_lie_between_0_and_1(rows in scored()) {
        for (metric, value) in all(&labelled(&rows, false)) {
            if let (Ok(value), false) = (value, metric == Metric::LogLoss) {
                prop_assert!((-1e-12..=1.0 + 1e-12).contains(&value), "{} {}", metric, value);
            }
        }
    }

    #[test]
    fn perfect_predictions_are_perfect(actual in prop::collection::vec(any::<bool>(), 2..50)) {
        prop_assume!(actual.contains(&true) && actual.contains(&false));
        let rows: Vec<(bool, f64)> = actual.iter().map(|is| (*is, f64::from(u8::from(*is)))).collect();
        for (metric, value) in all(&labelled(&rows, false)) {
            let best = f64::from(u8::from(!matches!(metric, Metric::LogLoss | Metric::Brier | Metric::Ece)));
            let value = value.expect("two classes");
            prop_assert!((value - best).abs() < 1e-12, "{} {}", metric, value);
        }
    }

    #[test]
    fn constant_predictions_know_nothing(actual in prop::collection::vec(any::<bool>(), 2..50)) {
        prop_assume!(actual.contains(&true) && actual.contains(&false));
        let rows: Vec<(bool, f64)> = actual.iter().map(|is| (*is, 0.25)).collect();
        let labelled = labelled(&rows, false);
        let score = |metric| labelled.score(metric, &vec![1.0; rows.len()]);
        prop_assert_eq!(score(Metric::RocAuc), Ok(0.5));
        prop_assert_eq!(score(Metric::Precision), Err(Unknown::NeverPredicted("yes".into())));
        let share = actual.iter().filter(|is| **is).count() as f64 / actual.len() as f64;
        let pr_auc = score(Metric::PrAuc).expect("two classes");
        prop_assert!((pr_auc - share).abs() < 1e-12);
        let mean = Pairs::new(actual.iter().map(|is| (share, f64::from(u8::from(*is)))));
        let r2 = mean.score(Metric::R2, &vec![1.0; actual.len()]).expect("two values");
        prop_assert!(r2.abs() < 1e-9);
    }
}
