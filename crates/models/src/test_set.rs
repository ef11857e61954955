//! Champion and challenger on the rows of a test set, by what each said and what was true.

use bellbuoy_vocabulary::Timestamp;

use crate::{Answer, DeploymentDecision, Labelled, ModelKind, ModelSettings, Paired, Pairs, Truth, Unknown};

/// A row that both models answered.
#[derive(Clone, Debug, PartialEq)]
pub struct TestRow {
    pub truth: Truth,
    pub champion: Answer,
    pub challenger: Answer,
}

/// The rows of a set, or why there are none.
pub type TestSet = Result<Vec<TestRow>, Unknown>;

impl DeploymentDecision {
    /// By a paired test on both sets, by the model's settings. Rows whose answers or true value are of another kind are refused with their
    /// place in the set.
    pub fn of_answers(settings: &ModelSettings, current: TestSet, baseline: TestSet, forced: bool, now: Timestamp) -> Result<Self, String> {
        let resampling = settings.intervals.clone().unwrap_or_default();
        let deployment = &settings.deployment;
        match &settings.kind {
            ModelKind::Regression => {
                let (current, baseline) = (each(current, "current", pairs)?, each(baseline, "baseline", pairs)?);
                Ok(DeploymentDecision::of_rows(deployment, &resampling, current, baseline, forced, now))
            }
            ModelKind::Classification { classes, positive } => {
                let read = |rows: &[TestRow]| labelled(rows, classes, positive.as_deref());
                let (current, baseline) = (each(current, "current", read)?, each(baseline, "baseline", read)?);
                Ok(DeploymentDecision::of_rows(deployment, &resampling, current, baseline, forced, now))
            }
        }
    }
}

fn each<S>(set: TestSet, name: &str, read: impl Fn(&[TestRow]) -> Result<Paired<S>, String>) -> Result<Result<Paired<S>, Unknown>, String> {
    match set {
        Err(reason) => Ok(Err(reason)),
        Ok(rows) => read(&rows).map(Ok).map_err(|problem| format!("{name}: {problem}")),
    }
}

fn pairs(rows: &[TestRow]) -> Result<Paired<Pairs>, String> {
    let mut sides = [Vec::with_capacity(rows.len()), Vec::with_capacity(rows.len())];
    for (at, row) in rows.iter().enumerate() {
        let Truth::Number(actual) = row.truth else { return Err(format!("row {at}: the true value of a regression is a number")) };
        for (side, answer) in sides.iter_mut().zip([&row.champion, &row.challenger]) {
            let Answer::Number(predicted) = answer else { return Err(format!("row {at}: the prediction of a regression is a number")) };
            // Left out on one side it would be another row on the other one.
            if !predicted.is_finite() || !actual.is_finite() {
                return Err(format!("row {at}: a number is not finite"));
            }
            side.push((*predicted, actual));
        }
    }
    let [champion, challenger] = sides.map(Pairs::new);
    Ok(Paired { champion, challenger })
}

fn labelled(rows: &[TestRow], classes: &[String], positive: Option<&str>) -> Result<Paired<Labelled>, String> {
    let names: Vec<&str> = classes.iter().map(String::as_str).collect();
    let mut sides = [Labelled::new(&names, positive), Labelled::new(&names, positive)];
    for (at, row) in rows.iter().enumerate() {
        let Truth::Class(actual) = &row.truth else { return Err(format!("row {at}: the true value of a classification is a class")) };
        for (side, answer) in sides.iter_mut().zip([&row.champion, &row.challenger]) {
            let Answer::Class { class, probabilities } = answer else {
                return Err(format!("row {at}: the prediction of a classification is a class or probabilities"));
            };
            side.push(actual, class.as_deref(), probabilities).map_err(|problem| format!("row {at}: {problem}"))?;
        }
    }
    let [champion, challenger] = sides;
    Ok(Paired { champion, challenger })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{DeploymentSettings, Metric};

    fn number(value: f64) -> Answer {
        Answer::Number(value)
    }

    #[test]
    fn rows_of_both_kinds() {
        let row = |i: usize, factor: f64| TestRow {
            truth: Truth::Number(i as f64),
            champion: number(i as f64 + (i % 7) as f64),
            challenger: number(i as f64 + factor * (i % 7) as f64),
        };
        let set = |factor: f64| Ok((0..300).map(|i| row(i, factor)).collect::<Vec<_>>());
        let settings = ModelSettings::new("m");
        let decided = DeploymentDecision::of_answers(&settings, set(0.5), set(1.0), false, Timestamp(0)).expect("numbers");
        assert_eq!(decided.outcome().word(), "deploy", "{}", decided.because());
        let decided = DeploymentDecision::of_answers(&settings, set(1.0), Err(Unknown::NoRows), false, Timestamp(0)).expect("numbers");
        assert_eq!(decided.outcome().word(), "skip", "{}", decided.because());

        let kind = ModelKind::Classification { classes: vec!["no".into(), "yes".into()], positive: None };
        let deployment = DeploymentSettings::of_kind(&kind);
        let settings = ModelSettings { kind, deployment, ..ModelSettings::new("c") };
        // The champion is wrong in every fourth row, the challenger in every eighth.
        let class = |i: usize, wrong: bool| if (i.is_multiple_of(2)) != wrong { "yes" } else { "no" }.to_owned();
        let said = |i: usize, wrong: bool| Answer::Class { class: Some(class(i, wrong)), probabilities: Vec::new() };
        let rows = |step: usize| {
            let row = |i: usize| TestRow {
                truth: Truth::Class(class(i, false)),
                champion: said(i, (i / 2).is_multiple_of(4)),
                challenger: said(i, (i / 2).is_multiple_of(step)),
            };
            Ok((0..800).map(row).collect::<Vec<_>>())
        };
        let decided = DeploymentDecision::of_answers(&settings, rows(8), rows(4), false, Timestamp(0)).expect("classes");
        assert_eq!((decided.outcome().word(), decided.current.metric), ("deploy", Metric::BalancedAccuracy), "{}", decided.because());
        assert_eq!(decided.challenger.current.value(Metric::Accuracy), Ok(0.875));
    }

    #[test]
    fn a_row_of_another_kind_is_named() {
        let check = |row: TestRow, expected: &str| {
            let refused =
                DeploymentDecision::of_answers(&ModelSettings::new("m"), Ok(vec![row]), Err(Unknown::NoRows), false, Timestamp(0));
            assert_eq!(refused.expect_err("refused"), expected);
        };
        let class = Answer::Class { class: Some("yes".into()), probabilities: Vec::new() };
        let row = TestRow { truth: Truth::Number(1.0), champion: number(1.0), challenger: number(1.0) };
        check(TestRow { truth: Truth::Class("yes".into()), ..row.clone() }, "current: row 0: the true value of a regression is a number");
        check(TestRow { challenger: class, ..row.clone() }, "current: row 0: the prediction of a regression is a number");
        check(TestRow { champion: number(f64::NAN), ..row }, "current: row 0: a number is not finite");
    }
}
