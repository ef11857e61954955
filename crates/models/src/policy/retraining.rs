//! The retraining tree of the mission as rules.

use super::{Condition, Policy, Reading, Readings, Rule, Test};
use crate::{DecisionSeverity, DriftSummary, Outcome, Performance, RetrainingOutcome, RetrainingThresholds};
use bellbuoy_vocabulary::Millis;

impl Policy<RetrainingOutcome> {
    /// The default rules. They decide what `decide_retraining` decides from the same lines.
    pub fn retraining(lines: &RetrainingThresholds) -> Policy<RetrainingOutcome> {
        use DecisionSeverity::{Critical, Info, Warning};
        use RetrainingOutcome::{Nothing, RetrainNow, Watch};
        let mut rules = Vec::new();
        if let Some(line) = lines.r2_critical {
            rules.push(Rule::new("r2_critical", RetrainNow, Critical, vec![Condition::new("r2", Test::Below, line)]));
        }
        if let Some(line) = lines.rmse_critical {
            rules.push(Rule::new("rmse_critical", RetrainNow, Critical, vec![Condition::new("rmse", Test::Above, line)]));
        }
        let low = lines.r2_warning.map(|line| Condition::new("r2", Test::Below, line));
        if let Some(line) = lines.drift_share {
            let drifted = [Condition::new("drift_share", Test::AtLeast, line), Condition::new("drift_detected", Test::AtLeast, 1.0)];
            if let Some(low) = &low {
                let when = [low.clone()].into_iter().chain(drifted.clone()).collect();
                rules.push(Rule::new("drift_and_r2_warning", RetrainNow, Critical, when));
            }
            rules.push(Rule::new("drift_alone", Watch, Warning, drifted.to_vec()));
        }
        // It changes nothing, but it makes a missing R2 visible, and without drift it is worth a warning.
        if let Some(low) = low {
            let severity = if lines.drift_share.is_some() { Warning } else { Info };
            rules.push(Rule::new("r2_warning_without_drift", Nothing, severity, vec![low]));
        }
        Policy {
            rules,
            otherwise: Nothing,
            unknown: RetrainingOutcome::Unknown,
            pending: Watch,
            forced: RetrainingOutcome::Forced,
            cool_down: None,
            interval: Millis::ZERO,
        }
    }
}

impl Policy<RetrainingOutcome> {
    /// `r2`, `rmse`, `mae`, `drift_share`, `drift_detected`, `drifted_features`.
    pub fn readings(drift: &Outcome<DriftSummary>, performance: &Outcome<Performance>) -> Readings {
        let mut out = Readings::new();
        for (name, of) in [("r2", (|p| p.r2) as fn(&Performance) -> f64), ("rmse", |p| p.rmse), ("mae", |p| p.mae)] {
            let reading = match performance {
                Outcome::Known(figures) => Reading::of(of(figures), Some(figures.rows)),
                Outcome::Unknown(reason) => Reading::unknown(reason.clone()),
            };
            out.insert(name.to_owned(), reading);
        }
        for (name, of) in [
            ("drift_share", (|d| d.share) as fn(&DriftSummary) -> f64),
            ("drift_detected", |d| f64::from(u8::from(d.detected))),
            ("drifted_features", |d| d.drifted_features as f64),
        ] {
            let reading = match drift {
                Outcome::Known(summary) => Reading::of(of(summary), Some(summary.rows)),
                Outcome::Unknown(reason) => Reading::unknown(reason.clone()),
            };
            out.insert(name.to_owned(), reading);
        }
        out
    }
}
