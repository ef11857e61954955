//! Reading: series by matchers, their values, label names and values.

use std::cmp::Ordering;
use std::collections::BTreeSet;

use bellbuoy_vocabulary::{Labels, Matcher, Points, Sample, SeriesSource, SourceError, Timestamp};

use crate::chunk::Decoder;
use crate::series::Place;
use crate::store::{Store, read};

/// Suffixes that a family's series may carry: `http_requests` has `http_requests_total`.
const FAMILY_SUFFIXES: [&str; 6] = ["", "_total", "_bucket", "_count", "_sum", "_info"];

struct StoredSeries<'a> {
    store: &'a Store,
    id: u32,
    labels: Labels,
}

impl SeriesSource for Store {
    fn select(
        &self,
        from: Timestamp,
        to: Timestamp,
        matchers: &[Matcher],
    ) -> Result<Vec<Box<dyn bellbuoy_vocabulary::Series + '_>>, SourceError> {
        let found = self.matching(from, to, matchers);
        Ok(found.into_iter().map(|(id, labels)| Box::new(StoredSeries { store: self, id, labels }) as Box<_>).collect())
    }
}

impl Store {
    /// Names of labels of series that have samples in the range, sorted.
    pub fn label_names(&self, from: Timestamp, to: Timestamp, matchers: &[Matcher]) -> Vec<String> {
        if !matchers.is_empty() {
            let mut names = BTreeSet::new();
            self.each_matching(from, to, matchers, |_, labels| {
                for (name, _) in labels {
                    if !names.contains(name) {
                        names.insert(name.to_string());
                    }
                }
            });
            return names.into_iter().collect();
        }
        let index = read(&self.index);
        let used = |name: &&str| index.values(name).any(|(_, ids)| self.any_overlaps(ids, from, to));
        index.names().filter(used).map(str::to_string).collect()
    }

    /// Values of a label of series that have samples in the range, sorted.
    pub fn label_values(&self, name: &str, from: Timestamp, to: Timestamp, matchers: &[Matcher]) -> Vec<String> {
        if !matchers.is_empty() {
            let mut values = BTreeSet::new();
            self.each_matching(from, to, matchers, |_, labels| {
                let value = labels.get(name);
                if !value.is_empty() && !values.contains(value) {
                    values.insert(value.to_string());
                }
            });
            return values.into_iter().collect();
        }
        let index = read(&self.index);
        index.values(name).filter(|(_, ids)| self.any_overlaps(ids, from, to)).map(|(value, _)| value.to_string()).collect()
    }

    /// Label sets of the series that have samples in the range, sorted.
    pub fn series(&self, from: Timestamp, to: Timestamp, matchers: &[Matcher]) -> Vec<Labels> {
        self.matching(from, to, matchers).into_iter().map(|(_, labels)| labels).collect()
    }

    fn matching(&self, from: Timestamp, to: Timestamp, matchers: &[Matcher]) -> Vec<(u32, Labels)> {
        let mut found = Vec::new();
        self.each_matching(from, to, matchers, |id, labels| found.push((id, labels.clone())));
        found.sort_unstable_by(|(_, a), (_, b)| compare(a.as_bytes(), b.as_bytes()));
        found
    }

    fn each_matching(&self, from: Timestamp, to: Timestamp, matchers: &[Matcher], mut f: impl FnMut(u32, &Labels)) {
        let ids = read(&self.index).select(matchers);
        self.shards.each(&ids, |id, series| {
            if series.overlaps(from, to) {
                f(id, &series.labels);
            }
        });
    }

    fn any_overlaps(&self, ids: &[u32], from: Timestamp, to: Timestamp) -> bool {
        ids.iter().any(|id| self.shards.read(*id).get(*id).is_some_and(|series| series.overlaps(from, to)))
    }

