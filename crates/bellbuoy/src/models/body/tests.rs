//! Bodies in all formats, good and bad.

use std::io::Write as _;

use bellbuoy_models::{Answer, FeatureValue, Truth};
use expect_test::{Expect, expect};

use super::*;

fn intake(kind: ModelKind) -> Intake {
    let schema = Arc::new(Schema::new(["temp", "hr", "kind"].map(str::to_owned)));
    Intake { schema, open: false, kind, target: "bikers".into(), role: "champion".into(), now: Timestamp(1_000) }
}

fn classes() -> ModelKind {
    ModelKind::Classification { classes: vec!["no".into(), "yes".into()], positive: None }
}

fn shown(prediction: &Prediction) -> String {
    let feature = |value: &FeatureValue| match value {
        FeatureValue::Number(number) => number.to_string(),
        FeatureValue::Text(text) => format!("{text:?}"),
        FeatureValue::Missing => "-".into(),
    };
    let answer = match &prediction.answer {
        Answer::Number(number) => number.to_string(),
        Answer::Class { class, probabilities } => format!("{class:?} {probabilities:?}"),
    };
    let features: Vec<String> = prediction.features.iter().map(feature).collect();
    format!("{} {} {} = {answer} [{}]", prediction.id, prediction.role, prediction.at.0, features.join(" "))
}

fn report<T>(batch: Result<Batch<T>, BodyError>, shown: impl Fn(&T) -> String) -> String {
    let batch = match batch {
        Ok(batch) => batch,
        Err(error) => return format!("error: {error}\n"),
    };
    let mut out = String::new();
    for (row, number) in batch.rows.iter().zip(&batch.numbers) {
        out.push_str(&format!("{number}: {}\n", shown(row)));
    }
    for refusal in &batch.refused.listed {
        out.push_str(&format!("refused {}: id {:?}, field {:?}: {}\n", refusal.row, refusal.id, refusal.field, refusal.reason));
    }
    out
}

fn check_as(kind: ModelKind, content_type: &str, body: &str, expected: Expect) {
    let headers = Headers { content_type: Some(content_type), content_encoding: None };
    expected.assert_eq(&report(predictions(body.as_bytes(), &headers, &intake(kind)), shown));
}

fn check(body: &str, expected: Expect) {
    check_as(ModelKind::Regression, "", body, expected);
}

fn check_labels(kind: ModelKind, body: &str, expected: Expect) {
    let shown = |label: &Label| match &label.truth {
        Truth::Number(number) => format!("{} {number}", label.id),
        Truth::Class(class) => format!("{} {class:?}", label.id),
    };
    expected.assert_eq(&report(labels(body.as_bytes(), &Headers::default(), &intake(kind)), shown));
}

