#!/usr/bin/env python3
"""The command line of the built program: exit codes and messages, for every
bad input to the configuration and to targets, and for a stdout that is full,
closed or no longer read."""
import json
import os
import re
import subprocess
import sys
import tempfile

PROGRAM = os.environ.get("EDGEPROBE") or sys.exit("EDGEPROBE is not set")
COMMANDS = ("run", "probe", "report", "export", "check-config",
            "targets", "test-destination", "store", "help", "version")
NOBODY = 65534
failures = []


def run(*args, out_to=subprocess.PIPE, **kwargs):
    return subprocess.run([PROGRAM, *args], stdin=subprocess.DEVNULL,
                          stdout=out_to, stderr=subprocess.PIPE,
                          env=dict(os.environ, LC_ALL="C"), timeout=60,
                          check=False, **kwargs)


def check(what, good, got=""):
    print("ok" if good else "not ok", "-", what)
    if not good:
        failures.append(what)
        print("  got:", got)


def expect(what, args, status, stdout=None, stderr=None, **kwargs):
    """Patterns are for the whole output; None: there is none."""
    done = run(*args, **kwargs)
    out = (done.stdout or b"").decode("utf-8", "replace")
    err = done.stderr.decode("utf-8", "replace")
    good = done.returncode == status
    for text, pattern in ((out, stdout), (err, stderr)):
        good = good and (re.fullmatch(pattern, text, re.S) is not None
                         if pattern is not None else text == "")
    check(what, good, (done.returncode, out, err))
    return out


# ---- usage

OVERVIEW = r"Usage: edgeprobe COMMAND .*check-config.*edgeprobe help COMMAND.*"
expect("no command", [], 64, stderr=OVERVIEW)
for flag in ("--help", "-h", "help"):
    expect(flag, [flag], 0, stdout=OVERVIEW)
expect("--version is version", ["--version"], 0,
       stdout=run("version").stdout.decode())
expect("unknown command", ["reprot"], 64,
       stderr='edgeprobe: unknown command "reprot"; did you mean report\\?\n'
              "Try: edgeprobe help\n")
expect("unknown command, nothing near", ["x" * 70], 64,
       stderr=f'edgeprobe: unknown command "{"x" * 60}"\n'
              "Try: edgeprobe help\n")
expect("an option first", ["--config", "x"], 64,
       stderr="edgeprobe: unknown option --config: a command comes first\n.*")
expect("help of what is no command", ["help", "prob"], 64,
       stderr='edgeprobe help: there is no command "prob"; '
              "did you mean probe\\?\n.*")
for name in COMMANDS:
    text = expect(f"help {name}", ["help", name], 0,
                  stdout=f"Usage: edgeprobe {name} .*--help.*")
    expect(f"{name} --help", [name, "--help"], 0, stdout=re.escape(text))
    check(f"help {name} fits 80 columns",
          max(map(len, text.split("\n"))) <= 80, text)
    expect(f"{name}: unknown option", [name, "--hepl"], 64,
           stderr=f"edgeprobe {name}: unknown option --hepl; "
                  f"did you mean --help\\?\nTry: edgeprobe help {name}\n")
    expect(f"{name}: unknown letter", [name, "-Z"], 64,
           stderr=f"edgeprobe {name}: unknown option -Z\n.*")
    expect(f"{name}: a flag with a value", [name, "--help=x"], 64,
           stderr=f"edgeprobe {name}: --help takes no value\n.*")
expect("a value is missing", ["run", "--config"], 64,
       stderr="edgeprobe run: --config needs a value: FILE, .*\n.*")
expect("a value is empty", ["run", "--config="], 64,
       stderr='edgeprobe run: --config "": a text that is not empty '
              "expected\n.*")
expect("a duration is none", ["run", "--duration", "10"], 64,
       stderr='edgeprobe run: --duration "10": a number with ms, .*\n.*')
expect("a count is out of bounds", ["probe", "--count", "0", "a"], 64,
       stderr='edgeprobe probe: --count "0": a whole number, from 1 to .*')
expect("a time is none", ["export", "--since", "yesterday"], 64,
       stderr='edgeprobe export: --since "yesterday": "2h" \\(ago\\), .*')
expect("an operand too many", ["version", "x"], 64,
       stderr='edgeprobe version: "x" is unexpected: only options are '
              "taken\n.*")
expect("no target", ["probe"], 64,
       stderr="edgeprobe probe: needs TARGET.*")
expect("a window and its begin", ["report", "--window", "6h", "--since", "1h"],
       64, stderr="edgeprobe report: --window and --since exclude .*")
expect("a window of seconds", ["report", "--window", "10s"], 64,
       stderr='edgeprobe report: --window "10s": .* from 1m to 3660d .*')
