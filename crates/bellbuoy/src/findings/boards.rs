//! Dashboards of the folder for the checks; their files are kept with their trees, so that findings have lines.

use std::path::Path;

use bellbuoy_check::{Dashboard, dashboard};

use crate::config::{Loaded, Node, Report, Source, Value, parse_yaml};
use crate::dashboards::FILE_BYTES_MAX;

pub fn dashboards_of(loaded: &mut Loaded) -> Vec<Dashboard> {
    let datasources = datasources(loaded);
    let mut found = Vec::new();
    for path in loaded.found.dashboards.clone() {
        let Some(text) = text_of(&path) else { continue };
        let Ok(root) = serde_json::from_str::<serde_json::Value>(text.trim_start_matches('\u{feff}')) else { continue };
        let Some(mut dashboard) = dashboard::read(&path.display().to_string(), &root) else { continue };
        dashboard.datasources.clone_from(&datasources);
        // JSON is YAML but for some escapes; a file with these has findings without lines.
        if let Some(tree) = parse_yaml(&text, &Report::new("")) {
            loaded.texts.insert(path.clone(), text.clone());
            loaded.sources.insert(path, Source { text, tree, secrets: Vec::new() });
        }
        found.push(dashboard);
    }
    found
}

fn text_of(path: &Path) -> Option<String> {
    let size = std::fs::metadata(path).ok()?.len();
    if size > FILE_BYTES_MAX as u64 { None } else { std::fs::read_to_string(path).ok() }
}

/// Uids and names that provisioning files make; `None` without such a file.
fn datasources(loaded: &Loaded) -> Option<Vec<String>> {
    let mut found = None;
    for source in loaded.sources.values() {
        let Some(Node { value: Value::List(items), .. }) = source.tree.root.get("datasources") else { continue };
        let names = found.get_or_insert_with(Vec::new);
        for item in items {
            let text = |key: &str| item.get(key).and_then(Node::scalar).map(|scalar| scalar.text.clone());
            names.extend(text("uid").into_iter().chain(text("name")));
        }
    }
    found
}
