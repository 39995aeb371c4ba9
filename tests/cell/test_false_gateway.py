# SPDX-License-Identifier: Apache-2.0
"""The node's end before a gateway that holds the right key and means no good: messages said
again, said to another kernel, and frames that are none. The node is a native one."""

import json
import os
import re
import time
import uuid

import pytest
import zmq

from lib.gateway import Gateway
from lib.native import NativeNode
from protocol import anchorhold_link as link

STALE, UNKNOWN = 8, 2
START = {**{name: 0 for name, _ in link.START.fields}, "environment": "lua", "project": "",
         "network": 1}


class FalseGateway:
    """A ROUTER with a key of its own, and the one node that pins it."""

    def __init__(self, folder):
        public, secret = zmq.curve_keypair()
        self.context = zmq.Context()
        self.socket = self.context.socket(zmq.ROUTER)
        self.socket.curve_server, self.socket.curve_secretkey = True, secret
        self.socket.linger = 0
        port = self.socket.bind_to_random_port("tcp://127.0.0.1")
        honest = Gateway(folder / "gateway").start()
        conf = honest.add_node("native", folder / "node", f"127.0.0.1:{port}")
        honest.stop()
        text = (conf / "node.conf").read_text()
        (conf / "node.conf").write_text(re.sub(r"(?m)^gateway_key = .*$", lambda _:
                                               f"gateway_key = {public.decode()}", text))
        self.route, self.number = None, 0
        self.node = NativeNode(conf)

    def take(self, timeout=20):
        """The node's next frame: its name and fields."""
        assert self.socket.poll(timeout * 1000), "the node says nothing"
        self.route, frame = self.socket.recv_multipart()
        return link.unpack(frame)

    def until(self, name, timeout=20, **wanted):
        deadline = time.monotonic() + timeout
        while time.monotonic() < deadline:
            kind, value = self.take(deadline - time.monotonic() + 1)
            if kind == name and wanted.items() <= value.items():
                return value
        raise TimeoutError(f"no {name} {wanted}")

    def send(self, name, **value):
        self.socket.send_multipart([self.route, link.pack(name, value)])

    def welcome(self):
        hello = self.until("HELLO")
        self.send("WELCOME", gateway_epoch=7, time_ms=int(time.time() * 1000))
        return hello

    def start(self):
        self.number += 1
        kernel = uuid.uuid4().bytes
        self.send("REQUEST", id=self.number, verb=1, kernel_id=kernel, **START)
        self.until("KERNEL", 60, kernel_id=kernel, state=2)
        return kernel

    def attach(self, kernel, session):
        self.send("ATTACH", kernel_id=kernel, session=session, resume=0, cursor=0,
                  credit=link.WINDOW_MAX)

    def close(self):
        self.node.stop()
        self.context.destroy(0)


@pytest.fixture
def false(tmp_path):
    gateway = FalseGateway(tmp_path)
    try:
        gateway.welcome()
        yield gateway
    finally:
        gateway.close()


def execute(code):
    header = {"msg_id": uuid.uuid4().hex, "session": "s", "username": "u", "version": "5.3",
              "date": "2026-01-01T00:00:00Z", "msg_type": "execute_request"}
    return link.blob_pack([json.dumps(part).encode() for part in (
        header, {}, {}, {"code": code, "silent": False, "allow_stdin": False})])


def message(kernel, session, seq, blob, epoch=5):
    return {"kernel_id": kernel, "incarnation": 1, "session": session, "epoch": epoch, "seq": seq,
            "channel": 0, "total": len(blob), "offset": 0, "data": blob}


def reply(false, kernel):
    """The next reply on shell of this kernel: its content."""
    out = false.until("OUT", 60, kernel_id=kernel, channel=0)
    return json.loads(link.blob_unpack(out["data"])[3])


def test_a_message_is_carried_out_once(false):
    one, two = false.start(), false.start()
    false.attach(one, 11), false.attach(two, 22)
    first = message(one, 11, 1, execute("x = (x or 0) + 1"))
    false.send("IN", **first)
    assert reply(false, one)["execution_count"] == 1
    for name, again in (("again", first), ("of another epoch's past", {**first, "seq": 2,
                                                                       "incarnation": 2})):
        false.send("IN", **again)
        assert false.until("REFUSED", kernel_id=one)["code"] == STALE, name
    false.send("IN", **{**first, "kernel_id": two})
    assert false.until("REFUSED", kernel_id=two)["code"] == UNKNOWN, "of another kernel's session"
    # The control: what is new is carried out, by both; nothing had been in between.
    false.send("IN", **message(one, 11, 2, execute("print(x)")))
    assert reply(false, one)["execution_count"] == 2
    false.send("IN", **message(two, 22, 2, execute("print(x)")))
    assert reply(false, two)["execution_count"] == 1


def nonsense():
    whole = link.pack("REQUEST", {"id": 1, "verb": 8, "kernel_id": bytes(16)})
    yield "nothing", [b""]
    yield "another version", [bytes([link.VERSION + 1]) + whole[1:]]
    yield "another type", [bytes([link.VERSION, 99])]
    yield "a node's own frame", [link.pack("EVENT_ACK", {"seq": 1})[:1] + bytes([3]) + bytes(36)]
    yield "a byte too few", [whole[:-1]]
    yield "a byte too many", [whole + b"x"]
    yield "noise", [os.urandom(5000)]
    yield "zeros to the ceiling", [bytes(link.FRAME_MAX)]
    yield "over the ceiling", [bytes(link.FRAME_MAX + 1)]
    yield "a second welcome", [link.pack("WELCOME", {"gateway_epoch": 7, "time_ms": 1})]
    yield "many parts", [whole] * 100


def memory(pid):
    with open(f"/proc/{pid}/status", encoding="ascii") as status:
        return next(int(line.split()[1]) for line in status if line.startswith("RssAnon"))


def test_nonsense_ends_the_connection_and_nothing_else(false):
    kernel = false.start()
    (role,) = false.node.children("link")
    before = memory(role)
    for name, parts in nonsense():
        false.socket.send_multipart([false.route, *parts])
        kernels = [k["id"] for k in false.welcome()["kernels"]]
        assert kernels == [kernel], name
    assert false.node.children("link") == [role], "it is the same process still"
    assert memory(role) - before < 8 << 10
    false.attach(kernel, 11)
    false.send("IN", **message(kernel, 11, 1, execute("print(1)")))
    assert reply(false, kernel)["status"] == "ok"
