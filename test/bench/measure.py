"""One tool through one scenario: start it, let it warm up, look at it at the
beginning and at the end of a window, stop it, compare."""
import collections
import os
import shutil
import time

import figures
import machine
import scenario as scenarios
from tools import Run

TAIL_S = 2  # what was sent at the end of the window is answered or lost by then


def cost_ns(tool):
    """Of all its processes so far; None once one of them is gone."""
    spent = [machine.cpu_ns(p) for p in tool.processes]
    return None if None in spent else sum(spent)


def threads_ns(tool):
    """Of a tool that is one process."""
    if len(tool.processes) > 1:
        return {}
    return machine.threads_ns(tool.processes[0])


Look = collections.namedtuple("Look", "at_ns cpu_ns threads_ns")


def look(tool):
    """None once one of its processes is gone."""
    cpu_ns = cost_ns(tool)
    if cpu_ns is None or any(p.poll() is not None for p in tool.processes):
        return None
    return Look(time.time_ns(), cpu_ns, threads_ns(tool))


def watch(tool, seconds):
    """What it was at the end, or when it was last alive; whether it lives."""
    end = time.monotonic() + seconds
    last = now = look(tool)
    while now and time.monotonic() < end:
        last = now
        time.sleep(min(0.1, max(0, end - time.monotonic())))
        now = look(tool)
    return now or last, now is not None


class Window:
    """From warm to the end, or from the start to where the tool died."""

    def __init__(self, tool, warm_s, seconds):
        nothing = Look(time.time_ns(), 0, {})
        warm, self.lived = watch(tool, warm_s)
        self.begin, self.end = nothing, warm or nothing
        if self.lived:
            self.begin = self.end
            self.end, self.lived = watch(tool, seconds)
        self.memory = machine.memory(tool.processes) if self.lived else None

    def span(self):
        return self.begin.at_ns, self.end.at_ns

    def cpu_ns(self):
        return self.end.cpu_ns - self.begin.cpu_ns

    def threads_ns(self):
        return {name: ns - self.begin.threads_ns.get(name, 0)
                for name, ns in self.end.threads_ns.items()}


def trouble(window, stopped, health, found):
    """What a reader has to know beside the figures."""
    said = []
    if not window.lived or stopped:
        said.append(stopped or "ended before its time")
    if found["error_us"] is None and found["false_loss"] is not None:
        said.append("told no round trip")
    if found["answered"] < 0.99 * found["sent"]:
        said.append(f"the lab answered {found['answered']:,} of "
                    f"{found['sent']:,} in time")
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
    warm_s = tool.warm_s(scenario)
    with Run(lab, folder, scenario, warm_s + seconds + TAIL_S) as run:
        tool.start(run)
        window = Window(tool, warm_s, seconds)
        if window.lived:
            time.sleep(TAIL_S)
        stopped = tool.stop()
    stolen_ms = machine.stolen_ms() - stolen_ms
    wanted = set(scenarios.where(scenario))  # no one else's packets
    trips = {address: mine for address, mine in record.trips().items()
             if address in wanted}
    health = record.health()
    found = figures.of(tool, scenario, trips, window.span(),
                       window.cpu_ns())
    found.update(
        scenario=scenario.name, tool=tool.name, seconds=seconds,
        threads_us={name: ns / 1000 / found["sent"]
                    for name, ns in window.threads_ns().items()}
        if found["sent"] else {},
        memory_mib=window.memory / 2**20 if window.memory else None,
        wire=health, stolen_ms=stolen_ms,
        note=tool.note, trouble=trouble(window, stopped, health, found))
    shutil.rmtree(folder)
    return found
