//! A store in memory for rule tests: everything is visible at once, nothing is ever dropped.

use std::collections::BTreeMap;
use std::sync::{PoisonError, RwLock};

use bellbuoy_vocabulary::{
    Append, AppendError, Labels, Matcher, Metadata, Points, Sample, Series, SeriesRef, SeriesSource, SourceError, Timestamp,
};

/// Series by labels. Many readers or one writer; `&MemoryStore` is the appender.
#[derive(Debug, Default)]
pub struct MemoryStore {
    table: RwLock<Table>,
}

#[derive(Debug, Default)]
struct Table {
    numbers: BTreeMap<Labels, usize>,
    samples: Vec<Vec<Sample>>,
}

impl MemoryStore {
    pub fn new() -> MemoryStore {
        MemoryStore::default()
    }

    /// All samples of a series, staleness markers included.
    pub fn samples(&self, labels: &Labels) -> Vec<Sample> {
        let table = self.table.read().unwrap_or_else(PoisonError::into_inner);
        table.numbers.get(labels).map(|number| table.samples[*number].clone()).unwrap_or_default()
    }
}

impl Append for &MemoryStore {
    fn series(&mut self, labels: &Labels) -> Result<(SeriesRef, bool), AppendError> {
        let mut table = self.table.write().unwrap_or_else(PoisonError::into_inner);
        if let Some(number) = table.numbers.get(labels) {
            return Ok((SeriesRef(*number as u64), false));
        }
        let number = table.samples.len();
        table.samples.push(Vec::new());
        table.numbers.insert(labels.clone(), number);
        Ok((SeriesRef(number as u64), true))
    }

    fn append(&mut self, series: SeriesRef, at: Timestamp, value: f64) -> Result<(), AppendError> {
        let mut table = self.table.write().unwrap_or_else(PoisonError::into_inner);
        let samples = table.samples.get_mut(series.0 as usize).ok_or(AppendError::UnknownRef)?;
        match samples.last() {
            Some(last) if last.at > at => Err(AppendError::OutOfOrder),
            Some(last) if last.at == at && last.value.to_bits() == value.to_bits() => Ok(()),
            Some(last) if last.at == at => Err(AppendError::DuplicateTimestamp),
            _ => {
                samples.push(Sample::new(at, value));
                Ok(())
            }
        }
    }

    fn metadata(&mut self, _metric: &str, _metadata: &Metadata) {}
}

struct Copied {
    labels: Labels,
    samples: Vec<Sample>,
}

impl Series for Copied {
    fn labels(&self) -> &Labels {
        &self.labels
    }

    fn read(&self, from: Timestamp, to: Timestamp, out: &mut Points) -> Result<(), SourceError> {
        out.floats.extend(self.samples.iter().filter(|sample| from <= sample.at && sample.at <= to));
        Ok(())
    }
}

impl SeriesSource for MemoryStore {
    fn select(&self, from: Timestamp, to: Timestamp, matchers: &[Matcher]) -> Result<Vec<Box<dyn Series + '_>>, SourceError> {
        let table = self.table.read().unwrap_or_else(PoisonError::into_inner);
        let mut out: Vec<Box<dyn Series>> = Vec::new();
        for (labels, number) in &table.numbers {
            if matchers.iter().all(|matcher| matcher.matches_labels(labels)) {
                let samples = &table.samples[*number];
                let start = samples.partition_point(|sample| sample.at < from);
                let end = samples.partition_point(|sample| sample.at <= to);
                if start < end {
                    out.push(Box::new(Copied { labels: labels.clone(), samples: samples[start..end].to_vec() }));
                }
            }
        }
        Ok(out)
    }
}
