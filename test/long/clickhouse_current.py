#!/usr/bin/env python3
"""The schema on a current ClickHouse, in-process (chdb): what 18.16 cannot say.
Types and codecs, a repeated batch, retention, a day's roll-ups made anew, older
tables brought up to date; and the questions of `report --clickhouse`, as they are
heard by a server of our own, which it speaks HTTP to.

Skipped where npm cannot install it (550 MB)."""
import http.server
import json
import os
import re
import shutil
import subprocess
import sys
import tempfile
import threading
import time

TOP = os.path.normpath(f"{os.path.dirname(os.path.abspath(__file__))}/../..")
sys.path[:0] = [f"{TOP}/test/lib", f"{TOP}/test/lab"]
import clickhouse
import ledger
from lab import Wrong

PACKAGES = {"private": True, "dependencies": {
    "chdb": "3.4.0", "@chdb/lib-linux-x64-gnu": "26.7.3-stable.1"}}
# Statements, one JSON string a line, each answered by a line.
RUNNER = """
const { Session } = require("chdb");
const session = new Session(process.argv[2]);
const answers = require("fs").readFileSync(0, "utf8").trim().split("\\n")
	.map((line) => {
		try {
			return [String(session.query(JSON.parse(line),
				"TabSeparated")).trim(), ""];
		} catch (e) {
			return ["", String(e.message)];
		}
	});
console.log(JSON.stringify(answers));
process.exit(0);
"""


def install(folder):
    if not shutil.which("node") or not shutil.which("npm"):
        print("node or npm is not installed")
        sys.exit(77)
    with open(f"{folder}/package.json", "w", encoding="utf-8") as f:
        json.dump(PACKAGES, f)
    with open(f"{folder}/run.js", "w", encoding="utf-8") as f:
        f.write(RUNNER)
    done = subprocess.run(
        ["npm", "install", "--ignore-scripts", "--no-audit", "--no-fund",
         "--no-package-lock"], cwd=folder, capture_output=True, text=True,
        timeout=600, check=False)
    if done.returncode != 0:
        print(done.stderr[-2000:])
        print("npm could not install chdb")
        sys.exit(77)


def run(folder, sqls):
    done = subprocess.run(
        ["node", "run.js", f"{folder}/data"], cwd=folder, text=True,
        input="\n".join(map(json.dumps, sqls)), capture_output=True,
        timeout=600, check=False)
    if done.returncode != 0:
        sys.exit(f"node: exit {done.returncode}\n{done.stdout}{done.stderr}")
    answers = json.loads(done.stdout)
    for sql, (_, failure) in zip(sqls, answers):
        if failure:
            sys.exit(f"{failure}\n{sql[:1000]}")
    return [said for said, _ in answers]


def row(seq, us, **more):
    return json.dumps({
        "type": "sample", "time": "2026-01-01T00:00:00.000000Z", "ts_us": us,
        "agent": "a", "epoch": "e", "seq": seq, "target": "t", "probe": "tcp",
        "outcome": "replied", "rtt_us": 1000.125 + seq, "unknown": 1, **more})


def insert(*rows):
    return "INSERT INTO edgeprobe.rows FORMAT JSONEachRow\n" + "\n".join(rows)


class Heard(http.server.BaseHTTPRequestHandler):
    """Says that there is something, once, and nothing after that."""

    protocol_version = "HTTP/1.1"
    sqls, said = [], b""

    def do_POST(self):
        sql = self.rfile.read(int(self.headers["Content-Length"])).decode()
        self.sqls.append(sql.replace("FORMAT TabSeparated", ""))
        said = Heard.said if "uniqExact(agent)" in sql else b""
        self.send_response(200)
        self.send_header("Content-Length", str(len(said)))
        self.end_headers()
        self.wfile.write(said)

    def log_message(self, *_):
        pass


def questions(since_s, until_s):
    """What a report of that window asks."""
    program = os.environ.get("EDGEPROBE_RELEASE",
                             f"{TOP}/build/release/agent/edgeprobe")
    Heard.sqls, Heard.said = [], b"%d\t%d\t2\t100\n" % (since_s, since_s)
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Heard)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    for words in (["--format", "json", "--compare"],
                  ["--format", "csv", "--by", "market,connection,service"]):
        subprocess.run(
            [program, "report", "--clickhouse",
             f"http://127.0.0.1:{server.server_port}", "--since",
             str(since_s), "--until", str(until_s), *words],
            check=True, stdout=subprocess.DEVNULL)
    server.shutdown()
    server.server_close()
    return Heard.sqls


COUNTS = """SELECT (SELECT count() FROM edgeprobe.rows FINAL),
 (SELECT sumMerge(sent) FROM edgeprobe.minutes),
 (SELECT sumMerge(sent) FROM edgeprobe.hours),
 (SELECT count() FROM edgeprobe.drift)"""


# As the Collector's exporter makes them, and the rows of `books` as it has them.
LOGS = """CREATE TABLE otel_logs (ServiceName String,
 ResourceAttributes Map(String, String), LogAttributes Map(String, String))
 ENGINE = MergeTree ORDER BY tuple()"""
