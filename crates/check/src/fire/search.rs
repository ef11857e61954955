//! The search: labels, copies and values for all leaves, tried against the condition until it holds.
//!
//! In:    the leaves of an expression and a test "does it hold with these series". Out: the series, or how many tries there were.
//! Holds: deterministic; the number of tries is bounded.

use std::collections::BTreeMap;

use bellbuoy_promql::{Engine, Expr, Value};
use bellbuoy_vocabulary::{Labels, Matcher, Millis, Points, Sample, SeriesSource, SourceError, Timestamp};

use super::labels::{LabelMaker, Variant, copy_value};
use super::leaves::{Leaf, Leaves, Want};
use super::values::{Choice, Times, choices, series};

/// Tries of one design.
const TRIES_EACH: usize = 700;
const SAMPLES_MAX: i64 = 12_000;

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
    copies: usize,
    /// The label that tells copies apart, by position among the free ones.
    by: usize,
}

pub struct Search<'a> {
    pub expr: &'a Expr,
    pub leaves: &'a Leaves,
    pub engine: &'a Engine,
    /// How long the condition has to hold.
    pub hold: Millis,
    pub interval: Millis,
    /// How long the data go on after the alert fires.
    pub more: Millis,
}

impl Search<'_> {
    /// Calls `found` for each set of series with which the condition holds, until it says that it is satisfied.
    pub fn run(&self, tries_max: usize, found: &mut dyn FnMut(&Series, Times) -> bool) -> Searched {
        let mut searched = Searched::default();
        let maker = LabelMaker::new(self.leaves);
        let designs = self.designs(&maker);
        for at in self.starts() {
            let times = self.times(at);
            for design in &designs {
                if searched.tries >= tries_max {
                    return searched;
                }
                let each = if self.leaves.calendar { TRIES_EACH / 20 } else { TRIES_EACH };
                let end = searched.tries + each;
                if self.values(design, &maker, times, end.min(tries_max), &mut searched, found) {
                    return searched;
                }
            }
        }
        searched
    }

    /// Times at which the condition shall hold first. Rule tests begin in 1970, so that is where we are.
    fn starts(&self) -> Vec<Timestamp> {
        let history = self.leaves.range_max.0.min(SAMPLES_MAX * self.sample_step().0).max(600_000);
        let align = |at: i64| Timestamp((at + self.interval.0 - 1) / self.interval.0 * self.interval.0);
        let first = align(history + 60_000);
        if !self.leaves.calendar {
            return vec![first];
        }
        // Each hour of a week, then the beginning of some days of each month.
        let hour = 3_600_000;
        let mut out: Vec<Timestamp> = (1..=168).map(|number| align(number * hour + 1_800_000)).filter(|at| *at >= first).collect();
        out.extend((1..=24).map(|number| align(number * 15 * 24 * hour + 12 * hour)));
        out
    }

    fn sample_step(&self) -> Millis {
        let finest = if self.leaves.range_min.0 == i64::MAX { 60_000 } else { (self.leaves.range_min.0 / 4).clamp(1_000, 60_000) };
        // A whole number of seconds that divides a minute, so that samples fall on evaluations.
        let seconds = [60, 30, 15, 10, 5, 2, 1].into_iter().find(|seconds| seconds * 1000 <= finest).unwrap_or(1);
        // Long ranges with samples a minute apart would be too many; four minutes are below the lookback.
        let coarse = self.leaves.range_max.0 / 60_000 > SAMPLES_MAX && self.leaves.range_min.0 >= 1_200_000;
        Millis(if coarse { 240_000 } else { seconds * 1000 })
    }

    fn times(&self, at: Timestamp) -> Times {
        let step = self.sample_step();
        let history = self.leaves.range_max.0.min(SAMPLES_MAX * step.0).max(600_000);
        let from = Timestamp(((at.0 - history) / self.interval.0 * self.interval.0).max(0) / step.0 * step.0);
        let to = at + self.hold + self.interval * 4 + self.more + Millis::from_minutes(2);
        Times { from, to, step, at }
    }

    fn designs(&self, maker: &LabelMaker) -> Vec<Design> {
        let count = self.leaves.leaves.len();
        let shared = Design { variants: vec![Variant::Shared; count], copies: 1, by: 0 };
        let mut out = vec![shared.clone()];
        let apart: Vec<usize> = (0..count).filter(|index| maker.has_variant(&self.leaves.leaves[*index])).collect();
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
        if self.leaves.counts {
            let numbers =
                self.leaves.constants.iter().filter(|number| **number >= 1.0 && **number < 200.0).map(|number| *number as usize + 1);
            let mut copies: Vec<usize> = [2, 3].into_iter().chain(numbers).collect();
            copies.sort();
            copies.dedup();
            let labels = self.leaves.leaves.iter().map(|leaf| maker.free(leaf).len()).max().unwrap_or(0).min(6);
            for copies in copies {
                out.extend((0..labels).map(|by| Design { copies, by, ..shared.clone() }));
            }
        }
        out
    }

    /// Values by direction first, then one leaf after the other, then at random.
    fn values(
        &self,
        design: &Design,
        maker: &LabelMaker,
        times: Times,
        end: usize,
        searched: &mut Searched,
        found: &mut dyn FnMut(&Series, Times) -> bool,
    ) -> bool {
        let leaves = &self.leaves.leaves;
        let pools: Vec<Vec<Choice>> = leaves.iter().map(|leaf| choices(leaf, self.leaves, times.at)).collect();
        let mut tried = std::collections::BTreeSet::new();
        let mut attempt = |picks: &[usize], searched: &mut Searched| -> bool {
            if !tried.insert(picks.to_vec()) {
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
            let all: Vec<usize> = leaves
                .iter()
                .zip(&pools)
                .map(|(leaf, pool)| if leaf.want == Want::Gone { 0 } else { (strength * 2).min(pool.len() - 1) })
                .collect();
            if attempt(&all, searched) {
                return true;
            }
        }
        for leaf in 0..leaves.len() {
            for pick in 0..pools[leaf].len() {
                if searched.tries >= end {
                    return false;
                }
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
                *pick = ((chance >> 33) as usize) % pool.len();
            }
            if attempt(&picks, searched) {
                return true;
            }
        }
        false
    }

    fn make(&self, design: &Design, maker: &LabelMaker, pools: &[Vec<Choice>], picks: &[usize], times: Times) -> Option<Series> {
        let mut out = Series::new();
        for (index, leaf) in self.leaves.leaves.iter().enumerate() {
            let Some(course) = pools[index][picks[index]] else { continue };
            let base = maker.labels(leaf, design.variants[index])?;
            for copy in 0..design.copies {
                let labels = if copy == 0 { base.clone() } else { copied(maker, leaf, &base, design.by, copy)? };
                for (labels, samples) in series(leaf, &labels, course, times) {
                    merge(&mut out, labels, samples, leaf, times);
                }
            }
        }
        Some(out)
    }

    /// Whether the condition holds for all of `for`.
    fn holds(&self, series: &Series, times: Times) -> bool {
        let source = Given(series);
        let gives = |at: Timestamp| match self.engine.instant(self.expr, &source, at) {
            Ok(answer) => match answer.value {
                Value::Vector(elements) => elements.iter().any(|element| element.value.float().is_some()),
                Value::Scalar(_) => true,
                _ => false,
            },
            Err(_) => false,
        };
        gives(times.at) && (self.hold == Millis::ZERO || gives(times.at + self.hold) && gives(times.at + Millis(self.hold.0 / 2)))
    }
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
