//! Places, comments that ignore, and corrections, on folders that go away with their tests.

use std::path::PathBuf;

use super::*;
use crate::config::{Sources, load};

struct Folder(PathBuf);

impl Folder {
    fn with(name: &str, files: &[(&str, &str)]) -> Folder {
        let folder = Folder(std::env::temp_dir().join(format!("bellbuoy-findings-{}-{name}", std::process::id())));
        let _ = std::fs::remove_dir_all(&folder.0);
        for (name, text) in files {
            let path = folder.0.join(name);
            std::fs::create_dir_all(path.parent().expect("below the folder")).expect("temporary folder");
            std::fs::write(path, text).expect("temporary file");
        }
        folder
    }

    fn loaded(&self) -> Loaded {
        load(&Sources { dir_or_file: &self.0, env: &|_| None, check_template: &|_| Ok(()), look_only: false })
    }

    /// `code line:column length`
    fn places(&self) -> Vec<String> {
        let found = look(&mut self.loaded(), &Known::default()).expect("nothing else is read").findings;
        found
            .iter()
            .filter(|f| f.code != "policy")
            .map(|f| format!("{} {}:{} {}", f.code, f.span.line, f.span.column, f.span.length))
            .collect()
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.0);
    }
}

const RULES: &str = "groups:\n- name: g\n  rules:\n  - alert: A\n    labels: {severity: none}\n    expr: |\n      absent(sum(x))\n        or\n      up > 1\n    annotations:\n      summary: 'it''s é {{ $labels.job }}'\n";

#[test]
fn a_place_is_found_within_block_and_quoted_texts() {
    let folder = Folder::with("place", &[("rules.yml", RULES)]);
    assert_eq!(folder.places(), ["comparison-constant 9:7 6"]);
    let folder =
        Folder::with("place2", &[("rules.yml", &RULES.replace("absent(sum(x))\n        or\n      up > 1", "sum by (a) (x) == 1"))]);
    assert_eq!(folder.places(), ["label-gone 9:36 3"]);
}

#[test]
fn comments_ignore_what_they_stand_above() {
    for (line, comment, left) in [
        ("  - alert: A", "  # bellbuoy: ignore comparison-constant it is a joke\n  - alert: A", &[][..]),
        ("    expr: |", "    # bellbuoy: ignore matching-never,comparison-constant for a while\n    expr: |", &[][..]),
        ("    expr: |", "    expr: | # bellbuoy: ignore comparison-constant for a while", &[][..]),
        ("groups:", "# bellbuoy: ignore-file comparison-constant all of it\ngroups:", &[][..]),
        ("  - alert: A", "  # bellbuoy: ignore comparison-constant\n  - alert: A", &["ignore-comment 4:1 1"][..]),
        (
            "  - alert: A",
            "  # bellbuoy: ignore label-gone another\n  - alert: A",
            &["ignore-comment 4:1 1", "comparison-constant 10:7 6"][..],
        ),
    ] {
        let folder = Folder::with("ignore", &[("rules.yml", &RULES.replace(line, comment))]);
        assert_eq!(folder.places(), left, "{comment}");
    }
}

/// A variable without a value stays an error: no comment makes the file usable.
#[test]
fn what_can_not_be_read_is_not_ignored() {
    let text = "groups:\n- name: g\n  rules:\n  # bellbuoy: ignore promql-syntax it is meant so\n  - alert: A\n    expr: up ==\n";
    assert_eq!(Folder::with("broken", &[("rules.yml", text)]).places().last().map(|f| &f[..13]), Some("promql-syntax"));
}

#[test]
fn corrections_are_written_where_they_belong() {
    let text = "groups:\n- name: g\n  rules:\n  - alert: A # stays\n    expr: 'histogram_quantile(95, sum by (le) (rate(x_seconds_bucket{a=\"it''s\"}[5m]))) > 1'\n  - alert: B\n    expr: >-\n      quantile(90, x)\n        > 5\n";
    let folder = Folder::with("fix", &[("rules.yml", text)]);
    let mut loaded = folder.loaded();
    let found = look(&mut loaded, &Known::default()).expect("nothing else is read").findings;
    assert_eq!(apply_fixes(&found, &loaded).expect("written"), (2, 1));
    let written = std::fs::read_to_string(folder.0.join("rules.yml")).expect("there");
    assert_eq!(written, text.replace("(95,", "(0.95,").replace("(90,", "(0.9,"));
    assert_eq!(folder.places(), [""; 0]);
}

/// What is broken in one file does not hide what is wrong in the other.
#[test]
fn findings_beside_errors() {
    let folder =
        Folder::with("beside", &[("rules.yml", RULES), ("alertmanager.yml", "route:\n  receiver: nobody\nreceivers:\n- name: somebody\n")]);
    assert_eq!(folder.places(), ["comparison-constant 9:7 6", "config 2:13 6"]);
}

#[test]
fn every_form_has_the_place() {
    let folder = Folder::with("forms", &[("rules.yml", RULES)]);
    let mut loaded = folder.loaded();
    let found = look(&mut loaded, &Known::default()).expect("nothing else is read").findings;
    let shown = |format| show(format, &found, &loaded.texts);
    assert!(
        shown(Format::Human).contains("rules.yml:9:7: warning: alert A: `up > 1` is never true [comparison-constant]\n"),
        "{}",
        shown(Format::Human)
    );
    assert!(shown(Format::Human).contains("\n 9 |       up > 1\n   |       ^^^^^^\n"));
    let github = shown(Format::Github);
    assert!(
        github.starts_with("::warning file=") && github.contains("rules.yml,line=9,col=7,title=comparison-constant::alert A"),
        "{github}"
    );
    let sarif: serde_json::Value = serde_json::from_str(&shown(Format::Sarif)).expect("JSON");
    assert_eq!(sarif["runs"][0]["results"][0]["locations"][0]["physicalLocation"]["region"]["startLine"], 9);
    let json: serde_json::Value = serde_json::from_str(&shown(Format::Json)).expect("JSON");
    assert_eq!((json["findings"][0]["line"].as_u64(), json["findings"][0]["severity"].as_str()), (Some(9), Some("warning")));
}
