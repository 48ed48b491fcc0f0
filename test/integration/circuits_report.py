#!/usr/bin/env python3
"""A branch with two lines that land at two edge locations: what the report says
of them side by side, and of a failover while it was measured.

The lines are two addresses of the branch's, each with a name server of its own:
the same name leads to AMS, 4 ms away, over the one and to PAR, 18 ms away, over
the other. In the middle the web server says for a while that PAR is FRA.
"""
import datetime
import json
import os
import signal
import statistics
import subprocess
import sys

sys.path.insert(0, f"{os.path.dirname(os.path.abspath(__file__))}/../lib")
import labtest
from labtest import Folder, await_it, case, expect, main
from lab import Wrong, run

NAME = "outlook.office365.com"
NEAR, FAR = "10.79.4.10", "10.79.18.10"
SECOND = "10.78.0.3"    # the branch's other address
SECOND_DNS = "10.79.1.54"
CIRCUITS = [
    {"name": "fibre", "source": "10.78.0.2", "dns": ["10.79.1.53"],
     "provider": "KPN", "connection": "utrecht-1",
     "primary_location": "Amsterdam", "backup_location": "London"},
    {"name": "lte", "source": SECOND, "dns": [SECOND_DNS],
     "provider": "Odido", "connection": "utrecht-2",
     "primary_location": "PAR", "backup_location": "Frankfurt am Main"}]
SITE = {"name": "Utrecht", "country": "NL", "metro": "Utrecht",
        "latitude": 52.09, "longitude": 5.12}


def must(*words):
    done = run(*words)
    expect(done.returncode == 0, f"{words}: {done.stderr}")
    return done.stdout


class SecondLine:
    """The other address, and the name server that is asked over it."""

    def __init__(self, lab):
        self.lab = lab
        self.path = f"{lab.folder}/second.conf"
        self.server = None

    def write(self):
        with open(f"{self.lab.folder}/dns/unbound.conf",
                  encoding="utf-8") as f:
            lines = f.read().splitlines()
        out = []
        for line in lines:
            if line.startswith(("interface: fd79", "pidfile:", "logfile:")):
                continue
            line = line.replace("10.79.1.53", SECOND_DNS)
            line = line.replace("do-daemonize: yes", "do-daemonize: no")
            if f'"{NAME}.' in line:
                if " AAAA " in line:
                    continue
                line = line.replace(NEAR, FAR)
            out.append(line)
        with open(self.path, "w", encoding="utf-8") as f:
            f.write("\n".join(out) + "\n")

    def __enter__(self):
        branch, edge = (self.lab.env[f"LAB_{k}_NS"] for k in
                        ("BRANCH", "EDGE"))
        must("ip", "-n", branch, "addr", "add", f"{SECOND}/24", "dev",
             self.lab.env["LAB_BRANCH_DEV"])
        self.write()
        program = f"{self.lab.folder}/dns/unbound"
        with open(f"{self.lab.folder}/second.log", "wb") as log:
            self.server = subprocess.Popen(
                ["ip", "netns", "exec", edge,
                 program if os.access(program, os.X_OK) else "unbound", "-d",
                 "-p", "-c", self.path], stdin=subprocess.DEVNULL, stdout=log,
                stderr=log)
        await_it(self.answers, 20, "the second name server")
        return self

    def answers(self):
        expect(self.server.poll() is None, "the second name server ended")
        done = self.lab.branch(sys.executable, f"{labtest.TOP}/test/lab/"
                               "dnsquery.py", SECOND_DNS, NAME, "4")
        return FAR in done.stdout

    def __exit__(self, *_):
        self.server.terminate()
        self.server.wait()


def land_at(lab, pop):
    """What the web server says at the far address from now on."""
    path = f"{lab.folder}/nginx/nginx.conf"
    with open(path, encoding="utf-8") as f:
        lines = [line for line in f.read().splitlines()
                 if "10\\.79\\.18\\." not in line]
    at = next(i for i, line in enumerate(lines) if "map $server_addr" in line)
    lines.insert(at + 1, f'\t\t"~^10\\.79\\.18\\." {pop};')
    with open(path, "w", encoding="utf-8") as f:
        f.write("\n".join(lines) + "\n")
    os.kill(int(lab.env["LAB_NGINX_PID"]), signal.SIGHUP)


class Agent(Folder):
    def start(self, *options, **more):
        super().start(*options, **more)
        self.await_said("app: version=")
        self.await_rows(1)
        return self

    def pops(self, circuit):
        """[(ts_us, pop)] in the order of sending."""
        return sorted((row["ts_us"], row["pop"]) for row in self.rows()
                      if row["type"] == "sample" and
                      row.get("circuit") == circuit and row.get("pop"))

    def await_pop(self, circuit, pop):
        """Until the last four answers came from there."""
        def look():
            expect(self.agent.poll() is None, self.said())
            last = [p for _, p in self.pops(circuit)[-4:]]
            return len(last) == 4 and set(last) == {pop}

        await_it(look, 30, f"{pop} over {circuit}: {self.said()}")

    def await_pairs(self, n):
        def look():
            expect(self.agent.poll() is None, self.said())
            rows = [row for row in self.rows() if row["type"] == "sample" and
                    row["probe"] == "tcp"]
            return all(sum(row["circuit"] == c["name"] for row in rows) >= n
                       for c in CIRCUITS)

        await_it(look, 40, f"{n} samples of each: {self.said()}")


