#!/usr/bin/env python3
"""`test/bench/run --quick` measures, and says it in the form that is promised.
Which figures come out is not looked at: machines differ."""
import json
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
import xml.dom.minidom

TOP = os.path.normpath(f"{os.path.dirname(os.path.abspath(__file__))}/../..")
BUILD = f"{os.environ.get('TEST_BUILD', f'{TOP}/build')}/release"
TOOLS = "edgeprobe", "measuring", "fping"
NUMBERS = ("rate", "wanted_rate", "sent", "answered", "seconds")
OPTIONAL = ("cpu_us", "memory_mib", "slip_p99_us", "interval_p99_us",
            "false_loss")


def expect(truth, said):
    if not truth:
        sys.exit(f"not ok: {said}")


def command(folder, *more):
    return [f"{TOP}/test/bench/run", "--quick", "--build", BUILD,
            "--no-install", "--output", f"{folder}/out", "--seconds", "1",
            *more]


def figures_are_there(r):
    for key in NUMBERS:
        expect(isinstance(r[key], (int, float)) and r[key] > 0, (key, r))
    for key in OPTIONAL:
        expect(r[key] is None or r[key] >= 0, (key, r))
    expect(not r["trouble"], r)
    expect(r["scenario"] == "icmp-100" and r["load"] == "idle", r)
    expect(r["wire"]["released"] >= 2 * r["sent"], r["wire"])
    if r["tool"] == "measuring":
        expect(r["error_us"] is None and r["false_loss"] is None, r)
        return
    error = r["error_us"]
    expect(0 <= error["p50"] <= error["p99"] <= error["max"], error)
    expect(error["n"] == r["reported"] > 0 and r["unmatched"] == 0, r)


def it_says_what_it_measured(folder):
    done = subprocess.run(
        command(folder, "--tools", ",".join(TOOLS), "--markdown"),
        text=True, capture_output=True, timeout=60, check=False)
    if done.returncode == 77:
        print(done.stderr.strip())
        sys.exit(77)
    expect(done.returncode == 0, done.stderr + done.stdout)
    expect("| edgeprobe | " in done.stdout and
           "| measuring | - | " in done.stdout, done.stdout)
    with open(f"{folder}/out/results.json", encoding="utf-8") as f:
        told = json.load(f)
    expect(told["form"] == "results" and told["machine"]["cpus"] >= 1 and
           told["machine"]["versions"]["edgeprobe"], told["machine"])
    there = [t for t in TOOLS if t != "fping" or shutil.which(t)]
    expect([r["tool"] for r in told["results"]] == there, "other tools")
    for r in told["results"]:
        figures_are_there(r)
    uncertainty = told["results"][0]["uncertainty"]
    expect(0 <= uncertainty["beyond_share"] <= 1, uncertainty)
    with open(f"{folder}/out/results.svg", encoding="utf-8") as f:
        xml.dom.minidom.parse(f)


def children(pid):
    with open(f"/proc/{pid}/task/{pid}/children", encoding="utf-8") as f:
        return f.read().split()


def read(path):
    with open(path, encoding="utf-8", errors="replace") as f:
        return f.read()


def living(words):
    """Processes with these words in their command line, the lab's too."""
    found = []
    for pid in filter(str.isdigit, os.listdir("/proc")):
        try:
            if words in read(f"/proc/{pid}/cmdline"):
                found.append(pid)
        except OSError:
            pass  # gone
    return found


def interrupted_it_leaves_nothing(folder):
    """By two signals: the second one meets it while it cleans up."""
    os.mkdir(f"{folder}/tmp")
    with open(f"{folder}/log", "w", encoding="utf-8") as log:
        bench = subprocess.Popen(
            command(folder, "--tools", "edgeprobe", "--load", "busy"),
            stdout=log, stderr=log,
            env=dict(os.environ, TMPDIR=f"{folder}/tmp"))
    end = time.monotonic() + 60
    while len(children(bench.pid)) < 2:  # busy loops and the agent
        expect(bench.poll() is None and time.monotonic() < end,
               "it measures nothing: " + read(f"{folder}/log"))
        time.sleep(0.02)
    left = children(bench.pid)
    expect(living(f"{folder}/tmp/"), "no process names the lab's folder")
    bench.send_signal(signal.SIGINT)
    while "interrupted" not in read(f"{folder}/log"):
        bench.send_signal(signal.SIGTERM)
        time.sleep(0.05)
        expect(bench.poll() is None and time.monotonic() < end or
               "interrupted" in read(f"{folder}/log"), read(f"{folder}/log"))
    expect(bench.wait(30) == 1, read(f"{folder}/log"))
    end = time.monotonic() + 5  # what was killed may wait for init
    while living(f"{folder}/tmp/") or \
            any(os.path.exists(f"/proc/{pid}") for pid in left):
        expect(time.monotonic() < end, f"one of {left} or the lab lives on")
        time.sleep(0.02)
    expect(not os.listdir(f"{folder}/tmp"), "its folder is left")


with tempfile.TemporaryDirectory() as FOLDER:
    it_says_what_it_measured(FOLDER)
    interrupted_it_leaves_nothing(FOLDER)
