//! What other tools find in broken configurations, we find too: a corpus of faults, each as small as it can be, with what each tool says.
//!
//! `promtool` and `amtool` are run where the peers are at hand, `amlint` where `BELLBUOY_AMLINT` names it (`pip install amlint`): they have
//! to find what the corpus says, and nothing else. What pint finds is taken from its documentation. `BELLBUOY_UPDATE=1` writes the table of
//! docs/guides/check-beside-others.md anew.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::process::Command;

use serde_json::Value;

use super::harness::{Folder, bellbuoy, peer, peers};

const CORPUS: [(&str, &str); 2] = [
    ("Rules and prometheus.yml", include_str!("../faults/rules.txt")),
    ("Routes, receivers, messages, dashboards", include_str!("../faults/routes.txt")),
];
const PAGE: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../../docs/guides/check-beside-others.md");

/// A finding of amlint about a default that everybody leaves.
const NOT_MEANT: &str = "global-resolve-timeout-missing";

struct Fault<'a> {
    name: &'a str,
    what: &'a str,
    /// What each tool says of it, by the tool's name; `args` of ours.
    said: BTreeMap<&'a str, &'a str>,
    files: Vec<(&'a str, String)>,
}

fn faults(text: &str) -> Vec<Fault<'_>> {
    text.split("\n=== ")
        .map(|block| {
            let mut parts = block.trim_start_matches("=== ").split("\n--- ");
            let mut head = parts.next().unwrap_or_default().lines();
            let (name, what) = head.next().and_then(|line| line.split_once(" | ")).expect("a name and what it is");
            let said = head.filter_map(|line| line.split_once(": ")).collect();
            let files =
                parts.map(|part| part.split_once('\n').map_or((part, String::new()), |(name, text)| (name, format!("{text}\n")))).collect();
            Fault { name, what, said, files }
        })
        .collect()
}

impl Fault<'_> {
    fn folder(&self) -> Folder {
        let files: Vec<(&str, &str)> = self.files.iter().map(|(name, text)| (*name, text.as_str())).collect();
        Folder::new(&files)
    }

    fn has(&self, file: &str) -> bool {
        self.files.iter().any(|(name, _)| *name == file)
    }

    fn words(&self, tool: &str) -> BTreeSet<&str> {
        self.said.get(tool).into_iter().flat_map(|words| words.split(", ")).collect()
    }
}

/// Whether it failed, and all that it said.
fn run(program: PathBuf, arguments: &[&str], file: &Path) -> (bool, String) {
    let output = Command::new(program).args(arguments).arg(file).output().expect("it starts");
    let text = [output.stdout, output.stderr].map(|bytes| String::from_utf8_lossy(&bytes).into_owned()).concat();
    (!output.status.success(), text)
}

#[test]
fn each_fault_is_found_by_us() {
    let mut wrong = Vec::new();
    for fault in CORPUS.iter().flat_map(|(_, text)| faults(text)) {
        let folder = fault.folder();
        let dir = folder.config();
        let mut command = bellbuoy();
        command.args(["check", "--format", "json", "--level", "info"]).arg(&dir);
        let args = fault.said.get("args").copied().unwrap_or_default().replace("app=", &format!("app={}/", dir.display()));
        let output = command.args(args.split_whitespace()).output().expect("the program starts");
        let found: Value = serde_json::from_slice(&output.stdout).unwrap_or_default();
        let codes: BTreeSet<&str> =
            found["findings"].as_array().into_iter().flatten().filter_map(|finding| finding["code"].as_str()).collect();
        if !fault.words("ours").is_subset(&codes) || output.status.code() != Some(1) {
            wrong.push(format!("{}: found {codes:?}, {}", fault.name, String::from_utf8_lossy(&output.stderr)));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn the_peers_find_what_the_corpus_says() {
    let Some(peers) = peers() else { return };
    let amlint = std::env::var_os("BELLBUOY_AMLINT").map(PathBuf::from);
    if amlint.is_none() {
        println!("amlint is skipped: set BELLBUOY_AMLINT to the program");
    }
    let mut wrong = Vec::new();
    for fault in CORPUS.iter().flat_map(|(_, text)| faults(text)) {
        let folder = fault.folder();
        let path = |name: &str| folder.config().join(name);
        let mut tell = |tool: &str, failed: bool, said: &str| {
            let is_right = match fault.said.get(tool) {
                Some(words) => said.contains(words),
                None => !failed && !said.contains("lint error") && !said.contains("duplicate rule"),
            };
            if !is_right {
                wrong.push(format!("{}: {tool} says {said}", fault.name));
            }
        };
        let mut promtool = (false, String::new());
        for (name, kind) in [("prometheus.yml", "config"), ("rules.yml", "rules")] {
            if fault.has(name) {
                let (failed, said) = run(peer(&peers, &["promtool"]), &["check", kind, "--lint=all"], &path(name));
                promtool = (promtool.0 || failed, promtool.1 + &said);
            }
        }
        tell("promtool", promtool.0, &promtool.1);
        if fault.has("alertmanager.yml") {
            let (failed, said) = run(peer(&peers, &["amtool"]), &["check-config"], &path("alertmanager.yml"));
            tell("amtool", failed, &said);
        }
        let file = ["alertmanager.yml", "contact.yml"].into_iter().find(|name| fault.has(name));
        if let (Some(amlint), Some(file)) = (&amlint, file) {
            let rules = path("rules.yml").display().to_string();
            let mut arguments = vec!["check", "--format", "json"];
            if fault.has("rules.yml") {
                arguments.extend(["--rules", &rules]);
            }
            let (_, said) = run(amlint.clone(), &arguments, &path(file));
            let codes: BTreeSet<&str> =
                said.split("\"code\": \"").skip(1).filter_map(|rest| rest.split('"').next()).filter(|code| *code != NOT_MEANT).collect();
            if codes != fault.words("amlint") {
                wrong.push(format!("{}: amlint finds {codes:?}: {said}", fault.name));
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

/// The table as the corpus has it.
fn table() -> String {
    let mut out = String::new();
    for (title, text) in CORPUS {
        out += &format!("### {title}\n\n| fault | bellbuoy | promtool, amtool | amlint | pint |\n| --- | --- | --- | --- | --- |\n");
        for fault in faults(text) {
            let of = |tool: &str| fault.said.get(tool).map_or(String::new(), |words| words.to_string());
            let ours: Vec<String> = fault.words("ours").iter().map(|code| format!("[{code}](../checks/{code}.md)")).collect();
            let theirs: Vec<&str> = ["promtool", "amtool"].into_iter().filter(|tool| fault.said.contains_key(tool)).collect();
            let given = if fault.said.contains_key("args") { " with `--metrics`" } else { "" };
            out +=
                &format!("| {} | {}{given} | {} | {} | {} |\n", fault.what, ours.join(", "), theirs.join(", "), of("amlint"), of("pint"));
        }
        out += "\n";
    }
    out
}

#[test]
fn the_page_has_the_table() {
    let page = std::fs::read_to_string(PAGE).expect("part of the repository");
    let (start, end) = ("<!-- the table is made from crates/bellbuoy/tests/faults -->\n\n", "<!-- end of the table -->");
    let at = page.find(start).expect("the beginning of the table") + start.len();
    let until = page.find(end).expect("the end of the table");
    if std::env::var_os("BELLBUOY_UPDATE").is_some() {
        std::fs::write(PAGE, format!("{}{}{}", &page[..at], table(), &page[until..])).expect("writable");
        return;
    }
    assert_eq!(&page[at..until], table(), "BELLBUOY_UPDATE=1 writes it anew");
}
