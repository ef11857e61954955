//! A judgement as series, and the names under which people have them already. docs/guides/model-series.md has the table.
//!
//! In:    a judgement, the model's counters, names that people gave. Out: labels and values of one moment.
//! Never: a series for what is unknown: it is absent, and `..._unknown` says why.

use std::collections::HashSet;

use bellbuoy_drift::ColumnReport;
use bellbuoy_vocabulary::{Labels, METRIC_NAME};

use crate::{DriftSummary, Evaluation, Figure, Judgement, MetricAlias, ModelSettings, RetrainingOutcome, Unknown, WindowJudgement};

/// What an alias may say instead of a value: any.
const ANY: &str = "*";
/// Labels of which an alias that does not name them takes one value only: the champion, the first window, what was seen and not estimated.
const TAKEN: [&str; 3] = ["role", "window", "source"];

/// All but the aliases.
pub(crate) fn judgement_series(settings: &ModelSettings, judgement: &Judgement) -> Vec<(Labels, f64)> {
    let mut out = Series { settings, more: Vec::new(), out: Vec::new() };
    for judged in &judgement.windows {
        out.more = vec![("role", &judged.role), ("window", &judged.window)];
        window(&mut out, judged);
    }
    out.more.clear();
    for of in &judgement.detectors {
        let labels = [("role", of.role.as_str()), ("stream", &of.stream), ("detector", &of.detector)];
        out.add("model_detector_values_total", &labels, of.values as f64);
        out.add("model_detector_drifts_total", &labels, of.drifts as f64);
        if let Some(warnings) = of.warnings {
            out.add("model_detector_warnings_total", &labels, warnings as f64);
        }
        if let Some(last) = of.recent.last() {
            out.add("model_detector_last_drift_timestamp_seconds", &labels, last.seconds());
        }
    }
    for outcome in RetrainingOutcome::ALL {
        out.add("model_retraining_decision", &[("outcome", outcome.word())], flag(judgement.decision.outcome == outcome));
    }
    out.add("model_judgement_timestamp_seconds", &[], judgement.at.seconds());
    out.out
}

struct Series<'a> {
    settings: &'a ModelSettings,
    more: Vec<(&'a str, &'a str)>,
    out: Vec<(Labels, f64)>,
}

impl Series<'_> {
    fn add(&mut self, name: &str, labels: &[(&str, &str)], value: f64) {
        let labels: Vec<(&str, &str)> = self.more.iter().chain(labels).copied().collect();
        self.out.push((named(self.settings, name, &labels), value));
    }

    fn unknown(&mut self, name: &str, reason: &Unknown) {
        self.add(name, &[("reason", reason.word())], 1.0);
    }
}

fn window(out: &mut Series, judged: &WindowJudgement) {
    out.add("model_window_rows", &[], judged.rows as f64);
    out.add("model_window_true_values", &[], judged.with_truth as f64);
    if let (Some(from), Some(to)) = (judged.from, judged.to) {
        out.add("model_window_first_row_timestamp_seconds", &[], from.seconds());
        out.add("model_window_last_row_timestamp_seconds", &[], to.seconds());
    }
    match &judged.drift {
        Ok(summary) => drift(out, summary),
        Err(reason) => out.unknown("model_drift_unknown", reason),
    }
    match &judged.quality {
        Ok(findings) => {
            out.add("model_quality_findings", &[], findings.len() as f64);
            for finding in findings {
                let feature = finding.column.as_deref().unwrap_or_default();
                out.add("model_quality_finding", &[("defect", finding.defect.name()), ("feature", feature)], finding.value);
            }
        }
        Err(reason) => out.unknown("model_quality_unknown", reason),
    }
    performance(out, &judged.evaluation);
    evaluation(out, "model_figure", &[], &judged.evaluation);
    for (division, segments) in &judged.segments {
        for (segment, of_segment) in &segments.segments {
            evaluation(out, "model_segment_figure", &[("division", division), ("segment", segment)], of_segment);
        }
        out.add("model_segment_rows_beyond", &[("division", division)], segments.rows_beyond as f64);
    }
    match &judged.estimates {
        Ok(estimates) => evaluation(out, "model_figure", &[], estimates),
        Err(reason) => out.unknown("model_estimates_unknown", reason),
    }
}

fn drift(out: &mut Series, drift: &DriftSummary) {
    out.add("model_drift_detected", &[], flag(drift.detected));
    out.add("model_drift_share", &[], drift.share);
    out.add("model_drifted_features", &[], drift.drifted_features as f64);
    out.add("model_judged_features", &[], drift.judged_features as f64);
    out.add("model_drift_rows_uncovered", &[], drift.uncovered as f64);
    for feature in &drift.features {
        column(out, "model_feature_drift", &[("feature", &feature.name)], feature);
    }
    if let Some(prediction) = &drift.prediction {
        column(out, "model_prediction_drift", &[], prediction);
    }
}

