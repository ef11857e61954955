//! What a page may show of the files: the texts without secrets, or why not.
//!
//! Holds: a file that no reader has read to the end may hold a secret anywhere, so it is named only.

use std::collections::HashMap;
use std::path::PathBuf;

use super::{Found, Loader, ReadFile};

/// Every file that was read, and the dashboards, sorted by path.
pub fn files(loader: &Loader, found: &Found) -> Vec<ReadFile> {
    let roles = roles(found);
    let mut paths: Vec<PathBuf> = loader.files.seen.borrow().iter().filter(|path| path.is_file()).cloned().collect();
    paths.extend(found.dashboards.iter().cloned());
    paths.sort();
    paths.dedup();
    let read = |path: PathBuf| {
        let role = roles.get(&path).copied().unwrap_or("other");
        let text = match (role, loader.masked.get(&path), loader.texts.get(&path)) {
            ("grafana", ..) => Err("Grafana's files hold passwords in many places".to_string()),
            (_, Some(masked), _) => Ok(masked.clone()),
            ("template", None, Some(text)) => Ok(text.clone()),
            ("dashboard", ..) => Err("see the dashboards".to_string()),
            ("env", ..) => Err("it holds the values of variables".to_string()),
            _ => Err("another file names it, or it could not be read; it may hold a secret".to_string()),
        };
        ReadFile { role, bytes: std::fs::metadata(&path).map_or(0, |found| found.len()), text, path }
    };
    paths.into_iter().map(read).collect()
}

fn roles(found: &Found) -> HashMap<PathBuf, &'static str> {
    let single =
        [(&found.prometheus, "prometheus"), (&found.alertmanager, "alertmanager"), (&found.bellbuoy, "bellbuoy"), (&found.env_file, "env")];
    let many = [
        (&found.rules, "rules"),
        (&found.templates, "template"),
        (&found.file_sd, "discovery"),
        (&found.grafana, "grafana"),
        (&found.dashboards, "dashboard"),
    ];
    let mut roles = HashMap::new();
    roles.extend(single.into_iter().filter_map(|(path, role)| Some((path.clone()?, role))));
    roles.extend(many.into_iter().flat_map(|(paths, role)| paths.iter().map(move |path| (path.clone(), role))));
    roles
}
