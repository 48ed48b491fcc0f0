#!/usr/bin/env python3
"""What is asked of a running agent, and of its store without it: status,
backlog, replay and dead-letter, with collectors that are away, strict or
forgetful."""
import json
import os
import re
import signal
import socket
import sys

sys.path.insert(0, f"{os.path.dirname(os.path.abspath(__file__))}/../lib")
from labtest import Folder, await_it, case, expect, main
import contract
from collector import Collector, plain, status

HERE = "127.0.0.1"  # collectors stand in the branch itself, without TLS
TARGETS = [
    {"name": "near", "host": HERE, "probes": ["icmp", "tcp"], "port": 9,
     "interval": "200ms"},
    {"name": "gone", "host": "unanswered.test", "probes": ["tcp"],
     "interval": "500ms", "timeout": "300ms"},
]
NOBODY = ("setpriv", "--reuid=65534", "--regid=65534", "--clear-groups")


class Strict(Collector):
    """Takes a batch unless it holds a row that it `refuses`."""

    def __init__(self, *args, **more):
        super().__init__(*args, **more)
        self.refuses = lambda row: False

    def judge(self, request, answer):
        rows = contract.parse_all(plain(request))
        if any(map(self.refuses, rows)):
            return status(400), False
        return super().judge(request, answer)


def url(there):
    return f"http://{HERE}:{there.port}/"


def begin(lab, name, there, **more):
    folder = Folder(lab, name)
    folder.write(TARGETS, [{"name": "hq", "url": url(there),
                            "interval": "200ms"}], **more)
    return folder


def lines(folder, *words, wanted=(0,), before=()):
    folder.enter = before
    try:
        done = folder.ask(*words, "--config", folder.config, "--json",
                          wanted=wanted)
    finally:
        folder.enter = ()
    return [json.loads(line) for line in done.stdout.splitlines()]


def text(folder, *words, wanted=(0,), before=()):
    folder.enter = before
    try:
        return folder.ask(*words, "--config", folder.config, wanted=wanted)
    finally:
        folder.enter = ()


def part(answer, which):
    return [line for line in answer if line["part"] == which]


def running(folder):
    """Its status, once it listens."""
    await_it(lambda: folder.agent.poll() is not None or
             os.path.exists(f"{folder.store}-control"), 30,
             f"the socket: {folder.said()}")
    return lines(folder, "status")


def backlog(folder):
    return part(lines(folder, "backlog"), "destination")[0]


def seqs(rows):
    return {row["seq"] for row in rows}


# --- an agent whose collector is away

@case
def a_collector_that_is_away_and_comes_back(lab):
    with Collector(lab.env["LAB_BRANCH_NS"], HERE) as there:
        there.close()
        with begin(lab, "away", there).start() as folder:
            running(folder)
            await_it(lambda: backlog(folder)["rows"] >= 20 and
                     "trouble" in backlog(folder), 60, "a backlog")
            look_at_trouble(folder)
            there.begin()
            await_it(lambda: seqs(there.rows()) >= set(range(1, 21)), 60,
                     "the backlog is delivered")
            await_it(lambda: "trouble" not in backlog(folder), 60,
                     "no trouble any more")
            look_at_peace(folder)
            expect(folder.end()[0] == 0, folder.said())
        contract.audit(there.rows())


def look_at_trouble(folder):
    answer = lines(folder, "backlog")
    batches = part(answer, "batch")
    expect(batches and batches[0]["first"] == 1 and
           batches[0]["encoding"] == "ndjson" and batches[0]["gzip"] and
           batches[0]["bytes"] > 0 and batches[0]["attempts"] >= 1, answer)
    one = part(answer, "destination")[0]
    expect(one["destination"] == "hq" and one["age_us"] > 0 and
           one["acked_rows"] == 0 and one["refused"] >= 1, one)
    said = text(folder, "backlog").stdout
    expect(re.search(r"^hq: \d+ rows, the oldest ", said) and
           "hq batch" in said and "trouble: " in said, said)
    said = text(folder, "status").stdout
    expect("no acknowledgement so far" in said and "trouble: " in said, said)


def look_at_peace(folder):
    one = part(lines(folder, "status"), "destination")[0]
    expect(one["acked_rows"] >= 20 and "ack_age_us" in one and
           one["batches"] >= 1, one)
    said = text(folder, "status").stdout
    expect("last acknowledgement" in said and "trouble" not in said, said)


# --- status

