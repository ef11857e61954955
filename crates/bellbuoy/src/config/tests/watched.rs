//! Mistakes in `airflow:` and `mlflow:`.

use bellbuoy_sources::airflow::XcomType;
use bellbuoy_vocabulary::Millis;
use expect_test::{Expect, expect};

use super::{check_files, good};

fn check(text: &str, expected: Expect) {
    check_files(&[("bellbuoy.yml", text)], expected);
}

#[test]
fn servers() {
    check("airflow: [{dags: [a]}]\n", expect![[r#"bellbuoy.yml:1:11: "url" is missing in this airflow server; add `url: ...`"#]]);
    check(
        "airflow: [{url: 'airflow:8080'}]\n",
        expect![[r#"bellbuoy.yml:1:17: "url" is not a web address: it must begin with http:// or https://"#]],
    );
    check(
        "airflow: [{url: 'http://u:geheim@airflow:8080'}]\n",
        expect![[r#"bellbuoy.yml:1:17: a password does not belong into "url"; write `basic_auth: {username: ..., password_file: ...}`"#]],
    );
    check(
        "airflow: [{url: 'http://a/?x=1'}]\n",
        expect![[r#"bellbuoy.yml:1:17: "url" has a query; write the server's address with its base path only"#]],
    );
    check(
        "mlflow: [{url: http://m, interval: 10m, timeout: 0s, calls_per_poll: 3, model: [a]}]\n",
        expect![[r#"
        bellbuoy.yml:1:26: "interval" must be from 1s to 4m; the usual is 1m; series go stale after five minutes
        bellbuoy.yml:1:41: "timeout" must be more than 0s
        bellbuoy.yml:1:54: "calls_per_poll" must be from 10 to 10000; the usual is 40
        bellbuoy.yml:1:73: unknown field "model" in mlflow server; did you mean "models"?"#]],
    );
    check(
        "mlflow: [{url: http://m}, {url: 'http://m/'}]\n",
        expect![[r#"bellbuoy.yml:1:28: job "mlflow" and instance "m" are given twice; give them an `instance: NAME` of their own"#]],
    );
    check("airflow: [{url: http://a, dags: ['a(']}]\n", expect![[r#"bellbuoy.yml:1:34: bad regular expression "a(": unclosed group"#]]);
    check(
        "airflow: [{url: http://a, look_back: 1m, overlap: 2m}]\n",
        expect![[r#"bellbuoy.yml:1:42: "overlap" is longer than "look_back"; the usual is 5m of 7d"#]],
    );
}

/// A stack that starts with and without an Airflow at hand.
#[test]
fn an_address_that_is_not_set() {
    let text =
        "airflow: [{url: '${NO_SUCH_AIRFLOW:-}', dags: [d]}]\nmlflow: [{url: '${NO_SUCH_MLFLOW:-}'}, {url: 'http://${NO_SUCH_HOST:-m}'}]\n";
    let settings = good(&[("bellbuoy.yml", text)]);
    assert_eq!((settings.airflow.len(), settings.mlflow.len()), (0, 1));
    check("airflow: [{url: ''}]\n", expect![[r#"bellbuoy.yml:1:17: "url" is empty"#]]);
    check(
        "airflow: [{url: '${NO_SUCH_AIRFLOW:-}', dag: [d]}]\n",
        expect![[r#"bellbuoy.yml:1:41: unknown field "dag" in airflow server; did you mean "dags"?"#]],
    );
    check(
        "mlflow: [{url: http://m, listen: here}, {url: http://n, listen: ':1'}, {url: http://o, listen: ':1'}]\n",
        expect![[r#"
        bellbuoy.yml:1:34: "listen" is no address: "here"; write host and port: `127.0.0.1:9101`
        bellbuoy.yml:1:88: two servers have the same "listen"; give each a port of its own"#]],
    );
}

#[test]
fn attempts() {
    let check = |text: &str, expected: Expect| check(&format!("airflow:\n- url: http://a\n{text}"), expected);
    check(
        "  attempts: [{dag: d, task: t, metric: m}]\n",
        expect![[r#"bellbuoy.yml:3:3: "attempts" needs the tries of tasks; write `tasks: true`, or name the DAGs in `dags`"#]],
    );
    check(
        "  dags: [d]\n  attempts:\n  - {dag: d, task: t}\n  - {dag: e, task: t, metric: m, labels: {status: x}}\n  - {dag: d, task: t, metric: airflow_x, state_label: a-b}\n",
        expect![[r#"
            bellbuoy.yml:4:3: tries of DAG "e" are named, which "dags" leaves out; add the DAG to `dags`
            bellbuoy.yml:5:5: neither "metric" nor "duration" is given; `metric` counts tries, `duration` is a histogram of how long they took
            bellbuoy.yml:6:43: label "status" is filled in already
            bellbuoy.yml:7:31: metric "airflow_x" is one of our own; names that begin with airflow_ are taken
            bellbuoy.yml:7:55: "a-b" is no label name"#]],
    );
    check(
        "  dags: [d]\n  xcoms: [{dag: d, task: t, metric: m}]\n  attempts: [{dag: d, task: t, metric: m, duration: n}, {dag: d, task: u, duration: n}]\n",
        expect![[r#"
            bellbuoy.yml:5:3: metric "m" has another type elsewhere; one name has one type
            bellbuoy.yml:5:57: the same name is given twice with the same labels; give each a label of its own: `labels: {dag: ...}`"#]],
    );
}

#[test]
fn xcoms() {
    let check = |mappings: &str, expected: Expect| {
        let text = format!("airflow:\n- url: http://a\n  dags: [d]\n  xcoms:\n{mappings}");
        check(&text, expected);
    };
    check("  - {dag: d, task: t, metric: m}\n", expect![""]);
    check(
        "  - {dag: d}\n  - {dag: other, task: t, metric: m}\n",
        expect![[r#"
        bellbuoy.yml:4:3: XCom metric "m" is of DAG "other", which "dags" leaves out; add the DAG to `dags`
        bellbuoy.yml:5:5: "task" is missing in this XCom mapping; add `task: ...`
        bellbuoy.yml:5:5: "metric" is missing in this XCom mapping; add `metric: ...`"#]],
    );
    check(
        "  - {dag: d, task: t, metric: airflow_x}\n  - {dag: d, task: t, metric: a-b}\n",
        expect![[r#"
        bellbuoy.yml:5:31: metric "airflow_x" is one of our own; names that begin with airflow_ are taken
        bellbuoy.yml:6:31: "a-b" is no metric name; use letters, digits and _"#]],
    );
    check(
        "  - {dag: d, task: t, metric: m, type: gage, runs: al, latest: x}\n",
        expect![[r#"
        bellbuoy.yml:5:40: unknown type "gage"; did you mean "gauge"?
        bellbuoy.yml:5:52: unknown runs "al"; write success or any
        bellbuoy.yml:5:64: unknown latest "x"; write end or logical_date"#]],
    );
    check(
        "  - {dag: d, task: t, metric: m, value_label: v, path: a..b}\n",
        expect![[r#"
        bellbuoy.yml:5:34: "value_label" is of `type: count`; it counts runs by the value they have
        bellbuoy.yml:5:50: "path" has an empty step or too many; write the names of fields and positions in lists with dots between: `summary.drift_share`"#]],
    );
    check(
        "  - {dag: d, task: t, metric: m, type: count, value_label: v, labels: {v: x, instance: y}}\n",
        expect![[r#"
        bellbuoy.yml:5:72: label "v" is filled in already
        bellbuoy.yml:5:78: "instance" can not be a label here"#]],
    );
    check(
        "  - {dag: d, task: t, metric: m}\n  - {dag: d, task: u, metric: m}\n",
        expect![[
            r#"bellbuoy.yml:6:23: metric "m" is given twice with the same labels; give each a label of its own: `labels: {dag: ...}`"#
        ]],
    );
    check(
        "  - {dag: d, task: t, metric: m}\n  - {dag: d, task: u, metric: m, type: sum, labels: {a: b}}\n",
        expect![[r#"bellbuoy.yml:6:23: metric "m" is a gauge here and a counter there; one name has one type"#]],
    );
}

#[test]
fn a_whole_entry() {
    let text = r#"
airflow:
- url: https://airflow.example/base/
  instance: prod
  basic_auth: {username: bell, password: buoy}
  tls_config: {insecure_skip_verify: true}
  dags: [daily_.*, monitor_and_fine_tune]
  interval: 30s
  time_per_poll: 20s
  xcoms:
  - {dag: daily_prediction, task: predict, key: rmse, metric: bike_prediction_rmse, max_age: 2d}
  - {dag: monitor_and_fine_tune, task: tune, key: deployment_decision, metric: bike_model_deployments_total, type: count, value_label: decision}
mlflow:
- {url: http://mlflow:5000, models: [bike-.*], events: false}
"#;
    let settings = good(&[("bellbuoy.yml", text)]);
    let airflow = &settings.airflow[0];
    assert_eq!((airflow.server.url.as_str(), airflow.server.instance.as_str()), ("https://airflow.example/base", "prod"));
    assert!(!airflow.server.http.follow_redirects && airflow.settings.tasks && airflow.settings.login.is_some());
    assert_eq!(airflow.settings.xcoms[0].max_age, Millis(2 * 86_400_000));
    assert_eq!(airflow.settings.xcoms[1].kind, XcomType::Count { label: Some("decision".into()) });
    assert_eq!((settings.mlflow[0].server.instance.as_str(), settings.mlflow[0].events), ("mlflow:5000", false));
    assert!(!format!("{settings:?}").contains("buoy\""), "a password is never shown");
}
