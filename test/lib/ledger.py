"""What may be at a collector, and what the audit has to say about it.

    books = ledger.situations(noon_us) + ledger.at_random(rng, noon_us)
    insert(ledger.lines(books))
    ledger.check(books, table)    table(sql) are rows of texts

Audit and list of holes are compared with what is written here by hand, or with
sets of Python where numbers are random.
"""
import itertools
import json

from lab import expect

DAY_US = 86400 * 10 ** 6


class Book:
    """Of one agent and epoch. `there`: numbers of samples. `gaps`: (seq, first,
    last, reason). `wanted`: first, last, present, declared. `holes`: (first,
    last)."""

    def __init__(self, agent, there, gaps=(), *, wanted, holes=(), epoch="e",
                 us=None):
        self.agent, self.epoch = agent, epoch
        self.there, self.gaps = list(there), list(gaps)
        self.wanted, self.holes = wanted, list(holes)
        self.us = us or (lambda seq: 0)

    def missing(self):
        return sum(last - first + 1 for first, last in self.holes)

    def plain_sum(self):
        """What is missing if what is there and declared counts twice."""
        first, last, present, _ = self.wanted
        return last - first + 1 - present - sum(
            b - a + 1 for _, a, b, _ in self.gaps)


def but(first, last, *holes):
    """Numbers from first to last, but for these."""
    return [seq for seq in range(first, last + 1)
            if not any(a <= seq <= b for a, b in holes)]


def situations(noon_us):
    """Retention dropped nothing from them, but for the one that says so."""
    books = [
        Book("all-there", range(1, 200), wanted=(1, 199, 199, 0)),
        Book("retried-and-taken", range(1, 21), [(21, 5, 9, "refused")],
             wanted=(1, 21, 21, 0)),
        # Five numbers count twice, and five others are not there.
        Book("hidden-by-a-retry", but(1, 20, (13, 17)),
             [(21, 5, 9, "refused")],
             wanted=(1, 21, 16, 0), holes=[(13, 17)]),
        Book("hidden-by-overlaps", but(1, 60, (10, 29), (40, 44)),
             [(61, 10, 24, "evicted"), (62, 20, 29, "refused")],
             wanted=(1, 62, 37, 20), holes=[(40, 44)]),
        Book("taken-and-evicted", but(1, 40, (11, 30)),
             [(41, 4, 30, "evicted")], wanted=(1, 41, 21, 20)),
        Book("one-in-another", but(1, 50, (10, 40)),
             [(51, 10, 40, "evicted"), (52, 20, 22, "refused"),
              (53, 10, 12, "refused"), (54, 39, 40, "corrupt")],
             wanted=(1, 54, 23, 31)),
        Book("one-after-the-other", but(1, 50, (10, 30)),
             [(51, 10, 19, "evicted"), (52, 20, 30, "overflow")],
             wanted=(1, 52, 31, 21)),
        Book("one-off", but(1, 50, (10, 30)),
             [(51, 11, 19, "evicted"), (52, 21, 29, "evicted")],
             wanted=(1, 52, 31, 18), holes=[(10, 10), (20, 20), (30, 30)]),
        Book("the-same-twice", but(1, 20, (6, 8), (12, 13)),
             [(21, 6, 8, "refused"), (22, 6, 8, "refused")],
             wanted=(1, 22, 17, 3), holes=[(12, 13)]),
        Book("gap-rows-alone", [],
             [(100, 1, 50, "corrupt"), (101, 60, 99, "corrupt")],
             wanted=(1, 101, 2, 90), holes=[(51, 59)]),
        Book("first-batch-refused", range(501, 520),
             [(520, 1, 500, "refused")], wanted=(1, 520, 20, 500)),
        Book("begins-later", range(7001, 7050), wanted=(7001, 7049, 49, 0)),
        Book("known-to-go-on", range(1, 11), [(11, 15, 20, "evicted")],
             wanted=(1, 20, 11, 6), holes=[(12, 14)]),
        Book("by-the-million", [1, 5000002],
             [(5000003, 2, 4000000, "evicted")],
             wanted=(1, 5000003, 3, 3999999), holes=[(4000001, 5000001)]),
        Book("of-64", but(1, 1000, (63, 64), (128, 128), (191, 320),
                          (448, 511), (960, 960)),
             wanted=(1, 1000, 1000 - 2 - 1 - 130 - 64 - 1, 0),
             holes=[(63, 64), (128, 128), (191, 320), (448, 511),
                    (960, 960)]),
        Book("each-other", range(2 ** 40, 2 ** 40 + 201, 2),
             wanted=(2 ** 40, 2 ** 40 + 200, 101, 0),
             holes=[(2 ** 40 + i, 2 ** 40 + i) for i in range(1, 200, 2)]),
        # A range is of its epoch alone, and of its agent.
        Book("two-epochs", range(1, 11), [(11, 4, 6, "refused")],
             wanted=(1, 11, 11, 0), epoch="e1"),
        Book("two-epochs", but(1, 11, (4, 6)),
             wanted=(1, 11, 8, 0), holes=[(4, 6)], epoch="e2"),
    ]
    for book in books:
        book.us = lambda seq: noon_us + seq % 1000
    # Its clock is days behind, which is nobody else's business.
    books.append(Book("behind", but(50, 90, (60, 60)),
                      wanted=(50, 90, 40, 0), holes=[(60, 60)],
                      us=lambda seq: noon_us - 9 * DAY_US + seq))
    # A number each 100 s. What ended in the first hour of the oldest day, up
    # to 35, does not count, and no range brings it back.
    midnight_us = noon_us - DAY_US * 3 // 2
    books.append(Book(
        "cut-at-midnight", [6, 8, *but(9, 399, (42, 44), (100, 100))],
        [(400, 1, 3, "refused"), (401, 30, 43, "refused")],
        wanted=(36, 401, 360 + 2, 2), holes=[(44, 44), (100, 100)],
        us=lambda seq: midnight_us + seq * 10 ** 8))
    # Began at noon; midnight is between 1431 and 1432.
    books.append(Book(
        "over-midnight", but(1001, 1500, (1010, 1010), (1440, 1440)),
        wanted=(1001, 1500, 498, 0), holes=[(1010, 1010), (1440, 1440)],
        us=lambda seq: noon_us - DAY_US + (seq - 1000) * 10 ** 8))
    return books


