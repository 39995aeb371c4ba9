# SPDX-License-Identifier: Apache-2.0
"""A node without a machine: hostd-dev, whose monitor, link and relays are the product's own and
whose cells are none. ANCHORHOLD_NATIVE names the folder of the native build."""

import os
import pathlib
import signal
import subprocess

from lib import running
from lib.processes import children


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
        return [pid for pid, words in children(self.process.pid).items() if words[1:2] == [role]]

    def kernels(self):
        return [pid for pid, words in children(self.process.pid).items()
                if "lua-kernel" in words[0]]

    def stop(self):
        running.ended(self)
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGTERM)
            try:
                self.process.wait(20)
            except subprocess.TimeoutExpired:
                self.process.kill()
                self.process.wait()
