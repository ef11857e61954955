"""Predictions and true values to bellbuoy: rows as people have them, in batches, with the promise of the spool; and a logger for services.

The same rows may be sent again: an id counts once per role.
"""

from __future__ import annotations

import atexit
import os
import threading
import time
from collections import Counter, deque
from collections.abc import Iterable, Iterator, Mapping
from typing import Any, Optional, Union, cast

from .delivery import deliver, flush
from .encode import dumps, is_column, utc_now, values_of
from .outcome import Outcome, log, never_raises
from .settings import Settings, current

# Rows and bytes of one request; bellbuoy takes 100,000 and 32 MiB. Smaller ones keep within the timeout.
BATCH_ROWS = 5000
BATCH_BYTES = 8 << 20
WORST_FIRST = ("dropped", "refused", "spooled", "delivered")

PREDICTION_FIELDS = {"id", "prediction", "class", "probability", "probabilities", "timestamp", "at", "role", "features"}
Rows = Union[Mapping[str, Any], Iterable[Mapping[str, Any]], Any]


@never_raises
def log_predictions(model: str, rows: Rows, *, role: Optional[str] = None, settings: Optional[Settings] = None) -> Outcome:
    """Rows with `id`, `prediction` (of a classification `class`, `probabilities`, `probability`), `timestamp`, `role`, `features`.

    What has another name is a feature, too. Rows are dicts, one dict of columns (lists, arrays, series), or a data frame of pandas or
    polars; `features` beside columns may be a dict of columns or a data frame. A row without a time gets that of now. `data` of the
    outcome has bellbuoy's counts.
    """
    return _send(current(settings), f"models/{model}/predictions", (_prediction(row, role) for row in rows_of(rows)))


@never_raises
def log_labels(model: str, rows: Rows, *, settings: Optional[Settings] = None) -> Outcome:
    """True values: rows with `id` and `value` (or `class`), in any of the forms of `log_predictions`; or a dict of value by id."""
    if isinstance(rows, Mapping) and "id" not in rows:
        rows = [{"id": key, "value": value} for key, value in rows.items()]
    return _send(current(settings), f"models/{model}/labels", rows_of(rows))


def rows_of(rows: Rows) -> Iterable[Mapping[str, Any]]:
    """`ValueError` when columns have different lengths."""
    table: Any = rows
    if callable(getattr(table, "to_dicts", None)):  # polars
        return cast("list[Mapping[str, Any]]", table.to_dicts())
    if hasattr(table, "columns") and hasattr(table, "iloc"):  # pandas
        return _zipped({name: table[name] for name in table.columns})
    if not isinstance(table, Mapping):
        return cast("Iterable[Mapping[str, Any]]", table)
    return _zipped(table) if is_column(table.get("id", "")) else [table]


def _zipped(columns: Mapping[Any, Any]) -> list[Mapping[str, Any]]:
    """Columns to rows; a column may be a table itself, as `features` is."""
    lists: dict[str, list[Any]] = {}
    for name, column in columns.items():
        if isinstance(column, Mapping):
            lists[str(name)] = list(_zipped(column))
        else:
            lists[str(name)] = list(rows_of(column)) if hasattr(column, "columns") else values_of(column)
    lengths = {name: len(values) for name, values in lists.items()}
    if len(set(lengths.values())) > 1:
        raise ValueError("columns have different lengths: " + ", ".join(f"{name} {length}" for name, length in lengths.items()))
    return [dict(zip(lists, values)) for values in zip(*lists.values())]


def _prediction(row: Mapping[str, Any], role: Optional[str]) -> dict[str, Any]:
    out = {name: value for name, value in row.items() if name in PREDICTION_FIELDS}
    features = {
        **(row.get("features") or {}),
        **{name: value for name, value in row.items() if name not in PREDICTION_FIELDS},
    }
    if features:
        out["features"] = features
    if role is not None:
        out.setdefault("role", role)
    # When it was predicted, not when it arrives.
    if out.get("timestamp") is None and out.get("at") is None:
        out["timestamp"] = utc_now()
    return out


def _send(settings: Settings, path: str, rows: Iterable[Mapping[str, Any]]) -> Outcome:
    outcomes: list[Outcome] = []
    for body in _bodies(rows):
        outcomes.append(deliver(settings, path, body))
    if not outcomes:
        return Outcome("delivered", "there were no rows", {})
    worst = min(outcomes, key=lambda outcome: WORST_FIRST.index(str(outcome)))
    counts: Counter[str] = Counter()
    refused: list[Any] = []
    for outcome in outcomes:
        data = outcome.data if isinstance(outcome.data, dict) else {}
        counts.update({name: count for name, count in data.items() if isinstance(count, int)})
        refused.extend(data.get("refused") or [])
    if counts["refusedRows"]:
        log.warning("%s: %d rows refused, the first: %s", path, counts["refusedRows"], refused[:3])
    return Outcome(
        str(worst),
        worst.reason,
        {**counts, "refused": refused[:100], "batches": [str(outcome) for outcome in outcomes]},
    )


def _bodies(rows: Iterable[Mapping[str, Any]]) -> Iterator[bytes]:
    batch: list[bytes] = []
    size = 0
    for row in rows:
        text = dumps(row)
        if batch and (len(batch) >= BATCH_ROWS or size + len(text) > BATCH_BYTES):
            yield b"[" + b",".join(batch) + b"]"
            batch, size = [], 0
        batch.append(text)
        size += len(text) + 1
    if batch:
        yield b"[" + b",".join(batch) + b"]"


