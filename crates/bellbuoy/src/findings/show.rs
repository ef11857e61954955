//! Findings as text for people, JSON, SARIF, and annotations of GitHub.

use std::collections::{BTreeSet, HashMap};
use std::path::{Path, PathBuf};

use bellbuoy_check::Finding;
use bellbuoy_vocabulary::{Problem, Severity};
use serde_json::{Value, json};

#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
pub enum Format {
    Human,
    Json,
    Sarif,
    Github,
}

/// Where the pages of the checks are.
const PAGES: &str = "docs/checks";

pub fn severity_word(severity: Severity) -> &'static str {
    match severity {
        Severity::Error => "error",
        Severity::Warning => "warning",
        Severity::Info => "info",
    }
}

/// In the human form: one finding with its source.
pub fn human(finding: &Finding, texts: &HashMap<PathBuf, String>) -> String {
    let message = format!("{} [{}]", finding.message, finding.code);
    let problem = Problem { message, help: String::new(), ..finding.problem() };
    let mut out = texts.get(Path::new(&finding.file)).map_or_else(|| problem.to_string(), |text| problem.with_source(text));
    out += &format!("\n   why: {}", finding.why);
    if let Some(fix) = &finding.fix {
        out += &format!("\n   fix: {fix}{}", if finding.edit.is_some() { "   (--fix writes it)" } else { "" });
    }
    out
}

/// All findings as text; of the formats for programs one document.
pub fn show(format: Format, findings: &[Finding], texts: &HashMap<PathBuf, String>) -> String {
    match format {
        Format::Human => findings.iter().map(|finding| human(finding, texts)).collect::<Vec<_>>().join("\n"),
        Format::Json => json(findings).to_string(),
        Format::Sarif => sarif(findings).to_string(),
        Format::Github => findings.iter().map(github).collect::<Vec<_>>().join("\n"),
    }
}

pub fn json(findings: &[Finding]) -> Value {
    let one = |finding: &Finding| {
        json!({
            "code": finding.code, "severity": severity_word(finding.severity), "file": finding.file, "line": finding.span.line,
            "column": finding.span.column, "length": finding.span.length, "message": finding.message, "why": finding.why,
            "fix": finding.fix, "fixable": finding.edit.is_some(),
        })
    };
    json!({"findings": findings.iter().map(one).collect::<Vec<_>>()})
}

/// SARIF 2.1.0, as code hosts read it.
fn sarif(findings: &[Finding]) -> Value {
    let codes: BTreeSet<&str> = findings.iter().map(|finding| finding.code).collect();
    let rules: Vec<Value> = codes.iter().map(|code| json!({"id": code, "helpUri": format!("{PAGES}/{code}.md")})).collect();
    let result = |finding: &Finding| {
        let level = match finding.severity {
            Severity::Error => "error",
            Severity::Warning => "warning",
            Severity::Info => "note",
        };
        let mut place = json!({"artifactLocation": {"uri": finding.file}});
        if finding.span.line > 0 {
            let column = finding.span.column.max(1);
            place["region"] =
                json!({"startLine": finding.span.line, "startColumn": column, "endColumn": column + finding.span.length.max(1)});
        }
        let fix = finding.fix.as_ref().map(|fix| format!(" Corrected: {fix}")).unwrap_or_default();
        json!({
            "ruleId": finding.code, "level": level, "message": {"text": format!("{}. {}{fix}", finding.message, finding.why)},
            "locations": [{"physicalLocation": place}],
        })
    };
    json!({
        "$schema": "https://json.schemastore.org/sarif-2.1.0.json", "version": "2.1.0",
        "runs": [{
            "tool": {"driver": {"name": "bellbuoy", "version": env!("CARGO_PKG_VERSION"), "rules": rules}},
            "results": findings.iter().map(result).collect::<Vec<_>>(),
        }],
    })
}

/// `::error file=...::message`; line ends and the signs of the form are written as GitHub wants them.
fn github(finding: &Finding) -> String {
    let data = |text: &str| text.replace('%', "%25").replace('\r', "%0D").replace('\n', "%0A");
    let property = |text: &str| data(text).replace(':', "%3A").replace(',', "%2C");
    let word = match finding.severity {
        Severity::Error => "error",
        Severity::Warning => "warning",
        Severity::Info => "notice",
    };
    let place = match finding.span.line {
        0 => String::new(),
        line => format!(",line={line},col={}", finding.span.column.max(1)),
    };
    let fix = finding.fix.as_ref().map(|fix| format!("\nfix: {fix}")).unwrap_or_default();
    let text = format!("{}. {}{fix}", finding.message, finding.why);
    format!("::{word} file={}{place},title={}::{}", property(&finding.file), property(finding.code), data(&text))
}
