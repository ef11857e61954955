//! Predictions and true values of numbers or classes, joined by id whichever comes first, however late; figures per window.
//!
//! A true value that comes or changes after its window was reported amends it: `amended` names the windows to report again. Everything is
//! bounded, what the bounds drop is counted, and a window of which rows were forgotten is not reported again in a smaller form.

use std::collections::{BTreeMap, BTreeSet, HashMap, VecDeque};

use bellbuoy_vocabulary::Timestamp;
use serde_json::{Value, json};

use crate::{
    Comparison, Cut, Evaluation, EvaluationOptions, Forgotten, Labelled, Metric, Pairs, Resampling, Sample, Segments, Unknown, Windows,
};

const ROLES_MAX: usize = 16;
const TEXT_BYTES_MAX: usize = 256;
const CLASSES_MAX: usize = 1000;
/// Changes that are remembered one by one until `amended` is asked; of more only the oldest, and all after it count as changed.
const TOUCHED_MAX: usize = 10_000;

#[derive(Clone, Debug, PartialEq)]
pub enum Target {
    Number,
    /// Classes in the order of the probabilities, and the one that binary figures are about.
    Class {
        classes: Vec<String>,
        positive: Option<String>,
    },
}

/// A prediction.
#[derive(Clone, Debug, PartialEq)]
pub struct Entry {
    pub id: String,
    pub at: Timestamp,
    pub role: String,
    pub answer: Answer,
    /// Segment by the name of its division: `("city", "Berlin")`.
    pub segments: BTreeMap<String, String>,
}

/// What a model said.
#[derive(Clone, Debug, PartialEq)]
pub enum Answer {
    Number(f64),
    /// The class may be left to the probabilities; these may be missing.
    Class {
        class: Option<String>,
        probabilities: Vec<f64>,
    },
}

#[derive(Clone, Debug, PartialEq)]
pub enum Truth {
    Number(f64),
    Class(String),
}

/// What became of a prediction or a true value.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Taken {
    New,
    /// The same was there already.
    Repeated,
    /// A true value that differs from the one before: it counts from now on.
    Corrected,
    /// A true value whose prediction is not there (yet).
    Waiting,
}

#[derive(Debug)]
pub struct Ledger {
    target: Target,
    /// No rows, but the classes: knows what a row may be.
    empty: Labelled,
    windows: Windows,
    rows_max: usize,
    roles: BTreeMap<String, Role>,
    /// (role, key) of each prediction of an id.
    ids: HashMap<String, Vec<(String, Key)>>,
    arrivals: u64,
    waiting: HashMap<String, Truth>,
    waiting_order: VecDeque<String>,
    /// True values that were dropped because too many waited for their prediction.
    pub truths_dropped: u64,
}

/// By time, then by order of arrival.
type Key = (Timestamp, u64);

#[derive(Debug, Default)]
struct Role {
    rows: BTreeMap<Key, Kept>,
    forgotten: Forgotten,
    touched: BTreeSet<Timestamp>,
    /// From here on every window may have changed.
    touched_from: Option<Timestamp>,
}

#[derive(Debug)]
struct Kept {
    id: String,
    answer: Answer,
    segments: BTreeMap<String, String>,
    truth: Option<Truth>,
}

/// Rows with their true values.
#[derive(Debug)]
pub enum Joined {
    Numbers(Pairs),
    Classes(Labelled),
}

/// One window of one role.
#[derive(Clone, Debug, PartialEq)]
pub struct WindowFigures {
    pub cut: Cut,
    pub predictions: usize,
    /// Of them with a true value.
    pub with_truth: usize,
    pub evaluation: Evaluation,
}

impl Ledger {
    /// `rows_max`: predictions kept per role; as many true values may wait for theirs.
    pub fn new(target: Target, windows: Windows, rows_max: usize) -> Ledger {
        let empty = match &target {
            Target::Number => Labelled::default(),
            Target::Class { classes, positive } => labelled(classes, positive.as_deref()),
        };
        Ledger {
            target,
            empty,
            windows,
            rows_max: rows_max.max(1),
            roles: BTreeMap::new(),
            ids: HashMap::new(),
            arrivals: 0,
            waiting: HashMap::new(),
            waiting_order: VecDeque::new(),
            truths_dropped: 0,
        }
    }

