# SPDX-License-Identifier: Apache-2.0
"""The link's side of the gateway: strangers, liars and babblers."""

import contextlib
import os
import time
import uuid

import pytest
import zmq

import wire
from client import texts


class Peer:
    """A raw DEALER. One that is `immediate` may send only while a handshake is behind it, which
    through() tells; another's messages wait for that, and it may always."""

    def __init__(self, house, public=None, secret=None, server=None, port=None, identity=b"",
                 immediate=False):
        self.context = zmq.Context()
        self.socket = self.context.socket(zmq.DEALER)
        self.socket.linger = 0
        if secret:
            self.socket.curve_publickey, self.socket.curve_secretkey = public, secret
            self.socket.curve_serverkey = server
        if identity:
            self.socket.routing_id = identity
        self.socket.immediate = immediate
        self.socket.connect(f"tcp://127.0.0.1:{port or house.gateway.link_port}")

    def through(self):
        return bool(self.socket.poll(0, zmq.POLLOUT))

    def send(self, *parts):
        self.socket.send_multipart(parts, zmq.NOBLOCK)

    def receive(self, timeout=60000):
        return self.socket.recv() if self.socket.poll(timeout) else None

    def close(self):
        self.context.destroy(0)


@pytest.fixture
def keys(house):
    """A known node's keys and the gateway's."""
    reply = house.gateway.call("POST", "/api/anchorhold/nodes", {"name": "raw"}).json()
    secret = reply["node_key"].encode()
    return zmq.curve_public(secret), secret, reply["gateway_key"].encode()


def greeting(name="raw", boot=b"b" * 16):
    return wire.hello(boot, name, [{"name": "fake", "display_name": "F", "language": "f",
                                    "version": "1"}], [], [])


def test_a_known_node_is_welcomed(house, keys):
    peer = Peer(house, *keys)
    peer.send(greeting())
    assert peer.receive()[1] == wire.WELCOME
    assert house.gateway.nodes()["raw"]["state"] == "ready"
    peer.close()


def test_strangers_are_refused(house, keys):
    public, secret = zmq.curve_keypair()
    peers = [Peer(house, public, secret, keys[2]), Peer(house),
             Peer(house, keys[0], keys[1], zmq.curve_keypair()[0])]
    for peer in peers:
        with contextlib.suppress(zmq.Again):
            peer.send(greeting())
    house.gateway.wait_text("refused.key: 127.0.0.1: ")
    for peer in peers:
        assert peer.receive(500) is None
        peer.close()
    assert house.gateway.nodes()["raw"]["state"] == "never seen"


def test_a_name_proves_nothing(house, keys):
    """A node that calls itself by another's name stays who its key says it is."""
    house.gateway.call("POST", "/api/anchorhold/nodes", {"name": "victim"})
    peer = Peer(house, *keys)
    peer.send(greeting("victim"))
    assert peer.receive()[1] == wire.WELCOME
    nodes = house.gateway.nodes()
    assert nodes["raw"]["state"] == "ready" and nodes["victim"]["state"] == "never seen"
    peer.close()


def test_a_node_cannot_speak_for_anothers_kernel(house, keys):
    node = house.node()
    kernel = house.start()
    client = house.client(kernel)
    client.run("print x")
    session = list(node.kernel(kernel).sessions)[0]
    raw_id = uuid.UUID(kernel).bytes
    peer = Peer(house, *keys)
    peer.send(greeting())
    assert peer.receive()[1] == wire.WELCOME
    peer.send(wire.kernel(raw_id, 9, wire.DEAD, wire.WHY_MEMORY))
    peer.send(wire.refused(raw_id, session, 1, wire.SHELL, wire.E_BUSY))
    blob = wire.blob([b"{}"] * 4)
    peer.send(wire.out(raw_id, 1, session, 99, wire.IOPUB, len(blob), 0, blob))
    for number in range(1, 20):
        peer.send(wire.result(number, wire.E_SYSTEM))
    time.sleep(0.3)
    assert texts(client.run("print mine")) == "mine"
    assert house.gateway.call("GET", f"/api/kernels/{kernel}").json()["execution_state"] == "idle"
    peer.close()


def babble():
    yield "nothing", (b"",)
    yield "one byte", (b"\x01",)
    yield "version before", (bytes([wire.VERSION - 1]) + greeting()[1:],)
    yield "version to come", (bytes([wire.VERSION + 1]) + greeting()[1:],)
    yield "type", (bytes([wire.VERSION, 0x63]),)
    yield "gateway's own type", (wire.frame(wire.WELCOME, bytes(16)),)
    yield "cut", (greeting()[:-1],)
    yield "long", (greeting() + b"x",)
    yield "noise", (os.urandom(1000),)
    yield "many parts", (greeting(), b"more", b"and more")
    yield "empty parts", (b"",) * 50
    yield "no hello first", (wire.status(3),)
    yield "zeros", (bytes(80 * 1024),)


@pytest.mark.parametrize("parts", [row[1] for row in babble()], ids=[row[0] for row in babble()])
def test_babble(house, keys, parts):
    peer = Peer(house, *keys)
    for _ in range(3):
        peer.send(*parts)
    time.sleep(0.2)
    assert house.gateway.call("GET", "/api").status == 200
    assert house.gateway.nodes()["raw"]["state"] == "never seen"
    peer.close()
    other = Peer(house, *keys)
    other.send(greeting())
    assert other.receive()[1] == wire.WELCOME
    other.close()


def test_the_newest_connection_speaks(house, keys):
    one = Peer(house, *keys)
    one.send(greeting())
    assert one.receive()[1] == wire.WELCOME
    two = Peer(house, *keys)  # let in after the first has joined: its own join is judged
    two.send(greeting())
    assert two.receive()[1] == wire.WELCOME
    try:
        one.send(wire.event(1, "old.connection"))
    except zmq.Again:
        pass  # the gateway has ended that connection
    two.send(wire.event(1, "new.connection"))
    assert two.receive()[1] == wire.EVENT_ACK
    assert one.receive(300) is None
    kinds = [e["kind"] for e in house.gateway.call("GET", "/api/anchorhold/events").json()]
    assert kinds == ["new.connection"]
    one.close(), two.close()


def test_output_that_does_not_fit(house):
    """A node that breaks the rules of chunks costs its client the connection, nobody else."""
    node = house.node()
    kernel, other = house.start(), house.start()
    client, bystander = house.client(kernel), house.client(other)
    client.run("print x"), bystander.run("print x")
    inner = node.kernel(kernel)
    session = list(inner.sessions)[0]
    node.call(lambda: node.send(wire.out(inner.id, 1, session, 99, wire.IOPUB, 1000, 500, b"x")))
    assert client.closed() == 1011
    assert texts(bystander.run("print on")) == "on"
