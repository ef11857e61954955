//! Champion against challenger as rules: from figures alone, or from a paired test on both sets, where an improvement within noise is none.

use bellbuoy_vocabulary::Millis;

use super::{Condition, Policy, Reading, Readings, Rule, Side, Test};
use crate::{Comparison, DecisionSeverity, DeploymentOutcome, DeploymentThresholds};

impl Policy<DeploymentOutcome> {
    /// The default rules where only figures are known: reject a challenger that forgets the baseline or is worse today; skip one that is no
    /// better; else deploy.
    pub fn deployment(lines: &DeploymentThresholds) -> Policy<DeploymentOutcome> {
        let rules = vec![
            rule(
                "worse_on_baseline",
                DeploymentOutcome::Reject,
                "baseline_change",
                Side::Value,
                Test::Below,
                -lines.baseline_regression_max,
            ),
            rule("worse_on_current", DeploymentOutcome::Reject, "improvement", Side::Value, Test::Below, 0.0),
            rule("no_improvement", DeploymentOutcome::Skip, "improvement", Side::Value, Test::AtMost, lines.improvement_min),
        ];
        Policy::deployment_of(rules, DeploymentOutcome::Reject)
    }

    /// The default rules where rows are known. Deployed is what is surely better on the current set and surely holds on the baseline set;
    /// rejected what is worse beyond doubt, or loses more on the baseline set than is allowed; everything between is noise: skip.
    pub fn deployment_paired(lines: &DeploymentThresholds) -> Policy<DeploymentOutcome> {
        let loss = -lines.baseline_regression_max;
        let rules = vec![
            rule("worse_on_baseline", DeploymentOutcome::Reject, "baseline_change", Side::Value, Test::Below, loss),
            rule("worse_on_current", DeploymentOutcome::Reject, "improvement", Side::High, Test::Below, 0.0),
            rule("baseline_in_doubt", DeploymentOutcome::Skip, "baseline_change", Side::Low, Test::Below, loss),
            rule("within_noise", DeploymentOutcome::Skip, "improvement", Side::Low, Test::AtMost, lines.improvement_min),
        ];
        Policy::deployment_of(rules, DeploymentOutcome::Skip)
    }

    /// Rules of one's own. What none of them holds back is deployed.
    pub fn deployment_of(rules: Vec<Rule<DeploymentOutcome>>, unknown: DeploymentOutcome) -> Policy<DeploymentOutcome> {
        Policy {
            rules,
            otherwise: DeploymentOutcome::Deploy,
            unknown,
            pending: DeploymentOutcome::Skip,
            forced: DeploymentOutcome::Deploy,
            cool_down: None,
            interval: Millis::ZERO,
        }
    }

    /// `improvement` and `baseline_change` of the metric that is compared: above 0 is better, whichever way the metric goes.
    pub fn readings(current: &Comparison, baseline: &Comparison) -> Readings {
        let reading = |comparison: &Comparison| Reading {
            value: comparison.gain.clone().map_err(|reason| reason.to_string()),
            interval: comparison.interval.clone().ok(),
            rows: Some(comparison.rows),
        };
        Readings::from([("improvement".to_owned(), reading(current)), ("baseline_change".to_owned(), reading(baseline))])
    }
}

fn rule(name: &str, outcome: DeploymentOutcome, figure: &str, side: Side, test: Test, line: f64) -> Rule<DeploymentOutcome> {
    let severity = if outcome == DeploymentOutcome::Reject { DecisionSeverity::Warning } else { DecisionSeverity::Info };
    Rule::new(name, outcome, severity, vec![Condition::new(figure, test, line).on(side)])
}
