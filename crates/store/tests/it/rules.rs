//! Prometheus' rules for appends, visibility, metadata, limits, retention, checkpoints.

use bellbuoy_store::crash::CrashDisk;
use bellbuoy_store::{Durability, Options};
use bellbuoy_vocabulary::{Append, AppendError, MatchOp, Metadata, MetricType, Millis, STALE_NAN, SeriesRef, Timestamp};

use crate::*;

#[test]
fn appends_follow_prometheus_rules() {
    let (store, _) = open(&CrashDisk::new());
    let a = labels(&[("__name__", "a")]);
    put(&store, &[(&a, at(10), 1.0)]);
    let mut appender = store.appender();
    let (series, made) = appender.series(&a).expect("there");
    assert!(!made);
    for (time, value, expected) in [
        (at(9), 1.0, Err(AppendError::OutOfOrder)),
        (at(10), 2.0, Err(AppendError::DuplicateTimestamp)),
        (at(10), 1.0, Ok(())),
        (Timestamp(NOW.0 - 16 * 86_400_000), 1.0, Err(AppendError::TooOld)),
        (at(11), STALE_NAN, Ok(())),
    ] {
        assert_eq!(appender.append(series, time, value), expected, "{time} {value}");
    }
    assert_eq!(appender.append(SeriesRef(99), at(1), 1.0), Err(AppendError::UnknownRef));
    assert_eq!(appender.append(SeriesRef(u64::MAX), at(1), 1.0), Err(AppendError::UnknownRef));
    let done = appender.commit(Durability::Logged).expect("works");
    assert_eq!((done.appended, done.ignored, done.refused), (1, 0, 0));
    assert_eq!(dump(&store), [("a".to_string(), vec![(10_000, 1f64.to_bits()), (11_000, STALE_NAN.to_bits())])]);
    let stats = store.stats();
    assert_eq!(
        (stats.refused_out_of_order, stats.refused_duplicate, stats.refused_too_old, stats.refused_unknown_ref, stats.samples_ignored),
        (1, 1, 1, 2, 1)
    );
    assert_eq!((stats.min_time.is_some(), stats.oldest, stats.max_time), (true, Some(at(10)), Some(at(11))));
}

#[test]
fn two_values_at_one_time_in_one_commit() {
    let disk = CrashDisk::new();
    let (store, _) = open(&disk);
    let mut appender = store.appender();
    let (series, made) = appender.series(&labels(&[("__name__", "a")])).expect("new");
    assert!(made);
    for (time, value) in [(at(1), 1.0), (at(1), 2.0), (at(0), 3.0), (at(1), 1.0), (at(2), 4.0)] {
        assert_eq!(appender.append(series, time, value), Ok(()));
    }
    let done = appender.commit(Durability::Logged).expect("works");
    assert_eq!((done.appended, done.ignored, done.refused), (2, 1, 2));
    // Replay decides the same.
    let (again, _) = open(&disk.after_kill());
    assert_eq!(dump(&again), dump(&store));
}

#[test]
fn nothing_is_visible_before_commit() {
    let (store, _) = open(&CrashDisk::new());
    let mut appender = store.appender();
    let (series, _) = appender.series(&labels(&[("__name__", "a"), ("x", "y")])).expect("new");
    appender.append(series, at(1), 1.0).expect("taken");
    assert!(store.select(ALL.0, ALL.1, &[]).expect("selects").is_empty());
    assert!(store.label_names(ALL.0, ALL.1, &[]).is_empty());
    appender.rollback();
    assert!(dump(&store).is_empty());
    // A series that nobody wrote to goes in the second round.
    assert_eq!(store.maintain(NOW).series_removed, 0);
    assert_eq!(store.maintain(NOW).series_removed, 1);
    assert_eq!(store.stats().series, 0);
}

#[test]
fn an_open_appender_keeps_its_series() {
    let (store, _) = open(&CrashDisk::new());
    let mut appender = store.appender();
    let (series, _) = appender.series(&labels(&[("__name__", "a")])).expect("new");
    for _ in 0..5 {
        assert_eq!(store.maintain(NOW).series_removed, 0);
    }
    appender.append(series, at(1), 1.0).expect("taken");
    assert_eq!(appender.commit(Durability::Logged).expect("works").appended, 1);
    assert_eq!(dump(&store).len(), 1);
}

