//! A summary of many numbers that answers "how many are at or below x" within a bound that it carries with it.
//!
//! Items stand for 1, 2, 4, ... rows each, at most `ITEMS_MAX` per weight. When a weight has too many, they are sorted, paired,
//! and one of each pair moves up with double weight: the first or the second in turn (Munro and Paterson 1980). Each such step
//! can move a rank by one weight; the sum of these steps is the bound: nothing is left to chance, and merging adds the bounds.

use serde::{Deserialize, Serialize};

/// Items per weight. One million rows at once are kept within 0.05 % of their rank, in at most 8 KiB a weight.
const ITEMS_MAX: usize = 1024;

/// Finite numbers, summarised. Up to 1,024 rows it is exact.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct QuantileSketch {
    rows: u64,
    /// Level k holds items of weight 2^k.
    levels: Vec<Level>,
    /// The estimated rank is at most so many rows too low,
    low_rows: u64,
    /// and at most so many too high.
    high_rows: u64,
}

#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
struct Level {
    items: Vec<f64>,
    /// Which of a pair moves up next time.
    second: bool,
}

impl QuantileSketch {
    /// Of a sorted sample without NaN and infinities: runs of rows become one item, the middle one of each run.
    pub fn of_sorted(sorted: &[f64]) -> QuantileSketch {
        let mut level = 0;
        while sorted.len() >> level > ITEMS_MAX {
            level += 1;
        }
        let mut sketch = QuantileSketch { rows: sorted.len() as u64, ..QuantileSketch::default() };
        let mut rest = sorted;
        for level in (0..=level).rev() {
            let run = 1usize << level;
            // All full runs of the largest weight; then at most one of each smaller.
            while rest.len() >= run {
                let (head, tail) = rest.split_at(run);
                sketch.level(level).items.push(head[run / 2]);
                rest = tail;
            }
        }
        // The runs follow each other, so that any number lies within one of them only.
        let run = 1u64 << level;
        (sketch.low_rows, sketch.high_rows) = (run / 2, run - run / 2 - 1);
        sketch
    }

    /// Takes in another one, from another machine or another part of the rows.
    pub fn merge(&mut self, other: &QuantileSketch) {
        self.rows += other.rows;
        self.low_rows += other.low_rows;
        self.high_rows += other.high_rows;
        for (level, items) in other.levels.iter().enumerate() {
            self.level(level).items.extend(&items.items);
        }
        let mut level = 0;
        while level < self.levels.len() {
            if self.levels[level].items.len() > ITEMS_MAX {
                self.compact(level);
            }
            level += 1;
        }
    }

    fn compact(&mut self, level: usize) {
        let items = &mut self.levels[level].items;
        crate::clean::sort(items);
        let odd = if items.len() % 2 == 1 { items.pop() } else { None };
        let pairs = std::mem::take(items);
        items.extend(odd);
        let second = self.levels[level].second;
        self.levels[level].second = !second;
        // Keeping the first counts the second too early, keeping the second counts the first too late.
        *if second { &mut self.low_rows } else { &mut self.high_rows } += 1 << level;
        self.level(level + 1).items.extend(pairs.chunks_exact(2).map(|pair| pair[usize::from(second)]));
    }

    fn level(&mut self, level: usize) -> &mut Level {
        if self.levels.len() <= level {
            self.levels.resize_with(level + 1, Level::default);
        }
        &mut self.levels[level]
    }

    /// The rows, when the items are finite and stand for as many.
    pub(crate) fn checked_rows(&self) -> Option<u64> {
        let mut rows = 0u64;
        for (k, level) in self.levels.iter().enumerate() {
            let weight = 1u64.checked_shl(u32::try_from(k).ok()?)?;
            rows = rows.checked_add(weight.checked_mul(level.items.len() as u64)?)?;
            if !level.items.iter().all(|item| item.is_finite()) {
                return None;
            }
        }
        Some(rows).filter(|rows| *rows == self.rows)
    }

    pub fn rows(&self) -> u64 {
        self.rows
    }

    /// The number of items kept: the size in memory is eight bytes each.
    pub fn items(&self) -> usize {
        self.levels.iter().map(|level| level.items.len()).sum()
    }

    /// The bound: a rank, as a share of the rows, is off by at most this. 0: exact.
    pub fn rank_error(&self) -> f64 {
        if self.rows == 0 { 0.0 } else { self.low_rows.max(self.high_rows) as f64 / self.rows as f64 }
    }

    /// The estimated share of rows at or below `value`; NaN without rows.
    pub fn share_at_or_below(&self, value: f64) -> f64 {
        self.share(|item| item <= value)
    }

    /// The estimated share of rows below `value`; NaN without rows.
    pub fn share_below(&self, value: f64) -> f64 {
        self.share(|item| item < value)
    }

    fn share(&self, counts: impl Fn(f64) -> bool) -> f64 {
        let below = |level: &Level| level.items.iter().filter(|item| counts(**item)).count() as u64;
        let rows: u64 = self.levels.iter().enumerate().map(|(k, level)| below(level) << k).sum();
        rows as f64 / self.rows as f64
    }

