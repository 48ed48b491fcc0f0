#!/usr/bin/env python3
"""A branch with two uplinks, each a circuit by its interface's name and by its
addresses. What happens to the first one is followed without a restart, and
whatever happens, nothing meant for it leaves by the second.

Two namespaces and two cables between them; the far one holds all targets and
watches which cable their packets come by.
"""
import contextlib
import os
import signal
import socket
import subprocess
import sys
import time

sys.path.insert(0, f"{os.path.dirname(os.path.abspath(__file__))}/../lib")
import labtest
from labtest import Folder, await_it, case, expect, folder
from lab import Wrong, run
import contract

NEAR, FAR = f"epc{os.getpid()}n", f"epc{os.getpid()}f"
PORT = 443
KINDS = "icmp", "tcp", "https"
# circuit: source, families
CIRCUITS = {"name": ("up1", (4, 6)), "own4": ("10.81.1.2", (4,)),
            "own6": ("fd81:0:0:1::2", (6,)), "other": ("up2", (4, 6))}
FIRST = [(name, family) for name in ("name", "own4", "own6")
         for family in CIRCUITS[name][1]]
OTHER = [("other", 4), ("other", 6)]


def host(circuit, family):
    """Each circuit's own target, so that its packets can be told apart."""
    n = 11 + list(CIRCUITS).index(circuit)
    return f"10.80.0.{n}" if family == 4 else f"fd80::{n}"


def own(uplink, last, family):
    return f"10.81.{uplink}.{last}" if family == 4 else \
        f"fd81:0:0:{uplink}::{last}"


# --- the far end's own programs

def asks(packet):
    """Where to, if it is a probe's first packet: an echo request or a SYN. What
    a kernel says of connections that are no more (RST) is nobody's probe."""
    if packet[0] >> 4 == 4:
        to, protocol = packet[16:20], packet[9]
        inner = packet[(packet[0] & 15) * 4:]
        echo, name = (1, 8), socket.AF_INET
    else:
        to, protocol, inner = packet[24:40], packet[6], packet[40:]
        echo, name = (58, 128), socket.AF_INET6
    syn = protocol == 6 and inner[13] & 0x12 == 0x02
    return socket.inet_ntop(name, to) if syn or (protocol, inner[0]) == echo \
        else None


def watch_cables():
    """A line for each pair of cable and target that is asked by it for the
    first time."""
    every, ip = 3, (0x0800, 0x86dd)  # ETH_P_ALL; ETH_P_IP and ETH_P_IPV6
    s = socket.socket(socket.AF_PACKET, socket.SOCK_DGRAM, socket.htons(every))
    seen = set()
    print("ready", flush=True)
    while True:
        packet, (cable, protocol, kind, *_) = s.recvfrom(2048)
        if kind != socket.PACKET_HOST or protocol not in ip:
            continue
        to = asks(packet)
        if to and (cable, to) not in seen:
            seen.add((cable, to))
            print(f"{cable} {to}", flush=True)


def serve(certificate, key):
    """TLS with an answer and a close; one thread a connection."""
    import http.server
    import ssl

    class Answer(http.server.BaseHTTPRequestHandler):
        def do_GET(self):
            self.send_response(204)
            self.end_headers()

        def log_message(self, *_):
            pass

    class Server(http.server.ThreadingHTTPServer):
        address_family = socket.AF_INET6
        request_queue_size = 128

        def get_request(self):
            s, where = super().get_request()
            s.settimeout(5)
            return context.wrap_socket(s, server_side=True,
                                       do_handshake_on_connect=False), where

        def handle_error(self, *_):
            pass

    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate, key)
    server = Server(("::", PORT), Answer)
    print("ready", flush=True)
    server.serve_forever()


# --- the place

def must(*words):
    done = run(*words)
    expect(done.returncode == 0, f"{words}: {done.stderr}")
    return done.stdout


def near(*words):
    return must("ip", "-n", NEAR, *words)


