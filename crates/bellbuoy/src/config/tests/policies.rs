//! Rules for retraining and deployment in bellbuoy.yml: mistakes, and good ones.

use bellbuoy_models::{Metric, Side, Test};
use bellbuoy_vocabulary::Millis;
use expect_test::expect;

use super::good;
use super::models::check_model;

#[test]
fn lines() {
    check_model(
        "retraining: {r2_critical: 0.8, drift_share: half}",
        expect![[r#"
            bellbuoy.yml:4:16: r2_critical 0.8 is better than r2_warning 0.7; the warning line has to be crossed before the critical one
            bellbuoy.yml:4:47: "drift_share" must be a number, not "half""#]],
    );
    check_model(
        "retraining: {rmse_critical: 10, rmse_warning: 20}",
        expect![
            "bellbuoy.yml:4:16: rmse_critical 10 is better than rmse_warning 20; the warning line has to be crossed before the critical one"
        ],
    );
    check_model(
        "retraining: {r2_critical: ~, rmse_critical: ~, mean_error_warning: 3}\ndeployment: {improvement_min: 0.01}",
        expect![[r#""#]],
    );
    check_model(
        "retraining: {roc_auc_critical: 0.8, r2_critcal: 0.6}",
        expect![[r#"
            bellbuoy.yml:4:16: "roc_auc_critical" is of another kind of model; see `kind`
            bellbuoy.yml:4:39: unknown field "r2_critcal" in retraining; did you mean "r2_critical"?"#]],
    );
    check_model("kind: classification\nclasses: [no, yes]\nretraining: {roc_auc_critical: 0.8, roc_auc_warning: 0.9}", expect![[r#""#]]);
    check_model(
        "windows: [{rows: 100}]\nrows_min: 50\nretraining: {rows_min: 200, times_min: 0, cool_down: soon}",
        expect![[r#"
        bellbuoy.yml:6:16: rows_min 200 is more than the window's 100 rows: every figure would be unknown
        bellbuoy.yml:6:31: "times_min" must be from 1 to 10000
        bellbuoy.yml:6:56: "cool_down" is not a valid duration: "soon"; write for example 15s, 5m or 1h30m"#]],
    );
}

#[test]
fn rules() {
    check_model(
        "retraining: {r2_critical: 0.6, rules: [{name: low, when: {figure: r2, below: 0.65}, outcome: retrain}]}",
        expect![[
            r#"bellbuoy.yml:4:16: "r2_critical" is a line of the default rules, and there are rules; write it as a rule, or remove `rules`"#
        ]],
    );
    check_model(
        "features: [a]\nretraining:\n  rules:\n  - {name: low, when: {figure: r22, below: 0.65}, outcome: retrian}\n  - {name: low, when: [{figure: weather, above: 1}]}",
        expect![[r#"
            bellbuoy.yml:7:34: the model has no figure "r22"; did you mean "r2"?
            bellbuoy.yml:7:62: unknown outcome "retrian"; write retrain, watch, nothing, unknown; did you mean "retrain"?
            bellbuoy.yml:8:7: a rule without "outcome"; add for example `outcome: retrain`
            bellbuoy.yml:8:35: the model has no figure "weather"; there are r2, rmse, mae, mape, mean_error, median_absolute_error, absolute_error_p90, absolute_error_p95, absolute_error_p99, max_error, error_p05, error_p50 and more"#]],
    );
    check_model(
        "features: [a]\nretraining:\n  rules:\n  - {name: x, when: {figure: r2}, outcome: watch}\n  - {name: y, when: {figure: r2, below: 1, above: 0}, outcome: watch}\n  - {name: z, when: [], outcome: watch, severity: loud}\n  - {name: w, outcome: watch}",
        expect![[r#"
            bellbuoy.yml:7:23: a condition without a line; write one of below, at_most, above and at_least with a number
            bellbuoy.yml:8:23: a condition with 2 lines; write one of below, at_most, above and at_least with a number
            bellbuoy.yml:9:23: a rule with no condition would always hold and hide those after it
            bellbuoy.yml:9:53: unknown severity "loud"; write info, warning, critical
            bellbuoy.yml:10:7: a rule without "when" would always hold and hide those after it; add for example `when: {figure: r2, below: 0.65}`"#]],
    );
    check_model(
        "features: [a]\nretraining:\n  rules:\n  - {name: x, when: {figure: r2, below: 0.65, clear: 0.6}, outcome: watch}\n  - {name: y, when: {figure: drift_share, at_least: 0.5, side: high}, outcome: watch}\n  - {name: z, when: {figure: 'feature_drift_score:b', below: 0.5, rows_mn: 7}, outcome: watch}",
        expect![[r#"
            bellbuoy.yml:7:49: r2 would clear at 0.6 before it reaches its line 0.65; the figure has to come back beyond its line to clear
            bellbuoy.yml:8:60: "drift_share" has no interval, so its upper end is always unknown; remove `side`
            bellbuoy.yml:9:32: the model has no figure "feature_drift_score:b"; did you mean "feature_drift_score:a"?
            bellbuoy.yml:9:69: unknown field "rows_mn" in condition; did you mean "rows_min"?"#]],
    );
    // Which features there are is not known yet.
    check_model("retraining: {rules: [{name: x, when: {figure: 'feature_drift_score:a', below: 0.5}, outcome: watch}]}", expect![[r#""#]]);
    check_model(
        "windows: [{rows: 100}, {time: 7d, name: week}]\nrows_min: 50\nretraining: {rules: [{name: x, when: {figure: r2@week, below: 0.5, rows_min: 101}, outcome: watch}, {name: y, when: {figure: r2, below: 0.5, rows_min: 101}, outcome: watch}]}",
        expect!["bellbuoy.yml:6:144: rows_min 101 is more than the window's 100 rows: the figure would always be unknown"],
    );
}

#[test]
fn deployment() {
    check_model(
        "deployment: {metric: roc_auc, improvement_min: more, baseline_regression_max: -1}",
        expect![[r#"
        bellbuoy.yml:4:24: unknown metric "roc_auc" of a model of this kind; write one of r2, rmse, mae, mape, mean_error, median_absolute_error, absolute_error_p90, absolute_error_p95, absolute_error_p99, max_error, error_p05, error_p50, error_p95
        bellbuoy.yml:4:50: "improvement_min" must be a number, not "more"
        bellbuoy.yml:4:56: "baseline_regression_max" must not be negative"#]],
    );
    check_model(
        "deployment: {metric: rmes, unknown: retrain}",
        expect![[r#"
            bellbuoy.yml:4:24: unknown metric "rmes" of a model of this kind; did you mean "rmse"?
            bellbuoy.yml:4:39: unknown unknown "retrain"; write deploy, skip, reject"#]],
    );
    check_model(
        "deployment: {improvement_min: 1, rules: [{name: slow, when: {figure: challenger_curent_rmse, above: 60, clear: 50}, outcome: reject}]}",
        expect![[r#"
            bellbuoy.yml:4:16: "improvement_min" is a line of the default rules, and there are rules; write it as a rule
            bellbuoy.yml:4:36: rule "slow": `clear` and `times_min` are of rules for retraining; each challenger is judged once: remove them
            bellbuoy.yml:4:72: the model has no figure "challenger_curent_rmse"; did you mean "challenger_current_rmse"?"#]],
    );
    check_model(
        "deployment: {metric: rmse, rules: [{name: worse, when: {figure: improvement, side: low, at_most: 0}, outcome: skip}]}",
        expect![[r#""#]],
    );
}

#[test]
fn rules_as_they_are_read() {
    let text = r#"
models:
- name: m
  reference: r.csv
  features: [a]
  schedule: 5m
  retraining:
    times_min: 2
    rows_min: 20
    cool_down: 6h
    unknown: watch
    rules:
    - name: surely_low
      when: [{figure: r2, side: high, below: 0.65, clear: 0.7, rows_min: 30}, {figure: drift_share, at_least: 0.3}]
      outcome: retrain
      severity: critical
      times_min: 3
    - {name: low, when: {figure: r2, below: 0.7}, outcome: watch}
  deployment: {metric: rmse, rows_min: 70, improvement_min: 2}
"#;
    let settings = good(&[("bellbuoy.yml", text), ("r.csv", "a,target\n1,2\n")]);
    let settings = &settings.models[0].settings;
    let policy = &settings.retraining;
    let shown: Vec<String> = policy
        .rules
        .iter()
        .map(|rule| {
            let when: Vec<String> = rule
                .when
                .iter()
                .map(|c| format!("{} {:?} {:?} {} clear {:?} of {}", c.figure, c.side, c.test, c.line, c.clear, c.rows_min))
                .collect();
            format!("{} {} {} x{}: {}", rule.name, rule.outcome.word(), rule.severity.word(), rule.times_min, when.join(" & "))
        })
        .collect();
    assert_eq!(
        shown,
        [
            "surely_low retrain critical x3: r2 High Below 0.65 clear Some(0.7) of 30 & drift_share Value AtLeast 0.3 clear None of 20",
            "low watch warning x2: r2 Value Below 0.7 clear None of 20",
        ]
    );
    assert_eq!((policy.unknown.word(), policy.otherwise.word(), policy.interval), ("watch", "nothing", Millis::from_minutes(5)));
    assert_eq!(policy.cool_down.map(|cool_down| cool_down.length), Some(Millis::from_minutes(360)));
    let deployment = &settings.deployment;
    assert_eq!((deployment.metric, deployment.rows_min), (Metric::Rmse, 70));
    let last = &deployment.paired.rules[3].when[0];
    assert_eq!((last.figure.as_str(), last.side, last.test, last.line), ("improvement", Side::Low, Test::AtMost, 2.0));
}
