# SPDX-License-Identifier: Apache-2.0
"""A gateway and the nodes booted for it."""

import pathlib

from lib.gateway import Gateway
from lib.node import TEST_IMAGE, Node


class Cluster:
    """A gateway and the nodes booted for it."""

    def __init__(self, folder):
        self.folder = pathlib.Path(folder)
        self.gateway = Gateway(self.folder / "gateway").start()
        self.nodes = {}

    def provision(self, name):
        return self.gateway.add_node(name, self.folder / f"{name}.conf",
                                     f"10.0.2.2:{self.gateway.link_port}")

    def boot(self, name, image=TEST_IMAGE, options=(), conf=None, wait=True, size=None):
        node = Node(self.folder / name, conf or self.provision(name), image, size)
        self.nodes[name] = node
        node.start(*options)
        if wait:
            try:
                self.gateway.wait_node(name)
            except TimeoutError as error:
                raise TimeoutError(f"{error}\nconsole:\n{node.tail()}") from None
        return node

    def close(self):
        for node in self.nodes.values():
            node.stop()
        self.gateway.stop()
