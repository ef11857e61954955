//! Joining in any order, amending, bounds; the rows of a window are the same whatever the order of arrival.

use super::changes::TOUCHED_MAX;
use super::*;
use crate::{Cut, Evaluation, EvaluationOptions, FeatureValue, Metric, Unknown, Windows};
use bellbuoy_vocabulary::Millis;

fn row(id: &str, at: i64, role: &str, number: f64) -> Prediction {
    Prediction { id: id.into(), at: Timestamp(at), role: role.into(), answer: Answer::Number(number), features: Vec::new() }
}

fn ledger(rows_max: usize) -> Ledger {
    Ledger::new(ModelKind::Regression, rows_max)
}

const HOURS: Windows = Windows::Time { size: Millis(60), step: Millis(60), offset: Millis::ZERO };

/// What the ledger says to one prediction, which is what it said before that it would say.
fn predict(ledger: &mut Ledger, prediction: Prediction) -> Result<Taken, String> {
    let said = ledger.check(&prediction);
    let mut accepted = Accepted::default();
    ledger.predict(prediction, &mut accepted);
    assert_eq!(counted(&said), (accepted.new, accepted.repeated, accepted.refused.len()));
    said
}

fn truth(ledger: &mut Ledger, id: &str, truth: Truth) -> Result<Taken, String> {
    let label = Label { id: id.into(), truth };
    let said = ledger.check_truth(&label);
    let mut accepted = Accepted::default();
    ledger.truth(label, &mut accepted);
    assert_eq!(counted(&said), (accepted.new, accepted.repeated, accepted.refused.len()));
    said
}

fn counted(said: &Result<Taken, String>) -> (usize, usize, usize) {
    match said {
        Ok(Taken::Repeated) => (0, 1, 0),
        Ok(_) => (1, 0, 0),
        Err(_) => (0, 0, 1),
    }
}

fn options() -> EvaluationOptions {
    EvaluationOptions { rows_min: 2, resampling: None, segments_max: 10 }
}

fn slots(ledger: &Ledger, role: &str, cut: &Cut) -> Vec<Slot> {
    ledger.all(role)[cut.rows.clone()].to_vec()
}

fn evaluation(ledger: &Ledger, role: &str, cut: &Cut) -> Evaluation {
    ledger.joined(&slots(ledger, role, cut)).evaluation(&options())
}

/// `NUMBER: MAE over ROWS` of the windows that changed.
fn amended(ledger: &mut Ledger, role: &str) -> Vec<String> {
    let changes = ledger.take_changes(role);
    let cuts = ledger.cuts(role, &HOURS, Timestamp(1000));
    let said = |cut: &Cut| {
        let mae = evaluation(ledger, role, cut).value(Metric::Mae).map_or_else(|reason| reason.to_string(), |mae| mae.to_string());
        let slots = slots(ledger, role, cut);
        format!("{}: {mae} ({} of {})", cut.number, ledger.with_truth(&slots).len(), slots.len())
    };
    cuts.iter().filter(|cut| changes.touch_cut(cut, &HOURS)).map(said).collect()
}

