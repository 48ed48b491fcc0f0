"""edgeprobe as the bench runs it, and what every tool of the bench is."""
import json
import os
import signal
import subprocess
import tempfile

import machine
import scenario as scenarios
from collector import Collector
from figures import Report

MANY = 10000  # more than these were not always taken
BATCH = "2s"  # by default 10 s: the window has to have several
COLLECTOR = "t920.lab.test", "10.79.1.123"



class Run:
    """Where and what a tool is to measure."""

    def __init__(self, lab, folder, scenario, seconds):
        self.lab, self.folder, self.scenario = lab, folder, scenario
        self.seconds = seconds  # all of them, from its start to its end
        self.netns = lab.env["LAB_BRANCH_NS"]
        self.started = []

    def file(self, name):
        return f"{self.folder}/{name}"

    def start(self, *command, out=None, into=subprocess.DEVNULL):
        with open(out or self.file("out"), "ab") as f:
            self.started.append(machine.start(command, self.netns, f, into))
        return self.started[-1]

    def __enter__(self):
        return self

    def __exit__(self, *_):
        """What an interruption has left."""
        for process in self.started:
            machine.end(process, signal.SIGKILL)


def first_line(*command):
    """What a program says of its version."""
    try:
        done = subprocess.run(command, text=True, capture_output=True,
                              timeout=10, check=False)
    except (OSError, subprocess.TimeoutExpired):
        return None
    said = (done.stdout + done.stderr).strip().splitlines()
    return said[0].strip() if said else ""


class Tool:
    name = None
    probes = ()
    reporting = True  # says what each probe has found
    note = None  # what a reader of its figures has to know

    def __init__(self):
        self.processes = []

    def missing(self):
        """Why this machine cannot run it; None: it can."""
        raise NotImplementedError

    def version(self):
        raise NotImplementedError

    def refuses(self, scenario):
        """Why it does not take part in this one; None: it does."""
        if scenario.probe not in self.probes:
            return f"does no {scenario.probe}"
        return None

    def warm_s(self, scenario):
        """Until it does what it does later."""
        del scenario
        return 2

    def interval_ms(self, scenario):
        """Between two of its probes of a target."""
        return scenario.interval_ms

    def start(self, run):
        raise NotImplementedError

    def stop(self):
        """What went wrong, or None."""
        for process in self.processes:
            machine.end(process, signal.SIGINT)

    def reports(self):
        return ()

    def resolution(self, rtt_ns):
        """How fine it says a round trip, in ns."""
        del rtt_ns
        return 0


def measured(s):
    """What a configuration says of the scenario."""
    hosts = scenarios.names(s) if s.probe == "https" else \
        scenarios.addresses(s)
    return {"agent": "bench",
            "defaults": {"probes": [s.probe],
                         "interval": f"{s.interval_ms}ms",
                         "timeout": f"{scenarios.TIMEOUT_S}s"},
            "targets": [{"host": host} for host in hosts]}


def phases_of(row):
    """In ns, those that were reached."""
    if row["probe"] != "https":
        return None
    return {name: round(row[f"{name}_us"] * 1000)
            for name in ("tls", "first_byte") if f"{name}_us" in row}


class Edgeprobe(Tool):
    """As users run it: samples are stored, delivered, and exported."""
    name = "edgeprobe"
    probes = ("icmp", "tcp", "https")

    def __init__(self, build):
        super().__init__()
        self.program = self.checker = f"{build}/agent/edgeprobe"
        self.run = None

    def missing(self):
        return None if os.access(self.program, os.X_OK) else "is not built"

    def version(self):
        return first_line(self.program, "version")

    def refuses(self, scenario):
        why = super().refuses(scenario)
        if why or scenario.targets <= MANY:
            return why
        with tempfile.NamedTemporaryFile("w", suffix=".json") as f:
            json.dump(measured(scenario), f)
            f.flush()
            done = subprocess.run(
                [self.checker, "check-config", f.name], check=False,
                stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        return f"takes no {scenario.targets} targets" if done.returncode \
            else None

    def config(self, run):
        path = run.file("edgeprobe.json")
        with open(path, "w", encoding="utf-8") as f:
            json.dump({**measured(run.scenario),
                       "tls": {"ca_file": run.lab.env["LAB_CA"]},
                       "store": {"path": run.file("store.db")},
                       "destinations": self.destinations(run)},
                      f, separators=(",", ":"))
        return path

    def destinations(self, run):
        return [{"name": "kept", "url": f"file://{run.file('kept')}/",
                 "interval": BATCH}]

    def start(self, run):
        self.run = run
        self.processes = [run.start(
            self.program, "run", "--config", self.config(run), "--duration",
            f"{run.seconds}s")]

    def stop(self):
        """It ends by itself, in its own time."""
        status = machine.end(self.processes[0], 0, 20)
        return f"exit status {status}" if status else None

    def reports(self):
        done = subprocess.Popen(
            [self.program, "export", "--store", self.run.file("store.db")],
            stdout=subprocess.PIPE)
        for line in done.stdout:
            row = json.loads(line)
            if row["type"] == "sample" and "address" in row:
                yield self.report(row)
        if done.wait() != 0:
            raise OSError(f"edgeprobe export: exit status {done.returncode}")

    @staticmethod
    def report(row):
        rtt = row.get("rtt_us") if row["outcome"] == "replied" else None
        return Report(
            row["address"], "near", row["ts_us"] * 1000,
            None if rtt is None else round(rtt * 1000),
            round(row["uncertainty_us"] * 1000), round(row["slip_us"] * 1000),
            row.get("reason") == "unmeasured", phases_of(row),
            f"{row['outcome']} {row.get('reason', '')}".strip())


class Stored(Edgeprobe):
    """Without a destination."""
    name = "stored"

    def destinations(self, run):
        return []


class Delivered(Edgeprobe):
    """By HTTPS, with gzip, to a collector at the edge that acknowledges."""
    name = "https"

    def __init__(self, build):
        super().__init__(build)
        self.collector = None

    def destinations(self, run):
        url = f"https://{COLLECTOR[0]}:{self.collector.port}/"
        return [{"name": "hq", "url": url, "interval": BATCH}]

    def start(self, run):
        env = run.lab.env
        self.collector = Collector(
            env["LAB_EDGE_NS"], COLLECTOR[1],
            tls=(env["LAB_TLS_CERT"], env["LAB_TLS_KEY"]))
        super().start(run)

    def stop(self):
        said = super().stop()
        taken = len(self.collector.taken())
        self.collector.close()
        return said or (None if taken else "nothing was delivered")


class Measuring(Edgeprobe):
    """The measuring threads of the agent: what they find is thrown away, so
    that nobody knows how true it was."""
    name = "measuring"
    reporting = False

    def __init__(self, build):
        super().__init__(build)
        self.program = f"{build}/test/bench/bench_measuring"

    def version(self):
        return None

    def start(self, run):
        self.processes = [run.start(self.program, self.config(run),
                                    run.seconds)]

    def reports(self):
        return ()
