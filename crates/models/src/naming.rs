//! The names of figures in rules, and how people know them.

use bellbuoy_vocabulary::Unit;

use crate::detectors::detector_names;
use crate::{Metric, MetricKind, ModelKind, ModelSettings};

/// Before the name of a feature: the score of its drift test.
pub(crate) const DRIFT_SCORE: &str = "feature_drift_score:";
pub(crate) const DETECTOR_DRIFTS: &str = "detector_drifts:";
/// Behind the name of a metric that was foretold.
pub(crate) const ESTIMATED: &str = "_estimated";
/// Between a figure and the window it is of, where that is not the first one.
pub(crate) const OF_WINDOW: char = '@';
pub(crate) const DRIFT_FIGURES: [&str; 5] =
    ["drift_share", "drift_detected", "drifted_features", "prediction_drift_score", "prediction_drift_detected"];
/// Champion and challenger, on either set.
const SIDES: [(&str, &str); 4] = [
    ("champion_current_", "the champion's {} on the current set"),
    ("champion_baseline_", "the champion's {} on the baseline set"),
    ("challenger_current_", "the challenger's {} on the current set"),
    ("challenger_baseline_", "the challenger's {} on the baseline set"),
];

/// `feature_drift_score:temp`
pub fn drift_score_name(feature: &str) -> String {
    format!("{DRIFT_SCORE}{feature}")
}

/// `detector_drifts:error:page_hinkley`: how often a detector saw its stream change within the window.
pub(crate) fn detector_name(stream: &str, detector: &str) -> String {
    format!("{DETECTOR_DRIFTS}{stream}:{detector}")
}

/// `r2@week`: a figure of another window than the first.
pub fn of_window(figure: &str, window: &str) -> String {
    format!("{figure}{OF_WINDOW}{window}")
}

/// `mae_estimated`
pub(crate) fn estimate_name(metric: Metric) -> String {
    format!("{metric}{ESTIMATED}")
}

/// Every figure that rules for retraining can look at. `drift_share`, `drift_detected` (1 or 0), `drifted_features`, each metric of the
/// model's kind by its name (`r2`) and as `mae_estimated`, `feature_drift_score:NAME` of each feature, `prediction_drift_score` and
/// `prediction_drift_detected` (1 or 0), `rows` and `true_values` of the window, `quality_findings`, `detector_drifts:STREAM:KIND`; all of them with `@WINDOW` for windows
/// after the first.
pub fn figure_names(settings: &ModelSettings) -> Vec<String> {
    let mut names: Vec<String> = metrics(&settings.kind).map(|metric| metric.word().to_owned()).collect();
    names.extend(DRIFT_FIGURES.iter().chain(&["rows", "true_values", "quality_findings"]).map(|name| (*name).to_owned()));
    names.extend(metrics(&settings.kind).map(estimate_name));
    names.extend(settings.features.iter().map(|feature| drift_score_name(&feature.name)));
    names.extend(detector_names(&settings.detectors).into_iter().map(|(stream, detector)| detector_name(&stream, &detector)));
    let first = names.len();
    for window in settings.windows.iter().skip(1) {
        let more: Vec<String> = names[..first].iter().map(|name| of_window(name, &window.name)).collect();
        names.extend(more);
    }
    names
}

/// Every figure that rules for deployment can look at: `improvement` and `baseline_change` of the metric that is compared (above 0 is better),
/// and each metric as `challenger_current_r2`, `champion_baseline_r2`, ...
pub fn deployment_figure_names(kind: &ModelKind) -> Vec<String> {
    let mut names = vec!["improvement".to_owned(), "baseline_change".to_owned()];
    for (side, _) in SIDES {
        names.extend(metrics(kind).map(|metric| format!("{side}{metric}")));
    }
    names
}

pub(crate) fn metrics(kind: &ModelKind) -> impl Iterator<Item = Metric> + use<> {
    Metric::of_kind(match kind {
        ModelKind::Regression => MetricKind::Regression,
        ModelKind::Classification { .. } => MetricKind::Classification,
    })
}

