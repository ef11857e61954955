//! Many threads append, read, sync and keep house at the same time.

use std::sync::atomic::{AtomicBool, Ordering};

use bellbuoy_store::crash::CrashDisk;
use bellbuoy_store::{Durability, Options};
use bellbuoy_vocabulary::{Append, MatchOp};

use crate::*;

const WRITERS: i64 = 4;
const COMMITS: i64 = 400;
const SERIES: i64 = 30;

#[test]
fn appends_and_reads_at_the_same_time() {
    let disk = CrashDisk::new();
    let (store, _) = open_with(&disk, Options { wal_segment_bytes: 20_000, ..options() });
    let (store, ended) = (Arc::new(store), AtomicBool::new(false));
    std::thread::scope(|scope| {
        let writers: Vec<_> = (0..WRITERS)
            .map(|writer| {
                scope.spawn({
                    let store = &store;
                    move || write(store, writer)
                })
            })
            .collect();
        let (store, ended) = (&store, &ended);
        scope.spawn(move || read_until(store, ended));
        scope.spawn(move || {
            while !ended.load(Ordering::Relaxed) {
                assert_eq!(store.maintain(at(COMMITS)).problems, Vec::<String>::new());
            }
        });
        for writer in writers {
            writer.join().expect("writer");
        }
        ended.store(true, Ordering::Relaxed);
    });
    let expected = dump(&store);
    assert_eq!(expected.len() as i64, WRITERS * SERIES + 1);
    assert!(expected.iter().all(|(name, samples)| name.contains("shared") || samples.len() as i64 == COMMITS));
    store.sync().expect("works");
    for disk in [disk.after_kill(), disk.after_power_cut(0)] {
        assert!(dump(&open(&disk).0) == expected);
    }
}

fn write(store: &Store, writer: i64) {
    let sets: Vec<_> = (0..SERIES).map(|n| labels(&[("__name__", "a"), ("writer", &writer.to_string()), ("n", &n.to_string())])).collect();
    let shared = labels(&[("__name__", "shared")]);
    for step in 0..COMMITS {
        let mut appender = store.appender();
        for set in &sets {
            let (series, _) = appender.series(set).expect("below the limit");
            appender.append(series, at(step), step as f64).expect("in order");
        }
        // All writers fight for this one: some lose, nobody breaks.
        let (series, _) = appender.series(&shared).expect("below the limit");
        let _ = appender.append(series, at(step), writer as f64);
        let durability = if step % 10 == 0 { Durability::Synced } else { Durability::Logged };
        let done = appender.commit(durability).expect("disk works");
        assert!(done.appended >= SERIES as u64);
    }
}

/// What a reader sees of a series never has holes and never shrinks.
fn read_until(store: &Store, ended: &AtomicBool) {
    let mut before = 0;
    while !ended.load(Ordering::Relaxed) {
        let all = dump_range(store, ALL.0, ALL.1, &[matcher("__name__", MatchOp::Equal, "a")]);
        let mut total = 0;
        for (name, samples) in all {
            let times: Vec<i64> = samples.iter().map(|(at, _)| at / 1000).collect();
            assert_eq!(times, (0..times.len() as i64).collect::<Vec<_>>(), "{name}");
            total += times.len();
        }
        assert!(total >= before);
        before = total;
        assert!(store.label_values("n", ALL.0, ALL.1, &[]).len() as i64 <= SERIES);
    }
}
