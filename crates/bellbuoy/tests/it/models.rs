//! Models through the program: rows that come again long after, late true values, bodies that are too large, what is listed.

use std::io::Write;

use bellbuoy_tables::{Cells, Field, write_parquet};
use serde_json::{Value, json};

use super::harness::{Folder, Program, http, wait_for};

/// Memory holds 100 rows.
const KEPT: usize = 100;

fn folder() -> Folder {
    let mut reference = String::from("x,y\n");
    for n in 0..100 {
        reference.push_str(&format!("{}.5,{n}\n", n % 50));
    }
    let settings = "models:\n- name: m\n  kind: regression\n  target: y\n  reference: reference.csv\n  features: [x]\n  schedule: 1h\n  rows_min: 10\n  windows: [{rows: 50}]\n  retention_rows: 100\n";
    Folder::new(&[("reference.csv", &reference), ("bellbuoy.yml", settings)])
}

/// Row N is of second N of a day.
fn rows(ids: std::ops::Range<usize>) -> String {
    let row = |n: usize| json!({"id": format!("id {n}"), "prediction": n, "timestamp": time(n), "features": {"x": n % 50}});
    json!(ids.map(row).collect::<Vec<_>>()).to_string()
}

fn time(second: usize) -> String {
    format!("2026-11-20T00:{:02}:{:02}Z", second / 60, second % 60)
}

fn labels(ids: std::ops::Range<usize>, error: f64) -> String {
    json!(ids.map(|n| json!({"id": format!("id {n}"), "value": n as f64 + error})).collect::<Vec<_>>()).to_string()
}

/// New, repeated, corrected, waiting, refused.
fn send(program: &Program, what: &str, body: &str) -> [u64; 5] {
    let (_, answer) = program.post(&format!("/api/v1/models/m/{what}"), body);
    let answer: Value = serde_json::from_str(&answer).unwrap_or_else(|_| panic!("{answer}"));
    ["new", "repeated", "corrected", "waiting", "refusedRows"]
        .map(|name| answer["data"][name].as_u64().unwrap_or_else(|| panic!("{answer}")))
}

/// 300 rows where memory holds 100: whichever are sent again, none is taken twice, neither at once nor after a kill, whether they are read
/// from the log or from the file of their day.
#[test]
fn rows_that_are_no_longer_in_memory_are_not_taken_twice() {
    let folder = folder();
    let program = Program::up(&folder);
    for start in (0..300).step_by(50) {
        assert_eq!(send(&program, "predictions", &rows(start..start + 50)), [50, 0, 0, 0, 0]);
    }
    assert_eq!(send(&program, "predictions", &rows(100..300)), [0, 200, 0, 0, 0]);
    let (status, answer) = program.post("/api/v1/models/m/predictions", &rows(0..100));
    assert!(status == 400 && answer.contains("older than the rows that are kept"), "{status} {answer}");
    assert_eq!(send(&program, "labels", &labels(100..200, 0.5)), [100, 0, 0, 0, 0], "of rows that are gone: nothing waits");
    assert_eq!(send(&program, "labels", &labels(100..200, 0.5)), [0, 100, 0, 0, 0]);
    program.kill();

    let program = Program::up(&folder);
    let again = |program: &Program| {
        let [new, repeated, _, _, refused] = send(program, "predictions", &rows(0..300));
        assert_eq!((new, repeated + refused), (0, 300));
        assert!(repeated >= KEPT as u64, "{repeated}");
        assert_eq!(program.data("/api/v1/models/m")["rows"], json!({"champion": KEPT}));
        assert_eq!(send(program, "labels", &labels(100..200, 0.5))[1], 100, "true values of rows that are gone are not stored again");
    };
    again(&program);
    // What the last start left in the log moves to the file of its day.
    let day = folder.data().join("models/m/predictions/2026-11-20");
    wait_for("the file of the day", || {
        std::fs::read_dir(&day).ok()?.find_map(|entry| entry.ok()?.path().extension().filter(|end| *end == "parquet").map(|_| ()))
    });
    wait_for("an empty log", || std::fs::read_dir(folder.data().join("models/m/log")).ok()?.next().is_none().then_some(()));
    again(&program);
    program.kill();
    let program = Program::up(&folder);
    again(&program);
    assert_eq!(send(&program, "predictions", &rows(300..310)), [10, 0, 0, 0, 0]);
}

