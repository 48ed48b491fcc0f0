#!/usr/bin/env python3
"""`edgeprobe probe` in the lab: what it says of every kind of edge."""
import os
import re
import signal
import subprocess
import sys
import tempfile
import time

sys.path.insert(0, f"{os.path.dirname(os.path.abspath(__file__))}/../lib")
from labtest import (RELEASE, SANITIZED, await_it, case, expect, main, probe,
                     sound)
from lab import address, count
from truth import Truth

QUICK = ("--count", 3, "--interval", "100ms", "--timeout", "500ms")
ONCE = ("--count", 1, "--timeout", "1s")


def only(rows, **wanted):
    """The rows of these values; there must be some."""
    found = [row for row in rows
             if all(row.get(key) == value for key, value in wanted.items())]
    expect(found, f"no row with {wanted} in {rows}")
    return found


def all_are(rows, n, **wanted):
    expect(len(rows) == n and len(only(rows, **wanted)) == n,
           f"not {n} with {wanted}: {rows}")


@case
def round_trips_are_those_of_the_wire(lab):
    for family in 4, 6:
        where = {"t013.lab.test": address(14, 100, family),
                 "t039.lab.test": address(40, 100, family)}
        rows = probe(lab, *where, f"-{family}", "--count", 40, "--interval",
                     "100ms", program=RELEASE)
        truth = Truth(lab.record(*where.values()), rows)
        all_are(rows, 240, outcome="replied", family=family, stamp="kernel")
        expect({(row["host"], row["address"]) for row in rows} ==
               set(where.items()), "other addresses")
        print(f"# IPv{family}: ", end="")
        truth.show(("icmp", "tcp", "https"))
        for kind in "icmp", "tcp", "https":
            truth.sane(kind)
        for row in rows:
            least = 14000 if row["host"] == "t013.lab.test" else 40000
            expect(row["rtt_us"] >= least, f"earlier than possible: {row}")
            expect(row["probe"] != "icmp" or row["ttl"] == 64, row)
            expect(row["probe"] == "icmp" or row["retransmits"] == 0, row)


@case
def a_refusal_is_timed_but_no_reply(lab):
    for family in 4, 6:
        rows = probe(lab, "tcp://refused.lab.test", f"-{family}", *QUICK,
                     wanted=(1,))
        all_are(rows, 3, outcome="refused", reason="tcp_reset", family=family)
        expect(all(6000 <= row["rtt_us"] < 400000 for row in rows), rows)
    rows = probe(lab, "https://t001.lab.test:8444/", *ONCE, wanted=(1,))
    all_are(rows, 1, outcome="refused", reason="tcp_reset", port=8444)


@case
def silence_is_lost_after_the_timeout(lab):
    reasons = {"icmp": "timeout", "tcp": "timeout", "https": "connect_timeout"}
    for family in 4, 6:
        began = time.monotonic()
        rows = probe(lab, "silent.lab.test", f"-{family}", *QUICK,
                     wanted=(1,))
        took = time.monotonic() - began
        all_are(rows, 9, outcome="lost")
        for kind, reason in reasons.items():
            all_are(only(rows, probe=kind), 3, reason=reason)
        expect(took >= 0.7, f"given up after {took} s")
    rows = probe(lab, "icmpsilent.lab.test", *ONCE)
    all_are(only(rows, probe="icmp"), 1, outcome="lost")
    all_are(only(rows, outcome="replied"), 2)


@case
def what_routers_answer(lab):
    kinds = (("prohibited", {"admin_prohibited"}),
             ("hostunreach", {"host_unreachable"}),
             ("netunreach", {"net_unreachable"}))
    for family in 4, 6:
        for name, words in kinds:
            rows = probe(lab, f"{name}.lab.test", f"-{family}", *QUICK,
                         wanted=(1,))
            all_are(rows, 9, outcome="unreachable", family=family)
            for kind in "icmp", "tcp":
                said = {row["reason"] for row in only(rows, probe=kind)}
                expect(said == words, f"{name} {kind} {family}: {said}")
            # libcurl has only the errno of its socket
            said = {row["reason"] for row in only(rows, probe="https")}
            expect(said <= words | {"host_unreachable", "admin_prohibited"},
                   f"{name} https {family}: {said}")


