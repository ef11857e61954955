//! Where dashboards are: every JSON file below the folder, and what Grafana's providers point at.

use std::collections::HashSet;
use std::path::{Path, PathBuf};
use std::time::SystemTime;

use super::head::{self, Head};
use super::{Dashboard, FILE_BYTES_MAX, Found, etag, modified};
use crate::clock;
use crate::config::{DashboardProvider, dashboard_providers};

/// As in the search for configuration files.
const DEPTH_MAX: usize = 6;
const FILES_MAX: usize = 5000;
const DASHBOARDS_MAX: usize = 1000;
/// A uid made from a path is not longer; Grafana's own have at most 40 characters.
const UID_MAX: usize = 120;

/// When a file was changed last and how long it is; `None`: it is not there.
pub type Stamp = Option<(SystemTime, u64)>;

pub fn stamp(path: &Path) -> Stamp {
    let found = std::fs::metadata(path).ok()?;
    Some((found.modified().ok()?, if found.is_dir() { 0 } else { found.len() }))
}

pub fn scan(root: &Path, data: &Path, env: &dyn Fn(&str) -> Option<String>) -> Found {
    let mut walk = Walk { data: data.canonicalize().ok(), ..Walk::default() };
    walk.folder(root, 0);
    let providers = dashboard_providers(&walk.yaml, env);
    let places: Vec<Place> = providers.iter().map(|provider| Place::of(provider, root)).collect();
    for place in &places {
        if let Some(path) = place.path.as_ref().filter(|path| !path.starts_with(root)) {
            walk.folder(path, 0);
        }
    }
    let mut found = Found { stamps: walk.stamps, ..Found::default() };
    let mut seen = HashSet::new();
    walk.json.retain(|path| seen.insert(path.canonicalize().unwrap_or_else(|_| path.clone())));
    for path in walk.json {
        let Some(dashboard) = read(&path, root, &places) else { continue };
        if found.dashboards.len() == DASHBOARDS_MAX {
            found.left_out += 1;
            continue;
        }
        found.dashboards.push(dashboard);
    }
    name_apart(&mut found.dashboards);
    found.dashboards.sort_by(|a, b| {
        let title = |one: &Dashboard| one.head.as_ref().map_or(one.file.clone(), |head| head.title.clone());
        (&a.folder, title(a), &a.file).cmp(&(&b.folder, title(b), &b.file))
    });
    found
}

#[derive(Default)]
struct Walk {
    data: Option<PathBuf>,
    json: Vec<PathBuf>,
    yaml: Vec<PathBuf>,
    stamps: Vec<(PathBuf, Stamp)>,
    files: usize,
}

impl Walk {
    fn folder(&mut self, folder: &Path, depth: usize) {
        // Our own files change all the time.
        if self.data.is_some() && folder.canonicalize().ok() == self.data {
            return;
        }
        self.stamps.push((folder.to_path_buf(), stamp(folder)));
        let Ok(entries) = std::fs::read_dir(folder) else { return };
        let mut paths: Vec<PathBuf> = entries.flatten().map(|entry| entry.path()).collect();
        paths.sort();
        for path in paths {
            let name = path.file_name().and_then(|name| name.to_str()).unwrap_or("");
            let skipped = name.starts_with('.') || matches!(name, "node_modules" | "target" | "__pycache__" | "venv");
            if skipped || self.files > FILES_MAX {
                continue;
            }
            if path.is_dir() {
                if depth < DEPTH_MAX {
                    self.folder(&path, depth + 1);
                }
                continue;
            }
            self.files += 1;
            let list = match path.extension().and_then(|extension| extension.to_str()) {
                Some("json") => &mut self.json,
                Some("yml" | "yaml") => &mut self.yaml,
                _ => continue,
            };
            self.stamps.push((path.clone(), stamp(&path)));
            list.push(path);
        }
    }
}

/// Where the files of a provider are here.
struct Place<'a> {
    provider: &'a DashboardProvider,
    /// `None`: it is a path of a container, and nothing here is like it.
    path: Option<PathBuf>,
}

