"""Hand a body over, or spool it; send what was spooled, in its order.

When something of the same path waits already, a new body goes behind it, so that nothing overtakes. Everything is sent at least once:
events carry a key and rows an id, by which bellbuoy knows what it has.
"""

from __future__ import annotations

import json
import time
from dataclasses import dataclass
from typing import Optional

from .http import Answer, call
from .outcome import Outcome, log
from .settings import Settings, current
from .spool import Lane, SpoolFull, lanes

# What one request may carry: bellbuoy takes 1000 events and 1 MiB.
EVENTS_MAX = 500
EVENT_BYTES_MAX = 512 << 10
# With less time than this an answer that does not come says nothing about bellbuoy.
SECONDS_MIN = 0.05

_paused_until: dict[str, tuple[float, str]] = {}


@dataclass(frozen=True)
class Flushed:
    """What a flush did; true in a condition when nothing waits any more."""

    delivered: int = 0
    refused: int = 0
    waiting: int = 0
    reason: str = ""

    def __bool__(self) -> bool:
        return self.waiting == 0


def deliver(settings: Settings, path: str, body: bytes) -> Outcome:
    lane = Lane(settings, path)
    deadline = time.monotonic() + settings.timeout
    reason = _paused(settings)
    try:
        backlog = bool(lane.waiting())
    except OSError:
        backlog = False
    if not backlog and reason is None:
        answer = _post(settings, path, body, deadline)
        if answer.state in ("taken", "refused"):
            return _outcome(answer)
        reason = answer.reason
    try:
        name = lane.put(body)
    except (SpoolFull, OSError) as error:
        lane.count_drop()
        return Outcome("dropped", f"{reason or 'others wait before it'}; and it could not be spooled: {error}")
    if backlog and reason is None:
        answers = _flush(settings, lane, deadline)
        mine = answers.get(name)
        if mine is not None and mine.state in ("taken", "refused"):
            return _outcome(mine)
        reason = next((answer.reason for answer in answers.values() if answer.state in ("failed", "unreachable")), None)
    return Outcome("spooled", reason or "others wait before it")


def flush(settings: Optional[Settings] = None, seconds: float = 60.0) -> Flushed:
    """Sends what waits, events first, for so long at most."""
    settings = current(settings)
    deadline = time.monotonic() + seconds
    answers: list[Answer] = []
    waiting = 0
    for lane in lanes(settings):
        if not any(answer.state == "unreachable" for answer in answers):
            answers.extend(_flush(settings, lane, deadline).values())
        waiting += len(lane.waiting())
    states = [answer.state for answer in answers]
    reason = next((answer.reason for answer in answers if answer.state in ("failed", "unreachable")), "")
    return Flushed(states.count("taken"), states.count("refused"), waiting, reason)


def _flush(settings: Settings, lane: Lane, deadline: float) -> dict[str, Answer]:
    """An answer for each name that was sent; a failure stands for itself and all behind it."""
    answers: dict[str, Answer] = {}
    while lane.waiting():
        with lane.turn() as mine:
            if not mine or not _send_all(settings, lane, deadline, answers):
                break
        # Who put something while the turn was ours could not have it: look again.
    return answers


def _send_all(settings: Settings, lane: Lane, deadline: float, answers: dict[str, Answer]) -> bool:
    while names := lane.waiting():
        batch = _batch(lane, names)
        if not batch:
            return not lane.waiting()
        # All or none of a list is taken: one bad event must not keep the good ones.
        answer = _post(settings, lane.path, _joined(list(batch.values())), deadline)
        if answer.state == "refused" and len(batch) > 1:
            for name, body in batch.items():
                answer = _post(settings, lane.path, body, deadline)
                if not _settle(lane, [name], answer, answers):
                    return False
        elif not _settle(lane, list(batch), answer, answers):
            return False
    return True


def _settle(lane: Lane, names: list[str], answer: Answer, answers: dict[str, Answer]) -> bool:
    answers.update((name, answer) for name in (names if answer.state in ("taken", "refused") else names[:1]))
    if answer.state == "taken":
        for name in names:
            lane.remove(name)
    elif answer.state == "refused":
        for name in names:
            log.error("%s: spooled before, refused now: %s; kept in %s", lane.path, answer.reason, lane.folder / "refused")
            lane.refuse(name, answer.reason)
    return answer.state in ("taken", "refused")


def _batch(lane: Lane, names: list[str]) -> dict[str, bytes]:
    """The first that go into one request, at least one."""
    batch: dict[str, bytes] = {}
    total = 0
    for name in names[: EVENTS_MAX if lane.path == "events" else 1]:
        try:
            body = lane.read(name)
        except OSError:  # sent by somebody else meanwhile, or another user's
            continue
        total += len(body)
        if batch and total > EVENT_BYTES_MAX:
            break
        batch[name] = body
    return batch


def _joined(bodies: list[bytes]) -> bytes:
    return bodies[0] if len(bodies) == 1 else b"[" + b",".join(bodies) + b"]"


def _post(settings: Settings, path: str, body: bytes, deadline: float) -> Answer:
    seconds = min(settings.timeout, deadline - time.monotonic())
    if seconds < SECONDS_MIN:
        return Answer("failed", "no time was left to ask")
    answer = call(settings, path, body, seconds)
    if answer.state == "unreachable":
        _paused_until[settings.url] = (time.monotonic() + settings.pause, answer.reason)
    else:
        _paused_until.pop(settings.url, None)
    return answer


def _paused(settings: Settings) -> Optional[str]:
    until, reason = _paused_until.get(settings.url, (0.0, ""))
    return f"{reason} (a moment ago)" if time.monotonic() < until else None


def _outcome(answer: Answer) -> Outcome:
    return Outcome("delivered" if answer.state == "taken" else "refused", answer.reason, answer.data)


def status(settings: Optional[Settings] = None) -> list[dict[str, object]]:
    """What waits, was refused and was dropped, by path."""
    found: list[dict[str, object]] = []
    for lane in lanes(current(settings)):
        names = lane.waiting()
        oldest = time.time() - int(names[0].split("-")[0]) / 1e9 if names else None
        found.append(
            {
                "path": lane.path,
                "waiting": len(names),
                "bytes": lane.extent()[1],
                "oldest_seconds": None if oldest is None else round(oldest, 1),
                "refused": lane.refused(),
                "dropped": lane.dropped(),
                "folder": str(lane.folder),
            }
        )
    return found


def dumps_status(settings: Optional[Settings] = None) -> str:
    return "\n".join(json.dumps(line) for line in status(settings))
