"""What waits on disk: one file for each body, in the order of its time.

    SPOOL/HOST_PORT/LANE/00001763735400123456789-000000-9f3a61c2.json      a body; the lane's name is the path that it is posted to
    SPOOL/HOST_PORT/LANE/refused/NAME.json, NAME.txt                       the newest that bellbuoy refused later, and why
    SPOOL/HOST_PORT/LANE/dropped                                           a byte for each body that did not fit

A file is written whole, synced, renamed and its folder synced before anybody hears "spooled": a kill or a loss of power keeps it.
Any number of processes may write at once. One of them sends at a time (`turn`); a file goes when bellbuoy has it.
Two processes that write at the same moment can each pass the bounds by one body.
"""

from __future__ import annotations

import contextlib
import itertools
import os
import time
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import quote, unquote

from .settings import Settings

try:
    import fcntl
except ImportError:  # Windows: nobody takes turns; what is sent twice has the same key
    fcntl = None  # type: ignore[assignment]

REFUSED_MAX = 100
# A file that was never renamed: its writer died.
LEFT_OVER_SECONDS = 600

_count = itertools.count()


class SpoolFull(Exception):
    pass


class Lane:
    """The bodies for one path below /api/v1, such as `events` or `models/bikes/predictions`."""

    def __init__(self, settings: Settings, path: str) -> None:
        self.path = path
        self.folder = _host_folder(settings) / quote(path, safe="")
        self._items_max, self._bytes_max = settings.items_max, settings.bytes_max

    def waiting(self) -> list[str]:
        """Names, oldest first."""
        try:
            return sorted(name for name in os.listdir(self.folder) if name.endswith(".json"))
        except FileNotFoundError:
            return []

    def put(self, body: bytes) -> str:
        """On disk when it returns. `SpoolFull` or `OSError` when not."""
        _make(self.folder)
        count, total = self.extent()
        if count >= self._items_max or total + len(body) > self._bytes_max:
            raise SpoolFull(f"{self.folder} is full: {count} bodies of {total} bytes wait")
        name = f"{time.time_ns():020d}-{next(_count):06d}-{os.urandom(4).hex()}.json"
        written = self.folder / f".{name}.tmp"
        try:
            with open(written, "xb", opener=_private) as file:
                file.write(body)
                file.flush()
                os.fsync(file.fileno())
            written.rename(self.folder / name)
        except BaseException:
            written.unlink(missing_ok=True)
            raise
        _sync(self.folder)
        return name

    def read(self, name: str) -> bytes:
        return (self.folder / name).read_bytes()

    def extent(self) -> tuple[int, int]:
        """How many wait, and their bytes."""
        count = total = 0
        with contextlib.suppress(FileNotFoundError), os.scandir(self.folder) as entries:
            for entry in entries:
                if entry.name.endswith(".json"):
                    count += 1
                    # Somebody else may have sent it meanwhile.
                    with contextlib.suppress(FileNotFoundError):
                        total += entry.stat().st_size
        return count, total

    def remove(self, name: str) -> None:
        (self.folder / name).unlink(missing_ok=True)

    def refuse(self, name: str, reason: str) -> None:
        """Sets aside what bellbuoy will never take."""
        aside = self.folder / "refused"
        _make(aside)
        with open(aside / (name[:-5] + ".txt"), "w", encoding="utf-8", opener=_private) as file:
            file.write(reason + "\n")
        (self.folder / name).replace(aside / name)
        for old in sorted(aside.glob("*.json"))[:-REFUSED_MAX]:
            old.unlink(missing_ok=True)
            old.with_suffix(".txt").unlink(missing_ok=True)

    def refused(self) -> int:
        return len(list((self.folder / "refused").glob("*.json")))

    def count_drop(self) -> None:
        with contextlib.suppress(OSError):
            _make(self.folder)
            with open(self.folder / "dropped", "ab", opener=_private) as file:
                file.write(b".")

    def dropped(self) -> int:
        try:
            return (self.folder / "dropped").stat().st_size
        except FileNotFoundError:
            return 0

    @contextlib.contextmanager
    def turn(self) -> Iterator[bool]:
        """True for the one process and thread that may send now."""
        if fcntl is None:
            yield True
            return
        with open(self.folder / ".turn", "ab", opener=_private) as file:
            try:
                fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except OSError:
                yield False
                return
            try:
                self._sweep()
                yield True
            finally:
                # Closing is not enough where a fork holds the same open file.
                fcntl.flock(file, fcntl.LOCK_UN)

    def _sweep(self) -> None:
        for left in self.folder.glob(".*.tmp"):
            with contextlib.suppress(FileNotFoundError):
                if left.stat().st_mtime < time.time() - LEFT_OVER_SECONDS:
                    left.unlink()


def lanes(settings: Settings) -> list[Lane]:
    """All that exist for this bellbuoy; events first."""
    folder = _host_folder(settings)
    try:
        paths = sorted(unquote(name) for name in os.listdir(folder) if (folder / name).is_dir())
    except FileNotFoundError:
        return []
    return [Lane(settings, path) for path in sorted(paths, key=lambda path: path != "events")]


def _host_folder(settings: Settings) -> Path:
    # By address: what was meant for a test system never goes to production.
    return Path(settings.spool) / quote(settings.bare_url.partition("://")[2] or "?", safe="")


def _make(folder: Path) -> None:
    if folder.is_dir():
        return
    _make(folder.parent)
    folder.mkdir(mode=0o700, exist_ok=True)
    _sync(folder.parent)


def _private(path: str, flags: int) -> int:
    # Error texts of a company are nobody else's business.
    return os.open(path, flags, 0o600)


def _sync(folder: Path) -> None:
    # Windows cannot open a folder.
    if os.name == "posix":
        handle = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(handle)
        finally:
            os.close(handle)
