"""A collector of a test's own, in a network namespace of the lab.

    with Collector(netns, "10.78.0.1", tls=(cert, key)) as c:
        c.answer = lambda request, n: status(503)
        c.port, c.requests, c.rows()

Speaks HTTP/1.1, keeps every request with its body, and does to each what
`answer` says: status(...), or RESET_EARLY, RESET_INSIDE, RESET_LATE, CUT.
Threads end with close(); so does what they were in the middle of.
"""
import collections
import ctypes
import gzip
import os
import socket
import ssl
import struct
import threading
import time

import contract

CLONE_NEWNET = 0x40000000

Answer = collections.namedtuple("Answer", "code headers body delay")
# `taken` is whether the sender may believe that we have it.
Request = collections.namedtuple("Request", "at path headers body taken")

RESET_EARLY = "reset before the body is read"
RESET_INSIDE = "reset when half of the body is read"
RESET_LATE = "reset after the body was read"
CUT = "an answer that ends before its length"


def status(code=200, body=b"", content_type=None, delay=0, **headers):
    lines = {name.replace("_", "-"): value for name, value in headers.items()}
    if content_type:
        lines["Content-Type"] = content_type
    return Answer(code, lines, body, delay)


LOGIN = status(200, b"<!DOCTYPE html><html><title>Sign in</title></html>",
               "text/html; charset=utf-8")


def listen(netns, host, port):
    """A socket of another namespace (None: of this one): it stays there,
    whoever uses it."""
    if netns is None:
        return socket.create_server((host, port))
    result = []

    def work():
        libc = ctypes.CDLL(None, use_errno=True)
        fd = os.open(f"/run/netns/{netns}", os.O_RDONLY)
        try:
            if libc.setns(fd, CLONE_NEWNET) != 0:
                raise OSError(ctypes.get_errno(), "setns")
            family = socket.AF_INET6 if ":" in host else socket.AF_INET
            result.append(socket.create_server((host, port), family=family))
        except OSError as e:
            result.append(e)
        finally:
            os.close(fd)

    thread = threading.Thread(target=work)  # setns is the thread's alone
    thread.start()
    thread.join()
    if isinstance(result[0], OSError):
        raise result[0]
    return result[0]


class Collector:
    def __init__(self, netns, host, port=0, tls=None):
        self.netns, self.host = netns, host
        self.answer = lambda request, n: status()
        self.requests = []
        self.failures = []  # what was no whole request
        self.context = None
        if tls:
            self.show(tls)
        self.lock = threading.Lock()
        self.open = set()
        self.listener = None
        self.port = port
        self.begin()

    def show(self, certificate_and_key):
        """From the next connection on."""
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(*certificate_and_key)
        self.context = context

    def begin(self):
        """Listen (again, on the same port)."""
        self.listener = listen(self.netns, self.host, self.port)
        self.port = self.listener.getsockname()[1]
        threading.Thread(target=self.accept, args=(self.listener,),
                         daemon=True).start()

    def close(self):
        """Refuse, and drop what is connected."""
        listener, self.listener = self.listener, None
        if listener:
            listener.shutdown(socket.SHUT_RDWR)
            listener.close()
        with self.lock:
            connections, self.open = self.open, set()
        for connection in connections:
            drop(connection)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()

    def accept(self, listener):
        while True:
            try:
                connection, _ = listener.accept()
            except OSError:
                return
            threading.Thread(target=self.serve, args=(connection,),
                             daemon=True).start()

    def serve(self, stream):
        stream.settimeout(60)
        try:
            if self.context:
                stream = self.context.wrap_socket(stream, server_side=True)
            with self.lock:
                self.open.add(stream)
            with stream.makefile("rb") as lines:
                while self.one(stream, lines):
                    pass
        except (OSError, ValueError) as e:
            self.failures.append(str(e))
        finally:
            with self.lock:
                self.open.discard(stream)
            stream.close()

    def one(self, stream, lines):
        words = lines.readline().decode("latin-1").split()
        if len(words) != 3:
            return False
        headers = {}
        for line in iter(lines.readline, b"\r\n"):
            name, _, value = line.decode("latin-1").partition(":")
            headers[name.strip().lower()] = value.strip()
        request = Request(time.monotonic(), words[1], headers, b"", False)
        with self.lock:
            answer = self.answer(request, len(self.requests))
        if answer is RESET_EARLY:
            self.keep(request)
            abrupt(stream)
            return False
        length = int(headers["content-length"])
        if answer is RESET_INSIDE:
            lines.read(length // 2)
            self.keep(request)
            abrupt(stream)
            return False
        body = lines.read(length)
        if len(body) != length:
            self.failures.append(f"{len(body)} of {length} bytes came")
            return False
        request = request._replace(body=body)
        with self.lock:
            answer, taken = self.judge(request, answer)
        self.keep(request._replace(taken=taken))
        return reply(stream, answer)

    def judge(self, _, answer):
        """With the body at hand: what is answered, and whether we have it."""
        return answer, isinstance(answer, Answer) and \
            answer is not LOGIN and 200 <= answer.code <= 299

    def keep(self, request):
        with self.lock:
            self.requests.append(request)

    def taken(self):
        with self.lock:
            return [r for r in self.requests if r.taken]

    def rows(self):
        """Of all that was acknowledged, each checked."""
        return [row for r in self.taken() for row in rows_of(r)]


def plain(request):
    if request.headers.get("content-encoding") == "gzip":
        return gzip.decompress(request.body)
    return request.body


def rows_of(request):
    headers, body = request.headers, plain(request)
    if headers["content-type"] == "application/json":
        contract.need(b"\n" not in body, "the array has more than one line")
        return contract.parse_array(body)
    contract.need(body.endswith(b"\n"), "the last row has no end")
    return contract.parse_all(body)


def abrupt(stream):
    """Its end will be a RST."""
    stream.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER,
                      struct.pack("ii", 1, 0))


def drop(stream):
    """End it from another thread, which may be reading: not below TLS."""
    try:
        abrupt(stream)
        socket.socket.shutdown(stream, socket.SHUT_RDWR)
    except OSError:
        pass  # it was gone


def reply(stream, answer):
    if answer is RESET_LATE:
        abrupt(stream)
        return False
    if answer is CUT:
        stream.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nok")
        return False
    time.sleep(answer.delay)
    head = f"HTTP/1.1 {answer.code} Whatever\r\n"
    for name, value in answer.headers.items():
        head += f"{name}: {value}\r\n"
    if answer.code != 204:
        head += f"Content-Length: {len(answer.body)}\r\n"
    stream.sendall(f"{head}\r\n".encode("latin-1") + answer.body)
    return True