#[test]
fn late_true_values_amend_past_windows() {
    let mut ledger = ledger(100);
    for i in 0..6 {
        predict(&mut ledger, row(&i.to_string(), i * 30, "champion", 10.0)).expect("a row");
    }
    assert_eq!(
        amended(&mut ledger, "champion"),
        ["0: there are no rows (0 of 2)", "1: there are no rows (0 of 2)", "2: there are no rows (0 of 2)"]
    );
    assert_eq!(truth(&mut ledger, "0", Truth::Number(11.0)), Ok(Taken::New));
    assert_eq!(amended(&mut ledger, "champion"), ["0: 1 row, 2 are needed (1 of 2)"]);
    assert_eq!(truth(&mut ledger, "1", Truth::Number(13.0)), Ok(Taken::New));
    assert_eq!(truth(&mut ledger, "5", Truth::Number(10.0)), Ok(Taken::New));
    assert_eq!(amended(&mut ledger, "champion"), ["0: 2 (2 of 2)", "2: 1 row, 2 are needed (1 of 2)"]);
    assert_eq!(truth(&mut ledger, "1", Truth::Number(13.0)), Ok(Taken::Repeated));
    assert_eq!(amended(&mut ledger, "champion"), [""; 0]);
    assert_eq!(truth(&mut ledger, "1", Truth::Number(15.0)), Ok(Taken::Corrected));
    assert_eq!(amended(&mut ledger, "champion"), ["0: 3 (2 of 2)"]);
    // A prediction that comes late changes its window too.
    predict(&mut ledger, row("late", 59, "champion", 1.0)).expect("a row");
    assert_eq!(amended(&mut ledger, "champion"), ["0: 3 (2 of 3)"]);
}

#[test]
fn true_values_wait_for_their_predictions_and_reach_all_roles() {
    let mut ledger = ledger(2);
    assert_eq!(truth(&mut ledger, "a", Truth::Number(1.0)), Ok(Taken::Waiting));
    assert_eq!(truth(&mut ledger, "a", Truth::Number(1.0)), Ok(Taken::Repeated));
    assert_eq!(truth(&mut ledger, "a", Truth::Number(2.0)), Ok(Taken::Corrected));
    assert_eq!(predict(&mut ledger, row("a", 5, "champion", 2.5)), Ok(Taken::New));
    assert_eq!(predict(&mut ledger, row("a", 5, "champion", 9.0)), Ok(Taken::Repeated));
    assert_eq!(predict(&mut ledger, row("a", 5, "challenger", 2.0)), Ok(Taken::New));
    for role in ["champion", "challenger"] {
        assert_eq!(ledger.with_truth(&ledger.all(role)).len(), 1);
    }
    for i in 0..10 {
        assert_eq!(truth(&mut ledger, &format!("nobody-{i}"), Truth::Number(0.0)), Ok(Taken::Waiting));
    }
    assert_eq!((ledger.truths_waiting(), ledger.truths_dropped), (2, 8));
    assert_eq!(ledger.cuts("nobody", &HOURS, Timestamp(0)), []);
}

#[test]
fn a_window_that_lost_rows_is_not_reported_again() {
    let mut ledger = ledger(3);
    let numbers = |ledger: &Ledger| ledger.cuts("champion", &HOURS, Timestamp(1000)).iter().map(|cut| cut.number).collect::<Vec<_>>();
    for i in 0..5 {
        predict(&mut ledger, row(&i.to_string(), i * 30, "champion", 1.0)).expect("a row");
    }
    // Rows 0 and 1 are forgotten, window 0 with them; window 1 holds rows 2 and 3, window 2 row 4.
    assert_eq!(numbers(&ledger), [1, 2]);
    predict(&mut ledger, row("5", 150, "champion", 1.0)).expect("a row");
    assert_eq!(numbers(&ledger), [2], "window 1 has lost row 2");
    assert_eq!(predict(&mut ledger, row("old", 3, "champion", 1.0)), Err("older than the rows that are kept".into()));
    assert_eq!(truth(&mut ledger, "2", Truth::Number(1.0)), Ok(Taken::New), "its row is gone, so it waits for nothing");
    assert_eq!(truth(&mut ledger, "2", Truth::Number(1.0)), Ok(Taken::Repeated));
    assert_eq!(truth(&mut ledger, "2", Truth::Number(2.0)), Ok(Taken::Corrected));
    assert_eq!(ledger.truths_waiting(), 0);
}

