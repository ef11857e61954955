//! All metrics of one name: one member per set of label values, and no more of them than a bound allows.
//!
//! The metrics are prometheus-client's. What is added is the bound: a label with a value per user or per request is the usual
//! way to break a Prometheus, and here it stops.

use std::fmt;
use std::sync::atomic::{AtomicI64, AtomicU64};
use std::sync::{Arc, Mutex, PoisonError};

use prometheus_client::encoding::{EncodeMetric, MetricEncoder};
use prometheus_client::metrics::family::{self, MetricConstructor};
use prometheus_client::metrics::{MetricType, TypedMetric, counter, gauge};

/// Label sets that one family may have.
pub const LABEL_SETS_MAX: usize = 1000;
/// Bytes that one label value may have; a longer one is cut at a character boundary.
pub const LABEL_VALUE_BYTES_MAX: usize = 256;
/// What is beyond a bound is counted under this label value.
pub const OTHER: &str = "other";

/// A whole number that only grows.
pub type Counter = counter::Counter<u64, AtomicU64>;
/// A number that goes up and down.
pub type Gauge = gauge::Gauge<f64, AtomicU64>;
/// A whole number that goes up and down: rows that wait, requests under way.
pub type Level = gauge::Gauge<i64, AtomicI64>;
pub use prometheus_client::metrics::histogram::Histogram;

pub(crate) type Labels<const N: usize> = [(&'static str, String); N];
pub(crate) type Dropped = family::Family<Labels<1>, Counter>;
type Members<M, const N: usize> = family::Family<Labels<N>, M, Make<M>>;

/// All metrics of one name. Cheap to clone; clones share the numbers.
pub struct Family<M, const N: usize>(Arc<Inner<M, N>>);

struct Inner<M, const N: usize> {
    name: String,
    labels: [&'static str; N],
    members: Members<M, N>,
    make: Make<M>,
    /// How many members there are; held while one is made or removed, so that the bound holds between threads.
    count: Mutex<usize>,
    dropped: Dropped,
}

/// What a family can be of.
pub trait Kind: EncodeMetric + TypedMetric + Clone + fmt::Debug + Send + Sync + 'static {
    /// Whether what is beyond the bound is added up in one member. Sums stay right so; of gauges the last one would win.
    const FOLDS: bool;
}

/// How a member is made.
pub(crate) struct Make<M> {
    pub(crate) bounds: Arc<[f64]>,
    pub(crate) make: fn(&[f64]) -> M,
}

impl<M: Kind, const N: usize> Family<M, N> {
    pub(crate) fn new(name: &str, labels: [&'static str; N], make: Make<M>, dropped: Dropped) -> Family<M, N> {
        let members = family::Family::new_with_constructor(make.clone());
        Family(Arc::new(Inner { name: name.to_owned(), labels, members, make, count: Mutex::default(), dropped }))
    }

    /// What the registry takes: the same members.
    pub(crate) fn members(&self) -> Members<M, N> {
        self.0.members.clone()
    }

    /// The metric with these label values, made on first use. Keep it where the look-up would cost.
    ///
    /// When the family is full, counters and histograms fold into one member whose label values are all `other`; a gauge is one
    /// that nobody will see. Both are counted in `instrument_label_sets_dropped_total`.
    pub fn with(&self, values: [&str; N]) -> M {
        let key = self.key(values);
        if let Some(member) = self.0.members.get(&key) {
            return member.clone();
        }
        let mut count = self.0.count.lock().unwrap_or_else(PoisonError::into_inner);
        if self.0.members.get(&key).is_some() || *count < LABEL_SETS_MAX {
            *count += usize::from(self.0.members.get(&key).is_none());
            return self.0.members.get_or_create_owned(&key);
        }
        self.drop_one();
        if M::FOLDS {
            return self.0.members.get_or_create_owned(&self.key([OTHER; N]));
        }
        self.0.make.new_metric()
    }

    /// Forgets one label set: its series ends.
    pub fn remove(&self, values: [&str; N]) {
        let mut count = self.0.count.lock().unwrap_or_else(PoisonError::into_inner);
        // The member that others fold into is not among those that are counted, and stays.
        if !(M::FOLDS && N > 0 && values == [OTHER; N]) {
            *count -= usize::from(self.0.members.remove(&self.key(values)));
        }
    }

    /// Counts something that did not get a label set of its own.
    pub(crate) fn drop_one(&self) {
        self.0.dropped.get_or_create(&[("metric", self.0.name.clone())]).inc();
    }

    fn key(&self, values: [&str; N]) -> Labels<N> {
        let mut values = values.into_iter();
        self.0.labels.map(|label| (label, cut(values.next().unwrap_or("")).to_owned()))
    }
}

impl<M, const N: usize> Clone for Family<M, N> {
    fn clone(&self) -> Self {
        Family(self.0.clone())
    }
}

impl<M, const N: usize> fmt::Debug for Family<M, N> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Family({}, {:?})", self.0.name, self.0.labels)
    }
}

impl Kind for Counter {
    const FOLDS: bool = true;
}

impl Kind for Histogram {
    const FOLDS: bool = true;
}

impl Kind for Tally {
    const FOLDS: bool = true;
}

impl Kind for Gauge {
    const FOLDS: bool = false;
}

impl Kind for Level {
    const FOLDS: bool = false;
}

/// A counter whose name does not end in `_total`. OpenMetrics would add the ending, and the rules that ask for the name as it is
/// would find nothing; as `unknown` the name is the same in both formats, and `rate()` works as before.
#[derive(Debug, Clone, Default)]
pub(crate) struct Tally(pub(crate) Counter);

impl EncodeMetric for Tally {
    fn encode(&self, mut encoder: MetricEncoder) -> fmt::Result {
        encoder.encode_gauge(&i64::try_from(self.0.get()).unwrap_or(i64::MAX))
    }

    fn metric_type(&self) -> MetricType {
        MetricType::Unknown
    }
}

impl TypedMetric for Tally {
    const TYPE: MetricType = MetricType::Unknown;
}

impl<M> MetricConstructor<M> for Make<M> {
    fn new_metric(&self) -> M {
        (self.make)(&self.bounds)
    }
}

impl<M> Clone for Make<M> {
    fn clone(&self) -> Self {
        Make { bounds: self.bounds.clone(), make: self.make }
    }
}

impl<M> fmt::Debug for Make<M> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Make")
    }
}

