//! `bellbuoy drift`, `evaluate` and `profile`: what they print, when they fail, what they say of bad files.

use std::fmt::Write as _;
use std::process::Output;

use serde_json::Value;

use super::harness::{Folder, Program, bellbuoy};

fn run(folder: &Folder, arguments: &[&str]) -> Output {
    bellbuoy().current_dir(folder.config()).args(arguments).output().expect("the program starts")
}

/// Standard output and exit status.
fn answer(folder: &Folder, arguments: &[&str]) -> (String, Option<i32>) {
    let output = run(folder, arguments);
    (String::from_utf8_lossy(&output.stdout).into_owned(), output.status.code())
}

fn json(folder: &Folder, arguments: &[&str]) -> (Value, Option<i32>) {
    let (text, code) = answer(folder, arguments);
    (serde_json::from_str(&text).unwrap_or_else(|error| panic!("{error}: {text}")), code)
}

/// It cannot do it (exit status 2) and says all of `words` on standard error.
fn refused(folder: &Folder, arguments: &[&str], words: &[&str]) {
    let output = run(folder, arguments);
    let said = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(2), "{arguments:?}: {said}");
    for word in words {
        assert!(said.contains(word), "{arguments:?}: {word:?} is not in {said:?}");
    }
    assert!(!said.contains("panicked"), "{said}");
}

fn drift<'a>(reference: &'a str, current: &'a str, more: &[&'a str]) -> Vec<&'a str> {
    [&["drift", "--reference", reference, "--current", current], more].concat()
}

/// Numbers and a category; `shift` moves the numbers.
fn table(rows: u32, shift: f64) -> String {
    let mut text = String::from("x,flag,weather\n");
    for row in 0..rows {
        let _ = writeln!(
            text,
            "{:.3},{},{}",
            f64::from(row * 7919 % 1009) * 0.01 + shift,
            row % 2,
            ["sun", "rain", "\"snow, ice\""][row as usize % 3]
        );
    }
    text
}

#[test]
fn the_same_report_as_screen_page_and_data() {
    let folder = Folder::new(&[("r.csv", &table(900, 0.0)), ("c.csv", &table(900, 3.0))]);
    let (text, code) = answer(&folder, &drift("r.csv", "c.csv", &["--share", "0.3"]));
    assert_eq!(code, Some(1), "one of three columns is enough");
    assert!(text.contains("1 of 3 columns drifted (33 %)") && !text.contains('\u{1b}'), "{text}");
    assert_eq!(answer(&folder, &drift("r.csv", "c.csv", &["--format", "text"])).0.lines().count(), text.lines().count(), "an alias");

    let (page, code) = answer(&folder, &drift("r.csv", "c.csv", &["--format", "html", "--title", "<bikes>"]));
    assert_eq!(code, Some(0), "a third is less than the half");
    assert!(page.starts_with("<!DOCTYPE html>") && page.contains("<h1><bdi>&lt;bikes&gt;</bdi></h1>") && !page.contains("<script"));
    assert!(page.matches("<svg class=\"hist\"").count() == 1 && page.matches("<svg class=\"bars\"").count() == 2, "{page}");

    let (printed, _) = answer(&folder, &drift("r.csv", "c.csv", &["--output", "out.html"]));
    let written = std::fs::read_to_string(folder.config().join("out.html")).expect("written");
    assert!(
        printed.is_empty() && written.contains("<title>c.csv against r.csv</title>"),
        "the name of the file says what it is: {printed}"
    );

    let (report, _) = json(&folder, &drift("r.csv", "c.csv", &["--format", "json"]));
    assert_eq!(report["columns"]["x"]["drifted"], true);
    assert_eq!(report.get("quality"), None);
    let (report, _) = json(&folder, &drift("r.csv", "c.csv", &["--format", "json", "--quality", "--columns", "x"]));
    assert_eq!(report["quality"][0]["defect"], "out_of_range", "{report}");
}

