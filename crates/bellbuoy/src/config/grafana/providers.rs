//! Grafana's `provisioning/dashboards/*.yml`: where dashboards are, and in which folder of Grafana they are shown.
//!
//! In:    provisioning files, the variables of the environment. Out: providers of the type `file`.
//! Never: fails: a file that can not be read is told of by the dashboards that are missing, and by `check`.

use std::path::{Path, PathBuf};

use super::super::read::{Report, Text};
use super::super::yaml::{self, Node};

/// One entry of `providers`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DashboardProvider {
    /// The provisioning file.
    pub file: PathBuf,
    pub name: String,
    /// The title of the folder; empty is the root.
    pub folder: String,
    /// `options.path`, as it is written: often a path of a container.
    pub path: String,
    /// `options.foldersFromFilesStructure`
    pub folders_from_files: bool,
}

/// The providers of those files that have any.
pub fn dashboard_providers(files: &[PathBuf], env: &dyn Fn(&str) -> Option<String>) -> Vec<DashboardProvider> {
    let mut found = Vec::new();
    for file in files {
        // Reading a large file of rules as YAML, to find nothing, took more memory than all else at the start.
        let Some(text) = std::fs::read_to_string(file).ok().filter(|text| text.contains("providers")) else { continue };
        let Some(tree) = yaml::parse(&text, &Report::new("")) else { continue };
        let Some(Node { value: yaml::Value::List(items), .. }) = tree.root.get("providers") else { continue };
        found.extend(items.iter().filter_map(|item| provider(file, item, env)));
    }
    found
}

fn provider(file: &Path, item: &Node, env: &dyn Fn(&str) -> Option<String>) -> Option<DashboardProvider> {
    let text = |node: &Node, key: &str| node.get(key).and_then(Text::of).map(|text| expanded(text.as_str(), env));
    if text(item, "type").is_some_and(|kind| !kind.is_empty() && kind != "file") {
        return None;
    }
    let options = item.get("options")?;
    // `folder` of an old file stands in `options`, and `path` was `folder` there.
    let path = text(options, "path").or_else(|| text(options, "folder")).filter(|path| !path.is_empty())?;
    Some(DashboardProvider {
        file: file.to_path_buf(),
        name: text(item, "name").unwrap_or_default(),
        folder: text(item, "folder").unwrap_or_default(),
        path,
        folders_from_files: text(options, "foldersFromFilesStructure").is_some_and(|word| word == "true"),
    })
}

/// `$NAME` and `${NAME}` as Grafana fills them in; what is not set is empty.
fn expanded(text: &str, env: &dyn Fn(&str) -> Option<String>) -> String {
    let Some((before, rest)) = text.split_once('$') else { return text.to_string() };
    let (name, after) = match rest.strip_prefix('{').and_then(|rest| rest.split_once('}')) {
        Some(parts) => parts,
        None => rest.split_at(rest.find(|c: char| !c.is_ascii_alphanumeric() && c != '_').unwrap_or(rest.len())),
    };
    if name.is_empty() {
        return format!("{before}${}", expanded(rest, env));
    }
    format!("{before}{}{}", env(name).unwrap_or_default(), expanded(after, env))
}
