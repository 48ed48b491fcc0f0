#!/usr/bin/env python3
"""`edgeprobe run` whose process is stopped for a while (SIGSTOP), and whose wall
clock is stepped: no wrong figure, no false loss, no burst, and the rows say
what happened. `stalls.py --long`: stopped for 30 s.
"""
import collections
import os
import signal
import struct
import sys
import time

sys.path.insert(0, f"{os.path.dirname(os.path.abspath(__file__))}/../lib")
from labtest import (RELEASE, Folder, await_it, case, expect, main,
                     wire_build)
import contract
from truth import NEAR_NS, trips

LONG = "--long" in sys.argv
if LONG:
    sys.argv.remove("--long")
STOPPED_S = 30 if LONG else 3
MS = 1_000_000
SECOND = 1000 * MS

# 400 ICMP probes a second, so many that they leave in slots, over 5 to 40 ms:
# some are under way whenever the process is stopped.
CROWD = [{"name": f"d{delay}-{host}", "host": f"10.79.{delay}.{host}",
          "probes": ["icmp"], "interval": "100ms", "timeout": "1s"}
         for delay in (5, 10, 20, 40) for host in range(160, 170)]
OTHERS = [{"name": "web", "host": "t030.lab.test", "interval": "200ms",
           "probes": ["tcp", "https"], "timeout": "2s"},
          {"name": "closed", "host": "10.79.35.181", "interval": "100ms",
           "probes": ["tcp"], "port": 81, "timeout": "2s"},
          {"name": "random", "host": "10.79.25.182", "interval": "100ms",
           "probes": ["icmp"], "schedule": "poisson", "timeout": "1s"},
          {"name": "named", "host": "ttl1.lab.test", "interval": "100ms",
           "probes": ["tcp"], "timeout": "2s"}]
PROBES = 40 * 10 + 2 * 5 + 10 + 10 + 10  # a second


def ms(text):
    return int(text.removesuffix("ms"))


def samples(rows):
    return [row for row in rows if row["type"] == "sample"]


def flagged(row):
    return "stalled" in row.get("flags", "").split(",")


def stop_for(agent, seconds):
    """From and until, wall time: standing still is what is tested."""
    agent.send_signal(signal.SIGSTOP)
    began = time.time_ns()
    time.sleep(seconds)
    agent.send_signal(signal.SIGCONT)
    return began, time.time_ns()


def await_echoes(lab, n, since=0):
    """To each target of the crowd, by the wire."""
    host = CROWD[0]["host"]
    await_it(lambda: sum(row["what"] == "echo" and
                         int(row["time_ns"]) >= since
                         for row in lab.record(host)) >= n, 60,
             f"{n} echoes to {host}")


# --- what the record says

def answers_of(lab, rows):
    """{(proto, address): [(sent_ns, rtt_ns)]} by the wire."""
    return trips(lab.record(*{row["address"] for row in rows
                              if "address" in row}))


def proto(row):
    return "icmp" if row["probe"] == "icmp" else "tcp"


def trip_of(answers, row, when):
    """The one that this sample is of, or None. `when`: it was sent at one of
    these times."""
    there = answers.get((proto(row), row["address"]), ())
    near = [(abs(trip[0] - at), trip) for trip in there for at in when
            if abs(trip[0] - at) < NEAR_NS]
    return min(near, default=(0, None))[1]


def sent_at(row):
    return [row["ts_us"] * 1000]


# What the process cannot see of its own stamps: a machine that has no time for
# its softirqs, which is no concern of this test.
SLACK = {"kernel": 3 * MS, "mixed": 5 * MS, "user": 15 * MS}


def check_figures(rows, answers, when=sent_at):
    """No figure is further from the truth than it says itself."""
    checked = 0
    for row in rows:
        if "rtt_us" not in row or row.get("retransmits", 0) > 0:
            continue
        trip = trip_of(answers, row, when(row))
        if trip is None:
            continue
        off = abs(float(row["rtt_us"]) * 1000 - trip[1])
        allowed = float(row["uncertainty_us"]) * 1000 + SLACK[row["stamp"]]
        expect(off <= allowed, f"{off / MS:.3f} ms off: {row}, true "
               f"{trip[1] / MS:.3f} ms")
        checked += 1
    return checked


def check_losses(rows, answers, when=sent_at):
    """Nothing that was answered in time is lost."""
    for row in rows:
        if row["outcome"] != "lost":
            continue
        trip = trip_of(answers, row, when(row))
        expect(trip is None or trip[1] > SECOND, f"lost, but answered after "
               f"{trip and trip[1] / MS} ms: {row}")


