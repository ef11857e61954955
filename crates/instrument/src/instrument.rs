//! The metric families of a machine-learning service, under the names that the ready-made rules and dashboards use.

use std::sync::Arc;
use std::time::Duration;

use crate::layer::RequestLayer;
use crate::metric::{Counter, Gauge, Histogram};
use crate::registry::{Family, MetricError, Registry};

/// Prediction latency in seconds: a model answers in microseconds to seconds.
const PREDICTION_SECONDS: [f64; 14] = [0.0001, 0.0005, 0.001, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0];
/// Request duration in seconds: the buckets of Prometheus' client libraries.
const REQUEST_SECONDS: [f64; 12] = [0.001, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0];
/// Training duration in seconds: from a demo to an hour.
const TRAINING_SECONDS: [f64; 12] = [0.1, 0.5, 1.0, 5.0, 10.0, 30.0, 60.0, 120.0, 300.0, 600.0, 1800.0, 3600.0];

/// A prediction service's metrics. Cheap to clone; clones share the numbers.
///
/// Counters that an alert looks at exist from the start with 0, so that `increase()` sees the first failure. Gauges
/// (drift, R2, RMSE) are absent until they are set: nothing measured is not the same as 0.
#[derive(Clone)]
pub struct Instrument(Arc<Families>);

/// How a training run ended: the `status` label of `training_runs_total`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum TrainingOutcome {
    Success,
    Failure,
}

