//! `--fix`: writes the changes whose meaning is beyond doubt into the files.
//!
//! A change is made only when the file, read again, has exactly the wanted text at the wanted place and is otherwise the same; a
//! file is replaced as a whole, by a rename, so that nobody reads half of it.

use std::collections::BTreeMap;
use std::ops::Range;
use std::path::Path;

use bellbuoy_check::{Edit, Finding};

use super::places::Places;
use crate::config::{Loaded, Report, Source, parse_yaml};

/// How many changes were made, and in how many files.
pub fn apply_fixes(findings: &[Finding], loaded: &Loaded) -> anyhow::Result<(usize, usize)> {
    let mut of_file: BTreeMap<&str, Vec<&Finding>> = BTreeMap::new();
    for finding in findings.iter().filter(|finding| finding.edit.is_some()) {
        of_file.entry(&finding.file).or_default().push(finding);
    }
    let (mut made, mut files) = (0, 0);
    for (file, findings) in of_file {
        let Some(source) = loaded.sources.get(Path::new(file)) else { continue };
        let (text, count) = changed(source, findings);
        if count == 0 {
            continue;
        }
        write(Path::new(file), &text)?;
        made += count;
        files += 1;
    }
    Ok((made, files))
}

/// The text with as many changes as are sure, from the last to the first.
fn changed(source: &Source, findings: Vec<&Finding>) -> (String, usize) {
    let places = Places::of(source);
    let mut changes: Vec<(Range<usize>, &Finding, &Edit)> = Vec::new();
    for finding in findings {
        let (Some(node), Some(edit)) = (places.node(&finding.at), &finding.edit) else { continue };
        if let Some((bytes, _)) = places.bytes(node, edit.range.clone()) {
            changes.push((bytes, finding, edit));
        }
    }
    changes.sort_by_key(|(bytes, ..)| std::cmp::Reverse(bytes.start));
    let (mut text, mut count, mut before) = (source.text.clone(), 0, usize::MAX);
    for (bytes, finding, edit) in changes {
        if bytes.end > before {
            continue;
        }
        let mut tried = text.clone();
        tried.replace_range(bytes.clone(), &edit.text);
        if is_as_wanted(&text, &tried, finding, edit) {
            (text, before) = (tried, bytes.start);
            count += 1;
        }
    }
    (text, count)
}

/// Whether the value has the wanted text after the change.
fn is_as_wanted(old: &str, new: &str, finding: &Finding, edit: &Edit) -> bool {
    let value = |text: &str| {
        let tree = parse_yaml(text, &Report::new(""))?;
        let source = Source { text: text.to_string(), tree, secrets: Vec::new() };
        let places = Places::of(&source);
        Some(places.node(&finding.at)?.scalar()?.text.clone())
    };
    let (Some(mut wanted), Some(got)) = (value(old), value(new)) else { return false };
    if wanted.get(edit.range.clone()).is_none() {
        return false;
    }
    wanted.replace_range(edit.range.clone(), &edit.text);
    wanted == got
}

fn write(path: &Path, text: &str) -> anyhow::Result<()> {
    let mut beside = path.as_os_str().to_owned();
    beside.push(".bellbuoy-fix");
    let beside = Path::new(&beside);
    let done = std::fs::write(beside, text)
        .and_then(|()| std::fs::set_permissions(beside, std::fs::metadata(path)?.permissions()))
        .and_then(|()| std::fs::rename(beside, path));
    done.map_err(|error| {
        let _ = std::fs::remove_file(beside);
        anyhow::anyhow!("{}: can not write: {error}", path.display())
    })
}
