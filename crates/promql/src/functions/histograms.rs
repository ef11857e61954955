//! Quantiles and fractions of classic histograms: series with a label `le`, one a bucket, counts cumulated.
//!
//! In:    bucket series grouped by their other labels. Out: one value per group, `NaN` where Prometheus has it.
//! Holds: buckets that fall are corrected and said in an info, as in Prometheus.

use std::collections::HashMap;

use bellbuoy_vocabulary::{BUCKET_LABEL, Labels, format_float, parse_float};

use crate::ast::{Expr, Place};
use crate::engine::{Evaluation, Result, empty_row};
use crate::sums::nan_first;
use crate::table::{Grid, Table, cell, is_absent, unify};

#[derive(Clone, Copy, Debug)]
struct Bucket {
    upper: f64,
    count: f64,
}

/// The buckets of one histogram.
struct Group {
    /// Without `le`.
    labels: Labels,
    drop_name: bool,
    /// Upper bound and row of each bucket.
    members: Vec<(f64, usize)>,
}

/// Counts that differ by less than this share are equal: they come from sums of floats.
const COUNT_TOLERANCE: f64 = 1e-12;

impl Evaluation<'_> {
    /// histogram_quantile(q, buckets)
    pub(super) fn histogram_quantile(&mut self, args: &[Expr], grid: Grid) -> Result<Table> {
        let quantiles = self.scalar(&args[0], grid)?;
        for q in quantiles.iter().filter(|q| !(0.0..=1.0).contains(*q)) {
            self.notes.warn(args[0].place, &format!("quantile value should be between 0 and 1, got {}", format_float(*q)));
        }
        let table = self.table(&args[1], grid)?;
        let width = table.width.max(quantiles.len());
        self.per_histogram(table, width, args[1].place, |step, buckets| bucket_quantile(quantiles[cell(quantiles.len(), step)], buckets))
    }

    /// histogram_fraction(lower, upper, buckets)
    pub(super) fn histogram_fraction(&mut self, args: &[Expr], grid: Grid) -> Result<Table> {
        let lower = self.scalar(&args[0], grid)?;
        let upper = self.scalar(&args[1], grid)?;
        let table = self.table(&args[2], grid)?;
        let width = table.width.max(lower.len()).max(upper.len());
        self.per_histogram(table, width, args[2].place, |step, buckets| {
            (bucket_fraction(lower[cell(lower.len(), step)], upper[cell(upper.len(), step)], buckets), false)
        })
    }

    /// Puts the buckets that differ in `le` only together and calls `measure` at each step that has any; its flag says that the
    /// counts had to be forced to be monotonic.
    fn per_histogram(
        &mut self,
        mut table: Table,
        width: usize,
        place: Place,
        measure: impl Fn(usize, &mut Vec<Bucket>) -> (f64, bool),
    ) -> Result<Table> {
        table.widen(width);
        let mut index: HashMap<Labels, usize> = HashMap::new();
        let mut groups: Vec<Group> = Vec::new();
        for (at, row) in table.rows.iter().enumerate() {
            let bound = row.labels.get(BUCKET_LABEL);
            let Some(upper) = parse_float(bound) else {
                if row.floats.iter().any(|value| !is_absent(*value)) {
                    let name = row.labels.name();
                    self.notes.warn(
                        place,
                        &format!("bucket label \"le\" is missing or has a malformed value of {bound:?} for metric name {name:?}"),
                    );
                }
                continue;
            };
            let labels = Labels::from_sorted(row.labels.iter().filter(|(name, _)| *name != BUCKET_LABEL));
            let group = *index.entry(labels.clone()).or_insert(groups.len());
            if group == groups.len() {
                groups.push(Group { labels, drop_name: row.drop_name, members: Vec::new() });
            }
            groups[group].members.push((upper, at));
        }
        let mut rows = Vec::with_capacity(groups.len());
        let mut buckets = Vec::new();
        for Group { labels, drop_name, members } in groups {
            let mut row = empty_row(labels, width);
            row.drop_name = drop_name;
            for step in 0..width {
                buckets.clear();
                buckets.extend(members.iter().map(|(upper, at)| Bucket { upper: *upper, count: table.rows[*at].floats[step] }));
                buckets.retain(|bucket| !is_absent(bucket.count));
                if buckets.is_empty() {
                    continue;
                }
                let (value, forced) = measure(step, &mut buckets);
                row.floats[step] = value;
                if forced {
                    let name = row.labels.name();
                    self.notes.info(place, &format!("input to histogram_quantile needed to be fixed for monotonicity (see https://prometheus.io/docs/prometheus/latest/querying/functions/#histogram_quantile) for metric name {name:?}"));
                }
            }
            self.drop_name(&mut row);
            rows.push(row);
        }
        rows.retain(|row| !row.is_empty());
        Ok(Table { width, rows: unify(rows)? })
    }
}

