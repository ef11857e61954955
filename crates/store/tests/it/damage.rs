//! A log that was cut or altered: it opens, and loses the damaged record only.

use bellbuoy_store::crash::CrashDisk;

use crate::*;

/// Commits of one sample of one of three series each, in a few segments.
fn some_log(commits: i64, options: bellbuoy_store::Options) -> CrashDisk {
    let disk = CrashDisk::new();
    let (store, _) = open_with(&disk, options);
    for step in 0..commits {
        put(&store, &[(&series(step % 3), at(step), step as f64)]);
    }
    disk.after_kill()
}

fn series(number: i64) -> bellbuoy_vocabulary::Labels {
    labels(&[("__name__", "a"), ("n", &number.to_string())])
}

fn samples(store: &Store) -> Vec<i64> {
    let mut all: Vec<i64> = dump(store).into_iter().flat_map(|(_, samples)| samples.into_iter().map(|(at, _)| at / 1000)).collect();
    all.sort_unstable();
    all
}

fn log_file(disk: &CrashDisk) -> (String, Vec<u8>) {
    disk.files().into_iter().find(|(name, _)| name.starts_with("wal/0")).expect("a segment")
}

#[test]
fn cut_at_every_byte() {
    let (path, whole) = log_file(&some_log(30, options()));
    let mut before = 0;
    for length in 0..=whole.len() {
        let disk = CrashDisk::new();
        disk.put(&path, whole[..length].to_vec());
        let (store, recovery) = open(&disk);
        assert_eq!(recovery.damaged, [], "cut at {length}");
        let found = samples(&store);
        // A prefix of what was written, and never less than a shorter file gave.
        assert_eq!(found, (0..found.len() as i64).collect::<Vec<_>>(), "cut at {length}");
        assert!(found.len() >= before);
        before = found.len();
        // Writing goes on, and the half record does not come back as damage.
        put(&store, &[(&series(0), at(1000), 1.0)]);
        let (again, recovery) = open(&disk.after_kill());
        assert_eq!((recovery.damaged, recovery.torn), (vec![], None), "cut at {length}");
        assert_eq!(samples(&again).len(), found.len() + 1);
    }
    assert_eq!(before, 30);
}

#[test]
fn a_flipped_byte_loses_one_record() {
    let (path, whole) = log_file(&some_log(30, options()));
    for offset in 0..whole.len() {
        let disk = CrashDisk::new();
        let mut bytes = whole.clone();
        bytes[offset] ^= 0x81;
        disk.put(&path, bytes.clone());
        let (store, recovery) = open(&disk);
        let lost = 30 - samples(&store).len();
        assert!(!recovery.damaged.is_empty() || recovery.torn.is_some(), "flipped at {offset}");
        // A series record loses the ten samples of its series, as nothing else knows its labels.
        assert!(lost <= 10, "flipped at {offset}: lost {lost}");
        if recovery.damaged.is_empty() {
            continue;
        }
        let kept = disk.files().into_iter().find(|(name, _)| *name == format!("{path}.damaged"));
        assert_eq!(kept.map(|(_, kept)| kept), Some(bytes), "flipped at {offset}: the damaged file is kept as it was");
        let (again, recovery) = open(&disk.after_kill());
        assert_eq!(recovery.damaged, [], "told once");
        assert_eq!(samples(&again), samples(&store));
    }
}

/// Prometheus drops all segments after a damaged one (prometheus#7835); here they count.
#[test]
fn later_segments_are_kept() {
    let disk = some_log(6000, bellbuoy_store::Options { wal_segment_bytes: 32 * 1024, ..options() });
    let segments: Vec<_> = disk.files().into_iter().filter(|(name, _)| name.starts_with("wal/0")).collect();
    assert!(segments.len() > 3, "{}", segments.len());
    for page in (0..segments[1].1.len()).step_by(4096) {
        let disk = disk.after_kill();
        let (path, mut bytes) = segments[1].clone();
        bytes[page] ^= 0xff;
        disk.put(&path, bytes);
        let (store, recovery) = open(&disk);
        assert_eq!(recovery.damaged.iter().map(|d| d.segment.as_str()).collect::<Vec<_>>(), [path.as_str()]);
        assert!(6000 - samples(&store).len() <= 1);
    }
}

