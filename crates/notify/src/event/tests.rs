//! What events become, and what is refused.

use bellbuoy_vocabulary::{Alert, Millis, Timestamp};
use expect_test::{Expect, expect};
use serde_json::{Value, json};

use super::{Event, KINDS};

const NOW: Timestamp = Timestamp(1_768_298_400_000);

fn show(alert: &Alert) -> String {
    let line = |(name, value): (&str, &str)| format!("{name} = {}\n", value.replace('\n', " | "));
    let labels: String = alert.labels.iter().map(line).collect();
    let annotations: String = alert.annotations.iter().map(line).collect();
    format!("{labels}--\n{annotations}")
}

fn alert(event: Value) -> Alert {
    Event::read(&event, NOW).unwrap_or_else(|problems| panic!("{event}: {problems:?}")).alert("e1", Millis::from_minutes(5), NOW)
}

fn check(event: Value, expected: Expect) {
    expected.assert_eq(&show(&alert(event)));
}

fn problems(event: Value) -> Vec<String> {
    Event::read(&event, NOW).err().unwrap_or_default()
}

#[test]
fn drift_reads_as_the_mission_shows_it() {
    check(
        json!({"kind": "drift", "fields": {"drift_share": 0.542, "r2": 0.72344, "drifted_features": 8}}),
        expect![[r#"
            alertname = ModelDriftDetected
            event = drift
            event_id = e1
            kind = event
            outcome = drift
            severity = warning
            --
            description = Impact: Model predictions may degrade over time. Monitor closely and plan retraining.
            drift_share = 54.2%
            drifted_features = 8
            field:01:Drift Share = 54.2%
            field:02:Production R² = 0.7234
            field:03:Drifted Features = 8
            r2 = 0.7234
            summary = WARNING: High data drift detected in production model.
            title = ⚠️ Data Drift Detected
        "#]],
    );
}

#[test]
fn training_success_counts_its_improvement() {
    check(
        json!({"kind": "training_success", "model": "bikes", "fields": {"old_r2": "0.7234", "new_r2": 0.7856, "deployment_decision": "deploy", "duration": "10m"}, "footer": "MLOps Bike Traffic Monitoring"}),
        expect![[r#"
            alertname = ModelTrainingCompleted
            event = training-success
            event_id = e1
            kind = event
            model = bikes
            outcome = deploy
            severity = info
            --
            decision = deploy
            description = Decision: New model DEPLOYED to production
            duration = 10m 0s
            field:01:New R² = 0.7856
            field:02:Old R² = 0.7234
            field:03:Improvement = +0.0622
            field:04:Duration = 10m 0s
            field:05:model = bikes
            footer = MLOps Bike Traffic Monitoring
            improvement = +0.0622
            new_r2 = 0.7856
            old_r2 = 0.7234
            summary = Model training completed.
            title = 🚀 Training Completed
        "#]],
    );
}

#[test]
fn training_failure_reads_as_the_mission_shows_it() {
    check(
        json!({"kind": "training-failure", "labels": {"team": "ml", "alertname": "MyName"}, "fields": {"error": "Training API timeout (>10 minutes)", "dag_run_id": "manual__2025-11-04T10:30:00+00:00"}}),
        expect![[r#"
            alertname = MyName
            event = training-failure
            event_id = e1
            kind = event
            outcome = failure
            severity = critical
            team = ml
            --
            dag_run_id = manual__2025-11-04T10:30:00+00:00
            description = Impact: No new model available for deployment. | Action: Check Airflow logs for details
            error = Training API timeout (>10 minutes)
            field:01:Error = Training API timeout (>10 minutes)
            field:02:DAG Run ID = manual__2025-11-04T10:30:00+00:00
            field:03:team = ml
            summary = CRITICAL: Model training pipeline failed.
            title = 🚨 Training Pipeline Failed
        "#]],
    );
}

#[test]
fn a_word_of_ones_own_is_told_too() {
    check(
        json!({"kind": "model-retired", "summary": "Nobody asks it any more.", "fields": {"age_days": 400, "share": 0.123456, "tags": ["a", "b"]}, "link": "https://x/y"}),
        expect![[r#"
            alertname = ModelRetired
            event = model-retired
            event_id = e1
            kind = event
            severity = info
            --
            age_days = 400
            field:01:Age Days = 400
            field:02:Share = 0.1235
            field:03:Tags = a, b
            share = 0.1235
            summary = Nobody asks it any more.
            tags = a, b
            title = Model Retired
        "#]],
    );
}

#[test]
fn what_it_is_called_follows_from_what_happened() {
    for (event, title, severity, outcome) in [
        (json!({"kind": "performance", "fields": {"r2": 0.68}}), "⚠️ Model Performance Declining", "warning", "low"),
        (json!({"kind": "performance", "fields": {"r2": 0.6, "r2_critical": 0.65}}), "🚨 Model Performance Critical", "critical", "low"),
        (json!({"kind": "performance", "fields": {"rmse": 61, "rmse_critical": 60}}), "🚨 Model Performance Critical", "critical", "low"),
        (json!({"kind": "performance", "severity": "critical", "fields": {"r2": 0.6}}), "🚨 Model Performance Critical", "critical", "low"),
        (json!({"kind": "training-success", "fields": {"decision": "skip"}}), "⏭️ Training Completed", "info", "skip"),
        (json!({"kind": "training-success", "fields": {"decision": "REJECT"}}), "❌ Training Completed", "info", "reject"),
        (json!({"kind": "api-error", "fields": {"error": "502"}}), "🚨 API Error", "critical", "failure"),
        (json!({"kind": "api-error", "severity": "warning", "fields": {"error": "502"}}), "⚠️ API Error", "warning", "failure"),
        (json!({"kind": "champion-promotion", "fields": {"model_version": 12}}), "🏆 Champion Promoted", "info", "success"),
        (json!({"kind": "ingestion-failure", "fields": {"error": "no records"}}), "🚨 Data Ingestion Failed", "critical", "failure"),
        (json!({"kind": "prediction-failure", "fields": {"error": "nan"}}), "🚨 Prediction Failed", "critical", "failure"),
        (json!({"kind": "service-down", "fields": {"service": "api"}}), "🚨 Service Down", "critical", "down"),
        (json!({"kind": "dag-completion", "fields": {"dag_id": "d", "state": "success"}}), "✅ DAG Completed", "info", "success"),
        (json!({"kind": "dag-completion", "fields": {"dag_id": "d", "state": "failed"}}), "🚨 DAG Failed", "critical", "failure"),
    ] {
        let alert = alert(event.clone());
        let found = (alert.annotations.get("title"), alert.labels.get("severity"), alert.labels.get("outcome"));
        assert_eq!(found, (title, severity, outcome), "{event}");
    }
}

#[test]
fn numbers_have_their_units() {
    for (kind, key, value, text) in [
        ("drift", "drift_share", json!("54.2%"), "54.2%"),
        ("drift", "drift_share", json!("0.5"), "50.0%"),
        ("drift", "drifted_features", json!(8.0), "8"),
        ("performance", "rmse", json!(60.126), "60.13"),
        ("performance", "r2", json!("NaN"), "unknown"),
        ("performance", "r2", json!(null), "unknown"),
        ("performance", "threshold", json!(0.7), "0.7"),
        ("performance", "mae", json!(1e300), "1e300"),
        ("training-success", "improvement", json!(-0.01), "-0.0100"),
        ("training-success", "duration", json!(61.5), "1m 1s"),
        ("service-down", "down_for", json!("1h30m"), "1h 30m 0s"),
        ("custom", "x", json!(1e-9), "1e-9"),
        ("custom", "x", json!(true), "yes"),
        ("custom", "x", json!(0.5), "0.5"),
        ("custom", "x", json!(12345678901234567890u64), "12345678901234567890"),
    ] {
        let mut fields = json!({"drift_share": 0.1, "decision": "skip", "service": "s"});
        let needed = ["drift_share", "decision", "service"].into_iter().zip(["drift", "training-success", "service-down"]);
        for (name, of) in needed {
            if of != kind {
                fields.as_object_mut().expect("an object").remove(name);
            }
        }
        fields[key] = value.clone();
        let alert = alert(json!({"kind": kind, "fields": fields}));
        let name = if key == "down_for" { "duration" } else { key };
        assert_eq!(alert.annotations.get(name), text, "{kind} {key} {value}");
    }
}

#[test]
fn all_that_is_wrong_is_said_at_once() {
    let mut found = problems(json!({
        "kind": "drift", "labls": {}, "severity": "bad", "window": "5x", "at": "yesterday", "link": "ftp://x",
        "labels": {"event": "x", "__a": "b", "ok": {}, "severity": "warning"},
        "fields": {"drift_share": 54.2, "drifted_feature": 8, "r2": "good", "title": "x", "drifted_features": 1.5},
    }));
    found.sort();
    expect![[r#"
        at: "yesterday" is not a time; write RFC 3339, such as 2026-01-13T10:00:00Z
        fields.drift_share: is 54.2, but a share is between 0 and 1: write 0.542 or "54.2%"
        fields.drifted_features: must be a whole number, not 1.5
        fields.r2: must be a number, not "good"
        fields.title: belongs beside "fields", not into it
        labels.__a: is not a label's name; it has 1 to 64 characters and does not begin with __
        labels.event: is set by bellbuoy; take another name
        labels.ok: must be a text, not an object
        labels.severity: is "warning", but severity says otherwise
        labls: unknown; did you mean "labels"?
        link: is not an address; it begins with http:// or https:// and has no spaces
        severity: "bad" is not known; write critical, error, warning, info or none
        window: not a valid duration: "5x"; write for example 15s, 5m or 1h30m
        window: says how long a key is remembered, and there is no key; add `key`"#]]
    .assert_eq(&found.join("\n"));
}

#[test]
fn slips_of_the_pen_are_no_words_of_ones_own() {
    for (event, problem) in [
        (json!({"kind": "drfit"}), r#"kind: "drfit" is not known; did you mean "drift"?"#),
        (json!({"kind": "Model Retired"}), r#"kind: "Model Retired" is not a word of a-z, 0-9 and -, such as model-retired"#),
        (json!({"kind": 5}), "kind: must be a text, not a number"),
        (json!({"kind": "drift"}), "fields.drift_share: missing"),
        (
            json!({"kind": "drift", "fields": {"drift_share": 0.5, "production_r2": 1, "r2": 1}}),
            r#"fields.r2: is said twice, as "r2" and as "production_r2""#,
        ),
        (json!({"kind": "performance", "fields": {"accurracy": 0.5}}), r#"fields.accurracy: not known; did you mean "accuracy"?"#),
        (
            json!({"kind": "training-success", "fields": {"decision": "maybe"}}),
            r#"fields.decision: must be deploy, skip or reject, not "maybe""#,
        ),
        (json!({"kind": "api-error", "fields": {"error": ""}}), "fields.error: is empty"),
        (json!({"kind": "custom", "fields": {"x": {"y": 1}}}), "fields.x: must be a text, a number or a list, not an object"),
        (json!({"kind": "custom", "model": "a", "labels": {"model": "b"}}), "model: is said twice, here and in labels"),
        (json!([1]), "an event is an object, not a list"),
    ] {
        assert_eq!(problems(event.clone()), [problem], "{event}");
    }
    assert!(problems(json!({}))[0].starts_with("kind: missing; write one of drift, performance, "));
}

#[test]
fn everything_has_a_bound() {
    let long = "x".repeat(5000);
    let many: serde_json::Map<String, Value> = (0..100).map(|at| (format!("f{at}"), json!(at))).collect();
    for event in [
        json!({"kind": long}),
        json!({"kind": "custom", "title": long}),
        json!({"kind": "custom", "key": long, "summary": long, "description": long, "footer": long}),
        json!({"kind": "custom", "labels": {"a": long}}),
        json!({"kind": "custom", "labels": {&long: "a"}}),
        json!({"kind": "custom", "fields": {"a": long}}),
        json!({"kind": "custom", "fields": {&long: "a"}}),
        json!({"kind": "custom", "fields": many}),
        json!({"kind": "custom", "labels": many}),
        json!({"kind": "custom", "key": "k", "window": "32d"}),
        json!({"kind": "custom", "at": "2025-01-13T10:00:00Z"}),
        json!({"kind": "custom", "at": "2027-01-13T10:00:00Z"}),
    ] {
        let found = problems(event);
        assert!(!found.is_empty() && found.iter().all(|problem| problem.len() < 400), "{found:?}");
    }
}

#[test]
fn kinds_have_words_and_fields_of_their_own() {
    for kind in KINDS {
        assert!(kind.word.bytes().all(|byte| byte.is_ascii_lowercase() || byte == b'-'), "{}", kind.word);
        for field in kind.fields {
            let same = kind.fields.iter().filter(|other| other.key == field.key || other.name == field.name || other.alias == field.key);
            assert_eq!(same.count(), 1, "{} {}", kind.word, field.key);
        }
    }
}
