//! show: the dashboards of the folder that `up` runs, as files. Grafana's JSON is read for its head only; its bytes are given and kept as they are.
//!
//! In:    the folder, Grafana's providers. Out: a list with what is wrong with each; the bytes of one; a file written anew.
//! Never: changes a byte by itself; writes outside of the folders that it read; lets one bad file hide the others.
//! Read:  head.rs (what a text is), scan.rs (where files are), then this file.

mod head;
mod scan;

use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, RwLock};
use std::time::SystemTime;

use bellbuoy_vocabulary::Timestamp;
use ring::digest::{SHA256, digest};

pub use self::head::Head;
use self::scan::{Stamp, stamp};
use crate::clock;

/// Larger files are entries with that problem.
pub const FILE_BYTES_MAX: usize = 8 << 20;

/// One file with a dashboard.
#[derive(Clone, Debug)]
pub struct Dashboard {
    /// By which it is asked for: its own, or made from its path.
    pub uid: String,
    /// Below the folder of `up`, or as its provider names it.
    pub file: String,
    pub path: PathBuf,
    /// The folder of Grafana; empty is the root.
    pub folder: String,
    pub head: Option<Head>,
    pub etag: Option<String>,
    pub modified: Option<Timestamp>,
    /// Why it can not be used.
    pub problem: Option<String>,
    pub warnings: Vec<String>,
}

/// What was found at one time.
#[derive(Debug, Default)]
pub struct Found {
    /// By folder and title.
    pub dashboards: Vec<Dashboard>,
    /// Files beyond the bound.
    pub left_out: usize,
    /// Files and folders that were looked at.
    stamps: Vec<(PathBuf, Stamp)>,
}

pub struct Dashboards {
    /// The folder of `up`; dashboards of a single configuration file are not searched.
    root: Option<PathBuf>,
    data: PathBuf,
    found: RwLock<Arc<Found>>,
    /// One writer at a time, so that what an ETag was compared with is what is replaced.
    writing: Mutex<()>,
}

/// Why a dashboard was not written.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
pub enum WriteError {
    #[error("there is no dashboard {0:?}")]
    Unknown(String),
    #[error("the file {0} has changed since it was read; read it again and make the change anew")]
    Changed(String),
    #[error("{0}")]
    Bad(String),
    #[error("{0}")]
    Refused(String),
    #[error("{0}")]
    Disk(String),
}

impl Dashboards {
    /// `data` is where bellbuoy keeps its own files.
    pub fn new(config: &Path, data: &Path) -> Dashboards {
        let root = config.is_dir().then(|| config.to_path_buf());
        let dashboards = Dashboards { root, data: data.to_path_buf(), found: RwLock::default(), writing: Mutex::default() };
        dashboards.read_again();
        dashboards
    }

    pub fn found(&self) -> Arc<Found> {
        self.found.read().unwrap_or_else(|poisoned| poisoned.into_inner()).clone()
    }

    /// Looks whether a file has come, gone or changed; called every few seconds. True when it has.
    pub fn refresh(&self) -> bool {
        let changed = self.found().stamps.iter().any(|(path, before)| stamp(path) != *before);
        if changed {
            self.read_again();
        }
        changed
    }

    pub fn read_again(&self) {
        let Some(root) = &self.root else { return };
        let env = |name: &str| std::env::var(name).ok();
        let found = scan::scan(root, &self.data, &env);
        *self.found.write().unwrap_or_else(|poisoned| poisoned.into_inner()) = Arc::new(found);
    }

    pub fn get(&self, uid: &str) -> Option<Dashboard> {
        self.found().dashboards.iter().find(|dashboard| dashboard.uid == uid).cloned()
    }

    /// The bytes of a file as they are now.
    pub fn bytes(&self, dashboard: &Dashboard) -> Result<Vec<u8>, String> {
        let size = std::fs::metadata(&dashboard.path).map(|found| found.len());
        if size.is_ok_and(|size| size > FILE_BYTES_MAX as u64) {
            return Err(format!("{}: more than {FILE_BYTES_MAX} bytes", dashboard.file));
        }
        std::fs::read(&dashboard.path).map_err(|error| format!("{}: {error}", dashboard.file))
    }

    /// Writes `body` in the place of a file that is still what `expected` (its ETag) says. Gives the new ETag.
    pub fn write(&self, uid: &str, body: &[u8], expected: &str) -> Result<String, WriteError> {
        let _one = self.writing.lock().unwrap_or_else(|poisoned| poisoned.into_inner());
        let dashboard = self.get(uid).ok_or_else(|| WriteError::Unknown(uid.to_string()))?;
        let head = head::read(body).map_err(WriteError::Bad)?;
        let old = self.bytes(&dashboard).map_err(WriteError::Disk)?;
        if etag(&old) != expected {
            return Err(WriteError::Changed(dashboard.file));
        }
        let own = dashboard.head.as_ref().and_then(|head| head.uid.clone());
        if own.is_some() && head.uid != own {
            let message = format!("the new text has the uid {:?} and not {:?}", head.uid.unwrap_or_default(), own.unwrap_or_default());
            return Err(WriteError::Bad(message));
        }
        let path = self.target(&dashboard)?;
        replace(&path, body).map_err(|error| WriteError::Disk(format!("{}: {error}", dashboard.file)))?;
        self.read_again();
        Ok(etag(body))
    }

    /// The file itself, when the name is a link; it must not lead out of the folder.
    fn target(&self, dashboard: &Dashboard) -> Result<PathBuf, WriteError> {
        let real = |path: &Path| path.canonicalize().map_err(|error| WriteError::Disk(format!("{}: {error}", dashboard.file)));
        let (path, named) = (real(&dashboard.path)?, dashboard.path.parent().unwrap_or(Path::new("")));
        let roots = [self.root.as_deref(), Some(named)];
        if roots.into_iter().flatten().filter_map(|root| root.canonicalize().ok()).any(|root| path.starts_with(root)) {
            return Ok(path);
        }
        Err(WriteError::Refused(format!("{} is a link to a file outside of the folder; edit that file", dashboard.file)))
    }
}

/// The new text is complete on disk before it takes the name of the old one.
fn replace(path: &Path, body: &[u8]) -> std::io::Result<()> {
    let folder = path.parent().unwrap_or(Path::new(""));
    let name = path.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default();
    let draft = folder.join(format!(".{name}.{}.new", clock::uuid()));
    let written = (|| {
        let mut file = std::fs::OpenOptions::new().write(true).create_new(true).open(&draft)?;
        file.write_all(body)?;
        file.set_permissions(std::fs::metadata(path)?.permissions())?;
        file.sync_all()?;
        std::fs::rename(&draft, path)?;
        std::fs::File::open(folder)?.sync_all()
    })();
    if written.is_err() {
        let _ = std::fs::remove_file(&draft);
    }
    written
}

/// Of a file's bytes; quotes included, as the header has it.
pub fn etag(bytes: &[u8]) -> String {
    let hash = digest(&SHA256, bytes);
    let hex: String = hash.as_ref().iter().take(12).map(|byte| format!("{byte:02x}")).collect();
    format!("\"{hex}\"")
}

fn modified(path: &Path) -> Option<SystemTime> {
    std::fs::metadata(path).and_then(|found| found.modified()).ok()
}

#[cfg(test)]
mod tests;