def far(*words):
    return must("ip", "-n", FAR, *words)


def write(namespace, key, value):
    must("ip", "netns", "exec", namespace, "sh", "-c",
         f"[ ! -e /proc/sys/net/{key} ] || echo {value} >/proc/sys/net/{key}")


def add_own(uplink, last):
    for family, bits in (4, 24), (6, 64):
        near(f"-{family}", "addr", "add", f"{own(uplink, last, family)}/{bits}",
             "dev", f"up{uplink}", *(("nodad",) if family == 6 else ()))


def delete_own(uplink, last):
    for family, bits in (4, 24), (6, 64):
        near(f"-{family}", "addr", "del", f"{own(uplink, last, family)}/{bits}",
             "dev", f"up{uplink}")


def add_routes(uplink):
    for family in 4, 6:
        near(f"-{family}", "route", "replace", "default", "via",
             own(uplink, 1, family), "dev", f"up{uplink}", "metric",
             100 * uplink)


def plug(uplink):
    """A cable, its addresses, and a default route by it; the second one's is
    the worse, and there to be taken by mistake."""
    near("link", "add", f"up{uplink}", "type", "veth", "peer", "name",
         f"far{uplink}", "netns", FAR)
    for ip, device, last in ((far, f"far{uplink}", 1), (near, f"up{uplink}", 2)):
        ip("link", "set", device, "up")
        if ip is far:
            for family, bits in (4, 24), (6, 64):
                far(f"-{family}", "addr", "add",
                    f"{own(uplink, last, family)}/{bits}", "dev", device,
                    *(("nodad",) if family == 6 else ()))
    add_own(uplink, 2)
    add_routes(uplink)


class Place:
    """Quacks like a lab."""

    def __init__(self, path):
        self.folder = path
        self.env = {"LAB_BRANCH_NS": NEAR, "LAB_CA": f"{path}/cert.pem"}
        self.programs = []

    def branch(self, *command, timeout=60):
        return run("ip", "netns", "exec", NEAR, *command, timeout=timeout)

    def make_certificate(self):
        names = ",".join(f"IP:{host(c, f)}" for c, (_, fs) in CIRCUITS.items()
                         for f in fs)
        must("openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt",
             "ec_paramgen_curve:prime256v1", "-nodes", "-days", "2", "-subj",
             "/CN=far", "-addext", f"subjectAltName={names}", "-keyout",
             f"{self.folder}/key.pem", "-out", self.env["LAB_CA"])

    def program(self, *words):
        out = open(f"{self.folder}/{words[0]}", "w", encoding="utf-8")
        with out:
            self.programs.append(subprocess.Popen(
                ["ip", "netns", "exec", FAR, sys.executable, __file__, *words],
                stdin=subprocess.DEVNULL, stdout=out,
                stderr=subprocess.STDOUT))
        await_it(lambda: "ready" in self.said(words[0]) or
                 self.programs[-1].poll() is not None, 20, words)
        expect(self.programs[-1].poll() is None, self.said(words[0]))

    def said(self, program):
        with open(f"{self.folder}/{program}", encoding="utf-8") as f:
            return f.read()

    def came(self):
        """{(cable, target)} so far."""
        return {tuple(line.split()) for line in
                self.said("watch_cables").splitlines() if " " in line}

    def __enter__(self):
        for namespace in NEAR, FAR:
            must("ip", "netns", "add", namespace)
            for which in "all", "default":
                write(namespace, f"ipv6/conf/{which}/disable_ipv6", 0)
                write(namespace, f"ipv6/conf/{which}/accept_ra", 0)
                write(namespace, f"ipv4/conf/{which}/rp_filter", 0)
            write(namespace, "ipv4/conf/default/promote_secondaries", 1)
            write(namespace, "ipv4/conf/all/arp_ignore", 1)
            write(namespace, "ipv4/icmp_ratemask", 0)
            must("ip", "-n", namespace, "link", "set", "lo", "up")
        for circuit, (_, families) in CIRCUITS.items():
            for family in families:
                far("addr", "add", host(circuit, family), "dev", "lo")
        plug(1)
        plug(2)
        self.make_certificate()
        self.program("watch_cables")
        self.program("serve", self.env["LAB_CA"], f"{self.folder}/key.pem")
        return self

    def __exit__(self, *_):
        for program in self.programs:
            program.kill()
            program.wait()
        for namespace in NEAR, FAR:
            run("ip", "netns", "del", namespace)


