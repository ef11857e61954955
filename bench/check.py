#!/usr/bin/env python3
"""How long 10,000 rules take: `bellbuoy check` beside `promtool check rules`.

Usage: bench/check.py BELLBUOY PROMTOOL [RULES]
Prints the best of three runs of each, in seconds, and the findings of bellbuoy.
"""

import json
import pathlib
import subprocess
import sys
import tempfile
import time

EXPRESSIONS = [
    "sum by (job) (rate(http_requests_total{{code=~\"5..\", shard=\"{n}\"}}[5m])) / sum by (job) (rate(http_requests_total{{shard=\"{n}\"}}[5m])) > 0.05",
    "histogram_quantile(0.95, sum by (le, handler) (rate(latency_seconds_bucket{{shard=\"{n}\"}}[5m]))) > 1",
    "model_r2{{model=\"m{n}\"}} < 0.65",
    "feature_drift_score{{model=\"m{n}\"}} > 0.2 and on (model) sum by (model) (increase(predictions_total[24h])) > 100",
    "time() - pipeline_last_success_timestamp_seconds{{pipeline=\"p{n}\"}} > 3600",
]


def write(folder: pathlib.Path, rules: int) -> pathlib.Path:
    lines = ["groups:"]
    for n in range(rules):
        if n % 50 == 0:
            lines += [f"  - name: g{n // 50}", "    rules:"]
        if n % 10 == 9:
            lines += [f"      - record: shard{n}:errors:rate5m", f"        expr: sum by (job) (rate(errors_total{{shard=\"{n}\"}}[5m]))"]
            continue
        lines += [
            f"      - alert: Alert{n}",
            f"        expr: {EXPRESSIONS[n % len(EXPRESSIONS)].format(n=n)}",
            "        for: 5m",
            "        labels: {severity: warning}",
            "        annotations: {summary: 'it is {{ $value }}'}",
        ]
    path = folder / "rules.yml"
    path.write_text("\n".join(lines) + "\n")
    return path


def best(command: list[str]) -> float:
    times = []
    for _ in range(3):
        start = time.perf_counter()
        subprocess.run(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, check=False)
        times.append(time.perf_counter() - start)
    return min(times)


def main() -> None:
    bellbuoy, promtool = sys.argv[1], sys.argv[2]
    rules = int(sys.argv[3]) if len(sys.argv) > 3 else 10_000
    with tempfile.TemporaryDirectory() as name:
        path = write(pathlib.Path(name), rules)
        ours = best([bellbuoy, "check", str(path), "--format", "json"])
        theirs = best([promtool, "check", "rules", str(path)])
        answer = subprocess.run([bellbuoy, "check", str(path), "--format", "json"], stdout=subprocess.PIPE, check=False)
        found = len(json.loads(answer.stdout)["findings"])
    print(json.dumps({"rules": rules, "bellbuoy_seconds": round(ours, 3), "promtool_seconds": round(theirs, 3), "findings": found}))


if __name__ == "__main__":
    main()
