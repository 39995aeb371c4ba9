# SPDX-License-Identifier: Apache-2.0
"""Fixtures of the gateway's own tests: a gateway of their own and fake nodes. No node is booted."""

import pathlib
import sys

import pytest

HERE = pathlib.Path(__file__).resolve().parent
sys.path[:0] = [str(HERE), str(HERE.parent)]

from fake_node import FakeNode  # noqa: E402
from lib.gateway import Gateway  # noqa: E402
from lib.wait import wait  # noqa: E402
from client import Client  # noqa: E402


class House:
    """A gateway and its fake nodes."""

    def __init__(self, folder):
        self.gateway, self.nodes = Gateway(folder).start(), {}

    def node(self, name="fake-1", state="ready", **options):
        reply = self.gateway.call("POST", "/api/anchorhold/nodes", {"name": name})
        assert reply.status == 201, reply.body
        keys = reply.json()
        node = FakeNode(name, f"tcp://127.0.0.1:{self.gateway.link_port}", keys["node_key"],
                        keys["gateway_key"], **options)
        self.nodes[name] = node
        node.start()
        if state:
            self.gateway.wait_node(name, state)
        return node

    def disconnect(self, node):
        """Cuts the node's connection, and waits until the gateway has closed its end as well."""
        connected = self._connections()
        node.call(node.disconnect)
        wait(lambda: self._connections() < connected, "the gateway keeps the connection")

    def rejoin(self, node):
        """The node's link dies; the gateway has taken its next HELLO."""
        before = self.ups(node.name_)
        node.reconnect()
        wait(lambda: self.ups(node.name_) > before, "it does not join")

    def ups(self, name):
        """How often the gateway took a HELLO of this node."""
        return self.gateway.log.read_text().count(f"node {name}: up,")

    def _connections(self):
        """Of its nodes: established (01), or closed by the node alone (08)."""
        lines = pathlib.Path("/proc/net/tcp").read_text().splitlines()[1:]
        ends = [line.split()[1::2][:2] for line in lines]
        return sum(local.endswith(f":{self.gateway.link_port:04X}") and state in ("01", "08")
                   for local, state in ends)

    def start(self, environment="fake", **body):
        reply = self.gateway.call("POST", "/api/kernels", {"name": environment, **body})
        assert reply.status == 201, reply.body
        return reply.json()["id"]

    def client(self, kernel, **options):
        return Client(self.gateway, kernel, **options)

    def close(self):
        for node in self.nodes.values():
            node.close()
        code = self.gateway.stop()
        assert code in (0, None), f"the gateway ended with {code}"


@pytest.fixture(scope="module")
def shared(tmp_path_factory):
    house = House(tmp_path_factory.mktemp("gateway"))
    try:
        house.node()
        yield house
    finally:
        house.close()


@pytest.fixture
def house(tmp_path):
    house = House(tmp_path / "gateway")
    try:
        yield house
    finally:
        house.close()
