//! Folders of files as pipelines leave them, against a service that only writes down what it gets.

use std::path::PathBuf;
use std::sync::atomic::{AtomicUsize, Ordering};

use bellbuoy_drift::Values;
use bellbuoy_models::{Feature, ModelSettings};
use bellbuoy_vocabulary::{Millis, Timestamp};
use expect_test::{Expect, expect};
use serde_json::Value;

use super::folder::Folder;
use super::mapping::Mapping;
use super::{Part, Stop, TakenRows};
use crate::config::{ColumnRoles, Gives, SourceConfig, SourceFrom};

struct Dir(PathBuf);

impl Drop for Dir {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.0);
    }
}

impl Dir {
    fn new() -> Dir {
        static NEXT: AtomicUsize = AtomicUsize::new(0);
        let dir = std::env::temp_dir().join(format!("bellbuoy-source-{}-{}", std::process::id(), NEXT.fetch_add(1, Ordering::Relaxed)));
        std::fs::create_dir_all(&dir).expect("temporary folder");
        Dir(dir)
    }

    fn put(&self, name: &str, content: impl AsRef<[u8]>) {
        std::fs::write(self.0.join(name), content).expect("temporary file");
    }

    /// What is on disk counts as a minute old.
    fn now(&self) -> Timestamp {
        let now = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).expect("after 1970");
        Timestamp(now.as_millis() as i64 + 60_000)
    }
}

/// What arrived, one line a part, and the mark that was kept last.
#[derive(Default)]
struct Service {
    parts: Vec<String>,
    mark: Option<Value>,
    fails: bool,
}

fn shown(gives: Gives, part: &Part) -> String {
    let text = match part {
        Part::Csv(bytes) | Part::JsonLines(bytes) => String::from_utf8_lossy(bytes).trim_end().replace('\n', " / "),
        Part::Table { columns, rows } => {
            let cell = |values: &Values| match values {
                Values::Categories(texts) => texts.iter().map(|text| text.unwrap_or("-").to_owned()).collect::<Vec<_>>().join(","),
                other => format!("{other:?}"),
            };
            let columns: Vec<String> = columns.iter().map(|column| format!("{}={}", column.name, cell(&column.values))).collect();
            format!("{rows} rows: {}", columns.join(" "))
        }
    };
    format!("{gives:?}: {text}")
}

fn look(folder: &mut Folder, service: &mut Service, now: Timestamp) -> Result<(), String> {
    let Service { parts, mark, fails } = service;
    let fails = *fails;
    let mut take = |gives, part: Part| {
        if fails {
            return Err(Stop::NotTaken("the disk is full".into()));
        }
        parts.push(shown(gives, &part));
        Ok(TakenRows { new: 1, ..TakenRows::default() })
    };
    let mut keep = |kept: &Value| {
        *mark = Some(kept.clone());
        Ok(())
    };
    folder.look(&mut take, &mut keep, now)
}

fn folder(dir: &Dir, gives: Gives, columns: ColumnRoles, settings: &ModelSettings, kept: Option<Value>) -> Folder {
    let quiet = Millis::from_seconds(5);
    let from = SourceFrom::Folder { path: dir.0.clone(), format: None, quiet };
    let config = SourceConfig { gives, from, columns, role: None, poll: Millis::from_seconds(15) };
    let mapping = Mapping::new(&config, settings);
    Folder::new(dir.0.clone(), None, quiet, gives, mapping, kept)
}

fn settings() -> ModelSettings {
    ModelSettings { target: "y".into(), features: vec![Feature::new("temp")], ..ModelSettings::new("m") }
}

/// One file, and what arrives of it or why it is bad.
fn check(gives: Gives, name: &str, content: impl AsRef<[u8]>, expected: Expect) {
    let dir = Dir::new();
    dir.put(name, content);
    let columns = ColumnRoles { value: (gives == Gives::Predictions).then(|| "y".into()), ..ColumnRoles::default() };
    let columns = if gives == Gives::Predictions && !name.contains("both") { ColumnRoles::default() } else { columns };
    let mut folder = folder(&dir, gives, columns, &settings(), None);
    let mut service = Service::default();
    look(&mut folder, &mut service, dir.now()).expect("a look");
    let mut lines = service.parts;
    lines.extend(
        folder.known().1.into_iter().map(|(name, reason)| format!("bad {name}: {}", reason.replace(&format!("{}/", dir.0.display()), ""))),
    );
    expected.assert_eq(&lines.join("\n"));
}

