#!/usr/bin/env python3
"""Predictions in: rows per second that bellbuoy acknowledges (after fsync) on one core, its memory, and what a row takes on disk.

    cargo build --release
    bench/predictions.py --rows 2000000

Rows have 10 features, 8 numbers and 2 texts, in batches of 1,000, sent over some connections at once. bellbuoy runs on core 0 (--core), this
program on the others. Each format is a run of its own on an empty folder; `parquet` only when pyarrow is there. At the end the program is
killed and started again: the last batch must be known, and the time until it is ready is shown.
"""
import argparse
import io
import json
import os
import random
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import threading
import time

BATCH = 1000
BODIES = 64
RUN = b"@@@@@"
# Each batch has a second of its own.
TIME = b"##:##:##"
NAMES = [f"x{n}" for n in range(8)] + ["city", "kind"]
SETTINGS = """models:
- name: m
  kind: regression
  target: y
  reference: reference.csv
  features: [%s]
  schedule: 1h
  rows_min: 50
  retention_rows: %d
"""


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--bellbuoy", default="target/release/bellbuoy")
    parser.add_argument("--rows", type=int, default=1_000_000, help="of each format")
    parser.add_argument("--connections", type=int, default=4)
    parser.add_argument("--core", type=int, default=0)
    parser.add_argument("--formats", default="json,jsonlines,csv,parquet")
    parser.add_argument("--retention-rows", type=int, default=20_000)
    parser.add_argument("--labels", action="store_true", help="a true value for each row as well")
    options = parser.parse_args()
    others = os.sched_getaffinity(0) - {options.core}
    if others:
        os.sched_setaffinity(0, others)
    print(f"{options.rows} rows a format, {options.connections} connections, batches of {BATCH}, retention_rows {options.retention_rows}")
    print("| format | rows/s acknowledged | rows per CPU second | bytes sent a row | peak MiB | bytes on disk a row | ready after kill, s |")
    print("| --- | --- | --- | --- | --- | --- | --- |")
    for format in options.formats.split(","):
        if format == "parquet" and not has_pyarrow():
            print("pyarrow is not there: parquet left out", file=sys.stderr)
            continue
        run(options, format)


def run(options, format):
    folder = tempfile.mkdtemp(prefix="bellbuoy-bench-")
    rng = random.Random(1)
    with open(f"{folder}/reference.csv", "w") as file:
        file.write(",".join(NAMES + ["y"]) + "\n")
        for _ in range(2000):
            file.write(",".join(str(cell) for cell in features(rng)) + f",{rng.random()}\n")
    with open(f"{folder}/bellbuoy.yml", "w") as file:
        file.write(SETTINGS % (", ".join(NAMES), options.retention_rows))
    bodies = [encode(format, number, rng) for number in range(BODIES)]
    labels = [encode_labels(number) for number in range(BODIES)] if options.labels else None
    server = Server(options, folder)
    cpu = server.cpu()
    started = time.monotonic()
    batches = options.rows // BATCH
    sender = Sender(server.address, format, bodies, labels, batches, options.connections)
    sender.run()
    seconds = time.monotonic() - started
    cpu = server.cpu() - cpu
    rows = batches * BATCH
    sent = sum(len(body) for body in bodies) / (BODIES * BATCH)
    peak = server.peak_mib()
    disk = size(f"{folder}/data/models/m")
    server.kill()
    started = time.monotonic()
    server = Server(options, folder)
    ready = time.monotonic() - started
    answer = post(server.connect(), "predictions", format, sender.body(batches - 1))
    assert json.loads(answer[1])["data"]["new"] == 0, answer
    server.kill()
    print(f"| {format} | {rows / seconds:,.0f} | {rows / cpu:,.0f} | {sent:.0f} | {peak:.0f} | {disk / rows:.0f} | {ready:.2f} |", flush=True)
    shutil.rmtree(folder)


def features(rng):
    numbers = [round(rng.gauss(10, 3), 6) for _ in range(6)] + [rng.randrange(24), rng.randrange(7)]
    return numbers + [rng.choice(["Berlin", "Hamburg", "München", "Köln"]), rng.choice(["member", "guest"])]


def encode(format, number, rng):
    at = f"2026-11-20T{TIME.decode()}Z"
    rows = [(f"{RUN.decode()}-{number:04}-{n:04}", at, round(rng.gauss(100, 20), 6), features(rng)) for n in range(BATCH)]
    if format == "json":
        return json.dumps([as_json(row) for row in rows], separators=(",", ":"), ensure_ascii=False).encode()
    if format == "jsonlines":
        return "\n".join(json.dumps(as_json(row), separators=(",", ":"), ensure_ascii=False) for row in rows).encode()
    if format == "csv":
        lines = [",".join(["id", "timestamp", "prediction"] + NAMES)]
        lines += [",".join([id, at, str(prediction)] + [str(cell) for cell in cells]) for id, at, prediction, cells in rows]
        return ("\n".join(lines) + "\n").encode()
    import pyarrow
    import pyarrow.parquet

    columns = {"id": [row[0] for row in rows], "timestamp": [row[1] for row in rows], "prediction": [row[2] for row in rows]}
    columns.update({name: [row[3][place] for row in rows] for place, name in enumerate(NAMES)})
    out = io.BytesIO()
    # Ids are plain text in the file, so that each sending can replace their beginning.
    pyarrow.parquet.write_table(pyarrow.table(columns), out, compression="none", use_dictionary=["timestamp", "city", "kind"], write_statistics=False)
    return out.getvalue()