expect("nothing to compare with", ["report", "--compare"], 64,
       stderr="edgeprobe report: --compare needs a window .*")
expect("a report of two sources",
       ["report", "--store", "a", "--clickhouse", "http://[::1]"], 64,
       stderr="edgeprobe report: --store and --clickhouse exclude .*")
expect("nobody there", ["report", "--clickhouse", "http://127.0.0.1:1"], 75,
       stderr="edgeprobe report: ClickHouse at 127.0.0.1:1: .*")
expect("a password for nobody", ["report", "--password-file", "x"], 64,
       stderr="edgeprobe report: --password-file is for --clickhouse\n.*")
expect("a title of text", ["report", "--title", "x"], 64,
       stderr="edgeprobe report: --title is for --format html\n.*")
expect("a format that is none", ["report", "--format", "pdf"], 64,
       stderr='edgeprobe report: --format: "pdf" is none; use text, json, '
              "csv or html\n.*")
expect("each of an option that repeats counts",
       ["report", "--store", "/nowhere/a.db", "--store", "/nowhere/b.db"], 74,
       stderr="report: left out: /nowhere/a.db: .*"
              "report: left out: /nowhere/b.db: .*"
              "edgeprobe report: none of 2 stores can be read; .*")
expect("an option that repeats too often",
       ["report"] + ["--store", "a"] * 257, 64,
       stderr="edgeprobe report: --store is there more than 256 times\n.*")
with tempfile.NamedTemporaryFile("w+") as kept:
    kept.write("the report before")
    kept.flush()
    expect("no report instead of another",
           ["report", "--store", "/nowhere/a.db", "-o", kept.name], 74,
           stderr="edgeprobe report: /nowhere/a.db: .*")
    check("the file is as it was",
          open(kept.name).read() == "the report before")
versions = json.loads(run("version", "--json").stdout)
check("versions of the libraries",
      {"edgeprobe", "libuv", "c-ares", "libcurl", "sqlite", "cjson",
       "zlib"} <= set(versions), versions)
parts = [json.loads(line) for line in
         run("version", "--licences", "--json").stdout.splitlines()]
licences = {p["name"]: p for p in parts if "licence" in p}
check("licences of what is part of the program",
      "Permission is hereby granted" in licences["edgeprobe"]["text"] and
      all(p["version"] and len(p["text"]) > 100 for p in licences.values()) and
      {"libuv", "openssl"} <= {p["name"] for p in parts} - set(licences),
      parts)
check("which are the drawing libraries', too",
      set(licences) in ({"edgeprobe"}, {
          "edgeprobe", "uplot", "d3-array", "d3-geo", "internmap",
          "topojson-client", "world-atlas"}), set(licences))
text = run("version", "--licences").stdout.decode()
check("licences for people",
      all(f"{name} {part['version']}, {part['licence']}\n\n" in text
          for name, part in licences.items()), text[:200])

# ---- targets

for what, target in (("unknown scheme", "udp://a"), ("port 0", "tcp://a:0"),
                     ("port 65536", "tcp://a:65536"),
                     ("port x", "tcp://a:x"), ("empty host", "tcp://"),
                     ("empty host with a port", "tcp://:443"),
                     ("empty target", ""),
                     ("a name of 300 bytes", "icmp://" + "a" * 300),
                     ("a blank in a name", "icmp://a b"),
                     ("half a bracket", "tcp://[::1"),
                     ("a port for icmp", "icmp://a:7")):
    expect(f"target: {what}", ["probe", "--count", "1", target], 64,
           stderr="edgeprobe probe: .+\n.*")

# ---- stdout

with open("/dev/full", "wb") as full:
    expect("stdout is full", ["help"], 74, stdout=None,
           stderr="edgeprobe: writing to stdout: No space left on device\n",
           out_to=full)
reader, writer = os.pipe()
os.close(reader)
expect("nobody reads stdout", ["help"], 74, out_to=writer)
os.close(writer)
closed = subprocess.run(["sh", "-c", '"$0" help >&-', PROGRAM], check=False,
                        stderr=subprocess.PIPE, timeout=60)
check("stdout is closed", closed.returncode == 74 and
      b"writing to stdout: Bad file descriptor" in closed.stderr, closed)

# ---- configuration

