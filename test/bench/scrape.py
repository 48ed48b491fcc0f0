#!/usr/bin/env python3
"""Asks blackbox_exporter to probe, on a schedule, as Prometheus does.

    scrape.py PORT MODULE INTERVAL_MS SECONDS OUT < TARGETS

Each target in turn, spread evenly over the interval, whether or not earlier
answers are there. OUT gets a line a request: target, when it was sent and
answered (wall clock, ns), and the figures, in seconds:

    10.79.128.1 1795268983326340000 1795268983335340000 icmp:rtt=0.009 ...
"""
import heapq
import re
import select
import socket
import sys
import time

FIGURE = re.compile(
    rb'^probe_(?:(icmp|http)_duration_seconds\{phase="(\w+)"\}'
    rb"|(success|duration_seconds)) (\S+)", re.M)


class Asking:
    """A connection, kept open; at most one request at a time."""

    def __init__(self, port):
        self.socket = socket.create_connection(("127.0.0.1", port), 5)
        self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.target = self.sent_ns = None
        self.body = b""

    def ask(self, module, target):
        self.target, self.body = target, b""
        self.sent_ns = time.time_ns()
        self.socket.sendall(
            f"GET /probe?module={module}&target={target} HTTP/1.1\r\n"
            "Host: localhost\r\n\r\n".encode())

    def read(self):
        """Whether the answer is whole."""
        some = self.socket.recv(65536)
        if not some:
            raise OSError("the exporter closed the connection")
        self.body += some
        head, end, rest = self.body.partition(b"\r\n\r\n")
        if not end:
            return False
        length = re.search(rb"(?i)^content-length: *(\d+)", head, re.M)
        if length:
            return len(rest) >= int(length[1])
        return rest.endswith(b"0\r\n\r\n")


def figures(body):
    return " ".join(
        (f"{m[1].decode()}:{m[2].decode()}" if m[1] else m[3].decode()) +
        "=" + m[4].decode() for m in FIGURE.finditer(body))


class Scraper:
    def __init__(self, port, module):
        self.port, self.module = port, module
        self.poll = select.epoll()
        self.by_fd, self.idle, self.done = {}, [], []

    def ask(self, target):
        if self.idle:
            asking = self.idle.pop()
        else:
            asking = Asking(self.port)
            self.by_fd[asking.socket.fileno()] = asking
            self.poll.register(asking.socket.fileno(), select.EPOLLIN)
        asking.ask(self.module, target)

    def wait(self, seconds):
        for fd, _ in self.poll.poll(max(0, seconds)):
            asking = self.by_fd[fd]
            if asking.read():
                self.done.append((asking.target, asking.sent_ns,
                                  time.time_ns(), asking.body))
                self.idle.append(asking)

    def run(self, targets, interval, seconds):
        began = time.monotonic()
        due = [(began + interval * i / len(targets), target)
               for i, target in enumerate(targets)]
        while True:
            now = time.monotonic()
            if now > began + seconds:
                return
            while due[0][0] <= now:
                at, target = heapq.heappop(due)
                self.ask(target)
                heapq.heappush(due, (at + interval, target))
            self.wait(due[0][0] - time.monotonic())


def await_listener(port):
    end = time.monotonic() + 10
    while True:
        try:
            socket.create_connection(("127.0.0.1", port), 1).close()
            return
        except OSError:
            if time.monotonic() > end:
                raise
            time.sleep(0.05)


def main():
    port, module, interval_ms, seconds, out = sys.argv[1:]
    targets = sys.stdin.read().split()
    await_listener(int(port))
    scraper = Scraper(int(port), module)
    scraper.run(targets, int(interval_ms) / 1000, float(seconds))
    with open(out, "w", encoding="utf-8") as f:
        for target, sent_ns, end_ns, body in scraper.done:
            f.write(f"{target} {sent_ns} {end_ns} {figures(body)}\n")


main()
