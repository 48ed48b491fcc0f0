#!/usr/bin/env python3
"""Ten branches with two circuits each, an edge of several PoPs, and troubles
that are known (test/lib/branches_world.c): one command's report says which site
is worst, since when, on which circuit, through which PoP, and what would help,
and says nothing of those that are fine."""
import base64
import datetime
import json
import os
import re
import sys
import time
import zlib

TOP = os.path.normpath(f"{os.path.dirname(os.path.abspath(__file__))}/../..")
sys.path[:0] = [f"{TOP}/test/lib", f"{TOP}/test/lab"]
import here  # noqa: E402
import labtest  # noqa: E402
from lab import expect  # noqa: E402
from labtest import case  # noqa: E402

HOURS, INTERVAL_S = 24, 120
RUN = {}


def at(text):
    return datetime.datetime.fromisoformat(
        text.replace("Z", "+00:00")).timestamp()


def hours_before_end(text):
    return (RUN["end"] - at(text)) / 3600


def findings(site):
    return [f for f in RUN["said"]["findings"] if f.get("site") == site]


@case
def stores_are_written_and_read(place):
    RUN["stores"] = place.folder
    RUN["end"] = int(time.time())
    done = here.run(f"{labtest.BUILD}/release/test/lib/branches", place.folder,
                    HOURS, INTERVAL_S, 10, RUN["end"])
    expect(done.returncode == 0, done.stderr)
    began = time.monotonic()
    done = here.run(labtest.RELEASE, "report", "--store", place.folder, "--format",
                    "json", "--until", RUN["end"])
    expect(done.returncode == 0, done.stderr)
    RUN["said"] = json.loads(done.stdout)
    print(f"# {RUN['said']['samples']} samples of 10 stores in "
          f"{time.monotonic() - began:.1f} s")
    expect(len(RUN["said"]["sites"]) == 10 and
           len(RUN["said"]["circuits"]) == 20, RUN["said"].keys())


@case
def the_worst_is_the_first(_):
    worst = RUN["said"]["findings"][0]
    expect((worst["site"], worst["circuit"], worst["pop"], worst["level"]) ==
           ("Milan office", "fibre", "FRA", "bad"), worst)
    expect(abs(hours_before_end(worst["since"]) - 6.5) < 0.25, worst)
    expect("Frankfurt (FRA)" in worst["help"] and "TIM" in worst["help"] and
           "over lte" in worst["help"], worst)
    saved, = re.findall(r"which saves (\d+) ms", worst["help"])
    expect(14 <= int(saved) <= 18, worst)  # 28 against 11.5


@case
def a_site_far_from_its_edge(_):
    said = [f for f in findings("Madrid office") if f["pop"] == "LON"]
    expect(any("neither" in f["text"] or "nor its backup" in f["text"]
               for f in said), said)
    expect(any(f["rule"] == "saving" and "lte" in f["text"] for f in said),
           said)


@case
def a_failover_that_ended(_):
    circuit, = [c for c in RUN["said"]["circuits"]
                if (c["site"], c["circuit"]) == ("Berlin office", "fibre")]
    expect(circuit["location"] == "primary", circuit)
    one, = circuit["failovers"]
    expect(one["pop"] == "FRA" and one["location"] == "backup", one)
    away, = [run for run in circuit["runs"] if run["pop"] == "FRA"]
    expect(abs(hours_before_end(away["first"]) - 11) < 0.1 and
           abs(hours_before_end(away["last"]) - 9) < 0.1, away)


@case
def loss_and_silence(_):
    expect(any("lost" in f["text"] for f in findings("London office")),
           findings("London office"))
    events = [e for e in RUN["said"]["events"]
              if e["site"] == "London office" and e["event"] == "unreachable"]
    expect(events and all("until" in e for e in events), events)
    expect(all(abs(hours_before_end(e["since"]) - 5.25) < 0.2
               for e in events), events)


@case
def of_sites_that_are_fine_nothing_is_said(_):
    for site in ("Amsterdam office", "Singapore office", "Tokyo office",
                 "New York office"):
        expect(not findings(site), findings(site))


@case
def a_site_is_its_registered_circuit(_):
    """And no median of two lines."""
    milan, = [s for s in RUN["said"]["sites"] if s["site"] == "Milan office"]
    fibre, = [c for c in RUN["said"]["circuits"]
              if (c["site"], c["circuit"]) == ("Milan office", "fibre")]
    expect(milan["circuit"] == "fibre" and
           milan["rtt_p50_us"] == fibre["rtt_p50_us"], milan)
    expect((fibre["provider"], fibre["observed_provider"]) ==
           ("TIM", "AS64496 TIM"), fibre)


@case
def the_page_says_the_same(place):
    """And begins where the samples do."""
    out = f"{place.folder}/report.html"
    began = time.monotonic()
    done = here.run(labtest.RELEASE, "report", "--store", RUN["stores"],
                    "--format", "html", "--until", RUN["end"], "-o", out)
    expect(done.returncode == 0, done.stderr)
    text = open(out, encoding="utf-8").read()
    print(f"# {len(text)} bytes in {time.monotonic() - began:.1f} s")
    packed, = re.findall(r'id="data">([^<]*)<', text)
    data = json.loads(zlib.decompress(base64.b64decode(packed)))
    expect(data["sites"][data["findings"][0]["site"]]["name"] ==
           "Milan office", data["findings"][0])
    expect(abs(RUN["end"] - data["since"] - HOURS * 3600) < 300 and
           data["until"] == RUN["end"], (data["since"], data["until"]))


here.main()
