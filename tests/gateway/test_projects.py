# SPDX-License-Identifier: Apache-2.0
"""Projects: who may set them, what their kernels get, and what a client may ask of them."""

import sqlite3
import subprocess
import uuid

import pytest

import wire
from lib.gateway import program

PROJECTS = "/api/anchorhold/projects"
FULL = {
    "memory_mib": 512, "cpu_milli": 500, "cpu_weight": 50, "pids_max": 64, "tmpfs_mib": 32,
    "io_kibps": 1024, "io_iops": 100, "wall_s": 3600, "idle_s": 600, "execution_s": 60,
    "grace_s": 3, "output_kibps": 2048, "output_messages": 500, "workspace": "write",
    "workspace_exec": True, "workspace_mib": 100, "workspace_inodes": 1000, "strict": True,
    "network": "egress", "egress": ["10.0.0.0/8:tcp:443", "192.0.2.0/24:udp:5000-5010"],
    "resolvers": ["10.0.0.53"], "rate_kibps": 256, "bytes_max": 1 << 33,
}


def error(reply, status, *words):
    assert reply.status == status, reply.body
    for word in words:
        assert word in reply.json()["message"], reply.body


def put(house, name, settings, status=None, method="PUT"):
    reply = house.gateway.call(method, f"{PROJECTS}/{name}", settings)
    assert reply.status in ([status] if status else (200, 201)), reply.body
    return reply.json()


def started(node, kernel):
    """What the node was asked to start this kernel with, the last time."""
    return [r[2] for r in node.requests if r[:2] == (wire.START, uuid.UUID(kernel).bytes)][-1]


def told(node, kernel):
    """The network policies that the node was told for this kernel."""
    return [r[2] for r in node.requests if r[:2] == (wire.NETWORK, uuid.UUID(kernel).bytes)]


def token(house, owner):
    out = subprocess.run([program("anchorhold-gateway"), "--add-token", owner, "--database",
                          str(house.gateway.database)], check=True, capture_output=True, text=True)
    return {"token": False, "headers": {"Authorization": "token " + out.stdout.split()[1]}}


def test_set_and_read(shared):
    made = put(shared, "full", FULL, 201)
    assert {name: made[name] for name in FULL} == FULL
    assert made["name"] == "full" and made["kernels"] == 0 and made["told"] == 0
    read = shared.gateway.call("GET", f"{PROJECTS}/full").json()
    assert {name: read[name] for name in FULL} == FULL
    assert set(read) == {*FULL, "name", "kernels"}
    assert "full" in [p["name"] for p in shared.gateway.call("GET", PROJECTS).json()]
    # PATCH changes what it names, PUT sets everything; what was read may be sent back
    changed = put(shared, "full", {"memory_mib": 1024}, 200, "PATCH")
    assert changed["memory_mib"] == 1024 and changed["cpu_milli"] == 500
    assert put(shared, "full", read, 200)["memory_mib"] == 512
    plain = put(shared, "full", {}, 200)
    assert plain["memory_mib"] == 0 and plain["network"] == "loopback" and plain["egress"] == []
    assert put(shared, "patched", {"idle_s": 5}, 201, "PATCH")["idle_s"] == 5


@pytest.mark.parametrize("body,words", [
    (b"{", ["JSON"]), (b"[]", ["object"]), ({"memory_mib": -1}, ["memory_mib -1", "0 to"]),
    ({"memory_mib": 1 << 31}, ["2147483648", "2147483647"]), ({"memory": 1}, ["'memory'"]),
    ({"network": "open"}, ["open", "sealed, loopback, egress"]),
    ({"egress": ["10.0.0.1/8"]}, ["10.0.0.1/8", "prefix"]),
    ({"egress": ["example.org:tcp:80"]}, ["example.org", "ADDRESS[/BITS]"]),
    ({"egress": ["10.0.0.0/8"] * 33}, ["32"]), ({"resolvers": ["a"]}, ["resolvers", "address"]),
    ({"workspace": None}, ["workspace", "none, read, write"]), ({"strict": "yes"}, ["true"]),
    (b'{"memory_mib":1,"memory_mib":2}', ["duplicate"]),
    ({"\u00e4" * 300: 1}, ["no setting"]), ({"network": "\u00e4" * 300}, ["expected"]),
])
def test_bad_settings_change_nothing(shared, body, words):
    put(shared, "steady", {"memory_mib": 77})
    for method in ("PUT", "PATCH"):
        error(shared.gateway.call(method, f"{PROJECTS}/steady", body), 400, *words)
    assert shared.gateway.call("GET", f"{PROJECTS}/steady").json()["memory_mib"] == 77


@pytest.mark.parametrize("name", ["A", "-a", "a_b", "a" * 64, "%C3%A4", "..", "a%20b"])
def test_bad_names(shared, name):
    reply = shared.gateway.call("PUT", f"{PROJECTS}/{name}", {})
    assert reply.status in (400, 404), reply.body
    assert not any(p["name"] == name for p in shared.gateway.call("GET", PROJECTS).json())


