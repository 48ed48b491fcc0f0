"""What the tests have in common that run edgeprobe in the lab.

    @case
    def one_thing(lab): ...

    main("--ping-socket")

A case raises Wrong when it has seen what must not be. `main` brings a lab up
with these options, runs all cases (or those named as arguments), takes the lab
down and exits 0, 1, or 77 where there can be no lab.
"""
import contextlib
import json
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time

TOP = os.path.normpath(f"{os.path.dirname(os.path.abspath(__file__))}/../..")
sys.path.insert(0, f"{TOP}/test/lab")
from lab import Lab, Wrong, expect
import contract

BUILD = os.environ.get("TEST_BUILD", f"{TOP}/build")
SANITIZED = os.environ.get("EDGEPROBE", f"{BUILD}/sanitized/agent/edgeprobe")
RELEASE = os.environ.get("EDGEPROBE_RELEASE",
                         f"{BUILD}/release/agent/edgeprobe")
CASES = []


def case(function):
    CASES.append(function)
    return function


def await_it(look, seconds, what):
    """Ask until it is so; the answer. Far above what it should take."""
    end = time.monotonic() + seconds
    while True:
        answer = look()
        if answer:
            return answer
        expect(time.monotonic() < end, f"not within {seconds} s: {what}")
        time.sleep(0.02)


def sound(done, *wanted):
    """A program that ended as wanted and without a sanitizer's complaint."""
    expect("Sanitizer" not in done.stderr and
           "runtime error" not in done.stderr, done.stderr)
    expect(done.returncode in wanted,
           f"exit {done.returncode}, not {wanted}: {done.stderr}"
           f"{done.stdout[-2000:]}")
    return done


class Folder:
    """One agent's files, and the agent."""

    def __init__(self, lab, name, program=SANITIZED):
        self.lab = lab
        self.program = program
        self.path = f"{lab.folder}/agent-{name}"
        os.makedirs(self.path)
        self.store = f"{self.path}/store.db"
        self.config = f"{self.path}/edgeprobe.json"
        self.log = f"{self.path}/log"
        self.agent = None
        self.enter = ()  # how to come to where the agent's files are

    def write(self, targets, destinations=(), **more):
        config = {"agent": "lab-01", "targets": targets,
                  "tls": {"ca_file": self.lab.env["LAB_CA"]},
                  "store": {"path": self.store},
                  "destinations": list(destinations), **more}
        with open(self.config, "w", encoding="utf-8") as f:
            json.dump(config, f, indent=1)
        return self

    def command(self, *words, before=()):
        return ["ip", "netns", "exec", self.lab.env["LAB_BRANCH_NS"], *before,
                self.program, *map(str, words)]

    def ask(self, *words, wanted=(0,), timeout=60):
        """A command that ends by itself."""
        return sound(self.lab.branch(*self.enter, self.program, *words,
                                     timeout=timeout), *wanted)

    def start(self, *options, before=()):
        with open(self.log, "ab") as log:
            self.agent = subprocess.Popen(
                self.command("run", "--config", self.config, *options,
                             before=before),
                stdin=subprocess.DEVNULL, stdout=log, stderr=log)
        return self

    def said(self):
        with open(self.log, encoding="utf-8", errors="replace") as f:
            return f.read()

    def await_said(self, words, seconds=20):
        await_it(lambda: words in self.said() or self.agent.poll() is not None,
                 seconds, f"{words!r} in the log: {self.said()}")
        expect(words in self.said(), f"{words!r}: {self.said()}")

    def end(self, number=signal.SIGTERM, within=15):
        """Its exit status, and how long it took to end."""
        began = time.monotonic()
        self.agent.send_signal(number)
        return self.wait(within), time.monotonic() - began

    def wait(self, within):
        try:
            status = self.agent.wait(within)
        except subprocess.TimeoutExpired:
            self.agent.kill()
            self.agent.wait()
            raise Wrong(f"still runs after {within} s: {self.said()}") from None
        said = self.said()
        expect("Sanitizer" not in said and "runtime error" not in said, said)
        return status

    def rows(self, *options):
        """What the store holds, each row checked."""
        done = self.ask("export", "--store", self.store, *options)
        return contract.parse_all(done.stdout)

    def count(self, wanted=lambda row: row["type"] == "sample"):
        there = self.enter or os.path.exists(self.store)
        return sum(map(wanted, self.rows())) if there else 0

    def await_rows(self, n, seconds=30, **options):
        await_it(lambda: self.agent.poll() is not None or
                 self.count(**options) >= n, seconds,
                 f"{n} rows in the store: {self.said()}")
        expect(self.agent.poll() is None, f"it ended: {self.said()}")

    def __enter__(self):
        return self

    def __exit__(self, *_):
        if self.agent and self.agent.poll() is None:
            self.agent.kill()
            self.agent.wait()


def probe(lab, *words, program=SANITIZED, wanted=(0,), ca=True, timeout=60):
    """The rows that `edgeprobe probe --json` prints, each checked."""
    trust = ("--ca-file", lab.env["LAB_CA"]) if ca else ()
    done = sound(lab.branch(program, "probe", "--json", *trust, *words,
                            timeout=timeout), *wanted)
    rows = contract.parse_all(done.stdout)
    contract.audit(rows)
    return rows


def canon(rows):
    """Rows as a sorted list of texts: two lists are the same set or not."""
    return sorted(json.dumps(row, sort_keys=True, default=str)
                  for row in rows)


def attempt(function, lab):
    began = time.monotonic()
    try:
        function(lab)
    except (Wrong, contract.Broken, subprocess.TimeoutExpired) as e:
        print(f"not ok - {function.__name__}\n# {e}", flush=True)
        return False
    print(f"ok - {function.__name__} ({time.monotonic() - began:.1f} s)",
          flush=True)
    return True


def wire_build():
    """The wire that keeps its own lateness small, if there is one."""
    for kind in "release", "sanitized", ".":
        if os.path.exists(f"{BUILD}/{kind}/test/lab/edgeprobe-lab-wire"):
            return f"{BUILD}/{kind}"
    return BUILD


@contextlib.contextmanager
def folder():
    path = tempfile.mkdtemp(prefix="lab-")
    os.chmod(path, 0o755)
    try:
        yield path
    finally:
        shutil.rmtree(path, ignore_errors=True)


def run_cases(lab):
    only = sys.argv[1:]
    passed = [attempt(function, lab) for function in CASES
              if not only or function.__name__ in only]
    return 0 if passed and all(passed) else 1


def main(*options):
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    with folder() as path:
        lab = Lab(wire_build(), path, *options)
        if lab.up.returncode != 0:
            print((lab.up.stdout + lab.up.stderr).strip())
            sys.exit(lab.up.returncode)
        with lab:
            status = run_cases(lab)
    sys.exit(status)