    /// Takes a prediction; each id counts once per role.
    pub fn predict(&mut self, entry: Entry) -> Result<Taken, String> {
        self.check(&entry)?;
        let keys = self.ids.get(&entry.id).map_or(&[][..], Vec::as_slice);
        if keys.iter().any(|(role, _)| *role == entry.role) {
            return Ok(Taken::Repeated);
        }
        // A true value lies with every role's row of its id, so a second role finds it at the first one's.
        let known = keys.first().and_then(|(role, key)| self.roles.get(role)?.rows.get(key)?.truth.clone());
        let truth = known.or_else(|| self.waiting.remove(&entry.id));
        self.arrivals += 1;
        let key = (entry.at, self.arrivals);
        self.ids.entry(entry.id.clone()).or_default().push((entry.role.clone(), key));
        let role = self.roles.entry(entry.role).or_default();
        // A row between others moves all windows of rows after it.
        if role.rows.last_key_value().is_some_and(|(last, _)| *last > key) && matches!(self.windows, Windows::Rows { .. }) {
            role.touched_from = Some(role.touched_from.map_or(entry.at, |from| from.min(entry.at)));
        }
        role.touch(entry.at);
        role.rows.insert(key, Kept { id: entry.id, answer: entry.answer, segments: entry.segments, truth });
        while role.rows.len() > self.rows_max {
            let Some((key, kept)) = role.rows.pop_first() else { break };
            role.forgotten.rows += 1;
            role.forgotten.until = Some(key.0);
            if let Some(keys) = self.ids.get_mut(&kept.id) {
                keys.retain(|(_, other)| *other != key);
                if keys.is_empty() {
                    self.ids.remove(&kept.id);
                }
            }
        }
        Ok(Taken::New)
    }

    fn check(&self, entry: &Entry) -> Result<(), String> {
        check_text("id", &entry.id)?;
        check_text("role", &entry.role)?;
        for (division, segment) in &entry.segments {
            check_text("segment's division", division)?;
            check_text("segment", segment)?;
        }
        match (&self.target, &entry.answer) {
            (Target::Number, Answer::Number(number)) if !number.is_finite() => {
                Err(format!("the prediction is {number}, not a finite number"))
            }
            (Target::Number, Answer::Number(_)) => Ok(()),
            (Target::Class { .. }, Answer::Class { class, probabilities }) => {
                // Tried where all rows end, so that what is refused is refused here and told.
                self.empty.check(class.as_deref(), probabilities).map_err(|problem| problem.to_string())?;
                class.as_deref().map_or(Ok(()), |class| check_text("class", class))
            }
            (Target::Number, Answer::Class { .. }) => Err("the model predicts numbers, this is a class".to_owned()),
            (Target::Class { .. }, Answer::Number(_)) => Err("the model predicts classes, this is a number".to_owned()),
        }?;
        match self.roles.get(&entry.role) {
            None if self.roles.len() >= ROLES_MAX => Err(format!("more than {ROLES_MAX} roles")),
            Some(role) if role.forgotten.until.is_some_and(|until| entry.at < until) => Err("older than the rows that are kept".to_owned()),
            _ => Ok(()),
        }
    }

    /// Takes a true value, before or after its prediction. Another value for the same id corrects the first.
    pub fn truth(&mut self, id: &str, truth: Truth) -> Result<Taken, String> {
        check_text("id", id)?;
        match (&self.target, &truth) {
            (Target::Number, Truth::Number(number)) if number.is_finite() => {}
            (Target::Number, Truth::Number(number)) => return Err(format!("the true value is {number}, not a finite number")),
            (Target::Class { .. }, Truth::Class(class)) => check_text("class", class)?,
            (Target::Number, Truth::Class(_)) => return Err("the model predicts numbers, this true value is a class".to_owned()),
            (Target::Class { .. }, Truth::Number(_)) => return Err("the model predicts classes, this true value is a number".to_owned()),
        }
        let Some(keys) = self.ids.get(id) else { return Ok(self.wait(id, truth)) };
        let mut taken = Taken::Repeated;
        for (role, key) in keys {
            let Some(role) = self.roles.get_mut(role) else { continue };
            let Some(kept) = role.rows.get_mut(key) else { continue };
            if kept.truth.as_ref() != Some(&truth) {
                taken = if kept.truth.is_some() { Taken::Corrected } else { Taken::New };
                kept.truth = Some(truth.clone());
                role.touch(key.0);
            }
        }
        Ok(taken)
    }

