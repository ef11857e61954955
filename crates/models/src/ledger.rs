//! Predictions with their features and true values, joined by id whichever comes first, however late.
//!
//! Rows lie in the order of their time; those of one time in an order that their ids alone decide, so the order of arrival changes nothing.
//! Everything is bounded, what the bounds drop is counted. Texts are kept once (cell.rs), ids once for all roles.

mod changes;
mod joined;
mod look;

use std::collections::{BTreeMap, HashMap, HashSet, VecDeque};
use std::hash::{DefaultHasher, Hasher};
use std::sync::Arc;

use bellbuoy_vocabulary::Timestamp;

use crate::cell::{Cell, CellValue, Texts};
use crate::past::Past;
use crate::{Accepted, Answer, Forgotten, Label, Labelled, ModelKind, Prediction, Taken, Truth};

use changes::Changes;
pub(crate) use joined::{Joined, labelled};

const ROLES_MAX: usize = 16;
const TEXT_BYTES_MAX: usize = 256;
const FEATURE_BYTES_MAX: usize = 1024;
const CLASSES_MAX: usize = 1000;
/// Rows of one time that are not kept but known one by one; of more the role takes none of this time that it would not keep.
const TIED_MAX: usize = 1 << 20;
const TOO_OLD: &str = "older than the rows that are kept";

#[derive(Debug)]
pub(crate) struct Ledger {
    target: ModelKind,
    /// No rows, but the classes: knows what a row may be.
    empty: Labelled,
    rows_max: usize,
    texts: Texts,
    rows: Vec<Kept>,
    free: Vec<Slot>,
    roles: Vec<Role>,
    ids: HashMap<Arc<str>, Slots>,
    waiting: HashMap<Arc<str>, Truth>,
    /// Ids in the order in which they began to wait; may hold ids that wait no more.
    waiting_order: VecDeque<Arc<str>>,
    past: Past,
    /// True values that were dropped because too many waited for their prediction.
    pub(crate) truths_dropped: u64,
    /// Pairs in the order in which they became complete, until somebody takes them. `None`: nobody does.
    pub(crate) paired: Option<Vec<Paired>>,
}

/// A prediction whose true value came, or a true value whose prediction came; once per row, corrections are none.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Paired {
    pub(crate) role: Arc<str>,
    /// The time of the prediction.
    pub(crate) at: Timestamp,
    /// Regression: the absolute error. Classification: 1 for a wrong class, else 0.
    pub(crate) error: f64,
}

/// Where a row lies in memory; another row may lie there later.
pub(crate) type Slot = u32;

/// By time, then by a number made of the id.
pub(crate) type Key = (Timestamp, u64);

/// The rows of one id, one for each role that predicted it.
#[derive(Debug)]
struct Slots {
    first: Slot,
    more: Vec<Slot>,
}

#[derive(Debug)]
struct Kept {
    id: Arc<str>,
    key: Key,
    role: u8,
    cells: Box<[Cell]>,
    said: Said,
    was: Was,
}

/// An answer with the class as a code of `texts`.
#[derive(Debug)]
enum Said {
    Number(f64),
    Class { class: Option<u32>, probabilities: Box<[f64]> },
}

#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum Was {
    NotYet,
    Number(f64),
    Class(u32),
}

#[derive(Debug)]
struct Role {
    name: Arc<str>,
    rows: BTreeMap<Key, Slot>,
    forgotten: Forgotten,
    forgotten_until: Option<Key>,
    /// Ids of the time of `forgotten_until` that are not kept.
    tied: HashSet<u64>,
    changes: Changes,
    /// Rises with every change.
    revision: u64,
}

impl Ledger {
    /// `rows_max`: predictions kept per role; as many true values may wait for theirs.
    pub(crate) fn new(target: ModelKind, rows_max: usize) -> Ledger {
        let empty = match &target {
            ModelKind::Regression => Labelled::default(),
            ModelKind::Classification { classes, positive } => labelled(classes, positive.as_deref()),
        };
        Ledger {
            target,
            empty,
            rows_max: rows_max.max(1),
            texts: Texts::default(),
            rows: Vec::new(),
            free: Vec::new(),
            roles: Vec::new(),
            ids: HashMap::new(),
            waiting: HashMap::new(),
            waiting_order: VecDeque::new(),
            past: Past::default(),
            truths_dropped: 0,
            paired: None,
        }
    }