#[test]
fn profiles_stand_for_their_rows() {
    let mut halves = table(800, 0.0);
    let split = halves.match_indices('\n').nth(400).map(|(at, _)| at + 1).expect("rows");
    let second = format!("x,flag,weather\n{}", &halves[split..]);
    halves.truncate(split);
    let folder = Folder::new(&[("a.csv", &halves), ("b.csv", &second), ("all.csv", &table(800, 0.0)), ("c.csv", &table(700, 1.0))]);
    let (said, code) = answer(&folder, &["profile", "a.csv", "b.csv", "--output", "r.json"]);
    assert_eq!((said.as_str(), code), ("r.json: 800 rows, 3 columns of 2 files\n", Some(0)));
    assert_eq!(answer(&folder, &["profile", "c.csv", "--output", "c.json"]).1, Some(0));
    let of = |reference: &str, current: &str| json(&folder, &drift(reference, current, &["--preset", "default", "--format", "json"]));
    // Few rows are kept exactly, so all four ways give the same numbers.
    let rows = of("all.csv", "c.csv");
    assert_eq!(rows.0["columns"]["x"]["drifted"], true, "{}", rows.0);
    for (reference, current) in [("r.json", "c.csv"), ("all.csv", "c.json"), ("r.json", "c.json")] {
        assert_eq!(of(reference, current), rows, "{reference} {current}");
    }
    let (page, _) = answer(&folder, &drift("r.json", "c.json", &["--format", "html"]));
    assert!(page.contains("<svg class=\"hist\""), "pictures need no rows");
    let damaged =
        std::fs::read_to_string(folder.config().join("r.json")).expect("a profile").replacen("\"rows\":800", "\"rows\":7,\"rows\":800", 1);
    folder.write("damaged.json", &damaged);
    refused(&folder, &drift("damaged.json", "c.csv", &[]), &["damaged.json", "rows"]);
    folder.write("cut.json", &damaged[..damaged.len() / 2]);
    refused(&folder, &drift("cut.json", "c.csv", &[]), &["cut.json", "cannot be read"]);
    folder.write("next.json", &damaged.replacen("\"format\":1", "\"format\":99", 1).replacen("\"rows\":7,", "", 1));
    refused(&folder, &drift("next.json", "c.csv", &[]), &["next.json", "format 99"]);
    refused(&folder, &["profile", "a.csv", "--columns", "y"], &["a.csv", "no column \"y\""]);
}

