//! A model's life: rows in, judgement out, counters over a restart.

use bellbuoy_vocabulary::Millis;

use super::*;
use crate::{
    Condition, CoolDown, DecisionSeverity, DeploymentDecision, Evaluation, Feature, FeatureValue, Metric, MetricAlias, Policy,
    RetrainingOutcome, Rule, Side, Test, Truth, TwoSets,
};

fn settings() -> ModelSettings {
    let features = ["temp", "hour", "weather"].map(Feature::new).to_vec();
    let alias = |name: &str, figure: &str, labels: &[(&str, &str)], without: &[&str]| MetricAlias {
        name: name.to_owned(),
        figure: figure.to_owned(),
        labels: labels.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect(),
        without: without.iter().map(|name| (*name).to_owned()).collect(),
    };
    let metrics = vec![
        alias("bike_model_r2_production", "model_figure", &[("metric", "r2")], &["role", "window", "source", "metric"]),
        alias("bike_drift_share", "drift_share", &[], &["role", "window"]),
        alias("feature_drift", "model_feature_drift", &[("role", "*")], &["window", "test"]),
        alias("bike_training_runs_total", "training_runs_total", &[], &[]),
    ];
    ModelSettings { features, rows_min: 20, metrics, ..ModelSettings::new("bikes") }
}

/// A row whose temperature is shifted by `shift`, with a weather that changes with it.
fn row(i: usize, shift: f64) -> Prediction {
    let weather = if i.is_multiple_of(3) || shift > 0.0 && i % 3 == 1 { "rain" } else { "clear" };
    let features = vec![
        FeatureValue::Number((i % 40) as f64 / 40.0 + shift),
        FeatureValue::Number((i % 24) as f64),
        FeatureValue::Text(weather.into()),
    ];
    let answer = Answer::Number((i % 100) as f64);
    Prediction { id: i.to_string(), at: Timestamp(i as i64), role: "champion".into(), answer, features }
}

/// True values `factor` times what was predicted.
fn labels(rows: std::ops::Range<usize>, factor: f64) -> Vec<Label> {
    rows.map(|i| Label { id: i.to_string(), truth: Truth::Number((i % 100) as f64 * factor) }).collect()
}

/// 2,880 rows, as a table.
fn reference() -> ReferenceRows {
    let mut model = Model::new(ModelSettings { retention_rows: 10_000, ..settings() }, Reference::Rows(ReferenceRows::default()));
    model.predictions((0..2880).map(|i| row(i, 0.0)).collect());
    let rows = model.ledger.all("champion");
    ReferenceRows { answers: None, ..model.rows_of(&rows) }
}

fn model() -> Model {
    Model::new(settings(), Reference::Rows(reference()))
}

fn unknown<T: Clone>(value: &Result<T, Unknown>) -> &'static str {
    value.as_ref().err().map_or("known", Unknown::word)
}

fn series_of(model: &Model, judgement: &Judgement) -> BTreeMap<String, f64> {
    let mut all = judgement.samples(model.settings());
    all.extend(model.counter_samples());
    all.into_iter().map(|(labels, value)| (labels.to_string(), value)).collect()
}

