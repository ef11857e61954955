//! What of the rules can be tried with other values: a line, the cool-down, how often a rule has to hold.
//!
//! In:    a name as in bellbuoy.yml. Out: where it stands, its value, the same rules with another one; or which names there are.

use bellbuoy_vocabulary::{Millis, nearest};

use super::{CoolDown, Policy};
use crate::RetrainingOutcome;

const COOL_DOWN: &str = "cool_down";
const TIMES_MIN: &str = "times_min";

/// Conditions with the same line.
#[derive(Clone, Debug, PartialEq)]
pub struct Line {
    /// Rule and condition.
    places: Vec<(usize, usize)>,
    pub figure: String,
    pub now: f64,
}

#[derive(Clone, Debug, PartialEq)]
pub enum Knob {
    Line(Line),
    /// In seconds.
    CoolDown,
    /// Of the rules that retrain.
    TimesMin,
}

impl<O: Copy + PartialEq> Policy<O> {
    /// A rule (`r2_critical`), a rule's figure (`drift_and_r2_warning/r2`), a figure (`drift_share`) or a key of the default rules
    /// (`r2_warning`) where its lines are the same. `more`: names that the caller knows beside them, for the error.
    pub fn line(&self, name: &str, more: &[&str]) -> Result<Line, String> {
        let all = || self.rules.iter().enumerate().flat_map(|(at, rule)| rule.when.iter().enumerate().map(move |(c, w)| (at, rule, c, w)));
        let places: Vec<(usize, usize)> = match (self.rules.iter().position(|rule| rule.name == name), name.split_once('/')) {
            (Some(rule), _) => vec![(rule, 0)],
            (None, Some((rule, figure))) => {
                all().filter(|(_, of, _, condition)| of.name == rule && condition.figure == figure).map(|(at, _, c, _)| (at, c)).collect()
            }
            (None, None) => all()
                .filter(|(_, rule, _, condition)| {
                    condition.figure == name || rule.name.contains(name) && name.starts_with(condition.figure.as_str())
                })
                .map(|(at, _, c, _)| (at, c))
                .collect(),
        };
        let first = places.first().and_then(|(rule, condition)| self.rules[*rule].when.get(*condition));
        let Some(first) = first else { return Err(self.no_such(name, more)) };
        if places.iter().any(|(rule, condition)| self.rules[*rule].when[*condition].line != first.line) {
            let rules: Vec<&str> = places.iter().map(|(rule, _)| self.rules[*rule].name.as_str()).collect();
            return Err(format!("{name} has several lines; name the rule: {}", rules.join(", ")));
        }
        Ok(Line { figure: first.figure.clone(), now: first.line, places })
    }

    fn no_such(&self, name: &str, more: &[&str]) -> String {
        let mut names: Vec<&str> = self.rules.iter().map(|rule| rule.name.as_str()).collect();
        names.extend(self.rules.iter().flat_map(|rule| &rule.when).map(|condition| condition.figure.as_str()));
        names.extend(more);
        let near = nearest(name, names.iter().copied()).map(|near| format!("did you mean {near:?}?"));
        names.dedup();
        format!("the rules have no {name:?}; {}", near.unwrap_or_else(|| format!("there are {}", names.join(", "))))
    }

    /// The same rules with another line. The one at which a condition clears goes along.
    pub fn with_line(&self, line: &Line, value: f64) -> Policy<O> {
        let mut policy = self.clone();
        for (rule, condition) in &line.places {
            let condition = &mut policy.rules[*rule].when[*condition];
            condition.clear = condition.clear.map(|clear| clear + (value - condition.line));
            condition.line = value;
        }
        policy
    }
}

impl Policy<RetrainingOutcome> {
    /// `cool_down`, `times_min`, or a line.
    pub fn knob(&self, name: &str) -> Result<Knob, String> {
        match name {
            COOL_DOWN => Ok(Knob::CoolDown),
            TIMES_MIN => Ok(Knob::TimesMin),
            _ => self.line(name, &[COOL_DOWN, TIMES_MIN]).map(Knob::Line),
        }
    }

    /// As it is now.
    pub fn value(&self, knob: &Knob) -> f64 {
        match knob {
            Knob::Line(line) => line.now,
            Knob::CoolDown => self.cool_down.map_or(0.0, |cool_down| cool_down.length.seconds()),
            Knob::TimesMin => {
                let retrain = self.rules.iter().filter(|rule| rule.outcome == RetrainingOutcome::RetrainNow);
                f64::from(retrain.map(|rule| rule.times_min.max(1)).max().unwrap_or(1))
            }
        }
    }

    /// The same rules with another value.
    pub fn changed(&self, knob: &Knob, value: f64) -> Policy<RetrainingOutcome> {
        let mut policy = self.clone();
        match knob {
            Knob::Line(line) => return self.with_line(line, value),
            Knob::CoolDown => {
                let kept = CoolDown { keeps_off: RetrainingOutcome::RetrainNow, instead: RetrainingOutcome::Watch, length: Millis::ZERO };
                let length = Millis((value * 1000.0) as i64);
                policy.cool_down = (length > Millis::ZERO).then_some(CoolDown { length, ..policy.cool_down.unwrap_or(kept) });
            }
            Knob::TimesMin => {
                for rule in policy.rules.iter_mut().filter(|rule| rule.outcome == RetrainingOutcome::RetrainNow) {
                    rule.times_min = value as u32;
                }
            }
        }
        policy
    }
}
