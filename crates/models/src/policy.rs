//! Ordered rules over a model's figures: the first one that holds decides.
//!
//! A rule whose figure is unknown neither holds nor fails: what a missing figure could change is unknown too, so nothing that looks like a
//! verdict is made from missing data. Lines may have a second line at which they clear (hysteresis), rules may have to hold several times in
//! a row, figures may need rows, a run that was just done keeps the next one off (cool-down), and a person may force one.

mod deployment;
mod knob;
mod reading;
mod replay;
mod retraining;
mod ruling;

pub use knob::{Knob, Line};
pub use reading::{Reading, Readings, readings_of};
pub use replay::{ReplayedRules, Runs, Stretch};
pub use ruling::{Crossed, Ruling, RulingReason};

use std::collections::BTreeMap;

use bellbuoy_vocabulary::{Millis, Timestamp, nearest};
use serde::{Deserialize, Serialize};

use crate::naming::{spoken, spoken_flag, spoken_value};
use crate::{DecisionSeverity, Metric};

/// More rules than a person reads.
pub const RULES_MAX: usize = 100;

/// `O`: what can be decided, for example `RetrainingOutcome`.
#[derive(Clone, Debug, PartialEq)]
pub struct Policy<O> {
    /// First match decides.
    pub rules: Vec<Rule<O>>,
    /// When no rule holds.
    pub otherwise: O,
    /// When a rule that comes first cannot be judged.
    pub unknown: O,
    /// When a rule holds, but not often enough yet.
    pub pending: O,
    /// When a person asks for it.
    pub forced: O,
    pub cool_down: Option<CoolDown<O>>,
    /// Judgements closer together than this count as one for `times_min`.
    pub interval: Millis,
}

#[derive(Clone, Debug, PartialEq)]
pub struct Rule<O> {
    /// Unique among the rules.
    pub name: String,
    /// All of them.
    pub when: Vec<Condition>,
    pub outcome: O,
    pub severity: DecisionSeverity,
    /// Judgements in a row in which it has to hold; 0 and 1 are the same.
    pub times_min: u32,
}

#[derive(Clone, Debug, PartialEq)]
pub struct Condition {
    pub figure: String,
    pub side: Side,
    pub test: Test,
    pub line: f64,
    /// Once it holds, it holds until the figure is back beyond this line. `None`: until it is back beyond `line`.
    pub clear: Option<f64>,
    /// With fewer rows under the figure the condition is unknown.
    pub rows_min: usize,
}

/// Which number of a figure.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub enum Side {
    #[default]
    Value,
    /// The lower end of its interval: `low above 0` is "surely above 0".
    Low,
    High,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Test {
    Below,
    AtMost,
    Above,
    AtLeast,
}

/// After a run (told by `PolicyState::acted`) the outcome `keeps_off` is replaced for some time.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct CoolDown<O> {
    pub keeps_off: O,
    pub instead: O,
    pub length: Millis,
}

/// What a policy remembers from one judgement to the next. Kept over a restart as JSON.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct PolicyState {
    /// Conditions that hold, as `RULE/INDEX`: those with a `clear` line need to know.
    #[serde(default)]
    held: Vec<String>,
    /// How often in a row a rule has held.
    #[serde(default)]
    times: BTreeMap<String, u32>,
    /// When a judgement was counted last, and when a run was done last, in milliseconds.
    #[serde(default)]
    counted_at: Option<i64>,
    #[serde(default)]
    acted_at: Option<i64>,
}

/// What a condition comes to.
enum Held {
    Yes(String),
    No,
    Unknown { figure: String, because: String },
}

