//! Variables in Grafana's provisioning files, with Grafana's rules, which differ from field to field.
//!
//! In:  the raw tree of a file. Out: the same tree with its values filled in.
//! Each value is split at `$$` (a literal `$`); in the parts `$__env{X}`, `$__file{/path}`, `$X` and `${X}` are filled in. A
//! query's `model` and the texts of templates and mute timings stay as they are; annotations of rules fill in only forms with
//! braces, so that `{{ $labels.x }}` survives; everything else fills in all forms, labels of rules too.
//! Never: an unset variable without a word. Grafana puts an empty text in its place; so do we, with a warning.
//! One difference: a value that was filled in is not searched for variables again, so that a password may hold a `$`.

use std::path::Path;

use bellbuoy_vocabulary::{Span, nearest};

use super::super::Files;
use super::super::read::{Report, why};
use super::super::vars::Variables;
use super::super::yaml::{Node, Scalar, Value, place_within};

/// Larger files are no secrets.
const FILE_BYTES_MAX: u64 = 1 << 20;

/// What is filled in within a value.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Forms {
    /// `$X`, `${X}`, `$__env{X}`, `$__file{path}`.
    All,
    /// Only those with braces.
    Braced,
    /// Nothing, `$$` too stays.
    None,
}

/// Which forms Grafana knows in the field at this path of keys; lists do not count.
pub fn forms_of(path: &[&str]) -> Forms {
    match path {
        ["groups", "rules", "data", "model" | "relativeTimeRange", ..] => Forms::None,
        ["groups", "rules", "annotations", ..] => Forms::Braced,
        [_, "orgId"] => Forms::All,
        // How Grafana reaches a data source, and its passwords, are not our business.
        ["datasources", "name" | "type" | "uid"] | ["datasources", "jsonData", "timeInterval"] => Forms::All,
        ["datasources", ..] => Forms::None,
        ["templates" | "muteTimes", ..] => Forms::None,
        _ => Forms::All,
    }
}

/// What filling in needs from outside.
pub struct Surroundings<'a> {
    pub variables: &'a Variables<'a>,
    /// Remembers the files that `$__file{}` reads, to watch them.
    pub files: &'a Files,
    pub file_text: &'a str,
    pub report: &'a Report,
}

/// Fills in every value below `root`, the top of a provisioning file.
pub fn expand_file(root: &mut Node, with: &Surroundings) {
    let mut path = Vec::new();
    walk(root, &mut path, with);
}

/// A value of grafana.ini, which knows the forms with braces.
pub fn expand_ini(value: &str, with: &Surroundings) -> String {
    let mut expansion = Expansion::default();
    expansion.text(value, Forms::Braced, with);
    expansion.out
}

fn walk(node: &mut Node, path: &mut Vec<String>, with: &Surroundings) {
    match &mut node.value {
        Value::Null | Value::Unset => {}
        Value::List(items) => items.iter_mut().for_each(|item| walk(item, path, with)),
        Value::Map(entries) => {
            for entry in entries {
                path.push(entry.key.clone());
                walk(&mut entry.value, path, with);
                path.pop();
            }
        }
        Value::Scalar(scalar) => {
            let keys: Vec<&str> = path.iter().map(String::as_str).collect();
            let forms = forms_of(&keys);
            if forms == Forms::None || !scalar.text.contains('$') {
                return;
            }
            let mut expansion = Expansion::default();
            expansion.text(&scalar.text, forms, with);
            for (offset, finding) in &expansion.findings {
                tell(finding, place_within(with.file_text, node, *offset), with);
            }
            let Value::Scalar(scalar) = &mut node.value else { return };
            put(scalar, expansion);
        }
    }
}

fn put(scalar: &mut Scalar, expansion: Expansion) {
    let written = std::mem::replace(&mut scalar.text, expansion.out);
    // A text in which only `$$` became `$` holds no secret: messages may show it.
    if !expansion.names.is_empty() {
        scalar.written = Some((written, expansion.names));
    }
}

fn tell(finding: &Finding, span: Span, with: &Surroundings) {
    let report = with.report;
    match finding {
        Finding::Unset { name, .. } if matches!(name.as_str(), "labels" | "values" | "value") => report.warning(
            span,
            format!("Grafana reads ${name} as an environment variable here and puts an empty text in its place"),
            format!("write $${name}"),
        ),
        Finding::Unset { name, digits: true } => report.warning(
            span,
            format!("${name} is read as a variable, which is not set: an empty text takes its place"),
            "write $$ for a dollar sign",
        ),
        Finding::Unset { name, digits: false } => report.warning(
            span,
            format!("variable {name} is not set: as in Grafana an empty text takes its place"),
            format!("set {name} in the environment or in {}, or write $$ for a dollar sign", with.variables.file_name),
        ),
        Finding::Syntax => report.warning(span, "this is no variable; as in Grafana it is left out", "write $$ for a dollar sign"),
        Finding::Unknown(name) => {
            let help = nearest(name, ["__env", "__file"]).map(|near| format!("did you mean ${near}{{...}}?"));
            report.error(
                span,
                format!("unknown provider ${name}{{...}}"),
                help.unwrap_or_else(|| "$__env{X} and $__file{path} are known".into()),
            )
        }
        Finding::File { path, why } => {
            report.error(span, format!("can not read {path:?}: {why}"), "name a file that this program can read")
        }
    }
}