def true_ms(lab, address):
    """The kernel's own round trips of those handshakes that no TLS follows,
    which are the tcp probes'. Ports come again."""
    begun, took, tls = {}, {}, set()
    for row in lab.record(address):
        ports = row["sport_or_id"], row["dport_or_seq"]
        if row["what"] == "syn":
            begun[ports] = int(row["time_ns"])
        elif row["what"] == "synack" and ports[::-1] in begun:
            took.setdefault(ports[::-1], []).append(
                int(row["time_ns"]) - begun.pop(ports[::-1]))
        elif row["what"] == "tlshello":
            tls |= {ports, ports[::-1]}
    return statistics.median(ns for ports, some in took.items()
                             if ports not in tls for ns in some) / 1e6


def us(text):
    moment = datetime.datetime.fromisoformat(text.replace("Z", "+00:00"))
    epoch = datetime.datetime(1970, 1, 1, tzinfo=datetime.timezone.utc)
    return (moment - epoch) // datetime.timedelta(microseconds=1)


def limits_are_configured(agent):
    path = f"{agent.path}/limits.json"

    def report(limits, wanted):
        with open(path, "w", encoding="utf-8") as f:
            json.dump({"store": {"path": agent.store}, "limits": limits}, f)
        return agent.ask("report", "--config", path, "--format", "json",
                         wanted=(wanted,))

    said = json.loads(report({"saving": {"good": "20ms"},
                              "exchange_rtt": {"good": "1ms"}}, 0).stdout)
    rules = {f["rule"]: f["source"] for f in said["findings"]}
    expect("saving" not in rules, rules)
    expect(rules.get("exchange_rtt") == "configuration", rules)
    done = report({"saving": {"good": "20"}}, 78)
    expect(f"{path}:1:" in done.stderr and '"good" is "20"' in done.stderr,
           done.stderr)


def measured(lab):
    """A run with a failover; the report, and what the rows say."""
    targets = [{"name": "exchange", "host": NAME, "family": 4,
                "probes": ["tcp"], "interval": "100ms", "timeout": "2s"},
               {"name": "owa", "host": NAME, "family": 4, "path": "/owa",
                "probes": ["https"], "expect_status": 401,
                "interval": "200ms", "timeout": "2s"}]
    land_at(lab, "PAR")
    with SecondLine(lab), Agent(lab, "two") as agent:
        agent.write(targets, site=SITE, circuits=CIRCUITS).start()
        agent.await_pop("lte", "PAR")
        agent.await_pop("fibre", "AMS")
        land_at(lab, "FRA")
        agent.await_pop("lte", "FRA")
        land_at(lab, "PAR")
        agent.await_pop("lte", "PAR")
        agent.await_pairs(120)
        expect(agent.end()[0] == 0, agent.said())
        said = agent.ask("report", "--store", agent.store, "--format", "json")
        text = agent.ask("report", "--store", agent.store).stdout
        limits_are_configured(agent)
        return json.loads(said.stdout), text, agent.pops("lte")


def failover_of(pops):
    """From the first of three in a row elsewhere to the first of three in a row
    back, as rows say."""
    def first_of_three(pop, since):
        for i in range(since, len(pops) - 2):
            if {p for _, p in pops[i:i + 3]} == {pop}:
                return i
        raise Wrong(f"no three of {pop} in {pops}")

    away = first_of_three("FRA", 0)
    return pops[away][0], pops[first_of_three("PAR", away)][0]


@case
def two_lines_side_by_side(lab):
    report, text, pops = measured(lab)

    pair, = [p for p in report["pairs"] if p["probe"] == "tcp"]
    truth = true_ms(lab, FAR) - true_ms(lab, NEAR)
    saved = pair["p50_saved_us"] / 1000
    print(f"# {pair['text']}; truth {truth:.3f} ms, {pair['pairs']} pairs")
    expect(13 < truth < 15, f"the lab's own difference: {truth}")
    expect(abs(saved - truth) < 0.2, f"saved {saved} ms, not {truth}")
    expect(pair["p50_low_us"] <= truth * 1000 + 200 and
           pair["p50_high_us"] >= truth * 1000 - 200, pair)
    expect((pair["circuit"], pair["other_circuit"]) == ("lte", "fibre"), pair)
    expect("circuit fibre would save 14" in pair["text"], pair)

    fibre, lte = sorted(report["circuits"], key=lambda c: c["circuit"])
    expect([r["pop"] for r in fibre["runs"]] == ["AMS"], fibre)
    expect(fibre["location"] == lte["location"] == "primary", report)
    expect([r["pop"] for r in lte["runs"]] == ["PAR", "FRA", "PAR"], lte)
    expect([r["location"] for r in lte["runs"]] ==
           ["primary", "backup", "primary"], lte)

    failover, = lte["failovers"]
    away, back = failover_of(pops)
    expect(us(failover["since"]) == away and us(failover["back"]) == back,
           f"{failover}, not {away} to {back}")
    expect(abs(failover["seconds"] - (back - away) / 1e6) < 1e-3, failover)
    expect(us(lte["location_since"]) == back, lte)

    rules = {f["rule"] for f in report["findings"] if f["circuit"] == "lte"}
    expect({"saving", "failover"} <= rules, report["findings"])
    expect(not [f for f in report["findings"] if f["circuit"] == "fibre"],
           report["findings"])
    expect("circuit fibre would save 14" in text, text)


if __name__ == "__main__":
    main()
