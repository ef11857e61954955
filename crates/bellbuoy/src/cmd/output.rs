//! Where a report of a command goes: the terminal, a pipe, a file; with or without colours.

use std::io::IsTerminal;
use std::path::{Path, PathBuf};

use anyhow::Context;
use bellbuoy_reports::{ModelReport, Screen};
use clap::{Args, ValueEnum};
use serde_json::Value;

/// Cells of a line where nobody says.
const WIDTH: usize = 120;
/// Lines of a screen that are not columns: head, verdict, findings, the next prompt.
const OTHER_LINES: usize = 13;

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Format {
    /// For people: one screen.
    #[value(alias = "text")]
    Table,
    /// For programs.
    Json,
    /// One page that stands alone, to look at or to mail.
    Html,
}

#[derive(Debug, Args)]
pub struct Output {
    /// What is printed; without it, what the name of `--output` says (.html, .json), else a table.
    #[arg(long, value_enum)]
    pub format: Option<Format>,
    /// Write to this file instead of to standard output.
    #[arg(long, value_name = "FILE")]
    pub output: Option<PathBuf>,
    /// List everything, however long the list.
    #[arg(long)]
    pub all: bool,
}

impl Output {
    pub fn format(&self) -> Format {
        let by_name = || match self.output.as_deref().and_then(Path::extension).and_then(|suffix| suffix.to_str()) {
            Some("html" | "htm") => Format::Html,
            Some("json") => Format::Json,
            _ => Format::Table,
        };
        self.format.unwrap_or_else(by_name)
    }

    /// Prints or writes the report; `json` is what scripts rely on.
    pub fn write(&self, report: &ModelReport, json: impl FnOnce() -> Value) -> anyhow::Result<()> {
        let text = match self.format() {
            Format::Table => report.text(&self.screen()),
            Format::Html => report.html(),
            Format::Json => json().to_string(),
        };
        self.write_text(&text)
    }

    pub fn write_text(&self, text: &str) -> anyhow::Result<()> {
        let Some(path) = &self.output else {
            say!("{}", text.trim_end_matches('\n'));
            return Ok(());
        };
        let line_end = if text.ends_with('\n') { "" } else { "\n" };
        std::fs::write(path, format!("{text}{line_end}")).with_context(|| format!("{}: cannot be written", path.display()))?;
        tracing::info!("wrote {} ({} KB)", path.display(), text.len().div_ceil(1000));
        Ok(())
    }

    fn screen(&self) -> Screen {
        let terminal = self.output.is_none() && std::io::stdout().is_terminal();
        let size = if terminal { rustix::termios::tcgetwinsize(std::io::stdout()).ok().filter(|size| size.ws_col > 0) } else { None };
        let locale = ["LC_ALL", "LC_CTYPE", "LANG"].into_iter().find_map(|name| std::env::var(name).ok().filter(|value| !value.is_empty()));
        Screen {
            width: size.map_or(WIDTH, |size| usize::from(size.ws_col)).max(40),
            features_max: size.filter(|_| !self.all).map(|size| usize::from(size.ws_row).saturating_sub(OTHER_LINES).max(8)),
            colours: terminal && std::env::var_os("NO_COLOR").is_none_or(|value| value.is_empty()),
            unicode: !terminal || !matches!(locale.as_deref(), Some("C" | "POSIX")),
        }
    }
}

/// The terminal for the explanations, tests and proofs: how wide, and whether with colours.
pub fn terminal() -> bellbuoy_check::explain::Terminal {
    let terminal = std::io::stdout().is_terminal();
    let size = if terminal { rustix::termios::tcgetwinsize(std::io::stdout()).ok().filter(|size| size.ws_col > 0) } else { None };
    let colours = terminal && std::env::var_os("NO_COLOR").is_none_or(|value| value.is_empty());
    bellbuoy_check::explain::Terminal { width: size.map_or(WIDTH, |size| usize::from(size.ws_col)), colours }
}