def test_a_kernel_gets_its_projects_settings(house):
    node = house.node()
    put(house, "full", FULL)
    kernel = house.start(project="full")
    start = started(node, kernel)
    names = {**FULL, "workspace": 2, "workspace_exec": 1, "strict": 1, "network": wire.EGRESS,
             "rules": [(0x0a000000, 8, 6, 443, 443), (0xc0000200, 24, 17, 5000, 5010)],
             "resolvers": [0x0a000035], "environment": "fake", "project": "full"}
    del names["egress"]
    assert start == names
    for path in (f"/api/kernels/{kernel}", "/api/anchorhold/kernels"):
        model = house.gateway.call("GET", path).json()
        model = model if isinstance(model, dict) else model[0]
        assert model["project"] == "full" and model["limits"] == FULL
        assert "reason" not in model
    assert house.gateway.call("GET", f"{PROJECTS}/full").json()["kernels"] == 1
    # without one, a project of the owner's name, which need not have been made
    start = started(node, house.start())
    assert start["project"] == "admin" and start["memory_mib"] == 0
    assert start["network"] == wire.LOOPBACK and "rules" not in start
    put(house, "admin", {"memory_mib": 99})
    assert started(node, house.start())["memory_mib"] == 99
    error(house.gateway.call("POST", "/api/kernels", {"name": "fake", "project": "none"}), 404,
          "'none'")
    for bad in (7, "../x", "", ["full"]):
        error(house.gateway.call("POST", "/api/kernels", {"name": "fake", "project": bad}), 400,
              "project")


@pytest.mark.parametrize("asked,got", [
    ({"memory_mib": 100}, {"memory_mib": 100, "cpu_milli": 500}),
    ({"memory_mib": 0}, {"memory_mib": 512}),
    ({"workspace": "read"}, {"workspace": 1}), ({"workspace": "none"}, {"workspace": 0}),
    ({"workspace_exec": False}, {"workspace_exec": 0}),
    ({"network": "loopback"}, {"network": 1}), ({"network": "sealed"}, {"network": 0}),
    ({"execution_s": 5, "grace_s": 1}, {"execution_s": 5, "grace_s": 1, "wall_s": 3600}),
])
def test_a_client_may_ask_for_less(shared, asked, got):
    put(shared, "full", FULL)
    kernel = shared.start(project="full", limits=asked)
    start = started(shared.nodes["fake-1"], kernel)
    assert {name: start[name] for name in got} == got
    assert start["network"] == wire.EGRESS or "rules" not in start
    shared.gateway.call("DELETE", f"/api/kernels/{kernel}")


@pytest.mark.parametrize("asked,status,words", [
    ({"memory_mib": 513}, 403, ["memory_mib", "513", "512"]),
    ({"cpu_weight": 51}, 403, ["51", "50"]), ({"grace_s": 4}, 403, ["grace_s"]),
    ({"wall_s": 3601}, 403, ["3600"]), ({"strict": False}, 403, ["strict"]),
    ({"egress": ["0.0.0.0/0"]}, 403, ["egress"]), ({"bytes_max": 5}, 403, ["bytes_max"]),
    ({"workspace_mib": 5}, 403, ["workspace_mib"]), ({"memory_mib": "1"}, 400, ["number"]),
    ({"other": 1}, 400, ["'other'"]), ([], 400, ["limits"]), (5, 400, ["limits"]),
])
def test_a_client_may_not_ask_for_more(shared, asked, status, words):
    put(shared, "full", FULL)
    before = len(shared.nodes["fake-1"].requests)
    reply = shared.gateway.call("POST", "/api/kernels", {"name": "fake", "project": "full",
                                                         "limits": asked})
    error(reply, status, *words)
    assert len(shared.nodes["fake-1"].requests) == before


def test_more_than_nothing_is_more(shared):
    put(shared, "bare", {"network": "sealed"})
    for asked, word in (({"network": "loopback"}, "sealed"), ({"workspace": "read"}, "none"),
                        ({"workspace_exec": True}, "false"), ({"cpu_weight": 101}, "100")):
        error(shared.gateway.call("POST", "/api/kernels",
                                  {"name": "fake", "project": "bare", "limits": asked}), 403, word)


def test_what_clients_send_by_themselves_is_cut(shared):
    put(shared, "full", FULL)
    env = {"KERNEL_MEMORY": "2G", "KERNEL_CPUS": "0.25"}
    kernel = shared.start(project="full", env=env)
    start = started(shared.nodes["fake-1"], kernel)
    assert (start["memory_mib"], start["cpu_milli"]) == (512, 250)


