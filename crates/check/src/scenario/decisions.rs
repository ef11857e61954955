//! The decisions of a scenario: a model's figures go in, its rules are asked at each `schedule`, what changes is told through the router.
//!
//! In:    the lines `figure` and `run`, the models of the folder. Out: rulings at exact times, alerts as the running program would make them.
//! Never: makes figures from rows: the scenario says them. A figure that no line says is unknown, as is `_` among its values.

use bellbuoy_models::{
    DRIFT_DETECTED, DRIFT_SHARE, Event, Interval, ModelSettings, PolicyState, Reading, Readings, RetrainingOutcome, Ruling,
};
use bellbuoy_vocabulary::{Alert, Millis, Timestamp, is_stale, nearest};

use super::Failure;

/// Judgements of one scenario.
const JUDGEMENTS_MAX: i64 = 1_000_000;

/// `figure bikes r2 0.9x10 0.5x20`
#[derive(Clone, Debug)]
pub(super) struct FigureLine {
    pub line: usize,
    pub model: String,
    /// As rules name it; with `.low` or `.high` an end of its interval.
    pub figure: String,
    pub interval: Millis,
    pub values: Vec<Option<f64>>,
}

pub(super) struct Judges<'a> {
    models: Vec<Judged<'a>>,
    start: Timestamp,
}

struct Judged<'a> {
    settings: &'a ModelSettings,
    lines: Vec<&'a FigureLine>,
    state: PolicyState,
    due: Timestamp,
    last: Option<Ruling<RetrainingOutcome>>,
}

impl<'a> Judges<'a> {
    /// The models that figures are given of. The failures name lines of models and figures that do not exist.
    pub fn new(lines: &'a [FigureLine], models: &'a [&'a ModelSettings], start: Timestamp, end: Timestamp) -> (Judges<'a>, Vec<Failure>) {
        let (mut judges, mut failures) = (Judges { models: Vec::new(), start }, Vec::new());
        for line in lines {
            let fail = |message: String| Failure { line: line.line, message };
            let Some(settings) = models.iter().find(|settings| settings.name == line.model) else {
                failures.push(fail(format!("there is no model {:?} in bellbuoy.yml", line.model)));
                continue;
            };
            if (end - start).0 / settings.schedule.0.max(1) > JUDGEMENTS_MAX {
                failures.push(fail(format!("more than {JUDGEMENTS_MAX} judgements of {}", line.model)));
                continue;
            }
            failures.extend(not_looked_at(settings, &line.figure).map(fail));
            match judges.models.iter_mut().find(|judged| judged.settings.name == line.model) {
                Some(judged) => judged.lines.push(line),
                None => {
                    let state = PolicyState::default();
                    judges.models.push(Judged { settings, lines: vec![line], state, due: start, last: None });
                }
            }
        }
        (judges, failures)
    }

    pub fn next_due(&self) -> Option<Timestamp> {
        self.models.iter().map(|judged| judged.due).min()
    }

    /// Judges the models whose time has come. What people hear of it.
    pub fn judge(&mut self, now: Timestamp) -> Vec<Alert> {
        let start = self.start;
        self.models.iter_mut().filter(|judged| judged.due <= now).flat_map(|judged| judged.judge(start, now)).collect()
    }

    /// A training run was done. The error: there is no such model.
    pub fn run_done(&mut self, model: &str, now: Timestamp) -> Result<(), String> {
        self.of(model)?.state.acted(now);
        Ok(())
    }

    /// The newest ruling, or why there is none.
    pub fn ruling(&mut self, model: &str) -> Result<&Ruling<RetrainingOutcome>, String> {
        self.of(model)?.last.as_ref().ok_or_else(|| format!("{model} was not judged yet"))
    }

    fn of(&mut self, model: &str) -> Result<&mut Judged<'a>, String> {
        let found = self.models.iter_mut().find(|judged| judged.settings.name == model);
        found.ok_or_else(|| format!("no line `figure {model} NAME VALUES` says anything of the model {model:?}"))
    }
}

impl Judged<'_> {
    fn judge(&mut self, start: Timestamp, now: Timestamp) -> Vec<Alert> {
        self.due = now + self.settings.schedule;
        let readings = self.readings(now - start);
        let ruling = self.settings.retraining.judge(&readings, &mut self.state, false, now);
        let before = self.last.as_ref().map(|ruling| ruling.outcome);
        let told = before != Some(ruling.outcome);
        let detected = readings.get(DRIFT_DETECTED).is_some_and(|reading| reading.value == Ok(1.0));
        let events = Event::of_judgement(self.settings, &ruling, &readings, detected.then(Vec::new), before.is_none());
        self.last = Some(ruling);
        if told { events.iter().map(|event| event.alert(now)).collect() } else { Vec::new() }
    }

    /// The newest value of a figure.
    fn value(&self, figure: &str, after: Millis) -> Option<f64> {
        let line = self.lines.iter().find(|line| line.figure == figure)?;
        let index = (after.0 / line.interval.0.max(1)) as usize;
        line.values.get(index).or(line.values.last())?.filter(|value| !is_stale(*value))
    }

    fn readings(&self, after: Millis) -> Readings {
        let conditions = || self.settings.retraining.rules.iter().flat_map(|rule| &rule.when);
        let needed = conditions().map(|condition| condition.rows_min).max().filter(|rows| *rows > 0);
        let rows = self.value("rows", after).map(|rows| rows as usize).or(needed);
        let mut out = Readings::new();
        for line in self.lines.iter().filter(|line| !line.figure.ends_with(".low") && !line.figure.ends_with(".high")) {
            let end = |end: &str| self.value(&format!("{}.{end}", line.figure), after);
            let interval = end("low").zip(end("high")).map(|(low, high)| Interval { low, high, level: 0.95 });
            let value = self.value(&line.figure, after).ok_or_else(|| "the scenario does not say it".to_string());
            out.insert(line.figure.clone(), Reading { value, interval, rows });
        }
        if let (Some(share), false) = (out.get(DRIFT_SHARE).cloned(), out.contains_key(DRIFT_DETECTED)) {
            let value = share.value.map(|share| f64::from(u8::from(share >= self.settings.drift.share)));
            out.insert(DRIFT_DETECTED.into(), Reading { value, ..share });
        }
        let unsaid: Vec<String> = conditions().map(|condition| condition.figure.clone()).filter(|name| !out.contains_key(name)).collect();
        out.extend(unsaid.into_iter().map(|name| (name, Reading::unknown("the scenario does not say it"))));
        out
    }
}

/// A figure that no rule looks at is a slip of the pen.
fn not_looked_at(settings: &ModelSettings, figure: &str) -> Option<String> {
    let name = figure.strip_suffix(".low").or(figure.strip_suffix(".high")).unwrap_or(figure);
    let mut names: Vec<&str> =
        settings.retraining.rules.iter().flat_map(|rule| &rule.when).map(|condition| condition.figure.as_str()).collect();
    names.extend(["rows", DRIFT_SHARE, DRIFT_DETECTED]);
    if names.contains(&name) {
        return None;
    }
    let near = nearest(name, names.iter().copied()).map(|near| format!("; did you mean {near:?}?")).unwrap_or_default();
    Some(format!("no rule of {} looks at the figure {name:?}{near}", settings.name))
}
