//! `bellbuoy run --job NAME -- COMMAND`: runs a job and reports how it went, under the names `pipeline_job_*`.
//!
//! In:    a command. Out: its exit status as ours; pushes at its start, while it runs, and at its end.
//! Never: fails or delays the job because nobody answers; says "successful" of a run whose end it did not see.
//!
//! Who reports what when something dies:
//!
//! ```text
//! the job is killed (kill -9, out of memory)    this program sees the signal: exit status 128 + signal, not successful
//! this program is killed, or the whole machine  nobody renews the lease: bellbuoy itself reports the job as lost, not successful
//! bellbuoy is killed while the job runs         the lease is on its disk; it goes on after the restart, and renewals are tried again
//! ```

use std::process::{ExitCode, ExitStatus};
use std::time::Duration;

use anyhow::Context;
use bellbuoy_exposition::format_value;
use bellbuoy_vocabulary::{Millis, Timestamp};
use clap::Args;
use tokio::process::{Child, Command};
use tokio::signal::unix::{SignalKind, signal};
use tokio::sync::watch;

use super::push::{Group, Pushed, push};
use super::up::duration;
use crate::client::Clients;
use crate::clock::{self, Stopwatch};

/// The end is reported for longer than the lease takes to end: else the job would count as lost.
const REPORT_WAIT: Millis = Millis::from_seconds(60);
/// As shells say it.
const NOT_FOUND: u8 = 127;

/// The exit status is the command's; 128 + signal when it was killed; 127 when it could not be started.
#[derive(Debug, Args)]
pub struct Run {
    #[command(flatten)]
    pub group: Group,
    /// Without a sign of life for so long the job counts as lost.
    #[arg(long, default_value = "60s", value_parser = duration)]
    pub lease: Millis,
    /// The command and its arguments, behind `--`.
    #[arg(required = true, trailing_var_arg = true, allow_hyphen_values = true, value_name = "COMMAND")]
    pub command: Vec<String>,
}

pub async fn run(command: Run) -> anyhow::Result<ExitCode> {
    let (clients, started_at, took) = (Clients::new(), clock::now(), Stopwatch::start());
    let lease = command.lease.max(Millis::from_seconds(3));
    // Signals first: one that comes between must not end us without a report.
    let mut terminate = signal(SignalKind::terminate()).context("signals")?;
    let mut interrupt = signal(SignalKind::interrupt()).context("signals")?;
    let mut hangup = signal(SignalKind::hangup()).context("signals")?;
    let mut child = match Command::new(&command.command[0]).args(&command.command[1..]).spawn() {
        Ok(child) => child,
        Err(error) => {
            eprintln!("bellbuoy: {}: {error}", command.command[0]);
            report(&clients, &command.group, ended(started_at, took.seconds(), NOT_FOUND, false)).await;
            return Ok(ExitCode::from(NOT_FOUND));
        }
    };
    let status = {
        let (stop, stopped) = watch::channel(false);
        let life = keep_lease(&clients, &command.group, started_at, lease, stopped);
        tokio::pin!(life);
        let status = loop {
            let number = tokio::select! {
                status = child.wait() => break status.context("waiting for the command")?,
                // It ends only when it is told to.
                () = &mut life => continue,
                _ = terminate.recv() => rustix::process::Signal::TERM,
                _ = interrupt.recv() => rustix::process::Signal::INT,
                _ = hangup.recv() => rustix::process::Signal::HUP,
            };
            forward(&child, number);
        };
        // A renewal on its way must not arrive after the end.
        let _ = stop.send(true);
        life.await;
        status
    };
    let code = code_of(status);
    report(&clients, &command.group, ended(started_at, took.seconds(), code, status.success())).await;
    Ok(ExitCode::from(code))
}

/// Who ends us means the job.
fn forward(child: &Child, number: rustix::process::Signal) {
    let pid = child.id().and_then(|pid| i32::try_from(pid).ok()).and_then(rustix::process::Pid::from_raw);
    if let Some(pid) = pid {
        // Gone meanwhile: `wait` tells.
        let _ = rustix::process::kill_process(pid, number);
    }
}

