//! The search: labels, copies and values for all leaves, tried against the condition until it holds.
//!
//! In:    the leaves of an expression and a test "does it hold with these series". Out: the series, or how many tries there were.
//! Holds: deterministic; the number of tries is bounded.

use std::collections::BTreeMap;

use bellbuoy_promql::Engine;
use bellbuoy_vocabulary::{Labels, Matcher, Millis, Points, Sample, SeriesSource, SourceError, Timestamp};

use super::labels::{LabelMaker, Variant, copy_value};
use super::leaves::{Calendar, Leaf, Leaves, Want};
use super::subject::Subject;
use super::values::{Pool, Times, series};

/// Tries of a design: of the first ones, of one with copies, of one with very many.
const TRIES_EACH: usize = 700;
const TRIES_COPIES: usize = 120;
const TRIES_MANY: usize = 2;
/// Of one series in a range: promtool refuses queries over more than 10,000 samples.
const SAMPLES_MAX: i64 = 9_000;
/// A threshold of so many series is met by making them, when there is one selector.
const COPIES_MAX: f64 = 20_000.0;
const COPIES_FEW: f64 = 200.0;
/// A clock that starts in 1970 is waited for so long, for things that have to be old.
const AGE_MAX: f64 = 400.0 * 86_400.0;
const HOUR: i64 = 3_600_000;
const DAY: i64 = 24 * HOUR;
const WEEK: i64 = 7 * DAY;
const HISTORY_MIN: i64 = 600_000;

pub type Series = BTreeMap<Labels, Vec<Sample>>;

#[derive(Default)]
pub struct Searched {
    pub tries: usize,
    /// What came closest to nothing: the series of the first try, for an explanation.
    pub first: Option<(Series, Times)>,
}

/// How the leaves are made, values aside.
#[derive(Clone, Debug)]
struct Design {
    variants: Vec<Variant>,
    /// Of each leaf how many series.
    copies: Vec<usize>,
    /// The label that tells copies apart, by position among the free ones.
    by: usize,
    /// The copies have other values than the first.
    spread: bool,
    tries: usize,
}

pub struct Search<'a> {
    pub subject: &'a Subject<'a>,
    pub engine: &'a Engine,
    pub interval: Millis,
    /// How long the data go on after the alert fires.
    pub more: Millis,
}

