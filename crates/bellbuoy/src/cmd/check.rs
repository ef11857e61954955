//! `bellbuoy check [PATH...]`: reads what `up` would run and says what can not work, before it does not.

use std::collections::HashMap;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::time::Duration;

use anyhow::bail;
use bellbuoy_check::{Delivery, Finding, Told};
use bellbuoy_vocabulary::{HttpOptions, Severity, format_duration};
use clap::Args;
use serde_json::json;

use super::alertmanager_flags::GrammarFlag;
use super::remote::ask;
use crate::app::{self, AlertmanagerOptions, Options};
use crate::client::{Clients, Request};
use crate::config::{Loaded, NOTHING_FOUND};
use crate::findings::{self, Findings, Format, Known, Live};
use crate::models::References;

const ASK_TIMEOUT: Duration = Duration::from_secs(30);
const PAGE_BYTES_MAX: u64 = 64 << 20;
/// Series that had a sample in this time exist.
const LIVE_LOOK_BACK_SECONDS: i64 = 3600;
const NAMES_PER_REQUEST: usize = 40;

#[derive(Debug, Args)]
pub struct Check {
    /// Folders or files.
    #[arg(default_value = ".", value_name = "PATH")]
    pub paths: Vec<PathBuf>,
    /// For people, or for programs: json, sarif, annotations of GitHub.
    #[arg(long, value_enum, default_value = "human")]
    pub format: Format,
    /// From which severity on a finding makes the exit status 1.
    #[arg(long, default_value = "warning", value_parser = ["info", "warning", "error"])]
    pub level: String,
    /// Write the corrections into the files whose meaning is beyond doubt, then check again.
    #[arg(long)]
    pub fix: bool,
    /// A metrics page, saved or asked for: `JOB=FILE` or `JOB=http://...`; without a job of the only one. With a page of each
    /// job it is known which metrics and labels exist. May be given many times.
    #[arg(long, value_name = "[JOB=]FILE|URL")]
    pub metrics: Vec<String>,
    /// Ask a running bellbuoy or Prometheus which series exist, how long its rules take and what is silenced.
    #[arg(long, value_name = "URL", num_args = 0..=1, default_missing_value = "http://127.0.0.1:9090", require_equals = true)]
    pub live: Option<String>,
    /// Show the route tree of alertmanager.yml too, and for each alert who hears of it.
    #[arg(long)]
    pub routes: bool,
    #[command(flatten)]
    pub grammar: GrammarFlag,
}

pub async fn run(command: Check) -> anyhow::Result<ExitCode> {
    command.grammar.choose();
    let level = match command.level.as_str() {
        "info" => Severity::Info,
        "warning" => Severity::Warning,
        _ => Severity::Error,
    };
    let mut known = Known { now: Some(crate::clock::now()), routes: command.routes, ..Known::default() };
    for page in &command.metrics {
        known.pages.push(page_of(page).await?);
    }
    let (mut all, mut texts, mut unread) = (Findings::default(), HashMap::new(), false);
    for path in &command.paths {
        if !path.exists() {
            bail!("{}: no such file or folder", path.display());
        }
        if let Some(url) = &command.live {
            known.live = Some(live_of(url, &load(path)).await?);
        }
        let look = || {
            let mut loaded = load(path);
            findings::look(&mut loaded, &known).map(|found| (found, loaded)).map_err(|error| anyhow::anyhow!("{error}"))
        };
        let (mut found, mut loaded) = look()?;
        if command.fix {
            let (made, files) = findings::apply_fixes(&found.findings, &loaded)?;
            if made > 0 {
                eprintln!("{}: {made} corrections written into {files} files", path.display());
                (found, loaded) = look()?;
            }
        }
        unread |=
            loaded.problems.iter().any(|problem| problem.message.starts_with("can not read") || problem.message.starts_with(NOTHING_FOUND));
        if command.format == Format::Human {
            if !found.findings.is_empty() {
                say!("{}", findings::show(Format::Human, &found.findings, &loaded.texts));
            }
            say_summary(path, &loaded, &found, command.routes);
        }
        texts.extend(loaded.texts);
        all.findings.extend(found.findings);
        all.deliveries.extend(found.deliveries);
    }
    match command.format {
        Format::Human => {}
        Format::Github if all.findings.is_empty() => {}
        Format::Json if command.routes => {
            let mut answer = findings::json(&all.findings);
            answer["routes"] = all.deliveries.iter().map(delivery_json).collect();
            say!("{answer}");
        }
        format => say!("{}", findings::show(format, &all.findings, &texts)),
    }
    let failed = all.findings.iter().any(|finding| finding.severity >= level);
    Ok(ExitCode::from(if unread { 2 } else { u8::from(failed) }))
}

