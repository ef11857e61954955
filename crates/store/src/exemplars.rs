//! Exemplars of all series in one ring: a new one takes the place of the oldest.
//!
//! In:    exemplars of commits and of the replayed log, by the number of their series. Out: those of series and a range of time, in order.
//! Never: holds more than its bound; is asked before a series is known. Its lock is the innermost: nothing else is locked under it.
//!
//! A place takes 48 bytes and the labels behind it about 100 (a trace's and a span's id), so the 100,000 of the default are 15 MB when
//! the ring is full. It grows as it fills: who sends no exemplars pays nothing.

use std::collections::{BTreeSet, HashMap};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Mutex, MutexGuard};

use bellbuoy_vocabulary::{Exemplar, Labels, Matcher, Timestamp};

use crate::stats::add;
use crate::store::{Store, lock, read};

/// Prometheus' default of `max_exemplars`.
pub const EXEMPLARS_MAX_DEFAULT: usize = 100_000;
/// Places are counted in 32 bits.
const PLACES_MAX: usize = 1 << 31;
const NOWHERE: u32 = u32::MAX;
/// Series numbers begin with 1.
const NO_SERIES: u32 = 0;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Judged {
    New,
    /// It is the newest of its series.
    Known,
    OutOfOrder,
}

impl Judged {
    /// Beside the newest of its series. Those of one time come in the order of their values and labels, so that none of them is taken twice.
    pub fn of(exemplar: &Exemplar, newest: &Exemplar) -> Judged {
        if exemplar.repeats(newest) {
            Judged::Known
        } else if exemplar.order(newest).is_lt() {
            Judged::OutOfOrder
        } else {
            Judged::New
        }
    }
}

pub struct Figures {
    pub max: u64,
    pub stored: u64,
    pub series: u64,
    pub oldest: Option<Timestamp>,
}

pub struct Exemplars {
    max: AtomicUsize,
    ring: Mutex<Ring>,
}

struct Place {
    exemplar: Exemplar,
    series: u32,
    /// The next newer one of the series.
    next: u32,
}

#[derive(Clone, Copy)]
struct Ends {
    oldest: u32,
    newest: u32,
}

#[derive(Default)]
struct Ring {
    places: Vec<Place>,
    /// Where the next one is written.
    next: usize,
    max: usize,
    series: HashMap<u32, Ends>,
    stored: usize,
}

impl Exemplars {
    pub fn new(max: usize) -> Exemplars {
        let max = max.min(PLACES_MAX);
        Exemplars { max: AtomicUsize::new(max), ring: Mutex::new(Ring { max, ..Ring::default() }) }
    }

    pub fn wanted(&self) -> bool {
        self.max.load(Ordering::Relaxed) > 0
    }

    fn ring(&self) -> MutexGuard<'_, Ring> {
        lock(&self.ring)
    }

    pub fn judge(&self, series: u32, exemplar: &Exemplar) -> Judged {
        self.ring().judge(series, exemplar)
    }

    #[cfg(test)]
    fn add(&self, series: u32, exemplar: Exemplar) -> Judged {
        self.ring().add(series, exemplar)
    }

    /// From the log, which does not say whether a time was the exemplar's own: equal ones of different times are two. One that a
    /// page shows without a time afterwards is the same again.
    pub fn restore(&self, series: u32, exemplar: Exemplar) {
        let mut ring = self.ring();
        let exemplar = Exemplar { has_own_time: true, ..exemplar };
        if ring.judge(series, &exemplar) == Judged::New {
            ring.push(series, Exemplar { has_own_time: false, ..exemplar });
        }
    }

    /// Keeps the newest that fit.
    pub fn resize(&self, max: usize) {
        let max = max.min(PLACES_MAX);
        let mut ring = self.ring();
        if ring.max == max {
            return;
        }
        self.max.store(max, Ordering::Relaxed);
        let all = std::mem::take(&mut *ring).in_order();
        ring.max = max;
        let surplus = all.len().saturating_sub(max);
        for (series, exemplar) in all.into_iter().skip(surplus) {
            ring.push(series, exemplar);
        }
    }

    /// Series that are removed take theirs with them.
    pub fn forget(&self, series: impl Iterator<Item = u32>) {
        let mut ring = self.ring();
        series.for_each(|id| ring.forget(id));
    }

    pub fn figures(&self) -> Figures {
        let ring = self.ring();
        let first = if ring.places.len() == ring.max { ring.next } else { 0 };
        let oldest = ring.places.get(first).map(|place| place.exemplar.at);
        Figures { max: ring.max as u64, stored: ring.stored as u64, series: ring.series.len() as u64, oldest }
    }

    /// All, those that came first first.
    pub fn all(&self) -> Vec<(u32, Exemplar)> {
        let ring = self.ring();
        let (newer, older) = ring.places.split_at(ring.next.min(ring.places.len()));
        let stored = older.iter().chain(newer).filter(|place| place.series != NO_SERIES);
        stored.map(|place| (place.series, place.exemplar.clone())).collect()
    }

    /// Of each of these series that has some in the range.
    fn of(&self, wanted: &BTreeSet<u32>, from: Timestamp, to: Timestamp) -> Vec<(u32, Vec<Exemplar>)> {
        let ring = self.ring();
        let mut out = Vec::new();
        for (id, ends) in ring.series.iter().filter(|(id, _)| wanted.contains(id)) {
            let mut found = Vec::new();
            let mut at = ends.oldest;
            while let Some(place) = ring.places.get(at as usize) {
                if place.exemplar.at > to {
                    break;
                }
                if place.exemplar.at >= from {
                    found.push(place.exemplar.clone());
                }
                at = place.next;
            }
            if !found.is_empty() {
                out.push((*id, found));
            }
        }
        out
    }
}

