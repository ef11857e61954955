//! The evidence for the story of `bellbuoy demo`: what the first model is worth in each month, what a retrained one would be
//! worth on the weeks that follow, for several recipes, and what the decision rules make of it.
//!
//! `cargo run -p bellbuoy-demo --release --example months`

use std::collections::VecDeque;

use bellbuoy_demo::{Dataset, Features, LAST_DAY, Model, RETRAIN_DAYS_MIN, Row, Score, TRAINED_THROUGH_DAY, Trained, WINDOW_ROWS};
use bellbuoy_demo::{compare, drift, is_hold_out, score, train};

const MONTHS: [(&str, u32, u32); 8] = [
    ("May", 121, 151),
    ("June", 152, 181),
    ("July", 182, 212),
    ("Aug", 213, 243),
    ("Sept", 244, 273),
    ("Oct", 274, 304),
    ("Nov", 305, 334),
    ("Dec", 335, 365),
];

fn main() -> Result<(), String> {
    let data = Dataset::bikeshare();
    let champion = train(data, 1..=TRAINED_THROUGH_DAY)?;
    months(data, &champion)?;
    recipes(data, &champion)?;
    story(data, champion)
}

fn months(data: &Dataset, champion: &Trained) -> Result<(), String> {
    println!(
        "First model: {} rows of days 1 to {TRAINED_THROUGH_DAY}, {:.2} s of training.\n",
        champion.rows,
        champion.duration.as_secs_f64()
    );
    println!("| rows | R2 | RMSE | MAE | |\n| --- | --- | --- | --- | --- |");
    line("training", champion.fit);
    let kept: Vec<Row> = data.days(1, TRAINED_THROUGH_DAY).iter().filter(|row| is_hold_out(row.day)).copied().collect();
    line("January to April, hold-out days", champion.model.evaluate(&kept)?);
    for (name, from, to) in MONTHS {
        line(name, champion.model.evaluate(data.days(from, to))?);
    }
    for (name, from, to) in [("May and June", 121, 181), ("July and August", 182, 243), ("May to December", 121, LAST_DAY)] {
        line(name, champion.model.evaluate(data.days(from, to))?);
    }
    Ok(())
}

fn line(name: &str, score: Option<Score>) {
    if let Some(score) = score {
        println!("| {} | {} | {:.1} | {:.1} | {name} |", score.rows, r2(Some(score)), score.rmse, score.mae);
    }
}

/// A challenger trained at the end of each month, on the three weeks that follow and on the baseline.
fn recipes(data: &Dataset, champion: &Trained) -> Result<(), String> {
    println!("\nChallengers by recipe: R2 on the next three weeks / R2 on the hold-out days of January to April.\n");
    println!("| trained up to | first model | all days | last 90 days | last 60 days | seconds for all days |\n|{}", " --- |".repeat(6));
    for (name, _, up_to) in &MONTHS[..7] {
        let next = data.days(up_to + 1, up_to + 21);
        let mut cells = vec![r2(champion.model.evaluate(next)?)];
        let mut seconds = 0.0;
        for from in [1, up_to - 89, up_to - 59] {
            let challenger = train(data, from..=*up_to)?;
            let (baseline, _) = compare(data, &champion.model, &challenger.model, *up_to)?;
            cells.push(format!("{} / {}", r2(challenger.model.evaluate(next)?), r2(Some(baseline.challenger))));
            if from == 1 {
                seconds = challenger.duration.as_secs_f64();
            }
        }
        println!("| {name} | {} | {seconds:.2} |", cells.join(" | "));
    }
    Ok(())
}

/// The year with the decision rules: retrain when R2 < 0.65 or RMSE > 60 on the last two weeks, deploy what is better by 0.01 on the
/// current test set and not worse on the baseline. bellbuoy itself decides in the demo; this is the same by hand.
fn story(data: &Dataset, mut champion: Trained) -> Result<(), String> {
    println!("\nThe year with retraining, judged at the end of each day on the last {WINDOW_ROWS} hours:\n");
    let mut window: VecDeque<(Row, f64)> = VecDeque::new();
    let mut last_training = 0;
    let (mut rmse_days, mut warning_days, mut critical_days, mut deployed) = (Vec::new(), Vec::new(), Vec::new(), 0);
    for day in TRAINED_THROUGH_DAY + 1..=LAST_DAY {
        let rows = data.days(day, day);
        for (row, prediction) in rows.iter().zip(predict(&champion.model, rows)?) {
            window.push_back((*row, prediction));
        }
        window.drain(..window.len().saturating_sub(WINDOW_ROWS));
        let Some(now) = score(window.iter().map(|(row, prediction)| (row.bikers, *prediction))) else { continue };
        if now.rows < WINDOW_ROWS / 2 {
            continue;
        }
        for (days, bad) in
            [(&mut rmse_days, now.rmse > 60.0), (&mut warning_days, now.r2 < Some(0.70)), (&mut critical_days, now.r2 < Some(0.65))]
        {
            if bad {
                days.push(day);
            }
        }
        if !(now.rmse > 60.0 || now.r2 < Some(0.65)) || day < last_training + RETRAIN_DAYS_MIN {
            continue;
        }
        last_training = day;
        let reference: Vec<Features> = data.days(*champion.days.start(), *champion.days.end()).iter().map(|row| row.features).collect();
        let current: Vec<Features> = window.iter().map(|(row, _)| row.features).collect();
        let share = drift(&reference, &current).map_or(0.0, |report| report.share);
        let challenger = train(data, 1..=day)?;
        let (baseline, test) = compare(data, &champion.model, &challenger.model, day)?;
        let deploy = value(test.challenger) > value(test.champion) + 0.01 && value(baseline.challenger) > value(baseline.champion) - 0.02;
        let next = data.days(day + 1, day + 21);
        println!(
            "day {day}: R2 {} RMSE {:.1}, drift share {share:.2}; baseline {} -> {}, current {} -> {}; next weeks {} -> {}: {}",
            r2(Some(now)),
            now.rmse,
            r2(Some(baseline.champion)),
            r2(Some(baseline.challenger)),
            r2(Some(test.champion)),
            r2(Some(test.challenger)),
            r2(champion.model.evaluate(next)?),
            r2(challenger.model.evaluate(next)?),
            if deploy { "deploy" } else { "keep" },
        );
        if deploy {
            champion = challenger;
            deployed += 1;
        }
    }
    println!("\n{deployed} deployments. Days in a row (first day: how many), for the `for` of the alerts at the replay's speed:");
    for (what, days) in [("RMSE > 60", rmse_days), ("R2 < 0.70", warning_days), ("R2 < 0.65", critical_days)] {
        println!("  {what}: {}", in_a_row(&days));
    }
    Ok(())
}

fn predict(model: &Model, rows: &[Row]) -> Result<Vec<f64>, String> {
    let features: Vec<Features> = rows.iter().map(|row| row.features).collect();
    model.predict(&features)
}

fn value(score: Score) -> f64 {
    score.r2.unwrap_or(f64::NEG_INFINITY)
}

fn r2(score: Option<Score>) -> String {
    score.and_then(|score| score.r2).map_or("-".to_owned(), |r2| format!("{r2:.3}"))
}

/// `130: 8, 141: 3`
fn in_a_row(days: &[u32]) -> String {
    let mut spans: Vec<(u32, u32)> = Vec::new();
    for day in days {
        match spans.last_mut() {
            Some((first, length)) if *first + *length == *day => *length += 1,
            _ => spans.push((*day, 1)),
        }
    }
    spans.iter().map(|(first, length)| format!("{first}: {length}")).collect::<Vec<String>>().join(", ")
}