impl<O: Copy + PartialEq> Policy<O> {
    /// Decides, and remembers in `state` what the next judgement needs. `forced`: a person asks, whatever the figures say.
    pub fn judge(&self, readings: &Readings, state: &mut PolicyState, forced: bool, now: Timestamp) -> Ruling<O> {
        let counts = state.counted_at.is_none_or(|last| now >= Timestamp(last).saturating_add(self.interval));
        // Of rules that are no longer there nothing is kept.
        let name = |key: &str| key.rsplit_once('/').map_or("", |(rule, _)| rule).to_owned();
        state.held.retain(|key| self.rules.iter().any(|rule| rule.name == name(key)));
        let found: Vec<Vec<Held>> = self.rules.iter().map(|rule| rule.look(readings, state)).collect();
        state.count(self.rules.iter().zip(&found).map(|(rule, held)| (rule.name.as_str(), held)), counts);
        if counts {
            state.counted_at = Some(now.0);
        }
        let crossed = self.crossed(&found);
        let ruling = |outcome, severity, reason, rules| {
            let inputs = self.inputs(rules, readings);
            Ruling { at: now, outcome, severity, reason, inputs, crossed }
        };
        if forced {
            return ruling(self.forced, DecisionSeverity::Info, RulingReason::Forced, self.rules.len());
        }
        let mut pending = None;
        for (at, (rule, held)) in self.rules.iter().zip(found).enumerate() {
            let Some(reason) = self.reason(rule, held, state, now) else { continue };
            let (outcome, severity) = match &reason {
                RulingReason::Pending { .. } => {
                    pending.get_or_insert((at, reason));
                    continue;
                }
                RulingReason::Unknown { .. } => (self.unknown, DecisionSeverity::Warning),
                RulingReason::CoolingDown { .. } => {
                    (self.cool_down.map_or(rule.outcome, |cool_down| cool_down.instead), DecisionSeverity::Info)
                }
                _ => (rule.outcome, rule.severity),
            };
            // A rule that waits says more than a later one that finds nothing.
            if pending.is_none() || outcome != self.otherwise {
                return ruling(outcome, severity, reason, at + 1);
            }
        }
        let (outcome, severity, reason) = match pending {
            Some((_, reason)) => (self.pending, DecisionSeverity::Info, reason),
            None => {
                let inputs = self.inputs(self.rules.len(), readings);
                let said = |(name, reading): &(String, Reading)| Some(spoken_value(name, *reading.value.as_ref().ok()?));
                (self.otherwise, DecisionSeverity::Info, RulingReason::NoRule { figures: inputs.iter().filter_map(said).collect() })
            }
        };
        ruling(outcome, severity, reason, self.rules.len())
    }

    /// Each line once, at its highest severity.
    fn crossed(&self, found: &[Vec<Held>]) -> Vec<Crossed> {
        let mut out: Vec<Crossed> = Vec::new();
        for (rule, held) in self.rules.iter().zip(found) {
            let alone = rule.when.iter().all(|condition| Metric::parse(&condition.figure).is_some());
            let whole = held.iter().all(|held| matches!(held, Held::Yes(_)));
            let severity = if whole && alone { rule.severity } else { DecisionSeverity::Warning };
            for (condition, held) in rule.when.iter().zip(held) {
                let Held::Yes(why) = held else { continue };
                match out.iter_mut().find(|crossed| crossed.why == *why) {
                    Some(crossed) => crossed.severity = crossed.severity.max(severity),
                    None => out.push(Crossed { figure: condition.figure.clone(), why: why.clone(), severity }),
                }
            }
        }
        out
    }

    /// `None`: the rule does not hold.
    fn reason(&self, rule: &Rule<O>, held: Vec<Held>, state: &PolicyState, now: Timestamp) -> Option<RulingReason> {
        if held.iter().any(|held| matches!(held, Held::No)) {
            return None;
        }
        let name = rule.name.clone();
        let mut why = Vec::new();
        for held in held {
            match held {
                Held::Yes(said) => why.push(said),
                Held::Unknown { figure, because } => return Some(RulingReason::Unknown { rule: name, figure, because }),
                Held::No => {}
            }
        }
        let times = state.times.get(&name).copied().unwrap_or(0);
        if times < rule.times_min {
            return Some(RulingReason::Pending { rule: name, why, times, times_min: rule.times_min });
        }
        let cooling = self.cool_down.filter(|cool_down| cool_down.keeps_off == rule.outcome);
        let until = cooling.zip(state.acted_at).map(|(cool_down, acted)| Timestamp(acted).saturating_add(cool_down.length));
        match until.filter(|until| now < *until) {
            Some(until) => Some(RulingReason::CoolingDown { rule: name, why, until }),
            None => Some(RulingReason::Rule { rule: name, why }),
        }
    }

