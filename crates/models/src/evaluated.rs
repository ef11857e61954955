//! Challengers of the past, from the record: what the rules of today would have said of them.
//!
//! In:    entries of the audit record, deployment settings. Out: `Evaluated`; a ruling of each; the settings with another line.
//! Never: scores rows anew: gains, their intervals and the figures are those that were found then.

use bellbuoy_vocabulary::Timestamp;
use serde_json::Value;

use crate::{
    DeploymentOutcome, DeploymentSettings, DeploymentThresholds, Interval, Metric, Policy, PolicyState, Reading, Readings, Ruling,
};

/// One evaluation.
#[derive(Clone, Debug, PartialEq)]
pub struct Evaluated {
    pub at: Timestamp,
    pub version: Option<String>,
    /// What was decided.
    pub was: DeploymentOutcome,
    /// A person wanted it, whatever the figures said.
    pub forced: bool,
    /// From rows, so that noise is known.
    paired: bool,
    readings: Readings,
}

const IMPROVEMENT_MIN: &str = "improvement_min";
const BASELINE_REGRESSION_MAX: &str = "baseline_regression_max";

impl Evaluated {
    /// `None`: an entry of something else, or one that compares by another metric than the settings do now.
    pub fn of_record(entry: &Value, settings: &DeploymentSettings) -> Option<Evaluated> {
        let was = DeploymentOutcome::parse(entry["decision"].as_str()?)?;
        let (current, baseline) = (&entry["current"], &entry["baseline"]);
        if current["metric"].as_str()? != settings.metric.word() {
            return None;
        }
        let mut readings = Readings::from([("improvement".to_owned(), gain(current)), ("baseline_change".to_owned(), gain(baseline))]);
        for side in ["champion", "challenger"] {
            for set in ["current", "baseline"] {
                let figures = &entry[side][set];
                let rows = figures["rows"].as_u64().map(|rows| rows as usize);
                for (name, value) in figures.as_object().into_iter().flatten() {
                    if let (Some(metric), Some(value)) = (Metric::parse(name), value.as_f64()) {
                        readings.insert(format!("{side}_{set}_{metric}"), Reading::of(value, rows));
                    }
                }
            }
        }
        let version = entry["version"].as_str().map(str::to_owned);
        let paired = [current, baseline].iter().any(|set| set["gain_low"].is_number());
        let forced = entry["reason"] == "forced";
        Some(Evaluated { at: Timestamp::parse_rfc3339(entry["at"].as_str()?)?, version, was, forced, paired, readings })
    }

    /// By these settings. A person who wants it deployed wants it still.
    pub fn judge(&self, settings: &DeploymentSettings) -> Ruling<DeploymentOutcome> {
        let policy = if self.paired { &settings.paired } else { &settings.told };
        policy.judge(&self.readings, &mut PolicyState::default(), self.forced, self.at)
    }
}

/// What a set says of the gain.
fn gain(set: &Value) -> Reading {
    let Some(value) = set["gain"].as_f64() else {
        return Reading::unknown(set["gain"]["because"].as_str().unwrap_or("it was not recorded"));
    };
    let end = |name: &str| set[name].as_f64();
    let interval = end("gain_low").zip(end("gain_high"));
    let interval = interval.map(|(low, high)| Interval { low, high, level: end("level").unwrap_or(f64::NAN) });
    Reading { value: Ok(value), interval, rows: set["rows"].as_u64().map(|rows| rows as usize) }
}

impl DeploymentSettings {
    /// `improvement_min` and `baseline_regression_max` of the default rules, or a line of one's own rules: its value now.
    pub fn value(&self, name: &str) -> Result<f64, String> {
        match (name, self.lines()) {
            (IMPROVEMENT_MIN, Some(lines)) => Ok(lines.improvement_min),
            (BASELINE_REGRESSION_MAX, Some(lines)) => Ok(lines.baseline_regression_max),
            _ => self.paired.line(name, &[IMPROVEMENT_MIN, BASELINE_REGRESSION_MAX]).map(|line| line.now),
        }
    }

