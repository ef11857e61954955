//! Segments to files of days, whatever fails in between.

use std::sync::Arc;

use bellbuoy_models::{Answer, FeatureValue, Label, ModelKind, ModelSettings, Prediction, Schema, Truth};
use bellbuoy_store::crash::{CrashDisk, Fault};

use super::super::body::{Intake, predictions_of_table};
use super::super::engine::Engine;
use super::super::log::{Log, Rows};
use super::super::replay::{Replayed, replay};
use super::*;

const NOON: Timestamp = Timestamp(1_795_262_400_000);
const HOUR: Millis = Millis(3_600_000);

fn names() -> Vec<String> {
    ["temp", "kind", "role", "feature_x", "mixed"].map(str::to_owned).to_vec()
}

fn row(id: usize) -> Prediction {
    let mixed = if id.is_multiple_of(2) { FeatureValue::Number(0.5) } else { FeatureValue::Text("n/k".into()) };
    let kind = if id.is_multiple_of(3) { FeatureValue::Missing } else { FeatureValue::Text(format!("k{}", id % 5)) };
    let features = vec![FeatureValue::Number(id as f64 / 7.0), kind, FeatureValue::Text("r".into()), FeatureValue::Number(-1.0), mixed];
    Prediction {
        id: format!("row {id}"),
        at: NOON + HOUR * id as i64,
        role: "champion".into(),
        answer: Answer::Number(id as f64 * 0.1),
        features,
    }
}

fn label(id: usize, value: f64) -> Label {
    Label { id: format!("row {id}"), truth: Truth::Number(value) }
}

fn intake() -> Intake {
    let schema = Arc::new(Schema::new(names()));
    Intake { schema, open: false, kind: ModelKind::Regression, target: "y".into(), role: "champion".into(), now: NOON }
}

fn columns() -> ColumnNames {
    ColumnNames::of_bodies(&intake())
}

fn keep_all() -> RetentionSettings {
    RetentionSettings { age: DAY * 10_000, size_bytes: 0 }
}

/// A log of some segments: each has the rows of these numbers and their true values.
fn segments_of(disk: &CrashDisk, first: u32, parts: &[std::ops::Range<usize>]) {
    for (index, part) in parts.iter().enumerate() {
        let rows: Vec<Prediction> = part.clone().map(row).collect();
        let labels: Vec<Label> = part.clone().map(|id| label(id, id as f64)).collect();
        let mut log = Log::new(Arc::new(disk.clone()), first + index as u32);
        log.append(&names(), &[Rows::Predictions(&rows), Rows::Labels(&labels)], NOON).expect("disk");
    }
}

fn stored(disk: &CrashDisk) -> Vec<Prediction> {
    let mut rows = Vec::new();
    for file in files(disk, PREDICTIONS).expect("lists") {
        let table = read_day_file(disk, &file).expect("reads");
        let batch = predictions_of_table(&table.columns, 0..table.rows, &columns(), &intake()).expect("a table of rows");
        assert_eq!(batch.refused.count, 0);
        assert!(batch.rows.iter().all(|row| day_of(row.at) == file.day));
        rows.extend(batch.rows);
    }
    rows
}

fn segment_of(disk: &CrashDisk, number: u32, rows: std::ops::Range<usize>) {
    segments_of(disk, number, std::slice::from_ref(&rows));
}

#[test]
fn rows_read_back_from_their_days_as_they_were() {
    let disk = CrashDisk::new();
    segments_of(&disk, 1, &[0..30, 30..40]);
    let done = work(&disk, 3, &columns(), &keep_all(), NOON).expect("disk");
    assert_eq!((done.segments, done.merged), (2, 0), "the days are not over");
    let expected: Vec<Prediction> = (0..40).map(row).collect();
    let mut found = stored(&disk);
    found.sort_by_key(|row| row.at);
    assert_eq!(found, expected);
    let paths: Vec<String> = files(&disk, PREDICTIONS).expect("lists").into_iter().map(|file| file.path).collect();
    assert_eq!(
        paths,
        [
            "predictions/2026-11-21/00000001.parquet",
            "predictions/2026-11-22/00000001.parquet",
            "predictions/2026-11-22/00000002.parquet",
            "predictions/2026-11-23/00000002.parquet"
        ]
    );
    assert!(segments(&disk).expect("lists").is_empty());
}

