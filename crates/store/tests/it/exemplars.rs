//! Exemplars: what is refused, what survives the end of the process and a checkpoint, what the bound pushes out.

use bellbuoy_store::crash::CrashDisk;
use bellbuoy_store::{Durability, Options};
use bellbuoy_vocabulary::{Append, Exemplar, ExemplarError, Labels, MatchOp, Matcher, Millis, SeriesRef};

use crate::*;

fn exemplar(seconds: i64, value: f64, trace: &str) -> Exemplar {
    Exemplar { labels: labels(&[("trace_id", trace)]), value, at: at(seconds), has_own_time: true }
}

/// A sample of the series and an exemplar of the same time.
fn put_with(store: &Store, series: &Labels, seconds: i64, trace: &str) -> Result<(), ExemplarError> {
    let mut appender = store.appender();
    let (number, _) = appender.series(series).expect("below the limit");
    appender.append(number, at(seconds), seconds as f64).expect("in order");
    let taken = appender.exemplar(number, &exemplar(seconds, 0.5, trace));
    appender.commit(Durability::Logged).expect("disk works");
    taken
}

fn any() -> Vec<Vec<Matcher>> {
    vec![vec![matcher("__name__", MatchOp::Regex, ".+")]]
}

/// `series trace@seconds trace@seconds` for each series.
fn shown(store: &Store) -> Vec<String> {
    let found = store.exemplars(ALL.0, ALL.1, &any());
    let one = |exemplar: &Exemplar| format!(" {}@{}", exemplar.labels.get("trace_id"), (exemplar.at - NOW).0 / 1000);
    found.iter().map(|(labels, exemplars)| format!("{labels}{}", exemplars.iter().map(one).collect::<String>())).collect()
}

#[test]
fn appends_follow_prometheus_rules() {
    let disk = CrashDisk::new();
    let (store, _) = open(&disk);
    let a = labels(&[("__name__", "a_total")]);
    put_with(&store, &a, 10, "first").expect("taken");
    let mut appender = store.appender();
    let (series, _) = appender.series(&a).expect("there");
    let long = "x".repeat(121);
    for (given, expected) in [
        (exemplar(10, 0.5, "first"), Ok(())),
        (exemplar(9, 0.5, "older"), Err(ExemplarError::OutOfOrder)),
        (exemplar(10, 0.4, "same time, lower value"), Err(ExemplarError::OutOfOrder)),
        (exemplar(10, 0.6, "same time, higher value"), Ok(())),
        (exemplar(12, 0.5, &long), Err(ExemplarError::TooLong)),
        (Exemplar { has_own_time: false, ..exemplar(13, 0.5, "scraped") }, Ok(())),
        // The same one again, in the same commit.
        (Exemplar { has_own_time: false, ..exemplar(14, 0.5, "scraped") }, Ok(())),
    ] {
        assert_eq!(appender.exemplar(series, &given), expected, "{given:?}");
    }
    assert_eq!(appender.exemplar(SeriesRef(99), &exemplar(20, 1.0, "x")), Err(ExemplarError::UnknownRef));
    assert_eq!(shown(&store), ["a_total first@10"], "nothing is visible before the commit");
    appender.commit(Durability::Logged).expect("works");
    assert_eq!(shown(&store), ["a_total first@10 same time, higher value@10 scraped@13"]);
    let stats = store.stats();
    assert_eq!((stats.exemplars_appended, stats.exemplars_out_of_order, stats.exemplars_too_long), (3, 2, 1));
    assert_eq!((stats.exemplars, stats.exemplar_series, stats.exemplar_oldest), (3, 1, Some(at(10))));
    let (again, recovery) = open(&disk.after_kill());
    assert_eq!((shown(&again), recovery.skipped_records), (shown(&store), 0));
}

/// The record does not say whether a time is the exemplar's own.
#[test]
fn the_same_event_at_two_times_is_two_after_a_restart() {
    let disk = CrashDisk::new();
    let (store, _) = open(&disk);
    let a = labels(&[("__name__", "a_total")]);
    put_with(&store, &a, 1, "t").expect("taken");
    put_with(&store, &a, 2, "t").expect("taken");
    let (again, _) = open(&disk.after_kill());
    assert_eq!(shown(&again), ["a_total t@1 t@2"]);
    // As a page shows it that gives no time: it has been there before.
    let mut appender = again.appender();
    let (series, _) = appender.series(&a).expect("there");
    appender.exemplar(series, &Exemplar { has_own_time: false, ..exemplar(9, 0.5, "t") }).expect("known");
    appender.commit(Durability::Logged).expect("works");
    again.set_exemplars_max(2);
    assert_eq!(shown(&again), ["a_total t@1 t@2"]);
}

