//! `templates`: named Go templates for the texts of contact points.

use bellbuoy_template::{TemplateSet, grafana_notify};
use bellbuoy_vocabulary::Span;

use super::super::Opened;
use super::super::read::Text;
use super::super::vars;
use super::mute_timings::deleted;
use super::notify::entries;

/// Grafana's default templates and those of the files.
pub fn read(files: &[Opened]) -> TemplateSet {
    let mut set = grafana_notify::default_templates();
    let mut names: Vec<String> = Vec::new();
    for file in files {
        for entry in entries(file, "templates", "template") {
            let _ = entry.node("orgId");
            let _ = entry.text("kind");
            let (name, text) = (entry.required("name"), entry.required("template"));
            if let (Some(name), Some(text)) = (name, text) {
                if names.iter().any(|known| known == name.as_str()) {
                    entry.error(name.span(), format!("template {:?} is given twice", name.shown()), "");
                }
                names.push(name.as_str().to_string());
                if let Err(error) = set.add(name.as_str(), &defined(name.as_str(), text.as_str())) {
                    let span = place(file, text, error.line);
                    entry.error(span, format!("template {:?}: {}", name.shown(), error.message), "");
                }
            }
            entry.finish();
        }
    }
    for problem in set.problems() {
        for file in files {
            for entry in entries(file, "templates", "template") {
                let Some(text) = entry.text("template") else { continue };
                let caller = problem.message.split('"').nth(1).unwrap_or("");
                if text.as_str().contains(&format!("define \"{caller}\"")) || entry.string("name").is_some_and(|name| name == caller) {
                    entry.error(place(file, text, problem.line), problem.message.clone(), "");
                }
            }
        }
    }
    for (file, (name, span)) in deleted(files, "deleteTemplates") {
        if names.contains(&name) {
            let message = format!("template {name:?} is also defined: Grafana deletes it again; here it stays");
            file.report.warning(span, message, "remove one of the two");
        }
    }
    set
}

/// A text without a `define` of its own is the body of the template of that name.
fn defined(name: &str, text: &str) -> String {
    let has_define = text.split("{{").skip(1).any(|action| action.trim_start_matches('-').trim_start().starts_with("define"));
    if has_define { text.to_string() } else { format!("{{{{ define {name:?} }}}}\n  {}\n{{{{ end }}}}", text.trim().replace('\n', "\n  ")) }
}

/// The file's line of a line of the template. In a quoted text all are on the line where it begins.
fn place(file: &Opened, text: Text, line: usize) -> Span {
    let start = vars::place(&file.text, text.node.bytes.start);
    let block = file.text.get(text.node.bytes.clone()).is_some_and(|source| source.contains('\n'));
    let down = if block { line.saturating_sub(1) } else { 0 };
    Span { line: start.line + down, column: if down == 0 { start.column } else { 1 }, length: 1 }
}
