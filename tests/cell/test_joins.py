# SPDX-License-Identifier: Apache-2.0
"""How a node joins two gateways of one store, whichever of them is there and whatever key they
have; and secrets that let nobody in. The node is a native one."""

import contextlib
import os
import re
import signal
import sqlite3
import subprocess
import threading
import time

import pytest

from lib.forwarder import Forwarder
from lib.gateway import Gateway, program
from lib.native import NativeNode

NODES = "/api/anchorhold/nodes"
REACHED = "gateway [01] reached"


class Pair:
    """Two gateways of one store, and a node that knows both by address and by one key."""

    def __init__(self, folder):
        self.one = Gateway(folder / "gateway")
        self.two = self.one.twin()
        self.one.start(), self.two.start()
        self.folder = folder / "node"
        self.folder.mkdir()
        self.one.cli("node", "add", "new", "--gateway", f"127.0.0.1:{self.one.link_port}",
                     "--gateway", f"127.0.0.1:{self.two.link_port}",
                     "--file", str(self.folder / "node.conf"))
        self.node = NativeNode(self.folder)

    def log(self):
        return (self.folder / "hostd.log").read_text()

    def wait_log(self, pattern, times=1, timeout=90):
        deadline = time.monotonic() + timeout
        while len(re.findall(pattern, self.log())) < times:
            assert time.monotonic() < deadline, f"{pattern!r} is not {times} times in {self.log()}"
            time.sleep(0.1)

    def reached(self):
        return len(re.findall(REACHED, self.log()))

    def again(self, *changes):
        """The power goes; what `changes` do to the folder happens; it comes back. Its gateways
        notice later that it was away: what they say of it is true once its log says `reached`."""
        self.node.process.send_signal(signal.SIGKILL)
        self.node.process.wait()
        for change in changes:
            change()
        self.node = NativeNode(self.folder)

    def ready(self, *gateways):
        for gateway in gateways:
            gateway.wait_node("new", timeout=90)

    def ticket(self):
        return int((self.folder / "node.ticket").read_text().split()[0])

    def secret(self, value):
        path = self.folder / "node.conf"
        path.write_text(re.sub(r"(?m)^join_secret = .*$", f"join_secret = {value}",
                               path.read_text()))

    def refusals(self, kind):
        rows = self.one.call("GET", "/api/anchorhold/events?last=1000").json()
        return [row["text"] for row in rows if row["kind"] == f"refused.{kind}"]

    def close(self):
        self.node.stop()
        self.one.stop(), self.two.stop()


@pytest.fixture
def pair(tmp_path):
    pair = Pair(tmp_path)
    try:
        yield pair
    finally:
        pair.close()


def execute(gateway):
    """In a kernel of its own, by this gateway, now."""
    done = gateway.cli("run", "--environment", "lua", "-c", "print(6 * 7)")
    assert done.stdout.strip() == "42", done


def keys(gateway, word):
    done = subprocess.run([program("anchorhold-gateway"), word, "--database",
                           str(gateway.database)], check=True, capture_output=True, text=True)
    return done.stdout.strip().removeprefix("key: ")


def test_either_gateway_may_die(pair):
    """The node enrols once, joins both, and no join is taken for a copy's."""
    one, two = pair.one, pair.two
    pair.ready(one, two)
    assert len(re.findall("node new: enrolled", one.log.read_text() + two.log.read_text())) == 1
    for dies, serves in ((one, two), (two, one), (one, two)):
        before = pair.ticket()
        dies.stop(signal.SIGKILL)
        execute(serves)
        dies.start()
        pair.ready(dies)
        execute(dies)
        deadline = time.monotonic() + 60
        while pair.ticket() <= before:
            assert time.monotonic() < deadline, "its join left no ticket"
            time.sleep(0.1)
    reached = pair.reached()
    pair.again()
    pair.wait_log(REACHED, reached + 2)
    pair.ready(one, two)
    execute(one), execute(two)
    assert pair.refusals("ticket") == [] and one.node("new")["state"] == "ready"


def test_the_gateways_change_their_key(pair):
    """Told, pinned beside the current one, used by one gateway before the other, kept over a power
    cut although node.conf names the old one; which is then nobody's."""
    one, two = pair.one, pair.two
    pair.ready(one, two)
    current = re.search(r"(?m)^gateway_key = (.*)$",
                        (pair.folder / "node.conf").read_text()).group(1)
    old_key = one.database.with_name("gateway.db.key").read_bytes()
    following = keys(one, "--next-key")
    one.stop()
    one.start()
    pair.wait_log(re.escape(f"the gateways' key is {current}, the next {following}"))
    pair.ready(one, two)
    one.stop()
    keys(one, "--use-next-key")
    one.start()
    pair.wait_log(re.escape(f"the gateways' key is {following}\n"))
    pair.ready(one)
    execute(one)
    # the other one, which still has the old key, is not taken any more until it is started anew
    two.stop()
    two.start()
    pair.ready(two)
    execute(two)
    reached = pair.reached()
    pair.again()
    pair.wait_log(REACHED, reached + 2)
    pair.ready(one, two)
    execute(one)
    # who has stolen the old key is not believed
    two.stop()
    stolen = two.database.with_name("gateway.db.key")
    new_key = stolen.read_bytes()
    stolen.write_bytes(old_key)
    before = two.log.read_text().count("new: up")
    two.start()
    pair.wait_log("does not prove that it holds the gateway's key that this node pins")
    assert two.log.read_text().count("new: up") == before
    stolen.write_bytes(new_key)
    two.stop()
    two.start()
    pair.ready(two)
    assert pair.refusals("ticket") == []


