#!/usr/bin/env python3
"""kill -9, again and again, while alerts fire and resolve: is a message lost or repeated?

    cargo build --release
    bench/kill.py --kills 50

A target has series that go above and below a threshold at random. bellbuoy scrapes it, alerts per series, and tells a webhook. It is killed at
random moments and started again on the same data folder. At the end the target rests, and the webhook must have heard, for each
series, exactly what is true: every alert that fires now was told, every alert that was told and ended was told as ended. A message may come twice only with the same
Idempotency-Key, at most once per kill: the receiver had taken it when the program died before it could note so. Prints the seed; --seed repeats the same choices (the scheduling of the machine differs).
"""
import argparse
import collections
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


def main():
    arguments = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    arguments.add_argument("--bellbuoy", default="target/release/bellbuoy")
    arguments.add_argument("--kills", type=int, default=50)
    arguments.add_argument("--series", type=int, default=20)
    arguments.add_argument("--seed", type=int, default=random.randrange(1 << 30))
    options = arguments.parse_args()
    print(f"seed {options.seed}")
    chance = random.Random(options.seed)
    world = World(options.series)
    folder = tempfile.mkdtemp(prefix="bellbuoy-kill-")
    try:
        run(options, chance, world, folder)
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def run(options, chance, world, folder):
    with open(os.path.join(folder, "prometheus.yml"), "w") as file:
        file.write(f"global: {{scrape_interval: 200ms, scrape_timeout: 200ms, evaluation_interval: 200ms}}\nrule_files: [rules.yml]\n"
                   f"scrape_configs:\n- job_name: t\n  static_configs: [{{targets: ['127.0.0.1:{world.port}']}}]\n")
    with open(os.path.join(folder, "rules.yml"), "w") as file:
        file.write(RULES)
    with open(os.path.join(folder, "alertmanager.yml"), "w") as file:
        file.write(f"route: {{receiver: hook, group_by: [n], group_wait: 50ms, group_interval: 100ms, repeat_interval: 24h}}\n"
                   f"receivers:\n- name: hook\n  webhook_configs: [{{url: 'http://127.0.0.1:{world.port}/hook'}}]\n")
    port = free_port()
    command = [options.bellbuoy, "--log.level", "error", "up", folder, "--listen", f"127.0.0.1:{port}", "--data", os.path.join(folder, "data"), "--no-watch"]
    ready = []
    for _ in range(options.kills):
        start = time.perf_counter()
        process = subprocess.Popen(command)
        wait_ready(port, process)
        ready.append(time.perf_counter() - start)
        end = time.time() + chance.uniform(0, 2)
        while time.time() < end:
            world.flip(chance)
            time.sleep(0.05)
        process.kill()
        process.wait()
    process = subprocess.Popen(command)
    wait_ready(port, process)
    for _ in range(300):
        time.sleep(0.2)
        if world.told() == world.truth():
            break
    time.sleep(2)
    process.terminate()
    process.wait()
    repeats = [key for key, count in world.keys.items() if count > 1]
    wrong = [name for name in world.truth() if world.truth()[name] != world.told().get(name, False)]
    ready.sort()
    print(f"{options.kills} kills, {sum(world.keys.values())} messages, {len(repeats)} repeated with the same key, {len(wrong)} series told wrong; "
          f"ready again: median {ready[len(ready) // 2] * 1000:.0f} ms, worst {ready[-1] * 1000:.0f} ms")
    sys.exit(1 if wrong or len(repeats) > options.kills else 0)


class World:
    """The target and the webhook on one port."""

    def __init__(self, series):
        self.values = {str(n): False for n in range(series)}
        self.keys = collections.Counter()
        self.last = {}
        self.lock = threading.Lock()
        outer = self

        class Handler(http.server.BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_GET(self):
                with outer.lock:
                    body = "".join(f'value{{n="{n}"}} {7 if high else 1}\n' for n, high in outer.values.items()).encode()
                self.answer(body)

            def do_POST(self):
                message = json.loads(self.rfile.read(int(self.headers["content-length"])))
                with outer.lock:
                    outer.keys[self.headers["idempotency-key"]] += 1
                    for alert in message["alerts"]:
                        outer.last[alert["labels"]["n"]] = alert["status"] == "firing"
                self.answer(b"")

            def answer(self, body):
                self.send_response(200)
                self.send_header("Content-Type", "text/plain; version=0.0.4")
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, *_):
                pass

        server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        server.daemon_threads = True
        server.handle_error = lambda *_: None  # connections that a kill cuts off
        self.port = server.server_address[1]
        threading.Thread(target=server.serve_forever, daemon=True).start()

    def flip(self, chance):
        with self.lock:
            name = chance.choice(list(self.values))
            self.values[name] = not self.values[name]

    def truth(self):
        return dict(self.values)

    def told(self):
        with self.lock:
            return {name: self.last.get(name, False) for name in self.values}


def wait_ready(port, process):
    while True:
        if process.poll() is not None:
            sys.exit("bellbuoy ended by itself")
        try:
            with urllib.request.urlopen(f"http://127.0.0.1:{port}/-/ready", timeout=2) as answer:
                if answer.status == 200:
                    return
        except OSError:
            time.sleep(0.005)


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


if __name__ == "__main__":
    main()