@case
def status_says_how_it_is(lab):
    with Collector(lab.env["LAB_BRANCH_NS"], HERE) as there:
        circuits = [{"name": "lan", "source": lab.env["LAB_BRANCH_DEV"]},
                    {"name": "lte", "source": "wwan9"}]
        with begin(lab, "status", there, circuits=circuits,
                   defaults={"circuits": []}).start() as folder:
            running(folder)
            await_it(lambda: part(lines(folder, "status"),
                                  "targets")[0]["waiting"] == 0, 60,
                     "every item was asked")
            answer = lines(folder, "status")
            look_at_parts(folder, answer)
            look_at_metrics(folder)
            expect(folder.end()[0] == 0, folder.said())


def look_at_parts(folder, answer):
    expect([line["part"] for line in answer][:2] == ["agent", "targets"],
           answer)
    agent = part(answer, "agent")[0]
    expect(agent["agent"] == "lab-01" and agent["pid"] == folder_pid(folder) and
           agent["epoch"] == folder.rows()[0]["epoch"], agent)
    targets = part(answer, "targets")[0]
    expect(targets["targets"] == 2 and targets["items"] == 3 and
           targets["replied"] == 1 and targets["refused"] == 1, targets)
    worst = part(answer, "worst")
    expect([w["target"] for w in worst] == ["gone"] and
           worst[0]["silent"] >= 1 and worst[0]["outcome"] in
           ("lost", "failed"), worst)
    circuits = {c["circuit"]: c for c in part(answer, "circuit")}
    expect(circuits["lan"]["up"] is True and circuits["lte"]["up"] is False and
           circuits["lte"]["reason"] == "no_interface", circuits)
    store = part(answer, "store")[0]
    expect(store["path"] == folder.store and store["rows"] > 0 and
           store["disk_full"] is False and
           store["bytes"] <= store["max_bytes"], store)
    said = text(folder, "status").stdout
    for words in ("agent         lab-01, version ", "2 targets, 3 measured: ",
                  "gone tcp: ", "lan up, ", "lte down: no_interface",
                  "destination   hq: "):
        expect(words in said, f"{words!r} is not in:\n{said}")


def folder_pid(folder):
    """`ip netns exec` becomes the agent."""
    return folder.agent.pid


def look_at_metrics(folder):
    said = text(folder, "status", "--format", "prometheus").stdout
    seen = set()
    for line in said.splitlines():
        if line.startswith("# TYPE "):
            name = line.split()[2]
            expect(name not in seen, f"{name} comes twice")
            seen.add(name)
        elif not line.startswith("# HELP "):
            found = re.fullmatch(
                r"(edgeprobe_[a-z0-9_]+)(\{[a-z]+=\"[^\"]*\"\})? "
                r"-?[0-9.]+(e[+-]?\d+)?", line)
            expect(found and found[1] in seen, line)
    expect({"edgeprobe_uptime_seconds", "edgeprobe_backlog_rows",
            "edgeprobe_circuit_up"} <= seen, seen)
    expect('edgeprobe_circuit_up{circuit="lan"} 1\n' in said and
           'edgeprobe_circuit_up{circuit="lte"} 0\n' in said, said)


# --- who may ask, and when nobody is there

@case
def no_agent_is_running(lab):
    with Collector(lab.env["LAB_BRANCH_NS"], HERE) as there:
        with begin(lab, "none", there) as folder:
            done = text(folder, "status", wanted=(69,))
            expect("no agent is running" in done.stderr, done.stderr)
            text(folder, "backlog", wanted=(74,))  # no store either
            folder.start()
            running(folder)
            folder.await_rows(5)
            folder.end(signal.SIGKILL)
            text(folder, "status", wanted=(69,))  # its socket is stale
            expect(os.path.exists(f"{folder.store}-control"), "no socket left")
            expect(backlog(folder)["destination"] == "hq", "the store")
            folder.start()
            await_it(lambda: folder.agent.poll() is not None or
                     folder.ask("status", "--config", folder.config,
                                wanted=(0, 69)).returncode == 0, 30,
                     f"the next one listens: {folder.said()}")
            expect(folder.end()[0] == 0, folder.said())
            expect(not os.path.exists(f"{folder.store}-control"),
                   "it leaves a socket behind")


