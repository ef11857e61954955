"""What became of something that was handed to this package."""

from __future__ import annotations

import functools
import logging
from typing import Any, Callable, TypeVar

log = logging.getLogger("bellbuoy")


class Outcome(str):
    """One of four words, and why. A plain text for whoever stores it (an XCom of Airflow, JSON).

    `delivered`  bellbuoy has it on its disk
    `spooled`    it is on our disk and will be sent later
    `refused`    bellbuoy said no, and will always say no; `reason` is its answer
    `dropped`    it is lost; `reason` says why (the spool is full, the disk takes nothing, ...)

    True in a condition when it will arrive: delivered or spooled.
    """

    reason: str
    data: Any

    def __new__(cls, status: str, reason: str = "", data: Any = None) -> Outcome:
        self = super().__new__(cls, status)
        self.reason, self.data = reason, data
        return self

    def __bool__(self) -> bool:
        return self in ("delivered", "spooled")

    def __repr__(self) -> str:
        return f"Outcome({str(self)!r}, {self.reason!r})"


F = TypeVar("F", bound=Callable[..., Outcome])


def never_raises(function: F) -> F:
    """Whoever tells must not fail because telling fails. What is lost that way is said."""

    @functools.wraps(function)
    def guarded(*args: Any, **kwargs: Any) -> Outcome:
        try:
            outcome = function(*args, **kwargs)
        except Exception as error:
            outcome = Outcome("dropped", f"{type(error).__name__}: {error}")
        if outcome != "delivered":
            log.warning("%s: %s: %s", function.__name__, str(outcome), outcome.reason)
        return outcome

    return guarded  # type: ignore[return-value]
