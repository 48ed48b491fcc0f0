"""Azure as an agent meets it, played by the test: Entra, the Arc agent, the
metadata service of a virtual machine, and Azure Monitor's ingestion.

Each keeps what it was asked, and complains in `failures` about what the real
one would not take.
"""
import base64
import http.server
import json
import os
import ssl
import subprocess
import threading
import urllib.parse

import contract
from collector import plain

TENANT = "11111111-aaaa-bbbb-cccc-000000000001"
CLIENT = "22222222-aaaa-bbbb-cccc-000000000002"
RESOURCE = "https://monitor.azure.com/"
KEYS = "/var/opt/azcmagent/tokens"
JWT_BEARER = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"


class Service:
    """An HTTP server in threads; TLS with `tls`, a certificate and a key."""

    def __init__(self, host="127.0.0.1", port=0, tls=None):
        service = self

        class Handler(http.server.BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"
            timeout = 60

            def answer(self):
                length = int(self.headers.get("Content-Length") or 0)
                self.body = self.rfile.read(length)
                with service.lock:
                    code, headers, body = service.serve(self)
                    service.codes.append(code)
                self.send_response(code)
                for name, value in headers.items():
                    self.send_header(name, value)
                if code != 204:
                    self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            do_GET = do_POST = answer

            def log_message(self, *_):
                pass

        self.lock = threading.Lock()
        self.codes, self.failures = [], []
        self.server = http.server.ThreadingHTTPServer((host, port), Handler)
        self.server.daemon_threads = True
        # Who does not trust us leaves.
        self.server.handle_error = lambda *_: None
        if tls:
            context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
            context.load_cert_chain(*tls)
            self.server.socket = context.wrap_socket(
                self.server.socket, server_side=True,
                do_handshake_on_connect=False)
        self.port = self.server.server_address[1]
        threading.Thread(target=self.server.serve_forever, daemon=True).start()

    def close(self):
        self.server.shutdown()
        self.server.server_close()

    def need(self, good, what):
        if not good:
            self.failures.append(what)
        return good


def say(code, document, **headers):
    headers["Content-Type"] = "application/json; charset=utf-8"
    return (code, {name.replace("_", "-"): value
                   for name, value in headers.items()},
            json.dumps(document).encode())


class Issuer(Service):
    """Of tokens that count; those of `monitor` are the ones that hold."""

    name, life_s, monitor = "token", 3600, None

    def give(self, as_text=False):
        token = f"{self.name}-{os.urandom(8).hex()}"
        self.monitor.good.add(token)
        return say(200, {"token_type": "Bearer", "access_token": token,
                         "expires_in": str(self.life_s) if as_text
                         else self.life_s, "resource": RESOURCE})


class Entra(Issuer):
    name, secret, certificate = "entra", None, None

    def refuse(self, number, error="invalid_client"):
        return say(401, {"error": error, "error_codes": [number],
                         "error_description":
                         f"AADSTS{number}: of app 'Contoso Probe'."})

    def serve(self, request):
        self.need(request.path == f"/{TENANT}/oauth2/v2.0/token", request.path)
        self.need(request.command == "POST", request.command)
        form = dict(urllib.parse.parse_qsl(request.body.decode(),
                                           strict_parsing=True))
        for key, value in (("grant_type", "client_credentials"),
                           ("client_id", CLIENT),
                           ("scope", RESOURCE + "/.default")):
            self.need(form.pop(key, None) == value, f"{key}: {request.body}")
        if self.certificate:
            return self.with_assertion(request, form)
        self.need(set(form) == {"client_secret"}, f"form: {set(form)}")
        if form.get("client_secret") != self.secret:
            return self.refuse(7000215)
        return self.give()

    def with_assertion(self, request, form):
        self.need(form.pop("client_assertion_type", None) == JWT_BEARER,
                  "client_assertion_type")
        self.need(set(form) == {"client_assertion"}, f"form: {set(form)}")
        why = wrong_jwt(form.get("client_assertion", ""), self.certificate,
                        f"https://{request.headers['Host']}{request.path}")
        return self.refuse(700027) if why and not self.need(False, why) \
            else self.give()


def unbase64(text):
    return base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))


