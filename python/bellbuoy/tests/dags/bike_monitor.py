"""An Airflow DAG for the tests: tells in a task, asks for the decision, fails when its conf says so."""

import datetime as dt
import os

try:  # Airflow 3
    from airflow.sdk import DAG
except ImportError:
    from airflow import DAG
try:
    from airflow.providers.standard.operators.python import BranchPythonOperator, PythonOperator
except ImportError:
    from airflow.operators.python import BranchPythonOperator, PythonOperator

from bellbuoy import send_drift_alert
from bellbuoy.airflow import BellbuoyDecisionSensor, BellbuoyNotifier, decide_branch, on_failure_callback, on_success_callback


def monitor(dag_run, **_):
    return send_drift_alert(0.542, dag_run.conf["r2"], ["temp", "hour"], dag_run_id=dag_run.run_id)


def train(dag_run, **_):
    if dag_run.conf.get("fail"):
        raise RuntimeError("asked to fail")


failed = BellbuoyNotifier("training-failure", model="bikes", fields={"test_set": "current of {{ dag.dag_id }}"})
WAIT = float(os.environ.get("BELLBUOY_WAIT", "30"))

with DAG("bike_monitor", schedule=None, start_date=dt.datetime(2025, 1, 1), on_failure_callback=on_failure_callback) as dag:
    told = PythonOperator(task_id="monitor", python_callable=monitor, on_success_callback=on_success_callback)
    ways = decide_branch("bikes", retrain="train", nothing="done", unknown="look", wait=WAIT)
    branch = BranchPythonOperator(task_id="decide", python_callable=ways)
    retrain = PythonOperator(
        task_id="train", python_callable=train, on_failure_callback=failed, retries=1, retry_delay=dt.timedelta(seconds=0)
    )
    look = PythonOperator(task_id="look", python_callable=print)
    done = PythonOperator(task_id="done", python_callable=print)
    told >> branch >> [retrain, look, done]
    if WAIT > 1:
        BellbuoyDecisionSensor(task_id="wait", model="bikes", outcomes=["unknown", "nothing", "retrain", "watch"], poke_interval=1)
