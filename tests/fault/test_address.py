# SPDX-License-Identifier: Apache-2.0
"""The booted image's address is another one after its lease is renewed, while a kernel prints."""

import re

import pytest

from lib.client import start_kernel
from lib.lines import Client, numbered
from lib.room import LEASE as BEFORE
from lib.room import room

AFTER = "10.78.0.61"


@pytest.fixture
def moving(tmp_path):
    with room(tmp_path) as made:
        yield made


def test_another_address(moving):
    gateway, node, line = moving.gateway, moving.node, moving.line
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
