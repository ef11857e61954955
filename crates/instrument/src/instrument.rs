//! The metric families of a machine-learning service, under the names that the ready-made rules and dashboards use.
//!
//! In:    what a service calls when something happened. Out: families in its registry.
//! Never: blocks or fails a request: a call is some atomic numbers; label sets above the bound are counted under `other`.

use std::borrow::Cow;
use std::collections::{HashMap, HashSet};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use http::header::HeaderMap;

use crate::exposition::{self, Format};
use crate::family::{Counter, Family, Gauge, Histogram, Tally};
use crate::layer::{PathOf, RequestLayer};
use crate::registry::{MetricError, Registry};
use crate::requests::Requests;

/// Prediction latency in seconds: a model answers in microseconds to seconds.
const PREDICTION_SECONDS: [f64; 14] = [0.0001, 0.0005, 0.001, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0];
/// Training duration in seconds: from a demo to an hour.
const TRAINING_SECONDS: [f64; 12] = [0.1, 0.5, 1.0, 5.0, 10.0, 30.0, 60.0, 120.0, 300.0, 600.0, 1800.0, 3600.0];
/// Rows in one request.
const BATCH_ROWS: [f64; 9] = [1.0, 2.0, 5.0, 10.0, 50.0, 100.0, 500.0, 1000.0, 5000.0];
/// `error_type` of a prediction whose timer was dropped: the client went away, or the handler panicked or forgot it.
const CANCELLED: &str = "cancelled";

/// A prediction service's metrics. Cheap to clone; clones share the numbers.
///
/// Counters that an alert looks at exist from the start with 0, so that `increase()` sees the first failure. Gauges
/// (drift, R2, RMSE) are absent until they are set: nothing measured is not the same as 0. A figure that is not finite is
/// nothing measured.
#[derive(Clone)]
pub struct Instrument(Arc<Families>);

/// How a training run ended: the `status` label of `training_runs_total`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum TrainingOutcome {
    Success,
    Failure,
}

/// A regression's figures on its last evaluation. What is `None` is unknown, and has no series.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub struct Scores {
    pub r2: Option<f64>,
    pub rmse: Option<f64>,
    pub mae: Option<f64>,
}

/// The metrics of one model: `Instrument::model`.
#[derive(Clone)]
pub struct ModelMetrics {
    families: Arc<Families>,
    model_type: String,
}

/// A prediction request that is being answered: `Instrument::prediction`. Dropped without a word it is an error `cancelled`.
#[must_use = "say what came of it: `answered` or `failed`"]
pub struct PredictionTimer {
    families: Arc<Families>,
    start: Instant,
    told: bool,
}

pub(crate) struct Families {
    registry: Registry,
    predictions: Counter,
    prediction_latency: Histogram,
    prediction_rows: Histogram,
    predictions_by_severity: Family<Tally, 1>,
    prediction_errors: Family<Counter, 1>,
    data_drift: Family<Gauge, 0>,
    feature_drift: Family<Gauge, 1>,
    /// Which features have a series, so that those that are no longer named end.
    features: Mutex<HashSet<String>>,
    training_runs: Family<Counter, 1>,
    training_duration: Histogram,
    training_last_success: Family<Gauge, 0>,
    drift_detected: Family<Gauge, 0>,
    drift_share: Family<Gauge, 0>,
    drifted_features: Family<Gauge, 0>,
    model_r2: Family<Gauge, 1>,
    model_rmse: Family<Gauge, 1>,
    model_mae: Family<Gauge, 1>,
    model_info: Family<Gauge, 2>,
    model_loaded: Family<Gauge, 1>,
    /// The version that each model type has a series of.
    versions: Mutex<HashMap<String, String>>,
    requests: Arc<Requests>,
    #[cfg(feature = "logging")]
    log: crate::logging::LogFamilies,
}

impl Instrument {
    /// All families in a registry of their own.
    pub fn new() -> Instrument {
        Instrument::in_registry(Registry::new()).expect("an empty registry has none of these names")
    }

