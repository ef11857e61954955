//! The year as it happened: the hours in their order, for whoever drives the replay.

use bellbuoy_vocabulary::Timestamp;

use crate::data::{Dataset, Features, LAST_DAY, TRAINED_THROUGH_DAY};

/// 2011-01-01T00:00:00Z in milliseconds. The data set's hours are local time in Washington; here they count as UTC, so that
/// no hour is there twice.
const YEAR_START_MS: i64 = 1_293_840_000_000;
const HOUR_MS: i64 = 3_600_000;

/// One hour: first its features are known, then, when it is over, its true value.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Hour {
    /// Its start.
    pub at: Timestamp,
    /// 0 for the first hour of the replay.
    pub index: usize,
    /// Day of the year, 1 to 365: what `/train` and `/evaluate` take.
    pub day: u32,
    pub features: Features,
    /// Rentals in the hour.
    pub target: f64,
}

/// An iterator over the hours. The year lacks some (20 in all); then time jumps.
#[derive(Debug, Clone)]
pub struct Replay {
    hours: std::vec::IntoIter<Hour>,
}

impl Replay {
    /// The days `from_day..=to_day`.
    pub fn new(data: &Dataset, from_day: u32, to_day: u32) -> Replay {
        let mut hours = Vec::new();
        for (index, row) in data.days(from_day, to_day).iter().enumerate() {
            let hours_of_year = i64::from(row.day - 1) * 24 + i64::from(row.features.hr);
            let at = Timestamp(YEAR_START_MS + hours_of_year * HOUR_MS);
            hours.push(Hour { at, index, day: row.day, features: row.features, target: row.bikers });
        }
        Replay { hours: hours.into_iter() }
    }

    /// May to December: what the first model has not seen.
    pub fn may_to_december(data: &Dataset) -> Replay {
        Replay::new(data, TRAINED_THROUGH_DAY + 1, LAST_DAY)
    }
}

impl Hour {
    /// Joins a prediction with its true value: `2011-05-01T07:00:00Z`.
    pub fn id(&self) -> String {
        self.at.rfc3339()
    }
}

impl Iterator for Replay {
    type Item = Hour;

    fn next(&mut self) -> Option<Hour> {
        self.hours.next()
    }

    fn size_hint(&self) -> (usize, Option<usize>) {
        self.hours.size_hint()
    }
}

impl ExactSizeIterator for Replay {}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn may_to_december_in_order() {
        let hours: Vec<Hour> = Replay::may_to_december(Dataset::bikeshare()).collect();
        assert_eq!(hours.len(), 5859);
        assert_eq!((hours[0].id().as_str(), hours[0].day), ("2011-05-01T00:00:00Z", 121));
        assert_eq!(hours.last().map(|hour| hour.id()).as_deref(), Some("2011-12-31T23:00:00Z"));
        assert!(hours.windows(2).all(|pair| pair[0].at < pair[1].at && pair[0].index + 1 == pair[1].index));
    }

    #[test]
    fn an_empty_span_is_an_empty_replay() {
        assert_eq!(Replay::new(Dataset::bikeshare(), 200, 100).len(), 0);
    }
}
