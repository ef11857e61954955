//! Champion or challenger: deploy, skip or reject, with the reason and the numbers. The rules are in policy/deployment.rs.
//!
//! In:    figures of both, or rows that both answered, on the current and on the reference test set. Out: the outcome, its rule, the numbers.
//! Never: deploys on what is unknown: a set without rows is no improvement, and the reason says so.

use bellbuoy_vocabulary::{Timestamp, Unit};
use serde_json::{Map, Value, json};

use crate::{
    Comparison, DeploymentSettings, Evaluation, EvaluationOptions, Policy, PolicyState, Readings, Resampling, Ruling, RulingReason, Sample,
    Unknown,
};

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum DeploymentOutcome {
    Deploy,
    Skip,
    Reject,
}

/// The figures of one model on the two test sets.
#[derive(Clone, Debug, PartialEq)]
pub struct TwoSets {
    /// Data of the time of the reference: what the model must not forget.
    pub baseline: Evaluation,
    /// Data of today: what it must learn.
    pub current: Evaluation,
}

/// Champion and challenger on the same rows in the same order.
pub struct Paired<S> {
    pub champion: S,
    pub challenger: S,
}

#[derive(Clone, Debug, PartialEq)]
pub struct DeploymentDecision {
    pub ruling: Ruling<DeploymentOutcome>,
    pub current: Comparison,
    pub baseline: Comparison,
    pub champion: TwoSets,
    pub challenger: TwoSets,
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

    pub fn parse(word: &str) -> Option<DeploymentOutcome> {
        DeploymentOutcome::ALL.into_iter().find(|outcome| outcome.word() == word)
    }
}

impl DeploymentDecision {
    /// From figures that somebody else computed: there are no intervals, so what is noise is not known.
    pub fn of_figures(settings: &DeploymentSettings, champion: TwoSets, challenger: TwoSets, forced: bool, now: Timestamp) -> Self {
        let current = Comparison::told(settings.metric, &champion.current, &challenger.current);
        let baseline = Comparison::told(settings.metric, &champion.baseline, &challenger.baseline);
        DeploymentDecision::judged(&settings.told, [current, baseline], champion, challenger, forced, now)
    }

    /// From rows, by a paired test on both sets. A set may be unknown: then what it could change is not decided.
    pub fn of_rows<S: Sample>(
        settings: &DeploymentSettings,
        resampling: &Resampling,
        current: Result<Paired<S>, Unknown>,
        baseline: Result<Paired<S>, Unknown>,
        forced: bool,
        now: Timestamp,
    ) -> Self {
        let plain = EvaluationOptions { resampling: None, rows_min: settings.rows_min, ..EvaluationOptions::default() };
        let look = |set: Result<Paired<S>, Unknown>| match set {
            Err(reason) => {
                let none = Evaluation { figures: Vec::new(), rows: 0, left_out: 0 };
                (Comparison::unknown(settings.metric, reason), none.clone(), none)
            }
            Ok(Paired { champion, challenger }) => {
                let compared = Comparison::of(&champion, &challenger, settings.metric, settings.rows_min, resampling);
                (compared, Evaluation::of(&champion, &plain), Evaluation::of(&challenger, &plain))
            }
        };
        let (current, old_current, new_current) = look(current);
        let (baseline, old_baseline, new_baseline) = look(baseline);
        let champion = TwoSets { baseline: old_baseline, current: old_current };
        let challenger = TwoSets { baseline: new_baseline, current: new_current };
        DeploymentDecision::judged(&settings.paired, [current, baseline], champion, challenger, forced, now)
    }

    /// Each comparison stands for itself, so nothing is remembered from one to the next.
    fn judged(
        policy: &Policy<DeploymentOutcome>,
        [current, baseline]: [Comparison; 2],
        champion: TwoSets,
        challenger: TwoSets,
        forced: bool,
        now: Timestamp,
    ) -> Self {
        let mut readings: Readings = Policy::<DeploymentOutcome>::readings(&current, &baseline);
        for (name, sets) in [("champion", &champion), ("challenger", &challenger)] {
            for (set, evaluation) in [("current", &sets.current), ("baseline", &sets.baseline)] {
                let figures = crate::readings_of(evaluation).into_iter();
                readings.extend(figures.map(|(figure, reading)| (format!("{name}_{set}_{figure}"), reading)));
            }
        }
        let ruling = policy.judge(&readings, &mut PolicyState::default(), forced, now);
        DeploymentDecision { ruling, current, baseline, champion, challenger }
    }

    pub fn outcome(&self) -> DeploymentOutcome {
        self.ruling.outcome
    }

    /// By how much the challenger is better on the current set; `None`: unknown.
    pub fn improvement(&self) -> Option<f64> {
        self.current.gain.as_ref().ok().copied()
    }

    /// Why, in a sentence with the figures of both sets.
    pub fn because(&self) -> String {
        let reason = match &self.ruling.reason {
            RulingReason::NoRule { .. } => "the challenger is better and nothing speaks against it".to_owned(),
            reason => reason.to_string(),
        };
        let name = self.current.metric.spoken();
        format!("{reason}; {name} on the current set: {}, on the baseline set: {}", in_words(&self.current), in_words(&self.baseline))
    }

