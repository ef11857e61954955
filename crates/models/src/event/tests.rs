//! Messages read as the mission shows them, and nothing is said twice.

use super::*;
use crate::{DeploymentSettings, DeploymentThresholds, Evaluation, Metric, Policy, PolicyState, Reading, TwoSets};

fn show(alert: &Alert) -> String {
    let line = |(name, value): (&str, &str)| format!("{name} = {}\n", value.replace('\n', " | "));
    let labels: String = alert.labels.iter().map(line).collect();
    let annotations: String = alert.annotations.iter().map(line).collect();
    format!("{labels}--\n{annotations}")
}

fn readings(figures: &[(&str, f64)]) -> Readings {
    figures.iter().map(|(name, value)| ((*name).to_owned(), Reading::of(*value, Some(500)))).collect()
}

/// The events of one judgement by the default rules.
fn judged(settings: &ModelSettings, readings: &Readings, drifted: Option<&[&str]>, forced: bool, first: bool) -> Vec<Event> {
    let ruling = settings.retraining.judge(readings, &mut PolicyState::default(), forced, Timestamp(0));
    let drifted = drifted.map(|names| names.iter().map(|name| (*name).to_owned()).collect());
    Event::of_judgement(settings, &ruling, readings, drifted, first)
}

#[test]
fn drift_reads_as_the_mission_shows_it() {
    let figures = readings(&[("r2", 0.7234), ("drift_share", 0.542), ("drift_detected", 1.0)]);
    let events = judged(&ModelSettings::new("bikes"), &figures, Some(&["temp", "hum"]), false, true);
    assert_eq!(events.iter().map(Event::word).collect::<Vec<_>>(), ["drift", "decision"]);
    expect_test::expect![[r#"
        alertname = ModelDriftDetected
        event = drift
        kind = event
        model = bikes
        outcome = drift
        severity = warning
        --
        description = WARNING: High data drift detected in production model. | Impact: Model predictions may degrade over time. Monitor closely and plan retraining. | Features: temp, hum
        drift_share = 54.2%
        drifted_features = 2
        field:01:Drift Share = 54.2%
        field:02:Production R² = 0.7234
        field:03:Drifted Features = 2
        production_r2 = 0.7234
        summary = 54.2% of the features of model bikes have drifted
        title = ⚠️ Data Drift Detected
    "#]].assert_eq(&show(&events[0].alert(Timestamp(0))));
    expect_test::expect![[r#"
        alertname = ModelRetrainingDecision
        at = 1970-01-01T00:00:00Z
        event = decision
        kind = event
        model = bikes
        outcome = watch
        severity = warning
        --
        description = Reason: drift share 54.2% is at least 50% and drift is detected
        drift_share = 54.2%
        field:01:Drift Share = 54.2%
        field:02:Production R² = 0.7234
        production_r2 = 0.7234
        summary = Decision about model bikes: watch
        title = 👀 Watch The Model
    "#]]
    .assert_eq(&show(&events[1].alert(Timestamp(0))));
}

#[test]
fn low_performance_names_its_line() {
    let figures = readings(&[("r2", 0.53214), ("rmse", 70.0), ("drift_share", 0.1), ("drift_detected", 0.0)]);
    let events = judged(&ModelSettings::new("bikes"), &figures, None, false, false);
    assert_eq!(events.iter().map(Event::word).collect::<Vec<_>>(), ["performance", "decision"]);
    expect_test::expect![[r#"
        alertname = ModelPerformanceLow
        event = performance
        kind = event
        model = bikes
        outcome = low
        severity = critical
        --
        description = CRITICAL: Model performance is below the critical line. | Reason: R2 0.5321 is below 0.65 | Action: Retrain now.
        field:01:Production R² = 0.5321
        field:02:RMSE = 70.00
        production_r2 = 0.5321
        production_rmse = 70.00
        summary = Performance of model bikes is low over 500 rows
        title = 🚨 Model Performance Critical
    "#]]
    .assert_eq(&show(&events[0].alert(Timestamp(0))));
    // Between the two lines it is a warning.
    let figures = readings(&[("r2", 0.68), ("drift_share", 0.1), ("drift_detected", 0.0)]);
    let events = judged(&ModelSettings::new("bikes"), &figures, None, false, false);
    assert_eq!((events[0].word(), events[0].severity(), events[1].outcome()), ("performance", DecisionSeverity::Warning, "nothing"));
}

#[test]
fn training_reads_as_the_mission_shows_it() {
    let told = |r2| Evaluation::told(&[(Metric::R2, r2), (Metric::Rmse, 50.0)], 9);
    let sets = |r2| TwoSets { baseline: told(0.9), current: told(r2) };
    let settings = DeploymentSettings::of(Metric::R2, &DeploymentThresholds::default());
    let decision = DeploymentDecision::of_figures(&settings, sets(0.7234), sets(0.7856), false, Timestamp(0));
    let event = Event::training_success(&ModelSettings::new("bikes"), &decision);
    expect_test::expect![[r#"
        alertname = ModelTrainingCompleted
        at = 1970-01-01T00:00:00Z
        event = training-success
        kind = event
        model = bikes
        outcome = deploy
        severity = info
        --
        description = Model training completed. | Decision: New model DEPLOYED to production | Reason: the challenger is better and nothing speaks against it; R2 on the current set: 0.7856 after 0.7234 (+0.0622), on the baseline set: 0.9000 after 0.9000 (+0.0000)
        field:01:New R² = 0.7856
        field:02:Old R² = 0.7234
        field:03:Improvement = +0.0622
        improvement = +0.0622
        new_r2 = 0.7856
        old_r2 = 0.7234
        summary = Training of model bikes completed: deploy
        title = 🚀 Training Completed
    "#]].assert_eq(&show(&event.alert(Timestamp(0))));
    let audit = event.audit(Timestamp(0));
    assert_eq!((&audit["reason"], &audit["decision"]), (&json!("no_rule"), &json!("deploy")));
    assert_eq!(audit["challenger"]["current"]["r2"], 0.7856);
    assert_eq!(audit["inputs"]["improvement"]["rows"], 9);
}

#[test]
fn unknown_is_told_as_unknown_and_a_forced_run_as_forced() {
    let settings = ModelSettings::new("bikes");
    let none: Readings =
        ["r2", "drift_share", "drift_detected"].map(|name| (name.to_owned(), Reading::unknown("there are no rows"))).into();
    assert_eq!(judged(&settings, &none, None, false, true), []);
    let events = judged(&settings, &none, None, false, false);
    assert_eq!(events.len(), 1);
    assert_eq!(
        events[0].audit(Timestamp(0)).to_string(),
        r#"{"at":"1970-01-01T00:00:00Z","event":"decision","model":"bikes","outcome":"unknown","severity":"warning","rule":"r2_critical","reason":"unknown","because":"R2 is unknown (there are no rows), so rule r2_critical cannot be judged","inputs":{"r2":{"unknown":"there are no rows"}}}"#
    );
    let forced = judged(&settings, &none, None, true, true);
    let alert = forced[0].alert(Timestamp(0));
    assert_eq!((alert.annotations.get("title"), alert.labels.get("outcome")), ("🔁 Retraining Forced", "retrain"));
    assert_eq!(forced[0].audit(Timestamp(0))["reason"], "forced");
}

#[test]
fn no_message_says_its_reason_twice() {
    let settings = ModelSettings { retraining: Policy::retraining(&crate::RetrainingThresholds::default()), ..ModelSettings::new("bikes") };
    let figures = readings(&[("r2", 0.5), ("drift_share", 0.542), ("drift_detected", 1.0)]);
    for event in judged(&settings, &figures, Some(&["temp"]), false, false) {
        let alert = event.alert(Timestamp(0));
        let (summary, description) = (alert.annotations.get("summary"), alert.annotations.get("description"));
        for sentence in description.split(['\n', ':']).map(str::trim).filter(|sentence| sentence.len() > 12) {
            assert!(!summary.contains(sentence), "{summary} | {description}");
        }
    }
}
