#!/usr/bin/env python3
"""Alerts: bellbuoy beside Alertmanager, one after the other in each round, on the same machine with the same requests.

    cargo build --release
    bench/alerts.py --peers DIR       # DIR holds alertmanager (or prometheus-alertmanager)

Bulk: distinct alerts, 64 in a POST over two connections, grouped by alertname (100 a group) into five receivers, until a webhook has seen
every one of them. Single: one alert of a new group at a time at `group_wait: 0s`, from the POST to the webhook. CPU is user + system time of the
server from /proc, memory is VmRSS and its peak. bellbuoy writes every alert and every message to disk (fsync) before it answers or sends;
Alertmanager keeps alerts in memory. Python's standard library is all it needs.
"""
import argparse
import http.client
import http.server
import json
import multiprocessing
import os
import shutil
import signal
import socket
import statistics
import subprocess
import sys
import tempfile
import threading
import time
import urllib.request

TICKS = os.sysconf("SC_CLK_TCK")
RECEIVERS = 5


def main():
    arguments = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    arguments.add_argument("--bellbuoy", default="target/release/bellbuoy")
    arguments.add_argument("--peers", required=True, help="folder with Alertmanager")
    arguments.add_argument("--alerts", type=int, default=50_000)
    arguments.add_argument("--per-group", type=int, default=100)
    arguments.add_argument("--group-wait", default="5s")
    arguments.add_argument("--group-interval", default="60s")
    arguments.add_argument("--single", type=int, default=100)
    arguments.add_argument("--rounds", type=int, default=3)
    arguments.add_argument("--json", action="store_true")
    options = arguments.parse_args()
    seen = {"bellbuoy": [], "alertmanager": []}
    for _ in range(options.rounds):
        for name, rows in seen.items():
            rows.append({**bulk(options, name), **single(options, name)})
    middle = {name: {key: statistics.median(row[key] for row in rows) for key in rows[0]} for name, rows in seen.items()}
    if options.json:
        print(json.dumps({"rounds": seen, "median": middle}))
        return
    print(f"{options.alerts} alerts, {options.per_group} a group, {options.group_wait}/{options.group_interval}; median of {options.rounds}")
    print(f"{'what':<34}{'bellbuoy':>12}{'alertmanager':>14}{'ratio':>8}")
    for key in middle["bellbuoy"]:
        ours, theirs = middle["bellbuoy"][key], middle["alertmanager"][key]
        print(f"{key:<34}{ours:>12.3f}{theirs:>14.3f}{ours / theirs if theirs else float('nan'):>8.2f}")


def bulk(options, name):
    posts = [json.dumps(chunk).encode() for chunk in chunks(alerts(options), 64)]
    with Sink() as sink, Server(options, name, options.group_wait, sink.port) as server:
        cpu, start = server.cpu(), time.monotonic()
        threads = [threading.Thread(target=post_all, args=(server.port, posts[half::2])) for half in range(2)]
        [thread.start() for thread in threads]
        [thread.join() for thread in threads]
        posted = time.monotonic() - start
        delivered = sink.wait_for(options.alerts, 300) - start
        cpu = server.cpu() - cpu
        memory, peak = server.memory()
    return {
        "accepted alerts per second": options.alerts / posted,
        "alerts per CPU second": options.alerts / cpu,
        "CPU per alert, us": cpu / options.alerts * 1e6,
        "to the last delivery, s": delivered,
        "memory after, MiB": memory,
        "peak memory, MiB": peak,
    }


def single(options, name):
    waits = []
    with Sink() as sink, Server(options, name, "0s", sink.port) as server:
        connection = http.client.HTTPConnection("127.0.0.1", server.port)
        for number in range(options.single):
            alert = {"labels": {"alertname": f"single{number}", "team": "t0", "instance": "i"}, "annotations": {"summary": "one"}}
            start = time.monotonic()
            post(connection, json.dumps([alert]).encode())
            waits.append((sink.wait_for(number + 1, 30) - start) * 1000)
            time.sleep(0.02)
    return {"one alert, POST to webhook, p50 ms": statistics.median(waits), "p95 ms": sorted(waits)[int(len(waits) * 0.95)]}


def alerts(options):
    """Labels and annotations as a rule of a Kubernetes installation gives them."""
    for number in range(options.alerts):
        group = number // options.per_group
        yield {
            "labels": {
                "alertname": f"Alert{group}", "team": f"t{group % RECEIVERS}", "severity": "warning", "cluster": "eu-1", "namespace": f"ns{number % 37}",
                "instance": f"10.0.{number // 250}.{number % 250}:9100", "job": "node",
            },
            "annotations": {"summary": f"disk {number} fills", "description": f"Disk {number} will be full in {number % 24} hours.",
                            "runbook_url": "https://runbooks.example/disk"},
            "generatorURL": f"http://prometheus:9090/graph?g0.expr=disk{number}",
        }


