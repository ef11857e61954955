//! Which crate may use which: the table, the comparison with cargo's own view, and with ARCHITECTURE.md.

use std::path::Path;
use std::process::Command;

use anyhow::{Context, bail};

use super::Finding;

/// Dependencies point one way, in the order of the path. `*` is every crate of ours.
const EDGES: [(&str, &[&str]); 21] = [
    ("vocabulary", &[]),
    ("exposition", &["vocabulary"]),
    ("scrape", &["vocabulary", "exposition"]),
    ("store", &["vocabulary"]),
    ("promql", &["vocabulary"]),
    ("template", &["vocabulary"]),
    ("rules", &["vocabulary", "promql", "template"]),
    ("router", &["vocabulary"]),
    ("notify", &["vocabulary", "template"]),
    ("drift", &[]),
    ("models", &["vocabulary", "drift"]),
    ("tables", &["drift"]),
    ("reports", &["vocabulary", "drift", "models"]),
    ("sources", &["vocabulary", "exposition"]),
    ("check", &["vocabulary", "promql", "template", "rules", "router", "notify", "models", "simtest"]),
    ("instrument", &[]),
    ("pages", &[]),
    ("demo", &["vocabulary", "drift", "tables", "instrument"]),
    ("simtest", &["vocabulary", "scrape", "store", "promql", "rules", "router"]),
    ("bellbuoy", &["*"]),
    ("xtask", &[]),
];

/// ARCHITECTURE.md is the map, not the country.
const MAP_LINES_MAX: usize = 300;

/// A package of the workspace and those of ours that it names in its Cargo.toml, short names.
pub struct Package {
    pub name: String,
    pub uses: Vec<String>,
}

/// The table as ARCHITECTURE.md shows it.
pub fn edges_text() -> String {
    EDGES.iter().map(|(name, uses)| line(name, uses) + "\n").collect()
}

fn line(name: &str, uses: &[&str]) -> String {
    let uses = match uses {
        [] => "nothing".to_string(),
        ["*"] => "all".to_string(),
        _ => uses.join(", "),
    };
    format!("{name} -> {uses}")
}

/// What cargo knows. Development dependencies count as well: a cycle is a cycle.
pub fn packages(root: &Path) -> anyhow::Result<Vec<Package>> {
    let cargo = std::env::var("CARGO").unwrap_or_else(|_| "cargo".into());
    let output = Command::new(cargo)
        .args(["metadata", "--no-deps", "--offline", "--format-version", "1", "--manifest-path"])
        .arg(root.join("Cargo.toml"))
        .output()
        .context("running cargo metadata")?;
    if !output.status.success() {
        bail!("cargo metadata: {}", String::from_utf8_lossy(&output.stderr));
    }
    let metadata: serde_json::Value = serde_json::from_slice(&output.stdout).context("reading the answer of cargo metadata")?;
    let text = |value: &serde_json::Value| short(value.as_str().unwrap_or_default());
    let list = |value: &serde_json::Value| value.as_array().cloned().unwrap_or_default();
    Ok(list(&metadata["packages"])
        .iter()
        .map(|package| Package {
            name: text(&package["name"]),
            uses: list(&package["dependencies"]).iter().filter(|d| d["path"].is_string()).map(|d| text(&d["name"])).collect(),
        })
        .collect())
}

fn short(name: &str) -> String {
    name.strip_prefix("bellbuoy-").unwrap_or(name).to_string()
}

/// Differences between the table and the Cargo.toml files, both ways.
pub fn check_packages(packages: &[Package]) -> Vec<Finding> {
    let mut findings = Vec::new();
    for package in packages {
        let manifest = match package.name.as_str() {
            name @ ("demo" | "xtask") => format!("{name}/Cargo.toml"),
            name => format!("crates/{name}/Cargo.toml"),
        };
        let Some((_, allowed)) = EDGES.iter().find(|(name, _)| *name == package.name) else {
            let fix = "add it to EDGES in xtask/src/tidy/edges.rs and to ARCHITECTURE.md";
            findings.push(Finding::new(&manifest, 0, format!("crate {} is not in the edge table", package.name), fix));
            continue;
        };
        if *allowed == ["*"] {
            continue;
        }
        for used in package.uses.iter().filter(|used| !allowed.contains(&used.as_str())) {
            let message = format!("{} -> {used} is not an edge of the table", package.name);
            findings.push(Finding::new(&manifest, 0, message, "move the shared word to vocabulary, or decide the edge in docs/decisions"));
        }
        for unused in allowed.iter().filter(|name| !package.uses.iter().any(|used| used == *name)) {
            let message = format!("the table's edge {} -> {unused} is not in Cargo.toml", package.name);
            findings.push(Finding::new(&manifest, 0, message, "remove it from EDGES in xtask/src/tidy/edges.rs and from ARCHITECTURE.md"));
        }
    }
    for (name, _) in EDGES.iter().filter(|(name, _)| !packages.iter().any(|package| package.name == *name)) {
        findings.push(Finding::new("Cargo.toml", 0, format!("crate {name} of the edge table does not exist"), "remove it from the table"));
    }
    findings
}

