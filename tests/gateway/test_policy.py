# SPDX-License-Identifier: Apache-2.0
"""What is done to kernels that run: a network policy of their own, the kill switch, usage."""

import sqlite3
import time
import uuid

import pytest

import wire
from lib.wait import wait
from test_projects import again, error, put, token, told

CUT = "/api/anchorhold/cut"
NONE = "11111111-2222-3333-4444-555555555555"


def path(kernel, what):
    return f"/api/anchorhold/kernels/{kernel}/{what}"


def cuts(node, kernel=None):
    """The switch as the node was told: for one kernel, or for all of it."""
    number = bytes(16) if kernel is None else uuid.UUID(kernel).bytes
    return [r[2]["on"] for r in node.requests if r[:2] == (wire.CUT, number)]


def settled(call, want):
    wait(lambda: call() == want, lambda: f"{call()} is not {want}")


# ---- network ----

def test_a_kernels_own_network_policy(house):
    node = house.node()
    kernel = house.start()
    reply = house.gateway.call("PUT", path(kernel, "network"), {
        "network": "egress", "egress": ["10.0.0.0/8:tcp:443"], "bytes_max": 1000})
    assert reply.status == 200
    assert reply.json() == {"network": "egress", "egress": ["10.0.0.0/8:tcp:443"], "resolvers": [],
                            "rate_kibps": 0, "bytes_max": 1000}
    assert told(node, kernel)[-1]["rules"] == [(0x0a000000, 8, 6, 443, 443)]
    # only what is named changes
    reply = house.gateway.call("PUT", path(kernel, "network"), {"rate_kibps": 8}).json()
    assert reply["bytes_max"] == 1000 and told(node, kernel)[-1]["rate_kibps"] == 8
    for body, words in (({"network": "x"}, ["x", "sealed"]), ({"memory_mib": 1}, ["memory_mib"]),
                        ({"egress": ["1.2.3.4/8"]}, ["prefix"]), (b"[]", ["object"])):
        error(house.gateway.call("PUT", path(kernel, "network"), body), 400, *words)
    count = len(told(node, kernel))
    node.refuse_policy = wire.E_SYSTEM
    error(house.gateway.call("PUT", path(kernel, "network"), {"network": "sealed"}), 500,
          "not taken over", "system error", "add rules")
    assert len(told(node, kernel)) == count + 1


def test_who_may(house):
    house.node()
    bob = token(house, "bob")
    own = house.gateway.call("POST", "/api/kernels", {"name": "fake"}, **bob).json()["id"]
    for what, body in ((path(own, "network"), {"network": "egress"}), (CUT, {"on": True})):
        error(house.gateway.call("PUT", what, body, **bob), 403, "administrator")
    error(house.gateway.call("GET", CUT, **bob), 403)
    assert house.gateway.call("GET", path(own, "usage"), **bob).status == 200
    error(house.gateway.call("GET", path(house.start(), "usage"), **bob), 404)
    for what in ("network", "usage"):
        error(house.gateway.call("GET" if what == "usage" else "PUT", path(NONE, what), {}), 404)


def test_a_dead_kernel_has_neither(shared):
    kernel = shared.start()
    client = shared.client(kernel)
    client.execute("crash")
    client.until(lambda m: m["content"].get("execution_state") == "dead")
    error(shared.gateway.call("PUT", path(kernel, "network"), {"network": "sealed"}), 409, "dead")
    error(shared.gateway.call("GET", path(kernel, "usage")), 409, "dead")


# ---- the kill switch ----

def test_one_kernel_is_cut_off(house):
    node = house.node()
    kernel, other = house.start(), house.start()
    done = house.gateway.call("PUT", CUT, {"on": True, "kernel": kernel})
    assert done.json() == {"on": True, "told": 1, "failed": [], "away": []}
    assert cuts(node, kernel) == [1] and cuts(node, other) == [] and cuts(node) == []
    rows = {k["id"]: k["cut"] for k in house.gateway.call("GET", "/api/anchorhold/kernels").json()}
    assert rows == {kernel: True, other: False}
    assert house.gateway.call("GET", CUT).json() == {"all": False, "nodes": [], "kernels": [kernel]}
    # it stays cut over a lost link, the gateway's end and its own death
    node.reconnect()
    settled(lambda: cuts(node, kernel), [1, 1])
    again(house, node)
    settled(lambda: cuts(node, kernel), [1, 1, 1])
    client = house.client(kernel)
    client.execute("crash")
    client.until(lambda m: m["content"].get("execution_state") == "dead")
    assert house.gateway.call("POST", f"/api/kernels/{kernel}/restart", {}).status == 200
    settled(lambda: cuts(node, kernel), [1, 1, 1, 1])
    verbs = [r[0] for r in node.requests if r[1] == uuid.UUID(kernel).bytes]
    assert verbs[-2:] == [wire.START, wire.CUT]
    assert house.gateway.call("PUT", CUT, {"on": False, "kernel": kernel}).json()["told"] == 1
    assert cuts(node, kernel)[-1] == 0
    assert house.gateway.call("GET", CUT).json()["kernels"] == []
    # of a kernel that is gone nothing is left
    house.gateway.call("PUT", CUT, {"on": True, "kernel": kernel})
    assert house.gateway.call("DELETE", f"/api/kernels/{kernel}").status == 204
    assert house.gateway.call("GET", CUT).json()["kernels"] == []


