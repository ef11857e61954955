//! Joining in any order, amending, bounds; the figures of a window are those of its rows, whatever the order of arrival.

use bellbuoy_vocabulary::Millis;
use proptest::prelude::*;

use super::*;

fn entry(id: &str, at: i64, role: &str, number: f64) -> Entry {
    Entry { id: id.into(), at: Timestamp(at), role: role.into(), answer: Answer::Number(number), segments: BTreeMap::new() }
}

fn hourly(rows_max: usize) -> Ledger {
    Ledger::new(Target::Number, Windows::tumbling(Millis(60)), rows_max)
}

fn options() -> EvaluationOptions {
    EvaluationOptions { rows_min: 2, resampling: None, segments_max: 10 }
}

/// `NUMBER: MAE over ROWS` of the windows that changed.
fn amended(ledger: &mut Ledger, role: &str) -> Vec<String> {
    let cuts = ledger.amended(role, Timestamp(1000));
    let said = |cut: &Cut| {
        let figures = ledger.figures(role, cut, &options());
        let mae = figures.evaluation.value(Metric::Mae).map_or_else(|reason| reason.to_string(), |mae| mae.to_string());
        format!("{}: {mae} ({} of {})", cut.number, figures.with_truth, figures.predictions)
    };
    cuts.iter().map(said).collect()
}

#[test]
fn late_true_values_amend_past_windows() {
    let mut ledger = hourly(100);
    for i in 0..6 {
        ledger.predict(entry(&i.to_string(), i * 30, "champion", 10.0)).expect("a row");
    }
    assert_eq!(
        amended(&mut ledger, "champion"),
        ["0: there are no rows (0 of 2)", "1: there are no rows (0 of 2)", "2: there are no rows (0 of 2)"]
    );
    assert_eq!(ledger.truth("0", Truth::Number(11.0)), Ok(Taken::New));
    assert_eq!(amended(&mut ledger, "champion"), ["0: 1 rows, 2 are needed (1 of 2)"]);
    assert_eq!(ledger.truth("1", Truth::Number(13.0)), Ok(Taken::New));
    assert_eq!(ledger.truth("5", Truth::Number(10.0)), Ok(Taken::New));
    assert_eq!(amended(&mut ledger, "champion"), ["0: 2 (2 of 2)", "2: 1 rows, 2 are needed (1 of 2)"]);
    assert_eq!(ledger.truth("1", Truth::Number(13.0)), Ok(Taken::Repeated));
    assert_eq!(amended(&mut ledger, "champion"), [""; 0]);
    assert_eq!(ledger.truth("1", Truth::Number(15.0)), Ok(Taken::Corrected));
    assert_eq!(amended(&mut ledger, "champion"), ["0: 3 (2 of 2)"]);
    // A prediction that comes late changes its window too.
    ledger.predict(entry("late", 59, "champion", 1.0)).expect("a row");
    assert_eq!(amended(&mut ledger, "champion"), ["0: 3 (2 of 3)"]);
}

#[test]
fn true_values_wait_for_their_predictions_and_reach_all_roles() {
    let mut ledger = hourly(2);
    assert_eq!(ledger.truth("a", Truth::Number(1.0)), Ok(Taken::Waiting));
    assert_eq!(ledger.truth("a", Truth::Number(1.0)), Ok(Taken::Repeated));
    assert_eq!(ledger.truth("a", Truth::Number(2.0)), Ok(Taken::Corrected));
    assert_eq!(ledger.predict(entry("a", 5, "champion", 2.5)), Ok(Taken::New));
    assert_eq!(ledger.predict(entry("a", 5, "champion", 9.0)), Ok(Taken::Repeated));
    assert_eq!(ledger.predict(entry("a", 5, "challenger", 2.0)), Ok(Taken::New));
    for role in ["champion", "challenger"] {
        assert_eq!(ledger.cuts(role, Timestamp(0)).iter().map(|cut| ledger.joined(role, cut).rows()).collect::<Vec<_>>(), [1]);
    }
    for i in 0..10 {
        assert_eq!(ledger.truth(&format!("nobody-{i}"), Truth::Number(0.0)), Ok(Taken::Waiting));
    }
    assert_eq!((ledger.truths_waiting(), ledger.truths_dropped), (2, 8));
    assert_eq!(ledger.cuts("nobody", Timestamp(0)), []);
}

