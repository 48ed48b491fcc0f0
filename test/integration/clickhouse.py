#!/usr/bin/env python3
"""ClickHouse 18.16: what packaging/clickhouse ships, and an agent that delivers
to it, is killed, and has acknowledgements lost.

Skipped where clickhouse-server is not installed."""
import base64
import collections
import hashlib
import http.client
import http.server
import json
import os
import random
import re
import signal
import socket
import struct
import sys
import tempfile
import threading

TOP = os.path.normpath(f"{os.path.dirname(os.path.abspath(__file__))}/../..")
sys.path[:0] = [f"{TOP}/test/lib", f"{TOP}/test/lab"]
from labtest import await_it, case, expect
from lab import Wrong
import clickhouse
import contract
import here
import labtest
import ledger

PASSWORD = "w0rd"
RUN = {}  # what the first case leaves for the others


def users():
    with open(f"{clickhouse.SHIPPED}/users.xml", encoding="utf-8") as f:
        return f.read().replace("64 hexadecimal digits", hashlib.sha256(
            PASSWORD.encode()).hexdigest())


def shipped_url(port):
    """The one of the README, to somewhere else."""
    with open(f"{clickhouse.SHIPPED}/README.md", encoding="utf-8") as f:
        url = re.search(r'"url": "https://[^/]*(/[^"]*)"', f.read())[1]
    return f"http://127.0.0.1:{port}{url}"


class Line(http.server.ThreadingHTTPServer):
    """Between agent and server: some answers do not come back. `lose` says
    which, by number; `seen` are (body, status)."""

    daemon_threads = True

    def __init__(self, server, lose):
        self.server, self.lose, self.seen = server, lose, []
        self.lock = threading.Lock()
        super().__init__(("127.0.0.1", 0), Passing)
        threading.Thread(target=self.serve_forever, daemon=True).start()

    def handle_error(self, *_):
        """The agent went away; it may."""

    def __exit__(self, *_):
        self.shutdown()
        self.server_close()


class Passing(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_POST(self):
        body = self.rfile.read(int(self.headers["Content-Length"]))
        there = http.client.HTTPConnection("127.0.0.1",
                                           self.server.server.http)
        there.request("POST", self.path, body, {
            name: self.headers[name]
            for name in ("Content-Encoding", "Content-Type", "Authorization",
                         "Idempotency-Key") if name in self.headers})
        answer = there.getresponse()
        said = answer.read()
        there.close()
        with self.server.lock:
            number = len(self.server.seen)
            self.server.seen.append((body, answer.status))
        if self.server.lose(number):
            self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER,
                                       struct.pack("ii", 1, 0))
            self.close_connection = True
            return
        self.send_response(answer.status)
        self.send_header("Content-Length", str(len(said)))
        self.end_headers()
        self.wfile.write(said)

    def log_message(self, *_):
        pass


def targets(port):
    return [{"name": "open", "host": "127.0.0.1", "port": port,
             "probes": ["tcp"], "interval": "100ms"},
            {"name": "closed", "host": "127.0.0.1", "port": 1,
             "probes": ["tcp"], "interval": "200ms"},
            {"name": "odd", "host": "127.0.0.1", "port": port,
             "probes": ["https"], "interval": "500ms"},
            {"name": "gone", "host": "no.such.host.invalid",
             "probes": ["tcp"], "interval": "1s", "timeout": "500ms"}]


def token(folder):
    path = f"{folder.path}/clickhouse.token"
    pair = base64.b64encode(f"edgeprobe_writer:{PASSWORD}".encode()).decode()
    with open(path, "w", encoding="utf-8") as f:
        f.write(f"Basic {pair}\n")
    return path


def destination(folder, port, **more):
    return {"name": "clickhouse", "url": shipped_url(port),
            "token_file": token(folder), "interval": "300ms", **more}


