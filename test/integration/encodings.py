#!/usr/bin/env python3
"""Every row in every encoding: one agent, and an engine of each kind that
answers as its maker documents it, first with trouble."""
import collections
import decimal
import os
import sys

sys.path.insert(0, f"{os.path.dirname(os.path.abspath(__file__))}/../lib")
from labtest import Folder, await_it, canon, case, expect, main
from lab import address
import contract
from collector import LOGIN, status
from engines import Elastic, Otlp, Splunk, attributes, say

HERE = "127.0.0.1"  # engines stand in the branch itself, without TLS
TARGETS = [
    {"name": "near", "host": "t001.lab.test", "probes": ["icmp", "tcp",
                                                         "https"],
     "interval": "200ms", "family": 4},
    {"name": "six", "host": "t002.lab.test", "probes": ["icmp"],
     "interval": "200ms", "family": 6},
    {"name": "late", "host": "t004.lab.test", "probes": ["icmp"],
     "interval": "500ms", "timeout": "300ms", "family": 4},
    {"name": "gone", "host": "unanswered.test", "probes": ["tcp"],
     "interval": "500ms", "timeout": "300ms"},
]
RUN = {}  # what the first case leaves for the others


def first(*answers):
    return lambda request, n: answers[n] if n < len(answers) else status()


def refused(document):
    return document["type"] == "sample" and document["seq"] in (7, 8, 9, 21)


def declared(rows):
    """Rows that gap rows stand for."""
    return sum(row["last"] - row["first"] + 1 for row in rows
               if row["type"] == "gap")


def set_answers(engines):
    engines["elastic"].busy = 2
    engines["elastic"].refuse = refused
    engines["elastic"].answer = first(
        say(429, {"error": {"type": "es_rejected_execution_exception"}}))
    engines["splunk"].answer = first(
        say(503, {"text": "Server is busy", "code": 9}),
        say(400, {"text": "Incorrect index", "code": 7}))
    engines["logs"].answer = first(
        LOGIN, say(200, {"message": "sign in"}),
        say(503, {"code": 14, "message": "queue is full"}, Retry_After="1"))
    engines["metrics"].partial = {"rejectedDataPoints": "3",
                                  "errorMessage": "out of order"}


def destinations(engines):
    paths = {"elastic": "/edgeprobe/_bulk", "logs": "/v1/logs",
             "splunk": "/services/collector/event", "metrics": "/v1/metrics"}
    words = {"elastic": "elastic-bulk", "splunk": "splunk-hec"}
    return [{"name": name, "interval": "500ms", "gzip": name != "logs",
             "url": f"http://{HERE}:{there.port}{paths[name]}",
             "encoding": words.get(name, "otlp-json"),
             **({"token_file": "token"} if name == "splunk" else {})}
            for name, there in engines.items()]


@case
def each_engine_takes_its_encoding(lab):
    rules = open(lab.env["LAB_RULES"], encoding="utf-8").read()
    late = f"{address(5, 100, 4)} icmp in.delay=600ms\n"  # t004
    expect(lab.rules(rules + late).returncode == 0, "rules")
    folder = Folder(lab, "encodings")
    netns = lab.env["LAB_BRANCH_NS"]
    engines = {"elastic": Elastic(netns, HERE), "splunk": Splunk(netns, HERE),
               "logs": Otlp(netns, HERE), "metrics": Otlp(netns, HERE)}
    set_answers(engines)
    with open(f"{folder.path}/token", "w", encoding="utf-8") as f:
        f.write("wrong\n")
    with folder:
        folder.write(TARGETS, destinations(engines))
        folder.ask("check-config", folder.config)
        folder.start("--duration", "30s")  # at its end it sends all
        folder.await_said("destination=splunk status=403")
        with open(f"{folder.path}/token.new", "w", encoding="utf-8") as f:
            f.write("s3cret\n")
        os.rename(f"{folder.path}/token.new", f"{folder.path}/token")
        for name in "splunk", "logs":
            folder.await_said(f"destination={name} delivering again", 60)
        await_it(lambda: declared(engines["elastic"].rows()) == 4, 60,
                 f"gaps for what was refused: {folder.said()}")
        expect(folder.wait(60) == 0, folder.said())
    for name, there in engines.items():
        there.close()
        expect(not there.failures, f"{name}: {there.failures}")
        print(f"#   {name}: {len(there.requests)} requests")
    rows = folder.rows()
    RUN.update(engines, rows=rows, said=folder.said())
    expect("s3cret" not in folder.said(), "the token is in the log")
    types = collections.Counter(row["type"] for row in rows)
    expect(types["sample"] > 100 and types["late"] > 5 and types["boot"],
           types)


def common(rows):
    """Those that are the same for every destination."""
    return [row for row in rows if row["type"] not in ("gap", "self")]


