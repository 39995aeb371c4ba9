# SPDX-License-Identifier: Apache-2.0
"""The WebSocket: both framings, order and completeness of output, deaths, bad input."""

import json
import struct
import threading
import time

import pytest
import websocket

import wire
from client import V1, Client, Closed, header, pack_v1, texts

BOTH = pytest.mark.parametrize("v1", [False, True], ids=["legacy", "v1"])


def numbers(count):
    return "".join(f"{i}\n" for i in range(count))


def wait(condition, timeout=10):
    deadline = time.monotonic() + timeout
    while time.monotonic() < deadline:
        if condition():
            return True
        time.sleep(0.02)
    return False


@BOTH
def test_execute(shared, v1):
    client = shared.client(shared.start(), v1=v1)
    seen = client.run("print hello")
    assert texts(seen) == "hello"
    reply = [m for m in seen if m["msg_type"] == "execute_reply"][0]
    assert reply["channel"] == "shell" and reply["content"]["status"] == "ok"
    assert {m["channel"] for m in seen} == {"shell", "iopub"}
    client.close()


@BOTH
def test_control_and_stdin(shared, v1):
    client = shared.client(shared.start(), v1=v1)
    number = client.send("kernel_info_request", {}, channel="control")
    seen = client.until(lambda m: m["msg_type"] == "kernel_info_reply")
    assert seen[-1]["channel"] == "control" and seen[-1]["parent_header"]["msg_id"] == number
    client.execute("input")
    seen = client.until(lambda m: m["msg_type"] == "input_request")
    assert seen[-1]["channel"] == "stdin"
    client.send("input_reply", {"value": "typed"}, channel="stdin")
    assert "got typed" in texts(client.until(lambda m: m["msg_type"] == "stream"))


def test_channel_may_be_missing(shared):
    client = shared.client(shared.start())
    for channel in ({}, {"channel": None}):
        message = {"header": {**header("kernel_info_request"), "date": 1700000000.25},
                   "content": {}, **channel}
        client.socket.send(json.dumps(message))
        client.until(lambda m: m["msg_type"] == "kernel_info_reply")


@BOTH
def test_buffers_both_ways(shared, v1):
    client = shared.client(shared.start(), v1=v1)
    sent = [b"\x00\xff" * 500, b"", b"z"]
    got = [m for m in client.run("buffers", buffers=sent) if m["msg_type"] == "comm_msg"][0]
    assert got["buffers"] == [bytes(range(256)), b"", b"end"]
    assert got["content"]["got"] == [b.hex() for b in sent]


def test_binary_in_a_text_frame(shared):
    """What jupyter_server and notebook make of a message with buffers on its way to a gateway."""
    client = shared.client(shared.start())
    got = client.run("buffers", buffers=[b"\x80\xff\xfe"], as_text=True)
    assert [m for m in got if m["msg_type"] == "comm_msg"][0]["content"]["got"] == ["80fffe"]


@BOTH
def test_large_messages(shared, v1):
    client = shared.client(shared.start(), v1=v1)
    for size in (1, 65536, 3_000_000, 15_000_000):
        seen = client.run(f"big {size}", 60)
        data = [m for m in seen if m["msg_type"] == "display_data"][0]
        assert data["content"]["data"]["text/plain"] == "x" * size
    seen = client.run("print " + "y" * 12_000_000, 60)
    assert texts(seen) == "y" * 12_000_000


@BOTH
def test_many_messages_in_order(shared, v1):
    client = shared.client(shared.start(), v1=v1)
    assert texts(client.run("flood 5000", 60)) == numbers(5000)


def pages(messages):
    return [int(line.rstrip(".")) for line in texts(messages).splitlines()]


def test_a_slow_reader_loses_nothing_and_holds_little(shared):
    kernel = shared.start()
    client = shared.client(kernel)
    client.execute("pages 400")
    time.sleep(2)
    inner = shared.nodes["fake-1"].kernel(kernel)
    session = list(inner.sessions.values())[0]
    assert session.sent < inner.end, "credit held the node back"
    got = client.until(lambda m: m["content"].get("execution_state") == "idle", 60)
    assert pages(got) == list(range(400))


