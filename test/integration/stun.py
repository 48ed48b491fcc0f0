#!/usr/bin/env python3
"""STUN probes against coturn in the edge: round trips beside those of ICMP over
the same wire, the mapped address, bursts, one that is silent and one that
refuses."""
import os
import shutil
import statistics
import subprocess
import sys

sys.path.insert(0, f"{os.path.dirname(os.path.abspath(__file__))}/../lib")
from labtest import RELEASE, Folder, await_it, case, expect, main, probe
from lab import address

RELAY4, RELAY6 = address(20, 78, 4), address(20, 78, 6)


class Relay:
    """coturn, without its relays: it answers Binding requests."""

    def __init__(self, lab):
        self.log = f"{lab.folder}/turnserver.log"
        self.db = f"{lab.folder}/turnserver.db"
        with open(self.log, "wb") as log:
            self.it = subprocess.Popen(
                ["ip", "netns", "exec", lab.env["LAB_EDGE_NS"], "turnserver",
                 "-n", "--stun-only", "--no-tls", "--no-dtls", "--no-cli",
                 "--no-rfc5780", "--no-stun-backward-compatibility",
                 "--log-file=stdout", f"--userdb={self.db}",
                 f"--pidfile={lab.folder}/turnserver.pid", "-p", "3478",
                 "-L", RELAY4, "-L", RELAY6],
                stdin=subprocess.DEVNULL, stdout=log,
                stderr=subprocess.STDOUT)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.it.kill()
        self.it.wait()

    def await_ready(self, lab):
        def answers():
            expect(self.it.poll() is None, open(self.log).read())
            done = lab.branch(RELEASE, "probe", "--json", "--count", "1",
                              "--timeout", "300ms", f"stun://{RELAY4}",
                              f"stun://[{RELAY6}]")
            return done.stdout.count('"outcome":"replied"') == 2
        await_it(answers, 20, "coturn answers")


def with_relay(function):
    def run_it(lab):
        with Relay(lab) as relay:
            relay.await_ready(lab)
            function(lab)
    run_it.__name__ = function.__name__
    return case(run_it)


@with_relay
def a_relay_is_as_far_as_by_icmp(lab):
    for family, relay in (4, RELAY4), (6, f"[{RELAY6}]"):
        rows = probe(lab, f"stun://{relay}", f"icmp://{relay}", "--count", 40,
                     "--interval", "50ms", program=RELEASE)
        rtt = {kind: [float(row["rtt_us"]) for row in rows
                      if row["probe"] == kind] for kind in ("stun", "icmp")}
        expect(len(rtt["stun"]) == len(rtt["icmp"]) == 40, rows)
        own = lab.env[f"LAB_BRANCH_ADDR{family}"]
        for row in rows:
            expect(row["stamp"] in ("kernel", "mixed") and row["ttl"] == 64 and
                   row["rtt_us"] >= 20000 and row["family"] == family, row)
            if row["probe"] == "stun":
                expect(row["egress_address"] == own and
                       61000 <= row["egress_port"] < 65536 and
                       row["port"] == 3478, row)
        # it begins to stamp a moment after it was first asked to
        stamped = sum(row["stamp"] == "kernel" for row in rows)
        expect(stamped > 0.8 * len(rows), f"{stamped} of {len(rows)}")
        ports = {row["egress_port"] for row in rows if row["probe"] == "stun"}
        expect(len(ports) == 1, f"one flow has the ports {ports}")
        stun, icmp = (statistics.median(rtt[kind]) for kind in rtt)
        print(f"# IPv{family}: stun {stun:.0f} us, icmp {icmp:.0f} us")
        # a process in the edge answers one of them, its kernel the other
        expect(abs(stun - icmp) < 0.05 * icmp, f"{stun} and {icmp}")


@with_relay
def a_burst_of_a_call_comes_back_whole(lab):
    """50 packets a second, as a call has them."""
    targets = [{"name": "relay", "host": RELAY4, "probes": ["stun"],
                "interval": "3s", "count": 100, "spacing": "20ms",
                "timeout": "1s"},
               {"name": "fresh", "host": RELAY4, "probes": ["stun"],
                "interval": "500ms", "fresh_flow": 2, "timeout": "1s"}]
    with Folder(lab, "call") as f:
        f.write(targets).start("--duration", "6s")
        f.wait(30)
        rows = [row for row in f.rows() if row["type"] == "sample"]
        call = [row for row in rows if row["target"] == "relay" and
                row.get("reason") not in ("missed", "unmeasured")]
        expect(len(call) >= 100, f"{len(call)} samples")
        expect(all(row["outcome"] == "replied" for row in call),
               [row for row in call if row["outcome"] != "replied"][:3])
        sent = sorted(row["ts_us"] for row in call)
        apart = statistics.median(b - a for a, b in zip(sent, sent[1:]))
        expect(apart < 25000, f"{apart} us apart, not 20 of 30 ms")
        own = lab.env["LAB_BRANCH_ADDR4"]
        expect(all(row["egress_address"] == own and row["egress_port"] > 1023
                   for row in call), call[0])
        fresh = [row for row in rows if row["target"] == "fresh"]
        some = [row for row in fresh if "fresh_flow" in row.get("flags", "")]
        expect(0 < len(some) < len(fresh), f"{len(some)} of {len(fresh)}")
        text = f.ask("report", "--store", f.store).stdout
        expect("stun" in text, text)