/// Each is its column's row, and never the end of the report; where nothing is left, the command says that it does not know.
#[test]
fn odd_columns_are_told_and_the_others_judged() {
    type Cell = fn(usize, bool) -> String;
    let columns: [(&str, Cell); 11] = [
        ("good", |row, _| format!("{}", row * 7919 % 1009)),
        ("nan", |_, _| "NaN".into()),
        ("half_nan", |row, now| if now && row.is_multiple_of(2) { String::new() } else { format!("{}.5", row % 97) }),
        ("infinite", |row, now| if now && row == 5 { "inf".into() } else { format!("{}.25", row % 89) }),
        ("constant", |_, _| "3.5".into()),
        ("became_text", |row, now| if now { format!("t{}", row % 5) } else { format!("{row}") }),
        ("big", |row, now| format!("{}", 1_000_000_000u64 + (row as u64 * 7919 % 1009) * if now { 2 } else { 1 })),
        ("date", |row, _| format!("2024-01-{:02}", row % 28 + 1)),
        ("unicode", |row, _| ["été", "日本", "🚲"][row % 3].into()),
        ("many", |row, _| format!("id-{row}")),
        ("quoted", |row, _| format!("\"a, \"\"b\"\" {}\"", row % 3)),
    ];
    let text = |now: bool, names: &dyn Fn(&str) -> bool| {
        let chosen: Vec<_> = columns.iter().filter(|(name, _)| names(name)).collect();
        let mut out = chosen.iter().map(|(name, _)| *name).collect::<Vec<_>>().join(",") + "\n";
        for row in 0..400 {
            out += &(chosen.iter().map(|(_, of)| of(row, now)).collect::<Vec<_>>().join(",") + "\n");
        }
        out
    };
    let folder = Folder::new(&[
        ("r.csv", &text(false, &|_| true)),
        ("c.csv", &text(true, &|name| name != "quoted")),
        ("nan.csv", &text(true, &|name| name == "nan")),
    ]);
    for preset in ["evidently", "default"] {
        let (report, code) = json(&folder, &drift("r.csv", "c.csv", &["--preset", preset, "--format", "json", "--quality"]));
        assert_eq!(code, Some(0), "{report}");
        let error = |name: &str| report["columns"][name]["error"].as_str().unwrap_or_default().to_owned();
        // Evidently takes the type from the new data, so a number that became a text is a category there.
        let became_text = if preset == "default" { [("became_text", "has texts in it")].as_slice() } else { &[] };
        for (name, words) in [("nan", "empty"), ("quoted", "gone"), ("many", "free text")].iter().chain(became_text) {
            assert!(error(name).contains(*words), "{preset} {name}: {}", error(name));
            assert_eq!(report["columns"][*name]["score"], Value::Null, "no number that looks like a verdict");
        }
        assert_eq!(report["columns"]["good"]["drifted"], false);
        assert_eq!(report["columns"]["big"]["drifted"], true, "ten digits are a number like any other");
        let found: Vec<String> =
            report["quality"].as_array().expect("findings").iter().map(|one| format!("{} {}", one["defect"], one["column"])).collect();
        for finding in ["missing", "infinite", "type_change", "lost_column"] {
            assert!(found.iter().any(|one| one.contains(finding)), "{finding} is not in {found:?}");
        }
    }
    for format in ["table", "html"] {
        let (text, code) = answer(&folder, &drift("r.csv", "c.csv", &["--format", format, "--preset", "default"]));
        assert!(code == Some(0) && text.contains("the column is gone"), "{text}");
        assert!(format == "table" || text.contains("日本"), "{text}");
    }
    refused(&folder, &drift("r.csv", "nan.csv", &["--columns", "nan"]), &["unknown: no column could be judged", "nan"]);
    refused(&folder, &drift("r.csv", "c.csv", &["--columns", "nope"]), &["nope", "no such column"]);
    refused(&folder, &drift("r.csv", "c.csv", &["--test", "nope"]), &["there is no test \"nope\"", "wasserstein"]);
    refused(&folder, &drift("r.csv", "c.csv", &["--share", "7"]), &["--share 7"]);
}

#[test]
fn files_that_cannot_be_read_are_named() {
    let folder =
        Folder::new(&[("r.csv", &table(60, 0.0)), ("empty.csv", ""), ("head.csv", "x,flag,weather\n"), ("short.csv", "x,flag\n1,2\n3\n")]);
    refused(&folder, &drift("r.csv", "nowhere.csv", &[]), &["nowhere.csv"]);
    refused(&folder, &drift("r.csv", "empty.csv", &[]), &["empty.csv"]);
    refused(&folder, &drift("r.csv", "head.csv", &[]), &["head.csv", "no row, only a header"]);
    refused(&folder, &drift("r.csv", "short.csv", &[]), &["short.csv:3"]);
    folder.write("quotes.csv", "x,flag,weather\n1,2,\"sun\n3,4,rain\n");
    refused(&folder, &drift("r.csv", "quotes.csv", &[]), &["quotes.csv:2", "quote"]);
    folder.write("cut.parquet", "PAR1 and nothing else");
    refused(&folder, &drift("r.csv", "cut.parquet", &[]), &["cut.parquet"]);
    folder.write("rows.jsonl", "{\"x\": 1}\n{\"x\": }\n");
    refused(&folder, &drift("r.csv", "rows.jsonl", &[]), &["rows.jsonl:2"]);
    refused(&folder, &drift("r.csv", "r.csv", &["--separator", "ab"]), &["--separator \"ab\""]);
}