pub(crate) fn cut(value: &str) -> &str {
    if value.len() <= LABEL_VALUE_BYTES_MAX { value } else { &value[..value.floor_char_boundary(LABEL_VALUE_BYTES_MAX)] }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Format, Registry};

    #[test]
    fn counters_fold_what_is_beyond_the_bound_and_gauges_drop_it() {
        let registry = Registry::new();
        let hits = registry.counter("hits_total", "Hits", ["user"]).expect("a good name");
        let score = registry.gauge("score", "Score", ["user"]).expect("a good name");
        for user in 0..LABEL_SETS_MAX + 7 {
            hits.with([&user.to_string()]).inc();
            score.with([&user.to_string()]).set(1.0);
        }
        hits.with(["5"]).inc();
        let text = registry.render(Format::Text);
        let count = |start: &str| text.lines().filter(|line| line.starts_with(start)).count();
        assert_eq!((count("hits_total{"), count("score{")), (LABEL_SETS_MAX + 1, LABEL_SETS_MAX));
        for line in [
            "hits_total{user=\"5\"} 2",
            "hits_total{user=\"other\"} 7",
            "instrument_label_sets_dropped_total{metric=\"hits_total\"} 7",
            "instrument_label_sets_dropped_total{metric=\"score\"} 7",
        ] {
            assert!(text.lines().any(|have| have == line), "no {line:?}");
        }
    }

    #[test]
    fn long_values_are_cut_between_characters() {
        assert_eq!(cut(&"é".repeat(200)).len(), 256);
        assert_eq!(cut(&format!("a{}", "é".repeat(200))).len(), 255);
    }

    #[test]
    fn the_bound_holds_between_threads() {
        let registry = Registry::new();
        let family = registry.counter("hits_total", "Hits", ["user"]).expect("a good name");
        std::thread::scope(|scope| {
            for thread in 0..4 {
                let family = family.clone();
                scope.spawn(move || (0..1000).for_each(|n| assert!(family.with([&format!("{thread}-{n}")]).inc() < 4000)));
            }
        });
        let text = registry.render(Format::Text);
        let values = text.lines().filter(|line| line.starts_with("hits_total{"));
        let values: Vec<u64> = values.filter_map(|line| line.rsplit(' ').next()?.parse().ok()).collect();
        assert_eq!((values.len(), values.iter().sum::<u64>()), (LABEL_SETS_MAX + 1, 4000));
    }
}
