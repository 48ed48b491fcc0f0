"""edgeprobe as the bench runs it, and what every tool of the bench is."""
import json
import os
import signal
import subprocess

import machine
import scenario as scenarios
from figures import Report



class Run:
    """Where and what a tool is to measure."""

    def __init__(self, lab, folder, scenario, seconds):
        self.lab, self.folder, self.scenario = lab, folder, scenario
        self.seconds = seconds  # all of them, from its start to its end
        self.netns = lab.env["LAB_BRANCH_NS"]

    def file(self, name):
        return f"{self.folder}/{name}"

    def start(self, *command, out=None):
        with open(out or self.file("out"), "ab") as f:
            return machine.start(command, f, netns=self.netns)


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
    note = None

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


class Edgeprobe(Tool):
    """As users run it: samples are stored, delivered, and exported."""
    name = "edgeprobe"
    probes = ("icmp", "tcp", "https")
    destinations = "file"

    def __init__(self, build):
        super().__init__()
        self.program = f"{build}/agent/edgeprobe"
        self.run = None

    def missing(self):
        return None if os.access(self.program, os.X_OK) else "is not built"

    def version(self):
        return first_line(self.program, "version")

    def config(self, run):
        s = run.scenario
        hosts = scenarios.names(s) if s.probe == "https" else \
            scenarios.addresses(s)
        path = run.file("edgeprobe.json")
        with open(path, "w", encoding="utf-8") as f:
            json.dump({
                "agent": "bench",
                "defaults": {"probes": [s.probe],
                             "interval": f"{s.interval_ms}ms",
                             "timeout": f"{scenarios.TIMEOUT_S}s"},
                "targets": [{"host": host} for host in hosts],
                "tls": {"ca_file": run.lab.env["LAB_CA"]},
                "store": {"path": run.file("store.db")},
                "destinations": self.places(run)},
                f, separators=(",", ":"))
        return path

    def places(self, run):
        if self.destinations != "file":
            return []
        return [{"name": "kept", "url": f"file://{run.file('kept')}/"}]

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
            row.get("reason") == "unmeasured", row)