def as_json(row):
    id, at, prediction, cells = row
    return {"id": id, "timestamp": at, "prediction": prediction, "features": dict(zip(NAMES, cells))}


def encode_labels(number):
    rows = [{"id": f"{RUN.decode()}-{number:04}-{n:04}", "value": 1.5 + n} for n in range(BATCH)]
    return json.dumps(rows, separators=(",", ":")).encode()


class Sender:
    def __init__(self, address, format, bodies, labels, batches, connections):
        self.address, self.format, self.bodies, self.labels = address, format, bodies, labels
        self.batches, self.connections = batches, connections
        self.lock, self.next, self.failed = threading.Lock(), 0, None

    def body(self, batch):
        time = b"%02d:%02d:%02d" % (batch // 3600 % 24, batch // 60 % 60, batch % 60)
        return self.bodies[batch % BODIES].replace(RUN, b"%05d" % (batch // BODIES)).replace(TIME, time)

    def run(self):
        threads = [threading.Thread(target=self.send) for _ in range(self.connections)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        if self.failed:
            sys.exit(f"not acknowledged: {self.failed}")

    def send(self):
        connection = socket.create_connection(self.address)
        while not self.failed:
            with self.lock:
                batch, self.next = self.next, self.next + 1
            if batch >= self.batches:
                return
            self.post(connection, "predictions", self.format, self.body(batch))
            if self.labels:
                self.post(connection, "labels", "json", self.labels[batch % BODIES].replace(RUN, b"%05d" % (batch // BODIES)))

    def post(self, connection, path, format, body):
        while True:
            status, answer = post(connection, path, format, body)
            if status != 429:
                break
            time.sleep(0.05)
        if status != 200 or f'"refusedRows":0' not in answer:
            self.failed = (status, answer[:300])


def post(connection, path, format, body):
    kind = {"json": "application/json", "jsonlines": "application/x-ndjson", "csv": "text/csv", "parquet": "application/vnd.apache.parquet"}[format]
    head = f"POST /api/v1/models/m/{path} HTTP/1.1\r\nhost: m\r\ncontent-type: {kind}\r\ncontent-length: {len(body)}\r\n\r\n"
    connection.sendall(head.encode() + body)
    answer = b""
    while True:
        more = connection.recv(65536)
        if not more:
            raise ConnectionError("the server hung up")
        answer += more
        head, found, rest = answer.partition(b"\r\n\r\n")
        if found:
            length = int(head.lower().split(b"content-length:")[1].split(b"\r\n")[0])
            if len(rest) >= length:
                return int(head.split(b" ")[1]), rest.decode()


class Server:
    def __init__(self, options, folder):
        command = [options.bellbuoy, "up", folder, "--data", f"{folder}/data", "--listen", "127.0.0.1:0", "--no-watch"]
        pin = lambda: os.sched_setaffinity(0, {options.core})
        self.process = subprocess.Popen(command, stderr=subprocess.PIPE, preexec_fn=pin, env={**os.environ, "NO_COLOR": "1"})
        seen = []
        for line in self.process.stderr:
            seen.append(line.decode())
            if "listening on http://" in seen[-1]:
                host, port = seen[-1].split("http://")[1].split()[0].rsplit(":", 1)
                self.address = (host, int(port))
                threading.Thread(target=self.process.stderr.read, daemon=True).start()
                return
        sys.exit("bellbuoy did not start:\n" + "".join(seen))

    def connect(self):
        return socket.create_connection(self.address)

    def cpu(self):
        fields = open(f"/proc/{self.process.pid}/stat").read().rsplit(")", 1)[1].split()
        return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")

    def peak_mib(self):
        for line in open(f"/proc/{self.process.pid}/status"):
            if line.startswith("VmHWM"):
                return int(line.split()[1]) / 1024

    def kill(self):
        self.process.send_signal(signal.SIGKILL)
        self.process.wait()


def size(folder):
    return sum(os.path.getsize(os.path.join(path, name)) for path, _, names in os.walk(folder) for name in names)


def has_pyarrow():
    try:
        import pyarrow.parquet  # noqa: F401

        return True
    except ImportError:
        return False


if __name__ == "__main__":
    main()
