//! `bellbuoy evaluate` scores predictions against true values. A pure function of its files.

use std::collections::HashMap;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use anyhow::{anyhow, bail};
use bellbuoy_drift::{Column, TIME_MISSING, Values};
use bellbuoy_models::{ClassDetails, Evaluation, EvaluationOptions, Labelled, Metric, MetricKind, Pairs, Resampling, Sample};
use bellbuoy_reports::{Division, ModelReport, PerformancePart};
use clap::{Args, ValueEnum};
use serde_json::{Value, json};

use crate::clock;
use crate::cmd::input::{self, Input, busy};
use crate::cmd::output::Output;

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Kind {
    Regression,
    Classification,
}

#[derive(Debug, Args)]
pub struct Evaluate {
    /// The file with predictions, and with the true values when there are no `--labels`.
    #[arg(long)]
    pub predictions: PathBuf,
    /// A file with true values, joined by `--id`.
    #[arg(long, requires = "id")]
    pub labels: Option<PathBuf>,
    /// The column that names a row in both files.
    #[arg(long, value_name = "COLUMN")]
    pub id: Option<String>,
    /// The column of predictions: numbers, or classes. With probabilities it may be left out.
    #[arg(long, value_name = "COLUMN")]
    pub prediction: Option<String>,
    /// The column of true values.
    #[arg(long, value_name = "COLUMN")]
    pub target: String,
    #[arg(long, value_enum, default_value = "regression")]
    pub kind: Kind,
    /// Columns of probabilities, one per class. Their names are the classes unless `--classes` says them.
    #[arg(long, value_delimiter = ',', value_name = "COLUMNS", conflicts_with = "probability")]
    pub probabilities: Vec<String>,
    /// The column of the probability of the positive class.
    #[arg(long, value_name = "COLUMN", requires = "positive")]
    pub probability: Option<String>,
    /// The class that precision, recall and the like are about.
    #[arg(long, value_name = "CLASS")]
    pub positive: Option<String>,
    /// The classes in the order of `--probabilities`.
    #[arg(long, value_delimiter = ',')]
    pub classes: Vec<String>,
    /// From this probability on, the positive class is predicted where no column says it.
    #[arg(long, default_value_t = 0.5)]
    pub threshold: f64,
    /// Figures by the values of these columns as well.
    #[arg(long, value_delimiter = ',', value_name = "COLUMNS")]
    pub segments: Vec<String>,
    /// How often the rows are drawn again for the intervals; 0: no intervals. Without it 1000, fewer for many rows, none above 200,000.
    #[arg(long)]
    pub resamples: Option<usize>,
    /// Exit status 1 when a figure is below: `--fail-below r2=0.7`.
    #[arg(long, value_name = "FIGURE=VALUE")]
    pub fail_below: Vec<String>,
    /// Exit status 1 when a figure is above: `--fail-above rmse=80`.
    #[arg(long, value_name = "FIGURE=VALUE")]
    pub fail_above: Vec<String>,
    #[command(flatten)]
    pub input: Input,
    #[command(flatten)]
    pub output: Output,
}

/// With more rows, intervals are made only when asked for: they are narrow by then, and cost seconds.
const INTERVAL_ROWS_MAX: usize = 200_000;
/// Segments that are listed.
const SEGMENTS_MAX: usize = 50;

/// A line that a figure must not cross.
struct Line {
    metric: Metric,
    value: f64,
    below: bool,
}

/// Predictions beside their true values, row by row, before they are numbers or classes.
struct Table {
    predictions: Vec<Column>,
    labels: Option<Vec<Column>>,
    /// Rows of `predictions` and of the table that has the target.
    pairs: Vec<(usize, usize)>,
    notes: Vec<String>,
}

pub fn run(command: Evaluate) -> anyhow::Result<ExitCode> {
    let lines = lines(&command)?;
    let table = Table::read(&command)?;
    let working = busy("scoring");
    let (evaluation, part) = match command.kind {
        Kind::Regression => regression(&command, &table)?,
        Kind::Classification => classification(&command, &table)?,
    };
    working.finish_and_clear();
    let mut notes = table.notes.clone();
    let crossed = crossed(&lines, &evaluation)?;
    notes.extend(crossed.iter().cloned());
    let title = format!("Evaluation of {}", command.predictions.file_name().unwrap_or_default().to_string_lossy());
    let report = ModelReport { title, at: Some(clock::now()), performance: vec![part], notes, ..ModelReport::default() };
    command.output.write(&report, || evaluation_json(&command, &evaluation, &report))?;
    if evaluation.figures.iter().all(|figure| figure.value.is_err()) {
        let reason = evaluation.figures.first().and_then(|figure| figure.value.clone().err());
        bail!("unknown: {}", reason.map_or("no figure was computed".into(), |reason| reason.to_string()));
    }
    for line in &crossed {
        tracing::warn!("{line}");
    }
    Ok(ExitCode::from(u8::from(!crossed.is_empty())))
}