#[test]
fn other_separators_encodings_and_kinds_of_files() {
    let semicolons = table(300, 0.0).replace("\"snow, ice\"", "schön").replace(',', ";");
    let latin: Vec<u8> = semicolons.chars().map(|character| character as u8).collect();
    let folder = Folder::new(&[("r.csv", &table(300, 0.0).replace("\"snow, ice\"", "schön")), ("semicolons.csv", &semicolons)]);
    std::fs::write(folder.config().join("latin.csv"), latin).expect("written");
    let mut lines = String::new();
    for row in table(300, 0.0).replace("\"snow, ice\"", "schön").lines().skip(1) {
        let cells: Vec<&str> = row.split(',').collect();
        let _ = writeln!(lines, "{{\"x\": {}, \"flag\": {}, \"weather\": \"{}\"}}", cells[0], cells[1], cells[2]);
    }
    folder.write("rows.jsonl", &lines);
    let says: [&[&str]; 2] = [&[], &["--encoding", "windows-1252", "--separator", ";"]];
    for (current, more) in [("semicolons.csv", says[0]), ("latin.csv", says[0]), ("latin.csv", says[1]), ("rows.jsonl", says[0])] {
        // What is said holds for both files, so both are the same then.
        let reference = if more.is_empty() { "r.csv" } else { current };
        let (report, code) = json(&folder, &[&drift(reference, current, &["--format", "json"])[..], more].concat());
        assert_eq!((code, report["judged_columns"].as_u64()), (Some(0), Some(3)), "{current}: {report}");
        assert_eq!(report["drifted_columns"], 0, "{current}: {report}");
    }
}

#[test]
fn a_hundred_thousand_categories() {
    let text = |common: &str| {
        (0..200_000).fold(String::from("c\n"), |text, row| text + &if row % 2 == 0 { common.to_owned() } else { format!("k{row}") } + "\n")
    };
    let folder = Folder::new(&[("r.csv", &text("common")), ("same.csv", &text("common")), ("c.csv", &text("other"))]);
    for (current, drifted) in [("same.csv", false), ("c.csv", true)] {
        let (report, code) = json(&folder, &drift("r.csv", current, &["--preset", "default", "--categorical", "c", "--format", "json"]));
        assert_eq!((code, &report["columns"]["c"]["drifted"]), (Some(i32::from(drifted)), &Value::Bool(drifted)), "{report}");
    }
    let (page, _) = answer(&folder, &drift("r.csv", "c.csv", &["--categorical", "c", "--format", "html"]));
    assert!(page.len() < 100_000 && page.contains("others"), "{} bytes", page.len());
}

