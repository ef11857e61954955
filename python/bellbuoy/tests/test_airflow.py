"""With the real Airflow 2.11 or 3, whichever is installed: its own classes run DAGs in this process, no server beside."""

from __future__ import annotations

import atexit
import importlib.util
import json
import logging
import os
import pickle
import shutil
import subprocess
import sys
import tempfile
import unittest
from typing import Any

# With Airflow of its own, and never the user's.
HAVE = importlib.util.find_spec("airflow") is not None and importlib.util.find_spec("airflow.version") is not None
if HAVE:
    home = tempfile.mkdtemp(prefix="bellbuoy-airflow-")
    atexit.register(shutil.rmtree, home, ignore_errors=True)
    os.environ.update(
        AIRFLOW_HOME=home,
        AIRFLOW__CORE__LOAD_EXAMPLES="False",
        AIRFLOW__CORE__UNIT_TEST_MODE="False",
        AIRFLOW__CORE__DAGS_FOLDER=os.path.dirname(__file__) + "/dags",
        AIRFLOW__LOGGING__LOGGING_LEVEL="WARNING",
        AIRFLOW__USAGE_DATA_COLLECTION__ENABLED="False",
        AIRFLOW__DATABASE__LOAD_DEFAULT_CONNECTIONS="False",
    )

import bellbuoy  # noqa: E402
from bellbuoy import Settings  # noqa: E402
from bellbuoy.delivery import status  # noqa: E402

from .harness import NOBODY, Bellbuoy, Case, needs_bellbuoy  # noqa: E402

logging.getLogger("bellbuoy").setLevel(logging.CRITICAL)


@unittest.skipUnless(HAVE, "skipped: Apache Airflow is not installed")
class AirflowCase(Case):
    def use(self, **changes: Any) -> Settings:
        settings = bellbuoy.configure(spool=self.spool, timeout=5.0, pause=0.0, **changes)
        self.addCleanup(setattr, bellbuoy.settings, "_configured", None)
        return settings


class Pieces(AirflowCase):
    def test_they_travel(self) -> None:
        """Executors and virtual environments of Airflow pickle what they run."""
        from bellbuoy.airflow import BellbuoyNotifier, decide_branch, on_failure_callback

        for piece in (decide_branch("bikes", retrain="a", nothing="b", unknown="c"), on_failure_callback, BellbuoyNotifier):
            self.assertEqual(pickle.loads(pickle.dumps(piece)), piece)
        notifier = pickle.loads(pickle.dumps(BellbuoyNotifier("training-failure", model="bikes", fields={"r2": 1})))
        self.assertEqual((notifier.kind, notifier.event), ("training-failure", {"fields": {"r2": 1}, "model": "bikes"}))

    def test_a_context_that_nobody_knows_breaks_nothing(self) -> None:
        from bellbuoy.airflow import BellbuoyNotifier, on_failure_callback, tell

        settings = self.use(url=NOBODY)
        on_failure_callback({"ti": object(), "exception": ValueError()})
        self.assertEqual(tell({"ti": object(), "exception": ValueError()}), "dropped")
        self.assertEqual(tell({}), "spooled")
        notifier = BellbuoyNotifier("training-failure")
        notifier({"dag": None, "run_id": "r"})
        self.assertEqual([lane["waiting"] for lane in status(settings)], [2])

    def test_nobody_to_ask_is_the_unknown_way(self) -> None:
        from bellbuoy.airflow import decide_branch

        self.use(url=NOBODY)
        self.assertEqual(decide_branch("bikes", retrain="a", nothing="b", unknown="c", wait=0.1)(), "c")


@needs_bellbuoy
@unittest.skipUnless(HAVE, "skipped: Apache Airflow is not installed")
class Dags(AirflowCase):
    bellbuoy: Any

    @classmethod
    def setUpClass(cls) -> None:
        subprocess.run([sys.executable, "-m", "airflow", "db", "migrate"], check=True, capture_output=True, timeout=300)
        cls.bellbuoy = Bellbuoy().start()

    @classmethod
    def tearDownClass(cls) -> None:
        cls.bellbuoy.close()

    def run_dag(self, name: str, conf: dict[str, Any], **env: str) -> dict[str, Any]:
        """The states of a run's tasks and their XComs. A process of its own: Airflow keeps much in its modules."""
        script = os.path.join(os.path.dirname(__file__), "run_dag.py")
        env = {**os.environ, "BELLBUOY_URL": self.bellbuoy.url, "BELLBUOY_SPOOL": str(self.spool), **env}
        done = subprocess.run([sys.executable, script, name, json.dumps(conf)], env=env, capture_output=True, text=True, timeout=300)
        lines = [line for line in done.stdout.splitlines() if line.startswith("RESULT ")]
        self.assertEqual(len(lines), 1, f"{done.stdout[-3000:]}\n{done.stderr[-5000:]}")
        return dict(json.loads(lines[0][7:]))

    def told(self, run: dict[str, Any]) -> list[tuple[str, str]]:
        """Kind and task of each event of a run."""
        events = [event for event in self.bellbuoy.events() if event["fields"].get("dag_run_id") == run["run_id"]]
        return sorted((event["kind"], event["labels"].get("task_id", "")) for event in events)

    def test_runs(self) -> None:
        with self.subTest("a run that ends well, and nothing was judged yet"):
            run = self.run_dag("bike_monitor", {"r2": 0.78})
            states = {
                "monitor": "success",
                "decide": "success",
                "train": "skipped",
                "look": "success",
                "done": "skipped",
                "wait": "success",
            }
            self.assertEqual(run["tasks"], states)
            self.assertEqual(run["xcoms"]["monitor"], "delivered", "an outcome is a text for Airflow")
            self.assertEqual(run["xcoms"]["wait"], "unknown")
            self.assertEqual([told for told in self.told(run) if told[0] != "dag-completion"], [("drift", ""), ("task-success", "monitor")])
            [drift] = [e for e in self.bellbuoy.events(kind="drift") if e["fields"].get("dag_run_id") == run["run_id"]]
            self.assertTrue(drift["key"].startswith(f"bike_monitor/{run['run_id']}/monitor/"), drift["key"])
        with self.subTest("a person forces the training, and it fails"):
            run = self.run_dag("bike_monitor", {"r2": 0.78, "force_fine_tune": True, "fail": True})
            self.assertEqual((run["tasks"]["train"], run["tasks"]["look"]), ("failed", "skipped"), run)
            # Once, although the task was tried twice; and the run itself.
            told = self.told(run)
            self.assertEqual([one for one in told if one[1] == "train"], [("training-failure", "train")])
            self.assertIn(("dag-completion", ""), told)
            [event] = [e for e in self.bellbuoy.events(kind="training-failure") if e["fields"]["dag_run_id"] == run["run_id"]]
            self.assertEqual((event["labels"]["model"], event["labels"]["dag_id"]), ("bikes", "bike_monitor"))
            self.assertIn("asked to fail", event["fields"]["error"])
            self.assertEqual(event["fields"]["test_set"], "current of bike_monitor", "fields may be templates")
        with self.subTest("no bellbuoy fails no DAG"):
            run = self.run_dag("bike_monitor", {"r2": 0.78}, BELLBUOY_URL=NOBODY, BELLBUOY_WAIT="0.1")
            self.assertEqual(run["xcoms"]["monitor"], "spooled")
            self.assertEqual((run["tasks"]["monitor"], run["tasks"]["look"]), ("success", "success"), run)
