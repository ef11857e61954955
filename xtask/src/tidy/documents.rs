//! Links, pages that must exist, crates that must not, and that the repository needs nothing beside itself.

use super::Finding;
use super::sources::is_test_file;

/// Their compile time is longer than ours.
const UNWANTED_CRATES: [&str; 2] = ["datafusion", "polars"];
/// A folder that stands beside the repository on some machines. Spelled in two parts so that this file does not contain it.
const BESIDE: &str = concat!("../", "shared");

/// Relative links in a page lead to files. `exists` is asked with paths relative to the root.
pub fn check_links(path: &str, text: &str, exists: &dyn Fn(&str) -> bool) -> Vec<Finding> {
    let mut findings = Vec::new();
    let mut fenced = false;
    for (index, line) in text.lines().enumerate() {
        if line.trim_start().starts_with("```") {
            fenced = !fenced;
        }
        if fenced {
            continue;
        }
        for target in link_targets(line) {
            let target = target.split(['#', ' ']).next().unwrap_or_default();
            if target.is_empty() || target.contains("://") || target.starts_with("mailto:") {
                continue;
            }
            if !resolve(path, target).is_some_and(|target| exists(&target)) {
                findings.push(Finding::new(path, index + 1, format!("link to {target:?}, which does not exist"), "correct or remove it"));
            }
        }
    }
    findings
}

/// What stands in `](...)`, outside of inline code.
fn link_targets(line: &str) -> Vec<&str> {
    let outside = line.split('`').step_by(2);
    outside.flat_map(|part| part.split("](").skip(1)).filter_map(|rest| rest.split(')').next()).collect()
}

/// `target` seen from the folder of `path`; `None` when it leaves the repository.
fn resolve(path: &str, target: &str) -> Option<String> {
    let mut parts: Vec<&str> = path.split('/').collect();
    parts.pop();
    for part in target.trim_end_matches('/').split('/') {
        match part {
            "." | "" => {}
            ".." => {
                parts.pop()?;
            }
            name => parts.push(name),
        }
    }
    Some(parts.join("/"))
}

/// A clone stands alone: only tests and measurements may look for files beside it, and then they must pass without them.
pub fn check_self_contained(path: &str, text: &str) -> Vec<Finding> {
    let mut findings = Vec::new();
    let may_look = is_test_file(path) || text.contains("#[cfg(test)]") || path.starts_with("bench/") || path.starts_with(".ci/");
    let lines = text.lines().enumerate().filter(|(_, line)| line.contains(BESIDE));
    for (index, _) in lines {
        if !may_look {
            findings.push(Finding::new(path, index + 1, format!("names {BESIDE}"), "copy what is needed into the repository"));
        } else if !text.contains("skipped") {
            let fix = "print that the test is skipped and pass when the folder does not exist";
            findings.push(Finding::new(path, index + 1, format!("needs {BESIDE}"), fix));
        }
    }
    findings
}

pub fn check_lock(path: &str, text: &str) -> Vec<Finding> {
    let mut findings = Vec::new();
    for (index, line) in text.lines().enumerate() {
        let Some(name) = line.strip_prefix("name = \"").and_then(|rest| rest.strip_suffix('"')) else { continue };
        if UNWANTED_CRATES.iter().any(|unwanted| name == *unwanted || name.starts_with(&format!("{unwanted}-"))) {
            let fix = "find with `cargo tree -i` who brings it, and do without";
            findings.push(Finding::new(path, index + 1, format!("depends on {name}"), fix));
        }
    }
    findings
}

/// Each kind of receiver that the settings know has its page. `exists` is asked with paths relative to the root.
pub fn check_receivers(path: &str, text: &str, exists: &dyn Fn(&str) -> bool) -> Vec<Finding> {
    let mut findings = Vec::new();
    let mut kinds = 0;
    for (index, line) in text.lines().enumerate() {
        let Some((_, rest)) = line.split_once("=> \"").filter(|(before, _)| before.trim_start().starts_with("IntegrationKind::")) else {
            continue;
        };
        kinds += 1;
        let page = format!("docs/receivers/{}.md", rest.split('"').next().unwrap_or_default());
        if !exists(&page) {
            findings.push(Finding::new(path, index + 1, format!("{page} does not exist"), "write the receiver's page"));
        }
    }
    if kinds == 0 {
        let fix = "keep `IntegrationKind::X(_) => \"x\"` in `word`, or teach check_receivers the new form";
        findings.push(Finding::new(path, 0, "no kind of receiver found", fix));
    }
    findings
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn dead_links_are_found() {
        let exists = |path: &str| ["README.md", "docs/a.md", "docs"].contains(&path);
        let dead = |text: &str| check_links("docs/b.md", text, &exists).len();
        for (text, expected) in [
            ("[a](a.md) [r](../README.md#top) [d](../docs/)", 0),
            ("[x](https://example.org/x.md) [m](mailto:a@b.c) [top](#top)", 0),
            ("[a](c.md) and [b](../../beyond.md)", 2),
            ("`[a](c.md)`", 0),
            ("```\n[a](c.md)\n```\n[a](c.md)", 1),
            ("[a](a.md \"a title\")", 0),
        ] {
            assert_eq!(dead(text), expected, "{text}");
        }
    }

    #[test]
    fn looking_beside_the_repository_is_found() {
        let line = format!("open(\"{BESIDE}/x\")\n");
        assert_eq!(check_self_contained("crates/a/src/b.rs", &line).len(), 1);
        assert_eq!(check_self_contained("README.md", &line).len(), 1);
        assert_eq!(check_self_contained("crates/a/src/tests.rs", &line)[0].message, format!("needs {BESIDE}"));
        assert!(check_self_contained("crates/a/src/tests.rs", &format!("{line}println!(\"skipped\");")).is_empty());
        assert!(check_self_contained("README.md", "nothing").is_empty());
    }

    #[test]
    fn unwanted_crates_are_found() {
        let lock = "name = \"serde\"\nname = \"polars-core\"\nname = \"datafusion\"\nname = \"polarsx\"\n";
        assert_eq!(check_lock("Cargo.lock", lock).iter().map(|f| f.line).collect::<Vec<_>>(), [2, 3]);
    }

    #[test]
    fn a_receiver_without_a_page_is_found() {
        let text = "  IntegrationKind::Discord(_) => \"discord\",\n  IntegrationKind::Email(_) => \"email\",\n";
        let found = check_receivers("s.rs", text, &|page| page == "docs/receivers/email.md");
        assert_eq!(found.len(), 1);
        assert_eq!((found[0].line, found[0].message.as_str()), (1, "docs/receivers/discord.md does not exist"));
        assert_eq!(check_receivers("s.rs", "", &|_| true).len(), 1);
    }
}
