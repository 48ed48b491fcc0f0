#!/usr/bin/env python3
"""`edgeprobe targets`: what will be probed, of which list, and why; and the
service that gives the lists, in its documented form, well and broken."""
import contextlib
import ctypes
import http.server
import json
import os
import re
import socket
import ssl
import stat
import sys
import threading

sys.path.insert(0, f"{os.path.dirname(os.path.abspath(__file__))}/../lib")
import here
from labtest import await_it, case, expect

CLONE_NEWNET = 0x40000000
LIST = {"version": "2026110100", "endpoints": [
    {"id": 1, "serviceArea": "Exchange", "category": "Optimize",
     "tcpPorts": "80,443",
     "urls": ["outlook.office.com", "mail.example", "*.odd.example"]},
    {"id": 11, "serviceArea": "Skype", "category": "Optimize",
     "udpPorts": "3478-3481"},
    {"id": 56, "serviceArea": "Common", "category": "Allow",
     "tcpPorts": "443", "urls": ["login.microsoftonline.com"]}]}


class Service(http.server.ThreadingHTTPServer):
    """Answers /version and /endpoints, and remembers what was asked."""
    daemon_threads = True

    def __init__(self, place, name):
        cert = f"{place.folder}/{name}.pem"
        done = here.run("openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt",
                        "ec_paramgen_curve:P-256", "-nodes", "-days", "9",
                        "-subj", "/O=Service", "-addext",
                        "subjectAltName=IP:127.0.0.1", "-keyout",
                        f"{cert}.key", "-out", cert)
        expect(done.returncode == 0, done.stderr)
        super().__init__(("127.0.0.1", 0), Answer)
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(cert, f"{cert}.key")
        self.socket = context.wrap_socket(self.socket, server_side=True)
        self.cert = cert
        self.version = LIST["version"]
        self.status = 200
        self.body = json.dumps(LIST["endpoints"])
        self.asked = []
        threading.Thread(target=self.serve_forever, daemon=True).start()

    def polling(self, **more):
        return {"url": f"https://127.0.0.1:{self.server_port}",
                "ca_file": self.cert, "interval": "1s", **more}

    def n(self, what):
        return sum(path.startswith(f"/{what}/") for path in self.asked)

    def handle_error(self, *_):
        pass


class Answer(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        there = self.server
        there.asked.append(self.path)
        status, body = 200, json.dumps({"instance": "Worldwide",
                                        "latest": there.version})
        if self.path.startswith("/endpoints/"):
            status, body = there.status, there.body
        self.send_response(status)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body.encode())

    def log_message(self, *_):
        pass


class Proxy:
    """Takes CONNECT, and remembers to where."""

    def __init__(self):
        self.asked = []
        self.there = socket.create_server(("127.0.0.1", 0))
        self.url = f"http://127.0.0.1:{self.there.getsockname()[1]}"
        threading.Thread(target=self.work, daemon=True).start()

    def work(self):
        while True:
            one, _ = self.there.accept()
            threading.Thread(target=self.tunnel, args=(one,),
                             daemon=True).start()

    def tunnel(self, one):
        head = b""
        while not head.endswith(b"\r\n\r\n"):
            head += one.recv(1)
        self.asked.append(head.split(b"\r\n")[0].decode())
        host, port = head.split()[1].decode().rsplit(":", 1)
        other = socket.create_connection((host, int(port)))
        one.sendall(b"HTTP/1.1 200 ok\r\n\r\n")
        threading.Thread(target=self.pump, args=(one, other),
                         daemon=True).start()
        self.pump(other, one)

    @staticmethod
    def pump(a, b):
        with contextlib.suppress(OSError):
            while data := a.recv(65536):
                b.sendall(data)
            b.shutdown(socket.SHUT_WR)


def agent_of(place, name, there, **more):
    """Of hosts that lead nowhere: there is nothing but loopback."""
    folder = here.Folder(place, name)
    return folder.write([{"source": "microsoft365", "probes": ["tcp"],
                          "interval": "1s"}],
                        microsoft365=there.polling(**more))


