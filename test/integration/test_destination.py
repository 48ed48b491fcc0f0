#!/usr/bin/env python3
"""`edgeprobe test-destination` against answers of a real nginx, and what it
says of each."""
import ctypes
import json
import os
import re
import subprocess
import sys

sys.path.insert(0, f"{os.path.dirname(os.path.abspath(__file__))}/../lib")
import contract
import here
from collector import Collector, rows_of
from labtest import await_it, case, expect

CLONE_NEWNET = 0x40000000
SECRET = "inside-of-an-answer"
CONFIG = """
daemon off; error_log {folder}/error.log; pid {folder}/pid;
events {{ }}
http {{
    access_log off; ssl_protocols TLSv1.2 TLSv1.3; client_body_temp_path {folder}/body;
    proxy_temp_path {folder}/proxy; fastcgi_temp_path {folder}/fastcgi;
    uwsgi_temp_path {folder}/uwsgi; scgi_temp_path {folder}/scgi;
    server {{
        listen 127.0.0.1:8443 ssl;
        ssl_certificate {folder}/here.pem;
        ssl_certificate_key {folder}/here.key;
        location = /ok {{ return 204; }}
        location = /page {{ default_type text/html;
                            return 200 "<html>{secret}</html>"; }}
        location = /later {{ add_header Retry-After 7 always; return 429; }}
        {statuses}
        location = /moved {{ return 302 https://other.test/; }}
    }}
    server {{
        listen 127.0.0.1:8444 ssl;
        ssl_certificate {folder}/name.pem;
        ssl_certificate_key {folder}/name.key;
        location / {{ return 204; }}
    }}
    server {{
        listen 127.0.0.1:8445 ssl;
        ssl_certificate {folder}/stranger.pem;
        ssl_certificate_key {folder}/stranger.key;
        location / {{ return 204; }}
    }}
}}
"""
HTTPS = "https://127.0.0.1:8443"
# Where to, what is wanted of the answer.
ANSWERS = {
    "taken": ({"url": f"{HTTPS}/ok?sig=hidden"},
              {"acknowledged": True, "class": "done", "status": 204,
               "url": f"{HTTPS}/ok", "address": "127.0.0.1", "port": 8443,
               "tls": "TLSv1.3", "tls_issuer": "Here", "tls_days_left": (9, 10)}),
    "page": ({"url": f"{HTTPS}/page"},
             {"class": "endpoint", "status": 200, "fault": "collector_page"}),
    "who": ({"url": f"{HTTPS}/401"},
            {"class": "endpoint", "status": 401, "fault": "login_missing"}),
    "token": ({"url": f"{HTTPS}/403", "token_file": "token"},
              {"class": "endpoint", "status": 403, "fault": "token_refused"}),
    "path": ({"url": f"{HTTPS}/404"},
             {"class": "endpoint", "status": 404, "fault": "collector_path"}),
    "moved": ({"url": f"{HTTPS}/moved"},
              {"class": "endpoint", "status": 302,
               "fault": "collector_moved"}),
    "later": ({"url": f"{HTTPS}/later"},
              {"class": "busy", "status": 429, "retry_after_s": 7,
               "help": "the collector is throttling"}),
    "down": ({"url": f"{HTTPS}/503"},
             {"class": "busy", "status": 503, "help": "busy or down"}),
    "broken": ({"url": f"{HTTPS}/500"},
               {"class": "unsure", "status": 500, "help": "its own log"}),
    "large": ({"url": f"{HTTPS}/413"},
              {"class": "too_large", "status": 413, "help": "too large"}),
    "bad": ({"url": f"{HTTPS}/400"},
            {"class": "bad_data", "status": 400, "help": "encoding"}),
    "stranger": ({"url": "https://127.0.0.1:8445/"},
                 {"class": "endpoint", "fault": "tls_untrusted",
                  "tls_issuer": "Stranger", "answer": "error=tls"}),
    "name": ({"url": "https://127.0.0.1:8444/"},
             {"class": "endpoint", "fault": "tls_name",
              "answer": "error=tls"}),
    "nobody": ({"url": "https://127.0.0.1:9/"},
               {"class": "busy", "fault": "collector_down",
                "answer": "error=connect"}),
    "unknown": ({"url": "https://collector.test/"},
                {"class": "endpoint", "fault": "collector_name",
                 "answer": "error=name"}),
    "proxy": ({"url": f"{HTTPS}/ok", "proxy": "http://127.0.0.1:9"},
              {"class": "busy", "fault": "proxy_down",
               "proxy": "http://127.0.0.1:9"}),
    "no-token": ({"url": f"{HTTPS}/ok", "token_file": "gone"},
                 {"class": "endpoint", "answer": "token_file="}),
}
ENCODINGS = ("ndjson", "json-array", "otlp-logs", "otlp-metrics",
             "elastic-bulk", "splunk-hec")