    /// What `predict` would say.
    pub(crate) fn check(&self, prediction: &Prediction) -> Result<Taken, String> {
        check_text("id", &prediction.id)?;
        check_text("role", &prediction.role)?;
        for (position, value) in prediction.features.iter().enumerate() {
            if matches!(value, crate::FeatureValue::Text(text) if text.len() > FEATURE_BYTES_MAX) {
                return Err(format!("feature {position} has a text of more than {FEATURE_BYTES_MAX} bytes"));
            }
        }
        match (&self.target, &prediction.answer) {
            (ModelKind::Regression, Answer::Number(number)) if !number.is_finite() => {
                Err(format!("the prediction is {number}, not a finite number"))
            }
            (ModelKind::Regression, Answer::Number(_)) => Ok(()),
            (ModelKind::Classification { .. }, Answer::Class { class, probabilities }) => {
                // Tried where all rows end, so that what is refused is refused here and told.
                self.empty.check(class.as_deref(), probabilities).map_err(|problem| problem.to_string())?;
                class.as_deref().map_or(Ok(()), |class| check_text("class", class))
            }
            (ModelKind::Regression, Answer::Class { .. }) => Err("the model predicts numbers, this is a class".to_owned()),
            (ModelKind::Classification { .. }, Answer::Number(_)) => Err("the model predicts classes, this is a number".to_owned()),
        }?;
        let Some(at) = self.role_at(&prediction.role) else {
            return if self.roles.len() >= ROLES_MAX { Err(format!("more than {ROLES_MAX} roles")) } else { Ok(Taken::New) };
        };
        let known = self.ids.get(prediction.id.as_str());
        if known.is_some_and(|slots| slots.all().any(|slot| self.rows[slot as usize].role as usize == at)) {
            return Ok(Taken::Repeated);
        }
        self.check_forgotten(at, prediction)
    }

    /// A row that was kept once must not count again, and one that is older than all that are known may be such a row.
    fn check_forgotten(&self, at: usize, prediction: &Prediction) -> Result<Taken, String> {
        let role = &self.roles[at];
        let Some(until) = role.forgotten_until else { return Ok(Taken::New) };
        let tie = tie(&prediction.id);
        if self.past.has(tie, at) || prediction.at == until.0 && role.tied.contains(&tie) {
            return Ok(Taken::Repeated);
        }
        let full = (prediction.at, tie) <= until && role.tied.len() >= TIED_MAX;
        if prediction.at < until.0 || full { Err(TOO_OLD.to_owned()) } else { Ok(Taken::New) }
    }

    /// Takes a prediction; each id counts once per role.
    pub(crate) fn predict(&mut self, prediction: Prediction, accepted: &mut Accepted) {
        match self.check(&prediction) {
            Err(reason) => accepted.refuse(&prediction.id, reason),
            Ok(taken) => {
                accepted.count(taken);
                if taken != Taken::Repeated {
                    self.keep(prediction);
                }
            }
        }
    }

