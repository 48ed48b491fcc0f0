#!/usr/bin/env python3
"""A herd of agents comes back to one collector, which refuses what is more than
it takes: all recover, nothing is missing, and nobody waits long for what is
new.

The agents are real, and so is what refuses: nginx with limit_req, which says
429 to one half and 503 to the other. AGENTS (200), DOWN_S (70: longer than the
minute that makes an outage), RATE (50 requests a second), BACKLOG_RATE (10).
unit/test_herd.c has 5,000 of them and three days, on simulated time.
"""
import collections
import contextlib
import json
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time

sys.path.insert(0, f"{os.path.dirname(os.path.abspath(__file__))}/../lib")
from labtest import RELEASE, await_it
from lab import Wrong, expect
from oracle import own_namespaces
import collector
import contract

AGENTS = int(os.environ.get("AGENTS", "200"))
DOWN_S = int(os.environ.get("DOWN_S", "70"))
RATE = int(os.environ.get("RATE", "50"))
BACKLOG_RATE = int(os.environ.get("BACKLOG_RATE", "10"))
PATIENCE_S = 600  # far above what it takes
PORT = 8080       # of a namespace of our own
STOPPED = []      # by a signal, which is looked at where nothing is half done


def go_on():
    expect(not STOPPED, "it was told to end")

NGINX = """
daemon off;
user root;
worker_processes 1;
pid {path}/nginx.pid;
error_log {path}/nginx.log crit;
events {{ worker_connections 2048; }}
http {{
	log_format answers "$msec $status";
	access_log {path}/answers answers;
	client_body_temp_path {path}/body;
	proxy_temp_path {path}/proxy;
	fastcgi_temp_path {path}/fastcgi;
	uwsgi_temp_path {path}/uwsgi;
	scgi_temp_path {path}/scgi;
	client_max_body_size 16m;
	limit_req_zone $server_addr zone=all:1m rate={rate}r/s;
	limit_req zone=all burst={burst} nodelay;
	server {{
		listen 127.0.0.1:{port} backlog=1024;
		location /half {{
			limit_req_status 429;
			proxy_pass http://127.0.0.1:{behind};
		}}
		location /other {{
			limit_req_status 503;
			proxy_pass http://127.0.0.1:{behind};
		}}
	}}
}}
"""


class Agent:
    def __init__(self, path, number):
        self.name = f"branch-{number}"
        self.path = f"{path}/{self.name}"
        os.mkdir(self.path)
        self.seqs, self.gaps = set(), {}
        self.epoch = None
        self.fresh_at = self.whole_at = None
        config = f"{self.path}/edgeprobe.json"
        with open(config, "w", encoding="utf-8") as f:
            json.dump({
                "agent": self.name,
                "targets": [{"name": "closed", "host": "127.0.0.1", "port": 1,
                             "probes": ["tcp"], "interval": "1s",
                             "timeout": "500ms"}],
                "store": {"path": f"{self.path}/store.db",
                          "max_size": "16MiB"},
                "destinations": [{
                    "name": "hq", "interval": "10s", "batch_rows": 8,
                    "backlog_rate": BACKLOG_RATE,
                    "url": f"http://127.0.0.1:{PORT}/"
                           f"{'half' if number % 2 else 'other'}"}]}, f)
        with open(f"{self.path}/log", "wb") as log:
            # pylint: disable-next=consider-using-with
            self.process = subprocess.Popen(
                [RELEASE, "run", "--config", config], stdout=log, stderr=log,
                stdin=subprocess.DEVNULL)

    def said(self):
        with open(f"{self.path}/log", encoding="utf-8") as f:
            return f.read()[-2000:]

    def take(self, row):
        expect(self.epoch in (None, row["epoch"]), f"another epoch: {row}")
        self.epoch = row["epoch"]
        self.seqs.add(row["seq"])
        if row["type"] == "gap":
            expect(row["reason"] == "overflow", f"{self.name} lost rows: {row}")
            self.gaps[row["seq"]] = row["last"] - row["first"] + 1

    def missing(self):
        """Numbers that have not come, though later ones have."""
        return max(self.seqs, default=0) - len(self.seqs) - \
            sum(self.gaps.values())

    def peak_bytes(self):
        with open(f"/proc/{self.process.pid}/status", encoding="ascii") as f:
            return next(int(line.split()[1]) << 10 for line in f
                        if line.startswith("VmHWM:"))


