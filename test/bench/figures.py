"""From what a tool said and what the wire wrote down to figures."""
import collections
import statistics

from record import first_within, nearest
from scenario import TIMEOUT_S, rate

NEAR_NS = 20_000_000  # a report's own time is this near to its packet's

# What a tool said of one probe. `where` says which one of the address: its
# ICMP sequence ("seq"), that it was the nth ("nth"), its time ("near"), or
# that it was sent in that span ("span", reports in the order of its end).
# `rtt_ns` is None where it said lost. `owned`: the tool says that its own host
# is why it does not know. `phases` of https, in ns: "tls" is the handshake,
# "first_byte" request to answer. `said` is its word for why there is no rtt.
Report = collections.namedtuple(
    "Report",
    "address by where rtt_ns uncertainty_ns slip_ns owned phases said",
    defaults=(None, None, False, None, None))


def trip_of(report, trips, by_seq, half_ns):
    mine = trips.get(report.address, ())
    if report.by == "nth":
        return mine[report.where] if report.where < len(mine) else None
    if report.by == "seq":
        return by_seq.get((report.address, report.where))
    if report.by == "near":
        return nearest(mine, report.where, min(half_ns, NEAR_NS))
    return first_within(mine, *report.where)


def attach(reports, trips, scenario):
    """Give each trip its report. How many rtts belong to no packet."""
    half_ns = scenario.interval_ms * 500_000
    by_seq = {(address, trip.key[1]): trip
              for address, mine in trips.items() for trip in mine}
    unmatched = 0
    for report in reports:
        trip = trip_of(report, trips, by_seq, half_ns)
        if trip is None:
            unmatched += report.rtt_ns is not None
        elif trip.report is None or trip.report.rtt_ns is None:
            trip.report = report
    return unmatched


def share_of(values, share):
    """A percentile of sorted values; None of none."""
    if not values:
        return None
    return values[min(len(values) - 1, int(len(values) * share))]


def spread(values_ns):
    """p50, p99 and worst in us, of absolute values; the signed median."""
    if not values_ns:
        return None
    size = sorted(map(abs, values_ns))
    return {"n": len(size), "p50": share_of(size, 0.5) / 1000,
            "p99": share_of(size, 0.99) / 1000, "max": size[-1] / 1000,
            "signed_p50": statistics.median(values_ns) / 1000}


def intervals_p99_us(trips, window, interval_ns):
    """How far the time between two probes of a target is from its interval."""
    off = []
    for mine in trips.values():
        sent = [t.sent_ns for t in mine if window[0] <= t.sent_ns < window[1]]
        off += [abs(b - a - interval_ns) for a, b in zip(sent, sent[1:])]
    value = share_of(sorted(off), 0.99)
    return None if value is None else value / 1000


def answered(trip):
    return trip.rtt_ns is not None and trip.rtt_ns <= TIMEOUT_S * 10**9


def has_rtt(trip):
    return trip.report is not None and trip.report.rtt_ns is not None


def honesty(told):
    """How often the error is larger than the uncertainty said."""
    pairs = [(abs(t.report.rtt_ns - t.rtt_ns), t.report.uncertainty_ns)
             for t in told if t.report.uncertainty_ns is not None]
    if not pairs:
        return None
    beyond = sum(error > said for error, said in pairs)
    said = sorted(said for _, said in pairs)
    return {"beyond_share": beyond / len(pairs),
            "p50_us": share_of(said, 0.5) / 1000,
            "p99_us": share_of(said, 0.99) / 1000}


def slip_p99_us(trips):
    slips = sorted(t.report.slip_ns for t in trips
                   if t.report and t.report.slip_ns is not None)
    return share_of(slips, 0.99) / 1000 if slips else None


def errors(told, resolution):
    """Of the round trips, and what of them the tool's rounding does not
    explain."""
    off = [t.report.rtt_ns - t.rtt_ns for t in told]
    beyond = [max(0, abs(e) - resolution(t.report.rtt_ns) // 2)
              for e, t in zip(off, told)]
    found = spread(off)
    if found:
        found["beyond_rounding_p99"] = share_of(sorted(beyond), 0.99) / 1000
    return found


def phase_errors(told):
    """{phase: spread} of those that both the tool and the record have."""
    found = {}
    for name, true_ns in (("tls", lambda t: t.tls_ns()),
                          ("first_byte", lambda t: t.first_byte_ns())):
        off = [t.report.phases[name] - true_ns(t) for t in told
               if t.report.phases and name in t.report.phases and
               true_ns(t) is not None]
        if off:
            found[name] = spread(off)
    return found


def examples(trips, window):
    """Some of the false losses, for who wants to know why."""
    found = []
    for address, mine in trips.items():
        for t in mine:
            if window[0] <= t.sent_ns < window[1] and answered(t) and \
                    not has_rtt(t) and len(found) < 10:
                found.append({"address": address, "sent_ns": t.sent_ns,
                              "rtt_us": t.rtt_ns / 1000,
                              "said": t.report.said if t.report else None})
    return found


def of(tool, scenario, trips, window, cpu_ns):
    """The figures of one run. Adds the tool's word to `trips`."""
    unmatched = attach(tool.reports(), trips, scenario)
    seconds = max(window[1] - window[0], 1) / 1e9
    mine = [t for each in trips.values() for t in each
            if window[0] <= t.sent_ns < window[1]]
    told = [t for t in mine if has_rtt(t) and t.rtt_ns is not None and
            not t.again]
    missing = [t for t in mine if answered(t) and not has_rtt(t)]
    owned = sum(t.report is not None and t.report.owned for t in missing)
    return {
        "sent": len(mine), "rate": len(mine) / seconds,
        "wanted_rate": rate(scenario),
        "answered": sum(map(answered, mine)), "reported": len(told),
        "error_us": errors(told, tool.resolution) if tool.reporting else None,
        "phases_us": phase_errors(told),
        "false_loss": len(missing) - owned if tool.reporting else None,
        "false_losses": examples(trips, window) if tool.reporting else [],
        "owned_loss": owned, "unmatched": unmatched,
        "cpu_us": cpu_ns / 1000 / len(mine) if mine and cpu_ns else None,
        "slip_p99_us": slip_p99_us(mine),
        "interval_p99_us": intervals_p99_us(
            trips, window, tool.interval_ms(scenario) * 10**6),
        "uncertainty": honesty(told),
    }
