"""Tell people what a pipeline did: the kinds of bellbuoy (docs/guides/events.md), with the names that pipelines call.

Every function takes the key words of `send_event` too (`model`, `key`, `labels`, `link`, ...). A figure that is None or NaN reads
"unknown"; one that is not given is not shown.
"""

from __future__ import annotations

import hashlib
import os
import uuid
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, Optional, Union

from .delivery import deliver
from .encode import dumps, is_column, plain, utc_now, values_of
from .outcome import Outcome, never_raises
from .settings import Settings, current

if TYPE_CHECKING:  # known to every type checker, needed by nobody else
    from datetime import datetime

    from typing_extensions import TypedDict, Unpack

    class About(TypedDict, total=False):
        """What may be said of any event; docs/guides/events.md."""

        model: str
        key: str
        window: str
        severity: str
        labels: Mapping[str, str]
        title: str
        summary: str
        description: str
        footer: str
        link: str
        at: Union[str, datetime]
        # Figures of your own, behind those of the kind.
        fields: Mapping[str, Any]
        settings: Settings


KEY_CHARS_MAX = 256
# bellbuoy refuses longer ones; a stack trace is worth more cut than refused.
VALUE_CHARS_MAX = 1024

Number = Optional[float]
# Stands for an argument that nobody gave; None says that the figure is unknown.
ABSENT: Any = type("Absent", (), {"__repr__": lambda _: "ABSENT"})()


@never_raises
def send_event(kind: str, figures: Optional[Mapping[str, Any]] = None, **about: Unpack[About]) -> Outcome:
    """Any event: a kind of bellbuoy's or a word of your own (`model-retired`), with its figures.

    The same `key` of the same kind is told once a day (`window`). Without a key it is told once per call; with a `dag_run_id`, or in a
    task of Airflow, once per run, task and content, so that a task that is tried again tells nothing twice.
    """
    settings = current(about.get("settings"))
    fields = {**(figures or {}), **(about.get("fields") or {})}
    event: dict[str, Any] = {
        "kind": kind,
        "fields": {name: _shown(value) for name, value in fields.items() if value is not ABSENT},
        "model": settings.model if "model" not in (about.get("labels") or {}) else None,
        "footer": settings.footer,
        **{name: value for name, value in about.items() if name not in ("fields", "settings") and value is not None},
    }
    event = {name: value for name, value in event.items() if value not in (None, "")}
    if "labels" in event:
        event["labels"] = {str(name): str(plain(value)) for name, value in event["labels"].items()}
    event.setdefault("key", _key(event))
    # When it happened, not when it arrives.
    event.setdefault("at", utc_now())
    return deliver(settings, "events", dumps(event))


def send_drift_alert(
    drift_share: Number,
    r2: Number = ABSENT,
    drifted_features: Union[int, Sequence[str]] = ABSENT,
    *,
    model_version: str = ABSENT,
    dag_run_id: str = ABSENT,
    **about: Unpack[About],
) -> Outcome:
    """`drift_share` is between 0 and 1; `drifted_features` their number or their names."""
    figures: dict[str, Any] = {"drift_share": drift_share, "r2": r2, "drifted_features": drifted_features}
    if drifted_features is not ABSENT and is_column(drifted_features):
        names = values_of(drifted_features)
        figures.update(drifted_features=len(names), features=names)
    figures.update(model_version=model_version, dag_run_id=dag_run_id)
    return send_event("drift", figures, **about)


def send_performance_alert(
    r2: Number = ABSENT,
    rmse: Number = ABSENT,
    threshold: Number = ABSENT,
    *,
    mae: Number = ABSENT,
    accuracy: Number = ABSENT,
    r2_critical: Number = ABSENT,
    rmse_critical: Number = ABSENT,
    rows: int = ABSENT,
    model_version: str = ABSENT,
    dag_run_id: str = ABSENT,
    **about: Unpack[About],
) -> Outcome:
    """A warning; critical when `r2` is below `r2_critical` or `rmse` above `rmse_critical`."""
    figures: dict[str, Any] = {
        "r2": r2,
        "rmse": rmse,
        "mae": mae,
        "accuracy": accuracy,
        "threshold": threshold,
        "r2_critical": r2_critical,
    }
    figures.update(rmse_critical=rmse_critical, rows=rows, model_version=model_version, dag_run_id=dag_run_id)
    return send_event("performance", figures, **about)


def send_training_success(
    improvement_delta: Number = ABSENT,
    deployment_decision: str = "skip",
    *,
    new_r2: Number = ABSENT,
    old_r2: Number = ABSENT,
    new_rmse: Number = ABSENT,
    old_rmse: Number = ABSENT,
    model_version: str = ABSENT,
    duration: Union[float, str] = ABSENT,
    dag_run_id: str = ABSENT,
    **about: Unpack[About],
) -> Outcome:
    """`deployment_decision` is deploy, skip or reject; `improvement_delta` is computed from both R2 when it is absent."""
    figures: dict[str, Any] = {"decision": deployment_decision, "improvement": improvement_delta, "new_r2": new_r2, "old_r2": old_r2}
    figures.update(new_rmse=new_rmse, old_rmse=old_rmse, model_version=model_version, duration=duration, dag_run_id=dag_run_id)
    return send_event("training-success", figures, **about)


