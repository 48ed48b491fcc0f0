"""Whether anything is lost in silence, or changed.

An agent lives in a network and a mount namespace of its own, with a store on a
small disk and a destination of each kind, most of which misbehave (witness.py).
It is killed over and over: at named points (fault/crash.c) and at random; its
wall clock is stepped, its disk filled and emptied. After each death the store
says what was committed, which must hold from then on. At the end faults stop
and the agent sends what it has; then each destination must have every row that
was ever committed, as it was committed, or have been told that it is missing.

    reports = live(seed, [plan, ...])     # one agent a plan, side by side

A plan is a list of what the lives of an agent end by: see plans().
"""
import collections
import contextlib
import ctypes
import json
import multiprocessing
import os
import random
import re
import shutil
import signal
import sqlite3
import struct
import subprocess
import sys
import tempfile
import time
import traceback

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, HERE)
sys.path.insert(0, f"{HERE}/../lab")
from lab import Wrong, expect
from labtest import RELEASE, await_it, wire_build
import contract
from witness import Array, Bulk, Events, Lines, Logs, canon

CLONE_NEWNS, CLONE_NEWNET = 0x20000, 0x40000000
SECOND = 1_000_000_000
PROBES_PER_S = 110
DISK = "size=48m"
WAL_BYTES = 2 << 20  # beyond it the log is cut
STEPS = 16           # that the clock can make
PATIENCE_S = 60      # until a point is reached; far above what it takes

# A point: (how often it may be passed first, what leads there, moments).
WRITTEN = "before", "half", "after"
DONE = "before", "after"
CREATION = {
    "journal-write": (6, "run", WRITTEN), "journal-sync": (2, "run", DONE),
    "db-write": (20, "run", WRITTEN), "db-sync": (1, "run", DONE),
    "journal-unlink": (1, "run", DONE),
}
POINTS = {
    "wal-write": (60, "run", WRITTEN), "wal-sync": (12, "run", DONE),
    "db-write": (40, "run", WRITTEN), "db-sync": (1, "run", DONE),
    "wal-truncate": (1, "overgrow", DONE), "wal-unlink": (1, "stop", DONE),
    "ballast-allocate": (1, "run", WRITTEN),
    "ballast-unlink": (1, "fill", DONE),
    "part-write": (3, "run", WRITTEN), "part-sync": (3, "run", DONE),
    "part-rename": (3, "run", DONE), "kept-sync": (3, "run", DONE),
    "collector-connect": (4, "run", DONE), "request-send": (6, "run", WRITTEN),
    "answer-read": (6, "run", ("after",)),
}


