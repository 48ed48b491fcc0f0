"""The contract of a row, as those who read rows may rely on it.

    contract.parse(line)    the row, or Broken and what is wrong with it
    contract.audit(rows)    what must hold between rows, sequence numbers first

The words are listed here once more, on purpose: a new one is a change of what
is promised, and shows as a failure until it is promised here too.
"""
import datetime
import decimal
import ipaddress
import json
import re

SECOND = 10 ** 6
EPOCH = datetime.datetime(1970, 1, 1)

OUTCOMES = {
    "replied": set(),
    "refused": {"tcp_reset"},
    "unreachable": {"net_unreachable", "host_unreachable",
                    "protocol_unreachable", "port_unreachable",
                    "admin_prohibited", "time_exceeded", "packet_too_big",
                    "parameter_problem"},
    "lost": {"timeout", "connect_timeout", "tls_timeout", "http_timeout"},
    "failed": {"dns_timeout", "dns_nxdomain", "dns_nodata", "dns_servfail",
               "dns_refused", "dns_malformed", "dns_unavailable", "no_route",
               "no_source", "permission", "no_resources", "send_failed",
               "unmeasured", "missed", "tls_untrusted", "tls_name_mismatch",
               "tls_expired", "tls_failed", "http_status", "http_malformed",
               "response_too_large", "connection_closed", "internal"},
}
GAP_REASONS = {"evicted", "corrupt", "overflow", "refused"}
FLAGS = {"fresh_flow", "draining", "clock_unsynced", "duplicate",
         "kept_connection", "thinned", "tx_sched", "stalled",
         "tls_issuer_unexpected", "tcp_answered_nearby", "below_light",
         "loaded"}
POP_SOURCES = {"X-MSEdge-Ref", "X-FD-Ref", "X-Azure-Ref",
               "X-FirstHopCafeEFZ", "X-FEEFZInfo", "Report-To"}


class Broken(Exception):
    """A row, or what rows say together, is not as promised."""


def need(truth, said):
    if not truth:
        raise Broken(said)


# --- values: each takes one and says whether it may be

def text(value):
    return isinstance(value, str) and value != "" and value.isprintable()


def integer(least, most):
    return lambda v: type(v) is int and least <= v <= most


def duration(value):
    """Microseconds: not negative, up to three decimals, no exponent."""
    if type(value) is int:
        return value >= 0
    return (isinstance(value, decimal.Decimal) and value >= 0 and
            -3 <= value.as_tuple().exponent < 0)


def step(value):
    """A duration that has a direction."""
    return type(value) in (int, decimal.Decimal) and duration(abs(value))


def word(words):
    return lambda v: isinstance(v, str) and v in words


def pattern(regex):
    return lambda v: isinstance(v, str) and re.fullmatch(regex, v) is not None


def address(value):
    try:
        return isinstance(value, str) and \
            str(ipaddress.ip_address(value)) == value
    except ValueError:
        return False


def degrees(most):
    return lambda v: type(v) in (int, decimal.Decimal) and -most <= v <= most


def pops(value):
    return pattern("[A-Z]{2,4}(,[A-Z]{2,4})*")(value)


def family(value):
    return type(value) is int and value in (4, 6)


def flags(value):
    words = value.split(",") if isinstance(value, str) else [""]
    return len(set(words)) == len(words) and set(words) <= FLAGS


def prefix(value):
    try:
        return isinstance(value, str) and bool(ipaddress.ip_network(value))
    except ValueError:
        return False


# --- keys of each type of row: {key: (may it be so?, must it be there?)}

