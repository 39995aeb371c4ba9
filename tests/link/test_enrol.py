# SPDX-License-Identifier: Apache-2.0
"""A real node's way in and out: its own key, a one-time secret, a copied disk, other keys."""

import asyncio
import re
import shutil
import signal
import time

import pytest

from lib.client import Session, text_of
from lib.node import Node, TEST_IMAGE

MADE = r"this node's key is ([0-9a-f]{4}(?:-[0-9a-f]{4}){7}), made at this boot"


def awaited(cluster, name):
    """A node.conf with a secret, and the secret."""
    folder = cluster.folder / f"{name}.conf"
    folder.mkdir()
    cluster.gateway.cli("node", "add", name, "--gateway", f"10.0.2.2:{cluster.gateway.link_port}",
                        "--file", str(folder / "node.conf"))
    text = (folder / "node.conf").read_text()
    return folder, re.search(r"^join_secret = (.*)$", text, re.M).group(1)


def wait_state(cluster, name, state, timeout=240):
    cluster.gateway.wait_node(name, state, timeout)


def wait_log(node, pattern, timeout=240):
    deadline = time.monotonic() + timeout
    while not re.search(pattern, node.text()):
        assert time.monotonic() < deadline, f"{pattern!r} is not on the console:\n{node.tail()}"
        time.sleep(0.2)


def boot_again(cluster, name, how=signal.SIGKILL):
    """The power goes and comes back."""
    node = cluster.nodes[name]
    node.process.send_signal(how)
    node.process.wait(30)
    node.process = None
    node.inside.close()
    node.console.rename(node.folder / "console.before")
    node.start()
    wait_log(node, "this node's key is")


def ticket(node):
    return int(node.inside.run("cat /state/node.ticket", timeout=120).split()[0])


def test_a_node_enrols_and_its_copy_locks_both(fresh):
    gateway = fresh.gateway
    conf, secret = awaited(fresh, "new")
    assert gateway.nodes()["new"]["state"] == "awaited"
    node = fresh.boot("new", conf=conf, wait=False)
    wait_state(fresh, "new", "ready")
    made = re.search(MADE, node.text()).group(1)
    assert gateway.node("new")["key"] == made
    # the key is root's alone, and neither it nor the secret is anywhere else
    files = node.inside.run("ls -ln /state", timeout=120)
    rows = {row.split()[-1]: row.split()[:4] for row in files.splitlines() if row.split()}
    for name in ("node.key", "node.conf"):
        assert rows[name][0] == "-rw-------" and rows[name][2:4] == ["0", "0"], files
    key = node.inside.run("cat /state/node.key").strip()
    said = node.text() + node.inside.run("cat /run/anchorhold/log", timeout=120)
    said += node.inside.run("cat /proc/[0-9]*/cmdline /proc/[0-9]*/environ | tr '\\0' ' '",
                            timeout=120)
    assert len(key) == 40 and key not in said and secret not in said and made in said
    deadline = time.monotonic() + 60
    while "node.ticket" not in node.inside.run("ls /state", timeout=120):
        assert time.monotonic() < deadline
        time.sleep(0.5)
    # without power for a moment it is the same node, with the next ticket
    first = ticket(node)
    boot_again(fresh, "new")
    wait_log(node, "gateway 0 reached")
    wait_state(fresh, "new", "ready")
    wait_log(node, re.escape(made))
    assert gateway.node("new")["key"] == made and "made at" not in node.text()
    deadline = time.monotonic() + 120
    while ticket(node) <= first:
        assert time.monotonic() < deadline
        time.sleep(0.5)
    # its disk is copied; then both are there
    node.stop()
    twin = Node(fresh.folder / "twin", conf, TEST_IMAGE)
    shutil.copyfile(node.disk, twin.disk)
    fresh.nodes["twin"] = twin
    node.console.rename(node.folder / "console.second")
    node.start()
    wait_log(node, "gateway 0 reached")
    wait_state(fresh, "new", "ready")
    twin.start()
    wait_state(fresh, "new", "locked")
    wait_log(twin, "two nodes have this key|refused this node's key")
    wait_log(node, "refused this node's key")
    assert "two nodes have this key" in gateway.log.read_text()


async def revoke_under_way(cluster, kernel):
    """The kernel prints; the node is revoked: its user is told within seconds, not at a lease's end."""
    session = await Session(cluster.gateway, kernel).open()
    try:
        _, outputs = await session.execute('print("before")')
        assert text_of(outputs).strip() == "before"
        cluster.gateway.cli("node", "revoke", "one")
        assert cluster.gateway.nodes()["one"]["state"] == "revoked"
        with pytest.raises(Exception):
            await asyncio.wait_for(session.execute('print("after")'), 15)
    finally:
        session.close()


def test_other_keys_and_then_none(fresh):
    gateway = fresh.gateway
    node = fresh.boot("one")
    before = gateway.node("one")["key"]
    reply = gateway.call("POST", "/api/kernels", {"name": "lua"}, timeout=300)
    assert reply.status == 201, reply.body
    kernel = reply.json()["id"]
    gateway.cli("node", "rotate", "one")
    deadline = time.monotonic() + 120
    while gateway.node("one")["key"] == before or gateway.node("one")["next_key"]:
        assert time.monotonic() < deadline, gateway.node("one")
        time.sleep(0.2)
    now = gateway.node("one")["key"]
    wait_log(node, "next key is its key now")
    wait_state(fresh, "one", "ready")
    assert "node.key.next" not in node.inside.run("ls /state", timeout=120)
    # its kernel lived on, and is its user's until the node is revoked
    assert gateway.call("GET", f"/api/kernels/{kernel}").status == 200
    asyncio.run(revoke_under_way(fresh, kernel))
    wait_log(node, "refused this node's key")
    assert gateway.node("one")["key"] == now
