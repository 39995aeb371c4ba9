# SPDX-License-Identifier: Apache-2.0
"""A node of the tests' own: the real image in QEMU, and a look inside by the test agent."""

import pathlib
import select
import signal
import socket
import subprocess
import time

from lib import running
from lib.gateway import ROOT

IMAGE = ROOT / "build" / "image" / "qemu"
TEST_IMAGE = ROOT / "build" / "image" / "qemu-test"


class Inside:
    """Runs commands on a test image's node through its agent (tests/image/agent.c)."""

    def __init__(self, path):
        self.path, self.socket = path, None

    def _connect(self, timeout):
        deadline = time.monotonic() + timeout
        while self.socket is None:
            s = socket.socket(socket.AF_UNIX)
            try:
                s.connect(str(self.path))
                self.socket = s
            except OSError:
                s.close()
                if time.monotonic() > deadline:
                    raise
                time.sleep(0.1)

    def close(self):
        if self.socket is not None:
            self.socket.close()
            self.socket = None

    def _answer(self, timeout):
        data = b""
        deadline = time.monotonic() + timeout
        while not (data.endswith(b"\n") and b"\0" in data):
            left = deadline - time.monotonic()
            if left <= 0 or not select.select([self.socket], [], [], left)[0]:
                raise TimeoutError(f"no answer from the agent; so far {data!r}")
            got = self.socket.recv(65536)
            if not got:
                raise ConnectionError("the node is gone")
            data += got
        output, status = data.rsplit(b"\0", 1)
        return output.decode(errors="replace"), int(status)

    def run(self, command, timeout=60, check=True):
        assert "\n" not in command
        self._connect(timeout)
        try:
            self.socket.sendall(command.encode() + b"\n")
            output, status = self._answer(timeout)
        except OSError:
            self.close()  # a late answer must not be taken for the next command's
            raise
        code = status >> 8 if status & 0x7F == 0 else -(status & 0x7F)
        if check and code != 0:
            raise subprocess.CalledProcessError(code, command, output)
        return output if check else (code, output)


class Node:
    """One QEMU guest. `folder` takes its disk, console and sockets."""

    def __init__(self, folder, conf, image=IMAGE, size=None):
        self.folder = pathlib.Path(folder)
        self.folder.mkdir(parents=True, exist_ok=True)
        self.image = pathlib.Path(image)
        self.disk = self.folder / "disk.img"
        self.console = self.folder / "console.log"
        self.agent = self.folder / "agent.sock"
        self.pidfile = self.folder / "pid"
        self.process = None
        self.launcher = []  # in front of the launcher's own command: a namespace to start it in
        self.inside = Inside(self.agent)  # QEMU serves one connection at a time: there is one
        command = [str(ROOT / "board/qemu/disk"), "--image", str(self.image),
                   "--output", str(self.disk), "--node-conf", str(pathlib.Path(conf) / "node.conf")]
        key = pathlib.Path(conf) / "node.key"
        if key.exists():  # without one the node makes its own
            command += ["--node-key", str(key)]
        if size is not None:
            command += ["--size", str(size)]
        subprocess.run(command, check=True, capture_output=True, text=True)

    def start(self, *options):
        command = [*self.launcher, str(ROOT / "board/qemu/launch"), "--image", str(self.image),
                   "--disk", str(self.disk), "--console", str(self.console),
                   "--pidfile", str(self.pidfile), *options]
        if self.image.name.endswith("-test"):
            command += ["--agent", str(self.agent)]
        self.process = subprocess.Popen(command, stdin=subprocess.DEVNULL,
                                        stdout=open(self.folder / "launch.log", "ab"),
                                        stderr=subprocess.STDOUT)
        running.began(self, self.console)
        return self

    def text(self):
        return self.console.read_text(errors="replace") if self.console.exists() else ""

    def wait_text(self, wanted, timeout=60):
        deadline = time.monotonic() + timeout
        while time.monotonic() < deadline:
            if wanted in self.text():
                return
            if self.process.poll() is not None and wanted not in self.text():
                raise RuntimeError(f"QEMU ended ({self.process.returncode}) without {wanted!r}:\n"
                                   + self.tail())
            time.sleep(0.05)
        raise TimeoutError(f"{wanted!r} is not on the console after {timeout} s:\n" + self.tail())

    def wait_end(self, timeout=60):
        return self.process.wait(timeout)

    def tail(self, lines=30):
        return "\n".join(self.text().splitlines()[-lines:])

    def cpu_seconds(self):
        fields = pathlib.Path(f"/proc/{self.process.pid}/stat").read_text().rsplit(")", 1)[1].split()
        return (int(fields[11]) + int(fields[12])) / 100

    def stop(self):
        self.inside.close()
        if self.process is None:
            return
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGTERM)
            try:
                self.process.wait(10)
            except subprocess.TimeoutExpired:
                self.process.kill()
                self.process.wait(10)
        running.ended(self)
        self.process = None
