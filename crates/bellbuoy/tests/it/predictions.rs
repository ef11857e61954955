//! Predictions through the program: what was acknowledged is there after a kill at any moment, once.

use std::collections::BTreeSet;
use std::io::{Read, Write};
use std::net::TcpStream;
use std::path::Path;
use std::sync::mpsc::{RecvTimeoutError, channel};
use std::time::Duration;

use serde_json::{Value, json};

use crate::harness::{Folder, PATIENCE, Program, http};

const ROUNDS: usize = 12;
const BATCH: usize = 50;

/// A model `m` with the features `x` and `kind`.
pub fn folder() -> Folder {
    let mut reference = String::from("x,kind,y\n");
    for n in 0..100 {
        reference.push_str(&format!("{}.5,{},{n}\n", n % 50, ["a", "b", "c"][n % 3]));
    }
    let settings = "models:\n- name: m\n  kind: regression\n  target: y\n  reference: reference.csv\n  features: [x, kind]\n  schedule: 1h\n  retention_rows: 100000\n";
    Folder::new(&[("reference.csv", &reference), ("bellbuoy.yml", settings)])
}

fn batch(number: usize) -> (Vec<String>, String) {
    let ids: Vec<String> = (0..BATCH).map(|n| format!("{number}-{n}")).collect();
    let rows: Vec<Value> = ids
        .iter()
        .map(|id| json!({"id": id, "prediction": 1.5, "timestamp": "2026-11-20T10:00:00Z", "features": {"x": number, "kind": "a"}}))
        .collect();
    (ids, json!(rows).to_string())
}

/// A request whose answer may never come.
fn try_post(address: &str, body: &str) -> Option<u16> {
    let mut stream = TcpStream::connect(address).ok()?;
    stream.set_read_timeout(Some(PATIENCE)).ok()?;
    let head =
        format!("POST /api/v1/models/m/predictions HTTP/1.1\r\nhost: m\r\nconnection: close\r\ncontent-length: {}\r\n\r\n", body.len());
    stream.write_all(head.as_bytes()).and_then(|()| stream.write_all(body.as_bytes())).ok()?;
    let mut answer = String::new();
    stream.read_to_string(&mut answer).ok()?;
    answer.split(' ').nth(1)?.parse().ok()
}

fn counts(program: &Program, body: &str) -> (u64, u64) {
    let (status, answer) = program.post("/api/v1/models/m/predictions", body);
    assert_eq!(status, 200, "{answer}");
    let data = &serde_json::from_str::<Value>(&answer).expect("JSON")["data"];
    (data["new"].as_u64().expect("a count"), data["repeated"].as_u64().expect("a count"))
}

/// Batches go in without a pause, and the program is killed somewhere among them, again and again. Every batch that was answered with 200
/// is then known as a whole; of the others any part may be there, but sent again each row counts once.
#[test]
fn acknowledged_predictions_survive_kills() {
    let folder = folder();
    let mut next = 0;
    let mut acknowledged: Vec<usize> = Vec::new();
    let mut seed = 20_261_121_u64;
    for _ in 0..ROUNDS {
        let program = Program::up(&folder);
        seed = seed.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        let pause = Duration::from_millis(20 + (seed >> 33) % 200);
        let address = program.address.clone();
        let (tell, told) = channel();
        let first = next;
        let sender = std::thread::spawn(move || {
            for number in first.. {
                let Some(status) = try_post(&address, &batch(number).1) else { return number + 1 };
                assert_eq!(status, 200);
                let _ = tell.send(number);
            }
            unreachable!("the program is killed first")
        });
        // The kill comes at an arbitrary place among the batches; nothing depends on which.
        let never = channel::<()>();
        assert_eq!(never.1.recv_timeout(pause), Err(RecvTimeoutError::Timeout));
        program.kill();
        next = sender.join().expect("the sender ends when the program is gone");
        acknowledged.extend(told.iter());
    }
    assert!(!acknowledged.is_empty());
    let program = Program::up(&folder);
    for number in 0..next {
        let (new, repeated) = counts(&program, &batch(number).1);
        assert_eq!(new + repeated, BATCH as u64);
        if acknowledged.contains(&number) {
            assert_eq!((new, repeated), (0, BATCH as u64), "batch {number} was acknowledged");
        }
    }
    for number in 0..next {
        assert_eq!(counts(&program, &batch(number).1), (0, BATCH as u64), "every row is there once");
    }
}

