//! `bellbuoy event` tells people that something happened in a pipeline; `bellbuoy events` lists what was told.

use std::io::Read as _;
use std::process::ExitCode;
use std::time::Duration;

use anyhow::{Context, bail};
use bellbuoy_vocabulary::{HttpOptions, Millis};
use clap::Args;
use serde_json::{Map, Value, json};

use super::remote::{Remote, ask, text};
use super::up::duration;
use crate::client::{Clients, Request};
use crate::clock::{self, Stopwatch};

const FILE_BYTES_MAX: u64 = 1 << 20;
const ANSWER_BYTES_MAX: u64 = 16 << 20;
const PAUSE: Duration = Duration::from_millis(500);
const PAUSE_MAX: Duration = Duration::from_secs(10);

/// Exit status 0 when it was taken (or its key was taken before), 1 when it was refused, 2 when bellbuoy could not be reached.
#[derive(Debug, Args)]
pub struct Tell {
    /// drift, performance, training-success, training-failure, api-error, champion-promotion, ingestion-failure,
    /// prediction-failure, service-down, dag-completion, or a word of your own.
    #[arg(required_unless_present = "file")]
    pub kind: Option<String>,
    /// A figure: `--field drift_share=0.542`; may repeat.
    #[arg(long = "field", value_name = "NAME=VALUE", value_parser = pair)]
    pub fields: Vec<(String, String)>,
    /// A label to route by: `--label model=bikes`; may repeat.
    #[arg(long = "label", value_name = "NAME=VALUE", value_parser = pair)]
    pub labels: Vec<(String, String)>,
    #[arg(long)]
    pub title: Option<String>,
    #[arg(long)]
    pub summary: Option<String>,
    #[arg(long)]
    pub description: Option<String>,
    /// A line below the message.
    #[arg(long)]
    pub footer: Option<String>,
    /// The same key is told once: the id of a run.
    #[arg(long)]
    pub key: Option<String>,
    /// How long the key is remembered; 24h.
    #[arg(long)]
    pub window: Option<String>,
    /// critical, error, warning, info or none.
    #[arg(long)]
    pub severity: Option<String>,
    /// Where to look.
    #[arg(long)]
    pub link: Option<String>,
    /// When it happened, RFC 3339; now.
    #[arg(long)]
    pub at: Option<String>,
    /// Events as JSON or JSON lines from this file, `-` for standard input.
    #[arg(long, conflicts_with_all = ["kind", "fields", "labels", "title", "summary", "description", "footer", "key", "window", "severity", "link", "at"])]
    pub file: Option<String>,
    /// Try again for so long when bellbuoy does not answer.
    #[arg(long, default_value = "10s", value_parser = duration)]
    pub wait: Millis,
    #[command(flatten)]
    pub remote: Remote,
}

#[derive(Debug, Args)]
pub struct List {
    #[arg(long)]
    pub kind: Option<String>,
    /// Only those whose labels match: `model="bikes"`; may repeat.
    #[arg(long, value_name = "MATCHER")]
    pub filter: Vec<String>,
    /// Only those of so long ago at most: `24h`.
    #[arg(long, value_parser = duration, value_name = "TIME")]
    pub since: Option<Millis>,
    /// The newest so many.
    #[arg(long, default_value_t = 20)]
    pub limit: usize,
    #[command(flatten)]
    pub remote: Remote,
}

fn pair(text: &str) -> Result<(String, String), String> {
    match text.split_once('=') {
        Some((name, value)) if !name.is_empty() => Ok((name.to_string(), value.to_string())),
        _ => Err("write it as name=value".into()),
    }
}

pub async fn tell(command: Tell) -> anyhow::Result<ExitCode> {
    let body = match &command.file {
        Some(file) => read(file)?,
        None => event(&command).to_string().into_bytes(),
    };
    let (status, answer) = post(&command, body).await?;
    if command.remote.format == "json" {
        say!("{answer}");
    }
    if status >= 300 {
        if command.remote.format != "json" {
            let problems = answer["problems"].as_array().cloned().unwrap_or_else(|| vec![answer["error"].clone()]);
            problems.iter().for_each(|problem| eprintln!("bellbuoy: {}", text(problem)));
        }
        return Ok(ExitCode::from(1));
    }
    for one in answer["data"].as_array().into_iter().flatten().filter(|_| command.remote.format != "json") {
        let to: Vec<&str> = one["receivers"].as_array().into_iter().flatten().map(text).collect();
        match text(&one["status"]) {
            "repeated" => say!("{} {}: told before with the key {:?}", text(&one["kind"]), text(&one["id"]), text(&one["key"])),
            _ => say!(
                "{} {}: accepted, for {}",
                text(&one["kind"]),
                text(&one["id"]),
                if to.is_empty() { "nobody".into() } else { to.join(", ") }
            ),
        }
    }
    Ok(ExitCode::SUCCESS)
}