def test_one_slow_reader_does_not_slow_another(shared):
    kernel = shared.start()
    slow, quick = shared.client(kernel), shared.client(kernel)
    assert pages(quick.run("pages 400", 60)) == list(range(400))
    assert pages(slow.until(lambda m: m["content"].get("execution_state") == "idle", 60)) \
        == list(range(400))


def test_replies_go_to_who_asked(shared):
    kernel = shared.start()
    one, two = shared.client(kernel), shared.client(kernel)
    number = one.run("print x")[0]["parent_header"]["msg_id"]
    seen = two.until(lambda m: m["content"].get("execution_state") == "idle")
    assert texts(seen) == "x" and seen[0]["parent_header"]["msg_id"] == number
    assert all(m["channel"] == "iopub" for m in seen)


def test_pongs_move_the_cursor(shared):
    node, kernel = shared.nodes["fake-1"], shared.start()
    node.cursors.clear()
    client = shared.client(kernel)
    client.run("flood 100")
    client.socket.settimeout(2.5)
    with pytest.raises(websocket.WebSocketTimeoutException):
        client.receive()  # reading answers pings
    assert node.cursors and node.cursors[-1] == node.kernel(kernel).end
    client.close()
    again = shared.client(kernel)
    seen = again.run("print only")
    assert texts(seen) == "only"


def test_what_was_not_proven_is_repeated_to_the_next(shared):
    kernel = shared.start()
    client = shared.client(kernel)
    client.execute("flood 500")
    time.sleep(1)
    client.socket.sock.close()  # without reading a byte
    time.sleep(0.3)
    again = shared.client(kernel)
    seen = again.until(lambda m: m["content"].get("execution_state") == "idle")
    assert texts(seen) == numbers(500)


def test_state_and_activity(shared):
    call, kernel = shared.gateway.call, shared.start()
    model = lambda: call("GET", f"/api/kernels/{kernel}").json()  # noqa: E731
    client = shared.client(kernel)
    assert model()["connections"] == 1 and model()["execution_state"] == "idle"
    client.execute("hang")
    client.until(lambda m: m["content"].get("execution_state") == "busy")
    assert model()["execution_state"] == "busy"
    before = model()["last_activity"]
    # what clients poll with neither makes it idle nor counts as activity
    other = shared.client(shared.start())
    other.send("kernel_info_request", {})
    other.until(lambda m: m["content"].get("execution_state") == "idle")
    assert model()["execution_state"] == "busy" and model()["last_activity"] >= before
    client.close()
    assert wait(lambda: model()["connections"] == 0)


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
    thread.join(10)
    assert codes == [1012]
    node.call(lambda: node.kernel(kernel).impl.act(0, [b"{}"], "flood 100"))
    house.gateway.start()
    node.reconnect()
    house.gateway.wait_node("fake-1", timeout=30)
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
    house.gateway.wait_node("fake-1", timeout=30)
    assert texts(house.client(kernel).run("print on")) == "on"


# ---- bad input ----

def bad_frames():
    head = json.dumps(header("execute_request")).encode()
    yield "no json", False, b"{"
    yield "not an object", False, b"[]"
    yield "no header", False, b'{"content":{}}'
    yield "no msg_id", False, b'{"header":{"msg_type":"x"},"content":{}}'
    yield "header twice", False, b'{"header":' + head + b',"header":' + head + b'}'
    yield "content no object", False, b'{"header":' + head + b',"content":7}'
    yield "unknown channel", False, b'{"header":' + head + b',"channel":"other"}'
    yield "iopub", False, b'{"header":' + head + b',"channel":"iopub"}'
    yield "nan", False, b'{"header":' + head + b',"content":{"x":NaN}}'
    yield "deep", False, b'{"header":' + head + b',"content":' + b'{"a":' * 5000 + b"1" + b"}" * 5000 + b"}"
    yield "binary short", True, b"\x00\x00"
    yield "binary count", True, struct.pack(">II", 0xffffffff, 8) + b"{}"
    yield "binary offsets", True, struct.pack(">III", 2, 12, 0xfffffff0) + b"{}"
    yield "binary backwards", True, struct.pack(">III", 2, 12, 4) + b"{}"
    yield "text of zeros", False, b"\x00" * 64


@pytest.mark.parametrize("binary,data", [row[1:] for row in bad_frames()],
                         ids=[row[0] for row in bad_frames()])