#[test]
fn bodies_of_all_kinds_arrive_and_bad_rows_are_named() {
    let folder = folder();
    let program = Program::up(&folder);
    let post = |path: &str, headers: &[(&str, &str)], body: &[u8]| {
        let (status, answer) = http(&program.address, "POST", &format!("/api/v1/models/m/{path}"), headers, body);
        (status, serde_json::from_str::<Value>(&answer).unwrap_or_else(|_| panic!("{answer}")))
    };
    let (status, answer) = post("predictions", &[("content-type", "text/csv")], b"id,prediction,x,kind\n1,0.5,3,a\n2,x,3,a\n");
    assert_eq!(status, 200);
    let refused = json!([{"row": 2, "id": "2", "field": "prediction", "reason": "\"x\" is not a number"}]);
    assert_eq!(answer["data"], json!({"new": 1, "repeated": 0, "corrected": 0, "waiting": 0, "refusedRows": 1, "refused": refused}));
    let (status, answer) = post("labels", &[], b"{\"id\": 1, \"value\": 2}\n{\"id\": 9, \"value\": 3}\n");
    assert_eq!((status, &answer["status"]), (200, &json!("success")), "{answer}");
    for (path, headers, body, expected) in [
        ("predictions", &[("content-encoding", "br")][..], &b"x"[..], 415),
        ("predictions", &[("content-encoding", "gzip")], b"x", 400),
        ("predictions", &[], b"", 400),
        ("predictions", &[], b"[{}]", 400),
        ("labels", &[], b"[{\"id\": \"a\", \"value\": \"x\"}]", 400),
    ] {
        let (status, answer) = post(path, headers, body);
        assert_eq!((status, &answer["status"]), (expected, &json!("error")), "{answer}");
    }
}

/// Settings that change make the model anew: nothing of what was acknowledged is lost on the way, and old folders are read.
#[test]
fn rows_of_the_first_versions_are_taken_over_once() {
    let folder = folder();
    let dir = folder.data().join("models/m");
    std::fs::create_dir_all(&dir).expect("temporary folder");
    let line = |id: &str| {
        format!(
            "{{\"prediction\":{{\"id\":\"{id}\",\"at\":\"2026-11-20T10:00:00Z\",\"role\":\"champion\",\"features\":{{\"x\":1.5,\"kind\":\"a\"}},\"prediction\":2.5}}}}\n"
        )
    };
    std::fs::write(dir.join("rows.old.jsonl"), line("a")).expect("temporary file");
    std::fs::write(dir.join("rows.jsonl"), line("b") + "{\"label\":{\"id\":\"b\",\"value\":1}}\n{\"predic").expect("temporary file");
    let again = json!(["a", "b", "c"].map(|id| json!({"id": id, "prediction": 1, "timestamp": "2026-11-20T10:00:00Z"}))).to_string();
    let program = Program::up(&folder);
    assert_eq!(counts(&program, &again), (1, 2));
    program.kill();
    let program = Program::up(&folder);
    assert_eq!(counts(&program, &again), (0, 3));
    let names =
        |dir: &Path| std::fs::read_dir(dir).expect("a folder").map(|entry| entry.expect("an entry").file_name()).collect::<BTreeSet<_>>();
    assert!(!names(&dir).iter().any(|name| name.to_string_lossy().ends_with(".jsonl")));
}
