//! A full disk and a full queue: who is told what, and what is there afterwards.

use bellbuoy_models::{Answer, Feature, FeatureValue, ModelKind, ModelSettings, Reference, ReferenceRows, Truth};
use bellbuoy_store::Disk;
use bellbuoy_store::crash::{CrashDisk, Fault};

use super::super::body::Intake;
use super::super::replay::replay;
use super::*;

const NOW: Timestamp = Timestamp(1_795_262_400_000);

fn engine() -> Engine {
    let mut settings = ModelSettings::new("m");
    settings.features = vec![Feature::new("x")];
    Engine::new(settings, Reference::Rows(ReferenceRows::default()))
}

fn schema() -> Arc<Schema> {
    Arc::new(engine().schema().clone())
}

fn rows(ids: std::ops::Range<usize>) -> Rows {
    let row = |id: usize| Prediction {
        id: id.to_string(),
        at: NOW,
        role: "champion".into(),
        answer: Answer::Number(1.0),
        features: vec![FeatureValue::Number(id as f64)],
    };
    Rows::Predictions(ids.map(row).collect(), schema())
}

fn writer(disk: &CrashDisk) -> (Writer, Arc<Mutex<Engine>>) {
    let engine = Arc::new(Mutex::new(engine()));
    let disk: Arc<dyn Disk> = Arc::new(disk.clone());
    let writer = Writer::start("m", engine.clone(), Arc::new(RwLock::new(schema())), Log::new(disk, 1)).expect("a thread");
    (writer, engine)
}

fn send(writer: &Writer, rows: Rows) -> Result<Receipt, SubmitError> {
    writer.submit(rows, 100, NOW)?.blocking_recv().expect("an answer")
}

fn after_restart(disk: &CrashDisk) -> usize {
    let mut engine = engine();
    let intake =
        Intake { schema: schema(), open: false, kind: ModelKind::Regression, target: "y".into(), role: "champion".into(), now: NOW };
    replay(disk, &mut engine, &intake, 1000).expect("disk");
    engine.rows("champion")
}

/// Whatever call of the disk fails, rows whose writing failed are in neither memory nor log, and are new when they are sent again.
#[test]
fn rows_that_a_full_disk_does_not_take_are_nowhere() {
    let mut failed = 0;
    for (call, fault) in (1..9).flat_map(|call| [(call, Fault::Error), (call, Fault::Short)]) {
        let disk = CrashDisk::new();
        disk.fail_call(call, fault);
        let (writer, engine) = writer(&disk);
        let mut kept = 0;
        for batch in 0..3 {
            let ids = batch * 10..batch * 10 + 10;
            if let Err(error) = send(&writer, rows(ids.clone())) {
                failed += 1;
                assert_eq!(error, SubmitError::Disk("injected fault".into()), "call {call} {fault:?}");
                assert_eq!(lock(&engine).rows("champion"), kept);
                assert_eq!(after_restart(&disk.after_power_cut(0)), kept);
                assert_eq!(send(&writer, rows(ids)).map(|receipt| (receipt.new, receipt.repeated)), Ok((10, 0)));
            }
            kept += 10;
        }
        assert_eq!(lock(&engine).rows("champion"), 30);
        writer.close();
        assert_eq!((after_restart(&disk.after_kill()), after_restart(&disk.after_power_cut(0))), (30, 30));
    }
    assert!(failed >= 8, "{failed}");
}

/// The writer takes what waits and then needs the engine, which is held here: of three submissions that fill the queue each, one at least
/// finds it full. Nothing of it is taken, and it is when it comes again.
#[test]
fn a_full_queue_is_an_answer() {
    let disk = CrashDisk::new();
    let (writer, engine) = writer(&disk);
    let held = lock(&engine);
    let said: Vec<_> = (0..3).map(|n| writer.submit(rows(n * 10..n * 10 + 10), QUEUE_BYTES_MAX, NOW)).collect();
    drop(held);
    assert!(said.iter().any(|said| matches!(said, Err(SubmitError::Full { rows: 10 }))));
    let mut taken = 0;
    for (n, said) in said.into_iter().enumerate() {
        let ids = n * 10..n * 10 + 10;
        match said {
            Ok(pending) => taken += pending.blocking_recv().expect("an answer").expect("a disk").new,
            Err(error) => {
                assert!(matches!(error, SubmitError::Full { .. }));
                taken += send(&writer, rows(ids)).expect("a disk").new;
            }
        }
    }
    assert_eq!((taken, lock(&engine).rows("champion")), (30, 30));
    writer.close();
    assert_eq!(writer.submit(rows(0..1), 1, NOW).err(), Some(SubmitError::Closed));
}

#[test]
fn true_values_of_one_group_count_once() {
    let disk = CrashDisk::new();
    let (writer, _) = writer(&disk);
    let label = |value: f64| Label { id: "a".into(), truth: Truth::Number(value) };
    let sent = |labels: Vec<Label>| send(&writer, Rows::Labels(labels)).expect("a disk");
    assert_eq!(sent(vec![label(1.0)]).waiting, 1);
    assert_eq!(sent(vec![label(1.0)]).repeated, 1);
    assert_eq!(sent(vec![label(2.0)]).corrected, 1);
}
