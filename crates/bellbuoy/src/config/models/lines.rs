//! `retraining:` and `deployment:` as lines of the default rules.

use bellbuoy_models::{DeploymentThresholds, RetrainingThresholds};

use super::super::read::Fields;
use super::share;

/// `key: ~` turns a line off; a key that is not written keeps its default.
fn line(fields: &Fields, key: &'static str, default: Option<f64>, read: impl Fn(&Fields, &'static str) -> Option<f64>) -> Option<f64> {
    if fields.has(key) { read(fields, key) } else { default }
}

pub fn retraining(fields: Fields, default: RetrainingThresholds) -> RetrainingThresholds {
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

pub fn deployment(fields: Fields, default: DeploymentThresholds) -> DeploymentThresholds {
    let lines = DeploymentThresholds {
        improvement_min: fields.float("improvement_min").unwrap_or(default.improvement_min),
        baseline_regression_max: fields.float("baseline_regression_max").unwrap_or(default.baseline_regression_max),
    };
    fields.finish();
    lines
}