    fn wait(&mut self, id: &str, truth: Truth) -> Taken {
        match self.waiting.insert(id.to_owned(), truth.clone()) {
            Some(before) if before == truth => Taken::Repeated,
            Some(_) => Taken::Corrected,
            None => {
                self.waiting_order.push_back(id.to_owned());
                // The order may be longer than the map by ids that found their prediction; both are bounded here.
                while self.waiting.len() > self.rows_max || self.waiting_order.len() > 2 * self.rows_max {
                    let Some(oldest) = self.waiting_order.pop_front() else { break };
                    self.truths_dropped += u64::from(self.waiting.remove(&oldest).is_some());
                }
                Taken::Waiting
            }
        }
    }

    pub fn truths_waiting(&self) -> usize {
        self.waiting.len()
    }

    /// The windows of a role, oldest first.
    pub fn cuts(&self, role: &str, now: Timestamp) -> Vec<Cut> {
        let Some(role) = self.roles.get(role) else { return Vec::new() };
        let times: Vec<Timestamp> = role.rows.keys().map(|(at, _)| *at).collect();
        self.windows.cut(&times, &role.forgotten, now)
    }

    /// The windows whose predictions or true values changed since the last call: those to report, for the first time or again.
    pub fn amended(&mut self, role: &str, now: Timestamp) -> Vec<Cut> {
        let cuts = self.cuts(role, now);
        let Some(role) = self.roles.get_mut(role) else { return Vec::new() };
        let (touched, from) = (std::mem::take(&mut role.touched), role.touched_from.take());
        let of_time = matches!(self.windows, Windows::Time { .. });
        let is_touched = |cut: &Cut| {
            let inside = touched.range(cut.from..).next().is_some_and(|at| if of_time { *at < cut.to } else { *at <= cut.to });
            inside || from.is_some_and(|from| cut.to >= from)
        };
        cuts.into_iter().filter(is_touched).collect()
    }

    /// The rows of a window that have their true values.
    pub fn joined(&self, role: &str, cut: &Cut) -> Joined {
        Joined::of(&self.target, self.rows(role, cut).filter_map(|kept| Some((&kept.answer, kept.truth.as_ref()?))))
    }

    pub fn figures(&self, role: &str, cut: &Cut, options: &EvaluationOptions) -> WindowFigures {
        let predictions = self.rows(role, cut).count();
        let with_truth = self.rows(role, cut).filter(|kept| kept.truth.is_some()).count();
        let evaluation = self.joined(role, cut).evaluation(options);
        WindowFigures { cut: cut.clone(), predictions, with_truth, evaluation }
    }

    /// By the segments of one division. Rows without it are the segment of no name.
    pub fn by_segment(&self, role: &str, cut: &Cut, division: &str, options: &EvaluationOptions) -> Segments {
        let rows: Vec<&Kept> = self.rows(role, cut).filter(|kept| kept.truth.is_some()).collect();
        let names: Vec<&str> = rows.iter().map(|kept| kept.segments.get(division).map_or("", String::as_str)).collect();
        let joined = Joined::of(&self.target, rows.iter().filter_map(|kept| Some((&kept.answer, kept.truth.as_ref()?))));
        match &joined {
            Joined::Numbers(pairs) => Evaluation::by_segment(pairs, &names, options),
            Joined::Classes(labelled) => Evaluation::by_segment(labelled, &names, options),
        }
    }

