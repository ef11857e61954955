"""The middleware and the families in real Starlette and FastAPI apps, called as ASGI, without a server between."""

from __future__ import annotations

import asyncio
import importlib.util
import os
import re
import subprocess
import sys
import tempfile
import unittest
from collections.abc import AsyncIterator
from typing import Any, Optional

from .harness import REPOSITORY

HAVE = all(importlib.util.find_spec(name) for name in ("starlette", "fastapi", "prometheus_client"))

if HAVE:
    import fastapi
    from prometheus_client import CollectorRegistry, generate_latest
    from starlette.applications import Starlette
    from starlette.exceptions import HTTPException
    from starlette.requests import Request
    from starlette.responses import PlainTextResponse, StreamingResponse
    from starlette.routing import Mount, Route
    from starlette.staticfiles import StaticFiles

    import bellbuoy.asgi
    from bellbuoy import PredictionLogger
    from bellbuoy.asgi import LABEL_SETS_MAX, BellbuoyMiddleware, Instrument

    async def ok(request: Request) -> PlainTextResponse:
        return PlainTextResponse("ok")

    async def boom(request: Request) -> PlainTextResponse:
        raise RuntimeError("boom")

    async def teapot(request: Request) -> PlainTextResponse:
        raise HTTPException(418)

    async def slow(request: Request) -> PlainTextResponse:
        await asyncio.sleep(3600)
        raise AssertionError("nobody waits so long")

    async def stream(request: Request) -> StreamingResponse:
        async def body() -> AsyncIterator[str]:
            yield "a"
            if request.query_params.get("break"):
                raise RuntimeError("in the middle")
            yield "b"

        return StreamingResponse(body())


@unittest.skipUnless(HAVE, "skipped: fastapi, starlette and prometheus_client are not installed")
class AsgiCase(unittest.TestCase):
    def setUp(self) -> None:
        self.instrument = Instrument(CollectorRegistry())

    def call(self, app: Any, path: str, method: str = "GET", headers: Optional[dict[str, str]] = None) -> tuple[int, bytes]:
        return asyncio.run(self._call(app, path, method, headers or {}))

    async def _call(self, app: Any, path: str, method: str, headers: dict[str, str]) -> tuple[int, bytes]:
        path, _, query = path.partition("?")
        scope = {
            "type": "http", "asgi": {"version": "3.0"}, "http_version": "1.1", "method": method, "scheme": "http", "path": path,
            "raw_path": path.encode(), "query_string": query.encode(), "root_path": "", "server": ("t", 80), "client": ("c", 1),
            "headers": [(name.encode(), value.encode()) for name, value in headers.items()],
        }  # fmt: skip
        status, body = 0, b""

        requests = [{"type": "http.request", "body": b"", "more_body": False}]

        async def receive() -> dict[str, Any]:
            if not requests:
                await asyncio.Event().wait()  # the client stays
            return requests.pop()

        async def send(message: dict[str, Any]) -> None:
            nonlocal status, body
            status = message.get("status", status)
            body += message.get("body", b"")

        try:
            await app(scope, receive, send)
        except RuntimeError:
            status = status or 500
        return status, body

    def has(self, *lines: str) -> None:
        text = generate_latest(self.instrument.registry).decode()
        for line in lines:
            self.assertIn(line, text.splitlines())

    def has_not(self, *starts: str) -> None:
        text = generate_latest(self.instrument.registry).decode()
        for start in starts:
            self.assertFalse([line for line in text.splitlines() if line.startswith(start)], start)