    /// All families in a registry that has others already; an error when a name is taken.
    pub fn in_registry(registry: Registry) -> Result<Instrument, MetricError> {
        let families = Families::register(registry)?;
        for outcome in [TrainingOutcome::Success, TrainingOutcome::Failure] {
            families.training_runs.with([outcome.label()]);
        }
        families.prediction_errors.with([CANCELLED]);
        Ok(Instrument(Arc::new(families)))
    }

    /// For metrics of the service's own.
    pub fn registry(&self) -> &Registry {
        &self.0.registry
    }

    /// Counts requests: `api_requests_total`, `fastapi_requests_total`, `fastapi_request_duration_seconds`, `fastapi_errors_total`,
    /// `fastapi_requests_in_progress`. Give it to `axum::Router::layer` after the routes: only then it knows the route's pattern.
    #[cfg(feature = "axum")]
    pub fn layer(&self) -> RequestLayer {
        self.layer_with(|_, extensions| Some(extensions.get::<axum::extract::MatchedPath>()?.as_str().into()))
    }

    /// As `layer`, for routers other than axum's: the function says which pattern a request's path has, such as `/items/{id}`.
    /// `None` is counted as `unmatched`. Never answer with the path itself: each wrong address would make series of its own.
    pub fn layer_with(
        &self,
        path_of: impl for<'a> Fn(&'a http::Uri, &'a http::Extensions) -> Option<Cow<'a, str>> + Send + Sync + 'static,
    ) -> RequestLayer {
        let path_of: Arc<PathOf> = Arc::new(path_of);
        RequestLayer::new(self.0.requests.clone(), path_of)
    }

    /// A prediction request begins. For those that answer many rows at once as well.
    pub fn prediction(&self) -> PredictionTimer {
        PredictionTimer { families: self.0.clone(), start: Instant::now(), told: false }
    }

    /// `count` predictions answered at once, in `latency` together.
    pub fn predictions(&self, count: u64, latency: Duration) {
        self.0.answered(count, latency);
    }

    /// Predictions by their outcome, where that is a severity class.
    pub fn severity(&self, severity: &str, count: u64) {
        self.0.predictions_by_severity.with([severity]).0.inc_by(count);
    }

    /// A prediction that could not be made. Use few, fixed `error_type`s.
    pub fn prediction_error(&self, error_type: &str) {
        self.0.prediction_errors.with([error_type]).inc();
    }

    /// Makes `prediction_errors_total{error_type}` exist with 0, so that the first error is seen as an increase.
    pub fn expect_prediction_errors(&self, error_types: &[&str]) {
        for error_type in error_types {
            self.0.prediction_errors.with([error_type]);
        }
    }