def check_burst(echoes, from_ns, to_ns):
    """Never more within any 10 ms than five slots of 2 ms take: each 4 and
    twice the mean, and one more slot at the edges."""
    bound = 6 * (4 + 2 * PROBES * 2 / 1000)
    sent = sorted(int(row["time_ns"]) for row in echoes
                  if from_ns <= int(row["time_ns"]) < to_ns)
    most = first = 0
    for last, at in enumerate(sent):
        while at - sent[first] > 10 * MS:
            first += 1
        most = max(most, last - first + 1)
    expect(0 < most <= bound, f"{most} within 10 ms, not {bound:.0f}")
    return most


# --- stopped

def check_due_times(rows, target, began):
    """Sent and missed ones are all that were due, at the plan's own times."""
    own = [row for row in rows if row["target"] == target["name"]]
    due = sorted((row["ts_us"] - float(row["slip_us"]), row.get("missed", 1))
                 for row in own)
    every = ms(target["interval"]) * 1000
    for (at, n), (after, _) in zip(due, due[1:]):
        turns = (after - at) / every
        expect(abs(turns - n) < 0.1, f"{target['name']}: {n} due times in "
               f"{turns:.3f} intervals, {at - began / 1000} us after the stop")
    return sum(n for _, n in due if n > 1)


