#!/usr/bin/env python3
"""What ClickHouse makes of many branches: batches as agents send them, to one
server or to two shards with ZooKeeper, on this machine.

    test/bench/clickhouse.py --build DIR [--cluster] [--folder DIR] [--rows N]
    test/bench/clickhouse.py --build DIR --report

DIR is a release build with bench_rows in it. For each size of a batch: rows a
second, the servers' CPU a row with all merging that follows, parts, memory;
then bytes a row, and how long questions take. With --report: how long reports of
a day of 100 targets at 1 Hz take, 8.64 million rows. Figures are for sizing.md."""
import argparse
import contextlib
import http.client
import os
import queue
import subprocess
import sys
import tempfile
import threading
import time
import urllib.parse

sys.dont_write_bytecode = True
TOP = os.path.normpath(f"{os.path.dirname(os.path.abspath(__file__))}/../..")
sys.path[:0] = [f"{TOP}/test/lib", f"{TOP}/test/lab"]
import clickhouse
import zookeeper

AGENTS, TARGETS, INTERVAL_MS = 50, 30, 10000
SENDERS = 2
INSERTS = 300  # of each size, at most
INSERT = "/?" + urllib.parse.urlencode({
    "query": "INSERT INTO edgeprobe.rows FORMAT JSONEachRow",
    "input_format_skip_unknown_fields": 1, "insert_distributed_sync": 1})


def arguments():
    p = argparse.ArgumentParser(description=__doc__.split("\n", maxsplit=1)[0])
    p.add_argument("--build", required=True, metavar="DIR")
    p.add_argument("--cluster", action="store_true")
    p.add_argument("--report", action="store_true")
    p.add_argument("--folder", help="where the servers' disks are")
    p.add_argument("--rows", type=int, default=300000, help="of each size")
    p.add_argument("--sizes", default="100,1000,5000,50000")
    return p.parse_args()


def cpu_seconds(processes):
    tick, total = os.sysconf("SC_CLK_TCK"), 0
    for process in processes:
        with open(f"/proc/{process.pid}/stat", encoding="utf-8") as f:
            fields = f.read().rsplit(")", 1)[1].split()
        total += int(fields[11]) + int(fields[12])
    return total / tick


def peak_mib(process):
    with open(f"/proc/{process.pid}/status", encoding="utf-8") as f:
        for line in f:
            if line.startswith("VmHWM:"):
                return int(line.split()[1]) // 1024
    return 0


