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
        Command::Demo(command) => to_the_end(demo::run(command)),
        Command::Init(command) => init::run(command),
        Command::Up(command) => to_the_end(up::run(command)),
        Command::Check(command) => to_the_end(check::run(command)),
        Command::AirflowExporter(command) => to_the_end(airflow_exporter::run(command)),
        Command::NodeExporter(command) => to_the_end(node_exporter::run(command)),
        Command::Export(command) => export::run(command),
        Command::Query(command) => to_the_end(query::run(command)),
        Command::Alerts(command) => to_the_end(remote::alerts(command)),
        Command::Explain(command) => to_the_end(explain::run(command)),
        Command::Notifications(command) => to_the_end(notifications::run(command)),
        Command::Event(command) => to_the_end(event::tell(command)),
        Command::Push(command) => to_the_end(push::run(command)),
        Command::Run(command) => to_the_end(run::run(command)),
        Command::Events(command) => to_the_end(event::list(command)),
        Command::Silence(command) => to_the_end(silence::run(command)),
        Command::TestReceiver(command) => to_the_end(test_receiver::run(command)),
        Command::Drift(command) => drift::run(command),
        Command::Evaluate(command) => evaluate::run(command),
        Command::Profile(command) => profile::run(command),
        Command::Template(command) => template::run(command),
        Command::Fire(command) => to_the_end(fire::run(command)),
        Command::Backtest(command) => to_the_end(backtest::run(command)),
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

/// Runs a command to its end, and the process is to end with it. The runtime is not taken down: a task that comes out of a
/// long step just then would ask for a clock that is gone, and tokio would tell of it as a panic although all is written.
fn to_the_end(command: impl Future<Output = anyhow::Result<ExitCode>>) -> anyhow::Result<ExitCode> {
    // `block_in_place` moves the event loop to another thread, so at least two are needed.
    let threads = std::thread::available_parallelism().map_or(2, |n| n.get()).clamp(2, 16);
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(threads).enable_all().build()?;
    let ended = runtime.block_on(command);
    std::mem::forget(runtime);
    ended
}

#[cfg(test)]
mod tests {
    use std::sync::mpsc::channel;
    use std::time::Duration;

    use super::*;

    /// At the end of a demo the upkeep once came out of a long step when its clocks were gone, and panicked.
    #[test]
    fn a_task_may_outlast_its_command() {
        let (go, wait) = channel::<()>();
        let (ticked, tick) = channel();
        let command = async move {
            let (began, begun) = tokio::sync::oneshot::channel();
            tokio::spawn(async move {
                let _ = began.send(());
                let _ = tokio::task::block_in_place(|| wait.recv_timeout(Duration::from_secs(30)));
                tokio::time::interval(Duration::from_secs(60)).tick().await;
                let _ = ticked.send(());
            });
            let _ = begun.await;
            Ok(ExitCode::SUCCESS)
        };
        assert!(to_the_end(command).is_ok());
        let _ = go.send(());
        assert!(tick.recv().is_ok(), "the task went on to its end");
    }
}
