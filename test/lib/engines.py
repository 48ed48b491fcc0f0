"""Engines that answer as their makers document it, for what edgeprobe sends.

    Elastic, Splunk, Otlp: each a Collector that takes its own encoding.

What `answer` says beside an acknowledgement comes first; then they read the
body and answer on their own. What they have is in `documents`, `events`,
`records` and `points`.
"""
import decimal
import json
import re

import contract
from collector import Collector, plain, status

JSON = "application/json"


def read_lines(body):
    """Each line's document; numbers as exact as they were written."""
    contract.need(b"\n\n" not in body, "an empty line")
    return [json.loads(line, parse_float=decimal.Decimal,
                       parse_constant=contract.refuse,
                       object_pairs_hook=contract.no_twins)
            for line in body.decode().splitlines()]


def say(code, value, **headers):
    return status(code, json.dumps(value).encode(), JSON, **headers)


def is_ack(answer):
    return getattr(answer, "code", 0) == 200 and not answer.body


class Engine(Collector):
    def judge(self, request, answer):
        if not is_ack(answer):
            return answer, False
        answer = self.take(request, read_lines(plain(request)))
        return answer, answer.code == 200


class Elastic(Engine):
    """POST /INDEX/_bulk with create actions. `refuse` says of which documents
    it dislikes a field; `busy` how many requests find a shard busy."""

    def __init__(self, *args, **more):
        super().__init__(*args, **more)
        self.documents = {}
        self.refuse = lambda document: False
        self.busy = 0

    def create(self, number, name, document):
        if name in self.documents:
            return 409, "version_conflict_engine_exception"
        if self.busy > 0 and number % 3 == 0:
            return 429, "es_rejected_execution_exception"
        if self.refuse(document):
            return 400, "document_parsing_exception"
        self.documents[name] = document
        return 201, None

    def take(self, request, lines):
        if not request.path.endswith("/_bulk") or \
                request.headers["content-type"] != "application/x-ndjson":
            return say(406, {"error": "Content-Type header", "status": 406})
        items = []
        for number, (action, document) in enumerate(zip(lines[::2],
                                                        lines[1::2])):
            contract.need(set(action) == {"create"} and
                          set(action["create"]) == {"_id"}, action)
            name = action["create"]["_id"]
            code, error = self.create(number, name, document)
            items.append({"create": {
                "_index": "edgeprobe", "_id": name, "status": code,
                **({"error": {"type": error, "reason": f"[{number}]: <b>"}}
                   if error else {"_version": 1, "result": "created"})}})
        self.busy -= self.busy > 0
        return say(200, {
            "took": 30, "errors": any("error" in i["create"] for i in items),
            "items": items})

    def rows(self):
        """Without what is there for Elasticsearch."""
        rows = []
        for name, document in list(self.documents.items()):
            row = dict(document)
            contract.need(row.pop("@timestamp") == row["time"], "another time")
            contract.check(row)
            contract.need(name == f"{row['agent']}-{row['epoch']}-"
                          f"{row['seq']}", f"{name} is another")
            rows.append(row)
        return rows


class Splunk(Engine):
    """POST /services/collector/event."""

    def __init__(self, *args, token="s3cret", **more):
        super().__init__(*args, **more)
        self.token = token
        self.events = []

    def take(self, request, lines):
        if request.headers.get("authorization") != f"Splunk {self.token}":
            return say(403, {"text": "Invalid token", "code": 4})
        for number, event in enumerate(lines):
            if "event" not in event:
                return say(400, {"text": "Event field is required",
                                 "code": 12, "invalid-event-number": number})
        self.events += lines
        return say(200, {"text": "Success", "code": 0})

    def rows(self):
        rows = []
        for event in self.events:
            row = event["event"]
            contract.check(row)
            contract.need(event["host"] == row["agent"], "another host")
            contract.need(round(event["time"] * 1000000) == row["ts_us"],
                          "another time")
            rows.append(row)
        return rows


NAMES = {"error.type": "reason", "server.address": "host",
         "server.port": "port", "network.peer.address": "address",
         "network.type": "family", "http.response.status_code": "http_status",
         "network.protocol.version": "http_version"}


def value_of(value):
    (kind, inner), = value.items()
    return int(inner) if kind == "intValue" else inner


def attributes(tree):
    named = {a["key"]: value_of(a["value"]) for a in tree["attributes"]}
    contract.need(len(named) == len(tree["attributes"]), "one is there twice")
    return named


class Otlp(Engine):
    """POST /v1/logs and /v1/metrics."""

    def __init__(self, *args, **more):
        super().__init__(*args, **more)
        self.records = []  # (resource, record)
        self.points = []   # (resource, metric, point)
        self.partial = {}

    def take(self, request, lines):
        (document,) = lines
        for tree in document.get("resourceLogs", ()):
            resource = attributes(tree["resource"])
            for scope in tree["scopeLogs"]:
                self.records += [(resource, r) for r in scope["logRecords"]]
        for tree in document.get("resourceMetrics", ()):
            resource = attributes(tree["resource"])
            for scope in tree["scopeMetrics"]:
                for metric in scope["metrics"]:
                    self.add_points(resource, metric)
        contract.need(bool(document), "an empty request")
        return say(200, {"partialSuccess": self.partial})

    def add_points(self, resource, metric):
        kinds = set(metric) & {"sum", "gauge", "exponentialHistogram"}
        contract.need(len(kinds) == 1, metric)
        data = metric[kinds.pop()]
        contract.need(data.get("aggregationTemporality", 1) == 1, "no delta")
        self.points += [(resource, metric["name"], p)
                        for p in data["dataPoints"]]

    def rows(self):
        """Of log records: the rows that they were made of."""
        return [row_of(*pair) for pair in self.records]


def row_of(resource, record):
    named = {NAMES.get(name, re.sub("^edgeprobe\\.", "", name)): value
             for name, value in attributes(record).items()}
    if "family" in named:
        named["family"] = int(named["family"][-1])
    return {**named, "ts_us": int(record["timeUnixNano"]) // 1000,
            "agent": resource["edgeprobe.agent"],
            "epoch": resource["edgeprobe.epoch"]}