@case
def a_lost_syn_is_no_second(lab):
    for family in 4, 6:
        name = "firstsyn.lab.test"
        rows = probe(lab, f"tcp://{name}", f"https://{name}",
                     f"-{family}", "--count", 2, "--interval", "100ms",
                     "--timeout", "4s", wanted=(0, 1))
        expect(len(rows) == 4, rows)
        for row in rows:
            expect(row["retransmits"] >= 1, row)
            expect("rtt_us" not in row or 6000 <= row["rtt_us"] < 900000,
                   f"the retransmission's second was measured: {row}")
        syns = count(lab.record(address(6, 6, family)), "syn")
        expect(syns >= 8, f"{syns} SYNs")


@case
def a_reply_that_comes_twice(lab):
    for family in 4, 6:
        rows = probe(lab, "icmp://duplicate.lab.test", f"-{family}", "--count",
                     4, "--interval", "200ms")
        samples, again = only(rows, type="sample"), only(rows, type="late")
        all_are(samples, 4, outcome="replied")
        expect(len(again) >= 3, f"{len(again)} of 3 duplicates were told")
        all_are(again, len(again), flags="duplicate", family=family)
        expect({row["of"] for row in again} <=
               {row["seq"] for row in samples}, rows)


@case
def a_reply_after_its_loss_was_told(lab):
    rules = open(lab.env["LAB_RULES"], encoding="utf-8").read()
    late = "".join(f"{address(5, 100, family)} icmp in.delay=600ms\n"
                   for family in (4, 6))
    expect(lab.rules(rules + late).returncode == 0, "rules")
    for family in 4, 6:
        rows = probe(lab, "icmp://t004.lab.test", f"-{family}", "--count", 8,
                     "--interval", "200ms", "--timeout", "300ms", wanted=(1,))
        all_are(only(rows, type="sample"), 8, outcome="lost",
                reason="timeout")
        told = only(rows, type="late")
        expect(len(told) >= 5, f"{len(told)} late ones of 8")
        for row in told:
            expect(600000 < row["rtt_us"] < 2000000 and
                   row["stamp"] == "kernel" and "flags" not in row, row)
    lab.rules(rules)


@case
def a_reply_that_was_spoilt_is_lost(lab):
    rows = probe(lab, "icmp://corrupt.lab.test", "--count", 30, "--interval",
                 "20ms", "--timeout", "400ms")
    expect({row["outcome"] for row in rows} == {"replied", "lost"}, rows)
    replies = count(lab.record(address(6, 12, 4)), "reply")
    expect(len(only(rows, outcome="replied")) <= replies, "more than came")


@case
def names_that_do_not_answer(lab):
    wanted = {"nx.lab.test": "dns_nxdomain", "servfail.test": "dns_servfail"}
    for name, reason in wanted.items():
        rows = probe(lab, name, *QUICK, wanted=(1,))
        all_are(rows, 9, outcome="failed", reason=reason)
        expect(not [row for row in rows if "address" in row], rows)
    for name, family, other in (("v4only.lab.test", 4, 6),
                                ("v6only.lab.test", 6, 4)):
        all_are(probe(lab, name, f"-{family}", *ONCE), 3, outcome="replied",
                family=family)
        all_are(probe(lab, name, *ONCE), 3, outcome="replied", family=family)
        all_are(probe(lab, name, f"-{other}", *ONCE, wanted=(1,)), 3,
                outcome="failed", reason="dns_nodata")


