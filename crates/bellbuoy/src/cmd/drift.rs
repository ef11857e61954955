//! `bellbuoy drift` compares two tables, or their profiles. A pure function of its files.

use std::path::PathBuf;
use std::process::ExitCode;

use anyhow::{anyhow, bail};
use bellbuoy_drift::{
    Expectations, Facts, Kind, Options, Preset, Report, TableProfile, Test, TypesFrom, drift_report, duplicate_rows, profile_report,
    quality_report,
};
use bellbuoy_reports::{DriftPart, ModelReport, drift_json};
use bellbuoy_tables::silent;
use clap::Args;

use crate::clock;
use crate::cmd::input::{self, Input, busy};
use crate::cmd::output::{Format, Output};
use crate::cmd::side::{Side, is_profile};
use crate::compare::compare as tables;

#[derive(Debug, Args)]
pub struct Drift {
    /// The data to compare with: a file, or a profile that `bellbuoy profile` saved.
    #[arg(long)]
    pub reference: PathBuf,
    /// The data of today; a profile as well.
    #[arg(long)]
    pub current: PathBuf,
    /// Which test for which column: `evidently` are Evidently's defaults; `default` are ours, which ask for significance and effect and mind the number of columns.
    #[arg(long, default_value = "evidently", value_parser = ["evidently", "default"])]
    pub preset: String,
    /// One test on every column that it applies to: ks, chisquare, z, wasserstein, jensenshannon, psi, kl_div, hellinger, ...
    #[arg(long)]
    pub test: Option<String>,
    /// Only these columns.
    #[arg(long, value_delimiter = ',')]
    pub columns: Option<Vec<String>>,
    /// These columns are categories, whatever they look like.
    #[arg(long, value_delimiter = ',', value_name = "COLUMNS")]
    pub categorical: Vec<String>,
    /// These columns are quantities.
    #[arg(long, value_delimiter = ',', value_name = "COLUMNS")]
    pub numeric: Vec<String>,
    /// From this share of drifted columns on, the data set has drifted.
    #[arg(long, default_value_t = 0.5)]
    pub share: f64,
    /// Put the findings about data quality into the JSON as well; the table and the page have them always.
    #[arg(long)]
    pub quality: bool,
    /// The title of the report.
    #[arg(long)]
    pub title: Option<String>,
    #[command(flatten)]
    pub input: Input,
    #[command(flatten)]
    pub output: Output,
}

pub fn run(command: Drift) -> anyhow::Result<ExitCode> {
    let options = options(&command)?;
    let reading = command.input.options(command.columns.clone())?;
    let with_report = command.output.format() != Format::Json || command.quality;
    let (report, full) = if is_profile(&command.reference) || is_profile(&command.current) {
        let (reference, mut notes) = Side::read(&command.reference, &reading)?;
        let (current, more) = Side::read(&command.current, &reading)?;
        notes.extend(more);
        let working = busy("comparing");
        let report = compare(&reference, &current, &options);
        let full = if with_report { full_of_sides(&command, &reference, &current, &report, &options) } else { ModelReport::default() };
        working.finish_and_clear();
        (report, ModelReport { notes, ..full })
    } else {
        let (reference, current, notes) = input::open_both(&command.reference, &command.current, &reading)?;
        let working = busy("comparing");
        let compared = tables(reference, current, &options, with_report, &silent)?;
        working.finish_and_clear();
        let full = compared.pictures.map(|pictures| {
            let duplicates = (Some(pictures.reference_duplicates), Some(pictures.duplicates));
            full_report(&command, (&pictures.reference, &pictures.current), duplicates, &compared.report, &options)
        });
        (compared.report, ModelReport { notes, ..full.unwrap_or_default() })
    };
    command.output.write(&full, || {
        let mut out = drift_json(&report);
        if !full.notes.is_empty() {
            out["notes"] = full.notes.clone().into();
        }
        if command.quality {
            out["quality"] = full.json()["quality"].take();
        }
        out
    })?;
    if report.judged_columns == 0 {
        let why =
            report.columns.iter().find_map(|column| column.error.as_ref().map(|error| format!(": column {:?}: {error}", column.name)));
        bail!("unknown: no column could be judged{}", why.unwrap_or_default());
    }
    Ok(ExitCode::from(u8::from(report.dataset_drift)))
}

