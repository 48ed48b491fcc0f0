#!/usr/bin/env python3
"""`edgeprobe run` when something is wrong: nothing is lost, nothing stops.

A step of the wall clock is not here (it cannot be made for one process alone):
see the unit tests of the schedule.
"""
import collections
import contextlib
import os
import signal
import sqlite3
import sys
import time

sys.path.insert(0, f"{os.path.dirname(os.path.abspath(__file__))}/../lib")
from labtest import (Folder, await_it, canon, case, expect, main)
import collector
import contract
from collector import CUT, LOGIN, RESET_EARLY, RESET_LATE, Collector, status
from lab import count

ICMP = {"host": "10.79.1.200", "probes": ["icmp"], "interval": "100ms",
        "timeout": "500ms"}
CLOSED = "127.0.0.1"  # collectors stand in the branch itself, without TLS


def here(lab):
    return Collector(lab.env["LAB_BRANCH_NS"], CLOSED)


def place(name, there, **more):
    return {"name": name, "url": f"http://{CLOSED}:{there.port}/",
            "interval": "200ms", **more}


def icmp_rows(rows):
    return [row for row in rows if row["type"] == "sample" and
            row["probe"] == "icmp"]


# --- collectors

def at_first(answer, times=1):
    return lambda request, n: answer if n < times else status()


ANSWERS = {
    "unauthorized": at_first(status(401, b"who?", "text/plain")),
    "broken": at_first(status(500)),
    "busy": at_first(status(503, Retry_After="1")),
    "login": at_first(LOGIN),
    "redirect": at_first(status(302, Location="http://127.0.0.1:1/")),
    "early": at_first(RESET_EARLY, 2),
    "late": at_first(RESET_LATE, 2),
    "cut": at_first(CUT),
    "slow": lambda request, n: status(202, delay=0.5),
    "stuck": at_first(status(200, delay=3)),
    "gone": lambda request, n: status(204),
}


def same_bytes_again(there, name):
    bodies = {}
    for request in there.requests:
        key = request.headers["idempotency-key"]
        if request.body:
            old = bodies.setdefault(key, request.body)
            expect(old == request.body, f"{name}: {key} was other bytes")


@case
def collectors_that_misbehave(lab):
    """Each is a destination of one agent: none notices another."""
    folder = Folder(lab, "answers")
    all_of = {name: here(lab) for name in ANSWERS}
    with open(f"{folder.path}/token", "w", encoding="utf-8") as f:
        f.write("s3cret\n")
    places = []
    for name, there in all_of.items():
        there.answer = ANSWERS[name]
        places.append(place(name, there))
    places[0].update(token_file="token", encoding="json-array", gzip=False)
    places[-2].update(timeout="1s")
    all_of["gone"].close()
    with folder:
        folder.write([ICMP], places).start("--duration", "9s")
        folder.await_said("destination=gone")
        all_of["gone"].begin()
        expect(folder.wait(40) == 0, folder.said())
    rows = folder.rows()
    contract.audit(rows)
    for name, there in all_of.items():
        there.close()
        delivered = there.rows()
        once = canon({row["seq"]: row for row in delivered}.values())
        expect(once == canon(rows), f"{name}: {len(once)} of {len(rows)} rows "
               f"are there: {folder.said()}")
        expect(name == "stuck" or len(delivered) == len(rows),
               f"{name}: rows came twice")
        same_bytes_again(there, name)
        refused = len(there.requests) - len(there.taken())
        print(f"#   {name}: {len(there.requests)} requests, {refused} refused")
        expect(refused >= 1 or name in ("slow", "stuck", "gone"),
               f"{name} refused nothing")
        expect(name == "slow" or f"destination={name}" in folder.said(),
               f"{name} is not in the log")
    for request in all_of["unauthorized"].requests:
        expect(request.headers["authorization"] == "Bearer s3cret" and
               "content-encoding" not in request.headers and
               request.headers["content-type"] == "application/json",
               request.headers)
    expect("s3cret" not in folder.said(), "the token is in the log")


