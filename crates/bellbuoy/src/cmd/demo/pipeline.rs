//! The demo's pipeline as Airflow's exporter would tell of it: three jobs, counted and timed as they really run.
//!
//! In:    what the player did: hours fetched, predictions made, a challenger compared. Out: `/metrics` on a port of its own, under the names
//!        that bellbuoy.yml of the stack gives to the pipeline's DAGs and XComs.
//! Never: counts something that the player did not do.

use std::collections::{BTreeMap, VecDeque};
use std::net::SocketAddr;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use axum::Router;
use axum::response::IntoResponse;
use axum::routing::get;
use bellbuoy_demo::api::TrainResponse;
use bellbuoy_sources::{Family, Histogram, text};
use bellbuoy_vocabulary::MetricType::{self, Counter, Gauge};
use tokio::net::TcpListener;

/// A day: the daily prediction is compared with the true values of its hours.
const HOURS: usize = 24;

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Job {
    Fetch,
    Predict,
    Monitor,
}

impl Job {
    fn dag(self) -> &'static str {
        match self {
            Job::Fetch => "daily_fetch_bike_data",
            Job::Predict => "daily_prediction",
            Job::Monitor => "monitor_and_fine_tune",
        }
    }
}

#[derive(Clone, Default)]
pub struct Pipeline(Arc<Mutex<Book>>);

#[derive(Default)]
struct Book {
    runs: BTreeMap<Job, Runs>,
    records: u64,
    predictions: u64,
    prediction_seconds: f64,
    /// True values and what was predicted for them.
    pairs: VecDeque<(f64, f64)>,
    trainings: BTreeMap<&'static str, Histogram>,
    compared: Option<Compared>,
}

#[derive(Default)]
struct Runs {
    succeeded: Histogram,
    failed: Histogram,
    last_failed: bool,
}

/// R2 of the last comparison.
struct Compared {
    champion: [Option<f64>; 2],
    challenger: [Option<f64>; 2],
}

impl Pipeline {
    /// Serves its page; the address is free.
    pub async fn start() -> std::io::Result<(Pipeline, SocketAddr)> {
        let listener = TcpListener::bind("127.0.0.1:0").await?;
        let address = listener.local_addr()?;
        let pipeline = Pipeline::default();
        let shown = pipeline.clone();
        let page = move || {
            let body = text(&shown.lock().families());
            async move { ([("content-type", "text/plain; version=0.0.4; charset=utf-8")], body).into_response() }
        };
        tokio::spawn(async move {
            if let Err(error) = axum::serve(listener, Router::new().route("/metrics", get(page))).await {
                tracing::error!("the pipeline's page ended: {error}");
            }
        });
        Ok((pipeline, address))
    }

    pub fn ran(&self, job: Job, took: Duration, succeeded: bool) {
        let mut book = self.lock();
        let runs = book.runs.entry(job).or_default();
        let outcome = if succeeded { &mut runs.succeeded } else { &mut runs.failed };
        outcome.observe(took.as_secs_f64());
        runs.last_failed = !succeeded;
    }

    pub fn fetched(&self, records: usize) {
        self.lock().records += records as u64;
    }

    pub fn predicted(&self, predictions: usize, took: Duration) {
        let mut book = self.lock();
        book.predictions += predictions as u64;
        book.prediction_seconds = took.as_secs_f64();
    }

    pub fn known(&self, truth: f64, prediction: f64) {
        let mut book = self.lock();
        book.pairs.push_back((truth, prediction));
        if book.pairs.len() > HOURS {
            book.pairs.pop_front();
        }
    }

    /// A training ended; without an answer it failed.
    pub fn trained(&self, took: Duration, answer: Option<&TrainResponse>) {
        let mut book = self.lock();
        let status = if answer.is_some() { "success" } else { "failed" };
        book.trainings.entry(status).or_default().observe(took.as_secs_f64());
        if let Some(answer) = answer {
            book.compared = Some(Compared {
                champion: [answer.baseline.champion.r2, answer.current.champion.r2],
                challenger: [answer.baseline.challenger.r2, answer.current.challenger.r2],
            });
        }
    }