fn code_of(status: ExitStatus) -> u8 {
    use std::os::unix::process::ExitStatusExt as _;
    let code = status.code().or_else(|| status.signal().map(|signal| 128 + signal)).unwrap_or(1);
    u8::try_from(code).unwrap_or(u8::MAX)
}

/// Says that the job runs, again and again.
async fn keep_lease(clients: &Clients, group: &Group, started_at: Timestamp, lease: Millis, mut stopped: watch::Receiver<bool>) {
    let pause = Duration::from_millis((lease.0 / 4).max(500) as u64);
    let mut warned = false;
    loop {
        let until = clock::now() + lease;
        match push(clients, group, "POST", started(started_at, until), Millis::ZERO).await {
            Pushed::Taken => warned = false,
            Pushed::Refused(why) | Pushed::Unreachable(why) if !warned => {
                eprintln!("bellbuoy: the job runs, but that could not be reported yet: {why}");
                warned = true;
            }
            Pushed::Refused(_) | Pushed::Unreachable(_) => {}
        }
        tokio::select! {
            _ = tokio::time::sleep(pause) => {}
            _ = stopped.changed() => return,
        }
    }
}

async fn report(clients: &Clients, group: &Group, body: String) {
    let wait = group.wait.max(REPORT_WAIT);
    if let Pushed::Refused(why) | Pushed::Unreachable(why) = push(clients, group, "POST", body, wait).await {
        eprintln!("bellbuoy: the end of the job could not be reported: {why}");
    }
}

fn started(at: Timestamp, until: Timestamp) -> String {
    let mut out = String::new();
    gauge(&mut out, "pipeline_job_running", "Whether the job runs.", 1.0);
    gauge(&mut out, "pipeline_job_lost", LOST_HELP, 0.0);
    gauge(&mut out, "pipeline_job_last_start_timestamp_seconds", "When the last run began.", at.seconds());
    gauge(
        &mut out,
        "pipeline_job_lease_until_timestamp_seconds",
        "Without a sign of life until then the job counts as lost.",
        until.seconds(),
    );
    out
}

const LOST_HELP: &str = "Whether nobody reported the end of the last run.";

/// A run that failed leaves the time of the last success as it was.
fn ended(started_at: Timestamp, took_seconds: f64, code: u8, success: bool) -> String {
    let now = clock::now();
    let mut out = String::new();
    gauge(&mut out, "pipeline_job_success_status", "Whether the last run of the job succeeded.", f64::from(u8::from(success)));
    gauge(&mut out, "pipeline_job_running", "Whether the job runs.", 0.0);
    gauge(&mut out, "pipeline_job_lost", LOST_HELP, 0.0);
    gauge(&mut out, "pipeline_job_exit_status", "The exit status of the last run; 128 + signal when it was killed.", f64::from(code));
    gauge(&mut out, "pipeline_job_duration_seconds", "How long the last run took.", took_seconds);
    gauge(&mut out, "pipeline_job_last_start_timestamp_seconds", "When the last run began.", started_at.seconds());
    gauge(&mut out, "pipeline_job_last_end_timestamp_seconds", "When the last run ended.", now.seconds());
    if success {
        gauge(&mut out, "pipeline_job_last_success_timestamp_seconds", "When the last successful run ended.", now.seconds());
    }
    out
}

fn gauge(out: &mut String, name: &str, help: &str, value: f64) {
    out.push_str(&format!("# HELP {name} {help}\n# TYPE {name} gauge\n{name} {}\n", format_value(value)));
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_failed_run_does_not_touch_the_last_success() {
        let said = |success| ended(Timestamp(1000), 2.5, 3, success);
        assert!(
            said(true).contains("\npipeline_job_success_status 1\n") && said(true).contains("pipeline_job_last_success_timestamp_seconds")
        );
        assert!(said(false).contains("\npipeline_job_success_status 0\n") && !said(false).contains("last_success"));
        assert!(said(false).contains("\npipeline_job_exit_status 3\n") && said(false).contains("\npipeline_job_duration_seconds 2.5\n"));
    }

    #[test]
    fn what_is_pushed_can_be_read() {
        for body in [started(Timestamp(1), Timestamp(2)), ended(Timestamp(1), 1.0, 0, true)] {
            bellbuoy_exposition::families_of_text(bellbuoy_exposition::Format::PrometheusText, body.as_bytes()).expect("text");
        }
    }
}
