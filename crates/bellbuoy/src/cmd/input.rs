//! How the files of a command are read: what a person may say of them, and a sign of life on a terminal.

use std::fs::File;
use std::io::IsTerminal;
use std::path::Path;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use std::time::Duration;

use bellbuoy_tables::{Opened, ReadOptions, Table};
use clap::Args;
use indicatif::{ProgressBar, ProgressStyle};

use crate::table::{open_table, read_table};

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

/// Two files or folders, both at once. Beside them, what the reader left out.
pub fn open_both(reference: &Path, current: &Path, options: &ReadOptions) -> anyhow::Result<(Opened<File>, Opened<File>, Vec<String>)> {
    let bar = busy("reading");
    let done = [AtomicU64::new(0), AtomicU64::new(0)];
    let all = [AtomicU64::new(0), AtomicU64::new(0)];
    let sum = |counts: &[AtomicU64; 2]| counts.iter().map(|count| count.load(Relaxed)).sum();
    let open = |side: usize, path: &Path| {
        open_table(path, options, &|now, in_all| {
            done[side].store(now, Relaxed);
            all[side].store(in_all, Relaxed);
            bar.set_length(sum(&all));
            bar.set_position(sum(&done));
        })
    };
    let (reference_table, current_table) = std::thread::scope(|scope| {
        let reference = scope.spawn(|| open(0, reference));
        let current = open(1, current);
        (reference.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic)), current)
    });
    bar.finish_and_clear();
    let (reference_table, current_table) = (reference_table?, current_table?);
    let mut notes = Vec::new();
    for (path, table) in [(reference, &reference_table), (current, &current_table)] {
        if table.rows() == 0 {
            anyhow::bail!("{}: there is no row, only a header", path.display());
        }
        for note in table.notes() {
            tracing::warn!("{}: {note}", path.display());
            notes.push(note.clone());
        }
    }
    Ok((reference_table, current_table, notes))
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
