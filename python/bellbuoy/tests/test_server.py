"""Against the real bellbuoy: all kinds of events, rows, decisions; a kill amid spooling; several processes at once."""

from __future__ import annotations

import logging
import os
import subprocess
import sys
import time
from typing import Any, Callable

import bellbuoy
from bellbuoy import Outcome, PredictionLogger, flush, get_decision, log_labels, log_predictions, send_event
from bellbuoy.delivery import status

from .harness import NOBODY, Bellbuoy, Case, free_port, needs_bellbuoy, wait_for

logging.getLogger("bellbuoy").setLevel(logging.CRITICAL)

# Spools as fast as it can, and says each key that was reported as spooled; to be killed in the middle.
WRITER = """
import os, sys
from bellbuoy import Settings, send_event
settings = Settings(url=sys.argv[1], spool=sys.argv[2], pause=float(sys.argv[4]))
for n in range(int(sys.argv[5])):
    key = f"{sys.argv[3]}-{n}"
    outcome = send_event("custom", {"n": n}, key=key, settings=settings)
    os.write(1, f"{outcome} {key}\\n".encode())
"""


@needs_bellbuoy
class WithServer(Case):
    server_: Bellbuoy

    @classmethod
    def setUpClass(cls) -> None:
        cls.server_ = Bellbuoy().start()

    @classmethod
    def tearDownClass(cls) -> None:
        cls.server_.close()


