//! `bellbuoy test FILE...`: promtool's rule tests, scenarios over the whole path, scenarios of the router; `--promql` runs PromQL test scripts.

mod promql;
pub mod scenario;

use std::path::{Path, PathBuf};
use std::process::ExitCode;

use anyhow::{Context, anyhow, bail};
use bellbuoy_promql::{Engine, Options};
use bellbuoy_reports::markup;
use bellbuoy_rules::{MemoryStore, unittest};
use clap::Args;
use regex::Regex;
use serde_json::{Value, json};

use crate::config::{TestReading, read_tests};

/// Exit status 0 when all passed, 1 when a test failed, 2 when a file could not be read.
#[derive(Debug, Args)]
pub struct Test {
    /// Rule tests (YAML, as `promtool test rules` takes them) and scenarios (other endings), or folders of them (*.test.yml, *_test.yml, *.scenario).
    #[arg(value_name = "FILE", required_unless_present = "promql")]
    pub files: Vec<PathBuf>,
    /// PromQL test scripts instead: a script, or a folder of `*.test` files.
    #[arg(long, value_name = "PATH", conflicts_with = "files")]
    pub promql: Option<PathBuf>,
    /// Only the rule tests whose names match one of these regular expressions.
    #[arg(long, value_name = "REGEX")]
    pub run: Vec<String>,
    /// Write the results to this file in JUnit's XML.
    #[arg(long, value_name = "FILE")]
    pub junit: Option<PathBuf>,
    /// Fields that rule files and rule tests do not have are passed over, with a warning, instead of refused.
    #[arg(long)]
    pub ignore_unknown_fields: bool,
    /// Show alerts that differ as one text: `-` is missing, `+` was not expected, `~` has another value.
    #[arg(long)]
    pub diff: bool,
    /// Write all series of each rule test, what went in and what the rules made of it, to standard error.
    #[arg(long)]
    pub debug: bool,
    #[arg(long, default_value = "human", value_parser = ["human", "json"])]
    pub format: String,
}

/// A test of a file, with what was wrong; nothing means that it passed.
pub struct Case {
    pub name: String,
    pub failures: Vec<String>,
}

/// A file and what became of it. The error: it could not be read.
struct Outcome {
    file: PathBuf,
    cases: Result<Vec<Case>, Vec<String>>,
}

pub fn run(command: Test) -> anyhow::Result<ExitCode> {
    if let Some(path) = &command.promql {
        return promql::run(path, &command.format);
    }
    let names = command.run.iter().map(|text| Regex::new(text).with_context(|| format!("--run {text}"))).collect::<Result<Vec<_>, _>>()?;
    let mut outcomes = Vec::new();
    for file in all_files(&command.files)? {
        let is_yaml = file.extension().is_some_and(|ending| matches!(ending.to_string_lossy().as_ref(), "yml" | "yaml" | "json"));
        let cases = if is_yaml { rule_tests(&file, &command, &names) } else { scenario::cases(&file) };
        let outcome = Outcome { file, cases };
        if command.format == "human" {
            print(&outcome);
        }
        outcomes.push(outcome);
    }
    if command.format == "json" {
        say!("{}", json!({"files": outcomes.iter().map(Outcome::to_json).collect::<Vec<_>>()}));
    }
    if let Some(path) = &command.junit {
        std::fs::write(path, junit(&outcomes)).with_context(|| format!("{}: cannot be written", path.display()))?;
    }
    let unread = outcomes.iter().any(|outcome| outcome.cases.is_err());
    let failed = outcomes.iter().flat_map(|outcome| outcome.cases.iter().flatten()).any(|case| !case.failures.is_empty());
    Ok(ExitCode::from(if unread { 2 } else { u8::from(failed) }))
}

fn all_files(given: &[PathBuf]) -> anyhow::Result<Vec<PathBuf>> {
    let mut files = Vec::new();
    for path in given {
        if !path.is_dir() {
            files.push(path.clone());
            continue;
        }
        let before = files.len();
        let wanted = |name: &str| {
            let stem = name.strip_suffix(".yml").or(name.strip_suffix(".yaml"));
            name.ends_with(".scenario")
                || stem.is_some_and(|stem| stem.ends_with(".test") || stem.ends_with("_test") || stem.ends_with("-test"))
        };
        for entry in std::fs::read_dir(path).with_context(|| path.display().to_string())?.flatten() {
            if wanted(&entry.file_name().to_string_lossy()) {
                files.push(entry.path());
            }
        }
        files[before..].sort();
        if files.len() == before {
            bail!("{}: no rule test (*.test.yml, *_test.yml) and no *.scenario here", path.display());
        }
    }
    Ok(files)
}