fn lines(command: &Evaluate) -> anyhow::Result<Vec<Line>> {
    let kind = match command.kind {
        Kind::Regression => MetricKind::Regression,
        Kind::Classification => MetricKind::Classification,
    };
    let mut out = Vec::new();
    for (texts, below) in [(&command.fail_below, true), (&command.fail_above, false)] {
        for text in texts {
            let (name, value) = text.split_once('=').ok_or_else(|| anyhow!("{text:?} is not of the form figure=value, as r2=0.7"))?;
            let known = || Metric::of_kind(kind).map(Metric::word).collect::<Vec<_>>().join(", ");
            let metric = Metric::parse(name.trim())
                .filter(|metric| metric.kind() == kind)
                .ok_or_else(|| anyhow!("there is no figure {name:?} of this kind; known are {}", known()))?;
            let value: f64 = value.trim().parse().map_err(|_| anyhow!("{value:?} in {text:?} is not a number"))?;
            out.push(Line { metric, value, below });
        }
    }
    Ok(out)
}

/// A sentence for each line that was crossed. A figure that is not known is no pass.
fn crossed(lines: &[Line], evaluation: &Evaluation) -> anyhow::Result<Vec<String>> {
    let mut out = Vec::new();
    for line in lines {
        let value = evaluation.value(line.metric).map_err(|reason| anyhow!("{} is unknown: {reason}", line.metric))?;
        if (line.below && value < line.value) || (!line.below && value > line.value) {
            let word = if line.below { "below" } else { "above" };
            out.push(format!("{} {value} is {word} {}", line.metric, line.value));
        }
    }
    Ok(out)
}

impl Table {
    fn read(command: &Evaluate) -> anyhow::Result<Table> {
        let reading = command.input.options(None)?;
        let predictions = input::read(&command.predictions, &reading)?.columns;
        let rows = predictions.first().map_or(0, |column| column.values.len());
        let (Some(path), Some(id)) = (&command.labels, &command.id) else {
            return Ok(Table { predictions, labels: None, pairs: (0..rows).map(|row| (row, row)).collect(), notes: Vec::new() });
        };
        let labels = input::read(path, &reading)?.columns;
        let (ids, label_ids) = (find(&predictions, id, &command.predictions)?, find(&labels, id, path)?);
        let target = find(&labels, &command.target, path)?;
        let mut by_id: HashMap<String, usize> = HashMap::new();
        let (mut repeated, mut nameless) = (0, 0);
        for row in 0..label_ids.len() {
            let Some(id) = cell(label_ids, row) else {
                nameless += 1;
                continue;
            };
            if let Some(before) = by_id.insert(id.clone(), row)
                && cell(target, before) != cell(target, row)
            {
                // The newer one corrects the older.
                repeated += 1;
            }
        }
        let mut pairs = Vec::with_capacity(rows);
        let mut waiting = 0;
        for row in 0..rows {
            match cell(ids, row).and_then(|id| by_id.get(&id)) {
                Some(label) => pairs.push((row, *label)),
                None => waiting += 1,
            }
        }
        let mut notes = Vec::new();
        let mut note = |count: usize, text: &str| notes.extend((count > 0).then(|| format!("{count} {text}")));
        note(waiting, "predictions have no true value");
        note(repeated, "true values correct an earlier one of the same id");
        note(nameless, "true values have no id");
        Ok(Table { predictions, labels: Some(labels), pairs, notes })
    }

    /// A column of predictions.
    fn prediction<'a>(&'a self, name: &str, command: &Evaluate) -> anyhow::Result<&'a Values> {
        find(&self.predictions, name, &command.predictions)
    }

    fn target<'a>(&'a self, command: &Evaluate) -> anyhow::Result<&'a Values> {
        match (&self.labels, &command.labels) {
            (Some(labels), Some(path)) => find(labels, &command.target, path),
            _ => find(&self.predictions, &command.target, &command.predictions),
        }
    }

    /// A segment column, wherever it is, with a function from a pair of rows to its cell.
    fn segment(&self, name: &str, command: &Evaluate) -> anyhow::Result<Vec<String>> {
        let in_labels = self.labels.as_ref().and_then(|labels| labels.iter().find(|column| column.name == name));
        let values = match (self.predictions.iter().find(|column| column.name == name), in_labels) {
            (Some(column), _) => (&column.values, false),
            (None, Some(column)) => (&column.values, true),
            (None, None) => (self.prediction(name, command)?, false),
        };
        let of = |(row, label): &(usize, usize)| cell(values.0, if values.1 { *label } else { *row }).unwrap_or_default();
        Ok(self.pairs.iter().map(of).collect())
    }
}