class Events(WithServer):
    def check(self, send: Callable[..., Outcome], *given: Any, fields: dict[str, str], severity: str, **named: Any) -> None:
        outcome = send(*given, settings=self.settings(self.server_.url), **named)
        self.assertEqual(outcome, "delivered", outcome.reason)
        [told] = outcome.data
        event = next(event for event in self.server_.events() if event["id"] == told["id"])
        self.assertEqual((event["fields"], event["severity"]), (fields, severity))

    def test_every_kind_with_every_argument(self) -> None:
        check = self.check
        check(
            bellbuoy.send_drift_alert, 0.542, 0.7234, 8,
            model_version="7", dag_run_id="r1", model="bikes", severity="warning",
            fields={"drift_share": "54.2%", "r2": "0.7234", "drifted_features": "8", "model_version": "7", "dag_run_id": "r1"},
        )  # fmt: skip
        check(
            bellbuoy.send_drift_alert, 0.5, float("nan"), ["temp", "hour"],
            fields={"drift_share": "50.0%", "r2": "unknown", "drifted_features": "2", "features": "temp, hour"}, severity="warning",
        )  # fmt: skip
        check(
            bellbuoy.send_performance_alert, r2=0.5, rmse=61.5, threshold=0.70, mae=40, accuracy=0.9, r2_critical=0.65, rmse_critical=60,
            rows=500, model_version="7", dag_run_id="r1", severity="critical",
            fields={"r2": "0.5000", "rmse": "61.50", "threshold": "0.7", "mae": "40.00", "accuracy": "90.0%", "r2_critical": "0.65",
                    "rmse_critical": "60", "rows": "500", "model_version": "7", "dag_run_id": "r1"},
        )  # fmt: skip
        check(
            bellbuoy.send_training_success, improvement_delta=0.0622, new_r2=0.7856, old_r2=0.7234, deployment_decision="deploy",
            new_rmse=1, old_rmse=2, model_version="8", duration=90, dag_run_id="r1", severity="info",
            fields={"decision": "deploy", "improvement": "+0.0622", "new_r2": "0.7856", "old_r2": "0.7234", "new_rmse": "1.00",
                    "old_rmse": "2.00", "model_version": "8", "duration": "1m 30s", "dag_run_id": "r1"},
        )  # fmt: skip
        check(bellbuoy.send_training_success, 0.1, "skip", fields={"decision": "skip", "improvement": "+0.1000"}, severity="info")
        check(
            bellbuoy.send_training_failure, "Training API timeout (>10 minutes)", "r1", duration="10m", model_version="8",
            fields={"error": "Training API timeout (>10 minutes)", "dag_run_id": "r1", "duration": "10m 0s", "model_version": "8"},
            severity="critical",
        )  # fmt: skip
        check(
            bellbuoy.send_api_error, "/predict", ConnectionError("refused"), 502, duration=1.5, dag_run_id="r1", severity="critical",
            fields={"error": "ConnectionError: refused", "endpoint": "/predict", "status_code": "502", "duration": "1.5s",
                    "dag_run_id": "r1"},
        )  # fmt: skip
        check(
            bellbuoy.send_champion_promotion, 8, "7", new_r2=0.8, old_r2=0.7, improvement=0.1, rmse=3, promoted_by="me", dag_run_id="r1",
            fields={"model_version": "8", "old_version": "7", "new_r2": "0.8000", "old_r2": "0.7000", "improvement": "+0.1000",
                    "rmse": "3.00", "promoted_by": "me", "dag_run_id": "r1"}, severity="info",
        )  # fmt: skip
        check(
            bellbuoy.send_ingestion_failure, "no data", "open data", records=0, duration=3, dag_run_id="r1", severity="critical",
            fields={"error": "no data", "source": "open data", "records": "0", "duration": "3s", "dag_run_id": "r1"},
        )  # fmt: skip
        check(
            bellbuoy.send_prediction_failure, "no model", 3, 10, failure_share=0.3, model_version="8", duration=1, dag_run_id="r1",
            fields={"error": "no model", "failed": "3", "total": "10", "failure_share": "30.0%", "model_version": "8", "duration": "1s",
                    "dag_run_id": "r1"}, severity="critical",
        )  # fmt: skip
        check(
            bellbuoy.send_service_down, "api", "api:8000", duration=120, error="timeout", severity="critical",
            fields={"service": "api", "instance": "api:8000", "duration": "2m 0s", "error": "timeout"},
        )  # fmt: skip
        check(
            bellbuoy.send_dag_completion, "train", "failed", "r1", duration=60, tasks_failed=2, error="x", severity="critical",
            fields={"dag_id": "train", "state": "failed", "dag_run_id": "r1", "duration": "1m 0s", "tasks_failed": "2", "error": "x"},
        )  # fmt: skip
        check(
            send_event, "model-retired", {"age": 3}, severity="info", labels={"team": "ml"}, footer="MLOps", link="https://a/b",
            fields={"age": "3"},
        )  # fmt: skip

    def test_what_bellbuoy_refuses_is_said_in_its_words(self) -> None:
        outcome = bellbuoy.send_training_success(0.1, "perhaps", fields={"new_r": 1}, settings=self.settings(self.server_.url))
        self.assertEqual((outcome, bool(outcome)), ("refused", False))
        self.assertIn("fields.decision: must be deploy, skip or reject", outcome.reason)
        self.assertIn('did you mean "new_r2"', outcome.reason)
        self.assertEqual(status(self.settings(self.server_.url)), [], "nothing is spooled that will always be refused")

    def test_a_long_error_is_cut_not_refused(self) -> None:
        outcome = bellbuoy.send_training_failure("x" * 100_000, settings=self.settings(self.server_.url))
        self.assertEqual(outcome, "delivered", outcome.reason)

    def test_a_task_that_is_tried_again_tells_nothing_twice(self) -> None:
        settings = self.settings(self.server_.url)
        task = {"AIRFLOW_CTX_DAG_ID": "d", "AIRFLOW_CTX_DAG_RUN_ID": "manual__1", "AIRFLOW_CTX_TASK_ID": "t"}

        def tell(error: str, **env: str) -> str:
            os.environ.update({**task, **env})
            try:
                return str(bellbuoy.send_training_failure(error, settings=settings).data[0]["status"])
            finally:
                for name in task:
                    del os.environ[name]

        self.assertEqual([tell("a"), tell("a"), tell("b")], ["accepted", "repeated", "accepted"])
        # Runs of two DAGs have the same name when they have the same schedule.
        self.assertEqual([tell("a", AIRFLOW_CTX_DAG_ID="e"), tell("a", AIRFLOW_CTX_TASK_ID="u")], ["accepted", "accepted"])

    def test_people_see_it(self) -> None:
        bellbuoy.send_drift_alert(
            0.542, 0.7234, 8, footer="MLOps Bike Traffic Monitoring", key="seen", settings=self.settings(self.server_.url)
        )
        embeds = wait_for(
            lambda: [
                embed
                for row in self.server_.inbox()
                for embed in row["message"].get("embeds", [])
                if (embed.get("footer") or {}).get("text") == "MLOps Bike Traffic Monitoring"
            ],
            "no message in the inbox",
        )
        self.assertEqual([field["value"] for field in embeds[0]["fields"]][:3], ["54.2%", "0.7234", "8"])


