#!/usr/bin/env python3
"""Kept connections beside fresh ones: what the agent writes of both, against
what the wire has seen, idle and with every core kept busy."""
import contextlib
import os
import statistics
import subprocess
import sys

sys.path.insert(0, f"{os.path.dirname(os.path.abspath(__file__))}/../lib")
from labtest import RELEASE, Folder, Wrong, case, expect, main
from lab import address
from truth import Truth

HOSTS = range(4, 20)  # of the lab: t004 is 5 ms away
SECONDS = 8
NEAR_NS = 5_000_000  # a row's time is near its request's
APART_NS = 3_000_000  # and no other request is as near as this


def at(host):
    return address(host + 1, 100, 4)


def requests(record):
    """{address: [(sent_ns, waited_ns)]}: of a TLS connection, from a record that
    the branch sent to the next one that it got."""
    open_, found = {}, {}
    for row in record:
        out = row["dir"] == "out"
        peer = row["dst" if out else "src"]
        port = row["sport_or_id" if out else "dport_or_seq"]
        passed = int(row["time_ns"])
        if row["what"] != "tlsdata":
            continue
        if out:
            open_[peer, port] = passed
        elif (peer, port) in open_:
            began = open_.pop((peer, port))
            found.setdefault(peer, []).append((began, passed - began))
    return found


def errors(record, rows):
    """What request to first byte is off by, in ns, and what it is in truth."""
    asked = requests(record)
    off, true = [], []
    for row in rows:
        sent = row["ts_us"] * 1000
        near = sorted((abs(began - sent), waited)
                      for began, waited in asked.get(row["address"], ()))
        if not near or near[0][0] > NEAR_NS or \
                (len(near) > 1 and near[1][0] < near[0][0] + APART_NS):
            continue
        off.append(float(row["first_byte_us"]) * 1000 - near[0][1])
        true.append(near[0][1])
    expect(len(off) > len(rows) / 2, f"{len(off)} of {len(rows)} rows are in "
           "the wire's record")
    return off, true


@contextlib.contextmanager
def busy():
    hogs = [subprocess.Popen([sys.executable, "-c", "while True: pass"])
            for _ in range(os.cpu_count())]
    try:
        yield
    finally:
        for hog in hogs:
            hog.kill()
            hog.wait()


def is_kept(row):
    return "kept_connection" in row.get("flags", "")


def samples(folder):
    return [row for row in folder.rows() if row["type"] == "sample"]


def say(what, off):
    off = sorted(map(abs, off))
    print(f"accuracy: {what} median={statistics.median(off) / 1000:.1f} us "
          f"p99={off[int(len(off) * 0.99)] / 1000:.1f} us n={len(off)}",
          flush=True)


def measure(lab, name):
    targets = [{"name": f"t{n:03}", "host": f"t{n:03}.lab.test",
                "probes": ["https"], "interval": "500ms", "timeout": "2s",
                "path": "/lab/204", "kept": True, "family": 4}
               for n in HOSTS]
    with Folder(lab, name, RELEASE) as folder:
        folder.write(targets).start("--duration", f"{SECONDS}s")
        folder.wait(SECONDS + 20)
        return samples(folder)


def compare(lab, name):
    rows = measure(lab, name)
    record = lab.record(*map(at, HOSTS))
    kept = [row for row in rows if is_kept(row)]
    fresh = [row for row in rows if not is_kept(row)]
    for some in kept, fresh:
        replied = [row for row in some if row["outcome"] == "replied"]
        expect(len(replied) > 0.9 * len(some) > 50,
               f"{len(replied)} of {len(some)} are replied")
    # What is open when an agent ends, this or the one before, has no time to
    # part.
    begin = min(row["ts_us"] for row in rows) * 1000
    end = max(row["ts_us"] for row in rows) * 1000 - 500_000_000
    resets = sum(row["what"] == "rst" and
                 begin < int(row["time_ns"]) < end for row in record)
    expect(resets == 0, f"{resets} connections were reset")
    off, true = errors(record, [row for row in kept
                                if row["outcome"] == "replied"])
    say(f"{name}: request to first byte", off)
    truth = Truth(record, fresh)
    print(f"{name}: ", end="")
    truth.show(["https"])
    truth.sane("https")
    wrong = abs(statistics.median(off))
    expect(wrong < 0.05 * statistics.median(true),
           f"request to first byte is off by {wrong / 1000:.0f} us")
    return kept


@case
def idle(lab):
    kept = compare(lab, "idle")
    stamped = sum(row["stamp"] == "mixed" for row in kept)
    expect(stamped > 0.9 * len(kept), f"{stamped} of {len(kept)} are stamped")
    # One connection each, though there were twice as many requests as answers.
    syns = [row for row in lab.record(at(4))
            if row["what"] == "syn"]
    expect(0 < len(syns) <= 2 * SECONDS + 2, f"{len(syns)} SYNs went to t004")
    ports = {row["sport_or_id"] for row in syns}
    expect(len(ports) == 2, f"t004 saw the flows {sorted(ports)}")


@case
def every_core_busy(lab):
    with busy():
        compare(lab, "busy")


@case
def a_report_tells_them_apart(lab):
    targets = [{"name": "near", "host": "t004.lab.test", "probes": ["https"],
                "interval": "200ms", "kept": True, "family": 4}]
    with Folder(lab, "report") as folder:
        folder.write(targets).start("--duration", "3s")
        folder.wait(20)
        text = folder.ask("report", "--store", folder.store).stdout
        for line in "near    https ", "https kept":
            if line not in text:
                raise Wrong(f"{line!r} is not in the report:\n{text}")


main("--ping-socket")
