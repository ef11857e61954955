//! Like for like: reference rows of the same hours, weekdays and months as the current ones, so that the season is not taken for drift.

use std::collections::BTreeMap;

use bellbuoy_vocabulary::Timestamp;
use jiff::tz::TimeZone;

/// A season of which the reference has, beside the current rows, less than this part of what it has of the middle one is not covered: it
/// would leave hardly any rows of the others.
const COVERAGE_MIN: f64 = 0.25;

/// What has to be alike.
#[derive(Clone, Debug, PartialEq)]
pub struct Season {
    pub hour: bool,
    pub weekday: bool,
    pub month: bool,
    /// Where the hours are read.
    pub zone: TimeZone,
}

/// Rows of both sides that can be compared.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Matched {
    /// As many of each season, in proportion, as the current side has; by their index, in their order.
    pub reference: Vec<usize>,
    pub current: Vec<usize>,
    /// Current rows of seasons that the reference does not have, or hardly has.
    pub uncovered: usize,
}

type Key = (Option<i8>, Option<i8>, Option<i8>);

impl Season {
    fn key(&self, at: Timestamp) -> Option<Key> {
        let there = jiff::Timestamp::from_millisecond(at.0).ok()?.to_zoned(self.zone.clone());
        let weekday = there.weekday().to_monday_zero_offset();
        Some((self.hour.then(|| there.hour()), self.weekday.then_some(weekday), self.month.then(|| there.month())))
    }

    /// From the times of the rows on both sides. Deterministic: of a season that the reference has plenty of, rows at even distances.
    pub fn matched(&self, reference: &[Timestamp], current: &[Timestamp]) -> Matched {
        let (old, new) = (self.groups(reference), self.groups(current));
        let covered: Vec<(&Vec<usize>, &Vec<usize>)> = new.iter().filter_map(|(key, rows)| Some((old.get(key)?, rows))).collect();
        let ratio = |(old, new): &(&Vec<usize>, &Vec<usize>)| old.len() as f64 / new.len() as f64;
        let mut ratios: Vec<f64> = covered.iter().map(ratio).collect();
        ratios.sort_by(f64::total_cmp);
        let usual = ratios.get(ratios.len() / 2).copied().unwrap_or(0.0);
        let covered: Vec<_> = covered.into_iter().filter(|pair| ratio(pair) >= COVERAGE_MIN * usual).collect();
        // The scarcest season decides how many rows of the others fit beside it.
        let ratio = covered.iter().map(ratio).fold(f64::INFINITY, f64::min);
        let mut out = Matched::default();
        for (old, new) in covered {
            let wanted = ((ratio * new.len() as f64) as usize).clamp(1, old.len());
            out.reference.extend((0..wanted).map(|at| old[at * old.len() / wanted]));
            out.current.extend(new);
        }
        out.reference.sort_unstable();
        out.current.sort_unstable();
        out.uncovered = current.len() - out.current.len();
        out
    }

    fn groups(&self, times: &[Timestamp]) -> BTreeMap<Key, Vec<usize>> {
        let mut out: BTreeMap<Key, Vec<usize>> = BTreeMap::new();
        for (row, at) in times.iter().enumerate() {
            if let Some(key) = self.key(*at) {
                out.entry(key).or_default().push(row);
            }
        }
        out
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const HOUR: i64 = 3_600_000;

    fn hours(from: i64, count: i64) -> Vec<Timestamp> {
        (from..from + count).map(|hour| Timestamp(hour * HOUR)).collect()
    }

    fn season(hour: bool, weekday: bool, month: bool) -> Season {
        Season { hour, weekday, month, zone: TimeZone::UTC }
    }

    #[test]
    fn a_morning_is_compared_with_mornings() {
        let reference = hours(0, 24 * 28);
        // 6 to 12 o'clock of a later day.
        let current = hours(24 * 100 + 6, 6);
        let matched = season(true, false, false).matched(&reference, &current);
        assert_eq!((matched.reference.len(), matched.current.len(), matched.uncovered), (6 * 28, 6, 0));
        assert!(matched.reference.iter().all(|row| (6..12).contains(&(row % 24))));
        // 1970-01-01 was a Thursday, and so is each seventh day from there.
        let thursday = season(true, true, false).matched(&reference, &hours(24 * 98 + 6, 6));
        assert_eq!(thursday.reference.len(), 6 * 4);
        assert!(thursday.reference.iter().all(|row| row / 24 % 7 == 0));
    }

    #[test]
    fn shares_follow_the_current_side() {
        // Noon three times as often as midnight, today.
        let current: Vec<Timestamp> = [0, 12, 36, 60].into_iter().map(|hour| Timestamp(hour * HOUR)).collect();
        let matched = season(true, false, false).matched(&hours(0, 24 * 30), &current);
        let noons = matched.reference.iter().filter(|row| *row % 24 == 12).count();
        assert_eq!((noons, matched.reference.len()), (30, 40));
    }

    #[test]
    fn what_the_reference_never_saw_is_counted() {
        let january = hours(0, 24 * 31);
        let matched = season(false, false, true).matched(&january, &hours(24 * 30, 48));
        assert_eq!((matched.current.len(), matched.uncovered), (24, 24));
        assert_eq!(season(true, true, true).matched(&[], &january), Matched { uncovered: 24 * 31, ..Matched::default() });
        assert_eq!(season(true, true, true).matched(&january, &[]), Matched::default());
        assert_eq!(season(true, false, false).matched(&january, &[Timestamp::MAX]).uncovered, 1);
    }

    #[test]
    fn hours_are_those_of_the_place() {
        let east = Season { zone: TimeZone::fixed(jiff::tz::offset(2)), ..season(true, false, false) };
        assert_eq!(east.key(Timestamp(0)), Some((Some(2), None, None)));
    }
}
