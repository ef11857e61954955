//! A page with everything on it, of made-up numbers, to look at while its looks change.
//!
//! `cargo run -p bellbuoy-reports --example page > page.html`

use bellbuoy_drift::{Column, Expectations, Facts, Options, Preset, TableProfile, Values, drift_report, quality_report};
use bellbuoy_models::{Evaluation, EvaluationOptions, Figure, Interval, Metric, Pairs, Source, Unknown};
use bellbuoy_reports::{Division, DriftPart, Line, Mark, ModelReport, PerformancePart, Point, Side};
use bellbuoy_vocabulary::Timestamp;

const DAY_MS: i64 = 86_400_000;
const FIRST_DAY: i64 = 19_600;

fn main() {
    let options = Options { preset: Preset::Default, ..Options::default() };
    let (reference, current) = (table(0.0), table(1.0));
    let report = drift_report(&reference, &current, &options);
    let r = TableProfile::new(&reference, &options);
    let c = r.alike(&current);
    let side = |name: &str, rows| Side { name: name.into(), rows };
    let mark = |day: i64, what: &str, text: &str| Mark {
        at: Timestamp((FIRST_DAY + day) * DAY_MS + DAY_MS / 3),
        what: what.into(),
        text: text.into(),
    };
    let page = ModelReport {
        title: "Model bike-traffic".into(),
        at: Some(Timestamp((FIRST_DAY + 60) * DAY_MS)),
        drift: Some(DriftPart::new(&report, &options, (side("training data, 2023", r.rows), &r), (side("the last 7 days", c.rows), &c))),
        quality: Some(quality_report(&r, &c, Facts::default(), &Expectations::default())),
        performance: vec![performance("champion", 0.0), performance("challenger", 0.04)],
        marks: vec![
            mark(12, "retrain", "R2 0.61 is below 0.65"),
            mark(13, "deployed", "version 7 is better by 0.05 (0.02 to 0.08) on both sets"),
            mark(40, "watch", "drift of 6 of 9 features, R2 still above its line"),
        ],
        notes: vec!["True values of the newest 3 days are not there yet: their figures are estimates.".into()],
    };
    print!("{}", page.html());
}

/// Between 0 and 1, repeatable.
fn unit(at: i64) -> f64 {
    (at.wrapping_mul(2_654_435_761).rem_euclid(1_000_003)) as f64 / 1_000_003.0
}

/// About normal.
fn bell(at: i64) -> f64 {
    (0..6).map(|n| unit(at * 7 + n * 104_729)).sum::<f64>() / 6.0
}

fn table(shift: f64) -> Vec<Column> {
    let rows = 4000;
    let numbers = |of: &dyn Fn(i64) -> f64| Values::Numbers((0..rows).map(of).collect());
    let weather = |row: i64| match unit(row * 3) + shift * 0.15 {
        chance if chance < 0.6 => "clear",
        chance if chance < 0.85 => "cloudy",
        chance if chance < 1.0 => "rain",
        _ => "snow",
    };
    vec![
        Column::new("temperature", numbers(&|row| bell(row) * 40.0 - 5.0 + shift * 4.0)),
        Column::new("humidity", numbers(&|row| bell(row + 9) * 100.0)),
        Column::new("windspeed", numbers(&|row| -unit(row).max(1e-6).ln() * (8.0 + shift * 3.0))),
        Column::new("hour", Values::Integers((0..rows).map(|row| row % 24).collect())),
        Column::new("weather", Values::texts((0..rows).map(weather))),
        Column::new("holiday", Values::Integers((0..rows).map(|row| i64::from(unit(row) < 0.03)).collect())),
        Column::new("pressure", numbers(&|row| if shift > 0.0 && row % 5 == 0 { f64::NAN } else { 980.0 + bell(row + 77) * 60.0 })),
    ]
}

fn performance(name: &str, better: f64) -> PerformancePart {
    let pairs = Pairs::new((0..900).map(|row| (unit(row) * 200.0 + (bell(row) - 0.5) * 90.0, unit(row) * 200.0)));
    let options = EvaluationOptions::default();
    let mut part = PerformancePart::of(name, &Evaluation::of(&pairs, &options));
    for metric in [Metric::R2, Metric::Rmse] {
        part.lines.push(Line { metric, points: (0..60).map(|day| point(metric, day, better)).collect() });
    }
    let cities: Vec<&str> = (0..900).map(|row| ["Berlin", "Bern", "Brno"][(row % 7 % 3) as usize]).collect();
    let found = Evaluation::by_segment(&pairs, &cities, &EvaluationOptions { resampling: None, ..options });
    part.divisions.push(Division { by: "city".into(), segments: found.segments, rows_beyond: found.rows_beyond });
    part
}

fn point(metric: Metric, day: i64, better: f64) -> Point {
    let fall = if day < 13 { day as f64 * 0.015 } else { (day - 13) as f64 * 0.002 };
    let r2 = 0.8 - fall + better + (unit(day * 31) - 0.5) * 0.05;
    let (value, half) = if metric == Metric::R2 { (r2, 0.04) } else { ((1.0 - r2) * 200.0, 8.0) };
    let value = if day == 30 { Err(Unknown::TooFewRows { rows: 9, rows_min: 50 }) } else { Ok(value) };
    let interval = value.clone().map(|value| Interval { low: value - half, high: value + half, level: 0.95 });
    let source = if day >= 57 { Source::EstimatedByLoss } else { Source::Realised };
    Point {
        from: Timestamp((FIRST_DAY + day) * DAY_MS),
        to: Timestamp((FIRST_DAY + day + 1) * DAY_MS),
        figure: Figure { metric, value, interval, rows: 168, source },
        amended: day == 55,
    }
}
