"""Metrics of a prediction service in Starlette or FastAPI, over prometheus_client: the names that the ready-made rules and dashboards know.

    instrument = Instrument()
    instrument.install(app)                       # the middleware and GET /metrics
    with instrument.prediction() as made: ...     # latency, predictions, errors

Needs the extra `asgi`. The same families with the same labels as crates/instrument makes for services in Rust: counters that alerts look
at are there from the start with 0; gauges are absent until somebody sets them, and end when what they say is unknown.
"""

from __future__ import annotations

import asyncio
import contextlib
import math
import os
import re
import threading
import time
from collections.abc import Iterable, Iterator, Mapping
from typing import Any, Optional

try:
    from prometheus_client import REGISTRY, CollectorRegistry, Counter, Gauge, Histogram, multiprocess
    from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily
    from prometheus_client.exposition import choose_encoder
    from starlette.responses import Response
    from starlette.routing import compile_path
except ImportError as error:  # pragma: no cover
    raise ImportError(f"{error}; bellbuoy.asgi needs more packages: pip install 'bellbuoy[asgi]'") from error

from .predictions import PredictionLogger

LABEL_SETS_MAX = 1000
LABEL_VALUE_CHARS_MAX = 256
# Each has some 30 series; what comes after is counted under `other`.
PATHS_MAX = 300
METHODS = ("GET", "POST", "PUT", "PATCH", "DELETE", "HEAD", "OPTIONS")
OTHER = "other"
UNMATCHED = "unmatched"
# The word is nginx's: the client went away, or a time-out struck, before there was an answer.
CLIENT_CLOSED_REQUEST = 499

PREDICTION_SECONDS = (0.0001, 0.0005, 0.001, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0)
REQUEST_SECONDS = (0.001, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0)
TRAINING_SECONDS = (0.1, 0.5, 1.0, 5.0, 10.0, 30.0, 60.0, 120.0, 300.0, 600.0, 1800.0, 3600.0)
BATCH_ROWS = (1.0, 2.0, 5.0, 10.0, 50.0, 100.0, 500.0, 1000.0, 5000.0)


class _Family:
    """A metric with labels, and a bound on how many sets of them there are. Sums fold into `other` beyond it; of gauges nothing is kept."""

    def __init__(self, metric: Any, dropped: Any, folds: bool = True) -> None:
        self._metric, self._dropped, self._folds = metric, dropped, folds
        self._known: set[tuple[str, ...]] = set()
        self._lock = threading.Lock()

    def at(self, *values: str) -> Any:
        key = tuple(str(value)[:LABEL_VALUE_CHARS_MAX] for value in values)
        with self._lock:
            if key not in self._known and len(self._known) >= LABEL_SETS_MAX:
                self._dropped.labels(self._metric._name).inc()
                return self._metric.labels(*[OTHER] * len(key)) if self._folds else None
            self._known.add(key)
        return self._metric.labels(*key)

    def put(self, values: tuple[str, ...], value: Optional[float]) -> None:
        """What is unknown or not finite ends its series."""
        if value is None or not math.isfinite(value):
            self.end(*values)
        elif (child := self.at(*values)) is not None:
            child.set(value)

    def end(self, *values: str) -> None:
        key = tuple(str(value)[:LABEL_VALUE_CHARS_MAX] for value in values)
        with self._lock:
            if key in self._known:
                self._known.discard(key)
                self._metric.remove(*key)

    def end_all_but(self, kept: set[str]) -> None:
        """Of a family with one label."""
        for (value,) in [key for key in self._known if key[0] not in kept]:
            self.end(value)