class RowsAndDecisions(WithServer):
    def test_predictions_and_true_values(self) -> None:
        settings = self.settings(self.server_.url)
        rows = {"id": list(range(60)), "prediction": [n * 5.0 for n in range(60)], "temp": list(range(60)), "weather": ["clear"] * 60}
        outcome = log_predictions("bikes", rows, settings=settings)
        self.assertEqual((outcome, outcome.data["new"]), ("delivered", 60), outcome.reason)
        self.assertEqual(log_predictions("bikes", rows, settings=settings).data["repeated"], 60)
        outcome = log_labels("bikes", {n: n * 5.0 + 1 for n in range(60)}, settings=settings)
        self.assertEqual((outcome, outcome.data["refusedRows"]), ("delivered", 0))
        bad = log_predictions("bikes", [{"id": 1000, "prediction": 1}, {"id": 1001, "prediction": float("nan")}], settings=settings)
        self.assertEqual((bad, bad.data["new"], bad.data["refusedRows"]), ("delivered", 1, 1))
        self.assertEqual(log_predictions("bikes", [{"prediction": 1}], settings=settings), "refused")
        self.assertIn("nobody", log_predictions("nobody", rows, settings=settings).reason)
        self.assertEqual(log_predictions("bikes", [], settings=settings), "delivered")
        decision = get_decision("bikes", judge=True, settings=settings)
        self.assertIn(decision.outcome, ("retrain", "watch", "nothing"), decision.because)
        self.assertEqual(get_decision("bikes", force=True, settings=settings).reason, "forced")
        with self.assertRaisesRegex(ValueError, "nobody"):
            get_decision("nobody", settings=settings)
        figures = {"champion": {"r2": 0.66, "rows": 500}, "challenger": {"r2": 0.88, "rows": 500}}
        self.assertEqual(bellbuoy.compare("bikes", figures, figures, key="k1", settings=settings).outcome, "deploy")
        self.assertEqual(bellbuoy.report_training("bikes", "success", key="k1", settings=settings), "delivered")

    def test_nobody_to_ask_is_unknown(self) -> None:
        decision = get_decision("bikes", wait=0.1, settings=self.settings(NOBODY))
        self.assertEqual((decision.outcome, decision.reason), ("unknown", "unreachable"))

    def test_many_rows_go_in_batches(self) -> None:
        rows = ({"id": f"many-{n}", "prediction": n, "temp": n % 40} for n in range(12_000))
        outcome = log_predictions("bikes", rows, settings=self.settings(self.server_.url))
        self.assertEqual((outcome.data["new"], outcome.data["batches"]), (12_000, ["delivered"] * 3))

    def test_logger_of_a_service(self) -> None:
        with_room = PredictionLogger("bikes", seconds=0.05, settings=self.settings(self.server_.url))
        for n in range(300):
            self.assertTrue(with_room.prediction(f"log-{n}", n * 1.0, {"temp": n % 40, "weather": "clear"}))
            with_room.label(f"log-{n}", n)
        self.assertTrue(with_room.flush(30))
        self.assertTrue(with_room.close())
        self.assertEqual((with_room.dropped, with_room.counts["label", "acknowledged", ""]), (0, 300))
        again = log_predictions(
            "bikes", [{"id": f"log-{n}", "prediction": 0} for n in range(300)], settings=self.settings(self.server_.url)
        )
        self.assertEqual(again.data["repeated"], 300)
        self.assertFalse(with_room.prediction("late", 1.0), "closed")