/// Sorts by bound and joins buckets of equal bounds. `false` when the last bound is not +Inf.
fn prepare(buckets: &mut Vec<Bucket>) -> bool {
    buckets.sort_by(|a, b| nan_first(&a.upper, &b.upper));
    buckets.dedup_by(|later, kept| {
        let same = later.upper == kept.upper;
        if same {
            kept.count += later.count;
        }
        same
    });
    buckets.last().is_some_and(|last| last.upper == f64::INFINITY)
}

/// A count below that of the bucket before it is raised to it; true when that was more than a rounding error.
fn make_monotonic(buckets: &mut [Bucket]) -> bool {
    let mut forced = false;
    let mut before = buckets[0].count;
    for bucket in &mut buckets[1..] {
        if bucket.count == before {
            continue;
        }
        let difference = (bucket.count - before).abs() / (bucket.count.abs() + before.abs()).min(f64::MAX);
        if difference < COUNT_TOLERANCE {
            bucket.count = before;
        } else if bucket.count < before {
            bucket.count = before;
            forced = true;
        } else {
            before = bucket.count;
        }
    }
    forced
}

/// The value below which a share `q` of the observations lies, assuming that they are spread evenly in each bucket
/// (Prometheus, `BucketQuantile`).
fn bucket_quantile(q: f64, buckets: &mut Vec<Bucket>) -> (f64, bool) {
    if q.is_nan() {
        return (f64::NAN, false);
    }
    if q < 0.0 {
        return (f64::NEG_INFINITY, false);
    }
    if q > 1.0 {
        return (f64::INFINITY, false);
    }
    if !prepare(buckets) {
        return (f64::NAN, false);
    }
    let forced = make_monotonic(buckets);
    let last = buckets.len() - 1;
    let observations = buckets[last].count;
    if last == 0 || observations == 0.0 {
        return (f64::NAN, forced);
    }
    let mut rank = q * observations;
    // No NaN reaches a rank.
    let at = buckets[..last].partition_point(|bucket| bucket.count < rank || bucket.count.is_nan() || rank.is_nan());
    if at == last {
        return (buckets[last - 1].upper, forced);
    }
    if at == 0 && buckets[0].upper <= 0.0 {
        return (buckets[0].upper, forced);
    }
    let Bucket { upper, mut count } = buckets[at];
    let mut lower = 0.0;
    if at > 0 {
        lower = buckets[at - 1].upper;
        count -= buckets[at - 1].count;
        rank -= buckets[at - 1].count;
    }
    (lower + (upper - lower) * (rank / count), forced)
}

/// The share of observations between two values (Prometheus, `BucketFraction`).
fn bucket_fraction(lower: f64, upper: f64, buckets: &mut Vec<Bucket>) -> f64 {
    if !prepare(buckets) {
        return f64::NAN;
    }
    let observations = buckets[buckets.len() - 1].count;
    if observations == 0.0 || lower.is_nan() || upper.is_nan() {
        return f64::NAN;
    }
    if lower >= upper {
        return 0.0;
    }
    // Not `min`: what is unknown stays NaN.
    let capped = |rank: f64| if rank > observations { observations } else { rank };
    (capped(rank_of(upper, buckets)) - capped(rank_of(lower, buckets))) / observations
}

/// How many observations are below a value. NaN within the first bucket, which has no lower bound.
fn rank_of(value: f64, buckets: &[Bucket]) -> f64 {
    let mut rank = 0.0;
    let mut start = f64::NEG_INFINITY;
    for bucket in buckets {
        if start >= value {
            return rank;
        }
        if bucket.upper > value {
            return rank + (bucket.count - rank) * (value - start) / (bucket.upper - start);
        }
        start = bucket.upper;
        rank = bucket.count;
    }
    rank
}
