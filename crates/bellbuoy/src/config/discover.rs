//! Finds the configuration files of a folder by their contents: names are only a hint, since every project names them otherwise.
//!
//! In:    a folder or one file. Out: which file is what, and problems where two claim the same.
//! Never: reads a file that is larger than a configuration can be; follows a folder without bound.

use std::path::{Path, PathBuf};

use bellbuoy_vocabulary::{Problem, Span};

use super::read::Report;
use super::rules::looks_like_rules;
use super::yaml::{self, FILE_BYTES_MAX, Node, Value};

/// How deep folders are searched; `configs/grafana/provisioning/dashboards/` is 4.
const DEPTH_MAX: usize = 4;
/// Files that are looked at; a folder with more is not a configuration folder.
const FILES_MAX: usize = 5000;

/// Top-level keys of Grafana's provisioning files.
const GRAFANA_KEYS: [&str; 15] = [
    "apps",
    "contactPoints",
    "datasources",
    "deleteContactPoints",
    "deleteDatasources",
    "deleteMuteTimes",
    "deleteRules",
    "deleteTemplates",
    "groups",
    "muteTimes",
    "policies",
    "providers",
    "resetPolicies",
    "templates",
    "prune",
];

/// What a folder contains. Paths begin with the folder as the person named it.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Found {
    pub prometheus: Option<PathBuf>,
    pub alertmanager: Option<PathBuf>,
    /// Rule files by content, whether prometheus.yml names them or not.
    pub rules: Vec<PathBuf>,
    pub bellbuoy: Option<PathBuf>,
    /// `*.tmpl`.
    pub templates: Vec<PathBuf>,
    /// Lists of targets, YAML or JSON.
    pub file_sd: Vec<PathBuf>,
    /// Provisioning files of Grafana.
    pub grafana: Vec<PathBuf>,
    /// Dashboards of Grafana. They are no part of the settings: `crate::dashboards` reads them.
    pub dashboards: Vec<PathBuf>,
    /// Grafana's own settings, for how it sends mail.
    pub grafana_ini: Option<PathBuf>,
    /// `.env` of the folder itself.
    pub env_file: Option<PathBuf>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Role {
    Prometheus,
    Alertmanager,
    Rules,
    Bellbuoy,
    Template,
    FileDiscovery,
    Grafana,
    Dashboard,
    GrafanaIni,
    Other,
}

/// Searches a folder, or takes the one file that was named (with the `.env` beside it).
pub fn discover(dir_or_file: &Path) -> (Found, Vec<Problem>) {
    let mut search = Search::default();
    if dir_or_file.is_file() {
        search.file(dir_or_file);
        search.env_beside(dir_or_file.parent().unwrap_or(Path::new("")));
    } else if dir_or_file.is_dir() {
        search.folder(dir_or_file, 0);
        search.env_beside(dir_or_file);
    } else {
        let name = dir_or_file.display().to_string();
        search.problems.push(Problem::error(name, Span::default(), "no such file or folder"));
        return (search.found, search.problems);
    }
    if search.files_seen > FILES_MAX {
        let message = format!("more than {FILES_MAX} files; the rest was not looked at");
        search.problems.push(Problem::warning(dir_or_file.display().to_string(), Span::default(), message).help("name a smaller folder"));
    }
    let Search { mut found, mut problems, prometheus, alertmanager, bellbuoy, .. } = search;
    found.prometheus = only(prometheus, "Prometheus configuration", &mut problems);
    found.alertmanager = only(alertmanager, "Alertmanager configuration", &mut problems);
    found.bellbuoy = only(bellbuoy, "bellbuoy configuration", &mut problems);
    (found, problems)
}

fn only(mut candidates: Vec<PathBuf>, what: &str, problems: &mut Vec<Problem>) -> Option<PathBuf> {
    // Two names of one file, by a link, are one candidate.
    candidates.dedup_by_key(|path| path.canonicalize().unwrap_or_else(|_| path.clone()));
    if let [first, second, ..] = candidates.as_slice() {
        let message = format!("there are two candidates for the {what}: {} and {}", first.display(), second.display());
        problems
            .push(Problem::error(second.display().to_string(), Span::default(), message).help("name the folder or the file that you mean"));
    }
    candidates.into_iter().next()
}

#[derive(Default)]
struct Search {
    found: Found,
    problems: Vec<Problem>,
    prometheus: Vec<PathBuf>,
    alertmanager: Vec<PathBuf>,
    bellbuoy: Vec<PathBuf>,
    files_seen: usize,
}

impl Search {
    fn folder(&mut self, folder: &Path, depth: usize) {
        let Ok(entries) = std::fs::read_dir(folder) else {
            self.problems.push(Problem::warning(folder.display().to_string(), Span::default(), "can not read this folder"));
            return;
        };
        let mut paths: Vec<PathBuf> = entries.flatten().map(|entry| entry.path()).collect();
        // The same order on every machine.
        paths.sort();
        for path in paths {
            let name = path.file_name().and_then(|name| name.to_str()).unwrap_or("");
            let skipped = name.starts_with('.') || matches!(name, "node_modules" | "target" | "__pycache__" | "venv");
            if skipped || self.files_seen > FILES_MAX {
                continue;
            }
            if path.is_dir() {
                if depth < DEPTH_MAX {
                    self.folder(&path, depth + 1);
                }
            } else {
                self.files_seen += 1;
                self.file(&path);
            }
        }
    }

