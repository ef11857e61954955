//! bellbuoy.yml: what the files of Prometheus and Alertmanager can not say.
//!
//! ```yaml
//! models:
//!   - name: bike-traffic            # also the folder of its rows and the name in the API
//!     kind: regression
//!     reference: reference.csv      # the data that it was trained on; relative to this file
//!     features: [temp, {name: hr, kind: categorical}]
//!     target: bikers
//!     window_rows: 1000             # the newest rows that are judged
//!     rows_min: 50                  # with fewer the outcome is unknown
//!     schedule: 1m
//!     drift: {p_value: 0.05, share: 0.5}
//!     retraining: {r2_critical: 0.65, r2_warning: 0.7, rmse_critical: 60, drift_share: 0.5}    # `rmse_critical: ~` turns a line off
//!     deployment: {improvement_min: 0, baseline_regression_max: 0.05}
//!     retention_rows: 20000
//!     metric_prefix: bike_
//!     labels: {team: ml}
//! host: {interval: 15s, job: node, instance: trainer-1}    # this machine under node_exporter's names
//! fallback_receiver: oncall        # a receiver of alertmanager.yml: told what another one refused for good
//! storage:
//!   retention: 15d
//!   retention_size: 10GB
//!   notifications_retention: 120h    # the history of what was told to whom
//!   notifications_max: 100000
//! ```

use std::path::Path;

use bellbuoy_models::{
    DeploymentSettings, DeploymentThresholds, DriftSettings, Feature, FeatureKind, Metric, ModelSettings, Policy, RetrainingThresholds,
    WindowSettings,
};
use bellbuoy_vocabulary::{Millis, Span, is_classic_label_name, is_classic_metric_name};

use super::Files;
use super::read::{Fields, Report, Text, did_you_mean};
use super::settings::{HostSettings, ModelConfig, StorageSettings};
use super::yaml::Node;
use crate::state::HistoryLimits;

/// The top-level keys.
pub const KEYS: [&str; 4] = ["models", "storage", "host", "fallback_receiver"];
/// Rows of one window: a judgement sorts them, and must stay below a second.
const WINDOW_ROWS_MAX: u64 = 1_000_000;
/// What the database itself keeps.
const HISTORY_ROWS_MAX: u64 = 100_000;
const RETENTION_ROWS_MAX: u64 = 10_000_000;

#[derive(Debug, Default)]
pub struct Bellbuoy {
    pub models: Vec<ModelConfig>,
    pub storage: StorageSettings,
    pub host: Option<HostSettings>,
    /// Its name, and where it stands.
    pub fallback_receiver: Option<(String, Span)>,
    /// Alerts go to the Alertmanagers of prometheus.yml too, although there are routes here.
    pub forward_alerts: bool,
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
        out.models.extend(read_model(model, folder, files));
    }
    out.fallback_receiver = fields.text("fallback_receiver").map(|text| (text.as_str().to_string(), text.span()));
    out.forward_alerts = fields.boolean("forward_alerts").unwrap_or(false);
    out.host = fields.map("host", "host").map(read_host);
    if let Some(storage) = fields.map("storage", "storage") {
        out.storage = read_storage(storage);
    }
    fields.finish();
    out
}

