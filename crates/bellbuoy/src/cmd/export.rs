//! `bellbuoy export grafana|compose`: the folder for the separate servers. Nothing is asked over the network.

use std::path::{Path, PathBuf};
use std::process::ExitCode;

use anyhow::{Context, bail};
use bellbuoy_vocabulary::Severity;
use clap::{Args, Subcommand};

use crate::app::{self, Options};
use crate::dashboards::Dashboards;
use crate::export::{self, Addresses, Export, STACK_PATH};
use crate::models::References;

#[derive(Debug, Args)]
pub struct ExportCommand {
    #[command(subcommand)]
    what: What,
}

#[derive(Debug, Subcommand)]
enum What {
    /// Provisioning for a Grafana that uses bellbuoy (or Prometheus) as its data source: data sources, and the dashboards byte for byte.
    Grafana(Grafana),
    /// A compose file with the profile `monitoring`: Prometheus, Alertmanager, Grafana and bellbuoy's exporters over the same folder.
    Compose(Compose),
}

#[derive(Debug, Args)]
struct Grafana {
    /// Where to write.
    #[arg(value_name = "OUT")]
    out: PathBuf,
    /// The folder of the stack.
    #[arg(long, default_value = ".", value_name = "DIR")]
    from: PathBuf,
    /// How Grafana reaches bellbuoy: both as Prometheus and as Alertmanager.
    #[arg(long, default_value = "http://127.0.0.1:9090", value_name = "URL")]
    url: String,
    /// Alertmanager's address when it is another one.
    #[arg(long, value_name = "URL")]
    alertmanager_url: Option<String>,
    /// The folder of the dashboards as Grafana sees it; OUT/dashboards when absent.
    #[arg(long, value_name = "PATH")]
    dashboards_path: Option<String>,
}

#[derive(Debug, Args)]
struct Compose {
    /// Where to write.
    #[arg(value_name = "OUT")]
    out: PathBuf,
    /// The folder of the stack. It is mounted as it is; only prometheus.yml and alertmanager.yml are written anew.
    #[arg(long, default_value = ".", value_name = "DIR")]
    from: PathBuf,
    /// Where the containers see that folder.
    #[arg(long, default_value = STACK_PATH, value_name = "PATH")]
    stack_path: String,
}

pub fn run(command: ExportCommand) -> anyhow::Result<ExitCode> {
    match command.what {
        What::Grafana(command) => grafana(&command),
        What::Compose(command) => compose(&command),
    }
}

fn grafana(command: &Grafana) -> anyhow::Result<ExitCode> {
    for url in std::iter::once(&command.url).chain(&command.alertmanager_url) {
        if !(url.starts_with("http://") || url.starts_with("https://")) || url.contains(char::is_whitespace) {
            bail!("{url:?} is no address; write http://HOST:PORT");
        }
    }
    let folder = folder(&command.from)?;
    let (loaded, dashboards) = read(&folder, &command.out)?;
    let settings = loaded.settings.as_ref().context("the configuration can not be used")?;
    let url = command.url.trim_end_matches('/');
    let there = absolute(&command.out)?.join("dashboards").display().to_string();
    let at = Addresses {
        prometheus: url,
        alertmanager: command.alertmanager_url.as_deref().unwrap_or(url).trim_end_matches('/'),
        dashboards: command.dashboards_path.as_deref().unwrap_or(&there),
    };
    write(&command.out, &export::grafana(settings, &dashboards, &at))?;
    say!("start Grafana with GF_PATHS_PROVISIONING={}", absolute(&command.out)?.join("provisioning").display());
    Ok(ExitCode::SUCCESS)
}

fn compose(command: &Compose) -> anyhow::Result<ExitCode> {
    let folder = folder(&command.from)?;
    let (loaded, dashboards) = read(&folder, &command.out)?;
    let settings = loaded.settings.as_ref().context("the configuration can not be used")?;
    if loaded.found.prometheus.is_none() {
        bail!("{}: there is no prometheus.yml, so there is nothing that Prometheus could run", folder.display());
    }
    let export = export::compose(&loaded, settings, &dashboards, &folder, &command.stack_path);
    write(&command.out, &export)?;
    say!("docker compose -f {} --profile monitoring up -d", command.out.join("compose.yml").display());
    Ok(ExitCode::SUCCESS)
}

fn folder(from: &Path) -> anyhow::Result<PathBuf> {
    let folder = from.canonicalize().with_context(|| from.display().to_string())?;
    if folder.is_dir() { Ok(folder) } else { bail!("{}: name the folder", from.display()) }
}

/// What is written must not be read again as a part of the stack.
fn read(folder: &Path, out: &Path) -> anyhow::Result<(crate::config::Loaded, Dashboards)> {
    let absolute = absolute(out)?;
    if absolute == folder || (absolute.starts_with(folder) && !hidden_below(folder, &absolute)) {
        bail!("{} is inside of the stack's folder, and would be read as a part of it; name a folder beside it", out.display());
    }
    let options = Options { config: folder.to_path_buf(), ..Options::default() };
    let (loaded, problems) = app::load(&options, &References::default());
    for problem in loaded.problems.iter().filter(|problem| problem.severity == Severity::Warning) {
        eprintln!("{problem}");
    }
    if loaded.settings.is_none() {
        bail!("the configuration can not be used\n{}", problems.join("\n"));
    }
    Ok((loaded, Dashboards::new(folder, out)))
}

/// Folders whose names begin with a dot are not searched.
fn hidden_below(folder: &Path, path: &Path) -> bool {
    path.strip_prefix(folder).is_ok_and(|below| below.iter().any(|part| part.to_string_lossy().starts_with('.')))
}

/// Also of a folder that is not there yet.
fn absolute(path: &Path) -> anyhow::Result<PathBuf> {
    let full = std::path::absolute(path).with_context(|| path.display().to_string())?;
    let mut there = full.as_path();
    while !there.exists() {
        there = there.parent().unwrap_or(Path::new("/"));
    }
    let rest = full.strip_prefix(there).unwrap_or(Path::new(""));
    Ok(there.canonicalize()?.join(rest))
}

fn write(out: &Path, export: &Export) -> anyhow::Result<()> {
    if let [first, ..] = export::clashes(&export.files).as_slice() {
        bail!("two files would have the name {first}; rename a dashboard");
    }
    for (name, bytes) in &export.files {
        let path = out.join(name);
        let folder = path.parent().unwrap_or(out);
        std::fs::create_dir_all(folder).with_context(|| format!("make the folder {}", folder.display()))?;
        std::fs::write(&path, bytes).with_context(|| path.display().to_string())?;
    }
    for remark in &export.remarks {
        eprintln!("{remark}");
    }
    say!("{} files in {}", export.files.len(), out.display());
    Ok(())
}
