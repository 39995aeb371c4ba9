# SPDX-License-Identifier: Apache-2.0
"""A gateway with a native node: enough where what dies is no part of the node's own machine."""

import pytest

from lib.gateway import Gateway
from lib.lines import Client
from lib.native import NativeNode


class House:
    """Everything of one test, and its end."""

    def __init__(self, folder):
        self.gateway = Gateway(folder / "gateway").start()
        self.clients, self.node = [], None
        conf = self.gateway.add_node("native", folder / "node",
                                     f"127.0.0.1:{self.gateway.link_port}")
        self.node = NativeNode(conf)
        self.gateway.wait_node("native")

    def client(self, kernel, **options):
        self.clients.append(Client(self.gateway, kernel, **options))
        return self.clients[-1]

    def close(self):
        for client in self.clients:
            client.close()
        self.node.stop()
        self.gateway.stop()


@pytest.fixture
def house(tmp_path):
    house = House(tmp_path)
    try:
        yield house
    finally:
        house.close()