def certificate(lab, name):
    return f"{lab.folder}/tls/{name}.pem", f"{lab.folder}/tls/{name}.key"


@case
def a_collector_that_is_not_the_right_one(lab):
    """No row and no token goes to it; and none goes without the token."""
    folder = Folder(lab, "trust")
    with folder, here(lab) as open_one, \
            Collector(lab.env["LAB_EDGE_NS"], "10.79.1.123",
                      tls=certificate(lab, "wrongname")) as wrong, \
            Collector(lab.env["LAB_EDGE_NS"], "10.79.1.123",
                      tls=certificate(lab, "untrusted")) as unknown:
        folder.write([ICMP], [
            place("tokenless", open_one, token_file="later"),
            *({"name": name, "interval": "200ms",
               "url": f"https://t920.lab.test:{there.port}/"}
              for name, there in (("wrong", wrong), ("unknown", unknown)))])
        folder.start("--duration", "7s")
        for name in "tokenless", "wrong", "unknown":
            folder.await_said(f"destination={name}")
        for there in open_one, wrong, unknown:
            expect(not there.requests, f"it was given {there.requests}")
        with open(f"{folder.path}/later", "w", encoding="utf-8") as f:
            f.write("s3cret")
        for there in wrong, unknown:
            there.show(certificate(lab, "edge"))
        expect(folder.wait(40) == 0, folder.said())
        for there in open_one, wrong, unknown:
            expect(canon(there.rows()) == canon(folder.rows()),
                   f"not all came afterwards: {folder.said()}")
    expect(all(r.headers["authorization"] == "Bearer s3cret"
               for r in open_one.requests), "without the token")


@case
def killed_in_the_middle(lab):
    folder = Folder(lab, "killed")
    with folder, here(lab) as there:
        there.answer = lambda r, n: status() if n < 2 else status(503)
        folder.write([ICMP], [place("hq", there)]).start()
        await_it(lambda: len(there.requests) > 2, 30, "a third request")
        folder.await_rows(20)
        committed = folder.rows()
        expect(folder.end(signal.SIGKILL)[0] == -signal.SIGKILL, "killed")
        frozen = there.requests[2]
        before = len(there.requests)
        there.answer = lambda r, n: status()
        folder.start("--duration", "3s")
        expect(folder.wait(30) == 0, folder.said())
        again = there.requests[before]
        expect(again.body == frozen.body and again.headers ==
               frozen.headers, "the frozen batch is another now")
    rows = folder.rows()
    expect(canon(rows[:len(committed)]) == canon(committed),
           "what was committed is another now")
    expect(len(contract.audit(rows)) == 1, "another epoch")
    expect(sum(row["type"] == "boot" for row in rows) == 2, "two starts")
    expect(canon(there.rows()) == canon(rows), "the collector has others")


def of_one_flow(record):
    """Replies to probes; the test of the line at the start has other ids."""
    replies = [row for row in record if row["what"] == "reply"]
    ids = collections.Counter(row["sport_or_id"] for row in replies)
    common = ids.most_common(1)[0][0] if ids else None
    return [row for row in replies if row["sport_or_id"] == common]


