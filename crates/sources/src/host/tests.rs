//! Recorded machines and the page that node_exporter 1.11 gave on one of them; odd machines; broken texts; random texts.

mod containers;
mod odd;
mod recorded;

use std::collections::BTreeMap;

use bellbuoy_vocabulary::Timestamp;

use super::*;
use crate::family::series;

/// `== PATH` and its text, one after the other; `== PATH -> TARGET` is a link.
struct Tree {
    files: BTreeMap<String, String>,
    links: BTreeMap<String, String>,
    usages: BTreeMap<String, Usage>,
    refused: Vec<&'static str>,
}

impl Tree {
    fn new(text: &str) -> Tree {
        let mut tree = Tree { files: BTreeMap::new(), links: BTreeMap::new(), usages: BTreeMap::new(), refused: Vec::new() };
        let mut path = String::new();
        for line in text.lines() {
            match line.strip_prefix("== ") {
                Some(link) if link.contains(" -> ") => {
                    tree.links.extend(link.split_once(" -> ").map(|(from, to)| (from.to_string(), to.to_string())));
                }
                Some(next) => {
                    path = next.to_string();
                    tree.files.insert(path.clone(), String::new());
                }
                None => tree.files.entry(path.clone()).or_default().push_str(&format!("{line}\n")),
            }
        }
        tree
    }

    fn with(mut self, path: &str, text: &str) -> Tree {
        self.files.insert(path.to_string(), text.to_string());
        self
    }

    fn mounted(mut self, mount_point: &str, usage: Usage) -> Tree {
        self.usages.insert(mount_point.to_string(), usage);
        self
    }

    fn refusing(mut self, path: &'static str) -> Tree {
        self.refused.push(path);
        self
    }
}

impl Files for Tree {
    fn read(&self, path: &str) -> Result<String, Unread> {
        if self.refused.contains(&path) {
            return Err(Unread::Failed("Permission denied (os error 13)".into()));
        }
        self.files.get(path).cloned().ok_or(Unread::Absent)
    }

    fn list(&self, path: &str) -> Vec<String> {
        let below = format!("{path}/");
        let mut names: Vec<String> =
            self.files.keys().filter_map(|file| file.strip_prefix(&below)?.split('/').next().map(String::from)).collect();
        names.dedup();
        names
    }

    fn link(&self, path: &str) -> Option<String> {
        self.links.get(path).cloned()
    }

    fn usages(&self, mount_points: &[String]) -> Vec<Result<Usage, String>> {
        mount_points.iter().map(|point| self.usages.get(point).copied().ok_or_else(|| "input/output error".to_string())).collect()
    }
}

fn facts() -> Facts {
    Facts { now: Timestamp(1_795_240_000_500), zone: ("UTC".into(), 0), machine: "x86_64".into() }
}

type Values = BTreeMap<String, f64>;

/// Series by the text of their labels, and problems. What is said of the collectors themselves is checked and left out.
fn look(host: &mut Host, collectors: &[Collector], tree: &Tree) -> (Values, Vec<String>) {
    let mut look = host.look(facts());
    for collector in collectors {
        look.collect(*collector, tree);
        look.took(*collector, 0.25);
    }
    let (families, problems) = look.finish();
    let all = series(&families, &[]);
    let count = all.len();
    let mut values: Values = all.into_iter().map(|(labels, value)| (labels.to_string(), value)).collect();
    assert_eq!(values.len(), count, "a series comes twice");
    // Of containers on a host that can not have them nothing is said.
    for collector in collectors.iter().filter(|one| **one != Collector::Containers || super::containers::are_seen(tree)) {
        let own = |name: &str| format!("node_scrape_collector_{name}{{collector=\"{}\"}}", collector.name());
        assert_eq!(values.remove(&own("duration_seconds")), Some(0.25));
        let failed = problems.iter().any(|problem| problem.starts_with(&format!("{}: ", collector.name())));
        assert_eq!(values.remove(&own("success")), Some(f64::from(u8::from(!failed))), "{collector:?} {problems:?}");
    }
    (values, problems)
}

fn look_once(collectors: &[Collector], tree: &Tree) -> (Values, Vec<String>) {
    look(&mut Host::default(), collectors, tree)
}
