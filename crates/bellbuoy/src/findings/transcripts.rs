//! Each page of docs/checks is a test: what it calls bad is found with the words that it quotes, what it calls good has no finding.
//!
//! A page has a section `## Bad`, a section `## Good` and a section `## It says`. In the first two each block of code stands below a
//! line with the file's name in backticks; a file called `JOB.metrics` is the metrics page of that job. `BELLBUOY_UPDATE=1` writes
//! the third anew.

use std::path::{Path, PathBuf};

use bellbuoy_vocabulary::Timestamp;

use super::*;
use crate::config::{Sources, load};

/// 2026-11-21
const NOW: Timestamp = Timestamp(1_795_219_200_000);

fn pages() -> Vec<PathBuf> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs/checks");
    let mut pages: Vec<PathBuf> = std::fs::read_dir(folder).expect("docs/checks").flatten().map(|entry| entry.path()).collect();
    pages.retain(|path| path.extension().is_some_and(|end| end == "md") && path.file_stem().is_some_and(|stem| stem != "README"));
    pages.sort();
    pages
}

/// The text between this heading and the next.
fn section<'a>(page: &'a str, heading: &str) -> Option<&'a str> {
    let start = page.find(&format!("\n## {heading}\n"))? + heading.len() + 5;
    let end = page[start..].find("\n## ").map_or(page.len(), |end| start + end + 1);
    Some(&page[start..end])
}

/// Name and content of each block.
fn files(section: &str) -> Vec<(String, String)> {
    let (mut found, mut name, mut block): (Vec<(String, String)>, String, Option<String>) = (Vec::new(), String::new(), None);
    for line in section.lines() {
        match (&mut block, line.starts_with("```")) {
            (None, true) => block = Some(String::new()),
            (None, false) if line.starts_with('`') => name = line.trim_matches(['`', ':']).to_string(),
            (None, false) => {}
            (Some(text), true) => {
                found.push((name.clone(), std::mem::take(text)));
                block = None;
            }
            (Some(text), false) => *text += &format!("{line}\n"),
        }
    }
    found
}

/// The findings of the files, as the program prints them, without the folder's name.
fn findings_of(code: &str, kind: &str, files: &[(String, String)]) -> Vec<(&'static str, String)> {
    let folder = std::env::temp_dir().join(format!("bellbuoy-transcript-{}-{code}-{kind}", std::process::id()));
    let _ = std::fs::remove_dir_all(&folder);
    let mut known = Known { now: Some(NOW), ..Known::default() };
    for (name, text) in files {
        if let Some(job) = name.strip_suffix(".metrics") {
            known.pages.push((job.to_string(), text.clone()));
            continue;
        }
        let path = folder.join(name);
        std::fs::create_dir_all(path.parent().expect("below the folder")).expect("temporary folder");
        std::fs::write(path, text).expect("temporary file");
    }
    let check_template = |text: &str| bellbuoy_template::rule::check(text).map_err(|error| error.to_string());
    let mut loaded = load(&Sources { dir_or_file: &folder, env: &|_| None, check_template: &check_template, look_only: false });
    let found = look(&mut loaded, &known).expect("the pages can be read").findings;
    let shown =
        found.iter().map(|finding| (finding.code, show::human(finding, &loaded.texts).replace(&format!("{}/", folder.display()), "")));
    let shown = shown.collect();
    let _ = std::fs::remove_dir_all(&folder);
    shown
}

