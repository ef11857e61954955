//! The tables of docs/decisions/0012-default-drift-preset.md: false alarms and detection of both presets on the bike data.
//!
//! `cargo run --release -p bellbuoy-drift --example presets [rounds]`

#[allow(dead_code, unused_imports)]
#[path = "../tests/it/golden.rs"]
mod golden;
#[allow(dead_code)]
#[path = "../tests/it/trial.rs"]
mod trial;

use trial::{SHIFTS, false_alarms, found};

fn main() {
    let rounds = std::env::args().nth(1).and_then(|rounds| rounds.parse().ok()).unwrap_or(1000);
    let rows = golden::read_csv(golden::bikeshare());
    let table = golden::columns(&rows, &(0..rows.len() - 1).collect::<Vec<usize>>());
    println!("False alarms: {rounds} random splits without a change, 15 columns.\n");
    println!(
        "| rows a side | reports with a drifted column: evidently | default | table drifted: evidently | default | drifted columns a report: evidently | default |"
    );
    println!("| --- | --- | --- | --- | --- | --- | --- |");
    for rows in [100, 500, 1000, 1001, 4000] {
        let [evidently, default] = false_alarms(&table, rows, rounds, 1);
        let share = |count: usize| format!("{:.1} %", 100.0 * count as f64 / rounds as f64);
        println!(
            "| {rows} | {} | {} | {} | {} | {:.2} | {:.2} |",
            share(evidently.any_column),
            share(default.any_column),
            share(evidently.table),
            share(default.table),
            evidently.columns as f64 / rounds as f64,
            default.columns as f64 / rounds as f64
        );
    }
    let sizes = [200, 500, 1000, 1001, 4000];
    println!("\nDetection: the share of {} rounds that find the changed column, evidently / default.\n", rounds / 10);
    println!("| change | {} |", sizes.map(|rows| format!("{rows} rows")).join(" | "));
    println!("| --- |{}", " --- |".repeat(sizes.len()));
    for shift in SHIFTS {
        let cells = sizes.map(|rows| {
            let [evidently, default] = found(&table, shift, rows, rounds / 10, 2);
            format!("{:.0} % / {:.0} %", evidently * 100.0, default * 100.0)
        });
        println!("| {} | {} |", shift.text(), cells.join(" | "));
    }
}
