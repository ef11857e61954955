//! `type: resample`: each series on an even grid of times.

use bellbuoy_vocabulary::{Millis, Timestamp};

use super::data::{Failure, Float, Item};
use super::reduce::Reducer;

/// Points of one resampled series; more is an error.
const POINTS_MAX: i64 = 100_000;

#[derive(Clone, Debug)]
pub struct Resample {
    pub input: String,
    pub window: Millis,
    /// When several points fall into one window.
    pub downsampler: Reducer,
    /// When none does.
    pub upsampler: Upsampler,
    /// The time range, before the time of the evaluation.
    pub from: Millis,
    pub to: Millis,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Upsampler {
    /// The last value seen.
    Pad,
    /// The next value.
    Backfilling,
    /// Null.
    FillNa,
}

impl Upsampler {
    pub const WORDS: [&'static str; 3] = ["pad", "backfilling", "fillna"];

    pub fn parse(word: &str) -> Option<Upsampler> {
        Some(match word {
            "pad" => Upsampler::Pad,
            "backfilling" => Upsampler::Backfilling,
            "fillna" => Upsampler::FillNa,
            _ => return None,
        })
    }
}

impl Resample {
    pub fn run(&self, ref_id: &str, input: &[Item], now: Timestamp) -> Result<Vec<Item>, Failure> {
        let fail = |message: String| Failure { ref_id: ref_id.to_string(), datasource_uid: None, message };
        let (from, to) = (now.saturating_sub(self.from), now.saturating_sub(self.to));
        let count = (to - from).0 / self.window.0.max(1);
        if count <= 0 {
            return Err(fail("the series cannot be sampled further; the time range is shorter than the interval".into()));
        }
        if count > POINTS_MAX {
            return Err(fail(format!("resampling gives more than {POINTS_MAX} points; use a longer window")));
        }
        let mut out = Vec::with_capacity(input.len());
        for item in input {
            match item {
                Item::Series { labels, points } => {
                    let points = self.series(points, from, count as usize);
                    out.push(Item::Series { labels: labels.clone(), points });
                }
                Item::NoData => return Ok(vec![Item::NoData]),
                Item::Number { .. } | Item::Scalar(_) => {
                    return Err(fail(format!("can only resample type series, got type {}", item.kind())));
                }
            }
        }
        Ok(out)
    }

    /// The first window is everything up to `from`.
    fn series(&self, points: &[(Timestamp, Float)], from: Timestamp, count: usize) -> Vec<(Timestamp, Float)> {
        let mut out = Vec::with_capacity(count + 1);
        let (mut rest, mut last) = (points, None);
        for step in 0..=count {
            let at = from + self.window * step as i64;
            let (window, later) = rest.split_at(rest.partition_point(|(time, _)| *time <= at));
            rest = later;
            if let Some((_, value)) = window.last() {
                last = *value;
            }
            let value = match (window, self.upsampler) {
                ([(_, only)], _) => *only,
                ([], Upsampler::Pad) => last,
                ([], Upsampler::Backfilling) => rest.first().and_then(|(_, value)| *value),
                ([], Upsampler::FillNa) => None,
                (window, _) => self.downsampler.apply(&window.iter().map(|(_, value)| *value).collect::<Vec<_>>()),
            };
            out.push((at, value));
        }
        out
    }
}
