//! `bellbuoy push`: metrics of a job to bellbuoy or any Pushgateway; and how `run` pushes too.
//!
//! Holds: text is checked here, with line and column, before it is sent. The address may hold a password and is never printed.

use std::io::Read as _;
use std::process::ExitCode;
use std::time::Duration;

use anyhow::{Context, bail};
use base64::Engine as _;
use bellbuoy_exposition::{Format, families_of_text, parse_value};
use bellbuoy_vocabulary::{HttpOptions, Millis, is_classic_label_name};
use clap::Args;

use super::up::duration;
use crate::client::{Clients, Request};
use crate::clock::Stopwatch;

const FILE_BYTES_MAX: u64 = 32 << 20;
const ANSWER_BYTES_MAX: u64 = 1 << 20;
const TIMEOUT: Duration = Duration::from_secs(10);
const PAUSE: Duration = Duration::from_millis(500);
const PAUSE_MAX: Duration = Duration::from_secs(10);

/// Which group of metrics, and where.
#[derive(Clone, Debug, Args)]
pub struct Group {
    /// The label `job`.
    #[arg(long)]
    pub job: String,
    /// A further label of the group: `--label instance=trainer-1`; may repeat.
    #[arg(long = "label", value_name = "NAME=VALUE", value_parser = label)]
    pub labels: Vec<(String, String)>,
    /// Where bellbuoy (or a Pushgateway) is.
    #[arg(long, default_value = "http://127.0.0.1:9090", value_name = "URL", env = "BELLBUOY_URL", hide_env_values = true)]
    pub url: String,
    /// Try again for so long when nobody answers.
    #[arg(long, default_value = "10s", value_parser = duration)]
    pub wait: Millis,
}

/// Exit status 0 when it was taken, 1 when it was refused, 2 when it could not be sent.
#[derive(Debug, Args)]
pub struct Push {
    #[command(flatten)]
    pub group: Group,
    /// Metrics as `rows_total=1200`, each a gauge.
    #[arg(value_name = "NAME=VALUE", value_parser = metric)]
    pub metrics: Vec<(String, f64)>,
    /// Metric text from this file, `-` for standard input.
    #[arg(long, conflicts_with = "metrics")]
    pub file: Option<String>,
    /// Replace the whole group; else only the metrics that are given.
    #[arg(long)]
    pub replace: bool,
    /// Delete the group.
    #[arg(long, conflicts_with_all = ["metrics", "file", "replace"])]
    pub delete: bool,
}

fn label(text: &str) -> Result<(String, String), String> {
    match text.split_once('=') {
        Some((name, value)) if is_classic_label_name(name) && !name.starts_with("__") && name != "job" => Ok((name.into(), value.into())),
        Some(("job", _)) => Err("the job has its own option, --job".into()),
        Some((name, _)) => Err(format!("{name:?} is not a label name")),
        None => Err("write it as name=value".into()),
    }
}

fn metric(text: &str) -> Result<(String, f64), String> {
    let (name, value) = text.split_once('=').ok_or("write it as name=value")?;
    if !bellbuoy_vocabulary::is_classic_metric_name(name) {
        return Err(format!("{name:?} is not a metric name"));
    }
    parse_value(value.as_bytes()).map(|value| (name.to_string(), value)).ok_or(format!("{value:?} is not a number"))
}

/// How a push ended.
#[derive(Debug, PartialEq)]
pub enum Pushed {
    Taken,
    /// Trying again does not help.
    Refused(String),
    Unreachable(String),
}

pub async fn run(command: Push) -> anyhow::Result<ExitCode> {
    let (method, body) = match (&command.file, command.delete) {
        (_, true) => ("DELETE", String::new()),
        (Some(file), _) => ("POST", read(file)?),
        (None, _) if command.metrics.is_empty() && !command.replace => {
            bail!("nothing to push: name metrics as name=value, or a file with --file")
        }
        (None, _) => ("POST", gauges(&command.metrics)),
    };
    let method = if command.replace { "PUT" } else { method };
    match push(&Clients::new(), &command.group, method, body, command.group.wait).await {
        Pushed::Taken => Ok(ExitCode::SUCCESS),
        Pushed::Refused(why) => {
            eprintln!("bellbuoy: refused: {why}");
            Ok(ExitCode::from(1))
        }
        Pushed::Unreachable(why) => bail!("the metrics were not pushed: {why}"),
    }
}

