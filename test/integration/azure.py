#!/usr/bin/env python3
"""Delivery to Azure Monitor with tokens of Entra, of the Arc agent and of a
virtual machine's metadata service, each played by the test in namespaces of
its own."""
import contextlib
import ctypes
import datetime
import json
import os
import socket
import subprocess
import sys
import threading

sys.path.insert(0, f"{os.path.dirname(os.path.abspath(__file__))}/../lib")
import azure
import contract
import here
from labtest import await_it, case, expect
from proxies import Authority

CLONE_NEWNS, CLONE_NEWNET = 0x00020000, 0x40000000
NOBODY = 65534
INGEST = "/dataCollectionRules/dcr-0/streams/Custom-Edgeprobe"
PATHS = {}  # certificates


def sh(*words):
    subprocess.run(words, check=True, stdout=subprocess.DEVNULL,
                   stderr=subprocess.DEVNULL)


def own_namespaces():
    libc = ctypes.CDLL(None, use_errno=True)
    if os.geteuid() != 0 or libc.unshare(CLONE_NEWNS | CLONE_NEWNET) != 0:
        print("this machine gives no namespaces")
        sys.exit(77)
    sh("mount", "--make-rprivate", "/")
    sh("mount", "-t", "tmpfs", "azure", "/var/opt")
    os.makedirs(azure.KEYS)
    sh("ip", "link", "set", "lo", "up")
    sh("ip", "address", "add", "169.254.169.254/32", "dev", "lo")


def certificate(folder, name, *more):
    cert, key = f"{folder}/{name}.pem", f"{folder}/{name}.key"
    sh("openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days",
       "2", "-subj", f"/O=Test {name}", "-keyout", key, "-out", cert, *more)
    return cert, key


def client_certificate(folder):
    """It lives for long, and ends soon."""
    authority = Authority(f"{folder}/client-ca", "Clients")
    soon = datetime.datetime.now(datetime.timezone.utc) + \
        datetime.timedelta(days=10)
    cert, key = f"{folder}/client.pem", f"{folder}/client.key"
    sh("openssl", "req", "-config", authority.config, "-new", "-newkey",
       "rsa:2048", "-nodes", "-subj", "/O=edgeprobe lab/CN=client", "-keyout",
       key, "-out", f"{folder}/client.csr")
    sh("openssl", "ca", "-config", authority.config, "-batch", "-notext",
       "-in", f"{folder}/client.csr", "-out", cert, "-startdate",
       "20250101000000Z", "-enddate", f"{soon:%Y%m%d%H%M%SZ}")
    return cert, key


def server_certificate(folder):
    """Its own authority."""
    if not PATHS:
        PATHS["server"] = certificate(folder, "cloud", "-addext",
                                      "subjectAltName=IP:127.0.0.1,"
                                      "DNS:localhost")
    return PATHS["server"]


class Cloud:
    """Azure, an agent that sends there, and its folder."""

    def __init__(self, place, name, auth, issuer, **destination):
        tls = server_certificate(place.folder)
        self.folder = here.Folder(place, name)
        self.monitor = azure.Monitor(tls=tls)
        self.issuer = issuer
        self.issuer.monitor = self.monitor
        if auth["type"] == "entra":
            auth = {"tenant": azure.TENANT, "client_id": azure.CLIENT,
                    "authority": f"https://127.0.0.1:{issuer.port}", **auth}
        self.folder.write(
            [{"host": "127.0.0.1", "probes": ["tcp"], "interval": "200ms",
              "timeout": "100ms"}],
            [{"name": "azure", "encoding": "json-array", "interval": "200ms",
              "url": f"https://127.0.0.1:{self.monitor.port}{INGEST}"
              "?api-version=2023-01-01", "auth": auth, **destination}],
            tls={"ca_file": tls[0]})

    def write(self, name, text):
        """As one replaces a secret."""
        path = f"{self.folder.path}/{name}"
        with open(f"{path}.new", "w", encoding="utf-8") as f:
            f.write(text)
        os.rename(f"{path}.new", path)

    def token_left_us(self):
        """As the running agent tells it."""
        said = self.folder.ask("status", "--json", "--config",
                               self.folder.config).stdout
        lines = map(json.loads, said.splitlines())
        return next(line["token_left_us"] for line in lines
                    if line.get("destination") == "azure")

    def await_more(self, more=1):
        n = len(self.monitor.rows) + more
        await_it(lambda: len(self.monitor.rows) >= n, 60,
                 f"{n} rows: {self.folder.said()}")

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.folder.__exit__()
        self.issuer.close()
        self.monitor.close()

    def end(self):
        """Nothing was lost, and nobody said a secret."""
        expect(self.folder.end()[0] == 0, self.folder.said())
        expect(not self.issuer.failures, self.issuer.failures)
        expect(not self.monitor.failures, self.monitor.failures)
        contract.audit(self.monitor.rows)
        for token in self.monitor.good:
            expect(token not in self.folder.said(), "a token in the log")


@case
def entra_with_a_secret_that_is_rotated(place):
    entra = azure.Entra(tls=server_certificate(place.folder))
    entra.secret = "f1rst&=+%~"
    with Cloud(place, "secret", {"type": "entra", "secret_file": "secret"},
               entra) as cloud:
        cloud.write("secret", entra.secret + "\n")
        cloud.folder.start()
        cloud.await_more(3)
        expect(entra.codes == [200], entra.codes)
        expect(0 < cloud.token_left_us() <= 3600e6, cloud.token_left_us())
        with entra.lock, cloud.monitor.lock:  # old ones hold no more
            entra.secret = "s3cond"
            cloud.monitor.good.clear()
        cloud.folder.await_said("source=entra status=401 code=invalid_client "
                                "aadsts=7000215")
        expect("Contoso" not in cloud.folder.said(), cloud.folder.said())
        cloud.write("secret", "s3cond\n")
        cloud.await_more(3)
        cloud.end()
        for secret in "f1rst", "s3cond":
            expect(secret not in cloud.folder.said(), "a secret in the log")


