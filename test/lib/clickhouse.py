"""ClickHouse servers of a test's own, of the system's version, on loopback.

    with Server(folder) as server:
        server.apply(ddl("--old"))
        server.ask("SELECT 1")

`why_not()` says why there can be none. A server ends with its `with`.
"""
import contextlib
import os
import re
import shutil
import signal
import socket
import subprocess
import tempfile
import time
import urllib.error
import urllib.parse
import urllib.request

from lab import Wrong

TOP = os.path.normpath(f"{os.path.dirname(os.path.abspath(__file__))}/../..")
SHIPPED = f"{TOP}/packaging/clickhouse"
PROGRAM = shutil.which("clickhouse-server", path=f"{os.environ['PATH']}:"
                       "/usr/sbin:/usr/local/sbin")
START_SECONDS = 90  # it takes 3

CONFIG = """<?xml version="1.0"?>
<yandex>
 <logger><level>warning</level><log>{folder}/log</log>
  <errorlog>{folder}/errors</errorlog></logger>
 <listen_host>127.0.0.1</listen_host>
 <http_port>{http}</http_port><tcp_port>{tcp}</tcp_port>
 <interserver_http_port>{interserver}</interserver_http_port>
 <interserver_http_host>127.0.0.1</interserver_http_host>
 <max_concurrent_queries>50</max_concurrent_queries>
 <uncompressed_cache_size>0</uncompressed_cache_size>
 <mark_cache_size>67108864</mark_cache_size>
 <path>{folder}/data/</path><tmp_path>{folder}/tmp/</tmp_path>
 <users_config>{folder}/users.xml</users_config>
 <default_profile>default</default_profile>
 <default_database>default</default_database>
 {more}
</yandex>
"""
USERS = """<?xml version="1.0"?>
<yandex>
 <profiles><default><max_memory_usage>3000000000</max_memory_usage>
  <max_threads>2</max_threads></default></profiles>
 <users><default><password></password><networks><ip>127.0.0.1</ip></networks>
  <profile>default</profile><quota>default</quota></default></users>
 <quotas><default><interval><duration>3600</duration><queries>0</queries>
  <errors>0</errors><result_rows>0</result_rows><read_rows>0</read_rows>
  <execution_time>0</execution_time></interval></default></quotas>
</yandex>
"""


class Failed(Wrong):
    """What the server had against a question."""


def why_not():
    return None if PROGRAM else "clickhouse-server is not installed"


def free_ports(n):
    """Nobody's a moment ago. They may be somebody's by the time they are used:
    whoever uses them tries others then."""
    with contextlib.ExitStack() as stack:
        sockets = [stack.enter_context(socket.create_server(("127.0.0.1", 0)))
                   for _ in range(n)]
        return [s.getsockname()[1] for s in sockets]


def ddl(*options):
    return subprocess.run([f"{SHIPPED}/ddl", *options], check=True,
                          capture_output=True, text=True).stdout


def older(*options):
    """Tables and roll-ups as the first schema.sql made them, in the database
    `older`."""
    with tempfile.TemporaryDirectory() as folder:
        shutil.copy(f"{SHIPPED}/ddl", folder)
        shutil.copy(f"{TOP}/test/data/clickhouse-schema1.sql",
                    f"{folder}/schema.sql")
        return in_older(subprocess.run(
            [f"{folder}/ddl", *options], check=True, capture_output=True,
            text=True).stdout)


def in_older(text, name="older"):
    for of in "{}.", "EXISTS {}", "/{}/", ", {},":
        text = text.replace(of.format("edgeprobe"), of.format(name))
    return text


# Columns that are not in both databases.
OTHER_COLUMNS = """SELECT what FROM
 (SELECT concat(table, '.', name, ' ', type) AS what, count() AS n
  FROM system.columns WHERE database IN ('older', 'edgeprobe') GROUP BY what)
WHERE n != 2"""


def statements(text):
    text = re.sub(r"--[^\n]*", "", text)
    return [s.strip() for s in text.split(";") if s.strip()]


def queries():
    """By name, what queries.sql holds."""
    with open(f"{SHIPPED}/queries.sql", encoding="utf-8") as f:
        parts = re.split(r"(?m)^-- name: (\w+)\n", f.read())
    return {name: statements(text)[0]
            for name, text in zip(parts[1::2], parts[2::2])}


class Server:
    def __init__(self, folder, more=None, ports=None, users=None):
        """`more(server)` is for its configuration. Without `ports` it takes
        what is free. `users`: for users.d."""
        self.folder, self.more, self.fixed = folder, more, ports
        self.http = self.tcp = self.interserver = self.process = None
        os.makedirs(f"{folder}/users.d")
        self.write("users.xml", USERS)
        if users:
            self.write("users.d/edgeprobe.xml", users)

    def write(self, name, text):
        with open(f"{self.folder}/{name}", "w", encoding="utf-8") as f:
            f.write(text)

    def launch(self):
        self.http, self.tcp, self.interserver = self.fixed or free_ports(3)
        self.write("config.xml", CONFIG.format(
            folder=self.folder, http=self.http, tcp=self.tcp,
            interserver=self.interserver,
            more=self.more(self) if self.more else ""))
        with open(f"{self.folder}/out", "ab") as out:
            # pylint: disable=consider-using-with
            self.process = subprocess.Popen(
                [PROGRAM, f"--config-file={self.folder}/config.xml"],
                stdin=subprocess.DEVNULL, stdout=out, stderr=out,
                cwd=self.folder)
        end = time.monotonic() + START_SECONDS
        while self.process.poll() is None and time.monotonic() < end:
            with contextlib.suppress(OSError, Failed):
                if self.ask("SELECT 1") == "1":
                    return True
            time.sleep(0.1)
        return False

    def start(self):
        for _ in range(3):
            if self.launch():
                return self
            self.end(signal.SIGKILL)
        raise Failed(f"clickhouse-server does not start: {self.said()}")

    def said(self):
        texts = []
        for name in "out", "errors":
            with contextlib.suppress(OSError), \
                    open(f"{self.folder}/{name}", encoding="utf-8",
                         errors="replace") as f:
                texts.append(f.read()[-2000:])
        return "\n".join(texts)

    def end(self, number=signal.SIGTERM):
        if self.process and self.process.poll() is None:
            self.process.send_signal(number)
            try:
                self.process.wait(60)
            except subprocess.TimeoutExpired:
                self.process.kill()
                self.process.wait()

    def __enter__(self):
        return self.start()

    def __exit__(self, *_):
        self.end()

    def ask(self, sql, **parameters):
        url = f"http://127.0.0.1:{self.http}/?" + \
            urllib.parse.urlencode(parameters)
        # Not through a proxy of the environment.
        opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
        try:
            with opener.open(url, sql.encode(), timeout=120) as answer:
                return answer.read().decode().strip()
        except urllib.error.HTTPError as e:
            said = e.read().decode(errors="replace")
            raise Failed(f"{e.code}: {said[:500]}: {sql[:200]}") from None

    def number(self, sql):
        return int(self.ask(sql))

    def table(self, sql):
        return [line.split("\t") for line in self.ask(sql).splitlines()]

    def apply(self, text):
        for statement in statements(text):
            self.ask(statement)
