#!/usr/bin/env python3
"""The checker of rows (lib/contract.py) takes what is promised, and rejects
each of these planted faults."""
import json
import os
import sys

sys.path.insert(0, f"{os.path.dirname(os.path.abspath(__file__))}/../lib")
import contract

IDENTITY = {
    "time": "2026-01-31T12:30:00.000250Z", "ts_us": 1769862600000250,
    "agent": "ams-01", "epoch": "00c0ffee00c0ffee", "seq": 7,
}
SAMPLE = {
    "type": "sample", **IDENTITY, "site": "Amsterdam", "circuit": "fibre",
    "prefix": "203.0.113.0/24", "target": "exchange", "probe": "icmp",
    "host": "outlook.office365.com", "address": "192.0.2.7", "family": 4,
    "outcome": "replied", "rtt_us": 4012.125, "dns_us": 800, "ttl": 60,
    "stamp": "kernel", "slip_us": 0, "uncertainty_us": 5,
    "flags": "fresh_flow,clock_unsynced",
}
HTTPS = {
    **SAMPLE, "probe": "https", "port": 443, "retransmits": 0,
    "connect_us": 4100, "tls_us": 5000.5, "first_byte_us": 4300.25,
    "total_us": 14300, "http_status": 200, "http_version": "1.1",
    "pop": "AMS", "pop_source": "X-MSEdge-Ref", "pop_ref": "Ref A: 0",
    "tls_issuer": "Some CA", "tls_days_left": -3,
}
KEPT = {key: HTTPS[key] for key in HTTPS if key not in (
    "rtt_us", "dns_us", "connect_us", "tls_us", "retransmits", "tls_issuer",
    "tls_days_left")}
KEPT.update(flags="kept_connection", stamp="mixed", srtt_us=4100.5,
            min_rtt_us=4000)
LOST = {key: SAMPLE[key] for key in SAMPLE if key not in ("rtt_us", "ttl")}
LOST.update(outcome="lost", reason="timeout")
LATE = {
    "type": "late", **IDENTITY, "seq": 9, "target": "exchange",
    "probe": "icmp", "host": "outlook.office365.com", "circuit": "fibre",
    "of": 7, "rtt_us": 5000000, "stamp": "kernel", "slip_us": 0,
    "uncertainty_us": 5,
}
GAP = {"type": "gap", **IDENTITY, "first": 2, "last": 6, "reason": "evicted"}
CLOCK = {"type": "clock", **IDENTITY, "step_us": -3600000000.5}
BOOT = {"type": "boot", **IDENTITY, "version": "0.1.0", "reason": "start"}
SELF = {"type": "self", **IDENTITY, "part": "destination", "period_us": 60000000,
        "destination": "hq", "batches": 6, "rows": 900, "refused": 0,
        "quarantined": 0, "backlog_rows": 12, "backlog_age_us": 3500000,
        "draining": 1, "backlog_gap_us": 50000000, "troubled": 0}
MINUTE = {"type": "self", **IDENTITY, "part": "minute", "target": "exchange",
          "probe": "tcp", "from_us": 1769862540000000, "period_us": 60000000,
          "samples": 60, "replied": 59, "lost": 1, "rtt_min_us": 4100.5,
          "rtt_mean_us": 5000, "rtt_max_us": 9000}
STUN = {**{key: value for key, value in SAMPLE.items()
           if key not in ("retransmits",)}, "probe": "stun", "port": 3478,
        "egress_address": "203.0.113.7", "egress_port": 61234}
SITE = {"type": "self", **IDENTITY, "part": "site", "site": "Amsterdam",
        "country": "NL", "latitude": 52.37, "longitude": -4,
        "expected_pops": "AMS,BL"}
CIRCUIT = {"type": "self", **IDENTITY, "part": "circuit", "circuit": "fibre",
           "connection": "corp", "egress_address": "203.0.113.0",
           "egress_place": "Dublin hub", "egress_km": 760,
           "egress_asn": 4294967295, "egress_provider": "EXAMPLE-AS, NL",
           "resolver_address": "2001:db8::"}