#[test]
fn a_window_that_lost_rows_is_not_reported_again() {
    let mut ledger = hourly(3);
    let numbers = |ledger: &Ledger| ledger.cuts("champion", Timestamp(1000)).iter().map(|cut| cut.number).collect::<Vec<_>>();
    for i in 0..5 {
        ledger.predict(entry(&i.to_string(), i * 30, "champion", 1.0)).expect("a row");
    }
    // Rows 0 and 1 are forgotten, window 0 with them; window 1 holds rows 2 and 3, window 2 row 4.
    assert_eq!(numbers(&ledger), [1, 2]);
    ledger.predict(entry("5", 150, "champion", 1.0)).expect("a row");
    assert_eq!(numbers(&ledger), [2], "window 1 has lost row 2");
    assert_eq!(ledger.predict(entry("old", 3, "champion", 1.0)), Err("older than the rows that are kept".into()));
    assert_eq!(ledger.truth("0", Truth::Number(1.0)), Ok(Taken::Waiting));
}

#[test]
fn more_rows_of_one_time_than_are_kept_are_all_taken() {
    let mut ledger = hourly(3);
    for i in 0..9 {
        assert_eq!(ledger.predict(entry(&i.to_string(), 7, "champion", 1.0)), Ok(Taken::New));
    }
    assert_eq!((ledger.ids.len(), ledger.cuts("champion", Timestamp(1000)).len()), (3, 0));
}

#[test]
fn what_is_refused_says_why() {
    let mut numbers = hourly(10);
    let class = |class: Option<&str>, probabilities: &[f64]| Entry {
        answer: Answer::Class { class: class.map(str::to_owned), probabilities: probabilities.to_vec() },
        ..entry("x", 1, "champion", 0.0)
    };
    let check = |ledger: &mut Ledger, entry: Entry, expected: &str| assert_eq!(ledger.predict(entry), Err(expected.to_owned()));
    check(&mut numbers, entry("", 1, "champion", 1.0), "the id has to have 1 to 256 bytes");
    check(&mut numbers, entry("x", 1, "champion", f64::NAN), "the prediction is NaN, not a finite number");
    check(&mut numbers, class(Some("a"), &[]), "the model predicts numbers, this is a class");
    assert!(numbers.truth("x", Truth::Class("a".into())).is_err() && numbers.truth("x", Truth::Number(f64::INFINITY)).is_err());
    let target = Target::Class { classes: vec!["no".into(), "yes".into()], positive: Some("yes".into()) };
    let mut classes = Ledger::new(target, Windows::tumbling_rows(5), 10);
    check(&mut classes, entry("x", 1, "champion", 1.0), "the model predicts classes, this is a number");
    check(&mut classes, class(None, &[]), "the row has neither a predicted class nor probabilities");
    check(&mut classes, class(None, &[2.0]), "the probability 2 is not between 0 and 1");
    assert!(classes.truth("x", Truth::Number(1.0)).is_err() && classes.truth("x", Truth::Class(String::new())).is_err());
    for i in 0..20 {
        let _ = numbers.predict(entry("y", 1, &i.to_string(), 1.0));
    }
    assert_eq!(numbers.roles.len(), ROLES_MAX);
}

#[test]
fn classes_have_figures_by_window_and_segment() {
    let target = Target::Class { classes: vec!["no".into(), "yes".into()], positive: Some("yes".into()) };
    let mut ledger = Ledger::new(target, Windows::tumbling_rows(10), 100);
    for i in 0..20 {
        let city = if i % 2 == 0 { "Berlin" } else { "Bonn" };
        let answer = Answer::Class { class: None, probabilities: vec![if i % 4 == 0 { 0.9 } else { 0.2 }] };
        let segments = BTreeMap::from([("city".to_owned(), city.to_owned())]);
        ledger.predict(Entry { answer, segments, ..entry(&i.to_string(), i, "champion", 0.0) }).expect("a row");
        let truth = if i % 4 == 0 || i == 1 { "yes" } else { "no" };
        ledger.truth(&i.to_string(), Truth::Class(truth.into())).expect("a true value");
    }
    let cuts = ledger.cuts("champion", Timestamp(100));
    let accuracy = |cut: &Cut| ledger.figures("champion", cut, &options()).evaluation.value(Metric::Accuracy);
    assert_eq!(cuts.iter().map(accuracy).collect::<Vec<_>>(), [Ok(0.9), Ok(1.0)]);
    let cities = ledger.by_segment("champion", &cuts[0], "city", &options());
    let of: Vec<_> = cities.segments.iter().map(|(name, evaluation)| (name.as_str(), evaluation.value(Metric::Accuracy))).collect();
    assert_eq!(of, [("Berlin", Ok(1.0)), ("Bonn", Ok(0.8))]);
    assert_eq!(ledger.by_segment("champion", &cuts[0], "country", &options()).segments[0].0, "");
}

