//! What a source says, by metric: for the store as labelled values, for an exporter's page as text.
//!
//! In:    names, kinds, labels, values. Out: `series` or `text`.
//! Never: knows where a value comes from.

use bellbuoy_exposition::{Format, TextWriter, format_value};
use bellbuoy_vocabulary::{Labels, LabelsBuilder, METRIC_NAME, MetricType};
use serde::{Deserialize, Serialize};

/// Seconds. Runs of pipelines take from a second to half a day.
pub const BUCKETS: [f64; 13] = [1.0, 5.0, 10.0, 30.0, 60.0, 120.0, 300.0, 600.0, 1200.0, 1800.0, 3600.0, 7200.0, 21600.0];

/// A metric and its values.
#[derive(Clone, Debug, PartialEq)]
pub struct Family {
    pub name: String,
    pub kind: MetricType,
    pub help: String,
    /// With the suffix of their name.
    values: Vec<(&'static str, OwnLabels, f64)>,
}

type OwnLabels = Vec<(String, String)>;

impl Family {
    pub fn new(name: impl Into<String>, kind: MetricType, help: impl Into<String>) -> Family {
        Family { name: name.into(), kind, help: help.into(), values: Vec::new() }
    }

    pub fn add(&mut self, labels: &[(&str, &str)], value: f64) {
        self.push("", labels, value);
    }

    pub fn add_histogram(&mut self, labels: &[(&str, &str)], histogram: &Histogram) {
        let mut below = 0;
        for (bound, count) in BUCKETS.iter().zip(&histogram.counts) {
            below += count;
            let bound = format_value(*bound);
            let labels: Vec<(&str, &str)> = labels.iter().copied().chain([("le", bound.as_str())]).collect();
            self.push("_bucket", &labels, below as f64);
        }
        let labels_inf: Vec<(&str, &str)> = labels.iter().copied().chain([("le", "+Inf")]).collect();
        self.push("_bucket", &labels_inf, histogram.count as f64);
        self.push("_sum", labels, histogram.sum);
        self.push("_count", labels, histogram.count as f64);
    }

    /// Sum and count only.
    pub fn add_summary(&mut self, labels: &[(&str, &str)], histogram: &Histogram) {
        self.push("_sum", labels, histogram.sum);
        self.push("_count", labels, histogram.count as f64);
    }

    /// The same with one more label on all values.
    pub fn with_label(&self, name: &str, value: &str) -> Family {
        let mut family = self.clone();
        family.values.iter_mut().for_each(|(_, labels, _)| labels.push((name.to_string(), value.to_string())));
        family
    }

    /// Takes over the values of a family of the same name.
    pub fn append(&mut self, other: Family) {
        self.values.extend(other.values);
    }

    pub fn len(&self) -> usize {
        self.values.len()
    }

    pub fn is_empty(&self) -> bool {
        self.values.is_empty()
    }

    /// Keeps at most `max` values, whole histograms only. Gives how many went.
    pub(crate) fn cut(&mut self, max: usize) -> usize {
        let mut keep = max.min(self.values.len());
        if self.kind == MetricType::Histogram {
            keep -= keep % (BUCKETS.len() + 3);
        }
        let gone = self.values.len() - keep;
        self.values.truncate(keep);
        gone
    }

    fn push(&mut self, suffix: &'static str, labels: &[(&str, &str)], value: f64) {
        let labels = labels.iter().map(|(name, value)| (name.to_string(), value.to_string())).collect();
        self.values.push((suffix, labels, value));
    }
}

/// The family of a name among others; a new one when there is none.
pub(crate) fn family<'a>(out: &'a mut Vec<Family>, name: &str, kind: MetricType, help: String) -> &'a mut Family {
    let at = out.iter().position(|family| family.name == name).unwrap_or_else(|| {
        out.push(Family::new(name, kind, help));
        out.len() - 1
    });
    &mut out[at]
}

/// Durations by `BUCKETS`. Only grows.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Histogram {
    /// By bucket, not summed up; what is above the last bound is in `count` only.
    counts: Vec<u64>,
    count: u64,
    sum: f64,
}

impl Histogram {
    pub fn observe(&mut self, seconds: f64) {
        self.counts.resize(BUCKETS.len(), 0);
        if let Some(at) = BUCKETS.iter().position(|bound| seconds <= *bound) {
            self.counts[at] += 1;
        }
        self.count += 1;
        self.sum += seconds;
    }

    pub fn count(&self) -> u64 {
        self.count
    }
}

/// All values as series, each with `more` labels beside its own.
pub fn series(families: &[Family], more: &[(&str, &str)]) -> Vec<(Labels, f64)> {
    let mut out = Vec::new();
    for family in families {
        for (suffix, labels, value) in &family.values {
            let mut builder = LabelsBuilder::new();
            builder.set(METRIC_NAME, &format!("{}{suffix}", family.name));
            for (name, value) in labels.iter().map(|(name, value)| (name.as_str(), value.as_str())).chain(more.iter().copied()) {
                builder.set(name, value);
            }
            out.push((builder.labels(), *value));
        }
    }
    out
}

/// All values as a page in the text format.
pub fn text(families: &[Family]) -> String {
    let mut writer = TextWriter::new(Format::PrometheusText);
    for family in families.iter().filter(|family| !family.is_empty()) {
        writer.family(&family.name, family.kind, &family.help);
        for (suffix, labels, value) in &family.values {
            let labels: Vec<(&str, &str)> = labels.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect();
            writer.sample(suffix, &labels, *value);
        }
    }
    writer.finish()
}