@case
def sigterm_commits_and_ends(lab):
    folder = Folder(lab, "sigterm")
    address = "10.79.1.201"
    with folder, here(lab) as there:
        there.answer = lambda request, n: status(delay=30)
        folder.write([{**ICMP, "host": address},
                      {"host": "unanswered.test", "interval": "1s"},
                      {"host": "10.79.6.2", "interval": "1s",
                       "timeout": "60s"},
                      {"host": "t001.lab.test", "path": "/lab/stuck",
                       "timeout": "60s", "interval": "1s"}],
                     [place("stuck", there),
                      {"name": "dead", "url": "https://silent.lab.test/"}])
        folder.start()
        await_it(lambda: there.requests, 30, "a request that hangs")

        def waiting():
            came = len(of_one_flow(lab.record(address)))
            return came >= 5 + folder.count(
                lambda row: row.get("address") == address)
        await_it(waiting, 30, "replies that are not committed")
        until = time.time_ns()
        code, took = folder.end()
        print(f"#   SIGTERM to exit: {took:.3f} s")
        expect(code == 0, f"exit {code}: {folder.said()}")
        expect(took < 4, f"{took} s are not about 2")
    rows = icmp_rows(folder.rows())
    sent = [row for row in of_one_flow(lab.record(address))
            if int(row["time_ns"]) < until - 200_000_000]
    kept = [row for row in rows if row.get("address") == address]
    expect(len(sent) > 5 and len(kept) >= len(sent),
           f"{len(sent)} replies came, {len(kept)} were kept")


# --- names

@case
def dns_is_down_at_the_start(lab):
    rules = open(lab.env["LAB_RULES"], encoding="utf-8").read()
    down = "".join(f"{lab.env[key]} any blackhole\n"
                   for key in ("LAB_DNS4", "LAB_DNS6"))
    folder = Folder(lab, "dns")
    named = {**ICMP, "host": "t007.lab.test"}
    with folder:
        folder.write([ICMP, named,
                      {**named, "name": "web", "probes": ["tcp", "https"]}],
                     dns={"timeout": "300ms"})
        expect(lab.rules(rules + down).returncode == 0, "rules")
        try:
            began = time.monotonic()
            folder.start()
            folder.await_said("version=")
            print(f"#   started after {time.monotonic() - began:.3f} s")
            folder.await_rows(3, wanted=lambda row: row.get("reason", "")
                              .startswith("dns_"))
            began = time.time()
        finally:
            lab.rules(rules)
        for kind in "icmp", "tcp", "https":
            folder.await_rows(2, wanted=lambda row, kind=kind:
                              row.get("probe") == kind and
                              row.get("host") == "t007.lab.test" and
                              row.get("outcome") == "replied")
        print(f"#   recovered within {time.time() - began:.1f} s")
        expect(folder.end()[0] == 0, folder.said())
    rows = folder.rows()
    contract.audit(rows)
    literal = [row for row in rows if row.get("host") == ICMP["host"]]
    expect({row["outcome"] for row in literal} == {"replied"},
           "an address suffered from its neighbour's name")
    failed = collections.Counter(row["reason"] for row in rows
                                 if row.get("outcome") == "failed")
    expect(set(failed) <= {"dns_timeout", "dns_unavailable"}, failed)


# --- the store

def refuses(folder, words, code, before=()):
    folder.start("--duration", "2s", before=before)
    got = folder.wait(30)
    said = folder.said()
    expect(got == code and all(word in said for word in words),
           f"exit {got}, not {code} with {words}: {said}")
    os.unlink(folder.log)


@case
def a_store_that_cannot_be(lab):
    with Folder(lab, "store") as folder:
        folder.write([ICMP]).start()
        folder.await_rows(1)
        with Folder(lab, "second") as second:
            second.store = folder.store
            refuses(second.write([ICMP]),
                    [folder.store, "another agent"], 75)
        expect(folder.end()[0] == 0, folder.said())
        os.unlink(folder.log)
        db = sqlite3.connect(folder.store)
        db.execute("PRAGMA user_version = 4711")
        db.close()
        with open(folder.store, "rb") as f:
            newer = f.read()
        refuses(folder, [folder.store, "newer", "4711"], 74)
        folder.ask("report", "--store", folder.store)  # what it understands
        with open(folder.store, "rb") as f:
            expect(f.read() == newer, "it was touched")
        folder.store = f"{folder.path}/thesis"
        folder.write([ICMP])
        with open(folder.store, "w", encoding="utf-8") as f:
            f.write("my thesis\n" * 2000)
        refuses(folder, [folder.store, "not a store of edgeprobe"], 74)
        folder.ask("export", "--store", folder.store, wanted=(74,))
        with open(folder.store, encoding="utf-8") as f:
            expect(f.read() == "my thesis\n" * 2000, "it was touched")
        os.unlink(folder.store)
        os.mkdir(folder.store)
        refuses(folder, [folder.store, "directory"], 74)
        os.rmdir(folder.store)
        os.chmod(folder.path, 0o555)
        no_root = ("setpriv", "--bounding-set=-all", "--inh-caps=-all")
        folder.log = f"{lab.folder}/store.log"
        refuses(folder, [folder.path, "not writable"], 77, before=no_root)
        os.chmod(folder.path, 0o755)


