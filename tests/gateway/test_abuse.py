# SPDX-License-Identifier: Apache-2.0
"""Floods against the gateway: after each a good node is still served, and memory is bounded.

ANCHORHOLD_LONG has each go on for longer; ANCHORHOLD_SECONDS says for how long a flood does,
ANCHORHOLD_MUTATIONS how many sessions are changed, ANCHORHOLD_SEED from which seed on.
"""

import contextlib
import os
import random
import select
import socket
import struct
import subprocess
import sys
import threading
import time

import pytest
import zmq

import wire
import zmtp
from client import texts
from lib.forwarder import UP, Forwarder, mutated, play
from test_link import Peer, greeting
from test_refusals import add, dial, wait_ups, welcome  # noqa: F401 (dial: a fixture)

LONG = int(os.environ.get("ANCHORHOLD_LONG", "1")) > 1
SECONDS = int(os.environ.get("ANCHORHOLD_SECONDS") or (60 if LONG else 5))
MUTATIONS = int(os.environ.get("ANCHORHOLD_MUTATIONS") or (3000 if LONG else 300))
SEED = int(os.environ.get("ANCHORHOLD_SEED") or 0)
SPARE_KIB = 24 << 10  # what a gateway may grow by while it is attacked


def memory(pid):
    """KiB of anonymous memory."""
    with open(f"/proc/{pid}/status", encoding="ascii") as status:
        return next(int(line.split()[1]) for line in status if line.startswith("RssAnon"))


class Watched:
    """A gateway with a good node, a kernel on it, and a client; the most memory it ever had."""

    def __init__(self, house):
        self.house, self.port = house, house.gateway.link_port
        house.node("good")
        self.kernel = house.start()
        self.client = house.client(self.kernel)
        self.count, self.slowest, self.most = 0, 0.0, 0
        self.serve()
        self.before = self.most

    def serve(self):
        """One execution of the good node's, in the midst of it all."""
        self.count += 1
        began = time.monotonic()
        assert texts(self.client.run(f"print {self.count}", timeout=60)) == str(self.count)
        self.slowest = max(self.slowest, time.monotonic() - began)
        self.measure()

    def measure(self):
        self.most = max(self.most, memory(self.house.gateway.process.pid))

    def check(self, dial):
        """It is served, another may come, a stranger is refused, and memory stayed bounded."""
        self.serve()
        welcome(self.house, dial(*add(self.house, "late")), "late")
        assert self.house.gateway.nodes()["good"]["state"] == "ready"
        grown = self.most - self.before
        print(f"grew by {grown} KiB, slowest execution {self.slowest:.2f} s")
        assert grown < SPARE_KIB


@pytest.fixture
def watched(house):
    return Watched(house)


@contextlib.contextmanager
def crowd(port, count, first=b""):
    """So many connections at once, each saying `first` and then nothing."""
    with contextlib.ExitStack() as stack:
        peers = []
        for _ in range(count):
            peers.append(stack.enter_context(socket.create_connection(("127.0.0.1", port), 30)))
            with contextlib.suppress(OSError):
                peers[-1].sendall(first)
        yield peers


def closed(peers, timeout):
    """How many of them the gateway hung up on before the time is over."""
    deadline, left = time.monotonic() + timeout, {peer.fileno(): peer for peer in peers}
    poll = select.poll()
    for number in left:
        poll.register(number, select.POLLIN)
    while left and time.monotonic() < deadline:
        for number, _ in poll.poll(200):
            try:
                data = left[number].recv(4096)
            except OSError:
                data = b""
            if not data:
                poll.unregister(number)
                del left[number]
    return len(peers) - len(left)


def captured(house, keys):
    """What a node says from its greeting to its first frames, as it went over the wire."""
    tap = Forwarder(house.gateway.link_port)
    peer = Peer(house, *keys, port=tap.port)
    try:
        peer.send(greeting())
        assert peer.receive(20000)[1] == wire.WELCOME
        peer.send(wire.status(0))
        time.sleep(0.2)
    finally:
        peer.close()
        tap.close()
    said = {way: bytes(data) for way, data in tap.connections[0].crossed.items()}
    assert len(said[UP]) > 500
    return said


def test_a_thousand_silent_connections(watched, dial):
    with crowd(watched.port, 1000) as peers:
        watched.serve()
        assert closed(peers, 60) == 1000, "who says nothing is hung up on"
    watched.check(dial)