/// A column that could not be judged has no score: its series end.
fn column(out: &mut Series, name: &str, labels: &[(&str, &str)], report: &ColumnReport) {
    let (Some(score), Some(test)) = (report.score, report.test) else {
        out.add(&format!("{name}_unknown"), labels, 1.0);
        return;
    };
    let labels: Vec<(&str, &str)> = labels.iter().copied().chain([("test", test.name())]).collect();
    out.add(name, &labels, flag(report.drifted));
    out.add(&format!("{name}_score"), &labels, score);
    out.add(&format!("{name}_threshold"), &labels, report.threshold);
    if let Some(effect) = report.effect {
        out.add(&format!("{name}_effect"), &labels, effect);
    }
}

/// One series for dashboards and rules that ask whether anything is known at all.
fn performance(out: &mut Series, evaluation: &Evaluation) {
    let mut reasons = evaluation.figures.iter().map(|figure| figure.value.as_ref().err());
    if reasons.clone().all(|reason| reason.is_some())
        && let Some(reason) = reasons.next().flatten()
    {
        out.unknown("model_performance_unknown", reason);
    }
}

fn evaluation(out: &mut Series, name: &str, more: &[(&str, &str)], evaluation: &Evaluation) {
    for figure in &evaluation.figures {
        figure_series(out, name, more, figure);
    }
    if let Some(figure) = evaluation.figures.first() {
        let labels: Vec<(&str, &str)> = more.iter().copied().chain([("source", figure.source.word())]).collect();
        out.add(&format!("{name}_rows"), &labels, evaluation.rows as f64);
        out.add(&format!("{name}_rows_left_out"), &labels, evaluation.left_out as f64);
    }
}

/// A figure has either a value or `_unknown`, never both.
fn figure_series(out: &mut Series, name: &str, more: &[(&str, &str)], figure: &Figure) {
    let mut labels: Vec<(&str, &str)> = more.to_vec();
    labels.extend([("metric", figure.metric.word()), ("source", figure.source.word())]);
    match (&figure.value, &figure.interval) {
        (Ok(value), interval) => {
            out.add(name, &labels, *value);
            if let Ok(interval) = interval {
                let level = interval.level.to_string();
                labels.push(("level", &level));
                out.add(&format!("{name}_low"), &labels, interval.low);
                out.add(&format!("{name}_high"), &labels, interval.high);
            }
        }
        (Err(reason), _) => {
            labels.push(("reason", reason.word()));
            out.add(&format!("{name}_unknown"), &labels, 1.0);
        }
    }
}

/// The series and once more those that have an alias, under its name.
pub(crate) fn aliased(settings: &ModelSettings, mut series: Vec<(Labels, f64)>) -> Vec<(Labels, f64)> {
    let mut more = Vec::new();
    let mut known: HashSet<Labels> = HashSet::new();
    for alias in &settings.metrics {
        for (labels, value) in &series {
            if let Some(labels) = of_alias(settings, alias, labels)
                // An alias without a label that told series apart is the first of them.
                && known.insert(labels.clone())
            {
                more.push((labels, *value));
            }
        }
    }
    series.extend(more);
    series
}

fn of_alias(settings: &ModelSettings, alias: &MetricAlias, labels: &Labels) -> Option<Labels> {
    let name = labels.name().strip_prefix(settings.metric_prefix.as_str())?;
    if name != alias.figure && name.strip_prefix("model_") != Some(alias.figure.as_str()) {
        return None;
    }
    let is = |(name, value): &(String, String)| if value == ANY { labels.has(name) } else { labels.get(name) == value };
    if !alias.labels.iter().all(is) {
        return None;
    }
    for taken in TAKEN {
        let usual = match taken {
            "role" => settings.roles.champion.as_str(),
            "window" => settings.windows.first().map_or("", |window| window.name.as_str()),
            _ => crate::Source::Realised.word(),
        };
        if labels.has(taken) && labels.get(taken) != usual && !alias.labels.iter().any(|(name, _)| name == taken) {
            return None;
        }
    }
    let mut builder = labels.builder();
    builder.set(METRIC_NAME, &alias.name);
    for without in &alias.without {
        builder.remove(without);
    }
    Some(builder.labels())
}

pub(crate) fn named(settings: &ModelSettings, name: &str, labels: &[(&str, &str)]) -> Labels {
    let name = format!("{}{name}", settings.metric_prefix);
    let mut all: Vec<(&str, &str)> = settings.labels.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect();
    all.extend([("model", settings.name.as_str()), (METRIC_NAME, name.as_str())]);
    all.extend_from_slice(labels);
    Labels::from_pairs(all)
}

fn flag(is: bool) -> f64 {
    f64::from(u8::from(is))
}
