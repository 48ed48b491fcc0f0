"""The budgets of the design beside what was measured: what holds, what not."""
import show


class Results:
    """Of one load."""

    def __init__(self, results, load):
        self.by = {(r["scenario"], r["tool"]): r for r in results
                   if r["load"] == load}

    def get(self, scenario, tool, key):
        r = self.by.get((scenario, tool))
        return None if r is None else key(r)

    def ratio(self, scenario, tool, peer):
        mine = self.get(scenario, tool, cpu)
        other = self.get(scenario, peer, cpu)
        return mine / other if mine and other else None

    def worst(self, key, *scenarios):
        """Of edgeprobe's."""
        found = [key(r) for (scenario, tool), r in self.by.items()
                 if tool == "edgeprobe" and
                 (not scenarios or scenario in scenarios)]
        found = [value for value in found if value is not None]
        return max(found) if found else None


def cpu(r):
    return r["cpu_us"]


def p99(r):
    return show.error(r, "p99")


def memory(r):
    return r["memory_mib"]


def own(scenario, key, tool="edgeprobe"):
    return lambda results: results.get(scenario, tool, key)


# What, the most it may be, how it is found.
BUDGETS = (
    ("ICMP error p99, 1,000 targets at 1/s, us", 8, own("icmp-1000", p99)),
    ("TCP error p99, us", 25,
     lambda rs: rs.worst(p99, "tcp-100", "tcp-1000")),
    ("HTTPS error of the round trip p99, us", 60, own("https-100", p99)),
    ("HTTPS error of the first byte p99, us", 5,
     own("https-100", lambda r: show.phase(r, "first_byte", "p99"))),
    ("false loss, all scenarios", 0,
     lambda rs: rs.worst(lambda r: r["false_loss"])),
    ("ICMP CPU at 1,000/s, measuring : fping", 0.5,
     lambda rs: rs.ratio("icmp-1000", "measuring", "fping")),
    ("ICMP CPU at 1,000/s, stored and delivered : fping", 0.8,
     lambda rs: rs.ratio("icmp-1000", "edgeprobe", "fping")),
    ("ICMP CPU at 10,000/s, measuring, us", 8,
     own("icmp-2000x5", cpu, "measuring")),
    ("ICMP CPU at 10,000/s, stored and delivered, us", 14,
     own("icmp-2000x5", cpu)),
    ("TCP CPU at 1,000/s, us", 25, own("tcp-1000", cpu, "measuring")),
    ("HTTPS CPU : blackbox_exporter", 1,
     lambda rs: rs.ratio("https-100", "edgeprobe", "blackbox_exporter")),
    ("20,000/s: probes not sent, share", 0.001,
     own("icmp-20000s", lambda r: max(0, 1 - r["rate"] / r["wanted_rate"]))),
    ("20,000/s: send slip p99, us", 2000,
     own("icmp-20000s", lambda r: r["slip_p99_us"])),
    ("memory, 100 targets, MiB", 12, own("icmp-100", memory)),
    ("memory, 1,000 targets, MiB", 16, own("icmp-1000", memory)),
)
LOADS = "idle", "busy"


def rows(results):
    """[what, limit, idle, busy]; none where nothing of it was measured."""
    by_load = [Results(results, load) for load in LOADS]
    found = []
    for what, most, find in BUDGETS:
        values = [find(results) for results in by_load]
        if values != [None, None]:
            found.append([what, f"<= {most:g}"] +
                         [verdict(value, most) for value in values])
    return [["budget", "limit", *LOADS], *found] if found else []


def verdict(value, most):
    if value is None:
        return "-"
    said = f"{value:.3g}" if value < 100 else show.plain(value)
    return said if value <= most else f"{said} MISSED"


def beaten(results):
    """Where a peer is more accurate or cheaper than edgeprobe."""
    for title, mine in show.groups(results):
        ours = show.own(mine)
        for r in mine if ours else ():
            if r["tool"] in ("edgeprobe", "measuring"):
                continue
            for what, key in (("more accurate", p99), ("cheaper", cpu)):
                if None not in (key(r), key(ours)) and key(r) < key(ours):
                    yield f"{title}: {r['tool']} is {what}"
