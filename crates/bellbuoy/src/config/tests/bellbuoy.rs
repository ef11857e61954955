//! Mistakes in bellbuoy.yml, and a good one.

use expect_test::{Expect, expect};

use super::{check_files, good};

fn check(text: &str, expected: Expect) {
    check_files(&[("bellbuoy.yml", text), ("reference.csv", "a,b\n1,2\n")], expected);
}

/// The fields of one model after its name and reference.
fn check_model(lines: &str, expected: Expect) {
    check(&format!("models:\n- name: m\n  reference: reference.csv\n  {}\n", lines.replace('\n', "\n  ")), expected);
}

#[test]
fn models() {
    check(
        "models:\n- kind: regression\n",
        expect![[r#"
        bellbuoy.yml:2:3: "name" is missing in this model; add `name: ...`
        bellbuoy.yml:2:3: "reference" is missing in this model; add `reference: ...`
        bellbuoy.yml:2:3: warning: a model without features: drift is not judged; list them under features:"#]],
    );
    check(
        "models:\n- {name: ../m, reference: reference.csv, features: [a]}\n",
        expect![[r#"bellbuoy.yml:2:10: model name "../m" can not name a folder; use letters, digits, `-`, `_` and `.`"#]],
    );
    check(
        "models:\n- {name: m, reference: nowhere.csv, features: [a]}\n",
        expect![[r#"bellbuoy.yml:2:24: reference "nowhere.csv": no such file; the path counts from the folder of bellbuoy.yml"#]],
    );
    check(
        "models:\n- {name: m, reference: reference.csv, features: [a]}\n- {name: m, reference: reference.csv, features: [a]}\n",
        expect![[r#"bellbuoy.yml:3:10: model "m" is given twice; model names are unique"#]],
    );
    check_model(
        "features: [a]\nkind: classification",
        expect!["bellbuoy.yml:5:9: models of kind classification are not supported yet; regression is"],
    );
    check_model("features: [a]\nkind: forest", expect![[r#"bellbuoy.yml:5:9: unknown kind of model "forest"; write regression"#]]);
    check_model(
        "features: [a, a, {name: b, kind: number}, {kind: numeric}]",
        expect![[r#"
        bellbuoy.yml:4:17: feature "a" is given twice
        bellbuoy.yml:4:36: unknown kind of feature "number"
        bellbuoy.yml:4:45: "name" is missing in this feature; add `name: ...`"#]],
    );
    check_model(
        "target: a",
        expect!["bellbuoy.yml:2:3: warning: a model without features: drift is not judged; list them under features:"],
    );
    check_model(
        "features: [a]\nwindow_rows: 0\nrows_min: many",
        expect![[r#"
        bellbuoy.yml:5:3: "window_rows" must be from 1 to 1000000
        bellbuoy.yml:6:13: "rows_min" must be a whole number, not "many""#]],
    );
    check_model(
        "features: [a]\nwindow_rows: 10\nrows_min: 20",
        expect!["bellbuoy.yml:6:3: rows_min 20 is more than window_rows 10: the outcome would always be unknown"],
    );
    check_model("features: [a]\nschedule: 10ms", expect![[r#"bellbuoy.yml:5:3: "schedule" must be at least 1s"#]]);
    check_model(
        "features: [a]\ndrift: {p_value: 5, shares: 0.5}",
        expect![[r#"
        bellbuoy.yml:5:11: "p_value" must be from 0 to 1
        bellbuoy.yml:5:23: unknown field "shares" in drift; did you mean "share"?"#]],
    );
    check_model(
        "features: [a]\nretraining: {r2_critical: 0.8, drift_share: half}",
        expect![[r#"
        bellbuoy.yml:5:16: r2_critical 0.8 is above r2_warning 0.7; the critical line lies below the warning line
        bellbuoy.yml:5:47: "drift_share" must be a number, not "half""#]],
    );
    check_model("features: [a]\nretraining: {r2_critical: ~, rmse_critical: ~}\ndeployment: {improvement_min: 0.01}", expect![""]);
    check_model(
        "features: [a]\nmetric_prefix: 1-\nlabels: {a-b: c}",
        expect![[r#"
        bellbuoy.yml:5:18: metric_prefix "1-" can not begin a metric name; use letters, digits and `_`
        bellbuoy.yml:6:12: "a-b" can not be a label name; use letters, digits and `_`"#]],
    );
    check_model("features: [a]\nwindow: 5", expect![[r#"bellbuoy.yml:5:3: unknown field "window" in model; did you mean "window_rows"?"#]]);
}

#[test]
fn storage() {
    check("storage: {retention: 1s}\n", expect![[r#"bellbuoy.yml:1:11: "retention" must be at least 1m; the usual is 15d"#]]);
    check(
        "storage: {retention: 30d, notifications_retention: 7d, notifications_max: 500, retention_size: 10}\n",
        expect![[r#"bellbuoy.yml:1:96: "retention_size" is not a valid size: "10"; write for example 512KB, 10MB or 1GB"#]],
    );
    check("storage: {retention: 30d, retention_size: 10GB}\n", expect![""]);
    check("model: []\n", expect![[r#"bellbuoy.yml:1:1: unknown field "model" in bellbuoy.yml; did you mean "models"?"#]]);
}

#[test]
fn a_model_in_full() {
    let settings = good(&[
        (
            "conf/bellbuoy.yml",
            "models:\n- name: bike\n  kind: regression\n  reference: ../data/r.csv\n  features: [temp, {name: hr, kind: categorical}]\n  target: bikers\n  window_rows: 336\n  schedule: 30s\n  retraining: {rmse_critical: ~, r2_critical: 0.5}\n  metric_prefix: bike_\n  labels: {team: ml}\nstorage: {retention: 30d}\n",
        ),
        ("data/r.csv", "temp,hr\n"),
    ]);
    assert!(settings.models[0].reference.ends_with("conf/../data/r.csv"));
    expect![[r#"
        ModelSettings { name: "bike", kind: Regression, features: [Feature { name: "temp", kind: None }, Feature { name: "hr", kind: Some(Categorical) }], target: "bikers", windows: [WindowSettings { name: "336 rows", span: NewestRows(336) }], rows_min: 50, schedule: 30000ms, roles: Roles { champion: "champion", challengers: [] }, segments: [], drift: DriftSettings { preset: Default, p_value: 0.05, distance: 0.1, effect: 0.05, share: 0.5, tests: {}, time_columns: [], season: None, predictions: true }, quality: Expectations { rows_min: None, rows_max: None, age_max: None, share_rise_max: 0.05, range_margin: 0.1, lost_rows_min: 10.0, constant_rows_min: 20 }, intervals: None, estimates: true, detectors: [], retraining_lines: RetrainingThresholds { r2_critical: Some(0.5), r2_warning: Some(0.7), rmse_critical: None, drift_share: Some(0.5) }, retraining: Policy { rules: [Rule { name: "r2_critical", when: [Condition { figure: "r2", side: Value, test: Below, line: 0.5, clear: None, rows_min: 0 }], outcome: RetrainNow, severity: Critical, times_min: 1 }, Rule { name: "drift_and_r2_warning", when: [Condition { figure: "r2", side: Value, test: Below, line: 0.7, clear: None, rows_min: 0 }, Condition { figure: "drift_share", side: Value, test: AtLeast, line: 0.5, clear: None, rows_min: 0 }, Condition { figure: "drift_detected", side: Value, test: AtLeast, line: 1.0, clear: None, rows_min: 0 }], outcome: RetrainNow, severity: Critical, times_min: 1 }, Rule { name: "drift_alone", when: [Condition { figure: "drift_share", side: Value, test: AtLeast, line: 0.5, clear: None, rows_min: 0 }, Condition { figure: "drift_detected", side: Value, test: AtLeast, line: 1.0, clear: None, rows_min: 0 }], outcome: Watch, severity: Warning, times_min: 1 }, Rule { name: "r2_warning_without_drift", when: [Condition { figure: "r2", side: Value, test: Below, line: 0.7, clear: None, rows_min: 0 }], outcome: Nothing, severity: Warning, times_min: 1 }], otherwise: Nothing, unknown: Unknown, pending: Watch, forced: Forced, cool_down: None, interval: 0ms }, deployment: DeploymentSettings { metric: R2, lines: DeploymentThresholds { improvement_min: 0.0, baseline_regression_max: 0.05 }, told: Policy { rules: [Rule { name: "worse_on_baseline", when: [Condition { figure: "baseline_change", side: Value, test: Below, line: -0.05, clear: None, rows_min: 0 }], outcome: Reject, severity: Warning, times_min: 1 }, Rule { name: "worse_on_current", when: [Condition { figure: "improvement", side: Value, test: Below, line: 0.0, clear: None, rows_min: 0 }], outcome: Reject, severity: Warning, times_min: 1 }, Rule { name: "no_improvement", when: [Condition { figure: "improvement", side: Value, test: AtMost, line: 0.0, clear: None, rows_min: 0 }], outcome: Skip, severity: Info, times_min: 1 }], otherwise: Deploy, unknown: Reject, pending: Skip, forced: Deploy, cool_down: None, interval: 0ms }, paired: Policy { rules: [Rule { name: "worse_on_baseline", when: [Condition { figure: "baseline_change", side: Value, test: Below, line: -0.05, clear: None, rows_min: 0 }], outcome: Reject, severity: Warning, times_min: 1 }, Rule { name: "worse_on_current", when: [Condition { figure: "improvement", side: High, test: Below, line: 0.0, clear: None, rows_min: 0 }], outcome: Reject, severity: Warning, times_min: 1 }, Rule { name: "baseline_in_doubt", when: [Condition { figure: "baseline_change", side: Low, test: Below, line: -0.05, clear: None, rows_min: 0 }], outcome: Skip, severity: Info, times_min: 1 }, Rule { name: "within_noise", when: [Condition { figure: "improvement", side: Low, test: AtMost, line: 0.0, clear: None, rows_min: 0 }], outcome: Skip, severity: Info, times_min: 1 }], otherwise: Deploy, unknown: Skip, pending: Skip, forced: Deploy, cool_down: None, interval: 0ms }, rows_min: 50 }, retention_rows: 20000, metric_prefix: "bike_", labels: [("team", "ml")], metrics: [] }
        StorageSettings { retention: 2592000000ms, retention_size_bytes: 0, notifications: HistoryLimits { retention: 432000000ms, rows_max: 100000 } }"#]].assert_eq(&format!("{:?}\n{:?}", settings.models[0].settings, settings.storage));
}
