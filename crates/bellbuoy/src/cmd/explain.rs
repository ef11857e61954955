//! `bellbuoy explain ALERT|EXPR`: why it fired, or did not, or did not arrive; for now or any time in the data.

use std::path::{Path, PathBuf};
use std::process::ExitCode;

use anyhow::{Context, anyhow};
use bellbuoy_check::explain::Explanation;
use bellbuoy_vocabulary::{Matcher, Timestamp, parse_duration, parse_float};
use clap::Args;
use serde_json::json;

use super::elsewhere::{self, Elsewhere};
use super::remote::{ask, is_bellbuoy};
use crate::clock;
use crate::explain::{Ask, ExplainError, Server, offline};

/// Exit status 0 when it fires (or the expression gives something), 1 when not, 2 when nothing could be said.
#[derive(Debug, Args)]
pub struct Explain {
    /// The name of an alert, or a PromQL expression.
    #[arg(value_name = "ALERT|EXPR")]
    pub what: String,
    /// At which time: RFC 3339, seconds since 1970, or a length before now (`2h`).
    #[arg(long, value_name = "TIME")]
    pub at: Option<String>,
    /// A label of the alerts that are meant: `instance=a`; may repeat.
    #[arg(long = "label", short = 'l', value_name = "NAME=VALUE")]
    pub labels: Vec<String>,
    /// Take it as an expression, whatever it looks like.
    #[arg(long)]
    pub expr: bool,
    /// Ask this running bellbuoy, or a Prometheus: of that its rules and series are known, and with --config the routes.
    #[arg(long, default_value = "http://127.0.0.1:9090", value_name = "URL")]
    pub url: String,
    /// Look into this data folder instead; no bellbuoy has to run.
    #[arg(long, value_name = "DIR", conflicts_with = "url")]
    pub data: Option<PathBuf>,
    /// The folder with the rules and alertmanager.yml; with --data the current one when absent. Of a Prometheus its routes are looked at.
    #[arg(long, value_name = "DIR")]
    pub config: Option<PathBuf>,
    #[arg(long, default_value = "text", value_parser = ["text", "json"])]
    pub format: String,
}

pub async fn run(command: Explain) -> anyhow::Result<ExitCode> {
    let question = question(&command)?;
    let explanation = match &command.data {
        Some(data) => from_files(&command, data, &question)?,
        None => from_server(&command, &question).await?,
    };
    if command.format == "json" {
        say!("{}", json!(explanation));
    } else {
        say!("{}", explanation.text(super::output::terminal()).trim_end());
    }
    Ok(ExitCode::from(match explanation.state.as_str() {
        "firing" | "holds" => 0,
        "unknown" => 2,
        _ => 1,
    }))
}

fn question(command: &Explain) -> anyhow::Result<Ask> {
    let mut labels = Vec::new();
    for text in &command.labels {
        let (name, value) = text.split_once('=').ok_or_else(|| anyhow!("--label {text}: write NAME=VALUE"))?;
        labels.push(Matcher::equal(name.trim(), value.trim().trim_matches('"')));
    }
    let at = command.at.as_deref().map(|text| time(text, clock::now())).transpose()?;
    let word = command.what.chars().all(|c| c.is_ascii_alphanumeric() || "_:- .".contains(c));
    // Alerts have names such as HighLatency, metrics such as up.
    let alert = word && !command.expr && (command.what.contains(['-', ' ']) || command.what.chars().any(|c| c.is_ascii_uppercase()));
    let what = Some(command.what.clone());
    let (alert, expr) = if alert { (what, None) } else { (None, what) };
    Ok(Ask { alert, expr, at, labels, group: None, file: None })
}

/// RFC 3339, seconds since 1970, or a length before now.
pub fn time(text: &str, now: Timestamp) -> anyhow::Result<Timestamp> {
    let number = parse_float(text).filter(|seconds| seconds.is_finite() && seconds.abs() < 1e15).map(Timestamp::from_seconds);
    let ago = || parse_duration(text.trim_start_matches('-')).ok().map(|length| now - length);
    let found = Timestamp::parse_rfc3339(text).or(number).or_else(ago);
    found.ok_or_else(|| anyhow!("time {text:?}: write 2026-11-21T10:08:00Z, seconds since 1970, or a length before now such as 2h"))
}

async fn from_server(command: &Explain, question: &Ask) -> anyhow::Result<Explanation> {
    let mut form = form_urlencoded::Serializer::new(String::new());
    for (name, value) in [("alert", &question.alert), ("expr", &question.expr)] {
        if let Some(value) = value {
            form.append_pair(name, value);
        }
    }
    if let Some(at) = question.at {
        form.append_pair("at", &at.rfc3339());
    }
    for label in &question.labels {
        form.append_pair(&label.name, &label.value);
    }
    if !is_bellbuoy(&command.url).await? {
        return from_prometheus(command, question).await;
    }
    let mut answer = ask(&command.url, &format!("/api/bellbuoy/explain?{}", form.finish()), None).await?;
    serde_json::from_value(answer["data"].take()).with_context(|| format!("{}: not an explanation", command.url))
}

/// Its rules and series are asked for, and explained here.
async fn from_prometheus(command: &Explain, question: &Ask) -> anyhow::Result<Explanation> {
    let url = &command.url;
    let mut settings = command.config.as_deref().map(super::test::settings_of).transpose()?.unwrap_or_default();
    settings.groups = elsewhere::rules(url).await?;
    let silences = elsewhere::silences(url).await;
    let source = Elsewhere::of(url);
    let names = |from, to| source.names(from, to);
    let server = Server { source: &source, names: &names, silences: &silences, url };
    tokio::task::block_in_place(|| crate::explain::elsewhere(&settings, &server, question, clock::now())).map_err(plain)
}

fn plain(error: ExplainError) -> anyhow::Error {
    match error {
        ExplainError::Bad(why) | ExplainError::NotFound(why) => anyhow!(why),
    }
}

fn from_files(command: &Explain, data: &Path, question: &Ask) -> anyhow::Result<Explanation> {
    let settings = super::test::settings_of(command.config.as_deref().unwrap_or(Path::new(".")))?;
    offline(&settings, data, question, clock::now())?.map_err(plain)
}
