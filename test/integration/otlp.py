#!/usr/bin/env python3
"""OTLP documents by the classes that are generated from OpenTelemetry's own
definitions: those of a run, and one of each kind of row.

Skipped where npm cannot install them.
"""
import glob
import json
import os
import shutil
import socket
import subprocess
import sys
import tempfile

TOP = os.path.normpath(f"{os.path.dirname(os.path.abspath(__file__))}/../..")
BUILD = os.environ.get("TEST_BUILD", f"{TOP}/build")
AGENT = os.environ.get("EDGEPROBE", f"{BUILD}/sanitized/agent/edgeprobe")
UNIT = os.environ.get("TEST_OTLP", f"{BUILD}/sanitized/test/unit/test_otlp")
TOOL = f"{TOP}/test/lib/otlp"


def run(*command, **more):
    return subprocess.run(command, capture_output=True, text=True, timeout=200,
                          check=False, **more)


def must(done):
    if done.returncode != 0:
        sys.exit(f"{' '.join(done.args)}: exit {done.returncode}\n"
                 f"{done.stdout}{done.stderr}")
    return done


def install(folder):
    """The classes, beside a copy of what says which."""
    if not shutil.which("node") or not shutil.which("npm"):
        print("node or npm is not installed")
        sys.exit(77)
    shutil.copy(f"{TOOL}/package.json", folder)
    done = run("npm", "install", "--ignore-scripts", "--no-audit", "--no-fund",
               "--no-package-lock", cwd=folder)
    if done.returncode != 0:
        print(done.stderr[-2000:])
        print("npm could not install what checks OTLP")
        sys.exit(77)


def configure(folder, port):
    config = {
        "agent": "otlp-01",
        "site": {"name": "K\u00f6ln \"Mitte\"", "country": "DE"},
        "targets": [
            {"name": "open", "host": "127.0.0.1", "port": port,
             "probes": ["tcp", "https"], "interval": "200ms",
             "timeout": "150ms"},
            {"name": "closed", "host": "127.0.0.1", "port": 1,
             "probes": ["tcp"], "interval": "200ms"}],
        "store": {"path": f"{folder}/store.db", "max_size": "16MiB"},
        "destinations": [
            {"name": kind, "url": f"file://{folder}/{kind}/",
             "encoding": f"otlp-{kind}", "interval": "1s"}
            for kind in ("logs", "metrics")]}
    path = f"{folder}/edgeprobe.json"
    with open(path, "w", encoding="utf-8") as f:
        json.dump(config, f)
    return path


def check(folder, kind, files):
    if not files:
        sys.exit(f"no {kind}")
    done = must(run("node", f"{TOOL}/check.js", kind, *files,
                    env={**os.environ, "OTLP_MODULES": folder}))
    print(f"# {len(files)} documents of {kind} {done.stdout}")


def reject(folder):
    """Planted failures: the check can fail."""
    record = {"timeUnixNano": "1", "severityNumber": 9,
              "attributes": [{"key": "a", "value": {"intValue": "1"}}]}
    bad = [{"resourceLogs": [{"scopeLogs": [{"logRecords": [{**record,
                                                             **wrong}]}]}]}
           for wrong in ({"timeUnixNano": 1}, {"time_unix_nano": "1"},
                         {"severityNumber": "INFO"}, {"attributes": {"a": 1}},
                         {"attributes": [{"key": "a",
                                          "value": {"intValue": 1}}]})]
    for i, document in enumerate(bad):
        path = f"{folder}/bad-{i}.json"
        with open(path, "w", encoding="utf-8") as f:
            json.dump(document, f)
        done = run("node", f"{TOOL}/check.js", "logs", path,
                   env={**os.environ, "OTLP_MODULES": folder})
        if done.returncode != 1 or "SyntaxError" in done.stderr:
            sys.exit(f"taken: {document}: {done.stderr}")


def main():
    with tempfile.TemporaryDirectory() as folder, \
            socket.create_server(("127.0.0.1", 0)) as there:
        install(folder)
        reject(folder)
        config = configure(folder, there.getsockname()[1])
        done = must(run(AGENT, "run", "--config", config, "--duration", "5s"))
        if "Sanitizer" in done.stderr:
            sys.exit(done.stderr)
        documents = f"{folder}/documents"
        os.mkdir(documents)
        must(run(UNIT, env={**os.environ, "OTLP_DOCUMENTS": documents}))
        for kind in "logs", "metrics":
            check(folder, kind, glob.glob(f"{folder}/{kind}/*.json"))
            check(folder, kind, glob.glob(f"{documents}/{kind}-*.json"))


main()