def fill(path):
    """All that is left of the disk."""
    with open(path, "wb", buffering=0) as f, contextlib.suppress(OSError):
        while f.write(b"x" * 65536):
            pass


@case
def the_disk_is_full_for_a_while(lab):
    """In a mount namespace of the agent's own."""
    folder = Folder(lab, "full")
    disk = f"{folder.path}/disk"
    os.mkdir(disk)
    folder.store = f"{disk}/store.db"
    address = "10.79.1.202"
    mount = ("sh", "-c", f"mount -t tmpfs -o size=20m lab {disk} && exec "
             "\"$@\"", "sh")
    with folder:
        folder.write([{**ICMP, "host": address}],
                     store={"path": folder.store, "max_size": "16MiB"})
        folder.start(before=mount)
        folder.await_said("version=")
        folder.enter = "nsenter", "-t", folder.agent.pid, "-m", "-r"
        inside = f"/proc/{folder.agent.pid}/root{disk}"
        folder.await_rows(5)
        while "commit=failed" not in folder.said():
            fill(f"{inside}/fill{len(os.listdir(inside))}")
            time.sleep(0.2)
            expect(folder.agent.poll() is None, folder.said())
        asked = count(lab.record(address), "echo")
        await_it(lambda: count(lab.record(address), "echo") > asked + 15, 20,
                 "probes while the disk is full")
        for name in os.listdir(inside):
            if name.startswith("fill"):
                os.unlink(f"{inside}/{name}")
        folder.await_said("commit=ok")
        replies = count(lab.record(address), "reply")
        folder.await_rows(replies)
        rows = folder.rows()
        contract.audit(rows)
        expect({row["type"] for row in rows} == {"boot", "sample"},
               "something was lost")
        expect(folder.end()[0] == 0, folder.said())


# --- permission

@case
def icmp_is_not_permitted(lab):
    folder = Folder(lab, "icmp")
    before = ("setpriv", "--bounding-set=-net_raw", "--inh-caps=-net_raw")
    with folder:
        folder.write([{"name": "all", "host": "t003.lab.test",
                       "interval": "500ms"}])
        folder.start("--duration", "3s", before=before)
        expect(folder.wait(30) == 0, folder.said())
    told = [line for line in folder.said().splitlines() if "kind=icmp" in line]
    expect(len(told) == 1 and "ping_group_range" in told[0] and
           "CAP_NET_RAW" in told[0], f"not once: {folder.said()}")
    seen = collections.Counter(
        (row["probe"], row["outcome"], row.get("reason"))
        for row in folder.rows() if row["type"] == "sample")
    expect(set(seen) == {("icmp", "failed", "permission"),
                         ("tcp", "replied", None),
                         ("https", "replied", None)} and
           min(seen.values()) >= 4, seen)
    trust = "--ca-file", lab.env["LAB_CA"]
    for target, code in ("t003.lab.test", 0), ("icmp://t003.lab.test", 77):
        done = lab.branch(*before, folder.program, "probe", *trust, "--count",
                          1, target)
        expect(done.returncode == code and "CAP_NET_RAW" in done.stderr and
               "ping_group_range" in done.stderr and
               ("https" in done.stdout) == (code == 0),
               f"{target}: {done.returncode} {done.stderr}{done.stdout}")


main()
