//! One case per mistake, with the exact message. Each case is a folder of its own, so the way of a real start is taken.

mod alertmanager;
mod bellbuoy;
mod conversations;
mod folder;
mod good;
mod grafana_notify;
mod grafana_rules;
mod http;
mod kinds;
mod models;
mod policies;
mod prometheus;
mod rules;
mod templates;
mod times;
mod variables;
mod watched;

use std::path::PathBuf;
use std::sync::atomic::{AtomicUsize, Ordering};

use expect_test::Expect;

use super::{Loaded, Settings, Sources, load};

/// A folder that goes away with its test.
struct Folder(PathBuf);

impl Folder {
    fn with(files: &[(&str, &str)]) -> Folder {
        static NEXT: AtomicUsize = AtomicUsize::new(0);
        let number = NEXT.fetch_add(1, Ordering::Relaxed);
        let folder = Folder(std::env::temp_dir().join(format!("bellbuoy-config-{}-{number}", std::process::id())));
        let _ = std::fs::remove_dir_all(&folder.0);
        for (name, text) in files {
            let path = folder.0.join(name);
            std::fs::create_dir_all(path.parent().expect("below the folder")).expect("temporary folder");
            std::fs::write(path, text).expect("temporary file");
        }
        folder
    }

    fn load(&self) -> Loaded {
        load_with(&self.0, &[])
    }

    /// Problems one a line, without the temporary folder's name.
    fn problems(&self, loaded: &Loaded) -> String {
        let lines: Vec<String> = loaded.problems.iter().map(|problem| problem.to_string()).collect();
        lines.join("\n").replace(&format!("{}/", self.0.display()), "").replace(&self.0.display().to_string(), "FOLDER")
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.0);
    }
}

fn load_with(path: &std::path::Path, env: &[(&str, &str)]) -> Loaded {
    let env = |name: &str| env.iter().find(|(known, _)| *known == name).map(|(_, value)| value.to_string());
    // Stands in for the real templates: only unclosed actions are wrong.
    let check_template = |text: &str| {
        if text.matches("{{").count() == text.matches("}}").count() { Ok(()) } else { Err("unclosed action".to_string()) }
    };
    load(&Sources { dir_or_file: path, env: &env, check_template: &check_template, look_only: false })
}

/// The problems of a folder of files; settings exist exactly when there is no error among them.
fn check_files(files: &[(&str, &str)], expected: Expect) {
    let folder = Folder::with(files);
    let loaded = folder.load();
    let text = folder.problems(&loaded);
    let mild = |line: &str| [": warning: ", ": note: "].iter().any(|word| line.contains(word)) || line.starts_with("warning: ");
    let errors = text.lines().any(|line| !mild(line));
    assert_eq!(loaded.settings.is_none(), errors, "{text}");
    expected.assert_eq(&text);
}

fn good(files: &[(&str, &str)]) -> Settings {
    let folder = Folder::with(files);
    let loaded = folder.load();
    let text = folder.problems(&loaded);
    loaded.settings.unwrap_or_else(|| panic!("{text}"))
}

/// Reads a text as the file of that name, without a folder: for tests that read thousands.
fn read_text(name: &str, text: &str) {
    let report = super::read::Report::new(name);
    let Some(mut tree) = super::yaml::parse(text, &report) else { return };
    let env = |_: &str| Some("x".to_string());
    let variables = super::vars::Variables { env: &env, file: Default::default(), file_name: ".env".into() };
    super::vars::expand_tree(&mut tree.root, text, &variables, &report);
    let (folder, files) = (std::path::Path::new("/nowhere"), super::Files::default());
    match name {
        "prometheus.yml" => drop(super::prometheus::read(&tree.root, folder, &files, &report)),
        "bellbuoy.yml" => drop(super::bellbuoy::read(&tree.root, folder, &files, &report)),
        "alertmanager.yml" => drop(super::alertmanager::read(&tree.root, folder, &files, &report)),
        _ => {
            let context = super::RuleContext { global: &Default::default(), text, check_template: &|_| Ok(()), ignore_unknown: false };
            drop(super::rules::read(&tree.root, &context, &report));
        }
    }
    let masked = report.masked(text, &tree.comments);
    assert!(masked.len() <= text.len() + 10 * text.matches(':').count() + 1, "masking only shortens or hides");
    report.into_problems();
}