#[test]
fn late_true_values_amend_windows_of_the_past() {
    let folder = folder();
    let program = Program::up(&folder);
    assert_eq!(send(&program, "predictions", &rows(0..100)), [100, 0, 0, 0, 0]);
    assert_eq!(send(&program, "labels", &labels(0..40, 1.0)), [40, 0, 0, 0, 0]);
    let judged = || {
        let (status, answer) = program.post("/api/v1/models/m/judge", "");
        assert_eq!(status, 200, "{answer}");
        program.data("/api/v1/models/m/windows")
    };
    let seen = |windows: &Value| {
        let past = windows[0]["past"].as_array().unwrap_or_else(|| panic!("{windows}")).clone();
        past.iter()
            .map(|window| (window["predictions"].clone(), window["with_true_value"].clone(), window["amended"].clone()))
            .collect::<Vec<_>>()
    };
    let windows = judged();
    assert_eq!((&windows[0]["window"], &windows[0]["role"]), (&json!("50 rows"), &json!("champion")));
    assert_eq!(seen(&windows), [(json!(50), json!(40), json!(0)), (json!(50), json!(0), json!(0))]);
    // The rest of the first window, and other values for some.
    assert_eq!(send(&program, "labels", &labels(30..50, 3.0)), [10, 0, 10, 0, 0]);
    assert_eq!(seen(&judged())[0], (json!(50), json!(50), json!(1)));
    assert_eq!(program.data("/api/v1/models/m/windows?role=nobody"), json!([]));
    assert_eq!(program.get("/api/v1/models/other/windows").0, 404);

    let listed = program.data("/api/v1/models");
    assert_eq!((listed[0]["name"].clone(), listed[0]["rows"].clone()), (json!("m"), json!({"champion": 100})));
    assert_eq!(program.data("/api/v1/models/m")["features"], json!(["x"]));
    assert_eq!(program.get("/api/v1/models/other").0, 404);
}