def sh(*words, **more):
    return subprocess.run(words, check=True, capture_output=True, **more)


def certificates(folder):
    names = {"here": "IP:127.0.0.1", "name": "DNS:other.test",
             "stranger": "IP:127.0.0.1"}
    for name, who in names.items():
        sh("openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt",
           "ec_paramgen_curve:P-256", "-nodes", "-days", "10", "-subj",
           f"/O={name.capitalize()}", "-addext", f"subjectAltName={who}",
           "-keyout", f"{folder}/{name}.key", "-out", f"{folder}/{name}.pem")
    with open(f"{folder}/ca.pem", "w", encoding="utf-8") as out:
        for name in "here", "name":
            with open(f"{folder}/{name}.pem", encoding="utf-8") as f:
                out.write(f.read())


class Nginx:
    """It and its files; ready when it is returned."""

    def __init__(self, folder):
        certificates(folder)
        with open(f"{folder}/nginx.conf", "w", encoding="utf-8") as f:
            statuses = " ".join(
                f'location = /{n} {{ return {n} "{SECRET}"; }}'
                for n in (400, 401, 403, 404, 413, 500, 503))
            f.write(CONFIG.format(folder=folder, secret=SECRET,
                                  statuses=statuses))
        self.program = subprocess.Popen(
            ["nginx", "-c", f"{folder}/nginx.conf", "-e",
             f"{folder}/error.log"])
        await_it(lambda: self.program.poll() is not None or
                 os.path.exists(f"{folder}/pid") and
                 os.path.getsize(f"{folder}/pid") > 0, 30, "nginx")
        expect(self.program.poll() is None, "nginx has ended")

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.program.terminate()
        self.program.wait(20)


def agent_of(place, name, destinations):
    return give(here.Folder(place, name), destinations)


def give(agent, destinations):
    return agent.write(
        [{"host": "127.0.0.1", "probes": ["tcp"], "interval": "200ms",
          "timeout": "100ms"}], destinations,
        tls={"ca_file": f"{agent.lab.folder}/ca.pem"})


def tried(agent, *words, wanted=(0, 1)):
    return agent.ask("test-destination", *words, "--config", agent.config,
                     wanted=wanted)


def of_each(done):
    return {row["destination"]: row
            for row in map(json.loads, done.stdout.splitlines())}


def holds(got, wanted):
    """A text holds what is wanted; of several one is."""
    return all(value in got.get(key, "") if isinstance(value, str) else
               got.get(key) in (value if isinstance(value, tuple)
                                else (value,))
               for key, value in wanted.items())


@case
def each_answer_is_explained(place):
    agent = agent_of(place, "answers", ())
    with open(f"{agent.path}/token", "w", encoding="utf-8") as f:
        f.write("s3cret-token\n")
    names = list(ANSWERS)
    with Nginx(place.folder):
        explained(agent, names[:9])
        explained(agent, names[9:])