@case
def not_for_everybody(lab):
    with Collector(lab.env["LAB_BRANCH_NS"], HERE) as there:
        path = f"{lab.folder}/agent-private/asked"
        with begin(lab, "private", there,
                   control={"path": path}).start() as folder:
            await_it(lambda: os.path.exists(path), 30, folder.said())
            for words in ("status",), ("backlog",), \
                    ("replay", "--since", "1h"), ("dead-letter", "list"):
                done = text(folder, *words, wanted=(77,), before=NOBODY)
                expect("may ask" in done.stderr, done.stderr)
            expect(lines(folder, "status"), "root may")
            other = begin(lab, "second", there, control={"path": path})
            with other.start():
                expect(other.wait(30) == 75, other.said())
                expect("another agent listens" in other.said(), other.said())
            expect(lines(folder, "status"), "the first one still answers")
            expect(hostile(path).endswith('"errno":22}\n'), "nonsense")
            expect(folder.end()[0] == 0, folder.said())


def hostile(path):
    with socket.socket(socket.AF_UNIX) as asking:
        asking.connect(path)
        asking.sendall(b'{"ask":"status","since_us":[]}\n')
        return b"".join(iter(lambda: asking.recv(4096), b"")).decode()


@case
def wrong_words(lab):
    with Collector(lab.env["LAB_BRANCH_NS"], HERE) as there:
        with begin(lab, "words", there).start() as folder:
            running(folder)
            for words in (("status", "--format", "xml"), ("replay",),
                          ("backlog", "--destination", "nowhere"),
                          ("replay", "--since", "1h", "--destination", "no"),
                          ("replay", "--since", "1h", "--until", "2h"),
                          ("dead-letter", "burn"), ("dead-letter", "retry"),
                          ("dead-letter", "drop", "x"),
                          ("dead-letter", "drop", "1", "--all")):
                text(folder, *words, wanted=(64,))
            text(folder, "dead-letter", "drop", "7", wanted=(1,))
            text(folder, "dead-letter", "show", "7", wanted=(1,))
            expect("no dead letters" in text(folder, "dead-letter",
                                             "list").stdout, "list")
            expect(folder.end()[0] == 0, folder.said())


# --- dead letters

def letters(folder):
    return lines(folder, "dead-letter", "list")


@case
def what_is_refused_is_sent_again(lab):
    poison = {5, 8, 11}
    with Strict(lab.env["LAB_BRANCH_NS"], HERE) as there:
        there.refuses = lambda row: row["seq"] in poison
        with begin(lab, "poison", there).start() as folder:
            running(folder)
            await_it(lambda: len(letters(folder)) >= len(poison), 90,
                     f"dead letters: {folder.said()}")
            look_at_letters(folder, poison)
            # Once more for nothing: a letter again, declared once.
            first = letters(folder)[0]["id"]
            done = lines(folder, "dead-letter", "retry", str(first))
            expect([(d["id"], d["done"]) for d in done] == [(first, True)],
                   done)
            await_it(lambda: {l["id"] for l in letters(folder)} != {first} and
                     len(letters(folder)) == len(poison) and
                     first not in {l["id"] for l in letters(folder)}, 90,
                     f"refused again: {folder.said()}")
            there.refuses = lambda row: False
            said = text(folder, "dead-letter", "retry", "--all").stdout
            expect(said == "3 will be sent again\n", said)
            await_it(lambda: poison <= seqs(there.rows()), 60,
                     "taken after all")
            await_it(lambda: poison <= set(declared_in(there.rows())), 60,
                     "declared")
            expect(letters(folder) == [], letters(folder))
            expect(folder.end()[0] == 0, folder.said())
        judge_poison(folder, there.rows(), poison)


def look_at_letters(folder, poison):
    said = letters(folder)
    expect({(l["first"], l["last"], l["rows"]) for l in said} ==
           {(n, n, 1) for n in poison}, said)
    expect(all(l["destination"] == "hq" and "400" in l["answer"] and
               l["part"] == "letter" for l in said), said)
    one = said[0]
    shown = text(folder, "dead-letter", "show", str(one["id"])).stdout
    rows = contract.parse_all(shown)
    expect([row["seq"] for row in rows] == [one["first"]], shown)
    expect(rows[0] in folder.rows(), "it is the row of the store")
    said = text(folder, "dead-letter", "list").stdout
    expect(len(said.splitlines()) == len(poison) and "hq" in said, said)


def declared_in(rows):
    return [n for row in rows if row["type"] == "gap"
            for n in range(row["first"], row["last"] + 1)]


