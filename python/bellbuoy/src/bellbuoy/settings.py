"""Where bellbuoy is and how much may wait for it: from arguments, else from the environment."""

from __future__ import annotations

import base64
import os
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, Callable, Optional, TypeVar
from urllib.parse import unquote, urlsplit

from .outcome import log

T = TypeVar("T")


def _home() -> Path:
    # Not Path.home(): that raises where there is no home.
    return Path(os.environ.get("XDG_STATE_HOME") or os.path.expanduser("~/.local/state")) / "bellbuoy" / "spool"


@dataclass(frozen=True)
class Settings:
    """All of it has a default; `Settings.from_env()` reads `BELLBUOY_URL` and so on."""

    # May carry a name and a password (https://name:password@host); both stay out of every text.
    url: str = field(default="http://127.0.0.1:9090", repr=False)
    # Sent as `Authorization: Bearer`, for a proxy before bellbuoy.
    token: str = field(default="", repr=False)
    # Folder of what waits. In a container: on a volume, or a restart empties it.
    spool: Path = field(default_factory=_home)
    # Seconds a call may take, with everything in it.
    timeout: float = 3.0
    # After bellbuoy did not answer, calls go straight to the spool for so many seconds.
    pause: float = 5.0
    # Bounds of the spool, for the events and for each model's rows by themselves. What does not fit is dropped and counted.
    items_max: int = 10_000
    bytes_max: int = 64 << 20
    # Said with every event that does not say otherwise.
    model: str = ""
    footer: str = ""

    @property
    def place(self) -> str:
        """Host and port: the address as it may be shown."""
        parts = urlsplit(self.url)
        return parts.netloc.rpartition("@")[2] or "?"

    @property
    def bare_url(self) -> str:
        """Without name and password, without a slash at the end."""
        parts = urlsplit(self.url)
        return parts._replace(netloc=parts.netloc.rpartition("@")[2], query="", fragment="").geturl().rstrip("/")

    @property
    def authorization(self) -> Optional[str]:
        if self.token:
            return f"Bearer {self.token}"
        parts = urlsplit(self.url)
        if parts.username is None:
            return None
        pair = f"{unquote(parts.username)}:{unquote(parts.password or '')}"
        return "Basic " + base64.b64encode(pair.encode()).decode()

    @classmethod
    def from_env(cls, env: Optional[Mapping[str, str]] = None) -> Settings:
        env = os.environ if env is None else env
        default = cls()
        return cls(
            url=env.get("BELLBUOY_URL") or default.url,
            token=env.get("BELLBUOY_TOKEN") or _token_file(env.get("BELLBUOY_TOKEN_FILE")),
            spool=_read(env, "BELLBUOY_SPOOL", Path, default.spool),
            timeout=_read(env, "BELLBUOY_TIMEOUT", float, default.timeout),
            pause=_read(env, "BELLBUOY_PAUSE", float, default.pause),
            items_max=_read(env, "BELLBUOY_SPOOL_ITEMS_MAX", int, default.items_max),
            bytes_max=_read(env, "BELLBUOY_SPOOL_BYTES_MAX", int, default.bytes_max),
            model=env.get("BELLBUOY_MODEL") or "",
            footer=env.get("BELLBUOY_FOOTER") or "",
        )


def _read(env: Mapping[str, str], name: str, kind: Callable[[str], T], default: T) -> T:
    # A typing error in the environment of a service must not end the service.
    text = env.get(name)
    if not text:
        return default
    try:
        return kind(text)
    except ValueError:
        log.warning("%s: %r is not a number; %s is used", name, text, default)
        return default


def _token_file(path: Optional[str]) -> str:
    if not path:
        return ""
    try:
        return Path(path).read_text(encoding="utf-8").strip()
    except OSError as error:
        log.warning("BELLBUOY_TOKEN_FILE: %s cannot be read: %s", path, error.strerror)
        return ""


_configured: Optional[Settings] = None


def configure(**changes: Any) -> Settings:
    """Settings of this process: those of the environment with these changes."""
    global _configured
    _configured = replace(Settings.from_env(), **changes)
    return _configured


def current(given: Optional[Settings] = None) -> Settings:
    return given or _configured or Settings.from_env()
