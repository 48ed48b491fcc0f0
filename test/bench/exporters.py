"""The peers of Prometheus: blackbox_exporter and smokeping_prober."""
import os
import re
import sys

import machine
import scenario as scenarios
from figures import Report
from peers import Peer

HERE = os.path.dirname(os.path.abspath(__file__))
PORT = 9115  # in the branch's own namespace, on loopback
MOST_PER_S = 1000  # above, asking for it over HTTP would be what is measured

MODULES = """modules:
  icmp:
    prober: icmp
    timeout: {timeout}s
    icmp: {{preferred_ip_protocol: ip4}}
  tcp:
    prober: tcp
    timeout: {timeout}s
    tcp: {{preferred_ip_protocol: ip4}}
  https:
    prober: http
    timeout: {timeout}s
    http:
      preferred_ip_protocol: ip4
      tls_config: {{ca_file: {ca}}}
"""
# The figure that is nearest to a round trip, by module.
ROUND_TRIP = {"icmp": "icmp:rtt", "tcp": "duration_seconds",
              "https": "http:connect"}


def ns_of(seconds):
    return round(float(seconds) * 1e9)


class Exporter(Peer):
    asked = "--version"

    def refuses(self, scenario):
        if scenario.probe in self.probes and \
                scenarios.rate(scenario) > MOST_PER_S:
            return f"is not asked for more than {MOST_PER_S} a second"
        return super().refuses(scenario)


class Blackbox(Exporter):
    """Probes when it is asked: scrape.py asks."""
    name = "blackbox_exporter"
    programs = "prometheus-blackbox-exporter", "blackbox_exporter"
    probes = ("icmp", "tcp", "https")

    def __init__(self):
        super().__init__()
        self.scraper = None
        self.address_of = {}

    def targets(self, s):
        """Its words for them, and their addresses."""
        if s.probe == "https":
            return {f"https://{name}/": address for name, address in
                    zip(scenarios.names(s), scenarios.name_addresses(s))}
        port = ":443" if s.probe == "tcp" else ""
        return {a + port: a for a in scenarios.addresses(s)}

    def start(self, run):
        self.run = run
        s = run.scenario
        with open(run.file("blackbox.yml"), "w", encoding="utf-8") as f:
            f.write(MODULES.format(timeout=scenarios.TIMEOUT_S,
                                   ca=run.lab.env["LAB_CA"]))
        self.processes = [run.start(
            self.program, f"--config.file={run.file('blackbox.yml')}",
            f"--web.listen-address=127.0.0.1:{PORT}", "--log.level=error")]
        self.address_of = self.targets(s)
        with open(run.file("targets"), "w", encoding="utf-8") as f:
            f.write("\n".join(self.address_of))
        with open(run.file("targets"), encoding="utf-8") as targets:
            self.scraper = run.start(
                sys.executable, f"{HERE}/scrape.py", PORT, s.probe,
                s.interval_ms, run.seconds, run.file("scrapes"),
                out=run.file("scrape.log"), into=targets)

    def stop(self):
        """The scraper ends in its own time, and writes then."""
        status = machine.end(self.scraper, 0, 30) if self.scraper else 0
        super().stop()
        if status:
            return self.said("scrape.log").decode(errors="replace")[-200:]
        return None

    def reports(self):
        if not os.path.exists(self.run.file("scrapes")):
            return
        probe = self.run.scenario.probe
        for line in self.said("scrapes").decode().splitlines():
            target, sent, ended, *words = line.split()
            yield self.report(self.address_of[target], probe,
                              (int(sent), int(ended)),
                              dict(word.split("=") for word in words))

    @staticmethod
    def report(address, probe, span, found):
        if float(found.get("success", 0)) != 1:
            return Report(address, "span", span, None)
        phases = {"tls": ns_of(found["http:tls"]),
                  "first_byte": ns_of(found["http:processing"])} \
            if probe == "https" else None
        return Report(address, "span", span, ns_of(found[ROUND_TRIP[probe]]),
                      phases=phases)


class Smokeping(Exporter):
    """Its metrics are histograms: each answer is in its debug log only, which
    costs it little beside what a probe does."""
    name = "smokeping_prober"
    programs = "prometheus-smokeping-prober", "smokeping_prober"
    probes = ("icmp",)
    line = re.compile(
        rb'msg="Echo reply" ip_addr=(\S+) .*icmp_seq=(\d+) time=([^ ]+) ')
    unit = {"ns": 1, "us": 1e3, "\u00b5s": 1e3, "ms": 1e6, "s": 1e9}

    def warm_s(self, scenario):
        """It starts its pingers one after the other, beside those that run
        already, and hears of answers when all are there."""
        return 2 + scenario.targets // 50

    def start(self, run):
        self.run = run
        s = run.scenario
        with open(run.file("smokeping.yml"), "w", encoding="utf-8") as f:
            hosts = ", ".join(scenarios.addresses(s))
            f.write(f"targets:\n- hosts: [{hosts}]\n"
                    f"  interval: {s.interval_ms}ms\n  network: ip4\n")
        self.processes = [run.start(
            self.program, f"--config.file={run.file('smokeping.yml')}",
            "--web.listen-address=127.0.0.1:9374", "--log.level=debug")]

    def reports(self):
        for m in self.line.finditer(self.said()):
            took = re.fullmatch(r"([\d.]+)(\D+)", m[3].decode())
            if took:  # no minutes here
                yield Report(m[1].decode(), "seq", int(m[2]),
                             round(float(took[1]) * self.unit[took[2]]))
