//! A configuration file for another place: in a container the folder is elsewhere, and `localhost` is the container itself.
//!
//! In:    a file's text and tree, where things are there. Out: the text with only those values changed, and what could not be.
//! Never: fills in a variable: its value may be a secret, and the text goes into a file.

use std::ops::Range;

use super::yaml::{Node, Value};

/// Where things are for the programs that read the new text.
#[derive(Clone, Debug)]
pub struct Surroundings {
    /// The folder of this file there: `/stack/rules`.
    pub folder: String,
    /// `localhost:9093` to `alertmanager:9093`; only addresses of this machine are looked up.
    pub addresses: Vec<(String, String)>,
    /// A host name for all other addresses of this machine.
    pub gateway: String,
}

/// Lists of files at the top of a file, or in an entry of discovery.
const FILE_LISTS: [&str; 4] = ["rule_files", "scrape_config_files", "templates", "files"];
const URLS: [&str; 4] = ["url", "api_url", "webhook_url", "proxy_url"];
const HOSTS: [&str; 2] = ["smtp_smarthost", "smarthost"];

/// The new text, and remarks for a person, each with its line.
pub fn relocated(text: &str, root: &Node, to: &Surroundings) -> (String, Vec<String>) {
    let mut walk = Walk { to, edits: Vec::new(), remarks: Vec::new() };
    walk.node(root, &mut Vec::new());
    walk.edits.sort_by_key(|(bytes, _)| bytes.start);
    let (mut out, mut at) = (String::with_capacity(text.len()), 0);
    for (bytes, instead) in walk.edits {
        if bytes.start < at {
            continue;
        }
        out.push_str(text.get(at..bytes.start).unwrap_or(""));
        out.push_str(&instead);
        at = bytes.end;
    }
    out.push_str(text.get(at..).unwrap_or(""));
    (out, walk.remarks)
}

struct Walk<'a> {
    to: &'a Surroundings,
    edits: Vec<(Range<usize>, String)>,
    remarks: Vec<String>,
}

impl Walk<'_> {
    fn node<'n>(&mut self, node: &'n Node, keys: &mut Vec<&'n str>) {
        match &node.value {
            Value::Map(entries) => {
                for entry in entries {
                    keys.push(&entry.key);
                    self.node(&entry.value, keys);
                    keys.pop();
                }
            }
            Value::List(items) => items.iter().for_each(|item| self.node(item, keys)),
            Value::Scalar(scalar) => {
                let key = keys.last().copied().unwrap_or("");
                if scalar.expanded() {
                    let what = "Prometheus and Alertmanager fill in no ${VAR}; write the value, or for a secret a `..._file` key";
                    self.remarks.push(format!("line {}: {key}: {what}", node.span.line));
                    return;
                }
                let text = scalar.text.as_str();
                let new = if FILE_LISTS.contains(&key) || (key.ends_with("_file") && !text.is_empty()) {
                    self.path(text)
                } else if key == "targets" || HOSTS.contains(&key) {
                    self.address(text)
                } else if URLS.contains(&key) {
                    self.url(text)
                } else {
                    None
                };
                if let Some(new) = new {
                    self.edits.push((node.bytes.clone(), quoted(&new)));
                }
            }
            Value::Null | Value::Unset => {}
        }
    }

    fn path(&self, text: &str) -> Option<String> {
        let plain = text.strip_prefix("./").unwrap_or(text);
        (!text.starts_with('/')).then(|| format!("{}/{plain}", self.to.folder.trim_end_matches('/')))
    }

    fn address(&self, text: &str) -> Option<String> {
        let (host, port) = match text.rsplit_once(':') {
            Some((host, port)) if port.bytes().all(|b| b.is_ascii_digit()) => (host, Some(port)),
            _ => (text, None),
        };
        if !matches!(host, "localhost" | "127.0.0.1" | "[::1]" | "host.docker.internal") {
            return None;
        }
        let local = port.map_or("localhost".to_string(), |port| format!("localhost:{port}"));
        let known = self.to.addresses.iter().find(|(from, _)| *from == local).map(|(_, to)| to.clone());
        let other = || port.map_or(self.to.gateway.clone(), |port| format!("{}:{port}", self.to.gateway));
        Some(known.unwrap_or_else(other)).filter(|new| new != text)
    }

    fn url(&self, text: &str) -> Option<String> {
        let (scheme, rest) = text.split_once("://")?;
        let (place, path) = rest.split_at(rest.find('/').unwrap_or(rest.len()));
        Some(format!("{scheme}://{}{path}", self.address(place)?))
    }
}

/// JSON's texts are YAML's.
fn quoted(text: &str) -> String {
    serde_json::Value::from(text).to_string()
}

#[cfg(test)]
mod tests {
    use super::super::read::Report;
    use super::super::vars::{self, Variables};
    use super::super::yaml;
    use super::*;

    fn check(text: &str, expected: &str, remarks: usize) {
        let report = Report::new("f");
        let mut tree = yaml::parse(text, &report).expect("YAML");
        let env = |name: &str| (name == "SECRET").then(|| "canary".to_string());
        let variables = Variables { env: &env, file: Default::default(), file_name: String::new() };
        vars::expand_tree(&mut tree.root, text, &variables, &report);
        let to = Surroundings {
            folder: "/stack/x".into(),
            addresses: vec![("localhost:9093".into(), "alertmanager:9093".into())],
            gateway: "host.docker.internal".into(),
        };
        let (new, said) = relocated(text, &tree.root, &to);
        assert_eq!((new.as_str(), said.len()), (expected, remarks), "{said:?}");
    }

    #[test]
    fn only_what_must_change_changes() {
        check(
            "rule_files: [a.yml, ./b/*.yml, /abs.yml] # c\n",
            "rule_files: [\"/stack/x/a.yml\", \"/stack/x/b/*.yml\", /abs.yml] # c\n",
            0,
        );
        check(
            "a:\n- targets: ['localhost:9093', \"127.0.0.1:8000\", api:80]\n",
            "a:\n- targets: [\"alertmanager:9093\", \"host.docker.internal:8000\", api:80]\n",
            0,
        );
        check(
            "webhook_url_file: hook\nurl: http://localhost:9090/inbox\n",
            "webhook_url_file: \"/stack/x/hook\"\nurl: \"http://host.docker.internal:9090/inbox\"\n",
            0,
        );
        check("password: ${SECRET}\nurl: https://discord.com/x\n", "password: ${SECRET}\nurl: https://discord.com/x\n", 1);
        check("smtp_smarthost: localhost:25\nx: localhost:25\n", "smtp_smarthost: \"host.docker.internal:25\"\nx: localhost:25\n", 0);
        check(
            "params:\n  target: [localhost]\nname: été # ü\ntemplates:\n  - 't/*.tmpl'\n",
            "params:\n  target: [localhost]\nname: été # ü\ntemplates:\n  - \"/stack/x/t/*.tmpl\"\n",
            0,
        );
    }
}
