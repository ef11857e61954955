//! Which names, labels and values the series are made of, the most first: what `/api/v1/status/tsdb` shows.

use std::cmp::Reverse;
use std::collections::BinaryHeap;

use bellbuoy_vocabulary::METRIC_NAME;

use crate::store::Store;

/// Lists of a name and a number, the largest first, then by name.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Cardinality {
    /// Distinct pairs of label name and value.
    pub label_pairs: u64,
    pub series_by_metric: Vec<(String, u64)>,
    pub values_by_label: Vec<(String, u64)>,
    /// Bytes of a label's values over all series that have it.
    pub bytes_by_label: Vec<(String, u64)>,
    /// `name=value`
    pub series_by_pair: Vec<(String, u64)>,
}

impl Store {
    /// At most `limit` of each list. The index is held for reading meanwhile.
    pub fn cardinality(&self, limit: usize) -> Cardinality {
        let index = self.index.read().unwrap_or_else(|poisoned| poisoned.into_inner());
        let (mut metrics, mut labels, mut bytes, mut pairs) = (Top::new(limit), Top::new(limit), Top::new(limit), Top::new(limit));
        let mut label_pairs = 0;
        for name in index.names() {
            let (mut values, mut size) = (0, 0);
            for (value, ids) in index.values(name) {
                let series = ids.len() as u64;
                values += 1;
                size += value.len() as u64 * series;
                if name == METRIC_NAME {
                    metrics.offer(series, || value.to_string());
                }
                pairs.offer(series, || format!("{name}={value}"));
            }
            label_pairs += values;
            labels.offer(values, || name.to_string());
            bytes.offer(size, || name.to_string());
        }
        Cardinality {
            label_pairs,
            series_by_metric: metrics.sorted(),
            values_by_label: labels.sorted(),
            bytes_by_label: bytes.sorted(),
            series_by_pair: pairs.sorted(),
        }
    }
}

/// The largest few of many.
struct Top {
    limit: usize,
    kept: BinaryHeap<Reverse<(u64, Reverse<String>)>>,
}

impl Top {
    fn new(limit: usize) -> Top {
        Top { limit, kept: BinaryHeap::new() }
    }

    /// The name is made only when it may be among them.
    fn offer(&mut self, count: u64, name: impl FnOnce() -> String) {
        let full = self.kept.len() >= self.limit;
        if self.limit == 0 || (full && self.kept.peek().is_some_and(|Reverse((least, _))| count < *least)) {
            return;
        }
        self.kept.push(Reverse((count, Reverse(name()))));
        if self.kept.len() > self.limit {
            self.kept.pop();
        }
    }

    fn sorted(self) -> Vec<(String, u64)> {
        let sorted = self.kept.into_sorted_vec();
        sorted.into_iter().map(|Reverse((count, Reverse(name)))| (name, count)).collect()
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use bellbuoy_vocabulary::{Append, Labels, Timestamp};

    use super::*;
    use crate::crash::CrashDisk;
    use crate::{Durability, Options};

    #[test]
    fn the_largest_come_first_and_lists_are_bounded() {
        let (store, _) = Store::open(Arc::new(CrashDisk::default()), Options::default(), Timestamp(1000)).expect("a new store");
        let mut appender = store.appender();
        for number in 0..6 {
            let name = if number < 4 { "big" } else { "small" };
            let labels = Labels::from_pairs([(METRIC_NAME, name.to_string()), ("id", format!("id{number}")), ("job", "a".to_string())]);
            let (series, _) = appender.series(&labels).expect("a series");
            appender.append(series, Timestamp(1000), 1.0).expect("a sample");
        }
        appender.commit(Durability::Logged).expect("it is written");
        let found = store.cardinality(2);
        let list = |list: &[(String, u64)]| list.iter().map(|(name, count)| format!("{name} {count}")).collect::<Vec<_>>().join(", ");
        assert_eq!(found.label_pairs, 9);
        assert_eq!(list(&found.series_by_metric), "big 4, small 2");
        assert_eq!(list(&found.values_by_label), "id 6, __name__ 2");
        assert_eq!(list(&found.bytes_by_label), "__name__ 22, id 18");
        assert_eq!(list(&found.series_by_pair), "job=a 6, __name__=big 4");
        assert_eq!(store.cardinality(0).series_by_pair, []);
    }
}
