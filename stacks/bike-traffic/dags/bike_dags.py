"""Three Airflow DAGs for trials of the bike-traffic stack: they push what the real pipeline pushes, without data or a model. Airflow 2.11 and 3.

What a run does is said by its conf:
    fail            true or a task's name: that task fails
    fail_tries      so many tries of a task that has retries fail (predict_daily_data)
    sleep           seconds in each task
    records, records_fetched, rmse, mae, r2, predictions_count, drift_share, drifted_features, new_r2       values to push
    force_fine_tune retrain whatever drift and r2 are
With BELLBUOY_URL in Airflow's environment the outcome of a training is told to bellbuoy, which tells people.
"""
import datetime
import json
import os
import time
import urllib.request

try:  # Airflow 3
    from airflow.sdk import DAG
except ImportError:  # Airflow 2
    from airflow import DAG
try:
    from airflow.providers.standard.operators.python import BranchPythonOperator, PythonOperator
except ImportError:
    from airflow.operators.python import BranchPythonOperator, PythonOperator

COMMON = {
    "schedule": os.environ.get("BIKE_SCHEDULE") or None,
    "start_date": datetime.datetime(2025, 1, 1, tzinfo=datetime.timezone.utc),
    "catchup": False,
    "is_paused_upon_creation": False,
}


def begin(context):
    """The run's conf, after what it says about failing and sleeping."""
    conf, task = context["dag_run"].conf or {}, context["ti"]
    time.sleep(float(conf.get("sleep", 0)))
    if conf.get("fail") in (True, task.task_id):
        raise RuntimeError(f"asked to fail in {task.task_id}")
    if task.max_tries and task.try_number <= int(conf.get("fail_tries", 0)):
        raise RuntimeError(f"asked to fail try {task.try_number}")
    return conf


def push(context, **values):
    for key, value in values.items():
        context["ti"].xcom_push(key=key, value=value)


def tell(context, kind, **fields):
    """Hands an event to bellbuoy. A bellbuoy that is down fails no task."""
    url = os.environ.get("BELLBUOY_URL")
    if not url:
        return
    run = context["dag_run"].run_id
    event = {"kind": kind, "key": run, "model": "bike-traffic", "fields": {**fields, "dag_run_id": run}}
    request = urllib.request.Request(f"{url}/api/v1/events", json.dumps(event).encode(), {"content-type": "application/json"})
    try:
        urllib.request.urlopen(request, timeout=10).read()
    except OSError as error:
        print(f"bellbuoy was not told: {error}")


def fetch(**context):
    conf = begin(context)
    records = int(conf.get("records", 1234))
    fetched = int(conf.get("records_fetched", records))
    push(context, records_count=records, records_fetched=fetched, deduplication_ratio=records / fetched if fetched else 0.0)


def check(**context):
    begin(context)


def predict(**context):
    conf = begin(context)
    push(
        context,
        rmse=float(conf.get("rmse", 48.25)),
        mae=float(conf.get("mae", 31.5)),
        r2=float(conf.get("r2", 0.8125)),
        predictions_count=int(conf.get("predictions_count", 96)),
        api_duration_seconds=0.25,
    )


def monitor(**context):
    conf = begin(context)
    features = conf.get("drifted_features", ["temp", "hr"])
    share = float(conf.get("drift_share", 0.125))
    # As the real one pushes it: the text of a dict.
    push(context, drift_summary=str({"drift_detected": share >= 0.5, "drift_share": share, "drifted_features": features}))


def validate(**context):
    conf = begin(context)
    push(context, r2=float(conf.get("r2", 0.78125)), rmse=float(conf.get("rmse", 52.75)))


def decide(**context):
    conf = begin(context)
    r2 = context["ti"].xcom_pull(task_ids="validate_model", key="r2")
    needed = conf.get("force_fine_tune") or float(conf.get("drift_share", 0.125)) >= 0.5 or r2 < 0.65
    return "fine_tune_model" if needed else "end_monitoring"


def fine_tune(**context):
    try:
        conf = begin(context)
    except RuntimeError as error:
        tell(context, "training-failure", error=str(error))
        raise
    old = context["ti"].xcom_pull(task_ids="validate_model", key="r2")
    new = float(conf.get("new_r2", 0.84375))
    decision = "deploy" if new > old else "skip"
    push(
        context,
        fine_tune_success=True,
        model_improvement=new - old,
        deployment_decision=decision,
        champion_r2_baseline=0.75,
        champion_r2_current=old,
        r2_baseline=0.71875,
        r2_current=new,
    )
    tell(context, "training-success", decision=decision, new_r2=new, old_r2=old)


with DAG(dag_id="daily_fetch_bike_data", tags=["bike"], **COMMON):
    PythonOperator(task_id="fetch_to_bigquery", python_callable=fetch) >> PythonOperator(task_id="validate_ingestion", python_callable=check)

with DAG(dag_id="daily_prediction", tags=["bike"], **COMMON):
    PythonOperator(
        task_id="predict_daily_data", python_callable=predict, retries=1, retry_delay=datetime.timedelta(seconds=2)
    ) >> PythonOperator(task_id="validate_predictions", python_callable=check)

with DAG(dag_id="monitor_and_fine_tune", tags=["bike"], max_active_runs=1, **COMMON):
    branch = BranchPythonOperator(task_id="decide_fine_tune", python_callable=decide)
    tune = PythonOperator(task_id="fine_tune_model", python_callable=fine_tune)
    end = PythonOperator(task_id="end_monitoring", python_callable=check, trigger_rule="none_failed_min_one_success")
    PythonOperator(task_id="monitor_drift", python_callable=monitor) >> PythonOperator(
        task_id="validate_model", python_callable=validate
    ) >> branch
    branch >> [tune, end]
    tune >> end
