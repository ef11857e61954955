//! Which labels the series of a result have: always, probably, maybe, probably not, never.

use std::collections::{BTreeMap, BTreeSet};

/// Of a label that may have more values than these nothing is said of them: long chains of `or` would be gone through again and again.
const VALUES_MAX: usize = 256;

/// How sure it is that a series has a label. A label with an empty value is not there.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Presence {
    /// Impossible by PromQL's semantics.
    Never,
    /// Impossible by convention: `le` on a `_count`.
    Unlikely,
    /// Nothing is known.
    Maybe,
    /// By convention, or because the author names it: `instance` of a scraped series, `x` of `sum by (x)`.
    Expected,
    /// Guaranteed by PromQL's semantics.
    Always,
}

impl Presence {
    /// What is known of a series that comes from one of two places.
    fn join(self, other: Presence) -> Presence {
        use Presence::*;
        match (self.min(other), self.max(other)) {
            (Never, Never) => Never,
            (Never | Unlikely, Unlikely) => Unlikely,
            (Always, Always) => Always,
            (Expected, Expected | Always) => Expected,
            _ => Maybe,
        }
    }

    /// What is known of a label that two matched series have with the same value: the surer word wins.
    fn meet(self, other: Presence) -> Presence {
        use Presence::*;
        match (self, other) {
            (Never, _) | (_, Never) => Never,
            (Always, _) | (_, Always) => Always,
            (Maybe, word) => word,
            (word, _) => word,
        }
    }

    pub fn is_possible(self) -> bool {
        self > Presence::Unlikely
    }
}

/// What is known of the labels of all series of a result.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Shape {
    /// Labels of which something is known that is not `rest`.
    labels: BTreeMap<String, Presence>,
    /// All other labels: `Maybe` (anything), `Unlikely` (none was seen) or `Never` (the list is complete).
    rest: Presence,
    /// The only values that a label can have. Its presence is `Always`.
    values: BTreeMap<String, BTreeSet<String>>,
}

impl Shape {
    /// Nothing is known.
    pub fn open() -> Shape {
        Shape { labels: BTreeMap::new(), rest: Presence::Maybe, values: BTreeMap::new() }
    }

    /// No label but those that are set now was ever seen: nothing is sure, but others are unlikely.
    pub fn observed() -> Shape {
        Shape { rest: Presence::Unlikely, ..Shape::open() }
    }

    /// No label at all.
    pub fn empty() -> Shape {
        Shape { rest: Presence::Never, ..Shape::open() }
    }

    pub fn presence(&self, label: &str) -> Presence {
        self.labels.get(label).copied().unwrap_or(self.rest)
    }

    pub fn values(&self, label: &str) -> Option<&BTreeSet<String>> {
        self.values.get(label)
    }

    /// Whether labels that nobody named can be there.
    pub fn is_open(&self) -> bool {
        self.rest != Presence::Never
    }

    /// Labels of which something is known.
    pub fn named(&self) -> impl Iterator<Item = &str> {
        self.labels.keys().map(String::as_str)
    }

    /// Named labels that can be there, without the metric's name.
    pub fn possible(&self) -> impl Iterator<Item = &str> {
        self.labels.iter().filter(|(name, presence)| presence.is_possible() && *name != super::infer::NAME).map(|(name, _)| name.as_str())
    }

    pub fn set(&mut self, label: &str, presence: Presence) {
        self.values.remove(label);
        if presence == self.rest {
            self.labels.remove(label);
        } else {
            self.labels.insert(label.to_string(), presence);
        }
    }

    /// The label is there and has one of these values.
    pub fn set_values(&mut self, label: &str, values: BTreeSet<String>) {
        self.set(label, Presence::Always);
        self.values.insert(label.to_string(), values);
    }

    /// The same knowledge of `label` as `other` has.
    pub fn copy(&mut self, label: &str, other: &Shape) {
        self.set(label, other.presence(label));
        if let Some(values) = other.values.get(label) {
            self.values.insert(label.to_string(), values.clone());
        }
    }

    /// Only these labels can be left.
    pub fn keep(&self, labels: &[String]) -> Shape {
        let mut kept = Shape::empty();
        for label in labels {
            kept.copy(label, self);
        }
        kept
    }

    /// A series of one or of the other.
    pub fn join(&self, other: &Shape) -> Shape {
        let mut joined = Shape { rest: self.rest.join(other.rest), ..Shape::open() };
        for label in self.labels.keys().chain(other.labels.keys()) {
            joined.set(label, self.presence(label).join(other.presence(label)));
            if let (Some(a), Some(b)) = (self.values.get(label), other.values.get(label))
                && a.len() + b.len() <= VALUES_MAX
            {
                joined.values.insert(label.clone(), a | b);
            }
        }
        joined
    }

    /// A series of this shape that was matched with one of `other` on `label`: both have the same value.
    fn meet(&mut self, label: &str, other: &Shape) {
        let values = match (self.values.get(label), other.values.get(label)) {
            (Some(a), Some(b)) => Some(a & b),
            (a, b) => a.or(b).cloned(),
        };
        self.set(label, self.presence(label).meet(other.presence(label)));
        if let Some(values) = values {
            self.values.insert(label.to_string(), values);
        }
    }

    /// A series of this shape that was matched with one of `other`, on the labels that `matched` names.
    pub fn refine(&mut self, other: &Shape, matched: &dyn Fn(&str) -> bool) {
        let names: BTreeSet<String> = self.labels.keys().chain(other.labels.keys()).filter(|label| matched(label)).cloned().collect();
        for label in &names {
            self.meet(label, other);
        }
    }

    /// No label that nobody named can be there, `except` for these, of which is known what was known.
    pub fn close(&mut self, except: &BTreeSet<&str>) {
        let kept: Vec<(String, Presence)> = except.iter().map(|label| (label.to_string(), self.presence(label))).collect();
        self.rest = Presence::Never;
        self.labels.retain(|_, presence| *presence != Presence::Never);
        for (label, presence) in kept {
            if presence != Presence::Never {
                self.labels.insert(label, presence);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A chain of a thousand `or` is gone through in one go, not with a set that grows at each of them.
    #[test]
    fn of_very_many_values_nothing_is_said() {
        let one = |value: usize| {
            let mut shape = Shape::open();
            shape.set_values("a", [value.to_string()].into());
            shape
        };
        let of = |count: usize| (1..count).fold(one(0), |shape, value| shape.join(&one(value)));
        assert_eq!(of(100).values("a").map(BTreeSet::len), Some(100));
        assert_eq!((of(1000).values("a"), of(1000).presence("a")), (None, Presence::Always));
    }
}
