//! `bellbuoy airflow-exporter`: Airflow's metrics on a port of their own, for a Prometheus that scrapes them there.
//!
//! In:    `airflow:` of bellbuoy.yml, or an address and the environment of the exporter that it replaces. Out: `/metrics`, `/health`.
//! Never: asks Airflow during a scrape.

use std::path::PathBuf;
use std::process::ExitCode;
use std::sync::Arc;

use anyhow::{Context, bail};
use bellbuoy_vocabulary::{HttpOptions, Millis, Secret, Severity};
use clap::Args;
use tokio::net::TcpListener;
use tokio::signal::unix::{SignalKind, signal};
use tracing::{info, warn};

use crate::app::{self, AlertmanagerOptions, Options};
use crate::client::Clients;
use crate::clock;
use crate::config::{AirflowConfig, WatchedServer};
use crate::exporter::{self, Page, Pages};
use crate::models::References;
use crate::pollers::{self, Backoff, Problems, Watcher, kept_name};
use crate::state::{Durability, State, Write};

#[derive(Debug, Args)]
pub struct AirflowExporter {
    /// The folder of bellbuoy.yml, or the file; not needed with --url.
    #[arg(value_name = "DIR", conflicts_with = "url")]
    pub config: Option<PathBuf>,
    /// Airflow's address with its base path; all DAGs are counted. Without it and DIR: AIRFLOW_BASE_URL of the environment.
    #[arg(long)]
    pub url: Option<String>,
    /// Else AIRFLOW_USERNAME of the environment.
    #[arg(long, requires = "url")]
    pub username: Option<String>,
    /// A file with the password; else AIRFLOW_PASSWORD of the environment.
    #[arg(long, value_name = "FILE", requires = "url")]
    pub password_file: Option<PathBuf>,
    /// Count tries of tasks too (with --url; bellbuoy.yml says it itself).
    #[arg(long, requires = "url")]
    pub tasks: bool,
    /// Where to listen; port 0 picks a free one.
    #[arg(long, visible_alias = "web.listen-address", default_value = "127.0.0.1:9101", value_name = "ADDR")]
    pub listen: String,
    /// Where is kept what was counted already.
    #[arg(long, default_value = "data", value_name = "DIR")]
    pub data: PathBuf,
}

pub async fn run(command: AirflowExporter) -> anyhow::Result<ExitCode> {
    let configs = configs(&command)?;
    std::fs::create_dir_all(&command.data).with_context(|| format!("data folder {}", command.data.display()))?;
    // A database of its own: `bellbuoy up` may run on the same folder.
    let state = Arc::new(State::open(&command.data.join("airflow-exporter.db"))?);
    let listen = if command.listen.starts_with(':') { format!("0.0.0.0{}", command.listen) } else { command.listen.clone() };
    let listener = TcpListener::bind(&listen).await.with_context(|| format!("listen on {listen}; choose another address with --listen"))?;
    let pages = exporter::pages(configs.iter().map(|config| config.server.instance.as_str()));
    let clients = Arc::new(Clients::new());
    for (index, config) in configs.into_iter().enumerate() {
        tokio::spawn(watch(config, index, pages.clone(), clients.clone(), state.clone()));
    }
    let (mut terminate, mut interrupt) = (signal(SignalKind::terminate())?, signal(SignalKind::interrupt())?);
    // Scripts wait for this line.
    info!("listening on http://{}", listener.local_addr()?);
    let routes = exporter::routes(pages);
    let end = async move {
        tokio::select! {
            _ = terminate.recv() => {}
            _ = interrupt.recv() => {}
        }
    };
    axum::serve(listener, routes).with_graceful_shutdown(end).await?;
    Ok(ExitCode::SUCCESS)
}

fn configs(command: &AirflowExporter) -> anyhow::Result<Vec<AirflowConfig>> {
    // What the environment says is for those who say nothing else.
    let url = command.url.clone().or_else(|| std::env::var("AIRFLOW_BASE_URL").ok().filter(|_| command.config.is_none()));
    if let Some(url) = url {
        return Ok(vec![of_flags(command, &url)?]);
    }
    let options = Options {
        config: command.config.clone().unwrap_or_else(|| ".".into()),
        data: command.data.clone(),
        alertmanager: AlertmanagerOptions::default(),
        ..Options::default()
    };
    let (loaded, problems) = app::load(&options, &References::default());
    for problem in loaded.problems.iter().filter(|problem| problem.severity == Severity::Warning) {
        warn!("{problem}");
    }
    let Some(settings) = loaded.settings else { bail!("the configuration can not be used\n{}", problems.join("\n")) };
    if settings.airflow.is_empty() {
        bail!("{}: bellbuoy.yml has no `airflow:` with an address; add one, set its variable, or give --url", options.config.display());
    }
    Ok(settings.airflow)
}

fn of_flags(command: &AirflowExporter, url: &str) -> anyhow::Result<AirflowConfig> {
    if !url.starts_with("http://") && !url.starts_with("https://") {
        bail!("--url must begin with http:// or https://");
    }
    let password = match &command.password_file {
        Some(path) => Some(std::fs::read_to_string(path).with_context(|| path.display().to_string())?.trim().to_string()),
        None => std::env::var("AIRFLOW_PASSWORD").ok(),
    };
    let user = command.username.clone().or_else(|| std::env::var("AIRFLOW_USERNAME").ok());
    let login = user.map(|user| (user, Secret::new(password.unwrap_or_default())));
    let url = url.trim_end_matches('/').to_string();
    let server = WatchedServer {
        job: "airflow".into(),
        instance: url.split_once("://").map_or("", |(_, rest)| rest).rsplit('@').next().unwrap_or("").to_string(),
        url,
        interval: Millis::from_minutes(1),
        timeout: Millis::from_seconds(30),
        http: HttpOptions { basic_auth: login.clone(), follow_redirects: false, ..HttpOptions::default() },
        listen: None,
    };
    let settings = bellbuoy_sources::airflow::AirflowSettings { login, tasks: command.tasks, ..Default::default() };
    Ok(AirflowConfig { server, settings })
}

async fn watch(config: AirflowConfig, index: usize, pages: Pages, clients: Arc<Clients>, state: Arc<State>) {
    let name = kept_name("airflow", &config.server);
    let kept = state.kept(&name).unwrap_or_else(|error| {
        warn!("{error}");
        None
    });
    let mut watcher = Watcher::airflow(&config, kept);
    let mut ticks = tokio::time::interval(config.server.interval.to_std());
    ticks.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Skip);
    let mut problems = Problems::default();
    let mut backoff = Backoff::default();
    let mut last_kept = watcher.kept();
    loop {
        ticks.tick().await;
        if !backoff.is_due() {
            continue;
        }
        pollers::poll(&clients, &config.server, &mut watcher).await;
        backoff.polled(watcher.is_up());
        problems.tell(&watcher, &config.server);
        let kept = watcher.kept();
        if kept != last_kept {
            let write = Write::Keep { name: name.clone(), body: kept.clone().unwrap_or_default() };
            let written = tokio::task::block_in_place(|| state.commit(&[write], Durability::Synced));
            if let Err(error) = written {
                // What is not on disk is not told: a restart would count it again.
                warn!("{error}");
                continue;
            }
            last_kept = kept;
        }
        let now = clock::now();
        exporter::set(&pages, index, Page::of(&watcher, now));
    }
}
