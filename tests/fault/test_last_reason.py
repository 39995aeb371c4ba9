# SPDX-License-Identifier: Apache-2.0
"""A kernel dies and is cleared away while no gateway is there, and then the link dies: how the kernel
ended is told all the same. For the monitor's death see tests/cell/test_monitor_killed.py."""

import os
import signal

from conftest import House
from lib.wait import wait


def model(gateway, kernel):
    return gateway.call("GET", f"/api/kernels/{kernel}").json()


def start(house):
    """A kernel that is at rest, and its process."""
    before = house.node.kernels()
    kernel = house.gateway.call("POST", "/api/kernels", {"name": "lua"}).json()["id"]
    wait(lambda: model(house.gateway, kernel)["execution_state"] == "idle", "it does not start")
    (pid,) = set(house.node.kernels()) - set(before)
    return kernel, pid


def die(house, pid):
    """With its relay, which nobody reads."""
    relays = len(house.node.children("relay"))
    os.kill(pid, signal.SIGKILL)
    wait(lambda: len(house.node.children("relay")) < relays, "its relay stays")


def kill_link(node):
    (role,) = node.children("link")
    os.kill(role, signal.SIGKILL)
    wait(lambda: node.children("link") not in ([], [role]), "no other link comes")


def reached(node):
    return node.log.read_text().count("gateway 0 reached")


def test_a_reason_outlives_the_link(tmp_path):
    house = House(tmp_path)
    try:
        (one, pid), (other, _) = start(house), start(house)
        house.gateway.stop()
        die(house, pid)
        kill_link(house.node)
        before = reached(house.node)
        house.gateway.start()
        wait(lambda: reached(house.node) > before, "no gateway is reached")
        wait(lambda: model(house.gateway, one)["execution_state"] == "dead", "nobody is told")
        found = model(house.gateway, one)
        assert found["reason_name"] == "signal" and "9" in found["reason"], found
        wait(lambda: model(house.gateway, other)["execution_state"] == "idle", "it does not live on")
        # Told once, it may be told again: over a connection of the next link.
        kill_link(house.node)
        house.gateway.wait_node("native")
        assert model(house.gateway, one)["reason_name"] == "signal"
    finally:
        house.stop()
