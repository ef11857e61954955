//! Names that dashboards of other exporters ask for, made of what is known: the plugin airflow-exporter, airflow-prometheus-exporter, StatsD behind
//! statsd_exporter, and OpenTelemetry. An option, because they say less than our own: most are gauges that nobody can take a rate of.
//!
//! Not here, because the API does not tell them: owners, executor slots, heartbeats as a counter, dependency checks, delays of tasks, `airflow_xcom_parameter`
//! (map the XCom instead).

use bellbuoy_vocabulary::{MetricType, Timestamp};

use super::watcher::Airflow;
use crate::family::Family;

impl Airflow {
    pub(super) fn old_families(&self, now: Timestamp) -> Vec<Family> {
        let mut out = self.old_runs(now);
        out.extend(self.old_tasks());
        out.extend(self.old_server());
        out
    }

    fn old_runs(&self, now: Timestamp) -> Vec<Family> {
        let mut status = old("airflow_dag_status", "airflow_dag_stored_runs");
        for (dag, state, count) in &self.facts.stats {
            status.add(&[("dag_id", dag), ("status", state)], *count);
        }
        let mut running = old("airflow_dag_run_duration", "airflow_dag_running_since_timestamp_seconds");
        let mut seen: Vec<&str> = Vec::new();
        // The one that began first comes first.
        for run in self.facts.running.iter().flat_map(|(runs, _)| runs) {
            if let Some(start) = run.start.filter(|_| !seen.contains(&run.dag.as_str())) {
                seen.push(&run.dag);
                running.add(&[("dag_id", &run.dag)], (now - start).seconds().max(0.0));
            }
        }
        let mut last_status = old("airflow_dag_last_status", "airflow_dag_last_run_state");
        let mut delay = old("airflow_dag_scheduler_delay", "airflow_dag_last_run_start_delay_seconds");
        let mut schedule_delay = old("airflow_dagrun_schedule_delay", "airflow_dag_last_run_start_delay_seconds");
        let mut otel = [
            old("airflow_dagrun_duration_success", "airflow_dag_last_run_duration_seconds"),
            old("airflow_dagrun_duration_failed", "airflow_dag_last_run_duration_seconds"),
        ];
        let mut good = summary("airflow_dagrun_duration", "airflow_dag_run_duration_seconds");
        let mut bad = summary("airflow_dagrun_failed", "airflow_dag_run_duration_seconds");
        for (dag, book) in self.books() {
            let id = ("dag_id", dag);
            if let Some(last) = &book.last {
                for word in ["success", "failed"] {
                    last_status.add(&[id, ("status", word)], f64::from(u8::from(last.state == word)));
                }
                if let Some(seconds) = last.delay_seconds {
                    delay.add(&[id], seconds);
                    schedule_delay.add(&[id], seconds);
                }
                if let Some(began) = last.start_ms {
                    let seconds = (last.end_ms - began).max(0) as f64 / 1000.0;
                    otel[usize::from(last.state == "failed")].add(&[id], seconds);
                }
            }
            for (word, family) in [("success", &mut good), ("failed", &mut bad)] {
                book.runs.get(word).into_iter().for_each(|cell| family.add_summary(&[id], &cell.durations));
            }
        }
        let mut out = vec![status, running, last_status, delay, schedule_delay, good, bad];
        out.extend(otel);
        out
    }

    fn old_tasks(&self) -> Vec<Family> {
        let mut status = old("airflow_task_status", "airflow_task_attempts_total");
        let mut fails = old("airflow_task_fail_count", "airflow_task_attempts_total");
        let mut finish = counter("airflow_ti_finish_total", "airflow_task_attempts_total");
        let mut duration = summary("airflow_task_duration", "airflow_task_duration_seconds");
        let (mut successes, mut failures) = (0, 0);
        for (dag, book) in self.books().filter(|_| self.settings.tasks) {
            for (task, states) in &book.tasks {
                let id = [("dag_id", dag), ("task_id", task.as_str())];
                for (word, cell) in states {
                    status.add(&[id[0], id[1], ("status", word)], cell.count as f64);
                    finish.add(&[id[0], id[1], ("state", word)], cell.count as f64);
                }
                let count = |word: &str| states.get(word).map_or(0, |cell| cell.count);
                (successes, failures) = (successes + count("success"), failures + count("failed"));
                if count("failed") > 0 {
                    fails.add(&id, count("failed") as f64);
                }
                states.get("success").into_iter().for_each(|cell| duration.add_summary(&id, &cell.durations));
            }
        }
        let mut out = vec![status, fails, finish, duration];
        if self.settings.tasks {
            for (name, count) in [("airflow_ti_successes", successes), ("airflow_ti_failures", failures)] {
                let mut family = old(name, "airflow_task_attempts_total");
                family.add(&[], count as f64);
                out.push(family);
            }
        }
        let mut operators = [
            old("airflow_operator_successes", "airflow_task_attempts_total"),
            old("airflow_operator_failures", "airflow_task_attempts_total"),
        ];
        for (operator, (good, bad)) in self.known.iter().flat_map(|known| &known.ledger.operators) {
            operators[0].add(&[("operator", operator)], *good as f64);
            operators[1].add(&[("operator", operator)], *bad as f64);
        }
        out.extend(operators);
        out
    }

    fn old_server(&self) -> Vec<Family> {
        let mut used = old("airflow_pool_used_slots", "airflow_pool_running_slots");
        let mut queued = old("airflow_num_queued_tasks", "airflow_pool_queued_slots");
        for pool in &self.facts.pools {
            pool.running_slots.into_iter().for_each(|slots| used.add(&[("pool", &pool.name)], slots));
        }
        if !self.facts.pools.is_empty() {
            queued.add(&[], self.facts.pools.iter().filter_map(|pool| pool.queued_slots).sum());
        }
        vec![used, queued]
    }
}

fn old(name: &str, ours: &str) -> Family {
    Family::new(name, MetricType::Gauge, format!("An older exporter's name; better: {ours}."))
}

fn counter(name: &str, ours: &str) -> Family {
    Family::new(name, MetricType::Counter, format!("An older exporter's name; better: {ours}."))
}

fn summary(name: &str, ours: &str) -> Family {
    Family::new(name, MetricType::Summary, format!("An older exporter's name; better: {ours}."))
}