fn gauges(metrics: &[(String, f64)]) -> String {
    metrics.iter().map(|(name, value)| format!("# TYPE {name} gauge\n{name} {}\n", bellbuoy_exposition::format_value(*value))).collect()
}

fn read(file: &str) -> anyhow::Result<String> {
    let mut body = String::new();
    let from: Box<dyn std::io::Read> =
        if file == "-" { Box::new(std::io::stdin()) } else { Box::new(std::fs::File::open(file).with_context(|| file.to_string())?) };
    from.take(FILE_BYTES_MAX + 1).read_to_string(&mut body).with_context(|| file.to_string())?;
    if body.len() as u64 > FILE_BYTES_MAX {
        bail!("{file}: longer than {FILE_BYTES_MAX} bytes");
    }
    // A line feed at the end says that the text is whole; an editor may have left it out.
    if !body.is_empty() && !body.ends_with('\n') {
        body.push('\n');
    }
    if let Err(problem) = families_of_text(Format::PrometheusText, body.as_bytes()) {
        bail!("{file}: {problem}");
    }
    Ok(body)
}

/// Until there is an answer that says yes or no, or `wait` is over.
pub async fn push(clients: &Clients, group: &Group, method: &str, body: String, wait: Millis) -> Pushed {
    let url = format!("{}{}", group.url.trim_end_matches('/'), path(&group.job, &group.labels));
    let headers = [("content-type".to_string(), "text/plain; version=0.0.4; charset=utf-8".to_string())];
    let watch = Stopwatch::start();
    let mut pause = PAUSE;
    loop {
        let request = Request {
            method,
            url: &url,
            headers: &headers,
            body: body.clone().into_bytes(),
            timeout: TIMEOUT,
            body_bytes_max: ANSWER_BYTES_MAX,
        };
        let why = match clients.send(&HttpOptions::default(), request).await {
            Ok(response) if response.status < 300 => return Pushed::Taken,
            Ok(response) if response.status < 500 && response.status != 429 => {
                let text = String::from_utf8_lossy(&response.body).trim().to_string();
                return Pushed::Refused(format!("HTTP status {}: {text}", response.status));
            }
            Ok(response) => format!("HTTP status {}", response.status),
            Err(failure) => failure.reason,
        };
        if watch.elapsed() >= wait {
            return Pushed::Unreachable(why);
        }
        tokio::time::sleep(pause).await;
        pause = (pause * 2).min(PAUSE_MAX);
    }
}

/// All values as base64: it can write everything.
fn path(job: &str, labels: &[(String, String)]) -> String {
    let encode = |value: &str| {
        let text = base64::engine::general_purpose::URL_SAFE_NO_PAD.encode(value);
        if text.is_empty() { "=".to_string() } else { text }
    };
    let mut out = format!("/metrics/job@base64/{}", encode(job));
    for (name, value) in labels {
        out.push_str(&format!("/{name}@base64/{}", encode(value)));
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::pushed::grouping;

    #[test]
    fn every_value_finds_its_way() {
        for value in ["a", "a/b", "", "ü %", "="] {
            let path = path("etl/x", &[("k".to_string(), value.to_string())]);
            let key = grouping(&path["/metrics/".len()..]).expect("a key");
            assert_eq!((key["job"].as_str(), key["k"].as_str()), ("etl/x", value), "{path}");
        }
    }

    #[test]
    fn arguments_are_checked() {
        assert_eq!(metric("rows=1e3"), Ok(("rows".into(), 1000.0)));
        assert!(metric("rows").is_err() && metric("1rows=1").is_err() && metric("rows=many").is_err());
        assert!(label("job=x").is_err() && label("a-b=x").is_err() && label("__a=x").is_err());
        assert_eq!(gauges(&[("a".into(), f64::INFINITY)]), "# TYPE a gauge\na +Inf\n");
    }
}