def openssl(*words):
    return subprocess.run(["openssl", *words], check=True,
                          capture_output=True).stdout


def wrong_jwt(jwt, certificate, audience):
    """None, or what Entra would not take; the signature is openssl's to say."""
    signed, _, signature = jwt.rpartition(".")
    header, claims = (json.loads(unbase64(part))
                      for part in signed.split("."))
    digest = openssl("x509", "-in", certificate, "-outform", "DER")
    with open(f"{certificate}.der", "wb") as f:
        f.write(digest)
    thumbprint = openssl("dgst", "-sha256", "-binary", f"{certificate}.der")
    if header != {"alg": "PS256", "typ": "JWT", "x5t#S256":
                  base64.urlsafe_b64encode(thumbprint).decode().rstrip("=")}:
        return f"header {header}"
    if claims["aud"] != audience or claims["iss"] != CLIENT or \
            claims["sub"] != CLIENT or not claims["jti"]:
        return f"claims {claims}"
    if not 0 < claims["exp"] - claims["nbf"] <= 600:
        return f"life {claims}"
    for name, data in (("signed", signed.encode()),
                       ("signature", unbase64(signature)),
                       ("public", openssl("x509", "-in", certificate,
                                          "-noout", "-pubkey"))):
        with open(f"{certificate}.{name}", "wb") as f:
            f.write(data)
    done = subprocess.run(
        ["openssl", "dgst", "-sha256", "-sigopt", "rsa_padding_mode:pss",
         "-sigopt", "rsa_pss_saltlen:32", "-verify", f"{certificate}.public",
         "-signature", f"{certificate}.signature", f"{certificate}.signed"],
        capture_output=True, check=False)
    return None if done.returncode == 0 else f"signature: {done.stdout}"


class Machine(Issuer):
    """The Arc agent, or the metadata service: it knows who asks."""

    name, version = "machine", None

    def serve(self, request):
        path, _, query = request.path.partition("?")
        self.need(path == "/metadata/identity/oauth2/token", request.path)
        self.need(dict(urllib.parse.parse_qsl(query)) ==
                  {"api-version": self.version, "resource": RESOURCE}, query)
        self.need(request.headers.get("Metadata") == "true", "Metadata")
        return self.give(as_text=True)


class Arc(Machine):
    """`challenges` are what it answers to requests without proof, in turn;
    then the file that it keeps."""

    name, version = "arc", "2020-06-01"

    def __init__(self, *args, **more):
        super().__init__(*args, **more)
        self.challenges, self.key = [], os.urandom(16).hex()
        self.file = f"{KEYS}/{os.urandom(8).hex()}.key"
        with open(self.file, "w", encoding="utf-8") as f:
            f.write(self.key)

    def serve(self, request):
        proof = request.headers.get("Authorization")
        if proof is None:
            value = self.challenges.pop(0) if self.challenges \
                else f"Basic realm={self.file}"
            return 401, {"WWW-Authenticate": value} if value else {}, b""
        if proof != f"Basic {self.key}":
            self.failures.append("a proof that is none")
            return say(400, {"error": "invalid_request"})
        return super().serve(request)


class Monitor(Service):
    """Takes arrays of rows from who shows a token that holds."""

    def __init__(self, **more):
        super().__init__(**more)
        self.good, self.rows, self.seen = set(), [], []

    def serve(self, request):
        scheme, _, token = request.headers.get("Authorization",
                                               "").partition(" ")
        self.seen.append(token)
        if scheme != "Bearer" or token not in self.good:
            return say(401, {"error": {"code": "InvalidToken"}})
        request.headers = {name.lower(): value
                           for name, value in request.headers.items()}
        body = plain(request)
        self.need(len(request.body) <= 1000000 and len(body) <= 1000000,
                  f"{len(body)} bytes")
        self.need(request.headers["content-type"] == "application/json",
                  "content type")
        self.rows += contract.parse_array(body)
        return 204, {}, b""
