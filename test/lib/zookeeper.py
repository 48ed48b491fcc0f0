"""ZooKeeper, and ClickHouse's shards that keep their books in it: all on
loopback, of the system's version.

    with Cluster(folder, 2) as shards:
        shards[0].apply(ddl("--old", "--cluster", "branches"))
"""
import contextlib
import os
import shutil
import socket
import subprocess
import time

import clickhouse

CLASSES = "/usr/share/java/zookeeper.jar"
PROGRAM = "org.apache.zookeeper.server.quorum.QuorumPeerMain"
NAME = "branches"
START_SECONDS = 60  # it takes 2

CONFIG = """tickTime=2000
dataDir={folder}
clientPort={port}
clientPortAddress=127.0.0.1
admin.enableServer=false
4lw.commands.whitelist=srvr
"""


def why_not():
    if not os.path.exists(CLASSES) or not shutil.which("java"):
        return "zookeeper is not installed"
    return clickhouse.why_not()


class Keeper:
    def __init__(self, folder):
        self.folder = folder
        self.port = self.process = None
        os.makedirs(folder)

    def is_up(self):
        with contextlib.suppress(OSError), \
                socket.create_connection(("127.0.0.1", self.port), 1) as s:
            s.sendall(b"srvr")  # "ruok" is answered before it serves
            return s.recv(64).startswith(b"Zookeeper version")
        return False

    def launch(self):
        (self.port,) = clickhouse.free_ports(1)
        config = f"{self.folder}/zoo.cfg"
        with open(config, "w", encoding="utf-8") as f:
            f.write(CONFIG.format(folder=self.folder, port=self.port))
        with open(f"{self.folder}/out", "ab") as out:
            # pylint: disable=consider-using-with
            self.process = subprocess.Popen(
                ["java", "-Xmx256m", "-cp", CLASSES, PROGRAM, config],
                stdin=subprocess.DEVNULL, stdout=out, stderr=out)
        end = time.monotonic() + START_SECONDS
        while self.process.poll() is None and time.monotonic() < end:
            if self.is_up():
                return True
            time.sleep(0.1)
        return False

    def __enter__(self):
        for _ in range(3):
            if self.launch():
                return self
            self.end()
        raise clickhouse.Failed(f"zookeeper does not start: {self.folder}/out")

    def end(self):
        if self.process.poll() is None:
            self.process.kill()
        self.process.wait()

    def __exit__(self, *_):
        self.end()


class Cluster(contextlib.ExitStack):
    """As a context: a list of its shards, of a replica each."""

    def __init__(self, folder, shards, users=None):
        super().__init__()
        self.folder, self.users = folder, users
        ports = clickhouse.free_ports(3 * shards)
        self.ports = [ports[i:i + 3] for i in range(0, len(ports), 3)]
        self.keeper = Keeper(f"{folder}/zookeeper")

    def config(self, number):
        shards = "".join(
            "<shard><internal_replication>true</internal_replication>"
            f"<replica><host>127.0.0.1</host><port>{tcp}</port></replica>"
            "</shard>" for _, tcp, _ in self.ports)
        return (f"<zookeeper><node><host>127.0.0.1</host>"
                f"<port>{self.keeper.port}</port></node></zookeeper>"
                f"<macros><shard>{number}</shard><replica>a</replica></macros>"
                f"<remote_servers><{NAME}>{shards}</{NAME}></remote_servers>"
                "<distributed_ddl><path>/clickhouse/ddl</path>"
                "</distributed_ddl>")

    def __enter__(self):
        super().__enter__()
        try:
            self.enter_context(self.keeper)
            return [self.enter_context(clickhouse.Server(
                f"{self.folder}/shard-{n}", lambda _, n=n: self.config(n),
                ports, self.users)) for n, ports in enumerate(self.ports, 1)]
        except BaseException:
            self.close()
            raise