enum Finding {
    Unset {
        name: String,
        digits: bool,
    },
    /// `${}` or a brace that is never closed.
    Syntax,
    Unknown(String),
    File {
        path: String,
        why: String,
    },
}

#[derive(Default)]
struct Expansion {
    out: String,
    names: Vec<String>,
    /// Byte offset in the value, and what is to be said about it.
    findings: Vec<(usize, Finding)>,
}

impl Expansion {
    fn text(&mut self, text: &str, forms: Forms, with: &Surroundings) {
        let mut at = 0;
        while let Some(found) = text[at..].find('$') {
            let dollar = at + found;
            self.out.push_str(&text[at..dollar]);
            at = dollar + 1;
            let rest = &text[at..];
            if rest.starts_with('$') {
                self.out.push('$');
                at += 1;
            } else if let Some((provider, inner)) = braced(rest) {
                self.provider(dollar, provider, inner, with);
                at += provider.len() + inner.len() + 2;
            } else if forms == Forms::All {
                at += self.plain(dollar, rest, with);
            } else {
                self.out.push('$');
            }
        }
        self.out.push_str(&text[at..]);
    }

    /// `${X}`, `$__env{X}`, `$__file{path}`.
    fn provider(&mut self, offset: usize, provider: &str, inner: &str, with: &Surroundings) {
        match provider {
            "" | "__env" => self.variable(offset, inner, with),
            "__file" => match read_file(Path::new(inner), with.files) {
                Ok(content) => {
                    self.out.push_str(content.trim());
                    self.names.push(format!("$__file{{{inner}}}"));
                }
                Err(why) => self.findings.push((offset, Finding::File { path: inner.to_string(), why })),
            },
            other => self.findings.push((offset, Finding::Unknown(other.to_string()))),
        }
    }

    /// A `$` that begins no form with braces, as Go's `os.ExpandEnv` reads it. Gives the bytes after the `$` that it takes.
    fn plain(&mut self, offset: usize, rest: &str, with: &Surroundings) -> usize {
        let name = rest.len() - rest.trim_start_matches(|c: char| c.is_ascii_alphanumeric() || c == '_').len();
        let Some(first) = rest.chars().next() else {
            self.out.push('$');
            return 0;
        };
        match first {
            '{' => {
                self.findings.push((offset, Finding::Syntax));
                if rest.starts_with("{}") { 2 } else { 1 }
            }
            // The shell's special variables are one sign long and never set.
            '*' | '#' | '@' | '!' | '?' | '-' | '0'..='9' => {
                self.findings.push((offset, Finding::Unset { name: first.to_string(), digits: true }));
                1
            }
            _ if name > 0 => {
                self.variable(offset, &rest[..name], with);
                name
            }
            _ => {
                self.out.push('$');
                0
            }
        }
    }

    fn variable(&mut self, offset: usize, name: &str, with: &Surroundings) {
        match with.variables.get(name) {
            Some(value) => self.out.push_str(&value),
            None => self.findings.push((offset, Finding::Unset { name: name.to_string(), digits: false })),
        }
        self.names.push(name.to_string());
    }
}

/// Provider and content of `__env{X}` or `{X}`, which follow a `$`.
fn braced(rest: &str) -> Option<(&str, &str)> {
    let open = rest.find('{')?;
    let provider = &rest[..open];
    let named = provider.len() > 2 && provider.starts_with("__") && provider.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'_');
    if !provider.is_empty() && !named {
        return None;
    }
    let inner = &rest[open + 1..];
    let end = inner.find('}').filter(|end| *end > 0)?;
    Some((provider, &inner[..end]))
}

pub fn read_file(path: &Path, files: &Files) -> Result<String, String> {
    files.watch(path);
    let size = std::fs::metadata(path).map_err(|error| why(&error))?.len();
    if size > FILE_BYTES_MAX {
        return Err(format!("it is larger than {FILE_BYTES_MAX} bytes"));
    }
    std::fs::read_to_string(path).map_err(|error| why(&error))
}

#[cfg(test)]
mod tests {
    use std::collections::HashMap;

    use super::super::super::{Files, read::Report, vars::Variables, yaml};
    use super::*;