# --- the agent

def targets():
    return [{"name": f"{circuit}{family}", "host": host(circuit, family),
             "probes": list(KINDS), "interval": "250ms", "timeout": "1s",
             "circuits": [circuit], "port": PORT}
            for circuit, (_, families) in CIRCUITS.items()
            for family in families]


def circuits(**more):
    return [{"name": name, "source": source, "provider": "KPN", **more}
            for name, (source, _) in CIRCUITS.items()]


class Agent(Folder):
    def start(self, *options, **more):
        super().start(*options, **more)
        self.await_said("app: version=")
        self.await_rows(1)
        return self

    def samples(self, since):
        return [row for row in self.rows()
                if row["type"] == "sample" and row["ts_us"] >= since]

    def events(self, **wanted):
        return [row for row in self.rows() if row["type"] == "event" and
                all(row.get(k) == v for k, v in wanted.items())]

    def await_all(self, wanted, what):
        """Until the last two samples of each circuit, family and kind are as
        wanted: {(circuit, family): {(outcome, reason)}}."""
        since = time.time_ns() // 1000
        last = {}

        def look():
            last.clear()
            for row in self.samples(since):
                key = row["circuit"], int(row["target"][-1]), row["probe"]
                last.setdefault(key, []).append(
                    (row["outcome"], row.get("reason")))
            return all(len(last.get((*key, kind), ())) >= 2 and
                       set(last[*key, kind][-2:]) <= said
                       for key, said in wanted.items() for kind in KINDS)

        try:
            await_it(look, 30, what)
        except Wrong as e:
            text = "\n# ".join(f"{key}: {said[-3:]}"
                               for key, said in sorted(last.items()))
            raise Wrong(f"{e}\n# {text}\n{self.said()}") from None


    @contextlib.contextmanager
    def stopped(self):
        """A packet of IPv6's ICMP that is on its way into the kernel while its
        route goes leaves by the other line (and its reply is no figure): so
        that none is, what changes does it while nothing runs."""
        pid = self.agent.pid
        os.kill(pid, signal.SIGSTOP)
        await_it(lambda: all(state(task) == "T" for task in
                             os.listdir(f"/proc/{pid}/task")), 20, "stopped")
        try:
            yield
        finally:
            os.kill(pid, signal.SIGCONT)


def state(task):
    with open(f"/proc/{task}/stat", encoding="utf-8") as f:
        return f.read().rsplit(")", 1)[1].split()[0]


REPLIED = {("replied", None)}
NO_SOURCE = {("failed", "no_source")}
NO_ROUTE = {("failed", "no_route")}


def all_of(pairs, said):
    return {pair: said for pair in pairs}


def with_other(wanted):
    return {**wanted, **all_of(OTHER, REPLIED)}