@case
def a_killed_agent_with_lost_answers_delivers_all(place):
    server = RUN["server"]
    server.apply(clickhouse.ddl("--old"))
    lose = {2, 3, 8}.__contains__
    with here.Folder(place, "agent") as folder, here.listener() as port, \
            Line(server, lose) as line:
        folder.write(
            targets(port), [destination(folder, line.server_port)],
            agent="ams-01", site={"name": "Amsterdam office", "country": "NL",
                                  "metro": "Amsterdam"},
            circuits=[{"name": "fibre", "provider": "KPN", "source": "lo"}],
            dns={"servers": ["127.0.0.1:1"]})
        folder.start()
        await_it(lambda: len(line.seen) > 3, 60, f"requests: {folder.said()}")
        folder.end(signal.SIGKILL)
        rows = folder.run_out(lambda rows: len(rows) == server.number(
            "SELECT uniqExact(seq) FROM edgeprobe.rows"))
        expect(PASSWORD not in folder.said(), "the password is in the log")
    again = collections.Counter(body for body, _ in line.seen)
    expect({status for _, status in line.seen} == {200} and
           max(again.values()) > 1, [status for _, status in line.seen])
    RUN["rows"] = rows


def listed(sql):
    """Rows of an answer, decoded."""
    said = RUN["server"].ask(f"{sql} FORMAT JSONEachRow",
                             output_format_json_quote_64bit_integers=0)
    return [json.loads(line) for line in said.splitlines()]


@case
def every_row_is_there_as_it_was(_):
    rows = {row["seq"]: row for row in RUN["rows"]}
    got = listed("SELECT * FROM edgeprobe.rows FINAL")
    expect(sorted(row["seq"] for row in got) == sorted(rows),
           f"{len(got)} rows for {len(rows)}")
    columns = set(got[0])
    for row in got:
        wanted = {key: value if isinstance(value, str) else float(value)
                  for key, value in rows[row["seq"]].items()
                  if key in columns}
        there = {key: row[key] if isinstance(row[key], str) else
                 float(row[key]) for key in wanted}
        expect(all(there[key] == value if isinstance(value, str) else
                   abs(there[key] - value) <= abs(value) * 1e-6
                   for key, value in wanted.items()), f"{row} for {wanted}")
        absent = {key: value for key, value in row.items()
                  if key not in wanted and value not in (None, 0, "")}
        expect(not absent, f"{absent} came from nowhere")
    for row in RUN["rows"]:
        missing = set(row) - columns - {"time"}
        expect(row["type"] == "self" or not missing, f"no column {missing}")


@case
def a_repeated_batch_is_there_once(_):
    server, n = RUN["server"], len(RUN["rows"])
    expect(server.number("SELECT count() FROM edgeprobe.rows") > n or
           server.number("SELECT uniqExact(rows) FROM system.parts WHERE "
                         "level > 0 AND table = 'rows'") > 0,
           "nothing came twice")
    expect(server.number("SELECT count() FROM edgeprobe.rows FINAL") == n,
           "not once")
    server.ask("OPTIMIZE TABLE edgeprobe.rows FINAL")
    expect(server.number("SELECT count() FROM edgeprobe.rows") == n,
           "not once after merging")


@case
def the_audit_says_complete(_):
    server = RUN["server"]
    seqs = [row["seq"] for row in RUN["rows"]]
    epoch = RUN["rows"][0]["epoch"]
    expect(server.table("SELECT agent, epoch, first_seq, last_seq, present, "
                        "declared, missing FROM edgeprobe.audit") ==
           [["ams-01", epoch, "1", str(max(seqs)), str(len(seqs)), "0", "0"]],
           server.ask("SELECT * FROM edgeprobe.audit"))
    expect(server.ask(clickhouse.queries()["audit"]) == "", "not complete")


def days():
    return {row[0] for row in RUN["server"].table(
        "SELECT DISTINCT toDate(toUInt16(intDiv(ts_us, 86400000000))) "
        "FROM edgeprobe.rows")}


@case
def rollups_are_the_rows(_):
    """As soon as what came twice is out of them."""
    server = RUN["server"]
    drift = {row[0] for row in server.table("SELECT * FROM edgeprobe.drift")}
    expect(drift and drift <= days(), "no drift, though some came twice")
    for day in drift:
        server.apply(clickhouse.ddl("--old", "--rebuild", day))
    expect(server.ask("SELECT * FROM edgeprobe.drift") == "", "drift")
    wanted = collections.defaultdict(collections.Counter)
    for row in RUN["rows"]:
        if row["type"] == "sample" and row.get("reason") != "missed":
            figures = wanted[row["target"], row["probe"]]
            figures["sent"] += 1
            figures["answered"] += row["outcome"] in ("replied", "refused")
            figures["lost"] += row["outcome"] == "lost"
            figures["failed"] += row["outcome"] == "failed"
            figures["rtt_us"] += "rtt_us" in row
    for table in "minutes", "hours":
        got = server.table(
            "SELECT target, probe, sumMerge(sent), sumMerge(answered), "
            "sumMerge(lost), sumMerge(failed), "
            "arraySum(tupleElement(sumMapMerge(rtt), 2)) "
            f"FROM edgeprobe.{table} GROUP BY target, probe")
        expect({(row[0], row[1]): list(map(int, row[2:])) for row in got} ==
               {key: [figures[name] for name in ("sent", "answered", "lost",
                                                 "failed", "rtt_us")]
                for key, figures in wanted.items()}, f"{table}: {got}")


