"""What the lints share: the files of a tree, C without its comments, findings.

A lint is a program that takes the root of a tree (default: this checkout),
prints `file:line: why` for each finding and exits 1 when there was one.
"""
import os
import re
import subprocess
import sys

HERE = os.path.dirname(os.path.abspath(__file__))
PLANTED = "test/lint/bad/"  # meant to be rejected; not part of the tree


def root():
    if len(sys.argv) > 1:
        return sys.argv[1]
    return os.path.dirname(os.path.dirname(HERE))


def from_git(top):
    """Tracked files and new ones that are not ignored; None outside git."""
    if not os.path.exists(os.path.join(top, ".git")):
        return None
    out = subprocess.run(
        ["git", "-c", "safe.directory=*", "-C", top, "ls-files", "-z",
         "--cached", "--others", "--exclude-standard"],
        capture_output=True, text=True, check=False)
    if out.returncode != 0:
        return None
    return [name for name in out.stdout.split("\0") if name]


def from_disk(top):
    for where, dirs, names in os.walk(top):
        dirs[:] = [d for d in dirs if not d.startswith(("build", ".git"))]
        for name in names:
            yield os.path.relpath(os.path.join(where, name), top)


def files(top, suffixes=(), rooms=()):
    """Names relative to `top`, sorted; only these suffixes and rooms if any."""
    found = from_git(top)
    if found is None:
        found = from_disk(top)
    for name in sorted(set(found)):
        if name.startswith(PLANTED) or name == "EXPECT":
            continue
        if suffixes and not name.endswith(tuple(suffixes)):
            continue
        if rooms and not name.startswith(tuple(rooms)):
            continue
        if os.path.isfile(os.path.join(top, name)):
            yield name


def read(top, name):
    with open(os.path.join(top, name), "rb") as f:
        return f.read().decode("utf-8", "replace")


TOKEN = re.compile(
    r'/\*.*?\*/|//[^\n]*|"(?:\\.|[^"\\\n])*"|\'(?:\\.|[^\'\\\n])*\'', re.S)


def blank(text):
    return re.sub(r"[^\n]", " ", text)


def without_comments(text):
    """The same lines and columns, comments turned into spaces."""
    return TOKEN.sub(
        lambda m: blank(m[0]) if m[0].startswith("/") else m[0], text)


def code_only(text):
    """As above, and what stands between quotes turned into spaces too."""
    def hide(m):
        if m[0].startswith("/"):
            return blank(m[0])
        return m[0][0] + blank(m[0][1:-1]) + m[0][-1]
    return TOKEN.sub(hide, text)


def line_of(text, offset):
    return text.count("\n", 0, offset) + 1


def includes(text):
    """(line, name, quoted) of each #include."""
    for m in re.finditer(r'^[ \t]*#[ \t]*include[ \t]*([<"])([^>"]+)[>"]',
                         without_comments(text), re.M):
        yield line_of(text, m.start()), m[2], m[1] == '"'


class Findings:
    def __init__(self):
        self.seen = set()

    def add(self, name, line, why):
        finding = f"{name}:{line}: {why}"
        if finding not in self.seen:
            print(finding)
        self.seen.add(finding)

    def leave(self):
        sys.exit(1 if self.seen else 0)
