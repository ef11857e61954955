"""The monitoring DAG of the bike-traffic stack, for Airflow 2.11 and 3: tells what it sees, decides, trains, tells what came of it.

Its figures come from the run's conf here, as in a test of the real one:

    airflow dags trigger monitor_and_fine_tune --conf '{"drift_share": 0.6, "r2": 0.6, "rmse": 65, "new_r2": 0.78}'
"""

import datetime as dt

try:  # Airflow 3
    from airflow.sdk import DAG
except ImportError:
    from airflow import DAG
try:
    from airflow.providers.standard.operators.python import BranchPythonOperator, PythonOperator
except ImportError:
    from airflow.operators.python import BranchPythonOperator, PythonOperator

from utils.discord_alerts import send_api_error, send_drift_alert, send_performance_alert, send_training_failure, send_training_success

from bellbuoy.airflow import on_failure_callback


def decide(dag_run, **_):
    """Section 3 of the stack's alerting page, as it is. `bellbuoy.airflow.decide_branch` asks bellbuoy to decide instead."""
    conf = dag_run.conf or {}
    drift_share, r2, rmse = conf.get("drift_share", 0.1), conf.get("r2", 0.78), conf.get("rmse", 50)
    features = conf.get("drifted_features", 5)
    if conf.get("force_fine_tune"):
        return "fine_tune_model"
    if r2 < 0.65 or rmse > 60:
        send_performance_alert(r2, rmse, threshold=0.70, r2_critical=0.65, rmse_critical=60)
        return "fine_tune_model"
    if drift_share >= 0.5:
        send_drift_alert(drift_share, r2, features)
        if r2 < 0.70:
            send_performance_alert(r2, rmse, threshold=0.70)
            return "fine_tune_model"
    return "end_monitoring"


def fine_tune_model(dag_run, **_):
    conf = dag_run.conf or {}
    if "api_error" in conf:
        send_api_error("/train", conf["api_error"], 503)
    try:
        if conf.get("fail"):
            raise TimeoutError("Training API timeout (>10 minutes)")
        old, new = conf.get("r2", 0.78), conf.get("new_r2", 0.80)
    except Exception as error:
        send_training_failure(f"Training failed: {error}", dag_run.run_id)
        raise
    decision = "deploy" if new - old > 0.01 else "skip" if new >= old else "reject"
    outcome = send_training_success(improvement_delta=new - old, new_r2=new, old_r2=old, deployment_decision=decision)
    print(f"told: {outcome} {outcome.reason}")


with DAG(
    "monitor_and_fine_tune",
    schedule=None,
    start_date=dt.datetime(2025, 1, 1),
    catchup=False,
    is_paused_upon_creation=False,
    on_failure_callback=on_failure_callback,
) as dag:
    branch = BranchPythonOperator(task_id="decide_fine_tune", python_callable=decide)
    tune = PythonOperator(task_id="fine_tune_model", python_callable=fine_tune_model)
    end = PythonOperator(task_id="end_monitoring", python_callable=print, trigger_rule="none_failed_min_one_success")
    branch >> [tune, end]
    tune >> end
