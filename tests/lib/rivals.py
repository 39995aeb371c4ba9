# SPDX-License-Identifier: Apache-2.0
"""A disk for bench-cell: an empty environment, the relays' program, and what a cell is measured
against, Debian's bubblewrap, crun and runc with their libraries, as this machine has them."""

import pathlib
import re
import shutil
import subprocess
import tempfile

from lib.gateway import ROOT

PROGRAMS = ROOT / "build" / "programs"
OTHERS = ("/usr/bin/bwrap", "/usr/bin/crun", "/usr/sbin/runc")
FOLDERS = ("proc", "dev", "sys", "run", "tmp", "rivals/environment")
ENVIRONMENT = ("proc", "dev", "tmp", "home/user", "run/kernel", "work", "etc", "usr/bin",
               "usr/lib/anchorhold")


def put(source, target):
    target.parent.mkdir(parents=True, exist_ok=True)
    shutil.copy2(source, target)
    target.chmod(0o755)


def put_with_libraries(program, tree):
    put(program, tree / program.lstrip("/"))
    listed = subprocess.run(["ldd", program], check=True, capture_output=True, text=True).stdout
    for path in re.findall(r"(/\S+) \(0x", listed):
        put(path, tree / path.lstrip("/"))


def fill(tree):
    for folder in FOLDERS:
        (tree / folder).mkdir(parents=True)
    root = tree / "rivals/root"
    for folder in ENVIRONMENT:
        (root / folder).mkdir(parents=True)
    put(PROGRAMS / "cell-init", root / "usr/lib/anchorhold/cell-init")
    put(PROGRAMS / "hostd", tree / "usr/sbin/hostd")
    for name in ("bench-true", "bench-calls"):
        put(PROGRAMS / name, root / "usr/bin" / name)
        put(PROGRAMS / name, tree / "usr/bin" / name)
    for program in OTHERS:
        put_with_libraries(program, tree)


def make_disk(path):
    """An erofs image, padded to whole sectors."""
    with tempfile.TemporaryDirectory() as folder:
        tree = pathlib.Path(folder) / "tree"
        tree.mkdir()
        fill(tree)
        subprocess.run(["mkfs.erofs", "--all-root", str(path), str(tree)], check=True,
                       capture_output=True)
    size = pathlib.Path(path).stat().st_size
    with open(path, "ab") as disk:
        disk.truncate((size + 4095) // 4096 * 4096)
    return path


def figures(text):
    """What bench-cell prints: {name: (value, unit)}; its other lines are what went wrong."""
    found = {}
    for line in text.splitlines():
        fields = line.split("\t")
        if len(fields) == 3:
            found[fields[0]] = (float(fields[1]), fields[2])
    return found