/// As many rows again as are kept are known by their ids, whatever time they say; all others that are older are refused.
#[test]
fn forgotten_rows_do_not_come_back() {
    let mut ledger = ledger(3);
    for i in 0..9 {
        predict(&mut ledger, row(&i.to_string(), i, "champion", 1.0)).expect("a row");
    }
    assert_eq!(predict(&mut ledger, row("5", 5, "champion", 1.0)), Ok(Taken::Repeated));
    assert_eq!(predict(&mut ledger, row("3", 100, "champion", 1.0)), Ok(Taken::Repeated), "sent again without its time");
    assert_eq!(predict(&mut ledger, row("2", 2, "champion", 1.0)), Err(TOO_OLD.into()), "not even its id is known");
    assert_eq!(predict(&mut ledger, row("5", 5, "challenger", 1.0)), Ok(Taken::New), "another role has its own rows");
    assert_eq!(truth(&mut ledger, "4", Truth::Number(1.0)), Ok(Taken::New));
    assert_eq!(predict(&mut ledger, row("4", 5, "challenger", 1.0)), Ok(Taken::New));
    assert_eq!(truth(&mut ledger, "4", Truth::Number(1.0)), Ok(Taken::Repeated), "the true value went to the row of the other role");
    assert_eq!(ledger.texts.bound(), 0);
}

#[test]
fn a_restart_says_from_where_on_rows_are_known() {
    let mut ledger = ledger(3);
    ledger.restore_forgotten("champion", 4, (Timestamp(10), 7));
    assert_eq!(ledger.forgotten_until("champion"), Some(Timestamp(10)));
    ledger.forgot("champion", 2, Timestamp(19), Timestamp(20));
    assert_eq!(predict(&mut ledger, row("a", 19, "champion", 1.0)), Err(TOO_OLD.into()));
    assert_eq!(predict(&mut ledger, row("b", 20, "champion", 1.0)), Ok(Taken::New));
    assert_eq!(ledger.forgotten().map(|(_, rows, _)| rows).collect::<Vec<_>>(), [6]);
    // What it knows already is not taken back.
    ledger.forgot("champion", 0, Timestamp(4), Timestamp(5));
    assert_eq!(ledger.forgotten_until("champion"), Some(Timestamp(20)));
}

#[test]
fn rows_of_one_time_that_are_not_kept_are_known() {
    let mut ledger = ledger(3);
    for i in 0..50 {
        assert_eq!(predict(&mut ledger, row(&i.to_string(), 7, "champion", 1.0)), Ok(Taken::New));
    }
    for i in 0..50 {
        assert_eq!(predict(&mut ledger, row(&i.to_string(), 7, "champion", 1.0)), Ok(Taken::Repeated));
    }
    assert_eq!(ledger.past.len(), 3);
}

/// The bound keeps the same rows of one time whatever came first, and refuses none of them.
#[test]
fn more_rows_of_one_time_than_are_kept_are_all_taken() {
    let kept = |order: &mut dyn Iterator<Item = i64>| {
        let mut ledger = ledger(3);
        for i in order {
            assert_eq!(predict(&mut ledger, row(&i.to_string(), 7, "champion", 1.0)), Ok(Taken::New));
        }
        assert_eq!((ledger.ids.len(), ledger.cuts("champion", &HOURS, Timestamp(1000)).len()), (3, 0));
        ledger.all("champion").iter().map(|slot| ledger.id(*slot).to_owned()).collect::<Vec<_>>()
    };
    assert_eq!(kept(&mut (0..9)), kept(&mut (0..9).rev()));
}