def test_bad_legacy_messages(shared, binary, data):
    client = shared.client(shared.start())
    client.socket.send(data, websocket.ABNF.OPCODE_BINARY if binary else websocket.ABNF.OPCODE_TEXT)
    with pytest.raises(Closed) as closed:
        while True:
            client.receive()
    assert closed.value.code in (1007, 1009) and closed.value.reason


def bad_v1():
    parts = [json.dumps(header("x")).encode(), b"{}", b"{}", b"{}"]
    good = pack_v1("shell", parts)
    yield "empty", b"\x00"
    yield "count", struct.pack("<Q", 2 ** 63) + good[8:]
    yield "few", pack_v1("shell", parts[:3])
    yield "last offset", good[:48] + struct.pack("<Q", 10 ** 6) + good[56:]
    yield "first offset", good[:8] + struct.pack("<Q", 7) + good[16:]
    yield "backwards", good[:16] + struct.pack("<QQ", 90, 80) + good[32:]
    yield "channel", pack_v1("iopub", parts)
    yield "long channel", pack_v1("s" * 1000, parts)
    yield "no json", pack_v1("shell", [b"nope", b"{}", b"{}", b"{}"])
    yield "many", pack_v1("shell", parts + [b""] * 100)
    yield "cut", good[:-1]


@pytest.mark.parametrize("data", [row[1] for row in bad_v1()], ids=[row[0] for row in bad_v1()])
def test_bad_v1_messages(shared, data):
    client = shared.client(shared.start(), v1=True)
    client.socket.send_binary(data)
    assert client.closed() in (1007, 1009)


def test_text_in_v1(shared):
    client = shared.client(shared.start(), v1=True)
    client.socket.send(json.dumps({"header": header("x"), "content": {}}))
    assert client.closed() == 1007


def test_too_large(shared):
    client = shared.client(shared.start())
    try:
        client.execute("x" * (17 * 1024 * 1024))
        assert client.closed() == 1009
    except (ConnectionError, websocket.WebSocketConnectionClosedException):
        pass
    assert shared.gateway.call("GET", "/api").status == 200


def test_a_kernels_bad_message_is_told(shared):
    client = shared.client(shared.start())
    seen = client.run("bad")
    assert "malformed message" in texts(seen)


def test_null_parent_becomes_an_object(shared):
    for v1 in (False, True):
        client = shared.client(shared.start(), v1=v1)
        got = [m for m in client.run("raw x") if m["msg_type"] == "stream"][0]
        assert got["parent_header"] == {}


@pytest.mark.parametrize("path,token,status", [
    ("/api/kernels/{k}/channels", "none", 401),
    ("/api/kernels/{k}/channels?token=" + "0" * 40, "none", 401),
    ("/api/kernels/11111111-2222-3333-4444-555555555555/channels", "query", 404),
    ("/api/kernels", "query", 404), ("/x", "query", 404),
])
def test_refused_upgrades(shared, path, token, status):
    kernel = shared.start()
    with pytest.raises(websocket.WebSocketBadStatusException) as refused:
        shared.client(kernel, path=path.format(k=kernel), token=token)
    assert refused.value.status_code == status


def test_unknown_subprotocol(shared):
    with pytest.raises(websocket.WebSocketBadStatusException) as refused:
        websocket.create_connection(
            f"ws://127.0.0.1:{shared.gateway.http_port}/t/{shared.gateway.token}"
            f"/api/kernels/{shared.start()}/channels", subprotocols=["other"])
    assert refused.value.status_code == 400


def test_subprotocol_among_others(shared):
    ws = websocket.create_connection(
        f"ws://127.0.0.1:{shared.gateway.http_port}/t/{shared.gateway.token}"
        f"/api/kernels/{shared.start()}/channels", subprotocols=["other", V1])
    assert ws.getsubprotocol() == V1


def test_no_delay(shared):
    """Small messages are not held back by Nagle: a stock server needs some 45 ms a cell."""
    client = shared.client(shared.start())
    client.run("print x")
    took = []
    for _ in range(50):
        begun = time.monotonic()
        client.run("print x")
        took.append(time.monotonic() - begun)
    assert sorted(took)[25] < 0.035
