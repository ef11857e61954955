//! A handful of series in memory: the source of test scripts, rule tests and examples.

use std::collections::BTreeMap;

use bellbuoy_vocabulary::{Histogram, Labels, Matcher, Points, Sample, Series, SeriesSource, SourceError, Timestamp};

use crate::value::Number;

/// Series by labels, each with its values by time. A value at a time that is taken replaces the one before.
#[derive(Clone, Debug, Default)]
pub struct MemorySource {
    series: BTreeMap<Labels, BTreeMap<Timestamp, Number>>,
}

impl MemorySource {
    pub fn new() -> MemorySource {
        MemorySource::default()
    }

    pub fn add(&mut self, labels: &Labels, at: Timestamp, value: f64) {
        self.add_number(labels, at, Number::Float(value));
    }

    pub(crate) fn add_number(&mut self, labels: &Labels, at: Timestamp, value: Number) {
        self.series.entry(labels.clone()).or_default().insert(at, value);
    }

    pub fn clear(&mut self) {
        self.series.clear();
    }

    /// All label sets, sorted.
    pub fn series(&self) -> impl Iterator<Item = &Labels> {
        self.series.keys()
    }
}

impl SeriesSource for MemorySource {
    fn select(&self, _from: Timestamp, _to: Timestamp, matchers: &[Matcher]) -> Result<Vec<Box<dyn Series + '_>>, SourceError> {
        let mut found: Vec<Box<dyn Series + '_>> = Vec::new();
        for (labels, values) in &self.series {
            if matchers.iter().all(|matcher| matcher.matches_labels(labels)) {
                found.push(Box::new(MemorySeries { labels, values }));
            }
        }
        Ok(found)
    }
}

struct MemorySeries<'a> {
    labels: &'a Labels,
    values: &'a BTreeMap<Timestamp, Number>,
}

impl Series for MemorySeries<'_> {
    fn labels(&self) -> &Labels {
        self.labels
    }

    fn read(&self, from: Timestamp, to: Timestamp, out: &mut Points) -> Result<(), SourceError> {
        if from > to {
            return Ok(());
        }
        for (at, value) in self.values.range(from..=to) {
            match value {
                Number::Float(value) => out.floats.push(Sample::new(*at, *value)),
                Number::Histogram(histogram) => out.histograms.push((*at, Histogram::clone(histogram))),
            }
        }
        Ok(())
    }
}