@case
def a_process_is_stopped(lab):
    folder = Folder(lab, "stopped", program=RELEASE)
    with folder:
        folder.write(CROWD + OTHERS).start()
        await_echoes(lab, 30)
        began, ended = stop_for(folder.agent, STOPPED_S)
        await_echoes(lab, 30, since=ended)
        expect(folder.end()[0] == 0, folder.said())
    rows = folder.rows()
    contract.audit(rows)
    measured = samples(rows)
    answers = answers_of(lab, measured)
    checked = check_figures(measured, answers)
    check_losses(measured, answers)
    outcomes = collections.Counter(
        (row["probe"], row["outcome"], row.get("reason"), flagged(row))
        for row in measured)
    print(f"#   {checked} figures are right; {dict(outcomes)}")
    expect(checked > 4 * PROBES, f"{checked} figures")
    # Where the machine is busy the agent stands still at other times, too.
    others = sum(row["stalls"] for row in rows
                 if row["type"] == "self" and row["part"] == "packets") > 1
    for row in measured:
        sent = row["ts_us"] * 1000
        expect(row["reason"] in ("tcp_reset", "missed", "unmeasured")
               if "reason" in row else True, row)
        expect(not flagged(row) or began - SECOND < sent < ended or others,
               f"flagged, but sent {(sent - began) / MS} ms after: {row}")
    # Where the machine is busy the agent may be late already, and miss them.
    under_way = [row for row in measured if row["target"].startswith("d40-")
                 and row.get("reason") != "missed"
                 and began - 30 * MS < row["ts_us"] * 1000 < began - 2 * MS]
    expect(any(map(flagged, measured)), "nothing is flagged")
    expect(all(flagged(row) and row["outcome"] == "replied"
               for row in under_way), under_way)
    echoes = [row for target in CROWD for row in lab.record(target["host"])
              if row["what"] == "echo"]
    most = check_burst(echoes, ended - SECOND // 10, ended + 2 * SECOND)
    missed = sum(check_due_times(measured, target, began)
                 for target in CROWD)
    all_due = 400 * (ended - began) / SECOND
    print(f"#   {missed} of {all_due:.0f} due times were missed, at most "
          f"{most} echoes left within 10 ms")
    expect(missed - all_due >= -0.1 * all_due - 40 and
           (others or missed - all_due <= 0.1 * all_due + 40),
           f"{missed} missed, {all_due} were due")
    check_self(rows, measured)


# --- the wall clock

class Clock:
    """The agent's own, stepped by lib/wall_clock.c."""

    def __init__(self, folder):
        self.path = f"{folder.path}/clock"
        self.steps = []  # [(real time, by)]
        self.write()

    def write(self):
        pairs = [n for step in self.steps for n in step]
        pairs += [0] * (32 - len(pairs))
        with open(self.path, "r+b" if self.steps else "wb", 0) as f:
            f.write(struct.pack("=32q", *pairs))

    def before(self):
        module = f"{wire_build()}/test/lib/edgeprobe-test-clock.so"
        expect(os.path.exists(module), f"{module} is not there")
        return "env", f"LD_PRELOAD={module}", f"TEST_WALL_CLOCK={self.path}"

    def step(self, by):
        """In a moment that is not yet."""
        self.steps.append((time.time_ns() + 50 * MS, by))
        self.write()

    def real(self, row):
        """When the row's time may have been, a little beside a step, too."""
        told = row["ts_us"] * 1000
        sum_of, begins = 0, [(0, 0)]
        for at, by in self.steps:
            sum_of += by
            begins.append((at, sum_of))
        ends = [at for at, _ in begins[1:]] + [2 ** 62]
        return [told - by for (at, by), end in zip(begins, ends)
                if at - 2 * MS <= told - by < end + 2 * MS]


# No multiples of an interval: no sample is taken for another probe.
STEPS = 5033 * MS, -8057 * MS, 7 * MS, -30 * MS, -547 * MS


def check_schedule(clock, measured):
    """One that moved with the clock misses all that was due meanwhile; some
    may be missed anyhow where the machine is busy."""
    missed = [(at, row["missed"]) for row in measured if "missed" in row
              for at in clock.real(row)]
    for step, by in clock.steps:
        there = sum(n for at, n in missed if -SECOND < at - step < SECOND)
        expect(abs(by) < SECOND or there < PROBES * abs(by) / SECOND / 2,
               f"{there} missed at a step of {by / MS} ms")


@case
def the_wall_clock_is_stepped(lab):
    folder = Folder(lab, "stepped", program=RELEASE)
    clock = Clock(folder)
    with folder:
        folder.write(CROWD + OTHERS).start(before=clock.before())
        began = time.time_ns()
        await_echoes(lab, 20, since=began)
        for by in STEPS:
            clock.step(by)
            await_echoes(lab, 22, since=clock.steps[-1][0])
        ended = time.time_ns()
        expect(folder.end()[0] == 0, folder.said())
    rows = folder.rows()
    contract.audit(rows)
    measured = samples(rows)
    answers = answers_of(lab, measured)
    checked = check_figures(measured, answers, clock.real)
    check_losses(measured, answers, clock.real)
    stamps = collections.Counter(
        (row["probe"], row["outcome"], row.get("reason"), row["stamp"])
        for row in measured)
    print(f"#   {checked} of {len(measured)} figures are right; "
          f"{dict(stamps)}")
    expect(checked > 0.9 * len(measured), f"only {checked} were looked at")
    icmp = [row for row in measured if row["probe"] == "icmp"]
    spoilt = [row for row in icmp if row.get("reason") == "unmeasured"]
    expect(len(STEPS) <= len(spoilt) < len(icmp) / 10 and
           all(row in spoilt or row["stamp"] == "kernel" or "missed" in row
               for row in icmp),
           f"{len(spoilt)} of {len(icmp)} ICMP samples are unmeasured")
    for row in spoilt:
        expect(any(-SECOND < at - step < 5 * MS for at in clock.real(row)
                   for step, _ in clock.steps), f"at no step: {row}")
    check_schedule(clock, measured)
    echoes = [row for target in CROWD for row in lab.record(target["host"])
              if row["what"] == "echo"]
    most = check_burst(echoes, began + SECOND, ended)
    print(f"#   at most {most} echoes left within 10 ms")
    said = [float(row["step_us"]) / 1000 for row in rows
            if row["type"] == "clock"]
    wanted = [by / MS for by in STEPS if abs(by) >= 100 * MS]
    expect(len(said) == len(wanted) and
           all(abs(a - b) < 50 for a, b in zip(said, wanted)),
           f"clock rows of {said} ms, not {wanted}")


def check_self(rows, measured):
    said = [row for row in rows if row["type"] == "self"]
    packets = [row for row in said if row["part"] == "packets"]
    own = [row for row in measured if row["probe"] != "https"]
    expect({"packets", "https", "keeping"} <= {row["part"] for row in said},
           said)

    def total(key):
        return sum(row[key] for row in packets)
    expect(total("samples") == len(own), f"{total('samples')} samples")
    expect(total("missed") == sum(row.get("missed", 0) for row in own),
           f"{total('missed')} missed")
    expect(total("stalled") == sum(map(flagged, own)), "stalled")
    expect(total("unmeasured") == sum(row.get("reason") == "unmeasured"
                                      for row in own), "unmeasured")
    expect(total("stalls") >= 1 and total("overflown") == 0, packets)
    expect(max(row["lag_max_us"] for row in packets) >=
           (STOPPED_S - 0.5) * 1_000_000, f"the lag is not there: {packets}")
    expect(total("stamps_kernel") >= 0.9 * total("samples") - total("missed"),
           packets)
    expect(0 < total("cpu_us") < total("period_us"), packets)


main()
