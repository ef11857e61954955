//! Champion against challenger as rules: from figures alone, or from a paired test on both sets, where an improvement within noise is none.

use bellbuoy_vocabulary::{Millis, Timestamp};
use serde_json::Value;

use super::{Condition, Policy, PolicyState, Reading, Readings, Rule, Ruling, Side, Test};
use crate::{Comparison, DecisionSeverity, DeploymentOutcome, DeploymentThresholds, TwoSets};

/// Champion against challenger, decided from a paired test on both sets.
#[derive(Clone, Debug, PartialEq)]
pub struct PairedDeployment {
    pub ruling: Ruling<DeploymentOutcome>,
    pub current: Comparison,
    pub baseline: Comparison,
}

impl PairedDeployment {
    /// `current`: rows of today. `baseline`: rows of the time of the reference, which the challenger must not forget.
    pub fn decide(
        policy: &Policy<DeploymentOutcome>,
        state: &mut PolicyState,
        [current, baseline]: [Comparison; 2],
        forced: bool,
        now: Timestamp,
    ) -> PairedDeployment {
        let ruling = policy.judge(&Policy::<DeploymentOutcome>::readings_paired(&current, &baseline), state, forced, now);
        PairedDeployment { ruling, current, baseline }
    }

    /// For the audit record.
    pub fn json(&self) -> Value {
        let mut out = self.ruling.json(self.ruling.outcome.word());
        out["current"] = self.current.json();
        out["baseline"] = self.baseline.json();
        out
    }
}

impl Policy<DeploymentOutcome> {
    /// The default rules where only figures are known. They decide what `decide_deployment` decides.
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
        Policy::of(rules, DeploymentOutcome::Reject)
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
        Policy::of(rules, DeploymentOutcome::Skip)
    }

    fn of(rules: Vec<Rule<DeploymentOutcome>>, unknown: DeploymentOutcome) -> Policy<DeploymentOutcome> {
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

    /// `improvement` and `baseline_change`, of R2.
    pub fn readings(champion: &TwoSets, challenger: &TwoSets) -> Readings {
        let change = |new: f64, old: f64, rows| {
            let change = new - old;
            if change.is_finite() { Reading::of(change, Some(rows)) } else { Reading::unknown("a figure is not a number") }
        };
        Readings::from([
            ("improvement".to_owned(), change(challenger.current.r2, champion.current.r2, challenger.current.rows)),
            ("baseline_change".to_owned(), change(challenger.baseline.r2, champion.baseline.r2, challenger.baseline.rows)),
        ])
    }

    /// The same from two paired tests: above 0 is better, whichever way the metric goes.
    pub fn readings_paired(current: &Comparison, baseline: &Comparison) -> Readings {
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
