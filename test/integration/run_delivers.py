#!/usr/bin/env python3
"""A whole run: 100 targets of the lab, all kinds, to a collector, to a dead
one and to a directory; and that store, deliveries and report say the same.

15 s; LONG=1: 60 s.
"""
import collections
import csv
import io
import json
import os
import re
import sys

sys.path.insert(0, f"{os.path.dirname(os.path.abspath(__file__))}/../lib")
from labtest import (RELEASE, SANITIZED, Folder, canon, case, expect, main,
                     probe)
import contract
from collector import Collector, rows_of
from truth import Truth

SECONDS = 60 if os.environ.get("LONG") else 15
TARGETS = [f"t{i:03}.lab.test" for i in range(100)]
FAMILIES = (4, 6)
COLLECTOR = "t920.lab.test", "10.79.1.123"
SITE = {"site": "Amsterdam office", "country": "NL", "metro": "Amsterdam",
        "circuit": "fibre", "provider": "KPN", "prefix": "203.0.113.0/24"}
RUN = {}  # what the first case leaves for the others


def configure(lab, folder, port):
    folder.write(
        [{"name": name.split(".")[0], "host": name, "interval": "1s",
          "family": FAMILIES[i % 2]} for i, name in enumerate(TARGETS)],
        [{"name": "hq", "url": f"https://{COLLECTOR[0]}:{port}/ingest?a=b",
          "interval": "1s"},
         {"name": "dead", "url": "https://silent.lab.test/", "interval": "1s"},
         {"name": "kept", "url": f"file://{folder.path}/kept/",
          "interval": "1s"}],
        site={"name": SITE["site"], "country": "NL", "metro": "Amsterdam",
              "latitude": 52.37, "longitude": 4.9},
        circuits=[{"name": "fibre", "provider": "KPN",
                   "source": lab.env["LAB_BRANCH_DEV"],
                   "prefix": SITE["prefix"]}])
    folder.ask("check-config", folder.config)


@case
def every_row_is_delivered(lab):
    folder = Folder(lab, "run", RELEASE)
    tls = lab.env["LAB_TLS_CERT"], lab.env["LAB_TLS_KEY"]
    with folder, Collector(lab.env["LAB_EDGE_NS"], COLLECTOR[1],
                           tls=tls) as there:
        configure(lab, folder, there.port)
        folder.start("--duration", f"{SECONDS}s")
        status = folder.wait(SECONDS + 60)
        expect(status == 0, f"exit {status}: {folder.said()}")
    folder.program = SANITIZED
    rows = folder.rows()
    RUN.update(folder=folder, rows=rows, requests=there.taken())
    delivered = there.rows()
    print(f"# {len(rows)} rows in the store, {len(delivered)} delivered in "
          f"{len(RUN['requests'])} requests, {SECONDS} s")
    expect(canon(delivered) == canon(rows), "the collector has other rows")
    expect(not there.failures, there.failures)
    stores = contract.audit(rows)
    expect(list(stores) == [("lab-01", rows[0]["epoch"])], list(stores))
    expect(rows[0]["seq"] == 1 and rows[0]["type"] == "boot", rows[0])
    expect("destination=dead" in folder.said() and
           "destination=hq" not in folder.said() and
           "destination=kept" not in folder.said(), folder.said())


@case
def every_target_was_measured_by_every_kind(_):
    seen = collections.Counter()
    for row in RUN["rows"]:
        # The lab's edge is nearer than light allows, and events say so.
        expect(row["type"] in ("sample", "boot", "self", "event"), row)
        if row["type"] != "sample":
            continue
        expect({key: row.get(key) for key in SITE} == SITE, row)
        if row["outcome"] == "replied":
            seen[row["host"], row["probe"], row["family"]] += 1
    for i, name in enumerate(TARGETS):
        for kind in "icmp", "tcp", "https":
            n = seen.pop((name, kind, FAMILIES[i % 2]), 0)
            expect(SECONDS * 0.8 <= n <= SECONDS + 1,
                   f"{n} replies of {name} to {kind} in {SECONDS} s")
    expect(not seen, f"not asked for: {seen}")


@case
def the_rows_say_where_the_branch_is(_):
    said = [{key: value for key, value in row.items()
             if key not in contract.IDENTITY}
            for row in RUN["rows"] if row["type"] == "self" and
            row["part"] in ("site", "circuit")]
    place = {key: SITE[key] for key in ("site", "country", "metro")}
    line = {key: SITE[key] for key in ("circuit", "provider", "prefix")}
    # STUN tells nothing here
    expect(canon(said) == canon([
        {"part": "site", **place, "latitude": "52.37", "longitude": "4.9"},
        {"part": "circuit", **line}]), said)


@case
def requests_are_as_promised(_):
    keys = set()
    for request in RUN["requests"]:
        rows = rows_of(request)
        first, last = rows[0]["seq"], rows[-1]["seq"]
        wanted = {"x-edgeprobe-schema": "1",
                  "content-type": "application/x-ndjson",
                  "content-encoding": "gzip",
                  "idempotency-key":
                      f"lab-01-{rows[0]['epoch']}-{first}-{last}"}
        said = {name: request.headers.get(name) for name in wanted}
        expect(said == wanted, f"{said}, not {wanted}")
        expect(request.path == "/ingest?a=b" and
               "authorization" not in request.headers, request.path)
        expect([row["seq"] for row in rows] == list(range(first, last + 1)),
               "out of order")
        keys.add(said["idempotency-key"])
    expect(len(keys) == len(RUN["requests"]), "a key was used twice")


