//! `bellbuoy up [DIR]` runs a folder; `bellbuoy check [DIR]` only reads it.

use std::path::{Path, PathBuf};
use std::process::ExitCode;

use anyhow::bail;
use bellbuoy_check::Finding;
use bellbuoy_vocabulary::{Millis, Problem, Severity, parse_duration};
use clap::Args;
use serde_json::json;
use tokio::signal::unix::{Signal, SignalKind, signal};
use tracing::{info, warn};

use super::alertmanager_flags::{AlertmanagerFlags, GrammarFlag};
use crate::app::{self, AlertmanagerOptions, App, DashboardEdit, Options};
use crate::config::Settings;
use crate::models::References;

#[derive(Debug, Args)]
pub struct Up {
    /// The folder with prometheus.yml, rules, alertmanager.yml and bellbuoy.yml, or one of these files.
    #[arg(default_value = ".", value_name = "DIR")]
    pub config: PathBuf,
    /// As Prometheus' flag; the same as DIR.
    #[arg(long = "config.file", hide = true, conflicts_with = "config")]
    pub config_file: Option<PathBuf>,
    #[command(flatten)]
    pub server: Server,
}

/// Options of everything that serves.
#[derive(Clone, Debug, Args)]
pub struct Server {
    /// Where to listen; port 0 picks a free one.
    #[arg(long, visible_alias = "web.listen-address", default_value = "127.0.0.1:9090", value_name = "ADDR")]
    pub listen: String,
    /// Where samples, states and messages are kept.
    #[arg(long, visible_alias = "storage.tsdb.path", alias = "storage.path", default_value = "data", value_name = "DIR")]
    pub data: PathBuf,
    /// How long samples are kept; 15d unless bellbuoy.yml says otherwise.
    #[arg(long = "storage.tsdb.retention.time", visible_alias = "retention", value_parser = duration, value_name = "TIME")]
    pub retention: Option<Millis>,
    /// Serve Alertmanager's API on a port of its own too, for clients that expect it there (127.0.0.1:9093).
    #[arg(long, value_name = "ADDR")]
    pub alertmanager_listen: Option<String>,
    /// How people reach this server; it is the beginning of links in messages.
    #[arg(long, visible_alias = "web.external-url", value_name = "URL")]
    pub external_url: Option<String>,
    /// Serve the pages from this folder instead of those built in (for working on them: `npm run build` in ui/ makes ui/dist).
    #[arg(long = "web.pages-dir", value_name = "DIR")]
    pub pages_dir: Option<PathBuf>,
    /// Do not reload when a file changes; SIGHUP and POST /-/reload still do.
    #[arg(long)]
    pub no_watch: bool,
    /// Whether pages may write dashboards back to their files: `loopback` allows it when only this machine reaches the port.
    #[arg(long = "web.dashboard-edit", value_enum, default_value = "loopback", value_name = "WHEN")]
    pub dashboard_edit: DashboardEdit,
    #[command(flatten)]
    pub alertmanager: AlertmanagerFlags,
}

pub fn duration(text: &str) -> Result<Millis, String> {
    parse_duration(text)
}

impl Server {
    pub fn options(&self, config: PathBuf) -> Options {
        // Prometheus' flag takes `:9090` and `0.0.0.0:9090`; a bare port means every address there.
        let listen = if self.listen.starts_with(':') { format!("0.0.0.0{}", self.listen) } else { self.listen.clone() };
        Options {
            config,
            data: self.data.clone(),
            listen,
            alertmanager_listen: self.alertmanager_listen.clone(),
            external_url: self.external_url.clone(),
            retention: self.retention,
            pages_dir: self.pages_dir.clone(),
            watch: !self.no_watch,
            alertmanager: self.alertmanager.options(),
            dashboard_edit: self.dashboard_edit,
        }
    }
}

pub async fn run(command: Up) -> anyhow::Result<ExitCode> {
    command.server.alertmanager.grammar.choose();
    let options = command.server.options(command.config_file.unwrap_or(command.config));
    let signals = Signals::new()?;
    let app = start(options).await?;
    wait_for_end(&app, signals).await;
    info!("stopping");
    app.stop().await;
    Ok(ExitCode::SUCCESS)
}

/// Reads the configuration and starts; all problems at once when it can not.
pub async fn start(options: Options) -> anyhow::Result<std::sync::Arc<App>> {
    let references = References::kept_in(&options.data);
    let (mut loaded, problems) = app::load(&options, &references);
    for problem in loaded.problems.iter().filter(|problem| problem.severity == Severity::Warning) {
        warn!("{problem}");
    }
    let Some(settings) = loaded.settings.take() else {
        bail!("the configuration can not be used\n{}", problems.join("\n"));
    };
    App::start(options, loaded, settings, references).await
}

/// Listened to before the port answers: who sees that it is ready may end it at once, and it must end with 0.
pub struct Signals {
    terminate: Signal,
    interrupt: Signal,
    hangup: Signal,
}

