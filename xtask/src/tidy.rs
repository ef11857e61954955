//! Checks that keep the house rules true without anybody watching. They run under `cargo test` and as a command.
//!
//! Every check is a function from text to findings, so that the tests can show it failing. A finding names file, line and the way out.
//! A check that gives false alarms is worse than none: mend it or delete it.

mod documents;
mod edges;
mod sources;

use std::fmt;
use std::fs;
use std::path::{Path, PathBuf};

use anyhow::Context;

pub use edges::edges_text;

/// Folders that hold nothing of ours.
const SKIPPED_FOLDERS: [&str; 5] = ["target", ".git", "node_modules", "data", "dist"];
/// Larger files are data, not text that a person wrote.
const TEXT_BYTES_MAX: u64 = 1 << 20;

/// What is wrong, where, and what to do.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Finding {
    pub file: String,
    /// From 1; 0 when it is about the whole file.
    pub line: usize,
    pub message: String,
    pub fix: String,
}

impl Finding {
    fn new(file: &str, line: usize, message: impl Into<String>, fix: impl Into<String>) -> Finding {
        Finding { file: file.to_string(), line, message: message.into(), fix: fix.into() }
    }
}

impl fmt::Display for Finding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:", self.file)?;
        if self.line > 0 {
            write!(f, "{}:", self.line)?;
        }
        write!(f, " {}; {}", self.message, self.fix)
    }
}

/// A text file of the repository; the path is relative to its root, with `/`.
struct File {
    path: String,
    text: String,
}

/// The repository's root, as it was when this was compiled.
pub fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().expect("xtask lies in the repository").to_path_buf()
}

/// All findings, sorted by file and line.
pub fn run(root: &Path) -> anyhow::Result<Vec<Finding>> {
    let mut files = Vec::new();
    collect(root, root, &mut files)?;
    let mut findings = edges::check_packages(&edges::packages(root)?);
    for file in &files {
        if file.path.ends_with(".rs") {
            findings.extend(sources::check_head(&file.path, &file.text));
            findings.extend(sources::check_words(&file.path, &file.text));
        }
        if file.path.ends_with(".md") {
            findings.extend(documents::check_links(&file.path, &file.text, &|target| root.join(target).exists()));
        }
        findings.extend(documents::check_self_contained(&file.path, &file.text));
    }
    let text_of = |path: &str| files.iter().find(|file| file.path == path).map(|file| file.text.as_str());
    findings.extend(edges::check_map("ARCHITECTURE.md", text_of("ARCHITECTURE.md")));
    findings.extend(documents::check_lock("Cargo.lock", text_of("Cargo.lock").unwrap_or_default()));
    let settings = "crates/notify/src/settings.rs";
    findings.extend(documents::check_receivers(settings, text_of(settings).unwrap_or_default(), &|page| root.join(page).exists()));
    findings.sort();
    Ok(findings)
}

fn collect(root: &Path, folder: &Path, out: &mut Vec<File>) -> anyhow::Result<()> {
    let mut entries: Vec<_> = fs::read_dir(folder).with_context(|| folder.display().to_string())?.collect::<Result<_, _>>()?;
    entries.sort_by_key(|entry| entry.path());
    for entry in entries {
        let (path, name) = (entry.path(), entry.file_name().to_string_lossy().into_owned());
        let kind = entry.file_type()?;
        if kind.is_dir() && !SKIPPED_FOLDERS.contains(&name.as_str()) {
            collect(root, &path, out)?;
        } else if kind.is_file() && entry.metadata()?.len() <= TEXT_BYTES_MAX {
            // What is not UTF-8 is no text: pictures, archives.
            if let Ok(text) = fs::read_to_string(&path) {
                let path = path.strip_prefix(root)?.to_string_lossy().replace('\\', "/");
                out.push(File { path, text });
            }
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_repository_is_tidy() {
        let findings = run(&root()).expect("the repository can be read");
        let text: Vec<String> = findings.iter().map(Finding::to_string).collect();
        assert!(findings.is_empty(), "{} findings:\n{}", findings.len(), text.join("\n"));
    }

    #[test]
    fn findings_name_the_place_and_the_way_out() {
        let finding = Finding::new("a/b.rs", 3, "sleeps in a test", "pass `now` in");
        assert_eq!(finding.to_string(), "a/b.rs:3: sleeps in a test; pass `now` in");
        assert_eq!(Finding::new("Cargo.lock", 0, "x", "y").to_string(), "Cargo.lock: x; y");
    }
}
