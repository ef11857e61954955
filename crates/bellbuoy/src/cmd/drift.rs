//! `bellbuoy drift` compares two CSV files; `bellbuoy evaluate` scores predictions. Both are pure functions of their files.

use std::path::PathBuf;
use std::process::ExitCode;

use anyhow::{anyhow, bail};
use bellbuoy_drift::{Column, Options, Preset, Report, Test, TypesFrom, Values, drift_report};
use bellbuoy_models::regression;
use clap::Args;
use serde_json::{Map, json};

use crate::event::{finite, short};
use crate::table::read_columns;

#[derive(Debug, Args)]
pub struct Drift {
    /// CSV file of the data to compare with.
    #[arg(long)]
    pub reference: PathBuf,
    /// CSV file of the data of today.
    #[arg(long)]
    pub current: PathBuf,
    /// Which test for which column: `evidently` are Evidently's defaults; `default` are ours, which ask for significance and effect and mind the number of columns.
    #[arg(long, default_value = "evidently", value_parser = ["evidently", "default"])]
    pub preset: String,
    /// One test on every column that it applies to: ks, chisquare, z, wasserstein, jensenshannon, psi, kl_div, hellinger.
    #[arg(long)]
    pub test: Option<String>,
    /// Only these columns.
    #[arg(long, value_delimiter = ',')]
    pub columns: Option<Vec<String>>,
    #[arg(long, default_value = "text", value_parser = ["text", "json"])]
    pub format: String,
}

pub fn run(command: Drift) -> anyhow::Result<ExitCode> {
    let test = match &command.test {
        None => None,
        Some(name) => Some(Test::parse(name).ok_or_else(|| {
            let known: Vec<&str> = Test::ALL.iter().map(|test| test.name()).collect();
            anyhow!("there is no test {name:?}; known are {}", known.join(", "))
        })?),
    };
    let reference = read_columns(&command.reference).map_err(anyhow::Error::msg)?;
    let current = read_columns(&command.current).map_err(anyhow::Error::msg)?;
    // Evidently guesses a column's type from the new data; ours stays what the reference says.
    let preset = Preset::parse(&command.preset).ok_or_else(|| anyhow!("there is no preset {:?}", command.preset))?;
    let types_from = if preset == Preset::Evidently { TypesFrom::Current } else { TypesFrom::Reference };
    let options = Options { preset, test, columns: command.columns, types_from, ..Options::default() };
    let report = drift_report(&reference, &current, &options);
    if command.format == "json" {
        say!("{}", report_json(&report));
    } else {
        print_report(&report);
    }
    Ok(ExitCode::from(u8::from(report.dataset_drift)))
}

fn report_json(report: &Report) -> serde_json::Value {
    let mut columns = Map::new();
    for column in &report.columns {
        columns.insert(
            column.name.clone(),
            json!({
                "type": column.kind.name(), "test": column.test.map(|test| test.name()), "score": column.score.map(finite),
                "threshold": column.threshold, "drifted": column.drifted, "error": column.error,
                "p_value": column.p_value.map(finite), "effect": column.effect.map(finite), "effect_threshold": column.effect_threshold,
            }),
        );
    }
    json!({"columns": columns, "drift_share": report.drift_share, "drifted_columns": report.drifted_columns, "dataset_drift": report.dataset_drift})
}

fn print_report(report: &Report) {
    say!("{:<24}{:<6}{:<16}{:>12}{:>11}  verdict", "column", "type", "test", "score", "threshold");
    for column in &report.columns {
        let test = column.test.map_or("-", |test| test.name());
        let score = column.score.map_or("-".to_string(), |score| format!("{score:.6}"));
        let verdict = match (&column.error, column.drifted) {
            (Some(error), _) => error.as_str(),
            (None, true) => "drifted",
            (None, false) => "same",
        };
        say!("{:<24}{:<6}{test:<16}{score:>12}{:>11}  {verdict}", column.name, column.kind.name(), column.threshold);
    }
    if report.columns.iter().any(|column| column.effect.is_some()) {
        say!("a score is a p-value, corrected for the number of columns; drift asks for an effect as well (--format json shows it)");
    }
    say!(
        "{} of {} columns drifted ({:.0} %): the data set has {}drifted",
        report.drifted_columns,
        report.judged_columns,
        report.drift_share * 100.0,
        if report.dataset_drift { "" } else { "not " }
    );
}

#[derive(Debug, Args)]
pub struct Evaluate {
    /// CSV file with predictions and true values.
    #[arg(long)]
    pub predictions: PathBuf,
    /// The column of predictions.
    #[arg(long, value_name = "COLUMN")]
    pub prediction: String,
    /// The column of true values.
    #[arg(long, value_name = "COLUMN")]
    pub target: String,
    #[arg(long, default_value = "regression", value_parser = ["regression"])]
    pub kind: String,
    #[arg(long, default_value = "text", value_parser = ["text", "json"])]
    pub format: String,
}

pub fn evaluate(command: Evaluate) -> anyhow::Result<ExitCode> {
    let columns = read_columns(&command.predictions).map_err(anyhow::Error::msg)?;
    let predictions = numbers(&columns, &command.prediction)?;
    let targets = numbers(&columns, &command.target)?;
    match regression(predictions.iter().copied().zip(targets.iter().copied())) {
        Ok(score) if command.format == "json" => {
            say!("{}", json!({"rows": score.rows, "r2": finite(score.r2), "rmse": finite(score.rmse), "mae": finite(score.mae)}));
        }
        Ok(score) => say!("R2 {}, RMSE {}, MAE {} over {} rows", short(score.r2), short(score.rmse), short(score.mae), score.rows),
        Err(reason) => bail!("unknown: {reason}"),
    }
    Ok(ExitCode::SUCCESS)
}

fn numbers(columns: &[Column], name: &str) -> anyhow::Result<Vec<f64>> {
    let column = columns.iter().find(|column| column.name == name).ok_or_else(|| {
        let known: Vec<&str> = columns.iter().map(|column| column.name.as_str()).collect();
        anyhow!("there is no column {name:?}; the file has {}", known.join(", "))
    })?;
    match &column.values {
        Values::Numbers(numbers) => Ok(numbers.clone()),
        Values::Integers(numbers) => Ok(numbers.iter().map(|number| *number as f64).collect()),
        Values::Categories(_) => bail!("column {name:?} holds texts, not numbers"),
        Values::Times(_) => bail!("column {name:?} holds times, not numbers"),
    }
}
