//! Metric families by name. Names are checked where they are registered, so that no scrape fails later because of one.

use std::collections::HashSet;
use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use prometheus_client::encoding::text;
use prometheus_client::registry;

use crate::exposition::{self, Format};
use crate::family::{Counter, Dropped, Family, Gauge, Histogram, Kind, Level, Make};

/// The registry's own metric, whose name no family may take.
const DROPPED: &str = "instrument_label_sets_dropped_total";
const BUCKETS_MAX: usize = 100;

/// Metric families under one roof. Cheap to clone; all clones share the same families.
#[derive(Clone)]
pub struct Registry(Arc<Mutex<Families>>);

struct Families {
    families: registry::Registry,
    /// Of every series that the families make.
    names: HashSet<String>,
    dropped: Dropped,
}

/// Why a family cannot be registered.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum MetricError {
    #[error("metric name {0:?} is not allowed; use letters, digits, `_` and `:`, and no digit first")]
    Name(String),
    #[error("the name of counter {0} must end in `_total`; OpenMetrics would add it, and rules would not find the name")]
    Counter(String),
    #[error("label name {label:?} of metric {metric} is not allowed; use letters, digits and `_`, no digit first, no `__` first")]
    Label { metric: String, label: String },
    #[error("label {label:?} of metric {metric} is there twice, or is `le` of a histogram")]
    LabelTaken { metric: String, label: String },
    #[error("metric {0} is already registered; keep the family and clone it")]
    Taken(String),
    #[error("the buckets of {0} must rise, be finite and be at most {BUCKETS_MAX}")]
    Buckets(String),
}

impl Registry {
    pub fn new() -> Registry {
        let (mut families, dropped) = (registry::Registry::default(), Dropped::default());
        families.register("instrument_label_sets_dropped", "Label sets that did not fit into their family", dropped.clone());
        let names = HashSet::from([DROPPED.to_owned(), "instrument_label_sets_dropped".to_owned()]);
        Registry(Arc::new(Mutex::new(Families { families, names, dropped })))
    }

    /// `name` ends in `_total`.
    pub fn counter<const N: usize>(&self, name: &str, help: &str, labels: [&'static str; N]) -> Result<Family<Counter, N>, MetricError> {
        let family = name.strip_suffix("_total").ok_or_else(|| MetricError::Counter(name.to_owned()))?;
        self.register(name, family, help, labels, &[], |_| Counter::default())
    }

    pub fn gauge<const N: usize>(&self, name: &str, help: &str, labels: [&'static str; N]) -> Result<Family<Gauge, N>, MetricError> {
        self.register(name, name, help, labels, &[], |_| Gauge::default())
    }

    /// A gauge of whole numbers.
    pub fn level<const N: usize>(&self, name: &str, help: &str, labels: [&'static str; N]) -> Result<Family<Level, N>, MetricError> {
        self.register(name, name, help, labels, &[], |_| Level::default())
    }

    /// `bounds` are the buckets' upper bounds, rising, without +Inf. The family makes the series `NAME_bucket`, `_sum`, `_count`.
    pub fn histogram<const N: usize>(
        &self,
        name: &str,
        help: &str,
        labels: [&'static str; N],
        bounds: &[f64],
    ) -> Result<Family<Histogram, N>, MetricError> {
        if bounds.len() > BUCKETS_MAX || bounds.iter().any(|b| !b.is_finite()) || bounds.windows(2).any(|pair| pair[0] >= pair[1]) {
            return Err(MetricError::Buckets(name.to_owned()));
        }
        if labels.contains(&"le") {
            return Err(MetricError::LabelTaken { metric: name.to_owned(), label: "le".to_owned() });
        }
        self.register(name, name, help, labels, bounds, |bounds| Histogram::new(bounds.iter().copied()))
    }

    /// prometheus-client's own registry, for its other metrics and collectors. Nothing checks their names or bounds their labels.
    pub fn with_prometheus_client<T>(&self, use_it: impl FnOnce(&mut registry::Registry) -> T) -> T {
        use_it(&mut self.lock().families)
    }

    /// Everything that is registered, as the body of an answer to a scrape.
    pub fn render(&self, format: Format) -> String {
        let mut open_metrics = String::with_capacity(16 * 1024);
        // A `String` never refuses. A collector of the user's may: then the end mark is missing, and a reader of OpenMetrics knows.
        let _ = text::encode(&mut open_metrics, &self.lock().families);
        exposition::finish(&open_metrics, format)
    }

    pub(crate) fn register<M: Kind, const N: usize>(
        &self,
        name: &str,
        family_name: &str,
        help: &str,
        labels: [&'static str; N],
        bounds: &[f64],
        make: fn(&[f64]) -> M,
    ) -> Result<Family<M, N>, MetricError> {
        check_names(name, &labels)?;
        let mut families = self.lock();
        let mut wanted = vec![name.to_owned()];
        if family_name != name {
            wanted.push(family_name.to_owned());
        }
        if !bounds.is_empty() {
            wanted.extend(["_bucket", "_sum", "_count"].map(|suffix| format!("{name}{suffix}")));
        }
        if wanted.iter().any(|wanted| families.names.contains(wanted)) {
            return Err(MetricError::Taken(name.to_owned()));
        }
        families.names.extend(wanted);
        let family = Family::new(name, labels, Make { bounds: bounds.into(), make }, families.dropped.clone());
        // A full stop is added by prometheus-client.
        let help = help.trim_end_matches('.').replace('\\', "\\\\").replace('\n', "\\n").replace('"', "\\\"");
        families.families.register(family_name, help, family.members());
        Ok(family)
    }

    /// A thread that panicked while it held the lock left families that are still whole: they are only added to.
    fn lock(&self) -> MutexGuard<'_, Families> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Default for Registry {
    fn default() -> Self {
        Registry::new()
    }
}

impl fmt::Debug for Registry {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Registry({} names)", self.lock().names.len())
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_checked() {
        let registry = Registry::new();
        let name = |name: &str| registry.counter(name, "", []).map(|_| ()).map_err(|e| e.to_string());
        assert_eq!(name("a_total"), Ok(()));
        for bad in ["_total ", "9a_total", "a-b_total", "a b_total", "é_total", "a_total", "a", DROPPED] {
            assert!(name(bad).is_err(), "{bad:?} was accepted");
        }
        // OpenMetrics names the counter's family without the ending.
        assert_eq!(registry.gauge("a", "", []).unwrap_err(), MetricError::Taken("a".into()));
        for labels in [["a", "a"], ["__a", "b"], ["a-b", "c"], ["a:b", "c"], ["", "a"]] {
            assert!(registry.gauge("g", "", labels).is_err(), "{labels:?} were accepted");
        }
    }

    #[test]
    fn a_histogram_takes_the_names_of_its_series() {
        let registry = Registry::new();
        registry.histogram("wait_seconds", "", [], &[1.0]).expect("a good name");
        assert_eq!(registry.gauge("wait_seconds_count", "", []).unwrap_err(), MetricError::Taken("wait_seconds_count".into()));
        for bounds in [&[1.0, 1.0][..], &[2.0, 1.0], &[f64::INFINITY], &[f64::NAN]] {
            assert_eq!(registry.histogram("h", "", [], bounds).unwrap_err(), MetricError::Buckets("h".into()));
        }
        assert!(registry.histogram("h", "", ["le"], &[1.0]).is_err());
    }
}
