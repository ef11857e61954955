//! `${VAR}` and `${VAR:-default}` in configuration files, from the environment and an `.env` file.
//!
//! Variables are filled in after the YAML is read, value by value, so that a password with quotes or line ends can not break the
//! file. Left alone: `$VAR` without braces, `${1}` and other braces that hold no name, everything inside of `{{ ... }}`, comments,
//! and in relabelling the names of the regex' own groups. A literal `${X}` is written `${DOLLAR:-$}{X}`.

use std::collections::HashMap;

use bellbuoy_vocabulary::{Problem, Span};

use super::read::Report;
use super::yaml::{Node, Scalar, Value};

/// Where variables come from: the process' environment wins over the `.env` file.
pub struct Variables<'a> {
    pub env: &'a dyn Fn(&str) -> Option<String>,
    pub file: HashMap<String, String>,
    /// How the `.env` file is called, for help texts.
    pub file_name: String,
}

impl Variables<'_> {
    pub fn get(&self, name: &str) -> Option<String> {
        (self.env)(name).or_else(|| self.file.get(name).cloned())
    }

    fn where_to_set(&self, name: &str) -> String {
        format!("set {name} in the environment or in {}, or write ${{{name}:-default}}", self.file_name)
    }
}

/// What is wrong with a text's variables: byte offset in it, message, help.
type Fault = (usize, String, String);

/// The text with its variables filled in and their names, `None` when it has none.
pub fn expand(text: &str, variables: &Variables, own_groups: &[String]) -> Result<Option<(String, Vec<String>)>, Vec<Fault>> {
    let (mut out, mut names, mut faults) = (String::new(), Vec::new(), Vec::new());
    let (mut at, mut copied) = (0, 0);
    while let Some(found) = text[at..].find(['$', '{']) {
        let start = at + found;
        let rest = &text[start..];
        if rest.starts_with("{{") {
            // To the end of the template's action, or of the text.
            at = rest.find("}}").map_or(text.len(), |end| start + end + 2);
            continue;
        }
        let Some(inner) = rest.strip_prefix("${").filter(|inner| inner.starts_with(|c: char| c.is_ascii_alphabetic() || c == '_')) else {
            at = start + 1;
            continue;
        };
        let name = &inner[..inner.find(|c: char| !c.is_ascii_alphanumeric() && c != '_').unwrap_or(inner.len())];
        let after = &inner[name.len()..];
        let Some(end) = after.find('}') else {
            faults.push((start, format!("`${{{name}` has no closing brace"), String::new()));
            break;
        };
        at = start + 2 + name.len() + end + 1;
        if own_groups.iter().any(|group| group == name) {
            continue;
        }
        let default = after[..end].strip_prefix(":-");
        if default.is_none() && end > 0 {
            faults.push((
                start,
                format!("`${{{name}{}}}` is not understood", &after[..end]),
                "only ${VAR} and ${VAR:-default} are known".into(),
            ));
            continue;
        }
        // As in a shell, `:-` stands in for an empty value too.
        let value = match (variables.get(name), default) {
            (Some(value), None) => value,
            (Some(value), Some(_)) if !value.is_empty() => value,
            (_, Some(default)) => default.to_string(),
            (None, None) => {
                faults.push((start, format!("variable {name} is not set"), variables.where_to_set(name)));
                continue;
            }
        };
        out.push_str(&text[copied..start]);
        out.push_str(&value);
        copied = at;
        names.push(name.to_string());
    }
    if !faults.is_empty() {
        return Err(faults);
    }
    if names.is_empty() {
        return Ok(None);
    }
    out.push_str(&text[copied..]);
    Ok(Some((out, names)))
}

/// Fills in the variables of every value below `node`. Keys are left alone.
pub fn expand_tree(node: &mut Node, file_text: &str, variables: &Variables, report: &Report) {
    expand_node(node, file_text, variables, report, &[]);
}

fn expand_node(node: &mut Node, file_text: &str, variables: &Variables, report: &Report, own_groups: &[String]) {
    match &mut node.value {
        Value::Null | Value::Unset => {}
        Value::Scalar(scalar) => match expand(&scalar.text, variables, own_groups) {
            Ok(None) => {}
            Ok(Some((text, names))) => {
                let written = std::mem::replace(&mut scalar.text, text);
                scalar.written = Some((written, names));
            }
            Err(faults) => {
                for (offset, message, help) in faults {
                    let span = super::yaml::place_within(file_text, node, offset);
                    report.error(span, message, help);
                }
                node.value = Value::Unset;
            }
        },
        Value::List(items) => items.iter_mut().for_each(|item| expand_node(item, file_text, variables, report, &[])),
        Value::Map(entries) => {
            let groups = entries
                .iter()
                .find(|entry| entry.key == "regex")
                .and_then(|entry| entry.value.scalar())
                .map(group_names)
                .unwrap_or_default();
            for entry in entries {
                let own: &[String] = if matches!(entry.key.as_str(), "replacement" | "target_label") { &groups } else { &[] };
                expand_node(&mut entry.value, file_text, variables, report, own);
            }
        }
    }
}

