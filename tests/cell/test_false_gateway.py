# SPDX-License-Identifier: Apache-2.0
"""The node's end before a gateway that holds the right key and means no good: messages said
again, said to another kernel, and frames that are none. The node is a native one.

ANCHORHOLD_LONG has it go on for longer; ANCHORHOLD_SECONDS says for how long a flood does,
ANCHORHOLD_MUTATIONS how many connections are tampered with, ANCHORHOLD_SEED from which seed on.
"""

import json
import os
import random
import re
import time
import uuid

import pytest
import zmq

from lib.forwarder import DOWN, Forwarder, mutated
from lib.gateway import Gateway
from lib.native import NativeNode
from protocol import anchorhold_link as link

STALE, UNKNOWN = 8, 2
WELCOME = {"gateway_epoch": 7, "tag": bytes(32), "next_key": bytes(32)}
LONG = int(os.environ.get("ANCHORHOLD_LONG", "1")) > 1
SECONDS = int(os.environ.get("ANCHORHOLD_SECONDS") or (60 if LONG else 5))  # of the flood
MUTATIONS = int(os.environ.get("ANCHORHOLD_MUTATIONS") or (300 if LONG else 12))
SEED = int(os.environ.get("ANCHORHOLD_SEED") or 0)
PIECES = 6  # of a gateway's, from its greeting to the frames behind its WELCOME
SPARE_KIB = 12 << 10  # its ceilings (link/socket.h) come to 9 MiB for a gateway
START = {**{name: 0 for name, _ in link.START.fields}, "environment": "lua", "project": "",
         "network": 1}


class Frames:
    """A ROUTER with this secret key, and what a node says to it and hears of it."""

    def __init__(self, secret):
        self.context = zmq.Context()
        self.socket = self.context.socket(zmq.ROUTER)
        self.socket.curve_server, self.socket.curve_secretkey = True, secret
        self.socket.linger = 0
        self.port = self.socket.bind_to_random_port("tcp://127.0.0.1")
        self.route = None

    def take(self, timeout=60):
        """The node's next frame: its name and fields."""
        assert self.socket.poll(timeout * 1000), "the node says nothing"
        self.route, frame = self.socket.recv_multipart()
        return link.unpack(frame)

    def until(self, name, timeout=60, **wanted):
        deadline = time.monotonic() + timeout
        while time.monotonic() < deadline:
            kind, value = self.take(deadline - time.monotonic() + 1)
            if kind == name and wanted.items() <= value.items():
                return value
        raise TimeoutError(f"no {name} {wanted}")

    def send(self, name, **value):
        self.socket.send_multipart([self.route, link.pack(name, value)])

    def attach(self, kernel, session):
        self.send("ATTACH", kernel_id=kernel, session=session, resume=0, cursor=0,
                  credit=link.WINDOW_MAX)


class FalseGateway(Frames):
    """One with a key of its own, and the one node that pins it."""

    def __init__(self, folder):
        public, secret = zmq.curve_keypair()
        super().__init__(secret)
        self.tap = Forwarder(self.port)
        port = self.tap.port
        honest = Gateway(folder / "gateway").start()
        conf = honest.add_node("native", folder / "node", f"127.0.0.1:{port}")
        honest.stop()
        text = (conf / "node.conf").read_text()
        (conf / "node.conf").write_text(re.sub(r"(?m)^gateway_key = .*$", lambda _:
                                               f"gateway_key = {public.decode()}", text))
        self.number = 0
        self.node = NativeNode(conf)

    def welcome(self):
        hello = self.hello = self.until("HELLO", 90)  # it dials with pauses of up to 45 s
        self.send("WELCOME", **WELCOME, time_ms=int(time.time() * 1000),
                  counter=hello["counter"] + 1)
        return hello

    def start(self):
        self.number += 1
        kernel = uuid.uuid4().bytes
        self.send("REQUEST", id=self.number, verb=1, kernel_id=kernel, **START)
        self.until("KERNEL", 60, kernel_id=kernel, state=2)
        return kernel

    def close(self):
        self.node.stop()
        self.tap.close()
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
    other = uuid.uuid4().bytes
    false.send("IN", **{**first, "kernel_id": other})
    assert false.until("REFUSED", kernel_id=other)["code"] == UNKNOWN, "of another node's kernel"
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
    start = link.pack("REQUEST", {"id": 1, "verb": 1, "kernel_id": b"k" * 16, **START})
    yield "a start of no kernel", [start.replace(b"k" * 16, bytes(16))]
    yield "a byte too few", [whole[:-1]]
    yield "a byte too many", [whole + b"x"]
    yield "noise", [os.urandom(5000)]
    yield "zeros to the ceiling", [bytes(link.FRAME_MAX)]
    yield "over the ceiling", [bytes(link.FRAME_MAX + 1)]
    yield "a second welcome", [link.pack("WELCOME", {**WELCOME, "time_ms": 1, "counter": 99})]
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
    assert memory(role) - before < SPARE_KIB
    false.attach(kernel, 11)
    false.send("IN", **message(kernel, 11, 1, execute("print(1)")))
    assert reply(false, kernel)["status"] == "ok"


BREACHES = {
    "what is no CURVE": lambda data: b"\x00\x20" + bytes(32) + data,
    "another byte": lambda data: data[:-1] + bytes([data[-1] ^ 1]),
    "2^62 bytes": lambda data: b"\x02\x40" + bytes(7) + data,
    "a command of 2^62 bytes": lambda data: b"\x06\x40" + bytes(7) + data,
    "a byte over": lambda data: b"\x02" + (link.FRAME_MAX + 34).to_bytes(8, "big") + data,
}