    fn inputs(&self, rules: usize, readings: &Readings) -> Vec<(String, Reading)> {
        let mut out: Vec<(String, Reading)> = Vec::new();
        for condition in self.rules[..rules].iter().flat_map(|rule| &rule.when) {
            if !out.iter().any(|(name, _)| *name == condition.figure) {
                let reading = readings.get(&condition.figure).cloned();
                out.push((condition.figure.clone(), reading.unwrap_or_else(|| Reading::unknown("there is no such figure"))));
            }
        }
        out
    }

    /// Does a rule look at an end of this figure's interval?
    pub fn asks_for_interval(&self, figure: &str) -> bool {
        let conditions = self.rules.iter().flat_map(|rule| &rule.when);
        conditions.into_iter().any(|condition| condition.figure == figure && condition.side != Side::Value)
    }

    /// What is wrong with the rules, all of it; `known` names the figures that the model has (empty: not checked).
    pub fn problems(&self, known: &[&str]) -> Vec<String> {
        let mut out = Vec::new();
        if self.rules.len() > RULES_MAX {
            out.push(format!("{} rules, at most {RULES_MAX} are allowed", self.rules.len()));
        }
        for (at, rule) in self.rules.iter().enumerate() {
            let name = &rule.name;
            if name.is_empty() {
                out.push(format!("rule {}: has no name", at + 1));
            }
            if self.rules[..at].iter().any(|before| before.name == *name) {
                out.push(format!("rule {name:?}: an earlier rule has the same name"));
            }
            if rule.when.is_empty() {
                out.push(format!("rule {name:?}: has no condition, so it would always hold and hide those after it"));
            }
            for condition in &rule.when {
                out.extend(condition.problem(known).map(|problem| format!("rule {name:?}: {problem}")));
            }
        }
        out
    }
}

impl<O> Rule<O> {
    /// One condition, from its first judgement on.
    pub fn new(name: &str, outcome: O, severity: DecisionSeverity, when: Vec<Condition>) -> Rule<O> {
        Rule { name: name.to_owned(), when, outcome, severity, times_min: 1 }
    }

    fn look(&self, readings: &Readings, state: &mut PolicyState) -> Vec<Held> {
        let look = |(at, condition): (usize, &Condition)| condition.look(readings, &format!("{}/{at}", self.name), state);
        self.when.iter().enumerate().map(look).collect()
    }
}

impl Condition {
    pub fn new(figure: &str, test: Test, line: f64) -> Condition {
        Condition { figure: figure.to_owned(), side: Side::Value, test, line, clear: None, rows_min: 0 }
    }

    pub fn on(mut self, side: Side) -> Condition {
        self.side = side;
        self
    }

    fn look(&self, readings: &Readings, key: &str, state: &mut PolicyState) -> Held {
        let number = match self.number(readings) {
            Ok(number) => number,
            Err(because) => {
                return Held::Unknown {
                    figure: spoken_flag(&self.figure, true).map_or_else(|| spoken(&self.figure).0, |_| "drift".into()),
                    because,
                };
            }
        };
        let was_held = state.held.iter().any(|held| held == key);
        let line = self.clear.filter(|_| was_held).unwrap_or(self.line);
        let holds = self.test.holds(number, line);
        if holds != was_held {
            state.held.retain(|held| held != key);
            if holds {
                state.held.push(key.to_owned());
            }
        }
        if !holds {
            return Held::No;
        }
        Held::Yes(self.why(number, line))
    }

