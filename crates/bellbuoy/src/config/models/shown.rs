//! Under which names a model's series appear: `metric_prefix`, `series_labels`, `metrics`.

use bellbuoy_models::{MetricAlias, ModelSettings};
use bellbuoy_vocabulary::{is_classic_label_name, is_classic_metric_name};

use super::super::model_config::{Place, Places};
use super::super::read::{Fields, Pair, Text, did_you_mean};
use super::super::yaml::Value;
use super::bounded;

const ALIASES_MAX: usize = 200;
const LABELS_MAX: usize = 20;
/// Labels that a figure has itself.
const OWN_LABELS: [&str; 13] =
    ["model", "role", "window", "feature", "test", "division", "segment", "metric", "source", "reason", "outcome", "defect", "level"];
/// What an alias may name, after `model_`; series of a figure are its name and one of `ENDINGS`. An unknown one is a warning only.
const FIGURES: [&str; 27] = [
    "window_rows",
    "window_true_values",
    "window_first_row_timestamp_seconds",
    "window_last_row_timestamp_seconds",
    "drift",
    "drift_detected",
    "drift_share",
    "drifted_features",
    "judged_features",
    "drift_rows_uncovered",
    "feature_drift",
    "prediction_drift",
    "quality",
    "quality_findings",
    "quality_finding",
    "performance",
    "figure",
    "segment_figure",
    "segment_rows_beyond",
    "estimates",
    "retraining_decision",
    "retraining_decisions_total",
    "judgement_timestamp_seconds",
    "training_runs_total",
    "deployments_total",
    "improvement_delta",
    "true_values_waiting",
];
const ENDINGS: [&str; 9] = ["", "_score", "_threshold", "_effect", "_unknown", "_low", "_high", "_rows", "_rows_left_out"];

pub fn read(fields: &Fields, settings: &mut ModelSettings, places: &mut Places) {
    if let Some(text) = fields.text("metric_prefix") {
        if !text.as_str().is_empty() && !is_classic_metric_name(text.as_str()) {
            let message = format!("metric_prefix {:?} can not begin a metric name", text.shown());
            fields.error(text.span(), message, "use letters, digits and `_`");
        }
        settings.metric_prefix = text.as_str().to_owned();
    }
    settings.labels = series_labels(fields);
    settings.metrics = aliases(fields, places);
}

/// `series_labels`; until November 2026 they were called `labels`, which now says where true values come from.
fn series_labels(fields: &Fields) -> Vec<(String, String)> {
    let mut pairs = fields.pairs("series_labels");
    if old_labels(fields) {
        let help = "rename it to `series_labels`; `labels` says where true values come from";
        fields.report.warning(fields.key_span("labels"), "labels of series are called `series_labels` now", help);
        pairs.extend(fields.pairs("labels"));
    }
    bounded(fields, "series_labels", pairs.len(), LABELS_MAX);
    let mut found: Vec<(String, String)> = Vec::new();
    for pair in pairs {
        label_ok(fields, &pair);
        if OWN_LABELS.contains(&pair.name) {
            fields.error(pair.name_span, format!("the label {:?} is one that figures have themselves", pair.name), "choose another name");
        }
        if found.iter().any(|(name, _)| name == pair.name) {
            fields.error(pair.name_span, format!("label {:?} is given twice", pair.name), "");
        }
        found.push((pair.name.to_owned(), pair.value().to_owned()));
    }
    found
}

/// Whether `labels` is a map of texts and no source of true values.
pub fn old_labels(fields: &Fields) -> bool {
    match fields.node("labels").map(|node| &node.value) {
        Some(Value::Map(entries)) => {
            let source = |key: &str| matches!(key, "folder" | "postgres");
            !entries.iter().any(|entry| source(&entry.key))
                && entries.iter().all(|entry| !matches!(entry.value.value, Value::Map(_) | Value::List(_)))
        }
        _ => false,
    }
}

fn label_ok(fields: &Fields, pair: &Pair) {
    if !is_classic_label_name(pair.name) || pair.name.starts_with("__") {
        fields.error(pair.name_span, format!("{:?} can not be a label name", pair.name), "use letters, digits and `_`");
    }
}

/// `NAME: FIGURE`, or `NAME: {figure, labels, without}`.
fn aliases(fields: &Fields, places: &mut Places) -> Vec<MetricAlias> {
    let Some(node) = fields.node("metrics") else { return Vec::new() };
    let Value::Map(entries) = &node.value else {
        fields.error(node.span, format!("\"metrics\" must be a map, not {}", node.kind()), "write it as `name: figure` lines");
        return Vec::new();
    };
    bounded(fields, "metrics", entries.len(), ALIASES_MAX);
    let mut found = Vec::new();
    for entry in entries {
        if !is_classic_metric_name(&entry.key) {
            let message = format!("{:?} can not be the name of a series", entry.key);
            fields.error(entry.key_span, message, "use letters, digits, `_` and `:`");
        }
        places.add(Place::Metric, &entry.key, entry.value.span);
        if let Some(text) = Text::of(&entry.value) {
            figure_known(fields, text);
            found.push(MetricAlias { name: entry.key.clone(), figure: text.as_str().to_owned(), labels: Vec::new(), without: Vec::new() });
            continue;
        }
        if entry.value.is_null() {
            fields.error(entry.key_span, format!("{:?} names no figure", entry.key), "write `name: drift_share`");
            continue;
        }
        let Some(map) = Fields::of(&entry.value, "metric", fields.report) else { continue };
        let figure = map.required("figure");
        let labels = map.pairs("labels");
        labels.iter().for_each(|pair| label_ok(&map, pair));
        let labels = labels.iter().map(|pair| (pair.name.to_owned(), pair.value().to_owned())).collect();
        let without = map.texts("without").iter().map(|text| text.as_str().to_owned()).collect();
        map.finish();
        if let Some(figure) = figure {
            figure_known(fields, figure);
            found.push(MetricAlias { name: entry.key.clone(), figure: figure.as_str().to_owned(), labels, without });
        }
    }
    found
}

fn figure_known(fields: &Fields, text: Text) {
    let name = text.as_str().strip_prefix("model_").unwrap_or(text.as_str());
    // A model has more counters than an alias is usually made of.
    let counter = name.ends_with("_total") || name.contains("detector");
    let known = ENDINGS.iter().any(|ending| name.strip_suffix(ending).is_some_and(|name| FIGURES.contains(&name)));
    if !counter && !known {
        let help = match did_you_mean(name, FIGURES) {
            near if near.is_empty() => {
                "it is the name of a series without its prefix: drift_share, feature_drift_score, model_figure".into()
            }
            near => near,
        };
        fields.report.warning(text.span(), format!("no series of a model is called {:?}", text.shown()), help);
    }
}