    /// As many as `rows_max` rows that stand for all of them, sorted: the rows themselves when there are not more and it is exact.
    pub fn expanded(&self, rows_max: usize) -> Vec<f64> {
        let mut items: Vec<(f64, u64)> = Vec::with_capacity(self.items());
        for (k, level) in self.levels.iter().enumerate() {
            items.extend(level.items.iter().map(|item| (*item, 1 << k)));
        }
        items.sort_unstable_by(|a, b| a.0.total_cmp(&b.0));
        let count = self.rows.min(rows_max as u64);
        let mut out = Vec::with_capacity(count as usize);
        let mut before = 0u64;
        for (value, weight) in items {
            before += weight;
            // Row i stands at rank (i + 1/2) rows / count.
            while (out.len() as u64) < count
                && (u128::from(2 * out.len() as u64 + 1) * u128::from(self.rows)) < u128::from(2 * before) * u128::from(count)
            {
                out.push(value);
            }
        }
        out
    }

    /// The value that the given share of rows is at or below; `None` without rows.
    pub fn quantile(&self, share: f64) -> Option<f64> {
        let rows = self.expanded(ITEMS_MAX * 4);
        rows.get(((rows.len() as f64 * share) as usize).min(rows.len().saturating_sub(1))).copied()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sketch(values: &[f64]) -> QuantileSketch {
        let mut sorted = values.to_vec();
        sorted.sort_by(f64::total_cmp);
        QuantileSketch::of_sorted(&sorted)
    }

    fn merged(mut a: QuantileSketch, b: &QuantileSketch) -> QuantileSketch {
        a.merge(b);
        a
    }

    /// The largest rank error over all values.
    fn error(sketch: &QuantileSketch, values: &[f64]) -> f64 {
        let mut sorted = values.to_vec();
        sorted.sort_by(f64::total_cmp);
        let share = |value: f64| sorted.partition_point(|v| *v <= value) as f64 / sorted.len() as f64;
        let probes = sorted.iter().step_by(1 + sorted.len() / 300);
        probes.map(|value| (share(*value) - sketch.share_at_or_below(*value)).abs()).fold(0.0, f64::max)
    }

    #[test]
    fn few_rows_are_exact() {
        let found = sketch(&[3.0, 1.0, 2.0, 2.0]);
        assert_eq!((found.expanded(100), found.rank_error()), (vec![1.0, 2.0, 2.0, 3.0], 0.0));
        assert_eq!((found.quantile(0.0), found.quantile(1.0), QuantileSketch::default().quantile(0.5)), (Some(1.0), Some(3.0), None));
    }

    #[test]
    fn many_rows_are_compact_and_within_the_bound() {
        let values: Vec<f64> = (0..200_000u64).map(|i| (i * 7919 % 200_003) as f64).collect();
        let whole = sketch(&values);
        assert!(whole.rank_error() <= 0.001 && whole.items() < 1100, "{} {}", whole.rank_error(), whole.items());
        assert!(error(&whole, &values) <= whole.rank_error() + 1e-12);
        // A hundred machines, one after the other.
        let parts = values.chunks(2000).fold(QuantileSketch::default(), |all, part| merged(all, &sketch(part)));
        assert!(parts.rank_error() <= 0.008 && parts.rows() == 200_000, "{}", parts.rank_error());
        assert!(error(&parts, &values) <= parts.rank_error() + 1e-12);
        assert_eq!(parts.expanded(500).len(), 500);
    }

    proptest::proptest! {
        #![proptest_config(proptest::prelude::ProptestConfig::with_cases(24))]

        /// (a + b) + c and a + (b + c) count the same rows, and both keep their bound; without a compaction they are equal.
        #[test]
        fn merging_is_associative(seed in 0u64..1000, sizes in proptest::array::uniform3(0usize..3000)) {
            let values = |of: usize| -> Vec<f64> { (0..sizes[of] as u64).map(|i| ((i + 1) * (seed * 31 + of as u64 * 7 + 17) % 1009) as f64).collect() };
            let parts: Vec<Vec<f64>> = (0..3).map(values).collect();
            let all = parts.concat();
            let [a, b, c] = [0, 1, 2].map(|of| sketch(&parts[of]));
            let left = merged(merged(a.clone(), &b), &c);
            let right = merged(a, &merged(b, &c));
            for found in [&left, &right] {
                proptest::prop_assert_eq!(found.rows(), all.len() as u64);
                proptest::prop_assert_eq!(found.expanded(usize::MAX).len(), all.len());
                if !all.is_empty() {
                    proptest::prop_assert!(error(found, &all) <= found.rank_error() + 1e-12);
                }
            }
            if all.len() <= ITEMS_MAX {
                proptest::prop_assert_eq!(left.expanded(usize::MAX), right.expanded(usize::MAX));
            }
        }
    }
}