def chunks(items, size):
    chunk = []
    for item in items:
        chunk.append(item)
        if len(chunk) == size:
            yield chunk
            chunk = []
    if chunk:
        yield chunk


def post_all(port, bodies):
    connection = http.client.HTTPConnection("127.0.0.1", port)
    for body in bodies:
        post(connection, body)


def post(connection, body):
    connection.request("POST", "/api/v2/alerts", body, {"Content-Type": "application/json"})
    answer = connection.getresponse()
    answer.read()
    if answer.status != 200:
        sys.exit(f"the server refused alerts: {answer.status}")


class Server:
    def __init__(self, options, name, group_wait, sink):
        self.folder = tempfile.mkdtemp(prefix="bellbuoy-bench-")
        self.port = free_port()
        config = os.path.join(self.folder, "alertmanager.yml")
        with open(config, "w") as file:
            file.write(f"route: {{receiver: r0, group_by: [alertname], group_wait: {group_wait}, group_interval: {options.group_interval}, "
                       "repeat_interval: 4h, routes: [" + ", ".join(f"{{matchers: ['team=\"t{i}\"'], receiver: r{i}}}" for i in range(RECEIVERS)) + "]}\n"
                       "receivers:\n" + "".join(f"- {{name: r{i}, webhook_configs: [{{url: 'http://127.0.0.1:{sink}/r{i}'}}]}}\n" for i in range(RECEIVERS)))
        data = os.path.join(self.folder, "data")
        if name == "bellbuoy":
            command = [options.bellbuoy, "--log.level", "warn", "up", config, "--data", data, "--listen", f"127.0.0.1:{self.port}", "--no-watch"]
        else:
            command = [alertmanager(options.peers), f"--config.file={config}", f"--storage.path={data}", f"--web.listen-address=127.0.0.1:{self.port}",
                       "--cluster.listen-address=", "--log.level=warn"]
        self.process = subprocess.Popen(command, stdout=subprocess.DEVNULL)
        deadline = time.monotonic() + 30
        while not ready(self.port):
            if time.monotonic() > deadline or self.process.poll() is not None:
                sys.exit(f"{name} does not start")
            time.sleep(0.01)

    def cpu(self):
        with open(f"/proc/{self.process.pid}/stat") as file:
            fields = file.read().rsplit(")", 1)[1].split()
        return (int(fields[11]) + int(fields[12])) / TICKS

    def memory(self):
        with open(f"/proc/{self.process.pid}/status") as file:
            fields = dict(line.split(":", 1) for line in file)
        return int(fields["VmRSS"].split()[0]) / 1024, int(fields["VmHWM"].split()[0]) / 1024

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.process.send_signal(signal.SIGTERM)
        self.process.wait()
        shutil.rmtree(self.folder, ignore_errors=True)


class Sink:
    """A webhook in a process of its own that tells when it has seen how many different alerts."""

    def __init__(self):
        self.port = free_port()
        self.pipe, other = multiprocessing.Pipe()
        self.process = multiprocessing.Process(target=sink, args=(self.port, other), daemon=True)
        self.process.start()
        self.pipe.recv()
        self.count = 0

    def wait_for(self, count, seconds):
        """When the number of different alerts reached `count`, on the clock of time.monotonic."""
        deadline, at = time.monotonic() + seconds, time.monotonic()
        while self.count < count:
            if not self.pipe.poll(max(0, deadline - time.monotonic())):
                sys.exit(f"only {self.count} of {count} alerts were delivered in {seconds} s")
            self.count, at = self.pipe.recv()
        return at

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.process.terminate()
        self.process.join()


def sink(port, pipe):
    seen, lock = set(), threading.Lock()

    class Handler(http.server.BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_POST(self):
            at = time.monotonic()
            body = self.rfile.read(int(self.headers["Content-Length"]))
            self.send_response(200)
            self.send_header("Content-Length", "0")
            self.end_headers()
            with lock:
                seen.update(alert["fingerprint"] for alert in json.loads(body)["alerts"])
                pipe.send((len(seen), at))

        def log_message(self, *_):
            pass

    server = http.server.ThreadingHTTPServer(("127.0.0.1", port), Handler)
    pipe.send("ready")
    server.serve_forever()


def ready(port):
    try:
        with urllib.request.urlopen(f"http://127.0.0.1:{port}/-/ready", timeout=1) as answer:
            return answer.status == 200
    except OSError:
        return False


def alertmanager(folder):
    for name in ("alertmanager", "prometheus-alertmanager"):
        if os.path.exists(os.path.join(folder, name)):
            return os.path.join(folder, name)
    sys.exit(f"no alertmanager in {folder}")


def free_port():
    with socket.socket() as one:
        one.bind(("127.0.0.1", 0))
        return one.getsockname()[1]


if __name__ == "__main__":
    main()