def nearest_rank(values, share):
    values = sorted(values)
    return values[max(0, -int(-share * len(values) // 1) - 1)]


@case
def the_report_is_that_of_the_rows(_):
    """Asked for by the reader, whose password the shipped users name."""
    server = RUN["server"]
    answers = {}
    for name, sql in clickhouse.queries().items():
        if name != "retention":
            answers[name] = server.ask(sql, user="edgeprobe_reader",
                                       password=PASSWORD)
    (line,) = answers["report"].splitlines()
    site, provider, sent, answered, loss, least, shares, most = \
        line.split("\t")
    rtts = [float(row["rtt_us"]) for row in RUN["rows"] if "rtt_us" in row
            and row["type"] == "sample"]
    samples = [row for row in RUN["rows"] if row["type"] == "sample" and
               row.get("reason") != "missed"]
    lost = sum(row["outcome"] == "lost" for row in samples)
    failed = sum(row["outcome"] == "failed" for row in samples)
    expect((site, provider, int(sent), int(answered)) ==
           ("Amsterdam office", "KPN", len(samples), len(rtts)), line)
    expect(abs(float(loss) - 100 * lost / (len(samples) - failed)) < 1e-6 and
           float(least) == min(rtts) and float(most) == max(rtts), line)
    for share, got in zip((0.5, 0.9, 0.99), json.loads(shares)):
        true = nearest_rank(rtts, share)
        expect(abs(got - true) < true * 0.0061 + 0.06, f"{got} for {true}")
    expect(answers["exact"].count("\n") == 3, answers["exact"])


def row_of(agent, seq, us, **more):
    return json.dumps({"type": "sample", "agent": agent, "epoch": "e",
                       "seq": seq, "ts_us": us, **more})


@case
def what_is_missing_is_named(_):
    """Holes, declared ones, and days that retention dropped."""
    server, day = RUN["server"], 86400 * 10 ** 6
    now = max(row["ts_us"] for row in RUN["rows"])
    noon = now // day * day + day // 2
    lines = [row_of("holes", seq, noon + seq) for seq in range(11, 101)
             if seq not in (20, 21, 22, 50) and not 60 <= seq <= 69]
    lines.append(row_of("holes", 101, noon, type="gap", first=60, last=69,
                        reason="evicted"))
    # Its first rows ended on the other side of midnight: 5 is dropped with
    # the day before, 6 is not, 7 is.
    start = noon - day // 2 - day
    late = [(6, start + 5), (8, start + 20)] + [
        (seq, start + seq * 10 ** 8) for seq in range(9, 400)]
    lines += [row_of("old", seq, us) for seq, us in late]
    body = "INSERT INTO edgeprobe.rows FORMAT JSONEachRow\n" + "\n".join(lines)
    server.ask(body)
    server.ask(body)  # nobody counts twice
    got = server.table("SELECT agent, first_seq, last_seq, present, declared, "
                       "missing FROM edgeprobe.audit WHERE agent != 'ams-01' "
                       "ORDER BY agent")
    # 45: the last that was measured in the first hour
    expect(got == [["holes", "11", "101", "77", "10", "4"],
                   ["old", "36", "399", "364", "0", "0"]], got)
    sql = clickhouse.queries()["missing"].replace("ams-01", "holes")
    expect(server.table(sql) == [["20", "22"], ["50", "50"]],
           server.ask(sql))
    server.ask(clickhouse.queries()["retention"])


END_S = 1769860800  # 2026-01-31, noon


@case
def a_number_counts_once_in_the_audit(_):
    """Whether it is there, declared, or both, however often. Each batch comes
    three times, and once more in other blocks."""
    server, seed = RUN["server"], random.randrange(10 ** 6)
    print(f"# seed {seed}")
    noon_us = END_S * 10 ** 6
    books = ledger.situations(noon_us) + \
        ledger.at_random(random.Random(seed), noon_us)
    server.apply(clickhouse.in_older(clickhouse.ddl("--old"), "books"))
    rows = list(ledger.lines(books))
    for some in rows, rows, rows, rows[::2]:
        server.ask("INSERT INTO books.rows FORMAT JSONEachRow\n" +
                   "\n".join(some))
    ledger.check(books, server.table, "books")
    # What the plain sum, which counts them twice, could not see.
    hidden = [book.agent for book in books
              if book.plain_sum() == 0 and book.missing() > 0]
    expect("hidden-by-a-retry" in hidden and "hidden-by-overlaps" in hidden,
           hidden)
    for name, sql in clickhouse.queries().items():
        if name in ("audit", "missing"):
            sql = sql.replace("edgeprobe.", "books.").replace(
                "ams-01", "hidden-by-a-retry")
            expect(server.table(sql), f"{name} says nothing")


def ours(place):
    """Three branches' stores: half a day, the last of them with troubles."""
    folder = f"{place.folder}/branches"
    os.makedirs(folder)
    done = here.run(f"{labtest.BUILD}/release/test/lib/branches", folder,
                    12, 240, 3, END_S)
    expect(done.returncode == 0, done.stderr)
    return folder


def fill_fleet(stores):
    """The same rows in a database of another name."""
    server = RUN["server"]
    server.apply(clickhouse.in_older(clickhouse.ddl("--old"), "fleet"))
    for name in sorted(os.listdir(stores)):
        if name.endswith(".db"):
            done = here.run(labtest.SANITIZED, "export", "--store",
                            f"{stores}/{name}")
            expect(done.returncode == 0, done.stderr)
            server.ask("INSERT INTO fleet.rows FORMAT JSONEachRow\n" +
                       done.stdout, input_format_skip_unknown_fields=1)


def report(*words):
    done = here.run(labtest.SANITIZED, "report", "--format", "json", "--compare",
                    "--since", END_S - 6 * 3600, "--until", END_S, *words)
    expect(done.returncode == 0, f"{words}: {done.stderr}")
    return json.loads(done.stdout)


# Known to the minute there; or made of what is compared anyway.
TIMES = ("first", "last", "since", "until", "location_since", "back",
         "seconds", "text", "change_percent")


def same(path, a, b):
    """Counts are equal, figures within what the README says: 0.7 % for each
    histogram, of which the store's own has 0.1 %."""
    if isinstance(a, dict):
        expect(set(a) == set(b), f"{path}: {set(a) ^ set(b)}")
        for key in a:
            if key not in TIMES:
                same(f"{path}.{key}", a[key], b[key])
    elif isinstance(a, list):
        expect(len(a) == len(b), f"{path}: {len(a)} and {len(b)}")
        for i, (x, y) in enumerate(zip(a, b)):
            same(f"{path}[{i}]", x, y)
    elif isinstance(a, float) or isinstance(b, float):
        expect(abs(a - b) <= 0.008 * abs(a), f"{path}: {a}, not {b}")
    else:
        expect(a == b, f"{path}: {a!r}, not {b!r}")


def savings(found):
    return {(p["site"], p["target"], p["probe"]): p["p50_saved_us"]
            for p in found["pairs"]}


@case
def a_report_is_the_same_from_stores_and_from_clickhouse(place):
    stores = ours(place)
    fill_fleet(stores)
    there = ("--clickhouse", f"http://127.0.0.1:{RUN['server'].http}",
             "--database", "fleet")
    for by in ("target,probe", "market,service", "site,circuit,pop",
               "connection,prefix,probe"):
        a = report("--by", by, "--store", stores)
        b = report("--by", by, *there)
        if "pop" in by:  # of which it does not know the jitter
            for group in a["groups"]:
                group.pop("jitter_us", None)
        same(by, a["groups"], b["groups"])
        expect(any("change_percent" in g for g in b["groups"]), "no change")
    for part in "sites", "circuits", "events":
        expect(a[part], f"nothing of {part}")
        if part != "events":
            same(part, a[part], b[part])
    told = [[(e["event"], e.get("site"), e.get("target"), e.get("state"))
             for e in found["events"]] for found in (a, b)]
    expect(told[0] == told[1], f"{told[0]}, not {told[1]}")
    saved = savings(a), savings(b)
    expect(saved[0] and set(saved[0]) == set(saved[1]), saved)
    expect(all(abs(us - saved[1][key]) < 0.02 * us + 200
               for key, us in saved[0].items()), saved)


@case
def a_report_for_the_reader(place):
    """With the rights of the shipped users, and with none."""
    url = f"http://127.0.0.1:{RUN['server'].http}"
    path = f"{place.folder}/password"
    with open(path, "w", encoding="utf-8") as f:
        f.write(PASSWORD + "\n")
    command = [labtest.SANITIZED, "report", "--clickhouse", url, "--user",
               "edgeprobe_reader"]
    done = here.run(*command, "--password-file", path, "--by", "site")
    expect(done.returncode == 0 and "Amsterdam office" in done.stdout,
           done.stdout + done.stderr)
    with open(path, "w", encoding="utf-8") as f:
        f.write("another\n")
    for words, said in ((("--password-file", path), "password is not right"),
                        (("--user", "default", "--database", "nothing"),
                         "packaging/clickhouse/schema.sql")):
        done = here.run(*command, *words)
        expect(done.returncode not in (0, 1) and said in done.stderr and
               done.stderr.count("\n") == 1, done.stderr)


@case
def older_tables_are_brought_up_to_date(_):
    """What they lack is as if they had been made today."""
    server = RUN["server"]
    server.apply(clickhouse.older("--old"))
    row = row_of("old", 1, END_S * 10 ** 6, target="t", probe="tcp",
                 outcome="replied", rtt_us=1000)
    server.ask(f"INSERT INTO older.rows FORMAT JSONEachRow\n{row}")
    for view in "audit", "missing":
        server.ask(f"CREATE VIEW older.{view} AS SELECT seq FROM older.rows")
    server.apply(clickhouse.in_older(clickhouse.ddl("--old", "--upgrade")))
    row = row.replace('"seq": 1', '"seq": 2')
    server.ask(f"INSERT INTO older.rows FORMAT JSONEachRow\n{row}")
    expect(server.number("SELECT sumMerge(sent) FROM older.hours") == 2,
           "not both are in the roll-ups")
    other = server.ask(clickhouse.OTHER_COLUMNS)
    expect(other == "", f"not in both: {other}")


@case
def every_documented_key_has_a_column(_):
    """But those of the host's figures that README.md leaves out."""
    there = {row[0] for row in RUN["server"].table(
        "SELECT name FROM system.columns WHERE database = 'edgeprobe' AND "
        "table = 'rows'")}
    parts = [contract.SELF[name] for name in ("site", "circuit", "load")]
    for keys in [k for k in contract.KEYS.values() if k] + parts:
        expect(set(keys) <= there, f"no column {set(keys) - there}")


@case
def rights_are_no_more_than_needed(_):
    server = RUN["server"]
    for user, sql in (
            ("edgeprobe_writer", "DROP TABLE edgeprobe.rows"),
            ("edgeprobe_writer", "CREATE TABLE edgeprobe.x (a UInt8) "
             "ENGINE = Memory"),
            ("edgeprobe_reader", "INSERT INTO edgeprobe.rows (seq) VALUES (1)"),
            ("edgeprobe_reader", "SELECT * FROM default.nothing"),
            ("edgeprobe_reader", "DROP TABLE edgeprobe.rows")):
        try:
            said = server.ask(sql, user=user, password=PASSWORD)
        except clickhouse.Failed:
            continue
        raise Wrong(f"{user} may: {sql}: {said}")


@case
def a_row_that_it_cannot_read_is_told(place):
    """18.16 answers 500: that may be the server, so it comes again."""
    server = RUN["server"]
    server.ask("CREATE TABLE edgeprobe.narrow (target Enum8('open' = 1)) "
               "ENGINE = Memory")
    with here.Folder(place, "bad") as folder, here.listener() as port:
        url = shipped_url(server.http).replace("edgeprobe.rows",
                                               "edgeprobe.narrow")
        folder.write(targets(port)[1:2], [destination(
            folder, server.http, url=url)]).start()
        folder.await_said("destination=clickhouse status=500 attempt=2", 60)
        expect("quarantined" not in folder.said(), folder.said())
        expect(folder.end()[0] == 0, folder.said())


def main():
    why = clickhouse.why_not()
    if why:
        print(why)
        sys.exit(77)
    with tempfile.TemporaryDirectory() as folder, \
            clickhouse.Server(folder, users=users()) as server:
        RUN["server"] = server
        here.main()


main()