fn read_model(fields: Fields, folder: &Path, files: &Files) -> Option<ModelConfig> {
    let name = fields.required("name");
    if let Some(name) = name
        && !file_name_ok(name.as_str())
    {
        fields.error(name.span(), format!("model name {:?} can not name a folder", name.shown()), "use letters, digits, `-`, `_` and `.`");
    }
    let reference = reference(&fields, folder, files);
    let mut settings = ModelSettings::new(name.map_or("", |name| name.as_str()));
    kind(&fields);
    settings.features = features(&fields);
    settings.target = fields.string("target").unwrap_or(settings.target);
    let window_rows = rows(&fields, "window_rows", WINDOW_ROWS_MAX).unwrap_or(settings.window_rows());
    settings.windows = vec![WindowSettings::newest_rows(window_rows)];
    settings.rows_min = rows(&fields, "rows_min", WINDOW_ROWS_MAX).unwrap_or(settings.rows_min.min(window_rows));
    if settings.rows_min > window_rows {
        let message =
            format!("rows_min {} is more than window_rows {}: the outcome would always be unknown", settings.rows_min, window_rows);
        fields.error(fields.key_span("rows_min"), message, "");
    }
    settings.retention_rows = rows(&fields, "retention_rows", RETENTION_ROWS_MAX).unwrap_or(settings.retention_rows.max(window_rows));
    settings.schedule = fields.duration("schedule").unwrap_or(settings.schedule);
    if settings.schedule < Millis::from_seconds(1) {
        fields.error(fields.key_span("schedule"), "\"schedule\" must be at least 1s", "");
    }
    if let Some(drift) = fields.map("drift", "drift") {
        settings.drift = read_drift(drift, settings.drift);
    }
    if let Some(lines) = fields.map("retraining", "retraining") {
        settings.retraining_lines = read_retraining(lines, settings.retraining_lines);
        settings.retraining = Policy::retraining(&settings.retraining_lines);
    }
    if let Some(lines) = fields.map("deployment", "deployment") {
        settings.deployment = DeploymentSettings::of(Metric::R2, &read_deployment(lines, settings.deployment.lines));
    }
    settings.metric_prefix = prefix(&fields).unwrap_or(settings.metric_prefix);
    settings.labels = labels(&fields);
    fields.finish();
    name?;
    Some(ModelConfig { settings, reference: reference? })
}

/// The name becomes a folder and a part of an address.
fn file_name_ok(name: &str) -> bool {
    !name.starts_with('.') && name.len() <= 100 && name.bytes().all(|b| b.is_ascii_alphanumeric() || b"-_.".contains(&b))
}

fn reference(fields: &Fields, folder: &Path, files: &Files) -> Option<std::path::PathBuf> {
    let text = fields.required("reference")?;
    let path = folder.join(text.as_str());
    files.watch(&path);
    if !path.is_file() {
        fields.error(text.span(), format!("reference {:?}: no such file", text.shown()), "the path counts from the folder of bellbuoy.yml");
        return None;
    }
    Some(path)
}

fn kind(fields: &Fields) {
    let Some(text) = fields.text("kind") else { return };
    match text.as_str() {
        "regression" => {}
        "classification" => fields.error(text.span(), "models of kind classification are not supported yet", "regression is"),
        _ => fields.error(text.span(), format!("unknown kind of model {:?}", text.shown()), "write regression"),
    }
}

/// Names, or maps with a name and a kind.
fn features(fields: &Fields) -> Vec<Feature> {
    let mut found: Vec<Feature> = Vec::new();
    for node in fields.list("features") {
        let feature = match Text::of(node) {
            Some(text) => Some((text, None)),
            None => Fields::of(node, "feature", fields.report).and_then(|map| {
                let (name, kind) = (map.required("name"), feature_kind(&map));
                map.finish();
                name.map(|name| (name, kind))
            }),
        };
        let Some((name, kind)) = feature else { continue };
        if found.iter().any(|earlier| earlier.name == name.as_str()) {
            fields.error(name.span(), format!("feature {:?} is given twice", name.shown()), "");
        }
        found.push(Feature { name: name.as_str().to_string(), kind });
    }
    if found.is_empty() {
        fields.report.warning(fields.key_span("features"), "a model without features: drift is not judged", "list them under features:");
    }
    found
}

fn feature_kind(fields: &Fields) -> Option<FeatureKind> {
    let text = fields.text("kind")?;
    match text.as_str() {
        "numeric" => Some(FeatureKind::Numeric),
        "categorical" => Some(FeatureKind::Categorical),
        word => {
            let help = did_you_mean(word, ["numeric", "categorical"]);
            fields.error(text.span(), format!("unknown kind of feature {:?}", text.shown()), help);
            None
        }
    }
}