@case
def what_happens_to_a_line_is_followed(place):
    with Agent(place, "follows") as agent:
        agent.write(targets(), circuits=circuits()).start()
        agent.await_all(with_other(all_of(FIRST, REPLIED)), "both lines")

        with agent.stopped():
            near("link", "del", "up1")
        agent.await_all(with_other(all_of(FIRST, NO_SOURCE)), "deleted")
        plug(1)
        agent.await_all(with_other(all_of(FIRST, REPLIED)), "made again")

        # IPv4 addresses stay, IPv6 ones go
        with agent.stopped():
            near("link", "set", "up1", "down")
        agent.await_all(with_other({
            ("name", 4): NO_ROUTE, ("own4", 4): NO_ROUTE,
            ("name", 6): NO_SOURCE, ("own6", 6): NO_SOURCE}), "down")
        with agent.stopped():
            near("link", "set", "up1", "up")
            near("-6", "addr", "add", f"{own(1, 2, 6)}/64", "dev", "up1",
                 "nodad")
            add_routes(1)
        agent.await_all(with_other(all_of(FIRST, REPLIED)), "up again")

        with agent.stopped():
            add_own(1, 3)
            delete_own(1, 2)
            add_routes(1)
        agent.await_all(with_other({
            ("name", 4): REPLIED, ("own4", 4): NO_SOURCE,
            ("name", 6): REPLIED, ("own6", 6): NO_SOURCE}), "other addresses")
        add_own(1, 2)
        agent.await_all(with_other(all_of(FIRST, REPLIED)), "both addresses")

        with agent.stopped():
            delete_own(1, 2)
            delete_own(1, 3)
        agent.await_all(with_other(all_of(FIRST, NO_SOURCE)), "no address")
        with agent.stopped():
            add_own(1, 2)
            add_routes(1)
        agent.await_all(with_other(all_of(FIRST, REPLIED)), "address again")
        expect(agent.end()[0] == 0, agent.said())
        contract.audit(agent.rows())
    wrong = {("far2", host(*pair)) for pair in FIRST} | \
        {("far1", host(*pair)) for pair in OTHER}
    came = place.came()
    expect(not came & wrong, f"by the other line: {came & wrong}")
    expect({("far1", host(*pair)) for pair in FIRST} <= came and
           {("far2", host(*pair)) for pair in OTHER} <= came, came)


@case
def a_rule_for_its_address_chooses_the_route(place):
    """The main table knows the other line only."""
    for family in 4, 6:
        near(f"-{family}", "route", "del", "default", "dev", "up1")
        near(f"-{family}", "rule", "add", "from", own(1, 2, family), "lookup",
             "101")
        near(f"-{family}", "route", "add", "default", "via",
             own(1, 1, family), "dev", "up1", "table", "101")
    mine = {("own4", 4), ("own6", 6)}
    with Agent(place, "rules") as agent:
        agent.write(targets(), circuits=circuits()).start()
        agent.await_all(all_of(mine, REPLIED), "by the rule's table")
        # without a route in there, what is left is the other line's
        with agent.stopped():
            for family in 4, 6:
                near(f"-{family}", "route", "del", "default", "table", "101")
        agent.await_all(all_of(mine, NO_ROUTE), "the table is empty")
        expect(agent.end()[0] == 0, agent.said())
    for family in 4, 6:
        near(f"-{family}", "rule", "del", "from", own(1, 2, family))
    add_routes(1)
    came = place.came() & {("far2", host(*pair)) for pair in mine}
    expect(not came, f"by the other line: {came}")


@case
def changes_are_events(place):
    with Agent(place, "events") as agent:
        agent.write(targets(), circuits=circuits()).start()
        agent.await_said('circuit="other" state=up')
        expect('circuit="name" state=up interface=up1 addresses=10.81.1.2,'
               'fd81:0:0:1::2' in agent.said(), agent.said())
        near("link", "del", "up1")

        def down():
            return agent.events(event="circuit_changed", state="down")

        await_it(lambda: len(down()) >= 3, 20, f"3 are down: {agent.said()}")
        rows = {row["circuit"]: row for row in down()}
        expect(set(rows) == {"name", "own4", "own6"}, rows)
        expect(rows["name"]["reason"] == "no_interface" and
               rows["own4"]["reason"] == rows["own6"]["reason"] ==
               "no_address" and rows["name"]["level"] == "warning" and
               rows["name"]["provider"] == "KPN", rows)
        plug(1)

        def up():
            return agent.events(event="circuit_changed", state="up",
                                circuit="name")

        row = await_it(up, 20, f"up again: {agent.said()}")[-1]
        expect(row["interface"] == "up1" and row["level"] == "info" and
               row["addresses"] == "10.81.1.2,fd81:0:0:1::2", row)
        expect(agent.end()[0] == 0, agent.said())
        contract.audit(agent.rows())