impl Ring {
    fn judge(&self, series: u32, exemplar: &Exemplar) -> Judged {
        let Some(newest) = self.series.get(&series).and_then(|ends| self.places.get(ends.newest as usize)) else { return Judged::New };
        Judged::of(exemplar, &newest.exemplar)
    }

    fn add(&mut self, series: u32, exemplar: Exemplar) -> Judged {
        let judged = self.judge(series, &exemplar);
        if judged == Judged::New {
            self.push(series, exemplar);
        }
        judged
    }

    fn push(&mut self, series: u32, exemplar: Exemplar) {
        if self.max == 0 {
            return;
        }
        let at = self.next;
        self.next = (at + 1) % self.max;
        self.clear(at);
        let place = Place { exemplar, series, next: NOWHERE };
        match self.places.get_mut(at) {
            Some(old) => *old = place,
            None => self.places.push(place),
        }
        self.stored += 1;
        let at = at as u32;
        let ends = self.series.entry(series).or_insert(Ends { oldest: at, newest: NOWHERE });
        if let Some(before) = self.places.get_mut(ends.newest as usize) {
            before.next = at;
        }
        ends.newest = at;
    }

    /// The exemplar there, the oldest of its series, goes.
    fn clear(&mut self, at: usize) {
        let Some(place) = self.places.get_mut(at).filter(|place| place.series != NO_SERIES) else { return };
        let (series, next) = (place.series, place.next);
        place.series = NO_SERIES;
        self.stored -= 1;
        match self.series.get_mut(&series) {
            Some(ends) if next != NOWHERE => ends.oldest = next,
            _ => {
                self.series.remove(&series);
            }
        }
    }

    fn forget(&mut self, series: u32) {
        let Some(ends) = self.series.remove(&series) else { return };
        let mut at = ends.oldest;
        while let Some(place) = self.places.get_mut(at as usize) {
            place.series = NO_SERIES;
            self.stored -= 1;
            at = place.next;
        }
    }

    fn in_order(mut self) -> Vec<(u32, Exemplar)> {
        let next = self.next.min(self.places.len());
        self.places.rotate_left(next);
        self.places.into_iter().filter(|place| place.series != NO_SERIES).map(|place| (place.series, place.exemplar)).collect()
    }
}

impl Store {
    /// Exemplars with `from <= at <= to` of the series that satisfy all matchers of one of the selectors, sorted by the series' labels,
    /// those of a series by time.
    pub fn exemplars(&self, from: Timestamp, to: Timestamp, selectors: &[Vec<Matcher>]) -> Vec<(Labels, Vec<Exemplar>)> {
        let mut wanted = BTreeSet::new();
        {
            let index = read(&self.index);
            for matchers in selectors {
                wanted.extend(index.select(matchers));
            }
        }
        let found = self.exemplars.of(&wanted, from, to);
        let labels = |id: u32| self.shards.read(id).get(id).map(|series| series.labels.clone());
        let mut out: Vec<_> = found.into_iter().filter_map(|(id, exemplars)| Some((labels(id)?, exemplars))).collect();
        out.sort_by(|a, b| a.0.cmp(&b.0));
        out
    }

    /// Keeps the newest that fit; 0: none, and what comes is not stored.
    pub fn set_exemplars_max(&self, max: usize) {
        self.exemplars.resize(max);
    }

