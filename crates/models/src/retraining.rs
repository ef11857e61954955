//! Retrain or not: the decision tree of the mission, with its reason.

use std::fmt;

use crate::{DriftSummary, Outcome, Performance, RetrainingThresholds, Ruling, RulingReason};

#[derive(Clone, Debug, PartialEq)]
pub struct RetrainingDecision {
    pub outcome: RetrainingOutcome,
    pub reason: RetrainingReason,
    pub severity: DecisionSeverity,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum RetrainingOutcome {
    RetrainNow,
    Watch,
    Nothing,
    /// There is not enough data to say. Neither good nor bad.
    Unknown,
    /// A person asked for a retraining.
    Forced,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum DecisionSeverity {
    Info,
    Warning,
    Critical,
}

/// Why, with the numbers. Prints as a sentence.
#[derive(Clone, Debug, PartialEq)]
pub enum RetrainingReason {
    R2Critical {
        r2: f64,
        line: f64,
    },
    RmseCritical {
        rmse: f64,
        line: f64,
    },
    DriftAndR2Warning {
        share: f64,
        share_line: f64,
        r2: f64,
        line: f64,
    },
    /// Half of the features have drifted, but the model still performs.
    DriftAlone {
        share: f64,
        share_line: f64,
    },
    /// R2 is below the warning line, but drift does not explain it.
    R2WarningWithoutDrift {
        r2: f64,
        line: f64,
        share: f64,
    },
    Healthy {
        r2: Option<f64>,
        share: Option<f64>,
    },
    /// No true values, or too few. The drift's share when that is known.
    PerformanceUnknown {
        reason: String,
        share: Option<f64>,
    },
    DriftUnknown {
        reason: String,
    },
    Forced,
    /// Decided by the model's own rules.
    Ruled(RulingReason),
}

impl RetrainingOutcome {
    pub const ALL: [RetrainingOutcome; 5] = [
        RetrainingOutcome::RetrainNow,
        RetrainingOutcome::Watch,
        RetrainingOutcome::Nothing,
        RetrainingOutcome::Unknown,
        RetrainingOutcome::Forced,
    ];

    /// The value of the label `outcome`.
    pub fn word(self) -> &'static str {
        match self {
            RetrainingOutcome::RetrainNow => "retrain",
            RetrainingOutcome::Watch => "watch",
            RetrainingOutcome::Nothing => "nothing",
            RetrainingOutcome::Unknown => "unknown",
            RetrainingOutcome::Forced => "forced",
        }
    }
}

impl DecisionSeverity {
    /// The value of the label `severity`.
    pub fn word(self) -> &'static str {
        match self {
            DecisionSeverity::Info => "info",
            DecisionSeverity::Warning => "warning",
            DecisionSeverity::Critical => "critical",
        }
    }
}

impl RetrainingReason {
    /// A name for scripts, as the audit log has it.
    pub fn word(&self) -> &'static str {
        match self {
            RetrainingReason::R2Critical { .. } => "r2_critical",
            RetrainingReason::RmseCritical { .. } => "rmse_critical",
            RetrainingReason::DriftAndR2Warning { .. } => "drift_and_r2_warning",
            RetrainingReason::DriftAlone { .. } => "drift_alone",
            RetrainingReason::R2WarningWithoutDrift { .. } => "r2_warning_without_drift",
            RetrainingReason::Healthy { .. } => "healthy",
            RetrainingReason::PerformanceUnknown { .. } => "performance_unknown",
            RetrainingReason::DriftUnknown { .. } => "drift_unknown",
            RetrainingReason::Forced => "forced",
            RetrainingReason::Ruled(reason) => reason.word(),
        }
    }
}