    fn lock(&self) -> MutexGuard<'_, Book> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Book {
    fn families(&self) -> Vec<Family> {
        let mut out = vec![one("airflow_exporter_up", Gauge, "1: the pipeline tells of itself.", 1.0)];
        out.extend(self.runs());
        out.push(one("bike_records_ingested_total", Counter, "Hours that were fetched and stored.", self.records as f64));
        out.push(one("bike_api_records_fetched_total", Counter, "Hours that were fetched.", self.records as f64));
        out.push(one("bike_predictions_generated_total", Counter, "Predictions made.", self.predictions as f64));
        let seconds = self.prediction_seconds;
        out.push(one("bike_prediction_api_duration_seconds", Gauge, "How long the last call of the model service took.", seconds));
        if let Some(score) = bellbuoy_demo::score(self.pairs.iter().copied()) {
            out.extend(score.r2.map(|r2| one("bike_prediction_r2", Gauge, "R2 of the last day's predictions.", r2)));
            out.push(one("bike_prediction_rmse", Gauge, "RMSE of the last day's predictions.", score.rmse));
            out.push(one("bike_prediction_mae", Gauge, "MAE of the last day's predictions.", score.mae));
        }
        let mut trainings = Family::new("bike_training_duration_seconds", MetricType::Histogram, "How long trainings took.");
        for (status, durations) in &self.trainings {
            trainings.add_histogram(&[("status", status)], durations);
        }
        out.push(trainings);
        let compared = self.compared.iter().flat_map(|compared| [("champion", compared.champion), ("challenger", compared.challenger)]);
        for (role, scores) in compared {
            for (set, r2) in ["baseline", "current"].into_iter().zip(scores) {
                let name = format!("bike_model_r2_{role}_{set}");
                out.extend(r2.map(|r2| one(&name, Gauge, "R2 in the last comparison.", r2)));
            }
        }
        out
    }

    fn runs(&self) -> [Family; 3] {
        let mut total = Family::new("airflow_dag_runs_total", Counter, "Runs that ended.");
        let mut duration = Family::new("airflow_dag_run_duration_seconds", MetricType::Histogram, "How long runs took that ended.");
        let mut last = Family::new("airflow_dag_last_run_state", Gauge, "1 for the state of the last run that ended, 0 for the other one.");
        for (job, runs) in &self.runs {
            for (state, durations, is_last) in [("success", &runs.succeeded, !runs.last_failed), ("failed", &runs.failed, runs.last_failed)]
            {
                let labels = [("dag_id", job.dag()), ("state", state)];
                total.add(&labels, durations.count() as f64);
                duration.add_histogram(&labels, durations);
                last.add(&labels, f64::from(u8::from(is_last)));
            }
        }
        [total, duration, last]
    }
}

fn one(name: &str, kind: MetricType, help: &str, value: f64) -> Family {
    let mut family = Family::new(name, kind, help);
    family.add(&[], value);
    family
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_not_done_is_not_told_and_what_was_is_counted_once() {
        let pipeline = Pipeline::default();
        let page = text(&pipeline.lock().families());
        assert!(!page.contains("bike_prediction_r2") && !page.contains("bike_model_r2") && !page.contains("dag_id"), "{page}");

        pipeline.ran(Job::Fetch, Duration::from_secs(2), true);
        pipeline.ran(Job::Fetch, Duration::from_secs(4), false);
        for hour in 0..30 {
            pipeline.known(f64::from(hour), 0.0);
        }
        let page = text(&pipeline.lock().families());
        for line in [
            r#"airflow_dag_runs_total{dag_id="daily_fetch_bike_data",state="success"} 1"#,
            r#"airflow_dag_runs_total{dag_id="daily_fetch_bike_data",state="failed"} 1"#,
            r#"airflow_dag_last_run_state{dag_id="daily_fetch_bike_data",state="failed"} 1"#,
            r#"airflow_dag_run_duration_seconds_sum{dag_id="daily_fetch_bike_data",state="failed"} 4"#,
            // The last 24 of the 30 hours: 6 to 29.
            "bike_prediction_mae 17.5",
        ] {
            assert!(page.contains(line), "{line}\n{page}");
        }
    }
}