def test_nodes_and_all(house):
    one, two = house.node("fake-1"), house.node("fake-2")
    call = house.gateway.call
    assert call("PUT", CUT, {"on": True, "node": "fake-1"}).json()["told"] == 1
    assert (cuts(one), cuts(two)) == ([1], [])
    assert [n["cut"] for n in call("GET", "/api/anchorhold/nodes").json()] == [True, False]
    assert call("PUT", CUT, {"on": True}).json()["told"] == 2
    assert (cuts(one), cuts(two)) == ([1, 1], [1])
    kernel = house.start()
    assert call("GET", "/api/anchorhold/kernels").json()[0]["cut"] is True
    assert call("GET", CUT).json() == {"all": True, "nodes": ["fake-1"], "kernels": []}
    # a node of its own switch stays cut when that of all is lifted, and the other way round
    assert call("PUT", CUT, {"on": False}).json()["told"] == 2
    assert (cuts(one), cuts(two)) == ([1, 1, 1], [1, 0])
    assert call("PUT", CUT, {"on": True}).status == 200
    assert call("PUT", CUT, {"on": False, "node": "fake-1"}).json()["told"] == 1
    assert cuts(one)[-1] == 1
    # who comes while all is cut hears it before anything else
    three = house.node("fake-3")
    settled(lambda: cuts(three), [1])
    assert three.requests[0][0] == wire.CUT
    assert call("DELETE", f"/api/kernels/{kernel}").status == 204


def test_the_switch_waits_for_nodes_that_are_away(house):
    one, two = house.node("fake-1"), house.node("fake-2")
    house.disconnect(two)
    done = house.gateway.call("PUT", CUT, {"on": True}).json()
    assert (done["told"], done["failed"], done["away"]) == (1, [], ["fake-2"])
    one.refuse_policy = wire.E_SYSTEM
    done = house.gateway.call("PUT", CUT, {"on": True}).json()
    assert done["failed"] == [{"name": "fake-1", "message": "system error: add rules"}]
    one.refuse_policy = 0
    again(house, one)
    two.call(two.connect)
    settled(lambda: cuts(two), [1])
    # lifted while it is away: heard as well
    house.disconnect(two)
    assert house.gateway.call("PUT", CUT, {"on": False}).json()["away"] == ["fake-2"]
    two.call(two.connect)
    settled(lambda: cuts(two), [1, 0])


@pytest.mark.parametrize("body,status,words", [
    ({}, 400, ["on"]), ({"on": 1}, 400, ["on"]), ({"on": True, "kernel": NONE}, 404, [NONE]),
    ({"on": True, "kernel": 5}, 404, ["kernel"]), ({"on": True, "node": "none"}, 404, ["'none'"]),
    ({"on": True, "node": None}, 404, ["node"]), (b"[]", 400, ["object"]),
    ({"on": True, "node": "fake-1", "kernel": NONE}, 400, ["not both"]),
])
def test_bad_switches_cut_nothing(shared, body, status, words):
    before = len(shared.nodes["fake-1"].requests)
    error(shared.gateway.call("PUT", CUT, body), status, *words)
    assert len(shared.nodes["fake-1"].requests) == before
    assert shared.gateway.call("GET", CUT).json()["all"] is False


def test_a_client_that_leaves_does_not_stop_the_switch(house):
    import http.client
    import json
    node = house.node()
    node.hold_policy = True
    connection = http.client.HTTPConnection("127.0.0.1", house.gateway.http_port, timeout=5)
    connection.request("PUT", CUT, json.dumps({"on": True}),
                       {"Authorization": f"token {house.gateway.token}"})
    settled(lambda: cuts(node), [1])
    connection.close()
    time.sleep(0.2)
    node.call(node.release)
    assert house.gateway.call("GET", CUT).json()["all"] is True