fn regression(command: &Evaluate, table: &Table) -> anyhow::Result<(Evaluation, PerformancePart)> {
    let name = command.prediction.as_ref().ok_or_else(|| anyhow!("--prediction names the column of predictions"))?;
    let labels = command.labels.as_ref().unwrap_or(&command.predictions);
    let predictions = numbers(table.prediction(name, command)?, name, &command.predictions)?;
    let targets = numbers(table.target(command)?, &command.target, labels)?;
    let rows: Vec<(f64, f64)> = table.pairs.iter().map(|(row, label)| (predictions[*row], targets[*label])).collect();
    let usable: Vec<bool> = rows.iter().map(|(prediction, target)| prediction.is_finite() && target.is_finite()).collect();
    let sample = Pairs::new(rows.iter().copied());
    let (evaluation, mut part) = evaluated(command, table, &sample, &usable)?;
    part.errors = rows.iter().map(|(prediction, target)| prediction - target).filter(|error| error.is_finite()).collect();
    part.errors.sort_by(f64::total_cmp);
    Ok((evaluation, part))
}

fn classification(command: &Evaluate, table: &Table) -> anyhow::Result<(Evaluation, PerformancePart)> {
    let targets = table.target(command)?;
    let predicted = command.prediction.as_ref().map(|name| table.prediction(name, command)).transpose()?;
    let names: Vec<&String> = command.probabilities.iter().chain(&command.probability).collect();
    let mut probabilities = Vec::new();
    for name in &names {
        probabilities.push(numbers(table.prediction(name, command)?, name, &command.predictions)?);
    }
    if predicted.is_none() && probabilities.is_empty() {
        bail!("nothing is predicted: name a column by --prediction, --probability or --probabilities");
    }
    let classes = classes(command, table, targets, predicted)?;
    let classes: Vec<&str> = classes.iter().map(String::as_str).collect();
    if let Some(positive) = command.positive.as_deref().filter(|positive| !classes.contains(positive)) {
        bail!("the positive class {positive:?} is none of the classes {}", listed(&classes));
    }
    let mut sample = Labelled::new(&classes, command.positive.as_deref()).with_threshold(command.threshold);
    let mut usable = Vec::with_capacity(table.pairs.len());
    let mut first_problem = None;
    for (row, label) in &table.pairs {
        let actual = cell(targets, *label).unwrap_or_default();
        let of_row: Vec<f64> = probabilities.iter().map(|column| column[*row]).collect();
        let said = predicted.map(|values| cell(values, *row).unwrap_or_default());
        let pushed = sample.push(&actual, said.as_deref(), &of_row);
        usable.push(pushed.is_ok());
        if let Err(problem) = pushed {
            first_problem.get_or_insert_with(|| format!("{}: row {}: {problem}", command.predictions.display(), row + 1));
        }
    }
    let (evaluation, mut part) = evaluated(command, table, &sample, &usable)?;
    if let Some(problem) = first_problem {
        tracing::warn!("{} rows could not be used; the first: {problem}", sample.left_out());
    }
    part.classes = Some(ClassDetails::of(&sample));
    Ok((evaluation, part))
}

/// What the command says, else what the data has: probabilities need an order, so it must be clear.
fn classes(command: &Evaluate, table: &Table, targets: &Values, predicted: Option<&Values>) -> anyhow::Result<Vec<String>> {
    if !command.classes.is_empty() {
        let wanted = if command.probability.is_some() { 2 } else { command.probabilities.len() };
        if wanted > 0 && wanted != command.classes.len() {
            bail!("--classes has {} names for {wanted} classes", command.classes.len());
        }
        return Ok(command.classes.clone());
    }
    let mut seen: Vec<String> = Vec::new();
    let mut add = |text: Option<String>| {
        if let Some(text) = text.filter(|text| seen.len() <= 1000 && !seen.contains(text)) {
            seen.push(text);
        }
    };
    for (row, label) in &table.pairs {
        add(cell(targets, *label));
        add(predicted.and_then(|values| cell(values, *row)));
    }
    seen.sort_unstable();
    if !command.probabilities.is_empty() {
        return of_columns(&command.probabilities, &seen);
    }
    if let (Some(positive), Some(_)) = (&command.positive, &command.probability) {
        if !seen.contains(positive) {
            seen.push(positive.clone());
        }
        if seen.len() != 2 {
            let seen: Vec<&str> = seen.iter().map(String::as_str).collect();
            bail!("--probability needs two classes, the data has {}; say them by --classes, or give --probabilities", listed(&seen));
        }
    }
    Ok(seen)
}

