//! A model with a season, with a profile for a reference, and with estimates before its true values are there.

use bellbuoy_drift::{Column, Options, Preset, TableProfile, Values};
use bellbuoy_models::{
    Answer, Feature, FeatureValue, Label, Metric, Model, ModelKind, ModelSettings, Prediction, Reference, ReferenceRows, Season, Source,
    Truth,
};
use bellbuoy_vocabulary::Timestamp;
use jiff::tz::TimeZone;

const HOUR: i64 = 3_600_000;
/// 2026-06-01, a Monday.
const MONDAY: i64 = 1_780_272_000_000;

/// Warm by day, cold by night; the same every day.
fn temp(hour: i64) -> f64 {
    let of_day = hour.rem_euclid(24);
    (if (8..20).contains(&of_day) { 20.0 } else { 5.0 }) + (hour * 7919).rem_euclid(101) as f64 / 25.0
}

fn hourly(hours: impl Iterator<Item = i64>) -> Vec<Prediction> {
    hours.map(|hour| row(hour, vec![FeatureValue::Number(temp(hour))], Answer::Number(temp(hour)))).collect()
}

fn row(hour: i64, features: Vec<FeatureValue>, answer: Answer) -> Prediction {
    Prediction { id: hour.to_string(), at: Timestamp(MONDAY + hour * HOUR), role: "champion".into(), answer, features }
}

fn settings() -> ModelSettings {
    ModelSettings { features: vec![Feature::new("temp")], ..ModelSettings::new("bikes") }
}

fn weeks() -> ReferenceRows {
    let hours = -1344..0;
    ReferenceRows {
        columns: vec![Column::new("temp", Values::Numbers(hours.clone().map(temp).collect()))],
        at: Some(hours.clone().map(|hour| Timestamp(MONDAY + hour * HOUR)).collect()),
        answers: Some(hours.clone().map(|hour| Answer::Number(temp(hour))).collect()),
        truths: None,
    }
}

fn judged(settings: &ModelSettings, reference: Reference, rows: Vec<Prediction>) -> bellbuoy_models::WindowJudgement {
    let mut model = Model::new(settings.clone(), reference);
    model.predictions(rows);
    model.judge(Timestamp(MONDAY + 1000 * HOUR), false).windows.swap_remove(0)
}

#[test]
fn days_are_compared_with_days_when_a_season_is_asked_for() {
    // Hours of the day only: against all hours that is drift, against the same hours it is none.
    let days = || hourly((0..240).filter(|hour| (8..20).contains(&(hour % 24))));
    let plain = judged(&settings(), Reference::Rows(weeks()), days()).drift.expect("known");
    assert!(plain.features[0].drifted, "{plain:?}");
    let mut with_season = settings();
    with_season.drift.season = Some(Season { hour: true, weekday: false, month: false, zone: TimeZone::UTC });
    let drift = judged(&with_season, Reference::Rows(weeks()), days()).drift.expect("known");
    assert_eq!((drift.features[0].drifted, drift.prediction.as_ref().map(|of| of.drifted), drift.uncovered), (false, Some(false), 0));
    // A real change is seen all the same.
    let warmer = days().into_iter().map(|row| Prediction { features: vec![FeatureValue::Number(30.0)], ..row }).collect();
    assert!(judged(&with_season, Reference::Rows(weeks()), warmer).drift.expect("known").features[0].drifted);
    // Hours that the reference does not have are not compared, and said.
    let mut nights = weeks();
    let night: Vec<usize> = (0..1344).filter(|row| !(8..20).contains(&(row % 24))).collect();
    nights.at = nights.at.map(|at| night.iter().map(|row| at[*row]).collect());
    nights.columns[0].values = nights.columns[0].values.select(&night);
    nights.answers = nights.answers.map(|answers| night.iter().map(|row| answers[*row].clone()).collect());
    let unknown = judged(&with_season, Reference::Rows(nights), days()).drift.expect_err("no such hours");
    assert_eq!(unknown.word(), "other_season");
}

#[test]
fn a_profile_is_a_reference() {
    let options = Options { preset: Preset::Default, ..Options::default() };
    let profile = || Reference::Profile(TableProfile::new(&weeks().columns, &options));
    let same = judged(&settings(), profile(), hourly(0..480));
    let drift = same.drift.expect("known");
    assert_eq!((drift.approximate, drift.features[0].drifted, drift.reference_rows, drift.prediction), (true, false, 1344, None));
    assert!(drift.features[0].score.is_some(), "{:?}", drift.features);
    assert_eq!(same.quality.expect("known"), []);
    assert_eq!(same.estimates.expect_err("no rows to learn from").word(), "no_reference_rows");
    let warmer: Vec<Prediction> = hourly(0..480)
        .into_iter()
        .map(|row| Prediction { features: vec![FeatureValue::Number(temp(row.at.0 / HOUR) + 10.0)], ..row })
        .collect();
    let other = judged(&settings(), profile(), warmer);
    assert!(other.drift.expect("known").features[0].drifted);
    assert!(!other.quality.expect("known").is_empty(), "out of the range of the profile");
}

