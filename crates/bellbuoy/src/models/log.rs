//! The rows of a model on disk, one JSON object a line in `DATA/models/NAME/rows.jsonl`.
//!
//! In:    lines. Out: the same lines after a restart. Holds: what `append` has taken is on disk.
//! Above `lines_max` the file becomes `rows.old.jsonl` and a new one begins, so that at most twice as many are kept.

use std::fs::{File, OpenOptions};
use std::io::{BufRead, BufReader, Write as _};
use std::path::PathBuf;

/// The rows of one model on disk.
pub(super) struct RowLog {
    dir: PathBuf,
    file: File,
    lines: usize,
    lines_max: usize,
}

impl RowLog {
    /// With the lines that are there, oldest first.
    pub(super) fn open(dir: PathBuf, lines_max: usize) -> std::io::Result<(RowLog, Vec<String>)> {
        std::fs::create_dir_all(&dir)?;
        let mut all = Vec::new();
        let mut lines = 0;
        for name in ["rows.old.jsonl", "rows.jsonl"] {
            lines = 0;
            let Ok(file) = File::open(dir.join(name)) else { continue };
            for line in BufReader::new(file).split(b'\n') {
                lines += 1;
                all.push(String::from_utf8_lossy(&line?).into_owned());
            }
        }
        let mut file = OpenOptions::new().create(true).append(true).open(dir.join("rows.jsonl"))?;
        // A crash can leave half a line; the next row must not continue it.
        if lines > 0 {
            file.write_all(b"\n")?;
        }
        all.retain(|line| !line.trim().is_empty());
        Ok((RowLog { dir, file, lines, lines_max: lines_max.max(1) }, all))
    }

    pub(super) fn append(&mut self, lines: &[String]) -> std::io::Result<()> {
        if self.lines >= self.lines_max * 2 {
            self.file.sync_data()?;
            std::fs::rename(self.dir.join("rows.jsonl"), self.dir.join("rows.old.jsonl"))?;
            self.file = OpenOptions::new().create(true).append(true).open(self.dir.join("rows.jsonl"))?;
            File::open(&self.dir)?.sync_all()?;
            self.lines = 0;
        }
        let mut text = lines.join("\n");
        text.push('\n');
        self.file.write_all(text.as_bytes())?;
        self.lines += lines.len();
        self.file.sync_data()
    }
}
