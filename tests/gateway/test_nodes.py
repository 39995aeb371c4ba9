# SPDX-License-Identifier: Apache-2.0
"""The operator's view: nodes, their keys, their logs, their events."""

import sqlite3
import uuid

import wire
from lib.wait import wait
from test_api import error


def test_nodes(shared):
    call = shared.gateway.call
    row = call("GET", "/api/anchorhold/nodes").json()[0]
    assert row["name"] == "fake-1" and row["state"] == "ready" and row["cpus"] == 2
    more = call("GET", "/api/anchorhold/nodes/fake-1").json()
    assert more["environments"] == ["python3", "fake"] and more["entry_to_link_ms"] == 1500
    assert call("GET", "/api/anchorhold/nodes/fake-1/logs?lines=5").json()["text"] == "one\ntwo\n"
    error(call("GET", "/api/anchorhold/nodes/none"), 404, "'none'")
    error(call("GET", "/api/anchorhold/nodes/none/logs"), 404)
    error(call("POST", "/api/anchorhold/nodes", {"name": "fake-1"}), 409)
    for bad in ("", "-x", "A", "a b", "x" * 64, "ä", "../x", None, 5):
        error(call("POST", "/api/anchorhold/nodes", {"name": bad}), 400)


def test_a_new_nodes_keys(shared):
    import zmq
    reply = shared.gateway.call("POST", "/api/anchorhold/nodes", {"name": "keys"}).json()
    assert zmq.curve_public(reply["node_key"].encode()).decode() == reply["public_key"]
    assert len(reply["gateway_key"]) == 40
    stored = shared.gateway.database.read_bytes() + \
        shared.gateway.database.with_suffix(".db-wal").read_bytes()
    assert reply["public_key"].encode() in stored
    assert reply["node_key"].encode() not in stored
    assert reply["node_key"] not in shared.gateway.log.read_text()


def acked(node, wanted):
    wait(lambda: len(node.acks) >= len(wanted), lambda: node.acks)
    assert node.acks == wanted


def test_events(house):
    node = house.node()
    kernel = house.start()
    node.call(lambda: [node.send(wire.event(i, "limit.memory", "admin", f"number {i}",
                                            uuid.UUID(kernel).bytes)) for i in (1, 2, 2, 3)])
    acked(node, [1, 2, 2, 3])
    events = house.gateway.call("GET", "/api/anchorhold/events").json()
    assert [e["text"] for e in events] == ["number 1", "number 2", "number 3"]
    assert events[0]["kind"] == "limit.memory" and events[0]["kernel"] == kernel
    after = house.gateway.call("GET", f"/api/anchorhold/events?after={events[1]['id']}").json()
    assert [e["text"] for e in after] == ["number 3"]
    last = house.gateway.call("GET", "/api/anchorhold/events?last=1").json()
    assert [e["text"] for e in last] == ["number 3"]
    assert len(house.gateway.call("GET", "/api/anchorhold/events?last=1000").json()) == 3
    # an event sent again after a reconnect is stored once
    house.rejoin(node)
    wait(lambda: node.up)
    node.call(lambda: node.send(wire.event(3, "limit.memory", "admin", "number 3")))
    acked(node, [1, 2, 2, 3, 3])
    assert len(house.gateway.call("GET", "/api/anchorhold/events").json()) == 3


def test_an_event_of_an_earlier_boot(house):
    """It keeps its own boot's id, whatever HELLO says now; the same number in two boots is two."""
    node = house.node()
    node.call(lambda: [node.send(wire.event(1, "a", why="then", boot_id=b"\7" * 16)),
                       node.send(wire.event(1, "a", why="now", boot_id=node.boot)),
                       node.send(wire.event(1, "a", why="then", boot_id=b"\7" * 16))])
    acked(node, [1, 1, 1])
    events = house.gateway.call("GET", "/api/anchorhold/events").json()
    assert [(e["text"], e["boot_id"]) for e in events] == \
        [("then", "07" * 16), ("now", node.boot.hex())]


def test_an_event_that_cannot_be_stored(house):
    """It is not acknowledged, and neither is what comes behind it, which would cover it."""
    node = house.node()
    store = sqlite3.connect(house.gateway.database)
    node.call(lambda: node.send(wire.event(1, "a")))
    acked(node, [1])
    store.execute("ALTER TABLE events RENAME TO away")
    store.commit()
    node.call(lambda: node.send(wire.event(2, "a", why="second")))
    house.gateway.wait_text("store: event of node fake-1")
    store.execute("ALTER TABLE away RENAME TO events")
    store.commit()
    store.close()
    node.call(lambda: [node.send(wire.event(3, "a", why="third")),
                       node.send(wire.event(2, "a", why="second")),
                       node.send(wire.event(3, "a", why="third"))])
    acked(node, [1, 2, 3])
    events = house.gateway.call("GET", "/api/anchorhold/events").json()
    assert [e["text"] for e in events] == ["", "second", "third"]
