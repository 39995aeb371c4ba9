# SPDX-License-Identifier: Apache-2.0
"""A cell that may get out is refused all else: the probes and the posture of one whose list is all.

That each rule of the node's firewall is what refuses, by taking it away: hostd/cell/test_egress.c.
How a list is kept to, and that nobody gets in: tests/cell/test_network.py.
"""

import time

import pytest

from attack.kernels import Hostile, execute
from attack.test_posture import look
from attack.test_real_cells import compare, real_rows, targets
from lib.cells import Cell
from lib.client import start_kernel, stop_kernel
from lib.egress import EVERYTHING, world  # noqa: F401 (world: a fixture)
from lib.outside import CELLS, OTHER, SERVER
from lib.projects import new_project

# Datagrams to everybody near and to groups: no error comes back of these.
CAST = '''
import socket, struct
def cast(address):
    s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    s.setsockopt(socket.SOL_SOCKET, socket.SO_BROADCAST, 1)
    try:
        return s.sendto(b"x", (address, 90))
    except OSError as error:
        return error.errno
'''
# Each with whether a rule of the node's is what refuses it: groups it does not even route.
GROUPS = [("255.255.255.255", True), ("10.0.2.255", True), ("224.0.0.251", False),
          ("239.1.2.3", False)]


@pytest.fixture(scope="module")
def project(world):
    return new_project(world[0], "wide", memory_mib=256, **EVERYTHING)


@pytest.fixture(scope="module")
def hostile(world, project):
    kernel = Hostile(world[0], "python", "python", project)
    try:
        yield kernel.bring()
    finally:
        stop_kernel(world[0], kernel.kernel)


def dropped(gateway, kernel):
    reply = gateway.call("GET", f"/api/anchorhold/kernels/{kernel}/usage")
    assert reply.status == 200, reply.body
    return reply.json()["network_dropped_packets"]


def test_every_probe(world, hostile):
    gateway, node, _ = world
    neighbour = start_kernel(gateway, "lua")
    try:
        words = targets(node.inside, neighbour) + " " + " ".join(row.name for row in real_rows())
        compare(hostile.probe(words), hostile.profile, "egress")
    finally:
        stop_kernel(gateway, neighbour)


def test_it_is_out(world, hostile):
    """What is refused above is not so because nothing gets out: a datagram of the same kind that
    meets no rule comes to a host, which says that nobody listens."""
    gateway, _, _ = world
    code = (f"import socket\ns = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)\ns.settimeout(20)\n"
            f"s.connect(('{OTHER}', 9))\ns.send(b'x')\n"
            "try: print(s.recv(9))\nexcept OSError as error: print(type(error).__name__)\n"
            f"print(socket.create_connection(('{SERVER}', 80), 20).getsockname()[0])")
    refused, own = execute(gateway, hostile.kernel, code).split()
    assert refused == "ConnectionRefusedError"
    assert own.split(".")[:2] == CELLS.split(".")[:2]


@pytest.mark.parametrize("address, ruled", GROUPS)
def test_groups_are_refused(world, hostile, address, ruled):
    """By no errno: the node counts it as refused, and no frame of it comes out."""
    gateway, _, outside = world
    execute(gateway, hostile.kernel, CAST)
    before, heard = dropped(gateway, hostile.kernel), len(outside.ask(heard=90))
    assert execute(gateway, hostile.kernel, f"print(cast({address!r}))").strip() == "1"
    # The same to one host, after it, comes out.
    assert execute(gateway, hostile.kernel, f"print(cast({SERVER!r}))").strip() == "1"
    deadline = time.monotonic() + 30
    while len(outside.ask(heard=90)) == heard:
        assert time.monotonic() < deadline
        time.sleep(0.2)
    seen = outside.ask(seen=True)
    assert SERVER in seen and address not in seen
    assert (dropped(gateway, hostile.kernel) > before) == ruled


@pytest.mark.parametrize("environment", ["lua-hostile", "python"])
def test_posture(world, project, environment):
    gateway, node, _ = world
    with Cell(gateway, node.inside, environment, project) as cell:
        cell.say("print(1)")
        wrong, _, snaps, facts = look(node.inside, cell, environment, "egress")
        assert wrong == ""
        # And that a card is there is missed by who expects none.
        assert "net/dev: ['eth0', 'lo']" in look(node.inside, cell, environment)[0]