LOGGED = """INSERT INTO otel_logs SELECT 'edgeprobe',
 map('edgeprobe.agent', agent, 'edgeprobe.epoch', epoch),
 mapUpdate(map('edgeprobe.seq', toString(seq), 'edgeprobe.type', type),
  if(type = 'gap', map('edgeprobe.first', toString(first),
   'edgeprobe.last', toString(last)), map()::Map(String, String)))
 FROM books.rows CROSS JOIN (SELECT arrayJoin([1, 2])) AS copies
 WHERE agent != 'cut-at-midnight'"""


def count_once(folder, noon):
    """The audit's words: how many failed."""
    def table(sql):
        return [line.split("\t") for line in run(folder, [sql])[0].splitlines()]

    books = ledger.situations(noon)
    body = insert(*ledger.lines(books)).replace("edgeprobe.", "books.")
    run(folder, [*clickhouse.statements(clickhouse.in_older(
        clickhouse.ddl(), "books")), body])
    try:
        ledger.check(books, table, "books")
    except Wrong as e:
        print(f"not ok - audit: {e}")
        return 1
    with open(f"{TOP}/packaging/otel/README.md", encoding="utf-8") as f:
        audit = re.search("```sql\n(.*?)```", f.read(), re.DOTALL)[1]
    # It knows of no midnight.
    wanted = {f"{book.agent}\t{book.epoch}\t{book.missing()}"
              for book in books if book.missing() > 0 and
              book.agent != "cut-at-midnight"}
    said = set(run(folder, [LOGS, LOGGED, audit])[-1].splitlines())
    if wanted != said:
        print(f"not ok - logs: {said}, not {wanted}")
    return wanted != said


def main():
    noon = int(time.time()) // 86400 * 86400 * 10 ** 6 - 43200 * 10 ** 6
    day = time.strftime("%Y-%m-%d", time.gmtime(noon // 10 ** 6))
    batch = insert(*(row(seq, noon + seq) for seq in range(1, 101)
                     if seq != 50))
    # Others with the same figures, none of which is a repetition.
    dark = [insert(row(seq, noon + seq, rtt_us=None, outcome="lost"))
            for seq in (101, 102)]
    old = insert(row(1, noon - 100 * 86400 * 10 ** 6, epoch="old"))
    steps = [
        ("version", "SELECT version()", None),
        ("batch", batch, ""), ("again", batch, ""),
        ("dark", dark[0], ""), ("dark", dark[1], ""),
        ("once", COUNTS, "101\t101\t101\t0"),
        ("time", "SELECT time, rtt_us FROM edgeprobe.rows FINAL "
         "WHERE seq = 7", None),
        ("audit", "SELECT agent, missing FROM edgeprobe.audit", "a\t1"),
        ("missing", "SELECT first_seq, last_seq FROM edgeprobe.missing",
         "50\t50"),
        ("unknown", batch.replace("FORMAT", "SETTINGS deduplicate_insert = "
                                  "'disable' FORMAT"), ""),
        ("drift", "SELECT in_rows, in_minutes, in_hours FROM edgeprobe.drift",
         "101\t200\t200"),
        *(("rebuild", sql, "") for sql in clickhouse.statements(
            clickhouse.ddl("--rebuild", day))),
        ("rebuilt", COUNTS, "101\t101\t101\t0"),
        *((name, sql, None) for name, sql in clickhouse.queries().items()),
        *(("report", sql, None) for sql in questions(
            noon // 10 ** 6 - 1000, noon // 10 ** 6 + 7000)),
        *(("long report", sql, None) for sql in questions(
            noon // 10 ** 6 - 86400 * 7, noon // 10 ** 6 + 7000)),
        ("old", old, ""),
        *(("older", sql, "") for sql in clickhouse.statements(
            clickhouse.older() + batch.replace("edgeprobe.", "older.") + ";" +
            clickhouse.in_older(clickhouse.ddl("--upgrade")))),
        ("upgraded", clickhouse.OTHER_COLUMNS, ""),
        ("kept", "SELECT sumMerge(sent), sumMerge(late) FROM older.hours",
         "99\t0"),
        ("merge", "OPTIMIZE TABLE edgeprobe.rows FINAL", ""),
        ("retained", "SELECT count() FROM edgeprobe.rows WHERE epoch = 'old'",
         "0")]
    schema = clickhouse.statements(clickhouse.ddl())
    with tempfile.TemporaryDirectory() as folder:
        install(folder)
        answers = run(folder, schema + [sql for _, sql, _ in steps])
        failed = count_once(folder, noon)
    for (name, _, wanted), said in zip(steps, answers[len(schema):]):
        if wanted is not None and said != wanted:
            failed += 1
            print(f"not ok - {name}: {said!r}, not {wanted!r}")
        elif name in ("version", "time"):
            print(f"# {name}: {said}")
    sys.exit(1 if failed else 0)


main()
