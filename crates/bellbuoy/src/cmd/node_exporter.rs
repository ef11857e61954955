//! `bellbuoy node-exporter`: this machine on a port of its own, for a Prometheus that scrapes it there, in node_exporter's place.
//!
//! In:    `host:` of bellbuoy.yml, or flags named as node_exporter's. Out: `/metrics`, read at each scrape, and `/health`.

use std::path::PathBuf;
use std::process::ExitCode;

use anyhow::{Context, bail};
use bellbuoy_sources::host::{Filter, HostOptions};
use bellbuoy_vocabulary::Severity;
use clap::Args;
use tokio::net::TcpListener;
use tokio::signal::unix::{SignalKind, signal};
use tracing::{info, warn};

use crate::app::{self, AlertmanagerOptions, Options};
use crate::host_page;
use crate::machine::Places;
use crate::models::References;

#[derive(Debug, Args)]
pub struct NodeExporter {
    /// The folder of bellbuoy.yml, or the file, for its `host:`; without it flags and node_exporter's defaults.
    #[arg(value_name = "DIR")]
    pub config: Option<PathBuf>,
    /// Where to listen; port 0 picks a free one.
    #[arg(long, visible_alias = "web.listen-address", default_value = "127.0.0.1:9100", value_name = "ADDR")]
    pub listen: String,
    /// Only these, by commas: cpu,meminfo,filesystem,diskstats,netdev,netstat,loadavg,time,stat,vmstat,uname,pressure,os,containers.
    #[arg(long, value_delimiter = ',', value_name = "NAMES", conflicts_with = "config")]
    pub collectors: Vec<String>,
    #[arg(long = "collector.filesystem.mount-points-exclude", value_name = "REGEX", conflicts_with = "config")]
    pub mount_points_exclude: Option<String>,
    #[arg(long = "collector.filesystem.mount-points-include", value_name = "REGEX", conflicts_with = "config")]
    pub mount_points_include: Option<String>,
    #[arg(long = "collector.filesystem.fs-types-exclude", value_name = "REGEX", conflicts_with = "config")]
    pub types_exclude: Option<String>,
    #[arg(long = "collector.filesystem.fs-types-include", value_name = "REGEX", conflicts_with = "config")]
    pub types_include: Option<String>,
    #[arg(long = "collector.diskstats.device-exclude", value_name = "REGEX", conflicts_with = "config")]
    pub disks_exclude: Option<String>,
    #[arg(long = "collector.diskstats.device-include", value_name = "REGEX", conflicts_with = "config")]
    pub disks_include: Option<String>,
    #[arg(long = "collector.netdev.device-exclude", value_name = "REGEX", conflicts_with = "config")]
    pub network_devices_exclude: Option<String>,
    #[arg(long = "collector.netdev.device-include", value_name = "REGEX", conflicts_with = "config")]
    pub network_devices_include: Option<String>,
    /// Where the host's /proc is, in a container.
    #[arg(long = "path.procfs", default_value = "/proc", value_name = "DIR", conflicts_with = "config")]
    pub procfs: String,
    #[arg(long = "path.sysfs", default_value = "/sys", value_name = "DIR", conflicts_with = "config")]
    pub sysfs: String,
    #[arg(long = "path.rootfs", default_value = "/", value_name = "DIR", conflicts_with = "config")]
    pub rootfs: String,
}

pub async fn run(command: NodeExporter) -> anyhow::Result<ExitCode> {
    let (options, places) = settings(&command)?;
    let listen = if command.listen.starts_with(':') { format!("0.0.0.0{}", command.listen) } else { command.listen.clone() };
    let listener = TcpListener::bind(&listen).await.with_context(|| format!("listen on {listen}; choose another address with --listen"))?;
    // Scripts wait for this line.
    info!("listening on http://{}", listener.local_addr()?);
    let (mut terminate, mut interrupt) = (signal(SignalKind::terminate())?, signal(SignalKind::interrupt())?);
    let end = async move {
        tokio::select! {
            _ = terminate.recv() => {}
            _ = interrupt.recv() => {}
        }
    };
    axum::serve(listener, host_page::routes(options, places)).with_graceful_shutdown(end).await?;
    Ok(ExitCode::SUCCESS)
}

fn settings(command: &NodeExporter) -> anyhow::Result<(HostOptions, Places)> {
    let Some(config) = &command.config else { return of_flags(command) };
    let options = Options { config: config.clone(), alertmanager: AlertmanagerOptions::default(), ..Options::default() };
    let (loaded, problems) = app::load(&options, &References::default());
    for problem in loaded.problems.iter().filter(|problem| problem.severity == Severity::Warning) {
        warn!("{problem}");
    }
    let Some(settings) = loaded.settings else { bail!("the configuration can not be used\n{}", problems.join("\n")) };
    let Some(host) = settings.host else { bail!("{}: bellbuoy.yml has no `host:`; add one, or give no folder", config.display()) };
    Ok((host.options, host.places))
}

fn of_flags(command: &NodeExporter) -> anyhow::Result<(HostOptions, Places)> {
    let mut options = HostOptions::default();
    if !command.collectors.is_empty() {
        options.collectors = command.collectors.iter().map(|name| host_page::collector(name)).collect::<anyhow::Result<_>>()?;
    }
    for (exclude, include, filter) in [
        (&command.mount_points_exclude, &command.mount_points_include, &mut options.mount_points),
        (&command.types_exclude, &command.types_include, &mut options.filesystem_types),
        (&command.disks_exclude, &command.disks_include, &mut options.disks),
        (&command.network_devices_exclude, &command.network_devices_include, &mut options.network_devices),
    ] {
        if exclude.is_some() || include.is_some() {
            *filter = Filter::new(exclude.as_deref(), include.as_deref()).map_err(|error| anyhow::anyhow!("{error}"))?;
        }
    }
    let places = Places { procfs: command.procfs.clone(), sysfs: command.sysfs.clone(), rootfs: command.rootfs.clone() };
    Ok((options, places))
}
