# SPDX-License-Identifier: Apache-2.0
"""The WebSocket: both framings, order and completeness of output, bad input."""

import json
import socket
import struct
import time

import pytest
import websocket

from client import V1, Closed, header, pack_v1, texts
from lib.processes import sockets
from lib.wait import wait

BOTH = pytest.mark.parametrize("v1", [False, True], ids=["legacy", "v1"])


def numbers(count):
    return "".join(f"{i}\n" for i in range(count))


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
    wait(lambda: model()["connections"] == 0)


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
    port = client.socket.sock.getsockname()[1]
    (end,) = sockets(shared.gateway.process.pid, port)
    with end:
        assert end.getsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY)
