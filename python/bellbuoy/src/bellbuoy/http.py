"""One request to bellbuoy, and what its answer means. Never raises, never takes longer than it was given."""

from __future__ import annotations

import http.client
import json
import threading
import urllib.error
import urllib.request
from typing import Any, NamedTuple, Optional

from .settings import Settings

ANSWER_BYTES_MAX = 16 << 20
REASON_CHARS_MAX = 2000
# Statuses that are about this body, whoever says them.
ABOUT_THE_BODY = (413, 415)
# Statuses after which the same body may be taken: somebody mends the token, the proxy, the disk.
MAY_CHANGE = (401, 403, 407, 408, 425, 429)


class Answer(NamedTuple):
    # taken; refused: for good; failed: not now; unreachable: not now, and nothing else either
    state: str
    reason: str = ""
    data: Any = None


class _NoRedirect(urllib.request.HTTPRedirectHandler):
    # A redirected POST would arrive as GET, and the token would go where nobody sent it.
    def redirect_request(self, *_: Any) -> None:
        return None


_opener = urllib.request.build_opener(_NoRedirect)


def call(settings: Settings, path: str, body: Optional[bytes], seconds: float) -> Answer:
    """POST with a body, GET without. `path` is below /api/v1."""
    box: list[Answer] = []
    # In a thread of its own: no timeout of Python's ends a slow name server or an answer that drips.
    thread = threading.Thread(target=lambda: box.append(_call(settings, path, body, seconds)), daemon=True)
    try:
        thread.start()
    except RuntimeError:  # the interpreter is ending
        return _call(settings, path, body, seconds)
    thread.join(seconds)
    return box[0] if box else Answer("unreachable", f"{settings.place} did not answer within {seconds:.1f} s")


def _call(settings: Settings, path: str, body: Optional[bytes], seconds: float) -> Answer:
    try:
        request = urllib.request.Request(f"{settings.bare_url}/api/v1/{path}", data=body)
        request.add_header("User-Agent", "bellbuoy-python")
        if body is not None:
            request.add_header("Content-Type", "application/json")
        if settings.authorization:
            request.add_unredirected_header("Authorization", settings.authorization)
        # A little longer than the caller waits, so that one of the two says what happened.
        with _opener.open(request, timeout=seconds + 1) as response:
            return _meaning(settings, response.status, response.read(ANSWER_BYTES_MAX))
    except urllib.error.HTTPError as error:
        with error:
            return _meaning(settings, error.code, error.read(ANSWER_BYTES_MAX))
    except urllib.error.URLError as error:
        return Answer("unreachable", f"{settings.place}: {error.reason}")
    except (OSError, http.client.HTTPException) as error:  # a connection that broke, an answer that is no HTTP
        return Answer("unreachable", f"{settings.place}: {type(error).__name__}: {error}")
    except Exception as error:  # an address or a token that cannot be; its text may have the token in it
        return Answer("unreachable", f"{settings.place}: {type(error).__name__}; look at the address and the token")


def _meaning(settings: Settings, status: int, text: bytes) -> Answer:
    try:
        body = json.loads(text)
    except ValueError:
        body = None
    # Only bellbuoy's own words count: a login page answers 200, a proxy 404.
    ours = isinstance(body, dict) and body.get("status") in ("success", "error")
    if ours and status < 300 and body["status"] == "success":
        return Answer("taken", "", body.get("data"))
    reason = f"{status}: {_reason(body) if ours else 'this is not an answer of bellbuoy; is the address right?'}"[:REASON_CHARS_MAX]
    if status in ABOUT_THE_BODY or (ours and 400 <= status < 500 and status not in MAY_CHANGE):
        return Answer("refused", reason, body.get("data") if ours else None)
    return Answer("failed", f"{settings.place}: {reason}")


def _reason(body: dict[str, Any]) -> str:
    if body.get("problems"):
        return "; ".join(str(problem) for problem in body["problems"])
    if body.get("error"):
        return str(body["error"])
    rows = (body.get("data") or {}).get("refused") or []
    return "; ".join(f"row {row.get('row')} ({row.get('id')}): {row.get('field')}: {row.get('reason')}" for row in rows[:5])