#[test]
fn regression_by_id_by_segment_and_against_a_line() {
    let mut predictions = String::from("id,p,city\n");
    let mut labels = String::from("id,t\n");
    for row in 0..120 {
        let _ = writeln!(predictions, "r{row},{},{}", row % 17, ["Bern", "Ulm"][usize::from(row % 4 == 0)]);
        if row < 100 {
            let _ = writeln!(labels, "r{row},{}", f64::from(row % 17) + if row % 4 == 0 { 2.0 } else { 0.5 });
        }
    }
    // A later line corrects the first.
    labels.push_str("r1,1.5\nr1,1.25\nr1,1.5\n");
    let folder = Folder::new(&[("p.csv", &predictions), ("l.csv", &labels), ("one.csv", "p,t\n1,5\n2,5\n3,5\n"), ("none.csv", "p,t\n")]);
    let joined = ["evaluate", "--predictions", "p.csv", "--labels", "l.csv", "--id", "id", "--prediction", "p", "--target", "t"];
    let with = |more: &[&'static str]| [&joined[..], more].concat();
    let (found, code) = json(&folder, &with(&["--segments", "city", "--format", "json"]));
    assert_eq!((code, found["rows"].as_u64()), (Some(0), Some(100)), "{found}");
    assert!((found["mae"].as_f64().expect("a number") - 0.875).abs() < 1e-12, "{found}");
    assert!(found["r2"].is_f64() && found["rmse"].is_f64());
    let segments: Vec<(&str, f64)> = found["segments"][0]["segments"]
        .as_array()
        .expect("segments")
        .iter()
        .map(|one| (one["segment"].as_str().expect("a name"), one["figures"][2]["value"].as_f64().expect("MAE")))
        .collect();
    assert_eq!(segments, [("Bern", 0.5), ("Ulm", 2.0)]);
    let interval = &found["figures"][2];
    assert!(interval["low"].as_f64() < Some(0.875) && interval["high"].as_f64() > Some(0.875), "{interval}");
    assert!(found["notes"].to_string().contains("20 predictions have no true value"), "{}", found["notes"]);

    assert_eq!(answer(&folder, &with(&["--fail-below", "r2=0.9", "--fail-above", "mae=0.9"])).1, Some(0));
    let (text, code) = answer(&folder, &with(&["--fail-above", "mae=0.5"]));
    assert!(code == Some(1) && text.contains("mae 0.875 is above 0.5"), "{text}");
    let (page, _) = answer(&folder, &with(&["--format", "html", "--segments", "city"]));
    assert!(page.contains("By <bdi>city</bdi>") && page.contains("Errors"), "{page}");

    // R2 of a constant target is unknown, and says so; it is no pass.
    let constant = ["evaluate", "--predictions", "one.csv", "--prediction", "p", "--target", "t"];
    let (found, code) = json(&folder, &[&constant[..], &["--format", "json"]].concat());
    assert_eq!((code, &found["r2"], found["mae"].as_f64()), (Some(0), &Value::Null, Some(3.0)));
    assert_eq!(found["figures"][0]["unknown"]["reason"], "constant_target");
    refused(&folder, &[&constant[..], &["--fail-below", "r2=0"]].concat(), &["r2 is unknown", "the same in all 3 rows"]);
    refused(&folder, &[&constant[..], &["--fail-below", "r3=0"]].concat(), &["no figure \"r3\"", "rmse"]);
    refused(&folder, &["evaluate", "--predictions", "none.csv", "--prediction", "p", "--target", "t"], &["unknown: there are no rows"]);
    refused(
        &folder,
        &["evaluate", "--predictions", "p.csv", "--prediction", "city", "--target", "p"],
        &["p.csv", "\"city\" holds texts", "\"Ulm\" in row 1"],
    );
    refused(&folder, &["evaluate", "--predictions", "p.csv", "--labels", "l.csv", "--prediction", "p", "--target", "t"], &["--id"]);
}

#[test]
fn classes_by_name_by_probability_and_one_alone() {
    let mut text = String::from("y,said,p_no,p_yes,p\n");
    for row in 0..200 {
        let probability = f64::from(row * 37 % 100) / 100.0;
        let yes = row * 37 % 100 >= 40;
        let _ = writeln!(
            text,
            "{},{},{:.2},{probability},{probability}",
            if yes { "yes" } else { "no" },
            if probability >= 0.5 { "yes" } else { "no" },
            1.0 - probability
        );
    }
    let folder =
        Folder::new(&[("c.csv", &text), ("one.csv", "y,said\nyes,yes\nyes,yes\n"), ("bad.csv", "y,p_no,p_yes\nyes,0.1,0.9\nno,0.7,0.1\n")]);
    let evaluate = |more: &[&'static str]| {
        [&["evaluate", "--kind", "classification", "--target", "y", "--format", "json", "--predictions"][..], more].concat()
    };
    let (by_name, code) = json(&folder, &evaluate(&["c.csv", "--prediction", "said", "--positive", "yes"]));
    assert_eq!((code, by_name["accuracy"].as_f64(), by_name["precision"].as_f64()), (Some(0), Some(0.9), Some(1.0)), "{by_name}");
    assert_eq!(by_name["roc_auc"], Value::Null, "without probabilities it is not known");
    let (by_columns, _) = json(&folder, &evaluate(&["c.csv", "--probabilities", "p_no,p_yes", "--positive", "yes"]));
    let (by_one, _) = json(&folder, &evaluate(&["c.csv", "--probability", "p", "--positive", "yes"]));
    for found in [&by_columns, &by_one] {
        assert_eq!((found["accuracy"].as_f64(), found["roc_auc"].as_f64()), (Some(0.9), Some(1.0)), "{found}");
        assert_eq!(found["classes"]["confusion"], serde_json::json!([[80, 0], [20, 100]]));
    }
    let (higher, _) = json(&folder, &evaluate(&["c.csv", "--probability", "p", "--positive", "yes", "--threshold", "0.4"]));
    assert_eq!(higher["accuracy"].as_f64(), Some(1.0));
    let (page, _) = answer(
        &folder,
        &[
            "evaluate",
            "--kind",
            "classification",
            "--target",
            "y",
            "--predictions",
            "c.csv",
            "--probability",
            "p",
            "--positive",
            "yes",
            "--format",
            "html",
        ],
    );
    assert!(page.contains("Confusion") && page.contains("Reliability"), "{page}");

    let (one, code) = json(&folder, &evaluate(&["one.csv", "--prediction", "said"]));
    assert_eq!((code, one["accuracy"].as_f64(), &one["balanced_accuracy"]), (Some(0), Some(1.0), &Value::Null), "one class: {one}");
    let (bad, code) = json(&folder, &evaluate(&["bad.csv", "--probabilities", "p_no,p_yes"]));
    assert_eq!((code, bad["rows"].as_u64(), bad["left_out"].as_u64()), (Some(0), Some(1), Some(1)), "{bad}");
    let said = String::from_utf8_lossy(&run(&folder, &evaluate(&["bad.csv", "--probabilities", "p_no,p_yes"])).stderr).into_owned();
    assert!(said.contains("bad.csv: row 2") && said.contains("add up to 0.7999"), "{said}");
    refused(&folder, &evaluate(&["c.csv", "--probabilities", "p,p_yes"]), &["not named after the classes", "--classes"]);
    refused(&folder, &evaluate(&["c.csv", "--probability", "p", "--positive", "maybe"]), &["\"maybe\""]);
    refused(&folder, &evaluate(&["c.csv"]), &["nothing is predicted"]);
}

#[test]
fn the_service_shows_what_it_knows_of_a_model() {
    let reference = (0..400).fold(String::from("x,kind,y\n"), |text, row| text + &format!("{},{},{row}\n", row % 97, ["a", "b"][row % 2]));
    let model = "models:\n- name: m\n  target: y\n  reference: reference.csv\n  features: [x, kind]\n  window_rows: 200\n  rows_min: 50\n  schedule: 1h\n  segments: [kind]\n";
    let folder = Folder::new(&[("bellbuoy.yml", model), ("reference.csv", &reference), ("prometheus.yml", "scrape_configs: []\n")]);
    let program = Program::up(&folder);
    let report = |query: &str| program.get(&format!("/api/v1/models/m/report{query}"));
    let rows: Vec<Value> = (0..400)
        .map(|row| {
            let at = format!("2026-01-{:02}T00:{:02}:00Z", row / 60 + 1, row % 60);
            let features = serde_json::json!({"x": row % 97 + 60, "kind": if row % 2 == 0 { "a" } else { "<b>" }});
            serde_json::json!({"id": format!("r{row}"), "timestamp": at, "prediction": row % 50 + row % 7, "features": features})
        })
        .collect();
    let labels: Vec<Value> = (0..400).map(|row| serde_json::json!({"id": format!("r{row}"), "value": row % 50})).collect();
    for (kind, rows) in [("predictions", rows), ("labels", labels)] {
        let (status, body) = program.post(&format!("/api/v1/models/m/{kind}"), &Value::Array(rows).to_string());
        assert_eq!(status, 200, "{body}");
    }
    assert_eq!(program.post("/api/v1/models/m/judge", "").0, 200);

    let (status, page) = report("");
    assert!(status == 200 && page.starts_with("<!DOCTYPE html>"), "{status} {page}");
    for words in ["<bdi>Model m</bdi>", "<svg class=\"hist\"", "<svg class=\"line\"", "By <bdi>kind</bdi>", "&lt;b&gt;", "Decision: "] {
        assert!(page.contains(words), "{words:?} is not in {page}");
    }
    assert!(!page.contains("<script") && !page.contains("<b>\""), "{page}");
    let (status, text) = report("?format=text");
    assert!(status == 200 && text.contains("Model m") && text.contains("DRIFT"), "{text}");
    let data = program.data("/api/v1/models/m/report?format=json");
    assert_eq!((data["drift"]["dataset_drift"].as_bool(), data["performance"][0]["rows"].as_u64()), (Some(true), Some(200)), "{data}");
    assert_eq!(data["performance"][0]["lines"][0]["points"].as_array().map(Vec::len), Some(2), "two windows of 200 rows: {data}");
    let drawn = |name: &str| {
        let features = data["drift"]["features"].as_array().cloned().unwrap_or_default();
        features.into_iter().find(|feature| feature["name"] == name).map(|feature| feature["distribution"].clone()).unwrap_or_default()
    };
    let sum = |side: &str| drawn("x")[side].as_array().map(|shares| shares.iter().filter_map(Value::as_f64).sum::<f64>());
    for side in ["reference", "current"] {
        let whole = sum(side).unwrap_or_default() + drawn("x")[format!("{side}_beyond")].as_f64().unwrap_or_default();
        assert!((whole - 1.0).abs() < 1e-6, "the bins of the {side} hold {whole} of its rows: {data}");
    }
    let names: Vec<Value> =
        drawn("kind")["bars"].as_array().map(|bars| bars.iter().map(|bar| bar["name"].clone()).collect()).unwrap_or_default();
    assert!(names.contains(&serde_json::json!("<b>")), "{names:?}");

    for (path, status, words) in [
        ("/api/v1/models/other/report", 404, "other"),
        ("/api/v1/models/m/report?format=pdf", 400, "html, text, json"),
        ("/api/v1/models/m/report?window=no", 404, "200 rows"),
    ] {
        let (found, said) = program.get(path);
        assert!(found == status && said.contains(words), "{path}: {found} {said}");
    }
}

/// Of a model of classes its page shows which it takes for which, and whether its probabilities mean what they say.
#[test]
fn the_service_shows_the_classes_of_a_model() {
    let reference = (0..100).fold(String::from("x,said,p,label\n"), |text, row| {
        let class = ["no", "yes"][row % 2];
        text + &format!("{row},{class},{},{class}\n", if row % 2 == 0 { 0.2 } else { 0.8 })
    });
    let model = "models:\n- name: m\n  kind: classification\n  classes: [no, yes]\n  target: label\n  reference: {file: reference.csv, columns: {prediction: said, probability: p}}\n  features: [x]\n  windows: [{rows: 100}]\n  rows_min: 10\n  schedule: 1h\n";
    let folder = Folder::new(&[("bellbuoy.yml", model), ("reference.csv", &reference), ("prometheus.yml", "scrape_configs: []\n")]);
    let program = Program::up(&folder);
    let report = || {
        assert_eq!(program.post("/api/v1/models/m/judge", "").0, 200);
        (program.data("/api/v1/models/m/report?format=json")["performance"][0]["classes"].clone(), program.get("/api/v1/models/m/report").1)
    };
    let rows: Vec<Value> = (0..100)
        .map(|row| serde_json::json!({"id": format!("r{row}"), "probability": if row < 40 { 0.9 } else { 0.1 }, "features": {"x": row}}))
        .collect();
    assert_eq!(program.post("/api/v1/models/m/predictions", &Value::Array(rows).to_string()).0, 200);
    let (classes, page) = report();
    assert!(classes.is_null() && !page.contains("Confusion"), "no true value yet: {classes}");

    // Of 40 that it says are "yes" 30 are, of 60 others 5.
    let labels: Vec<Value> = (0..100)
        .map(|row| serde_json::json!({"id": format!("r{row}"), "value": if (30..95).contains(&row) { "no" } else { "yes" }}))
        .collect();
    assert_eq!(program.post("/api/v1/models/m/labels", &Value::Array(labels).to_string()).0, 200);
    let (classes, page) = report();
    assert_eq!(classes["confusion"], serde_json::json!([[55, 10], [5, 30]]), "{classes}");
    assert!(page.contains("Confusion") && page.contains("Reliability"), "{page}");
}
