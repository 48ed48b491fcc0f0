#!/usr/bin/env python3
"""Out of an enterprise: proxies that want a login, a collector that wants a
certificate, authorities of one's own; who is to blame when it does not work;
and all of that replaced while it runs.
"""
import os
import signal
import sys

sys.path.insert(0, f"{os.path.dirname(os.path.abspath(__file__))}/../lib")
from labtest import Folder, await_it, canon, case, expect, main
import contract
from collector import LOGIN, Collector, status
from proxies import OVER, Enterprise, read, replace

ICMP = {"host": "10.79.1.200", "probes": ["icmp"], "interval": "100ms",
        "timeout": "500ms"}
NAME, ADDRESS = "t920.lab.test", "10.79.1.123"


def behind(lab):
    """What nginx speaks to: it has seen who the branch is."""
    return Collector(lab.env["LAB_EDGE_NS"], "127.0.0.1")


def beside(lab, certificate="edge"):
    tls = lab.folder + "/tls/" + certificate
    return Collector(lab.env["LAB_EDGE_NS"], ADDRESS,
                     tls=(f"{tls}.pem", f"{tls}.key"))


class Places:
    """Destinations of one agent, each with what is to be said of it."""

    def __init__(self, folder, world):
        self.folder, self.world = folder, world
        self.all, self.wanted = [], {}
        self.collector = f"https://{NAME}:{world.MTLS}/"
        self.ca = world.hq.pem
        pem, key = world.branches.issue(f"{folder.path}/ours", "ams-01")
        self.ours = {"cert_file": pem, "key_file": key}
        self.tiny = {"proxy": f"http://127.0.0.1:{world.TINY}",
                     **self.login("branch", "s3cret")}

    def login(self, user, password):
        path = f"{self.folder.path}/{user}-{password}"
        replace(path, f"{password}\n")
        return {"proxy_user": user, "proxy_password_file": path}

    def add(self, name, said, *parts, **more):
        place = {"name": name, "url": self.collector, "ca_file": self.ca,
                 "interval": "200ms"}
        for part in parts:
            place.update(part)
        self.all.append({**place, **more})
        self.wanted[name] = said


def through_proxies(places, world):
    squid = f"http://127.0.0.1:{world.SQUID}"
    good = places.login("clerk", "pass word")
    places.add("through", None, places.tiny, places.ours, proxy_auth="basic")
    places.add("digest", None, good, places.ours, proxy=squid)
    places.add("secure", None, good, places.ours,
               proxy=f"https://127.0.0.1:{world.SQUID_TLS}",
               proxy_ca_file=world.hq.pem)
    places.add("beside", None, places.ours, proxy="http://127.0.0.1:1",
               no_proxy=["lab.test"])
    places.add("stranger", "status=407 fault=proxy_login", places.ours,
               proxy=places.tiny["proxy"])
    places.add("mistyped", "status=407 fault=proxy_login", places.ours,
               places.login("nobody", "wrong"), proxy=squid)
    places.add("unknown", 'issuer="Headquarters"', good, places.ours,
               proxy=f"https://127.0.0.1:{world.SQUID_TLS}",
               proxy_ca_file=world.branches.pem)
    places.add("down", "fault=proxy_down", places.ours,
               proxy="http://127.0.0.1:1")
    places.add("refused", "status=403 fault=proxy_refused", places.tiny,
               url=f"https://{NAME}:444/")
    places.add("upstream", "fault=proxy_upstream", places.tiny,
               url=f"https://{NAME}:1/")


def certificates(places, world):
    foreign = world.hq.issue(f"{world.path}/foreign", "ams-01")
    over = world.branches.issue(f"{world.path}/over", "ams-01", *OVER)
    places.add("nocert", "status=400 fault=certificate_missing", places.tiny)
    places.add("over", "status=400 fault=certificate_expired", places.tiny,
               cert_file=over[0], key_file=over[1])
    places.add("foreign", "status=400 fault=certificate_refused",
               cert_file=foreign[0], key_file=foreign[1])
    places.add("intercepted", 'issuer="Headquarters"', places.ours,
               places.tiny, ca_file=world.branches.pem)