class Requests(AsgiCase):
    def starlette(self) -> Any:
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        inner = Starlette(routes=[Route("/deep/{key}", ok)])
        app = Starlette(
            routes=[
                Route("/items/{id:int}", ok),
                Route("/boom", boom),
                Route("/teapot", teapot),
                Route("/slow", slow),
                Route("/stream", stream),
                Mount("/mounted/{tenant}", routes=[Route("/things/{thing}", ok), Mount("/app", app=inner)]),
                Mount("/files", StaticFiles(directory=folder.name)),
            ]
        )
        self.instrument.install(app)
        return app

    def test_templates_statuses_and_names(self) -> None:
        app = self.starlette()
        for path, method, expected in [
            ("/items/1", "GET", 200),
            ("/items/2", "GET", 200),
            ("/items/1", "DELETE", 405),
            ("/mounted/acme/things/7", "GET", 200),
            ("/mounted/acme/app/deep/7", "GET", 200),
            ("/mounted/acme/nothing", "GET", 404),
            ("/files/nothing.txt", "GET", 404),
            ("/teapot", "GET", 418),
            ("/boom", "GET", 500),
        ]:
            self.assertEqual(self.call(app, path, method)[0], expected, path)
        self.has(
            'fastapi_requests_total{endpoint="/items/{id}",method="GET",status="200"} 2.0',
            'api_requests_total{endpoint="/items/{id}",method="GET",status="200"} 2.0',
            'fastapi_requests_total{endpoint="/items/{id}",method="DELETE",status="405"} 1.0',
            'fastapi_requests_total{endpoint="/mounted/{tenant}/things/{thing}",method="GET",status="200"} 1.0',
            'fastapi_requests_total{endpoint="/mounted/{tenant}/app/deep/{key}",method="GET",status="200"} 1.0',
            'fastapi_requests_total{endpoint="unmatched",method="GET",status="404"} 1.0',
            'fastapi_requests_total{endpoint="/files/{path}",method="GET",status="404"} 1.0',
            'fastapi_requests_total{endpoint="/teapot",method="GET",status="418"} 1.0',
            'fastapi_requests_total{endpoint="/boom",method="GET",status="500"} 1.0',
            'fastapi_errors_total{endpoint="/boom",method="GET"} 1.0',
            'fastapi_errors_total{endpoint="/items/{id}",method="GET"} 0.0',
            'fastapi_request_duration_seconds_count{endpoint="/items/{id}",method="GET"} 2.0',
            'fastapi_requests_in_progress{endpoint="/boom",method="GET"} 0.0',
        )

    def test_strange_methods_and_addresses_make_one_series(self) -> None:
        app = self.starlette()
        for n in range(30):
            self.call(app, f"/nowhere/{n}", f"M{n}")
        self.has('fastapi_requests_total{endpoint="unmatched",method="other",status="404"} 30.0')

    def test_paths_beyond_the_bound_fold(self) -> None:
        app = Starlette(routes=[Route(f"/{n}", ok) for n in range(310)])
        self.instrument.install(app)
        for n in range(310):
            self.call(app, f"/{n}")
        self.has(
            'fastapi_requests_total{endpoint="/299",method="GET",status="200"} 1.0',
            'fastapi_requests_total{endpoint="other",method="GET",status="200"} 10.0',
            'instrument_label_sets_dropped_total{metric="fastapi_requests_total"} 10.0',
        )

    def test_fastapi(self) -> None:
        app = fastapi.FastAPI()
        inner = fastapi.APIRouter(prefix="/inner")
        outer = fastapi.APIRouter()

        @inner.get("/things/{thing}")
        def thing(thing: int) -> int:
            return thing

        outer.include_router(inner, prefix="/pre")
        app.include_router(outer, prefix="/{tenant}")
        below = fastapi.FastAPI()
        below.include_router(inner)
        app.mount("/below/{name}", below)
        self.instrument.install(app)
        for path, expected in [
            ("/acme/pre/inner/things/1", 200),
            ("/acme/pre/inner/things/x", 422),
            ("/below/a/inner/things/2", 200),
            ("/docs", 200),
            ("/metrics", 200),
        ]:
            self.assertEqual(self.call(app, path)[0], expected, path)
        self.has(
            'fastapi_requests_total{endpoint="/{tenant}/pre/inner/things/{thing}",method="GET",status="200"} 1.0',
            'fastapi_requests_total{endpoint="/{tenant}/pre/inner/things/{thing}",method="GET",status="422"} 1.0',
            'fastapi_requests_total{endpoint="/below/{name}/inner/things/{thing}",method="GET",status="200"} 1.0',
            'fastapi_requests_total{endpoint="/docs",method="GET",status="200"} 1.0',
        )

    def test_streams(self) -> None:
        app = self.starlette()
        self.assertEqual(self.call(app, "/stream"), (200, b"ab"))
        self.call(app, "/stream?break=1")
        self.has(
            'fastapi_requests_total{endpoint="/stream",method="GET",status="200"} 2.0',
            'fastapi_errors_total{endpoint="/stream",method="GET"} 1.0',
            'fastapi_requests_in_progress{endpoint="/stream",method="GET"} 0.0',
        )

    def test_cancelled(self) -> None:
        app = self.starlette()

        async def cancel() -> None:
            task = asyncio.ensure_future(self._call(app, "/slow", "GET", {}))
            while 'in_progress{endpoint="/slow",method="GET"} 1.0' not in generate_latest(self.instrument.registry).decode():
                await asyncio.sleep(0)
            task.cancel()
            with self.assertRaises(asyncio.CancelledError):
                await task

        asyncio.run(cancel())
        self.has(
            'fastapi_requests_total{endpoint="/slow",method="GET",status="499"} 1.0',
            'fastapi_requests_in_progress{endpoint="/slow",method="GET"} 0.0',
            'fastapi_errors_total{endpoint="/slow",method="GET"} 0.0',
        )

    def test_around_an_app_that_is_no_starlette(self) -> None:
        async def bare(scope: Any, receive: Any, send: Any) -> None:
            if scope["path"] == "/silent":
                return
            await send({"type": "http.response.start", "status": 204, "headers": []})
            await send({"type": "http.response.body"})

        app = BellbuoyMiddleware(bare, self.instrument)
        self.call(app, "/x")
        self.call(app, "/silent")
        self.has(
            'fastapi_requests_total{endpoint="unmatched",method="GET",status="204"} 1.0',
            'fastapi_requests_total{endpoint="unmatched",method="GET",status="500"} 1.0',
        )

    def test_the_page_speaks_both_formats(self) -> None:
        app = self.starlette()
        self.assertIn(b"# TYPE predictions_total counter", self.call(app, "/metrics")[1])
        asked = {"accept": "application/openmetrics-text; version=1.0.0"}
        self.assertTrue(self.call(app, "/metrics", headers=asked)[1].endswith(b"# EOF\n"))


