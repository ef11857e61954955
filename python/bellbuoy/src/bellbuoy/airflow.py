"""For DAGs of Airflow 2.11 and 3: tell when something fails or succeeds, and branch on bellbuoy's decision.

    on_failure_callback=BellbuoyNotifier("training-failure", model="bikes")          # of a task or a DAG
    on_failure_callback=on_failure_callback                                          # the same, in general words
    BranchPythonOperator(task_id="decide", python_callable=decide_branch("bikes", retrain="train", nothing="done", unknown="look"))
    BellbuoyDecisionSensor(task_id="wait", model="bikes", outcomes=["retrain"])

Inside tasks the functions of `bellbuoy` (`send_drift_alert`, ...) work as they are. A task that is tried again tells nothing twice.
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Optional, Union

try:
    try:  # Airflow 3
        from airflow.sdk import BaseNotifier, BaseSensorOperator, PokeReturnValue
    except ImportError:  # Airflow 2
        from airflow.notifications.basenotifier import BaseNotifier
        from airflow.sensors.base import BaseSensorOperator, PokeReturnValue
except ImportError as error:
    raise ImportError(f"{error}; bellbuoy.airflow needs Apache Airflow 2.11 or 3: pip install 'bellbuoy[airflow]'") from error

from .decisions import get_decision
from .events import fit, send_event
from .outcome import Outcome, log

# `training-failure` and its like name what failed in `error`; these name it in `state`.
STATES = {"dag-completion"}


class BellbuoyNotifier(BaseNotifier):
    """Sends an event about the run (and the task) that it is a callback of.

    `kind` is a kind of bellbuoy's events; without one it is `dag-completion` for a DAG and `task-failure` or `task-success` for a task.
    `fields` are further figures; they may be templates, as may `model`, `labels`, `link`, `title`, `summary`, `footer` and `severity`.
    """

    template_fields: Sequence[str] = ("event",)

    def __init__(
        self,
        kind: Optional[str] = None,
        *,
        model: Optional[str] = None,
        fields: Optional[Mapping[str, Any]] = None,
        labels: Optional[Mapping[str, str]] = None,
        link: Optional[str] = None,
        title: Optional[str] = None,
        summary: Optional[str] = None,
        footer: Optional[str] = None,
        severity: Optional[str] = None,
    ) -> None:
        super().__init__()
        self.kind = kind
        about = {"model": model, "labels": labels, "link": link, "title": title, "summary": summary}
        about.update(footer=footer, severity=severity)
        self.event = {"fields": dict(fields or {}), **{name: value for name, value in about.items() if value}}

    def notify(self, context: Any) -> None:
        tell(context, self.kind, **self.event)

    async def async_notify(self, context: Any) -> None:
        await asyncio.to_thread(self.notify, context)


def on_failure_callback(context: Any) -> None:
    """For `on_failure_callback` of a DAG or a task."""
    tell(context, None)


def on_success_callback(context: Any) -> None:
    """For `on_success_callback` of a DAG or a task."""
    tell(context, None)


def tell(context: Any, kind: Optional[str] = None, **about: Any) -> Outcome:
    """An event about what a callback's context says. Never raises."""
    try:
        told = _told(context, kind)
        return send_event(told["kind"], {**told["figures"], **(about.pop("fields", None) or {})}, **{**told["about"], **about})
    except Exception as error:
        log.exception("a callback's context could not be read")
        return Outcome("dropped", f"{type(error).__name__}: {error}")


def _told(context: Any, kind: Optional[str]) -> dict[str, Any]:
    ti, run = context.get("ti"), context.get("dag_run")
    # Airflow says a reason to callbacks of DAGs only; the task that is with it is any of the run's.
    whole = context.get("reason") is not None or ti is None
    dag_id = getattr(context.get("dag"), "dag_id", None) or getattr(ti, "dag_id", "")
    run_id = context.get("run_id") or getattr(run, "run_id", "")
    error = context.get("exception")
    if whole:
        failed = str(context.get("reason")) != "success"
        error = error or (context.get("reason") if failed else None)
    else:
        failed = error is not None or str(getattr(ti, "state", "")) in ("failed", "TaskInstanceState.FAILED")
    figures: dict[str, Any] = {"dag_run_id": run_id}
    kind = kind or ("dag-completion" if whole else "task-failure" if failed else "task-success")
    if kind in STATES:
        figures.update(dag_id=dag_id, state="failed" if failed else "success")
    if failed or kind.endswith(("-failure", "-error")):
        figures["error"] = error or "failed; the task's log says more"
    about: dict[str, Any] = {"labels": {"dag_id": dag_id}}
    key = [dag_id, run_id]
    if whole:
        # A run that was cleared and fails again began anew.
        key.append(str(getattr(run, "start_date", None) or ""))
    else:
        task, index, tried = ti.task_id, getattr(ti, "map_index", -1), getattr(ti, "try_number", 1)
        about["labels"]["task_id"] = task
        # A task that was cleared and fails again is news; its try has another number.
        key += [task, str(index), str(tried)]
        link = getattr(ti, "log_url", None)
        if isinstance(link, str) and link.startswith("http"):
            about["link"] = link
    if kind == "task-failure":
        about["severity"] = "critical"
    return {"kind": kind, "figures": figures, "about": {**about, "key": fit("/".join([*key, kind]))}}


@dataclass(frozen=True)
class decide_branch:
    """A callable for BranchPythonOperator: the task to go on with, by `GET /api/v1/models/MODEL/decision`.

    `watch` goes the way of `nothing` unless it has its own. When bellbuoy cannot be asked the outcome is `unknown`. A run with `force` (or
    `force_fine_tune`) in its parameters or conf asks for a retraining whatever the figures say.
    """

    model: str
    retrain: Union[str, Sequence[str]]
    nothing: Union[str, Sequence[str]]
    unknown: Union[str, Sequence[str]]
    watch: Union[str, Sequence[str], None] = None
    age_max: str = "15m"
    wait: float = 60.0

    def __call__(self, **context: Any) -> Any:
        params, run = context.get("params") or {}, context.get("dag_run")
        conf = getattr(run, "conf", None) or {}
        force = any(asked.get(name) for asked in (params, conf) for name in ("force", "force_fine_tune"))
        decision = get_decision(self.model, age_max=self.age_max, force=force, wait=self.wait)
        ways = {"retrain": self.retrain, "nothing": self.nothing, "watch": self.watch or self.nothing}
        way = ways.get(decision.outcome, self.unknown)
        print(f"bellbuoy: {decision.outcome}: {decision.because}; on to {way}")
        return way


class BellbuoyDecisionSensor(BaseSensorOperator):
    """Waits until the decision about a model is one of `outcomes`; its XCom is the outcome. A bellbuoy that does not answer is waited
    for."""

    template_fields: Sequence[str] = ("model", "outcomes")

    def __init__(self, *, model: str, outcomes: Sequence[str] = ("retrain",), age_max: str = "15m", **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.model = model
        self.outcomes = list(outcomes)
        self.age_max = age_max

    def poke(self, context: Any) -> Any:
        decision = get_decision(self.model, age_max=self.age_max, wait=5.0)
        self.log.info("bellbuoy: %s: %s", decision.outcome, decision.because)
        return PokeReturnValue(is_done=decision.outcome in self.outcomes, xcom_value=decision.outcome)