#[test]
fn a_feature_that_is_named_is_judged_whatever_it_is_called() {
    let columns = vec![
        Column::new("mnth", Values::Integers((0..300).map(|row| row % 3 + 4).collect())),
        Column::new("temp", Values::Numbers((0..300).map(temp).collect())),
    ];
    let reference = || Reference::Rows(ReferenceRows { columns: columns.clone(), ..ReferenceRows::default() });
    let rows = || {
        (0..300)
            .map(|hour| row(hour, vec![FeatureValue::Number((hour % 3 + 4) as f64), FeatureValue::Number(temp(hour))], Answer::Number(1.0)))
            .collect()
    };
    let check = |features: Vec<Feature>, expected: usize| {
        let drift = judged(&ModelSettings { features, ..settings() }, reference(), rows()).drift.expect("known");
        assert_eq!((drift.judged_features, drift.features.len()), (expected, 2), "{:?}", drift.features);
    };
    check(vec![Feature::new("mnth"), Feature::new("temp")], 2);
    check(Vec::new(), 1);
}

/// The figures of a metric: estimated, and seen.
fn both(model: &mut Model, metric: Metric) -> (f64, Source, Option<f64>) {
    let judgement = model.judge(Timestamp(MONDAY), false);
    let first = judgement.first().expect("a window");
    let estimates = first.estimates.as_ref().expect("estimated");
    let figure = estimates.figures.iter().find(|figure| figure.metric == metric).expect("it can be estimated");
    let series = judgement.samples(model.settings());
    let told = |source: Source| {
        series.iter().any(|(labels, _)| {
            let is = |label: &str, value: &str| labels.get(label) == value;
            labels.name() == "bellbuoy_model_figure" && is("metric", metric.word()) && is("source", source.word())
        })
    };
    let seen = first.evaluation.value(metric).ok();
    assert!(told(figure.source), "the estimate is a series of its own source");
    assert_eq!(told(Source::Realised), seen.is_some(), "a realised figure is told when it is there and not before");
    (figure.value.clone().expect("estimated"), figure.source, seen)
}

#[test]
fn losses_are_estimated_until_true_values_come() {
    // The error is large where the feature is 1, small where it is 0.
    let error = |row: i64| if row % 2 == 1 { 10.0 + (row % 5) as f64 } else { 1.0 };
    let reference = ReferenceRows {
        columns: vec![Column::new("temp", Values::Numbers((0..1000).map(|row| (row % 2) as f64).collect()))],
        at: None,
        answers: Some((0..1000).map(|row| Answer::Number(row as f64)).collect()),
        truths: Some((0..1000).map(|row| Truth::Number(row as f64 + error(row))).collect()),
    };
    let mut model = Model::new(settings(), Reference::Rows(reference));
    // Only hard rows come.
    let hard = || (0..200).map(|row| row * 2 + 1);
    model.predictions(hard().map(|hour| row(hour, vec![FeatureValue::Number(1.0)], Answer::Number(hour as f64))).collect());
    let (estimate, source, seen) = both(&mut model, Metric::Mae);
    assert!((estimate - 12.0).abs() < 0.5, "{estimate}");
    assert_eq!((source, seen), (Source::EstimatedByLoss, None));
    model.labels(hard().map(|hour| Label { id: hour.to_string(), truth: Truth::Number(hour as f64 + error(hour)) }).collect());
    let (_, _, seen) = both(&mut model, Metric::Mae);
    assert!((seen.expect("seen") - 12.0).abs() < 1e-9);
}

#[test]
fn classes_are_estimated_by_confidence_until_true_values_come() {
    // Calibrated: of rows with 0.9 nine of ten are yes, of rows with 0.6 six of ten.
    let class = |yes: bool| if yes { "yes" } else { "no" };
    let said = |probability: f64| Answer::Class { class: Some("yes".into()), probabilities: vec![1.0 - probability, probability] };
    let probability = |row: i64| if row % 2 == 0 { 0.9 } else { 0.6 };
    let is_yes = |row: i64| ((row / 2 % 10) as f64) < probability(row) * 10.0 - 0.5;
    let reference = ReferenceRows {
        columns: vec![Column::new("temp", Values::Numbers((0..2000).map(temp).collect()))],
        at: None,
        answers: Some((0..2000).map(|row| said(probability(row))).collect()),
        truths: Some((0..2000).map(|row| Truth::Class(class(is_yes(row)).into())).collect()),
    };
    let kind = ModelKind::Classification { classes: vec!["no".into(), "yes".into()], positive: None };
    let mut model = Model::new(ModelSettings { kind, ..settings() }, Reference::Rows(reference));
    // Only the doubtful rows come.
    let doubtful = || (0..200).map(|row| row * 2 + 1);
    model.predictions(doubtful().map(|hour| row(hour, vec![FeatureValue::Number(temp(hour))], said(0.6))).collect());
    let (estimate, source, seen) = both(&mut model, Metric::Accuracy);
    assert!((estimate - 0.6).abs() < 0.05, "{estimate}");
    assert_eq!((source, seen), (Source::EstimatedByConfidence, None));
    model.labels(doubtful().map(|row| Label { id: row.to_string(), truth: Truth::Class(class(is_yes(row)).into()) }).collect());
    assert_eq!(both(&mut model, Metric::Accuracy).2, Some(0.6));
}