def kept(folder):
    try:
        with open(f"{folder.path}/microsoft365-Worldwide.json",
                  encoding="utf-8") as f:
            return json.load(f)
    except FileNotFoundError:
        return {"version": None}


def id_of(folder):
    path = f"{folder.path}/microsoft365-client-id"
    expect(stat.S_IMODE(os.stat(path).st_mode) == 0o600, "its mode")
    with open(path, encoding="utf-8") as f:
        return f.read()


def folder_of(place, name, targets, kept=None):
    folder = here.Folder(place, name).write(targets)
    if kept is not None:
        with open(f"{folder.path}/microsoft365-Worldwide.json", "w",
                  encoding="utf-8") as f:
            f.write(kept)
    return folder


def asked(folder, *more):
    return folder.ask("targets", "--config", folder.config, *more)


def lines(folder):
    return [json.loads(line)
            for line in asked(folder, "--json").stdout.splitlines()]


def of_type(said, kind):
    return [line for line in said if line["type"] == kind]


@case
def a_list_that_is_kept(place):
    folder = folder_of(place, "kept", [
        {"name": "plain", "host": "127.0.0.1", "probes": ["tcp"]},
        {"source": "microsoft365", "max_targets": 2, "interval": "1m"}],
        json.dumps(LIST))
    said = lines(folder)
    plain, mail, second = of_type(said, "target")
    source, = of_type(said, "source")
    expect(plain["name"] == "plain" and plain["interval_s"] == 10 and
           plain["probes"] == ["tcp"] and "source" not in plain, plain)
    expect(mail["host"] == "outlook.office.com" and
           mail["name"] == "microsoft365/outlook.office.com" and
           mail["interval_s"] == 60 and mail["list"] == "kept" and
           mail["version"] == "2026110100" and
           mail["why"] == "entry 1, Exchange, Optimize", mail)
    expect(second["host"] == "mail.example", second)
    file, line = mail["from"].rsplit(":", 1)
    with open(file, encoding="utf-8") as f:
        after = f.read().split("\n")[int(line) - 1:][:3]
    expect(any('"source"' in text for text in after), after)
    expect(source["left_out"] == ["*.odd.example"] and
           source["beyond_bound"] == 1, source)
    text = asked(folder).stdout
    for words in ("mail.example  tcp,https,icmp", "every 60s",
                  "microsoft365 kept 2026110100: entry 1", "1 beyond the bound",
                  "left out *.odd.example"):
        expect(words in text, f"{words}: {text}")


@case
def a_list_that_is_broken(place):
    for name, kept in (("cut", json.dumps(LIST)[:300]), ("empty", ""),
                       ("login", "<html>sign in</html>"),
                       ("bare", json.dumps(LIST["endpoints"]))):
        folder = folder_of(place, name, [{"source": "microsoft365"}], kept)
        done = asked(folder, "--json")
        expect("kept=unusable" in done.stderr, done.stderr)
        said = [json.loads(line) for line in done.stdout.splitlines()]
        expect({line["list"] for line in said} == {"built in"} and
               len(of_type(said, "target")) == 6, said)


@case
def what_nobody_configured(place):
    said = lines(folder_of(place, "none", []))
    expect({line["from"] for line in said} == {"built in"} and
           {line["why"] for line in said} == {"no targets are configured"} and
           len(said) > 3, said)


@case
def what_is_printed_is_what_is_measured(place):
    folder = folder_of(place, "print", [{"source": "microsoft365"},
                                        {"source": "teams-media"}])
    printed = folder.ask("check-config", "--print", folder.config).stdout
    again = here.Folder(place, "again")
    with open(again.config, "w", encoding="utf-8") as f:
        f.write(printed)
    names = [[line["name"] for line in of_type(lines(one), "target")]
             for one in (folder, again)]
    expect(names[0] == names[1] and len(names[0]) == 7, names)


def is_of(host):
    return lambda row: row["type"] == "sample" and row["host"] == host