    /// Drift scores, 0 to 1, overall and by feature. Features that are no longer named end their series.
    pub fn drift_scores<'a>(&self, overall: f64, features: impl IntoIterator<Item = (&'a str, f64)>) {
        set(&self.0.data_drift, [], Some(overall));
        let mut known = self.0.features.lock().unwrap_or_else(PoisonError::into_inner);
        let mut named = HashSet::new();
        for (feature, score) in features {
            set(&self.0.feature_drift, [feature], Some(score));
            named.insert(feature.to_owned());
        }
        for gone in known.difference(&named) {
            self.0.feature_drift.remove([gone]);
        }
        *known = named;
    }

    /// The verdict: whether there is drift, the share of drifted features (0 to 1) and their number.
    pub fn drift(&self, detected: bool, share: f64, features: usize) {
        set(&self.0.drift_detected, [], Some(f64::from(u8::from(detected))));
        set(&self.0.drift_share, [], Some(share));
        set(&self.0.drifted_features, [], Some(features as f64));
    }

    /// Nothing is known of drift any more: too few rows, no reference. The series end; nobody takes an old verdict for today's.
    pub fn drift_unknown(&self) {
        for family in [&self.0.drift_detected, &self.0.drift_share, &self.0.drifted_features, &self.0.data_drift] {
            family.remove([]);
        }
        for gone in self.0.features.lock().unwrap_or_else(PoisonError::into_inner).drain() {
            self.0.feature_drift.remove([&gone]);
        }
    }

    pub fn training(&self, outcome: TrainingOutcome, duration: Duration) {
        self.0.training_runs.with([outcome.label()]).inc();
        self.0.training_duration.observe(duration.as_secs_f64());
        if outcome == TrainingOutcome::Success {
            set(&self.0.training_last_success, [], now_s());
        }
    }

    /// A model by its role (`champion`, `challenger`) or kind: the label `model_type`.
    pub fn model(&self, model_type: &str) -> ModelMetrics {
        ModelMetrics { families: self.0.clone(), model_type: model_type.to_owned() }
    }

    #[cfg(feature = "logging")]
    pub(crate) fn log_families(&self) -> &crate::logging::LogFamilies {
        &self.0.log
    }

    /// The body of `/metrics`. `Format::content_type` is its type.
    pub fn render(&self, format: Format) -> String {
        self.0.registry.render(format)
    }

    /// The answer to a scrape, in the format that its headers ask for: OpenMetrics 1.0 or the text format 0.0.4.
    pub fn scrape(&self, headers: &HeaderMap) -> http::Response<String> {
        exposition::answer(headers, |format| self.render(format))
    }

    /// The route for `/metrics`.
    #[cfg(feature = "axum")]
    pub fn metrics_route<S: Clone + Send + Sync + 'static>(&self) -> axum::routing::MethodRouter<S> {
        let instrument = self.clone();
        axum::routing::get(move |headers: HeaderMap| std::future::ready(instrument.scrape(&headers)))
    }
}

impl Default for Instrument {
    fn default() -> Self {
        Instrument::new()
    }
}

impl TrainingOutcome {
    pub fn label(self) -> &'static str {
        match self {
            TrainingOutcome::Success => "success",
            TrainingOutcome::Failure => "failure",
        }
    }
}

impl ModelMetrics {
    /// The scores of the last evaluation; those that are unknown end their series.
    pub fn scores(&self, scores: Scores) {
        set(&self.families.model_r2, [&self.model_type], scores.r2);
        set(&self.families.model_rmse, [&self.model_type], scores.rmse);
        set(&self.families.model_mae, [&self.model_type], scores.mae);
    }

    /// The version that serves now, in `model_info`, and since when.
    pub fn version(&self, version: &str) {
        let mut versions = self.families.versions.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(before) = versions.insert(self.model_type.clone(), version.to_owned()) {
            self.families.model_info.remove([&self.model_type, &before]);
        }
        set(&self.families.model_info, [&self.model_type, version], Some(1.0));
        set(&self.families.model_loaded, [&self.model_type], now_s());
    }

    /// There is no model of this type any more: its series end, so that nobody takes its last scores for today's.
    pub fn gone(&self) {
        self.scores(Scores::default());
        set(&self.families.model_loaded, [&self.model_type], None);
        let before = self.families.versions.lock().unwrap_or_else(PoisonError::into_inner).remove(&self.model_type);
        if let Some(version) = before {
            self.families.model_info.remove([&self.model_type, &version]);
        }
    }
}

impl PredictionTimer {
    /// `rows` predictions were made.
    pub fn answered(mut self, rows: u64) {
        self.told = true;
        self.families.answered(rows, self.start.elapsed());
    }

    /// None was made. Use few, fixed `error_type`s.
    pub fn failed(mut self, error_type: &str) {
        self.told = true;
        self.families.prediction_errors.with([error_type]).inc();
    }
}

impl Drop for PredictionTimer {
    fn drop(&mut self) {
        if !self.told {
            self.families.prediction_errors.with([CANCELLED]).inc();
        }
    }
}

impl Families {
    fn answered(&self, rows: u64, latency: Duration) {
        self.predictions.inc_by(rows);
        self.prediction_latency.observe(latency.as_secs_f64());
        self.prediction_rows.observe(rows as f64);
    }

