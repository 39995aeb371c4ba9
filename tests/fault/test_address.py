# SPDX-License-Identifier: Apache-2.0
"""The booted image's address is another one after its lease is renewed, while a kernel prints."""

import re

import pytest

from lib.client import start_kernel
from lib.gateway import Gateway, free_port
from lib.line import Space, Wire
from lib.lines import Client, numbered
from lib.node import TEST_IMAGE, Node

ROUTER, BEFORE, AFTER = "10.78.0.1", "10.78.0.50", "10.78.0.61"


@pytest.fixture
def room(tmp_path):
    """A gateway and a node that gets its address by DHCP over a line of ours."""
    with Space():
        node_port, our_port = free_port(), free_port()
        line = Wire(ROUTER, f"{our_port}:{node_port}")
        line.order(lease=BEFORE)
        gateway = Gateway(tmp_path / "gateway", ROUTER).start()
        conf = gateway.add_node("moving", tmp_path / "conf", f"{ROUTER}:{gateway.link_port}")
        node = Node(tmp_path / "node", conf, TEST_IMAGE).start(
            "--netdev", f"dgram,local.type=inet,local.host=127.0.0.1,local.port={node_port},"
            f"remote.type=inet,remote.host=127.0.0.1,remote.port={our_port}")
        try:
            gateway.wait_node("moving", timeout=240)
            yield gateway, node, line
        finally:
            node.stop()
            gateway.stop()
            line.close()


def test_another_address(room):
    gateway, node, line = room
    assert node.inside.run("cat /proc/sys/net/ipv4/tcp_mtu_probing").strip() == "1"
    assert f"address {BEFORE}/24" in node.inside.run("cat /run/anchorhold/network")
    client = Client(gateway, start_kernel(gateway, "lua"))
    asked = client.execute(numbered(1, 3000, seconds=0.02))
    client.until(10)
    line.order(lease=AFTER)  # the lease is asked for again after half a minute
    client.until(3000, 600)
    assert client.numbers() == list(range(1, 3001))
    # It took longer than a lease with the gateway, or not: who was sent away came back.
    assert client.repeats <= 100 and (client.connections > 1 or client.repeats == 0)
    assert client.answer(asked) == "ok"
    assert f"address {AFTER}/24" in node.inside.run("cat /run/anchorhold/network")
    log = node.inside.run("cat /run/anchorhold/log")
    assert re.search(r"gateway 0 lost.*gateway 0 reached", log, re.S), "the old connection ended"
    client.close()
