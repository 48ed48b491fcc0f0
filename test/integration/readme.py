#!/usr/bin/env python3
"""Every command of README.md is run, here or by the test that is named."""
import json
import os
import re
import subprocess
import sys
import tempfile

TOP = os.environ["TEST_TOP"]
PROGRAM = os.environ["EDGEPROBE"]
sys.path.insert(0, f"{TOP}/test/lab")
import lab  # noqa: E402

# What a test of its own runs, or this very run is.
ELSEWHERE = {
    "sudo packaging/quickstart": "test/integration/quickstart.sh",
    "packaging/build-deb": "test/integration/deb.sh",
    "sudo apt-get install ./dist/edgeprobe_*.deb": "test/integration/deb.sh",
    "sudo test/run": "test/run",
    "edgeprobe status": "test/integration/commands.py",
}


def fail(what, done=None):
    print("FAIL:", what)
    if done is not None:
        print(done.stdout, done.stderr)
    sys.exit(1)


def blocks(text, language):
    return re.findall(rf"```{language}\n(.*?)```", text, re.S)


def run_in(branch, words, env, seconds=60):
    return subprocess.run(
        ["ip", "netns", "exec", branch.env["LAB_BRANCH_NS"], *words],
        env=env, text=True, capture_output=True, timeout=seconds, check=False,
        stdin=subprocess.DEVNULL)


def run_command(branch, command, env):
    words = command.split()
    if words[0] != "edgeprobe":
        fail(f"nothing runs this command: {command}")
    words[0] = PROGRAM
    if words[1] == "probe" and "--count" not in words:
        # It runs until Ctrl-C.
        words = ["timeout", "--preserve-status", "-s", "INT", "3", *words]
    done = run_in(branch, words, env)
    if done.returncode != 0 or not done.stdout.strip():
        fail(f"{command}: exit {done.returncode}", done)
    print("ok", command)


def check_configuration(text, folder):
    path = f"{folder}/edgeprobe.json"
    with open(path, "w", encoding="utf-8") as f:
        f.write(text)
    with open(f"{folder}/hq.token", "w", encoding="utf-8") as f:
        f.write("secret\n")
    done = lab.run(PROGRAM, "check-config", path)
    if done.returncode != 0:
        fail("the configuration", done)
    printed = json.loads(lab.run(PROGRAM, "check-config", "--print",
                                 path).stdout)
    names = [t["name"] for t in printed["targets"]]
    if names != ["exchange", "router"]:
        fail(f"the configuration's targets: {names}")
    print("ok the configuration")


def main():
    with open(f"{TOP}/README.md", encoding="utf-8") as f:
        readme = f.read()
    commands = [line for block in blocks(readme, "sh")
                for line in block.splitlines() if line.strip()]
    if len(commands) < 8:
        fail(f"only {len(commands)} commands were found")
    with tempfile.TemporaryDirectory() as folder:
        for text in blocks(readme, "json"):
            check_configuration(text, folder)
        l = lab.Lab(f"{TOP}/build/release", f"{folder}/lab")
        if l.up.returncode == 77:
            print(l.up.stderr.strip())
            sys.exit(77)
        with l as branch:
            env = dict(os.environ, SSL_CERT_FILE=branch.env["LAB_CA"],
                       STATE_DIRECTORY=f"{folder}/state", LC_ALL="C")
            done = run_in(branch, [PROGRAM, "run", "--duration", "12s"], env)
            if done.returncode != 0:
                fail("run", done)
            for command in commands:
                if command in ELSEWHERE:
                    if not os.access(f"{TOP}/{ELSEWHERE[command]}", os.X_OK):
                        fail(f"{command}: its test is gone")
                    continue
                run_command(branch, command, env)


main()
