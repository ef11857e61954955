#!/usr/bin/env python3
"""bellbuoy beside Prometheus + Alertmanager, in one run: start to ready, idle memory, and the cost of scraping.

    cargo build --release
    bench/stack.py --peers DIR        # DIR holds prometheus and alertmanager (or prometheus-alertmanager)

Both sides run at the same time on the same machine and scrape the same pages, so that noise hits both alike. CPU is user + system
time of the process from /proc, memory is VmRSS and its peak. Python's standard library is all it needs.
"""
import argparse
import http.server
import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import threading
import time
import urllib.request

TICKS = os.sysconf("SC_CLK_TCK")


def main():
    arguments = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    arguments.add_argument("--bellbuoy", default="target/release/bellbuoy")
    arguments.add_argument("--peers", required=True, help="folder with the peers' programs")
    arguments.add_argument("--targets", type=int, default=200)
    arguments.add_argument("--series", type=int, default=500)
    arguments.add_argument("--interval", type=int, default=5, help="seconds between scrapes")
    arguments.add_argument("--seconds", type=int, default=90, help="how long to scrape, after a warm-up of three intervals")
    arguments.add_argument("--idle", type=int, default=30, help="seconds of idling before memory is read")
    arguments.add_argument("--json", action="store_true")
    options = arguments.parse_args()
    folder = tempfile.mkdtemp(prefix="bellbuoy-bench-")
    try:
        rows = idle(options, folder) + scrape(options, folder)
    finally:
        shutil.rmtree(folder, ignore_errors=True)
    if options.json:
        print(json.dumps([dict(zip(("what", "unit", "bellbuoy", "prometheus", "alertmanager"), row)) for row in rows]))
        return
    print(f"{'what':<34}{'unit':<14}{'bellbuoy':>10}{'prometheus':>12}{'alertmgr':>10}{'ratio':>8}  (bellbuoy / all peers)")
    for what, unit, ours, prometheus, alertmanager in rows:
        print(f"{what:<34}{unit:<14}{ours:>10.3f}{prometheus:>12.3f}{alertmanager:>10.3f}{ours / (prometheus + alertmanager):>8.2f}")


def idle(options, folder):
    with Stack(options, os.path.join(folder, "idle"), targets=0) as stack:
        time.sleep(options.idle)
        memory = [process.memory()[0] for process in stack.all]
        ready = [process.ready * 1000 for process in stack.all]
    return [("start to ready", "ms", *ready), (f"memory after {options.idle} s idle", "MiB", *memory)]


def scrape(options, folder):
    pages = Pages(options.series)
    with Stack(options, os.path.join(folder, "scrape"), targets=options.targets, port=pages.port) as stack:
        time.sleep(3 * options.interval)
        before = [process.cpu() for process in stack.all]
        served = pages.served
        time.sleep(options.seconds)
        cpu = [process.cpu() - start for process, start in zip(stack.all, before)]
        memory = [process.memory() for process in stack.all]
        # Both sides scrape: each page counts for one of them.
        samples = (pages.served - served) * options.series / 2
        series = [count(process.url, "count({job='pages'})") for process in stack.all[:2]]
    expected = options.targets * (options.series + 5)
    if any(abs(one - expected) > expected * 0.01 for one in series):
        sys.exit(f"the sides do not hold what they should: {series} series of {expected}")
    what = f"scraping {options.targets} x {options.series} each {options.interval} s"
    return [
        (what + ": CPU", "cores", *[one / options.seconds for one in cpu]),
        (what + ": CPU", "s per M", *[one / samples * 1e6 for one in cpu]),
        (what + ": memory", "MiB", *[one[0] for one in memory]),
        (what + ": peak", "MiB", *[one[1] for one in memory]),
    ]


