//! bellbuoy.yml: what the files of Prometheus and Alertmanager can not say.
//!
//! ```yaml
//! models: [...]                    # see models.rs and docs/guides/models.md
//! host: {interval: 15s, job: node, instance: trainer-1}    # this machine under node_exporter's names; see host.rs
//! airflow: [...]                   # see airflow.rs and docs/guides/airflow.md
//! mlflow: [...]                    # see mlflow.rs and docs/guides/mlflow.md
//! pushgateway: {interval: 15s, job: pushgateway}    # how metrics that jobs push become samples; `listen`: on a port, for a scrape job
//! check: {labels: [severity], annotations: [summary, runbook_url], values: {severity: [critical, warning, info]}}    # what `check` asks of alerts
//! fallback_receiver: oncall        # a receiver of alertmanager.yml: told what another one refused for good
//! notifications: {pictures: true}  # Discord, Telegram, Slack bots and mails show what the alert looked at
//! storage:
//!   retention: 15d
//!   retention_size: 10GB
//!   notifications_retention: 120h    # the history of what was told to whom
//!   notifications_max: 100000
//! ```

use std::path::Path;

use bellbuoy_check::Policy;
use bellbuoy_vocabulary::{Millis, Span};

use super::airflow::{self, AirflowConfig};
use super::mlflow::{self, MlflowConfig};
use super::model_config::ModelConfig;
use super::read::{Fields, Report, Text};
use super::settings::{HostSettings, PushedSettings, StorageSettings};
use super::yaml::{Node, Value};
use super::{Files, host, models};
use crate::state::HistoryLimits;

/// The top-level keys.
pub const KEYS: [&str; 9] =
    ["check", "notifications", "models", "storage", "host", "fallback_receiver", "airflow", "mlflow", "pushgateway"];
/// What the database itself keeps.
const HISTORY_ROWS_MAX: u64 = 100_000;

#[derive(Debug, Default)]
pub struct Bellbuoy {
    pub models: Vec<ModelConfig>,
    pub storage: StorageSettings,
    pub host: Option<HostSettings>,
    pub airflow: Vec<AirflowConfig>,
    pub mlflow: Vec<MlflowConfig>,
    pub pushed: PushedSettings,
    pub check: Policy,
    /// Its name, and where it stands.
    pub fallback_receiver: Option<(String, Span)>,
    /// Alerts go to the Alertmanagers of prometheus.yml too, although there are routes here.
    pub forward_alerts: bool,
    /// Not given: true.
    pub pictures: Option<bool>,
}

pub fn read(root: &Node, folder: &Path, files: &Files, report: &Report) -> Bellbuoy {
    let mut out = Bellbuoy::default();
    let Some(fields) = Fields::of(root, "bellbuoy.yml", report) else { return out };
    for model in fields.maps("models", "model") {
        let name = model.node("name").and_then(Text::of);
        if let Some(name) = name
            && out.models.iter().any(|earlier| earlier.settings.name == name.as_str())
        {
            model.error(name.span(), format!("model {:?} is given twice", name.shown()), "model names are unique");
        }
        out.models.extend(models::read(model, folder, files));
    }
    out.fallback_receiver = fields.text("fallback_receiver").map(|text| (text.as_str().to_string(), text.span()));
    out.forward_alerts = fields.boolean("forward_alerts").unwrap_or(false);
    out.host = fields.map("host", "host").map(host::read);
    for server in fields.maps("airflow", "airflow server") {
        let read = airflow::read(server, folder, files, &out.airflow);
        out.airflow.extend(read);
    }
    for server in fields.maps("mlflow", "mlflow server") {
        let read = mlflow::read(server, folder, files, &out.mlflow);
        out.mlflow.extend(read);
    }
    if let Some(pushed) = fields.map("pushgateway", "pushgateway") {
        out.pushed = read_pushed(pushed);
    }
    if let Some(notifications) = fields.map("notifications", "notifications") {
        out.pictures = notifications.boolean("pictures");
        notifications.finish();
    }
    if let Some(check) = fields.map("check", "check") {
        out.check = read_policy(check);
    }
    if let Some(storage) = fields.map("storage", "storage") {
        out.storage = read_storage(storage);
    }
    fields.finish();
    out
}

fn read_policy(fields: Fields) -> Policy {
    let texts = |key| fields.texts(key).iter().map(|text| text.as_str().to_string()).collect();
    let (labels, annotations) = (texts("labels"), texts("annotations"));
    let mut values = Vec::new();
    if let Some(map) = fields.node("values") {
        match &map.value {
            Value::Map(entries) => {
                for entry in entries {
                    let items = if let Value::List(items) = &entry.value.value { items.as_slice() } else { &[] };
                    let words: Vec<String> = items.iter().filter_map(|item| item.scalar()).map(|scalar| scalar.text.clone()).collect();
                    if words.is_empty() {
                        fields.error(
                            entry.key_span,
                            format!("{:?} must be a list of values", entry.key),
                            "write for example severity: [critical, warning]",
                        );
                    }
                    values.push((entry.key.clone(), words));
                }
            }
            _ => fields.error(
                map.span,
                format!("\"values\" must be a map, not {}", map.kind()),
                "write for example severity: [critical, warning]",
            ),
        }
    }
    fields.finish();
    Policy { labels, annotations, values, written: true }
}

fn read_pushed(fields: Fields) -> PushedSettings {
    let default = PushedSettings::default();
    let interval = fields.duration("interval").unwrap_or(default.interval);
    if interval < Millis::from_seconds(1) {
        fields.error(fields.key_span("interval"), "\"interval\" must be at least 1s", "the usual is 15s");
    }
    let settings = PushedSettings {
        interval,
        job: fields.string("job").filter(|job| !job.is_empty()).unwrap_or(default.job),
        listen: fields.string("listen").filter(|address| !address.is_empty()),
    };
    fields.finish();
    settings
}

fn history(fields: &Fields, default: HistoryLimits) -> HistoryLimits {
    let rows_max = fields.integer("notifications_max");
    if rows_max.is_some_and(|count| count == 0 || count > HISTORY_ROWS_MAX) {
        fields.error(fields.key_span("notifications_max"), format!("\"notifications_max\" must be from 1 to {HISTORY_ROWS_MAX}"), "");
    }
    HistoryLimits {
        retention: fields.duration("notifications_retention").unwrap_or(default.retention),
        rows_max: rows_max.unwrap_or(default.rows_max),
    }
}

fn read_storage(fields: Fields) -> StorageSettings {
    let default = StorageSettings::default();
    let retention = fields.duration("retention");
    if retention.is_some_and(|length| length < Millis::from_minutes(1)) {
        fields.error(fields.key_span("retention"), "\"retention\" must be at least 1m", "the usual is 15d");
    }
    let settings = StorageSettings {
        retention: retention.unwrap_or(default.retention),
        retention_size_bytes: fields.size("retention_size").unwrap_or(default.retention_size_bytes),
        notifications: history(&fields, default.notifications),
    };
    fields.finish();
    settings
}