impl fmt::Display for RetrainingReason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let percent = |share: &f64| format!("{:.1} %", share * 100.0);
        match self {
            RetrainingReason::R2Critical { r2, line } => write!(f, "R2 {r2:.4} is below the critical line {line}"),
            RetrainingReason::RmseCritical { rmse, line } => write!(f, "RMSE {rmse:.2} is above the critical line {line}"),
            RetrainingReason::DriftAndR2Warning { share, share_line, r2, line } => write!(
                f,
                "{} of the features drifted (line {}) and R2 {r2:.4} is below the warning line {line}",
                percent(share),
                percent(share_line)
            ),
            RetrainingReason::DriftAlone { share, share_line } => {
                write!(f, "{} of the features drifted (line {}) while the model still performs", percent(share), percent(share_line))
            }
            RetrainingReason::R2WarningWithoutDrift { r2, line, share } => {
                write!(f, "R2 {r2:.4} is below the warning line {line}, but only {} of the features drifted", percent(share))
            }
            RetrainingReason::Healthy { r2, share } => {
                let r2 = r2.map(|r2| format!("R2 {r2:.4} is above its lines"));
                let share = share.map(|share| format!("{} of the features drifted", percent(&share)));
                let said: Vec<String> = [r2, share].into_iter().flatten().collect();
                if said.is_empty() { f.write_str("no line is crossed") } else { f.write_str(&said.join(" and ")) }
            }
            RetrainingReason::PerformanceUnknown { reason, share: None } => write!(f, "performance is unknown: {reason}"),
            RetrainingReason::PerformanceUnknown { reason, share: Some(share) } => {
                write!(f, "performance is unknown ({reason}); {} of the features drifted", percent(share))
            }
            RetrainingReason::DriftUnknown { reason } => write!(f, "drift is unknown: {reason}"),
            RetrainingReason::Forced => f.write_str("a retraining was asked for, whatever the numbers say"),
            RetrainingReason::Ruled(reason) => reason.fmt(f),
        }
    }
}

impl From<Ruling<RetrainingOutcome>> for RetrainingDecision {
    fn from(ruling: Ruling<RetrainingOutcome>) -> RetrainingDecision {
        let reason = if ruling.reason == RulingReason::Forced { RetrainingReason::Forced } else { RetrainingReason::Ruled(ruling.reason) };
        RetrainingDecision { outcome: ruling.outcome, reason, severity: ruling.severity }
    }
}

