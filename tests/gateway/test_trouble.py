# SPDX-License-Identifier: Apache-2.0
"""What a client sees of trouble: kernels that die, links and gateways that are lost."""

import threading
import time

import pytest
import websocket

import wire
from client import texts
from lib.wait import wait
from test_channels import BOTH, numbers


@BOTH
@pytest.mark.parametrize("code,why", [("memory", "its memory limit was reached"), ("crash", "signal 11")])
def test_a_kernel_dies(shared, v1, code, why):
    kernel = shared.start()
    client, bystander = shared.client(kernel, v1=v1), shared.client(kernel)
    number = client.execute(code)
    seen = client.until(lambda m: m["content"].get("execution_state") == "dead")
    own = [m for m in seen if m["parent_header"].get("msg_id") == number]
    reply = [m for m in own if m["msg_type"] == "execute_reply"]
    assert len(reply) == 1 and reply[0]["channel"] == "shell"
    assert reply[0]["content"]["status"] == "error" and why in reply[0]["content"]["evalue"]
    assert [m["content"]["ename"] for m in own if m["msg_type"] == "error"] == ["KernelDied"]
    assert own[-1]["content"] == {"execution_state": "idle"}
    assert why in texts(seen)
    assert "execute_reply" not in [m["msg_type"] for m in bystander.until(
        lambda m: m["content"].get("execution_state") == "dead")]
    model = shared.gateway.call("GET", f"/api/kernels/{kernel}").json()
    assert model["execution_state"] == "dead" and why in model["reason"]
    assert client.run("print no")[-1]["content"] == {"execution_state": "idle"}
    late = shared.client(kernel)
    late.until(lambda m: m["content"].get("execution_state") == "dead")
    reply = shared.gateway.call("POST", f"/api/kernels/{kernel}/restart", {})
    assert reply.status == 200 and reply.json()["execution_state"] == "idle"
    assert texts(client.run("print back")) == "back"
    assert shared.gateway.call("DELETE", f"/api/kernels/{kernel}").status == 204


def test_why_is_shown_where_the_kernel_never_said_busy(shared):
    """The node's own words of the limit then have no parent, which no notebook shows: the gateway
    knows what was under way."""
    kernel = shared.start()
    client, node = shared.client(kernel), shared.nodes["fake-1"]
    number, why = client.execute("mute"), "the kernel was ended: its memory limit was reached"
    before = client.run("print taken")
    node.call(lambda: node.kernel(kernel).die(wire.WHY_MEMORY, 9, f"Anchorhold: {why}"))
    seen = before + client.until(lambda m: m["content"].get("execution_state") == "dead")
    shown, reply, idle = (m for m in seen if m["parent_header"].get("msg_id") == number)
    assert (shown["msg_type"], shown["channel"]) == ("error", "iopub")
    assert (reply["msg_type"], reply["channel"]) == ("execute_reply", "shell")
    assert [m["content"]["evalue"] for m in (shown, reply)] == [why, why]
    assert why in shown["content"]["traceback"][0]
    assert idle["content"] == {"execution_state": "idle"}


def test_a_death_without_a_mark_is_told(shared):
    """Where a relay was lost, nobody writes the mark."""
    kernel = shared.start()
    client, node = shared.client(kernel), shared.nodes["fake-1"]
    number = client.execute("hang")
    client.until(lambda m: m["content"].get("execution_state") == "busy")
    node.call(lambda: node.kernel(kernel).die(wire.WHY_RELAY, 0, mark=False))
    seen = client.until(lambda m: m["content"].get("execution_state") == "dead")
    replies = [m["parent_header"]["msg_id"] for m in seen if m["msg_type"] == "execute_reply"]
    assert replies == [number]
    assert "the kernel's relay was lost" in texts(seen)


def test_output_before_a_death_comes_before_its_news(shared):
    client = shared.client(shared.start())
    client.run("print x")
    client.execute("pages 100")
    client.execute("flood 1000")
    client.execute("memory")
    seen = client.until(lambda m: m["content"].get("execution_state") == "dead", 60)
    assert numbers(1000) in texts(seen)


def test_restart_fails_what_was_under_way(shared):
    kernel = shared.start()
    client = shared.client(kernel)
    number = client.execute("hang")
    client.until(lambda m: m["content"].get("execution_state") == "busy")
    assert shared.gateway.call("POST", f"/api/kernels/{kernel}/restart", {}).status == 200
    seen = client.until(lambda m: m["content"].get("execution_state") == "idle")
    assert seen[-1]["parent_header"]["msg_id"] == number
    assert "execute_reply" in [m["msg_type"] for m in seen]
    assert not any(m["content"].get("execution_state") in ("restarting", "dead") for m in seen)
    assert texts(client.run("print on")) == "on"


def test_a_restart_nobody_asked_for_is_told(shared):
    kernel = shared.start()
    client = shared.client(kernel)
    client.run("print x")
    node = shared.nodes["fake-1"]

    def restart():
        inner = node.kernel(kernel)
        inner.tell(wire.RESTARTING, wire.WHY_MEMORY, 9)
        inner.incarnation += 1
        inner.tell(wire.STARTING)
        inner.launch()
    node.call(restart)
    seen = client.until(lambda m: m["content"].get("execution_state") == "restarting")
    assert "its memory limit was reached" in texts(seen)
    assert texts(client.run("print on")) == "on"