IDENTITY = {
    "type": (word({"sample", "late", "gap", "boot", "clock", "self",
                   "event"}), True),
    "time": (pattern(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}Z"), True),
    "ts_us": (integer(1, 2 ** 53 - 1), True),
    "agent": (pattern(r"[A-Za-z0-9._-]{1,64}"), True),
    "epoch": (pattern(r"[0-9a-f]{16}"), True),
    "seq": (integer(1, 2 ** 53 - 1), True),
}
SERIES = {
    "site": (text, False), "country": (text, False), "metro": (text, False),
    "circuit": (text, False), "provider": (text, False),
    "prefix": (prefix, False),
    "target": (text, True),
    "probe": (word({"icmp", "tcp", "https", "stun"}), True),
    "host": (text, True),
    "address": (address, False),
    "port": (integer(1, 65535), False),
    "family": (family, False),
}
QUALITY = {
    "ttl": (integer(0, 255), False),
    "retransmits": (integer(0, 255), False),
    "stamp": (word({"kernel", "mixed", "user"}), True),
    "slip_us": (duration, True),
    "uncertainty_us": (duration, True),
    "flags": (flags, False),
}
HTTPS = {
    "connect_us": (duration, False), "tls_us": (duration, False),
    "tls_first_byte_us": (duration, False),
    "first_byte_us": (duration, False), "total_us": (duration, False),
    "srtt_us": (duration, False), "min_rtt_us": (duration, False),
    "http_status": (integer(100, 599), False),
    "http_version": (word({"1.0", "1.1", "2"}), False),
    "pop": (pattern("[A-Z]{2,4}|[A-Z]{2}[0-9]"), False),
    "pop_source": (word(POP_SOURCES), False),
    "pop_ref": (text, False),
    "edge_cache": (pattern("[A-Za-z0-9_]{1,23}"), False),
    "tls_issuer": (text, False),
    "tls_days_left": (integer(-2 ** 31, 2 ** 31), False),
}
KEYS = {
    "sample": {**IDENTITY, **SERIES, **QUALITY, **HTTPS,
               "egress_address": (address, False),
               "egress_port": (integer(0, 65535), False),
               "outcome": (word(OUTCOMES), True),
               "reason": (word(set().union(*OUTCOMES.values())), False),
               "rtt_us": (duration, False), "dns_us": (duration, False),
               "missed": (integer(1, 2 ** 32 - 1), False)},
    "late": {**IDENTITY, **SERIES, **QUALITY,
             "of": (integer(1, 2 ** 53 - 1), True),
             "rtt_us": (duration, True)},
    "gap": {**IDENTITY, "first": (integer(1, 2 ** 53 - 1), True),
            "last": (integer(1, 2 ** 53 - 1), True),
            "reason": (word(GAP_REASONS), True)},
    "boot": {**IDENTITY, "version": (text, True), "reason": (text, True)},
    "clock": {**IDENTITY, "step_us": (step, True),
              "suspended_us": (duration, False)},
    "self": None,  # by their part: SELF
    "event": None,  # any scalars beside the identity
}
COUNT = (integer(0, 2 ** 63 - 1), True)
TIME = (duration, True)
USAGE = {"period_us": TIME, "cpu_us": TIME, "cpu_wait_us": (duration, False),
         "wakeups": COUNT, "preempted": COUNT,
         "lag_max_us": TIME, "lag_p99_us": TIME}
MEASURING = {**USAGE, **dict.fromkeys(
    ("probes", "in_flight_max", "engine_calls", "drains", "stalls",
     "local_drops", "stamps_kernel", "stamps_mixed", "stamps_user",
     "stamps_sched", "samples", "unmeasured", "missed", "stalled", "late",
     "ring_max", "ring_slots", "overflown"), COUNT),
             "slip_max_us": TIME, "slip_p99_us": TIME}
SELF = {
    "packets": MEASURING,
    "https": MEASURING,
    "keeping": {**USAGE, **dict.fromkeys(
        ("commits", "rss_bytes", "rss_max_bytes", "store_rows", "store_bytes",
         "wal_bytes", "sealed_rows", "chunk_bytes", "queued", "evicted",
         "disk_full"), COUNT),
                "commit_max_us": TIME, "commit_p99_us": TIME},
    "gap": {f"{reason}_elsewhere": (integer(1, 2 ** 53 - 1), False)
            for reason in GAP_REASONS},  # another destination's
    "load": {"circuit": (text, False), "period_us": TIME, "bytes": COUNT,
             "failure": (text, False)},
    "minute": {"target": (text, True), "probe": (text, True),
               "circuit": (text, False), "from_us": COUNT, "period_us": TIME,
               "rtt_min_us": (duration, False),
               "rtt_mean_us": (duration, False),
               "rtt_max_us": (duration, False), **dict.fromkeys(
                   ("samples", "replied", "lost"), COUNT)},
    "destination": {"period_us": TIME, "destination": (text, True),
                    "backlog_age_us": TIME,
                    "tls_days_left": (integer(-10 ** 6, 10 ** 6), False),
                    "client_cert_days_left": (integer(-10 ** 6, 10 ** 6),
                                              False), **dict.fromkeys(
                        ("batches", "rows", "refused", "quarantined",
                         "backlog_rows", "draining", "troubled"), COUNT),
                    "backlog_gap_us": (duration, False)},
    "site": {"site": (text, False), "country": (text, False),
             "metro": (text, False), "latitude": (degrees(90), False),
             "longitude": (degrees(180), False),
             "expected_pops": (pops, False)},
    "circuit": {"circuit": (text, False), "provider": (text, False),
                "prefix": (prefix, False), "connection": (text, False),
                "primary_location": (text, False),
                "backup_location": (text, False),
                "egress_address": (address, False),
                "egress_place": (text, False),
                "egress_km": (integer(0, 20100), False),
                "egress_asn": (integer(1, 2 ** 32 - 1), False),
                "egress_provider": (text, False),
                "resolver_address": (address, False),
                "resolver_place": (text, False),
                "resolver_km": (integer(0, 20100), False)},
}
DIGITS = re.compile(r"-?\d+(\.\d*[1-9])?")


# --- one row

def no_twins(pairs):
    need(len({key for key, _ in pairs}) == len(pairs), "a key is there twice")
    return dict(pairs)


def plain(digits):
    """A number with a point: the shortest way to say it, no exponent."""
    need(DIGITS.fullmatch(digits), f"a number is written {digits}")
    return decimal.Decimal(digits)


def refuse(constant):
    raise Broken(f"{constant} is no JSON")


def read(text_or_bytes):
    try:
        if isinstance(text_or_bytes, bytes):
            text_or_bytes = text_or_bytes.decode("utf-8")
        return json.loads(text_or_bytes, object_pairs_hook=no_twins,
                          parse_float=plain, parse_constant=refuse)
    except ValueError as e:  # UnicodeDecodeError is one
        raise Broken(f"no JSON: {e}") from e


def check_keys(row, keys):
    for key, value in row.items():
        need(value is not None, f"{key} is null")
        need(not isinstance(value, (dict, list, bool)), f"{key} is not flat")
        need(key in keys, f"{key} is not a key of such a row")
        need(keys[key][0](value), f"{key} is {value!r}")
    for key, (_, wanted) in keys.items():
        need(key in row or not wanted, f"{key} is missing")


def check_self(row):
    need(row.get("part") in SELF, f"part is {row.get('part')!r}")
    check_keys(row, {**IDENTITY, "part": (text, True), **SELF[row["part"]]})
    for name in "lag", "slip", "commit":
        if f"{name}_max_us" in row:
            need(row[f"{name}_p99_us"] <= row[f"{name}_max_us"], name)


def check_free(row):
    check_keys({key: row[key] for key in row if key in IDENTITY}, IDENTITY)
    for key, value in row.items():
        need(isinstance(value, (str, int, decimal.Decimal)) and
             not isinstance(value, bool), f"{key} is no scalar")


CREDENTIAL = {
    "event": (word({"credential_expiring"}), True),
    "level": (word({"info", "warning"}), True),
    "state": (word({"expiring", "expired", "renewed"}), True),
    "credential": (word({"collector_certificate", "proxy_certificate",
                         "client_certificate", "entra_certificate"}), True),
    "destination": (text, True),
    "days_left": (integer(-10 ** 6, 10 ** 6), True),
}


def check_event(row):
    if row["event"] == "credential_expiring":
        check_keys(row, {**IDENTITY, **CREDENTIAL})


def check_time(row):
    said = datetime.datetime.strptime(row["time"], "%Y-%m-%dT%H:%M:%S.%fZ")
    since = (said - EPOCH) // datetime.timedelta(microseconds=1)
    need(since == row["ts_us"], "time and ts_us differ")
    need(row["ts_us"] > 1_600_000_000 * SECOND, "it is before 2020")


def check_peer(row):
    need(("address" in row) == ("family" in row), "address without family")
    if "address" in row:
        version = ipaddress.ip_address(row["address"]).version
        need(version == row["family"], "the address is of another family")
    need(row["probe"] != "icmp" or not {"port", "retransmits"} & set(row),
         "icmp has no ports and sends nothing again")


def kept(row):
    """Over a connection that was open before: no handshake of its own."""
    return "kept_connection" in row.get("flags", "").split(",")


def check_outcome(row):
    outcome, reason = row["outcome"], row.get("reason")
    need((outcome == "replied") == (reason is None),
         f"reason {reason} with {outcome}")
    need(reason is None or reason in OUTCOMES[outcome],
         f"{reason} is no reason of {outcome}")
    timed = outcome in ("replied", "refused") and not kept(row)
    # which SYN a RST answers is not known, if there was more than one
    unclear = outcome == "refused" and row.get("retransmits", 0) > 0
    need(timed == ("rtt_us" in row) or unclear, f"rtt_us with {outcome}")
    need((reason == "missed") == ("missed" in row), "missed")
    need("rtt_us" not in row or "address" in row, "answered by no address")
    need("rtt_us" not in row or row["probe"] == "icmp" or "port" in row,
         "answered by no port")


def check_https(row):
    there = set(HTTPS) & set(row)
    if row["probe"] != "https":
        need(not kept(row), f"{row['probe']} over a kept connection")
        need(not there, f"{row['probe']} with {sorted(there)}")
        return
    phases = ("dns_us", "connect_us", "tls_us", "first_byte_us")
    if "total_us" in row:
        parts = sum(row.get(phase, 0) for phase in phases)
        need(parts <= row["total_us"] + 1, "the phases exceed the whole")
    need(("pop_source" in row) == ("pop_ref" in row), "pop_ref")
    need("pop" not in row or "pop_source" in row, "a PoP from nowhere")
    need(kept(row) or not {"srtt_us", "min_rtt_us"} & set(row),
         "a connection's RTT without a kept one")
    if kept(row):
        check_kept(row)
    elif row["outcome"] == "replied":
        # total_us: not of an answer that was more than is read
        missing = {"connect_us", "tls_us", "first_byte_us", "http_status",
                   "http_version", "tls_issuer", "tls_days_left"} - set(row)
        need(not missing, f"a reply without {sorted(missing)}")


def check_kept(row):
    there = {"connect_us", "tls_us", "tls_first_byte_us",
             "retransmits"} & set(row)
    need(not there, f"a kept connection with {sorted(there)}")
    if row["outcome"] == "replied":
        missing = {"first_byte_us", "srtt_us", "min_rtt_us", "http_status",
                   "http_version"} - set(row)
        need(not missing, f"a reply without {sorted(missing)}")


def check(row):
    need(isinstance(row, dict), "no object")
    need(row.get("type") in KEYS, f"type is {row.get('type')!r}")
    keys = KEYS[row["type"]]
    if row["type"] == "self":
        check_self(row)
    elif keys is None:
        check_free(row)
    else:
        check_keys(row, keys)
    check_time(row)
    if row["type"] in ("sample", "late"):
        check_peer(row)
    if row["type"] == "sample":
        check_outcome(row)
        check_https(row)
    if row["type"] == "event" and "event" in row:
        check_event(row)
    if row["type"] == "late":
        need(row["of"] < row["seq"], "it is late to what came after it")
    if row["type"] == "gap":
        need(row["first"] <= row["last"], "a gap that ends before it begins")


def parse(line):
    row = read(line)
    try:
        check(row)
    except Broken as e:
        raise Broken(f"{e}: {line!r}") from None
    return row


def parse_all(text_or_bytes):
    """Of NDJSON."""
    if isinstance(text_or_bytes, str):
        text_or_bytes = text_or_bytes.encode()
    return [parse(line) for line in text_or_bytes.splitlines()]


def parse_array(text_or_bytes):
    rows = read(text_or_bytes)
    need(isinstance(rows, list), "no array")
    for row in rows:
        check(row)
    return rows


# --- between rows

def audit_one(rows):
    by_seq = {}
    for row in rows:
        old = by_seq.setdefault(row["seq"], row)
        need(old == row, f"two rows have seq {row['seq']}")
    gaps, refused = set(), set()
    for row in rows:
        if row["type"] == "gap":
            into = refused if row["reason"] == "refused" else gaps
            into |= set(range(row["first"], row["last"] + 1))
    need(not gaps & set(by_seq), "a gap covers rows that are there")
    # What was refused may have been taken later: it counts once. The first
    # batch may be what was.
    known = set(by_seq) | gaps | refused
    first, last = min(known), max(by_seq)
    accounted = len(known)
    need(accounted == last - first + 1,
         f"{last - first + 1 - accounted} rows are missing "
         f"between {first} and {last}")
    for row in rows:
        if row["type"] == "late" and row["of"] in by_seq:
            check_late(row, by_seq[row["of"]])


def check_late(row, of):
    same = ("target", "probe", "host", "circuit")
    need(of["type"] == "sample" and
         all(of.get(key) == row.get(key) for key in same),
         f"{row['seq']} is late to something else, {of['seq']}")
    again = "duplicate" in row.get("flags", "").split(",")
    need(again or of["outcome"] == "lost",
         f"{row['seq']} is late to {of['seq']}, which was {of['outcome']}")


def audit(rows):
    """The formula of the contract, for each agent and epoch; returns them."""
    stores = {}
    for row in rows:
        stores.setdefault((row["agent"], row["epoch"]), []).append(row)
    for part in stores.values():
        audit_one(part)
    return stores
