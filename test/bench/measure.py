"""One tool through one scenario: start it, let it warm up, look at it at the
beginning and at the end of a window, stop it, compare."""
import os
import shutil
import time

import figures
import machine
from tools import Run

WARM_S = 2
TAIL_S = 2  # what was sent at the end of the window is answered or lost by then


def watch(tool, seconds):
    """Whether it lives on for so long."""
    end = time.monotonic() + seconds
    while True:
        if any(p.poll() is not None for p in tool.processes):
            return False
        left = end - time.monotonic()
        if left <= 0:
            return True
        time.sleep(min(0.1, left))


def cost_ns(tool):
    """Of all its processes so far; None once one of them is gone."""
    spent = [machine.cpu_ns(p) for p in tool.processes]
    return None if None in spent else sum(spent)


class Window:
    """From warm to the end, or from the start to where the tool died."""

    def __init__(self, tool, seconds):
        self.begin_ns = time.time_ns()
        self.cpu_ns = self.memory = None
        self.lived = watch(tool, WARM_S)
        if self.lived:
            self.begin_ns, before = time.time_ns(), cost_ns(tool)
            self.lived = watch(tool, seconds)
        after = cost_ns(tool)
        self.end_ns = time.time_ns()
        if self.lived and None not in (before, after):
            self.cpu_ns = after - before
            self.memory = machine.memory(tool.processes)

    def span(self):
        return self.begin_ns, self.end_ns


def trouble(window, stopped, health):
    """What a reader has to know beside the figures."""
    said = []
    if not window.lived or stopped:
        said.append(stopped or "ended before its time")
    for what in ("record_lost", "record_unstamped", "overflowed", "unwritten"):
        if health[what]:
            said.append(f"the lab: {what} {health[what]}")
    return said


def one(lab, record, tool, scenario, seconds, folder):
    """The figures, `trouble` among them."""
    os.makedirs(folder)
    record.trips()  # of what was before
    record.health()
    stolen_ms = machine.stolen_ms()
    tool.start(Run(lab, folder, scenario, WARM_S + seconds + TAIL_S))
    try:
        window = Window(tool, seconds)
        if window.lived:
            time.sleep(TAIL_S)
    finally:
        stopped = tool.stop()
    stolen_ms = machine.stolen_ms() - stolen_ms
    trips = record.trips()
    health = record.health()
    found = figures.of(tool, scenario, trips, window.span(), window.cpu_ns)
    found.update(
        scenario=scenario.name, tool=tool.name, seconds=seconds,
        memory_mib=window.memory / 2**20 if window.memory else None,
        wire=health, stolen_ms=stolen_ms,
        trouble=trouble(window, stopped, health))
    shutil.rmtree(folder)
    return found