#[test]
fn a_model_without_rows_is_unknown() {
    let mut model = model();
    let first = |judgement: &Judgement| {
        let first = &judgement.windows[0];
        (unknown(&first.drift), unknown(&first.evaluation.value(Metric::R2)), unknown(&first.estimates), judgement.decision.outcome)
    };
    let judgement = model.judge(Timestamp(1), false);
    assert_eq!(first(&judgement), ("no_rows", "no_rows", "no_reference_truth", RetrainingOutcome::Unknown));
    model.predictions((0..19).map(|i| row(i, 0.0)).collect());
    model.labels(labels(0..19, 1.0));
    let judgement = model.judge(Timestamp(1), false);
    assert_eq!(first(&judgement), ("too_few_rows", "too_few_rows", "no_reference_truth", RetrainingOutcome::Unknown));
    let series = series_of(&model, &judgement);
    assert_eq!(
        series.get(r#"bellbuoy_model_drift_unknown{model="bikes", reason="too_few_rows", role="champion", window="1000 rows"}"#),
        Some(&1.0)
    );
    assert!(!series.keys().any(|name| name.contains("drift_share") || name.starts_with("bellbuoy_model_figure{")), "{series:?}");
}

#[test]
fn the_same_data_are_healthy_and_shifted_data_are_not() {
    let mut model = model();
    model.predictions((0..960).map(|i| row(i, 0.0)).collect());
    model.labels(labels(0..960, 1.01));
    let judgement = model.judge(Timestamp(1), false);
    assert_eq!(judgement.decision.outcome, RetrainingOutcome::Nothing, "{judgement:?}");
    assert_eq!(judgement.windows[0].drift.as_ref().map(|drift| drift.drifted_features), Ok(0));
    assert_eq!(judgement.windows[0].quality, Ok(Vec::new()));

    // Warmer and rainier by day, and the model no longer follows.
    model.predictions((960..1960).map(|i| row(i, 0.4)).collect());
    model.labels(labels(960..1960, 2.0));
    let judgement = model.judge(Timestamp(2000), false);
    let drift = judgement.windows[0].drift.clone().expect("enough rows");
    assert_eq!((drift.drifted_features, drift.detected, drift.rows, drift.reference_rows), (2, true, 1000, 2880), "{drift:?}");
    assert_eq!(judgement.decision.outcome, RetrainingOutcome::RetrainNow);
    assert_eq!(
        judgement.events(model.settings(), false).iter().map(crate::Event::word).collect::<Vec<_>>(),
        ["drift", "performance", "decision"]
    );

    let series = series_of(&model, &judgement);
    let value = |name: &str| series.get(name).copied();
    let of = |name: &str, labels: &str| value(&format!(r#"bellbuoy_{name}{{{labels}model="bikes", role="champion", window="1000 rows"}}"#));
    assert_eq!(of("model_drift_detected", ""), Some(1.0));
    assert_eq!(of("model_drift_share", ""), Some(2.0 / 3.0));
    assert_eq!(of("model_drifted_features", ""), Some(2.0));
    assert_eq!(of("model_window_rows", ""), Some(1000.0));
    let feature = |name: &str| {
        value(&format!(
            r#"bellbuoy_model_feature_drift{{feature="{name}", model="bikes", role="champion", test="ks", window="1000 rows"}}"#
        ))
    };
    assert_eq!((feature("temp"), feature("hour")), (Some(1.0), Some(0.0)));
    let r2 = value(r#"bellbuoy_model_figure{metric="r2", model="bikes", role="champion", source="realised", window="1000 rows"}"#);
    assert!(r2.is_some_and(|r2| r2 < 0.65));
    assert_eq!(value(r#"bellbuoy_model_retraining_decisions_total{model="bikes", outcome="retrain"}"#), Some(1.0));
    assert_eq!(value(r#"bellbuoy_model_retraining_decision{model="bikes", outcome="retrain"}"#), Some(1.0));
    assert_eq!(value(r#"bellbuoy_model_training_runs_total{model="bikes", status="failure"}"#), Some(0.0));
    // Under the names that people have.
    assert_eq!(value(r#"bike_model_r2_production{model="bikes"}"#), r2);
    assert_eq!(value(r#"bike_drift_share{model="bikes"}"#), Some(2.0 / 3.0));
    assert_eq!(value(r#"feature_drift{feature="temp", model="bikes", role="champion"}"#), Some(1.0));
    assert_eq!(value(r#"bike_training_runs_total{model="bikes", status="failure"}"#), Some(0.0));
}

#[test]
fn a_feature_that_changes_its_type_is_its_own_error() {
    let mut model = model();
    let broken = |i: usize| {
        let mut row = row(i, 0.0);
        row.features[0] = FeatureValue::Text("warm".into());
        // One stray text among numbers is a missing cell.
        if i == 7 {
            row.features[1] = FeatureValue::Text("noon".into());
        }
        row
    };
    model.predictions((0..960).map(broken).collect());
    let judgement = model.judge(Timestamp(1000), false);
    let drift = judgement.windows[0].drift.as_ref().expect("known");
    let said: Vec<_> =
        drift.features.iter().map(|feature| (feature.name.as_str(), feature.error.as_deref(), feature.current_rows)).collect();
    assert_eq!(
        said,
        [("temp", Some("the column is numeric but the current data has texts in it"), 0), ("hour", None, 959), ("weather", None, 960)]
    );
    let findings = judgement.windows[0].quality.clone().expect("known");
    assert!(
        findings.iter().any(|finding| finding.defect.name() == "type_change" && finding.column.as_deref() == Some("temp")),
        "{findings:?}"
    );
}

#[test]
fn counters_survive_a_restart() {
    let mut old = model();
    old.judge(Timestamp(1), false);
    old.judge(Timestamp(2), true);
    old.record_training("success");
    old.record_training("exploded");
    let told = |r2| Evaluation::told(&[(Metric::R2, r2)], 9);
    let sets = |r2| TwoSets { baseline: told(0.9), current: told(r2) };
    old.record_deployment(&DeploymentDecision::of_figures(&settings().deployment, sets(0.5), sets(0.75), false, Timestamp(7)), Some("4"));
    let mut new = model();
    new.restore(&old.state());
    assert_eq!(new.counter_samples(), old.counter_samples());
    assert!(new.counter_samples().iter().any(|(labels, value)| labels.name() == "bellbuoy_model_improvement_delta" && *value == 0.25));
    let last = new.last_challenger().expect("one was compared");
    assert_eq!((last.at, last.version.as_deref()), (Timestamp(7), Some("4")));
    assert_eq!(Some(last), old.last_challenger());
    for damaged in
        [json!(null), json!([1]), json!({"decisions": {"retrain": "many"}, "improvement": "NaN", "last_challenger": {"outcome": "vanish"}})]
    {
        let mut model = model();
        model.restore(&damaged);
        assert_eq!(model.counter_samples(), self::model().counter_samples());
        assert_eq!(model.last_challenger(), None);
    }
}

#[test]
fn a_model_decides_by_its_own_rules() {
    use RetrainingOutcome::{Nothing, RetrainNow, Watch};
    let surely_low = Condition::new("r2", Test::Below, 0.65).on(Side::High);
    let when = vec![surely_low, Condition::new("feature_drift_score:temp", Test::Below, 0.01)];
    let policy = Policy {
        rules: vec![Rule { times_min: 2, ..Rule::new("sure", RetrainNow, DecisionSeverity::Critical, when) }],
        cool_down: Some(CoolDown { keeps_off: RetrainNow, instead: Watch, length: Millis::from_minutes(60) }),
        ..settings().retraining
    };
    let names = crate::figure_names(&settings());
    assert_eq!(policy.problems(&names.iter().map(String::as_str).collect::<Vec<_>>()), [""; 0]);
    let fresh = || Model::new(ModelSettings { retraining: policy.clone(), ..settings() }, Reference::Rows(reference()));
    let mut model = fresh();
    let judge = |model: &mut Model, minute: i64| {
        let decision = model.judge(Timestamp(minute * 60_000), false).decision;
        (decision.outcome, decision.reason.to_string())
    };
    let (outcome, reason) = judge(&mut model, 0);
    assert_eq!(outcome, RetrainingOutcome::Unknown);
    assert_eq!(reason, "R2 is unknown (there are no rows), so rule sure cannot be judged");
    model.predictions((0..500).map(|i| row(i, 0.0)).collect());
    model.labels(labels(0..500, 1.0));
    assert_eq!(judge(&mut model, 1), (Nothing, "no line is crossed (R2 1.0000, drift score of temp 1.0000)".to_owned()));
    model.predictions((500..1500).map(|i| row(i, 0.4)).collect());
    model.labels(labels(500..1500, 2.0));
    assert_eq!(judge(&mut model, 2).0, Watch);
    // A restart does not make it begin anew.
    let mut again = fresh();
    again.restore(&model.state());
    let rows = (500..1500).map(|i| row(i, 0.4)).collect();
    again.predictions(rows);
    again.labels(labels(500..1500, 2.0));
    let (outcome, reason) = judge(&mut again, 3);
    assert_eq!(outcome, RetrainNow);
    assert!(
        reason.starts_with("R2 ") && reason.contains(" at its upper end is below 0.65 and drift score of temp 0.0000 is below 0.01"),
        "{reason}"
    );
    again.retrained(Timestamp(3 * 60_000));
    assert_eq!(judge(&mut again, 4).0, Watch);
    assert_eq!(judge(&mut again, 64).0, RetrainNow);
}
