#!/usr/bin/env python3
"""What only a configuration can ask of a target, and what `edgeprobe run` keeps
of it: one agent with a target for each."""
import collections
import os
import sys

sys.path.insert(0, f"{os.path.dirname(os.path.abspath(__file__))}/../lib")
from labtest import Folder, case, expect, main
from lab import address
import contract

LATE = [address(5, 100, family) for family in (4, 6)]  # t004
SECONDS = 5


def target(name, host, *probes, **more):
    return {"name": name, "host": f"{host}.lab.test", "probes": list(probes),
            "interval": "500ms", "timeout": "1s", "circuits": [], **more}


TARGETS = [
    target("near", "hops", "icmp", "tcp", ttl=2),
    target("far", "hops", "icmp"),
    target("late", "t004", "icmp", timeout="300ms"),
    target("late6", "t004", "icmp", timeout="300ms", family=6),
    target("twice", "duplicate", "icmp"),
    target("asked", "t001", "https", path="/lab/404", expect_status=[404]),
    target("wrong", "t001", "https", path="/lab/404", expect_status=[200]),
    target("both", "t009", "icmp", "tcp", family="both"),
    target("burst", "t010", "icmp", count=4, interval="1s"),
    target("large", "t011", "icmp", size=1400),
    target("plain", "t012", "tcp", port=80),
    target("closed", "t013", "tcp", "https", port=8443),
    target("overlap", "t039", "icmp", interval="100ms", timeout="2s"),
    target("slow", "silent", "icmp", interval="100ms", timeout="2s"),
    # Over a line with a name server of its own, and over one that is not there.
    target("line", "t014", "icmp", "tcp", "https", circuits=["fibre"]),
    target("lateline", "t004", "icmp", timeout="300ms", circuits=["fibre"]),
    target("noline", "t014", "icmp", "tcp", "https", circuits=["gone"]),
]
# (target, probe, family): outcome and reason
WANTED = {
    ("near", "icmp", 4): ("unreachable", "time_exceeded"),
    ("near", "tcp", 4): ("unreachable", "time_exceeded"),
    ("far", "icmp", 4): ("replied", None),
    ("late", "icmp", 4): ("lost", "timeout"),
    ("late6", "icmp", 6): ("lost", "timeout"),
    ("twice", "icmp", 4): ("replied", None),
    ("asked", "https", 4): ("replied", None),
    ("wrong", "https", 4): ("failed", "http_status"),
    ("both", "icmp", 4): ("replied", None),
    ("both", "icmp", 6): ("replied", None),
    ("both", "tcp", 4): ("replied", None),
    ("both", "tcp", 6): ("replied", None),
    ("burst", "icmp", 4): ("replied", None),
    ("large", "icmp", 4): ("replied", None),
    ("plain", "tcp", 4): ("replied", None),
    ("closed", "tcp", 4): ("refused", "tcp_reset"),
    ("closed", "https", 4): ("refused", "tcp_reset"),
    ("overlap", "icmp", 4): ("replied", None),
    ("slow", "icmp", 4): ("lost", "timeout"),
    ("line", "icmp", 4): ("replied", None),
    ("line", "tcp", 4): ("replied", None),
    ("line", "https", 4): ("replied", None),
    ("lateline", "icmp", 4): ("lost", "timeout"),
    ("noline", "icmp", 4): ("failed", "no_source"),
    ("noline", "tcp", 4): ("failed", "no_source"),
    ("noline", "https", 4): ("failed", "no_source"),
}
RUN = {}


def circuits(lab):
    return [{"name": "fibre", "provider": "KPN",
             "source": lab.env["LAB_BRANCH_DEV"],
             "dns": [lab.env["LAB_DNS4"]]},
            {"name": "gone", "source": "nosuch0"}]


@case
def each_target_says_what_it_is(lab):
    rules = open(lab.env["LAB_RULES"], encoding="utf-8").read()
    late = "".join(f"{where} icmp in.delay=600ms\n" for where in LATE)
    expect(lab.rules(rules + late).returncode == 0, "rules")
    with Folder(lab, "targets") as folder:
        folder.write(TARGETS, circuits=circuits(lab)).start("--duration", f"{SECONDS}s")
        expect(folder.wait(30) == 0, folder.said())
        rows = folder.rows()
    contract.audit(rows)
    RUN["samples"] = [row for row in rows if row["type"] == "sample"]
    RUN["late"] = [row for row in rows if row["type"] == "late"]
    seen = collections.defaultdict(collections.Counter)
    for row in RUN["samples"]:
        key = row["target"], row["probe"], row["family"]
        seen[key][row["outcome"], row.get("reason")] += 1
    expect({key: list(said) for key, said in seen.items()} ==
           {key: [said] for key, said in WANTED.items()},
           "\n".join(f"{key}: {dict(said)}" for key, said in seen.items()
                     if list(said) != [WANTED.get(key)]))


def times(name):
    """When the samples of a target were sent, in ms."""
    return sorted(row["ts_us"] / 1000 for row in RUN["samples"]
                  if row["target"] == name)


@case
def rounds_come_as_configured(_):
    for name, apart, n in ("far", 500, 2 * SECONDS), ("overlap", 100, 40), \
            ("slow", 100, 25):
        sent = times(name)
        expect(n - 2 <= len(sent) <= 10 * SECONDS + 1,
               f"{name}: {len(sent)} probes")
        steps = sorted(b - a for a, b in zip(sent, sent[1:]))
        expect(abs(steps[len(steps) // 2] - apart) < apart / 10,
               f"{name}: {steps}")
    burst = times("burst")
    firsts = [b for a, b in zip([0] + burst, burst) if b - a > 500]
    whole = [at for at in burst if firsts[1] <= at < firsts[-1]]
    expect(SECONDS - 1 <= len(firsts) <= SECONDS + 1 and
           len(whole) == 4 * (len(firsts) - 2), burst)


@case
def what_came_late_or_twice_is_beside_its_sample(_):
    by_seq = {row["seq"]: row for row in RUN["samples"]}
    told = collections.Counter()
    for row in RUN["late"]:
        of = by_seq[row["of"]]
        expect(of["target"] == row["target"] and
               of["ts_us"] == row["ts_us"], f"{row} is not of {of}")
        twice = row["target"] == "twice"
        expect(("duplicate" in row.get("flags", "")) == twice, row)
        expect(twice or 600000 < row["rtt_us"] < 2000000, row)
        told[row["target"]] += 1
    expect(set(told) == {"late", "late6", "lateline", "twice"} and
           min(told.values()) >= SECONDS, told)


@case
def what_a_reply_carries(_):
    for row in RUN["samples"]:
        if row["target"] == "far":
            expect(row["ttl"] == 61, f"three routers: {row}")
        if row["target"] in ("line", "lateline"):
            expect(row["circuit"] == "fibre" and row["provider"] == "KPN", row)
        else:
            expect(row.get("circuit") in (None, "gone"), row)
        if row["target"] == "plain":
            expect(row["port"] == 80, row)
        if row["target"] == "wrong":
            expect(row["http_status"] == 404 and "rtt_us" not in row, row)


main("--ping-socket")
