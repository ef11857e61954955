//! `bellbuoy up [DIR]` runs a folder.

use std::path::PathBuf;
use std::process::ExitCode;

use anyhow::bail;
use bellbuoy_vocabulary::{Millis, Severity, parse_duration};
use clap::Args;
use tokio::signal::unix::{Signal, SignalKind, signal};
use tracing::{info, warn};

use super::alertmanager_flags::AlertmanagerFlags;
use crate::app::{self, App, DashboardEdit, Options};
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