/// Two appenders find the same new series; the log must name it before the first sample, whoever commits first.
#[test]
fn the_log_names_a_series_before_its_first_sample() {
    let disk = CrashDisk::new();
    let (store, _) = open(&disk);
    let a = labels(&[("__name__", "a")]);
    let (mut first, mut second) = (store.appender(), store.appender());
    let (series, _) = first.series(&a).expect("new");
    second.series(&a).expect("there");
    second.append(series, at(1), 1.0).expect("taken");
    second.commit(Durability::Logged).expect("works");
    drop(first);
    let (again, recovery) = open(&disk.after_kill());
    assert_eq!(recovery.unknown_series_samples, 0);
    assert_eq!(dump(&again), dump(&store));
}

#[test]
fn the_limit_of_series_is_kept() {
    let (store, _) = open_with(&CrashDisk::new(), Options { series_max: 2, ..options() });
    let mut appender = store.appender();
    for (name, expected) in [("a", true), ("b", true), ("c", false), ("a", true)] {
        assert_eq!(appender.series(&labels(&[("__name__", name)])).is_ok(), expected, "{name}");
    }
    assert_eq!(store.stats().refused_series_limit, 1);
}

#[test]
fn matchers() {
    let (store, _) = open(&CrashDisk::new());
    let sets = [
        labels(&[("__name__", "a"), ("job", "x")]),
        labels(&[("__name__", "a"), ("job", "y")]),
        labels(&[("__name__", "a")]),
        labels(&[("__name__", "b"), ("job", "x"), ("z", "1")]),
    ];
    for set in &sets {
        put(&store, &[(set, at(1), 1.0)]);
    }
    let check = |name: &str, op, value: &str, expected: &[usize]| {
        let mut expected: Vec<_> = expected.iter().map(|at| sets[*at].clone()).collect();
        expected.sort();
        assert_eq!(store.series(ALL.0, ALL.1, &[matcher(name, op, value)]), expected, "{name}{}{value}", op.symbol());
    };
    check("__name__", MatchOp::Equal, "a", &[0, 1, 2]);
    check("job", MatchOp::Equal, "", &[2]);
    check("job", MatchOp::NotEqual, "", &[0, 1, 3]);
    check("job", MatchOp::NotEqual, "x", &[1, 2]);
    check("job", MatchOp::Regex, "x|y", &[0, 1, 3]);
    check("job", MatchOp::Regex, "x|", &[0, 2, 3]);
    check("job", MatchOp::Regex, ".*", &[0, 1, 2, 3]);
    check("job", MatchOp::NotRegex, "x.*", &[1, 2]);
    check("none", MatchOp::Equal, "a", &[]);
    check("none", MatchOp::NotEqual, "a", &[0, 1, 2, 3]);
    assert_eq!(store.label_names(ALL.0, ALL.1, &[]), ["__name__", "job", "z"]);
    assert_eq!(store.label_values("job", ALL.0, ALL.1, &[]), ["x", "y"]);
    assert_eq!(store.label_values("job", ALL.0, ALL.1, &[matcher("__name__", MatchOp::Equal, "b")]), ["x"]);
    assert_eq!(store.label_names(ALL.0, ALL.1, &[matcher("job", MatchOp::Equal, "")]), ["__name__"]);
    assert!(store.label_values("job", at(2), at(3), &[]).is_empty());
    assert!(store.series(at(2), at(3), &[]).is_empty());
}

#[test]
fn metadata_is_kept() {
    let disk = CrashDisk::new();
    let (store, _) = open(&disk);
    let of = |kind, help: &str| Metadata { kind, help: help.into(), unit: "bytes".into() };
    let mut appender = store.appender();
    appender.metadata("a", &of(MetricType::Counter, "old"));
    appender.metadata("later", &of(MetricType::Gauge, "has no series"));
    appender.series(&labels(&[("__name__", "a_total")])).expect("new");
    let (series, _) = appender.series(&labels(&[("__name__", "a_total")])).expect("new");
    appender.append(series, at(1), 1.0).expect("taken");
    appender.commit(Durability::Logged).expect("works");
    let mut appender = store.appender();
    appender.metadata("a", &of(MetricType::Counter, "new"));
    appender.commit(Durability::Logged).expect("works");
    assert_eq!(store.metadata_of("a"), Some(of(MetricType::Counter, "new")));
    assert_eq!(store.metadata().len(), 2);
    let (again, _) = open(&disk.after_kill());
    assert_eq!(again.metadata(), [("a".to_string(), of(MetricType::Counter, "new"))]);
}