    fn keep(&mut self, prediction: Prediction) {
        let at = self.role_at(&prediction.role).unwrap_or_else(|| self.new_role(&prediction.role));
        let mut key = (prediction.at, tie(&prediction.id));
        // Of rows of one time, those that the bound would drop at once are not kept to begin with.
        if self.roles[at].forgotten_until.is_some_and(|until| key <= until) {
            self.roles[at].tied.insert(key.1);
            if !self.ids.contains_key(prediction.id.as_str()) {
                let was = self.known_truth(&prediction.id);
                self.remember(key.1, at, was);
            }
            return;
        }
        while self.roles[at].rows.contains_key(&key) {
            key.1 = key.1.wrapping_add(1);
        }
        let was = self.known_truth(&prediction.id);
        let cells: Vec<Cell> = prediction.features.iter().map(|value| self.texts.cell(value)).collect();
        let said = match prediction.answer {
            Answer::Number(number) => Said::Number(number),
            Answer::Class { class, probabilities } => {
                Said::Class { class: class.map(|class| self.texts.take(&class)), probabilities: probabilities.into_boxed_slice() }
            }
        };
        let slot = self.put(&prediction.id, |id| Kept { id, key, role: at as u8, cells: cells.into_boxed_slice(), said, was });
        self.pair(slot, Was::NotYet);
        let role = &mut self.roles[at];
        role.revision += 1;
        if role.rows.last_key_value().is_some_and(|(last, _)| *last > key) {
            role.changes.moved(key.0);
        }
        role.changes.touch(key.0);
        role.rows.insert(key, slot);
        if role.rows.len() > self.rows_max {
            self.forget_oldest(at);
        }
    }

    pub(crate) fn set_rows_max(&mut self, rows_max: usize) {
        self.rows_max = rows_max.max(1);
        for at in 0..self.roles.len() {
            while self.roles[at].rows.len() > self.rows_max {
                self.forget_oldest(at);
            }
        }
    }

    /// A true value lies with every role's row of its id, so a second role finds it at the first one's.
    fn known_truth(&mut self, id: &str) -> Was {
        let known = self.ids.get(id).map(|slots| self.rows[slots.first as usize].was);
        if let Some(was) = known.or_else(|| self.past.get(tie(id)).map(|gone| gone.was)) {
            if let Was::Class(code) = was {
                let text = self.texts.get(code).to_owned();
                self.texts.take(&text);
            }
            return was;
        }
        match self.waiting.remove(id) {
            None => Was::NotYet,
            Some(Truth::Number(number)) => Was::Number(number),
            Some(Truth::Class(class)) => Was::Class(self.texts.take(&class)),
        }
    }

    fn put(&mut self, id: &str, row: impl FnOnce(Arc<str>) -> Kept) -> Slot {
        let slot = self.free.pop().unwrap_or(self.rows.len() as Slot);
        let id: Arc<str> = match self.ids.get_mut(id) {
            Some(slots) => {
                slots.more.push(slot);
                self.rows[slots.first as usize].id.clone()
            }
            None => {
                let id: Arc<str> = id.into();
                self.ids.insert(id.clone(), Slots { first: slot, more: Vec::new() });
                id
            }
        };
        let row = row(id);
        match self.rows.get_mut(slot as usize) {
            Some(place) => *place = row,
            None => self.rows.push(row),
        }
        slot
    }

    fn forget_oldest(&mut self, at: usize) {
        let Some((key, slot)) = self.roles[at].rows.pop_first() else { return };
        let role = &mut self.roles[at];
        role.forgotten.rows += 1;
        role.forgotten.until = Some(key.0);
        if role.forgotten_until.is_none_or(|until| until.0 != key.0) {
            role.tied.clear();
        }
        role.forgotten_until = Some(key);
        let row = &mut self.rows[slot as usize];
        let id = std::mem::replace(&mut row.id, Arc::from(""));
        let tie = tie(&id);
        role.tied.insert(tie);
        for cell in &row.cells {
            if let CellValue::Text(code) = cell.value() {
                self.texts.give_back(code);
            }
        }
        row.cells = Box::default();
        if let Said::Class { class: Some(code), .. } = row.said {
            self.texts.give_back(code);
        }
        let was = row.was;
        self.remember(tie, at, was);
        self.free.push(slot);
        match self.ids.get_mut(&id) {
            Some(slots) if slots.more.is_empty() => {
                self.ids.remove(&id);
            }
            Some(slots) => {
                if slots.first == slot {
                    slots.first = slots.more.swap_remove(0);
                } else {
                    slots.more.retain(|other| *other != slot);
                }
            }
            None => {}
        }
    }

    fn remember(&mut self, tie: u64, at: usize, was: Was) {
        let texts = &mut self.texts;
        self.past.put(tie, at, was, self.rows_max, |was| {
            if let Was::Class(code) = was {
                texts.give_back(code);
            }
        });
    }

