//! `bellbuoy test --promql DIR` runs PromQL test scripts in Prometheus' test language.

use std::path::{Path, PathBuf};
use std::process::ExitCode;

use anyhow::{Context, bail};
use bellbuoy_promql::script::run_script;
use serde_json::{Map, json};

pub fn run(path: &Path, format: &str) -> anyhow::Result<ExitCode> {
    let files = scripts(path)?;
    let (mut passed, mut total, mut base_passed) = (0, 0, 0);
    let mut by_file = Map::new();
    for file in files {
        let name = file.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default();
        let text = std::fs::read_to_string(&file).with_context(|| file.display().to_string())?;
        let report = run_script(&name, &text);
        passed += report.passed;
        total += report.total;
        base_passed += report.base_passed;
        if format == "human" {
            say!("{name}: {} of {} passed", report.passed, report.total);
            report.failures.iter().for_each(|failure| say!("  {failure}"));
        }
        by_file.insert(name, json!({"passed": report.passed, "total": report.total}));
    }
    match format {
        "json" => say!("{}", json!({"passed": passed, "total": total, "base_passed": base_passed, "files": by_file})),
        _ => say!("{passed} of {total} passed"),
    }
    Ok(ExitCode::from(u8::from(passed < total)))
}

fn scripts(path: &Path) -> anyhow::Result<Vec<PathBuf>> {
    if path.is_file() {
        return Ok(vec![path.to_path_buf()]);
    }
    let mut files: Vec<PathBuf> = std::fs::read_dir(path)
        .with_context(|| path.display().to_string())?
        .filter_map(|entry| Some(entry.ok()?.path()))
        .filter(|path| path.extension().is_some_and(|extension| extension == "test"))
        .collect();
    files.sort();
    if files.is_empty() {
        bail!("{}: no *.test file here", path.display());
    }
    Ok(files)
}
