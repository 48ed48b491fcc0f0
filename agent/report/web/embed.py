#!/usr/bin/env python3
"""Makes the C file that holds what the page is drawn with.

embed.py --out FILE --licence FILE [--missing WHY | --modules FOLDER FILE...]

FILEs are this folder's style sheets and scripts, in the order in which they
stand in the page.
"""
import argparse
import base64
import hashlib
import json
import os
import re
import sys

# What of each library stands in the page. internmap is inside d3-array.
LIBRARIES = {
    "uplot": ["dist/uPlot.iife.min.js", "dist/uPlot.min.css"],
    "d3-array": ["dist/d3-array.min.js"],
    "d3-geo": ["dist/d3-geo.min.js"],
    "internmap": [],
    "topojson-client": ["dist/topojson-client.min.js"],
    "world-atlas": [],
}
LAND = "world-atlas/land-110m.json"
# What would end the element that the text stands in, or hide its end.
ENDS = re.compile(r"</(script|style)|<!--|\0", re.IGNORECASE)


def read(path):
    with open(path, encoding="utf-8") as f:
        return f.read()


def texts(names, suffix):
    """The contents of those files, each beginning on a line of its own."""
    return "".join(read(name).rstrip("\n") + "\n"
                   for name in names if name.endswith(suffix))


def checked(text, what):
    found = ENDS.search(text)
    if found:
        sys.exit(f"{what}: {found[0]!r} cannot stand in the page; write it in "
                 "another way")
    return text


def policy(text):
    """The source expression of a content security policy for that text."""
    digest = hashlib.sha256(text.encode()).digest()
    return f"'sha256-{base64.b64encode(digest).decode()}'"


def literal(text):
    """A C string, in lines of bounded length; NULL for none."""
    if text is None:
        return "NULL"
    lines = []
    data = text.encode()
    for at in range(0, len(data), 1024):
        escaped = "".join(
            chr(b) if 32 <= b < 127 and b not in b'"\\?' else f"\\{b:03o}"
            for b in data[at:at + 1024])
        lines.append(f'\t"{escaped}"')
    return "\n" + "\n".join(lines) if lines else '""'


def part(name, version, licence, text):
    return (f"\t{{ {literal(name)}, {literal(version)}, {literal(licence)},\n"
            f"{literal(text.strip() + chr(10))} }},\n")


def library(modules, name):
    about = json.loads(read(f"{modules}/{name}/package.json"))
    return part(name, about["version"], about["license"],
                read(f"{modules}/{name}/LICENSE"))


def page(modules, files):
    """Style, script and coastlines."""
    used = [f"{modules}/{name}/{file}" for name, files_of in LIBRARIES.items()
            for file in files_of]
    style = texts(used + files, ".css")
    script = (texts(used, ".js") + '(function () {\n"use strict";\n'
              + texts(files, ".js") + "})();\n")
    return (checked(style, "the style sheets"), checked(script, "the scripts"),
            checked(read(f"{modules}/{LAND}"), "the coastlines"))


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--out", required=True)
    parser.add_argument("--licence", required=True)
    parser.add_argument("--missing", default="")
    parser.add_argument("--modules", default="")
    parser.add_argument("files", nargs="*")
    args = parser.parse_args()
    style = script = land = None
    parts = part("edgeprobe", "", "MIT", read(args.licence))
    if not args.missing:
        modules = os.path.join(args.modules, "node_modules")
        style, script, land = page(modules, args.files)
        parts += "".join(library(modules, name) for name in LIBRARIES)
    fields = {
        "missing": args.missing or None,
        "style": style, "style_policy": style and policy(style),
        "script": script, "script_policy": script and policy(script),
        "land": land,
    }
    with open(args.out, "w", encoding="utf-8") as f:
        f.write('/* Made by embed.py. */\n#include "report/web/web.h"\n'
                "#include <stddef.h>\n\n"
                "static const struct web_part parts[] = {\n" + parts + "};\n\n"
                "const struct web web = {\n")
        for name, text in fields.items():
            f.write(f"\t.{name} = {literal(text)},\n")
        f.write("\t.parts = parts,\n"
                "\t.n_parts = sizeof(parts) / sizeof(parts[0]),\n};\n")


main()
