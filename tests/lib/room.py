# SPDX-License-Identifier: Apache-2.0
"""A gateway, and a booted node at the end of a line of ours, from which it gets its address by DHCP."""

import contextlib

from lib.gateway import Gateway, free_port
from lib.line import Space, Wire
from lib.node import TEST_IMAGE, Node

ROUTER, LEASE = "10.78.0.1", "10.78.0.50"


class Room:
    """The node goes by the name `moving`; first: the line's orders from the beginning."""

    def __init__(self, folder, stack, first):
        node_port, our_port = free_port(), free_port()
        self.line = Wire(ROUTER, f"{our_port}:{node_port}")
        stack.callback(self.line.close)
        self.line.order(**first)
        self.gateway = Gateway(folder / "gateway", ROUTER)
        stack.callback(self.gateway.stop)
        self.gateway.start()
        conf = self.gateway.add_node("moving", folder / "conf",
                                     f"{ROUTER}:{self.gateway.link_port}")
        self.node = Node(folder / "node", conf, TEST_IMAGE)
        stack.callback(self.node.stop)
        self.node.start(
            "--netdev", f"dgram,local.type=inet,local.host=127.0.0.1,local.port={node_port},"
            f"remote.type=inet,remote.host=127.0.0.1,remote.port={our_port}")
        self.gateway.wait_node("moving", timeout=240)


@contextlib.contextmanager
def room(folder, **first):
    """This thread, and who it starts, is in the gateway's network namespace meanwhile."""
    with Space(), contextlib.ExitStack() as stack:
        yield Room(folder, stack, first or {"lease": LEASE})
