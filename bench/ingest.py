#!/usr/bin/env python3
"""What others send: remote write 1.0 and OTLP beside Prometheus and VictoriaMetrics, pushes beside the Pushgateway.

    bench/ingest.py --peers DIR [--bellbuoy target/release/bellbuoy] [--series 10000] [--steps 300] [--pushes 5000] [--only write,otlp,push]

Bodies are made by replacing the value and the time in a finished one, so that the sender costs little; snappy without compression.
Prints samples (or pushes) a second, CPU seconds of the server for a million of them, and its peak memory. Two connections, on this machine.
"""
import argparse, http.client, os, shutil, socket, struct, subprocess, tempfile, threading, time

TICK = os.sysconf("SC_CLK_TCK")
MARK_VALUE, MARK_MS, MARK_NS = b"\x81\x82\x83\x84\x85\x86\x87\x77", b"\xf1\xf2\xf3\xf4\xf5\x31", b"\xe1\xe2\xe3\xe4\xe5\xe6\xe7\x61"


def varint(number):
    out = bytearray()
    while number > 127:
        out.append(number & 127 | 128)
        number >>= 7
    return bytes(out) + bytes([number])


def field(tag, body):
    return varint(tag << 3 | 2) + varint(len(body)) + body


def snappy(body):
    return varint(len(body)) + bytes([63 << 2]) + struct.pack("<I", len(body) - 1) + body


def labels_of(series):
    return [("env", "production"), ("instance", f"10.0.{series % 200}.7:8080"), ("job", "predictions"), ("model", f"model-{series // 200}")]


def write_body(series):
    """prometheus.WriteRequest with one sample for each series."""
    out = b""
    for number in series:
        pairs = sorted([("__name__", "prediction_feature_value"), *labels_of(number)])
        labels = b"".join(field(1, field(1, name.encode()) + field(2, value.encode())) for name, value in pairs)
        out += field(1, labels + field(2, b"\x09" + MARK_VALUE + b"\x10" + MARK_MS))
    return out


def otlp_body(series):
    """ExportMetricsServiceRequest: one gauge with a point for each series."""
    def attribute(tag, name, value):
        return field(tag, field(1, name.encode()) + field(2, field(1, value.encode())))
    points = b""
    for number in series:
        attributes = b"".join(attribute(7, name, value) for name, value in labels_of(number))
        points += field(1, attributes + b"\x19" + MARK_NS + b"\x21" + MARK_VALUE)
    metric = field(2, field(1, b"prediction_feature_value") + field(5, points))
    resource = field(1, attribute(1, "service.name", "predictions"))
    return field(1, resource + field(2, metric))


def at_step(body, step, start_ms):
    ms = start_ms + step * 1000
    return body.replace(MARK_VALUE, struct.pack("<d", step * 1.25)).replace(MARK_MS, varint(ms)).replace(MARK_NS, struct.pack("<Q", ms * 10**6))


class Server:
    def __init__(self, name, command, ready, data):
        self.name, self.data = name, data
        self.process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=open(os.path.join(data, "log"), "w"))
        self.port = ready
        for _ in range(600):
            try:
                socket.create_connection(("127.0.0.1", ready), 1).close()
                break
            except OSError:
                time.sleep(0.1)
        time.sleep(2)

    def cpu(self):
        fields = open(f"/proc/{self.process.pid}/stat").read().rsplit(")", 1)[1].split()
        return (int(fields[11]) + int(fields[12])) / TICK

    def peak(self):
        return next(int(line.split()[1]) / 1024 for line in open(f"/proc/{self.process.pid}/status") if line.startswith("VmHWM"))

    def stop(self):
        self.process.terminate()
        self.process.wait()
        shutil.rmtree(self.data)


def free_port():
    with socket.socket() as one:
        one.bind(("127.0.0.1", 0))
        return one.getsockname()[1]


def server(options, name):
    data, port = tempfile.mkdtemp(prefix="ingest-"), free_port()
    config = os.path.join(data, "prometheus.yml")
    open(config, "w").write("scrape_configs: []\n")
    peer = lambda file: os.path.join(options.peers, file)
    address = f"127.0.0.1:{port}"
    command = {
        "bellbuoy": [options.bellbuoy, "up", data, "--listen", address, "--data", os.path.join(data, "data")],
        "prometheus": [peer("prometheus"), f"--config.file={config}", f"--storage.tsdb.path={data}/tsdb", f"--web.listen-address={address}",
                       "--web.enable-remote-write-receiver", *options.otlp_flag],
        "victoria-metrics": [peer("victoria-metrics"), f"-httpListenAddr={address}", f"-storageDataPath={data}/vm"],
        "pushgateway": [peer("prometheus-pushgateway"), f"--web.listen-address={address}", f"--persistence.file={data}/pushed"],
    }[name]
    return Server(name, command, port, data)