#[test]
fn days_that_are_over_become_one_file() {
    let disk = CrashDisk::new();
    segments_of(&disk, 1, &[0..3, 3..6, 6..9]);
    let later = NOON + DAY * 2;
    assert_eq!(work(&disk, 4, &columns(), &keep_all(), later).expect("disk").merged, 6);
    let paths = |kind| files(&disk, kind).expect("lists").into_iter().map(|file| file.path).collect::<Vec<_>>();
    assert_eq!(paths(PREDICTIONS), ["predictions/2026-11-21/00000001-00000003.parquet"]);
    assert_eq!(paths(LABELS), ["labels/2026-11-21/00000001-00000003.parquet"]);
    assert_eq!(stored(&disk), (0..9).map(row).collect::<Vec<_>>());
    assert_eq!(work(&disk, 4, &columns(), &keep_all(), later).expect("disk"), Work::default(), "nothing more to do");
}

#[test]
fn old_days_and_what_is_too_much_go() {
    let disk = CrashDisk::new();
    segment_of(&disk, 1, 0..100);
    let days = || files(&disk, PREDICTIONS).expect("lists").into_iter().map(|file| file.day).collect::<Vec<_>>();
    work(&disk, 2, &columns(), &keep_all(), NOON).expect("disk");
    assert_eq!(days().len(), 5);
    let retention = RetentionSettings { age: DAY * 2, size_bytes: 0 };
    let done = work(&disk, 2, &columns(), &retention, NOON + DAY * 4).expect("disk");
    assert_eq!((done.days_dropped, days()), (2, vec!["2026-11-23".into(), "2026-11-24".into(), "2026-11-25".into()]));
    assert!(files(&disk, LABELS).expect("lists").is_empty(), "true values of old days go with them");
    let retention = RetentionSettings { size_bytes: 1, ..keep_all() };
    work(&disk, 2, &columns(), &retention, NOON).expect("disk");
    assert_eq!(days(), ["2026-11-25"], "the newest day stays");
}

#[test]
fn classes_keep_their_probabilities() {
    let disk = CrashDisk::new();
    let kind = ModelKind::Classification { classes: vec!["no".into(), "yes".into()], positive: None };
    let intake = Intake { kind, ..intake() };
    let columns = ColumnNames::of_bodies(&intake);
    let answers = [(Some("yes"), vec![0.25, 0.75]), (None, vec![0.5, 0.5]), (Some("no"), vec![])];
    let of = |(class, probabilities): &(Option<&str>, Vec<f64>)| Answer::Class {
        class: class.map(str::to_owned),
        probabilities: probabilities.clone(),
    };
    let rows: Vec<Prediction> = answers.iter().enumerate().map(|(id, answer)| Prediction { answer: of(answer), ..row(id) }).collect();
    let labels = [Label { id: "row 0".into(), truth: Truth::Class("yes".into()) }];
    Log::new(Arc::new(disk.clone()), 1).append(&names(), &[Rows::Predictions(&rows), Rows::Labels(&labels)], NOON).expect("disk");
    work(&disk, 2, &columns, &keep_all(), NOON).expect("disk");
    let table = read_day_file(&disk, &files(&disk, PREDICTIONS).expect("lists")[0]).expect("reads");
    assert_eq!(predictions_of_table(&table.columns, 0..3, &columns, &intake).expect("rows").rows, rows);
    let table = read_day_file(&disk, &files(&disk, LABELS).expect("lists")[0]).expect("reads");
    assert_eq!(super::super::body::labels_of_table(&table.columns, 0..1, &columns, &intake).expect("rows").rows, labels);
}

#[test]
fn damage_in_a_segment_is_set_aside() {
    let disk = CrashDisk::new();
    segment_of(&disk, 1, 0..3);
    let (path, mut bytes) = disk.files().into_iter().find(|(path, _)| path.ends_with(".log")).expect("a segment");
    let middle = bytes.windows(5).position(|window| window == b"row 1").expect("a row");
    bytes[middle] ^= 1;
    disk.put(&path, bytes);
    let done = work(&disk, 2, &columns(), &keep_all(), NOON).expect("disk");
    assert_eq!((done.damages.len(), stored(&disk).len()), (1, 0));
    assert!(disk.files().iter().any(|(path, bytes)| path.starts_with("damaged/") && bytes.windows(5).any(|window| window == b"row 2")));
    assert_eq!(files(&disk, LABELS).expect("lists").len(), 1, "the other record is there");
}

fn engine(rows_max: usize) -> Engine {
    let mut settings = ModelSettings::new("m");
    settings.features = names().into_iter().map(bellbuoy_models::Feature::new).collect();
    settings.retention_rows = rows_max;
    Engine::new(settings, bellbuoy_models::Reference::Rows(bellbuoy_models::ReferenceRows::default()))
}

