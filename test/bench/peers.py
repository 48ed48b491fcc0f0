"""The peers that print each answer: fping, ping, hping3."""
import re
import shutil
import time

import machine
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


def ns_of(ms):
    """None where there is none."""
    return round(float(ms) * 1e6) if ms else None


class Peer(Tool):
    programs = ()  # its names, the first that is there counts
    asked = "-v"  # for its version

    def __init__(self):
        super().__init__()
        self.run = None
        self.program = next(filter(shutil.which, self.programs),
                            self.programs[0])

    def missing(self):
        return None if shutil.which(self.program) else "is not installed"

    def version(self):
        return first_line(self.program, self.asked)

    def said(self, name="out"):
        with open(self.run.file(name), "rb") as f:
            return f.read()


class Fping(Peer):
    """One process, all targets, each as often as asked (-p), spread evenly.

    -i is the least time between two packets: with the even spacing itself
    fping would fall behind, as each packet's delay shifts the next.
    """
    name = "fping"
    programs = ("fping",)
    probes = ("icmp",)
    spacing = 0.9
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
            f"{self.spacing * s.interval_ms / s.targets:.4f}", "-t",
            scenarios.TIMEOUT_S * 1000, "-f", run.file("targets"))]

    def stop(self):
        process = self.processes[0]
        if process.poll() is None:
            return super().stop()
        words = [line for line in
                 self.said()[-2000:].decode(errors="replace").splitlines()
                 if "[" not in line and " = " not in line]
        return (f"ended by itself with status {process.returncode}: "
                f"{' '.join(words[-1:])}")

    def reports(self):
        for m in self.line.finditer(self.said()):
            yield Report(m[1].decode(), "nth", int(m[2]), ns_of(m[3]))


class FpingBurst(Fping):
    """The same, all targets in a tenth of the interval: fewer wake-ups."""
    name = "fping-burst"
    spacing = 0.1


class OneEach(Peer):
    """A process a target, their starts spread over an interval."""
    most = 100

    def refuses(self, scenario):
        if scenario.probe in self.probes and scenario.targets > self.most:
            return f"would be {scenario.targets} processes"
        return super().refuses(scenario)

    def command(self, run, address):
        raise NotImplementedError

    def targets(self):
        return scenarios.addresses(self.run.scenario)

    def start(self, run):
        self.run = run
        s = run.scenario
        for i, address in enumerate(self.targets()):
            self.processes.append(run.start(
                *self.command(run, address), out=run.file(f"out{i}")))
            time.sleep(s.interval_ms / 1000 / s.targets)

    def stop(self):
        for process in self.processes:
            machine.interrupt(process)
        return super().stop()


class Ping(OneEach):
    name = "ping"
    programs = ("ping",)
    asked = "-V"
    probes = ("icmp",)
    line = re.compile(rb"^\d+ bytes from .*icmp_seq=(\d+) .*time=([\d.]+) ms",
                      re.M)
    resolution = staticmethod(digits)

    def command(self, run, address):
        return (self.program, "-n", "-i", run.scenario.interval_ms / 1000,
                "-W", scenarios.TIMEOUT_S, address)

    def reports(self):
        for i, address in enumerate(self.targets()):
            for m in self.line.finditer(self.said(f"out{i}")):
                yield Report(address, "seq", int(m[1]), ns_of(m[2]))


class Hping(OneEach):
    """Each of its processes is given every packet of the interface: with one
    for each target they would do nothing else. So a tenth of them, ten times
    as often."""
    note = "a tenth of the targets, ten times as often"
    name = "hping3"
    programs = ("hping3",)
    asked = "--version"
    probes = ("tcp",)
    line = re.compile(rb"flags=SA seq=(\d+) .*rtt=([\d.]+) ms")

    def targets(self):
        return super().targets()[::10]

    def interval_ms(self, scenario):
        return scenario.interval_ms / 10

    def command(self, run, address):
        return (self.program, "-S", "-n", "-p", 443, "-I",
                run.lab.env["LAB_BRANCH_DEV"], "-i",
                f"u{run.scenario.interval_ms * 100}", address)

    def reports(self):
        for i, address in enumerate(self.targets()):
            for m in self.line.finditer(self.said(f"out{i}")):
                yield Report(address, "nth", int(m[1]), ns_of(m[2]))

    def resolution(self, rtt_ns):
        return 100_000