GOOD = {"sample": SAMPLE, "https": HTTPS, "kept": KEPT, "lost": LOST,
        "late": LATE, "gap": GAP, "clock": CLOCK, "boot": BOOT, "self": SELF,
        "minute": MINUTE, "stun": STUN, "site": SITE, "circuit": CIRCUIT}

GONE = object()
# name of the good row, what is changed in it
BAD = [
    ("sample", {"type": "sampel"}), ("sample", {"type": GONE}),
    ("sample", {"time": "2026-01-31T12:30:00Z"}),
    ("sample", {"time": "2026-01-31 12:30:00.000250Z"}),
    ("sample", {"time": "2026-01-31T12:30:00.000251Z"}),
    ("sample", {"ts_us": 1769862600}), ("sample", {"ts_us": "1769862600000"}),
    ("sample", {"ts_us": 2 ** 53}), ("sample", {"agent": "a b"}),
    ("sample", {"epoch": "xyz"}), ("sample", {"seq": 0}),
    ("sample", {"seq": 7.5}), ("sample", {"seq": True}),
    ("sample", {"seq": GONE}), ("sample", {"site": None}),
    ("sample", {"site": ""}), ("sample", {"prefix": "203.0.113.7/24"}),
    ("sample", {"probe": "udp"}), ("sample", {"port": 443}),
    ("sample", {"address": "192.0.2.007"}), ("sample", {"address": "::1"}),
    ("sample", {"address": "2001:DB8::1", "family": 6}),
    ("sample", {"family": "4"}), ("sample", {"family": GONE}),
    ("sample", {"outcome": "answered"}), ("sample", {"outcome": "lost"}),
    ("sample", {"rtt_us": GONE}), ("sample", {"rtt_us": -1}),
    ("sample", {"rtt_us": 4012.1251}), ("sample", {"rtt_us": "4012"}),
    ("sample", {"rtt_ms": 4}), ("sample", {"reason": "timeout"}),
    ("sample", {"ttl": 300}), ("sample", {"ttl": -1}),
    ("sample", {"stamp": "hardware"}), ("sample", {"stamp": GONE}),
    ("sample", {"slip_us": GONE}), ("sample", {"slip_us": -5}),
    ("sample", {"uncertainty_us": GONE}), ("sample", {"flags": "fresh"}),
    ("sample", {"flags": "draining,draining"}), ("sample", {"flags": ["a"]}),
    ("sample", {"http_status": 200}), ("sample", {"missed": 3}),
    ("sample", {"target": {"name": "x"}}), ("sample", {"address": GONE}),
    ("lost", {"reason": GONE}), ("lost", {"reason": "no_answer"}),
    ("lost", {"reason": "dns_timeout"}), ("lost", {"rtt_us": 5}),
    ("lost", {"outcome": "failed", "reason": "missed"}),
    ("kept", {"flags": GONE}), ("kept", {"rtt_us": 4000}),
    ("kept", {"connect_us": 4000}), ("kept", {"srtt_us": GONE}),
    ("kept", {"first_byte_us": GONE}), ("kept", {"probe": "tcp"}),
    ("https", {"srtt_us": 4000}), ("https", {"flags": "kept_connection"}),
    ("https", {"port": GONE}), ("https", {"port": 0}),
    ("https", {"http_status": 42}), ("https", {"http_version": 2}),
    ("https", {"total_us": 14000}), ("https", {"tls_us": GONE}),
    ("https", {"pop": "ams"}), ("https", {"pop_source": "Server"}),
    ("https", {"pop_source": GONE, "pop_ref": GONE}),
    ("https", {"pop_ref": GONE}), ("https", {"tls_days_left": 3.5}),
    ("late", {"of": GONE}), ("late", {"of": 9}), ("late", {"rtt_us": GONE}),
    ("late", {"outcome": "replied"}), ("gap", {"first": 7}),
    ("gap", {"reason": "lost"}), ("gap", {"last": GONE}),
    ("clock", {"step_us": GONE}), ("clock", {"step_us": "1"}),
    ("boot", {"version": GONE}), ("boot", {"target": "exchange"}),
    ("self", {"seq": GONE}), ("self", {"rows": None}),
    ("self", {"rows": [1]}), ("self", {"rows": GONE}), ("self", {"rows": -1}),
    ("self", {"part": GONE}), ("self", {"part": "disk"}),
    ("self", {"cpu_us": 1}), ("self", {"destination": ""}),
    ("site", {"latitude": 90.5}), ("site", {"longitude": "4"}),
    ("site", {"expected_pops": "AMS, BL"}), ("site", {"egress_km": 3}),
    ("circuit", {"egress_km": -1}), ("circuit", {"egress_address": "hub"}),
    ("circuit", {"egress_asn": 0}), ("circuit", {"egress_asn": 2 ** 32}),
    ("circuit", {"egress_provider": ""}),
    ("circuit", {"circuit": ""}), ("circuit", {"period_us": 60000000}),
]
LINES = [
    b"", b"[]", b"{}", b"null", b'{"type":"boot"', b"\xff",
    b'{"type":"boot","type":"boot"}', b'{"type":"self","a":NaN}',
    b'{"type":"self","a":1.50}', b'{"type":"self","a":1e3}',
]


