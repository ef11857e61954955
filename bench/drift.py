#!/usr/bin/env python3
"""`bellbuoy drift` beside Evidently, SciPy's Kolmogorov-Smirnov and numpy's sort, on the same files, one after the other in one run.

    python3 bench/drift.py --bellbuoy target/release/bellbuoy --python VENV/bin/python [--rows 10000,100000,1000000]

The data is made here (20 columns: 14 numeric, 6 with few or many categories, 9 of them shifted) with fixed seeds, once as CSV and
once as Parquet. VENV needs numpy, pandas < 3, pyarrow; scipy for `scipy ks`; evidently 0.7 for `evidently` and `its tests`. What is
not installed is left out and said. Each figure is the median of --runs fresh processes: the whole command, imports and reading
with it. On a machine that does other things, CPU seconds are the figures to compare; wall seconds mean something on an idle one.

--linear also runs 10 times the most rows (Parquet and CSV), and 1,000 columns x 100,000 rows, on bellbuoy alone.
"""

import argparse
import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

MAKE = """
import sys
import numpy as np, pandas as pd
out, rows, columns = sys.argv[1], int(sys.argv[2]), int(sys.argv[3])
csv = sys.argv[4] == "csv"
def mixed(n, side):
    g = np.random.default_rng(1000 + side)
    s = float(side)
    hour = g.integers(0, 24, n)
    sun = np.clip(np.sin((hour - 6) / 24 * 2 * np.pi), 0, None)
    warm = (0.45 + 0.12 * s + 0.18 * g.standard_normal(n)).clip(0.02, 1).round(2)
    d = {
        "hour": hour, "warm": warm, "felt": (warm + 0.03 * g.standard_normal(n)).clip(0, 1).round(4),
        "humid": np.where(g.random(n) < 0.02, np.nan, g.beta(6, 3.5, n).round(2)),
        "wind": g.gamma(2.2, 5.5 - 0.8 * s, n).round(4), "pressure": (1013 + 8 * g.standard_normal(n)).round(1),
        "rain": np.where(g.random(n) < 0.85 - 0.1 * s, 0.0, g.exponential(2.0, n)).round(3),
        "count": g.poisson(20 + 120 * sun + 10 * s), "count_before": g.negative_binomial(2, 1 / (1 + 40 * (0.2 + sun)), n),
        "latency_ms": np.where(g.random(n) < 0.02, np.nan, g.lognormal(3.2 + 0.15 * s, 0.7, n).round(3)),
        "lat": (48.85 + 0.04 * g.standard_normal(n)).round(6), "lon": (2.35 + 0.06 * g.standard_normal(n)).round(6),
        "two_humps": np.where(g.random(n) < 0.6 - 0.1 * s, g.normal(-2, 0.5, n), g.normal(2, 0.8, n)),
        "account_age": g.exponential(400, n).astype(np.int64),
        "weather": g.choice(np.array(["clear", "cloudy", "light rain", "storm"]), n, p=[0.65 - 0.1 * s, 0.25 + 0.05 * s, 0.09 + 0.05 * s, 0.01]),
        "weekday": g.integers(0, 7, n), "holiday": (g.random(n) < 0.03).astype(np.int64),
        "season": np.array(["winter", "spring", "summer", "autumn"])[g.integers(0, 2, n) + 2 * side],
        "station": np.char.add("station_", np.minimum(g.zipf(1.6, n), 60).astype(str)),
        "agent": np.char.add("agent/", np.minimum(g.zipf(1.3, n), 1000).astype(str)),
    }
    return pd.DataFrame(d)
def wide(n, side):
    g = np.random.default_rng(2000 + side)
    return pd.DataFrame(g.standard_normal((n, columns)).round(5), columns=[f"f{i}" for i in range(columns)])
for side, name in enumerate(("reference", "current")):
    if columns != 20:
        wide(rows, side).to_parquet(f"{out}/{name}.parquet", index=False)
        continue
    # In parts, so that 10 million rows fit a small machine.
    import pyarrow as pa, pyarrow.parquet as pq
    writer, part = None, 1_000_000
    for start in range(0, rows, part):
        frame = mixed(min(part, rows - start), side)
        if csv:
            frame.to_csv(f"{out}/{name}.csv", index=False, header=start == 0, mode="w" if start == 0 else "a")
        table = pa.Table.from_pandas(frame, preserve_index=False)
        writer = writer or pq.ParquetWriter(f"{out}/{name}.parquet", table.schema)
        writer.write_table(table)
    writer.close()
"""

PEER = """
import os, sys, warnings
os.environ.setdefault("DO_NOT_TRACK", "1")
warnings.simplefilter("ignore")
folder, mode, form = sys.argv[1:4]
import numpy as np, pandas as pd
if mode == "evidently":
    from evidently import Report
    from evidently.presets import DataDriftPreset
if mode == "its tests":
    from evidently.core.datasets import infer_column_type
    from evidently.legacy.calculations.stattests.registry import get_stattest
if mode == "scipy ks":
    from scipy.stats import ks_2samp
read = pd.read_csv if form == "csv" else pd.read_parquet
r, c = (read(f"{folder}/{name}.{form}") for name in ("reference", "current"))
numbers = [name for name in r if pd.api.types.is_numeric_dtype(r[name])]
if mode == "evidently":
    result = Report([DataDriftPreset()]).run(c, r).dict()
    print("share", result["metrics"][0]["value"]["share"])
elif mode == "its tests":
    for name in r:
        a, b = (x[name].replace([np.inf, -np.inf], np.nan).dropna() for x in (r, c))
        kind = infer_column_type(c[name])
        get_stattest(a, b, kind, None)(a, b, kind, None)
elif mode == "scipy ks":
    for name in numbers:
        ks_2samp(r[name].dropna(), c[name].dropna())
elif mode == "numpy sort":
    for name in numbers:
        np.sort(r[name].to_numpy(copy=True)); np.sort(c[name].to_numpy(copy=True))
"""