    #[rustfmt::skip] // a table
    fn register(registry: Registry) -> Result<Families, MetricError> {
        let r = &registry;
        let severity = "predictions_by_severity";
        Ok(Families {
            predictions: r.counter("predictions_total", "Predictions served", [])?.with([]),
            prediction_latency: r.histogram("prediction_latency_seconds", "Time to answer a prediction request", [], &PREDICTION_SECONDS)?.with([]),
            prediction_rows: r.histogram("prediction_batch_rows", "Rows in a prediction request", [], &BATCH_ROWS)?.with([]),
            predictions_by_severity: r.register(severity, severity, "Predictions by severity level", ["severity"], &[], |_| Tally::default())?,
            prediction_errors: r.counter("prediction_errors_total", "Predictions that failed, by type of error", ["error_type"])?,
            data_drift: r.gauge("data_drift_score", "Overall data drift score, 0 to 1", [])?,
            feature_drift: r.gauge("feature_drift", "Drift score by feature, 0 to 1", ["feature"])?,
            features: Mutex::default(),
            training_runs: r.counter("training_runs_total", "Training runs by outcome", ["status"])?,
            training_duration: r.histogram("training_duration_seconds", "Time of a training run", [], &TRAINING_SECONDS)?.with([]),
            training_last_success: r.gauge("training_last_success_timestamp_seconds", "When a training run last succeeded", [])?,
            drift_detected: r.gauge("drift_detected", "1 when data drift is detected, else 0", [])?,
            drift_share: r.gauge("drift_share", "Share of features that drifted, 0 to 1", [])?,
            drifted_features: r.gauge("drifted_features_count", "Number of features that drifted", [])?,
            model_r2: r.gauge("model_r2_score", "R2 of the model on its last evaluation", ["model_type"])?,
            model_rmse: r.gauge("model_rmse", "RMSE of the model on its last evaluation", ["model_type"])?,
            model_mae: r.gauge("model_mae", "MAE of the model on its last evaluation", ["model_type"])?,
            model_info: r.gauge("model_info", "1 for the version of the model that is loaded", ["model_type", "version"])?,
            model_loaded: r.gauge("model_loaded_timestamp_seconds", "When the model's version was loaded", ["model_type"])?,
            versions: Mutex::default(),
            requests: Arc::new(Requests::register(r)?),
            #[cfg(feature = "logging")]
            log: crate::logging::LogFamilies::register(r)?,
            registry,
        })
    }
}

/// What is not there or not finite ends its series.
fn set<const N: usize>(family: &Family<Gauge, N>, labels: [&str; N], value: Option<f64>) {
    match value.filter(|value| value.is_finite()) {
        Some(value) => {
            family.with(labels).set(value);
        }
        None => family.remove(labels),
    }
}

