"""A lab in the hands of a Python test: see README.md.

    with lab.Lab(build, folder, "--ping-socket") as l:
        l.branch("ping", "-c", "3", "outlook.office365.com")
        true = lab.pairs_ms(l.record("10.79.4.10"), "echo", "reply")
"""
import csv
import os
import re
import subprocess

HERE = os.path.dirname(os.path.abspath(__file__))


class Wrong(Exception):
    """What was seen is not what was to be seen."""


def expect(truth, said):
    if not truth:
        raise Wrong(said)


def run(*command, timeout=60):
    return subprocess.run([str(word) for word in command], text=True,
                          errors="replace", stdin=subprocess.DEVNULL,
                          capture_output=True, timeout=timeout, check=False,
                          env=dict(os.environ, LC_ALL="C"))


def address(delay_ms, host, family):
    if family == 4:
        return f"10.79.{delay_ms}.{host}"
    return f"fd79:0:0:{delay_ms:x}::{host}"


class Lab:
    """`up` says how it went: its returncode is 0, 1, or 77 (not here)."""

    def __init__(self, build, folder, *options):
        self.folder = folder
        self.up = run(f"{HERE}/up", "--build", build, *options, folder)
        self.env = {}
        if self.up.returncode == 0:
            for line in open(f"{folder}/lab.env", encoding="utf-8"):
                key, _, value = line.strip().partition("=")
                self.env[key] = value

    def __enter__(self):
        expect(self.up.returncode == 0, self.up.stderr)
        return self

    def __exit__(self, *_):
        expect(self.down().returncode == 0, "down")

    def branch(self, *command, timeout=60):
        return run("ip", "netns", "exec", self.env["LAB_BRANCH_NS"], *command,
                   timeout=timeout)

    def down(self):
        return run(f"{HERE}/down", self.folder)

    def tell(self, what):
        return run(f"{HERE}/tell", self.folder, what)

    def status(self, key):
        for line in open(f"{self.folder}/status", encoding="utf-8"):
            name, _, value = line.strip().partition("=")
            if name == key:
                return int(value)
        raise Wrong(f"{key} is not in the status file")

    def record(self, *addresses):
        """The rows that are about these addresses."""
        done = self.tell("flush")
        expect(done.returncode == 0, done.stderr)
        with open(self.env["LAB_RECORD"], newline="", encoding="utf-8") as f:
            return [row for row in csv.DictReader(f)
                    if {row["src"], row["dst"]} & set(addresses)]

    def ping(self, target, count, *options):
        """{seq: [ms, ...]} and what ping printed."""
        done = self.branch("ping", "-n", "-c", count, "-i", "0.02", "-W", "1",
                           *options, target)
        seen = {}
        for seq, ms in re.findall(r"icmp_seq=(\d+) .*time=([\d.]+) ms",
                                  done.stdout):
            seen.setdefault(int(seq), []).append(float(ms))
        return seen, done.stdout

    def curl(self, url, *options):
        """Exit status, the -w words, what came."""
        done = self.branch("curl", "-sSi", "--noproxy", "*", "--max-time", "8",
                           "--cacert", self.env["LAB_CA"], "-w",
                           "\n%{http_code} %{http_version} %{time_connect} "
                           "%{time_namelookup} %{size_download}", *options,
                           url)
        body, _, words = done.stdout.rpartition("\n")
        return done.returncode, words.split(), body, done.stderr

    def rules(self, text):
        with open(self.env["LAB_RULES"], "w", encoding="utf-8") as f:
            f.write(text)
        return self.tell("reload")


def pairs_ms(rows, asked, answered):
    """{(id, seq): ms} of the first question and its first answer."""
    begun, took = {}, {}
    for row in rows:
        key = (row["sport_or_id"], row["dport_or_seq"])
        if row["what"] == asked:
            begun.setdefault(key, int(row["time_ns"]))
        elif row["what"] == answered:
            if answered == "synack":
                key = key[::-1]
            if key in begun:
                took.setdefault(key, (int(row["time_ns"]) - begun[key]) / 1e6)
    return took


def count(rows, what):
    return sum(row["what"] == what for row in rows)
