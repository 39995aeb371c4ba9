# SPDX-License-Identifier: Apache-2.0
"""What a node refused of a gateway is an event of its own, and comes to one that is honest: of one
with the right key that says a message again or talks nonsense, while an honest one is there; of what
cannot prove the key, once it is back, though the node's monitor died in between. One event for
whatever was tried, and then a number. The node is a native one."""

import hashlib
import re
import signal
import time
import uuid

import pytest
import zmq
from zmq.utils import z85

from lib.forwarder import Forwarder
from lib.gateway import Gateway
from lib.native import NativeNode
from lib.wait import wait
from protocol import anchorhold_link as link
from test_false_gateway import Frames, execute, message, reply

TRIES = 5  # to be counted; the node dials with pauses, so that they take about half a minute


def fingerprint(public):
    digest = hashlib.sha256(z85.decode(public)).digest()[:16].hex()
    return "-".join(digest[at:at + 4] for at in range(0, 32, 4))


class Node:
    """A native node, with an honest gateway that it may know or not."""

    def __init__(self, folder):
        self.gateway = Gateway(folder / "gateway").start()
        self.secret = self.gateway.database.with_name("gateway.db.key").read_text().strip()
        self.print = fingerprint(zmq.curve_public(self.secret.encode()))
        self.folder, self.node = folder / "node", None

    def start(self, *ports):
        conf = self.gateway.add_node("native", self.folder, f"127.0.0.1:{ports[0]}")
        path = conf / "node.conf"
        more = "".join(f"\ngateway = 127.0.0.1:{port}" for port in ports[1:])
        path.write_text(re.sub(r"(?m)^(gateway = .*)$", rf"\1{more}", path.read_text()))
        self.node = NativeNode(conf)

    def log(self, pattern):
        return re.findall(pattern, self.node.log.read_text())

    def events(self, text=""):
        rows = self.gateway.call("GET", "/api/anchorhold/events?last=1000").json()
        return [row["text"] for row in rows if row["kind"] == "refused.gateway" and
                row["node"] == "native" and text in row["text"]]

    def wait(self, true, what, timeout=120):
        wait(true, lambda: f"{what}: {self.events()}", timeout)

    def close(self):
        if self.node:
            self.node.stop()
        self.gateway.stop()


@pytest.fixture
def world(tmp_path):
    made = Node(tmp_path)
    yield made
    made.close()


def counted(texts):
    """The sum of all that they tell."""
    date = r"\d{4}-\d\d-\d\dT[0-9:]{8}\.\d{3}000Z"
    return sum(int(re.search(rf": (\d+), from {date} to {date}$", text)[1]) for text in texts)


class Accused(Frames):
    """One with the honest gateway's key. It gives the ticket that it is shown, which keeps the
    node from being locked at the honest one."""

    def join(self, timeout=120):
        deadline = time.monotonic() + timeout
        while time.monotonic() < deadline:
            name, value = self.take(deadline - time.monotonic() + 1)
            if name == "HELLO" and value["counter"]:
                self.send("WELCOME", gateway_epoch=7, time_ms=int(time.time() * 1000),
                          next_key=bytes(32), counter=value["counter"], tag=value["tag"])
            if name == "STATUS":
                return
        raise TimeoutError("it is not let in")

    def heard(self):
        """Kinds of the events that it was told."""
        found = set()
        while self.socket.poll(0):
            _, frame = self.socket.recv_multipart()
            name, value = link.unpack(frame)
            if name == "EVENT":
                found.add(value["kind"])
        return found


def test_with_the_right_key_beside_an_honest_one(world):
    """It stands first in node.conf, and hears nothing of what it did."""
    false = Accused(world.secret.encode())
    try:
        world.start(false.port, world.gateway.link_port)
        world.gateway.wait_node("native")
        false.join()
        made = world.gateway.call("POST", "/api/kernels", {"name": "lua"})
        assert made.status == 201, made.body
        kernel = uuid.UUID(made.json()["id"]).bytes
        false.attach(kernel, 11)
        said = message(kernel, 11, 1, execute("print(1)"))
        false.send("IN", **said)
        assert reply(false, kernel)["execution_count"] == 1
        where = f"127.0.0.1:{false.port}: it sent "
        assert world.events(where) == []
        for _ in range(20):
            false.send("IN", **said)
        false.send("IN", **{**said, "session": 12})
        world.wait(lambda: world.events(where + "a message said before"), "nobody is told")
        assert "refused.gateway" not in false.heard()
        false.socket.send_multipart([false.route, b"nonsense"])
        world.wait(lambda: world.events(where + "what is no frame"), "nobody is told")
        told = world.events(where)
        assert len(told) <= 4 and all(f"the key {world.print}: " in text for text in told), told
        assert counted(world.events("what is no frame")) == 1
        assert world.gateway.nodes()["native"]["state"] == "ready"
        assert "memory" in world.gateway.cli("kernel", "usage", made.json()["id"]).stdout
    finally:
        false.context.destroy(0)


NO_PROOF = "does not prove that it holds the gateway's key"


@pytest.fixture
def swapped(world):
    """The node's one way leads to a ROUTER of another key, and can be led to the honest one."""
    other = Frames(zmq.curve_keypair()[1])
    way = Forwarder(other.port)
    world.start(way.port)

    def honest():
        way.target = world.gateway.link_port
        world.gateway.wait_node("native")
    world.address = f"127.0.0.1:{way.port}"
    yield honest
    way.close()
    other.context.destroy(0)


def test_without_the_key_and_a_monitor_that_dies(world, swapped):
    """It is in the journal before anybody is there to be told."""
    world.wait(lambda: world.log("refused.gateway: "), "it is no event")
    world.node.process.send_signal(signal.SIGKILL)
    world.node.process.wait()
    assert world.events() == []
    world.node = NativeNode(world.folder)
    swapped()
    world.wait(world.events, "nobody is told")
    told = world.events()[0]
    assert told.startswith(f"{world.address}: what answers there did not prove that it holds the "
                           f"pinned key {world.print}: "), told


def test_without_the_key_many_times(world, swapped):
    """The first at once; the others as a number, when the honest gateway has the first."""
    world.wait(lambda: len(world.log(NO_PROOF)) >= TRIES, "it is not dialled again")
    assert len(world.log("refused.gateway: ")) == 1, "one is enough while nobody hears of it"
    swapped()
    world.wait(lambda: counted(world.events()) == len(world.log(NO_PROOF)), "not all are told")
    assert len(world.events()) <= 3
