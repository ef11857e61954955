//! What a scrape did, and how its target is.

use bellbuoy_vocabulary::{AppendError, Timestamp};

/// What one scrape did.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct ScrapeReport {
    /// Samples in the body, and those that metric relabelling left.
    pub samples_scraped: usize,
    pub samples_after_relabel: usize,
    /// Series that the good scrape before did not have.
    pub series_added: usize,
    /// Why the scrape failed; then nothing of the body was kept.
    pub error: Option<String>,
    pub out_of_order: u64,
    /// The same series twice in a body, or twice at one time with different values.
    pub duplicate: u64,
    /// Out of the store's bounds, or more than ten minutes ahead of the scrape.
    pub too_old: u64,
    /// Refused by a bound of the store.
    pub over_limit: u64,
    /// Histograms of a protobuf body whose native buckets the store can not take; their classic buckets, sum and count are in.
    pub native_histograms: u64,
    /// Exemplars that are older than the newest of their series.
    pub exemplars_out_of_order: u64,
    /// Exemplars with more characters of labels than OpenMetrics allows.
    pub exemplars_refused: u64,
    /// Families whose type and help were not passed on, being too many.
    pub families_dropped: u64,
}

impl ScrapeReport {
    /// Samples that the store did not take.
    pub fn refused(&self) -> u64 {
        self.out_of_order + self.duplicate + self.too_old + self.over_limit
    }

    pub(crate) fn count(&mut self, error: AppendError) {
        match error {
            AppendError::OutOfOrder => self.out_of_order += 1,
            AppendError::DuplicateTimestamp => self.duplicate += 1,
            AppendError::TooOld => self.too_old += 1,
            AppendError::UnknownRef | AppendError::SeriesLimit(_) => self.over_limit += 1,
        }
    }

    /// What a person should know of a scrape that was good apart from that; empty when there is nothing.
    pub(crate) fn warning(&self) -> String {
        let parts: Vec<String> = [
            (self.duplicate, "duplicate"),
            (self.out_of_order, "out of order"),
            (self.too_old, "too old or too far ahead"),
            (self.over_limit, "over the store's limit of series"),
        ]
        .into_iter()
        .filter(|(count, _)| *count > 0)
        .map(|(count, why)| format!("{count} {why}"))
        .collect();
        let native = match self.native_histograms {
            0 => String::new(),
            count => format!("native buckets of {count} histograms are not stored yet"),
        };
        let long = match self.exemplars_refused {
            0 => String::new(),
            count => format!("{count} exemplars not stored: their labels have more than 128 characters"),
        };
        let samples = if parts.is_empty() { String::new() } else { format!("samples not stored: {}", parts.join(", ")) };
        [samples, native, long].into_iter().filter(|part| !part.is_empty()).collect::<Vec<_>>().join("; ")
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub enum Health {
    /// Not scraped yet.
    #[default]
    Unknown,
    Up,
    Down,
}

/// A target as `/api/v1/targets` shows it.
#[derive(Clone, Debug, PartialEq, Default)]
pub struct TargetHealth {
    pub health: Health,
    /// Empty when the last scrape was good.
    pub last_error: String,
    /// Samples of a good scrape that were not stored, and why: duplicates, bad times. Empty when there were none.
    pub warning: String,
    pub last_scrape: Option<Timestamp>,
    pub last_scrape_seconds: f64,
    /// Samples of the last scrape.
    pub samples: usize,
    /// All of what the last scrape did.
    pub report: ScrapeReport,
}
