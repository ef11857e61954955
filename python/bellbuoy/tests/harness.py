"""A real bellbuoy for the tests (`BELLBUOY_BIN`, else the newest of target/), and servers that are none."""

from __future__ import annotations

import contextlib
import http.server
import json
import os
import random
import socket
import subprocess
import tempfile
import threading
import time
import unittest
import urllib.request
from pathlib import Path
from typing import Any, Callable, Optional

from bellbuoy import Settings

REPOSITORY = Path(__file__).resolve().parents[3]

ALERTMANAGER = """
route: {receiver: ops, group_by: ['...'], group_wait: 0s}
receivers:
  - name: ops
    discord_configs: [{webhook_url: 'http://127.0.0.1:PORT/inbox', send_resolved: false}]
"""
MODELS = """
models:
  - {name: bikes, reference: reference.csv, target: bikers, features: [temp, weather], rows_min: 20, window_rows: 100}
"""
REFERENCE = "temp,weather,bikers\n" + "".join(f"{n % 40},{'clear' if n % 3 else 'rain'},{n % 40 * 5 + n % 7}\n" for n in range(200))


def binary() -> Optional[str]:
    given = os.environ.get("BELLBUOY_BIN")
    if given:
        return given
    built = [path for kind in ("debug", "release") if (path := REPOSITORY / "target" / kind / "bellbuoy").exists()]
    return str(max(built, key=lambda path: path.stat().st_mtime)) if built else None


needs_bellbuoy = unittest.skipUnless(binary(), "skipped: there is no bellbuoy program; build it or set BELLBUOY_BIN")


def free_port() -> int:
    """Below the range from which the kernel gives ports to clients: one of those may be gone before the program has started."""
    for port in random.sample(range(20_000, 32_000), 1_000):
        with socket.socket() as listener:
            listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                listener.bind(("127.0.0.1", port))
                return port
            except OSError:
                pass
    raise RuntimeError("no free port")


class Bellbuoy:
    """`bellbuoy up`, whose Discord receiver is its own inbox."""

    def __init__(self, port: Optional[int] = None) -> None:
        self._folder = tempfile.TemporaryDirectory()
        self.port = port or free_port()
        self.url = f"http://127.0.0.1:{self.port}"
        folder = Path(self._folder.name)
        (folder / "config").mkdir()
        (folder / "config" / "alertmanager.yml").write_text(ALERTMANAGER.replace("PORT", str(self.port)))
        (folder / "config" / "bellbuoy.yml").write_text(MODELS)
        (folder / "config" / "reference.csv").write_text(REFERENCE)
        self._command = [str(binary()), "up", str(folder / "config"), "--listen", f"127.0.0.1:{self.port}", "--data", str(folder / "data")]
        self._log = folder / "log"
        self._process: Optional[subprocess.Popen[bytes]] = None

    def start(self) -> Bellbuoy:
        with self._log.open("ab") as log:
            self._process = subprocess.Popen(self._command, stdout=log, stderr=log)
        wait_for(lambda: self._ready(), f"bellbuoy is not ready: {self._log}")
        return self

    def _ready(self) -> bool:
        assert self._process is not None and self._process.poll() is None, self._log.read_text()
        try:
            return bool(urllib.request.urlopen(f"{self.url}/-/ready", timeout=5).status == 200)
        except OSError:
            return False

    def stop(self) -> None:
        if self._process is not None:
            self._process.terminate()
            self._process.wait(30)
            self._process = None

    def close(self) -> None:
        self.stop()
        self._folder.cleanup()

    def get(self, path: str) -> Any:
        with urllib.request.urlopen(self.url + path, timeout=10) as response:
            return json.load(response)

    def events(self, **wanted: str) -> list[dict[str, Any]]:
        """Oldest first."""
        query = "&".join(["limit=10000", *(f"{name}={value}" for name, value in wanted.items())])
        return list(reversed(self.get(f"/api/v1/events?{query}")["data"]))

    def inbox(self) -> list[dict[str, Any]]:
        return list(reversed(self.get("/api/bellbuoy/inbox")))


def wait_for(done: Callable[[], Any], what: str, seconds: float = 30.0) -> Any:
    """Polls a condition of another process; the end is an error, never a pass."""
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        found = done()
        if found:
            return found
        time.sleep(0.05)
    raise AssertionError(what)


class Server:
    """Answers each POST with what `answer(path, body)` says: status, body, content type. Remembers what came."""

    def __init__(self, answer: Callable[[str, bytes], tuple[int, bytes]]) -> None:
        came: list[tuple[str, bytes, dict[str, str]]] = []

        class Handler(http.server.BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
                came.append((self.path, body, dict(self.headers)))
                status, text = answer(self.path, body)
                self.send_response(status)
                if 300 <= status < 400:
                    self.send_header("Location", "http://127.0.0.1:9/elsewhere")
                self.send_header("Content-Length", str(len(text)))
                self.end_headers()
                with contextlib.suppress(BrokenPipeError):  # who asked did not wait
                    self.wfile.write(text)

            do_GET = do_POST

            def log_message(self, *_: Any) -> None:
                pass

        self.came = came
        self._server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self._server.server_port}"
        threading.Thread(target=self._server.serve_forever, args=(0.02,), daemon=True).start()

    def close(self) -> None:
        self._server.shutdown()
        self._server.server_close()


class Case(unittest.TestCase):
    """A spool of its own, and settings that try again at once."""

    def setUp(self) -> None:
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.spool = Path(folder.name) / "spool"

    def settings(self, url: str, **changes: Any) -> Settings:
        return Settings(**{"url": url, "spool": self.spool, "timeout": 5.0, "pause": 0.0, **changes})

    def server(self, answer: Callable[[str, bytes], tuple[int, bytes]]) -> Server:
        server = Server(answer)
        self.addCleanup(server.close)
        return server

    def bellbuoy(self) -> Bellbuoy:
        bellbuoy = Bellbuoy()
        self.addCleanup(bellbuoy.close)
        return bellbuoy


TAKEN = json.dumps({"status": "success", "data": []}).encode()
NOBODY = "http://127.0.0.1:9"
