//! What bellbuoy counts of itself, under the names that Prometheus and Alertmanager use where they have one.
//!
//! In:    events of all stages. Out: the text of `/metrics`, with what the store and the router know by themselves.
//! Never: waits; every counter is one atomic number.

use std::collections::BTreeMap;
use std::sync::Mutex;
use std::sync::atomic::{AtomicU64, Ordering};

/// Most label sets of one counter family; the rest is counted under `other`.
const LABEL_SETS_MAX: usize = 1000;

#[derive(Default)]
pub struct Counter(AtomicU64);

impl Counter {
    pub fn add(&self, n: u64) {
        self.0.fetch_add(n, Ordering::Relaxed);
    }

    pub fn get(&self) -> u64 {
        self.0.load(Ordering::Relaxed)
    }
}

/// Counters by one or two label values.
#[derive(Default)]
pub struct Family(Mutex<BTreeMap<Vec<String>, u64>>);

impl Family {
    pub fn add(&self, labels: &[&str], n: u64) {
        let mut counts = self.0.lock().unwrap_or_else(|poisoned| poisoned.into_inner());
        let mut key: Vec<String> = labels.iter().map(|label| label.to_string()).collect();
        if counts.len() >= LABEL_SETS_MAX && !counts.contains_key(&key) {
            key = vec!["other".to_string(); labels.len()];
        }
        *counts.entry(key).or_insert(0) += n;
    }

    pub fn all(&self) -> Vec<(Vec<String>, u64)> {
        let counts = self.0.lock().unwrap_or_else(|poisoned| poisoned.into_inner());
        counts.iter().map(|(labels, n)| (labels.clone(), *n)).collect()
    }
}

/// Seconds spent, as the sum and count of a summary.
#[derive(Default)]
pub struct Timer {
    nanos: AtomicU64,
    count: AtomicU64,
}

impl Timer {
    pub fn add(&self, seconds: f64) {
        self.nanos.fetch_add((seconds * 1e9) as u64, Ordering::Relaxed);
        self.count.fetch_add(1, Ordering::Relaxed);
    }

    /// Sum in seconds, and count.
    pub fn get(&self) -> (f64, u64) {
        (self.nanos.load(Ordering::Relaxed) as f64 / 1e9, self.count.load(Ordering::Relaxed))
    }
}

#[derive(Default)]
pub struct Telemetry {
    pub scrapes: Counter,
    pub scrapes_failed: Counter,
    pub scrape_samples: Counter,
    pub scrape_samples_refused: Counter,
    pub scrape_exemplars_out_of_order: Counter,
    pub commit_failures: Counter,
    /// Mounts of this host that did not answer in time.
    pub mount_timeouts: Counter,
    /// Rule group: evaluations, failures, missed iterations.
    pub rule_evaluations: Family,
    pub rule_failures: Family,
    pub rule_iterations_missed: Family,
    pub rule_group_seconds: Timer,
    pub alerts_received: Family,
    pub alerts_refused: Counter,
    /// Integration kind; reason.
    pub notifications: Family,
    pub notifications_failed: Family,
    pub notification_attempts_failed: Family,
    pub notification_seconds: Timer,
    /// Alerts to other Alertmanagers.
    pub forwards_sent: Counter,
    pub forwards_failed: Counter,
    pub forwards_dropped: Counter,
    pub template_failures: Counter,
    /// Pictures of alerts: drawn, nothing to draw, too late; and of those that were sent after their message: added, refused.
    pub pictures: Family,
    /// Changes that a browser asked for on behalf of another site.
    pub cross_site_refused: Counter,
    /// Handler and status code.
    pub http_requests: Family,
    pub query_seconds: Timer,
    /// The old settings stayed in force.
    pub reloads_failed: Counter,
    pub state_failures: Counter,
    /// Changes that could not be written for so long that they were dropped.
    pub state_changes_lost: Counter,
    /// Unsent messages: a newer one says all of it; too many of one group.
    pub notifications_replaced: Counter,
    pub outbox_dropped: Counter,
    /// Of what others send, by protocol.
    pub pushed_samples: Family,
    pub pushed_samples_refused: Family,
    pub pushed_histograms_refused: Family,
    pub pushed_points_refused: Family,
    pub pushed_exemplars: Family,
    pub pushed_exemplars_refused: Family,
    /// Pushes of groups: ok or refused.
    pub pushes: Family,
    pub model_rows: Family,
    pub model_rows_refused: Family,
    pub model_rows_repeated: Family,
    /// Model: submissions that found the queue full.
    pub model_submissions_full: Family,
    /// Model and kind: places of logs that could not be read.
    pub model_log_damages: Family,
    /// Model: segments that are in files of their days, days that retention dropped, passes that failed.
    pub model_segments_stored: Family,
    pub model_days_dropped: Family,
    pub model_days_failures: Family,
}
