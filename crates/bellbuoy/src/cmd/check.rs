//! `bellbuoy check [PATH...]`: reads what `up` would run and says what can not work, before it does not.

use std::collections::HashMap;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use anyhow::bail;
use bellbuoy_check::Finding;
use bellbuoy_vocabulary::Severity;
use clap::Args;

use super::alertmanager_flags::GrammarFlag;
use crate::app::{self, AlertmanagerOptions, Options};
use crate::config::Loaded;
use crate::findings::{self, Format};
use crate::models::References;

#[derive(Debug, Args)]
pub struct Check {
    /// Folders or files.
    #[arg(default_value = ".", value_name = "PATH")]
    pub paths: Vec<PathBuf>,
    /// For people, or for programs: json, sarif, annotations of GitHub.
    #[arg(long, value_enum, default_value = "human")]
    pub format: Format,
    /// From which severity on a finding makes the exit status 1.
    #[arg(long, default_value = "warning", value_parser = ["info", "warning", "error"])]
    pub level: String,
    /// Write the corrections into the files whose meaning is beyond doubt, then check again.
    #[arg(long)]
    pub fix: bool,
    /// Show the route tree of alertmanager.yml too.
    #[arg(long)]
    pub routes: bool,
    #[command(flatten)]
    pub grammar: GrammarFlag,
}

pub fn run(command: Check) -> anyhow::Result<ExitCode> {
    command.grammar.choose();
    let level = match command.level.as_str() {
        "info" => Severity::Info,
        "warning" => Severity::Warning,
        _ => Severity::Error,
    };
    let (mut all, mut texts, mut unread) = (Vec::new(), HashMap::new(), false);
    for path in &command.paths {
        if !path.exists() {
            bail!("{}: no such file or folder", path.display());
        }
        let mut loaded = load(path);
        let mut found = findings::look(&loaded);
        if command.fix {
            let (made, files) = findings::apply_fixes(&found, &loaded)?;
            if made > 0 {
                eprintln!("{}: {made} corrections written into {files} files", path.display());
                loaded = load(path);
                found = findings::look(&loaded);
            }
        }
        unread |= loaded.problems.iter().any(|problem| problem.message.starts_with("can not read"));
        if command.format == Format::Human {
            if !found.is_empty() {
                say!("{}", findings::show(Format::Human, &found, &loaded.texts));
            }
            say_summary(path, &loaded, &found, command.routes);
        }
        texts.extend(loaded.texts);
        all.extend(found);
    }
    if command.format != Format::Human && !(command.format == Format::Github && all.is_empty()) {
        say!("{}", findings::show(command.format, &all, &texts));
    }
    let failed = all.iter().any(|finding| finding.severity >= level);
    Ok(ExitCode::from(if unread { 2 } else { u8::from(failed) }))
}

fn load(path: &Path) -> Loaded {
    let options = Options { config: path.to_path_buf(), alertmanager: AlertmanagerOptions::default(), ..Options::default() };
    app::load(&options, &References::default()).0
}

fn say_summary(path: &Path, loaded: &Loaded, found: &[Finding], routes: bool) {
    let Some(settings) = &loaded.settings else {
        say!("{}: can not run: {}", path.display(), counted(found));
        return;
    };
    let word = if found.is_empty() { "fine".to_string() } else { format!("can run, with {}", counted(found)) };
    say!(
        "{}: {word}: {} jobs, {} rules in {} groups, {} receivers, {} models",
        path.display(),
        settings.scrape.len(),
        settings.groups.iter().map(|group| group.rules.len()).sum::<usize>(),
        settings.groups.len(),
        settings.receivers.len(),
        settings.models.len()
    );
    super::routes::say_found(settings);
    if routes {
        super::routes::say_tree(settings);
    }
}

/// `1 error, 2 warnings`
fn counted(found: &[Finding]) -> String {
    let count = |severity| found.iter().filter(|finding| finding.severity == severity).count();
    let words = [(Severity::Error, "error"), (Severity::Warning, "warning"), (Severity::Info, "note")].map(|(severity, word)| {
        let count = count(severity);
        (count, format!("{count} {word}{}", if count == 1 { "" } else { "s" }))
    });
    words.into_iter().filter(|(count, _)| *count > 0).map(|(_, words)| words).collect::<Vec<_>>().join(", ")
}
