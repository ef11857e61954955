//! The store against a table: random appends, selections, housekeeping, reopening.

use std::collections::BTreeMap;

use bellbuoy_store::crash::CrashDisk;
use bellbuoy_store::{Durability, Options};
use bellbuoy_vocabulary::{Append, AppendError, Labels, MatchOp, Millis};
use proptest::prelude::*;

use crate::*;

const RETENTION_MS: i64 = 4 * 3_600_000;

#[derive(Clone, Debug)]
enum Step {
    /// Series, seconds since the last one, value; several per commit.
    Append(Vec<(u8, i64, u8)>),
    /// A run of samples of one series.
    Run(u8, u8),
    Rollback(u8),
    Select(Vec<(u8, u8, u8)>, i64, i64),
    Maintain(i64),
    Reopen {
        power_cut: bool,
    },
}

fn step() -> impl Strategy<Value = Step> {
    prop_oneof![
        4 => prop::collection::vec((0u8..6, -20i64..200, 0u8..4), 1..6).prop_map(Step::Append),
        2 => (0u8..6, 1u8..200).prop_map(|(series, count)| Step::Run(series, count)),
        1 => (0u8..6).prop_map(Step::Rollback),
        3 => (prop::collection::vec((0u8..4, 0u8..4, 0u8..6), 0..3), -20_000i64..20_000, 0i64..20_000).prop_map(|(m, from, length)| Step::Select(m, from, length)),
        2 => (0i64..6_000).prop_map(Step::Maintain),
        1 => any::<bool>().prop_map(|power_cut| Step::Reopen { power_cut }),
    ]
}

fn series(number: u8) -> Labels {
    let n = number.to_string();
    let mut pairs = vec![("__name__", if number.is_multiple_of(2) { "even" } else { "odd" }), ("n", n.as_str())];
    if number > 3 {
        pairs.push(("extra", "e"));
    }
    labels(&pairs)
}

fn matchers(specs: &[(u8, u8, u8)]) -> Vec<bellbuoy_vocabulary::Matcher> {
    let op = |number| [MatchOp::Equal, MatchOp::NotEqual, MatchOp::Regex, MatchOp::NotRegex][usize::from(number)];
    let name = |number: u8| ["__name__", "n", "extra", "none"][usize::from(number)];
    let value = |number: u8| ["even", "", "1|3|5", "e.*", "2", ".+"][usize::from(number)];
    specs.iter().map(|(n, o, v)| matcher(name(*n), op(*o), value(*v))).collect()
}

type Table = BTreeMap<Labels, BTreeMap<i64, u64>>;