/// `JOB=FILE`, `JOB=URL`, or one of these alone.
async fn page_of(page: &str) -> anyhow::Result<(String, String)> {
    let (job, place) = match page.split_once('=') {
        Some((job, place)) if !job.contains('/') => (job, place),
        _ => ("", page),
    };
    if !place.starts_with("http://") && !place.starts_with("https://") {
        let text = std::fs::read_to_string(place).map_err(|error| anyhow::anyhow!("{place}: {error}"))?;
        return Ok((job.to_string(), text));
    }
    let request =
        Request { method: "GET", url: place, headers: &[], body: Vec::new(), timeout: ASK_TIMEOUT, body_bytes_max: PAGE_BYTES_MAX };
    let response = Clients::new().send(&HttpOptions::default(), request).await;
    let response = response.map_err(|failure| anyhow::anyhow!("{place}: {}", failure.reason))?;
    if response.status != 200 {
        bail!("{place}: HTTP status {}", response.status);
    }
    Ok((job.to_string(), String::from_utf8_lossy(&response.body).into_owned()))
}

/// Asks for the series of the names that rules and dashboards use; of all others the names only.
async fn live_of(url: &str, loaded: &Loaded) -> anyhow::Result<Live> {
    let mut live = Live { url: url.to_string(), ..Live::default() };
    live.names = ask(url, "/api/v1/label/__name__/values", None).await?;
    live.metadata = ask(url, "/api/v1/metadata", None).await?;
    live.rules = ask(url, "/api/v1/rules", None).await?;
    // Prometheus has no silences, but says who has.
    live.silences = match ask(url, "/api/v2/silences", None).await {
        Ok(silences) => silences,
        Err(_) => super::elsewhere::silences_json(url).await.into(),
    };
    let start = crate::clock::now().0 / 1000 - LIVE_LOOK_BACK_SECONDS;
    let names: Vec<&str> = live.names["data"].as_array().into_iter().flatten().filter_map(serde_json::Value::as_str).collect();
    let used = findings::names_used(loaded);
    let asked: Vec<&str> = names.into_iter().filter(|name| used.contains(*name)).collect();
    for some in asked.chunks(NAMES_PER_REQUEST) {
        let mut form = form_urlencoded::Serializer::new(String::new());
        some.iter().for_each(|name| {
            form.append_pair("match[]", &format!("{{__name__={name:?}}}"));
        });
        form.append_pair("start", &start.to_string());
        live.series.push(ask(url, "/api/v1/series", Some(form.finish())).await?);
    }
    Ok(live)
}

fn delivery_json(delivery: &Delivery) -> serde_json::Value {
    let told = |told: &Told| {
        json!({
            "receiver": told.receiver, "sure": told.sure, "group_wait": format_duration(told.group_wait),
            "repeat_interval": format_duration(told.repeat_interval), "mute_time_intervals": told.muted, "active_time_intervals": told.active,
        })
    };
    let told: Vec<_> = delivery.told.iter().map(told).collect();
    json!({"alert": delivery.alert, "file": delivery.file, "line": delivery.span.line, "receivers": told})
}

fn say_deliveries(deliveries: &[Delivery]) {
    if deliveries.is_empty() {
        return;
    }
    say!("Who is told:");
    for delivery in deliveries {
        let one = |told: &Told| {
            let perhaps = if told.sure { "" } else { ", depending on labels" };
            let when = match (told.active.as_slice(), told.muted.as_slice()) {
                ([], []) => String::new(),
                ([], muted) => format!(", not during {}", muted.join(", ")),
                (active, _) => format!(", only during {}", active.join(", ")),
            };
            let (wait, repeat) = (format_duration(told.group_wait), format_duration(told.repeat_interval));
            format!("{} (after {wait}, again every {repeat}{when}{perhaps})", told.receiver)
        };
        say!("  {:<34} {}", delivery.alert, delivery.told.iter().map(one).collect::<Vec<_>>().join("; "));
    }
}

fn load(path: &Path) -> Loaded {
    let options = Options { config: path.to_path_buf(), alertmanager: AlertmanagerOptions::default(), ..Options::default() };
    app::load(&options, &References::default()).0
}

fn say_summary(path: &Path, loaded: &Loaded, all: &Findings, routes: bool) {
    let found = &all.findings;
    let Some(settings) = &loaded.settings else {
        say!("{}: can not run: {}", path.display(), counted(found));
        return;
    };
    let word = if found.is_empty() { "fine".to_string() } else { format!("can run, with {}", counted(found)) };
    say!(
        "{}: {word}: {} jobs, {} rules in {} groups, {} receivers, {} models",
        path.display(),
        settings.scrape.len(),
        settings.groups.iter().map(|group| group.rules.len()).sum::<usize>(),
        settings.groups.len(),
        settings.receivers.len(),
        settings.models.len()
    );
    super::routes::say_found(settings);
    if routes {
        super::routes::say_tree(settings);
        say_deliveries(&all.deliveries);
    }
}

/// `1 error, 2 warnings`
fn counted(found: &[Finding]) -> String {
    let count = |severity| found.iter().filter(|finding| finding.severity == severity).count();
    let words = [(Severity::Error, "error"), (Severity::Warning, "warning"), (Severity::Info, "note")].map(|(severity, word)| {
        let count = count(severity);
        (count, format!("{count} {word}{}", if count == 1 { "" } else { "s" }))
    });
    words.into_iter().filter(|(count, _)| *count > 0).map(|(_, words)| words).collect::<Vec<_>>().join(", ")
}
