//! The two seams of the path: how samples get into the store, and how the judging stages read them.
//!
//! The store implements both; scrape and promql know only these traits, so each can be tested with a handful of series in memory.

use crate::{Exemplar, ExemplarError, Histogram, Labels, Matcher, Metadata, Sample, Timestamp};

/// The store's number of a series, valid as long as the store is open. A caller that has it skips the look-up of the labels.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct SeriesRef(pub u64);

/// Why a sample was not taken. The words are Prometheus' own, which remote-write senders match on.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum AppendError {
    #[error("out of order sample")]
    OutOfOrder,
    #[error("duplicate sample for timestamp")]
    DuplicateTimestamp,
    #[error("out of bounds")]
    TooOld,
    #[error("unknown series reference")]
    UnknownRef,
    #[error("limit of {0} series reached")]
    SeriesLimit(u64),
}

/// Collects the samples of one scrape, request or rule group. Nothing is visible to readers before `commit`.
pub trait Append {
    /// The number of the series with these labels; makes the series when it is new. The flag says whether it was made.
    fn series(&mut self, labels: &Labels) -> Result<(SeriesRef, bool), AppendError>;
    fn append(&mut self, series: SeriesRef, at: Timestamp, value: f64) -> Result<(), AppendError>;
    /// Type, help and unit of a metric family. The last word wins.
    fn metadata(&mut self, metric: &str, metadata: &Metadata);
    /// An exemplar of the series. A repetition of the newest one is taken and not stored again; who keeps none takes all.
    fn exemplar(&mut self, _series: SeriesRef, _exemplar: &Exemplar) -> Result<(), ExemplarError> {
        Ok(())
    }
    /// False: there is no place for exemplars, so nobody needs to read them.
    fn wants_exemplars(&self) -> bool {
        false
    }
}

/// The values of one series in a range of time, in order. A time has a float or a histogram, never both.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Points {
    pub floats: Vec<Sample>,
    pub histograms: Vec<(Timestamp, Histogram)>,
}

impl Points {
    pub fn clear(&mut self) {
        self.floats.clear();
        self.histograms.clear();
    }

    pub fn is_empty(&self) -> bool {
        self.floats.is_empty() && self.histograms.is_empty()
    }
}

#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct SourceError(pub String);

/// A series that matched. Reading decodes its chunks anew, so a query holds the values of few series at a time.
pub trait Series: Send + Sync {
    fn labels(&self) -> &Labels;
    /// Appends the values with `from <= at <= to` to `out`, staleness markers included.
    fn read(&self, from: Timestamp, to: Timestamp, out: &mut Points) -> Result<(), SourceError>;
}

/// Whatever holds series: the store, a test's table, a remote Prometheus.
pub trait SeriesSource: Send + Sync {
    /// Series that satisfy all matchers and may have values with `from <= at <= to`, sorted by labels.
    fn select(&self, from: Timestamp, to: Timestamp, matchers: &[Matcher]) -> Result<Vec<Box<dyn Series + '_>>, SourceError>;
}
