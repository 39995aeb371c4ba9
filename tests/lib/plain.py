# SPDX-License-Identifier: Apache-2.0
"""`hostd --plain` on this machine: a node of real cells without an image to boot."""

import pathlib
import re
import shutil
import signal
import subprocess

from lib.native import native
from lib.node import IMAGE


def cgroup2():
    for line in pathlib.Path("/proc/self/mountinfo").read_text().splitlines():
        if " - cgroup2 " in line:
            return pathlib.Path(line.split()[4])
    raise AssertionError("this machine has no cgroup2")


def add_tree(folder, environment, image=IMAGE):
    """An image's environment as a tree of the folder; its root."""
    image = image / "environments" / environment
    tree = pathlib.Path(folder) / "trees" / environment
    tree.mkdir(parents=True)
    subprocess.run(["fsck.erofs", f"--extract={tree}/root", str(image / "image")], check=True,
                   capture_output=True)
    shutil.copy(image / "manifest", tree / "manifest")
    return tree / "root"


class Plain:
    def __init__(self, folder):
        self.folder, self.process = folder, None
        self.stderr = folder.parent / "stderr"

    def run(self, *words):
        """To its end, which a refusal comes to at once."""
        return subprocess.run([native("hostd/plain/hostd"), "--plain", str(self.folder), *words],
                              capture_output=True, text=True, timeout=30)

    def missing(self):
        """What it says that this machine lacks, by its own refusal."""
        refused = self.run()
        assert refused.returncode == 1, refused.stderr
        return re.search(r"--lacking ([a-z,]+)$", refused.stderr, re.M).group(1)

    def start(self, lacking):
        self.process = subprocess.Popen(
            [native("hostd/plain/hostd"), "--plain", str(self.folder), "--lacking", lacking],
            stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=open(self.stderr, "wb"))
        return self

    def link(self):
        """The process of the link."""
        listed = subprocess.run(["pgrep", "-P", str(self.process.pid), "-f", "^hostd link"],
                                capture_output=True, text=True)
        return int(listed.stdout)

    def members(self, what, kernel="*"):
        """The processes of a kernel's `cell` or `relay`, or of all, by this node's cgroups."""
        status = self.folder.stat()
        tree = cgroup2() / f"anchorhold-plain-{status.st_dev:x}-{status.st_ino}"
        return [int(pid) for file in tree.glob(f"cells/{kernel}/{what}/cgroup.procs")
                for pid in file.read_text().split()]

    def stop(self, how=signal.SIGTERM):
        if self.process is None:
            return None
        self.process.send_signal(how)
        code = self.process.wait(30)
        self.process = None
        return code
