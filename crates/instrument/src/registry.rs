//! Families of metrics by name, and the label sets in each of them.

use std::collections::{BTreeMap, HashSet};
use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, RwLock};

use crate::metric::{Counter, Gauge, Histogram};
use crate::text;

/// Label sets that one family may have. A label with a value per user or per request is the usual way to break a
/// Prometheus; here it stops at this number, and what comes after is counted in `instrument_label_sets_dropped_total`.
pub const LABEL_SETS_MAX: usize = 1000;

/// Bytes that one label value may have; a longer one is cut at a character boundary.
pub const LABEL_VALUE_BYTES_MAX: usize = 256;

/// Names of the registry's own metric, which no family may take.
pub(crate) const DROPPED: &str = "instrument_label_sets_dropped_total";

/// Metric families under one roof. Cheap to clone; all clones share the same families.
#[derive(Clone, Default)]
pub struct Registry {
    families: Arc<Mutex<Vec<Box<dyn Render>>>>,
    names: Arc<Mutex<HashSet<String>>>,
}

/// All metrics of one name: one `M` per set of values of the `N` labels. Cheap to clone.
pub struct Family<M, const N: usize>(Arc<FamilyInner<M, N>>);

struct FamilyInner<M, const N: usize> {
    name: String,
    help: String,
    labels: [&'static str; N],
    make: Box<dyn Fn() -> M + Send + Sync>,
    members: RwLock<BTreeMap<[String; N], Arc<M>>>,
    dropped: Counter,
}

/// Why a family cannot be registered.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum MetricError {
    #[error("metric name {0:?} is not allowed; use letters, digits, `_` and `:`, and no digit first")]
    Name(String),
    #[error("label name {label:?} of metric {metric} is not allowed; use letters, digits and `_`, no digit first, no `__` first")]
    Label { metric: String, label: String },
    #[error("label {label:?} of metric {metric} is there twice, or is `le` of a histogram")]
    LabelTaken { metric: String, label: String },
    #[error("metric {0} is already registered; keep the family and clone it")]
    Taken(String),
    #[error("the buckets of {0} must rise, be finite and be at most 100")]
    Buckets(String),
}

impl Registry {
    pub fn new() -> Registry {
        Registry::default()
    }