/// Columns of probabilities are named after their classes: `no,yes`, or `p_no,p_yes`.
fn of_columns(columns: &[String], seen: &[String]) -> anyhow::Result<Vec<String>> {
    let shared = columns[0].char_indices().map(|(at, _)| at).chain([columns[0].len()]).collect::<Vec<usize>>();
    for at in shared {
        let prefix = &columns[0][..at];
        let names: Option<Vec<String>> = columns.iter().map(|column| column.strip_prefix(prefix).map(str::to_owned)).collect();
        match names {
            Some(names) if !names.iter().any(String::is_empty) && seen.iter().all(|class| names.contains(class)) => return Ok(names),
            Some(_) => {}
            None => break,
        }
    }
    let seen: Vec<&str> = seen.iter().map(String::as_str).collect();
    bail!(
        "the columns {} are not named after the classes {}; say the classes in their order by --classes",
        columns.join(", "),
        listed(&seen)
    );
}

fn listed(names: &[&str]) -> String {
    const SHOWN: usize = 10;
    let mut text: Vec<String> = names.iter().take(SHOWN).map(|name| format!("{name:?}")).collect();
    if names.len() > SHOWN {
        text.push(format!("and {} more", names.len() - SHOWN));
    }
    text.join(", ")
}

/// `usable`: which of the pairs are rows of the sample.
fn evaluated(command: &Evaluate, table: &Table, sample: &impl Sample, usable: &[bool]) -> anyhow::Result<(Evaluation, PerformancePart)> {
    let resampling = match command.resamples {
        Some(0) => None,
        Some(resamples) => Some(Resampling { resamples, ..Resampling::default() }),
        None => (sample.rows() <= INTERVAL_ROWS_MAX).then(Resampling::default),
    };
    let options = EvaluationOptions { rows_min: 1, resampling, segments_max: SEGMENTS_MAX };
    let evaluation = Evaluation::of(sample, &options);
    let mut part = PerformancePart::of(command.predictions.display().to_string(), &evaluation);
    let without = EvaluationOptions { resampling: None, ..options };
    for name in &command.segments {
        let all = table.segment(name, command)?;
        let names: Vec<&str> = all.iter().zip(usable).filter(|(_, usable)| **usable).map(|(name, _)| name.as_str()).collect();
        let found = Evaluation::by_segment(sample, &names, &without);
        part.divisions.push(Division { by: name.clone(), segments: found.segments, rows_beyond: found.rows_beyond });
    }
    Ok((evaluation, part))
}

/// Flat for scripts (`rows`, `r2`, ...: null when unknown), and whole in `figures`.
fn evaluation_json(command: &Evaluate, evaluation: &Evaluation, report: &ModelReport) -> Value {
    let kind = if command.kind == Kind::Regression { "regression" } else { "classification" };
    let mut out = json!({"kind": kind, "rows": evaluation.rows, "left_out": evaluation.left_out});
    for figure in &evaluation.figures {
        out[figure.metric.word()] = json!(figure.value.as_ref().ok());
    }
    let mut whole = report.json();
    let part = &mut whole["performance"][0];
    for key in ["figures", "segments", "classes"] {
        out[key] = part[key].take();
    }
    out["notes"] = whole["notes"].take();
    out
}

fn find<'a>(columns: &'a [Column], name: &str, path: &Path) -> anyhow::Result<&'a Values> {
    columns.iter().find(|column| column.name == name).map(|column| &column.values).ok_or_else(|| {
        let known: Vec<&str> = columns.iter().map(|column| column.name.as_str()).collect();
        anyhow!("{}: there is no column {name:?}; the file has {}", path.display(), known.join(", "))
    })
}

fn numbers(values: &Values, name: &str, path: &Path) -> anyhow::Result<Vec<f64>> {
    match values {
        Values::Numbers(numbers) => Ok(numbers.clone()),
        Values::Integers(numbers) => Ok(numbers.iter().map(|number| *number as f64).collect()),
        Values::Categories(_) => {
            let text = (0..values.len()).find(|row| values.text(*row).is_some_and(|text| text.trim().parse::<f64>().is_err()));
            let row = text.map_or(String::new(), |row| format!(", as {:?} in row {}", values.text(row).unwrap_or_default(), row + 1));
            bail!("{}: column {name:?} holds texts{row}, not numbers", path.display())
        }
        Values::Times(_) => bail!("{}: column {name:?} holds times, not numbers", path.display()),
    }
}

/// A cell as the name of a class or of a row: `1`, whether it came as `1` or as `1.0`. `None`: missing.
fn cell(values: &Values, row: usize) -> Option<String> {
    match values {
        Values::Numbers(cells) => cells.get(row).filter(|cell| cell.is_finite()).map(|cell| (cell + 0.0).to_string()),
        Values::Integers(cells) => cells.get(row).map(i64::to_string),
        Values::Categories(_) => values.text(row).filter(|text| !text.is_empty()).map(str::to_owned),
        Values::Times(cells) => cells.get(row).filter(|cell| **cell != TIME_MISSING).map(i64::to_string),
    }
}
