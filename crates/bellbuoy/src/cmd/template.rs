//! `bellbuoy template render`: a template over data, as `amtool template render` takes and prints it.

use std::io::Write as _;
use std::path::PathBuf;
use std::process::ExitCode;

use anyhow::{Context, anyhow, bail};
use bellbuoy_template::notify::{data_from_json, default_templates};
use bellbuoy_template::{Environment, Template as Parsed};
use bellbuoy_vocabulary::Millis;
use clap::{Args, Subcommand};
use serde_json::{Value, json};

use crate::clock;

const FILE_BYTES_MAX: u64 = 16 << 20;

#[derive(Debug, Args)]
pub struct Template {
    #[command(subcommand)]
    pub command: Command,
}

#[derive(Debug, Subcommand)]
pub enum Command {
    /// Print what a template makes of a notification. Alertmanager's default templates are there, too.
    Render(Render),
}

#[derive(Debug, Args)]
pub struct Render {
    /// Files with named templates; may repeat.
    #[arg(long = "template.glob", value_name = "GLOB")]
    pub globs: Vec<String>,
    /// The template: `{{ template "slack.default.title" . }}`.
    #[arg(long = "template.text", value_name = "TEMPLATE")]
    pub text: String,
    /// `text`, or `html` with Go's escaping, as e-mail bodies have it.
    #[arg(long = "template.type", default_value = "text", value_parser = ["text", "html"])]
    pub kind: String,
    /// A file with the notification as JSON, as webhooks get it; a sample when absent.
    #[arg(long = "template.data", value_name = "FILE")]
    pub data: Option<PathBuf>,
}

pub fn run(command: Template) -> anyhow::Result<ExitCode> {
    let Command::Render(command) = command.command;
    let mut set = default_templates();
    for pattern in &command.globs {
        for path in glob::glob(pattern).map_err(|error| anyhow!("{pattern}: {error}"))? {
            let path = path?;
            let text = read(&path)?;
            set.add(&path.display().to_string(), &text).map_err(|error| anyhow!("{}: {error}", path.display()))?;
        }
    }
    let value = match &command.data {
        Some(path) => serde_json::from_str(&read(path)?).with_context(|| format!("{}: not JSON", path.display()))?,
        None => sample(),
    };
    let data = data_from_json(&value).map_err(|error| anyhow!("the data: {error}"))?;
    let template = Parsed::parse("template.text", &command.text, &set).map_err(|error| anyhow!("template.text: {error}"))?;
    let environment = Environment { now: clock::now() };
    let rendered = if command.kind == "html" { template.render_html(&data, &environment) } else { template.render(&data, &environment) };
    let rendered = rendered.map_err(|error| anyhow!("template.text: {error}"))?;
    // As amtool: nothing behind it, not even the end of the line. A reader that went away is no failure.
    let _ = std::io::stdout().write_all(rendered.as_bytes()).and_then(|()| std::io::stdout().flush());
    Ok(ExitCode::SUCCESS)
}

fn read(path: &std::path::Path) -> anyhow::Result<String> {
    let size = std::fs::metadata(path).with_context(|| path.display().to_string())?.len();
    if size > FILE_BYTES_MAX {
        bail!("{}: longer than {FILE_BYTES_MAX} bytes", path.display());
    }
    std::fs::read_to_string(path).with_context(|| path.display().to_string())
}

fn sample() -> Value {
    let now = clock::now();
    let alert = |status: &str, instance: &str, ends_at: &str| {
        json!({
            "status": status, "labels": {"alertname": "HighDrift", "severity": "warning", "job": "app", "instance": instance},
            "annotations": {"summary": "Drift is high", "description": "54.2% of the features have drifted"},
            "startsAt": (now - Millis::from_minutes(5)).rfc3339(), "endsAt": ends_at, "generatorURL": "http://localhost:9090/graph?g0.expr=drift_share", "fingerprint": "0123456789abcdef",
        })
    };
    json!({
        "receiver": "team", "status": "firing",
        "alerts": [alert("firing", "host:8000", "0001-01-01T00:00:00Z"), alert("resolved", "host:9000", &now.rfc3339())],
        "groupLabels": {"alertname": "HighDrift"}, "commonLabels": {"alertname": "HighDrift", "severity": "warning", "job": "app"},
        "commonAnnotations": {"summary": "Drift is high", "description": "54.2% of the features have drifted"},
        "externalURL": "http://localhost:9090",
    })
}
