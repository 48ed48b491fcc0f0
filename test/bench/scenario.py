"""What is measured: how many targets, how often, where they are."""
import collections

# 16 networks a block, so that a rule of the wire is one line a block. Round
# trips differ: an answer taken for another's would show.
BLOCKS_MS = (4, 6, 8, 9, 11, 14, 18, 22)
PER_NETWORK = 250
TIMEOUT_S = 1

Scenario = collections.namedtuple(
    "Scenario", "name probe targets interval_ms title")


def rate(scenario):
    return scenario.targets * 1000 / scenario.interval_ms


def one(probe, targets, interval_ms=1000, name=None):
    each = f"{1000 / interval_ms:g}/s"
    return Scenario(name or f"{probe}-{targets}", probe, targets, interval_ms,
                    f"{probe.upper()}, {targets:,} targets at {each}")


ALL = (
    one("icmp", 100),
    one("icmp", 1000),
    one("icmp", 2000, 200, "icmp-2000x5"),
    one("icmp", 10000, 500, "icmp-20000s"),
    one("tcp", 100),
    one("tcp", 1000),
    one("https", 100),
)
QUICK = ("icmp-100",)
GROWTH = (one("icmp", 10), one("icmp", 30), one("icmp", 100),
          one("icmp", 300), one("icmp", 1000), one("icmp", 3000),
          one("icmp", 10000), one("icmp", 20000))


def address(i):
    block, rest = i % len(BLOCKS_MS), i // len(BLOCKS_MS)
    network = 128 + 16 * block + rest // PER_NETWORK
    return f"10.79.{network}.{1 + rest % PER_NETWORK}"


def addresses(scenario):
    return [address(i) for i in range(scenario.targets)]


def names(scenario):
    """Of the lab's DNS server: a certificate is for a name."""
    return [f"t{i:03}.lab.test" for i in range(scenario.targets)]


def name_addresses(scenario):
    """Where they are: the lab's `up` has the same table."""
    return [f"10.79.{1 + i % 40}.{100 + i // 40}"
            for i in range(scenario.targets)]


def where(scenario):
    """The addresses that are probed."""
    return name_addresses(scenario) if scenario.probe == "https" else \
        addresses(scenario)


def rules():
    """Beside the lab's own."""
    return "".join(f"10.79.{128 + 16 * i}.0/20 any out.delay={ms}ms\n"
                   for i, ms in enumerate(BLOCKS_MS))
