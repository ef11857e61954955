//! Variables and secrets of the configuration files: empty, unused, never filled in, and secrets that stand in the clear.
//!
//! These look at files as they are written, which only the boat has; their findings are like those of the checks.
//! Never: the value of a secret or variable in a message.

use bellbuoy_check::{Anchor, Finding, Step};
use bellbuoy_vocabulary::{Severity, Span};

use crate::config::{Loaded, Node, Source, Value};

pub const EMPTY: &str = "variable-empty";
pub const UNUSED: &str = "variable-unused";
pub const UNBRACED: &str = "variable-unbraced";
pub const PLACEHOLDER: &str = "variable-placeholder";
pub const SECRET: &str = "secret-in-clear";
/// All of these: each has its page.
#[cfg(test)]
pub const CODES: [&str; 5] = [EMPTY, UNUSED, UNBRACED, PLACEHOLDER, SECRET];

pub fn look(loaded: &Loaded, findings: &mut Vec<Finding>) {
    for (path, source) in &loaded.sources {
        // `$name` is a variable of the dashboard or of a template there.
        let has_own = loaded.found.rules.contains(path) || loaded.found.dashboards.contains(path);
        let mut walk = Walk { file: path.display().to_string(), source, has_own, findings };
        walk.node(&source.tree.root, &mut Vec::new());
    }
    unused(loaded, findings);
}

struct Walk<'a> {
    file: String,
    source: &'a Source,
    has_own: bool,
    findings: &'a mut Vec<Finding>,
}

impl Walk<'_> {
    fn node(&mut self, node: &Node, path: &mut Vec<Step>) {
        match &node.value {
            Value::Map(entries) => {
                for entry in entries {
                    path.push(Step::Key(entry.key.clone()));
                    self.node(&entry.value, path);
                    path.pop();
                }
            }
            Value::List(items) => {
                for (index, item) in items.iter().enumerate() {
                    path.push(Step::Index(index));
                    self.node(item, path);
                    path.pop();
                }
            }
            Value::Scalar(_) => self.scalar(node, path),
            Value::Null | Value::Unset => {}
        }
    }

    fn tell(&mut self, code: &'static str, path: &[Step], message: String, why: &str, fix: Option<String>) {
        let at = Anchor::of(Span::default(), path.iter().cloned());
        let finding = Finding::of_file(code, Severity::Warning, &self.file, message, why.to_string());
        self.findings.push(Finding { at, fix, ..finding });
    }

    fn scalar(&mut self, node: &Node, path: &[Step]) {
        let Some(scalar) = node.scalar() else { return };
        let key = path.iter().rev().find_map(|step| if let Step::Key(key) = step { Some(key.as_str()) } else { None }).unwrap_or("");
        let secret = self.source.secrets.contains(&node.bytes);
        if let Some((written, names)) = &scalar.written {
            // What is left when nothing stands in the place of each.
            let nothing = names.iter().fold(written.clone(), |text, name| text.replace(&format!("${{{name}}}"), ""));
            if (scalar.text.trim().is_empty() || nothing == scalar.text) && !written.contains(":-") {
                let message = format!("{key}: {} is empty", names.join(", "));
                self.tell(EMPTY, path, message, "The value is there and says nothing: what needs it does nothing, without an error.", None);
            }
            return;
        }
        if self.has_own || matches!(key, "regex" | "replacement" | "expr") {
            return;
        }
        if let Some(name) = unbraced(&scalar.text).filter(|_| !scalar.text.contains("{{")) {
            let message = format!("{key}: ${name} is not filled in");
            let why = "Only ${NAME} and ${NAME:-default} are variables here, as in no file of Alertmanager at all: the text is used as it stands.";
            self.tell(UNBRACED, path, message, why, Some(format!("${{{name}}}")));
        } else if placeholder(&scalar.text) && (secret || key.contains("url") || key.contains("target")) {
            let message = format!("{key} is still the placeholder of an example");
            self.tell(PLACEHOLDER, path, message, "No message gets there.", Some(format!("{key}: the real one, or ${{NAME}}")));
        } else if secret && in_the_clear(key, &scalar.text) {
            let message = format!("{key} stands in the clear");
            let why = "Whoever reads the file, its history or its backups has it.";
            let fix = format!("{key}_file: a file that is not in the repository; or ${{NAME}} with the value in the environment or .env");
            self.tell(SECRET, path, message, why, Some(fix));
        }
    }
}

