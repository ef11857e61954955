#!/usr/bin/env python3
"""kill -9, again and again, while alerts fire and resolve and the receiver misbehaves: is a message lost or repeated?

    cargo build --release
    bench/kill.py --kills 200 --peers /usr/bin

A target has series that go above and below a threshold at random. bellbuoy scrapes it, alerts per series, and tells a webhook. It is killed at
random moments and started again on the same data folder. At the end the target rests, and the webhook must have heard, for each
series, exactly what is true: every alert that fires now was told, every alert that was told and ended was told as ended.

A share of the webhook's answers is bad, at random: 429 with and without Retry-After (seconds, a date, in the body), 500, 503, no answer, an answer
without end. No request may come before a promised time, but for a kill that comes before the answer was noted. A message may come twice only with the same Idempotency-Key, at most once per kill: the
receiver had taken it when the program died before it could note so; a receiver that minds the key sees it once.

--peers names a folder with prometheus and alertmanager (or Debian's prometheus-alertmanager): the same is then done to an Alertmanager that a Prometheus
tells, at the same time, with the same choices. Prometheus itself is left alone.

Prints the seed; --seed repeats the same choices (the scheduling of the machine differs).
"""
import argparse
import collections
import email.utils
import http.server
import json
import os
import random
import shutil
import socket
import subprocess
import sys
import tempfile
import threading
import time
import urllib.request

RULES = """groups:
- name: g
  interval: 200ms
  rules:
  - alert: High
    expr: value > 5
"""
# Alertmanager learns from Prometheus what it forgot: firing alerts are sent again each minute.
PATIENCE_SECONDS = 150


def main():
    arguments = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    arguments.add_argument("--bellbuoy", default="target/release/bellbuoy")
    arguments.add_argument("--peers", help="folder with prometheus and alertmanager")
    arguments.add_argument("--kills", type=int, default=50)
    arguments.add_argument("--series", type=int, default=20)
    arguments.add_argument("--bad", type=float, default=0.3, help="share of answers that are bad")
    arguments.add_argument("--seed", type=int, default=random.randrange(1 << 30))
    options = arguments.parse_args()
    print(f"seed {options.seed}")
    sides = [Bellbuoy] + ([Alertmanager] if options.peers else [])
    results = {}
    threads = [threading.Thread(target=run, args=(options, side, results)) for side in sides]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    if len(results) < len(sides):
        sys.exit(2)
    rows = list(results[Bellbuoy.name])
    width = max(map(len, rows))
    print(" " * width, *(f"{side.name:>14}" for side in sides))
    for row in rows:
        print(f"{row:<{width}}", *(f"{results[side.name][row]:>14}" for side in sides))
    ours = results[Bellbuoy.name]
    good = not ours["series told wrong"] and ours["too early"] <= options.kills and not ours["out of order"]
    sys.exit(0 if good and ours["repeated, with the key"] <= options.kills and not ours["repeated, without a key"] else 1)


def run(options, side, results):
    chance = random.Random(options.seed)
    world = World(options.series, options.bad, random.Random(options.seed + 1))
    folder = tempfile.mkdtemp(prefix=f"{side.name}-kill-")
    side = side(options, world, folder)
    try:
        results[side.name] = kill(options, chance, world, side)
    finally:
        side.end()
        shutil.rmtree(folder, ignore_errors=True)


def kill(options, chance, world, side):
    ready = []
    for _ in range(options.kills):
        start = time.perf_counter()
        process = side.start()
        ready.append(time.perf_counter() - start)
        end = time.time() + chance.uniform(0, 2)
        while time.time() < end:
            world.flip(chance)
            time.sleep(0.05)
        process.kill()
        process.wait()
    process = side.start()
    end = time.time() + PATIENCE_SECONDS
    while time.time() < end and world.told() != world.truth():
        time.sleep(0.2)
    settled = time.time() - (end - PATIENCE_SECONDS)
    time.sleep(2)
    truth, told = world.truth(), world.told()
    process.terminate()
    process.wait()
    ready.sort()
    with world.lock:
        return {
            "kills": options.kills,
            "calls": world.calls,
            "messages taken": world.taken,
            "series told wrong": sum(truth[name] != told[name] for name in truth),
            "told all after, s": "never" if truth != told else f"{settled:.1f}",
            "too early": world.early,
            "out of order": world.backwards,
            "repeated, with the key": sum(count - 1 for count in world.keys.values()),
            "repeated, without a key": world.repeated,
            "ready, median ms": f"{ready[len(ready) // 2] * 1000:.0f}",
            "ready, worst ms": f"{ready[-1] * 1000:.0f}",
        }


def routes(world):
    return ("route: {receiver: hook, group_by: [n], group_wait: 50ms, group_interval: 100ms, repeat_interval: 24h}\n"
            f"receivers:\n- name: hook\n  webhook_configs: [{{url: 'http://127.0.0.1:{world.port}/hook', timeout: 1s}}]\n")


def scrapes(world):
    return ("global: {scrape_interval: 200ms, scrape_timeout: 200ms, evaluation_interval: 200ms}\nrule_files: [rules.yml]\n"
            f"scrape_configs:\n- job_name: t\n  static_configs: [{{targets: ['127.0.0.1:{world.port}']}}]\n")


def write(folder, name, text):
    with open(os.path.join(folder, name), "w") as file:
        file.write(text)