#[test]
fn formats() {
    let csv = "id,ts,prediction,temp,y,other\n007,2024-05-01 10:00:00,1.5,0.5,3,x\n008,2024-05-01 11:00:00,2.5,,,x\n";
    check(
        Gives::Predictions,
        "a.csv",
        csv,
        expect!["Predictions: id,timestamp,prediction,temp / 007,2024-05-01 10:00:00,1.5,0.5 / 008,2024-05-01 11:00:00,2.5,"],
    );
    check(
        Gives::Predictions,
        "both.csv",
        csv,
        expect![[r#"
        Predictions: id,timestamp,prediction,temp / 007,2024-05-01 10:00:00,1.5,0.5 / 008,2024-05-01 11:00:00,2.5,
        Labels: id,value / 007,3"#]],
    );
    check(Gives::Labels, "a.csv", csv, expect!["Labels: id,value / 007,3"]);
    check(Gives::Labels, "a.csv", "\u{feff}id;y\n1;2,5\n", expect![[r#"Labels: id,value / 1,"2,5""#]]);
    let lines = "{\"id\": 7, \"prediction\": 1, \"features\": {\"temp\": 0.5}}\n\n{\"id\": \"8\", \"y_hat\": 2, \"temp\": 1, \"y\": 4}\n";
    check(
        Gives::Predictions,
        "a.jsonl",
        lines,
        expect![[r#"Predictions: {"id":7,"prediction":1,"features":{"temp":0.5}} / {"id":"8","prediction":2,"features":{"temp":1}}"#]],
    );
    check(
        Gives::Predictions,
        "both.jsonl",
        lines,
        expect![[r#"
            Predictions: {"id":7,"prediction":1,"features":{"temp":0.5}} / {"id":"8","prediction":2,"features":{"temp":1}}
            Labels: {"id":"8","value":4}"#]],
    );
    check(
        Gives::Labels,
        "a.ndjson",
        "{\"id\": 7, \"y\": 1}\n{\"id\": 8, \"value\": 2}\n",
        expect![[r#"Labels: {"id":7,"value":1} / {"id":8,"value":2}"#]],
    );
    let packed = zstd::encode_all("id,y\n1,2\n".as_bytes(), 1).expect("packed");
    check(Gives::Labels, "a.csv.zst", packed, expect!["Labels: id,value / 1,2"]);
}

#[test]
fn bad_files() {
    check(Gives::Labels, "a.csv", "", expect!["bad a.csv: the file is empty"]);
    check(Gives::Labels, "a.csv", "id,y\n1,2\n1\n", expect!["bad a.csv: line 3 has 1 cells, the header has 2"]);
    check(Gives::Labels, "a.csv", "key,y\n1,2\n", expect![[r#"bad a.csv: there is no column "id"; its columns are key, y"#]]);
    check(
        Gives::Labels,
        "a.jsonl",
        "{\"id\": 1, \"y\": 2}\n{\"id\": 1,",
        expect!["bad a.jsonl: line 2, character 9: EOF while parsing a value"],
    );
    check(Gives::Labels, "a.jsonl", "[1]\n", expect!["bad a.jsonl: line 1 is no object"]);
    check(
        Gives::Labels,
        "a.parquet",
        "PAR1",
        expect![
            "bad a.parquet: a.parquet: the Parquet file is truncated: its last bytes are not PAR1; it was not written to its end, or not copied whole"
        ],
    );
    check(
        Gives::Predictions,
        "a.csv",
        "id,temp\n1,2\n",
        expect![[r#"bad a.csv: there is no column "prediction"; its columns are id, temp"#]],
    );
    // Neither hidden files, nor those on their way, nor other formats.
    check(Gives::Labels, ".a.csv", "id,y\n", expect![[""]]);
    check(Gives::Labels, "a.csv.tmp", "id,y\n", expect![[""]]);
    check(Gives::Labels, "README", "id,y\n", expect![[""]]);
}

#[test]
fn a_file_is_read_once_and_again_when_it_grew() {
    let dir = Dir::new();
    let make = |kept| folder(&dir, Gives::Labels, ColumnRoles::default(), &settings(), kept);
    let (mut source, mut service) = (make(None), Service::default());
    dir.put("a.csv", "id,y\n1,2\n");
    look(&mut source, &mut service, dir.now()).expect("a look");
    look(&mut source, &mut service, dir.now()).expect("a look");
    assert_eq!(service.parts, ["Labels: id,value / 1,2"]);
    // After a restart too.
    let mut source = make(service.mark.clone());
    look(&mut source, &mut service, dir.now()).expect("a look");
    assert_eq!(service.parts.len(), 1);
    dir.put("a.csv", "id,y\n1,2\n3,4\n");
    look(&mut source, &mut service, dir.now()).expect("a look");
    assert_eq!(service.parts[1..], ["Labels: id,value / 1,2 / 3,4"]);
    // A bad one is not tried again before it changed.
    dir.put("b.csv", "id,y\n1\n");
    look(&mut source, &mut service, dir.now()).expect("a look");
    assert_eq!((source.known().0, source.known().1.len(), service.parts.len()), (1, 1, 2));
    dir.put("b.csv", "id,y\n1,5\n");
    look(&mut source, &mut service, dir.now()).expect("a look");
    assert_eq!((source.known().0, source.known().1.len(), service.parts.len()), (2, 0, 3));
    // Other columns: the marks say nothing of them.
    let roles = ColumnRoles { value: Some("id".into()), ..ColumnRoles::default() };
    let mut other = folder(&dir, Gives::Labels, roles, &settings(), service.mark.clone());
    assert_eq!(other.known().0, 0);
    std::fs::remove_file(dir.0.join("a.csv")).expect("removed");
    look(&mut source, &mut service, dir.now()).expect("a look");
    assert_eq!(source.known().0, 1, "a file that is gone is forgotten");
    std::fs::remove_dir_all(&dir.0).expect("removed");
    assert!(look(&mut other, &mut service, dir.now()).expect_err("no folder").contains("No such file"));
}

#[test]
fn a_file_that_still_changes_is_left_until_it_is_quiet() {
    let dir = Dir::new();
    let (mut source, mut service) = (folder(&dir, Gives::Labels, ColumnRoles::default(), &settings(), None), Service::default());
    let written = Timestamp(dir.now().0 - 60_000);
    dir.put("a.csv", "id,y\n1,2\n");
    look(&mut source, &mut service, written).expect("a look");
    assert_eq!(service.parts.len(), 0);
    // The clock of the file is an hour ahead: what is seen here counts.
    let file = std::fs::File::options().write(true).open(dir.0.join("a.csv")).expect("there");
    file.set_modified(std::time::SystemTime::now() + std::time::Duration::from_secs(3600)).expect("set");
    look(&mut source, &mut service, Timestamp(written.0 + 1000)).expect("a look");
    look(&mut source, &mut service, Timestamp(written.0 + 5000)).expect("a look");
    assert_eq!(service.parts.len(), 0);
    look(&mut source, &mut service, Timestamp(written.0 + 6000)).expect("a look");
    assert_eq!(service.parts.len(), 1);
}

#[test]
fn what_was_not_taken_is_tried_again() {
    let dir = Dir::new();
    let (mut source, mut service) = (folder(&dir, Gives::Labels, ColumnRoles::default(), &settings(), None), Service::default());
    dir.put("a.csv", "id,y\n1,2\n");
    service.fails = true;
    assert_eq!(look(&mut source, &mut service, dir.now()), Err("a.csv: the disk is full".into()));
    assert_eq!(source.known(), (0, Default::default()));
    service.fails = false;
    look(&mut source, &mut service, dir.now()).expect("a look");
    assert_eq!((source.known().0, service.parts.len()), (1, 1));
}

#[test]
fn a_large_file_comes_in_parts() {
    let dir = Dir::new();
    let (mut source, mut service) = (folder(&dir, Gives::Labels, ColumnRoles::default(), &settings(), None), Service::default());
    let rows: Vec<String> = (0..45_000).map(|row| format!("{row},1")).collect();
    dir.put("a.csv", format!("id,y\n{}\n", rows.join("\n")));
    look(&mut source, &mut service, dir.now()).expect("a look");
    let sizes: Vec<usize> = service.parts.iter().map(|part| part.split(" / ").count() - 1).collect();
    assert_eq!(sizes, [20_000, 20_000, 5_000]);
}

/// A file of any size needs the memory of one of its row groups.
#[test]
fn parquet_goes_on_by_row_group() {
    let dir = Dir::new();
    let file = concat!(env!("CARGO_MANIFEST_DIR"), "/../tables/tests/data/groups.parquet");
    dir.put("a.parquet", std::fs::read(file).expect("test data"));
    let columns = ColumnRoles {
        id: Some("t".into()),
        prediction: Some("x".into()),
        features: vec![("temp".into(), "i".into())],
        ..ColumnRoles::default()
    };
    let mut folder = folder(&dir, Gives::Predictions, columns, &settings(), None);
    let mut service = Service::default();
    look(&mut folder, &mut service, dir.now()).expect("a look");
    let rows: Vec<&str> = service.parts.iter().filter_map(|part| part.split_once(':')?.1.split_once(':')).map(|(rows, _)| rows).collect();
    assert_eq!(rows, [" 25 rows", " 25 rows", " 25 rows", " 25 rows", " 20 rows"]);
    let last = &service.parts[4];
    assert!(last.contains("temp=") && last.contains("prediction=Numbers([12.5, ") && last.contains("id=word 15,"), "{last}");
}
