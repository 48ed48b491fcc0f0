#!/usr/bin/env python3
"""ICMP round trips where the host itself is slow to send: a full local queue,
a neighbour that is not known yet, an agent that does not run for a while."""
import os
import signal
import subprocess
import sys
import time

sys.path.insert(0, f"{os.path.dirname(os.path.abspath(__file__))}/../lib")
import contract
from labtest import RELEASE, Folder, await_it, case, expect, main, probe
from lab import address, count, run

TARGET = address(10, 77, 4)


def must(done):
    expect(done.returncode == 0, f"{done.args}: {done.stderr}")
    return done.stdout


def fill_queue(lab, bytes_in_all):
    """Datagrams to nobody, so that what comes next waits behind them."""
    must(lab.branch("python3", "-c",
                    "import socket; s = socket.socket(socket.AF_INET, "
                    "socket.SOCK_DGRAM)\n"
                    f"for i in range({bytes_in_all // 1400}): "
                    f"s.sendto(b'x' * 1372, ('{address(1, 99, 4)}', 9))"))


def echo_times(lab, host):
    """[(out_ns, in_ns)] of echoes to `host` and their replies, in order."""
    out, back = {}, {}
    for row in lab.record(host):
        key = row["sport_or_id"], row["dport_or_seq"]
        where = {"echo": out, "reply": back}.get(row["what"])
        if where is not None:
            where.setdefault(key, int(row["time_ns"]))
    return sorted((at, back[key]) for key, at in out.items() if key in back)


def await_echoes(lab, hosts, n):
    await_it(lambda: count(lab.record(*hosts), "echo") >= n, 30,
             f"{n} echoes")


@case
def a_full_local_queue_is_not_the_network(lab):
    device = lab.env["LAB_BRANCH_DEV"]
    shaped = lab.branch("tc", "qdisc", "add", "dev", device, "root", "tbf",
                        "rate", "1mbit", "burst", "1600", "limit", "200000")
    if shaped.returncode != 0:
        print(f"# not possible here: {shaped.stderr.strip()}")
        return
    try:
        fill_queue(lab, 100000)
        row = probe(lab, f"icmp://{TARGET}", "--count", 1, "--timeout", "5s",
                    program=RELEASE)[0]
    finally:
        must(lab.branch("tc", "qdisc", "del", "dev", device, "root"))
    expect(row["outcome"] == "replied" and row["stamp"] == "kernel", row)
    expect("flags" not in row, row)
    (out, back), = echo_times(lab, TARGET)
    waited_us = out / 1000 - row["ts_us"]
    error_us = abs(float(row["rtt_us"]) - (back - out) / 1000)
    print(f"# waited {waited_us:.0f} us in the local queue, "
          f"error {error_us:.1f} us")
    expect(waited_us > 50000, f"the queue was not full: {waited_us} us")
    expect(error_us < waited_us / 100, f"{error_us} us of {waited_us}")


@case
def a_neighbour_that_is_not_known_is_not_the_network(lab):
    """The peer answers ARP only when the packet has waited for it."""
    branch, edge = lab.env["LAB_BRANCH_NS"], lab.env["LAB_EDGE_NS"]
    must(run("ip", "link", "add", "near0", "netns", branch, "type", "veth",
             "peer", "name", "near1", "netns", edge))
    for name, device, at in (branch, "near0", 1), (edge, "near1", 2):
        must(run("ip", "-n", name, "address", "add", f"10.77.0.{at}/30",
                 "dev", device))
        must(run("ip", "-n", name, "link", "set", device, "up"))
    probe(lab, "icmp://10.77.0.2", "--count", 1, program=RELEASE)
    must(run("ip", "-n", edge, "link", "set", "near1", "arp", "off"))
    must(run("ip", "-n", branch, "neigh", "flush", "dev", "near0"))
    begun = time.monotonic()
    with subprocess.Popen(
            ["ip", "netns", "exec", branch, RELEASE, "probe", "--json",
             "icmp://10.77.0.2", "--count", "1", "--timeout", "5s"],
            stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as it:
        await_it(lambda: "INCOMPLETE" in must(
            run("ip", "-n", branch, "neigh", "show", "dev", "near0")),
            20, "the neighbour is asked for")
        asked = time.monotonic()
        must(run("ip", "-n", edge, "link", "set", "near1", "arp", "on"))
        said, trouble = it.communicate(timeout=30)
        waited_us = (time.monotonic() - asked) * 1e6
    expect(it.returncode == 0, f"{trouble}{said} {begun}")
    row = contract.parse_all(said)[0]
    print(f"# waited {waited_us:.0f} us, round trip {row['rtt_us']} us")
    expect(row["outcome"] == "replied" and row["stamp"] == "kernel", row)
    expect(row["rtt_us"] < waited_us / 20, row)
    must(run("ip", "-n", branch, "link", "del", "near0"))


@case
def a_process_that_stands_still_measures_right(lab):
    """Replies that came while it was stopped are read late, and are no loss;
    what was due meanwhile is declared, and not sent in a burst."""
    hosts = [address(20 + i % 5, 40 + i, 4) for i in range(40)]
    targets = [{"name": f"t{i}", "host": host, "probes": ["icmp"],
                "interval": "250ms", "timeout": "2s"}
               for i, host in enumerate(hosts)]
    with Folder(lab, "stopped", program=RELEASE).write(targets) as f:
        f.start()
        await_echoes(lab, hosts, 400)
        f.agent.send_signal(signal.SIGSTOP)
        stopped = time.time_ns()
        await_it(lambda: time.time_ns() - stopped > 3e9, 30, "three seconds")
        went_on = time.time_ns()
        f.agent.send_signal(signal.SIGCONT)
        await_echoes(lab, hosts, 1400)
        f.end()
        rows = [row for row in f.rows() if row["type"] == "sample"]
    sent = [row for row in rows if row.get("reason") != "missed"]
    expect(all(row["outcome"] == "replied" for row in sent),
           [row for row in sent if row["outcome"] != "replied"][:3])
    missed = sum(row.get("missed", 1) for row in rows
                 if row.get("reason") == "missed")
    expect(missed > 200, f"{missed} were declared missed")
    times = {host: echo_times(lab, host) for host in hosts}
    over = [row for row in sent
            if row["ts_us"] * 1000 < stopped < row["ts_us"] * 1000 + 20e6]
    print(f"# {missed} missed, {len(over)} were under way")
    for row in sent:
        near = min(times[row["address"]],
                   key=lambda pair, at=row["ts_us"] * 1000: abs(pair[0] - at))
        error_us = abs(float(row["rtt_us"]) - (near[1] - near[0]) / 1000)
        expect(error_us < 1000, f"off by {error_us} us: {row}")
    burst = max(sum(at <= other < at + 10e6 for host in hosts
                    for other, _ in times[host])
                for at in (pair[0] for host in hosts for pair in times[host]
                           if went_on <= pair[0] < went_on + 1e9))
    expect(burst <= 60, f"{burst} echoes within 10 ms")


main()