def at_random(rng, noon_us, n=40):
    """Numbers to 400, in runs, with ranges over them."""
    books = []
    for i in range(n):
        there = {seq for a in rng.sample(range(1, 360), rng.randint(1, 12))
                 for seq in range(a, a + rng.randint(1, 64))}
        gaps = [(500 + k, a, a + rng.choice((0, 1, 20, 100)), "evicted")
                for k, a in enumerate(rng.sample(range(1, 400),
                                                 rng.randint(0, 8)))]
        declared = {seq for _, a, b, _ in gaps for seq in range(a, b + 1)}
        present = there | {gap[0] for gap in gaps}
        known = sorted(present | declared)
        books.append(Book(
            f"random-{i}", sorted(there), gaps,
            wanted=(known[0], known[-1], len(present),
                    len(declared - present)),
            holes=[(a + 1, b - 1) for a, b in itertools.pairwise(known)
                   if b > a + 1],
            us=lambda seq: noon_us + seq))
    return books


def lines(books):
    """As rows of NDJSON."""
    for book in books:
        who = {"agent": book.agent, "epoch": book.epoch, "site": book.agent}
        for seq in book.there:
            yield json.dumps({**who, "type": "sample", "seq": seq,
                              "ts_us": book.us(seq), "target": "t",
                              "probe": "tcp", "outcome": "lost"})
        for seq, first, last, reason in book.gaps:
            yield json.dumps({**who, "type": "gap", "seq": seq,
                              "ts_us": book.us(seq), "first": first,
                              "last": last, "reason": reason})


def check(books, table, database="edgeprobe"):
    """Nothing else is in there."""
    got = {tuple(row[:2]): list(map(int, row[2:])) for row in table(
        "SELECT agent, epoch, first_seq, last_seq, present, declared, missing "
        f"FROM {database}.audit")}
    found = {key: [] for key in got}
    for agent, epoch, first, last in table(
            "SELECT agent, epoch, first_seq, last_seq FROM "
            f"{database}.missing ORDER BY agent, epoch, first_seq"):
        found[agent, epoch].append((int(first), int(last)))
    wrong = []
    for book in books:
        key = book.agent, book.epoch
        if got.pop(key, None) != [*book.wanted, book.missing()]:
            wrong.append(f"{key}: not {[*book.wanted, book.missing()]}")
        if found.get(key) != book.holes:
            wrong.append(f"{key}: {found.get(key)}, not {book.holes}")
    expect(not wrong and not got, f"{wrong} {got}")
