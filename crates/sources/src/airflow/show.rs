//! What is known of a server as metrics: the names that dashboards of the older exporters use, true counters, and the one that everybody wants to alert on,
//! `airflow_dag_last_success_timestamp_seconds`.
//!
//! In:    facts and counts that `watcher` and `memory` hold, `now`. Out: families with their samples.
//! Never: a gauge for what was never seen: it is absent.

use std::collections::BTreeMap;

use bellbuoy_vocabulary::{MetricType, Timestamp};

use super::ledger::DagBook;
use super::watcher::Airflow;
use super::wire::Pool;
use crate::family::{Family, family};

/// Values of one server; what is above it is counted and left out, tasks first.
const VALUES_MAX: usize = 100_000;

impl Airflow {
    /// All that is known. `now`: values of XComs go stale by it.
    pub fn families(&self, now: Timestamp) -> Vec<Family> {
        let mut out = self.own();
        out.extend(self.server());
        let mut dropped = 0;
        if let Some(known) = &self.known {
            out.extend(known.xcoms.families(&self.settings.xcoms, now));
            out.extend(self.run_families());
            if self.settings.tasks {
                out.extend(self.task_families());
                self.attempt_families(&mut out);
            }
            if self.settings.old_names {
                out.extend(self.old_families(now));
            }
            let mut left = VALUES_MAX;
            for family in &mut out {
                dropped += family.cut(left);
                left -= family.len().min(left);
            }
        }
        let help = "Values that are left out because there are too many.";
        out.push(single("airflow_exporter_values_dropped", MetricType::Gauge, help, dropped as f64));
        out.retain(|family| !family.is_empty());
        out
    }

    /// How the watching itself goes.
    fn own(&self) -> Vec<Family> {
        let facts = &self.facts;
        let mut out = Vec::new();
        if let Some(up) = facts.up {
            out.push(gauge("airflow_exporter_up", "Whether the last poll of Airflow's API went through.", f64::from(u8::from(up))));
            out.push(gauge("airflow_exporter_poll_duration_seconds", "How long the last poll took.", facts.last_seconds));
        }
        if let Some(at) = facts.last_good {
            let help = "When a poll last went through.";
            out.push(gauge("airflow_exporter_last_poll_success_timestamp_seconds", help, at.seconds()));
        }
        let mut requests =
            Family::new("airflow_exporter_api_requests_total", MetricType::Counter, "Calls of Airflow's API; code none: no answer.");
        for ((endpoint, code), count) in &self.requests {
            requests.add(&[("endpoint", endpoint), ("code", code)], *count as f64);
        }
        out.push(requests);
        if let Some(known) = &self.known {
            for (name, help, value) in [
                ("airflow_exporter_xcom_unusable_total", "XComs that are no number.", known.xcoms.unusable),
                ("airflow_exporter_xcom_missing_total", "XComs that were not there.", known.xcoms.missing),
                ("airflow_exporter_xcom_dropped_total", "XComs that were not read because too many waited.", known.xcoms.dropped),
                (
                    "airflow_exporter_attempts_missed_total",
                    "Task instances whose earlier tries could not be looked up.",
                    known.attempts_missed,
                ),
                ("airflow_exporter_series_dropped_total", "Runs and attempts of more DAGs or tasks than are kept.", known.ledger.dropped),
            ] {
                out.push(single(name, MetricType::Counter, help, value as f64));
            }
        }
        out
    }