/// `$NAME` in capitals, as shells and compose files have it.
fn unbraced(text: &str) -> Option<&str> {
    for (at, _) in text.match_indices('$') {
        let rest = &text[at + 1..];
        let length = rest.find(|c: char| !(c.is_ascii_uppercase() || c.is_ascii_digit() || c == '_')).unwrap_or(rest.len());
        let word = &rest[..length];
        let ends = rest[length..].chars().next().is_none_or(|c| !c.is_ascii_alphanumeric());
        if length >= 3 && ends && word.starts_with(|c: char| c.is_ascii_uppercase() || c == '_') && !text[..at].ends_with('$') {
            return Some(word);
        }
    }
    None
}

fn placeholder(text: &str) -> bool {
    let text = text.to_ascii_lowercase();
    ["your_", "your-", "<your", "changeme", "change_me", "change-me", "replace_me", "replaceme", "xxxxx", "todo", "insert_"]
        .iter()
        .any(|word| text.contains(word))
}

/// Addresses whose path or user is the secret; anything else that is no address.
fn in_the_clear(key: &str, text: &str) -> bool {
    let text = text.trim();
    let Some((_, rest)) = text.split_once("://") else {
        return !text.is_empty() && !key.ends_with("_file") && !text.contains("{{") && !text.starts_with('$');
    };
    let (host, path) = rest.split_once('/').unwrap_or((rest, ""));
    let services = [
        ("discord.com", "api/webhooks/"),
        ("discordapp.com", "api/webhooks/"),
        ("hooks.slack.com", "services/"),
        ("outlook.office.com", ""),
        ("webhook.office.com", ""),
        ("chat.googleapis.com", ""),
        ("api.telegram.org", "bot"),
    ];
    let known = services.iter().any(|(service, begin)| host.ends_with(service) && path.starts_with(begin) && path.len() > begin.len());
    let user = host.rsplit_once('@').is_some_and(|(user, _)| user.split_once(':').is_some_and(|(_, password)| !password.is_empty()));
    let query = path.split_once('?').map_or("", |(_, query)| query);
    known || user || ["token=", "key=", "secret=", "sig="].iter().any(|word| query.contains(word))
}

/// Names of `.env` that no file asks for. Compose and Grafana read the same file: their names are left alone.
fn unused(loaded: &Loaded, findings: &mut Vec<Finding>) {
    let others = ["GF_", "COMPOSE_", "DOCKER_", "AIRFLOW_", "MLFLOW_", "POSTGRES_", "TZ", "UID", "GID", "BELLBUOY_"];
    let asked = |name: &str| {
        let forms = [format!("${{{name}}}"), format!("${{{name}:"), format!("$__env{{{name}}}"), format!("${name}")];
        loaded.sources.values().any(|source| forms.iter().any(|form| source.text.contains(form.as_str())))
            || loaded.texts.values().any(|text| forms.iter().any(|form| text.contains(form.as_str())))
    };
    for (name, line) in &loaded.variables.set {
        if others.iter().any(|other| name.starts_with(other)) || asked(name) {
            continue;
        }
        let message = format!("{name} is set, and no file asks for it");
        let why = "A name that is written otherwise elsewhere, or what is left of something.".to_string();
        let finding = Finding::of_file(UNUSED, Severity::Info, &loaded.variables.env_file, message, why);
        findings.push(Finding { span: Span { line: *line, column: 1, length: name.len() }, ..finding });
    }
}
