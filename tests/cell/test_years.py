# SPDX-License-Identifier: Apache-2.0
"""A node that nobody looks after does not expire: however long it was silent, it is let in. Its
gateway's clock goes ten years ahead. What does have a time is the control: a one-time secret, given
together with the node's own and not used in time. The nodes are native ones."""

import re
import signal

import pytest

from lib.gateway import Gateway, clock
from lib.native import NativeNode
from lib.wait import wait
from test_joins import NODES, REACHED, TURNED_AWAY, execute

DAYS = 3653


class Machine:
    """A native node, whose power may go."""

    def __init__(self, gateway, name, folder):
        self.folder, self.node = folder, None
        folder.mkdir()
        gateway.cli("node", "add", name, "--gateway", f"127.0.0.1:{gateway.link_port}",
                    "--file", str(folder / "node.conf"))

    def on(self):
        self.node = NativeNode(self.folder)

    def off(self):
        self.node.process.send_signal(signal.SIGKILL)
        self.node.process.wait()

    def said(self, pattern):
        return len(re.findall(pattern, self.node.log.read_text()))

    def ticket(self):
        path = self.folder / "node.ticket"
        return int(path.read_text().split()[0]) if path.exists() else 0

    def close(self):
        if self.node is not None:
            self.node.stop()


class Place:
    """A gateway, a node that enrols at once, and another that does not."""

    def __init__(self, folder):
        self.gateway = Gateway(folder / "gateway").start()
        self.prompt, self.late = (Machine(self.gateway, name, folder / name)
                                  for name in ("prompt", "late"))
        self.reached = self.ticket = 0

    def restart(self, days):
        self.gateway.stop()
        self.gateway.environment = clock(days) if days else {}
        self.gateway.start()

    def joined(self):
        """By the ticket of its last join, and it serves."""
        wait(lambda: self.prompt.said(REACHED) > self.reached, "it is not let in", 120)
        wait(lambda: self.prompt.ticket() > self.ticket, "its join left no ticket")
        self.reached, self.ticket = self.prompt.said(REACHED), self.prompt.ticket()
        self.gateway.wait_node("prompt")
        execute(self.gateway)

    def refused(self):
        rows = self.gateway.call("GET", "/api/anchorhold/events?last=1000").json()
        return [row["text"] for row in rows if row["kind"].startswith("refused.")]

    def close(self):
        self.prompt.close(), self.late.close()
        self.gateway.stop()


@pytest.fixture
def place(tmp_path):
    place = Place(tmp_path)
    try:
        yield place
    finally:
        place.close()


def test_years_of_silence(place):
    gateway, prompt, late = place.gateway, place.prompt, place.late
    prompt.on()
    place.joined()
    year = int(gateway.call("GET", "/api/status").json()["started"][:4])
    prompt.off()
    place.restart(DAYS)
    assert int(gateway.call("GET", "/api/status").json()["started"][:4]) >= year + 10
    prompt.on()
    place.joined()
    place.restart(DAYS)
    place.joined()
    assert place.refused() == []
    # the control; somebody is awaited, so that strangers are heard at all
    assert "late" not in gateway.nodes()
    assert gateway.call("POST", NODES, {"name": "other", "secret": True}).status == 201
    late.on()
    wait(lambda: late.said(TURNED_AWAY), "its secret is good for ever", 120)
    assert any(text.endswith("its secret is unknown, used or expired") for text in place.refused())
    late.off()
    # nothing but the time was against it
    place.restart(0)
    late.on()
    gateway.wait_node("late")
    place.joined()