fn now_s() -> Option<f64> {
    SystemTime::now().duration_since(UNIX_EPOCH).ok().map(|since| since.as_millis() as f64 / 1000.0)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn has(instrument: &Instrument, line: &str) {
        let text = instrument.render(Format::Text);
        assert!(text.lines().any(|have| have == line), "no {line:?} in\n{text}");
    }

    /// Names and label names as in the mission's tables.
    #[test]
    fn every_family_has_its_exact_name() {
        let instrument = Instrument::new();
        instrument.predictions(3, Duration::from_millis(2));
        instrument.severity("4", 1);
        instrument.prediction_error("invalid_input");
        instrument.drift_scores(0.35, [("month", 0.45)]);
        instrument.drift(true, 0.54, 8);
        instrument.training(TrainingOutcome::Failure, Duration::from_secs(3));
        instrument.model("champion").scores(Scores { r2: Some(0.72), rmse: Some(61.5), mae: Some(40.0) });
        instrument.model("champion").version("7");
        for line in [
            "# TYPE predictions_total counter",
            "predictions_total 3",
            "prediction_latency_seconds_bucket{le=\"0.005\"} 1",
            "prediction_batch_rows_bucket{le=\"2.0\"} 0",
            "prediction_batch_rows_bucket{le=\"5.0\"} 1",
            "predictions_by_severity{severity=\"4\"} 1",
            "prediction_errors_total{error_type=\"invalid_input\"} 1",
            "prediction_errors_total{error_type=\"cancelled\"} 0",
            "data_drift_score 0.35",
            "feature_drift{feature=\"month\"} 0.45",
            "training_runs_total{status=\"failure\"} 1",
            "training_runs_total{status=\"success\"} 0",
            "training_duration_seconds_count 1",
            "drift_detected 1.0",
            "drift_share 0.54",
            "drifted_features_count 8.0",
            "model_r2_score{model_type=\"champion\"} 0.72",
            "model_rmse{model_type=\"champion\"} 61.5",
            "model_mae{model_type=\"champion\"} 40.0",
            "model_info{model_type=\"champion\",version=\"7\"} 1.0",
        ] {
            has(&instrument, line);
        }
        let open_metrics = instrument.render(Format::OpenMetrics);
        // The same names in both formats, although OpenMetrics knows counters by another ending.
        for line in ["# TYPE predictions_by_severity unknown", "predictions_by_severity{severity=\"4\"} 1", "predictions_total 3", "# EOF"]
        {
            assert!(open_metrics.lines().any(|have| have == line), "no {line:?} in\n{open_metrics}");
        }
    }

    #[test]
    fn gauges_are_absent_until_set_and_when_nothing_is_known() {
        let instrument = Instrument::new();
        let names = ["drift_detected", "drift_share", "drifted", "data_drift_score", "model_", "feature_drift", "training_last"];
        let absent = |instrument: &Instrument| {
            let text = instrument.render(Format::Text);
            for name in names {
                assert!(!text.lines().any(|line| line.starts_with(name)), "{name} without a measurement\n{text}");
            }
        };
        absent(&instrument);
        instrument.drift_scores(f64::NAN, [("a", f64::INFINITY)]);
        instrument.model("champion").scores(Scores { r2: Some(f64::NEG_INFINITY), rmse: Some(f64::NAN), mae: None });
        absent(&instrument);
        instrument.drift_scores(0.5, [("a", 0.1)]);
        instrument.drift(true, 0.5, 1);
        instrument.model("champion").scores(Scores { r2: Some(0.1), ..Scores::default() });
        instrument.model("champion").version("1");
        instrument.drift_unknown();
        instrument.model("champion").gone();
        absent(&instrument);
    }

    #[test]
    fn features_that_are_gone_end() {
        let instrument = Instrument::new();
        instrument.drift_scores(0.1, [("hour", 0.1), ("year", 0.2)]);
        instrument.drift_scores(0.1, [("year", 0.3)]);
        has(&instrument, "feature_drift{feature=\"year\"} 0.3");
        assert!(!instrument.render(Format::Text).contains("hour"));
    }

    #[test]
    fn a_version_ends_the_one_before() {
        let instrument = Instrument::new();
        instrument.model("champion").version("1");
        instrument.model("challenger").version("2");
        instrument.model("champion").version("2");
        has(&instrument, "model_info{model_type=\"champion\",version=\"2\"} 1.0");
        assert!(!instrument.render(Format::Text).contains("version=\"1\""));
    }

    #[test]
    fn a_prediction_ends_in_one_way() {
        let instrument = Instrument::new();
        instrument.prediction().answered(5);
        instrument.prediction().failed("model");
        drop(instrument.prediction());
        for line in [
            "predictions_total 5",
            "prediction_latency_seconds_count 1",
            "prediction_errors_total{error_type=\"model\"} 1",
            "prediction_errors_total{error_type=\"cancelled\"} 1",
        ] {
            has(&instrument, line);
        }
    }

    #[test]
    fn a_taken_name_is_an_error() {
        let registry = Registry::new();
        registry.gauge("drift_share", "", []).expect("a good name");
        assert_eq!(Instrument::in_registry(registry).err(), Some(MetricError::Taken("drift_share".into())));
    }
}