    /// A series that carries the metadata of this family in the log.
    pub(crate) fn series_of_family(&self, index: &crate::index::Index, family: &str) -> Option<u32> {
        FAMILY_SUFFIXES.iter().find_map(|suffix| {
            let name = format!("{family}{suffix}");
            index.postings(bellbuoy_vocabulary::METRIC_NAME, &name).first().copied()
        })
    }

    fn read_series(&self, id: u32, from: Timestamp, to: Timestamp, out: &mut Points) -> Result<(), SourceError> {
        // Files are not read under the lock: first the places, then the chunks of files, then those of memory.
        let mut in_files: Vec<(u32, u32)> = Vec::new();
        let start = out.floats.len();
        {
            let shard = self.shards.read(id);
            // Gone by retention since it was selected.
            let Some(series) = shard.get(id) else { return Ok(()) };
            let begin = series.closed.partition_point(|chunk| chunk.last_at < from.0);
            let mut before = i64::MIN;
            for chunk in &series.closed[begin..] {
                if before >= to.0 {
                    break;
                }
                before = chunk.last_at;
                match &chunk.place {
                    Place::File { file, offset } => in_files.push((*file, *offset)),
                    Place::Memory(bytes) => decode(bytes, from, to, out)?,
                }
            }
            if !series.open.is_empty() && series.open.first_at() <= to && series.open.last_at() >= from {
                decode(series.open.bytes(), from, to, out)?;
            }
        }
        if !in_files.is_empty() {
            let mut newer = out.floats.split_off(start);
            for (file, offset) in in_files {
                match self.chunk_files.read(file, offset) {
                    Ok(Some(bytes)) => decode(&bytes, from, to, out)?,
                    // The file went with retention.
                    Ok(None) => {}
                    Err(error) => {
                        crate::stats::add(&self.counters.chunk_corruptions, 1);
                        return Err(SourceError(format!("chunk at {offset} of chunks_head/{file:06}: {error}")));
                    }
                }
            }
            out.floats.append(&mut newer);
        }
        self.without_deleted(id, start, out);
        Ok(())
    }

    fn without_deleted(&self, id: u32, start: usize, out: &mut Points) {
        let tombstones = read(&self.tombstones);
        let Some(ranges) = tombstones.get(&id) else { return };
        let kept: Vec<Sample> =
            out.floats[start..].iter().filter(|s| !ranges.iter().any(|(from, to)| (*from..=*to).contains(&s.at.0))).copied().collect();
        out.floats.truncate(start);
        out.floats.extend(kept);
    }
}

fn decode(bytes: &[u8], from: Timestamp, to: Timestamp, out: &mut Points) -> Result<(), SourceError> {
    for sample in Decoder::new(bytes) {
        let sample = sample.map_err(|error| SourceError(error.to_string()))?;
        if sample.at > to {
            break;
        }
        if sample.at >= from {
            out.floats.push(sample);
        }
    }
    Ok(())
}

/// The order of `Labels` on their bytes, without checking the text again: sorting 100,000 series is a headline query.
fn compare(mut a: &[u8], mut b: &[u8]) -> Ordering {
    loop {
        match (a.is_empty(), b.is_empty()) {
            (true, true) => return Ordering::Equal,
            (true, false) => return Ordering::Less,
            (false, true) => return Ordering::Greater,
            (false, false) => {}
        }
        let order = take(&mut a).cmp(take(&mut b));
        if order != Ordering::Equal {
            return order;
        }
    }
}

fn take<'a>(rest: &mut &'a [u8]) -> &'a [u8] {
    let length = crate::bits::take_uvarint(rest).unwrap_or(0) as usize;
    let (text, after) = rest.split_at(length.min(rest.len()));
    *rest = after;
    text
}

impl bellbuoy_vocabulary::Series for StoredSeries<'_> {
    fn labels(&self) -> &Labels {
        &self.labels
    }

    fn read(&self, from: Timestamp, to: Timestamp, out: &mut Points) -> Result<(), SourceError> {
        self.store.read_series(self.id, from, to, out)
    }
}