@case
def each_situation_has_its_words(lab):
    """Each is a destination of one agent: none notices another."""
    folder = Folder(lab, "words")
    with behind(lab) as there, folder, \
            Enterprise(lab, f"{folder.path}/world", ADDRESS,
                       there.port) as world:
        world.start_nginx(world.hq, NAME)
        world.start_tinyproxy("branch s3cret")
        world.start_squid("clerk", "pass word")
        places = Places(folder, world)
        through_proxies(places, world)
        certificates(places, world)
        folder.write([ICMP], places.all).start()
        for name, said in places.wanted.items():
            if said:
                await_it(lambda name=name, said=said: any(
                    f"destination={name} " in line and said in line
                    for line in folder.said().splitlines()), 30,
                    f"{name}: {said}: {folder.said()}")
        good = {name for name, said in places.wanted.items() if not said}
        await_it(lambda: len(there.requests) > 3 * len(good), 30,
                 f"requests: {folder.said()}")
        folder.ask("check-config", folder.config)
        expect(folder.end()[0] == 0, folder.said())
        for secret in "s3cret", "pass word", "wrong":
            expect(secret not in folder.said().replace(f"-{secret}", ""),
                   f"{secret} is in the log")
        for request in there.requests:
            expect("CN=ams-01" in request.headers["x-client"] and
                   "proxy-authorization" not in request.headers,
                   request.headers)
        log = folder.said()
        for name in good:
            expect(f"destination={name} " not in log, log)
        digest = read(f"{world.path}/squid-access.log")
        expect("clerk" in digest and f"{NAME}:{world.MTLS}" in digest, digest)
    for row in folder.rows():
        if row.get("part") == "destination" and row["destination"] in good:
            expect(row["batches"] > 0 and row["refused"] == 0 and
                   290 < row.get("tls_days_left", 0) <= 300 and
                   290 < row.get("client_cert_days_left", 0) <= 300, row)


@case
def collectors_have_their_words_too(lab):
    folder = Folder(lab, "collectors")
    replace(f"{folder.path}/token", "t0ken\n")
    answers = {
        "token": (status(401), "fault=token_refused"),
        "login": (status(403), "fault=login_missing"),
        "path": (status(404), "fault=collector_path"),
        "moved": (status(302, Location="https://portal.test/"),
                  "fault=collector_moved"),
        "page": (LOGIN, "status=200 fault=collector_page"),
        "busy": (status(503, Retry_After="7"), "status=503 attempt=1"),
    }
    collectors = {}
    with folder:
        try:
            places = []
            for name, (answer, _) in answers.items():
                there = collectors[name] = beside(lab)
                there.answer = lambda r, n, answer=answer: answer
                places.append({"name": name, "interval": "200ms",
                               "url": f"https://{NAME}:{there.port}/"})
            places[0]["token_file"] = "token"
            wrong = collectors["name"] = beside(lab, "wrongname")
            places.append({"name": "name", "interval": "200ms",
                           "url": f"https://{NAME}:{wrong.port}/"})
            # By its circuit, and by one that is not there.
            here = collectors["here"] = beside(lab)
            for name in "here", "gone":
                places.append({"name": name, "interval": "200ms",
                               "url": f"https://{NAME}:{here.port}/",
                               "circuit": name})
            circuits = [{"name": "here",
                         "source": lab.env["LAB_BRANCH_DEV"]},
                        {"name": "gone", "source": "192.0.2.77"}]
            folder.write([{**ICMP, "circuits": ["here"]}], places,
                         circuits=circuits).start()
            wanted = {name: said for name, (_, said) in answers.items()}
            wanted.update(name="fault=tls_name", gone="fault=circuit_gone")
            for name, said in wanted.items():
                await_it(lambda name=name, said=said: any(
                    f"destination={name} " in line and said in line
                    for line in folder.said().splitlines()), 30,
                    f"{name}: {said}: {folder.said()}")
            await_it(lambda: here.requests, 30, "what goes by its circuit")
            busy = [line for line in folder.said().splitlines()
                    if "destination=busy " in line][0]
            wait = int(busy.rpartition("next=")[2].partition("ms")[0])
            expect(7000 <= wait <= 8500, busy)
            expect(folder.end()[0] == 0, folder.said())
            expect("t0ken" not in folder.said(), "the token is in the log")
        finally:
            for there in collectors.values():
                there.close()