fn replayed(disk: &CrashDisk, rows_max: usize) -> (Replayed, usize) {
    let mut engine = engine(rows_max);
    let done = replay(disk, &mut engine, &intake(), rows_max).expect("disk");
    // Rows that are sent again are known.
    let again = engine.predictions((0..60).map(row).collect());
    (done, again.repeated)
}

#[test]
fn a_start_reads_the_newest_rows_and_the_log() {
    let disk = CrashDisk::new();
    segments_of(&disk, 1, &[0..10, 10..20, 20..30]);
    work(&disk, 4, &columns(), &keep_all(), NOON).expect("disk");
    segment_of(&disk, 4, 30..35);
    assert_eq!(replayed(&disk, 1000), (Replayed { next: 5, torn: 0, damaged: 0 }, 35));
    let (path, _) = disk.files().into_iter().find(|(path, _)| path == "predictions/2026-11-21/00000001.parquet").expect("a file");
    disk.put(&path, b"PAR1 nothing".to_vec());
    let (done, known) = replayed(&disk, 1000);
    assert_eq!((done.damaged, known), (1, 25), "a bad file costs its rows");
}

/// Every call of the disk fails once, in each way, while segments move to files of days and these are merged: after a kill and after a
/// loss of power every row is there exactly once when the work is done again.
#[test]
fn nothing_is_lost_or_doubled_by_any_fault() {
    let mut calls = 0;
    for number in 1.. {
        let mut reached = false;
        for fault in [Fault::Error, Fault::Short, Fault::Crash] {
            let disk = CrashDisk::new();
            segments_of(&disk, 1, &[8..12, 12..16]);
            // Names are durable before the work begins, as the writer makes them.
            let before = disk.calls();
            disk.fail_call(before + number, fault);
            let first = work(&disk, 3, &columns(), &keep_all(), NOON + DAY * 9);
            reached |= disk.calls() >= before + number;
            for after in [disk.after_kill(), disk.after_power_cut(0), disk.after_power_cut(128)] {
                let (done, known) = replayed(&after, 1000);
                assert_eq!((known, done.damaged), (8, 0), "call {number} {fault:?} {first:?}");
                work(&after, 3, &columns(), &keep_all(), NOON + DAY * 9).expect("a disk without faults");
                let mut ids: Vec<String> = stored(&after).into_iter().map(|row| row.id).collect();
                let all = ids.len();
                ids.sort();
                ids.dedup();
                assert_eq!((ids.len(), all), (8, 8), "call {number} {fault:?}");
            }
        }
        if !reached {
            break;
        }
        calls = number;
    }
    assert!(calls > 20, "{calls}");
}

/// Of many rows on disk a start reads those that are kept, the newest by their own time wherever they lie. Of the others the model knows
/// that it had them.
#[test]
fn a_start_reads_only_rows_that_are_kept() {
    let disk = CrashDisk::new();
    // Rows 50 to 59 came before rows 0 to 19; the day of rows 12 to 35 is in two files.
    segments_of(&disk, 1, &[50..60, 0..20, 20..40]);
    work(&disk, 4, &columns(), &keep_all(), NOON).expect("disk");
    let mut small = engine(15);
    replay(&disk, &mut small, &intake(), 15).expect("disk");
    assert_eq!((small.rows("champion"), small.forgotten_until("champion")), (15, Some(row(35).at)));
    let again = small.predictions((0..60).map(row).collect());
    // Rows 40 to 49 were never sent.
    assert_eq!((again.new, again.repeated, again.refused.len()), (10, 15, 35));
    assert_eq!(small.labels(vec![label(55, 1.0)]).corrected, 1, "true values of kept rows were read");

    // The newest day has enough rows: older days are not read, and rows of them are not taken.
    let mut smallest = engine(5);
    replay(&disk, &mut smallest, &intake(), 5).expect("disk");
    assert_eq!((smallest.rows("champion"), smallest.forgotten_until("champion")), (5, Some(row(55).at)));
    assert_eq!(smallest.predictions((0..40).map(row).collect()).refused.len(), 40);
}

#[test]
fn what_was_known_to_be_forgotten_is_not_counted_again() {
    let disk = CrashDisk::new();
    segment_of(&disk, 1, 0..8);
    work(&disk, 2, &columns(), &keep_all(), NOON).expect("disk");
    let mut before = engine(3);
    before.predictions((0..5).map(row).collect());
    let mut after = engine(3);
    after.restore(&before.state());
    replay(&disk, &mut after, &intake(), 3).expect("disk");
    assert_eq!((before.state()["forgotten"]["champion"]["rows"].as_u64(), before.rows("champion")), (Some(2), 3));
    assert_eq!((after.state()["forgotten"]["champion"]["rows"].as_u64(), after.rows("champion")), (Some(5), 3));
}
