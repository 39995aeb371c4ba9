# SPDX-License-Identifier: Apache-2.0
"""Fixtures of the system tests: one gateway and one node shared by those that leave no trace."""

import pathlib
import sys

import pytest

sys.path.insert(0, str(pathlib.Path(__file__).parent))

from lib.gateway import Gateway  # noqa: E402
from lib.node import IMAGE, TEST_IMAGE, Node  # noqa: E402


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


@pytest.fixture(scope="session")
def cluster(tmp_path_factory):
    """A gateway with one booted node, `node-1`, of the test image."""
    cluster = Cluster(tmp_path_factory.mktemp("cluster"))
    try:
        cluster.boot("node-1")
        yield cluster
    finally:
        cluster.close()


@pytest.fixture
def fresh(tmp_path):
    """A gateway without nodes; the test boots what it needs and everything is stopped after."""
    cluster = Cluster(tmp_path)
    try:
        yield cluster
    finally:
        cluster.close()


@pytest.fixture
def gateway(cluster):
    return cluster.gateway


@pytest.fixture
def inside(cluster):
    return cluster.nodes["node-1"].inside


@pytest.fixture
def production_image():
    return IMAGE
