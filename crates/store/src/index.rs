//! From matchers to series numbers: for each label name and value the sorted numbers of the series that have it.

use std::collections::{BTreeMap, BTreeSet, HashSet};

use bellbuoy_vocabulary::{Labels, MatchOp, Matcher};

use crate::table::IdTable;

/// Strings are stored once per name and once per value of a name.
#[derive(Default)]
pub struct Index {
    pub table: IdTable,
    names: BTreeMap<Box<str>, BTreeMap<Box<str>, Postings>>,
    all: Vec<u32>,
}

/// Many labels (an id, a path) belong to one series only: no allocation for those.
enum Postings {
    One(u32),
    Many(Vec<u32>),
}

impl Postings {
    fn ids(&self) -> &[u32] {
        match self {
            Postings::One(id) => std::slice::from_ref(id),
            Postings::Many(ids) => ids,
        }
    }

    fn add(&mut self, id: u32) {
        match self {
            Postings::One(first) => {
                let mut ids = vec![*first];
                add_sorted(&mut ids, id);
                *self = Postings::Many(ids);
            }
            Postings::Many(ids) => add_sorted(ids, id),
        }
    }
}

/// Numbers are given in rising order, so this is a push; only a replayed log can bring an older one later.
fn add_sorted(ids: &mut Vec<u32>, id: u32) {
    if ids.len() == ids.capacity() {
        ids.reserve_exact(4 + ids.len() / 8);
    }
    match ids.last() {
        Some(last) if *last >= id => {
            if let Err(at) = ids.binary_search(&id) {
                ids.insert(at, id);
            }
        }
        _ => ids.push(id),
    }
}

impl Index {
    pub fn len(&self) -> usize {
        self.all.len()
    }

    pub fn all(&self) -> &[u32] {
        &self.all
    }

    pub fn add(&mut self, hash: u64, id: u32, labels: &Labels) {
        self.table.insert(hash, id);
        add_sorted(&mut self.all, id);
        for (name, value) in labels {
            if !self.names.contains_key(name) {
                self.names.insert(name.into(), BTreeMap::new());
            }
            let Some(values) = self.names.get_mut(name) else { continue };
            match values.get_mut(value) {
                Some(postings) => postings.add(id),
                None => {
                    values.insert(value.into(), Postings::One(id));
                }
            }
        }
    }

    /// Takes out dead series. One pass over each list that names one of them.
    pub fn remove(&mut self, dead: &[(u64, u32, Labels)]) {
        let gone: HashSet<u32> = dead.iter().map(|(_, id, _)| *id).collect();
        let mut touched: BTreeSet<(&str, &str)> = BTreeSet::new();
        for (hash, id, labels) in dead {
            self.table.remove(*hash, *id);
            touched.extend(labels.iter());
        }
        for (name, value) in touched {
            let Some(values) = self.names.get_mut(name) else { continue };
            let empty = match values.get_mut(value) {
                Some(Postings::One(id)) => gone.contains(id),
                Some(Postings::Many(ids)) => {
                    ids.retain(|id| !gone.contains(id));
                    ids.shrink_to_fit();
                    ids.is_empty()
                }
                None => false,
            };
            if empty {
                values.remove(value);
                if values.is_empty() {
                    self.names.remove(name);
                }
            }
        }
        self.all.retain(|id| !gone.contains(id));
    }

    pub fn names(&self) -> impl Iterator<Item = &str> {
        self.names.keys().map(|name| &**name)
    }

    /// Values of a name in order, each with the sorted numbers of its series.
    pub fn values(&self, name: &str) -> impl Iterator<Item = (&str, &[u32])> {
        self.names.get(name).into_iter().flatten().map(|(value, postings)| (&**value, postings.ids()))
    }

    pub fn postings(&self, name: &str, value: &str) -> &[u32] {
        self.names.get(name).and_then(|values| values.get(value)).map_or(&[], Postings::ids)
    }

    /// The sorted numbers of the series that satisfy all matchers.
    pub fn select(&self, matchers: &[Matcher]) -> Vec<u32> {
        let mut wanted: Option<Vec<u32>> = None;
        // What must have a label first: it is the smaller set, the rest only narrows it.
        for matcher in matchers.iter().filter(|m| !m.matches_empty()) {
            let found = self.matching(matcher);
            wanted = Some(match wanted {
                None => found,
                Some(ids) => intersect(&ids, &found),
            });
            if wanted.as_ref().is_some_and(Vec::is_empty) {
                return Vec::new();
            }
        }
        let mut ids = wanted.unwrap_or_else(|| self.all.clone());
        for matcher in matchers.iter().filter(|m| m.matches_empty()) {
            let excluded = union(self.values(&matcher.name).filter(|(value, _)| !matcher.matches(value)).map(|(_, ids)| ids));
            ids = subtract(&ids, &excluded);
        }
        ids
    }

    fn matching(&self, matcher: &Matcher) -> Vec<u32> {
        match (matcher.op, matcher.alternatives()) {
            (MatchOp::Equal, _) => self.postings(&matcher.name, &matcher.value).to_vec(),
            (MatchOp::Regex, Some(words)) => union(words.iter().map(|word| self.postings(&matcher.name, word))),
            _ => union(self.values(&matcher.name).filter(|(value, _)| matcher.matches(value)).map(|(_, ids)| ids)),
        }
    }
}

fn union<'a>(lists: impl Iterator<Item = &'a [u32]>) -> Vec<u32> {
    let mut out: Vec<u32> = Vec::new();
    let mut sorted = true;
    for list in lists {
        sorted &= match (out.last(), list.first()) {
            (Some(last), Some(first)) => last < first,
            _ => true,
        };
        out.extend_from_slice(list);
    }
    if !sorted {
        out.sort_unstable();
        out.dedup();
    }
    out
}

fn intersect(a: &[u32], b: &[u32]) -> Vec<u32> {
    let (small, large) = if a.len() <= b.len() { (a, b) } else { (b, a) };
    if small.len() * 16 < large.len() {
        return small.iter().copied().filter(|id| large.binary_search(id).is_ok()).collect();
    }
    let mut out = Vec::with_capacity(small.len());
    let mut rest = large.iter().peekable();
    for id in small {
        while rest.next_if(|other| *other < id).is_some() {}
        if rest.peek() == Some(&id) {
            out.push(*id);
        }
    }
    out
}

fn subtract(ids: &[u32], excluded: &[u32]) -> Vec<u32> {
    let mut out = Vec::with_capacity(ids.len());
    let mut rest = excluded.iter().peekable();
    for id in ids {
        while rest.next_if(|other| *other < id).is_some() {}
        if rest.peek() != Some(&id) {
            out.push(*id);
        }
    }
    out
}
