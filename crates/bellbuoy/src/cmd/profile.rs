//! `bellbuoy profile` keeps tables as numbers without rows: small, mergeable, to compare with later.

use std::path::PathBuf;
use std::process::ExitCode;

use anyhow::{Context, bail};
use bellbuoy_drift::{Kind, Options, Preset, TableProfile};
use clap::Args;

use crate::cmd::input::Input;
use crate::cmd::side::Side;

#[derive(Debug, Args)]
pub struct Profile {
    /// Files of rows, or profiles; all are merged into one profile.
    #[arg(required = true)]
    pub files: Vec<PathBuf>,
    /// Where the profile goes; without it, standard output.
    #[arg(long, value_name = "FILE")]
    pub output: Option<PathBuf>,
    /// Only these columns.
    #[arg(long, value_delimiter = ',')]
    pub columns: Option<Vec<String>>,
    /// Whose rules say which columns are categories.
    #[arg(long, default_value = "default", value_parser = ["evidently", "default"])]
    pub preset: String,
    /// These columns are categories, whatever they look like.
    #[arg(long, value_delimiter = ',', value_name = "COLUMNS")]
    pub categorical: Vec<String>,
    /// These columns are quantities.
    #[arg(long, value_delimiter = ',', value_name = "COLUMNS")]
    pub numeric: Vec<String>,
    #[command(flatten)]
    pub input: Input,
}

pub fn run(command: Profile) -> anyhow::Result<ExitCode> {
    let preset = Preset::parse(&command.preset).unwrap_or_default();
    let categorical = command.categorical.iter().map(|name| (name.clone(), Kind::Categorical));
    let kinds = categorical.chain(command.numeric.iter().map(|name| (name.clone(), Kind::Numeric))).collect();
    let options = Options { preset, kinds, ..Options::default() };
    let reading = command.input.options(command.columns.clone())?;
    let mut whole: Option<TableProfile> = None;
    for file in &command.files {
        let (side, _) = Side::read(file, &reading)?;
        // The first file says what the columns are; a column of whole numbers does not become a category on a quiet day.
        let mut profile = side.profile(&options, whole.as_ref());
        if let Some(wanted) = &command.columns {
            if let Some(missing) = wanted.iter().find(|name| profile.column(name).is_none()) {
                bail!("{}: there is no column {missing:?}", file.display());
            }
            profile.columns.retain(|column| wanted.contains(&column.name));
        }
        match &mut whole {
            None => whole = Some(profile),
            Some(whole) => whole.merge(&profile).map_err(|error| anyhow::anyhow!("{}: {error}", file.display()))?,
        }
    }
    let profile = whole.unwrap_or_default();
    let text = serde_json::to_string(&profile)?;
    match &command.output {
        None => say!("{text}"),
        Some(path) => {
            std::fs::write(path, text + "\n").with_context(|| format!("{}: cannot be written", path.display()))?;
            say!("{}: {} rows, {} columns of {} files", path.display(), profile.rows, profile.columns.len(), command.files.len());
        }
    }
    Ok(ExitCode::SUCCESS)
}