    fn server(&self) -> Vec<Family> {
        let facts = &self.facts;
        let mut out = Vec::new();
        if let Some(version) = facts.version.as_deref().filter(|_| facts.up == Some(true)) {
            let mut info = Family::new("airflow_info", MetricType::Gauge, "Airflow's version.");
            info.add(&[("version", version)], 1.0);
            out.push(info);
        }
        for part in &facts.parts {
            if let Some(healthy) = part.healthy {
                out.push(gauge(
                    &format!("airflow_{}_healthy", part.name),
                    "As Airflow's health page has it.",
                    f64::from(u8::from(healthy)),
                ));
            }
            if let Some(at) = part.heartbeat {
                out.push(gauge(&format!("airflow_{}_heartbeat_timestamp_seconds", part.name), "Its last heartbeat.", at.seconds()));
            }
        }
        if let Some(count) = facts.import_errors {
            out.push(gauge("airflow_import_errors", "Files of DAGs that can not be imported.", count as f64));
        }
        type Slots = fn(&Pool) -> Option<f64>;
        let slots: [(&str, Slots); 6] = [
            ("airflow_pool_slots", |pool| pool.slots),
            ("airflow_pool_open_slots", |pool| pool.open_slots),
            ("airflow_pool_running_slots", |pool| pool.running_slots),
            ("airflow_pool_queued_slots", |pool| pool.queued_slots),
            ("airflow_pool_scheduled_slots", |pool| pool.scheduled_slots),
            ("airflow_pool_deferred_slots", |pool| pool.deferred_slots),
        ];
        for (name, of) in slots {
            let mut family = Family::new(name, MetricType::Gauge, "Slots of a pool.");
            for pool in &facts.pools {
                of(pool).into_iter().for_each(|value| family.add(&[("pool", &pool.name)], value));
            }
            out.push(family);
        }
        out.extend(self.going_on());
        if let Some(dags) = &facts.dags {
            out.push(gauge("airflow_dags", "DAGs that are there and counted.", dags.len() as f64));
            let mut paused = Family::new("airflow_dag_paused", MetricType::Gauge, "Whether a DAG is paused.");
            dags.iter().for_each(|(dag, is)| paused.add(&[("dag_id", dag)], f64::from(u8::from(*is))));
            out.push(paused);
        }
        out
    }

    /// Runs that have not ended, and what the database holds.
    fn going_on(&self) -> Vec<Family> {
        let help = "When the run began that has been going on for longest; alert on runs that hang.";
        let mut since = Family::new("airflow_dag_running_since_timestamp_seconds", MetricType::Gauge, help);
        let mut out = Vec::new();
        if let Some((running, count)) = &self.facts.running {
            let mut first: BTreeMap<&str, Timestamp> = BTreeMap::new();
            for run in running {
                let Some(start) = run.start else { continue };
                let known = first.entry(&run.dag).or_insert(start);
                *known = (*known).min(start);
            }
            first.iter().for_each(|(dag, start)| since.add(&[("dag_id", dag)], start.seconds()));
            out.push(gauge("airflow_running_dag_runs", "Runs that go on now.", *count as f64));
        }
        let help = "Runs that Airflow's database holds now; it falls when the database is cleaned up.";
        let mut stored = Family::new("airflow_dag_stored_runs", MetricType::Gauge, help);
        for (dag, state, count) in &self.facts.stats {
            stored.add(&[("dag_id", dag), ("state", state)], *count);
        }
        out.extend([since, stored]);
        out
    }