class Instrument:
    """The metrics of one service; make one for each registry."""

    def __init__(self, registry: CollectorRegistry = REGISTRY) -> None:
        self.registry = registry
        # A gauge without labels is there as 0 once it exists, so these are made when they are set.
        self._bare: dict[str, Gauge] = {}
        self._lock = threading.Lock()
        self._dropped = Counter(
            "instrument_label_sets_dropped_total", "Label sets that did not fit into their family", ["metric"], registry=registry
        )
        by = ["method", "endpoint"]
        self._requests = self._counter("fastapi_requests_total", "HTTP requests", [*by, "status"])
        self._api_requests = self._counter("api_requests_total", "API requests by endpoint and status", ["endpoint", "method", "status"])
        self._errors = self._counter("fastapi_errors_total", "HTTP requests answered with 5xx", by)
        self._duration = _Family(
            Histogram("fastapi_request_duration_seconds", "Time to the answer's head", by, buckets=REQUEST_SECONDS, registry=registry),
            self._dropped,
        )
        self._in_progress = self._gauge("fastapi_requests_in_progress", "HTTP requests under way", by, "livesum", folds=True)
        self._predictions = Counter("predictions_total", "Predictions served", registry=registry)
        self._latency = Histogram(
            "prediction_latency_seconds",
            "Time to answer a prediction request",
            buckets=PREDICTION_SECONDS,
            registry=registry,
        )
        self._rows = Histogram("prediction_batch_rows", "Rows in a prediction request", buckets=BATCH_ROWS, registry=registry)
        # A counter by its use. prometheus_client would name a Counter predictions_by_severity_total, which no rule looks for.
        self._by_severity = self._gauge("predictions_by_severity", "Predictions by severity level", ["severity"], "sum", folds=True)
        self._prediction_errors = self._counter("prediction_errors_total", "Predictions that failed, by type of error", ["error_type"])
        self._prediction_errors.at("cancelled")
        self._feature_drift = self._gauge("feature_drift", "Drift score by feature, 0 to 1", ["feature"])
        self._training_runs = self._counter("training_runs_total", "Training runs by outcome", ["status"])
        for status in ("success", "failure"):
            self._training_runs.at(status)
        self._training = Histogram("training_duration_seconds", "Time of a training run", buckets=TRAINING_SECONDS, registry=registry)
        self._scores = {
            "r2": self._gauge("model_r2_score", "R2 of the model on its last evaluation", ["model_type"]),
            "rmse": self._gauge("model_rmse", "RMSE of the model on its last evaluation", ["model_type"]),
            "mae": self._gauge("model_mae", "MAE of the model on its last evaluation", ["model_type"]),
        }
        self._info = self._gauge("model_info", "1 for the version of the model that is loaded", ["model_type", "version"])
        self._loaded = self._gauge("model_loaded_timestamp_seconds", "When the model's version was loaded", ["model_type"])
        self._versions: dict[str, str] = {}

    def install(self, app: Any, path: str = "/metrics") -> None:
        """The middleware and the page, for a Starlette or FastAPI app that has not begun to serve."""
        app.add_middleware(BellbuoyMiddleware, instrument=self)
        app.add_route(path, self.page, methods=["GET"])

    async def page(self, request: Any) -> Response:
        """`GET /metrics`: text or OpenMetrics, as the scraper asks."""
        encode, kind = choose_encoder(request.headers.get("accept", ""))
        registry = self.registry
        if os.environ.get("PROMETHEUS_MULTIPROC_DIR"):
            registry = CollectorRegistry()
            multiprocess.MultiProcessCollector(registry)
        return Response(encode(registry), headers={"content-type": kind})

    def watch(self, logger: PredictionLogger) -> None:
        """What became of the rows of a logger: `prediction_log_...`."""
        self.registry.register(_LogCollector(logger))

    @contextlib.contextmanager
    def prediction(self, rows: int = 1) -> Iterator[None]:
        """A prediction request: its time and rows when it ends well, else an error by the exception's name."""
        start = time.perf_counter()
        try:
            yield
        except BaseException as error:
            self.prediction_error(type(error).__name__ if isinstance(error, Exception) else "cancelled")
            raise
        self.predictions(rows, time.perf_counter() - start)

    def predictions(self, count: int, seconds: float) -> None:
        """`count` predictions answered at once, in so many seconds together."""
        self._predictions.inc(count)
        self._latency.observe(seconds)
        self._rows.observe(count)

    def severity(self, severity: str, count: int = 1) -> None:
        self._by_severity.at(severity).inc(count)

    def prediction_error(self, error_type: str) -> None:
        """Use few, fixed words."""
        self._prediction_errors.at(error_type).inc()

    def expect_prediction_errors(self, *error_types: str) -> None:
        """Makes them exist with 0, so that the first error is seen as an increase."""
        for error_type in error_types:
            self._prediction_errors.at(error_type)

    def drift_scores(self, overall: Optional[float], features: Optional[Mapping[str, Optional[float]]] = None) -> None:
        """Scores between 0 and 1. Features that are no longer named end their series."""
        self._set("data_drift_score", "Overall data drift score, 0 to 1", overall)
        self._feature_drift.end_all_but(set(features or ()))
        for feature, score in (features or {}).items():
            self._feature_drift.put((feature,), score)

    def drift(self, detected: Optional[bool], share: Optional[float], features: Optional[int]) -> None:
        """The verdict: drift or not, the share of drifted features (0 to 1) and their number. None: unknown."""
        self._set("drift_detected", "1 when data drift is detected, else 0", None if detected is None else float(detected))
        self._set("drift_share", "Share of features that drifted, 0 to 1", share)
        self._set("drifted_features_count", "Number of features that drifted", features)

    def drift_unknown(self) -> None:
        """Too few rows, no reference: nobody takes an old verdict for today's."""
        self.drift(None, None, None)
        self.drift_scores(None)

    def training(self, success: bool, seconds: float) -> None:
        self._training_runs.at("success" if success else "failure").inc()
        self._training.observe(seconds)
        if success:
            name = "training_last_success_timestamp_seconds"
            self._set(name, "When a training run last succeeded", time.time())

    def model(
        self,
        model_type: str,
        *,
        r2: Optional[float] = None,
        rmse: Optional[float] = None,
        mae: Optional[float] = None,
        version: Optional[str] = None,
    ) -> None:
        """The figures of a model's last evaluation by its role (`champion`, `challenger`); what is None is unknown. And its version, if one
        is said."""
        for name, value in (("r2", r2), ("rmse", rmse), ("mae", mae)):
            self._scores[name].put((model_type,), value)
        if version is not None:
            self._version(model_type, version)

    def model_gone(self, model_type: str) -> None:
        """There is no such model any more."""
        self.model(model_type)
        self._version(model_type, None)

    def _version(self, model_type: str, version: Optional[str]) -> None:
        before = self._versions.pop(model_type, None)
        if before is not None and before != version:
            self._info.end(model_type, before)
        if version is not None:
            self._versions[model_type] = version
            self._info.put((model_type, version), 1.0)
        if before != version:
            self._loaded.put((model_type,), None if version is None else time.time())

    def _counter(self, name: str, text: str, labels: list[str]) -> _Family:
        return _Family(Counter(name, text, labels, registry=self.registry), self._dropped)

    def _gauge(self, name: str, text: str, labels: list[str], mode: Any = "mostrecent", folds: bool = False) -> _Family:
        return _Family(Gauge(name, text, labels, registry=self.registry, multiprocess_mode=mode), self._dropped, folds)

    def _set(self, name: str, text: str, value: Optional[float]) -> None:
        with self._lock:
            if value is None or not math.isfinite(value):
                if name in self._bare:
                    self.registry.unregister(self._bare.pop(name))
                return
            if name not in self._bare:
                self._bare[name] = Gauge(name, text, registry=self.registry, multiprocess_mode="mostrecent")
            self._bare[name].set(value)