class LoggerWithoutServer(Case):
    def test_never_blocks_counts_drops_and_spools(self) -> None:
        settings = self.settings(NOBODY)
        logger = PredictionLogger("bikes", rows_max=50, seconds=60.0, settings=settings)
        taken = [logger.prediction(n, 1.0) for n in range(80)]
        self.assertEqual((sum(taken), logger.dropped), (50, 30))
        self.assertTrue(logger.close(30))
        self.assertFalse(logger.label(1, 1.0))
        self.assertEqual(
            {what: count for what, count in logger.counts.items() if count},
            {
                ("prediction", "offered", ""): 80,
                ("prediction", "dropped", "queue_full"): 30,
                ("prediction", "spooled", ""): 50,
                ("label", "offered", ""): 1,
                ("label", "dropped", "closed"): 1,
            },
        )
        self.assertEqual([lane["waiting"] for lane in status(settings)], [1])


@needs_bellbuoy
class Crashes(Case):
    def writer(self, url: str, name: str, count: int, pause: float = 60.0) -> subprocess.Popen[bytes]:
        command = [sys.executable, "-c", WRITER, url, str(self.spool), name, str(pause), str(count)]
        return subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL)

    def test_what_was_reported_spooled_survives_a_kill(self) -> None:
        bellbuoy = self.bellbuoy()
        settings = self.settings(bellbuoy.url)
        reported: list[str] = []
        for name in ("one", "two", "three"):
            process = self.writer(bellbuoy.url, name, 100_000)
            assert process.stdout is not None
            lines = [process.stdout.readline() for _ in range(40)]
            process.kill()
            lines += process.stdout.read().splitlines()
            process.wait()
            process.stdout.close()
            reported += [line.split()[1].decode() for line in lines if line.startswith(b"spooled") and len(line.split()) == 2]
        self.assertGreaterEqual(len(reported), 120)
        bellbuoy.start()
        self.assertTrue(flush(settings))
        keys = [event["key"] for event in bellbuoy.events()]
        self.assertEqual(sorted(set(reported) - set(keys)), [])
        self.assertEqual(len(keys), len(set(keys)))
        # One process's events are there in their order.
        ones = [int(key.split("-")[1]) for key in keys if key.startswith("one-")]
        self.assertEqual(ones, sorted(ones))

    def test_several_processes_spool_and_flush_at_once(self) -> None:
        bellbuoy = Bellbuoy(free_port())
        self.addCleanup(bellbuoy.close)
        # Without a pause: each call tries, so that spooling and sending are mixed while bellbuoy comes and goes.
        writers = [self.writer(bellbuoy.url, f"w{n}", 60, pause=0.0) for n in range(3)]
        bellbuoy.start()
        time.sleep(0)
        outcomes = [line.split() for process in writers for line in process.communicate(timeout=120)[0].decode().splitlines()]
        self.assertEqual({outcome for outcome, _ in outcomes} - {"spooled", "delivered"}, set())
        self.assertTrue(flush(self.settings(bellbuoy.url)))
        keys = [event["key"] for event in bellbuoy.events()]
        self.assertEqual(sorted(keys), sorted(f"w{n}-{m}" for n in range(3) for m in range(60)))

    def test_a_lost_answer_is_sent_again_and_told_once(self) -> None:
        bellbuoy = self.bellbuoy().start()
        settings = self.settings(bellbuoy.url)
        send_event("custom", key="twice", settings=self.settings(bellbuoy.url, timeout=0.0))
        lane = self.spool / f"127.0.0.1%3A{bellbuoy.port}" / "events"
        [name] = list(lane.glob("*.json"))
        body = name.read_bytes()
        self.assertTrue(flush(settings))
        name.write_bytes(body)  # as if the process had died before it could remove the file
        self.assertEqual(flush(settings).delivered, 1)
        self.assertEqual(len(bellbuoy.events(key="twice")), 1)
