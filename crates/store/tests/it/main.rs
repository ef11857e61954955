//! The store from outside: appends and reads, the log, crashes, damage, a model.

mod crash;
mod damage;
mod exemplars;
mod model;
mod os;
mod rules;
mod threads;

use std::sync::Arc;

use bellbuoy_store::{Committed, Disk, Durability, Options, Recovery, Store};
use bellbuoy_vocabulary::{Append, Labels, MatchOp, Matcher, Points, SeriesSource, Timestamp};

pub const NOW: Timestamp = Timestamp(1_700_000_000_000);
pub const ALL: (Timestamp, Timestamp) = (Timestamp::MIN, Timestamp::MAX);

pub fn options() -> Options {
    Options { wal_segment_bytes: 64 * 1024, ..Options::default() }
}

pub fn open(disk: &bellbuoy_store::crash::CrashDisk) -> (Store, Recovery) {
    open_with(disk, options())
}

pub fn open_with(disk: &bellbuoy_store::crash::CrashDisk, options: Options) -> (Store, Recovery) {
    let disk: Arc<dyn Disk> = Arc::new(disk.clone());
    Store::open(disk, options, NOW).expect("opens")
}

pub fn labels(pairs: &[(&str, &str)]) -> Labels {
    Labels::from_pairs(pairs.iter().copied())
}

/// A time in seconds after `NOW`.
pub fn at(seconds: i64) -> Timestamp {
    Timestamp(NOW.0 + seconds * 1000)
}

pub fn put(store: &Store, samples: &[(&Labels, Timestamp, f64)]) -> Committed {
    let mut appender = store.appender();
    for (labels, at, value) in samples {
        let (series, _) = appender.series(labels).expect("below the limit");
        appender.append(series, *at, *value).expect("in order");
    }
    appender.commit(Durability::Logged).expect("disk works")
}

/// All series in a range: labels and (seconds after NOW, bits of the value).
pub fn dump_range(store: &Store, from: Timestamp, to: Timestamp, matchers: &[Matcher]) -> Vec<(String, Vec<(i64, u64)>)> {
    let mut out = Vec::new();
    let mut points = Points::default();
    for series in store.select(from, to, matchers).expect("selects") {
        points.clear();
        series.read(from, to, &mut points).expect("reads");
        if !points.is_empty() {
            let samples = points.floats.iter().map(|s| (s.at.0 - NOW.0, s.value.to_bits())).collect();
            out.push((series.labels().to_string(), samples));
        }
    }
    out
}

pub fn dump(store: &Store) -> Vec<(String, Vec<(i64, u64)>)> {
    dump_range(store, ALL.0, ALL.1, &[])
}

pub fn matcher(name: &str, op: MatchOp, value: &str) -> Matcher {
    Matcher::new(name, op, value).expect("valid")
}
