//! What is known of the series that exist: from metric pages that were saved or asked, or from a running server.
//!
//! In:    the series' labels and the families' types, as the boat reads them. Out: names, types, labels, and the name that was meant.
//! Holds: what is missing here is called missing only where the knowledge is whole (`knows_all_of`).

use std::collections::{BTreeMap, BTreeSet, HashMap};

use bellbuoy_promql::VectorSelector;
use bellbuoy_vocabulary::{BUCKET_LABEL, Labels, METRIC_NAME, MatchOp, nearest};

use crate::shape::{Presence, Shape};

/// Values of a label beyond these are not kept: it can have any.
const VALUES_MAX: usize = 200;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    Counter,
    Gauge,
    Histogram,
    Summary,
    Other,
}

impl Kind {
    /// The word of a `# TYPE` line or of the metadata API.
    pub fn of(word: &str) -> Kind {
        match word {
            "counter" => Kind::Counter,
            "gauge" => Kind::Gauge,
            "histogram" | "gaugehistogram" => Kind::Histogram,
            "summary" => Kind::Summary,
            _ => Kind::Other,
        }
    }

    pub fn word(self) -> &'static str {
        match self {
            Kind::Counter => "counter",
            Kind::Gauge => "gauge",
            Kind::Histogram => "histogram",
            Kind::Summary => "summary",
            Kind::Other => "metric",
        }
    }
}

#[derive(Clone, Debug, Default)]
pub struct Metrics {
    /// By metric name.
    series: BTreeMap<String, Seen>,
    /// By family name, as `# TYPE` says it.
    kinds: HashMap<String, Kind>,
    /// Jobs all of whose series are here.
    pub jobs: BTreeSet<String>,
    /// Whether all jobs are: what is not here does not exist.
    pub whole: bool,
    /// Beginnings of names that come from elsewhere, so that nothing is said of them.
    pub elsewhere: Vec<String>,
    /// Where the knowledge is from, for messages: `the metric pages given`.
    pub source: String,
}

#[derive(Clone, Debug, Default)]
struct Seen {
    count: usize,
    labels: BTreeMap<String, LabelSeen>,
}

#[derive(Clone, Debug, Default)]
struct LabelSeen {
    count: usize,
    /// `None`: too many.
    values: Option<BTreeSet<String>>,
}

impl Metrics {
    /// Nothing yet; `source` says where it will be from.
    pub fn of(source: &str) -> Metrics {
        Metrics { source: source.to_string(), ..Metrics::default() }
    }

    /// One series, its name among its labels.
    pub fn add(&mut self, labels: &Labels) {
        let name = labels.get(METRIC_NAME);
        if name.is_empty() {
            return;
        }
        let seen = self.series.entry(name.to_string()).or_default();
        seen.count += 1;
        for (label, value) in labels.iter().filter(|(label, _)| *label != METRIC_NAME) {
            let first = LabelSeen { count: 0, values: Some(BTreeSet::new()) };
            let label = seen.labels.entry(label.to_string()).or_insert(first);
            label.count += 1;
            if let Some(values) = &mut label.values {
                values.insert(value.to_string());
                if values.len() > VALUES_MAX {
                    label.values = None;
                }
            }
        }
    }

    /// A name of which nothing else is known.
    pub fn add_name(&mut self, name: &str) {
        self.series.entry(name.to_string()).or_default();
    }

    pub fn set_kind(&mut self, family: &str, kind: Kind) {
        self.kinds.insert(family.to_string(), kind);
    }

    /// The type of the series of this name; a histogram's own series are counters.
    pub fn kind(&self, name: &str) -> Option<Kind> {
        if let Some(kind) = self.kinds.get(name) {
            return Some(*kind);
        }
        let stem = |end: &str| name.strip_suffix(end).and_then(|base| self.kinds.get(base));
        if stem("_total") == Some(&Kind::Counter) {
            return Some(Kind::Counter);
        }
        let of_buckets = ["_bucket", "_count", "_sum"].iter().any(|end| stem(end) == Some(&Kind::Histogram));
        let of_summary = ["_count", "_sum"].iter().any(|end| stem(end) == Some(&Kind::Summary));
        (of_buckets || of_summary).then_some(Kind::Counter)
    }

