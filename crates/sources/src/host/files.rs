//! How the collectors read: the boat gives them the machine's files, tests give them recorded ones.

use std::fmt;

/// Longer texts are not read. `/proc/stat` of a thousand CPUs has some 100 KiB without its line of interrupts, 1 MiB with it.
pub const TEXT_BYTES_MAX: usize = 4 << 20;

/// The files of `/proc`, `/sys`, `/etc` and `/run`, by absolute paths.
pub trait Files {
    /// At most `TEXT_BYTES_MAX`; what is not UTF-8 is replaced.
    fn read(&self, path: &str) -> Result<String, Unread>;
    /// Names in a folder, sorted; empty when there is none.
    fn list(&self, path: &str) -> Vec<String>;
    /// What a symbolic link says.
    fn link(&self, path: &str) -> Option<String>;
    /// statvfs(3) of each mount point, in their order; the reason when it failed or hung.
    fn usages(&self, mount_points: &[String]) -> Vec<Result<Usage, String>>;
}

/// Why a file was not read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Unread {
    /// This kernel, or this container, does not have it.
    Absent,
    Failed(String),
}

impl fmt::Display for Unread {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Unread::Absent => f.write_str("not there"),
            Unread::Failed(reason) => f.write_str(reason),
        }
    }
}

/// statvfs(3): sizes in bytes (blocks times `f_frsize`), files by number.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Usage {
    pub size: u64,
    pub free: u64,
    /// Free for users that are not root.
    pub avail: u64,
    pub files: u64,
    pub files_free: u64,
}

/// A file that the collector can not do without.
pub(super) fn needed(files: &dyn Files, path: &str) -> Result<String, String> {
    files.read(path).map_err(|why| format!("{path}: {why}"))
}

/// The trimmed text of a small file, when it is there.
pub(super) fn word(files: &dyn Files, path: &str) -> Option<String> {
    files.read(path).ok().map(|text| text.trim().to_string())
}

/// The same as a number.
pub(super) fn number_of(files: &dyn Files, path: &str) -> Option<f64> {
    word(files, path).and_then(|text| super::number(&text))
}