/// The tree, first match wins: a forced run; poor performance -> retrain now; drift of the set share of features and R2
/// below the warning line -> retrain now; drift alone -> watch; else nothing. What a missing figure could change is unknown.
pub fn decide_retraining(
    drift: &Outcome<DriftSummary>,
    performance: &Outcome<Performance>,
    thresholds: &RetrainingThresholds,
    forced: bool,
) -> RetrainingDecision {
    use DecisionSeverity::{Critical, Info, Warning};
    use RetrainingOutcome::{Forced, Nothing, RetrainNow, Unknown, Watch};
    let decided = |outcome, severity, reason| RetrainingDecision { outcome, reason, severity };
    if forced {
        return decided(Forced, Info, RetrainingReason::Forced);
    }
    let (r2, rmse) = match performance {
        Outcome::Known(figures) => (Some(figures.r2), Some(figures.rmse)),
        Outcome::Unknown(_) => (None, None),
    };
    if let (Some(r2), Some(line)) = (r2, thresholds.r2_critical)
        && r2 < line
    {
        return decided(RetrainNow, Critical, RetrainingReason::R2Critical { r2, line });
    }
    if let (Some(rmse), Some(line)) = (rmse, thresholds.rmse_critical)
        && rmse > line
    {
        return decided(RetrainNow, Critical, RetrainingReason::RmseCritical { rmse, line });
    }
    let judges_performance = thresholds.r2_critical.or(thresholds.r2_warning).or(thresholds.rmse_critical).is_some();
    if let (Outcome::Unknown(reason), true) = (performance, judges_performance) {
        let share = match drift {
            Outcome::Known(drift) => Some(drift.share),
            Outcome::Unknown(_) => None,
        };
        return decided(Unknown, Warning, RetrainingReason::PerformanceUnknown { reason: reason.clone(), share });
    }
    let Some(share_line) = thresholds.drift_share else {
        return decided(Nothing, Info, RetrainingReason::Healthy { r2, share: None });
    };
    let (share, detected) = match drift {
        Outcome::Known(drift) => (drift.share, drift.detected),
        Outcome::Unknown(reason) => return decided(Unknown, Warning, RetrainingReason::DriftUnknown { reason: reason.clone() }),
    };
    let drifted = detected && share >= share_line;
    let below_warning = r2.zip(thresholds.r2_warning).filter(|(r2, line)| r2 < line);
    match (drifted, below_warning) {
        (true, Some((r2, line))) => decided(RetrainNow, Critical, RetrainingReason::DriftAndR2Warning { share, share_line, r2, line }),
        (true, None) => decided(Watch, Warning, RetrainingReason::DriftAlone { share, share_line }),
        (false, Some((r2, line))) => decided(Nothing, Warning, RetrainingReason::R2WarningWithoutDrift { r2, line, share }),
        (false, None) => decided(Nothing, Info, RetrainingReason::Healthy { r2, share: Some(share) }),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn drift(share: f64) -> Outcome<DriftSummary> {
        let drifted_features = (share * 10.0) as usize;
        Outcome::Known(DriftSummary { share, drifted_features, features: Vec::new(), detected: share >= 0.5, rows: 1000 })
    }

    fn figures(r2: f64, rmse: f64) -> Outcome<Performance> {
        Outcome::Known(Performance::of_scores(r2, rmse, 30.0, 500))
    }

    fn unknown<T>() -> Outcome<T> {
        Outcome::Unknown("3 rows, 50 are needed".into())
    }

    fn line(drift: Outcome<DriftSummary>, performance: Outcome<Performance>, thresholds: &RetrainingThresholds) -> String {
        let decision = decide_retraining(&drift, &performance, thresholds, false);
        format!("{} [{}] {}\n", decision.outcome.word(), decision.severity.word(), decision.reason)
    }

    #[test]
    fn the_tree() {
        let lines = RetrainingThresholds { rmse_critical: Some(60.0), ..RetrainingThresholds::default() };
        let cases = [
            (drift(0.0), figures(0.61, 30.0)),
            (drift(0.0), figures(0.65, 60.0)),
            (drift(0.6), figures(0.9, 60.5)),
            (drift(0.5), figures(0.69, 50.0)),
            (drift(0.542), figures(0.7234, 50.0)),
            (drift(0.4), figures(0.69, 50.0)),
            (drift(0.1), figures(0.95, 20.0)),
            (drift(0.8), unknown()),
            (unknown(), unknown()),
            (unknown(), figures(0.95, 20.0)),
            (unknown(), figures(0.5, 20.0)),
        ];
        let said: String = cases.into_iter().map(|(drift, performance)| line(drift, performance, &lines)).collect();
        expect_test::expect![[r#"
            retrain [critical] R2 0.6100 is below the critical line 0.65
            nothing [warning] R2 0.6500 is below the warning line 0.7, but only 0.0 % of the features drifted
            retrain [critical] RMSE 60.50 is above the critical line 60
            retrain [critical] 50.0 % of the features drifted (line 50.0 %) and R2 0.6900 is below the warning line 0.7
            watch [warning] 54.2 % of the features drifted (line 50.0 %) while the model still performs
            nothing [warning] R2 0.6900 is below the warning line 0.7, but only 40.0 % of the features drifted
            nothing [info] R2 0.9500 is above its lines and 10.0 % of the features drifted
            unknown [warning] performance is unknown (3 rows, 50 are needed); 80.0 % of the features drifted
            unknown [warning] performance is unknown: 3 rows, 50 are needed
            unknown [warning] drift is unknown: 3 rows, 50 are needed
            retrain [critical] R2 0.5000 is below the critical line 0.65
        "#]]
        .assert_eq(&said);
    }

    #[test]
    fn only_figures_with_a_line_are_used() {
        let drift_only = RetrainingThresholds { r2_critical: None, r2_warning: None, rmse_critical: None, drift_share: Some(0.5) };
        assert!(line(drift(0.8), unknown(), &drift_only).starts_with("watch"));
        let performance_only = RetrainingThresholds {
            drift_share: None,
            ..RetrainingThresholds { rmse_critical: Some(60.0), ..RetrainingThresholds::default() }
        };
        assert!(line(unknown(), figures(0.9, 10.0), &performance_only).starts_with("nothing"));
        let forced = decide_retraining(&unknown(), &unknown(), &drift_only, true);
        assert_eq!(forced.outcome, RetrainingOutcome::Forced);
    }
}
