//! The Rust crate for services, with the program at the other end: what its logger counts as acknowledged is there.

use bellbuoy_instrument::Instrument;
use bellbuoy_instrument::logging::{Label, Offered, Prediction, PredictionLogger};
use serde_json::{Value, json};

use crate::harness::{Folder, PATIENCE, Program, free_port};
use crate::predictions::folder;

const ROWS: usize = 3000;

fn up(folder: &Folder, port: u16) -> Program {
    Program::up_with(folder, &["--listen", &format!("127.0.0.1:{port}")])
}

/// bellbuoy is killed twice while a service logs, and is away at first. In the end every row is acknowledged, and there once.
#[test]
fn rows_of_a_service_arrive_once_although_bellbuoy_is_killed() {
    let (folder, port) = (folder(), free_port());
    let instrument = Instrument::new();
    let builder = PredictionLogger::builder(&format!("http://127.0.0.1:{port}"), "m").batch_rows(20);
    let wait = std::time::Duration::from_millis(20);
    let logger = builder.linger(wait).backoff(wait, wait).start(&instrument).expect("started");
    for n in 0..ROWS {
        let row = Prediction::new(&format!("{n}"), 1.5).feature("x", n).feature("kind", "a");
        assert_eq!(logger.prediction(row), Offered::Queued);
        if n % 2 == 0 {
            assert_eq!(logger.label(Label::new(&format!("{n}"), 2.0)), Offered::Queued);
        }
    }
    // Killed when it has some of them; which ones is chance.
    for _ in 0..2 {
        let program = up(&folder, port);
        let before = logger.totals().acknowledged;
        crate::harness::wait_for("rows to be acknowledged", || (logger.totals().acknowledged > before + 200).then_some(()));
        program.kill();
    }
    let program = up(&folder, port);
    assert!(logger.flush(PATIENCE), "{:?}", logger.last_problem());
    let totals = logger.close(PATIENCE);
    let offered = (ROWS + ROWS.div_ceil(2)) as u64;
    assert_eq!((totals.offered, totals.acknowledged, totals.dropped), (offered, offered, 0));

    let again = |path: &str, rows: Vec<Value>| {
        let (status, answer) = program.post(&format!("/api/v1/models/m/{path}"), &json!(rows).to_string());
        assert_eq!(status, 200, "{answer}");
        serde_json::from_str::<Value>(&answer).expect("JSON")["data"].clone()
    };
    let predictions = (0..ROWS).map(|n| json!({"id": n.to_string(), "prediction": 1.5, "features": {"x": n, "kind": "a"}}));
    let data = again("predictions", predictions.collect());
    assert_eq!((&data["new"], &data["repeated"]), (&json!(0), &json!(ROWS)), "{data}");
    let labels = (0..ROWS).step_by(2).map(|n| json!({"id": n.to_string(), "value": 2.0}));
    let data = again("labels", labels.collect());
    assert_eq!((&data["new"], &data["repeated"], &data["waiting"]), (&json!(0), &json!(ROWS / 2), &json!(0)), "{data}");
}
