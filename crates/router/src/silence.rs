//! Silences: alerts that somebody does not want to hear of for a while.
//!
//! Ten thousand silences against ten thousand alerts must not be a hundred million comparisons. Each set of matchers is filed
//! under one demand that an alert must meet for it: a label with a certain value (`=`, or one of a few words), else a label
//! that must be there, else nothing. An alert then meets few candidates. What they say is remembered per alert as long as
//! the silences stay the same.

use std::cell::{Cell, RefCell};
use std::collections::HashMap;

use bellbuoy_vocabulary::{Labels, MatchOp, Matcher, Timestamp};

/// A regex of more words than this is filed under its label's name alone.
const WORDS_MAX: usize = 32;
/// Alerts whose silences are remembered; above it all are looked up again.
const REMEMBERED_MAX: usize = 200_000;

#[derive(Clone, Debug, PartialEq)]
pub struct Silence {
    pub id: String,
    /// Sets of matchers: an alert that satisfies all of one set is silenced.
    pub matchers: Vec<Vec<Matcher>>,
    pub starts_at: Timestamp,
    pub ends_at: Timestamp,
}

impl Silence {
    pub fn mutes(&self, labels: &Labels, now: Timestamp) -> bool {
        self.holds(now) && self.matches(labels)
    }

    fn holds(&self, now: Timestamp) -> bool {
        self.starts_at <= now && now < self.ends_at
    }

    fn matches(&self, labels: &Labels) -> bool {
        self.matchers.iter().any(|set| !set.is_empty() && set.iter().all(|matcher| matcher.matches_labels(labels)))
    }
}

/// The silences, filed by what they demand.
#[derive(Default)]
pub(crate) struct Silences {
    /// By place; places of those that are gone are used again.
    places: Vec<Option<Silence>>,
    free: Vec<usize>,
    by_id: HashMap<String, usize>,
    /// Label name, then value, to places.
    by_value: HashMap<String, HashMap<String, Vec<usize>>>,
    /// Label name that must be there.
    by_name: HashMap<String, Vec<usize>>,
    /// Those that any alert may meet.
    any: Vec<usize>,
    /// Places that match an alert, whatever the time; forgotten whenever a silence changes.
    remembered: RefCell<HashMap<u64, Box<[usize]>>>,
    compared: Cell<u64>,
}

/// Where a set of matchers is filed.
enum Demand<'a> {
    Values(&'a str, Vec<&'a str>),
    Name(&'a str),
    Nothing,
}

impl Silences {
    pub fn replace(&mut self, silences: Vec<Silence>) {
        *self = Silences::default();
        for silence in silences {
            self.put(silence);
        }
    }

    /// Adds a silence, or takes the place of the one with the same id.
    pub fn put(&mut self, silence: Silence) {
        self.remove(&silence.id);
        let place = self.free.pop().unwrap_or_else(|| {
            self.places.push(None);
            self.places.len() - 1
        });
        self.by_id.insert(silence.id.clone(), place);
        self.file(&silence, |list| {
            if list.last() != Some(&place) {
                list.push(place);
            }
        });
        self.places[place] = Some(silence);
        self.remembered.get_mut().clear();
    }

    pub fn remove(&mut self, id: &str) {
        let Some(place) = self.by_id.remove(id) else { return };
        let Some(silence) = self.places[place].take() else { return };
        self.file(&silence, |list| list.retain(|other| *other != place));
        self.free.push(place);
        self.remembered.get_mut().clear();
    }

    /// Forgets those that are over; nothing else changes.
    pub fn sweep(&mut self, now: Timestamp) {
        let over = |silence: &&Silence| silence.ends_at <= now;
        let ids: Vec<String> = self.places.iter().flatten().filter(over).map(|silence| silence.id.clone()).collect();
        ids.iter().for_each(|id| self.remove(id));
    }

    pub fn mute(&self, labels: &Labels, now: Timestamp) -> bool {
        !self.by_id.is_empty() && self.any_of(labels, |silence| silence.holds(now))
    }

    /// The ids of the silences that hold for an alert, in order.
    pub fn ids(&self, labels: &Labels, now: Timestamp) -> Vec<String> {
        let mut ids = Vec::new();
        if !self.by_id.is_empty() {
            self.any_of(labels, |silence| {
                if silence.holds(now) {
                    ids.push(silence.id.clone());
                }
                false
            });
            ids.sort_unstable();
        }
        ids
    }

    /// How many times an alert was compared with a silence: the measure of the index.
    #[cfg(test)]
    pub fn compared(&self) -> u64 {
        self.compared.get()
    }

    /// Asks about the silences that match, until one answer is yes.
    fn any_of(&self, labels: &Labels, mut ask: impl FnMut(&Silence) -> bool) -> bool {
        let fingerprint = labels.fingerprint();
        let mut remembered = self.remembered.borrow_mut();
        if remembered.len() >= REMEMBERED_MAX && !remembered.contains_key(&fingerprint) {
            remembered.clear();
        }
        let places = remembered.entry(fingerprint).or_insert_with(|| self.matching(labels));
        places.iter().filter_map(|place| self.places[*place].as_ref()).any(&mut ask)
    }

    fn matching(&self, labels: &Labels) -> Box<[usize]> {
        let mut candidates: Vec<usize> = self.any.clone();
        for (name, value) in labels.iter() {
            candidates.extend(self.by_value.get(name).and_then(|values| values.get(value)).into_iter().flatten());
            candidates.extend(self.by_name.get(name).into_iter().flatten());
        }
        candidates.sort_unstable();
        candidates.dedup();
        self.compared.set(self.compared.get() + candidates.len() as u64);
        candidates.retain(|place| self.places[*place].as_ref().is_some_and(|silence| silence.matches(labels)));
        candidates.into_boxed_slice()
    }

    /// Changes each list that a silence is, or shall be, filed in. Lists that become empty go away.
    fn file(&mut self, silence: &Silence, mut change: impl FnMut(&mut Vec<usize>)) {
        for set in &silence.matchers {
            match demand(set) {
                Demand::Values(name, words) => {
                    let values = self.by_value.entry(name.to_string()).or_default();
                    for word in words {
                        let list = values.entry(word.to_string()).or_default();
                        change(list);
                        if list.is_empty() {
                            values.remove(word);
                        }
                    }
                    if values.is_empty() {
                        self.by_value.remove(name);
                    }
                }
                Demand::Name(name) => {
                    let list = self.by_name.entry(name.to_string()).or_default();
                    change(list);
                    if list.is_empty() {
                        self.by_name.remove(name);
                    }
                }
                Demand::Nothing => change(&mut self.any),
            }
        }
    }
}

/// The strictest thing that a set of matchers asks for. A matcher that accepts the empty value asks for nothing:
/// an alert without the label meets it too.
fn demand(set: &[Matcher]) -> Demand<'_> {
    let demanding = || set.iter().filter(|matcher| !matcher.matches_empty());
    if let Some(matcher) = demanding().find(|matcher| matcher.op == MatchOp::Equal) {
        return Demand::Values(&matcher.name, vec![&matcher.value]);
    }
    for matcher in demanding().filter(|matcher| matcher.op == MatchOp::Regex) {
        if let Some(words) = matcher.alternatives().filter(|words| words.len() <= WORDS_MAX) {
            return Demand::Values(&matcher.name, words.iter().map(String::as_str).collect());
        }
    }
    demanding().next().map_or(Demand::Nothing, |matcher| Demand::Name(&matcher.name))
}

#[cfg(test)]
mod tests;