    /// What `truth` would say.
    pub(crate) fn check_truth(&self, label: &Label) -> Result<Taken, String> {
        check_text("id", &label.id)?;
        match (&self.target, &label.truth) {
            (ModelKind::Regression, Truth::Number(number)) if number.is_finite() => {}
            (ModelKind::Regression, Truth::Number(number)) => return Err(format!("the true value is {number}, not a finite number")),
            (ModelKind::Classification { .. }, Truth::Class(class)) => check_text("class", class)?,
            (ModelKind::Regression, Truth::Class(_)) => return Err("the model predicts numbers, this true value is a class".to_owned()),
            (ModelKind::Classification { .. }, Truth::Number(_)) => {
                return Err("the model predicts classes, this true value is a number".to_owned());
            }
        }
        let taken = |before: Option<bool>| match before {
            None => Taken::New,
            Some(true) => Taken::Repeated,
            Some(false) => Taken::Corrected,
        };
        Ok(match self.ids.get(label.id.as_str()) {
            Some(slots) => taken(self.is_truth(self.rows[slots.first as usize].was, &label.truth)),
            None => match (self.waiting.get(label.id.as_str()), self.past.get(tie(&label.id))) {
                (Some(before), _) => taken(Some(*before == label.truth)),
                (None, Some(gone)) => taken(self.is_truth(gone.was, &label.truth)),
                (None, None) => Taken::Waiting,
            },
        })
    }

    /// Is this the true value that the row has? `None`: it has none yet.
    fn is_truth(&self, was: Was, truth: &Truth) -> Option<bool> {
        match (was, truth) {
            (Was::NotYet, _) => None,
            (Was::Number(before), Truth::Number(number)) => Some(before == *number),
            (Was::Class(before), Truth::Class(class)) => Some(self.texts.get(before) == class),
            _ => Some(false),
        }
    }

    /// Takes a true value, before or after its prediction. Another value for the same id corrects the first.
    pub(crate) fn truth(&mut self, label: Label, accepted: &mut Accepted) {
        match self.check_truth(&label) {
            Err(reason) => accepted.refuse(&label.id, reason),
            Ok(taken) => {
                accepted.count(taken);
                if taken != Taken::Repeated {
                    self.join(label);
                }
            }
        }
    }

    fn join(&mut self, label: Label) {
        let Some(slots) = self.ids.get(label.id.as_str()) else {
            match self.past.get_mut(tie(&label.id)) {
                // Its row is gone, nothing waits for it; that it came is remembered.
                Some(gone) => {
                    let was = match &label.truth {
                        Truth::Number(number) => Was::Number(*number),
                        Truth::Class(class) => Was::Class(self.texts.take(class)),
                    };
                    if let Was::Class(code) = std::mem::replace(&mut gone.was, was) {
                        self.texts.give_back(code);
                    }
                }
                None => self.wait(label),
            }
            return;
        };
        // A role whose row is gone may share it with one whose row is here.
        let slots: Vec<Slot> = slots.all().collect();
        for slot in slots {
            let row = &mut self.rows[slot as usize];
            let was = match &label.truth {
                Truth::Number(number) => Was::Number(*number),
                Truth::Class(class) => Was::Class(self.texts.take(class)),
            };
            let before = std::mem::replace(&mut row.was, was);
            if let Was::Class(code) = before {
                self.texts.give_back(code);
            }
            let role = &mut self.roles[row.role as usize];
            role.revision += 1;
            role.changes.touch(row.key.0);
            self.pair(slot, before);
        }
    }

    /// `before`: the true value that the row had until now.
    fn pair(&mut self, slot: Slot, before: Was) {
        if self.paired.is_none() || before != Was::NotYet {
            return;
        }
        let row = &self.rows[slot as usize];
        let error = match (&row.said, row.was) {
            (_, Was::NotYet) => return,
            (Said::Number(predicted), Was::Number(actual)) => (predicted - actual).abs(),
            (Said::Class { class, probabilities }, Was::Class(actual)) => {
                let class = class.map(|code| self.texts.get(code)).or_else(|| self.empty.decide(probabilities));
                class.map_or(f64::NAN, |class| f64::from(u8::from(class != self.texts.get(actual))))
            }
            _ => f64::NAN,
        };
        let paired = Paired { role: self.roles[row.role as usize].name.clone(), at: row.key.0, error };
        self.paired.get_or_insert_default().push(paired);
    }

