//! `/api/bellbuoy/configuration`: each file that was read, its text without secrets, and what is wrong with it.

use std::collections::BTreeMap;
use std::sync::Arc;

use axum::extract::State;
use bellbuoy_vocabulary::{Problem, Severity};
use serde_json::{Value, json};

use super::super::answer::{Answer, success};
use crate::app::App;
use crate::config::ReadFile;

/// A longer text is not shown.
const TEXT_BYTES_MAX: usize = 1 << 20;

pub async fn show(State(app): State<Arc<App>>) -> Answer {
    let (status, seen) = (app.reload_status(), app.configuration());
    let mut problems: BTreeMap<String, Vec<&Problem>> = BTreeMap::new();
    for problem in &seen.problems {
        problems.entry(problem.file.clone()).or_default().push(problem);
    }
    let mut files: Vec<Value> = Vec::new();
    for file in &seen.files {
        let name = file.path.display().to_string();
        files.push(file_json(&name, file, &problems.remove(&name).unwrap_or_default()));
    }
    // Problems of files that are not there.
    for (name, problems) in problems {
        let nothing = ReadFile { path: name.clone().into(), role: "other", bytes: 0, text: Err("it could not be read".into()) };
        files.push(file_json(&name, &nothing, &problems));
    }
    success(json!({
        "ok": status.good, "loadedAt": status.last_good.rfc3339(), "hash": format!("{:016x}", app.path.settings().hash), "files": files,
    }))
}

fn file_json(name: &str, file: &ReadFile, problems: &[&Problem]) -> Value {
    let (text, because) = match &file.text {
        Ok(text) if text.len() > TEXT_BYTES_MAX => (None, Some(format!("it is longer than {TEXT_BYTES_MAX} bytes"))),
        Ok(text) => (Some(text.as_str()), None),
        Err(because) => (None, Some(because.clone())),
    };
    json!({
        "file": name, "role": file.role, "bytes": file.bytes, "text": text, "because": because,
        "problems": problems.iter().map(|problem| problem_json(problem)).collect::<Vec<_>>(),
    })
}

fn problem_json(problem: &Problem) -> Value {
    let severity = match problem.severity {
        Severity::Error => "error",
        Severity::Warning => "warning",
        Severity::Info => "info",
    };
    json!({"severity": severity, "line": problem.span.line, "column": problem.span.column, "message": problem.message, "help": problem.help})
}