class _LogCollector:
    def __init__(self, logger: PredictionLogger) -> None:
        self._logger = logger

    def collect(self) -> Iterator[Any]:
        one = self._logger
        by = ["model", "kind"]
        families = {
            what: CounterMetricFamily(f"prediction_log_rows_{what}_total", f"Rows that were {what}", labels=by)
            for what in ("offered", "acknowledged", "spooled")
        }
        families["dropped"] = CounterMetricFamily("prediction_log_rows_dropped_total", "Rows that were dropped", labels=[*by, "reason"])
        for (kind, what, reason), count in list(one.counts.items()):
            families[what].add_metric([one.model, kind, *([reason] if what == "dropped" else [])], count)
        yield from families.values()
        waiting = GaugeMetricFamily("prediction_log_waiting_rows", "Rows in the queue", labels=["model"])
        waiting.add_metric([one.model], one.waiting)
        yield waiting
        name = "prediction_log_last_success_timestamp_seconds"
        last = GaugeMetricFamily(name, "When bellbuoy last took rows", labels=["model"])
        if one.last_success is not None:
            last.add_metric([one.model], one.last_success)
        yield last


class BellbuoyMiddleware:
    """Counts and times requests.

    A request is counted once: when the head of its answer goes out (what its body takes is not measured), when it fails before (500), or
    when it is cancelled before (499). An error in the middle of a streamed body counts in `fastapi_errors_total` beside the status that
    was sent.
    """

    def __init__(self, app: Any, instrument: Optional[Instrument] = None) -> None:
        self.app = app
        self.instrument = instrument or Instrument()
        self._paths: Optional[_Paths] = None

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        if self._paths is None:
            self._paths = _Paths(getattr(scope.get("app", self.app), "routes", []))
        endpoint = self._paths.template(scope)
        if endpoint == OTHER:
            self.instrument._dropped.labels("fastapi_requests_total").inc()
        request = _Request(self.instrument, scope["method"], endpoint)

        async def watched(message: Any) -> None:
            if message["type"] == "http.response.start":
                request.end(message["status"])
            await send(message)

        try:
            await self.app(scope, receive, watched)
        except Exception:
            request.fail()
            raise
        except (asyncio.CancelledError, GeneratorExit):
            request.end(CLIENT_CLOSED_REQUEST)
            raise
        finally:
            request.end(500)