#[test]
fn a_missing_segment_is_told() {
    let disk = some_log(6000, bellbuoy_store::Options { wal_segment_bytes: 32 * 1024, ..options() });
    bellbuoy_store::Disk::remove(&disk, "wal/00000001").expect("works");
    let (store, recovery) = open(&disk);
    assert_eq!(recovery.damaged[0].segment, "wal/00000002");
    assert!(samples(&store).len() > 3000);
}

#[test]
fn rubbish_in_every_file_never_panics() {
    use proptest::prelude::*;
    proptest!(ProptestConfig::with_cases(200), |(bytes in prop::collection::vec(any::<u8>(), 0..2000), kind in 0..4)| {
        let disk = CrashDisk::new();
        let path = ["wal/00000000", "wal/checkpoint.00000003/00000000", "chunks_head/000001", "chunks_head/trusted"][kind as usize];
        disk.put(path, bytes);
        let (store, _) = open(&disk);
        put(&store, &[(&series(0), at(1), 1.0)]);
        assert_eq!(samples(&open(&disk.after_kill()).0), [1]);
    });
}

/// A damaged chunk on disk: the read says so, the other series are there.
#[test]
fn a_damaged_chunk_is_contained() {
    let disk = CrashDisk::new();
    let options = bellbuoy_store::Options { wal_segment_bytes: 4096, ..options() };
    let (store, _) = open_with(&disk, options.clone());
    for step in 0..1500 {
        put(&store, &[(&series(step % 3), at(step), step as f64)]);
    }
    assert!(store.maintain(at(1500)).checkpoint.is_some());
    let disk = disk.after_kill();
    let (path, mut bytes) = disk.files().into_iter().find(|(name, _)| name.ends_with("chunks_head/000001")).expect("chunks");
    bytes[100] ^= 1;
    disk.put(&path, bytes);
    let (store, recovery) = open_with(&disk, options);
    assert_eq!((recovery.problems.len(), store.stats().chunk_corruptions), (1, 1));
    let lost = 1500 - samples(&store).len();
    assert!((60..=120).contains(&lost), "one chunk: {lost}");
}

/// A damaged checkpoint without any segment after it is replaced and put aside.
#[test]
fn a_damaged_checkpoint_is_replaced() {
    let disk = CrashDisk::new();
    let options = bellbuoy_store::Options { wal_segment_bytes: 4096, ..options() };
    let (store, _) = open_with(&disk, options.clone());
    for step in 0..1500 {
        put(&store, &[(&series(step % 3), at(step), step as f64)]);
    }
    let number = store.maintain(at(1500)).checkpoint.expect("the log is long enough");
    let disk = disk.after_kill();
    let path = format!("wal/checkpoint.{number:08}/00000000");
    let (_, mut bytes) = disk.files().into_iter().find(|(name, _)| *name == path).expect("written");
    let last = bytes.len() - 5;
    bytes[last] ^= 1;
    disk.put(&path, bytes);
    let (store, recovery) = open_with(&disk, options.clone());
    assert_eq!((recovery.damaged.len(), recovery.problems), (1, vec![]));
    assert!(disk.files().iter().any(|(name, _)| *name == format!("wal/checkpoint.{number:08}.damaged/00000000")));
    put(&store, &[(&series(0), at(5000), 1.0)]);
    let (again, recovery) = open_with(&disk.after_kill(), options);
    assert_eq!((recovery.damaged, recovery.problems), (vec![], vec![]));
    assert_eq!(samples(&again), samples(&store));
}