def explained(agent, names):
    give(agent, [{"name": name, "timeout": "20s", **ANSWERS[name][0]}
                 for name in names])
    said = tried(agent, "--all", "--json", wanted=(1,))
    text = tried(agent, "--all", wanted=(1,))
    rows = of_each(said)
    expect(list(rows) == names, rows.keys())
    for name in names:
        wanted = ANSWERS[name][1]
        done = wanted["class"] == "done"
        tried(agent, name, wanted=(0 if done else 1,))
        expect(holds(rows[name], wanted), f"{wanted}, not {rows[name]}")
        expect(rows[name]["acknowledged"] == done, rows[name])
        expect(done or name == "no-token" or rows[name]["help"], rows[name])
        expect(re.search(rf"^{name}: (https?|file)://.*\n(  .*\n)*  means +"
                         r"\S", text.stdout, re.M), text.stdout)
    for secret in SECRET, "s3cret-token", "hidden":
        expect(secret not in said.stdout + said.stderr + text.stdout +
               text.stderr, f"{secret} was printed")


@case
def the_batch_is_marked(place):
    """And is none of the agent's that runs beside it."""
    with Collector("../../proc/self/ns/net", "127.0.0.1") as there:
        agent = agent_of(place, "beside", [
            {"name": "hq", "url": f"http://127.0.0.1:{there.port}/in",
             "interval": "200ms"}])
        with agent:
            agent.start()
            await_it(lambda: len(there.rows()) > 5, 30, agent.said())
            said = of_each(tried(agent, "hq", "--json", wanted=(0,)))["hq"]
            n = len(there.rows())
            await_it(lambda: len(there.rows()) > n, 30, agent.said())
            expect(agent.end()[0] == 0, agent.said())
            stored = agent.rows()
        marked = [r for r in there.taken()
                  if said["epoch"] in r.headers["idempotency-key"]]
        expect([r.headers["idempotency-key"] for r in marked] ==
               [f"lab-01-{said['epoch']}-1-1"], marked)
        (row,) = rows_of(marked[0])
        expect((row["type"], row["event"], row["level"], row["seq"]) ==
               ("event", "test", "info", 1), row)
        expect(row["destination"] == "hq" and row["agent"] == "lab-01", row)
        expect(all(row.get("event") != "test" for row in stored),
               "the store has it")
        contract.audit(there.rows())


@case
def every_encoding_goes_to_a_file(place):
    agent = agent_of(place, "files", [
        {"name": name, "url": f"file://{place.folder}/kept-{name}/",
         "encoding": name} for name in ENCODINGS])
    rows = of_each(tried(agent, "--all", "--json", wanted=(0,)))
    for name in ENCODINGS:
        path = rows[name]["file"]
        with open(path, encoding="utf-8") as f:
            text = f.read()
        expect(os.listdir(os.path.dirname(path)) == [os.path.basename(path)],
               f"not only {path}")
        expect(rows[name]["epoch"] in os.path.basename(path), path)
        expect(len(text.encode()) == rows[name]["bytes"], text)
        for document in text.splitlines():
            json.loads(document)
        expect("test" in text and rows[name]["acknowledged"], text)


@case
def what_cannot_be_tried(place):
    agent = agent_of(place, "wrong", [
        {"name": "a", "url": "https://a.test/",
         "auth": {"type": "entra", "tenant": "t"}}])
    expect('needs client_id' in tried(agent, "a", wanted=(78,)).stderr, "78")
    done = tried(agent, "b", wanted=(64,))
    expect('no destination "b", configured are: "a"' in done.stderr,
           done.stderr)
    tried(agent, wanted=(64,))
    tried(agent, "a", "--all", wanted=(64,))
    agent.write([])
    expect("no destination is configured" in
           tried(agent, "--all", wanted=(78,)).stderr, "none")
    expect(not os.path.exists(agent.store), "it made a store")


def own_network():
    libc = ctypes.CDLL(None, use_errno=True)
    if os.geteuid() != 0 or libc.unshare(CLONE_NEWNET) != 0:
        print("this machine gives no namespace")
        sys.exit(77)
    sh("ip", "link", "set", "lo", "up")


own_network()
here.main()