@pytest.mark.parametrize("code", [wire.E_BUSY, wire.E_STALE, wire.E_TOO_LARGE])
def test_a_refused_message_is_answered(shared, code):
    node = shared.nodes["fake-1"]
    client = shared.client(shared.start())
    client.run("print x")
    node.refuse_in = code
    try:
        seen = client.run("print never")
    finally:
        node.refuse_in = 0
    reply = [m for m in seen if m["msg_type"] == "execute_reply"][0]
    assert reply["content"]["ename"] == "NotAccepted"
    assert texts(client.run("print on")) == "on"


def test_deleting_closes(shared):
    kernel = shared.start()
    client = shared.client(kernel)
    client.run("print x")
    assert shared.gateway.call("DELETE", f"/api/kernels/{kernel}").status == 204
    assert client.closed() == 1000


def test_messages_wait_for_a_starting_kernel(house):
    house.node().start_delay = 1.5
    client = house.client(house.start())
    assert texts(client.run("print late")) == "late"


# ---- the link and the gateway die ----

def test_output_across_a_lost_link(house):
    node = house.node()
    kernel = house.start()
    client = house.client(kernel)
    client.run("print x")
    node.reconnect(1.0)
    inner = node.kernel(kernel)
    node.call(lambda: inner.impl.act(0, [b"{}"], "flood 3000"))
    seen = client.until(lambda m: m["content"].get("text") == "2999\n", 30)
    assert texts(seen) == numbers(3000)
    assert texts(client.run("print on")) == "on"


def test_a_request_swallowed_by_a_lost_link_is_failed(house):
    node = house.node()
    client = house.client(house.start())
    client.run("print x")
    node.swallow_in = True
    client.execute("print lost")
    time.sleep(0.3)
    node.reconnect()
    node.swallow_in = False
    seen = client.until(lambda m: m["msg_type"] == "execute_reply", 20)
    assert seen[-1]["content"]["ename"] == "LinkLost"
    assert texts(client.run("print on")) == "on"


def test_an_answer_outlives_two_lost_links(house):
    """The second one is lost while the gateway still waits for what the first one kept back."""
    node = house.node()
    kernel = house.start()
    client = house.client(kernel)
    client.run("print x")
    node.call(lambda: setattr(node, "up", False))
    logged = node.kernel(kernel).end
    client.execute("print late")
    wait(lambda: node.kernel(kernel).end > logged)
    node.swallow_attach = True
    node.reconnect()
    wait(lambda: node.up)
    node.call(node.disconnect)
    time.sleep(4)  # more than the gateway waits for the answer of a node that is there
    node.swallow_attach = False
    node.reconnect()
    seen = client.until(lambda m: m["msg_type"] == "execute_reply", 20)
    assert seen[-1]["content"]["status"] == "ok"
    seen += client.run("print on")
    assert len([m for m in seen if m["msg_type"] == "execute_reply"]) == 2
    assert texts(seen) == "lateon"


def test_a_rebooted_node(house):
    node = house.node()
    kernel = house.start()
    client = house.client(kernel)
    client.execute("hang")
    client.until(lambda m: m["content"].get("execution_state") == "busy")
    node.reboot()
    seen = client.until(lambda m: m["content"].get("execution_state") == "dead")
    assert "no longer knows it" in texts(seen)
    assert house.gateway.call("POST", f"/api/kernels/{kernel}/restart", {}).status == 200
    assert texts(client.run("print on")) == "on"


def test_a_lost_node_closes_with_1013(house):
    node = house.node()
    kernel = house.start()
    client = house.client(kernel)
    client.run("print x")
    node.close()
    house.nodes.clear()
    assert client.closed(40) == 1013
    assert house.gateway.nodes()["fake-1"]["state"] == "lost"
    with pytest.raises(websocket.WebSocketBadStatusException) as refused:
        house.client(kernel)
    assert refused.value.status_code == 503
    reply = house.gateway.call("POST", f"/api/kernels/{kernel}/interrupt", {})
    assert reply.status == 503 and "fake-1" in reply.json()["message"]
    assert house.gateway.call("DELETE", f"/api/kernels/{kernel}").status == 204
    assert house.gateway.call("GET", "/api/kernels").json() == []


def test_the_gateway_restarts(house):
    node = house.node()
    kernel = house.start()
    client = house.client(kernel)
    client.run("print x")
    codes = []
    thread = threading.Thread(target=lambda: codes.append(client.closed()))
    thread.start()
    assert house.gateway.stop() == 0
    thread.join(60)
    assert codes == [1012]
    node.call(lambda: node.kernel(kernel).impl.act(0, [b"{}"], "flood 100"))
    house.gateway.start()
    node.reconnect()
    house.gateway.wait_node("fake-1")
    model = house.gateway.call("GET", f"/api/kernels/{kernel}").json()
    assert model["execution_state"] == "idle"
    again = house.client(kernel)
    seen = again.run("print on")
    assert numbers(100) in texts(seen) and texts(seen).endswith("on")


def test_a_killed_gateway_keeps_its_kernels(house):
    import signal
    node = house.node()
    kernel = house.start()
    house.gateway.stop(signal.SIGKILL)
    house.gateway.start()
    assert [k["id"] for k in house.gateway.call("GET", "/api/kernels").json()] == [kernel]
    node.reconnect()
    house.gateway.wait_node("fake-1")
    assert texts(house.client(kernel).run("print on")) == "on"
