//! Files of `file_sd_configs`: JSON or YAML lists of `targets` and `labels`. JSON is read as YAML, which contains it.
//!
//! They are data that programs write and replace while we run, so variables in them are not filled in.

use std::path::PathBuf;

use bellbuoy_scrape::{FileDiscovery, TargetGroup};
use bellbuoy_vocabulary::{Problem, Severity, Span};

use super::prometheus::target_group;
use super::read::{Fields, Report, why};
use super::yaml::{self, Value};

/// Files that one glob may name.
const FILES_MAX: usize = 10_000;

/// Reads every file of a discovery. `None` when one of them can not be read: the caller then keeps the targets that it has,
/// as Prometheus does. A glob that matches nothing gives no targets.
pub fn read_discovery(discovery: &FileDiscovery) -> (Option<Vec<TargetGroup>>, Vec<Problem>) {
    let (mut groups, mut problems) = (Vec::new(), Vec::new());
    for pattern in &discovery.files {
        let (paths, problem) = expand_glob(pattern);
        problems.extend(problem);
        for path in paths {
            let name = path.display().to_string();
            match std::fs::read(&path) {
                Ok(bytes) => {
                    let (found, of_file) = parse(&name, &bytes);
                    groups.extend(found);
                    problems.extend(of_file);
                }
                Err(error) => problems.push(Problem::error(&name, Span::default(), format!("can not read: {}", why(&error)))),
            }
        }
    }
    let broken = problems.iter().any(|problem| problem.severity == Severity::Error);
    ((!broken).then_some(groups), problems)
}

/// The target groups of one file, with all its problems.
pub fn parse(file: &str, bytes: &[u8]) -> (Vec<TargetGroup>, Vec<Problem>) {
    let report = Report::new(file);
    let mut groups = Vec::new();
    match std::str::from_utf8(bytes) {
        Err(_) => report.error(Span::default(), "not valid UTF-8", ""),
        Ok(text) => {
            if let Some(tree) = yaml::parse(text, &report) {
                match &tree.root.value {
                    Value::Null | Value::Unset => {}
                    Value::List(items) => {
                        let maps = items.iter().filter_map(|item| Fields::of(item, "target group", &report));
                        groups.extend(maps.map(|fields| target_group(fields, false)));
                    }
                    _ => report.error(
                        tree.root.span,
                        format!("a discovery file is a list, not {}", tree.root.kind()),
                        "begin each group with `- targets:`",
                    ),
                }
            }
        }
    }
    (groups, report.into_problems())
}

/// The files that a path with `*`, `?` or `[...]` names, sorted. A plain path that does not exist gives none.
pub fn expand_glob(pattern: &str) -> (Vec<PathBuf>, Option<Problem>) {
    let options = glob::MatchOptions { require_literal_separator: true, ..glob::MatchOptions::new() };
    match glob::glob_with(pattern, options) {
        Err(error) => (Vec::new(), Some(Problem::error(pattern, Span::default(), format!("bad path pattern: {}", error.msg)))),
        Ok(found) => (found.flatten().filter(|path| path.is_file()).take(FILES_MAX).collect(), None),
    }
}
