//! Jobs that `bellbuoy run` started and that nobody hears of any more: killed with everything around them, or their machine is gone.
//!
//! `bellbuoy run` pushes `pipeline_job_running 1` with `pipeline_job_lease_until_timestamp_seconds`, and renews it while the job runs. When the
//! lease is over, nobody is left to report the end, so it is reported here: not successful, not running, lost; with no exit status,
//! because nobody knows it. A renewal that comes later (the network was gone, not the job) puts everything right again.

use bellbuoy_exposition::{Family, FamilySample};
use bellbuoy_vocabulary::{MetricType, Timestamp};
use tracing::warn;

use super::{Group, Key, Pushed, lock, mark};
use crate::state::State;

pub const RUNNING: &str = "pipeline_job_running";
pub const LEASE: &str = "pipeline_job_lease_until_timestamp_seconds";
pub const SUCCESS: &str = "pipeline_job_success_status";
pub const LOST: &str = "pipeline_job_lost";
pub const EXIT_STATUS: &str = "pipeline_job_exit_status";

pub fn gauge(name: &str, help: &str, value: f64) -> Family {
    let sample = FamilySample { name: name.into(), labels: Vec::new(), value, at: None, exemplars: Vec::new() };
    Family { name: name.into(), kind: MetricType::Gauge, help: help.into(), samples: vec![sample] }
}

/// Called at each interval.
pub fn end_overdue(pushed: &Pushed, state: &State, now: Timestamp) {
    let groups = lock(&pushed.groups);
    let overdue: Vec<(Key, Group)> =
        groups.iter().filter(|(_, group)| is_overdue(group, now)).map(|(key, group)| (key.clone(), group.clone())).collect();
    if overdue.is_empty() {
        return;
    }
    let mut changes = Vec::new();
    let mut jobs = Vec::new();
    for (key, mut group) in overdue {
        for (name, help, value) in [
            (SUCCESS, "Whether the last run of the job succeeded.", 0.0),
            (RUNNING, "Whether the job runs.", 0.0),
            (LOST, "Whether nobody reported the end of the last run.", 1.0),
        ] {
            let mut family = gauge(name, help, value);
            family.samples.iter_mut().for_each(|sample| mark(sample, &key));
            group.families.insert(name.into(), family);
        }
        group.families.remove(EXIT_STATUS);
        jobs.push(key.get("job").cloned().unwrap_or_default());
        changes.push((key, Some(group)));
    }
    match pushed.store(state, groups, changes) {
        Ok(()) => jobs.iter().for_each(|job| warn!("job {job:?}: its lease ended without a report; it counts as failed")),
        Err(error) => warn!("jobs {jobs:?} were lost, which could not be written down yet: {error}"),
    }
}

fn is_overdue(group: &Group, now: Timestamp) -> bool {
    let value = |name: &str| group.families.get(name).and_then(|family| family.samples.first()).map(|sample| sample.value);
    value(RUNNING) == Some(1.0) && value(LEASE).is_some_and(|until| until < now.seconds())
}
