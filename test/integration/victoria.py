#!/usr/bin/env python3
"""VictoriaMetrics takes vm-import: an agent's figures, asked back by MetricsQL.

Skipped where victoria-metrics is not installed."""
import collections
import contextlib
import json
import os
import shutil
import subprocess
import sys
import tempfile
import time
import urllib.parse
import urllib.request

TOP = os.path.normpath(f"{os.path.dirname(os.path.abspath(__file__))}/../..")
sys.path[:0] = [f"{TOP}/test/lib", f"{TOP}/test/lab"]
from labtest import await_it, case, expect
import clickhouse
import here

PROGRAM = shutil.which("victoria-metrics") or shutil.which("victoriametrics")
RUN = {}  # what the first case leaves for the others


class Server:
    def __init__(self, folder):
        self.folder = folder
        self.port = self.process = None

    def get(self, path, **parameters):
        url = f"http://127.0.0.1:{self.port}{path}?" + \
            urllib.parse.urlencode(parameters)
        opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
        with opener.open(url, timeout=60) as answer:
            return answer.read().decode()

    def launch(self):
        (self.port,) = clickhouse.free_ports(1)
        with open(f"{self.folder}/out", "ab") as out:
            # pylint: disable=consider-using-with
            self.process = subprocess.Popen(
                [PROGRAM, f"-httpListenAddr=127.0.0.1:{self.port}",
                 f"-storageDataPath={self.folder}/data",
                 "-memory.allowedBytes=64MB", "-dedup.minScrapeInterval=1ms"],
                stdin=subprocess.DEVNULL, stdout=out, stderr=out)
        end = time.monotonic() + 60
        while self.process.poll() is None and time.monotonic() < end:
            with contextlib.suppress(OSError):
                if self.get("/health") == "OK":
                    return True
            time.sleep(0.1)
        return False

    def __enter__(self):
        for _ in range(3):
            if self.launch():
                return self
            self.end()
        with open(f"{self.folder}/out", encoding="utf-8") as f:
            sys.exit(f"victoria-metrics does not start: {f.read()[-2000:]}")

    def end(self):
        if self.process.poll() is None:
            self.process.kill()
        self.process.wait()

    def __exit__(self, *_):
        self.end()

    def counter(self, name):
        for line in self.get("/metrics").splitlines():
            if line.startswith(name):
                return int(line.rsplit(" ", 1)[1])
        return 0

    def values(self):
        """[(labels, value, ms)] of all that is ours."""
        self.get("/internal/force_flush")
        said = self.get("/api/v1/export", **{
            "match[]": '{__name__=~"edgeprobe_.*"}',
            "start": int(time.time()) - 3600, "end": int(time.time()) + 3600})
        found = []
        for line in said.splitlines():
            series = json.loads(line)
            found += [(series["metric"], *pair) for pair in
                      zip(series["values"], series["timestamps"])]
        return found

    def ask(self, query, ms):
        """MetricsQL over the hour up to then: value by target."""
        said = json.loads(self.get("/api/v1/query", query=query,
                                   time=ms / 1000, nocache=1))
        return {series["metric"].get("target"): float(series["value"][1])
                for series in said["data"]["result"]}


FIGURES = ("rtt_us", "dns_us", "connect_us", "tls_us", "first_byte_us",
           "total_us", "tls_days_left", "missed")


def wanted_of(row):
    """[(name, labels that must be there, value)] of a row."""
    if row["type"] == "sample":
        series = {key: row[key] for key in ("agent", "site", "target", "probe",
                                            "host")}
        said = {key: row[key] for key in ("outcome", "reason") if key in row}
        return [("samples", {**series, **said}, 1)] + [
            (key, series, float(row[key])) for key in FIGURES if key in row]
    if row["type"] == "late":
        return [("late_rtt_us", {"target": row["target"]},
                 float(row["rtt_us"]))]
    found = [("rows", {"type": row["type"], "agent": row["agent"]}, 1)]
    part = {key: row[key] for key in ("part", "destination") if key in row}
    return found + [(f"{row['type']}_{key}", part, float(value))
                    for key, value in row.items()
                    if not isinstance(value, str) and
                    key not in ("ts_us", "seq")]