fn options(command: &Drift) -> anyhow::Result<Options> {
    let test = match &command.test {
        None => None,
        Some(name) => Some(Test::parse(name).ok_or_else(|| {
            let known: Vec<&str> = Test::ALL.iter().map(|test| test.name()).collect();
            anyhow!("there is no test {name:?}; known are {}", known.join(", "))
        })?),
    };
    if !(command.share > 0.0 && command.share <= 1.0) {
        bail!("--share {} is not above 0 and at most 1", command.share);
    }
    let preset = Preset::parse(&command.preset).ok_or_else(|| anyhow!("there is no preset {:?}", command.preset))?;
    // Evidently guesses a column's type from the new data; ours stays what the reference says.
    let types_from = if preset == Preset::Evidently { TypesFrom::Current } else { TypesFrom::Reference };
    let categorical = command.categorical.iter().map(|name| (name.clone(), Kind::Categorical));
    let kinds = categorical.chain(command.numeric.iter().map(|name| (name.clone(), Kind::Numeric))).collect();
    let columns = command.columns.clone();
    Ok(Options { preset, test, columns, types_from, kinds, drift_share_threshold: command.share, ..Options::default() })
}

fn compare(reference: &Side, current: &Side, options: &Options) -> Report {
    match (reference, current) {
        (Side::Rows(reference), Side::Rows(current)) => drift_report(reference, current, options),
        (Side::Profile(profile), other) => profile_report(profile, &other.profile(options, Some(profile)), options),
        (rows, Side::Profile(profile)) => profile_report(&rows.profile(options, Some(profile)), profile, options),
    }
}

/// With pictures and findings, which cost a profile of each side.
fn full_of_sides(command: &Drift, reference: &Side, current: &Side, report: &Report, options: &Options) -> ModelReport {
    // Pictures show what was judged: the kinds are those of the report.
    let judged = report.columns.iter().filter(|column| column.reference_rows > 0).map(|column| (column.name.clone(), column.kind));
    let kinds = options.kinds.clone().into_iter().chain(judged).collect();
    let options = Options { kinds, ..options.clone() };
    let (r, c) = match (reference, current) {
        (Side::Rows(_), Side::Profile(profile)) => (reference.profile(&options, Some(profile)), profile.clone()),
        _ => {
            let profile = reference.profile(&options, None);
            let current = current.profile(&options, Some(&profile));
            (profile, current)
        }
    };
    let duplicates = |side: &Side| if let Side::Rows(columns) = side { Some(duplicate_rows(columns)) } else { None };
    full_report(command, (&r, &c), (duplicates(reference), duplicates(current)), report, &options)
}

fn full_report(
    command: &Drift,
    (r, c): (&TableProfile, &TableProfile),
    (reference_duplicates, duplicates): (Option<u64>, Option<u64>),
    report: &Report,
    options: &Options,
) -> ModelReport {
    let mut findings = quality_report(r, c, Facts { reference_duplicates, duplicates, age: None }, &Expectations::default());
    if let Some(wanted) = &options.columns {
        findings.retain(|finding| finding.column.as_ref().is_none_or(|column| wanted.contains(column)));
    }
    let side = |path: &PathBuf, rows: u64| bellbuoy_reports::Side { name: path.display().to_string(), rows };
    let name = |path: &PathBuf| path.file_name().unwrap_or(path.as_os_str()).to_string_lossy().into_owned();
    let title = command.title.clone().unwrap_or_else(|| format!("{} against {}", name(&command.current), name(&command.reference)));
    let sides = ((side(&command.reference, r.rows), r), (side(&command.current, c.rows), c));
    ModelReport {
        title,
        at: Some(clock::now()),
        drift: Some(DriftPart::new(report, options, sides.0, sides.1)),
        quality: Some(findings),
        ..ModelReport::default()
    }
}