/// `R2`, `drift share`, and how its numbers print.
pub(crate) fn spoken(figure: &str) -> (String, Unit) {
    if let Some((figure, window)) =
        figure.split_once(OF_WINDOW).filter(|(figure, _)| !figure.starts_with(DRIFT_SCORE) && !figure.starts_with(DETECTOR_DRIFTS))
    {
        let (name, unit) = spoken(figure);
        return (format!("{name} of the window {window}"), unit);
    }
    if let Some(metric) = Metric::parse(figure) {
        return (metric.spoken().to_owned(), metric.unit());
    }
    if let Some(metric) = figure.strip_suffix(ESTIMATED).and_then(Metric::parse) {
        return (format!("estimated {}", metric.spoken()), metric.unit());
    }
    if let Some(feature) = figure.strip_prefix(DRIFT_SCORE) {
        return (format!("drift score of {feature}"), Unit::Score);
    }
    if let Some((stream, detector)) = figure.strip_prefix(DETECTOR_DRIFTS).and_then(|rest| rest.rsplit_once(':')) {
        return (format!("changes of {stream} seen by {detector}"), Unit::Count);
    }
    for (side, sentence) in SIDES {
        if let Some(metric) = figure.strip_prefix(side).and_then(Metric::parse) {
            return (sentence.replace("{}", metric.spoken()), metric.unit());
        }
    }
    match figure {
        "drift_share" => ("drift share".to_owned(), Unit::Share),
        "drifted_features" => ("drifted features".to_owned(), Unit::Count),
        "improvement" => ("improvement on the current set".to_owned(), Unit::Change),
        "baseline_change" => ("change on the baseline set".to_owned(), Unit::Change),
        other => (other.replace('_', " "), Unit::Plain),
    }
}

/// `R2 0.5321`
pub(crate) fn spoken_value(figure: &str, value: f64) -> String {
    if let Some(said) = spoken_flag(figure, value != 0.0) {
        return said;
    }
    let (name, unit) = spoken(figure);
    format!("{name} {}", unit.text(value))
}

/// A figure that is 1 or 0 is a sentence of its own.
pub(crate) fn spoken_flag(figure: &str, is: bool) -> Option<String> {
    let (figure, window) =
        figure.split_once(OF_WINDOW).map_or((figure, String::new()), |(figure, window)| (figure, format!(" in the window {window}")));
    (figure == "drift_detected").then(|| format!("drift is {}detected{window}", if is { "" } else { "not " }))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Feature, WindowSettings};

    #[test]
    fn figures_as_people_know_them() {
        let check = |figure: &str, value: f64, expected: &str| assert_eq!(spoken_value(figure, value), expected);
        check("r2", 0.53214, "R2 0.5321");
        check("rmse@week", 63.9, "RMSE of the window week 63.90");
        check("accuracy_estimated", 0.8125, "estimated accuracy 81.2%");
        check("roc_auc", 0.8, "ROC AUC 0.8000");
        check("drift_share", 0.542, "drift share 54.2%");
        check("drift_detected", 1.0, "drift is detected");
        check("drift_detected@week", 0.0, "drift is not detected in the window week");
        check("feature_drift_score:temp@home", 0.01, "drift score of temp@home 0.0100");
        check("improvement", 0.0622, "improvement on the current set +0.0622");
        check("challenger_baseline_rmse", 50.0, "the challenger's RMSE on the baseline set 50.00");
        check("newest_row_age_seconds", 7.5, "newest row age seconds 7.5");
    }

    #[test]
    fn names_of_a_model() {
        let mut settings = ModelSettings { features: vec![Feature::new("temp")], ..ModelSettings::new("bikes") };
        let one = figure_names(&settings);
        for name in ["r2", "error_p95", "drift_share", "drift_detected", "rmse_estimated", "feature_drift_score:temp"] {
            assert!(one.iter().any(|known| known == name), "{name}");
        }
        assert!(!one.iter().any(|name| name == "roc_auc"));
        settings.windows.push(WindowSettings { name: "week".into(), ..WindowSettings::newest_rows(7) });
        assert_eq!(figure_names(&settings).len(), 2 * one.len());
        settings.kind = ModelKind::Classification { classes: vec!["no".into(), "yes".into()], positive: None };
        assert!(figure_names(&settings).iter().any(|name| name == "roc_auc@week"));
        assert!(deployment_figure_names(&settings.kind).iter().any(|name| name == "challenger_current_roc_auc"));
    }
}
