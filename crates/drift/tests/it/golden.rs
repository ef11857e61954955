//! Every deterministic test that we have, on every column of every golden case.

use std::path::PathBuf;

use bellbuoy_drift::{Column, Kind, Options, Test, TypesFrom, Values, drift_report};
use serde_json::Value;

fn data(file: &str) -> PathBuf {
    PathBuf::from(concat!(env!("CARGO_MANIFEST_DIR"), "/../../../shared/data")).join(file)
}

/// The golden cases, or nothing where they are not at hand.
fn cases() -> Vec<(String, Value)> {
    let Ok(files) = std::fs::read_dir(data("golden")) else {
        println!("skipped: no golden numbers at {}", data("golden").display());
        return Vec::new();
    };
    let mut cases: Vec<(String, Value)> = files
        .map(|file| file.expect("a readable folder").path())
        .filter(|path| path.file_name().is_some_and(|name| name.to_string_lossy().starts_with("drift_")))
        .map(|path| {
            let text = std::fs::read_to_string(&path).expect("a readable golden file");
            (path.display().to_string(), serde_json::from_str(&text).expect("golden files are JSON"))
        })
        .collect();
    cases.sort_by(|a, b| a.0.cmp(&b.0));
    cases
}

/// No quotes are used in these files.
fn read_csv(path: PathBuf) -> Vec<Vec<String>> {
    let text = std::fs::read_to_string(path).expect("a readable table");
    text.lines().map(|line| line.split(',').map(str::to_owned).collect()).collect()
}

fn table(case: &Value, side: &str) -> Vec<Column> {
    let (rows, wanted): (Vec<Vec<String>>, Vec<usize>) = match case[format!("{side}_data")].as_str() {
        Some(file) => {
            let rows = read_csv(data("golden").join(file));
            let count = rows.len() - 1;
            (rows, (0..count).collect())
        }
        None => {
            let mut wanted = Vec::new();
            for part in case[format!("{side}_rows")].as_array().expect("row ranges") {
                let number = |key: &str| part[key].as_u64().expect("a number") as usize;
                wanted.extend((number("start")..number("stop")).step_by(number("step")));
            }
            (read_csv(data("bikeshare.csv")), wanted)
        }
    };
    let column = |c: usize| Values::from_cells(wanted.iter().map(|row| rows[row + 1][c].as_str()));
    rows[0].iter().enumerate().map(|(c, name)| Column::new(name.clone(), column(c))).collect()
}

fn number(value: &Value) -> f64 {
    match value {
        Value::String(text) => text.replace("Infinity", "inf").parse().expect("a number in words"),
        other => other.as_f64().expect("a number"),
    }
}

/// The tolerances of the golden numbers' README.
fn agrees(test: Test, ours: f64, golden: f64) -> bool {
    let difference = (ours - golden).abs();
    match test {
        Test::JensenShannon | Test::KullbackLeibler if difference <= 1e-9 => true,
        Test::Hellinger if difference <= 1e-7 => true,
        // 2 (1 - Phi) of the peer is rounding noise at this size.
        Test::Z if difference <= 1e-15 => true,
        _ if !test.is_distance() && golden.min(ours) == 0.0 => golden.max(ours) < 1e-300,
        _ if !test.is_distance() && golden < 1e-12 => (ours.log10() - golden.log10()).abs() <= 1e-6,
        _ => ours == golden || difference <= 1e-9 * golden.abs() + 1e-15,
    }
}

/// Forces `kind` and `test` on one column.
fn score(name: &str, reference: &[Column], current: &[Column], kind: Kind, test: Option<Test>) -> Option<(String, f64, bool)> {
    let mut options = Options { test, columns: Some(vec![name.to_owned()]), ..Options::default() };
    options.kinds.insert(name.to_owned(), kind);
    let report = drift_report(reference, current, &options);
    let row = report.columns.first()?;
    Some((row.test?.name().to_owned(), row.score.unwrap_or(f64::NAN), row.drifted))
}

#[test]
fn every_score_is_evidentlys() {
    let mut compared = 0;
    let mut wrong = Vec::new();
    for (file, case) in cases() {
        let (reference, current) = (table(&case, "reference"), table(&case, "current"));
        for (name, golden) in case["columns"].as_object().expect("columns") {
            for (kind, key) in [(Kind::Numeric, "num"), (Kind::Categorical, "cat")] {
                for test in Test::ALL {
                    let expected = &golden[key][test.name()];
                    // Evidently's default thresholds differ for kl, psi and hellinger only in name: all are 0.1.
                    if expected["score"].is_null() {
                        continue;
                    }
                    let Some((_, ours, drifted)) = score(name, &reference, &current, kind, Some(test)) else { continue };
                    compared += 1;
                    let expected_score = number(&expected["score"]);
                    let same = expected_score.is_nan() && ours.is_nan() || agrees(test, ours, expected_score);
                    if !same || drifted != expected["drift"].as_bool().expect("a verdict") {
                        wrong.push(format!("{file} {name} {key} {}: {ours} {expected}", test.name()));
                    }
                }
                let default = &golden[format!("default_as_{key}")];
                if let (Some(method), Some((test, _, drifted))) =
                    (default["method"].as_str(), score(name, &reference, &current, kind, None))
                {
                    compared += 1;
                    // Evidently calls the normed Wasserstein test by another name in its default choice only.
                    if !method.starts_with(&test) || default["drift"] != drifted {
                        wrong.push(format!("{file} {name} default as {key}: {test} {drifted} {default}"));
                    }
                }
            }
        }
    }
    println!("{compared} scores and choices compared");
    assert!(wrong.is_empty(), "{} wrong of {compared}:\n{}", wrong.len(), wrong.join("\n"));
}

#[test]
fn the_preset_is_evidentlys() {
    for (file, case) in cases() {
        let (reference, current) = (table(&case, "reference"), table(&case, "current"));
        let options = Options { types_from: TypesFrom::Current, ..Options::default() };
        let report = drift_report(&reference, &current, &options);
        let golden = &case["preset_default"];
        for row in &report.columns {
            let expected = &golden["columns"][&row.name];
            let context = format!("{file} {row:?} {expected}");
            assert_eq!(Some(row.kind.name()), expected["type"].as_str(), "{context}");
            assert_eq!(Some(row.drifted), expected["drift"].as_bool(), "{context}");
            assert!(agrees(row.test.expect(&context), row.score.expect(&context), number(&expected["score"])), "{context}");
        }
        assert_eq!(golden["number_of_drifted_columns"], report.drifted_columns, "{file}");
        assert_eq!(golden["number_of_columns"], report.judged_columns, "{file}");
        assert_eq!(golden["dataset_drift"], report.dataset_drift, "{file}");
    }
}
