# SPDX-License-Identifier: Apache-2.0
"""A node without a machine: hostd-dev, whose monitor, link and relays are the product's own and
whose cells are none. ANCHORHOLD_NATIVE names the folder of the native build."""

import os
import pathlib
import signal
import subprocess

from lib import running


def native(name):
    """A program of the native build that ./build.sh makes for tests and benches."""
    return str(pathlib.Path(os.environ["ANCHORHOLD_NATIVE"]) / name)


class NativeNode:
    """`launcher` stands before the command: a namespace to run it in."""

    def __init__(self, conf, launcher=()):
        self.folder = pathlib.Path(conf)
        self.log = self.folder / "hostd.log"
        environment = dict(os.environ, ANCHORHOLD_DEV_LUA=native("environments/lua/lua-kernel"))
        self.process = subprocess.Popen(
            [*launcher, native("hostd/hostd-dev"), str(self.folder)], env=environment,
            stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=open(self.log, "ab"))
        running.began(self, self.log)

    def children(self, role):
        """The processes of a role: link or relay."""
        found = []
        pids = pathlib.Path(f"/proc/{self.process.pid}/task/{self.process.pid}/children")
        for pid in pids.read_text().split():
            words = pathlib.Path(f"/proc/{pid}/cmdline").read_bytes().split(b"\0")
            if len(words) > 1 and words[1] == role.encode():
                found.append(int(pid))
        return found

    def stop(self):
        running.ended(self)
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGTERM)
            try:
                self.process.wait(20)
            except subprocess.TimeoutExpired:
                self.process.kill()
                self.process.wait()
