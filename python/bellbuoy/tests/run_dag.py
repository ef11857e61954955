"""Runs one DAG of tests/dags in this process by Airflow's own `dag.test()`: `run_dag.py NAME CONF`; the last line is its result as JSON."""

from __future__ import annotations

import importlib
import json
import sys
from pathlib import Path


def main(name: str, conf: str) -> None:
    sys.path.insert(0, str(Path(__file__).parent / "dags"))
    dag = importlib.import_module(name).dag
    run = dag.test(run_conf=json.loads(conf))
    from airflow.models import xcom
    from airflow.models.taskinstance import TaskInstance
    from airflow.utils.session import create_session

    XCom = getattr(xcom, "XComModel", None) or xcom.XCom  # Airflow 3, Airflow 2

    with create_session() as session:
        tasks = session.query(TaskInstance).filter(TaskInstance.run_id == run.run_id)
        states = {task.task_id: str(task.state) for task in tasks}
        found = session.query(XCom).filter(XCom.run_id == run.run_id, XCom.key == "return_value")
        xcoms = {one.task_id: one.value for one in found}
    print("RESULT " + json.dumps({"run_id": run.run_id, "tasks": states, "xcoms": xcoms}))


if __name__ == "__main__":
    main(*sys.argv[1:])
