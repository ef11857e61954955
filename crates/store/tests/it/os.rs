//! On a real directory.

use bellbuoy_store::{OpenError, OsDisk};

use crate::*;

#[test]
fn a_directory_is_reopened_and_not_shared() {
    let dir = std::env::temp_dir().join(format!("bellbuoy-store-{}", std::process::id()));
    let disk: Arc<dyn Disk> = Arc::new(OsDisk::new(&dir));
    let open = || Store::open(disk.clone(), Options { wal_segment_bytes: 20_000, ..options() }, NOW);
    let (store, recovery) = open().expect("opens");
    assert_eq!(recovery, Recovery::default());
    assert!(matches!(open(), Err(OpenError::InUse)));
    let sets = [labels(&[("__name__", "a")]), labels(&[("__name__", "b"), ("x", "ü")])];
    let mut checkpoints = 0;
    for step in 0..2000 {
        put(&store, &[(&sets[0], at(step), step as f64), (&sets[1], at(step), 0.1 * step as f64)]);
        if step % 500 == 499 {
            let done = store.maintain(at(step));
            assert_eq!(done.problems, Vec::<String>::new());
            checkpoints += usize::from(done.checkpoint.is_some());
        }
    }
    assert!(checkpoints > 1);
    let expected = dump(&store);
    store.close().expect("works");
    drop(store);
    let (store, recovery) = open().expect("opens again");
    assert_eq!((recovery.damaged, recovery.torn, recovery.problems), (vec![], None, vec![]));
    assert!(dump(&store) == expected);
    drop(store);
    std::fs::remove_dir_all(&dir).expect("removes");
}