    /// The same settings with another value.
    pub fn changed(&self, name: &str, value: f64) -> Result<DeploymentSettings, String> {
        let of = |lines| DeploymentSettings { rows_min: self.rows_min, ..DeploymentSettings::of(self.metric, &lines) };
        match (name, self.lines()) {
            (IMPROVEMENT_MIN, Some(lines)) => Ok(of(DeploymentThresholds { improvement_min: value, ..lines })),
            (BASELINE_REGRESSION_MAX, Some(lines)) => Ok(of(DeploymentThresholds { baseline_regression_max: value, ..lines })),
            _ => {
                let changed = |policy: &Policy<DeploymentOutcome>| policy.line(name, &[]).map(|line| policy.with_line(&line, value));
                // Of the default rules for figures alone not all lines are there.
                let told = changed(&self.told).unwrap_or_else(|_| self.told.clone());
                Ok(DeploymentSettings { told, paired: changed(&self.paired)?, ..self.clone() })
            }
        }
    }

    /// Of the default rules. `None`: there are rules of one's own.
    fn lines(&self) -> Option<DeploymentThresholds> {
        let line = |name: &str| Some(self.told.rules.iter().find(|rule| rule.name == name)?.when.first()?.line);
        let lines = DeploymentThresholds { improvement_min: line("no_improvement")?, baseline_regression_max: -line("worse_on_baseline")? };
        (self.told.rules == Policy::deployment(&lines).rules).then_some(lines)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{DeploymentDecision, Event, ModelSettings, Paired, Pairs, Resampling};

    /// `size` of the challenger's errors, those of the champion being 1.
    fn compared(size: f64, seed: usize) -> Result<Paired<Pairs>, crate::Unknown> {
        let error = |i: usize| ((i * 7919) % 1009) as f64 / 25.0 - 20.0;
        let pairs =
            |factor: f64, seed: usize| Pairs::new((0..300).map(|i| ((i % 100) as f64 + factor * error(i + seed), (i % 100) as f64)));
        Ok(Paired { champion: pairs(1.0, 0), challenger: pairs(size, seed) })
    }

    fn entry(settings: &ModelSettings, current: f64, baseline: f64, forced: bool) -> Value {
        let (current, baseline) = (compared(current, 17), compared(baseline, 0));
        let now = Timestamp(1_795_219_200_000);
        let decision = DeploymentDecision::of_rows(&settings.deployment, &Resampling::default(), current, baseline, forced, now);
        Event::deployment(settings, &decision, Some("v2".into())).audit(now)
    }

    #[test]
    fn the_record_decides_as_it_was_decided() {
        let settings = ModelSettings::new("bikes");
        for (current, baseline, forced) in [(0.8, 1.0, false), (1.0, 1.0, false), (0.8, 1.5, false), (1.3, 1.0, false), (1.3, 1.5, true)] {
            let entry = entry(&settings, current, baseline, forced);
            let read = Evaluated::of_record(&entry, &settings.deployment).expect("an evaluation");
            let ruling = read.judge(&settings.deployment);
            assert_eq!((ruling.outcome, ruling.reason.word()), (read.was, entry["reason"].as_str().expect("a word")), "{entry}");
            assert!(entry["because"].as_str().expect("text").starts_with(&ruling.reason.to_string()) || ruling.reason.rule().is_none());
        }
        assert_eq!(Evaluated::of_record(&serde_json::json!({"event": "decision", "outcome": "watch"}), &settings.deployment), None);
        let other = DeploymentSettings::of(Metric::Rmse, &DeploymentThresholds::default());
        assert_eq!(Evaluated::of_record(&entry(&settings, 0.8, 1.0, false), &other), None);
    }

    #[test]
    fn other_lines_decide_otherwise() {
        let settings = ModelSettings::new("bikes").deployment;
        let read = |current: f64, baseline: f64| {
            Evaluated::of_record(&entry(&ModelSettings::new("bikes"), current, baseline, false), &settings).expect("an evaluation")
        };
        let judge = |evaluated: &Evaluated, name: &str, value: f64| {
            evaluated.judge(&settings.changed(name, value).expect("there is one")).outcome.word()
        };
        let (better, forgets) = (read(0.8, 1.0), read(0.8, 1.5));
        assert_eq!((judge(&better, "improvement_min", 0.0), judge(&better, "improvement_min", 0.5)), ("deploy", "skip"));
        assert_eq!(
            (judge(&forgets, "baseline_regression_max", 0.05), judge(&forgets, "baseline_regression_max", 0.9)),
            ("reject", "deploy")
        );
        assert_eq!((settings.value("improvement_min"), settings.value("baseline_regression_max")), (Ok(0.0), Ok(0.05)));
        assert_eq!(settings.value("within_noise"), Ok(0.0));
        assert!(settings.value("improvement_max").expect_err("no such").contains("did you mean \"improvement_min\"?"));
    }
}