def batches(options, size, start_s):
    """(bytes, rows) as agents would send them; not too many small ones."""
    wanted = max(1, min(options.rows // size, INSERTS))
    agents = min(AGENTS, wanted)
    rounds = max(1, wanted // agents)
    made = subprocess.run(
        [f"{options.build}/test/bench/bench_rows", str(agents), str(TARGETS),
         str(INTERVAL_MS), str(start_s), str(rounds), str(size), str(size)],
        check=True, stdout=subprocess.PIPE).stdout
    at, found = 0, []
    while at < len(made):
        end = made.index(b"\n", at)
        length, rows = map(int, made[at:end].split())
        found.append((made[end + 1:end + 1 + length], rows))
        at = end + 1 + length
    return found


def send(servers, todo, failures):
    links = [http.client.HTTPConnection("127.0.0.1", s.http) for s in servers]
    for number in iter(todo.get, None):
        body = number[1]
        link = links[number[0] % len(links)]
        link.request("POST", INSERT, body, {"Content-Encoding": "gzip"})
        answer = link.getresponse()
        said = answer.read()
        if answer.status != 200:
            failures.append(said[:300])


def pour(servers, found):
    """Seconds it took."""
    todo, failures = queue.Queue(), []
    for number, (body, _) in enumerate(found):
        todo.put((number, body))
    threads = [threading.Thread(target=send, args=(servers, todo, failures))
               for _ in range(SENDERS)]
    for _ in threads:
        todo.put(None)
    began = time.monotonic()
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    if failures:
        sys.exit(f"{len(failures)} refused: {failures[0]}")
    return time.monotonic() - began


def settle(servers):
    """Wait until nothing is merged any more."""
    quiet = 0
    while quiet < 10:
        busy = any(s.number("SELECT count() FROM system.merges")
                   for s in servers)
        quiet = 0 if busy else quiet + 1
        time.sleep(0.1)


def parts(server):
    return server.number("SELECT count() FROM system.parts "
                         "WHERE active AND database = 'edgeprobe'")


def one_size(options, servers, processes, size):
    # A day a size, so that each has partitions of its own.
    found = batches(options, size, one_size.start_s)
    one_size.start_s -= 86400 * 30
    rows = sum(n for _, n in found)
    before = cpu_seconds(processes)
    took = pour(servers, found)
    inserting = cpu_seconds(processes) - before
    most = sum(map(parts, servers))
    settle(servers)
    whole = cpu_seconds(processes) - before
    print(f"{size:6} rows an insert: {rows / took:8.0f} rows/s "
          f"{len(found) / took:7.1f} inserts/s  CPU "
          f"{inserting / rows * 1e6:6.1f} us/row, with merges "
          f"{whole / rows * 1e6:6.1f}, {whole / len(found) * 1e3:6.1f} ms an "
          f"insert  {most} parts  "
          f"{sum(len(b) for b, _ in found) / rows:.0f} B/row sent", flush=True)


def sizes(servers, local):
    for table in "rows", "minutes", "hours":
        name, held, n = table + local, 0, 0
        for server in servers:
            server.ask(f"OPTIMIZE TABLE edgeprobe.{name} FINAL")
            size, rows = server.ask(
                "SELECT sum(bytes_on_disk), sum(rows) FROM system.parts WHERE "
                f"active AND database = 'edgeprobe' AND table = '{name}'"
            ).split("\t")
            held, n = held + int(size), n + int(rows)
        print(f"{table}: {n} rows, {held / max(n, 1):.1f} B/row")


def time_it(server, name, sql):
    began = time.monotonic()
    lines = server.ask(sql).count("\n") + 1
    print(f"{name}: {time.monotonic() - began:.2f} s, {lines} lines")


def ask(server):
    sqls = clickhouse.queries()
    since = "minute >= now() - 86400"
    time_it(server, "report of all days, by site and provider",
            sqls["report"].replace(since, "1"))
    time_it(server, "pops of all days", sqls["pops"].replace(since, "1"))
    time_it(server, "audit of all", sqls["audit"])
    time_it(server, "drift of all days", sqls["drift"])


# An hour of 100 series over two circuits: half TCP, 30 ICMP, 20 HTTPS. Made by
# ClickHouse itself, row by row as agents would send them.
HOUR = """INSERT INTO edgeprobe.rows (type, ts_us, agent, epoch, seq, site,
 country, metro, circuit, provider, target, probe, host, outcome, reason, rtt_us,
 dns_us, connect_us, tls_us, first_byte_us, total_us, pop, stamp)
SELECT 'sample', toUInt64({from_s} + s) * 1000000 + k * 9000, 'ams-01', 'e',
 ({hour} * 3600 + s) * 100 + k + 1, 'Amsterdam office', 'NL', 'Amsterdam',
 if(k % 2 = 0, 'fibre', 'lte'), if(k % 2 = 0, 'KPN', 'Vodafone'),
 concat('t', toString(intDiv(k, 2))), p, concat('h', toString(k), '.office.com'),
 if(lost, 'lost', 'replied'), if(lost, 'timeout', ''), if(lost, NULL, r),
 if(h, 300 + r / 50, NULL), if(h, r, NULL), if(h, r * 1.5, NULL),
 if(h, r * 1.7, NULL), if(h, r * 4.5, NULL),
 if(h, if(rand(5) % 10 = 0, 'LON', 'AMS'), ''), 'kernel'
FROM (SELECT intDiv(number, 100) AS s, number % 100 AS k,
 if(k < 50, 'tcp', if(k < 80, 'icmp', 'https')) AS p, p = 'https' AS h,
 rand(1) % 1000 = 0 AS lost,
 round(10000 + k * 300 + exp(rand(2) % 1000000 / 200000) * 100, 3) AS r
 FROM system.numbers LIMIT 360000)"""


def reports(options, server):
    """Of yesterday."""
    day_s = int(time.time()) // 86400 * 86400 - 86400
    for hour in range(24):
        server.ask(HOUR.format(from_s=day_s + hour * 3600, hour=hour))
    settle([server])
    for kind in "csv", "text", "json", "html":
        for _ in range(3):
            began = time.monotonic()
            made = subprocess.run(
                [f"{options.build}/agent/edgeprobe", "report", "--clickhouse",
                 f"http://127.0.0.1:{server.http}", "--since", str(day_s),
                 "--until", str(day_s + 86400), "--format", kind],
                check=True, stdout=subprocess.PIPE).stdout
            print(f"{kind}: {time.monotonic() - began:.2f} s, {len(made)} "
                  "bytes", flush=True)


def main():
    options = arguments()
    why = zookeeper.why_not() if options.cluster else clickhouse.why_not()
    if why:
        sys.exit(why)
    # Twelve hours into a day: as few rounds as possible cross midnight.
    one_size.start_s = int(time.time()) // 86400 * 86400 - 43200
    with contextlib.ExitStack() as stack:
        folder = stack.enter_context(tempfile.TemporaryDirectory(
            dir=options.folder))
        if options.cluster:
            cluster = zookeeper.Cluster(f"{folder}/cluster", 2)
            servers = stack.enter_context(cluster)
            processes = [s.process for s in servers] + [
                cluster.keeper.process]
            forms = ["--cluster", zookeeper.NAME]
        else:
            servers = [stack.enter_context(clickhouse.Server(
                f"{folder}/one"))]
            processes, forms = [servers[0].process], []
        servers[0].apply(clickhouse.ddl("--old", *forms))
        if options.report:
            reports(options, servers[0])
            return
        for size in map(int, options.sizes.split(",")):
            one_size(options, servers, processes, size)
        sizes(servers, "_local" if options.cluster else "")
        ask(servers[0])
        print("peak memory, MiB:", *map(peak_mib, processes))


main()