fn run(steps: &[Step], chunks_on_disk: bool) -> Result<(), TestCaseError> {
    let options = Options { retention: Millis(RETENTION_MS), wal_segment_bytes: 4096, chunks_on_disk, ..options() };
    let mut disk = CrashDisk::new();
    let (mut store, _) = open_with(&disk, options.clone());
    let mut table = Table::new();
    // Time of the last round of housekeeping and of the newest sample.
    let (mut clock, mut newest) = (0i64, 0i64);
    for step in steps {
        match step {
            Step::Append(samples) => {
                let mut appender = store.appender();
                let mut accepted = Vec::new();
                for (number, seconds, value) in samples {
                    let set = series(*number);
                    let time = newest + seconds * 1000;
                    let value = f64::from(*value);
                    let last = table.get(&set).and_then(|t| t.last_key_value()).map(|(t, v)| (*t, *v));
                    let expected = match last {
                        _ if time < clock - RETENTION_MS => Err(AppendError::TooOld),
                        Some((t, _)) if time < t => Err(AppendError::OutOfOrder),
                        Some((t, v)) if time == t && v != value.to_bits() => Err(AppendError::DuplicateTimestamp),
                        _ => Ok(()),
                    };
                    let (id, _) = appender.series(&set).expect("below the limit");
                    let got = appender.append(id, Timestamp(NOW.0 + time), value);
                    prop_assert_eq!(got, expected);
                    if got.is_ok() {
                        accepted.push((set, time, value.to_bits()));
                    }
                }
                appender.commit(Durability::Logged).expect("disk works");
                for (set, time, bits) in accepted {
                    let samples = table.entry(set).or_default();
                    // Within one commit the first in order counts.
                    if samples.last_key_value().is_none_or(|(t, _)| *t < time) {
                        samples.insert(time, bits);
                    }
                    newest = newest.max(time);
                }
            }
            Step::Run(number, count) => {
                let set = series(*number);
                for _ in 0..*count {
                    newest += 10_000;
                    put(&store, &[(&set, Timestamp(NOW.0 + newest), newest as f64)]);
                    table.entry(set.clone()).or_default().insert(newest, (newest as f64).to_bits());
                }
            }
            Step::Rollback(number) => {
                let mut appender = store.appender();
                let (id, _) = appender.series(&series(*number)).expect("below the limit");
                let _ = appender.append(id, Timestamp(NOW.0 + newest + 1), 9.0);
                appender.rollback();
            }
            Step::Select(specs, from, length) => {
                let matchers = matchers(specs);
                let (from, to) = (newest + from * 1000, newest + (from + length) * 1000);
                compare(&store, &table, from.max(clock - RETENTION_MS), to, &matchers)?;
            }
            Step::Maintain(seconds) => {
                clock = clock.max(newest) + seconds * 1000;
                newest = newest.max(clock);
                let done = store.maintain(Timestamp(NOW.0 + clock));
                prop_assert_eq!(done.problems, Vec::<String>::new());
                forget(&mut table, &store, clock - RETENTION_MS);
            }
            Step::Reopen { power_cut } => {
                store.sync().expect("disk works");
                disk = if *power_cut { disk.after_power_cut(77) } else { disk.after_kill() };
                let shared: Arc<dyn Disk> = Arc::new(disk.clone());
                let (opened, recovery) = Store::open(shared, options.clone(), Timestamp(NOW.0 + clock)).expect("opens");
                prop_assert_eq!(recovery.unknown_series_samples, 0);
                prop_assert_eq!(recovery.problems, Vec::<String>::new());
                store = opened;
                forget(&mut table, &store, clock - RETENTION_MS);
            }
        }
    }
    compare(&store, &table, clock - RETENTION_MS, i64::MAX - NOW.0, &[])
}

/// What retention may have dropped is dropped from the table: whole series only when the store has none of it.
fn forget(table: &mut Table, store: &Store, floor: i64) {
    let left: BTreeMap<String, Vec<(i64, u64)>> = dump(store).into_iter().collect();
    table.retain(|set, samples| left.contains_key(&set.to_string()) || samples.last_key_value().is_some_and(|(t, _)| *t >= floor));
    for (set, samples) in table {
        let first = left.get(&set.to_string()).and_then(|samples| samples.first()).map_or(floor, |(t, _)| *t);
        samples.retain(|t, _| *t >= first.min(floor));
    }
}

fn compare(store: &Store, table: &Table, from: i64, to: i64, matchers: &[bellbuoy_vocabulary::Matcher]) -> Result<(), TestCaseError> {
    let expected: Vec<_> = table
        .iter()
        .filter(|(set, _)| matchers.iter().all(|m| m.matches_labels(set)))
        .map(|(set, samples)| (set, samples.iter().filter(|(t, _)| (from..=to).contains(*t)).map(|(t, v)| (*t, *v)).collect::<Vec<_>>()))
        .filter(|(_, samples)| !samples.is_empty())
        .map(|(set, samples)| (set.to_string(), samples))
        .collect();
    let got = dump_range(store, Timestamp(NOW.0 + from), Timestamp(NOW.0.saturating_add(to)), matchers);
    prop_assert_eq!(got, expected);
    Ok(())
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(128))]
    #[test]
    fn like_a_table(steps in prop::collection::vec(step(), 1..40), chunks_on_disk in any::<bool>()) {
        run(&steps, chunks_on_disk)?;
    }
}
