//! What is known of an MLflow server as metrics.

use bellbuoy_vocabulary::{MetricType, Timestamp};
use serde_json::{Value, json};

use super::watcher::{Mlflow, Pointer};
use crate::family::Family;

impl Mlflow {
    pub fn families(&self) -> Vec<Family> {
        let facts = &self.facts;
        let gauge = |name: &str, help: &str| Family::new(name, MetricType::Gauge, help);
        let one = |name: &str, help: &str, value: Option<f64>| {
            let mut family = gauge(name, help);
            value.into_iter().for_each(|value| family.add(&[], value));
            family
        };
        let flag = |known: Option<bool>| known.map(|up| f64::from(u8::from(up)));
        let mut info = gauge("mlflow_info", "MLflow's version.");
        if let Some(version) = &facts.version {
            info.add(&[("version", version)], 1.0);
        }
        let mut latest = gauge("mlflow_model_latest_version", "The highest version of a registered model.");
        for (model, version) in facts.models.iter().flatten() {
            version.iter().for_each(|version| latest.add(&[("model", model)], *version as f64));
        }
        let mut requests = Family::new("mlflow_exporter_api_requests_total", MetricType::Counter, "Calls of MLflow; code none: no answer.");
        for ((endpoint, code), count) in &self.requests {
            requests.add(&[("endpoint", endpoint), ("code", code)], *count as f64);
        }
        let mut unusable =
            Family::new("mlflow_exporter_metric_unusable_total", MetricType::Counter, "Metrics of runs that are no finite number.");
        unusable.add(&[], facts.unusable as f64);
        let mut out = vec![
            one("mlflow_up", "Whether the server's health page answers.", flag(facts.server_up)),
            one("mlflow_api_up", "Whether the last poll of its API went through.", flag(facts.api_up)),
            one("mlflow_exporter_poll_duration_seconds", "How long the last poll took.", facts.api_up.map(|_| facts.last_seconds)),
            one(
                "mlflow_exporter_last_poll_success_timestamp_seconds",
                "When a poll last went through.",
                facts.last_good.map(|at| at.seconds()),
            ),
            info,
            one("mlflow_registered_models", "Registered models that are watched.", facts.models.as_ref().map(|models| models.len() as f64)),
            latest,
        ];
        out.extend(self.aliases());
        out.extend([requests, unusable]);
        out.retain(|family| !family.is_empty());
        out
    }

    /// The registry as it is known now, for people and programs: models, where aliases point, the metrics behind them. Null while nobody knows.
    pub fn registry(&self) -> Value {
        let (Some(known), Some(models)) = (&self.known, &self.facts.models) else { return Value::Null };
        let alias = |model: &str, pointer: &Pointer| {
            let number = pointer.version?;
            let run = self.facts.runs.get(&(model.to_string(), number)).cloned().flatten();
            let metrics = run.as_ref().and_then(|run| self.facts.metrics.get(run));
            let metrics: serde_json::Map<String, Value> =
                metrics.into_iter().flatten().map(|one| (one.name.clone(), json!(one.value))).collect();
            let changed = pointer.changed_ms.map(|at| Timestamp(at).rfc3339());
            Some(json!({"version": number, "run_id": run, "metrics": metrics, "changed": changed}))
        };
        let one = |(name, latest): (&String, &Option<u64>)| {
            let aliases: serde_json::Map<String, Value> = (known.aliases.get(name).into_iter().flatten())
                .filter_map(|(word, pointer)| Some((word.clone(), alias(name, pointer)?)))
                .collect();
            json!({"name": name, "latest_version": latest, "aliases": aliases})
        };
        Value::Array(models.iter().map(one).collect())
    }

    fn aliases(&self) -> Vec<Family> {
        let gauge = |name: &str, help: &str| Family::new(name, MetricType::Gauge, help);
        let mut version = gauge("mlflow_model_alias_version", "The version that an alias points to.");
        let mut info = gauge("mlflow_model_alias_info", "The version and the run that an alias points to.");
        let mut changed = gauge("mlflow_model_alias_changed_timestamp_seconds", "When an alias was seen to point to another version.");
        let mut metric = gauge("mlflow_model_version_metric", "The last value of a metric of the run that an alias' version was made by.");
        let mut steps = gauge("mlflow_model_version_metric_step", "The history of a metric of that run, by its step.");
        // Not known: nobody says it.
        let (Some(known), Some(_)) = (&self.known, &self.facts.models) else { return Vec::new() };
        for (model, aliases) in &known.aliases {
            for (alias, pointer) in aliases {
                let id = [("model", model.as_str()), ("alias", alias.as_str())];
                if let Some(at) = pointer.changed_ms {
                    changed.add(&id, at as f64 / 1000.0);
                }
                let Some(number) = pointer.version else { continue };
                version.add(&id, number as f64);
                let run = self.facts.runs.get(&(model.clone(), number)).cloned().flatten().unwrap_or_default();
                let number = number.to_string();
                info.add(&[id[0], id[1], ("version", &number), ("run_id", &run)], 1.0);
                for one in self.facts.metrics.get(&run).into_iter().flatten() {
                    metric.add(&[id[0], id[1], ("metric", &one.name)], one.value);
                    let history = self.facts.histories.get(&(run.clone(), one.name.clone()));
                    for (step, value) in history.iter().flat_map(|history| &history.points) {
                        steps.add(&[id[0], id[1], ("metric", &one.name), ("step", &step.to_string())], *value);
                    }
                }
            }
        }
        vec![version, info, changed, metric, steps]
    }
}
