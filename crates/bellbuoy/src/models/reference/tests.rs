//! bellbuoy.yml against real references: each case is a folder of its own, read as at a start.

use std::path::PathBuf;
use std::sync::atomic::{AtomicUsize, Ordering};

use bellbuoy_drift::{Options, TableProfile, Values};
use bellbuoy_models::{Answer, ModelKind, Reference, Truth};
use bellbuoy_vocabulary::Severity;
use expect_test::{Expect, expect};

use super::References;
use crate::config::{self, ModelConfig, Sources};

struct Folder(PathBuf);

impl Drop for Folder {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.0);
    }
}

impl Folder {
    fn with(files: &[(&str, &str)]) -> Folder {
        static NEXT: AtomicUsize = AtomicUsize::new(0);
        let folder =
            std::env::temp_dir().join(format!("bellbuoy-reference-{}-{}", std::process::id(), NEXT.fetch_add(1, Ordering::Relaxed)));
        for (name, text) in files {
            let path = folder.join(name);
            std::fs::create_dir_all(path.parent().expect("below the folder")).expect("temporary folder");
            std::fs::write(path, text).expect("temporary file");
        }
        Folder(folder)
    }

    fn models(&self) -> Vec<ModelConfig> {
        let loaded = config::load(&Sources { dir_or_file: &self.0, env: &|_| None, check_template: &|_| Ok(()), look_only: false });
        let lines: Vec<String> = loaded.problems.iter().map(ToString::to_string).collect();
        loaded.settings.unwrap_or_else(|| panic!("{lines:?}")).models
    }

    /// Problems a line each, and whether one of them is an error.
    fn settle(&self, references: &References, models: &mut [ModelConfig]) -> (String, bool) {
        let problems = references.settle(models);
        let failed = problems.iter().any(|problem| problem.severity == Severity::Error);
        let lines: Vec<String> = problems.iter().map(ToString::to_string).collect();
        (lines.join("\n").replace(&format!("{}/", self.0.display()), ""), failed)
    }
}

const CSV: &str =
    "ts,temp,weather,hr,y\n2024-05-01 00:00:00,1.5,clear,0,10\n2024-05-01 01:00:00,2.5,rain,1,20\n2024-05-01 02:00:00,,clear,2,30\n";
const CLASSES: &str = "id,temp,prediction,probability,label\n1,0.5,yes,0.9,yes\n2,0.7,no,0.2,no\n3,0.1,no,0.4,yes\n";

fn yml(lines: &str) -> String {
    format!("models:\n- name: m\n  rows_min: 2\n  {}\n", lines.replace('\n', "\n  "))
}

fn check(lines: &str, expected: Expect) {
    let folder = Folder::with(&[
        ("bellbuoy.yml", &yml(lines)),
        ("reference.csv", CSV),
        ("classes.csv", CLASSES),
        ("empty.csv", "a,b\n"),
        ("one.csv", "a,b\n1,2\n"),
        ("broken.csv", "a,b\n1,2\n3\n"),
        ("broken.json", "{\"format\": 1, \"rows\": }"),
        ("old.json", "{\"format\": 0, \"rows\": 1, \"columns\": []}"),
    ]);
    expected.assert_eq(&folder.settle(&References::default(), &mut folder.models()).0);
}