def figures(rows):
    return sum(len(wanted_of(row)) for row in rows)


def cut(labels, like):
    """Those of the labels that are compared."""
    return {key: labels.get(key) for key in like}


def unmatched(rows, values):
    """What was delivered and is not there; what is there beside it."""
    there = collections.defaultdict(list)
    for labels, value, ms in values:
        name = labels["__name__"].removeprefix("edgeprobe_")
        there[name, ms].append((labels, value))
    lost = []
    for row in rows:
        for name, labels, value in wanted_of(row):
            held = there[name, row["ts_us"] // 1000]
            match = next((one for one in held
                          if cut(one[0], labels) == labels and
                          abs(one[1] - value) <= abs(value) * 1e-9), None)
            if match:
                held.remove(match)
            else:
                lost.append((name, labels, value, row["ts_us"] // 1000))
    return lost, [one for held in there.values() for one in held]


@case
def every_figure_is_there(place):
    server = RUN["server"]
    with here.Folder(place, "agent") as folder, here.listener() as port:
        folder.write(
            [{"name": "open", "host": "127.0.0.1", "port": port,
              "probes": ["tcp"], "interval": "100ms"},
             {"name": "closed", "host": "127.0.0.1", "port": 1,
              "probes": ["tcp"], "interval": "150ms"},
             {"name": "odd", "host": "127.0.0.1", "port": port,
              "probes": ["https"], "interval": "300ms"}],
            [{"name": "vm", "encoding": "vm-import", "interval": "500ms",
              "url": f"http://127.0.0.1:{server.port}/api/v1/import"}],
            agent="ams-01", site={"name": "K\u00f6ln \"Mitte\""})
        RUN["rows"] = rows = folder.run_out(lambda rows: figures(
            rows) <= server.counter('vm_rows_inserted_total{type="vmimport"}'))
    n = figures(rows)
    await_it(lambda: len(server.values()) >= n, 60, "values")
    lost, beside = unmatched(rows, server.values())
    expect(not lost and not beside, f"lost {lost[:5]}, beside {beside[:5]}")
    print(f"# {n} values of {len(rows)} rows")


@case
def nothing_was_passed_over(_):
    """It says 204 to what it cannot read, too."""
    server = RUN["server"]
    expect(server.counter('vm_rows_invalid_total{type="vmimport"}') == 0 and
           server.counter('vm_rows_inserted_total{type="vmimport"}') > 0,
           server.get("/metrics"))


@case
def questions_are_answered_as_by_the_rows(_):
    server = RUN["server"]
    samples = [row for row in RUN["rows"] if row["type"] == "sample"]
    now = max(row["ts_us"] for row in RUN["rows"]) // 1000 + 1
    count = collections.Counter(row["target"] for row in samples)
    got = server.ask("sum(count_over_time(edgeprobe_samples[1h])) by (target)",
                     now)
    expect(got == dict(count), f"{got}, not {count}")
    for query, figure in (("min_over_time", min), ("max_over_time", max),
                          ("avg_over_time", lambda v: sum(v) / len(v))):
        got = server.ask(f"{query}(edgeprobe_rtt_us[1h])", now)
        for name in "open", "closed":
            rtts = [float(row["rtt_us"]) for row in samples
                    if row["target"] == name]
            expect(abs(got[name] - figure(rtts)) < 0.001,
                   f"{query}: {got} for {name}: {figure(rtts)}")


def main():
    if not PROGRAM:
        print("victoria-metrics is not installed")
        sys.exit(77)
    with tempfile.TemporaryDirectory() as folder, Server(folder) as server:
        RUN["server"] = server
        here.main()


main()
