"""The truth: questions and answers in the wire's record, a run at a time."""
import bisect

QUESTIONS = {b"echo", b"syn"}
ANSWERS = {b"reply", b"synack"}
TLS = {b"tlshello", b"tlschange", b"tlsdata"}
AGAIN_NS = 3_000_000_000  # an unanswered SYN is resent after 1 s, 2 s more


class Trip:
    """A question that left, and its first answer if one came."""
    __slots__ = ("sent_ns", "rtt_ns", "key", "again", "report", "tls")

    def __init__(self, sent_ns, key):
        self.sent_ns, self.key = sent_ns, key
        self.rtt_ns = None
        self.again = 0  # retransmissions of the SYN
        self.report = None  # what the tool said of it
        self.tls = None  # {(direction, what): when it was first seen}

    def saw(self, way, what, time_ns):
        if self.tls is None:
            self.tls = {}
        # An answer is what comes behind the request.
        if (way, what) != (b"in", b"tlsdata") or \
                (b"out", b"tlsdata") in self.tls:
            self.tls.setdefault((way, what), time_ns)

    def between(self, first, then):
        if not self.tls or first not in self.tls or then not in self.tls:
            return None
        return self.tls[then] - self.tls[first]

    def tls_ns(self):
        """ClientHello to the last message of the handshake: of TLS 1.3 ours,
        of 1.2 the server's. Both come behind a change of the cipher."""
        if self.tls is None:
            return None
        last = b"out" if (b"out", b"tlschange") in self.tls else b"in"
        return self.between((b"out", b"tlshello"), (last, b"tlschange"))

    def first_byte_ns(self):
        return self.between((b"out", b"tlsdata"), (b"in", b"tlsdata"))


class Record:
    """Reads on from where it was."""

    def __init__(self, lab):
        self.lab = lab
        self.path = lab.env["LAB_RECORD"]
        self.at = 0
        self.counters = {}
        self.lines()

    def lines(self):
        done = self.lab.tell("flush")
        if done.returncode != 0:
            raise OSError(done.stderr)
        with open(self.path, "rb") as f:
            f.seek(self.at)
            data = f.read()
        self.at += len(data)
        return data.split(b"\n")[:-1]

    def status(self):
        with open(f"{self.lab.folder}/status", encoding="utf-8") as f:
            return {key: int(value) for key, _, value in
                    (line.strip().partition("=") for line in f)}

    def health(self):
        """Of the wire since the last time: its own error, and packets that
        it or the record lost though nobody wanted that."""
        now, before = self.status(), self.counters
        self.counters = now
        told = {key: now[key] - before.get(key, 0) for key in
                ("record_lost", "record_unstamped", "overflowed", "unwritten")}
        for key in "released", "late_p50_us", "late_p99_us", "late_max_us":
            told[key] = now[key]
        return told

    def trips(self):
        """{address: [Trip, ...]} in the order of sending, since the last
        time."""
        found, waiting = {}, {}
        for line in self.lines():
            time_ns, way, _, src, dst, a, b, what = line.split(b",")
            if what in QUESTIONS:
                begin(found, waiting, (dst, a, b), int(time_ns),
                      what == b"syn")
                continue
            back = way == b"in" and what != b"reply"
            trip = waiting.get((src, b, a) if back else
                               (src if way == b"in" else dst, a, b))
            if trip is None:
                continue
            if what in ANSWERS and trip.rtt_ns is None:
                trip.rtt_ns = int(time_ns) - trip.sent_ns
            elif what in TLS:
                trip.saw(way, what, int(time_ns))
        return found


def begin(found, waiting, key, time_ns, resent):
    dst, a, b = key
    known = waiting.get(key)
    if resent and known and known.rtt_ns is None and \
            known.sent_ns > time_ns - AGAIN_NS:
        known.again += 1
        return
    trip = waiting[key] = Trip(time_ns, (int(a), int(b)))
    found.setdefault(dst.decode(), []).append(trip)


def nearest(trips, at_ns, within_ns):
    """The one sent nearest to a time; of those that nobody has yet."""
    i = bisect.bisect_left(trips, at_ns, key=lambda trip: trip.sent_ns)
    best = None
    for trip in trips[max(0, i - 2):i + 2]:
        far = abs(trip.sent_ns - at_ns)
        if trip.report is None and far <= within_ns and \
                (best is None or far < abs(best.sent_ns - at_ns)):
            best = trip
    return best


def first_within(trips, begin_ns, end_ns):
    """The first one sent in that span that nobody has yet."""
    i = bisect.bisect_left(trips, begin_ns, key=lambda trip: trip.sent_ns)
    while i < len(trips) and trips[i].sent_ns <= end_ns:
        if trips[i].report is None:
            return trips[i]
        i += 1
    return None
