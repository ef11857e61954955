//! Against scikit-learn's numbers on real predictions. They lie beside the repository; without them the test says so and passes.

use std::path::PathBuf;

use bellbuoy_models::regression;
use serde_json::Value;

#[test]
fn figures_are_scikit_learns() {
    let folder = PathBuf::from(concat!(env!("CARGO_MANIFEST_DIR"), "/../../../shared/data/golden"));
    let Ok(golden) = std::fs::read_to_string(folder.join("performance.json")) else {
        println!("skipped: no golden numbers at {}", folder.display());
        return;
    };
    let golden: Value = serde_json::from_str(&golden).expect("golden numbers are JSON");
    let text = std::fs::read_to_string(folder.join("predictions.csv")).expect("a readable table");
    let rows: Vec<Vec<&str>> = text.lines().map(|line| line.split(',').collect()).collect();
    let column = |name: &str| rows[0].iter().position(|head| *head == name).expect("a known column");
    let number = |row: &[&str], column: usize| -> f64 { row[column].parse().expect("a number") };
    let mut compared = 0;
    for (key, figures) in golden["regression"].as_object().expect("cases") {
        let parts: Vec<&str> = key.split(':').collect();
        let window = &golden["windows"][parts[2]];
        let (from, to) = (window["day_from"].as_f64().expect("a day"), window["day_to"].as_f64().expect("a day"));
        let (day, target, prediction) = (column("day"), column(parts[0]), column(parts[1]));
        let in_window = rows[1..].iter().filter(|row| (from..=to).contains(&number(row, day)));
        let pairs: Vec<(f64, f64)> = in_window.map(|row| (number(row, prediction), number(row, target))).collect();
        let ours = regression(pairs.iter().copied()).expect("figures");
        let plain = &figures["plain"];
        for (name, ours) in [("r2", ours.r2), ("rmse", ours.rmse), ("mae", ours.mae), ("rows", ours.rows as f64), ("bias", ours.mean_error)]
        {
            let golden = plain[name].as_f64().expect("a figure");
            assert!((ours - golden).abs() <= 1e-9 * golden.abs().max(1e-3), "{key} {name}: {ours} {golden}");
            compared += 1;
        }
    }
    assert!(compared >= 5 * 8, "only {compared} figures compared");
}