@case
def elastic_has_each_document_once(_):
    """And gaps for those that it refused."""
    there = RUN["elastic"]
    rows = there.rows()
    contract.audit(rows)
    lost = [row for row in RUN["rows"] if refused(row)]
    expect(lost and canon(common(rows) + lost) == canon(common(RUN["rows"])),
           f"{len(rows)} documents: {RUN['said']}")
    gaps = [row for row in rows if row["type"] == "gap"]
    expect({row["reason"] for row in gaps} == {"refused"} and
           declared(rows) == len(lost), gaps)
    expect("destination=elastic quarantined=" in RUN["said"], RUN["said"])
    expect(there.busy == 0, "no shard was busy")


@case
def splunk_has_each_event(_):
    rows = RUN["splunk"].rows()
    contract.audit(rows)
    expect(canon(common(rows)) == canon(common(RUN["rows"])), RUN["said"])


@case
def log_records_are_the_rows(_):
    got = RUN["logs"].rows()
    wanted = [{key: value for key, value in row.items() if key != "time"}
              for row in RUN["rows"]]
    expect(canon(common(got)) == canon(common(wanted)), RUN["said"])
    seqs = sorted(row["seq"] for row in got)
    expect(seqs == list(range(1, len(seqs) + 1)), "some are missing")
    resource = RUN["logs"].records[0][0]
    expect(resource["service.name"] == "edgeprobe" and
           resource["service.instance.id"] == "lab-01" and
           resource["host.name"], resource)


def total(name, **wanted):
    """Of counters, by attributes."""
    sums = 0
    for _, metric, point in RUN["metrics"].points:
        named = attributes(point) if metric == name else {}
        if named and all(named.get(key.replace("__", ".")) == value
                         for key, value in wanted.items()):
            sums += int(point["asInt"])
    return sums


@case
def metrics_count_every_row(_):
    expect("destination=metrics rejected=3" in RUN["said"], RUN["said"])
    rows = RUN["rows"]
    for kind, n in collections.Counter(r["type"] for r in rows).items():
        if kind not in ("gap", "self"):
            got = total("edgeprobe.rows", edgeprobe__type=kind)
            expect(got == n, f"{got} of {n} rows of type {kind}")
    expect(total("edgeprobe.rows") == len(rows), "another number of rows")
    series = collections.Counter(
        (row["target"], row["probe"], row["outcome"]) for row in rows
        if row["type"] == "sample")
    for (target, probe, outcome), n in series.items():
        got = total("edgeprobe.samples", edgeprobe__target=target,
                    edgeprobe__probe=probe, edgeprobe__outcome=outcome)
        expect(got == n, f"{got} of {n} {target} {probe} {outcome}")


def check_histogram(point):
    counts = [int(n) for n in point.get("positive", {}).get("bucketCounts",
                                                            ())]
    expect(sum(counts) + int(point["zeroCount"]) == int(point["count"]),
           f"buckets do not add up: {point}")
    base = 2 ** 2 ** -point["scale"]
    low = base ** point["positive"]["offset"]
    high = low * base ** len(counts)
    expect(low * 0.999 < point["min"] <= point["max"] < high * 1.001, point)
    expect(int(point["startTimeUnixNano"]) % 60_000_000_000 == 0 and
           0 < int(point["timeUnixNano"]) - int(point["startTimeUnixNano"])
           <= 60_000_000_000, point)


@case
def histograms_have_every_round_trip(_):
    got = collections.defaultdict(lambda: [0, decimal.Decimal(0)])
    for _, metric, point in RUN["metrics"].points:
        if metric == "edgeprobe.rtt":
            check_histogram(point)
            named = attributes(point)
            sums = got[named["edgeprobe.target"], named["edgeprobe.probe"]]
            sums[0] += int(point["count"])
            sums[1] += point["sum"]
    wanted = collections.defaultdict(lambda: [0, decimal.Decimal(0)])
    for row in RUN["rows"]:
        if row["type"] == "sample" and "rtt_us" in row:
            sums = wanted[row["target"], row["probe"]]
            sums[0] += 1
            sums[1] += row["rtt_us"] / decimal.Decimal(1000000)
    expect(dict(got) == dict(wanted), f"{dict(got)}, not {dict(wanted)}")


@case
def requests_are_as_promised(_):
    for name in "elastic", "splunk", "logs", "metrics":
        keys = {}
        for request in RUN[name].requests:
            key = request.headers["idempotency-key"]
            expect(request.headers["x-edgeprobe-schema"] == "1", request)
            expect(keys.setdefault(key, request.body) == request.body,
                   f"{name}: {key} was other bytes")


@case
def wrong_words_are_refused(lab):
    folder = Folder(lab, "words")
    for changes, words in (
            ({"encoding": "otlp"}, ["\"otlp-logs\"", "\"elastic-bulk\""]),
            ({"encoding": "otlp-json"}, ["/v1/logs", "\"otlp-metrics\""]),
            ({"encoding": "splunk-hec"}, ["needs token_file"])):
        folder.write(TARGETS, [{"name": "hq", "url": "https://hq.test/x",
                                **changes}])
        done = folder.ask("check-config", folder.config, wanted=(78,))
        expect(all(word in done.stderr for word in words), done.stderr)


main("--ping-socket")