impl Place<'_> {
    /// A path of a container (`/etc/grafana/dashboards`) stands for the folder below `root` that ends as it does.
    fn of<'a>(provider: &'a DashboardProvider, root: &Path) -> Place<'a> {
        let beside = provider.file.parent().unwrap_or(Path::new("")).join(&provider.path);
        let written = PathBuf::from(&provider.path);
        let parts: Vec<_> = written.components().skip(1).collect();
        let ends = (0..parts.len()).map(|from| parts[from..].iter().collect::<PathBuf>());
        let candidates = [beside, root.join(&provider.path)].into_iter().chain(ends.map(|end| root.join(end)));
        Place { provider, path: candidates.into_iter().find(|path| path.is_dir()) }
    }

    fn folder_of(&self, file: &Path) -> Option<String> {
        let below = file.strip_prefix(self.path.as_ref()?).ok()?;
        let parent = below.parent().map(|parent| parent.display().to_string()).unwrap_or_default();
        Some(if self.provider.folders_from_files && !parent.is_empty() { parent } else { self.provider.folder.clone() })
    }
}

/// `None`: the file is something else.
fn read(path: &Path, root: &Path, places: &[Place]) -> Option<Dashboard> {
    let file = path.strip_prefix(root).unwrap_or(path).display().to_string();
    let named = places.iter().filter(|place| place.path.is_some()).find_map(|place| place.folder_of(path));
    let alone = match places {
        [one] if one.path.is_none() => one.provider.folder.clone(),
        _ => String::new(),
    };
    let expected = named.is_some() || file.split('/').any(|part| part == "dashboards");
    let mut dashboard = Dashboard {
        uid: String::new(),
        path: path.to_path_buf(),
        folder: named.unwrap_or(alone),
        head: None,
        etag: None,
        modified: modified(path).map(clock::of),
        problem: None,
        warnings: Vec::new(),
        file,
    };
    let size = std::fs::metadata(path).map(|found| found.len());
    if size.as_ref().is_ok_and(|size| *size > FILE_BYTES_MAX as u64) {
        dashboard.problem = Some(format!("more than {FILE_BYTES_MAX} bytes"));
        return expected.then_some(dashboard);
    }
    match std::fs::read(path) {
        Err(error) => dashboard.problem = Some(format!("can not read: {error}")),
        Ok(bytes) => {
            dashboard.etag = Some(etag(&bytes));
            match head_of(&bytes) {
                Ok(Some(head)) => dashboard.take(head),
                Ok(None) => return None,
                Err(problem) if expected || head::looks_like(&String::from_utf8_lossy(&bytes)) => dashboard.problem = Some(problem),
                Err(_) => return None,
            }
            return Some(dashboard);
        }
    }
    expected.then_some(dashboard)
}

/// `Ok(None)`: good JSON of something else.
fn head_of(bytes: &[u8]) -> Result<Option<Head>, String> {
    let bytes = bytes.strip_prefix(b"\xef\xbb\xbf").unwrap_or(bytes);
    // Most JSON files of a folder are no dashboards, and some are long: their parts are not built.
    let root: serde_json::Value = serde_json::from_slice(bytes).map_err(|error| format!("not JSON: {error}"))?;
    Ok(head::of(&root))
}

impl Dashboard {
    fn take(&mut self, head: Head) {
        if head.title.is_empty() {
            self.problem = Some("it has no title".to_string());
        }
        if head.uid.is_none() {
            self.warnings.push("it has no uid, so links to it hold only as long as the file's name; add `\"uid\": \"...\"`".to_string());
        }
        self.head = Some(head);
    }
}

/// Each gets a uid of its own.
fn name_apart(dashboards: &mut [Dashboard]) {
    let mut taken: HashSet<String> = HashSet::new();
    for dashboard in dashboards {
        let own = dashboard.head.as_ref().and_then(|head| head.uid.clone());
        let wish = own.clone().unwrap_or_else(|| from_path(&dashboard.file));
        let mut uid = wish.clone();
        let mut number = 2;
        while !taken.insert(uid.clone()) {
            uid = format!("{wish}~{number}");
            number += 1;
        }
        if uid != wish && own.is_some() {
            dashboard.warnings.push(format!("another file has the uid {wish:?} too; Grafana would load only one of them"));
        }
        dashboard.uid = uid;
    }
}

/// `dashboards/api perf.json` is `dashboards-api-perf`.
fn from_path(file: &str) -> String {
    let stem = file.strip_suffix(".json").unwrap_or(file);
    let mut uid = String::new();
    for c in stem.chars() {
        match c {
            c if c.is_ascii_alphanumeric() => uid.push(c),
            _ if !uid.ends_with('-') => uid.push('-'),
            _ => {}
        }
    }
    let uid: String = uid.trim_matches('-').chars().take(UID_MAX).collect();
    if uid.is_empty() { "dashboard".to_string() } else { uid }
}