fn rule_tests(file: &Path, command: &Test, names: &[Regex]) -> Result<Vec<Case>, Vec<String>> {
    let check = |text: &str| bellbuoy_template::rule::check(text).map_err(|error| error.to_string());
    let env = |name: &str| std::env::var(name).ok();
    let reading = TestReading { env: &env, check_template: &check, ignore_unknown_fields: command.ignore_unknown_fields };
    let read = read_tests(file, &reading)?;
    read.warnings.iter().for_each(|warning| tracing::warn!("{warning}"));
    let engine = Engine::new(Options::default());
    let mut cases = Vec::new();
    for (index, test) in read.tests.iter().enumerate() {
        if !names.is_empty() && !names.iter().any(|name| name.is_match(&test.name)) {
            continue;
        }
        let store = MemoryStore::new();
        let failed = unittest::run_on(test, &read.groups, &engine, &store);
        let name = if test.name.is_empty() { format!("#{}", index + 1) } else { test.name.clone() };
        if command.debug {
            eprintln!("DEBUG: all series of the test {name} of {}:", file.display());
            unittest::dump(&store).iter().for_each(|line| eprintln!("{line}"));
        }
        let colours = command.format == "human" && super::output::terminal().colours;
        let shown = |failure: &unittest::Failure| if command.diff { failure.diff(colours) } else { failure.to_string() };
        cases.push(Case { name, failures: failed.iter().map(shown).collect() });
    }
    Ok(cases)
}

fn print(outcome: &Outcome) {
    say!("{}", outcome.file.display());
    match &outcome.cases {
        Err(problems) => {
            say!("  NOT READ:");
            problems.iter().for_each(|problem| say!("    {}", problem.replace('\n', "\n    ")));
        }
        Ok(cases) => {
            let failed: Vec<&Case> = cases.iter().filter(|case| !case.failures.is_empty()).collect();
            match failed.as_slice() {
                [] => say!("  SUCCESS: {} passed", cases.len()),
                failed => {
                    say!("  FAILED: {} of {}", failed.len(), cases.len());
                    for failure in failed.iter().flat_map(|case| &case.failures) {
                        say!("    {}", failure.replace('\n', "\n    "));
                    }
                }
            }
        }
    }
}

impl Outcome {
    fn to_json(&self) -> Value {
        match &self.cases {
            Err(problems) => json!({"file": self.file, "read": false, "problems": problems}),
            Ok(cases) => {
                let tests: Vec<Value> = cases
                    .iter()
                    .map(|case| json!({"name": case.name, "passed": case.failures.is_empty(), "failures": case.failures}))
                    .collect();
                json!({"file": self.file, "read": true, "passed": cases.iter().all(|case| case.failures.is_empty()), "tests": tests})
            }
        }
    }
}

/// promtool's XML: a suite a file, a case a test.
fn junit(outcomes: &[Outcome]) -> String {
    let mut out = String::from("<testsuites>");
    for outcome in outcomes {
        let none = Vec::new();
        let cases = outcome.cases.as_ref().unwrap_or(&none);
        let failed: usize = cases.iter().map(|case| case.failures.len()).sum();
        let errors = usize::from(outcome.cases.is_err());
        let name = markup(&outcome.file.display().to_string());
        out.push_str(&format!(
            "<testsuite name=\"{name}\" tests=\"{}\" failures=\"{failed}\" errors=\"{errors}\" skipped=\"0\">",
            cases.len() + errors
        ));
        if let Err(problems) = &outcome.cases {
            out.push_str(&format!("<testcase name=\"{name}\"><error>{}</error></testcase>", markup(&problems.join("\n"))));
        }
        for case in cases {
            out.push_str(&format!("<testcase name=\"{}\">", markup(&case.name)));
            case.failures.iter().for_each(|failure| out.push_str(&format!("<failure>{}</failure>", markup(failure))));
            out.push_str("</testcase>");
        }
        out.push_str("</testsuite>");
    }
    out.push_str("</testsuites>\n");
    out
}

/// The settings of a folder, for a look: secrets in files that are not here are no obstacle, for nothing is sent.
pub fn settings_of(config: &Path) -> anyhow::Result<crate::config::Settings> {
    let (mut loaded, problems) = crate::app::look(config);
    loaded.settings.take().ok_or_else(|| anyhow!("the configuration can not be used\n{}", problems.join("\n")))
}
