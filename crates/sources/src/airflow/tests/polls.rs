//! Polls of a simulated server: what they count, and what they cost.

use super::fake::FakeRun;
use super::*;

/// Runs of before the first contact are no news: a step in `rate()` would be an alert.
#[test]
fn history_sets_gauges_and_no_counter() {
    for v2 in [true, false] {
        let mut fake = Fake::new(v2);
        fake.dags.push(("a".into(), false));
        fake.runs.push(FakeRun::ended("a", "1", "success", NOW - minutes(70), NOW - minutes(60)));
        fake.runs.push(FakeRun::ended("a", "2", "failed", NOW - minutes(9), NOW - minutes(3)));
        let (mut airflow, _) = Airflow::new(AirflowSettings::default(), None);
        poll(&mut airflow, &mut fake, NOW);
        assert_eq!(airflow.problems(), [""; 0]);
        let families = airflow.families(NOW);
        assert_eq!(values(&families, "airflow_dag_runs_total"), [""; 0]);
        assert_eq!(values(&families, "airflow_dag_run_duration_seconds_count"), [""; 0]);
        let success = format!("dag_id=a {}", (NOW - minutes(60)).seconds());
        assert_eq!(values(&families, "airflow_dag_last_success_timestamp_seconds"), [success]);
        assert_eq!(values(&families, "airflow_dag_last_run_state"), ["dag_id=a,state=failed 1", "dag_id=a,state=success 0"]);
        assert_eq!(values(&families, "airflow_dag_last_run_duration_seconds"), ["dag_id=a 360"]);
        // The next one is news, once.
        fake.runs.push(FakeRun::ended("a", "3", "success", NOW + minutes(1), NOW + minutes(2)));
        for minute in 2..9 {
            poll(&mut airflow, &mut fake, NOW + minutes(minute));
            airflow = restarted(&airflow);
        }
        let families = airflow.families(NOW);
        assert_eq!(values(&families, "airflow_dag_runs_total"), ["dag_id=a,state=success 1"]);
        assert_eq!(values(&families, "airflow_dag_run_duration_seconds_sum"), ["dag_id=a,state=success 60"]);
    }
}

/// A retry between two polls: the row of the task instance has the last try only.
#[test]
fn every_try_is_counted_also_when_none_was_seen() {
    for v2 in [true, false] {
        let mut fake = Fake::new(v2);
        fake.dags.push(("a".into(), false));
        let (mut airflow, _) = Airflow::new(with_tasks(), None);
        poll(&mut airflow, &mut fake, NOW);
        let mut run = FakeRun::running("a", "scheduled__2025-01-01T00:00:00+00:00", 1, NOW + Millis(1));
        for second in [10, 30] {
            run.tasks[0].end("up_for_retry", NOW + Millis::from_seconds(second));
            run.tasks[0].again(NOW + Millis::from_seconds(second + 5));
        }
        run.tasks[0].end("success", NOW + Millis::from_seconds(50));
        (run.state, run.end) = ("success", Some(NOW + Millis::from_seconds(51)));
        fake.runs.push(run);
        poll(&mut airflow, &mut fake, NOW + minutes(1));
        let check = |airflow: &Airflow, failed: u32, success: u32| {
            let expected =
                [("failed", failed), ("success", success)].map(|(state, count)| format!("dag_id=a,state={state},task_id=t0 {count}"));
            assert_eq!(values(&airflow.families(NOW), "airflow_task_attempts_total"), expected);
        };
        check(&airflow, 2, 1);
        // Cleared and run again: its history has tries that are counted already.
        fake.runs[0].tasks[0].again(NOW + minutes(3));
        fake.runs[0].tasks[0].end("failed", NOW + minutes(4));
        let mut airflow = restarted(&airflow);
        poll(&mut airflow, &mut fake, NOW + minutes(5));
        poll(&mut airflow, &mut fake, NOW + minutes(6));
        check(&airflow, 3, 1);
    }
}

/// A task was tried twice shortly before the first contact, which sees the second try only. When the task was cleared and ran again, its first try
/// was found in the history of tries and counted as news.
#[test]
fn a_try_of_before_the_first_contact_is_history() {
    let mut fake = Fake::new(true);
    fake.dags.push(("a".into(), false));
    let mut run = FakeRun::running("a", "r", 1, NOW - minutes(4));
    run.tasks[0].end("up_for_retry", NOW - minutes(3));
    run.tasks[0].again(NOW - minutes(2));
    run.tasks[0].end("success", NOW - minutes(1));
    fake.runs.push(run);
    let (mut airflow, _) = Airflow::new(with_tasks(), None);
    poll(&mut airflow, &mut fake, NOW);
    fake.runs[0].tasks[0].again(NOW + minutes(1));
    fake.runs[0].tasks[0].end("success", NOW + minutes(2));
    poll(&mut airflow, &mut fake, NOW + minutes(3));
    assert_eq!(values(&airflow.families(NOW), "airflow_task_attempts_total"), ["dag_id=a,state=success,task_id=t0 1"]);
}

