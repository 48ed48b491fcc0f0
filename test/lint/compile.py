"""How a lint calls a compiler on a file of the tree."""
import os
import subprocess

LIBRARIES = ["libuv", "libcares", "libcurl", "libcjson", "sqlite3", "zlib"]


def from_pkg_config():
    out = subprocess.run(["pkg-config", "--cflags"] + LIBRARIES,
                         capture_output=True, text=True, check=False)
    return out.stdout.split()


FLAGS = ["-std=c11", "-D_GNU_SOURCE", '-DEDGEPROBE_VERSION="0"',
         '-DSEED_DIR="."', '-DDATA_DIR="."',  # given to some tests
         "-Wall", "-Wextra"] + from_pkg_config()


def flags(top, name):
    """The rooms that `name` sees as roots of its includes."""
    room = name.split("/")[0]
    roots = {
        "include": ["include"],
        "probes": ["include", "probes"],
        "agent": ["include", "agent"],
    }.get(room, ["include", "probes", "agent", "test"])
    return FLAGS + ["-I" + os.path.join(top, r) for r in roots]