fn rows(fields: &Fields, key: &'static str, max: u64) -> Option<usize> {
    let count = fields.integer(key)?;
    if count == 0 || count > max {
        fields.error(fields.key_span(key), format!("{key:?} must be from 1 to {max}"), "");
        return None;
    }
    usize::try_from(count).ok()
}

/// A number from 0 to 1.
fn share(fields: &Fields, key: &'static str) -> Option<f64> {
    let share = fields.float(key)?;
    if !(0.0..=1.0).contains(&share) {
        fields.error(fields.key_span(key), format!("{key:?} must be from 0 to 1"), "");
    }
    Some(share)
}

fn read_drift(fields: Fields, default: DriftSettings) -> DriftSettings {
    let drift = DriftSettings {
        p_value: share(&fields, "p_value").unwrap_or(default.p_value),
        share: share(&fields, "share").unwrap_or(default.share),
        ..default
    };
    fields.finish();
    drift
}

/// `key: ~` turns a line off; a key that is not written keeps its default.
fn line(fields: &Fields, key: &'static str, default: Option<f64>, read: impl Fn(&Fields, &'static str) -> Option<f64>) -> Option<f64> {
    if fields.has(key) { read(fields, key) } else { default }
}

fn read_retraining(fields: Fields, default: RetrainingThresholds) -> RetrainingThresholds {
    let number = |fields: &Fields, key| fields.float(key);
    let lines = RetrainingThresholds {
        r2_critical: line(&fields, "r2_critical", default.r2_critical, number),
        r2_warning: line(&fields, "r2_warning", default.r2_warning, number),
        rmse_critical: line(&fields, "rmse_critical", default.rmse_critical, number),
        drift_share: line(&fields, "drift_share", default.drift_share, share),
    };
    if let (Some(critical), Some(warning)) = (lines.r2_critical, lines.r2_warning)
        && critical > warning
    {
        let span = fields.key_span(if fields.has("r2_critical") { "r2_critical" } else { "r2_warning" });
        fields.error(
            span,
            format!("r2_critical {critical} is above r2_warning {warning}"),
            "the critical line lies below the warning line",
        );
    }
    fields.finish();
    lines
}

fn read_deployment(fields: Fields, default: DeploymentThresholds) -> DeploymentThresholds {
    let lines = DeploymentThresholds {
        improvement_min: fields.float("improvement_min").unwrap_or(default.improvement_min),
        baseline_regression_max: fields.float("baseline_regression_max").unwrap_or(default.baseline_regression_max),
    };
    fields.finish();
    lines
}

fn prefix(fields: &Fields) -> Option<String> {
    let text = fields.text("metric_prefix")?;
    if !text.as_str().is_empty() && !is_classic_metric_name(text.as_str()) {
        fields.error(text.span(), format!("metric_prefix {:?} can not begin a metric name", text.shown()), "use letters, digits and `_`");
    }
    Some(text.as_str().to_string())
}

fn labels(fields: &Fields) -> Vec<(String, String)> {
    let mut found = Vec::new();
    for pair in fields.pairs("labels") {
        if !is_classic_label_name(pair.name) || pair.name.starts_with("__") {
            fields.error(pair.name_span, format!("{:?} can not be a label name", pair.name), "use letters, digits and `_`");
        }
        found.push((pair.name.to_string(), pair.value().to_string()));
    }
    found
}

fn read_host(fields: Fields) -> HostSettings {
    let interval = fields.duration("interval").unwrap_or(Millis::from_seconds(15));
    if interval < Millis::from_seconds(1) {
        fields.error(fields.key_span("interval"), "\"interval\" must be at least 1s", "the usual is 15s");
    }
    let settings =
        HostSettings { interval, job: fields.string("job").unwrap_or_else(|| "node".into()), instance: fields.string("instance") };
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
