//! Every test that we have, on every column of every golden case.

use std::collections::HashMap;
use std::path::PathBuf;

use bellbuoy_drift::{Column, Kind, Options, Test, TypesFrom, Values, drift_report, judge_column};
use serde_json::Value;

fn golden(file: &str) -> PathBuf {
    PathBuf::from(concat!(env!("CARGO_MANIFEST_DIR"), "/tests/golden")).join(file)
}

pub fn bikeshare() -> PathBuf {
    PathBuf::from(concat!(env!("CARGO_MANIFEST_DIR"), "/../../demo/data/bikeshare.csv"))
}

fn read(path: PathBuf) -> String {
    std::fs::read_to_string(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

/// No quotes are used in these files.
pub fn read_csv(path: PathBuf) -> Vec<Vec<String>> {
    read(path).lines().map(|line| line.split(',').map(str::to_owned).collect()).collect()
}

/// The chosen data rows of a table, typed as pandas would.
pub fn columns(rows: &[Vec<String>], wanted: &[usize]) -> Vec<Column> {
    let column = |c: usize| Values::from_cells(wanted.iter().map(|row| rows[row + 1][c].as_str()));
    rows[0].iter().enumerate().map(|(c, name)| Column::new(name.clone(), column(c))).collect()
}

struct Case {
    name: String,
    reference: Vec<Column>,
    current: Vec<Column>,
    preset: Value,
}

fn cases() -> Vec<Case> {
    let bikes = read_csv(bikeshare());
    let list: Value = serde_json::from_str(&read(golden("cases.json"))).expect("cases.json is JSON");
    let table = |case: &Value, side: &str| match case[format!("{side}_data")].as_str() {
        Some(file) => {
            let rows = read_csv(golden(file));
            columns(&rows, &(0..rows.len() - 1).collect::<Vec<usize>>())
        }
        None => {
            let mut wanted = Vec::new();
            for part in case[format!("{side}_rows")].as_array().expect("row ranges") {
                let number = |key: &str| part[key].as_u64().expect("a number") as usize;
                wanted.extend((number("start")..number("stop")).step_by(number("step")));
            }
            columns(&bikes, &wanted)
        }
    };
    let case = |case: &Value| Case {
        name: case["case"].as_str().expect("a name").to_owned(),
        reference: table(case, "reference"),
        current: table(case, "current"),
        preset: case["preset"].clone(),
    };
    list.as_array().expect("a list of cases").iter().map(case).collect()
}

fn number(text: &str) -> f64 {
    text.replace("Infinity", "inf").parse().unwrap_or_else(|_| panic!("{text} is no number"))
}

/// Equal within 1e-9; the exceptions have their reason. `rows` is the smaller side.
fn agrees(test: Test, ours: f64, golden: f64, rows: usize) -> bool {
    let difference = (ours - golden).abs();
    match test {
        Test::JensenShannon | Test::KullbackLeibler if difference <= 1e-9 => true,
        Test::Hellinger if difference <= 1e-7 => true,
        // The peer's series stops at terms below 1e-7.
        Test::CramerVonMises if difference <= 1e-6 => true,
        // 2 (1 - Phi) of the peer is rounding noise at this size.
        Test::Z if difference <= 1e-15 => true,
        // Permutations: within their sampling error. In a few rows many divisions are exactly as far apart as the seen one, and
        // the peer loses a part of them to rounding.
        Test::TotalVariation => difference <= if rows < 20 { 0.1 } else { 0.05 },
        Test::Mmd => difference <= 0.15,
        _ if !test.is_distance() && golden.min(ours) == 0.0 => golden.max(ours) < 1e-300,
        _ if !test.is_distance() && golden < 1e-12 => (ours.log10() - golden.log10()).abs() <= 1e-6,
        _ => ours == golden || difference <= 1e-9 * golden.abs() + 1e-15,
    }
}

#[test]
fn every_score_threshold_and_verdict_is_evidentlys() {
    let cases: HashMap<String, Case> = cases().into_iter().map(|case| (case.name.clone(), case)).collect();
    let mut compared: HashMap<String, usize> = HashMap::new();
    let mut wrong = Vec::new();
    for line in read_csv(golden("scores.csv")).into_iter().skip(1) {
        let [case, column, kind, method, score, threshold, drift, values] = line.as_slice() else { panic!("{line:?}") };
        let case = &cases[case];
        let find = |table: &[Column]| table.iter().find(|found| &found.name == column).expect("the column").values.clone();
        let kind = if kind == "num" { Kind::Numeric } else { Kind::Categorical };
        let test = Test::parse(method);
        let options = Options { test, kinds: [(column.clone(), kind)].into(), ..Options::default() };
        // Two values on each side, three together: the peer's table drops one by the order of a hash set, and samples without a
        // common value come out equal. We have no answer to that.
        if test == Some(Test::Fisher) && number(values) > 2.0 {
            continue;
        }
        let Some(row) = judge_column(column, &find(&case.reference), &find(&case.current), &options) else {
            wrong.push(format!("{line:?}: the test does not apply"));
            continue;
        };
        // With two or three values the covariance is singular, and SciPy's answer hangs on the last digits of its rounding.
        if test == Some(Test::EppsSingleton) && number(values) <= 3.0 {
            continue;
        }
        *compared.entry(method.clone()).or_default() += 1;
        let (ours, expected) = (row.score.unwrap_or(f64::NAN), number(score));
        let chosen = row.test.expect("a test");
        let rows = row.reference_rows.min(row.current_rows);
        let same = expected.is_nan() && ours.is_nan() || agrees(chosen, ours, expected, rows);
        let by_chance = matches!(chosen, Test::Mmd | Test::TotalVariation) && (expected - row.threshold).abs() <= 0.15;
        // Evidently calls the normed Wasserstein test by another name in its default choice only.
        let right_test = test.is_some() || method.strip_prefix("default:").is_some_and(|name| name.starts_with(chosen.name()));
        if !same || !right_test || row.threshold != number(threshold) || (row.drifted != (drift == "1") && !by_chance) {
            wrong.push(format!("{line:?}: ours {ours} {chosen:?} {} {}", row.threshold, row.drifted));
        }
    }
    let mut compared: Vec<(String, usize)> = compared.into_iter().collect();
    compared.sort();
    println!("compared: {compared:?}");
    assert!(wrong.is_empty(), "{} wrong:\n{}", wrong.len(), wrong.join("\n"));
    assert!(compared.len() > 20, "every test has golden numbers: {compared:?}");
}

#[test]
fn the_preset_is_evidentlys() {
    for case in cases() {
        let options = Options { types_from: TypesFrom::Current, ..Options::default() };
        let report = drift_report(&case.reference, &case.current, &options);
        for row in &report.columns {
            let expected = &case.preset["columns"][&row.name];
            let context = format!("{} {row:?} {expected}", case.name);
            assert_eq!(Some(row.kind.name()), expected[0].as_str(), "{context}");
            assert_eq!(Some(row.threshold), expected[3].as_f64(), "{context}");
            assert_eq!(Some(row.drifted), expected[4].as_bool(), "{context}");
            let score = expected[2].as_f64().unwrap_or_else(|| number(expected[2].as_str().expect("a score")));
            assert!(agrees(row.test.expect(&context), row.score.expect(&context), score, row.current_rows), "{context}");
        }
        assert_eq!(case.preset["number_of_drifted_columns"], report.drifted_columns, "{}", case.name);
        assert_eq!(case.preset["number_of_columns"], report.judged_columns, "{}", case.name);
        assert_eq!(case.preset["dataset_drift"], report.dataset_drift, "{}", case.name);
    }
}