#[test]
fn what_is_refused_says_why() {
    let mut numbers = ledger(10);
    let class = |class: Option<&str>, probabilities: &[f64]| Prediction {
        answer: Answer::Class { class: class.map(str::to_owned), probabilities: probabilities.to_vec() },
        ..row("x", 1, "champion", 0.0)
    };
    let check = |ledger: &mut Ledger, row: Prediction, expected: &str| assert_eq!(predict(ledger, row), Err(expected.to_owned()));
    check(&mut numbers, row("", 1, "champion", 1.0), "the id has to have 1 to 256 bytes");
    check(&mut numbers, row("x", 1, "champion", f64::NAN), "the prediction is NaN, not a finite number");
    check(&mut numbers, class(Some("a"), &[]), "the model predicts numbers, this is a class");
    let long = Prediction { features: vec![FeatureValue::Text("x".repeat(2000))], ..row("x", 1, "champion", 1.0) };
    check(&mut numbers, long, "feature 0 has a text of more than 1024 bytes");
    assert!(truth(&mut numbers, "x", Truth::Class("a".into())).is_err());
    assert!(truth(&mut numbers, "x", Truth::Number(f64::INFINITY)).is_err());
    let mut classes = Ledger::new(yes_or_no(), 10);
    check(&mut classes, row("x", 1, "champion", 1.0), "the model predicts classes, this is a number");
    check(&mut classes, class(None, &[]), "the row has neither a predicted class nor probabilities");
    check(&mut classes, class(None, &[2.0]), "the probability 2 is not between 0 and 1");
    assert!(truth(&mut classes, "x", Truth::Number(1.0)).is_err() && truth(&mut classes, "x", Truth::Class(String::new())).is_err());
    for i in 0..20 {
        let _ = predict(&mut numbers, row("y", 1, &i.to_string(), 1.0));
    }
    assert_eq!(numbers.roles.len(), ROLES_MAX);
}

fn yes_or_no() -> ModelKind {
    ModelKind::Classification { classes: vec!["no".into(), "yes".into()], positive: Some("yes".into()) }
}

#[test]
fn classes_have_figures_by_window_and_segment() {
    let mut ledger = Ledger::new(yes_or_no(), 20);
    // Twice as many as are kept: places and texts of the first are used again.
    for i in -20..20 {
        let city = if i % 2 == 0 { "Berlin" } else { "Bonn" };
        let answer = Answer::Class { class: None, probabilities: vec![if i % 4 == 0 { 0.9 } else { 0.2 }] };
        let features = vec![FeatureValue::Text(city.to_owned()), FeatureValue::Text(format!("only in {i}"))];
        predict(&mut ledger, Prediction { answer, features, ..row(&i.to_string(), i, "champion", 0.0) }).expect("a row");
        let class = if i % 4 == 0 || i == 1 { "yes" } else { "no" };
        truth(&mut ledger, &i.to_string(), Truth::Class(class.into())).expect("a true value");
    }
    assert_eq!((ledger.rows.len(), ledger.texts.bound()), (21, 25));
    let cuts = ledger.cuts("champion", &Windows::tumbling_rows(10), Timestamp(100));
    let accuracy = |cut: &Cut| evaluation(&ledger, "champion", cut).value(Metric::Accuracy);
    assert_eq!(cuts.iter().map(accuracy).collect::<Vec<_>>(), [Ok(0.9), Ok(1.0)]);
    let slots = slots(&ledger, "champion", &cuts[0]);
    let cities = ledger.by_segment(&slots, 0, &options());
    let of: Vec<_> = cities.segments.iter().map(|(name, evaluation)| (name.as_str(), evaluation.value(Metric::Accuracy))).collect();
    assert_eq!(of, [("Berlin", Ok(1.0)), ("Bonn", Ok(0.8))]);
    assert_eq!(ledger.by_segment(&slots, 7, &options()).segments[0].0, "");
    let decided = ledger.answers(&slots);
    assert_eq!((decided.text(0), decided.text(1)), (Some("yes"), Some("no")));
    assert_eq!(ledger.column(&slots, 1, None).text(3), Some("only in 3"));
}

