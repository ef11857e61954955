#!/usr/bin/env python3
"""How long 10,000 rules take: `bellbuoy check` beside `promtool check rules`, and how much memory.

Usage: bench/check.py BELLBUOY PROMTOOL [RULES]

Prints for each command the best wall time and CPU time of three runs, the peak memory, and the ratio to `promtool check rules`:
the rules alone, with a metrics page that has all of their series (`--metrics`), and with a route tree of 100 routes and 20 inhibitions
(`--routes`). promtool also with `--lint=all`. The last lines say how the time grows: 1/10 of the rules, and all of them.
"""

import json
import os
import pathlib
import subprocess
import sys
import tempfile
import time

EXPRESSIONS = [
    'sum by (job) (rate(http_requests_total{{code=~"5..", shard="{n}"}}[5m])) / sum by (job) (rate(http_requests_total{{shard="{n}"}}[5m])) > 0.05',
    'histogram_quantile(0.95, sum by (le, handler) (rate(latency_seconds_bucket{{shard="{n}"}}[5m]))) > 1',
    'model_r2{{model="m{n}"}} < 0.65',
    'feature_drift_score{{model="m{n}"}} > 0.2 and on (model) sum by (model) (increase(predictions_total[24h])) > 100',
    'time() - pipeline_last_success_timestamp_seconds{{pipeline="p{n}"}} > 3600',
]


def rules_text(rules: int) -> str:
    lines = ["groups:"]
    for n in range(rules):
        if n % 50 == 0:
            lines += [f"  - name: g{n // 50}", "    rules:"]
        if n % 10 == 9:
            lines += [f"      - record: shard{n}:errors:rate5m", f'        expr: sum by (job) (rate(errors_total{{shard="{n}"}}[5m]))']
            continue
        lines += [
            f"      - alert: Alert{n}",
            f"        expr: {EXPRESSIONS[n % len(EXPRESSIONS)].format(n=n)}",
            "        for: 5m",
            f"        labels: {{severity: {['critical', 'warning'][n % 2]}, team: t{n % 100}}}",
            "        annotations: {summary: 'it is {{ $value }}'}",
        ]
    return "\n".join(lines) + "\n"


def page_text(rules: int) -> str:
    lines = []

    def family(name: str, kind: str, series: list[str]) -> None:
        lines.append(f"# TYPE {name} {kind}")
        lines.extend(series)

    every = range(rules)
    family("http_requests_total", "counter", [f'http_requests_total{{code="500",shard="{n}"}} 1' for n in every if n % 5 == 0])
    buckets = [f'latency_seconds_bucket{{handler="/",shard="{n}",le="{le}"}} 1' for n in every if n % 5 == 1 for le in ("1", "+Inf")]
    family("latency_seconds", "histogram", buckets)
    family("model_r2", "gauge", [f'model_r2{{model="m{n}"}} 0.9' for n in every if n % 5 == 2])
    family("feature_drift_score", "gauge", [f'feature_drift_score{{model="m{n}"}} 0.1' for n in every if n % 5 == 3])
    family("predictions_total", "counter", [f'predictions_total{{model="m{n}"}} 5' for n in every if n % 5 == 3])
    last = "pipeline_last_success_timestamp_seconds"
    family(last, "gauge", [f'{last}{{pipeline="p{n}"}} 1' for n in every if n % 5 == 4])
    family("errors_total", "counter", [f'errors_total{{shard="{n}"}} 1' for n in every if n % 10 == 9])
    return "\n".join(lines) + "\n"


def routes_text() -> str:
    routes = [f"    - matchers: ['team=\"t{n}\"', 'severity=\"critical\"']\n      receiver: r{n}" for n in range(100)]
    mutes = [
        f"  - source_matchers: ['team=\"t{n}\"', 'severity=\"critical\"']\n    target_matchers: ['team=\"t{n}\"', 'severity=\"warning\"']\n    equal: [job]"
        for n in range(20)
    ]
    receivers = [f"  - name: r{n}\n    webhook_configs: [{{url: 'http://localhost/{n}'}}]" for n in range(100)]
    parts = ["route:\n  receiver: r0\n  group_by: [alertname]\n  routes:", *routes, "inhibit_rules:", *mutes, "receivers:", *receivers]
    return "\n".join(parts) + "\n"


def folder(path: pathlib.Path, rules: int, routes: bool = False) -> pathlib.Path:
    path.mkdir()
    (path / "prometheus.yml").write_text("scrape_configs:\n- job_name: app\n  static_configs: [{targets: ['app:80']}]\nrule_files: [rules.yml]\n")
    (path / "rules.yml").write_text(rules_text(rules))
    if routes:
        (path / "alertmanager.yml").write_text(routes_text())
    return path


def measured(command: list[str]) -> dict:
    """Best of three; `wait4` tells the memory of exactly this process."""
    best = None
    for _ in range(3):
        start = time.perf_counter()
        child = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        _, status, usage = os.wait4(child.pid, 0)
        run = {
            "seconds": round(time.perf_counter() - start, 3),
            "cpu_seconds": round(usage.ru_utime + usage.ru_stime, 3),
            "peak_mib": round(usage.ru_maxrss / 1024, 1),
            "status": os.waitstatus_to_exitcode(status),
        }
        if best is None or run["cpu_seconds"] < best["cpu_seconds"]:
            best = run
    return best


def main() -> None:
    bellbuoy, promtool = sys.argv[1], sys.argv[2]
    rules = int(sys.argv[3]) if len(sys.argv) > 3 else 10_000
    with tempfile.TemporaryDirectory() as name:
        root = pathlib.Path(name)
        plain, routed, small = folder(root / "plain", rules), folder(root / "routed", rules, True), folder(root / "small", rules // 10)
        page = root / "app.metrics"
        page.write_text(page_text(rules))
        ours = [bellbuoy, "check", "--format", "json"]
        file = str(plain / "rules.yml")
        commands = {
            "promtool check rules": [promtool, "check", "rules", file],
            "promtool check rules --lint=all": [promtool, "check", "rules", "--lint=all", file],
            "bellbuoy check": [*ours, str(plain)],
            "bellbuoy check --metrics": [*ours, str(plain), "--metrics", f"app={page}"],
            "bellbuoy check, routes": [*ours, str(routed)],
            "bellbuoy check --routes --metrics": [*ours, str(routed), "--routes", "--metrics", f"app={page}"],
            f"bellbuoy check, {rules // 10} rules": [*ours, str(small)],
        }
        base = None
        print(json.dumps({"rules": rules, "load": os.getloadavg()[0]}))
        for label, command in commands.items():
            found = measured(command)
            base = base or found
            found["cpu_ratio"] = round(found["cpu_seconds"] / base["cpu_seconds"], 2)
            found["memory_ratio"] = round(found["peak_mib"] / base["peak_mib"], 2)
            if label.startswith("bellbuoy"):
                answer = subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, check=False)
                try:
                    found["findings"] = len(json.loads(answer.stdout)["findings"])
                except ValueError:
                    found["findings"] = None
            print(f"{label:36}", json.dumps(found), flush=True)


if __name__ == "__main__":
    main()
