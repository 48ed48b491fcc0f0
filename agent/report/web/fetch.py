#!/usr/bin/env python3
"""Installs the libraries that the page is drawn with, once.

fetch.py FOLDER package.json package-lock.json

FOLDER/node_modules then is what the lock file says, and is left alone as long as
that stays the same. Exit 1 and one line on what is missing.
"""
import fcntl
import os
import shutil
import subprocess
import sys

SECONDS = 120
INSTALL = ["npm", "ci", "--ignore-scripts", "--no-audit", "--no-fund",
           "--prefer-offline", "--omit=dev", "--fetch-retries=1",
           "--fetch-retry-mintimeout=1000", "--fetch-timeout=30000"]


def fail(why):
    print(why)
    sys.exit(1)


def read(path):
    try:
        with open(path, encoding="utf-8") as f:
            return f.read()
    except FileNotFoundError:
        return None


def is_there(folder, lock):
    """The mark is written last, so what is half installed has none."""
    return read(f"{folder}/installed") == read(lock)


def install(folder, plan, lock):
    if not shutil.which("npm"):
        fail("npm is not installed (Debian, Ubuntu: npm; Fedora: nodejs-npm)")
    shutil.copyfile(plan, f"{folder}/package.json")
    shutil.copyfile(lock, f"{folder}/package-lock.json")
    try:
        done = subprocess.run(INSTALL, cwd=folder, timeout=SECONDS,
                              stdin=subprocess.DEVNULL, capture_output=True,
                              text=True, check=False)
    except subprocess.TimeoutExpired:
        fail(f"npm did not bring the page's libraries within {SECONDS} s; "
             "the package registry has to be within reach")
    if done.returncode != 0:
        sys.stderr.write(done.stderr)
        fail("npm could not bring the page's libraries; the package registry "
             "has to be within reach")
    shutil.copyfile(lock, f"{folder}/installed")


def main():
    folder, plan, lock = map(os.path.abspath, sys.argv[1:])
    if is_there(folder, lock):
        return
    try:
        os.makedirs(folder, exist_ok=True)
        with open(f"{folder}/busy", "w", encoding="utf-8") as busy:
            fcntl.flock(busy, fcntl.LOCK_EX)  # build folders may share it
            if not is_there(folder, lock):
                install(folder, plan, lock)
    except OSError as e:
        fail(f"{e.filename}: {e.strerror}")


main()