    fn run_families(&self) -> Vec<Family> {
        let new = |name: &str, kind, help: &str| Family::new(name, kind, help);
        let mut success = new(
            "airflow_dag_last_success_timestamp_seconds",
            MetricType::Gauge,
            "When the last successful run of a DAG ended; alert when it is long ago.",
        );
        let mut state =
            new("airflow_dag_last_run_state", MetricType::Gauge, "1 for the state of the last run that ended, 0 for the other one.");
        let mut start = new("airflow_dag_last_run_start_timestamp_seconds", MetricType::Gauge, "When the last run that ended began.");
        let mut end = new("airflow_dag_last_run_end_timestamp_seconds", MetricType::Gauge, "When the last run ended.");
        let mut length = new("airflow_dag_last_run_duration_seconds", MetricType::Gauge, "How long the last run that ended took.");
        let mut delay = new("airflow_dag_last_run_start_delay_seconds", MetricType::Gauge, "How long the last run that ended was queued.");
        let mut total = new("airflow_dag_runs_total", MetricType::Counter, "Runs that ended since the first contact; each once.");
        let mut duration =
            new("airflow_dag_run_duration_seconds", MetricType::Histogram, "How long runs took that ended since the first contact.");
        for (dag, book) in self.books() {
            let id = ("dag_id", dag);
            if let Some(at) = book.last_success_ms {
                success.add(&[id], at as f64 / 1000.0);
            }
            if let Some(last) = &book.last {
                for word in ["success", "failed"] {
                    state.add(&[id, ("state", word)], f64::from(u8::from(last.state == word)));
                }
                end.add(&[id], last.end_ms as f64 / 1000.0);
                if let Some(began) = last.start_ms {
                    start.add(&[id], began as f64 / 1000.0);
                    length.add(&[id], (last.end_ms - began).max(0) as f64 / 1000.0);
                }
                last.delay_seconds.into_iter().for_each(|seconds| delay.add(&[id], seconds));
            }
            for (word, cell) in &book.runs {
                total.add(&[id, ("state", word)], cell.count as f64);
                duration.add_histogram(&[id, ("state", word)], &cell.durations);
            }
        }
        vec![success, state, start, end, length, delay, total, duration]
    }

    fn task_families(&self) -> Vec<Family> {
        let help = "Tries of tasks that ended since the first contact; each once, a try that is tried again is failed.";
        let mut total = Family::new("airflow_task_attempts_total", MetricType::Counter, help);
        let help = "How long tries of tasks took that ended since the first contact.";
        let mut duration = Family::new("airflow_task_duration_seconds", MetricType::Histogram, help);
        for (dag, book) in self.books() {
            for (task, states) in &book.tasks {
                for (word, cell) in states {
                    let labels = [("dag_id", dag), ("task_id", task.as_str()), ("state", word.as_str())];
                    total.add(&labels, cell.count as f64);
                    if cell.durations.count() > 0 {
                        duration.add_histogram(&labels, &cell.durations);
                    }
                }
            }
        }
        vec![total, duration]
    }

    /// Tries of tasks that were given names of their own.
    fn attempt_families(&self, out: &mut Vec<Family>) {
        for mapping in &self.settings.attempts {
            let books = self.known.iter().filter_map(|known| known.ledger.dags.get(&mapping.dag)?.tasks.get(&mapping.task));
            for (state, cell) in books.flatten().filter(|(state, _)| matches!(state.as_str(), "success" | "failed")) {
                let own = [(mapping.state_label.as_str(), state.as_str())];
                let labels: Vec<(&str, &str)> =
                    mapping.labels.iter().map(|(name, value)| (name.as_str(), value.as_str())).chain(own).collect();
                let from = format!("{}, {}", mapping.dag, mapping.task);
                if let Some(name) = &mapping.metric {
                    family(out, name, MetricType::Counter, format!("Tries of {from} since the first contact."))
                        .add(&labels, cell.count as f64);
                }
                if let Some(name) = &mapping.duration {
                    let help = format!("How long tries of {from} took since the first contact.");
                    family(out, name, MetricType::Histogram, help).add_histogram(&labels, &cell.durations);
                }
            }
        }
    }

    /// Those of DAGs that are there; all, while the list is not known.
    pub(super) fn books(&self) -> impl Iterator<Item = (&str, &DagBook)> {
        let all = self.known.iter().flat_map(|known| &known.ledger.dags);
        let there = self.facts.dags.as_ref();
        all.filter(move |(dag, _)| there.is_none_or(|there| there.contains_key(*dag)) && self.settings.counts(dag))
            .map(|(dag, book)| (dag.as_str(), book))
    }
}

pub(super) fn gauge(name: &str, help: &str, value: f64) -> Family {
    single(name, MetricType::Gauge, help, value)
}

fn single(name: &str, kind: MetricType, help: &str, value: f64) -> Family {
    let mut family = Family::new(name, kind, help);
    family.add(&[], value);
    family
}