ABROAD = {"name": "Ashburn hub", "latitude": 39.04, "longitude": -77.49}
NEARBY = {"name": "office", "latitude": 52.3, "longitude": 5}


def ip(lab, *command):
    subprocess.run(["ip", "-n", lab.env["LAB_BRANCH_NS"], *command],
                   check=True)


def source(lab, addr):
    ip(lab, "route", "change", "10.79.0.0/16", "dev",
       lab.env["LAB_BRANCH_DEV"], "src", addr)


@with_relay
def a_line_tells_where_it_comes_from(lab):
    """From a hub abroad at first, then from the office itself."""
    dev, own, other = lab.env["LAB_BRANCH_DEV"], \
        lab.env["LAB_BRANCH_ADDR4"], "10.78.0.77"
    ip(lab, "addr", "add", f"{other}/24", "dev", dev)
    with Folder(lab, "egress", RELEASE) as f:
        f.write([{"name": "relay", "host": RELAY4, "probes": ["stun"],
                  "interval": "200ms", "fresh_flow": 1}],
                site={"name": "Amsterdam", "latitude": 52.37,
                      "longitude": 4.9},
                circuits=[{"name": "dsl", "provider": "KPN", "source": dev}],
                dns={"whoami": "silent.lab.test",
                     "origin": "asn.lab.test"},
                places=[{**ABROAD, "prefixes": ["10.78.0.0/24", "10.79.0.0/16",
                                                "fd79::/48"]},
                        {**NEARBY, "prefixes": [f"{other}/32"]}])
        f.start()
        try:
            await_it(lambda: told(f, "egress_far", state="open",
                                  circuit="dsl", provider="KPN",
                                  egress_address=own, place="Ashburn hub"),
                     30, "an egress abroad")
            # what the whoami service of the lab says of whoever asks
            await_it(lambda: told(f, "resolver_far", state="open",
                                  circuit="dsl", place="Ashburn hub"),
                     30, "a name server abroad")
            await_it(lambda: fact(f, "Ashburn hub", own), 30, "it is a fact")
            source(lab, other)
            await_it(lambda: told(f, "egress_changed", state="changed",
                                  circuit="dsl", from_address=own,
                                  to_address=other), 30, "another address")
            await_it(lambda: told(f, "egress_far", state="closed",
                                  egress_address=other, place="office"),
                     30, "an egress at home")
        finally:
            source(lab, own)
            ip(lab, "addr", "del", f"{other}/24", "dev", dev)
        f.end()


def rows_of(folder):
    return folder.rows() if os.path.exists(folder.store) else []


def told(folder, event, **members):
    return any(row.get("event") == event and members.items() <= row.items()
               for row in rows_of(folder))


def fact(folder, place, addr):
    # its network as the service of the lab says
    wanted = {"circuit": "dsl", "egress_place": place, "egress_address": addr,
              "provider": "KPN", "egress_asn": 64500,
              "egress_provider": "EXAMPLE Example, NL"}
    return any(row.get("part") == "circuit" and "egress_km" in row and
               wanted.items() <= row.items() and
               6000 < row["egress_km"] < 6400 for row in rows_of(folder))


@case
def who_does_not_answer(lab):
    closed, silent = address(20, 79, 4), "silent.lab.test"
    rows = probe(lab, f"stun://{closed}", f"stun://{silent}", "-4", "--count",
                 2, "--interval", "100ms", "--timeout", "500ms", wanted=(1,))
    said = {(row["host"], row["outcome"], row["reason"]) for row in rows}
    expect(said == {(closed, "unreachable", "port_unreachable"),
                    (silent, "lost", "timeout")}, said)


if not shutil.which("turnserver"):
    print("turnserver (coturn) is not installed")
    sys.exit(77)
main("--ping-socket")