fn event(command: &Tell) -> Value {
    let map = |pairs: &[(String, String)]| -> Map<String, Value> {
        pairs.iter().map(|(name, value)| (name.clone(), Value::from(value.clone()))).collect()
    };
    let mut event = json!({"kind": command.kind, "fields": map(&command.fields), "labels": map(&command.labels)});
    // This command may try again, and must not tell twice.
    let key = command.key.clone().unwrap_or_else(|| format!("command-{}", clock::uuid()));
    let texts = [
        ("title", &command.title),
        ("summary", &command.summary),
        ("description", &command.description),
        ("footer", &command.footer),
        ("key", &Some(key)),
        ("window", &command.window),
        ("severity", &command.severity),
        ("link", &command.link),
        ("at", &command.at),
    ];
    for (name, value) in texts {
        if let Some(value) = value {
            event[name] = value.as_str().into();
        }
    }
    event
}

fn read(file: &str) -> anyhow::Result<Vec<u8>> {
    let mut body = Vec::new();
    let from: Box<dyn std::io::Read> =
        if file == "-" { Box::new(std::io::stdin()) } else { Box::new(std::fs::File::open(file).with_context(|| file.to_string())?) };
    from.take(FILE_BYTES_MAX + 1).read_to_end(&mut body).with_context(|| file.to_string())?;
    if body.len() as u64 > FILE_BYTES_MAX {
        bail!("{file}: longer than {FILE_BYTES_MAX} bytes");
    }
    Ok(body)
}

/// Until there is an answer that says yes or no. A server that starts, or whose disk is full, answers later.
async fn post(command: &Tell, body: Vec<u8>) -> anyhow::Result<(u16, Value)> {
    let (clients, watch) = (Clients::new(), Stopwatch::start());
    let server = &command.remote.url;
    let url = format!("{}/api/v1/events", server.trim_end_matches('/'));
    let headers = [("content-type".to_string(), "application/json".to_string())];
    let mut pause = PAUSE;
    loop {
        let request = Request {
            method: "POST",
            url: &url,
            headers: &headers,
            body: body.clone(),
            timeout: Duration::from_secs(30),
            body_bytes_max: ANSWER_BYTES_MAX,
        };
        let why = match clients.send(&HttpOptions::default(), request).await {
            Ok(response) if response.status < 500 => {
                let answer =
                    serde_json::from_slice(&response.body).with_context(|| format!("{server}: the answer is not JSON; is it bellbuoy?"))?;
                return Ok((response.status, answer));
            }
            Ok(response) => format!("HTTP status {}", response.status),
            Err(failure) => failure.reason,
        };
        if watch.elapsed() >= command.wait {
            bail!("{server}: {why}; the event was not taken");
        }
        tokio::time::sleep(pause).await;
        pause = (pause * 2).min(PAUSE_MAX);
    }
}

pub async fn list(command: List) -> anyhow::Result<ExitCode> {
    let mut query = form_urlencoded::Serializer::new(String::new());
    query.append_pair("limit", &command.limit.to_string());
    if let Some(kind) = &command.kind {
        query.append_pair("kind", kind);
    }
    for filter in &command.filter {
        query.append_pair("filter", filter);
    }
    if let Some(since) = command.since {
        query.append_pair("start", &clock::now().saturating_sub(since).rfc3339());
    }
    let answer = ask(&command.remote.url, &format!("/api/v1/events?{}", query.finish()), None).await?;
    if command.remote.format == "json" {
        say!("{answer}");
        return Ok(ExitCode::SUCCESS);
    }
    say!("{:<26}{:<20}{:<10}{:<34}fields", "at", "kind", "severity", "title");
    for event in answer["data"].as_array().into_iter().flatten() {
        let fields: Vec<String> =
            event["fields"].as_object().into_iter().flatten().map(|(name, value)| format!("{name}={}", text(value))).collect();
        let title = text(&event["title"]);
        say!("{:<26}{:<20}{:<10}{title:<34}{}", text(&event["at"]), text(&event["kind"]), text(&event["severity"]), fields.join(" "));
    }
    Ok(ExitCode::SUCCESS)
}