impl Signals {
    pub fn new() -> std::io::Result<Signals> {
        Ok(Signals {
            terminate: signal(SignalKind::terminate())?,
            interrupt: signal(SignalKind::interrupt())?,
            hangup: signal(SignalKind::hangup())?,
        })
    }
}

/// Returns at SIGTERM or SIGINT; SIGHUP reloads.
pub async fn wait_for_end(app: &std::sync::Arc<App>, mut signals: Signals) {
    loop {
        tokio::select! {
            _ = signals.terminate.recv() => return,
            _ = signals.interrupt.recv() => return,
            _ = signals.hangup.recv() => {
                // The problems are logged and on the status page; the old settings stay.
                let _ = tokio::task::block_in_place(|| app.reload());
            }
        }
    }
}

#[derive(Debug, Args)]
pub struct Check {
    /// Folders or files.
    #[arg(default_value = ".", value_name = "PATH")]
    pub paths: Vec<PathBuf>,
    #[arg(long, default_value = "human", value_parser = ["human", "json"])]
    pub format: String,
    /// Show the route tree of alertmanager.yml too.
    #[arg(long)]
    pub routes: bool,
    #[command(flatten)]
    pub grammar: GrammarFlag,
}

pub fn check(command: Check) -> anyhow::Result<ExitCode> {
    command.grammar.choose();
    let mut findings = Vec::new();
    let mut errors = 0;
    for path in command.paths {
        if !path.exists() {
            bail!("{}: no such file or folder", path.display());
        }
        let options = Options {
            config: path,
            data: PathBuf::new(),
            listen: String::new(),
            alertmanager_listen: None,
            external_url: None,
            retention: None,
            pages_dir: None,
            watch: false,
            alertmanager: AlertmanagerOptions::default(),
            dashboard_edit: DashboardEdit::Off,
        };
        let (loaded, _) = app::load(&options, &References::default());
        for problem in &loaded.problems {
            errors += usize::from(problem.severity == Severity::Error);
            if command.format == "human" {
                let text = loaded.texts.get(std::path::Path::new(&problem.file));
                say!("{}", text.map_or_else(|| problem.to_string(), |text| problem.with_source(text)));
            }
            findings.push(json!({
                "code": "config", "severity": word(problem.severity), "file": problem.file, "line": problem.span.line, "column": problem.span.column,
                "message": problem.message, "fix": if problem.help.is_empty() { serde_json::Value::Null } else { json!(problem.help) },
            }));
        }
        let found = loaded.settings.as_ref().map(|settings| look(settings, &loaded.files)).unwrap_or_default();
        for finding in &found {
            errors += usize::from(finding.severity == Severity::Error);
            if command.format == "human" {
                print_finding(finding, loaded.texts.get(Path::new(&finding.file)));
            }
            findings.push(json!({
                "code": finding.code, "severity": word(finding.severity), "file": finding.file, "line": finding.span.line,
                "column": finding.span.column, "message": finding.message, "why": finding.why, "fix": finding.fix,
            }));
        }
        if let (Some(settings), "human") = (&loaded.settings, command.format.as_str()) {
            let word = if found.is_empty() { "fine".to_string() } else { format!("can run, with {} findings", found.len()) };
            say!(
                "{}: {word}: {} jobs, {} rules in {} groups, {} receivers, {} models",
                options.config.display(),
                settings.scrape.len(),
                settings.groups.iter().map(|group| group.rules.len()).sum::<usize>(),
                settings.groups.len(),
                settings.receivers.len(),
                settings.models.len()
            );
            super::routes::say_found(settings);
            if command.routes {
                super::routes::say_tree(settings);
            }
        }
    }
    if command.format == "json" {
        say!("{}", json!({"findings": findings}));
    }
    Ok(ExitCode::from(u8::from(errors > 0)))
}

fn word(severity: Severity) -> &'static str {
    match severity {
        Severity::Error => "error",
        Severity::Warning => "warning",
        Severity::Info => "info",
    }
}

/// What can be said of the rules and routes before they run.
fn look(settings: &Settings, files: &[PathBuf]) -> Vec<Finding> {
    let scrapes: Vec<(String, Millis)> = settings.scrape.iter().map(|job| (job.job_name.clone(), job.scrape_interval)).collect();
    let named = |file: &&PathBuf| file.file_name().is_some_and(|name| name.to_string_lossy().starts_with("alertmanager"));
    let router_file = files.iter().find(named).map(|file| file.display().to_string()).unwrap_or_default();
    bellbuoy_check::check(&bellbuoy_check::Input {
        groups: &settings.groups,
        router: settings.router.as_ref(),
        router_file: &router_file,
        receivers: &settings.receivers,
        scrapes: &scrapes,
    })
}

fn print_finding(finding: &Finding, source: Option<&String>) {
    let message = format!("{} [{}]", finding.message, finding.code);
    let problem = Problem { message, help: String::new(), ..finding.problem() };
    say!("{}", source.map_or_else(|| problem.to_string(), |text| problem.with_source(text)));
    say!("   why: {}", finding.why);
    if let Some(fix) = &finding.fix {
        say!("   fix: {fix}");
    }
}