@pytest.mark.parametrize("breach", BREACHES)
def test_a_breach_behind_the_handshake(false, breach):
    """Of a man in the middle: that connection ends, and the node dials again, each time."""
    kernel = false.start()
    (role,) = false.node.children("link")
    before = memory(role)
    for number in range(20 if LONG else 3):
        false.tap.alter = lambda way, data, _: BREACHES[breach](data) if way == DOWN else data
        for _ in range(10):
            false.send("EVENT_ACK", seq=1)
        assert false.tap.connections[-1].over.wait(60), "it goes on listening"
        false.tap.alter = None
        hello = false.welcome()
        assert [k["id"] for k in hello["kernels"]] == [kernel], number
    assert false.node.children("link") == [role], "it is the same process still"
    assert memory(role) - before < SPARE_KIB
    false.attach(kernel, 11)
    false.send("IN", **message(kernel, 11, 1, execute("print(1)")))
    assert reply(false, kernel)["status"] == "ok"


class Mutation:
    """Changes one piece of what the gateway says over the next connection."""

    def __init__(self, seed):
        self.dice = random.Random(seed)
        self.left, self.done = self.dice.randrange(PIECES), False

    def __call__(self, way, data, before):
        if way != DOWN or self.done:
            return data
        self.left -= 1
        self.done = self.left < 0
        return mutated(data, self.dice) if self.done else data


def answer(false, seconds):
    """A gateway's part of joins, for so long or until one is over: was it?"""
    end = time.monotonic() + seconds
    while (left := end - time.monotonic()) > 0 and not false.tap.connections[-1].over.is_set():
        if not false.socket.poll(min(left, 0.1) * 1000):
            continue
        name, value = false.take()
        if name == "HELLO":
            false.hello, counter = value, value["counter"] + 1
            false.send("WELCOME", **WELCOME, time_ms=int(time.time() * 1000), counter=counter)
            false.send("EVENT_ACK", seq=1)
        elif name == "JOIN_ACK" and false.hello and value["counter"] == false.hello["counter"] + 1:
            return True
    return False


def joined(false, who=""):
    """Whatever it said over the last connection, which is closed: over the next the node joins.
    Its kernels."""
    deadline, false.hello = time.monotonic() + 120, None
    while not answer(false, 1):
        assert time.monotonic() < deadline, f"{who} it does not join"
        time.sleep(0.02)
    return [k["id"] for k in false.hello["kernels"]]


def test_mutated_sessions(false):
    """Whatever becomes of a gateway's bytes: that connection ends, and the node dials again."""
    kernel = false.start()
    (role,) = false.node.children("link")
    before = most = memory(role)
    changed = through = 0
    for seed in range(SEED, SEED + MUTATIONS):
        known = len(false.tap.connections)
        mutation = false.tap.alter = Mutation(seed)
        false.tap.connections[-1].close()
        deadline = time.monotonic() + 90
        while len(false.tap.connections) == known:
            assert time.monotonic() < deadline, f"seed {seed}: it does not dial"
            time.sleep(0.01)
        through += answer(false, 0.5)
        changed += mutation.done
        false.tap.alter = None
        false.tap.connections[-1].close()  # a changed length may leave it waiting
        assert joined(false, f"seed {seed}:") == [kernel], seed
        most = max(most, memory(role))
    print(f"{changed} changed, {through} joined all the same, link grew by {most - before} KiB")
    assert changed > MUTATIONS / 2 and through < MUTATIONS / 2 + 1
    assert false.node.children("link") == [role], "it is the same process still"
    assert most - before < SPARE_KIB
    false.attach(kernel, 11)
    false.send("IN", **message(kernel, 11, 1, execute("print(1)"), epoch=6))
    assert reply(false, kernel)["status"] == "ok"


def flood(kernel):
    """All that a gateway may say, over and over; none of it makes the kernel do anything."""
    other = uuid.uuid4().bytes
    yield "EVENT_ACK", {"seq": 1}
    for name in ("CREDIT", "CURSOR", "DETACH"):
        yield name, {"kernel_id": kernel, "session": 99, "value": 1 if name == "CREDIT" else 0}
    yield "REQUEST", {"id": 1, "verb": 8, "kernel_id": other}
    yield "REQUEST", {"id": 2, "verb": 5, "kernel_id": bytes(16), "lines": 1}
    yield "ATTACH", {"kernel_id": other, "session": 5, "resume": 0, "cursor": 0, "credit": 0}
    yield "IN", message(kernel, 77, 1, bytes(60000))


def test_a_gateway_that_floods_within_its_rights(false):
    """It does not read what it is answered either, until the node gives it up and dials again."""
    kernel = false.start()
    (role,) = false.node.children("link")
    before = most = memory(role)
    frames = [link.pack(name, value) for name, value in flood(kernel)]
    end, count, given_up = time.monotonic() + SECONDS, 0, 0
    while time.monotonic() < end:
        if false.tap.connections[-1].over.is_set():
            given_up += 1
            assert joined(false) == [kernel]
        for frame in frames * 20:
            try:
                false.socket.send_multipart([false.route, frame], zmq.NOBLOCK)
                count += 1
            except zmq.Again:
                time.sleep(0.001)
        most = max(most, memory(role))
    print(f"{count} frames, given up {given_up} times, link grew by {most - before} KiB")
    assert count > 500 and most - before < SPARE_KIB
    assert false.node.children("link") == [role], "it is the same process still"
    # Its answers were more than waits for a gateway: such a one is given up, and dialled again.
    false.tap.connections[-1].close()
    assert joined(false) == [kernel]
    false.attach(kernel, 11)
    false.send("IN", **message(kernel, 11, 1, execute("print(1)"), epoch=6))
    assert reply(false, kernel)["status"] == "ok"