def run(command):
    """Wall seconds, CPU seconds, peak MiB, output of one fresh process."""
    with tempfile.TemporaryFile("w+") as out, tempfile.TemporaryFile("w+") as err:
        start = time.perf_counter()
        process = subprocess.Popen(command, stdout=out, stderr=err)
        _, status, usage = os.wait4(process.pid, 0)
        wall = time.perf_counter() - start
        process.returncode = os.waitstatus_to_exitcode(status)
        out.seek(0)
        err.seek(0)
        text, problem = out.read(), err.read().strip()
    if process.returncode not in (0, 1) or (process.returncode == 1 and "Error" in problem):
        raise RuntimeError(problem.splitlines()[-1] if problem else f"exit status {process.returncode}")
    return wall, usage.ru_utime + usage.ru_stime, usage.ru_maxrss / 1024, text


def measured(command, runs):
    got = [run(command) for _ in range(runs)]
    return [statistics.median(one[figure] for one in got) for figure in range(3)] + [got[-1][3]]


def ours(bellbuoy, folder, form, preset, shape):
    files = [f"--reference={folder}/reference.{form}", f"--current={folder}/current.{form}"]
    return [bellbuoy, "drift", *files, "--preset", preset, "--format", shape]


def made(python, folder, rows, columns, csv):
    folder.mkdir(parents=True, exist_ok=True)
    if not (folder / "current.parquet").exists() or (csv and not (folder / "current.csv").exists()):
        subprocess.run([python, "-c", MAKE, str(folder), str(rows), str(columns), "csv" if csv else "parquet"], check=True)


def line(name, figures, base=None):
    wall, cpu, memory = figures[:3]
    ratio = f"{wall / base[0]:>9.1f} x {cpu / base[1]:>7.1f} x {memory / base[2]:>6.1f} x" if base else ""
    print(f"  {name:<34}{wall:>9.3f} s {cpu:>8.3f} s {memory:>8.0f} MiB {ratio}", flush=True)


def side_by_side(a, folder, rows, form):
    print(f"\n{rows:,} rows x 20 columns a side, {form}: wall, CPU, peak memory; ratios to bellbuoy's evidently preset as JSON")
    base = None
    for preset in ("evidently", "default"):
        for shape in ("json", "table"):
            figures = measured(ours(a.bellbuoy, folder, form, preset, shape), a.runs)
            base = base or figures
            line(f"bellbuoy, preset {preset}, {shape}", figures)
            if preset == "evidently" and shape == "json":
                share = json.loads(figures[3])["drift_share"]
    for mode in ("read", "numpy sort", "scipy ks", "its tests", "evidently"):
        if rows > a.evidently_rows_max and mode in ("its tests", "evidently"):
            continue
        try:
            figures = measured([a.python, "-c", PEER, str(folder), mode, form], 1 if rows >= 1_000_000 else a.runs)
        except RuntimeError as error:
            print(f"  {mode}: left out: {error}")
            continue
        line(f"pandas + {mode}" if mode != "evidently" else "Evidently DataDriftPreset", figures, base)
        if mode == "evidently":
            theirs = float(figures[3].split()[-1])
            print(f"  drift share: bellbuoy {share:.6f}, Evidently {theirs:.6f}", "(equal)" if abs(share - theirs) < 1e-9 else "(DIFFERENT)")


def main():
    a = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    a.add_argument("--bellbuoy", default="target/release/bellbuoy")
    a.add_argument("--python", default=sys.executable, help="a Python with pandas, pyarrow, scipy and evidently")
    a.add_argument("--rows", default="10000,100000,1000000")
    a.add_argument("--runs", type=int, default=3)
    a.add_argument("--evidently-rows-max", type=int, default=1_000_000)
    a.add_argument("--linear", action="store_true")
    a.add_argument("--data", type=Path, help="keep the data here (1 GB for a million rows and --linear needs 6 GB)")
    a = a.parse_args()
    with tempfile.TemporaryDirectory() as scratch:
        data = a.data or Path(scratch)
        sizes = [int(size) for size in a.rows.split(",")]
        print("load before:", " ".join(f"{load:.1f}" for load in os.getloadavg()), "on", os.cpu_count(), "cores")
        for rows in sizes:
            made(a.python, data / str(rows), rows, 20, True)
            side_by_side(a, data / str(rows), rows, "csv")
            if rows >= 1_000_000:
                side_by_side(a, data / str(rows), rows, "parquet")
        if a.linear:
            print("\nlinear: bellbuoy, preset default, JSON")
            for rows in [max(sizes), 10 * max(sizes)]:
                made(a.python, data / str(rows), rows, 20, True)
                for form in ("parquet", "csv"):
                    line(f"{rows:,} rows x 20, {form}", measured(ours(a.bellbuoy, data / str(rows), form, "default", "json"), 1))
            for columns in (100, 1000):
                folder = data / f"wide{columns}"
                made(a.python, folder, 100_000, columns, False)
                line(f"100,000 rows x {columns:,}, parquet", measured(ours(a.bellbuoy, folder, "parquet", "default", "json"), 1))
        print("load after:", " ".join(f"{load:.1f}" for load in os.getloadavg()))


if __name__ == "__main__":
    main()
