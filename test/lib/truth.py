"""Reported round trips beside those that the lab's wire wrote down.

A row says neither the echo's number nor the connection's port, so that it is
matched by kind, address and time; what could be two packets is left out, and
counted.
"""
import statistics

from lab import Wrong

NEAR_NS = 10_000_000  # a row's time is near its packet's
APART_NS = 3_000_000  # and no other packet is as near as this


def flow(row, answer):
    """What question and answer have in common. A port may serve again."""
    peer = row["src" if answer else "dst"]
    ports = row["sport_or_id"], row["dport_or_seq"]
    if answer and row["proto"] == "tcp":
        ports = ports[::-1]
    return row["proto"], peer, ports


def trips(rows):
    """{(proto, address): [(sent_ns, rtt_ns)]} of what was answered."""
    sent, by_address = {}, {}
    for row in rows:
        at = int(row["time_ns"])
        if row["what"] in ("echo", "syn"):
            sent.setdefault(flow(row, False), at)
        elif row["what"] in ("reply", "synack", "rst"):
            key = flow(row, True)
            if key in sent:  # the first answer only
                began = sent.pop(key)
                by_address.setdefault(key[:2], []).append((began, at - began))
    return by_address


class Truth:
    """`errors[kind]` in ns; `unmatched[kind]` rows that have no one packet."""

    def __init__(self, record, rows):
        self.errors = {"icmp": [], "tcp": [], "https": []}
        self.true = {"icmp": [], "tcp": [], "https": []}
        self.unmatched = dict.fromkeys(self.errors, 0)
        by_address = trips(record)
        for row in rows:
            if row["type"] == "sample" and row["outcome"] == "replied":
                self.match(row, by_address)

    def match(self, row, by_address):
        kind = row["probe"]
        proto = "tcp" if kind != "icmp" else \
            "icmp" if row["family"] == 4 else "icmp6"
        at = row["ts_us"] * 1000
        near = sorted((abs(sent - at), rtt) for sent, rtt in
                      by_address.get((proto, row["address"]), ()))
        if not near or near[0][0] > NEAR_NS or \
                (len(near) > 1 and near[1][0] < near[0][0] + APART_NS):
            self.unmatched[kind] += 1
            return
        self.true[kind].append(near[0][1])
        self.errors[kind].append(float(row["rtt_us"]) * 1000 - near[0][1])

    def line(self, kind):
        errors = sorted(map(abs, self.errors[kind]))
        if not errors:
            raise Wrong(f"no {kind} row is in the wire's record")
        p99 = errors[min(len(errors) - 1, int(len(errors) * 0.99))]
        return (f"{kind} median={statistics.median(errors) / 1000:.1f} us "
                f"p99={p99 / 1000:.1f} us n={len(errors)}")

    def show(self, kinds=("icmp", "tcp")):
        print("accuracy: " + "; ".join(map(self.line, kinds)), flush=True)

    def sane(self, kind):
        """A relation, no absolute time: the median error below 5 %."""
        error = abs(statistics.median(self.errors[kind]))
        true = statistics.median(self.true[kind])
        if error > 0.05 * true:
            raise Wrong(f"{kind}: median error {error / 1000:.0f} us of "
                        f"{true / 1000:.0f}")
        missing = self.unmatched[kind]
        if missing > len(self.errors[kind]) / 5:
            raise Wrong(f"{kind}: {missing} rows match no packet of the "
                        f"record, {len(self.errors[kind])} do")
