//! Power cuts, kills and failures at every call to the disk.

use bellbuoy_store::crash::{CrashDisk, Fault};
use bellbuoy_store::{Durability, Options};
use bellbuoy_vocabulary::Append;

use crate::*;

/// What was acknowledged, by durability: numbers of commits.
#[derive(Default)]
struct Acknowledged {
    logged: Vec<i64>,
    synced: Vec<i64>,
}

fn crash_options() -> Options {
    Options { wal_segment_bytes: 3000, ..options() }
}

const COMMITS: i64 = 260;

/// A fixed scenario: commits, each third one synced, housekeeping now and then.
fn scenario(disk: &CrashDisk) -> Acknowledged {
    let mut done = Acknowledged::default();
    let store: Arc<dyn Disk> = Arc::new(disk.clone());
    let Ok((store, _)) = Store::open(store, crash_options(), NOW) else { return done };
    let set = labels(&[("__name__", "a"), ("long", &"x".repeat(50))]);
    for step in 0..COMMITS {
        let mut appender = store.appender();
        let Ok((series, _)) = appender.series(&set) else { continue };
        // A commit that was refused may come again with the same time; here each has its own.
        if appender.append(series, at(step), step as f64).is_err() {
            continue;
        }
        let durability = if step % 3 == 2 { Durability::Synced } else { Durability::Logged };
        if appender.commit(durability).is_ok() {
            match durability {
                Durability::Logged => done.logged.push(step),
                Durability::Synced => {
                    // A sync covers everything that was acknowledged before.
                    done.synced = done.logged.clone();
                    done.logged.push(step);
                    done.synced.push(step);
                }
            }
        }
        if step % 65 == 64 {
            store.maintain(at(step));
        }
    }
    done
}

fn check(disk: &CrashDisk, acknowledged: &[i64], what: &str) {
    let (store, recovery) = open_with(disk, crash_options());
    assert_eq!(recovery.unknown_series_samples, 0, "{what}");
    let found: Vec<i64> = dump(&store).into_iter().flat_map(|(_, samples)| samples).map(|(at, _)| at / 1000).collect();
    for step in acknowledged {
        assert!(found.contains(step), "{what}: commit {step} is lost; there are {found:?}");
    }
    // And the store can be used.
    put(&store, &[(&labels(&[("__name__", "b")]), at(1), 1.0)]);
}

fn calls_of_scenario() -> u64 {
    let disk = CrashDisk::new();
    scenario(&disk);
    disk.calls()
}

#[test]
fn power_cut_or_kill_at_every_call() {
    let calls = calls_of_scenario();
    assert!(calls > 350, "{calls}");
    for call in 1..=calls {
        let disk = CrashDisk::new();
        disk.fail_call(call, Fault::Crash);
        let done = scenario(&disk);
        check(&disk.after_kill(), &done.logged, &format!("kill at call {call}"));
        for kept in [0, 100, 255] {
            check(&disk.after_power_cut(kept), &done.synced, &format!("power cut at call {call}, kept {kept}"));
        }
    }
}

/// Errors that pass: the process lives on, then dies.
#[test]
fn failure_of_every_call() {
    for fault in [Fault::Error, Fault::Short] {
        for call in 1..=calls_of_scenario() {
            let disk = CrashDisk::new();
            disk.fail_call(call, fault);
            let done = scenario(&disk);
            check(&disk.after_kill(), &done.logged, &format!("{fault:?} at call {call}, then kill"));
            check(&disk.after_power_cut(30), &done.synced, &format!("{fault:?} at call {call}, then power cut"));
        }
    }
}

/// fsyncgate: after a failed fsync the file is not trusted; its records are written again.
#[test]
fn a_failed_fsync_is_final() {
    let disk = CrashDisk::new();
    let (store, _) = open(&disk);
    let set = labels(&[("__name__", "a")]);
    put(&store, &[(&set, at(1), 1.0)]);
    disk.fail_call(disk.calls() + 1, Fault::Error);
    assert!(store.sync().is_err());
    let before = store.stats().wal_segment;
    put(&store, &[(&set, at(2), 2.0)]);
    assert!(store.sync().is_ok());
    assert_eq!((store.stats().wal_fsyncs_failed, before), (1, 1));
    let (again, recovery) = open(&disk.after_power_cut(0));
    assert_eq!(recovery.unknown_series_samples, 0);
    assert_eq!(dump(&again)[0].1.len(), 2, "both survive, though the first segment may be lost");
}

#[test]
fn a_full_disk_refuses_and_recovers() {
    let disk = CrashDisk::new();
    let (store, _) = open(&disk);
    let set = labels(&[("__name__", "a")]);
    put(&store, &[(&set, at(1), 1.0)]);
    for step in 2..20 {
        disk.fail_call(disk.calls() + 1, Fault::Short);
        let mut appender = store.appender();
        let (series, _) = appender.series(&set).expect("there");
        appender.append(series, at(step), 1.0).expect("taken");
        assert!(appender.commit(Durability::Logged).is_err());
        assert_eq!(dump(&store)[0].1.len(), 1, "a refused commit is not visible");
    }
    put(&store, &[(&set, at(30), 1.0)]);
    let (again, recovery) = open(&disk.after_kill());
    assert_eq!((recovery.damaged, recovery.torn), (vec![], None), "half records were cut off");
    assert_eq!(dump(&again), dump(&store));
}