impl Search<'_> {
    fn leaves(&self) -> &Leaves {
        &self.subject.leaves
    }

    /// Calls `found` for each set of series with which the condition holds, until it says that it is satisfied.
    pub fn run(&self, tries_max: usize, found: &mut dyn FnMut(&Series, Times) -> bool) -> Searched {
        let mut searched = Searched::default();
        let maker = LabelMaker::new(self.leaves());
        let designs = self.designs(&maker);
        let histories = self.histories();
        for (number, history) in histories.iter().enumerate() {
            // What needs the long one is not kept from it.
            let share = if number + 1 < histories.len() { searched.tries + (tries_max - searched.tries) / 2 } else { tries_max };
            let starts = self.starts(*history);
            for at in &starts {
                let times = self.times(*at, *history);
                for design in &designs {
                    if searched.tries >= share {
                        break;
                    }
                    let many = self.leaves().calendar.any();
                    let each = if many { (tries_max / starts.len()).clamp(8, design.tries) } else { design.tries };
                    let end = (searched.tries + each).min(share);
                    if self.values(design, &maker, times, end, &mut searched, found) {
                        return searched;
                    }
                    if many && searched.tries >= end {
                        break;
                    }
                }
            }
        }
        searched
    }

    /// No series at all, which some rules take for a reason to fire.
    pub fn nothing(&self, found: &mut dyn FnMut(&Series, Times) -> bool) -> bool {
        let history = HISTORY_MIN;
        let Some(times) = self.starts(history).first().map(|at| self.times(*at, history)) else { return false };
        self.subject.holds(self.engine, &Given(&Series::new()), times.at, true) && found(&Series::new(), times)
    }

    /// Times at which the condition shall hold first. Rule tests begin in 1970, so that is where we are.
    fn starts(&self, history: i64) -> Vec<Timestamp> {
        let leaves = self.leaves();
        let align = |at: i64| Timestamp((at + self.interval.0 - 1) / self.interval.0 * self.interval.0);
        let first = align(history + 60_000);
        let calendar = leaves.calendar;
        if calendar.any() {
            // Behind a long history the weeks are the same as the first.
            let later = if calendar.day || first.0 <= HOUR { 0 } else { (first.0 + WEEK - 1) / WEEK * WEEK };
            return calendar_starts(calendar).into_iter().map(|at| align(at + later)).filter(|at| *at >= first).collect();
        }
        let mut out = vec![first];
        // `time() - x > 86400 and x > 0`: there has to be a time so long ago. `(time() - x) / 86400 > 80`: the product says it.
        let constants = &leaves.constants;
        let products: Vec<f64> = constants.iter().flat_map(|number| constants.iter().map(move |other| number * other)).collect();
        for ages in [constants, &products] {
            let oldest = ages.iter().copied().filter(|age| *age <= AGE_MAX).fold(0.0, f64::max);
            let at = align((oldest * 1_000.0) as i64 + first.0);
            if leaves.clock && out.iter().all(|known| *known < at) {
                out.push(at);
            }
        }
        out
    }

    /// How far back the data go. The best of two weeks is seen in one day of data too, and who runs the proof waits for a shorter time.
    fn histories(&self) -> Vec<i64> {
        let range = self.leaves().range_max.0;
        let full = range.min(SAMPLES_MAX * self.sample_step(range)).max(HISTORY_MIN);
        if full > 2 * DAY { vec![DAY, full] } else { vec![full] }
    }

    /// Milliseconds between samples.
    fn sample_step(&self, history: i64) -> i64 {
        let least = self.leaves().range_min.map(|range| range.0);
        let finest = least.map_or(60_000, |least| (least / 4).clamp(1_000, 60_000));
        // A whole number of seconds that divides a minute, so that samples fall on evaluations.
        let seconds = [60, 30, 15, 10, 5, 2, 1].into_iter().find(|seconds| seconds * 1000 <= finest).unwrap_or(1);
        // Long ranges with samples a minute apart would be too many; four minutes are below the lookback.
        let coarse = history / 60_000 > SAMPLES_MAX && least.is_none_or(|least| least >= 1_200_000);
        if coarse { 240_000 } else { seconds * 1000 }
    }

    fn times(&self, at: Timestamp, history: i64) -> Times {
        let step = Millis(self.sample_step(history));
        let from = Timestamp(((at.0 - history) / self.interval.0 * self.interval.0).max(0) / step.0 * step.0);
        let to = at + self.subject.hold + self.interval * 4 + self.more + Millis::from_minutes(2);
        Times { from, to, step, at }
    }

    fn designs(&self, maker: &LabelMaker) -> Vec<Design> {
        let leaves = &self.leaves().leaves;
        let count = leaves.len();
        let (variants, copies) = (vec![Variant::Shared; count], vec![1; count]);
        let shared = Design { variants, copies, by: 0, spread: false, tries: TRIES_EACH };
        let mut out = vec![shared.clone()];
        let apart: Vec<usize> = (0..count).filter(|index| maker.has_variant(&leaves[*index])).collect();
        for index in apart.iter().take(6) {
            let mut design = shared.clone();
            design.variants[*index] = Variant::Apart;
            out.push(design);
        }
        if apart.len() > 1 {
            let mut design = shared.clone();
            apart.iter().for_each(|index| design.variants[*index] = Variant::Apart);
            out.push(design);
        }
        if self.leaves().counts {
            self.copied_designs(maker, &shared, &mut out);
        }
        out
    }

    /// Several series of all selectors, with equal values or different ones, or of one selector alone.
    fn copied_designs(&self, maker: &LabelMaker, shared: &Design, out: &mut Vec<Design>) {
        let leaves = &self.leaves().leaves;
        let numbers = |from: f64, to: f64| self.leaves().constants.iter().copied().filter(move |number| *number >= from && *number < to);
        let mut copies: Vec<usize> = [2, 3].into_iter().chain(numbers(1.0, COPIES_FEW).map(|number| number as usize + 1)).collect();
        copies.sort();
        copies.dedup();
        let labels = leaves.iter().map(|leaf| maker.free(leaf).len()).max().unwrap_or(0);
        let shared = Design { tries: TRIES_COPIES, ..shared.clone() };
        for spread in [false, true] {
            for count in &copies {
                out.extend((0..labels.min(6)).map(|by| Design { copies: vec![*count; leaves.len()], by, spread, ..shared.clone() }));
            }
        }
        for index in (0..leaves.len().min(4)).filter(|_| leaves.len() > 1) {
            for count in copies.iter().take(3) {
                let mut each = vec![1; leaves.len()];
                each[index] = *count;
                out.extend((0..labels.min(3)).map(|by| Design { copies: each.clone(), by, ..shared.clone() }));
            }
        }
        if let [_] = leaves.as_slice() {
            let many = numbers(COPIES_FEW, COPIES_MAX).map(|number| vec![number as usize + 1]);
            out.extend(many.map(|copies| Design { copies, tries: TRIES_MANY, ..shared.clone() }));
        }
    }

    /// Values by direction first, then those that change over time, then one leaf after the other, then at random.
    fn values(
        &self,
        design: &Design,
        maker: &LabelMaker,
        times: Times,
        end: usize,
        searched: &mut Searched,
        found: &mut dyn FnMut(&Series, Times) -> bool,
    ) -> bool {
        let leaves = &self.leaves().leaves;
        let pools: Vec<Pool> = leaves.iter().map(|leaf| Pool::of(leaf, self.leaves(), times)).collect();
        let mut tried = std::collections::BTreeSet::new();
        let mut attempt = |picks: &[usize], searched: &mut Searched| -> bool {
            if searched.tries >= end || !tried.insert(picks.to_vec()) {
                return false;
            }
            searched.tries += 1;
            let Some(series) = self.make(design, maker, &pools, picks, times) else { return false };
            if searched.first.is_none() {
                searched.first = Some((series.clone(), times));
            }
            self.holds(&series, times) && found(&series, times)
        };
        let mut picks = vec![0; leaves.len()];
        if attempt(&picks, searched) {
            return true;
        }
        // Ever stronger values, all at once, in their directions.
        for strength in 1..4 {
            let strong = |(leaf, pool): (&Leaf, &Pool)| if leaf.want == Want::Gone { 0 } else { (strength * 2).min(pool.moved - 1) };
            let all: Vec<usize> = leaves.iter().zip(&pools).map(strong).collect();
            if attempt(&all, searched) {
                return true;
            }
        }
        for number in 0..pools.iter().map(|pool| pool.choices.len() - pool.moved).max().unwrap_or(0) {
            let moved = |pool: &Pool| if pool.moved + number < pool.choices.len() { pool.moved + number } else { 0 };
            if attempt(&pools.iter().map(moved).collect::<Vec<_>>(), searched) {
                return true;
            }
        }
        for leaf in 0..leaves.len() {
            for pick in 0..pools[leaf].choices.len() {
                picks[leaf] = pick;
                if attempt(&picks, searched) {
                    return true;
                }
            }
            picks[leaf] = 0;
        }
        // Nothing new to find with one leaf.
        if leaves.len() < 2 {
            return false;
        }
        let mut chance = 0x9e37_79b9_7f4a_7c15u64;
        let mut idle = 0;
        while searched.tries < end && idle < 2_000 {
            idle += 1;
            for (pick, pool) in picks.iter_mut().zip(&pools) {
                chance = chance.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
                *pick = ((chance >> 33) as usize) % pool.choices.len();
            }
            if attempt(&picks, searched) {
                return true;
            }
        }
        false
    }

    fn make(&self, design: &Design, maker: &LabelMaker, pools: &[Pool], picks: &[usize], times: Times) -> Option<Series> {
        let mut out = Series::new();
        for (index, leaf) in self.leaves().leaves.iter().enumerate() {
            let Some(course) = pools[index].choices[picks[index]] else { continue };
            let base = maker.labels(leaf, design.variants[index])?;
            for copy in 0..design.copies[index] {
                let labels = if copy == 0 { base.clone() } else { copied(maker, leaf, &base, design.by, copy)? };
                let course = if copy > 0 && design.spread { course.contrast() } else { course };
                for (labels, samples) in series(leaf, &labels, course, times) {
                    merge(&mut out, labels, samples, leaf, times);
                }
            }
        }
        Some(out)
    }

    /// Whether the condition holds for all of `for`.
    fn holds(&self, series: &Series, times: Times) -> bool {
        let (source, hold) = (Given(series), self.subject.hold);
        let gives = |at: Timestamp| self.subject.holds(self.engine, &source, at, false);
        gives(times.at) && (hold == Millis::ZERO || gives(times.at + hold) && gives(times.at + Millis(hold.0 / 2)))
    }
}

