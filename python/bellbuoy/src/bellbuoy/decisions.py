"""Ask bellbuoy: retrain or not, deploy or not (docs/guides/decisions.md). bellbuoy decides, the pipeline acts.

A question has no spool: who asks needs the answer now. When bellbuoy cannot be asked the outcome is `unknown`, which is neither good nor
bad.
"""

from __future__ import annotations

import time
from dataclasses import dataclass, field
from typing import Any, Optional
from urllib.parse import quote, urlencode

from .delivery import deliver
from .encode import dumps
from .http import Answer, call
from .outcome import Outcome, never_raises
from .settings import Settings, current

PAUSE_SECONDS = 1.0


@dataclass(frozen=True)
class Decision:
    # retrain, watch, nothing or unknown; of a deployment: deploy, skip, reject or unknown
    outcome: str
    # a word: rule, pending, cooling_down, unknown, forced, ...; `unreachable` when bellbuoy could not be asked
    reason: str
    # a sentence with figures
    because: str
    # all of bellbuoy's answer
    data: dict[str, Any] = field(default_factory=dict, repr=False)


def get_decision(
    model: str,
    *,
    age_max: Optional[str] = "15m",
    force: bool = False,
    judge: bool = False,
    wait: float = 30.0,
    settings: Optional[Settings] = None,
) -> Decision:
    """Should the model be retrained? Judged anew when the last judgement is older than `age_max`.

    Asks again for `wait` seconds while bellbuoy does not answer. `ValueError` when bellbuoy does not know the model: that is a mistake to
    mend.
    """
    asked = {
        "age_max": None if force else age_max,
        "force": "true" if force else None,
        "judge": "true" if judge else None,
    }
    query = urlencode({name: value for name, value in asked.items() if value})
    answer = _ask(current(settings), f"models/{quote(model, safe='')}/decision" + (f"?{query}" if query else ""), None, wait)
    return _decision(answer, "outcome")


def compare(
    model: str,
    current_set: Any,
    baseline_set: Any = None,
    *,
    key: Optional[str] = None,
    version: Optional[str] = None,
    role: Optional[str] = None,
    force: bool = False,
    wait: float = 60.0,
    settings: Optional[Settings] = None,
) -> Decision:
    """Should the challenger replace the champion? Each set is a list of rows, figures of both, or `{"last": "7d"}`; see the guide.

    The same `key` (a run's id) hears the same answer and counts once.
    """
    body = {
        "current": current_set,
        "baseline": baseline_set,
        "key": key,
        "version": version,
        "role": role,
        "force": force or None,
    }
    text = dumps({name: value for name, value in body.items() if value is not None})
    return _decision(_ask(current(settings), f"models/{quote(model, safe='')}/evaluations", text, wait), "decision")


@never_raises
def report_training(model: str, status: str, *, key: str, error: str = "", settings: Optional[Settings] = None, **compared: Any) -> Outcome:
    """A training run ended (`success` or `failure`): counts it, and a success begins the cool-down. Spooled like an event.

    `champion` and `challenger` may say the figures of both, each `{"baseline": {...}, "current": {...}}`.
    """
    body = {"key": key, "status": status, "error": error, **compared}
    return deliver(current(settings), f"models/{model}/training", dumps(body))


def _ask(settings: Settings, path: str, body: Optional[bytes], wait: float) -> Answer:
    end = time.monotonic() + wait
    while True:
        answer = call(settings, path, body, max(end - time.monotonic(), 0.1))
        if answer.state in ("taken", "refused") or time.monotonic() + PAUSE_SECONDS >= end:
            return answer
        time.sleep(PAUSE_SECONDS)


def _decision(answer: Answer, name: str) -> Decision:
    if answer.state == "refused":
        raise ValueError(answer.reason)
    data = answer.data
    if answer.state != "taken" or not isinstance(data, dict) or name not in data:
        return Decision("unknown", "unreachable", answer.reason or "the answer has no decision in it")
    return Decision(str(data[name]), str(data.get("reason", "")), str(data.get("because", "")), data)