def plans(rng, agents, kills, every_moment):
    """What `agents` die of: each point at least once (at each moment), the
    rest at random; `kills` in all."""
    ends = [(name, moment) for name, (_, _, moments) in POINTS.items()
            for moment in (moments if every_moment else
                           [rng.choice(moments)])]
    while every_moment and len(ends) < kills * 0.7:
        name = rng.choice(list(POINTS))
        ends.append((name, rng.choice(POINTS[name][2])))
    born = [("new " + name, rng.choice(moments))
            for name, (_, _, moments) in CREATION.items()]
    ends += [("full", "")] * max(1, kills // 30)
    ends += [("step", "")] * min(agents * STEPS, max(1, kills // 15))
    rest = kills - len(ends) - agents * len(born)
    ends += [("random", "")] * max(rest, 2 * agents)
    rng.shuffle(ends)
    return [born + ends[i::agents] for i in range(agents)]


# --- an agent and what is its own

def own_namespaces():
    libc = ctypes.CDLL(None, use_errno=True)
    if libc.unshare(CLONE_NEWNS | CLONE_NEWNET) != 0:
        raise OSError(ctypes.get_errno(), "unshare")
    for words in (["mount", "--make-rprivate", "/"],
                  ["ip", "link", "set", "lo", "up"]):
        subprocess.run(words, check=True)


class Clock:
    """lib/wall_clock.c."""

    def __init__(self, path):
        self.path, self.n, self.ahead_ns = path, 0, 0
        with open(path, "wb") as f:
            f.write(bytes(16 * STEPS))

    def step(self, by_ns):
        with open(self.path, "r+b") as f:
            f.seek(self.n * 16)
            f.write(struct.pack("qq", time.time_ns(), by_ns))
        self.n += 1
        self.ahead_ns += by_ns

    def now_ns(self):
        return time.time_ns() + self.ahead_ns


class Agent:
    def __init__(self, path, rng):
        self.path, self.rng = path, rng
        self.disk = f"{path}/disk"
        os.mkdir(self.disk)
        subprocess.run(["mount", "-t", "tmpfs", "-o", DISK, "oracle",
                        self.disk], check=True)
        self.store = f"{self.disk}/store.db"
        self.kept = f"{self.disk}/kept"
        self.config, self.log = f"{path}/edgeprobe.json", f"{path}/log"
        self.clock = Clock(f"{path}/clock")
        self.log_began = 0  # of this life
        self.known = {}  # seq: a row's text as it was committed
        self.floor = 0   # rows before it may have gone unseen
        self.agent = None
        self.witnesses = {"lines": Lines(rng), "array": Array(rng),
                          "bulk": Bulk(rng), "logs": Logs(rng),
                          "events": Events(rng), "dead": Lines(rng)}
        self.witnesses["dead"].close()
        self.write_config()

    def write_config(self):
        icmp = {"probes": ["icmp"], "interval": "100ms", "timeout": "500ms"}
        places = [{"name": name, "url": w.url(), "interval": "200ms",
                   **w.destination} for name, w in self.witnesses.items()]
        token = f"{self.path}/token"
        with open(token, "w", encoding="ascii") as f:
            f.write(self.witnesses["events"].token)
        next(place for place in places
             if place["name"] == "events")["token_file"] = token
        places.append({"name": "kept", "url": f"file://{self.kept}/",
                       "interval": "200ms"})
        with open(self.config, "w", encoding="utf-8") as f:
            json.dump({
                "agent": "oracle",
                "targets": [{"host": f"127.0.1.{i}", **icmp}
                            for i in range(1, 11)] +
                           [{"host": "127.0.1.20", "port": 1,
                             "probes": ["tcp"], "interval": "100ms"}],
                "store": {"path": self.store, "max_size": "16MiB"},
                "destinations": places}, f)

    def start(self, *options, crash=None):
        env = {**os.environ, "TEST_WALL_CLOCK": self.clock.path}
        loaded = [f"{wire_build()}/test/lib/edgeprobe-test-clock.so"]
        if crash:
            env["TEST_CRASH"] = crash
            loaded.append(f"{wire_build()}/test/fault/edgeprobe-test-crash.so")
        env["LD_PRELOAD"] = ":".join(loaded)
        with open(self.log, "ab") as log:
            self.log_began = log.tell()
            self.agent = subprocess.Popen(
                [RELEASE, "run", "--config", self.config, *options], env=env,
                stdin=subprocess.DEVNULL, stdout=log, stderr=log)

    def ended(self):
        return self.agent.poll() is not None

    def wait(self, seconds, what):
        try:
            return self.agent.wait(seconds)
        except subprocess.TimeoutExpired:
            self.kill()
            raise Wrong(f"{what}: still runs after {seconds} s: "
                        f"{self.said()}") from None

    def kill(self):
        if self.agent and not self.ended():
            self.agent.kill()
            self.agent.wait()

    def said(self):
        """Not all of it."""
        with open(self.log, encoding="utf-8", errors="replace") as f:
            return f.read()[-2000:]

    def says(self, words):
        """In this life, or there is none any more."""
        with open(self.log, "rb") as f:
            f.seek(self.log_began)
            return self.ended() or words in f.read()

    def wipe(self):
        for name in os.listdir(self.disk):
            if name != "kept":
                os.unlink(f"{self.disk}/{name}")

    def export(self):
        """{seq: text} of what is committed; {} while there is no store."""
        done = subprocess.run([RELEASE, "export", "--store", self.store],
                              capture_output=True, timeout=120, check=False)
        if done.returncode != 0:
            expect(not self.known, f"export: {done.stderr.decode()}")
            return {}
        return {int(re.search(rb'"seq":(\d+)', line)[1]): line
                for line in done.stdout.splitlines()}

    # --- what leads to a point

    def run_on(self):
        """Until something comes of it."""

    def stop(self):
        await_it(lambda: self.says(b"app: version="), PATIENCE_S, "a start")
        time.sleep(self.rng.uniform(0, 1.5))  # a moment like any other
        with contextlib.suppress(ProcessLookupError):
            self.agent.send_signal(signal.SIGTERM)

    def log_bytes(self):
        with contextlib.suppress(OSError):
            return os.stat(f"{self.store}-wal").st_size
        return 0

    def read_on(self, db):
        """Begins to; the agent may be keeping readers out."""
        with contextlib.suppress(sqlite3.Error):
            db.execute("SELECT count(*) FROM meta").fetchall()
            return True
        return self.ended()

    @contextlib.contextmanager
    def reader(self):
        """One that stays, so that the log grows."""
        await_it(lambda: self.says(b"app: version="), PATIENCE_S, "a start")
        await_it(lambda: self.ended() or self.log_bytes() > 0, PATIENCE_S,
                 "a log")
        db = sqlite3.connect(f"file:{self.store}?mode=ro", uri=True,
                             isolation_level=None)
        try:
            db.execute("BEGIN")
            await_it(lambda: self.read_on(db), PATIENCE_S, "a reader")
            yield
        finally:
            db.close()

    def overgrow(self):
        """And is to be cut when the reader has gone."""
        with self.reader():
            await_it(lambda: self.ended() or self.log_bytes() > WAL_BYTES,
                     PATIENCE_S, "a log beyond its bound")

    def fill(self, until=lambda: False):
        """While the log must grow."""
        end = time.monotonic() + PATIENCE_S
        with self.reader(), open(f"{self.disk}/fill", "ab", buffering=0) as f:
            while not self.ended() and not until() and \
                    time.monotonic() < end:
                with contextlib.suppress(OSError):
                    while f.write(b"x" * 4096):
                        pass
                time.sleep(0.05)

    # --- one life

    def live_until(self, name, moment):
        """Whether it died there."""
        born = name.startswith("new ")
        most, way, _ = (CREATION if born else POINTS)[name.split()[-1]]
        if born:
            self.wipe()
        n = self.rng.randint(1, most)
        self.start(crash=f"{name.split()[-1]}:{n}:{moment}")
        {"run": self.run_on, "stop": self.stop, "fill": self.fill,
         "overgrow": self.overgrow}[way]()
        code = self.wait(PATIENCE_S, f"{name}:{n}:{moment}")
        expect(code == -signal.SIGKILL or code == 0 and way == "stop",
               f"{name}:{n}:{moment}: exit {code}: {self.said()}")
        return code == -signal.SIGKILL

    def live_through_a_step(self):
        """Of the wall clock."""
        self.start()
        time.sleep(self.rng.uniform(0.5, 2))  # a moment like any other
        if self.clock.n < STEPS:
            self.clock.step(self.rng.choice((-3600, -2, 3, 86400)) * SECOND)
        time.sleep(self.rng.uniform(0.05, 1.2))
        self.end_now()
        self.keep_what_is_committed()

    def live_at_random(self):
        """Returns the age of the newest row on disk when it was killed, or
        None: nothing new was."""
        before = max(self.known, default=0)
        self.start()
        time.sleep(self.rng.uniform(0.05, 2.5))  # a moment like any other
        at_ns = self.clock.now_ns()
        self.end_now()
        self.keep_what_is_committed()
        newest = max((seq for seq, line in self.known.items()
                      if seq > before and b'"type":"sample"' in line),
                     default=None)
        if newest is None:
            return None
        return at_ns / 1000 - json.loads(self.known[newest])["ts_us"]

    def end_now(self):
        self.agent.kill()
        code = self.agent.wait()
        expect(code == -signal.SIGKILL, f"exit {code}: {self.said()}")

    def live_on_a_full_disk(self):
        """Killed on it, and begun again on it."""
        self.start()
        self.fill(until=lambda: self.says(b"commit=failed"))
        expect(self.says(b"commit=failed"), f"not full: {self.said()}")
        time.sleep(self.rng.uniform(0, 1.5))
        self.end_now()
        self.keep_what_is_committed(empty=False)
        self.start()
        time.sleep(self.rng.uniform(0, 2))
        self.end_now()
        self.keep_what_is_committed()

    def keep_what_is_committed(self, empty=True):
        """What was there is there still, and as it was."""
        rows = self.export()
        # What is older was evicted, but for a first row.
        first = min((seq for seq in rows if seq > 1),
                    default=max(self.known, default=0) + 1)
        self.floor = max(self.floor, first)
        for seq, line in self.known.items():
            expect(seq < first or seq in rows,
                   f"{seq} was committed and is gone: {line} of "
                   f"{len(rows)} rows, {sorted(os.listdir(self.disk))}: "
                   f"{self.said()}")
            expect(seq not in rows or rows[seq] == line or
                   b'"type":"gap"' in line,
                   f"{seq} was {line} and is {rows.get(seq)}")
        self.known.update(rows)
        expect(not [name for name in os.listdir(self.disk)
                    if "damaged" in name], f"damaged: {self.said()}")
        with contextlib.suppress(FileNotFoundError):
            if empty:
                os.unlink(f"{self.disk}/fill")

    # --- the end

    def drain(self):
        """Without faults, until everybody has everything."""
        self.witnesses["dead"].begin()
        for w in self.witnesses.values():
            w.kind()
        for _ in range(10):
            self.start("--duration", "2s")
            code = self.wait(120, "the last run")
            expect(code == 0, f"exit {code}: {self.said()}")
            self.keep_what_is_committed()
            missing = {name: self.missing(rows)
                       for name, rows in self.arrived().items()}
            if not any(missing.values()):
                return
        raise Wrong("; ".join(f"{name} lacks {sorted(m)[:20]} and is not told"
                              for name, m in missing.items() if m) +
                    f": {self.said()}")

    def in_folder(self):
        rows = {}
        for name in os.listdir(self.kept):
            expect(name.endswith(".ndjson"), f"{name} is left in the folder")
            with open(f"{self.kept}/{name}", "rb") as f:
                for row in contract.parse_all(f.read()):
                    rows[row["epoch"], row["seq"]] = row
        return rows

    def arrived(self):
        """{destination: rows}."""
        return {"kept": self.in_folder(),
                **{name: w.had for name, w in self.witnesses.items()}}

    def missing(self, rows):
        told = set()
        for row in rows.values():
            if row["type"] == "gap":
                told |= set(range(row["first"], row["last"] + 1))
        return set(range(1, max(self.known) + 1)) - told - \
            {seq for _, seq in rows}

    def check(self):
        stored = {seq: contract.parse(line)
                  for seq, line in self.known.items()}
        (epoch,) = {row["epoch"] for row in stored.values()}
        boot = max(seq for seq, row in stored.items() if row["type"] == "boot")
        for name, rows in self.arrived().items():
            w = self.witnesses.get(name)
            expect(not w or not w.wrong, f"{name}: {w and w.wrong[:5]}")
            drops = w.drops if w else ()
            shown = {**(w.rows if w else {}), **rows}
            for (of, seq), row in shown.items():
                expect(of == epoch, f"{name}: {of} is no epoch of {epoch}")
                expect(seq in stored or seq < self.floor,
                       f"{name} was sent {row}, which was never committed")
                if seq not in stored:
                    continue
                told_its_own = {row["type"], stored[seq]["type"]} & {"gap"}
                wanted = {key: value for key, value in stored[seq].items()
                          if key not in drops}
                expect(told_its_own or canon(row) == canon(wanted),
                       f"{name}: {row} is stored as {wanted}")
            expect((epoch, boot) in rows, f"{name}: nothing of the last run")
            self.check_gaps(name, rows)

    def check_gaps(self, name, rows):
        """Nothing that came is said to be missing; but what was refused after
        it had been taken may be, and only those who refuse are told so."""
        seqs = {seq for _, seq in rows}
        for row in rows.values():
            if row["type"] != "gap":
                continue
            expect(row["reason"] != "refused" or name not in ("kept", "dead"),
                   f"{name} refused nothing: {row}")
            expect(row["reason"] == "refused" or not
                   seqs & set(range(row["first"], row["last"] + 1)),
                   f"{name} has what is said to be missing: {row}")

    def report(self):
        faults = sum((w.faults for w in self.witnesses.values()),
                     collections.Counter())
        gaps = collections.Counter(
            f"{name} {row['reason']}" for name, rows in self.arrived().items()
            for row in rows.values() if row["type"] == "gap")
        return {"rows": len(self.known), "faults": faults, "gaps": gaps,
                "requests": sum(len(w.requests)
                                for w in self.witnesses.values()),
                "steps": self.clock.n}


def run_plan(agent, plan):
    died, ages = collections.Counter(), []
    for name, moment in plan:
        if name == "random":
            age = agent.live_at_random()
            ages += [age] if age is not None else []
            died["random"] += 1
            continue
        if name == "step":
            agent.live_through_a_step()
            died["step"] += 1
            continue
        if name == "full":
            agent.live_on_a_full_disk()
            died["full"] += 2
            continue
        for _ in range(5):  # a SIGTERM may come before the log is there
            dead = agent.live_until(name, moment)
            agent.keep_what_is_committed()
            if dead:
                break
        expect(dead, f"{name} was not reached")
        died[name] += 1
    agent.drain()
    agent.check()
    return {**agent.report(), "died": died, "ages": ages}


def one(seed, number, plan, path, results):
    """In a process of its own."""
    agent = None
    try:
        own_namespaces()
        folder = f"{path}/{number}"
        os.mkdir(folder)
        agent = Agent(folder, random.Random(f"{seed}-{number}"))
        results.put((number, run_plan(agent, plan)))
    except (Wrong, contract.Broken) as e:
        results.put((number, f"agent {number}: {e}"))
    except Exception:  # whatever it was, the others' end is waited for
        results.put((number, f"agent {number}: {traceback.format_exc()}"))
    finally:
        if agent:
            agent.kill()


def live(seed, planned):
    """The reports of all, or Wrong."""
    fork = multiprocessing.get_context("fork")
    results = fork.SimpleQueue()
    path = tempfile.mkdtemp(prefix="oracle-")
    try:
        all_of = [fork.Process(target=one, args=(seed, i, plan, path, results))
                  for i, plan in enumerate(planned)]
        for process in all_of:
            process.start()
        reports = [results.get() for _ in all_of]
        for process in all_of:
            process.join()
    finally:
        shutil.rmtree(path, ignore_errors=True)
    bad = [report for _, report in reports if isinstance(report, str)]
    expect(not bad, "\n".join(bad))
    return [report for _, report in sorted(reports)]


def total(reports, key):
    return sum((report[key] for report in reports), collections.Counter())


def show(reports):
    def counts(key):
        return ", ".join(f"{name} {n}" for name, n in
                         sorted(total(reports, key).items()))
    ages = sorted(age for report in reports for age in report["ages"])
    print(f"# {total(reports, 'died').total()} kills: {counts('died')}")
    print(f"# {sum(r['rows'] for r in reports)} rows in the stores, "
          f"{sum(r['requests'] for r in reports)} requests, "
          f"{sum(r['steps'] for r in reports)} steps of the clock")
    print(f"# faults: {counts('faults')}")
    print(f"# gap rows: {counts('gaps') or 'none'}")
    if ages:
        lost = [round(age / 1e6 * PROBES_PER_S) for age in ages]
        print(f"# killed at random, the newest row on disk was "
              f"{ages[len(ages) // 2] / 1000:.0f} ms old (median), "
              f"{ages[-1] / 1000:.0f} ms (most), of {len(ages)}; at "
              f"{PROBES_PER_S} samples a second {lost[len(lost) // 2]} and "
              f"{lost[-1]} were lost")
    died = total(reports, "died")
    for name in (*POINTS, "full", "random", "step"):
        expect(died[name] >= 1, f"nobody died at {name}")


def main(agents, kills, every_moment):
    """Exits."""
    if os.geteuid() != 0:
        print("needs root: namespaces of its own")
        sys.exit(77)
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    seed = int(os.environ.get("SEED", time.time_ns() % 1000000))
    print(f"# SEED={seed}", flush=True)
    began = time.monotonic()
    try:
        show(live(seed, plans(random.Random(seed), agents, kills,
                              every_moment)))
    except Wrong as e:
        print(f"not ok - nothing is lost or changed\n# {e}")
        sys.exit(1)
    print(f"ok - nothing is lost or changed ({time.monotonic() - began:.1f} s)")
    sys.exit(0)
