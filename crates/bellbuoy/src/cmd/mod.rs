//! The commands of `bellbuoy`, one file each. Logs go to standard error, results to standard output.

/// A line of the result. A reader that went away (`| head`) ends the program quietly instead of with a panic.
macro_rules! say {
    ($($text:tt)*) => { $crate::cmd::print_line(format_args!($($text)*)) };
}

mod airflow_exporter;
mod alertmanager_flags;
mod backtest;
mod check;
mod demo;
mod drift;
mod elsewhere;
mod evaluate;
mod event;
mod explain;
mod export;
mod fire;
mod init;
mod input;
mod node_exporter;
mod notifications;
mod output;
mod profile;
mod push;
mod query;
mod remote;
mod routes;
mod run;
mod side;
mod silence;
mod template;
mod test;
mod test_receiver;
mod up;

use std::io::IsTerminal;
use std::process::ExitCode;

use clap::{Parser, Subcommand};
use tracing_subscriber::EnvFilter;

/// The monitoring stack for machine learning in one program.
#[derive(Debug, Parser)]
#[command(name = "bellbuoy", version, about, max_term_width = 110)]
pub struct CommandLine {
    /// What to log: error, warn, info, debug, or a filter such as `bellbuoy=debug`.
    #[arg(long = "log.level", global = true, default_value = "info", env = "BELLBUOY_LOG")]
    pub log_level: String,
    #[command(subcommand)]
    pub command: Command,
}

#[derive(Debug, Subcommand)]
pub enum Command {
    /// Show the whole job on real data: a model drifts, alerts fire, messages arrive, a decision is made.
    Demo(demo::Demo),
    /// Write one of the ready-made stacks: configuration, alerts, routes, dashboards; without a name they are listed.
    Init(init::Init),
    /// Run a folder: prometheus.yml, rules, alertmanager.yml, bellbuoy.yml.
    Up(up::Up),
    /// Read a folder as `up` would and say what is wrong, what can never work and what was hardly meant; exit status 1 when there is a finding.
    Check(check::Check),
    /// Airflow's metrics on a port of their own: /metrics and /health.
    AirflowExporter(airflow_exporter::AirflowExporter),
    /// This machine and its containers on a port of their own, under node_exporter's and cAdvisor's names: /metrics.
    NodeExporter(node_exporter::NodeExporter),
    /// Write the folder for others: provisioning for a Grafana, or a compose file with Prometheus, Alertmanager and Grafana.
    Export(export::ExportCommand),
    /// Ask a running bellbuoy or Prometheus a PromQL query.
    Query(query::Query),
    /// Show the pending and firing alerts of a running bellbuoy or Prometheus; exit status 1 when something fires.
    Alerts(remote::Alerts),
    /// Why an alert fired, or did not, or did not arrive; why an expression gives nothing. Now, or at any time in the data.
    Explain(explain::Explain),
    /// Show what was told to whom, why, and what became of it; exit status 1 when a message was given up.
    Notifications(notifications::Notifications),
    /// Tell people that something happened in a pipeline: drift, training-success, training-failure, ...; once per key.
    Event(event::Tell),
    /// Push metrics of a job to bellbuoy or a Pushgateway; they stay until they are replaced or deleted.
    Push(push::Push),
    /// Run a job and report whether it succeeded, its duration and exit status; also when it is killed.
    Run(run::Run),
    /// Show the events that pipelines and models told.
    Events(event::List),
    /// Make, show, end, change and import silences.
    Silence(silence::SilenceCommand),
    /// Send a test message to a receiver now, and show what each of its integrations answered; exit status 1 when one did not take it.
    TestReceiver(test_receiver::TestReceiver),
    /// Compare two data sets column by column; exit status 1 when the data set has drifted.
    Drift(drift::Drift),
    /// Score predictions against true values; exit status 1 when a figure crosses its line (`--fail-below`, `--fail-above`).
    Evaluate(evaluate::Evaluate),
    /// Keep tables as a small profile without rows, to compare with later.
    Profile(profile::Profile),
    /// Try a template of messages.
    Template(template::Template),
    /// Proof by doing: find series that make an alert fire, and show the messages that each receiver would get.
    Fire(fire::Fire),
    /// The alerts over stored history: how often, how long, how noisy; and what another threshold or `for` would have changed.
    Backtest(backtest::BacktestCommand),
    /// Run promtool's rule tests, and scenarios over the whole path: series in; alerts and messages out, at exact times.
    Test(test::Test),
}

pub fn run(line: CommandLine) -> anyhow::Result<ExitCode> {
    let quiet = matches!(&line.command, Command::Demo(_)) && line.log_level == "info";
    start_log(if quiet { "warn" } else { &line.log_level });
    match line.command {
        Command::Demo(command) => runtime()?.block_on(demo::run(command)),
        Command::Init(command) => init::run(command),
        Command::Up(command) => runtime()?.block_on(up::run(command)),
        Command::Check(command) => runtime()?.block_on(check::run(command)),
        Command::AirflowExporter(command) => runtime()?.block_on(airflow_exporter::run(command)),
        Command::NodeExporter(command) => runtime()?.block_on(node_exporter::run(command)),
        Command::Export(command) => export::run(command),
        Command::Query(command) => runtime()?.block_on(query::run(command)),
        Command::Alerts(command) => runtime()?.block_on(remote::alerts(command)),
        Command::Explain(command) => runtime()?.block_on(explain::run(command)),
        Command::Notifications(command) => runtime()?.block_on(notifications::run(command)),
        Command::Event(command) => runtime()?.block_on(event::tell(command)),
        Command::Push(command) => runtime()?.block_on(push::run(command)),
        Command::Run(command) => runtime()?.block_on(run::run(command)),
        Command::Events(command) => runtime()?.block_on(event::list(command)),
        Command::Silence(command) => runtime()?.block_on(silence::run(command)),
        Command::TestReceiver(command) => runtime()?.block_on(test_receiver::run(command)),
        Command::Drift(command) => drift::run(command),
        Command::Evaluate(command) => evaluate::run(command),
        Command::Profile(command) => profile::run(command),
        Command::Template(command) => template::run(command),
        Command::Fire(command) => runtime()?.block_on(fire::run(command)),
        Command::Backtest(command) => runtime()?.block_on(backtest::run(command)),
        Command::Test(command) => test::run(command),
    }
}

fn print_line(text: std::fmt::Arguments) {
    use std::io::Write as _;
    if writeln!(std::io::stdout(), "{text}").is_err() {
        std::process::exit(0);
    }
}

fn start_log(level: &str) {
    let filter = EnvFilter::try_new(level).unwrap_or_else(|_| EnvFilter::new("info"));
    let colours = std::io::stderr().is_terminal() && std::env::var_os("NO_COLOR").is_none();
    // A second start in the same process (tests) keeps the first log.
    let _ = tracing_subscriber::fmt().with_env_filter(filter).with_writer(std::io::stderr).with_ansi(colours).with_target(false).try_init();
}

fn runtime() -> anyhow::Result<tokio::runtime::Runtime> {
    // `block_in_place` moves the event loop to another thread, so at least two are needed.
    let threads = std::thread::available_parallelism().map_or(2, |n| n.get()).clamp(2, 16);
    Ok(tokio::runtime::Builder::new_multi_thread().worker_threads(threads).enable_all().build()?)
}
