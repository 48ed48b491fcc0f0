#!/usr/bin/env python3
"""Two shards of ClickHouse 18.16 with ZooKeeper: the schema for a cluster.

Skipped where clickhouse-server or zookeeper is not installed."""
import itertools
import json
import os
import sys
import tempfile
import time

TOP = os.path.normpath(f"{os.path.dirname(os.path.abspath(__file__))}/../..")
sys.path[:0] = [f"{TOP}/test/lib", f"{TOP}/test/lab"]
from lab import Wrong, expect
import clickhouse
import ledger
import zookeeper

AGENTS, ROWS = 20, 200


def line(agent, seq, now_us, **more):
    return json.dumps({
        "type": "sample", "ts_us": now_us + seq * 1000, "agent": agent,
        "epoch": "e", "seq": seq, "site": f"at {agent}", "target": "t",
        "probe": "icmp", "outcome": "replied", "rtt_us": 1000 + seq, **more})


def insert(server, lines, database="edgeprobe"):
    server.ask(f"INSERT INTO {database}.rows FORMAT JSONEachRow\n" +
               "\n".join(lines), insert_distributed_sync=1)


def fill(shards, now_us):
    """Each batch twice, the second time by way of the other shard's node."""
    for i in range(AGENTS):
        lines = [line(f"a-{i:02}", seq, now_us) for seq in range(1, ROWS + 1)
                 if (i, seq) != (7, 99)]
        for _ in range(2):
            insert(shards[i % 2], lines)
        insert(shards[1 - i % 2], lines)
    # Other rows with the same figures are no repetition.
    for seq in 201, 202:
        insert(shards[0], [line("a-00", seq, now_us, outcome="lost",
                                rtt_us=None, target="dark")])


def look(shards):
    n = AGENTS * ROWS - 1 + 2
    held = [s.number("SELECT count() FROM edgeprobe.rows_local")
            for s in shards]
    expect(sum(held) == n and min(held) > n // 10, f"{held} of {n} rows")
    for server in shards:
        for table in "minutes", "hours":
            expect(server.number("SELECT sumMerge(sent) FROM "
                                 f"edgeprobe.{table}") == n, table)
        expect(server.number("SELECT sumMerge(lost) FROM edgeprobe.minutes "
                             "WHERE target = 'dark'") == 2, "losses")
        expect(server.ask("SELECT * FROM edgeprobe.drift") == "", "drift")
        expect(server.table("SELECT agent, missing FROM edgeprobe.audit "
                            "WHERE missing != 0") == [["a-07", "1"]], "audit")
        expect(server.table("SELECT * FROM edgeprobe.missing WHERE "
                            "agent = 'a-07'") == [["a-07", "e", "99", "99"]],
               "missing")
        for name, sql in clickhouse.queries().items():
            if name != "retention":
                server.ask(sql)


def count_once(shards, now_us):
    """By either node, of agents that are on one shard or the other. In tables
    of their own."""
    books = ledger.situations(now_us)
    shards[0].apply(clickhouse.in_older(clickhouse.ddl(
        "--old", "--cluster", zookeeper.NAME), "books"))
    for some in itertools.repeat(list(ledger.lines(books)), 2):
        insert(shards[0], some, "books")
        insert(shards[1], some[::2], "books")
    expect(all(s.number("SELECT count() FROM books.rows_local")
               for s in shards), "a shard has nothing")
    for server in shards:
        ledger.check(books, server.table, "books")


def rebuild(shards):
    """What a day's roll-ups lost is there again."""
    day = shards[0].ask("SELECT toDate(max(minute), 'UTC') "
                        "FROM edgeprobe.minutes")
    shards[1].ask(f"ALTER TABLE edgeprobe.minutes_local DROP PARTITION "
                  f"'{day}'")
    expect(shards[0].ask("SELECT * FROM edgeprobe.drift") != "", "no drift")
    for server in shards:
        server.apply(clickhouse.ddl("--old", "--cluster", zookeeper.NAME,
                                    "--rebuild", day))


def main():
    why = zookeeper.why_not()
    if why:
        print(why)
        sys.exit(77)
    # Not across midnight: what is dropped is a day.
    now_us = int(time.time()) // 86400 * 86400 * 10 ** 6 + 43200 * 10 ** 6
    with tempfile.TemporaryDirectory() as folder, \
            zookeeper.Cluster(f"{folder}/cluster", 2) as shards:
        try:
            shards[0].apply(clickhouse.ddl("--old", "--cluster",
                                           zookeeper.NAME))
            fill(shards, now_us)
            look(shards)
            rebuild(shards)
            look(shards)
            count_once(shards, now_us)
        except Wrong as e:
            sys.exit(f"{e}\n" + "\n".join(s.said() for s in shards))


main()