/// Chunks move to disk, the log is cut, and all is there again: after a kill and after a loss of power.
#[test]
fn checkpoint_and_reopen() {
    for chunks_on_disk in [true, false] {
        let disk = CrashDisk::new();
        let options = Options { wal_segment_bytes: 40_000, chunks_on_disk, ..options() };
        let (store, _) = open_with(&disk, options.clone());
        let sets: Vec<_> = (0..5).map(|n| labels(&[("__name__", "a"), ("n", &n.to_string())])).collect();
        let mut checkpoints = 0;
        for step in 0..1000 {
            put(&store, &sets.iter().map(|set| (set, at(step * 15), step as f64 * 0.1)).collect::<Vec<_>>());
            if step % 100 == 99 {
                let done = store.maintain(at(step * 15));
                assert_eq!(done.problems, Vec::<String>::new());
                checkpoints += usize::from(done.checkpoint.is_some());
            }
        }
        assert!(checkpoints > 0, "{:?}", store.stats());
        let expected = dump(&store);
        assert_eq!(expected.iter().map(|(_, samples)| samples.len()).collect::<Vec<_>>(), [1000; 5]);
        let middle = dump_range(&store, at(3000), at(3100), &[]);
        assert_eq!(middle[0].1.len(), 7);
        store.sync().expect("works");
        for disk in [disk.after_kill(), disk.after_power_cut(0), disk.after_power_cut(128)] {
            let (again, recovery) = open_with(&disk, options.clone());
            assert_eq!((recovery.unknown_series_samples, recovery.skipped_records), (0, 0));
            assert_eq!(recovery.problems, Vec::<String>::new());
            assert!(dump(&again) == expected);
            // Once more, with new samples on top.
            put(&again, &[(&sets[0], at(20_000), 1.0)]);
            again.maintain(at(20_000));
            let (third, _) = open_with(&disk.after_kill(), options.clone());
            assert!(dump(&third) == dump(&again));
            assert_eq!(dump(&third)[0].1.len(), 1001);
        }
    }
}

#[test]
fn retention_drops_chunks_then_series() {
    let disk = CrashDisk::new();
    let (store, _) = open_with(&disk, Options { retention: Millis(3_600_000), ..options() });
    let (old, new) = (labels(&[("__name__", "old")]), labels(&[("__name__", "new")]));
    for step in 0..400 {
        put(&store, &[(&old, at(step), 1.0), (&new, at(step), 1.0)]);
    }
    put(&store, &[(&new, at(5000), 1.0)]);
    let hour = 3600;
    assert_eq!(store.maintain(at(hour)).chunks_dropped, 0);
    let done = store.maintain(at(hour + 300));
    assert_eq!((done.chunks_dropped, done.series_removed), (4, 0));
    store.maintain(at(hour + 1000));
    assert_eq!(store.maintain(at(hour + 1000)).series_removed, 1);
    assert_eq!(store.label_values("__name__", ALL.0, ALL.1, &[]), ["new"]);
    let mut appender = store.appender();
    let (series, made) = appender.series(&old).expect("new again");
    assert!(made);
    assert_eq!(appender.append(series, at(900), 1.0), Err(AppendError::TooOld));
    assert_eq!(appender.append(series, at(5000), 1.0), Ok(()));
}

#[test]
fn retention_by_size() {
    let (store, _) = open_with(&CrashDisk::new(), Options { retention_bytes: Some(20_000), ..options() });
    let set = labels(&[("__name__", "a")]);
    for step in 0..20_000i64 {
        put(&store, &[(&set, at(step * 10), (step * step % 1013) as f64)]);
    }
    assert!(store.stats().chunk_bytes > 20_000);
    store.maintain(at(200_000));
    let left = store.stats().chunk_bytes;
    assert!(left <= 20_000 && left > 5_000, "{left}");
}

#[test]
fn the_oldest_sample_is_known_over_a_restart() {
    let (disk, a) = (CrashDisk::new(), labels(&[("__name__", "a")]));
    let (store, _) = open(&disk);
    assert_eq!(store.stats().oldest, None);
    put(&store, &[(&a, at(10), 1.0), (&a, at(20), 2.0)]);
    assert_eq!(store.stats().oldest, Some(at(10)));
    drop(store);
    assert_eq!(open(&disk).0.stats().oldest, Some(at(10)));
}
