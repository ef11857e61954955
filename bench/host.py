#!/usr/bin/env python3
"""What looking at this host costs: `bellbuoy node-exporter` beside the real node_exporter with the same collectors.

    bench/host.py --node-exporter FILE [--bellbuoy target/release/bellbuoy] [--scrapes 500]

Prints for each the CPU time and the time of a scrape, and the memory after them; then the ratios.
"""
import argparse, os, socket, statistics, subprocess, time, urllib.request

COLLECTORS = "cpu diskstats filesystem loadavg meminfo netdev netstat os pressure stat time uname vmstat".split()
TICK = os.sysconf("SC_CLK_TCK")


def free_port():
    with socket.socket() as one:
        one.bind(("127.0.0.1", 0))
        return one.getsockname()[1]


def measure(command, port, scrapes):
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    url = f"http://127.0.0.1:{port}/metrics"
    for _ in range(100):
        try:
            urllib.request.urlopen(url, timeout=5).read()
            break
        except OSError:
            time.sleep(0.1)
    status = lambda key: next(int(line.split()[1]) / 1024 for line in open(f"/proc/{process.pid}/status") if line.startswith(key))

    def cpu():
        fields = open(f"/proc/{process.pid}/stat").read().rsplit(")", 1)[1].split()
        return (int(fields[11]) + int(fields[12])) / TICK
    start, times, size = cpu(), [], 0
    for _ in range(scrapes):
        at = time.perf_counter()
        size = len(urllib.request.urlopen(url, timeout=10).read())
        times.append(time.perf_counter() - at)
    out = {"cpu_ms": (cpu() - start) / scrapes * 1000, "p50_ms": statistics.median(times) * 1000,
           "p95_ms": sorted(times)[int(len(times) * 0.95)] * 1000, "rss_MiB": status("VmRSS"), "peak_MiB": status("VmHWM"), "KiB": size / 1024}
    process.terminate()
    process.wait()
    return out


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--bellbuoy", default="target/release/bellbuoy")
    parser.add_argument("--node-exporter", required=True)
    parser.add_argument("--scrapes", type=int, default=500)
    options = parser.parse_args()
    ports = free_port(), free_port()
    ours = measure([options.bellbuoy, "node-exporter", "--listen", f"127.0.0.1:{ports[0]}", "--collectors", ",".join(COLLECTORS)], ports[0], options.scrapes)
    theirs = measure([options.node_exporter, f"--web.listen-address=127.0.0.1:{ports[1]}", "--web.disable-exporter-metrics",
                      "--collector.disable-defaults", *[f"--collector.{name}" for name in COLLECTORS]], ports[1], options.scrapes)
    print(f"load {os.getloadavg()[0]:.1f}, {options.scrapes} scrapes each")
    for key in ours:
        print(f"{key:9} bellbuoy {ours[key]:8.2f}  node_exporter {theirs[key]:8.2f}  ratio {ours[key] / theirs[key]:.2f}")


if __name__ == "__main__":
    main()