class Bellbuoy:
    name = "bellbuoy"

    def __init__(self, options, world, folder):
        write(folder, "prometheus.yml", scrapes(world))
        write(folder, "rules.yml", RULES)
        write(folder, "alertmanager.yml", routes(world))
        self.port = free_port()
        self.command = [options.bellbuoy, "--log.level", "error", "up", folder, "--listen", f"127.0.0.1:{self.port}",
                        "--data", os.path.join(folder, "data"), "--no-watch"]

    def start(self):
        return started(self.command, self.port)

    def end(self):
        pass


class Alertmanager:
    name = "alertmanager"

    def __init__(self, options, world, folder):
        self.port, port = free_port(), free_port()
        program = next(path for name in ("alertmanager", "prometheus-alertmanager") if os.path.exists(path := os.path.join(options.peers, name)))
        alerting = f"alerting: {{alertmanagers: [{{static_configs: [{{targets: ['127.0.0.1:{self.port}']}}]}}]}}\n"
        write(folder, "prometheus.yml", scrapes(world) + alerting)
        write(folder, "rules.yml", RULES)
        write(folder, "alertmanager.yml", routes(world))
        self.command = [program, "--log.level=error", f"--config.file={folder}/alertmanager.yml", f"--storage.path={folder}/am",
                        f"--web.listen-address=127.0.0.1:{self.port}", "--cluster.listen-address="]
        self.prometheus = started(
            [os.path.join(options.peers, "prometheus"), "--log.level=error", f"--config.file={folder}/prometheus.yml",
             f"--storage.tsdb.path={folder}/data", f"--web.listen-address=127.0.0.1:{port}"], port)

    def start(self):
        return started(self.command, self.port)

    def end(self):
        self.prometheus.kill()
        self.prometheus.wait()


class World:
    """The target and the webhook on one port."""

    def __init__(self, series, bad, chance):
        self.values = {str(n): False for n in range(series)}
        self.bad, self.chance = bad, chance
        self.keys = collections.Counter()
        self.last = {}
        self.calls = self.taken = self.early = self.backwards = self.repeated = 0
        self.closed_until = 0
        self.lock = threading.Lock()
        outer = self

        class Handler(http.server.BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_GET(self):
                with outer.lock:
                    body = "".join(f'value{{n="{n}"}} {7 if high else 1}\n' for n, high in outer.values.items()).encode()
                self.answer(200, {"Content-Type": "text/plain; version=0.0.4"}, body)

            def do_POST(self):
                message = json.loads(self.rfile.read(int(self.headers["content-length"])))
                trick = outer.called(self.headers["idempotency-key"], message)
                if trick is None:
                    self.answer(200, {}, b"")
                elif trick == "hang up":
                    self.close_connection = True
                elif trick == "drip":
                    self.answer(200, {}, b"", 1000000)
                    self.close_connection = True
                    for _ in range(20):
                        self.wfile.write(b"x")
                        time.sleep(0.1)
                else:
                    self.answer(*trick)

            def answer(self, status, headers, body, length=None):
                self.send_response(status)
                for name, value in headers.items():
                    self.send_header(name, value)
                self.send_header("Content-Length", str(len(body) if length is None else length))
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, *_):
                pass

        server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        server.daemon_threads = True
        server.handle_error = lambda *_: None  # connections that a kill cuts off
        self.port = server.server_address[1]
        threading.Thread(target=server.serve_forever, daemon=True).start()

    def called(self, key, message):
        """What to do with a call: nothing is wrong, or the trick to play."""
        with self.lock:
            now = time.time()
            self.calls += 1
            self.early += now < self.closed_until
            if self.chance.random() < self.bad:
                trick, wait = self.trick(now)
                self.closed_until = max(self.closed_until, now + wait)
                return trick
            self.taken += 1
            if key is not None:
                self.keys[key] += 1
                if self.keys[key] > 1:
                    return None
            for alert in message["alerts"]:
                name, told = alert["labels"]["n"], (alert["startsAt"], alert["status"] == "firing")
                before = self.last.get(name, ("", False))
                self.repeated += told == before
                self.backwards += told[0] < before[0] or (told[0] == before[0] and told[1] and not before[1])
                self.last[name] = told
            return None

    def trick(self, now):
        """The answer, and how long nobody may come again."""
        second = int(now) + 2
        return self.chance.choice([
            ((429, {}, b""), 0),
            ((429, {"Retry-After": "1"}, b""), 1),
            ((429, {"Retry-After": email.utils.formatdate(second, usegmt=True)}, b""), second - now),
            ((429, {"Content-Type": "application/json"}, b'{"message": "You are being rate limited.", "retry_after": 0.6}'), 0.6),
            ((500, {}, b"oh"), 0),
            ((503, {"Retry-After": "1"}, b""), 0),
            ("hang up", 0),
            ("drip", 0),
        ])

    def flip(self, chance):
        with self.lock:
            name = chance.choice(list(self.values))
            self.values[name] = not self.values[name]

    def truth(self):
        with self.lock:
            return dict(self.values)

    def told(self):
        with self.lock:
            return {name: self.last.get(name, ("", False))[1] for name in self.values}


def started(command, port):
    # Refused messages are what Alertmanager has errors about; we count them ourselves.
    process = subprocess.Popen(command, stderr=subprocess.DEVNULL)
    while True:
        if process.poll() is not None:
            raise RuntimeError(f"{command[0]} ended by itself")
        try:
            with urllib.request.urlopen(f"http://127.0.0.1:{port}/-/ready", timeout=2) as answer:
                if answer.status == 200:
                    return process
        except OSError:
            time.sleep(0.005)


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


if __name__ == "__main__":
    main()