@case
def a_line_that_flaps_does_not_flood(place):
    with Agent(place, "flaps") as agent:
        agent.write(targets(), circuits=circuits()).start()
        agent.await_said('circuit="other" state=up')
        # more at once than fits: the kernel says that it left some out
        agent.agent.send_signal(signal.SIGSTOP)
        script = f"{place.folder}/flap"
        with open(script, "w", encoding="utf-8") as f:
            f.write("link set up1 mtu 1400\nlink set up1 mtu 1500\n" * 3000)
        near("-batch", script)
        near("link", "set", "up1", "down")
        agent.agent.send_signal(signal.SIGCONT)
        await_it(lambda: agent.events(state="down", circuit="name"), 20,
                 f"told: {agent.said()}")
        began = time.monotonic()
        n = 0
        while time.monotonic() - began < 6:
            near("link", "set", "up1", "up")
            near("link", "set", "up1", "down")
            n += 1
        near("link", "set", "up1", "up")
        near("-6", "addr", "replace", f"{own(1, 2, 6)}/64", "dev", "up1",
             "nodad")
        add_routes(1)
        await_it(lambda: agent.events(circuit="name")[-1]["state"] == "up", 20,
                 f"up in the end: {agent.said()}")
        rows = agent.events(circuit="name")
        times = [row["ts_us"] for row in rows]
        expect(all(b - a > 4.9e6 for a, b in zip(times, times[1:])), rows)
        print(f"# {n} flaps, {len(rows)} rows")
        expect(agent.end()[0] == 0, agent.said())


@case
def a_budget_thins_evenly(place):
    """64 MiB a day are 750 bytes a second, of which a fraction is planned."""
    with Agent(place, "budget") as agent:
        wanted = [{"name": f"t{i}", "host": host("other", 4),
                   "probes": ["icmp"], "interval": "100ms", "timeout": "1s",
                   "circuits": ["other"]} for i in range(4)]
        budget = 86400 * 1700
        agent.write(wanted, circuits=[{"name": "other", "source": "up2",
                                       "budget": f"{budget}B"}]).start()
        began = time.monotonic()
        agent.await_rows(90, seconds=60)
        took = time.monotonic() - began
        expect(agent.end()[0] == 0, agent.said())
        rows = agent.rows()
    samples = [row for row in rows if row["type"] == "sample"]
    expect(all("thinned" in row.get("flags", "") for row in samples),
           samples[:3])
    # A busy machine misses some; without thinning nine of ten would be.
    missed = sum(row.get("reason") == "missed" for row in samples)
    expect(missed < len(samples) / 2,
           f"thinned is not missed: {missed} of {len(samples)}")
    spent = len(samples) * 168
    expect(spent <= 1700 * (took + 3), f"{spent} bytes in {took} s")
    each = [sum(row["target"] == f"t{i}" for row in samples) for i in range(4)]
    expect(max(each) - min(each) <= 0.2 * max(each), each)
    said = [row for row in rows if row.get("event") == "circuit_thinned"]
    expect(said and said[0]["state"] == "thinned" and
           0.2 < float(said[0]["share"]) < 0.3, said)
    expect('circuit="other" budget=' in agent.said(), agent.said())


def main():
    if os.geteuid() != 0:
        print("needs root for namespaces")
        sys.exit(77)
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    with folder() as path, Place(path) as place:
        status = labtest.run_cases(place)
    sys.exit(status)


PROGRAMS = {"watch_cables": watch_cables, "serve": serve}
if sys.argv[1:2] and sys.argv[1] in PROGRAMS:
    PROGRAMS[sys.argv[1]](*sys.argv[2:])
else:
    main()