pub(crate) struct Families {
    registry: Registry,
    predictions: Arc<Counter>,
    prediction_latency: Arc<Histogram>,
    predictions_by_severity: Family<Counter, 1>,
    prediction_errors: Family<Counter, 1>,
    data_drift: Family<Gauge, 0>,
    feature_drift: Family<Gauge, 1>,
    training_runs: Family<Counter, 1>,
    training_duration: Arc<Histogram>,
    drift_detected: Family<Gauge, 0>,
    drift_share: Family<Gauge, 0>,
    drifted_features: Family<Gauge, 0>,
    model_r2: Family<Gauge, 1>,
    model_rmse: Family<Gauge, 1>,
    pub(crate) api_requests: Family<Counter, 3>,
    pub(crate) requests: Family<Counter, 3>,
    pub(crate) request_duration: Family<Histogram, 2>,
    pub(crate) errors: Family<Counter, 2>,
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
        Ok(Instrument(Arc::new(families)))
    }

    /// For metrics of the service's own.
    pub fn registry(&self) -> &Registry {
        &self.0.registry
    }

    /// Counts requests: `api_requests_total`, `fastapi_requests_total`, `fastapi_request_duration_seconds`, `fastapi_errors_total`.
    /// Give it to `axum::Router::layer` after the routes: only then it knows the route's pattern.
    pub fn layer(&self) -> RequestLayer {
        RequestLayer::new(self.0.clone())
    }

    /// `count` predictions answered at once, in `latency` together.
    pub fn predictions(&self, count: u64, latency: Duration) {
        self.0.predictions.add(count as f64);
        self.0.prediction_latency.observe(latency.as_secs_f64());
    }

    /// Predictions by their outcome, where that is a severity class.
    pub fn severity(&self, severity: &str, count: u64) {
        self.0.predictions_by_severity.with([severity]).add(count as f64);
    }

    /// A prediction that could not be made. Use few, fixed `error_type`s.
    pub fn prediction_error(&self, error_type: &str) {
        self.0.prediction_errors.with([error_type]).increment();
    }

    /// Makes `prediction_errors_total{error_type}` exist with 0, so that the first error is seen as an increase.
    pub fn expect_prediction_errors(&self, error_types: &[&str]) {
        for error_type in error_types {
            self.0.prediction_errors.with([error_type]);
        }
    }

    /// Drift scores, 0 to 1, overall and by feature. Features that are no longer named end their series.
    pub fn drift_scores<'a>(&self, overall: f64, features: impl IntoIterator<Item = (&'a str, f64)>) {
        self.0.data_drift.with([]).set(overall);
        self.0.feature_drift.clear();
        for (feature, score) in features {
            self.0.feature_drift.with([feature]).set(score);
        }
    }

    /// The verdict: whether there is drift, the share of drifted features (0 to 1) and their number.
    pub fn drift(&self, detected: bool, share: f64, features: usize) {
        self.0.drift_detected.with([]).set(f64::from(u8::from(detected)));
        self.0.drift_share.with([]).set(share);
        self.0.drifted_features.with([]).set(features as f64);
    }

    pub fn training(&self, outcome: TrainingOutcome, duration: Duration) {
        self.0.training_runs.with([outcome.label()]).increment();
        self.0.training_duration.observe(duration.as_secs_f64());
    }

    /// A model's scores; `model_type` is its role (`champion`, `challenger`) or kind.
    pub fn model(&self, model_type: &str, r2: f64, rmse: f64) {
        self.0.model_r2.with([model_type]).set(r2);
        self.0.model_rmse.with([model_type]).set(rmse);
    }

    /// There is no model of this type any more: its series end, so that nobody takes its last scores for today's.
    pub fn model_gone(&self, model_type: &str) {
        self.0.model_r2.remove([model_type]);
        self.0.model_rmse.remove([model_type]);
    }

    /// The body of `/metrics`; its type is `TEXT_FORMAT`.
    pub fn render(&self) -> String {
        self.0.registry.render()
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

impl Families {
    fn register(registry: Registry) -> Result<Families, MetricError> {
        let r = &registry;
        Ok(Families {
            predictions: r.counter("predictions_total", "Predictions served.", [])?.with([]),
            prediction_latency: r
                .histogram("prediction_latency_seconds", "Time to answer a prediction request.", [], &PREDICTION_SECONDS)?
                .with([]),
            predictions_by_severity: r.counter("predictions_by_severity", "Predictions by severity level.", ["severity"])?,
            prediction_errors: r.counter("prediction_errors_total", "Predictions that failed, by type of error.", ["error_type"])?,
            api_requests: r.counter("api_requests_total", "API requests by endpoint and status.", ["endpoint", "method", "status"])?,
            data_drift: r.gauge("data_drift_score", "Overall data drift score, 0 to 1.", [])?,
            feature_drift: r.gauge("feature_drift", "Drift score by feature, 0 to 1.", ["feature"])?,
            requests: r.counter("fastapi_requests_total", "HTTP requests.", ["method", "endpoint", "status"])?,
            request_duration: r.histogram(
                "fastapi_request_duration_seconds",
                "Time to the answer's head.",
                ["method", "endpoint"],
                &REQUEST_SECONDS,
            )?,
            errors: r.counter("fastapi_errors_total", "HTTP requests answered with 5xx.", ["method", "endpoint"])?,
            training_runs: r.counter("training_runs_total", "Training runs by outcome.", ["status"])?,
            training_duration: r.histogram("training_duration_seconds", "Time of a training run.", [], &TRAINING_SECONDS)?.with([]),
            drift_detected: r.gauge("drift_detected", "1 when data drift is detected, else 0.", [])?,
            drift_share: r.gauge("drift_share", "Share of features that drifted, 0 to 1.", [])?,
            drifted_features: r.gauge("drifted_features_count", "Number of features that drifted.", [])?,
            model_r2: r.gauge("model_r2_score", "R2 of the model on its last evaluation.", ["model_type"])?,
            model_rmse: r.gauge("model_rmse", "RMSE of the model on its last evaluation.", ["model_type"])?,
            registry,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

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
        instrument.model("champion", 0.72, 61.5);
        let text = instrument.render();
        for line in [
            "predictions_total 3",
            "prediction_latency_seconds_bucket{le=\"0.005\"} 1",
            "predictions_by_severity{severity=\"4\"} 1",
            "prediction_errors_total{error_type=\"invalid_input\"} 1",
            "data_drift_score 0.35",
            "feature_drift{feature=\"month\"} 0.45",
            "training_runs_total{status=\"failure\"} 1",
            "training_runs_total{status=\"success\"} 0",
            "training_duration_seconds_count 1",
            "drift_detected 1",
            "drift_share 0.54",
            "drifted_features_count 8",
            "model_r2_score{model_type=\"champion\"} 0.72",
            "model_rmse{model_type=\"champion\"} 61.5",
        ] {
            assert!(text.lines().any(|have| have == line), "no {line:?} in\n{text}");
        }
    }

    #[test]
    fn gauges_are_absent_until_set() {
        let text = Instrument::new().render();
        for name in ["drift_detected", "drift_share", "data_drift_score", "model_r2_score", "feature_drift"] {
            assert!(!text.lines().any(|line| line.starts_with(name)), "{name} without a measurement");
        }
    }

    #[test]
    fn features_that_are_gone_end() {
        let instrument = Instrument::new();
        instrument.drift_scores(0.1, [("hour", 0.1), ("year", 0.2)]);
        instrument.drift_scores(0.1, [("year", 0.3)]);
        let text = instrument.render();
        assert!(text.contains("feature_drift{feature=\"year\"} 0.3\n") && !text.contains("hour"));
    }

    #[test]
    fn a_model_that_is_gone_ends() {
        let instrument = Instrument::new();
        instrument.model("champion", 0.9, 30.0);
        instrument.model("challenger", 0.8, 40.0);
        instrument.model_gone("challenger");
        let text = instrument.render();
        assert!(text.contains("model_rmse{model_type=\"champion\"} 30\n") && !text.contains("challenger"), "{text}");
    }

    #[test]
    fn a_taken_name_is_an_error() {
        let registry = Registry::new();
        registry.gauge("drift_share", "", []).expect("a good name");
        assert_eq!(Instrument::in_registry(registry).err(), Some(MetricError::Taken("drift_share".into())));
    }
}