/// The first row of a window once decided whether the others' probabilities counted: rows of the other kind were left out.
#[test]
fn rows_with_and_without_probabilities_all_count_by_their_class() {
    for first_with in [true, false] {
        let mut ledger = Ledger::new(yes_or_no(), 20);
        for i in 0..10 {
            let answer = match (i % 2 == 0) == first_with {
                true => Answer::Class { class: None, probabilities: vec![0.9] },
                false => Answer::Class { class: Some("no".into()), probabilities: Vec::new() },
            };
            predict(&mut ledger, Prediction { answer, ..row(&i.to_string(), i, "champion", 0.0) }).expect("a row");
            truth(&mut ledger, &i.to_string(), Truth::Class(if i < 5 { "yes" } else { "no" }.into())).expect("a true value");
        }
        let cuts = ledger.cuts("champion", &Windows::tumbling_rows(10), Timestamp(100));
        let found = evaluation(&ledger, "champion", &cuts[0]);
        let right = if first_with { 0.6 } else { 0.4 };
        assert_eq!((found.rows, found.left_out, found.value(Metric::Accuracy)), (10, 0, Ok(right)));
        assert_eq!(found.value(Metric::RocAuc), Err(Unknown::NoProbabilities));
    }
}

#[test]
fn a_challenger_is_compared_on_the_ids_of_both() {
    let mut ledger = ledger(1000);
    for i in 0..400 {
        let noise = f64::from(i * 7919 % 97);
        predict(&mut ledger, row(&i.to_string(), i64::from(i), "champion", f64::from(i % 50) + noise)).expect("a row");
        // Only every second row was given to the challenger, at another time.
        if i % 2 == 0 {
            predict(&mut ledger, row(&i.to_string(), i64::from(i) + 5, "challenger", f64::from(i % 50) + noise / 2.0)).expect("a row");
        }
        truth(&mut ledger, &i.to_string(), Truth::Number(f64::from(i % 50))).expect("a true value");
    }
    let both = |until: i64, role: &str| ledger.test_rows("champion", Timestamp(0), Timestamp(until), |id| ledger.answer_of(role, id)).len();
    assert_eq!([both(399, "challenger"), both(59, "challenger"), both(399, "nobody")], [200, 30, 0]);
}

#[test]
fn windows_of_rows_move_when_a_row_comes_between() {
    let (mut ledger, windows) = (ledger(100), Windows::tumbling_rows(2));
    let changed = |ledger: &mut Ledger| {
        let changes = ledger.take_changes("champion");
        let cuts = ledger.cuts("champion", &windows, Timestamp(0));
        cuts.iter().filter(|cut| changes.touch_cut(cut, &windows)).map(|cut| cut.number).collect::<Vec<_>>()
    };
    for (id, at) in [("a", 10), ("b", 20), ("c", 30), ("d", 40)] {
        predict(&mut ledger, row(id, at, "champion", 1.0)).expect("a row");
    }
    assert_eq!(changed(&mut ledger), [0, 1]);
    predict(&mut ledger, row("e", 25, "champion", 1.0)).expect("a row");
    assert_eq!(changed(&mut ledger), [1, 2]);
}

/// More changes than are remembered one by one: every window from the oldest of them on counts as changed, none is missed.
#[test]
fn many_changes_are_not_forgotten() {
    let mut ledger = ledger(100_000);
    let mut before = Changes::default();
    before.touch(Timestamp(-1));
    predict(&mut ledger, row("old", 10, "champion", 1.0)).expect("a row");
    for i in 0..3 * TOUCHED_MAX as i64 {
        predict(&mut ledger, row(&i.to_string(), 1000 + 60 * i, "champion", 1.0)).expect("a row");
    }
    let cuts = ledger.cuts("champion", &HOURS, Timestamp(0));
    let changes = ledger.take_changes("champion");
    assert!(cuts.iter().filter(|cut| !cut.rows.is_empty()).all(|cut| changes.touch_cut(cut, &HOURS)));
    assert!(!cuts.iter().any(|cut| before.touch_cut(cut, &HOURS) || ledger.roles[0].changes.touch_cut(cut, &HOURS)));
    truth(&mut ledger, "20000", Truth::Number(1.0)).expect("a true value");
    let changes = ledger.take_changes("champion");
    assert_eq!(cuts.iter().filter(|cut| changes.touch_cut(cut, &HOURS)).count(), 1);
}
