#!/usr/bin/env python3
"""`edgeprobe targets`: what will be probed, of which list, and why."""
import json
import os
import sys

sys.path.insert(0, f"{os.path.dirname(os.path.abspath(__file__))}/../lib")
import here
from labtest import case, expect

LIST = {"version": "2026110100", "endpoints": [
    {"id": 1, "serviceArea": "Exchange", "category": "Optimize",
     "tcpPorts": "80,443",
     "urls": ["outlook.office.com", "mail.example", "*.odd.example"]},
    {"id": 11, "serviceArea": "Skype", "category": "Optimize",
     "udpPorts": "3478-3481"},
    {"id": 56, "serviceArea": "Common", "category": "Allow",
     "tcpPorts": "443", "urls": ["login.microsoftonline.com"]}]}


def folder_of(place, name, targets, kept=None):
    folder = here.Folder(place, name).write(targets)
    if kept is not None:
        with open(f"{folder.path}/microsoft365-Worldwide.json", "w",
                  encoding="utf-8") as f:
            f.write(kept)
    return folder


def asked(folder, *more):
    return folder.ask("targets", "--config", folder.config, *more)


def lines(folder):
    return [json.loads(line)
            for line in asked(folder, "--json").stdout.splitlines()]


def of_type(said, kind):
    return [line for line in said if line["type"] == kind]


@case
def a_list_that_is_kept(place):
    folder = folder_of(place, "kept", [
        {"name": "plain", "host": "127.0.0.1", "probes": ["tcp"]},
        {"source": "microsoft365", "max_targets": 2, "interval": "1m"}],
        json.dumps(LIST))
    said = lines(folder)
    plain, mail, second = of_type(said, "target")
    source, = of_type(said, "source")
    expect(plain["name"] == "plain" and plain["interval_s"] == 10 and
           plain["probes"] == ["tcp"] and "source" not in plain, plain)
    expect(mail["host"] == "outlook.office.com" and
           mail["name"] == "microsoft365/outlook.office.com" and
           mail["interval_s"] == 60 and mail["list"] == "kept" and
           mail["version"] == "2026110100" and
           mail["why"] == "entry 1, Exchange, Optimize", mail)
    expect(second["host"] == "mail.example", second)
    file, line = mail["from"].rsplit(":", 1)
    with open(file, encoding="utf-8") as f:
        after = f.read().split("\n")[int(line) - 1:][:3]
    expect(any('"source"' in text for text in after), after)
    expect(source["left_out"] == ["*.odd.example"] and
           source["beyond_bound"] == 1, source)
    text = asked(folder).stdout
    for words in ("mail.example  tcp,https,icmp", "every 60s",
                  "microsoft365 kept 2026110100: entry 1", "1 beyond the bound",
                  "left out *.odd.example"):
        expect(words in text, f"{words}: {text}")


@case
def a_list_that_is_broken(place):
    for name, kept in (("cut", json.dumps(LIST)[:300]), ("empty", ""),
                       ("login", "<html>sign in</html>"),
                       ("bare", json.dumps(LIST["endpoints"]))):
        folder = folder_of(place, name, [{"source": "microsoft365"}], kept)
        done = asked(folder, "--json")
        expect("kept=unusable" in done.stderr, done.stderr)
        said = [json.loads(line) for line in done.stdout.splitlines()]
        expect({line["list"] for line in said} == {"built in"} and
               len(of_type(said, "target")) == 6, said)


@case
def what_nobody_configured(place):
    said = lines(folder_of(place, "none", []))
    expect({line["from"] for line in said} == {"built in"} and
           {line["why"] for line in said} == {"no targets are configured"} and
           len(said) > 3, said)


@case
def what_is_printed_is_what_is_measured(place):
    folder = folder_of(place, "print", [{"source": "microsoft365"},
                                        {"source": "teams-media"}])
    printed = folder.ask("check-config", "--print", folder.config).stdout
    again = here.Folder(place, "again")
    with open(again.config, "w", encoding="utf-8") as f:
        f.write(printed)
    names = [[line["name"] for line in of_type(lines(one), "target")]
             for one in (folder, again)]
    expect(names[0] == names[1] and len(names[0]) == 7, names)


here.main()