@pytest.mark.parametrize("upto", [64, 65, 266], ids=["greeting", "a byte more", "HELLO"])
def test_a_thousand_half_handshakes(watched, dial, upto):
    said = captured(watched.house, add(watched.house, "raw"))[UP]
    with crowd(watched.port, 1000, said[:upto]) as peers:
        watched.serve()
        assert closed(peers, 60) == 1000, "who does not go on is hung up on"
    watched.check(dial)


def test_hello_at_line_rate(watched, dial):
    """The dearest thing a stranger can ask for: each HELLO costs the gateway key agreements."""
    said = captured(watched.house, add(watched.house, "raw"))[UP][:266]
    end, count = time.monotonic() + SECONDS, [0, 0]

    def flood(number):
        while time.monotonic() < end:
            with contextlib.suppress(OSError):
                with socket.create_connection(("127.0.0.1", watched.port), 10) as peer:
                    peer.sendall(said[:64])
                    peer.recv(64, socket.MSG_WAITALL)
                    peer.sendall(said[64:])
                    count[number] += b"WELCOME" in peer.recv(4096)
    threads = [threading.Thread(target=flood, args=(n,), daemon=True) for n in range(2)]
    for thread in threads:
        thread.start()
    while time.monotonic() < end:
        watched.serve()
    for thread in threads:
        thread.join(20)
    print(f"{sum(count)} handshakes begun")
    assert sum(count) > 100
    watched.check(dial)


def lengths():
    for bits in (31, 32, 62, 63):
        yield f"2^{bits}", struct.pack(">Q", (1 << bits) - (bits == 63))
    yield "a byte over", struct.pack(">Q", 96 * 1024 + 34)


LENGTHS = dict(lengths())


@pytest.mark.parametrize("flags", [2, 3, 6], ids=["message", "more", "command"])
@pytest.mark.parametrize("length", LENGTHS)
def test_a_declared_length(house, length, flags):
    """Before the handshake, then after it: refused as soon as it is read, nothing is kept."""
    keys = add(house, "raw")
    pid = house.gateway.process.pid
    head = bytes([flags]) + LENGTHS[length]
    before = memory(pid)
    with contextlib.suppress(ConnectionError):
        _, hung_up = play(house.gateway.link_port, [zmtp.greeting(b"CURVE"), head + bytes(4096)],
                          wait=60)
        assert hung_up, "the gateway waits for so much"
    injected = threading.Event()
    tap = Forwarder(house.gateway.link_port,
                    lambda way, data, before: head + data if way == UP and injected.is_set()
                    else data)
    peer = Peer(house, *keys, port=tap.port)
    try:
        peer.send(greeting())
        assert peer.receive(20000)[1] == wire.WELCOME
        injected.set()
        peer.send(wire.status(0))
        assert tap.connections[0].over.wait(20), "the gateway waits for so much"
    finally:
        peer.close()
        tap.close()
    assert memory(pid) - before < SPARE_KIB
    other = Peer(house, *keys)
    try:
        other.send(greeting())
        assert other.receive(20000)[1] == wire.WELCOME
    finally:
        other.close()


# libzmq sends no part of a message before it has all of them: so long a one does for one without
# end, for the gateway does not know that it has one.
MANY_PARTS = """
import sys, zmq
context = zmq.Context()
dealer = context.socket(zmq.DEALER)
dealer.linger = 0
public, secret, server, port, parts = sys.argv[1:]
if server:
    dealer.curve_publickey, dealer.curve_secretkey = public.encode(), secret.encode()
    dealer.curve_serverkey = server.encode()
dealer.sndtimeo = 5000
dealer.connect("tcp://127.0.0.1:" + port)
try:
    for number in range(int(parts)):
        dealer.send(bytes(65536), zmq.SNDMORE)
    dealer.send(b"end")
except zmq.Again:
    pass
import time
time.sleep(60)
"""


def many_parts(port, public=b"", secret=b"", server=b"", mib=128):
    return subprocess.Popen([sys.executable, "-c", MANY_PARTS, public.decode(), secret.decode(),
                             server.decode(), str(port), str(mib * 16)])


def test_an_endless_message(watched, dial):
    """All of libzmq's ceilings count whole messages: one that never ends has none."""
    keys = add(watched.house, "raw")
    sender = many_parts(watched.port, *keys)
    try:
        end = time.monotonic() + SECONDS
        while time.monotonic() < end:
            watched.serve()
        assert sender.poll() is None
    finally:
        sender.kill()
        sender.wait()
    watched.check(dial)


ROUTER = """
import zmq
router = zmq.Context().socket(zmq.ROUTER)
router.rcvhwm = 1
router.setsockopt(zmq.MAXMSGSIZE, 96 * 1024)
print(router.bind_to_random_port("tcp://127.0.0.1"), flush=True)
router.poll(60000)
import time
time.sleep(60)
"""