/// The names of `(?P<name>...)` groups: `${name}` in the replacement beside them is theirs.
fn group_names(regex: &Scalar) -> Vec<String> {
    let parts = regex.text.split("(?").skip(1);
    parts.filter_map(|part| part.trim_start_matches('P').strip_prefix('<')?.split_once('>')).map(|(name, _)| name.to_string()).collect()
}

/// Fills in a whole text that is no YAML: a template file.
pub fn expand_text(file: &str, text: &str, variables: &Variables) -> Result<String, Vec<Problem>> {
    match expand(text, variables, &[]) {
        Ok(None) => Ok(text.to_string()),
        Ok(Some((text, _))) => Ok(text),
        Err(faults) => {
            Err(faults.into_iter().map(|(offset, message, help)| Problem::error(file, place(text, offset), message).help(help)).collect())
        }
    }
}

/// Line and column of a byte offset.
pub fn place(text: &str, offset: usize) -> Span {
    let before = &text[..offset.min(text.len())];
    let line_start = before.rfind('\n').map_or(0, |at| at + 1);
    Span { line: before.matches('\n').count() + 1, column: before[line_start..].chars().count() + 1, length: 1 }
}

/// Reads an `.env` file: `NAME=value`, `export NAME=value`, `# comment`, values in single quotes (as they are) or double quotes
/// (with `\n`, `\"`, `\\`, `\$`). Without quotes a comment begins at ` #`.
pub fn parse_env_file(file: &str, text: &str) -> (HashMap<String, String>, Vec<Problem>) {
    let (mut found, mut problems) = (HashMap::new(), Vec::new());
    for (index, line) in text.lines().enumerate() {
        let line = line.trim();
        if line.is_empty() || line.starts_with('#') {
            continue;
        }
        let span = Span { line: index + 1, column: 1, length: 1 };
        let line = line.strip_prefix("export ").unwrap_or(line).trim_start();
        let Some((name, value)) = line.split_once('=') else {
            // The line may hold a secret: it is not quoted.
            problems.push(Problem::error(file, span, "this line is no NAME=value").help("comments begin with `#`"));
            continue;
        };
        let name = name.trim_end();
        if !bellbuoy_vocabulary::is_classic_label_name(name) {
            problems.push(Problem::error(file, span, "not a valid variable name before `=`").help("use letters, digits and `_`"));
            continue;
        }
        match env_value(value.trim()) {
            Some(value) => {
                found.insert(name.to_string(), value);
            }
            None => problems.push(Problem::error(file, span, format!("the value of {name} has no closing quote"))),
        }
    }
    (found, problems)
}

/// The names that an `.env` file sets, with their lines.
pub fn lines_of(text: &str) -> Vec<(String, usize)> {
    let name = |line: &str| {
        let line = line.trim();
        let line = line.strip_prefix("export ").unwrap_or(line).trim_start();
        let name = line.split_once('=')?.0.trim_end();
        bellbuoy_vocabulary::is_classic_label_name(name).then(|| name.to_string())
    };
    text.lines().enumerate().filter_map(|(index, line)| name(line).map(|name| (name, index + 1))).collect()
}

fn env_value(value: &str) -> Option<String> {
    if let Some(rest) = value.strip_prefix('\'') {
        return rest.find('\'').map(|end| rest[..end].to_string());
    }
    let Some(rest) = value.strip_prefix('"') else {
        let end = value.find(" #").or_else(|| value.find("\t#")).unwrap_or(value.len());
        return Some(value[..end].trim_end().to_string());
    };
    let mut out = String::new();
    let mut chars = rest.chars();
    loop {
        match chars.next()? {
            '"' => return Some(out),
            '\\' => match chars.next()? {
                'n' => out.push('\n'),
                't' => out.push('\t'),
                c @ ('"' | '\\' | '$') => out.push(c),
                c => out.extend(['\\', c]),
            },
            c => out.push(c),
        }
    }
}