class Families(AsgiCase):
    def test_every_family_has_its_exact_name(self) -> None:
        one = self.instrument
        one.predictions(3, 0.002)
        one.severity("4")
        one.prediction_error("invalid_input")
        one.drift_scores(0.35, {"month": 0.45})
        one.drift(True, 0.54, 8)
        one.training(False, 3)
        one.training(True, 3)
        one.model("champion", r2=0.72, rmse=61.5, mae=40, version="7")
        # The names and labels of the Rust crate's test of the same name.
        self.has(
            "# TYPE predictions_total counter",
            "predictions_total 3.0",
            'prediction_latency_seconds_bucket{le="0.005"} 1.0',
            'prediction_batch_rows_bucket{le="2.0"} 0.0',
            'prediction_batch_rows_bucket{le="5.0"} 1.0',
            'predictions_by_severity{severity="4"} 1.0',
            'prediction_errors_total{error_type="invalid_input"} 1.0',
            'prediction_errors_total{error_type="cancelled"} 0.0',
            "data_drift_score 0.35",
            'feature_drift{feature="month"} 0.45',
            'training_runs_total{status="failure"} 1.0',
            "training_duration_seconds_count 2.0",
            "drift_detected 1.0",
            "drift_share 0.54",
            "drifted_features_count 8.0",
            'model_r2_score{model_type="champion"} 0.72',
            'model_rmse{model_type="champion"} 61.5',
            'model_mae{model_type="champion"} 40.0',
            'model_info{model_type="champion",version="7"} 1.0',
        )
        self.assertIn("training_last_success_timestamp_seconds", generate_latest(one.registry).decode())

    def test_the_rust_crate_has_the_same_names_labels_and_buckets(self) -> None:
        """The tables in its sources against a page on which everything was set."""
        folder = REPOSITORY / "crates" / "instrument" / "src"
        if not folder.is_dir():
            self.skipTest("skipped: the Rust crate does not lie beside")
        source = "".join(path.read_text(encoding="utf-8").split("#[cfg(test)]")[0] for path in sorted(folder.rglob("*.rs")))
        short = {"by": "method endpoint", "rows": "model kind"}
        theirs = {"predictions_by_severity": {"severity"}}
        for name, labels in re.findall(r'\br\.(?:counter|gauge|level|histogram)\("(\w+)", "[^"]*", (\[[^\]]*\]|\w+)', source):
            theirs[name] = set(short.get(labels, labels.replace(",", " ").strip("[]").replace('"', "")).split())
        # Python spools, so nothing is asked again and again, and there is a count of its own.
        del theirs["prediction_log_requests_total"]
        theirs["prediction_log_rows_spooled_total"] = {"model", "kind"}
        self.assertGreater(len(theirs), 25)

        one, logger = self.instrument, PredictionLogger("bikes")
        one.watch(logger)
        for what in ("offered", "acknowledged", "spooled", "dropped"):
            logger.counts["label", what, "" if what != "dropped" else "refused"] = 1
        logger.last_success = 1.0
        one.severity("1")
        one.drift(True, 0.5, 1)
        one.drift_scores(0.5, {"a": 0.1})
        one.training(True, 1)
        one.model("champion", r2=1, rmse=1, mae=1, version="1")
        self.call(BellbuoyMiddleware(Starlette(routes=[Route("/", boom)]), one), "/")
        ours: dict[str, set[str]] = {}
        for line in generate_latest(one.registry).decode().splitlines():
            found = re.match(r"(\w+?)(?:_bucket|_sum)?(?:\{(.*)\})? ", line)
            if found and not line.startswith(("#", "instrument_")) and not re.search(r"_created\b|(seconds|rows)_count\b", line):
                ours.setdefault(found[1], set()).update(set(re.findall(r'(\w+)="', found[2] or "")) - {"le"})
        self.assertEqual(ours, theirs)
        for name in ("PREDICTION_SECONDS", "REQUEST_SECONDS", "TRAINING_SECONDS", "BATCH_ROWS"):
            [numbers] = re.findall(rf"const {name}: \[f64; \d+\] = \[([^\]]*)\]", source)
            self.assertEqual([float(number) for number in numbers.split(",")], list(getattr(bellbuoy.asgi, name)), name)

    def test_gauges_are_absent_until_set_and_when_nothing_is_known(self) -> None:
        one = self.instrument
        gauges = ("drift_detected", "drift_share", "drifted", "data_drift_score", "model_r2_score{", "model_info{", "feature_drift{")
        self.has_not(*gauges)
        one.drift_scores(float("nan"), {"a": float("inf")})
        one.model("champion", r2=float("nan"))
        self.has_not(*gauges)
        one.drift(True, 0.5, 4)
        one.drift_scores(0.5, {"a": 0.1, "b": 0.2})
        one.model("champion", r2=0.7, version="1")
        one.model("champion", r2=0.8, version="2")
        self.has('model_info{model_type="champion",version="2"} 1.0', 'feature_drift{feature="a"} 0.1')
        self.has_not('model_info{model_type="champion",version="1"}')
        one.drift_scores(0.5, {"b": 0.3})
        self.has_not('feature_drift{feature="a"}')
        one.drift_unknown()
        one.model_gone("champion")
        self.has_not(*gauges)
        one.drift(False, 0.0, 0)
        self.has("drift_detected 0.0")

    def test_a_prediction_is_timed_or_an_error(self) -> None:
        with self.instrument.prediction(rows=10):
            pass
        with self.assertRaises(ValueError), self.instrument.prediction():
            raise ValueError
        with self.assertRaises(asyncio.CancelledError), self.instrument.prediction():
            raise asyncio.CancelledError
        self.has(
            "predictions_total 10.0",
            "prediction_latency_seconds_count 1.0",
            'prediction_errors_total{error_type="ValueError"} 1.0',
            'prediction_errors_total{error_type="cancelled"} 1.0',
        )

    def test_label_sets_are_bounded_and_drops_counted(self) -> None:
        for n in range(LABEL_SETS_MAX + 7):
            self.instrument.severity(str(n))
            self.instrument.drift_scores(None)
        self.has(
            'predictions_by_severity{severity="other"} 7.0',
            'instrument_label_sets_dropped_total{metric="predictions_by_severity"} 7.0',
        )
        self.instrument.drift_scores(0.1, {str(n): 0.1 for n in range(LABEL_SETS_MAX + 3)})
        self.has('instrument_label_sets_dropped_total{metric="feature_drift"} 3.0')
        self.has_not('feature_drift{feature="other"}')
        self.instrument.severity("x" * 5000)

    def test_several_workers(self) -> None:
        with tempfile.TemporaryDirectory() as folder:
            env = {**os.environ, "PROMETHEUS_MULTIPROC_DIR": folder}
            work = "from bellbuoy.asgi import *; i = Instrument(); i.predictions(2, 0.1); i.severity('4'); i.drift(True, 0.5, 1)"
            show = (
                "from bellbuoy.asgi import *; import asyncio; i = Instrument();"
                "R = type('R', (), {'headers': {}}); print(asyncio.run(i.page(R)).body.decode())"
            )
            for code in (work, work):
                subprocess.run([sys.executable, "-c", code], env=env, check=True)
            text = subprocess.run([sys.executable, "-c", show], env=env, check=True, capture_output=True, text=True).stdout
        for line in ("predictions_total 4.0", 'predictions_by_severity{severity="4"} 2.0', "drift_detected 1.0"):
            self.assertIn(line, text.splitlines())
