//! What the real servers answered.

use expect_test::{Expect, expect};

use super::super::settings::{Latest, RunsWanted, XcomMapping, XcomType};
use super::super::{value, wire};
use super::*;
use crate::call::{Answer, json};

fn file(name: &str) -> Vec<u8> {
    let path = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("src/airflow/fixtures").join(name);
    std::fs::read(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

#[test]
fn runs_of_both_versions() {
    let check = |name: &str, expected: Expect| {
        let page = wire::runs(&file(name)).expect("readable");
        let mut text = format!("{} of {}, problems {:?}\n", page.came, page.total, page.problems);
        for run in page.rows.iter().take(3) {
            let seconds = run.duration().map(|length| length.seconds());
            text.push_str(&format!("{} {} {} {seconds:?} {}\n", run.dag, run.id, run.state, run.end.rfc3339()));
        }
        expected.assert_eq(&text);
    };
    check(
        "v2/dag_runs_all.json",
        expect![[r#"
        14 of 14, problems []
        daily_prediction nonfinite failed Some(18.844) 2026-11-21T02:56:50.516Z
        daily_prediction odd success Some(18.451) 2026-11-21T02:56:50.049Z
        daily_prediction retry1 success Some(19.792) 2026-11-21T02:56:51.362Z
    "#]],
    );
    check(
        "v1/dag_runs_all.json",
        expect![[r#"
        11 of 11, problems []
        monitor_and_fine_tune fail1 failed Some(11.588) 2026-11-21T03:06:05.875Z
        monitor_and_fine_tune quiet success Some(20.919) 2026-11-21T03:05:52.452Z
        monitor_and_fine_tune drift success Some(481.534) 2026-11-21T03:05:30.405Z
    "#]],
    );
}

/// Skipped, never started, failed upstream: counted, but no duration.
#[test]
fn attempts_of_both_versions() {
    let check = |name: &str, expected: Expect| {
        let page = wire::attempts(&file(name)).expect("readable");
        let rows = page.rows.iter().map(|one| {
            let seconds = one.duration().map(|length| length.seconds());
            format!("{} [{}] try {} {} {seconds:?}\n", one.task, one.map_index, one.try_number, one.state)
        });
        expected.assert_eq(&rows.collect::<String>());
    };
    check(
        "v2/task_instances_retry.json",
        expect![[r#"
        validate_predictions [-1] try 1 success Some(1.037)
        predict_daily_data [-1] try 2 success Some(3.316)
    "#]],
    );
    check(
        "v1/task_instances_retry.json",
        expect![[r#"
        predict_daily_data [-1] try 2 success Some(1.441)
        validate_predictions [-1] try 1 success Some(5.006)
    "#]],
    );
    check(
        "v2/task_instances_quiet_skipped.json",
        expect![[r#"
        decide_fine_tune [-1] try 1 success Some(3.145)
        fine_tune_model [-1] try 0 skipped None
        end_monitoring [-1] try 1 success Some(1.747)
        monitor_drift [-1] try 1 success Some(14.168)
        validate_model [-1] try 1 success Some(4.454)
    "#]],
    );
    check(
        "v1/task_instances_quiet_skipped.json",
        expect![[r#"
        decide_fine_tune [-1] try 1 success Some(1.749)
        fine_tune_model [-1] try 0 skipped None
        end_monitoring [-1] try 1 success Some(1.919)
        monitor_drift [-1] try 1 success Some(2.544)
        validate_model [-1] try 1 success Some(2.459)
    "#]],
    );
    check(
        "v2/task_instances_failed_run.json",
        expect![[r#"
        decide_fine_tune [-1] try 0 upstream_failed None
        fine_tune_model [-1] try 0 upstream_failed None
        end_monitoring [-1] try 0 upstream_failed None
        monitor_drift [-1] try 1 success Some(1.163)
        validate_model [-1] try 1 failed Some(5.761)
    "#]],
    );
    check(
        "v2/task_instances_never_started.json",
        expect![[r#"
        fetch_to_bigquery [-1] try 1 failed None
        validate_ingestion [-1] try 0 upstream_failed None
    "#]],
    );
    check(
        "v1/task_instances_mapped.json",
        expect![[r#"
        score [0] try 1 success Some(1.388)
        score [1] try 1 success Some(1.572)
        score [2] try 1 success Some(1.574)
    "#]],
    );
}

#[test]
fn values_of_both_versions() {
    let check = |name: &str, path: &str, expected: Expect| {
        let mut text = String::new();
        for version in ["v1", "v2"] {
            let body = json(&file(&format!("{version}/xcom_{name}.json"))).expect("readable");
            let path: Vec<String> = path.split('.').filter(|step| !step.is_empty()).map(str::to_string).collect();
            let said = if body.get("value").is_none() {
                wire::detail(body.to_string().as_bytes())
            } else {
                format!("{:?}", value::find(&body["value"], &path).and_then(|value| value::number(&value)))
            };
            text.push_str(&format!("{version} {said}\n"));
        }
        expected.assert_eq(&text);
    };
    check(
        "rmse",
        "",
        expect![[r#"
        v1 Ok(48.25)
        v2 Ok(48.25)
    "#]],
    );
    check(
        "odd_bool",
        "",
        expect![[r#"
        v1 Ok(0.0)
        v2 Ok(0.0)
    "#]],
    );
    check(
        "odd_none",
        "",
        expect![[r#"
        v1 Err("None")
        v2 Err("None")
    "#]],
    );
    check(
        "odd_bigint",
        "",
        expect![[r#"
        v1 Ok(1.152921504606847e18)
        v2 Ok(1.152921504606847e18)
    "#]],
    );
    check(
        "odd_tiny",
        "",
        expect![[r#"
        v1 Ok(1.5e-300)
        v2 Ok(1.4999999999999998e-300)
    "#]],
    );
    check(
        "odd_numeric_string",
        "",
        expect![[r#"
        v1 Ok(0.75)
        v2 Ok(0.75)
    "#]],
    );
    check(
        "odd_unicode",
        "",
        expect![[r#"
        v1 Err("a text that is no number")
        v2 Err("a text that is no number")
    "#]],
    );
    check(
        "odd_list",
        "",
        expect![[r#"
        v1 Err("a text that is no number")
        v2 Err("a list; say with \"path\" which item")
    "#]],
    );
    check(
        "odd_list",
        "1",
        expect![[r#"
        v1 Ok(2.5)
        v2 Ok(2.5)
    "#]],
    );
    check(
        "odd_dict",
        "",
        expect![[r#"
        v1 Err("a text that is no number")
        v2 Err("an object; say with \"path\" which field")
    "#]],
    );
    check(
        "odd_dict",
        "nested.r2",
        expect![[r#"
        v1 Ok(0.5)
        v2 Ok(0.5)
    "#]],
    );
    check(
        "odd_dict",
        "flags.0",
        expect![[r#"
        v1 Ok(1.0)
        v2 Ok(1.0)
    "#]],
    );
    check(
        "odd_dict",
        "nested.rmse",
        expect![[r#"
        v1 Err("no \"rmse\" in it")
        v2 Err("no \"rmse\" in it")
    "#]],
    );
    check(
        "odd_repr",
        "drift_share",
        expect![[r#"
        v1 Ok(0.5)
        v2 Ok(0.5)
    "#]],
    );
    check(
        "odd_datetime",
        "",
        expect![[r#"
        v1 Err("a text that is no number")
        v2 Err("an object; say with \"path\" which field")
    "#]],
    );
    check(
        "monitor_drift_summary",
        "drift_share",
        expect![[r#"
        v1 Ok(0.5)
        v2 Ok(0.5)
    "#]],
    );
    check(
        "monitor_drift_report",
        "drifted_features.0",
        expect![[r#"
        v1 Err("a text that is no number")
        v2 Err("a text that is no number")
    "#]],
    );
    check(
        "tune_deployment_decision",
        "",
        expect![[r#"
        v1 Err("a text that is no number")
        v2 Err("a text that is no number")
    "#]],
    );
    check(
        "mapped_1",
        "",
        expect![[r#"
        v1 Ok(0.25)
        v2 Ok(0.25)
    "#]],
    );
    check(
        "odd_nan",
        "",
        expect![[r#"
        v1 Err("not finite")
        v2 XCom entry with key: `odd_nan` not found
    "#]],
    );
    check(
        "odd_inf",
        "",
        expect![[r#"
        v1 Err("not finite")
        v2 XCom entry with key: `odd_inf` not found
    "#]],
    );
    check(
        "404",
        "",
        expect![[r#"
        v1 XCom entry not found
        v2 XCom entry with key: `nope` not found
    "#]],
    );
}

#[test]
fn pythons_texts() {
    let check = |text: &str, path: &str, expected: Expect| {
        let path: Vec<String> = path.split('.').map(str::to_string).collect();
        expected.assert_eq(&format!("{:?}", value::find(&text.into(), &path).and_then(|value| value::number(&value))));
    };
    check("{'a': {'b': (1, 2.5,)}}", "a.b.1", expect!["Ok(2.5)"]);
    check(r#"{"it's": 'a \'q\'', 'n': nan, 'x': -3e-2}"#, "x", expect!["Ok(-0.03)"]);
    check("{'n': nan}", "n", expect![[r#"Err("not finite")"#]]);
    check("{'t': datetime.date(2025, 1, 2), 'x': 1}", "x", expect![[r#"Err("a text that is no object, where \"x\" is looked for")"#]]);
    check("{'a': 1", "a", expect![[r#"Err("a text that is no object, where \"a\" is looked for")"#]]);
    check("{1: 2}", "1", expect!["Ok(2.0)"]);
    check(
        &format!("{}1{}", "[".repeat(1000), "]".repeat(1000)),
        "0",
        expect![[r#"Err("a text that is no object, where \"0\" is looked for")"#]],
    );
    check("[1, 2, {'length': 7}]", "length", expect!["Ok(3.0)"]);
    check("{'length': 7}", "length", expect!["Ok(7.0)"]);
    check("plain", "a", expect![[r#"Err("a text that is no object, where \"a\" is looked for")"#]]);
}

#[test]
fn health_pools_and_lists() {
    for version in ["v1", "v2"] {
        let parts = wire::health(&file(&format!("{version}/health.json"))).expect("readable");
        let said: Vec<(&str, Option<bool>)> = parts.iter().map(|part| (part.name, part.healthy)).collect();
        let processor = if version == "v1" { None } else { Some(true) };
        assert_eq!(said, [("metadatabase", Some(true)), ("scheduler", Some(true)), ("triggerer", None), ("dag_processor", processor)]);
        assert!(parts[1].heartbeat.is_some_and(|at| at > NOW - minutes(600)), "{version}");
        assert_eq!(wire::total(&file(&format!("{version}/import_errors.json"))), Ok(1));
        let pools = wire::pools(&file(&format!("{version}/pools.json"))).expect("readable").rows;
        assert_eq!((pools[0].name.as_str(), pools[0].open_slots), ("default_pool", Some(128.0)));
        assert!(wire::dags(&file(&format!("{version}/dags.json"))).expect("readable").rows.len() >= 3);
    }
    for version in ["v1", "v2"] {
        let stats = wire::stats(&file(&format!("{version}/dag_stats.json"))).expect("readable");
        assert!(stats.contains(&("daily_fetch_bike_data".into(), "failed".into(), 1.0)), "{version}");
    }
    let down = wire::health(&file("v2/health_scheduler_down.json")).expect("readable");
    assert_eq!(down.iter().find(|part| part.name == "scheduler").and_then(|part| part.healthy), Some(false));
}

/// Version 3 from its token to its first page, by recorded answers; then its token expires.
#[test]
fn a_token_is_asked_for_and_renewed_once() {
    let login = Some(("bell".to_string(), bellbuoy_vocabulary::Secret::new("buoy")));
    let (mut airflow, _) = Airflow::new(AirflowSettings { login, ..AirflowSettings::default() }, None);
    let mut text = String::new();
    let mut expired = 0;
    airflow.begin(NOW);
    while let Some(call) = airflow.next(NOW) {
        let (status, name) = match call.endpoint {
            "version" => (200, "version"),
            "token" => (201, "auth_token_ok"),
            "health" => (200, "health"),
            "importErrors" => (200, "import_errors"),
            "pools" if expired == 0 => {
                expired += 1;
                (401, "err_expired_token")
            }
            "dagStats" => (200, "dag_stats"),
            "dagRuns" if call.path.contains("state=running") => (200, "dag_runs_all"),
            "pools" => (200, "pools"),
            "dags" => (200, "dags"),
            "dagRuns" => (403, "err_bad_token"),
            other => panic!("{other} is not asked for"),
        };
        text.push_str(&format!("{} {}\n", call.method, call.path));
        let body = file(&format!("v2/{name}.json"));
        airflow.answer(Ok(Answer { status, body, cut: false, server_time: None }), NOW);
    }
    expect![[r#"
        GET /api/v2/version
        GET /api/v2/monitor/health
        POST /auth/token
        GET /api/v2/importErrors?limit=1
        GET /api/v2/pools?limit=100
        POST /auth/token
        GET /api/v2/pools?limit=100
        GET /api/v2/dags/~/dagRuns?limit=100&state=running&order_by=start_date
        GET /api/v2/dags?limit=100&offset=0&order_by=dag_id
        GET /api/v2/dagStats
        GET /api/v2/dags/~/dagRuns?limit=100&offset=0&end_date_gte=2026-11-21T02:55:00Z&end_date_lte=2026-11-21T03:00:00Z&order_by=end_date
    "#]]
    .assert_eq(&text);
    assert_eq!(airflow.problems(), ["dagRuns: HTTP status 403: Invalid JWT token"]);
    assert!(!airflow.is_up());
}

/// What each refusal is called; none of them shows a password.
#[test]
fn refusals_in_words() {
    let check = |answers: &[(u16, &[u8])], expected: Expect| {
        let login = Some(("bell".to_string(), bellbuoy_vocabulary::Secret::new("buoy")));
        let (mut airflow, _) = Airflow::new(AirflowSettings { login, ..AirflowSettings::default() }, None);
        airflow.begin(NOW);
        for (status, body) in answers {
            assert!(airflow.next(NOW).is_some());
            airflow.answer(Ok(Answer { status: *status, body: body.to_vec(), cut: false, server_time: None }), NOW);
        }
        while airflow.next(NOW).is_some() {
            airflow.answer(Err("no more answers".into()), NOW);
        }
        assert!(!airflow.is_up());
        expected.assert_eq(&airflow.problems().join("\n"));
    };
    let (two, three) = (file("v1/version.json"), file("v2/version.json"));
    let health = file("v2/health.json");
    check(
        &[(200, &three), (200, &health), (401, &file("v2/auth_token_bad.json"))],
        expect!["user or password is refused: HTTP status 401: Invalid credentials"],
    );
    let v1 = [(404, &b"<html>"[..]), (200, &two), (200, &file("v1/health.json"))];
    let no = file("v1/err_bad_password.json");
    check(
        &[v1[0], v1[1], v1[2], (403, &no), (403, &no), (403, &no), (403, &no), (403, &no)],
        expect![[r#"
            importErrors: HTTP status 403: Forbidden
            pools: HTTP status 403: Forbidden
            dagRuns: HTTP status 403: Forbidden
            dags: HTTP status 403: Forbidden"#]],
    );
    check(
        &[(404, b"<html>"), (404, b"<html>")],
        expect!["neither /api/v2/version nor /api/v1/version is there; is the address right, with its base path?"],
    );
    check(&[(200, b"<html>log in</html>")], expect!["version: an HTML page instead of JSON (a login page or a proxy?)"]);
    check(&[(302, b"")], expect!["version: HTTP status 302"]);
    check(&[(200, &three), (503, b"")], expect!["health: HTTP status 503"]);
}

/// The mapping of the metrics that the bike stack has, on its own XComs.
#[test]
fn xcoms_become_metrics() {
    let mapping = |task: &str, key: &str, path: &str, metric: &str, kind: XcomType| XcomMapping {
        dag: "monitor_and_fine_tune".into(),
        task: task.into(),
        key: key.into(),
        map_index: None,
        path: path.split('.').filter(|step| !step.is_empty()).map(str::to_string).collect(),
        metric: metric.into(),
        kind,
        labels: vec![("model".into(), "bike".into())],
        runs: RunsWanted::Success,
        latest: Latest::End,
        max_age: minutes(60),
    };
    let decision = XcomType::Count { label: Some("decision".into()) };
    let xcoms = vec![
        mapping("monitor_drift", "drift_share", "", "bike_drift_share", XcomType::Gauge),
        mapping("monitor_drift", "drift_summary", "drift_detected", "bike_drift_detected", XcomType::Gauge),
        mapping("fine_tune_model", "deployment_decision", "", "bike_model_deployments_total", decision),
        mapping("fine_tune_model", "deployment_decision", "", "bike_decision", XcomType::Gauge),
    ];
    let (mut airflow, _) = Airflow::new(AirflowSettings { xcoms, ..AirflowSettings::default() }, None);
    let mut fake = Fake::new(true);
    fake.dags.push(("monitor_and_fine_tune".into(), false));
    let value = |name: &str| json(&file(&format!("v2/xcom_{name}.json"))).expect("readable")["value"].clone();
    for run in ["old", "a", "b/é", "c", "bad"] {
        for (task, key, name) in [
            ("monitor_drift", "drift_share", "monitor_drift_share"),
            ("monitor_drift", "drift_summary", "monitor_drift_summary"),
            ("fine_tune_model", "deployment_decision", "tune_deployment_decision"),
        ] {
            // Run c took the other branch.
            if (run, task) != ("c", "fine_tune_model") {
                fake.xcoms.push((["monitor_and_fine_tune", run, task, key].map(str::to_string), value(name)));
            }
        }
    }
    let run = |id: &str, state, end| fake::FakeRun::ended("monitor_and_fine_tune", id, state, end - minutes(2), end);
    fake.runs.push(run("old", "success", NOW - minutes(30)));
    poll(&mut airflow, &mut fake, NOW);
    let names =
        ["bike_drift_share", "bike_drift_detected", "bike_model_deployments_total", "bike_decision", "bike_drift_share_timestamp_seconds"];
    let said = |airflow: &Airflow, now| names.map(|name| values(&airflow.families(now), name).join("; ")).join("\n");
    expect![[r#"
        model=bike 0.5
        model=bike 1


        model=bike 1795228200"#]]
    .assert_eq(&said(&airflow, NOW));
    let later = NOW + minutes(10);
    for (id, state) in [("a", "success"), ("b/é", "success"), ("c", "success"), ("bad", "failed")] {
        fake.runs.push(run(id, state, later - minutes(1)));
    }
    poll(&mut airflow, &mut fake, later);
    let mut airflow = restarted(&airflow);
    poll(&mut airflow, &mut fake, later + minutes(1));
    expect![[r#"
        model=bike 0.5
        model=bike 1
        decision=deploy,model=bike 2

        model=bike 1795230540"#]]
    .assert_eq(&said(&airflow, later));
    // Nobody believes a gauge that is older than its bound; a counter stays.
    expect![[r#"


        decision=deploy,model=bike 2

    "#]]
    .assert_eq(&said(&airflow, later + minutes(120)));
}