folder = tempfile.TemporaryDirectory()
path = os.path.join(folder.name, "x.json")
DEEP = b"[" * (17 * 1024 * 1024)
CASES = (
    ("unknown key", b'{\n  "tagrets": []}', "2:3",
     'unknown key "tagrets" in the configuration, did you mean "targets"?'),
    ("duplicate key", b'{"agent": "a", "agent": "b"}', "1:16",
     '"agent" is in the configuration twice, once is allowed'),
    ("wrong type", b'{"agent": 1}', "1:11",
     '"agent" is 1, a text of 1 to 64 bytes is allowed'),
    ("out of bounds", b'{"targets": [{"host": "a", "port": 0}]}', "1:36",
     '"port" is 0, a whole number from 1 to 65535 is allowed'),
    ("an empty host", b'{"targets": [{"host": ""}]}', "1:23",
     '"host" is "", a text of 1 to 253 bytes is allowed'),
    ("a host of 300 bytes",
     b'{"targets": [{"host": "' + b"a" * 300 + b'"}]}', "1:23",
     '"host" is "' + "a" * 59 + "..., a text of 1 to 253 bytes is allowed"),
    ("bad UTF-8", b'{"agent": "\xff"}', "1:12",
     "byte 0xff is not UTF-8: the file has to be saved as UTF-8"),
    ("a NUL", b"{}\0", "1:3",
     "a NUL byte: the file has to be text in UTF-8"),
    ("17 MiB of nesting", DEEP, "1:1",
     "cannot be read: File too large, at most 16 MiB is allowed"),
    ("1 MiB of nesting", DEEP[:1024 * 1024], "1:33",
     "nested too deep: at most 32 levels are allowed"),
    ("1 MiB of objects", (b'{"a":' * 209715), "1:161",
     "nested too deep: at most 32 levels are allowed"),
    ("empty", b"", "1:1", "empty: at least {} is expected"),
    ("trailing garbage", b"{}\n}", "2:1",
     "nothing is allowed after the closing bracket"),
    ("an unknown circuit",
     b'{"targets": [{"host": "a", "circuits": ["x"]}]}', "1:41",
     'there is no circuit "x", configured are: none'),
    ("an unknown probe",
     b'{"targets": [{"host": "a", "probes": ["udp"]}]}', "1:39",
     '"probes" is "udp", each of "icmp", "tcp", "https" and "stun" once is '
     "allowed"),
    ("an unknown scheme", b'{"destinations": [{"name": "a", "url": "ftp://a"}'
     b"]}", "1:40",
     '"url" is "ftp://a", https://, http:// to this machine, or file:///DIR/ '
     "is allowed"),
)


def reject(what, name, where, why, **kwargs):
    line = re.escape(f"{name}:{where}: {why}\n")
    expect(f"check-config: {what}", ["check-config", name], 78, stderr=line,
           **kwargs)
    expect(f"run: {what}", ["run", "--config", name, "--duration", "1s"], 78,
           stderr=line, **kwargs)


for what, content, where, why in CASES:
    with open(path, "wb") as out:
        out.write(content)
    reject(what, path, where, why)
reject("a missing file", path + "x", "1:1", "cannot be read: No such file or "
       "directory, the path of a file is expected")
reject("a directory", folder.name, "1:1",
       "cannot be read: Is a directory, a file is expected")


def nobody_may_run_it():
    """Not where the checkout stands in a folder that only root may enter."""
    try:
        return run("version", user=NOBODY).returncode == 0
    except PermissionError:
        return False


os.chmod(path, 0)
if os.geteuid() != 0:
    reject("an unreadable file", path, "1:1",
           "cannot be read: Permission denied, it has to be readable by the "
           "user that runs edgeprobe")
elif nobody_may_run_it():
    os.chmod(folder.name, 0o755)
    reject("an unreadable file", path, "1:1",
           "cannot be read: Permission denied, it has to be readable by the "
           "user that runs edgeprobe", user=NOBODY)
os.chmod(path, 0o600)

with open(path, "w", encoding="utf-8") as out:
    out.write('{"targets": [{"host": "a", "port": 0}],\n"x": 1,\n'
              '"store": {"max_size": "1B"}}')
expect("every problem is said", ["check-config", path], 78,
       stderr=r"[^\n]*:1:36: [^\n]*\n[^\n]*:2:1: [^\n]*\n"
              r"[^\n]*:3:23: [^\n]*\n")
with open(path, "w", encoding="utf-8") as out:
    out.write('// fine\n{"targets": [{"host": "a"}], "destinations": ['
              '{"name": "d", "url": "https://a/?sig=hush"}]}')
expect("a good file", ["check-config", path], 0,
       stdout=re.escape(path) + ": valid: 1 target, 0 circuits, "
                                "1 destination\n")
printed = expect("--print", ["check-config", "--print", path], 0,
                 stdout=r"\{.*\}\n")
check("--print masks secrets", "hush" not in printed, printed)
check("--print is JSON", json.loads(printed)["targets"][0]["host"] == "a")
with open(path, "w", encoding="utf-8") as out:
    out.write(printed)
expect("what is printed prints the same", ["check-config", "-p", path], 0,
       stdout=re.escape(printed))

folder.cleanup()
print(f"cli: {len(failures)} failed")
sys.exit(1 if failures else 0)