    pub fn counter<const N: usize>(&self, name: &str, help: &str, labels: [&'static str; N]) -> Result<Family<Counter, N>, MetricError> {
        self.register(name, help, labels, &[], Counter::default)
    }

    pub fn gauge<const N: usize>(&self, name: &str, help: &str, labels: [&'static str; N]) -> Result<Family<Gauge, N>, MetricError> {
        self.register(name, help, labels, &[], Gauge::default)
    }

    /// `bounds` are the buckets' upper bounds, rising, without +Inf. The family makes the series `NAME_bucket`, `_sum`, `_count`.
    pub fn histogram<const N: usize>(
        &self,
        name: &str,
        help: &str,
        labels: [&'static str; N],
        bounds: &[f64],
    ) -> Result<Family<Histogram, N>, MetricError> {
        if bounds.len() > 100 || bounds.iter().any(|b| !b.is_finite()) || bounds.windows(2).any(|pair| pair[0] >= pair[1]) {
            return Err(MetricError::Buckets(name.to_owned()));
        }
        if labels.contains(&"le") {
            return Err(MetricError::LabelTaken { metric: name.to_owned(), label: "le".to_owned() });
        }
        let bounds = bounds.to_vec();
        self.register(name, help, labels, &["_bucket", "_sum", "_count"], move || Histogram::new(&bounds))
    }

    /// Everything that is registered, in the order of registration, as Prometheus' text format 0.0.4.
    pub fn render(&self) -> String {
        let mut out = String::new();
        let mut dropped = Vec::new();
        for family in lock(&self.families).iter() {
            family.render(&mut out);
            if family.dropped() > 0.0 {
                dropped.push((family.name().to_owned(), family.dropped()));
            }
        }
        text::head(&mut out, DROPPED, "Label sets that did not fit into their family.", "counter");
        for (metric, count) in dropped {
            text::sample(&mut out, DROPPED, &[("metric", &metric)], count);
        }
        out
    }

    fn register<M: Kind, const N: usize>(
        &self,
        name: &str,
        help: &str,
        labels: [&'static str; N],
        suffixes: &[&str],
        make: impl Fn() -> M + Send + Sync + 'static,
    ) -> Result<Family<M, N>, MetricError> {
        check_names(name, &labels)?;
        let mut names = lock(&self.names);
        let mut wanted = vec![name.to_owned()];
        wanted.extend(suffixes.iter().map(|suffix| format!("{name}{suffix}")));
        if wanted.iter().any(|wanted| wanted == DROPPED || names.contains(wanted)) {
            return Err(MetricError::Taken(name.to_owned()));
        }
        names.extend(wanted);
        let family = Family(Arc::new(FamilyInner {
            name: name.to_owned(),
            help: help.to_owned(),
            labels,
            make: Box::new(make),
            members: RwLock::default(),
            dropped: Counter::default(),
        }));
        lock(&self.families).push(Box::new(family.clone()));
        Ok(family)
    }
}

impl<M, const N: usize> Family<M, N> {
    /// The metric with these label values, made on first use. Keep the result where the lookup would cost.
    /// When the family is full, the answer is a metric that nobody will see, and the drop is counted.
    pub fn with(&self, values: [&str; N]) -> Arc<M> {
        let key = values.map(|value| cut(value).to_owned());
        if let Some(member) = self.0.members.read().unwrap_or_else(PoisonError::into_inner).get(&key) {
            return member.clone();
        }
        let mut members = self.0.members.write().unwrap_or_else(PoisonError::into_inner);
        if !members.contains_key(&key) && members.len() >= LABEL_SETS_MAX {
            self.0.dropped.increment();
            return Arc::new((self.0.make)());
        }
        members.entry(key).or_insert_with(|| Arc::new((self.0.make)())).clone()
    }

    /// Forgets one label set: its series ends.
    pub fn remove(&self, values: [&str; N]) {
        let key = values.map(|value| cut(value).to_owned());
        self.0.members.write().unwrap_or_else(PoisonError::into_inner).remove(&key);
    }

    /// Forgets every label set: the series end. For gauges that are written as a whole, such as a score per feature.
    pub fn clear(&self) {
        self.0.members.write().unwrap_or_else(PoisonError::into_inner).clear();
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

impl fmt::Debug for Registry {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Registry({} families)", lock(&self.families).len())
    }
}

/// What the text format needs to know of a kind of metric.
pub(crate) trait Kind: Send + Sync + 'static {
    const TYPE: &'static str;
    fn write(&self, out: &mut String, name: &str, labels: &[(&str, &str)]);
}

/// A family with its kind and number of labels forgotten.
trait Render: Send + Sync {
    fn name(&self) -> &str;
    fn dropped(&self) -> f64;
    fn render(&self, out: &mut String);
}

impl<M: Kind, const N: usize> Render for Family<M, N> {
    fn name(&self) -> &str {
        &self.0.name
    }

    fn dropped(&self) -> f64 {
        self.0.dropped.value()
    }

    fn render(&self, out: &mut String) {
        text::head(out, &self.0.name, &self.0.help, M::TYPE);
        for (values, member) in self.0.members.read().unwrap_or_else(PoisonError::into_inner).iter() {
            let labels: Vec<(&str, &str)> = self.0.labels.iter().copied().zip(values.iter().map(String::as_str)).collect();
            member.write(out, &self.0.name, &labels);
        }
    }
}

fn check_names(name: &str, labels: &[&str]) -> Result<(), MetricError> {
    let word = |text: &str, colon: bool| {
        let allowed = |c: char| c.is_ascii_alphanumeric() || c == '_' || (colon && c == ':');
        text.starts_with(|c: char| !c.is_ascii_digit()) && text.chars().all(allowed)
    };
    if !word(name, true) {
        return Err(MetricError::Name(name.to_owned()));
    }
    for (index, label) in labels.iter().enumerate() {
        if !word(label, false) || label.starts_with("__") {
            return Err(MetricError::Label { metric: name.to_owned(), label: (*label).to_owned() });
        }
        if labels[..index].contains(label) {
            return Err(MetricError::LabelTaken { metric: name.to_owned(), label: (*label).to_owned() });
        }
    }
    Ok(())
}

fn cut(value: &str) -> &str {
    if value.len() <= LABEL_VALUE_BYTES_MAX { value } else { &value[..value.floor_char_boundary(LABEL_VALUE_BYTES_MAX)] }
}

/// A thread that panicked while it held the lock left a list that is still whole: pushes and inserts only.
fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_checked() {
        let registry = Registry::new();
        let name = |name: &str| registry.counter(name, "", []).map(|_| ()).map_err(|e| e.to_string());
        assert_eq!(name("a_total"), Ok(()));
        for bad in ["", "9a", "a-b", "a b", "é", "a_total", DROPPED] {
            assert!(name(bad).is_err(), "{bad:?} was accepted");
        }
        for labels in [["a", "a"], ["__a", "b"], ["a-b", "c"], ["a:b", "c"], ["", "a"]] {
            assert!(registry.gauge("g", "", labels).is_err(), "{labels:?} were accepted");
        }
    }

    #[test]
    fn a_histogram_takes_the_names_of_its_series() {
        let registry = Registry::new();
        registry.histogram("wait_seconds", "", [], &[1.0]).expect("a good name");
        assert_eq!(registry.counter("wait_seconds_count", "", []).unwrap_err(), MetricError::Taken("wait_seconds_count".into()));
        for bounds in [&[1.0, 1.0][..], &[2.0, 1.0], &[f64::INFINITY], &[f64::NAN]] {
            assert_eq!(registry.histogram("h", "", [], bounds).unwrap_err(), MetricError::Buckets("h".into()));
        }
        assert!(registry.histogram("h", "", ["le"], &[1.0]).is_err());
    }

    #[test]
    fn label_sets_are_bounded_and_drops_counted() {
        let registry = Registry::new();
        let family = registry.counter("hits_total", "", ["user"]).expect("a good name");
        for user in 0..LABEL_SETS_MAX + 7 {
            family.with([&user.to_string()]).increment();
        }
        family.with(["5"]).increment();
        let text = registry.render();
        assert_eq!(text.lines().filter(|line| line.starts_with("hits_total{")).count(), LABEL_SETS_MAX);
        assert!(text.contains("hits_total{user=\"5\"} 2\n"));
        assert!(text.contains("instrument_label_sets_dropped_total{metric=\"hits_total\"} 7\n"));
    }

    #[test]
    fn long_values_are_cut_between_characters() {
        assert_eq!(cut(&"é".repeat(200)).len(), 256);
        assert_eq!(cut(&format!("a{}", "é".repeat(200))).len(), 255);
    }
}
