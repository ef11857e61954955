//! Whatever comes in, a judgement comes out: rows of every odd form, references with and without what a model could need. A class without
//! probabilities once ended the judging of its model with a panic. Figures are finite or unknown, and no series is there twice.

use std::collections::BTreeSet;

use bellbuoy_drift::{Column, Options, Preset, TableProfile, Values};
use bellbuoy_models::{
    Answer, Feature, FeatureKind, FeatureValue, Label, Model, ModelKind, ModelSettings, Prediction, Reference, ReferenceRows, Resampling,
    Roles, Season, Span, Truth, WindowSettings, Windows,
};
use bellbuoy_vocabulary::{Millis, Timestamp};
use proptest::prelude::*;

const NUMBERS: [f64; 9] = [0.0, -0.0, 1.0, 0.5, -3.25, 1e300, f64::NAN, f64::INFINITY, f64::NEG_INFINITY];
const TEXTS: [&str; 6] = ["", "yes", "no", "maybe", "日本", "a text with \"quotes\"\nand a second line"];

fn cell() -> impl Strategy<Value = FeatureValue> {
    prop_oneof![
        Just(FeatureValue::Missing),
        prop::sample::select(&NUMBERS[..]).prop_map(FeatureValue::Number),
        (0..40i32).prop_map(|number| FeatureValue::Number(f64::from(number) / 4.0)),
        prop::sample::select(&TEXTS[..]).prop_map(|text| FeatureValue::Text(text.into())),
    ]
}

fn answer() -> impl Strategy<Value = Answer> {
    let class = || prop::option::of(prop::sample::select(&TEXTS[..]).prop_map(str::to_owned));
    let probabilities = prop_oneof![
        Just(Vec::new()),
        (0..=10u8).prop_map(|p| vec![f64::from(p) / 10.0]),
        (0..=10u8).prop_map(|p| vec![f64::from(p) / 10.0, 1.0 - f64::from(p) / 10.0]),
        prop::collection::vec(prop::sample::select(&NUMBERS[..]), 0..4),
    ];
    prop_oneof![
        (0..100i32).prop_map(|number| Answer::Number(f64::from(number))),
        prop::sample::select(&NUMBERS[..]).prop_map(Answer::Number),
        (class(), probabilities).prop_map(|(class, probabilities)| Answer::Class { class, probabilities }),
    ]
}

fn truth() -> impl Strategy<Value = Truth> {
    prop_oneof![
        (0..100i32).prop_map(|number| Truth::Number(f64::from(number))),
        prop::sample::select(&NUMBERS[..]).prop_map(Truth::Number),
        prop::sample::select(&TEXTS[..]).prop_map(|text| Truth::Class(text.into())),
    ]
}

fn prediction() -> impl Strategy<Value = Prediction> {
    (
        0..150u32,
        0..3_000_000i64,
        prop::sample::select(&["champion", "challenger", "shadow", ""][..]),
        answer(),
        prop::collection::vec(cell(), 0..4),
    )
        .prop_map(|(id, at, role, answer, features)| Prediction {
            id: id.to_string(),
            at: Timestamp(at),
            role: role.into(),
            answer,
            features,
        })
}

fn reference() -> impl Strategy<Value = Reference> {
    let rows = || {
        (prop::collection::vec((cell(), answer(), truth()), 0..80), any::<[bool; 3]>()).prop_map(|(rows, has)| {
            let text = |cell: &FeatureValue| match cell {
                FeatureValue::Number(number) => number.to_string(),
                FeatureValue::Text(text) => text.clone(),
                FeatureValue::Missing => String::new(),
            };
            let texts: Vec<String> = rows.iter().map(|(cell, ..)| text(cell)).collect();
            let columns = vec![
                Column::new("a", Values::from_cells(texts.iter().map(String::as_str))),
                Column::new("b", Values::Numbers((0..rows.len()).map(|row| row as f64 / 3.0).collect())),
            ];
            ReferenceRows {
                at: has[0].then(|| (0..rows.len()).map(|row| Timestamp(row as i64 * 60_000)).collect()),
                answers: has[1].then(|| rows.iter().map(|(_, answer, _)| answer.clone()).collect()),
                truths: has[2].then(|| rows.iter().map(|(.., truth)| truth.clone()).collect()),
                columns,
            }
        })
    };
    prop_oneof![
        3 => rows().prop_map(Reference::Rows),
        1 => rows().prop_map(|rows| Reference::Profile(TableProfile::new(&rows.columns, &Options::default()))),
        1 => (1..60usize).prop_map(|rows| Reference::First { span: None, rows: Some(rows) }),
        1 => (1..2_000_000i64).prop_map(|span| Reference::First { span: Some(Millis(span)), rows: None }),
    ]
}

