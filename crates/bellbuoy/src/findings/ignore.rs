//! `# bellbuoy: ignore CODE reason`: what a person has seen and wants to keep.
//!
//! A comment speaks of its own line, or, when it stands alone, of the next line that is no comment; on the line where a rule or
//! route begins it speaks of all of it. `ignore-file` speaks of the whole file. In a dashboard, which has no comments, the same words
//! stand in a panel's description. A comment without a reason, and one that ignores nothing, are findings themselves.

use std::collections::HashMap;
use std::path::Path;

use bellbuoy_check::Finding;
use bellbuoy_vocabulary::{Severity, Span};

use super::places::Places;
use crate::config::{Loaded, Source};

const MARK: &str = "bellbuoy: ignore";

struct Ignore {
    codes: Vec<String>,
    reason: String,
    /// The comment's own line, and the one that it speaks of; `None`: the whole file.
    line: usize,
    target: Option<usize>,
    used: bool,
}

pub fn without_ignored(findings: Vec<Finding>, loaded: &Loaded) -> Vec<Finding> {
    let mut ignores: HashMap<&Path, Vec<Ignore>> = HashMap::new();
    for (path, source) in &loaded.sources {
        let found = ignores_of(source);
        if !found.is_empty() {
            ignores.insert(path, found);
        }
    }
    let mut kept = Vec::new();
    let mut places: HashMap<&Path, Places> = HashMap::new();
    for finding in findings {
        let lines = match loaded.sources.get_key_value(Path::new(&finding.file)) {
            Some((path, source)) if ignores.contains_key(path.as_path()) => {
                places.entry(path).or_insert_with(|| Places::of(source)).lines(&finding.at)
            }
            _ => Vec::new(),
        };
        let of_file = ignores.get_mut(Path::new(&finding.file)).into_iter().flatten();
        let mut ignored = false;
        for ignore in of_file.filter(|ignore| ignore.speaks_of(&finding, &lines)) {
            ignore.used = true;
            ignored = true;
        }
        if !ignored {
            kept.push(finding);
        }
    }
    for (path, ignores) in ignores {
        kept.extend(ignores.iter().filter_map(|ignore| ignore.complaint(&path.display().to_string())));
    }
    kept
}

impl Ignore {
    fn speaks_of(&self, finding: &Finding, lines: &[usize]) -> bool {
        // What can not be read can not be used: no comment changes that.
        let can = !(finding.at == Default::default() && finding.severity == Severity::Error);
        let here = self.target.is_none_or(|target| target == finding.span.line || lines.contains(&target));
        can && here && self.codes.iter().any(|code| code == finding.code)
    }

    fn complaint(&self, file: &str) -> Option<Finding> {
        let codes = self.codes.join(",");
        let (message, why) = if self.reason.is_empty() {
            (format!("the comment that ignores {codes} gives no reason"), "Who reads it later can not know whether it still holds.")
        } else if !self.used {
            (format!("the comment ignores {codes}, and there is no such finding"), "It would hide a new one.")
        } else {
            return None;
        };
        let span = Span { line: self.line, column: 1, length: 1 };
        Some(Finding { span, ..Finding::of_file("ignore-comment", Severity::Info, file, message, why.to_string()) })
    }
}

fn ignores_of(source: &Source) -> Vec<Ignore> {
    let mut found = Vec::new();
    if !source.text.contains(MARK) {
        return found;
    }
    let lines: Vec<&str> = source.text.lines().collect();
    let is_json = source.text.trim_start().starts_with('{');
    for (index, line) in lines.iter().enumerate() {
        let Some((before, after)) = line.split_once(MARK) else { continue };
        let of_file = after.starts_with("-file");
        let after = after.strip_prefix("-file").unwrap_or(after);
        if !is_json && !before.trim_end().ends_with('#') {
            continue;
        }
        // A description ends with its quote.
        let after = if is_json { after.split(['"', '\\']).next().unwrap_or("") } else { after };
        let mut words = after.split_whitespace();
        let codes: Vec<String> = words.next().unwrap_or("").split(',').filter(|code| !code.is_empty()).map(String::from).collect();
        let reason = words.collect::<Vec<_>>().join(" ");
        let alone = before.trim() == "#";
        let next = || lines[index + 1..].iter().position(|line| !line.trim().is_empty() && !line.trim_start().starts_with('#'));
        let target = match (of_file || is_json, alone) {
            (true, _) => None,
            (false, true) => next().map(|ahead| index + 2 + ahead),
            (false, false) => Some(index + 1),
        };
        found.push(Ignore { codes, reason, line: index + 1, target, used: false });
    }
    found
}