/// Times of the first year that differ in what is asked for: each hour, each weekday, days of each month.
fn calendar_starts(calendar: Calendar) -> Vec<i64> {
    let days: Vec<i64> = match calendar {
        Calendar { day: true, .. } => {
            [0, 6, 13, 20, 27, 28, 29, 30, 31].into_iter().chain((1..=22).map(|number| 30 + number * 15)).collect()
        }
        Calendar { weekday: true, .. } => (0..8).collect(),
        _ => vec![0, 1],
    };
    let hours: Vec<i64> = if calendar.hour { (0..24).collect() } else { vec![12] };
    let minutes: Vec<i64> = if calendar.minute { (0..60).step_by(5).collect() } else { vec![30] };
    let mut out = Vec::new();
    for day in days {
        for hour in &hours {
            out.extend(minutes.iter().map(|minute| day * DAY + hour * HOUR + minute * 60_000));
        }
    }
    out
}

fn copied(maker: &LabelMaker, leaf: &Leaf, base: &Labels, by: usize, copy: usize) -> Option<Labels> {
    let free = maker.free(leaf);
    let name = free.get(by).or(free.first())?;
    let value = copy_value(leaf, name, base.get(name), copy)?;
    Some(base.builder().set(name, &value).labels())
}

/// Selectors with different offsets read one series at different times: each has its own part of it.
fn merge(out: &mut Series, labels: Labels, samples: Vec<Sample>, leaf: &Leaf, times: Times) {
    let Some(known) = out.get_mut(&labels) else {
        if leaf.offset <= Millis::ZERO {
            out.insert(labels, samples);
            return;
        }
        // Only the past is said by it; what comes later is another leaf's, or nothing's.
        let border = border(leaf, times);
        out.insert(labels, samples.into_iter().filter(|sample| sample.at <= border).collect());
        return;
    };
    let border = border(leaf, times);
    let past = leaf.offset > Millis::ZERO;
    let mut merged: BTreeMap<Timestamp, f64> = known.iter().map(|sample| (sample.at, sample.value)).collect();
    let ours = samples.into_iter().filter(|sample| if past { sample.at <= border } else { !merged.contains_key(&sample.at) });
    let ours: Vec<Sample> = ours.collect();
    merged.extend(ours.into_iter().map(|sample| (sample.at, sample.value)));
    *known = merged.into_iter().map(|(at, value)| Sample::new(at, value)).collect();
}