class _Request:
    def __init__(self, instrument: Instrument, method: str, endpoint: str) -> None:
        self._instrument, self._start, self._ended = instrument, time.perf_counter(), False
        self._labels = (method if method in METHODS else OTHER, endpoint)
        self._in_progress = instrument._in_progress.at(*self._labels)
        self._in_progress.inc()
        # Exists with 0 from the first request, so that the first 5xx is an increase.
        self._errors = instrument._errors.at(*self._labels)

    def end(self, status: int) -> None:
        """Only the first call counts."""
        if self._ended:
            return
        self._ended = True
        method, endpoint = self._labels
        self._in_progress.dec()
        self._instrument._duration.at(method, endpoint).observe(time.perf_counter() - self._start)
        self._instrument._requests.at(method, endpoint, str(status)).inc()
        self._instrument._api_requests.at(endpoint, method, str(status)).inc()
        if status >= 500:
            self._errors.inc()

    def fail(self) -> None:
        if self._ended:
            self._errors.inc()
        self.end(500)


class _Paths:
    """From an address to its template, `/items/{id}`: known before the request is served, through mounts and included routers."""

    def __init__(self, routes: Iterable[Any]) -> None:
        self._known: list[tuple[re.Pattern[str], str]] = []
        for path in _leaves(routes):
            pattern, template, _ = compile_path(path)
            self._known.append((pattern, template if len(self._known) < PATHS_MAX else OTHER))

    def template(self, scope: Any) -> str:
        path, root = scope["path"], scope.get("root_path", "")
        if root and path.startswith(root):
            path = path[len(root) :] or "/"
        # Not the address itself: every wrong one would make a series.
        return next((template for pattern, template in self._known if pattern.match(path)), UNMATCHED)


def _leaves(routes: Iterable[Any], prefix: str = "") -> Iterator[str]:
    for route in routes:
        # FastAPI keeps a router that was included as one route, with all of its own inside.
        if callable(getattr(route, "effective_route_contexts", None)):
            for inner in route.effective_route_contexts():
                yield from _leaves([getattr(inner, "starlette_route", None) or inner], prefix)
            continue
        path = prefix + (getattr(route, "path", None) or "")
        below = getattr(route, "routes", None)
        if below:
            yield from _leaves(below, path)
        elif hasattr(route, "app") and hasattr(route, "routes"):  # a mount of something else, such as files
            yield path + "/{path:path}"
        elif path:
            yield path
