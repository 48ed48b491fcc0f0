#!/usr/bin/env python3
"""A store that is damaged: while its agent is stopped, while it runs, and with
the agent killed again and again while it salvages. A directory is delivered to;
in the end each number of each epoch is there once, as it was, or is declared."""
import contextlib
import json
import os
import random
import shutil
import signal
import socket
import sqlite3
import subprocess
import sys
import tempfile
import time

sys.path.insert(0, f"{os.path.dirname(os.path.abspath(__file__))}/../lib")
import contract

PROGRAM = os.environ.get("EDGEPROBE") or sys.exit("EDGEPROBE is not set")
PAGE = 4096
TARGETS = 20
SEED = int(os.environ.get("SEED", "0")) or random.randrange(1, 2 ** 32)
PATIENCE = 60  # seconds; far above what anything here takes
failures = []


def expect(truth, said):
    if not truth:
        raise AssertionError(said)


class Agent:
    """One agent's files, and the agent."""

    def __init__(self, folder, port, max_size="64MiB"):
        self.folder, self.process = folder, None
        self.max_size = max_size
        self.store = f"{folder}/store.db"
        self.kept = f"{folder}/kept"
        self.config = f"{folder}/edgeprobe.json"
        self.log = f"{folder}/log"
        self.write(port)

    def write(self, port):
        with open(self.config, "w", encoding="utf-8") as f:
            json.dump({
                "agent": "damaged-01",
                "store": {"path": self.store, "max_size": self.max_size},
                "targets": [{"name": f"t{i}", "host": "127.0.0.1",
                             "probes": ["tcp"], "port": port,
                             "interval": "100ms", "timeout": "90ms"}
                            for i in range(TARGETS)],
                "destinations": [{"name": "kept", "interval": "1s",
                                  "url": f"file://{self.kept}/"}]}, f)

    def refuse(self):
        """The directory cannot be made."""
        with open(self.kept, "w", encoding="utf-8"):
            pass

    def accept(self):
        os.unlink(self.kept)

    def start(self):
        with open(self.log, "ab") as log:
            self.process = subprocess.Popen(
                [PROGRAM, "run", "--config", self.config],
                stdin=subprocess.DEVNULL, stdout=log, stderr=log)

    def end(self, number=signal.SIGTERM):
        self.process.send_signal(number)
        status = self.process.wait(PATIENCE)
        said = self.said()
        expect("Sanitizer" not in said and "runtime error" not in said, said)
        self.process = None
        return status

    def said(self):
        with open(self.log, encoding="utf-8", errors="replace") as f:
            return f.read()

    def wait_for(self, look, what):
        end = time.monotonic() + PATIENCE
        while True:
            answer = look()
            if answer:
                return answer
            expect(time.monotonic() < end, f"never: {what}: {self.said()}")
            expect(self.process is None or self.process.poll() is None,
                   f"it ended: {self.said()}")
            time.sleep(0.05)

    def rows(self):
        """What has been delivered, by epoch."""
        rows = {}
        names = os.listdir(self.kept) if os.path.isdir(self.kept) else []
        for name in sorted(names):
            if name.startswith("."):
                continue
            with open(f"{self.kept}/{name}", "rb") as f:
                for row in contract.parse_all(f.read()):
                    rows.setdefault(row["epoch"], {})[row["seq"]] = row
        return rows

    def export(self):
        done = subprocess.run([PROGRAM, "export", "--store", self.store],
                              stdout=subprocess.PIPE, check=True, timeout=60)
        return {row["seq"]: row for row in contract.parse_all(done.stdout)}

    def tool(self, *words, wanted=0):
        done = subprocess.run([PROGRAM, "store", *words, "--store",
                               self.store], stdout=subprocess.PIPE,
                              stderr=subprocess.PIPE, check=False, timeout=60)
        said = done.stderr.decode()
        expect(done.returncode == wanted and "Sanitizer" not in said and
               "runtime error" not in said, f"{words}: {done}")
        return done.stdout

    def count(self):
        if not os.path.exists(self.store):
            return 0
        return len(self.export())

    def beside(self, word):
        return [name for name in os.listdir(self.folder) if f".{word}-" in name
                and not name.endswith(("-wal", "-shm", "-lock", "-ballast"))]


