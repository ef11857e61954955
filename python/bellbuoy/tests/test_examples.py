"""The examples as they are: the service and the DAG tell, and people see it."""

from __future__ import annotations

import asyncio
import importlib.util
import json
import os
import subprocess
import sys
import unittest
from pathlib import Path
from typing import Any

import bellbuoy

from .harness import Bellbuoy, Case, needs_bellbuoy, wait_for

EXAMPLES = Path(__file__).resolve().parents[1] / "examples"


@needs_bellbuoy
class Service(Case):
    @unittest.skipUnless(
        all(importlib.util.find_spec(name) for name in ("fastapi", "prometheus_client", "httpx")),
        "skipped: fastapi, prometheus_client and httpx are not installed",
    )
    def test_service(self) -> None:
        import httpx

        server = self.bellbuoy().start()
        bellbuoy.configure(url=server.url, spool=self.spool)
        self.addCleanup(setattr, bellbuoy.settings, "_configured", None)
        sys.path.insert(0, str(EXAMPLES))
        self.addCleanup(sys.path.remove, str(EXAMPLES))
        import service

        async def visit() -> list[Any]:
            transport = httpx.ASGITransport(service.app, raise_app_exceptions=False)
            async with httpx.AsyncClient(transport=transport, base_url="http://service") as client:
                asked = [
                    ("/predict", {"id": "a", "temp": 20}),
                    ("/predict", {"id": "b", "temp": 0, "weather": "rain"}),
                    ("/predict", {"temp": 1}),
                ]
                answers = [(await client.post(path, json=[body])).status_code for path, body in asked]
                service.rows.flush(30)
                answers.append((await client.post("/labels", json=[{"id": "a", "value": 99}])).json())
                return [*answers, (await client.get("/metrics")).text]

        *answers, page = asyncio.run(visit())
        self.assertEqual(answers, [200, 500, 422, "delivered"])
        self.assertIn('prediction_errors_total{error_type="ZeroDivisionError"} 1.0', page)
        self.assertIn('fastapi_requests_total{endpoint="/predict",method="POST",status="500"} 1.0', page)
        self.assertIn('prediction_log_rows_acknowledged_total{kind="prediction",model="bikes"} 1.0', page)
        self.assertEqual([event["fields"]["endpoint"] for event in server.events(kind="api-error")], ["/predict"])
        again = bellbuoy.log_predictions("bikes", [{"id": "a", "prediction": 0}])
        self.assertEqual(again.data["repeated"], 1, "the service logged it")
        wait_for(lambda: "ZeroDivisionError" in json.dumps(server.inbox()), "no message in the inbox")


@needs_bellbuoy
class Readme(Case):
    def test_its_blocks_run(self) -> None:
        server = self.bellbuoy().start()
        env = {**os.environ, "BELLBUOY_URL": server.url, "BELLBUOY_SPOOL": str(self.spool)}
        text = EXAMPLES.with_name("README.md").read_text(encoding="utf-8")
        blocks = [block.split("```")[0] for block in text.split("```python\n")[1:]]
        have = {"fastapi": importlib.util.find_spec("fastapi"), "airflow.sdk": False}
        run = [block for block in blocks if all(found or f"from {name} import" not in block for name, found in have.items())]
        self.assertGreaterEqual(len(run), 4)
        for block in run:
            subprocess.run([sys.executable, "-c", block], env=env, check=True, capture_output=True, timeout=60)
        kinds = [event["kind"] for event in server.events()]
        self.assertEqual(kinds, ["drift", "training-success", "training-failure", "model-retired"])
        again = bellbuoy.log_predictions(
            "bikes", [{"id": id, "prediction": 0} for id in ("h1", "h2", "h3", "h4")], settings=self.settings(server.url)
        )
        self.assertEqual(again.data["repeated"], 4)


@needs_bellbuoy
@unittest.skipUnless(importlib.util.find_spec("airflow.version") if importlib.util.find_spec("airflow") else None, "skipped: no Airflow")
class TheDag(Case):
    def test_dag(self) -> None:
        from . import test_airflow  # an Airflow of our own

        subprocess.run([sys.executable, "-m", "airflow", "db", "migrate"], check=True, capture_output=True, timeout=300)
        server: Bellbuoy = self.bellbuoy().start()
        self.assertTrue(test_airflow.HAVE)
        env = {**os.environ, "BELLBUOY_URL": server.url, "BELLBUOY_SPOOL": str(self.spool), "BELLBUOY_MODEL": "bikes"}
        env["BELLBUOY_FOOTER"] = "MLOps Bike Traffic Monitoring"
        env["AIRFLOW__CORE__DAGS_FOLDER"] = str(EXAMPLES / "dags")
        env["PYTHONPATH"] = os.pathsep.join([str(EXAMPLES / "dags"), os.environ.get("PYTHONPATH", "")])
        conf = {"r2": 0.6, "rmse": 65, "new_r2": 0.7856}
        script = [sys.executable, str(Path(__file__).with_name("run_dag.py")), "dag_monitor_and_train", json.dumps(conf)]
        done = subprocess.run(script, env=env, capture_output=True, text=True, timeout=300)
        self.assertIn('"fine_tune_model": "success"', done.stdout, done.stderr[-3000:])
        titles = ("Model Performance Critical", "Training Completed")
        wait_for(lambda: all(title in json.dumps(server.inbox()) for title in titles), f"messages are missing\n{done.stdout}{done.stderr}")
        embeds = {embed["title"]: embed for row in server.inbox() for embed in row["message"]["embeds"]}
        trained = next(embed for title, embed in embeds.items() if "Training Completed" in title)
        self.assertIn("DEPLOYED", trained["description"])
        self.assertEqual(trained["footer"]["text"], "MLOps Bike Traffic Monitoring")
        self.assertIn("+0.1856", json.dumps(trained["fields"]))