def judge_poison(folder, rows, poison):
    contract.audit(rows)
    declared = declared_in(rows)
    expect(sorted(declared) == sorted(poison), f"declared: {declared}")
    wanted = {row["seq"]: row for row in folder.rows()}
    expect(all(row == wanted[row["seq"]] for row in rows
               if row["type"] != "gap"), "other rows than in the store")


@case
def what_is_refused_is_dropped(lab):
    with Strict(lab.env["LAB_BRANCH_NS"], HERE) as there:
        there.refuses = lambda row: row["seq"] in (4, 9)
        with begin(lab, "drop", there).start() as folder:
            running(folder)
            await_it(lambda: len(letters(folder)) == 2, 90, folder.said())
            expect(folder.end()[0] == 0, folder.said())
            # Without the agent, too.
            ids = [str(letter["id"]) for letter in letters(folder)]
            said = text(folder, "dead-letter", "drop", ids[0]).stdout
            expect(said == "1 dropped\n", said)
            text(folder, "dead-letter", "drop", *ids, wanted=(1,))
            expect(letters(folder) == [], letters(folder))


# --- replay

def kept(path):
    rows = []
    for name in os.listdir(path):
        if name.endswith(".ndjson"):
            with open(f"{path}/{name}", "rb") as f:
                rows += contract.parse_all(f.read())
    return rows


def forget(path):
    for name in os.listdir(path):
        os.unlink(f"{path}/{name}")


@case
def a_collector_that_lost_its_memory(lab):
    with Collector(lab.env["LAB_BRANCH_NS"], HERE) as there:
        folder = Folder(lab, "replay")
        path = f"{folder.path}/kept"
        folder.write(TARGETS, [
            {"name": "hq", "url": url(there), "interval": "200ms"},
            {"name": "here", "url": f"file://{path}/", "interval": "200ms"}])
        with folder.start():
            running(folder)
            await_it(lambda: os.path.exists(path) and len(kept(path)) >= 30
                     and len(there.rows()) >= 30, 60, "rows")
            had = seqs(kept(path))
            forget(path)
            done = lines(folder, "replay", "--since", "1h", "--destination",
                         "here")
            expect([d["destination"] for d in done] == ["here"] and
                   done[0]["rows"] >= len(had) and
                   "kept_since" in done[0], done)
            await_it(lambda: had <= seqs(kept(path)), 60, "all of it again")
            expect(folder.end()[0] == 0, folder.said())
        contract.audit(kept(path))
        replay_without_the_agent(folder, there)


def is_flagged(row):
    return row["type"] == "sample" and "draining" in row.get("flags", "")


@case
def samples_beside_a_backlog_are_flagged(lab):
    with Collector(lab.env["LAB_BRANCH_NS"], HERE) as there:
        folder = Folder(lab, "drain")
        folder.write(TARGETS, [{"name": "hq", "url": url(there),
                                "interval": "200ms", "batch_rows": 10,
                                "backlog_rate": 0}])
        with folder.start():
            running(folder)
            await_it(lambda: len(there.rows()) >= 60, 60, "rows")
            expect(not any(map(is_flagged, there.rows())), "no backlog yet")
            text(folder, "replay", "--since", "1h")
            await_it(lambda: any(map(is_flagged, there.rows())), 60,
                     "one beside the backlog")
            await_it(lambda: all(
                line["again_rows"] == 0 for line
                in part(lines(folder, "backlog"), "destination")), 60, "done")
            last = max(seqs(there.rows()))
            await_it(lambda: any(
                row["seq"] > last and row["type"] == "sample" and
                not is_flagged(row) for row in there.rows()), 60,
                     "the line is our own no more")
            expect(folder.end()[0] == 0, folder.said())
        contract.audit(there.rows())


def replay_without_the_agent(folder, there):
    """It sends them when it runs again, and is not in a hurry: but for the end
    of a bounded run."""
    had = seqs(there.rows())
    there.requests.clear()
    said = text(folder, "replay", "--since", "1h").stdout
    expect(re.match(r"hq: \d+ rows will be sent again\n"
                    r"(  what is older than .* is no longer kept\n)?"
                    r"here: \d+ rows will be sent again\n", said), said)
    again = {line["destination"]: line["again_rows"]
             for line in part(lines(folder, "backlog"), "destination")}
    expect(again["hq"] >= len(had), again)
    folder.start("--duration", "2s")
    expect(folder.wait(60) == 0, folder.said())
    expect(had <= seqs(there.rows()), "not all came again")
    contract.audit(there.rows())


main()