fn settings() -> impl Strategy<Value = ModelSettings> {
    let kind = prop_oneof![
        Just(ModelKind::Regression),
        Just(ModelKind::Classification { classes: vec!["no".into(), "yes".into()], positive: Some("yes".into()) }),
        Just(ModelKind::Classification { classes: vec!["no".into(), "yes".into()], positive: None }),
        Just(ModelKind::Classification { classes: vec!["no".into(), "yes".into(), "maybe".into()], positive: None }),
        Just(ModelKind::Classification { classes: Vec::new(), positive: None }),
    ];
    (kind, any::<[bool; 5]>(), 1..30usize, prop_oneof![Just(5usize), Just(60), Just(1000)]).prop_map(
        |(kind, on, rows_min, retention_rows)| {
            let window = |name: &str, span| WindowSettings { name: name.into(), span };
            let mut settings = ModelSettings {
                kind,
                features: if on[0] {
                    vec![Feature { name: "a".into(), kind: on[1].then_some(FeatureKind::Numeric) }, Feature::new("b")]
                } else {
                    Vec::new()
                },
                segments: if on[2] { vec!["a".into()] } else { Vec::new() },
                windows: vec![
                    WindowSettings::newest_rows(40),
                    window("newest", Span::Newest(Millis(500_000))),
                    window("tumbling", Span::Cut(Windows::tumbling(Millis(300_000)))),
                    window("sliding", Span::Cut(Windows::Rows { size: 40, step: 10 })),
                ],
                intervals: on[3].then(|| Resampling { resamples: 20, ..Resampling::default() }),
                roles: Roles { challengers: if on[1] { vec!["challenger".into()] } else { Vec::new() }, ..Roles::default() },
                rows_min,
                retention_rows,
                ..ModelSettings::new("any")
            };
            settings.drift.preset = if on[4] { Preset::Evidently } else { Preset::Default };
            settings.drift.season = on[0].then(|| Season { hour: true, weekday: on[1], month: on[2], zone: jiff::tz::TimeZone::UTC });
            settings
        },
    )
}

/// Judges, and looks at all that comes out.
fn look(model: &mut Model, settings: &ModelSettings, now: i64) {
    let judgement = model.judge(Timestamp(now), false);
    let mut seen = BTreeSet::new();
    for (labels, value) in judgement.samples(settings) {
        assert!(value.is_finite(), "{labels} is {value}");
        assert!(seen.insert(labels.to_string()), "{labels} is there twice");
    }
    let text = judgement.json().to_string();
    assert!(serde_json::from_str::<serde_json::Value>(&text).is_ok(), "{text}");
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 96, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn any_rows_have_a_judgement(
        settings in settings(), reference in reference(), rows in prop::collection::vec(prediction(), 0..150),
        labels in prop::collection::vec((0..150u32, truth()), 0..150),
    ) {
        let mut model = Model::new(settings.clone(), reference.clone());
        look(&mut model, &settings, 0);
        let (early, late) = rows.split_at(rows.len() / 2);
        let label = |(id, truth): &(u32, Truth)| Label { id: id.to_string(), truth: truth.clone() };
        model.predictions(early.to_vec());
        model.labels(labels.iter().take(labels.len() / 2).map(label).collect());
        look(&mut model, &settings, 1);
        model.predictions(late.to_vec());
        model.labels(labels.iter().map(label).collect());
        look(&mut model, &settings, 2);
        let mut again = Model::new(settings.clone(), reference);
        again.restore(&model.state());
        look(&mut again, &settings, 3);
    }
}
