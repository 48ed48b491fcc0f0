#!/usr/bin/env python3
"""What stands between a branch and the edge: nginx that breaks TLS open, a proxy
that only answers SYNs, and an edge location that is too near or not the expected
one. The address of the edge is the branch's own while something stands there."""
import contextlib
import os
import sqlite3
import subprocess
import sys

sys.path.insert(0, f"{os.path.dirname(os.path.abspath(__file__))}/../lib")
from labtest import Folder, await_it, case, expect, main, probe
from lab import address, run

AZURE = "management.azure.com"
NEAR = address(21, 10, 4)  # where its name leads
FAR = address(60, 10, 4)   # the same edge, farther away
BOX = "Inspection Box, Ltd."

NGINX = """
daemon off;
worker_processes 1;
pid {path}/pid;
error_log {path}/error.log;
events {{ worker_connections 256; }}
http {{
	access_log off;
	client_body_temp_path {path}/body;
	proxy_temp_path {path}/proxy;
	fastcgi_temp_path {path}/fastcgi;
	uwsgi_temp_path {path}/uwsgi;
	scgi_temp_path {path}/scgi;
	server {{
		listen {near}:443 ssl;
		ssl_certificate {path}/box.pem;
		ssl_certificate_key {path}/box.key;
		location / {{
			proxy_pass https://{far};
			proxy_ssl_server_name on;
			proxy_ssl_name $host;
			proxy_set_header Host $host;
		}}
	}}
}}
"""

# Answers a SYN before it asks the server, and looks at nothing.
FORWARD = """
import socket, sys, threading

def pump(a, b):
    try:
        while data := a.recv(65536):
            b.sendall(data)
        b.shutdown(socket.SHUT_WR)
    except OSError:
        pass

def serve(client):
    with client, socket.create_connection((sys.argv[2], 443)) as server:
        for s in client, server:
            s.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        back = threading.Thread(target=pump, args=(server, client))
        back.start()
        pump(client, server)
        back.join()

listener = socket.create_server((sys.argv[1], 443), backlog=128)
while True:
    threading.Thread(target=serve, args=(listener.accept()[0],),
                     daemon=True).start()
"""


@contextlib.contextmanager
def in_the_way(lab, *command):
    """`command` listens where the edge is."""
    inside = ["ip", "netns", "exec", lab.env["LAB_BRANCH_NS"]]
    expect(lab.branch("ip", "addr", "add", f"{NEAR}/32", "dev",
                      "lo").returncode == 0, "no address")
    with open(f"{lab.folder}/box.log", "ab") as log:
        box = subprocess.Popen([*inside, *command], stdin=subprocess.DEVNULL,
                               stdout=log, stderr=log)
    try:
        yield
    finally:
        box.terminate()
        box.wait()
        lab.branch("ip", "addr", "del", f"{NEAR}/32", "dev", "lo")


def make_box(lab):
    """What nginx needs, and a bundle that trusts it as the edge is trusted."""
    path = f"{lab.folder}/box"
    if os.path.exists(path):
        return path
    os.makedirs(path)
    done = run("openssl", "req", "-x509", "-nodes", "-newkey", "ec",
               "-pkeyopt", "ec_paramgen_curve:prime256v1", "-days", "3",
               "-subj", f"/O={BOX}/CN=box", "-addext",
               f"subjectAltName=DNS:{AZURE}", "-keyout", f"{path}/box.key",
               "-out", f"{path}/box.pem")
    expect(done.returncode == 0, done.stderr)
    with open(f"{path}/nginx.conf", "w", encoding="utf-8") as f:
        f.write(NGINX.format(path=path, near=NEAR, far=FAR))
    with open(f"{path}/trusted.pem", "w", encoding="utf-8") as f:
        for name in lab.env["LAB_CA"], f"{path}/box.pem":
            f.write(open(name, encoding="utf-8").read())
    return path


def told(folder, name="interception"):
    return [row for row in folder.rows()
            if row["type"] == "event" and row["event"] == name]


def await_told(folder, n, state, name="interception"):
    await_it(lambda: len(told(folder, name)) >= n or folder.agent.poll()
             is not None, 30, f"{n} events: {folder.said()}")
    row = told(folder, name)[n - 1]
    expect(row["state"] == state and row["target"] == "azure" and
           row["level"] == ("info" if state == "closed" else "warning"), row)
    return row


def flagged(rows, word):
    return [row for row in rows if word in row.get("flags", "").split(",")]


def target(**more):
    return {"name": "azure", "host": AZURE, "probes": ["https"],
            "family": 4, "interval": "100ms", "timeout": "2s", **more}


