"""The peers that print each answer: fping, ping, hping3."""
import re
import shutil

import scenario as scenarios
from figures import Report
from tools import Tool, first_line


def digits(rtt_ns):
    """fping and ping print three digits of the milliseconds."""
    if rtt_ns >= 100_000_000:
        return 1_000_000
    if rtt_ns >= 10_000_000:
        return 100_000
    return 10_000 if rtt_ns >= 1_000_000 else 1_000


class Peer(Tool):
    program = None

    def __init__(self):
        super().__init__()
        self.run = None

    def missing(self):
        return None if shutil.which(self.program) else "is not installed"

    def version(self):
        return first_line(self.program, "-v")


class Fping(Peer):
    """One process, all targets, each second (-p) spread evenly (-i)."""
    name = program = "fping"
    probes = ("icmp",)
    line = re.compile(
        rb"^(\S+) +: \[(\d+)\], (?:\d+ bytes, ([\d.]+) ms|timed out)", re.M)
    resolution = staticmethod(digits)

    def start(self, run):
        self.run = run
        s = run.scenario
        with open(run.file("targets"), "w", encoding="utf-8") as f:
            f.writelines(f"{a}\n" for a in scenarios.addresses(s))
        self.processes = [run.start(
            self.program, "-l", "-p", s.interval_ms, "-i",
            f"{s.interval_ms / s.targets:g}", "-t",
            scenarios.TIMEOUT_S * 1000, "-f", run.file("targets"))]

    def stop(self):
        if self.processes[0].poll() is not None:
            with open(self.run.file("out"), "rb") as f:
                said = f.read()[-2000:].decode(errors="replace")
            words = [line for line in said.splitlines() if "[" not in line]
            return (f"ended by itself with status "
                    f"{self.processes[0].returncode}: {' '.join(words[-1:])}")
        return super().stop()

    def reports(self):
        with open(self.run.file("out"), "rb") as f:
            for m in self.line.finditer(f.read()):
                yield Report(m[1].decode(), "nth", int(m[2]),
                             round(float(m[3]) * 1e6) if m[3] else None)
