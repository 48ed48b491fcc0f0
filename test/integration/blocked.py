#!/usr/bin/env python3
"""An agent that is kept from running, over and over: for 100 ms at 5,000 echoes
a second, and for 5 ms of every 10 while it measures by TCP, HTTPS and ICMP. What
it writes is held against what the wire has seen."""
import contextlib
import csv
import os
import signal
import statistics
import sys
import threading
import time

sys.path.insert(0, f"{os.path.dirname(os.path.abspath(__file__))}/../lib")
from labtest import RELEASE, Folder, await_it, case, expect, main
from lab import address
from truth import Truth, trips

NS = 1_000_000_000


@contextlib.contextmanager
def stopped_again_and_again(agent, stop_s, go_s):
    """Yields the list of (from, until), wall time, of each stop."""
    stops, over = [], threading.Event()

    def pulse():
        while not over.wait(go_s):
            began = time.time_ns()
            agent.send_signal(signal.SIGSTOP)
            time.sleep(stop_s)  # standing still is what is tested
            agent.send_signal(signal.SIGCONT)
            stops.append((began, time.time_ns()))

    thread = threading.Thread(target=pulse)
    thread.start()
    try:
        yield stops
    finally:
        over.set()
        thread.join()


def whole_record(lab):
    expect(lab.tell("flush").returncode == 0, "flush")
    with open(lab.env["LAB_RECORD"], newline="", encoding="utf-8") as f:
        return list(csv.DictReader(f))


def samples(folder):
    return [row for row in folder.rows() if row["type"] == "sample"]


@case
def a_stall_at_5000_a_second_loses_nothing(lab):
    """A reply that came is never a loss: what our host had no room for is
    counted as its own."""
    hosts = [address(10 + i % 20, 1 + i // 20, 4) for i in range(1000)]
    targets = [{"name": f"s{i}", "host": host, "probes": ["icmp"],
                "interval": "200ms", "timeout": "1s"}
               for i, host in enumerate(hosts)]
    with Folder(lab, "stall", RELEASE).write(targets) as f:
        f.start()
        f.await_said("app: version=")
        with stopped_again_and_again(f.agent, 0.1, 0.4) as stops:
            await_it(lambda: len(stops) >= 10, 60, "ten stops")
        time.sleep(1.2)  # what is under way ends or times out
        f.end()
        rows = samples(f)
    came = trips(whole_record(lab))
    times = {address: sorted(pairs) for (_, address), pairs in came.items()}
    sent = [row for row in rows if row.get("reason") != "missed"]
    lost = [row for row in sent if row["outcome"] == "lost"]
    local = sum(row.get("reason") == "unmeasured" for row in sent)
    false = [row for row in lost if any(
        abs(at - row["ts_us"] * 1000) < 20_000_000 and took < NS / 2
        for at, took in times.get(row["address"], ()))]
    seconds = (max(row["ts_us"] for row in rows) -
               min(row["ts_us"] for row in rows)) / 1e6
    inside = sum(began < row["ts_us"] * 1000 < until + 30_000_000
                 for row in sent for began, until in stops)
    print(f"# {len(sent) / seconds:.0f} echoes a second, {len(stops)} stops, "
          f"{inside} echoes in or right after one, {len(lost)} lost, "
          f"{local} unmeasured")
    expect(len(sent) > 5000 and inside > 100, f"{len(sent)}, {inside}")
    expect(not false, f"{len(false)} false losses, such as {false[:2]}")


@case
def a_loop_that_is_blocked_measures_right(lab):
    """Were the clock our own, half of all figures would be off by as much as it
    was stopped: 2.5 ms on average, 5 at most."""
    names = range(9, 29)
    targets = [{"name": f"t{n:03}", "host": f"t{n:03}.lab.test",
                "probes": ["tcp", "https", "icmp"], "interval": "500ms",
                "timeout": "2s", "path": "/lab/204", "family": 4}
               for n in names]
    with Folder(lab, "blocked", RELEASE).write(targets) as f:
        f.start()
        f.await_said("app: version=")
        with stopped_again_and_again(f.agent, 0.005, 0.005) as stops:
            await_it(lambda: len(stops) >= 600, 60, "600 stops")
        f.end()
        rows = samples(f)
    stopped_ns = statistics.median(until - began for began, until in stops)
    truth = Truth(lab.record(*(address(n + 1, 100, 4) for n in names)), rows)
    print(f"# stopped for {stopped_ns / 1e6:.1f} ms; ", end="")
    truth.show(("icmp", "tcp", "https"))
    for kind in "icmp", "tcp", "https":
        truth.sane(kind)
        errors = sorted(map(abs, truth.errors[kind]))
        expect(len(errors) > 50, f"{kind}: {len(errors)} figures only")
        p90 = errors[int(len(errors) * 0.9)]
        expect(p90 < stopped_ns / 5,
               f"{kind}: a tenth is off by {p90 / 1000:.0f} us or more")


main("--ping-socket")
