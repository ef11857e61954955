//! A folder of files: new ones and grown ones are read once each; bad ones are named and left until they change.
//!
//! In:    the files of a folder, `now`. Out: their rows; a mark per file.
//! Never: reads a file that still changes; moves or deletes one; tries a bad one again before it changed.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::time::{SystemTime, UNIX_EPOCH};

use bellbuoy_vocabulary::{Millis, Timestamp};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use tracing::warn;

use super::file::{format_of, read};
use super::mapping::Mapping;
use super::{Keep, Stop, Take};
use crate::config::{FileFormat, Gives};

/// Files of one folder; of more the newest by name.
const FILES_MAX: usize = 20_000;
/// Marks are written after so many files at the latest.
const MARKS_EVERY: usize = 50;
const REASON_CHARS_MAX: usize = 500;

/// What was read of a file, as it was then.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
struct Mark {
    size: u64,
    modified_ms: i64,
    rows: u64,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    bad: Option<String>,
}

pub struct Folder {
    path: PathBuf,
    format: Option<FileFormat>,
    quiet: Millis,
    mapping: Mapping,
    /// Which settings the marks belong to.
    of: String,
    marks: BTreeMap<String, Mark>,
    /// Files that are not quiet yet: as they were seen, and since when.
    seen: BTreeMap<String, (u64, i64, Timestamp)>,
}

impl Folder {
    pub fn new(path: PathBuf, format: Option<FileFormat>, quiet: Millis, gives: Gives, mapping: Mapping, kept: Option<Value>) -> Folder {
        let of = format!("{gives:?} {} {format:?} {:?}", path.display(), mapping.roles);
        let mut folder = Folder { path, format, quiet, mapping, of, marks: BTreeMap::new(), seen: BTreeMap::new() };
        // Marks of another folder, or of other columns, say nothing of these.
        if let Some(kept) = kept.filter(|kept| kept["of"] == json!(folder.of)) {
            folder.marks = serde_json::from_value(kept["files"].clone()).unwrap_or_default();
        }
        folder
    }

    /// Files that were read, and the bad ones with the reason.
    pub fn known(&self) -> (u64, BTreeMap<String, String>) {
        let bad = self.marks.iter().filter_map(|(name, mark)| Some((name.clone(), mark.bad.clone()?)));
        (self.marks.values().filter(|mark| mark.bad.is_none()).count() as u64, bad.collect())
    }

    pub fn look(&mut self, take: &mut Take, keep: &mut Keep, now: Timestamp) -> Result<(), String> {
        let files = self.files()?;
        let known = self.marks.len();
        self.marks.retain(|name, _| files.contains_key(name));
        self.seen.retain(|name, _| files.contains_key(name));
        let mut changed = usize::from(self.marks.len() != known);
        let mut looked = Ok(());
        for (name, (size, modified_ms)) in files {
            let read_already = |mark: &Mark| (mark.size, mark.modified_ms) == (size, modified_ms);
            if self.marks.get(&name).is_some_and(read_already) || !self.is_quiet(&name, size, modified_ms, now) {
                continue;
            }
            match self.read(&name, size, modified_ms, take) {
                Ok(mark) => {
                    self.seen.remove(&name);
                    self.marks.insert(name, mark);
                    changed += 1;
                }
                Err(reason) => {
                    looked = Err(reason);
                    break;
                }
            }
            if changed >= MARKS_EVERY {
                keep(&self.mark())?;
                changed = 0;
            }
        }
        if changed > 0 {
            keep(&self.mark())?;
        }
        looked
    }

    fn mark(&self) -> Value {
        json!({"of": self.of, "files": self.marks})
    }

    /// Size and time of each file of a known format, by name.
    fn files(&self) -> Result<BTreeMap<String, (u64, i64)>, String> {
        let say = |error: std::io::Error| format!("{}: {}", self.path.display(), error);
        let mut files = BTreeMap::new();
        for entry in std::fs::read_dir(&self.path).map_err(say)? {
            let entry = entry.map_err(say)?;
            // What is not UTF-8, hidden or on its way is no file of rows.
            let Some(name) = entry.file_name().to_str().map(str::to_owned) else { continue };
            if name.starts_with(['.', '_']) || format_of(&name).is_none_or(|found| self.format.is_some_and(|wanted| wanted != found)) {
                continue;
            }
            let Ok(found) = std::fs::metadata(entry.path()) else { continue };
            if found.is_file() {
                let modified = found.modified().ok().and_then(|at: SystemTime| at.duration_since(UNIX_EPOCH).ok());
                files.insert(name, (found.len(), modified.map_or(0, |at| at.as_millis() as i64)));
                if files.len() > FILES_MAX {
                    files.pop_first();
                }
            }
        }
        Ok(files)
    }

    /// Long enough unchanged: by its own time, or, where the clock of its disk is another one, by what was seen here.
    fn is_quiet(&mut self, name: &str, size: u64, modified_ms: i64, now: Timestamp) -> bool {
        let age = now.0.saturating_sub(modified_ms);
        if age >= self.quiet.0 {
            return true;
        }
        match self.seen.get(name) {
            Some((seen_size, seen_ms, since)) if (*seen_size, *seen_ms) == (size, modified_ms) => now.0 - since.0 >= self.quiet.0,
            _ => {
                self.seen.insert(name.to_owned(), (size, modified_ms, now));
                false
            }
        }
    }

    fn read(&self, name: &str, size: u64, modified_ms: i64, take: &mut Take) -> Result<Mark, String> {
        let path = self.path.join(name);
        let format = self.format.or_else(|| format_of(name)).unwrap_or(FileFormat::Csv);
        let (rows, bad) = match read(&path, format, &self.mapping, take) {
            Ok(rows) => (rows, None),
            Err(Stop::Bad(reason)) => {
                let reason: String = reason.chars().take(REASON_CHARS_MAX).collect();
                warn!("{} can not be read: {reason}", path.display());
                (0, Some(reason))
            }
            Err(Stop::NotTaken(reason)) => return Err(format!("{name}: {reason}")),
        };
        Ok(Mark { size, modified_ms, rows, bad })
    }
}