class PredictionLogger:
    """For services: `prediction()` and `label()` put a row into a bounded queue and return at once; a thread sends batches.

    What the queue cannot hold is dropped and counted: each row of `counts` is offered, and in the end acknowledged, spooled or dropped
    (`asgi.Instrument.watch` makes metrics of them). What bellbuoy does not take is spooled, and sent again by the same
    thread. `close()` (also at the end of the process) sends or spools the rest. A kill -9 loses what is in the queue: the rows of about
    `seconds`.
    """

    def __init__(
        self,
        model: str,
        *,
        role: Optional[str] = None,
        rows_max: int = 10_000,
        seconds: float = 1.0,
        settings: Optional[Settings] = None,
    ) -> None:
        self.model, self.role = model, role
        self._rows_max, self._seconds, self._settings = rows_max, seconds, settings
        self._start()
        atexit.register(self.close)
        if hasattr(os, "register_at_fork"):
            # The rows of the parent are the parent's, and its thread does not exist in the child.
            os.register_at_fork(after_in_child=self._start)

    @property
    def dropped(self) -> int:
        return sum(count for (_, what, _), count in list(self.counts.items()) if what == "dropped")

    @property
    def waiting(self) -> int:
        return len(self._queue)

    def _start(self) -> None:
        # By kind (prediction, label), what became of the row, and for those that were dropped why.
        self.counts: Counter[tuple[str, str, str]] = Counter()
        self.last_success: Optional[float] = None
        self.last_problem = ""
        self._queue: deque[tuple[str, dict[str, Any]]] = deque()
        self._change = threading.Condition()
        self._thread: Optional[threading.Thread] = None
        self._busy = self._closed = self._hurry = False

    def prediction(self, id: Union[str, int], prediction: Any = None, features: Optional[Mapping[str, Any]] = None, **row: Any) -> bool:
        """False: the queue is full, the row is dropped. `row` may have `class_`, `probabilities`, `probability`, `timestamp`, `role`."""
        if "class_" in row:
            row["class"] = row.pop("class_")
        if prediction is not None:
            row["prediction"] = prediction
        row.setdefault("timestamp", time.time())
        return self._put("prediction", {**row, "id": id, "features": dict(features or {})})

    def label(self, id: Union[str, int], value: Any) -> bool:
        return self._put("label", {"id": id, "value": value})

    def flush(self, seconds: float = 10.0) -> bool:
        """Waits until the queue is empty; True when it is."""
        with self._change:
            self._hurry = True
            self._change.notify_all()
            return self._change.wait_for(lambda: not self._queue and not self._busy, seconds)

    def close(self, seconds: float = 10.0) -> bool:
        done = self.flush(seconds) if self._thread else True
        with self._change:
            self._closed = True
            self._change.notify_all()
        return done

    def _put(self, kind: str, row: dict[str, Any]) -> bool:
        with self._change:
            self.counts[kind, "offered", ""] += 1
            if self._closed or len(self._queue) >= self._rows_max:
                self.counts[kind, "dropped", "closed" if self._closed else "queue_full"] += 1
                return False
            self._queue.append((kind, row))
            if self._thread is None:
                self._thread = threading.Thread(target=self._run, name="bellbuoy", daemon=True)
                self._thread.start()
            self._change.notify_all()
        return True

    def _run(self) -> None:
        while True:
            with self._change:
                self._change.wait_for(lambda: self._queue or self._closed)
                # Others may come along; a full batch, a flush or the end does not wait for them.
                self._change.wait_for(lambda: self._hurry or self._closed or len(self._queue) >= BATCH_ROWS, self._seconds)
                batch = [self._queue.popleft() for _ in range(min(len(self._queue), BATCH_ROWS))]
                self._busy = bool(batch)
                if not batch and self._closed:
                    return
            outcome = self._deliver(batch)
            with self._change:
                self._busy = False
                self._hurry = self._hurry and bool(self._queue)
                self._change.notify_all()
            if outcome == "delivered":
                # bellbuoy is back: bring what waits, events too.
                flush(self._settings, self._seconds)

    def _deliver(self, batch: list[tuple[str, dict[str, Any]]]) -> Outcome:
        outcome = Outcome("delivered")
        for kind, send in (("prediction", log_predictions), ("label", log_labels)):
            rows = [row for of, row in batch if of == kind]
            if rows:
                more = {"role": self.role} if kind == "prediction" else {}
                outcome = send(self.model, rows, settings=self._settings, **more)
                self._count(kind, len(rows), outcome)
        return outcome

    def _count(self, kind: str, rows: int, outcome: Outcome) -> None:
        data = outcome.data or {}
        taken = sum(data.get(name, 0) for name in ("new", "repeated", "corrected", "waiting"))
        refused = data.get("refusedRows", 0)
        left = max(rows - taken - refused, 0)
        what = {"spooled": ("spooled", ""), "dropped": ("dropped", "gave_up")}.get(str(outcome), ("dropped", "refused"))
        with self._change:
            self.counts[kind, "acknowledged", ""] += taken
            self.counts[kind, "dropped", "refused"] += refused
            self.counts[kind, what[0], what[1]] += left
            if outcome == "delivered":
                self.last_success = time.time()
            else:
                self.last_problem = outcome.reason