def leaves(path, root):
    """Pages of rows of a table whose root is an inner page."""
    with open(path, "rb") as f:
        f.seek((root - 1) * PAGE)
        page = f.read(PAGE)
    expect(page[0] == 5, "the table has one page only")
    cells = int.from_bytes(page[3:5], "big")
    at = [int.from_bytes(page[12 + 2 * i:14 + 2 * i], "big")
          for i in range(cells)]
    return [int.from_bytes(page[i:i + 4], "big") for i in at] + \
        [int.from_bytes(page[8:12], "big")]


def hit(path, choose):
    """Bad sectors: in some pages of samples, in the rest of others."""
    with contextlib.closing(sqlite3.connect(path)) as db:
        root, = db.execute("SELECT rootpage FROM sqlite_schema "
                           "WHERE name = 'sample'").fetchone()
    pages = leaves(path, root)
    expect(len(pages) >= 4, pages)
    # the last ones are what is not lost however much else is
    for page in choose.sample(pages[:-1], len(pages) // 3):
        with open(path, "r+b") as f:
            f.seek((page - 1) * PAGE + 512 * choose.randrange(PAGE // 512))
            f.write(choose.randbytes(512))
    with open(path, "r+b") as f:
        f.seek((pages[0] - 1) * PAGE)
        f.write(choose.randbytes(512))


def settled(agent, epoch, last):
    """All numbers of `epoch` up to `last` have been delivered or declared."""
    def look():
        rows = agent.rows().get(epoch, {})
        known = set(rows)
        for row in rows.values():
            if row["type"] == "gap":
                known |= set(range(row["first"], row["last"] + 1))
        return bool(known) and known >= set(range(min(rows), last + 1))
    agent.wait_for(look, f"{epoch} is delivered up to {last}")


def compare(before, agent, epoch):
    """What was delivered is what there was; how many were declared."""
    rows = agent.rows()
    for one in rows.values():
        contract.audit(list(one.values()))
    declared = 0
    for seq, row in rows[epoch].items():
        if row["type"] == "gap" and row["reason"] == "corrupt":
            declared += row["last"] - row["first"] + 1
        elif seq in before and row["type"] == "sample":
            expect(row == before[seq], f"{row}, which was {before[seq]}")
    return declared


def fill(agent, rows):
    """A store with so many rows that nobody has got yet, and no agent."""
    agent.refuse()
    agent.start()
    agent.wait_for(lambda: agent.count() >= rows, f"{rows} rows")
    agent.end()
    before = agent.export()
    agent.accept()
    return before


def as_after_a_kill(agent):
    with sqlite3.connect(agent.store) as db:
        db.execute("UPDATE meta SET value = 1 WHERE name = 'dirty'")
    db.close()


def damaged_while_stopped(agent, choose):
    before = fill(agent, 500)
    epoch, last = before[1]["epoch"], max(before)
    as_after_a_kill(agent)
    hit(agent.store, choose)
    agent.start()
    settled(agent, epoch, last)
    declared = compare(before, agent, epoch)
    expect(declared > 0, "nothing was damaged")
    expect(len(agent.rows()) == 2, agent.rows().keys())
    agent.wait_for(lambda: agent.beside("salvaged") and
                   not agent.beside("damaged"), "the damaged file is gone")
    agent.end()
    return f"{last} rows, {declared} declared"


def damage_now(agent, choose):
    """Of the store of an agent that runs: its epoch, and its rows until then."""
    times = agent.said().count("kept as")
    # The log is written back, and the agent must read anew what it knew.
    db = sqlite3.connect(agent.store, timeout=10, isolation_level=None)
    db.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    epoch, = db.execute("SELECT value FROM meta WHERE name = 'epoch'"
                        ).fetchone()
    root, = db.execute("SELECT rootpage FROM sqlite_schema "
                       "WHERE name = 'sample'").fetchone()
    db.execute("BEGIN IMMEDIATE")
    before = {row["seq"]: row for row in agent.export().values()}
    db.execute("INSERT OR REPLACE INTO meta VALUES('test', 1)")
    with open(agent.store, "r+b") as f:
        f.seek((root - 1) * PAGE)
        top = f.read(1)
        leaf = root
        if top == b"\x05":  # its last leaf is named in its head
            f.seek((root - 1) * PAGE + 8)
            leaf = int.from_bytes(f.read(4), "big")
        f.seek((leaf - 1) * PAGE)
        f.write(choose.randbytes(PAGE))
    db.execute("COMMIT")
    db.close()
    agent.wait_for(lambda: agent.said().count("kept as") > times,
                   "it is set aside")
    return epoch, before


def new_epoch(agent, *old):
    """Its first number: what waited in memory keeps the numbers it had."""
    new = agent.wait_for(lambda: [e for e in agent.rows() if e not in old],
                         "rows of a new epoch")[0]
    return min(agent.rows()[new])


def damaged_while_running(agent, choose):
    agent.refuse()
    agent.start()
    agent.wait_for(lambda: agent.count() >= 400, "400 rows")
    epoch, before = damage_now(agent, choose)
    agent.accept()
    first = new_epoch(agent, epoch)
    settled(agent, epoch, first - 1)
    declared = compare(before, agent, epoch)
    expect(declared > 0, "nothing was damaged")
    expect(agent.process.poll() is None, "it ended")
    agent.end()
    expect("salvaged=" in agent.said(), agent.said())
    return f"{first - 1} rows before, {declared} declared"


def damaged_twice(agent, choose):
    """The second time while the first salvaged store waits to be sent."""
    before = fill(agent, 500)
    epoch, last = before[1]["epoch"], max(before)
    as_after_a_kill(agent)
    hit(agent.store, choose)
    agent.refuse()
    agent.start()
    agent.wait_for(lambda: agent.beside("salvaged"), "it is salvaged")
    agent.wait_for(lambda: agent.count() >= 400, "400 rows")
    second, _ = damage_now(agent, choose)
    agent.wait_for(lambda: len(agent.beside("salvaged")) == 2,
                   "that is salvaged, too")
    agent.accept()
    first = new_epoch(agent, epoch, second)
    settled(agent, epoch, last)
    settled(agent, second, first - 1)
    agent.end()
    return f"{last} and {first - 1} rows"


def killed_while_salvaging(agent, choose):
    before = fill(agent, 500)
    epoch, last = before[1]["epoch"], max(before)
    as_after_a_kill(agent)
    hit(agent.store, choose)
    for _ in range(6):
        agent.start()
        agent.wait_for(lambda: agent.beside("damaged") or
                       agent.beside("salvaged"), "it is set aside")
        time.sleep(choose.random() * 0.1)  # when is what is tested
        agent.end(signal.SIGKILL)
    agent.start()
    settled(agent, epoch, last)
    declared = compare(before, agent, epoch)
    agent.end()
    expect(len(agent.beside("salvaged")) == 1 and
           not agent.beside("salvaging"), "files are left")
    return f"{last} rows, {declared} declared"


def repaired_by_hand(agent, choose):
    before = fill(agent, 500)
    epoch, last = before[1]["epoch"], max(before)
    expect(json.loads(agent.tool("check", "--json"))["rows"] == len(before),
           "rows of a whole store")
    hit(agent.store, choose)
    found = json.loads(agent.tool("check", "--json", wanted=1))
    expect(not found["whole"] and 0 < found["rows"] < len(before), found)
    rows = contract.parse_all(agent.tool("export"))
    expect(len(rows) == found["rows"], f"{len(rows)} rows, not {found}")
    for row in rows:
        expect(row == before[row["seq"]], f"{row} is not as it was")
    with open(agent.store, "rb") as f:
        was = f.read()
    agent.tool("repair")
    with open(agent.store, "rb") as f:
        expect(f.read() == was and not agent.beside("damaged"), "it was done")
    agent.tool("repair", "--apply")
    expect(agent.beside("salvaged") and not agent.beside("damaged") and
           not os.path.exists(agent.store), os.listdir(agent.folder))
    agent.start()
    settled(agent, epoch, last)
    agent.tool("repair", wanted=75)  # it is in use
    declared = compare(before, agent, epoch)
    agent.end()
    return f"{last} rows, {found['rows']} read, {declared} declared"


def on_disk(agent):
    """Bytes of the store and of all that lies beside it."""
    total = 0
    for name in os.listdir(agent.folder):
        if name.startswith("store.db"):
            try:
                st = os.stat(f"{agent.folder}/{name}")
            except FileNotFoundError:
                continue  # renamed, or gone
            total += min(st.st_size, st.st_blocks * 512)
    return total


def fill_to_the_bound(agent):
    """As many https samples as the store may hold, made of some real ones."""
    fill(agent, 300)
    db = sqlite3.connect(agent.store, isolation_level=None)
    last, = db.execute("SELECT max(seq) FROM sample").fetchone()
    notes, = db.execute("SELECT max(seq) FROM note").fetchone()
    at, n = max(last, notes), 0
    columns = ",".join(row[1] for row in db.execute(
        "PRAGMA table_info(sample)") if row[1] != "seq")
    db.execute("BEGIN")
    while n < 12 * 1024 * 1024 // 165:
        made = db.execute(
            f"INSERT INTO sample(seq,{columns}) SELECT ? + row_number() OVER "
            f"(ORDER BY seq), {columns} FROM (SELECT * FROM sample "
            f"ORDER BY seq LIMIT 5000)", (at,)).rowcount
        at, n = at + made, n + made
    db.execute("INSERT INTO https(seq, pop_ref) SELECT seq, hex(zeroblob(50))"
               " FROM sample WHERE seq NOT IN (SELECT seq FROM https)")
    db.execute("UPDATE meta SET value = 1 WHERE name = 'dirty'")
    epoch, = db.execute("SELECT value FROM meta WHERE name = 'epoch'"
                        ).fetchone()
    db.execute("COMMIT")
    db.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    db.close()
    return epoch, at


def numbers(agent, epoch):
    """Those that were delivered or declared, and how many were declared."""
    known, declared = set(), 0
    for name in os.listdir(agent.kept):
        with open(f"{agent.kept}/{name}", "rb") as f:
            for row in map(json.loads, f):
                if row["epoch"] != epoch:
                    continue
                known.add(row["seq"])
                if row["type"] == "gap":
                    known |= set(range(row["first"], row["last"] + 1))
                    declared += row["last"] - row["first"] + 1
    return known, declared


def full_and_damaged(agent, choose):
    """The bound holds at every moment that is looked at, also of a store that
    is full to it, and with a kill in the middle."""
    epoch, last = fill_to_the_bound(agent)
    bound, most, kills = 16 * 1024 * 1024, 0, 2
    before = on_disk(agent)
    expect(bound * 3 / 4 < before <= bound, f"{before} bytes")
    with open(agent.store, "r+b") as f:
        for _ in range(20):
            f.seek(512 * choose.randrange(1000, before * 3 // 4 // 512))
            f.write(choose.randbytes(512))
    agent.start()
    end = time.monotonic() + PATIENCE
    while "delivered=yes" not in agent.said():
        for _ in range(20):
            most = max(most, on_disk(agent))
        expect(most <= bound, f"{most} bytes: {agent.said()}")
        expect(agent.process.poll() is None and time.monotonic() < end,
               f"it is not delivered: {agent.said()}")
        if kills and agent.beside("salvaging"):
            kills -= 1
            agent.end(signal.SIGKILL)
            agent.start()
    known, declared = numbers(agent, epoch)
    agent.end()
    expect(kills == 0, "it was not killed")
    expect(known >= set(range(min(known), last + 1)), "some are nowhere")
    expect(min(known) == 1, f"the first is {min(known)}")
    expect(declared < last * 3 / 4, f"{declared} of {last} are declared")
    expect(not agent.beside("damaged") and not agent.beside("salvaging"),
           os.listdir(agent.folder))
    return f"{last} rows, {declared} declared; at most {most} bytes"


def main():
    folder = tempfile.mkdtemp(prefix="damage-")
    listener = socket.create_server(("127.0.0.1", 0), backlog=1024)
    print(f"# SEED={SEED}")
    for one in (damaged_while_stopped, damaged_while_running,
                killed_while_salvaging, damaged_twice, repaired_by_hand,
                full_and_damaged):
        here = f"{folder}/{one.__name__}"
        os.makedirs(here)
        agent = Agent(here, listener.getsockname()[1],
                      "16MiB" if one is full_and_damaged else "64MiB")
        try:
            print("ok -", one.__name__, "#", one(agent, random.Random(SEED)),
                  flush=True)
        except (AssertionError, contract.Broken) as e:
            print("not ok -", one.__name__, "\n#", e, "\n#",
                  agent.said()[-3000:])
            failures.append(one.__name__)
        finally:
            if agent.process is not None:
                agent.process.kill()
                agent.process.wait()
    if failures:
        print("# files are in", folder)
        sys.exit(1)
    shutil.rmtree(folder)


main()
