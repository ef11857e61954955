#!/usr/bin/env python3
"""What watching a large Airflow costs: a simulated server (REST v2) with 1,000 DAGs and 100,000 runs, of which more end while it is watched.

    bench/airflow.py [--bellbuoy target/release/bellbuoy] [--dags 1000] [--runs 100000] [--seconds 60] [--per-second 20]

Prints calls, time and memory per poll of `bellbuoy airflow-exporter`, whether its counts are exact, and beside it what the usual design of an
exporter (for each DAG its last 20 runs, for each run its tasks, in every scrape) asks of the same server: measured on some DAGs, and multiplied.
"""
import argparse, bisect, datetime, json, os, re, shutil, subprocess, tempfile, threading, time, urllib.parse, urllib.request
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

LOCK = threading.Lock()
ENDS, ROWS, CALLS = [], [], [0]


def stamp(seconds):
    return datetime.datetime.fromtimestamp(seconds, datetime.timezone.utc).strftime("%Y-%m-%dT%H:%M:%S.%fZ")


def seconds(text):
    return datetime.datetime.fromisoformat(text.replace("Z", "+00:00")).timestamp()


def run(dag, number, end):
    return {"dag_id": dag, "dag_run_id": f"run{number}", "state": "failed" if number % 10 == 0 else "success", "start_date": stamp(end - 60),
            "end_date": stamp(end), "run_after": stamp(end - 62), "queued_at": stamp(end - 61), "duration": 60.0, "conf": {"padding": "x" * 500}}


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def log_message(self, *_):
        pass

    def do_GET(self):
        with LOCK:
            CALLS[0] += 1
            body = json.dumps(self.body()).encode()
        self.send_response(200)
        self.send_header("content-type", "application/json")
        self.send_header("content-length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def body(self):
        url = urllib.parse.urlsplit(self.path)
        query = dict(urllib.parse.parse_qsl(url.query))
        limit, offset = min(int(query.get("limit", 50)), 100), int(query.get("offset", 0))
        path = url.path.removeprefix("/api/v2")
        if path == "/version":
            return {"version": "3.3.2"}
        if path == "/monitor/health":
            return {"scheduler": {"status": "healthy"}}
        if path == "/dagStats":
            counts = [{"state": state, "count": count} for state, count in (("queued", 0), ("running", 0), ("success", 90), ("failed", 10))]
            return {"dags": [{"dag_id": dag, "stats": counts} for dag in self.server.dags], "total_entries": len(self.server.dags)}
        if path == "/dags":
            names = self.server.dags
            return {"dags": [{"dag_id": dag, "is_paused": False} for dag in names[offset:offset + limit]], "total_entries": len(names)}
        if path == "/dags/~/dagRuns" and "state" in query:
            return {"dag_runs": [], "total_entries": 0}
        if path == "/dags/~/dagRuns":
            low = bisect.bisect_left(ENDS, seconds(query["end_date_gte"]))
            high = bisect.bisect_right(ENDS, seconds(query["end_date_lte"])) if "end_date_lte" in query else len(ENDS)
            rows = ROWS[low:high]
            if query.get("order_by") == "-end_date":
                page = ROWS[max(low, high - offset - limit):high - offset][::-1]
            else:
                page = rows[offset:offset + limit]
            return {"dag_runs": page, "total_entries": max(high - low, 0)}
        if path.endswith("/dagRuns"):
            dag = path.split("/")[2]
            return {"dag_runs": [row for row in ROWS[-20_000:] if row["dag_id"] == dag][-limit:], "total_entries": 100}
        if path.endswith("/taskInstances"):
            return {"task_instances": [], "total_entries": 0}
        return {"pools": [], "import_errors": [], "total_entries": 0}


def get(url):
    with urllib.request.urlopen(url, timeout=60) as answer:
        return answer.read().decode()


def value(page, pattern):
    return sum(float(number) for number in re.findall(rf"^{pattern} (\S+)$", page, re.M))


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--bellbuoy", default="target/release/bellbuoy")
    parser.add_argument("--dags", type=int, default=1000)
    parser.add_argument("--runs", type=int, default=100_000)
    parser.add_argument("--seconds", type=int, default=60)
    parser.add_argument("--per-second", type=int, default=20)
    args = parser.parse_args()
    now = time.time()
    dags = [f"dag{number:04}" for number in range(args.dags)]
    for number in range(args.runs):
        # The last one an hour ago, the first one six days before.
        end = now - 3600 - 6 * 86400 * (args.runs - number) / args.runs
        ENDS.append(end)
        ROWS.append(run(dags[number % args.dags], number, end))
    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.dags, server.daemon_threads = dags, True
    threading.Thread(target=server.serve_forever, daemon=True).start()
    address = f"http://127.0.0.1:{server.server_port}"

    folder = tempfile.mkdtemp(prefix="bellbuoy-bench-airflow-")
    with open(f"{folder}/bellbuoy.yml", "w") as file:
        file.write(f"airflow:\n- {{url: '{address}', interval: 2s, tasks: true}}\n")
    command = [args.bellbuoy, "airflow-exporter", folder, "--data", f"{folder}/data", "--listen", "127.0.0.1:0"]
    program = subprocess.Popen(command, stderr=subprocess.PIPE, text=True, env={**os.environ, "NO_COLOR": "1"})
    try:
        line = next(line for line in program.stderr if "listening on " in line)
        threading.Thread(target=lambda: [None for _ in program.stderr], daemon=True).start()
        metrics = line.split("listening on ")[1].split()[0] + "/metrics"
        # History is read in the first polls, and is no part of what a poll costs later.
        print("reading history ...")
        while value(get(metrics), r'airflow_dag_last_success_timestamp_seconds\{[^}]*\}') == 0:
            time.sleep(1)
        time.sleep(60)
        first, polls, slowest, began, added = CALLS[0], set(), 0.0, time.time(), 0
        while time.time() - began < args.seconds:
            with LOCK:
                for _ in range(args.per_second):
                    ENDS.append(max(time.time(), ENDS[-1]))
                    ROWS.append(run(dags[added % args.dags], args.runs + added, ENDS[-1]))
                    added += 1
            page = get(metrics)
            polls.add(value(page, "airflow_exporter_last_poll_success_timestamp_seconds"))
            slowest = max(slowest, value(page, "airflow_exporter_poll_duration_seconds"))
            time.sleep(1)
        calls = CALLS[0] - first
        deadline = time.time() + 60
        while (counted := value(get(metrics), r"airflow_dag_runs_total\{[^}]*\}")) != added and time.time() < deadline:
            time.sleep(0.5)
        with open(f"/proc/{program.pid}/status") as file:
            peak = int(re.search(r"VmHWM:\s+(\d+)", file.read()).group(1)) / 1024
        with open(f"/proc/{program.pid}/stat") as file:
            fields = file.read().rsplit(")", 1)[1].split()
            cpu = (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")
        print(f"bellbuoy: {calls / len(polls):.1f} calls a poll over {len(polls)} polls, slowest poll {slowest:.2f} s, peak memory {peak:.0f} MiB, CPU {cpu:.1f} s in all")
        print(f"bellbuoy: {added} runs ended, {counted:.0f} counted: {'exact' if counted == added else 'WRONG'}")
    finally:
        program.terminate()
        program.wait()
        shutil.rmtree(folder)

    sample, before, began = dags[:20], CALLS[0], time.time()
    for dag in sample:
        for row in json.loads(get(f"{address}/api/v2/dags/{dag}/dagRuns?limit=20"))["dag_runs"]:
            get(f"{address}/api/v2/dags/{dag}/dagRuns/{row['dag_run_id']}/taskInstances")
    scale = len(dags) / len(sample)
    print(f"usual design: {(CALLS[0] - before) * scale:.0f} calls a scrape, {(time.time() - began) * scale:.0f} s against this server (measured on {len(sample)} DAGs, multiplied)")


if __name__ == "__main__":
    main()