#[test]
fn ranges_and_selectors_are_obeyed() {
    let (store, _) = open(&CrashDisk::new());
    for (name, seconds) in [("b", 1), ("a", 2), ("b", 3), ("c", 4)] {
        put_with(&store, &labels(&[("__name__", name)]), seconds, &format!("t{seconds}")).expect("taken");
    }
    let name = |value: &str| vec![matcher("__name__", MatchOp::Equal, value)];
    let ask = |from: i64, to: i64, selectors: &[Vec<Matcher>]| -> Vec<(String, usize)> {
        store.exemplars(at(from), at(to), selectors).iter().map(|(labels, found)| (labels.to_string(), found.len())).collect()
    };
    assert_eq!(ask(0, 9, &[name("b"), name("a"), name("b")]), [("a".to_string(), 1), ("b".to_string(), 2)]);
    assert_eq!(ask(2, 3, &any()), [("a".to_string(), 1), ("b".to_string(), 1)]);
    assert_eq!(ask(5, 9, &any()), []);
    assert_eq!(ask(0, 9, &[]), []);
}

#[test]
fn a_checkpoint_keeps_what_the_ring_has() {
    let disk = CrashDisk::new();
    let options = || Options { wal_segment_bytes: 4096, exemplars_max: 5, ..options() };
    let (store, _) = open_with(&disk, options());
    let sets = [labels(&[("__name__", "a")]), labels(&[("__name__", "b")])];
    let mut checkpoints = 0;
    for step in 0..600 {
        put_with(&store, &sets[step as usize % 2], step, &format!("t{step}")).expect("taken");
        if step % 50 == 25 {
            checkpoints += usize::from(store.maintain(at(step)).checkpoint.is_some());
        }
    }
    assert!(checkpoints > 1);
    let expected = ["a t596@596 t598@598", "b t595@595 t597@597 t599@599"];
    assert_eq!(shown(&store), expected);
    let (again, recovery) = open_with(&disk.after_kill(), options());
    assert!(recovery.checkpoint.is_some());
    assert_eq!((shown(&again), recovery.skipped_records), (expected.map(String::from).to_vec(), 0));
    // Each further start and checkpoint finds the same.
    again.maintain(at(600));
    let (third, _) = open_with(&disk.after_kill(), options());
    assert_eq!(shown(&third), expected);
}

#[test]
fn the_bound_can_change() {
    let disk = CrashDisk::new();
    let (store, _) = open(&disk);
    let a = labels(&[("__name__", "a")]);
    for step in 0..4 {
        put_with(&store, &a, step, "t").expect("taken");
    }
    store.set_exemplars_max(2);
    assert_eq!(shown(&store), ["a t@2 t@3"]);
    store.set_exemplars_max(0);
    put_with(&store, &a, 5, "t").expect("nobody is told: there is just no place");
    assert_eq!((shown(&store), store.stats().exemplars_max), (vec![], 0));
    store.set_exemplars_max(10);
    put_with(&store, &a, 6, "t").expect("taken");
    assert_eq!(shown(&store), ["a t@6"]);
    // Off from the start: the log's are read over, and none is damage.
    let (off, recovery) = open_with(&disk.after_kill(), Options { exemplars_max: 0, ..options() });
    assert_eq!((shown(&off), recovery.damaged, recovery.skipped_records), (vec![], vec![], 0));
}

#[test]
fn a_removed_series_takes_its_exemplars_along() {
    let (store, _) = open_with(&CrashDisk::new(), Options { retention: Millis(3_600_000), ..options() });
    put_with(&store, &labels(&[("__name__", "a")]), 0, "t").expect("taken");
    put_with(&store, &labels(&[("__name__", "b")]), 9000, "t").expect("taken");
    for _ in 0..3 {
        store.maintain(at(9000));
    }
    assert_eq!(shown(&store), ["b t@9000"]);
    assert_eq!((store.stats().exemplars, store.stats().exemplar_series), (1, 1));
}
