//! The figures of a judgement under the names that rules know them by.

use bellbuoy_drift::ColumnReport;

use crate::naming::{DRIFT_FIGURES, detector_name, drift_score_name, estimate_name, metrics, of_window as window_name};
use crate::{DetectorFigures, DriftSummary, Metric, ModelSettings, Reading, Readings, Unknown, WindowJudgement, readings_of};

/// Which figures need an interval because a rule looks at one of its ends.
pub(crate) fn metrics_with_interval(settings: &ModelSettings, metrics: &[Metric]) -> Vec<Metric> {
    metrics.iter().copied().filter(|metric| settings.retraining.asks_for_interval(metric.word())).collect()
}

/// Of the champion.
pub(crate) fn readings(settings: &ModelSettings, windows: &[WindowJudgement], detectors: &[DetectorFigures]) -> Readings {
    let mut out = Readings::new();
    let first = settings.windows.first().map(|window| window.name.as_str());
    for judged in windows.iter().filter(|judged| judged.role == settings.roles.champion) {
        let mut of_window = of_one(settings, judged);
        for of in detectors.iter().filter(|of| of.role == judged.role) {
            let span = judged.from.zip(judged.to);
            let reading = match of.drifts_between(span) {
                Ok(drifts) => Reading::of(drifts as f64, Some(judged.rows)),
                Err(reason) => Reading::unknown(reason.to_string()),
            };
            of_window.insert(detector_name(&of.stream, &of.detector), reading);
        }
        if Some(judged.window.as_str()) == first {
            out.extend(of_window);
        } else {
            out.extend(of_window.into_iter().map(|(name, reading)| (window_name(&name, &judged.window), reading)));
        }
    }
    out
}

fn of_one(settings: &ModelSettings, judged: &WindowJudgement) -> Readings {
    let mut out = readings_of(&judged.evaluation);
    // Not every figure can be foretold; whoever asks for one that cannot is told so.
    for metric in metrics(&settings.kind) {
        let because = judged.estimates.as_ref().err().map_or("it cannot be estimated".to_owned(), Unknown::to_string);
        out.insert(estimate_name(metric), Reading::unknown(because));
    }
    if let Ok(estimates) = &judged.estimates {
        out.extend(readings_of(estimates));
    }
    of_drift(settings, &judged.drift, &mut out);
    out.insert("rows".into(), Reading::of(judged.rows as f64, Some(judged.rows)));
    out.insert("true_values".into(), Reading::of(judged.with_truth as f64, Some(judged.with_truth)));
    let findings = match &judged.quality {
        Ok(findings) => Reading::of(findings.len() as f64, Some(judged.rows)),
        Err(reason) => Reading::unknown(reason.to_string()),
    };
    out.insert("quality_findings".into(), findings);
    out
}

fn of_drift(settings: &ModelSettings, drift: &Result<DriftSummary, Unknown>, out: &mut Readings) {
    let drift = match drift {
        Ok(drift) => drift,
        Err(reason) => {
            let names = DRIFT_FIGURES.iter().map(|name| (*name).to_owned());
            let features = settings.features.iter().map(|feature| drift_score_name(&feature.name));
            out.extend(names.chain(features).map(|name| (name, Reading::unknown(reason.to_string()))));
            return;
        }
    };
    let mut add = |name: &str, value: f64| out.insert(name.to_owned(), Reading::of(value, Some(drift.rows)));
    add("drift_share", drift.share);
    add("drift_detected", f64::from(u8::from(drift.detected)));
    add("drifted_features", drift.drifted_features as f64);
    let score = |report: &ColumnReport| {
        let unknown = || Reading::unknown(report.error.clone().unwrap_or_else(|| "it could not be judged".to_owned()));
        report.score.map_or_else(unknown, |score| Reading::of(score, Some(report.current_rows)))
    };
    for feature in &drift.features {
        out.insert(drift_score_name(&feature.name), score(feature));
    }
    let none = || Reading::unknown("the reference has no predictions");
    let detected = |report: &ColumnReport| match score(report).value {
        Ok(_) => Reading::of(f64::from(u8::from(report.drifted)), Some(report.current_rows)),
        Err(reason) => Reading::unknown(reason),
    };
    out.insert("prediction_drift_score".into(), drift.prediction.as_ref().map_or_else(none, score));
    out.insert("prediction_drift_detected".into(), drift.prediction.as_ref().map_or_else(none, detected));
}
