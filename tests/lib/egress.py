# SPDX-License-Identifier: Apache-2.0
"""A node whose cells may get out: by a second card, before an outside of the test's own."""

import pytest

from lib.cluster import Cluster
from lib.node import TEST_IMAGE, Node
from lib.outside import NODE, RESOLVER, ROUTER, SERVER, Outside

# The widest list that there is: what is refused under it is refused under every other.
EVERYTHING = {"network": "egress", "egress": ["0.0.0.0/0"], "resolvers": [RESOLVER]}


def boot(cluster, outside, name, *conf):
    """A node whose second card is eth1, before the outside."""
    folder = cluster.provision(name)
    text = (folder / "node.conf").read_text()
    (folder / "node.conf").write_text(text + "".join(line + "\n" for line in conf))
    node = Node(cluster.folder / name, folder, TEST_IMAGE)
    cluster.nodes[name] = node
    node.start("--memory", "1024", "--netdev2", outside.netdev, "--mac", "52:54:00:00:00:01",
               "--mac2", "52:54:00:00:00:02")
    node.wait_text("init: promises", 180)
    outside.move()
    cluster.gateway.wait_node(name)
    return node


@pytest.fixture(scope="module")
def world(tmp_path_factory):
    """Gateway, node and outside; who serves there is what the tests ask for by name."""
    cluster = Cluster(tmp_path_factory.mktemp("egress"))
    with Outside() as outside:
        try:
            node = boot(cluster, outside, "out-1", "interface = eth0", "egress_interface = eth1",
                        f"egress_address = {NODE}/24", f"egress_router = {ROUTER}")
            for port in (80, 81, 82, 83):
                outside.ask(serve=["tcp", "0.0.0.0", port])
            outside.ask(serve=["udp", SERVER, 80])
            outside.ask(serve=["udp", SERVER, 90])
            outside.ask(serve=["udp", RESOLVER, 5353])
            outside.ask(serve=["dns", RESOLVER, 53])
            yield cluster.gateway, node, outside
        finally:
            cluster.close()