@case
def the_directory_has_the_same(_):
    kept = f"{RUN['folder'].path}/kept"
    rows = []
    for name in sorted(os.listdir(kept)):
        expect(re.fullmatch(r"lab-01-[0-9a-f]{16}-\d{20}-\d+\.ndjson", name),
               f"{name} is in the directory")
        with open(f"{kept}/{name}", "rb") as f:
            rows += contract.parse_all(f.read())
    expect(canon(rows) == canon(RUN["rows"]), "the directory has other rows")
    expect([row["seq"] for row in rows] ==
           sorted(row["seq"] for row in rows), "names do not sort")


# --- the report

def truth_of_groups():
    groups = collections.defaultdict(list)
    for row in RUN["rows"]:
        if row["type"] == "sample":
            groups[row["target"], row["probe"]].append(row)
    return groups


def report(*options):
    folder = RUN["folder"]
    return folder.ask("report", "--store", folder.store, *options).stdout


def check_group(said, rows):
    """`said`: the report's numbers as floats, by the names in its JSON."""
    rtts = sorted(float(row["rtt_us"]) for row in rows if "rtt_us" in row)
    lost = sum(row["outcome"] == "lost" for row in rows)
    asked = sum(row["outcome"] != "failed" for row in rows)
    wanted = {"sent": len(rows), "answered": len(rtts), "lost": lost,
              "rtt_min_us": rtts[0], "rtt_max_us": rtts[-1]}
    expect({key: said[key] for key in wanted} == wanted,
           f"{said}, not {wanted}")
    expect(abs(said["loss_percent"] - 100 * lost / asked) < 0.001, said)
    for key, part in (("rtt_p50_us", 0.5), ("rtt_p90_us", 0.9)):
        near = max(0, int(part * len(rtts)) - 1)
        low, high = rtts[near] * 0.995, \
            rtts[min(near + 1, len(rtts) - 1)] * 1.005
        expect(low <= said[key] <= high,
               f"{key} is {said[key]}, not {low} to {high}")


def numbers(group):
    return {key: float(value) for key, value in group.items()
            if re.fullmatch(r"-?[\d.]+", str(value))}


@case
def the_report_agrees_with_the_rows(_):
    groups = truth_of_groups()
    told = json.loads(report("--format", "json"))
    expect(told["samples"] == sum(map(len, groups.values())), told["samples"])
    table = list(csv.DictReader(io.StringIO(report("--format", "csv"))))
    for said in told["groups"], table:
        expect({(g["target"], g["probe"]) for g in said} == set(groups) and
               len(said) == len(groups), "other groups")
        for group in said:
            check_group(numbers(group),
                        groups[group["target"], group["probe"]])
    by_pop = json.loads(report("--format", "json", "--by", "pop"))["groups"]
    pops = collections.Counter(row.get("pop") for rows in groups.values()
                               for row in rows)
    expect({g.get("pop"): g["sent"] for g in by_pop} == dict(pops), by_pop)


@case
def the_report_for_people_agrees_too(_):
    groups = truth_of_groups()
    text = report()
    expect("\033" not in text, "colour where there is no terminal")
    widest = max(map(len, text.splitlines()[1:]))
    expect(widest <= 100, f"a line of {widest} columns")
    target, found = None, set()
    for line in text.split("\n\n")[1].splitlines()[1:]:
        words = line.split()
        if len(words) == 11:
            target = words.pop(0)
        if len(words) != 10 or words[0] not in ("icmp", "tcp", "https"):
            continue
        rows = groups[target, words[0]]
        rtts = [float(row["rtt_us"]) for row in rows if "rtt_us" in row]
        wanted = [str(len(rows)), str(len(rtts)), f"{min(rtts) / 1000:.3f}",
                  f"{max(rtts) / 1000:.3f}"]
        expect([words[i] for i in (1, 2, 4, 8)] == wanted,
               f"{line}: not {wanted}")
        found.add((target, words[0]))
    expect(found == set(groups), f"not in the text: {set(groups) - found}")


@case
def round_trips_are_those_of_the_wire(lab):
    rows = RUN["rows"]
    record = lab.record(*{row["address"] for row in rows if "address" in row})
    truth = Truth(record, rows)
    truth.show()
    print("# ", end="")
    truth.show(("https",))
    for kind in "icmp", "tcp", "https":
        truth.sane(kind)


@case
def nothing_to_report_is_said(lab):
    folder = RUN["folder"]
    folder.ask("report", "--store", folder.store, "--until", "1h", wanted=(1,))
    folder.ask("report", "--store", f"{folder.path}/none", wanted=(74,))
    folder.ask("report", "--store", folder.store, "--by", "colour",
               wanted=(64,))
    folder.ask("report", "--store", folder.store, "--format", "xml",
               wanted=(64,))
    folder.ask("export", "--store", f"{folder.path}/none", wanted=(74,))
    expect(probe(lab, "icmp://t001.lab.test", "--count", 1), "the lab")


main("--ping-socket")