@case
def entra_with_a_certificate(place):
    """And once more before a token ends; the certificate's end is warned of."""
    entra = azure.Entra(tls=server_certificate(place.folder))
    entra.certificate, key = client_certificate(place.folder)
    entra.life_s = 3
    with Cloud(place, "certificate",
               {"type": "entra", "cert_file": entra.certificate,
                "key_file": key}, entra) as cloud:
        cloud.folder.start()
        await_it(lambda: len(set(cloud.monitor.seen)) >= 2, 30,
                 f"a second token: {cloud.folder.said()}")
        cloud.await_more(1)
        expect(set(entra.codes) == {200}, entra.codes)
        await_it(lambda: [row for row in cloud.monitor.rows if
                          row.get("credential") == "entra_certificate" and
                          row["days_left"] in (9, 10)], 60,
                 f"a warning: {cloud.folder.said()}")
        cloud.end()


@case
def entra_is_not_trusted(place):
    """Nothing goes to one that the authorities do not know."""
    tls = certificate(place.folder, "other", "-addext",
                      "subjectAltName=IP:127.0.0.1")
    entra = azure.Entra(tls=tls)
    entra.secret = "s3cret"
    with Cloud(place, "untrusted", {"type": "entra", "secret_file": "secret"},
               entra) as cloud:
        cloud.write("secret", "s3cret")
        cloud.folder.start()
        cloud.folder.await_said("error=token source=entra failed=tls")
        expect(not entra.codes and not cloud.monitor.codes, "it was asked")


class Proxy:
    """Of tunnels; knows for whom."""

    def __init__(self):
        self.asked = []
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.port = self.listener.getsockname()[1]
        threading.Thread(target=self.accept, daemon=True).start()

    def accept(self):
        while True:
            near, _ = self.listener.accept()
            threading.Thread(target=self.serve, args=(near,),
                             daemon=True).start()

    def serve(self, near):
        head = b""
        while b"\r\n\r\n" not in head:
            head += near.recv(4096)
        place = head.split()[1].decode()
        self.asked.append(place)
        host, _, port = place.partition(":")
        far = socket.create_connection((host, int(port)))
        near.sendall(b"HTTP/1.1 200 Go\r\n\r\n")
        threading.Thread(target=relay, args=(far, near), daemon=True).start()
        relay(near, far)


def relay(one, other):
    with contextlib.suppress(OSError):
        while data := one.recv(65536):
            other.sendall(data)
        other.shutdown(socket.SHUT_WR)


@case
def only_entra_is_behind_the_proxy(place):
    """As where Azure Monitor has a private address."""
    entra, proxy = azure.Entra(tls=server_certificate(place.folder)), Proxy()
    entra.secret = "s3cret"
    with Cloud(place, "proxy", {
            "type": "entra", "secret_file": "secret",
            "authority": f"https://localhost:{entra.port}"}, entra,
               proxy=f"http://127.0.0.1:{proxy.port}",
               no_proxy=["127.0.0.1"]) as cloud:
        cloud.write("secret", "s3cret")
        cloud.folder.start()
        cloud.await_more(1)
        expect(proxy.asked == [f"localhost:{entra.port}"], proxy.asked)
        cloud.end()


@case
def the_arc_agent_of_this_machine(place):
    """It is shown the file that only root and it may write, and no other."""
    arc = azure.Arc(port=40342)
    other = f"{azure.KEYS}/other.key"
    with open(other, "w", encoding="utf-8") as f:
        f.write("somebody")
    os.chown(other, NOBODY, NOBODY)
    long = f"{azure.KEYS}/long.key"
    with open(long, "w", encoding="utf-8") as f:
        f.write("k" * 4097)
    os.symlink(arc.file, f"{azure.KEYS}/link.key")
    bad = [None, "Bearer", f"Basic realm={place.folder}/x.key",
           f"Basic realm={azure.KEYS}/../tokens/x.key",
           f"Basic realm={azure.KEYS}/gone.key", f"Basic realm={other}",
           f"Basic realm={long}", f"Basic realm={azure.KEYS}/link.key"]
    with Cloud(place, "arc", {"type": "azure_arc"}, arc) as cloud:
        for challenge in bad:
            with arc.lock:
                arc.challenges = [challenge]
            done = cloud.folder.ask("test-destination", "azure", "--config",
                                    cloud.folder.config, wanted=(1,))
            expect("error=token source=azure_arc" in done.stdout and
                   "why=" in done.stdout, done.stdout)
        expect(arc.codes == [401] * len(bad), f"proof was shown: {arc.codes}")
        cloud.folder.start()
        cloud.await_more(3)
        expect(arc.codes[len(bad):] == [401, 200], arc.codes)
        cloud.end()


@case
def the_metadata_service_of_a_machine(place):
    machine = azure.Machine(host="169.254.169.254", port=80)
    machine.version = "2018-02-01"
    with Cloud(place, "machine", {"type": "azure_vm"}, machine) as cloud:
        # The environment's proxy is not for it.
        os.environ["http_proxy"] = "http://127.0.0.1:1"
        cloud.folder.start()
        cloud.await_more(3)
        expect(machine.codes == [200], machine.codes)
        cloud.end()


own_namespaces()
here.main()
