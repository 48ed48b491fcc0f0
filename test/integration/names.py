#!/usr/bin/env python3
"""Names with many addresses and the word `gateway`, by `edgeprobe run` and
`edgeprobe probe`: which addresses are measured, what a change of them says, and
which router it is."""
import collections
import os
import re
import signal
import sys

sys.path.insert(0, f"{os.path.dirname(os.path.abspath(__file__))}/../lib")
from labtest import Folder, await_it, case, expect, main, probe
from lab import address

KINDS = ["icmp", "tcp", "https"]
DELAYS = 3, 5, 10, 14  # of many.lab.test


def many(family):
    return {address(delay, 20, family) for delay in DELAYS}


def target(name, host, *probes, **more):
    return {"name": name, "host": host, "probes": list(probes or KINDS),
            "interval": "500ms", "timeout": "2s", "circuits": [], **more}


def samples(folder, name):
    return [row for row in folder.rows()
            if row["type"] == "sample" and row["target"] == name]


def measured(rows):
    """{(probe, family): {address}}"""
    seen = collections.defaultdict(set)
    for row in rows:
        seen[row["probe"], row["family"]].add(row["address"])
    return seen


def dns(lab, name, addresses):
    """Let the name have these addresses, for a second each time."""
    path = f"{lab.folder}/dns/unbound.conf"
    kept = [line for line in open(path, encoding="utf-8")
            if f'"{name}. ' not in line]
    own = [f'local-data: "{name}. 1 IN A {a}"\n' for a in addresses]
    at = max(i for i, line in enumerate(kept) if "local-data" in line) + 1
    with open(path, "w", encoding="utf-8") as f:
        f.writelines(kept[:at] + own + kept[at:])
    os.kill(int(lab.env["LAB_DNS_PID"]), signal.SIGHUP)

    def answered():
        done = lab.branch("getent", "ahostsv4", name)
        return set(re.findall(r"^(\S+) +STREAM", done.stdout, re.M)) == \
            set(addresses)

    await_it(answered, 20, f"{name} is {addresses}")


@case
def one_stable_and_all_addresses(lab):
    with Folder(lab, "many") as folder:
        folder.write([
            target("one", "many.lab.test", "icmp"),
            target("stable", "many.lab.test", addresses="stable"),
            target("all", "many.lab.test", addresses="all", family="both"),
            target("literal", "10.79.3.20", "icmp", addresses="all"),
            target("none", "nosuch.lab.test", "icmp", addresses="all"),
        ]).start("--duration", "6s")
        expect(folder.wait(30) == 0, folder.said())
        rows = {name: samples(folder, name) for name in
                ("one", "stable", "all", "literal", "none")}
    want = {(kind, family): many(family)
            for kind in KINDS for family in (4, 6)}
    expect(measured(rows["all"]) == want, measured(rows["all"]))
    expect(all(row["outcome"] == "replied" for row in rows["all"]),
           [row for row in rows["all"] if row["outcome"] != "replied"])
    # each of them in each round but the first, which asks for the name
    rounds = collections.Counter(
        row["address"] for row in rows["all"] if row["probe"] == "icmp")
    expect(max(rounds.values()) - min(rounds.values()) <= 2 and
           min(rounds.values()) >= 8, rounds)
    stable = measured(rows["stable"])
    expect(len(stable) == 3 and all(len(s) == 1 for s in stable.values()),
           stable)
    expect(measured(rows["literal"]) == {("icmp", 4): {"10.79.3.20"}},
           rows["literal"])
    expect(rows["none"] and
           {row["reason"] for row in rows["none"]} == {"dns_nxdomain"},
           rows["none"])
    expect(len(rows["none"]) <= 12, "one a round for a name without address")


def changes(folder):
    return [row for row in folder.rows()
            if row.get("event") == "addresses_changed"]


@case
def another_set_is_an_event_and_is_measured(lab):
    name = "moving.lab.test"
    before = [address(delay, 20, 4) for delay in (3, 5)]
    after = [address(delay, 20, 4) for delay in (5, 10)]
    dns(lab, name, before)
    with Folder(lab, "moving") as folder:
        folder.write([target("moving", name, addresses="all", family=4)])
        folder.start()
        folder.await_said("version=")  # its store is there
        await_it(lambda: set().union(*measured(
            samples(folder, "moving")).values()) == set(before),
            30, "both are measured")
        dns(lab, name, after)
        await_it(lambda: changes(folder), 30, "an event")
        await_it(lambda: after[1] in {
            row["address"] for row in samples(folder, "moving")
            if row["probe"] == "https"}, 30, "the new one is measured")
        dns(lab, name, after[:1])  # fewer: told after a minute, if it runs on
        old = max(row["seq"] for row in folder.rows())
        await_it(lambda: {row.get("address") for row in
                          samples(folder, "moving")[-6:]} == set(after[:1]),
                 30, "one is measured")
        status, _ = folder.end()
        expect(status == 0, folder.said())
        rows, told = samples(folder, "moving"), changes(folder)
    expect(len(told) == 1, f"two threads ask, one tells: {told}")
    shown = {key: told[0].get(key) for key in (
        "level", "state", "host", "family", "added", "removed", "n",
        "changes", "circuit")}
    expect(shown == {"level": "info", "state": "changed", "host": name,
                     "family": 4, "added": after[1], "removed": before[0],
                     "n": 2, "changes": 1, "circuit": None}, shown)
    expect(all(row["outcome"] == "replied" for row in rows),
           "an address that is there no more is no failure: " +
           str([row for row in rows if row["outcome"] != "replied"]))
    expect(rows[-1]["seq"] > old, rows[-1])


def route(lab, *words):
    done = lab.branch("ip", *words)
    expect(done.returncode == 0, done.stderr)


@case
def gateway_is_the_router(lab):
    dev = lab.env["LAB_BRANCH_DEV"]
    rows = probe(lab, "icmp://gateway", "--count", "1", wanted=(1,))
    expect({row["reason"] for row in rows if row["type"] == "sample"} ==
           {"no_route"}, rows)
    route(lab, "-6", "route", "add", "default", "via", "fd78::1")
    rows = probe(lab, "icmp://gateway", "--count", "2")
    expect({row["address"] for row in rows if row["type"] == "sample"} ==
           {"fd78::1"}, rows)
    route(lab, "route", "add", "default", "via", "10.78.0.1")
    with Folder(lab, "gateway") as folder:
        folder.write([target("router", "gateway", "icmp", "tcp",
                             circuits=["wan", "own", "gone"]),
                      target("router6", "gateway", "icmp", family=6)],
                     circuits=[{"name": "wan", "source": dev},
                               {"name": "own", "source": "10.78.0.2"},
                               {"name": "gone", "source": "nosuch0"}])
        folder.start("--duration", "3s")
        expect(folder.wait(30) == 0, folder.said())
        rows = [row for row in folder.rows() if row["type"] == "sample"]
    seen = {(row["target"], row.get("circuit"), row["probe"],
             row.get("address"), row["outcome"], row.get("reason"))
            for row in rows}
    expect(seen == {
        *(("router", circuit, kind, "10.78.0.1", "replied", None)
          for circuit in ("wan", "own") for kind in ("icmp", "tcp")),
        *(("router", "gone", kind, None, "failed", "no_source")
          for kind in ("icmp", "tcp")),
        ("router6", None, "icmp", "fd78::1", "replied", None)}, seen)
    expect({row["host"] for row in rows} == {"gateway"}, rows[0])


main("--ping-socket")
