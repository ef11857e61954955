//! How the files of a command are read: what a person may say of them, and a sign of life on a terminal.

use std::io::IsTerminal;
use std::path::Path;
use std::time::Duration;

use bellbuoy_tables::{ReadOptions, Table};
use clap::Args;
use indicatif::{ProgressBar, ProgressStyle};

use crate::table::read_table;

#[derive(Debug, Args)]
pub struct Input {
    /// What stands between the cells of a CSV; found out when not said. `\t` is a tab.
    #[arg(long, value_name = "CHARACTER")]
    pub separator: Option<String>,
    /// The encoding of a CSV or JSON file, as `windows-1252`; found out when not said.
    #[arg(long)]
    pub encoding: Option<String>,
}

impl Input {
    /// `columns`: only these are read.
    pub fn options(&self, columns: Option<Vec<String>>) -> anyhow::Result<ReadOptions> {
        let separator = match self.separator.as_deref() {
            None => None,
            Some("\\t" | "tab") => Some(b'\t'),
            Some(text) if text.len() == 1 => text.bytes().next(),
            Some(text) => anyhow::bail!("--separator {text:?} is not one ASCII character"),
        };
        Ok(ReadOptions { columns, separator, encoding: self.encoding.clone(), ..ReadOptions::default() })
    }
}

/// A file or folder, whole. What the reader left out is told on standard error.
pub fn read(path: &Path, options: &ReadOptions) -> anyhow::Result<Table> {
    let bar = busy(&format!("reading {}", path.display()));
    let table = read_table(path, options, &|done, all| {
        bar.set_length(all);
        bar.set_position(done);
    });
    bar.finish_and_clear();
    let table = table.map_err(|error| anyhow::anyhow!("{error}"))?;
    for note in &table.notes {
        tracing::warn!("{}: {note}", path.display());
    }
    Ok(table)
}

/// A sign of life on standard error while `what` is under way; only where a person looks.
pub fn busy(what: &str) -> ProgressBar {
    if !std::io::stderr().is_terminal() {
        return ProgressBar::hidden();
    }
    let bar = ProgressBar::no_length().with_message(what.to_owned());
    if let Ok(style) = ProgressStyle::with_template("{spinner} {msg} [{bar:30}] {elapsed}") {
        bar.set_style(style.progress_chars("=> "));
    }
    bar.enable_steady_tick(Duration::from_millis(120));
    bar
}