    /// `R2 0.5321 is below 0.65`
    fn why(&self, number: f64, line: f64) -> String {
        if let Some(said) = spoken_flag(&self.figure, number != 0.0) {
            return said;
        }
        let (name, unit) = spoken(&self.figure);
        let side = match self.side {
            Side::Value => "",
            Side::Low => " at its lower end",
            Side::High => " at its upper end",
        };
        let still = if self.test.holds(number, self.line) { "is" } else { "was beyond its line and is still" };
        format!("{name} {}{side} {still} {} {}", unit.text_beside(number, line), self.test.words(), unit.line_text(line))
    }

    fn number(&self, readings: &Readings) -> Result<f64, String> {
        let Some(reading) = readings.get(&self.figure) else { return Err("there is no such figure".to_owned()) };
        let value = reading.value.clone()?;
        match reading.rows {
            None if self.rows_min > 0 => return Err(format!("nobody said from how many rows, {} are needed", self.rows_min)),
            Some(rows) if rows < self.rows_min => return Err(format!("{rows} rows, {} are needed", self.rows_min)),
            _ => {}
        }
        let number = match (self.side, reading.interval) {
            (Side::Value, _) => value,
            (Side::Low, Some(interval)) => interval.low,
            (Side::High, Some(interval)) => interval.high,
            (_, None) => return Err("it has no interval".to_owned()),
        };
        if number.is_finite() { Ok(number) } else { Err(format!("it is {number}, not a finite number")) }
    }

    /// `known`: the figures that the model has; empty: not checked.
    pub fn problem(&self, known: &[&str]) -> Option<String> {
        let figure = &self.figure;
        if !known.is_empty() && !known.contains(&figure.as_str()) {
            let near = nearest(figure, known.iter().copied()).map(|near| format!("did you mean {near:?}?"));
            return Some(format!("the model has no figure {figure:?}; {}", near.unwrap_or_else(|| format!("it has {}", some_of(known)))));
        }
        if !self.line.is_finite() || self.clear.is_some_and(|clear| !clear.is_finite()) {
            return Some(format!("the line of {figure} is not a finite number"));
        }
        let clear = self.clear?;
        let below = matches!(self.test, Test::Below | Test::AtMost);
        let wrong = if below { clear < self.line } else { clear > self.line };
        wrong.then(|| format!("{figure} would clear at {clear} before it reaches its line {}", self.line))
    }
}

/// The first of many names.
fn some_of(names: &[&str]) -> String {
    const NAMED_MAX: usize = 20;
    let more = names.len().saturating_sub(NAMED_MAX);
    let named = names[..names.len() - more].join(", ");
    if more == 0 { named } else { format!("{named} and {more} more") }
}

impl Test {
    pub fn holds(self, number: f64, line: f64) -> bool {
        match self {
            Test::Below => number < line,
            Test::AtMost => number <= line,
            Test::Above => number > line,
            Test::AtLeast => number >= line,
        }
    }

    fn words(self) -> &'static str {
        match self {
            Test::Below => "below",
            Test::AtMost => "at most",
            Test::Above => "above",
            Test::AtLeast => "at least",
        }
    }
}

impl PolicyState {
    /// A run was done: from here on the cool-down counts.
    pub fn acted(&mut self, now: Timestamp) {
        self.acted_at = Some(now.0);
    }

    /// An unknown rule keeps its count: missing data are no reason to begin anew, nor to go on.
    fn count<'a>(&mut self, rules: impl Iterator<Item = (&'a str, &'a Vec<Held>)>, counts: bool) {
        let mut times = BTreeMap::new();
        for (name, held) in rules {
            let before = self.times.get(name).copied().unwrap_or(0);
            let is_unknown = held.iter().any(|held| matches!(held, Held::Unknown { .. }));
            let now = match () {
                () if held.iter().any(|held| matches!(held, Held::No)) => 0,
                () if is_unknown => before,
                // The first time counts even between two intervals.
                () => before + u32::from(counts || before == 0),
            };
            if now > 0 {
                times.insert(name.to_owned(), now);
            }
        }
        self.times = times;
    }
}

#[cfg(test)]
mod tests;