@case
def versions_move(place):
    there = Service(place, "moves")
    folder = agent_of(place, "moves", there).start()
    await_it(lambda: kept(folder)["version"] == "2026110100", 30,
             "the first list")
    await_it(lambda: there.n("version") >= 4, 30, "four looks")
    expect(there.n("endpoints") == 1, there.asked)
    there.body = json.dumps(LIST["endpoints"][1:] + [
        {**LIST["endpoints"][0], "urls": ["added.example"]}])
    there.version = "2026120100"
    await_it(lambda: kept(folder)["version"] == "2026120100", 30,
             "the second list")
    await_it(lambda: folder.count(is_of("added.example")) >= 2, 60,
             "measured without a start by hand")
    expect("next=as_before" not in folder.said() and
           folder.count(lambda row: row["type"] == "boot") == 3,
           folder.said())
    expect(folder.end()[0] == 0, folder.said())
    rows = [row for row in folder.rows()
            if row.get("event") == "targets_changed"]
    expect([row["version"] for row in rows] == ["2026110100", "2026120100"] and
           "mail.example" in rows[0]["added"].split() and
           rows[1]["removed"].split() == ["outlook.office.com",
                                          "mail.example"] and
           rows[1]["n_removed"] == 2 and
           rows[1]["added"].split() == ["added.example"], rows)
    last = max(row["seq"] for row in folder.rows() if is_of("mail.example")(row))
    expect(all(row["seq"] > last for row in folder.rows()
               if is_of("added.example")(row)), "both are measured")
    expect({line["version"] for line in lines(folder)} == {"2026120100"},
           lines(folder))
    first, seen = id_of(folder), there.n("version")
    folder.start()
    await_it(lambda: there.n("version") > seen, 30, "a look after a restart")
    expect(folder.end()[0] == 0, folder.said())
    expect(id_of(folder) == first and
           re.fullmatch(r"[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab]"
                        r"[0-9a-f]{3}-[0-9a-f]{12}", first) and
           {path.split("ClientRequestId=")[1] for path in there.asked} ==
           {first} and there.n("endpoints") == 2, there.asked)


@case
def answers_that_are_none(place):
    there = Service(place, "broken")
    folder = agent_of(place, "broken", there).start()
    await_it(lambda: kept(folder)["version"] == "2026110100", 30, "a list")
    there.version = "2026120100"
    for body in (json.dumps(LIST["endpoints"])[:200], "<html>sign in</html>",
                 "[]", "x" * (5 << 20)):
        there.body, seen = body, there.n("endpoints")
        await_it(lambda: there.n("endpoints") >= seen + 2, 30, body[:30])
    there.body, there.version = "", "soon"
    seen = there.n("version")
    await_it(lambda: there.n("version") >= seen + 2, 30, "a bad version")
    expect(folder.end()[0] == 0, folder.said())
    expect(kept(folder) == LIST, kept(folder))
    expect(folder.said().count("next=keep_the_list") == 1, folder.said())


@case
def it_is_asked_too_often(place):
    there = Service(place, "often")
    there.status = 429
    folder = agent_of(place, "often", there).start()
    folder.await_said("status 429", 30)
    clock = Service(place, "clock")
    other = agent_of(place, "clock", clock).start()
    await_it(lambda: clock.n("version") >= 4, 30, "four looks of another")
    expect(other.end()[0] == 0, other.said())
    expect(folder.end()[0] == 0, folder.said())
    expect(there.n("version") == 1 and there.n("endpoints") == 1, there.asked)


@case
def by_a_proxy(place):
    there, proxy = Service(place, "behind"), Proxy()
    folder = agent_of(place, "proxy", there, proxy=proxy.url).start()
    await_it(lambda: kept(folder)["version"], 30, "a list")
    expect(folder.end()[0] == 0, folder.said())
    expect(set(proxy.asked) == {f"CONNECT 127.0.0.1:{there.server_port} "
                                "HTTP/1.1"}, proxy.asked)


def own_network():
    """Loopback and no more: nobody else is measured."""
    libc = ctypes.CDLL(None, use_errno=True)
    if os.geteuid() != 0 or libc.unshare(CLONE_NEWNET) != 0:
        print("this machine gives no namespace")
        sys.exit(77)
    done = here.run("ip", "link", "set", "lo", "up")
    expect(done.returncode == 0, done.stderr)


own_network()
here.main()