def test_what_cannot_be_stored_is_cut_all_the_same(house):
    node, kernel = house.node(), house.start()
    with sqlite3.connect(house.gateway.database) as db:
        db.execute("DROP TABLE cuts")
    for body, name in (({"node": "fake-1"}, "fake-1"), ({"kernel": kernel}, kernel), ({}, "fake-1")):
        done = house.gateway.call("PUT", CUT, {"on": True, **body}).json()
        assert done["failed"] == [{"name": name, "message": "it cannot be stored"}]
        assert done["told"] == 0
    settled(lambda: (cuts(node), cuts(node, kernel)), ([1, 1], [1]))
    error(house.gateway.call("GET", CUT), 500, "store")


# ---- usage ----

def test_usage(shared):
    node, kernel = shared.nodes["fake-1"], shared.start()
    node.usage = b"cpu_usec 1234567\nmemory_bytes 1048576\nfuture 1\n"
    reply = shared.gateway.call("GET", path(kernel, "usage"))
    assert reply.status == 200 and reply.json() == {"cpu_usec": 1234567, "memory_bytes": 1048576}
    for text in (b"cpu_usec\n", b"cpu_usec x\n", b"cpu_usec 1", b"pids 1\npids 2\n"):
        node.usage = text
        error(shared.gateway.call("GET", path(kernel, "usage")), 502, "no usage")
    node.usage = b""
    assert shared.gateway.call("GET", path(kernel, "usage")).json() == {}


# ---- what its user is told of a limit ----

@pytest.mark.parametrize("said", ["", "Anchorhold: the kernel was ended: it is over."])
@pytest.mark.parametrize("reason,setting,words,name", [
    (wire.WHY_MEMORY, {"memory_mib": 512}, "its memory limit of 512 MiB was reached", "memory"),
    (wire.WHY_WALL, {"wall_s": 60}, "its wall-clock limit of 60 s was reached", "wall"),
    (wire.WHY_IDLE, {"idle_s": 60}, "its idle limit of 60 s was reached", "idle"),
    (wire.WHY_EXECUTION, {"execution_s": 60}, "execution's time of 60 s was reached", "execution"),
    (wire.WHY_STALLED, {"memory_mib": 512}, "stalled, its memory limit of 512 MiB", "stalled"),
])
def test_a_limit_is_named_in_the_notebook(shared, reason, setting, words, name, said):
    words = "the kernel was ended: it is over." if said else words
    put(shared, "limited", setting)
    kernel = shared.start(project="limited")
    client, node = shared.client(kernel), shared.nodes["fake-1"]
    running, waiting = client.execute("hang"), client.execute("hang")
    client.until(lambda m: m["content"].get("execution_state") == "busy")
    node.call(lambda: node.kernel(kernel).die(reason, 9, said))
    seen = client.until(lambda m: m["content"].get("execution_state") == "dead")
    for number in (running, waiting):
        own = [m for m in seen if m["parent_header"].get("msg_id") == number]
        reply, = [m["content"] for m in own if m["msg_type"] == "execute_reply"]
        shown, = [m["content"] for m in own if m["msg_type"] == "error"]
        for content in (reply, shown):
            assert content["ename"] == "KernelDied"
            assert content["evalue"].startswith("the kernel was ended: ")
            assert words in content["evalue"] and "Anchorhold" not in content["evalue"]
            assert words in content["traceback"][0]
        assert own[-1]["content"] == {"execution_state": "idle"}
    model = shared.gateway.call("GET", f"/api/kernels/{kernel}").json()
    assert words in model["reason"] and model["reason_name"] == name
    assert model["limits"][list(setting)[0]] == list(setting.values())[0]
    assert shared.gateway.call("DELETE", f"/api/kernels/{kernel}").status == 204


def test_what_the_node_has_said_is_not_said_twice(shared):
    kernel = shared.start()
    client, node = shared.client(kernel), shared.nodes["fake-1"]
    client.run("print x")

    def die(text):
        inner = node.kernel(kernel)
        if text:
            inner.impl.say(0, wire.IOPUB, "stream", b"{}", {"name": "stderr", "text": text},
                           session="anchorhold")
        inner.die(wire.WHY_MEMORY, 9)
    node.call(lambda: die("[anchorhold: memory: 512 MiB reached]\n"))
    seen = client.until(lambda m: m["content"].get("execution_state") == "dead")
    said = [m["content"]["text"] for m in seen if m["msg_type"] == "stream"]
    assert said == ["[anchorhold: memory: 512 MiB reached]\n"]
    # where the node said nothing, the gateway does
    other = shared.start()
    second = shared.client(other)
    kernel = other
    node.call(lambda: die(None))
    seen = second.until(lambda m: m["content"].get("execution_state") == "dead")
    assert len([m for m in seen if m["msg_type"] == "stream"]) == 1