    fn wait(&mut self, label: Label) {
        if let Some(before) = self.waiting.get_mut(label.id.as_str()) {
            *before = label.truth;
            return;
        }
        let id: Arc<str> = label.id.into();
        self.waiting.insert(id.clone(), label.truth);
        self.waiting_order.push_back(id);
        // The order may be longer than the map by ids that found their prediction; both are bounded here.
        while self.waiting.len() > self.rows_max || self.waiting_order.len() > 2 * self.rows_max {
            let Some(oldest) = self.waiting_order.pop_front() else { break };
            self.truths_dropped += u64::from(self.waiting.remove(&oldest).is_some());
        }
    }

    pub(crate) fn truths_waiting(&self) -> usize {
        self.waiting.len()
    }

    fn role_at(&self, name: &str) -> Option<usize> {
        self.roles.iter().position(|role| &*role.name == name)
    }

    fn role(&self, name: &str) -> Option<&Role> {
        self.roles.iter().find(|role| &*role.name == name)
    }

    fn new_role(&mut self, name: &str) -> usize {
        self.roles.push(Role {
            name: name.into(),
            rows: BTreeMap::new(),
            forgotten: Forgotten::default(),
            forgotten_until: None,
            tied: HashSet::new(),
            changes: Changes::default(),
            revision: 0,
        });
        self.roles.len() - 1
    }

    pub(crate) fn forgotten(&self) -> impl Iterator<Item = (&str, usize, Option<Key>)> {
        self.roles.iter().map(|role| (&*role.name, role.forgotten.rows, role.forgotten_until))
    }

    /// Before any row: what was forgotten in the life before.
    pub(crate) fn restore_forgotten(&mut self, name: &str, rows: usize, until: Key) {
        if check_text("role", name).is_err() || self.role_at(name).is_none() && self.roles.len() >= ROLES_MAX {
            return;
        }
        let at = self.role_at(name).unwrap_or_else(|| self.new_role(name));
        self.roles[at].forgotten = Forgotten { rows, until: Some(until.0) };
        self.roles[at].forgotten_until = Some(until);
    }

    /// Rows of a role that are on disk and were not read again: `rows` of them newer than those that were restored as forgotten, the newest
    /// of all at `newest`; from `from` on all were read.
    pub(crate) fn forgot(&mut self, name: &str, rows: usize, newest: Timestamp, from: Timestamp) {
        if check_text("role", name).is_err() || self.role_at(name).is_none() && self.roles.len() >= ROLES_MAX {
            return;
        }
        let at = self.role_at(name).unwrap_or_else(|| self.new_role(name));
        let role = &mut self.roles[at];
        role.forgotten.rows += rows;
        role.forgotten.until = role.forgotten.until.max(Some(newest));
        role.forgotten_until = role.forgotten_until.max(Some((from, 0)));
    }

    pub(crate) fn take_changes(&mut self, role: &str) -> Changes {
        self.role_at(role).map_or_else(Changes::default, |at| std::mem::take(&mut self.roles[at].changes)).sorted()
    }
}

impl Slots {
    fn all(&self) -> impl Iterator<Item = Slot> {
        std::iter::once(self.first).chain(self.more.iter().copied())
    }
}

/// Puts rows of one time in an order that is the same on every machine.
fn tie(id: &str) -> u64 {
    let mut hasher = DefaultHasher::new();
    hasher.write(id.as_bytes());
    hasher.finish()
}

fn check_text(what: &str, text: &str) -> Result<(), String> {
    if text.is_empty() || text.len() > TEXT_BYTES_MAX { Err(format!("the {what} has to have 1 to {TEXT_BYTES_MAX} bytes")) } else { Ok(()) }
}

#[cfg(test)]
mod tests;
