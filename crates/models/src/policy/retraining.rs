//! The retraining tree of the mission as rules, for any figure of performance.

use super::{Condition, Policy, Rule, Test};
use crate::{Better, DecisionSeverity, Metric, RetrainingOutcome, RetrainingThresholds};
use bellbuoy_vocabulary::Millis;

impl Policy<RetrainingOutcome> {
    /// The default rules, first match wins: a figure beyond its critical line -> retrain; the set share of features drifted and a figure
    /// beyond its warning line -> retrain; drift alone -> watch; else nothing. What a missing figure could change is unknown.
    pub fn retraining(lines: &RetrainingThresholds) -> Policy<RetrainingOutcome> {
        use DecisionSeverity::{Critical, Info, Warning};
        use RetrainingOutcome::{Nothing, RetrainNow, Watch};
        let mut rules = Vec::new();
        for line in &lines.metrics {
            for (end, condition) in line.critical.map_or_else(Vec::new, |number| beyond(line.metric, number)) {
                rules.push(Rule::new(&format!("{}_critical{end}", line.metric), RetrainNow, Critical, vec![condition]));
            }
        }
        let warned = |line: &crate::MetricLines| line.warning.map_or_else(Vec::new, |number| beyond(line.metric, number));
        if let Some(line) = lines.drift_share {
            let drifted = [Condition::new("drift_share", Test::AtLeast, line), Condition::new("drift_detected", Test::AtLeast, 1.0)];
            for of in &lines.metrics {
                for (end, low) in warned(of) {
                    let when = [low].into_iter().chain(drifted.clone()).collect();
                    rules.push(Rule::new(&format!("drift_and_{}_warning{end}", of.metric), RetrainNow, Critical, when));
                }
            }
            rules.push(Rule::new("drift_alone", Watch, Warning, drifted.to_vec()));
        }
        // They change nothing, but they make a missing figure visible, and beside a line for drift they are worth a warning.
        for of in &lines.metrics {
            for (end, low) in warned(of) {
                let severity = if lines.drift_share.is_some() { Warning } else { Info };
                rules.push(Rule::new(&format!("{}_warning_without_drift{end}", of.metric), Nothing, severity, vec![low]));
            }
        }
        Policy::retraining_of(rules)
    }

    /// Rules of one's own.
    pub fn retraining_of(rules: Vec<Rule<RetrainingOutcome>>) -> Policy<RetrainingOutcome> {
        Policy {
            rules,
            otherwise: RetrainingOutcome::Nothing,
            unknown: RetrainingOutcome::Unknown,
            pending: RetrainingOutcome::Watch,
            forced: RetrainingOutcome::RetrainNow,
            cool_down: None,
            interval: Millis::ZERO,
        }
    }
}

/// On the bad side of a line; a figure that is best at 0 has two.
fn beyond(metric: Metric, line: f64) -> Vec<(&'static str, Condition)> {
    let condition = |test, line| Condition::new(metric.word(), test, line);
    match metric.better() {
        Better::Higher => vec![("", condition(Test::Below, line))],
        Better::Lower => vec![("", condition(Test::Above, line))],
        Better::Zero => vec![("", condition(Test::Above, line)), ("_low", condition(Test::Below, -line))],
    }
}