def test_only_administrators_set_and_owners_see_their_own(house):
    node = house.node()
    bob, call = token(house, "bob"), house.gateway.call
    put(house, "other", {"memory_mib": 5})
    for method in ("PUT", "PATCH"):
        for name in ("other", "bob"):
            error(call(method, f"{PROJECTS}/{name}", {}, **bob), 403, "administrator")
    error(call("GET", f"{PROJECTS}/other", **bob), 404, "'other'")
    assert call("GET", PROJECTS, **bob).json() == []
    assert call("GET", f"{PROJECTS}/bob", **bob).json()["memory_mib"] == 0
    error(call("POST", "/api/kernels", {"name": "fake", "project": "other"}, **bob), 404)
    put(house, "bob", {"memory_mib": 40})
    assert [p["name"] for p in call("GET", PROJECTS, **bob).json()] == ["bob"]
    own = call("POST", "/api/kernels", {"name": "fake"}, **bob).json()
    assert started(node, own["id"])["memory_mib"] == 40 and own["limits"]["memory_mib"] == 40


def again(house, node):
    """The gateway's next life; a real node redials by itself."""
    house.gateway.stop()
    house.gateway.start()
    node.reconnect()
    house.gateway.wait_node(node.name_)


# ---- a network policy that changes while kernels run ----

def test_a_new_network_policy_reaches_running_kernels(house):
    node = house.node()
    put(house, "net", {"network": "loopback"})
    put(house, "bystander", {"network": "loopback"})
    kernels = [house.start(project="net") for _ in range(3)]
    sealed = house.start(project="net", limits={"network": "sealed"})
    other = house.start(project="bystander")
    rules = {"network": "egress", "egress": ["10.0.0.0/8:tcp:443"], "rate_kibps": 64}
    done = put(house, "net", rules)
    assert (done["told"], done["failed"], done["away"]) == (3, [], [])
    want = {"network": wire.EGRESS, "rules": [(0x0a000000, 8, 6, 443, 443)], "resolvers": [],
            "rate_kibps": 64, "bytes_max": 0}
    assert all(told(node, kernel) == [want] for kernel in kernels)
    # nobody gets more than was asked for, nor what is another project's
    assert told(node, sealed) == [] and told(node, other) == []
    limits = house.gateway.call("GET", f"/api/kernels/{kernels[0]}").json()["limits"]
    assert limits["network"] == "egress" and limits["rate_kibps"] == 64
    # what does not change is not told again
    assert put(house, "net", {**rules, "memory_mib": 9})["told"] == 0
    assert put(house, "net", {"network": "sealed"})["told"] == 3
    assert told(node, kernels[1])[-1] == {"network": wire.SEALED}
    assert put(house, "net", {"network": "loopback"})["told"] == 3
    assert told(node, sealed) == []


def test_a_node_that_was_away_is_told_when_it_is_back(house):
    node = house.node()
    put(house, "net", {"network": "egress", "egress": ["10.0.0.0/8"]})
    kernel = house.start(project="net")
    client = house.client(kernel)
    client.run("print x")
    node.refuse_policy = wire.E_SYSTEM
    done = put(house, "net", {"network": "sealed"})
    assert done["failed"] == [{"name": kernel, "message": "system error: add rules"}] and done["told"] == 0
    node.refuse_policy = 0
    node.reconnect()
    house.gateway.wait_text("node fake-1: up.*node fake-1: up")
    client.run("print y")
    assert told(node, kernel)[-1] == {"network": wire.SEALED}
    # and so it is after the gateway's end, whether or not the node had heard
    count = len(told(node, kernel))
    again(house, node)
    house.client(kernel).run("print z")
    assert len(told(node, kernel)) == count + 1 and told(node, kernel)[-1]["network"] == 0
    limits = house.gateway.call("GET", f"/api/kernels/{kernel}").json()["limits"]
    assert limits["network"] == "sealed"


def test_a_kernel_is_started_again_with_no_more_than_it_had(house):
    node = house.node()
    put(house, "p", {**FULL, "memory_mib": 256})
    kernel = house.start(project="p", limits={"wall_s": 60, "network": "loopback"})
    # its limits outlive the gateway
    again(house, node)
    put(house, "p", {**FULL, "memory_mib": 128, "wall_s": 7200})
    client = house.client(kernel)
    client.execute("memory")
    client.until(lambda m: m["content"].get("execution_state") == "dead")
    assert house.gateway.call("POST", f"/api/kernels/{kernel}/restart", {}).status == 200
    start = started(node, kernel)
    assert (start["memory_mib"], start["wall_s"], start["network"]) == (128, 60, wire.LOOPBACK)


def test_a_damaged_project_is_not_taken_for_none(house):
    house.node()
    put(house, "p", FULL)
    for text in ("{", "[]", '{"memory_mib": "a"}', '{"unknown": 1}'):
        with sqlite3.connect(house.gateway.database) as db:
            db.execute("UPDATE projects SET settings = ? WHERE name = 'p'", (text,))
        error(house.gateway.call("POST", "/api/kernels", {"name": "fake", "project": "p"}), 500,
              "'p'")
        error(house.gateway.call("PATCH", f"{PROJECTS}/p", {}), 500, "'p'")
    put(house, "p", FULL)
    house.start(project="p")
