# SPDX-License-Identifier: Apache-2.0
"""The node's link between two gateways of one key: an honest one, whose kernel it serves all the
time, and one that does to it what it likes before it proves who it is. The node is a native one.

What one does that has the right key, tests/cell/test_false_gateway.py says.
"""

import contextlib
import os
import re
import socket
import struct
import threading
import time

import pytest

from lib.gateway import Gateway
from lib.native import NativeNode
from lib.wait import wait
from test_false_gateway import memory

SPARE_KIB = 12 << 10  # its ceilings (link/socket.h) come to 9 MiB for each gateway
SIGNATURE = b"\xff" + bytes(8) + b"\x7f"
GREETING = SIGNATURE + b"\x03\x01" + b"CURVE".ljust(20, b"\0") + b"\x01" + bytes(31)


class Between:
    """A node whose first gateway is honest and whose second, at `port`, is the test's."""

    def __init__(self, folder, port):
        self.gateway = Gateway(folder / "gateway").start()
        conf = self.gateway.add_node("native", folder / "node",
                                     f"127.0.0.1:{self.gateway.link_port}")
        path = conf / "node.conf"
        text = path.read_text()
        path.write_text(re.sub(r"(?m)^(gateway = .*)$", rf"\1\ngateway = 127.0.0.1:{port}", text))
        self.node = NativeNode(conf)
        self.gateway.wait_node("native", timeout=60)
        reply = self.gateway.call("POST", "/api/kernels", {"name": "lua"})
        assert reply.status == 201, reply.body
        self.kernel = reply.json()["id"]
        self.count, self.slowest = 0, 0.0
        self.serve()
        (self.role,) = self.node.children("link")
        self.before = memory(self.role)
        self.most = self.before

    def serve(self):
        """One execution through the honest gateway, in the midst of it all."""
        self.count += 1
        began = time.monotonic()
        done = self.gateway.cli("kernel", "usage", self.kernel)
        assert "memory" in done.stdout
        self.slowest = max(self.slowest, time.monotonic() - began)

    def measure(self):
        self.most = max(self.most, memory(self.role))

    def check(self):
        self.serve()
        self.measure()
        assert self.node.children("link") == [self.role], "it is another process"
        assert self.gateway.nodes()["native"]["state"] == "ready"
        up = self.gateway.log.read_text().count("node native: up")
        assert up == 1, "its honest gateway lost it"
        print(f"link grew by {self.most - self.before} KiB, slowest answer {self.slowest:.2f} s")
        assert self.most - self.before < SPARE_KIB

    def log(self):
        return self.node.log.read_text()

    def events(self, text):
        """Of the node's own, those that begin so."""
        rows = self.gateway.call("GET", "/api/anchorhold/events?last=1000").json()
        return [row for row in rows if row["kind"] == "refused.gateway" and
                row["node"] == "native" and row["text"].startswith(text)]

    def close(self):
        self.node.stop()
        self.gateway.stop()


@pytest.fixture
def between(tmp_path):
    """Makes a Between for a port."""
    made = []

    def make(port):
        made.append(Between(tmp_path, port))
        return made[-1]
    yield make
    for one in made:
        one.close()


class Raw:
    """A listener that says the same bytes to each who dials, and then what `more` yields."""

    def __init__(self, first, more=lambda: ()):
        self.first, self.more, self.count, self.over = first, more, 0, False
        self.listener = socket.create_server(("127.0.0.1", 0), backlog=64)
        self.port = self.listener.getsockname()[1]
        threading.Thread(target=self._run, daemon=True).start()

    def _run(self):
        while not self.over:
            try:
                peer, _ = self.listener.accept()
            except OSError:
                return
            self.count += 1
            threading.Thread(target=self._say, args=(peer,), daemon=True).start()

    def _say(self, peer):
        with contextlib.suppress(OSError), peer:
            peer.settimeout(60)
            peer.sendall(self.first)
            for data in self.more():
                peer.sendall(data)
            while peer.recv(65536):
                pass

    def close(self):
        self.over = True
        self.listener.shutdown(socket.SHUT_RDWR)
        self.listener.close()


def endless():
    end = time.monotonic() + 60
    while time.monotonic() < end:
        yield bytes(65536)


BEFORE = {
    "nothing": (b"", lambda: ()),
    "noise": (os.urandom(4096), lambda: ()),
    "half a greeting": (GREETING[:30], lambda: ()),
    "a greeting": (GREETING, lambda: ()),
    "NULL": (GREETING.replace(b"CURVE", b"NULL\0"), lambda: ()),
    "ZMTP 2.0": (SIGNATURE + b"\x01\x05\x00\x00", lambda: ()),
    "2^62 bytes": (GREETING + b"\x06" + struct.pack(">Q", 1 << 62), endless),
    "a message without end": (GREETING + b"\x03" + struct.pack(">Q", 65536), endless),
}


@pytest.mark.parametrize("how", BEFORE)
def test_before_the_handshake(between, how):
    """It is told of, dialled again with pauses, and nothing is kept of what it says."""
    raw = Raw(*BEFORE[how])
    try:
        both = between(raw.port)
        wait(lambda: raw.count >= 2, "it is not dialled again")
        both.measure()
        wait(lambda: "does not prove that it holds the gateway's key" in both.log(),
             "nobody is told")
        wait(lambda: both.events(f"127.0.0.1:{raw.port}: what answers there did not prove"),
             "its honest gateway is not told")
        both.check()
        assert raw.count < 100, "it is dialled without a pause"
    finally:
        raw.close()
