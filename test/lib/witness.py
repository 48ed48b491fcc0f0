"""Collectors that remember everything that came, and misbehave on purpose.

    with Array(random.Random(1)) as w: ...

`had` is what a witness acknowledged or kept though its acknowledgement was
lost, by (epoch, seq); `rows` what it was ever shown. `wrong` says what must
not be: one row with two contents, one Idempotency-Key with two bodies. Until
kind() is called an answer is drawn from FAULTS every now and then.
"""
import collections
import email.utils
import hashlib
import json
import time

import contract
from collector import (CUT, LOGIN, RESET_EARLY, RESET_INSIDE, RESET_LATE,
                       Collector, plain, rows_of, status)
from engines import Elastic, Otlp, Splunk, read_lines, row_of

HERE = "127.0.0.1"
FAULTY = 0.4  # of all requests

LOST = "taken, and reset instead of answered"
LOST_CUT = "taken, and the answer is cut short"
AS_SENT = {LOST: RESET_LATE, LOST_CUT: CUT}


def after_date():
    """Retry-After as a date, by the clock of an answer that is a day late."""
    now = time.time() - 86400
    return status(503, Date=email.utils.formatdate(now, usegmt=True),
                  Retry_After=email.utils.formatdate(now + 1, usegmt=True))


FAULTS = {
    "reset early": lambda: RESET_EARLY,
    "reset inside": lambda: RESET_INSIDE,
    "reset late": lambda: RESET_LATE,
    "ack lost": lambda: LOST,
    "ack cut": lambda: LOST_CUT,
    "slow": lambda: status(delay=0.7),
    "stuck": lambda: status(503, delay=3),
    "429": lambda: status(429, Retry_After="1"),
    "503 date": after_date,
    "500": lambda: status(500, b"oh", "text/plain"),
    "400": lambda: status(400, b"what?", "text/plain"),
    "413": lambda: status(413),
    "401": lambda: status(401),
    "302": lambda: status(302, Location="http://127.0.0.1:1/"),
    "login": lambda: LOGIN,
}


def canon(row):
    return json.dumps(row, sort_keys=True, default=str)


class Witness:
    """Comes before an engine."""
    destination = {}  # what its configuration says beside name and URL
    path = "/"
    drops = ()        # keys of a row that its encoding does not carry

    def __init__(self, random):
        super().__init__(None, HERE)
        self.random = random
        self.rows, self.had, self.bodies = {}, {}, {}
        self.wrong = []
        self.faults = collections.Counter()
        self.answer = self.draw

    def kind(self):
        """From now on."""
        self.answer = lambda request, n: status()

    def draw(self, _request, _n):
        if self.random.random() > FAULTY:
            return status()
        name = self.random.choice(list(FAULTS))
        self.faults[name] += 1
        return FAULTS[name]()

    def judge(self, request, answer):
        sent_as = AS_SENT.get(answer) if isinstance(answer, str) else None
        answer, taken = super().judge(request,
                                      status() if sent_as else answer)
        try:
            self.book(request, taken)
        except (contract.Broken, KeyError, ValueError) as e:
            self.wrong.append(f"not a batch: {e!r}: {request}")
        return sent_as if sent_as and taken else answer, taken

    def book(self, request, taken):
        key = request.headers["idempotency-key"]
        digest = hashlib.sha256(request.body).hexdigest()
        if self.bodies.setdefault(key, digest) != digest:
            self.wrong.append(f"{key} came with another body")
        for row in self.read(request):
            name = row["epoch"], row["seq"]
            if canon(self.rows.setdefault(name, row)) != canon(row):
                self.wrong.append(f"{name} is {self.rows[name]} and {row}")
            if taken and self.keeps(row):
                self.had[name] = row

    def read(self, request):
        return rows_of(request)

    def keeps(self, _row):
        return True

    def url(self):
        return f"http://{HERE}:{self.port}{self.path}"


class Lines(Witness, Collector):
    """NDJSON."""


class Array(Witness, Collector):
    destination = {"encoding": "json-array", "gzip": False, "timeout": "2s"}


class Bulk(Witness, Elastic):
    """Some of a batch's documents are refused, or meet a shard that is busy."""
    destination = {"encoding": "elastic-bulk"}
    path = "/edgeprobe/_bulk"

    def __init__(self, random):
        super().__init__(random)
        self.refuse = lambda _: random.random() < 0.002

    def kind(self):
        super().kind()
        self.refuse = lambda _: False

    def draw(self, request, n):
        if self.random.random() < 0.1:
            self.faults["items busy"] += 1
            self.busy = 1
        return super().draw(request, n)

    def read(self, request):
        for document in read_lines(plain(request))[1::2]:
            row = dict(document)
            contract.need(row.pop("@timestamp") == row["time"], "another time")
            contract.check(row)
            yield row

    def keeps(self, row):
        name = f"{row['agent']}-{row['epoch']}-{row['seq']}"
        return name in self.documents


class Logs(Witness, Otlp):
    """Says now and then that it rejected some, which are not to come again."""
    destination = {"encoding": "otlp-json"}
    path = "/v1/logs"
    drops = ("time",)

    def draw(self, request, n):
        self.partial = {}
        if self.random.random() < 0.1:
            self.faults["partial success"] += 1
            self.partial = {"rejectedLogRecords": "1", "errorMessage": "no"}
        return super().draw(request, n)

    def read(self, request):
        (document,) = read_lines(plain(request))
        for tree in document["resourceLogs"]:
            resource = {a["key"]: a["value"].get("stringValue")
                        for a in tree["resource"]["attributes"]}
            for scope in tree["scopeLogs"]:
                for record in scope["logRecords"]:
                    yield row_of(resource, record)


class Events(Witness, Splunk):
    """Whoever comes without its token is refused, whatever is drawn."""
    destination = {"encoding": "splunk-hec"}
    path = "/services/collector/event"

    def read(self, request):
        for event in read_lines(plain(request)):
            row = event["event"]
            contract.check(row)
            contract.need(event["host"] == row["agent"] and
                          round(event["time"] * 1000000) == row["ts_us"],
                          "another host or time")
            yield row