class Herd:
    def __init__(self, path, there):
        self.there, self.read = there, 0
        self.agents = {}
        self.back_at = self.back_us = None
        for number in range(AGENTS):
            agent = Agent(path, number)
            self.agents[agent.name] = agent

    def end(self):
        for agent in self.agents.values():
            if agent.process.poll() is None:
                agent.process.kill()
            agent.process.wait()

    def stop(self):
        for agent in self.agents.values():
            agent.process.send_signal(signal.SIGTERM)
        for agent in self.agents.values():
            code = agent.process.wait(120)
            expect(code == 0, f"{agent.name}: exit {code}: {agent.said()}")

    def take(self):
        """What has come since the last time."""
        with self.there.lock:
            new = self.there.requests[self.read:]
        self.read += len(new)
        for request in new:
            expect(request.taken, f"refused by the collector: {request}")
            rows = collector.rows_of(request)
            agent = self.agents[rows[0]["agent"]]
            for row in rows:
                agent.take(row)
            if any(row["type"] == "sample" and row["ts_us"] > self.back_us
                   for row in rows):
                agent.fresh_at = agent.fresh_at or request.at
            if agent.fresh_at and not agent.missing():
                agent.whole_at = agent.whole_at or request.at

    def is_whole(self):
        go_on()
        self.take()
        for agent in self.agents.values():
            expect(agent.process.poll() is None,
                   f"{agent.name} ended: {agent.said()}")
        return all(agent.whole_at for agent in self.agents.values())

    def comes_back(self):
        self.back_at, self.back_us = time.monotonic(), time.time() * 1e6


@contextlib.contextmanager
def nginx(path, behind):
    config = f"{path}/nginx.conf"
    with open(config, "w", encoding="utf-8") as f:
        f.write(NGINX.format(path=path, rate=RATE, burst=max(1, RATE // 5),
                             port=PORT, behind=behind))
    with subprocess.Popen(["nginx", "-c", config],
                          stdin=subprocess.DEVNULL) as process:
        try:
            yield process
        finally:
            process.terminate()


def answers(path):
    """Of nginx: {status: how many}, and the most in a second."""
    with open(f"{path}/answers", encoding="ascii") as f:
        lines = [line.split() for line in f]
    seconds = collections.Counter(int(float(at)) for at, _ in lines)
    return collections.Counter(status for _, status in lines), \
        max(seconds.values())


def spread(values):
    values = sorted(values)
    return f"{values[len(values) // 2]:.0f} s (half of them), " \
        f"{values[len(values) * 99 // 100]:.0f} s (99 %), {values[-1]:.0f} s"


def report(herd, path):
    agents = herd.agents.values()
    statuses, peak = answers(path)
    refused = statuses["429"] + statuses["503"]
    total = sum(statuses.values())
    print(f"# {len(agents)} agents, {RATE} requests a second are taken: "
          f"{total} came, at most {peak} in a second; {refused} were refused, "
          f"{100 * refused / total:.1f} % ({dict(statuses)})")
    print("# fresh rows again after " +
          spread(a.fresh_at - herd.back_at for a in agents))
    print("# all made up for after " +
          spread(a.whole_at - herd.back_at for a in agents))
    print(f"# {sum(len(a.seqs) for a in agents)} rows, "
          f"{sum(sum(a.gaps.values()) for a in agents)} declared as missing")
    del statuses["499"]  # an agent was stopped in the middle of one
    expect(set(statuses) == {"200", "429", "503"},
           f"nobody was refused, or nginx said more: {statuses}")
    expect(refused < total / 4, "a quarter or more was refused")


def come_back(path, there):
    herd = Herd(path, there)
    try:
        for agent in herd.agents.values():
            await_it(lambda a=agent: "app: version=" in a.said(), PATIENCE_S,
                     "a start")
        over = time.monotonic() + DOWN_S  # an outage has a length
        await_it(lambda: go_on() or time.monotonic() >= over, 2 * DOWN_S,
                 "the outage")
        expect(not there.requests, "somebody came before nginx was there")
        herd.comes_back()
        with nginx(path, there.port):
            await_it(herd.is_whole, PATIENCE_S, "all made up for")
            peaks = [a.peak_bytes() for a in herd.agents.values()]
            herd.stop()
        herd.take()
        for agent in herd.agents.values():
            expect(not agent.missing(),
                   f"{agent.name}: {agent.missing()} rows are missing")
        print(f"# an agent takes {max(peaks) / 1e6:.1f} MB at most, all of "
              f"them {sum(peaks) / 1e6:.0f}")
        report(herd, path)
    finally:
        herd.end()


def main():
    if os.geteuid() != 0:
        print("needs root: a network namespace of its own")
        sys.exit(77)
    if not shutil.which("nginx"):
        print("needs nginx")
        sys.exit(77)
    signal.signal(signal.SIGTERM, lambda *_: STOPPED.append(True))
    own_namespaces()
    place = "/dev/shm" if os.access("/dev/shm", os.W_OK) else None
    began = time.monotonic()
    try:
        with tempfile.TemporaryDirectory(prefix="herd-", dir=place) as path, \
                collector.Collector(None, "127.0.0.1") as there:
            come_back(path, there)
    except (Wrong, contract.Broken, subprocess.TimeoutExpired) as e:
        print(f"not ok - they come back and nothing is missing\n# {e}")
        sys.exit(1)
    print("ok - they come back and nothing is missing "
          f"({time.monotonic() - began:.1f} s)")


main()