#[test]
fn calls_do_not_grow_with_dags() {
    let mut costs = Vec::new();
    for dags in [3, 1000] {
        let mut fake = Fake::new(true);
        for dag in 0..dags {
            fake.dags.push((format!("d{dag}"), false));
            fake.runs.push(FakeRun::ended(&format!("d{dag}"), "r", "success", NOW - minutes(30), NOW - minutes(20)));
        }
        let (mut airflow, _) = Airflow::new(with_tasks(), None);
        // History is read in the first polls.
        for minute in 0..5 {
            poll(&mut airflow, &mut fake, NOW + minutes(minute));
        }
        assert_eq!(values(&airflow.families(NOW), "airflow_dag_last_success_timestamp_seconds").len(), dags);
        assert_eq!(values(&airflow.families(NOW), "airflow_dag_paused").len(), dags);
        let before = fake.calls.len();
        poll(&mut airflow, &mut fake, NOW + minutes(10));
        costs.push(fake.calls.len() - before);
    }
    // Health, import errors, pools, running runs, DAGs, runs, tasks; of many DAGs a second page, and their stored runs only once a round.
    assert_eq!(costs, [8, 8]);
}

/// A thousand runs end while nobody looks, and a poll may make ten calls.
#[test]
fn what_does_not_fit_goes_on_with_the_next_poll() {
    let mut fake = Fake::new(true);
    fake.page_max = 20;
    fake.dags.push(("a".into(), false));
    let (mut airflow, _) = Airflow::new(AirflowSettings { calls_max: 10, ..AirflowSettings::default() }, None);
    poll(&mut airflow, &mut fake, NOW);
    for index in 0..1000 {
        // Forty at a time, more than a page.
        let end = NOW + Millis::from_seconds(60 + index / 40);
        fake.runs.push(FakeRun::ended("a", &format!("r{index}"), "success", end - minutes(1), end));
    }
    let mut polls = 0;
    while values(&airflow.families(NOW), "airflow_dag_runs_total") != ["dag_id=a,state=success 1000"] {
        polls += 1;
        assert!(polls < 30, "it must come to an end");
        let before = fake.calls.len();
        poll(&mut airflow, &mut fake, NOW + minutes(2 + polls));
        assert!(fake.calls.len() - before <= 10);
        airflow = restarted(&airflow);
    }
    poll(&mut airflow, &mut fake, NOW + minutes(60));
    assert_eq!(values(&airflow.families(NOW), "airflow_dag_runs_total"), ["dag_id=a,state=success 1000"]);
}

#[test]
fn a_server_that_is_down_is_said_to_be_and_nothing_is_lost() {
    let mut fake = Fake::new(true);
    fake.dags.push(("a".into(), false));
    let (mut airflow, _) = Airflow::new(AirflowSettings::default(), None);
    poll(&mut airflow, &mut fake, NOW);
    assert_eq!(values(&airflow.families(NOW), "airflow_scheduler_healthy"), ["1"]);
    fake.down = true;
    fake.runs.push(FakeRun::ended("a", "1", "success", NOW + minutes(1), NOW + minutes(2)));
    poll(&mut airflow, &mut fake, NOW + minutes(3));
    let families = airflow.families(NOW);
    assert_eq!(airflow.problems(), ["health: connection refused"]);
    assert_eq!(values(&families, "airflow_exporter_up"), ["0"]);
    // Nobody knows whether it is healthy.
    assert_eq!(values(&families, "airflow_scheduler_healthy"), [""; 0]);
    fake.down = false;
    poll(&mut airflow, &mut fake, NOW + minutes(300));
    assert_eq!(values(&airflow.families(NOW), "airflow_exporter_up"), ["1"]);
    assert_eq!(values(&airflow.families(NOW), "airflow_dag_runs_total"), ["dag_id=a,state=success 1"]);
}

#[test]
fn a_deleted_dag_is_no_longer_told() {
    let mut fake = Fake::new(false);
    fake.dags = vec![("a".into(), false), ("b".into(), true)];
    fake.runs.push(FakeRun::ended("b", "1", "success", NOW - minutes(30), NOW - minutes(20)));
    let (mut airflow, _) = Airflow::new(AirflowSettings::default(), None);
    poll(&mut airflow, &mut fake, NOW);
    let success = |airflow: &Airflow| values(&airflow.families(NOW), "airflow_dag_last_success_timestamp_seconds").len();
    assert_eq!(
        (success(&airflow), values(&airflow.families(NOW), "airflow_dag_paused")),
        (1, vec!["dag_id=a 0".into(), "dag_id=b 1".into()])
    );
    fake.dags.pop();
    poll(&mut airflow, &mut fake, NOW + minutes(1));
    assert_eq!(success(&airflow), 0);
}
