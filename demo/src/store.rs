//! Models on disk: one file per version, and one that says which of them serve.
//!
//! A model's file is a line `bellbuoy-demo-model 1 sha256=HEX bytes=N` and then JSON. It is written beside its place, synced and
//! renamed, so it is there whole or not at all. A damaged file is set aside as `*.damaged`, never deleted.

use std::fs::{self, File};
use std::io::Write;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use anyhow::Context;
use ring::digest;
use serde::{Deserialize, Serialize};

use crate::model::{Model, Score};
use crate::training::Trained;

const FORMAT: &str = "bellbuoy-demo-model 1";
const ROLES: &str = "roles.json";
/// Versions that are kept beside the champion, its predecessors and the challenger.
const VERSIONS_KEPT: usize = 10;
/// Former champions that one can fall back to.
const FORMER_MAX: usize = 3;
/// A model of 150 trees has some 300 kB.
const FILE_BYTES_MAX: u64 = 64 << 20;

/// A model and its number.
#[derive(Debug)]
pub(crate) struct Versioned {
    pub(crate) version: u32,
    pub(crate) trained: Trained,
}

/// Which versions serve.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(crate) struct Roles {
    pub(crate) champion: u32,
    pub(crate) challenger: Option<u32>,
    /// Champions before this one, the last first.
    pub(crate) former: Vec<u32>,
    pub(crate) next_version: u32,
}

/// What was on disk.
pub(crate) struct Loaded {
    /// `None`: there is no good model, or none at all.
    pub(crate) models: Option<(Roles, Arc<Versioned>, Option<Arc<Versioned>>)>,
    pub(crate) next_version: u32,
    /// What was damaged, and what is done instead.
    pub(crate) problems: Vec<String>,
}

/// The folder `models`. Without a data folder nothing is kept.
pub(crate) struct Store {
    dir: Option<PathBuf>,
}

#[derive(Serialize, Deserialize)]
struct Stored<M> {
    version: u32,
    from_day: u32,
    to_day: u32,
    rows: usize,
    fit: Option<Score>,
    duration_s: f64,
    model: M,
}

impl Store {
    pub(crate) fn open(data: Option<&Path>) -> anyhow::Result<Store> {
        let dir = data.map(|data| data.join("models"));
        if let Some(dir) = &dir {
            fs::create_dir_all(dir).with_context(|| format!("the models' folder {}", dir.display()))?;
        }
        Ok(Store { dir })
    }

    pub(crate) fn save(&self, model: &Versioned) -> anyhow::Result<()> {
        let Some(dir) = &self.dir else { return Ok(()) };
        let trained = &model.trained;
        let (from_day, to_day, duration_s) = (*trained.days.start(), *trained.days.end(), trained.duration.as_secs_f64());
        let (version, rows, fit) = (model.version, trained.rows, trained.fit);
        let json = serde_json::to_vec(&Stored { version, from_day, to_day, rows, fit, duration_s, model: &trained.model })?;
        let mut bytes = format!("{FORMAT} sha256={} bytes={}\n", sha256(&json), json.len()).into_bytes();
        bytes.extend(json);
        write(dir, &file_name(version), &bytes)
    }

    /// Which versions serve from now on. Then files that nobody can need any more go.
    pub(crate) fn save_roles(&self, roles: &Roles) -> anyhow::Result<()> {
        let Some(dir) = &self.dir else { return Ok(()) };
        write(dir, ROLES, &serde_json::to_vec_pretty(roles)?)?;
        let mut versions = versions(dir);
        versions.retain(|version| *version != roles.champion && Some(*version) != roles.challenger && !roles.former.contains(version));
        for version in versions.iter().skip(VERSIONS_KEPT) {
            // Kept a file too many: nothing is lost by that.
            let _ = fs::remove_file(dir.join(file_name(*version)));
        }
        Ok(())
    }

    pub(crate) fn load(&self) -> Loaded {
        let mut loaded = Loaded { models: None, next_version: 1, problems: Vec::new() };
        let Some(dir) = &self.dir else { return loaded };
        let known = versions(dir);
        loaded.next_version = known.first().map_or(1, |newest| newest + 1);
        let roles = self.roles(dir, &mut loaded.problems);
        let mut wanted: Vec<u32> = match &roles {
            Some(roles) => [roles.champion].into_iter().chain(roles.former.iter().copied()).collect(),
            None => known,
        };
        if let Some(roles) = &roles {
            loaded.next_version = loaded.next_version.max(roles.next_version);
        }
        while !wanted.is_empty() {
            let version = wanted.remove(0);
            let Some(champion) = self.model(dir, version, &mut loaded.problems) else { continue };
            let challenger = roles.as_ref().and_then(|roles| roles.challenger);
            let challenger = challenger.and_then(|version| self.model(dir, version, &mut loaded.problems));
            if !loaded.problems.is_empty() {
                loaded.problems.push(format!("model version {version} is the champion"));
            }
            let roles = Roles {
                champion: version,
                challenger: challenger.as_ref().map(|challenger| challenger.version),
                former: if roles.is_some() { wanted } else { Vec::new() },
                next_version: loaded.next_version,
            };
            loaded.models = Some((roles, champion, challenger));
            return loaded;
        }
        if !loaded.problems.is_empty() {
            loaded.problems.push("no good model is left: a first one is trained".to_owned());
        }
        loaded
    }