#[test]
fn json_rows() {
    let one = r#" {"id": "a", "prediction": 1.5, "features": {"kind": "x", "temp": 3, "other": 1, "hr": null},
        "timestamp": "2026-11-21T10:00:00+01:00", "role": "challenger"}"#;
    check(
        one,
        expect![[r#"
        1: a challenger 1795251600000 = 1.5 [3 - "x"]
    "#]],
    );
    check(
        r#"[{"id": 7, "prediction": 2, "features": null}, {"id": "b", "prediction": -1e3, "features": {"temp": true}}]"#,
        expect![[r#"
            1: 7 champion 1000 = 2 []
            2: b champion 1000 = -1000 ["true"]
        "#]],
    );
    check(
        "{\"id\":\"a\",\"prediction\":1}\r\n\n{\"id\":\"b\",\"prediction\":2}\n",
        expect![[r#"
        1: a champion 1000 = 1 []
        2: b champion 1000 = 2 []
    "#]],
    );
    check("[]", expect![""]);
}

#[test]
fn a_bad_row_costs_only_itself() {
    check(
        r#"[{"id": "a", "prediction": "12"}, {"id": "b"}, {"prediction": 1}, 5, {"id": "c", "prediction": 3, "features": {"temp": [1]}},
            {"id": "d", "prediction": 1, "timestamp": "today"}, {"id": "e", "prediction": 1, "timestamp": 99999999999},
            {"id": {}, "prediction": 1}, {"id": "f", "predicion": 1}, [1], null, {"id": "g", "prediction": 1, "class": "x"},
            {"id": "h", "prediction": 1, "features": [1]}, {"id": "z", "prediction": 4, "features": {"hr": 1}}]"#,
        expect![[r#"
            14: z champion 1000 = 4 [- 1]
            refused 1: id "a", field "prediction": "12" is not a number
            refused 2: id "b", field "prediction": it is missing
            refused 3: id "", field "id": it is missing
            refused 4: id "", field "": a row is an object: {"id": ..., ...}
            refused 5: id "c", field "temp": a feature is a number, a text, true, false or null
            refused 6: id "d", field "timestamp": "today" is not a time, such as 2026-11-21T10:00:00Z
            refused 7: id "e", field "timestamp": 99999999999 is not between the years 1970 and 2200
            refused 8: id "", field "id": a list or an object is neither a text nor a whole number
            refused 9: id "f", field "predicion": there is no such field; did you mean "prediction"?
            refused 10: id "", field "": a row is an object: {"id": ..., ...}
            refused 11: id "", field "": a row is an object: {"id": ..., ...}
            refused 12: id "g", field "class": the model is of kind regression: write a number as prediction
            refused 13: id "h", field "features": a list: write an object of names and values
        "#]],
    );
    check(
        "{\"id\":\"a\",\"prediction\":1}\n{\"id\":\"b\",\"pred\n{\"id\":\"c\",\"prediction\":2}",
        expect![[r#"
            1: a champion 1000 = 1 []
            3: c champion 1000 = 2 []
            refused 2: id "", field "": not JSON: EOF while parsing a string at line 1 column 15
        "#]],
    );
}

#[test]
fn what_is_no_body_is_an_error() {
    check(
        "",
        expect![[r#"
        error: the body: it is empty
    "#]],
    );
    check(
        r#"[{"id": "a", "prediction": 1}"#,
        expect![[r#"
        error: the body: EOF while parsing a list at line 1 column 29
    "#]],
    );
    check(
        "[1] 2",
        expect![[r#"
        error: the body: trailing characters at line 1 column 5
    "#]],
    );
    check(
        "a,b\n1,2",
        expect![[r#"
        error: the body: there is no column "id"; its columns are a, b
    "#]],
    );
    check_as(
        ModelKind::Regression,
        "application/json",
        "id,prediction",
        expect![[r#"
        error: the body: Content-Type says JSON, but it begins neither with `[` nor with `{`
    "#]],
    );
    check_as(
        ModelKind::Regression,
        "application/vnd.apache.parquet",
        "id",
        expect![[r#"
        error: the body: Content-Type says Parquet, but it does not begin with PAR1
    "#]],
    );
}

#[test]
fn classes_and_probabilities() {
    check_as(
        classes(),
        "",
        r#"[{"id": 1, "class": "yes"}, {"id": 2, "prediction": "no", "probabilities": {"yes": 0.25, "no": 0.75}},
            {"id": 3, "probabilities": [0.5, 0.5]}, {"id": 4, "probability": 0.75, "class": true}, {"id": 5, "prediction": 1},
            {"id": 6}, {"id": 7, "probabilities": {"yes": 1}}, {"id": 8, "probabilities": {"Yes": 1}}, {"id": 9, "probabilities": [1, 2, 3]}]"#,
        expect![[r#"
            1: 1 champion 1000 = Some("yes") [] []
            2: 2 champion 1000 = Some("no") [0.75, 0.25] []
            3: 3 champion 1000 = None [0.5, 0.5] []
            4: 4 champion 1000 = Some("true") [0.25, 0.75] []
            5: 5 champion 1000 = Some("1") [] []
            refused 6: id "6", field "class": neither class nor probabilities are there
            refused 7: id "7", field "probabilities": class "no" has none
            refused 8: id "8", field "probabilities": the model has no class "Yes"; did you mean "yes"?
            refused 9: id "9", field "probabilities": more than the 2 classes of the model
        "#]],
    );
    check_as(
        classes(),
        "text/csv",
        "id;prediction;probability_no;probability_yes\n01;yes;0.4;0.6\n",
        expect![[r#"
        1: 01 champion 1000 = Some("yes") [0.4, 0.6] []
    "#]],
    );
}

#[test]
fn csv_rows() {
    check(
        "\u{feff}id,at,prediction,kind,temp,ignored\r\n007,2026-11-21 10:00:00,1.5,\"a, b\",3,x\r\n8,1795251600,2,,nan,\r\n9,,x,,,\r\n10,1\r\n11,,2,\"x\ny\",-inf,1\r\n",
        expect![[r#"
            1: 007 champion 1795255200000 = 1.5 [3 - "a, b"]
            2: 8 champion 1795251600000 = 2 [- - -]
            5: 11 champion 1000 = 2 [-inf - "x\ny"]
            refused 3: id "9", field "prediction": "x" is not a number
            refused 4: id "10", field "": line 4 has 2 cells, the header has 6
        "#]],
    );
    check(
        "id\tprediction\thr\na\t1\t2\n",
        expect![[r#"
        1: a champion 1000 = 1 [- 2]
    "#]],
    );
    check(
        "id,prediction,feature_role,role\na,1,x,y\n",
        expect![[r#"
        1: a y 1000 = 1 []
    "#]],
    );
}

#[test]
fn true_values() {
    check_labels(
        ModelKind::Regression,
        r#"[{"id": "a", "value": 1}, {"id": "b", "value": "x"}, {"id": "c"}, {"id": "d", "valu": 1}]"#,
        expect![[r#"
        1: a 1
        refused 2: id "b", field "value": "x" is not a number
        refused 3: id "c", field "value": it is missing
        refused 4: id "d", field "valu": there is no such field; did you mean "value"?
    "#]],
    );
    check_labels(
        classes(),
        r#"{"id": "a", "class": "yes"}"#,
        expect![[r#"
        1: a "yes"
    "#]],
    );
    check_labels(
        classes(),
        "id,value\na,01\n",
        expect![[r#"
        1: a "01"
    "#]],
    );
    check_labels(
        ModelKind::Regression,
        "id,bikers\na,12\n",
        expect![[r#"
        1: a 12
    "#]],
    );
}

#[test]
fn features_are_found_in_any_order_and_open_schemas_grow() {
    let mut open = intake(ModelKind::Regression);
    open.open = true;
    let body = r#"[{"id":"a","prediction":1,"features":{"hr":1,"new":2}},{"id":"b","prediction":1,"features":{"new":3,"temp":4,"hr":5}}]"#;
    let batch = predictions(body.as_bytes(), &Headers::default(), &open).expect("a body");
    assert_eq!(batch.schema.names(), ["temp", "hr", "kind", "new"]);
    assert_eq!(open.schema.len(), 3, "the schema of others is not touched");
    let rows: Vec<String> = batch.rows.iter().map(shown).collect();
    assert_eq!(rows, ["a champion 1000 = 1 [- 1 - 2]", "b champion 1000 = 1 [4 5 - 3]"]);
}

#[test]
fn packed_bodies_are_unpacked_by_what_they_are() {
    let body = br#"[{"id":"a","prediction":1}]"#;
    let mut gzip = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
    gzip.write_all(body).expect("memory");
    let gzip = gzip.finish().expect("memory");
    let zstd = zstd::encode_all(&body[..], 1).expect("memory");
    let read = |body: &[u8], encoding| {
        let headers = Headers { content_type: None, content_encoding: encoding };
        report(predictions(body, &headers, &intake(ModelKind::Regression)), shown)
    };
    for (body, encoding) in [(&gzip[..], Some("gzip")), (&gzip, None), (&zstd, Some("zstd")), (&zstd, None), (body, Some("identity"))] {
        assert_eq!(read(body, encoding), "1: a champion 1000 = 1 []\n", "{encoding:?}");
    }
    assert!(read(body, Some("gzip")).contains("these bytes are not gzip"));
    assert!(read(body, Some("br")).contains("gzip and zstd are"));
    assert!(read(&gzip[..gzip.len() / 2], None).contains("can not be unpacked"));
}

#[test]
fn bounds_are_told() {
    let bomb = zstd::encode_all(std::io::Read::take(std::io::repeat(b' '), UNPACKED_BYTES_MAX as u64 + 1), 1).expect("memory");
    let error = predictions(&bomb, &Headers::default(), &intake(ModelKind::Regression)).expect_err("too large");
    assert!(matches!(error, BodyError::TooLarge));
    let many = "{\"id\":\"a\",\"prediction\":1}\n".repeat(ROWS_MAX + 1);
    for body in [many.clone(), format!("[{}]", many.trim().replace('\n', ","))] {
        let error = predictions(body.as_bytes(), &Headers::default(), &intake(ModelKind::Regression)).expect_err("too many");
        assert!(matches!(error, BodyError::TooManyRows), "{error}");
    }
    let bad = "{\"id\":\"a\"}\n".repeat(1000);
    let batch = predictions(bad.as_bytes(), &Headers::default(), &intake(ModelKind::Regression)).expect("a body");
    assert_eq!((batch.refused.count, batch.refused.listed.len()), (1000, REFUSALS_LISTED_MAX));
}