    /// Two roles on the ids that both predicted, between two times (the end excluded), whose true values are there.
    pub fn compare(&self, roles: [&str; 2], span: [Timestamp; 2], metric: Metric, rows_min: usize, resampling: &Resampling) -> Comparison {
        let mut sides = [Vec::new(), Vec::new()];
        if let [Some(champion), Some(challenger)] = roles.map(|role| self.roles.get(role)) {
            let other: HashMap<&str, &Kept> = challenger.rows.values().map(|kept| (kept.id.as_str(), kept)).collect();
            for kept in champion.rows.range((span[0], 0)..(span[1], 0)).map(|(_, kept)| kept) {
                if let (Some(truth), Some(new)) = (&kept.truth, other.get(kept.id.as_str())) {
                    sides[0].push((&kept.answer, truth));
                    sides[1].push((&new.answer, truth));
                }
            }
        }
        let [champion, challenger] = sides.map(|side| Joined::of(&self.target, side.into_iter()));
        match (champion, challenger) {
            (Joined::Numbers(champion), Joined::Numbers(challenger)) => {
                Comparison::of(&champion, &challenger, metric, rows_min, resampling)
            }
            (Joined::Classes(champion), Joined::Classes(challenger)) => {
                Comparison::of(&champion, &challenger, metric, rows_min, resampling)
            }
            _ => Comparison::unknown(metric, Unknown::NotOfThisKind),
        }
    }

    fn rows(&self, role: &str, cut: &Cut) -> impl Iterator<Item = &Kept> {
        // A window of time is looked up by its begin; rows have to be counted, as several may have the same time.
        let of_time = matches!(self.windows, Windows::Time { .. });
        let (from, skipped) = if of_time { (cut.from, 0) } else { (Timestamp::MIN, cut.rows.start) };
        let found = self.roles.get(role).into_iter().flat_map(move |role| role.rows.range((from, 0)..));
        found.map(|(_, kept)| kept).skip(skipped).take(cut.rows.len())
    }
}

impl Role {
    fn touch(&mut self, at: Timestamp) {
        self.touched.insert(at);
        if self.touched.len() > TOUCHED_MAX
            && let Some(oldest) = self.touched.first().copied()
        {
            self.touched_from = Some(self.touched_from.map_or(oldest, |from| from.min(oldest)));
            self.touched.clear();
        }
    }
}

impl Joined {
    fn of<'a>(target: &Target, rows: impl Iterator<Item = (&'a Answer, &'a Truth)>) -> Joined {
        match target {
            Target::Number => {
                let number = |(answer, truth): (&Answer, &Truth)| match (answer, truth) {
                    (Answer::Number(predicted), Truth::Number(actual)) => Some((*predicted, *actual)),
                    _ => None,
                };
                Joined::Numbers(Pairs::new(rows.filter_map(number)))
            }
            Target::Class { classes, positive } => {
                let mut out = labelled(classes, positive.as_deref());
                for (answer, truth) in rows {
                    if let (Answer::Class { class, probabilities }, Truth::Class(actual)) = (answer, truth) {
                        // A row that cannot be used is counted by `left_out`.
                        let _ = out.push(actual, class.as_deref(), probabilities);
                    }
                }
                Joined::Classes(out)
            }
        }
    }

    pub fn evaluation(&self, options: &EvaluationOptions) -> Evaluation {
        match self {
            Joined::Numbers(pairs) => Evaluation::of(pairs, options),
            Joined::Classes(labelled) => Evaluation::of(labelled, options),
        }
    }

    pub fn rows(&self) -> usize {
        match self {
            Joined::Numbers(pairs) => pairs.rows(),
            Joined::Classes(labelled) => labelled.rows(),
        }
    }
}

impl WindowFigures {
    pub fn json(&self) -> Value {
        let mut out = self.evaluation.json();
        out["window"] = json!({
            "number": self.cut.number, "from": self.cut.from.rfc3339(), "to": self.cut.to.rfc3339(), "complete": self.cut.complete,
        });
        out["predictions"] = json!(self.predictions);
        out["with_true_value"] = json!(self.with_truth);
        out
    }
}

fn labelled(classes: &[String], positive: Option<&str>) -> Labelled {
    let classes: Vec<&str> = classes.iter().take(CLASSES_MAX).map(String::as_str).collect();
    Labelled::new(&classes, positive)
}

fn check_text(what: &str, text: &str) -> Result<(), String> {
    if text.is_empty() || text.len() > TEXT_BYTES_MAX { Err(format!("the {what} has to have 1 to {TEXT_BYTES_MAX} bytes")) } else { Ok(()) }
}

#[cfg(test)]
mod tests;