/// The map shows every line of the table and no other, and stays short.
pub fn check_map(path: &str, text: Option<&str>) -> Vec<Finding> {
    let fix = "paste what `cargo run -p xtask -- edges` prints";
    let Some(text) = text else { return vec![Finding::new(path, 0, "missing", format!("write the map; for the edge table {fix}"))] };
    let mut findings = Vec::new();
    let known = |word: &str| EDGES.iter().any(|(name, _)| *name == word);
    let is_edge = |line: &str| {
        line.split_once(" -> ")
            .is_some_and(|(name, uses)| known(name) && uses.split(", ").all(|word| known(word) || word == "all" || word == "nothing"))
    };
    let wanted: Vec<String> = EDGES.iter().map(|(name, uses)| line(name, uses)).collect();
    for (index, shown) in text.lines().enumerate() {
        let shown = shown.trim();
        if is_edge(shown) && !wanted.iter().any(|line| line == shown) {
            findings.push(Finding::new(path, index + 1, format!("{shown:?} is not a line of the edge table"), fix));
        }
    }
    for line in wanted.iter().filter(|line| !text.lines().any(|shown| shown.trim() == *line)) {
        findings.push(Finding::new(path, 0, format!("the edge table lacks {line:?}"), fix));
    }
    let lines = text.lines().count();
    if lines > MAP_LINES_MAX {
        findings.push(Finding::new(
            path,
            MAP_LINES_MAX + 1,
            format!("{lines} lines, at most {MAP_LINES_MAX}"),
            "move details beside the code",
        ));
    }
    findings
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The packages as the table wants them, to be spoilt.
    fn good() -> Vec<Package> {
        let own = |uses: &[&str]| uses.iter().filter(|name| **name != "*").map(|name| name.to_string()).collect();
        EDGES.iter().map(|(name, uses)| Package { name: name.to_string(), uses: own(uses) }).collect()
    }

    fn messages(findings: Vec<Finding>) -> Vec<String> {
        findings.into_iter().map(|finding| format!("{}: {}", finding.file, finding.message)).collect()
    }

    #[test]
    fn the_table_agrees_with_itself() {
        assert!(check_packages(&good()).is_empty());
        assert!(check_map("A.md", Some(&format!("# Map\n\n{}", edges_text()))).is_empty());
    }

    #[test]
    fn an_edge_that_nobody_decided_is_found() {
        let mut packages = good();
        packages[4].uses.push("store".into());
        assert_eq!(messages(check_packages(&packages)), ["crates/promql/Cargo.toml: promql -> store is not an edge of the table"]);
    }

    #[test]
    fn a_lost_edge_and_an_unknown_crate_are_found() {
        let mut packages = good();
        packages[2].uses.pop();
        packages.push(Package { name: "util".into(), uses: vec![] });
        assert_eq!(
            messages(check_packages(&packages)),
            [
                "crates/scrape/Cargo.toml: the table's edge scrape -> exposition is not in Cargo.toml",
                "crates/util/Cargo.toml: crate util is not in the edge table",
            ]
        );
        packages.retain(|package| package.name != "store" && package.name != "scrape" && package.name != "util");
        assert_eq!(check_packages(&packages).len(), 2);
    }

    #[test]
    fn a_map_that_tells_otherwise_is_found() {
        let text = edges_text().replace("store -> vocabulary\n", "store -> vocabulary, scrape\n");
        let found = messages(check_map("A.md", Some(&text)));
        assert_eq!(
            found,
            ["A.md: \"store -> vocabulary, scrape\" is not a line of the edge table", "A.md: the edge table lacks \"store -> vocabulary\""]
        );
        assert_eq!(check_map("A.md", None).len(), 1);
        assert_eq!(check_map("A.md", Some(&(edges_text() + &"\n".repeat(300)))).len(), 1);
    }
}