#[test]
fn a_challenger_is_compared_on_the_ids_of_both() {
    let mut ledger = hourly(1000);
    for i in 0..400 {
        let noise = f64::from(i * 7919 % 97);
        ledger.predict(entry(&i.to_string(), i64::from(i), "champion", f64::from(i % 50) + noise)).expect("a row");
        // Only every second row was given to the challenger, at another time.
        if i % 2 == 0 {
            ledger.predict(entry(&i.to_string(), i64::from(i) + 5, "challenger", f64::from(i % 50) + noise / 2.0)).expect("a row");
        }
        ledger.truth(&i.to_string(), Truth::Number(f64::from(i % 50))).expect("a true value");
    }
    let compare =
        |to: i64| ledger.compare(["champion", "challenger"], [Timestamp(0), Timestamp(to)], Metric::Mae, 50, &Resampling::default());
    let all = compare(400);
    assert_eq!(all.rows, 200);
    assert!(all.interval.is_ok_and(|interval| interval.low > 0.0));
    assert_eq!(compare(60).gain, Err(Unknown::TooFewRows { rows: 30, rows_min: 50 }));
    let none = ledger.compare(["champion", "nobody"], [Timestamp(0), Timestamp(9)], Metric::Mae, 50, &Resampling::default());
    assert_eq!(none.gain, Err(Unknown::NoRows));
}

#[test]
fn windows_of_rows_move_when_a_row_comes_between() {
    let mut ledger = Ledger::new(Target::Number, Windows::tumbling_rows(2), 100);
    for (id, at) in [("a", 10), ("b", 20), ("c", 30), ("d", 40)] {
        ledger.predict(entry(id, at, "champion", 1.0)).expect("a row");
    }
    assert_eq!(ledger.amended("champion", Timestamp(0)).len(), 2);
    ledger.predict(entry("e", 25, "champion", 1.0)).expect("a row");
    let numbers: Vec<i64> = ledger.amended("champion", Timestamp(0)).iter().map(|cut| cut.number).collect();
    assert_eq!(numbers, [1, 2]);
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 64, failure_persistence: None, ..ProptestConfig::default() })]

    /// Predictions and true values in any order give the figures that the same rows give in order; what `amended` names adds up to all.
    #[test]
    fn the_order_of_arrival_does_not_matter(order in Just((0..40usize).collect::<Vec<_>>()).prop_shuffle(), ask_after in 1..40usize) {
        let act = |ledger: &mut Ledger, step: usize| {
            let id = (step / 2).to_string();
            let row = step as i64 / 2;
            if step.is_multiple_of(2) {
                ledger.predict(entry(&id, row * 17, "champion", row as f64)).map(|_| ())
            } else {
                ledger.truth(&id, Truth::Number((row * row % 7) as f64)).map(|_| ())
            }
        };
        let (mut sorted, mut shuffled) = (hourly(100), hourly(100));
        let mut told: BTreeMap<i64, WindowFigures> = BTreeMap::new();
        let tell = |ledger: &mut Ledger, told: &mut BTreeMap<i64, WindowFigures>| {
            for cut in ledger.amended("champion", Timestamp(1000)) {
                told.insert(cut.number, ledger.figures("champion", &cut, &options()));
            }
        };
        for (done, step) in order.iter().enumerate() {
            act(&mut sorted, done).expect("a good row");
            act(&mut shuffled, *step).expect("a good row");
            if done % ask_after == 0 {
                tell(&mut shuffled, &mut told);
            }
        }
        tell(&mut shuffled, &mut told);
        let all = sorted.cuts("champion", Timestamp(1000));
        prop_assert_eq!(told.len(), all.len());
        for cut in all {
            let mut said = told[&cut.number].clone();
            // Where the rows lie in the ledger may have moved since it was told.
            said.cut.rows = cut.rows.clone();
            prop_assert_eq!(said, sorted.figures("champion", &cut, &options()));
        }
    }
}