def test_an_endless_message_before_stock_libzmq():
    """The control: the same message, the same ceilings, no patch."""
    stock = subprocess.Popen([sys.executable, "-c", ROUTER], stdout=subprocess.PIPE, text=True)
    try:
        port = int(stock.stdout.readline())
        before = memory(stock.pid)
        sender = many_parts(port, mib=64)
        deadline = time.monotonic() + 60
        while memory(stock.pid) - before < 2 * SPARE_KIB and time.monotonic() < deadline:
            time.sleep(0.1)
        assert memory(stock.pid) - before >= 2 * SPARE_KIB
        sender.kill()
        sender.wait()
    finally:
        stock.kill()
        stock.wait()


def test_garbage_after_the_handshake(watched, dial):
    """A man in the middle: what he changes ends that connection and nothing else."""
    keys, noise = add(watched.house, "raw"), random.Random(7)
    for size in (500, 20000, 100000):
        broken = threading.Event()
        tap = Forwarder(watched.port, lambda to, data, before: noise.randbytes(size)
                        if broken.is_set() and to == UP else data)
        peer = Peer(watched.house, *keys, port=tap.port)
        try:
            peer.send(greeting())
            assert peer.receive(20000)[1] == wire.WELCOME
            broken.set()
            for number in range(20):
                with contextlib.suppress(zmq.Again):
                    peer.send(wire.event(number + 1, "said.once"))
            assert tap.connections[0].over.wait(60), f"{size} bytes of noise are listened to"
        finally:
            peer.close()
            tap.close()
        watched.serve()
    watched.check(dial)


def test_mutated_sessions(watched, dial):
    """Whatever becomes of a captured session's bytes: nobody is let in, nothing falls over."""
    said = captured(watched.house, add(watched.house, "raw"))[UP]
    before = watched.house.ups("raw")
    for seed in range(SEED, SEED + MUTATIONS):
        data = mutated(said, random.Random(seed))
        with contextlib.suppress(OSError):
            with socket.create_connection(("127.0.0.1", watched.port), 10) as peer:
                peer.sendall(data[:64])
                peer.settimeout(0.02)
                with contextlib.suppress(TimeoutError):
                    peer.recv(4096)
                peer.sendall(data[64:])
                with contextlib.suppress(TimeoutError):
                    while peer.recv(4096):
                        pass
        if seed % 50 == 0:
            watched.serve()
    assert watched.house.ups("raw") == before
    watched.check(dial)


def frames_of(kernel):
    """All that a node may say, over and over."""
    yield from (wire.status(1), wire.result(99, wire.OK, body=bytes(60000).replace(b"\0", b"x")))
    yield wire.kernel(kernel, 1, wire.READY)
    yield wire.refused(kernel, 1, 1, wire.SHELL, wire.E_BUSY)
    yield wire.out(kernel, 1, 1, 1, wire.IOPUB, 65536, 0, bytes(65536))


def test_a_node_that_floods_within_its_rights(watched, dial):
    """Its key is good and each of its frames is: others are served all the same."""
    peer = dial(*add(watched.house, "flood"))
    welcome(watched.house, peer, "flood")
    frames, count = list(frames_of(bytes(range(16)))), 0
    end = time.monotonic() + SECONDS
    while time.monotonic() < end:
        for _ in range(2000):
            try:
                peer.send(frames[count % len(frames)])
                count += 1
            except zmq.Again:
                time.sleep(0.001)
        watched.serve()
    print(f"{count} frames")
    assert count > 1000
    watched.check(dial)


def test_routing_ids_without_end(watched, dial):
    """One key, a routing id of its own for each connection: none is kept."""
    keys = add(watched.house, "raw")
    context = zmq.Context()
    try:
        for number in range(10000 if LONG else 500):
            socket_ = context.socket(zmq.DEALER)
            socket_.linger = 0
            socket_.routing_id = b"id-%d" % number
            socket_.curve_publickey, socket_.curve_secretkey = keys[0], keys[1]
            socket_.curve_serverkey = keys[2]
            socket_.connect(f"tcp://127.0.0.1:{watched.port}")
            socket_.send(greeting())
            assert socket_.poll(20000) and socket_.recv()[1] == wire.WELCOME
            socket_.close()
            if number % 100 == 0:
                watched.serve()
    finally:
        context.destroy(0)
    watched.check(dial)
    wait_ups(watched.house, "raw", 10000 if LONG else 500)