def seq(row, number, **more):
    return {**row, "seq": number, **more}


# what is wrong only between rows
BAD_TOGETHER = {
    "a hole": [seq(BOOT, 1), seq(SAMPLE, 3)],
    "a hole that a gap half covers":
        [seq(BOOT, 1), seq(GAP, 6, first=2, last=4)],
    "a hole after the first batch":
        [seq(SAMPLE, 6), seq(GAP, 7, first=2, last=4, reason="refused")],
    "a gap over what is there":
        [seq(BOOT, 1), seq(SAMPLE, 2), seq(GAP, 3, first=2, last=2)],
    "two rows of one number": [seq(BOOT, 1), seq(SAMPLE, 1)],
    "late to a reply": [seq(SAMPLE, 7), seq(LATE, 8)],
    "late to another target":
        [seq(LOST, 7, target="other"), seq(LATE, 8)],
    "late to no sample": [seq(BOOT, 7), seq(LATE, 8)],
}
GOOD_TOGETHER = {
    "one": [seq(BOOT, 5)],
    "a gap": [seq(BOOT, 1), seq(GAP, 7, first=2, last=6)],
    "refused, and taken after all":
        [seq(BOOT, 1), seq(SAMPLE, 2),
         seq(GAP, 4, first=2, last=3, reason="refused")],
    "the first batch refused":
        [seq(SAMPLE, 5), seq(GAP, 6, first=2, last=4, reason="refused")],
    "late": [seq(LOST, 7), seq(LATE, 8)],
    "a duplicate": [seq(SAMPLE, 7), seq(LATE, 8, flags="duplicate")],
    "late to what is no more there": [seq(LATE, 8), seq(BOOT, 9)],
    "the same twice": [seq(BOOT, 1), seq(BOOT, 1)],
    "two stores": [seq(BOOT, 1), seq(BOOT, 9, epoch="1" * 16)],
}


def rejects(function, *arguments):
    try:
        function(*arguments)
    except contract.Broken:
        return True
    return False


def changed(row, change):
    row = {**row, **change}
    return json.dumps({k: v for k, v in row.items() if v is not GONE})


def main():
    wrong = []
    for name, row in GOOD.items():
        try:
            contract.parse(json.dumps(row))
        except contract.Broken as e:
            wrong.append(f"a good {name} was refused: {e}")
    for name, change in BAD:
        if not rejects(contract.parse, changed(GOOD[name], change)):
            wrong.append(f"taken: {name} with {change}")
    for line in LINES:
        if not rejects(contract.parse, line):
            wrong.append(f"taken: {line}")
    for name, rows in BAD_TOGETHER.items():
        if not rejects(contract.audit, rows):
            wrong.append(f"taken: {name}")
    for name, rows in GOOD_TOGETHER.items():
        if rejects(contract.audit, rows):
            wrong.append(f"refused: {name}")
    for what in wrong:
        print(what)
    print(f"{len(GOOD) + len(GOOD_TOGETHER)} good ones taken, "
          f"{len(BAD) + len(LINES) + len(BAD_TOGETHER)} planted faults")
    return 1 if wrong else 0


sys.exit(main())