    fn roles(&self, dir: &Path, problems: &mut Vec<String>) -> Option<Roles> {
        let path = dir.join(ROLES);
        if !path.exists() {
            return None;
        }
        let read = read(&path).and_then(|bytes| serde_json::from_slice(&bytes).map_err(|error| error.to_string()));
        read.map_err(|reason| problems.push(set_aside(&path, &reason))).ok()
    }

    fn model(&self, dir: &Path, version: u32, problems: &mut Vec<String>) -> Option<Arc<Versioned>> {
        let path = dir.join(file_name(version));
        let model = read(&path).and_then(|bytes| decode(&bytes, version));
        model.map_err(|reason| problems.push(set_aside(&path, &reason))).map(Arc::new).ok()
    }
}

impl Roles {
    pub(crate) fn first(champion: u32) -> Roles {
        Roles { champion, challenger: None, former: Vec::new(), next_version: champion + 1 }
    }

    /// The challenger serves, the champion is one to fall back to.
    pub(crate) fn promoted(&self, challenger: u32) -> Roles {
        let former = [self.champion].into_iter().chain(self.former.iter().copied()).take(FORMER_MAX).collect();
        Roles { champion: challenger, challenger: None, former, next_version: self.next_version }
    }
}

fn decode(bytes: &[u8], version: u32) -> Result<Versioned, String> {
    let line_end = bytes.iter().position(|byte| *byte == b'\n').ok_or("no first line")?;
    let (head, json) = (String::from_utf8_lossy(&bytes[..line_end]), &bytes[line_end + 1..]);
    let expected = format!("{FORMAT} sha256={} bytes={}", sha256(json), json.len());
    if !head.starts_with(FORMAT) {
        return Err(format!("begins with {:.40?} instead of {FORMAT:?}", head));
    }
    if head != expected {
        return Err("its checksum or length is not the one in its first line".to_owned());
    }
    let stored: Stored<Model> = serde_json::from_slice(json).map_err(|error| error.to_string())?;
    if stored.version != version {
        return Err(format!("it is version {}", stored.version));
    }
    let duration = std::time::Duration::try_from_secs_f64(stored.duration_s).unwrap_or_default();
    let days = stored.from_day..=stored.to_day;
    Ok(Versioned { version, trained: Trained { model: stored.model, days, rows: stored.rows, fit: stored.fit, duration } })
}

fn read(path: &Path) -> Result<Vec<u8>, String> {
    let size = fs::metadata(path).map_err(|error| error.to_string())?.len();
    if size > FILE_BYTES_MAX {
        return Err(format!("it has {size} bytes; a model has at most {FILE_BYTES_MAX}"));
    }
    fs::read(path).map_err(|error| error.to_string())
}

/// In words, for people. A file that is not there cannot be set aside.
fn set_aside(path: &Path, reason: &str) -> String {
    let aside = PathBuf::from(format!("{}.damaged", path.display()));
    match fs::rename(path, &aside) {
        Ok(()) => format!("{}: {reason}; set aside as {}", path.display(), aside.display()),
        Err(_) => format!("{}: {reason}", path.display()),
    }
}

fn write(dir: &Path, name: &str, bytes: &[u8]) -> anyhow::Result<()> {
    let (path, beside) = (dir.join(name), dir.join(format!("{name}.new")));
    let write = || -> std::io::Result<()> {
        let mut file = File::create(&beside)?;
        file.write_all(bytes)?;
        file.sync_all()?;
        fs::rename(&beside, &path)?;
        File::open(dir)?.sync_all()
    };
    write().with_context(|| format!("write {}", path.display()))
}

/// The newest first.
fn versions(dir: &Path) -> Vec<u32> {
    let names = fs::read_dir(dir).into_iter().flatten().flatten().map(|entry| entry.file_name().to_string_lossy().into_owned());
    let mut versions: Vec<u32> = names.filter_map(|name| name.strip_prefix('v')?.strip_suffix(".model")?.parse().ok()).collect();
    versions.sort_unstable_by(|a, b| b.cmp(a));
    versions
}

fn file_name(version: u32) -> String {
    format!("v{version:04}.model")
}

fn sha256(bytes: &[u8]) -> String {
    digest::digest(&digest::SHA256, bytes).as_ref().iter().map(|byte| format!("{byte:02x}")).collect()
}