# --- replaced while it runs

class Rotation:
    def __init__(self, lab, folder, there):
        self.folder, self.there = folder, there
        self.world = Enterprise(lab, f"{folder.path}/world", ADDRESS,
                                there.port)
        self.tokens = {"Bearer old"}
        there.answer = self.answer

    def answer(self, request, _):
        fine = request.headers.get("authorization") in self.tokens
        return status() if fine else status(401)

    def file(self, name):
        return f"{self.folder.path}/{name}"

    def start(self):
        world = self.world
        world.start_nginx(world.hq, NAME)
        world.start_tinyproxy("branch old", "branch new")
        world.branches.issue(self.file("ours"), "one")
        replace(self.file("authorities"), read(world.hq.pem))
        replace(self.file("token"), "old\n")
        replace(self.file("password"), "old\n")
        self.folder.write([ICMP], [{
            "name": "hq", "url": f"https://{NAME}:{world.MTLS}/",
            "interval": "100ms", "ca_file": "authorities",
            "cert_file": "ours.pem", "key_file": "ours.key",
            "token_file": "token",
            "proxy": f"http://127.0.0.1:{world.TINY}",
            "proxy_user": "branch", "proxy_password_file": "password"}])
        self.folder.start()

    def await_request(self, what, **headers):
        """A later one than those that are there, with these."""
        n = len(self.there.requests)

        def came():
            return any(all(value in request.headers.get(name, "")
                           for name, value in headers.items())
                       for request in self.there.requests[n:])
        await_it(came, 30, f"{what}: {self.folder.said()}")

    def client_certificate(self):
        """One file after the other, as nobody can help it."""
        self.world.branches.issue(self.file("next"), "two")
        os.rename(self.file("next.pem"), self.file("ours.pem"))
        self.folder.await_said("certificate=kept")
        self.await_request("the old pair", **{"x-client": "CN=one"})
        os.rename(self.file("next.key"), self.file("ours.key"))
        self.await_request("the new pair", **{"x-client": "CN=two"})

    def token(self):
        self.tokens.add("Bearer new")
        replace(self.file("token"), "new\n")
        self.await_request("the new token", authorization="Bearer new")
        self.tokens.remove("Bearer old")
        self.await_request("the old token is gone",
                           authorization="Bearer new")

    def password(self):
        replace(self.file("password"), "new\n")
        self.await_request("the new password")
        self.world.reload_tinyproxy("branch new")
        self.await_request("the old password is gone")

    def authority(self):
        """First both are trusted, then the server changes, then the old one
        is not trusted any more."""
        world = self.world
        replace(self.file("authorities"),
                read(world.hq.pem) + read(world.branches.pem))
        self.await_request("two authorities")
        world.show(world.branches, NAME)
        world.reload_nginx("Branches")
        self.await_request("the server's new certificate")
        replace(self.file("authorities"), read(world.branches.pem))
        self.await_request("the new authority")


@case
def all_of_it_is_replaced_under_load(lab):
    folder = Folder(lab, "rotation")
    with behind(lab) as there, folder:
        rotation = Rotation(lab, folder, there)
        with rotation.world:
            rotation.start()
            rotation.await_request("a first one", **{"x-client": "CN=one"})
            for step in (rotation.client_certificate, rotation.token,
                         rotation.password, rotation.authority):
                step()
            expect(folder.end(signal.SIGTERM)[0] == 0, folder.said())
            folder.start("--duration", "1s")
            expect(folder.wait(40) == 0, folder.said())
        rows = folder.rows()
        contract.audit(rows)
        expect(canon({row["seq"]: row for row in there.rows()}.values()) ==
               canon(rows), "the collector has other rows")
        refused = [r for r in there.requests if not r.taken]
        print(f"#   {len(rows)} rows in {len(there.requests)} requests, "
              f"{len(refused)} refused")
        expect(not refused, "something was refused")
        for word in "fault=", "error=":
            expect(word not in folder.said(), folder.said())


main("--ping-socket")
