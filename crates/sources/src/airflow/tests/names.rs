//! Names of others: those that mappings give, and those of older exporters.

use expect_test::{Expect, expect};

use super::super::settings::AttemptMapping;
use super::fake::FakeRun;
use super::*;

/// Two runs that ended and one that hangs: one success with a try that failed, one failure.
fn watched(settings: AirflowSettings, v2: bool) -> Airflow {
    let mut fake = Fake::new(v2);
    fake.dags = vec![("tune".into(), false), ("other".into(), false)];
    let (mut airflow, problem) = Airflow::new(settings, None);
    assert_eq!(problem, None);
    poll(&mut airflow, &mut fake, NOW);
    fake.runs.push(FakeRun::running("tune", "hangs", 0, NOW - minutes(90)));
    for (index, states) in [["failed", "success"], ["failed", "failed"]].iter().enumerate() {
        let mut run = FakeRun::running("tune", &format!("r{index}"), 1, NOW + minutes(1));
        run.tasks[0].end("up_for_retry", NOW + minutes(2));
        run.tasks[0].again(NOW + minutes(3));
        run.tasks[0].end(states[1], NOW + minutes(4));
        (run.state, run.end) = (states[1], Some(NOW + minutes(5 + index as i64)));
        fake.runs.push(run);
    }
    poll(&mut airflow, &mut fake, NOW + minutes(10));
    airflow
}

fn check(airflow: &Airflow, names: &[&str], expected: Expect) {
    let families = airflow.families(NOW + minutes(10));
    let line = |name: &&str| format!("{name}: {}\n", values(&families, name).join("; "));
    expected.assert_eq(&names.iter().map(line).collect::<String>());
}

/// A training that fails has no XCom: its task says so.
#[test]
fn a_task_has_names_of_its_own() {
    let mapping = |metric: Option<&str>, duration: Option<&str>| AttemptMapping {
        dag: "tune".into(),
        task: "t0".into(),
        metric: metric.map(str::to_string),
        duration: duration.map(str::to_string),
        state_label: "status".into(),
        labels: vec![("model".into(), "bike".into())],
    };
    let attempts = vec![mapping(Some("bike_training_runs_total"), None), mapping(None, Some("bike_training_duration_seconds"))];
    let airflow = watched(AirflowSettings { attempts, ..with_tasks() }, true);
    check(
        &airflow,
        &["bike_training_runs_total", "bike_training_duration_seconds_count", "bike_training_duration_seconds_sum"],
        expect![[r#"
            bike_training_runs_total: model=bike,status=failed 3; model=bike,status=success 1
            bike_training_duration_seconds_count: model=bike,status=failed 3; model=bike,status=success 1
            bike_training_duration_seconds_sum: model=bike,status=failed 180; model=bike,status=success 60
        "#]],
    );
    assert!(values(&airflow.families(NOW), "airflow_dag_status").is_empty(), "older names are an option");
}

#[test]
fn older_names_beside_ours() {
    let names = [
        "airflow_running_dag_runs",
        "airflow_dag_running_since_timestamp_seconds",
        "airflow_dag_stored_runs",
        "airflow_dag_status",
        "airflow_dag_last_status",
        "airflow_dag_run_duration",
        "airflow_dag_scheduler_delay",
        "airflow_dagrun_duration_sum",
        "airflow_dagrun_failed_count",
        "airflow_dagrun_schedule_delay",
        "airflow_dagrun_duration_failed",
        "airflow_task_status",
        "airflow_task_fail_count",
        "airflow_ti_finish_total",
        "airflow_ti_failures",
        "airflow_task_duration_count",
        "airflow_operator_successes",
        "airflow_operator_failures",
        "airflow_pool_open_slots",
    ];
    let settings = || AirflowSettings { old_names: true, ..with_tasks() };
    check(
        &watched(settings(), true),
        &names,
        expect![[r#"
        airflow_running_dag_runs: 1
        airflow_dag_running_since_timestamp_seconds: dag_id=tune 1795224600
        airflow_dag_stored_runs: dag_id=other,state=failed 0; dag_id=other,state=running 0; dag_id=other,state=success 0; dag_id=tune,state=failed 1; dag_id=tune,state=running 1; dag_id=tune,state=success 1
        airflow_dag_status: dag_id=other,status=failed 0; dag_id=other,status=running 0; dag_id=other,status=success 0; dag_id=tune,status=failed 1; dag_id=tune,status=running 1; dag_id=tune,status=success 1
        airflow_dag_last_status: dag_id=tune,status=failed 1; dag_id=tune,status=success 0
        airflow_dag_run_duration: dag_id=tune 6000
        airflow_dag_scheduler_delay: dag_id=tune 2
        airflow_dagrun_duration_sum: dag_id=tune 240
        airflow_dagrun_failed_count: dag_id=tune 1
        airflow_dagrun_schedule_delay: dag_id=tune 2
        airflow_dagrun_duration_failed: dag_id=tune 300
        airflow_task_status: dag_id=tune,status=failed,task_id=t0 3; dag_id=tune,status=success,task_id=t0 1
        airflow_task_fail_count: dag_id=tune,task_id=t0 3
        airflow_ti_finish_total: dag_id=tune,state=failed,task_id=t0 3; dag_id=tune,state=success,task_id=t0 1
        airflow_ti_failures: 3
        airflow_task_duration_count: dag_id=tune,task_id=t0 1
        airflow_operator_successes: operator=PythonOperator 1
        airflow_operator_failures: operator=PythonOperator 3
        airflow_pool_open_slots: pool=default_pool 120
    "#]],
    );
    let said = |v2| watched(settings(), v2).families(NOW + minutes(10));
    let all = |v2| names.map(|name| values(&said(v2), name));
    assert_eq!(all(true), all(false), "both versions tell the same");
}