TURNED_AWAY = "does not let this node in: its secret is unknown, used, expired"


def test_secrets_that_let_nobody_in(pair):
    """Expired, wrong, used: each is said on both sides; the right one is the control."""
    one = pair.one
    pair.two.stop()
    one.call("POST", NODES, {"name": "other", "secret": True})  # somebody is awaited all the time
    pair.ready(one)
    first = re.search(r"this node's key is (\S+), made", pair.log()).group(1)
    good = re.search(r"(?m)^join_secret = (.*)$",
                     (pair.folder / "node.conf").read_text()).group(1)

    def another_machine():
        for name in ("node.key", "node.ticket"):
            (pair.folder / name).unlink()
    pair.again(another_machine)
    pair.wait_log(TURNED_AWAY, 1)  # used
    assert any("its secret is unknown, used or expired" in text for text in pair.refusals("secret"))
    one.cli("node", "revoke", "new")
    reply = one.call("POST", NODES, {"name": "new", "secret": True}).json()
    pair.again(lambda: pair.secret(reply["secret"][:16] + "0" * 48))
    pair.wait_log(TURNED_AWAY, 2)  # wrong
    brief = one.call("POST", NODES, {"name": "new", "secret": True, "expires_s": 1}).json()
    pair.again(lambda: pair.secret(brief["secret"]), lambda: time.sleep(1.1))
    pair.wait_log(TURNED_AWAY, 3)  # expired
    assert one.node("new")["state"] == "revoked"
    reply = one.call("POST", NODES, {"name": "new", "secret": True}).json()
    pair.again(lambda: pair.secret(reply["secret"]))
    pair.ready(one)
    assert one.node("new")["key"] != first
    assert good not in pair.log() + one.log.read_text()


# ---- a power cut at any point of a join ----


class Rack:
    """A gateway and a node, one of which loses its power when so much has crossed between them."""

    def __init__(self, folder):
        self.gateway = Gateway(folder / "gateway").start()
        self.tap = Forwarder(self.gateway.link_port, self.cross)
        self.folder = folder / "node"
        self.folder.mkdir()
        self.gateway.cli("node", "add", "new", "--gateway", f"127.0.0.1:{self.tap.port}",
                         "--file", str(self.folder / "node.conf"))
        self.node, self.lock, self.off = None, threading.Lock(), threading.Event()
        self.crossed, self.wanted, self.victim, self.gets_on = 0, 0, "node", False

    def cross(self, way, data, before):
        with self.lock:
            self.crossed += 1
            if self.off.is_set() or self.crossed != self.wanted:
                return data
            self.node_off() if self.victim == "node" else self.gateway.stop(signal.SIGKILL)
            self.off.set()
            return data if self.gets_on else None

    def node_off(self):
        for pid in (self.node.process.pid, *self.node.children("link")):
            os.kill(pid, signal.SIGKILL)
        self.node.process.wait()

    def tickets(self):
        """The node's, and the one that its gateway knows to be there."""
        path = self.folder / "node.ticket"
        kept = int(path.read_text().split()[0]) if path.exists() else 0
        with contextlib.closing(sqlite3.connect(self.gateway.database)) as store:
            rows = store.execute("SELECT joined FROM nodes WHERE name = 'new'").fetchall()
        return kept, rows[0][0] if rows else 0

    def start(self, wanted):
        """Power for all. False: the join was over before so much had crossed."""
        if self.node is not None and self.node.process.poll() is None:
            self.node_off()
        if self.gateway.process is None:
            self.gateway.start()
        before = self.tickets()[0]
        with self.lock:
            self.off.clear()
            self.crossed, self.wanted = 0, wanted
            self.node = NativeNode(self.folder)
        deadline = time.monotonic() + 90
        while not self.off.wait(0.02):
            kept, known = self.tickets()
            if kept > before and kept == known:
                break
            said = self.gateway.log.read_text()
            assert not re.search(r"refused\.(ticket|locked|secret)", said), said
            assert time.monotonic() < deadline, self.node.log.read_text()
        with self.lock:
            self.wanted = 0
            return self.off.is_set()

    def close(self):
        if self.node is not None:
            self.node.stop()
        self.tap.close()
        self.gateway.stop()


@pytest.fixture
def rack(tmp_path):
    rack = Rack(tmp_path)
    try:
        yield rack
    finally:
        rack.close()


@pytest.mark.parametrize("victim,gets_on", [("node", True), ("node", False), ("gateway", True)])
def test_the_power_goes_at_any_point_of_a_join(rack, victim, gets_on):
    """From the enrolment on, one cut after the other, each a little later; what was under way
    gets on all the same, or is lost. The control: a copy is locked, in tests/link/test_enrol.py."""
    rack.victim, rack.gets_on = victim, gets_on
    cuts = []
    for _ in ("as it enrols", "as it joins"):
        wanted = 1
        while rack.start(wanted):
            wanted += 1
        cuts.append(wanted - 1)
    print(f"the power of the {victim} was cut {cuts} times")
    assert min(cuts) > 8, "it was not cut at each point of a join"
    rack.gateway.wait_node("new", timeout=90)
    execute(rack.gateway)