#[test]
fn the_pages_are_true() {
    let update = std::env::var("BELLBUOY_UPDATE").is_ok();
    let mut wrong = Vec::new();
    for path in pages() {
        let code = path.file_stem().and_then(|stem| stem.to_str()).expect("a name").to_string();
        let page = std::fs::read_to_string(&path).expect("readable");
        let (Some(bad), Some(good)) = (section(&page, "Bad"), section(&page, "Good")) else {
            // What only a running server knows is tested beside the check.
            if page.contains("--live=") {
                continue;
            }
            wrong.push(format!("{code}: no sections Bad and Good"));
            continue;
        };
        let found = findings_of(&code, "bad", &files(bad));
        let shown: Vec<&str> = found.iter().map(|(_, text)| text.as_str()).collect();
        let says = format!("\n```text\n{}\n```\n", shown.join("\n"));
        if !found.iter().any(|(found, _)| *found == code) {
            wrong.push(format!("{code}: not among the findings of its bad example: {shown:#?}"));
        }
        if let Some((other, text)) = found.iter().find(|(found, _)| *found != code) {
            wrong.push(format!("{code}: its bad example has {other} too: {text}"));
        }
        if section(&page, "It says").map(str::trim) != Some(says.trim()) {
            if update {
                let before = page.find("\n## It says\n").map_or(page.as_str(), |at| &page[..at]);
                let rest = section(&page, "It says").map_or("", |old| page.split_once(old).map_or("", |(_, rest)| rest));
                std::fs::write(
                    &path,
                    format!("{}\n\n## It says\n{says}{}", before.trim_end(), if rest.is_empty() { "" } else { "\n" }.to_string() + rest),
                )
                .expect("writable");
            } else {
                wrong.push(format!("{code}: it says{says}"));
            }
        }
        for (other, text) in findings_of(&code, "good", &files(good)) {
            wrong.push(format!("{code}: its good example has {other}: {text}"));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn every_code_has_its_page() {
    let pages: Vec<String> = pages().iter().filter_map(|path| Some(path.file_stem()?.to_str()?.to_string())).collect();
    let here = [old_keys::CODE, "config", "variable-unset", "yaml-syntax", "promql-syntax", "ignore-comment"];
    let codes: Vec<&str> = bellbuoy_check::CHECKS.iter().map(|check| check.code).chain(variables::CODES).chain(here).collect();
    for code in &codes {
        assert!(pages.iter().any(|page| page == code), "docs/checks/{code}.md is missing");
    }
    for page in &pages {
        assert!(codes.contains(&page.as_str()), "docs/checks/{page}.md is of no check");
    }
}

/// 105 rules of public style, each of which fires on the series of good_test.yml: nothing is to be said of them.
#[test]
fn good_rules_have_no_finding() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/good");
    let read = |name: &str| std::fs::read_to_string(folder.join(name)).expect("part of the repository");
    let files = [("rules.yml".to_string(), read("good.yml"))];
    nothing_is_said("good", "rules", &files);
}

/// The ready stacks as they are, with the secret that each asks for.
#[test]
fn ready_stacks_have_no_finding() {
    for stack in ["bike-traffic", "accident-severity", "trading-pipelines"] {
        let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../stacks").join(stack);
        // The secrets that their READMEs ask for.
        let secrets = ["discord_webhook_url", "smtp_password", "slack_url", "opsgenie_key", "pagerduty_key"];
        let mut files: Vec<_> = secrets.iter().map(|name| (name.to_string(), "http://localhost:9090/inbox/x".to_string())).collect();
        collect(&folder, &folder, &mut files);
        nothing_is_said("stack", stack, &files);
    }
}

/// Nor has the demo's copy, which leaves some rules out: it is what a newcomer's first log is about.
#[test]
fn the_demo_has_no_finding() {
    let folder = std::env::temp_dir().join(format!("bellbuoy-demo-stack-{}", std::process::id()));
    let target = std::net::SocketAddr::from(([127, 0, 0, 1], 8000));
    let targets = crate::demo_stack::Targets { service: target, pipeline: target };
    crate::demo_stack::write(&folder, "127.0.0.1:9090", &targets, None).expect("written");
    let mut files = Vec::new();
    collect(&folder, &folder, &mut files);
    std::fs::remove_dir_all(&folder).expect("removed");
    // Notes are no part of the log: a minute of 200 ms, and data sources that only a Grafana would have.
    let found = findings_of("demo", "stack", &files);
    let shown: Vec<&str> = found.iter().map(|(_, text)| text.as_str()).filter(|text| !text.contains(": note: ")).collect();
    assert!(shown.is_empty() && !found.is_empty(), "{}", shown.join("\n"));
}

fn nothing_is_said(code: &str, name: &str, files: &[(String, String)]) {
    let found = findings_of(code, name, files);
    let said: Vec<&str> = found.iter().map(|(_, text)| text.as_str()).collect();
    assert!(said.is_empty(), "{name}:\n{}", said.join("\n"));
}

fn collect(root: &Path, folder: &Path, files: &mut Vec<(String, String)>) {
    for entry in std::fs::read_dir(folder).expect("a folder").flatten() {
        let path = entry.path();
        if path.is_dir() {
            collect(root, &path, files);
        } else if let Ok(text) = std::fs::read_to_string(&path) {
            let name = path.strip_prefix(root).expect("below").display().to_string();
            files.push((name, text));
        }
    }
}
