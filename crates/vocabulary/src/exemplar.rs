//! An exemplar: one event behind a series' value, with the labels (a trace's id) that lead to it.

use std::cmp::Ordering;

use crate::{Labels, Timestamp};

/// A value that was seen at a time, and where to look it up.
#[derive(Clone, Debug, PartialEq)]
pub struct Exemplar {
    pub labels: Labels,
    pub value: f64,
    pub at: Timestamp,
    /// `at` is the exemplar's own time. One without a time has that of its scrape, and the next scrape's is the same one.
    pub has_own_time: bool,
}

/// Why an exemplar was not taken. The words are Prometheus'.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ExemplarError {
    #[error("out of order exemplar")]
    OutOfOrder,
    #[error("label length for exemplar exceeds maximum of {} UTF-8 characters", Exemplar::LABEL_CHARS_MAX)]
    TooLong,
    #[error("unknown series reference")]
    UnknownRef,
}

impl Exemplar {
    /// OpenMetrics' bound on the characters of all names and values together.
    pub const LABEL_CHARS_MAX: usize = 128;

    pub fn fits(&self) -> bool {
        // A character has at least a byte, so most are through without counting.
        self.labels.as_bytes().len() <= Exemplar::LABEL_CHARS_MAX
            || self.labels.iter().map(|(name, value)| name.chars().count() + value.chars().count()).sum::<usize>()
                <= Exemplar::LABEL_CHARS_MAX
    }

    /// The same one again, as a series shows it until there is a newer one.
    pub fn repeats(&self, newest: &Exemplar) -> bool {
        let same_time = self.at == newest.at || !(self.has_own_time || newest.has_own_time);
        same_time && self.value.to_bits() == newest.value.to_bits() && self.labels == newest.labels
    }

    /// By time, value and labels: a series' exemplars come in this order.
    pub fn order(&self, other: &Exemplar) -> Ordering {
        let values = || self.value.partial_cmp(&other.value).unwrap_or(Ordering::Equal);
        self.at.cmp(&other.at).then_with(values).then_with(|| self.labels.cmp(&other.labels))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn exemplar(at: i64, value: f64, trace: &str, has_own_time: bool) -> Exemplar {
        Exemplar { labels: Labels::from_pairs([("trace_id", trace)]), value, at: Timestamp(at), has_own_time }
    }

    #[test]
    fn characters_are_counted_not_bytes() {
        let room = Exemplar::LABEL_CHARS_MAX - "trace_id".len();
        assert!(exemplar(1, 1.0, &"ü".repeat(room), true).fits());
        assert!(!exemplar(1, 1.0, &"ü".repeat(room + 1), true).fits());
        assert!(!exemplar(1, 1.0, &"a".repeat(room + 1), true).fits());
    }

    #[test]
    fn one_without_a_time_repeats_itself() {
        assert!(exemplar(2, 1.0, "a", false).repeats(&exemplar(1, 1.0, "a", false)));
        assert!(!exemplar(2, 1.0, "a", true).repeats(&exemplar(1, 1.0, "a", false)));
        assert!(!exemplar(2, 1.0, "b", false).repeats(&exemplar(1, 1.0, "a", false)));
        assert!(exemplar(1, f64::NAN, "a", true).repeats(&exemplar(1, f64::NAN, "a", true)));
    }
}
