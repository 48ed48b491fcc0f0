"""For tests that need no network but loopback: cases and agents of labtest
without a lab, and a listener to measure."""
import contextlib
import os
import signal
import socket
import subprocess
import sys
import threading
import types

import labtest
from lab import Wrong, expect


def run(*command, timeout=60):
    return subprocess.run([str(word) for word in command], text=True,
                          stdin=subprocess.DEVNULL, capture_output=True,
                          timeout=timeout, check=False)


class Folder(labtest.Folder):
    """One agent's files, and the agent, on this very machine."""

    def command(self, *words, before=()):
        return [*before, self.program, *map(str, words)]

    def run_out(self, is_there):
        """Runs until `is_there(rows)` of all in the store: at its end an agent
        sends all, if that does not take it too long. The rows."""
        for _ in range(10):
            self.start("--duration", "3s")
            expect(self.wait(90) == 0, self.said())
            rows = self.rows()
            if is_there(rows):
                return rows
        raise Wrong(f"not all of it was delivered: {self.said()}")


@contextlib.contextmanager
def listener():
    """The port of one that takes every connection, and ends it."""
    with socket.create_server(("127.0.0.1", 0)) as there:
        def work():
            with contextlib.suppress(OSError):
                while True:
                    there.accept()[0].close()

        threading.Thread(target=work, daemon=True).start()
        yield there.getsockname()[1]
        there.shutdown(socket.SHUT_RDWR)


def main():
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    ca = "/etc/ssl/certs/ca-certificates.crt"
    with labtest.folder() as path:
        place = types.SimpleNamespace(
            folder=path, branch=run,
            env={"LAB_CA": ca if os.path.exists(ca) else "/dev/null"})
        status = labtest.run_cases(place)
    sys.exit(status)