/// Up to when a leaf with an offset speaks.
fn border(leaf: &Leaf, times: Times) -> Timestamp {
    let covered = (times.to - times.at).0.min(leaf.offset.0 / 2);
    (times.at - leaf.offset).saturating_add(Millis(covered)).max(times.from)
}

/// The series of a try, without copying them.
struct Given<'a>(&'a Series);

struct GivenSeries<'a>(&'a Labels, &'a [Sample]);

impl bellbuoy_vocabulary::Series for GivenSeries<'_> {
    fn labels(&self) -> &Labels {
        self.0
    }

    fn read(&self, _from: Timestamp, _to: Timestamp, out: &mut Points) -> Result<(), SourceError> {
        out.floats.extend(self.1);
        Ok(())
    }
}

impl SeriesSource for Given<'_> {
    fn select(
        &self,
        from: Timestamp,
        to: Timestamp,
        matchers: &[Matcher],
    ) -> Result<Vec<Box<dyn bellbuoy_vocabulary::Series + '_>>, SourceError> {
        let mut found: Vec<Box<dyn bellbuoy_vocabulary::Series>> = Vec::new();
        for (labels, samples) in self.0.iter().filter(|(labels, _)| matchers.iter().all(|matcher| matcher.matches_labels(labels))) {
            let start = samples.partition_point(|sample| sample.at < from);
            let end = samples.partition_point(|sample| sample.at <= to);
            if start < end {
                found.push(Box::new(GivenSeries(labels, &samples[start..end])));
            }
        }
        Ok(found)
    }
}