@case
def a_name_without_answer_delays_no_other(lab):
    rows = probe(lab, "tcp://unanswered.test", "icmp://t002.lab.test",
                 "tcp://t003.lab.test", "--count", 5, "--interval", "200ms",
                 "--timeout", "500ms", timeout=120)
    dead = only(rows, host="unanswered.test")
    all_are(dead, 5, outcome="failed", reason="dns_timeout")
    for host in "t002.lab.test", "t003.lab.test":
        live = only(rows, host=host)
        all_are(live, 5, outcome="replied")
        expect(max(row["seq"] for row in live) <
               min(row["seq"] for row in dead), "they waited for the dead")


@case
def addresses_need_no_names(lab):
    rows = probe(lab, "10.79.4.10", "icmp://fd79:0:0:4::10",
                 "tcp://[fd79:0:0:4::10]:80", "tcp://10.79.4.10:80", *ONCE)
    expect("dns_us" not in {key for row in rows for key in row}, rows)
    expect(len(only(rows, port=80)) == 2, rows)
    # the certificate is of names
    all_are(only(rows, probe="https"), 1, outcome="failed",
            reason="tls_name_mismatch")
    rows = probe(lab, "192.0.2.1", *ONCE, wanted=(1,))
    all_are(rows, 3, outcome="failed", reason="no_route")
    rows = probe(lab, "10.79.4.10", "--source", "nowhere0", *ONCE, wanted=(1,))
    all_are(rows, 3, outcome="failed", reason="no_source")
    rows = probe(lab, "icmp://10.79.4.10", "tcp://10.79.4.10", "--source",
                 lab.env["LAB_BRANCH_ADDR4"], *ONCE)
    all_are(rows, 2, outcome="replied")
    rows = probe(lab, "icmp://t001.lab.test", "--source",
                 lab.env["LAB_BRANCH_DEV"], *ONCE)
    all_are(rows, 1, outcome="replied")


@case
def certificates_are_always_verified(lab):
    wanted = {"expired": "tls_expired", "wrongname": "tls_name_mismatch",
              "selfsigned": "tls_untrusted", "untrusted": "tls_untrusted"}
    rows = probe(lab, *(f"https://{name}.lab.test" for name in wanted), *ONCE,
                 wanted=(1,))
    for name, reason in wanted.items():
        all_are(only(rows, host=f"{name}.lab.test"), 1, outcome="failed",
                reason=reason)
    rows = probe(lab, "https://t001.lab.test", *ONCE, wanted=(1,), ca=False)
    all_are(rows, 1, outcome="failed", reason="tls_untrusted")
    rows = probe(lab, "https://soon.lab.test", "https://tls12.lab.test",
                 "https://http1.lab.test", *ONCE)
    all_are(rows, 3, outcome="replied",
            tls_issuer="Microsoft Corporation (edgeprobe lab)")
    expect(only(rows, host="soon.lab.test")[0]["tls_days_left"] in (4, 5),
           rows)
    rows = probe(lab, "https://t001.lab.test:80/", *ONCE, wanted=(1,))
    all_are(rows, 1, outcome="failed", reason="tls_failed")


@case
def any_http_answer_is_a_reply_and_is_bounded(lab):
    statuses = {"204": 204, "404": 404, "503": 503, "redirect": 302,
                "login": 200, "large": 200, "endless": 200}
    rows = probe(lab, *(f"https://t001.lab.test/lab/{path}"
                        for path in statuses), "--count", 1)
    for path, status in statuses.items():
        all_are(only(rows, target=f"https://t001.lab.test/lab/{path}"), 1,
                outcome="replied", http_status=status)
    syns = count(lab.record(address(2, 100, 4)), "syn")
    rows = probe(lab, "https://t001.lab.test/lab/redirect", *ONCE)
    again = count(lab.record(address(2, 100, 4)), "syn")
    expect(again == syns + 1, "the redirect was followed")
    rows = probe(lab, "https://t001.lab.test/lab/stuck",
                 "https://t001.lab.test/lab/drip",
                 "https://t001.lab.test/lab/headers", *ONCE, wanted=(0, 1))
    all_are(only(rows, target="https://t001.lab.test/lab/stuck"), 1,
            outcome="lost", reason="http_timeout")
    all_are(only(rows, target="https://t001.lab.test/lab/headers"), 1,
            outcome="failed", reason="response_too_large")
    drip = only(rows, target="https://t001.lab.test/lab/drip")[0]
    expect(drip["outcome"] in ("lost", "replied") and
           drip.get("total_us", 0) < 3000000, drip)