    /// What a commit has logged. Another commit may have brought newer ones of the series meanwhile.
    pub(crate) fn add_exemplars(&self, exemplars: &mut Vec<(u32, Exemplar)>) {
        if exemplars.is_empty() {
            return;
        }
        let (mut added, mut out_of_order) = (0, 0);
        let mut ring = self.exemplars.ring();
        for (series, exemplar) in exemplars.drain(..) {
            match ring.add(series, exemplar) {
                Judged::New => added += 1,
                Judged::Known => {}
                Judged::OutOfOrder => out_of_order += 1,
            }
        }
        add(&self.counters.exemplars_appended, added);
        add(&self.counters.exemplars_out_of_order, out_of_order);
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn exemplar(at: i64, value: f64) -> Exemplar {
        Exemplar { labels: Labels::from_pairs([("trace_id", format!("t{at}"))]), value, at: Timestamp(at), has_own_time: true }
    }

    fn shown(ring: &Exemplars) -> Vec<(u32, i64)> {
        ring.all().into_iter().map(|(series, exemplar)| (series, exemplar.at.0)).collect()
    }

    #[test]
    fn the_oldest_of_all_goes() {
        let ring = Exemplars::new(3);
        for (series, at) in [(1, 1), (2, 2), (1, 3), (2, 4)] {
            assert_eq!(ring.add(series, exemplar(at, 1.0)), Judged::New);
        }
        assert_eq!(shown(&ring), [(2, 2), (1, 3), (2, 4)]);
        let figures = ring.figures();
        assert_eq!((figures.max, figures.stored, figures.series, figures.oldest), (3, 3, 2, Some(Timestamp(2))));
        ring.add(2, exemplar(5, 1.0));
        ring.add(2, exemplar(6, 1.0));
        assert_eq!((shown(&ring), ring.figures().series), (vec![(2, 4), (2, 5), (2, 6)], 1));
        assert_eq!(ring.add(1, exemplar(1, 1.0)), Judged::New, "a series whose exemplars have all gone begins anew");
    }

    #[test]
    fn a_series_goes_with_all_of_its_own() {
        let ring = Exemplars::new(4);
        for (series, at) in [(1, 1), (2, 2), (1, 3)] {
            ring.add(series, exemplar(at, 1.0));
        }
        ring.forget([1, 9].into_iter());
        assert_eq!((shown(&ring), ring.figures().stored), (vec![(2, 2)], 1));
        for at in 4..8 {
            ring.add(3, exemplar(at, 1.0));
        }
        assert_eq!(shown(&ring), [(3, 4), (3, 5), (3, 6), (3, 7)]);
    }

    #[test]
    fn none_are_kept_when_none_are_wanted() {
        let ring = Exemplars::new(0);
        ring.add(1, exemplar(1, 1.0));
        assert!(!ring.wanted() && shown(&ring).is_empty());
        ring.resize(2);
        ring.add(1, exemplar(1, 1.0));
        assert_eq!(shown(&ring), [(1, 1)]);
        ring.resize(0);
        assert!(shown(&ring).is_empty());
    }

    proptest! {
        /// Compared with a plain list, through any additions, removals and sizes.
        #[test]
        fn as_a_list_would(steps in prop::collection::vec((0u8..12, 1u32..5, 0i64..30), 0..120)) {
            let ring = Exemplars::new(7);
            let mut max = 7;
            let mut list: Vec<(u32, i64)> = Vec::new();
            for (kind, series, at) in steps {
                match kind {
                    0 => {
                        max = at as usize % 10;
                        ring.resize(max);
                    }
                    1 => {
                        ring.forget([series].into_iter());
                        // Places of forgotten ones stay taken until the ring comes round, so sizes are compared without them.
                        list.retain(|(other, _)| *other != series);
                        ring.resize(max + 1);
                        ring.resize(max);
                    }
                    _ => {
                        let newest = list.iter().rev().find(|(other, _)| *other == series).map(|(_, at)| *at);
                        let expected = match newest {
                            Some(newest) if newest == at => Judged::Known,
                            Some(newest) if newest > at => Judged::OutOfOrder,
                            _ => Judged::New,
                        };
                        prop_assert_eq!(ring.add(series, exemplar(at, 1.0)), expected);
                        if expected == Judged::New {
                            list.push((series, at));
                        }
                    }
                }
                let surplus = list.len().saturating_sub(max);
                list.drain(..surplus);
                prop_assert_eq!(shown(&ring), list.clone());
                for series in 1..5 {
                    let of: Vec<i64> = ring.of(&BTreeSet::from([series]), Timestamp(5), Timestamp(20)).into_iter()
                        .flat_map(|(_, found)| found).map(|one| one.at.0).collect();
                    let expected: Vec<i64> = list.iter().filter(|(other, at)| *other == series && (5..=20).contains(at)).map(|(_, at)| *at).collect();
                    prop_assert_eq!(of, expected);
                }
            }
        }
    }
}