    /// For the audit record and the API.
    pub fn json(&self) -> Value {
        let word = self.ruling.outcome.word();
        let mut out = self.ruling.json(word);
        out["decision"] = json!(word);
        out["because"] = json!(self.because());
        out["metric"] = json!(self.current.metric.word());
        out["current"] = self.current.json();
        out["baseline"] = self.baseline.json();
        let sets = |sets: &TwoSets| json!({"baseline": figures_json(&sets.baseline), "current": figures_json(&sets.current)});
        out["champion"] = sets(&self.champion);
        out["challenger"] = sets(&self.challenger);
        out
    }
}

/// `0.7856 after 0.7234 (+0.0622, 95% sure of +0.0410 to +0.0833)`
fn in_words(comparison: &Comparison) -> String {
    let unit = comparison.metric.unit();
    let gain = match (&comparison.champion, &comparison.challenger, &comparison.gain) {
        (Ok(old), Ok(new), Ok(gain)) => format!("{} after {} ({}", unit.text(*new), unit.text(*old), Unit::Change.text(*gain)),
        (Err(reason), _, _) | (_, Err(reason), _) | (_, _, Err(reason)) => return format!("unknown ({reason})"),
    };
    match &comparison.interval {
        Ok(interval) => format!(
            "{gain}, {} sure of {} to {})",
            Unit::Share.line_text(interval.level),
            Unit::Change.text(interval.low),
            Unit::Change.text(interval.high)
        ),
        Err(_) => format!("{gain})"),
    }
}

fn figures_json(evaluation: &Evaluation) -> Value {
    let known = evaluation.figures.iter().filter_map(|figure| Some((figure.metric.word().to_owned(), json!(figure.value.as_ref().ok()?))));
    let mut out: Map<String, Value> = known.collect();
    out.insert("rows".to_owned(), json!(evaluation.rows));
    Value::Object(out)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{DeploymentThresholds, Metric, Pairs};

    fn sets(baseline: f64, current: f64) -> TwoSets {
        TwoSets { baseline: Evaluation::told(&[(Metric::R2, baseline)], 500), current: Evaluation::told(&[(Metric::R2, current)], 500) }
    }

    fn settings(improvement_min: f64) -> DeploymentSettings {
        DeploymentSettings::of(Metric::R2, &DeploymentThresholds { improvement_min, baseline_regression_max: 0.05 })
    }

    fn check(challenger: TwoSets, improvement_min: f64, expected: &str) {
        let decision = DeploymentDecision::of_figures(&settings(improvement_min), sets(0.9, 0.72), challenger, false, Timestamp(0));
        let rule = decision.ruling.reason.rule().unwrap_or(decision.ruling.reason.word());
        assert_eq!(format!("{} {rule}: {}", decision.outcome().word(), decision.because()), expected);
    }

    #[test]
    fn decisions_from_figures() {
        check(
            sets(0.88, 0.78),
            0.0,
            "deploy no_rule: the challenger is better and nothing speaks against it; R2 on the current set: 0.7800 after 0.7200 (+0.0600), on the baseline set: 0.8800 after 0.9000 (-0.0200)",
        );
        check(
            sets(0.88, 0.72),
            0.0,
            "skip no_improvement: improvement on the current set +0.0000 is at most 0; R2 on the current set: 0.7200 after 0.7200 (+0.0000), on the baseline set: 0.8800 after 0.9000 (-0.0200)",
        );
        check(
            sets(0.80, 0.99),
            0.0,
            "reject worse_on_baseline: change on the baseline set -0.1000 is below -0.05; R2 on the current set: 0.9900 after 0.7200 (+0.2700), on the baseline set: 0.8000 after 0.9000 (-0.1000)",
        );
        check(
            sets(0.88, f64::NAN),
            0.0,
            "reject worse_on_current: improvement on the current set is unknown (it is NaN, not a finite number), so rule worse_on_current cannot be judged; R2 on the current set: unknown (it is NaN, not a finite number), on the baseline set: 0.8800 after 0.9000 (-0.0200)",
        );
    }

    #[test]
    fn a_set_without_rows_skips() {
        let pairs = |factor: f64| Pairs::new((0..200).map(|i| (f64::from(i) + factor * f64::from(i % 7), f64::from(i))));
        let paired = Paired { champion: pairs(2.0), challenger: pairs(1.0) };
        let none = Err(Unknown::NoRows);
        let decision = DeploymentDecision::of_rows(&settings(0.0), &Resampling::default(), Ok(paired), none, false, Timestamp(0));
        assert_eq!(decision.outcome(), DeploymentOutcome::Skip);
        assert!(decision.because().starts_with("change on the baseline set is unknown (there are no rows)"), "{}", decision.because());
        assert!(decision.improvement().is_some_and(|gain| gain > 0.0));
        assert_eq!(decision.json()["challenger"]["current"]["rows"], 200);
    }
}