class Stack:
    """bellbuoy, Prometheus and Alertmanager with the same targets, all ready."""

    def __init__(self, options, folder, targets, port=0):
        os.makedirs(folder)
        lines = [f"global: {{scrape_interval: {options.interval}s, scrape_timeout: {options.interval}s, evaluation_interval: 15s}}", "scrape_configs:"]
        if targets:
            lines += ["- job_name: pages", "  static_configs:"]
            for number in range(targets):
                lines += [f"  - targets: ['127.0.0.1:{port}']",
                          f"    labels: {{__metrics_path__: '/{number}/metrics', instance: 'page-{number}'}}"]
        else:
            lines[-1] += " []"
        alertmanager = "route: {receiver: none}\nreceivers: [{name: none}]\n"
        ours, theirs = os.path.join(folder, "ours"), os.path.join(folder, "theirs")
        for part in (ours, theirs):
            os.makedirs(part)
            write(part, "prometheus.yml", "\n".join(lines) + "\n")
            write(part, "alertmanager.yml", alertmanager)
        peer = lambda *names: next(p for p in (os.path.join(options.peers, n) for n in names) if os.path.exists(p))
        p, a = free_port(), free_port()
        self.all = []
        b = free_port()
        self.all.append(Process(f"http://127.0.0.1:{b}", [options.bellbuoy, "--log.level", "warn", "up", ours, "--listen", f"127.0.0.1:{b}", "--data", os.path.join(ours, "data"), "--no-watch"]))
        self.all.append(Process(f"http://127.0.0.1:{p}", [peer("prometheus"), f"--config.file={theirs}/prometheus.yml", f"--storage.tsdb.path={theirs}/data", f"--web.listen-address=127.0.0.1:{p}", "--log.level=warn"]))
        self.all.append(Process(f"http://127.0.0.1:{a}", [peer("alertmanager", "prometheus-alertmanager"), f"--config.file={theirs}/alertmanager.yml", f"--storage.path={theirs}/am", f"--web.listen-address=127.0.0.1:{a}", "--cluster.listen-address=", "--log.level=warn"]))

    def __enter__(self):
        return self

    def __exit__(self, *_):
        for process in self.all:
            process.stop()


class Process:
    def __init__(self, url, command):
        self.url = url
        start = time.perf_counter()
        self.process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE)
        threading.Thread(target=self.read, daemon=True).start()
        self.log = []
        while True:
            if self.process.poll() is not None:
                time.sleep(0.2)
                sys.exit(f"{command[0]} ended: {''.join(self.log)}")
            try:
                with urllib.request.urlopen(url + "/-/ready", timeout=2) as answer:
                    if answer.status == 200:
                        break
            except OSError:
                pass
            time.sleep(0.002)
        self.ready = time.perf_counter() - start

    def read(self):
        for line in self.process.stderr:
            self.log.append(line.decode(errors="replace"))

    def cpu(self):
        fields = open(f"/proc/{self.process.pid}/stat").read().rsplit(")", 1)[1].split()
        return (int(fields[11]) + int(fields[12])) / TICKS

    def memory(self):
        """VmRSS and VmHWM in MiB."""
        lines = open(f"/proc/{self.process.pid}/status").read().splitlines()
        read = lambda name: next(int(line.split()[1]) / 1024 for line in lines if line.startswith(name))
        return read("VmRSS:"), read("VmHWM:")

    def stop(self):
        self.process.send_signal(signal.SIGTERM)
        try:
            self.process.wait(30)
        except subprocess.TimeoutExpired:
            self.process.kill()


class Pages:
    """/N/metrics: counters, gauges and histogram buckets that change from page to page."""

    def __init__(self, series):
        self.served = 0
        variants = [self.body(series, step).encode() for step in range(16)]
        outer = self

        class Handler(http.server.BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_GET(self):
                outer.served += 1
                # Time moves the variant, so that both sides see the same values.
                body = variants[int(time.time() / 5) % len(variants)]
                self.send_response(200)
                self.send_header("Content-Type", "text/plain; version=0.0.4; charset=utf-8")
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, *_):
                pass

        server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        server.daemon_threads = True
        self.port = server.server_address[1]
        threading.Thread(target=server.serve_forever, daemon=True).start()

    @staticmethod
    def body(series, step):
        kinds = ("counter", "gauge")
        out = []
        for number in range(series):
            kind = kinds[number % 2]
            name = f"model_{number // 50}_{kind}" + ("_total" if kind == "counter" else "")
            if number % 50 < 2:
                out.append(f"# HELP {name} A metric of the bench.\n# TYPE {name} {kind}\n")
            value = step * 17 + number if kind == "counter" else (number * 0.731 + step * 0.137) % 1
            out.append(f'{name}{{model="bike-traffic",version="v{number % 7}",region="eu-west-{number % 3}",shard="{number}"}} {value}\n')
        return "".join(out)


def count(url, query):
    with urllib.request.urlopen(url + "/api/v1/query?query=" + urllib.request.quote(query), timeout=30) as answer:
        result = json.load(answer)["data"]["result"]
    return int(float(result[0]["value"][1])) if result else 0


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def write(folder, name, text):
    with open(os.path.join(folder, name), "w") as file:
        file.write(text)


if __name__ == "__main__":
    main()
