# SPDX-License-Identifier: Apache-2.0
"""Names are resolved beneath a descriptor and through no link; what is not has its reason here."""

import re

from lib.gateway import ROOT

CALL = re.compile(r"(?<![a-z_])(open|openat|fopen|freopen|opendir|creat|mount|umount|umount2|symlink|"
                  r"rename|unlink|rmdir|mkdir|mknod|chmod|chown|lchown|truncate|stat|lstat|access|"
                  r"chdir|chroot)\(([^;{]*)")

# file: {the call's text: why no openat2 beneath a descriptor}
REASONS = {
    "cell_adopt.c": {"openat(proc, path": "thread-self is a magic link, of that procfs"},
    "coresched.c": {'open("/sys/devices/system/cpu/smt/active"': "sysfs of the node's own"},
    "egress.c": {'openat(proc, "thread-self/ns/net"': "a magic link, of a procfs proven to be one"},
    "host.c": {'open("/proc"': "the first descriptor: then proven to be procfs by its magic number"},
    "idmap.c": {"openat(proc, path": "a magic link, of that procfs and of our own unreaped child"},
    "kept.c": {'opendir(".")': "the keeper's root, which the thread is in; only names are read",
               'stat("."': "the same",
               "access(name": "a folder of the keeper's, which nobody but the monitor reaches"},
    "landlock.c": {'open("/"': "the cell's own root, which has no name but this"},
    "mountns.c": {'openat(proc, "thread-self/ns/mnt"': "a magic link, of that procfs",
                  'open("/"': "the root of a namespace just made"},
    "namespaces.c": {'openat(proc, path': "a magic link, of that procfs and of the cell's own PID 1"},
    "root.c": {'chdir(plan->fd[PLAN_WORKSPACE] >= 0 ? "/work" : "/home/user")':
               "in the final root, on mount points that were attached by descriptor"},
    "usage.c": {"open(path": "/sys/dev/block of the node's own",
                "access(text": "the same", "access(path": "the same",
                "stat(directory": "the monitor's own folder on the data disk"},
}


def sources():
    for path in sorted((ROOT / "hostd/cell").glob("*.c")):
        if not re.match(r"(test_|probe|cell_try|usage_try|attack)", path.name):
            yield path


def test_every_open_is_beneath_or_has_its_reason():
    found = {}
    for path in sources():
        text = re.sub(r"/\*.*?\*/", "", path.read_text(), flags=re.S)
        for match in CALL.finditer(text):
            found.setdefault(path.name, []).append(match.group(0))
    for name, calls in found.items():
        for call in calls:
            assert any(call.startswith(reason) for reason in REASONS.get(name, {})), (name, call)
    for name, reasons in REASONS.items():
        for reason in reasons:
            assert any(call.startswith(reason) for call in found.get(name, [])), (name, reason)


def test_beneath_means_beneath():
    header = (ROOT / "hostd/cell/sys.h").read_text()
    body = header[header.index("sys_open_beneath("):]
    body = body[:body.index("\n}")]
    for flag in ("SYS_RESOLVE_BENEATH", "SYS_RESOLVE_NO_SYMLINKS", "SYS_RESOLVE_NO_MAGICLINKS"):
        assert flag in body
    assert sum(path.read_text().count("sys_open_beneath(") for path in sources()) >= 15
