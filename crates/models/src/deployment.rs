//! Champion or challenger: deploy, skip or reject, with the reason and the numbers.

use std::fmt;

use crate::{DeploymentThresholds, Performance};

/// One model on the two test sets.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct TwoSets {
    /// Data of the time of the reference: what the model must not forget.
    pub baseline: Performance,
    /// Data of today: what it must learn.
    pub current: Performance,
}

#[derive(Clone, Debug, PartialEq)]
pub struct DeploymentDecision {
    pub decision: DeploymentOutcome,
    pub reason: DeploymentReason,
    /// R2 of the challenger less that of the champion, on the current set.
    pub improvement: f64,
    /// The same on the baseline set.
    pub baseline_change: f64,
    pub champion: TwoSets,
    pub challenger: TwoSets,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum DeploymentOutcome {
    Deploy,
    Skip,
    Reject,
}

/// Why, with the numbers. Prints as a sentence.
#[derive(Clone, Debug, PartialEq)]
pub enum DeploymentReason {
    Better {
        champion: f64,
        challenger: f64,
    },
    NoImprovement {
        champion: f64,
        challenger: f64,
        improvement_min: f64,
    },
    WorseOnCurrent {
        champion: f64,
        challenger: f64,
    },
    WorseOnBaseline {
        champion: f64,
        challenger: f64,
        loss_max: f64,
    },
    /// A figure is not a number: nothing can be compared, so nothing is deployed.
    NotComparable,
}

impl DeploymentOutcome {
    pub const ALL: [DeploymentOutcome; 3] = [DeploymentOutcome::Deploy, DeploymentOutcome::Skip, DeploymentOutcome::Reject];

    /// The value of the label `decision`.
    pub fn word(self) -> &'static str {
        match self {
            DeploymentOutcome::Deploy => "deploy",
            DeploymentOutcome::Skip => "skip",
            DeploymentOutcome::Reject => "reject",
        }
    }
}

impl DeploymentReason {
    /// A name for scripts, as the audit log has it.
    pub fn word(&self) -> &'static str {
        match self {
            DeploymentReason::Better { .. } => "better",
            DeploymentReason::NoImprovement { .. } => "no_improvement",
            DeploymentReason::WorseOnCurrent { .. } => "worse_on_current",
            DeploymentReason::WorseOnBaseline { .. } => "worse_on_baseline",
            DeploymentReason::NotComparable => "not_comparable",
        }
    }
}

impl fmt::Display for DeploymentReason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            DeploymentReason::Better { champion, challenger } => {
                write!(
                    f,
                    "the challenger's R2 {challenger:.4} beats the champion's {champion:.4} on the current set and holds on the baseline set"
                )
            }
            DeploymentReason::NoImprovement { champion, challenger, improvement_min } => write!(
                f,
                "the challenger's R2 {challenger:.4} is not better than the champion's {champion:.4} on the current set by more than {improvement_min}"
            ),
            DeploymentReason::WorseOnCurrent { champion, challenger } => {
                write!(f, "the challenger's R2 {challenger:.4} is worse than the champion's {champion:.4} on the current set")
            }
            DeploymentReason::WorseOnBaseline { champion, challenger, loss_max } => write!(
                f,
                "the challenger's R2 {challenger:.4} falls short of the champion's {champion:.4} on the baseline set by more than {loss_max}"
            ),
            DeploymentReason::NotComparable => f.write_str("a figure of champion or challenger is not a number"),
        }
    }
}

/// Reject a challenger that forgets the baseline or is worse today; skip one that is no better; else deploy.
pub fn decide_deployment(champion: &TwoSets, challenger: &TwoSets, thresholds: &DeploymentThresholds) -> DeploymentDecision {
    let (old, new) = (champion.current.r2, challenger.current.r2);
    let (old_baseline, new_baseline) = (champion.baseline.r2, challenger.baseline.r2);
    let (improvement, baseline_change) = (new - old, new_baseline - old_baseline);
    let (decision, reason) = if !improvement.is_finite() || !baseline_change.is_finite() {
        (DeploymentOutcome::Reject, DeploymentReason::NotComparable)
    } else if -baseline_change > thresholds.baseline_regression_max {
        let loss_max = thresholds.baseline_regression_max;
        (DeploymentOutcome::Reject, DeploymentReason::WorseOnBaseline { champion: old_baseline, challenger: new_baseline, loss_max })
    } else if improvement < 0.0 {
        (DeploymentOutcome::Reject, DeploymentReason::WorseOnCurrent { champion: old, challenger: new })
    } else if improvement <= thresholds.improvement_min {
        let improvement_min = thresholds.improvement_min;
        (DeploymentOutcome::Skip, DeploymentReason::NoImprovement { champion: old, challenger: new, improvement_min })
    } else {
        (DeploymentOutcome::Deploy, DeploymentReason::Better { champion: old, challenger: new })
    };
    DeploymentDecision { decision, reason, improvement, baseline_change, champion: *champion, challenger: *challenger }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sets(baseline: f64, current: f64) -> TwoSets {
        TwoSets { baseline: Performance::of_scores(baseline, 40.0, 30.0, 500), current: Performance::of_scores(current, 50.0, 40.0, 500) }
    }

    fn check(challenger: TwoSets, improvement_min: f64, expected: &str) {
        let thresholds = DeploymentThresholds { improvement_min, baseline_regression_max: 0.05 };
        let decision = decide_deployment(&sets(0.9, 0.72), &challenger, &thresholds);
        assert_eq!(format!("{} {}", decision.decision.word(), decision.reason.word()), expected, "{decision:?}");
    }

    #[test]
    fn decisions() {
        check(sets(0.88, 0.78), 0.0, "deploy better");
        check(sets(0.88, 0.72), 0.0, "skip no_improvement");
        check(sets(0.88, 0.73), 0.02, "skip no_improvement");
        check(sets(0.95, 0.71), 0.0, "reject worse_on_current");
        check(sets(0.80, 0.99), 0.0, "reject worse_on_baseline");
        check(sets(0.88, f64::NAN), 0.0, "reject not_comparable");
        let decision = decide_deployment(&sets(0.9, 0.7234), &sets(0.9, 0.7856), &DeploymentThresholds::default());
        assert!((decision.improvement - 0.0622).abs() < 1e-12);
    }
}