@case
def pops_by_the_header_they_are_in(lab):
    wanted = {
        "outlook.office365.com": ("AMS", "X-FirstHopCafeEFZ", "^AMS$"),
        "teams.microsoft.com": ("FRA", "X-MSEdge-Ref", "Ref B: FRA2611"),
        "www.bing.com": ("PAR", "X-MSEdge-Ref", "Ref B: PAREDGE0418 "),
        "management.azure.com": ("STO", "X-MSEdge-Ref", "Ref B: STO"),
        "t007.lab.test": ("BRU", "X-Azure-Ref", "hC1BRU"),
        "login.microsoftonline.com": (None, None, None),
    }
    rows = probe(lab, *(f"https://{name}" for name in wanted),
                 "https://outlook.office.com/owa/",
                 "https://fpc.msedge.net/apc/trans.gif", *ONCE)
    for name, (pop, source, ref) in wanted.items():
        row = only(rows, host=name)[0]
        expect("total_us" in row, row)
        expect((row.get("pop"), row.get("pop_source")) == (pop, source), row)
        expect(ref is None or re.search(ref, row["pop_ref"]), row)
    all_are(only(rows, host="outlook.office.com"), 1, http_status=401,
            pop="AMS")
    all_are(only(rows, host="fpc.msedge.net"), 1, http_status=200, pop="AMS")


@case
def the_ways_it_ends(lab):
    def ask(*words, wanted):
        return sound(lab.branch(SANITIZED, "probe", *words), wanted)

    usage = {
        "t001.lab.test:80": "port", "tcp://t001.lab.test/path": "path",
        "https://t001.lab.test/\u00fc": "percent",
        "https://[t001.lab.test]/": "brackets",
    }
    for target, words in usage.items():
        done = ask(target, *ONCE, wanted=64)
        expect(words in done.stderr and not done.stdout,
               f"{target!r}: {done.stderr}")
    ask("-4", "-6", "t001.lab.test", *ONCE, wanted=64)
    done = ask("icmp://t001.lab.test", *QUICK, wanted=0)
    expect(re.search(r"(?m)^icmp +t001\.lab\.test +3 +3 +0 +0\.0% ",
                     done.stdout), done.stdout)
    done = ask("icmp://silent.lab.test", *QUICK, wanted=1)
    expect("100.0%" in done.stdout and "timeout" in done.stdout, done.stdout)
    done = ask("--ca-file", "/nonexistent", "https://t001.lab.test", *ONCE,
               wanted=74)
    expect("/nonexistent" in done.stderr, done.stderr)


@case
def control_c_gives_the_summary(lab):
    for number in signal.SIGINT, signal.SIGTERM:
        for target, status in ("icmp://t001.lab.test", 0), \
                ("tcp://refused.lab.test", 1):
            end_after_lines(lab, target, number, status)


def end_after_lines(lab, target, number, status):
    with tempfile.TemporaryFile("w+") as out, \
            tempfile.TemporaryFile("w+") as err, subprocess.Popen(
                ["ip", "netns", "exec", lab.env["LAB_BRANCH_NS"], SANITIZED,
                 "probe", "--interval", "50ms", target],
                stdin=subprocess.DEVNULL, stdout=out, stderr=err) as running:
        def text(file):
            file.seek(0)
            return file.read()
        try:
            await_it(lambda: text(out).count(" ms") >= 3, 20, "three lines")
            running.send_signal(number)
            running.wait(20)
        finally:
            running.kill()
        expect("jitter" in text(out) and running.returncode == status and
               not text(err), f"{target}: {running.returncode} {text(err)}"
               f"{text(out)}")


main("--ping-socket")