#[test]
fn what_the_reference_does_not_have() {
    check(
        "reference: reference.csv\nfeatures: [tmep, hr, nothing]",
        expect![[r#"
            bellbuoy.yml:5:14: the reference has no column "tmep"; did you mean "temp"?
            bellbuoy.yml:5:24: the reference has no column "nothing"; there is ts, temp, weather, hr, y"#]],
    );
    check(
        "reference: reference.csv\ntarget: yy",
        expect![[
            r#"bellbuoy.yml:5:11: the reference has no column "yy": nothing can be estimated before true values come; did you mean "y"?"#
        ]],
    );
    check(
        "reference: reference.csv\ntarget: bikers",
        expect![[r#"bellbuoy.yml:5:11: warning: the reference has no column "bikers": nothing can be estimated before true values come"#]],
    );
    check(
        "reference: {file: reference.csv, columns: {time: tss, prediction: y_hat, features: {humidity: hum}}}\nfeatures: [temp, humidity]",
        expect![[r#"
            bellbuoy.yml:4:52: the reference has no column "tss"; did you mean "ts"?
            bellbuoy.yml:4:69: the reference has no column "y_hat"; there is ts, temp, weather, hr, y
            bellbuoy.yml:4:97: the reference has no column "hum"; there is ts, temp, weather, hr, y"#]],
    );
    check(
        "reference: reference.csv\nfeatures: [temp, weather]\nsegments: [wether, city]\ndrift: {tests: {tmp: ks, weather: ks}, time_columns: [day]}\ndetectors: [{feature: hr, kind: adwin}, {feature: weather, kind: adwin}]",
        expect![[r#"
            bellbuoy.yml:6:14: segment "wether" is neither a feature nor a column of the reference; did you mean "weather"?
            bellbuoy.yml:6:22: warning: segment "city" is neither a feature nor a column of the reference; predictions must bring it among their features
            bellbuoy.yml:7:19: a test of "tmp", which is no feature; did you mean "temp"?
            bellbuoy.yml:7:28: the test ks needs numbers, but the column "weather" of the reference holds texts ("clear"); chi2_contingency, psi and jensenshannon take texts
            bellbuoy.yml:7:57: warning: time column "day" is neither a feature nor a column of the reference; there is temp, weather, ts, hr, y
            bellbuoy.yml:8:25: a detector on "hr", which is no feature; there is temp, weather
            bellbuoy.yml:8:53: a detector takes numbers, but the column "weather" of the reference holds texts ("clear")"#]],
    );
}

#[test]
fn what_does_not_fit() {
    check(
        "reference: reference.csv\nfeatures: [ts, {name: weather, kind: numeric}]",
        expect![[r#"
        bellbuoy.yml:5:25: feature "weather" is said to be numeric, but its column in the reference holds texts ("clear"); write `kind: categorical`, or mend the column"#]],
    );
    check("reference: reference.csv\nfeatures: [ts, temp]\ndrift: {time_columns: [ts]}", expect![[""]]);
    check(
        "reference: reference.csv\ntarget: weather",
        expect![[r#"bellbuoy.yml:5:11: the true value must be a number, but column "weather" of the reference holds texts ("clear")"#]],
    );
    check(
        "reference: {file: reference.csv, columns: {prediction: weather}}",
        expect![[r#"bellbuoy.yml:4:58: the prediction must be a number, but column "weather" of the reference holds texts ("clear")"#]],
    );
    check(
        "reference: classes.csv\ndrift: {season: {hour: true}}",
        expect![
            "bellbuoy.yml:4:14: the season needs the times of the reference, and no column of it is called like one; write `reference: {file: ..., columns: {time: COLUMN}}`"
        ],
    );
    check(
        "reference: one.csv",
        expect![
            "bellbuoy.yml:4:14: warning: the reference has 1 rows, rows_min is 2: drift would always be unknown; lower rows_min, or give it more rows"
        ],
    );
}

#[test]
fn classes() {
    let model = "kind: classification\ntarget: label\nreference: classes.csv\n";
    check(model, expect![[""]]);
    check(
        &format!("{model}classes: [no, maybe]"),
        expect![[r#"
        bellbuoy.yml:7:13: the reference has the class "yes", which is not among the classes; there is no, maybe
        bellbuoy.yml:7:17: warning: class "maybe" does not occur in the reference; there is no, yes"#]],
    );
    check(
        &format!("{model}positive: jes"),
        expect![[r#"bellbuoy.yml:7:13: positive "jes" is not among the classes of the reference; did you mean "yes"?"#]],
    );
    check(
        "kind: classification\ntarget: y_true\nreference: classes.csv",
        expect![[r#"
        bellbuoy.yml:5:11: the classes are not known: the reference has no column "y_true" with a few different values; add `classes: [...]`
        bellbuoy.yml:5:11: warning: the reference has no column "y_true": nothing can be estimated before true values come"#]],
    );
    check(
        "kind: classification\nreference: {first: 7d}",
        expect!["bellbuoy.yml:5:14: the classes are not known before the reference is there; add `classes: [...]`"],
    );
    check(
        "kind: classification\ntarget: label\nclasses: [no, yes]\nreference: {file: classes.csv, columns: {probabilities: {no: id, yes: probability}}}",
        expect![[r#"bellbuoy.yml:7:64: column "id" of the reference goes from 1 to 3, a probability from 0 to 1"#]],
    );
}

#[test]
fn what_can_not_be_read() {
    check("reference: empty.csv", expect!["bellbuoy.yml:4:14: the reference has no rows; give it the rows that the model was trained on"]);
    check("reference: broken.csv", expect!["bellbuoy.yml:4:14: broken.csv:3: 1 cell where the header has 2"]);
    check(
        "reference: broken.json",
        expect!["bellbuoy.yml:4:14: broken.json: no profile that can be read: expected value at line 1 column 23"],
    );
    check(
        "reference: old.json",
        expect!["bellbuoy.yml:4:14: old.json: the profile has format 0, this version reads format 1; make it again"],
    );
}

fn settled(lines: &str, files: &[(&str, &str)]) -> (ModelConfig, Reference) {
    let text = yml(lines);
    let mut all = vec![("bellbuoy.yml", text.as_str())];
    all.extend(files);
    let folder = Folder::with(&all);
    let (references, mut models) = (References::default(), folder.models());
    let (text, failed) = folder.settle(&references, &mut models);
    assert!(!failed, "{text}");
    let reference = references.take(&models[0]).expect("settled");
    (models.remove(0), reference)
}

fn names(model: &ModelConfig) -> Vec<&str> {
    model.settings.features.iter().map(|feature| feature.name.as_str()).collect()
}

#[test]
fn columns_find_their_roles_and_the_rest_are_features() {
    let (model, reference) = settled("reference: reference.csv\ntarget: y", &[("reference.csv", CSV)]);
    assert_eq!(names(&model), ["temp", "weather", "hr"]);
    let Reference::Rows(rows) = reference else { panic!("rows expected") };
    assert_eq!(rows.columns.iter().map(|column| column.name.as_str()).collect::<Vec<_>>(), ["temp", "weather", "hr"]);
    assert_eq!(rows.at.map(|at| at.iter().map(|at| at.rfc3339()).collect::<Vec<_>>()).expect("times")[1], "2024-05-01T01:00:00Z");
    assert_eq!((rows.answers, rows.truths.map(|truths| truths[2].clone())), (None, Some(Truth::Number(30.0))));
}

#[test]
fn renamed_columns_and_segments() {
    let lines = "reference: {file: reference.csv, columns: {features: {temperature: temp}, prediction: hr}}\nfeatures: [temperature]\nsegments: [weather]\ntarget: y";
    let (_, reference) = settled(lines, &[("reference.csv", CSV)]);
    let Reference::Rows(rows) = reference else { panic!("rows expected") };
    assert_eq!(rows.columns.iter().map(|column| column.name.as_str()).collect::<Vec<_>>(), ["temperature", "weather"]);
    assert_eq!(rows.answers, Some(vec![Answer::Number(0.0), Answer::Number(1.0), Answer::Number(2.0)]));
}

#[test]
fn a_classification_takes_its_classes_from_the_true_values() {
    let (model, reference) =
        settled("kind: classification\npositive: no\ntarget: label\nreference: classes.csv", &[("classes.csv", CLASSES)]);
    assert_eq!(model.settings.kind, ModelKind::Classification { classes: vec!["no".into(), "yes".into()], positive: Some("no".into()) });
    assert_eq!(names(&model), ["temp"]);
    let Reference::Rows(rows) = reference else { panic!("rows expected") };
    let answer = |class: &str, probabilities: [f64; 2]| Answer::Class { class: Some(class.into()), probabilities: probabilities.to_vec() };
    // `probability` is that of the positive class, which here is the first one.
    let answers = rows.answers.expect("answers");
    assert_eq!(answers[1], answer("no", [0.2, 1.0 - 0.2]));
    assert_eq!(rows.truths.map(|truths| truths[2].clone()), Some(Truth::Class("yes".into())));
}

#[test]
fn a_profile_and_the_first_predictions() {
    let columns = [
        bellbuoy_drift::Column::new("temp", Values::Numbers(vec![1.0, 2.5, 3.0])),
        bellbuoy_drift::Column::new("y", Values::Integers(vec![1, 2, 3])),
    ];
    let profile = TableProfile::new(&columns, &Options::default());
    let text = serde_json::to_string_pretty(&profile).expect("JSON");
    let (model, reference) = settled("reference: p.json\ntarget: y", &[("p.json", &text)]);
    assert_eq!((names(&model), reference), (vec!["temp"], Reference::Profile(profile)));
    let (model, reference) = settled("reference: {first: 7d, first_rows: 1000}\ntarget: y", &[]);
    assert_eq!(names(&model), [""; 0]);
    assert_eq!(reference, Reference::First { span: Some(bellbuoy_vocabulary::Millis(7 * 86_400_000)), rows: Some(1000) });
}

#[test]
fn a_reference_is_read_again_only_when_it_changed() {
    let folder = Folder::with(&[("bellbuoy.yml", &yml("reference: reference.csv\ntarget: y")), ("reference.csv", CSV)]);
    let (references, mut models) = (References::default(), folder.models());
    folder.settle(&references, &mut models);
    let first = models[0].clone();
    let held = || references.held(&first).expect("read");
    let before = held();
    assert!(references.take(&first).is_ok());
    assert!(before.content.lock().expect("lock").is_none(), "what was taken is not kept");
    let mut models = folder.models();
    folder.settle(&references, &mut models);
    assert!(std::sync::Arc::ptr_eq(&before, &held()), "unchanged: not read again");
    assert_eq!(models[0], first);
    // The one who needs it all the same reads it again.
    assert!(matches!(references.take(&first), Ok(Reference::Rows(_))));
    std::fs::write(folder.0.join("reference.csv"), CSV.replace("temp", "temperature")).expect("write");
    let mut models = folder.models();
    folder.settle(&references, &mut models);
    assert_eq!(names(&models[0]), ["temperature", "weather", "hr"]);
    assert_ne!(models[0], first);
    references.release();
    assert!(references.held(&models[0]).expect("read").content.lock().expect("lock").is_none());
}

/// Where the features are named the other columns stay on disk; a name that is nearly theirs is understood all the same.
#[test]
fn only_needed_columns_are_read() {
    use bellbuoy_tables::{Cells, Field, write_parquet};

    let numbers = || Cells::Numbers(vec![Some(1.0), Some(2.0), Some(3.0)]);
    let fields = ["id", "ts", "temp", "weather", "y"].map(|name| match name {
        "ts" => Field::new(name, Cells::Times(vec![Some(1_714_521_600_000), Some(1_714_525_200_000), Some(1_714_528_800_000)])),
        _ => Field::new(name, numbers()),
    });
    let parquet = write_parquet("r.parquet", Vec::new(), &fields, &[]).expect("written");
    let read = |lines: &str| {
        let folder = Folder::with(&[("bellbuoy.yml", &yml(lines))]);
        std::fs::write(folder.0.join("r.parquet"), &parquet).expect("temporary file");
        let (references, mut models) = (References::default(), folder.models());
        let said = folder.settle(&references, &mut models).0;
        let held = references.held(&models[0]).expect("read");
        let Some(super::Content::Table(columns)) = held.content.lock().expect("lock").clone() else { panic!("rows expected") };
        let names: Vec<String> = columns.into_iter().map(|column| column.name).collect();
        if said.is_empty() {
            assert!(matches!(references.take(&models[0]), Ok(Reference::Rows(rows)) if rows.at.is_some() && rows.truths.is_some()));
        }
        (names.join(" "), said)
    };
    assert_eq!(read("reference: r.parquet\ntarget: y"), ("id ts temp weather y".into(), String::new()));
    assert_eq!(read("reference: r.parquet\ntarget: y\nfeatures: [temp]"), ("ts temp y".into(), String::new()));
    assert_eq!(read("reference: r.parquet\ntarget: y\nfeatures: [temp]\nsegments: [weather]"), ("ts temp weather y".into(), String::new()));
    let (_, said) = read("reference: {file: r.parquet, columns: {id: id}}\ntarget: y\nfeatures: [wether]");
    assert_eq!(said, "bellbuoy.yml:6:14: the reference has no column \"wether\"; did you mean \"weather\"?");
}