    /// Whether series of this name exist, or can: a family that was announced has none before the first event.
    pub fn has(&self, name: &str) -> bool {
        let announced = |kind: &Kind| !matches!(kind, Kind::Histogram);
        self.series.contains_key(name)
            || self.kinds.get(name).is_some_and(|kind| announced(kind) && !self.has_total(name))
            || (self.kind(name).is_some() && !self.kinds.contains_key(name))
            || self.elsewhere.iter().any(|prefix| name.starts_with(prefix.as_str()))
    }

    fn has_total(&self, name: &str) -> bool {
        self.kinds.get(name) == Some(&Kind::Counter) && self.series.contains_key(&format!("{name}_total"))
    }

    pub fn is_histogram(&self, name: &str) -> bool {
        self.kinds.get(name) == Some(&Kind::Histogram)
            || (!self.series.contains_key(name) && self.series.contains_key(&format!("{name}_bucket")))
    }

    /// Whether series of its buckets were seen.
    pub fn has_buckets(&self, name: &str) -> bool {
        self.series.contains_key(&format!("{name}_bucket"))
    }

    pub fn names(&self) -> impl Iterator<Item = &str> {
        self.series.keys().map(String::as_str)
    }

    /// The values that a label of a metric was seen with.
    pub fn values(&self, name: &str, label: &str) -> Option<&BTreeSet<String>> {
        self.series.get(name)?.labels.get(label)?.values.as_ref()
    }

    /// Whether any series has the label.
    pub fn has_label(&self, label: &str) -> bool {
        self.series.values().any(|seen| seen.labels.contains_key(label))
    }

    pub fn label_names(&self) -> BTreeSet<&str> {
        self.series.values().flat_map(|seen| seen.labels.keys()).map(String::as_str).collect()
    }

    /// Whether nothing that this selector could give is unknown.
    pub fn knows_all_of(&self, selector: &VectorSelector) -> bool {
        let covered = |job: &str| self.jobs.contains(job);
        self.whole
            || selector.matchers.iter().any(|matcher| matcher.name == "job" && matcher.op == MatchOp::Equal && covered(&matcher.value))
    }

    /// The name that was probably meant, and whether it is beyond doubt.
    pub fn meant(&self, name: &str) -> Option<(String, bool)> {
        let total = format!("{name}_total");
        if self.series.contains_key(&total) || self.kinds.get(name) == Some(&Kind::Counter) {
            return Some((total, true));
        }
        for end in ["_info", "_seconds", "_bytes", "_seconds_total", "_bytes_total", "_ratio"] {
            let longer = format!("{name}{end}");
            if self.series.contains_key(&longer) {
                return Some((longer, false));
            }
        }
        if let Some(base) = name.strip_suffix("_total").filter(|base| self.series.contains_key(*base)) {
            return Some((base.to_string(), true));
        }
        let swapped = [("_milliseconds", "_seconds"), ("_ms", "_seconds"), ("_seconds", "_milliseconds"), ("_percent", "_ratio")];
        for (from, to) in swapped {
            let other = name.replacen(from, to, 1);
            if other != name && self.series.contains_key(&other) {
                return Some((other, false));
            }
        }
        nearest(name, self.names()).map(|near| (near.to_string(), false))
    }

    /// What is known of the labels of a metric's series: observed, so nothing follows from it for sure.
    pub fn shape(&self, name: &str) -> Option<Shape> {
        let seen = self.series.get(name).filter(|seen| seen.count > 0)?;
        let mut shape = Shape::observed();
        for (label, known) in &seen.labels {
            shape.set(label, if known.count == seen.count { Presence::Expected } else { Presence::Maybe });
        }
        if name.ends_with("_bucket") {
            shape.set(BUCKET_LABEL, Presence::Expected);
        }
        Some(shape)
    }
}