def send_training_failure(
    error: Union[str, BaseException],
    dag_run_id: str = ABSENT,
    *,
    duration: Union[float, str] = ABSENT,
    model_version: str = ABSENT,
    **about: Unpack[About],
) -> Outcome:
    figures: dict[str, Any] = {"error": error, "dag_run_id": dag_run_id, "duration": duration, "model_version": model_version}
    return send_event("training-failure", figures, **about)


def send_api_error(
    endpoint: str,
    error: Union[str, BaseException],
    status_code: int = ABSENT,
    *,
    duration: Union[float, str] = ABSENT,
    dag_run_id: str = ABSENT,
    **about: Unpack[About],
) -> Outcome:
    figures: dict[str, Any] = {
        "error": error,
        "endpoint": endpoint,
        "status_code": status_code,
        "duration": duration,
        "dag_run_id": dag_run_id,
    }
    return send_event("api-error", figures, **about)


def send_champion_promotion(
    model_version: str,
    old_version: str = ABSENT,
    *,
    new_r2: Number = ABSENT,
    old_r2: Number = ABSENT,
    improvement: Number = ABSENT,
    rmse: Number = ABSENT,
    promoted_by: str = ABSENT,
    dag_run_id: str = ABSENT,
    **about: Unpack[About],
) -> Outcome:
    figures: dict[str, Any] = {"model_version": str(model_version), "old_version": old_version, "new_r2": new_r2, "old_r2": old_r2}
    figures.update(improvement=improvement, rmse=rmse, promoted_by=promoted_by, dag_run_id=dag_run_id)
    return send_event("champion-promotion", figures, **about)


def send_ingestion_failure(
    error: Union[str, BaseException],
    source: str = ABSENT,
    *,
    records: int = ABSENT,
    duration: Union[float, str] = ABSENT,
    dag_run_id: str = ABSENT,
    **about: Unpack[About],
) -> Outcome:
    figures: dict[str, Any] = {"error": error, "source": source, "records": records, "duration": duration, "dag_run_id": dag_run_id}
    return send_event("ingestion-failure", figures, **about)


def send_prediction_failure(
    error: Union[str, BaseException],
    failed: int = ABSENT,
    total: int = ABSENT,
    *,
    failure_share: Number = ABSENT,
    model_version: str = ABSENT,
    duration: Union[float, str] = ABSENT,
    dag_run_id: str = ABSENT,
    **about: Unpack[About],
) -> Outcome:
    figures: dict[str, Any] = {
        "error": error,
        "failed": failed,
        "total": total,
        "failure_share": failure_share,
        "model_version": model_version,
    }
    figures.update(duration=duration, dag_run_id=dag_run_id)
    return send_event("prediction-failure", figures, **about)


def send_service_down(
    service: str,
    instance: str = ABSENT,
    *,
    duration: Union[float, str] = ABSENT,
    error: Union[str, BaseException] = ABSENT,
    **about: Unpack[About],
) -> Outcome:
    return send_event("service-down", {"service": service, "instance": instance, "duration": duration, "error": error}, **about)


def send_dag_completion(
    dag_id: str,
    state: str,
    dag_run_id: str = ABSENT,
    *,
    duration: Union[float, str] = ABSENT,
    tasks_failed: int = ABSENT,
    error: Union[str, BaseException] = ABSENT,
    **about: Unpack[About],
) -> Outcome:
    """`state` is success or failed; a failed one is critical."""
    figures: dict[str, Any] = {"dag_id": dag_id, "state": state, "dag_run_id": dag_run_id, "duration": duration}
    return send_event("dag-completion", {**figures, "tasks_failed": tasks_failed, "error": error}, **about)


def _shown(value: Any) -> Any:
    value = plain(value)
    if isinstance(value, str) and len(value) > VALUE_CHARS_MAX:
        return value[: VALUE_CHARS_MAX - 4] + " ..."
    return value


def _key(event: Mapping[str, Any]) -> str:
    env = os.environ
    run = event["fields"].get("dag_run_id") or env.get("AIRFLOW_CTX_DAG_RUN_ID")
    if not run:
        return uuid.uuid4().hex
    # Two DAGs may have runs of the same name, and a run two tasks that fail.
    content = hashlib.sha256(dumps(event)).hexdigest()[:16]
    return fit("/".join([env.get("AIRFLOW_CTX_DAG_ID", ""), str(run), env.get("AIRFLOW_CTX_TASK_ID", ""), content]))


def fit(key: str) -> str:
    """A key that is too long, as its hash."""
    return key if len(key) <= KEY_CHARS_MAX else hashlib.sha256(key.encode()).hexdigest()
