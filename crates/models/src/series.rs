//! An evaluation as series: one per figure, its interval beside it; what is unknown has a series of its own that says why.

use bellbuoy_vocabulary::{Labels, METRIC_NAME};

use crate::{Evaluation, ModelSettings, WindowFigures};

/// `PREFIXmodel_figure{model, metric, source, ...}`, `..._low` and `..._high` (with `level`), `..._unknown{reason}`, `..._rows`. `more`: labels such as
/// role, window and segment. A figure has either a value or `_unknown`, never both.
pub fn figure_series(settings: &ModelSettings, more: &[(&str, &str)], evaluation: &Evaluation) -> Vec<(Labels, f64)> {
    let mut out = Vec::new();
    for figure in &evaluation.figures {
        let own = [("metric", figure.metric.word()), ("source", figure.source.word())];
        let mut add = |name: &str, label: Option<(&str, &str)>, value: f64| {
            let labels: Vec<(&str, &str)> = more.iter().copied().chain(own).chain(label).collect();
            out.push((named(settings, name, &labels), value));
        };
        match &figure.value {
            Ok(value) => add("model_figure", None, *value),
            Err(reason) => add("model_figure_unknown", Some(("reason", reason.word())), 1.0),
        }
        if let (Ok(_), Ok(interval)) = (&figure.value, &figure.interval) {
            let level = interval.level.to_string();
            add("model_figure_low", Some(("level", &level)), interval.low);
            add("model_figure_high", Some(("level", &level)), interval.high);
        }
    }
    out.push((named(settings, "model_figure_rows", more), evaluation.rows as f64));
    out.push((named(settings, "model_figure_rows_left_out", more), evaluation.left_out as f64));
    out
}

/// The same of a window, with how many of its predictions have their true value.
pub fn window_series(settings: &ModelSettings, more: &[(&str, &str)], window: &WindowFigures) -> Vec<(Labels, f64)> {
    let mut out = figure_series(settings, more, &window.evaluation);
    out.push((named(settings, "model_window_predictions", more), window.predictions as f64));
    out.push((named(settings, "model_window_true_values", more), window.with_truth as f64));
    out
}

fn named(settings: &ModelSettings, name: &str, labels: &[(&str, &str)]) -> Labels {
    let name = format!("{}{name}", settings.metric_prefix);
    let mut all: Vec<(&str, &str)> = settings.labels.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect();
    all.extend([("model", settings.name.as_str()), (METRIC_NAME, name.as_str())]);
    all.extend_from_slice(labels);
    Labels::from_pairs(all)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{EvaluationOptions, Metric, Pairs};

    #[test]
    fn known_and_unknown_figures() {
        let settings = ModelSettings { metric_prefix: "bike_".into(), ..ModelSettings::new("bikes") };
        let pairs = Pairs::new((0..60).map(|i| (f64::from(i), 0.0)));
        let evaluation = Evaluation::of_metrics(&pairs, &[Metric::R2, Metric::Mae], &EvaluationOptions::default());
        let series = figure_series(&settings, &[("role", "champion")], &evaluation);
        let said: String = series.iter().map(|(labels, value)| format!("{labels} {value:.1}\n")).collect();
        expect_test::expect![[r#"
            bike_model_figure_unknown{metric="r2", model="bikes", reason="constant_target", role="champion", source="realised"} 1.0
            bike_model_figure{metric="mae", model="bikes", role="champion", source="realised"} 29.5
            bike_model_figure_low{level="0.95", metric="mae", model="bikes", role="champion", source="realised"} 25.2
            bike_model_figure_high{level="0.95", metric="mae", model="bikes", role="champion", source="realised"} 33.9
            bike_model_figure_rows{model="bikes", role="champion"} 60.0
            bike_model_figure_rows_left_out{model="bikes", role="champion"} 0.0
        "#]]
        .assert_eq(&said);
    }
}