@case
def who_breaks_tls_open_and_who_answers_syns(lab):
    box = make_box(lab)
    with Folder(lab, "between") as folder:
        folder.write([target()], tls={"ca_file": f"{box}/trusted.pem"})
        folder.start().await_rows(5)
        with in_the_way(lab, "nginx", "-c", f"{box}/nginx.conf",
                        "-e", f"{box}/error.log"):
            row = await_told(folder, 1, "open")
            expect(row["evidence"] == "tls_issuer_unexpected" and
                   row["tls_issuer"] == BOX and BOX in row["text"], row)
        await_told(folder, 2, "closed")
        with in_the_way(lab, sys.executable, "-c", FORWARD, NEAR, FAR):
            row = await_told(folder, 3, "open")
            expect(row["evidence"] == "tcp_answered_nearby" and
                   row["tls_first_byte_us"] > 60000 and
                   row["tls_first_byte_us"] > 2 * row["rtt_us"] and
                   "nearer" in row["text"], row)
        await_told(folder, 4, "closed")
        expect(folder.end()[0] == 0, folder.said())
        rows = [row for row in folder.rows() if row["type"] == "sample"]
    for word in "tls_issuer_unexpected", "tcp_answered_nearby":
        some = flagged(rows, word)
        expect(len(some) >= 3, f"{len(some)} of {word}")
        for row in some:
            expect((row["tls_issuer"] == BOX) ==
                   (word == "tls_issuer_unexpected"), row)
    # nobody was flagged for what another one did
    for row in rows:
        expect(row.get("tls_issuer") != BOX or
               "tls_issuer_unexpected" in row["flags"], row)


@case
def who_is_expected_is_not_flagged(lab):
    box = make_box(lab)
    with in_the_way(lab, "nginx", "-c", f"{box}/nginx.conf", "-e",
                    f"{box}/error.log"), Folder(lab, "expected") as folder:
        folder.write([target(expect_issuer=["inspection box"])],
                     tls={"ca_file": f"{box}/trusted.pem"})
        folder.start().await_rows(
            5, wanted=lambda row: row.get("tls_issuer") == BOX)
        expect(folder.end()[0] == 0, folder.said())
        rows = folder.rows()
        expect(not flagged(rows, "tls_issuer_unexpected") and
               not told(folder), rows)


@case
def an_untrusted_one_is_named_by_probe(lab):
    box = make_box(lab)
    with in_the_way(lab, "nginx", "-c", f"{box}/nginx.conf", "-e",
                    f"{box}/error.log"):
        def answered():
            rows = probe(lab, "-4", "--count", "1", f"https://{AZURE}",
                         wanted=(1,))
            return rows if rows[0]["outcome"] == "failed" else None
        row, = await_it(answered, 20, "the box answers")
        expect(row["reason"] == "tls_untrusted" and row["tls_issuer"] == BOX
               and row.get("flags") == "tls_issuer_unexpected", row)


@case
def an_edge_that_is_too_near_and_not_the_expected_one(lab):
    """A branch in Sydney that is 21 ms from Stockholm."""
    with Folder(lab, "sydney") as folder:
        folder.write([target()], site={
            "name": "Sydney", "latitude": -33.87, "longitude": 151.21,
            "expected_pops": ["SYD", "MEL"]})
        folder.start().await_rows(3)
        row = await_told(folder, 1, "open")
        expect(row["evidence"] == "below_light" and row["pop"] == "STO" and
               "light" in row["text"], row)
        row = await_told(folder, 1, "open", "pop_changed")
        expect(row["to_pop"] == "STO" and row["expected"] == "unexpected" and
               "from_pop" not in row and row["nearest_pop"] == "SYD" and
               row["to_km"] > 15000 and row["nearest_km"] < 10, row)
        expect(folder.end()[0] == 0, folder.said())
        rows = [row for row in folder.rows()
                if row["type"] == "sample" and row["outcome"] == "replied"]
        expect(len(flagged(rows, "below_light")) == len(rows) >= 3, rows)
        expect(all(row["edge_cache"] == "CONFIG_NOCACHE" for row in rows) and
               any("tls_first_byte_us" in row for row in rows), rows)


@case
def an_edge_that_moved_while_the_agent_was_down(lab):
    """The agent is told by its store that it was at another one before."""
    with Folder(lab, "moved") as folder:
        folder.write([target()])
        for before in "STO", "AMS":
            folder.start().await_rows(5, wanted=lambda row: "pop" in row)
            if before == "AMS":
                row, = await_it(lambda: told(folder, "pop_changed"), 30,
                                "an event")
                expect(row["state"] == "changed" and row["from_pop"] == "AMS"
                       and row["to_pop"] == "STO", row)
            expect(folder.end()[0] == 0, folder.said())
            with contextlib.closing(sqlite3.connect(folder.store)) as store:
                usual, = store.execute("SELECT value FROM meta WHERE name ="
                                       " 'memo:usual'").fetchone()
                expect(" STO 0 " in usual, usual)
                with store:
                    store.execute("UPDATE meta SET value = ? WHERE name ="
                                  " 'memo:usual'",
                                  (usual.replace(" STO ", " AMS "),))


main()