    /// The value of `key` after filling in, and the problems.
    fn expand(yaml_text: &str, path: &[&str]) -> (String, String) {
        let report = Report::new("rules.yml");
        let mut tree = yaml::parse(yaml_text, &report).expect("the test's YAML is good");
        let env = |name: &str| match name {
            "HOST" => Some("db1".to_string()),
            "PASSWORD" => Some("pa$HOST${HOST}".to_string()),
            "EMPTY" => Some(String::new()),
            _ => None,
        };
        let variables = Variables { env: &env, file: HashMap::new(), file_name: ".env".into() };
        let files = Files::default();
        expand_file(&mut tree.root, &Surroundings { variables: &variables, files: &files, file_text: yaml_text, report: &report });
        let mut node = &tree.root;
        for key in path {
            node = match &node.value {
                Value::List(items) => items.first().and_then(|item| item.get(key)),
                _ => node.get(key),
            }
            .unwrap_or_else(|| panic!("{key} is there"));
        }
        let problems: Vec<String> = report.into_problems().iter().map(|problem| problem.to_string()).collect();
        (node.scalar().map_or(String::new(), |scalar| scalar.text.clone()), problems.join("\n"))
    }

    fn check_name(value: &str, expected: &str, problems: &str) {
        let (text, found) = expand(&format!("groups: [{{name: '{value}'}}]\n"), &["groups", "name"]);
        assert_eq!((text.as_str(), found.as_str()), (expected, problems), "{value}");
    }

    #[test]
    fn all_forms_are_filled_in() {
        check_name("plain", "plain", "");
        check_name("a $HOST b", "a db1 b", "");
        check_name("${HOST}-$__env{HOST}.", "db1-db1.", "");
        check_name(
            "$HOST_",
            "",
            "rules.yml:1:18: warning: variable HOST_ is not set: as in Grafana an empty text takes its place; set HOST_ in the environment or in .env, or write $$ for a dollar sign",
        );
        check_name("$EMPTY", "", "");
        check_name("100 $$, $$HOST, $$$HOST", "100 $, $HOST, $db1", "");
        check_name("5 $ a $", "5 $ a $", "");
        check_name("$PASSWORD", "pa$HOST${HOST}", "");
    }

    #[test]
    fn what_grafana_eats_in_silence_is_told() {
        check_name(
            "{{ $labels.a }}",
            "{{ .a }}",
            "rules.yml:1:21: warning: Grafana reads $labels as an environment variable here and puts an empty text in its place; write $$labels",
        );
        check_name("${} x", " x", "rules.yml:1:18: warning: this is no variable; as in Grafana it is left out; write $$ for a dollar sign");
        check_name(
            "$1 x",
            " x",
            "rules.yml:1:18: warning: $1 is read as a variable, which is not set: an empty text takes its place; write $$ for a dollar sign",
        );
        check_name("$__fiel{/a}", "", "rules.yml:1:18: unknown provider $__fiel{...}; did you mean $__file{...}?");
        check_name(
            "$__file{/nowhere/x}",
            "",
            "rules.yml:1:18: can not read \"/nowhere/x\": no such file; name a file that this program can read",
        );
    }

    #[test]
    fn files_are_read_and_trimmed() {
        let path = std::env::temp_dir().join(format!("bellbuoy-expand-{}", std::process::id()));
        std::fs::write(&path, "  from a file\n").expect("temporary file");
        check_name(&format!("<$__file{{{}}}>", path.display()), "<from a file>", "");
        let _ = std::fs::remove_file(path);
    }

    #[test]
    fn fields_differ() {
        for (path, expected) in [
            (&["groups", "rules", "annotations", "summary"][..], "$labels.a db1 $HOST"),
            (&["groups", "rules", "data", "model", "expr"], "$labels.a ${HOST} $$HOST"),
            (&["templates", "template"], "$labels.a ${HOST} $$HOST"),
            (&["muteTimes", "name"], "$labels.a ${HOST} $$HOST"),
            (&["datasources", "uid"], ".a db1 $HOST"),
            (&["datasources", "secureJsonData", "password"], "$labels.a ${HOST} $$HOST"),
            (&["contactPoints", "receivers", "settings", "url"], ".a db1 $HOST"),
            (&["policies", "receiver"], ".a db1 $HOST"),
            (&["groups", "rules", "labels", "x"], ".a db1 $HOST"),
        ] {
            let mut text = String::new();
            for (depth, key) in path.iter().enumerate() {
                text.push_str(&format!("\n{}{key}:", "  ".repeat(depth)));
            }
            text.push_str(" $labels.a ${HOST} $$HOST\n");
            assert_eq!(expand(&text, path).0, expected, "{path:?}");
        }
    }
}