def spread(connections, jobs, send):
    """Each job on one of the connections, its own jobs in their order."""
    errors = []

    def worker(mine):
        connection = None
        for job in mine:
            connection = connection or send(None, None)
            answer = send(connection, job)
            if answer:
                errors.append(answer)
    threads = [threading.Thread(target=worker, args=(jobs(number),)) for number in range(connections)]
    start = time.time()
    [thread.start() for thread in threads]
    [thread.join() for thread in threads]
    return time.time() - start, errors


def request(port, method, headers, path, body):
    def send(connection, job):
        if connection is None:
            return http.client.HTTPConnection("127.0.0.1", port, timeout=120)
        connection.request(method, path(job), body(job), headers)
        answer = connection.getresponse()
        text = answer.read()
        return None if answer.status in (200, 202, 204) else f"{answer.status} {text[:200]!r}"
    return send


def samples(options, name, kind):
    one = server(options, name)
    parts = [range(at, min(at + options.batch, options.series)) for at in range(0, options.series, options.batch)]
    make = write_body if kind == "write" else otlp_body
    templates = [make(part) for part in parts]
    start_ms = int(time.time() * 1000) - options.steps * 1000
    if kind == "write":
        headers = {"content-type": "application/x-protobuf", "content-encoding": "snappy", "x-prometheus-remote-write-version": "0.1.0"}
        path = "/api/v1/write"
        body = lambda job: snappy(at_step(templates[job[1]], job[0], start_ms))
    else:
        headers = {"content-type": "application/x-protobuf"}
        path = "/opentelemetry/v1/metrics" if name == "victoria-metrics" else "/api/v1/otlp/v1/metrics"
        body = lambda job: at_step(templates[job[1]], job[0], start_ms)
    mine = lambda number: [(step, part) for step in range(options.steps) for part in range(number, len(templates), options.connections)]
    before = one.cpu()
    took, errors = spread(options.connections, mine, request(one.port, "POST", headers, lambda _: path, body))
    count = options.series * options.steps
    row(kind, name, count / took, (one.cpu() - before) / count * 1e6, one.peak(), errors)
    one.stop()


def pushes(options, name):
    one = server(options, name)
    text = "".join(f"# TYPE pipeline_figure_{n} gauge\npipeline_figure_{n} {{}}\n" for n in range(5))
    mine = lambda number: range(number, options.pushes, options.push_connections)
    send = request(one.port, "PUT", {"content-type": "text/plain"}, lambda job: f"/metrics/job/etl/instance/i{job % options.groups}",
                   lambda job: text.replace("{}", str(job)))
    before = one.cpu()
    took, errors = spread(options.push_connections, mine, send)
    row("push", name, options.pushes / took, (one.cpu() - before) / options.pushes * 1e6, one.peak(), errors)
    one.stop()


def row(kind, name, rate, cpu, peak, errors):
    if errors and errors[0].startswith("404"):
        print(f"{kind:6} {name:17} skipped: this build does not have it ({errors[0]})", flush=True)
        return
    print(f"{kind:6} {name:17} {rate:12,.0f}/s  {cpu:8.2f} CPU s per million  {peak:6.0f} MiB  load {os.getloadavg()[0]:.1f}"
          + (f"  {len(errors)} errors, first {errors[0]}" if errors else ""), flush=True)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--bellbuoy", default="target/release/bellbuoy")
    parser.add_argument("--peers", required=True, help="a folder with prometheus, victoria-metrics, prometheus-pushgateway")
    parser.add_argument("--series", type=int, default=10_000)
    parser.add_argument("--steps", type=int, default=300)
    parser.add_argument("--batch", type=int, default=2_000)
    parser.add_argument("--connections", type=int, default=2)
    parser.add_argument("--pushes", type=int, default=5_000)
    parser.add_argument("--groups", type=int, default=1_000)
    parser.add_argument("--push-connections", type=int, default=8)
    parser.add_argument("--only", default="write,otlp,push")
    options = parser.parse_args()
    # Until 3.0 a feature, later a flag.
    usage = subprocess.run([os.path.join(options.peers, "prometheus"), "--help"], capture_output=True, text=True).stdout
    options.otlp_flag = ["--web.enable-otlp-receiver"] if "enable-otlp-receiver" in usage else ["--enable-feature=otlp-write-receiver"]
    for kind in ("write", "otlp"):
        for name in ("bellbuoy", "prometheus", "victoria-metrics"):
            if kind in options.only.split(","):
                samples(options, name, kind)
    if "push" in options.only.split(","):
        pushes(options, "bellbuoy")
        pushes(options, "pushgateway")


if __name__ == "__main__":
    main()