    fn file(&mut self, path: &Path) {
        match role_of_file(path) {
            Role::Prometheus => self.prometheus.push(path.to_path_buf()),
            Role::Alertmanager => self.alertmanager.push(path.to_path_buf()),
            Role::Bellbuoy => self.bellbuoy.push(path.to_path_buf()),
            Role::Rules => self.found.rules.push(path.to_path_buf()),
            Role::Template => self.found.templates.push(path.to_path_buf()),
            Role::FileDiscovery => self.found.file_sd.push(path.to_path_buf()),
            Role::Grafana => self.found.grafana.push(path.to_path_buf()),
            Role::Dashboard => self.found.dashboards.push(path.to_path_buf()),
            Role::GrafanaIni => self.found.grafana_ini = Some(path.to_path_buf()),
            Role::Other => {}
        }
    }

    fn env_beside(&mut self, folder: &Path) {
        let path = folder.join(".env");
        if path.is_file() {
            self.found.env_file = Some(path);
        }
    }
}

/// What a file is for, by its content.
pub fn role_of_file(path: &Path) -> Role {
    let extension = path.extension().and_then(|extension| extension.to_str()).unwrap_or("").to_ascii_lowercase();
    match extension.as_str() {
        "tmpl" => return Role::Template,
        "ini" if path.file_name().is_some_and(|name| name == "grafana.ini" || name == "custom.ini") => return Role::GrafanaIni,
        "yml" | "yaml" | "json" => {}
        _ => return Role::Other,
    }
    if std::fs::metadata(path).is_ok_and(|found| found.len() > FILE_BYTES_MAX as u64) {
        return Role::Other;
    }
    let Ok(bytes) = std::fs::read(path) else { return Role::Other };
    let text = String::from_utf8_lossy(&bytes);
    let stem = path.file_stem().and_then(|stem| stem.to_str()).unwrap_or("");
    if stem == "bellbuoy" && extension != "json" {
        return Role::Bellbuoy;
    }
    match yaml::parse(&text, &Report::new("")) {
        Some(tree) => role_of_tree(&tree.root),
        // A broken file is known by its top-level keys, so that its errors are reported and it is not just left out.
        None => role_of_keys(&top_level_keys(&text)),
    }
}

fn role_of_tree(root: &Node) -> Role {
    match &root.value {
        Value::Map(entries) => {
            let keys: Vec<&str> = entries.iter().map(|entry| entry.key.as_str()).collect();
            match role_of_keys(&keys) {
                Role::Rules if !looks_like_rules(root) => Role::Other,
                Role::Other if is_dashboard(root) => Role::Dashboard,
                role => role,
            }
        }
        Value::List(items) if !items.is_empty() && items.iter().all(|item| item.get("targets").is_some()) => Role::FileDiscovery,
        _ => Role::Other,
    }
}

/// The other shapes that a dashboard comes in, as `crate::dashboards` reads them: a resource, the answer of Grafana's API, the second schema, rows of the old days.
fn is_dashboard(root: &Node) -> bool {
    let map = |node: &Node, key: &str| node.get(key).is_some_and(|inner| matches!(inner.value, Value::Map(_)));
    let list = |node: &Node, key: &str| node.get(key).is_some_and(|inner| matches!(inner.value, Value::List(_)));
    let named = |node: &Node| ["title", "schemaVersion", "templating", "uid"].iter().any(|key| node.get(key).is_some());
    let classic = |node: &Node| (list(node, "panels") || list(node, "rows")) && named(node);
    let resource = root.get("kind").and_then(Node::scalar).is_some_and(|kind| kind.text.starts_with("Dashboard")) && map(root, "spec");
    resource || classic(root) || (map(root, "elements") && map(root, "layout")) || root.get("dashboard").is_some_and(classic)
}

fn role_of_keys(keys: &[&str]) -> Role {
    let has = |key: &str| keys.contains(&key);
    let any = |words: &[&str]| words.iter().any(|word| has(word));
    if any(&["services", "tests"]) {
        // A compose file; promtool's unit tests, which have `rule_files` too.
        return Role::Other;
    }
    if has("apiVersion") && any(&GRAFANA_KEYS) {
        return Role::Grafana;
    }
    if any(&["panels", "rows"]) && any(&["schemaVersion", "templating", "title"]) {
        return Role::Dashboard;
    }
    if any(&["scrape_configs", "scrape_config_files", "rule_files", "alerting", "remote_write", "remote_read", "otlp"]) {
        return Role::Prometheus;
    }
    if any(&["route", "receivers", "inhibit_rules"]) {
        return Role::Alertmanager;
    }
    if has("groups") {
        return Role::Rules;
    }
    if any(&super::bellbuoy::KEYS) && keys.iter().all(|key| super::bellbuoy::KEYS.contains(key)) {
        return Role::Bellbuoy;
    }
    if has("global") {
        return Role::Prometheus;
    }
    Role::Other
}

/// `key:` at the beginning of a line.
fn top_level_keys(text: &str) -> Vec<&str> {
    let key = |line: &'_ str| -> Option<usize> {
        let end = line.find(':')?;
        let plain = end > 0 && line[..end].bytes().all(|b| b.is_ascii_alphanumeric() || b == b'_');
        plain.then_some(end)
    };
    text.lines().filter_map(|line| key(line).map(|end| &line[..end])).collect()
}