/// The first rows are the reference and are forgotten soon, the detectors have seen every row once: a kill changes neither, even
/// when rows come between the last judgement and the kill.
#[test]
fn a_first_reference_and_detectors_outlive_a_kill() {
    let settings = "models:\n- name: m\n  kind: regression\n  target: y\n  reference: {first_rows: 100}\n  features: [x]\n  schedule: 1h\n  rows_min: 10\n  windows: [{rows: 50}]\n  retention_rows: 100\n  detectors:\n  - {on: error, kind: page_hinkley, threshold: 20}\n  - {feature: x, kind: adwin}\n";
    let folder = Folder::new(&[("bellbuoy.yml", settings)]);
    let seen = |program: &Program| {
        let (status, answer) = program.post("/api/v1/models/m/judge", "");
        assert_eq!(status, 200, "{answer}");
        let mut series: Vec<String> =
            ["model_detector_values_total", "model_detector_drifts_total", "model_feature_drift_score", "model_drift_share"]
                .iter()
                .flat_map(|name| program.query(&format!("bellbuoy_{name}")))
                .map(|(labels, value)| format!("{labels} {value}"))
                .collect();
        series.sort();
        series
    };
    let counted = |series: &[String], name: &str, stream: &str| -> Option<f64> {
        let found = series.iter().find(|line| line.contains(name) && line.contains(&format!("\"stream\":\"{stream}\"")))?;
        found.rsplit_once(' ')?.1.parse().ok()
    };

    let program = Program::up(&folder);
    send(&program, "predictions", &rows(0..100));
    send(&program, "labels", &labels(0..100, 1.0));
    let calm = seen(&program);
    assert_eq!(counted(&calm, "values_total", "error"), Some(100.0), "{calm:?}");
    assert_eq!(counted(&calm, "drifts_total", "error"), Some(0.0), "{calm:?}");
    // Every x is now above those of the reference, and the errors are large.
    let moved = rows(100..300).replace("\"x\":", "\"x\":7");
    send(&program, "predictions", &moved);
    send(&program, "labels", &labels(200..250, 30.0));
    let drifted = seen(&program);
    assert_eq!(counted(&drifted, "values_total", "error"), Some(150.0), "{drifted:?}");
    assert_eq!(counted(&drifted, "values_total", "feature:x"), Some(300.0), "{drifted:?}");
    assert!(
        counted(&drifted, "drifts_total", "error") >= Some(1.0) && counted(&drifted, "drifts_total", "feature:x") >= Some(1.0),
        "{drifted:?}"
    );
    assert!(drifted.iter().any(|line| line.contains("model_drift_share") && line.ends_with(" 1")), "{drifted:?}");
    program.kill();

    let program = Program::up(&folder);
    assert_eq!(seen(&program), drifted);
    send(&program, "predictions", &moved);
    send(&program, "labels", &labels(200..260, 30.0));
    program.kill();

    let program = Program::up(&folder);
    let after = seen(&program);
    assert_eq!(counted(&after, "values_total", "error"), Some(160.0), "{after:?}");
    assert_eq!(counted(&after, "values_total", "feature:x"), Some(300.0), "{after:?}");
    assert!(
        after.iter().any(|line| line.contains("model_drift_share") && line.ends_with(" 1")),
        "the reference is still the first rows: {after:?}"
    );
}

#[test]
fn bodies_that_are_too_large_are_refused_whole() {
    let folder = folder();
    let program = Program::up(&folder);
    let refused = |headers: &[(&str, &str)], body: &[u8], reason: &str| {
        let (status, answer) = http(&program.address, "POST", "/api/v1/models/m/predictions", headers, body);
        assert!(status == 413 && answer.contains(reason), "{status} {answer}");
    };
    // 300 MB of nothing in 300 kB.
    let mut bomb = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::best());
    for _ in 0..300 {
        bomb.write_all(&vec![b' '; 1 << 20]).expect("memory");
    }
    refused(&[("content-encoding", "gzip")], &bomb.finish().expect("memory"), "unpacks to more than");
    // A few packed bytes a column: 400 columns of 99,999 rows are 320 MB of numbers.
    let columns: Vec<Field> = (0..400).map(|column| Field::new(format!("f{column}"), Cells::Numbers(vec![Some(0.5); 99_999]))).collect();
    let wide = write_parquet("body", Vec::new(), &columns, &[]).expect("memory");
    assert!(wide.len() < 8 << 20, "{}", wide.len());
    let (status, answer) =
        http(&program.address, "POST", "/api/v1/models/m/predictions", &[("content-type", "application/vnd.apache.parquet")], &wide);
    assert!(status == 400 && answer.contains("when they are unpacked; the limit is"), "{status} {answer}");
    let many: String = std::iter::once("id,prediction,x\n".to_owned()).chain((0..100_001).map(|n| format!("{n},1,2\n"))).collect();
    refused(&[("content-type", "text/csv")], many.as_bytes(), "more than 100000 rows");
    assert_eq!(program.data("/api/v1/models/m")["rows"], json!({"champion": 0}));
    let all = many.trim_end().rsplit_once('\n').expect("lines").0;
    let (status, answer) = http(&program.address, "POST", "/api/v1/models/m/predictions", &[("content-type", "text/csv")], all.as_bytes());
    assert!(status == 200 && answer.contains("\"new\":100000"), "{status} {answer}");
}
